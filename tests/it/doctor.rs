//! `spine doctor`, and what hangs on each system: what is broken, what that takes away, and what to do.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::support::{Answer, Gateway};

/// Runs the doctor over a gateway's systems; gives its exit code and what it printed.
async fn doctor(gateway: &Gateway, arguments: &'static [&'static str]) -> (Option<i32>, String) {
    doctor_of(gateway.demo.gateway_config(), arguments).await
}

async fn doctor_of(config: String, arguments: &'static [&'static str]) -> (Option<i32>, String) {
    let run = move || {
        static FILES: AtomicUsize = AtomicUsize::new(0);
        let number = FILES.fetch_add(1, Ordering::Relaxed);
        let file = std::env::temp_dir().join(format!("spine-doctor-{}-{number}.toml", std::process::id()));
        std::fs::write(&file, config).unwrap();
        let output = Command::new(env!("CARGO_BIN_EXE_spine"))
            .arg("doctor")
            .arg("--config")
            .arg(&file)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        std::fs::remove_file(&file).unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        // What goes wrong is told, and not logged as well.
        (output.status.code(), text(output.stdout) + &text(output.stderr))
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

fn system<'a>(diagnosis: &'a Value, name: &str) -> &'a Value {
    diagnosis["systems"].as_array().unwrap().iter().find(|system| system["connection"] == name).unwrap()
}

#[tokio::test]
async fn all_is_well_where_every_system_shows_what_it_owns() {
    let gateway = Gateway::start(60).await;
    let (code, text) = doctor(&gateway, &["--json"]).await;
    assert_eq!(code, Some(0), "{text}");
    let diagnosis: Value = serde_json::from_str(&text).unwrap();
    assert!(diagnosis["project"].as_str().unwrap().starts_with("PRJ-"), "{diagnosis:#}");
    for (name, records) in [
        ("hubspot", &["deals", "deals of the project", "contacts", "line items", "communications"][..]),
        ("redmine", &["projects", "project", "milestones", "hours", "tickets"]),
        ("sap", &["invoices", "bills", "invoices of the project", "costs"]),
    ] {
        let system = system(&diagnosis, name);
        assert_eq!(system["well"], true, "{system:#}");
        assert!(system["addresses"][0].as_str().unwrap().starts_with("http://127.0.0.1:"), "{system:#}");
        for wanted in records {
            let check = system["checks"].as_array().unwrap().iter().find(|check| check["records"] == *wanted).unwrap();
            assert!(check["found"].is_u64(), "{check}");
        }
    }
    assert_eq!(system(&diagnosis, "hubspot")["quota"], json!({ "limit": 650_000, "remaining": 649_999, "low": false }));
    assert_eq!(system(&diagnosis, "sap")["quota"], Value::Null, "it tells none");
    let (code, text) = doctor(&gateway, &[]).await;
    assert_eq!(code, Some(0), "{text}");
    assert!(text.trim_end().ends_with(&format!("asked for {}.", diagnosis["project"].as_str().unwrap())), "{text}");
}

#[tokio::test]
async fn the_graph_says_what_is_left_of_a_quota() {
    let gateway = Gateway::start(60).await;
    let query = "{ systems { name quota { limit remaining } } }";
    let quota = |answer: &Answer, name: &str| {
        let systems = answer.fine()["systems"].as_array().unwrap();
        systems.iter().find(|system| system["name"] == name).unwrap()["quota"].clone()
    };
    assert_eq!(quota(&gateway.ask(query).await, "hubspot"), Value::Null, "it was not asked yet");
    gateway.ask("{ deals(first: 1) { nodes { name } } projects(first: 1) { nodes { name } } }").await.fine();
    let answer = gateway.ask_live(query).await;
    assert_eq!(quota(&answer, "hubspot"), json!({ "limit": 650_000, "remaining": 649_999 }));
    assert_eq!(quota(&answer, "redmine"), Value::Null, "it tells none");
}

#[tokio::test]
async fn the_end_of_spines_own_certificate_is_told() {
    let gateway = Gateway::start(60).await;
    let of = |certificate: &str| {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/sign_in/certificates/").to_owned() + certificate;
        let tls = format!("[server]\ntls = {{ certificate = {file:?}, key = {file:?} }}");
        gateway.demo.gateway_config().replace("[server]", &tls)
    };
    let (code, text) = doctor_of(of("billing.pem"), &["--json"]).await;
    assert_eq!(code, Some(0), "{text}");
    let diagnosis: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(diagnosis["certificate"]["until"], "2126-11-02T17:44:32Z");
    let (code, text) = doctor_of(of("ended.pem"), &[]).await;
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("FAIL  certificate") && text.contains("ended at 2025-04-01T00:00:00Z"), "{text}");
}

#[tokio::test]
async fn a_system_that_is_away_is_named_with_what_hangs_on_it_and_what_to_do() {
    let gateway = Gateway::start(60).await;
    gateway.control("sap", "fault", json!({ "mode": "down" })).await;
    let (code, text) = doctor(&gateway, &["--json"]).await;
    assert_eq!(code, Some(3), "{text}");
    let diagnosis: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(system(&diagnosis, "hubspot")["well"], true);
    let sap = system(&diagnosis, "sap");
    let [check] = sap["checks"].as_array().unwrap().as_slice() else { panic!("asked again: {sap:#}") };
    assert_eq!(check["error"]["code"], "UPSTREAM_UNAVAILABLE");
    assert_eq!(check["error"]["remedy"], "Ask again later.");
    let fields: Vec<&str> = sap["affectedFields"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(fields.contains(&"Project.invoices") && fields.contains(&"Financials.margin"), "{fields:?}");
    assert!(!fields.contains(&"Deal.name"), "{fields:?}");

    let (_, text) = doctor(&gateway, &[]).await;
    let impact = &sap["impact"];
    assert!(text.contains(&format!("on {} deals, {} of them open", impact["deals"], impact["openDeals"])), "{text}");
    assert!(text.contains("1 of 3 systems cannot be read in whole."), "{text}");
}

#[tokio::test]
async fn without_the_crm_nobody_knows_what_hangs_on_the_others() {
    let gateway = Gateway::start(60).await;
    gateway.control("hubspot", "fault", json!({ "mode": "401" })).await;
    let (code, text) = doctor(&gateway, &[]).await;
    assert_eq!(code, Some(4), "{text}");
    assert!(text.contains("Renew the connection's secret.") && text.contains("the CRM does not tell"), "{text}");
    assert!(text.contains("ok    invoices of the project"), "the project tool names a project to ask for: {text}");
}

#[tokio::test]
async fn a_project_that_nobody_has_is_found_nowhere_and_one_that_cannot_be_is_refused() {
    let gateway = Gateway::start(60).await;
    let (code, text) = doctor(&gateway, &["--project", "PRJ-1999-999", "--json"]).await;
    assert_eq!(code, Some(0), "{text}");
    let diagnosis: Value = serde_json::from_str(&text).unwrap();
    let costs =
        system(&diagnosis, "sap")["checks"].as_array().unwrap().iter().find(|check| check["records"] == "costs");
    assert_eq!(costs.unwrap()["found"], 0);
    let (code, text) = doctor(&gateway, &["--project", "what?"]).await;
    assert_eq!(code, Some(2));
    assert!(text.contains("--project") && text.contains("what?"), "{text}");
}

/// The deals themselves, one by one: those that are not lost, those that are open, and what they are worth.
fn truth(deals: &Value, linked: bool) -> (usize, usize, Decimal) {
    let deals = deals["edges"].as_array().unwrap().iter().map(|edge| &edge["node"]);
    let hanging: Vec<&Value> =
        deals.filter(|deal| deal["status"] != "LOST" && (!linked || deal["projectId"].is_string())).collect();
    let open = hanging.iter().filter(|deal| deal["status"] == "OPEN").count();
    let amounts = hanging.iter().filter_map(|deal| deal["amount"]["amount"].as_str());
    (hanging.len(), open, amounts.map(|amount| amount.parse::<Decimal>().unwrap()).sum())
}

#[tokio::test]
async fn the_graph_says_what_hangs_on_each_system() {
    let gateway = Gateway::start(60).await;
    let query =
        "{ systems { name fields impact { deals openDeals withoutAmount contractValue { amount currency } } } }";
    let answer = gateway.ask(query).await;
    let systems = answer.fine()["systems"].as_array().unwrap();
    let impact = |name: &str| &systems.iter().find(|system| system["name"] == name).unwrap()["impact"];
    let deals = gateway.ask("{ deals(first: 100) { edges { node { status projectId amount { amount } } } } }").await;
    for (name, linked) in [("hubspot", false), ("sap", true), ("redmine", true)] {
        let (deals, open, value) = truth(&deals.data()["deals"], linked);
        let told = impact(name);
        assert_eq!((&told["deals"], &told["openDeals"]), (&json!(deals), &json!(open)), "{name}");
        let sums = told["contractValue"].as_array().unwrap().iter();
        let sum: Decimal = sums.map(|money| money["amount"].as_str().unwrap().parse::<Decimal>().unwrap()).sum();
        assert_eq!(sum, value, "{name}");
    }
    assert!(impact("sap")["deals"].as_u64() < impact("hubspot")["deals"].as_u64());

    gateway.control("hubspot", "fault", json!({ "mode": "down" })).await;
    gateway.pass(1);
    let answer = gateway.ask_live(query).await;
    let impacts: Vec<&Value> =
        answer.data()["systems"].as_array().unwrap().iter().map(|system| &system["impact"]).collect();
    assert_eq!(impacts, [&Value::Null; 3], "{:#}", answer.body);
    assert_eq!(answer.codes(), [("hubspot".to_owned(), "UPSTREAM_UNAVAILABLE".to_owned())]);
}
