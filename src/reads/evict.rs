//! What somebody says has changed at an owner, and what is forgotten because of it.
//!
//! Too much rather than too little: a record is forgotten by its ID, but every list, page and sum that it may be part of is
//! forgotten whole, because it may have moved into one that does not hold it yet.

use std::collections::BTreeSet;

use compact_str::CompactString;

use super::owned::{Commercial, Costs, Delivery, Invoices, Tickets};
use super::{Key, Owner, Reader, Reads};
use crate::domain::{ClientId, ConnectionName, DealId, InvoiceId, RecordKind, TicketId};

/// Something changed at an owner: what is kept of it may be outdated. It says nothing of what the value is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changed {
    /// The connection whose records changed.
    pub connection: ConnectionName,
    /// Which kind of record.
    pub kind: RecordKind,
    /// Which of them.
    pub records: Records,
}

/// Which records of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Records {
    /// All of them, or nobody knows which.
    All,
    /// Those with these IDs, as their owner writes them.
    These(BTreeSet<CompactString>),
}

impl Records {
    /// Whether a key is that of one of these records. Connectors of systems that number per kind of document put the kind
    /// before the number (`13-91`), which the system itself does not do.
    fn include(&self, key: &str) -> bool {
        let Self::These(ids) = self else { return true };
        ids.contains(key) || key.rsplit_once('-').is_some_and(|(_, number)| ids.contains(number))
    }

    /// These and those.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        match (self, others) {
            (Self::These(mut ids), Self::These(others)) => {
                ids.extend(others);
                Self::These(ids)
            }
            _ => Self::All,
        }
    }
}

impl Reads {
    /// Forgets what is kept of the records that changed, and tells those who listen. Who reads afterwards gets what the owner
    /// says now; a load that is under way does not put the old value back. Returns how many values were forgotten.
    pub fn evict(&self, changed: &Changed) -> usize {
        let mut eviction = Eviction { changed, forgotten: 0 };
        if let Some(commercial) = &self.commercial {
            eviction.commercial(commercial);
        }
        self.delivery.all().for_each(|delivery| eviction.delivery(delivery));
        self.ticket_readers.iter().for_each(|tickets| eviction.tickets(tickets));
        self.receivables.all().for_each(|invoices| eviction.invoices(invoices, RecordKind::Invoice));
        self.costs.all().for_each(|costs| eviction.costs(costs));
        // An error says that nobody listens.
        drop(self.changes.send(changed.clone()));
        eviction.forgotten
    }
}

/// One eviction, going through the readers.
struct Eviction<'a> {
    changed: &'a Changed,
    forgotten: usize,
}

impl Eviction<'_> {
    /// Whether it concerns what an owner has, if that depends on these kinds of record.
    fn is_of(&self, owner: &Owner, kinds: &[RecordKind]) -> bool {
        let Changed { connection, kind, .. } = self.changed;
        owner.connection == *connection && (*kind == RecordKind::Everything || kinds.contains(kind))
    }

    /// Forgets records of a kind: those that changed, or all if what changed is of another kind. `id` is a record's ID in
    /// its key.
    fn these<K: Key, V: Send + Sync + 'static>(&mut self, reader: &Reader<K, V>, kind: RecordKind, id: fn(&K) -> &str) {
        let Changed { kind: changed, records, .. } = self.changed;
        self.forgotten += reader.evict(|key| *changed != kind || records.include(id(key)));
    }

    fn all<K: Key, V: Send + Sync + 'static>(&mut self, reader: &Reader<K, V>) {
        self.forgotten += reader.evict(|_| true);
    }

    fn commercial(&mut self, commercial: &Commercial) {
        let owner = &commercial.owner;
        if self.is_of(owner, &[RecordKind::Deal]) {
            let Changed { kind, records, .. } = self.changed;
            commercial.links.forget_where(|deal| *kind != RecordKind::Deal || records.include(deal.as_str()));
            self.these(&commercial.deals, RecordKind::Deal, DealId::as_str);
            self.all(&commercial.deals_by_project);
            self.all(&commercial.deal_pages);
        }
        if let (Some(clients), true) = (&commercial.clients, self.is_of(owner, &[RecordKind::Client])) {
            self.these(clients, RecordKind::Client, ClientId::as_str);
        }
        if commercial.deals_read_clients
            && self.changed.kind == RecordKind::Client
            && self.is_of(owner, &[RecordKind::Client])
        {
            self.all(&commercial.deals);
            self.all(&commercial.deals_by_project);
            self.all(&commercial.deal_pages);
        }
        let Some(details) = &commercial.details else { return };
        if self.is_of(owner, &[RecordKind::Deal, RecordKind::DealDetail]) {
            self.these(&details.contacts, RecordKind::Deal, DealId::as_str);
            self.these(&details.line_items, RecordKind::Deal, DealId::as_str);
            self.these(&details.proposals, RecordKind::Deal, DealId::as_str);
            self.these(&details.communications, RecordKind::Deal, DealId::as_str);
        }
        if self.is_of(owner, &[RecordKind::Deal, RecordKind::DealDetail, RecordKind::Ticket]) {
            self.these(&details.pre_sales_tickets, RecordKind::Deal, DealId::as_str);
        }
    }

    fn delivery(&mut self, delivery: &Delivery) {
        if self.is_of(&delivery.owner, &[RecordKind::Project]) {
            self.all(&delivery.projects);
            self.all(&delivery.milestones);
            self.all(&delivery.effort);
            self.all(&delivery.project_pages);
        }
    }

    /// Tickets belong to a project by their deal, or by the system's own project.
    fn tickets(&mut self, tickets: &Tickets) {
        if self.is_of(&tickets.owner, &[RecordKind::Ticket, RecordKind::Deal, RecordKind::Project]) {
            self.these(&tickets.tickets, RecordKind::Ticket, TicketId::as_str);
            self.all(&tickets.by_project);
        }
    }

    fn invoices(&mut self, invoices: &Invoices, kind: RecordKind) {
        if self.is_of(&invoices.owner, &[kind, RecordKind::Project]) {
            self.these(&invoices.invoices, kind, InvoiceId::as_str);
            self.all(&invoices.by_project);
            self.all(&invoices.pages);
            if let Some(sums) = &invoices.sums {
                self.all(sums);
            }
        }
    }

    fn costs(&mut self, costs: &Costs) {
        if self.is_of(&costs.owner, &[RecordKind::Cost, RecordKind::Bill, RecordKind::Project]) {
            self.all(&costs.by_project);
            if let Some(sums) = &costs.sums {
                self.all(sums);
            }
        }
        if let Some(payables) = &costs.payables {
            self.invoices(payables, RecordKind::Bill);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn these(ids: &[&str]) -> Records {
        Records::These(ids.iter().map(CompactString::new).collect())
    }

    #[test]
    fn a_record_is_known_by_its_id_with_or_without_its_kind() {
        let records = these(&["91", "13-7"]);
        for key in ["91", "13-91", "Invoice-91", "13-7"] {
            assert!(records.include(key), "{key}");
        }
        for key in ["9", "191", "91-13", "7", "14-7", ""] {
            assert!(!records.include(key), "{key}");
        }
        assert!(Records::All.include("anything"));
    }

    #[test]
    fn records_add_up_and_an_unknown_one_makes_them_all() {
        assert_eq!(these(&["1"]).and(these(&["2"])), these(&["1", "2"]));
        assert_eq!(these(&["1"]).and(Records::All), Records::All);
        assert_eq!(Records::All.and(these(&["1"])), Records::All);
    }
}
