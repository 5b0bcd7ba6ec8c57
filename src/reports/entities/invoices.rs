//! The set `Invoices`: to clients, and bills of vendors.

use std::sync::Arc;

use jiff::{Timestamp, ToSpan};

use super::deals::own;
use super::pages::page;
use super::{Chunk, Place, Question, Row, amount, currency, date, flaws, global_id, text};
use crate::access::View;
use crate::domain::{
    Booked, Class, Direction, IdNode, Invoice, InvoiceId, InvoiceKind, InvoiceQuery, InvoiceStatus, Money,
};
use crate::reads::{Invoices, Owner, ReadOptions};
use crate::reports::{Cell, Column, ColumnKind, ReportError, Reports};

pub(super) const DESCRIPTION: &str = "Invoices and credit notes, to clients (RECEIVABLE) and from vendors (PAYABLE). Amounts are positive on both kinds.";

pub(super) const COLUMNS: &[Column] = &[
    Column::new("id", "Invoice ID", ColumnKind::Text, "Unique over all systems, e.g. `invoice:sap:13-91`."),
    Column::new("number", "Number", ColumnKind::Text, "Number on paper.").of("Invoice.number"),
    Column::new("direction", "Direction", ColumnKind::Text, "RECEIVABLE (to a client) or PAYABLE (from a vendor)."),
    Column::new("kind", "Kind", ColumnKind::Text, "INVOICE or CREDIT_NOTE. A credit note takes back: subtract it."),
    Column::new(
        "status",
        "Status",
        ColumnKind::Text,
        "As of today, UTC: DRAFT, OPEN, PARTIALLY_PAID, PAID, OVERDUE, VOID, or UNKNOWN. Drafts and void documents are part of \
         no figure.",
    ).of("Invoice.status"),
    Column::new("party", "Party", ColumnKind::Text, "Who owes, or is owed.").of("Invoice.party"),
    Column::new("issue_date", "Issued", ColumnKind::Date, "Issued.").of("Invoice.issueDate"),
    Column::new("due_date", "Due", ColumnKind::Date, "Due.").of("Invoice.dueDate"),
    Column::new("net", "Net", ColumnKind::Amount, "Without tax, in `currency`.").of("Invoice.net"),
    Column::new("tax", "Tax", ColumnKind::Amount, "Tax, in `currency`.").of("Invoice.tax"),
    Column::new("total", "Total", ColumnKind::Amount, "With tax, in `currency`.").of("Invoice.total"),
    Column::new("paid", "Paid", ColumnKind::Amount, "Paid so far, of the total, in `currency`.").of("Invoice.paid"),
    Column::new("balance", "Balance", ColumnKind::Amount, "Still open, of the total, in `currency`.").of("Invoice.balance"),
    Column::new("currency", "Currency", ColumnKind::Text, "ISO 4217 code of the document. Null if it is not known.").of("Invoice.total"),
    Column::new(
        "net_company",
        "Net (company)",
        ColumnKind::Amount,
        "`net` as booked in `company_currency`. Null if it was not.",
    ).of("Invoice.net"),
    Column::new("tax_company", "Tax (company)", ColumnKind::Amount, "`tax` as booked in `company_currency`.").of("Invoice.tax"),
    Column::new("total_company", "Total (company)", ColumnKind::Amount, "`total` as booked in `company_currency`.").of("Invoice.total"),
    Column::new("paid_company", "Paid (company)", ColumnKind::Amount, "`paid` as booked in `company_currency`.").of("Invoice.paid"),
    Column::new(
        "balance_company",
        "Balance (company)",
        ColumnKind::Amount,
        "`balance` as booked in `company_currency`.",
    ).of("Invoice.balance"),
    Column::new(
        "company_currency",
        "Company currency",
        ColumnKind::Text,
        "ISO 4217 code of the company's own currency, in which the owner booked the document too.",
    ).of("Invoice.total"),
    Column::new(
        "project_id",
        "Project ID",
        ColumnKind::Text,
        "The project it is for. Null if it is for none, or for several.",
    ),
    Column::new("project_ids", "Project IDs", ColumnKind::Text, "All projects it is for, with commas between them."),
    Column::new("url", "Link to the ERP", ColumnKind::Text, super::URL),
    Column::new("flaws", "Flaws", ColumnKind::Text, super::FLAWS),
    Column::new("as_of", "As of", ColumnKind::Moment, super::AS_OF),
];

impl Reports {
    /// The owners of invoices: of one direction, or first those of receivables and then those of payables.
    pub(super) fn invoice_owners(&self, direction: Option<Direction>) -> Vec<(Direction, &Invoices)> {
        let directions = [Direction::Receivable, Direction::Payable].into_iter();
        let directions = directions.filter(|one| direction.is_none_or(|asked| asked == *one));
        directions.flat_map(|one| self.reads.invoices(one).into_iter().map(move |owner| (one, owner))).collect()
    }

    pub(super) async fn invoice_rows(
        &self,
        question: &Question,
        place: &Place,
        options: &ReadOptions,
    ) -> Result<Chunk, ReportError> {
        // All of them, whatever is asked for: a place counts them. Those of another direction are passed over.
        let owners = self.invoice_owners(None);
        let asked = question.is_text("direction");
        let view = &options.viewer.view;
        let passed = |direction| asked.is_some_and(|asked| asked != word(direction)) || !is_shown(direction, view);
        let mut place = place.clone();
        while owners.get(place.owner).is_some_and(|(direction, _)| passed(*direction)) {
            place = Place { owner: place.owner + 1, page: None };
        }
        let Some((direction, _)) = owners.get(place.owner) else { return Ok(Chunk::default()) };
        let readers: Vec<_> = owners.iter().map(|(_, invoices)| (&invoices.owner, &invoices.pages)).collect();
        let query = self.invoice_query(question, *direction);
        let Some(page) = page(&readers, query, &place, options).await? else { return Ok(Chunk::default()) };
        let own: Vec<_> = page.items.iter().filter(|invoice| self.is_of(invoice, page.owner)).collect();
        let ids = own.iter().flat_map(|invoice| invoice.project_ids.iter().cloned());
        let seen = self.projects_seen(options, ids).await?;
        let shown = |invoice: &&Arc<Invoice>| seen.has_one_of(&invoice.project_ids);
        let rows = own.into_iter().filter(shown).map(|invoice| self.invoice(invoice, page.owner, page.as_of)).collect();
        Ok(Chunk { rows, next: page.next, rates: None })
    }

    pub(super) async fn invoice_row(&self, id: &str, options: &ReadOptions) -> Result<Option<Row>, ReportError> {
        let view = &options.viewer.view;
        for (direction, invoices) in self.invoice_owners(None).into_iter().filter(|(of, _)| is_shown(*of, view)) {
            let Some(record) = own(id, node(direction), &invoices.owner) else { continue };
            let read = invoices.invoices.get(options, &InvoiceId::new(record)).await.map_err(ReportError::System)?;
            if let Some(invoice) = read.value.filter(|invoice| self.is_of(invoice, &invoices.owner)) {
                let seen = self.sees_one_of(options, &invoice.project_ids).await?;
                return Ok(seen.then(|| self.invoice(&invoice, &invoices.owner, read.as_of)));
            }
        }
        Ok(None)
    }

    /// Whether it is this owner's to tell of.
    pub(super) fn is_of(&self, invoice: &Invoice, owner: &Owner) -> bool {
        self.reads.owns_invoices(&owner.connection, invoice.direction, &invoice.project_ids)
    }

    /// What the owner is asked: what means the same there and here.
    fn invoice_query(&self, question: &Question, direction: Direction) -> InvoiceQuery {
        let (issued_from, issued_to) = question.days("issue_date");
        let (open, overdue) = match question.is_text("status") {
            Some("OPEN" | "PARTIALLY_PAID") => (Some(true), None),
            Some("OVERDUE") => (Some(true), Some(self.clock.today())),
            Some("PAID") => (Some(false), None),
            _ => (None, None),
        };
        let project = question.is_text("project_id").and_then(|id| self.shared_id.parse(id).ok());
        InvoiceQuery {
            project_ids: project.map(|id| vec![id]),
            direction: Some(direction),
            kind: match question.is_text("kind") {
                Some("INVOICE") => Some(InvoiceKind::Invoice),
                Some("CREDIT_NOTE") => Some(InvoiceKind::CreditNote),
                _ => None,
            },
            open,
            due_before: question
                .days("due_date")
                .1
                .and_then(|day| day.checked_add(1.day()).ok())
                .into_iter()
                .chain(overdue)
                .min(),
            issued_from,
            issued_to,
        }
    }

    fn invoice(&self, invoice: &Invoice, owner: &Owner, as_of: Timestamp) -> Row {
        let amounts = [invoice.net(), invoice.tax(), invoice.total(), invoice.paid(), invoice.balance()];
        let document = Side::of(&amounts, |booked| booked.document);
        let company = Side::of(&amounts, |booked| booked.company);
        let mut ids = invoice.project_ids.iter();
        let only = ids.next().filter(|_| ids.next().is_none());
        let all: Vec<&str> = invoice.project_ids.iter().map(crate::domain::ProjectId::as_str).collect();
        let mut row = vec![
            global_id(node(invoice.direction), owner, invoice.id.as_str()),
            text(invoice.number.as_deref()),
            text(Some(word(invoice.direction))),
            text(Some(match invoice.kind {
                InvoiceKind::Invoice => "INVOICE",
                InvoiceKind::CreditNote => "CREDIT_NOTE",
            })),
            text(Some(match invoice.status(self.clock.today()) {
                InvoiceStatus::Draft => "DRAFT",
                InvoiceStatus::Open => "OPEN",
                InvoiceStatus::PartiallyPaid => "PARTIALLY_PAID",
                InvoiceStatus::Paid => "PAID",
                InvoiceStatus::Overdue => "OVERDUE",
                InvoiceStatus::Void => "VOID",
                InvoiceStatus::Unknown(_) => "UNKNOWN",
            })),
            text(invoice.party.as_ref().and_then(|party| party.name.as_deref())),
            date(invoice.issue_date),
            date(invoice.due_date),
        ];
        document.write(&mut row);
        company.write(&mut row);
        row.extend([
            text(only),
            text(Some(all.join(",")).filter(|all| !all.is_empty())),
            text(invoice.url.as_deref()),
            flaws(&invoice.flaws),
            Cell::Moment(as_of),
        ]);
        row
    }
}

/// The amounts of a document in one currency.
struct Side {
    amounts: [Option<Money>; 5],
    currency: Option<Money>,
}

impl Side {
    fn of(amounts: &[Booked; 5], side: impl Fn(&Booked) -> Option<Money>) -> Self {
        let amounts = amounts.each_ref().map(side);
        Self { amounts, currency: amounts.into_iter().flatten().next() }
    }

    /// The amounts, and their currency behind them. One in another currency than the others is none of them.
    fn write(&self, row: &mut Row) {
        let same = |money: &Money| self.currency.is_some_and(|of| of.currency == money.currency);
        row.extend(self.amounts.iter().map(|money| amount(money.filter(same))));
        row.push(currency(self.currency));
    }
}

pub(super) fn node(direction: Direction) -> IdNode {
    match direction {
        Direction::Receivable => IdNode::Invoice,
        Direction::Payable => IdNode::Bill,
    }
}

/// Whether a role shows documents of a direction: bills of vendors are costs.
fn is_shown(direction: Direction, view: &View) -> bool {
    view.reads(match direction {
        Direction::Receivable => Class::Receivables,
        Direction::Payable => Class::Costs,
    })
}

fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Receivable => "RECEIVABLE",
        Direction::Payable => "PAYABLE",
    }
}
