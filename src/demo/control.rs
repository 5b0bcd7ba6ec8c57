//! The control surface that stands beside each embedded system's own paths, below `/_demo`.
//!
//! It counts calls per endpoint, breaks answers on request (faults) and takes corrections of the company. It goes
//! on working while the system itself is "down".
//!
//! - `GET /_demo/stats`: `{"calls": {"deals.batch_read": 3}, "total": 3}`
//! - `POST /_demo/reset`: counters to 0, faults off
//! - `GET /_demo/fault`, `POST /_demo/fault`: see [`Fault`]
//! - `POST /_demo/correct`: see [`correct`]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Json, Response};
use axum::routing::{get, post};
use axum::{Router, body};
use serde::de::IntoDeserializer;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::company::correct;
use super::company::model::Shared;

/// The name under which an answer is counted, e.g. `deals.batch_read`. Handlers put it into the extensions of
/// their responses; an answer without one is counted as `other`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(pub Cow<'static, str>);

impl From<&'static str> for Endpoint {
    fn from(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }
}

/// How a system misbehaves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// It behaves.
    #[default]
    Off,
    /// The connection is closed without an answer.
    Down,
    /// The answer comes late, by [`Fault::ms`].
    Slow,
    /// Too many requests, with `Retry-After` only if [`Fault::retry_after`] says so.
    #[serde(rename = "429")]
    TooManyRequests,
    /// The credential is refused.
    #[serde(rename = "401")]
    Unauthorized,
    /// The credential lacks a right.
    #[serde(rename = "403")]
    Forbidden,
    /// The system fails.
    #[serde(rename = "500")]
    InternalError,
    /// The system is in maintenance.
    #[serde(rename = "503")]
    Unavailable,
    /// 200 with a web page, as proxies and sign-in walls answer.
    Html,
    /// The first half of the body, framed as if it were whole.
    Truncated,
    /// 200 with 20 MB of JSON, in chunks, its length not announced.
    Huge,
    /// 200 with no body.
    Empty,
    /// Every JSON number comes as a JSON string of the same digits.
    Strings,
}

/// A fault, as `POST /_demo/fault` takes it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// What happens.
    pub mode: Mode,
    /// How late a slow answer comes, in milliseconds; 3000 unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ms: Option<u64>,
    /// Seconds in the `Retry-After` header of a 429 or 503; no header unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// Only requests whose path contains this; all unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// How many answers are still to be broken; without end unless told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
}

impl FromStr for Fault {
    type Err = serde::de::value::Error;

    /// Reads a bare mode, as `--fault sap=down` names it.
    fn from_str(mode: &str) -> Result<Self, Self::Err> {
        Ok(Self { mode: Mode::deserialize(mode.into_deserializer())?, ..Self::default() })
    }
}

/// The state behind one system's control surface.
#[derive(Debug)]
pub struct Control {
    system: &'static str,
    company: Shared,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    calls: BTreeMap<String, u64>,
    fault: Fault,
}

impl Control {
    /// The control of the system of this name.
    pub fn new(system: &'static str, company: Shared) -> Arc<Self> {
        Arc::new(Self { system, company, inner: Mutex::default() })
    }

    /// Sets what goes wrong from now on.
    pub fn set_fault(&self, fault: Fault) {
        self.lock().fault = fault;
    }

    /// Counts an answer of the system and breaks it if a fault asks for it. None: hang up without an answer.
    pub async fn pass(&self, path: &str, answer: Response) -> Option<Response> {
        let fault = self.count(path, &answer);
        match fault.mode {
            Mode::Off => Some(answer),
            Mode::Down => None,
            Mode::Slow => {
                tokio::time::sleep(Duration::from_millis(fault.ms.unwrap_or(3000))).await;
                Some(answer)
            }
            Mode::TooManyRequests => {
                Some(refusal(StatusCode::TOO_MANY_REQUESTS, too_many_requests(self.system), &fault))
            }
            Mode::Unauthorized => Some(refusal(StatusCode::UNAUTHORIZED, neutral("not signed in"), &fault)),
            Mode::Forbidden => Some(refusal(StatusCode::FORBIDDEN, neutral("not allowed"), &fault)),
            Mode::InternalError => Some(refusal(StatusCode::INTERNAL_SERVER_ERROR, neutral("internal error"), &fault)),
            Mode::Unavailable => Some(refusal(StatusCode::SERVICE_UNAVAILABLE, neutral("maintenance"), &fault)),
            Mode::Html => {
                Some(Html("<!doctype html>\n<html><body><h1>Please sign in</h1></body></html>\n").into_response())
            }
            Mode::Truncated => rewritten(answer, |whole| whole.slice(..whole.len() / 2)).await,
            Mode::Huge => Some(huge()),
            Mode::Empty => Some(StatusCode::OK.into_response()),
            Mode::Strings => rewritten(answer, |whole| numbers_as_strings(&whole)).await,
        }
    }

    /// Counts, and takes one turn of the fault if it concerns this path.
    fn count(&self, path: &str, answer: &Response) -> Fault {
        let name = answer.extensions().get::<Endpoint>().map_or("other", |endpoint| endpoint.0.as_ref());
        let mut inner = self.lock();
        match inner.calls.get_mut(name) {
            Some(calls) => *calls += 1,
            None => {
                inner.calls.insert(name.to_owned(), 1);
            }
        }
        let fault = &mut inner.fault;
        if fault.path.as_deref().is_some_and(|part| !path.contains(part)) {
            return Fault::default();
        }
        let current = fault.clone();
        match &mut fault.times {
            None => current,
            Some(0) => Fault::default(),
            Some(times) => {
                *times -= 1;
                current
            }
        }
    }

    fn stats(&self) -> Value {
        let calls = &self.lock().calls;
        json!({ "calls": calls, "total": calls.values().sum::<u64>() })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The paths below `/_demo`.
pub fn router(control: Arc<Control>) -> Router {
    Router::new()
        .route("/_demo/stats", get(stats))
        .route("/_demo/reset", post(reset))
        .route("/_demo/fault", get(current_fault).post(change_fault))
        .route("/_demo/correct", post(correction))
        .fallback(unknown)
        .with_state(control)
}

async fn stats(State(control): State<Arc<Control>>) -> Json<Value> {
    Json(control.stats())
}

async fn reset(State(control): State<Arc<Control>>) -> Json<Value> {
    *control.lock() = Inner::default();
    Json(control.stats())
}

async fn current_fault(State(control): State<Arc<Control>>) -> Json<Fault> {
    Json(control.lock().fault.clone())
}

async fn change_fault(State(control): State<Arc<Control>>, body: Bytes) -> Response {
    match serde_json::from_slice::<Fault>(&body) {
        Ok(fault) => {
            control.set_fault(fault.clone());
            Json(fault).into_response()
        }
        Err(error) => (StatusCode::BAD_REQUEST, neutral(&format!("not a fault: {error}"))).into_response(),
    }
}

async fn correction(State(control): State<Arc<Control>>, body: Bytes) -> Response {
    let mut company = control.company.write().unwrap_or_else(PoisonError::into_inner);
    match correct::correct(&mut company, &body) {
        Ok(correction) => Json(correction).into_response(),
        Err(correct::Refused::Unknown(what)) => (StatusCode::NOT_FOUND, neutral(&what)).into_response(),
        Err(correct::Refused::Nonsense(why)) => (StatusCode::BAD_REQUEST, neutral(&why)).into_response(),
    }
}

async fn unknown() -> Response {
    let paths = "GET /_demo/stats, POST /_demo/reset, GET and POST /_demo/fault, POST /_demo/correct";
    (StatusCode::NOT_FOUND, neutral(&format!("there is only {paths}"))).into_response()
}

fn neutral(message: &str) -> Json<Value> {
    Json(json!({ "error": message }))
}

/// What the vendor says when it is asked too often. Redmine itself never does: that is the proxy before it.
fn too_many_requests(system: &str) -> Response {
    let body = match system {
        "hubspot" => json!({
            "status": "error",
            "message": "You have reached your ten_secondly_rolling limit.",
            "errorType": "RATE_LIMIT",
            "correlationId": "5c0f4a5b-2a4d-4d7c-9a3e-0d6f5b1c2e7a",
            "policyName": "TEN_SECONDLY_ROLLING",
        }),
        "netsuite" => json!({
            "type": "https://www.rfc-editor.org/rfc/rfc9110.html#name-status-codes",
            "title": "Too Many Requests",
            "status": 429,
            "o:errorDetails": [{
                "detail": "Concurrent request limit exceeded. Request blocked.",
                "o:errorCode": "CONCURRENCY_LIMIT_EXCEEDED",
            }],
        }),
        // Its gateway answers in XML, whatever was asked for.
        "quickbooks" => {
            let body = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><IntuitResponse \
                        xmlns=\"http://schema.intuit.com/finance/v3\"><Fault type=\"SERVICE\"><Error code=\"3001\"><Message>\
                        message=ThrottleExceeded; errorCode=003001; statusCode=429</Message></Error></Fault></IntuitResponse>";
            return ([(CONTENT_TYPE, "application/xml")], body).into_response();
        }
        "sap" => json!({ "error": { "code": -1, "message": { "lang": "en-us", "value": "Too many requests" } } }),
        _ => json!({ "errors": ["Too many requests"] }),
    };
    Json(body).into_response()
}

fn refusal(status: StatusCode, body: impl IntoResponse, fault: &Fault) -> Response {
    let mut response = (status, body).into_response();
    let waits = matches!(fault.mode, Mode::TooManyRequests | Mode::Unavailable);
    if let Some(seconds) = fault.retry_after.filter(|_| waits) {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// The answer with its body changed, if it is JSON: by its first byte, since not all who send it label it so.
async fn rewritten(answer: Response, change: impl FnOnce(Bytes) -> Bytes) -> Option<Response> {
    let (mut parts, body) = answer.into_parts();
    let whole = body::to_bytes(body, usize::MAX).await.ok()?;
    let body = if whole.starts_with(b"{") || whole.starts_with(b"[") { change(whole) } else { whole };
    parts.headers.remove(CONTENT_LENGTH);
    Some(Response::from_parts(parts, Body::from(body)))
}

fn huge() -> Response {
    const MEGABYTE: usize = 1 << 20;
    let filler = Bytes::from(vec![b'x'; MEGABYTE]);
    let chunks = std::iter::once(Bytes::from_static(b"{\"results\": [], \"filler\": \""))
        .chain(std::iter::repeat_n(filler, 20))
        .chain(std::iter::once(Bytes::from_static(b"\"}")))
        .map(Ok::<_, std::convert::Infallible>);
    ([(CONTENT_TYPE, "application/json")], Body::from_stream(futures_util::stream::iter(chunks))).into_response()
}

/// Puts quotes around every number of a JSON text, and changes nothing else.
fn numbers_as_strings(json: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(json.len() + json.len() / 8);
    let (mut in_string, mut escaped, mut in_number) = (false, false, false);
    for &byte in json {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else {
            let numeric =
                matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.') || (in_number && matches!(byte, b'e' | b'E'));
            if numeric != in_number {
                out.push(b'"');
                in_number = numeric;
            }
            in_string = byte == b'"';
        }
        out.push(byte);
    }
    if in_number {
        out.push(b'"');
    }
    Bytes::from(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_strings_and_nothing_else_changes() {
        let before = br#"{"a":-1.50,"b":[1,2e5],"c":"7 \" 8","d":null,"e":true}"#;
        let after = br#"{"a":"-1.50","b":["1","2e5"],"c":"7 \" 8","d":null,"e":true}"#;
        assert_eq!(numbers_as_strings(before), &after[..]);
        assert_eq!(numbers_as_strings(b"42"), &b"\"42\""[..]);
    }

    #[test]
    fn a_bare_mode_is_a_fault_and_an_unknown_one_is_refused_by_name() {
        assert_eq!("down".parse::<Fault>().unwrap().mode, Mode::Down);
        assert_eq!("429".parse::<Fault>().unwrap().mode, Mode::TooManyRequests);
        let refused = "dwon".parse::<Fault>().unwrap_err().to_string();
        assert!(refused.contains("dwon") && refused.contains("down"), "{refused}");
    }
}
