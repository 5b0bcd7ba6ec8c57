//! Projects, milestones, tasks and hours. This company keeps the shared ID, health and kinds of tasks in fields of its own.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use super::table::{Row, Tables};
use super::value::Value;
use crate::demo::company::model::{Company, Issue, Project};
use crate::demo::company::words::ISSUE_STATUSES;

/// A moment as Odoo writes it: in UTC, without saying so.
pub(super) fn moment(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A colleague, as users and as employees are numbered.
pub(super) fn person(company: &Company, id: u32) -> Value {
    let person = company.people.iter().find(|person| person.id == id);
    Value::maybe(person, |person| Value::Link(i64::from(10 + person.id), format!("{} {}", person.first, person.last)))
}

fn float(number: Option<Decimal>) -> Value {
    Value::Float(number.unwrap_or_default())
}

fn add(tables: &mut Tables, model: &str, id: impl Into<i64>, row: Row) {
    if let Some(table) = tables.0.get_mut(model) {
        table.add(id.into(), row);
    }
}

/// Fills the tables of delivery. What the project tool does not show any more is not there.
pub(super) fn fill(tables: &mut Tables, company: &Company) {
    for person in &company.people {
        let name = format!("{} {}", person.first, person.last);
        let row = Row::default().text("name", name).text("email", &person.email).with("active", Value::True);
        add(tables, "res.users", 10 + person.id, row.clone());
        add(tables, "hr.employee", 10 + person.id, row);
    }
    for ((name, closed), id) in ISSUE_STATUSES.into_iter().zip(1..) {
        let row = Row::default().text("name", name).with("fold", if closed { Value::True } else { Value::False });
        add(tables, "project.task.type", id, row);
    }
    for project in company.projects.iter().filter(|project| project.status != 9) {
        projects(tables, company, project);
    }
    let shown = |id: u32| company.projects.iter().find(|project| project.id == id && project.status != 9);
    for issue in &company.issues {
        if let Some(project) = shown(issue.project) {
            add(tables, "project.task", issue.id, task(company, project, issue));
        }
    }
    for entry in &company.time_entries {
        let Some(project) = shown(entry.project) else { continue };
        let row = Row::default()
            .text("name", &entry.activity)
            .text("date", entry.spent_on.to_string())
            .with("unit_amount", Value::Float(entry.hours))
            .with("amount", Value::Float(Decimal::ZERO))
            .with("project_id", link(project))
            .with("task_id", Value::maybe(entry.issue, |issue| Value::Link(issue.into(), issue.to_string())))
            .with("employee_id", person(company, entry.person))
            .with("user_id", person(company, entry.person))
            .text("category", "other");
        add(tables, "account.analytic.line", entry.id, row);
    }
}

fn link(project: &Project) -> Value {
    Value::Link(project.id.into(), project.name.clone())
}

fn projects(tables: &mut Tables, company: &Company, project: &Project) {
    let row = Row::default()
        .text("name", &project.name)
        .with("active", if project.status == 5 { Value::False } else { Value::True })
        .with("user_id", Value::maybe(project.manager, |id| person(company, id)))
        .text("date_start", project.start.map(|day| day.to_string()).unwrap_or_default())
        .text("date", project.due.map(|day| day.to_string()).unwrap_or_default())
        .text("last_update_status", "to_define")
        .with("allocated_hours", float(project.budget_hours))
        .with("is_template", Value::False)
        .text("x_project_id", project.shared_id.clone().unwrap_or_default())
        .text("x_health", project.health.clone().unwrap_or_default())
        .text("x_health_reason", project.health_reason.clone().unwrap_or_default())
        .text("create_date", moment(project.created))
        .text("write_date", moment(project.updated));
    add(tables, "project.project", project.id, row);
    for version in &project.versions {
        let reached = if version.status == "closed" { Value::True } else { Value::False };
        let row = Row::default()
            .text("name", &version.name)
            .with("project_id", link(project))
            .text("deadline", version.due.map(|day| day.to_string()).unwrap_or_default())
            .with("is_reached", reached);
        add(tables, "project.milestone", version.id, row);
    }
}

fn task(company: &Company, project: &Project, issue: &Issue) -> Row {
    let stage = ISSUE_STATUSES.iter().position(|(name, _)| *name == issue.status).unwrap_or(ISSUE_STATUSES.len());
    let stage = i64::try_from(stage).unwrap_or_default() + 1;
    let hours: Decimal =
        company.time_entries.iter().filter(|entry| entry.issue == Some(issue.id)).map(|entry| entry.hours).sum();
    let priority = match issue.priority.as_str() {
        "Low" => "0",
        "Normal" => "1",
        "High" => "2",
        "Urgent" | "Immediate" => "3",
        other => other,
    };
    let progress = match (issue.closed, issue.status.as_str()) {
        (true, "Rejected") => "1_canceled",
        (true, _) => "1_done",
        (false, _) => "01_in_progress",
    };
    let people = issue.assignee.map(|id| i64::from(10 + id)).into_iter().collect();
    Row::default()
        .text("name", &issue.subject)
        .with("project_id", link(project))
        .with("stage_id", Value::Link(stage, issue.status.clone()))
        .text("state", progress)
        .text("priority", priority)
        .with("user_ids", Value::Links(people))
        .with("parent_id", Value::maybe(issue.parent, |parent| Value::Link(parent.into(), parent.to_string())))
        .with("milestone_id", Value::maybe(issue.version, |version| Value::Link(version.into(), version.to_string())))
        .text("create_date", moment(issue.created))
        .text("write_date", moment(issue.updated))
        .text("date_end", issue.closed_on.map(moment).unwrap_or_default())
        .with("allocated_hours", float(issue.estimated_hours))
        .with("effective_hours", Value::Float(hours))
        .with("active", Value::True)
        .text("x_kind", &issue.tracker)
        .with("x_progress", Value::Int(issue.done_ratio.into()))
}
