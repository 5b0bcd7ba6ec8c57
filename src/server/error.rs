//! Answers that are nothing but an error: JSON, whatever was asked for, and never more than a sentence and a code.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{ErrorExtensionValues, ServerError};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use super::media::Media;
use super::request_id::RequestId;
use crate::graph;
use crate::systems::{ErrorKind, SystemError};

/// When to ask again, in seconds, where no system said it; and the longest that BI tools wait.
pub(super) const RETRY_AFTER: u64 = 10;
const LONGEST_RETRY_AFTER: u64 = 120;

/// With which status a feed answers when a system failed it, and after how many seconds it makes sense to ask again.
///
/// 503 and 504 are for what passes by itself: BI tools ask again. 502 is for what somebody must put right. A system's 401 and
/// 403 never become one of ours: they are about Spine's credential, and a BI tool would ask a person for theirs.
pub(super) fn of_system(error: &SystemError) -> (StatusCode, Option<u64>) {
    let status = match error.kind {
        ErrorKind::Deadline => StatusCode::GATEWAY_TIMEOUT,
        ErrorKind::NotAllowed | ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        kind if kind.retryable() => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::BAD_GATEWAY,
    };
    let said = error.retry_after.map(|after| after.as_secs() + u64::from(after.subsec_nanos() > 0));
    let seconds = said.unwrap_or(RETRY_AFTER).clamp(1, LONGEST_RETRY_AFTER);
    (status, error.kind.retryable().then_some(seconds))
}

/// The most errors of one refusal: a query of a thousand unknown fields does not get a thousand sentences.
const MOST_ERRORS: usize = 20;

/// A request that is refused, or that failed as a whole. The outermost layer writes the body ([`Refused::render`]),
/// because it knows the request's ID.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    status: StatusCode,
    errors: Vec<ServerError>,
    media: Media,
    /// When to ask again, in seconds.
    retry_after: Option<u64>,
}

impl Refused {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let mut error = ServerError::new(message, None);
        set(&mut error, "code", code);
        Self { status, errors: vec![error], media: Media::Json, retry_after: None }
    }

    /// A request that does not say what it should.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BAD_REQUEST", message)
    }

    /// A defect in Spine; what it was stands in the log.
    pub(super) fn internal() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL", "An internal error.")
    }

    /// From the errors of a GraphQL request that was not executed.
    pub(super) fn from_errors(status: StatusCode, all: Vec<ServerError>) -> Self {
        let mut errors: Vec<ServerError> = Vec::new();
        for error in all {
            // The validator walks the document twice, and says some things twice.
            if errors.len() < MOST_ERRORS && !errors.contains(&error) {
                errors.push(error);
            }
        }
        name(&mut errors, "GRAPHQL_VALIDATION_FAILED");
        Self { status, errors, media: Media::Json, retry_after: None }
    }

    /// From what a system did not answer as it should.
    pub(super) fn from_system(status: StatusCode, error: &Arc<SystemError>) -> Self {
        let error = graph::system_error(error);
        let extensions = error.extensions;
        let error = ServerError { extensions, ..ServerError::new(error.message, None) };
        Self { status, errors: vec![error], media: Media::Json, retry_after: None }
    }

    /// As the media type that was asked for.
    pub(super) fn media(self, media: Media) -> Self {
        Self { media, ..self }
    }

    /// With the time after which it makes sense to ask again.
    pub(super) fn retry_after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)), ..self }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// Code and message of the first of its errors.
    pub(super) fn first(&self) -> (String, String) {
        let error = self.errors.first();
        let code = error.and_then(|error| error.extensions.as_ref()?.get("code").map(ToString::to_string));
        let message = error.map(|error| error.message.clone()).unwrap_or_default();
        (code.unwrap_or_default().trim_matches('"').to_owned(), message)
    }

    /// When to ask again, in seconds.
    pub(super) fn seconds(&self) -> Option<u64> {
        self.retry_after
    }

    /// What is wrong, with the request's ID.
    pub(super) fn errors(mut self, id: &RequestId) -> Vec<ServerError> {
        identify(&mut self.errors, id);
        self.errors
    }

    /// The text that says what is wrong.
    pub(super) fn body(self, id: &RequestId) -> Vec<u8> {
        #[derive(Serialize)]
        struct Body {
            errors: Vec<ServerError>,
        }
        serde_json::to_vec(&Body { errors: self.errors(id) }).unwrap_or_default()
    }

    /// Writes the body into the answer that carries this refusal.
    pub(super) fn render(self, id: &RequestId, response: &mut Response) {
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media.content_type()));
        headers.remove(header::CONTENT_LENGTH);
        if let Some(seconds) = self.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        *response.body_mut() = self.body(id).into();
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Puts the request's ID into each error, so that a person can name the request that failed.
pub(super) fn identify(errors: &mut [ServerError], id: &RequestId) {
    for error in errors {
        set(error, "requestId", id.as_str());
    }
}

/// Gives a code to each error that has none.
pub(super) fn name(errors: &mut [ServerError], code: &str) {
    for error in errors {
        if error.extensions.as_ref().is_none_or(|extensions| extensions.get("code").is_none()) {
            set(error, "code", code);
        }
    }
}

fn set(error: &mut ServerError, key: &str, value: &str) {
    error.extensions.get_or_insert_with(ErrorExtensionValues::default).set(key, value);
}
