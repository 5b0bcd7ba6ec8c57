//! One system that owns everything, by the example of the documentation.

use axum::response::Response;
use rust_decimal::Decimal;

use super::*;
use crate::domain::{
    CostKind, CostState, Currency, DealId, DealQuery, DealStatus, Direction, InvoiceQuery, InvoiceState, Money,
    Priority as TicketPriority, ProjectStatus, TicketCategory, TicketStatus,
};
use crate::systems::ErrorKind;

const EXAMPLE: &str = include_str!("../../../../docs/connectors/rest.md");

/// The block of the documentation, as a configuration.
fn example(url: &str) -> (crate::config::Config, Config) {
    let block = EXAMPLE.split("```toml").nth(1).unwrap().split("```").next().unwrap();
    let config = crate::config::Config::parse("spine.toml", &block.replace("http://127.0.0.1:4100", url)).unwrap();
    let section = config.connection(&ConnectionName::new("company")).unwrap();
    (config, section)
}

fn company(url: &str) -> Connection {
    let (config, section) = example(url);
    connect(section, ConnectionContext { name: ConnectionName::new("company"), ..context(config.shared_id) }).unwrap()
}

fn deal(n: u32) -> String {
    let (stage, amount) = (if n.is_multiple_of(2) { "won" } else { "lost" }, n * 1000 + 190);
    format!(
        r#"{{"id":"d{n}","name":"Deal {n} rollout","stage":"{stage}","amount":{amount}.07,"currency":"EUR","company":"Company {n}","owner":"Ana Ruiz","closeDate":"2026-03-1{n}","createdAt":"2026-01-02T08:00:00Z","probability":0.4,"projectId":"p{n}"}}"#
    )
}

/// The keys of a call, by query or body, without their letter.
fn numbers(seen: &Seen, param: &str) -> Vec<u32> {
    let text = seen.param(param).unwrap_or_else(|| seen.body());
    text.split(|sign: char| !sign.is_ascii_digit()).filter_map(|digits| digits.parse().ok()).collect()
}

fn list(numbers: Vec<u32>, row: impl Fn(u32) -> String) -> String {
    format!("[{}]", numbers.into_iter().filter(|n| *n < 10).map(row).collect::<Vec<_>>().join(","))
}

fn answer(seen: &Seen) -> Response {
    let (key, row): (_, fn(u32) -> String) = match (seen.method.as_str(), seen.path.as_str()) {
        ("POST", "/crm/deals/batch/read") => {
            return json(format!(r#"{{"results":{}}}"#, list(numbers(seen, "-"), deal)));
        }
        ("GET", "/crm/deals") => {
            let start =
                seen.param("after").map_or(0, |after| after.trim_start_matches('d').parse::<u32>().unwrap() + 1);
            let limit: u32 = seen.param("limit").unwrap().parse().unwrap();
            let end = (start + limit).min(10);
            let next =
                if end < 10 { format!(r#","paging":{{"next":{{"after":"d{}"}}}}"#, end - 1) } else { String::new() };
            return json(format!(r#"{{"results":{}{next}}}"#, list((start..end).collect(), deal)));
        }
        ("GET", "/erp/invoices") => ("projectIds", |n| {
            format!(
                r#"{{"id":"i{n}-0","projectId":"p{n}","number":"INV-00000{n}","status":"overdue","amount":1000.10,"tax":190.02,"currency":"EUR","issuedOn":"2026-01-03","dueOn":"2026-01-10"}},{{"id":"i{n}-1","projectId":"p{n}","number":"INV-10000{n}","status":"draft","amount":5,"tax":1,"currency":"EUR","issuedOn":"2026-01-03","dueOn":"2026-02-10"}}"#
            )
        }),
        ("GET", "/erp/costs") => ("projectIds", |n| {
            format!(
                r#"{{"id":"c{n}-0","projectId":"p{n}","kind":"material","amount":412.5,"currency":"EUR","bookedOn":"2026-02-03"}}"#
            )
        }),
        ("GET", "/pm/projects") => ("ids", |n| {
            format!(
                r#"{{"id":"p{n}","dealId":"d{n}","name":"Project {n}","status":"paused","manager":"Ben Otto","startDate":"2026-01-01","endDate":"2026-09-01","budgetHours":400,"spentHours":12{n}}}"#
            )
        }),
        ("GET", "/pm/tickets") => ("projectIds", |n| {
            format!(
                r#"{{"id":"t{n}-0","projectId":"p{n}","title":"Ticket 0 of project {n}","status":"review","priority":"high","assignee":"Chen Li","createdAt":"2026-01-05","estimateHours":7}}"#
            )
        }),
        _ => return status(404, r#"{"error":"not found"}"#),
    };
    json(list(numbers(seen, key), row))
}

fn eur(text: &str) -> Money {
    Money::new(text.parse().unwrap(), Currency::EUR)
}

#[tokio::test]
async fn one_system_owns_every_domain() {
    let stub = stub(answer).await;
    let company = company(&stub.url);
    let p = |n: u32| company_id(&format!("p{n}"));
    let ids = [p(1), p(2), p(99)];

    let deals = company.deals.as_ref().unwrap();
    let batch = deals.deals(&call(), &[DealId::new("d2"), DealId::new("d77")]).await.unwrap();
    assert_eq!((batch.found.len(), batch.failed.len()), (1, 0));
    let deal = &batch.found[&DealId::new("d2")];
    assert_eq!(deal.amount, Some(eur("2190.07")));
    assert_eq!(deal.status, Some(DealStatus::Won));
    assert_eq!(deal.project_id(), Some(&p(2)));
    assert_eq!(deal.owner.as_ref().unwrap().name, "Ana Ruiz");
    assert_eq!(deal.close_date.unwrap().to_string(), "2026-03-12");
    assert!(deal.flaws.is_empty());
    assert_eq!(stub.last().body(), r#"{"ids":["d2","d77"]}"#);

    let projects = company.projects.as_ref().unwrap();
    let batch = projects.projects(&call(), &ids).await.unwrap();
    assert_eq!(batch.found.len(), 2);
    assert_eq!(batch.found[&p(1)].status, ProjectStatus::OnHold);
    assert_eq!(batch.found[&p(1)].hours_budgeted, Some(Decimal::from(400)));
    assert_eq!(stub.targets().last().unwrap(), "/pm/projects?ids=p1,p2,p99");
    let effort = projects.effort(&call(), &ids).await.unwrap();
    assert_eq!(effort.found[&p(2)].hours_spent, Decimal::from(122));
    assert!(effort.found[&p(2)].resources.is_empty());

    let tickets = company.tickets.as_ref().unwrap().tickets_by_project(&call(), &ids).await.unwrap();
    let ticket = &tickets.found[&p(1)][0];
    assert_eq!((&ticket.status, &ticket.category), (&TicketStatus::Waiting, &TicketCategory::Task));
    assert_eq!(ticket.status_label.as_deref(), Some("review"));
    assert_eq!(ticket.priority, Some(TicketPriority::High));
    assert_eq!(ticket.opened_at.unwrap().to_string(), "2026-01-05T00:00:00Z");
    assert_eq!(tickets.found[&p(99)].len(), 0);

    let invoices = company.receivables.as_ref().unwrap().invoices_by_project(&call(), &ids).await.unwrap();
    let part = &invoices.found[&p(1)][0];
    assert_eq!((part.net().document, part.total().document), (Some(eur("1000.10")), Some(eur("1190.12"))));
    assert_eq!((part.invoice.direction, &part.invoice.state), (Direction::Receivable, &InvoiceState::Open));
    assert!(part.invoice.balance().is_unknown() && !part.allocated());
    assert_eq!(invoices.found[&p(1)][1].invoice.state, InvoiceState::Draft);
    assert!(!invoices.found.contains_key(&p(99)), "nobody knows it, which is not zero");

    let costs = company.costs.as_ref().unwrap().costs_by_project(&call(), &ids).await.unwrap();
    let cost = &costs.found[&p(2)][0];
    assert_eq!((&cost.kind, cost.state), (&CostKind::Vendor, CostState::Actual));
    assert_eq!(cost.amount.document, Some(eur("412.5")));
    assert!(company.payables.is_none() && company.clients.is_none() && company.deal_details.is_none());
}

fn company_id(text: &str) -> ProjectId {
    example("http://127.0.0.1:1").0.shared_id.parse(text).unwrap()
}

#[tokio::test]
async fn what_a_system_cannot_be_asked_is_found_in_its_list() {
    let stub = stub(answer).await;
    let company = company(&stub.url);
    let deals = company.deals.as_ref().unwrap();
    let batch = deals.deals_by_project(&call(), &[company_id("p3"), company_id("p50")]).await.unwrap();
    assert_eq!(batch.found[&company_id("p3")][0].id, DealId::new("d3"));
    assert_eq!(batch.found[&company_id("p50")].len(), 0);
    assert_eq!(stub.targets(), ["/crm/deals?limit=200"]);
}

#[tokio::test]
async fn a_list_goes_on_where_it_ended() {
    let stub = stub(answer).await;
    let company = company(&stub.url);
    let deals = company.deals.as_ref().unwrap();
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = deals.deal_page(&call(), &DealQuery::default(), after.as_deref(), 4).await.unwrap();
        seen.extend(page.items.iter().map(|deal| deal.id.to_string()));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, (0..10).map(|n| format!("d{n}")).collect::<Vec<_>>());
    assert_eq!(stub.targets(), ["/crm/deals?limit=4", "/crm/deals?limit=4&after=d3", "/crm/deals?limit=4&after=d7"]);
}

#[tokio::test]
async fn a_question_that_is_not_configured_is_an_error_and_no_empty_list() {
    let stub = stub(answer).await;
    let company = company(&stub.url);
    let invoices = company.receivables.as_ref().unwrap();
    let error = invoices.invoice_page(&call(), &InvoiceQuery::default(), None, 10).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadRequest);
    let error = company.projects.as_ref().unwrap().milestones(&call(), &[company_id("p1")]).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadRequest);
    assert_eq!(stub.calls(), 0);
}

#[tokio::test]
async fn invoices_of_given_projects_are_a_list_too() {
    let stub = stub(answer).await;
    let company = company(&stub.url);
    let invoices = company.receivables.as_ref().unwrap();
    let query = InvoiceQuery { project_ids: Some(vec![company_id("p1"), company_id("p2")]), ..InvoiceQuery::default() };
    let first = invoices.invoice_page(&call(), &query, None, 3).await.unwrap();
    assert_eq!((first.items.len(), first.total), (3, Some(4)));
    let rest = invoices.invoice_page(&call(), &query, first.next.as_deref(), 3).await.unwrap();
    assert_eq!(rest.items[0].id.as_str(), "i2-1");
    assert_eq!(rest.next, None);
    let overdue = InvoiceQuery { due_before: Some("2026-01-31".parse().unwrap()), ..query };
    assert_eq!(invoices.invoice_page(&call(), &overdue, None, 10).await.unwrap().items.len(), 2);
}
