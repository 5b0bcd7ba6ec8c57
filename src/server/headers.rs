//! The outermost layer: the request's ID, the bodies of errors, and the headers that every answer carries.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::header::AsHeaderName;
use http::{HeaderMap, HeaderName, HeaderValue, header};

use super::error::Refused;
use super::request_id::{REQUEST_ID, RequestId};

/// What a browser may do with an answer that is data: nothing.
const DATA_POLICY: &str = "default-src 'none'; frame-ancestors 'none'";

/// Set unless the answer says otherwise.
const DEFAULTS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, DATA_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::CACHE_CONTROL, "no-store"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// Marks an answer whose own policy says which pages may show it in a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct MayBeFramed;

/// The text of a header that is there once.
pub(super) fn single(headers: &HeaderMap, name: impl AsHeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).into_iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value.trim())
}

/// Names the request, lets it be answered, and completes the answer. A panic is answered like any other error.
pub(super) async fn complete<Answer: Future<Output = Response>>(
    mut request: Request,
    answer: impl FnOnce(Request) -> Answer,
) -> Response {
    let id = RequestId::of(request.headers());
    request.extensions_mut().insert(id.clone());
    let mut response = AssertUnwindSafe(answer(request)).catch_unwind().await.unwrap_or_else(|_panic| {
        tracing::error!("a request handler panicked");
        Refused::internal().into_response()
    });
    if let Some(refused) = response.extensions_mut().remove::<Refused>() {
        refused.render(&id, &mut response);
    }
    let framed = response.extensions_mut().remove::<MayBeFramed>().is_some();
    let headers = response.headers_mut();
    for (name, value) in DEFAULTS.into_iter().filter(|(name, _)| !framed || name != header::X_FRAME_OPTIONS) {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if let Ok(value) = HeaderValue::from_str(id.as_str()) {
        headers.insert(REQUEST_ID, value);
    }
    response
}
