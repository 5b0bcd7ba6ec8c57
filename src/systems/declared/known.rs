//! Whether a project is there at all: 0, or unknown. A system that is declared with its projects is asked for those without
//! a single record; what it does not know is not answered, instead of as nothing invoiced and nothing spent.

use std::sync::Arc;

use async_trait::async_trait;

use crate::domain::{Cost, CostSum, Invoice, InvoiceId, InvoiceQuery, Page, ProjectId, ProjectInvoice, Sum};
use crate::systems::{
    Batch, BatchResult, Call, Connection, CostSource, CostSumSource, ErrorKind, InvoiceSource, InvoiceSumSource,
    ProjectSource, SystemError,
};

/// Lets the money of a connection be answered only for projects that it knows.
pub(in crate::systems) fn of_known_projects(connection: &mut Connection) {
    let Some(projects) = connection.projects.clone() else { return };
    macro_rules! wrap {
        ($($port:ident: $source:ident),+ $(,)?) => {
            $(if let Some(source) = connection.$port.take() {
                connection.$port = Some(Arc::new(OfKnown::<dyn $source> { source, projects: Arc::clone(&projects) }));
            })+
        };
    }
    wrap!(
        receivables: InvoiceSource,
        payables: InvoiceSource,
        costs: CostSource,
        invoice_sums: InvoiceSumSource,
        cost_sums: CostSumSource,
    );
}

/// A source, and the projects of its system.
struct OfKnown<S: ?Sized> {
    source: Arc<S>,
    projects: Arc<dyn ProjectSource>,
}

impl<S: ?Sized> OfKnown<S> {
    async fn only<V>(&self, call: &Call, mut batch: Batch<ProjectId, Vec<V>>) -> Batch<ProjectId, Vec<V>> {
        let empty = |(id, records): (&ProjectId, &Vec<V>)| records.is_empty().then(|| id.clone());
        let empty: Vec<ProjectId> = batch.found.iter().filter_map(empty).collect();
        for ids in empty.chunks(self.projects.batch_limit().max(1)) {
            let known = self.projects.projects(call, ids).await;
            for id in ids {
                let failed = match &known {
                    Ok(known) if known.found.contains_key(id) => continue,
                    Ok(known) => match known.failed.get(id) {
                        // There is more than one: it is known.
                        Some(error) if error.kind == ErrorKind::Conflict => continue,
                        error => error.cloned(),
                    },
                    Err(error) => Some(error.clone()),
                };
                batch.found.remove(id);
                batch.failed.extend(failed.map(|error| (id.clone(), error)));
            }
        }
        batch
    }
}

#[async_trait]
impl InvoiceSource for OfKnown<dyn InvoiceSource> {
    fn batch_limit(&self) -> usize {
        self.source.batch_limit()
    }

    async fn invoices(&self, call: &Call, ids: &[InvoiceId]) -> BatchResult<InvoiceId, Invoice> {
        self.source.invoices(call, ids).await
    }

    async fn invoices_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<ProjectInvoice>> {
        Ok(self.only(call, self.source.invoices_by_project(call, ids).await?).await)
    }

    async fn invoice_page(
        &self,
        call: &Call,
        query: &InvoiceQuery,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Invoice>, SystemError> {
        self.source.invoice_page(call, query, after, limit).await
    }
}

#[async_trait]
impl CostSource for OfKnown<dyn CostSource> {
    fn batch_limit(&self) -> usize {
        self.source.batch_limit()
    }

    async fn costs_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Cost>> {
        Ok(self.only(call, self.source.costs_by_project(call, ids).await?).await)
    }
}

#[async_trait]
impl InvoiceSumSource for OfKnown<dyn InvoiceSumSource> {
    fn batch_limit(&self) -> usize {
        self.source.batch_limit()
    }

    async fn invoiced_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Sum>> {
        Ok(self.only(call, self.source.invoiced_by_project(call, ids).await?).await)
    }
}

#[async_trait]
impl CostSumSource for OfKnown<dyn CostSumSource> {
    fn batch_limit(&self) -> usize {
        self.source.batch_limit()
    }

    async fn cost_sums_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<CostSum>> {
        Ok(self.only(call, self.source.cost_sums_by_project(call, ids).await?).await)
    }
}
