//! The audit trail: a line for each operation, without a value in it.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::support::{Gateway, client, company, read_json, send};

const ROLES: &str = "\n[access.roles.finance]\nreads = [\"commercial\", \"delivery\", \"tickets\", \"receivables\", \"costs\", \
                     \"margins\"]\n[access.roles.sales]\n";

/// A file of this test's own.
struct Trail(PathBuf);

impl Trail {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("spine-{name}-{}.jsonl", std::process::id()));
        drop(std::fs::remove_file(&path));
        Self(path)
    }

    fn config(&self, more: &str) -> String {
        format!("\n[audit]\nfile = {:?}\n{more}", self.0)
    }

    fn lines(&self) -> Vec<Value> {
        let text = std::fs::read_to_string(&self.0).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        drop(std::fs::remove_file(&self.0));
    }
}

#[tokio::test]
async fn a_line_says_who_asked_for_what_and_holds_no_value() {
    let trail = Trail::new("lines");
    let gateway = Gateway::over(company(40), |config| config + ROLES + &trail.config("")).await;
    let listed = gateway.ask("{ projects(first: 40) { nodes { id name financials { invoiced { amount } } } } }").await;
    let listed = listed.data()["projects"]["nodes"].as_array().unwrap().clone();
    let known = |project: &&Value| project["name"].is_string() && project["financials"]["invoiced"].is_object();
    let known = listed.iter().find(known).expect("a project that is invoiced");
    let project = known["id"].as_str().unwrap().to_owned();
    std::fs::write(&trail.0, "").unwrap();
    let query = format!(
        "query Money {{ project(id: \"{project}\") {{ name financials {{ invoiced {{ amount }} margin {{ amount }} }} }} }}"
    );
    let answer = gateway.ask_as("sales", &query).await;
    gateway.ask_as("finance", &query).await.fine();
    gateway.ask_as("finance", &query).await.fine();
    let get = async |path: &str| send(client().get(format!("{}{path}", gateway.url))).await.status().as_u16();
    assert_eq!(get("/reports/margin-by-vertical").await, 200);
    assert_eq!(get("/odata/Deals?$top=1").await, 200);
    assert_eq!(get("/odata/Nothing").await, 404);
    assert_eq!(get("/health/live").await, 200);

    let lines = trail.lines();
    assert_eq!(lines.len(), 6);
    let [sales, finance, again, report, odata, nothing] = lines.try_into().unwrap();
    assert_eq!(sales["request"], answer.headers["x-request-id"].to_str().unwrap());
    assert_eq!(
        (&sales["door"], &sales["role"], &sales["operation"]),
        (&json!("graphql"), &json!("sales"), &json!("Money"))
    );
    assert_eq!(sales["who"], json!({ "kind": "anyone", "subject": "anyone", "email": null, "address": "127.0.0.1" }));
    assert_eq!(sales["masked"], json!(["Financials.margin"]));
    assert_eq!(sales["shows"], json!(["delivery", "receivables"]));
    assert_eq!(sales["projects"], json!([project]));
    assert!(sales["document"].as_str().unwrap().starts_with("sha256:"));
    let reads = sales["reads"].as_object().unwrap();
    assert!(reads.contains_key("projects") && reads.keys().all(|read| !read.starts_with("cost")), "{reads:?}");
    assert_eq!(finance["shows"], json!(["delivery", "receivables", "margins"]));
    assert_eq!(
        (&finance["masked"], &finance["outcome"], &finance["kept"]),
        (&json!([]), &json!("answered"), &json!(false))
    );
    assert_eq!(
        (&again["kept"], &again["reads"], &again["projects"]),
        (&json!(true), &finance["reads"], &finance["projects"])
    );
    assert_eq!((&again["shows"], &again["document"]), (&finance["shows"], &finance["document"]));
    assert_eq!((&report["door"], &report["operation"]), (&json!("report"), &json!("margin-by-vertical")));
    assert_eq!(report["shows"], json!(["commercial", "receivables", "costs", "margins"]));
    assert!(report["projects"].as_array().unwrap().len() > 5);
    assert_eq!(
        (&odata["door"], &odata["operation"], &odata["outcome"]),
        (&json!("odata"), &json!("Deals"), &json!("answered"))
    );
    assert_eq!((&nothing["outcome"], &nothing["status"]), (&json!("refused"), &json!(404)));

    let text = std::fs::read_to_string(&trail.0).unwrap();
    let (invoiced, name) = (&known["financials"]["invoiced"]["amount"], &known["name"]);
    let (invoiced, name) = (invoiced.as_str().unwrap(), name.as_str().unwrap());
    assert_eq!(answer.data()["project"]["financials"]["invoiced"]["amount"], invoiced);
    assert!(!text.contains(invoiced) && !text.contains(name));
}

#[tokio::test]
async fn nothing_is_answered_without_a_trail_where_it_is_required() {
    let trail = Trail::new("required");
    let gateway = Gateway::over(company(10), |config| config + &trail.config("required = true\n")).await;
    gateway.ask("{ deals(first: 1) { nodes { id } } }").await.fine();
    // In the file's place stands something that cannot be appended to.
    std::fs::remove_file(&trail.0).unwrap();
    std::fs::create_dir(&trail.0).unwrap();
    let response = send(client().get(format!("{}/odata/Deals?$top=1", gateway.url))).await;
    let status = response.status().as_u16();
    let body = read_json(response).await;
    std::fs::remove_dir(&trail.0).unwrap();
    assert_eq!(status, 503, "{body}");
    assert_eq!(body["error"]["code"], "AUDIT_UNAVAILABLE");
    gateway.ask("{ deals(first: 1) { nodes { id } } }").await.fine();
    assert_eq!(trail.lines().len(), 1);
}
