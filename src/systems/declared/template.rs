//! Templates: where keys are placed in a path, a query or a body, each by the encoder of its position. Whatever a key
//! holds, it stays one value: it never becomes another segment, another parameter or another field.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::expression::Expression;

/// Everything but what RFC 3986 calls unreserved is encoded; spaces as `%20`, never as `+`.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Percent-encodes the name of a parameter. A `$` stands for itself: some servers know OData's options by no other name.
pub(in crate::systems) fn encode_name(text: &str) -> PercentEncode<'_> {
    const NAME: &AsciiSet = &VALUE.remove(b'$');
    utf8_percent_encode(text, NAME)
}

/// Percent-encodes a value for a segment or a query.
pub(in crate::systems) fn encode(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, VALUE)
}

/// Bytes of a value when it is percent-encoded.
pub(in crate::systems) fn encoded_len(text: &str) -> usize {
    text.bytes().map(|byte| if plain(byte) { 1 } else { 3 }).sum()
}

/// Whether a byte stands for itself, as in [`VALUE`].
fn plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// Which placeholder a template has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::systems) enum Placeholder {
    /// `{ids}`: all keys of a call.
    Many,
    /// `{id}`: one key per call.
    One,
}

impl Placeholder {
    fn of(name: &str) -> Option<Self> {
        match name {
            "{ids}" => Some(Self::Many),
            "{id}" => Some(Self::One),
            _ => None,
        }
    }
}

/// Where the placeholder of a path stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Position {
    /// In a segment, between these texts of it.
    Segment { before: String, after: String },
    /// The whole value of this parameter.
    Parameter(String),
    /// In an expression, which is the end of the query.
    Expression(Expression),
}

/// Path and query of an endpoint below the connection's `url`, percent-encoded, e.g. `/erp/invoices?projectIds={ids}`.
/// `{ids}` stands for all keys of a call, `{id}` for one key, which makes a call for each. It is a segment (or a part of
/// one), or the whole value of a query parameter.
#[derive(Debug, Clone)]
pub struct Template {
    before: String,
    after: String,
    place: Option<(Placeholder, Position)>,
}

impl Template {
    /// A path and the beginning of a query, percent-encoded, with an expression at its end.
    pub(in crate::systems) fn with_expression(before: String, expression: Expression) -> Self {
        Self { before, after: String::new(), place: Some((Placeholder::Many, Position::Expression(expression))) }
    }

    pub(in crate::systems) fn parse(text: &str) -> Result<Self, String> {
        if !text.starts_with('/') {
            return Err("a path begins with `/`, below the connection's `url`".to_owned());
        }
        let mut places = text.match_indices('{').map(|(start, _)| start);
        let (start, more) = (places.next(), places.next());
        if more.is_some() {
            return Err("a path has one placeholder, `{ids}` or `{id}`".to_owned());
        }
        let Some(start) = start else {
            check_literal(text)?;
            return Ok(Self { before: text.to_owned(), after: String::new(), place: None });
        };
        let wrong = || "the placeholders of a path are `{ids}` and `{id}`".to_owned();
        let (before, rest) = text.split_at_checked(start).ok_or_else(wrong)?;
        let (name, after) = rest.find('}').and_then(|end| rest.split_at_checked(end + 1)).ok_or_else(wrong)?;
        let placeholder = Placeholder::of(name).ok_or_else(wrong)?;
        check_literal(before)?;
        check_literal(after)?;
        let position = if let Some((_, query)) = before.split_once('?') {
            let parameter = query.rsplit('&').next().and_then(|pair| pair.strip_suffix('='));
            match parameter {
                Some(parameter) if !parameter.is_empty() && (after.is_empty() || after.starts_with('&')) => {
                    Position::Parameter(parameter.to_owned())
                }
                _ => return Err("in a query a placeholder is the whole value of a parameter: `name={ids}`".to_owned()),
            }
        } else {
            let head = before.rsplit('/').next().unwrap_or_default();
            let tail = after.split(['/', '?']).next().unwrap_or_default();
            Position::Segment { before: head.to_owned(), after: tail.to_owned() }
        };
        Ok(Self { before: before.to_owned(), after: after.to_owned(), place: Some((placeholder, position)) })
    }

    pub(in crate::systems) fn placeholder(&self) -> Option<Placeholder> {
        self.place.as_ref().map(|(placeholder, _)| *placeholder)
    }

    /// Whether keys stand in the query, where a parameter can be repeated.
    pub(in crate::systems) fn in_query(&self) -> bool {
        matches!(self.place, Some((_, Position::Parameter(_))))
    }

    /// The path alone, with `*` for what a key may be: the pattern of the list of reads.
    pub(in crate::systems) fn pattern(&self) -> String {
        let path = |text: &str| text.split('?').next().unwrap_or_default().to_owned();
        match self.place {
            Some((_, Position::Segment { .. })) => format!("{}*{}", self.before, path(&self.after)),
            _ => path(&self.before),
        }
    }

    /// Bytes of the fixed part.
    pub(in crate::systems) fn len(&self) -> usize {
        let expression = match &self.place {
            Some((_, Position::Expression(expression))) => expression.len(),
            _ => 0,
        };
        self.before.len() + expression + self.after.len()
    }

    /// Bytes that a key adds, at the most; none where keys stand in the body.
    pub(in crate::systems) fn added(&self, key: &str, between: Between<'_>) -> usize {
        match (&self.place, between) {
            (None, _) => 0,
            (Some((_, Position::Expression(expression))), _) => expression.added(key),
            (Some((_, Position::Parameter(parameter))), Between::Repeat) => encoded_len(key) + parameter.len() + 2,
            (Some(_), Between::Repeat) => encoded_len(key),
            (Some(_), Between::Separator(separator)) => encoded_len(key) + between_keys(separator).len(),
        }
    }

    /// Whether keys are parted by a sign, which a key that holds it would be parted by too.
    pub(in crate::systems) fn parts_by_sign(&self) -> bool {
        matches!(self.place, Some((_, Position::Segment { .. } | Position::Parameter(_))))
    }

    /// Whether a key can stand here without changing the path.
    pub(in crate::systems) fn takes(&self, key: &str) -> bool {
        let (before, after) = match &self.place {
            Some((_, Position::Segment { before, after })) => (before, after),
            Some((_, Position::Expression(expression))) => return expression.takes(key),
            _ => return true,
        };
        // Some servers take an encoded slash for a real one, and all take an encoded dot for a real one.
        !key.contains(['/', '\\']) && !matches!(format!("{before}{key}{after}").as_str(), "." | "..")
    }

    /// The path and query for keys.
    pub(in crate::systems) fn fill(&self, keys: &[&str], between: Between<'_>) -> String {
        // A place is made for the keys of most systems; longer ones make it grow.
        let mut out = String::with_capacity(self.len() + keys.len() * 12);
        out.push_str(&self.before);
        let Some((_, position)) = &self.place else { return out };
        if let Position::Expression(expression) = position {
            expression.write(keys, &mut out);
            return out;
        }
        for (i, key) in keys.iter().enumerate() {
            if i > 0 {
                match (between, position) {
                    (Between::Repeat, Position::Parameter(parameter)) => {
                        out.push('&');
                        out.push_str(parameter);
                        out.push('=');
                    }
                    (Between::Separator(separator), _) => out.push_str(&between_keys(separator)),
                    (Between::Repeat, _) => {}
                }
            }
            if key.bytes().all(plain) {
                out.push_str(key);
            } else {
                out.extend(encode(key));
            }
        }
        out.push_str(&self.after);
        out
    }
}

/// What stands between two keys of one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::systems) enum Between<'s> {
    /// A text.
    Separator(&'s str),
    /// The parameter again: `id=1&id=2`.
    Repeat,
}

/// A comma and a semicolon are allowed in segments and queries, and many servers split before they decode.
pub(in crate::systems) fn between_keys(separator: &str) -> Cow<'_, str> {
    if matches!(separator, "," | ";") { Cow::Borrowed(separator) } else { utf8_percent_encode(separator, VALUE).into() }
}

/// The fixed part of a path must be what is sent: encoded, and without a dot segment.
fn check_literal(text: &str) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()+,;=:@/?%".contains(&byte);
    if let Some(byte) = text.bytes().find(|byte| !allowed(*byte)) {
        let sign = char::from(byte);
        return Err(match sign {
            '*' => "`*` cannot stand in a path: write `{id}` or `{ids}` where keys go".to_owned(),
            '}' => "a `}` without a placeholder before it".to_owned(),
            _ => format!("`{}` must be percent-encoded in a path", sign.escape_default()),
        });
    }
    if text.split('?').count() > 2 {
        return Err("a path with two `?`".to_owned());
    }
    let path = text.split('?').next().unwrap_or_default().to_ascii_lowercase().replace("%2e", ".");
    if path.split('/').any(|segment| segment == "." || segment == "..") {
        return Err("a path without `.` and `..`".to_owned());
    }
    Ok(())
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl schemars::JsonSchema for Template {
    fn schema_name() -> Cow<'static, str> {
        "PathTemplate".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "Path and query below `url`, with `{ids}` or `{id}` where keys go.",
            "type": "string",
            "pattern": "^/",
            "examples": ["/erp/invoices?projectIds={ids}", "/crm/deals/{id}"]
        })
    }
}

/// Placeholders in a body; each must be a whole value.
pub(in crate::systems) fn placeholders(body: &Value) -> Result<Vec<Placeholder>, String> {
    let mut found = Vec::new();
    collect(body, &mut found)?;
    Ok(found)
}

fn collect(value: &Value, found: &mut Vec<Placeholder>) -> Result<(), String> {
    let holds = |text: &str| text.contains("{id}") || text.contains("{ids}");
    match value {
        Value::String(text) => match Placeholder::of(text) {
            Some(placeholder) => found.push(placeholder),
            None if holds(text) => {
                return Err("in a body a placeholder is a whole value: `ids = \"{ids}\"`".to_owned());
            }
            None => {}
        },
        Value::Array(values) => values.iter().try_for_each(|value| collect(value, found))?,
        Value::Object(fields) => {
            for (name, value) in fields {
                if holds(name) {
                    return Err("a placeholder cannot be a name: write it as a value, `ids = \"{ids}\"`".to_owned());
                }
                collect(value, found)?;
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
    Ok(())
}

/// A parameter of a page or a filter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::systems) enum Param {
    /// A text.
    Text(String),
    /// A number.
    Number(u64),
}

impl Param {
    pub(in crate::systems) fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => Cow::Borrowed(text),
            Self::Number(number) => Cow::Owned(number.to_string()),
        }
    }
}

/// A body with its keys in place and parameters added to its outermost object.
pub(in crate::systems) struct Body<'b> {
    pub(in crate::systems) template: &'b Value,
    pub(in crate::systems) keys: &'b [&'b str],
    pub(in crate::systems) numbers: bool,
    pub(in crate::systems) params: &'b [(&'b str, Param)],
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let inner = |value| Body { template: value, params: &[], ..*self };
        match self.template {
            Value::String(text) => match Placeholder::of(text) {
                Some(Placeholder::Many) => {
                    let mut seq = serializer.serialize_seq(Some(self.keys.len()))?;
                    for key in self.keys {
                        seq.serialize_element(&Key { key, number: self.numbers })?;
                    }
                    seq.end()
                }
                Some(Placeholder::One) => {
                    Key { key: self.keys.first().copied().unwrap_or_default(), number: self.numbers }
                        .serialize(serializer)
                }
                None => serializer.serialize_str(text),
            },
            Value::Array(values) => serializer.collect_seq(values.iter().map(inner)),
            Value::Object(fields) => {
                let mut map = serializer.serialize_map(None)?;
                for (name, value) in fields {
                    if !self.params.iter().any(|(param, _)| param == name) {
                        map.serialize_entry(name, &inner(value))?;
                    }
                }
                for (name, param) in self.params {
                    match param {
                        Param::Text(text) => map.serialize_entry(name, text)?,
                        Param::Number(number) => map.serialize_entry(name, number)?,
                    }
                }
                map.end()
            }
            other => other.serialize(serializer),
        }
    }
}

struct Key<'k> {
    key: &'k str,
    number: bool,
}

impl Serialize for Key<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.key.parse::<u64>() {
            Ok(number) if self.number => serializer.serialize_u64(number),
            _ => serializer.serialize_str(self.key),
        }
    }
}
