//! A table for people.

use crate::reports::format::decimal;
use crate::reports::{Cell, Column, ColumnKind, Table};

/// Longer texts are cut.
const WIDEST: usize = 40;

/// Names of columns over as many lines as they need, a rule, and a line for each row; numbers to the right.
pub(super) fn text(table: &Table) -> String {
    let rows: Vec<Vec<String>> = table.rows.iter().map(|row| row.iter().map(cell).collect()).collect();
    let names: Vec<Vec<&str>> = table.columns.iter().map(|column| column.label.split(' ').collect()).collect();
    let widths: Vec<usize> = names
        .iter()
        .enumerate()
        .map(|(at, words)| {
            let cells = rows.iter().filter_map(|row| row.get(at)).map(|cell| cell.chars().count());
            cells.chain(words.iter().map(|word| word.chars().count())).max().unwrap_or_default()
        })
        .collect();
    let names: Vec<Vec<String>> =
        names.into_iter().zip(&widths).map(|(words, width)| wrapped(&words, *width)).collect();
    let height = names.iter().map(Vec::len).max().unwrap_or_default();

    let mut text = String::new();
    for at in 0..height {
        // What has fewer lines stands at the bottom, next to its values.
        let line = names.iter().map(|lines| (at + lines.len()).checked_sub(height).and_then(|at| lines.get(at)));
        push(&mut text, &table.columns, &widths, line.map(|cell| cell.map_or("", String::as_str)));
    }
    let rules: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
    push(&mut text, &table.columns, &widths, rules.iter().map(String::as_str));
    for row in &rows {
        push(&mut text, &table.columns, &widths, row.iter().map(String::as_str));
    }
    if rows.is_empty() {
        text.push_str("(no rows)\n");
    }
    text
}

fn push<'a>(text: &mut String, columns: &[Column], widths: &[usize], cells: impl Iterator<Item = &'a str>) {
    let mut line = String::new();
    for ((column, width), cell) in columns.iter().zip(widths).zip(cells) {
        let gap = " ".repeat(width.saturating_sub(cell.chars().count()));
        let (left, right) = if is_number(column.kind) { (gap.as_str(), "") } else { ("", gap.as_str()) };
        line.extend([left, cell, right, "  "]);
    }
    text.push_str(line.trim_end());
    text.push('\n');
}

fn is_number(kind: ColumnKind) -> bool {
    match kind {
        ColumnKind::Count | ColumnKind::Amount | ColumnKind::Percent | ColumnKind::Number | ColumnKind::Rate => true,
        ColumnKind::Text | ColumnKind::Date | ColumnKind::Moment | ColumnKind::Flag => false,
    }
}

/// A cell as people read it.
pub(super) fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Empty => "–".to_owned(),
        Cell::Text(text) => shown(text),
        Cell::Count(count) => count.to_string(),
        Cell::Decimal(value) => decimal(*value),
        Cell::Date(date) => date.to_string(),
        Cell::Moment(moment) => format!("{moment:.0}"),
        Cell::Flag(true) => "yes".to_owned(),
        Cell::Flag(false) => "no".to_owned(),
    }
}

/// A text on one line, without what a terminal would obey.
fn shown(text: &str) -> String {
    let plain = |sign: char| if sign.is_control() { ' ' } else { sign };
    if text.chars().count() <= WIDEST {
        return text.chars().map(plain).collect();
    }
    text.chars().take(WIDEST - 1).map(plain).chain(['…']).collect()
}

/// Words in lines of at most `width` characters.
fn wrapped(words: &[&str], width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push((*word).to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finance::Completeness;

    const COLUMNS: &[Column] = &[
        Column::new("client", "Client", ColumnKind::Text, ""),
        Column::new("margin_pct", "Margin in %", ColumnKind::Percent, ""),
    ];

    fn table(rows: Vec<Vec<Cell>>) -> Table {
        let as_of = "2026-06-15T12:00:00Z".parse().unwrap();
        Table { columns: COLUMNS.to_vec(), rows, as_of, completeness: Completeness::default(), rates: None }
    }

    #[test]
    fn numbers_are_to_the_right_and_names_are_as_narrow_as_their_values() {
        let row =
            |client: &str, margin: &str| vec![Cell::Text(client.to_owned()), Cell::Decimal(margin.parse().unwrap())];
        let rows = vec![row("Ärzte", "12.50"), row("B", "-7.25"), vec![Cell::Empty, Cell::Empty]];
        assert_eq!(
            text(&table(rows)),
            "        Margin\nClient    in %\n──────  ──────\nÄrzte    12.50\nB        -7.25\n–            –\n"
        );
        assert!(text(&table(vec![])).ends_with("(no rows)\n"));
    }

    #[test]
    fn a_text_cannot_steer_the_terminal_and_does_not_push_others_away() {
        assert_eq!(cell(&Cell::Text("a\u{1b}[31m\r\nb".to_owned())), "a [31m  b");
        let long = cell(&Cell::Text("x".repeat(50)));
        assert_eq!((long.chars().count(), long.ends_with('…')), (40, true));
    }
}
