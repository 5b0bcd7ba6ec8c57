//! The methods that read: `search_read`, `read`, `search`, `search_count`, `read_group`, `formatted_read_group`,
//! `fields_get`.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Map, Value as Json, json};

use super::answer::Refusal;
use super::domain::Condition;
use super::models::NOT_STORED;
use super::table::{Row, Table, Tables};
use super::value::{Key, Value};

/// Arguments of a call, by name.
pub(super) type Arguments = Map<String, Json>;

/// The names of a method's arguments, in their order; none for methods that are not there, or write.
pub(super) fn signature(method: &str) -> Option<&'static [&'static str]> {
    Some(match method {
        "search_read" => &["domain", "fields", "offset", "limit", "order", "load"],
        "read" => &["ids", "fields", "load"],
        "search" => &["domain", "offset", "limit", "order"],
        "search_count" => &["domain", "limit"],
        "read_group" => &["domain", "fields", "groupby", "offset", "limit", "orderby", "lazy"],
        "formatted_read_group" => &["domain", "groupby", "aggregates", "having", "offset", "limit", "order"],
        "fields_get" => &["allfields", "attributes"],
        _ => return None,
    })
}

/// Answers a call.
pub(super) fn call(tables: &Tables, model: &str, method: &str, arguments: &Arguments) -> Result<Json, Refusal> {
    let table = tables.get(model).ok_or_else(|| Refusal::model(model))?;
    let names = signature(method).ok_or_else(|| {
        Refusal::access(format!(
            "You are not allowed to modify '{model}' ({model}) records.\n\nNo group currently allows this operation."
        ))
    })?;
    let strange = arguments.keys().find(|name| *name != "context" && !names.contains(&name.as_str()));
    if let Some(name) = strange {
        return Err(Refusal::arguments(format!("{method}() got an unexpected keyword argument '{name}'")));
    }
    let asked = Asked { tables, table, model, arguments };
    match method {
        "search_read" => {
            let rows = asked.found()?;
            asked.read(rows.into_iter())
        }
        "read" => {
            let ids: Vec<i64> = asked.list("ids").iter().filter_map(Json::as_i64).collect();
            asked.read(ids.iter().filter_map(|id| table.rows.get(id)))
        }
        "search" => Ok(asked.found()?.into_iter().map(|row| row.get("id").json()).collect()),
        "search_count" => Ok(json!(asked.found()?.len())),
        "read_group" => asked.groups(Shape::Old),
        "formatted_read_group" => asked.groups(Shape::Formatted),
        _ => Ok(asked.fields_get()),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Old,
    Formatted,
}

struct Asked<'a> {
    tables: &'a Tables,
    table: &'a Table,
    model: &'a str,
    arguments: &'a Arguments,
}

fn is_stored(model: &str, field: &str) -> bool {
    !NOT_STORED.contains(&(model, field))
}

impl<'a> Asked<'a> {
    fn list(&self, name: &str) -> &'a [Json] {
        self.arguments.get(name).and_then(Json::as_array).map_or(&[], Vec::as_slice)
    }

    fn number(&self, name: &str) -> Option<usize> {
        usize::try_from(self.arguments.get(name)?.as_u64()?).ok()
    }

    /// Rows that meet the condition, ordered and cut.
    fn found(&self) -> Result<Vec<&'a Row>, Refusal> {
        let none = json!([]);
        let condition = Condition::read(self.arguments.get("domain").unwrap_or(&none), self.model, self.tables)?;
        let active_test = self.arguments.get("context").and_then(|context| context.get("active_test"));
        let hides = active_test.and_then(Json::as_bool).unwrap_or(true)
            && self.table.field("active").is_some()
            && !condition.names("active");
        let meets = |row: &&Row| {
            !(hides && *row.get("active") == Value::False) && condition.holds(self.tables, self.model, row)
        };
        let mut rows: Vec<&Row> = self.table.rows.values().filter(meets).collect();
        let order = self.arguments.get("order").and_then(Json::as_str).unwrap_or("id");
        let mut terms = Vec::new();
        for term in order.split(',') {
            let mut words = term.split_whitespace();
            let field = words.next().unwrap_or("id");
            self.known(field)?;
            terms.push((field, words.next().is_some_and(|word| word.eq_ignore_ascii_case("desc"))));
        }
        rows.sort_by(|a, b| {
            let of = |(field, descending): &(&str, bool)| {
                let order = a.get(field).key().cmp(&b.get(field).key());
                if *descending { order.reverse() } else { order }
            };
            terms.iter().map(of).find(|order| order.is_ne()).unwrap_or(std::cmp::Ordering::Equal)
        });
        let skipped = rows.into_iter().skip(self.number("offset").unwrap_or(0));
        Ok(skipped.take(self.number("limit").filter(|limit| *limit > 0).unwrap_or(usize::MAX)).collect())
    }

    fn known(&self, field: &str) -> Result<(), Refusal> {
        if self.table.field(field).is_some() {
            return Ok(());
        }
        Err(Refusal::value(format!("Invalid field '{field}' on '{}'", self.model)))
    }

    fn read(&self, rows: impl Iterator<Item = &'a Row>) -> Result<Json, Refusal> {
        let mut fields: Vec<&str> = self.list("fields").iter().filter_map(Json::as_str).collect();
        for field in &fields {
            self.known(field)?;
        }
        if fields.is_empty() {
            fields = self.table.fields.iter().map(|(field, _)| *field).collect();
        }
        // Whoever wants to write records back wants links by their numbers alone.
        let load = self.arguments.get("load").and_then(Json::as_str).unwrap_or("_classic_read");
        let shown = |value: &Value| match value {
            Value::Link(id, _) if load != "_classic_read" => json!(id),
            value => value.json(),
        };
        let one = |row: &Row| -> Json {
            let id = [("id".to_owned(), row.get("id").json())];
            id.into_iter().chain(fields.iter().map(|field| ((*field).to_owned(), shown(row.get(field))))).collect()
        };
        Ok(rows.map(one).collect())
    }

    /// Sums by groups.
    fn groups(&self, shape: Shape) -> Result<Json, Refusal> {
        let by: Vec<&str> = self.list("groupby").iter().filter_map(Json::as_str).collect();
        let sums = self.list(if shape == Shape::Old { "fields" } else { "aggregates" });
        let sums: Vec<&str> = sums.iter().filter_map(Json::as_str).filter(|name| *name != "__count").collect();
        let lazy = self.arguments.get("lazy").and_then(Json::as_bool).unwrap_or(true);
        let by = if shape == Shape::Old && lazy { by.get(..1).unwrap_or_default() } else { by.as_slice() };
        for field in by.iter().chain(&sums) {
            self.known(field.split(':').next().unwrap_or(field))?;
        }
        if let Some(field) = by.iter().find(|field| !is_stored(self.model, field)) {
            return Err(Refusal::value(format!("Field '{field}' of '{}' is not stored: no group by it", self.model)));
        }
        let mut groups: BTreeMap<Vec<Key>, Vec<&Row>> = BTreeMap::new();
        for row in self.found()? {
            groups.entry(by.iter().map(|field| row.get(field).key()).collect()).or_default().push(row);
        }
        let group = |rows: Vec<&Row>| {
            let mut group = Map::new();
            let mut domain = Vec::new();
            for field in by {
                let value = rows.first().map(|row| row.get(field)).cloned().unwrap_or_default();
                let plain = if let Value::Link(id, _) = value { json!(id) } else { value.json() };
                domain.push(json!([field, "=", plain]));
                group.insert((*field).to_owned(), value.json());
            }
            for sum in &sums {
                let field = sum.split(':').next().unwrap_or(sum);
                let total: Decimal = rows.iter().map(|row| row.get(field).number()).sum();
                let name = if shape == Shape::Old { field } else { sum };
                group.insert(name.to_owned(), json!(total.to_f64()));
            }
            group.insert("__count".to_owned(), json!(rows.len()));
            group.insert(if shape == Shape::Old { "__domain" } else { "__extra_domain" }.to_owned(), json!(domain));
            Json::Object(group)
        };
        Ok(groups.into_values().map(group).collect())
    }

    fn fields_get(&self) -> Json {
        let wanted = self.list("allfields");
        let fields = [("id", super::table::Type::Integer)];
        let fields = fields
            .iter()
            .chain(self.table.fields)
            .filter(|(field, _)| wanted.is_empty() || wanted.iter().any(|name| name == field));
        let one = |(field, kind): &(&'static str, super::table::Type)| {
            let mut about = json!({ "type": kind.name(), "string": field.replace('_', " "), "store": is_stored(self.model, field) });
            if let (Some(relation), Some(about)) = (kind.relation(), about.as_object_mut()) {
                about.insert("relation".to_owned(), json!(relation));
            }
            ((*field).to_owned(), about)
        };
        fields.map(one).collect()
    }
}
