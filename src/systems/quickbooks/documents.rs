//! Invoices and credit notes, of one direction.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::{try_join, try_join_all};

use super::client::{Entity, MAX_IDS, any};
use super::config::Carrier;
use super::customers::{Customers, Place};
use super::map::{self, Company, DocumentType, flat};
use super::{About, System, wire};
use crate::domain::{
    Direction, Invoice, InvoiceId, InvoiceKind, InvoiceQuery, InvoiceState, Page, ProjectId, ProjectInvoice,
    split_by_project,
};
use crate::systems::{BatchResult, Call, ErrorKind, InvoiceSource, SystemError, grouped};

macro_rules! kind {
    ($name:literal, $operation:literal, $direction:ident, $kind:ident, receipt: $receipt:literal) => {
        DocumentType {
            entity: Entity { name: $name, operation: $operation },
            direction: Direction::$direction,
            kind: InvoiceKind::$kind,
            receipt: $receipt,
        }
    };
}

/// Invoices and credit notes to clients, in the order of lists. What is sold or given back on the spot is both at once.
pub(super) const RECEIVABLES: [DocumentType; 4] = [
    kind!("Invoice", "invoice.query", Receivable, Invoice, receipt: false),
    kind!("SalesReceipt", "sales_receipt.query", Receivable, Invoice, receipt: true),
    kind!("CreditMemo", "credit_memo.query", Receivable, CreditNote, receipt: false),
    kind!("RefundReceipt", "refund_receipt.query", Receivable, CreditNote, receipt: true),
];

/// Invoices and credit notes of vendors.
pub(super) const PAYABLES: [DocumentType; 2] = [
    kind!("Bill", "bill.query", Payable, Invoice, receipt: false),
    kind!("VendorCredit", "vendor_credit.query", Payable, CreditNote, receipt: false),
];

const PAYMENTS: Entity = Entity { name: "Payment", operation: "payment.query" };

/// Projects whose customers are asked for at once; they and those they stand below are at most twice as many.
const PROJECTS: usize = MAX_IDS / 2;

/// The documents of one direction.
pub(super) struct Documents {
    pub(super) system: Arc<System>,
    pub(super) types: &'static [DocumentType],
    pub(super) carrier: Carrier,
}

/// A document with its kind.
type Found = (&'static DocumentType, wire::Document);

impl Documents {
    /// Whether documents can be asked for by their customers: those of vendors carry theirs on lines, which nobody can filter.
    fn by_customer(&self) -> bool {
        self.carrier == Carrier::Customer && self.types.iter().all(|kind| kind.direction == Direction::Receivable)
    }

    /// Documents of a kind that meet a condition.
    async fn all(&self, call: &Call, kind: &'static DocumentType, condition: &str) -> Result<Vec<Found>, SystemError> {
        let documents: Vec<wire::Document> = self.system.client.all(call, &kind.entity, condition).await?;
        Ok(documents.into_iter().map(|document| (kind, document)).collect())
    }

    /// All documents that can be for these projects, and meet `more`; in the order of their IDs.
    async fn candidates(
        &self,
        call: &Call,
        kinds: &[&'static DocumentType],
        (ids, customers): (&[ProjectId], &Customers),
        more: &[String],
    ) -> Result<Vec<Found>, SystemError> {
        let mut conditions = Vec::new();
        if self.by_customer() {
            let of_projects = ids.chunks(PROJECTS).flat_map(|ids| {
                let customers = customers.of_projects(ids);
                customers.chunks(MAX_IDS).map(|ids| any("CustomerRef", ids.iter().copied())).collect::<Vec<_>>()
            });
            conditions.extend(of_projects);
        } else if !ids.is_empty() {
            conditions.push(String::new());
        }
        for condition in &mut conditions {
            let parts = (!condition.is_empty()).then(|| condition.clone()).into_iter().chain(more.iter().cloned());
            *condition = parts.collect::<Vec<_>>().join(" and ");
        }
        let reads = kinds.iter().flat_map(|kind| conditions.iter().map(|condition| self.all(call, kind, condition)));
        let mut found: Vec<Found> = try_join_all(reads).await?.into_iter().flatten().collect();
        // Projects of two statements may stand below the same customer.
        let key = |(kind, document): &Found| (self.position(kind), number(&document.id));
        found.sort_by_key(key);
        found.dedup_by(|(kind, document), (other, before)| kind == other && document.id == before.id);
        Ok(found)
    }

    /// Where a kind stands in the order of lists.
    fn position(&self, kind: &DocumentType) -> usize {
        self.types.iter().position(|other| other == kind).unwrap_or_default()
    }

    /// The projects of which nobody can say whether a document is theirs: it names a project that is not among the customers.
    fn lost(&self, found: &[Found], ids: &[ProjectId], customers: &Customers) -> HashMap<ProjectId, SystemError> {
        let lost = found.iter().flat_map(|(kind, document)| {
            let of_lines = flat(&document.line)
                .map(|line| self.system.mapper.line_place(document, line, &self.carrier, customers));
            of_lines.filter_map(|place| match place {
                Place::Lost(customer) => Some((&kind.entity, customer)),
                Place::Project(_) | Place::Nobody => None,
            })
        });
        self.system.lost(lost, ids, customers)
    }

    /// The payments of invoices, by the invoice's ID. Each invoice names what is linked to it.
    async fn payments(&self, call: &Call, found: &[Found]) -> Result<Vec<wire::Payment>, SystemError> {
        let linked = found.iter().flat_map(|(_, document)| &document.linked_txn);
        let payments = linked.filter(|linked| linked.txn_type.as_deref() == Some("Payment"));
        let ids: BTreeSet<&str> = payments.filter_map(|linked| linked.txn_id.as_deref()).collect();
        let ids: Vec<&str> = ids.into_iter().collect();
        let reads = ids.chunks(MAX_IDS).map(|ids| self.system.client.by_id(call, &PAYMENTS, ids));
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    fn invoice(&self, (kind, document): &Found, company: Company<'_>) -> Invoice {
        self.system.mapper.invoice(kind, document, &self.carrier, company)
    }

    /// The kind and ID of a record ID such as `Invoice-91`; none for what is no ID of these documents.
    fn parse<'i>(&self, id: &'i str) -> Option<(&'static DocumentType, &'i str)> {
        let (name, id) = id.split_once('-')?;
        let kind = self.types.iter().find(|kind| kind.entity.name == name)?;
        let is_number = !id.is_empty() && id.len() <= 20 && id.bytes().all(|byte| byte.is_ascii_digit());
        (is_number && !id.starts_with('0')).then_some((kind, id))
    }
}

#[async_trait]
impl InvoiceSource for Documents {
    fn batch_limit(&self) -> usize {
        // What is read whole answers as many as are asked.
        if self.by_customer() { PROJECTS } else { 500 }
    }

    async fn invoices(&self, call: &Call, ids: &[InvoiceId]) -> BatchResult<InvoiceId, Invoice> {
        let asked: Vec<(&'static DocumentType, &str)> = ids.iter().filter_map(|id| self.parse(id.as_str())).collect();
        let reads = self.types.iter().flat_map(|kind| {
            let ids: Vec<&str> = asked.iter().filter(|(of, _)| *of == kind).map(|(_, id)| *id).collect();
            let runs: Vec<Vec<&str>> = ids.chunks(MAX_IDS).map(<[&str]>::to_vec).collect();
            runs.into_iter().map(move |ids| async move {
                let found: Vec<wire::Document> = self.system.client.by_id(call, &kind.entity, &ids).await?;
                Ok::<_, SystemError>(found.into_iter().map(|document| (kind, document)).collect::<Vec<Found>>())
            })
        });
        if asked.is_empty() {
            return Ok(std::iter::empty().collect());
        }
        let (about, lists) = try_join(self.system.about(call, &[]), try_join_all(reads)).await?;
        let mut found: Vec<Found> = lists.into_iter().flatten().collect();
        found.retain(|(kind, document)| asked.contains(&(*kind, document.id.as_str())));
        let about = self.settled(call, about, &found).await?;
        let company = about.company();
        let receivable = self.types.iter().any(|kind| kind.direction == Direction::Receivable);
        let payments = if receivable { self.payments(call, &found).await? } else { Vec::new() };
        let mut by_invoice: HashMap<&str, Vec<&wire::Payment>> = HashMap::new();
        for payment in &payments {
            let linked = payment.line.iter().flat_map(|line| &line.linked_txn);
            let invoices: BTreeSet<&str> = linked.filter_map(|linked| linked.txn_id.as_deref()).collect();
            for invoice in invoices {
                by_invoice.entry(invoice).or_default().push(payment);
            }
        }
        let invoices = found.iter().map(|found| {
            let (kind, document) = found;
            let mut invoice = self.invoice(found, company);
            // A receipt is its own payment, and says no more of it.
            if receivable && !kind.receipt {
                let mut paid = Vec::new();
                let of_invoice = by_invoice.get(document.id.as_str()).filter(|_| kind.kind == InvoiceKind::Invoice);
                for payment in of_invoice.into_iter().flatten() {
                    if let Some((payment, flaws)) = map::payment(payment, &document.id, company.currencies) {
                        paid.push(payment);
                        invoice.flaws.extend(flaws);
                    }
                }
                paid.sort_by(|a, b| (a.date, &a.id).cmp(&(b.date, &b.id)));
                invoice.payments = Some(paid.into());
            }
            (invoice.id.clone(), invoice)
        });
        Ok(invoices.collect())
    }

    async fn invoices_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<ProjectInvoice>> {
        if ids.is_empty() {
            return Ok(std::iter::empty().collect());
        }
        let about = self.system.about(call, ids).await?;
        let kinds: Vec<&'static DocumentType> = self.types.iter().collect();
        let found = self.candidates(call, &kinds, (ids, &about.customers), &[]).await?;
        let about = self.settled(call, about, &found).await?;
        let lost = self.lost(&found, ids, &about.customers);
        let parts = found.iter().flat_map(|found| split_by_project(Arc::new(self.invoice(found, about.company()))));
        // Where a field of documents carries the IDs, a customer's name says nothing of what there is.
        let knows = |id: &ProjectId| self.carrier == Carrier::Customer && about.customers.knows(id);
        Ok(super::answer(ids, knows, grouped(parts), lost).await)
    }

    async fn invoice_page(
        &self,
        call: &Call,
        query: &InvoiceQuery,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Invoice>, SystemError> {
        let after = after.map(|cursor| self.cursor(cursor)).transpose()?;
        let wanted = |kind: &&'static DocumentType| {
            // A receipt is paid on the spot: none is ever open.
            !(kind.receipt && query.open == Some(true))
                && query.kind.is_none_or(|wanted| kind.kind == wanted)
                && query.direction.is_none_or(|wanted| kind.direction == wanted)
        };
        let kinds: Vec<&'static DocumentType> = self.types.iter().filter(wanted).collect();
        let about = self.system.about(call, query.project_ids.as_deref().unwrap_or_default()).await?;
        let from = after.map_or(0, |(kind, ..)| self.position(kind));
        // Each with its place in the list of its kind.
        let mut items: Vec<(Found, usize)> = Vec::new();
        let about = if let Some(ids) = &query.project_ids {
            let found = self.candidates(call, &kinds, (ids, &about.customers), &conditions(query, None)).await?;
            let about = self.settled(call, about, &found).await?;
            if let Some(error) = self.lost(&found, ids, &about.customers).into_values().next() {
                return Err(error);
            }
            let last = after.map(|(kind, _, id)| (self.position(kind), number(id)));
            let rest =
                found.into_iter().filter(|(kind, document)| Some((self.position(kind), number(&document.id))) > last);
            let of_them = rest.filter(|found| {
                let invoice = self.invoice(found, about.company());
                meets(&invoice, query) && invoice.project_ids.iter().any(|id| ids.contains(id))
            });
            items = of_them.take(limit + 1).map(|one| (one, 0)).collect();
            about
        } else {
            for kind in kinds.into_iter().filter(|kind| self.position(kind) >= from) {
                let last = after.filter(|(of, ..)| *of == kind).map(|(_, at, id)| (at, id.to_owned()));
                self.list(call, (query, kind), about.company(), last, (limit, &mut items)).await?;
            }
            let found = items.iter().map(|(found, _)| found);
            self.settled(call, about, found).await?
        };
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items
            .last()
            .filter(|_| more)
            .map(|((kind, document), at)| format!("{}@{at}", map::record_id(&kind.entity, &document.id)));
        let items = items.iter().map(|(found, _)| self.invoice(found, about.company())).collect();
        Ok(Page { items, next, total: None })
    }
}

impl Documents {
    /// What is known, with the customers that these documents name.
    async fn settled(
        &self,
        call: &Call,
        about: About,
        found: impl IntoIterator<Item = &Found> + Clone,
    ) -> Result<About, SystemError> {
        let lacking = |customers: &Customers| {
            let mut documents = found.clone().into_iter();
            documents.any(|(_, document)| map::names_a_stranger(document, &self.carrier, customers))
        };
        self.system.settled(call, about, lacking).await
    }

    /// Adds documents of a kind that meet a query, from a place on, until there is one more than wanted: that tells whether
    /// there are more.
    async fn list(
        &self,
        call: &Call,
        (query, kind): (&InvoiceQuery, &'static DocumentType),
        company: Company<'_>,
        mut last: Option<(usize, String)>,
        (limit, items): (usize, &mut Vec<(Found, usize)>),
    ) -> Result<(), SystemError> {
        let client = &self.system.client;
        let truncated = |detail| client.failed(kind.entity.operation, ErrorKind::Truncated, detail);
        let condition = conditions(query, Some(kind)).join(" and ");
        // Where the statement cannot say all of the query, a few rows would bring few of those that meet it.
        let mut all_meet = covers(query, kind);
        for _ in 0..client.max_pages() {
            if items.len() > limit {
                return Ok(());
            }
            let left = limit + 1 - items.len() + usize::from(last.is_some());
            let count = if all_meet { left.min(client.page_size()) } else { client.page_size() };
            let start = last.as_ref().map_or(1, |(at, _)| *at);
            let rows: Vec<wire::Document> = client.page(call, &kind.entity, &condition, (start, count)).await?;
            let is_last = rows.len() < count;
            let mut rows = rows.into_iter().zip(start..);
            // A page begins with the last row of the one before.
            if let Some((_, id)) = &last
                && rows.next().is_none_or(|(again, _)| again.id != *id)
            {
                return Err(truncated("the rows moved between two pages"));
            }
            for (document, at) in rows {
                last = Some((at, document.id.clone()));
                let found = (kind, document);
                if meets(&self.invoice(&found, company), query) {
                    items.push((found, at));
                } else {
                    all_meet = false;
                }
            }
            if is_last {
                return Ok(());
            }
        }
        if items.len() > limit { Ok(()) } else { Err(truncated("more pages than `max_pages`")) }
    }
}

impl Documents {
    /// The kind, place and ID of the last row of a page: `Invoice-91@40`.
    fn cursor<'c>(&self, cursor: &'c str) -> Result<(&'static DocumentType, usize, &'c str), SystemError> {
        let parts = cursor.split_once('@').and_then(|(id, at)| {
            let (kind, id) = self.parse(id)?;
            Some((kind, at.parse().ok()?, id))
        });
        parts.ok_or_else(|| self.system.client.error("invoices.page", ErrorKind::BadRequest))
    }
}

/// The conditions of a query that the language can say; all of them are looked at again. The balances of credits and the due
/// dates of bills are not known to be filterable.
fn conditions(query: &InvoiceQuery, kind: Option<&DocumentType>) -> Vec<String> {
    let mut conditions = Vec::new();
    if let Some(day) = query.issued_from {
        conditions.push(format!("TxnDate >= '{day}'"));
    }
    if let Some(day) = query.issued_to {
        conditions.push(format!("TxnDate <= '{day}'"));
    }
    let name = kind.map(|kind| kind.entity.name).unwrap_or_default();
    if query.open == Some(true) && matches!(name, "Invoice" | "Bill") {
        conditions.push("Balance > '0'".to_owned());
    }
    if let Some(day) = query.due_before.filter(|_| name == "Invoice") {
        conditions.push(format!("DueDate < '{day}'"));
    }
    conditions
}

/// Whether the conditions say all of a query.
fn covers(query: &InvoiceQuery, kind: &DocumentType) -> bool {
    let open = query.open.is_none_or(|open| open && matches!(kind.entity.name, "Invoice" | "Bill"));
    open && (query.due_before.is_none() || kind.entity.name == "Invoice")
}

fn meets(invoice: &Invoice, query: &InvoiceQuery) -> bool {
    query.open.is_none_or(|open| (invoice.state == InvoiceState::Open) == open)
        && query.due_before.is_none_or(|day| invoice.due_date.is_some_and(|due| due < day))
        && query.issued_from.is_none_or(|day| invoice.issue_date.is_some_and(|date| date >= day))
        && query.issued_to.is_none_or(|day| invoice.issue_date.is_some_and(|date| date <= day))
}

/// IDs are numbers, as far as anybody has seen; what is none comes last.
fn number(id: &str) -> u64 {
    id.parse().unwrap_or(u64::MAX)
}
