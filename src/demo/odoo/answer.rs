//! Refusals in the words of both APIs.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use serde_json::{Value, json};

/// A refusal: the exception that Odoo raises.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    name: &'static str,
    message: String,
}

impl Refusal {
    fn new(status: StatusCode, name: &'static str, message: impl Into<String>) -> Self {
        Self { status, name, message: message.into() }
    }

    /// Wrong arguments.
    pub(super) fn value(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "builtins.ValueError", message)
    }

    /// Arguments that a method does not take.
    pub(super) fn arguments(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "werkzeug.exceptions.UnprocessableEntity", message)
    }

    pub(super) fn denied() -> Self {
        Self::new(StatusCode::FORBIDDEN, "odoo.exceptions.AccessDenied", "Access Denied")
    }

    pub(super) fn access(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "odoo.exceptions.AccessError", message)
    }

    pub(super) fn key() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "werkzeug.exceptions.Unauthorized", "Invalid apikey")
    }

    pub(super) fn model(model: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "odoo.exceptions.UserError", format!("Object {model} doesn't exist"))
    }

    fn body(&self) -> Value {
        json!({
            "name": self.name,
            "message": self.message,
            "arguments": [self.message],
            "context": {},
            "debug": "Traceback (most recent call last):\n  File \"/opt/odoo/odoo/http.py\", line 2000, in _serve_db\n",
        })
    }

    /// By JSON-2: with a status of its own.
    pub(super) fn json2(&self) -> Response {
        (self.status, Json(self.body())).into_response()
    }

    /// By JSON-RPC: with status 200.
    pub(super) fn json_rpc(&self, id: &Value) -> Response {
        let error = json!({ "code": 0, "message": "Odoo Server Error", "data": self.body() });
        Json(json!({ "jsonrpc": "2.0", "id": id, "error": error })).into_response()
    }
}

/// A result by JSON-RPC.
pub(super) fn json_rpc(id: &Value, result: &Value) -> Response {
    Json(json!({ "jsonrpc": "2.0", "id": id, "result": result })).into_response()
}
