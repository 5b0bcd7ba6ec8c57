//! Costs.

use std::sync::Arc;

use async_graphql::{Enum, Object, Result};

use super::deal::readable;
use super::invoice::Party;
use super::money::{Money, shown};
use super::owner::{OwnerDomain, owner as owned_by};
use super::scalars::Date;
use super::source::Source;
use crate::domain;
use crate::reads::{Fresh, Owner};

/// A cost on a project.
#[derive(Debug, Clone)]
pub struct Cost {
    record: Arc<domain::Cost>,
    owner: Owner,
    source: Source,
}

/// What a cost was spent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum CostKind {
    /// People's time.
    Labour,
    /// Bills of vendors.
    Vendor,
    /// Expenses.
    Expense,
    /// Anything else.
    Other,
    /// A kind nobody has mapped.
    Unknown,
}

/// Whether a cost is spent or ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "domain::CostState")]
pub enum CostState {
    /// Spent.
    Actual,
    /// Ordered, not yet invoiced.
    Committed,
}

impl Cost {
    pub(super) fn new<V>(owner: &Owner, read: &Fresh<V>, record: Arc<domain::Cost>) -> Self {
        let source = Source::found(owner, read, &record.id, record.url.as_ref());
        Self { record, owner: owner.clone(), source }
    }
}

/// A cost on a project. What a credit takes back is negative.
#[Object]
impl Cost {
    /// What it was spent on. Owner: costs.
    #[graphql(directive = owned_by::apply(OwnerDomain::Costs))]
    async fn kind(&self) -> CostKind {
        match self.record.kind {
            domain::CostKind::Labour => CostKind::Labour,
            domain::CostKind::Vendor => CostKind::Vendor,
            domain::CostKind::Expense => CostKind::Expense,
            domain::CostKind::Other => CostKind::Other,
            domain::CostKind::Unknown(_) => CostKind::Unknown,
        }
    }

    /// Spent, or ordered and not yet invoiced. Owner: costs.
    #[graphql(directive = owned_by::apply(OwnerDomain::Costs))]
    async fn state(&self) -> CostState {
        self.record.state.into()
    }

    /// When. Owner: costs.
    #[graphql(directive = owned_by::apply(OwnerDomain::Costs))]
    async fn date(&self) -> Result<Option<Date>> {
        readable(self.record.date.map(Date), "date", &self.record.flaws, &self.owner)
    }

    /// How much, without tax. Owner: costs.
    #[graphql(directive = owned_by::apply(OwnerDomain::Costs))]
    async fn amount(&self) -> Result<Option<Money>> {
        readable(shown(&self.record.amount), "amount", &self.record.flaws, &self.owner)
    }

    /// Text. Owner: costs.
    #[graphql(directive = owned_by::apply(OwnerDomain::Costs))]
    async fn description(&self) -> Option<&str> {
        self.record.description.as_deref()
    }

    /// Who is paid; null for people's time. Owner: costs.
    #[graphql(directive = owned_by::apply(OwnerDomain::Costs))]
    async fn party(&self) -> Option<Party> {
        self.record.party.as_ref().map(Party::from)
    }

    /// Number of the document it stands on. Owner: costs.
    #[graphql(directive = owned_by::apply(OwnerDomain::Costs))]
    async fn document(&self) -> Option<&str> {
        self.record.document.as_deref()
    }

    /// Where and when this was read. Owner: costs.
    #[graphql(directive = owned_by::apply(OwnerDomain::Costs))]
    async fn source(&self) -> Source {
        self.source.clone()
    }
}
