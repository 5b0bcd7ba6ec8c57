//! Serves one embedded system over real HTTP, with its control surface.
//!
//! The accept loop is our own, because a system that is down must close the connection without an answer.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use axum::response::Response;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tower::ServiceExt;

use super::company::model::Shared;
use super::control::{self, Control, Fault};

/// A running embedded system. Dropping it closes its port and its connections.
#[derive(Debug)]
pub struct Embedded {
    /// Name: `hubspot`, `sap`, `redmine`.
    pub name: &'static str,
    /// Where it listens, e.g. `http://127.0.0.1:40123`.
    pub url: String,
    control: Arc<Control>,
    task: JoinHandle<()>,
}

impl Embedded {
    /// Makes it misbehave from now on, as `POST /_demo/fault` would.
    pub fn set_fault(&self, fault: Fault) {
        self.control.set_fault(fault);
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Serves `router`, the vendor's own paths, and the control surface at `addr` (port 0 takes a free one).
pub async fn serve(name: &'static str, router: Router, company: Shared, addr: SocketAddr) -> std::io::Result<Embedded> {
    let listener = TcpListener::bind(addr).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let control = Control::new(name, company);
    let service =
        Service { vendor: router, surface: control::router(Arc::clone(&control)), control: Arc::clone(&control) };
    let task = tokio::spawn(accept(listener, service));
    Ok(Embedded { name, url, control, task })
}

async fn accept(listener: TcpListener, service: Service) {
    // The connections live in here: when this task is aborted, they end with it.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    connections.spawn(connection(stream, service.clone()));
                }
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, service: Service) {
    // Small answers leave at once; without it they only leave later.
    stream.set_nodelay(true).ok();
    let answer = service_fn(move |request: Request<hyper::body::Incoming>| {
        let service = service.clone();
        async move { service.answer(request.map(Body::new)).await.ok_or(HangUp) }
    });
    if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), answer).await {
        tracing::trace!(%error, "connection of an embedded system ended");
    }
}

/// The vendor's paths and the control surface behind one port.
#[derive(Clone)]
struct Service {
    vendor: Router,
    surface: Router,
    control: Arc<Control>,
}

impl Service {
    async fn answer(self, request: Request<Body>) -> Option<Response> {
        let path = request.uri().path().to_owned();
        if path == "/_demo" || path.starts_with("/_demo/") {
            let Ok(response) = self.surface.oneshot(request).await;
            return Some(response);
        }
        // The vendor answers even if the fault then takes the answer away: so the call is counted by its name.
        let Ok(response) = self.vendor.oneshot(request).await;
        self.control.pass(&path, response).await
    }
}

/// Tells hyper to close the connection without an answer.
#[derive(Debug)]
struct HangUp;

impl fmt::Display for HangUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("hung up without an answer")
    }
}

impl std::error::Error for HangUp {}

#[cfg(test)]
mod tests {
    use std::sync::RwLock;

    use axum::Json;
    use axum::http::StatusCode;
    use axum::response::IntoResponse;
    use axum::routing::get;
    use jiff::civil::date;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::super::company::model::{Company, Ledger};
    use super::super::control::Endpoint;
    use super::*;

    async fn things() -> Response {
        let mut response = Json(serde_json::json!({ "name": "1", "total": 12 })).into_response();
        response.extensions_mut().insert(Endpoint::from("things.list"));
        response
    }

    async fn start() -> Embedded {
        let company = Company {
            seed: 1,
            today: date(2026, 1, 31),
            currency: "EUR".to_owned(),
            people: Vec::new(),
            clients: Vec::new(),
            contacts: Vec::new(),
            deals: Vec::new(),
            projects: Vec::new(),
            issues: Vec::new(),
            time_entries: Vec::new(),
            ledger: Ledger::default(),
            revision: 0,
        };
        let router = Router::new().route("/things", get(things));
        serve("hubspot", router, Arc::new(RwLock::new(company)), ([127, 0, 0, 1], 0).into()).await.unwrap()
    }

    /// Sends one request and returns everything that comes back until the connection closes.
    async fn call(embedded: &Embedded, method: &str, path: &str, body: &str) -> String {
        let address = embedded.url.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: demo\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8(answer).unwrap()
    }

    async fn fault(embedded: &Embedded, fault: &str) {
        let answer = call(embedded, "POST", "/_demo/fault", fault).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    fn body(answer: &str) -> &str {
        answer.split_once("\r\n\r\n").unwrap().1
    }

    #[tokio::test]
    async fn calls_are_counted_by_the_name_the_handler_gave_and_reset_forgets_them() {
        let embedded = start().await;
        assert_eq!(body(&call(&embedded, "GET", "/things", "").await), r#"{"name":"1","total":12}"#);
        call(&embedded, "GET", "/nowhere", "").await;
        let stats = call(&embedded, "GET", "/_demo/stats", "").await;
        assert_eq!(body(&stats), r#"{"calls":{"other":1,"things.list":1},"total":2}"#);
        let stats = call(&embedded, "POST", "/_demo/reset", "").await;
        assert_eq!(body(&stats), r#"{"calls":{},"total":0}"#);
    }

    #[tokio::test]
    async fn a_system_that_is_down_hangs_up_but_its_control_surface_answers() {
        let embedded = start().await;
        embedded.set_fault("down".parse().unwrap());
        assert_eq!(call(&embedded, "GET", "/things", "").await, "");
        assert_eq!(body(&call(&embedded, "GET", "/_demo/fault", "").await), r#"{"mode":"down"}"#);
        let stats = call(&embedded, "GET", "/_demo/stats", "").await;
        assert_eq!(body(&stats), r#"{"calls":{"things.list":1},"total":1}"#);
        fault(&embedded, r#"{"mode": "off"}"#).await;
        assert!(call(&embedded, "GET", "/things", "").await.starts_with("HTTP/1.1 200"));
    }

    #[tokio::test]
    async fn each_fault_breaks_the_answer_in_its_own_way() {
        let embedded = start().await;
        for (mode, status) in [("401", 401), ("403", 403), ("500", 500), ("503", 503), ("429", 429)] {
            fault(&embedded, &format!(r#"{{"mode": "{mode}"}}"#)).await;
            let answer = call(&embedded, "GET", "/things", "").await;
            assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{answer}");
            assert!(!answer.contains("retry-after"), "{answer}");
            assert!(serde_json::from_str::<serde_json::Value>(body(&answer)).is_ok(), "{answer}");
        }
        fault(&embedded, r#"{"mode": "429", "retry_after": 2}"#).await;
        assert!(call(&embedded, "GET", "/things", "").await.contains("retry-after: 2\r\n"));
        fault(&embedded, r#"{"mode": "html"}"#).await;
        assert!(call(&embedded, "GET", "/things", "").await.contains("content-type: text/html"));
        fault(&embedded, r#"{"mode": "truncated"}"#).await;
        let answer = call(&embedded, "GET", "/things", "").await;
        assert!(answer.contains("content-length: 11\r\n") && body(&answer) == r#"{"name":"1""#, "{answer}");
        fault(&embedded, r#"{"mode": "empty"}"#).await;
        let answer = call(&embedded, "GET", "/things", "").await;
        assert!(answer.starts_with("HTTP/1.1 200") && body(&answer).is_empty(), "{answer}");
        fault(&embedded, r#"{"mode": "strings"}"#).await;
        assert_eq!(body(&call(&embedded, "GET", "/things", "").await), r#"{"name":"1","total":"12"}"#);
        fault(&embedded, r#"{"mode": "huge"}"#).await;
        assert!(call(&embedded, "GET", "/things", "").await.len() > 20_000_000);
        fault(&embedded, r#"{"mode": "slow", "ms": 1}"#).await;
        assert!(call(&embedded, "GET", "/things", "").await.starts_with("HTTP/1.1 200"));
    }

    #[tokio::test]
    async fn a_fault_keeps_to_its_path_and_its_times() {
        let embedded = start().await;
        fault(&embedded, r#"{"mode": "500", "path": "/thin", "times": 2}"#).await;
        let mut statuses = Vec::new();
        for path in ["/nowhere", "/things", "/things", "/things"] {
            let answer = call(&embedded, "GET", path, "").await;
            statuses.push(answer.get(9..12).unwrap().to_owned());
        }
        assert_eq!(statuses, ["404", "500", "500", "200"]);
    }

    #[tokio::test]
    async fn nonsense_on_the_control_surface_is_refused_with_a_reason() {
        let embedded = start().await;
        for (nonsense, reason) in [("{\"mode\": \"dwon\"}", "dwon"), ("", "not a fault"), ("{\"mod\": 1}", "mod")] {
            let answer = call(&embedded, "POST", "/_demo/fault", nonsense).await;
            assert!(answer.starts_with("HTTP/1.1 400") && answer.contains(reason), "{answer}");
        }
        let answer = call(&embedded, "GET", "/_demo/nothing", "").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {}", StatusCode::NOT_FOUND.as_u16())), "{answer}");
    }

    #[tokio::test]
    async fn a_dropped_system_closes_its_port_and_its_connections() {
        let embedded = start().await;
        let address = embedded.url.strip_prefix("http://").unwrap().to_owned();
        let mut kept_alive = TcpStream::connect(&address).await.unwrap();
        kept_alive.write_all(b"GET /things HTTP/1.1\r\nhost: demo\r\n\r\n").await.unwrap();
        let mut first = [0; 12];
        kept_alive.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        drop(embedded);
        let mut rest = Vec::new();
        kept_alive.read_to_end(&mut rest).await.ok();
        assert!(TcpStream::connect(&address).await.is_err());
    }
}
