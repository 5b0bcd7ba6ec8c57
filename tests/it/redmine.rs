//! The Redmine connector against the embedded Redmine, with the same facts and the same expectations as against a real
//! one (`tests/real_redmine.rs`).

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use jiff::civil::date;
use spine::config::{Seconds, SecretRef, Traffic};
use spine::demo::company::model::{self, Company, Ledger, Shared};
use spine::demo::control::Fault;
use spine::demo::redmine::router;
use spine::demo::server::{Embedded, serve};
use spine::domain::ProjectId;
use spine::systems::ErrorKind;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::expectations::{self, Target, call, config, connection_within, expectations, file, ids, rule};
use crate::facts::facts;

/// The number after so many.
fn next(len: usize) -> u32 {
    u32::try_from(len).unwrap() + 1
}

/// The company of `facts.json`, numbered as it comes.
fn company() -> Company {
    let facts = facts();
    let mut company = Company {
        seed: 0,
        revision: 0,
        today: date(2025, 7, 1),
        currency: "EUR".to_owned(),
        people: Vec::new(),
        clients: Vec::new(),
        contacts: Vec::new(),
        deals: Vec::new(),
        projects: Vec::new(),
        issues: Vec::new(),
        time_entries: Vec::new(),
        ledger: Ledger::default(),
    };
    for (id, (first, last)) in (1..).zip(&facts.people) {
        let (first, last) = (first.clone(), last.clone());
        company.people.push(model::Person { id, first, last, email: String::new(), team: "Delivery".to_owned() });
    }
    let names: Vec<String> = facts.people.iter().map(|(first, last)| format!("{first} {last}")).collect();
    let person = |name: &String| (1..).zip(&names).find(|(_, known)| *known == name).map(|(id, _)| id).unwrap();

    for (project_id, fact) in (1..).zip(facts.projects.into_iter().filter(|fact| !fact.hidden)) {
        let at = date(2025, 1, 1).at(8, 0, i8::try_from(project_id).unwrap(), 0).in_tz("UTC").unwrap().timestamp();
        let first_version = next(company.projects.iter().map(|project| project.versions.len()).sum());
        let versions: Vec<model::Version> = (first_version..)
            .zip(fact.versions)
            .map(|(id, version)| model::Version { id, name: version.name, status: version.status, due: version.due })
            .collect();
        let first_issue = next(company.issues.len());
        let number = |subject: &String| {
            (first_issue..).zip(&fact.issues).find(|(_, issue)| issue.subject == *subject).unwrap().0
        };
        for (id, entry) in (next(company.time_entries.len())..).zip(&fact.time_entries) {
            company.time_entries.push(model::TimeEntry {
                id,
                project: project_id,
                issue: entry.issue.as_ref().map(number),
                person: person(&entry.person),
                activity: entry.activity.clone(),
                hours: entry.hours,
                spent_on: entry.spent_on,
            });
        }
        for (id, issue) in (first_issue..).zip(fact.issues) {
            company.issues.push(model::Issue {
                id,
                project: project_id,
                tracker: issue.tracker,
                closed: matches!(issue.status.as_str(), "Closed" | "Rejected"),
                status: issue.status,
                priority: issue.priority,
                subject: issue.subject,
                assignee: issue.assignee.as_ref().map(person),
                version: issue.version.map(|name| versions.iter().find(|version| version.name == name).unwrap().id),
                done_ratio: issue.done_ratio,
                estimated_hours: issue.estimated_hours,
                parent: None,
                start: None,
                due: None,
                created: issue.created,
                updated: issue.closed.unwrap_or(issue.created),
                closed_on: issue.closed,
            });
        }
        company.projects.push(model::Project {
            id: project_id,
            identifier: fact.identifier,
            name: fact.name,
            description: String::new(),
            status: fact.status,
            shared_id: fact.shared_id,
            health: fact.health,
            health_reason: fact.health_reason,
            manager: fact.manager.as_ref().map(person),
            start: fact.start,
            due: fact.due,
            budget_hours: fact.budget_hours,
            versions,
            members: Vec::new(),
            created: at,
            updated: at,
        });
    }
    company
}

async fn embedded() -> (Target, Embedded) {
    let company: Shared = Arc::new(RwLock::new(company()));
    let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = serve("redmine", router(Arc::clone(&company)), company, free).await.unwrap();
    (Target { url: server.url.clone(), key: SecretRef::File(file("embedded.key")) }, server)
}

expectations!(embedded);

/// The server's own counters.
async fn calls(server: &Embedded) -> BTreeMap<String, u64> {
    let address = server.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET /_demo/stats HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_value(serde_json::from_str::<serde_json::Value>(body).unwrap()["calls"].clone()).unwrap()
}

#[tokio::test]
async fn numbers_that_come_as_strings_are_read_the_same() {
    let (target, server) = embedded().await;
    server.set_fault("strings".parse().unwrap());
    expectations::projects_are_found_by_shared_id(&target).await;
    expectations::tickets_are_the_issues_of_each_project_to_the_last_page(&target).await;
    expectations::tickets_are_found_by_number(&target).await;
    expectations::effort_is_the_sum_of_all_time_entries_by_person(&target).await;
    expectations::milestones_are_the_versions_of_the_project(&target).await;
}

#[tokio::test]
async fn what_goes_wrong_on_the_way_is_told_apart() {
    let (target, server) = embedded().await;
    let traffic = Traffic {
        retries: 0,
        breaker_failures: 1_000,
        attempt_timeout: Seconds(Duration::from_millis(500)),
        ..Traffic::default()
    };
    let connection = connection_within(config(&target), traffic);
    let (projects, tickets) = (connection.projects.unwrap(), connection.tickets.unwrap());
    let asked = ids(&["PRJ-2025-001"]);
    for (mode, kind) in [
        ("down", ErrorKind::Connect),
        ("slow", ErrorKind::Timeout),
        ("429", ErrorKind::RateLimited),
        ("401", ErrorKind::Unauthorized),
        ("403", ErrorKind::Forbidden),
        ("500", ErrorKind::Broken),
        ("503", ErrorKind::Broken),
        ("html", ErrorKind::BadResponse),
        ("truncated", ErrorKind::BadResponse),
        ("empty", ErrorKind::BadResponse),
        ("huge", ErrorKind::TooLarge),
    ] {
        server.set_fault(mode.parse().unwrap());
        assert_eq!(projects.projects(&call(), &asked).await.unwrap_err().kind, kind, "{mode}");
        assert_eq!(tickets.tickets_by_project(&call(), &asked).await.unwrap_err().kind, kind, "{mode}");
    }
    server.set_fault("off".parse().unwrap());
    assert_eq!(projects.projects(&call(), &asked).await.unwrap().found.len(), 1, "no failure stays");

    // One project's milestones fail, the others are read.
    let path = Some("/projects/1/versions".to_owned());
    server.set_fault(Fault { path, ..Fault::from_str("500").unwrap() });
    let batch = projects.milestones(&call(), &ids(&["PRJ-2025-001", "PRJ-2025-002"])).await.unwrap();
    assert_eq!(batch.failed[&asked[0]].kind, ErrorKind::Broken);
    assert_eq!(batch.found.len(), 1);
}

#[tokio::test]
async fn a_hundred_projects_cost_one_call_and_a_hundred_issues_another() {
    let (target, server) = embedded().await;
    let connection = connection_within(config(&target), Traffic::default());
    let (projects, tickets) = (connection.projects.unwrap(), connection.tickets.unwrap());
    let many: Vec<ProjectId> = (0..200).map(|n| rule().parse(&format!("PRJ-1999-{n:06}")).unwrap()).collect();

    // At once, and for the first time: the key is verified and the fields are looked up once for all.
    let (call, one) = (call(), ids(&["PRJ-2025-003"]));
    let (a, b, c) = tokio::join!(
        projects.projects(&call, &many),
        tickets.tickets_by_project(&call, &one),
        projects.effort(&call, &one)
    );
    assert!(a.unwrap().found.is_empty());
    assert_eq!(b.unwrap().found[&one[0]].len(), 230);
    assert!(c.unwrap().failed.is_empty());
    let expected = [
        ("issues.list", 3),       // 230 issues
        ("projects.list", 1 + 4), // the fields; 200 IDs, and the one ID twice
        ("time_entries.list", 2), // 115 entries
        ("users.current", 1),
    ];
    assert_eq!(calls(&server).await, expected.map(|(name, count)| (name.to_owned(), count)).into());

    // More shared IDs than fit into a filter of issues: their projects first, then one list by their numbers.
    let mut asked = many[..97].to_vec();
    asked.extend(ids(&["PRJ-2025-001", "PRJ-2025-002", "X|10"]));
    let batch = tickets.tickets_by_project(&call, &asked).await.unwrap();
    assert_eq!(batch.found.values().map(Vec::len).sum::<usize>(), 8);
    let calls = calls(&server).await;
    assert_eq!((calls["issues.list"], calls["projects.list"]), (3 + 1, 5 + 2), "an odd ID travels apart");
}

#[tokio::test]
async fn more_pages_than_allowed_are_an_error_and_not_a_shorter_list() {
    let (target, _server) = embedded().await;
    let traffic = Traffic { max_pages: 2, ..Traffic::default() };
    let connection = connection_within(config(&target), traffic);
    let (projects, tickets) = (connection.projects.unwrap(), connection.tickets.unwrap());
    let big = ids(&["PRJ-2025-003"]);
    let error = tickets.tickets_by_project(&call(), &big).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Truncated);
    assert_eq!(projects.effort(&call(), &big).await.unwrap().found.len(), 1, "two pages of hours");
}
