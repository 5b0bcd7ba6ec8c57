//! What can be followed: the same facts as of [`Query`], told again after each change.
//!
//! A subscription here yields once. Who serves it asks anew after each eviction that may touch what it read: so an event is
//! read, masked and bounded in time as every answer is.

use async_graphql::{Context, ID, Result, Subscription as SubscriptionRoot};
use futures_util::Stream;
use futures_util::stream::once;

use super::deal::Deal;
use super::direct::One;
use super::filters::DealLookup;
use super::needs::{FactClass, needs as kept_for};
use super::project::Project;
use super::query::Query;
use super::scalars::ProjectId;

/// What can be followed: the facts as they are now, and again whenever a system has told that they may have changed and they
/// have.
#[derive(Debug)]
pub struct Subscription;

#[SubscriptionRoot]
impl Subscription {
    /// One project, as `Query.project` tells it: now, and after each change.
    async fn project_changed(
        &self,
        ctx: &Context<'_>,
        id: ProjectId,
    ) -> Result<impl Stream<Item = Option<One<Project>>>> {
        let project = Query.project(ctx, id).await?;
        Ok(once(async { project }))
    }

    /// One deal, as `Query.deal` tells it: now, and after each change. Needs: commercial.
    #[graphql(directive = kept_for::apply(vec![FactClass::Commercial]))]
    async fn deal_changed(&self, ctx: &Context<'_>, id: ID) -> Result<impl Stream<Item = Option<One<Deal>>>> {
        let deal = Query.deal(ctx, DealLookup::Id(id)).await?;
        Ok(once(async { deal }))
    }
}
