//! The connector against servers that answer in odd ways: a list that is not whole must never pass for one.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query as UrlQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use regex::Regex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::client::Client;
use super::config::Config;
use super::{Call, Connection, ConnectionContext, ProjectId, SystemError, connect};
use crate::config::Traffic;
use crate::domain::{ConnectionName, InvoiceQuery, ManualClock, SharedIdRule};
use crate::systems::secret_file::SecretFile;
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

/// The answer to a question, from an offset.
type Told = fn(&str, usize) -> (u16, Value);

async fn start_telling(told: Told) -> Server {
    let router = Router::new().route("/services/rest/query/v1/suiteql", post(tell)).with_state(told);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    Server(url, tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }))
}

async fn tell(State(told): State<Told>, UrlQuery(query): UrlQuery<Vec<(String, String)>>, body: String) -> Response {
    let offset = query.iter().find(|(key, _)| key == "offset").map(|(_, value)| value.parse().unwrap()).unwrap();
    let body: Value = serde_json::from_str(&body).unwrap();
    let (status, body) = told(body["q"].as_str().unwrap(), offset);
    (StatusCode::from_u16(status).unwrap(), body.to_string()).into_response()
}

fn client(server: &Server) -> Client {
    let (_file, config, context) = configured(server, 10);
    Client::new(&config, &context).unwrap()
}

fn connection(server: &Server) -> Connection {
    let (_file, config, context) = configured(server, 1000);
    connect(config, context).unwrap()
}

fn configured(server: &Server, page_size: usize) -> (SecretFile, Config, ConnectionContext) {
    let file = SecretFile::new("secret");
    let secret = file.reference();
    let config: Config = toml::from_str(&format!(
        "account = \"1\"\nurl = \"{}\"\npage_size = {page_size}\n[token]\nconsumer_key = \"c\"\nconsumer_secret = {secret}\n\
         token_id = \"t\"\ntoken_secret = {secret}",
        server.0
    ))
    .unwrap();
    let context = ConnectionContext {
        name: ConnectionName::new("netsuite"),
        shared_id: SharedIdRule::new(Regex::new(".").unwrap(), &[]),
        traffic: Traffic { retries: 0, max_pages: 6, ..Traffic::default() },
        clock: Arc::new(ManualClock::default()),
    };
    (file, config, context)
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
    // As many as SuiteQL ever gives: there may be more.
    for said in [|offset| page(offset..offset + 10, true, 100_000), |offset| page(offset..offset + 10, true, 100_001)] {
        let error = read(said).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Truncated);
        assert!(error.to_string().contains("as many rows as SuiteQL gives"), "{error}");
    }
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

/// Rows of a question that are one page, or the page of them from an offset.
fn rows(all: Vec<Value>, offset: usize) -> (u16, Value) {
    let total = all.len();
    let items: Vec<Value> = all.into_iter().skip(offset).take(1000).collect();
    let more = offset + items.len() < total;
    (200, json!({ "items": items, "hasMore": more, "totalResults": total }))
}

fn two_lines(document: u32, project: &str) -> [Value; 2] {
    let line = |number: u32, main: &str, amount: &str| {
        json!({ "document": document, "line": number, "doctype": "CustInvc", "mainline": main, "taxline": "F",
                "iscogs": "F", "transactiondiscount": "F", "currency": "EUR", "basecurrency": "EUR",
                "foreignamount": amount, "netamount": amount, "foreignamountunpaid": "0", "project": project })
    };
    [line(0, "T", "10"), line(1, "F", "-10")]
}

fn projects() -> [ProjectId; 2] {
    let rule = SharedIdRule::new(Regex::new(".").unwrap(), &[]);
    ["P1", "P2"].map(|id| rule.parse(id).unwrap())
}

fn call() -> Call {
    Call::new(Instant::now() + Duration::from_secs(20), Priority::Interactive)
}

#[tokio::test]
async fn a_document_that_was_found_and_does_not_come_back_whole_is_an_error() {
    // Two are found, and only the first has lines.
    let one_is_gone: Told = |question, offset| match question {
        question if question.contains("AS mainline") => rows(two_lines(1, "P1").to_vec(), offset),
        _ => rows(vec![json!({ "document": "1" }), json!({ "document": "2" })], offset),
    };
    let no_head: Told = |question, offset| match question {
        question if question.contains("AS mainline") => rows(two_lines(1, "P1")[1..].to_vec(), offset),
        _ => rows(vec![json!({ "document": "1" })], offset),
    };
    let no_number: Told = |_, offset| rows(vec![json!({ "document": "one" })], offset);
    let kinds = [ErrorKind::Truncated, ErrorKind::BadResponse, ErrorKind::BadResponse];
    for (told, kind) in [one_is_gone, no_head, no_number].into_iter().zip(kinds) {
        let server = start_telling(told).await;
        let receivables = connection(&server).receivables.unwrap();
        let by_project = receivables.invoices_by_project(&call(), &projects()).await;
        assert_eq!(by_project.unwrap_err().kind, kind);
        let page = receivables.invoice_page(&call(), &InvoiceQuery::default(), None, 5).await;
        assert_eq!(page.unwrap_err().kind, kind);
    }
}

#[tokio::test]
async fn a_sum_of_nobody_knows_how_many_records_is_an_error() {
    let nothing: Told = |question, offset| counted(question, offset, json!(null));
    let no_number: Told = |question, offset| counted(question, offset, json!("many"));
    let half: Told = |question, offset| counted(question, offset, json!("1.5"));
    for told in [nothing, no_number, half] {
        let server = start_telling(told).await;
        let connection = connection(&server);
        let invoiced = connection.invoice_sums.unwrap().invoiced_by_project(&call(), &projects()).await;
        assert_eq!(invoiced.unwrap_err().kind, ErrorKind::BadResponse);
        let cost = connection.cost_sums.unwrap().cost_sums_by_project(&call(), &projects()).await;
        assert_eq!(cost.unwrap_err().kind, ErrorKind::BadResponse);
    }
}

fn counted(question: &str, offset: usize, records: Value) -> (u16, Value) {
    let mut sum = json!({ "project": "P1", "doctype": "CustInvc", "accounttype": "COGS", "currency": "EUR",
        "basecurrency": "EUR", "foreignamount": "-10", "amount": "-10", "linecount": "1", "foreignrows": "1",
        "baserows": "1" });
    sum["records"] = records;
    rows(if question.contains("GROUP BY") { vec![sum] } else { Vec::new() }, offset)
}

#[tokio::test]
async fn where_many_documents_have_a_discount_what_fails_leaves_no_project_without_an_answer() {
    // More of them than a list holds; and whether the other project is there at all, the role may not ask.
    let told: Told = |question, offset| {
        if question.contains("AS mainline") {
            let (_, documents) = question.split_once("tl.transaction IN (").unwrap();
            let documents = documents.split_once(')').unwrap().0.split(',').map(|id| id.parse().unwrap());
            rows(documents.flat_map(|id| two_lines(id, "P1")).collect(), offset)
        } else if question.contains("FROM job j WHERE") {
            refusal(403, "INSUFFICIENT_PERMISSION")
        } else {
            rows((1..=1001).map(|id| json!({ "document": id.to_string() })).collect(), offset)
        }
    };
    let server = start_telling(told).await;
    let [one, two] = projects();
    let sums = connection(&server).invoice_sums.unwrap();
    let batch = sums.invoiced_by_project(&call(), &[one.clone(), two.clone()]).await.unwrap();
    assert_eq!(batch.found[&one][0].records, 1001, "what could be read is answered");
    assert_eq!(batch.failed[&two].kind, ErrorKind::Forbidden, "and not known is not the same as not asked");
    assert!(!batch.failed.contains_key(&one) && !batch.found.contains_key(&two));
}
