//! Health, connections, and how they end.

use serde_json::json;

use super::*;

#[tokio::test]
async fn health_says_that_the_process_answers_and_whether_it_is_about_to_stop() {
    let server = start().await;
    assert_eq!(server.get("/health/live").await.json(), json!({ "status": "live" }));
    let ready = server.get("/health/ready").await.json();
    assert_eq!((&ready["status"], &ready["configuration"]["generation"]), (&json!("ready"), &json!(1)));
    assert_eq!(ready["configuration"]["refusedAt"], json!(null));
    // Another configuration is in use: no reason to ask others.
    server.draining.cancel();
    assert_eq!(server.get("/health/ready").await.status, 200);
    server.stopping.cancel();
    let ready = server.get("/health/ready").await;
    assert_eq!((ready.status, &ready.json()["status"]), (503, &json!("draining")));
    assert_eq!(server.get("/health/live").await.status, 200);
    assert_eq!(server.ask("{ hello }").await.status, 200);
}

#[tokio::test]
async fn a_request_in_flight_finishes_when_the_server_stops() {
    let server = start().await;
    let idle = server.connect().await;
    let asked = server.ask("{ waits }");
    let stopped = async {
        server.signals.waiting.notified().await;
        server.stop.cancel();
        // Nobody new is let in.
        while TcpStream::connect(server.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
        server.signals.go_on.notify_one();
    };
    let (answer, ()) = tokio::join!(asked, stopped);
    assert_eq!(answer.json(), json!({ "data": { "waits": 7 } }));
    server.served.await.unwrap();
    drop(idle);
}

#[tokio::test]
async fn a_request_that_does_not_finish_does_not_hold_the_server() {
    let server = start_with(ServerOptions { shutdown_timeout: milliseconds(20), ..ServerOptions::default() }).await;
    let mut stream = server.connect().await;
    let headers = ["host: localhost", "content-type: application/json"];
    let request = request_bytes("POST /graphql HTTP/1.1", &headers, query_body("{ waits }").as_bytes());
    stream.write_all(&request).await.unwrap();
    server.signals.waiting.notified().await;
    server.stop.cancel();
    server.served.await.unwrap();
    server.signals.dropped.notified().await;
}

#[tokio::test]
async fn a_head_that_does_not_arrive_is_given_up() {
    let server = start_with(ServerOptions { idle_timeout: milliseconds(20), ..ServerOptions::default() }).await;
    for head in ["", "POST /graphql HTTP/1.1\r\nhost: loc"] {
        let mut stream = server.connect().await;
        // The server may be quicker; then the connection ends with an error rather than in silence.
        drop(stream.write_all(head.as_bytes()).await);
        let mut sent = Vec::new();
        drop(stream.read_to_end(&mut sent).await);
        assert_eq!(sent, b"", "{head}");
    }
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_given_up() {
    let options = ServerOptions { write_timeout: milliseconds(50), max_connections: 1, ..ServerOptions::default() };
    let server = start_with(options).await;
    let mut stream = server.connect().await;
    let body = query_body(&format!("{{ echo(text: \"{}\") }}", "x".repeat(20_000)));
    let request = format!(
        "POST /graphql HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    // It asks on, and reads nothing: what is between the two is full at some time, and then the server gives up.
    let asks = async { while stream.write_all(request.as_bytes()).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(30), asks).await.expect("nobody waits for ever");
    // Its place is free again.
    assert_eq!(server.ask("{ hello }").await.status, 200);
}

#[tokio::test]
async fn a_connection_serves_one_request_after_another() {
    let server = start().await;
    let mut stream = server.connect().await;
    let mut answers = Vec::new();
    for last in [false, true] {
        let connection = if last { "close" } else { "keep-alive" };
        let request = format!("GET /health/live HTTP/1.1\r\nhost: localhost\r\nconnection: {connection}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
    }
    stream.read_to_end(&mut answers).await.unwrap();
    assert_eq!(String::from_utf8(answers).unwrap().matches("HTTP/1.1 200 OK").count(), 2);
}

#[tokio::test]
async fn connections_beyond_the_most_at_once_wait_for_a_place() {
    let server = start_with(ServerOptions { max_connections: 1, ..ServerOptions::default() }).await;
    let first = server.ask("{ waits }");
    let second = async {
        server.signals.waiting.notified().await;
        let answer = server.ask("{ hello }");
        tokio::pin!(answer);
        let early = tokio::time::timeout(Duration::from_millis(100), &mut answer).await;
        assert!(early.is_err(), "{early:?}");
        server.signals.go_on.notify_one();
        answer.await
    };
    let (first, second) = tokio::join!(first, second);
    assert_eq!((first.status, second.status), (200, 200));
}

#[tokio::test]
async fn a_head_beyond_reason_is_refused() {
    let server = start().await;
    let long = format!("x-long: {}", "x".repeat(100_000));
    let mut stream = server.connect().await;
    drop(stream.write_all(&request_bytes("GET /health/live HTTP/1.1", &[&long], b"")).await);
    assert_eq!(Answer::read(stream).await.status, 431);
    let many: Vec<String> = (0..200).map(|n| format!("x-{n}: 1")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(server.send("GET /health/live HTTP/1.1", &many, "").await.status, 431);
    assert_eq!(server.get("/health/live").await.status, 200);
}
