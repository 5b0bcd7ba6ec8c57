//! Who is right: the owner of every field, in the schema, in its descriptions and as data.

use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
use async_graphql::{Enum, SimpleObject, TypeDirective};

use crate::domain::Domain;
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
    /// The connection of the configuration that owns the domain; null for a rollup, and if nobody owns it.
    pub connection: Option<String>,
    /// The kind of system, e.g. `hubspot`; null where `connection` is.
    pub system: Option<String>,
    /// The pattern of the shared IDs for which this connection is the owner, where a domain has several; null if it is for
    /// all, or for all that the others' patterns leave.
    pub ids: Option<String>,
}

/// Reads the `@owner` directives out of the printed schema, so that data and schema cannot disagree.
pub(super) fn ownership(sdl: &str, reads: &Reads) -> Vec<Ownership> {
    let Ok(document) = async_graphql::parser::parse_schema(sdl) else { return Vec::new() };
    let mut all = Vec::new();
    for definition in document.definitions {
        let TypeSystemDefinition::Type(definition) = definition else { continue };
        let TypeKind::Object(object) = definition.node.kind else { continue };
        for field in object.fields {
            let directive = field.node.directives.iter().find(|directive| directive.node.name.node == "owner");
            let argument = directive.and_then(|directive| directive.node.get_argument("domain"));
            let named = argument.map(|argument| argument.node.to_string());
            let known = OwnerDomain::ALL.iter().find(|(_, name, _)| named.as_deref() == Some(*name));
            if let Some((domain, _, owned)) = known {
                let entry = |of: Option<(Option<&str>, &Owner)>| Ownership {
                    field: format!("{}.{}", definition.node.name.node, field.node.name.node),
                    domain: *domain,
                    connection: of.map(|(_, of)| of.connection.to_string()),
                    system: of.map(|(_, of)| of.system.to_owned()),
                    ids: of.and_then(|(ids, _)| ids.map(str::to_owned)),
                };
                let owners = owned.map(|domain| reads.owners(domain)).unwrap_or_default();
                if owners.is_empty() {
                    all.push(entry(None));
                }
                all.extend(owners.into_iter().map(|of| entry(Some(of))));
            }
        }
    }
    all
}
