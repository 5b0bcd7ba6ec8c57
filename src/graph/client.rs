//! Clients.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};

use super::context::{options, spine, viewer};
use super::deal::Deal;
use super::direct::{Deferred, Direct, Json, Scene, Selected, Written, fields, object, resolved};
use super::errors::{not_owned, system_error};
use super::owner::{OwnerDomain, owner as owned_by};
use super::paging::{List, all_pages};
use super::project::Project;
use super::query::deal_list;
use super::source::{Origin, Source};
use crate::domain::{self, ClientId, DealQuery, Domain, IdNode};
use crate::reads::{Fresh, Owner};

/// A client, owned by the CRM.
#[derive(Debug, Clone)]
pub struct Client {
    record: Arc<domain::Client>,
    origin: Origin,
}

impl Client {
    pub(super) fn new<V>(owner: &Owner, read: &Fresh<V>, record: Arc<domain::Client>) -> Self {
        Self { record, origin: Origin::of(owner, read) }
    }

    /// Reads a client by its record ID.
    pub(super) async fn read(ctx: &Context<'_>, id: &ClientId) -> Result<Option<Self>> {
        let commercial = spine(ctx)?.commercial()?;
        let clients = commercial.clients.as_ref().ok_or_else(|| not_owned(Domain::Commercial))?;
        let read = clients.get(options(ctx)?, id).await.map_err(|error| system_error(&error))?;
        Ok(read.value.clone().map(|record| Self::new(&commercial.owner, &read, record)))
    }

    /// A client that is in memory; none if the owner does not know it.
    pub(super) fn peek(scene: &Scene<'_>, id: &ClientId) -> std::result::Result<Option<Self>, Deferred> {
        let commercial = scene.spine.reads.commercial.as_ref().ok_or(Deferred)?;
        let clients = commercial.clients.as_ref().ok_or(Deferred)?;
        let read = clients.peek(scene.options, id).and_then(std::result::Result::ok).ok_or(Deferred)?;
        Ok(read.value.clone().map(|record| Self::new(&commercial.owner, &read, record)))
    }

    fn deals_query(&self) -> DealQuery {
        DealQuery { client: Some(self.record.id.clone()), ..DealQuery::default() }
    }
}

/// A client.
#[Object]
impl Client {
    /// Unique over all systems. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    pub(super) async fn id(&self) -> ID {
        self.origin.global_id(IdNode::Client, self.record.id.as_str())
    }

    /// Name. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn name(&self) -> Option<&str> {
        self.record.name.as_deref()
    }

    /// Web domain. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn domain(&self) -> Option<&str> {
        self.record.domain.as_deref()
    }

    /// Industry, in the CRM's words. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn industry(&self) -> Option<&str> {
        self.record.industry.as_deref()
    }

    /// Country. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn country(&self) -> Option<&str> {
        self.record.country.as_deref()
    }

    /// The client's deals, in the order of their records. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn deals(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 50)] first: i32,
        after: Option<String>,
    ) -> Result<Option<List<Deal>>> {
        deal_list(ctx, self.deals_query(), first, after).await.map(Some)
    }

    /// The projects the client's deals lead to, each once. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn projects(&self, ctx: &Context<'_>) -> Result<Option<Vec<Project>>> {
        let commercial = spine(ctx)?.commercial()?;
        let deals = all_pages(&commercial.deal_pages, options(ctx)?, &self.deals_query()).await?;
        let viewer = viewer(ctx)?;
        let seen = deals.iter().filter(|deal| viewer.sees(deal));
        let mut ids: Vec<_> = seen.filter_map(|deal| deal.project_id().cloned()).collect();
        ids.sort();
        ids.dedup();
        Ok(Some(ids.into_iter().map(Project::new).collect()))
    }

    /// Where and when this was read. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn source(&self) -> Source {
        self.origin.source(self.record.id.as_str(), self.record.url.as_ref())
    }
}

fields!(ClientField {
    Id = "id",
    Name = "name",
});

impl Direct for Client {
    fn write(&self, fields: &[Selected], scene: &Scene<'_>, json: &mut Json) -> Written {
        object::<Self>(fields, json, |field, json| {
            match ClientField::of(field) {
                Some(ClientField::Id) => self.origin.write_id(IdNode::Client, self.record.id.as_str(), json),
                Some(ClientField::Name) => json.text(self.record.name.as_deref()),
                _ => return resolved(self, field, scene, json),
            }
            Ok(())
        })
    }
}
