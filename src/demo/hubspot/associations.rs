//! Associations: which records belong together, by ID and label, never with their properties.

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::kinds::Kind;
use super::problem::{Problem, batch};
use super::{Account, App, answered, counted, json, parsed, records};

const BATCH_LIMIT: usize = 1000;
/// Of the single-record list, which documents its limit.
const LIST_LIMIT: usize = 500;

/// The association types of a pair, as HubSpot numbers them; the labelled one first. None: the pair has none here.
fn types(from: Kind, to: Kind) -> &'static [(u32, Option<&'static str>)] {
    match (from, to) {
        (Kind::Deal, Kind::Company) => &[(5, Some("Primary")), (341, None)],
        (Kind::Company, Kind::Deal) => &[(6, Some("Primary")), (342, None)],
        (Kind::Contact, Kind::Company) => &[(1, Some("Primary")), (279, None)],
        (Kind::Company, Kind::Contact) => &[(2, Some("Primary")), (280, None)],
        (Kind::Ticket, Kind::Company) => &[(26, Some("Primary")), (339, None)],
        (Kind::Deal, Kind::Contact) => &[(3, None)],
        (Kind::Contact, Kind::Deal) => &[(4, None)],
        (Kind::Deal, Kind::Ticket) => &[(27, None)],
        (Kind::Ticket, Kind::Deal) => &[(28, None)],
        (Kind::Deal, Kind::LineItem) => &[(19, None)],
        (Kind::LineItem, Kind::Deal) => &[(20, None)],
        (Kind::Deal, Kind::Quote) => &[(63, None)],
        (Kind::Quote, Kind::Deal) => &[(64, None)],
        (Kind::Deal, Kind::Call) => &[(205, None)],
        (Kind::Call, Kind::Deal) => &[(206, None)],
        (Kind::Deal, Kind::Email) => &[(209, None)],
        (Kind::Email, Kind::Deal) => &[(210, None)],
        (Kind::Deal, Kind::Meeting) => &[(211, None)],
        (Kind::Meeting, Kind::Deal) => &[(212, None)],
        (Kind::Deal, Kind::Note) => &[(213, None)],
        (Kind::Note, Kind::Deal) => &[(214, None)],
        _ => &[],
    }
}

/// The association types of a pair, as records name them that embed their associations.
pub(super) fn embedded_names(from: Kind, to: Kind) -> Vec<String> {
    let name = format!("{}_to_{}", from.singular(), to.singular());
    match types(from, to) {
        [(_, Some(_)), ..] => vec![name.clone(), format!("{name}_unlabeled")],
        _ => vec![name],
    }
}

/// A page of what is associated with a record, and where the next one starts.
fn page(from: Kind, to: Kind, ids: &[u64], after: u64, size: usize) -> (Vec<Value>, Option<u64>) {
    let rest = ids.get(ids.partition_point(|id| *id <= after)..).unwrap_or(&[]);
    let shown = rest.get(..size).unwrap_or(rest);
    let kinds: Vec<Value> = types(from, to)
        .iter()
        .map(|(id, label)| json!({ "category": "HUBSPOT_DEFINED", "typeId": id, "label": label }))
        .collect();
    let entries = shown.iter().map(|id| json!({ "toObjectId": id, "associationTypes": kinds })).collect();
    (entries, shown.last().copied().filter(|_| shown.len() < rest.len()))
}

fn start(after: Option<&str>) -> Result<u64, Problem> {
    let Some(after) = after.filter(|after| !after.is_empty()) else { return Ok(0) };
    after.parse().map_err(|_| Problem::validation("Invalid 'after'"))
}

/// `GET {objects}/{kind}/{id}/associations/{to}`.
pub(super) async fn of_one(
    State(account): App,
    Path((kind, id, to)): Path<(String, String, String)>,
    RawQuery(query): RawQuery,
) -> Response {
    let answer = list_of_one(&account, &kind, &id, &to, query.as_deref());
    answered(format!("{}.associations.{}", counted(&kind), counted(&to)), true, answer.map(json))
}

fn list_of_one(account: &Account, kind: &str, id: &str, to: &str, query: Option<&str>) -> Result<Value, Problem> {
    let (from, to) = (account.kind(kind)?, account.kind(to)?);
    let (mut after, mut limit) = (None, None);
    for (key, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
        match key.as_ref() {
            "after" => after = Some(value.into_owned()),
            "limit" => limit = Some(value.into_owned()),
            _ => {}
        }
    }
    let limit = records::limit(limit.as_deref(), LIST_LIMIT, LIST_LIMIT)?;
    let company = account.company();
    let index = account.index(&company);
    let row = id.parse().ok().and_then(|id| index.find(&company, from, id));
    let row = row.ok_or_else(|| Problem::not_found("resource not found"))?;
    let (results, next) = page(from, to, &index.associated(row, to), start(after.as_deref())?, limit);
    let mut body = json!({ "results": results });
    if let (Some(next), Some(body)) = (next, body.as_object_mut()) {
        body.insert("paging".to_owned(), json!({ "next": { "after": next.to_string() } }));
    }
    Ok(body)
}

#[derive(Debug, Deserialize)]
struct BatchInput {
    inputs: Vec<Input>,
}

#[derive(Debug, Deserialize)]
struct Input {
    id: String,
    #[serde(default)]
    after: Option<String>,
}

/// `POST {associations}/{kind}/{to}/batch/read`.
pub(super) async fn batch_read(State(account): App, Path((kind, to)): Path<(String, String)>, body: Bytes) -> Response {
    let answer = read_batch(&account, &kind, &to, &body);
    answered(format!("{}.associations.{}", counted(&kind), counted(&to)), true, answer)
}

fn read_batch(account: &Account, kind: &str, to: &str, body: &[u8]) -> Result<Response, Problem> {
    let (from, to) = (account.kind(kind)?, account.kind(to)?);
    let asked: BatchInput = parsed(body)?;
    if asked.inputs.len() > BATCH_LIMIT {
        return Err(Problem::validation(&format!("Batch size exceeded: at most {BATCH_LIMIT} inputs are allowed")));
    }
    let company = account.company();
    let index = account.index(&company);
    let (mut results, mut errors) = (Vec::new(), Vec::new());
    for input in &asked.inputs {
        let row = input.id.parse().ok().and_then(|id| index.find(&company, from, id));
        let ids = row.map(|row| index.associated(row, to)).unwrap_or_default();
        if ids.is_empty() {
            errors.push(json!({
                "status": "error",
                "category": "OBJECT_NOT_FOUND",
                "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND",
                "message": format!("No {} is associated with {} {}.", to.singular(), from.singular(), input.id),
                "context": {
                    "fromObjectId": [input.id],
                    "fromObjectType": [from.singular()],
                    "toObjectType": [to.singular()],
                },
            }));
            continue;
        }
        let (entries, next) = page(from, to, &ids, start(input.after.as_deref())?, account.options.association_page);
        let mut result = json!({ "from": { "id": input.id }, "to": entries });
        if let (Some(next), Some(result)) = (next, result.as_object_mut()) {
            result.insert("paging".to_owned(), json!({ "next": { "after": next.to_string() } }));
        }
        results.push(result);
    }
    results.reverse();
    Ok(batch(results, errors))
}

/// `GET {associations}/{kind}/{to}/labels`.
pub(super) async fn labels(State(account): App, Path((kind, to)): Path<(String, String)>) -> Response {
    let answer = (|| {
        let (from, to) = (account.kind(&kind)?, account.kind(&to)?);
        let results: Vec<Value> = types(from, to)
            .iter()
            .map(|(id, label)| json!({ "category": "HUBSPOT_DEFINED", "typeId": id, "label": label }))
            .collect();
        Ok(json(json!({ "results": results })))
    })();
    answered(format!("{}.labels.{}", counted(&kind), counted(&to)), true, answer)
}
