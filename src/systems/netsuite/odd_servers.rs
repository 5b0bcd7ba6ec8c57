//! The connector against servers that answer in odd ways: a list that is not whole must never pass for one.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query as UrlQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use jiff::Timestamp;
use regex::Regex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::client::Client;
use super::config::Config;
use super::tests::SecretFile;
use super::{Call, ConnectionContext, SystemError};
use crate::config::Traffic;
use crate::domain::{ConnectionName, ManualClock, SharedIdRule};
use crate::systems::{ErrorKind, Priority};

/// The answer to a question for a page of 10 rows from an offset.
type Answer = fn(usize) -> (u16, Value);

struct Server(String, JoinHandle<()>);

impl Drop for Server {
    fn drop(&mut self) {
        self.1.abort();
    }
}

async fn start(answer: Answer) -> Server {
    let router = Router::new().route("/services/rest/query/v1/suiteql", post(suiteql)).with_state(answer);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    Server(url, tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }))
}

async fn suiteql(State(answer): State<Answer>, UrlQuery(query): UrlQuery<Vec<(String, String)>>) -> Response {
    let number =
        |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.parse::<usize>().unwrap());
    assert_eq!(number("limit"), Some(10));
    let (status, body) = answer(number("offset").unwrap());
    (StatusCode::from_u16(status).unwrap(), body.to_string()).into_response()
}

fn client(server: &Server) -> Client {
    let secret = SecretFile::new("secret");
    let secret = secret.reference();
    let config: Config = toml::from_str(&format!(
        "account = \"1\"\nurl = \"{}\"\npage_size = 10\n[token]\nconsumer_key = \"c\"\nconsumer_secret = {secret}\n\
         token_id = \"t\"\ntoken_secret = {secret}",
        server.0
    ))
    .unwrap();
    let context = ConnectionContext {
        name: ConnectionName::new("netsuite"),
        shared_id: SharedIdRule::new(Regex::new(".").unwrap(), &[]),
        traffic: Traffic { retries: 0, max_pages: 6, ..Traffic::default() },
        clock: Arc::new(ManualClock::new(Timestamp::UNIX_EPOCH)),
    };
    Client::new(&config, &context).unwrap()
}

async fn read(answer: Answer) -> Result<usize, SystemError> {
    let server = start(answer).await;
    let call = Call::new(Instant::now() + Duration::from_secs(20), Priority::Interactive);
    client(&server).rows(&call, "test.rows", "SELECT 1 FROM x", &["id"], None).await.map(|rows| rows.len())
}

async fn kind(answer: Answer) -> ErrorKind {
    read(answer).await.unwrap_err().kind
}

/// A page of the rows from..to, of so many in all.
fn page(rows: std::ops::Range<usize>, more: bool, total: usize) -> (u16, Value) {
    let items: Vec<Value> = rows.map(|id| json!({ "links": [], "id": id.to_string() })).collect();
    (200, json!({ "items": items, "count": items.len(), "hasMore": more, "totalResults": total }))
}

#[tokio::test]
async fn pages_are_read_to_the_number_that_they_state() {
    assert_eq!(read(|offset| page(offset..(offset + 10).min(23), offset < 20, 23)).await.unwrap(), 23);
    assert_eq!(read(|_| page(0..0, false, 0)).await.unwrap(), 0);
    // Names in capitals, counts as texts, and no word on whether there is more.
    let shouting: Answer = |offset| {
        let items: Vec<Value> = (offset..(offset + 10).min(13)).map(|id| json!({ "ID": id })).collect();
        (200, json!({ "items": items, "totalResults": "13" }))
    };
    assert_eq!(read(shouting).await.unwrap(), 13);
}

#[tokio::test]
async fn a_list_that_is_not_whole_is_an_error() {
    // Fewer rows than there are said to be.
    assert_eq!(kind(|_| page(0..7, false, 8)).await, ErrorKind::Truncated);
    // The number of rows changes from page to page: something came or went, and rows were moved over the edge.
    assert_eq!(kind(|offset| page(offset..offset + 10, offset == 0, 20 - offset / 10)).await, ErrorKind::Truncated);
    // A row comes twice.
    assert_eq!(kind(|offset| page(offset / 2..offset / 2 + 10, offset == 0, 20)).await, ErrorKind::Truncated);
    // A short page says that there is more.
    assert_eq!(kind(|offset| page(offset..offset + 9, true, 30)).await, ErrorKind::Truncated);
    assert_eq!(kind(|_| page(0..0, true, 30)).await, ErrorKind::Truncated);
    // Seven pages, and `max_pages` is six.
    assert_eq!(kind(|offset| page(offset..offset + 10, true, 70)).await, ErrorKind::Truncated);
    // More than SuiteQL ever gives.
    assert_eq!(kind(|offset| page(offset..offset + 10, true, 100_001)).await, ErrorKind::Truncated);
    assert_eq!(kind(|_| (200, json!({ "items": [{ "name": "x" }] }))).await, ErrorKind::BadResponse);
    assert_eq!(kind(|_| (200, json!({ "rows": [] }))).await, ErrorKind::BadResponse);
}

/// A refusal of the vendor.
fn refusal(status: u16, code: &str) -> (u16, Value) {
    (
        status,
        json!({ "title": "no", "status": status, "o:errorDetails": [{ "detail": "Acme GmbH", "o:errorCode": code }] }),
    )
}

#[tokio::test]
async fn refusals_are_told_apart_by_their_code() {
    assert_eq!(kind(|_| refusal(400, "INVALID_PARAMETER")).await, ErrorKind::BadRequest);
    assert_eq!(kind(|_| refusal(400, "INSUFFICIENT_PERMISSION")).await, ErrorKind::Forbidden);
    assert_eq!(kind(|_| refusal(400, "SSS_REQUEST_LIMIT_EXCEEDED")).await, ErrorKind::RateLimited);
    assert_eq!(kind(|_| refusal(401, "CONCURRENCY_LIMIT_EXCEEDED")).await, ErrorKind::RateLimited);
    assert_eq!(kind(|_| refusal(429, "CONCURRENCY_LIMIT_EXCEEDED")).await, ErrorKind::RateLimited);
    assert_eq!(kind(|_| refusal(401, "INVALID_LOGIN")).await, ErrorKind::Unauthorized);
    assert_eq!(kind(|_| refusal(403, "USER_ERROR")).await, ErrorKind::Forbidden);
    assert_eq!(kind(|_| refusal(500, "UNEXPECTED_ERROR")).await, ErrorKind::Broken);
    let said = read(|_| refusal(400, "INVALID_PARAMETER")).await.unwrap_err().to_string();
    assert!(said.contains("INVALID_PARAMETER") && !said.contains("Acme"), "{said}");
}
