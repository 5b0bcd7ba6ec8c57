//! What a report answers: flat rows of one grain under typed columns.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::Serialize;

use crate::access::View;
use crate::domain::Rates;
use crate::finance::metrics::{self, Metric, MetricKind};
use crate::finance::{Completeness, Sums};

/// The answer of a report. It is whole: where a system could not be asked there is an error in its place.
#[derive(Debug, Clone)]
pub struct Table {
    /// The columns, in an order that stays: all that the viewer's role shows.
    pub columns: Vec<Column>,
    /// The rows; each has a cell for every column.
    pub rows: Vec<Vec<Cell>>,
    /// When the oldest value in it was read.
    pub as_of: Timestamp,
    /// How many projects (or deals without one) are in the figures, how many are not, and why.
    pub completeness: Completeness,
    /// The exchange rates, if an amount was converted by them.
    pub rates: Option<Rates>,
}

impl Table {
    /// The table with the columns alone that a role shows.
    pub(super) fn shown_to(self, view: &View) -> Self {
        let shown: Vec<bool> = self.columns.iter().map(|column| column.is_shown(view)).collect();
        if !shown.contains(&false) {
            return self;
        }
        let columns = kept(self.columns, &shown);
        Self { columns, rows: self.rows.into_iter().map(|row| kept(row, &shown)).collect(), ..self }
    }
}

/// Those of some things that are kept.
pub(super) fn kept<T>(all: Vec<T>, keep: &[bool]) -> Vec<T> {
    all.into_iter().zip(keep).filter_map(|(one, keep)| keep.then_some(one)).collect()
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
    /// What in the graph it is the same as.
    #[serde(skip)]
    of: Of,
}

/// What in the graph a column is the same as, so that a role shows both or neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    /// Nothing that is kept from anybody: keys, links, ages.
    Nothing,
    /// A field, by type and name.
    Field(&'static str),
    /// The metric of the column's name.
    Metric,
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
    /// An exchange rate, with at most 12 places.
    Rate,
    /// A day.
    Date,
    /// A moment, in UTC.
    Moment,
    /// Yes or no.
    Flag,
}

impl Column {
    /// A column of what is in the graph nowhere, or shown to all.
    pub const fn new(name: &'static str, label: &'static str, kind: ColumnKind, description: &'static str) -> Self {
        Self { name, label, kind, description, of: Of::Nothing }
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
        let column = Self::new(metric.name, metric.label, ColumnKind::of(metric.kind), metric.description);
        Self { of: Of::Metric, ..column }
    }

    /// The same, of what a field of the graph says.
    pub(super) const fn of(self, field: &'static str) -> Self {
        Self { of: Of::Field(field), ..self }
    }

    /// The field of the graph that says the same, by type and name.
    pub fn field(&self) -> Option<Cow<'static, str>> {
        match self.of {
            Of::Nothing => None,
            Of::Field(field) => Some(Cow::Borrowed(field)),
            Of::Metric => Some(Cow::Owned(metrics::field(self.name))),
        }
    }

    /// Whether a role shows it.
    pub fn is_shown(&self, view: &View) -> bool {
        view.is_unmasked() || self.field().is_none_or(|field| view.may(&field))
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
    /// Of [`ColumnKind::Amount`], [`ColumnKind::Percent`], [`ColumnKind::Number`] and [`ColumnKind::Rate`].
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
