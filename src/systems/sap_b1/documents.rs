//! Invoices and credit notes, of one direction.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::{try_join, try_join_all};

use super::client::Query;
use super::config::Carrier;
use super::filter::{MAX_VALUES, all, any, quoted, runs};
use super::map::DocumentType;
use super::{System, wire};
use crate::domain::{
    Currency, Direction, Invoice, InvoiceId, InvoiceKind, InvoiceQuery, Page, Payment, ProjectId, ProjectInvoice,
    split_by_project,
};
use crate::systems::{BatchResult, Call, ErrorKind, InvoiceSource, SystemError, grouped};

/// Invoices and credit notes to clients.
pub(super) const RECEIVABLES: [DocumentType; 2] = [
    DocumentType {
        set: "Invoices",
        list: "invoices.list",
        join: "invoices.join",
        code: 13,
        direction: Direction::Receivable,
        kind: InvoiceKind::Invoice,
    },
    DocumentType {
        set: "CreditNotes",
        list: "credit_notes.list",
        join: "credit_notes.join",
        code: 14,
        direction: Direction::Receivable,
        kind: InvoiceKind::CreditNote,
    },
];

/// Invoices and credit notes of vendors.
pub(super) const PAYABLES: [DocumentType; 2] = [
    DocumentType {
        set: "PurchaseInvoices",
        list: "purchase_invoices.list",
        join: "purchase_invoices.join",
        code: 18,
        direction: Direction::Payable,
        kind: InvoiceKind::Invoice,
    },
    DocumentType {
        set: "PurchaseCreditNotes",
        list: "purchase_credit_notes.list",
        join: "purchase_credit_notes.join",
        code: 19,
        direction: Direction::Payable,
        kind: InvoiceKind::CreditNote,
    },
];

/// What is read of a document. Its lines are selected, not expanded: they are a part of it.
const FIELDS: &str = "DocEntry,DocNum,DocDate,DocDueDate,CardCode,CardName,DocCurrency,DocTotal,DocTotalFc,VatSum,VatSumFc,\
                      PaidToDate,PaidToDateFC,DocumentStatus,Cancelled,CancelStatus,Project,DocumentLines";

/// Keys in one chain of `or`: short ones, so their length in the URL is what counts.
const MAX_KEYS: usize = 200;

/// The documents of one direction.
pub(super) struct Documents {
    pub(super) system: Arc<System>,
    pub(super) types: &'static [DocumentType; 2],
    pub(super) carrier: Carrier,
}

/// A document with its kind.
type Found = (&'static DocumentType, wire::Document);

impl Documents {
    /// Documents of a kind that meet a condition on their heads.
    async fn list(
        &self,
        call: &Call,
        kind: &'static DocumentType,
        filter: &str,
        top: Option<usize>,
    ) -> Result<Vec<Found>, SystemError> {
        let query = Query { set: kind.set, select: FIELDS, filter, order: "DocEntry", top };
        let documents: Vec<wire::Document> = self.system.client.list(call, kind.list, query).await?;
        Ok(documents.into_iter().map(|document| (kind, document)).collect())
    }

    /// Documents by their keys.
    async fn by_key(
        &self,
        call: &Call,
        kind: &'static DocumentType,
        keys: &[u32],
        more: &[String],
    ) -> Result<Vec<Found>, SystemError> {
        let lists = runs(keys, "DocEntry", MAX_KEYS, u32::to_string).into_iter().map(|run| async move {
            let mut conditions = vec![any("DocEntry", run)];
            conditions.extend_from_slice(more);
            self.list(call, kind, &all(&conditions), None).await
        });
        Ok(try_join_all(lists).await?.into_iter().flatten().collect())
    }

    /// Documents of projects that also meet `more`, in the order of their IDs.
    async fn by_project(
        &self,
        call: &Call,
        kinds: impl Iterator<Item = &'static DocumentType>,
        ids: &[ProjectId],
        more: &[String],
    ) -> Result<Vec<Found>, SystemError> {
        let literals: Vec<String> = ids.iter().map(|id| quoted(id.as_str())).collect();
        let runs = runs(&literals, "Project", MAX_VALUES, Clone::clone);
        let reads = kinds.flat_map(|kind| runs.iter().map(move |run| (kind, *run))).map(|(kind, run)| async move {
            match self.carrier {
                Carrier::Header => {
                    let mut conditions = vec![any("Project", run)];
                    conditions.extend_from_slice(more);
                    self.list(call, kind, &all(&conditions), None).await
                }
                Carrier::Lines => {
                    // The share of a project cannot be told from its own lines: all of them are needed, and the head.
                    let (line, head) =
                        (format!("{}/DocumentLines/ProjectCode", kind.set), format!("{}/Project", kind.set));
                    let filter = format!("({} or {})", any(&line, run), any(&head, run));
                    let fields = ("DocEntry", "LineNum");
                    let rows = self.system.client.join(call, kind.join, kind.set, fields, &filter).await?;
                    let keys: BTreeSet<u32> = rows.iter().map(|row| row.head.doc_entry).collect();
                    let keys: Vec<u32> = keys.into_iter().collect();
                    self.by_key(call, kind, &keys, more).await
                }
            }
        });
        let mut found: Vec<Found> = try_join_all(reads).await?.into_iter().flatten().collect();
        // A document split over projects of two runs is in both.
        found.sort_by_key(|(kind, document)| (kind.code, document.doc_entry));
        found.dedup_by_key(|(kind, document)| (kind.code, document.doc_entry));
        Ok(found)
    }

    /// Payments of the documents, by kind and key. None if the system does not show payments to this user.
    async fn payments(
        &self,
        call: &Call,
        documents: &[Found],
        local: Currency,
    ) -> Result<Option<HashMap<(u32, u32), Vec<Payment>>>, SystemError> {
        let cards: BTreeSet<&str> =
            documents.iter().filter_map(|(_, document)| document.card_code.as_deref()).collect();
        let cards: Vec<String> = cards.into_iter().map(quoted).collect();
        let reads = runs(&cards, "CardCode", MAX_VALUES, Clone::clone).into_iter().map(|run| async move {
            let filter = format!("{} and Cancelled eq 'tNO'", any("CardCode", run));
            let select = "DocEntry,DocDate,Cancelled,PaymentInvoices";
            let query = Query { set: "IncomingPayments", select, filter: &filter, order: "DocEntry", top: None };
            self.system.client.list::<wire::Payment>(call, "incoming_payments.list", query).await
        });
        let payments = match try_join_all(reads).await {
            Ok(lists) => lists,
            Err(error) if matches!(error.kind, ErrorKind::Forbidden | ErrorKind::Unauthorized) => return Ok(None),
            Err(error) => return Err(error),
        };
        // The payments of each document, without walking all payments for each of them.
        let by_entry: HashMap<u32, Vec<&Found>> = grouped(documents.iter().map(|found| (found.1.doc_entry, found)));
        let mut of_document: HashMap<(u32, u32), Vec<Payment>> = HashMap::new();
        for payment in payments.iter().flatten() {
            let entries: HashSet<u32> = payment.payment_invoices.iter().filter_map(|row| row.doc_entry).collect();
            for (kind, document) in entries.iter().filter_map(|entry| by_entry.get(entry)).flatten() {
                if let Some(payment) = self.system.mapper.payment(payment, (kind, document), local) {
                    of_document.entry((kind.code, document.doc_entry)).or_default().push(payment);
                }
            }
        }
        for payments in of_document.values_mut() {
            payments.sort_by(|a, b| (a.date, &a.id).cmp(&(b.date, &b.id)));
        }
        Ok(Some(of_document))
    }

    fn invoice(&self, (kind, document): &Found, local: Currency) -> Invoice {
        self.system.mapper.invoice(kind, document, self.carrier, local)
    }

    /// The kind and key of a record ID such as `13-91`; none for what is no ID of these documents.
    fn parse(&self, id: &str) -> Option<(&'static DocumentType, u32)> {
        let (code, entry) = id.split_once('-')?;
        let kind = self.types.iter().find(|kind| kind.code.to_string() == code)?;
        let key: u32 = entry.parse().ok()?;
        (key.to_string() == entry).then_some((kind, key))
    }
}

#[async_trait]
impl InvoiceSource for Documents {
    fn batch_limit(&self) -> usize {
        MAX_VALUES
    }

    async fn invoices(&self, call: &Call, ids: &[InvoiceId]) -> BatchResult<InvoiceId, Invoice> {
        let keys = grouped(ids.iter().filter_map(|id| self.parse(id.as_str())).map(|(kind, key)| (kind.code, key)));
        let lists = self.types.iter().filter_map(|kind| {
            let keys = keys.get(&kind.code)?;
            Some(self.by_key(call, kind, keys, &[]))
        });
        let (local, lists) = try_join(self.system.local_currency(call), try_join_all(lists)).await?;
        let documents: Vec<Found> = lists.into_iter().flatten().collect();
        let receivable = self.types.iter().any(|kind| kind.direction == Direction::Receivable);
        let mut payments =
            if receivable && !documents.is_empty() { self.payments(call, &documents, local).await? } else { None };
        let invoices = documents.iter().map(|found| {
            let mut invoice = self.invoice(found, local);
            invoice.payments = payments
                .as_mut()
                .map(|paid| paid.remove(&(found.0.code, found.1.doc_entry)).unwrap_or_default())
                .map(Into::into);
            (invoice.id.clone(), invoice)
        });
        Ok(invoices.collect())
    }

    async fn invoices_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<ProjectInvoice>> {
        let (local, documents) =
            try_join(self.system.local_currency(call), self.by_project(call, self.types.iter(), ids, &[])).await?;
        let parts = documents.iter().flat_map(|found| {
            let invoice = Arc::new(self.invoice(found, local));
            match self.carrier {
                Carrier::Header => invoice
                    .project_ids
                    .first()
                    .cloned()
                    .map(|id| (id, ProjectInvoice::whole(invoice)))
                    .into_iter()
                    .collect(),
                Carrier::Lines => split_by_project(invoice),
            }
        });
        Ok(self.system.answer(call, ids, grouped(parts)).await)
    }

    async fn invoice_page(
        &self,
        call: &Call,
        query: &InvoiceQuery,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Invoice>, SystemError> {
        let after = match after {
            None => (0, 0),
            Some(cursor) => {
                let unusable = || self.system.client.error("invoices.list", ErrorKind::BadRequest);
                self.parse(cursor).map(|(kind, key)| (kind.code, key)).ok_or_else(unusable)?
            }
        };
        let conditions = conditions(query);
        let kinds = self.types.iter().filter(|kind| query.kind.is_none_or(|wanted| kind.kind == wanted));
        let kinds = kinds.filter(|kind| query.direction.is_none_or(|wanted| kind.direction == wanted));
        let mut found = Vec::new();
        if let Some(ids) = &query.project_ids {
            found = self.by_project(call, kinds, ids, &conditions).await?;
            found.retain(|(kind, document)| (kind.code, document.doc_entry) > after);
        } else {
            for kind in kinds.filter(|kind| kind.code >= after.0) {
                let mut last = if kind.code == after.0 { after.1 } else { 0 };
                // One more than wanted tells whether there are more.
                while found.len() <= limit {
                    let size = (limit + 1 - found.len()).min(self.system.client.page_size());
                    let mut conditions = conditions.clone();
                    conditions.push(format!("DocEntry gt {last}"));
                    let rows = self.list(call, kind, &all(&conditions), Some(size)).await?;
                    let is_last = rows.len() < size;
                    last = rows.last().map_or(last, |(_, document)| document.doc_entry);
                    found.extend(rows);
                    if is_last {
                        break;
                    }
                }
            }
        }
        let more = found.len() > limit;
        found.truncate(limit);
        let local = self.system.local_currency(call).await?;
        let items: Vec<Invoice> = found.iter().map(|found| self.invoice(found, local)).collect();
        let next = items.last().filter(|_| more).map(|last| last.id.to_string());
        Ok(Page { items, next, total: None })
    }
}

/// The conditions of a query on the heads of documents; projects are asked for elsewhere.
fn conditions(query: &InvoiceQuery) -> Vec<String> {
    let mut conditions = Vec::new();
    match query.open {
        Some(true) => conditions.push("DocumentStatus eq 'bost_Open' and CancelStatus eq 'csNo'".to_owned()),
        Some(false) => conditions.push("(DocumentStatus ne 'bost_Open' or CancelStatus ne 'csNo')".to_owned()),
        None => {}
    }
    if let Some(day) = query.due_before {
        conditions.push(format!("DocDueDate lt '{day}'"));
    }
    if let Some(day) = query.issued_from {
        conditions.push(format!("DocDate ge '{day}'"));
    }
    if let Some(day) = query.issued_to {
        conditions.push(format!("DocDate le '{day}'"));
    }
    conditions
}
