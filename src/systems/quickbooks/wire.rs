//! What QuickBooks Online sends, as it sends it: the names are those of Intuit's schema (`Finance.xsd`).
//!
//! Numbers come as JSON numbers or, through some gateways, as JSON strings; their text is kept.

use std::fmt;

use rust_decimal::Decimal;
use serde::de::{MapAccess, Visitor};
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

    /// A whole number: of rows, of seconds.
    pub(super) fn whole(&self) -> Option<u32> {
        self.text().trim().parse().ok()
    }
}

/// The answer to a query.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Answer<T> {
    pub(super) query_response: QueryResponse<T>,
}

/// The rows of an answer, under the name of their entity; without rows there is no such name.
#[derive(Debug)]
pub(super) struct QueryResponse<T> {
    pub(super) entity: Option<String>,
    pub(super) rows: Vec<T>,
    /// How many rows QuickBooks says there are on this page.
    pub(super) count: Option<u32>,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for QueryResponse<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct RowsVisitor<T>(std::marker::PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for RowsVisitor<T> {
            type Value = QueryResponse<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the rows of an entity")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<QueryResponse<T>, A::Error> {
                let mut rows = QueryResponse { entity: None, rows: Vec::new(), count: None };
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        "maxResults" => rows.count = map.next_value::<Number>()?.whole(),
                        "startPosition" | "totalCount" => {
                            map.next_value::<Number>()?;
                        }
                        _ => {
                            rows.rows = map.next_value()?;
                            rows.entity = Some(name);
                        }
                    }
                }
                Ok(rows)
            }
        }

        deserializer.deserialize_map(RowsVisitor(std::marker::PhantomData))
    }
}

/// A reference to another record.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Ref {
    pub(super) value: Option<String>,
    pub(super) name: Option<String>,
}

/// `Preferences`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Preferences {
    #[serde(default)]
    pub(super) id: String,
    pub(super) currency_prefs: Option<CurrencyPrefs>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CurrencyPrefs {
    pub(super) multi_currency_enabled: Option<bool>,
    pub(super) home_currency: Option<Ref>,
}

/// A customer; projects and sub-customers are customers too.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Customer {
    pub(super) id: String,
    pub(super) display_name: Option<String>,
    pub(super) parent_ref: Option<Ref>,
}

/// An account of the chart.
#[expect(clippy::struct_field_names, reason = "the fields are called what the vendor calls them")]
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Account {
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) acct_num: Option<String>,
    /// `Asset`, `Equity`, `Expense`, `Liability`, `Revenue`.
    pub(super) classification: Option<String>,
    pub(super) account_sub_type: Option<String>,
}

/// An item: what is bought and sold by lines that name no account.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Item {
    pub(super) id: String,
    /// `Service`, `NonInventory`, `Inventory`, ...
    #[serde(rename = "Type")]
    pub(super) kind: Option<String>,
    /// What purchases of it are posted on, unless it goes to stock.
    pub(super) expense_account_ref: Option<Ref>,
}

/// Any transaction but payments and time: each entity has some of the fields.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Document {
    pub(super) id: String,
    pub(super) doc_number: Option<String>,
    pub(super) txn_date: Option<String>,
    pub(super) due_date: Option<String>,
    pub(super) private_note: Option<String>,
    pub(super) currency_ref: Option<Ref>,
    pub(super) exchange_rate: Option<Number>,
    pub(super) total_amt: Option<Number>,
    pub(super) home_total_amt: Option<Number>,
    pub(super) balance: Option<Number>,
    pub(super) home_balance: Option<Number>,
    pub(super) remaining_credit: Option<Number>,
    pub(super) txn_tax_detail: Option<TaxDetail>,
    pub(super) customer_ref: Option<Ref>,
    pub(super) project_ref: Option<Ref>,
    pub(super) vendor_ref: Option<Ref>,
    /// Who was paid by a `Purchase`.
    pub(super) entity_ref: Option<Ref>,
    /// Whether a `Purchase` takes back.
    pub(super) credit: Option<bool>,
    pub(super) txn_approval_info: Option<ApprovalInfo>,
    #[serde(rename = "POStatus")]
    pub(super) po_status: Option<String>,
    #[serde(default)]
    pub(super) linked_txn: Vec<LinkedTxn>,
    #[serde(default)]
    pub(super) custom_field: Vec<CustomField>,
    #[serde(default)]
    pub(super) line: Vec<Line>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TaxDetail {
    pub(super) total_tax: Option<Number>,
}

/// How far a transaction is, where the company has such that somebody has to approve.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ApprovalInfo {
    /// `APPROVED`, `REJECTED`, `REQUIRES_APPROVAL`, `PENDING_APPROVAL`, `IN_PROGRESS`.
    pub(super) approval_status: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct LinkedTxn {
    pub(super) txn_id: Option<String>,
    pub(super) txn_type: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CustomField {
    pub(super) name: Option<String>,
    pub(super) string_value: Option<String>,
}

/// A line of a document, with the detail that its `DetailType` names.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Line {
    pub(super) id: Option<String>,
    pub(super) description: Option<String>,
    pub(super) amount: Option<Number>,
    pub(super) received: Option<Number>,
    pub(super) detail_type: Option<String>,
    #[serde(default)]
    pub(super) linked_txn: Vec<LinkedTxn>,
    pub(super) project_ref: Option<Ref>,
    #[serde(alias = "ItemBasedExpenseLineDetail", alias = "SalesItemLineDetail")]
    pub(super) account_based_expense_line_detail: Option<Detail>,
    pub(super) journal_entry_line_detail: Option<JournalDetail>,
    pub(super) group_line_detail: Option<Group>,
}

/// What the line is for, and of what.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Detail {
    pub(super) account_ref: Option<Ref>,
    pub(super) item_ref: Option<Ref>,
    /// The account of this line, where it is not its item's.
    pub(super) item_account_ref: Option<Ref>,
    pub(super) customer_ref: Option<Ref>,
    pub(super) qty: Option<Number>,
    pub(super) unit_price: Option<Number>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct JournalDetail {
    pub(super) posting_type: Option<String>,
    pub(super) account_ref: Option<Ref>,
    pub(super) entity: Option<JournalEntity>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct JournalEntity {
    #[serde(rename = "Type")]
    pub(super) kind: Option<String>,
    pub(super) entity_ref: Option<Ref>,
}

/// A bundle: its lines stand in it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Group {
    #[serde(default)]
    pub(super) line: Vec<Line>,
}

/// `Payment`: what a client paid, and on what.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Payment {
    pub(super) id: String,
    pub(super) txn_date: Option<String>,
    pub(super) currency_ref: Option<Ref>,
    pub(super) exchange_rate: Option<Number>,
    pub(super) total_amt: Option<Number>,
    /// What is left of it, on no invoice.
    pub(super) unapplied_amt: Option<Number>,
    #[serde(default)]
    pub(super) line: Vec<PaymentLine>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct PaymentLine {
    pub(super) amount: Option<Number>,
    #[serde(default)]
    pub(super) linked_txn: Vec<LinkedTxn>,
}

/// `TimeActivity`: hours of a person on a project.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TimeActivity {
    pub(super) id: String,
    pub(super) txn_date: Option<String>,
    /// `Employee`, `Vendor` or `Other`.
    pub(super) name_of: Option<String>,
    pub(super) customer_ref: Option<Ref>,
    pub(super) project_ref: Option<Ref>,
    pub(super) employee_ref: Option<Ref>,
    pub(super) vendor_ref: Option<Ref>,
    pub(super) hours: Option<Number>,
    pub(super) minutes: Option<Number>,
    pub(super) seconds: Option<Number>,
    /// Instead of hours: from when to when, with or without an offset, and the breaks between.
    pub(super) start_time: Option<String>,
    pub(super) end_time: Option<String>,
    pub(super) break_hours: Option<Number>,
    pub(super) break_minutes: Option<Number>,
    pub(super) break_seconds: Option<Number>,
    pub(super) cost_rate: Option<Number>,
    pub(super) description: Option<String>,
}

/// What tells a record from all others of its entity.
pub(super) trait Row {
    fn id(&self) -> &str;
}

macro_rules! rows {
    ($($type:ident),+) => {$(
        impl Row for $type {
            fn id(&self) -> &str {
                &self.id
            }
        }
    )+};
}

rows!(Preferences, Customer, Account, Item, Document, Payment, TimeActivity);

/// The answer of the token endpoint.
#[derive(Deserialize)]
pub(super) struct Granted {
    pub(super) access_token: String,
    /// Seconds.
    pub(super) expires_in: Number,
    pub(super) refresh_token: String,
    /// Seconds.
    pub(super) x_refresh_token_expires_in: Option<Number>,
}
