//! What HubSpot answers when it refuses, and the frame of a batch answer.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use serde_json::{Map, Value, json};

/// A refusal: a status and HubSpot's JSON body for it.
#[derive(Debug)]
pub(super) struct Problem {
    status: StatusCode,
    body: Value,
}

impl Problem {
    /// 400: the question is wrong.
    pub(super) fn validation(message: &str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, json!({ "message": message, "category": "VALIDATION_ERROR" }))
    }

    /// 401.
    pub(super) fn not_signed_in() -> Self {
        let message = "Authentication credentials not found. This API supports OAuth 2.0 authentication and you can find \
                       more details at https://developers.hubspot.com/docs/methods/auth/oauth-overview";
        Self::new(StatusCode::UNAUTHORIZED, json!({ "message": message, "category": "INVALID_AUTHENTICATION" }))
    }

    /// 403: the credential lacks a scope.
    pub(super) fn missing_scope(scope: &str) -> Self {
        let body = json!({
            "message": "This app hasn't been granted all required scopes to make this call. Read more about required \
                        scopes here: https://developers.hubspot.com/scopes.",
            "category": "MISSING_SCOPES",
            "errors": [{
                "message": "One or more of the following scopes are required.",
                "context": { "requiredGranularScopes": [scope] },
            }],
            "links": { "scopes": "https://developers.hubspot.com/scopes" },
        });
        Self::new(StatusCode::FORBIDDEN, body)
    }

    /// 404: no such record, type or path.
    pub(super) fn not_found(message: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, json!({ "message": message, "category": "OBJECT_NOT_FOUND" }))
    }

    /// 429, without `Retry-After`, as HubSpot sends it.
    pub(super) fn too_many_searches() -> Self {
        let body = json!({
            "message": "You have reached your secondly limit.",
            "errorType": "RATE_LIMIT",
            "policyName": "SECONDLY",
        });
        Self::new(StatusCode::TOO_MANY_REQUESTS, body)
    }

    fn new(status: StatusCode, mut body: Value) -> Self {
        if let Some(body) = body.as_object_mut() {
            body.insert("status".to_owned(), "error".into());
            body.insert("correlationId".to_owned(), correlation_id().into());
        }
        Self { status, body }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

/// A batch answer: 200, or 207 when some inputs failed.
pub(super) fn batch(results: Vec<Value>, errors: Vec<Value>) -> Response {
    let at = "2026-01-01T00:00:00.000Z";
    let mut body = Map::new();
    body.insert("status".to_owned(), "COMPLETE".into());
    body.insert("results".to_owned(), results.into());
    let mut status = StatusCode::OK;
    if !errors.is_empty() {
        status = StatusCode::MULTI_STATUS;
        body.insert("numErrors".to_owned(), errors.len().into());
        body.insert("errors".to_owned(), errors.into());
    }
    body.insert("startedAt".to_owned(), at.into());
    body.insert("completedAt".to_owned(), at.into());
    (status, Json(Value::Object(body))).into_response()
}

fn correlation_id() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    format!("5c0f4a5b-2a4d-4d7c-9a3e-{:012x}", NEXT.fetch_add(1, Ordering::Relaxed))
}
