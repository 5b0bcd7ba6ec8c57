//! The roots of the graph.

use std::collections::HashSet;
use std::sync::Arc;

use async_graphql::{Context, ID, Interface, Object, Result};
use futures_util::future::join_all;

use super::client::Client;
use super::context::{options, require, spine, viewer};
use super::deal::Deal;
use super::direct::{One, Selected, select_below};
use super::errors::{bad_request, masked, not_owned};
use super::filters::{DealFilter, DealLookup, DealOrder, InvoiceFilter, ProjectFilter, client_record, record_of};
use super::invoice::{Invoice, InvoiceStatus};
use super::metric::Metric;
use super::needs::{FactClass, needs as kept_for};
use super::owner::Ownership;
use super::paging::{Keep, List, Of, first_of, rows};
use super::profitability::{self, Dimension, ProfitabilityReport};
use super::project::Project;
use super::records::{projects_seen, sees_one_of};
use super::scalars::{CurrencyCode, ProjectId};
use super::system::System;
use super::ticket::Ticket;
use super::wave;
use crate::domain::{self, Class, ClientId, DealId, DealQuery, Direction, Domain, GlobalId, IdNode};
use crate::finance::metrics;
use crate::reads::Owner;

/// Anything with an ID of its own.
#[derive(Debug, Interface)]
#[graphql(field(name = "id", ty = "ID", desc = "Unique over all systems."))]
pub enum Node {
    /// A deal.
    Deal(Deal),
    /// A client.
    Client(Client),
    /// A project.
    Project(Project),
    /// A ticket.
    Ticket(Ticket),
    /// An invoice.
    Invoice(Invoice),
}

/// The roots of the graph.
#[derive(Debug)]
pub struct Query;

/// Deals as a connection, with what is selected below them read in one wave.
pub(super) async fn deal_list(
    ctx: &Context<'_>,
    query: DealQuery,
    first: i32,
    after: Option<String>,
) -> Result<List<Deal>> {
    kept_deals(ctx, query, first, after, None).await
}

async fn kept_deals(
    ctx: &Context<'_>,
    query: DealQuery,
    first: i32,
    after: Option<String>,
    keep: Option<Keep<'_, domain::Deal>>,
) -> Result<List<Deal>> {
    let (commercial, viewer) = (spine(ctx)?.commercial()?, viewer(ctx)?);
    let seen = |owner: &Owner, deal: &domain::Deal| viewer.sees(deal) && keep.is_none_or(|keep| keep(owner, deal));
    let seen: Keep<'_, domain::Deal> = &seen;
    let keep = if viewer.sees_all_deals() { keep } else { Some(seen) };
    let found = rows(ctx, &[(&commercial.owner, &commercial.deal_pages)], &query, (first, after), keep, None).await?;
    let deals: Vec<_> = found.found.iter().map(|row| Arc::clone(&row.item)).collect();
    wave::deals(ctx, Selected::rows(&select_below(ctx)), &deals).await?;
    Ok(List::of(&found, Deal::new))
}

/// The roots of the graph. Null where an owner does not know a record; null with an error where it could not be asked.
#[Object]
impl Query {
    /// One deal; null if the CRM does not know it. Needs: commercial.
    #[graphql(directive = kept_for::apply(vec![FactClass::Commercial]))]
    pub(super) async fn deal(&self, ctx: &Context<'_>, by: DealLookup) -> Result<Option<One<Deal>>> {
        match by {
            DealLookup::Id(id) => {
                let id = DealId::new(record_of(ctx, &id, IdNode::Deal)?);
                let fields = select_below(ctx);
                // Where the deal led when it was last seen all systems are asked at once. What is shown is read by the
                // link that arrives: if that is another, the wave below follows it.
                let everything = viewer(ctx)?.sees_all_deals();
                let (deal, ahead) = tokio::join!(Deal::read(ctx, &id), async {
                    match spine(ctx)?.commercial()?.links.of(&id).filter(|_| everything) {
                        Some(project) => wave::ahead_of_deal(ctx, &fields, Some(&id), project).await.map(Some),
                        None => Ok(None),
                    }
                });
                let ahead = ahead?;
                let Some(deal) = deal? else { return Ok(None) };
                wave::deal(ctx, &fields, &deal.record, ahead.as_ref()).await?;
                Ok(Some(One(deal)))
            }
            DealLookup::ProjectId(ProjectId(text)) => {
                let id = spine(ctx)?.project_id(&text)?;
                let fields = select_below(ctx);
                // The ID is known already: what hangs on the project is read while the deal is.
                let everything = viewer(ctx)?.sees_all_deals();
                let (deals, ahead) = tokio::join!(Deal::of_project(ctx, &id), async {
                    if !everything {
                        return Ok(None);
                    }
                    wave::ahead_of_deal(ctx, &fields, None, id.clone()).await.map(Some)
                });
                let ahead = ahead?;
                let deals = deals?;
                let won = deals.iter().position(|deal| deal.record.status == Some(domain::DealStatus::Won));
                let Some(deal) = deals.into_iter().nth(won.unwrap_or(0)) else { return Ok(None) };
                wave::deal(ctx, &fields, &deal.record, ahead.as_ref()).await?;
                Ok(Some(One(deal)))
            }
        }
    }

    /// Deals; by default in the order of their records, which alone is stable while records change. Needs: commercial.
    #[graphql(directive = kept_for::apply(vec![FactClass::Commercial]))]
    async fn deals(
        &self,
        ctx: &Context<'_>,
        filter: Option<DealFilter>,
        order_by: Option<DealOrder>,
        #[graphql(default = 50)] first: i32,
        after: Option<String>,
    ) -> Result<Option<List<Deal>>> {
        let (query, not_won) = filter.unwrap_or_default().query(ctx, order_by)?;
        let is_not_won = |_: &Owner, deal: &domain::Deal| deal.status != Some(domain::DealStatus::Won);
        let keep: Keep<'_, domain::Deal> = &is_not_won;
        kept_deals(ctx, query, first, after, not_won.then_some(keep)).await.map(Some)
    }

    /// One project. Null only if the project tool answered that it does not know the ID; if it could not be asked, the
    /// project is there with what the other owners know, and its `source` says so.
    pub(super) async fn project(&self, ctx: &Context<'_>, id: ProjectId) -> Result<Option<One<Project>>> {
        let ProjectId(text) = id;
        let project = Project::new(spine(ctx)?.project_id(&text)?);
        if !sees_one_of(ctx, std::slice::from_ref(&project.id)).await? {
            return Ok(None);
        }
        let fields = select_below(ctx);
        let (header, warm) =
            tokio::join!(project.header(ctx), wave::projects(ctx, &*fields, std::slice::from_ref(&project.id)));
        warm?;
        Ok(if matches!(header, Ok(None)) { None } else { Some(One(project)) })
    }

    /// Projects: those with the given IDs that the project tool knows, or all that pass the filter. Needs: delivery.
    #[graphql(directive = kept_for::apply(vec![FactClass::Delivery]))]
    async fn projects(
        &self,
        ctx: &Context<'_>,
        ids: Option<Vec<ProjectId>>,
        filter: Option<ProjectFilter>,
        #[graphql(default = 50)] first: i32,
        after: Option<String>,
    ) -> Result<Option<List<Project>>> {
        let spine = spine(ctx)?;
        let owners = &spine.reads.delivery;
        if owners.all().len() == 0 {
            return Err(not_owned(Domain::Delivery));
        }
        let Some(ids) = ids else {
            let query = filter.unwrap_or_default().query(ctx)?;
            let pages: Vec<_> = owners.all().map(|delivery| (&delivery.owner, &delivery.project_pages)).collect();
            // A system may hold projects that are another's to tell of.
            let owned = |holder: &Owner, project: &domain::Project| {
                owners.of(&project.id).is_some_and(|delivery| delivery.owner == *holder)
            };
            let keep: Keep<'_, domain::Project> = &owned;
            let keep = owners.is_split().then_some(keep);
            let of: Of<'_, domain::Project> = &|project| vec![project.id.clone()];
            let found = rows(ctx, &pages, &query, (first, after), keep, Some(of)).await?;
            let ids: Vec<_> = found.found.iter().map(|row| row.item.id.clone()).collect();
            wave::projects(ctx, Selected::rows(&select_below(ctx)), &ids).await?;
            return Ok(Some(List::of(&found, |_, _, project| Project::new(project.id.clone()))));
        };
        if filter.is_some() || after.is_some() {
            return Err(bad_request("`ids` goes alone, without `filter` and `after`"));
        }
        if ids.len() > 200 {
            return Err(bad_request(format!("`ids` takes at most 200 IDs, not {}", ids.len())));
        }
        let limit = first_of(first)?.max(ids.len());
        let ids: Vec<_> =
            ids.iter().take(limit).map(|ProjectId(text)| spine.project_id(text)).collect::<Result<_>>()?;
        let seen = projects_seen(ctx, ids.iter().cloned()).await?;
        let ids: Vec<_> = ids.into_iter().filter(|id| seen.has(id)).collect();
        let fields = select_below(ctx);
        let wave = wave::projects(ctx, Selected::rows(&fields), &ids);
        let options = options(ctx)?;
        let groups = owners.group(&ids);
        let asked = groups.iter().map(async |(delivery, ids)| {
            let known = delivery.projects.get_many(options, ids).await;
            let unknown = ids.iter().zip(known).filter(|(_, read)| matches!(read, Ok(fresh) if fresh.value.is_none()));
            unknown.map(|(id, _)| id.clone()).collect::<Vec<_>>()
        });
        let (unknown, warm) = tokio::join!(join_all(asked), wave);
        warm?;
        // Unknown IDs are left out; one that could not be asked is there, and its fields say why they are null.
        let unknown: HashSet<_> = unknown.into_iter().flatten().collect();
        let mut list = List::new();
        for id in ids.iter().filter(|id| !unknown.contains(id)) {
            list.push(Project::new(id.clone()));
        }
        Ok(Some(list))
    }

    /// One invoice or bill, by its global ID; null if its owner does not know it.
    async fn invoice(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Invoice>> {
        Invoice::by_id(ctx, &global(&id, &[IdNode::Invoice, IdNode::Bill])?).await
    }

    /// Invoices to clients, or bills of vendors, in the order of their records.
    async fn invoices(
        &self,
        ctx: &Context<'_>,
        filter: Option<InvoiceFilter>,
        #[graphql(default = 50)] first: i32,
        after: Option<String>,
    ) -> Result<Option<List<Invoice>>> {
        let spine = spine(ctx)?;
        let today = spine.clock.today();
        let filter = filter.unwrap_or_default();
        let query = filter.query(ctx, today)?;
        let direction = filter.direction.into();
        let reads = &spine.reads;
        let mut owners = reads.invoices(direction);
        // Who owns none of the projects that are asked for is not asked: it may be down, and it does not matter.
        if let Some(ids) = &query.project_ids {
            owners.retain(|invoices| reads.owns_invoices(&invoices.owner.connection, direction, ids));
        }
        if owners.is_empty() {
            return Err(not_owned(match direction {
                Direction::Receivable => Domain::Receivables,
                Direction::Payable => Domain::Costs,
            }));
        }
        let pages: Vec<_> = owners.iter().map(|invoices| (&invoices.owner, &invoices.pages)).collect();
        let stands = |holder: &Owner, invoice: &domain::Invoice| {
            let status = Some(InvoiceStatus::from(&invoice.status(today)));
            (filter.status.is_none() || status == filter.status)
                && reads.owns_invoices(&holder.connection, invoice.direction, &invoice.project_ids)
        };
        let keep: Keep<'_, domain::Invoice> = &stands;
        let keep = (filter.status.is_some() || reads.invoices_are_split(direction)).then_some(keep);
        let of: Of<'_, domain::Invoice> = &|invoice| invoice.project_ids.to_vec();
        let found = rows(ctx, &pages, &query, (first, after), keep, Some(of)).await?;
        let records: Vec<_> = found.found.iter().map(|row| Arc::clone(&row.item)).collect();
        wave::invoices(ctx, &Selected::rows(&select_below(ctx)), &records).await?;
        Ok(Some(List::of(&found, Invoice::new)))
    }

    /// One ticket, by its global ID; null if its owner does not know it. Needs: tickets.
    #[graphql(directive = kept_for::apply(vec![FactClass::Tickets]))]
    async fn ticket(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Ticket>> {
        Ticket::by_id(ctx, &global(&id, &[IdNode::Ticket])?).await
    }

    /// One client, by its global ID or the CRM's own; null if the CRM does not know it. Needs: commercial.
    #[graphql(directive = kept_for::apply(vec![FactClass::Commercial]))]
    async fn client(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Client>> {
        let id = client_record(ctx, &id)?;
        known_client(ctx, &id).await
    }

    /// Anything by its ID. A project's ID is its shared ID.
    async fn node(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Node>> {
        let Ok(global) = id.parse::<GlobalId>() else {
            let Ok(id) = spine(ctx)?.shared_id.parse(&id) else {
                return Err(bad_request(format!("`{}` is not an ID of this graph", id.as_str())));
            };
            let project = Project::new(id);
            if !sees_one_of(ctx, std::slice::from_ref(&project.id)).await? {
                return Ok(None);
            }
            let header = project.header(ctx).await;
            return Ok(if matches!(header, Ok(None)) { None } else { Some(Node::Project(project)) });
        };
        Ok(match global.node {
            IdNode::Deal => {
                require(ctx, Class::Commercial, "Deal")?;
                let id = DealId::new(record_of(ctx, &id, IdNode::Deal)?);
                Deal::read(ctx, &id).await?.map(Node::Deal)
            }
            IdNode::Client => {
                let id = client_record(ctx, &id)?;
                known_client(ctx, &id).await?.map(Node::Client)
            }
            IdNode::Ticket => Ticket::by_id(ctx, &global).await?.map(Node::Ticket),
            IdNode::Invoice | IdNode::Bill => Invoice::by_id(ctx, &global).await?.map(Node::Invoice),
        })
    }

    /// The profitability of the portfolio, in groups by one or two dimensions; without any, in all. All amounts are in
    /// `currency`, else in that of the configuration: as their owners recorded them, else by the exchange rates of the
    /// configuration, which `rates` names. Without either, each project is told in its own currency and groups are split by it:
    /// amounts of different currencies are never added up.
    ///
    /// A project is in a filtered report if the deal it began with passes the filter. Without a filter the report holds also
    /// the projects that no deal leads to and what was invoiced without a project, so that its totals are those of the books. Needs: commercial.
    #[graphql(directive = kept_for::apply(vec![FactClass::Commercial]))]
    async fn profitability(
        &self,
        ctx: &Context<'_>,
        group_by: Vec<Dimension>,
        filter: Option<DealFilter>,
        currency: Option<CurrencyCode>,
    ) -> Result<Option<ProfitabilityReport>> {
        // In a box, because it is by far the largest: the futures of all roots share the room of the largest, and are moved.
        Box::pin(profitability::report(ctx, group_by, filter, currency)).await.map(Some)
    }

    /// The metrics of `profitability` and of the reports: what each means, and how it is computed.
    async fn metrics(&self) -> Vec<Metric> {
        metrics::CATALOGUE.iter().map(Metric::from).collect()
    }

    /// Which system owns which field: the answer to "who is right?".
    async fn ownership(&self, ctx: &Context<'_>) -> Result<Vec<Ownership>> {
        Ok(spine(ctx)?.ownership.clone())
    }

    /// The connections, and how each fares.
    async fn systems(&self, ctx: &Context<'_>) -> Result<Vec<System>> {
        let spine = spine(ctx)?;
        options(ctx)?.observed.pin_to_moment();
        Ok(System::all(spine))
    }

    /// A deal, for a federated graph.
    #[graphql(entity)]
    async fn find_deal_by_id(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Deal>> {
        require(ctx, Class::Commercial, "Deal")?;
        let id = DealId::new(record_of(ctx, &id, IdNode::Deal)?);
        Deal::read(ctx, &id).await
    }

    /// A project, for a federated graph.
    #[graphql(entity)]
    async fn find_project_by_id(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Project>> {
        let project = Project::new(spine(ctx)?.project_id(&id)?);
        Ok(sees_one_of(ctx, std::slice::from_ref(&project.id)).await?.then_some(project))
    }

    /// An invoice, for a federated graph.
    #[graphql(entity)]
    async fn find_invoice_by_id(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Invoice>> {
        Invoice::by_id(ctx, &global(&id, &[IdNode::Invoice, IdNode::Bill])?).await
    }

    /// A client, for a federated graph.
    #[graphql(entity)]
    async fn find_client_by_id(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Client>> {
        let id = client_record(ctx, &id)?;
        known_client(ctx, &id).await
    }

    /// A ticket, for a federated graph.
    #[graphql(entity)]
    async fn find_ticket_by_id(&self, ctx: &Context<'_>, id: ID) -> Result<Option<Ticket>> {
        Ticket::by_id(ctx, &global(&id, &[IdNode::Ticket])?).await
    }
}

/// A client by the ID alone. Whoever reads only some deals comes to clients by these.
async fn known_client(ctx: &Context<'_>, id: &ClientId) -> Result<Option<Client>> {
    require(ctx, Class::Commercial, "Client")?;
    let viewer = viewer(ctx)?;
    if !viewer.sees_all_deals() {
        return Err(masked("Client (by its ID alone)", &viewer.view));
    }
    Client::read(ctx, id).await
}

fn global(id: &ID, nodes: &[IdNode]) -> Result<GlobalId> {
    id.parse::<GlobalId>()
        .ok()
        .filter(|global| nodes.contains(&global.node))
        .ok_or_else(|| bad_request(format!("`{}` is not such an ID: take it from a field `id`", id.as_str())))
}
