//! The ERP's arithmetic on documents: each line is rounded to cents in both currencies, and totals sum the lines.

use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};

use super::model::{Document, DocumentLine};

/// The company's own currency.
pub(super) const LOCAL: &str = "EUR";

/// Local units per foreign unit, in ten thousandths; 10,000 for the local currency.
pub(super) fn base_rate(currency: &str) -> i64 {
    match currency {
        "USD" => 9_231,
        "GBP" => 11_694,
        "CHF" => 10_472,
        _ => 10_000,
    }
}

/// What an hour costs in local currency: 72.00 this year, and 2.40 less for each year before.
pub(in crate::demo) fn hour_cost(today: Date, day: Date) -> Decimal {
    Decimal::new(7_200 - 240 * i64::from(today.year() - day.year()), 2)
}

/// Nothing, written with cents.
pub(super) const ZERO: Decimal = Decimal::from_parts(0, 0, 0, false, 2);

/// Rounds to cents, halves away from zero, as ledgers do.
pub(in crate::demo) fn round(amount: Decimal) -> Decimal {
    let mut rounded = amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(2);
    rounded
}

/// An amount of the document's currency, in local currency and in foreign currency (0 when the document is local).
pub(super) fn both(amount: Decimal, rate: Decimal, local: bool) -> (Decimal, Decimal) {
    if local { (round(amount), ZERO) } else { (round(amount * rate), round(amount)) }
}

/// Sets the net of a line, in the document's currency, and its tax. Returns the tax in foreign currency.
pub(super) fn set_net(line: &mut DocumentLine, net: Decimal, percent: i64, rate: Decimal, local: bool) -> Decimal {
    let tax = round(net * Decimal::new(percent, 2));
    (line.net, line.net_fc) = both(net, rate, local);
    let (local_tax, foreign_tax) = both(tax, rate, local);
    line.tax = local_tax;
    foreign_tax
}

/// Sums the lines into the document's totals.
pub(super) fn total(document: &mut Document, foreign_tax: Decimal) {
    document.tax = document.lines.iter().map(|line| line.tax).sum::<Decimal>() + ZERO;
    document.tax_fc = foreign_tax + ZERO;
    document.total = document.lines.iter().map(|line| line.net).sum::<Decimal>() + document.tax;
    document.total_fc = document.lines.iter().map(|line| line.net_fc).sum::<Decimal>() + document.tax_fc;
}
