//! The servers that `setup.sh up` started, and a database of its own for each test.

use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use mysql_async::prelude::Queryable;
use secrecy::ExposeSecret;
use spine::config::SecretRef;
use spine::demo::company::model::Company;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use tokio_postgres::config::SslMode;

use super::company::script;
use super::config::config;
use crate::conformance::COMPANY;

/// An engine that is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    Postgres,
    Mariadb,
}

/// A variable that `setup.sh up` prints.
fn variable(name: &str) -> String {
    let read = SecretRef::Env(name.to_owned()).read();
    read.expect("run tests/sql/setup.sh first").expose_secret().to_owned()
}

/// The certificate of the servers' CA.
pub(crate) fn ca_file() -> String {
    format!("{}/tls/ca.pem", variable("SPINE_SQL_HOME"))
}

impl Engine {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mariadb => "mariadb",
        }
    }

    pub(crate) fn port(self) -> u16 {
        let name = match self {
            Self::Postgres => "SPINE_POSTGRES_PORT",
            Self::Mariadb => "SPINE_MARIADB_PORT",
        };
        variable(name).parse().unwrap()
    }

    /// What a script says in this engine.
    pub(crate) fn dialect(self, text: &str) -> String {
        let words = match self {
            Self::Postgres => [
                ("{moment}", "TIMESTAMPTZ"),
                ("{text}", "TEXT"),
                ("AS lines", "AS lines"),
                (
                    "{lines}",
                    "json_agg(json_build_object('description', l.description, 'net', l.net, 'company_net', l.company_net, \
                     'project_id', l.project) ORDER BY l.number)",
                ),
                (
                    "{payments}",
                    "json_agg(json_build_object('id', p.id, 'date', p.date, 'amount', p.amount, 'company_amount', \
                     p.company_amount))",
                ),
            ],
            Self::Mariadb => [
                ("{moment}", "DATETIME"),
                ("{text}", "TEXT"),
                // A reserved word there.
                ("AS lines", "AS `lines`"),
                (
                    "{lines}",
                    "JSON_ARRAYAGG(JSON_OBJECT('description', l.description, 'net', l.net, 'company_net', l.company_net, \
                     'project_id', l.project) ORDER BY l.number)",
                ),
                (
                    "{payments}",
                    "JSON_ARRAYAGG(JSON_OBJECT('id', p.id, 'date', p.date, 'amount', p.amount, 'company_amount', \
                     p.company_amount))",
                ),
            ],
        };
        words.iter().fold(text.to_owned(), |text, (word, own)| text.replace(word, own))
    }

    /// Stops the server, or starts it again.
    pub(crate) fn control(self, what: &str) {
        let setup = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sql/setup.sh");
        let done = Command::new(setup).args([what, self.name()]).status().unwrap();
        assert!(done.success(), "{what} {self:?}");
    }
}

/// The queries over the views of the company.
pub(crate) fn queries(engine: Engine) -> String {
    let queries = match engine {
        Engine::Postgres => include_str!("postgresql.toml"),
        Engine::Mariadb => include_str!("mariadb.toml"),
    };
    queries.replace("{company currency}", &COMPANY.currency)
}

/// Who uses the servers; alone, who stops one.
static RUNNING: RwLock<()> = RwLock::const_new(());

/// A database that a test has for itself.
pub(crate) struct Database {
    pub(crate) engine: Engine,
    name: String,
    /// As long as it is there, no server is stopped.
    running: Option<RwLockReadGuard<'static, ()>>,
}

impl Database {
    /// An empty one, which the user `spine` may read.
    pub(crate) async fn create(engine: Engine) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("spine_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let database = Self { engine, name, running: Some(RUNNING.read().await) };
        match engine {
            Engine::Postgres => {
                database.run_in("postgres", &[format!("CREATE DATABASE {}", database.name)]).await;
                let grant = "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO spine".to_owned();
                database.run(&[grant]).await;
            }
            Engine::Mariadb => {
                let create = format!("CREATE DATABASE {}", database.name);
                let grant = format!("GRANT SELECT, EXECUTE ON {}.* TO spine@'127.0.0.1'", database.name);
                database.run_in("", &[create, grant]).await;
            }
        }
        database
    }

    /// One that holds the company.
    pub(crate) async fn of(engine: Engine, company: &Company) -> Self {
        let database = Self::create(engine).await;
        database.fill(company).await;
        database
    }

    /// Waits until nobody else uses the servers.
    pub(crate) async fn alone(&mut self) -> RwLockWriteGuard<'static, ()> {
        self.running = None;
        RUNNING.write().await
    }

    /// Puts the company into it.
    pub(crate) async fn fill(&self, company: &Company) {
        self.run(&script(self.engine, company)).await;
    }

    /// Empties it.
    pub(crate) async fn clear(&self) {
        let all = match self.engine {
            Engine::Postgres => vec![
                "DROP SCHEMA public CASCADE".to_owned(),
                "CREATE SCHEMA public".to_owned(),
                "GRANT USAGE ON SCHEMA public TO spine".to_owned(),
            ],
            Engine::Mariadb => vec![format!("DROP DATABASE {0}", self.name), format!("CREATE DATABASE {0}", self.name)],
        };
        match self.engine {
            Engine::Postgres => self.run(&all).await,
            Engine::Mariadb => self.run_in("", &all).await,
        }
    }

    /// Runs statements as the owner.
    pub(crate) async fn run(&self, statements: &[String]) {
        self.run_in(&self.name, statements).await;
    }

    /// How many rows a table has.
    pub(crate) async fn count(&self, table: &str) -> i64 {
        let query = format!("SELECT COUNT(*) FROM {table}");
        match self.engine {
            Engine::Postgres => self.postgres(&self.name).await.query_one(&query, &[]).await.unwrap().get(0),
            Engine::Mariadb => self.mariadb(&self.name).await.query_first(query).await.unwrap().unwrap(),
        }
    }

    /// Ends all sessions of the user `spine` in it, as an administrator can.
    pub(crate) async fn end_sessions(&self) {
        match self.engine {
            Engine::Postgres => {
                let admin = self.postgres_as("admin", "demo-admin-password", &self.name).await;
                let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                           WHERE usename = 'spine' AND datname = current_database()";
                assert_eq!(admin.query(end, &[]).await.unwrap().len(), 1);
            }
            Engine::Mariadb => {
                let mut admin = self.mariadb_as("admin", "demo-admin-password", &self.name).await;
                let list = format!(
                    "SELECT id FROM information_schema.processlist WHERE user = 'spine' AND db = '{}'",
                    self.name
                );
                let ids: Vec<u64> = admin.query(list).await.unwrap();
                assert_eq!(ids.len(), 1);
                admin.query_drop(format!("KILL CONNECTION {}", ids[0])).await.unwrap();
            }
        }
    }

    async fn postgres(&self, database: &str) -> tokio_postgres::Client {
        self.postgres_as("owner", "demo-owner-password", database).await
    }

    async fn postgres_as(&self, user: &str, password: &str, database: &str) -> tokio_postgres::Client {
        let mut config = tokio_postgres::Config::new();
        config.user(user).password(password).dbname(database).ssl_mode(SslMode::Disable);
        let stream = tokio::net::TcpStream::connect(("127.0.0.1", self.engine.port())).await.unwrap();
        let (client, connection) = config.connect_raw(stream, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    async fn mariadb(&self, database: &str) -> mysql_async::Conn {
        self.mariadb_as("owner", "demo-owner-password", database).await
    }

    async fn mariadb_as(&self, user: &str, password: &str, database: &str) -> mysql_async::Conn {
        let options = mysql_async::OptsBuilder::default()
            .ip_or_hostname("127.0.0.1")
            .tcp_port(self.engine.port())
            .user(Some(user))
            .pass(Some(password))
            .db_name(Some(database).filter(|name| !name.is_empty()))
            .prefer_socket(false);
        let mut conn = mysql_async::Conn::new(options).await.unwrap();
        conn.query_drop("SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES', time_zone = '+00:00'").await.unwrap();
        conn
    }

    async fn run_in(&self, database: &str, statements: &[String]) {
        match self.engine {
            Engine::Postgres => {
                let client = self.postgres(database).await;
                for statement in statements {
                    client.batch_execute(statement).await.unwrap_or_else(|error| panic!("{error:?}: {statement}"));
                }
            }
            Engine::Mariadb => {
                let mut conn = self.mariadb(database).await;
                for statement in statements {
                    let done = conn.query_drop(statement).await;
                    done.unwrap_or_else(|error| {
                        panic!("{error}: {}", statement.chars().take(2000).collect::<String>())
                    });
                }
                conn.disconnect().await.unwrap();
            }
        }
    }

    /// The configuration of a connection to it: how it is reached, and its queries.
    pub(crate) fn config(&self, reached: &Reached<'_>, queries: &str) -> String {
        let kind = match self.engine {
            Engine::Postgres => "postgresql",
            Engine::Mariadb => "mysql",
        };
        let Reached { host, tls, password, http } = reached;
        let (port, name) = (self.engine.port(), &self.name);
        let connection = format!(
            r#"
engine   = "{kind}"
host     = "{host}"
port     = {port}
database = "{name}"
user     = "spine"
password = {{ demo = "{password}" }}
tls      = "{tls}"
"#
        );
        config(&connection, http, queries)
    }
}

/// How a server is reached.
pub(crate) struct Reached<'a> {
    pub(crate) host: &'a str,
    pub(crate) tls: &'a str,
    pub(crate) password: &'a str,
    /// Lines of `[connections.company.http]`.
    pub(crate) http: String,
}

impl Reached<'_> {
    /// As an operator reaches it: by its name, over TLS with its CA.
    pub(crate) fn well() -> Self {
        let http = format!("ca_file = \"{}\"", ca_file());
        Reached { host: "localhost", tls: "verify-full", password: "demo-spine-password", http }
    }
}
