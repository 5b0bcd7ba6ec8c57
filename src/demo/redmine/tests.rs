//! The embedded server's own manners; that they are Redmine's is shown by the same expectations against a real one
//! (`tests/redmine`).

use axum::body::{Body, to_bytes};
use axum::http::Request;
use jiff::civil::date;
use tower::ServiceExt;

use super::super::company::model::{Issue, Ledger, Project, TimeEntry, Version};
use super::*;

fn project(id: u32, shared_id: &str, status: u8) -> Project {
    let at = jiff::Timestamp::from_second(1_700_000_000 + i64::from(id)).unwrap();
    Project {
        id,
        identifier: format!("project-{id}"),
        name: format!("Project {id}"),
        description: String::new(),
        status,
        shared_id: Some(shared_id.to_owned()),
        health: Some("Green".to_owned()),
        health_reason: None,
        manager: Some(1),
        start: Some(date(2025, 1, 7)),
        due: None,
        budget_hours: Some(Decimal::new(1205, 1)),
        versions: vec![Version { id: id * 10, name: "Design".to_owned(), status: "open".to_owned(), due: None }],
        members: vec![(1, "Manager".to_owned())],
        created: at,
        updated: at,
    }
}

fn issue(id: u32, project: u32, closed: bool) -> Issue {
    let at = jiff::Timestamp::from_second(1_700_000_000 + i64::from(id)).unwrap();
    Issue {
        id,
        project,
        tracker: if id.is_multiple_of(2) { "Incident" } else { "Task" }.to_owned(),
        status: if closed { "Closed" } else { "New" }.to_owned(),
        closed,
        priority: "Normal".to_owned(),
        subject: format!("Issue {id}"),
        assignee: Some(1),
        version: None,
        done_ratio: 0,
        estimated_hours: None,
        parent: None,
        start: None,
        due: None,
        created: at,
        updated: at,
        closed_on: closed.then_some(at),
    }
}

fn company() -> Shared {
    let mut issues: Vec<Issue> = (1..=130).map(|id| issue(id, 1, id > 120)).collect();
    issues.push(issue(200, 2, false));
    let hours = [(1, "1.25"), (2, "0.5")].map(|(id, hours)| TimeEntry {
        id,
        project: id,
        issue: (id == 1).then_some(1),
        person: 1,
        activity: "Design".to_owned(),
        hours: hours.parse().unwrap(),
        spent_on: date(2025, 3, 4),
    });
    let (first, last, email) = ("Ana".to_owned(), "Silva".to_owned(), "ana@example.com".to_owned());
    Arc::new(RwLock::new(Company {
        seed: 0,
        revision: 0,
        today: date(2026, 1, 1),
        currency: "EUR".to_owned(),
        people: vec![Person { id: 1, first, last, email, team: "Delivery".to_owned() }],
        clients: Vec::new(),
        contacts: Vec::new(),
        deals: Vec::new(),
        projects: vec![
            project(1, "PRJ-2025-001", 1),
            project(2, "PRJ-2025-002", 5),
            project(3, "PRJ-2025-003", 9),
            project(4, "prj-2025-001", 1),
        ],
        issues,
        time_entries: hours.into(),
        ledger: Ledger::default(),
    }))
}

async fn ask(request: Request<Body>) -> (u16, String) {
    let answer = router(company()).oneshot(request).await.unwrap();
    assert!(answer.extensions().get::<Endpoint>().is_some(), "every answer has a name for the counters");
    let status = answer.status().as_u16();
    (status, String::from_utf8(to_bytes(answer.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap())
}

async fn status(path: &str, key: &str) -> u16 {
    let (status, body) = ask(Request::get(path).header("X-Redmine-API-Key", key).body(Body::empty()).unwrap()).await;
    assert!(status == 200 || status == 422 || body.is_empty(), "errors have no body: {body}");
    status
}

async fn read(path: &str) -> Value {
    let (status, body) = ask(Request::get(path).header("X-Redmine-API-Key", KEY).body(Body::empty()).unwrap()).await;
    assert_eq!(status, 200, "{path}");
    serde_json::from_str(&body).unwrap()
}

/// `total_count` and the numbers of the rows.
async fn rows(path: &str) -> (u64, Vec<u64>) {
    let body = read(path).await;
    let list = body.as_object().unwrap().values().find_map(Value::as_array).unwrap();
    (body["total_count"].as_u64().unwrap(), list.iter().map(|row| row["id"].as_u64().unwrap()).collect())
}

#[tokio::test]
async fn a_wrong_key_is_nobody_and_sees_empty_lists() {
    for path in ["/projects.json", "/issues.json?status_id=*", "/time_entries.json"] {
        let (status, body) =
            ask(Request::get(path).header("X-Redmine-API-Key", "wrong").body(Body::empty()).unwrap()).await;
        let body: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &body["total_count"]), (200, &json!(0)), "{path}");
    }
    for path in ["/users/current.json", "/projects/1.json", "/projects/1/versions.json", "/custom_fields.json"] {
        assert_eq!(status(path, "wrong").await, 401, "{path}");
    }
    assert_eq!(status("/projects/99.json", "wrong").await, 404);
    assert_eq!(status("/projects/3.json", "wrong").await, 403, "archived");
}

#[tokio::test]
async fn the_key_is_taken_from_header_query_and_basic() {
    assert_eq!(status("/users/current.json", KEY).await, 200);
    assert_eq!(status(&format!("/users/current.json?key={KEY}"), "").await, 200);
    let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("{KEY}:x")));
    let request = Request::get("/users/current.json").header("Authorization", basic).body(Body::empty()).unwrap();
    assert_eq!(ask(request).await.0, 200);
}

#[tokio::test]
async fn projects_are_found_by_the_exact_shared_id_and_closed_ones_only_on_request() {
    assert_eq!(rows("/projects.json?cf_1=PRJ-2025-001%7CPRJ-2025-002%7CPRJ-2025-003").await, (1, vec![1]));
    assert_eq!(rows("/projects.json?cf_1=PRJ-2025-001%7CPRJ-2025-002&status=1%7C5").await, (2, vec![1, 2]));
    assert_eq!(rows("/projects.json?f[]=cf_1&op[cf_1]==&v[cf_1][]=PRJ-2025-002").await, (1, vec![2]));
    assert_eq!(rows("/projects.json?cf_1=nothing").await, (0, vec![]));
    assert_eq!(rows("/projects.json?cf_99=PRJ-2025-001&status=1%7C5").await, (3, vec![1, 2, 4]), "no such filter");
    assert_eq!(rows("/projects.json?created_on=%3E%3Dsoon").await.0, 3, "one bad value drops all filters");
    assert_eq!(status("/projects/3.json", KEY).await, 403, "archived");
    assert_eq!(read("/projects/project-2.json").await["project"]["status"], 5);
}

#[tokio::test]
async fn issues_are_open_ones_unless_asked_otherwise() {
    assert_eq!(rows("/issues.json?project_id=1").await.0, 120);
    assert_eq!(rows("/issues.json?project_id=project-1&status_id=*").await.0, 130);
    assert_eq!(rows("/issues.json?project_id=1&status_id=closed&sort=id&limit=2").await, (10, vec![121, 122]));
    assert_eq!(rows("/issues.json?issue_id=1,121,200,9999&status_id=*&sort=id").await, (3, vec![1, 121, 200]));
    assert_eq!(rows("/issues.json?issue_id=1,121").await, (1, vec![1]));
    assert_eq!(rows("/issues.json?project.cf_1=PRJ-2025-002&status_id=*").await, (1, vec![200]));
    assert_eq!(rows("/issues.json?f[]=project_id&op[project_id]==&v[project_id][]=1&v[project_id][]=2").await.0, 131);
    assert_eq!(status("/issues.json?project_id=1%7C2", KEY).await, 404);
    assert_eq!(rows("/issues.json?project_id=1&tracker_id=2&status_id=*").await.0, 65);
    let (status, body) =
        ask(Request::get(format!("/issues.json?key={KEY}&updated_on=%3E%3Dsoon")).body(Body::empty()).unwrap()).await;
    assert_eq!((status, body.as_str()), (422, r#"{"errors":["Updated is invalid"]}"#));
}

#[tokio::test]
async fn pages_hold_at_most_a_hundred_rows_and_end_quietly() {
    let page = read("/issues.json?project_id=1&status_id=*&limit=500&sort=id").await;
    assert_eq!((page["limit"].as_u64(), page["issues"].as_array().unwrap().len()), (Some(100), 100));
    assert_eq!(rows("/issues.json?project_id=1&status_id=*&limit=100&offset=100&sort=id").await.1.len(), 30);
    assert_eq!(rows("/issues.json?project_id=1&status_id=*&limit=100&page=2").await.1.len(), 30);
    assert_eq!(rows("/issues.json?project_id=1&status_id=*&offset=1000").await, (130, vec![]));
    assert_eq!(rows("/issues.json?project_id=1").await.1.len(), 25);
}

#[tokio::test]
async fn filters_that_are_too_long_break_it() {
    let ids = |count: usize| vec!["PRJ-2025-001"; count].join("%7C");
    assert_eq!(status(&format!("/issues.json?project.cf_1={}", ids(100)), KEY).await, 200);
    let long = format!("/issues.json?project.cf_1={}", ids(110));
    let answer = ask(Request::get(long).header("X-Redmine-API-Key", KEY).body(Body::empty()).unwrap()).await;
    assert_eq!(answer.0, 500, "the filters of issues do not fit into the session's cookie");
    assert_eq!(status(&format!("/projects.json?cf_1={}", ids(600)), KEY).await, 200);
    let uri = format!("/projects.json?cf_1={}", ids(800));
    let answer = router(company()).oneshot(Request::get(uri).body(Body::empty()).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 400, "the web server takes 10 kB");
}

#[tokio::test]
async fn hours_are_floats_and_found_by_project() {
    let body = read("/time_entries.json?project.cf_1=PRJ-2025-001%7CPRJ-2025-002").await;
    assert_eq!(body["total_count"], 2);
    assert_eq!(body["time_entries"][0]["hours"].to_string(), "1.25");
    assert_eq!(body["time_entries"][0]["user"], json!({ "id": 11, "name": "Ana Silva" }));
    assert_eq!(read("/issues/1.json").await["issue"]["spent_hours"].to_string(), "1.25");
    assert_eq!(read("/issues/2.json").await["issue"]["spent_hours"].to_string(), "0.0");
    assert_eq!(rows("/time_entries.json?from=2025-03-05").await.0, 0);
}

#[tokio::test]
async fn fields_and_words_are_shown() {
    let project = &read("/projects/1.json").await["project"];
    let field = |id: usize| project["custom_fields"][id - 1]["value"].clone();
    assert_eq!((field(1), field(4)), (json!("PRJ-2025-001"), json!("Ana Silva")));
    assert_eq!((field(5), field(6), field(7)), (json!("2025-01-07"), json!(null), json!("120.5")));
    assert_eq!(read("/projects/1/versions.json").await["versions"][0]["name"], "Design");
    assert_eq!(read("/versions/10.json").await["version"]["spent_hours"].to_string(), "0.0");
    assert_eq!(read("/projects/1/memberships.json").await["memberships"][0]["roles"][0]["name"], "Manager");
    assert_eq!(status("/custom_fields.json", KEY).await, 403);
    assert_eq!(read("/issue_statuses.json").await["issue_statuses"][4]["is_closed"], true);
    assert_eq!(read("/trackers.json").await["trackers"][1]["name"], "Incident");
    assert_eq!(read("/enumerations/issue_priorities.json").await["issue_priorities"][1]["is_default"], true);
}
