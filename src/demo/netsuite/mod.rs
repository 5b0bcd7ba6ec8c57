//! An embedded NetSuite: SuiteQL over REST, both ways to sign in, pages of at most 1,000 rows.
//!
//! Facts follow the vendor's help pages on REST web services and SuiteQL. It only reads, as SuiteQL does.

mod additions;
mod answer;
mod auth;
mod books;
mod lists;
mod sql;
mod tables;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HOST, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Json, Response};
use serde::Deserialize;
use serde_json::json;

use self::answer::{Refusal, counted};
use self::auth::TOKEN_PATH;
use self::tables::Tables;
use crate::demo::company::model::{Company, Shared};

pub use additions::Additions;
pub use auth::{ACCOUNT, Access, CERTIFICATE_ID, CLIENT_ID, CONSUMER_KEY, CONSUMER_SECRET, TOKEN_ID, TOKEN_SECRET};
pub use books::{document_id, journal_id, payment_id};

const SUITEQL_PATH: &str = "/services/rest/query/v1/suiteql";

/// Most rows of a page, and of all pages of a query together.
const MAX_LIMIT: usize = 1000;
const MAX_ROWS: usize = 100_000;

/// Calls at once of an account in the standard tier, of all integrations together.
const MAX_CALLS: usize = 5;

/// The vendor's paths.
pub fn router(company: Shared) -> Router {
    router_with(company, Access::default())
}

/// The vendor's paths, with a hand on who may sign in.
pub fn router_with(company: Shared, access: Access) -> Router {
    router_with_additions(company, access, Additions::default())
}

/// The vendor's paths, with a hand on who may sign in and on what is there beside the company's books.
pub fn router_with_additions(company: Shared, access: Access, additions: Additions) -> Router {
    let server = Server { company, access, additions, shown: Arc::default(), running: Arc::default() };
    Router::new().fallback(answer).with_state(server)
}

#[derive(Debug, Clone)]
struct Server {
    company: Shared,
    access: Access,
    additions: Additions,
    /// The tables, and the state of the books that they show.
    shown: Arc<Mutex<Option<Shown>>>,
    /// Calls that are being answered.
    running: Arc<AtomicUsize>,
}

/// The tables of one state of the books.
type Shown = (Edition, Arc<Tables>);

/// What tells one state of the books from another.
type Edition = (u64, [usize; 7]);

fn edition(company: &Company, additions: &Additions) -> Edition {
    let ledger = &company.ledger;
    let size = [
        company.clients.len(),
        ledger.projects.len(),
        ledger.documents.len(),
        ledger.payments.len(),
        ledger.journal.len(),
        ledger.drafts.len(),
        additions.size(),
    ];
    (company.revision, size)
}

impl Server {
    /// The tables of the books as they are now.
    fn tables(&self) -> Arc<Tables> {
        let company = self.company.read().unwrap_or_else(PoisonError::into_inner);
        let now = edition(&company, &self.additions);
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        match shown.as_ref() {
            Some((edition, tables)) if *edition == now => Arc::clone(tables),
            _ => {
                let mut tables = books::tables(&company);
                self.additions.apply(&mut tables);
                let tables = Arc::new(tables);
                *shown = Some((now, Arc::clone(&tables)));
                tables
            }
        }
    }
}

/// A place among the calls that may run at once; given back when dropped.
struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(running: &Arc<AtomicUsize>) -> Option<Self> {
        let place = Self(Arc::clone(running));
        (running.fetch_add(1, Ordering::SeqCst) < MAX_CALLS).then_some(place)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Debug, Deserialize)]
struct Question {
    q: String,
}

async fn answer(State(server): State<Server>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let path = uri.path();
    if method == Method::POST && path == TOKEN_PATH {
        return counted(token(&server, &body, host), "token".to_owned());
    }
    let query = uri.query().unwrap_or_default();
    if !server.access.admits(&method, path, query, &headers, host) {
        let mut response = Refusal::new(
            StatusCode::UNAUTHORIZED,
            "INVALID_LOGIN",
            "Invalid login attempt. For more details, see the Login Audit Trail in the NetSuite UI.",
        )
        .into_response();
        let challenge = HeaderValue::from_static("Bearer realm=\"TSTDRV1234567\", error=\"invalid_token\"");
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        return counted(response, "refused".to_owned());
    }
    let Some(_place) = Place::take(&server.running) else {
        let refusal = Refusal::new(
            StatusCode::TOO_MANY_REQUESTS,
            "CONCURRENCY_LIMIT_EXCEEDED",
            "Concurrent request limit exceeded. Request blocked.",
        );
        return counted(refusal.into_response(), "refused".to_owned());
    };
    if path != SUITEQL_PATH {
        let refusal =
            Refusal::new(StatusCode::NOT_FOUND, "NONEXISTENT_ID", "The embedded system has no such resource.");
        return counted(refusal.into_response(), "other".to_owned());
    }
    if method != Method::POST {
        let refusal = Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "Use POST.");
        return counted(refusal.into_response(), "other".to_owned());
    }
    match suiteql(&server, query, &headers, &body, host) {
        Ok((response, about)) => counted(response, about.to_owned()),
        Err(refusal) => counted(refusal.into_response(), "other".to_owned()),
    }
}

/// Exchanges an assertion for a token.
fn token(server: &Server, body: &[u8], host: &str) -> Response {
    match server.access.exchange(body, host) {
        // The number of seconds comes as a text.
        Ok(token) => {
            Json(json!({ "access_token": token, "expires_in": "3600", "token_type": "bearer" })).into_response()
        }
        Err(error) => {
            let status = if error == "invalid_grant" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
            (status, Json(json!({ "error": error }))).into_response()
        }
    }
}

/// Answers a question, and says which table it was about.
fn suiteql(
    server: &Server,
    query: &str,
    headers: &HeaderMap,
    body: &[u8],
    host: &str,
) -> Result<(Response, &'static str), Refusal> {
    let bad = |code, detail: &str| Refusal::new(StatusCode::BAD_REQUEST, code, detail);
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !header("prefer").split(',').any(|preference| preference.trim().eq_ignore_ascii_case("transient")) {
        let refusal = bad("INVALID_HEADER", "The header 'Prefer' is missing or its value is not 'transient'.");
        return Err(Refusal { about: Some(("o:errorHeader", "Prefer")), ..refusal });
    }
    if !header(CONTENT_TYPE.as_str()).starts_with("application/json") {
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "INVALID_HEADER", "Content-Type must be JSON."));
    }
    let (mut limit, mut offset) = (MAX_LIMIT, 0);
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let about = |name| move |refusal: Refusal| Refusal { about: Some(("o:errorQueryParam", name)), ..refusal };
        let wrong = || bad("INVALID_PARAMETER", "Provide a valid value of the query parameter.");
        match name.as_ref() {
            "limit" => {
                let given = value.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit));
                limit = given.ok_or_else(wrong).map_err(about("limit"))?;
            }
            "offset" => {
                let given = value.parse().ok().filter(|offset| *offset < MAX_ROWS);
                offset = given.ok_or_else(wrong).map_err(about("offset"))?;
            }
            _ => return Err(bad("INVALID_PARAMETER", "There is no such query parameter.")),
        }
    }
    let question: Question =
        serde_json::from_slice(body).map_err(|_| bad("INVALID_CONTENT", "The body is not {\"q\": \"SELECT ...\"}."))?;
    let answer = sql::answer(&server.tables(), &question.q).map_err(|refused| {
        let detail = format!(
            "Invalid search query. Detailed unprocessed description follows. Search error occurred: {}.",
            refused.0.trim_end_matches('.')
        );
        bad("INVALID_PARAMETER", &detail)
    })?;
    Ok((answer::page(&answer, host, limit, offset), answer.about))
}
