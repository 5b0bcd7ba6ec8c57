//! Analytic tags of 14 and 15: a tag may share a line out over accounts, beside the one that the line names, and Odoo then
//! posts to those, too. What each of them gets is not read here: whoever has a part of such a line has an unknown one.

use std::collections::{BTreeSet, HashMap};

use super::System;
use super::config::Analytic;
use super::domain::Domain;
use super::wire::{Id, Link, Shares, TagShare};
use crate::systems::{Call, SystemError};

/// The field of lines that holds their tags.
const FIELD: &str = "analytic_tag_ids";

/// The accounts of tags that share lines out.
#[derive(Debug, Default)]
pub(super) struct Tags(HashMap<u64, BTreeSet<u64>>);

impl System {
    /// The tags that share lines out. They are asked for each time: one that is made tomorrow must not go unseen.
    pub(super) async fn tags(&self, call: &Call) -> Result<Tags, SystemError> {
        if self.analytic != Analytic::Account {
            return Ok(Tags::default());
        }
        let model = "account.analytic.distribution";
        let domain = Domain::of("tag_id.active_analytic_distribution", "=", true);
        let shares: Vec<TagShare> =
            self.client.all(call, "analytic_tags.list", model, domain, &["account_id", "tag_id"]).await?;
        let mut tags = Tags::default();
        for (tag, account) in shares.iter().filter_map(|share| share.tag_id.as_ref().zip(share.account_id.as_ref())) {
            tags.0.entry(tag.id()).or_default().insert(account.id());
        }
        Ok(tags)
    }
}

impl Tags {
    /// What is to be read of a line to know its tags.
    pub(super) fn field(&self) -> Option<&'static str> {
        (!self.0.is_empty()).then_some(FIELD)
    }

    /// That a line is for one of these accounts, by the field that names them or by a tag.
    pub(super) fn on(&self, field: &str, accounts: &[u64]) -> Domain {
        let named = Domain::one_of(field, accounts.iter().copied());
        let tags: BTreeSet<u64> = self
            .0
            .iter()
            .filter(|(_, shared)| accounts.iter().any(|account| shared.contains(account)))
            .map(|(tag, _)| *tag)
            .collect();
        if tags.is_empty() { named } else { Domain::any([named, Domain::one_of(FIELD, tags)]) }
    }

    /// What a line with such a tag says: accounts that have a part of it, none of which is known. None of other lines.
    pub(super) fn unknown(&self, tags: &[Id], account: Option<&Link>) -> Option<Shares> {
        let mut accounts: BTreeSet<u64> = tags.iter().filter_map(|tag| self.0.get(&tag.0)).flatten().copied().collect();
        if accounts.is_empty() {
            return None;
        }
        accounts.extend(account.map(Link::id));
        Some(Shares::unknown(accounts))
    }
}
