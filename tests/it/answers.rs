//! Whole answers: when they are given again, and when not.

use serde_json::{Value, json};

use super::freshness::{net, open_invoice};
use super::support::{Answer, Gateway};

const CARD: &str = "query($id: ProjectId!) { project(id: $id) { name financials { invoiced { amount } } } }";

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

#[tokio::test]
async fn an_answer_is_given_again_with_its_age_until_its_shortest_lived_part_ends() {
    let gateway = Gateway::over(super::support::company(60), |config| {
        format!("{config}\n[cache]\nttl = \"60s\"\njitter_percent = 0\n[cache.domains.delivery]\nttl = \"20s\"\n")
    })
    .await;
    let variables = json!({ "id": gateway.project() });
    let first = gateway.ask_with(CARD, variables.clone(), None).await;
    assert_eq!(header(&first, "age"), "0");
    assert_eq!(header(&first, "cache-control"), "private, max-age=20");
    gateway.reset().await;
    gateway.pass(19);
    let again = gateway.ask_with(CARD, variables.clone(), None).await;
    assert_eq!(again.body, first.body);
    assert_eq!((header(&again, "age"), header(&again, "cache-control")), ("19", "private, max-age=20"));
    assert_eq!(header(&again, "etag"), header(&first, "etag"));
    let calls = async || {
        let mut all = 0;
        for system in ["hubspot", "sap", "redmine"] {
            all += gateway.calls(system).await.values().sum::<u64>();
        }
        all
    };
    assert_eq!(calls().await, 0);
    gateway.pass(1);
    gateway.ask_with(CARD, variables, None).await.fine();
    let redmine = gateway.calls("redmine").await;
    assert_eq!(redmine.values().sum::<u64>(), calls().await, "only what has ended is read again");
    assert!(calls().await > 0);
}

#[tokio::test]
async fn who_asks_for_younger_values_gets_younger_values() {
    let gateway = Gateway::start(60).await;
    let variables = json!({ "id": gateway.project() });
    gateway.ask_with(CARD, variables.clone(), None).await.fine();
    gateway.pass(10);
    for (control, age) in [("max-age=10", "10"), ("max-age=9", "0"), ("no-cache", "0"), ("no-store", "0")] {
        let answer = gateway.ask_with(CARD, variables.clone(), Some(control)).await;
        assert_eq!(header(&answer, "age"), age, "{control}");
    }
}

#[tokio::test]
async fn the_age_of_a_value_in_an_answer_is_that_of_the_moment() {
    let gateway = Gateway::start(60).await;
    let query = "query($id: ProjectId!) { project(id: $id) { source { status ageMs } } }";
    let variables = json!({ "id": gateway.project() });
    let source = async || gateway.ask_with(query, variables.clone(), None).await.fine()["project"]["source"].clone();
    assert_eq!(source().await, json!({ "status": "LIVE", "ageMs": 0 }));
    gateway.pass(3);
    assert_eq!(source().await, json!({ "status": "CACHED", "ageMs": 3000 }));
    gateway.pass(4);
    assert_eq!(source().await, json!({ "status": "CACHED", "ageMs": 7000 }));
    let status = "query($id: ProjectId!) { project(id: $id) { source { status } } }";
    let status = async || {
        gateway.pass(1);
        gateway.ask_with(status, variables.clone(), None).await.fine()["project"]["source"]["status"].clone()
    };
    gateway.pass(60);
    assert_eq!((status().await, status().await, status().await), (json!("LIVE"), json!("CACHED"), json!("CACHED")));
}

#[tokio::test]
async fn answers_with_a_failed_part_are_made_anew() {
    let gateway = Gateway::start(60).await;
    let variables = json!({ "id": gateway.project() });
    gateway.control("sap", "fault", json!({ "mode": "down" })).await;
    let broken = gateway.ask_with(CARD, variables.clone(), None).await;
    assert_eq!(header(&broken, "cache-control"), "no-store");
    assert_eq!(header(&broken, "etag"), "");
    gateway.reset().await;
    gateway.pass(120);
    gateway.ask_with(CARD, variables, Some("no-cache")).await.fine();
}

#[tokio::test]
async fn who_has_seen_a_newer_value_is_not_shown_an_older_one() {
    let gateway = Gateway::start(60).await;
    let (project, number) = open_invoice(&gateway);
    let variables = json!({ "id": project });
    let list = "query($id: ProjectId!) { project(id: $id) { invoices { number net { amount } } } }";
    let beside = "query($id: ProjectId!) { project(id: $id) { name invoices { number net { amount } } } }";
    let ask = async |query: &str, control: Option<&str>| {
        net(gateway.ask_with(query, variables.clone(), control).await.fine(), number)
    };
    let first = ask(list, None).await;
    assert_eq!(ask(beside, None).await, first);
    gateway.control("sap", "correct", json!({ "invoice": number, "net": "1.23" })).await;
    gateway.pass(1);
    assert_eq!(ask(list, None).await, first, "within the time to live");
    let refreshed = ask(list, Some("no-cache")).await;
    assert_ne!(refreshed, first);
    assert_eq!(ask(list, None).await, refreshed);
    assert_eq!(ask(beside, None).await, refreshed, "in another question as well");
}

#[tokio::test]
async fn answers_to_other_variables_are_other_answers() {
    let gateway = Gateway::start(60).await;
    let deals = "query($first: Int!) { deals(first: $first) { nodes { id } } }";
    for _ in 0..2 {
        for first in [1, 2, 3] {
            let answer = gateway.ask_with(deals, json!({ "first": first }), None).await;
            assert_eq!(answer.fine()["deals"]["nodes"].as_array().map(Vec::len), Some(first));
        }
    }
}

#[tokio::test]
async fn who_has_the_answer_already_is_told_so() {
    let gateway = Gateway::start(60).await;
    let body = json!({ "query": CARD, "variables": { "id": gateway.project() } });
    let post = |tag: &str| {
        let request = super::support::client().post(format!("{}/graphql", gateway.url));
        super::support::send(super::support::json_body(request, &body).header("if-none-match", tag))
    };
    let first = post("\"other\"").await;
    assert_eq!(first.status(), 200);
    let tag = first.headers()["etag"].to_str().unwrap().to_owned();
    let again = post(&tag).await;
    assert_eq!(again.status(), 304);
    assert_eq!(again.headers()["etag"], tag.as_str());
    assert!(again.headers().contains_key("age") && again.headers().contains_key("cache-control"));
    assert!(again.bytes().await.unwrap().is_empty());
    gateway.pass(60);
    assert_eq!(post(&tag).await.status(), 304, "read again, and nothing has changed");
    let project = gateway.project();
    let (_, number) = open_invoice(&gateway);
    gateway.control("sap", "correct", json!({ "invoice": number, "net": "1.23" })).await;
    let answer: Value = gateway.ask_with(CARD, json!({ "id": project }), Some("no-cache")).await.body;
    assert!(answer["data"]["project"]["name"].is_string());
}
