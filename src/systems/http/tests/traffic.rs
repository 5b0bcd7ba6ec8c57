//! How calls share a connection: breaker, places, rate limits, retries, deadlines.

use axum::Router;
use axum::routing::post;
use futures_util::future::join_all;
use jiff::Timestamp;

use super::chaos::{Act, Upstream, json, message};
use super::*;
use crate::domain::ManualClock;
use crate::telemetry::kept::Kept;

#[tokio::test]
async fn a_request_carries_its_body_and_the_headers_of_the_connection() {
    let echo = post(async |headers: HeaderMap, body: String| {
        let header = |name: &str| headers[name].to_str().unwrap().to_owned();
        let seen = [header("user-agent"), header("authorization"), header("accept-encoding"), body];
        serde_json::to_string(&seen).unwrap()
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/sub/", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/sub/echo", echo)).await });

    let client = client(&url, traffic());
    let request = Request::post_json("echo.read", "/echo", &[1, 2]);
    let response = client.send(&call(5000), request).await.unwrap();
    let seen: Vec<String> = client.decode("echo.read", &response).unwrap();
    assert_eq!(seen, [concat!("spine/", env!("CARGO_PKG_VERSION")), "Bearer canary-token", "gzip", "[1,2]"]);
}

#[tokio::test]
async fn a_call_that_is_not_on_the_list_is_not_sent() {
    let upstream = Upstream::start(|_| json("200 OK", "{}")).await;
    let client = client(&upstream.url, traffic());
    for request in [
        Request::get("x", "/a/b"),
        Request { method: http::Method::DELETE, ..Request::get("x", "/a") },
        Request::get("x", "/.."),
    ] {
        assert_eq!(client.send(&call(5000), request).await.unwrap_err().kind, ErrorKind::NotAllowed);
    }
    assert_eq!((upstream.connections(), client.calls()), (0, 0));
}

#[test]
fn a_connection_that_cannot_work_is_refused_when_it_is_built() {
    let build = |url: &str, ca_file: Option<&str>| {
        HttpClient::new(ClientOptions {
            connection: ConnectionName::new("test"),
            system: "test",
            base_url: url.parse().unwrap(),
            headers: HeaderMap::new(),
            allowed: vec![],
            classify,
            traffic: Traffic { ca_file: ca_file.map(Into::into), ..traffic() },
            clock: Arc::new(SystemClock::default()),
        })
        .map_err(|error| error.detail.unwrap().to_string())
    };
    assert!(build("https://a.example/sub", None).is_ok());
    for url in ["ftp://a.example", "https://user@a.example", "https://:x@a.example", "https://a.example/?x=1"] {
        assert!(build(url, None).unwrap_err().contains("the base URL"), "{url}");
    }
    assert!(build("https://a.example", Some("/does/not/exist.pem")).unwrap_err().contains("cannot be read"));
    assert!(build("https://a.example", Some("Cargo.toml")).unwrap_err().contains("no CA certificates"));
}

#[tokio::test]
async fn the_breaker_opens_lets_one_probe_through_and_closes_when_the_system_is_back() {
    // Three failures, then a failed probe, then health.
    let upstream = Upstream::start(|n| json(if n < 4 { "500 Oops" } else { "200 OK" }, "{}")).await;
    let mut client = client(&upstream.url, Traffic { breaker_failures: 3, breaker_pause: ms(2000), ..traffic() });
    for _ in 0..3 {
        assert_eq!(kinds(&client, 1).await, [Some(ErrorKind::Broken)]);
    }
    let refused = client.send(&call(5000), get()).await.unwrap_err();
    assert_eq!((refused.kind, upstream.requests()), (ErrorKind::CircuitOpen, 3));
    assert!(refused.retry_after.unwrap() <= Duration::from_secs(3));
    assert_eq!(client.health().breaker, BreakerState::Open);

    for (pause, outcome) in [(3, Some(ErrorKind::Broken)), (6, None)] {
        // As if the pause had passed: the client's time is the time since it was built.
        Arc::get_mut(&mut client).unwrap().guard.started -= Duration::from_secs(pause);
        let before = upstream.requests();
        let outcomes = kinds(&client, 20).await;
        assert_eq!(upstream.requests(), before + 1, "one probe");
        assert_eq!(outcomes.iter().filter(|each| **each == Some(ErrorKind::CircuitOpen)).count(), 19);
        assert!(outcomes.contains(&outcome), "{outcomes:?}");
    }
    assert_eq!(client.health().breaker, BreakerState::Closed);
    assert!(kinds(&client, 8).await.iter().all(Option::is_none));
}

/// How calls made together end.
async fn kinds(client: &HttpClient, calls: usize) -> Vec<Option<ErrorKind>> {
    join_all((0..calls).map(async |_| client.send(&call(5000), get()).await.err().map(|error| error.kind))).await
}

#[tokio::test]
async fn answers_that_say_no_leave_the_breaker_alone_and_answers_that_make_no_sense_do_not() {
    for (answer, state) in [
        (json("401 Who", "{}"), BreakerState::Closed),
        (json("403 No", "{}"), BreakerState::Closed),
        (json("404 What", "{}"), BreakerState::Closed),
        (json("429 Slow", "{}"), BreakerState::Closed),
        (json("200 OK", "<html>"), BreakerState::Open),
        (json("503 Busy", "{}"), BreakerState::Open),
    ] {
        let upstream = Upstream::start(move |_| answer.clone()).await;
        let client = client(&upstream.url, Traffic { breaker_failures: 2, retries: 0, ..traffic() });
        for _ in 0..3 {
            client.send(&call(5000), get()).await.unwrap_err();
        }
        assert_eq!(client.health().breaker, state);
    }
}

#[tokio::test]
async fn answers_that_cannot_be_decoded_open_the_breaker() {
    let upstream = Upstream::start(|_| json("200 OK", r#"{"a": "canary"}"#)).await;
    let client = client(&upstream.url, Traffic { breaker_failures: 2, ..traffic() });
    for _ in 0..2 {
        let response = client.send(&call(5000), get()).await.unwrap();
        let error = client.decode::<std::collections::HashMap<String, u8>>("a.read", &response).unwrap_err();
        assert_eq!(error.kind, ErrorKind::BadResponse);
        assert!(!format!("{error:?} {response:?}").contains("canary"));
    }
    assert_eq!(client.send(&call(5000), get()).await.unwrap_err().kind, ErrorKind::CircuitOpen);
}

#[tokio::test]
async fn retries_of_a_flapping_system_stay_within_a_fifth_of_the_calls() {
    let upstream = Upstream::start(|n| json(if n % 2 == 0 { "503 Busy" } else { "200 OK" }, "{}")).await;
    let client = client(&upstream.url, Traffic { breaker_failures: 1000, ..traffic() });
    join_all((0..100).map(async |_| client.send(&call(5000), get()).await.is_ok())).await;
    let requests = upstream.requests();
    assert!(requests > 100 && requests <= 120 + 3, "{requests}");
    assert_eq!(client.calls(), u64::try_from(requests).unwrap());
}

#[tokio::test]
async fn a_system_that_asks_for_a_pause_gets_it_from_all_calls() {
    let busy = Act::Answer(message("429 Slow", "retry-after: 60\r\n", b"{}"));
    let upstream = Upstream::start(move |_| busy.clone()).await;
    let client = client(&upstream.url, traffic());
    let start = Instant::now();
    for _ in 0..3 {
        let error = client.send(&call(20_000), get()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::RateLimited);
        let pause = error.retry_after.unwrap();
        assert!(pause <= Duration::from_mins(1) && pause > Duration::from_secs(40), "{pause:?}");
    }
    assert_eq!(upstream.requests(), 1);
    assert!(start.elapsed() < Duration::from_secs(20), "what does not fit is not waited for");
    assert!(client.health().rate_limited_until.is_some());
}

#[tokio::test]
async fn a_pause_that_fits_is_waited_for() {
    fn at_once(response: &Response) -> Result<(), Failure> {
        classify(response).map_err(|failure| Failure { retry: Retry::After(Duration::from_millis(60)), ..failure })
    }
    let upstream = Upstream::start(|n| json(if n == 0 { "429 Slow" } else { "200 OK" }, "{}")).await;
    let mut client = client(&upstream.url, traffic());
    Arc::get_mut(&mut client).unwrap().classify = at_once;
    let start = Instant::now();
    client.send(&call(5000), get()).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(60));
    assert_eq!(upstream.requests(), 2);
}

#[tokio::test]
async fn a_connector_may_let_a_missing_record_pass() {
    fn with_missing(response: &Response) -> Result<(), Failure> {
        if response.status == http::StatusCode::NOT_FOUND { Ok(()) } else { classify(response) }
    }
    let upstream = Upstream::start(|_| json("404 What", "{}")).await;
    let mut client = client(&upstream.url, traffic());
    Arc::get_mut(&mut client).unwrap().classify = with_missing;
    assert_eq!(client.send(&call(5000), get()).await.unwrap().status, http::StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn nothing_is_begun_that_cannot_end_before_the_deadline() {
    let upstream = Upstream::start(|_| json("503 Busy", "{}")).await;
    let client = client(&upstream.url, traffic());
    let late = client.send(&call(50), get()).await.unwrap_err();
    assert_eq!((late.kind, upstream.connections()), (ErrorKind::Deadline, 0));

    let silent = Upstream::start(|_| Act::Silence(vec![])).await;
    let client = super::client(&silent.url, traffic());
    let start = Instant::now();
    let cut = client.send(&call(1000), get()).await.unwrap_err();
    assert_eq!((cut.kind, silent.requests()), (ErrorKind::Deadline, 1));
    assert!(start.elapsed() < traffic().attempt_timeout.0);
}

#[tokio::test]
async fn callers_who_leave_leave_nothing_behind() {
    let upstream = Upstream::start(|_| Act::Silence(vec![])).await;
    let client = client(&upstream.url, Traffic { concurrency: 4, breaker_failures: 1, ..traffic() });
    let calls: Vec<_> = (0..6)
        .map(|_| {
            let client = Arc::clone(&client);
            tokio::spawn(async move { client.send(&call(5000), get()).await })
        })
        .collect();
    while upstream.requests() < 2 {
        tokio::task::yield_now().await;
    }
    let health = client.health();
    assert_eq!((health.running, health.waiting), (2, 4));
    for call in calls {
        call.abort();
        assert!(call.await.unwrap_err().is_cancelled());
    }
    let health = client.health();
    assert_eq!((health.running, health.waiting), (0, 0));
    assert_eq!((health.failures, health.breaker), (0, BreakerState::Closed), "a caller who leaves proves nothing");
}

#[tokio::test]
async fn beyond_places_and_queue_calls_fail_at_once() {
    let upstream = Upstream::start(|_| Act::Silence(vec![])).await;
    let client = client(&upstream.url, Traffic { concurrency: 1, queue: 2, ..traffic() });
    let kinds: Vec<_> = join_all((0..5).map(async |_| client.send(&call(300), get()).await.unwrap_err().kind)).await;
    assert_eq!(kinds.iter().filter(|kind| **kind == ErrorKind::Overloaded).count(), 2);
    assert_eq!(client.health().breaker, BreakerState::Closed);
}

#[tokio::test]
async fn health_tells_what_happened_and_when() {
    let noon: Timestamp = "2025-06-01T12:00:00Z".parse().unwrap();
    let upstream = Upstream::start(|n| json(if n == 0 { "200 OK" } else { "500 Oops" }, "{}")).await;
    let mut client = client(&upstream.url, Traffic { breaker_failures: 1, breaker_pause: ms(30_000), ..traffic() });
    Arc::get_mut(&mut client).unwrap().guard.clock = Arc::new(ManualClock::new(noon));

    let fresh = client.health();
    assert_eq!((fresh.breaker, fresh.calls, fresh.latency), (BreakerState::Closed, 0, None));
    assert_eq!((fresh.last_error, fresh.last_success, fresh.next_probe), (None, None, None));

    client.send(&call(5000), get()).await.unwrap();
    client.send(&call(5000), get()).await.unwrap_err();
    let health = client.health();
    assert_eq!((health.breaker, health.calls, health.failures, health.retries), (BreakerState::Open, 2, 1, 0));
    assert!(health.latency.is_some());
    let about_noon = |time: Timestamp| noon.duration_since(time).abs() < jiff::SignedDuration::from_secs(5);
    assert!(about_noon(health.since) && about_noon(health.last_success.unwrap()));
    let error = health.last_error.unwrap();
    assert!(error.kind == ErrorKind::Broken && about_noon(error.at));
    let pause = health.next_probe.unwrap().duration_since(noon).as_secs();
    assert!((25..=45).contains(&pause), "{pause}");
}

#[tokio::test]
async fn a_failed_call_is_one_line_of_the_log_without_anything_of_the_request_or_the_answer() {
    let log = Kept::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_env_filter("spine=debug")
        .with_writer(move || writer.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let upstream = Upstream::start(|_| json("503 canary", r#"{"message": "canary"}"#)).await;
    let client = client(&upstream.url, traffic());
    let request = Request { body: Some("canary".into()), ..get() };
    // The first call makes the log's places known; a test on another thread may have had them switched off before.
    client.send(&call(5000), request.clone()).await.unwrap_err();
    tracing::callsite::rebuild_interest_cache();
    log.clear();
    client.send(&call(5000), request).await.unwrap_err();
    drop(guard);

    let log = log.text();
    assert!(!log.contains("canary") && !log.contains("127.0.0.1"), "{log}");
    let lines: Vec<serde_json::Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let levels: Vec<_> = lines.iter().map(|line| line["level"].as_str().unwrap()).collect();
    assert_eq!(levels, ["DEBUG", "DEBUG", "WARN"], "two attempts, one failed call");
    let failed = &lines[2];
    assert_eq!(failed["upstream.connection"], "test");
    assert_eq!(failed["upstream.operation"], "things.read");
    assert_eq!(failed["upstream.kind"], "Broken");
    assert_eq!((&failed["upstream.status"], &failed["attempts"]), (&503.into(), &2.into()));
    assert!(failed["duration_ms"].is_u64());
}
