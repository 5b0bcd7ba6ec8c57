//! Opportunities and clients. Lost opportunities are archived; amounts in the currency of the client, and the shared ID,
//! are fields of this company's own.

use rust_decimal::Decimal;

use super::books::{currency, partner_number};
use super::table::{Row, Tables};
use super::value::Value;
use super::work::{moment, person};
use crate::demo::company::model::{Company, Deal};
use crate::demo::company::words::{PIPELINES, STAGES, stage_of};

fn numbered<T: PartialEq>(all: impl Iterator<Item = T>, wanted: &T) -> i64 {
    let at = all.into_iter().position(|one| one == *wanted).unwrap_or_default();
    i64::try_from(at).unwrap_or_default() + 1
}

/// Fills the tables of sales.
pub(super) fn fill(tables: &mut Tables, company: &Company) {
    let mut add = |model: &str, id: i64, row: Row| {
        if let Some(table) = tables.0.get_mut(model) {
            table.add(id, row);
        }
    };
    for ((_, label), id) in PIPELINES.iter().zip(1..) {
        add("crm.team", id, Row::default().text("name", *label));
    }
    for (stage, id) in STAGES.iter().zip(1..) {
        let won = if stage.won() { Value::True } else { Value::False };
        add("crm.stage", id, Row::default().text("name", stage.label).with("is_won", won));
    }
    let mut industries: Vec<&str> = company.clients.iter().map(|client| client.vertical.as_str()).collect();
    let mut countries: Vec<&str> = company.clients.iter().map(|client| client.country.as_str()).collect();
    for names in [&mut industries, &mut countries] {
        names.sort_unstable();
        names.dedup();
    }
    for client in &company.clients {
        let code = format!("C{:05}", client.id);
        let industry = numbered(industries.iter().copied(), &client.vertical.as_str());
        let country = numbered(countries.iter().copied(), &client.country.as_str());
        let row = Row::default()
            .text("name", &client.name)
            .text("ref", &code)
            .text("website", format!("https://{}", client.domain))
            .with("industry_id", Value::Link(industry, client.vertical.clone()))
            .with("country_id", Value::Link(country, client.country.clone()))
            .with("is_company", Value::True)
            .with("active", Value::True);
        add("res.partner", partner_number(&code), row);
    }
    for deal in &company.deals {
        add("crm.lead", i64::try_from(deal.id).unwrap_or_default(), lead(company, deal));
    }
}

fn lead(company: &Company, deal: &Deal) -> Row {
    let stage = stage_of(&deal.stage);
    let (won, lost) = (
        stage.is_some_and(super::super::company::words::Stage::won),
        stage.is_some_and(super::super::company::words::Stage::lost),
    );
    let status = match (won, lost) {
        (true, _) => "won",
        (_, true) => "lost",
        _ => "pending",
    };
    let probability: Decimal = stage.and_then(|stage| stage.probability.parse().ok()).unwrap_or_default();
    let stage = Value::maybe(stage, |stage| {
        Value::Link(numbered(STAGES.iter().map(|one| one.id), &stage.id), stage.label.to_owned())
    });
    let team = PIPELINES
        .iter()
        .find(|(id, _)| *id == deal.pipeline)
        .map(|(id, label)| Value::Link(numbered(PIPELINES.iter().map(|(id, _)| *id), id), (*label).to_owned()));
    let client = deal.client.and_then(|id| company.clients.iter().find(|client| client.id == id));
    let client =
        Value::maybe(client, |client| Value::Link(partner_number(&format!("C{:05}", client.id)), client.name.clone()));
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    Row::default()
        .text("type", "opportunity")
        .text("name", &deal.name)
        .with("active", if lost { Value::False } else { Value::True })
        .with("probability", Value::Float(probability * Decimal::ONE_HUNDRED))
        .text("won_status", status)
        .with("team_id", team.unwrap_or_default())
        .with("stage_id", stage)
        .with("expected_revenue", Value::Float(deal.amount_home.unwrap_or_default()))
        .with("company_currency", currency(&company.currency))
        .text("date_deadline", deal.close_date.map(|day| day.to_string()).unwrap_or_default())
        .with("user_id", Value::maybe(deal.owner, |id| person(company, id)))
        .with("partner_id", client)
        .text("create_date", moment(deal.created))
        .text("write_date", moment(deal.updated))
        .text("x_project_id", text(&deal.shared_id))
        .with("x_amount", Value::Float(deal.amount.unwrap_or_default()))
        .with("x_currency_id", Value::maybe(deal.currency.as_deref(), currency))
        .with("x_estimated_cost", Value::Float(deal.estimated_cost.unwrap_or_default()))
        .text("x_vertical", text(&deal.vertical))
        .text("x_deal_type", text(&deal.deal_type))
        .text("x_scope", text(&deal.scope))
}
