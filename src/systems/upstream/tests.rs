//! Connections under load, in paused time: an attempt is a pause and an outcome.

mod model;

use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::join_all;

use super::*;
use crate::config::Seconds;
use crate::domain::SystemClock;
use crate::systems::{Budget, Exhausted, Payers, Priority};

/// A system that answers after so many milliseconds, with so many calls in the air at most so far.
struct System {
    guard: Guard,
    millis: AtomicU64,
    running: AtomicU64,
    most: AtomicU64,
    /// How it fails; none if it answers.
    failure: Mutex<Option<(ErrorKind, Option<u16>)>>,
}

impl System {
    fn new(traffic: &Traffic) -> Self {
        let guard = Guard::new(ConnectionName::new("erp"), "sap_b1", traffic, Arc::new(SystemClock::default()));
        let (millis, running, most) = (AtomicU64::new(50), AtomicU64::new(0), AtomicU64::new(0));
        Self { guard, millis, running, most, failure: Mutex::new(None) }
    }

    async fn call(&self, priority: Priority) -> Result<Duration, SystemError> {
        let began = Instant::now();
        let call = Call::new(began + Duration::from_mins(10), priority);
        let answer = self.guard.call(&call, "read", |_| async {
            let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
            self.most.fetch_max(running, Ordering::SeqCst);
            let _out = Out(&self.running);
            sleep(Duration::from_millis(self.millis.load(Ordering::SeqCst))).await;
            match *self.failure.lock().unwrap() {
                None => Ok(()),
                Some((kind, status)) => Err(Failed { status, ..Failed::refused(kind, Retry::No) }),
            }
        });
        answer.await.map(|()| began.elapsed())
    }

    /// So many callers who ask again and again for a while. How long each answer took, in order.
    async fn busy(&self, callers: usize, time: Duration, priority: Priority) -> Vec<Duration> {
        let until = Instant::now() + time;
        let caller = async |_| {
            let mut took = Vec::new();
            while Instant::now() < until {
                match self.call(priority).await {
                    Ok(time) => took.push(time),
                    Err(_) => sleep(Duration::from_millis(50)).await,
                }
            }
            took
        };
        let mut all: Vec<Duration> = join_all((0..callers).map(caller)).await.into_iter().flatten().collect();
        all.sort();
        all
    }

    fn places(&self) -> usize {
        self.guard.health().places
    }

    fn fails(&self, failure: Option<(ErrorKind, Option<u16>)>) {
        *self.failure.lock().unwrap() = failure;
    }
}

struct Out<'a>(&'a AtomicU64);

impl Drop for Out<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Sixteen places, patience, and no breaker in the way.
fn patient() -> Traffic {
    let attempt_timeout = Seconds(Duration::from_secs(20));
    Traffic { concurrency: 16, breaker_failures: 1_000_000, retries: 0, attempt_timeout, ..Traffic::default() }
}

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn a_system_that_slows_down_is_asked_less_and_another_ones_calls_take_as_long_as_before() {
    let (erp, crm) = (System::new(&patient()), System::new(&patient()));
    assert_eq!((erp.places(), crm.places()), (8, 8), "half at first");
    let (_, before) =
        tokio::join!(erp.busy(32, s(10), Priority::Interactive), crm.busy(4, s(10), Priority::Interactive));
    assert_eq!((erp.places(), erp.most.load(Ordering::SeqCst)), (16, 16), "all of them while it is well");
    assert_eq!(crm.places(), 8, "who has places enough gets no more");

    erp.millis.store(5_000, Ordering::SeqCst);
    let (_, during) =
        tokio::join!(erp.busy(32, s(100), Priority::Interactive), crm.busy(4, s(100), Priority::Interactive));
    let shrunk = erp.places();
    assert!(shrunk <= 8, "{shrunk}");
    let p99 = |times: &[Duration]| times[times.len() * 99 / 100];
    assert!(p99(&during).abs_diff(p99(&before)) < p99(&before) / 10, "{:?} and {:?}", p99(&during), p99(&before));

    erp.millis.store(50, Ordering::SeqCst);
    erp.busy(32, s(10), Priority::Interactive).await;
    assert_eq!(erp.places(), 16, "and all again when it is back");
}

#[tokio::test(start_paused = true)]
async fn a_system_that_refuses_or_is_silent_is_asked_less_and_one_that_answers_no_is_not() {
    for (kind, status, asked_less) in [
        (ErrorKind::RateLimited, Some(429), true),
        (ErrorKind::Broken, Some(503), true),
        (ErrorKind::Timeout, None, true),
        (ErrorKind::Broken, Some(500), false),
        (ErrorKind::Connect, None, false),
        (ErrorKind::Forbidden, Some(403), false),
        (ErrorKind::BadRequest, Some(400), false),
    ] {
        let system = System::new(&patient());
        system.fails(Some((kind, status)));
        system.busy(32, s(20), Priority::Interactive).await;
        assert_eq!(system.places() == 1, asked_less, "{kind:?}: {}", system.places());
        system.fails(None);
        system.busy(32, s(10), Priority::Interactive).await;
        assert_eq!(system.places(), 16, "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn silence_shrinks_the_places_also_where_the_client_gives_up() {
    let system = System::new(&Traffic { attempt_timeout: Seconds(s(4)), ..patient() });
    system.millis.store(60_000, Ordering::SeqCst);
    system.busy(32, s(60), Priority::Interactive).await;
    assert!(system.places() < 4, "{}", system.places());
    assert_eq!(system.guard.health().running, 0);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_nobody_can_pay_for_is_not_made_and_is_no_failure_of_the_system() {
    let system = System::new(&patient());
    let (budget, payers) = (Budget::new(3, "upstream_calls", true), Arc::<Payers>::default());
    payers.add(Some(&budget));
    let call = Call::paid_by(payers, Instant::now() + s(60), Priority::Interactive);
    let attempts = AtomicU64::new(0);
    let ask = async || {
        let attempt = |_| async {
            attempts.fetch_add(1, Ordering::SeqCst);
            Err::<(), _>(Failed::refused(ErrorKind::Broken, Retry::Backoff))
        };
        system.guard.call(&call, "read", attempt).await.unwrap_err().kind
    };
    let mut kinds = Vec::new();
    for _ in 0..5 {
        kinds.push(ask().await);
    }
    let exhausted = ErrorKind::Budget(Exhausted { allowed: 3, setting: "upstream_calls" });
    assert_eq!(kinds, [ErrorKind::Broken, ErrorKind::Broken, ErrorKind::Broken, exhausted, exhausted]);
    assert_eq!((attempts.into_inner(), system.guard.health().failures), (3, 3));
}

#[tokio::test(start_paused = true)]
async fn a_retry_is_paid_for_and_not_begun_without() {
    let system = System::new(&Traffic { retries: 5, ..patient() });
    let (budget, payers) = (Budget::new(2, "upstream_calls", true), Arc::<Payers>::default());
    payers.add(Some(&budget));
    let call = Call::paid_by(payers, Instant::now() + s(60), Priority::Interactive);
    let attempt = |_| async { Err::<(), _>(Failed::refused(ErrorKind::Broken, Retry::Backoff)) };
    let error = system.guard.call(&call, "read", attempt).await.unwrap_err();
    assert_eq!((error.kind, budget.made()), (ErrorKind::Broken, 2), "why it failed is not hidden by what it costs");
}

#[tokio::test(start_paused = true)]
async fn reports_alone_reach_all_places_and_take_a_third_of_them() {
    let system = System::new(&Traffic { concurrency: 12, ..patient() });
    system.busy(20, Duration::from_millis(100), Priority::Report).await;
    assert_eq!(system.most.load(Ordering::SeqCst), 2, "a third of six");
    system.busy(20, s(20), Priority::Report).await;
    assert_eq!((system.places(), system.most.load(Ordering::SeqCst)), (12, 4));
}
