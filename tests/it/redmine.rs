//! The Redmine connector against the embedded Redmine, with the same facts and the same expectations as against a real
//! one (`tests/real_redmine.rs`).

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, RwLock};

use jiff::civil::date;
use spine::config::SecretRef;
use spine::demo::company::model::{self, Company, Ledger, Shared};
use spine::demo::redmine::router;
use spine::demo::server::{Embedded, serve};

use crate::expectations::{Target, expectations, file};
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
