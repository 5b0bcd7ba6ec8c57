//! The connector against servers that fail, page in odd ways or send what nobody expects. What a Tryton answers when all is
//! well is recorded from a real one and read in `tests/it/tryton.rs`.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use regex::Regex;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::connect;
use crate::config::Traffic;
use crate::domain::{
    ConnectionName, Cost, CostState, InvoiceState, ManualClock, ProjectId, ProjectInvoice, SharedIdRule,
};
use crate::systems::{Call, Connection, ConnectionContext, ErrorKind, Priority, SystemError};

/// Status and body of an answer to a question on a model, with its parameters.
type Answers = dyn Fn(&str, &Value) -> (u16, String) + Send + Sync;

pub(super) struct Server {
    url: String,
    asked: Arc<Mutex<Vec<String>>>,
    logins: Arc<AtomicUsize>,
    /// Which session is good. Sessions are numbered as they are opened.
    good: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct Odd {
    answers: Arc<Answers>,
    asked: Arc<Mutex<Vec<String>>>,
    logins: Arc<AtomicUsize>,
    good: Arc<AtomicUsize>,
    lets_in: bool,
}

async fn handle(State(odd): State<Odd>, headers: HeaderMap, body: String) -> Response {
    let question: Value = serde_json::from_str(&body).unwrap();
    let method = question["method"].as_str().unwrap();
    odd.asked.lock().unwrap().push(method.to_owned());
    if method == "common.db.login" {
        let session = odd.logins.fetch_add(1, Ordering::SeqCst) + 1;
        return if odd.lets_in {
            format!(r#"{{"id": 1, "result": [5, "s{session}", null]}}"#).into_response()
        } else {
            (StatusCode::UNAUTHORIZED, "<!doctype html>").into_response()
        };
    }
    let session =
        STANDARD.decode(headers["authorization"].to_str().unwrap().strip_prefix("Session ").unwrap()).unwrap();
    let session = String::from_utf8(session).unwrap();
    let number: usize = session.strip_prefix("spine:5:s").unwrap().parse().unwrap();
    if number < odd.good.load(Ordering::SeqCst) {
        return (StatusCode::UNAUTHORIZED, "").into_response();
    }
    let model = method.strip_prefix("model.").unwrap().strip_suffix(".search_read").unwrap();
    let (status, body) = if model == "company.company" {
        (200, r#"{"id": 1, "result": [{"id": 1, "party.": {"id": 1, "name": "Us"}, "currency.": {"id": 1, "code": "EUR"}}]}"#.to_owned())
    } else {
        (odd.answers)(model, &question["params"])
    };
    (StatusCode::from_u16(status).unwrap(), body).into_response()
}

pub(super) async fn start(
    lets_in: bool,
    answers: impl Fn(&str, &Value) -> (u16, String) + Send + Sync + 'static,
) -> Server {
    let odd = Odd {
        answers: Arc::new(answers),
        asked: Arc::default(),
        logins: Arc::default(),
        good: Arc::default(),
        lets_in,
    };
    let (asked, logins, good) = (Arc::clone(&odd.asked), Arc::clone(&odd.logins), Arc::clone(&odd.good));
    let router = Router::new().route("/db/rpc/", post(handle)).with_state(odd);
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Server { url, asked, logins, good, task }
}

fn rule() -> SharedIdRule {
    SharedIdRule::new(Regex::new(r"^P[0-9]+$").unwrap(), &["trim", "uppercase"])
}

pub(super) fn connection(server: &Server, more: &str) -> Connection {
    let text = format!(
        "url = \"{}\"\ndatabase = \"db\"\nuser = \"spine\"\npassword = {{ demo = \"demo-tryton\" }}\n{more}",
        server.url
    );
    let context = ConnectionContext {
        name: ConnectionName::new("tryton"),
        shared_id: rule(),
        traffic: Traffic { retries: 0, max_pages: 6, ..Traffic::default() },
        clock: Arc::new(ManualClock::default()),
    };
    connect(toml::from_str(&text).unwrap(), context).unwrap()
}

/// By a field of the document: one question for the projects' documents.
const BY_REFERENCE: &str =
    "invoices_on = \"reference\"\ncosts_on = \"reference\"\npurchases = false\ntimesheet_projects = \"some\"";

pub(super) fn call() -> Call {
    Call::new(Instant::now() + Duration::from_secs(20), Priority::Interactive)
}

pub(super) fn ids() -> Vec<ProjectId> {
    vec![rule().parse("P1").unwrap()]
}

pub(super) fn result(rows: &Value) -> (u16, String) {
    (200, json!({ "id": 1, "result": rows }).to_string())
}

pub(super) async fn invoices(connection: &Connection) -> Result<Vec<ProjectInvoice>, SystemError> {
    let batch = connection.receivables.as_ref().unwrap().invoices_by_project(&call(), &ids()).await?;
    Ok(batch.found.into_values().next().unwrap_or_default())
}

async fn costs(connection: &Connection) -> Vec<Cost> {
    let batch = connection.costs.as_ref().unwrap().costs_by_project(&call(), &ids()).await.unwrap();
    batch.found.into_values().next().unwrap_or_default()
}

/// An invoice as Tryton sends it, with some of its fields in another form.
pub(super) fn invoice(id: usize, changes: &Value) -> Value {
    let mut invoice = json!({
        "id": id, "number": "7", "state": "posted", "reference": "P1", "invoice_date": null,
        "currency.": { "id": 1, "code": "EUR" }, "party.": { "id": 9, "code": "C1", "name": "Client" },
        "untaxed_amount": decimal("100.00"), "tax_amount": decimal("19.00"), "total_amount": decimal("119.00"),
        "amount_to_pay": decimal("119.00"), "move.": null, "lines_to_pay.": [], "payment_lines.": [],
        "lines.": [{ "id": 1, "type": "line", "description": "Work", "quantity": 1.0, "amount": decimal("100.00") }],
    });
    for (field, value) in changes.as_object().unwrap() {
        invoice[field] = value.clone();
    }
    invoice
}

pub(super) fn decimal(text: &str) -> Value {
    json!({ "__class__": "Decimal", "decimal": text })
}

/// A server that has these invoices, and nothing else.
async fn with_invoices(rows: Vec<Value>) -> Server {
    start(true, move |model, params| {
        let follows = params[0][0][0] == "cancel_move" || params[0][0][0] == "lines.origin";
        result(&if model == "account.invoice" && !follows { json!(rows) } else { json!([]) })
    })
    .await
}

#[tokio::test]
async fn each_failure_is_told_apart() {
    use ErrorKind::{BadRequest, BadResponse, Broken, Forbidden, RateLimited, Unauthorized};
    let error = |text: &str| format!(r#"{{"id": 1, "error": {text}}}"#);
    for (status, body, kind) in [
        (403, "<!doctype html>".to_owned(), Forbidden),
        (404, "<!doctype html>".to_owned(), BadRequest),
        (405, "<!doctype html>".to_owned(), BadRequest),
        (413, "<!doctype html>".to_owned(), BadRequest),
        (429, String::new(), RateLimited),
        (500, "<!doctype html>".to_owned(), Broken),
        (504, String::new(), Broken),
        (200, "<!doctype html>".to_owned(), BadResponse),
        (200, String::new(), BadResponse),
        (200, r#"{"id": 1, "result": [{"id""#.to_owned(), BadResponse),
        (200, r#"{"id": 1}"#.to_owned(), BadResponse),
        (200, r#"{"id": 1, "result": {"id": 7}}"#.to_owned(), BadResponse),
        (200, r#"{"id": 1, "result": [{"number": "s3cret"}]}"#.to_owned(), BadResponse),
        (200, error(r#"["'s3cret'", ""]"#), BadRequest),
        (200, error(r#"["UserError", ["You may not see s3cret", "", null]]"#), Forbidden),
        (200, error(r#"["ConcurrencyException", ""]"#), Broken),
        (200, error(r#"["LoginException", ["password", "s3cret", "password"]]"#), Unauthorized),
        (200, error("{}"), BadRequest),
    ] {
        let answer = body.clone();
        let server = start(true, move |_, _| (status, answer.clone())).await;
        let error = invoices(&connection(&server, BY_REFERENCE)).await.unwrap_err();
        assert_eq!(error.kind, kind, "{status} {body}");
        assert!(!error.to_string().contains("s3cret"), "{error}");
    }
}

#[tokio::test]
async fn a_wrong_password_is_not_tried_again_and_again() {
    let server = start(false, |_, _| panic!("nobody is let in")).await;
    let connection = connection(&server, BY_REFERENCE);
    for _ in 0..5 {
        assert_eq!(invoices(&connection).await.unwrap_err().kind, ErrorKind::Unauthorized);
    }
    assert_eq!(server.logins.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_session_that_ended_is_renewed_once_for_all() {
    let server = with_invoices(vec![invoice(1, &json!({}))]).await;
    let connection = connection(&server, BY_REFERENCE);
    assert_eq!(invoices(&connection).await.unwrap().len(), 1);
    server.good.store(2, Ordering::SeqCst);
    let reads = (0..6).map(|_| invoices(&connection));
    for read in futures_util::future::join_all(reads).await {
        assert_eq!(read.unwrap().len(), 1);
    }
    assert_eq!(server.logins.load(Ordering::SeqCst), 2);
    // A session that is no good from the start is said to be so, after one more sign-in.
    server.good.store(usize::MAX, Ordering::SeqCst);
    assert_eq!(invoices(&connection).await.unwrap_err().kind, ErrorKind::Unauthorized);
    assert_eq!(server.logins.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn nothing_is_sent_but_sign_in_and_reads() {
    let server = start(true, |_, _| result(&json!([]))).await;
    let connection = connection(&server, "labour = \"timesheets\"");
    // There is no analytic root, which the first question is for.
    assert_eq!(invoices(&connection).await.unwrap_err().kind, ErrorKind::BadRequest);
    let projects = connection.projects.as_ref().unwrap();
    projects.projects(&call(), &ids()).await.unwrap();
    projects.effort(&call(), &ids()).await.unwrap();
    connection.deals.as_ref().unwrap().deals_by_project(&call(), &ids()).await.unwrap();
    for method in server.asked.lock().unwrap().iter() {
        assert!(method == "common.db.login" || method.ends_with(".search_read"), "{method}");
    }
}

/// A server with so many invoices, that gives a page as `pages` says: numbers of rows after a number, up to a limit.
async fn paging(pages: fn(u64, u64) -> Vec<u64>) -> Result<usize, ErrorKind> {
    let server = start(true, move |model, params| {
        if model != "account.invoice" || params[0][0][0] != "reference" {
            return result(&json!([]));
        }
        let conditions = params[0].as_array().unwrap();
        let last = conditions.iter().find(|condition| condition[0] == "id").unwrap()[2].as_u64().unwrap();
        assert_eq!((&params[1], &params[3]), (&json!(0), &json!([["id", "ASC"]])));
        let rows = pages(last, params[2].as_u64().unwrap());
        let rows: Vec<Value> = rows.iter().map(|id| invoice(usize::try_from(*id).unwrap(), &json!({}))).collect();
        result(&json!(rows))
    })
    .await;
    let connection = connection(&server, &format!("{BY_REFERENCE}\npage_size = 5"));
    invoices(&connection).await.map(|found| found.len()).map_err(|error| error.kind)
}

#[tokio::test]
async fn a_list_is_read_to_its_end_or_is_none() {
    assert_eq!(paging(|last, limit| (last + 1..=12).take(usize::try_from(limit).unwrap()).collect()).await, Ok(12));
    assert_eq!(paging(|last, limit| (last + 1..=10).take(usize::try_from(limit).unwrap()).collect()).await, Ok(10));
    assert_eq!(paging(|_, _| Vec::new()).await, Ok(0));
    // More than `max_pages` of them, more rows than asked for, the same page again, an order of its own.
    assert_eq!(paging(|last, limit| (last + 1..=last + limit).collect()).await, Err(ErrorKind::Truncated));
    assert_eq!(paging(|last, limit| (last + 1..=last + limit + 1).collect()).await, Err(ErrorKind::Truncated));
    assert_eq!(paging(|_, limit| (1..=limit).collect()).await, Err(ErrorKind::Truncated));
    assert_eq!(paging(|_, limit| (1..=limit).rev().collect()).await, Err(ErrorKind::Truncated));
}

#[tokio::test]
async fn numbers_may_come_as_strings_and_what_cannot_be_read_is_named() {
    let server = with_invoices(vec![
        invoice(1, &json!({ "total_amount": "119.00", "untaxed_amount": 100, "amount_to_pay": { "__class__": "Decimal", "decimal": "1E+1" } })),
        invoice(2, &json!({ "tax_amount": decimal("1,5"), "invoice_date": "2026-01-01", "currency.": { "id": 2, "code": "??" } })),
        invoice(3, &json!({ "total_amount": decimal("NaN") })),
    ])
    .await;
    let found = invoices(&connection(&server, BY_REFERENCE)).await.unwrap();
    let amount = |booked: crate::domain::Booked| booked.document.map(|money| money.amount.normalize().to_string());
    assert_eq!(amount(found[0].total()).as_deref(), Some("119"));
    assert_eq!(amount(found[0].net()).as_deref(), Some("100"));
    assert_eq!((amount(found[0].balance()).as_deref(), amount(found[0].paid()).as_deref()), (Some("10"), Some("109")));
    assert!(found[0].invoice.flaws.is_empty());
    let fields: Vec<&str> = found[1].invoice.flaws.iter().map(|flaw| flaw.field).collect();
    assert_eq!(fields, ["total", "tax", "issueDate"]);
    assert!(found[1].net().is_unknown(), "an amount without a currency is none");
    // The sign of all amounts hangs on the total.
    for booked in [found[2].net(), found[2].total(), found[2].paid(), found[2].balance(), found[2].invoice.lines[0].net]
    {
        assert!(booked.is_unknown());
    }
}

#[tokio::test]
async fn a_state_nobody_has_mapped_is_kept_and_makes_no_figure() {
    let server =
        with_invoices(vec![invoice(1, &json!({ "state": "frozen" })), invoice(2, &json!({ "state": "draft" }))]).await;
    let connection = connection(&server, BY_REFERENCE);
    let found = invoices(&connection).await.unwrap();
    assert_eq!(found[0].invoice.state, InvoiceState::Unknown("frozen".to_owned()));
    assert!(found[0].balance().is_unknown());
    assert_eq!(found[1].invoice.state, InvoiceState::Draft);
    let costs = costs(&connection).await;
    assert_eq!(costs.len(), 1, "the draft costs nothing; whether the other does, nobody can say");
    assert!(costs[0].amount.is_unknown() && costs[0].state == CostState::Actual);
}

#[tokio::test]
async fn a_field_that_the_user_may_not_read_is_an_error_and_not_empty() {
    for field in ["lines.", "amount_to_pay", "lines_to_pay.", "state", "reference"] {
        let mut row = invoice(1, &json!({}));
        row.as_object_mut().unwrap().remove(field);
        let server = with_invoices(vec![row]).await;
        let error = invoices(&connection(&server, BY_REFERENCE)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::BadResponse, "{field}");
        assert!(error.detail.unwrap().contains(field.trim_end_matches('.')), "{field}");
    }
}

#[tokio::test]
async fn a_row_that_was_not_asked_for_is_dropped() {
    let server = with_invoices(vec![
        invoice(1, &json!({ "reference": "p1" })),
        invoice(2, &json!({ "reference": "P2" })),
        invoice(3, &json!({ "reference": null })),
    ])
    .await;
    let batch =
        connection(&server, BY_REFERENCE).receivables.unwrap().invoices_by_project(&call(), &ids()).await.unwrap();
    assert_eq!(batch.found.len(), 1);
    assert_eq!(batch.found[&ids()[0]].len(), 1);
    assert_eq!(batch.found[&ids()[0]][0].net().document.unwrap().amount, Decimal::ONE_HUNDRED);
}

#[test]
fn each_setting_is_checked_and_the_message_names_it() {
    let base = "url = \"https://t.example\"\ndatabase = \"db\"\n";
    let user = "user = \"spine\"\npassword = { demo = \"demo-tryton\" }\n";
    let problem = |text: String| {
        let context = ConnectionContext {
            name: ConnectionName::new("tryton"),
            shared_id: rule(),
            traffic: Traffic::default(),
            clock: Arc::new(ManualClock::default()),
        };
        connect(toml::from_str(&text).unwrap(), context).err().map(|problem| problem.key)
    };
    assert_eq!(problem(format!("{base}{user}")), None);
    assert_eq!(problem(format!("{base}key = {{ demo = \"demo-key\" }}")), None);
    for (text, key) in [
        (base.to_owned(), "user"),
        (format!("{base}user = \"x\""), "password"),
        (format!("{base}{user}key = {{ demo = \"demo-key\" }}"), "key"),
        (format!("{base}series = \"6\"\nkey = {{ demo = \"demo-key\" }}"), "key"),
        (format!("{base}{user}series = \"6\""), "project_on"),
        (format!("{base}{user}").replace("spine", "a:b"), "user"),
        (format!("{base}{user}").replace("https", "ftp"), "url"),
        (format!("{base}{user}").replace("\"db\"", "\"a/b\""), "database"),
        (format!("{base}{user}invoices_on = \"Reference\""), "invoices_on"),
        (format!("{base}{user}deal_on = \"a..b\""), "deal_on"),
        (format!("{base}{user}page_size = 0"), "page_size"),
        (format!("{base}{user}labour = \"journal\""), "labour_accounts"),
        (format!("{base}{user}labour = \"none\"\nlabour_accounts = [\"5\"]"), "labour_accounts"),
        (format!("{base}{user}labour_accounts = [\"\"]"), "labour_accounts"),
        (format!("{base}{user}costs_on = \"reference\"\nlabour_accounts = [\"5\"]"), "labour_accounts"),
        (
            format!("{base}{user}costs_on = \"reference\"\ninvoices_on = \"reference\"\nanalytic_root = \"P\""),
            "analytic_root",
        ),
        (format!("{base}{user}labour = \"none\"\ntimesheet_projects = \"some\""), "timesheet_projects"),
        (format!("{base}{user}labour = \"none\"\nhours_without_cost = \"free\""), "hours_without_cost"),
        (format!("{base}{user}record_url = \"https://t.example/{{party}}\""), "record_url"),
    ] {
        assert_eq!(problem(text.clone()).as_deref(), Some(key), "{text}");
    }
}
