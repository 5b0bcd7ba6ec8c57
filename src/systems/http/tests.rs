//! The client against a system that misbehaves on the wire.

mod addresses;
mod chaos;
mod faults;
mod traffic;

use std::time::Duration;

use tokio::time::Instant;

use super::*;
use crate::config::Seconds;
use crate::domain::SystemClock;
use crate::systems::Priority;

/// The usual limits, with a small cap. Tests of a timeout set that one low, and the others high.
fn traffic() -> Traffic {
    Traffic { max_body: 64 * 1024, plain_http: true, ..Traffic::default() }
}

fn ms(millis: u64) -> Seconds {
    Seconds(Duration::from_millis(millis))
}

fn client(base_url: &Url, traffic: Traffic) -> Arc<HttpClient> {
    let mut headers = HeaderMap::new();
    headers.insert(http::header::AUTHORIZATION, "Bearer canary-token".parse().unwrap());
    Arc::new(
        HttpClient::new(ClientOptions {
            connection: ConnectionName::new("test"),
            system: "test",
            base_url: base_url.clone(),
            headers,
            allowed: vec![Allowed::get("/*"), Allowed::post("/*")],
            classify,
            traffic,
            clock: Arc::new(SystemClock::default()),
        })
        .unwrap(),
    )
}

fn call(millis: u64) -> Call {
    Call::new(Instant::now() + Duration::from_millis(millis), Priority::Interactive)
}

fn get() -> Request {
    Request::get("things.read", "/canary-path?canary-query=1")
}

/// Asks a system that does `act` once.
async fn ask(act: impl Fn(usize) -> chaos::Act + Send + Sync + 'static) -> Asked {
    ask_within(traffic(), act).await
}

async fn ask_within(traffic: Traffic, act: impl Fn(usize) -> chaos::Act + Send + Sync + 'static) -> Asked {
    let upstream = chaos::Upstream::start(act).await;
    let client = client(&upstream.url, traffic);
    let outcome = client.send(&call(5000), get()).await;
    Asked { outcome, upstream, client }
}

/// How a call went.
struct Asked {
    outcome: Result<Response, SystemError>,
    upstream: chaos::Upstream,
    client: Arc<HttpClient>,
}

impl Asked {
    /// What the call failed with; its words hold nothing of the request, whichever way they are printed.
    #[track_caller]
    fn error(&self) -> &SystemError {
        let error = self.outcome.as_ref().unwrap_err();
        let printed = format!("{error} {error:?} {:?} {:?}", self.client, get());
        assert!(!printed.contains("canary") && !printed.contains("127.0.0.1"), "{printed}");
        error
    }
}
