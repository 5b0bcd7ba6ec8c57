//! One attempt: send, read the answer up to the cap, and say in our words what went wrong.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, StatusCode};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::Url;

use super::{ErrorKind, Failed, Failure, Request, Response, Retry};
use crate::config::Traffic;
use crate::systems::tls;
use crate::systems::upstream::address;
use crate::workers::Each;

/// Signs attempts, for systems where a signature is good for one of them only: a call that is made again is signed again.
pub trait Signer: fmt::Debug + Send + Sync {
    /// Puts the signature among the headers.
    fn sign(&self, method: &Method, url: &Url, headers: &mut HeaderMap);
}

/// What sends: the pools of connections, and the limits on one answer.
#[derive(Debug)]
pub(super) struct Exchange {
    client: Each<reqwest::Client>,
    pub(super) signer: Option<Arc<dyn Signer>>,
    idle_timeout: Duration,
    max_body: usize,
}

/// Looks up names. What it finds is asked only if a system can be there: whoever answers for a name could have it lead anywhere.
pub(super) struct Names(pub(super) Box<dyn Fn(String) -> Found + Send + Sync>);

/// The addresses of a name.
pub(super) type Found = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// The port is the URL's.
async fn found(name: String) -> io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host((name, 0)).await?.collect())
}

impl Resolve for Names {
    fn resolve(&self, name: Name) -> Resolving {
        let found = self.0(name.as_str().to_owned());
        Box::pin(async move {
            let permitted = address::permitted(found.await?.into_iter())?;
            Ok(Box::new(permitted.into_iter()) as Addrs)
        })
    }
}

/// An answer that the connector does not accept.
pub(super) fn judged(status: StatusCode, failure: Failure) -> Failed {
    let detail = match failure.detail {
        Some(detail) => format!("HTTP {}, {detail}", status.as_u16()),
        None => format!("HTTP {}", status.as_u16()),
    };
    Failed { status: Some(status.as_u16()), ..Failed::new(failure.kind, failure.retry, detail) }
}

impl Exchange {
    /// Sets up the pools. The error says what in the configuration is wrong.
    pub(super) fn new(base_url: &Url, traffic: &Traffic, headers: HeaderMap) -> Result<Self, String> {
        Self::by_names(base_url, traffic, headers, Names(Box::new(|name| Box::pin(found(name)))))
    }

    /// The same, of a host that has many addresses: this one.
    pub(super) fn at(base_url: &Url, traffic: &Traffic, headers: HeaderMap, address: IpAddr) -> Result<Self, String> {
        // The port is the URL's.
        let found = move |_| -> Found { Box::pin(async move { Ok(vec![SocketAddr::new(address, 0)]) }) };
        Self::by_names(base_url, traffic, headers, Names(Box::new(found)))
    }

    /// The same, with names looked up in another way.
    pub(super) fn by_names(
        base_url: &Url,
        traffic: &Traffic,
        mut headers: HeaderMap,
        names: Names,
    ) -> Result<Self, String> {
        if !matches!(base_url.scheme(), "http" | "https") || !base_url.has_host() {
            return Err("the base URL is not one of http or https".to_owned());
        }
        address::check_url(base_url, traffic.plain_http).map_err(|message| format!("the address {message}"))?;
        if !base_url.username().is_empty() || base_url.password().is_some() {
            return Err("the base URL holds a user name or a password".to_owned());
        }
        if base_url.query().is_some() || base_url.fragment().is_some() {
            return Err("the base URL has a `?` or a `#` part".to_owned());
        }
        headers.values_mut().for_each(|value| value.set_sensitive(true));
        let roots = traffic.ca_file.as_deref().map(tls::certificates).transpose()?.unwrap_or_default();
        let mut tls = tls::settings(true, roots)?;
        tls.alpn_protocols = vec!["h2".into(), "http/1.1".into()];
        let names = Arc::new(names);
        let client = Each::try_new(|_| {
            let builder = reqwest::Client::builder()
                .user_agent(concat!("spine/", env!("CARGO_PKG_VERSION")))
                .default_headers(headers.clone())
                .connect_timeout(traffic.connect_timeout.0)
                // Servers close idle connections after 5 s to 75 s; one that is gone costs a second attempt.
                .pool_idle_timeout(Duration::from_secs(30))
                .redirect(reqwest::redirect::Policy::none())
                .referer(false)
                .no_proxy()
                .tls_backend_preconfigured(tls.clone())
                .dns_resolver(Arc::clone(&names));
            builder.build().map_err(|error| format!("the HTTP client cannot be built: {}", cause(&error)))
        })?;
        Ok(Self { client, signer: None, idle_timeout: traffic.idle_timeout.0, max_body: traffic.max_body })
    }

    /// Sends and reads the whole answer. It takes as long as it takes: the caller bounds it.
    pub(super) async fn send(&self, url: &Url, request: &Request) -> Result<Response, Failed> {
        let mut message = reqwest::Request::new(request.method.clone(), url.clone());
        message.headers_mut().clone_from(&request.headers);
        if let Some(signer) = &self.signer {
            signer.sign(&request.method, url, message.headers_mut());
        }
        *message.body_mut() = request.body.clone().map(Into::into);
        let mut answer = self.client.execute(message).await.map_err(not_answered)?;
        let (status, headers) = (answer.status(), std::mem::take(answer.headers_mut()));
        let body = self.read(answer).await.map_err(|failed| Failed { status: Some(status.as_u16()), ..failed })?;
        Ok(Response { status, headers, body })
    }

    /// Reads the body, decompressed, and stops at the cap: what is dropped here closes the connection.
    async fn read(&self, mut answer: reqwest::Response) -> Result<Bytes, Failed> {
        let length = answer.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
        let (mut first, mut body) = (Bytes::new(), BytesMut::new());
        loop {
            let chunk = tokio::time::timeout(self.idle_timeout, answer.chunk())
                .await
                .map_err(|_| Failed::new(ErrorKind::Timeout, Retry::No, "the answer stopped half-way"))?
                .map_err(|error| {
                    let detail = format!("the answer broke off: {}", cause(&error));
                    Failed::new(ErrorKind::BadResponse, Retry::Backoff, detail)
                })?;
            let Some(chunk) = chunk else {
                return Ok(if body.is_empty() { first } else { body.freeze() });
            };
            if first.len() + body.len() + chunk.len() > self.max_body {
                let detail = format!("more than {} bytes", self.max_body);
                return Err(Failed::new(ErrorKind::TooLarge, Retry::No, detail));
            }
            // An answer in one piece is not copied; one whose length is known is copied once.
            if first.is_empty() && body.is_empty() {
                first = chunk;
                continue;
            }
            if body.is_empty() {
                body.reserve(length.min(self.max_body).max(first.len() + chunk.len()));
                body.extend_from_slice(&std::mem::take(&mut first));
            }
            body.extend_from_slice(&chunk);
        }
    }
}

/// Why there was no answer.
fn not_answered(error: reqwest::Error) -> Failed {
    let error = error.without_url();
    if !error.is_connect() {
        let detail = format!("the connection broke before the answer: {}", cause(&error));
        return Failed { stale: true, ..Failed::new(ErrorKind::Connect, Retry::No, detail) };
    }
    let tcp = sources(&error).filter_map(|source| source.downcast_ref::<io::Error>()).find_map(io::Error::raw_os_error);
    // A refused or reset connection may be a restart. The rest does not get better within a request.
    let (step, retry) = if error.is_timeout() {
        ("timeout", Retry::No)
    } else if error.is_dns() {
        ("DNS", Retry::No)
    } else if tcp.is_some() {
        ("TCP", Retry::Backoff)
    } else {
        ("TLS", Retry::No)
    };
    Failed::new(ErrorKind::Connect, retry, format!("{step}: {}", cause(&error)))
}

/// The innermost reason in words, short and on one line. It speaks of sockets and certificates, not of the URL.
fn cause(error: &reqwest::Error) -> String {
    let innermost = sources(error).last().map_or_else(|| error.to_string(), ToString::to_string);
    innermost.chars().filter(|c| !c.is_control()).take(160).collect()
}

fn sources(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |error| (**error).source())
}
