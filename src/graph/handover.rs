//! Whether a project inherits what sales knew.

use async_graphql::{Enum, Object};

use super::owner::{OwnerDomain, owner as owned_by};
use crate::finance;

/// What a project inherits from its won deals, or from all of them while none is won.
#[derive(Debug, Clone)]
pub struct Handover(pub(super) finance::Handover);

/// What a delivery team needs from sales.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "finance::HandoverItem")]
pub enum HandoverItem {
    /// What was sold, in words: `Deal.scope`.
    Scope,
    /// What it costs, line by line: `Deal.lineItems`.
    Pricing,
    /// Who to talk to at the client: `Deal.contacts`.
    Contacts,
    /// A signed proposal: `Deal.proposal`.
    SignedProposal,
    /// What was said: `Deal.communications`.
    Notes,
}

/// What a project inherits from its won deals, or from all of them while none is won.
#[Object]
impl Handover {
    /// Whether all is there; null if nothing is known to be missing and something is unknown. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup))]
    async fn complete(&self) -> Option<bool> {
        self.0.is_complete()
    }

    /// What is there. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup))]
    async fn present(&self) -> Vec<HandoverItem> {
        self.0.present.iter().copied().map(HandoverItem::from).collect()
    }

    /// What is not. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup))]
    async fn missing(&self) -> Vec<HandoverItem> {
        self.0.missing.iter().copied().map(HandoverItem::from).collect()
    }

    /// What could not be told: the CRM does not keep it, or could not be asked, with an error then. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup))]
    async fn unknown(&self) -> Vec<HandoverItem> {
        self.0.unknown.iter().copied().map(HandoverItem::from).collect()
    }

    /// How many tickets there are from before the sale; null if it is not known. A project without any misses nothing.
    /// Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup))]
    async fn pre_sales_tickets(&self) -> Option<usize> {
        self.0.pre_sales_tickets
    }
}
