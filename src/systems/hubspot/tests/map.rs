//! Wire to domain, without a server.

use rust_decimal::Decimal;
use serde_json::json;

use super::super::map::{Mapper, communication};
use super::super::reference::{Owners, Pipelines};
use super::super::wire::{BatchAnswer, Record, Records};
use super::*;
use crate::domain::{CommunicationKind, Currency, Deal, FlawKind, Link, Money, TicketCategory, TicketStatus};

fn mapper(more: &str) -> Mapper {
    let rule = SharedIdRule::new(Regex::new(r"^PRJ-\d{4}-\d{3}$").unwrap(), &["trim", "uppercase"]);
    Mapper::new(config(more), rule, None)
}

fn record(properties: &serde_json::Value) -> Record {
    let text = json!({ "id": "901", "properties": properties, "createdAt": "2026-01-05T08:00:00.000Z" }).to_string();
    serde_json::from_str(&text).unwrap()
}

fn pipelines() -> Pipelines {
    let stage = |id: &str, probability: &str, closed: &str| json!({ "id": id, "label": format!("Stage {id}"), "metadata": { "probability": probability, "isClosed": closed } });
    let text = json!([{ "id": "default", "label": "Sales", "stages": [
        stage("closedwon", "0.5", "false"), stage("77", "1.0", "true"), stage("78", "0.0", "true"), stage("79", "0.5", "true"),
    ] }])
    .to_string();
    Pipelines::new(serde_json::from_str(&text).unwrap())
}

fn deal(properties: &serde_json::Value) -> Deal {
    mapper("").deal(&record(properties), &pipelines(), &Owners::default(), None)
}

#[test]
fn amounts_are_exact_as_text_and_as_number() {
    for (text, expected) in [
        (r#""42000.50""#, "42000.50"),
        ("42000.50", "42000.50"),
        (r#""99999999999999.99""#, "99999999999999.99"),
        ("99999999999999.99", "99999999999999.99"),
        (r#""0.1""#, "0.1"),
        ("-7", "-7"),
    ] {
        let json = format!(r#"{{"id": 901, "properties": {{"amount": {text}, "deal_currency_code": "eur"}}}}"#);
        let record: Record = serde_json::from_str(&json).unwrap();
        let deal = mapper("").deal(&record, &pipelines(), &Owners::default(), None);
        let amount = deal.amount.unwrap();
        assert_eq!((amount.amount.to_string().as_str(), amount.currency), (expected, Currency::EUR));
        assert!(deal.flaws.is_empty());
    }
}

#[test]
fn what_cannot_be_read_is_none_and_a_flaw() {
    let flaws = |properties| deal(&properties).flaws.into_iter().map(|f| (f.field, f.kind)).collect::<Vec<_>>();
    assert_eq!(flaws(json!({ "amount": "12,5", "deal_currency_code": "EUR" })), [("amount", FlawKind::BadNumber)]);
    assert_eq!(flaws(json!({ "amount": "12", "deal_currency_code": "EURO" })), [("amount", FlawKind::UnknownCurrency)]);
    assert_eq!(flaws(json!({ "amount": "12" })), [("amount", FlawKind::MissingCurrency)]);
    assert_eq!(flaws(json!({ "closedate": "soon" })), [("close_date", FlawKind::BadDate)]);
    assert_eq!(flaws(json!({ "amount": null, "closedate": "", "deal_currency_code": "EURO" })), []);
}

#[test]
fn close_dates_are_read_as_times_days_and_milliseconds() {
    for text in ["2026-05-01T00:00:00Z", "2026-05-01T23:59:59.999Z", "2026-05-01", "1777593600000"] {
        assert_eq!(deal(&json!({ "closedate": text })).close_date, Some(date(2026, 5, 1)), "{text}");
    }
}

#[test]
fn a_deal_is_won_by_what_hubspot_computes_or_by_the_stage_and_never_by_the_stages_name() {
    let status = |properties| deal(&properties).status;
    assert_eq!(status(json!({ "hs_is_closed": "true", "hs_is_closed_won": "true" })), Some(DealStatus::Won));
    assert_eq!(status(json!({ "hs_is_closed": "true", "hs_is_closed_won": "false" })), Some(DealStatus::Lost));
    assert_eq!(status(json!({ "hs_is_closed": "false", "hs_is_closed_won": "false" })), Some(DealStatus::Open));
    let stage = |stage| status(json!({ "pipeline": "default", "dealstage": stage }));
    assert_eq!(stage("closedwon"), Some(DealStatus::Open));
    assert_eq!(stage("77"), Some(DealStatus::Won));
    assert_eq!(stage("78"), Some(DealStatus::Lost));
    assert_eq!(stage("79"), None);
    assert_eq!(stage("unknown"), None);
}

#[test]
fn the_expected_margin_is_its_own_property_or_the_amount_less_the_estimated_cost() {
    let properties = json!({ "amount": "100", "estimated_cost": "62.5", "margin": "11", "deal_currency_code": "EUR" });
    assert_eq!(deal(&properties).expected_margin, Some(Money::new(Decimal::new(375, 1), Currency::EUR)));
    let own = mapper("[map]\nshared_id = \"project_code\"\nexpected_margin = \"margin\"\n");
    let deal = own.deal(&record(&properties), &pipelines(), &Owners::default(), None);
    assert_eq!(deal.expected_margin, Some(Money::new(Decimal::from(11), Currency::EUR)));
    assert!(own.deal_properties().contains(&"margin") && !own.deal_properties().contains(&"estimated_cost"));
}

#[test]
fn a_link_is_a_shared_id_nothing_or_what_somebody_typed() {
    let link = |code| deal(&json!({ "project_code": code })).link;
    assert!(matches!(link(json!(" prj-2026-001 ")), Link::To(id) if id.as_str() == "PRJ-2026-001"));
    assert_eq!(link(json!(null)), Link::None);
    assert_eq!(link(json!("  ")), Link::None);
    assert_eq!(link(json!("PRJ2026-001")), Link::Malformed("PRJ2026-001".to_owned()));
}

#[test]
fn an_unmapped_ticket_keeps_its_own_words() {
    let text = json!([{ "id": "0", "label": "Support", "stages": [
        { "id": "5", "label": "With the lawyers", "metadata": { "ticketState": "OPEN" } },
        { "id": "6", "label": "New", "metadata": { "ticketState": "CLOSED" } },
    ] }])
    .to_string();
    let pipelines = Pipelines::new(serde_json::from_str(&text).unwrap());
    let ticket = |mapper: &Mapper, stage: &str, category: &str| {
        let properties = json!({ "hs_pipeline": "0", "hs_pipeline_stage": stage, "hs_ticket_category": category });
        mapper.ticket(&record(&properties), &pipelines, &Owners::default(), None)
    };
    let plain = mapper("");
    let open = ticket(&plain, "5", "WARRANTY");
    assert_eq!(open.status, TicketStatus::Unknown("With the lawyers".to_owned()));
    assert_eq!(open.category, TicketCategory::Unknown("WARRANTY".to_owned()));
    assert_eq!(ticket(&plain, "6", "X;PRODUCT_ISSUE").status, TicketStatus::Closed, "HubSpot's own mark counts");
    assert_eq!(ticket(&plain, "6", "X;PRODUCT_ISSUE").category, TicketCategory::Incident);
    let own = mapper(
        "ticket_categories = { WARRANTY = \"change_request\" }\nticket_statuses = { \"with the Lawyers\" = \"waiting\" }",
    );
    let open = ticket(&own, "5", "WARRANTY");
    assert_eq!((open.status, open.category), (TicketStatus::Waiting, TicketCategory::ChangeRequest));
}

#[test]
fn the_signed_quote_counts_before_a_later_one() {
    let quote = |id: &str, status: &str, day: u32| -> Record {
        let at = format!("2026-01-{day:02}T08:00:00Z");
        let text = json!({ "id": id, "properties": { "hs_status": status }, "createdAt": at }).to_string();
        serde_json::from_str(&text).unwrap()
    };
    let quotes = [
        quote("1", "DRAFT", 3),
        quote("2", "APPROVED", 1),
        quote("3", "APPROVED", 2),
        quote("4", "PENDING_APPROVAL", 9),
    ];
    let pick = |quotes: &[&Record]| mapper("").proposal(quotes).map(|p| (p.id.to_string(), p.version, p.signed));
    assert_eq!(pick(&quotes.iter().collect::<Vec<_>>()), Some(("3".to_owned(), 4, true)));
    assert_eq!(pick(&[&quotes[0], &quotes[3]]), Some(("4".to_owned(), 2, false)));
    assert_eq!(pick(&[]), None);
}

#[test]
fn an_email_without_plain_text_shows_its_html() {
    let record = record(&json!({ "hs_email_html": "<p>Hi</p>", "hs_timestamp": "1767600000000" }));
    let email = communication(&record, CommunicationKind::Email, &Owners::default());
    assert_eq!((email.body.as_deref(), email.subject, email.author), (Some("<p>Hi</p>"), None, None));
    assert_eq!(email.at.unwrap().to_string(), "2026-01-05T08:00:00Z");
}

#[test]
fn answers_are_read_whether_numbers_come_as_numbers_or_as_text() {
    let page: Records =
        serde_json::from_str(r#"{"total": "3", "results": [], "paging": {"next": {"after": 400}}}"#).unwrap();
    assert_eq!(page.total.unwrap().0, "3");
    let batch: BatchAnswer<Record> = serde_json::from_str(
        r#"{"status": "COMPLETE", "results": [{"id": 1, "properties": {"a": true, "b": null}}], "errors": null}"#,
    )
    .unwrap();
    assert_eq!(
        (batch.results[0].key(), batch.results[0].text("a"), batch.results[0].text("b")),
        ("1", Some("true"), None)
    );
    assert!(serde_json::from_str::<Record>(r#"{"id": {"x": 1}}"#).is_err());
}
