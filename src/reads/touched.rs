//! What one request read, for the audit trail: which kinds of record, and which shared IDs.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

use super::reader::Key;
use super::upstream::Kind;
use crate::domain::{ProjectId, Weigh};

/// Shared IDs that are named. A report about the whole portfolio does not name them all.
const MOST_PROJECTS: usize = 200;

/// What a request read.
#[derive(Debug, Default)]
pub struct Touched(Mutex<TouchedReads>);

/// The reads of a request.
#[derive(Debug, Clone, Default)]
pub struct TouchedReads {
    /// Keys that were asked for, by what was read: `deals`, `invoices_by_project`.
    pub keys: BTreeMap<&'static str, usize>,
    /// The shared IDs among them, the first 200.
    pub projects: BTreeSet<ProjectId>,
    /// Whether there were more.
    pub more_projects: bool,
}

impl Touched {
    /// What was read so far.
    pub fn reads(&self) -> TouchedReads {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What it holds, in bytes, roughly.
    pub fn bytes(&self) -> usize {
        let reads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let projects = reads.projects.iter().map(|id| size_of::<ProjectId>() + id.heap_bytes());
        // A place in a set has some room beside it.
        projects.map(|bytes| bytes * 3 / 2).sum::<usize>() + reads.keys.len() * 48
    }

    pub(super) fn note<'k, K: Key>(&self, kind: &Kind, keys: impl IntoIterator<Item = &'k K>) {
        let mut reads = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut count = 0;
        for key in keys {
            count += 1;
            let Some(id) = (key as &dyn Any).downcast_ref::<ProjectId>() else { continue };
            if reads.projects.len() < MOST_PROJECTS {
                reads.projects.insert(id.clone());
            } else if !reads.projects.contains(id) {
                reads.more_projects = true;
            }
        }
        *reads.keys.entry(kind.name).or_default() += count;
    }
}
