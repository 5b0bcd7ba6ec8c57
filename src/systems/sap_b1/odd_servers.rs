//! The connector against servers that page in odd ways: a list that is not whole must never pass for one.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Query as UrlQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use regex::Regex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::client::{Client, Query};
use super::config::Config;
use super::{Call, ConnectionContext, SystemError, wire};
use crate::config::Traffic;
use crate::domain::{ConnectionName, ManualClock, SharedIdRule};
use crate::systems::secret_file::SecretFile;
use crate::systems::{ErrorKind, Priority};

const LINKS: [&str; 6] = [
    "Invoices?$skip=1",
    "Invoices?$skip=2",
    "Invoices?$skip=3",
    "Invoices?$skip=4",
    "Invoices?$skip=5",
    "Invoices?$skip=6",
];

/// How a server pages: the keys of a page that starts at a row, and the link it gives.
type Pages = fn(usize) -> (Vec<usize>, Option<&'static str>);

#[derive(Clone, Copy)]
struct Odd {
    pages: Pages,
    /// Whether it says which page size it applied.
    says_size: bool,
}

struct Server(String, JoinHandle<()>);

impl Drop for Server {
    fn drop(&mut self) {
        self.1.abort();
    }
}

async fn start(odd: Odd) -> Server {
    let login = || async { ([("set-cookie", "B1SESSION=1")], r#"{"SessionId": "1"}"#) };
    let router = Router::new()
        .route("/b1s/v2/Login", post(login))
        .route("/b1s/v2/Invoices", get(list))
        .route("/b1s/v2/QueryService_PostQuery", post(join))
        .with_state(odd);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    Server(url, tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }))
}

async fn list(State(odd): State<Odd>, UrlQuery(query): UrlQuery<Vec<(String, String)>>) -> Response {
    let skip = query.iter().find(|(name, _)| name == "$skip").map_or(0, |(_, skip)| skip.parse().unwrap());
    let (keys, link) = (odd.pages)(skip);
    let rows: Vec<Value> = keys.iter().map(|key| json!({ "DocEntry": key })).collect();
    json!({ "value": rows, "@odata.nextLink": link }).to_string().into_response()
}

async fn join(State(odd): State<Odd>, headers: HeaderMap, body: String) -> Response {
    let question: Value = serde_json::from_str(&body).unwrap();
    let option = question["QueryOption"].as_str().unwrap();
    if !option.contains("$filter=Invoices/DocEntry eq Invoices/DocumentLines/DocEntry and ") {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let skip = option.split_once("&$skip=").map_or(0, |(_, skip)| skip.parse().unwrap());
    let (keys, link) = (odd.pages)(skip);
    let rows: Vec<Value> = keys
        .iter()
        .map(|key| json!({ "Invoices": { "DocEntry": key }, "Invoices/DocumentLines": { "LineNum": 0 } }))
        .collect();
    let mut response = json!({ "value": rows, "@odata.nextLink": link }).to_string().into_response();
    if odd.says_size {
        response.headers_mut().insert("preference-applied", headers["prefer"].clone());
    }
    response
}

fn client(server: &Server) -> Client {
    let secret = SecretFile::new("secret");
    let config: Config = toml::from_str(&format!(
        "url = \"{}\"\ncompany_db = \"DB\"\nuser = \"u\"\npassword = {}\npage_size = 50",
        server.0,
        secret.reference()
    ))
    .unwrap();
    let context = ConnectionContext {
        name: ConnectionName::new("sap"),
        shared_id: SharedIdRule::new(Regex::new(".").unwrap(), &[]),
        traffic: Traffic { retries: 0, max_pages: 6, ..Traffic::default() },
        clock: Arc::new(ManualClock::default()),
    };
    Client::new(&config, &context).unwrap()
}

fn call() -> Call {
    Call::new(Instant::now() + Duration::from_secs(20), Priority::Interactive)
}

async fn rows_of_list(pages: Pages) -> Result<usize, ErrorKind> {
    let server = start(Odd { pages, says_size: false }).await;
    let query = Query { set: "Invoices", select: "DocEntry", filter: "", order: "DocEntry", top: None };
    count(client(&server).list::<wire::Document>(&call(), "test.list", query).await)
}

async fn rows_of_join(pages: Pages, says_size: bool) -> Result<usize, ErrorKind> {
    let server = start(Odd { pages, says_size }).await;
    count(client(&server).join(&call(), "test.join", "Invoices", ("DocEntry", "LineNum"), "1 eq 1").await)
}

fn count<T>(rows: Result<Vec<T>, SystemError>) -> Result<usize, ErrorKind> {
    rows.map(|rows| rows.len()).map_err(|error| error.kind)
}

#[tokio::test]
async fn links_may_be_relative_absolute_or_have_lost_their_filter() {
    let relative: Pages = |skip| if skip == 0 { (vec![1, 2], Some("Invoices?$skip=2")) } else { (vec![3], None) };
    assert_eq!(rows_of_list(relative).await, Ok(3));
    let absolute: Pages =
        |skip| if skip == 0 { (vec![1, 2], Some("/b1s/v2/Invoices?$skip=2")) } else { (vec![3], None) };
    assert_eq!(rows_of_list(absolute).await, Ok(3));
    let inner: Pages =
        |skip| if skip == 0 { (vec![1, 2], Some("/b1s/v1/Orders?a=b&$skip=2")) } else { (vec![3], Some("")) };
    assert_eq!(rows_of_list(inner).await, Ok(3));
}

#[tokio::test]
async fn a_link_to_elsewhere_is_not_believed() {
    assert_eq!(
        rows_of_list(|_| (vec![1], Some("https://evil.example/b1s/v2/Invoices?$skip=1"))).await,
        Err(ErrorKind::BadResponse)
    );
    assert_eq!(
        rows_of_list(|_| (vec![1], Some("//evil.example/b1s/v2/Invoices?$skip=1"))).await,
        Err(ErrorKind::BadResponse)
    );
    assert_eq!(rows_of_list(|_| (vec![1], Some("/elsewhere?$skip=1"))).await, Err(ErrorKind::BadResponse));
    assert_eq!(rows_of_list(|_| (vec![1], Some("Invoices?$token=abc"))).await, Err(ErrorKind::BadResponse));
}

#[tokio::test]
async fn pages_that_overlap_stand_still_or_never_end_are_not_a_list() {
    assert_eq!(rows_of_list(|_| (vec![1, 2], Some("Invoices?$skip=2"))).await, Err(ErrorKind::Truncated));
    assert_eq!(rows_of_list(|skip| (vec![skip + 1], Some("Invoices?$skip=0"))).await, Err(ErrorKind::Truncated));
    // Seven pages, and `max_pages` is six.
    let long: Pages = |skip| (vec![skip + 1], LINKS.get(skip).copied());
    assert_eq!(rows_of_list(long).await, Err(ErrorKind::Truncated));
}

#[tokio::test]
async fn a_join_without_links_is_read_until_there_is_no_more() {
    // It pages by 20 rows, whatever it is asked for, and never says so.
    let silent: Pages = |skip| ((skip..45).take(20).collect(), None);
    assert_eq!(rows_of_join(silent, false).await, Ok(45));
    let exactly_one_page: Pages = |skip| ((skip..20).take(20).collect(), None);
    assert_eq!(rows_of_join(exactly_one_page, false).await, Ok(20));
    // It gives what it is asked for, and says so: one call is enough.
    let honest: Pages = |skip| if skip == 0 { ((0..49).collect(), None) } else { panic!("asked for more") };
    assert_eq!(rows_of_join(honest, true).await, Ok(49));
    // It does not know how to skip: what it gives cannot be told from a part.
    let deaf: Pages = |_| ((0..20).collect(), None);
    assert_eq!(rows_of_join(deaf, false).await, Err(ErrorKind::Truncated));
}
