//! The connector against servers that page in odd ways, and against tokens that end: a list that is not whole must never pass
//! for one, and a new refresh token must outlive the process.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::extract::{Query as UrlQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use regex::Regex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::client::Client;
use super::*;
use crate::config::Traffic;
use crate::demo::quickbooks::{CLIENT_ID, CLIENT_SECRET, CONSENT, Grants, REALM_ID, router_with_grants};
use crate::demo::sap::fixture;
use crate::demo::server::serve;
use crate::domain::{ConnectionName, ManualClock, SharedIdRule};
use crate::systems::Priority;

const BILLS: Entity = Entity { name: "Bill", operation: "bill.query" };

/// A server that answers a question for rows from a place on with the IDs that the test says.
type Pages = fn(usize) -> Vec<usize>;

struct Server(String, JoinHandle<()>);

impl Drop for Server {
    fn drop(&mut self) {
        self.1.abort();
    }
}

async fn start(router: Router) -> Server {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    Server(url, tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }))
}

async fn paging(pages: Pages) -> Server {
    let token = || async { Json(json!({ "access_token": "a", "expires_in": 3600, "refresh_token": "r" })) };
    let rows = |State(pages): State<Pages>, UrlQuery(query): UrlQuery<Vec<(String, String)>>| async move {
        let statement = &query.iter().find(|(name, _)| name == "query").unwrap().1;
        let start = statement.split_once("startposition ").unwrap().1.split(' ').next().unwrap().parse().unwrap();
        let rows: Vec<Value> = pages(start).into_iter().map(|id| json!({ "Id": id.to_string() })).collect();
        Json(json!({ "QueryResponse": { "Bill": rows, "startPosition": start, "maxResults": rows.len() } }))
            .into_response()
    };
    let router = Router::new()
        .route("/oauth2/v1/tokens/bearer", post(token))
        .route("/v3/company/{realm}/query", get(rows))
        .with_state(pages);
    start(router).await
}

fn config(url: &str, tokens: &str) -> Config {
    toml::from_str(&format!(
        "url = \"{url}\"\ntoken_url = \"{url}\"\nrealm_id = \"{REALM_ID}\"\nclient_id = \"{CLIENT_ID}\"\npage_size = 10\n\
         client_secret = {{ demo = \"{CLIENT_SECRET}\" }}\ntokens = {tokens}"
    ))
    .unwrap()
}

fn context(clock: &Arc<ManualClock>) -> ConnectionContext {
    ConnectionContext {
        name: ConnectionName::new("quickbooks"),
        shared_id: SharedIdRule::new(Regex::new(r"^PRJ-\d{4}-\d{3}$").unwrap(), &[]),
        traffic: Traffic { retries: 0, max_pages: 4, ..Traffic::default() },
        clock: Arc::clone(clock) as _,
    }
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::default())
}

fn call() -> Call {
    Call::new(Instant::now() + Duration::from_secs(20), Priority::Interactive)
}

/// A file for as long as the test runs.
struct SecretFile(PathBuf);

impl SecretFile {
    fn new(text: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let folder = std::env::temp_dir().join(format!(
            "spine-quickbooks-test-{}-{}",
            std::process::id(),
            COUNT.fetch_add(1, Ordering::Relaxed)
        ));
        std::fs::create_dir_all(&folder).unwrap();
        let path = folder.join("secret");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        Self(path)
    }

    fn with_token(token: &str) -> Self {
        Self::new(&format!("{{\"realm_id\": \"{REALM_ID}\", \"refresh_token\": \"{token}\"}}"))
    }

    fn token(&self) -> String {
        let kept: Value = serde_json::from_str(&std::fs::read_to_string(&self.0).unwrap()).unwrap();
        kept["refresh_token"].as_str().unwrap().to_owned()
    }
}

impl Drop for SecretFile {
    fn drop(&mut self) {
        std::fs::remove_dir_all(self.0.parent().unwrap()).ok();
    }
}

async fn read_all(pages: Pages) -> Result<usize, ErrorKind> {
    let server = paging(pages).await;
    let client = Client::new(&config(&server.0, "{ demo = \"demo-token\" }"), &context(&clock())).unwrap();
    let rows = client.all::<wire::Document>(&call(), &BILLS, "").await;
    rows.map(|rows| rows.len()).map_err(|error| error.kind)
}

/// Rows from a place on, as a server with so many of them pages by ten.
fn page_of(rows: &[usize], start: usize) -> Vec<usize> {
    rows.iter().skip(start - 1).take(10).copied().collect()
}

#[tokio::test]
async fn pages_are_read_to_their_end_and_each_row_once() {
    const ROWS: [usize; 25] = {
        let mut rows = [0; 25];
        let mut at = 0;
        while at < 25 {
            rows[at] = at + 100;
            at += 1;
        }
        rows
    };
    assert_eq!(read_all(|start| page_of(&ROWS, start)).await, Ok(25));
    assert_eq!(read_all(|start| page_of(&ROWS[..10], start)).await, Ok(10));
    assert_eq!(read_all(|start| page_of(&ROWS[..9], start)).await, Ok(9));
    assert_eq!(read_all(|_| Vec::new()).await, Ok(0));
}

#[tokio::test]
async fn rows_that_move_come_twice_or_never_end_are_no_list() {
    // One of the first ten was deleted after they were read: the eleventh is now the tenth.
    let moved: Pages = |start| if start == 1 { (1..=10).collect() } else { (start + 1..start + 11).collect() };
    assert_eq!(read_all(moved).await, Err(ErrorKind::Truncated));
    let again: Pages = |start| if start == 1 { (1..=10).collect() } else { vec![10, 3] };
    assert_eq!(read_all(again).await, Err(ErrorKind::Truncated));
    let nothing_more: Pages = |start| if start == 1 { (1..=10).collect() } else { Vec::new() };
    assert_eq!(read_all(nothing_more).await, Err(ErrorKind::Truncated), "not even the last row is there any more");
    let endless: Pages = |start| (start..start + 10).collect();
    assert_eq!(read_all(endless).await, Err(ErrorKind::Truncated));
    let too_many: Pages = |_| (1..=11).collect();
    assert_eq!(read_all(too_many).await, Err(ErrorKind::Truncated));
}

async fn odd_answer(answer: &'static str) -> Result<usize, ErrorKind> {
    let token = || async { Json(json!({ "access_token": "a", "expires_in": "3600", "refresh_token": "r" })) };
    let router = Router::new()
        .route("/oauth2/v1/tokens/bearer", post(token))
        .route("/v3/company/{realm}/query", get(move || async move { answer }));
    let server = start(router).await;
    let client = Client::new(&config(&server.0, "{ demo = \"demo-token\" }"), &context(&clock())).unwrap();
    let rows = client.all::<wire::Document>(&call(), &BILLS, "").await;
    rows.map(|rows| rows.len()).map_err(|error| error.kind)
}

#[tokio::test]
async fn an_answer_that_is_not_what_was_asked_for_is_none() {
    for (answer, expected) in [
        (r#"{"QueryResponse": {}, "time": "t"}"#, Ok(0)),
        (r#"{"QueryResponse": {"Bill": [{"Id": "1"}], "maxResults": 1}}"#, Ok(1)),
        (r#"{"QueryResponse": {"Bill": [{"Id": "1"}], "maxResults": 2}}"#, Err(ErrorKind::Truncated)),
        (r#"{"QueryResponse": {"maxResults": 2}}"#, Err(ErrorKind::Truncated)),
        (r#"{"QueryResponse": {"Invoice": [{"Id": "1"}], "maxResults": 1}}"#, Err(ErrorKind::BadResponse)),
        (r#"{"QueryResponse": {"Bill": [{"DocNumber": "1"}], "maxResults": 1}}"#, Err(ErrorKind::BadResponse)),
        (r#"{"time": "t"}"#, Err(ErrorKind::BadResponse)),
        (r#"{"Fault": {"Error": [{"code": "4001"}]}}"#, Err(ErrorKind::BadRequest)),
        ("<Fault><Error code=\"3001\"></Error></Fault>", Err(ErrorKind::RateLimited)),
    ] {
        assert_eq!(odd_answer(answer).await, expected, "{answer}");
    }
}

/// The embedded system with a hand on its tokens.
async fn strict() -> (crate::demo::server::Embedded, Grants) {
    let grants = Grants::default();
    let company = fixture::shared(fixture::company());
    let router = router_with_grants(Arc::clone(&company), grants.clone());
    (serve("quickbooks", router, company, ([127, 0, 0, 1], 0).into()).await.unwrap(), grants)
}

async fn reads(client: &Client) -> Result<usize, ErrorKind> {
    let rows = client.all::<wire::Document>(&call(), &BILLS, "").await;
    rows.map(|rows| rows.len()).map_err(|error| error.kind)
}

fn from_file(url: &str, file: &SecretFile, clock: &Arc<ManualClock>) -> Client {
    let tokens = format!("{{ file = \"{}\" }}", file.0.display());
    Client::new(&config(url, &tokens), &context(clock)).unwrap()
}

#[tokio::test]
async fn the_new_refresh_token_outlives_a_restart() {
    let (embedded, grants) = strict().await;
    let file = SecretFile::with_token(CONSENT);
    assert_eq!(reads(&from_file(&embedded.url, &file, &clock())).await, Ok(3));
    let second = file.token();
    assert_ne!(second, CONSENT, "the new token is in the file");
    // From now on the first one does not hold any more: only what was stored lets anybody in.
    grants.withdraw_consent();
    assert_eq!(reads(&from_file(&embedded.url, &file, &clock())).await, Ok(3));
    assert_ne!(file.token(), second);
    let old = SecretFile::with_token(&second);
    assert_eq!(
        reads(&from_file(&embedded.url, &old, &clock())).await,
        Err(ErrorKind::Unauthorized),
        "and only the newest"
    );
}

#[tokio::test]
async fn an_access_token_is_renewed_when_it_ends_and_before() {
    let (embedded, grants) = strict().await;
    let (file, clock) = (SecretFile::with_token(CONSENT), clock());
    let client = from_file(&embedded.url, &file, &clock);
    reads(&client).await.unwrap();
    let first = file.token();
    reads(&client).await.unwrap();
    assert_eq!(file.token(), first, "one token serves many calls");
    grants.expire_access();
    assert_eq!(reads(&client).await, Ok(3), "one that has ended is renewed, and the call made again");
    let second = file.token();
    assert_ne!(second, first);
    clock.advance(Duration::from_mins(56));
    reads(&client).await.unwrap();
    assert_ne!(file.token(), second, "one that ends soon is renewed before");
}

/// A server that knows one access token at a time, and says no more than 401 to another.
async fn curt(known: Arc<AtomicU32>) -> (Server, Arc<AtomicU32>) {
    let given = Arc::new(AtomicU32::new(0));
    let counter = Arc::clone(&given);
    let token = move || {
        let number = counter.fetch_add(1, Ordering::Relaxed) + 1;
        async move { Json(json!({ "access_token": format!("a{number}"), "expires_in": 3600, "refresh_token": "r" })) }
    };
    let rows = move |headers: HeaderMap| {
        let shown = format!("Bearer a{}", known.load(Ordering::Relaxed));
        async move {
            if headers["authorization"].to_str().unwrap() == shown {
                Json(json!({ "QueryResponse": {} })).into_response()
            } else {
                StatusCode::UNAUTHORIZED.into_response()
            }
        }
    };
    let router =
        Router::new().route("/oauth2/v1/tokens/bearer", post(token)).route("/v3/company/{realm}/query", get(rows));
    (start(router).await, given)
}

#[tokio::test]
async fn a_token_that_is_refused_without_a_word_is_renewed_once_unless_it_is_new() {
    let known = Arc::new(AtomicU32::new(1));
    let (server, given) = curt(Arc::clone(&known)).await;
    let clock = clock();
    let client = Client::new(&config(&server.0, "{ demo = \"demo-token\" }"), &context(&clock)).unwrap();
    assert_eq!(reads(&client).await, Ok(0));
    known.store(2, Ordering::Relaxed);
    assert_eq!(reads(&client).await, Err(ErrorKind::Unauthorized), "it is about something else");
    assert_eq!(given.load(Ordering::Relaxed), 1);
    clock.advance(Duration::from_mins(1));
    assert_eq!(reads(&client).await, Ok(0));
    assert_eq!(given.load(Ordering::Relaxed), 2);
    clock.advance(Duration::from_mins(1));
    known.store(9, Ordering::Relaxed);
    assert_eq!(reads(&client).await, Err(ErrorKind::Unauthorized));
    assert_eq!(given.load(Ordering::Relaxed), 3, "once");
}

#[tokio::test]
async fn two_processes_with_one_file_do_not_take_each_others_token() {
    let (embedded, grants) = strict().await;
    let (file, clock) = (SecretFile::with_token(CONSENT), clock());
    let clients: Vec<Client> = (0..4).map(|_| from_file(&embedded.url, &file, &clock)).collect();
    reads(&clients[0]).await.unwrap();
    grants.withdraw_consent();
    for _ in 0..3 {
        grants.expire_access();
        let all = futures_util::future::join_all(clients.iter().map(reads)).await;
        assert!(all.iter().all(|read| *read == Ok(3)), "{all:?}");
    }
}

#[tokio::test]
async fn a_reader_who_leaves_does_not_take_the_new_token_along() {
    let (embedded, grants) = strict().await;
    let file = SecretFile::with_token(CONSENT);
    let client = from_file(&embedded.url, &file, &clock());
    grants.withdraw_consent();
    assert_eq!(reads(&client).await, Err(ErrorKind::Unauthorized));

    let (embedded, grants) = strict().await;
    embedded.set_fault(serde_json::from_value(json!({ "mode": "slow", "ms": 300, "path": "/oauth2" })).unwrap());
    let client = from_file(&embedded.url, &file, &clock());
    let hasty = Call::new(Instant::now() + Duration::from_millis(150), Priority::Interactive);
    let error = client.all::<wire::Document>(&hasty, &BILLS, "").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Deadline, "{error}");
    // The refresh goes on: whoever comes next finds what it brought.
    assert_eq!(reads(&client).await, Ok(3));
    grants.withdraw_consent();
    assert_eq!(reads(&from_file(&embedded.url, &file, &clock())).await, Ok(3));
}

#[tokio::test]
async fn a_file_that_cannot_be_written_any_more_costs_no_reads_and_is_written_later() {
    let (embedded, grants) = strict().await;
    let file = SecretFile::with_token(CONSENT);
    let client = from_file(&embedded.url, &file, &clock());
    // A folder in the place of the new file: it cannot be put there.
    let obstacle = file.0.with_file_name("secret.new");
    std::fs::create_dir(&obstacle).unwrap();
    assert_eq!(reads(&client).await, Ok(3));
    assert_eq!(file.token(), CONSENT);
    grants.withdraw_consent();
    std::fs::remove_dir(&obstacle).unwrap();
    grants.expire_access();
    assert_eq!(reads(&client).await, Ok(3), "the token in memory is the newest");
    assert_eq!(reads(&from_file(&embedded.url, &file, &clock())).await, Ok(3), "and is stored now");
}

#[tokio::test]
async fn a_file_that_becomes_another_companys_lets_nobody_in() {
    let (embedded, grants) = strict().await;
    let file = SecretFile::with_token(CONSENT);
    let client = from_file(&embedded.url, &file, &clock());
    reads(&client).await.unwrap();
    grants.expire_access();
    std::fs::write(&file.0, format!("{{\"realm_id\": \"7\", \"refresh_token\": \"{CONSENT}\"}}")).unwrap();
    assert_eq!(reads(&client).await, Err(ErrorKind::Unauthorized));
}
