//! Flat JSON objects: an array of them, or one a line.

use super::{decimal, moment};
use crate::reports::{Cell, Table};

pub(super) fn array(table: &Table) -> Vec<u8> {
    let mut json = String::from("[");
    for (at, row) in table.rows.iter().enumerate() {
        json.push_str(if at == 0 { "\n" } else { ",\n" });
        object(&mut json, table, row);
    }
    json.push_str("\n]\n");
    json.into_bytes()
}

pub(super) fn lines(table: &Table) -> Vec<u8> {
    let mut json = String::new();
    for row in &table.rows {
        object(&mut json, table, row);
        json.push('\n');
    }
    json.into_bytes()
}

fn object(json: &mut String, table: &Table, row: &[Cell]) {
    json.push('{');
    for (at, (column, cell)) in table.columns.iter().zip(row).enumerate() {
        if at > 0 {
            json.push(',');
        }
        json.push_str(&string(column.name));
        json.push(':');
        json.push_str(&value(cell));
    }
    json.push('}');
}

fn value(cell: &Cell) -> String {
    match cell {
        Cell::Empty => "null".to_owned(),
        Cell::Text(text) => string(text),
        Cell::Count(count) => count.to_string(),
        // A JSON number may have as many digits as it likes; it is for the reader to keep them.
        Cell::Decimal(value) => decimal(*value),
        Cell::Date(date) => string(&date.to_string()),
        Cell::Moment(value) => string(&moment(*value)),
        Cell::Flag(flag) => flag.to_string(),
    }
}

fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
