//! Invoices, credit notes and receipts, of one direction.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::{try_join, try_join_all};

use super::accounts::Accounts;
use super::domain::Domain;
use super::map::{self, Projects, is_debit};
use super::{MAX_KEYS, MAX_NUMBERS, System, wire};
use crate::domain::{
    Direction, Invoice, InvoiceId, InvoiceKind, InvoiceQuery, Page, Payment, ProjectId, ProjectInvoice,
    split_by_project,
};
use crate::systems::{BatchResult, Call, ErrorKind, InvoiceSource, SystemError, grouped};

const MOVE: &str = "account.move";
const MOVES: &str = "documents.list";
const LINES: &str = "document_lines.list";

const FIELDS: [&str; 16] = [
    "name",
    "move_type",
    "state",
    "payment_state",
    "invoice_date",
    "invoice_date_due",
    "date",
    "partner_id",
    "currency_id",
    "company_currency_id",
    "amount_untaxed",
    "amount_total",
    "amount_residual",
    "amount_untaxed_signed",
    "amount_total_signed",
    "amount_residual_signed",
];

/// Types of documents; receipts are invoices that were paid at once.
pub(super) fn types(direction: Direction, kind: Option<InvoiceKind>) -> &'static [&'static str] {
    match (direction, kind) {
        (Direction::Receivable, None) => &["out_invoice", "out_receipt", "out_refund"],
        (Direction::Receivable, Some(InvoiceKind::Invoice)) => &["out_invoice", "out_receipt"],
        (Direction::Receivable, Some(InvoiceKind::CreditNote)) => &["out_refund"],
        (Direction::Payable, None) => &["in_invoice", "in_receipt", "in_refund"],
        (Direction::Payable, Some(InvoiceKind::Invoice)) => &["in_invoice", "in_receipt"],
        (Direction::Payable, Some(InvoiceKind::CreditNote)) => &["in_refund"],
    }
}

impl System {
    /// That a journal item is a line of a document, and neither tax nor what is owed.
    pub(super) async fn product_lines(&self, call: &Call) -> Result<Domain, SystemError> {
        let fields = self.client.fields(call, "account.move.line").await?;
        Ok(if fields.contains("exclude_from_invoice_tab") {
            Domain::empty("exclude_from_invoice_tab").and(Domain::empty("display_type"))
        } else {
            Domain::of("display_type", "=", "product")
        })
    }

    /// Journal items of these documents that meet a condition.
    pub(super) async fn lines(
        &self,
        call: &Call,
        operation: &'static str,
        domain: Domain,
    ) -> Result<Vec<wire::Line>, SystemError> {
        let tags = self.tags(call).await?;
        let mut fields = vec![
            "move_id",
            "move_name",
            "date",
            "name",
            "partner_id",
            "account_id",
            "currency_id",
            "company_currency_id",
            "quantity",
            "amount_currency",
            "balance",
            self.line_field(),
        ];
        fields.extend(tags.field());
        let mut lines: Vec<wire::Line> = self.client.all(call, operation, "account.move.line", domain, &fields).await?;
        for line in &mut lines {
            if let Some(unknown) = tags.unknown(&line.analytic_tag_ids, line.analytic_account_id.as_ref()) {
                line.analytic_distribution = Some(unknown);
            }
        }
        Ok(lines)
    }
}

/// The documents of one direction.
pub(super) struct Documents {
    pub(super) system: Arc<System>,
    pub(super) direction: Direction,
}

impl Documents {
    fn of_types(&self, kind: Option<InvoiceKind>) -> Domain {
        Domain::one_of("move_type", types(self.direction, kind).iter().copied())
    }

    /// The numbers of the documents of these projects, and the accounts that led there.
    async fn of_projects(&self, call: &Call, ids: &[ProjectId]) -> Result<(Vec<u64>, Accounts), SystemError> {
        let system = &self.system;
        if ids.is_empty() {
            return Ok((Vec::new(), Accounts::default()));
        }
        if let Some(field) = &system.shared_id.document {
            let domain = self.of_types(None).and(Domain::carries(field, ids));
            let rows = system.tagged(call, "documents.by_shared_id", MOVE, domain, field).await?;
            let is_asked = |row: &wire::Tagged| {
                system.mapper.shared_id(field, row.texts.get(field)).is_some_and(|id| ids.contains(&id))
            };
            let numbers = rows.into_iter().filter(is_asked).map(|row| row.id.0);
            return Ok((numbers.collect(), Accounts::default()));
        }
        let (accounts, product) = Box::pin(try_join(system.accounts(call, ids), system.product_lines(call))).await?;
        let numbers: Vec<u64> = accounts.of(ids).collect();
        if numbers.is_empty() {
            return Ok((Vec::new(), accounts));
        }
        // The share of a project cannot be told from its own lines: all of them are needed, and the head.
        let types = types(self.direction, None);
        let domain = system
            .tags(call)
            .await?
            .on(system.line_field(), &numbers)
            .and(product)
            .and(Domain::one_of("move_id.move_type", types.iter().copied()));
        let rows: Vec<wire::Line> =
            system.client.all(call, "document_lines.by_account", "account.move.line", domain, &["move_id"]).await?;
        let documents: BTreeSet<u64> = rows.iter().filter_map(|row| Some(row.move_id.as_ref()?.id())).collect();
        Ok((documents.into_iter().collect(), accounts))
    }

    /// Documents by their numbers, if they are of this direction and meet `more`.
    async fn read(&self, call: &Call, numbers: &[u64], more: &Domain) -> Result<Vec<wire::Move>, SystemError> {
        let reads = numbers.chunks(MAX_NUMBERS).map(|numbers| {
            let domain = self.of_types(None).and(Domain::one_of("id", numbers.iter().copied())).and(more.clone());
            self.system.client.all(call, MOVES, MOVE, domain, &FIELDS)
        });
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    /// The lines of documents, in their order.
    async fn lines(&self, call: &Call, numbers: &[u64]) -> Result<Vec<wire::Line>, SystemError> {
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        let product = self.system.product_lines(call).await?;
        let reads = numbers.chunks(MAX_NUMBERS).map(|numbers| {
            let domain = Domain::one_of("move_id", numbers.iter().copied()).and(product.clone());
            self.system.lines(call, LINES, domain)
        });
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    /// Documents with their lines, in the order of their numbers.
    async fn whole(
        &self,
        call: &Call,
        mut moves: Vec<wire::Move>,
        lines: Vec<wire::Line>,
        accounts: Accounts,
    ) -> Result<Vec<Invoice>, SystemError> {
        moves.sort_by_key(|document| document.id);
        let numbers: Vec<u64> = moves.iter().map(|document| document.id.0).collect();
        let projects: Projects = self.system.projects_of(call, accounts, &numbers, &lines).await?;
        let lines = grouped(lines.into_iter().filter_map(|line| Some((line.move_id.as_ref()?.id(), line))));
        let of = |document: &wire::Move| lines.get(&document.id.0).map(Vec::as_slice).unwrap_or_default();
        Ok(moves.iter().map(|document| self.system.mapper.invoice(document, of(document), &projects)).collect())
    }

    /// Payments of documents, by what the books reconcile: what settled an open item and is no document itself.
    async fn payments(
        &self,
        call: &Call,
        invoices: &[Invoice],
    ) -> Result<Option<HashMap<u64, Vec<Payment>>>, SystemError> {
        let number = |invoice: &Invoice| invoice.id.as_str().parse::<u64>().ok();
        let by_number: HashMap<u64, &Invoice> = invoices.iter().filter_map(|one| Some((number(one)?, one))).collect();
        let numbers: Vec<u64> = by_number.keys().copied().collect();
        let side = |own: &str, other: &str, numbers: &[u64]| {
            Domain::one_of(&format!("{own}.move_id"), numbers.iter().copied()).and(Domain::of(
                &format!("{other}.move_id.move_type"),
                "=",
                "entry",
            ))
        };
        let fields = ["debit_move_id", "credit_move_id", "amount", "debit_amount_currency", "credit_amount_currency"];
        let reads = numbers.chunks(MAX_NUMBERS).map(|numbers| {
            let domain = Domain::any([
                side("debit_move_id", "credit_move_id", numbers),
                side("credit_move_id", "debit_move_id", numbers),
            ]);
            self.system.client.all::<wire::Partial>(
                call,
                "reconciliations.list",
                "account.partial.reconcile",
                domain,
                &fields,
            )
        });
        let partials: Vec<wire::Partial> = match try_join_all(reads).await {
            Ok(lists) => lists.into_iter().flatten().collect(),
            Err(error) if error.kind == ErrorKind::Forbidden => return Ok(None),
            Err(error) => return Err(error),
        };
        // Which documents and journal entries the items of both sides belong to.
        let items: BTreeSet<u64> =
            partials.iter().flat_map(|partial| [partial.debit_move_id.id(), partial.credit_move_id.id()]).collect();
        let items: Vec<u64> = items.into_iter().collect();
        let reads = items.chunks(MAX_NUMBERS).map(|items| {
            let domain = Domain::one_of("id", items.iter().copied());
            self.system.client.all::<wire::Line>(
                call,
                "reconciled_items.list",
                "account.move.line",
                domain,
                &["move_id", "date"],
            )
        });
        let items = try_join_all(reads).await?.into_iter().flatten();
        let items: HashMap<u64, wire::Line> = items.map(|item| (item.id.0, item)).collect();
        let entry = |item: u64| Some(items.get(&item)?.move_id.as_ref()?.id());
        let mut payments: HashMap<u64, Vec<Payment>> = HashMap::new();
        for partial in &partials {
            let (debit, credit) = (partial.debit_move_id.id(), partial.credit_move_id.id());
            for (own, other) in [(debit, credit), (credit, debit)] {
                let Some((document, number)) = entry(own).and_then(|number| Some((by_number.get(&number)?, number)))
                else {
                    continue;
                };
                if is_debit(document) != (own == debit) {
                    continue;
                }
                let date = items.get(&other).and_then(|item| item.date.as_deref());
                let Some(entry) = entry(other) else { continue };
                if let Some(payment) = map::payment(partial, document, (entry, date)) {
                    add(payments.entry(number).or_default(), payment);
                }
            }
        }
        for payments in payments.values_mut() {
            payments.sort_by(|a, b| (a.date, &a.id).cmp(&(b.date, &b.id)));
        }
        Ok(Some(payments))
    }
}

/// Instalments of one document are open items of their own: what one payment paid of them is one payment.
fn add(payments: &mut Vec<Payment>, payment: Payment) {
    match payments.iter_mut().find(|known| known.id == payment.id) {
        Some(known) => known.amount = known.amount.minus(payment.amount.negated()),
        None => payments.push(payment),
    }
}

#[async_trait]
impl InvoiceSource for Documents {
    fn batch_limit(&self) -> usize {
        MAX_KEYS
    }

    async fn invoices(&self, call: &Call, ids: &[InvoiceId]) -> BatchResult<InvoiceId, Invoice> {
        let numbers: Vec<u64> = ids.iter().filter_map(|id| number(id.as_str())).collect();
        if numbers.is_empty() {
            return Ok(Vec::new().into_iter().collect());
        }
        let everything = Domain::default();
        let (moves, lines) =
            Box::pin(try_join(self.read(call, &numbers, &everything), self.lines(call, &numbers))).await?;
        let mut invoices = self.whole(call, moves, lines, Accounts::default()).await?;
        if self.direction == Direction::Receivable && !invoices.is_empty() {
            let mut payments = self.payments(call, &invoices).await?;
            for invoice in &mut invoices {
                let number = number(invoice.id.as_str()).unwrap_or_default();
                // Where it is not known what was paid, what the books reconcile is not all.
                let is_all = !invoice.paid().is_unknown();
                let payments = payments.as_mut().map(|all| all.remove(&number).unwrap_or_default());
                invoice.payments = payments.filter(|_| is_all).map(Into::into);
            }
        }
        Ok(invoices.into_iter().map(|invoice| (invoice.id.clone(), invoice)).collect())
    }

    async fn invoices_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<ProjectInvoice>> {
        let (numbers, accounts) = Box::pin(self.of_projects(call, ids)).await?;
        let known: Vec<ProjectId> = accounts.owners.values().cloned().collect();
        let everything = Domain::default();
        let (moves, lines) = try_join(self.read(call, &numbers, &everything), self.lines(call, &numbers)).await?;
        let invoices = self.whole(call, moves, lines, accounts).await?;
        let by_document = self.system.shared_id.document.is_some();
        let parts = invoices.into_iter().map(Arc::new).flat_map(|invoice| match invoice.project_ids.first() {
            Some(id) if by_document => vec![(id.clone(), ProjectInvoice::whole(invoice))],
            _ => split_by_project(invoice),
        });
        Ok(self.system.answer(call, ids, grouped(parts), &known).await)
    }

    async fn invoice_page(
        &self,
        call: &Call,
        query: &InvoiceQuery,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Invoice>, SystemError> {
        let after = match after {
            None => 0,
            Some(cursor) => number(cursor).ok_or_else(|| {
                self.system.client.error(MOVES, ErrorKind::BadRequest, "`after` is not from a page of this connection")
            })?,
        };
        let mut domain = self.of_types(query.kind).and(conditions(query));
        if query.direction.is_some_and(|wanted| wanted != self.direction) {
            return Ok(Page { items: Vec::new(), next: None, total: None });
        }
        let mut accounts = Accounts::default();
        if let Some(ids) = &query.project_ids {
            let found = Box::pin(self.of_projects(call, ids)).await?;
            accounts = found.1;
            domain = domain.and(Domain::one_of("id", found.0));
        }
        // One more than wanted tells whether there are more.
        let mut moves: Vec<wire::Move> =
            self.system.client.page(call, (MOVES, MOVE), domain, &FIELDS, after, limit + 1).await?;
        let more = moves.len() > limit;
        moves.truncate(limit);
        let numbers: Vec<u64> = moves.iter().map(|document| document.id.0).collect();
        let lines = self.lines(call, &numbers).await?;
        let items = self.whole(call, moves, lines, accounts).await?;
        let next = items.last().filter(|_| more).map(|last| last.id.to_string());
        Ok(Page { items, next, total: None })
    }
}

/// The number of a record, if the text is one as Odoo writes them.
pub(super) fn number(text: &str) -> Option<u64> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text && i32::try_from(number).is_ok()).then_some(number)
}

/// The conditions of a query; projects are asked for elsewhere.
fn conditions(query: &InvoiceQuery) -> Domain {
    let mut domain = Domain::default();
    match query.open {
        Some(true) => {
            domain = domain.and(Domain::of("state", "=", "posted")).and(Domain::of("amount_residual", "!=", 0));
        }
        Some(false) => {
            domain =
                domain.and(Domain::any([Domain::of("state", "!=", "posted"), Domain::of("amount_residual", "=", 0)]));
        }
        None => {}
    }
    let days = [
        ("invoice_date_due", "<", query.due_before),
        ("invoice_date", ">=", query.issued_from),
        ("invoice_date", "<=", query.issued_to),
    ];
    for (field, operator, day) in days {
        if let Some(day) = day {
            domain = domain.and(Domain::of(field, operator, day.to_string()));
        }
    }
    domain
}
