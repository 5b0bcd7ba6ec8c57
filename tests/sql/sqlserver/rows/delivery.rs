//! Projects, milestones, hours and tickets. What is archived is not shown.

use std::collections::{HashMap, HashSet};

use rust_decimal::Decimal;
use spine::demo::company::model::{Company, Project};

use super::{Kind, TEXT, Table, Value, person, row};

const HOURS: Kind = Kind::Decimal(12, 4);

fn shown(company: &Company) -> impl Iterator<Item = &Project> {
    company.projects.iter().filter(|project| project.status != 9)
}

pub(super) fn projects(company: &Company) -> Table {
    let columns = [
        ("id", Kind::Varchar(80)),
        ("record_id!", Kind::Int),
        ("name", TEXT),
        ("status!", Kind::TinyInt),
        ("health", Kind::Nvarchar(80)),
        ("health_reason", Kind::NvarcharMax),
        ("manager", TEXT),
        ("start_date", Kind::Date),
        ("due_date", Kind::SmallDateTime),
        ("hours_budgeted", HOURS),
    ];
    Table::new(&columns).with(shown(company).map(|p| {
        let (code, health, reason) = (p.shared_id.as_ref(), p.health.as_ref(), p.health_reason.as_ref());
        let due = p.due.map(|due| due.at(0, 0, 0, 0));
        row![code, p.id, &p.name, p.status, health, reason, person(company, p.manager).0, p.start, due, p.budget_hours]
    }))
}

pub(super) fn milestones(company: &Company) -> Table {
    let columns = [
        ("id!", Kind::Int),
        ("project_id", Kind::Varchar(80)),
        ("name", TEXT),
        ("status", Kind::Nvarchar(20)),
        ("due_date", Kind::Date),
    ];
    Table::new(&columns).with(shown(company).flat_map(|project| {
        project.versions.iter().map(|v| row![v.id, project.shared_id.as_ref(), &v.name, &v.status, v.due])
    }))
}

/// The shared IDs of projects, as they were typed.
fn codes(company: &Company) -> HashMap<u32, Option<&String>> {
    shown(company).map(|project| (project.id, project.shared_id.as_ref())).collect()
}

pub(super) fn effort(company: &Company) -> Table {
    let columns = [
        ("id!", Kind::Int),
        ("project_id", Kind::Varchar(80)),
        ("hours", HOURS),
        ("person", TEXT),
        ("person_email", TEXT),
    ];
    let codes = codes(company);
    Table::new(&columns).with(company.time_entries.iter().filter_map(|entry| {
        let (name, email, _) = person(company, Some(entry.person));
        Some(row![entry.id, *codes.get(&entry.project)?, entry.hours, name, email])
    }))
}

pub(super) fn tickets(company: &Company) -> Table {
    let columns = [
        ("id!", Kind::Int),
        ("project_id", Kind::Varchar(80)),
        ("subject", TEXT),
        ("status", Kind::Nvarchar(80)),
        ("pipeline", Kind::Nvarchar(80)),
        ("category", Kind::Nvarchar(80)),
        ("priority", Kind::Nvarchar(80)),
        ("owner", TEXT),
        ("opened_at", Kind::DateTimeOffset(3, 0)),
        ("closed_at", Kind::DateTime2(7)),
        ("hours", Kind::Decimal(38, 4)),
        ("hours_estimated", HOURS),
        ("progress", Kind::Int),
    ];
    let codes = codes(company);
    let parents: HashSet<u32> = company.issues.iter().filter_map(|issue| issue.parent).collect();
    let mut booked: HashMap<u32, Decimal> = HashMap::new();
    for entry in &company.time_entries {
        *booked.entry(entry.issue.unwrap_or(0)).or_default() += entry.hours;
    }
    Table::new(&columns).with(company.issues.iter().filter_map(|issue| {
        let own = !parents.contains(&issue.id);
        let head = row![issue.id, *codes.get(&issue.project)?, &issue.subject, &issue.status];
        let words = row![&issue.tracker, &issue.tracker, &issue.priority, person(company, issue.assignee).0];
        let times = row![issue.created, issue.closed_on.filter(|_| issue.closed)];
        let hours = booked.get(&issue.id).copied().unwrap_or_default();
        let estimate = Value::from(issue.estimated_hours.filter(|_| own));
        let progress = Value::from(Some(issue.done_ratio).filter(|_| own));
        Some([head, words, times, vec![hours.into(), estimate, progress]].concat())
    }))
}
