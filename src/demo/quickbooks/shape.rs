//! The records as they are written: names and nesting are those of Intuit's schema. Amounts are written digit by digit.

use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// An amount, with all its digits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Amount(pub(super) Decimal);

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = RawValue::from_string(self.0.to_string()).map_err(serde::ser::Error::custom)?;
        text.serialize(serializer)
    }
}

/// A reference.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Ref {
    pub(super) value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
}

impl Ref {
    #[expect(clippy::needless_pass_by_value, reason = "callers hand over numbers and texts")]
    pub(super) fn new(value: impl ToString, name: impl Into<String>) -> Self {
        Self { value: value.to_string(), name: Some(name.into()) }
    }

    /// A reference to what has no ID but its name, e.g. a currency.
    pub(super) fn named(name: &str) -> Self {
        Self::new(name, name)
    }
}

/// What every record begins with.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Head {
    pub(super) id: String,
    pub(super) sync_token: &'static str,
    #[serde(rename = "domain")]
    pub(super) domain: &'static str,
    #[serde(rename = "sparse")]
    pub(super) sparse: bool,
    pub(super) meta_data: MetaData,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct MetaData {
    pub(super) create_time: String,
    pub(super) last_updated_time: String,
}

impl Head {
    #[expect(clippy::needless_pass_by_value, reason = "callers hand over numbers and texts")]
    pub(super) fn new(id: impl ToString, created: Date, updated: Date) -> Self {
        let moment = |day: Date| format!("{day}T09:00:00-08:00");
        Self {
            id: id.to_string(),
            sync_token: "0",
            domain: "QBO",
            sparse: false,
            meta_data: MetaData { create_time: moment(created), last_updated_time: moment(updated) },
        }
    }
}

/// A sale, a purchase or an order.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Document {
    #[serde(flatten)]
    pub(super) head: Head,
    pub(super) doc_number: String,
    pub(super) txn_date: Date,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) due_date: Option<Date>,
    pub(super) currency_ref: Ref,
    pub(super) exchange_rate: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) private_note: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) customer_ref: Option<Ref>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) vendor_ref: Option<Ref>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) custom_field: Vec<CustomField>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) linked_txn: Vec<LinkedTxn>,
    pub(super) line: Vec<Line>,
    pub(super) txn_tax_detail: TaxDetail,
    pub(super) global_tax_calculation: &'static str,
    #[serde(rename = "POStatus", skip_serializing_if = "Option::is_none")]
    pub(super) po_status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) txn_status: Option<&'static str>,
    pub(super) total_amt: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) home_total_amt: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) balance: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) home_balance: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) remaining_credit: Option<Amount>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TaxDetail {
    pub(super) total_tax: Amount,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CustomField {
    pub(super) definition_id: &'static str,
    pub(super) name: &'static str,
    #[serde(rename = "Type")]
    pub(super) kind: &'static str,
    pub(super) string_value: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct LinkedTxn {
    pub(super) txn_id: String,
    pub(super) txn_type: &'static str,
}

/// A line, with its one detail.
#[expect(clippy::struct_field_names, reason = "the fields are called what the vendor calls them")]
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) line_num: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) amount: Option<Amount>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) received: Option<Amount>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) linked_txn: Vec<LinkedTxn>,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub(super) detail_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sales_item_line_detail: Option<SalesDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) account_based_expense_line_detail: Option<ExpenseDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) journal_entry_line_detail: Option<JournalDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sub_total_line_detail: Option<Nothing>,
}

/// `{}`.
#[derive(Debug, Serialize)]
pub(super) struct Nothing {}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct SalesDetail {
    pub(super) item_ref: Ref,
    pub(super) unit_price: Amount,
    pub(super) qty: u32,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ExpenseDetail {
    pub(super) account_ref: Ref,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) customer_ref: Option<Ref>,
    pub(super) billable_status: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct JournalDetail {
    pub(super) posting_type: &'static str,
    pub(super) account_ref: Ref,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) entity: Option<JournalEntity>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct JournalEntity {
    #[serde(rename = "Type")]
    pub(super) kind: &'static str,
    pub(super) entity_ref: Ref,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Payment {
    #[serde(flatten)]
    pub(super) head: Head,
    pub(super) txn_date: Date,
    pub(super) customer_ref: Ref,
    pub(super) currency_ref: Ref,
    pub(super) exchange_rate: Amount,
    pub(super) total_amt: Amount,
    pub(super) unapplied_amt: Amount,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) private_note: Option<&'static str>,
    pub(super) line: Vec<Line>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct JournalEntry {
    #[serde(flatten)]
    pub(super) head: Head,
    pub(super) doc_number: String,
    pub(super) txn_date: Date,
    pub(super) private_note: String,
    pub(super) adjustment: bool,
    pub(super) currency_ref: Ref,
    pub(super) exchange_rate: Amount,
    pub(super) line: Vec<Line>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct TimeActivity {
    #[serde(flatten)]
    pub(super) head: Head,
    pub(super) txn_date: Date,
    pub(super) name_of: &'static str,
    pub(super) employee_ref: Ref,
    pub(super) customer_ref: Ref,
    pub(super) item_ref: Ref,
    pub(super) billable_status: &'static str,
    pub(super) hours: i64,
    pub(super) minutes: i64,
    pub(super) seconds: i64,
    pub(super) cost_rate: Amount,
    pub(super) description: String,
}

#[expect(clippy::struct_excessive_bools, reason = "each is a setting or a mark of its own")]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Customer {
    #[serde(flatten)]
    pub(super) head: Head,
    pub(super) display_name: String,
    pub(super) fully_qualified_name: String,
    pub(super) active: bool,
    pub(super) job: bool,
    pub(super) is_project: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parent_ref: Option<Ref>,
    pub(super) bill_with_parent: bool,
    pub(super) level: u8,
    pub(super) currency_ref: Ref,
}

/// A vendor or an employee.
#[expect(clippy::struct_field_names, reason = "the fields are called what the vendor calls them")]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Name {
    #[serde(flatten)]
    pub(super) head: Head,
    pub(super) display_name: String,
    pub(super) active: bool,
}

#[expect(clippy::struct_field_names, reason = "the fields are called what the vendor calls them")]
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Account {
    #[serde(flatten)]
    pub(super) head: Head,
    pub(super) name: String,
    pub(super) acct_num: String,
    pub(super) active: bool,
    pub(super) classification: &'static str,
    pub(super) account_type: &'static str,
    pub(super) account_sub_type: &'static str,
    pub(super) currency_ref: Ref,
}
