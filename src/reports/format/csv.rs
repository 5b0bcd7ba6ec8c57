//! RFC 4180, for spreadsheets.

use super::{decimal, moment};
use crate::reports::{Cell, Table};

/// With one of these in front a spreadsheet takes a text for a formula, or for the beginning of one.
const FORMULA: [char; 7] = ['=', '+', '-', '@', '\t', '\r', '\n'];

pub(super) fn write(table: &Table, bom: bool) -> Vec<u8> {
    let mut text = String::new();
    if bom {
        text.push('\u{feff}');
    }
    line(&mut text, table.columns.iter().map(|column| column.name.to_owned()));
    for row in &table.rows {
        line(&mut text, row.iter().map(cell));
    }
    text.into_bytes()
}

fn line(text: &mut String, cells: impl Iterator<Item = String>) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.push_str(&cell);
    }
    text.push_str("\r\n");
}

fn cell(cell: &Cell) -> String {
    match cell {
        Cell::Empty => String::new(),
        Cell::Text(text) => quoted(text),
        Cell::Count(count) => count.to_string(),
        Cell::Decimal(value) => decimal(*value),
        Cell::Date(date) => date.to_string(),
        Cell::Moment(value) => moment(*value),
        Cell::Flag(flag) => flag.to_string(),
    }
}

/// A text, with an apostrophe before what would be a formula, and in quotes where it must be.
fn quoted(text: &str) -> String {
    let guard = if text.starts_with(FORMULA) { "'" } else { "" };
    if text.is_empty() || text.contains([',', '"', '\r', '\n']) || text.trim() != text {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        format!("{guard}{text}")
    }
}
