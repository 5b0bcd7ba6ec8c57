//! What hangs on a deal, a project or a document, and the schema of the configuration.

use super::*;
use crate::domain::{ClientId, CommunicationKind, Currency, DealId, Money, TicketStatus};
use crate::systems::ErrorKind;

const DETAILS: &str = r#"
time_zone = "Europe/Berlin"
[line_items]
currency = "currency"
by_deal = { path = "/items?deals={ids}" }
fields = { id = "id", deal_id = "deal", quantity = "qty", unit_price = "price", amount = "sum" }
[proposals]
currency = { const = "EUR" }
url = "https://crm.example.com/quotes/{id}"
by_deal = { path = "/quotes?deals={ids}" }
fields = { id = "id", deal_id = "deal", version = "v", signed = { path = "st", values = ["signed"] }, status = "st", amount = "sum" }
[communications]
by_deal = { path = "/notes?deals={ids}" }
[communications.fields]
id = "id"
deal_id = "deal"
kind = { path = "type", map = { n = "NOTE", c = "CALL" } }
at = { path = "at", format = "%d.%m.%Y %H:%M" }
author = "by"
[pre_sales_tickets]
by_deal = { path = "/tickets?deals={ids}", key = "deal.id" }
fields = { id = "id", subject = "title", status = { const = "NEW" } }
"#;

fn deals() -> [DealId; 3] {
    ["1", "2", "3"].map(DealId::new)
}

async fn details(rows: &'static str) -> Arc<dyn crate::systems::DealDetailSource> {
    let stub = stub(move |_| json(rows)).await;
    connection(&stub.url, DETAILS).deal_details.unwrap()
}

#[tokio::test]
async fn line_items_keep_what_is_readable() {
    let port = details(
        r#"[{"id":10,"deal":1,"qty":"2.5","price":100,"sum":"250.00","currency":"EUR"},{"id":9,"deal":"1","qty":"x","sum":1}]"#,
    )
    .await;
    let batch = port.line_items(&call(), &deals()).await.unwrap();
    let items = &batch.found[&deals()[0]];
    assert_eq!(items.iter().map(|item| &*item.id).collect::<Vec<_>>(), ["9", "10"]);
    assert_eq!((items[0].quantity, items[0].amount, items[0].flaws.len()), (None, None, 2));
    assert_eq!(items[1].amount, Some(Money::new("250.00".parse().unwrap(), Currency::EUR)));
    assert!(batch.found[&deals()[2]].is_empty());
}

#[tokio::test]
async fn the_signed_proposal_counts_else_the_latest_version() {
    let port = details(
        r#"[{"id":"a","deal":1,"v":1,"st":"signed","sum":5},{"id":"b","deal":1,"v":2,"st":"sent"},
            {"id":"c","deal":2,"v":3,"st":"sent"},{"id":"d","deal":2,"v":2,"st":"sent"}]"#,
    )
    .await;
    let batch = port.proposals(&call(), &deals()).await.unwrap();
    let signed = &batch.found[&deals()[0]];
    assert_eq!((&*signed.id, signed.signed, signed.version), ("a", true, 1));
    assert_eq!(signed.url.as_deref(), Some("https://crm.example.com/quotes/a"));
    let latest = &batch.found[&deals()[1]];
    assert_eq!((&*latest.id, latest.signed), ("c", false));
    assert!(!batch.found.contains_key(&deals()[2]) && batch.failed.is_empty());
}

#[tokio::test]
async fn communications_come_latest_first_in_the_zone_of_the_connection() {
    let port = details(
        r#"[{"id":1,"deal":1,"type":"n","at":"01.02.2026 09:00","by":"Ana Ruiz"},{"id":2,"deal":1,"type":"c","at":"01.07.2026 09:00"}]"#,
    )
    .await;
    let batch = port.communications(&call(), &deals()).await.unwrap();
    let found: Vec<_> = batch.found[&deals()[0]].iter().map(|note| (note.kind, note.at.unwrap().to_string())).collect();
    assert_eq!(
        found,
        [
            (CommunicationKind::Call, "2026-07-01T07:00:00Z".to_owned()),
            (CommunicationKind::Note, "2026-02-01T08:00:00Z".to_owned()),
        ]
    );
    let unmapped = details(r#"[{"id":1,"deal":1,"type":"fax"}]"#).await;
    let batch = unmapped.communications(&call(), &deals()).await.unwrap();
    assert_eq!(batch.failed[&deals()[0]].kind, ErrorKind::BadResponse);
}

#[tokio::test]
async fn tickets_beside_a_deal_are_found_by_their_key() {
    let port = details(r#"[{"id":7,"title":"Demo","deal":{"id":2}},{"id":8,"deal":{"id":null}}]"#).await;
    let batch = port.pre_sales_tickets(&call(), &deals()).await.unwrap();
    let ticket = &batch.found[&deals()[1]][0];
    assert_eq!((ticket.id.as_str(), &ticket.status, &ticket.project_id), ("7", &TicketStatus::New, &None));
    assert!(batch.found[&deals()[0]].is_empty());
}

#[tokio::test]
async fn what_is_not_declared_is_an_error_and_what_is_has_a_port() {
    let port = details("[]").await;
    assert_eq!(port.contacts(&call(), &deals()).await.unwrap_err().kind, ErrorKind::BadRequest);
    let stub = stub(|_| json("[]")).await;
    let connection = connection(&stub.url, DETAILS);
    assert!(connection.deals.is_none() && connection.costs.is_none() && connection.receivables.is_none());
}

#[tokio::test]
async fn a_document_holds_its_payments_and_the_companys_own_amounts() {
    let text = r#"
[invoices]
currency = "cur"
company_currency = { const = "EUR" }
by_project = { path = "/i?p={ids}" }
[invoices.fields]
id = "id"
project_id = "p"
state = { const = "OPEN" }
total = "total"
paid = "paid"
company_total = "local.total"
company_paid = "local.paid"
[invoices.payments]
rows = "receipts"
id = "no"
date = { path = "on", format = "dd.mm.yyyy" }
amount = "sum"
"#;
    let stub = stub(|_| {
        json(r#"[{"id":1,"p":"PRJ-2025-001","cur":"CHF","total":100,"paid":40,"local":{"total":"105.5","paid":"42.2"},"receipts":[{"no":9,"on":"05.01.2026","sum":"40.00"}]}]"#)
    })
    .await;
    let port = connection(&stub.url, text).receivables.unwrap();
    let batch = port.invoices_by_project(&call(), &[prj(1)]).await.unwrap();
    let found = &batch.found[&prj(1)][0];
    let money = |text: &str, currency| Some(Money::new(text.parse().unwrap(), currency));
    assert_eq!(found.balance().document, money("60", Currency::CHF));
    assert_eq!(found.balance().company, money("63.3", Currency::EUR));
    let payment = &found.invoice.payments.as_ref().unwrap()[0];
    assert_eq!((&*payment.id, payment.date.unwrap().to_string()), ("9", "2026-01-05".to_owned()));
    assert_eq!(payment.amount.document, money("40.00", Currency::CHF));
}

#[tokio::test]
async fn a_row_that_contradicts_the_configuration_does_not_take_the_system_for_broken() {
    let stub = stub(|seen| {
        json(if seen.path == "/notes" { r#"[{"id":1,"deal":1,"type":"fax"}]"# } else { r#"[{"id":1,"name":"Ana"}]"# })
    })
    .await;
    let text = format!(
        "{DETAILS}\n[clients]\nby_id = {{ path = \"/c?ids={{ids}}\" }}\nfields = {{ id = \"id\", name = \"name\" }}"
    );
    let connection = connection(&stub.url, &text);
    for _ in 0..20 {
        let batch = connection.deal_details.as_ref().unwrap().communications(&call(), &deals()).await.unwrap();
        assert_eq!(batch.failed[&deals()[0]].kind, ErrorKind::BadResponse);
    }
    let id = ClientId::new("1");
    let batch = connection.clients.unwrap().clients(&call(), std::slice::from_ref(&id)).await.unwrap();
    assert!(batch.found.contains_key(&id), "{:?}", batch.failed);
}

#[test]
fn the_schema_describes_every_table_and_every_word_of_ours() {
    let schema = serde_json::to_value(schemars::schema_for!(Config)).unwrap();
    let text = schema.to_string();
    for word in
        ["WON", "ON_HOLD", "AMBER", "IN_PROGRESS", "CHANGE_REQUEST", "CREDIT_NOTE", "PARTIALLY_PAID", "COMMITTED"]
    {
        assert!(text.contains(&format!("\"{word}\"")), "{word}");
    }
    for (name, property) in schema["properties"].as_object().unwrap() {
        assert!(property["description"].is_string(), "{name} has no description");
    }
    assert_eq!(schema["additionalProperties"], false);
}
