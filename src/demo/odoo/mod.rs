//! An embedded Odoo 19: JSON-RPC and JSON-2 over the same models, conditions, sums by groups, refusals in the words of
//! each. It only reads: what would write is refused.
//!
//! Facts follow Odoo's developer documentation, its source, and recorded answers of a real server.

mod answer;
mod books;
mod crm;
mod domain;
mod models;
mod query;
mod table;
#[cfg(test)]
mod tests;
mod value;
mod work;

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use self::answer::{Refusal, json_rpc};
use self::query::{Arguments, signature};
use self::table::Tables;
use crate::demo::company::model::{Company, Shared};
use crate::demo::control::Endpoint;

/// The database of the embedded system.
pub const DATABASE: &str = "spine_demo";
/// The login of its user.
pub const USER: &str = "spine";
/// The API key of its user. It guards made-up data on loopback.
pub const API_KEY: &str = "demo-odoo-key";

/// The number of its user.
const UID: i64 = 2;

/// The vendor's paths.
pub fn router(company: Shared) -> Router {
    let server = Server { company, tables: Arc::default() };
    Router::new()
        .route("/jsonrpc", post(rpc))
        .route("/json/2/{model}/{method}", post(json2))
        .route("/web/webclient/version_info", post(version_info))
        .route("/web/version", get(web_version))
        .fallback(|| async { StatusCode::NOT_FOUND })
        .with_state(server)
}

#[derive(Debug, Clone)]
struct Server {
    company: Shared,
    tables: Arc<Mutex<(Option<Made>, Arc<Tables>)>>,
}

/// What the tables were made of: they hold for one state of the company.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Made {
    revision: u64,
    size: [usize; 8],
}

impl Made {
    fn of(company: &Company) -> Self {
        let ledger = &company.ledger;
        let size = [
            company.deals.len(),
            company.projects.len(),
            company.issues.len(),
            company.time_entries.len(),
            ledger.projects.len(),
            ledger.documents.len(),
            ledger.payments.len(),
            ledger.journal.len() + ledger.drafts.len(),
        ];
        Self { revision: company.revision, size }
    }
}

impl Server {
    /// The company as tables, as it is now.
    fn tables(&self) -> Arc<Tables> {
        let company = self.company.read().unwrap_or_else(PoisonError::into_inner);
        let mut kept = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Made::of(&company);
        if kept.0 != Some(now) {
            *kept = (Some(now), Arc::new(models::tables(&company)));
        }
        Arc::clone(&kept.1)
    }

    fn execute(&self, model: &str, method: &str, arguments: &Arguments) -> Result<Value, Refusal> {
        query::call(&self.tables(), model, method, arguments)
    }
}

fn counted(mut response: Response, label: String) -> Response {
    response.extensions_mut().insert(Endpoint(label.into()));
    response
}

/// `POST /jsonrpc`.
async fn rpc(State(server): State<Server>, body: Bytes) -> Response {
    let Ok(body) = serde_json::from_slice::<Value>(&body) else {
        return (StatusCode::BAD_REQUEST, "Invalid JSON data").into_response();
    };
    let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let arguments = body.pointer("/params/args").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let (service, method) = (text("/params/service"), text("/params/method"));
    let (label, answer) = match (service, method) {
        ("common", "version") => ("version".to_owned(), Ok(version())),
        ("common", "authenticate" | "login") => {
            let right = |at: usize, word: &str| arguments.get(at).and_then(Value::as_str) == Some(word);
            let known = right(0, DATABASE) && right(1, USER) && right(2, API_KEY);
            ("authenticate".to_owned(), Ok(if known { json!(UID) } else { json!(false) }))
        }
        ("object", "execute_kw" | "execute") => object(&server, method == "execute_kw", arguments),
        _ => (String::from("other"), Err(Refusal::access(format!("Method not available: {service}.{method}")))),
    };
    let id = body.get("id").cloned().unwrap_or_default();
    let response = match answer {
        Ok(result) => json_rpc(&id, &result),
        Err(refusal) => refusal.json_rpc(&id),
    };
    counted(response, label)
}

/// `execute_kw(db, uid, key, model, method, args, kwargs)`, `execute(db, uid, key, model, method, *args)`.
fn object(server: &Server, by_name: bool, arguments: &[Value]) -> (String, Result<Value, Refusal>) {
    let text = |at: usize| arguments.get(at).and_then(Value::as_str).unwrap_or_default();
    let (model, method) = (text(3), text(4));
    let label = format!("{model}.{method}");
    if text(0) != DATABASE || arguments.get(1).and_then(Value::as_i64) != Some(UID) || text(2) != API_KEY {
        return (label, Err(Refusal::denied()));
    }
    if method.starts_with('_') {
        let message = format!("Private methods (such as '{model}.{method}') cannot be called remotely.");
        return (label, Err(Refusal::access(message)));
    }
    let (positional, mut named) = if by_name {
        let positional = arguments.get(5).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        (positional, arguments.get(6).and_then(Value::as_object).cloned().unwrap_or_default())
    } else {
        (arguments.get(5..).unwrap_or_default(), Arguments::new())
    };
    for (name, value) in signature(method).unwrap_or_default().iter().zip(positional) {
        named.insert((*name).to_owned(), value.clone());
    }
    if (model, method) == ("res.users", "context_get") {
        return (label, Ok(json!({ "lang": "en_US", "tz": "UTC" })));
    }
    (label, server.execute(model, method, &named))
}

/// `POST /json/2/<model>/<method>`.
async fn json2(
    State(server): State<Server>,
    Path((model, method)): Path<(String, String)>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let label = format!("{model}.{method}");
    let shown = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let key = shown.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, key)| key);
    let answer = match serde_json::from_slice::<Arguments>(&body) {
        _ if key != Some(API_KEY) => Err(Refusal::key()),
        Err(_) => Err(Refusal::arguments("could not parse the body as JSON")),
        Ok(arguments) => server.execute(&model, &method, &arguments),
    };
    let response = match answer {
        Ok(result) => Json(result).into_response(),
        Err(refusal) => refusal.json2(),
    };
    counted(response, label)
}

fn version() -> Value {
    json!({
        "server_version": "19.0",
        "server_version_info": [19, 0, 0, "final", 0, ""],
        "server_serie": "19.0",
        "protocol_version": 1,
    })
}

/// `POST /web/webclient/version_info`, which the browser asks.
async fn version_info() -> Response {
    counted(json_rpc(&Value::Null, &version()), "version".to_owned())
}

/// `GET /web/version`, which is for those who speak JSON-2.
async fn web_version() -> Response {
    let body = json!({ "version_info": [19, 0, 0, "final", 0, ""], "version": "19.0" });
    counted(Json(body).into_response(), "version".to_owned())
}
