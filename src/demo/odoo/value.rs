//! Values of fields, how Odoo writes them, and how it compares them.

use std::cmp::Ordering;

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Value as Json, json};

/// A value of a field.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) enum Value {
    /// Nothing, and no.
    #[default]
    False,
    True,
    Int(i64),
    /// A float on the other side of the wire.
    Float(Decimal),
    Text(String),
    /// A record of another model, with its display name.
    Link(i64, String),
    Links(Vec<i64>),
    /// Shares of analytic accounts, in per cent.
    Shares(Vec<(i64, Decimal)>),
}

impl Value {
    /// A text; an empty one is nothing.
    pub(super) fn text(text: impl Into<String>) -> Self {
        let text = text.into();
        if text.is_empty() { Self::False } else { Self::Text(text) }
    }

    pub(super) fn maybe<T>(value: Option<T>, of: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::False, of)
    }

    /// As `read` writes it.
    pub(super) fn json(&self) -> Json {
        match self {
            Self::False => json!(false),
            Self::True => json!(true),
            Self::Int(number) => json!(number),
            Self::Float(number) => json!(number.to_f64()),
            Self::Text(text) => json!(text),
            Self::Link(id, name) => json!([id, name]),
            Self::Links(ids) => json!(ids),
            Self::Shares(shares) => {
                shares.iter().map(|(account, share)| (account.to_string(), json!(share.to_f64()))).collect()
            }
        }
    }

    /// What a value is compared and grouped by: the number of a link.
    pub(super) fn key(&self) -> Key {
        match self {
            Self::False | Self::Links(_) | Self::Shares(_) => Key::Nothing,
            Self::True => Key::Text("true".to_owned()),
            Self::Int(number) | Self::Link(number, _) => Key::Number(Decimal::from(*number)),
            Self::Float(number) => Key::Number(number.normalize()),
            Self::Text(text) => Key::Text(text.clone()),
        }
    }

    pub(super) fn number(&self) -> Decimal {
        match self {
            Self::Int(number) => Decimal::from(*number),
            Self::Float(number) => *number,
            _ => Decimal::ZERO,
        }
    }
}

/// What a value is compared by.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Key {
    Nothing,
    Number(Decimal),
    Text(String),
}

impl Key {
    /// A literal of a condition.
    pub(super) fn of(literal: &Json) -> Self {
        match literal {
            Json::Bool(true) => Self::Text("true".to_owned()),
            Json::Number(number) => number.to_string().parse().map_or(Self::Nothing, Self::Number),
            Json::String(text) => Self::Text(text.clone()),
            _ => Self::Nothing,
        }
    }

    /// The order of two values of one kind; none where there is none.
    pub(super) fn against(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => Some(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            // An amount of nothing is 0.
            _ => None,
        }
    }
}
