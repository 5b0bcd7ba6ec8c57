//! A role that reads only some deals reads their projects and what hangs on these, and nothing else.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::support::Gateway;
use super::{gateway, get};

pub(super) async fn all(gateway: &Gateway, role: Option<&str>, list: &str, fields: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let query = format!(
            "{{ {list}(first: 20{after}) {{ totalCount nodes {{ {fields} }} pageInfo {{ hasNextPage endCursor }} }} }}"
        );
        let answer = match role {
            Some(role) => gateway.ask_as(role, &query).await,
            None => gateway.ask(&query).await,
        };
        let list = answer.fine()[list].clone();
        if role.is_some() {
            assert!(list["totalCount"].is_null(), "the owner counts what is not shown");
        }
        found.extend(list["nodes"].as_array().unwrap().iter().cloned());
        if list["pageInfo"]["hasNextPage"] != true {
            return found;
        }
        after = format!(", after: {}", list["pageInfo"]["endCursor"]);
    }
}

/// Whether a deal is of a client in the region of the tests.
pub(super) fn is_in_dach(deal: &Value) -> bool {
    deal["client"]["country"].as_str().is_some_and(|country| ["Germany", "Austria", "Switzerland"].contains(&country))
}

pub(super) fn texts(rows: &[Value], pointer: &str) -> BTreeSet<String> {
    rows.iter().filter_map(|row| row.pointer(pointer)?.as_str()).map(str::to_owned).collect()
}

#[tokio::test]
async fn the_deals_of_a_rule_with_their_projects_and_invoices_are_all_there_is() {
    are_all_there_is("health", |deal| deal["vertical"] == "Healthcare").await;
}

#[tokio::test]
async fn so_are_those_of_a_region() {
    are_all_there_is("dach", is_in_dach).await;
}

async fn are_all_there_is(role: &str, is_own: fn(&Value) -> bool) {
    let gateway = gateway().await;
    let deals = all(&gateway, None, "deals", "id vertical projectId client { country }").await;
    let (own, others): (Vec<Value>, Vec<Value>) = deals.into_iter().partition(is_own);
    assert!(own.len() > 3 && others.len() > 10);
    let mine: BTreeSet<String> = texts(&own, "/projectId");

    let seen = all(&gateway, Some(role), "deals", "id vertical projectId project { id deals { id } }").await;
    assert_eq!(texts(&seen, "/id"), texts(&own, "/id"));
    let projects = texts(&all(&gateway, Some(role), "projects", "id").await, "/id");
    let known = texts(&all(&gateway, None, "projects", "id").await, "/id");
    assert_eq!(projects, known.intersection(&mine).cloned().collect());
    let invoices = all(&gateway, Some(role), "invoices", "id projectIds").await;
    assert!(!invoices.is_empty());
    for invoice in &invoices {
        let ids = invoice["projectIds"].as_array().unwrap();
        assert!(ids.iter().any(|id| mine.contains(id.as_str().unwrap())), "{invoice}");
    }
    let whole = all(&gateway, None, "invoices", "id projectIds").await;
    let theirs = whole.iter().filter(|invoice| {
        invoice["projectIds"].as_array().unwrap().iter().any(|id| mine.contains(id.as_str().unwrap()))
    });
    assert_eq!(theirs.count(), invoices.len());

    let other = others.iter().find(|deal| deal["projectId"].as_str().is_some_and(|id| !mine.contains(id))).unwrap();
    let (deal, project) = (&other["id"], &other["projectId"]);
    let invoice = whole.iter().find(|invoice| invoice["projectIds"][0] == *project);
    let mut lookups = vec![
        format!("{{ found: deal(by: {{ id: {deal} }}) {{ id }} }}"),
        format!("{{ found: deal(by: {{ projectId: {project} }}) {{ id }} }}"),
        format!("{{ found: project(id: {project}) {{ id name financials {{ contractValue {{ amount }} }} }} }}"),
        format!("{{ found: node(id: {deal}) {{ id }} }}"),
        format!("{{ found: node(id: {project}) {{ id }} }}"),
    ];
    lookups.extend(invoice.map(|invoice| format!("{{ found: invoice(id: {}) {{ id }} }}", invoice["id"])));
    for lookup in lookups {
        assert!(!gateway.ask(&lookup).await.fine()["found"].is_null(), "{lookup}");
        assert!(gateway.ask_as(role, &lookup).await.fine()["found"].is_null(), "{lookup}");
    }
    let listed = format!("{{ projects(ids: [{project}]) {{ nodes {{ id }} }} }}");
    assert_eq!(gateway.ask_as(role, &listed).await.fine()["projects"]["nodes"], serde_json::json!([]));
}

#[tokio::test]
async fn reports_and_feeds_are_about_the_deals_of_the_rule() {
    let gateway = gateway().await;
    let totals = "{ profitability(groupBy: [VERTICAL]) { rows { members { label } currency dealCount contractValue { amount } } } }";
    let rows = gateway.ask_as("health", totals).await.fine()["profitability"]["rows"].clone();
    let rows = rows.as_array().unwrap();
    assert!(!rows.is_empty());
    assert_eq!(texts(rows, "/members/0/label"), BTreeSet::from(["Healthcare".to_owned()]));
    let filtered = totals.replace("groupBy: [VERTICAL]", "groupBy: [VERTICAL], filter: { vertical: \"Healthcare\" }");
    assert_eq!(gateway.ask(&filtered).await.fine()["profitability"]["rows"].as_array().unwrap(), rows);

    let rows_of = async |role: &str, path: &str| -> Vec<Value> {
        let (status, body) = get(&gateway, role, path).await;
        assert_eq!(status, 200, "{body}");
        serde_json::from_str::<Value>(&body).unwrap()["value"].as_array().unwrap().clone()
    };
    let deals = rows_of("health", "/odata/Deals?$top=1000").await;
    assert_eq!(texts(&deals, "/vertical"), BTreeSet::from(["Healthcare".to_owned()]));
    let mine = texts(&deals, "/project_id");
    for (set, id) in [("Projects", "/id"), ("Tickets", "/project_id")] {
        let seen = texts(&rows_of("health", &format!("/odata/{set}?$top=2000")).await, id);
        let whole = texts(&rows_of("finance", &format!("/odata/{set}?$top=2000")).await, id);
        assert!(!seen.is_empty() && seen.is_subset(&mine), "{set}");
        assert!(whole.len() > seen.len(), "{set}");
    }
    let (_, overdue) = get(&gateway, "health", "/reports/overdue-receivables.csv").await;
    let (_, whole) = get(&gateway, "finance", "/reports/overdue-receivables.csv").await;
    assert!(overdue.lines().count() < whole.lines().count());
    for line in overdue.lines().skip(1) {
        assert!(mine.iter().any(|id| line.contains(id)), "{line}");
    }
}

#[tokio::test]
async fn an_id_of_anothers_is_answered_as_one_that_there_is_not() {
    let gateway = gateway().await;
    let deals = all(&gateway, None, "deals", "id vertical projectId").await;
    let another = deals.iter().find(|deal| deal["vertical"] != "Healthcare" && deal["projectId"].is_string()).unwrap();
    let (id, project) = (another["id"].as_str().unwrap(), another["projectId"].as_str().unwrap());
    let (kind, _) = id.rsplit_once(':').unwrap();
    for (question, theirs, nobodys) in [
        ("{ node(id: \"ID\") { __typename id } }", id.to_owned(), format!("{kind}:1")),
        ("{ deal(by: { id: \"ID\" }) { id name } }", id.to_owned(), format!("{kind}:1")),
        ("{ deal(by: { projectId: \"ID\" }) { id name } }", project.to_owned(), "PRJ-1999-001".to_owned()),
        ("{ project(id: \"ID\") { id name } }", project.to_owned(), "PRJ-1999-001".to_owned()),
    ] {
        let ask = async |id: &str| gateway.ask_as("health", &question.replace("ID", id)).await.body;
        let (theirs, nobodys) = (ask(&theirs).await, ask(&nobodys).await);
        assert_eq!(theirs, nobodys, "{question}");
        assert!(!theirs["data"].is_null() && theirs.get("errors").is_none(), "{question}: {theirs}");
    }
}
