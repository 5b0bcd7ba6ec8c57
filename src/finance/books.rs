//! What the sums of one project say together: the figures that need more than one owner's records.

use rust_decimal::Decimal;

use super::{Contract, Figure, Spending, estimate_at_completion, percent};
use crate::domain::{Currency, Money};

/// The sums of a project, as far as they are asked for and known. A part that is none is one whose owner does not know
/// the project.
#[derive(Debug, Clone, Copy, Default)]
pub struct Books<'a> {
    /// What was sold.
    pub contract: Option<&'a Contract>,
    /// What was invoiced, without tax.
    pub invoiced: Option<&'a Figure>,
    /// What was spent.
    pub spending: Option<&'a Spending>,
    /// Percent complete.
    pub progress: Option<Decimal>,
}

/// A figure as it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shown {
    /// An amount; none if its parts share no currency or one of them is unknown.
    Amount(Option<Money>),
    /// The sum of nothing: zero, in the currency of the project's other figures.
    Zero,
}

impl Figure {
    /// The currency of figures beside it that are zero, if it has one.
    pub fn currency(&self) -> Option<Currency> {
        self.money().map(|money| money.currency)
    }

    /// The figure as it is shown.
    pub fn shown(&self) -> Shown {
        if self.is_empty() { Shown::Zero } else { Shown::Amount(self.money()) }
    }

    /// `self - other` as it is shown.
    pub fn less(&self, other: &Self) -> Shown {
        if self.is_empty() && other.is_empty() { Shown::Zero } else { Shown::Amount(self.minus(other)) }
    }
}

impl Books<'_> {
    /// Contract value less what was invoiced.
    pub fn left_to_invoice(&self) -> Option<Shown> {
        Some(self.contract?.value.less(self.invoiced?))
    }

    /// What was invoiced, in percent of the contract value.
    pub fn invoiced_pct(&self) -> Option<Decimal> {
        self.invoiced?.percent_of(&self.contract?.value)
    }

    /// What was invoiced less what was spent.
    pub fn margin(&self) -> Option<Shown> {
        Some(self.invoiced?.less(&self.spending?.actual))
    }

    /// The margin, in percent of what was invoiced.
    pub fn margin_pct(&self) -> Option<Decimal> {
        let invoiced = self.invoiced?;
        let margin = invoiced.minus(&self.spending?.actual)?;
        percent(margin.amount, invoiced.in_currency(margin.currency)?.amount)
    }

    /// What the work was expected to cost less what was spent.
    pub fn budget_variance(&self) -> Option<Money> {
        let budget = self.contract?.budget()?;
        let spent = self.spending?.actual.in_currency(budget.currency)?;
        Some(Money::new(budget.amount.checked_sub(spent.amount)?, budget.currency))
    }

    /// What was spent, in percent of what the work was expected to cost.
    pub fn budget_burned_pct(&self) -> Option<Decimal> {
        let budget = self.contract?.budget()?;
        percent(self.spending?.actual.in_currency(budget.currency)?.amount, budget.amount)
    }

    /// What the project will have cost if it goes on as it went.
    pub fn estimate_at_completion(&self) -> Option<Money> {
        estimate_at_completion(self.spending?.actual.money()?, self.progress?)
    }

    /// What will remain of the contract value, in percent of it, if the project goes on as it went.
    pub fn forecast_margin_pct(&self) -> Option<Decimal> {
        let estimate = self.estimate_at_completion()?;
        let value = self.contract?.value.in_currency(estimate.currency)?.amount;
        percent(value.checked_sub(estimate.amount)?, value)
    }

    /// Forecast margin % less estimated margin %.
    pub fn margin_slippage(&self) -> Option<Decimal> {
        super::margin_slippage(self.contract?, self.estimate_at_completion()?)
    }
}
