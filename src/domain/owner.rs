//! The families of facts, each with exactly one owner.

use std::fmt;

/// A family of facts with exactly one owning connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Domain {
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
}

impl Domain {
    /// All domains, in the order in which people name them.
    pub const ALL: [Self; 5] = [Self::Commercial, Self::Delivery, Self::Tickets, Self::Receivables, Self::Costs];

    /// The name in `[owners]` of the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Commercial => "commercial",
            Self::Delivery => "delivery",
            Self::Tickets => "tickets",
            Self::Receivables => "receivables",
            Self::Costs => "costs",
        }
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
