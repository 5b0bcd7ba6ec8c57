//! The stub that everything measured here reads: three systems behind one address (a CRM, an ERP, a project tool), with
//! the same records every time. It counts the calls it gets and can answer late.
//!
//! Environment: `PORT` (4100), `DEALS` (10000), `LATENCY_MS` (0).
//! Control: `GET /stats`, `POST /stats/reset`, `POST /latency/<ms>`; none of them is counted.
//!
//! What it answers is rendered beforehand, so that as little as possible of the machine goes to it.

mod records;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpListener;

use records::Records;

/// Largest page of the list of deals.
const MAX_PAGE: usize = 200;

/// The calls that are told apart in the counts.
#[derive(Clone, Copy)]
enum Call {
    Deal,
    DealsBatch,
    DealsByProject,
    DealsList,
    Invoices,
    Costs,
    Projects,
    Tickets,
    NotFound,
}

const CALLS: [&str; 9] = [
    "crm.deal",
    "crm.deals.batch",
    "crm.deals.by_project",
    "crm.deals.list",
    "erp.invoices",
    "erp.costs",
    "pm.projects",
    "pm.tickets",
    "not_found",
];

struct Stub {
    records: Records,
    latency_ms: AtomicU64,
    calls: [AtomicU64; CALLS.len()],
}

/// What is asked of the batch read. Unknown IDs are left out of the answer.
#[derive(Deserialize)]
struct BatchRead<'a> {
    /// `id` or `projectId`: what the IDs are.
    #[serde(default = "by_id")]
    by: &'a str,
    #[serde(borrow)]
    ids: Vec<Cow<'a, str>>,
}

fn by_id() -> &'static str {
    "id"
}

impl Stub {
    /// The answer to a call, and which one it was.
    async fn answer(&self, request: Request<Incoming>) -> (Call, Option<String>) {
        let (head, body) = request.into_parts();
        let (path, query) = (head.uri.path(), head.uri.query().unwrap_or_default());
        let records = &self.records;
        match (&head.method, path) {
            (&Method::POST, "/crm/deals/batch/read") => {
                let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
                let Ok(asked) = serde_json::from_slice::<BatchRead<'_>>(&body) else { return (Call::NotFound, None) };
                let (call, prefix) =
                    if asked.by == "projectId" { (Call::DealsByProject, 'p') } else { (Call::DealsBatch, 'd') };
                let ids = asked.ids.iter().map(AsRef::as_ref);
                (call, Some(format!(r#"{{"results":{}}}"#, self.list(&records.deals, prefix, ids))))
            }
            (&Method::GET, "/crm/deals") => (Call::DealsList, Some(self.page(query))),
            (&Method::GET, "/erp/invoices") => (Call::Invoices, Some(self.by_project(&records.invoices, query))),
            (&Method::GET, "/erp/costs") => (Call::Costs, Some(self.by_project(&records.costs, query))),
            (&Method::GET, "/pm/tickets") => (Call::Tickets, Some(self.by_project(&records.tickets, query))),
            (&Method::GET, "/pm/projects") => {
                let ids = parameter(query, "ids");
                (Call::Projects, Some(self.list(&records.projects, 'p', split(&ids))))
            }
            (&Method::GET, path) => {
                let deal = path.strip_prefix("/crm/deals/").and_then(|id| records.number(id, 'd'));
                match deal.and_then(|number| records.deals.get(number)) {
                    Some(deal) => (Call::Deal, Some(deal.clone())),
                    None => (Call::NotFound, None),
                }
            }
            _ => (Call::NotFound, None),
        }
    }

    fn by_project(&self, records: &[String], query: &str) -> String {
        let ids = parameter(query, "projectIds");
        self.list(records, 'p', split(&ids))
    }

    /// The records of the given IDs as one JSON list.
    fn list<'a>(&self, records: &[String], prefix: char, ids: impl Iterator<Item = &'a str>) -> String {
        let mut list = String::with_capacity(4096);
        list.push('[');
        for record in ids.filter_map(|id| records.get(self.records.number(id, prefix)?)) {
            if list.len() > 1 {
                list.push(',');
            }
            list.push_str(record);
        }
        list.push(']');
        list
    }

    /// A page of deals: `limit` of them (or `first`, as servers that are generated from an `OpenAPI` description call it)
    /// behind the deal `after`.
    fn page(&self, query: &str) -> String {
        let number = |name| parameter(query, name).parse::<usize>().ok();
        let limit = number("limit").or_else(|| number("first")).unwrap_or(50).min(MAX_PAGE);
        let start = self.records.number(&parameter(query, "after"), 'd').map_or(0, |last| last + 1);
        let deals = &self.records.deals;
        let end = (start + limit).min(deals.len());
        let rows = deals.get(start..end).unwrap_or_default().join(",");
        if end < deals.len() {
            format!(r#"{{"results":[{rows}],"paging":{{"next":{{"after":"d{}"}}}}}}"#, end - 1)
        } else {
            format!(r#"{{"results":[{rows}]}}"#)
        }
    }

    fn stats(&self) -> String {
        let calls: BTreeMap<_, _> = CALLS.iter().zip(&self.calls).map(|(name, n)| (*name, n.load(Relaxed))).collect();
        let total: u64 = calls.values().sum();
        serde_json::json!({ "total": total, "calls": calls }).to_string()
    }

    /// The answer to a control call, if it is one.
    fn control(&self, method: &Method, path: &str) -> Option<String> {
        match (method, path) {
            (&Method::GET, "/stats") => {}
            (&Method::POST, "/stats/reset") => self.calls.iter().for_each(|count| count.store(0, Relaxed)),
            (&Method::POST, path) => self.latency_ms.store(path.strip_prefix("/latency/")?.parse().ok()?, Relaxed),
            _ => return None,
        }
        Some(self.stats())
    }

    async fn serve(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        if let Some(stats) = self.control(request.method(), request.uri().path()) {
            return json(StatusCode::OK, stats);
        }
        let (call, found) = self.answer(request).await;
        if let Some(count) = self.calls.get(call as usize) {
            count.fetch_add(1, Relaxed);
        }
        let latency = self.latency_ms.load(Relaxed);
        if latency > 0 {
            tokio::time::sleep(Duration::from_millis(latency)).await;
        }
        match found {
            Some(body) => json(StatusCode::OK, body),
            None => json(StatusCode::NOT_FOUND, r#"{"error":"not found"}"#.to_owned()),
        }
    }
}

/// All values of a query parameter, with commas between them: `ids=a,b` and `ids=a&ids=b` (some write `ids[]`) say the
/// same. A comma is all that is ever escaped in an ID here.
fn parameter(query: &str, name: &str) -> String {
    let values = query.split('&').filter_map(|pair| pair.split_once('=')).filter(|(key, _)| {
        let key = key.strip_suffix("[]").or_else(|| key.strip_suffix("%5B%5D")).unwrap_or(key);
        key == name
    });
    let mut joined = String::with_capacity(query.len());
    for (_, value) in values {
        if !joined.is_empty() {
            joined.push(',');
        }
        joined.push_str(value);
    }
    if joined.contains('%') { joined.replace("%2C", ",").replace("%2c", ",") } else { joined }
}

fn split(ids: &str) -> impl Iterator<Item = &str> {
    ids.split(',').filter(|id| !id.is_empty())
}

fn json(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

fn main() -> Result<(), Box<dyn Error>> {
    let stub = Arc::new(Stub {
        records: Records::of(setting("DEALS", 10_000)),
        latency_ms: AtomicU64::new(setting("LATENCY_MS", 0)),
        calls: Default::default(),
    });
    // One thread: the machine is for the servers that are measured.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let address = format!("127.0.0.1:{}", setting("PORT", 4100));
        let listener = TcpListener::bind(&address).await?;
        println!("the stub listens at http://{address}");
        loop {
            let Ok((stream, _)) = listener.accept().await else { continue };
            let _ = stream.set_nodelay(true);
            let stub = Arc::clone(&stub);
            tokio::spawn(async move {
                let service = service_fn(|request| async { Ok::<_, Infallible>(stub.serve(request).await) });
                // A client that goes away is nothing to report.
                let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
            });
        }
    })
}
