//! What a reader may be given: the domains, and margins apart.

use std::fmt;

use serde::Deserialize;

use super::Domain;

/// A class of facts that a role is given, or not. Each domain is one. Margins are one of their own: they tell costs to
/// whoever knows what was invoiced, and are told to people who may not read the costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Class {
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
    /// What remains: margins, expected, so far and forecast.
    Margins,
}

impl Class {
    /// All classes, in the order in which people name them.
    pub const ALL: [Self; 6] =
        [Self::Commercial, Self::Delivery, Self::Tickets, Self::Receivables, Self::Costs, Self::Margins];

    /// The word for it in the configuration and in descriptions.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Commercial => "commercial",
            Self::Delivery => "delivery",
            Self::Tickets => "tickets",
            Self::Receivables => "receivables",
            Self::Costs => "costs",
            Self::Margins => "margins",
        }
    }

    /// Whether it is kept from a role that is not given it by name.
    pub fn is_sensitive(self) -> bool {
        matches!(self, Self::Costs | Self::Margins)
    }
}

impl From<Domain> for Class {
    fn from(domain: Domain) -> Self {
        match domain {
            Domain::Commercial => Self::Commercial,
            Domain::Delivery => Self::Delivery,
            Domain::Tickets => Self::Tickets,
            Domain::Receivables => Self::Receivables,
            Domain::Costs => Self::Costs,
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A set of classes.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Classes(u8);

impl Classes {
    /// All of them.
    pub fn all() -> Self {
        Class::ALL.into_iter().collect()
    }

    /// Whether a class is among them.
    pub fn has(self, class: Class) -> bool {
        self.0 & bit(class) != 0
    }

    /// Whether all of some are among them.
    pub fn cover(self, wanted: Self) -> bool {
        wanted.0 & !self.0 == 0
    }

    /// These and those.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }

    /// Those that are in it, in their order.
    pub fn iter(self) -> impl Iterator<Item = Class> {
        Class::ALL.into_iter().filter(move |class| self.has(*class))
    }
}

impl FromIterator<Class> for Classes {
    fn from_iter<I: IntoIterator<Item = Class>>(classes: I) -> Self {
        Self(classes.into_iter().fold(0, |bits, class| bits | bit(class)))
    }
}

impl fmt::Debug for Classes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

const fn bit(class: Class) -> u8 {
    1 << class as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_into_it() {
        let set: Classes = [Class::Costs, Class::Commercial].into_iter().collect();
        assert_eq!(set.iter().collect::<Vec<_>>(), [Class::Commercial, Class::Costs]);
        assert!(set.cover([Class::Costs].into_iter().collect()) && !set.cover(Classes::all()));
        assert!(Classes::default().cover(Classes::default()) && Classes::all().cover(set));
    }
}
