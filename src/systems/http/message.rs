//! What connectors and the client say to each other.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::systems::ErrorKind;
use crate::systems::upstream::Retry;

/// A call to make. Its `Debug` shows neither path nor body: they hold IDs.
#[derive(Clone)]
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
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Self { operation, method: Method::POST, path: path.into(), headers, body: Some(body.into()) }
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("operation", &self.operation)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// An answer, whole and within the cap. Its `Debug` does not show what the system said.
#[derive(Clone)]
pub struct Response {
    /// Status.
    pub status: StatusCode,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, decompressed.
    pub body: Bytes,
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
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
