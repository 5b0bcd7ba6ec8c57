//! More requests than places, questions over limits that are only measured.

use futures_util::future::{FutureExt, join_all};
use serde_json::json;
use tokio::net::TcpSocket;

use super::*;

fn with_places(max_requests: usize) -> ServerOptions {
    ServerOptions { max_requests, ..ServerOptions::default() }
}

impl Server {
    /// POSTs a query from another address of this machine.
    async fn ask_from(&self, address: [u8; 4], query: &str) -> Answer {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((address, 0).into()).unwrap();
        let mut stream = socket.connect(self.address).await.unwrap();
        let headers = ["host: localhost", "content-type: application/json"];
        let bytes = request_bytes("POST /graphql HTTP/1.1", &headers, query_body(query).as_bytes());
        stream.write_all(&bytes).await.unwrap();
        Answer::read(stream).await
    }

    /// Waits until so many resolvers wait.
    async fn until_waiting(&self, count: usize) {
        for _ in 0..count {
            self.signals.waiting.notified().await;
        }
    }
}

#[tokio::test]
async fn what_finds_no_place_is_refused_before_it_is_understood() {
    let server = start_with(with_places(1)).await;
    let others = async {
        server.until_waiting(1).await;
        for body in ["not even JSON", "{\"query\": \"not GraphQL\"}", &query_body(&"{ a ".repeat(500))] {
            let answer = server.post(&[], body).await;
            answer.refused(503, "OVERLOADED");
            assert_eq!(answer.header("retry-after"), "1");
        }
        server.signals.go_on.notify_one();
    };
    let (held, ()) = tokio::join!(server.ask("{ waits }"), others);
    assert_eq!(held.status, 200);
    assert_eq!(server.post(&[], "not even JSON").await.status, 400);
}

#[tokio::test]
async fn a_tenfold_overload_is_refused_at_once_and_leaves_nothing_behind() {
    let server = start_with(with_places(10)).await;
    let held = async { join_all((0..10).map(|_| server.ask("{ waits }"))).await };
    let others = async {
        // A notification that nobody awaits is kept once: as many as there are must be seen one by one.
        while server.ask("{ hello }").await.status != 503 {
            tokio::task::yield_now().await;
        }
        let refused = join_all((0..120).map(|_| server.ask("{ hello }"))).await;
        let ready = server.get("/health/ready").await;
        let live = server.get("/health/live").await;
        for _ in 0..10 {
            server.signals.go_on.notify_one();
            server.signals.dropped.notified().await;
        }
        (refused, ready, live)
    };
    let (held, (refused, ready, live)) = tokio::join!(held, others);
    assert!(held.iter().all(|answer| answer.json() == json!({ "data": { "waits": 7 } })));
    assert!(refused.iter().all(|answer| answer.status == 503 && answer.header("retry-after") == "1"));
    assert_eq!((ready.status, ready.json()["status"].as_str()), (503, Some("overloaded")));
    assert!(ready.json()["refused"].as_u64() >= Some(100), "{ready:?}");
    assert_eq!(live.status, 200);
    // It goes on answering, ready or not.
    let again = join_all((0..10).map(|_| server.ask("{ hello }"))).await;
    assert!(again.iter().all(|answer| answer.status == 200));
}

#[tokio::test]
async fn a_refusal_does_not_wait_behind_the_work_that_was_let_in() {
    let server = start_with(with_places(20)).await;
    let pieces = || server.signals.pieces.load(Ordering::SeqCst);
    let held = async { join_all((0..20).map(|_| server.ask("{ works }"))).await };
    let others = async {
        while server.signals.working.load(Ordering::SeqCst) < 20 {
            tokio::task::yield_now().await;
        }
        let refused = server.ask("{ hello }");
        tokio::pin!(refused);
        let mut waited = Vec::new();
        let refused = loop {
            // The runtime comes back from this when it has looked at its sockets.
            let before = pieces();
            tokio::task::yield_now().await;
            waited.push(pieces() - before);
            if let Some(refused) = refused.as_mut().now_or_never() {
                break refused;
            }
        };
        server.signals.enough.store(true, Ordering::SeqCst);
        (refused, waited)
    };
    let (held, (refused, waited)) = tokio::join!(held, others);
    refused.refused(503, "OVERLOADED");
    // However often one side waits for the other, to connect, to ask, to answer: each time for one piece of work, not for twenty.
    assert!(waited.iter().all(|pieces| *pieces <= 1), "{waited:?}");
    assert!(waited.contains(&1), "nobody worked: {waited:?}");
    assert!(held.iter().all(|answer| answer.json() == json!({ "data": { "works": 7 } })));
}

#[tokio::test]
async fn one_address_does_not_take_all_places_while_another_one_asks() {
    let server = start_with(with_places(4)).await;
    let (greedy, modest) = ([127, 0, 0, 1], [127, 0, 0, 2]);
    let flood = async { join_all((0..4).map(|_| server.ask_from(greedy, "{ waits }"))).await };
    let other = async {
        // The flood has all places.
        while server.ask_from(modest, "{ hello }").await.status == 200 {
            tokio::task::yield_now().await;
        }
        // One of its requests ends. The next one of the flood does not get the place, and the other does.
        server.signals.go_on.notify_one();
        server.signals.dropped.notified().await;
        let message = server.ask_from(greedy, "{ hello }").await.refused(503, "OVERLOADED");
        assert!(message.contains("server.max_requests"), "{message}");
        let modest = server.ask_from(modest, "{ hello }").await;
        for _ in 0..3 {
            server.signals.go_on.notify_one();
            server.signals.dropped.notified().await;
        }
        modest
    };
    let (flood, modest) = tokio::join!(flood, other);
    assert_eq!(modest.status, 200, "{modest:?}");
    assert!(flood.iter().all(|answer| answer.status == 200));
}

#[tokio::test]
async fn a_question_over_limits_that_are_only_measured_is_answered_counted_and_logged() {
    let log = Log::default();
    let _guard = log.keep();
    let measure_only = vec!["depth".to_owned(), "aliases".to_owned(), "variables_bytes".to_owned()];
    let limits = Limits { aliases: 1, variables_bytes: 10, measure_only, ..Limits::default() };
    let server = start_within(ServerOptions::default(), limits).await;
    let deep = format!("query Deep {{ {}hello{} }}", "nested { ".repeat(25), " }".repeat(25));
    let answer = server.ask(&deep).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.body.contains("world"), "{answer:?}");
    let many = "query Many($t: String!) { a: hello b: hello canary: echo(text: $t) }";
    let body = json!({ "query": many, "variables": { "t": "canary, and more" } }).to_string();
    for _ in 0..2 {
        assert_eq!(server.post(&[], &body).await.status, 200);
    }
    let log = log.text();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("over a limit that is only measured")).collect();
    let has = |line: &&&str, parts: &[&str]| parts.iter().all(|part| line.contains(part));
    assert_eq!(lines.len(), 5, "{lines:#?}");
    assert!(has(
        &&lines[0],
        &["limit=\"depth\"", "allowed=12", "measured=26", "Deep", "sha256:", "user.id=\"anyone\"", "total=1"]
    ));
    let of = |limit: &str| lines.iter().filter(|line| line.contains(limit)).copied().collect::<Vec<_>>();
    assert!(has(&&of("aliases")[1], &["allowed=1", "measured=3", "Many", "total=2"]), "{lines:#?}");
    assert!(has(&&of("variables_bytes")[0], &["allowed=10", "total=1"]), "{lines:#?}");
    assert!(!log.contains("canary"), "no text of a question: {log}");
    // The others hold.
    server.ask(&format!("{{ {} }}", "hello @skip(if: false) ".repeat(51))).await.refused(400, "QUERY_TOO_COMPLEX");
}
