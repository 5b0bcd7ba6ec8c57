//! Answers that were given a moment ago: whole, as bytes.
//!
//! An answer is kept as long as its shortest-lived part, and known by the whole body of its request: document, operation
//! and variables, byte by byte, and by what its reader may see. It is not given again when a record of a kind it shows was
//! evicted or read anew meanwhile (nobody sees values go back in time), when the day has changed (whether an invoice is overdue
//! depends on it), or to who asks for younger values than its oldest part.
//!
//! Not kept is what is true for one moment only: an answer with a failed or stale part, or one that says of a value how
//! many milliseconds old it is or that it was read for this request.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use foldhash::quality::RandomState;
use jiff::civil::Date;
use moka::sync::Cache;

use super::audit::Entry;
use crate::access::{ViewKey, Viewer};
use crate::domain::Clock;
use crate::reads::{Observed, Reads};

/// Larger answers, and requests, are not kept.
const LARGEST: usize = 1024 * 1024;

/// The answers.
#[derive(Debug)]
pub(super) struct Answers {
    kept: Cache<Question, Arc<Answer>, RandomState>,
    clock: Arc<dyn Clock>,
    reads: Arc<Reads>,
}

/// What is asked, and for whose eyes.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Question {
    viewer: ViewKey,
    /// Whether the viewer may ask with documents alone that are known beforehand.
    stored_only: bool,
    body: Vec<u8>,
}

impl Question {
    /// The body of a request of a viewer.
    pub(super) fn new(viewer: &Viewer, stored_only: bool, body: Vec<u8>) -> Self {
        Self { viewer: viewer.key(), stored_only, body }
    }

    /// The body.
    pub(super) fn body(&self) -> &[u8] {
        &self.body
    }
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) body: Bytes,
    /// Name of the operation, for the log.
    pub(super) operation: Option<String>,
    pub(super) etag: Arc<str>,
    /// What the audit trail knows of it.
    pub(super) audited: Option<Arc<Entry>>,
    /// When its oldest part was read, on the monotonic clock.
    oldest: Duration,
    /// When its shortest-lived part ends.
    until: Duration,
    /// The kinds of record it is made of.
    parts: u64,
    before: Before,
}

/// What was so before the first read of an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before {
    /// The latest renewal of any record.
    renewals: u64,
    day: Date,
}

/// How fresh an answer is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Age {
    /// Of its oldest part.
    pub(super) age: Duration,
    /// How long it may still be shown; none if not at all.
    pub(super) left: Option<Duration>,
}

impl Answers {
    /// Keeps at most `most_bytes` of answers.
    pub(super) fn new(most_bytes: u64, clock: Arc<dyn Clock>, reads: Arc<Reads>) -> Self {
        let weigh = |question: &Question, answer: &Arc<Answer>| {
            let audited = answer.audited.as_deref().map_or(0, Entry::bytes);
            let texts = question.body.len() + answer.body.len();
            u32::try_from(texts + question.viewer.bytes() + audited + 256).unwrap_or(u32::MAX)
        };
        let kept = Cache::builder().max_capacity(most_bytes).weigher(weigh).build_with_hasher(RandomState::default());
        Self { kept, clock, reads }
    }

    /// The moment, on the clock by which ages are told.
    pub(super) fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    /// What is so now, before an answer is made.
    pub(super) fn before(&self) -> Before {
        Before { renewals: self.reads.renewals(u64::MAX), day: self.clock.today() }
    }

    /// Whether what was so before an answer of these kinds of record was made is so still.
    fn holds(&self, before: Before, parts: u64) -> bool {
        self.reads.renewals(parts) <= before.renewals && self.clock.today() == before.day
    }

    /// The answer to a request that may be given again, to who lets values be `max_age` old.
    pub(super) fn get(&self, question: &Question, max_age: Option<Duration>) -> Option<(Arc<Answer>, Age)> {
        if max_age == Some(Duration::ZERO) {
            return None;
        }
        let answer = self.kept.get(question)?;
        let now = self.clock.monotonic();
        let age = Age { age: now.saturating_sub(answer.oldest), left: answer.until.checked_sub(now) };
        let fresh = age.left.is_some_and(|left| !left.is_zero())
            && max_age.is_none_or(|max_age| age.age <= max_age)
            && self.holds(answer.before, answer.parts);
        fresh.then_some((answer, age))
    }

    /// Keeps an answer, if it may be given again.
    pub(super) fn keep(&self, question: Question, answer: &Bytes, operation: Option<String>, seen: &Seen<'_>) {
        let (observed, now) = (seen.observed, self.clock.monotonic());
        let (Some(age), Some(left)) = (observed.age(now), observed.lifetime(now)) else { return };
        let momentary = observed.momentary() || observed.stale() || left.is_zero();
        let is_small = question.body.len() + answer.len() <= LARGEST;
        // What was renewed while it was made may be a value that is in it.
        if momentary || !is_small || !self.holds(seen.before, observed.parts()) {
            return;
        }
        let answer = Answer {
            // In room of its own: what was written has some ahead.
            body: Bytes::copy_from_slice(answer),
            operation,
            etag: Arc::clone(&seen.etag),
            audited: seen.audited.clone(),
            oldest: now.saturating_sub(age),
            until: now + left,
            parts: observed.parts(),
            before: seen.before,
        };
        self.kept.insert(question, Arc::new(answer));
    }
}

/// What is known of an answer once it is made.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    pub(super) observed: &'a Observed,
    pub(super) before: Before,
    pub(super) etag: Arc<str>,
    pub(super) audited: Option<Arc<Entry>>,
}
