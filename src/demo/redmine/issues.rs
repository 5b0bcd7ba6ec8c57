//! Issues.

use std::cmp::Ordering;

use axum::extract::Path;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::super::company::model::{Issue, Project};
use super::query::{Available, Field, Filter, Kind, complaints, filters};
use super::words::{PRIORITIES, STATUSES, TRACKERS, id_of};
use super::{Answer, Asker, Company, Index, Params, Server, float, full_name, instant, named, projects, stem, user_id};

/// Custom field of the issue's project.
pub(super) const PROJECT_SHARED_ID: &str = "project.cf_1";

const FILTERS: &[Available] = &[
    ("status_id", Kind::ListStatus, "Status"),
    ("project_id", Kind::List, "Project"),
    ("tracker_id", Kind::List, "Tracker"),
    ("priority_id", Kind::List, "Priority"),
    ("assigned_to_id", Kind::ListOptional, "Assignee"),
    ("fixed_version_id", Kind::ListOptional, "Target version"),
    ("subject", Kind::Text, "Subject"),
    ("created_on", Kind::Date, "Created"),
    ("updated_on", Kind::Date, "Updated"),
    ("closed_on", Kind::Date, "Closed"),
    ("start_date", Kind::Date, "Start date"),
    ("due_date", Kind::Date, "Due date"),
    ("done_ratio", Kind::Integer, "% Done"),
    ("project.status", Kind::List, "Project's Status"),
    (PROJECT_SHARED_ID, Kind::String, "Project's Shared project ID"),
    ("parent_id", Kind::Integer, "Parent task"),
    ("issue_id", Kind::Integer, "Issue"),
];

pub(super) async fn list(server: Server, headers: HeaderMap, uri: Uri) -> Response {
    let params = Params::of(&uri);
    let asker = Asker::of(&headers, &params);
    let company = server.company();
    let index = server.index(&company);

    let default = Filter { field: "status_id", operator: "o".to_owned(), values: vec![String::new()] };
    let mut filters = filters(&params, FILTERS, Some(default));
    // `project_id` outside the long form is no filter: it names one project, which has to exist.
    let project = match params.get("project_id").filter(|name| !name.is_empty()) {
        Some(name) => match projects::find(&index, &company, asker, name) {
            Ok(project) => Some(project),
            Err(answer) => return answer.named("issues.list"),
        },
        None => None,
    };
    if project.is_some() {
        filters.retain(|filter| filter.field != "project_id");
    }
    if overflows(&filters) {
        return Answer::Broken.named("issues.list");
    }
    let complaints = complaints(&filters, FILTERS);
    if !complaints.is_empty() {
        return Answer::Invalid(complaints).named("issues.list");
    }

    let mut rows: Vec<(&Issue, &Project)> = candidates(&index, &company, project, &filters)
        .into_iter()
        .filter_map(|issue| Some((issue, index.project(&company, issue.project)?)))
        .filter(|(issue, project)| {
            projects::visible(asker, project) && filters.iter().all(|filter| admits(filter, issue, project))
        })
        .collect();
    let sort = params.sort("id:desc");
    rows.sort_by(|a, b| order(&sort, a, b));

    let (offset, limit) = params.paging();
    let page: Vec<Value> = rows
        .iter()
        .skip(offset)
        .take(limit)
        .map(|(issue, project)| body(&index, &company, issue, project, &params))
        .collect();
    let answer = json!({ "issues": page, "total_count": rows.len(), "offset": offset, "limit": limit });
    Answer::Found(answer).named("issues.list")
}

/// Redmine keeps the filters of an issue list in the session, and the session in a cookie: with more than about so many
/// bytes the answer is a 500 (`CookieOverflow`; measured with 5.0.4).
fn overflows(filters: &[Filter]) -> bool {
    filters.iter().flat_map(|filter| &filter.values).map(|value| value.len() + 7).sum::<usize>() > 1_950
}

/// The rows that can meet the conditions: a few where the index knows them, else all.
fn candidates<'c>(
    index: &'c Index,
    company: &'c Company,
    project: Option<&Project>,
    filters: &[Filter],
) -> Vec<&'c Issue> {
    let equal = |field| filters.iter().find(|filter| filter.field == field && filter.operator == "=");
    let numbers = |filter: &Filter| -> Vec<u32> {
        let mut numbers: Vec<u32> =
            filter.values.iter().flat_map(|value| value.split(',')).filter_map(|id| id.parse().ok()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        numbers
    };
    let of_projects = |ids: Vec<u32>| ids.into_iter().flat_map(|id| index.issues_of_project(company, id)).collect();
    if let Some(project) = project {
        of_projects(vec![project.id])
    } else if let Some(filter) = equal("issue_id") {
        numbers(filter).into_iter().filter_map(|id| index.issue(company, id)).collect()
    } else if let Some(filter) = equal(PROJECT_SHARED_ID) {
        of_projects(index.carriers(company, &filter.values).into_iter().map(|project| project.id).collect())
    } else if let Some(filter) = equal("project_id") {
        of_projects(numbers(filter))
    } else {
        company.issues.iter().collect()
    }
}

fn admits(filter: &Filter, issue: &Issue, project: &Project) -> bool {
    let number = |number| Field::Number(Some(number));
    match (filter.field, filter.operator.as_str()) {
        ("status_id", "o") => return !issue.closed,
        ("status_id", "c") => return issue.closed,
        _ => {}
    }
    filter.admits(match filter.field {
        "status_id" => number(id_of(STATUSES, &issue.status)),
        "project_id" => number(issue.project),
        "tracker_id" => number(id_of(TRACKERS, &issue.tracker)),
        "priority_id" => number(id_of(PRIORITIES, &issue.priority)),
        "assigned_to_id" => Field::Number(issue.assignee.map(user_id)),
        "fixed_version_id" => Field::Number(issue.version),
        "subject" => Field::Text(Some(&issue.subject)),
        "created_on" => Field::Instant(Some(issue.created)),
        "updated_on" => Field::Instant(Some(issue.updated)),
        "closed_on" => Field::Instant(issue.closed_on),
        "start_date" => Field::Day(issue.start),
        "due_date" => Field::Day(issue.due),
        "done_ratio" => number(issue.done_ratio.into()),
        "project.status" => number(project.status.into()),
        PROJECT_SHARED_ID => Field::Text(project.shared_id.as_deref()),
        "parent_id" => Field::Number(issue.parent),
        _ => number(issue.id),
    })
}

fn order(sort: &[(String, bool)], (a, of_a): &(&Issue, &Project), (b, of_b): &(&Issue, &Project)) -> Ordering {
    for (column, descending) in sort {
        let order = match column.as_str() {
            "id" => a.id.cmp(&b.id),
            "project" => of_a.name.cmp(&of_b.name),
            "tracker" => id_of(TRACKERS, &a.tracker).cmp(&id_of(TRACKERS, &b.tracker)),
            "status" => id_of(STATUSES, &a.status).cmp(&id_of(STATUSES, &b.status)),
            "priority" => id_of(PRIORITIES, &a.priority).cmp(&id_of(PRIORITIES, &b.priority)),
            "subject" => a.subject.cmp(&b.subject),
            "created_on" => a.created.cmp(&b.created),
            "updated_on" => a.updated.cmp(&b.updated),
            "closed_on" => a.closed_on.cmp(&b.closed_on),
            "start_date" => a.start.cmp(&b.start),
            "due_date" => a.due.cmp(&b.due),
            "done_ratio" => a.done_ratio.cmp(&b.done_ratio),
            _ => Ordering::Equal,
        };
        if order.is_ne() {
            return if *descending { order.reverse() } else { order };
        }
    }
    b.id.cmp(&a.id)
}

pub(super) async fn show(server: Server, Path(file): Path<String>, headers: HeaderMap, uri: Uri) -> Response {
    let params = Params::of(&uri);
    let asker = Asker::of(&headers, &params);
    let company = server.company();
    let index = server.index(&company);
    let found = stem(&file)
        .and_then(|id| index.issue(&company, id.parse().ok()?))
        .and_then(|issue| Some((issue, index.project(&company, issue.project)?)));
    let answer = match found {
        None => Answer::Missing,
        Some((_, project)) if !projects::visible(asker, project) => Answer::Denied(asker),
        Some((issue, project)) => Answer::Found(json!({ "issue": body(&index, &company, issue, project, &params) })),
    };
    answer.named("issues.show")
}

fn body(index: &Index, company: &Company, issue: &Issue, project: &Project, params: &Params) -> Value {
    let mut body = json!({
        "id": issue.id,
        "project": named(project.id, &project.name),
        "tracker": named(id_of(TRACKERS, &issue.tracker), &issue.tracker),
        "status": {
            "id": id_of(STATUSES, &issue.status), "name": issue.status, "is_closed": issue.closed,
        },
        "priority": named(id_of(PRIORITIES, &issue.priority), &issue.priority),
        "author": named(1, "Redmine Admin"),
        "subject": issue.subject,
        "description": "",
        "start_date": issue.start,
        "due_date": issue.due,
        "done_ratio": issue.done_ratio,
        "is_private": false,
        "estimated_hours": issue.estimated_hours.map(float),
        "total_estimated_hours": estimated(index, company, issue).map(float),
        "spent_hours": float(spent(index, company, issue)),
        "total_spent_hours": float(total_spent(index, company, issue)),
        "created_on": instant(issue.created),
        "updated_on": instant(issue.updated),
        "closed_on": issue.closed_on.map(instant),
    });
    // Relations that are not set are left out, they are not null.
    if let Some(fields) = body.as_object_mut() {
        if let Some(person) = issue.assignee.and_then(|id| index.person(company, id)) {
            fields.insert("assigned_to".to_owned(), named(user_id(person.id), &full_name(person)));
        }
        if let Some((_, version)) = issue.version.and_then(|id| index.version(company, id)) {
            fields.insert("fixed_version".to_owned(), named(version.id, &version.name));
        }
        if let Some(parent) = issue.parent {
            fields.insert("parent".to_owned(), json!({ "id": parent }));
        }
        for empty in ["attachments", "relations", "journals", "watchers", "changesets", "allowed_statuses"] {
            if params.includes(empty) {
                fields.insert(empty.to_owned(), json!([]));
            }
        }
    }
    body
}

fn spent(index: &Index, company: &Company, issue: &Issue) -> Decimal {
    index.entries_of_issue(company, issue.id).map(|entry| entry.hours).sum()
}

/// With the hours of the issues below it.
fn total_spent(index: &Index, company: &Company, issue: &Issue) -> Decimal {
    let below: Decimal = index.children(company, issue.id).map(|child| total_spent(index, company, child)).sum();
    spent(index, company, issue) + below
}

fn estimated(index: &Index, company: &Company, issue: &Issue) -> Option<Decimal> {
    let mut children = index.children(company, issue.id).peekable();
    if children.peek().is_none() {
        return issue.estimated_hours;
    }
    let below: Decimal = children.filter_map(|child| estimated(index, company, child)).sum();
    Some(issue.estimated_hours.unwrap_or_default() + below)
}
