//! How fast a system is asked: the rate of the configuration, and the pause that the system itself asked for by a 429.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::time::{Instant, sleep};

/// Longest pause that a system can impose on all calls of its connection.
const LONGEST_GATE: Duration = Duration::from_mins(1);

/// The pace of a connection.
#[derive(Debug)]
pub(super) struct Pace {
    limiter: Option<DefaultDirectRateLimiter>,
    gate: Mutex<Option<Instant>>,
}

impl Pace {
    /// `rate` calls per second, 0 for no limit; `burst` at once after a pause, 0 for as many as `rate`.
    pub(super) fn new(rate: u32, burst: u32) -> Self {
        let limiter = NonZeroU32::new(rate).map(|rate| {
            let quota = Quota::per_second(rate).allow_burst(NonZeroU32::new(burst).unwrap_or(rate));
            RateLimiter::direct(quota)
        });
        Self { limiter, gate: Mutex::new(None) }
    }

    /// Shuts the connection for a while: the system asked for it.
    pub(super) fn shut(&self, pause: Duration) {
        let until = Instant::now() + pause.min(LONGEST_GATE);
        let mut gate = self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        *gate = (*gate).max(Some(until));
    }

    /// How long the connection is still shut.
    pub(super) fn shut_for(&self) -> Option<Duration> {
        let gate = *self.gate.lock().unwrap_or_else(PoisonError::into_inner);
        gate.map(|until| until.saturating_duration_since(Instant::now())).filter(|wait| !wait.is_zero())
    }

    /// Whether the connection opens again before `deadline`; if not, how long it is still shut.
    pub(super) fn fits(&self, deadline: Instant) -> Result<(), Duration> {
        match self.shut_for() {
            Some(wait) if Instant::now() + wait >= deadline => Err(wait),
            _ => Ok(()),
        }
    }

    /// Waits until a call may go. If that is not before `deadline`, says at once how long it would be.
    pub(super) async fn wait(&self, deadline: Instant) -> Result<(), Duration> {
        while let Some(wait) = self.shut_for().or_else(|| self.over_rate()) {
            if Instant::now() + wait >= deadline {
                return Err(wait);
            }
            sleep(wait).await;
        }
        Ok(())
    }

    /// Takes a call from the rate, or says how long until there is one.
    fn over_rate(&self) -> Option<Duration> {
        let not_until = self.limiter.as_ref()?.check().err()?;
        Some(not_until.wait_time_from(DefaultClock::default().now()))
    }
}
