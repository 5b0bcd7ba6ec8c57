//! What is kept of an answer, and what it is worth to a request.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::observed::Sight;
use super::{Freshness, ReadOptions};
use crate::domain::SourceStatus;
use crate::systems::{ErrorKind, SystemError};

/// The outcome of a read: a record with its age, or why there is none.
pub type Read<V> = Result<Fresh<V>, Arc<SystemError>>;

/// What the owner said, and when.
#[derive(Debug)]
pub struct Fresh<V> {
    /// The record; none if the owner does not know it.
    pub value: Option<Arc<V>>,
    /// When the owner was asked.
    pub as_of: Timestamp,
    /// [`SourceStatus::Live`] if it was asked for this request, [`SourceStatus::Cached`] if that was within the time to
    /// live, [`SourceStatus::Stale`] if before.
    pub status: SourceStatus,
}

impl<V> Clone for Fresh<V> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), as_of: self.as_of, status: self.status }
    }
}

pub(super) type Outcome<V> = Result<Option<Arc<V>>, Arc<SystemError>>;

/// What is kept of an answer.
#[derive(Debug)]
pub(super) struct Entry<K, V> {
    pub(super) key: K,
    pub(super) outcome: Outcome<V>,
    pub(super) as_of: Timestamp,
    /// When the owner was asked, on the monotonic clock.
    pub(super) read_at: Duration,
    pub(super) ttl: Duration,
    /// Of a failure: the last value before it, while that may still be of use.
    pub(super) last_good: Option<Arc<Self>>,
}

/// What an entry is worth to a request.
#[derive(Debug)]
pub(super) enum Worth<'a, K, V> {
    /// This may be shown: the entry, or the last good value before a failure.
    Show(&'a Entry<K, V>),
    /// This may be shown, and the owner is to be asked.
    ShowAndRefresh(&'a Entry<K, V>),
    /// The owner must be asked.
    Nothing,
}

impl<K, V> Entry<K, V> {
    pub(super) fn age(&self, now: Duration) -> Duration {
        now.saturating_sub(self.read_at)
    }

    /// Whether this, or the value before this failure, is within its time to live.
    pub(super) fn is_alive(&self, now: Duration) -> bool {
        let is_alive = |entry: &Self| entry.outcome.is_ok() && entry.age(now) < entry.ttl;
        is_alive(self) || self.last_good.as_deref().is_some_and(is_alive)
    }

    fn is_value(&self) -> bool {
        matches!(self.outcome, Ok(Some(_)))
    }

    /// The outcome as a request is told it.
    pub(super) fn show(&self, options: &ReadOptions, now: Duration, sight: &mut Sight) -> Read<V> {
        let value = self.outcome.clone().inspect_err(|_| sight.failure())?;
        let status = match (self.read_at >= options.started, self.age(now) < self.ttl) {
            (true, _) => SourceStatus::Live,
            (false, true) => SourceStatus::Cached,
            (false, false) => SourceStatus::Stale,
        };
        sight.value(self.read_at, self.ttl, status);
        Ok(Fresh { value, as_of: self.as_of, status })
    }

    /// What this entry, found in the cache, is worth.
    pub(super) fn worth(&self, options: &ReadOptions, freshness: &Freshness, now: Duration) -> Worth<'_, K, V> {
        let age = self.age(now);
        if self.read_at >= options.started || (age < self.ttl && options.allow(age)) {
            return Worth::Show(self.shown(options, freshness, now));
        }
        let Some(value) = self.value().filter(|value| options.allow(value.age(now))) else { return Worth::Nothing };
        let age = value.age(now);
        if age < value.ttl {
            Worth::Show(value)
        } else if options.stale && age < value.ttl.saturating_add(freshness.while_revalidate) {
            Worth::ShowAndRefresh(value)
        } else {
            Worth::Nothing
        }
    }

    /// The entry itself; in place of a failure the last good value, if the request takes one as old as that.
    pub(super) fn shown(&self, options: &ReadOptions, freshness: &Freshness, now: Duration) -> &Self {
        if self.outcome.is_ok() {
            return self;
        }
        self.stand_in(options, freshness, now).unwrap_or(self)
    }

    /// The value that may stand in for one that cannot be read now.
    pub(super) fn stand_in(&self, options: &ReadOptions, freshness: &Freshness, now: Duration) -> Option<&Self> {
        self.value().filter(|value| {
            let age = value.age(now);
            value.outlives_failure(freshness, now) && options.allow(age) && (options.stale || age < value.ttl)
        })
    }

    /// The last value known.
    fn value(&self) -> Option<&Self> {
        if self.is_value() { Some(self) } else { self.last_good.as_deref() }
    }

    /// Whether this value may stand in for one that could not be read.
    fn outlives_failure(&self, freshness: &Freshness, now: Duration) -> bool {
        self.is_value() && self.age(now) < self.ttl.saturating_add(freshness.if_error)
    }

    /// What to keep of the entry that a failure takes the place of: the last value, if the failure says nothing about it.
    pub(super) fn survivor(
        before: &Arc<Self>,
        failure: ErrorKind,
        freshness: &Freshness,
        now: Duration,
    ) -> Option<Arc<Self>> {
        let value = if before.is_value() { Some(before) } else { before.last_good.as_ref() };
        value.filter(|value| could_not_be_asked(failure) && value.outlives_failure(freshness, now)).cloned()
    }
}

/// Whether a failure means that the owner could not be asked, and not that it refused or that something is wrong with
/// the record.
fn could_not_be_asked(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::RateLimited
        | ErrorKind::Timeout
        | ErrorKind::Connect
        | ErrorKind::Broken
        | ErrorKind::BadResponse
        | ErrorKind::CircuitOpen
        | ErrorKind::Overloaded
        | ErrorKind::Deadline
        | ErrorKind::Budget(_) => true,
        ErrorKind::Unauthorized
        | ErrorKind::Forbidden
        | ErrorKind::BadRequest
        | ErrorKind::TooLarge
        | ErrorKind::Truncated
        | ErrorKind::Conflict
        | ErrorKind::NotAllowed
        | ErrorKind::Internal => false,
    }
}
