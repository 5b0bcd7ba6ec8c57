//! `[owners]`: one source of truth per domain.

use std::fmt;

use regex::Regex;
use serde::{Deserialize, Deserializer, de};

use super::overlap::common_id;
use crate::domain::{ConnectionName, Domain, ProjectId};

/// Which connection owns which domain. A domain without an owner is not in the graph: its fields are null and say so.
///
/// Where several legal entities keep books of their own, a domain can have an owner for each by the pattern of the shared
/// ID: `receivables = [{ ids = "^MX-", owner = "sap_mx" }, { owner = "quickbooks" }]`. Each ID has one owner: patterns that
/// have an ID in common are refused.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Owners {
    /// Deals, clients, contacts, proposals, communications. One owner: deals are found by more than the shared ID.
    pub commercial: Option<DomainOwners>,
    /// Projects, milestones, incidents, hours.
    pub delivery: Option<DomainOwners>,
    /// Tickets.
    pub tickets: Option<DomainOwners>,
    /// Invoices to clients and what was paid on them.
    pub receivables: Option<DomainOwners>,
    /// What projects cost: bills, labour, expenses, open orders.
    pub costs: Option<DomainOwners>,
}

impl Owners {
    /// The owners of a domain, each with the IDs it owns: none if nobody owns it, and one in most companies.
    pub fn of(&self, domain: Domain) -> &[OwnerRule] {
        let owners = match domain {
            Domain::Commercial => &self.commercial,
            Domain::Delivery => &self.delivery,
            Domain::Tickets => &self.tickets,
            Domain::Receivables => &self.receivables,
            Domain::Costs => &self.costs,
        };
        owners.as_ref().map(|DomainOwners(rules)| rules.as_slice()).unwrap_or_default()
    }

    /// What is wrong with the owners of a domain, where `ids` are the patterns that all shared IDs match.
    pub(super) fn check(&self, domain: Domain, ids: &[Regex]) -> Option<String> {
        let rules = self.of(domain);
        if rules.len() > 1 && domain == Domain::Commercial {
            return Some("has several owners: deals are found by more than the shared ID, so name one".to_owned());
        }
        for (at, rule) in rules.iter().enumerate() {
            for other in rules.iter().skip(at + 1) {
                if rule.owner == other.owner {
                    let owner = &rule.owner;
                    return Some(format!("names `{owner}` twice: write one pattern, e.g. `^(MX|ES)-`"));
                }
                let problem = match (&rule.ids, &other.ids) {
                    (None, None) => format!("`{}` and `{}` both own all other IDs", rule.owner, other.owner),
                    (Some(one), Some(two)) => match common_id(ids.iter().chain([one, two])) {
                        Ok(None) => continue,
                        Ok(Some(id)) => format!("`{one}` and `{two}` overlap: `{id}` would have two owners"),
                        Err(reason) => format!("`{one}` and `{two}` may overlap: {reason}"),
                    },
                    _ => continue,
                };
                return Some(problem);
            }
            if let Some(pattern) = &rule.ids {
                match common_id(ids.iter().chain([pattern])) {
                    Ok(Some(_)) => {}
                    Ok(None) => {
                        return Some(format!(
                            "no shared ID is like `{pattern}`: see shared_id.pattern and shared_id.normalize"
                        ));
                    }
                    Err(reason) => return Some(format!("`{pattern}` may overlap with others: {reason}")),
                }
            }
        }
        None
    }
}

/// The owners of one domain.
#[derive(Debug, Clone)]
pub struct DomainOwners(Vec<OwnerRule>);

/// Which IDs of a domain a connection owns.
#[derive(Debug, Clone)]
pub struct OwnerRule {
    /// What the shared IDs look like that it owns; none if it owns all that no other rule names.
    pub ids: Option<Regex>,
    /// The connection.
    pub owner: ConnectionName,
}

impl OwnerRule {
    /// The rule among these that an ID falls under.
    pub fn of<'a, T>(rules: impl IntoIterator<Item = &'a (Self, T)>, id: &ProjectId) -> Option<&'a T>
    where
        T: 'a,
    {
        let mut others = None;
        for (rule, value) in rules {
            match &rule.ids {
                Some(pattern) if pattern.is_match(id.as_str()) => return Some(value),
                Some(_) => {}
                None => others = Some(value),
            }
        }
        others
    }
}

impl fmt::Display for OwnerRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.ids {
            Some(pattern) => write!(f, "{} ({pattern})", self.owner),
            None => write!(f, "{}", self.owner),
        }
    }
}

/// A rule as it is written.
#[derive(Deserialize, schemars::JsonSchema)]
#[serde(rename = "OwnerRule", deny_unknown_fields)]
struct Written {
    /// What the shared IDs look like that the connection owns: a regular expression; all that no other rule names if it is
    /// left out.
    ids: Option<String>,
    /// The name of a table below `[connections]`.
    owner: String,
}

impl<'de> Deserialize<'de> for DomainOwners {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = DomainOwners;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the name of one connection, or a list such as [{ ids = \"^MX-\", owner = \"sap_mx\" }]")
            }

            fn visit_str<E: de::Error>(self, name: &str) -> Result<DomainOwners, E> {
                Ok(DomainOwners(vec![OwnerRule { ids: None, owner: ConnectionName::new(name) }]))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut rules: A) -> Result<DomainOwners, A::Error> {
                let mut owners = Vec::new();
                while let Some(rule) = rules.next_element::<toml::Value>()? {
                    if rule.is_str() {
                        return Err(de::Error::custom(
                            "an ID has exactly one owner: name one connection, or say which IDs each owns: \
                             [{ ids = \"^MX-\", owner = \"sap_mx\" }, { owner = \"quickbooks\" }]",
                        ));
                    }
                    let Written { ids, owner } = rule.try_into().map_err(de::Error::custom)?;
                    let ids = ids.map(|pattern| Regex::new(&pattern)).transpose();
                    let ids = ids.map_err(|error| de::Error::custom(format!("`ids` is no pattern: {error}")))?;
                    owners.push(OwnerRule { ids, owner: ConnectionName::new(&owner) });
                }
                if owners.is_empty() {
                    return Err(de::Error::custom("an empty list owns nothing: leave the key out"));
                }
                Ok(DomainOwners(owners))
            }
        }

        deserializer.deserialize_any(Visitor)
    }
}

impl schemars::JsonSchema for DomainOwners {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "DomainOwners".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let rule = generator.subschema_for::<Written>();
        schemars::json_schema!({
            "description": "The name of a table below [connections], or an owner for each pattern of shared IDs.",
            "type": ["string", "array"],
            "items": rule,
            "minItems": 1,
        })
    }
}
