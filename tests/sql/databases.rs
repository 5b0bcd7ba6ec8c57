//! What is peculiar to databases: sessions that only read, time that the server watches, TLS, sums.

use spine::systems::{Connection, ErrorKind, SystemError};
use tokio::time::{Duration, Instant};

use super::{Database, Engine, Reached, queries, sums};
use crate::conformance::{COMPANY, RULE, call, connect};

/// A query for costs whose rows come from this, and whose keys are looked at last.
fn costs(engine: Engine, columns: &str, from: &str) -> String {
    let keys = match engine {
        Engine::Postgres => "array_length($1::text[], 1) > 0",
        Engine::Mariadb => "JSON_LENGTH(?) > 0",
    };
    let id = "'PRJ-2025-001' AS project_id, '1' AS id, 'OTHER' AS kind, 'EUR' AS currency";
    format!("[connections.company.costs]\nby_project = \"\"\"SELECT {id}, {columns} FROM {from} WHERE {keys}\"\"\"\n")
}

/// What a connection says of the costs of the one project.
async fn ask(connection: &Connection) -> Result<Vec<spine::domain::Cost>, SystemError> {
    ask_within(connection, Duration::from_secs(30)).await
}

async fn ask_within(connection: &Connection, time: Duration) -> Result<Vec<spine::domain::Cost>, SystemError> {
    let id = RULE.parse("PRJ-2025-001").unwrap();
    let call = spine::systems::Call::new(Instant::now() + time, spine::systems::Priority::Interactive);
    let batch = connection.costs.as_ref().unwrap().costs_by_project(&call, std::slice::from_ref(&id)).await?;
    Ok(batch.found.into_values().next().unwrap())
}

fn detail(error: &SystemError) -> &str {
    error.detail.as_deref().unwrap_or_default()
}

const ONE: &str = "1.50 AS amount";
const ROW: &str = "(SELECT 1 AS one) t";

pub(crate) async fn sums_are_what_adding_up_the_records_gives(engine: Engine) {
    let database = Database::of(engine, &COMPANY).await;
    let connection = connect(&database.config(&Reached::well(), &queries(engine)));
    sums::are_what_adding_up_the_records_gives(&connection, &COMPANY).await;
}

pub(crate) async fn a_sum_that_lacks_an_amount_is_not_known(engine: Engine) {
    let database = Database::create(engine).await;
    let keys = match engine {
        Engine::Postgres => "array_length($1::text[], 1) > 0",
        Engine::Mariadb => "JSON_LENGTH(?) > 0",
    };
    let sums = format!(
        "sums = \"\"\"SELECT 'PRJ-2025-001' AS project_id, 'OTHER' AS kind, s.* FROM (SELECT 'EUR' AS currency, 5.00 AS amount, \
         2 AS records, 0 AS missing UNION ALL SELECT 'USD', 7.00, 2, 1) AS s WHERE {keys}\"\"\"\n"
    );
    let config = format!("{}{sums}", costs(engine, ONE, ROW));
    let connection = connect(&database.config(&Reached::well(), &config));
    let id = RULE.parse("PRJ-2025-001").unwrap();
    let source = connection.cost_sums.as_ref().unwrap();
    let sums = source.cost_sums_by_project(&call(), std::slice::from_ref(&id)).await.unwrap();
    let told: Vec<_> = sums.found[&id].iter().map(|sum| (sum.sum.amount.document.is_some(), sum.sum.records)).collect();
    assert_eq!(told, [(true, 2), (false, 2)]);
}

pub(crate) async fn a_statement_that_writes_is_refused_by_the_session(engine: Engine) {
    let database = Database::create(engine).await;
    // It runs with the owner's rights, so that nothing but the session is in its way.
    let function = match engine {
        Engine::Postgres => {
            "CREATE FUNCTION spine_writes() RETURNS INT LANGUAGE sql SECURITY DEFINER AS \
             'INSERT INTO written VALUES (1); SELECT 1'"
        }
        Engine::Mariadb => {
            "CREATE FUNCTION spine_writes() RETURNS INT MODIFIES SQL DATA SQL SECURITY DEFINER \
             BEGIN INSERT INTO written VALUES (1); RETURN 1; END"
        }
    };
    database.run(&["CREATE TABLE written (n INT)".to_owned(), function.to_owned()]).await;
    let query = costs(engine, "spine_writes() AS amount", ROW);
    let connection = connect(&database.config(&Reached::well(), &query));
    let error = ask(&connection).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NotAllowed, "{error}");
    assert_eq!(database.count("written").await, 0);
    database.run(&["SELECT spine_writes()".to_owned()]).await;
    assert_eq!(database.count("written").await, 1, "the owner may");
}

pub(crate) async fn a_query_that_takes_too_long_is_ended_by_the_server(engine: Engine) {
    let database = Database::create(engine).await;
    let (columns, from) = match engine {
        Engine::Postgres => {
            ("CASE t.slept WHEN 'x' THEN 1 ELSE 2 END AS amount", "(SELECT pg_sleep(60)::text AS slept) t")
        }
        Engine::Mariadb => ("t.slept AS amount", "(SELECT SLEEP(60) AS slept) t"),
    };
    let query = costs(engine, columns, from);
    let http = format!("{}\nattempt_timeout = \"1s\"\nretries = 0", Reached::well().http);
    let connection = connect(&database.config(&Reached { http, ..Reached::well() }, &query));
    let began = Instant::now();
    let error = ask(&connection).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Timeout, "{error}");
    let code = if engine == Engine::Postgres { "SQLSTATE 57014" } else { "error 1969" };
    assert_eq!(detail(&error), code, "the server says so itself");
    assert!(began.elapsed() < Duration::from_secs(20));

    let http = format!("{}\nattempt_timeout = \"20s\"\nretries = 0", Reached::well().http);
    let connection = connect(&database.config(&Reached { http, ..Reached::well() }, &query));
    let error = ask_within(&connection, Duration::from_secs(2)).await.unwrap_err();
    assert_eq!((error.kind, detail(&error)), (ErrorKind::Deadline, code), "its time is the reader's");
}

pub(crate) async fn a_wrong_password_is_told_apart_and_not_tried_again_at_once(engine: Engine) {
    let database = Database::create(engine).await;
    let reached = Reached { password: "demo-wrong-password", ..Reached::well() };
    let connection = connect(&database.config(&reached, &costs(engine, ONE, ROW)));
    let error = ask(&connection).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Unauthorized, "{error}");
    let said = format!("{error} {error:?}");
    assert!(!said.contains("demo-") && !said.contains("spine_"), "{said}");
    let again = ask(&connection).await.unwrap_err();
    assert_eq!(again.kind, ErrorKind::Unauthorized);
    assert!(again.retry_after.is_some(), "{again}");
}

pub(crate) async fn what_the_user_may_not_see_is_forbidden(engine: Engine) {
    let database = Database::create(engine).await;
    let table = if engine == Engine::Postgres { "pg_authid t" } else { "mysql.user t" };
    let connection = connect(&database.config(&Reached::well(), &costs(engine, ONE, table)));
    let error = ask(&connection).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Forbidden, "{error}");
}

pub(crate) async fn the_servers_certificate_is_verified(engine: Engine) {
    let database = Database::create(engine).await;
    let query = costs(engine, ONE, ROW);
    let well = Reached::well();
    for (reached, works, what) in [
        (Reached::well(), true, "the right name and the right CA"),
        (Reached { host: "127.0.0.1", ..Reached::well() }, false, "a name that is not in the certificate"),
        (Reached { http: String::new(), ..Reached::well() }, false, "a CA that nobody trusts"),
        (Reached { tls: "required", http: String::new(), host: "127.0.0.1", ..Reached::well() }, true, "anybody"),
        (Reached { tls: "plain", http: String::new(), ..well }, true, "on this machine"),
    ] {
        let answer = ask(&connect(&database.config(&reached, &query))).await;
        match answer {
            Ok(costs) => assert!(works && costs.len() == 1, "{what}"),
            Err(error) => {
                assert!(!works && error.kind == ErrorKind::Connect, "{what}: {error}");
                assert!(detail(&error).starts_with("TLS: "), "{what}: {error}");
            }
        }
    }
}

pub(crate) async fn amounts_are_read_to_the_last_digit_and_floats_not_at_all(engine: Engine) {
    let database = Database::create(engine).await;
    let of = |columns: &str| connect(&database.config(&Reached::well(), &costs(engine, columns, ROW)));
    for text in ["1234567890123456.78", "-0.0001", "0.10", "79228162514264337593543950335", "0"] {
        let scale = text.split('.').nth(1).map_or(0, str::len);
        let found = ask(&of(&format!("CAST({text} AS DECIMAL(38,{scale})) AS amount"))).await.unwrap();
        assert_eq!(found[0].amount.document.unwrap().amount.to_string(), text);
    }
    for float in ["1.5e0", "CAST(1.5 AS DOUBLE PRECISION)"] {
        if engine == Engine::Postgres && float == "1.5e0" {
            continue; // a numeric there
        }
        let float = if engine == Engine::Mariadb && float.starts_with("CAST") { "CAST(1.5 AS DOUBLE)" } else { float };
        let error = ask(&of(&format!("{float} AS amount"))).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::BadRequest, "{error}");
        assert!(detail(&error).contains("column `amount` is a float"), "{error}");
    }
    let error = ask(&of("1 AS amuont")).await.unwrap_err();
    assert!(detail(&error).contains("did you mean `amount`?"), "{error}");
}

pub(crate) async fn sessions_that_the_server_ended_are_replaced_without_a_word(engine: Engine) {
    let database = Database::create(engine).await;
    let connection = connect(&database.config(&Reached::well(), &costs(engine, ONE, ROW)));
    ask(&connection).await.unwrap();
    database.end_sessions().await;
    ask(&connection).await.unwrap();
    let health = connection.upstreams[0].health();
    assert_eq!((health.failures, health.retries, health.calls), (0, 1, 3));
}

pub(crate) async fn a_server_that_is_gone_cannot_be_reached_and_is_read_again_when_it_is_back(engine: Engine) {
    let mut database = Database::create(engine).await;
    let connection = connect(&database.config(&Reached::well(), &costs(engine, ONE, ROW)));
    ask(&connection).await.unwrap();
    let alone = database.alone().await;
    engine.control("stop");
    let gone = ask(&connection).await;
    engine.control("start");
    drop(alone);
    let error = gone.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Connect, "{error}");
    assert_eq!(ask(&connection).await.unwrap().len(), 1);
}

macro_rules! on_both {
    ($($expectation:ident),+ $(,)?) => {
        mod postgres {
            $(#[tokio::test]
            async fn $expectation() {
                super::$expectation(super::Engine::Postgres).await;
            })+
        }

        mod mariadb {
            $(#[tokio::test]
            async fn $expectation() {
                super::$expectation(super::Engine::Mariadb).await;
            })+
        }
    };
}

on_both! {
    sums_are_what_adding_up_the_records_gives,
    a_sum_that_lacks_an_amount_is_not_known,
    a_statement_that_writes_is_refused_by_the_session,
    a_query_that_takes_too_long_is_ended_by_the_server,
    a_wrong_password_is_told_apart_and_not_tried_again_at_once,
    what_the_user_may_not_see_is_forbidden,
    the_servers_certificate_is_verified,
    amounts_are_read_to_the_last_digit_and_floats_not_at_all,
    sessions_that_the_server_ended_are_replaced_without_a_word,
    a_server_that_is_gone_cannot_be_reached_and_is_read_again_when_it_is_back,
}
