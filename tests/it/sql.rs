//! What is peculiar to SQL Server: a user who may not write, TLS, time, types, errors, readers who are sent elsewhere. Against the
//! embedded one; real databases of the other engines are those of `tests/real_sql.rs`.

use std::sync::{Arc, RwLock};
use std::time::Duration;

use jiff::civil::date;
use spine::config::Config;
use spine::demo::company::grow::Seed;
use spine::demo::company::model::{Company, Shared};
use spine::domain::{Clock, Cost, DealQuery, SharedIdRule, SystemClock};
use spine::systems::{Call, Connection, ErrorKind, Priority, SystemError, registry};
use tokio::time::Instant;

use crate::sqlserver::table::{Kind, Table, Value};
use crate::sqlserver::{CA_FILE, Canned, DATABASE, Embedded, PASSWORD, Setup, USER};

#[path = "../sql/config.rs"]
mod written;

/// How a server is reached.
struct Reached<'a> {
    host: &'a str,
    tls: &'a str,
    user: &'a str,
    password: &'a str,
    database: &'a str,
    ca: bool,
}

/// As an operator reaches it: by its name, over TLS with its CA.
const WELL: Reached<'_> =
    Reached { host: "localhost", tls: "verify-full", user: USER, password: PASSWORD, database: DATABASE, ca: true };

/// The configuration of a connection to a server at this port.
pub(crate) fn config(port: u16, http: &str, queries: &str) -> String {
    config_of(&WELL, port, http, queries)
}

fn config_of(reached: &Reached<'_>, port: u16, http: &str, queries: &str) -> String {
    let Reached { host, tls, user, password, database, ca } = reached;
    let ca = if *ca { format!("ca_file = \"{CA_FILE}\"\n") } else { String::new() };
    let connection = format!(
        r#"
engine   = "sqlserver"
host     = "{host}"
port     = {port}
database = "{database}"
user     = "{user}"
password = {{ demo = "{password}" }}
tls      = "{tls}"
"#
    );
    written::config(&connection, &format!("{ca}{http}"), queries)
}

/// A query for costs that nobody but the test knows.
const TEXT: &str = "SELECT * FROM costs_of_a_test WHERE project_id IN (SELECT value FROM OPENJSON(@P1))";

fn connect(config: &str) -> Connection {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    registry::connect(&Config::parse("spine.toml", config).unwrap(), &clock).unwrap().remove(0)
}

fn costs_of(reached: &Reached<'_>, port: u16, http: &str) -> Connection {
    connect(&config_of(reached, port, http, &format!("[connections.company.costs]\nby_project = \"{TEXT}\"\n")))
}

fn costs(embedded: &Embedded, http: &str) -> Connection {
    costs_of(&WELL, embedded.port, http)
}

async fn ask(connection: &Connection) -> Result<Vec<Cost>, SystemError> {
    ask_within(connection, Duration::from_secs(30)).await
}

async fn ask_within(connection: &Connection, time: Duration) -> Result<Vec<Cost>, SystemError> {
    let rule = SharedIdRule::new(regex::Regex::new(r"^PRJ-\d{4}-\d{3,6}$").unwrap(), &["trim"]);
    let id = rule.parse("PRJ-2025-001").unwrap();
    let call = Call::new(Instant::now() + time, Priority::Interactive);
    let batch = connection.costs.as_ref().unwrap().costs_by_project(&call, std::slice::from_ref(&id)).await?;
    Ok(batch.found.into_values().next().unwrap())
}

fn detail(error: &SystemError) -> &str {
    error.detail.as_deref().unwrap_or_default()
}

/// One cost whose amount is of this type.
fn cost(kind: Kind, amount: Value) -> Table {
    with("amount", kind, amount, Value::Null)
}

/// One cost with a column of this type, and what it is dated.
fn with(name: &str, kind: Kind, value: Value, day: Value) -> Table {
    let text = Kind::Nvarchar(80);
    let columns =
        [("project_id", text), ("id", text), ("kind", text), ("currency", text), ("date", Kind::Date), (name, kind)];
    let row = vec!["PRJ-2025-001".into(), "1".into(), "OTHER".into(), "EUR".into(), day, value];
    let mut table = Table::new(&columns).with([row]);
    if name != "amount" {
        table.columns.push(Table::new(&[("amount", Kind::Decimal(9, 2))]).columns.remove(0));
        table.rows[0].push(Value::Whole(1));
    }
    table
}

fn one() -> Canned {
    Canned::Rows(cost(Kind::Decimal(20, 4), Value::Whole(1)))
}

fn nobody() -> Shared {
    Arc::new(RwLock::new(Company::grow(&Seed { seed: 42, deals: 1, today: date(2026, 11, 25) })))
}

async fn set_up(setup: Setup) -> Embedded {
    Embedded::start(nobody(), Setup { canned: [(TEXT.to_owned(), one())].into(), ..setup }).await
}

#[tokio::test]
async fn a_user_who_may_write_is_refused_before_anything_is_asked() {
    for (permission, securable) in
        [("CONTROL SERVER", "the server"), ("EXECUTE", "the database"), ("INSERT", "dbo.invoices")]
    {
        let embedded = set_up(Setup { may: Some((permission, securable)), ..Setup::default() }).await;
        let error = ask(&costs(&embedded, "retries = 0")).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::NotAllowed, "{error}");
        let said = detail(&error);
        assert!(said.contains(permission) && said.contains(securable) && said.contains("SELECT alone"), "{said}");
        assert_eq!(embedded.asked(), 0);
    }
}

#[tokio::test]
async fn the_servers_certificate_is_verified() {
    let embedded = set_up(Setup::default()).await;
    for (reached, works, what) in [
        (WELL, true, "the right name and the right CA"),
        (Reached { host: "127.0.0.1", ..WELL }, false, "a name that is not in the certificate"),
        (Reached { ca: false, ..WELL }, false, "a CA that nobody trusts"),
        (Reached { tls: "required", ca: false, host: "127.0.0.1", ..WELL }, true, "anybody"),
        (Reached { tls: "plain", ca: false, ..WELL }, true, "on this machine"),
    ] {
        match ask(&costs_of(&reached, embedded.port, "retries = 0")).await {
            Ok(costs) => assert!(works && costs.len() == 1, "{what}"),
            Err(error) => {
                assert!(!works && error.kind == ErrorKind::Connect, "{what}: {error} {}", detail(&error));
                assert!(detail(&error).starts_with("TLS: "), "{what}: {}", detail(&error));
                assert!(!detail(&error).contains("trust_cert"), "{}", detail(&error));
            }
        }
    }
    let bare = set_up(Setup { tls: false, ..Setup::default() }).await;
    let error = ask(&costs(&bare, "retries = 0")).await.unwrap_err();
    assert_eq!((error.kind, detail(&error)), (ErrorKind::Connect, "TLS: the server does not offer it"));
    assert_eq!(bare.sign_ins(), 0, "no password leaves without TLS");
}

#[tokio::test]
async fn a_refused_sign_in_is_told_apart_and_not_tried_again_at_once() {
    for reached in [
        Reached { password: "demo-wrong-password", ..WELL },
        Reached { user: "nobody", ..WELL },
        Reached { database: "other", ..WELL },
    ] {
        let embedded = set_up(Setup::default()).await;
        let connection = costs_of(&reached, embedded.port, "");
        let error = ask(&connection).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unauthorized, "{error}");
        let said = format!("{error} {error:?}");
        assert!(!said.contains("demo-") && !said.contains("Login failed"), "{said}");
        let again = ask(&connection).await.unwrap_err();
        assert!(again.kind == ErrorKind::Unauthorized && again.retry_after.is_some(), "{again}");
        assert_eq!(embedded.sign_ins(), 1);
    }
}

#[tokio::test]
async fn a_query_that_takes_too_long_ends_its_session() {
    let embedded = Embedded::saying(TEXT, Canned::Silence).await;
    let connection = costs(&embedded, "attempt_timeout = \"1s\"\nretries = 0");
    let error = ask(&connection).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout, "{error}");
    assert!(detail(&error).contains("the session was dropped"), "{}", detail(&error));
    embedded.no_sessions().await;

    let connection = costs(&embedded, "attempt_timeout = \"20s\"\nretries = 0");
    let error = ask_within(&connection, Duration::from_secs(1)).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Deadline, "its time is the reader's: {error}");
    embedded.no_sessions().await;
}

#[tokio::test]
async fn amounts_are_read_to_the_last_digit() {
    for (kind, digits, expected) in [
        (Kind::Decimal(18, 2), 123_456_789_012_345_678, "1234567890123456.78"),
        (Kind::Decimal(5, 4), -1, "-0.0001"),
        (Kind::Decimal(9, 2), 10, "0.10"),
        (Kind::Decimal(29, 0), 79_228_162_514_264_337_593_543_950_335, "79228162514264337593543950335"),
        (Kind::Decimal(38, 0), -79_228_162_514_264_337_593_543_950_335, "-79228162514264337593543950335"),
        (Kind::Decimal(28, 10), 12_345_678_901_234_567_890, "1234567890.1234567890"),
        (Kind::Decimal(1, 0), 0, "0"),
    ] {
        let embedded = Embedded::saying(TEXT, Canned::Rows(cost(kind, Value::Digits(digits)))).await;
        let found = ask(&costs(&embedded, "")).await.unwrap();
        assert_eq!(found[0].amount.document.unwrap().amount.to_string(), expected);
    }
    let most = Value::Digits(10_i128.pow(38) - 1);
    let embedded = Embedded::saying(TEXT, Canned::Rows(cost(Kind::Decimal(38, 2), most))).await;
    let found = ask(&costs(&embedded, "")).await.unwrap();
    assert!(found[0].amount.document.is_none() && !found[0].flaws.is_empty(), "more digits than Spine holds");
}

#[tokio::test]
async fn what_cannot_be_read_exactly_is_refused_by_name() {
    for (kind, name, said) in [
        (Kind::Float, "amount", "column `amount` is a float"),
        (Kind::Float, "amount!", "column `amount` is a float"),
        (Kind::Money, "amount", "column `amount` is money"),
        (Kind::Money, "amount!", "column `amount` is money"),
        (Kind::SmallMoney, "amount", "column `amount` is money"),
        (Kind::Decimal(9, 2), "amuont", "did you mean `amount`?"),
    ] {
        let embedded = Embedded::saying(TEXT, Canned::Rows(with(name, kind, Value::Whole(1), Value::Null))).await;
        let error = ask(&costs(&embedded, "retries = 0")).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::BadRequest, "{error}");
        assert!(detail(&error).contains(said), "{}", detail(&error));
    }
    let binary = with("description", Kind::Varbinary(20), "x".into(), Value::Null);
    let embedded = Embedded::saying(TEXT, Canned::Rows(binary)).await;
    assert!(detail(&ask(&costs(&embedded, "")).await.unwrap_err()).contains("column `description` is binary"));
    let utf8 = with("description", Kind::Utf8(20), "x".into(), Value::Null);
    let embedded = Embedded::saying(TEXT, Canned::Rows(utf8)).await;
    assert!(detail(&ask(&costs(&embedded, "")).await.unwrap_err()).contains("column `description` is sent in UTF-8"));
    assert_eq!(embedded.asked(), 0);
}

#[tokio::test]
async fn texts_and_ids_come_as_they_are() {
    let long = "ü€😀/".repeat(9000);
    for (kind, value, expected) in [
        (Kind::NvarcharMax, Value::from(&long), long.as_str()),
        (Kind::NvarcharMax, "".into(), ""),
        (Kind::Varchar(20), "Größe".into(), "Größe"),
        (Kind::Nchar(10), "Ab c".into(), "Ab c"),
        (Kind::Guid, Value::Guid(0xa0ee_bc99_9c0b_4ef8_bb6d_6bb9_bd38_0a11), "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11"),
    ] {
        let day = date(2026, 1, 31);
        let embedded = Embedded::saying(TEXT, Canned::Rows(with("description", kind, value, day.into()))).await;
        let found = ask(&costs(&embedded, "")).await.unwrap();
        assert_eq!(found[0].description.as_deref().unwrap_or_default(), expected);
        assert_eq!(found[0].date, Some(day));
    }
}

#[tokio::test]
async fn errors_of_the_server_are_told_apart_and_never_repeated_where_they_hold_values() {
    for (number, severity, kind) in [
        (229, 14, ErrorKind::Forbidden),
        (3906, 16, ErrorKind::NotAllowed),
        (1222, 16, ErrorKind::Timeout),
        (1205, 13, ErrorKind::Broken),
        (8134, 16, ErrorKind::BadRequest),
        (245, 16, ErrorKind::BadRequest),
        (40501, 20, ErrorKind::RateLimited),
    ] {
        // One row comes before it: half an answer is none.
        let table = cost(Kind::Decimal(20, 4), Value::Whole(1));
        let embedded = Embedded::saying(TEXT, Canned::Error(table, number, severity)).await;
        let error = ask(&costs(&embedded, "retries = 0")).await.unwrap_err();
        assert_eq!((error.kind, detail(&error)), (kind, format!("error {number}").as_str()));
        embedded.no_sessions().await;
    }
}

#[tokio::test]
async fn what_passes_is_asked_once_more() {
    let table = cost(Kind::Decimal(20, 4), Value::Whole(1));
    let embedded = Embedded::saying(TEXT, Canned::Error(table, 1205, 13)).await;
    ask(&costs(&embedded, "retries = 1")).await.unwrap_err();
    assert_eq!(embedded.asked(), 2);
}

#[tokio::test]
async fn each_query_is_rolled_back_and_waits_for_no_lock_beyond_its_time() {
    let embedded = set_up(Setup::default()).await;
    let connection = costs(&embedded, "attempt_timeout = \"10s\"");
    ask(&connection).await.unwrap();
    ask(&connection).await.unwrap();
    let batches = embedded.batches();
    let [settings, grants, began, ended, began_again, ended_again] = batches.as_slice() else { panic!("{batches:?}") };
    assert!(settings.contains("SET TEXTSIZE 2147483647") && grants.contains("fn_my_permissions"));
    for (began, ended) in [(began, ended), (began_again, ended_again)] {
        assert_eq!(ended, "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION");
        let waits = began.strip_prefix("SET LOCK_TIMEOUT ").unwrap().strip_suffix("; BEGIN TRANSACTION").unwrap();
        assert!((5000..=9500).contains(&waits.parse().unwrap()), "{waits}");
    }
}

#[tokio::test]
async fn a_list_that_the_server_cannot_describe_is_not_begun() {
    let embedded = set_up(Setup::default()).await;
    let text = "SELECT TOP (@P2) * FROM nothing WHERE id > @P1 ORDER BY id";
    let config = config(embedded.port, "", &format!("[connections.company.deals]\nlist = \"{text}\"\n"));
    let call = Call::new(Instant::now() + Duration::from_secs(30), Priority::Interactive);
    let error = connect(&config).deals.unwrap().deal_page(&call, &DealQuery::default(), None, 5).await.unwrap_err();
    assert_eq!((error.kind, detail(&error)), (ErrorKind::BadRequest, "error 208: Invalid object name 'nothing'."));
    assert_eq!(embedded.asked(), 0);
}

#[tokio::test]
async fn two_answers_are_none() {
    let embedded = Embedded::saying(TEXT, Canned::Twice(cost(Kind::Decimal(20, 4), Value::Whole(1)))).await;
    let error = ask(&costs(&embedded, "")).await.unwrap_err();
    assert!(detail(&error).contains("more than one answer"), "{}", detail(&error));
}

#[tokio::test]
async fn sessions_are_kept_and_those_that_the_server_ended_are_replaced_without_a_word() {
    let embedded = set_up(Setup::default()).await;
    let connection = costs(&embedded, "");
    for _ in 0..3 {
        ask(&connection).await.unwrap();
    }
    assert_eq!((embedded.sign_ins(), embedded.asked()), (1, 3));
    embedded.end_sessions().await;
    ask(&connection).await.unwrap();
    let health = connection.upstreams[0].health();
    assert_eq!((health.failures, health.retries, health.calls), (0, 1, 5));
    assert_eq!((embedded.sign_ins(), embedded.asked()), (2, 4));
}

#[tokio::test]
async fn a_server_that_is_gone_cannot_be_reached_and_is_read_again_when_it_is_back() {
    let mut embedded = set_up(Setup::default()).await;
    let connection = costs(&embedded, "");
    ask(&connection).await.unwrap();
    embedded.stop().await;
    let error = ask(&connection).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Connect, "{error}");
    embedded.listen().await;
    assert_eq!(ask(&connection).await.unwrap().len(), 1);
}

#[tokio::test]
async fn who_only_reads_is_sent_to_a_secondary() {
    let secondary = set_up(Setup::default()).await;
    let primary = set_up(Setup { sends_readers_to: Some(secondary.port), ..Setup::default() }).await;
    assert_eq!(ask(&costs(&primary, "")).await.unwrap().len(), 1);
    assert_eq!((primary.sign_ins(), primary.asked()), (1, 0));
    assert_eq!((secondary.sign_ins(), secondary.asked()), (1, 1));

    // Not in the open, to a machine that nobody named; and not on and on.
    let error = ask(&costs_of(&Reached { tls: "plain", ca: false, ..WELL }, primary.port, "")).await.unwrap_err();
    assert!(detail(&error).contains("verify-full"), "{}", detail(&error));
    let again = set_up(Setup { sends_readers_to: Some(primary.port), ..Setup::default() }).await;
    let error = ask(&costs(&again, "retries = 0")).await.unwrap_err();
    assert!(detail(&error).contains("from server to server"), "{}", detail(&error));
    assert_eq!(secondary.asked(), 1);
}

#[tokio::test]
async fn a_list_begins_before_the_least_id_of_its_type() {
    let text = "SELECT TOP (@P2) * FROM deals_of_a_test WHERE id > @P1 ORDER BY id";
    for (kind, id) in [
        (Kind::Int, Value::Whole(-5)),
        (Kind::Decimal(18, 0), Value::Whole(7)),
        (Kind::Guid, Value::Guid(7)),
        (Kind::Nvarchar(20), "a".into()),
    ] {
        let text_kind = Kind::Nvarchar(20);
        let columns = [("id!", kind), ("name", text_kind), ("status", text_kind)];
        let rows = Table::new(&columns).with([vec![id, "A deal".into(), "OPEN".into()]]);
        let embedded = Embedded::saying(text, Canned::Rows(rows)).await;
        let config = config(embedded.port, "", &format!("[connections.company.deals]\nlist = \"{text}\"\n"));
        let deals = connect(&config).deals.unwrap();
        let call = Call::new(Instant::now() + Duration::from_secs(30), Priority::Interactive);
        let page = deals.deal_page(&call, &DealQuery::default(), None, 5).await.unwrap();
        assert_eq!(page.items.len(), 1);
        let first = embedded.given().remove(0);
        let expected = match kind {
            Kind::Guid => Value::from("00000000-0000-0000-0000-000000000000"),
            Kind::Nvarchar(_) => Value::from(""),
            _ => Value::Whole(i64::MIN),
        };
        assert_eq!(first, [expected, Value::Whole(6)], "{kind:?}");
    }
}

#[tokio::test]
async fn keys_are_one_parameter_whatever_they_hold() {
    let text = "SELECT * FROM deals_of_a_test WHERE id IN (SELECT value FROM OPENJSON(@P1))";
    let columns = [("id!", Kind::Nvarchar(50)), ("name", Kind::Nvarchar(20)), ("status", Kind::Nvarchar(20))];
    let embedded = Embedded::saying(text, Canned::Rows(Table::new(&columns))).await;
    let config = config(embedded.port, "", &format!("[connections.company.deals]\nby_id = \"{text}\"\n"));
    let keys = ["PRJ-1", "x'); DROP TABLE t; --", "a\"b\\"];
    let ids: Vec<_> = keys.iter().map(|key| spine::domain::DealId::new(*key)).collect();
    let call = Call::new(Instant::now() + Duration::from_secs(30), Priority::Interactive);
    connect(&config).deals.unwrap().deals(&call, &ids).await.unwrap();
    let given = embedded.given();
    let [Value::Text(list)] = given[0].as_slice() else { panic!("{given:?}") };
    assert_eq!(serde_json::from_str::<Vec<String>>(list).unwrap(), keys);
}
