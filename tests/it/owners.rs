//! Who owns what: by domain, and within a domain by ID.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use spine::config::Config;
use spine::demo::Demo;
use spine::demo::company::model::{Company, DocumentKind};
use spine::demo::erp::Erp;

use super::support::{Gateway, company};

/// The IDs that the second company owns.
const MEXICO: &str = "PRJ-2025-";

/// Books in which every document is called otherwise, so that it shows whose they are.
fn other_books() -> Company {
    let mut company = company(90);
    for document in &mut company.ledger.documents {
        document.card_name = "Cliente mexicano".to_owned();
    }
    company
}

/// A gateway over two ERPs: one for the projects of 2025, and one for all others.
async fn two_companies() -> (Gateway, Demo) {
    let mexico = Demo::of(other_books(), Erp::Sap).await.unwrap();
    let gateway = Gateway::over(company(90), |config| {
        let split = format!("[{{ ids = \"^{MEXICO}\", owner = \"sap_mx\" }}, {{ owner = \"sap\" }}]");
        let config = config.replace("receivables = \"sap\"", &format!("receivables = {split}"));
        let config = config.replace("costs       = \"sap\"", &format!("costs = {split}"));
        let connection = r#"
            [connections.sap_mx]
            kind = "sap_b1"
            company_db = "SPINE_DEMO"
            user = "spine"
            password = { demo = "demo-sap-password" }
        "#;
        format!("{config}\n{connection}\nurl = \"{}\"\n", mexico.erp.url)
    })
    .await;
    (gateway, mexico)
}

fn owner_of(project: &str) -> &'static str {
    if project.starts_with(MEXICO) { "sap_mx" } else { "sap" }
}

#[tokio::test]
async fn each_project_is_read_from_the_owner_of_its_id() {
    let (gateway, _mexico) = two_companies().await;
    let query = "{ deals(first: 90) { nodes { projectId project {
        invoices { source { connection } party { name } } bills: invoices(direction: PAYABLE) { source { connection } }
        costs { source { connection } } financials { sources { connection } } } } } }";
    let answer = gateway.ask(query).await;
    let mut seen = BTreeMap::<&str, usize>::new();
    for deal in answer.fine()["deals"]["nodes"].as_array().unwrap() {
        let Some(id) = deal["projectId"].as_str() else { continue };
        let project = &deal["project"];
        let owner = owner_of(id);
        for list in ["invoices", "bills", "costs"] {
            for record in project[list].as_array().unwrap() {
                assert_eq!(record["source"]["connection"], owner, "{list} of {id}");
                *seen.entry(owner).or_default() += 1;
            }
        }
        for invoice in project["invoices"].as_array().unwrap() {
            assert_eq!(invoice["party"]["name"] == "Cliente mexicano", owner == "sap_mx", "{id}");
        }
        let sources: Vec<_> = project["financials"]["sources"].as_array().unwrap().iter().collect();
        assert!(sources.iter().any(|source| source["connection"] == owner), "{id}: {sources:?}");
        assert!(
            sources.iter().all(|source| source["connection"] == owner || source["connection"] == "hubspot"),
            "{id}"
        );
    }
    assert!(seen["sap"] > 20 && seen["sap_mx"] > 20, "{seen:?}");
}

#[tokio::test]
async fn a_list_holds_each_record_of_each_owner_once() {
    let (gateway, _mexico) = two_companies().await;
    let query = "query($after: String) { invoices(first: 37, after: $after) { totalCount
        nodes { id projectIds source { connection } } pageInfo { hasNextPage endCursor } } }";
    let (mut ids, mut after) = (Vec::new(), Value::Null);
    loop {
        let answer = gateway.ask_with(query, json!({ "after": after }), None).await;
        let list = &answer.fine()["invoices"];
        assert_eq!(list["totalCount"], Value::Null, "nobody counted over both");
        for node in list["nodes"].as_array().unwrap() {
            let projects = node["projectIds"].as_array().unwrap();
            let connection = node["source"]["connection"].as_str().unwrap();
            let own = projects.iter().any(|id| owner_of(id.as_str().unwrap()) == connection);
            assert!(projects.is_empty() || own, "{node}");
            ids.push(node["id"].as_str().unwrap().to_owned());
        }
        if list["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = list["pageInfo"]["endCursor"].clone();
    }
    let company = gateway.demo.company.read().unwrap();
    let documents = company.ledger.documents.iter();
    let ours = documents.filter(|document| matches!(document.kind, DocumentKind::Invoice | DocumentKind::CreditNote));
    let mut expected = BTreeSet::new();
    for document in ours {
        let lines = document.lines.iter().map(|line| line.project.as_deref());
        let projects: Vec<&str> = lines.chain([document.project.as_deref()]).flatten().collect();
        let code = if document.kind == DocumentKind::Invoice { 13 } else { 14 };
        for connection in ["sap", "sap_mx"] {
            if projects.is_empty() || projects.iter().any(|id| owner_of(id) == connection) {
                expected.insert(format!("invoice:{connection}:{code}-{}", document.entry));
            }
        }
    }
    assert_eq!(ids.len(), expected.len(), "each once");
    assert_eq!(ids.into_iter().collect::<BTreeSet<_>>(), expected);
    assert!(expected.iter().filter(|id| id.contains(":sap_mx:")).count() > 10);
}

#[tokio::test]
async fn an_owner_that_is_down_leaves_the_others_projects_alone() {
    let (gateway, mexico) = two_companies().await;
    let of = |prefix: bool| {
        let company = gateway.demo.company.read().unwrap();
        let documents = company.ledger.documents.iter().filter(|document| document.kind == DocumentKind::Invoice);
        let mut projects = documents.filter_map(|document| document.project.clone());
        projects.find(|project| project.starts_with(MEXICO) == prefix).unwrap()
    };
    let query = "query($id: ProjectId!) { project(id: $id) { invoices { id } } }";
    let (theirs, ours) = (of(true), of(false));
    mexico.erp.set_fault("down".parse().unwrap());
    let answer = gateway.ask_with(query, json!({ "id": theirs }), None).await;
    assert_eq!(answer.codes(), [("sap_mx".to_owned(), "UPSTREAM_UNAVAILABLE".to_owned())]);
    let answer = gateway.ask_with(query, json!({ "id": ours }), None).await;
    let id = answer.fine()["project"]["invoices"][0]["id"].as_str().unwrap().to_owned();
    let list = format!("{{ invoices(filter: {{ projectIds: [\"{ours}\"] }}) {{ nodes {{ id }} }} }}");
    let list = gateway.ask(&list).await;
    assert!(!list.fine()["invoices"]["nodes"].as_array().unwrap().is_empty(), "who owns none of them is not asked");

    // What one connection holds of another's projects is not in the graph.
    mexico.erp.set_fault("off".parse().unwrap());
    let invoice = "query($id: ID!) { invoice(id: $id) { id payments { date } source { connection } } }";
    let own = gateway.ask_with(invoice, json!({ "id": id }), None).await;
    assert_eq!(own.fine()["invoice"]["source"]["connection"], "sap");
    let foreign = id.replace(":sap:", ":sap_mx:");
    let answer = gateway.ask_with(invoice, json!({ "id": foreign }), None).await;
    assert_eq!(answer.fine()["invoice"], Value::Null, "{foreign} is in the other's books too, and not its to tell");
}

#[tokio::test]
async fn who_owns_what_can_be_asked() {
    let (gateway, _mexico) = two_companies().await;
    let answer = gateway.ask("{ ownership { field domain connection ids } systems { name owns } }").await;
    let data = answer.fine();
    let owners: Vec<_> =
        data["ownership"].as_array().unwrap().iter().filter(|of| of["field"] == "Project.costs").collect();
    assert_eq!(
        owners,
        [
            &json!({ "field": "Project.costs", "domain": "COSTS", "connection": "sap_mx", "ids": format!("^{MEXICO}") }),
            &json!({ "field": "Project.costs", "domain": "COSTS", "connection": "sap", "ids": null }),
        ]
    );
    let mexico = data["systems"].as_array().unwrap().iter().find(|system| system["name"] == "sap_mx").unwrap();
    assert_eq!(mexico["owns"], json!(["RECEIVABLES", "COSTS"]));
}

#[test]
fn an_id_that_would_have_two_owners_is_refused() {
    let config = |receivables: &str| {
        let text = format!(
            "[shared_id]\npattern = '^(?i:PRJ)-\\d{{4}}-\\d{{3}}$'\n[owners]\nreceivables = {receivables}\n\
             [connections.one]\nkind = \"sap_b1\"\n[connections.two]\nkind = \"sap_b1\"\n"
        );
        match Config::parse("spine.toml", &text) {
            Ok(_) => "fine".to_owned(),
            Err(errors) => errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"),
        }
    };
    let rules = [
        r#"[{ ids = "^PRJ-2025", owner = "one" }, { owner = "two" }]"#,
        r#"[{ ids = "^PRJ-2025", owner = "one" }, { ids = "^PRJ-20[0-9]5-1", owner = "two" }]"#,
        r#"[{ ids = "^PRJ-2025", owner = "one" }, { ids = "7$", owner = "two" }]"#,
        r#"[{ owner = "one" }, { owner = "two" }]"#,
        r#"[{ ids = "^MX-", owner = "one" }]"#,
        r#"[{ ids = "^prj-", owner = "one" }, { owner = "two" }]"#,
        r#"[{ ids = "^PRJ-2025", owner = "one" }, { ids = "^PRJ-2026", owner = "one" }, { owner = "two" }]"#,
        r#"[{ ids = "^PRJ-2025", owner = "three" }]"#,
        r#"[{ ids = "^PRJ-(2025", owner = "one" }]"#,
        r#"[{ ids = "\\bPRJ", owner = "one" }]"#,
        r#"[{ id = "^PRJ-2025", owner = "one" }]"#,
        r#"["one", "two"]"#,
        "[]",
        "7",
    ];
    let said: Vec<String> = rules.iter().map(|rule| format!("{rule}\n  {}", config(rule))).collect();
    insta::assert_snapshot!(said.join("\n"));
}

#[tokio::test]
async fn a_bill_is_told_from_an_invoice_by_its_id() {
    let gateway = Gateway::over(company(30), |config| config).await;
    let answer = gateway.ask("{ invoices(filter: { direction: PAYABLE }, first: 1) { nodes { id number } } }").await;
    let bill = answer.fine()["invoices"]["nodes"][0].clone();
    let id = bill["id"].as_str().unwrap();
    let record = id.strip_prefix("bill:sap:").unwrap();
    let query = "query($id: ID!, $no: ID!) {
        invoice(id: $id) { id number } node(id: $id) { ... on Invoice { id number } } other: invoice(id: $no) { id } }";
    let answer = gateway.ask_with(query, json!({ "id": id, "no": format!("invoice:sap:{record}") }), None).await;
    let data = answer.fine();
    assert_eq!((&data["invoice"], &data["node"], &data["other"]), (&bill, &bill, &Value::Null));
}

#[tokio::test]
async fn a_ticket_is_served_by_its_id_only_from_who_owns_it() {
    // The same tracker twice: what both hold, one of them owns.
    let gateway = Gateway::over(company(90), |config| {
        let section = config.split("[connections.redmine]").nth(1).unwrap();
        let section = section.split("\n[").next().unwrap().to_owned();
        let split =
            format!("tickets     = [{{ ids = \"^{MEXICO}\", owner = \"tracker\" }}, {{ owner = \"redmine\" }}]");
        let config: Vec<&str> =
            config.lines().map(|line| if line.starts_with("tickets ") { split.as_str() } else { line }).collect();
        format!("{}\n[connections.tracker]{section}\n", config.join("\n"))
    })
    .await;
    let query = "query($id: ProjectId!) { project(id: $id) { tickets { id } } }";
    let (mut theirs, mut ours) = (None, None);
    let projects: Vec<String> =
        gateway.demo.company.read().unwrap().ledger.projects.iter().map(|(code, _)| code.clone()).collect();
    for id in projects {
        let answer = gateway.ask_with(query, json!({ "id": id }), None).await;
        let found = answer.data()["project"]["tickets"][0]["id"].as_str().map(str::to_owned);
        let place = if id.starts_with(MEXICO) { &mut theirs } else { &mut ours };
        *place = place.take().or(found);
    }
    let (theirs, ours) = (theirs.unwrap(), ours.unwrap());
    assert!(theirs.starts_with("ticket:tracker:") && ours.starts_with("ticket:redmine:"), "{theirs} {ours}");
    let foreign = ours.replace("redmine", "tracker");
    let query = "query($a: ID!, $b: ID!, $c: ID!) { a: ticket(id: $a) { id } b: ticket(id: $b) { id } c: ticket(id: $c) { id } }";
    let answer = gateway.ask_with(query, json!({ "a": theirs, "b": ours, "c": foreign }), None).await;
    let data = answer.fine();
    assert_eq!((&data["a"]["id"], &data["b"]["id"], &data["c"]), (&json!(theirs), &json!(ours), &Value::Null));
}
