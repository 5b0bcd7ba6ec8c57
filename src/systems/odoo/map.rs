//! From Odoo's structs to the domain's. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};
use smallvec::SmallVec;

use super::record::Record;
use super::wire::{self, Link, Number};
use crate::domain::{
    Booked, Cost, CostKind, CostState, CostSum, Currency, Direction, Flaw, FlawKind, Invoice, InvoiceId, InvoiceKind,
    InvoiceLine, InvoiceState, Money, Party, Payment, ProjectId, SharedIdRule, Sum, digits, parse_currency,
};

/// What the mapping has to know of the configuration.
#[derive(Debug)]
pub(super) struct Mapper {
    pub(super) rule: SharedIdRule,
    /// Address of the server, without a slash at its end.
    pub(super) base_url: String,
    pub(super) labour_accounts: Vec<String>,
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
type Part = (Option<ProjectId>, Booked);

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
            net,
            tax: total.minus(net),
            total,
            paid: total.minus(balance),
            balance,
            lines: parts,
            payments: None,
            project_ids,
            url: Some(self.url("account.move", document.id.0)),
            flaws: reading.flaws,
        }
    }

    /// What a journal item costs each project.
    pub(super) fn line_costs(&self, line: &wire::Line, kind: &CostKind, projects: &Projects) -> Vec<(ProjectId, Cost)> {
        let mut reading = Reading::default();
        let amount = reading.line(line);
        let date = reading.date("date", line.date.as_deref());
        let owned = split(line, amount, projects).into_iter().filter_map(|(project, amount)| {
            let cost = Cost {
                id: format!("account.move.line,{}", line.id.0).into(),
                kind: kind.clone(),
                state: CostState::Actual,
                date,
                amount,
                description: text(line.name.as_deref()),
                party: party(line.partner_id.as_ref()).filter(|_| *kind == CostKind::Vendor),
                document: text(line.move_name.as_deref()),
                url: line.move_id.as_ref().map(|document| self.url("account.move", document.id())),
                flaws: reading.flaws.clone(),
            };
            Some((project?, cost))
        });
        owned.collect()
    }

    /// What a journal item on an expense account is a cost of.
    pub(super) fn account_kind(&self, account: Option<&Link>) -> CostKind {
        // The name of an account begins with its code: `600000 Expenses`.
        let name = account.and_then(Link::name).unwrap_or_default();
        let labour = self.labour_accounts.iter().any(|prefix| name.starts_with(prefix.as_str()));
        if labour { CostKind::Labour } else { CostKind::Expense }
    }

    /// What is still to be billed of a line of an order, for each project. `drafts` is what drafts of bills hold of it:
    /// Odoo counts that as billed, although it is no cost yet. `rate` is units of the document's currency per unit of
    /// the company's.
    pub(super) fn open_costs(
        &self,
        line: &wire::OrderLine,
        (company, rate, drafts): (Option<Currency>, Option<&Number>, Decimal),
        projects: &Projects,
    ) -> Vec<(ProjectId, Cost)> {
        let mut reading = Reading::default();
        let own = reading.currency("amount", line.currency_id.as_ref());
        let net = reading.money("amount", line.price_subtotal.as_ref(), own);
        let ordered = reading.number("amount", line.product_qty.as_ref());
        let billed = reading.number("amount", line.qty_invoiced.as_ref());
        let rate = rate.and_then(|rate| reading.number("amount", Some(rate)));
        let left = ordered.zip(billed).and_then(|(ordered, billed)| {
            ordered.checked_sub(billed)?.checked_add(drafts).map(|left| left.min(ordered))
        });
        if left.is_some_and(|left| left <= Decimal::ZERO) || ordered.is_some_and(|ordered| ordered <= Decimal::ZERO) {
            return Vec::new();
        }
        let open = net.zip(left).zip(ordered).and_then(|((net, left), ordered)| {
            let amount =
                if left == ordered { net.amount } else { net.amount.checked_mul(left)?.checked_div(ordered)? };
            Some(Money::new(rounded(amount, net.currency), net.currency))
        });
        if open.is_none() && reading.flaws.is_empty() {
            reading.flaw("amount", FlawKind::BadNumber);
        }
        let amount = Booked {
            document: open,
            company: open.zip(company).and_then(|(open, company)| {
                if open.currency == company {
                    return Some(open);
                }
                let amount = open.amount.checked_div(rate?)?;
                Some(Money::new(rounded(amount, company), company))
            }),
        };
        let date = reading.date("date", line.date_order.as_deref());
        let shares = shares(line.analytic_distribution.as_ref(), line.account_analytic_id.as_ref());
        let owned = parts(&shares, amount, projects).into_iter().filter_map(|(project, amount)| {
            let order = line.order_id.as_ref();
            let cost = Cost {
                id: format!("purchase.order.line,{}", line.id.0).into(),
                kind: CostKind::Vendor,
                state: CostState::Committed,
                date,
                amount,
                description: text(line.name.as_deref()),
                party: party(line.partner_id.as_ref()),
                // Its name may have the vendor's own number behind it: `P00013 (4711)`.
                document: text(order.and_then(Link::name).and_then(|name| name.split(" (").next())),
                url: order.map(|order| self.url("purchase.order", order.id())),
                flaws: reading.flaws.clone(),
            };
            Some((project?, cost))
        });
        owned.collect()
    }

    /// What was booked on an account without a journal entry: hours at their cost, and what people wrote there by hand.
    /// Costs are negative there.
    pub(super) fn analytic_cost(
        &self,
        kind: &CostKind,
        line: &wire::AnalyticLine,
        projects: &Projects,
    ) -> Option<(ProjectId, Cost)> {
        let account = line.account_id.as_ref()?.id();
        let Projects::OfAccounts(owners) = projects else { return None };
        let project = owners.get(&account)?.clone();
        let mut reading = Reading::default();
        let own = reading.currency("amount", line.currency_id.as_ref());
        let amount = reading.money("amount", line.amount.as_ref(), own).map(Money::negated);
        let cost = Cost {
            id: format!("account.analytic.line,{}", line.id.0).into(),
            kind: kind.clone(),
            state: CostState::Actual,
            date: reading.date("date", line.date.as_deref()),
            amount: Booked { document: amount, company: amount },
            description: text(line.name.as_deref()),
            party: party(line.partner_id.as_ref()).filter(|_| *kind != CostKind::Labour),
            document: text(line.reference.as_deref()),
            url: Some(self.url("account.analytic.line", line.id.0)),
            flaws: reading.flaws,
        };
        Some((project, cost))
    }

    /// What was invoiced by documents of one type and currency. They carry the shared ID in `field`.
    pub(super) fn invoiced(&self, field: &str, group: &Record) -> Option<(ProjectId, Sum)> {
        let project = self.shared_id(field, group.text(field).as_deref())?;
        let (_, kind, sign) = document_kind(&group.text("move_type")?);
        let mut reading = Reading::default();
        let own = reading.currency("net", group.link("currency_id").as_ref());
        let company = reading.currency("net", group.link("company_currency_id").as_ref());
        let net = Booked {
            document: reading.money("net", group.sum("amount_untaxed").as_ref(), own),
            company: reading
                .money("net", group.sum("amount_untaxed_signed").as_ref(), company)
                .map(|money| signed_by(money, sign)),
        };
        let amount = if kind == InvoiceKind::CreditNote { net.negated() } else { net };
        Some((project, Sum { amount, records: group.count()? }))
    }

    /// A link that opens a record in every version.
    pub(super) fn url(&self, model: &str, id: u64) -> Arc<str> {
        format!("{}/mail/view?model={model}&res_id={id}", self.base_url).into()
    }
}

/// A line's amount, cut by its shares.
fn split(line: &wire::Line, amount: Booked, projects: &Projects) -> Vec<Part> {
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
/// Accounts of other plans say nothing of projects.
fn parts(shares: &[(Vec<u64>, Decimal)], amount: Booked, projects: &Projects) -> Vec<Part> {
    let Projects::OfAccounts(owners) = projects else { return vec![(None, amount)] };
    let mut weights: Vec<(Option<ProjectId>, Decimal)> = Vec::new();
    for (accounts, share) in shares {
        let Some(owner) = accounts.iter().find_map(|account| owners.get(account)) else { continue };
        match weights.iter_mut().find(|(project, _)| project.as_ref() == Some(owner)) {
            Some((_, weight)) => *weight = weight.saturating_add(*share),
            None => weights.push((Some(owner.clone()), *share)),
        }
    }
    let given = weights.iter().fold(Decimal::ZERO, |sum, (_, weight)| sum.saturating_add(*weight));
    let rest = Decimal::ONE_HUNDRED.saturating_sub(given);
    if rest > Decimal::ZERO {
        weights.push((None, rest));
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
    let own = document.total.document?.currency;
    let company = document.total.company?.currency;
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

/// The same, added up by account: nothing if the sum is none.
pub(super) fn analytic_sum(kind: &CostKind, group: &Record, projects: &Projects) -> Option<(ProjectId, CostSum)> {
    let Projects::OfAccounts(owners) = projects else { return None };
    let project = owners.get(&group.link("account_id")?.id())?.clone();
    let mut reading = Reading::default();
    let own = reading.currency("amount", group.link("currency_id").as_ref());
    let amount = reading.money("amount", group.sum("amount").as_ref(), own).map(Money::negated);
    let sum = Sum { amount: Booked { document: amount, company: amount }, records: group.count()? };
    Some((project, CostSum { kind: kind.clone(), state: CostState::Actual, sum }))
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

/// The shares of a line, by whichever way it names them.
fn shares(distribution: Option<&wire::Shares>, account: Option<&Link>) -> Vec<(Vec<u64>, Decimal)> {
    let distribution = distribution.map(|shares| shares.0.as_slice()).unwrap_or_default();
    let shares = distribution.iter().filter_map(|(accounts, share)| Some((accounts.clone(), share.decimal().ok()?)));
    shares.chain(account.map(|account| (vec![account.id()], Decimal::ONE_HUNDRED))).collect()
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

fn party(link: Option<&Link>) -> Option<Party> {
    link.map(|link| Party { id: Some(link.id().to_string().into()), name: text(link.name()) })
}

pub(super) fn text(text: Option<&str>) -> Option<String> {
    text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
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
    fn flaw(&mut self, field: &'static str, kind: FlawKind) {
        let flaw = Flaw { field, kind };
        if !self.flaws.contains(&flaw) {
            self.flaws.push(flaw);
        }
    }

    fn currency(&mut self, field: &'static str, link: Option<&Link>) -> Option<Currency> {
        let found = currency(link);
        if found.is_none() {
            let kind = if link.is_some() { FlawKind::UnknownCurrency } else { FlawKind::MissingCurrency };
            self.flaw(field, kind);
        }
        found
    }

    fn number(&mut self, field: &'static str, number: Option<&Number>) -> Option<Decimal> {
        let read = number?.decimal();
        if read.is_err() {
            self.flaw(field, FlawKind::BadNumber);
        }
        read.ok()
    }

    fn money(&mut self, field: &'static str, number: Option<&Number>, currency: Option<Currency>) -> Option<Money> {
        let amount = self.number(field, number)?;
        currency.map(|currency| Money::new(rounded(amount, currency), currency))
    }

    /// A journal item: what is in the debit is positive.
    fn line(&mut self, line: &wire::Line) -> Booked {
        let own = self.currency("lines", line.currency_id.as_ref());
        let company = self.currency("lines", line.company_currency_id.as_ref());
        Booked {
            document: self.money("lines", line.amount_currency.as_ref(), own),
            company: self.money("lines", line.balance.as_ref(), company),
        }
    }

    /// A day; of a moment, its day in UTC.
    fn date(&mut self, field: &'static str, text: Option<&str>) -> Option<Date> {
        let text = text.map(str::trim).filter(|text| !text.is_empty())?;
        let date = text.get(..10).unwrap_or(text).parse::<Date>().ok();
        if date.is_none() {
            self.flaw(field, FlawKind::BadDate);
        }
        date
    }
}
