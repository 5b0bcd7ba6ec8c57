//! Microsoft SQL Server: each query runs with its parameters by `sp_executesql`, in a transaction that is rolled back, as a user
//! who may not write.
//!
//! The server knows no session that reads only. So there are three guards: `statement.rs` takes nothing but a single SELECT,
//! [`grants`] refuses a user who could write, and whatever a query did is rolled back. The server watches no statement's time
//! either, only how long it waits for locks: a session whose query takes too long is dropped, and the server ends what runs
//! in it when it sees that nobody is there.

mod errors;
mod grants;
mod values;

use std::collections::HashMap;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use secrecy::ExposeSecret;
use tiberius::error::Error;
use tiberius::{AuthMethod, Client, Config, EncryptionLevel, Query, QueryItem, Row};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

use self::errors::{failed, judged, not_let_in};
use super::config::Tls;
use super::rows::{Answer, Writer};
use super::session::{
    Asked, Login, Server, Session, count, keyset, misconfigured, not_of_this_list, not_reached, reached,
};
use super::statement::Statement;
use crate::systems::ErrorKind;
use crate::systems::upstream::{Failed, Retry};

/// A server.
#[derive(Debug)]
pub(super) struct SqlServer {
    pub(super) login: Login,
    pub(super) tls: Tls,
    /// CA certificates beside the platform's, in DER.
    pub(super) roots: Vec<Vec<u8>>,
}

type Driver = Client<Compat<TcpStream>>;

/// What a session begins with. A text is never cut, an overflow is an error and no NULL, and where two are in each other's way,
/// Spine gives way.
const SETTINGS: &str = "SET ANSI_NULLS, ANSI_PADDING, ANSI_WARNINGS, ARITHABORT, CONCAT_NULL_YIELDS_NULL, QUOTED_IDENTIFIER ON; \
     SET NUMERIC_ROUNDABORT OFF; SET XACT_ABORT ON; SET TEXTSIZE 2147483647; SET DEADLOCK_PRIORITY LOW; \
     SET TRANSACTION ISOLATION LEVEL READ COMMITTED";

/// What the columns of a query are, before it is asked.
const DESCRIBE: &str = "SELECT name, system_type_name, collation_name, error_number, error_severity, error_message \
     FROM sys.dm_exec_describe_first_result_set(@P1, @P2, 0) ORDER BY column_ordinal";

const ROLLBACK: &str = "IF @@TRANCOUNT > 0 ROLLBACK TRANSACTION";

#[async_trait]
impl Server for SqlServer {
    fn address(&self) -> String {
        self.login.address()
    }

    async fn open(&self) -> Result<Box<dyn Session>, Failed> {
        let mut client = match self.reach(&self.login.host, self.login.port).await? {
            Ok(client) => client,
            Err(Error::Routing { .. }) if self.tls == Tls::Plain => {
                let why = "the listener sends Spine to another server, which takes TLS: write `tls = \"verify-full\"`";
                return Err(misconfigured(why));
            }
            // A server that is sent to must have a certificate of its own name.
            Err(Error::Routing { host, port }) => self.reach(&host, port).await?.map_err(|error| not_let_in(&error))?,
            Err(error) => return Err(not_let_in(&error)),
        };
        run(&mut client, SETTINGS).await?;
        grants::reads_only(&mut client).await?;
        Ok(Box::new(Reading { client, known: HashMap::new() }))
    }
}

impl SqlServer {
    fn options(&self, host: &str, port: u16) -> Config {
        let mut config = Config::new();
        config.host(host);
        config.port(port);
        config.database(&self.login.database);
        config.application_name("spine");
        config.authentication(AuthMethod::sql_server(&self.login.user, self.login.password.expose_secret()));
        // A listener of an availability group sends those who say so to a readable secondary.
        config.readonly(true);
        // Time is watched here.
        config.handshake_timeout(None);
        config.command_timeout(None);
        match self.tls {
            Tls::VerifyFull => {
                config.encryption(EncryptionLevel::Required);
                self.roots.iter().for_each(|root| config.trust_cert_ca_bundle(root.clone()));
            }
            Tls::Required => {
                config.encryption(EncryptionLevel::Required);
                config.trust_cert();
            }
            Tls::Plain => config.encryption(EncryptionLevel::NotSupported),
        }
        config
    }

    /// Signs in to a server, or hears which one to go to.
    async fn reach(&self, host: &str, port: u16) -> Result<Result<Driver, Error>, Failed> {
        let stream = reached(host, port).await?;
        stream.set_nodelay(true).map_err(|error| not_reached(&error))?;
        Ok(Box::pin(Client::connect(self.options(host, port), stream.compat_write())).await)
    }
}

/// Runs statements of ours whose answers nobody wants.
async fn run(client: &mut Driver, statements: &str) -> Result<(), Failed> {
    let answer = client.simple_query(statements).await.map_err(|error| failed(&error))?;
    answer.into_results().await.map(drop).map_err(|error| failed(&error))
}

/// A session.
struct Reading {
    client: Driver,
    /// What a list goes on by, of queries that were asked before.
    known: HashMap<&'static str, Cursor>,
}

/// The type of the column that a list goes on by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cursor {
    Text,
    Whole,
    Guid,
}

#[async_trait]
impl Session for Reading {
    async fn ask(
        &mut self,
        statement: &Statement,
        asked: Asked<'_>,
        time: Duration,
        cap: usize,
    ) -> Result<Answer, Failed> {
        let late = |_| Failed::new(ErrorKind::Timeout, Retry::No, "no whole answer in time: the session was dropped");
        timeout(time, self.read(statement, asked, time, cap)).await.map_err(late)?
    }
}

impl Reading {
    async fn read(
        &mut self,
        statement: &Statement,
        asked: Asked<'_>,
        time: Duration,
        cap: usize,
    ) -> Result<Answer, Failed> {
        let cursor = match self.known.get(statement.operation) {
            Some(known) => *known,
            None => self.describe(statement, asked).await?,
        };
        let millis = time.as_millis().max(1);
        run(&mut self.client, &format!("SET LOCK_TIMEOUT {millis}; BEGIN TRANSACTION")).await?;
        let query = bound(Query::new(statement.text.as_str()), asked, cursor)?;
        let answer = read(&mut self.client, query, cap).await?;
        run(&mut self.client, ROLLBACK).await?;
        Ok(answer)
    }

    /// Asks what the columns of a query will be. A list cannot be begun where the server cannot say; another query will tell
    /// itself what is wrong with it.
    async fn describe(&mut self, statement: &Statement, asked: Asked<'_>) -> Result<Cursor, Failed> {
        let parameters = match asked {
            Asked::Keys(_) => "@P1 nvarchar(max)",
            Asked::After(..) => "@P1 nvarchar(4000), @P2 bigint",
            Asked::Offset(..) => "@P1 bigint, @P2 bigint",
        };
        let answer = self.client.query(DESCRIBE, &[&statement.text.as_str(), &parameters]).await;
        let rows = answer.map_err(|error| failed(&error))?.into_first_result().await.map_err(|error| failed(&error))?;
        if let Some(wrong) = rows.iter().find_map(described_wrong) {
            return if matches!(asked, Asked::After(..)) { Err(wrong) } else { Ok(Cursor::Text) };
        }
        let columns: Vec<values::Described<'_>> = rows.iter().map(values::Described::of).collect();
        columns.iter().try_for_each(values::Described::readable)?;
        let by = keyset(columns.iter().map(|column| column.name));
        let cursor = columns.iter().find(|column| column.name == by).map_or(Cursor::Text, values::Described::cursor);
        self.known.insert(statement.operation, cursor);
        Ok(cursor)
    }
}

/// Why the server cannot describe a query.
fn described_wrong(row: &Row) -> Option<Failed> {
    let number = |at: usize| row.try_get::<i32, _>(at).ok().flatten();
    let code = u32::try_from(number(3)?).unwrap_or_default();
    let severity = number(4).and_then(|severity| u8::try_from(severity).ok()).unwrap_or(16);
    Some(judged(code, severity, row.try_get::<&str, _>(5).ok().flatten().unwrap_or_default()))
}

/// A query with the values of its parameters.
fn bound<'q>(mut query: Query<'q>, asked: Asked<'q>, cursor: Cursor) -> Result<Query<'q>, Failed> {
    match asked {
        Asked::Keys(keys) => {
            query.bind(serde_json::to_string(keys).map_err(|_| misconfigured("keys that are no text"))?);
        }
        Asked::After(id, rows) => {
            match (cursor, id) {
                (Cursor::Whole, None) => query.bind(i64::MIN),
                (Cursor::Whole, Some(id)) => {
                    let number: Result<i64, _> = id.parse();
                    query.bind(number.map_err(|_| not_of_this_list())?);
                }
                (Cursor::Guid, None) => query.bind("00000000-0000-0000-0000-000000000000"),
                (Cursor::Guid | Cursor::Text, id) => query.bind(id.unwrap_or_default()),
            }
            query.bind(count(rows));
        }
        Asked::Offset(rows, over) => {
            query.bind(count(over));
            query.bind(count(rows));
        }
    }
    Ok(query)
}

/// Asks a query, and writes its one answer.
async fn read(client: &mut Driver, query: Query<'_>, cap: usize) -> Result<Answer, Failed> {
    let mut stream = query.query(client).await.map_err(|error| failed(&error))?;
    let mut writer: Option<Writer> = None;
    while let Some(item) = stream.try_next().await.map_err(|error| failed(&error))? {
        match (item, &mut writer) {
            (QueryItem::Metadata(answer), None) => {
                answer.columns().iter().try_for_each(values::readable)?;
                let names = answer.columns().iter().map(|column| column.name().to_owned()).collect();
                writer = Some(Writer::new(names, cap));
            }
            (QueryItem::Row(row), Some(writer)) => values::write(&row, writer)?,
            _ => return Err(misconfigured("the query has more than one answer: it must be one SELECT")),
        }
    }
    writer.ok_or_else(|| misconfigured("the query has no answer: it must be a SELECT"))?.answer()
}
