//! Answers: bodies and headers as each dialect writes them.

use std::borrow::Cow;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, SERVER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::records::{Record, Set};
use super::value::{Dialect, write_text};
use crate::demo::control::Endpoint;

/// A refusal: status, the Service Layer's own code, and its words.
#[derive(Debug, Clone)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: i64,
    pub(super) message: Cow<'static, str>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: i64, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into() }
    }

    /// A question that cannot be answered.
    pub(super) fn bad(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, -1000, message)
    }

    pub(super) fn into_response(self, dialect: Dialect) -> Response {
        let body = match dialect {
            Dialect::V1 => {
                json!({ "error": { "code": self.code, "message": { "lang": "en-us", "value": self.message } } })
            }
            Dialect::V2 => json!({ "error": { "code": self.code.to_string(), "message": self.message } }),
        };
        json_response(self.status, dialect, body.to_string())
    }
}

/// JSON with the headers of the dialect.
pub(super) fn json_response(status: StatusCode, dialect: Dialect, body: String) -> Response {
    let content_type = match dialect {
        Dialect::V1 => "application/json;odata=minimalmetadata;charset=utf-8",
        Dialect::V2 => "application/json;odata.metadata=minimal;charset=utf-8",
    };
    typed(status, content_type, body)
}

/// A text: counts, and the answers of the query service, which are JSON all the same.
pub(super) fn text_response(body: String) -> Response {
    typed(StatusCode::OK, "text/plain", body)
}

fn typed(status: StatusCode, content_type: &'static str, body: String) -> Response {
    let mut response = (status, Body::from(body)).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(SERVER, HeaderValue::from_static("Apache/2.4.61 (Unix)"));
    response
}

/// Names the endpoint for the counters.
pub(super) fn counted(mut response: Response, name: impl Into<Cow<'static, str>>) -> Response {
    response.extensions_mut().insert(Endpoint(name.into()));
    response
}

/// Writes a record with the chosen fields, all if none are chosen.
pub(super) fn write_record(
    out: &mut String,
    record: Record<'_>,
    set: Set,
    select: Option<&[String]>,
    dialect: Dialect,
) {
    out.push('{');
    write_text(out, &dialect.annotation("etag"));
    // What real servers state for records of the first version.
    out.push_str(":\"W/\\\"356A192B7913B04C54574D18C28D46E6395428AB\\\"\"");
    let chosen = |name: &str| select.is_none_or(|names| names.iter().any(|chosen| chosen == name));
    for name in set.fields().iter().filter(|name| chosen(name)) {
        out.push(',');
        write_text(out, name);
        out.push(':');
        record.field(name).write(out, dialect);
    }
    if let Some((collection, fields)) = set.collection().filter(|(name, _)| chosen(name)) {
        out.push(',');
        write_text(out, collection);
        out.push_str(":[");
        for (at, line) in record.lines().into_iter().enumerate() {
            out.push_str(if at == 0 { "{" } else { ",{" });
            for (at, name) in fields.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_text(out, name);
                out.push(':');
                line.field(name).write(out, dialect);
            }
            out.push('}');
        }
        out.push(']');
    }
    out.push('}');
}
