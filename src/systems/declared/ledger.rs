//! The ports of an owner of money: invoices to clients, bills of vendors, and costs.

use std::sync::Arc;

use async_trait::async_trait;

use super::client::Api;
use super::collect::by_id;
use super::commercial::{batch_limit, text};
use super::documents::{Parts, add_parts};
use super::fields::{Costs, Invoices};
use super::lists::{Params, invoice_fits};
use super::read::{Asked, By};
use super::row::{Reject, Row};
use super::ways::{Listing, Lookup};
use crate::domain::{Cost, Direction, InList, Invoice, InvoiceId, InvoiceQuery, Page, ProjectId, ProjectInvoice};
use crate::systems::{Batch, BatchResult, Call, CostSource, ErrorKind, InvoiceSource, SystemError};

/// Documents of one direction.
#[derive(Debug)]
pub(in crate::systems) struct InvoicePort {
    pub(in crate::systems) api: Arc<Api>,
    pub(in crate::systems) table: Invoices,
    pub(in crate::systems) direction: Direction,
}

impl InvoicePort {
    fn operation(&self, invoices: &'static str, payables: &'static str) -> &'static str {
        match self.direction {
            Direction::Receivable => invoices,
            Direction::Payable => payables,
        }
    }

    /// Where a row names its projects: on itself, or on its lines.
    fn by_project<'e>(&'e self, lookup: Option<&'e Lookup>) -> Option<By<'e>> {
        let mapped = self.table.fields.project_id.as_ref().map(By::Path);
        match lookup {
            Some(lookup) => By::of(lookup, mapped),
            None => mapped,
        }
    }

    fn on_lines(&self) -> bool {
        self.table.lines.as_ref().is_some_and(|lines| lines.project_id.is_some())
    }

    /// A row for each project that it is for.
    fn project_row(
        &self,
        by: Option<By<'_>>,
        row: &Row<'_>,
        asked: &mut Asked<'_, ProjectId>,
        found: &mut [Vec<ProjectInvoice>],
    ) -> Result<(), Reject> {
        let mut places = std::mem::take(&mut asked.places);
        places.clear();
        if let Some(by) = by {
            asked.all_of(row, by, &mut places)?;
        }
        let on_lines = self.on_lines();
        let only = places.first().filter(|_| places.len() == 1).and_then(|place| asked.key(*place));
        if (!places.is_empty() || on_lines)
            && let Some(invoice) = self.table.read(row, self.api.setting(), self.direction, only)?
        {
            // It was asked for by its project: if it names none, the places of projects are wrong, and every sum zero.
            if by.is_none() && invoice.project_ids.is_empty() {
                return Err(Reject::new("a document that names a project neither on itself nor on its lines"));
            }
            if on_lines {
                for place in invoice.project_ids.iter().filter_map(|id| asked.find(id.as_str())) {
                    if !places.contains(&place) {
                        places.push(place);
                    }
                }
            }
            let keys = |place: &usize| Some((*place, asked.key(*place)?));
            add_parts(invoice, &places.iter().filter_map(keys).collect::<Parts<'_>>(), found);
        }
        asked.places = places;
        Ok(())
    }
}

/// A page of a list out of what was found by project, in the order of the documents' IDs. `bad` is what is wrong with a cursor
/// that is not of this list.
pub(in crate::systems) fn page_of(
    mut batch: Batch<ProjectId, Vec<ProjectInvoice>>,
    query: &InvoiceQuery,
    (after, limit): (Option<&str>, usize),
    bad: impl FnOnce() -> SystemError,
) -> Result<Page<Invoice>, SystemError> {
    if let Some((_, error)) = batch.failed.drain().next() {
        return Err(error);
    }
    let mut invoices: Vec<InList<Invoice>> = batch.found.into_values().flatten().map(|part| part.invoice).collect();
    invoices.retain(|invoice| invoice_fits(query, invoice));
    invoices.sort_by(|a, b| by_id(a.id.as_str(), b.id.as_str()));
    invoices.dedup_by(|a, b| a.id == b.id);
    let start = match after {
        None => 0,
        Some(last) => {
            let last = last.strip_prefix("id:").ok_or_else(bad)?;
            invoices.partition_point(|invoice| by_id(invoice.id.as_str(), last).is_le())
        }
    };
    let total = u64::try_from(invoices.len()).ok();
    let all = invoices.len();
    let items: Vec<Invoice> = invoices.into_iter().skip(start).take(limit.max(1)).map(InList::into_inner).collect();
    let more = start.saturating_add(items.len()) < all;
    let next = items.last().filter(|_| more).map(|last| format!("id:{}", last.id));
    Ok(Page { items, next, total })
}

#[async_trait]
impl InvoiceSource for InvoicePort {
    fn batch_limit(&self) -> usize {
        batch_limit([self.table.by_id.as_ref(), self.table.by_project.as_ref()])
    }

    async fn invoices(&self, call: &Call, ids: &[InvoiceId]) -> BatchResult<InvoiceId, Invoice> {
        let operation = self.operation("invoices.by_id", "payables.by_id");
        let (api, table) = (&self.api, &self.table);
        let ways = (table.by_id.as_ref(), table.list.as_ref());
        let read = |row: &Row<'_>, _: &InvoiceId| table.read(row, api.setting(), self.direction, None);
        let gathered = api.records(call, operation, ways, text(Some(&table.fields.id)), ids, &read).await?;
        Ok(api.single(operation, ids, gathered))
    }

    async fn invoices_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<ProjectInvoice>> {
        let operation = self.operation("invoices.by_project", "payables.by_project");
        let gathered = match (&self.table.by_project, &self.table.list) {
            (Some(lookup), _) => {
                let by = self.by_project(Some(lookup));
                let each = |row: &Row<'_>, asked: &mut Asked<'_, ProjectId>, found: &mut [_]| {
                    self.project_row(by, row, asked, found)
                };
                self.api.gather(call, operation, lookup, ids, &each).await
            }
            (None, Some(list)) if self.by_project(None).is_some() || self.on_lines() => {
                let by = self.by_project(None);
                let each = |row: &Row<'_>, asked: &mut Asked<'_, ProjectId>, found: &mut [_]| {
                    self.project_row(by, row, asked, found)
                };
                self.api.gather_from_list(call, operation, list, ids, &each).await?
            }
            _ => return Err(self.api.not_configured(operation)),
        };
        let sort = |a: &ProjectInvoice, b: &ProjectInvoice| by_id(a.invoice.id.as_str(), b.invoice.id.as_str());
        Ok(self.api.many(operation, ids, gathered, |part| Some(part.invoice.id.as_str()), sort))
    }

    async fn invoice_page(
        &self,
        call: &Call,
        query: &InvoiceQuery,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Invoice>, SystemError> {
        let operation = self.operation("invoices.list", "payables.list");
        let pushes_projects = |list: &Listing| list.filters.contains_key("project_ids");
        if let (Some(ids), true) = (&query.project_ids, self.table.by_project.is_some())
            && !self.table.list.as_ref().is_some_and(pushes_projects)
        {
            let bad = || self.api.error(operation, ErrorKind::BadRequest, "a cursor that is not of this list");
            return page_of(self.invoices_by_project(call, ids).await?, query, (after, limit), bad);
        }
        let Some(list) = &self.table.list else { return Err(self.api.not_configured(operation)) };
        if query.project_ids.as_ref().is_some_and(Vec::is_empty) {
            // An empty parameter would be read as no filter at all.
            return Ok(Page { items: Vec::new(), next: None, total: Some(0) });
        }
        let mut params = Params::new(list);
        let here = params.invoices(query, &self.table.fields);
        let keep = |row: &Row<'_>| {
            let invoice = self.table.read(row, self.api.setting(), self.direction, None)?;
            Ok(invoice.filter(|invoice| invoice_fits(&here, invoice)))
        };
        let complete = self.table.skip.is_none() && here == InvoiceQuery::default();
        self.api.list(call, operation, list, &params.finish(), complete, (after, limit), &keep).await
    }
}

/// Costs.
#[derive(Debug)]
pub(in crate::systems) struct CostPort {
    pub(in crate::systems) api: Arc<Api>,
    pub(in crate::systems) table: Costs,
}

#[async_trait]
impl CostSource for CostPort {
    fn batch_limit(&self) -> usize {
        batch_limit([Some(&self.table.by_project)])
    }

    async fn costs_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Cost>> {
        const OPERATION: &str = "costs.by_project";
        let table = &self.table;
        let read = |row: &Row<'_>, _: &ProjectId| table.read(row, self.api.setting());
        let mapped = text(table.fields.project_id.as_ref());
        let gathered = self.api.records(call, OPERATION, (Some(&table.by_project), None), mapped, ids, &read).await?;
        let by_date = |a: &Cost, b: &Cost| a.date.cmp(&b.date).then_with(|| by_id(&a.id, &b.id));
        Ok(self.api.many(OPERATION, ids, gathered, |cost| Some(&*cost.id), by_date))
    }
}
