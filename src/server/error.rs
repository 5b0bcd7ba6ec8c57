//! Answers that are nothing but an error: JSON, whatever was asked for, and never more than a sentence and a code.

use std::sync::Arc;

use async_graphql::{ErrorExtensionValues, ServerError};
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use super::media::Media;
use super::request_id::RequestId;
use crate::graph;
use crate::systems::SystemError;

/// The most errors of one refusal: a query of a thousand unknown fields does not get a thousand sentences.
const MOST_ERRORS: usize = 20;

/// A request that is refused, or that failed as a whole. The outermost layer writes the body ([`Refused::render`]),
/// because it knows the request's ID.
#[derive(Debug, Clone)]
pub(super) struct Refused {
    status: StatusCode,
    errors: Vec<ServerError>,
    media: Media,
}

impl Refused {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        let mut error = ServerError::new(message, None);
        set(&mut error, "code", code);
        Self { status, errors: vec![error], media: Media::Json }
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
        Self { status, errors, media: Media::Json }
    }

    /// From what a system did not answer as it should.
    pub(super) fn from_system(status: StatusCode, error: &Arc<SystemError>) -> Self {
        let error = graph::system_error(error);
        let extensions = error.extensions;
        let error = ServerError { extensions, ..ServerError::new(error.message, None) };
        Self { status, errors: vec![error], media: Media::Json }
    }

    /// As the media type that was asked for.
    pub(super) fn media(self, media: Media) -> Self {
        Self { media, ..self }
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// Writes the body into the answer that carries this refusal.
    pub(super) fn render(mut self, id: &RequestId, response: &mut Response) {
        #[derive(Serialize)]
        struct Body<'a> {
            errors: &'a [ServerError],
        }
        identify(&mut self.errors, id);
        let body = serde_json::to_vec(&Body { errors: &self.errors }).unwrap_or_default();
        *response.body_mut() = body.into();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(self.media.content_type()));
        response.headers_mut().remove(header::CONTENT_LENGTH);
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
