//! Invoices and credit notes, of one direction, and what was invoiced.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::{try_join, try_join_all};

use super::map::Mapper;
use super::sql::{MAX_VALUES, Sql, Types};
use super::sums::Sums;
use super::wire::Row;
use super::{BATCH, System, in_lists};
use crate::domain::{
    Invoice, InvoiceId, InvoiceKind, InvoiceQuery, InvoiceState, Page, Payment, ProjectId, ProjectInvoice, Sum,
    split_by_project,
};
use crate::systems::{BatchResult, Call, ErrorKind, InvoiceSource, InvoiceSumSource, SystemError, grouped};

/// Invoices, cash sales, credit memos and cash refunds.
pub(super) const RECEIVABLES: Types = Types { invoices: &["CustInvc", "CashSale"], credits: &["CustCred", "CashRfnd"] };

/// Vendor bills and vendor credits.
pub(super) const PAYABLES: Types = Types { invoices: &["VendBill"], credits: &["VendCred"] };

/// The documents of one direction.
pub(super) struct Documents {
    pub(super) system: Arc<System>,
    pub(super) types: &'static Types,
    /// Whether payments are read.
    pub(super) payments: bool,
}

impl Documents {
    /// The documents with these IDs that there are, in the order of their IDs. All lines of each are read: what a project has
    /// of a document cannot be told from its own lines alone.
    async fn by_id(&self, call: &Call, ids: &[u64]) -> Result<Vec<Invoice>, SystemError> {
        let reads = ids.chunks(MAX_VALUES).map(|ids| async move {
            let query = self.system.sql.lines(self.types, ids);
            self.system.client.rows(call, "documents.lines", &query, &["document", "line"], None).await
        });
        let rows: Vec<Row> = try_join_all(reads).await?.into_iter().flatten().collect();
        let mut invoices = Vec::new();
        for rows in rows.chunk_by(|a, b| a.text("document") == b.text("document")) {
            let invoice = self.system.mapper.invoice(rows);
            let detail = "a document without its control line";
            let broken = || self.system.client.error("documents.lines", ErrorKind::BadResponse, detail);
            invoices.push(invoice.ok_or_else(broken)?);
        }
        Ok(invoices)
    }

    /// The documents that a query found. Each must come back: one that does not was found and is not seen.
    async fn found(&self, call: &Call, ids: &[u64]) -> Result<Vec<Invoice>, SystemError> {
        let invoices = self.by_id(call, ids).await?;
        let back: BTreeSet<u64> = invoices.iter().filter_map(|invoice| record_id(invoice.id.as_str())).collect();
        if ids.iter().all(|id| back.contains(id)) {
            return Ok(invoices);
        }
        let detail =
            "a document that was found has no lines: it was deleted meanwhile, or this role does not see it whole";
        Err(self.system.client.error("documents.lines", ErrorKind::Truncated, detail))
    }

    /// The IDs that a query for documents finds, in their order; the first `top` of them.
    async fn ids(&self, call: &Call, query: &str, top: Option<usize>) -> Result<Vec<u64>, SystemError> {
        let rows = self.system.client.rows(call, "documents.find", query, &["document"], top).await?;
        let detail = "an ID that is no number";
        let unreadable = || self.system.client.error("documents.find", ErrorKind::BadResponse, detail);
        rows.iter().map(|row| row.number("document").ok_or_else(unreadable)).collect()
    }

    /// The IDs of the documents with lines for these projects that also meet a query, in their order.
    async fn ids_by_project(
        &self,
        call: &Call,
        projects: &[ProjectId],
        query: &InvoiceQuery,
        after: u64,
    ) -> Result<Vec<u64>, SystemError> {
        let finds = projects.chunks(MAX_VALUES).map(|projects| async move {
            let query = self.system.sql.documents_by_project(self.types, projects, query, after);
            self.ids(call, &query, None).await
        });
        // A document that is split over projects of two lists is in both.
        let ids: BTreeSet<u64> = try_join_all(finds).await?.into_iter().flatten().collect();
        Ok(ids.into_iter().collect())
    }

    /// Payments of these documents. None if the system does not show them to this role.
    async fn payments(
        &self,
        call: &Call,
        invoices: &[Invoice],
    ) -> Result<Option<HashMap<InvoiceId, Vec<Payment>>>, SystemError> {
        let ids: Vec<u64> = invoices.iter().filter_map(|invoice| record_id(invoice.id.as_str())).collect();
        let read = |base| {
            let lists = ids.chunks(MAX_VALUES).map(move |ids| async move {
                let query = self.system.sql.payments(ids, base);
                self.system.client.rows(call, "payments.links", &query, &["document", "payment"], None).await
            });
            try_join_all(lists)
        };
        let (links, base_links) = match try_join(read(false), read(true)).await {
            Ok(read) => read,
            Err(error) if error.kind == ErrorKind::Forbidden => return Ok(None),
            Err(error) => return Err(error),
        };
        let base: HashMap<(Option<&str>, Option<&str>), &Row> =
            base_links.iter().flatten().map(|row| ((row.text("document"), row.text("payment")), row)).collect();
        let by_id: HashMap<&str, &Invoice> = invoices.iter().map(|invoice| (invoice.id.as_str(), invoice)).collect();
        let mut payments: HashMap<InvoiceId, Vec<Payment>> = HashMap::new();
        for row in links.iter().flatten() {
            let Some(invoice) = row.text("document").and_then(|id| by_id.get(id)) else { continue };
            let base = base.get(&(row.text("document"), row.text("payment"))).copied();
            payments.entry(invoice.id.clone()).or_default().extend(Mapper::payment(invoice, row, base));
        }
        for payments in payments.values_mut() {
            payments.sort_by(|a, b| (a.date, &a.id).cmp(&(b.date, &b.id)));
        }
        Ok(Some(payments))
    }
}

/// A record ID: a whole number as the system writes it.
fn record_id(id: &str) -> Option<u64> {
    let number: u64 = id.parse().ok()?;
    (number > 0 && number.to_string() == id).then_some(number)
}

#[async_trait]
impl InvoiceSource for Documents {
    fn batch_limit(&self) -> usize {
        BATCH
    }

    async fn invoices(&self, call: &Call, ids: &[InvoiceId]) -> BatchResult<InvoiceId, Invoice> {
        let ids: BTreeSet<u64> = ids.iter().filter_map(|id| record_id(id.as_str())).collect();
        let ids: Vec<u64> = ids.into_iter().collect();
        let mut invoices = self.by_id(call, &ids).await?;
        if self.payments && !invoices.is_empty() {
            let mut payments = self.payments(call, &invoices).await?;
            for invoice in &mut invoices {
                invoice.payments =
                    payments.as_mut().map(|all| all.remove(&invoice.id).unwrap_or_default()).map(Into::into);
            }
        }
        Ok(invoices.into_iter().map(|invoice| (invoice.id.clone(), invoice)).collect())
    }

    async fn invoices_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<ProjectInvoice>> {
        let documents = self.ids_by_project(call, ids, &InvoiceQuery::default(), 0).await?;
        let invoices = self.found(call, &documents).await?;
        let parts = invoices.into_iter().flat_map(|invoice| split_by_project(Arc::new(invoice)));
        Ok(self.system.answer(call, ids, grouped(parts), HashMap::new()).await)
    }

    async fn invoice_page(
        &self,
        call: &Call,
        query: &InvoiceQuery,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Invoice>, SystemError> {
        let unusable = || self.system.client.error("documents.find", ErrorKind::BadRequest, "not a cursor");
        let after = after.map_or(Ok(0), |cursor| record_id(cursor).ok_or_else(unusable))?;
        // One more than wanted tells whether there are more.
        let mut ids = match &query.project_ids {
            Some(projects) => self.ids_by_project(call, projects, query, after).await?,
            None => self.ids(call, &Sql::documents(self.types, query, after), Some(limit + 1)).await?,
        };
        let more = ids.len() > limit;
        ids.truncate(limit);
        let next = ids.last().filter(|_| more).map(u64::to_string);
        Ok(Page { items: self.found(call, &ids).await?, next, total: None })
    }
}

#[async_trait]
impl InvoiceSumSource for Documents {
    fn batch_limit(&self) -> usize {
        MAX_VALUES
    }

    async fn invoiced_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Sum>> {
        let (mut sums, mut failed) = (Sums::default(), HashMap::new());
        for ids in in_lists(ids) {
            // A discount on a whole document is not in its lines. Such documents are rare, and read one by one.
            let discounted = self.ids(call, &self.system.sql.discounted(self.types, ids), None).await?;
            if discounted.len() > MAX_VALUES {
                let parts = self.invoices_by_project(call, ids).await?;
                parts.found.iter().for_each(|(id, parts)| parts.iter().for_each(|part| add(&mut sums, id, part)));
                failed.extend(parts.failed);
                continue;
            }
            let query = self.system.sql.invoiced(self.types, ids, &discounted);
            let key = ["project", "doctype", "currency", "basecurrency"];
            let added = self.system.client.rows(call, "documents.sums", &query, &key, None);
            let (rows, invoices) = try_join(added, self.found(call, &discounted)).await?;
            for row in &rows {
                let (Some(id), Some(sign)) = (self.system.mapper.project(row), Mapper::invoiced_sign(row)) else {
                    continue;
                };
                let counts = ["linecount", "foreignrows", "baserows"];
                let records = self.system.records("documents.sums", row)?;
                sums.add(&id, (), self.system.mapper.sum(row, "amount", counts, sign), records);
            }
            for (id, part) in invoices.into_iter().flat_map(|invoice| split_by_project(Arc::new(invoice))) {
                if ids.contains(&id) {
                    add(&mut sums, &id, &part);
                }
            }
        }
        let sums = sums.grouped().into_iter().map(|(id, sums)| (id, sums.into_iter().map(|((), sum)| sum).collect()));
        Ok(self.system.answer(call, ids, sums.collect(), failed).await)
    }
}

/// Adds a project's part of a document to what was invoiced.
fn add(sums: &mut Sums<()>, id: &ProjectId, part: &ProjectInvoice) {
    if matches!(part.invoice.state, InvoiceState::Draft | InvoiceState::Void) {
        return;
    }
    let net = if part.invoice.kind == InvoiceKind::Invoice { part.net() } else { part.net().negated() };
    sums.add(id, (), net, 1);
}
