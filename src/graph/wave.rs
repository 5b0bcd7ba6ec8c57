//! One wave: what an operation will ask of many records is asked of all owners at once, before the rows are written.
//!
//! Row by row, 200 projects would be 200 small reads. Here the selection is looked at once, and each reader gets all keys in
//! one call; what is written afterwards finds its values in memory. Errors are not looked at: the resolvers meet them
//! where they belong.
//!
//! Which field needs which read stands in one place ([`Asks`]), for the wave itself and for [`plan`](super::plan), which tells
//! what it will cost.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::Arc;

use async_graphql::{Context, Result, Value};
use futures_util::future::{BoxFuture, join_all};

use super::context::{Spine, options, spine, viewer};
use super::direct::Selected;
use super::guard::Given;
use crate::access::View;
use crate::domain::{Class, ClientId, Deal, DealId, Invoice, ProjectId};
use crate::reads::{ByOwner, Costs, DealDetails, Invoices, Key, Kind, ReadOptions, Reader, Reads};
use crate::reports::{DealsDetails, OF_CONTRACT, OF_RECEIVABLES, OF_SPENDING, Parts, distinct, passing_on};

const HEADER: [&str; 12] = [
    "name",
    "status",
    "statusLabel",
    "health",
    "healthLabel",
    "healthReason",
    "manager",
    "startDate",
    "dueDate",
    "percentComplete",
    "hours",
    "source",
];
/// Figures of invoices that are more than what was invoiced: only the invoices themselves say them.
const OF_EACH_INVOICE: [&str; 4] = ["collected", "outstanding", "overdue", "completeness"];
/// What only the costs themselves say.
const OF_EACH_COST: [&str; 1] = ["completeness"];
const PROGRESS: [&str; 3] = ["forecastMarginPct", "marginSlippage", "eac"];

/// What is said of the figures as a whole, and made of those parts that the viewer may see.
const SUMMARY: [&str; 3] = ["completeness", "source", "sources"];

/// A read that a field needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Ask {
    /// By the deal's client.
    Client,
    /// By the deal.
    Contacts,
    /// By the deal.
    LineItems,
    /// By the deal.
    Proposal,
    /// By the deal.
    Communications,
    /// By the deal.
    PreSalesTickets,
    /// By the deals of the project: all that a project inherits.
    Handover,
    /// By the shared ID, as all that follow.
    Project,
    /// Milestones.
    Milestones,
    /// Hours booked.
    Effort,
    /// Incidents and change requests of the delivery owner.
    Work,
    /// Tickets.
    Tickets,
    /// The deals that carry the shared ID.
    Deals,
    /// Invoices to clients.
    Receivables,
    /// Bills of vendors.
    Payables,
    /// Costs.
    Costs,
    /// What was invoiced: as a sum if the owner adds up itself, else the invoices.
    Invoiced,
    /// What was spent: as sums if the owner adds up itself, else the costs.
    Spent,
}

/// Which figures of a project's money the owners are asked to add up, because nobody asks for more than the sums.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Pushdown {
    /// What was invoiced.
    pub(super) invoiced: bool,
    /// Costs.
    pub(super) costs: bool,
}

impl Pushdown {
    /// What a selection on `financials` leaves to the owners.
    pub(super) fn of(fields: &[Selected]) -> Self {
        let none_of = |names: &[&str]| fields.iter().all(|field| !names.contains(&field.name()));
        Self { invoiced: none_of(&OF_EACH_INVOICE), costs: none_of(&OF_EACH_COST) }
    }
}

impl Ask {
    /// Whether its keys are those of projects.
    pub(super) fn is_by_project(self) -> bool {
        self >= Self::Project
    }

    /// The readers that are asked: one, or one for each owner of a domain that has several; none if nobody owns what is
    /// asked for.
    pub(super) fn kinds<'r>(self, reads: &'r Reads) -> Vec<&'r Kind> {
        let commercial = reads.commercial.as_ref();
        let details = || commercial?.details.as_ref();
        let one = match self {
            Self::Client => commercial.and_then(|commercial| Some(commercial.clients.as_ref()?.kind())),
            Self::Contacts => details().map(|details| details.contacts.kind()),
            Self::LineItems => details().map(|details| details.line_items.kind()),
            Self::Proposal => details().map(|details| details.proposals.kind()),
            Self::Communications => details().map(|details| details.communications.kind()),
            Self::PreSalesTickets => details().map(|details| details.pre_sales_tickets.kind()),
            Self::Handover => {
                let kinds = |details: &'r DealDetails| {
                    [
                        details.line_items.kind(),
                        details.contacts.kind(),
                        details.proposals.kind(),
                        details.communications.kind(),
                        details.pre_sales_tickets.kind(),
                    ]
                };
                return details().map(kinds).into_iter().flatten().collect();
            }
            Self::Deals => commercial.map(|commercial| commercial.deals_by_project.kind()),
            Self::Project => return reads.delivery.all().map(|delivery| delivery.projects.kind()).collect(),
            Self::Milestones => return reads.delivery.all().map(|delivery| delivery.milestones.kind()).collect(),
            Self::Effort => return reads.delivery.all().map(|delivery| delivery.effort.kind()).collect(),
            Self::Work => {
                let work = reads.delivery.all().filter_map(|delivery| delivery.work.as_ref());
                return work.map(|work| work.by_project.kind()).collect();
            }
            Self::Tickets => return reads.tickets.all().map(|tickets| tickets.by_project.kind()).collect(),
            Self::Receivables => return reads.receivables.all().map(|invoices| invoices.by_project.kind()).collect(),
            Self::Payables => {
                let payables = reads.costs.all().filter_map(|costs| costs.payables.as_ref());
                return payables.map(|payables| payables.by_project.kind()).collect();
            }
            Self::Costs => return reads.costs.all().map(|costs| costs.by_project.kind()).collect(),
            Self::Invoiced => {
                let kind = |invoices: &'r Invoices| match &invoices.sums {
                    Some(sums) => sums.kind(),
                    None => invoices.by_project.kind(),
                };
                return reads.receivables.all().map(kind).collect();
            }
            Self::Spent => {
                let kind = |costs: &'r Costs| match &costs.sums {
                    Some(sums) => sums.kind(),
                    None => costs.by_project.kind(),
                };
                return reads.costs.all().map(kind).collect();
            }
        };
        one.into_iter().collect()
    }
}

/// The reads that a selection needs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Asks {
    /// Those that need no more than what is selected on.
    pub(super) first: BTreeSet<Ask>,
    /// Those whose keys are known once the first are there.
    pub(super) second: BTreeSet<Ask>,
}

impl Asks {
    /// Of deals.
    pub(super) fn of_deal<'s>(fields: impl IntoIterator<Item = &'s Selected>, given: Given<'_>, view: &View) -> Self {
        let mut asks = Self::default();
        for field in fields {
            match field.name() {
                "client" => asks.ask(Ask::Client),
                "contacts" => asks.ask(Ask::Contacts),
                "lineItems" => asks.ask(Ask::LineItems),
                "proposal" => asks.ask(Ask::Proposal),
                "communications" => asks.ask(Ask::Communications),
                "preSalesTickets" => asks.ask(Ask::PreSalesTickets),
                "project" => asks.project(&field.below, given, view),
                "financials" => asks.financials(&field.below, view),
                _ => {}
            }
        }
        asks.without_sums_of_what_is_there()
    }

    /// Of projects.
    pub(super) fn of_project<'s>(
        fields: impl IntoIterator<Item = &'s Selected>,
        given: Given<'_>,
        view: &View,
    ) -> Self {
        let mut asks = Self::default();
        asks.project(fields, given, view);
        asks.without_sums_of_what_is_there()
    }

    /// Where the records are read the sums need not be.
    fn without_sums_of_what_is_there(mut self) -> Self {
        for (records, sums) in [(Ask::Receivables, Ask::Invoiced), (Ask::Costs, Ask::Spent)] {
            if self.first.contains(&records) {
                self.first.remove(&sums);
            }
        }
        self
    }

    fn ask(&mut self, ask: Ask) {
        self.first.insert(ask);
    }

    fn project<'s>(&mut self, fields: impl IntoIterator<Item = &'s Selected>, given: Given<'_>, view: &View) {
        for field in fields {
            match field.name() {
                "milestones" => self.ask(Ask::Milestones),
                "resources" | "hours" => self.ask(Ask::Effort),
                "incidents" | "changeRequests" | "openCriticalIncidents" | "percentComplete" => self.ask(Ask::Work),
                "tickets" => self.ask(Ask::Tickets),
                "deals" | "deal" => self.ask(Ask::Deals),
                "handover" => {
                    self.ask(Ask::Deals);
                    self.second.insert(Ask::Handover);
                }
                "client" => {
                    self.ask(Ask::Deals);
                    self.second.insert(Ask::Client);
                }
                "invoices" => {
                    let payable = field.argument("direction", given).as_ref().is_some_and(is_payable);
                    if !payable {
                        self.ask(Ask::Receivables);
                    } else if view.reads(Class::Costs) {
                        self.ask(Ask::Payables);
                    }
                }
                "costs" => self.ask(Ask::Costs),
                "financials" => self.financials(&field.below, view),
                _ => {}
            }
            if HEADER.contains(&field.name()) {
                self.ask(Ask::Project);
            }
        }
    }

    fn financials(&mut self, fields: &[Selected], view: &View) {
        let (pushdown, parts) = (Pushdown::of(fields), Parts::of(view));
        for name in fields.iter().map(Selected::name) {
            let summary = SUMMARY.contains(&name);
            if (OF_CONTRACT.contains(&name) || summary) && parts.contract {
                self.ask(Ask::Deals);
            }
            if (OF_RECEIVABLES.contains(&name) || summary) && parts.receivables {
                self.ask(if pushdown.invoiced { Ask::Invoiced } else { Ask::Receivables });
            }
            if (OF_SPENDING.contains(&name) || summary) && parts.spending {
                self.ask(if pushdown.costs { Ask::Spent } else { Ask::Costs });
            }
            if PROGRESS.contains(&name) {
                self.ask(Ask::Project);
                self.ask(Ask::Work);
            }
        }
    }
}

/// Whether a direction of invoices is that of vendors' bills, as a word of the document or of the variables.
pub(super) fn is_payable(direction: &Value) -> bool {
    match direction {
        Value::Enum(word) => word == "PAYABLE",
        Value::String(word) => word == "PAYABLE",
        _ => false,
    }
}

/// What the request gives to arguments.
fn given<'a>(ctx: &'a Context<'_>) -> Given<'a> {
    Given { operation: &ctx.query_env.operation.node, variables: &ctx.query_env.variables }
}

/// The keys that reads are asked with.
#[derive(Debug, Default)]
struct Keys {
    deals: Vec<DealId>,
    clients: Vec<ClientId>,
    projects: Vec<ProjectId>,
}

impl Keys {
    fn of_deals(deals: &[Arc<Deal>]) -> Self {
        Self {
            deals: distinct(deals.iter().map(|deal| deal.id.clone())),
            clients: distinct(deals.iter().filter_map(|deal| deal.client.clone())),
            projects: distinct(deals.iter().filter_map(|deal| deal.project_id().cloned())),
        }
    }
}

/// What is selected below deals.
pub(super) async fn deals<'s>(
    ctx: &Context<'_>,
    fields: impl IntoIterator<Item = &'s Selected>,
    deals: &[Arc<Deal>],
) -> Result<()> {
    let asks = Asks::of_deal(fields, given(ctx), &viewer(ctx)?.view);
    roll(ctx, &asks, &Keys::of_deals(deals)).await
}

/// What was read of a deal before it was there.
#[derive(Debug)]
pub(super) struct Ahead {
    asked: BTreeSet<Ask>,
    /// Where the deal was taken to lead.
    project: ProjectId,
}

/// What is selected below a deal that is not there yet, as far as it needs no more than its ID, if that is known, and its
/// project's.
pub(super) async fn ahead_of_deal(
    ctx: &Context<'_>,
    fields: &[Selected],
    deal: Option<&DealId>,
    project: ProjectId,
) -> Result<Ahead> {
    let keys =
        Keys { deals: deal.cloned().into_iter().collect(), projects: vec![project.clone()], clients: Vec::new() };
    let mut asks = Asks::of_deal(fields, given(ctx), &viewer(ctx)?.view);
    // The client is named by the deal alone.
    asks.first.retain(|ask| ask.is_by_project() || (deal.is_some() && *ask != Ask::Client));
    asks.second.clear();
    roll(ctx, &asks, &keys).await?;
    Ok(Ahead { asked: asks.first, project })
}

/// What is selected below a deal, and was not read ahead of it.
pub(super) async fn deal(
    ctx: &Context<'_>,
    fields: &[Selected],
    deal: &Arc<Deal>,
    ahead: Option<&Ahead>,
) -> Result<()> {
    let mut asks = Asks::of_deal(fields, given(ctx), &viewer(ctx)?.view);
    // A deal that leads elsewhere by now is followed.
    if let Some(ahead) = ahead.filter(|ahead| Some(&ahead.project) == deal.project_id()) {
        asks.first.retain(|ask| !ahead.asked.contains(ask));
    }
    roll(ctx, &asks, &Keys::of_deals(std::slice::from_ref(deal))).await
}

/// What is selected below projects.
pub(super) async fn projects<'s>(
    ctx: &Context<'_>,
    fields: impl IntoIterator<Item = &'s Selected>,
    ids: &[ProjectId],
) -> Result<()> {
    let asks = Asks::of_project(fields, given(ctx), &viewer(ctx)?.view);
    roll(ctx, &asks, &Keys { projects: ids.to_vec(), ..Keys::default() }).await
}

/// What is selected below invoices.
pub(super) async fn invoices(ctx: &Context<'_>, fields: &[&Selected], invoices: &[Arc<Invoice>]) -> Result<()> {
    let project = fields.iter().filter(|field| field.name() == "project").flat_map(|field| &field.below);
    let ids = distinct(invoices.iter().filter_map(|invoice| invoice.project_ids.first().cloned()));
    projects(ctx, project, &ids).await
}

async fn roll(ctx: &Context<'_>, asks: &Asks, keys: &Keys) -> Result<()> {
    let (spine, options) = (spine(ctx)?, options(ctx)?);
    let mut wave = Wave { spine, options, reads: Vec::new() };
    for ask in &asks.first {
        wave.add(*ask, keys);
    }
    join_all(wave.reads).await;
    if asks.second.contains(&Ask::Client)
        && let Some(commercial) = &spine.reads.commercial
        && let Some(clients) = &commercial.clients
    {
        let deals = keys.projects.iter().filter_map(|id| commercial.deals_by_project.peek(options, id)?.ok()?.value);
        let ids = deals.flat_map(|deals| deals.iter().filter_map(|deal| deal.client.clone()).collect::<Vec<_>>());
        // In a box of its own, as the next: few ask for it, and all would carry the room that it takes.
        Box::pin(clients.get_many(options, &distinct(ids))).await;
    }
    if asks.second.contains(&Ask::Handover)
        && let Some(commercial) = &spine.reads.commercial
    {
        let deals = keys.projects.iter().filter_map(|id| commercial.deals_by_project.peek(options, id)?.ok()?.value);
        let ids =
            deals.flat_map(|deals| passing_on(&deals).into_iter().map(|deal| deal.id.clone()).collect::<Vec<_>>());
        Box::pin(DealsDetails::read(commercial, options, &distinct(ids))).await;
    }
    Ok(())
}

/// The reads of one wave.
struct Wave<'a> {
    spine: &'a Spine,
    options: &'a ReadOptions,
    reads: Vec<BoxFuture<'a, ()>>,
}

impl<'a> Wave<'a> {
    fn add(&mut self, ask: Ask, keys: &'a Keys) {
        let reads = &self.spine.reads;
        let commercial = reads.commercial.as_ref();
        let details = commercial.and_then(|commercial| commercial.details.as_ref());
        let ids = &keys.projects;
        match ask {
            Ask::Client => self.read(commercial.and_then(|commercial| commercial.clients.as_ref()), &keys.clients),
            Ask::Contacts => self.read(details.map(|details| &details.contacts), &keys.deals),
            Ask::LineItems => self.read(details.map(|details| &details.line_items), &keys.deals),
            Ask::Proposal => self.read(details.map(|details| &details.proposals), &keys.deals),
            Ask::Communications => self.read(details.map(|details| &details.communications), &keys.deals),
            Ask::PreSalesTickets => self.read(details.map(|details| &details.pre_sales_tickets), &keys.deals),
            // Its keys are known once the deals are: see `roll`.
            Ask::Handover => {}
            Ask::Deals => self.read(commercial.map(|commercial| &commercial.deals_by_project), ids),
            Ask::Project => self.read_of_owners(&reads.delivery, |delivery| Some(&delivery.projects), ids),
            Ask::Milestones => self.read_of_owners(&reads.delivery, |delivery| Some(&delivery.milestones), ids),
            Ask::Effort => self.read_of_owners(&reads.delivery, |delivery| Some(&delivery.effort), ids),
            Ask::Work => {
                self.read_of_owners(&reads.delivery, |delivery| Some(&delivery.work.as_ref()?.by_project), ids);
            }
            Ask::Tickets => self.read_of_owners(&reads.tickets, |tickets| Some(&tickets.by_project), ids),
            Ask::Receivables => self.read_of_owners(&reads.receivables, |invoices| Some(&invoices.by_project), ids),
            Ask::Payables => self.read_of_owners(&reads.costs, |costs| Some(&costs.payables.as_ref()?.by_project), ids),
            Ask::Costs => self.read_of_owners(&reads.costs, |costs| Some(&costs.by_project), ids),
            Ask::Invoiced => {
                for (invoices, ids) in reads.receivables.group(ids) {
                    match &invoices.sums {
                        Some(sums) => self.read_keys(Some(sums), ids),
                        None => self.read_keys(Some(&invoices.by_project), ids),
                    }
                }
            }
            Ask::Spent => {
                for (costs, ids) in reads.costs.group(ids) {
                    match &costs.sums {
                        Some(sums) => self.read_keys(Some(sums), ids),
                        None => self.read_keys(Some(&costs.by_project), ids),
                    }
                }
            }
        }
    }

    fn read<K: Key, V: Send + Sync + 'static>(&mut self, reader: Option<&'a Reader<K, V>>, keys: &'a [K]) {
        self.read_keys(reader, Cow::Borrowed(keys));
    }

    fn read_of_owners<T, V: Send + Sync + 'static>(
        &mut self,
        owners: &'a ByOwner<T>,
        reader: impl Fn(&'a T) -> Option<&'a Reader<ProjectId, V>>,
        ids: &'a [ProjectId],
    ) {
        for (readers, ids) in owners.group(ids) {
            self.read_keys(reader(readers), ids);
        }
    }

    fn read_keys<K: Key, V: Send + Sync + 'static>(&mut self, reader: Option<&'a Reader<K, V>>, keys: Cow<'a, [K]>) {
        let Some(reader) = reader.filter(|_| !keys.is_empty()) else { return };
        let options = self.options;
        self.reads.push(Box::pin(async move {
            reader.get_many(options, &keys).await;
        }));
    }
}
