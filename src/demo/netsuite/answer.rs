//! Answers: bodies as the vendor writes them.

use std::fmt::Write;

use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::sql::Answer;
use crate::demo::control::Endpoint;

const JSON: &str = "application/vnd.oracle.resource+json; type=collection; charset=UTF-8";
const ERROR: &str = "application/vnd.oracle.resource+json; type=error; charset=UTF-8";

/// A refusal: its status, the vendor's code, its words, and which part of the request it is about.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    pub(super) detail: String,
    /// E.g. `o:errorQueryParam` and `limit`.
    pub(super) about: Option<(&'static str, &'static str)>,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), about: None }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut detail = json!({ "detail": self.detail, "o:errorCode": self.code });
        if let (Some((name, value)), Some(fields)) = (self.about, detail.as_object_mut()) {
            fields.insert(name.to_owned(), json!(value));
        }
        let body = json!({
            "type": "https://www.rfc-editor.org/rfc/rfc9110.html#name-status-codes",
            "title": self.status.canonical_reason(),
            "status": self.status.as_u16(),
            "o:errorDetails": [detail],
        });
        typed(self.status, ERROR, body.to_string())
    }
}

fn typed(status: StatusCode, content_type: &'static str, body: String) -> Response {
    let mut response = (status, Body::from(body)).into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// Names the endpoint for the counters.
pub(super) fn counted(mut response: Response, name: String) -> Response {
    response.extensions_mut().insert(Endpoint(name.into()));
    response
}

/// A page of rows. All values come as texts, and what is nothing does not come at all.
pub(super) fn page(answer: &Answer, host: &str, limit: usize, offset: usize) -> Response {
    let total = answer.rows.len();
    let rows = answer.rows.get(offset.min(total)..(offset + limit).min(total)).unwrap_or_default();
    let more = offset + rows.len() < total;
    let link = |rel: &str, offset: usize| {
        let href = format!("http://{host}/services/rest/query/v1/suiteql?limit={limit}&offset={offset}");
        json!({ "rel": rel, "href": href })
    };
    let mut links = vec![link("self", offset)];
    if offset > 0 {
        links.push(link("first", 0));
        links.push(link("previous", offset.saturating_sub(limit)));
    }
    if more {
        links.push(link("next", offset + limit));
        links.push(link("last", total.saturating_sub(1) / limit * limit));
    }
    let mut body = format!("{{\"links\":{},\"count\":{},\"hasMore\":{more},\"items\":[", json!(links), rows.len());
    for (at, row) in rows.iter().enumerate() {
        body.push_str(if at == 0 { "{\"links\":[]" } else { ",{\"links\":[]" });
        for (column, value) in answer.columns.iter().zip(row) {
            if let Some(value) = value.shown() {
                write!(body, ",{}:{}", json!(column), json!(value)).ok();
            }
        }
        body.push('}');
    }
    write!(body, "],\"offset\":{offset},\"totalResults\":{total}}}").ok();
    typed(StatusCode::OK, JSON, body)
}
