//! Small servers for tests: they answer each call by a function, and remember it.

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

use crate::config::{Seconds, Traffic};
use crate::domain::{ConnectionName, ManualClock, ProjectId, SharedIdRule};
use crate::systems::{Call, ConnectionContext, Priority};

/// A call as the server saw it.
#[derive(Debug, Clone)]
pub(in crate::systems) struct Seen {
    pub(in crate::systems) method: Method,
    pub(in crate::systems) path: String,
    pub(in crate::systems) query: String,
    pub(in crate::systems) headers: HeaderMap,
    pub(in crate::systems) body: Bytes,
}

impl Seen {
    /// Path and query.
    pub(in crate::systems) fn target(&self) -> String {
        if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) }
    }

    pub(in crate::systems) fn body(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    /// A parameter, decoded as a server does it.
    pub(in crate::systems) fn param(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(self.query.as_bytes()).find(|(key, _)| key == name).map(|(_, value)| value.into())
    }
}

/// A server that answers each call by a function and remembers it.
pub(in crate::systems) struct Stub {
    pub(in crate::systems) url: String,
    pub(in crate::systems) seen: Arc<Mutex<Vec<Seen>>>,
}

impl Stub {
    pub(in crate::systems) fn targets(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(Seen::target).collect()
    }

    pub(in crate::systems) fn calls(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    pub(in crate::systems) fn last(&self) -> Seen {
        self.seen.lock().unwrap().last().unwrap().clone()
    }
}

pub(in crate::systems) fn json(body: impl Into<String>) -> Response {
    ([(CONTENT_TYPE, "application/json")], body.into()).into_response()
}

pub(in crate::systems) fn status(status: u16, body: &str) -> Response {
    (StatusCode::from_u16(status).unwrap(), [(CONTENT_TYPE, "application/json")], body.to_owned()).into_response()
}

pub(in crate::systems) async fn stub(answer: impl Fn(&Seen) -> Response + Send + Sync + 'static) -> Stub {
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

pub(in crate::systems) fn rule() -> SharedIdRule {
    SharedIdRule::new(regex::Regex::new(r"^PRJ-\d{4}-\d{3,6}$").unwrap(), &["trim", "nfkc", "uppercase"])
}

pub(in crate::systems) fn prj(number: u32) -> ProjectId {
    rule().parse(&format!("PRJ-2025-{number:03}")).unwrap()
}

pub(in crate::systems) fn clock() -> ManualClock {
    let start: Timestamp = "2026-01-15T12:00:00Z".parse().unwrap();
    ManualClock::new(start)
}

pub(in crate::systems) fn context(rule: SharedIdRule) -> ConnectionContext {
    ConnectionContext {
        name: ConnectionName::new("finance"),
        shared_id: rule,
        // A machine that is busy with something else takes its time.
        traffic: Traffic {
            retries: 0,
            max_pages: 5,
            attempt_timeout: Seconds(Duration::from_secs(30)),
            ..Traffic::default()
        },
        clock: Arc::new(clock()),
    }
}

pub(in crate::systems) fn call() -> Call {
    Call::new(Instant::now() + Duration::from_mins(1), Priority::Interactive)
}
