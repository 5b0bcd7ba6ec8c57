//! The tables of the account: which there are, their columns, their rows.
//!
//! Names are those of the analytics data source that SuiteQL asks. Only columns that somebody may want of these books are
//! there; the vendor's tables have many more.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::sql::{Key, Value};

/// A table.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static [&'static str],
    rows: Vec<Vec<Value>>,
    indexes: Mutex<HashMap<usize, Arc<Index>>>,
}

/// Rows by the value of a column.
pub(super) type Index = HashMap<Key, Vec<u32>>;

impl Table {
    fn new(name: &'static str, columns: &'static [&'static str]) -> Self {
        Self { name, columns, rows: Vec::new(), indexes: Mutex::default() }
    }

    pub(super) fn row(&self, at: u32) -> Option<&Vec<Value>> {
        self.rows.get(usize::try_from(at).ok()?)
    }

    pub(super) fn all(&self) -> Vec<u32> {
        (0..u32::try_from(self.rows.len()).unwrap_or(u32::MAX)).collect()
    }

    /// The rows by the value of a column; made when it is first asked for.
    pub(super) fn index(&self, column: usize) -> Arc<Index> {
        let mut indexes = self.indexes.lock().unwrap_or_else(PoisonError::into_inner);
        let index = indexes.entry(column).or_insert_with(|| {
            let mut index = Index::new();
            for (row, at) in self.rows.iter().zip(0..) {
                if let Some(value) = row.get(column) {
                    index.entry(value.key()).or_default().push(at);
                }
            }
            Arc::new(index)
        });
        Arc::clone(index)
    }
}

/// The tables of the account.
#[derive(Debug)]
pub(super) struct Tables(Vec<Table>);

/// Columns of the links between documents; `amount` is that of the ledger, `foreignamount` that of the document.
const LINKS: [&str; 8] =
    ["previousdoc", "previousline", "previoustype", "nextdoc", "nextline", "nexttype", "linktype", "foreignamount"];
const ACCOUNTING_LINKS: [&str; 9] = [
    "previousdoc",
    "previousline",
    "previoustype",
    "nextdoc",
    "nextline",
    "nexttype",
    "linktype",
    "amount",
    "accountingbook",
];

impl Tables {
    /// Tables without rows.
    pub(super) fn new() -> Self {
        Self(vec![
            Table::new(
                "transaction",
                &[
                    "id",
                    "tranid",
                    "transactionnumber",
                    "type",
                    "recordtype",
                    "status",
                    "trandate",
                    "duedate",
                    "entity",
                    "currency",
                    "exchangerate",
                    "foreigntotal",
                    "foreignamountpaid",
                    "foreignamountunpaid",
                    "foreignpaymentamountused",
                    "foreignpaymentamountunused",
                    "posting",
                    "voided",
                    "isreversal",
                    "approvalstatus",
                    "memo",
                    "externalid",
                    "lastmodifieddate",
                ],
            ),
            Table::new(
                "transactionline",
                &[
                    "transaction",
                    "id",
                    "uniquekey",
                    "linesequencenumber",
                    "mainline",
                    "taxline",
                    "iscogs",
                    "transactiondiscount",
                    "entity",
                    "subsidiary",
                    "memo",
                    "quantity",
                    "quantitybilled",
                    "rate",
                    "foreignamount",
                    "netamount",
                    "foreignamountpaid",
                    "foreignamountunpaid",
                    "foreignpaymentamountused",
                    "foreignpaymentamountunused",
                    "isclosed",
                    "expenseaccount",
                ],
            ),
            Table::new(
                "transactionaccountingline",
                &[
                    "transaction",
                    "transactionline",
                    "accountingbook",
                    "account",
                    "amount",
                    "debit",
                    "credit",
                    "amountpaid",
                    "amountunpaid",
                    "paymentamountused",
                    "paymentamountunused",
                    "posting",
                ],
            ),
            Table::new("nexttransactionlinelink", &LINKS),
            Table::new("previoustransactionlinelink", &LINKS),
            Table::new("nexttransactionaccountinglinelink", &ACCOUNTING_LINKS),
            Table::new("previoustransactionaccountinglinelink", &ACCOUNTING_LINKS),
            Table::new(
                "job",
                &[
                    "id",
                    "entityid",
                    "companyname",
                    "altname",
                    "externalid",
                    "customer",
                    "isinactive",
                    "custentity_project_code",
                ],
            ),
            Table::new("customer", &["id", "entityid", "companyname", "altname", "currency", "isinactive"]),
            Table::new("vendor", &["id", "entityid", "companyname", "altname", "isinactive"]),
            Table::new("entity", &["id", "entityid", "altname", "type", "isinactive"]),
            Table::new("currency", &["id", "symbol", "name", "isbasecurrency", "currencyprecision"]),
            Table::new("subsidiary", &["id", "name", "fullname", "currency", "parent", "isinactive"]),
            Table::new("account", &["id", "acctnumber", "accttype", "fullname", "isinactive"]),
            Table::new("accountingbook", &["id", "name", "isprimary"]),
            Table::new(
                "timebill",
                &["id", "customer", "employee", "subsidiary", "trandate", "hours", "laborcost", "timetype", "memo"],
            ),
            Table::new("employee", &["id", "entityid", "firstname", "lastname", "email"]),
        ])
    }

    pub(super) fn get(&self, at: usize) -> Option<&Table> {
        self.0.get(at)
    }

    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|table| table.name == name)
    }

    /// Takes a record out of a table.
    pub(super) fn hide(&mut self, table: &str, id: i64) {
        let Some(table) = self.0.iter_mut().find(|known| known.name == table) else { return };
        let place = table.columns.iter().position(|column| *column == "id").unwrap_or_default();
        table.rows.retain(|row| row.get(place) != Some(&Value::Int(id)));
    }

    /// Adds a row; columns that are not named have nothing in them.
    pub(super) fn add(&mut self, table: &'static str, values: impl IntoIterator<Item = (&'static str, Value)>) {
        let Some(table) = self.0.iter_mut().find(|known| known.name == table) else { return };
        let mut row = vec![Value::Null; table.columns.len()];
        for (name, value) in values {
            let place = table.columns.iter().position(|column| *column == name).and_then(|at| row.get_mut(at));
            debug_assert!(place.is_some(), "{} has no column {name}", table.name);
            if let Some(place) = place {
                *place = value;
            }
        }
        table.rows.push(row);
    }
}
