//! Projects, their versions and their members.

use std::cmp::Ordering;

use axum::extract::Path;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use rust_decimal::Decimal;
use serde_json::{Map, Value, json};

use super::super::company::model::{Project, Version};
use super::query::{Available, Field, Filter, Kind, complaints, filters};
use super::words::{ACTIVITIES, ROLES, TRACKERS, id_of};
use super::{Answer, Asker, Company, Index, Params, Server, float, full_name, instant, named, stem, user_id};

/// Number of the custom field "Shared project ID", the only one marked "used as a filter".
pub(super) const SHARED_ID: &str = "cf_1";

const FILTERS: &[Available] = &[
    ("status", Kind::List, "Status"),
    ("id", Kind::List, "Project"),
    ("name", Kind::Text, "Name"),
    ("description", Kind::Text, "Description"),
    ("is_public", Kind::List, "Public"),
    ("created_on", Kind::Date, "Created"),
    (SHARED_ID, Kind::String, "Shared project ID"),
];

/// Status of an archived project: nobody sees it.
const ARCHIVED: u8 = 9;

/// Whether the asker may see a project.
pub(super) fn visible(asker: Asker, project: &Project) -> bool {
    asker == Asker::Reader && project.status != ARCHIVED
}

/// The project of a path or parameter, or why not.
pub(super) fn find<'c>(index: &Index, company: &'c Company, asker: Asker, name: &str) -> Result<&'c Project, Answer> {
    let project = index.project_named(company, name).ok_or(Answer::Missing)?;
    if project.status == ARCHIVED {
        // Even to somebody whose key is wrong.
        return Err(Answer::Denied(Asker::Reader));
    }
    if visible(asker, project) { Ok(project) } else { Err(Answer::Denied(asker)) }
}

pub(super) async fn list(server: Server, headers: HeaderMap, uri: Uri) -> Response {
    let params = Params::of(&uri);
    let asker = Asker::of(&headers, &params);
    let company = server.company();
    let index = server.index(&company);

    let default = Filter { field: "status", operator: "=".to_owned(), values: vec!["1".to_owned()] };
    let mut filters = filters(&params, FILTERS, Some(default));
    if !complaints(&filters, FILTERS).is_empty() {
        filters.clear();
    }

    // A condition on the shared ID is answered from the index; the others are looked at row by row.
    let wanted = filters.iter().find(|filter| filter.field == SHARED_ID && filter.operator == "=");
    let candidates = match wanted {
        Some(filter) => index.carriers(&company, &filter.values),
        None => index.tree.iter().filter_map(|at| company.projects.get(*at)).collect(),
    };
    let mut rows: Vec<&Project> = candidates
        .into_iter()
        .filter(|project| visible(asker, project) && filters.iter().all(|filter| admits(filter, project)))
        .collect();
    let sort = params.sort("");
    rows.sort_by(|a, b| order(&sort, a, b));

    let (offset, limit) = params.paging();
    let page: Vec<Value> =
        rows.iter().skip(offset).take(limit).map(|project| body(&index, &company, project, &params)).collect();
    let answer = json!({ "projects": page, "total_count": rows.len(), "offset": offset, "limit": limit });
    Answer::Found(answer).named("projects.list")
}

fn admits(filter: &Filter, project: &Project) -> bool {
    let status = u32::from(project.status);
    filter.admits(match filter.field {
        "status" => Field::Number(Some(status)),
        "id" => Field::Number(Some(project.id)),
        "name" => Field::Text(Some(&project.name)),
        "description" => Field::Text(Some(&project.description)),
        "is_public" => Field::Number(Some(0)),
        "created_on" => Field::Instant(Some(project.created)),
        _ => Field::Text(project.shared_id.as_deref()),
    })
}

/// By the columns that can be sorted by (the number is none of them), else as they stand: in the order of the tree.
fn order(sort: &[(String, bool)], a: &Project, b: &Project) -> Ordering {
    for (column, descending) in sort {
        let order = match column.as_str() {
            "name" => a.name.cmp(&b.name),
            "identifier" => a.identifier.cmp(&b.identifier),
            "status" => a.status.cmp(&b.status),
            "created_on" => a.created.cmp(&b.created),
            SHARED_ID => a.shared_id.cmp(&b.shared_id),
            _ => Ordering::Equal,
        };
        if order.is_ne() {
            return if *descending { order.reverse() } else { order };
        }
    }
    Ordering::Equal
}

pub(super) async fn show(server: Server, Path(file): Path<String>, headers: HeaderMap, uri: Uri) -> Response {
    let params = Params::of(&uri);
    let asker = Asker::of(&headers, &params);
    let company = server.company();
    let index = server.index(&company);
    let found = stem(&file).ok_or(Answer::Missing).and_then(|name| find(&index, &company, asker, name));
    let answer = match found {
        Ok(project) => {
            let mut body = body(&index, &company, project, &params);
            if let Some(fields) = body.as_object_mut() {
                fields.insert("homepage".to_owned(), json!(""));
            }
            Answer::Found(json!({ "project": body }))
        }
        Err(answer) => answer,
    };
    answer.named("projects.show")
}

fn body(index: &Index, company: &Company, project: &Project, params: &Params) -> Value {
    let manager = project.manager.and_then(|id| index.person(company, id)).map(full_name);
    let custom = |id: u32, name: &str, value: Option<String>| json!({ "id": id, "name": name, "value": value });
    let mut body = json!({
        "id": project.id,
        "name": project.name,
        "identifier": project.identifier,
        "description": project.description,
        "status": project.status,
        "is_public": false,
        "inherit_members": false,
        "custom_fields": [
            custom(1, "Shared project ID", project.shared_id.clone()),
            custom(2, "Health", project.health.clone()),
            custom(3, "Health reason", project.health_reason.clone()),
            custom(4, "Project manager", manager),
            custom(5, "Start date", project.start.map(|day| day.to_string())),
            custom(6, "Due date", project.due.map(|day| day.to_string())),
            custom(7, "Budget hours", project.budget_hours.map(|hours| hours.to_string())),
        ],
        "created_on": instant(project.created),
        "updated_on": instant(project.updated),
    });
    if let Some(fields) = body.as_object_mut() {
        include(fields, project.id, params);
    }
    body
}

fn include(fields: &mut Map<String, Value>, project: u32, params: &Params) {
    let mut add = |what: &str, value: &dyn Fn() -> Value| {
        if params.includes(what) {
            fields.insert(what.to_owned(), value());
        }
    };
    let list = |words: &[(u32, &str)]| words.iter().map(|(id, name)| named(*id, name)).collect::<Value>();
    add("trackers", &|| list(TRACKERS));
    add("issue_categories", &|| json!([]));
    add("time_entry_activities", &|| list(ACTIVITIES));
    add("enabled_modules", &|| json!([named(project * 2 - 1, "issue_tracking"), named(project * 2, "time_tracking")]));
    add("issue_custom_fields", &|| json!([]));
}

pub(super) async fn versions(server: Server, Path(name): Path<String>, headers: HeaderMap, uri: Uri) -> Response {
    let asker = Asker::of(&headers, &Params::of(&uri));
    let company = server.company();
    let index = server.index(&company);
    let answer = match find(&index, &company, asker, &name) {
        Ok(project) => {
            let rows: Vec<Value> = project.versions.iter().map(|version| version_body(project, version)).collect();
            Answer::Found(json!({ "versions": rows, "total_count": project.versions.len() }))
        }
        Err(answer) => answer,
    };
    answer.named("versions.list")
}

pub(super) async fn version(server: Server, Path(file): Path<String>, headers: HeaderMap, uri: Uri) -> Response {
    let asker = Asker::of(&headers, &Params::of(&uri));
    let company = server.company();
    let index = server.index(&company);
    let found = stem(&file).and_then(|id| id.parse().ok()).and_then(|id| index.version(&company, id));
    let answer = match found {
        None => Answer::Missing,
        Some((project, _)) if !visible(asker, project) => Answer::Denied(asker),
        Some((project, version)) => {
            let mut body = version_body(project, version);
            if let Some(fields) = body.as_object_mut() {
                let of_version = || {
                    let issues = index.issues_of_project(&company, project.id);
                    issues.filter(|issue| issue.version == Some(version.id))
                };
                let spent = of_version().flat_map(|issue| index.entries_of_issue(&company, issue.id));
                let estimated: Decimal = of_version().filter_map(|issue| issue.estimated_hours).sum();
                fields.insert("estimated_hours".to_owned(), float(estimated));
                fields.insert("spent_hours".to_owned(), float(spent.map(|entry| entry.hours).sum()));
            }
            Answer::Found(json!({ "version": body }))
        }
    };
    answer.named("versions.show")
}

fn version_body(project: &Project, version: &Version) -> Value {
    json!({
        "id": version.id,
        "project": named(project.id, &project.name),
        "name": version.name,
        "description": "",
        "status": version.status,
        "due_date": version.due,
        "sharing": "none",
        "wiki_page_title": null,
        "created_on": instant(project.created),
        "updated_on": instant(project.updated),
    })
}

pub(super) async fn memberships(server: Server, Path(name): Path<String>, headers: HeaderMap, uri: Uri) -> Response {
    let params = Params::of(&uri);
    let asker = Asker::of(&headers, &params);
    let company = server.company();
    let index = server.index(&company);
    let answer = match find(&index, &company, asker, &name) {
        Ok(project) => {
            let (offset, limit) = params.paging();
            let rows: Vec<Value> = (1..)
                .zip(&project.members)
                .skip(offset)
                .take(limit)
                .map(|(nth, (person, role))| {
                    let name = index.person(&company, *person).map(full_name).unwrap_or_default();
                    json!({
                        "id": u64::from(project.id) * 1000 + nth,
                        "project": named(project.id, &project.name),
                        "user": named(user_id(*person), &name),
                        "roles": [named(id_of(ROLES, role), role)],
                    })
                })
                .collect();
            let total = project.members.len();
            Answer::Found(json!({ "memberships": rows, "total_count": total, "offset": offset, "limit": limit }))
        }
        Err(answer) => answer,
    };
    answer.named("memberships.list")
}
