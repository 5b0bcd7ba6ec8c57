//! What a role may see, and whoever sees it.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, LazyLock};

use super::Principal;
use crate::config::{DealRule, Whose};
use crate::domain::{Class, Classes, Deal};

/// What a role may see.
#[derive(Debug)]
pub struct View {
    /// The role; none if no roles are configured, and everybody sees everything.
    pub role: Option<String>,
    /// Whether it may look at the schema, and be told what an answer cost.
    pub explore: bool,
    /// Whether it asks with documents that are known beforehand and no others.
    pub stored_only: bool,
    pub(super) number: u32,
    pub(super) classes: Classes,
    /// The fields it may not see, as `Deal.amount`.
    pub(super) masked: HashSet<String>,
    pub(super) deals: DealRule,
    /// The countries in which clients must be, as [`country`] writes them; none if they may be in any.
    pub(super) countries: Option<BTreeSet<String>>,
}

impl View {
    /// Everything.
    pub(super) fn whole() -> Self {
        Self {
            role: None,
            explore: true,
            stored_only: false,
            number: 0,
            classes: Classes::all(),
            masked: HashSet::new(),
            deals: DealRule::default(),
            countries: None,
        }
    }

    /// Whether a field may be seen, by type and name: `Deal.amount`.
    pub fn may(&self, field: &str) -> bool {
        self.masked.is_empty() || !self.masked.contains(field)
    }

    /// Whether a class of facts was given.
    pub fn reads(&self, class: Class) -> bool {
        self.classes.has(class)
    }

    /// Whether every field may be seen.
    pub fn is_unmasked(&self) -> bool {
        self.masked.is_empty() && self.classes == Classes::all()
    }
}

/// Who reads, and what they see.
#[derive(Debug)]
pub struct Viewer {
    /// Who.
    pub principal: Principal,
    /// What.
    pub view: Arc<View>,
    /// The e-mail addresses whose deals are read, in small letters, if not everybody's.
    pub(super) owners: Arc<BTreeSet<String>>,
    /// The countries of the reader's own regions, if it hangs on these which deals are read.
    pub(super) countries: Arc<BTreeSet<String>>,
}

/// A country as it is compared: the CRM's word, whatever its capitals and blanks.
pub(super) fn country(word: &str) -> String {
    word.trim().to_lowercase()
}

/// Tells answers apart that are not for the same eyes: viewers with the same key see the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ViewKey {
    view: u32,
    /// Whose deals are read, where that hangs on who looks: not who looks, whose address and teams may change.
    owners: Arc<BTreeSet<String>>,
    countries: Arc<BTreeSet<String>>,
}

impl ViewKey {
    /// What it holds, in bytes, roughly: each request has a key of its own.
    pub fn bytes(&self) -> usize {
        // An address or a country has its place in the set.
        self.owners.iter().chain(self.countries.iter()).map(|word| word.len() + 48).sum()
    }
}

impl Viewer {
    /// Whoever asks where everybody sees everything.
    pub fn anyone() -> Arc<Self> {
        static ANYONE: LazyLock<Arc<Viewer>> = LazyLock::new(|| {
            let view = Arc::new(View::whole());
            Arc::new(Viewer { principal: Principal::anyone(), view, owners: Arc::default(), countries: Arc::default() })
        });
        Arc::clone(&ANYONE)
    }

    /// Whether all deals are read.
    pub fn sees_all_deals(&self) -> bool {
        self.view.deals == DealRule::default()
    }

    /// Whether a deal is read.
    pub fn sees(&self, deal: &Deal) -> bool {
        let rule = &self.view.deals;
        let is_one_of = |allowed: &Option<Vec<String>>, value: Option<&str>| {
            let is_allowed = |allowed: &Vec<String>| value.is_some_and(|value| allowed.iter().any(|one| one == value));
            allowed.as_ref().is_none_or(is_allowed)
        };
        // Nobody knows where a client is that does not say so: then it is nowhere.
        let is_in = |countries: &BTreeSet<String>| {
            deal.client_country.as_deref().is_some_and(|word| countries.contains(&country(word)))
        };
        let whose = match rule.whose {
            Whose::Anyones => true,
            Whose::Own | Whose::Team => {
                let email = deal.owner.as_ref().and_then(|owner| owner.email.as_ref());
                email.is_some_and(|email| self.owners.contains(email.to_lowercase().as_str()))
            }
            Whose::Region => is_in(&self.countries),
        };
        whose
            && self.view.countries.as_ref().is_none_or(is_in)
            && is_one_of(&rule.pipelines, deal.pipeline.as_deref())
            && is_one_of(&rule.verticals, deal.vertical.as_deref())
            && is_one_of(&rule.deal_types, deal.deal_type.as_deref())
    }

    /// What tells its answers from those of others.
    pub fn key(&self) -> ViewKey {
        ViewKey { view: self.view.number, owners: Arc::clone(&self.owners), countries: Arc::clone(&self.countries) }
    }
}
