//! From lines of purchases, rows of journal entries and hours to costs. Pure.

use rust_decimal::{Decimal, RoundingStrategy};

use super::client::Entity;
use super::config::{Carrier, Labour};
use super::customers::Place;
use super::map::{Company, Mapper, Reading, detail, flat, is, is_void, party, text};
use super::wire;
use crate::domain::{Booked, Cost, CostKind, CostState, FlawKind, Money, digits};

/// A kind of document that costs.
#[derive(Debug)]
pub(super) struct CostType {
    pub(super) entity: Entity,
    pub(super) kind: CostKind,
    pub(super) effect: Effect,
}

/// What a cost document does to a project's costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It is spent; a purchase that is marked as a credit takes back.
    Spends,
    /// It takes back what was spent.
    TakesBack,
    /// What is not received of it will be spent.
    Commits,
}

/// A cost, and whom it is of.
pub(super) type Placed = (Place, Cost);

impl Mapper {
    /// What the lines of a document cost, and whom. Nothing of void documents, and of orders that are closed or received.
    pub(super) fn document_costs(
        &self,
        kind: &CostType,
        document: &wire::Document,
        carrier: &Carrier,
        company: Company<'_>,
    ) -> Vec<Placed> {
        let open = document.po_status.as_deref().map(str::trim) != Some("Closed");
        if is_void(document) || (kind.effect == Effect::Commits && !open) {
            return Vec::new();
        }
        let takes_back = kind.effect == Effect::TakesBack || document.credit == Some(true);
        let costs = flat(&document.line).filter(|line| line.amount.is_some()).filter_map(|line| {
            let place = self.line_place(document, line, carrier, company.customers);
            if place == Place::Nobody {
                return None;
            }
            let mut reading = Reading::new(document, company.currencies);
            let amount = match kind.effect {
                Effect::Commits => open_amount(&mut reading, line)?,
                Effect::Spends | Effect::TakesBack => reading.booked("amount", line.amount.as_ref(), None),
            };
            let date = reading.date("date", document.txn_date.as_deref());
            let cost = Cost {
                id: format!("{}-{}-{}", kind.entity.name, document.id, line.id.as_deref().unwrap_or_default()).into(),
                kind: kind.kind.clone(),
                state: if kind.effect == Effect::Commits { CostState::Committed } else { CostState::Actual },
                date,
                amount: if takes_back { amount.negated() } else { amount },
                description: text(line.description.as_deref()),
                party: party(document.vendor_ref.as_ref().or(document.entity_ref.as_ref())),
                document: text(document.doc_number.as_deref()),
                url: self.url(&kind.entity, &document.id),
                flaws: reading.flaws,
            };
            Some((place, cost))
        });
        costs.collect()
    }

    /// What a row of a journal entry costs, and whom. Nothing for rows on accounts that hold no costs, nor, where labour is
    /// told by hours, for rows on accounts for labour.
    pub(super) fn journal_cost(
        &self,
        entity: &Entity,
        (entry, line): (&wire::Document, &wire::Line),
        account: &wire::Account,
        labour: Labour,
        company: Company<'_>,
    ) -> Option<Placed> {
        let row = line.journal_entry_line_detail.as_ref()?;
        let kind = self.account_kind(account)?;
        if kind == CostKind::Labour && labour == Labour::TimeActivities {
            return None;
        }
        let place = journal_place(entry, line, company);
        if place == Place::Nobody {
            return None;
        }
        let mut reading = Reading::new(entry, company.currencies);
        let amount = reading.booked("amount", line.amount.as_ref(), None);
        let amount = match row.posting_type.as_deref() {
            Some("Debit") => amount,
            Some("Credit") => amount.negated(),
            // Which sign it has decides whether it costs: nobody may guess.
            _ => {
                reading.flaw("amount", FlawKind::BadNumber);
                Booked::default()
            }
        };
        let date = reading.date("date", entry.txn_date.as_deref());
        let cost = Cost {
            id: format!("{}-{}-{}", entity.name, entry.id, line.id.as_deref().unwrap_or_default()).into(),
            kind,
            state: CostState::Actual,
            date,
            amount,
            description: text(line.description.as_deref()).or_else(|| text(entry.private_note.as_deref())),
            party: None,
            document: text(entry.doc_number.as_deref()),
            url: self.url(entity, &entry.id),
            flaws: reading.flaws,
        };
        Some((place, cost))
    }

    /// What hours cost, and whom: their cost rate is in the home currency. Hours without one have an amount that nobody knows.
    pub(super) fn time_cost(&self, entity: &Entity, time: &wire::TimeActivity, company: Company<'_>) -> Option<Placed> {
        let place = company.customers.place(time.customer_ref.as_ref(), time.project_ref.as_ref());
        if place == Place::Nobody {
            return None;
        }
        let home = company.currencies.home;
        let mut reading = Reading::of(None, None, super::client::Currencies { home, multi: false });
        let parts = [(&time.hours, 3600_i64), (&time.minutes, 60), (&time.seconds, 1)];
        let seconds = parts.into_iter().try_fold(Decimal::ZERO, |sum, (part, seconds)| match part {
            None => Some(sum),
            part => sum.checked_add(reading.number("amount", part.as_ref())?.checked_mul(Decimal::from(seconds))?),
        });
        let rate = reading.number("amount", time.cost_rate.as_ref());
        let amount = seconds.zip(rate).and_then(|(seconds, rate)| {
            let exact = seconds.checked_mul(rate)?.checked_div(Decimal::from(3600))?;
            Some(exact.round_dp_with_strategy(digits(home), RoundingStrategy::MidpointAwayFromZero))
        });
        let money = amount.map(|amount| Money::new(amount, home));
        let date = reading.date("date", time.txn_date.as_deref());
        let cost = Cost {
            id: format!("{}-{}", entity.name, time.id).into(),
            kind: CostKind::Labour,
            state: CostState::Actual,
            date,
            amount: Booked { document: money, company: money },
            description: text(time.description.as_deref()),
            party: party(time.employee_ref.as_ref().or(time.vendor_ref.as_ref())),
            document: None,
            url: self.url(entity, &time.id),
            flaws: reading.flaws,
        };
        Some((place, cost))
    }

    /// What an account holds: QuickBooks calls all accounts of costs `Expense`, and some of them payroll or labour.
    fn account_kind(&self, account: &wire::Account) -> Option<CostKind> {
        if account.classification.as_deref() != Some("Expense") {
            return None;
        }
        let by_type = matches!(
            account.account_sub_type.as_deref(),
            Some("CostOfLabor" | "CostOfLaborCos" | "PayrollExpenses" | "PayrollTaxExpenses" | "PayrollWageExpenses")
        );
        let named = [account.acct_num.as_deref(), account.name.as_deref()]
            .into_iter()
            .flatten()
            .any(|name| self.labour_accounts.iter().any(|labour| labour.trim().eq_ignore_ascii_case(name.trim())));
        Some(if by_type || named { CostKind::Labour } else { CostKind::Expense })
    }
}

/// Whom a row of a journal entry is for: the customer that stands on it.
pub(super) fn journal_place(entry: &wire::Document, line: &wire::Line, company: Company<'_>) -> Place {
    let entity = line.journal_entry_line_detail.as_ref().and_then(|row| row.entity.as_ref());
    let customer = entity.filter(|entity| entity.kind.as_deref() == Some("Customer"));
    let customer = customer.and_then(|entity| entity.entity_ref.as_ref());
    company.customers.place(customer, line.project_ref.as_ref().or(entry.project_ref.as_ref()))
}

/// What is not received yet of a line of an order; none if it is all there. Intuit's schema says of `Received`: the amount
/// or quantity received, depending on the type of the line. It is the quantity on lines of items, and the amount on others.
fn open_amount(reading: &mut Reading, line: &wire::Line) -> Option<Booked> {
    let amount = reading.number("amount", line.amount.as_ref());
    let received = match &line.received {
        None => Some(Decimal::ZERO),
        received => reading.number("amount", received.as_ref()),
    };
    let open = if is(line, "ItemBasedExpenseLineDetail") && received.is_some_and(|received| !received.is_zero()) {
        let detail = detail(line);
        let quantity = reading.number("amount", detail.and_then(|detail| detail.qty.as_ref()));
        let price = reading.number("amount", detail.and_then(|detail| detail.unit_price.as_ref()));
        let left = quantity.zip(received).and_then(|(quantity, received)| quantity.checked_sub(received));
        left.zip(price).and_then(|(left, price)| left.checked_mul(price))
    } else {
        amount.zip(received).and_then(|(amount, received)| amount.checked_sub(received))
    };
    match open {
        Some(open) if open <= Decimal::ZERO => None,
        Some(_) => Some(reading.both("amount", open, None)),
        None => {
            reading.flaw("amount", FlawKind::BadNumber);
            Some(Booked::default())
        }
    }
}
