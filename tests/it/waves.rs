//! What an answer costs: calls at the bound, in as few waves as can be, as planned.

use serde_json::{Value, json};

use super::support::{Answer, Gateway, client, json_body, read_json, send};

const CARD: &str =
    "query($id: ID!) { deal(by: { id: $id }) { id project { name invoices { number } costs { kind } } } }";

/// A deal that leads to a project with invoices, by its global ID, and another such project.
fn linked(gateway: &Gateway) -> (u64, String, String) {
    let company = gateway.demo.company.read().unwrap();
    let invoiced = |project: &String| {
        company.ledger.documents.iter().any(|document| document.project.as_ref() == Some(project))
            && company.projects.iter().filter(|known| known.shared_id.as_ref() == Some(project)).count() == 1
    };
    let mut deals = company.deals.iter().filter(|deal| deal.shared_id.as_ref().is_some_and(invoiced));
    let deal = deals.next().unwrap();
    let project = deal.shared_id.clone().unwrap();
    let other = deals.find_map(|deal| deal.shared_id.clone().filter(|other| *other != project)).unwrap();
    (deal.id, project, other)
}

async fn explained(gateway: &Gateway, query: &str, variables: Value, no_cache: bool) -> Value {
    let body = json!({ "query": query, "variables": variables });
    let request = json_body(client().post(format!("{}/graphql", gateway.url)), &body).header("x-spine-explain", "1");
    let request = if no_cache { request.header("cache-control", "no-cache") } else { request };
    read_json(send(request).await).await
}

fn calls(answer: &Value) -> Value {
    answer["extensions"]["spine"]["made"]["calls"].clone()
}

async fn total(gateway: &Gateway, system: &str) -> u64 {
    gateway.calls(system).await.values().sum()
}

#[tokio::test]
async fn a_list_costs_what_was_planned_and_that_is_the_bound() {
    let gateway = Gateway::start(300).await;
    let query =
        "query($first: Int!) { deals(first: $first) { nodes { id client { name } project { name tickets { id } } } } }";
    // What is signed in for, and looked up once for all, is there.
    explained(&gateway, query, json!({ "first": 1 }), true).await;
    gateway.reset().await;
    gateway.pass(1);
    let answer = explained(&gateway, query, json!({ "first": 90 }), true).await;
    assert!(answer["errors"].is_null(), "{}", answer["errors"]);
    let reads = answer["extensions"]["spine"]["made"]["reads"].as_array().unwrap();
    let planned = answer["extensions"]["spine"]["planned"]["steps"].as_array().unwrap();
    for read in reads {
        let name = read["read"].as_str().unwrap();
        let step = planned.iter().find(|step| step["read"] == name).unwrap_or_else(|| panic!("{name} was not planned"));
        let (asked, batch) = (read["asked"].as_u64().unwrap(), step["batch"].as_u64().unwrap());
        let batches = read["batches"].as_array().unwrap();
        assert_eq!(batches.len() as u64, asked.div_ceil(batch), "{name}: one batch for each {batch} keys");
        assert!(step["batches"].as_u64() >= Some(batches.len() as u64), "{name}: planned for the most");
    }
    let made: u64 = calls(&answer).as_object().unwrap().values().map(|calls| calls.as_u64().unwrap()).sum();
    assert_eq!(made, total(&gateway, "hubspot").await + total(&gateway, "redmine").await, "counted on both sides");
}

#[tokio::test]
async fn a_deal_that_was_seen_before_asks_all_systems_at_once() {
    let gateway = Gateway::start(60).await;
    let (deal, ..) = linked(&gateway);
    let id = json!({ "id": format!("deal:hubspot:{deal}") });
    let first = gateway.ask_with(CARD, id.clone(), Some("no-cache")).await;
    first.fine();
    gateway.reset().await;
    gateway.pass(1);
    // The CRM does not answer; all others were asked all the same.
    gateway.control("hubspot", "fault", json!({ "mode": "down" })).await;
    let answer = gateway.ask_with(CARD, id, Some("no-cache")).await;
    assert_eq!(answer.data()["deal"], Value::Null, "what cannot be verified is not shown");
    assert_eq!(answer.codes(), [("hubspot".to_owned(), "UPSTREAM_UNAVAILABLE".to_owned())]);
    assert!(total(&gateway, "sap").await > 0 && total(&gateway, "redmine").await > 0);
}

#[tokio::test]
async fn a_deal_that_was_never_seen_is_asked_for_first() {
    let gateway = Gateway::start(60).await;
    let (deal, ..) = linked(&gateway);
    gateway.control("hubspot", "fault", json!({ "mode": "down" })).await;
    gateway.ask_with(CARD, json!({ "id": format!("deal:hubspot:{deal}") }), None).await;
    assert_eq!(total(&gateway, "sap").await + total(&gateway, "redmine").await, 0);
}

#[tokio::test]
async fn a_link_that_has_changed_is_followed_and_the_old_project_is_not_shown() {
    let gateway = Gateway::start(60).await;
    let (deal, old, new) = linked(&gateway);
    let id = json!({ "id": format!("deal:hubspot:{deal}") });
    let project = async |answer: Answer| answer.fine()["deal"]["project"].clone();
    let before = project(gateway.ask_with(CARD, id.clone(), Some("no-cache")).await).await;
    let relink = |to: Option<String>| {
        let mut company = gateway.demo.company.write().unwrap();
        let deal = company.deals.iter_mut().find(|known| known.id == deal).unwrap();
        deal.shared_id = to;
        drop(company);
        gateway.pass(1);
    };
    relink(Some(new.clone()));
    let after = project(gateway.ask_with(CARD, id.clone(), Some("no-cache")).await).await;
    let expected = "query($id: ProjectId!) { project(id: $id) { name invoices { number } costs { kind } } }";
    let expected = gateway.ask_with(expected, json!({ "id": new }), None).await.fine()["project"].clone();
    assert_eq!(after, expected);
    assert_ne!(after, before);
    relink(None);
    assert_eq!(project(gateway.ask_with(CARD, id.clone(), Some("no-cache")).await).await, Value::Null);
    relink(Some(old));
    assert_eq!(project(gateway.ask_with(CARD, id, Some("no-cache")).await).await, before);
}

#[tokio::test]
async fn requests_at_once_share_their_calls_and_say_so() {
    let gateway = Gateway::start(60).await;
    let (deal, ..) = linked(&gateway);
    let id = json!({ "id": format!("deal:hubspot:{deal}") });
    explained(&gateway, CARD, id.clone(), true).await;
    gateway.reset().await;
    gateway.control("sap", "fault", json!({ "mode": "slow", "ms": 60 })).await;
    let all = (0..20).map(|_| explained(&gateway, CARD, id.clone(), false));
    gateway.pass(60);
    let answers = futures_util::future::join_all(all).await;
    let reads = answers[0]["extensions"]["spine"]["made"]["reads"].as_array().unwrap().clone();
    let invoices = reads.iter().find(|read| read["read"] == "invoices_by_project").unwrap();
    assert_eq!(invoices["batches"][0]["shared"], true, "{invoices}");
    let one = invoices["batches"][0]["calls"].as_u64().unwrap();
    let costs = reads.iter().find(|read| read["read"] == "costs_by_project").unwrap();
    let other = costs["batches"][0]["calls"].as_u64().unwrap();
    assert_eq!(total(&gateway, "sap").await, one + other, "twenty cost what one costs");
}

#[tokio::test]
async fn nobody_is_told_who_does_not_ask() {
    let gateway = Gateway::start(60).await;
    assert!(gateway.ask("{ deals(first: 1) { totalCount } }").await.body["extensions"].is_null());
}

#[tokio::test]
async fn a_walk_in_the_background_reads_one_page_ahead_and_none_twice() {
    let gateway = Gateway::start(300).await;
    let query = "query($after: String) { deals(first: 100, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } }";
    let page = async |after: Value| {
        let body = json!({ "query": query, "variables": { "after": after } });
        let request = json_body(client().post(format!("{}/graphql", gateway.url)), &body);
        read_json(send(request.header("x-spine-explain", "1").header("priority", "u=6")).await).await
    };
    let (mut after, mut seen) = (Value::Null, 0);
    for number in 0.. {
        let answer = page(after).await;
        let deals = &answer["data"]["deals"];
        seen += deals["nodes"].as_array().unwrap().len();
        let read = &answer["extensions"]["spine"]["made"]["reads"][0];
        let under_way = read["hits"].as_u64().unwrap() + read["joined"].as_u64().unwrap();
        assert_eq!(under_way, u64::from(number > 0), "page {number}: {read}");
        if deals["pageInfo"]["hasNextPage"] != true {
            break;
        }
        after = deals["pageInfo"]["endCursor"].clone();
    }
    assert_eq!(seen, 300);
    assert_eq!(gateway.calls("hubspot").await["deals.list"], 3, "three pages of a hundred");
}

#[tokio::test]
async fn a_list_that_spine_filters_is_read_in_whole_pages_and_comes_to_its_end() {
    let gateway = Gateway::start(300).await;
    {
        // Whoever looks for a deal that is not won has to look past these.
        let mut company = gateway.demo.company.write().unwrap();
        for deal in company.deals.iter_mut().take(120) {
            "default".clone_into(&mut deal.pipeline);
            "closedwon".clone_into(&mut deal.stage);
        }
        company.revision += 1;
    }
    let query = "{ deals(first: 1, filter: { isWon: false }) { nodes { id isWon } } }";
    gateway.ask(query).await.fine();
    gateway.reset().await;
    gateway.pass(1);
    let answer = gateway.ask_live(query).await;
    assert_eq!(answer.fine()["deals"]["nodes"][0]["isWon"], false);
    let calls = gateway.calls("hubspot").await;
    let pages: u64 = calls.iter().filter(|(name, _)| name.starts_with("deals.")).map(|(_, calls)| calls).sum();
    assert!(
        (1..=4).contains(&pages),
        "{calls:?}: two hundred deals are looked through in as few calls as the CRM allows"
    );
}

#[tokio::test]
async fn a_direction_that_is_a_variable_reads_no_more_than_one_that_is_written_out() {
    let gateway = Gateway::start(60).await;
    let (_, project, _) = linked(&gateway);
    let by_variable =
        "query($id: ProjectId!, $d: InvoiceDirection) { project(id: $id) { invoices(direction: $d) { number } } }";
    for (direction, wanted, other) in [
        ("RECEIVABLE", "invoices_by_project", "bills_by_project"),
        ("PAYABLE", "bills_by_project", "invoices_by_project"),
    ] {
        gateway.pass(1);
        let answer = explained(&gateway, by_variable, json!({ "id": project, "d": direction }), true).await;
        assert!(answer["errors"].is_null(), "{}", answer["errors"]);
        for part in
            [&answer["extensions"]["spine"]["made"]["reads"], &answer["extensions"]["spine"]["planned"]["steps"]]
        {
            let reads: Vec<&str> = part.as_array().unwrap().iter().filter_map(|read| read["read"].as_str()).collect();
            assert!(reads.contains(&wanted) && !reads.contains(&other), "{direction}: {reads:?}");
        }
    }
}
