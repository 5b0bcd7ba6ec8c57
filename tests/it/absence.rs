//! Switch off any one system: every query still answers with what the others own, and says what is missing.

use serde_json::{Value, json};

use super::support::{Answer, Gateway};

const CARD: &str = "query($id: ProjectId!) { project(id: $id) { code name health source { status system }
    deals { name amount { amount } } client { name } tickets { subject } invoices { number }
    costs { kind } financials { contractValue { amount } invoiced { amount } actualCost { amount } margin { amount }
    completeness { reasons } source { status } sources { system status } } } }";

async fn without(system: &str) -> (Answer, String) {
    let gateway = Gateway::start(120).await;
    let id = gateway.project();
    gateway.control(system, "fault", json!({ "mode": "down" })).await;
    (gateway.ask_with(CARD, json!({ "id": id }), None).await, id)
}

fn all_are(answer: &Answer, connection: &str, code: &str) {
    assert!(!answer.errors().is_empty());
    for (whose, what) in answer.codes() {
        assert_eq!((whose.as_str(), what.as_str()), (connection, code), "{:#}", answer.body["errors"]);
    }
    for error in answer.errors() {
        assert_eq!(error["extensions"]["retryable"], true);
        assert!(error["extensions"]["requestId"].is_string());
    }
}

#[tokio::test]
async fn without_the_erp_the_card_shows_deal_and_delivery() {
    let (answer, id) = without("sap").await;
    let project = &answer.data()["project"];
    assert_eq!(project["code"], json!(id));
    assert_eq!(project["source"]["status"], "LIVE");
    assert!(project["name"].is_string() && project["tickets"].is_array() && project["client"]["name"].is_string());
    assert!(project["financials"]["contractValue"]["amount"].is_string());
    for missing in ["invoices", "costs"] {
        assert_eq!(project[missing], Value::Null, "{missing}");
    }
    for missing in ["invoiced", "actualCost", "margin"] {
        assert_eq!(project["financials"][missing], Value::Null, "{missing}: never 0 for unknown");
    }
    let reasons = &project["financials"]["completeness"]["reasons"];
    assert_eq!(*reasons, json!(["RECEIVABLES_UNAVAILABLE", "COSTS_UNAVAILABLE"]));
    assert_eq!(project["financials"]["source"]["status"], "UNAVAILABLE");
    all_are(&answer, "sap", "UPSTREAM_UNAVAILABLE");
}

#[tokio::test]
async fn without_the_project_tool_the_card_shows_the_money() {
    let (answer, id) = without("redmine").await;
    let project = &answer.data()["project"];
    assert_eq!(project["code"], json!(id), "a project is its ID");
    assert_eq!(project["source"], json!({ "status": "UNAVAILABLE", "system": "redmine" }));
    assert_eq!((&project["name"], &project["health"], &project["tickets"]), (&Value::Null, &Value::Null, &Value::Null));
    assert!(project["financials"]["margin"]["amount"].is_string());
    assert_eq!(project["financials"]["completeness"]["reasons"], json!([]));
    assert!(project["invoices"].is_array() && project["deals"].is_array());
    all_are(&answer, "redmine", "UPSTREAM_UNAVAILABLE");
}

#[tokio::test]
async fn without_the_crm_the_project_shows_delivery_and_money() {
    let (answer, _) = without("hubspot").await;
    let project = &answer.data()["project"];
    assert!(project["name"].is_string() && project["invoices"].is_array());
    assert!(project["financials"]["margin"]["amount"].is_string(), "margin needs no deal");
    assert_eq!((&project["deals"], &project["client"]), (&Value::Null, &Value::Null));
    assert_eq!(project["financials"]["contractValue"], Value::Null);
    assert_eq!(project["financials"]["completeness"]["reasons"], json!(["COMMERCIAL_UNAVAILABLE"]));
    all_are(&answer, "hubspot", "UPSTREAM_UNAVAILABLE");
}

#[tokio::test]
async fn a_list_of_fifty_answers_with_one_error_per_field_and_not_fifty() {
    let gateway = Gateway::start(200).await;
    gateway.control("sap", "fault", json!({ "mode": "down" })).await;
    let query = "{ deals(first: 50, filter: { isWon: true }) { edges { node { name financials { invoiced { amount } margin { amount } } } } } }";
    let answer = gateway.ask(query).await;
    let rows = answer.data()["deals"]["edges"].as_array().unwrap();
    assert_eq!(rows.len(), 50);
    assert!(rows.iter().all(|row| row["node"]["name"].is_string()));
    assert_eq!(answer.errors().len(), 2, "{:#}", answer.body["errors"]);
    let affected = answer.errors()[0]["extensions"]["affected"].as_u64().unwrap();
    assert!(affected > 40, "{affected}");
    assert_eq!(answer.errors()[0]["extensions"]["paths"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn a_list_whose_owner_is_away_is_null_with_an_error_and_its_siblings_stand() {
    let gateway = Gateway::start(60).await;
    gateway.control("hubspot", "fault", json!({ "mode": "down" })).await;
    let answer = gateway
        .ask("{ deals(first: 5) { edges { node { id } } } invoices(first: 5) { edges { node { number } } } }")
        .await;
    assert_eq!(answer.data()["deals"], Value::Null);
    assert_eq!(answer.data()["invoices"]["edges"].as_array().unwrap().len(), 5);
    assert_eq!(answer.codes(), [("hubspot".to_owned(), "UPSTREAM_UNAVAILABLE".to_owned())]);
}

#[tokio::test]
async fn a_system_that_comes_back_is_read_again() {
    let gateway = Gateway::start(60).await;
    let id = gateway.project();
    gateway.control("sap", "fault", json!({ "mode": "500" })).await;
    let query = "query($id: ProjectId!) { project(id: $id) { invoices { number } } systems { name status lastError { code } } }";
    let broken = gateway.ask_with(query, json!({ "id": id }), None).await;
    assert_eq!(broken.data()["project"]["invoices"], Value::Null);
    gateway.control("sap", "fault", json!({ "mode": "off" })).await;
    gateway.pass(2);
    let back = gateway.ask_with(query, json!({ "id": id }), None).await;
    assert!(back.data()["project"]["invoices"].is_array(), "{:#}", back.body);
    let systems = gateway.ask("{ systems { name status lastError { code } } }").await;
    let sap = systems.fine()["systems"].as_array().unwrap().iter().find(|system| system["name"] == "sap").unwrap();
    assert_eq!((&sap["status"], &sap["lastError"]["code"]), (&json!("OK"), &json!("UPSTREAM_UNAVAILABLE")));
}

#[tokio::test]
async fn what_an_owner_does_not_know_is_told_apart_from_an_owner_that_is_away() {
    let gateway = Gateway::start(60).await;
    let query = "{ project(id: \"PRJ-1999-999\") { code } deal(by: { id: \"1\" }) { name } client(id: \"1\") { name }
        a: node(id: \"invoice:sap:13-999999\") { id } b: node(id: \"PRJ-1999-999\") { id } }";
    let answer = gateway.ask(query).await;
    assert_eq!(*answer.fine(), json!({ "project": null, "deal": null, "client": null, "a": null, "b": null }));
}
