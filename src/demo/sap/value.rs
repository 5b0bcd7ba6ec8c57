//! The values of fields, how they are written as JSON, and how the Service Layer compares them.

use std::borrow::Cow;
use std::cmp::Ordering;

use jiff::civil::Date;
use rust_decimal::Decimal;

/// A value of a field.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Value<'a> {
    Null,
    Int(i64),
    Decimal(Decimal),
    Text(Cow<'a, str>),
    Date(Date),
    /// A value of an enumeration: its name, e.g. `bost_Open`, and how the database keeps it, e.g. `O`.
    Enum(&'static str, &'static str),
}

impl<'a> Value<'a> {
    pub(super) fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    pub(super) fn optional(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::text)
    }

    pub(super) fn yes_no(yes: bool) -> Self {
        if yes { Self::Enum("tYES", "Y") } else { Self::Enum("tNO", "N") }
    }

    /// The order of two values, literals included; none where they cannot be compared.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Null, Self::Null) => Some(Ordering::Equal),
            (Self::Int(a), Self::Int(b)) => Some(a.cmp(b)),
            (Self::Int(a), Self::Decimal(b)) => Some(Decimal::from(*a).cmp(b)),
            (Self::Decimal(a), Self::Int(b)) => Some(a.cmp(&Decimal::from(*b))),
            (Self::Decimal(a), Self::Decimal(b)) => Some(a.cmp(b)),
            (Self::Date(a), Self::Date(b)) => Some(a.cmp(b)),
            (Self::Date(a), Self::Text(b)) => date(b).map(|b| a.cmp(&b)),
            (Self::Text(a), Self::Text(b)) => Some(a.as_ref().cmp(b.as_ref())),
            // An enumeration is equal to its name and to what the database keeps.
            (Self::Enum(name, kept), Self::Text(b)) => {
                Some(if *name == b.as_ref() { Ordering::Equal } else { (*kept).cmp(b.as_ref()) })
            }
            (Self::Enum(_, a), Self::Enum(_, b)) => Some(a.cmp(b)),
            (Self::Int(a), Self::Text(b)) => b.trim().parse::<i64>().ok().map(|b| a.cmp(&b)),
            _ => None,
        }
    }

    /// The order in which rows are sorted: nothing comes first.
    pub(super) fn sorts_before(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Null, Self::Null) => Ordering::Equal,
            (Self::Null, _) => Ordering::Less,
            (_, Self::Null) => Ordering::Greater,
            _ => self.compare(other).unwrap_or(Ordering::Equal),
        }
    }

    /// Writes the value as a JSON string.
    pub(super) fn write_quoted(&self, out: &mut String) {
        out.push('"');
        self.write(out, Dialect::V1);
        out.push('"');
    }

    /// Writes the value as JSON. Amounts are written digit by digit, as they are kept; dates as each dialect writes
    /// them.
    pub(super) fn write(&self, out: &mut String, dialect: Dialect) {
        match self {
            Self::Null => out.push_str("null"),
            Self::Int(number) => out.push_str(&number.to_string()),
            Self::Decimal(number) => out.push_str(&number.to_string()),
            Self::Text(text) => write_text(out, text),
            Self::Date(date) => {
                let time = if dialect == Dialect::V2 { "T00:00:00Z" } else { "" };
                write_text(out, &format!("{date}{time}"));
            }
            Self::Enum(name, _) => write_text(out, name),
        }
    }
}

/// The two dialects: `/b1s/v1` speaks OData 3, `/b1s/v2` OData 4.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    V1,
    V2,
}

impl Dialect {
    /// Annotations are named `odata.nextLink` in one and `@odata.nextLink` in the other.
    pub(super) fn annotation(self, name: &str) -> String {
        match self {
            Self::V1 => format!("odata.{name}"),
            Self::V2 => format!("@odata.{name}"),
        }
    }

    pub(super) fn root(self) -> &'static str {
        match self {
            Self::V1 => "/b1s/v1",
            Self::V2 => "/b1s/v2",
        }
    }
}

/// Writes a JSON string.
pub(super) fn write_text(out: &mut String, text: &str) {
    out.push_str(&serde_json::to_string(text).unwrap_or_default());
}

/// Reads a date as filters write it: `2026-04-23`, `20260423`, with or without a time, which is ignored.
pub(super) fn date(text: &str) -> Option<Date> {
    let digits: String = text.chars().filter(char::is_ascii_digit).take(8).collect();
    let (year, rest) = digits.split_at_checked(4)?;
    let (month, day) = rest.split_at_checked(2)?;
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}
