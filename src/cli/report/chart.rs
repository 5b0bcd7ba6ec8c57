//! Bars for people: one per row, apart for each currency, because amounts in two of them have no common length.

use rust_decimal::Decimal;

use super::table::cell;
use crate::reports::{Cell, Chart, Table};

/// Length of the longest bar, and the most bars of one currency.
const LONGEST: u32 = 40;
const MOST: usize = 20;

/// A bar.
struct Bar {
    label: String,
    value: Decimal,
}

/// The bars of a table, one a line.
pub(super) fn text(table: &Table, chart: Chart) -> String {
    let mut text = String::new();
    for (currency, bars) in by_currency(table, chart) {
        let column = table.columns.iter().find(|column| column.name == chart.value);
        let label = column.map_or(chart.value, |column| column.label);
        text.push_str(label);
        if !currency.is_empty() {
            text.extend([" (", &currency, ")"]);
        }
        text.push('\n');
        let shown = bars.get(..MOST).unwrap_or(&bars);
        let width = shown.iter().map(|bar| bar.label.chars().count()).max().unwrap_or_default();
        let longest = shown.iter().map(|bar| bar.value.abs()).max().unwrap_or_default();
        for bar in shown {
            let sign = if bar.value.is_sign_negative() { "░" } else { "█" };
            let drawn = sign.repeat(length(bar.value, longest));
            let gap = " ".repeat(width.saturating_sub(bar.label.chars().count()));
            let value = cell(&Cell::Decimal(bar.value));
            text.extend(["  ", &bar.label, &gap, "  ", &drawn, " ", &value, "\n"]);
        }
        if bars.len() > shown.len() {
            text.extend(["  and ", &(bars.len() - shown.len()).to_string(), " more\n"]);
        }
    }
    text
}

/// The bars in the order of the rows. A row without a value has none.
fn by_currency(table: &Table, chart: Chart) -> Vec<(String, Vec<Bar>)> {
    let at = |name: &str| table.columns.iter().position(|column| column.name == name);
    let (Some(label), Some(value)) = (at(chart.label), at(chart.value)) else { return Vec::new() };
    let currency = at("currency");
    let mut all: Vec<(String, Vec<Bar>)> = Vec::new();
    for row in &table.rows {
        let value = match row.get(value) {
            Some(Cell::Decimal(value)) => *value,
            Some(Cell::Count(count)) => Decimal::from(*count),
            _ => continue,
        };
        let currency = match currency.and_then(|at| row.get(at)) {
            Some(Cell::Text(currency)) => currency.clone(),
            _ => String::new(),
        };
        let bar = Bar { label: row.get(label).map(cell).unwrap_or_default(), value };
        match all.iter_mut().find(|(known, _)| *known == currency) {
            Some((_, bars)) => bars.push(bar),
            None => all.push((currency, vec![bar])),
        }
    }
    all
}

/// The length of a bar; one that is not zero can be seen.
fn length(value: Decimal, longest: Decimal) -> usize {
    let part = value.abs().checked_div(longest).unwrap_or_default() * Decimal::from(LONGEST);
    let length = usize::try_from(part.round()).unwrap_or_default();
    if value.is_zero() { 0 } else { length.max(1) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finance::Completeness;
    use crate::reports::{Column, ColumnKind};

    const COLUMNS: &[Column] = &[
        Column::new("vertical", "Vertical", ColumnKind::Text, ""),
        Column::new("currency", "Currency", ColumnKind::Text, ""),
        Column::new("margin", "Margin", ColumnKind::Amount, ""),
    ];
    const CHART: Chart = Chart { label: "vertical", value: "margin" };

    fn drawn(rows: &[(&str, &str, &str)]) -> String {
        let cell = |value: &str| match value.parse() {
            Ok(value) => Cell::Decimal(value),
            Err(_) => Cell::Empty,
        };
        let row = |(vertical, currency, margin): &(&str, &str, &str)| {
            vec![Cell::Text((*vertical).to_owned()), Cell::Text((*currency).to_owned()), cell(margin)]
        };
        let rows = rows.iter().map(row).collect();
        let as_of = "2026-06-15T12:00:00Z".parse().unwrap();
        text(
            &Table { columns: COLUMNS.to_vec(), rows, as_of, completeness: Completeness::default(), rates: None },
            CHART,
        )
    }

    #[test]
    fn bars_are_as_long_as_their_values_within_a_currency() {
        let full = "█".repeat(40);
        let half = "░".repeat(20);
        let rows = [("Health", "EUR", "200"), ("Retail", "USD", "1"), ("Bank", "EUR", "-100"), ("Zero", "EUR", "0")];
        assert_eq!(
            drawn(&rows),
            format!(
                "Margin (EUR)\n  Health  {full} 200\n  Bank    {half} -100\n  Zero     0\nMargin (USD)\n  Retail  {full} 1\n"
            )
        );
    }

    #[test]
    fn what_is_unknown_has_no_bar_and_a_small_value_can_be_seen() {
        let rows = [("A", "EUR", "-"), ("B", "EUR", "100000"), ("C", "EUR", "1")];
        let text = drawn(&rows);
        assert!(!text.contains("  A ") && text.contains("  C  █ 1\n"), "{text}");
        assert_eq!(drawn(&[("A", "EUR", "-")]), "");
    }

    #[test]
    fn many_rows_are_cut_and_counted() {
        let names: Vec<String> = (0..25).map(|at| format!("n{at}")).collect();
        let rows: Vec<(&str, &str, &str)> = names.iter().map(|name| (name.as_str(), "EUR", "1")).collect();
        assert!(drawn(&rows).ends_with("  and 5 more\n"));
    }
}
