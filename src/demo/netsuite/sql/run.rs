//! Runs a plan: joins from left to right, filters as early as names allow, groups, sorts.

use std::cmp::Ordering;
use std::collections::{BTreeSet, HashMap};

use rust_decimal::Decimal;

use super::eval::{NO_ROW, Row};
use super::plan::{Aggregate, Node, Plan, Step};
use super::value::{Key, Value};
use super::{Answer, Refused, Tables};

/// Where rows are looked up.
#[derive(Clone, Copy)]
struct Scope<'a> {
    tables: &'a Tables,
    sources: &'a [usize],
}

impl<'a> Scope<'a> {
    fn row(self, rows: &'a [u32]) -> Row<'a> {
        Row { tables: self.tables, sources: self.sources, rows, groups: &[], aggregates: &[] }
    }

    fn all_hold(self, rows: &[u32], conditions: &[Node]) -> Result<bool, Refused> {
        let row = Row { tables: self.tables, sources: self.sources, rows, groups: &[], aggregates: &[] };
        for condition in conditions {
            if row.holds(condition)? != Some(true) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Runs a plan.
pub(super) fn run(tables: &Tables, plan: &Plan) -> Result<Answer, Refused> {
    let sources: Vec<usize> = plan.steps.iter().map(|step| step.table).collect();
    let scope = Scope { tables, sources: &sources };
    let mut joined: Vec<Vec<u32>> = vec![Vec::new()];
    for step in &plan.steps {
        joined = join(scope, step, &joined)?;
    }
    let mut out: Vec<(Vec<Value>, Vec<Value>)> = Vec::new();
    match &plan.groups {
        None => {
            for rows in &joined {
                out.push(line(plan, scope.row(rows))?);
            }
        }
        Some(groups) => {
            for (key, members) in grouped(scope, &joined, groups)? {
                let aggregates = plan
                    .aggregates
                    .iter()
                    .map(|aggregate| over(scope, aggregate, &members))
                    .collect::<Result<Vec<_>, _>>()?;
                let row = Row { groups: &key, aggregates: &aggregates, ..scope.row(&[]) };
                if plan.having.as_ref().map_or(Ok(Some(true)), |having| row.holds(having))? == Some(true) {
                    out.push(line(plan, row)?);
                }
            }
        }
    }
    if plan.distinct {
        let mut seen = BTreeSet::new();
        out.retain(|(values, _)| seen.insert(values.iter().map(Value::key).collect::<Vec<_>>()));
    }
    out.sort_by(|(_, a), (_, b)| {
        let mut orders = a.iter().zip(b).zip(&plan.order).map(|((a, b), (_, down))| {
            let order = a.sorts(b);
            if *down { order.reverse() } else { order }
        });
        orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    });
    let columns = plan.columns.iter().map(|(name, _)| name.clone()).collect();
    Ok(Answer { columns, rows: out.into_iter().map(|(values, _)| values).collect(), about: plan.about })
}

/// A row of the answer, and what it is sorted by.
fn line(plan: &Plan, row: Row<'_>) -> Result<(Vec<Value>, Vec<Value>), Refused> {
    let values = plan.columns.iter().map(|(_, node)| row.value(node)).collect::<Result<_, _>>()?;
    let sorted_by = plan.order.iter().map(|(node, _)| row.value(node)).collect::<Result<_, _>>()?;
    Ok((values, sorted_by))
}

/// Joins one more table to the rows so far.
fn join(scope: Scope<'_>, step: &Step, before: &[Vec<u32>]) -> Result<Vec<Vec<u32>>, Refused> {
    let Some(table) = scope.tables.get(step.table) else { return Ok(Vec::new()) };
    let index = step.lookup.as_ref().map(|(column, node)| (table.index(*column), node));
    // Without an equality to look up, all rows are candidates; or those that one of the literals of a condition names.
    let everything = match (&index, wanted(step)) {
        (Some(_), _) => Vec::new(),
        (None, Some((column, keys))) => {
            let index = table.index(column);
            let mut rows: Vec<u32> = keys.iter().filter_map(|key| index.get(key)).flatten().copied().collect();
            rows.sort_unstable();
            rows.dedup();
            rows
        }
        (None, None) => table.all(),
    };
    let (mut after, mut rows) = (Vec::new(), Vec::new());
    for so_far in before {
        let candidates = match &index {
            None => everything.as_slice(),
            Some((index, node)) => match scope.row(so_far).value(node)?.key() {
                Key::Null => &[],
                key => index.get(&key).map_or(&[][..], Vec::as_slice),
            },
        };
        let mut matched = false;
        for candidate in candidates {
            rows.clone_from(so_far);
            rows.push(*candidate);
            if scope.all_hold(&rows, &step.on)? {
                matched = true;
                if scope.all_hold(&rows, &step.filters)? {
                    after.push(rows.clone());
                }
            }
        }
        if step.left && !matched {
            rows.clone_from(so_far);
            rows.push(NO_ROW);
            if scope.all_hold(&rows, &step.filters)? {
                after.push(rows.clone());
            }
        }
    }
    Ok(after)
}

/// A column of the table and the keys that one of the conditions asks of it.
fn wanted(step: &Step) -> Option<(usize, &[Key])> {
    step.filters.iter().filter(|_| !step.left).find_map(|filter| match filter {
        Node::OneOf(one, keys, false) => match one.as_ref() {
            // Keys in quotes find no numbers here, although they would be equal: such conditions are asked row by row.
            Node::Column(_, column) if matches!(keys.first(), Some(Key::Int(_))) => Some((*column, keys.as_slice())),
            _ => None,
        },
        _ => None,
    })
}

/// What rows are grouped by, and the rows.
type Group<'r> = (Vec<Value>, Vec<&'r [u32]>);

/// The rows by what they are grouped by, in the order of their first row. Without columns to group by, all are one group.
fn grouped<'r>(scope: Scope<'_>, joined: &'r [Vec<u32>], groups: &[Node]) -> Result<Vec<Group<'r>>, Refused> {
    if groups.is_empty() {
        return Ok(vec![(Vec::new(), joined.iter().map(Vec::as_slice).collect())]);
    }
    let mut places: HashMap<Vec<Key>, usize> = HashMap::new();
    let mut found: Vec<Group<'_>> = Vec::new();
    for rows in joined {
        let row = scope.row(rows);
        let values = groups.iter().map(|group| row.value(group)).collect::<Result<Vec<_>, _>>()?;
        let place = *places.entry(values.iter().map(Value::key).collect()).or_insert_with(|| {
            found.push((values, Vec::new()));
            found.len() - 1
        });
        if let Some((_, members)) = found.get_mut(place) {
            members.push(rows);
        }
    }
    Ok(found)
}

/// What an aggregate is over the rows of a group.
fn over(scope: Scope<'_>, aggregate: &Aggregate, members: &[&[u32]]) -> Result<Value, Refused> {
    let count = |count: usize| Value::Int(i64::try_from(count).unwrap_or(i64::MAX));
    let Some(argument) = &aggregate.argument else { return Ok(count(members.len())) };
    let mut values = Vec::with_capacity(members.len());
    for rows in members {
        values.push(scope.row(rows).value(argument)?);
    }
    values.retain(|value| !matches!(value, Value::Null));
    if aggregate.distinct {
        let mut seen = BTreeSet::new();
        values.retain(|value| seen.insert(value.key()));
    }
    if aggregate.name == "count" {
        return Ok(count(values.len()));
    }
    if let "min" | "max" = aggregate.name.as_str() {
        let least = values.into_iter().reduce(|a, b| {
            let keep = if aggregate.name == "min" { a.sorts(&b).is_le() } else { a.sorts(&b).is_ge() };
            if keep { a } else { b }
        });
        return Ok(least.unwrap_or(Value::Null));
    }
    let mut sum: Option<Decimal> = None;
    for value in &values {
        let number = value.number()?.unwrap_or_default();
        let so_far = sum.unwrap_or_default();
        sum = Some(so_far.checked_add(number).ok_or_else(|| Refused::new("Numeric overflow"))?);
    }
    let Some(sum) = sum else { return Ok(Value::Null) };
    if aggregate.name == "avg" {
        let average = sum.checked_div(Decimal::from(values.len()));
        return Ok(average.map_or(Value::Null, Value::Number));
    }
    Ok(Value::Number(sum))
}
