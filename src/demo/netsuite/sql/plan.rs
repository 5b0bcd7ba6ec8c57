//! From a statement to a plan: every name is looked up, and it is settled when each condition can be asked.

use rust_decimal::Decimal;

use super::parse::{Expr, Item, Join, Source, Statement};
use super::value::Value;
use super::{Refused, Tables};

/// What is to be computed of a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    /// A column, by the position of its source and its own.
    Column(usize, usize),
    Literal(Value),
    Binary(Box<Self>, &'static str, Box<Self>),
    Not(Box<Self>),
    Negative(Box<Self>),
    IsNull(Box<Self>, bool),
    In(Box<Self>, Vec<Self>, bool),
    /// One of many literals, sorted: what an index or a search by halves can be asked for.
    OneOf(Box<Self>, Vec<super::Key>, bool),
    Like(Box<Self>, Box<Self>, bool),
    Between(Box<Self>, Box<Self>, Box<Self>, bool),
    Call(Function, Vec<Self>),
    /// What the rows are grouped by.
    Group(usize),
    Aggregate(usize),
}

/// The functions of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Coalesce,
    Round,
    Abs,
    Upper,
    Lower,
    Trim,
    ToChar,
    ToDate,
}

/// A function of many rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Aggregate {
    pub(super) name: String,
    /// None counts rows.
    pub(super) argument: Option<Node>,
    pub(super) distinct: bool,
}

/// A table that is read.
#[derive(Debug)]
pub(super) struct Step {
    /// Position among the tables.
    pub(super) table: usize,
    /// Whether rows stay that find no partner.
    pub(super) left: bool,
    /// The conditions of the join.
    pub(super) on: Vec<Node>,
    /// A column of this table, and what it must be equal to.
    pub(super) lookup: Option<(usize, Node)>,
    /// The conditions of the statement that can be asked once this table is joined.
    pub(super) filters: Vec<Node>,
}

/// A statement that can be run.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) about: &'static str,
    pub(super) steps: Vec<Step>,
    pub(super) columns: Vec<(String, Node)>,
    pub(super) groups: Option<Vec<Node>>,
    pub(super) aggregates: Vec<Aggregate>,
    pub(super) having: Option<Node>,
    pub(super) order: Vec<(Node, bool)>,
    pub(super) distinct: bool,
}

/// Looks up all names of a statement.
pub(super) fn plan(tables: &Tables, statement: &Statement) -> Result<Plan, Refused> {
    let mut planner = Planner { tables, sources: Vec::new(), groups: None, aggregates: Vec::new() };
    let mut steps = Vec::new();
    for source in &statement.from {
        steps.push(planner.step(source)?);
    }
    if let Some(condition) = &statement.condition {
        for part in conjuncts(condition) {
            let node = planner.scalar(part)?;
            let last = last_source(&node);
            if let Some(step) = steps.get_mut(last) {
                step.filters.push(node);
            }
        }
    }
    let grouped = !statement.groups.is_empty()
        || statement.having.is_some()
        || statement.items.iter().any(|item| matches!(item, Item::Expr(expr, _) if has_aggregate(expr)));
    if grouped {
        let groups = statement.groups.iter().map(|group| planner.scalar(group)).collect::<Result<_, _>>()?;
        planner.groups = Some(groups);
    }
    let mut columns = Vec::new();
    for item in &statement.items {
        match item {
            Item::All(_) if grouped => return Err(Refused::new("Not a GROUP BY expression: *")),
            Item::All(of) => planner.all(of.as_deref(), &mut columns)?,
            Item::Expr(expr, alias) => {
                let name = alias.clone().unwrap_or_else(|| match expr {
                    Expr::Column(_, name) => name.clone(),
                    _ => format!("expr{}", columns.len() + 1),
                });
                columns.push((name, planner.output(expr)?));
            }
        }
    }
    let having = statement.having.as_ref().map(|having| planner.output(having)).transpose()?;
    let mut order = Vec::new();
    for (expr, down) in &statement.order {
        let alias = match expr {
            Expr::Column(None, name) => columns.iter().find(|(column, _)| column == name).map(|(_, node)| node.clone()),
            _ => None,
        };
        let node = match alias {
            Some(node) => node,
            None => planner.output(expr)?,
        };
        order.push((node, *down));
    }
    let about = steps.first().and_then(|step| tables.get(step.table)).map_or("", |table| table.name);
    Ok(Plan {
        about,
        steps,
        columns,
        groups: planner.groups,
        aggregates: planner.aggregates,
        having,
        order,
        distinct: statement.distinct,
    })
}

/// Knows what to do with some parts of an expression.
type Leaf<'a> = &'a dyn Fn(&Expr) -> Option<Result<Node, Refused>>;

struct Planner<'a> {
    tables: &'a Tables,
    /// Aliases and tables, in their order.
    sources: Vec<(String, usize)>,
    groups: Option<Vec<Node>>,
    aggregates: Vec<Aggregate>,
}

impl Planner<'_> {
    fn step(&mut self, source: &Source) -> Result<Step, Refused> {
        let not_found = || Refused::new(format!("Record '{}' was not found.", source.table));
        let table = self.tables.position(&source.table).ok_or_else(not_found)?;
        if self.sources.iter().any(|(alias, _)| *alias == source.alias) {
            return Err(Refused::new(format!("Column ambiguously defined: two tables are called '{}'", source.alias)));
        }
        let here = self.sources.len();
        self.sources.push((source.alias.clone(), table));
        let (left, on) = match &source.join {
            Join::First => (false, Vec::new()),
            Join::Inner(on) => (false, conjuncts(on)),
            Join::Left(on) => (true, conjuncts(on)),
        };
        let on = on.into_iter().map(|part| self.scalar(part)).collect::<Result<Vec<_>, _>>()?;
        let lookup = on.iter().find_map(|part| {
            let Node::Binary(a, "=", b) = part else { return None };
            [(a, b), (b, a)].into_iter().find_map(|(column, other)| match column.as_ref() {
                Node::Column(source, column) if *source == here && last_source(other) < here => {
                    Some((*column, other.as_ref().clone()))
                }
                _ => None,
            })
        });
        Ok(Step { table, left, on, lookup, filters: Vec::new() })
    }

    fn all(&self, of: Option<&str>, columns: &mut Vec<(String, Node)>) -> Result<(), Refused> {
        if of.is_some_and(|of| !self.sources.iter().any(|(alias, _)| alias == of)) {
            return Err(Refused::new(format!("Invalid or unsupported search: '{}.*'", of.unwrap_or_default())));
        }
        for (at, (alias, table)) in self.sources.iter().enumerate() {
            if of.is_none_or(|of| of == alias) {
                let names = self.tables.get(*table).map_or(&[][..], |table| table.columns);
                columns.extend(
                    names.iter().enumerate().map(|(column, name)| ((*name).to_owned(), Node::Column(at, column))),
                );
            }
        }
        Ok(())
    }

    fn column(&self, table: Option<&str>, name: &str) -> Result<Node, Refused> {
        let mut found = None;
        for (at, (alias, position)) in self.sources.iter().enumerate() {
            if table.is_some_and(|table| table != alias) {
                continue;
            }
            let columns = self.tables.get(*position).map_or(&[][..], |table| table.columns);
            if let Some(column) = columns.iter().position(|column| *column == name) {
                if found.is_some() {
                    return Err(Refused::new(format!("Column ambiguously defined: '{name}'")));
                }
                found = Some(Node::Column(at, column));
            }
        }
        found.ok_or_else(|| {
            let record = table.map_or_else(String::new, |table| {
                let known = self.sources.iter().find(|(alias, _)| alias == table);
                let name = known.and_then(|(_, position)| self.tables.get(*position)).map_or(table, |table| table.name);
                format!(" for record '{name}'")
            });
            Refused::new(format!("Field '{name}'{record} was not found. Reason: NOT_EXISTS - Field does not exist"))
        })
    }

    /// An expression over single rows.
    fn scalar(&self, expr: &Expr) -> Result<Node, Refused> {
        translated(expr, &|expr| match expr {
            Expr::Aggregate(..) => Some(Err(Refused::new("Group function is not allowed here"))),
            Expr::Column(table, name) => Some(self.column(table.as_deref(), name)),
            _ => None,
        })
    }

    /// An expression over what the answer is made of: rows, or groups of them.
    fn output(&mut self, expr: &Expr) -> Result<Node, Refused> {
        let Some(groups) = self.groups.clone() else { return self.scalar(expr) };
        let mut found = Vec::new();
        collect_aggregates(expr, &mut found);
        for (name, argument, distinct) in found {
            let argument = argument.map(|argument| self.scalar(argument)).transpose()?;
            let aggregate = Aggregate { name: name.to_owned(), argument, distinct };
            if !self.aggregates.contains(&aggregate) {
                self.aggregates.push(aggregate);
            }
        }
        translated(expr, &|expr| {
            if let Expr::Aggregate(name, argument, distinct) = expr {
                let argument = match argument.as_deref().map(|argument| self.scalar(argument)).transpose() {
                    Ok(argument) => argument,
                    Err(refused) => return Some(Err(refused)),
                };
                let wanted = Aggregate { name: name.clone(), argument, distinct: *distinct };
                return self.aggregates.iter().position(|known| *known == wanted).map(|at| Ok(Node::Aggregate(at)));
            }
            if matches!(expr, Expr::Text(_) | Expr::Number(_) | Expr::Null) {
                return None;
            }
            let group = self.scalar(expr).ok().and_then(|node| groups.iter().position(|group| *group == node));
            match (group, expr) {
                (Some(at), _) => Some(Ok(Node::Group(at))),
                (None, Expr::Column(table, name)) => Some(
                    self.column(table.as_deref(), name)
                        .and_then(|_| Err(Refused::new(format!("Not a GROUP BY expression: '{name}'")))),
                ),
                _ => None,
            }
        })
    }
}

/// Translates an expression; `leaf` knows what to do with some of its parts.
fn translated(expr: &Expr, leaf: Leaf<'_>) -> Result<Node, Refused> {
    if let Some(node) = leaf(expr) {
        return node;
    }
    let boxed = |expr: &Expr| translated(expr, leaf).map(Box::new);
    Ok(match expr {
        Expr::Text(text) => Node::Literal(Value::from_text(text.clone())),
        Expr::Number(number) => Node::Literal(number_literal(*number)),
        Expr::Null => Node::Literal(Value::Null),
        Expr::Binary(a, sign, b) => Node::Binary(boxed(a)?, sign, boxed(b)?),
        Expr::Not(one) => Node::Not(boxed(one)?),
        Expr::Negative(one) => Node::Negative(boxed(one)?),
        Expr::IsNull(one, not) => Node::IsNull(boxed(one)?, *not),
        Expr::In(one, values, not) => {
            let one = boxed(one)?;
            let values = values.iter().map(|value| translated(value, leaf)).collect::<Result<Vec<_>, _>>()?;
            match literal_keys(&values) {
                Some(keys) => Node::OneOf(one, keys, *not),
                None => Node::In(one, values, *not),
            }
        }
        Expr::Like(one, pattern, not) => Node::Like(boxed(one)?, boxed(pattern)?, *not),
        Expr::Between(one, low, high, not) => Node::Between(boxed(one)?, boxed(low)?, boxed(high)?, *not),
        Expr::Call(name, arguments) => {
            let function = function(name, arguments.len())?;
            let arguments = arguments.iter().map(|argument| translated(argument, leaf)).collect::<Result<_, _>>()?;
            Node::Call(function, arguments)
        }
        Expr::Column(..) | Expr::Aggregate(..) => return Err(Refused::new("Invalid expression")),
    })
}

fn function(name: &str, arguments: usize) -> Result<Function, Refused> {
    let (function, takes) = match name {
        "coalesce" => (Function::Coalesce, 2..=20),
        "nvl" => (Function::Coalesce, 2..=2),
        "round" => (Function::Round, 1..=2),
        "abs" => (Function::Abs, 1..=1),
        "upper" => (Function::Upper, 1..=1),
        "lower" => (Function::Lower, 1..=1),
        "trim" => (Function::Trim, 1..=1),
        "to_char" => (Function::ToChar, 2..=2),
        "to_date" => (Function::ToDate, 2..=2),
        other => return Err(Refused::new(format!("Function '{}' is not supported", other.to_uppercase()))),
    };
    if takes.contains(&arguments) {
        Ok(function)
    } else {
        Err(Refused::new(format!("Invalid number of arguments of '{}'", name.to_uppercase())))
    }
}

fn number_literal(number: Decimal) -> Value {
    if number.scale() == 0
        && let Ok(whole) = i64::try_from(number)
    {
        return Value::Int(whole);
    }
    Value::Number(number)
}

/// The keys of literals of one type, sorted; none where there is a NULL or something to be computed among them.
fn literal_keys(values: &[Node]) -> Option<Vec<super::Key>> {
    let mut keys = Vec::with_capacity(values.len());
    for value in values {
        match value {
            Node::Literal(value @ (Value::Int(_) | Value::Text(_))) => keys.push(value.key()),
            _ => return None,
        }
    }
    let all = |text: bool| keys.iter().all(|key| matches!(key, super::Key::Text(_)) == text);
    if !all(true) && !all(false) {
        return None;
    }
    keys.sort();
    Some(keys)
}

fn conjuncts(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Binary(a, "and", b) => conjuncts(a).into_iter().chain(conjuncts(b)).collect(),
        other => vec![other],
    }
}

fn has_aggregate(expr: &Expr) -> bool {
    let mut found = Vec::new();
    collect_aggregates(expr, &mut found);
    !found.is_empty()
}

fn collect_aggregates<'e>(expr: &'e Expr, found: &mut Vec<(&'e str, Option<&'e Expr>, bool)>) {
    match expr {
        Expr::Aggregate(name, argument, distinct) => found.push((name, argument.as_deref(), *distinct)),
        Expr::Binary(a, _, b) | Expr::Like(a, b, _) => {
            collect_aggregates(a, found);
            collect_aggregates(b, found);
        }
        Expr::Not(one) | Expr::Negative(one) | Expr::IsNull(one, _) => collect_aggregates(one, found),
        Expr::In(one, many, _) => {
            collect_aggregates(one, found);
            for one in many {
                collect_aggregates(one, found);
            }
        }
        Expr::Between(a, b, c, _) => [a, b, c].into_iter().for_each(|one| collect_aggregates(one, found)),
        Expr::Call(_, many) => many.iter().for_each(|one| collect_aggregates(one, found)),
        Expr::Column(..) | Expr::Text(_) | Expr::Number(_) | Expr::Null => {}
    }
}

/// The last source that must be joined before this can be computed.
fn last_source(node: &Node) -> usize {
    last_source_of(node).unwrap_or(0)
}

fn last_source_of(node: &Node) -> Option<usize> {
    match node {
        Node::Column(source, _) => Some(*source),
        Node::Literal(_) | Node::Group(_) | Node::Aggregate(_) => None,
        Node::Binary(a, _, b) | Node::Like(a, b, _) => last_source_of(a).max(last_source_of(b)),
        Node::Not(one) | Node::Negative(one) | Node::IsNull(one, _) | Node::OneOf(one, ..) => last_source_of(one),
        Node::In(one, many, _) => many.iter().map(last_source_of).max().flatten().max(last_source_of(one)),
        Node::Between(a, b, c, _) => [a, b, c].into_iter().filter_map(|one| last_source_of(one)).max(),
        Node::Call(_, many) => many.iter().filter_map(last_source_of).max(),
    }
}
