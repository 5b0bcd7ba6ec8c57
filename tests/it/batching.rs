//! The least that must be asked is all that is asked, by the systems' own counters.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::support::Gateway;

const DEALS: &str =
    "{ deals(first: 200, filter: { linked: true }) { edges { node { id project { code name status health
    tickets { id subject } invoices { number status } } financials { contractValue { amount } invoiced { amount }
    margin { amount } } } } } }";

#[tokio::test]
async fn two_hundred_deals_with_all_that_hangs_on_them_cost_no_more_than_their_batches() {
    let gateway = Gateway::start(700).await;
    // Reference data (pipelines, owners, custom fields, the session) is read once and not counted here.
    gateway.ask("{ deals(first: 1) { edges { node { project { name invoices { id } financials { margin { amount } } } } } } }").await;
    gateway.reset().await;
    let answer = gateway.ask_live(DEALS).await;
    let rows = answer.data()["deals"]["edges"].as_array().unwrap();
    assert_eq!(rows.len(), 200);
    let projects: BTreeSet<&str> = rows.iter().filter_map(|row| row["node"]["project"]["code"].as_str()).collect();
    let projects = u64::try_from(projects.len()).unwrap();
    assert!(projects > 100, "more than one batch of everything: {projects}");
    let issues = {
        let company = gateway.demo.company.read().unwrap();
        u64::try_from(company.issues.len()).unwrap()
    };

    // Two pages of deals and the deals of each project; the companies of each come by association.
    let deals = 2 + projects.div_ceil(100);
    at_most(&gateway.calls("hubspot").await, &[("deals.search", deals), ("deals.associations.companies", deals)]);
    // Projects by shared ID, and again to find the issues of each; issues page by page.
    let batches = projects.div_ceil(100);
    at_most(
        &gateway.calls("redmine").await,
        &[("projects.list", 2 * batches), ("issues.list", issues.div_ceil(100) + batches)],
    );
    // Or-chains of at most 40 IDs; one read per kind of document.
    let chains = projects.div_ceil(40);
    let kinds = [
        "Invoices",
        "CreditNotes",
        "PurchaseInvoices.join",
        "PurchaseCreditNotes.join",
        "PurchaseOrders.join",
        "PurchaseDeliveryNotes.join",
        "SQLQueries.list",
        "Projects",
    ];
    at_most(&gateway.calls("sap").await, &kinds.map(|kind| (kind, chains)));
}

/// Every call that was made is expected, and none was made more often.
fn at_most(calls: &BTreeMap<String, u64>, limits: &[(&str, u64)]) {
    assert!(!calls.is_empty());
    for (name, count) in calls {
        let limit = limits.iter().find(|(known, _)| known == name).map(|(_, limit)| *limit);
        assert!(limit.is_some_and(|limit| *count <= limit), "{name}: {count} calls, at most {limit:?}: {calls:?}");
    }
}

#[tokio::test]
async fn a_hundred_identical_requests_at_once_cost_what_one_costs() {
    let gateway = Gateway::start(60).await;
    let project = gateway.project();
    let card = "query($id: ProjectId!) { deal(by: { projectId: $id }) { name stage client { name } project { name health
        tickets { subject } milestones { name } invoices { number } } financials { margin { amount } eac { amount } } } }";
    let total = async || {
        let mut sum = 0;
        for system in ["hubspot", "sap", "redmine"] {
            sum += gateway.calls(system).await.values().sum::<u64>();
        }
        sum
    };
    gateway.ask_with(card, json!({ "id": project }), None).await;
    gateway.pass(3600);
    gateway.reset().await;
    gateway.ask_with(card, json!({ "id": project }), None).await;
    let one = total().await;
    assert!(one > 0);

    gateway.pass(3600);
    gateway.reset().await;
    let asked = (0..100).map(|_| gateway.ask_with(card, json!({ "id": project }), None));
    let answers = futures_util::future::join_all(asked).await;
    assert!(answers.iter().all(|answer| answer.data() == answers[0].data()));
    assert_eq!(total().await, one);

    // And the next hundred cost nothing: all of it is cached.
    gateway.reset().await;
    let asked = (0..100).map(|_| gateway.ask_with(card, json!({ "id": project }), None));
    futures_util::future::join_all(asked).await;
    assert_eq!(total().await, 0);
}

/// What cannot be written at once is executed a second time, by a document that has been asked before: first by its roots alone.
#[tokio::test]
async fn what_is_executed_twice_is_read_once() {
    let bills =
        "query($id: ProjectId!) { project(id: $id) { name invoices(direction: PAYABLE) { number } costs { kind }
        deals { name } milestones { name } } }";
    let money = "query($id: ProjectId!) { project(id: $id) { name deals { name client { name } } invoices { number }
        tickets { subject } financials { margin { amount } } } }";
    for (query, down) in [(bills, None), (money, Some("redmine")), (money, Some("sap")), (money, None)] {
        let gateway = Gateway::start(60).await;
        let variables = json!({ "id": gateway.project() });
        if let Some(system) = down {
            gateway.control(system, "fault", json!({ "mode": "down" })).await;
        }
        // By another document, so that what is read once in a lifetime is read.
        gateway.ask_with(&format!("{query} "), variables.clone(), Some("no-cache")).await;
        let mut seen = Vec::new();
        for _ in 0..3 {
            gateway.pass(1);
            let before = [gateway.calls("hubspot").await, gateway.calls("sap").await, gateway.calls("redmine").await];
            let answer = gateway.ask_with(query, variables.clone(), Some("no-cache")).await;
            let after = [gateway.calls("hubspot").await, gateway.calls("sap").await, gateway.calls("redmine").await];
            let sum = |calls: &BTreeMap<String, u64>| calls.values().sum::<u64>();
            // Of a system that is down the attempts hang on what was learned of it.
            let systems = ["hubspot", "sap", "redmine"].iter().zip(before.iter().zip(&after));
            let up = systems.filter(|(system, _)| down != Some(**system));
            let calls: Vec<u64> = up.map(|(_, (before, after))| sum(after) - sum(before)).collect();
            assert!(calls.iter().sum::<u64>() > 0);
            seen.push((calls, answer.data().clone(), answer.body["errors"].as_array().map(Vec::len)));
        }
        assert!(seen.windows(2).all(|pair| pair[0] == pair[1]), "{down:?}: {seen:#?}");
    }
}
