//! What one request asks of every value it reads.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{AtHand, Observed, Touched, Trace};
use crate::access::Viewer;
use crate::systems::{Budget, Priority};

/// What a request asks of every value in its answer.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// When the request began, on the monotonic clock.
    pub started: Duration,
    /// When it stops waiting.
    pub deadline: Instant,
    /// How old a value may be, whatever its time to live: `Cache-Control: max-age=N`, or zero for `no-cache`.
    pub max_age: Option<Duration>,
    /// Whether a value may be older than its time to live, where the configuration lets that be.
    pub stale: bool,
    /// Who waits.
    pub priority: Priority,
    /// Who reads, and what they may see.
    pub viewer: Arc<Viewer>,
    /// How many calls to systems it may make. None is no limit.
    pub budget: Option<Arc<Budget>>,
    /// What was read.
    pub observed: Arc<Observed>,
    /// What it has read already.
    pub at_hand: Arc<AtHand>,
    /// What was read, for the audit trail. None costs nothing.
    pub touched: Option<Arc<Touched>>,
    /// How it was read, for those who ask. None costs nothing.
    pub trace: Option<Arc<Trace>>,
}

impl ReadOptions {
    /// Of a person's request that began at `started` and waits until `deadline`, content with what the cache allows.
    pub fn new(started: Duration, deadline: Instant) -> Self {
        Self {
            started,
            deadline,
            max_age: None,
            stale: true,
            priority: Priority::Interactive,
            viewer: Viewer::anyone(),
            budget: None,
            observed: Arc::default(),
            at_hand: Arc::default(),
            touched: None,
            trace: None,
        }
    }

    /// What was read before this moment is too old, at `now`, for this request.
    pub(super) fn since(&self, now: Duration) -> Duration {
        self.max_age.map_or(Duration::ZERO, |max_age| self.started.min(now.saturating_sub(max_age)))
    }

    /// Whether a value may be that old.
    pub(super) fn allow(&self, age: Duration) -> bool {
        self.max_age.is_none_or(|max_age| age <= max_age)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_since_is_what_no_request_would_be_shown() {
        let seconds = Duration::from_secs;
        for max_age in [None, Some(seconds(0)), Some(seconds(2)), Some(seconds(5)), Some(seconds(60))] {
            for (started, now) in [(10, 10), (10, 13), (3, 4)].map(|(started, now)| (seconds(started), seconds(now))) {
                let options = ReadOptions { max_age, ..ReadOptions::new(started, Instant::now()) };
                for read_at in (0..16).map(seconds) {
                    let may_be_shown = read_at >= started || options.allow(now.saturating_sub(read_at));
                    assert_eq!(
                        read_at >= options.since(now),
                        may_be_shown,
                        "{max_age:?} {started:?} {now:?} {read_at:?}"
                    );
                }
            }
        }
    }
}
