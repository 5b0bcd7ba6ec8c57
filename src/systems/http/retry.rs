//! When a failed attempt is made again: how long to pause, and how many retries a connection may make in all.

use std::time::Duration;

use super::Retry;

const BASE: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(1);

/// The pause before another attempt, the first being retry 0; none if it makes no sense. Full jitter: anything between
/// nothing and the doubled base, so that calls which failed together do not come back together.
pub(super) fn pause(retry: Retry, nth: u32) -> Option<Duration> {
    match retry {
        Retry::No => None,
        Retry::Backoff => {
            let longest = BASE.saturating_mul(1 << nth.min(16)).min(LONGEST);
            Some(longest.mul_f64(fastrand::f64()))
        }
        Retry::After(pause) => Some(pause),
    }
}

/// Fifths of a retry: what one call earns.
const RETRY: u32 = 5;
/// What is there in any case, once per window.
const FLOOR: u32 = 3 * RETRY;
/// What can be saved up: a fifth of the last 50 calls.
const CEILING: u32 = 10 * RETRY;
const WINDOW: Duration = Duration::from_secs(10);

/// The budget of retries: a fifth of recent calls, and no fewer than three in ten seconds. When a system is in trouble,
/// retries would otherwise double its load.
#[derive(Debug)]
pub(super) struct Budget {
    fifths: u32,
    window: Duration,
}

impl Budget {
    pub(super) fn new() -> Self {
        Self { fifths: FLOOR, window: Duration::ZERO }
    }

    /// A call was begun.
    pub(super) fn earn(&mut self) {
        self.fifths = (self.fifths + 1).min(CEILING);
    }

    /// Whether a retry may be made; if so, it is paid for.
    pub(super) fn spend(&mut self, now: Duration) -> bool {
        if now >= self.window + WINDOW {
            self.window = now;
            self.fifths = self.fifths.max(FLOOR);
        }
        match self.fifths.checked_sub(RETRY) {
            Some(rest) => {
                self.fifths = rest;
                true
            }
            None => false,
        }
    }
}
