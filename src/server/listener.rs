//! Connections: how many, how long they may lie idle, and how they end. What answers can be replaced while they are open.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tower::ServiceExt;

use super::headers;
use super::sign_in::Peer;
use super::tls::{ClientCertificate, Tls};
use super::unread::Unread;
use crate::config::ServerOptions;
use crate::workers;

/// The most headers of a request, and the most bytes they take together.
const MAX_HEADERS: usize = 100;
const MAX_HEAD: usize = 64 * 1024;

/// How long to wait when no connection can be accepted, e.g. because the process has too many open files.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

/// What a connection holds while it is open, and whoever takes it over: a place among all, and the server's end.
pub(super) struct Held {
    _place: OwnedSemaphorePermit,
    _open: TaskTrackerToken,
}

/// What answers at a listener. It is replaced as a whole: a request is answered by what is there when its head has come, and
/// so is finished by what it was begun with.
#[derive(Debug, Clone)]
pub struct Answering {
    /// The routes.
    pub router: Router,
    /// TLS of new connections; none for plain HTTP.
    pub tls: Option<Tls>,
    /// The rules at the door.
    pub options: Arc<ServerOptions>,
    /// Which configuration it is of, counted from the start.
    pub generation: u64,
}

/// Answers up to `most` connections until `stop`, then lets requests in flight finish for `shutdown_timeout` and ends the rest.
///
/// HTTP/1.1: programs and proxies speak it to a server behind them, and its connections can be given a time in which
/// the head of a request must have come.
pub async fn serve(listener: TcpListener, answering: watch::Receiver<Answering>, most: usize, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(most));
    let connections = TaskTracker::new();
    let end = CancellationToken::new();
    loop {
        let accepted = async {
            // Whoever finds no place waits in the system's queue.
            let place = Arc::clone(&places).acquire_owned().await.ok()?;
            match listener.accept().await {
                Ok((stream, peer)) => Some((place, stream, peer)),
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    None
                }
            }
        };
        let (place, stream, peer) = tokio::select! {
            accepted = accepted => match accepted {
                Some(accepted) => accepted,
                None => continue,
            },
            () = stop.cancelled() => break,
        };
        // An answer is written at once, not when the next packet is full.
        drop(stream.set_nodelay(true));
        let Answering { tls, options, generation, .. } = answering.borrow().clone();
        let held = Arc::new(Held { _place: place, _open: connections.token() });
        let caller = Caller { peer, certificate: None, generation, held };
        let (answering, stop) = (answering.clone(), stop.clone());
        let patience = options.idle_timeout.0;
        let Ok(stream) = stream.into_std() else { continue };
        let end = end.clone();
        workers::spawn(move || async move {
            // Who cannot be registered is gone.
            let Ok(stream) = TcpStream::from_std(stream) else { return };
            let stream = Unread::new(stream, options.write_timeout.0);
            let connection = async move {
                let mut http = http1::Builder::new();
                http.timer(TokioTimer::new())
                    .header_read_timeout(patience)
                    .max_headers(MAX_HEADERS)
                    .max_header_size(MAX_HEAD);
                let Some(Tls { acceptor, .. }) = tls else {
                    return converse(&http, stream, answering, caller, stop).await;
                };
                // Who does not shake hands in time, or not at all, is gone.
                let Ok(Ok(stream)) = tokio::time::timeout(patience, acceptor.accept(stream)).await else { return };
                let certificate = ClientCertificate::of(stream.get_ref().1.peer_certificates());
                converse(&http, stream, answering, Caller { certificate, ..caller }, stop).await;
            };
            tokio::select! {
                () = connection => {}
                () = end.cancelled() => {}
            }
        });
    }
    drop(listener);
    connections.close();
    tracing::info!(server.connections = connections.len(), "stopping");
    let patience = answering.borrow().options.shutdown_timeout.0;
    if tokio::time::timeout(patience, connections.wait()).await.is_err() {
        tracing::warn!("some requests did not finish in time");
    }
    end.cancel();
}

/// Where a connection comes from, and what it holds.
#[derive(Clone)]
struct Caller {
    peer: SocketAddr,
    certificate: Option<ClientCertificate>,
    /// The configuration by which the certificate was taken.
    generation: u64,
    held: Arc<Held>,
}

impl Caller {
    /// Writes upon a request where it comes from. A certificate of an authority that is no longer trusted is nobody's.
    fn sign(&self, extensions: &mut http::Extensions, now: &Answering) {
        extensions.insert(Peer(self.peer.ip()));
        extensions.insert(Arc::clone(&self.held));
        let is_good = |shown: &&ClientCertificate| {
            self.generation == now.generation || now.tls.as_ref().is_some_and(|tls| tls.takes(shown))
        };
        if let Some(certificate) = self.certificate.as_ref().filter(is_good) {
            extensions.insert(certificate.clone());
        }
    }
}

/// Answers what comes by one connection; after `stop` no more than what has begun.
async fn converse<Stream>(
    http: &http1::Builder,
    stream: Stream,
    answering: watch::Receiver<Answering>,
    caller: Caller,
    stop: CancellationToken,
) where
    Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = tower::service_fn(move |mut request: http::Request<Incoming>| {
        let now = answering.borrow().clone();
        caller.sign(request.extensions_mut(), &now);
        async move {
            let answer = async move |request| {
                let Ok(response) = now.router.oneshot(request).await;
                response
            };
            Ok::<_, Infallible>(headers::complete(request.map(Body::new), answer).await)
        }
    });
    let connection = http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(service)).with_upgrades();
    let mut connection = pin!(connection);
    // What goes wrong on a connection is the caller's to see.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    drop(connection.await);
}
