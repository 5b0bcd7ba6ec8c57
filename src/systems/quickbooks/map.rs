//! From what QuickBooks Online sends to the canonical words. Pure.
//!
//! Amounts are in the currency of the transaction. In the home currency QuickBooks states the total and the balance of sales
//! (`HomeTotalAmt`, `HomeBalance`) and the balance of bills; those are taken as stated. What it does not state there, lines
//! above all, is its amount times the `ExchangeRate` that stands on the same transaction, rounded to the currency's places, as
//! QuickBooks posts it. No rate comes from anywhere else.

use std::sync::Arc;

use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};
use smallvec::SmallVec;

use super::client::{Currencies, Entity};
use super::config::Carrier;
use super::customers::{Customers, Place};
use super::wire::{self, Number, Ref};
use crate::domain::{
    Amounts, Booked, Currency, Direction, Flaw, FlawKind, Invoice, InvoiceId, InvoiceKind, InvoiceLine, InvoiceState,
    Money, Party, Payment, ProjectId, SharedIdRule, digits, parse_currency,
};
use crate::systems::text::text;

/// A kind of document that bills or takes back.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct DocumentType {
    pub(super) entity: Entity,
    pub(super) direction: Direction,
    pub(super) kind: InvoiceKind,
    /// Whether it is paid on the spot: a receipt has no balance.
    pub(super) receipt: bool,
}

/// What the mapping has to know of the configuration.
#[derive(Debug)]
pub(super) struct Mapper {
    pub(super) rule: SharedIdRule,
    pub(super) document_url: Option<String>,
    pub(super) labour_accounts: Vec<String>,
}

/// What the mapping has to know of the company.
#[derive(Debug, Clone, Copy)]
pub(super) struct Company<'a> {
    pub(super) currencies: Currencies,
    pub(super) customers: &'a Customers,
}

impl Mapper {
    /// A document. `carrier` says whose project counts: the customer's, or that in a custom field.
    pub(super) fn invoice(
        &self,
        kind: &DocumentType,
        document: &wire::Document,
        carrier: &Carrier,
        company: Company<'_>,
    ) -> Invoice {
        let mut reading = Reading::new(document, company.currencies);
        let lines: Vec<InvoiceLine> = flat(&document.line)
            .filter_map(|line| {
                let net = reading.booked("lines", line.amount.as_ref(), None);
                line.amount.is_some().then(|| InvoiceLine {
                    description: text(line.description.as_deref()),
                    quantity: reading.number("lines", detail(line).and_then(|detail| detail.qty.as_ref())),
                    net: if is(line, "DiscountLineDetail") { net.negated() } else { net },
                    project_id: match self.line_place(document, line, carrier, company.customers) {
                        Place::Project(id) => Some(id),
                        Place::Nobody | Place::Lost(_) => None,
                    },
                })
            })
            .collect();
        let (total, net) = reading.total_and_net(document, &lines);
        let balance = if kind.receipt { reading.zero() } else { reading.balance(document, total) };
        let issue_date = reading.date("issueDate", document.txn_date.as_deref());
        let due_date = reading.date("dueDate", document.due_date.as_deref());
        let mut project_ids: SmallVec<[ProjectId; 1]> = SmallVec::new();
        let of_document = match self.document_place(document, carrier, company.customers) {
            Place::Project(id) if lines.is_empty() => Some(id),
            _ => None,
        };
        for id in lines.iter().filter_map(|line| line.project_id.clone()).chain(of_document) {
            if !project_ids.contains(&id) {
                project_ids.push(id);
            }
        }
        Invoice {
            id: record_id(&kind.entity, &document.id),
            number: text(document.doc_number.as_deref()),
            direction: kind.direction,
            kind: kind.kind,
            state: state(document, total, balance),
            party: match kind.direction {
                Direction::Receivable => company.customers.client(document.customer_ref.as_ref()),
                Direction::Payable => party(document.vendor_ref.as_ref()),
            },
            issue_date,
            due_date,
            amounts: Amounts { net, tax: total.minus(net), total, paid: total.minus(balance), balance }.into(),
            lines: lines.into(),
            payments: None,
            project_ids,
            url: self.url(&kind.entity, &document.id),
            flaws: reading.flaws.into(),
        }
    }

    /// Whom a line is for. Lines of sales name nobody of their own; those of purchases may.
    pub(super) fn line_place(
        &self,
        document: &wire::Document,
        line: &wire::Line,
        carrier: &Carrier,
        customers: &Customers,
    ) -> Place {
        if matches!(carrier, Carrier::CustomField(_)) {
            return self.document_place(document, carrier, customers);
        }
        let own = detail(line).and_then(|detail| detail.customer_ref.as_ref());
        let named = line.project_ref.as_ref().or(document.project_ref.as_ref());
        customers.place(own.or(document.customer_ref.as_ref()), named)
    }

    /// Whom a document is for, as a whole.
    pub(super) fn document_place(&self, document: &wire::Document, carrier: &Carrier, customers: &Customers) -> Place {
        match carrier {
            Carrier::Customer => customers.place(document.customer_ref.as_ref(), document.project_ref.as_ref()),
            Carrier::CustomField(name) => {
                let field = document
                    .custom_field
                    .iter()
                    .find(|field| field.name.as_deref().map(str::trim) == Some(name.trim()));
                let value = field.and_then(|field| field.string_value.as_deref());
                value.and_then(|value| self.rule.parse(value).ok()).map_or(Place::Nobody, Place::Project)
            }
        }
    }

    pub(super) fn url(&self, entity: &Entity, id: &str) -> Option<Arc<str>> {
        let kind = entity.name.to_ascii_lowercase();
        Some(self.document_url.as_deref()?.replace("{type}", &kind).replace("{id}", id).into())
    }
}

/// What came in by a payment for an invoice; nothing if it paid others, or if no money came in: applying a credit memo is kept
/// as a payment of 0.
///
/// A payment may bring money and apply credits at once; its lines say what each invoice got of both together. What of that was
/// money is told where all of the money is on invoices, or where all of the credits are memos for one invoice; else it is unknown.
pub(super) fn payment(payment: &wire::Payment, invoice: &str, currencies: Currencies) -> Option<(Payment, Vec<Flaw>)> {
    let mut reading = Reading::of(payment.currency_ref.as_ref(), payment.exchange_rate.as_ref(), currencies);
    let total = reading.number("payments", payment.total_amt.as_ref());
    if total.is_some_and(|total| total.is_zero()) {
        return None;
    }
    let is_of = |line: &wire::PaymentLine, kind: &str| {
        line.linked_txn.iter().any(|linked| linked.txn_type.as_deref() == Some(kind))
    };
    let pays = |line: &wire::PaymentLine| {
        let is_it = |linked: &wire::LinkedTxn| {
            linked.txn_type.as_deref() == Some("Invoice") && linked.txn_id.as_deref() == Some(invoice)
        };
        line.linked_txn.iter().any(is_it)
    };
    if !payment.line.iter().any(pays) {
        return None;
    }
    let mut sum = |wanted: &dyn Fn(&wire::PaymentLine) -> bool| {
        let lines = payment.line.iter().filter(|line| wanted(line));
        lines
            .map(|line| reading.number("payments", line.amount.as_ref()))
            .try_fold(Decimal::ZERO, |sum, amount| sum.checked_add(amount?))
    };
    let here = sum(&pays);
    let on_invoices = sum(&|line| is_of(line, "Invoice"));
    let credits = sum(&|line| is_of(line, "CreditMemo"));
    let left = match &payment.unapplied_amt {
        None => Some(Decimal::ZERO),
        left => reading.number("payments", left.as_ref()),
    };
    let all_is_money = on_invoices.zip(left).and_then(|(paid, left)| paid.checked_add(left)) == total;
    let nothing_else = payment.line.iter().all(|line| is_of(line, "Invoice") || is_of(line, "CreditMemo"));
    let money = if all_is_money || (nothing_else && credits.is_some_and(|credits| credits.is_zero())) {
        here
    } else if nothing_else && here == on_invoices {
        here.zip(credits).and_then(|(here, credits)| here.checked_sub(credits)).filter(|money| *money >= Decimal::ZERO)
    } else {
        None
    };
    if money.is_some_and(|money| money.is_zero()) {
        return None;
    }
    let amount = reading.both("payments", money, None);
    let date = reading.date("payments", payment.txn_date.as_deref());
    Some((Payment { id: format!("Payment-{}", payment.id).into(), date, amount }, reading.flaws))
}

/// An ID that is unique over the kinds of transactions.
pub(super) fn record_id(entity: &Entity, id: &str) -> InvoiceId {
    InvoiceId::new(format!("{}-{id}", entity.name))
}

/// The lines that carry amounts of their own: those in a bundle instead of it, and none that only adds up others.
pub(super) fn flat(lines: &[wire::Line]) -> impl Iterator<Item = &wire::Line> {
    lines
        .iter()
        .flat_map(|line| match &line.group_line_detail {
            Some(group) if !group.line.is_empty() => group.line.as_slice(),
            _ => std::slice::from_ref(line),
        })
        .filter(|line| {
            !["SubTotalLineDetail", "TaxLineDetail", "DescriptionOnly", "DescriptionLineDetail"]
                .iter()
                .any(|kind| is(line, kind))
        })
}

/// Whether a line is of a kind.
pub(super) fn is(line: &wire::Line, kind: &str) -> bool {
    line.detail_type.as_deref() == Some(kind)
}

pub(super) fn detail(line: &wire::Line) -> Option<&wire::Detail> {
    line.account_based_expense_line_detail.as_ref()
}

/// Voiding a transaction leaves it with nothing, and a word in its note.
pub(super) fn is_void(document: &wire::Document) -> bool {
    let note = document.private_note.as_deref().unwrap_or_default().trim_start();
    let voided = note.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("voided"));
    let nothing =
        |amount: Option<&Number>| amount.is_none_or(|amount| amount.decimal().is_ok_and(|amount| amount.is_zero()));
    voided && nothing(document.total_amt.as_ref()) && document.line.iter().all(|line| nothing(line.amount.as_ref()))
}

/// Whether somebody has approved a transaction, where the company has such that somebody has to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Approval {
    /// It is approved, or nobody has to.
    Given,
    /// It waits, or was rejected.
    Missing,
    /// A word that Intuit's schema does not have.
    Odd(String),
}

pub(super) fn approval(document: &wire::Document) -> Approval {
    let status = document.txn_approval_info.as_ref().and_then(|info| text::<String>(info.approval_status.as_deref()));
    match status.as_deref() {
        None | Some("APPROVED") => Approval::Given,
        Some("PENDING_APPROVAL" | "REQUIRES_APPROVAL" | "IN_PROGRESS" | "REJECTED") => Approval::Missing,
        Some(other) => Approval::Odd(other.to_owned()),
    }
}

/// Whether a document names a customer that is not in the list. Where a field carries the project, nobody asks.
pub(super) fn names_a_stranger(document: &wire::Document, carrier: &Carrier, customers: &Customers) -> bool {
    let of_lines = || flat(&document.line).filter_map(|line| detail(line)?.customer_ref.as_ref());
    *carrier == Carrier::Customer
        && document.customer_ref.iter().chain(of_lines()).any(|customer| customers.lacks(Some(customer)))
}

fn state(document: &wire::Document, total: Booked, balance: Booked) -> InvoiceState {
    if is_void(document) {
        return InvoiceState::Void;
    }
    match approval(document) {
        Approval::Given => {}
        Approval::Missing => return InvoiceState::Draft,
        Approval::Odd(word) => return InvoiceState::Unknown(word),
    }
    match balance.document.or(balance.company) {
        Some(balance) if balance.amount.is_zero() => InvoiceState::Closed,
        Some(_) => InvoiceState::Open,
        // Without a balance nobody can say, unless there was nothing to pay.
        None if total.document.is_some_and(|total| total.amount.is_zero()) => InvoiceState::Closed,
        None => InvoiceState::Unknown(String::new()),
    }
}

pub(super) fn party(reference: Option<&Ref>) -> Option<Box<Party>> {
    let reference = reference?;
    let (id, name) = (text(reference.value.as_deref()), text(reference.name.as_deref()));
    (id.is_some() || name.is_some()).then(|| Box::new(Party { id, name }))
}

/// The fields of one record, as they are read one after the other.
pub(super) struct Reading {
    home: Currency,
    /// The record's currency, if it is known.
    currency: Option<Currency>,
    /// Why it is not; said of each amount, and not of a record without any.
    no_currency: Option<FlawKind>,
    /// Units of the home currency for one of the record's.
    rate: Option<Decimal>,
    pub(super) flaws: Vec<Flaw>,
}

impl Reading {
    pub(super) fn new(document: &wire::Document, currencies: Currencies) -> Self {
        Self::of(document.currency_ref.as_ref(), document.exchange_rate.as_ref(), currencies)
    }

    pub(super) fn of(currency: Option<&Ref>, rate: Option<&Number>, currencies: Currencies) -> Self {
        let code = currency.and_then(|currency| currency.value.as_deref()).map(str::trim).unwrap_or_default();
        let (currency, no_currency) = match parse_currency(code) {
            Ok(currency) => (Some(currency), None),
            // Companies with one currency do not name it.
            Err(_) if code.is_empty() && !currencies.multi => (Some(currencies.home), None),
            Err(_) if code.is_empty() => (None, Some(FlawKind::MissingCurrency)),
            Err(_) => (None, Some(FlawKind::UnknownCurrency)),
        };
        let mut reading = Self { home: currencies.home, currency, no_currency, rate: None, flaws: Vec::new() };
        reading.rate = reading.number("exchangeRate", rate).filter(|rate| *rate > Decimal::ZERO);
        reading
    }

    pub(super) fn flaw(&mut self, field: &'static str, kind: FlawKind) {
        let flaw = Flaw { field, kind };
        if !self.flaws.contains(&flaw) {
            self.flaws.push(flaw);
        }
    }

    pub(super) fn number(&mut self, field: &'static str, number: Option<&Number>) -> Option<Decimal> {
        let read = number?.decimal();
        if read.is_err() {
            self.flaw(field, FlawKind::BadNumber);
        }
        read.ok()
    }

    /// An amount, and what QuickBooks states it to be in the home currency.
    pub(super) fn booked(&mut self, field: &'static str, amount: Option<&Number>, stated: Option<&Number>) -> Booked {
        let stated = self.number(field, stated);
        let amount = self.number(field, amount);
        self.both(field, amount, stated)
    }

    /// An amount in the record's currency as both.
    pub(super) fn both(&mut self, field: &'static str, amount: Option<Decimal>, stated: Option<Decimal>) -> Booked {
        if let (Some(_), Some(kind)) = (amount, self.no_currency) {
            self.flaw(field, kind);
        }
        let document = amount.zip(self.currency).map(|(amount, currency)| Money::new(amount, currency));
        let company = if self.currency == Some(self.home) { amount } else { stated.or_else(|| self.at_rate(amount?)) };
        Booked { document, company: company.map(|amount| Money::new(amount, self.home)) }
    }

    /// An amount in the home currency, by the rate on the record.
    fn at_rate(&self, amount: Decimal) -> Option<Decimal> {
        let exact = amount.checked_mul(self.rate?)?;
        Some(exact.round_dp_with_strategy(digits(self.home), RoundingStrategy::MidpointAwayFromZero))
    }

    fn zero(&mut self) -> Booked {
        self.both("balance", Some(Decimal::ZERO), Some(Decimal::ZERO))
    }

    /// The total as stated, and what is without tax of it. Neither stands there in the home currency (of bills not even the
    /// total): the net is its lines, each posted by itself, where they are all of it.
    fn total_and_net(&mut self, document: &wire::Document, lines: &[InvoiceLine]) -> (Booked, Booked) {
        let tax = document.txn_tax_detail.as_ref().and_then(|detail| detail.total_tax.as_ref());
        let tax = if tax.is_some() { self.number("tax", tax) } else { Some(Decimal::ZERO) };
        let stated = self.number("total", document.home_total_amt.as_ref());
        let total = self.booked("total", document.total_amt.as_ref(), document.home_total_amt.as_ref());
        let amount = self.number("total", document.total_amt.as_ref());
        let net = amount.zip(tax).and_then(|(total, tax)| total.checked_sub(tax));
        if self.currency == Some(self.home) {
            return (total, self.both("net", net, None));
        }
        let sum = |side: fn(&Booked) -> Option<Money>| {
            lines.iter().try_fold(Decimal::ZERO, |sum, line| sum.checked_add(side(&line.net)?.amount))
        };
        let whole = net.is_some() && sum(|booked| booked.document) == net;
        let of_lines = if whole { sum(|booked| booked.company) } else { net.and_then(|net| self.at_rate(net)) };
        let home = |amount: Option<Decimal>| amount.map(|amount| Money::new(amount, self.home));
        let (total_home, net_home) = match stated {
            Some(total) if tax.is_some_and(|tax| tax.is_zero()) => (Some(total), Some(total)),
            Some(total) => (Some(total), of_lines),
            None => {
                let tax = tax.and_then(|tax| self.at_rate(tax));
                (of_lines.zip(tax).and_then(|(net, tax)| net.checked_add(tax)), of_lines)
            }
        };
        let document = net.zip(self.currency).map(|(net, currency)| Money::new(net, currency));
        (Booked { document: total.document, company: home(total_home) }, Booked { document, company: home(net_home) })
    }

    /// What is still open: stated in the home currency for some, and the same as the total, or nothing, in any currency. What
    /// is stated there is the `Balance`: of a credit memo whose `RemainingCredit` is another amount, it says nothing.
    fn balance(&mut self, document: &wire::Document, total: Booked) -> Booked {
        let open = document.remaining_credit.as_ref().or(document.balance.as_ref());
        let Some(amount) = self.number("balance", open) else { return Booked::default() };
        let stated = self.number("balance", document.home_balance.as_ref());
        let is_balance = self.number("balance", document.balance.as_ref()) == Some(amount);
        let stated = stated.filter(|_| is_balance || document.remaining_credit.is_none());
        let stated = if amount.is_zero() { Some(amount) } else { stated };
        let whole = total.document.is_some_and(|total| total.amount == amount);
        let stated = stated.or_else(|| total.company.filter(|_| whole).map(|total| total.amount));
        self.both("balance", Some(amount), stated)
    }

    /// `2026-01-10`, also with a time behind it.
    pub(super) fn date(&mut self, field: &'static str, text: Option<&str>) -> Option<Date> {
        let text = text.map(str::trim).filter(|text| !text.is_empty())?;
        let date = text.get(..10).unwrap_or(text).parse::<Date>().ok();
        if date.is_none() {
            self.flaw(field, FlawKind::BadDate);
        }
        date
    }
}
