//! Who is right: the owner of every field, in the schema, in its descriptions and as data.

use async_graphql::{Enum, SimpleObject, TypeDirective};

use super::metric::Sensitivity;
use super::needs::{FactClass, Fields};
use crate::domain::{Class, Domain};
use crate::reads::{Owner, Reads};

/// A family of facts with one owner; or a rollup, which Spine computes at read time from owners' records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum OwnerDomain {
    /// Deals, clients, contacts, proposals, communications.
    Commercial,
    /// Projects, milestones, incidents, hours.
    Delivery,
    /// Tickets.
    Tickets,
    /// Invoices to clients and what was paid on them.
    Receivables,
    /// What projects cost: bills, labour, expenses, open orders.
    Costs,
    /// Computed at read time from what several owners state; never stored.
    Rollup,
}

impl OwnerDomain {
    const ALL: [(Self, &'static str, Option<Domain>); 6] = [
        (Self::Commercial, "COMMERCIAL", Some(Domain::Commercial)),
        (Self::Delivery, "DELIVERY", Some(Domain::Delivery)),
        (Self::Tickets, "TICKETS", Some(Domain::Tickets)),
        (Self::Receivables, "RECEIVABLES", Some(Domain::Receivables)),
        (Self::Costs, "COSTS", Some(Domain::Costs)),
        (Self::Rollup, "ROLLUP", None),
    ];

    /// The domains that have an owner, each with its word in the configuration.
    pub(super) fn owned() -> impl Iterator<Item = (Self, Domain)> {
        Self::ALL.iter().filter_map(|(shown, _, domain)| domain.map(|domain| (*shown, domain)))
    }

    /// By its word in the schema.
    pub(super) fn named(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, name, _)| *name == word).map(|(shown, ..)| *shown)
    }

    /// The domain; none for a rollup.
    fn domain(self) -> Option<Domain> {
        Self::ALL.iter().find(|(shown, ..)| *shown == self).and_then(|(.., domain)| *domain)
    }

    /// The class of facts that a role must be given to see what the domain's owner states.
    pub(super) fn class(self) -> Option<Class> {
        self.domain().map(Class::from)
    }
}

/// States who owns a field. Introspection hides applied directives, so the same stands in the field's description and in
/// `Query.ownership`.
#[TypeDirective(location = "FieldDefinition", composable = "https://spine.dev/owner/v1.0")]
pub fn owner(domain: OwnerDomain) {}

/// The owner of one field: the answer to "who is right?".
#[derive(Debug, Clone, SimpleObject)]
pub struct Ownership {
    /// Type and field, e.g. `Deal.amount`.
    pub field: String,
    /// The domain the field belongs to; ROLLUP if Spine computes it at read time.
    pub domain: OwnerDomain,
    /// What a role must be given to see it; empty for what everybody sees who sees the object it stands on.
    pub needs: Vec<FactClass>,
    /// How sensitive it is.
    pub sensitivity: Sensitivity,
    /// The connection of the configuration that owns the domain; null for a rollup, and if nobody owns it.
    pub connection: Option<String>,
    /// The kind of system, e.g. `hubspot`; null where `connection` is.
    pub system: Option<String>,
    /// The pattern of the shared IDs for which this connection is the owner, where a domain has several; null if it is for
    /// all, or for all that the others' patterns leave.
    pub ids: Option<String>,
}

/// The fields that are null, or not whole, while a connection that owns some domains cannot be read: those it owns, and the
/// rollups that are made of these.
pub(super) fn affected_by(ownership: &[Ownership], owned: &[Domain], connection: &str) -> Vec<String> {
    let mut classes: Vec<FactClass> = owned.iter().map(|domain| FactClass::from(Class::from(*domain))).collect();
    // What remains is made of what was invoiced and what was spent.
    if owned.iter().any(|domain| matches!(domain, Domain::Receivables | Domain::Costs)) {
        classes.push(FactClass::Margins);
    }
    let affected = ownership.iter().filter(|entry| match entry.domain {
        OwnerDomain::Rollup => entry.needs.iter().any(|class| classes.contains(class)),
        _ => entry.connection.as_deref() == Some(connection),
    });
    let mut fields: Vec<String> = affected.map(|entry| entry.field.clone()).collect();
    fields.dedup();
    fields
}

/// The owners of all fields, by the `@owner` directives of the printed schema, so that data and schema cannot disagree.
pub(super) fn ownership(fields: &Fields, reads: &Reads) -> Vec<Ownership> {
    let mut all = Vec::new();
    for (field, domain, declared) in fields.owned() {
        let entry = |of: Option<(Option<&str>, &Owner)>| Ownership {
            field: field.clone(),
            domain,
            needs: declared.needs.iter().map(FactClass::from).collect(),
            sensitivity: declared.sensitivity(),
            connection: of.map(|(_, of)| of.connection.to_string()),
            system: of.map(|(_, of)| of.system.to_owned()),
            ids: of.and_then(|(ids, _)| ids.map(str::to_owned)),
        };
        let owners = domain.domain().map(|domain| reads.owners(domain)).unwrap_or_default();
        if owners.is_empty() {
            all.push(entry(None));
        }
        all.extend(owners.into_iter().map(|of| entry(Some(of))));
    }
    all
}
