//! What projects inherit from their deals: the details of all of them, read at once.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use super::gather::note;
use crate::domain::{Deal, DealId, DealStatus};
use crate::finance::{Exclusion, Handover, HandoverItem, Part};
use crate::reads::{Commercial, Read, ReadOptions, Reader};
use crate::systems::SystemError;

/// What was read of the details of deals.
#[derive(Debug, Default)]
pub struct DealsDetails {
    pricing: HashMap<DealId, Part<bool>>,
    contacts: HashMap<DealId, Part<bool>>,
    signed: HashMap<DealId, Part<bool>>,
    notes: HashMap<DealId, Part<bool>>,
    tickets: HashMap<DealId, Part<usize>>,
    /// Owners that could not be asked: the first error of each connection.
    pub failures: Vec<Arc<SystemError>>,
}

impl DealsDetails {
    /// Reads the details of deals.
    pub async fn read(commercial: &Commercial, options: &ReadOptions, deals: &[DealId]) -> Self {
        let Some(details) = &commercial.details else { return Self::default() };
        let (pricing, contacts, signed, notes, tickets) = tokio::join!(
            asked(&details.line_items, options, deals),
            asked(&details.contacts, options, deals),
            asked(&details.proposals, options, deals),
            asked(&details.communications, options, deals),
            asked(&details.pre_sales_tickets, options, deals),
        );
        let mut failures = Vec::new();
        Self {
            pricing: told(pricing, &mut failures, |lines| lines.is_some_and(|lines| !lines.is_empty())),
            contacts: told(contacts, &mut failures, |contacts| contacts.is_some_and(|all| !all.is_empty())),
            signed: told(signed, &mut failures, |proposal| proposal.is_some_and(|proposal| proposal.signed)),
            notes: told(notes, &mut failures, |notes| notes.is_some_and(|notes| !notes.is_empty())),
            tickets: told(tickets, &mut failures, |tickets| tickets.map_or(0, Vec::len)),
            failures,
        }
    }

    /// What a project inherits: from its won deals, or from all of them while none is won.
    pub fn handover(&self, deals: &[Arc<Deal>]) -> Handover {
        let passing = passing_on(deals);
        let scope = passing.iter().any(|deal| deal.scope.as_ref().is_some_and(|scope| !scope.trim().is_empty()));
        let any = |details: &HashMap<DealId, Part<bool>>| any_of(passing.iter().map(|deal| details.get(&deal.id)));
        let tickets = passing.iter().map(|deal| self.tickets.get(&deal.id).copied().and_then(Part::known));
        let tickets = tickets.sum::<Option<usize>>();
        let items = [
            (HandoverItem::Scope, Part::Known(scope)),
            (HandoverItem::Pricing, any(&self.pricing)),
            (HandoverItem::Contacts, any(&self.contacts)),
            (HandoverItem::SignedProposal, any(&self.signed)),
            (HandoverItem::Notes, any(&self.notes)),
        ];
        Handover::of(items, tickets)
    }
}

/// The deals that pass something on to their project.
pub fn passing_on(deals: &[Arc<Deal>]) -> Vec<&Arc<Deal>> {
    let won: Vec<_> = deals.iter().filter(|deal| deal.status == Some(DealStatus::Won)).collect();
    if won.is_empty() { deals.iter().collect() } else { won }
}

/// Whether one of them has it. Where none is known to, one that is unknown may.
fn any_of<'a>(parts: impl Iterator<Item = Option<&'a Part<bool>>>) -> Part<bool> {
    let mut all = Part::Known(false);
    for part in parts {
        match part.copied().unwrap_or(Part::Unknown(Exclusion::CommercialUnavailable)) {
            Part::Known(true) => return Part::Known(true),
            Part::Known(false) => {}
            unknown => all = unknown,
        }
    }
    all
}

async fn asked<V: Send + Sync + 'static>(
    reader: &Reader<DealId, V>,
    options: &ReadOptions,
    deals: &[DealId],
) -> Vec<(DealId, Read<V>)> {
    deals.iter().cloned().zip(reader.get_many(options, deals).await).collect()
}

fn told<V, T>(
    reads: Vec<(DealId, Read<V>)>,
    failures: &mut Vec<Arc<SystemError>>,
    tell: impl Fn(Option<&V>) -> T,
) -> HashMap<DealId, Part<T>>
where
    DealId: Eq + Hash,
{
    let mut all = HashMap::new();
    for (id, read) in reads {
        let part = match read {
            Ok(fresh) => Part::Known(tell(fresh.value.as_deref())),
            Err(error) => {
                note(failures, &error);
                Part::Unavailable(Exclusion::CommercialUnavailable)
            }
        };
        all.insert(id, part);
    }
    all
}
