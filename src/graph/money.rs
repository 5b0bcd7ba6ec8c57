//! Money as the graph shows it.

use async_graphql::SimpleObject;
use rust_decimal::Decimal;

use super::scalars::CurrencyCode;
use crate::domain::{self, Booked};

/// An amount of money in one currency. It is what the owner stated, or an exact sum of that; never rounded, and never converted
/// but in `profitability`, which names the rates.
#[derive(Debug, Clone, Copy, SimpleObject)]
pub struct Money {
    /// The amount, exact to the last digit: a JSON string.
    amount: Decimal,
    /// The currency.
    currency: CurrencyCode,
}

impl From<domain::Money> for Money {
    fn from(money: domain::Money) -> Self {
        Self { amount: money.amount, currency: CurrencyCode(money.currency) }
    }
}

/// What the document says, else what the books say.
pub(super) fn shown(booked: &Booked) -> Option<Money> {
    booked.document.or(booked.company).map(Money::from)
}
