//! A model of the breaker under its lock: calls come and go in any order, and time passes between any two steps.

use shuttle::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use shuttle::sync::{Arc, Mutex};
use shuttle::thread;

use super::*;
use crate::explore::explore;

/// The breaker, and what the model knows beside it.
struct Model {
    breaker: Mutex<Breaker>,
    /// In milliseconds. It is read before the lock is taken, as by the guard: whoever comes first may have the later time.
    now: AtomicU64,
    probes: AtomicUsize,
    /// Failures that nothing good came between.
    failures: AtomicUsize,
}

impl Model {
    fn later(&self, millis: u64) -> Duration {
        Duration::from_millis(self.now.fetch_add(millis, Ordering::SeqCst) + millis)
    }

    /// A call, if it is let through.
    fn call(&self, outcome: Outcome) {
        let now = self.later(700);
        let Ok(probe) = self.breaker.lock().unwrap().enter(now) else { return };
        if probe {
            assert_eq!(self.probes.fetch_add(1, Ordering::SeqCst), 0, "one probe at a time");
        }
        thread::yield_now();
        if probe {
            self.probes.fetch_sub(1, Ordering::SeqCst);
        }
        let now = self.later(100);
        let mut breaker = self.breaker.lock().unwrap();
        let before = breaker.state().0;
        breaker.leave(now, probe, outcome);
        let after = breaker.state().0;
        match (before, after) {
            (BreakerState::Open | BreakerState::HalfOpen, BreakerState::Closed) => {
                assert!(probe && outcome == Outcome::Answered, "the probe alone closes it, by an answer");
            }
            (BreakerState::Closed, BreakerState::Open) => assert_eq!(outcome, Outcome::Failed),
            (BreakerState::Open, BreakerState::HalfOpen) => panic!("nothing that ends is a probe"),
            _ => {}
        }
        match outcome {
            Outcome::Failed => drop(self.failures.fetch_add(1, Ordering::SeqCst)),
            Outcome::Answered | Outcome::Unknown => {}
        }
        let failures = self.failures.load(Ordering::SeqCst);
        assert!(after == BreakerState::Closed || failures >= 2, "it does not open before its time: {failures}");
    }
}

#[test]
fn a_breaker_lets_one_probe_through_at_a_time_and_is_never_shut_for_good() {
    explore(|| {
        let model = Arc::new(Model {
            breaker: Mutex::new(Breaker::new(2, s(1))),
            now: AtomicU64::new(0),
            probes: AtomicUsize::new(0),
            failures: AtomicUsize::new(0),
        });
        // Each thread fares in its own way; together they meet the breaker in all its states.
        let fates = [
            [Outcome::Failed, Outcome::Failed, Outcome::Answered, Outcome::Failed],
            [Outcome::Failed, Outcome::Unknown, Outcome::Failed, Outcome::Answered],
            [Outcome::Answered, Outcome::Failed, Outcome::Unknown, Outcome::Failed],
        ];
        let threads = fates.map(|fate| {
            let model = Arc::clone(&model);
            thread::spawn(move || fate.into_iter().for_each(|outcome| model.call(outcome)))
        });
        for thread in threads {
            thread.join().unwrap();
        }
        let mut breaker = model.breaker.lock().unwrap();
        assert_ne!(breaker.state().0, BreakerState::HalfOpen, "no probe is under way");
        // The system is back: after the longest pause a call goes through, and closes it.
        let now = Duration::from_millis(model.now.load(Ordering::SeqCst)) + s(91);
        let probe = breaker.enter(now).unwrap();
        breaker.leave(now, probe, Outcome::Answered);
        assert_eq!(breaker.state().0, BreakerState::Closed);
        assert_eq!(breaker.enter(now), Ok(false));
    });
}
