//! Exchange rates that somebody wrote down: of one day, from one source, which every answer that uses them names.

use std::collections::HashMap;

use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};

use super::{Currency, Money, digits};

/// Exchange rates of one day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rates {
    /// The currency that the rates are for one unit of.
    pub base: Currency,
    /// The day.
    pub date: Date,
    /// Who published them.
    pub source: String,
    /// Units of each currency for one of the base.
    pub per_base: HashMap<Currency, Decimal>,
}

impl Rates {
    /// An amount in another currency, to the places of that currency, halves away from zero; none without a rate.
    pub fn convert(&self, money: Money, currency: Currency) -> Option<Money> {
        if money.currency == currency {
            return Some(money);
        }
        let (from, to) = (self.rate(money.currency)?, self.rate(currency)?);
        let exact = money.amount.checked_mul(to)?.checked_div(from)?;
        let amount = exact.round_dp_with_strategy(digits(currency), RoundingStrategy::MidpointAwayFromZero);
        Some(Money::new(amount, currency))
    }

    fn rate(&self, currency: Currency) -> Option<Decimal> {
        if currency == self.base { Some(Decimal::ONE) } else { self.per_base.get(&currency).copied() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_converted_to_the_places_of_the_other_currency_and_only_with_a_rate() {
        let per_base = [(Currency::USD, "1.25"), (Currency::JPY, "160")];
        let rates = Rates {
            base: Currency::EUR,
            date: jiff::civil::date(2026, 10, 31),
            source: "test".to_owned(),
            per_base: per_base.into_iter().map(|(currency, rate)| (currency, rate.parse().unwrap())).collect(),
        };
        let money = |amount: &str, currency| Money::new(amount.parse().unwrap(), currency);
        assert_eq!(rates.convert(money("100", Currency::EUR), Currency::USD), Some(money("125", Currency::USD)));
        assert_eq!(rates.convert(money("100", Currency::USD), Currency::EUR), Some(money("80", Currency::EUR)));
        assert_eq!(rates.convert(money("1", Currency::USD), Currency::JPY), Some(money("128", Currency::JPY)));
        assert_eq!(rates.convert(money("0.01", Currency::JPY), Currency::EUR), Some(money("0", Currency::EUR)));
        assert_eq!(rates.convert(money("1", Currency::CHF), Currency::EUR), None);
        assert_eq!(rates.convert(money("1.005", Currency::CHF), Currency::CHF), Some(money("1.005", Currency::CHF)));
    }
}
