//! When a failed attempt is made again: how long to pause, and how many retries a connection may make in all.

use std::time::Duration;

/// Whether a failed attempt is made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It would fail again.
    No,
    /// After the usual pause.
    Backoff,
    /// After this pause, if there is time for it; else the read fails now and says when to come back.
    After(Duration),
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_are_anything_up_to_a_bound_that_doubles_to_a_second() {
        for (nth, bound) in [(0, 100), (1, 200), (2, 400), (3, 800), (4, 1000), (60, 1000)] {
            let pauses: Vec<_> = (0..200).map(|_| pause(Retry::Backoff, nth).unwrap()).collect();
            let bound = Duration::from_millis(bound);
            assert!(pauses.iter().all(|pause| *pause <= bound), "retry {nth}");
            assert!(pauses.iter().any(|pause| *pause < bound / 2), "jitter reaches down to nothing");
            assert!(pauses.iter().any(|pause| *pause > bound / 2), "jitter reaches up to the bound");
        }
        assert_eq!(pause(Retry::No, 0), None);
        assert_eq!(pause(Retry::After(Duration::from_secs(7)), 3), Some(Duration::from_secs(7)));
    }

    #[test]
    fn retries_are_a_fifth_of_calls_beyond_the_first_three() {
        let mut budget = Budget::new();
        let now = Duration::ZERO;
        let granted: usize = (0..1000)
            .map(|_| {
                budget.earn();
                usize::from(budget.spend(now))
            })
            .sum();
        assert_eq!(granted, 203);
    }

    #[test]
    fn three_retries_come_back_every_ten_seconds_and_no_more() {
        let mut budget = Budget::new();
        let mut granted = |seconds| (0..10).filter(|_| budget.spend(Duration::from_secs(seconds))).count();
        assert_eq!([granted(0), granted(9), granted(10), granted(15), granted(3600)], [3, 0, 3, 0, 3]);
    }

    #[test]
    fn quiet_times_do_not_save_up_for_a_storm() {
        let mut budget = Budget::new();
        for _ in 0..10_000 {
            budget.earn();
        }
        assert_eq!((0..100).filter(|_| budget.spend(Duration::ZERO)).count(), 10);
    }
}
