//! From what the Service Layer sends to the canonical words. Pure.
//!
//! `DocTotal`, `VatSum`, `LineTotal`, `PaidToDate` are in the company's local currency. Their `Fc` and `FC` twins are in
//! the document's currency, and 0 when that is the local one. Both are taken as recorded; nothing is converted.

use std::collections::BTreeMap;
use std::sync::Arc;

use compact_str::ToCompactString;
use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};
use smallvec::SmallVec;

use super::config::Carrier;
use super::wire::{self, Number};
use crate::domain::{
    Amounts, Booked, Cost, CostKind, CostState, Currency, Direction, Flaw, FlawKind, Invoice, InvoiceId, InvoiceKind,
    InvoiceLine, InvoiceState, Money, Party, Payment, ProjectId, SharedIdRule, digits, parse_currency,
};
use crate::systems::text::text;

/// The company database's own names of currencies.
pub(super) type Currencies = BTreeMap<String, Currency>;

/// A kind of document that bills or takes back.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DocumentType {
    pub(super) set: &'static str,
    pub(super) list: &'static str,
    pub(super) join: &'static str,
    /// Object type, the first part of record IDs.
    pub(super) code: u32,
    pub(super) direction: Direction,
    pub(super) kind: InvoiceKind,
}

/// A kind of document that costs.
#[derive(Debug)]
pub(super) struct CostType {
    pub(super) set: &'static str,
    pub(super) list: &'static str,
    pub(super) join: &'static str,
    pub(super) code: u32,
    pub(super) effect: Effect,
}

/// What a cost document does to a project's costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It is spent.
    Spends,
    /// It takes back what was spent.
    TakesBack,
    /// Its open lines will be spent.
    Commits,
}

/// What the mapping has to know of the configuration.
#[derive(Debug)]
pub(super) struct Mapper {
    pub(super) rule: SharedIdRule,
    pub(super) currencies: Currencies,
    pub(super) document_url: Option<String>,
    pub(super) labour_accounts: Vec<String>,
    pub(super) expense_accounts: Vec<String>,
}

impl Mapper {
    /// A document. `carrier` says whose project counts: the document's, or that of each line.
    pub(super) fn invoice(
        &self,
        kind: &DocumentType,
        document: &wire::Document,
        carrier: Carrier,
        local: Currency,
    ) -> Invoice {
        let header = document.project.as_deref();
        let mut reading = self.reading(document.doc_currency.as_deref(), local);
        let total = reading.booked("total", document.doc_total.as_ref(), document.doc_total_fc.as_ref());
        let tax = reading.booked("tax", document.vat_sum.as_ref(), document.vat_sum_fc.as_ref());
        let paid = reading.booked("paid", document.paid_to_date.as_ref(), document.paid_to_date_fc.as_ref());
        let issue_date = reading.date("issueDate", document.doc_date.as_deref());
        let due_date = reading.date("dueDate", document.doc_due_date.as_deref());
        let lines: Vec<InvoiceLine> = document
            .document_lines
            .iter()
            .map(|line| InvoiceLine {
                description: text(line.item_description.as_deref()),
                quantity: reading.number("lines", line.quantity.as_ref()),
                net: reading.booked("lines", line.line_total.as_ref(), line.row_total_fc.as_ref()),
                project_id: match carrier {
                    Carrier::Header => self.project(line.project_code.as_deref()),
                    Carrier::Lines => self.line_project(line.project_code.as_deref(), header),
                },
            })
            .collect();
        let mut project_ids: SmallVec<[ProjectId; 1]> = SmallVec::new();
        let owners: Vec<Option<ProjectId>> = match carrier {
            Carrier::Lines if !lines.is_empty() => lines.iter().map(|line| line.project_id.clone()).collect(),
            _ => vec![self.project(header)],
        };
        for id in owners.into_iter().flatten() {
            if !project_ids.contains(&id) {
                project_ids.push(id);
            }
        }
        Invoice {
            id: InvoiceId::new(format!("{}-{}", kind.code, document.doc_entry)),
            number: document.doc_num.map(|number| number.to_compact_string()),
            direction: kind.direction,
            kind: kind.kind,
            state: state(document),
            party: party(document),
            issue_date,
            due_date,
            amounts: Amounts { net: total.minus(tax), tax, total, paid, balance: total.minus(paid) }.into(),
            lines: lines.into(),
            payments: None,
            project_ids,
            url: self.url(kind.code, document),
            flaws: reading.flaws.into(),
        }
    }

    /// What a line of a document costs, and whom. Nothing for lines without a usable shared ID, lines of cancelled
    /// documents, and lines of orders with nothing open.
    pub(super) fn line_cost(
        &self,
        kind: &CostType,
        (document, line): (&wire::Document, &wire::DocumentLine),
        carrier: Carrier,
        local: Currency,
    ) -> Option<(ProjectId, Cost)> {
        let header = document.project.as_deref();
        let project = match carrier {
            Carrier::Header => self.project(header),
            Carrier::Lines => self.line_project(line.project_code.as_deref(), header),
        }?;
        if state(document) == InvoiceState::Void {
            return None;
        }
        let mut reading = self.reading(document.doc_currency.as_deref(), local);
        let amount = match kind.effect {
            Effect::Spends | Effect::TakesBack => {
                reading.booked("amount", line.line_total.as_ref(), line.row_total_fc.as_ref())
            }
            Effect::Commits => {
                if !is(line.line_status.as_deref(), "bost_Open", "O") {
                    return None;
                }
                reading.booked("amount", line.open_amount.as_ref(), line.open_amount_fc.as_ref())
            }
        };
        // A discount on the whole document is not in the amounts of its lines.
        let discount = reading.number("amount", document.discount_percent.as_ref()).unwrap_or_default();
        let amount = if discount.is_zero() { amount } else { reading.discounted(amount, discount) };
        let date = reading.date("date", document.doc_date.as_deref());
        let cost = Cost {
            id: format!("{}-{}-{}", kind.code, document.doc_entry, line.line_num).into(),
            kind: CostKind::Vendor,
            state: if kind.effect == Effect::Commits { CostState::Committed } else { CostState::Actual },
            date,
            amount: if kind.effect == Effect::TakesBack { amount.negated() } else { amount },
            description: text(line.item_description.as_deref()),
            party: party(document),
            document: document.doc_num.map(|number| number.to_compact_string()),
            url: self.url(kind.code, document),
            flaws: reading.flaws.into(),
        };
        Some((project, cost))
    }

    /// What a row of the journal costs, and whom. Nothing for rows on accounts that hold no costs.
    pub(super) fn journal_cost(&self, row: &wire::JournalRow, local: Currency) -> Option<(ProjectId, Cost)> {
        let project = self.project(row.project.as_deref())?;
        let kind = self.account_kind(row.account.as_deref()?.trim())?;
        let foreign = row.fc_currency.as_deref().map(str::trim).filter(|code| !code.is_empty());
        let mut reading = self.reading(None, local);
        reading.currency = match foreign {
            Some(code) => reading.known(code),
            None => Some(local),
        };
        let debit = reading.booked("amount", row.debit.as_ref(), row.fc_debit.as_ref());
        let credit = reading.booked("amount", row.credit.as_ref(), row.fc_credit.as_ref());
        let date = reading.date("date", row.ref_date.as_deref());
        let cost = Cost {
            id: format!("30-{}-{}", row.trans_id, row.line_id).into(),
            kind,
            state: CostState::Actual,
            date,
            amount: debit.minus(credit),
            description: text(row.line_memo.as_deref()).or_else(|| text(row.memo.as_deref())),
            party: None,
            document: Some(row.trans_id.to_string().into()),
            url: None,
            flaws: reading.flaws.into(),
        };
        Some((project, cost))
    }

    /// What a payment paid of a document; nothing if it was cancelled or paid others.
    pub(super) fn payment(
        &self,
        payment: &wire::Payment,
        (kind, document): (&DocumentType, &wire::Document),
        local: Currency,
    ) -> Option<Payment> {
        if is(payment.cancelled.as_deref(), "tYES", "Y") {
            return None;
        }
        let mut reading = self.reading(document.doc_currency.as_deref(), local);
        // Instalments are rows of their own.
        let amounts: Vec<Booked> = payment
            .payment_invoices
            .iter()
            .filter(|row| row.doc_entry == Some(document.doc_entry) && pays(kind, row.invoice_type.as_deref()))
            .map(|row| reading.booked("payments", row.sum_applied.as_ref(), row.applied_fc.as_ref()))
            .collect();
        let amount = amounts.into_iter().reduce(|a, b| a.minus(b.negated()))?;
        let date = reading.date("payments", payment.doc_date.as_deref());
        Some(Payment { id: format!("24-{}", payment.doc_entry).into(), date, amount })
    }

    /// A shared ID, if the code is one.
    pub(super) fn project(&self, code: Option<&str>) -> Option<ProjectId> {
        self.rule.parse(code?).ok()
    }

    /// The project of a line: its own code, and the document's only where it has none. A code of its own that is no
    /// shared ID belongs elsewhere, and not to the document's project.
    fn line_project(&self, line: Option<&str>, header: Option<&str>) -> Option<ProjectId> {
        let own = line.filter(|code| !code.trim().is_empty());
        self.project(own.or(header))
    }

    /// What an account holds, by the longest beginning that fits.
    fn account_kind(&self, account: &str) -> Option<CostKind> {
        let longest = |prefixes: &[String]| {
            prefixes.iter().filter(|prefix| account.starts_with(prefix.as_str())).map(String::len).max()
        };
        match (longest(&self.labour_accounts), longest(&self.expense_accounts)) {
            (None, None) => None,
            (labour, expense) if labour >= expense => Some(CostKind::Labour),
            _ => Some(CostKind::Expense),
        }
    }

    fn url(&self, code: u32, document: &wire::Document) -> Option<Arc<str>> {
        let number = document.doc_num.map_or_else(String::new, |number| number.to_string());
        let url = self
            .document_url
            .as_deref()?
            .replace("{type}", &code.to_string())
            .replace("{entry}", &document.doc_entry.to_string())
            .replace("{number}", &number);
        Some(url.into())
    }

    fn reading(&self, code: Option<&str>, local: Currency) -> Reading<'_> {
        let mut reading =
            Reading { names: &self.currencies, local, currency: None, no_currency: None, flaws: Vec::new() };
        reading.currency = reading.known(code.unwrap_or_default());
        reading
    }
}

/// The fields of one record, as they are read one after the other.
struct Reading<'a> {
    names: &'a Currencies,
    local: Currency,
    /// The document's currency, if it is known.
    currency: Option<Currency>,
    /// Why it is not; said of each amount, and not of a document without any.
    no_currency: Option<FlawKind>,
    flaws: Vec<Flaw>,
}

impl Reading<'_> {
    fn known(&mut self, code: &str) -> Option<Currency> {
        let code = code.trim();
        let currency = self.names.get(code).copied().or_else(|| parse_currency(code).ok());
        self.no_currency = match currency {
            Some(_) => None,
            None if code.is_empty() => Some(FlawKind::MissingCurrency),
            None => Some(FlawKind::UnknownCurrency),
        };
        currency
    }

    fn flaw(&mut self, field: &'static str, kind: FlawKind) {
        let flaw = Flaw { field, kind };
        if !self.flaws.contains(&flaw) {
            self.flaws.push(flaw);
        }
    }

    fn number(&mut self, field: &'static str, number: Option<&Number>) -> Option<Decimal> {
        let read = number?.decimal();
        if read.is_err() {
            self.flaw(field, FlawKind::BadNumber);
        }
        read.ok()
    }

    /// An amount as recorded in both currencies.
    fn booked(&mut self, field: &'static str, local: Option<&Number>, foreign: Option<&Number>) -> Booked {
        let company = self.number(field, local).map(|amount| Money::new(amount, self.local));
        let document = match self.currency {
            Some(currency) if currency == self.local => company,
            Some(currency) => self.number(field, foreign).map(|amount| Money::new(amount, currency)),
            None => {
                if let Some(kind) = self.no_currency.filter(|_| local.is_some() || foreign.is_some()) {
                    self.flaw(field, kind);
                }
                None
            }
        };
        Booked { document, company }
    }

    fn discounted(&mut self, amount: Booked, percent: Decimal) -> Booked {
        let cut = |money: Option<Money>| {
            let money = money?;
            let left = Decimal::ONE_HUNDRED.checked_sub(percent)?;
            let cut = money.amount.checked_mul(left)?.checked_div(Decimal::ONE_HUNDRED)?;
            Some(Money::new(
                cut.round_dp_with_strategy(digits(money.currency), RoundingStrategy::MidpointAwayFromZero),
                money.currency,
            ))
        };
        let cut = Booked { document: cut(amount.document), company: cut(amount.company) };
        if cut.is_unknown() && !amount.is_unknown() {
            self.flaw("amount", FlawKind::BadNumber);
        }
        cut
    }

    /// `2026-01-10`, `2026-01-10T00:00:00Z` or `20260110`: the dialects and stored queries differ.
    fn date(&mut self, field: &'static str, text: Option<&str>) -> Option<Date> {
        let text = text.map(str::trim).filter(|text| !text.is_empty())?;
        let day = if text.len() == 8 { text } else { text.get(..10).unwrap_or(text) };
        let date = day.parse::<Date>().ok();
        if date.is_none() {
            self.flaw(field, FlawKind::BadDate);
        }
        date
    }
}

/// How the document stands. Cancelling an invoice makes a second document: both are void. Cancelling an order only
/// marks it.
fn state(document: &wire::Document) -> InvoiceState {
    let cancelled = document.cancelled.as_deref();
    match document.cancel_status.as_deref().map(str::trim) {
        Some("csYes" | "Y" | "csCancellation" | "C") => return InvoiceState::Void,
        _ if is(cancelled, "tYES", "Y") => return InvoiceState::Void,
        None | Some("csNo" | "N" | "") => {}
        Some(other) => return InvoiceState::Unknown(other.to_owned()),
    }
    match document.document_status.as_deref().map(str::trim) {
        Some("bost_Open" | "O") => InvoiceState::Open,
        Some("bost_Close" | "C" | "bost_Paid" | "P") => InvoiceState::Closed,
        other => InvoiceState::Unknown(other.unwrap_or_default().to_owned()),
    }
}

fn pays(kind: &DocumentType, invoice_type: Option<&str>) -> bool {
    match kind.kind {
        InvoiceKind::Invoice => is(invoice_type, "it_Invoice", "13"),
        // The metadata spells it so.
        InvoiceKind::CreditNote => is(invoice_type, "it_CredItnote", "14"),
    }
}

/// Whether an enumeration has a value, by its name or by what the database keeps.
fn is(value: Option<&str>, name: &str, kept: &str) -> bool {
    value.map(str::trim).is_some_and(|value| value == name || value == kept)
}

fn party(document: &wire::Document) -> Option<Box<Party>> {
    let (id, name) = (text(document.card_code.as_deref()), text(document.card_name.as_deref()));
    (id.is_some() || name.is_some()).then(|| Box::new(Party { id, name }))
}
