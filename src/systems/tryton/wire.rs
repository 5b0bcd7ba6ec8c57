//! What Tryton sends, as it sends it: records of named fields.
//!
//! A field asked for by a path (`party.name`) comes nested: as `party.` over JSON-RPC, as `party` from the REST
//! application. Values that JSON has no form for come as objects with a `__class__`; a `Decimal` is a text in there, so an
//! amount is never a JSON number. Records are read by field name, and not into structs, because configuration says which
//! field carries the shared ID.
//!
//! Tryton answers every field it was asked for. One that is not there is one that the user may not read (the REST
//! application leaves those out without a word), and is an error.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::parse_decimal;
use crate::systems::http::unique;

/// The answer to a call. Many failures come with status 200.
#[derive(Debug, Deserialize)]
pub(super) struct Answer<T> {
    pub(super) result: Option<T>,
    pub(super) error: Option<Box<RawValue>>,
}

/// The answer to `common.db.login`: number of the user, session, and in later series more.
#[derive(Debug, Deserialize)]
pub(super) struct Login(Vec<Box<RawValue>>);

impl Login {
    pub(super) fn user(&self) -> Option<u64> {
        self.0.first()?.get().parse().ok()
    }

    pub(super) fn session(&self) -> Option<String> {
        serde_json::from_str(self.0.get(1)?.get()).ok()
    }
}

/// What a refusal says first: the name of an exception, or its text.
pub(super) fn refusal(error: &RawValue) -> Option<String> {
    let parts: Vec<Box<RawValue>> = serde_json::from_str(error.get()).ok()?;
    serde_json::from_str(parts.first()?.get()).ok()
}

/// A field that was asked for is not in the answer, or is not of its kind.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Lack(pub(super) String);

/// A record.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(super) struct Record(#[serde(deserialize_with = "unique")] HashMap<String, Box<RawValue>>);

/// A value other than a text or a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// A `Decimal`, or a number.
    Number(Decimal),
    Date(Date),
    /// A moment, in UTC.
    Moment(Timestamp),
    /// A duration, in seconds.
    Seconds(Decimal),
    /// Something else.
    Unreadable,
}

#[derive(Deserialize)]
struct Encoded {
    #[serde(rename = "__class__")]
    class: String,
    decimal: Option<Box<RawValue>>,
    seconds: Option<Box<RawValue>>,
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    #[serde(default)]
    hour: i8,
    #[serde(default)]
    minute: i8,
    #[serde(default)]
    second: i8,
    #[serde(default)]
    microsecond: i32,
}

impl Encoded {
    fn value(&self) -> Option<Value> {
        let number = |raw: &Option<Box<RawValue>>| parse_decimal(unquoted(raw.as_deref()?.get())).ok();
        match self.class.as_str() {
            "Decimal" => number(&self.decimal).map(Value::Number),
            "timedelta" => number(&self.seconds).map(Value::Seconds),
            "date" => Date::new(self.year?, self.month?, self.day?).ok().map(Value::Date),
            "datetime" => {
                let nanosecond = self.microsecond.checked_mul(1000)?;
                let (year, month, day) = (self.year?, self.month?, self.day?);
                let moment = DateTime::new(year, month, day, self.hour, self.minute, self.second, nanosecond).ok()?;
                TimeZone::UTC.to_timestamp(moment).ok().map(Value::Moment)
            }
            _ => None,
        }
    }
}

impl Record {
    /// The text of a field's value; none if it is null.
    fn raw(&self, field: &str) -> Result<Option<&str>, Lack> {
        let raw = self.0.get(field).ok_or_else(|| Lack(field.to_owned()))?.get();
        Ok(Some(raw).filter(|raw| *raw != "null"))
    }

    fn read<'a, T: Deserialize<'a>>(&'a self, field: &str) -> Result<Option<T>, Lack> {
        let Some(raw) = self.raw(field)? else { return Ok(None) };
        serde_json::from_str(raw).map(Some).map_err(|_| Lack(field.to_owned()))
    }

    /// The record's number.
    pub(super) fn id(&self) -> Result<u64, Lack> {
        self.read("id")?.ok_or_else(|| Lack("id".to_owned()))
    }

    /// A text; none if it is empty.
    pub(super) fn text(&self, field: &str) -> Result<Option<String>, Lack> {
        let text: Option<String> = self.read(field)?;
        Ok(text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()))
    }

    /// A text at the end of a path: `party.code`.
    pub(super) fn text_at(&self, path: &str) -> Result<Option<String>, Lack> {
        match path.split_once('.') {
            None => self.text(path),
            Some((link, rest)) => match self.one(link)? {
                Some(record) => record.text_at(rest),
                None => Ok(None),
            },
        }
    }

    /// A yes or no. `SQLite` has numbers for them.
    pub(super) fn flag(&self, field: &str) -> Result<bool, Lack> {
        match self.raw(field)? {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(_) => Err(Lack(field.to_owned())),
        }
    }

    /// The number of a linked record.
    pub(super) fn key(&self, field: &str) -> Result<Option<u64>, Lack> {
        // Where something of the record was asked for, it is there in place of its number.
        let field = if self.0.contains_key(field) { field.to_owned() } else { self.nested(field) };
        if self.raw(&field)?.is_some_and(|raw| raw.starts_with('{')) {
            return self.read::<Self>(&field)?.map(|record| record.id()).transpose();
        }
        self.read(&field)
    }

    /// Numbers of linked records.
    pub(super) fn keys(&self, field: &str) -> Result<Vec<u64>, Lack> {
        Ok(self.read(field)?.unwrap_or_default())
    }

    /// A linked record, of which something was asked for.
    pub(super) fn one(&self, field: &str) -> Result<Option<Self>, Lack> {
        self.read(&self.nested(field))
    }

    /// Linked records, of which something was asked for.
    pub(super) fn many(&self, field: &str) -> Result<Vec<Self>, Lack> {
        Ok(self.read(&self.nested(field))?.unwrap_or_default())
    }

    fn nested(&self, field: &str) -> String {
        let dotted = format!("{field}.");
        if self.0.contains_key(&dotted) { dotted } else { field.to_owned() }
    }

    /// Model and number of a record that may be of any model: `account.invoice,17`.
    pub(super) fn reference(&self, field: &str) -> Result<Option<(String, u64)>, Lack> {
        let text = self.text(field)?;
        Ok(text.and_then(|text| {
            let (model, number) = text.split_once(',')?;
            Some((model.to_owned(), number.parse().ok()?))
        }))
    }

    /// A value other than a text or a link.
    pub(super) fn value(&self, field: &str) -> Result<Option<Value>, Lack> {
        let Some(raw) = self.raw(field)? else { return Ok(None) };
        let value = if raw.starts_with('{') {
            serde_json::from_str::<Encoded>(raw).ok().and_then(|encoded| encoded.value())
        } else {
            parse_decimal(unquoted(raw)).ok().map(Value::Number)
        };
        Ok(Some(value.unwrap_or(Value::Unreadable)))
    }
}

/// Numbers come as JSON numbers or, through some gateways, as JSON strings.
fn unquoted(raw: &str) -> &str {
    raw.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(raw)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn record(json: &str) -> Record {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn values_are_read_by_their_class_and_digit_by_digit() {
        let number = |text: &str| Ok(Some(Value::Number(text.parse().unwrap())));
        let read = record(
            r#"{"a": {"__class__": "Decimal", "decimal": "1190.123456"}, "b": {"__class__": "Decimal", "decimal": "0E-2"},
                "c": 60.0, "d": "7.5", "e": {"__class__": "timedelta", "seconds": 5400.0}, "n": null,
                "f": {"__class__": "date", "year": 2026, "month": 2, "day": 29}, "g": {"__class__": "Decimal"},
                "h": {"__class__": "date", "year": 2026, "month": 3, "day": 1},
                "i": {"__class__": "datetime", "year": 2026, "month": 11, "day": 21, "hour": 3, "minute": 9, "second": 49,
                      "microsecond": 830066}}"#,
        );
        assert_eq!(read.value("a"), number("1190.123456"));
        assert_eq!(read.value("b"), number("0.00"));
        assert_eq!(read.value("c"), number("60.0"));
        assert_eq!(read.value("d"), number("7.5"));
        assert_eq!(read.value("e"), Ok(Some(Value::Seconds("5400.0".parse().unwrap()))));
        assert_eq!(read.value("h"), Ok(Some(Value::Date(date(2026, 3, 1)))));
        assert_eq!(read.value("i"), Ok(Some(Value::Moment("2026-11-21T03:09:49.830066Z".parse().unwrap()))));
        for unreadable in ["f", "g"] {
            assert_eq!(read.value(unreadable), Ok(Some(Value::Unreadable)), "{unreadable}");
        }
        assert_eq!(read.value("n"), Ok(None));
        assert_eq!(read.value("z"), Err(Lack("z".to_owned())), "asked for and not there");
    }

    #[test]
    fn links_are_nested_with_a_dot_or_without() {
        for json in [
            r#"{"party": 4, "party.": {"id": 4, "code": " C1 "}, "lines.": [{"id": 1}, {"id": 2}], "move.": {"id": 9}, "void.": null}"#,
            r#"{"party": 4, "party.": {"id": 4, "code": "C1"}, "lines.": [{"id": 1}, {"id": 2}], "move": 9, "void.": null}"#,
            r#"{"party": {"id": 4, "code": "C1"}, "lines": [{"id": 1}, {"id": 2}], "move": {"id": 9}, "void": null}"#,
        ] {
            let read = record(json);
            assert_eq!(read.text_at("party.code"), Ok(Some("C1".to_owned())));
            assert_eq!(read.key("move"), Ok(Some(9)));
            let ids: Vec<u64> = read.many("lines").unwrap().iter().map(|line| line.id().unwrap()).collect();
            assert_eq!(ids, [1, 2]);
            assert!(read.one("void").unwrap().is_none());
            assert!(read.many("taxes").is_err(), "what may not be read is no empty list");
        }
    }

    #[test]
    fn references_flags_and_refusals() {
        let read = record(r#"{"origin": "account.invoice,17", "none": null, "yes": 1, "no": false, "odd": "x"}"#);
        assert_eq!(read.reference("origin"), Ok(Some(("account.invoice".to_owned(), 17))));
        assert_eq!(read.reference("none"), Ok(None));
        assert_eq!((read.flag("yes"), read.flag("no"), read.flag("none")), (Ok(true), Ok(false), Ok(false)));
        assert!(read.flag("odd").is_err());
        let refused: Answer<Vec<Record>> = serde_json::from_str(r#"{"id": 2, "error": ["'nope'", ""]}"#).unwrap();
        assert_eq!(refusal(&refused.error.unwrap()), Some("'nope'".to_owned()));
    }
}
