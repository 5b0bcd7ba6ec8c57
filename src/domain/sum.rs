//! Sums that an owner added up itself.

use super::{Booked, CostKind, CostState};

/// Records of one project that an owner added up: all those that share the document's currency (and the kind and state,
/// where a struct around it says so). Adding up the records one by one gives the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sum {
    /// Their amounts, added up in the document's currency and in the company's. A side is none if one of the records has
    /// no amount on it.
    pub amount: Booked,
    /// How many records there are.
    pub records: usize,
}

/// Costs of one kind and state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CostSum {
    /// What they were spent on.
    pub kind: CostKind,
    /// Spent, or ordered and not yet invoiced.
    pub state: CostState,
    /// How much, without tax.
    pub sum: Sum,
}
