//! Records: the list, one of them, and a batch.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::index::{Index, Row};
use super::kinds::Kind;
use super::problem::{Problem, batch};
use super::values::Value as Property;
use super::{Account, App, answered, associations, counted, json, parsed};
use crate::demo::company::model::Company;

const LIST_LIMIT: usize = 100;
const BATCH_LIMIT: usize = 100;

/// The query of a list or of one record. Names may be joined by commas or repeated.
#[derive(Debug, Default)]
struct Asked {
    properties: Vec<String>,
    associations: Vec<String>,
    id_property: Option<String>,
    limit: Option<String>,
    after: Option<String>,
    archived: bool,
}

impl Asked {
    fn parse(query: Option<&str>) -> Self {
        let mut asked = Self::default();
        for (key, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
            let names = || value.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned);
            match key.as_ref() {
                "properties" => asked.properties.extend(names()),
                "associations" => asked.associations.extend(names()),
                "idProperty" => asked.id_property = Some(value.into_owned()),
                "limit" => asked.limit = Some(value.into_owned()),
                "after" if !value.is_empty() => asked.after = Some(value.into_owned()),
                "archived" => asked.archived = value == "true",
                _ => {}
            }
        }
        asked
    }
}

/// `limit` of a query, within what the endpoint allows.
pub(super) fn limit(text: Option<&str>, default: usize, max: usize) -> Result<usize, Problem> {
    let Some(text) = text else { return Ok(default) };
    text.parse()
        .ok()
        .filter(|limit| (1..=max).contains(limit))
        .ok_or_else(|| Problem::validation(&format!("Invalid limit '{text}': it must be between 1 and {max}")))
}

/// `GET {objects}/{kind}`.
pub(super) async fn list(State(account): App, Path(kind): Path<String>, RawQuery(query): RawQuery) -> Response {
    let answer = list_page(&account, &kind, query.as_deref());
    answered(format!("{}.list", counted(&kind)), true, answer.map(json))
}

fn list_page(account: &Account, kind: &str, query: Option<&str>) -> Result<Value, Problem> {
    let kind = account.kind(kind)?;
    let asked = Asked::parse(query);
    let limit = limit(asked.limit.as_deref(), 10, LIST_LIMIT)?;
    let after = match &asked.after {
        None => 0,
        Some(after) => after.parse().map_err(|_| Problem::validation("Invalid 'after' parameter"))?,
    };
    if asked.archived {
        return Ok(json!({ "results": [] }));
    }
    let company = account.company();
    let index = account.index(&company);
    let rest = index.after(kind, after);
    let page = rest.get(..limit).unwrap_or(rest);
    let mut results = Vec::with_capacity(page.len());
    for (_, place) in page {
        if let Some(row) = index.row(&company, kind, *place) {
            results.push(shown(account, &index, row, kind, &asked)?);
        }
    }
    let mut body = json!({ "results": results });
    if let (Some((last, _)), true, Some(body)) = (page.last(), page.len() < rest.len(), body.as_object_mut()) {
        let link = format!("https://api.hubapi.com/crm/v3/objects/{}?after={last}", kind.plural());
        body.insert("paging".to_owned(), json!({ "next": { "after": last.to_string(), "link": link } }));
    }
    Ok(body)
}

/// `GET {objects}/{kind}/{id}`.
pub(super) async fn one(
    State(account): App,
    Path((kind, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Response {
    let answer = one_record(&account, &kind, &id, query.as_deref());
    answered(format!("{}.read", counted(&kind)), true, answer.map(json))
}

fn one_record(account: &Account, kind: &str, id: &str, query: Option<&str>) -> Result<Value, Problem> {
    let kind = account.kind(kind)?;
    let asked = Asked::parse(query);
    let company = account.company();
    let index = account.index(&company);
    let row = match &asked.id_property {
        Some(name) => by_property(account, &index, &company, kind, name, id)?,
        None => id.parse().ok().and_then(|id| index.find(&company, kind, id)),
    };
    let row = row.filter(|_| !asked.archived).ok_or_else(|| Problem::not_found("resource not found"))?;
    shown(account, &index, row, kind, &asked)
}

fn shown(account: &Account, index: &Index, row: Row<'_>, kind: Kind, asked: &Asked) -> Result<Value, Problem> {
    let mut record = row.json(kind, &asked.properties);
    if !asked.associations.is_empty() {
        let mut all = Map::new();
        for segment in &asked.associations {
            let to = account.kind(segment)?;
            let names = associations::embedded_names(kind, to);
            let entries: Vec<Value> = index
                .associated(row, to)
                .into_iter()
                .flat_map(|id| names.iter().map(move |name| json!({ "id": id.to_string(), "type": name })))
                .collect();
            if !entries.is_empty() {
                all.insert(to.plural().to_owned(), json!({ "results": entries }));
            }
        }
        if let Some(record) = record.as_object_mut()
            && !all.is_empty()
        {
            record.insert("associations".to_owned(), all.into());
        }
    }
    Ok(record)
}

/// The record whose unique property has this value.
fn by_property<'a>(
    account: &Account,
    index: &Index,
    company: &'a Company,
    kind: Kind,
    name: &str,
    value: &str,
) -> Result<Option<Row<'a>>, Problem> {
    match (kind, name) {
        (_, "hs_object_id") => Ok(value.parse().ok().and_then(|id| index.find(company, kind, id))),
        (Kind::Deal, "project_code") if account.options.unique_project_code => {
            let ids = index.deals_with_code(&super::index::folded(value));
            Ok(ids.first().and_then(|id| index.find(company, kind, *id)))
        }
        (Kind::Contact, "email") => {
            let rows = index.all(kind).iter().filter_map(|(_, place)| index.row(company, kind, *place));
            Ok(rows
                .into_iter()
                .find(|row| matches!(row.value(name), Property::Text(email) if email.eq_ignore_ascii_case(value))))
        }
        _ => Err(Problem::validation(&format!("{name} is not a unique property of {}", kind.plural()))),
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchInput {
    #[serde(default)]
    properties: Vec<String>,
    #[serde(default)]
    id_property: Option<String>,
    inputs: Vec<Input>,
}

#[derive(Debug, Deserialize)]
struct Input {
    id: String,
}

/// `POST {objects}/{kind}/batch/read`.
pub(super) async fn batch_read(
    State(account): App,
    Path(kind): Path<String>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Response {
    let answer = read_batch(&account, &kind, query.as_deref(), &body);
    answered(format!("{}.batch_read", counted(&kind)), true, answer)
}

fn read_batch(account: &Account, kind: &str, query: Option<&str>, body: &[u8]) -> Result<Response, Problem> {
    let kind = account.kind(kind)?;
    let asked: BatchInput = parsed(body)?;
    if asked.inputs.len() > BATCH_LIMIT {
        return Err(Problem::validation(&format!("Batch size exceeded: at most {BATCH_LIMIT} inputs are allowed")));
    }
    let archived = Asked::parse(query).archived;
    let company = account.company();
    let index = account.index(&company);
    let mut seen = HashSet::new();
    let mut rows = Vec::new();
    let mut missing = Vec::new();
    for input in &asked.inputs {
        let row = if let Some(name) = &asked.id_property {
            by_property(account, &index, &company, kind, name, &input.id)?
        } else {
            let id = input
                .id
                .parse()
                .map_err(|_| Problem::validation(&format!("Invalid input: '{}' is not a valid object ID", input.id)))?;
            index.find(&company, kind, id)
        };
        match row.filter(|_| !archived) {
            Some(row) => {
                if seen.insert(row.id()) {
                    rows.push(row);
                }
            }
            None => missing.push(input.id.as_str()),
        }
    }
    // HubSpot keeps no order; this one keeps none either, but the same none each time.
    rows.sort_by_cached_key(|row| {
        let mut hasher = DefaultHasher::new();
        row.id().hash(&mut hasher);
        hasher.finish()
    });
    let results = rows.into_iter().map(|row| row.json(kind, &asked.properties)).collect();
    let errors = if missing.is_empty() {
        Vec::new()
    } else {
        vec![json!({
            "status": "error",
            "category": "OBJECT_NOT_FOUND",
            "message": format!(
                "Could not get some {} objects, they may be deleted or not exist. Check that ids are valid.",
                kind.singular().to_uppercase()
            ),
            "context": { "ids": missing },
        })]
    };
    Ok(batch(results, errors))
}
