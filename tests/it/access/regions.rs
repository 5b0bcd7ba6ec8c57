//! A role that reads the deals of clients in some countries reads those, and what hangs on them, by whatever door.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::live::Events;
use super::super::support::{Gateway, client, json_body, read_json, send};
use super::super::webhooks::{NOW, tell_as_hubspot};
use super::records::{all, is_in_dach, texts};
use super::{company, gateway, get};

const FIELDS: &str = "id projectId client { country } source { recordId }";

#[tokio::test]
async fn reports_feeds_cards_and_subscriptions_are_about_the_region() {
    let gateway = gateway().await;
    let deals = all(&gateway, None, "deals", FIELDS).await;
    let (own, others): (Vec<Value>, Vec<Value>) = deals.into_iter().partition(is_in_dach);
    assert!(own.len() > 10 && others.len() > 10);
    let mine = texts(&own, "/projectId");

    let totals = "{ profitability(groupBy: [COUNTRY]) { rows { members { label } dealCount } } }";
    let countries = async |role: Option<&str>| {
        let answer = match role {
            Some(role) => gateway.ask_as(role, totals).await,
            None => gateway.ask(totals).await,
        };
        texts(answer.fine()["profitability"]["rows"].as_array().unwrap(), "/members/0/label")
    };
    let (all_countries, seen) = (countries(None).await, countries(Some("dach")).await);
    let dach = BTreeSet::from(["Austria", "Germany", "Switzerland"].map(str::to_owned));
    assert_eq!(seen, all_countries.intersection(&dach).cloned().collect());
    assert!(seen.len() > 1 && all_countries.len() > seen.len() + 1, "{seen:?} of {all_countries:?}");

    let rows = async |set: &str| -> Vec<Value> {
        let (status, body) = get(&gateway, "dach", &format!("/odata/{set}?$top=2000")).await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_str::<Value>(&body).unwrap()["value"].as_array().unwrap().clone()
    };
    assert_eq!(rows("Deals").await.len(), own.len());
    for (set, id) in [("Projects", "/id"), ("Tickets", "/project_id")] {
        let seen = texts(&rows(set).await, id);
        assert!(!seen.is_empty() && seen.is_subset(&mine), "{set}");
    }
    let (status, overdue) = get(&gateway, "dach", "/reports/overdue-receivables.csv").await;
    assert_eq!(status, 200);
    assert!(overdue.lines().count() > 1);
    for line in overdue.lines().skip(1) {
        assert!(mine.iter().any(|id| line.contains(id)), "{line}");
    }

    let card = async |deal: &Value| {
        let body = json!({ "variables": { "by": { "id": deal["source"]["recordId"] } } });
        let request = json_body(client().post(format!("{}/graphql/p/deal-card", gateway.url)), &body);
        read_json(send(request.header("x-spine-role", "dach")).await).await["data"]["deal"]["id"].clone()
    };
    let followed = async |deal: &Value| {
        let query = "subscription($id: ID!) { dealChanged(id: $id) { id } }";
        let role = [("x-spine-role", "dach")];
        Events::of(&gateway, query, json!({ "id": deal["id"] }), &role).await.answer().await["data"]["dealChanged"]["id"].clone()
    };
    assert_eq!((card(&own[0]).await, followed(&own[0]).await), (own[0]["id"].clone(), own[0]["id"].clone()));
    assert_eq!((card(&others[0]).await, followed(&others[0]).await), (Value::Null, Value::Null));
}

#[tokio::test]
async fn a_client_that_cannot_be_read_is_an_error_and_no_shorter_list() {
    let gateway = gateway().await;
    gateway.control("hubspot", "fault", json!({ "mode": "500", "path": "companies" })).await;
    let answer = gateway.ask_as("dach", "{ deals(first: 5) { nodes { id } } }").await;
    assert_eq!(answer.data()["deals"], Value::Null, "{:#}", answer.body);
    assert_eq!(answer.codes()[0].0, "hubspot");
    gateway.control("hubspot", "fault", json!({ "mode": "off" })).await;
}

#[tokio::test]
async fn where_no_role_asks_for_it_no_deal_is_asked_where_its_client_is() {
    let calls = async |more: &str| {
        let gateway = Gateway::over(company(20), |config| format!("{config}\n{more}")).await;
        gateway.reset().await;
        gateway.ask("{ deals(first: 5) { nodes { name } } }").await.fine();
        gateway.calls("hubspot").await.get("companies.batch_read").copied().unwrap_or_default()
    };
    let regions = "[access.regions]\ndach = [\"Germany\"]\n[access.roles.a]\ndeals = { regions = [\"dach\"] }";
    assert_eq!(calls("").await, 0);
    assert_eq!(calls(regions).await, 1);
}

#[tokio::test]
async fn a_key_and_a_person_have_regions_of_their_own() {
    let hash = spine::config::KeyHash::of("secret");
    let key = |name: &str, regions: &str| {
        format!("[sign_in.keys.{name}]\nhash = \"{hash}\"\nroles = [\"regional\"]\n{regions}\n")
    };
    let more = [
        "[access.roles.regional]\ndeals = { whose = \"region\" }\n[access.regions]\ndach = [\"Germany\", \"Austria\", \"Switzerland\"]\nuk = [\"United Kingdom\"]\n",
        &key("vienna", "regions = [\"dach\"]"),
        &key("london", "regions = [\"uk\"]"),
        &key("both", "regions = [\"dach\", \"uk\"]"),
        &key("nowhere", ""),
    ]
    .concat();
    let whole = Gateway::start(120).await;
    let deals = all(&whole, None, "deals", FIELDS).await;
    let of = |holds: &dyn Fn(&Value) -> bool| -> Vec<Value> {
        deals.iter().filter(|deal| holds(deal)).map(|deal| deal["id"].clone()).collect()
    };
    let in_uk = |deal: &Value| deal["client"]["country"] == "United Kingdom";
    let gateway = Gateway::over(company(120), |config| format!("{config}\n{more}")).await;
    let ask = async |key: &str| -> Vec<Value> {
        let query = json!({ "query": "{ deals(first: 200) { nodes { id } } }" });
        let request = json_body(client().post(format!("{}/graphql", gateway.url)), &query);
        let answer = read_json(send(request.header("authorization", format!("Bearer {key}.secret"))).await).await;
        answer["data"]["deals"]["nodes"]
            .as_array()
            .unwrap_or_else(|| panic!("{answer}"))
            .iter()
            .map(|deal| deal["id"].clone())
            .collect()
    };
    let (dach, uk, both) = (of(&is_in_dach), of(&in_uk), of(&|deal| is_in_dach(deal) || in_uk(deal)));
    assert!(!dach.is_empty() && !uk.is_empty());
    // In turn, so that what was answered to one is there when the next asks the same.
    for (key, expected) in
        [("vienna", &dach), ("london", &uk), ("both", &both), ("nowhere", &Vec::new()), ("vienna", &dach)]
    {
        assert_eq!(ask(key).await, *expected, "{key}");
    }
}

#[tokio::test]
async fn a_client_that_moves_takes_its_deals_along_at_once() {
    let gateway = gateway().await;
    let deals = all(&gateway, None, "deals", "id client { id name country }").await;
    let deal = deals.iter().find(|deal| is_in_dach(deal)).unwrap();
    let lookup = format!("{{ deal(by: {{ id: {} }}) {{ id }} deals(first: 200) {{ nodes {{ id }} }} }}", deal["id"]);
    let seen = async || {
        let answer = gateway.ask_as("dach", &lookup).await;
        let listed = answer.fine()["deals"]["nodes"].as_array().unwrap().iter().any(|node| node["id"] == deal["id"]);
        (!answer.data()["deal"].is_null(), listed)
    };
    assert_eq!(seen().await, (true, true));
    let client = deal["client"]["id"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
    let name = deal["client"]["name"].as_str().unwrap();
    {
        let mut company = gateway.demo.company.write().unwrap();
        let record = company.clients.iter_mut().find(|known| known.name == name).unwrap();
        record.country = "France".to_owned();
        company.revision += 1;
    }
    assert_eq!(seen().await, (true, true), "nobody told");
    let moved = json!([{ "eventId": 1, "portalId": 62, "occurredAt": NOW, "subscriptionType": "company.propertyChange",
        "objectId": client.parse::<u64>().unwrap() }]);
    assert_eq!(tell_as_hubspot(&gateway, &moved, NOW).await.0, 204);
    assert_eq!(seen().await, (false, false));
}
