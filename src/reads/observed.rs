//! What one request saw of the values it read.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::Duration;

use crate::domain::SourceStatus;

/// What a request read: when its oldest part was read, until when its shortest-lived part lives, and what kinds of record
/// it is made of. Moments, on the readers' monotonic clock: a part grows older while the request waits for another one.
#[derive(Debug)]
pub struct Observed {
    oldest_ms: AtomicU64,
    until_ms: AtomicU64,
    parts: AtomicU64,
    flags: AtomicU8,
}

/// What one read, of one key or many, adds to it.
#[derive(Debug)]
pub(super) struct Sight {
    oldest: Duration,
    until: Duration,
    flags: u8,
}

const FAILED: u8 = 1;
const STALE: u8 = 2;
const LIVE: u8 = 4;
const ANY: u8 = 8;
const MOMENTARY: u8 = 16;

impl Default for Observed {
    fn default() -> Self {
        Self {
            oldest_ms: AtomicU64::new(u64::MAX),
            until_ms: AtomicU64::new(u64::MAX),
            parts: AtomicU64::new(0),
            flags: AtomicU8::new(0),
        }
    }
}

impl Observed {
    /// The age of the oldest value at a moment, if any was read.
    pub fn age(&self, now: Duration) -> Option<Duration> {
        let since = |moment: &AtomicU64| millis(now).saturating_sub(moment.load(Ordering::Relaxed));
        self.has(ANY).then(|| Duration::from_millis(since(&self.oldest_ms)))
    }

    /// For how long from a moment on the answer may be shown again; none if a read failed or nothing was read.
    pub fn lifetime(&self, now: Duration) -> Option<Duration> {
        let until = |moment: &AtomicU64| moment.load(Ordering::Relaxed).saturating_sub(millis(now));
        (self.has(ANY) && !self.has(FAILED)).then(|| Duration::from_millis(until(&self.until_ms)))
    }

    /// Whether a value was read from its owner for this request, and said so.
    pub fn live(&self) -> bool {
        self.has(LIVE)
    }

    /// Whether a value was older than its time to live.
    pub fn stale(&self) -> bool {
        self.has(STALE)
    }

    /// Takes note that the answer says what is true for this moment alone, e.g. how many milliseconds old a value is.
    pub fn pin_to_moment(&self) {
        self.flags.fetch_or(MOMENTARY, Ordering::Relaxed);
    }

    /// Whether the answer says such a thing.
    pub fn momentary(&self) -> bool {
        self.has(MOMENTARY)
    }

    /// Which readers were asked: one bit each. See [`Reads::evictions`](super::Reads::evictions).
    pub fn parts(&self) -> u64 {
        self.parts.load(Ordering::Relaxed)
    }

    pub(super) fn note(&self, part: u64, sight: &Sight) {
        // Most reads say nothing new: a look is cheaper than a write that other cores have to hear of.
        for (seen, moment) in [(sight.oldest, &self.oldest_ms), (sight.until, &self.until_ms)] {
            let seen = millis(seen);
            if seen < moment.load(Ordering::Relaxed) {
                moment.fetch_min(seen, Ordering::Relaxed);
            }
        }
        if self.parts.load(Ordering::Relaxed) & part == 0 {
            self.parts.fetch_or(part, Ordering::Relaxed);
        }
        let flags = sight.flags | ANY;
        if self.flags.load(Ordering::Relaxed) & flags != flags {
            self.flags.fetch_or(flags, Ordering::Relaxed);
        }
    }

    fn has(&self, flag: u8) -> bool {
        self.flags.load(Ordering::Relaxed) & flag != 0
    }
}

impl Sight {
    pub(super) fn new() -> Self {
        Self { oldest: Duration::MAX, until: Duration::MAX, flags: 0 }
    }

    /// A value that was read then and may be shown for that long since.
    pub(super) fn value(&mut self, read_at: Duration, ttl: Duration, status: SourceStatus) {
        self.oldest = self.oldest.min(read_at);
        self.until = self.until.min(read_at.saturating_add(ttl));
        self.flags |= match status {
            SourceStatus::Live => LIVE,
            SourceStatus::Stale => STALE,
            _ => 0,
        };
    }

    /// A value that could not be read.
    pub(super) fn failure(&mut self) {
        self.flags |= FAILED;
    }
}

/// Whole milliseconds.
pub(super) fn millis(duration: Duration) -> u64 {
    duration.as_secs().saturating_mul(1000).saturating_add(u64::from(duration.subsec_millis()))
}
