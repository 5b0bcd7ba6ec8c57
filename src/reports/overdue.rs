//! The report of invoices that are open after their due date: one row per invoice.

use std::collections::HashSet;

use rust_decimal::Decimal;

use super::portfolio::Pages;
use super::ready::CURRENCY;
use super::table::{Cell, Column, ColumnKind};
use super::{Filter, ReportError, Reports, Table};
use crate::domain::{
    Booked, Currency, Direction, Domain, InvoiceKind, InvoiceQuery, InvoiceState, Money, ProjectId, Rates,
};
use crate::finance::{Completeness, Exclusion};
use crate::reads::ReadOptions;
use crate::systems::Priority;

/// Its columns.
pub(super) static COLUMNS: [Column; 10] = [
    Column::new("client", "Client", ColumnKind::Text, "Who owes, by the name in the books; empty if it is not stated.")
        .of("Invoice.party"),
    Column::new("client_id", "Client code", ColumnKind::Text, "Its code in the books; empty if it is not stated.")
        .of("Invoice.party"),
    Column::new("number", "Number", ColumnKind::Text, "Number of the invoice.").of("Invoice.number"),
    Column::new(
        "project_id",
        "Project",
        ColumnKind::Text,
        "Shared IDs of the projects it is for, separated by spaces.",
    ),
    Column::new("issue_date", "Issued", ColumnKind::Date, "When it was issued.").of("Invoice.issueDate"),
    Column::new("due_date", "Due", ColumnKind::Date, "When it was due.").of("Invoice.dueDate"),
    Column::new("days_overdue", "Days overdue", ColumnKind::Count, "Days since it was due.").of("Invoice.dueDate"),
    CURRENCY,
    Column::new("total", "Total", ColumnKind::Amount, "With tax; empty if it is unknown in the row's currency.")
        .of("Invoice.total"),
    Column::new(
        "balance",
        "Open",
        ColumnKind::Amount,
        "Still open, with tax; empty if it is unknown in the row's currency.",
    )
    .of("Invoice.balance"),
];

/// Makes the report. Of the filter only the currency has a meaning here.
pub(super) async fn table(reports: &Reports, filter: &Filter, options: &ReadOptions) -> Result<Table, ReportError> {
    if (Filter { currency: filter.currency, ..Filter::default() }) != *filter {
        return Err(ReportError::Filter("this report is about invoices: of the filters it takes `currency` alone"));
    }
    let today = reports.clock.today();
    let options = ReadOptions { priority: Priority::Report, ..options.clone() };
    let query = InvoiceQuery {
        direction: Some(Direction::Receivable),
        open: Some(true),
        due_before: Some(today),
        ..InvoiceQuery::default()
    };
    let owners = &reports.reads.receivables;
    if owners.all().len() == 0 {
        return Err(ReportError::NotOwned(Domain::Receivables));
    }
    let wanted = filter.currency.or(reports.settings.currency.map(|currency| currency.0));
    let rates = reports.settings.exchange();
    let mut rows = Vec::new();
    let (mut completeness, mut converted) = (Completeness::default(), false);
    for owner in owners.all() {
        let (mut pages, mut told) = (Pages::of(&owner.pages, &query), HashSet::new());
        while let Some(read) = pages.next(&options).await? {
            let invoices = read.value.as_ref().map(|page| page.items.as_slice()).unwrap_or_default();
            let ids = invoices.iter().flat_map(|invoice| invoice.project_ids.iter().cloned());
            let seen = reports.projects_seen(&options, ids).await?;
            for invoice in invoices {
                if !seen.has_one_of(&invoice.project_ids) {
                    continue;
                }
                let Some(due) = invoice.due_date.filter(|due| *due < today) else { continue };
                let own =
                    reports.reads.owns_invoices(&owner.owner.connection, Direction::Receivable, &invoice.project_ids);
                if !own || invoice.kind != InvoiceKind::Invoice || invoice.state != InvoiceState::Open {
                    continue;
                }
                // One comes again when others were added to the list meanwhile.
                if !told.insert(invoice.id.clone()) {
                    continue;
                }
                let currency = wanted.or_else(|| shown(invoice.balance())).or_else(|| shown(invoice.total()));
                let mut amount = |booked: Booked| in_currency(booked, currency?, rates.as_ref(), &mut converted);
                let (total, balance) = (amount(invoice.total()), amount(invoice.balance()));
                if balance.is_some() {
                    completeness.included += 1;
                } else {
                    let unknown = invoice.balance().is_unknown();
                    completeness.leave_out(if unknown { Exclusion::MissingAmount } else { Exclusion::MissingRate });
                }
                let ids: Vec<&str> = invoice.project_ids.iter().map(ProjectId::as_str).collect();
                let party = invoice.party.as_ref();
                let days = i64::from(today.since(due).map_or(0, |span| span.get_days()));
                let cells = vec![
                    Cell::maybe(party.and_then(|party| party.name.as_deref())),
                    Cell::maybe(party.and_then(|party| party.id.as_deref())),
                    Cell::maybe(invoice.number.as_deref()),
                    Cell::maybe(Some(ids.join(" ").as_str()).filter(|ids| !ids.is_empty())),
                    invoice.issue_date.map_or(Cell::Empty, Cell::Date),
                    Cell::Date(due),
                    Cell::Count(u64::try_from(days).unwrap_or_default()),
                    currency.map_or(Cell::Empty, |currency| Cell::text(currency.code())),
                    Cell::decimal(total),
                    Cell::decimal(balance),
                ];
                rows.push((due, invoice.number.clone(), cells));
            }
        }
    }
    rows.sort_by(|one, other| (one.0, &one.1).cmp(&(other.0, &other.1)));
    let rows = rows.into_iter().map(|(_, _, cells)| cells).collect();
    Ok(reports.table(&COLUMNS, rows, completeness, converted, &options))
}

fn shown(booked: Booked) -> Option<Currency> {
    booked.document.or(booked.company).map(|money| money.currency)
}

/// An amount in a currency: as it was booked, else by the exchange rates.
fn in_currency(booked: Booked, currency: Currency, rates: Option<&Rates>, converted: &mut bool) -> Option<Decimal> {
    let sides = [booked.document, booked.company];
    if let Some(money) = sides.into_iter().flatten().find(|money| money.currency == currency) {
        return Some(money.amount);
    }
    let money: Option<Money> = sides.into_iter().flatten().next();
    let money = rates?.convert(money?, currency)?;
    *converted = true;
    Some(money.amount)
}
