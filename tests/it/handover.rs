//! What projects inherit from their deals, against the company that the embedded CRM was made from.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use spine::demo::company::model::{Company, Deal};
use spine::demo::company::words::{Stage, stage_of};

use super::support::{Gateway, client, read_json, send};

/// Of each project that a won deal leads to: what none of its won deals has.
fn missing(company: &Company) -> BTreeMap<String, Vec<&'static str>> {
    let mut won: BTreeMap<String, Vec<&Deal>> = BTreeMap::new();
    for deal in company.deals.iter().filter(|deal| stage_of(&deal.stage).is_some_and(Stage::won)) {
        if let Some(id) = &deal.shared_id {
            won.entry(id.trim().to_uppercase()).or_default().push(deal);
        }
    }
    let lacks = |deals: &[&Deal]| {
        let none = |has: fn(&Deal) -> bool| !deals.iter().any(|deal| has(deal));
        [
            ("SCOPE", none(|deal| deal.scope.as_ref().is_some_and(|scope| !scope.trim().is_empty()))),
            ("PRICING", none(|deal| !deal.line_items.is_empty())),
            ("CONTACTS", none(|deal| !deal.contacts.is_empty())),
            ("SIGNED_PROPOSAL", none(|deal| deal.quotes.iter().any(|quote| quote.status == "APPROVED"))),
            ("NOTES", none(|deal| !deal.communications.is_empty())),
        ]
        .into_iter()
        .filter_map(|(item, lacks)| lacks.then_some(item))
        .collect()
    };
    won.into_iter().map(|(id, deals)| (id, lacks(&deals))).collect()
}

#[tokio::test]
async fn a_project_inherits_what_its_won_deals_have_and_the_report_lists_those_that_miss_something() {
    let gateway = Gateway::start(150).await;
    let missing = missing(&gateway.demo.company.read().unwrap());
    let is_id = |id: &str| {
        let parts: Vec<&str> = id.split('-').collect();
        let digits = |part: &str, most: usize| (most - 3..=most).contains(&part.len()) && part.parse::<u32>().is_ok();
        matches!(parts.as_slice(), ["PRJ", year, number] if year.len() == 4 && digits(year, 4) && digits(number, 6))
    };
    let ids: Vec<&String> = missing.keys().filter(|id| is_id(id)).collect();
    let query =
        "query($ids: [ProjectId!]) { projects(ids: $ids) { nodes { id handover { complete missing unknown } } } }";
    let answer = gateway.ask_with(query, json!({ "ids": ids }), None).await;
    let nodes = answer.fine()["projects"]["nodes"].as_array().unwrap().clone();
    assert!(nodes.len() > 20, "{}", nodes.len());
    let mut incomplete = 0;
    for node in &nodes {
        let id = node["id"].as_str().unwrap();
        assert_eq!(node["handover"]["missing"], json!(missing[id]), "{id}");
        assert_eq!(node["handover"]["complete"], missing[id].is_empty(), "{id}");
        assert_eq!(node["handover"]["unknown"], json!([]), "{id}");
        incomplete += usize::from(!missing[id].is_empty());
    }
    assert!(incomplete > 0 && incomplete < nodes.len(), "{incomplete} of {}", nodes.len());

    let url = format!("{}/reports/incomplete-handovers.json", gateway.url);
    let rows: Value = read_json(send(client().get(url)).await).await;
    let listed: BTreeMap<&str, &str> = rows
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["project_id"].as_str().unwrap(), row["missing"].as_str().unwrap()))
        .collect();
    for node in &nodes {
        let id = node["id"].as_str().unwrap();
        let expected = Some(missing[id].join(" ")).filter(|missing| !missing.is_empty());
        assert_eq!(listed.get(id).map(|missing| (*missing).to_owned()), expected, "{id}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_unknown_with_an_error_and_not_missing() {
    let gateway = Gateway::start(60).await;
    let id = gateway.project();
    let query = format!("{{ project(id: \"{id}\") {{ handover {{ complete missing unknown }} }} }}");
    gateway.ask(&query).await.fine();
    gateway.pass(31);
    gateway.control("hubspot", "fault", json!({ "mode": "down" })).await;
    let answer = gateway.ask(&query).await;
    assert!(answer.data()["project"]["handover"].is_null());
    assert!(answer.codes().iter().all(|(connection, _)| connection == "hubspot") && !answer.codes().is_empty());
}
