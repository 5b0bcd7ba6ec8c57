//! What projects cost.

use std::sync::Arc;

use compact_str::CompactString;
use jiff::civil::Date;
use thin_vec::ThinVec;

use super::{Booked, Flaw, Party};

/// A cost on a project. What a credit takes back is a negative amount. Kept small, as [`Invoice`](super::Invoice) is.
#[derive(Debug, Clone)]
pub struct Cost {
    /// The owner's record ID, with its kind and line where that makes it unique.
    pub id: CompactString,
    /// What it was spent on.
    pub kind: CostKind,
    /// Spent, or ordered and not yet invoiced.
    pub state: CostState,
    /// When.
    pub date: Option<Date>,
    /// How much, without tax.
    pub amount: Booked,
    /// Text.
    pub description: Option<CompactString>,
    /// Who is paid.
    pub party: Option<Box<Party>>,
    /// Number of the document it stands on.
    pub document: Option<CompactString>,
    /// Where a person opens it.
    pub url: Option<Arc<str>>,
    /// Fields the owner states in a form nobody can read.
    pub flaws: ThinVec<Flaw>,
}

/// What a cost was spent on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum CostKind {
    /// People's time.
    Labour,
    /// Bills of vendors.
    Vendor,
    /// Expenses.
    Expense,
    /// Anything else.
    Other,
    /// A kind nobody has mapped, as the owner writes it.
    Unknown(String),
}

/// Whether a cost is spent or ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CostState {
    /// Spent.
    Actual,
    /// Ordered, not yet invoiced.
    Committed,
}
