//! `[owners]`: one source of truth per domain.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

use crate::domain::{ConnectionName, Domain};

/// Which connection owns which domain. A domain without an owner is not in the graph: its fields are null and say so.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Owners {
    /// Deals, clients, contacts, proposals, communications.
    pub commercial: Option<OwnerName>,
    /// Projects, milestones, incidents, hours.
    pub delivery: Option<OwnerName>,
    /// Tickets.
    pub tickets: Option<OwnerName>,
    /// Invoices to clients and what was paid on them.
    pub receivables: Option<OwnerName>,
    /// What projects cost: bills, labour, expenses, open orders.
    pub costs: Option<OwnerName>,
}

impl Owners {
    /// The owner of a domain.
    pub fn of(&self, domain: Domain) -> Option<&ConnectionName> {
        match domain {
            Domain::Commercial => &self.commercial,
            Domain::Delivery => &self.delivery,
            Domain::Tickets => &self.tickets,
            Domain::Receivables => &self.receivables,
            Domain::Costs => &self.costs,
        }
        .as_ref()
        .map(|OwnerName(name)| name)
    }
}

/// The name of the connection that owns a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnerName(pub ConnectionName);

impl<'de> Deserialize<'de> for OwnerName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = OwnerName;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of one connection: a domain has exactly one owner")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<OwnerName, E> {
                Ok(OwnerName(ConnectionName::new(name)))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, _: A) -> Result<OwnerName, A::Error> {
                Err(de::Error::custom("a domain has exactly one owner: name one connection, not a list"))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

impl schemars::JsonSchema for OwnerName {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "OwnerName".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "description": "The name of a table below [connections]." })
    }
}
