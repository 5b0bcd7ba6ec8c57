//! An engagement: a project with its deals, or a deal that leads to no project. What it says in one currency, measure by
//! measure; adding up is for [`Sums`](super::Sums).

use rust_decimal::{Decimal, RoundingStrategy};

use super::{Completeness, Contract, Exclusion, Figure, Receivables, Spending, estimate_at_completion};
use crate::domain::{Currency, Money, Rates, digits};

/// What is known of something that may be unknown for reasons of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<T> {
    /// This.
    Known(T),
    /// The owner was asked, and what it says cannot be used.
    Unknown(Exclusion),
    /// The owner could not be asked. A moment later it may be known.
    Unavailable(Exclusion),
    /// There is no such thing, and nothing is missing: invoices of a deal that is not won.
    Nothing,
}

impl<T> Part<T> {
    /// The same, of a reference.
    pub fn as_ref(&self) -> Part<&T> {
        match self {
            Self::Known(value) => Part::Known(value),
            Self::Unknown(reason) => Part::Unknown(*reason),
            Self::Unavailable(reason) => Part::Unavailable(*reason),
            Self::Nothing => Part::Nothing,
        }
    }

    /// What follows from it.
    pub fn then<U>(self, next: impl FnOnce(T) -> Part<U>) -> Part<U> {
        match self {
            Self::Known(value) => next(value),
            Self::Unknown(reason) => Part::Unknown(reason),
            Self::Unavailable(reason) => Part::Unavailable(reason),
            Self::Nothing => Part::Nothing,
        }
    }

    /// What follows from it and another. That one could not be asked outweighs that the other is unknown.
    pub fn with<U, V>(self, other: Part<U>, next: impl FnOnce(T, U) -> Part<V>) -> Part<V> {
        match (self, other) {
            (Self::Known(one), Part::Known(other)) => next(one, other),
            (Self::Unavailable(reason), _) | (_, Part::Unavailable(reason)) => Part::Unavailable(reason),
            (Self::Nothing, _) | (_, Part::Nothing) => Part::Nothing,
            (Self::Unknown(reason), _) | (_, Part::Unknown(reason)) => Part::Unknown(reason),
        }
    }

    /// The value, if it is known.
    pub fn known(self) -> Option<T> {
        match self {
            Self::Known(value) => Some(value),
            _ => None,
        }
    }
}

/// A project with its deals, or a deal that leads to none, as its owners state it.
#[derive(Debug, Clone)]
pub struct Engagement {
    /// How many deals.
    pub deals: usize,
    /// Whether there is a project.
    pub is_project: bool,
    /// What was sold.
    pub contract: Part<Contract>,
    /// What was invoiced, without tax.
    pub invoiced: Part<Figure>,
    /// What came in and what is open; nothing where nobody asks for more than what was invoiced.
    pub receivables: Part<Receivables>,
    /// Invoiced with tax in the 365 days before today, less credit notes; nothing where nobody asks.
    pub credit_sales: Part<Figure>,
    /// What was spent.
    pub spending: Part<Spending>,
    /// Percent complete.
    pub progress: Part<Decimal>,
    /// Whether the project is given up: then nothing is left to deliver.
    pub is_cancelled: bool,
    /// Hours budgeted.
    pub hours_budgeted: Part<Decimal>,
    /// Hours spent.
    pub hours_spent: Part<Decimal>,
    /// Support after the close of the deal.
    pub support: Part<Support>,
}

/// Support after the close of a deal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Support {
    /// Tickets; none if it cannot be told of one whether it counts.
    pub tickets: Option<usize>,
    /// Hours booked on them; none if one of them states none, or if it cannot be told which they are.
    pub hours: Option<Decimal>,
}

/// How an engagement is told in one currency.
#[derive(Debug, Clone, Copy)]
pub struct Basis<'a> {
    /// The currency; none if the engagement has no amount.
    pub currency: Option<Currency>,
    /// Exchange rates for what its owner did not record in it.
    pub rates: Option<&'a Rates>,
    /// What an hour of support costs.
    pub hour_cost: Option<Money>,
    /// Whether the costs have these hours already.
    pub support_in_costs: bool,
    /// What is asked of it: it is whole if all of these are known. If nothing is named, the core figures.
    pub measures: &'a [Measure],
}

/// What can be added up over engagements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(usize)]
#[expect(missing_docs, reason = "what each means stands in the catalogue of metrics, once")]
pub enum Measure {
    Deals,
    Projects,
    ContractValue,
    Invoiced,
    Collected,
    Outstanding,
    Overdue,
    CreditSales,
    DsoOutstanding,
    DsoSales,
    LeftToInvoice,
    ActualCost,
    CommittedCost,
    Margin,
    MarginBase,
    EstimatedMargin,
    EstimatedMarginBase,
    BudgetCost,
    BudgetVariance,
    BudgetedProjects,
    OverBudgetProjects,
    Eac,
    ForecastMargin,
    ForecastMarginBase,
    Slippage,
    SlippageBase,
    Recognised,
    Backlog,
    Wip,
    HoursBudgeted,
    HoursSpent,
    SupportTickets,
    SupportHours,
    SupportCost,
    TrueMargin,
    TrueMarginBase,
}

impl Measure {
    /// How many there are.
    pub const COUNT: usize = Self::TrueMarginBase as usize + 1;

    /// Those without which an engagement is not whole where nobody says what is asked.
    const CORE: [Self; 3] = [Self::ContractValue, Self::Invoiced, Self::ActualCost];
}

/// What an engagement says in one currency.
#[derive(Debug, Clone)]
pub struct Statement {
    parts: [Part<Decimal>; Measure::COUNT],
    missing: Vec<Exclusion>,
    /// Whether an amount was converted by the exchange rates.
    pub converted: bool,
}

impl Statement {
    /// What it says of a measure.
    pub fn of(&self, measure: Measure) -> Part<Decimal> {
        self.parts.get(measure as usize).copied().unwrap_or(Part::Nothing)
    }

    /// Why the engagement is not whole in what is asked of it; nothing if it is.
    pub fn missing(&self) -> &[Exclusion] {
        &self.missing
    }

    fn look_for(&mut self, measures: &[Measure]) {
        let measures = if measures.is_empty() { &Measure::CORE } else { measures };
        for measure in measures {
            if let Part::Unknown(reason) | Part::Unavailable(reason) = self.of(*measure) {
                self.missing.push(reason);
            }
        }
    }

    /// What it says of each measure, in their order.
    pub(super) fn parts(&self) -> &[Part<Decimal>] {
        &self.parts
    }

    fn set(&mut self, measure: Measure, part: Part<Decimal>) {
        if let Some(place) = self.parts.get_mut(measure as usize) {
            *place = part;
        }
    }
}

impl Engagement {
    /// Whether something was sold, known or not.
    pub fn is_sold(&self) -> bool {
        self.contract.as_ref().known().is_some_and(|contract| !contract.value.is_empty())
    }

    /// The currency in which it says most by itself: one in which both what was invoiced and what was spent are known, else that
    /// of the contract, of what was invoiced, or of what was spent.
    pub fn currency(&self) -> Option<Currency> {
        let contract = self.contract.as_ref().known().and_then(|contract| contract.value.currency());
        let invoiced = self.invoiced.as_ref().known();
        let actual = self.spending.as_ref().known().map(|spending| &spending.actual);
        if let (Some(invoiced), Some(actual)) = (invoiced, actual) {
            let shown = [invoiced.currency(), contract, actual.currency()].into_iter().flatten();
            let common = invoiced.minus(actual).map(|margin| margin.currency);
            let both = |currency: &Currency| {
                invoiced.in_currency(*currency).is_some() && actual.in_currency(*currency).is_some()
            };
            if let Some(currency) = shown.chain(common).find(both) {
                return Some(currency);
            }
        }
        contract.or_else(|| invoiced.and_then(Figure::currency)).or_else(|| actual.and_then(Figure::currency))
    }

    /// What it says in one currency.
    pub fn statement(&self, basis: &Basis<'_>) -> Statement {
        let mut told = Statement { parts: [Part::Nothing; Measure::COUNT], missing: Vec::new(), converted: false };
        let mut amount = |figure: Part<(&Figure, &Completeness)>| {
            figure.then(|(figure, completeness)| basis.amount(figure, completeness, &mut told.converted))
        };
        let contract = self.contract.as_ref();
        let receivables = self.receivables.as_ref();
        let spending = self.spending.as_ref();
        let whole = Completeness::default();
        let value = amount(contract.then(|all| Part::Known((&all.value, &all.completeness))));
        let invoiced = amount(self.invoiced.as_ref().then(|figure| {
            Part::Known((figure, receivables.known().map_or(&whole, |receivables| &receivables.completeness)))
        }));
        let actual = amount(spending.then(|all| Part::Known((&all.actual, &all.completeness))));
        let committed = amount(spending.then(|all| Part::Known((&all.committed, &all.completeness))));
        let collected = amount(receivables.then(|all| Part::Known((&all.collected, &all.completeness))));
        let outstanding = amount(receivables.then(|all| Part::Known((&all.outstanding, &all.completeness))));
        let overdue = amount(receivables.then(|all| Part::Known((&all.overdue, &all.completeness))));
        let credit_sales = amount(self.credit_sales.as_ref().then(|figure| Part::Known((figure, &whole))));
        let estimated = amount(contract.then(|all| {
            if all.estimated { Part::Known((&all.estimated_margin, &all.completeness)) } else { Part::Nothing }
        }));
        // Of the same engagements as the value that it is a part of.
        let estimated = estimated.with(value, |margin, _| Part::Known(margin));
        for (measure, part) in [
            (Measure::Deals, Part::Known(Decimal::from(self.deals))),
            (Measure::Projects, Part::Known(Decimal::from(usize::from(self.is_project)))),
            (Measure::ContractValue, value),
            (Measure::Invoiced, invoiced),
            (Measure::Collected, collected),
            (Measure::Outstanding, outstanding),
            (Measure::Overdue, overdue),
            (Measure::CreditSales, credit_sales),
            (Measure::DsoOutstanding, outstanding.with(credit_sales, |open, _| Part::Known(open))),
            (Measure::DsoSales, credit_sales.with(outstanding, |sales, _| Part::Known(sales))),
            (Measure::ActualCost, actual),
            (Measure::CommittedCost, committed),
            (Measure::LeftToInvoice, value.with(invoiced, difference)),
            (Measure::EstimatedMargin, estimated),
            (Measure::EstimatedMarginBase, estimated.with(value, |_, value| Part::Known(value))),
            (Measure::HoursBudgeted, self.hours_budgeted),
            (Measure::HoursSpent, self.hours_spent),
        ] {
            told.set(measure, part);
        }
        told.budget(value, estimated, actual);
        self.forecast(basis.currency, value, estimated, actual, invoiced, &mut told);
        self.margins(basis, invoiced, actual, &mut told);
        told.look_for(basis.measures);
        told
    }

    /// What is to be expected of it, as far as its progress is known.
    fn forecast(
        &self,
        currency: Option<Currency>,
        value: Part<Decimal>,
        estimated: Part<Decimal>,
        actual: Part<Decimal>,
        invoiced: Part<Decimal>,
        told: &mut Statement,
    ) {
        let Some(currency) = currency else { return };
        let eac = actual.with(self.progress, |actual, progress| {
            estimate_at_completion(Money::new(actual, currency), progress)
                .map_or(Part::Nothing, |eac| Part::Known(eac.amount))
        });
        let forecast = value.with(eac, difference);
        let slippage = forecast.with(estimated, difference);
        let recognised = value.with(self.progress, |value, progress| {
            let part = value.checked_mul(progress).and_then(|part| part.checked_div(Decimal::ONE_HUNDRED));
            part.map_or(Part::Nothing, |part| Part::Known(rounded(part, currency)))
        });
        let backlog = if self.is_cancelled { Part::Nothing } else { value.with(recognised, difference) };
        for (measure, part) in [
            (Measure::Eac, eac),
            (Measure::ForecastMargin, forecast),
            (Measure::ForecastMarginBase, forecast.with(value, |_, value| Part::Known(value))),
            (Measure::Slippage, slippage),
            (Measure::SlippageBase, slippage.with(value, |_, value| Part::Known(value))),
            (Measure::Recognised, recognised),
            (Measure::Backlog, backlog),
            (Measure::Wip, recognised.with(invoiced, difference)),
        ] {
            told.set(measure, part);
        }
    }

    /// What remains of what was invoiced, before and after support.
    fn margins(&self, basis: &Basis<'_>, invoiced: Part<Decimal>, actual: Part<Decimal>, told: &mut Statement) {
        let margin = invoiced.with(actual, difference);
        let tickets = self.support.then(|support| known(support.tickets.map(Decimal::from)));
        let hours = self.support.then(|support| known(support.hours));
        let cost = hours.then(|hours| {
            let Some(hour_cost) = basis.hour_cost else { return Part::Nothing };
            let cost = hour_cost.amount.checked_mul(hours).map(|cost| rounded(cost, hour_cost.currency));
            let cost = cost.map(|cost| Money::new(cost, hour_cost.currency));
            cost.map_or(Part::Unknown(Exclusion::NotWhole), |cost| basis.money(cost, &mut told.converted))
        });
        let remains = margin
            .with(cost, |margin, cost| difference(margin, if basis.support_in_costs { Decimal::ZERO } else { cost }));
        for (measure, part) in [
            (Measure::Margin, margin),
            (Measure::MarginBase, margin.with(invoiced, |_, invoiced| Part::Known(invoiced))),
            (Measure::SupportTickets, tickets),
            (Measure::SupportHours, hours),
            (Measure::SupportCost, cost),
            (Measure::TrueMargin, remains),
            (Measure::TrueMarginBase, remains.with(invoiced, |_, invoiced| Part::Known(invoiced))),
        ] {
            told.set(measure, part);
        }
    }
}

impl Statement {
    /// What the work was expected to cost, against what it cost.
    fn budget(&mut self, value: Part<Decimal>, estimated: Part<Decimal>, actual: Part<Decimal>) {
        let budget = value.with(estimated, difference);
        let variance = budget.with(actual, difference);
        let over = variance.then(|variance| Part::Known(Decimal::from(usize::from(variance < Decimal::ZERO))));
        self.set(Measure::BudgetCost, budget);
        self.set(Measure::BudgetVariance, variance);
        self.set(Measure::OverBudgetProjects, over);
        self.set(Measure::BudgetedProjects, variance.then(|_| Part::Known(Decimal::ONE)));
    }
}

impl Basis<'_> {
    /// A sum in the currency: as its owners recorded it, else by the exchange rates.
    fn amount(&self, figure: &Figure, completeness: &Completeness, converted: &mut bool) -> Part<Decimal> {
        if figure.is_empty() {
            return Part::Known(Decimal::ZERO);
        }
        if let Some(money) = self.currency.and_then(|currency| figure.in_currency(currency)) {
            return Part::Known(money.amount);
        }
        match figure.money() {
            Some(money) => self.money(money, converted),
            None => Part::Unknown(completeness.reasons.first().copied().unwrap_or(Exclusion::MixedCurrencies)),
        }
    }

    fn money(&self, money: Money, converted: &mut bool) -> Part<Decimal> {
        let Some(currency) = self.currency else { return Part::Unknown(Exclusion::MixedCurrencies) };
        if money.currency == currency {
            return Part::Known(money.amount);
        }
        let missing = if self.rates.is_some() { Exclusion::MissingRate } else { Exclusion::MixedCurrencies };
        match self.rates.and_then(|rates| rates.convert(money, currency)) {
            Some(money) => {
                *converted = true;
                Part::Known(money.amount)
            }
            None => Part::Unknown(missing),
        }
    }
}

/// What all parts of are known, if it is.
fn known(value: Option<Decimal>) -> Part<Decimal> {
    value.map_or(Part::Unknown(Exclusion::NotWhole), Part::Known)
}

fn difference(one: Decimal, other: Decimal) -> Part<Decimal> {
    one.checked_sub(other).map_or(Part::Unknown(Exclusion::NotWhole), Part::Known)
}

fn rounded(amount: Decimal, currency: Currency) -> Decimal {
    amount.round_dp_with_strategy(digits(currency), RoundingStrategy::MidpointAwayFromZero)
}
