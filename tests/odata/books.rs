//! The books as one connection tells them, as tables for another system to hold.

use std::fmt::Write;

use spine::domain::{Booked, Cost, CostKind, CostState, Invoice, InvoiceKind, InvoiceState, Money, ProjectId};

/// A table of comma-separated values.
pub(crate) struct Table {
    /// Name of the file.
    pub(crate) name: &'static str,
    text: String,
}

impl Table {
    fn new(name: &'static str, columns: &[&str]) -> Self {
        Self { name, text: format!("{}\n", columns.join(";")) }
    }

    fn row(&mut self, values: &[String]) {
        let quoted: Vec<String> = values.iter().map(|value| format!("\"{}\"", value.replace('"', "\"\""))).collect();
        writeln!(self.text, "{}", quoted.join(";")).unwrap();
    }

    /// What the file holds.
    pub(crate) fn text(&self) -> &str {
        &self.text
    }
}

fn or_none(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn amount(money: Option<Money>) -> String {
    or_none(money.map(|money| money.amount))
}

fn cents(money: Option<Money>) -> String {
    money.map_or_else(String::new, |money| {
        let cents = money.amount * rust_decimal::Decimal::ONE_HUNDRED;
        assert!(cents.fract().is_zero(), "{cents} is no whole number of cents");
        cents.trunc().to_string()
    })
}

/// Documents with their lines and payments.
pub(crate) fn documents(names: [&'static str; 2], parent: &str, documents: &[Invoice]) -> (Table, Table, Table) {
    const DOCUMENT: [&str; 16] = [
        "ID",
        "Number",
        "Type",
        "State",
        "PartyCode",
        "Party",
        "Date",
        "Due",
        "Project",
        "Currency",
        "Tax",
        "Total",
        "Paid",
        "TaxLocal",
        "TotalLocal",
        "PaidLocal",
    ];
    let mut heads = Table::new(names[0], &DOCUMENT);
    let mut lines = Table::new(names[1], &["ID", parent, "Text", "Net", "NetLocal", "Project"]);
    let mut payments = Table::new("Books-Payments.csv", &["ID", parent, "Number", "Date", "Amount", "AmountLocal"]);
    for document in documents {
        let id = document.id.to_string();
        let kind = match document.kind {
            InvoiceKind::Invoice => "invoice",
            InvoiceKind::CreditNote => "memo",
        };
        let state = match &document.state {
            InvoiceState::Open => "open",
            InvoiceState::Void => "void",
            InvoiceState::Draft => "draft",
            _ => "closed",
        };
        let party = document.party.as_ref();
        let Booked { document: total, company } = document.total();
        heads.row(&[
            id.clone(),
            or_none(document.number.as_ref()),
            kind.to_owned(),
            state.to_owned(),
            or_none(party.and_then(|party| party.id.as_ref())),
            or_none(party.and_then(|party| party.name.as_ref())),
            or_none(document.issue_date),
            or_none(document.due_date),
            or_none(document.project_ids.first()),
            or_none(total.map(|money| money.currency.code())),
            amount(document.tax().document),
            amount(total),
            amount(document.paid().document),
            amount(document.tax().company),
            amount(company),
            amount(document.paid().company),
        ]);
        for (at, line) in document.lines.iter().enumerate() {
            lines.row(&[
                format!("{id}-{at}"),
                id.clone(),
                or_none(line.description.as_ref()),
                amount(line.net.document),
                amount(line.net.company),
                or_none(line.project_id.as_ref()),
            ]);
        }
        for payment in document.payments.iter().flatten() {
            payments.row(&[
                format!("{id}-{}", payment.id),
                id.clone(),
                payment.id.to_string(),
                or_none(payment.date),
                amount(payment.amount.document),
                amount(payment.amount.company),
            ]);
        }
    }
    (heads, lines, payments)
}

/// Costs, in cents.
pub(crate) fn costs(costs: &[(ProjectId, Vec<Cost>)]) -> Table {
    const COST: [&str; 11] =
        ["ID", "Project", "Kind", "State", "Date", "Cents", "CentsLocal", "Currency", "Text", "Vendor", "Document"];
    let mut table = Table::new("Books-Costs.csv", &COST);
    for (project, cost) in costs.iter().flat_map(|(project, costs)| costs.iter().map(move |cost| (project, cost))) {
        let kind = match cost.kind {
            CostKind::Labour => "labour",
            CostKind::Vendor => "vendor",
            CostKind::Expense => "expense",
            CostKind::Other | CostKind::Unknown(_) => "other",
        };
        let state = match cost.state {
            CostState::Actual => "actual",
            CostState::Committed => "committed",
        };
        table.row(&[
            cost.id.to_string(),
            project.to_string(),
            kind.to_owned(),
            state.to_owned(),
            or_none(cost.date),
            cents(cost.amount.document),
            cents(cost.amount.company),
            or_none(cost.amount.document.map(|money| money.currency.code())),
            or_none(cost.description.as_ref()),
            or_none(cost.party.as_ref().and_then(|party| party.name.as_ref())),
            or_none(cost.document.as_ref()),
        ]);
    }
    table
}
