//! Values: how a field of a row becomes a text, a number, an amount or one of our words.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};

use super::json::Raw;
use super::path::{Field, FromPath, Path};
use super::row::Row;
use super::words::{Ours, Words};
use crate::domain::{FlawKind, parse_decimal};

/// A text.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Text {
    /// Where it stands in the row. A number or a boolean is taken as it is written.
    pub path: Option<Path>,
    /// The same text for every row, in place of `path`.
    #[serde(rename = "const")]
    pub constant: Option<String>,
    /// Several places whose texts are joined, in place of `path`: `["firstName", "lastName"]`.
    pub join: Vec<Path>,
    /// What stands between joined texts; a space by default.
    pub with: Option<String>,
    /// The owner's words and what to call them; others stay as they are.
    pub map: BTreeMap<String, String>,
    /// The text where the row has none.
    pub default: Option<String>,
}

impl FromPath for Text {
    fn from_path(path: Path) -> Self {
        Self { path: Some(path), ..Self::default() }
    }

    fn check(&self) -> Result<(), String> {
        let given = [self.path.is_some(), self.constant.is_some(), !self.join.is_empty()];
        if given.iter().filter(|given| **given).count() != 1 {
            return Err("write exactly one of `path`, `const` and `join`".to_owned());
        }
        if self.with.is_some() && self.join.is_empty() {
            return Err("`with` stands between joined texts: write `join` too, or take it away".to_owned());
        }
        Ok(())
    }
}

impl Text {
    /// The text; none where the row has none, or an empty one.
    pub(in crate::systems) fn read<'t>(&'t self, row: &Row<'t>) -> Option<Cow<'t, str>> {
        let found = if let Some(path) = &self.path {
            row.get(path).and_then(Raw::scalar)
        } else if let Some(constant) = &self.constant {
            Some(Cow::Borrowed(constant.as_str()))
        } else {
            let parts: Vec<Cow<'t, str>> =
                self.join.iter().filter_map(|path| row.get(path).and_then(Raw::scalar)).collect();
            (!parts.is_empty()).then(|| Cow::Owned(parts.join(self.with.as_deref().unwrap_or(" "))))
        };
        let found = match found {
            Some(raw) if !self.map.is_empty() => {
                self.map.get(&*raw).map(|word| Cow::Borrowed(word.as_str())).or(Some(raw))
            }
            other => other,
        };
        found.or(self.default.as_deref().map(Cow::Borrowed))
    }
}

/// A test on a row: whether a place holds one of some values.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// Where to look.
    pub path: Path,
    /// What must stand there, as text.
    pub values: Vec<String>,
}

impl FromPath for Condition {
    fn from_path(path: Path) -> Self {
        let values = ["true", "True", "TRUE", "1", "Y", "y", "yes", "Yes", "YES"].map(str::to_owned).to_vec();
        Self { path, values }
    }

    fn check(&self) -> Result<(), String> {
        if self.values.is_empty() {
            return Err("`values` is empty, so the test can never be true: list what must stand there".to_owned());
        }
        Ok(())
    }
}

impl Condition {
    pub(in crate::systems) fn holds(&self, row: &Row<'_>) -> bool {
        row.get(&self.path).and_then(Raw::scalar).is_some_and(|text| self.values.iter().any(|value| **value == *text))
    }
}

/// How numbers in texts are written.
#[derive(Debug, Clone, Copy, Default)]
struct Spelling {
    decimal: Option<char>,
    group: Option<char>,
}

/// A number that is no amount of money: hours, a quantity, a percentage.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Number {
    /// Where it stands in the row: a JSON number, or a text that holds one.
    pub path: Path,
    /// What it is divided by, e.g. 60 for hours that are sent as minutes.
    pub divide: Option<u32>,
    /// The decimal sign of numbers sent as text, if it is no point, e.g. `","`.
    pub decimal: Option<char>,
    /// The sign between groups of three digits in numbers sent as text, e.g. `"."`.
    pub group: Option<char>,
}

impl FromPath for Number {
    fn from_path(path: Path) -> Self {
        Self { path, ..Self::default() }
    }

    fn check(&self) -> Result<(), String> {
        if self.path.is_empty() {
            return Err("needs a `path`".to_owned());
        }
        if self.divide == Some(0) {
            return Err("`divide` cannot be 0".to_owned());
        }
        check_spelling(self.decimal, self.group)
    }
}

impl Number {
    pub(in crate::systems) fn read(&self, row: &Row<'_>) -> Result<Option<Decimal>, FlawKind> {
        let Some(raw) = row.get(&self.path) else { return Ok(None) };
        let spelling = Spelling { decimal: self.decimal, group: self.group };
        let Some(number) = decimal(raw, spelling)? else { return Ok(None) };
        match self.divide {
            None => Ok(Some(number)),
            Some(by) => number.checked_div(Decimal::from(by)).map(Some).ok_or(FlawKind::BadNumber),
        }
    }
}

/// An amount of money.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Amount {
    /// Where it stands in the row: a JSON number, or a text that holds one. It is read to the last digit.
    pub path: Path,
    /// The amount where the row has none, as text; without it, none is none, not zero.
    pub default: Option<String>,
    /// Whether the owner writes it with the other sign: always (`true`), or where a test holds.
    pub negate: Option<Negate>,
    /// What it is divided by, e.g. 100 for cents: 10, 100, 1000, ...
    pub divide: Option<u32>,
    /// The decimal sign of amounts sent as text, if it is no point, e.g. `","`.
    pub decimal: Option<char>,
    /// The sign between groups of three digits in amounts sent as text, e.g. `"."`.
    pub group: Option<char>,
    /// Its currency; by default the one of the entity.
    pub currency: Option<Field<Text>>,
}

/// When an amount's sign is turned.
#[derive(Debug, Clone, schemars::JsonSchema)]
#[schemars(untagged)]
pub enum Negate {
    /// Always, or never.
    Always(bool),
    /// Where a test on the row holds.
    When(Condition),
}

impl<'de> Deserialize<'de> for Negate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NegateVisitor;

        impl<'de> serde::de::Visitor<'de> for NegateVisitor {
            type Value = Negate;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("true, or a test such as { path = \"type\", values = [\"credit\"] }")
            }

            fn visit_bool<E>(self, always: bool) -> Result<Negate, E> {
                Ok(Negate::Always(always))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Negate, A::Error> {
                let condition = Condition::deserialize(serde::de::value::MapAccessDeserializer::new(map))?;
                condition.check().map_err(serde::de::Error::custom)?;
                Ok(Negate::When(condition))
            }
        }

        deserializer.deserialize_any(NegateVisitor)
    }
}

impl FromPath for Amount {
    fn from_path(path: Path) -> Self {
        Self { path, ..Self::default() }
    }

    fn check(&self) -> Result<(), String> {
        if self.path.is_empty() {
            return Err("needs a `path`".to_owned());
        }
        if self.divide.is_some_and(|by| by == 0 || 10_u32.pow(by.ilog10()) != by) {
            return Err("`divide` of an amount must be 10, 100, 1000, ...: anything else would be rounded".to_owned());
        }
        if self.default.as_deref().is_some_and(|text| parse_decimal(text).is_err()) {
            return Err("`default` is no decimal number: write e.g. \"0\"".to_owned());
        }
        check_spelling(self.decimal, self.group)
    }
}

impl Amount {
    /// The amount, exact; none where the row has none.
    pub(in crate::systems) fn read(&self, row: &Row<'_>) -> Result<Option<Decimal>, FlawKind> {
        let spelling = Spelling { decimal: self.decimal, group: self.group };
        let read = match row.get(&self.path) {
            Some(raw) => decimal(raw, spelling)?,
            None => None,
        };
        let Some(mut amount) = read else {
            return Ok(self.default.as_deref().and_then(|text| parse_decimal(text).ok()));
        };
        if let Some(by) = self.divide {
            let places = amount.scale() + by.ilog10();
            amount.set_scale(places).map_err(|_| FlawKind::BadNumber)?;
        }
        let turned = match &self.negate {
            None => false,
            Some(Negate::Always(always)) => *always,
            Some(Negate::When(condition)) => condition.holds(row),
        };
        Ok(Some(if turned { -amount } else { amount }))
    }
}

fn check_spelling(decimal: Option<char>, group: Option<char>) -> Result<(), String> {
    let digit = |sign: Option<char>| sign.is_some_and(|sign| sign.is_ascii_digit() || sign == '-' || sign == '+');
    if digit(decimal) || digit(group) || (group.is_some() && group == Some(decimal.unwrap_or('.'))) {
        return Err(
            "`decimal` and `group` must be two different signs that are no digits, e.g. \",\" and \".\"".to_owned()
        );
    }
    Ok(())
}

/// A number, exactly as it is written. A text is read by its declared spelling, a JSON number by JSON's.
fn decimal(raw: Raw<'_>, spelling: Spelling) -> Result<Option<Decimal>, FlawKind> {
    if raw.is_number() {
        return parse_decimal(raw.text()).map(Some).map_err(|_| FlawKind::BadNumber);
    }
    let Some(text) = raw.scalar() else {
        // An empty text states nothing; an object or a list states something else.
        return if raw.is_string() { Ok(None) } else { Err(FlawKind::BadNumber) };
    };
    if raw.is_string() && (spelling.decimal.is_some() || spelling.group.is_some()) {
        return respell(&text, spelling)
            .and_then(|text| parse_decimal(&text).ok())
            .map(Some)
            .ok_or(FlawKind::BadNumber);
    }
    parse_decimal(&text).map(Some).map_err(|_| FlawKind::BadNumber)
}

/// `-1.234,56` as `-1234.56`. Groups must be groups of three, so that `1.5` under a group sign of `.` is no number
/// instead of fifteen.
fn respell(text: &str, Spelling { decimal, group }: Spelling) -> Option<String> {
    let (whole, fraction) = match text.split_once(decimal.unwrap_or('.')) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mut plain = String::from(sign);
    match group {
        Some(group) if digits.contains(group) => {
            for (i, part) in digits.split(group).enumerate() {
                let right_length = if i == 0 { part.len() <= 3 } else { part.len() == 3 };
                if !right_length || !all_digits(part) {
                    return None;
                }
                plain.push_str(part);
            }
        }
        _ if all_digits(digits) => plain.push_str(digits),
        _ => return None,
    }
    if let Some(fraction) = fraction {
        if !all_digits(fraction) {
            return None;
        }
        plain.push('.');
        plain.push_str(fraction);
    }
    Some(plain)
}

/// One of our words, by the owner's own.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields, bound(deserialize = "O: Deserialize<'de>"))]
#[schemars(rename = "{O}Word")]
pub struct Word<O> {
    /// Where the owner's word stands in the row.
    pub path: Option<Path>,
    /// The same word of ours for every row, in place of `path`.
    #[serde(rename = "const")]
    pub constant: Option<O>,
    /// The owner's words and ours: `{ sent = "OPEN", paid = "CLOSED" }`. Without it the owner must use ours, in any case.
    pub map: BTreeMap<String, O>,
    /// Our word where the row has none.
    pub default: Option<O>,
}

impl<O> Default for Word<O> {
    fn default() -> Self {
        Self { path: None, constant: None, map: BTreeMap::new(), default: None }
    }
}

impl<O> FromPath for Word<O> {
    fn from_path(path: Path) -> Self {
        Self { path: Some(path), ..Self::default() }
    }

    fn check(&self) -> Result<(), String> {
        if self.path.is_some() == self.constant.is_some() {
            return Err("write exactly one of `path` and `const`".to_owned());
        }
        Ok(())
    }
}

/// What a row says where one of our words is wanted.
#[derive(Debug)]
pub(in crate::systems) enum Said<'a, E> {
    /// One of our words.
    Ours(E),
    /// A word nobody has mapped.
    Unmapped(Cow<'a, str>),
    /// Nothing.
    Nothing,
}

impl<E: Words> Word<Ours<E>> {
    pub(in crate::systems) fn read<'t>(&'t self, row: &Row<'t>) -> Said<'t, E> {
        if let Some(Ours(word)) = &self.constant {
            return Said::Ours(word.clone());
        }
        let Some(raw) = self.path.as_ref().and_then(|path| row.get(path)).and_then(Raw::scalar) else {
            return self.default.as_ref().map_or(Said::Nothing, |Ours(word)| Said::Ours(word.clone()));
        };
        let word = if self.map.is_empty() {
            E::NAMES.iter().find(|name| name.eq_ignore_ascii_case(&raw)).and_then(|name| E::named(name))
        } else {
            self.map.get(&*raw).map(|Ours(word)| word.clone())
        };
        word.map_or(Said::Unmapped(raw), Said::Ours)
    }

    /// The owner's words for one of ours.
    pub(in crate::systems) fn raw_words<'t>(&'t self, ours: &'t E) -> impl Iterator<Item = &'t str>
    where
        E: PartialEq,
    {
        self.map.iter().filter(move |(_, Ours(word))| word == ours).map(|(raw, _)| raw.as_str())
    }
}
