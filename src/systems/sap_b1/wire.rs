//! What the Service Layer sends, as it sends it. Field names are those of its metadata, mixed suffixes included.
//!
//! Numbers come as JSON numbers or, through some gateways, as JSON strings; their text is kept.

#![expect(clippy::struct_field_names, reason = "the names are the Service Layer's")]

use std::fmt;
use std::hash::Hash;

use rust_decimal::Decimal;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::domain::{MoneyError, parse_decimal};

/// A number's text.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(super) struct Number(Box<RawValue>);

impl Number {
    pub(super) fn decimal(&self) -> Result<Decimal, MoneyError> {
        parse_decimal(self.text())
    }

    fn text(&self) -> &str {
        let text = self.0.get();
        text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text)
    }
}

/// A key: a whole number, which must be there.
fn key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let number = Number::deserialize(deserializer)?;
    number.text().trim().parse().map_err(|_| D::Error::custom("invalid value: not a key, expected a whole number"))
}

fn optional_key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let number = Option::<Number>::deserialize(deserializer)?;
    Ok(number.and_then(|number| number.text().trim().parse().ok()))
}

/// A page of rows.
#[derive(Debug, Deserialize)]
pub(super) struct Page<T> {
    pub(super) value: Vec<T>,
    #[serde(rename = "@odata.nextLink", alias = "odata.nextLink")]
    pub(super) next_link: Option<String>,
}

/// The answer to `Login`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Login {
    pub(super) session_id: Option<String>,
}

/// The body of a refusal. The message is an object in one dialect and a text in the other; nobody reads it.
#[derive(Debug, Deserialize)]
pub(super) struct Refusal {
    error: RefusalCode,
}

#[derive(Debug, Deserialize)]
struct RefusalCode {
    code: Number,
}

impl Refusal {
    /// The code of a refusal, if the body is one.
    pub(super) fn code(body: &[u8]) -> Option<i64> {
        let refusal: Self = serde_json::from_slice(body).ok()?;
        refusal.error.code.text().parse().ok()
    }
}

/// `CompanyService_GetAdminInfo`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct AdminInfo {
    pub(super) local_currency: Option<String>,
}

/// A financial project (table OPRJ).
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Project {
    pub(super) code: String,
}

/// A document: invoice, credit note, order.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Document {
    #[serde(deserialize_with = "key")]
    pub(super) doc_entry: u32,
    #[serde(default, deserialize_with = "optional_key")]
    pub(super) doc_num: Option<u32>,
    pub(super) doc_date: Option<String>,
    pub(super) doc_due_date: Option<String>,
    pub(super) card_code: Option<String>,
    pub(super) card_name: Option<String>,
    pub(super) doc_currency: Option<String>,
    pub(super) doc_total: Option<Number>,
    pub(super) doc_total_fc: Option<Number>,
    pub(super) vat_sum: Option<Number>,
    pub(super) vat_sum_fc: Option<Number>,
    pub(super) paid_to_date: Option<Number>,
    #[serde(rename = "PaidToDateFC")]
    pub(super) paid_to_date_fc: Option<Number>,
    pub(super) discount_percent: Option<Number>,
    pub(super) document_status: Option<String>,
    pub(super) cancelled: Option<String>,
    pub(super) cancel_status: Option<String>,
    pub(super) project: Option<String>,
    #[serde(default)]
    pub(super) document_lines: Vec<DocumentLine>,
}

/// A line of a document.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct DocumentLine {
    #[serde(deserialize_with = "key")]
    pub(super) line_num: u32,
    pub(super) item_description: Option<String>,
    pub(super) quantity: Option<Number>,
    pub(super) line_total: Option<Number>,
    #[serde(rename = "RowTotalFC")]
    pub(super) row_total_fc: Option<Number>,
    pub(super) open_amount: Option<Number>,
    #[serde(rename = "OpenAmountFC")]
    pub(super) open_amount_fc: Option<Number>,
    pub(super) line_status: Option<String>,
    pub(super) project_code: Option<String>,
}

/// A row of a join: `{"Invoices": {...}, "Invoices/DocumentLines": {...}}`.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) head: Document,
    pub(super) line: DocumentLine,
}

impl<'de> Deserialize<'de> for Joined {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(JoinedVisitor)
    }
}

struct JoinedVisitor;

impl<'de> Visitor<'de> for JoinedVisitor {
    type Value = Joined;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a document beside one of its lines")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Joined, A::Error> {
        let (mut head, mut line) = (None, None);
        while let Some(name) = map.next_key::<String>()? {
            if name.contains('/') {
                line = Some(map.next_value()?);
            } else {
                head = Some(map.next_value()?);
            }
        }
        let head = head.ok_or_else(|| A::Error::missing_field("head"))?;
        let line = line.ok_or_else(|| A::Error::missing_field("line"))?;
        Ok(Joined { head, line })
    }
}

/// An incoming payment.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Payment {
    #[serde(deserialize_with = "key")]
    pub(super) doc_entry: u32,
    pub(super) doc_date: Option<String>,
    pub(super) cancelled: Option<String>,
    #[serde(default)]
    pub(super) payment_invoices: Vec<Applied>,
}

/// What a payment pays.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Applied {
    #[serde(default, deserialize_with = "optional_key")]
    pub(super) doc_entry: Option<u32>,
    pub(super) invoice_type: Option<String>,
    pub(super) sum_applied: Option<Number>,
    #[serde(rename = "AppliedFC")]
    pub(super) applied_fc: Option<Number>,
}

/// A row of the stored query for the journal: columns are named as in the tables OJDT and JDT1.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct JournalRow {
    #[serde(deserialize_with = "key")]
    pub(super) trans_id: u32,
    #[serde(rename = "Line_ID", deserialize_with = "key")]
    pub(super) line_id: u32,
    pub(super) ref_date: Option<String>,
    pub(super) memo: Option<String>,
    pub(super) line_memo: Option<String>,
    pub(super) account: Option<String>,
    pub(super) debit: Option<Number>,
    pub(super) credit: Option<Number>,
    #[serde(rename = "FCDebit")]
    pub(super) fc_debit: Option<Number>,
    #[serde(rename = "FCCredit")]
    pub(super) fc_credit: Option<Number>,
    #[serde(rename = "FCCurrency")]
    pub(super) fc_currency: Option<String>,
    pub(super) project: Option<String>,
}

/// What tells a row from all others of its list.
pub(super) trait Row {
    type Key: Eq + Hash;

    fn key(&self) -> Self::Key;
}

impl Row for Project {
    type Key = String;

    fn key(&self) -> String {
        self.code.clone()
    }
}

impl Row for Document {
    type Key = u32;

    fn key(&self) -> u32 {
        self.doc_entry
    }
}

impl Row for Joined {
    type Key = (u32, u32);

    fn key(&self) -> (u32, u32) {
        (self.head.doc_entry, self.line.line_num)
    }
}

impl Row for Payment {
    type Key = u32;

    fn key(&self) -> u32 {
        self.doc_entry
    }
}

impl Row for JournalRow {
    type Key = (u32, u32);

    fn key(&self) -> (u32, u32) {
        (self.trans_id, self.line_id)
    }
}
