//! How a connection fares: counted call by call, read by [`Upstream::health`](super::Upstream::health).

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::breaker::{Breaker, BreakerState};
use super::retry::Budget;
use crate::systems::ErrorKind;

/// How a connection fares.
#[derive(Debug, Clone)]
pub struct Health {
    /// Whether calls are let through.
    pub breaker: BreakerState,
    /// Since when that holds.
    pub since: Timestamp,
    /// When one call tries whether the system is back, while the breaker is open.
    pub next_probe: Option<Timestamp>,
    /// Until when the system wants no calls (429); none if it does not mind.
    pub rate_limited_until: Option<Timestamp>,
    /// The last answer that was fine; none if there was none yet.
    pub last_success: Option<Timestamp>,
    /// The last failure of an attempt; none if there was none yet.
    pub last_error: Option<LastError>,
    /// Attempts made: what the system counts against its quota.
    pub calls: u64,
    /// Attempts that failed.
    pub failures: u64,
    /// Attempts that were made again.
    pub retries: u64,
    /// How long answers take, lately; none before the first.
    pub latency: Option<Duration>,
    /// How far its clock is ahead of ours, by its latest answer: right to a second or so. None if it does not say.
    pub clock_skew: Option<SignedDuration>,
    /// What is left of the system's quota, by its latest answer that told; none if none did.
    pub quota: Option<Quota>,
    /// Calls under way.
    pub running: usize,
    /// Calls that wait for a place.
    pub waiting: usize,
    /// Calls at once that there may be now: at most `http.concurrency`, and fewer while the system is slow or refuses.
    pub places: usize,
}

/// How many calls a system takes within some time of its own choosing, a day for most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// In all.
    pub limit: u64,
    /// Until that time is over.
    pub remaining: u64,
}

impl Quota {
    /// Whether less than a tenth is left.
    pub fn is_low(self) -> bool {
        self.remaining < self.limit / 10
    }
}

/// How a connection fares, in a word; the worse the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum HealthStatus {
    /// It was not asked yet.
    Unknown,
    /// The last call went well.
    Ok,
    /// The last call failed, or the system asks to be asked less.
    Degraded,
    /// It failed repeatedly and is being given a rest.
    Down,
}

impl Health {
    /// Of two clients of one system: the worse speaks for both, and what they do is added up.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        let skews = self.clock_skew.into_iter().chain(other.clock_skew);
        let (calls, failures) = (self.calls + other.calls, self.failures + other.failures);
        let (running, waiting) = (self.running + other.running, self.waiting + other.waiting);
        let (places, clock_skew) = (self.places + other.places, skews.max_by_key(|skew| skew.abs()));
        let quota = self.quota.into_iter().chain(other.quota).min_by_key(|quota| quota.remaining);
        let worse = if self.status() >= other.status() { self } else { other };
        Self { calls, failures, clock_skew, quota, running, waiting, places, ..worse }
    }

    /// How it fares, in a word.
    pub fn status(&self) -> HealthStatus {
        let failed_last =
            self.last_error.is_some_and(|error| self.last_success.is_none_or(|success| error.at > success));
        if self.breaker != BreakerState::Closed {
            HealthStatus::Down
        } else if failed_last || self.rate_limited_until.is_some() {
            HealthStatus::Degraded
        } else if self.last_success.is_some() {
            HealthStatus::Ok
        } else {
            HealthStatus::Unknown
        }
    }
}

/// A failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LastError {
    /// What it was.
    pub kind: ErrorKind,
    /// When it was.
    pub at: Timestamp,
}

/// What is remembered of a connection's calls; times since the client was built.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) breaker: Breaker,
    pub(super) budget: Budget,
    pub(super) calls: u64,
    pub(super) failures: u64,
    pub(super) retries: u64,
    pub(super) last_success: Option<Duration>,
    pub(super) last_error: Option<(ErrorKind, Duration)>,
    pub(super) latency: Option<Duration>,
    pub(super) clock_skew: Option<SignedDuration>,
    pub(super) quota: Option<Quota>,
}

impl Record {
    pub(super) fn new(breaker: Breaker) -> Self {
        Self {
            breaker,
            budget: Budget::new(),
            calls: 0,
            failures: 0,
            retries: 0,
            last_success: None,
            last_error: None,
            latency: None,
            clock_skew: None,
            quota: None,
        }
    }

    /// An answer that was fine.
    pub(super) fn succeeded(&mut self, now: Duration, took: Duration) {
        self.last_success = Some(now);
        // A moving average in which the last dozen or so answers count.
        self.latency = Some(self.latency.map_or(took, |latency| (latency * 4 + took) / 5));
    }

    /// A failure, of an attempt or of decoding.
    pub(super) fn failed(&mut self, now: Duration, kind: ErrorKind) {
        self.failures += 1;
        self.last_error = Some((kind, now));
    }
}
