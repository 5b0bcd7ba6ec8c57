//! The connector against answers that a server of 17 gave, and against servers that answer oddly.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use http::header::AUTHORIZATION;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::client::Client;
use super::map::Projects;
use super::map_tests::{mapper, project};
use super::record::Record;
use super::{Config, connect, refusal, wire};
use crate::config::Traffic;
use crate::domain::{ConnectionName, CostKind, InvoiceId, InvoiceQuery, ManualClock, SharedIdRule};
use crate::systems::http::{Request, Response as Answer, Retry};
use crate::systems::{Call, Connection, ConnectionContext, ErrorKind, Priority};

fn recorded(name: &str) -> Value {
    let text = match name {
        "analytic_accounts" => include_str!("recorded/analytic_accounts.json"),
        "analytic_lines" => include_str!("recorded/analytic_lines.json"),
        "authenticate_bad" => include_str!("recorded/authenticate_bad.json"),
        "bill_lines_distribution" => include_str!("recorded/bill_lines_distribution.json"),
        "err_bad_key" => include_str!("recorded/err_bad_key.json"),
        "err_field_needs_group" => include_str!("recorded/err_field_needs_group.json"),
        "err_private_method" => include_str!("recorded/err_private_method.json"),
        "err_unknown_field_in_domain" => include_str!("recorded/err_unknown_field_in_domain.json"),
        "err_unknown_field_in_fields" => include_str!("recorded/err_unknown_field_in_fields.json"),
        "err_unknown_model" => include_str!("recorded/err_unknown_model.json"),
        "err_write_denied" => include_str!("recorded/err_write_denied.json"),
        "invoices_by_shared_ids" => include_str!("recorded/invoices_by_shared_ids.json"),
        "timesheet_totals_read_group" => include_str!("recorded/timesheet_totals_read_group.json"),
        "version" => include_str!("recorded/version.json"),
        _ => panic!("nothing was recorded under {name}"),
    };
    serde_json::from_str(text).unwrap()
}

/// The rows of a recorded answer, as they are read.
fn rows<T: serde::de::DeserializeOwned>(name: &str) -> Vec<T> {
    serde_json::from_str(&recorded(name)["result"].to_string()).unwrap()
}

fn failure(body: &Value) -> (ErrorKind, Option<String>) {
    let answer = Answer { status: StatusCode::OK, headers: HeaderMap::new(), body: body.to_string().into() };
    let failure = refusal::classify(&answer).unwrap_err();
    (failure.kind, failure.detail)
}

#[test]
fn recorded_refusals_with_status_200_are_told_apart_and_name_what_they_are_about() {
    use ErrorKind::{BadRequest, Forbidden, Unauthorized};
    for (name, kind, detail) in [
        ("err_bad_key", Unauthorized, "odoo.exceptions.AccessDenied"),
        (
            "err_field_needs_group",
            Forbidden,
            "odoo.exceptions.AccessError: the user may not read `stage_id` of `project.project`",
        ),
        ("err_private_method", Forbidden, "odoo.exceptions.AccessError"),
        ("err_write_denied", Forbidden, "odoo.exceptions.AccessError: the user may not read `account.move`"),
        ("err_unknown_field_in_domain", BadRequest, "builtins.ValueError: there is no field `crm.lead.nope`"),
        ("err_unknown_field_in_fields", BadRequest, "builtins.ValueError: there is no field `nope` of `crm.lead`"),
        (
            "err_unknown_model",
            BadRequest,
            "odoo.exceptions.UserError: there is no model `crm.nope`: its module is not installed",
        ),
    ] {
        assert_eq!(failure(&recorded(name)), (kind, Some(detail.to_owned())), "{name}");
    }
}

#[test]
fn nothing_of_a_message_but_technical_names_is_repeated() {
    let said = |name: &str, message: &str| {
        failure(&json!({ "jsonrpc": "2.0", "id": 1, "error": { "data": { "name": name, "message": message } } })).1
    };
    for message in ["Invalid field 'Kunde Maier'", "Object of Maier", "Fields:\n- Maier? (x)", "Maier owes 100"] {
        let detail = said("odoo.exceptions.UserError", message).unwrap();
        assert!(!detail.contains("Maier"), "{detail}");
    }
    assert_eq!(said("Maier GmbH & Co", "x"), None);
    let busy = json!({ "error": { "data": { "name": "psycopg2.errors.SerializationFailure", "message": "x" } } });
    let answer = Answer { status: StatusCode::OK, headers: HeaderMap::new(), body: busy.to_string().into() };
    assert_eq!(refusal::classify(&answer).unwrap_err().retry, Retry::Backoff);
}

#[test]
fn a_bill_is_cut_as_odoo_itself_cut_it() {
    let accounts: Vec<wire::Tagged> = rows("analytic_accounts");
    let owners =
        accounts.iter().map(|account| (account.id.0, mapper().shared_id("code", account.texts.get("code")).unwrap()));
    let projects = Projects::OfAccounts(owners.collect());
    // What Odoo wrote on analytic accounts when it posted the bills, by journal item and account. Costs are negative.
    let written = recorded("analytic_lines");
    let mut checked = 0;
    for line in rows::<wire::Line>("bill_lines_distribution") {
        for (owner, cost) in mapper().line_costs(&line, &CostKind::Vendor, &projects) {
            let Projects::OfAccounts(owners) = &projects else { unreachable!() };
            let of = |row: &&Value| {
                let account = row["account_id"][0].as_u64().unwrap();
                row["move_line_id"][0].as_u64() == Some(line.id.0) && owners.get(&account) == Some(&owner)
            };
            // Those of drafts are not written.
            let Some(row) = written["result"].as_array().unwrap().iter().find(of) else { continue };
            let expected: Decimal = row["amount"].to_string().parse().unwrap();
            assert_eq!(cost.amount.document.unwrap().amount, -expected, "item {}", line.id.0);
            checked += 1;
        }
    }
    assert!(checked >= 4, "{checked} shares were checked");
}

#[test]
fn hours_that_odoo_added_up_are_what_their_lines_add_up_to() {
    let groups: Vec<Record> = rows("timesheet_totals_read_group");
    let lines = recorded("analytic_lines");
    let hours = |of: u64| {
        let rows =
            lines["result"].as_array().unwrap().iter().filter(move |row| row["project_id"][0].as_u64() == Some(of));
        rows.map(|row| row["amount"].to_string().parse::<Decimal>().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(groups.len(), 3);
    for group in groups {
        let lines = hours(group.link("project_id").unwrap().id());
        assert_eq!(group.count(), Some(lines.len()));
        assert_eq!(group.sum("amount").unwrap().decimal().unwrap(), lines.into_iter().sum::<Decimal>());
    }
}

#[test]
fn recorded_invoices_are_read() {
    let moves: Vec<wire::Move> = rows("invoices_by_shared_ids");
    let projects = Projects::OfDocuments([(1, project(1))].into());
    let partial = moves.iter().find(|document| document.id.0 == 1).unwrap();
    let invoice = mapper().invoice(partial, &[], &projects);
    assert_eq!(invoice.balance().document.unwrap().amount.to_string(), "4532.67");
    assert_eq!(invoice.paid().document.unwrap().amount.to_string(), "2266.34");
    assert_eq!(invoice.project_ids.to_vec(), [project(1)]);
    assert_eq!(invoice.party.unwrap().name.as_deref(), Some("Customer Charlie"));
}

/// What a server is asked: the path, the model, the method and the arguments by name.
type Asked = (String, String, String, Value);
/// What it answers, of a model and a method.
pub(super) type Answers = fn(&str, &str, &Value) -> Value;

#[derive(Clone)]
struct Stub {
    answers: Answers,
    asked: Arc<Mutex<Vec<Asked>>>,
}

pub(super) struct Server {
    url: String,
    stub: Stub,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(super) async fn start(answers: Answers) -> Self {
        let stub = Stub { answers, asked: Arc::default() };
        let router = Router::new().fallback(answer).with_state(stub.clone());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        Self { url, stub, task: tokio::spawn(async move { axum::serve(listener, router).await.unwrap() }) }
    }

    fn asked(&self) -> Vec<Asked> {
        self.stub.asked.lock().unwrap().clone()
    }

    /// A configuration for it, with the file that holds the key.
    fn config(&self, more: &str) -> (Config, ConnectionContext, std::path::PathBuf) {
        let secret = std::env::temp_dir().join(format!("spine-odoo-{}", self.url.rsplit(':').next().unwrap()));
        std::fs::write(&secret, "s3cret").unwrap();
        let config: Config = toml::from_str(&format!(
            "url = \"{}\"\ndatabase = \"db\"\napi_key = {{ file = \"{}\" }}\npage_size = 2\n{more}",
            self.url,
            secret.display()
        ))
        .unwrap();
        let context = ConnectionContext {
            name: ConnectionName::new("odoo"),
            shared_id: SharedIdRule::new(regex::Regex::new(r"^PRJ-\d{4}-\d{3,6}$").unwrap(), &["trim", "uppercase"]),
            traffic: Traffic { retries: 0, max_pages: 3, ..Traffic::default() },
            clock: Arc::new(ManualClock::default()),
        };
        (config, context, secret)
    }

    pub(super) fn connect(&self, more: &str) -> Connection {
        let (config, context, secret) = self.config(more);
        let connection = connect(config, context).unwrap();
        std::fs::remove_file(secret).unwrap();
        connection
    }
}

/// A connection to the embedded system.
pub(super) fn connect_to(url: &str) -> Connection {
    let config = format!(
        "url = \"{url}\"\ndatabase = \"spine_demo\"\nuser = \"spine\"\napi_key = {{ demo = \"demo-odoo-key\" }}"
    );
    let context = ConnectionContext {
        name: ConnectionName::new("odoo"),
        shared_id: SharedIdRule::new(regex::Regex::new(r"^PRJ-\d{4}-\d{3,6}$").unwrap(), &["trim", "uppercase"]),
        traffic: Traffic::default(),
        clock: Arc::new(ManualClock::default()),
    };
    connect(toml::from_str(&config).unwrap(), context).unwrap()
}

async fn answer(State(stub): State<Stub>, uri: Uri, headers: HeaderMap, body: String) -> Response {
    let body: Value = serde_json::from_str(&body).unwrap();
    if let Some(called) = uri.path().strip_prefix("/json/2/") {
        assert_eq!(headers[AUTHORIZATION], "bearer s3cret");
        assert_eq!(headers["x-odoo-database"], "db");
        let (model, method) = called.split_once('/').unwrap();
        stub.asked.lock().unwrap().push((uri.path().to_owned(), model.to_owned(), method.to_owned(), body.clone()));
        return Json((stub.answers)(model, method, &body)).into_response();
    }
    assert!(headers.get(AUTHORIZATION).is_none());
    let params = &body["params"];
    let (model, method, arguments) = if params["service"] == "common" {
        ("common", params["method"].as_str().unwrap(), json!({}))
    } else {
        assert_eq!(params["args"].as_array().unwrap()[..3], [json!("db"), json!(6), json!("s3cret")]);
        let name = |at: usize| params["args"][at].as_str().unwrap();
        (name(3), name(4), params["args"][6].clone())
    };
    stub.asked.lock().unwrap().push((uri.path().to_owned(), model.to_owned(), method.to_owned(), arguments.clone()));
    Json(match (model, method) {
        ("common", "version") => recorded("version"),
        ("common", "authenticate") if (stub.answers)(model, method, &arguments) == json!(false) => {
            recorded("authenticate_bad")
        }
        ("common", _) => json!({ "jsonrpc": "2.0", "id": 1, "result": 6 }),
        _ => match (stub.answers)(model, method, &arguments) {
            refusal @ Value::Object(_) if refusal.get("error").is_some() => refusal,
            result => json!({ "jsonrpc": "2.0", "id": 1, "result": result }),
        },
    })
    .into_response()
}

pub(super) fn call() -> Call {
    Call::new(Instant::now() + Duration::from_secs(20), Priority::Interactive)
}

/// A server that knows project 1 and nothing else.
pub(super) fn one_project(model: &str, method: &str, _: &Value) -> Value {
    match (model, method) {
        (_, "fields_get") => json!({ "display_type": {}, "move_line_id": {}, "project_id": {} }),
        ("account.analytic.account", _) => json!([{ "id": 1, "code": "PRJ-2025-001" }]),
        _ => json!([]),
    }
}

async fn ask_everything(connection: &Connection) {
    let ids = [project(1), project(2)];
    let query = InvoiceQuery { open: Some(true), project_ids: Some(ids.to_vec()), ..InvoiceQuery::default() };
    for source in [&connection.receivables, &connection.payables].into_iter().flatten() {
        source.invoices(&call(), &[InvoiceId::new("7")]).await.unwrap();
        let found = source.invoices_by_project(&call(), &ids).await.unwrap().found;
        // Known and empty is not the same as unknown.
        assert_eq!(found.keys().collect::<Vec<_>>(), [&project(1)]);
        source.invoice_page(&call(), &query, None, 10).await.unwrap();
    }
    let costs = connection.costs.as_ref().unwrap().costs_by_project(&call(), &ids).await.unwrap();
    assert!(costs.found[&project(1)].is_empty() && costs.found.len() == 1);
    connection.cost_sums.as_ref().unwrap().cost_sums_by_project(&call(), &ids).await.unwrap();
    if let Some(sums) = &connection.invoice_sums {
        sums.invoiced_by_project(&call(), &ids).await.unwrap();
    }
}

#[tokio::test]
async fn nothing_but_the_reading_methods_is_ever_called() {
    let document = "[shared_id]\ndocument = \"x_project_id\"";
    for (api, paths) in [("user = \"u\"\napi = \"json_rpc\"", "/jsonrpc"), ("api = \"json2\"", "/json/2/")] {
        for more in ["", document] {
            let server = Server::start(one_project).await;
            ask_everything(&server.connect(&format!("{api}\n{more}"))).await;
            let reads = ["version", "authenticate", "search_read", "read_group", "formatted_read_group", "fields_get"];
            for (path, model, method, _) in server.asked() {
                assert!(path.starts_with(paths), "{path}");
                assert!(reads.contains(&method.as_str()), "{model}.{method}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_not_on_the_list_does_not_leave() {
    let server = Server::start(one_project).await;
    let (config, context, secret) = server.config("api = \"json2\"");
    let client = Client::new(&config, &context).unwrap();
    std::fs::remove_file(secret).unwrap();
    for path in
        ["/json/2/account.move/write", "/json/2/account.move/unlink", "/json/2/a/b/search_read", "/xmlrpc/2/object"]
    {
        let error = client.upstream().send(&call(), Request::post_json("test", path, &json!({}))).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotAllowed, "{path}");
    }
    assert!(server.asked().is_empty());
}

#[tokio::test]
async fn a_refused_sign_in_is_said_once_and_not_tried_again_at_once() {
    let server = Server::start(|model, _, _| if model == "common" { json!(false) } else { json!([]) }).await;
    let connection = server.connect("user = \"u\"");
    for _ in 0..3 {
        let error = connection.costs.as_ref().unwrap().costs_by_project(&call(), &[project(1)]).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unauthorized);
    }
    assert_eq!(server.asked().iter().filter(|asked| asked.2 == "authenticate").count(), 1);
}

/// Rows of two, then of two, then of one; and rows that do not rise.
fn paged(model: &str, method: &str, arguments: &Value) -> Value {
    let after = arguments["domain"].as_array().into_iter().flatten().find(|term| term[0] == "id" && term[1] == ">");
    let after = after.map_or(0, |term| term[2].as_u64().unwrap());
    match (model, method) {
        ("account.analytic.account", _) => {
            let rows = (after + 1..=5).take(2).map(|id| json!({ "id": id, "code": format!("PRJ-2025-{id:03}") }));
            rows.collect()
        }
        _ => one_project(model, method, arguments),
    }
}

#[tokio::test]
async fn pages_are_read_to_the_end_and_what_is_not_whole_is_an_error() {
    let ids: Vec<_> = (1..=5).map(project).collect();
    let server = Server::start(paged).await;
    let connection = server.connect("api = \"json2\"");
    let costs = connection.costs.as_ref().unwrap().costs_by_project(&call(), &ids).await.unwrap();
    assert_eq!(costs.found.len(), 5);
    let odd: [Answers; 3] = [
        // It goes on for ever.
        |model, method, arguments| match (model, method) {
            ("account.analytic.account", _) => {
                let domain = arguments["domain"].as_array().unwrap();
                let after = domain.last().filter(|term| term[0] == "id").map_or(0, |term| term[2].as_u64().unwrap());
                json!([{ "id": after + 1 }, { "id": after + 2 }])
            }
            _ => one_project(model, method, arguments),
        },
        // It gives the same page again.
        |model, method, arguments| match (model, method) {
            ("account.analytic.account", _) => json!([{ "id": 1 }, { "id": 2 }]),
            _ => one_project(model, method, arguments),
        },
        // It gives more than it was asked for.
        |model, method, arguments| match (model, method) {
            ("account.analytic.account", _) => json!([{ "id": 1 }, { "id": 2 }, { "id": 3 }]),
            _ => one_project(model, method, arguments),
        },
    ];
    for answers in odd {
        let server = Server::start(answers).await;
        let costs = server.connect("api = \"json2\"");
        let error = costs.costs.as_ref().unwrap().costs_by_project(&call(), &ids).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Truncated);
    }
}

#[tokio::test]
async fn a_missing_field_is_named() {
    let server = Server::start(|model, method, arguments| match model {
        "account.analytic.account" => recorded("err_unknown_field_in_fields"),
        _ => one_project(model, method, arguments),
    })
    .await;
    let connection = server.connect("user = \"u\"\n[shared_id]\nanalytic_account = \"nope\"");
    let error = connection.costs.as_ref().unwrap().costs_by_project(&call(), &[project(1)]).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadRequest);
    assert!(error.to_string().contains("there is no field `nope`"), "{error}");
}

/// Where documents carry the shared ID: two invoices and a credit note of project 1, in two currencies.
fn documents(model: &str, method: &str, arguments: &Value) -> Value {
    let document = |id: u64, move_type: &str, code: &str, net: f64, signed: f64| {
        json!({ "id": id, "name": format!("N{id}"), "move_type": move_type, "state": "posted",
            "currency_id": [1, code], "company_currency_id": [1, "EUR"], "company_id": [1, "We"],
            "x_project_id": if id == 2 { "PRJ-2025-001 " } else { "prj-2025-001" },
            "amount_untaxed": net, "amount_total": net, "amount_residual": net,
            "amount_untaxed_signed": signed, "amount_total_signed": signed, "amount_residual_signed": signed })
    };
    let all = [
        document(1, "out_invoice", "EUR", 100.10, 100.10),
        document(2, "out_invoice", "USD", 50.05, 45.50),
        document(3, "out_refund", "EUR", 0.10, -0.10),
    ];
    let after = arguments["domain"].as_array().into_iter().flatten().find(|term| term[0] == "id" && term[1] == ">");
    let after = after.map_or(0, |term| term[2].as_u64().unwrap());
    let group = |document: &Value| {
        let mut group = document.clone();
        let fields = group.as_object_mut().unwrap();
        for field in ["amount_untaxed", "amount_untaxed_signed"] {
            let sum = fields.remove(field).unwrap();
            fields.insert(format!("{field}:sum"), sum);
        }
        fields.insert("__count".to_owned(), json!(1));
        group
    };
    match (model, method) {
        ("res.company", _) => json!([{ "id": 1, "currency_id": [1, "EUR"] }]),
        ("account.move", "search_read") => {
            all.iter().filter(|row| row["id"].as_u64() > Some(after)).take(2).cloned().collect()
        }
        ("account.move", "formatted_read_group") => {
            assert_eq!(arguments["aggregates"], json!(["amount_untaxed:sum", "amount_untaxed_signed:sum", "__count"]));
            all.iter().map(group).collect()
        }
        _ => one_project(model, method, arguments),
    }
}

#[tokio::test]
async fn what_odoo_adds_up_is_what_the_documents_add_up_to() {
    let server = Server::start(documents).await;
    let connection = server.connect("api = \"json2\"\n[shared_id]\ndocument = \"x_project_id\"");
    let rows = connection.receivables.as_ref().unwrap().invoices_by_project(&call(), &[project(1)]).await.unwrap();
    let mut expected: HashMap<String, (Decimal, Decimal, usize)> = HashMap::new();
    for part in &rows.found[&project(1)] {
        let sign = if part.invoice.id.as_str() == "3" { Decimal::NEGATIVE_ONE } else { Decimal::ONE };
        let net = part.net().document.unwrap();
        let sum = expected.entry(net.currency.code().to_owned()).or_default();
        *sum = (sum.0 + net.amount * sign, sum.1 + part.net().company.unwrap().amount * sign, sum.2 + 1);
    }
    let sums = connection.invoice_sums.as_ref().unwrap().invoiced_by_project(&call(), &[project(1)]).await.unwrap();
    let sums = sums.found[&project(1)].iter().map(|sum| {
        let document = sum.amount.document.unwrap();
        (document.currency.code().to_owned(), (document.amount, sum.amount.company.unwrap().amount, sum.records))
    });
    assert_eq!(sums.collect::<HashMap<_, _>>(), expected);
    assert_eq!(expected["EUR"], ("100.00".parse().unwrap(), "100.00".parse().unwrap(), 2));
    // Where lines name accounts, there are no sums of documents in their currencies.
    assert!(server.connect("api = \"json2\"").invoice_sums.is_none());
}
