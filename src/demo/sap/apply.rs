//! `$apply`: sums by groups, in the form that puts the set's name before fields within `filter`:
//! `filter(Invoices/Project eq 'P1')/groupby((Project,DocCurrency),aggregate(DocTotal with sum as T))`.

use std::collections::{BTreeMap, HashSet};

use rust_decimal::Decimal;

use super::answer::Refusal;
use super::filter::Filter;
use super::index::Index;
use super::query::{Options, write_next};
use super::records::{Record, Set};
use super::value::{Dialect, Value, write_text};
use crate::demo::company::model::Company;

/// What is computed: a field, a method, a name for the result.
struct Aggregate {
    field: String,
    method: Method,
    alias: String,
}

#[derive(Clone, Copy)]
enum Method {
    Sum,
    Average,
    Min,
    Max,
    CountDistinct,
    Count,
}

/// The body of the answer.
pub(super) fn answer(
    company: &Company,
    index: &Index,
    set: Set,
    options: &Options,
    page_size: usize,
    dialect: Dialect,
) -> Result<String, Refusal> {
    let unsupported = || Refusal::bad("Not supported query option");
    if options.filter.is_some() || !options.order.is_empty() {
        return Err(unsupported());
    }
    let text = options.apply.as_deref().unwrap_or_default().trim();
    let (filter, rest) = match text.strip_prefix("filter(") {
        Some(inner) => {
            let (condition, rest) = closing(inner).ok_or_else(unsupported)?;
            (Some(Filter::parse(condition).map_err(Refusal::bad)?), rest.strip_prefix('/').unwrap_or(rest))
        }
        None => (None, text),
    };
    let (groups, aggregates) = if let Some(inner) = rest.strip_prefix("groupby((") {
        let (fields, rest) = closing(inner).ok_or_else(unsupported)?;
        let aggregates = match rest.trim_end_matches(')').trim().strip_prefix(",aggregate(") {
            Some(inner) => aggregates(inner.trim_end_matches(')'))?,
            None => Vec::new(),
        };
        (fields.split(',').map(|field| field.trim().to_owned()).collect(), aggregates)
    } else if let Some(inner) = rest.strip_prefix("aggregate(") {
        (Vec::new(), aggregates(inner.trim_end_matches(')'))?)
    } else {
        return Err(unsupported());
    };
    let prefix = format!("{}/", set.name());
    let unprefixed = |name: &str| name.strip_prefix(&prefix).is_some_and(|name| set.fields().contains(&name));
    if filter.as_ref().is_some_and(|filter| !filter.fields().into_iter().all(unprefixed)) {
        return Err(unsupported());
    }
    let used = groups.iter().chain(aggregates.iter().map(|aggregate| &aggregate.field));
    if let Some(unknown) = used.into_iter().find(|name| !name.is_empty() && !set.fields().contains(&name.as_str())) {
        return Err(Refusal::bad(format!("Property '{unknown}' of '{}' is invalid", set.name())));
    }
    let mut rows: BTreeMap<String, Vec<Record<'_>>> = BTreeMap::new();
    for record in index.candidates(company, set, filter.as_ref(), &prefix, None) {
        let field = |path: &str| path.strip_prefix(&prefix).map_or(Value::Null, |name| record.field(name));
        if filter.as_ref().is_none_or(|filter| filter.holds(&field)) {
            let mut key = String::new();
            for name in &groups {
                key.push(',');
                write_text(&mut key, name);
                key.push(':');
                record.field(name).write(&mut key, dialect);
            }
            rows.entry(key).or_default().push(record);
        }
    }
    let page = options.page(rows.into_iter(), page_size);
    let mut out = String::from("{\"value\":[");
    for (at, (key, records)) in page.rows.iter().enumerate() {
        out.push_str(if at == 0 { "{" } else { ",{" });
        write_text(&mut out, &dialect.annotation("id"));
        out.push_str(":null");
        out.push_str(key);
        for aggregate in &aggregates {
            out.push(',');
            write_text(&mut out, &aggregate.alias);
            out.push(':');
            aggregate.over(records).write(&mut out, dialect);
        }
        out.push('}');
    }
    out.push(']');
    write_next(&mut out, dialect, set.name(), options, page.next);
    out.push('}');
    Ok(out)
}

/// Splits at the parenthesis that closes what is already open. Quoted texts may hold parentheses.
fn closing(text: &str) -> Option<(&str, &str)> {
    let (mut depth, mut quoted) = (0_usize, false);
    for (at, char) in text.char_indices() {
        match char {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted && depth == 0 => return Some((text.get(..at)?, text.get(at + 1..)?)),
            ')' if !quoted => depth -= 1,
            _ => {}
        }
    }
    None
}

fn aggregates(text: &str) -> Result<Vec<Aggregate>, Refusal> {
    text.split(',')
        .map(|part| match *part.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["$count", "as", alias] => {
                Ok(Aggregate { field: String::new(), method: Method::Count, alias: alias.to_owned() })
            }
            [field, "with", method, "as", alias] => {
                let method = match method {
                    "sum" => Method::Sum,
                    "average" => Method::Average,
                    "min" => Method::Min,
                    "max" => Method::Max,
                    "countdistinct" => Method::CountDistinct,
                    _ => return Err(Refusal::bad("unknown aggregation method")),
                };
                Ok(Aggregate { field: field.to_owned(), method, alias: alias.to_owned() })
            }
            _ => Err(Refusal::bad("invalid aggregation")),
        })
        .collect()
}

impl Aggregate {
    fn over(&self, records: &[Record<'_>]) -> Value<'static> {
        let values = || records.iter().map(|record| record.field(&self.field));
        let numbers = || {
            values().filter_map(|value| match value {
                Value::Decimal(number) => Some(number),
                Value::Int(number) => Some(Decimal::from(number)),
                _ => None,
            })
        };
        let found = match self.method {
            Method::Sum => Some(numbers().sum()),
            Method::Average => {
                let sum: Decimal = numbers().sum();
                sum.checked_div(Decimal::from(numbers().count()))
            }
            Method::Min => numbers().min(),
            Method::Max => numbers().max(),
            Method::CountDistinct => Some(Decimal::from(values().collect::<HashSet<_>>().len())),
            Method::Count => Some(Decimal::from(records.len())),
        };
        found.map_or(Value::Null, Value::Decimal)
    }
}
