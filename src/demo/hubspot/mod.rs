//! An embedded HubSpot: the part of the CRM API that a reader needs, over the seeded company.
//!
//! Both path families answer: `/crm/v3/...` with `/crm/v4/...` for associations, and the date-based `2026-03` and `2026-09`.
//! Records (list, one, batch read, search), associations, pipelines, owners, properties and the account's details. What
//! HubSpot is known for is here too: values are text, batches come back in no particular order and with 207 when some
//! inputs are unknown, "no association" is an error entry, `toObjectId` is a number, search matches `IN` in lower
//! case only, takes 3,000 characters and ends after 10,000 rows.
//!
//! Calls are counted as `{type}.list`, `{type}.read`, `{type}.batch_read`, `{type}.search`, `{type}.associations.{type}`,
//! `{type}.pipelines`, `{type}.properties`, `owners.list`, `account.details`.

mod associations;
mod index;
mod kinds;
mod problem;
mod records;
mod reference;
mod search;
#[cfg(test)]
mod tests;
mod values;

use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::{Duration, Instant};

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::Value;

use self::index::Index;
use self::kinds::Kind;
use self::problem::Problem;
use super::company::model::{Company, Shared};
use super::control::Endpoint;

/// The demo's credential.
const TOKEN: &str = "demo-hubspot-token";

/// What differs from account to account.
#[derive(Debug, Clone)]
pub struct Options {
    /// Searches per second over all object types. HubSpot's truth is 5; none here unless asked for, so that the demo does
    /// not wait for itself.
    pub searches_per_second: Option<u32>,
    /// How many associations of one record come in one answer. HubSpot does not document its own number.
    pub association_page: usize,
    /// Whether `project_code` was created as a unique property, so that records can be read by it.
    pub unique_project_code: bool,
    /// Object types, by their plural name, that the credential has no scope for; `owners` too.
    pub without_scope: Vec<&'static str>,
}

impl Default for Options {
    fn default() -> Self {
        Self { searches_per_second: None, association_page: 500, unique_project_code: false, without_scope: Vec::new() }
    }
}

/// The account and what the router remembers of it.
#[derive(Debug)]
struct Account {
    company: Shared,
    index: RwLock<Arc<Index>>,
    options: Options,
    /// The second that is under way, and the searches made in it.
    searches: Mutex<(Option<Instant>, u32)>,
}

type App = State<Arc<Account>>;

/// The embedded HubSpot of a company.
pub fn router(company: Shared) -> Router {
    router_with(company, Options::default())
}

/// The embedded HubSpot of a company, of an account that differs from the usual.
pub fn router_with(company: Shared, options: Options) -> Router {
    let index = Index::build(&company.read().unwrap_or_else(PoisonError::into_inner));
    let index = RwLock::new(Arc::new(index));
    let account = Arc::new(Account { company, index, options, searches: Mutex::default() });
    let mut router = family(Router::new(), "/crm/v3/objects", "/crm/v4/objects", "/crm/v4/associations");
    router = router
        .route("/crm/v3/pipelines/{kind}", get(reference::pipelines))
        .route("/crm/v3/owners", get(reference::owners))
        // HubSpot's own client writes it so.
        .route("/crm/v3/owners/", get(reference::owners))
        .route("/crm/v3/properties/{kind}", get(reference::properties))
        .route("/account-info/v3/details", get(reference::account));
    for version in ["2026-03", "2026-09"] {
        let objects = format!("/crm/objects/{version}");
        router = family(router, &objects, &objects, &format!("/crm/associations/{version}"))
            .route(&format!("/crm/pipelines/{version}/{{kind}}"), get(reference::pipelines))
            .route(&format!("/crm/owners/{version}"), get(reference::owners))
            .route(&format!("/crm/properties/{version}/{{kind}}"), get(reference::properties))
            .route(&format!("/account-info/{version}/details"), get(reference::account));
    }
    router
        .fallback(async || Problem::not_found("resource not found"))
        .layer(middleware::from_fn(signed_in))
        .with_state(account)
}

fn family(router: Router<Arc<Account>>, objects: &str, linked: &str, associations: &str) -> Router<Arc<Account>> {
    router
        .route(&format!("{objects}/{{kind}}"), get(records::list))
        .route(&format!("{objects}/{{kind}}/{{id}}"), get(records::one))
        .route(&format!("{objects}/{{kind}}/batch/read"), post(records::batch_read))
        .route(&format!("{objects}/{{kind}}/search"), post(search::search))
        .route(&format!("{linked}/{{kind}}/{{id}}/associations/{{to}}"), get(associations::of_one))
        .route(&format!("{associations}/{{kind}}/{{to}}/batch/read"), post(associations::batch_read))
        .route(&format!("{associations}/{{kind}}/{{to}}/labels"), get(associations::labels))
}

async fn signed_in(request: Request, next: Next) -> Response {
    let token = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if token.and_then(|value| value.strip_prefix("Bearer ")) == Some(TOKEN) {
        next.run(request).await
    } else {
        Problem::not_signed_in().into_response()
    }
}

impl Account {
    fn company(&self) -> RwLockReadGuard<'_, Company> {
        self.company.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The index of the company as it is now.
    fn index(&self, company: &Company) -> Arc<Index> {
        let known = Arc::clone(&self.index.read().unwrap_or_else(PoisonError::into_inner));
        if known.revision == company.revision {
            return known;
        }
        let fresh = Arc::new(Index::build(company));
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&fresh);
        fresh
    }

    /// The object type of a path segment, if the credential may read it.
    fn kind(&self, segment: &str) -> Result<Kind, Problem> {
        let kind = Kind::from_path(segment)
            .ok_or_else(|| Problem::validation(&format!("Unable to infer object type from: {segment}")))?;
        self.allow(kind.plural())?;
        Ok(kind)
    }

    fn allow(&self, what: &'static str) -> Result<(), Problem> {
        if !self.options.without_scope.contains(&what) {
            return Ok(());
        }
        Err(Problem::missing_scope(&match what {
            "tickets" => "tickets".to_owned(),
            "emails" => "sales-email-read".to_owned(),
            other => format!("crm.objects.{other}.read"),
        }))
    }

    /// Takes one search of the second under way.
    fn take_search(&self) -> Result<(), Problem> {
        let Some(limit) = self.options.searches_per_second else { return Ok(()) };
        let mut searches = self.searches.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        if searches.0.is_none_or(|start| now.duration_since(start) >= Duration::from_secs(1)) {
            *searches = (Some(now), 0);
        }
        searches.1 += 1;
        if searches.1 > limit { Err(Problem::too_many_searches()) } else { Ok(()) }
    }
}

/// Finishes an answer: counted under a name, with the rate-limit headers that all but searches carry.
fn answered(endpoint: String, limited: bool, answer: Result<Response, Problem>) -> Response {
    let mut response = answer.unwrap_or_else(IntoResponse::into_response);
    response.extensions_mut().insert(Endpoint(endpoint.into()));
    if limited {
        for (name, value) in [
            ("x-hubspot-ratelimit-max", "190"),
            ("x-hubspot-ratelimit-remaining", "189"),
            ("x-hubspot-ratelimit-interval-milliseconds", "10000"),
            ("x-hubspot-ratelimit-daily", "650000"),
            ("x-hubspot-ratelimit-daily-remaining", "649999"),
        ] {
            response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
    }
    response
}

fn json(body: Value) -> Response {
    Json(body).into_response()
}

/// The name of an object type in a counter: as in the path when it is none.
fn counted(segment: &str) -> &str {
    match Kind::from_path(segment) {
        Some(kind) => kind.plural(),
        None => segment,
    }
}

/// A parsed body, or HubSpot's complaint about it.
fn parsed<'a, T: serde::Deserialize<'a>>(body: &'a [u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| {
        Problem::validation(&format!(
            "Invalid input JSON on line {}, column {}: cannot deserialize value",
            error.line(),
            error.column()
        ))
    })
}
