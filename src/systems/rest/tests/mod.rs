//! The connector against small servers, over HTTP.

mod details;
mod domain;
mod keys;
mod lists;
mod paging;
mod refusals;
mod transport;
mod values;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;
use tokio::time::Instant;

use super::{Config, connect};
use crate::config::Traffic;
use crate::domain::{ConnectionName, ManualClock, ProjectId, SharedIdRule};
use crate::systems::{Call, Connection, ConnectionContext, ConnectionProblem, Priority};

/// A call as the server saw it.
#[derive(Debug, Clone)]
struct Seen {
    method: Method,
    path: String,
    query: String,
    headers: HeaderMap,
    body: Bytes,
}

impl Seen {
    /// Path and query.
    fn target(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }

    fn body(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    /// A parameter, decoded as a server does it.
    fn param(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into())
    }
}

/// A server that answers each call by a function and remembers it.
struct Stub {
    url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Stub {
    fn targets(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(Seen::target).collect()
    }

    fn calls(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    fn last(&self) -> Seen {
        self.seen.lock().unwrap().last().unwrap().clone()
    }
}

fn json(body: impl Into<String>) -> Response {
    ([(CONTENT_TYPE, "application/json")], body.into()).into_response()
}

fn status(status: u16, body: &str) -> Response {
    (StatusCode::from_u16(status).unwrap(), [(CONTENT_TYPE, "application/json")], body.to_owned()).into_response()
}

async fn stub(answer: impl Fn(&Seen) -> Response + Send + Sync + 'static) -> Stub {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
    let app = Router::new().fallback(move |request: Request| {
        let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
        async move {
            let (parts, body) = request.into_parts();
            let call = Seen {
                method: parts.method,
                path: parts.uri.path().to_owned(),
                query: parts.uri.query().unwrap_or_default().to_owned(),
                headers: parts.headers,
                body: axum::body::to_bytes(body, 1 << 20).await.unwrap(),
            };
            log.lock().unwrap().push(call.clone());
            answer(&call)
        }
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    Stub { url, seen }
}

fn rule() -> SharedIdRule {
    SharedIdRule::new(regex::Regex::new(r"^PRJ-\d{4}-\d{3,6}$").unwrap(), &["trim", "nfkc", "uppercase"])
}

fn prj(number: u32) -> ProjectId {
    rule().parse(&format!("PRJ-2025-{number:03}")).unwrap()
}

fn context(rule: SharedIdRule) -> ConnectionContext {
    let start: Timestamp = "2026-01-15T12:00:00Z".parse().unwrap();
    ConnectionContext {
        name: ConnectionName::new("finance"),
        shared_id: rule,
        traffic: Traffic { retries: 0, max_pages: 5, ..Traffic::default() },
        clock: Arc::new(ManualClock::new(start)),
    }
}

/// A connection by the text of its section, `url` left out.
fn connection(url: &str, text: &str) -> Connection {
    try_connection(url, text).unwrap()
}

fn try_connection(url: &str, text: &str) -> Result<Connection, ConnectionProblem> {
    let config: Config = toml::from_str(&format!("url = \"{url}\"\n{text}")).unwrap();
    connect(config, context(rule()))
}

fn call() -> Call {
    Call::new(Instant::now() + Duration::from_secs(10), Priority::Interactive)
}
