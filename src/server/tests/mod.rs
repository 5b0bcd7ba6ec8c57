//! The door, asked over real connections. The client is a socket, so that a test can send whatever it likes.

mod graphql;
mod lifecycle;
mod overload;
mod panics;
mod refusals;
mod reports;
mod security;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use async_graphql::{Context, EmptyMutation, EmptySubscription, Error, Object, Result, Schema, ValidationMode, value};
use http::HeaderMap;
use regex::Regex;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::*;
use crate::access::{Access, Catalogue};
use crate::config::{self, Cache, Owners, Seconds};
use crate::domain::{Clock, ManualClock, SharedIdRule};
use crate::reads::{ReadOptions, Reads};
use crate::systems::Connection;
use crate::telemetry::kept::Kept;

/// Signals between a test and the resolvers.
#[derive(Default)]
struct Signals {
    /// Time as the server knows it: it passes by work alone.
    clock: Arc<ManualClock>,
    /// A resolver waits.
    waiting: Notify,
    /// It may go on.
    go_on: Notify,
    /// It was given up.
    dropped: Notify,
    /// Resolvers that have begun to work, and pieces of work that they have done.
    working: AtomicUsize,
    pieces: AtomicUsize,
    /// That is enough of them.
    enough: AtomicBool,
}

struct NotifyOnDrop<'a>(&'a Notify);

impl Drop for NotifyOnDrop<'_> {
    fn drop(&mut self) {
        self.0.notify_one();
    }
}

struct Query(Arc<Signals>);

#[Object]
impl Query {
    async fn hello(&self) -> &'static str {
        "world"
    }

    async fn echo(&self, text: String) -> String {
        text
    }

    async fn number(&self, n: Option<i32>) -> Option<i32> {
        n
    }

    async fn nested(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    async fn seen(&self, context: &Context<'_>) -> String {
        format!("{:?}", context.data_unchecked::<ReadOptions>().max_age)
    }

    /// A nullable field's error leaves the rest of the answer.
    async fn fails(&self) -> Result<Option<i32>> {
        std::future::ready(Err(Error::new("it failed"))).await
    }

    /// A Non-Null field's error leaves nothing of it.
    async fn fails_whole(&self) -> Result<i32> {
        std::future::ready(Err(Error::new("it failed"))).await
    }

    async fn panics(&self) -> i32 {
        i32::try_from(u64::MAX).expect("canary: a secret")
    }

    /// Is done after the others.
    async fn slowly(&self) -> i32 {
        tokio::task::yield_now().await;
        1
    }

    /// Waits until it may go on.
    async fn waits(&self) -> i32 {
        let _guard = NotifyOnDrop(&self.0.dropped);
        self.0.waiting.notify_one();
        self.0.go_on.notified().await;
        7
    }

    /// Works until it is enough, each time for as long as a turn, and waits for nothing.
    async fn works(&self) -> i32 {
        self.0.working.fetch_add(1, Ordering::SeqCst);
        while !self.0.enough.load(Ordering::SeqCst) {
            self.0.clock.advance(Duration::from_millis(2));
            self.0.pieces.fetch_add(1, Ordering::SeqCst);
            let mut went = false;
            std::future::poll_fn(|context| {
                if std::mem::replace(&mut went, true) {
                    return Poll::Ready(());
                }
                context.waker().wake_by_ref();
                Poll::Pending
            })
            .await;
        }
        7
    }
}

/// A server with a toy behind its door.
struct Server {
    address: SocketAddr,
    signals: Arc<Signals>,
    draining: CancellationToken,
    stopping: CancellationToken,
    stop: CancellationToken,
    served: JoinHandle<()>,
}

async fn start() -> Server {
    start_with(ServerOptions::default()).await
}

async fn start_with(options: ServerOptions) -> Server {
    start_within(options, Limits::default()).await
}

async fn start_within(options: ServerOptions, limits: Limits) -> Server {
    let signals = Arc::new(Signals::default());
    let schema = Schema::new(Query(Arc::clone(&signals)), EmptyMutation, EmptySubscription);
    let trusting = Schema::build(Query(Arc::clone(&signals)), EmptyMutation, EmptySubscription);
    let trusting = trusting.validation_mode(ValidationMode::Fast).finish();
    let graph = Toy { checking: schema, trusting, masks: Arc::default(), catalogue: Catalogue::default() };
    let clock = Arc::<ManualClock>::clone(&signals.clock);
    start_over(graph, signals, reports(&Owners::default(), Vec::new(), clock), options, limits).await
}

/// A graph behind the door.
struct Toy<E> {
    checking: E,
    trusting: E,
    masks: Arc<Masks>,
    catalogue: Catalogue,
}

/// What is read of connections.
fn reports(owners: &Owners, connections: Vec<Connection>, clock: Arc<dyn Clock>) -> Arc<Reports> {
    let reads = Reads::new(owners, &Cache::default(), &connections, &clock, Duration::from_secs(1));
    let (shared_id, settings) = (SharedIdRule::new(Regex::new("^[0-9]+$").unwrap(), &[]), config::Reports::default());
    Arc::new(Reports { reads: Arc::new(reads), connections, shared_id, clock, settings })
}

async fn start_over<E: Executor>(
    graph: Toy<E>,
    signals: Arc<Signals>,
    reports: Arc<Reports>,
    options: ServerOptions,
    limits: Limits,
) -> Server {
    let Toy { checking, trusting, masks, catalogue } = graph;
    let access = Access::new(&config::Access::default(), false, &catalogue).unwrap();
    let sign_in =
        SignIn::new(&config::SignIn::default(), &options, Arc::new(access), Arc::clone(&reports.clock), None).unwrap();
    let webhooks = Arc::default();
    let replicas = Arc::new(Replicas::new(Arc::clone(&reports.clock)));
    let (sign_in, configuration) = (Arc::new(sign_in), Arc::new(Configuration::new(Arc::clone(&reports.clock))));
    let trail = Trail::open(&config::Audit::default(), Arc::clone(&reports.clock)).map(Arc::new).unwrap();
    let (answer_bytes, stopping, stop) = (1 << 20, CancellationToken::new(), CancellationToken::new());
    let operations = Operations::load(&config::Operations::default()).unwrap();
    let behind = Behind {
        checking,
        trusting,
        masks,
        reports,
        sign_in,
        trail,
        operations,
        answer_bytes,
        webhooks,
        replicas,
        configuration,
        stopping: stopping.clone(),
    };
    let draining = stopping.child_token();
    let door = Door::new(behind, limits, options.clone(), draining.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let stopped = stop.clone();
    let (most, options) = (options.max_connections, Arc::new(options));
    let answering = Answering { router: routers(door).public, tls: None, options, generation: 1 };
    let (_, answering) = tokio::sync::watch::channel(answering);
    let served = tokio::spawn(serve(listener, answering, most, stopped));
    Server { address, signals, draining, stopping, stop, served }
}

fn milliseconds(count: u64) -> Seconds {
    Seconds(Duration::from_millis(count))
}

impl Server {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends a request with these lines as its head, and nothing that is not in them but the body's length.
    async fn send(&self, request_line: &str, headers: &[&str], body: impl AsRef<[u8]>) -> Answer {
        let mut stream = self.connect().await;
        stream.write_all(&request_bytes(request_line, headers, body.as_ref())).await.unwrap();
        Answer::read(stream).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(&format!("GET {path} HTTP/1.1"), &["host: localhost"], "").await
    }

    /// POSTs JSON.
    async fn post(&self, headers: &[&str], body: impl AsRef<[u8]>) -> Answer {
        let headers = [&["host: localhost", "content-type: application/json"], headers].concat();
        self.send("POST /graphql HTTP/1.1", &headers, body).await
    }

    /// Asks as GraphQL clients of today do.
    async fn ask(&self, query: &str) -> Answer {
        self.post(&["accept: application/graphql-response+json"], query_body(query)).await
    }

    /// Asks as those of yesterday do.
    async fn ask_as_json(&self, query: &str) -> Answer {
        self.post(&["accept: application/json"], query_body(query)).await
    }
}

fn query_body(query: &str) -> String {
    serde_json::json!({ "query": query }).to_string()
}

fn request_bytes(request_line: &str, headers: &[&str], body: &[u8]) -> Vec<u8> {
    let length = format!("content-length: {}", body.len());
    let mut lines = vec![request_line, "connection: close"];
    lines.extend(headers);
    if !body.is_empty() {
        lines.push(&length);
    }
    [lines.join("\r\n").as_bytes(), b"\r\n\r\n", body].concat()
}

#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    async fn read(mut stream: TcpStream) -> Self {
        let mut bytes = Vec::new();
        // A server that refuses a body may close before all of it was sent; what it said before counts.
        drop(stream.read_to_end(&mut bytes).await);
        let text = String::from_utf8(bytes).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer: {text:?}"));
        let mut lines = head.lines();
        let status = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap().parse().unwrap();
        let headers = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap()))
            .collect();
        Self { status, headers, body: body.to_owned() }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("not JSON: {self:?}"))
    }

    /// The only error's code.
    fn code(&self) -> String {
        let json = self.json();
        assert_eq!(json["errors"].as_array().map(Vec::len), Some(1), "{json}");
        json["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned()
    }

    fn message(&self) -> String {
        self.json()["errors"][0]["message"].as_str().unwrap_or_default().to_owned()
    }

    /// Asserts a refusal: a status, a code, JSON with one error, no data, and the request's name in both places.
    #[track_caller]
    fn refused(&self, status: u16, code: &str) -> String {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.code(), code, "{self:?}");
        let json = self.json();
        assert_eq!(json.get("data"), None, "{self:?}");
        assert_eq!(json["errors"][0]["extensions"]["requestId"], self.header("x-request-id"), "{self:?}");
        assert!(self.header("content-type").contains("json"), "{self:?}");
        self.message()
    }
}

/// What is logged, as text.
#[derive(Clone, Default)]
struct Log(Kept);

impl Log {
    /// Keeps what this thread logs. The runtime of a test has one thread; the server is on it, too.
    fn keep(&self) -> tracing::subscriber::DefaultGuard {
        // While there is only one subscriber, `tracing` asks that of the thread that comes to a place of the log first whether
        // the place is of interest, and remembers the answer for all: a test that keeps no log would silence this one.
        static ANOTHER: std::sync::LazyLock<tracing::Dispatch> =
            std::sync::LazyLock::new(|| tracing::Dispatch::new(tracing_subscriber::registry()));
        std::sync::LazyLock::force(&ANOTHER);
        let writer = self.0.clone();
        let log = tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).with_ansi(false);
        tracing::subscriber::set_default(log.with_writer(move || writer.clone()).finish())
    }

    fn text(&self) -> String {
        self.0.text()
    }
}

#[test]
fn the_toy_is_what_the_tests_take_it_for() {
    let schema = Schema::new(Query(Arc::default()), EmptyMutation, EmptySubscription);
    let response = futures_util::FutureExt::now_or_never(schema.execute("{ hello }")).unwrap();
    assert_eq!(response.data, value!({ "hello": "world" }));
}
