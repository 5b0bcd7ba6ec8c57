//! What the Redmine connector reads from a Redmine that holds `facts.json`. The same expectations run against a real one
//! (`tests/real_redmine.rs`) and against the embedded one (`tests/it/redmine.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use regex::Regex;
use rust_decimal::Decimal;
use spine::config::{SecretRef, Traffic};
use spine::domain::{
    Health, MilestoneStatus, Priority as Urgency, ProjectId, ProjectQuery, ProjectStatus, SharedIdRule, SystemClock,
    TicketCategory, TicketId, TicketStatus,
};
use spine::systems::redmine::{Config, connect};
use spine::systems::{Call, Connection, ConnectionContext, ErrorKind, Priority, ProjectSource, TicketSource};
use tokio::time::Instant;

use crate::facts::{Issue, Project, facts};

/// A Redmine that holds the facts.
pub(crate) struct Target {
    pub(crate) url: String,
    pub(crate) key: SecretRef,
}

/// A file beside this one.
pub(crate) fn file(name: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "redmine", name].iter().collect()
}

/// The tests, once for each binary: `$target` starts or finds a Redmine and gives it with whatever keeps it alive.
macro_rules! expectations {
    ($target:path: $($name:ident),+ $(,)?) => {$(
        #[tokio::test]
        async fn $name() {
            let (target, _alive) = $target().await;
            crate::expectations::$name(&target).await;
        }
    )+};
    ($target:path) => {
        expectations! {
            $target:
            projects_are_found_by_shared_id,
            two_projects_with_one_shared_id_are_a_conflict,
            what_the_user_may_not_see_is_not_found,
            more_ids_than_fit_into_one_call_are_all_answered,
            milestones_are_the_versions_of_the_project,
            tickets_are_the_issues_of_each_project_to_the_last_page,
            tickets_are_found_by_number,
            effort_is_the_sum_of_all_time_entries_by_person,
            a_project_without_anything_has_no_hours_and_no_tickets,
            pages_of_projects_come_to_an_end_and_hold_what_is_in_the_graph,
            a_bad_key_is_an_error_and_not_an_empty_answer,
            a_custom_field_that_is_not_there_is_named_in_the_error,
            a_custom_field_that_is_no_filter_is_an_error_and_not_a_long_answer,
            projects_are_found_by_identifier,
        }
    };
}
pub(crate) use expectations;

pub(crate) fn rule() -> SharedIdRule {
    static RULE: LazyLock<SharedIdRule> = LazyLock::new(|| {
        let pattern = Regex::new(r"^(PRJ-\d{4}-\d{3,6}|X\|\d+|~\d+)$").unwrap();
        SharedIdRule::new(pattern, &["trim", "nfkc", "uppercase"])
    });
    RULE.clone()
}

fn id(text: &str) -> ProjectId {
    rule().parse(text).unwrap()
}

pub(crate) fn ids(texts: &[&str]) -> Vec<ProjectId> {
    texts.iter().map(|text| id(text)).collect()
}

pub(crate) fn config(target: &Target) -> Config {
    let mut config: Config = toml::from_str(
        r#"
        url = "set below"
        key = { env = "SET_BELOW" }
        shared_id = { custom_field = "Shared project ID" }

        [fields]
        health = "Health"
        health_reason = "Health reason"
        manager = "Project manager"
        start_date = "Start date"
        due_date = "Due date"
        budget_hours = "Budget hours"
        "#,
    )
    .unwrap();
    // A slash at the end is fine.
    config.url = format!("{}/", target.url);
    config.key = target.key.clone();
    config
}

fn connection(config: Config) -> Connection {
    connection_within(config, Traffic { concurrency: 4, ..Traffic::default() })
}

pub(crate) fn connection_within(config: Config, traffic: Traffic) -> Connection {
    let context = ConnectionContext {
        name: spine::domain::ConnectionName::new("redmine"),
        shared_id: rule(),
        traffic,
        clock: Arc::new(SystemClock::default()),
    };
    connect(config, context).unwrap()
}

fn projects(config: Config) -> Arc<dyn ProjectSource> {
    connection(config).projects.unwrap()
}

fn tickets(config: Config) -> Arc<dyn TicketSource> {
    connection(config).tickets.unwrap()
}

pub(crate) fn call() -> Call {
    Call::new(Instant::now() + Duration::from_secs(20), Priority::Interactive)
}

fn fact(shared_id: &str) -> Project {
    facts().projects.into_iter().find(|project| project.shared_id.as_deref() == Some(shared_id)).unwrap()
}

pub(crate) async fn projects_are_found_by_shared_id(target: &Target) {
    // Among them: closed, typed in lower case, with a separator and with an operator of Redmine's filters in the ID.
    let asked = ["PRJ-2025-001", "PRJ-2025-002", "PRJ-2025-003", "PRJ-2025-008", "X|10", "~14", "PRJ-2025-013"];
    let typed = ["PRJ-2025-001", "PRJ-2025-002", "PRJ-2025-003", "prj-2025-008", "X|10", "~14", "PRJ-2025-013"];
    let batch = projects(config(target)).projects(&call(), &ids(&asked)).await.unwrap();
    assert!(batch.failed.is_empty(), "{:?}", batch.failed);
    assert_eq!(batch.found.len(), asked.len());
    for (asked, typed) in asked.into_iter().zip(typed) {
        let (project, fact) = (&batch.found[&id(asked)], fact(typed));
        assert_eq!(project.id, id(asked));
        assert_eq!(project.name.as_deref(), Some(fact.name.as_str()));
        let status = if fact.status == 1 { ProjectStatus::Active } else { ProjectStatus::Completed };
        assert_eq!(project.status, status);
        let health = fact.health.map(|word| match word.as_str() {
            "Green" => Health::Green,
            "Amber" => Health::Amber,
            "Red" => Health::Red,
            _ => Health::Unknown(word),
        });
        assert_eq!(project.health, health);
        assert_eq!(project.health_reason, fact.health_reason);
        assert_eq!(project.manager.as_ref().map(|manager| manager.name.as_str()), fact.manager.as_deref());
        assert_eq!((project.start_date, project.due_date), (fact.start, fact.due));
        assert_eq!(project.hours_budgeted, fact.budget_hours);
        assert_eq!(project.percent_complete, None);
        assert_eq!(project.url.as_deref(), Some(format!("{}/projects/{}", target.url, fact.identifier).as_str()));
        assert!(project.flaws.is_empty());
    }
}

pub(crate) async fn two_projects_with_one_shared_id_are_a_conflict(target: &Target) {
    let asked = ids(&["PRJ-2025-004", "PRJ-2025-001"]);
    let connection = connection(config(target));
    let (projects, tickets) = (connection.projects.unwrap(), connection.tickets.unwrap());
    let batch = projects.projects(&call(), &asked).await.unwrap();
    assert_eq!(batch.failed[&asked[0]].kind, ErrorKind::Conflict);
    assert_eq!(batch.found.len(), 1);
    let batch = tickets.tickets_by_project(&call(), &asked).await.unwrap();
    assert_eq!(batch.failed[&asked[0]].kind, ErrorKind::Conflict);
    assert_eq!(batch.found.len(), 1);
}

pub(crate) async fn what_the_user_may_not_see_is_not_found(target: &Target) {
    // Archived, of others, unknown.
    let asked = ids(&["PRJ-2025-009", "PRJ-2025-011", "PRJ-2025-999"]);
    let projects = projects(config(target));
    let batch = projects.projects(&call(), &asked).await.unwrap();
    assert!(batch.found.is_empty() && batch.failed.is_empty());
    let batch = projects.milestones(&call(), &asked).await.unwrap();
    assert!(batch.found.is_empty() && batch.failed.is_empty());
    let batch = projects.projects(&call(), &[]).await.unwrap();
    assert!(batch.found.is_empty() && batch.failed.is_empty());
}

pub(crate) async fn more_ids_than_fit_into_one_call_are_all_answered(target: &Target) {
    let mut asked: Vec<ProjectId> = (0..250).map(|n| id(&format!("PRJ-1999-{n:06}"))).collect();
    asked.insert(0, id("PRJ-2025-001"));
    asked.insert(130, id("X|10"));
    asked.push(id("PRJ-2025-002"));
    let connection = connection(config(target));
    let (projects, tickets) = (connection.projects.unwrap(), connection.tickets.unwrap());
    let batch = projects.projects(&call(), &asked).await.unwrap();
    let found: BTreeSet<&str> = batch.found.keys().map(ProjectId::as_str).collect();
    assert_eq!(found, BTreeSet::from(["PRJ-2025-001", "PRJ-2025-002", "X|10"]));
    let batch = tickets.tickets_by_project(&call(), &asked).await.unwrap();
    let found: BTreeMap<&str, usize> = batch.found.iter().map(|(id, rows)| (id.as_str(), rows.len())).collect();
    assert_eq!(found, BTreeMap::from([("PRJ-2025-001", 6), ("PRJ-2025-002", 1), ("X|10", 1)]));
}

pub(crate) async fn milestones_are_the_versions_of_the_project(target: &Target) {
    let asked = ["PRJ-2025-001", "PRJ-2025-002", "PRJ-2025-013"];
    let batch = projects(config(target)).milestones(&call(), &ids(&asked)).await.unwrap();
    assert_eq!(batch.found.len(), 3);
    for asked in asked {
        // The facts have them by due date, those without one last.
        let expected: Vec<_> = fact(asked)
            .versions
            .into_iter()
            .map(|version| {
                let status = match version.status.as_str() {
                    "open" => MilestoneStatus::Open,
                    "locked" => MilestoneStatus::Locked,
                    _ => MilestoneStatus::Closed,
                };
                (Some(version.name), status, version.due)
            })
            .collect();
        let found: Vec<_> = batch.found[&id(asked)]
            .iter()
            .map(|milestone| (milestone.name.clone(), milestone.status.clone(), milestone.due_date))
            .collect();
        assert_eq!(found, expected);
    }
}

fn assert_is(ticket: &spine::domain::Ticket, issue: &Issue, project: &Project) {
    assert_eq!(ticket.subject.as_deref(), Some(issue.subject.as_str()));
    let status = match issue.status.as_str() {
        "New" => TicketStatus::New,
        "In Progress" | "Resolved" => TicketStatus::InProgress,
        "Feedback" => TicketStatus::Waiting,
        _ => TicketStatus::Closed,
    };
    assert_eq!(ticket.status, status, "{}", issue.subject);
    assert_eq!(ticket.status_label.as_deref(), Some(issue.status.as_str()));
    let priority = match issue.priority.as_str() {
        "Low" => Urgency::Low,
        "Normal" => Urgency::Normal,
        "High" => Urgency::High,
        _ => Urgency::Critical,
    };
    assert_eq!(ticket.priority, Some(priority), "{}", issue.subject);
    let category = match issue.tracker.as_str() {
        "Incident" => TicketCategory::Incident,
        "Change request" => TicketCategory::ChangeRequest,
        "Support" => TicketCategory::Support,
        _ => TicketCategory::Task,
    };
    assert_eq!(ticket.category, category, "{}", issue.subject);
    assert_eq!(ticket.pipeline.as_deref(), Some(issue.tracker.as_str()));
    assert_eq!(ticket.owner.as_ref().map(|owner| owner.name.as_str()), issue.assignee.as_deref());
    assert_eq!((ticket.opened_at, ticket.closed_at), (Some(issue.created), issue.closed));
    let booked = project.time_entries.iter().filter(|entry| entry.issue.as_ref() == Some(&issue.subject));
    assert_eq!(ticket.hours, Some(booked.map(|entry| entry.hours).sum()), "{}", issue.subject);
    assert!(ticket.url.as_ref().unwrap().ends_with(&format!("/issues/{}", ticket.id)));
}

pub(crate) async fn tickets_are_the_issues_of_each_project_to_the_last_page(target: &Target) {
    let asked = ["PRJ-2025-001", "PRJ-2025-002", "PRJ-2025-003", "X|10"];
    let batch = tickets(config(target)).tickets_by_project(&call(), &ids(&asked)).await.unwrap();
    assert!(batch.failed.is_empty());
    assert_eq!(batch.found[&id("PRJ-2025-003")].len(), 230, "three pages");
    for asked in asked {
        let (tickets, fact) = (&batch.found[&id(asked)], fact(asked));
        assert_eq!(tickets.len(), fact.issues.len());
        for (ticket, issue) in tickets.iter().zip(&fact.issues) {
            assert_eq!(ticket.project_id, Some(id(asked)));
            assert_is(ticket, issue, &fact);
        }
    }
}

pub(crate) async fn tickets_are_found_by_number(target: &Target) {
    let connection = tickets(config(target));
    let known = connection.tickets_by_project(&call(), &ids(&["PRJ-2025-001", "X|10"])).await.unwrap().found;
    let mut asked: Vec<TicketId> = known.values().flatten().map(|ticket| ticket.id.clone()).collect();
    asked.extend(["4000000000", "0", "abc", "1.5", "1,2", ""].map(TicketId::new));
    let batch = connection.tickets(&call(), &asked).await.unwrap();
    assert_eq!(batch.found.len(), 7);
    for (project, tickets) in &known {
        for ticket in tickets {
            assert_eq!(batch.found[&ticket.id].subject, ticket.subject);
            assert_eq!(batch.found[&ticket.id].project_id.as_ref(), Some(project));
        }
    }
    let none = connection.tickets(&call(), &[TicketId::new("abc")]).await.unwrap();
    assert!(none.found.is_empty() && none.failed.is_empty());
}

fn booked(project: &Project) -> (Decimal, BTreeMap<String, Decimal>) {
    let mut people: BTreeMap<String, Decimal> = BTreeMap::new();
    for entry in &project.time_entries {
        *people.entry(entry.person.clone()).or_default() += entry.hours;
    }
    (people.values().sum(), people)
}

pub(crate) async fn effort_is_the_sum_of_all_time_entries_by_person(target: &Target) {
    let asked = ["PRJ-2025-001", "PRJ-2025-002", "PRJ-2025-003", "X|10"];
    let batch = projects(config(target)).effort(&call(), &ids(&asked)).await.unwrap();
    for asked in asked {
        let effort = &batch.found[&id(asked)];
        let (all, people) = booked(&fact(asked));
        assert_eq!(effort.hours_spent, all, "{asked}");
        let found: Vec<(String, Decimal)> =
            effort.resources.iter().map(|each| (each.person.name.to_string(), each.hours_spent)).collect();
        assert_eq!(found, people.into_iter().collect::<Vec<_>>(), "{asked}, by name");
    }
}

pub(crate) async fn a_project_without_anything_has_no_hours_and_no_tickets(target: &Target) {
    let asked = ids(&["PRJ-2025-013"]);
    let connection = connection(config(target));
    let effort = connection.projects.unwrap().effort(&call(), &asked).await.unwrap();
    assert_eq!(effort.found[&asked[0]].hours_spent, Decimal::ZERO);
    assert!(effort.found[&asked[0]].resources.is_empty());
    let tickets = connection.tickets.unwrap().tickets_by_project(&call(), &asked).await.unwrap();
    assert!(tickets.found[&asked[0]].is_empty());
}

async fn names(target: &Target, query: &ProjectQuery) -> Vec<String> {
    let projects = projects(config(target));
    let mut names = Vec::new();
    let mut after = None;
    loop {
        let page = projects.project_page(&call(), query, after.as_deref(), 2).await.unwrap();
        names.extend(page.items.into_iter().map(|project| project.name.unwrap().to_string()));
        after = page.next;
        if after.is_none() {
            return names;
        }
        assert!(names.len() < 100, "the pages never end");
    }
}

pub(crate) async fn pages_of_projects_come_to_an_end_and_hold_what_is_in_the_graph(target: &Target) {
    let usable = |project: &Project| project.shared_id.as_deref().is_some_and(|id| rule().parse(id).is_ok());
    let expected = |statuses: &[u8]| -> Vec<String> {
        let shown = facts().projects.into_iter().filter(|project| statuses.contains(&project.status));
        shown.filter(|project| usable(project) && !project.hidden).map(|project| project.name).collect()
    };
    let status = |status| ProjectQuery { status: Some(status), text: None };
    assert_eq!(names(target, &ProjectQuery::default()).await, expected(&[1, 5]));
    assert_eq!(names(target, &status(ProjectStatus::Active)).await, expected(&[1]));
    assert_eq!(names(target, &status(ProjectStatus::Completed)).await, expected(&[5]));
    assert!(names(target, &status(ProjectStatus::OnHold)).await.is_empty());
    let text = |text: &str| ProjectQuery { status: None, text: Some(text.to_owned()) };
    assert_eq!(names(target, &text("twin")).await, ["Twin A", "Twin B"]);
    assert_eq!(names(target, &text("in lower case")).await, ["Typed in lower case"]);
    assert!(names(target, &text("|")).await.is_empty());
}

pub(crate) async fn a_bad_key_is_an_error_and_not_an_empty_answer(target: &Target) {
    let wrong = Target { url: target.url.clone(), key: SecretRef::File(file("wrong.key")) };
    let connection = connection(config(&wrong));
    let (projects, tickets) = (connection.projects.unwrap(), connection.tickets.unwrap());
    let asked = ids(&["PRJ-2025-001"]);
    assert_eq!(projects.projects(&call(), &asked).await.unwrap_err().kind, ErrorKind::Unauthorized);
    assert_eq!(projects.milestones(&call(), &asked).await.unwrap_err().kind, ErrorKind::Unauthorized);
    assert_eq!(projects.effort(&call(), &asked).await.unwrap_err().kind, ErrorKind::Unauthorized);
    let page = projects.project_page(&call(), &ProjectQuery::default(), None, 10).await;
    assert_eq!(page.unwrap_err().kind, ErrorKind::Unauthorized);
    assert_eq!(tickets.tickets_by_project(&call(), &asked).await.unwrap_err().kind, ErrorKind::Unauthorized);
    assert_eq!(tickets.tickets(&call(), &[TicketId::new("1")]).await.unwrap_err().kind, ErrorKind::Unauthorized);
}

fn with_shared_id(target: &Target, place: &str) -> Config {
    let place: BTreeMap<String, spine::systems::redmine::SharedIdPlace> = toml::from_str(place).unwrap();
    Config { shared_id: place.into_values().next().unwrap(), ..config(target) }
}

pub(crate) async fn a_custom_field_that_is_not_there_is_named_in_the_error(target: &Target) {
    let mut misspelt = config(target);
    misspelt.fields.health = Some("Helth".to_owned());
    let no_such = with_shared_id(target, "shared_id = { custom_field = \"No such field\" }");
    for (config, name) in [(misspelt, "`Helth`"), (no_such, "`No such field`")] {
        let error = projects(config).projects(&call(), &ids(&["PRJ-2025-001"])).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::BadRequest);
        assert!(error.detail.unwrap().contains(name));
    }
}

pub(crate) async fn a_custom_field_that_is_no_filter_is_an_error_and_not_a_long_answer(target: &Target) {
    for place in ["shared_id = { custom_field = \"Health\" }", "shared_id = { custom_field = 99 }"] {
        let connection = connection(with_shared_id(target, place));
        let (projects, tickets) = (connection.projects.unwrap(), connection.tickets.unwrap());
        let asked = ids(&["PRJ-2025-001"]);
        for error in [
            projects.projects(&call(), &asked).await.unwrap_err(),
            projects.effort(&call(), &asked).await.unwrap_err(),
            tickets.tickets_by_project(&call(), &asked).await.unwrap_err(),
        ] {
            assert_eq!(error.kind, ErrorKind::BadRequest);
            assert!(error.detail.unwrap().contains("used as a filter"));
        }
    }
}

pub(crate) async fn projects_are_found_by_identifier(target: &Target) {
    let connection = connection(with_shared_id(target, "shared_id = { identifier = true }"));
    let (projects, tickets) = (connection.projects.unwrap(), connection.tickets.unwrap());
    let asked = ids(&["PRJ-2025-001", "PRJ-2025-002", "PRJ-2025-003", "PRJ-2025-009", "PRJ-2025-999", "X|10"]);
    let expected = BTreeSet::from(["PRJ-2025-001", "PRJ-2025-002", "PRJ-2025-003"]);

    let batch = projects.projects(&call(), &asked).await.unwrap();
    assert_eq!(batch.found.keys().map(ProjectId::as_str).collect::<BTreeSet<_>>(), expected);
    assert_eq!(batch.failed[&id("PRJ-2025-009")].kind, ErrorKind::Forbidden, "archived");
    assert_eq!(batch.found[&asked[1]].name.as_deref(), Some("Finished bridge"));

    let batch = tickets.tickets_by_project(&call(), &asked).await.unwrap();
    assert_eq!(batch.found.keys().map(ProjectId::as_str).collect::<BTreeSet<_>>(), expected);
    assert_eq!(batch.found[&asked[2]].len(), 230);
    let one = &batch.found[&asked[1]][0];
    let again = tickets.tickets(&call(), std::slice::from_ref(&one.id)).await.unwrap();
    assert_eq!(again.found[&one.id].project_id, Some(id("PRJ-2025-002")));

    let batch = projects.effort(&call(), &asked).await.unwrap();
    assert_eq!(batch.found[&asked[0]].hours_spent, booked(&fact("PRJ-2025-001")).0);
    let page = projects.project_page(&call(), &ProjectQuery::default(), None, 100).await.unwrap();
    let listed: Vec<&str> = page.items.iter().map(|project| project.id.as_str()).collect();
    assert_eq!(listed, ["PRJ-2025-001", "PRJ-2025-002", "PRJ-2025-003", "PRJ-2025-013"]);
}
