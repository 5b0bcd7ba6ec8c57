//! Time entries.

use std::cmp::Ordering;

use axum::extract::Path;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::{Value, json};

use super::super::company::model::{Project, TimeEntry};
use super::issues::PROJECT_SHARED_ID;
use super::query::{Available, Field, Filter, Kind, complaints, filters};
use super::words::{ACTIVITIES, id_of};
use super::{Answer, Asker, Company, Index, Params, Server, float, full_name, named, projects, stem, user_id};

const FILTERS: &[Available] = &[
    ("spent_on", Kind::Date, "Date"),
    ("project_id", Kind::List, "Project"),
    ("issue_id", Kind::Integer, "Issue"),
    ("user_id", Kind::ListOptional, "User"),
    ("activity_id", Kind::List, "Activity"),
    ("project.status", Kind::List, "Project's Status"),
    (PROJECT_SHARED_ID, Kind::String, "Project's Shared project ID"),
];

pub(super) async fn list(server: Server, headers: HeaderMap, uri: Uri) -> Response {
    let params = Params::of(&uri);
    let asker = Asker::of(&headers, &params);
    let company = server.company();
    let index = server.index(&company);

    let mut filters = filters(&params, FILTERS, None);
    filters.extend(period(&params));
    if let Some(filter) = filters.iter_mut().find(|filter| filter.field == "issue_id") {
        // A list of issues: only the first counts.
        let first = filter.values.first().and_then(|value| value.split(',').next()).map(str::to_owned);
        filter.values = first.into_iter().collect();
    }
    let project = match params.get("project_id").filter(|name| !name.is_empty()) {
        Some(name) => match projects::find(&index, &company, asker, name) {
            Ok(project) => Some(project),
            Err(answer) => return answer.named("time_entries.list"),
        },
        None => None,
    };
    if project.is_some() {
        filters.retain(|filter| filter.field != "project_id");
    }
    if !complaints(&filters, FILTERS).is_empty() {
        filters.clear();
    }

    let mut rows: Vec<(&TimeEntry, &Project)> = candidates(&index, &company, project, &filters)
        .into_iter()
        .filter_map(|entry| Some((entry, index.project(&company, entry.project)?)))
        .filter(|(entry, project)| {
            projects::visible(asker, project) && filters.iter().all(|filter| admits(filter, entry, project))
        })
        .collect();
    let sort = params.sort("spent_on:desc");
    rows.sort_by(|a, b| order(&sort, a, b));

    let (offset, limit) = params.paging();
    let page: Vec<Value> =
        rows.iter().skip(offset).take(limit).map(|(entry, project)| body(&index, &company, entry, project)).collect();
    let answer = json!({ "time_entries": page, "total_count": rows.len(), "offset": offset, "limit": limit });
    Answer::Found(answer).named("time_entries.list")
}

/// `from=` and `to=`, short for a filter on the day.
fn period(params: &Params) -> Option<Filter> {
    let day = |name| params.get(name).filter(|day| !day.is_empty()).map(str::to_owned);
    let (operator, values) = match (day("from"), day("to")) {
        (Some(from), Some(to)) => ("><", vec![from, to]),
        (Some(from), None) => (">=", vec![from]),
        (None, Some(to)) => ("<=", vec![to]),
        (None, None) => return None,
    };
    Some(Filter { field: "spent_on", operator: operator.to_owned(), values })
}

fn candidates<'c>(
    index: &'c Index,
    company: &'c Company,
    project: Option<&Project>,
    filters: &[Filter],
) -> Vec<&'c TimeEntry> {
    let equal = |field| filters.iter().find(|filter| filter.field == field && filter.operator == "=");
    let of_projects = |ids: Vec<u32>| ids.into_iter().flat_map(|id| index.entries_of_project(company, id)).collect();
    if let Some(project) = project {
        of_projects(vec![project.id])
    } else if let Some(filter) = equal(PROJECT_SHARED_ID) {
        of_projects(index.carriers(company, &filter.values).into_iter().map(|project| project.id).collect())
    } else if let Some(filter) = equal("project_id") {
        let mut ids: Vec<u32> = filter.values.iter().filter_map(|id| id.parse().ok()).collect();
        ids.sort_unstable();
        ids.dedup();
        of_projects(ids)
    } else {
        company.time_entries.iter().collect()
    }
}

fn admits(filter: &Filter, entry: &TimeEntry, project: &Project) -> bool {
    filter.admits(match filter.field {
        "spent_on" => Field::Day(Some(entry.spent_on)),
        "project_id" => Field::Number(Some(entry.project)),
        "issue_id" => Field::Number(entry.issue),
        "user_id" => Field::Number(Some(user_id(entry.person))),
        "activity_id" => Field::Number(Some(id_of(ACTIVITIES, &entry.activity))),
        "project.status" => Field::Number(Some(project.status.into())),
        _ => Field::Text(project.shared_id.as_deref()),
    })
}

/// By the columns that can be sorted by (the number is none of them), then by number.
fn order(sort: &[(String, bool)], (a, of_a): &(&TimeEntry, &Project), (b, of_b): &(&TimeEntry, &Project)) -> Ordering {
    for (column, descending) in sort {
        let order = match column.as_str() {
            "spent_on" | "created_on" => a.spent_on.cmp(&b.spent_on),
            "hours" => a.hours.cmp(&b.hours),
            "project" => of_a.name.cmp(&of_b.name),
            "issue" => a.issue.cmp(&b.issue),
            "activity" => id_of(ACTIVITIES, &a.activity).cmp(&id_of(ACTIVITIES, &b.activity)),
            _ => Ordering::Equal,
        };
        if order.is_ne() {
            return if *descending { order.reverse() } else { order };
        }
    }
    a.id.cmp(&b.id)
}

pub(super) async fn show(server: Server, Path(file): Path<String>, headers: HeaderMap, uri: Uri) -> Response {
    let asker = Asker::of(&headers, &Params::of(&uri));
    let company = server.company();
    let index = server.index(&company);
    let found = stem(&file)
        .and_then(|id| id.parse::<u32>().ok())
        .and_then(|id| company.time_entries.iter().find(|entry| entry.id == id))
        .and_then(|entry| Some((entry, index.project(&company, entry.project)?)));
    let answer = match found {
        None => Answer::Missing,
        Some((_, project)) if !projects::visible(asker, project) => Answer::Denied(asker),
        Some((entry, project)) => Answer::Found(json!({ "time_entry": body(&index, &company, entry, project) })),
    };
    answer.named("time_entries.show")
}

fn body(index: &Index, company: &Company, entry: &TimeEntry, project: &Project) -> Value {
    let user = index.person(company, entry.person).map(full_name).unwrap_or_default();
    let booked = format!("{}T17:00:00Z", entry.spent_on);
    let mut body = json!({
        "id": entry.id,
        "project": named(project.id, &project.name),
        "user": named(user_id(entry.person), &user),
        "activity": named(id_of(ACTIVITIES, &entry.activity), &entry.activity),
        "hours": float(entry.hours),
        "comments": "",
        "spent_on": entry.spent_on,
        "created_on": booked,
        "updated_on": booked,
    });
    if let (Some(fields), Some(issue)) = (body.as_object_mut(), entry.issue) {
        fields.insert("issue".to_owned(), json!({ "id": issue }));
    }
    body
}
