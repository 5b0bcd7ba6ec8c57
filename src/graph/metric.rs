//! The catalogue of metrics, as the graph serves it.

use async_graphql::{Enum, SimpleObject};

use crate::finance::metrics;

/// A metric of a group of projects: a field of `ProfitabilityRow`, and a column of the reports.
#[derive(Debug, SimpleObject)]
pub struct Metric {
    /// Its name in feeds, e.g. `margin_pct`; in the graph the same as `marginPct`.
    name: &'static str,
    /// Its name for people.
    label: &'static str,
    /// What it means, and of which projects.
    description: &'static str,
    /// How it is computed, in the names of metrics and figures.
    formula: &'static str,
    /// What it is counted in: `currency`, `percent`, `hours`, `days`, `count`.
    unit: &'static str,
    /// What it is about: one row per project is added up.
    grain: &'static str,
    /// What it is true for, e.g. `to date`.
    time_basis: &'static str,
    /// Whether values of groups may be added up. If not, divide anew from `numerator` and `denominator`.
    additive: bool,
    /// Of a ratio: the metric above the line.
    numerator: Option<&'static str>,
    /// Of a ratio: the metric below it.
    denominator: Option<&'static str>,
    /// The domains whose owners state what it is made of.
    owners: Vec<&'static str>,
    /// Who may want it kept from others.
    sensitivity: Sensitivity,
}

/// How sensitive a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "metrics::Sensitivity")]
pub enum Sensitivity {
    /// For all who work with deals and projects.
    Internal,
    /// Amounts of clients' invoices.
    Financial,
    /// Costs and margins.
    Margin,
}

impl From<&metrics::Metric> for Metric {
    fn from(metric: &metrics::Metric) -> Self {
        Self {
            name: metric.name,
            label: metric.label,
            description: metric.description,
            formula: metric.formula,
            unit: metric.unit(),
            grain: metrics::GRAIN,
            time_basis: metric.time_basis,
            additive: metric.additive,
            numerator: metric.numerator,
            denominator: metric.denominator,
            owners: metric.owners.to_vec(),
            sensitivity: metric.sensitivity.into(),
        }
    }
}
