//! `$apply`: a filter, and sums by groups.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::filter::Filter;
use super::parts;

/// `filter(...)/groupby((a,b/c),aggregate(x with sum as y,$count as n))`, the number of rows last.
pub(super) fn apply(rows: &[Value], text: &str) -> Result<Vec<Value>, &'static str> {
    let steps = parts(text, '/');
    let [filter, group] = steps.as_slice() else { return Err("UnknownTransformation") };
    let filter =
        filter.strip_prefix("filter(").and_then(|text| text.strip_suffix(')')).ok_or("UnknownTransformation")?;
    let group =
        group.strip_prefix("groupby((").and_then(|text| text.strip_suffix(')')).ok_or("UnknownTransformation")?;
    let (keys, aggregate) = group.split_once("),aggregate(").ok_or("UnknownTransformation")?;
    let aggregate = aggregate.strip_suffix(')').ok_or("UnknownTransformation")?;
    let filter = Filter::parse(filter)?;
    let mut groups: BTreeMap<String, (Vec<Value>, Vec<Decimal>, usize)> = BTreeMap::new();
    let (sums, count) = aggregate.rsplit_once("$count as ").ok_or("UnknownAggregate")?;
    let sums = parts(sums.trim_end_matches(','), ',')
        .into_iter()
        .filter(|part| !part.is_empty())
        .map(|part| part.split_once(" with sum as "));
    let sums: Vec<(&str, &str)> = sums.collect::<Option<_>>().ok_or("UnknownAggregate")?;
    for row in rows {
        if !filter.holds(row)? {
            continue;
        }
        let values: Vec<Value> = keys.split(',').map(|key| at(row, key).cloned()).collect::<Result<_, _>>()?;
        let group =
            groups.entry(json!(values).to_string()).or_insert_with(|| (values, vec![Decimal::ZERO; sums.len()], 0));
        group.2 += 1;
        for ((name, _), sum) in sums.iter().zip(&mut group.1) {
            let text = at(row, name)?.to_string();
            *sum += text.parse::<Decimal>().unwrap_or_default();
        }
    }
    let shown = groups.into_values().map(|(values, added, records)| {
        let mut row = Map::new();
        for (key, value) in keys.split(',').zip(values) {
            put(&mut row, &key.split('/').collect::<Vec<_>>(), value);
        }
        for ((_, alias), sum) in sums.iter().zip(added) {
            row.insert((*alias).to_owned(), json!(sum.to_string()));
        }
        row.insert(count.to_owned(), json!(records));
        Value::Object(row)
    });
    Ok(shown.collect())
}

fn at<'v>(row: &'v Value, path: &str) -> Result<&'v Value, &'static str> {
    path.split('/').try_fold(row, |value, name| match value {
        Value::Null => Ok(value),
        value => value.get(name).ok_or("UnknownProperty"),
    })
}

fn put(row: &mut Map<String, Value>, path: &[&str], value: Value) {
    match path {
        [] => {}
        [name] => {
            row.insert((*name).to_owned(), value);
        }
        [name, rest @ ..] => {
            let inner = row.entry((*name).to_owned()).or_insert_with(|| json!({}));
            if let Value::Object(inner) = inner {
                put(inner, rest, value);
            }
        }
    }
}
