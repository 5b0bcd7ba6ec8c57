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
