//! Reference data: pipelines, owners, properties, the account.

use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use serde_json::{Value, json};

use super::index::OWNER_IDS;
use super::kinds::{Kind, Property, Type};
use super::problem::Problem;
use super::{Account, App, answered, counted, json, records};
use crate::demo::company::words::{PIPELINES, STAGES, TICKET_STAGES};

const AT: &str = "2024-01-01T00:00:00.000Z";
/// The account's number.
pub(super) const PORTAL_ID: u32 = 4_242_424;

/// `GET {pipelines}/{kind}`.
pub(super) async fn pipelines(State(account): App, Path(kind): Path<String>) -> Response {
    let answer = account.kind(&kind).map(|kind| {
        let results: Vec<Value> = match kind {
            Kind::Deal => PIPELINES.iter().zip(0..).map(|((id, label), at)| deal_pipeline(id, label, at)).collect(),
            Kind::Ticket => vec![ticket_pipeline()],
            _ => Vec::new(),
        };
        json(json!({ "results": results }))
    });
    answered(format!("{}.pipelines", counted(&kind)), true, answer)
}

fn deal_pipeline(id: &str, label: &str, at: u32) -> Value {
    let own = STAGES.iter().filter(|stage| stage.pipeline == id).zip(0..);
    let stages = own.map(|(stage, at)| {
        let metadata = json!({ "probability": stage.probability, "isClosed": stage.closed.to_string() });
        with(dated(stage.id, stage.label, at), "metadata", metadata)
    });
    with(dated(id, label, at), "stages", stages.collect())
}

fn ticket_pipeline() -> Value {
    let stages = TICKET_STAGES.iter().zip(0..).map(|((id, label, closed), at)| {
        let state = if *closed { "CLOSED" } else { "OPEN" };
        let metadata = json!({ "ticketState": state, "isClosed": closed.to_string() });
        with(dated(id, label, at), "metadata", metadata)
    });
    with(dated("0", "Support pipeline", 0), "stages", stages.collect())
}

fn dated(id: &str, label: &str, at: u32) -> Value {
    json!({ "id": id, "label": label, "displayOrder": at, "archived": false, "createdAt": AT, "updatedAt": AT })
}

fn with(mut object: Value, key: &str, value: Value) -> Value {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
    object
}

/// `GET {owners}`.
pub(super) async fn owners(State(account): App, RawQuery(query): RawQuery) -> Response {
    answered("owners.list".to_owned(), true, owner_page(&account, query.as_deref()).map(json))
}

fn owner_page(account: &Account, query: Option<&str>) -> Result<Value, Problem> {
    account.allow("owners")?;
    let (mut after, mut limit, mut email, mut archived) = (0u64, None, None, false);
    for (key, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match key.as_ref() {
            "after" if !value.is_empty() => {
                after = value.parse().map_err(|_| Problem::validation("Invalid 'after'"))?;
            }
            "limit" => limit = Some(value.into_owned()),
            "email" if !value.is_empty() => email = Some(value.into_owned()),
            "archived" => archived = value == "true",
            _ => {}
        }
    }
    let limit = records::limit(limit.as_deref(), 100, 500)?;
    let company = account.company();
    let mut people: Vec<_> = company
        .people
        .iter()
        .filter(|person| email.as_deref().is_none_or(|email| person.email.eq_ignore_ascii_case(email)))
        .filter(|_| !archived)
        .map(|person| (OWNER_IDS + u64::from(person.id), person))
        .filter(|(id, _)| *id > after)
        .collect();
    people.sort_unstable_by_key(|(id, _)| *id);
    let page = people.get(..limit).unwrap_or(&people);
    let results: Vec<Value> = page
        .iter()
        .map(|(id, person)| {
            json!({
                "id": id.to_string(),
                "email": person.email,
                "type": "PERSON",
                "firstName": person.first,
                "lastName": person.last,
                "userId": 1_000_000 + person.id,
                "userIdIncludingInactive": 1_000_000 + person.id,
                "createdAt": AT,
                "updatedAt": AT,
                "archived": false,
                "teams": [{ "id": if person.team == "Sales" { "1" } else { "2" }, "name": person.team, "primary": true }],
            })
        })
        .collect();
    let mut body = json!({ "results": results });
    if let (Some((last, _)), true, Some(body)) = (page.last(), page.len() < people.len(), body.as_object_mut()) {
        body.insert("paging".to_owned(), json!({ "next": { "after": last.to_string() } }));
    }
    Ok(body)
}

/// `GET {properties}/{kind}`.
pub(super) async fn properties(State(account): App, Path(kind): Path<String>) -> Response {
    let answer = account.kind(&kind).map(|kind| {
        let results: Vec<Value> =
            kind.properties().iter().map(|property| definition(&account, kind, property)).collect();
        json(json!({ "results": results }))
    });
    answered(format!("{}.properties", counted(&kind)), true, answer)
}

fn definition(account: &Account, kind: Kind, property: &Property) -> Value {
    let (type_name, field) = match property.kind {
        Type::String => ("string", "text"),
        Type::Number => ("number", "number"),
        Type::Bool => ("bool", "booleancheckbox"),
        Type::Enumeration => ("enumeration", "select"),
        Type::DateTime => ("datetime", "date"),
    };
    let unique = match (kind, property.name) {
        (_, "hs_object_id") | (Kind::Contact, "email") => true,
        (Kind::Deal, "project_code") => account.options.unique_project_code,
        _ => false,
    };
    json!({
        "name": property.name,
        "label": property.name.replace('_', " "),
        "description": "",
        "groupName": format!("{}information", kind.singular().replace('_', "")),
        "type": type_name,
        "fieldType": field,
        "options": [],
        "hasUniqueValue": unique,
        "calculated": property.name.starts_with("hs_is_"),
        "hubspotDefined": !property.custom,
        "hidden": false,
        "formField": false,
        "displayOrder": -1,
        "archived": false,
        "dataSensitivity": "non_sensitive",
        "modificationMetadata": { "archivable": property.custom, "readOnlyDefinition": !property.custom, "readOnlyValue": false },
    })
}

/// `GET /account-info/{version}/details`.
pub(super) async fn account(State(account): App) -> Response {
    let currency = account.company().currency.clone();
    let body = json!({
        "portalId": PORTAL_ID,
        "accountType": "STANDARD",
        "timeZone": "Europe/Berlin",
        "companyCurrency": currency,
        "additionalCurrencies": [],
        "utcOffset": "+01:00",
        "utcOffsetMilliseconds": 3_600_000,
        "uiDomain": "app.hubspot.com",
        "dataHostingLocation": "eu1",
    });
    answered("account.details".to_owned(), true, Ok(json(body)))
}
