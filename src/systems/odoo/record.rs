//! Records whose fields the configuration names, and groups, whose fields a question names.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::wire::{Id, Link, Number, Row};
use crate::systems::http::unique;

/// A record or a group: its fields by name, as they were sent. A field that was not asked for is like one with nothing
/// in it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Record(#[serde(deserialize_with = "unique")] HashMap<String, Box<RawValue>>);

impl Record {
    fn read<T: DeserializeOwned>(&self, field: &str) -> Option<T> {
        serde_json::from_str(self.0.get(field)?.get()).ok()
    }

    /// A text that is not empty.
    pub(super) fn text(&self, field: &str) -> Option<String> {
        let text: String = self.read(field)?;
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    }

    pub(super) fn link(&self, field: &str) -> Option<Link> {
        self.read(field)
    }

    /// The numbers of several records.
    pub(super) fn links(&self, field: &str) -> Vec<u64> {
        self.read::<Vec<Id>>(field).unwrap_or_default().into_iter().map(|id| id.0).collect()
    }

    pub(super) fn flag(&self, field: &str) -> bool {
        self.read(field).unwrap_or_default()
    }

    pub(super) fn number(&self, field: &str) -> Option<Number> {
        self.0.get(field).map(|raw| Number::new(raw.clone()))
    }

    /// A number that was stated: Odoo keeps 0 where nobody stated one.
    pub(super) fn stated(&self, field: &str) -> Option<Decimal> {
        let number = self.number(field)?.decimal().ok()?;
        (!number.is_zero()).then(|| tidy(number))
    }

    /// A moment. Odoo writes it in UTC, and does not say so.
    pub(super) fn moment(&self, field: &str) -> Option<Timestamp> {
        let moment: DateTime = self.text(field)?.parse().ok()?;
        moment.to_zoned_datetime(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    }

    /// A sum: `read_group` calls that of `amount` by the field's name, `formatted_read_group` by `amount:sum`.
    pub(super) fn sum(&self, field: &str) -> Option<Number> {
        self.number(&format!("{field}:sum")).or_else(|| self.number(field))
    }

    /// How many records are in a group.
    pub(super) fn count(&self) -> Option<usize> {
        usize::try_from(self.read::<Id>("__count")?.0).ok()
    }
}

impl Row for Record {
    /// 0, which no record has, if there is none.
    fn id(&self) -> u64 {
        self.read::<Id>("id").map_or(0, |id| id.0)
    }
}

/// Hours and the like: what is beyond a millionth is noise of binary floats.
pub(super) fn tidy(number: Decimal) -> Decimal {
    number.round_dp(6).normalize()
}
