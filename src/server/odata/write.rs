//! Rows as OData's JSON.

use rust_decimal::Decimal;

use super::expression::Literal;
use super::feed::{Asked, Page};
use super::format::{Format, Metadata};
use super::metadata::{NAMESPACE, type_of};
use super::options::escaped;
use crate::graph::Json;
use crate::reports::entities::{EntitySet, Row};
use crate::reports::{Cell, Column};

/// The document that lists the sets.
pub(super) fn service(sets: &[EntitySet], root: &str, format: Format) -> Vec<u8> {
    let mut json = Json::with_capacity(4096);
    json.byte(b'{');
    if format.metadata != Metadata::None {
        json.raw(br#""@odata.context":"#);
        json.string(&format!("{root}$metadata"));
        json.byte(b',');
    }
    json.raw(br#""value":"#);
    json.list(sets, |json, set| {
        json.raw(br#"{"name":"#);
        json.string(&set.name);
        json.raw(br#","kind":"EntitySet","url":"#);
        json.string(&set.name);
        json.byte(b'}');
    });
    json.byte(b'}');
    json.into_bytes()
}

/// A page of rows.
pub(super) fn page(asked: &Asked, page: &Page, root: &str, format: Format) -> Vec<u8> {
    let mut json = Json::with_capacity(256 + 512 * page.rows.len());
    json.byte(b'{');
    if format.metadata != Metadata::None {
        json.raw(br#""@odata.context":"#);
        json.string(&context(asked, root));
        json.byte(b',');
    }
    if let Some(count) = page.count {
        json.raw(br#""@odata.count":"#);
        whole(&mut json, count as u64, format);
        json.byte(b',');
    }
    json.raw(br#""value":"#);
    json.list(&page.rows, |json, row| {
        json.byte(b'{');
        properties(json, asked, row, root, format);
        json.byte(b'}');
    });
    if let Some(next) = &page.next {
        json.raw(br#","@odata.nextLink":"#);
        json.string(&format!("{root}{}?{next}", asked.set.name));
    }
    json.byte(b'}');
    json.into_bytes()
}

/// One row by itself.
pub(super) fn row(asked: &Asked, row: &Row, root: &str, format: Format) -> Vec<u8> {
    let mut json = Json::with_capacity(1024);
    json.byte(b'{');
    if format.metadata != Metadata::None {
        json.raw(br#""@odata.context":"#);
        json.string(&format!("{}/$entity", context(asked, root)));
        json.byte(b',');
    }
    properties(&mut json, asked, row, root, format);
    json.byte(b'}');
    json.into_bytes()
}

fn context(asked: &Asked, root: &str) -> String {
    let mut context = format!("{root}$metadata#{}", asked.set.name);
    if asked.is_selection {
        let names: Vec<&str> = columns(asked).map(|(_, column)| column.name).collect();
        context.extend(["(", &names.join(","), ")"]);
    }
    context
}

fn columns(asked: &Asked) -> impl Iterator<Item = (usize, &Column)> {
    asked.selected.iter().filter_map(|place| Some((*place, asked.set.columns.get(*place)?)))
}

fn properties(json: &mut Json, asked: &Asked, row: &Row, root: &str, format: Format) {
    let mut first = true;
    if format.metadata == Metadata::Full {
        json.raw(br#""@odata.type":"#);
        json.string(&format!("#{NAMESPACE}.{}", asked.set.entity));
        json.raw(br#","@odata.id":"#);
        let key = Literal(row.first().unwrap_or(&Cell::Empty)).to_string();
        json.string(&format!("{root}{}({})", asked.set.name, escaped(&key)));
        first = false;
    }
    for (place, column) in columns(asked) {
        let cell = row.get(place).unwrap_or(&Cell::Empty);
        if !first {
            json.byte(b',');
        }
        first = false;
        // The types of texts and flags are plain to see.
        if format.metadata == Metadata::Full && !matches!(cell, Cell::Empty | Cell::Text(_) | Cell::Flag(_)) {
            json.string(&format!("{}@odata.type", column.name));
            json.byte(b':');
            json.string(type_of(column).replace("Edm.", "#").as_str());
            json.byte(b',');
        }
        json.string(column.name);
        json.byte(b':');
        value(json, cell, format);
    }
}

fn value(json: &mut Json, cell: &Cell, format: Format) {
    match cell {
        Cell::Empty => json.null(),
        Cell::Text(text) => json.string(text),
        Cell::Count(number) => whole(json, *number, format),
        Cell::Decimal(number) => decimal(json, *number, format),
        Cell::Date(day) => json.date(*day),
        Cell::Moment(at) => json.string(&at.to_string()),
        Cell::Flag(flag) => json.boolean(*flag),
    }
}

fn whole(json: &mut Json, number: u64, format: Format) {
    if format.ieee754 {
        json.string(&number.to_string());
    } else {
        json.integer(number.into());
    }
}

/// A number of JSON has as many digits as are written: it is exact, whatever a reader makes of it.
fn decimal(json: &mut Json, number: Decimal, format: Format) {
    if format.ieee754 {
        json.string(&number.to_string());
    } else {
        json.raw(number.to_string().as_bytes());
    }
}
