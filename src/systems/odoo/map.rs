//! From Odoo's structs to the domain's. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};
use smallvec::SmallVec;

use super::record::Record;
use super::wire::{self, Link, Number};
use crate::domain::{
    Amounts, Booked, Currency, Direction, Flaw, FlawKind, Invoice, InvoiceId, InvoiceKind, InvoiceLine, InvoiceState,
    Money, Party, Payment, ProjectId, SharedIdRule, Sum, digits, parse_currency,
};
use crate::systems::labour::Labour;
use crate::systems::text::text;

/// What the mapping has to know of the configuration.
#[derive(Debug)]
pub(super) struct Mapper {
    pub(super) rule: SharedIdRule,
    /// Address of the server, without a slash at its end.
    pub(super) base_url: String,
    pub(super) labour: Labour,
    pub(super) labour_accounts: Vec<String>,
    /// Whether hours at a cost of 0 cost nothing; else nobody knows what they cost.
    pub(super) free_hours: bool,
}

/// What is for which project.
#[derive(Debug)]
pub(super) enum Projects {
    /// Analytic accounts. Several may stand for one project.
    OfAccounts(HashMap<u64, ProjectId>),
    /// Documents that carry the shared ID themselves.
    OfDocuments(HashMap<u64, ProjectId>),
}

/// A part of a line: whose it is (nobody's, if its account stands for no project), and how much of it.
pub(super) type Part = (Option<ProjectId>, Booked);

impl Mapper {
    /// The shared ID in a field; in a name it is the first word.
    pub(super) fn shared_id(&self, field: &str, text: Option<&str>) -> Option<ProjectId> {
        let text = text?;
        let text = if field == "name" { text.split_whitespace().next()? } else { text };
        self.rule.parse(text).ok()
    }

    /// A document with its lines. Amounts are positive on credit notes too.
    pub(super) fn invoice(&self, document: &wire::Move, lines: &[wire::Line], projects: &Projects) -> Invoice {
        let mut reading = Reading::default();
        let (direction, kind, sign) = document_kind(&document.move_type);
        let own = reading.currency("total", document.currency_id.as_ref());
        let company = reading.currency("total", document.company_currency_id.as_ref());
        let mut booked = |field, amount: Option<&Number>, signed: Option<&Number>| Booked {
            document: reading.money(field, amount, own),
            company: reading.money(field, signed, company).map(|money| signed_by(money, sign)),
        };
        let net = booked("net", document.amount_untaxed.as_ref(), document.amount_untaxed_signed.as_ref());
        let total = booked("total", document.amount_total.as_ref(), document.amount_total_signed.as_ref());
        let left = booked("balance", document.amount_residual.as_ref(), document.amount_residual_signed.as_ref());
        let balance = match document.state.as_str() {
            // Nothing was paid yet, and nothing is open of what does not count.
            "draft" => total,
            "cancel" => total.minus(total),
            _ if is_settled_elsewhere(document, left) => Booked::default(),
            _ => left,
        };
        let issue_date = reading.date("issueDate", document.invoice_date.as_deref().or(document.date.as_deref()));
        let due_date = reading.date("dueDate", document.invoice_date_due.as_deref());
        let mut parts = Vec::new();
        // Purchases stand in the debit, sales in the credit; credit notes the other way round.
        let debit = (direction == Direction::Payable) == (kind == InvoiceKind::Invoice);
        for line in lines {
            let amount = reading.line(line);
            let amount = if debit { amount } else { amount.negated() };
            for (project_id, net) in split(line, amount, projects) {
                parts.push(InvoiceLine {
                    description: text(line.name.as_deref()),
                    quantity: reading.number("lines", line.quantity.as_ref()).map(|number| number.normalize()),
                    net,
                    project_id,
                });
            }
        }
        let mut project_ids: SmallVec<[ProjectId; 1]> = SmallVec::new();
        let owner = match projects {
            Projects::OfDocuments(owners) => owners.get(&document.id.0),
            Projects::OfAccounts(_) => None,
        };
        for id in owner.into_iter().chain(parts.iter().filter_map(|part| part.project_id.as_ref())) {
            if !project_ids.contains(id) {
                project_ids.push(id.clone());
            }
        }
        Invoice {
            id: InvoiceId::new(document.id.0.to_string()),
            // A draft has no number yet.
            number: document.name.as_deref().map(str::trim).filter(|name| !matches!(*name, "/" | "")).map(Into::into),
            direction,
            kind,
            state: state(document, left),
            party: party(document.partner_id.as_ref()),
            issue_date,
            due_date,
            amounts: Amounts { net, tax: total.minus(net), total, paid: total.minus(balance), balance }.into(),
            lines: parts.into(),
            payments: None,
            project_ids,
            url: Some(self.url("account.move", document.id.0)),
            flaws: reading.flaws.into(),
        }
    }

    /// What was invoiced by documents of one type, currency and company, and carries the shared ID in `field`: of no
    /// project if the text there is no shared ID; none if the group cannot be read.
    pub(super) fn invoiced(
        &self,
        field: &str,
        group: &Record,
        companies: &HashMap<u64, Option<Currency>>,
    ) -> Option<(Option<ProjectId>, Sum)> {
        let text = group.text(field)?;
        let (_, kind, sign) = document_kind(&group.text("move_type")?);
        let records = group.count()?;
        let project = self.shared_id(field, Some(&text));
        let mut reading = Reading::default();
        let own = reading.currency("net", group.link("currency_id").as_ref());
        let company = companies.get(&group.link("company_id")?.id()).copied().flatten();
        let net = Booked {
            document: reading.money("net", group.sum("amount_untaxed").as_ref(), own),
            company: reading
                .money("net", group.sum("amount_untaxed_signed").as_ref(), company)
                .map(|money| signed_by(money, sign)),
        };
        let amount = if kind == InvoiceKind::CreditNote { net.negated() } else { net };
        Some((project, Sum { amount, records }))
    }

    /// A link that opens a record in every version.
    pub(super) fn url(&self, model: &str, id: u64) -> Arc<str> {
        format!("{}/mail/view?model={model}&res_id={id}", self.base_url).into()
    }
}

/// A line's amount, cut by its shares.
pub(super) fn split(line: &wire::Line, amount: Booked, projects: &Projects) -> Vec<Part> {
    match projects {
        Projects::OfDocuments(owners) => {
            vec![(line.move_id.as_ref().and_then(|document| owners.get(&document.id())).cloned(), amount)]
        }
        Projects::OfAccounts(_) => {
            let shares = shares(line.analytic_distribution.as_ref(), line.analytic_account_id.as_ref());
            parts(&shares, amount, projects)
        }
    }
}

/// An amount, cut by shares: of each project what the accounts that stand for it have, and nobody's what is left.
/// Accounts of other plans say nothing of projects. If the share of one project cannot be told, no part can.
pub(super) fn parts(shares: &[(Vec<u64>, Option<Decimal>)], amount: Booked, projects: &Projects) -> Vec<Part> {
    let Projects::OfAccounts(owners) = projects else { return vec![(None, amount)] };
    let mut weights: Vec<(Option<ProjectId>, Decimal)> = Vec::new();
    let mut is_known = true;
    for (accounts, share) in shares {
        let Some(owner) = accounts.iter().find_map(|account| owners.get(account)) else { continue };
        is_known &= share.is_some();
        let share = share.unwrap_or_default();
        match weights.iter_mut().find(|(project, _)| project.as_ref() == Some(owner)) {
            Some((_, weight)) => *weight = weight.saturating_add(share),
            None => weights.push((Some(owner.clone()), share)),
        }
    }
    let given = weights.iter().fold(Decimal::ZERO, |sum, (_, weight)| sum.saturating_add(*weight));
    let rest = Decimal::ONE_HUNDRED.saturating_sub(given);
    if rest > Decimal::ZERO || !is_known {
        weights.push((None, rest));
    }
    if !is_known {
        return weights.into_iter().map(|(project, _)| (project, Booked::default())).collect();
    }
    let document = cut(amount.document, &weights);
    let company = cut(amount.company, &weights);
    let amounts = document.into_iter().zip(company).map(|(document, company)| Booked { document, company });
    weights.into_iter().map(|(project, _)| project).zip(amounts).collect()
}

/// What a payment settled of a document; nothing if it only settled a difference of exchange rates.
pub(super) fn payment(
    partial: &wire::Partial,
    document: &Invoice,
    (journal_entry, date): (u64, Option<&str>),
) -> Option<Payment> {
    let mut reading = Reading::default();
    let own = document.total().document?.currency;
    let company = document.total().company?.currency;
    // The document is on one side, and the amount is kept in the currency of each.
    let side = if is_debit(document) { &partial.debit_amount_currency } else { &partial.credit_amount_currency };
    let amount = Booked {
        document: reading.money("payments", side.as_ref(), Some(own)),
        company: reading.money("payments", partial.amount.as_ref(), Some(company)),
    };
    if amount.document.is_some_and(|money| money.amount.is_zero()) {
        return None;
    }
    Some(Payment { id: journal_entry.to_string().into(), date: reading.date("payments", date), amount })
}

/// Whether the open item of a document stands in the debit.
pub(super) fn is_debit(document: &Invoice) -> bool {
    (document.direction == Direction::Receivable) == (document.kind == InvoiceKind::Invoice)
}

/// Cuts an amount in per cent. Parts are cut from the running sum, so that all of it is given, to the last cent.
fn cut(amount: Option<Money>, weights: &[(Option<ProjectId>, Decimal)]) -> Vec<Option<Money>> {
    let (mut so_far, mut given) = (Decimal::ZERO, Decimal::ZERO);
    let parts = weights.iter().map(|(_, weight)| {
        let money = amount?;
        so_far = so_far.checked_add(*weight)?;
        let due = rounded(money.amount.checked_mul(so_far)?.checked_div(Decimal::ONE_HUNDRED)?, money.currency);
        let part = due.checked_sub(given)?;
        given = due;
        Some(Money::new(part, money.currency))
    });
    parts.collect()
}

/// The shares of a line, by whichever way it names them. One that cannot be read is unknown.
pub(super) fn shares(distribution: Option<&wire::Shares>, account: Option<&Link>) -> Vec<(Vec<u64>, Option<Decimal>)> {
    let distribution = distribution.map(|shares| shares.0.as_slice()).unwrap_or_default();
    let shares = distribution.iter().map(|(accounts, share)| (accounts.clone(), share.decimal().ok()));
    shares.chain(account.map(|account| (vec![account.id()], Some(Decimal::ONE_HUNDRED)))).collect()
}

/// The accounts that a line names.
pub(super) fn accounts<'l>(
    distribution: Option<&'l wire::Shares>,
    account: Option<&'l Link>,
) -> impl Iterator<Item = u64> + 'l {
    let distribution = distribution.map(|shares| shares.0.as_slice()).unwrap_or_default();
    distribution.iter().flat_map(|(accounts, _)| accounts.iter().copied()).chain(account.map(Link::id))
}

/// What a type of journal entry is, and the sign of its amounts in the company's currency.
fn document_kind(move_type: &str) -> (Direction, InvoiceKind, i64) {
    match move_type {
        "out_refund" => (Direction::Receivable, InvoiceKind::CreditNote, -1),
        "in_refund" => (Direction::Payable, InvoiceKind::CreditNote, 1),
        "in_invoice" | "in_receipt" => (Direction::Payable, InvoiceKind::Invoice, -1),
        // Only the six types of documents are asked for.
        _ => (Direction::Receivable, InvoiceKind::Invoice, 1),
    }
}

/// Whether Odoo calls a document paid while it keeps something open. From 18 on a payment may be registered without a
/// journal entry: it is named by the document (`in_payment`; in the community edition `paid`), and what is left open moves
/// when the bank statement is matched. How much was paid the document does not say, nor that it is all of it.
pub(super) fn is_settled_elsewhere(document: &wire::Move, left: Booked) -> bool {
    let says_paid = matches!(document.payment_state.as_deref(), Some("in_payment" | "paid" | "invoicing_legacy"));
    document.state == "posted" && says_paid && left.document.is_none_or(|left| !left.amount.is_zero())
}

/// How a document stands. A reversed one stays posted, and so does the credit note that reverses it: they settle each
/// other, and both have nothing open.
fn state(document: &wire::Move, left: Booked) -> InvoiceState {
    match document.state.as_str() {
        "draft" => InvoiceState::Draft,
        "cancel" => InvoiceState::Void,
        "posted" if left.document.is_some_and(|left| left.amount.is_zero()) => InvoiceState::Closed,
        "posted" => InvoiceState::Open,
        other => InvoiceState::Unknown(other.to_owned()),
    }
}

fn signed_by(money: Money, sign: i64) -> Money {
    if sign < 0 && !money.amount.is_zero() { money.negated() } else { money }
}

/// Odoo's amounts are binary floats: what is beyond the digits of their currency is noise.
pub(super) fn rounded(amount: Decimal, currency: Currency) -> Decimal {
    amount.round_dp_with_strategy(digits(currency), RoundingStrategy::MidpointAwayFromZero)
}

pub(super) fn party(link: Option<&Link>) -> Option<Box<Party>> {
    let id = |link: &Link| Some(link.id().to_string().into());
    link.map(|link| Box::new(Party { id: id(link), name: text(link.name()) }))
}

/// The currency that a link names; the name of a currency is its code.
pub(super) fn currency(link: Option<&Link>) -> Option<Currency> {
    parse_currency(link?.name()?).ok()
}

/// The fields of one record, as they are read one after the other.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) flaws: Vec<Flaw>,
}

impl Reading {
    pub(super) fn flaw(&mut self, field: &'static str, kind: FlawKind) {
        let flaw = Flaw { field, kind };
        if !self.flaws.contains(&flaw) {
            self.flaws.push(flaw);
        }
    }

    pub(super) fn currency(&mut self, field: &'static str, link: Option<&Link>) -> Option<Currency> {
        let found = currency(link);
        if found.is_none() {
            let kind = if link.is_some() { FlawKind::UnknownCurrency } else { FlawKind::MissingCurrency };
            self.flaw(field, kind);
        }
        found
    }

    pub(super) fn number(&mut self, field: &'static str, number: Option<&Number>) -> Option<Decimal> {
        let read = number?.decimal();
        if read.is_err() {
            self.flaw(field, FlawKind::BadNumber);
        }
        read.ok()
    }

    pub(super) fn money(
        &mut self,
        field: &'static str,
        number: Option<&Number>,
        currency: Option<Currency>,
    ) -> Option<Money> {
        let amount = self.number(field, number)?;
        currency.map(|currency| Money::new(rounded(amount, currency), currency))
    }

    /// A journal item: what is in the debit is positive.
    pub(super) fn line(&mut self, line: &wire::Line) -> Booked {
        let own = self.currency("lines", line.currency_id.as_ref());
        let company = self.currency("lines", line.company_currency_id.as_ref());
        Booked {
            document: self.money("lines", line.amount_currency.as_ref(), own),
            company: self.money("lines", line.balance.as_ref(), company),
        }
    }

    /// A day; of a moment, its day in UTC.
    pub(super) fn date(&mut self, field: &'static str, text: Option<&str>) -> Option<Date> {
        let text = text.map(str::trim).filter(|text| !text.is_empty())?;
        let date = text.get(..10).unwrap_or(text).parse::<Date>().ok();
        if date.is_none() {
            self.flaw(field, FlawKind::BadDate);
        }
        date
    }
}
