//! Reports with one row per group of engagements.

use std::cmp::Reverse;

use super::portfolio::{Engaged, Scope};
use super::table::{Cell, Column};
use super::{Filter, Needs, Progress, ReportError, Reports, Table};
use crate::finance::metrics::{self, Metric};
use crate::finance::{Completeness, Dimension, Group, Profitability, Terms};
use crate::reads::ReadOptions;

/// What people call the group of what nobody assigned.
const UNASSIGNED: &str = "(unassigned)";

/// Which groups, and what of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Groups {
    pub(super) dimensions: &'static [Dimension],
    pub(super) metrics: &'static [Metric],
    pub(super) order: Order,
}

/// In which order the rows of one currency stand.
#[derive(Debug, Clone, Copy)]
pub(super) enum Order {
    /// By what the groups have in common.
    Members,
    /// By a metric, greatest first, unknown last.
    Descending(&'static Metric),
}

/// Makes the report.
pub(super) async fn table(
    reports: &Reports,
    groups: &Groups,
    columns: &'static [Column],
    filter: &Filter,
    options: &ReadOptions,
    progress: &Progress,
) -> Result<Table, ReportError> {
    let view = &options.viewer.view;
    let shown = groups.metrics.iter().filter(|metric| view.may(&metrics::field(metric.name)));
    let measures: Vec<_> = shown.flat_map(|metric| metric.measures.iter().copied()).collect();
    let needs = Needs::of(measures.iter().copied());
    let needs = groups.dimensions.iter().fold(needs, |needs, dimension| needs.by(*dimension));
    let scope = Scope { query: filter.query(), needs };
    let terms = Terms { measures, ..reports.terms(filter.currency, groups.dimensions.to_vec()) };
    let mut profitability = Profitability::new(terms);
    let mut visit = |engaged: Engaged<'_>| {
        profitability.add(&engaged.engagement, &engaged.attributes, &[]);
    };
    reports.walk_whole(&scope, options, progress, &mut visit).await?;
    let (mut rows, totals) = profitability.finish();
    // Whoever sees the order by a metric sees the metric.
    if let Order::Descending(metric) = groups.order
        && view.may(&metrics::field(metric.name))
    {
        rows.sort_by_key(|row| {
            let value = metric.of(&row.sums);
            (row.currency.map(|currency| currency.code()), value.is_none(), value.map(Reverse))
        });
    }
    let (mut completeness, mut converted) = (Completeness::default(), false);
    for total in totals {
        converted |= total.sums.converted;
        completeness = completeness.and(&total.sums.completeness);
    }
    let rows = rows.iter().map(|row| row_of(row, groups, columns)).collect();
    Ok(reports.table(columns, rows, completeness, converted, options))
}

fn row_of(group: &Group, groups: &Groups, columns: &[Column]) -> Vec<Cell> {
    let mut cells = Vec::with_capacity(columns.len());
    for (member, dimension) in group.members.iter().zip(groups.dimensions) {
        if *dimension == Dimension::Client {
            cells.push(member.value.as_deref().map_or(Cell::Empty, Cell::text));
        }
        cells.push(Cell::text(member.label.as_deref().unwrap_or(UNASSIGNED)));
    }
    cells.push(group.currency.map_or(Cell::Empty, |currency| Cell::text(currency.code())));
    cells.extend(groups.metrics.iter().map(|metric| Cell::metric(metric, &group.sums)));
    let completeness = &group.sums.completeness;
    cells.push(Cell::count(completeness.included));
    cells.push(Cell::count(completeness.excluded));
    cells.push(Cell::reasons(completeness));
    cells
}
