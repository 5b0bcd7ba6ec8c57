//! Conditions on rows, in the three-valued logic of OData: what compares with nothing is neither true nor false.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use crate::reports::entities::{Condition, Relation, Row};
use crate::reports::{Cell, Column, ColumnKind};

/// A condition, or a value in one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expression {
    /// A literal.
    Value(Cell),
    /// The cell of a column, with its place in the row.
    Column(usize, Column),
    Not(Box<Self>),
    /// All of them hold.
    All(Vec<Self>),
    /// At least one holds.
    Any(Vec<Self>),
    Compare(Operator, Box<Self>, Box<Self>),
    /// It is one of the literals.
    In(Box<Self>, Vec<Cell>),
    Call(Function, Vec<Self>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Contains,
    StartsWith,
    EndsWith,
    ToLower,
    ToUpper,
    Trim,
    Length,
    Year,
    Month,
    Day,
}

/// What a value is. Nothing goes with everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Nothing,
    Text,
    Number,
    Date,
    Moment,
    Flag,
}

impl Operator {
    pub(super) const ALL: [(Self, &'static str); 6] = [
        (Self::Equal, "eq"),
        (Self::NotEqual, "ne"),
        (Self::Greater, "gt"),
        (Self::GreaterOrEqual, "ge"),
        (Self::Less, "lt"),
        (Self::LessOrEqual, "le"),
    ];

    pub(super) fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(operator, _)| *operator == self).map_or("", |(_, word)| word)
    }

    fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
        }
    }

    /// The same with its sides changed.
    fn mirrored(self) -> Self {
        match self {
            Self::Greater => Self::Less,
            Self::GreaterOrEqual => Self::LessOrEqual,
            Self::Less => Self::Greater,
            Self::LessOrEqual => Self::GreaterOrEqual,
            same => same,
        }
    }
}

impl Function {
    /// Name, what it takes, what it gives.
    pub(super) const ALL: [(Self, &'static str, &'static [Type], Type); 10] = [
        (Self::Contains, "contains", &[Type::Text, Type::Text], Type::Flag),
        (Self::StartsWith, "startswith", &[Type::Text, Type::Text], Type::Flag),
        (Self::EndsWith, "endswith", &[Type::Text, Type::Text], Type::Flag),
        (Self::ToLower, "tolower", &[Type::Text], Type::Text),
        (Self::ToUpper, "toupper", &[Type::Text], Type::Text),
        (Self::Trim, "trim", &[Type::Text], Type::Text),
        (Self::Length, "length", &[Type::Text], Type::Number),
        (Self::Year, "year", &[Type::Moment], Type::Number),
        (Self::Month, "month", &[Type::Moment], Type::Number),
        (Self::Day, "day", &[Type::Moment], Type::Number),
    ];

    fn name(self) -> &'static str {
        Self::ALL.iter().find(|(function, ..)| *function == self).map_or("", |(_, name, ..)| name)
    }

    fn gives(self) -> Type {
        Self::ALL.iter().find(|(function, ..)| *function == self).map_or(Type::Nothing, |(.., gives)| *gives)
    }

    fn of(self, arguments: &[Cow<'_, Cell>]) -> Cell {
        let text = |at: usize| match arguments.get(at).map(AsRef::as_ref) {
            Some(Cell::Text(text)) => Some(text.as_str()),
            _ => None,
        };
        let two = |test: fn(&str, &str) -> bool| Some(Cell::Flag(test(text(0)?, text(1)?)));
        let day = || match arguments.first().map(AsRef::as_ref)? {
            Cell::Date(day) => Some(*day),
            Cell::Moment(at) => Some(at.to_zoned_datetime(TimeZone::UTC).date()),
            _ => None,
        };
        let number = |number: i64| Cell::Decimal(Decimal::from(number));
        let value = match self {
            Self::Contains => two(|text, part| text.contains(part)),
            Self::StartsWith => two(|text, part| text.starts_with(part)),
            Self::EndsWith => two(|text, part| text.ends_with(part)),
            Self::ToLower => text(0).map(|text| Cell::Text(text.to_lowercase())),
            Self::ToUpper => text(0).map(|text| Cell::Text(text.to_uppercase())),
            Self::Trim => text(0).map(|text| Cell::Text(text.trim().to_owned())),
            Self::Length => text(0).and_then(|text| i64::try_from(text.chars().count()).ok()).map(number),
            Self::Year => day().map(|day| number(day.year().into())),
            Self::Month => day().map(|day| number(day.month().into())),
            Self::Day => day().map(|day| number(day.day().into())),
        };
        value.unwrap_or(Cell::Empty)
    }
}

impl Type {
    pub(super) fn of_column(kind: ColumnKind) -> Self {
        match kind {
            ColumnKind::Text => Self::Text,
            ColumnKind::Count | ColumnKind::Amount | ColumnKind::Percent | ColumnKind::Number | ColumnKind::Rate => {
                Self::Number
            }
            ColumnKind::Date => Self::Date,
            ColumnKind::Moment => Self::Moment,
            ColumnKind::Flag => Self::Flag,
        }
    }

    fn of_cell(cell: &Cell) -> Self {
        match cell {
            Cell::Empty => Self::Nothing,
            Cell::Text(_) => Self::Text,
            Cell::Count(_) | Cell::Decimal(_) => Self::Number,
            Cell::Date(_) => Self::Date,
            Cell::Moment(_) => Self::Moment,
            Cell::Flag(_) => Self::Flag,
        }
    }

    /// Whether values of the two can be compared. A day stands for its first moment, in UTC.
    pub(super) fn goes_with(self, other: Self) -> bool {
        let day = |one: Self| matches!(one, Self::Date | Self::Moment);
        self == other || self == Self::Nothing || other == Self::Nothing || day(self) && day(other)
    }

    /// For people.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Nothing => "null",
            Self::Text => "a text in single quotes",
            Self::Number => "a number",
            Self::Date => "a date such as 2026-06-30",
            Self::Moment => "a moment such as 2026-06-30T00:00:00Z",
            Self::Flag => "true or false",
        }
    }
}

impl Expression {
    pub(super) fn gives(&self) -> Type {
        match self {
            Self::Value(cell) => Type::of_cell(cell),
            Self::Column(_, column) => Type::of_column(column.kind),
            Self::Not(_) | Self::All(_) | Self::Any(_) | Self::Compare(..) | Self::In(..) => Type::Flag,
            Self::Call(function, _) => function.gives(),
        }
    }

    /// Whether a row meets it. Neither true nor false is not enough.
    pub(super) fn holds(&self, row: &Row) -> bool {
        self.truth(row) == Some(true)
    }

    fn truth(&self, row: &Row) -> Option<bool> {
        match self {
            Self::Not(inner) => inner.truth(row).map(|holds| !holds),
            Self::All(parts) => joined(parts.iter().map(|part| part.truth(row)), false),
            Self::Any(parts) => joined(parts.iter().map(|part| part.truth(row)), true),
            Self::Compare(operator, left, right) => Some(compared(*operator, &left.value(row), &right.value(row))),
            Self::In(one, list) => {
                let value = one.value(row);
                Some(list.iter().any(|item| compared(Operator::Equal, &value, item)))
            }
            Self::Value(_) | Self::Column(..) | Self::Call(..) => match self.value(row).as_ref() {
                Cell::Flag(flag) => Some(*flag),
                _ => None,
            },
        }
    }

    fn value<'a>(&'a self, row: &'a Row) -> Cow<'a, Cell> {
        match self {
            Self::Value(cell) => Cow::Borrowed(cell),
            Self::Column(at, _) => Cow::Borrowed(row.get(*at).unwrap_or(&Cell::Empty)),
            Self::Call(function, arguments) => {
                let arguments: Vec<_> = arguments.iter().map(|argument| argument.value(row)).collect();
                Cow::Owned(function.of(&arguments))
            }
            _ => Cow::Owned(self.truth(row).map_or(Cell::Empty, Cell::Flag)),
        }
    }

    /// The columns it looks at.
    pub(super) fn columns(&self, found: &mut Vec<&'static str>) {
        match self {
            Self::Value(_) => {}
            Self::Column(_, column) => found.push(column.name),
            Self::Not(inner) | Self::In(inner, _) => inner.columns(found),
            Self::All(parts) | Self::Any(parts) | Self::Call(_, parts) => {
                for part in parts {
                    part.columns(found);
                }
            }
            Self::Compare(_, left, right) => {
                left.columns(found);
                right.columns(found);
            }
        }
    }

    /// What must hold in any case, as far as it is a column beside a value: an owner may be asked for that alone.
    pub(super) fn conditions(&self) -> Vec<Condition> {
        match self {
            Self::All(parts) => parts.iter().flat_map(Self::conditions).collect(),
            Self::Compare(operator, left, right) => match (left.as_ref(), right.as_ref()) {
                (Self::Column(_, column), Self::Value(value)) => condition(column, *operator, value),
                (Self::Value(value), Self::Column(_, column)) => condition(column, operator.mirrored(), value),
                _ => None,
            }
            .into_iter()
            .collect(),
            _ => Vec::new(),
        }
    }
}

fn condition(column: &Column, operator: Operator, value: &Cell) -> Option<Condition> {
    let relation = match operator {
        Operator::Equal => Relation::Is,
        Operator::Greater | Operator::GreaterOrEqual => Relation::AtLeast,
        Operator::Less | Operator::LessOrEqual => Relation::AtMost,
        Operator::NotEqual => return None,
    };
    let same = Type::of_cell(value) == Type::of_column(column.kind);
    same.then(|| Condition { column: column.name, relation, value: value.clone() })
}

/// All of them, or any of them: whichever `decides` is the one that no other can undo.
fn joined(parts: impl Iterator<Item = Option<bool>>, decides: bool) -> Option<bool> {
    let mut known = true;
    for part in parts {
        match part {
            Some(holds) if holds == decides => return Some(decides),
            Some(_) => {}
            None => known = false,
        }
    }
    known.then_some(!decides)
}

/// Nothing equals nothing and no value, and is neither more nor less than anything.
fn compared(operator: Operator, left: &Cell, right: &Cell) -> bool {
    match (left, right) {
        (Cell::Empty, Cell::Empty) => operator == Operator::Equal,
        (Cell::Empty, _) | (_, Cell::Empty) => operator == Operator::NotEqual,
        _ => ordering(left, right).is_some_and(|ordering| operator.holds(ordering)),
    }
}

/// How two cells stand to one another: nothing before everything, texts by their letters' code points. None if they cannot
/// be compared.
pub(super) fn ordering(left: &Cell, right: &Cell) -> Option<Ordering> {
    Some(match (left, right) {
        (Cell::Empty, Cell::Empty) => Ordering::Equal,
        (Cell::Empty, _) => Ordering::Less,
        (_, Cell::Empty) => Ordering::Greater,
        (Cell::Text(left), Cell::Text(right)) => left.cmp(right),
        (Cell::Flag(left), Cell::Flag(right)) => left.cmp(right),
        (Cell::Date(left), Cell::Date(right)) => left.cmp(right),
        (Cell::Date(_) | Cell::Moment(_), _) => moment(left)?.cmp(&moment(right)?),
        _ => decimal(left)?.cmp(&decimal(right)?),
    })
}

fn decimal(cell: &Cell) -> Option<Decimal> {
    match cell {
        Cell::Count(number) => Some(Decimal::from(*number)),
        Cell::Decimal(number) => Some(*number),
        _ => None,
    }
}

fn moment(cell: &Cell) -> Option<Timestamp> {
    match cell {
        Cell::Date(day) => day.to_zoned_datetime(TimeZone::UTC).ok().map(|at| at.timestamp()),
        Cell::Moment(at) => Some(*at),
        _ => None,
    }
}

/// As a filter is written, with every part in brackets.
impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(cell) => literal(cell, f),
            Self::Column(_, column) => f.write_str(column.name),
            Self::Not(inner) => write!(f, "not ({inner})"),
            Self::All(parts) => listed(parts, " and ", f),
            Self::Any(parts) => listed(parts, " or ", f),
            Self::Compare(operator, left, right) => write!(f, "({left}) {} ({right})", operator.as_str()),
            Self::In(one, list) => {
                write!(f, "({one}) in (")?;
                for (at, cell) in list.iter().enumerate() {
                    f.write_str(if at > 0 { "," } else { "" })?;
                    literal(cell, f)?;
                }
                f.write_str(")")
            }
            Self::Call(function, arguments) => {
                write!(f, "{}(", function.name())?;
                for (at, argument) in arguments.iter().enumerate() {
                    write!(f, "{}{argument}", if at > 0 { "," } else { "" })?;
                }
                f.write_str(")")
            }
        }
    }
}

fn listed(parts: &[Expression], between: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (at, part) in parts.iter().enumerate() {
        write!(f, "{}({part})", if at > 0 { between } else { "" })?;
    }
    Ok(())
}

/// A cell as it is written in addresses.
fn literal(cell: &Cell, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match cell {
        Cell::Empty => f.write_str("null"),
        Cell::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
        Cell::Count(number) => write!(f, "{number}"),
        Cell::Decimal(number) => write!(f, "{number}"),
        Cell::Date(day) => write!(f, "{day}"),
        Cell::Moment(at) => write!(f, "{at}"),
        Cell::Flag(flag) => write!(f, "{flag}"),
    }
}

/// A key as it is written in addresses.
pub(super) struct Literal<'a>(pub(super) &'a Cell);

impl fmt::Display for Literal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        literal(self.0, f)
    }
}
