//! What an expression is for one row.

use std::cmp::Ordering;

use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};

use super::plan::{Function, Node};
use super::value::Value;
use super::{Refused, Tables};

/// Marks a table of a left join that has no row here.
pub(super) const NO_ROW: u32 = u32::MAX;

/// What expressions are computed of.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) tables: &'a Tables,
    /// Positions of the tables that are joined so far.
    pub(super) sources: &'a [usize],
    /// The row of each.
    pub(super) rows: &'a [u32],
    pub(super) groups: &'a [Value],
    pub(super) aggregates: &'a [Value],
}

impl Row<'_> {
    fn column(&self, source: usize, column: usize) -> &Value {
        let (Some(table), Some(row)) = (self.sources.get(source), self.rows.get(source)) else { return &Value::Null };
        self.tables.get(*table).and_then(|table| table.row(*row)?.get(column)).unwrap_or(&Value::Null)
    }

    /// The value of an expression.
    pub(super) fn value(&self, node: &Node) -> Result<Value, Refused> {
        Ok(match node {
            Node::Column(source, column) => self.column(*source, *column).clone(),
            Node::Literal(value) => value.clone(),
            Node::Group(at) => self.groups.get(*at).cloned().unwrap_or(Value::Null),
            Node::Aggregate(at) => self.aggregates.get(*at).cloned().unwrap_or(Value::Null),
            Node::Negative(one) => self.value(one)?.number()?.map_or(Value::Null, |number| Value::Number(-number)),
            Node::Binary(a, "||", b) => {
                let (a, b) = (self.value(a)?, self.value(b)?);
                Value::from_text(a.shown().unwrap_or_default() + &b.shown().unwrap_or_default())
            }
            Node::Binary(a, sign @ ("+" | "-" | "*" | "/"), b) => {
                let Some((a, b)) = self.value(a)?.number()?.zip(self.value(b)?.number()?) else {
                    return Ok(Value::Null);
                };
                arithmetic(a, sign, b)?
            }
            Node::Call(function, arguments) => self.call(*function, arguments)?,
            _ => return Err(Refused::new("A condition is not a value")),
        })
    }

    /// Whether a condition holds; none where it cannot be said.
    pub(super) fn holds(&self, node: &Node) -> Result<Option<bool>, Refused> {
        Ok(match node {
            Node::Binary(a, "and", b) => match (self.holds(a)?, self.holds(b)?) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            },
            Node::Binary(a, "or", b) => match (self.holds(a)?, self.holds(b)?) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            },
            Node::Not(one) => self.holds(one)?.map(|holds| !holds),
            Node::Binary(a, sign, b) => {
                let order = self.value(a)?.compare(&self.value(b)?)?;
                order.map(|order| match *sign {
                    "=" => order.is_eq(),
                    "<>" => order.is_ne(),
                    "<" => order.is_lt(),
                    "<=" => order.is_le(),
                    ">" => order.is_gt(),
                    _ => order.is_ge(),
                })
            }
            Node::IsNull(one, not) => Some(self.value(one)?.is_null() != *not),
            Node::OneOf(one, keys, not) => {
                let value = match self.value(one)? {
                    Value::Null => return Ok(None),
                    // Numbers in quotes are compared as numbers.
                    Value::Int(number) if matches!(keys.first(), Some(super::Key::Text(_))) => {
                        Value::text(number.to_string())
                    }
                    value => value,
                };
                Some(keys.binary_search(&value.key()).is_ok() != *not)
            }
            Node::In(one, values, not) => {
                let one = self.value(one)?;
                let mut unknown = one.is_null();
                for value in values {
                    match one.compare(&self.value(value)?)? {
                        Some(Ordering::Equal) => return Ok(Some(!not)),
                        Some(_) => {}
                        None => unknown = true,
                    }
                }
                (!unknown).then_some(*not)
            }
            Node::Between(one, low, high, not) => {
                let one = self.value(one)?;
                let (low, high) = (one.compare(&self.value(low)?)?, one.compare(&self.value(high)?)?);
                low.zip(high).map(|(low, high)| (low.is_ge() && high.is_le()) != *not)
            }
            Node::Like(one, pattern, not) => match (self.value(one)?.shown(), self.value(pattern)?.shown()) {
                (Some(text), Some(pattern)) => {
                    let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
                    Some(like(&text, &pattern) != *not)
                }
                _ => None,
            },
            _ => return Err(Refused::new("A value is not a condition")),
        })
    }

    fn call(&self, function: Function, arguments: &[Node]) -> Result<Value, Refused> {
        if function == Function::Coalesce {
            for argument in arguments {
                let value = self.value(argument)?;
                if !value.is_null() {
                    return Ok(value);
                }
            }
            return Ok(Value::Null);
        }
        let values = arguments.iter().map(|argument| self.value(argument)).collect::<Result<Vec<_>, _>>()?;
        let (Some(first), second) = (values.first(), values.get(1)) else { return Ok(Value::Null) };
        if first.is_null() {
            return Ok(Value::Null);
        }
        Ok(match function {
            Function::Coalesce => Value::Null,
            Function::Abs => first.number()?.map_or(Value::Null, |number| Value::Number(number.abs())),
            Function::Round => {
                let digits = second.map_or(Ok(None), Value::number)?.unwrap_or_default();
                let digits = u32::try_from(digits).map_err(|_| Refused::new("Invalid number of digits"))?;
                first.number()?.map_or(Value::Null, |number| {
                    Value::Number(number.round_dp_with_strategy(digits, RoundingStrategy::MidpointAwayFromZero))
                })
            }
            Function::Upper => Value::from_text(first.shown().unwrap_or_default().to_uppercase()),
            Function::Lower => Value::from_text(first.shown().unwrap_or_default().to_lowercase()),
            Function::Trim => Value::from_text(first.shown().unwrap_or_default().trim().to_owned()),
            Function::ToChar => {
                iso_format(second)?;
                match first {
                    Value::Date(date) => Value::text(date.to_string()),
                    _ => return Err(Refused::new("TO_CHAR of something that is not a date")),
                }
            }
            Function::ToDate => {
                iso_format(second)?;
                let date: Option<Date> = first.shown().and_then(|text| text.parse().ok());
                Value::Date(date.ok_or_else(|| Refused::new("A date does not match its format"))?)
            }
        })
    }
}

/// The one format of dates that is supported here.
fn iso_format(format: Option<&Value>) -> Result<(), Refused> {
    match format.and_then(Value::shown) {
        Some(format) if format.eq_ignore_ascii_case("YYYY-MM-DD") => Ok(()),
        _ => Err(Refused::new("The only format of dates that this embedded system knows is 'YYYY-MM-DD'")),
    }
}

fn arithmetic(a: Decimal, sign: &str, b: Decimal) -> Result<Value, Refused> {
    if sign == "/" && b.is_zero() {
        return Err(Refused::new("Divisor is equal to zero"));
    }
    let result = match sign {
        "+" => a.checked_add(b),
        "-" => a.checked_sub(b),
        "*" => a.checked_mul(b),
        _ => a.checked_div(b),
    };
    result.map(Value::Number).ok_or_else(|| Refused::new("Numeric overflow"))
}

/// `%` is any text, `_` any sign.
fn like(text: &[char], pattern: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some(('%', rest)), _) => {
            like(text, rest) || text.split_first().is_some_and(|(_, shorter)| like(shorter, pattern))
        }
        (Some((wanted, rest)), Some((sign, after))) if *wanted == '_' || wanted == sign => like(after, rest),
        _ => false,
    }
}
