//! The embedded Odoo, by both of its APIs.

use std::sync::Arc;

use spine::demo::Demo;
use spine::demo::company::model::{Company, JournalEntry};
use spine::demo::erp::Erp;

use super::{COMPANY, PLAIN, Stood, System};

/// Records of one model are numbered through.
const ODOO: System = System {
    connection: "odoo",
    invoice_id: |code, entry| (code * 1_000_000 + entry).to_string(),
    payment_id: |entry| (24_000_000 + entry).to_string(),
    cost_id,
    party_id,
    drafts: true,
    children_know_their_project: true,
    projects_by_number: true,
    milestones_are_reached_or_not: true,
    status_of_unknown_stage: Some("Open"),
    ..PLAIN
};

fn cost_id(code: u32, entry: u32, line: u32) -> String {
    let of_entry = |posted: &&JournalEntry| code == 30 && posted.number == entry;
    let posted = COMPANY.ledger.journal.iter().find(of_entry).and_then(|posted| posted.lines.get(line as usize));
    let model = match code {
        22 => "purchase.order.line",
        // Labour stands on analytic accounts alone.
        30 if posted.is_some_and(|line| line.account.starts_with('5')) => "account.analytic.line",
        _ => "account.move.line",
    };
    format!("{model},{}", (code * 1_000_000 + entry) * 20 + line)
}

fn party_id(code: &str) -> String {
    let first = if code.starts_with('V') { 20_000 } else { 50_000 };
    (first + code.split_at(1).1.parse::<u32>().unwrap()).to_string()
}

/// What an operator names of this company's own fields, so that one connection can own all.
const FIELDS: &str = r#"
[connections.odoo.shared_id]
project = "x_project_id"
deal    = "x_project_id"

[connections.odoo.projects]
health        = "x_health"
health_reason = "x_health_reason"

[connections.odoo.tickets]
kind     = "x_kind"
progress = "x_progress"

[connections.odoo.deals]
amount    = "x_amount"
currency  = "x_currency_id"
cost      = "x_estimated_cost"
vertical  = "x_vertical"
deal_type = "x_deal_type"
scope     = "x_scope"
"#;

async fn stand_up(company: Company, api: &str) -> Stood {
    let demo = Demo::of(company, Erp::Odoo).await.unwrap();
    let books = demo.gateway_config();
    let config = books.replace("kind     = \"odoo\"", &format!("kind = \"odoo\"\napi = \"{api}\""));
    Stood {
        url: demo.erp.url.clone(),
        config: format!("{config}\n{FIELDS}"),
        company: Arc::clone(&demo.company),
        calls: None,
        _running: Box::new(demo),
    }
}

/// As the connector chooses for this version: JSON-2.
pub(super) mod json2 {
    use super::super::{System, conforms};

    pub(in crate::conformance) static SYSTEM: System =
        System { stand_up: |company| Box::pin(super::stand_up(company, "auto")), ..super::ODOO };

    conforms!(SYSTEM);
}

pub(super) mod json_rpc {
    use super::super::{System, conforms};

    pub(in crate::conformance) static SYSTEM: System =
        System { stand_up: |company| Box::pin(super::stand_up(company, "json_rpc")), ..super::ODOO };

    conforms!(SYSTEM);
}
