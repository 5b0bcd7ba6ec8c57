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

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[tokio::test(start_paused = true)]
    async fn a_shut_connection_makes_calls_wait_or_fail_at_once() {
        let pace = Pace::new(0, 0);
        pace.shut(ms(2000));
        pace.shut(ms(500));
        let start = Instant::now();
        assert_eq!(pace.wait(start + ms(1000)).await, Err(ms(2000)), "the longer pause holds");
        assert_eq!(pace.fits(start + ms(1000)), Err(ms(2000)));
        assert_eq!(start.elapsed(), Duration::ZERO, "it does not wait in vain");
        assert_eq!(pace.wait(start + ms(3000)).await, Ok(()));
        assert!(start.elapsed() >= ms(2000));
        assert_eq!(pace.shut_for(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn no_system_shuts_its_connection_for_more_than_a_minute() {
        let pace = Pace::new(0, 0);
        pace.shut(Duration::from_hours(24));
        assert_eq!(pace.shut_for(), Some(Duration::from_mins(1)));
    }

    #[tokio::test]
    async fn beyond_the_burst_calls_wait_for_the_rate() {
        let pace = Pace::new(1, 2);
        let now = Instant::now();
        assert_eq!((pace.wait(now + ms(500)).await, pace.wait(now + ms(500)).await), (Ok(()), Ok(())));
        let wait = pace.wait(now + ms(500)).await.unwrap_err();
        assert!(wait > ms(500) && wait <= ms(1000), "{wait:?}");
    }
}
