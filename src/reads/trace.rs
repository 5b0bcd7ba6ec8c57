//! How the values of one request were read, for those who want to see it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::upstream::Kind;
use crate::domain::ConnectionName;
use crate::systems::Priority;

/// How one request was answered: what was asked of each reader, and what it took.
#[derive(Debug, Default)]
pub struct Trace {
    reads: Mutex<BTreeMap<usize, ReadTrace>>,
}

/// What a request asked of one reader.
#[derive(Debug, Clone)]
pub struct ReadTrace {
    /// The connection.
    pub connection: ConnectionName,
    /// What was read, e.g. `deals`.
    pub read: &'static str,
    /// Keys asked for.
    pub asked: usize,
    /// Keys that lay in the cache, stale ones included.
    pub hits: usize,
    /// Values that were older than their time to live.
    pub stale: usize,
    /// Keys that were under way already, or left in a batch that another request had opened.
    pub joined: usize,
    /// The batches that the request waited for.
    pub batches: Vec<BatchTrace>,
}

/// A batch, as one of those who waited for it saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchTrace {
    /// Tells the batches of one reader apart.
    pub number: u64,
    /// For whom it was made.
    pub priority: Priority,
    /// Keys in it, those of others included.
    pub keys: usize,
    /// Whether other requests waited for it too. Each of them reports it.
    pub shared: bool,
    /// Requests that it sent to the system, retries included.
    pub calls: u32,
    /// When it left, counted from when the request began; zero if before.
    pub started: Duration,
    /// How long it took.
    pub took: Duration,
}

impl Trace {
    /// What was asked of each reader, so far.
    pub fn reads(&self) -> Vec<ReadTrace> {
        self.reads.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    pub(super) fn note(&self, reader: usize, kind: &Kind, note: impl FnOnce(&mut ReadTrace)) {
        let mut reads = self.reads.lock().unwrap_or_else(PoisonError::into_inner);
        note(reads.entry(reader).or_insert_with(|| ReadTrace {
            connection: kind.connection.clone(),
            read: kind.name,
            asked: 0,
            hits: 0,
            stale: 0,
            joined: 0,
            batches: Vec::new(),
        }));
    }
}
