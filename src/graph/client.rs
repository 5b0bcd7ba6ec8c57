//! Clients.

use std::sync::Arc;

use async_graphql::connection::Connection;
use async_graphql::{Context, ID, Object, Result};

use super::context::{options, spine};
use super::deal::Deal;
use super::errors::{not_owned, system_error};
use super::owner::{OwnerDomain, owner as owned_by};
use super::paging::{ListFields, all_pages};
use super::project::Project;
use super::query::deal_connection;
use super::source::Source;
use crate::domain::{self, ClientId, DealQuery, Domain, GlobalId, IdNode};
use crate::reads::{Fresh, Owner};

/// A client, owned by the CRM.
#[derive(Debug, Clone)]
pub struct Client {
    record: Arc<domain::Client>,
    owner: Owner,
    source: Source,
}

impl Client {
    pub(super) fn new<V>(owner: &Owner, read: &Fresh<V>, record: Arc<domain::Client>) -> Self {
        let source = Source::found(owner, read, record.id.as_str(), record.url.as_ref());
        Self { record, owner: owner.clone(), source }
    }

    /// Reads a client by its record ID.
    pub(super) async fn read(ctx: &Context<'_>, id: &ClientId) -> Result<Option<Self>> {
        let commercial = spine(ctx)?.commercial()?;
        let clients = commercial.clients.as_ref().ok_or_else(|| not_owned(Domain::Commercial))?;
        let read = clients.get(options(ctx)?, id).await.map_err(|error| system_error(&error))?;
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
        GlobalId { node: IdNode::Client, connection: self.owner.connection.clone(), record: self.record.id.to_string() }
            .to_string()
            .into()
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
    ) -> Result<Option<Connection<String, Deal, ListFields>>> {
        deal_connection(ctx, self.deals_query(), first, after).await.map(Some)
    }

    /// The projects the client's deals lead to, each once. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn projects(&self, ctx: &Context<'_>) -> Result<Option<Vec<Project>>> {
        let commercial = spine(ctx)?.commercial()?;
        let deals = all_pages(&commercial.deal_pages, options(ctx)?, &self.deals_query()).await?;
        let mut ids: Vec<_> = deals.iter().filter_map(|deal| deal.project_id().cloned()).collect();
        ids.sort();
        ids.dedup();
        Ok(Some(ids.into_iter().map(Project::new).collect()))
    }

    /// Where and when this was read. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn source(&self) -> Source {
        self.source.clone()
    }
}
