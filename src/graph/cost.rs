//! Costs.

use async_graphql::{Enum, Object, Result};

use super::deal::readable;
use super::direct::{Direct, Json, Scene, Selected, Written, booked, fields, object, resolved};
use super::invoice::Party;
use super::listed::Listed;
use super::money::{Money, shown};
use super::owner::{OwnerDomain, owner as owned_by};
use super::scalars::Date;
use super::source::{Origin, Source};
use crate::domain::{self, List};
use crate::reads::{Fresh, Owner};

/// A cost on a project.
#[derive(Debug, Clone)]
pub struct Cost {
    record: Listed<domain::Cost>,
    origin: Origin,
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

impl From<&domain::CostKind> for CostKind {
    fn from(kind: &domain::CostKind) -> Self {
        match kind {
            domain::CostKind::Labour => Self::Labour,
            domain::CostKind::Vendor => Self::Vendor,
            domain::CostKind::Expense => Self::Expense,
            domain::CostKind::Other => Self::Other,
            domain::CostKind::Unknown(_) => Self::Unknown,
        }
    }
}

impl Cost {
    /// The costs of a project.
    pub(super) fn of_project(owner: &Owner, read: &Fresh<List<domain::Cost>>) -> impl Iterator<Item = Self> {
        let listed = read.value.iter().flat_map(Listed::all);
        listed.map(|record| Self { record, origin: Origin::of(owner, read) })
    }
}

/// A cost on a project. What a credit takes back is negative.
#[Object]
impl Cost {
    /// What it was spent on. Owner: costs.
    #[graphql(directive = owned_by::apply(OwnerDomain::Costs))]
    async fn kind(&self) -> CostKind {
        CostKind::from(&self.record.kind)
    }

    /// Spent, or ordered and not yet invoiced. Owner: costs.
    #[graphql(directive = owned_by::apply(OwnerDomain::Costs))]
    async fn state(&self) -> CostState {
        self.record.state.into()
    }

    /// When. Owner: costs.
    #[graphql(directive = owned_by::apply(OwnerDomain::Costs))]
    async fn date(&self) -> Result<Option<Date>> {
        readable(self.record.date.map(Date), "date", &self.record.flaws, &self.origin.owner)
    }

    /// How much, without tax. Owner: costs.
    #[graphql(directive = owned_by::apply(OwnerDomain::Costs))]
    async fn amount(&self) -> Result<Option<Money>> {
        readable(shown(&self.record.amount), "amount", &self.record.flaws, &self.origin.owner)
    }

    /// Text. Owner: costs.
    #[graphql(directive = owned_by::apply(OwnerDomain::Costs))]
    async fn description(&self) -> Option<&str> {
        self.record.description.as_deref()
    }

    /// Who is paid; null for people's time. Owner: costs.
    #[graphql(directive = owned_by::apply(OwnerDomain::Costs))]
    async fn party(&self) -> Option<Party> {
        self.record.party.as_deref().map(Party::from)
    }

    /// Number of the document it stands on. Owner: costs.
    #[graphql(directive = owned_by::apply(OwnerDomain::Costs))]
    async fn document(&self) -> Option<&str> {
        self.record.document.as_deref()
    }

    /// Where and when this was read. Owner: costs.
    #[graphql(directive = owned_by::apply(OwnerDomain::Costs))]
    async fn source(&self) -> Source {
        self.origin.source(&self.record.id, self.record.url.as_ref())
    }
}

fields!(CostField {
    Kind = "kind",
    State = "state",
    Amount = "amount",
    Description = "description",
    Source = "source",
});

impl Direct for Cost {
    fn write(&self, fields: &[Selected], scene: &Scene<'_>, json: &mut Json) -> Written {
        let record = &*self.record;
        object::<Self>(fields, json, |field, json| {
            match CostField::of(field) {
                Some(CostField::Kind) => json.word(CostKind::from(&record.kind)),
                Some(CostField::State) => json.word(CostState::from(record.state)),
                Some(CostField::Amount) => booked(&record.amount, ("amount", &record.flaws), field, scene, json)?,
                Some(CostField::Description) => json.text(record.description.as_deref()),
                Some(CostField::Source) => {
                    self.origin.source(&record.id, record.url.as_ref()).write(&field.below, scene, json)?;
                }
                _ => resolved(self, field, scene, json)?,
            }
            Ok(())
        })
    }
}
