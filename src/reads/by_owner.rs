//! The readers of a domain whose records are found by the shared ID: those of its owner, or of each of its owners.

use std::borrow::Cow;

use crate::config::OwnerRule;
use crate::domain::ProjectId;

/// The readers of a domain, each with the IDs that their connection owns. Empty if nobody owns it.
#[derive(Debug)]
pub struct ByOwner<T>(Vec<(OwnerRule, T)>);

impl<T> ByOwner<T> {
    pub(super) fn new(owners: impl IntoIterator<Item = (OwnerRule, T)>) -> Self {
        Self(owners.into_iter().collect())
    }

    /// The readers of the owner of an ID; none if nobody owns it.
    pub fn of(&self, id: &ProjectId) -> Option<&T> {
        OwnerRule::of(&self.0, id)
    }

    /// The readers of all owners, in the order of the configuration.
    pub fn all(&self) -> impl ExactSizeIterator<Item = &T> {
        self.0.iter().map(|(_, readers)| readers)
    }

    /// Whether it depends on the ID who owns it.
    pub fn is_split(&self) -> bool {
        self.0.iter().any(|(rule, _)| rule.ids.is_some())
    }

    /// The pattern of the IDs that each of them owns; none if it owns all others.
    pub(super) fn rules(&self) -> impl Iterator<Item = (Option<&str>, &T)> {
        self.0.iter().map(|(rule, readers)| (rule.ids.as_ref().map(regex::Regex::as_str), readers))
    }

    /// IDs by the readers of their owner. IDs that nobody owns are left out.
    pub fn group<'k>(&self, ids: &'k [ProjectId]) -> Vec<(&T, Cow<'k, [ProjectId]>)> {
        if let ([(_, readers)], false) = (self.0.as_slice(), self.is_split()) {
            return vec![(readers, Cow::Borrowed(ids))];
        }
        let own = |readers: &T| {
            let own = ids.iter().filter(|id| self.of(id).is_some_and(|owner| std::ptr::eq(owner, readers)));
            own.cloned().collect::<Vec<_>>()
        };
        let groups = self.all().map(|readers| (readers, Cow::Owned(own(readers))));
        groups.filter(|(_, ids): &(_, Cow<'_, [ProjectId]>)| !ids.is_empty()).collect()
    }
}
