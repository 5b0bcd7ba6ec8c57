//! One wave: what an operation will ask of many records is asked of all owners at once, before the rows are walked.
//!
//! Row by row, 200 projects would be 200 small reads that the batch window has to gather again. Here the selection is looked
//! at once and every reader gets all keys in one call; the resolvers then find their values in the cache. Errors are not
//! looked at: the resolvers meet them where they belong.

use std::sync::Arc;

use async_graphql::{Context, Lookahead, Result};
use futures_util::future::{BoxFuture, join_all};

use super::context::{Spine, options, spine};
use crate::domain::{Deal, Invoice, ProjectId};
use crate::reads::{Key, ReadOptions, Reader};

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
const CONTRACT: [&str; 9] = [
    "contractValue",
    "leftToInvoice",
    "invoicedPct",
    "estimatedMargin",
    "marginSlippage",
    "budgetVariance",
    "completeness",
    "source",
    "sources",
];
const RECEIVABLES: [&str; 11] = [
    "invoiced",
    "collected",
    "outstanding",
    "overdue",
    "leftToInvoice",
    "invoicedPct",
    "margin",
    "marginPct",
    "completeness",
    "source",
    "sources",
];
const SPENDING: [&str; 10] = [
    "actualCost",
    "committedCost",
    "margin",
    "marginPct",
    "marginSlippage",
    "budgetVariance",
    "eac",
    "completeness",
    "source",
    "sources",
];
const PROGRESS: [&str; 2] = ["marginSlippage", "eac"];

/// What is selected below the rows of a list, by either way to them.
pub(super) fn of_rows<'a>(ctx: &'a Context<'_>) -> [Lookahead<'a>; 2] {
    let ahead = ctx.look_ahead();
    [ahead.field("edges").field("node"), ahead.field("nodes")]
}

/// What is selected below deals.
pub(super) async fn deals(ctx: &Context<'_>, ahead: &Lookahead<'_>, deals: &[Arc<Deal>]) -> Result<()> {
    let mut wave = Wave::new(ctx)?;
    wave.deals(ahead, deals);
    wave.roll().await
}

/// What is selected below projects.
pub(super) async fn projects(ctx: &Context<'_>, ahead: &Lookahead<'_>, ids: &[ProjectId]) -> Result<()> {
    let mut wave = Wave::new(ctx)?;
    wave.projects(ahead, ids);
    wave.roll().await
}

/// What is selected of projects' money.
pub(super) async fn financials(ctx: &Context<'_>, ahead: &Lookahead<'_>, ids: &[ProjectId]) -> Result<()> {
    let mut wave = Wave::new(ctx)?;
    wave.financials(ahead, ids);
    wave.roll().await
}

/// What is selected below invoices.
pub(super) async fn invoices(ctx: &Context<'_>, ahead: &Lookahead<'_>, invoices: &[Arc<Invoice>]) -> Result<()> {
    let mut wave = Wave::new(ctx)?;
    let ids = distinct(invoices.iter().filter_map(|invoice| invoice.project_ids.first().cloned()));
    wave.projects(&ahead.field("project"), &ids);
    wave.roll().await
}

/// The reads of one wave.
struct Wave<'a> {
    spine: &'a Spine,
    options: &'a ReadOptions,
    reads: Vec<BoxFuture<'a, ()>>,
}

impl<'a> Wave<'a> {
    fn new(ctx: &Context<'a>) -> Result<Self> {
        Ok(Self { spine: spine(ctx)?, options: options(ctx)?, reads: Vec::new() })
    }

    async fn roll(self) -> Result<()> {
        join_all(self.reads).await;
        Ok(())
    }

    fn read<K: Key, V: Send + Sync + 'static>(&mut self, reader: &'a Reader<K, V>, keys: &[K]) {
        if !keys.is_empty() {
            let (options, keys) = (self.options, keys.to_vec());
            self.reads.push(Box::pin(async move {
                reader.get_many(options, &keys).await;
            }));
        }
    }

    fn deals(&mut self, ahead: &Lookahead<'_>, deals: &[Arc<Deal>]) {
        let Some(commercial) = &self.spine.reads.commercial else { return };
        if let (Some(clients), true) = (&commercial.clients, ahead.field("client").exists()) {
            let ids = distinct(deals.iter().filter_map(|deal| deal.client.clone()));
            self.read(clients, &ids);
        }
        if let Some(details) = &commercial.details {
            let ids = distinct(deals.iter().map(|deal| deal.id.clone()));
            let selected = |name: &str| if ahead.field(name).exists() { ids.as_slice() } else { &[] };
            self.read(&details.contacts, selected("contacts"));
            self.read(&details.line_items, selected("lineItems"));
            self.read(&details.proposals, selected("proposal"));
            self.read(&details.communications, selected("communications"));
            self.read(&details.pre_sales_tickets, selected("preSalesTickets"));
        }
        let ids = distinct(deals.iter().filter_map(|deal| deal.project_id().cloned()));
        self.projects(&ahead.field("project"), &ids);
        self.financials(&ahead.field("financials"), &ids);
    }

    fn projects(&mut self, ahead: &Lookahead<'_>, ids: &[ProjectId]) {
        let reads = &self.spine.reads;
        if let Some(delivery) = &reads.delivery {
            if any(ahead, &HEADER) {
                self.read(&delivery.projects, ids);
            }
            if ahead.field("milestones").exists() {
                self.read(&delivery.milestones, ids);
            }
            if any(ahead, &["hours", "resources"]) {
                self.read(&delivery.effort, ids);
            }
            let work = ["incidents", "changeRequests", "openCriticalIncidents", "percentComplete"];
            if let (Some(tickets), true) = (&delivery.work, any(ahead, &work)) {
                self.read(&tickets.by_project, ids);
            }
        }
        if let (Some(tickets), true) = (&reads.tickets, ahead.field("tickets").exists()) {
            self.read(&tickets.by_project, ids);
        }
        if let (Some(commercial), true) = (&reads.commercial, any(ahead, &["deals", "deal", "client"])) {
            self.read(&commercial.deals_by_project, ids);
        }
        if let (Some(receivables), true) = (&reads.receivables, ahead.field("invoices").exists()) {
            self.read(&receivables.by_project, ids);
        }
        if let (Some(costs), true) = (&reads.costs, ahead.field("costs").exists()) {
            self.read(&costs.by_project, ids);
        }
        self.financials(&ahead.field("financials"), ids);
    }

    fn financials(&mut self, ahead: &Lookahead<'_>, ids: &[ProjectId]) {
        let reads = &self.spine.reads;
        if let (Some(commercial), true) = (&reads.commercial, any(ahead, &CONTRACT)) {
            self.read(&commercial.deals_by_project, ids);
        }
        if let (Some(receivables), true) = (&reads.receivables, any(ahead, &RECEIVABLES)) {
            self.read(&receivables.by_project, ids);
        }
        if let (Some(costs), true) = (&reads.costs, any(ahead, &SPENDING)) {
            self.read(&costs.by_project, ids);
        }
        if let (Some(delivery), true) = (&reads.delivery, any(ahead, &PROGRESS)) {
            self.read(&delivery.projects, ids);
            if let Some(tickets) = &delivery.work {
                self.read(&tickets.by_project, ids);
            }
        }
    }
}

fn any(ahead: &Lookahead<'_>, names: &[&str]) -> bool {
    names.iter().any(|name| ahead.field(name).exists())
}

fn distinct<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut all: Vec<T> = items.collect();
    all.sort();
    all.dedup();
    all
}
