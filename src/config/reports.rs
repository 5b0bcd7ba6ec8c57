//! `[reports]`: how questions about many projects are answered.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, de};

use super::Seconds;
use crate::domain::{Currency, Rates, parse_currency, parse_decimal};

/// How questions about many projects are answered: `profitability`, the ready reports, and the feeds for BI tools.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Reports {
    /// The currency of a report whose question names none, e.g. "EUR". Without it a report has one row per currency, and
    /// nothing is converted.
    pub currency: Option<CurrencyCode>,
    /// How long a report may take.
    pub deadline: Seconds,
    /// Bounds of the bands of deal sizes, ascending: contract value in the currency of the row. With "50000" and "250000" the
    /// bands are below 50000, 50000 up to 250000, and 250000 and more.
    pub deal_size_bands: Vec<Amount>,
    /// Exchange rates for what its owner recorded in no currency in common, e.g. a contract value in dollars beside books in
    /// euros. What an owner recorded in both currencies is never converted by them.
    pub rates: Option<RateTable>,
    /// What counts as support after the close of a deal, and what it costs.
    pub support: Support,
}

/// Exchange rates of one day.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateTable {
    /// The currency that the rates are for one unit of, e.g. "EUR".
    pub base: CurrencyCode,
    /// The day whose rates these are. Every answer that uses them says it.
    #[serde(deserialize_with = "day")]
    #[schemars(with = "String", example = "2026-10-31")]
    pub date: Date,
    /// Who published them, in words. Every answer that uses them says it.
    pub source: String,
    /// Units of each currency for one of the base, e.g. { USD = "1.0832" }.
    pub per_base: BTreeMap<CurrencyCode, Amount>,
}

/// What counts as support after the close of a deal, and what it costs.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Support {
    /// What an hour of support costs the company, e.g. "65.00". Without it the cost of support is unknown.
    pub hour_cost: Option<Amount>,
    /// The currency of `hour_cost`.
    pub currency: Option<CurrencyCode>,
    /// Tickets opened up to so many days after the close of the deal count; without it all that were opened after it.
    pub days: Option<u32>,
    /// Whether hours of support are in the costs that the owner of costs gives out. If they are, the margin has them already
    /// and they are not subtracted again. Must be said where `hour_cost` is.
    pub in_costs: Option<bool>,
}

impl Default for Reports {
    fn default() -> Self {
        Self {
            currency: None,
            deadline: Seconds(Duration::from_mins(2)),
            deal_size_bands: [25_000, 100_000, 500_000].map(|bound| Amount(Decimal::from(bound))).into(),
            rates: None,
            support: Support::default(),
        }
    }
}

impl Reports {
    /// What is set to a value that cannot be, and why.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        if !self.deal_size_bands.is_sorted_by(|one, next| one.0 < next.0) {
            return Err(("deal_size_bands", "must ascend, e.g. [\"25000\", \"100000\"]".to_owned()));
        }
        if self.deadline.0.is_zero() {
            return Err(("deadline", "is 0: nothing could be answered in it, write e.g. \"2m\"".to_owned()));
        }
        if let Some(rates) = &self.rates {
            if let Some((currency, _)) = rates.per_base.iter().find(|(_, rate)| rate.0 <= Decimal::ZERO) {
                let code = currency.0.code();
                return Err(("rates.per_base", format!("the rate of {code} must be more than 0")));
            }
            if rates.per_base.contains_key(&rates.base) {
                let code = rates.base.0.code();
                return Err(("rates.per_base", format!("has a rate of {code}, which is the base: take it out")));
            }
        }
        let support = &self.support;
        match (support.hour_cost, support.currency, support.in_costs) {
            (None, None, None) | (Some(_), Some(_), Some(_)) => Ok(()),
            (None, _, _) => Err((
                "support",
                "says `currency` or `in_costs` and no `hour_cost`: they have no effect without it".to_owned(),
            )),
            (Some(_), None, _) => Err(("support.hour_cost", "needs `currency` beside it".to_owned())),
            (Some(_), _, None) => Err((
                "support.hour_cost",
                "needs `in_costs` beside it: whether these hours are among the costs already".to_owned(),
            )),
        }
    }

    /// The exchange rates, if there are any.
    pub fn exchange(&self) -> Option<Rates> {
        let table = self.rates.as_ref()?;
        let per_base = table.per_base.iter().map(|(currency, rate)| (currency.0, rate.0)).collect();
        Some(Rates { base: table.base.0, date: table.date, source: table.source.clone(), per_base })
    }
}

/// A day, as a text or as TOML writes dates.
pub(super) fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let text = match toml::Value::deserialize(deserializer)? {
        toml::Value::String(text) => text,
        toml::Value::Datetime(date) => date.to_string(),
        other => other.to_string(),
    };
    text.parse().map_err(|_| de::Error::custom(format!("`{text}` is not a day: write e.g. 2026-10-31")))
}

/// An ISO 4217 code in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurrencyCode(pub Currency);

impl PartialOrd for CurrencyCode {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for CurrencyCode {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.code().cmp(other.0.code())
    }
}

impl<'de> Deserialize<'de> for CurrencyCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let unknown = |_| de::Error::custom(format!("`{text}` is not an ISO 4217 currency code, e.g. \"EUR\""));
        parse_currency(&text).map(Self).map_err(unknown)
    }
}

impl schemars::JsonSchema for CurrencyCode {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "CurrencyCode".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^[A-Za-z]{3}$", "examples": ["EUR"] })
    }
}

/// An exact decimal, written as a text so that no float touches it: "1.0832".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Amount(pub Decimal);

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_decimal(&text).map(Self).map_err(|error| de::Error::custom(format!("`{text}` is {error}")))
    }
}

impl serde::Serialize for Amount {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl schemars::JsonSchema for Amount {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "string", "pattern": "^-?[0-9]+([.][0-9]+)?$", "examples": ["65.00"] })
    }
}
