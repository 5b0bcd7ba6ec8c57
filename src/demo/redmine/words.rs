//! The words of the installation: statuses, trackers, priorities, activities. They need no sign-in over the API.

use axum::extract::Path;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use serde_json::{Value, json};

use super::{Answer, Asker, Params, named, stem};

/// Trackers.
pub(super) const TRACKERS: &[(u32, &str)] = &[(1, "Task"), (2, "Incident"), (3, "Change request"), (4, "Support")];

/// Issue statuses.
pub(super) const STATUSES: &[(u32, &str)] = &[
    (1, "New"),
    (2, "In Progress"),
    (3, "Resolved"),
    (4, "Feedback"),
    (5, "Closed"),
    (6, "Rejected"),
    (7, "Parked at vendor"),
];

/// Issue priorities.
pub(super) const PRIORITIES: &[(u32, &str)] =
    &[(1, "Low"), (2, "Normal"), (3, "High"), (4, "Urgent"), (5, "Immediate")];

/// Activities of time entries.
pub(super) const ACTIVITIES: &[(u32, &str)] = &[(8, "Design"), (9, "Development"), (10, "Support")];

/// Roles of members.
pub(super) const ROLES: &[(u32, &str)] = &[(3, "Manager"), (4, "Developer"), (5, "Reporter")];

/// The number of a word; 0 for one that is not in the list.
pub(super) fn id_of(words: &[(u32, &str)], name: &str) -> u32 {
    words.iter().find(|(_, word)| *word == name).map_or(0, |(id, _)| *id)
}

/// For administrators, which the demo's user is not.
pub(super) async fn custom_fields(headers: HeaderMap, uri: Uri) -> Response {
    Answer::Denied(Asker::of(&headers, &Params::of(&uri))).named("custom_fields.list")
}

pub(super) async fn issue_statuses() -> Response {
    let status = |(id, name): &(u32, &str)| json!({ "id": id, "name": name, "is_closed": matches!(id, 5 | 6) });
    Answer::Found(json!({ "issue_statuses": STATUSES.iter().map(status).collect::<Value>() }))
        .named("issue_statuses.list")
}

pub(super) async fn trackers() -> Response {
    let tracker = |(id, name): &(u32, &str)| {
        json!({
            "id": id, "name": name, "default_status": named(1, "New"), "description": null,
            "enabled_standard_fields": [
                "assigned_to_id", "category_id", "fixed_version_id", "parent_issue_id", "start_date", "due_date",
                "estimated_hours", "done_ratio", "description",
            ],
        })
    };
    Answer::Found(json!({ "trackers": TRACKERS.iter().map(tracker).collect::<Value>() })).named("trackers.list")
}

pub(super) async fn enumerations(Path(file): Path<String>) -> Response {
    let list = |key: &str, words: &[(u32, &str)], default: u32| {
        let row =
            |(id, name): &(u32, &str)| json!({ "id": id, "name": name, "is_default": *id == default, "active": true });
        Answer::Found(json!({ key: words.iter().map(row).collect::<Value>() }))
    };
    let answer = match stem(&file) {
        Some(kind @ "issue_priorities") => list(kind, PRIORITIES, 2),
        Some(kind @ "time_entry_activities") => list(kind, ACTIVITIES, 9),
        _ => Answer::Missing,
    };
    answer.named("enumerations.list")
}
