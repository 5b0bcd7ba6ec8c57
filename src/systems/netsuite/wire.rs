//! What SuiteQL sends. A row has the columns that were asked for, in lower case by convention only, and without those that
//! hold nothing. Values come as JSON strings, but for some that come as numbers: their text is kept.

use std::fmt;

use rust_decimal::Decimal;
use serde::de::{Error, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::domain::{MoneyError, parse_decimal};

/// A page of rows.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page {
    pub(super) items: Vec<Row>,
    pub(super) has_more: Option<bool>,
    pub(super) total_results: Option<Count>,
}

/// A whole number, as a number or as a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count(pub(super) usize);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let count = plain(raw.get()).and_then(|text| text.trim().parse().ok());
        count.map(Self).ok_or_else(|| D::Error::custom("invalid value: not a count, expected a whole number"))
    }
}

/// The answer to a sign-in.
#[derive(Deserialize)]
pub(super) struct Token {
    pub(super) access_token: String,
    pub(super) expires_in: Option<Count>,
}

/// The body of a refusal: that of REST web services, or that of the token endpoint.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Refusal {
    #[serde(rename = "o:errorDetails", default)]
    details: Vec<RefusalDetail>,
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RefusalDetail {
    #[serde(rename = "o:errorCode")]
    code: Option<String>,
}

impl Refusal {
    /// The code of a refusal, if the body is one: a word in capitals, or one of OAuth 2.0.
    pub(super) fn code(body: &[u8]) -> Option<String> {
        let refusal: Self = serde_json::from_slice(body).ok()?;
        let code = refusal.details.into_iter().find_map(|detail| detail.code).or(refusal.error)?;
        let is_code = code.len() <= 60 && code.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        is_code.then_some(code)
    }
}

/// A row: columns in lower case, and what they hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Row(Vec<(String, String)>);

impl Row {
    /// What a column holds; none if nothing.
    pub(super) fn text(&self, column: &str) -> Option<&str> {
        let (_, text) = self.0.iter().find(|(name, _)| name == column)?;
        Some(text.trim()).filter(|text| !text.is_empty())
    }

    /// An ID or a count.
    pub(super) fn number(&self, column: &str) -> Option<u64> {
        self.text(column)?.parse().ok()
    }

    /// An amount, if there is one.
    pub(super) fn decimal(&self, column: &str) -> Option<Result<Decimal, MoneyError>> {
        self.text(column).map(parse_decimal)
    }

    /// Whether a box is ticked.
    pub(super) fn is(&self, column: &str) -> bool {
        self.text(column) == Some("T")
    }
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(RowVisitor)
    }
}

struct RowVisitor;

impl<'de> Visitor<'de> for RowVisitor {
    type Value = Row;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
        let mut row = Row::default();
        while let Some(mut name) = map.next_key::<String>()? {
            name.make_ascii_lowercase();
            if name == "links" {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            if row.0.iter().any(|(known, _)| *known == name) {
                return Err(A::Error::custom("a column is there twice"));
            }
            let raw = map.next_value::<Box<RawValue>>()?;
            if let Some(text) = plain(raw.get()) {
                row.0.push((name, text));
            }
        }
        Ok(row)
    }
}

/// The text of a JSON string, number or truth value; none of anything else.
fn plain(raw: &str) -> Option<String> {
    match raw.as_bytes().first()? {
        b'"' => serde_json::from_str(raw).ok(),
        b'0'..=b'9' | b'-' => Some(raw.to_owned()),
        b't' => Some("T".to_owned()),
        b'f' => Some("F".to_owned()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_read_whatever_its_values_are_written_as() {
        let row: Row = serde_json::from_str(
            r#"{"links": [{"href": "x"}], "ID": 101, "Amount": ".50", "big": 1200.10, "none": null, "empty": " ",
                "flag": true, "name": "a \"b\""}"#,
        )
        .unwrap();
        assert_eq!(row.number("id"), Some(101));
        assert_eq!(row.decimal("amount").unwrap().unwrap().to_string(), "0.50");
        assert_eq!(row.text("big"), Some("1200.10"), "digit by digit");
        assert!(row.text("none").is_none() && row.text("empty").is_none() && row.text("missing").is_none());
        assert!(row.is("flag") && row.text("name") == Some("a \"b\"") && row.text("links").is_none());
    }

    #[test]
    fn a_code_is_a_word_and_nothing_else() {
        let code = |body: &str| Refusal::code(body.as_bytes());
        assert_eq!(
            code(r#"{"o:errorDetails": [{"detail": "x", "o:errorCode": "INVALID_LOGIN"}]}"#).unwrap(),
            "INVALID_LOGIN"
        );
        assert_eq!(code(r#"{"error": "invalid_grant"}"#).unwrap(), "invalid_grant");
        assert_eq!(code(r#"{"o:errorDetails": [{"o:errorCode": "Invoice of Acme, 12.50"}]}"#), None);
        assert_eq!(code("<html>"), None);
        assert_eq!(code("[]"), None);
    }
}
