//! Conditions: lists in which operators stand before what they join, as Odoo evaluates them.

use std::cmp::Ordering;
use std::collections::HashSet;

use serde_json::Value as Json;

use super::answer::Refusal;
use super::table::{Row, Tables};
use super::value::{Key, Value};

/// A condition.
#[derive(Debug)]
pub(super) enum Condition {
    All(Vec<Self>),
    Any(Box<Self>, Box<Self>),
    Not(Box<Self>),
    Compare { path: String, operator: Operator, literal: Literal },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
    Like { any_case: bool, whole: bool },
}

#[derive(Debug)]
pub(super) enum Literal {
    One(Key),
    Many(HashSet<Key>),
}

impl Condition {
    /// Reads a condition on a model.
    pub(super) fn read(json: &Json, model: &str, tables: &Tables) -> Result<Self, Refusal> {
        let Json::Array(terms) = json else { return Err(Refusal::value("Domain must be a list")) };
        let mut terms = terms.iter();
        let mut all = Vec::new();
        while !terms.as_slice().is_empty() {
            all.push(Self::term(&mut terms, model, tables)?);
        }
        Ok(Self::All(all))
    }

    fn term<'j>(terms: &mut impl Iterator<Item = &'j Json>, model: &str, tables: &Tables) -> Result<Self, Refusal> {
        let invalid = || Refusal::value("Domain is not well-formed");
        match terms.next().ok_or_else(invalid)? {
            Json::String(joint) => match joint.as_str() {
                "!" => Ok(Self::Not(Box::new(Self::term(terms, model, tables)?))),
                "&" => Ok(Self::All(vec![Self::term(terms, model, tables)?, Self::term(terms, model, tables)?])),
                "|" => Ok(Self::Any(
                    Box::new(Self::term(terms, model, tables)?),
                    Box::new(Self::term(terms, model, tables)?),
                )),
                _ => Err(invalid()),
            },
            Json::Array(leaf) => {
                let [Json::String(path), Json::String(operator), literal] = leaf.as_slice() else {
                    return Err(invalid());
                };
                tables.check(model, path).map_err(|(field, of)| {
                    Refusal::value(format!("Invalid field {of}.{field} in condition ('{path}', '{operator}', ...)"))
                })?;
                Ok(Self::Compare {
                    path: path.clone(),
                    operator: Operator::named(operator)?,
                    literal: match literal {
                        Json::Array(many) => Literal::Many(many.iter().map(Key::of).collect()),
                        one => Literal::One(Key::of(one)),
                    },
                })
            }
            _ => Err(invalid()),
        }
    }

    /// Whether a row of a model meets it.
    pub(super) fn holds(&self, tables: &Tables, model: &str, row: &Row) -> bool {
        match self {
            Self::All(all) => all.iter().all(|one| one.holds(tables, model, row)),
            Self::Any(one, other) => one.holds(tables, model, row) || other.holds(tables, model, row),
            Self::Not(one) => !one.holds(tables, model, row),
            Self::Compare { path, operator, literal } => {
                let value = tables.follow(model, row, path);
                let Some(value) = value else {
                    // A path that leads nowhere meets only what says "not".
                    return matches!(operator, Operator::Unequal | Operator::NotIn);
                };
                operator.holds(value, literal)
            }
        }
    }

    /// Whether it speaks of whether records are archived.
    pub(super) fn names(&self, field: &str) -> bool {
        match self {
            Self::All(all) => all.iter().any(|one| one.names(field)),
            Self::Any(one, other) => one.names(field) || other.names(field),
            Self::Not(one) => one.names(field),
            Self::Compare { path, .. } => path == field,
        }
    }
}

impl Operator {
    fn named(name: &str) -> Result<Self, Refusal> {
        Ok(match name {
            "=" => Self::Equal,
            "!=" | "<>" => Self::Unequal,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            "in" => Self::In,
            "not in" => Self::NotIn,
            "like" => Self::Like { any_case: false, whole: false },
            "ilike" => Self::Like { any_case: true, whole: false },
            "=like" => Self::Like { any_case: false, whole: true },
            "=ilike" => Self::Like { any_case: true, whole: true },
            _ => return Err(Refusal::value(format!("Invalid operator {name:?}"))),
        })
    }

    fn holds(self, value: &Value, literal: &Literal) -> bool {
        let has = |key: &Key| match literal {
            Literal::One(one) => one == key,
            Literal::Many(many) => many.contains(key),
        };
        let any = || match value {
            Value::Links(ids) if !ids.is_empty() => ids.iter().any(|id| has(&Key::Number((*id).into()))),
            Value::Shares(shares) if !shares.is_empty() => shares.iter().any(|(id, _)| has(&Key::Number((*id).into()))),
            // An amount of nothing and a yes-or-no of nothing are 0 and no.
            other => has(&other.key()),
        };
        let order = || match literal {
            Literal::One(one) => value.key().against(one),
            Literal::Many(_) => None,
        };
        match self {
            Self::Equal | Self::In => any(),
            Self::Unequal | Self::NotIn => !any(),
            Self::Less => order() == Some(Ordering::Less),
            Self::LessOrEqual => matches!(order(), Some(Ordering::Less | Ordering::Equal)),
            Self::Greater => order() == Some(Ordering::Greater),
            Self::GreaterOrEqual => matches!(order(), Some(Ordering::Greater | Ordering::Equal)),
            Self::Like { any_case, whole } => {
                let text = match value {
                    Value::Text(text) | Value::Link(_, text) => text.as_str(),
                    _ => return false,
                };
                let Literal::One(Key::Text(pattern)) = literal else { return false };
                let (text, pattern) = if any_case {
                    (text.to_lowercase(), pattern.to_lowercase())
                } else {
                    (text.to_owned(), pattern.clone())
                };
                let pattern = if whole { pattern } else { format!("%{pattern}%") };
                let (text, pattern): (Vec<char>, Vec<char>) = (text.chars().collect(), pattern.chars().collect());
                like(&text, &pattern)
            }
        }
    }
}

/// `LIKE`: `%` stands for any signs, `_` for one, a backslash takes the next one as it is.
fn like(text: &[char], pattern: &[char]) -> bool {
    match pattern {
        [] => text.is_empty(),
        ['%', rest @ ..] => (0..=text.len()).any(|at| text.get(at..).is_some_and(|tail| like(tail, rest))),
        ['_', rest @ ..] => text.split_first().is_some_and(|(_, tail)| like(tail, rest)),
        ['\\', sign, rest @ ..] | [sign, rest @ ..] => {
            text.split_first().is_some_and(|(first, tail)| first == sign && like(tail, rest))
        }
    }
}
