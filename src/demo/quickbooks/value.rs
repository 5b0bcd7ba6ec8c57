//! Values that records can be filtered and ordered by.

use std::cmp::Ordering;

use jiff::civil::Date;
use rust_decimal::Decimal;

/// A value of a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Nothing,
    /// A record's number. It is written as a text, and ordered as a number.
    Id(u64),
    Text(String),
    Number(Decimal),
    Date(Date),
    Yes(bool),
}

impl Value {
    /// The order of a value and a literal; none where they cannot be compared.
    pub(super) fn compare(&self, literal: &str) -> Option<Ordering> {
        match self {
            Self::Nothing => None,
            Self::Id(id) => Some(id.cmp(&literal.parse().ok()?)),
            Self::Text(text) => Some(text.as_str().cmp(literal)),
            Self::Number(number) => Some(number.cmp(&literal.parse().ok()?)),
            Self::Date(date) => Some(date.cmp(&literal.get(..10)?.parse().ok()?)),
            Self::Yes(yes) => Some(yes.cmp(&literal.to_ascii_lowercase().parse().ok()?)),
        }
    }

    /// The order in which records are sorted: nothing comes first.
    pub(super) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Nothing, Self::Nothing) => Ordering::Equal,
            (Self::Nothing, _) => Ordering::Less,
            (_, Self::Nothing) => Ordering::Greater,
            (Self::Id(a), Self::Id(b)) => a.cmp(b),
            (Self::Number(a), Self::Number(b)) => a.cmp(b),
            (Self::Date(a), Self::Date(b)) => a.cmp(b),
            (Self::Yes(a), Self::Yes(b)) => a.cmp(b),
            _ => self.text().cmp(&other.text()),
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Id(id) => id.to_string(),
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Date(date) => date.to_string(),
            Self::Yes(yes) => yes.to_string(),
        }
    }
}
