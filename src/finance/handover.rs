//! Whether a project inherits what sales knew.

use super::Part;

/// What a delivery team needs from sales.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum HandoverItem {
    /// What was sold, in words.
    Scope,
    /// What it costs, line by line.
    Pricing,
    /// Who to talk to at the client.
    Contacts,
    /// A signed proposal.
    SignedProposal,
    /// What was said: notes, calls, mails, meetings.
    Notes,
}

impl HandoverItem {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Scope, Self::Pricing, Self::Contacts, Self::SignedProposal, Self::Notes];

    /// The item as it is written in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scope => "SCOPE",
            Self::Pricing => "PRICING",
            Self::Contacts => "CONTACTS",
            Self::SignedProposal => "SIGNED_PROPOSAL",
            Self::Notes => "NOTES",
        }
    }
}

/// What a project inherits from its deals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Handover {
    /// What is there.
    pub present: Vec<HandoverItem>,
    /// What is not.
    pub missing: Vec<HandoverItem>,
    /// What could not be read, or is not kept where it could be.
    pub unknown: Vec<HandoverItem>,
    /// Tickets from before the sale; none if they could not be read. A project without any misses nothing.
    pub pre_sales_tickets: Option<usize>,
}

impl Handover {
    /// Sorts items by whether they are there.
    pub fn of(items: impl IntoIterator<Item = (HandoverItem, Part<bool>)>, pre_sales_tickets: Option<usize>) -> Self {
        let mut handover = Self { pre_sales_tickets, ..Self::default() };
        for (item, part) in items {
            match part {
                Part::Known(true) => handover.present.push(item),
                Part::Known(false) => handover.missing.push(item),
                Part::Unknown(_) | Part::Unavailable(_) | Part::Nothing => handover.unknown.push(item),
            }
        }
        handover
    }

    /// Whether all is there; none if nothing is known to be missing and something is unknown.
    pub fn is_complete(&self) -> Option<bool> {
        match (self.missing.is_empty(), self.unknown.is_empty()) {
            (false, _) => Some(false),
            (true, true) => Some(true),
            (true, false) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finance::Exclusion;

    #[test]
    fn a_handover_is_complete_only_if_nothing_is_missing_and_nothing_is_unknown() {
        let of = |scope, notes| {
            Handover::of([(HandoverItem::Scope, scope), (HandoverItem::Notes, notes)], None).is_complete()
        };
        let unknown = Part::Unavailable(Exclusion::CommercialUnavailable);
        assert_eq!(of(Part::Known(true), Part::Known(true)), Some(true));
        assert_eq!(of(Part::Known(true), Part::Known(false)), Some(false));
        assert_eq!(of(Part::Known(true), unknown), None);
        assert_eq!(of(Part::Known(false), unknown), Some(false));
    }
}
