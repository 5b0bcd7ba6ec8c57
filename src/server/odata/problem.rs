//! What is refused, or failed: in the shape that OData gives errors, with a sentence for people.

use std::borrow::Cow;
use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};

use crate::graph::{Code, Json};
use crate::reports::ReportError;
use crate::server::error::{RETRY_AFTER, Refused, of_system};
use crate::systems::SystemError;

/// A request that gets no data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    code: Cow<'static, str>,
    pub(super) message: String,
    /// In seconds.
    retry_after: Option<u64>,
}

impl Problem {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code: Cow::Borrowed(code), message: message.into(), retry_after: None }
    }

    /// A question that is wrong.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, Code::BadRequest.as_str(), message)
    }

    /// A question that OData has and this feed has no answer to.
    pub(super) fn not_implemented(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, "NOT_IMPLEMENTED", message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    }

    pub(super) fn not_acceptable(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_ACCEPTABLE, "NOT_ACCEPTABLE", message)
    }

    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "FORBIDDEN", message)
    }

    pub(super) fn read_only() -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "This feed is only to be read: ask with GET.")
    }

    pub(super) fn overloaded() -> Self {
        let problem =
            Self::new(StatusCode::SERVICE_UNAVAILABLE, Code::Overloaded.as_str(), "Too many requests at once.");
        Self { retry_after: Some(1), ..problem }
    }

    pub(super) fn deadline() -> Self {
        let message = "The answer was not there in time: ask for fewer rows or columns, or raise `reports.deadline`.";
        let problem = Self::new(StatusCode::GATEWAY_TIMEOUT, Code::DeadlineExceeded.as_str(), message);
        Self { retry_after: Some(RETRY_AFTER), ..problem }
    }

    pub(super) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, Code::Internal.as_str(), "An internal error.")
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let (code, message) = refused.first();
        Self { status: refused.status(), code: Cow::Owned(code), message, retry_after: refused.seconds() }
    }
}

impl From<&Arc<SystemError>> for Problem {
    fn from(error: &Arc<SystemError>) -> Self {
        let (status, retry_after) = of_system(error);
        let message = format!("{}: {}", error.connection, error.kind.in_words());
        Self { retry_after, ..Self::new(status, Code::from(error.kind).as_str(), message) }
    }
}

impl From<ReportError> for Problem {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::System(error) => Self::from(&error),
            ReportError::Unknown(_) => Self::not_found(error.to_string()),
            ReportError::NotOwned(_) => Self::new(StatusCode::NOT_FOUND, Code::NotOwned.as_str(), error.to_string()),
            ReportError::Filter(message) => Self::bad_request(message),
            ReportError::Masked(_) => Self::new(StatusCode::FORBIDDEN, Code::FieldMasked.as_str(), error.to_string()),
            // What can only be read in part is not given in part.
            ReportError::Truncated(message) => {
                Self::new(StatusCode::BAD_GATEWAY, Code::ResultTruncated.as_str(), message)
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut json = Json::with_capacity(self.message.len() + 64);
        json.raw(br#"{"error":{"code":"#);
        json.string(&self.code);
        json.raw(br#","message":"#);
        json.string(&self.message);
        json.raw(b"}}");
        let mut response = Response::new(Body::from(json.into_bytes()));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json;odata.metadata=minimal;charset=utf-8"),
        );
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::METHOD_NOT_ALLOWED {
            headers.insert(header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        }
        response
    }
}
