//! What a report answers: flat rows of one grain under typed columns.

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Serialize;

use crate::domain::Rates;
use crate::finance::metrics::{Metric, MetricKind};
use crate::finance::{Completeness, Sums};

/// The answer of a report. It is whole: where a system could not be asked there is an error in its place.
#[derive(Debug, Clone)]
pub struct Table {
    /// The columns, always all of them and in this order.
    pub columns: &'static [Column],
    /// The rows; each has a cell for every column.
    pub rows: Vec<Vec<Cell>>,
    /// When the oldest value in it was read.
    pub as_of: Timestamp,
    /// How many projects (or deals without one) are in the figures, how many are not, and why.
    pub completeness: Completeness,
    /// The exchange rates, if an amount was converted by them.
    pub rates: Option<Rates>,
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its name: `snake_case`, stable.
    pub name: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// What is in it.
    pub kind: ColumnKind,
    /// What it means, its unit, and what an empty cell means.
    pub description: &'static str,
}

/// What is in a column. Every cell of it is of that kind, or [`Cell::Empty`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ColumnKind {
    /// A text: names, words, IDs (leading zeros count).
    Text,
    /// A whole number.
    Count,
    /// An amount of money in the currency that the row's column `currency` names; at most 4 places.
    Amount,
    /// A percentage, to two places: 12.5 is 12.5 %.
    Percent,
    /// A number with at most 4 places that is no money: hours, days.
    Number,
    /// A day.
    Date,
    /// A moment, in UTC.
    Moment,
    /// Yes or no.
    Flag,
}

impl Column {
    /// A column.
    pub(super) const fn new(
        name: &'static str,
        label: &'static str,
        kind: ColumnKind,
        description: &'static str,
    ) -> Self {
        Self { name, label, kind, description }
    }

    /// A column of texts.
    pub(super) const fn text(name: &'static str, label: &'static str, description: &'static str) -> Self {
        Self::new(name, label, ColumnKind::Text, description)
    }

    /// A column of days.
    pub(super) const fn date(name: &'static str, label: &'static str, description: &'static str) -> Self {
        Self::new(name, label, ColumnKind::Date, description)
    }

    /// The column of a metric.
    pub(super) const fn metric(metric: &Metric) -> Self {
        Self::new(metric.name, metric.label, ColumnKind::of(metric.kind), metric.description)
    }
}

impl ColumnKind {
    /// Of a metric.
    const fn of(kind: MetricKind) -> Self {
        match kind {
            MetricKind::Count => Self::Count,
            MetricKind::Amount => Self::Amount,
            MetricKind::Percent => Self::Percent,
            MetricKind::Hours | MetricKind::Days => Self::Number,
        }
    }
}

/// A cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cell {
    /// Unknown, or nothing. Never 0.
    Empty,
    /// Of [`ColumnKind::Text`].
    Text(String),
    /// Of [`ColumnKind::Count`].
    Count(u64),
    /// Of [`ColumnKind::Amount`], [`ColumnKind::Percent`] and [`ColumnKind::Number`].
    Decimal(Decimal),
    /// Of [`ColumnKind::Date`].
    Date(Date),
    /// Of [`ColumnKind::Moment`].
    Moment(Timestamp),
    /// Of [`ColumnKind::Flag`].
    Flag(bool),
}

impl Cell {
    /// A text.
    pub(super) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// A text that may be missing.
    pub(super) fn maybe(text: Option<&str>) -> Self {
        text.map_or(Self::Empty, Self::text)
    }

    /// A count.
    pub(super) fn count(count: usize) -> Self {
        Self::Count(u64::try_from(count).unwrap_or(u64::MAX))
    }

    /// A number, to 4 places.
    pub(super) fn decimal(number: Option<Decimal>) -> Self {
        let places = |number: Decimal| number.round_dp_with_strategy(4, RoundingStrategy::MidpointAwayFromZero);
        number.map_or(Self::Empty, |number| Self::Decimal(places(number)))
    }

    /// A metric.
    pub(super) fn metric(metric: &Metric, sums: &Sums) -> Self {
        let value = metric.of(sums);
        if ColumnKind::of(metric.kind) == ColumnKind::Count {
            let count = value.and_then(|value| u64::try_from(value).ok());
            return count.map_or(Self::Empty, Self::Count);
        }
        Self::decimal(value)
    }

    /// Why something is excluded.
    pub(super) fn reasons(completeness: &Completeness) -> Self {
        let reasons: Vec<&str> = completeness.reasons.iter().map(|reason| reason.as_str()).collect();
        if reasons.is_empty() { Self::Empty } else { Self::Text(reasons.join(" ")) }
    }
}
