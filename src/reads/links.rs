//! Which project a deal led to when it was last seen. Identities are stable, values are not: what is remembered here says
//! where to ask at once, and is verified when the deal arrives.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;

use crate::domain::{Deal, DealId, ProjectId};

/// The links seen, up to a number; those seen longest ago are forgotten first.
pub struct Links {
    /// Of each of the two halves.
    capacity: usize,
    seen: Mutex<Seen>,
}

/// Two halves: when the young one is full, it becomes the old one, and what was in that is forgotten.
#[derive(Default)]
struct Seen {
    young: HashMap<DealId, ProjectId, RandomState>,
    old: HashMap<DealId, ProjectId, RandomState>,
}

impl Links {
    /// A memory of at most `capacity` links.
    pub fn new(capacity: usize) -> Self {
        Self { capacity: (capacity / 2).max(1), seen: Mutex::default() }
    }

    /// Where a deal led when it was last seen; none if it was not, or led nowhere.
    pub fn of(&self, deal: &DealId) -> Option<ProjectId> {
        let seen = self.seen();
        seen.young.get(deal).or_else(|| seen.old.get(deal)).cloned()
    }

    /// Takes note of a deal as the owner has it now.
    pub(super) fn saw(&self, deal: &Deal) {
        let Some(project) = deal.project_id() else { return self.forget(&deal.id) };
        let mut seen = self.seen();
        if let Some(known) = seen.young.get_mut(&deal.id) {
            if known != project {
                *known = project.clone();
            }
            return;
        }
        if seen.young.len() >= self.capacity {
            seen.old = std::mem::take(&mut seen.young);
        }
        seen.old.remove(&deal.id);
        seen.young.insert(deal.id.clone(), project.clone());
    }

    /// Forgets where these deals led.
    pub(super) fn forget_where(&self, gone: impl Fn(&DealId) -> bool) {
        let mut seen = self.seen();
        let Seen { young, old } = &mut *seen;
        young.retain(|deal, _| !gone(deal));
        old.retain(|deal, _| !gone(deal));
    }

    /// Takes note that a deal is not there, or leads nowhere.
    pub(super) fn forget(&self, deal: &DealId) {
        let mut seen = self.seen();
        seen.young.remove(deal);
        seen.old.remove(deal);
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Links {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seen = self.seen();
        f.debug_struct("Links").field("seen", &(seen.young.len() + seen.old.len())).finish_non_exhaustive()
    }
}
