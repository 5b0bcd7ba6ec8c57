//! The machine's clock is set while Spine runs: by an hour, back and forth. What is kept, and for how long, does not depend on it.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use spine::app::App;
use spine::config::Config;
use spine::domain::{Clock, ManualClock};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::support::{Gateway, TODAY, client, json_body, read_json, send};

/// A clock on the wall that somebody sets, beside one that nobody can.
#[derive(Debug)]
struct SetByHand {
    steady: ManualClock,
    off: AtomicI64,
}

impl Clock for SetByHand {
    fn now(&self) -> Timestamp {
        self.steady.now() + SignedDuration::from_secs(self.off.load(Ordering::SeqCst))
    }

    fn monotonic(&self) -> Duration {
        self.steady.monotonic()
    }
}

const DEALS: &str = "{ deals(first: 3) { nodes { name amount { amount } } } invoices(first: 3) { nodes { number } } }";

#[tokio::test]
async fn a_clock_that_jumps_by_an_hour_keeps_no_value_longer_and_forgets_none() {
    let over = Gateway::start(20).await;
    let steady = ManualClock::new(format!("{TODAY}T12:00:00Z").parse().unwrap());
    let clock = Arc::new(SetByHand { steady, off: AtomicI64::new(0) });
    let config = format!("{}\n[http]\nbreaker_failures = 2\nretries = 0\n", over.demo.gateway_config());
    let config = Config::parse("spine.toml", &config).unwrap();
    let app = App::build(&config, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (url, stop) = (format!("http://{}/graphql", listener.local_addr().unwrap()), CancellationToken::new());
    tokio::spawn(app.serve(listener, stop.clone()));
    let ask = async || {
        let request = json_body(client().post(&url), &json!({ "query": DEALS }));
        let response = send(request).await;
        let age: u64 = response.headers()["age"].to_str().unwrap().parse().unwrap();
        (read_json(response).await, age)
    };
    let calls =
        async || over.calls("hubspot").await.values().sum::<u64>() + over.calls("sap").await.values().sum::<u64>();

    let (first, _) = ask().await;
    assert!(first.get("errors").is_none(), "{first:#}");
    for (off, passed) in [(3600, 5), (-3600, 10), (0, 20)] {
        over.reset().await;
        clock.off.store(off, Ordering::SeqCst);
        clock.steady.advance(Duration::from_secs(passed - clock.steady.monotonic().as_secs()));
        let (again, age) = ask().await;
        assert_eq!((again, calls().await), (first.clone(), 0), "what is kept is kept, {off} s off");
        assert_eq!(age, passed, "ages do not jump");
    }
    // And it ends when it is old, whatever the clock on the wall says.
    clock.off.store(-3600, Ordering::SeqCst);
    clock.steady.advance(Duration::from_mins(1));
    over.reset().await;
    let (fresh, age) = ask().await;
    assert_eq!((fresh, age), (first, 0));
    assert!(calls().await > 0, "it was asked for");
    stop.cancel();
}
