//! The fields of a correction, read from the JSON text, so that no amount passes through a float.

use std::collections::BTreeMap;
use std::str::FromStr;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Refused, nonsense};

/// The fields not taken yet, by name.
pub(super) struct Fields(BTreeMap<String, Box<RawValue>>);

impl Fields {
    pub(super) fn read(body: &[u8]) -> Result<Self, Refused> {
        match serde_json::from_slice(body) {
            Ok(fields) => Ok(Self(fields)),
            Err(error) => nonsense(format!("not a correction: {error}")),
        }
    }

    /// The first of these that is there.
    pub(super) fn target(&self, names: &[&'static str]) -> Result<&'static str, Refused> {
        match names.iter().find(|name| self.0.contains_key(**name)) {
            Some(name) => Ok(name),
            None => nonsense(format!("a correction names one of {}", names.join(", "))),
        }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Refuses what is left: nobody should believe a misspelled field was corrected.
    pub(super) fn end(&self, of: &str) -> Result<(), Refused> {
        match self.0.keys().next() {
            Some(name) => nonsense(format!("{of} has no {name:?} to correct")),
            None => Ok(()),
        }
    }

    fn take<T: for<'de> Deserialize<'de>>(&mut self, name: &str, what: &str) -> Result<Option<T>, Refused> {
        let Some(raw) = self.0.remove(name) else { return Ok(None) };
        match serde_json::from_str(raw.get()) {
            Ok(value) => Ok(Some(value)),
            Err(_) => nonsense(format!("{name:?} is {what}, not {raw}")),
        }
    }

    /// A text, or a number written as one.
    pub(super) fn word(&mut self, name: &str) -> Result<Option<String>, Refused> {
        let Some(raw) = self.0.get(name) else { return Ok(None) };
        if raw.get().bytes().all(|byte| byte.is_ascii_digit()) {
            return Ok(self.0.remove(name).map(|raw| raw.get().to_owned()));
        }
        self.take(name, "a text")
    }

    /// A whole number, or a text of its digits.
    pub(super) fn number(&mut self, name: &str) -> Result<Option<i64>, Refused> {
        let Some(raw) = self.0.get(name) else { return Ok(None) };
        if let Ok(number) = raw.get().trim_matches('"').parse() {
            self.0.remove(name);
            return Ok(Some(number));
        }
        self.take(name, "a number")
    }

    /// Sets a text that may be empty, if it is there; null empties it.
    pub(super) fn set_text(&mut self, name: &str, place: &mut Option<String>) -> Result<(), Refused> {
        if let Some(text) = self.take(name, "a text or null")? {
            *place = text;
        }
        Ok(())
    }

    /// Sets an amount that may be empty, if it is there; null empties it.
    pub(super) fn set_amount(&mut self, name: &str, place: &mut Option<Decimal>) -> Result<(), Refused> {
        if self.0.get(name).is_some_and(|raw| raw.get() == "null") {
            self.0.remove(name);
            *place = None;
        } else if let Some(amount) = self.amount(name)? {
            *place = Some(amount);
        }
        Ok(())
    }

    /// True, if it is there.
    pub(super) fn flag(&mut self, name: &str) -> Result<bool, Refused> {
        match self.take(name, "true")? {
            Some(false) => nonsense(format!("{name:?} is true or absent")),
            flag => Ok(flag.unwrap_or(false)),
        }
    }

    pub(super) fn date(&mut self, name: &str) -> Result<Option<Date>, Refused> {
        self.take(name, "a date like \"2026-01-31\"")
    }

    /// An amount from 0, with at most two decimals, as text or as number.
    pub(super) fn amount(&mut self, name: &str) -> Result<Option<Decimal>, Refused> {
        let Some(raw) = self.0.remove(name) else { return Ok(None) };
        let mut amount = match Decimal::from_str(raw.get().trim_matches('"')) {
            Ok(amount) if amount.is_sign_positive() && amount.normalize().scale() <= 2 && amount < LIMIT => amount,
            _ => return nonsense(format!("{name:?} is an amount like \"1234.50\", not {raw}")),
        };
        amount.rescale(2);
        Ok(Some(amount))
    }
}

/// Nobody's invoice is larger.
const LIMIT: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);
