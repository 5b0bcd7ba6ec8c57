//! The set `ExchangeRates`: by which rates the ready reports convert, so that a tool that sees no headers can show them
//! beside the figures.

use rust_decimal::{Decimal, RoundingStrategy};

use super::{Row, text};
use crate::domain::{Currency, Rates};
use crate::reports::{Cell, Column, ColumnKind};

pub(super) const DESCRIPTION: &str = "The exchange rates of the configuration. The sets of ready reports convert by them what \
                                      its owner recorded in another currency alone; all other sets convert nothing.";

pub(super) const COLUMNS: &[Column] = &[
    Column::new("currency", "Currency", ColumnKind::Text, "ISO 4217 code of the currency that the rate is for."),
    Column::new("base", "Base", ColumnKind::Text, "ISO 4217 code of the currency that the rate is for one unit of."),
    Column::new(
        "rate",
        "Rate",
        ColumnKind::Rate,
        "Units of the currency for one of the base. The base itself has a row with 1.",
    ),
    Column::new("date", "Date", ColumnKind::Date, "The day whose rate it is."),
    Column::new("source", "Source", ColumnKind::Text, "Who published it, in the words of the configuration."),
];

/// Places of a rate behind its point.
const PLACES: u32 = 12;

/// A row for the base, and one for each other currency, in the order of their codes.
pub(super) fn rows(rates: &Rates) -> Vec<Row> {
    let mut all: Vec<(Currency, Decimal)> = rates.per_base.iter().map(|(currency, rate)| (*currency, *rate)).collect();
    all.push((rates.base, Decimal::ONE));
    all.sort_unstable_by_key(|(currency, _)| currency.code());
    let row = |(currency, rate): (Currency, Decimal)| {
        vec![
            text(Some(currency.code())),
            text(Some(rates.base.code())),
            Cell::Decimal(rate.round_dp_with_strategy(PLACES, RoundingStrategy::MidpointAwayFromZero)),
            Cell::Date(rates.date),
            text(Some(&rates.source)),
        ]
    };
    all.into_iter().map(row).collect()
}
