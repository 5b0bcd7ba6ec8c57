//! An embedded Redmine 5: its REST API in JSON, as a reader needs it, with its silent failures.
//!
//! What surprises people in the real one is here on purpose, because a connector has to survive it:
//! a wrong key makes a list request anonymous (200 and nothing in it), a filter that does not exist is ignored
//! (everything comes), closed projects and closed issues are left out unless asked for, `limit` is cut to 100, and
//! 401, 403, 404 come with an empty body. All projects are private; the one key belongs to a user who is no
//! administrator, so `/custom_fields.json` is a 403.
//!
//! - `query`: filters in the short form (`cf_1=A|B`) and the long one (`f[]`, `op`, `v`), sorting, paging
//! - `index`: where the records are, so that 100,000 deals do not make every call a scan
//! - `projects`, `issues`, `hours`, `words`: the endpoints

mod hours;
mod index;
mod issues;
mod projects;
mod query;
#[cfg(test)]
mod tests;
mod words;

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use axum::Router;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{Html, IntoResponse, Json, Response};
use axum::routing::get;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Value, json};

use self::index::Index;
use self::query::Params;
use super::company::model::{Company, Person, Shared};
use super::control::Endpoint;

/// The API key that the embedded Redmine accepts.
const KEY: &str = "demo-redmine-key";

/// The key's user. People are numbered from 11.
const USER: (u32, &str, &str, &str) = (9, "spine", "Spine", "Reader");

/// The routes of an embedded Redmine that shows `company`.
pub fn router(company: Shared) -> Router {
    let state = Arc::new(Redmine { company, index: RwLock::default() });
    Router::new()
        .route("/projects.json", get(projects::list))
        .route("/projects/{id}", get(projects::show))
        .route("/projects/{id}/versions.json", get(projects::versions))
        .route("/projects/{id}/memberships.json", get(projects::memberships))
        .route("/versions/{id}", get(projects::version))
        .route("/issues.json", get(issues::list))
        .route("/issues/{id}", get(issues::show))
        .route("/time_entries.json", get(hours::list))
        .route("/time_entries/{id}", get(hours::show))
        .route("/custom_fields.json", get(words::custom_fields))
        .route("/issue_statuses.json", get(words::issue_statuses))
        .route("/trackers.json", get(words::trackers))
        .route("/enumerations/{kind}", get(words::enumerations))
        .route("/users/current.json", get(current_user))
        .fallback(|| async { Answer::Missing.named("other") })
        .layer(middleware::from_fn(query_limit))
        .with_state(state)
}

/// The web server (puma) takes queries of up to 10 kB.
async fn query_limit(request: Request, next: Next) -> Response {
    if request.uri().query().is_some_and(|query| query.len() > 10 * 1024) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    next.run(request).await
}

/// What all requests share.
struct Redmine {
    company: Shared,
    index: RwLock<Arc<Index>>,
}

type Server = State<Arc<Redmine>>;

impl Redmine {
    fn company(&self) -> RwLockReadGuard<'_, Company> {
        self.company.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The index over `company`, made anew when records came or went or were corrected.
    fn index(&self, company: &Company) -> Arc<Index> {
        let known = Arc::clone(&self.index.read().unwrap_or_else(PoisonError::into_inner));
        if known.fits(company) {
            return known;
        }
        let fresh = Arc::new(Index::of(company));
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&fresh);
        fresh
    }
}

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asker {
    /// Nobody in particular, or somebody whose key is wrong: Redmine makes no difference.
    Anonymous,
    /// The user of [`KEY`].
    Reader,
}

impl Asker {
    /// `?key=` comes before the header, and either before Basic, as in Redmine's `api_key_from_request`.
    fn of(headers: &HeaderMap, params: &Params) -> Self {
        let header = || headers.get("x-redmine-api-key").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let named = params.get("key").filter(|key| !key.is_empty()).map(str::to_owned).or_else(header);
        match named.or_else(|| basic_user(headers)) {
            Some(key) if key == KEY => Self::Reader,
            _ => Self::Anonymous,
        }
    }
}

/// The user part of HTTP Basic: Redmine takes a key there, with any password.
fn basic_user(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let pair = String::from_utf8(BASE64_STANDARD.decode(value).ok()?).ok()?;
    pair.split_once(':').map(|(user, _)| user.to_owned())
}

/// What an endpoint answers.
#[derive(Debug)]
enum Answer {
    /// 200.
    Found(Value),
    /// 401, or 403 for somebody who is signed in: not for you.
    Denied(Asker),
    /// 404.
    Missing,
    /// 422.
    Invalid(Vec<String>),
    /// 500, with a page for people.
    Broken,
}

impl Answer {
    fn named(self, endpoint: &'static str) -> Response {
        let mut response = match self {
            Self::Found(value) => Json(value).into_response(),
            Self::Denied(Asker::Reader) => StatusCode::FORBIDDEN.into_response(),
            Self::Denied(Asker::Anonymous) => {
                let realm = HeaderValue::from_static("Basic realm=\"Redmine API\"");
                (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, realm)]).into_response()
            }
            Self::Broken => (StatusCode::INTERNAL_SERVER_ERROR, Html("<h1>Internal error</h1>")).into_response(),
            Self::Missing => StatusCode::NOT_FOUND.into_response(),
            Self::Invalid(errors) => {
                (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({ "errors": errors }))).into_response()
            }
        };
        response.extensions_mut().insert(Endpoint::from(endpoint));
        response
    }
}

/// `42.json` without its suffix; none for another format, which this server does not speak.
fn stem(file: &str) -> Option<&str> {
    file.strip_suffix(".json")
}

/// `{"id": 1, "name": "x"}`, the shape of every relation.
fn named(id: u32, name: &str) -> Value {
    json!({ "id": id, "name": name })
}

/// The project tool's number of a person.
fn user_id(person: u32) -> u32 {
    person + 10
}

fn full_name(person: &Person) -> String {
    format!("{} {}", person.first, person.last)
}

/// Hours as Redmine keeps and sends them: a float, with a digit after the point.
fn float(hours: Decimal) -> Value {
    json!(hours.to_f64().unwrap_or_default())
}

/// Instants as Redmine sends them: whole seconds, in UTC.
fn instant(at: jiff::Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

async fn current_user(headers: HeaderMap, uri: Uri) -> Response {
    let params = Params::of(&uri);
    let asker = Asker::of(&headers, &params);
    let (id, login, first, last) = USER;
    let answer = match asker {
        Asker::Anonymous => Answer::Denied(asker),
        Asker::Reader => Answer::Found(json!({ "user": {
            "id": id, "login": login, "admin": false, "firstname": first, "lastname": last,
            "mail": "spine@example.com", "created_on": "2024-01-08T08:00:00Z", "updated_on": "2024-01-08T08:00:00Z",
            "last_login_on": null, "passwd_changed_on": "2024-01-08T08:00:00Z", "twofa_scheme": null, "api_key": KEY,
        }})),
    };
    answer.named("users.current")
}
