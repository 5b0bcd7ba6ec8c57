//! From the columns of an answer to the tables by which declared systems are read: a column is the field of its name.

use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::config::Words;
use crate::config::nearest;
use crate::systems::declared::fields::{
    ClientFields, Clients, CommunicationFields, Communications, ContactFields, Contacts, CostFields, Costs, DealFields,
    Deals, EffortFields, EffortTable, InvoiceFields, Invoices, LineItemFields, LineItems, MilestoneFields, Milestones,
    PreSalesTickets, ProjectFields, Projects, ProposalFields, Proposals, TicketFields,
};

/// A table of `declared`. How it is asked is not in it: that is the query.
pub(super) trait Entity: DeserializeOwned + Send + Sync {
    /// Its fields.
    const FIELDS: &'static [&'static str];
    /// What else it has.
    const EXTRA: &'static [&'static str];
    /// A way to ask that `declared` cannot do without.
    const WAY: Option<&'static str>;
}

macro_rules! entities {
    ($($table:ty: $fields:expr, $extra:expr, $way:expr;)+) => {$(
        impl Entity for $table {
            const FIELDS: &'static [&'static str] = $fields;
            const EXTRA: &'static [&'static str] = $extra;
            const WAY: Option<&'static str> = $way;
        }
    )+};
}

/// The table has a currency of its own.
const CURRENCY: &[&str] = &["currency"];
/// The table has that, and one of the company.
pub(super) const CURRENCIES: &[&str] = &["currency", "company_currency"];

entities! {
    Deals: DealFields::NAMES, CURRENCY, None;
    Clients: ClientFields::NAMES, &[], Some("by_id");
    Contacts: ContactFields::NAMES, &[], Some("by_deal");
    LineItems: LineItemFields::NAMES, CURRENCY, Some("by_deal");
    Proposals: ProposalFields::NAMES, CURRENCY, Some("by_deal");
    Communications: CommunicationFields::NAMES, &[], Some("by_deal");
    PreSalesTickets: TicketFields::NAMES, &[], Some("by_deal");
    Projects: ProjectFields::NAMES, &[], None;
    Milestones: MilestoneFields::NAMES, &[], Some("by_project");
    EffortTable: EffortFields::NAMES, &[], Some("by_project");
    Invoices: InvoiceFields::NAMES, &["currency", "company_currency", "lines", "payments"], None;
    Costs: CostFields::NAMES, CURRENCIES, Some("by_project");
}

/// Amounts, and what names their currency.
const AMOUNTS: [(&[&str], &str); 2] = [
    (&["amount", "expected_margin", "unit_price", "net", "tax", "total", "paid", "balance"], "currency"),
    (
        &["company_amount", "company_net", "company_tax", "company_total", "company_paid", "company_balance"],
        "company_currency",
    ),
];

/// The table whose fields are these columns, with the owner's words mapped. `key` names the column of the key, which need
/// be no field. The error says which column is wrong and how to put it right.
pub(super) fn table<E: Entity>(columns: &[String], words: &Words, key: &str) -> Result<E, String> {
    let (mut table, mut fields) = (Map::new(), Map::new());
    for (at, column) in columns.iter().enumerate() {
        let name = column.as_str();
        if columns.iter().take(at).any(|other| other == column) {
            return Err(format!("two columns are called `{name}`: give one of them another name, or take it away"));
        }
        if E::FIELDS.contains(&name) {
            fields.insert(column.clone(), field(name, words));
        } else if E::EXTRA.contains(&name) {
            table.insert(column.clone(), extra(name));
        } else if name != key {
            return Err(unknown::<E>(name));
        }
    }
    if !columns.iter().any(|column| column == key) && key != "project_id" {
        return Err(format!("no column is called `{key}`, which says what a row is for"));
    }
    let has = |name: &str| columns.iter().any(|column| column == name);
    if let Some(word) = words.keys().find(|word| !has(word)) {
        return Err(format!("`words.{word}` is of no column: select one of that name, or take the words away"));
    }
    for (amounts, currency) in AMOUNTS {
        if let Some(amount) =
            amounts.iter().find(|amount| has(amount)).filter(|_| E::EXTRA.contains(&currency) && !has(currency))
        {
            return Err(format!("`{amount}` has no currency: select one, e.g. `'EUR' AS {currency}`"));
        }
    }
    if let Some(way) = E::WAY {
        table.insert(way.to_owned(), json!({ "path": "/{ids}" }));
    }
    table.insert("fields".to_owned(), Value::Object(fields));
    serde_json::from_value(Value::Object(table)).map_err(|error| match error.to_string() {
        text if text.starts_with("missing field") => format!("a column is missing: {text}"),
        text => text,
    })
}

fn field(name: &str, words: &Words) -> Value {
    match words.get(name) {
        Some(map) => json!({ "path": [name], "map": map }),
        None => json!([name]),
    }
}

/// Lines and payments are columns of JSON: lists of objects with these names.
fn extra(name: &str) -> Value {
    match name {
        "lines" => json!({
            "rows": "lines", "description": "description", "quantity": "quantity", "net": "net",
            "company_net": "company_net", "project_id": "project_id",
        }),
        "payments" => json!({
            "rows": "payments", "id": "id", "date": "date", "amount": "amount", "company_amount": "company_amount",
        }),
        currency => json!([currency]),
    }
}

fn unknown<E: Entity>(name: &str) -> String {
    let names: Vec<&str> = E::FIELDS.iter().chain(E::EXTRA).copied().collect();
    match nearest(name, &names) {
        Some(close) => format!("column `{name}` is no field: did you mean `{close}`?"),
        None => {
            format!("column `{name}` is no field: there are {}. Take it away, or rename it by AS", names.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<E: Entity>(columns: &[&str]) -> Result<E, String> {
        let columns: Vec<String> = columns.iter().map(|column| (*column).to_owned()).collect();
        table::<E>(&columns, &Words::new(), "project_id")
    }

    #[test]
    fn columns_are_the_fields_of_their_names() {
        let table = of::<Invoices>(&["id", "state", "project_id", "net", "currency", "lines"]).unwrap();
        assert!(table.fields.net.is_some() && table.fields.total.is_none() && table.currency.is_some());
        assert!(table.lines.is_some() && table.payments.is_none() && table.company_currency.is_none());
    }

    #[test]
    fn a_column_that_is_wrong_is_named() {
        for (columns, expected) in [
            (&["id", "state", "prject_id"][..], "did you mean `project_id`?"),
            (&["id", "state", "net", "net", "currency"], "two columns are called `net`"),
            (&["id", "net", "currency"], "missing field `state`"),
            (&["id", "state", "net"], "'EUR' AS currency"),
            (&["id", "state", "company_net"], "AS company_currency"),
        ] {
            let error = of::<Invoices>(columns).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
        let columns = ["id".to_owned(), "name".to_owned()];
        let error = table::<Contacts>(&columns, &Words::new(), "deal_id").unwrap_err();
        assert!(error.contains("`deal_id`"), "{error}");
    }

    #[test]
    fn words_are_mapped_by_column() {
        let words = Words::from([("state".to_owned(), [("sent".to_owned(), "OPEN".to_owned())].into())]);
        let columns = ["id", "state"].map(str::to_owned);
        assert!(table::<Invoices>(&columns, &words, "id").is_ok());
        let slip = Words::from([("stat".to_owned(), [("sent".to_owned(), "OPEN".to_owned())].into())]);
        assert!(table::<Invoices>(&columns, &slip, "id").unwrap_err().contains("`words.stat` is of no column"));
        let words = Words::from([("state".to_owned(), [("sent".to_owned(), "OPENED".to_owned())].into())]);
        assert!(table::<Invoices>(&columns, &words, "id").unwrap_err().contains("OPENED"));
    }
}
