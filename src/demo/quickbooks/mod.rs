//! An embedded QuickBooks Online: OAuth 2 with rotating refresh tokens, the query language, faults in JSON and XML.
//!
//! Facts follow Intuit's schema and developer pages, and what `python-quickbooks` sends and takes. It only reads: what would
//! write is refused.
//!
//! Clients are customers; projects are customers below them, whose names begin with the shared ID. What was cancelled is
//! voided: it stays with nothing in it, and no second document cancels it. Drafts are estimates.

mod additions;
mod entity;
mod fault;
mod grants;
mod index;
mod records;
mod shape;
mod statement;
#[cfg(test)]
mod tests;
mod value;

use std::cmp::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

use self::entity::Entity;
use self::fault::{Fault, TIME, with_support_id};
use self::index::Index;
use self::records::{Books, Record};
use self::statement::Statement;
use crate::demo::company::model::{Company, Shared};
use crate::demo::control::Endpoint;

pub use additions::Additions;
pub use grants::{CLIENT_ID, CLIENT_SECRET, CONSENT, Grants, REALM_ID};

/// The vendor's paths.
pub fn router(company: Shared) -> Router {
    router_with_grants(company, Grants::default())
}

/// The vendor's paths, with a hand on the tokens.
pub fn router_with_grants(company: Shared, grants: Grants) -> Router {
    router_with_additions(company, grants, Additions::default())
}

/// The vendor's paths, with a hand on the tokens and on what is there beside the company's books.
pub fn router_with_additions(company: Shared, grants: Grants, additions: Additions) -> Router {
    Router::new().fallback(answer).with_state(Server { company, grants, additions, index: Arc::default() })
}

#[derive(Debug, Clone)]
struct Server {
    company: Shared,
    grants: Grants,
    additions: Additions,
    index: Arc<Mutex<Arc<Index>>>,
}

impl Server {
    /// The index of the books as they are now.
    fn index(&self, company: &Company) -> Arc<Index> {
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        if !index.fits(company) {
            *index = Arc::new(Index::new(company));
        }
        Arc::clone(&index)
    }
}

async fn answer(State(server): State<Server>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    match (method.as_str(), uri.path()) {
        ("POST", "/oauth2/v1/tokens/bearer") => {
            return counted(server.grants.refresh(&headers, &body), "token.refresh");
        }
        ("GET", "/.well-known/openid_configuration") => return counted(grants::discovery(host), "discovery"),
        _ => {}
    }
    let mut parts = uri.path().trim_start_matches('/').splitn(4, '/');
    let (Some("v3"), Some("company"), Some(realm), Some(rest)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let asked = match (method.as_str(), rest) {
        ("GET", "query") => {
            let query = uri.query().unwrap_or_default();
            let pairs = url::form_urlencoded::parse(query.as_bytes());
            Asked::Statement(
                pairs.into_owned().find(|(name, _)| name == "query").map(|(_, text)| text).unwrap_or_default(),
            )
        }
        ("POST", "query") => Asked::Statement(String::from_utf8_lossy(&body).into_owned()),
        ("GET", path) => Asked::One(path),
        _ => Asked::Else,
    };
    let statement = match &asked {
        Asked::Statement(text) => Some(Statement::parse(text)),
        Asked::One(_) | Asked::Else => None,
    };
    let label = label(&asked, statement.as_ref());
    if !server.grants.admits(&headers) {
        return counted(with_support_id(Fault::not_signed_in()), label);
    }
    if realm != REALM_ID {
        return counted(with_support_id(Fault::other_company()), label);
    }
    let answer = match (asked, statement) {
        (_, Some(statement)) => statement.and_then(|statement| select(&server, &statement)),
        (Asked::One(path), None) => one(&server, path),
        _ => Err(Fault::unsupported()),
    };
    let response = match answer {
        Ok(body) => {
            let mut response = Body::from(body).into_response();
            let json = HeaderValue::from_static("application/json;charset=UTF-8");
            response.headers_mut().insert(CONTENT_TYPE, json);
            response
        }
        Err(fault) => fault.into_response(&headers),
    };
    counted(with_support_id(response), label)
}

/// What is asked for.
enum Asked<'a> {
    Statement(String),
    /// `invoice/91`, `companyinfo/1`.
    One(&'a str),
    Else,
}

/// The name for the counters: the entity and what is done with it.
fn label(asked: &Asked<'_>, statement: Option<&Result<Statement, Fault>>) -> String {
    match (asked, statement) {
        (_, Some(Ok(statement))) => format!("{}.query", statement.entity),
        (_, Some(Err(_))) => "query".to_owned(),
        (Asked::One(path), None) => format!("{}.get", path.split('/').next().unwrap_or_default()),
        _ => "other".to_owned(),
    }
}

fn counted(mut response: Response, name: impl Into<std::borrow::Cow<'static, str>>) -> Response {
    response.extensions_mut().insert(Endpoint(name.into()));
    response
}

/// The answer to a statement.
fn select(server: &Server, statement: &Statement) -> Result<String, Fault> {
    let entity = Entity::named(&statement.entity, false)
        .ok_or_else(|| Fault::parser(format!("QueryValidationError: no such entity {}", statement.entity)))?;
    let named = statement.conditions.iter().map(|condition| &condition.property);
    let ordered = statement.order.iter().map(|(property, _)| property);
    if let Some(property) = named.chain(ordered).find(|property| !entity.queryable(property)) {
        return Err(Fault::not_queryable(property));
    }
    let company = server.company.read().unwrap_or_else(PoisonError::into_inner);
    let index = server.index(&company);
    let added = server.additions.read();
    let books = Books { company: &company, index: &index, added: &added };
    let holds = |record: &Record<'_>| {
        statement.conditions.iter().all(|condition| condition.test.holds(&books.property(*record, &condition.property)))
    };
    let mut rows = books.records(entity, statement.values("Id"), statement.values("CustomerRef"));
    rows.retain(holds);
    // Names that are not in use are left out, unless the statement speaks of them.
    if entity.is_list() && !statement.conditions.iter().any(|condition| condition.property == "Active") {
        rows.retain(|record| books.property(*record, "Active") == value::Value::Yes(true));
    }
    if statement.counts {
        return Ok(format!("{{\"QueryResponse\":{{\"totalCount\":{}}},\"time\":\"{TIME}\"}}", rows.len()));
    }
    rows.sort_by(|a, b| {
        let by = |(property, descending): &(String, bool)| {
            let order = books.property(*a, property).order(&books.property(*b, property));
            if *descending { order.reverse() } else { order }
        };
        statement.order.iter().map(by).find(|order| *order != Ordering::Equal).unwrap_or(Ordering::Equal)
    });
    let page: Vec<String> =
        rows.iter().skip(statement.start - 1).take(statement.limit).map(|record| books.json(*record)).collect();
    if page.is_empty() {
        return Ok(format!("{{\"QueryResponse\":{{}},\"time\":\"{TIME}\"}}"));
    }
    let (name, rows, start, count) = (entity.name(), page.join(","), statement.start, page.len());
    Ok(format!(
        "{{\"QueryResponse\":{{\"{name}\":[{rows}],\"startPosition\":{start},\"maxResults\":{count}}},\"time\":\"{TIME}\"}}"
    ))
}

/// One record by its ID, in use or not.
fn one(server: &Server, path: &str) -> Result<String, Fault> {
    let (name, id) = path.split_once('/').unwrap_or((path, "1"));
    let entity = Entity::named(name, true).ok_or_else(Fault::unsupported)?;
    let company = server.company.read().unwrap_or_else(PoisonError::into_inner);
    let index = server.index(&company);
    let added = server.additions.read();
    let books = Books { company: &company, index: &index, added: &added };
    let ids = [id.to_owned()];
    let is_it = |record: &Record<'_>| entity == Entity::CompanyInfo || books.property(*record, "Id").text() == id;
    let record = books.records(entity, Some(&ids), None).into_iter().find(is_it).ok_or_else(Fault::not_found)?;
    Ok(format!("{{\"{}\":{},\"time\":\"{TIME}\"}}", entity.name(), books.json(record)))
}
