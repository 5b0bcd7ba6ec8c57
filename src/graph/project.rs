//! Projects: the spine. A project is its shared ID; each field is read from its owner when it is asked for.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, Result, SimpleObject};
use rust_decimal::Decimal;

use super::client::Client;
use super::context::{options, spine};
use super::cost::Cost;
use super::deal::{Deal, each, readable};
use super::direct::{
    Deferred, Direct, Json, Many, One, Scene, Selected, Written, fields, known, list, object, optional, person,
    resolved, select_below,
};
use super::errors::system_error;
use super::financials::Financials;
use super::handover::Handover;
use super::invoice::{Invoice, InvoiceDirection, require_direction};
use super::needs::{FactClass, needs as kept_for};
use super::owner::{OwnerDomain, owner as owned_by};
use super::person::Person;
use super::scalars::{Date, ProjectId};
use super::source::Source;
use super::ticket::Ticket;
use super::wave::Pushdown;
use crate::domain::{self, Flaw, Priority, TicketCategory, TicketStatus};
use crate::finance;
use crate::reads::{Invoices, Read, Tickets};
use crate::reports::{DealsDetails, passing_on};

/// A project. It exists as soon as its ID is known.
#[derive(Debug, Clone)]
pub struct Project {
    pub(super) id: domain::ProjectId,
}

/// Whether a project runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum ProjectStatus {
    /// Not begun.
    Planned,
    /// Running.
    Active,
    /// Paused.
    OnHold,
    /// Finished.
    Completed,
    /// Given up.
    Cancelled,
    /// A state nobody has mapped: see `statusLabel`.
    Unknown,
}

impl ProjectStatus {
    /// The domain's word, if it is a known one.
    pub(super) fn known(self) -> Option<domain::ProjectStatus> {
        match self {
            Self::Planned => Some(domain::ProjectStatus::Planned),
            Self::Active => Some(domain::ProjectStatus::Active),
            Self::OnHold => Some(domain::ProjectStatus::OnHold),
            Self::Completed => Some(domain::ProjectStatus::Completed),
            Self::Cancelled => Some(domain::ProjectStatus::Cancelled),
            Self::Unknown => None,
        }
    }
}

impl From<&domain::ProjectStatus> for ProjectStatus {
    fn from(status: &domain::ProjectStatus) -> Self {
        match status {
            domain::ProjectStatus::Planned => Self::Planned,
            domain::ProjectStatus::Active => Self::Active,
            domain::ProjectStatus::OnHold => Self::OnHold,
            domain::ProjectStatus::Completed => Self::Completed,
            domain::ProjectStatus::Cancelled => Self::Cancelled,
            domain::ProjectStatus::Unknown(_) => Self::Unknown,
        }
    }
}

/// Health of a project, as the delivery team set it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum Health {
    /// On course.
    Green,
    /// Needs attention.
    Amber,
    /// In trouble.
    Red,
    /// A word nobody has mapped: see `healthLabel`.
    Unknown,
}

impl From<&domain::Health> for Health {
    fn from(health: &domain::Health) -> Self {
        match health {
            domain::Health::Green => Self::Green,
            domain::Health::Amber => Self::Amber,
            domain::Health::Red => Self::Red,
            domain::Health::Unknown(_) => Self::Unknown,
        }
    }
}

/// Hours of a project.
#[derive(Debug, Clone, SimpleObject)]
pub struct Hours {
    /// Hours budgeted; null if the delivery owner states none.
    budgeted: Option<Decimal>,
    /// Hours booked.
    spent: Decimal,
}

/// A milestone of a project.
#[derive(Debug, Clone)]
pub struct Milestone(Arc<domain::Milestone>);

/// Whether a milestone is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum MilestoneStatus {
    /// Not yet.
    Open,
    /// Frozen: nothing more is planned into it.
    Locked,
    /// Reached.
    Closed,
    /// A state nobody has mapped.
    Unknown,
}

/// One person's part in a project.
#[derive(Debug, Clone)]
pub struct ResourceAllocation(domain::ResourceAllocation);

impl Project {
    /// The project with an ID.
    pub(super) fn new(id: domain::ProjectId) -> Self {
        Self { id }
    }

    /// What the delivery owner says of it.
    pub(super) async fn header(&self, ctx: &Context<'_>) -> Result<Option<Arc<domain::Project>>> {
        let projects = &spine(ctx)?.delivery(&self.id)?.projects;
        let read = projects.get(options(ctx)?, &self.id).await.map_err(|error| system_error(&error))?;
        Ok(read.value)
    }

    async fn readable<T>(
        &self,
        ctx: &Context<'_>,
        field: &str,
        value: impl FnOnce(&domain::Project) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(header) = self.header(ctx).await? else { return Ok(None) };
        let flaws: &[Flaw] = &header.flaws;
        readable(value(&header), field, flaws, &spine(ctx)?.delivery(&self.id)?.owner)
    }

    async fn tickets_of(
        &self,
        ctx: &Context<'_>,
        tickets: &Tickets,
        keep: fn(&domain::Ticket) -> bool,
    ) -> Result<Vec<Ticket>> {
        let read = tickets.by_project.get(options(ctx)?, &self.id).await.map_err(|error| system_error(&error))?;
        let list = read.value.as_deref().map(Vec::as_slice).unwrap_or_default();
        let kept = list.iter().filter(|ticket| keep(ticket));
        Ok(kept.map(|ticket| Ticket::new(&tickets.owner, &read, Arc::clone(ticket))).collect())
    }

    async fn invoices_of(&self, ctx: &Context<'_>, invoices: &Invoices) -> Result<Vec<Invoice>> {
        let read = invoices.by_project.get(options(ctx)?, &self.id).await.map_err(|error| system_error(&error))?;
        Ok(Invoice::of_project(&invoices.owner, &read).collect())
    }

    /// The same as [`Project::progress`], of what is in memory.
    pub(super) fn known_progress(&self, scene: &Scene<'_>) -> std::result::Result<Option<Decimal>, Deferred> {
        let delivery = scene.spine.reads.delivery.of(&self.id).ok_or(Deferred)?;
        let Some(header) = known(Some(&delivery.projects), &self.id, scene)?.value else { return Ok(None) };
        if header.percent_complete.is_some() {
            return Ok(header.percent_complete);
        }
        let Some(work) = &delivery.work else { return Ok(None) };
        let tickets = known(Some(&work.by_project), &self.id, scene)?.value;
        Ok(tickets.and_then(|tickets| finance::percent_complete(&tickets)))
    }

    /// Percent complete: what the delivery owner states, else the progress of the planned work weighted by its estimate.
    pub(super) async fn progress(&self, ctx: &Context<'_>) -> Result<Option<Decimal>> {
        let Some(header) = self.header(ctx).await? else { return Ok(None) };
        if header.percent_complete.is_some() {
            return Ok(header.percent_complete);
        }
        let Ok(work) = spine(ctx)?.work(&self.id) else { return Ok(None) };
        let read = work.by_project.get(options(ctx)?, &self.id).await.map_err(|error| system_error(&error))?;
        Ok(read.value.and_then(|tickets| finance::percent_complete(&tickets)))
    }
}

fn is_incident(ticket: &domain::Ticket) -> bool {
    ticket.category == TicketCategory::Incident
}

/// A project: what was sold, being delivered. It is the spine of the graph: every other object is found by its shared ID.
#[Object]
impl Project {
    /// The shared ID, which is unique by itself. Owner: delivery.
    #[graphql(directive = owned_by::apply(OwnerDomain::Delivery))]
    pub(super) async fn id(&self) -> ID {
        self.id.as_str().into()
    }

    /// The shared ID. Owner: delivery.
    #[graphql(directive = owned_by::apply(OwnerDomain::Delivery))]
    async fn code(&self) -> ProjectId {
        ProjectId::from(&self.id)
    }

    /// Name. Owner: delivery.
    #[graphql(directive = owned_by::apply(OwnerDomain::Delivery))]
    async fn name(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(self.header(ctx).await?.and_then(|header| header.name.as_ref().map(ToString::to_string)))
    }

    /// Whether it runs; null if the project tool does not know the project. Owner: delivery.
    #[graphql(directive = owned_by::apply(OwnerDomain::Delivery))]
    async fn status(&self, ctx: &Context<'_>) -> Result<Option<ProjectStatus>> {
        Ok(self.header(ctx).await?.map(|header| ProjectStatus::from(&header.status)))
    }

    /// The project tool's own word, where `status` is UNKNOWN. Owner: delivery.
    #[graphql(directive = owned_by::apply(OwnerDomain::Delivery))]
    async fn status_label(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(self.header(ctx).await?.and_then(|header| match &header.status {
            domain::ProjectStatus::Unknown(raw) => Some(raw.clone()),
            _ => None,
        }))
    }

    /// Health, as the delivery team set it; null if nobody did. Owner: delivery.
    #[graphql(directive = owned_by::apply(OwnerDomain::Delivery))]
    async fn health(&self, ctx: &Context<'_>) -> Result<Option<Health>> {
        Ok(self.header(ctx).await?.and_then(|header| header.health.as_ref().map(Health::from)))
    }

    /// The delivery team's own word, where `health` is UNKNOWN. Owner: delivery.
    #[graphql(directive = owned_by::apply(OwnerDomain::Delivery))]
    async fn health_label(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(self.header(ctx).await?.and_then(|header| match &header.health {
            Some(domain::Health::Unknown(raw)) => Some(raw.clone()),
            _ => None,
        }))
    }

    /// Why the health is what it is. Owner: delivery.
    #[graphql(directive = owned_by::apply(OwnerDomain::Delivery))]
    async fn health_reason(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        Ok(self.header(ctx).await?.and_then(|header| header.health_reason.clone()))
    }

    /// Project manager. Owner: delivery.
    #[graphql(directive = owned_by::apply(OwnerDomain::Delivery))]
    async fn manager(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        Ok(self.header(ctx).await?.and_then(|header| header.manager.clone()).map(Person))
    }

    /// Start. Owner: delivery.
    #[graphql(directive = owned_by::apply(OwnerDomain::Delivery))]
    async fn start_date(&self, ctx: &Context<'_>) -> Result<Option<Date>> {
        self.readable(ctx, "start_date", |header| header.start_date.map(Date)).await
    }

    /// Due. Owner: delivery.
    #[graphql(directive = owned_by::apply(OwnerDomain::Delivery))]
    async fn due_date(&self, ctx: &Context<'_>) -> Result<Option<Date>> {
        self.readable(ctx, "due_date", |header| header.due_date.map(Date)).await
    }

    /// 0 to 100: what the delivery owner states, else the progress of the planned work weighted by its estimated hours; null
    /// if neither is known. Owner: delivery.
    #[graphql(directive = owned_by::apply(OwnerDomain::Delivery))]
    async fn percent_complete(&self, ctx: &Context<'_>) -> Result<Option<Decimal>> {
        self.progress(ctx).await
    }

    /// Milestones, by due date. Owner: delivery.
    #[graphql(directive = owned_by::apply(OwnerDomain::Delivery))]
    async fn milestones(&self, ctx: &Context<'_>) -> Result<Option<Vec<Milestone>>> {
        let milestones = &spine(ctx)?.delivery(&self.id)?.milestones;
        let read = milestones.get(options(ctx)?, &self.id).await.map_err(|error| system_error(&error))?;
        Ok(Some(each(read.value.as_deref(), Milestone)))
    }

    /// Incidents the delivery team keeps. Owner: delivery.
    #[graphql(directive = owned_by::apply(OwnerDomain::Delivery))]
    async fn incidents(&self, ctx: &Context<'_>) -> Result<Option<Many<Ticket>>> {
        self.tickets_of(ctx, spine(ctx)?.work(&self.id)?, is_incident).await.map(|tickets| Some(Many(tickets)))
    }

    /// Change requests the delivery team keeps. Owner: delivery.
    #[graphql(directive = owned_by::apply(OwnerDomain::Delivery))]
    async fn change_requests(&self, ctx: &Context<'_>) -> Result<Option<Many<Ticket>>> {
        self.tickets_of(ctx, spine(ctx)?.work(&self.id)?, |ticket| ticket.category == TicketCategory::ChangeRequest)
            .await
            .map(|tickets| Some(Many(tickets)))
    }

    /// How many incidents of critical priority are not closed. Owner: delivery.
    #[graphql(directive = owned_by::apply(OwnerDomain::Delivery))]
    async fn open_critical_incidents(&self, ctx: &Context<'_>) -> Result<Option<usize>> {
        let open = self.tickets_of(ctx, spine(ctx)?.work(&self.id)?, |ticket| {
            is_incident(ticket) && ticket.priority == Some(Priority::Critical) && ticket.status != TicketStatus::Closed
        });
        Ok(Some(open.await?.len()))
    }

    /// Who works on it, and for how long. Owner: delivery.
    #[graphql(directive = owned_by::apply(OwnerDomain::Delivery))]
    async fn resources(&self, ctx: &Context<'_>) -> Result<Option<Vec<ResourceAllocation>>> {
        let effort = &spine(ctx)?.delivery(&self.id)?.effort;
        let read = effort.get(options(ctx)?, &self.id).await.map_err(|error| system_error(&error))?;
        Ok(Some(
            read.value.iter().flat_map(|effort| effort.resources.iter().cloned()).map(ResourceAllocation).collect(),
        ))
    }

    /// Hours budgeted and booked; null if the delivery owner does not know the project. Owner: delivery.
    #[graphql(directive = owned_by::apply(OwnerDomain::Delivery))]
    async fn hours(&self, ctx: &Context<'_>) -> Result<Option<Hours>> {
        let effort = &spine(ctx)?.delivery(&self.id)?.effort;
        let (header, read) =
            tokio::join!(self.readable(ctx, "hours_budgeted", |header| Some(header.hours_budgeted)), async {
                effort.get(options(ctx)?, &self.id).await.map_err(|error| system_error(&error))
            });
        let (header, read) = (header?, read?);
        Ok(header
            .map(|budgeted| Hours { budgeted, spent: read.value.map(|effort| effort.hours_spent).unwrap_or_default() }))
    }

    /// Tickets of the project, of every category. Owner: tickets.
    #[graphql(directive = owned_by::apply(OwnerDomain::Tickets))]
    async fn tickets(&self, ctx: &Context<'_>) -> Result<Option<Many<Ticket>>> {
        self.tickets_of(ctx, spine(ctx)?.tickets(&self.id)?, |_| true).await.map(|tickets| Some(Many(tickets)))
    }

    /// The deals that carry the project's shared ID. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn deals(&self, ctx: &Context<'_>) -> Result<Option<Many<Deal>>> {
        Deal::of_project(ctx, &self.id).await.map(|deals| Some(Many(deals)))
    }

    /// The deal the project began with: the first won one, else the first; null if no deal carries its ID. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn deal(&self, ctx: &Context<'_>) -> Result<Option<Deal>> {
        let deals = Deal::of_project(ctx, &self.id).await?;
        let won = deals.iter().position(|deal| deal.record.status == Some(domain::DealStatus::Won));
        Ok(deals.into_iter().nth(won.unwrap_or(0)))
    }

    /// The client of `deal`. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn client(&self, ctx: &Context<'_>) -> Result<Option<Client>> {
        let deals = Deal::of_project(ctx, &self.id).await?;
        let records: Vec<_> = deals.into_iter().map(|deal| deal.record).collect();
        match domain::client_of(&records) {
            Some(id) => Client::read(ctx, id).await,
            None => Ok(None),
        }
    }

    /// Invoices to the client, or bills of vendors, with drafts and void ones. Owner: receivables.
    #[graphql(directive = owned_by::apply(OwnerDomain::Receivables))]
    async fn invoices(
        &self,
        ctx: &Context<'_>,
        #[graphql(default_with = "InvoiceDirection::Receivable")] direction: InvoiceDirection,
    ) -> Result<Option<Many<Invoice>>> {
        require_direction(ctx, direction)?;
        let invoices = match direction {
            InvoiceDirection::Receivable => spine(ctx)?.receivables(&self.id)?,
            InvoiceDirection::Payable => spine(ctx)?.payables(&self.id)?,
        };
        self.invoices_of(ctx, invoices).await.map(|invoices| Some(Many(invoices)))
    }

    /// What the project cost, and what is ordered. Owner: costs.
    #[graphql(directive = owned_by::apply(OwnerDomain::Costs))]
    async fn costs(&self, ctx: &Context<'_>) -> Result<Option<Many<Cost>>> {
        let costs = spine(ctx)?.costs(&self.id)?;
        let read = costs.by_project.get(options(ctx)?, &self.id).await.map_err(|error| system_error(&error))?;
        Ok(Some(Many(Cost::of_project(&costs.owner, &read).collect())))
    }

    /// What the project inherits from sales: scope, pricing, contacts, signed proposal, notes. Null if no deal carries its ID.
    /// Needs: commercial. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Commercial]))]
    async fn handover(&self, ctx: &Context<'_>) -> Result<Option<Handover>> {
        let (commercial, options) = (spine(ctx)?.commercial()?, options(ctx)?);
        let read = commercial.deals_by_project.get(options, &self.id).await.map_err(|error| system_error(&error))?;
        let Some(deals) = read.value.filter(|deals| !deals.is_empty()) else { return Ok(None) };
        let ids: Vec<_> = passing_on(&deals).into_iter().map(|deal| deal.id.clone()).collect();
        let details = DealsDetails::read(commercial, options, &ids).await;
        for failure in &details.failures {
            ctx.add_error(system_error(failure).into_server_error(ctx.item.pos));
        }
        Ok(Some(Handover(details.handover(&deals))))
    }

    /// The money of the project. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup))]
    async fn financials(&self, ctx: &Context<'_>) -> One<Financials> {
        One(Financials::of_project(self.id.clone(), Pushdown::of(&select_below(ctx))))
    }

    /// Where and when the project itself was read. `NOT_FOUND` if the project tool does not know the ID, UNAVAILABLE if it could
    /// not be asked. Owner: delivery.
    #[graphql(directive = owned_by::apply(OwnerDomain::Delivery))]
    async fn source(&self, ctx: &Context<'_>) -> Result<Option<Source>> {
        let delivery = spine(ctx)?.delivery(&self.id)?;
        let read: Read<domain::Project> = delivery.projects.get(options(ctx)?, &self.id).await;
        let header = read.as_ref().ok().and_then(|fresh| fresh.value.clone());
        Ok(Some(Source::of(
            &delivery.owner,
            &read,
            header.as_ref().map(|header| &*header.record_id),
            header.as_ref().and_then(|header| header.url.as_ref()),
        )))
    }
}

/// A milestone of a project.
#[Object]
impl Milestone {
    /// Name. Owner: delivery.
    #[graphql(directive = owned_by::apply(OwnerDomain::Delivery))]
    async fn name(&self) -> Option<&str> {
        self.0.name.as_deref()
    }

    /// Whether it is reached. Owner: delivery.
    #[graphql(directive = owned_by::apply(OwnerDomain::Delivery))]
    async fn status(&self) -> MilestoneStatus {
        match self.0.status {
            domain::MilestoneStatus::Open => MilestoneStatus::Open,
            domain::MilestoneStatus::Locked => MilestoneStatus::Locked,
            domain::MilestoneStatus::Closed => MilestoneStatus::Closed,
            domain::MilestoneStatus::Unknown(_) => MilestoneStatus::Unknown,
        }
    }

    /// Due. Owner: delivery.
    #[graphql(directive = owned_by::apply(OwnerDomain::Delivery))]
    async fn due_date(&self) -> Option<Date> {
        self.0.due_date.map(Date)
    }

    /// Where a person opens it. Owner: delivery.
    #[graphql(directive = owned_by::apply(OwnerDomain::Delivery))]
    async fn url(&self) -> Option<&str> {
        self.0.url.as_deref()
    }
}

/// One person's part in a project.
#[Object]
impl ResourceAllocation {
    /// Who. Owner: delivery.
    #[graphql(directive = owned_by::apply(OwnerDomain::Delivery))]
    async fn person(&self) -> Person {
        Person(Arc::clone(&self.0.person))
    }

    /// In which role; null if the owner does not say. Owner: delivery.
    #[graphql(directive = owned_by::apply(OwnerDomain::Delivery))]
    async fn role(&self) -> Option<&str> {
        self.0.role.as_deref()
    }

    /// Hours allocated; null if the owner does not say. Owner: delivery.
    #[graphql(directive = owned_by::apply(OwnerDomain::Delivery))]
    async fn hours_allocated(&self) -> Option<Decimal> {
        self.0.hours_allocated
    }

    /// Hours booked. Owner: delivery.
    #[graphql(directive = owned_by::apply(OwnerDomain::Delivery))]
    async fn hours_spent(&self) -> Decimal {
        self.0.hours_spent
    }
}

fields!(ProjectField {
    Id = "id",
    Code = "code",
    Name = "name",
    Status = "status",
    Health = "health",
    HealthReason = "healthReason",
    Manager = "manager",
    Invoices = "invoices",
    Costs = "costs",
    Tickets = "tickets",
    Financials = "financials",
    Client = "client",
});

impl Direct for Project {
    fn write(&self, fields: &[Selected], scene: &Scene<'_>, json: &mut Json) -> Written {
        let reads = &scene.spine.reads;
        let header = std::cell::OnceCell::new();
        let header = || {
            if header.get().is_none() {
                let read = known(reads.delivery.of(&self.id).map(|delivery| &delivery.projects), &self.id, scene)?;
                return Ok::<&Option<Arc<domain::Project>>, Deferred>(header.get_or_init(|| read.value));
            }
            header.get().ok_or(Deferred)
        };
        object::<Self>(fields, json, |field, json| {
            match ProjectField::of(field) {
                Some(ProjectField::Id | ProjectField::Code) => json.string(self.id.as_str()),
                Some(ProjectField::Name) => json.text(header()?.as_ref().and_then(|header| header.name.as_deref())),
                Some(ProjectField::Status) => match header()? {
                    Some(header) => json.word(ProjectStatus::from(&header.status)),
                    None => json.null(),
                },
                Some(ProjectField::Health) => match header()?.as_ref().and_then(|header| header.health.as_ref()) {
                    Some(health) => json.word(Health::from(health)),
                    None => json.null(),
                },
                Some(ProjectField::HealthReason) => {
                    json.text(header()?.as_ref().and_then(|header| header.health_reason.as_deref()));
                }
                Some(ProjectField::Manager) => {
                    person(header()?.as_ref().and_then(|header| header.manager.as_ref()), field, json)?;
                }
                Some(ProjectField::Invoices) if !field.has_arguments() => {
                    let invoices = reads.receivables.of(&self.id).ok_or(Deferred)?;
                    let read = known(Some(&invoices.by_project), &self.id, scene)?;
                    let all = Invoice::of_project(&invoices.owner, &read);
                    list::<Invoice>(all, &field.below, scene, json)?;
                }
                Some(ProjectField::Costs) => {
                    let costs = reads.costs.of(&self.id).ok_or(Deferred)?;
                    let read = known(Some(&costs.by_project), &self.id, scene)?;
                    list::<Cost>(Cost::of_project(&costs.owner, &read), &field.below, scene, json)?;
                }
                Some(ProjectField::Tickets) => {
                    let tickets = reads.tickets.of(&self.id).ok_or(Deferred)?;
                    let read = known(Some(&tickets.by_project), &self.id, scene)?;
                    let graph = read.value.iter().flat_map(|tickets| tickets.iter());
                    let graph = graph.map(|ticket| Ticket::new(&tickets.owner, &read, Arc::clone(ticket)));
                    list::<Ticket>(graph, &field.below, scene, json)?;
                }
                Some(ProjectField::Financials) => {
                    Financials::of_project(self.id.clone(), Pushdown::of(&field.below)).write(
                        &field.below,
                        scene,
                        json,
                    )?;
                }
                // Which deals count hangs on who looks.
                Some(ProjectField::Client) if scene.options.viewer.sees_all_deals() => {
                    let commercial = reads.commercial.as_ref().ok_or(Deferred)?;
                    let read = known(Some(&commercial.deals_by_project), &self.id, scene)?;
                    let client = match domain::client_of(read.value.as_deref().map(Vec::as_slice).unwrap_or_default()) {
                        Some(id) => Client::peek(scene, id)?,
                        None => None,
                    };
                    optional(client.as_ref(), &field.below, scene, json)?;
                }
                _ => resolved(self, field, scene, json)?,
            }
            Ok(())
        })
    }
}
