//! Reference, not copy: a correction is seen, and every value says how old it is.

use serde_json::{Value, json};

use super::support::{Gateway, company};

const CARD: &str = "query($id: ProjectId!) { project(id: $id) { financials {
    invoiced { amount } source { status ageMs asOf } } invoices { number net { amount } source { status } } } }";

/// An open invoice that nobody has paid: its project, its number.
pub(crate) fn open_invoice(gateway: &Gateway) -> (String, u32) {
    let company = gateway.demo.company.read().unwrap();
    let invoice = company
        .ledger
        .documents
        .iter()
        .filter(|document| document.kind == spine::demo::company::model::DocumentKind::Invoice)
        .find(|invoice| invoice.open && invoice.paid.is_zero() && invoice.project.is_some());
    let invoice = invoice.expect("the seed has an open invoice");
    (invoice.project.clone().unwrap(), invoice.number)
}

pub(crate) fn net(data: &Value, number: u32) -> Value {
    let invoices = data["project"]["invoices"].as_array().unwrap();
    let number = number.to_string();
    let found = invoices.iter().find(|invoice| invoice["number"] == number.as_str());
    found.unwrap_or_else(|| panic!("no invoice {number} in {invoices:?}"))["net"]["amount"].clone()
}

#[tokio::test]
async fn a_correction_at_the_erp_is_seen_after_one_time_to_live_and_at_once_with_no_cache() {
    let gateway = Gateway::start(120).await;
    let (project, number) = open_invoice(&gateway);
    let variables = json!({ "id": project });

    let first = gateway.ask_with(CARD, variables.clone(), None).await;
    let before = net(first.fine(), number);
    assert_eq!(first.data()["project"]["financials"]["source"]["status"], "LIVE");

    gateway.control("sap", "correct", json!({ "invoice": number, "net": "4321.09" })).await;
    gateway.pass(10);
    let cached = gateway.ask_with(CARD, variables.clone(), None).await;
    assert_eq!(net(cached.fine(), number), before, "within its time to live the cache answers");
    let source = &cached.data()["project"]["financials"]["source"];
    assert_eq!((&source["status"], &source["ageMs"]), (&json!("CACHED"), &json!(10_000)), "and says so");

    let live = gateway.ask_with(CARD, variables.clone(), Some("no-cache")).await;
    assert_eq!(net(live.fine(), number), "4321.09", "no-cache asks the owner");
    assert_eq!(live.data()["project"]["financials"]["source"]["status"], "LIVE");
    let after_live = gateway.ask_with(CARD, variables.clone(), None).await;
    assert_eq!(net(after_live.fine(), number), "4321.09", "and the cache holds what it said");

    gateway.control("sap", "correct", json!({ "invoice": number, "net": "555.55" })).await;
    gateway.pass(30);
    let expired = gateway.ask_with(CARD, variables, None).await;
    assert_eq!(net(expired.fine(), number), "555.55", "after the time to live nothing old is left");
}

#[tokio::test]
async fn a_corrected_figure_moves_by_exactly_the_correction() {
    let gateway = Gateway::start(120).await;
    let (project, number) = open_invoice(&gateway);
    let query = "query($id: ProjectId!) { project(id: $id) { financials { invoiced { amount } } invoices { number net { amount } } } }";
    let variables = json!({ "id": project });
    let amount = |value: &Value| value.as_str().unwrap().parse::<rust_decimal::Decimal>().unwrap();

    let before = gateway.ask_with(query, variables.clone(), None).await;
    let old =
        (amount(&before.fine()["project"]["financials"]["invoiced"]["amount"]), amount(&net(before.data(), number)));
    gateway.control("sap", "correct", json!({ "invoice": number, "net": "1000.01" })).await;
    gateway.pass(1);
    let after = gateway.ask_with(query, variables, Some("no-cache")).await;
    let new = amount(&after.fine()["project"]["financials"]["invoiced"]["amount"]);
    assert_eq!(new - old.0, "1000.01".parse::<rust_decimal::Decimal>().unwrap() - old.1);
}

#[tokio::test]
async fn the_answer_tells_the_age_of_its_oldest_part_in_its_headers() {
    let gateway = Gateway::start(60).await;
    let (project, _) = open_invoice(&gateway);
    let ask = async |control| gateway.ask_with(CARD, json!({ "id": project }), control).await.headers;

    let fresh = ask(None).await;
    assert_eq!(fresh["age"], "0");
    gateway.pass(12);
    let aged = ask(None).await;
    assert_eq!(aged["age"], "12");
    let control = aged["cache-control"].to_str().unwrap();
    let max_age: u64 = control.strip_prefix("private, max-age=").unwrap().parse().unwrap();
    assert!((27..=30).contains(&max_age), "{control}: the time to live, less at most 10 % jitter");
    assert_eq!(ask(Some("max-age=11")).await["age"], "0", "a request can ask for younger values");
    assert_eq!(ask(Some("max-age=60")).await["age"], "0");

    gateway.control("sap", "fault", json!({ "mode": "500" })).await;
    gateway.pass(1);
    let failed = ask(Some("no-cache")).await;
    assert_eq!(failed["cache-control"], "no-store", "an answer with a missing part is not to be kept");
}

#[tokio::test]
async fn the_same_holds_for_the_crm_and_the_project_tool() {
    let gateway = Gateway::start(60).await;
    let project = gateway.project();
    let query = "query($id: ProjectId!) { project(id: $id) { health healthReason deal { source { recordId } amount { amount } } } }";
    let variables = json!({ "id": project });
    let before = gateway.ask_with(query, variables.clone(), None).await;
    let deal = before.fine()["project"]["deal"]["source"]["recordId"].as_str().unwrap().to_owned();

    gateway
        .control("redmine", "correct", json!({ "project": project, "health": "Red", "health_reason": "Late steel" }))
        .await;
    gateway.control("hubspot", "correct", json!({ "deal": deal, "amount": "77777.77" })).await;
    gateway.pass(1);
    let after = gateway.ask_with(query, variables, Some("no-cache")).await;
    let project = &after.fine()["project"];
    assert_eq!((&project["health"], &project["healthReason"]), (&json!("RED"), &json!("Late steel")));
    assert_eq!(project["deal"]["amount"]["amount"], "77777.77");
}

/// A gateway whose configuration allows values of the ERP's to be shown beyond their time to live.
async fn lenient(settings: &str) -> Gateway {
    let cache = format!("\n[cache]\nttl = \"30s\"\njitter_percent = 0\n[cache.domains.receivables]\n{settings}\n");
    Gateway::over(company(60), |config| config + &cache).await
}

const INVOICES: &str =
    "query($id: ProjectId!) { project(id: $id) { invoices { number net { amount } source { status ageMs } } } }";

#[tokio::test]
async fn an_erp_that_is_down_is_stood_in_for_where_the_company_allows_it_and_it_shows() {
    let gateway = lenient("stale_if_error = \"5m\"").await;
    let (project, number) = open_invoice(&gateway);
    let ask = async |control| gateway.ask_with(INVOICES, json!({ "id": project }), control).await;
    let source = |answer: &super::support::Answer| answer.data()["project"]["invoices"][0]["source"].clone();

    let before = net(ask(None).await.fine(), number);
    gateway.control("sap", "fault", json!({ "mode": "down" })).await;
    gateway.control("sap", "correct", json!({ "invoice": number, "net": "4321.09" })).await;
    gateway.pass(40);
    let stale = ask(None).await;
    assert_eq!(net(stale.fine(), number), before);
    assert_eq!(source(&stale), json!({ "status": "STALE", "ageMs": 40_000 }));
    assert_eq!(
        (&stale.headers["age"], &stale.headers["cache-control"]),
        (&"40".parse().unwrap(), &"private, max-age=40".parse().unwrap())
    );

    let live = ask(Some("no-cache")).await;
    assert_eq!(live.data()["project"]["invoices"], Value::Null, "who asks for live values is told that there are none");
    assert!(!live.errors().is_empty());
    gateway.pass(300);
    assert!(!ask(None).await.errors().is_empty(), "and nobody gets a value older than the company allows");
}

#[tokio::test]
async fn a_stale_value_is_shown_at_once_while_it_is_read_anew_where_the_company_allows_it() {
    let gateway = lenient("stale_while_revalidate = \"1m\"").await;
    let (project, number) = open_invoice(&gateway);
    let ask = async || gateway.ask_with(INVOICES, json!({ "id": project }), None).await;
    let before = net(ask().await.fine(), number);
    gateway.control("sap", "correct", json!({ "invoice": number, "net": "4321.09" })).await;
    gateway.control("sap", "fault", json!({ "mode": "slow", "ms": 500 })).await;
    gateway.pass(31);
    let stale = ask().await;
    assert_eq!(net(stale.fine(), number), before);
    assert_eq!(stale.data()["project"]["invoices"][0]["source"]["status"], "STALE");
    // The owner is being asked meanwhile: the next answers have it, as soon as it has answered.
    let mut seen = before.clone();
    for _ in 0..1000 {
        seen = net(ask().await.fine(), number);
        if seen != before {
            break;
        }
    }
    assert_eq!(seen, "4321.09");
}

/// What the ERP was asked since the last time.
async fn asked(gateway: &Gateway) -> u64 {
    let calls = gateway.calls("sap").await.values().sum();
    gateway.control("sap", "reset", json!({})).await;
    calls
}

#[tokio::test]
async fn what_the_owner_does_not_know_is_believed_for_a_while_of_its_own() {
    let cache = "\n[cache]\nttl = \"60s\"\nnot_found = \"5s\"\njitter_percent = 0\n";
    let gateway = Gateway::over(company(60), |config| config + cache).await;
    let query = "{ project(id: \"PRJ-2025-99999\") { invoices { number } } }";
    gateway.ask(query).await;
    assert!(asked(&gateway).await > 0);
    gateway.pass(4);
    gateway.ask(query).await;
    assert_eq!(asked(&gateway).await, 0, "it said so four seconds ago");
    gateway.pass(2);
    gateway.ask(query).await;
    assert!(asked(&gateway).await > 0, "somebody may have made it since");
}

#[tokio::test]
async fn a_failure_is_remembered_for_a_moment_and_no_longer() {
    let gateway = Gateway::over(company(60), |config| config + "\n[cache]\nfailure = \"1s\"\n").await;
    let (project, _) = open_invoice(&gateway);
    let ask = async || gateway.ask_with(INVOICES, json!({ "id": project }), None).await;
    // What signing in takes is behind us.
    gateway.ask_with(INVOICES, json!({ "id": gateway.project() }), None).await.fine();
    gateway.control("sap", "fault", json!({ "mode": "403" })).await;
    assert!(!ask().await.errors().is_empty());
    gateway.control("sap", "reset", json!({})).await;
    assert!(!ask().await.errors().is_empty(), "at the same moment it is not asked again");
    assert_eq!(asked(&gateway).await, 0);
    gateway.pass(1);
    ask().await.fine();
    assert!(asked(&gateway).await > 0, "a moment later it is");
}

#[tokio::test]
async fn a_cache_without_room_keeps_nothing_and_still_answers() {
    let cache = "\n[cache]\nmax_bytes = 0\nanswer_bytes = 0\n";
    let gateway = Gateway::over(company(60), |config| config + cache).await;
    let (project, _) = open_invoice(&gateway);
    for _ in 0..2 {
        gateway.ask_with(INVOICES, json!({ "id": project }), None).await.fine();
        assert!(asked(&gateway).await > 0, "there is no room for what was read");
    }
}
