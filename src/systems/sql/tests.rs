//! The connector without a server: what a configuration cannot mean, and how sessions are kept. What needs a server is tested
//! against real ones, in `tests/real_sql.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::{Instant, advance};

use super::client::Database;
use super::rows::{Answer, Writer};
use super::session::{Asked, Server, Session, broken};
use super::statement::Statement;
use super::*;
use crate::config::{Config as File, Traffic};
use crate::domain::{Clock, ConnectionName, SystemClock};
use crate::systems::upstream::{Failed, Retry};
use crate::systems::{Call, ErrorKind, Priority, registry};

/// What is wrong with a connection of these lines.
fn problem(lines: &str) -> String {
    let host = if lines.contains("host =") { "" } else { "host = \"db.example.com\"\n" };
    let head = "database = \"erp\"\nuser = \"spine\"\npassword = { demo = \"demo-word\" }\n";
    let text = format!(
        "[shared_id]\npattern = '^P-\\d+$'\n[owners]\ncosts = \"books\"\n[connections.books]\nkind = \"sql\"\n{host}{head}{lines}\n"
    );
    let file = match File::parse("spine.toml", &text) {
        Ok(file) => file,
        Err(errors) => return format!("{errors:?}"),
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    registry::connect(&file, &clock).map_or_else(|errors| format!("{errors:?}"), |_| String::new())
}

const COSTS: &str = "[connections.books.costs]\nby_project = \"SELECT 1 WHERE 1 = ANY($1)\"\n";

#[test]
fn a_configuration_that_can_be_meant_makes_a_connection_without_a_call() {
    assert_eq!(problem(&format!("engine = \"postgresql\"\n{COSTS}")), "");
    let mysql = "[connections.books.costs]\nby_project = \"SELECT 1 WHERE 1 = ?\"\nsums = \"SELECT 1 WHERE 1 = ?\"\n";
    assert_eq!(problem(&format!("engine = \"mysql\"\n{mysql}")), "");
    let sqlserver =
        "[connections.books.costs]\nby_project = \"SELECT 1 WHERE 1 IN (SELECT value FROM OPENJSON(@P1))\"\n";
    assert_eq!(problem(&format!("engine = \"sqlserver\"\n{sqlserver}")), "");
}

#[test]
fn what_a_configuration_cannot_mean_is_refused_by_its_key() {
    for (lines, key, message) in [
        (format!("engine = \"postgresql\"\ntls = \"plain\"\n{COSTS}"), "tls", "for a server on this machine only"),
        (format!("engine = \"postgresql\"\nbatch = 0\n{COSTS}"), "batch", "at least 1"),
        (format!("engine = \"postgresql\"\ntime_zone = \"Mars\"\n{COSTS}"), "time_zone", "no time zone"),
        (format!("engine = \"mysql\"\n{COSTS}"), "costs.by_project", "JSON_TABLE"),
        (format!("engine = \"sqlserver\"\n{COSTS}"), "costs.by_project", "OPENJSON(@P1)"),
        (format!("engine = \"sqlserver\"\nhost = 'db\\ERP'\n{COSTS}"), "host", "names an instance"),
        (format!("engine = \"sqlserver\"\ntls = \"plain\"\n{COSTS}"), "tls", "for a server on this machine only"),
        ("engine = \"postgresql\"\n[connections.books.costs]\n".to_owned(), "costs.by_project", "is missing"),
        (
            "engine = \"postgresql\"\n[connections.books.costs]\nby_project = \"DELETE FROM t WHERE id = ANY($1)\""
                .to_owned(),
            "costs.by_project",
            "SELECT or WITH",
        ),
        (
            format!(
                "engine = \"postgresql\"\n{COSTS}[connections.books.effort]\nby_project = \"SELECT 1 WHERE 1 = ANY($1)\""
            ),
            "effort",
            "belongs to projects",
        ),
        (
            format!("engine = \"postgresql\"\n{COSTS}[connections.books.deals]\nlist = \"SELECT 1 WHERE 1 > $1\""),
            "deals.list",
            "LIMIT $2",
        ),
        (format!("engine = \"oracle\"\n{COSTS}"), "engine", "postgresql"),
        (format!("engine = \"postgresql\"\n{COSTS}by_id = \"SELECT 1\""), "by_id", "unknown"),
    ] {
        let problem = problem(&lines);
        assert!(problem.contains(key) && problem.contains(message), "{lines}: {problem}");
    }
}

/// A server whose sessions answer as a script says.
#[derive(Debug)]
struct Scripted {
    /// How each query fails, in turn, if it does; after that they go well.
    fails: Vec<Option<fn() -> Failed>>,
    /// How each sign-in fails, in turn.
    refuses: usize,
    opened: Arc<AtomicUsize>,
    asked: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct Line {
    fails: Vec<Option<fn() -> Failed>>,
    asked: Arc<AtomicUsize>,
}

#[async_trait]
impl Server for Scripted {
    fn address(&self) -> String {
        "database.test:5432".to_owned()
    }

    async fn open(&self) -> Result<Box<dyn Session>, Failed> {
        if self.opened.fetch_add(1, Ordering::Relaxed) < self.refuses {
            return Err(Failed::new(ErrorKind::Unauthorized, Retry::No, "SQLSTATE 28P01"));
        }
        Ok(Box::new(Line { fails: self.fails.clone(), asked: Arc::clone(&self.asked) }))
    }
}

#[async_trait]
impl Session for Line {
    async fn ask(&mut self, _: &Statement, _: Asked<'_>, _: Duration, cap: usize) -> Result<Answer, Failed> {
        let nth = self.asked.fetch_add(1, Ordering::Relaxed);
        self.fails
            .get(nth)
            .copied()
            .flatten()
            .map_or_else(|| Writer::new(["id".to_owned()].into(), cap).answer(), |fail| Err(fail()))
    }
}

/// A database, and how often it was signed in to and asked.
fn database(fails: Vec<fn() -> Failed>, refuses: usize) -> (Database, impl Fn() -> (usize, usize)) {
    database_with(fails.into_iter().map(Some).collect(), refuses)
}

fn database_with(fails: Vec<Option<fn() -> Failed>>, refuses: usize) -> (Database, impl Fn() -> (usize, usize)) {
    let (opened, asked) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let server = Scripted { fails, refuses, opened: Arc::clone(&opened), asked: Arc::clone(&asked) };
    let traffic = Traffic { retries: 0, ..Traffic::default() };
    let guard = Guard::new(ConnectionName::new("test"), SYSTEM, &traffic, Arc::new(SystemClock::default()));
    let counts = move || (opened.load(Ordering::Relaxed), asked.load(Ordering::Relaxed));
    (Database::new(guard, Box::new(server), &traffic), counts)
}

async fn ask(database: &Database, within: Duration) -> Result<(), ErrorKind> {
    let statement = Statement::new(Engine::Postgresql, "test", "SELECT $1", 1).unwrap();
    let call = Call::new(Instant::now() + within, Priority::Interactive);
    database.ask(&call, &statement, Asked::Keys(&["P-1"])).await.map(drop).map_err(|error| error.kind)
}

const LONG: Duration = Duration::from_secs(10);

#[tokio::test(start_paused = true)]
async fn a_session_is_used_again_until_it_was_idle_for_long() {
    let (database, counts) = database(vec![], 0);
    for _ in 0..3 {
        ask(&database, LONG).await.unwrap();
    }
    assert_eq!(counts(), (1, 3));
    advance(Duration::from_secs(40)).await;
    ask(&database, LONG).await.unwrap();
    assert_eq!(counts(), (2, 4));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_broke_while_it_was_idle_is_replaced_once_without_a_word() {
    let lost: fn() -> Failed = || broken("closed");
    // The first query opens a session; the second finds it gone.
    let (database, counts) = database_with(vec![None, Some(lost)], 0);
    ask(&database, LONG).await.unwrap();
    ask(&database, LONG).await.unwrap();
    assert_eq!(counts(), (2, 3));

    let (database, counts) = self::database(vec![|| Failed::new(ErrorKind::BadRequest, Retry::No, "x")], 0);
    assert_eq!(ask(&database, LONG).await, Err(ErrorKind::BadRequest), "after a failure a session is not used again");
    ask(&database, LONG).await.unwrap();
    assert_eq!(counts(), (2, 2));
}

#[tokio::test(start_paused = true)]
async fn a_refused_sign_in_is_not_tried_again_at_once() {
    let (database, counts) = database(vec![], 1);
    for _ in 0..5 {
        assert_eq!(ask(&database, LONG).await, Err(ErrorKind::Unauthorized));
    }
    assert_eq!(counts(), (1, 0), "a wrong password tried again and again locks the user out");
    advance(Duration::from_secs(31)).await;
    ask(&database, LONG).await.unwrap();
    assert_eq!(counts(), (2, 1));
}

#[tokio::test(start_paused = true)]
async fn a_servers_timeout_within_a_short_call_is_the_readers_deadline() {
    let late: fn() -> Failed = || Failed::new(ErrorKind::Timeout, Retry::No, "SQLSTATE 57014");
    let (database, _) = database(vec![late, late], 0);
    assert_eq!(ask(&database, Duration::from_secs(1)).await, Err(ErrorKind::Deadline));
    assert_eq!(ask(&database, LONG).await, Err(ErrorKind::Timeout));
}

#[tokio::test(start_paused = true)]
async fn a_database_that_goes_on_failing_is_left_alone() {
    let down: fn() -> Failed = || Failed::new(ErrorKind::Broken, Retry::No, "SQLSTATE XX000");
    let (database, counts) = database(vec![down; 20], 0);
    for _ in 0..7 {
        assert_eq!(ask(&database, LONG).await, Err(ErrorKind::Broken));
    }
    assert_eq!(ask(&database, LONG).await, Err(ErrorKind::CircuitOpen));
    assert_eq!(counts(), (7, 7));
}
