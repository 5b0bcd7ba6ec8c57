//! The least that must be asked is all that is asked, by the systems' own counters.

use serde_json::json;

use super::support::Gateway;

const DEALS: &str = "{ deals(first: 200, filter: { linked: true }) { edges { node { id project { name status health
    tickets { id subject } invoices { number status } } financials { contractValue { amount } invoiced { amount }
    margin { amount } } } } } }";

#[tokio::test]
async fn two_hundred_deals_with_all_that_hangs_on_them_cost_no_more_than_their_batches() {
    let gateway = Gateway::start(600).await;
    // Reference data (pipelines, owners, custom fields, the session) is read once and not counted here.
    gateway.ask("{ deals(first: 1) { edges { node { project { name invoices { id } financials { margin { amount } } } } } } }").await;
    gateway.reset().await;
    let answer = gateway.ask_live(DEALS).await;
    let rows = answer.data()["deals"]["edges"].as_array().unwrap();
    assert_eq!(rows.len(), 200);
    let projects: std::collections::BTreeSet<&str> =
        rows.iter().filter_map(|row| row["node"]["project"]["name"].as_str()).collect();
    assert!(projects.len() > 50, "{}", projects.len());

    let (hubspot, sap, redmine) =
        (gateway.calls("hubspot").await, gateway.calls("sap").await, gateway.calls("redmine").await);
    let at_most = |calls: &std::collections::BTreeMap<String, u64>, limits: &[(&str, u64)]| {
        for (name, count) in calls {
            let limit = limits.iter().find(|(known, _)| known == name).map(|(_, limit)| *limit);
            assert!(limit.is_some_and(|limit| *count <= limit), "{name}: {count} calls, at most {limit:?}: {calls:?}");
        }
    };
    eprintln!("{hubspot:?}\n{sap:?}\n{redmine:?}");
    // At most 200 project IDs in batches of 100; pages of rows where rows are paged.
    at_most(&hubspot, &[("deals.search", 5)]);
    let tickets = {
        let company = gateway.demo.company.read().unwrap();
        u64::try_from(company.issues.len()).unwrap().div_ceil(100)
    };
    at_most(&redmine, &[("projects.list", 2), ("issues.list", tickets + 2)]);
    at_most(
        &sap,
        &[
            ("invoices.list", 6),
            ("credit_notes.list", 6),
            ("projects.list", 6),
            ("query_service.purchase_invoices", 6),
        ],
    );
}

#[tokio::test]
async fn a_hundred_identical_requests_at_once_cost_what_one_costs() {
    let gateway = Gateway::start(60).await;
    let project = {
        let company = gateway.demo.company.read().unwrap();
        company.ledger.documents.iter().find_map(|document| document.project.clone()).unwrap()
    };
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
