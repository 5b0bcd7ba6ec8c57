//! What the views of an administrator show of the company, and what the queries of `sqlserver.toml` take of them.

mod books;
mod commercial;
mod delivery;

use rust_decimal::Decimal;
use serde_json::value::RawValue;
use spine::demo::company::model::Company;

use super::table::{Kind, Table, Value};

pub(crate) use books::document_id;

/// An amount, as a company's own tables hold it; a sum of such amounts; and texts of most sorts.
const AMOUNT: Kind = Kind::Decimal(20, 4);
const SUM: Kind = Kind::Decimal(38, 4);
const TEXT: Kind = Kind::Nvarchar(400);

macro_rules! row {
    ($($value:expr),+ $(,)?) => {
        vec![$($crate::sqlserver::table::Value::from($value)),+]
    };
}
use row;

/// The answer to a query: the columns alone if there are no values for its parameters.
pub(super) fn answer(company: &Company, (table, way): (&str, &str), values: &[Value]) -> Table {
    match (way, values) {
        (_, []) => columns(view(company, table)),
        ("list", [after, limit]) if table == "projects" => {
            let (Value::Whole(over), Value::Whole(limit)) = (after, limit) else { panic!("{after:?} {limit:?}") };
            let mut rows = view(company, table);
            let made = |row: &[Value]| {
                let project = company.projects.iter().find(|project| Value::from(project.id) == row[1]).unwrap();
                (project.created, project.id)
            };
            rows.rows.sort_by_key(|row| made(row));
            rows.rows = page(rows.rows, *over, *limit);
            rows
        }
        ("list", [Value::Whole(after), Value::Whole(limit)]) => {
            let mut rows = view(company, table);
            rows.rows.retain(|row| matches!(row[0], Value::Whole(id) if id > *after));
            rows.rows.sort_by_key(|row| if let Value::Whole(id) = row[0] { id } else { 0 });
            rows.rows = page(rows.rows, 0, *limit);
            rows
        }
        ("sums", [Value::Text(keys)]) => books::sums(company, table, &self::keys(keys)),
        (_, [Value::Text(keys)]) => {
            let keys = self::keys(keys);
            let mut rows = view(company, table);
            if matches!(table, "invoices" | "payables") && way == "by_project" {
                let of = books::documents_of(company, &keys);
                rows.rows.retain(|row| of.iter().any(|id| row[0] == Value::from(*id)));
                return rows;
            }
            let column = match way {
                "by_id" => "id",
                "by_project" => "project_id",
                _ => "deal_id",
            };
            let at = rows.columns.iter().position(|one| one.name == column).unwrap();
            rows.rows.retain(|row| is_one_of(&row[at], &keys));
            rows
        }
        _ => panic!("{table}.{way} is given {values:?}"),
    }
}

fn view(company: &Company, table: &str) -> Table {
    match table {
        "deals" => commercial::deals(company),
        "clients" => commercial::clients(company),
        "contacts" => commercial::contacts(company),
        "line_items" => commercial::line_items(company),
        "proposals" => commercial::proposals(company),
        "communications" => commercial::communications(company),
        "pre_sales_tickets" => commercial::pre_sales_tickets(company),
        "projects" => delivery::projects(company),
        "milestones" => delivery::milestones(company),
        "effort" => delivery::effort(company),
        "tickets" => delivery::tickets(company),
        "invoices" => books::invoices(company),
        "payables" => books::payables(company),
        "costs" => books::costs(company),
        other => panic!("no view for {other}"),
    }
}

fn columns(table: Table) -> Table {
    Table { rows: Vec::new(), ..table }
}

fn page(rows: Vec<Vec<Value>>, over: i64, limit: i64) -> Vec<Vec<Value>> {
    let (over, limit) = (usize::try_from(over).unwrap(), usize::try_from(limit).unwrap());
    rows.into_iter().skip(over).take(limit).collect()
}

/// `OPENJSON`.
fn keys(list: &str) -> Vec<String> {
    serde_json::from_str(list).unwrap()
}

/// `IN`: a number by its value (`TRY_CAST`), a text without blanks around it and in upper case.
fn is_one_of(value: &Value, keys: &[String]) -> bool {
    match value {
        Value::Whole(number) => keys.iter().any(|key| key.parse() == Ok(*number)),
        Value::Text(text) => keys.contains(&canonical(text)),
        _ => false,
    }
}

/// `UPPER(TRIM(x))`.
fn canonical(text: &str) -> String {
    text.trim_matches(' ').to_uppercase()
}

/// A colleague: name, address, team.
fn person(company: &Company, id: Option<u32>) -> (Option<String>, Option<String>, Option<String>) {
    let person = id.and_then(|id| company.people.iter().find(|person| person.id == id));
    let name = person.map(|person| format!("{} {}", person.first, person.last));
    (name, person.map(|person| person.email.clone()), person.map(|person| person.team.clone()))
}

/// `FOR JSON PATH`: what is NULL is left out, decimals keep their places, and a slash is written with a backslash. Nothing is NULL.
fn for_json(rows: &[Vec<(&str, Value)>]) -> Option<String> {
    let value = |value: &Value| match value {
        Value::Decimal(number) => {
            let mut number: Decimal = *number;
            number.rescale(4);
            number.to_string()
        }
        Value::Date(day) => format!("\"{day}\""),
        Value::Text(text) => serde_json::to_string(text).unwrap().replace('/', "\\/"),
        Value::Whole(number) => number.to_string(),
        other => panic!("{other:?} in JSON"),
    };
    let object = |row: &Vec<(&str, Value)>| {
        let fields = row.iter().filter(|(_, value)| *value != Value::Null);
        let fields: Vec<String> = fields.map(|(name, field)| format!("\"{name}\":{}", value(field))).collect();
        format!("{{{}}}", fields.join(","))
    };
    let text = format!("[{}]", rows.iter().map(object).collect::<Vec<_>>().join(","));
    serde_json::from_str::<&RawValue>(&text).unwrap();
    Some(text).filter(|_| !rows.is_empty())
}
