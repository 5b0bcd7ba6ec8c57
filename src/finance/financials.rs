//! The financials of one project, from the records of three owners. One struct per owner, so that what one owner knows
//! stands when another does not answer.

use std::borrow::Borrow;

use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};

use super::Figure;
use crate::domain::{
    Booked, Cost, CostState, CostSum, Deal, DealStatus, Flaw, FlawKind, InvoiceKind, InvoiceState, Money,
    ProjectInvoice, Ticket, TicketCategory,
};

/// How much of what there is went into the figures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Completeness {
    /// Records that are in the figures.
    pub included: usize,
    /// Records that belong in them but have no readable amount. The figures they belong in are unknown.
    pub excluded: usize,
    /// Why records are excluded, each reason once.
    pub reasons: Vec<Exclusion>,
}

/// Why a record is not in a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Exclusion {
    /// It has no amount.
    MissingAmount,
    /// Its amount has no currency.
    MissingCurrency,
    /// Its amount or currency cannot be read.
    UnreadableAmount,
    /// It is open and has no readable due date, so nobody can say whether it is overdue.
    MissingDueDate,
    /// It is not known whether it counts: its state is one nobody has mapped.
    UnknownState,
    /// It leads to the project, but its owner does not find it by the project's ID.
    NotFoundById,
    /// The parts were booked in different currencies, and in none in common.
    MixedCurrencies,
    /// It is known in another currency, and there is no exchange rate.
    MissingRate,
    /// The owner holds more than one record for the ID, or cannot give all of its records.
    NotWhole,
    /// The owner of deals could not be asked, or there is none.
    CommercialUnavailable,
    /// The owner of invoices could not be asked, or there is none.
    ReceivablesUnavailable,
    /// The owner of costs could not be asked, or there is none.
    CostsUnavailable,
    /// The owner of projects could not be asked, or there is none.
    DeliveryUnavailable,
    /// The owner of tickets could not be asked, or there is none.
    TicketsUnavailable,
    /// No deal carries the project's ID.
    NotInCommercial,
    /// The owner of invoices does not know the project's ID.
    NotInReceivables,
    /// The owner of costs does not know the project's ID.
    NotInCosts,
    /// The deal carries no usable shared ID.
    NotLinked,
}

impl Exclusion {
    /// The reason as it is written in answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MissingAmount => "MISSING_AMOUNT",
            Self::MissingCurrency => "MISSING_CURRENCY",
            Self::UnreadableAmount => "UNREADABLE_AMOUNT",
            Self::MissingDueDate => "MISSING_DUE_DATE",
            Self::UnknownState => "UNKNOWN_STATE",
            Self::NotFoundById => "NOT_FOUND_BY_ID",
            Self::MixedCurrencies => "MIXED_CURRENCIES",
            Self::MissingRate => "MISSING_RATE",
            Self::NotWhole => "NOT_WHOLE",
            Self::CommercialUnavailable => "COMMERCIAL_UNAVAILABLE",
            Self::ReceivablesUnavailable => "RECEIVABLES_UNAVAILABLE",
            Self::CostsUnavailable => "COSTS_UNAVAILABLE",
            Self::DeliveryUnavailable => "DELIVERY_UNAVAILABLE",
            Self::TicketsUnavailable => "TICKETS_UNAVAILABLE",
            Self::NotInCommercial => "NOT_IN_COMMERCIAL",
            Self::NotInReceivables => "NOT_IN_RECEIVABLES",
            Self::NotInCosts => "NOT_IN_COSTS",
            Self::NotLinked => "NOT_LINKED",
        }
    }
}

impl Completeness {
    /// Leaves a record out.
    pub fn leave_out(&mut self, reason: Exclusion) {
        self.excluded += 1;
        self.note(reason);
    }

    /// Takes note of a reason, once.
    pub(super) fn note(&mut self, reason: Exclusion) {
        if !self.reasons.contains(&reason) {
            self.reasons.push(reason);
        }
    }

    /// Counts a record in if its amount is known, out if not.
    fn count(&mut self, booked: &Booked, flaws: &[Flaw]) {
        if !booked.is_unknown() {
            self.included += 1;
        } else if flaws.iter().any(|flaw| flaw.kind == FlawKind::MissingCurrency) {
            self.leave_out(Exclusion::MissingCurrency);
        } else if flaws.is_empty() {
            self.leave_out(Exclusion::MissingAmount);
        } else {
            self.leave_out(Exclusion::UnreadableAmount);
        }
    }

    fn check_currencies(&mut self, figure: &Figure) {
        if self.excluded == 0 && !figure.is_empty() && figure.money().is_none() {
            self.note(Exclusion::MixedCurrencies);
        }
    }

    /// What two owners left in and out.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.included += other.included;
        self.excluded += other.excluded;
        other.reasons.iter().for_each(|reason| self.note(*reason));
        self
    }
}

/// What was sold, from the deals of a project: the won ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contract {
    /// Contract value: the amounts of the won deals.
    pub value: Figure,
    /// What sales expected to remain of it.
    pub estimated_margin: Figure,
    /// Whether every won deal states an expected margin, so that the sum of them means something.
    pub estimated: bool,
    /// How much of what there is went in.
    pub completeness: Completeness,
}

impl Contract {
    /// Sums the won deals.
    pub fn of<D: Borrow<Deal>>(deals: &[D]) -> Self {
        let mut contract = Self { estimated: true, ..Self::default() };
        for deal in deals.iter().map(Borrow::borrow) {
            match deal.status {
                Some(DealStatus::Won) => {}
                Some(DealStatus::Open | DealStatus::Lost) => continue,
                // Nobody can say whether it counts: the sum is not known.
                None => {
                    contract.completeness.leave_out(Exclusion::UnknownState);
                    contract.value.add(Booked::default());
                    contract.estimated = false;
                    continue;
                }
            }
            let booked = deal.amount.map(Booked::document).unwrap_or_default();
            contract.completeness.count(&booked, &deal.flaws);
            contract.value.add(booked);
            contract.estimated_margin.add(deal.expected_margin.map(Booked::document).unwrap_or_default());
            contract.estimated &= deal.expected_margin.is_some();
        }
        contract.estimated &= !contract.value.is_empty();
        contract.completeness.check_currencies(&contract.value);
        contract
    }

    /// Takes note of a deal that leads to the project although its owner does not find it by the project's ID, e.g. for
    /// its spelling. Others may be missing likewise, so the sums are not known.
    pub fn withhold(&mut self) {
        self.completeness.leave_out(Exclusion::NotFoundById);
        self.value.add(Booked::default());
        self.estimated = false;
    }

    /// The estimated margin, if every won deal states one.
    pub fn estimated_margin(&self) -> Option<Money> {
        self.estimated_margin.money().filter(|_| self.estimated)
    }

    /// What the work was expected to cost: contract value less estimated margin.
    pub fn budget(&self) -> Option<Money> {
        self.value.minus(&self.estimated_margin).filter(|_| self.estimated)
    }
}

/// What was invoiced and what came in, from the invoices of a project. Drafts and void documents are not in it; credit
/// notes are subtracted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Receivables {
    /// Invoiced, without tax.
    pub invoiced: Figure,
    /// Paid, with tax.
    pub collected: Figure,
    /// Still open, with tax.
    pub outstanding: Figure,
    /// Still open after the due date, with tax. Invoices alone: a credit note is not due.
    pub overdue: Figure,
    /// How much of what there is went in.
    pub completeness: Completeness,
}

impl Receivables {
    /// Sums the invoices as of a day.
    pub fn of<'i>(invoices: impl IntoIterator<Item = &'i ProjectInvoice>, today: Date) -> Self {
        let mut sums = Self::default();
        for part in invoices {
            let invoice = &part.invoice;
            match invoice.state {
                InvoiceState::Open | InvoiceState::Closed => {}
                InvoiceState::Draft | InvoiceState::Void => continue,
                // Nobody can say whether it counts: the sums are not known.
                InvoiceState::Unknown(_) => {
                    sums.completeness.leave_out(Exclusion::UnknownState);
                    for figure in [&mut sums.invoiced, &mut sums.collected, &mut sums.outstanding, &mut sums.overdue] {
                        figure.add(Booked::default());
                    }
                    continue;
                }
            }
            let unreadable = [part.net(), part.paid(), part.balance()].into_iter().find(Booked::is_unknown);
            sums.completeness.count(&unreadable.unwrap_or(part.net()), &invoice.flaws);
            match invoice.kind {
                InvoiceKind::Invoice => {
                    sums.invoiced.add(part.net());
                    sums.collected.add(part.paid());
                    sums.outstanding.add(part.balance());
                    match invoice.due_date {
                        Some(due) if due < today => sums.overdue.add(part.balance()),
                        Some(_) => {}
                        // Nobody can say whether something that is open is overdue; of what is paid nothing is.
                        None if invoice.state == InvoiceState::Closed => {}
                        None => {
                            sums.completeness.note(Exclusion::MissingDueDate);
                            sums.overdue.add(Booked::default());
                        }
                    }
                }
                InvoiceKind::CreditNote => {
                    sums.invoiced.subtract(part.net());
                    sums.collected.subtract(part.paid());
                    sums.outstanding.subtract(part.balance());
                }
            }
        }
        sums.completeness.check_currencies(&sums.invoiced);
        sums
    }
}

/// What a project cost, and what it will have to pay, from the costs of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spending {
    /// Spent, without tax.
    pub actual: Figure,
    /// Ordered and not yet invoiced, without tax.
    pub committed: Figure,
    /// How much of what there is went in.
    pub completeness: Completeness,
}

impl Spending {
    /// Sums the costs.
    pub fn of<'c>(costs: impl IntoIterator<Item = &'c Cost>) -> Self {
        let mut sums = Self::default();
        for cost in costs {
            sums.completeness.count(&cost.amount, &cost.flaws);
            match cost.state {
                CostState::Actual => sums.actual.add(cost.amount),
                CostState::Committed => sums.committed.add(cost.amount),
            }
        }
        sums.completeness.check_currencies(&sums.actual);
        sums.completeness.check_currencies(&sums.committed);
        sums
    }

    /// What the owner added up itself.
    pub fn of_sums(costs: &[CostSum]) -> Self {
        let mut sums = Self::default();
        for CostSum { state, sum, .. } in costs.iter().filter(|costs| costs.sum.records > 0) {
            sums.completeness.included += sum.records;
            match state {
                CostState::Actual => sums.actual.add_parts(sum.amount, sum.records),
                CostState::Committed => sums.committed.add_parts(sum.amount, sum.records),
            }
        }
        sums
    }
}

/// Estimate at completion: what the project will have cost if it goes on as it went, i.e. actual cost over the part that
/// is complete (budget / CPI with the budget cancelled out). To the cent, halves away from zero. None before any progress or
/// cost: what cost nothing so far will not therefore cost nothing in the end.
pub fn estimate_at_completion(actual: Money, percent_complete: Decimal) -> Option<Money> {
    if percent_complete <= Decimal::ZERO || actual.amount <= Decimal::ZERO {
        return None;
    }
    let amount = actual.amount.checked_mul(Decimal::ONE_HUNDRED)?.checked_div(percent_complete)?;
    Some(Money::new(amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero), actual.currency))
}

/// Forecast margin % less estimated margin %, in percentage points to two decimals: negative is worse than sold. None unless
/// contract value, estimated margin and estimate at completion are known in one currency.
pub fn margin_slippage(contract: &Contract, estimate: Money) -> Option<Decimal> {
    let value = contract.value.in_currency(estimate.currency)?.amount;
    let sold = contract.estimated_margin.in_currency(estimate.currency).filter(|_| contract.estimated)?.amount;
    let forecast = value.checked_sub(estimate.amount)?;
    super::percent(forecast.checked_sub(sold)?, value)
}

/// Progress of the planned work (tasks), weighted by estimated hours, 0 to 100 to two decimals. None if nothing is planned
/// with an estimate.
pub fn percent_complete<T: Borrow<Ticket>>(tickets: &[T]) -> Option<Decimal> {
    let tasks = tickets.iter().map(Borrow::borrow).filter(|ticket| ticket.category == TicketCategory::Task);
    let (mut done, mut planned) = (Decimal::ZERO, Decimal::ZERO);
    for (hours, progress) in tasks.filter_map(|task| Some((task.hours_estimated?, task.progress?))) {
        done = done.checked_add(hours.checked_mul(progress)?)?;
        planned = planned.checked_add(hours)?;
    }
    super::percent(done.checked_div(Decimal::ONE_HUNDRED)?, planned)
}
