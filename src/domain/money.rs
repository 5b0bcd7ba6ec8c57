//! Money: an exact decimal and a currency. Read from text, never through a float; never added across currencies.

pub use iso_currency::Currency;
use rust_decimal::Decimal;

/// An amount in one currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    /// The amount, exact.
    pub amount: Decimal,
    /// The currency.
    pub currency: Currency,
}

impl Money {
    /// An amount in a currency.
    pub fn new(amount: Decimal, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// The amount with the other sign.
    #[must_use]
    pub fn negated(self) -> Self {
        Self { amount: -self.amount, ..self }
    }
}

/// One amount as an owner booked it: in the document's currency, and in the company's own where the owner recorded that
/// too. Nothing is ever converted here: both are what the owner wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Booked {
    /// In the document's currency.
    pub document: Option<Money>,
    /// In the company's (local, home) currency, by the rate that the owner recorded.
    pub company: Option<Money>,
}

impl Booked {
    /// An amount of which only the document's currency is known.
    pub fn document(money: Money) -> Self {
        Self { document: Some(money), company: None }
    }

    /// The amount with the other sign.
    #[must_use]
    pub fn negated(self) -> Self {
        Self { document: self.document.map(Money::negated), company: self.company.map(Money::negated) }
    }

    /// The difference of two amounts, currency by currency; unknown where either is.
    #[must_use]
    pub fn minus(self, other: Self) -> Self {
        let difference = |a: Option<Money>, b: Option<Money>| {
            let (a, b) = (a?, b?);
            let same = a.currency == b.currency;
            a.amount.checked_sub(b.amount).filter(|_| same).map(|amount| Money::new(amount, a.currency))
        };
        Self { document: difference(self.document, other.document), company: difference(self.company, other.company) }
    }

    /// Whether nothing is known of it.
    pub fn is_unknown(&self) -> bool {
        self.document.is_none() && self.company.is_none()
    }
}

/// Places after the point that amounts of a currency have.
pub fn digits(currency: Currency) -> u32 {
    currency.exponent().map_or(2, u32::from)
}

/// Why a text is no amount or no currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not a decimal number, or one with more than 28 significant digits.
    #[error("not a decimal number of at most 28 digits")]
    BadNumber,
    /// Not an ISO 4217 code.
    #[error("not an ISO 4217 currency code")]
    UnknownCurrency,
}

/// Reads a decimal from text, exactly: `1190.50`, `-3`, `1.5e3`. Nothing is rounded: a number with more digits than
/// can be kept is an error.
pub fn parse_decimal(text: &str) -> Result<Decimal, MoneyError> {
    plain_decimal(text.as_bytes()).or_else(|| any_decimal(text.trim())).ok_or(MoneyError::BadNumber)
}

/// A decimal, however it is written.
fn any_decimal(text: &str) -> Option<Decimal> {
    let exact = |text| Decimal::from_str_exact(text).ok();
    match text.split_once(['e', 'E']) {
        // The parser rounds what stands before the exponent.
        Some((digits, _)) => exact(digits).and_then(|_| Decimal::from_scientific(text).ok()),
        None => exact(text),
    }
}

/// By far most amounts: a sign or none, at most 18 digits, and a point between two of them or none. What is written in
/// any other way is left to the general parser.
fn plain_decimal(text: &[u8]) -> Option<Decimal> {
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    let (units, whole, behind) = leading_digits(0, digits);
    let (units, count, scale) = match behind {
        [] => (units, whole, 0),
        [b'.', fraction @ ..] => {
            let (units, scale, behind) = leading_digits(units, fraction);
            if scale == 0 || !behind.is_empty() {
                return None;
            }
            (units, whole + scale, scale)
        }
        _ => return None,
    };
    if whole == 0 || count > 18 || (negative && units == 0) {
        return None;
    }
    let (low, middle) = (u32::try_from(units & 0xffff_ffff).ok()?, u32::try_from(units >> 32).ok()?);
    Some(Decimal::from_parts(low, middle, 0, negative, u32::try_from(scale).ok()?))
}

/// Puts the digits that a text begins with behind those of a number, as far as it has room; how many there are, and what
/// stands behind them.
fn leading_digits(number: u64, text: &[u8]) -> (u64, usize, &[u8]) {
    let (mut number, mut rest) = (number, text);
    while let [digit @ b'0'..=b'9', behind @ ..] = rest {
        number = number.wrapping_mul(10).wrapping_add(u64::from(digit - b'0'));
        rest = behind;
    }
    (number, text.len() - rest.len(), rest)
}

/// Reads an ISO 4217 code, in any case, e.g. `EUR`.
pub fn parse_currency(text: &str) -> Result<Currency, MoneyError> {
    let text = text.trim();
    Currency::from_code(text)
        .or_else(|| Currency::from_code(&text.to_ascii_uppercase()))
        .ok_or(MoneyError::UnknownCurrency)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_what_systems_write() {
        for (text, expected) in
            [("1190.50", "1190.50"), ("-3", "-3"), (" 7 ", "7"), ("1.5e3", "1500"), ("0.10", "0.10")]
        {
            assert_eq!(parse_decimal(text).unwrap().to_string(), expected);
        }
        let long = "0.12345678901234567890123456785e3";
        for text in ["", "abc", "1,5", "1.234,56", "NaN", "0x10", "99999999999999999999999999999.99", long] {
            assert_eq!(parse_decimal(text), Err(MoneyError::BadNumber), "{text}");
        }
        assert_eq!(parse_currency(" eur ").unwrap(), Currency::EUR);
        assert_eq!(parse_currency("EURO"), Err(MoneyError::UnknownCurrency));
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

        #[test]
        fn the_short_cut_reads_what_the_general_parser_reads(text in "[-+]?[0-9]{0,20}[.]?[0-9]{0,12}([-+. _eE,x]|)[0-9]{0,3}") {
            let read = parse_decimal(&text).ok();
            // Not just the same amount: the same digits after the point, and the same sign of a zero.
            prop_assert_eq!(read.map(|read| read.serialize()), any_decimal(text.trim()).map(|read| read.serialize()));
        }

        #[test]
        fn a_decimal_survives_its_text(units in any::<i64>(), scale in 0u32..10) {
            let amount = Decimal::new(units, scale);
            prop_assert_eq!(parse_decimal(&amount.to_string()).unwrap(), amount);
        }
    }
}
