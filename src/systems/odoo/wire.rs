//! What Odoo sends, as it sends it. `false` stands for nothing, except in fields that are yes or no; a link is
//! `[number, name]`. Amounts are binary floats on the other side (`-2178.7200000000003`): their text is kept, and rounded
//! to the digits of their currency when they are mapped.

use std::fmt;

use rust_decimal::Decimal;
use serde::de::{DeserializeOwned, Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::domain::{MoneyError, parse_decimal};

/// A number's text.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(super) struct Number(Box<RawValue>);

impl Number {
    pub(super) fn new(raw: Box<RawValue>) -> Self {
        Self(raw)
    }

    pub(super) fn decimal(&self) -> Result<Decimal, MoneyError> {
        parse_decimal(self.text()).or_else(|error| self.is_noise().then_some(Decimal::ZERO).ok_or(error))
    }

    /// Whether it is less than a millionth of a millionth: what is left of binary floats that should add up to nothing,
    /// like `5.551115123125783e-17`.
    fn is_noise(&self) -> bool {
        let Some((digits, exponent)) = self.text().split_once(['e', 'E']) else { return false };
        let is_number = parse_decimal(digits).is_ok_and(|number| number.abs() < Decimal::TEN);
        is_number && exponent.parse::<i32>().is_ok_and(|exponent| exponent < -12)
    }

    fn text(&self) -> &str {
        let text = self.0.get();
        text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
    }
}

/// The number of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Id(pub(super) u64);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(IdVisitor)
    }
}

struct IdVisitor;

impl Visitor<'_> for IdVisitor {
    type Value = Id;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the number of a record")
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Id, E> {
        Ok(Id(number))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Id, E> {
        text.parse().map(Id).map_err(|_| E::custom("invalid value: no number, expected the number of a record"))
    }
}

/// Who signed in: `false` if nobody did.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Uid(#[serde(deserialize_with = "maybe")] pub(super) Option<Id>);

/// A record that another one names.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Link(pub(super) Id, #[serde(deserialize_with = "maybe")] pub(super) Option<String>);

impl Link {
    pub(super) fn id(&self) -> u64 {
        self.0.0
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.1.as_deref()
    }
}

/// A value, or `false` where there is none.
fn maybe<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    match Option::<Box<RawValue>>::deserialize(deserializer)? {
        Some(raw) if raw.get() != "false" => serde_json::from_str(raw.get()).map(Some).map_err(D::Error::custom),
        _ => Ok(None),
    }
}

/// Shares of analytic accounts, in per cent: `{"12": 60.0, "12,34": 40.0}`. A key names an account of each plan.
#[derive(Debug, Clone, Default)]
pub(super) struct Shares(pub(super) Vec<(Vec<u64>, Number)>);

impl<'de> Deserialize<'de> for Shares {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(SharesVisitor)
    }
}

struct SharesVisitor;

impl<'de> Visitor<'de> for SharesVisitor {
    type Value = Shares;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("shares of analytic accounts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Shares, A::Error> {
        let mut shares = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            let accounts: Result<Vec<u64>, _> = key.split(',').map(|id| id.trim().parse()).collect();
            let accounts = accounts.map_err(|_| A::Error::custom("invalid value: no numbers, expected accounts"))?;
            shares.push((accounts, map.next_value()?));
        }
        Ok(Shares(shares))
    }
}

impl Shares {
    /// Accounts that have a share of a line, and nobody says how much.
    pub(super) fn unknown(accounts: impl IntoIterator<Item = u64>) -> Self {
        let nothing = Number(Box::<RawValue>::default());
        Self(accounts.into_iter().map(|account| (vec![account], nothing.clone())).collect())
    }
}

/// What every row has.
pub(super) trait Row {
    /// Its number.
    fn id(&self) -> u64;
}

macro_rules! rows {
    ($($name:ident)+) => {$(
        impl Row for $name {
            fn id(&self) -> u64 {
                self.id.0
            }
        }
    )+};
}

rows! { Tagged Move Line Partial OrderLine Order Company AnalyticLine TagShare }

/// A record of any model, with the texts among the fields that were asked for: the configuration names those that hold
/// shared IDs.
#[derive(Debug, Deserialize)]
pub(super) struct Tagged {
    pub(super) id: Id,
    #[serde(flatten)]
    pub(super) texts: Texts,
}

/// Fields whose names the configuration knows.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts(Vec<(String, String)>);

impl Texts {
    pub(super) fn get(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == field).map(|(_, text)| text.as_str())
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TextsVisitor)
    }
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("fields")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
        let mut texts = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            if let serde_json::Value::String(text) = map.next_value()? {
                texts.push((name, text));
            }
        }
        Ok(Texts(texts))
    }
}

/// `account.move`: an invoice, bill, credit note, receipt.
#[expect(clippy::struct_field_names, reason = "the fields are called what the vendor calls them")]
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Move {
    pub(super) id: Id,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) name: Option<String>,
    pub(super) move_type: String,
    pub(super) state: String,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) payment_state: Option<String>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) invoice_date: Option<String>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) invoice_date_due: Option<String>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) date: Option<String>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) partner_id: Option<Link>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) currency_id: Option<Link>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) company_currency_id: Option<Link>,
    pub(super) amount_untaxed: Option<Number>,
    pub(super) amount_total: Option<Number>,
    pub(super) amount_residual: Option<Number>,
    pub(super) amount_untaxed_signed: Option<Number>,
    pub(super) amount_total_signed: Option<Number>,
    pub(super) amount_residual_signed: Option<Number>,
}

/// `account.move.line`: a journal item.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Line {
    pub(super) id: Id,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) move_id: Option<Link>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) move_name: Option<String>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) date: Option<String>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) name: Option<String>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) partner_id: Option<Link>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) account_id: Option<Link>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) purchase_line_id: Option<Link>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) currency_id: Option<Link>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) company_currency_id: Option<Link>,
    pub(super) quantity: Option<Number>,
    pub(super) amount_currency: Option<Number>,
    pub(super) balance: Option<Number>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) analytic_distribution: Option<Shares>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) analytic_account_id: Option<Link>,
    /// Until 15.
    #[serde(default)]
    pub(super) analytic_tag_ids: Vec<Id>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) product_uom_id: Option<Link>,
}

/// `account.partial.reconcile`: a debit and a credit that settle each other.
#[derive(Debug, Deserialize)]
pub(super) struct Partial {
    pub(super) id: Id,
    pub(super) debit_move_id: Link,
    pub(super) credit_move_id: Link,
    pub(super) amount: Option<Number>,
    pub(super) debit_amount_currency: Option<Number>,
    pub(super) credit_amount_currency: Option<Number>,
}

/// `purchase.order.line`.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct OrderLine {
    pub(super) id: Id,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) order_id: Option<Link>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) partner_id: Option<Link>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) company_id: Option<Link>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) currency_id: Option<Link>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) date_order: Option<String>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) name: Option<String>,
    pub(super) product_qty: Option<Number>,
    pub(super) qty_invoiced: Option<Number>,
    pub(super) price_subtotal: Option<Number>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) analytic_distribution: Option<Shares>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) account_analytic_id: Option<Link>,
    /// Until 15.
    #[serde(default)]
    pub(super) analytic_tag_ids: Vec<Id>,
    /// The unit of its quantities; `product_uom` until 18.
    #[serde(alias = "product_uom", default, deserialize_with = "maybe")]
    pub(super) product_uom_id: Option<Link>,
}

/// `purchase.order`.
#[derive(Debug, Deserialize)]
pub(super) struct Order {
    pub(super) id: Id,
    pub(super) currency_rate: Option<Number>,
}

/// `res.company`.
#[derive(Debug, Deserialize)]
pub(super) struct Company {
    pub(super) id: Id,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) currency_id: Option<Link>,
}

/// `account.analytic.line`: hours, and what was booked on an account without a journal entry.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct AnalyticLine {
    pub(super) id: Id,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) account_id: Option<Link>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) date: Option<String>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) name: Option<String>,
    #[serde(rename = "ref", default, deserialize_with = "maybe")]
    pub(super) reference: Option<String>,
    pub(super) amount: Option<Number>,
    /// Hours, where it is time.
    pub(super) unit_amount: Option<Number>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) currency_id: Option<Link>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) partner_id: Option<Link>,
}

/// `account.analytic.distribution`, until 15: an account that a tag shares lines out to.
#[derive(Debug, Deserialize)]
pub(super) struct TagShare {
    pub(super) id: Id,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) account_id: Option<Link>,
    #[serde(default, deserialize_with = "maybe")]
    pub(super) tag_id: Option<Link>,
}
