//! The one HTTP client of all connectors. Every call upstream passes through it, in this order:
//!
//! allow-list → breaker → bulkhead → rate budget → retry (budget, `Retry-After`) → attempt timeout → body cap.
//!
//! It reads only: a call that is not on the connector's list of reads is refused before it leaves.

mod allow;
mod classify;
mod decode;
mod exchange;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use tokio::time::Instant;
use url::Url;

pub use allow::Allowed;
pub use classify::classify;
use exchange::{Exchange, Failed};

use super::{Call, ErrorKind, SystemError};
use crate::config::Traffic;
use crate::domain::{Clock, ConnectionName};

/// A call to make.
#[derive(Debug, Clone)]
pub struct Request {
    /// What is asked, for errors, logs and counters, e.g. `deals.batch_read`. Never holds an ID.
    pub operation: &'static str,
    /// Method.
    pub method: Method,
    /// Path and query below the connection's base URL, percent-encoded, e.g. `/crm/v3/objects/deals?limit=100`.
    pub path: String,
    /// Headers beside those of the connection.
    pub headers: HeaderMap,
    /// Body, with its `Content-Type` among the headers.
    pub body: Option<Bytes>,
}

impl Request {
    /// A GET.
    pub fn get(operation: &'static str, path: impl Into<String>) -> Self {
        Self { operation, method: Method::GET, path: path.into(), headers: HeaderMap::new(), body: None }
    }

    /// A POST of a JSON body: many vendors read by POST.
    pub fn post_json(operation: &'static str, path: impl Into<String>, body: &impl serde::Serialize) -> Self {
        let body = serde_json::to_vec(body).unwrap_or_default();
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_TYPE, http::HeaderValue::from_static("application/json"));
        Self { operation, method: Method::POST, path: path.into(), headers, body: Some(body.into()) }
    }
}

/// An answer, whole and within the cap.
#[derive(Debug, Clone)]
pub struct Response {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, decompressed.
    pub body: Bytes,
}

/// What a connector thinks of an answer: fine, or a failure with what to do about it.
pub type Classify = fn(&Response) -> Result<(), Failure>;

/// An answer that is a failure.
#[derive(Debug, Clone)]
pub struct Failure {
    /// What it is.
    pub kind: ErrorKind,
    /// Whether to ask again within this read, and when.
    pub retry: Retry,
    /// For the log: a code or a word of the system, never a record's contents.
    pub detail: Option<String>,
}

/// Whether a failed attempt is made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It would fail again.
    No,
    /// After the usual pause.
    Backoff,
    /// After this pause, if there is time for it; else the read fails now and says when to come back.
    After(Duration),
}

/// The HTTP client of one connection.
pub struct HttpClient {
    connection: ConnectionName,
    system: &'static str,
    base_url: Url,
    allowed: Vec<Allowed>,
    classify: Classify,
    traffic: Traffic,
    exchange: Exchange,
}

/// What a connector tells the client about itself.
#[derive(Debug)]
pub struct ClientOptions {
    /// The connection.
    pub connection: ConnectionName,
    /// Kind of system.
    pub system: &'static str,
    /// Base URL, without a slash at its end.
    pub base_url: Url,
    /// Headers of every call (sign-in, `Accept`); values of secrets are marked sensitive.
    pub headers: HeaderMap,
    /// The calls that may be made.
    pub allowed: Vec<Allowed>,
    /// How answers are judged; [`classify`] is the table most connectors start from.
    pub classify: Classify,
    /// Limits.
    pub traffic: Traffic,
    /// Time, for the moments people see in [`HttpClient::health`].
    pub clock: Arc<dyn Clock>,
}

/// Time left over at the end of a read, to hand the answer on before the reader is gone.
const MARGIN: Duration = Duration::from_millis(100);

impl HttpClient {
    /// Builds the client of a connection. The error's detail says what in the configuration is wrong.
    pub fn new(options: ClientOptions) -> Result<Self, SystemError> {
        let (connection, system) = (options.connection, options.system);
        let exchange = Exchange::new(&options.traffic, options.headers).map_err(|detail| SystemError {
            connection: connection.clone(),
            system,
            operation: "connect",
            kind: ErrorKind::Internal,
            retry_after: None,
            detail: Some(detail.into()),
        })?;
        Ok(Self {
            connection,
            system,
            base_url: options.base_url,
            allowed: options.allowed,
            classify: options.classify,
            traffic: options.traffic,
            exchange,
        })
    }

    /// Makes a call: all of the module's layers, then the answer that [`Classify`] let pass.
    pub async fn send(&self, call: &Call, request: Request) -> Result<Response, SystemError> {
        let Some(url) = allow::url(&self.base_url, &self.allowed, &request.method, &request.path) else {
            return Err(self.error(request.operation, ErrorKind::NotAllowed));
        };
        self.attempt(call, &url, &request)
            .await
            .map_err(|failed| SystemError { detail: failed.detail, ..self.error(request.operation, failed.kind) })
    }

    async fn attempt(&self, call: &Call, url: &Url, request: &Request) -> Result<Response, Failed> {
        let left = call.deadline.saturating_duration_since(Instant::now()).saturating_sub(MARGIN);
        let time = self.traffic.attempt_timeout.0.min(left);
        let response = tokio::time::timeout(time, self.exchange.send(url, request))
            .await
            .map_err(|_| Failed::new(ErrorKind::Timeout, Retry::No, "no whole answer in time"))??;
        (self.classify)(&response).map_err(|failure| Failed::judged(response.status, failure))?;
        Ok(response)
    }

    /// An error of this connection.
    pub fn error(&self, operation: &'static str, kind: ErrorKind) -> SystemError {
        SystemError {
            connection: self.connection.clone(),
            system: self.system,
            operation,
            kind,
            retry_after: None,
            detail: None,
        }
    }

    /// Decodes a JSON answer; a wrong shape is a [`ErrorKind::BadResponse`] whose detail names the path in the body.
    pub fn decode<'a, T: serde::Deserialize<'a>>(
        &self,
        operation: &'static str,
        response: &'a Response,
    ) -> Result<T, SystemError> {
        decode::decode(&response.body).map_err(|detail| SystemError {
            detail: Some(detail.into()),
            ..self.error(operation, ErrorKind::BadResponse)
        })
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("connection", &self.connection).finish_non_exhaustive()
    }
}
