//! The ports of an owner of money: invoices to clients, bills of vendors, and costs.

use std::sync::Arc;

use async_trait::async_trait;

use super::read::{Places, Query, Source};
use crate::domain::{Cost, Direction, Invoice, InvoiceId, InvoiceQuery, Page, ProjectId, ProjectInvoice};
use crate::systems::declared::collect::by_id;
use crate::systems::declared::documents::{Parts, add_parts};
use crate::systems::declared::fields::{Costs, Invoices};
use crate::systems::declared::ledger::page_of;
use crate::systems::declared::lists::invoice_fits;
use crate::systems::declared::row::{Reject, Row};
use crate::systems::{BatchResult, Call, CostSource, ErrorKind, InvoiceSource, SystemError};

/// Documents of one direction.
#[derive(Debug)]
pub(super) struct InvoicePort {
    pub(super) source: Arc<Source>,
    pub(super) direction: Direction,
    pub(super) by_id: Option<Query>,
    pub(super) by_project: Option<Query>,
    pub(super) list: Option<Query>,
}

impl InvoicePort {
    fn operation(&self, invoices: &'static str, payables: &'static str) -> &'static str {
        match self.direction {
            Direction::Receivable => invoices,
            Direction::Payable => payables,
        }
    }

    fn read(&self, table: &Invoices, row: &Row<'_>) -> Result<Option<Invoice>, Reject> {
        table.read(row, self.source.setting(), self.direction, None)
    }

    /// A document for each project that it is for: by its own column, or by its lines.
    fn parts(
        &self,
        table: &Invoices,
        row: &Row<'_>,
        places: &Places<'_, ProjectId>,
        found: &mut [Vec<ProjectInvoice>],
    ) -> Result<(), Reject> {
        if table.fields.project_id.is_none() && table.lines.is_none() {
            return Err(Reject::new(
                "no column is called `project_id`, and none `lines`: nobody can say what is whose",
            ));
        }
        let Some(invoice) = self.read(table, row)? else { return Ok(()) };
        if invoice.project_ids.is_empty() {
            return Err(Reject::new(
                "a document that names a project neither in `project_id` nor in its `lines`: nobody can say what is whose",
            ));
        }
        let places: Parts<'_> = invoice.project_ids.iter().filter_map(|id| places.find(id.as_str())).collect();
        add_parts(invoice, &places, found);
        Ok(())
    }
}

#[async_trait]
impl InvoiceSource for InvoicePort {
    fn batch_limit(&self) -> usize {
        self.source.batch
    }

    async fn invoices(&self, call: &Call, ids: &[InvoiceId]) -> BatchResult<InvoiceId, Invoice> {
        let query = self.source.required(self.operation("invoices.by_id", "payables.by_id"), self.by_id.as_ref())?;
        let read = |table: &Invoices, row: &Row<'_>, _: &InvoiceId| self.read(table, row);
        let found = self.source.records(call, query, ids, read).await?;
        Ok(self.source.single(query, ids, found))
    }

    async fn invoices_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<ProjectInvoice>> {
        let operation = self.operation("invoices.by_project", "payables.by_project");
        let query = self.source.required(operation, self.by_project.as_ref())?;
        let read = |table: &Invoices, row: &Row<'_>, places: &Places<'_, ProjectId>, found: &mut [_]| {
            self.parts(table, row, places, found)
        };
        let found = self.source.gather(call, query, ids, read).await?;
        let sort = |a: &ProjectInvoice, b: &ProjectInvoice| by_id(a.invoice.id.as_str(), b.invoice.id.as_str());
        Ok(self.source.many(query, ids, found, |part| Some(part.invoice.id.as_str()), sort))
    }

    async fn invoice_page(
        &self,
        call: &Call,
        query: &InvoiceQuery,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Invoice>, SystemError> {
        let operation = self.operation("invoices.list", "payables.list");
        if let (Some(ids), true) = (&query.project_ids, self.by_project.is_some()) {
            let bad = || self.source.error(operation, ErrorKind::BadRequest, "a cursor that is not of this list");
            return page_of(self.invoices_by_project(call, ids).await?, query, (after, limit), bad);
        }
        let list = self.source.required(operation, self.list.as_ref())?;
        let wanted = InvoiceQuery { direction: None, ..query.clone() };
        let sifts = wanted != InvoiceQuery::default();
        let keep = |table: &Invoices, row: &Row<'_>| {
            Ok(self.read(table, row)?.filter(|invoice| invoice_fits(&wanted, invoice)))
        };
        self.source.page(call, list, (after, limit), sifts, keep).await
    }
}

/// Costs.
#[derive(Debug)]
pub(super) struct CostPort {
    pub(super) source: Arc<Source>,
    pub(super) by_project: Query,
}

#[async_trait]
impl CostSource for CostPort {
    fn batch_limit(&self) -> usize {
        self.source.batch
    }

    async fn costs_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Cost>> {
        let read = |table: &Costs, row: &Row<'_>, _: &_| table.read(row, self.source.setting());
        let found = self.source.records(call, &self.by_project, ids, read).await?;
        let by_date = |a: &Cost, b: &Cost| a.date.cmp(&b.date).then_with(|| by_id(&a.id, &b.id));
        Ok(self.source.many(&self.by_project, ids, found, |cost| Some(&*cost.id), by_date))
    }
}
