//! What goes wrong on the wire, and what a connector hears of it.

use std::io::Write;

use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::chaos::{Act, Upstream, json, message};
use super::*;

fn nth(acts: impl Into<Vec<Act>>) -> impl Fn(usize) -> Act + Send + Sync + 'static {
    let acts = acts.into();
    move |n| acts.get(n).cloned().unwrap_or_else(|| json("200 OK", "{}"))
}

fn detail(error: &SystemError) -> &str {
    error.detail.as_deref().unwrap()
}

async fn fails_at(url: &str) -> (SystemError, u64) {
    let client = client(&url.parse().unwrap(), traffic());
    let error = client.send(&call(5000), get()).await.unwrap_err();
    (error, client.calls())
}

#[tokio::test]
async fn a_host_that_does_not_exist_is_a_failure_to_connect() {
    // A label of more than 63 letters: no resolver needs to be asked.
    let (error, calls) = fails_at(&format!("http://{}.example", "a".repeat(70))).await;
    assert_eq!((error.kind, calls), (ErrorKind::Connect, 1));
    assert!(detail(&error).starts_with("DNS: "), "{error}");
}

#[tokio::test]
async fn a_refused_connection_is_tried_once_more_and_not_until_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let start = Instant::now();
    let (error, calls) = fails_at(&url).await;
    assert_eq!((error.kind, calls), (ErrorKind::Connect, 2));
    assert!(detail(&error).starts_with("TCP: "), "{error}");
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_host_that_drops_what_it_gets_costs_the_connect_timeout() {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    // Nobody accepts, and Linux drops what comes after the backlog is full.
    let backlog: Vec<_> = (0..4).map(|_| tokio::spawn(TcpStream::connect(address))).collect();
    let client =
        client(&format!("http://{address}").parse().unwrap(), Traffic { connect_timeout: ms(100), ..traffic() });
    while backlog.iter().filter(|connected| connected.is_finished()).count() == 0 {
        tokio::task::yield_now().await;
    }
    let start = Instant::now();
    let error = client.send(&call(5000), get()).await.unwrap_err();
    assert_eq!((error.kind, client.calls()), (ErrorKind::Connect, 1));
    assert!(detail(&error).starts_with("timeout: "), "{error}");
    assert!(start.elapsed() < Duration::from_secs(2));
    backlog.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test]
async fn a_server_without_tls_is_not_spoken_to_in_the_clear() {
    let upstream = Upstream::start(|_| json("200 OK", "{}")).await;
    let (error, calls) = fails_at(&upstream.url.as_str().replace("http:", "https:")).await;
    assert_eq!((error.kind, calls, upstream.requests()), (ErrorKind::Connect, 1, 0));
    assert!(detail(&error).starts_with("TLS: "), "{error}");
}

#[tokio::test]
async fn a_connection_lost_before_the_answer_is_replaced_once_without_a_word() {
    for lost in [Act::Close(vec![]), Act::Reset(vec![]), Act::Close(b"HTTP/1.1 20".to_vec())] {
        let upstream = Upstream::start(nth([json("200 OK", "{}"), lost.clone()])).await;
        let client = client(&upstream.url, Traffic { retries: 0, breaker_failures: 1, ..traffic() });
        for _ in 0..2 {
            client.send(&call(5000), get()).await.unwrap();
        }
        assert_eq!((upstream.requests(), upstream.connections(), client.calls()), (3, 2, 3), "{lost:?}");
        let health = client.health();
        assert_eq!((health.failures, health.retries, health.breaker), (0, 1, BreakerState::Closed), "{lost:?}");
    }
}

#[tokio::test]
async fn a_system_that_closes_every_connection_cannot_be_reached() {
    let asked = ask(|_| Act::Close(vec![])).await;
    assert_eq!((asked.error().kind, asked.upstream.requests()), (ErrorKind::Connect, 2));
    assert_eq!(asked.client.health().failures, 1);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_again() {
    let whole = message("200 OK", "", br#"{"a": 1, "b": 2}"#);
    let half = whole[..whole.len() - 5].to_vec();
    let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n8\r\n{\"a\": 1}\r\n".to_vec();
    let gzip = message("200 OK", "content-encoding: gzip\r\n", &gzipped(b"{\"a\": 1}")[..15]);
    for broken in [Act::Close(half.clone()), Act::Reset(half), Act::Close(chunked), Act::Answer(gzip)] {
        let once = ask(nth([broken.clone()])).await;
        assert_eq!(once.outcome.as_ref().unwrap().body, "{}", "{broken:?}");
        assert_eq!(once.client.health().failures, 1);

        let always = ask(move |_| broken.clone()).await;
        assert_eq!((always.error().kind, always.upstream.requests()), (ErrorKind::BadResponse, 2));
        assert!(detail(always.error()).starts_with("the answer broke off"), "{}", always.error());
    }
}

#[tokio::test]
async fn an_answer_in_pieces_is_put_together() {
    let long = format!("[{}0]", "1234567,".repeat(5_000));
    for pieces in [vec!["[1]"], vec!["[1", ", 2", ", 3]"], vec![long.as_str(), " "], vec!["[", long.as_str(), "]"]] {
        let mut answer = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        for piece in &pieces {
            answer.extend_from_slice(format!("{:x}\r\n{piece}\r\n", piece.len()).as_bytes());
        }
        answer.extend_from_slice(b"0\r\n\r\n");
        let asked = ask(move |_| Act::Answer(answer.clone())).await;
        assert!(asked.outcome.unwrap().body == pieces.concat());
    }
    let answer = message("200 OK", "", long.as_bytes());
    assert!(ask(move |_| Act::Answer(answer.clone())).await.outcome.unwrap().body == long);
}

#[tokio::test]
async fn an_answer_that_drips_ends_with_the_attempt_and_frees_its_place() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\n{".to_vec();
    let limits = Traffic { attempt_timeout: ms(200), ..traffic() };
    let asked = ask_within(limits, move |_| Act::Drip(head.clone(), Duration::from_millis(20))).await;
    assert_eq!((asked.error().kind, asked.upstream.requests()), (ErrorKind::Timeout, 1));
    assert_eq!(detail(asked.error()), "no whole answer in time");
    assert_eq!(asked.client.health().running, 0);
}

#[tokio::test]
async fn an_answer_that_falls_silent_ends_with_the_idle_timeout() {
    let head = b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n".to_vec();
    let asked = ask_within(Traffic { idle_timeout: ms(50), ..traffic() }, move |_| Act::Silence(head.clone())).await;
    assert_eq!((asked.error().kind, asked.upstream.requests()), (ErrorKind::Timeout, 1));
    assert_eq!(detail(asked.error()), "the answer stopped half-way");
    assert_eq!(asked.client.health().running, 0);
}

#[tokio::test]
async fn a_system_that_never_answers_costs_one_attempt() {
    let limits = Traffic { attempt_timeout: ms(100), ..traffic() };
    let asked = ask_within(limits, |_| Act::Silence(vec![])).await;
    assert_eq!((asked.error().kind, asked.upstream.requests()), (ErrorKind::Timeout, 1));
    assert_eq!(asked.client.health().failures, 1);
}

#[tokio::test]
async fn an_answer_may_be_as_large_as_the_cap_and_no_larger() {
    let cap = traffic().max_body;
    let body = |bytes: usize| format!("[{}]", " ".repeat(bytes - 2));
    let asked = ask(move |_| json("200 OK", &body(cap))).await;
    assert_eq!(asked.outcome.unwrap().body.len(), cap);
    for bytes in [cap + 1, 10 * 1024 * 1024] {
        let asked = ask(move |_| json("200 OK", &body(bytes))).await;
        assert_eq!((asked.error().kind, asked.upstream.requests()), (ErrorKind::TooLarge, 1));
        assert_eq!(asked.client.health().breaker, BreakerState::Closed);
    }
}

#[tokio::test]
async fn the_answers_of_one_read_together_are_capped_too() {
    let upstream = Upstream::start(|_| json("200 OK", &format!("[{}]", " ".repeat(998)))).await;
    let client = client(&upstream.url, Traffic { max_read: 3000, ..traffic() });
    // The pages of one read: clones of one call.
    let read = call(5000);
    for _ in 0..3 {
        client.send(&read.clone(), get()).await.unwrap();
    }
    assert_eq!(client.send(&read, get()).await.unwrap_err().kind, ErrorKind::TooLarge);
    assert_eq!(client.health().breaker, BreakerState::Closed);
    client.send(&call(5000), get()).await.unwrap();
}

#[tokio::test]
async fn the_cap_counts_decompressed_bytes() {
    let bomb = message("200 OK", "content-encoding: gzip\r\n", &gzipped(&vec![b'['; 20 * 1024 * 1024]));
    assert!(bomb.len() < traffic().max_body);
    let asked = ask(move |_| Act::Answer(bomb.clone())).await;
    assert_eq!(asked.error().kind, ErrorKind::TooLarge);
}

#[tokio::test]
async fn a_compressed_answer_is_read() {
    let answer = message("200 OK", "content-encoding: gzip\r\n", &gzipped(b"{\"a\": 1}"));
    let asked = ask(move |_| Act::Answer(answer.clone())).await;
    assert_eq!(asked.outcome.unwrap().body, "{\"a\": 1}");
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let other = Upstream::start(|_| json("200 OK", "{}")).await;
    for status in ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect"] {
        let answer = message(status, &format!("location: {}\r\n", other.url), b"{}");
        let asked = ask(move |_| Act::Answer(answer.clone())).await;
        assert_eq!((asked.error().kind, asked.upstream.requests()), (ErrorKind::BadResponse, 1));
    }
    assert_eq!((other.requests(), other.connections()), (0, 0));
}

#[tokio::test]
async fn what_is_not_a_json_answer_is_never_taken_for_one() {
    for (answer, kind) in [
        (message("200 OK", "content-type: text/html\r\n", b"<html>sign in</html>"), ErrorKind::BadResponse),
        (message("200 OK", "content-type: application/json\r\n", b""), ErrorKind::BadResponse),
        (message("204 No Content", "", b""), ErrorKind::BadResponse),
        (message("206 Partial Content", "content-range: bytes 0-1/10\r\n", b"{}"), ErrorKind::BadResponse),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n".to_vec(), ErrorKind::BadResponse),
        (
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n".to_vec(),
            ErrorKind::BadResponse,
        ),
        (b"220 mail.example ESMTP\r\n".to_vec(), ErrorKind::Connect),
        (format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(10_000)).into_bytes(), ErrorKind::Connect),
    ] {
        let sent = answer.clone();
        let asked = ask(move |_| Act::Close(sent.clone())).await;
        assert_eq!(
            asked.error().kind,
            kind,
            "{}",
            String::from_utf8_lossy(&answer).chars().take(60).collect::<String>()
        );
    }
}

#[tokio::test]
async fn an_interim_answer_is_waited_over() {
    let mut answer = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n".to_vec();
    answer.extend(message("200 OK", "", b"{}"));
    assert_eq!(ask(move |_| Act::Answer(answer.clone())).await.outcome.unwrap().body, "{}");
}

#[tokio::test]
async fn gateway_errors_are_asked_again_and_defects_are_not() {
    for (status, requests) in
        [("500 Oops", 1), ("501 No", 1), ("502 Bad Gateway", 2), ("503 Busy", 2), ("504 Late", 2), ("522 Late", 2)]
    {
        let asked = ask(move |_| json(status, "{}")).await;
        assert_eq!((asked.error().kind, asked.upstream.requests()), (ErrorKind::Broken, requests), "{status}");
        assert_eq!(detail(asked.error()), format!("HTTP {}", status.split(' ').next().unwrap()));
        let healed = ask(nth([json(status, "{}")])).await;
        assert_eq!(healed.outcome.is_ok(), requests == 2, "{status}");
    }
}

fn gzipped(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
