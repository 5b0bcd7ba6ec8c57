//! What one request asks of every value it reads, what it saw on the way, and how long values live.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::reader::Outcome;
use crate::config::Cache;
use crate::domain::Domain;

/// What a request asks of every value in its answer.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// When the request began, on the monotonic clock.
    pub started: Duration,
    /// When it stops waiting.
    pub deadline: Instant,
    /// How old a value may be, whatever its time to live: `Cache-Control: max-age=N`, or zero for `no-cache`.
    pub max_age: Option<Duration>,
    /// What was read.
    pub observed: Arc<Observed>,
}

impl ReadOptions {
    pub(super) fn observe(&self, age: Duration, left: Duration, answered: bool) {
        self.observed.oldest_ms.fetch_max(millis(age), Ordering::Relaxed);
        self.observed.shortest_ms.fetch_min(millis(left), Ordering::Relaxed);
        self.observed.any.store(true, Ordering::Relaxed);
        if !answered {
            self.observed.failed.store(true, Ordering::Relaxed);
        }
    }
}

/// What a request read: how old the oldest part is, and how long the shortest-lived part still lives.
#[derive(Debug)]
pub struct Observed {
    oldest_ms: AtomicU64,
    shortest_ms: AtomicU64,
    any: AtomicBool,
    failed: AtomicBool,
}

impl Default for Observed {
    fn default() -> Self {
        Self {
            oldest_ms: AtomicU64::new(0),
            shortest_ms: AtomicU64::new(u64::MAX),
            any: AtomicBool::new(false),
            failed: AtomicBool::new(false),
        }
    }
}

impl Observed {
    /// The age of the oldest value, if any was read.
    pub fn age(&self) -> Option<Duration> {
        self.any.load(Ordering::Relaxed).then(|| Duration::from_millis(self.oldest_ms.load(Ordering::Relaxed)))
    }

    /// For how long the answer may be shown again; none if a read failed or nothing was read.
    pub fn lifetime(&self) -> Option<Duration> {
        let usable = self.any.load(Ordering::Relaxed) && !self.failed.load(Ordering::Relaxed);
        usable.then(|| Duration::from_millis(self.shortest_ms.load(Ordering::Relaxed)))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// How long the answers of one domain live.
#[derive(Debug, Clone)]
pub struct Freshness {
    ttl: Duration,
    not_found: Duration,
    failure: Duration,
    jitter_percent: u8,
    /// Largest number of values kept per reader.
    pub max_entries: u64,
    /// How long a load may take in all.
    pub patience: Duration,
}

impl Freshness {
    /// The lifetimes of a domain; a load may take `patience`.
    pub fn of(cache: &Cache, domain: Domain, patience: Duration) -> Self {
        Self {
            ttl: cache.ttl_of(domain),
            not_found: cache.not_found.0,
            failure: cache.failure.0,
            jitter_percent: cache.jitter_percent.min(100),
            max_entries: cache.max_entries,
            patience,
        }
    }

    /// The longest time any answer lives.
    pub fn longest(&self) -> Duration {
        self.ttl.max(self.not_found).max(self.failure)
    }

    /// How long an answer lives; up to `jitter_percent` shorter than configured, never longer.
    pub(super) fn ttl<V>(&self, outcome: &Outcome<V>) -> Duration {
        match outcome {
            Ok(Some(_)) => {
                let cut = fastrand::u32(0..=u32::from(self.jitter_percent));
                self.ttl.saturating_sub(self.ttl * cut / 100)
            }
            Ok(None) => self.not_found.min(self.ttl),
            Err(_) => self.failure,
        }
    }
}
