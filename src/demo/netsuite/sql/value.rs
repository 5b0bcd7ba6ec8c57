//! Values of columns.

use std::cmp::Ordering;
use std::sync::Arc;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::Refused;

/// A value. Booleans are the texts `T` and `F`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::demo::netsuite) enum Value {
    Null,
    Int(i64),
    Number(Decimal),
    Text(Arc<str>),
    Date(Date),
}

/// A value that can be looked up: numbers of one amount are one key, however many digits they are written with.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::demo::netsuite) enum Key {
    Int(i64),
    Number(Decimal),
    Text(Arc<str>),
    Date(Date),
    Null,
}

impl Value {
    pub(in crate::demo::netsuite) fn text(text: impl Into<Arc<str>>) -> Self {
        Self::Text(text.into())
    }

    pub(in crate::demo::netsuite) fn flag(yes: bool) -> Self {
        Self::text(if yes { "T" } else { "F" })
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Oracle takes the empty text for nothing.
    pub(super) fn from_text(text: String) -> Self {
        if text.is_empty() { Self::Null } else { Self::text(text) }
    }

    /// As a number: texts are converted, as the database does.
    pub(super) fn number(&self) -> Result<Option<Decimal>, Refused> {
        match self {
            Self::Null => Ok(None),
            Self::Int(number) => Ok(Some(Decimal::from(*number))),
            Self::Number(number) => Ok(Some(*number)),
            Self::Text(text) => match text.trim().parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(Refused::new("Invalid number")),
            },
            Self::Date(_) => Err(Refused::new("Inconsistent datatypes: expected NUMBER got DATE")),
        }
    }

    /// The order of two values; none where one of them is nothing.
    pub(super) fn compare(&self, other: &Self) -> Result<Option<Ordering>, Refused> {
        Ok(match (self, other) {
            (Self::Null, _) | (_, Self::Null) => None,
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Date(a), Self::Date(b)) => Some(a.cmp(b)),
            (Self::Date(_), _) | (_, Self::Date(_)) => {
                return Err(Refused::new("Inconsistent datatypes: a date is compared with something else"));
            }
            (a, b) => a.number()?.zip(b.number()?).map(|(a, b)| a.cmp(&b)),
        })
    }

    /// The order of rows: nothing comes last.
    pub(super) fn sorts(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Null, Self::Null) => Ordering::Equal,
            (Self::Null, _) => Ordering::Greater,
            (_, Self::Null) => Ordering::Less,
            _ => self.compare(other).ok().flatten().unwrap_or(Ordering::Equal),
        }
    }

    pub(in crate::demo::netsuite) fn key(&self) -> Key {
        match self {
            Self::Null => Key::Null,
            Self::Int(number) => Key::Int(*number),
            Self::Number(number) => match i64::try_from(*number) {
                Ok(whole) if number.fract().is_zero() => Key::Int(whole),
                _ => Key::Number(number.normalize()),
            },
            Self::Text(text) => Key::Text(Arc::clone(text)),
            Self::Date(date) => Key::Date(*date),
        }
    }

    /// How it stands in the answer; nothing for nothing. Dates come in the format of the account's preferences, which is not
    /// that of any standard.
    pub(in crate::demo::netsuite) fn shown(&self) -> Option<String> {
        Some(match self {
            Self::Null => return None,
            Self::Int(number) => number.to_string(),
            Self::Number(number) => number.normalize().to_string(),
            Self::Text(text) => text.to_string(),
            Self::Date(date) => format!("{}/{}/{}", date.month(), date.day(), date.year()),
        })
    }
}
