//! What may be there where a system should be.

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{AbortHandle, JoinHandle};
use tokio_rustls::TlsAcceptor;

use crate::sqlserver::CA_FILE;

use super::cases::Place;

const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sql/sqlserver/demo-server");

/// The places, for as long as they are needed.
pub(super) struct Places {
    closed: SocketAddr,
    tls: SocketAddr,
    black_hole: SocketAddr,
    _hole: TcpListener,
    /// They fill the backlog of the black hole.
    waiting: Vec<JoinHandle<std::io::Result<TcpStream>>>,
    serving: AbortHandle,
}

impl Places {
    pub(super) async fn open() -> Self {
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();

        // Nobody accepts, and what comes after the backlog is full is dropped.
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let hole = socket.listen(0).unwrap();
        let black_hole = hole.local_addr().unwrap();
        let waiting: Vec<_> = (0..4).map(|_| tokio::spawn(TcpStream::connect(black_hole))).collect();
        while !waiting.iter().any(JoinHandle::is_finished) {
            tokio::task::yield_now().await;
        }

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tls = listener.local_addr().unwrap();
        let certificates =
            CertificateDer::pem_file_iter(format!("{SERVER}.pem")).unwrap().map(Result::unwrap).collect();
        let key = PrivateKeyDer::from_pem_file(format!("{SERVER}.key")).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(certificates, key)
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    assert!(acceptor.accept(stream).await.is_err(), "the certificate was accepted");
                });
            }
        });
        Self { closed, tls, black_hole, _hole: hole, waiting, serving: serving.abort_handle() }
    }

    /// The URL of a place, and lines of `http` that belong to it.
    pub(super) fn of(&self, place: Place) -> (String, String) {
        let port = self.tls.port();
        match place {
            // A label of more than 63 letters: no resolver needs to be asked.
            Place::Nowhere => (format!("https://{}.example", "a".repeat(70)), String::new()),
            Place::Closed => (format!("http://{}", self.closed), String::new()),
            Place::BlackHole => (format!("http://{}", self.black_hole), "connect_timeout = \"50ms\"".to_owned()),
            Place::SelfSigned => (format!("https://localhost:{port}"), String::new()),
            Place::OtherHost => (format!("https://127.0.0.1:{port}"), format!("ca_file = \"{CA_FILE}\"")),
        }
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        self.serving.abort();
        self.waiting.iter().for_each(JoinHandle::abort);
    }
}
