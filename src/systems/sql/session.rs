//! What all engines do: open a session that reads only, and ask it a prepared query.

use std::time::Duration;

use async_trait::async_trait;
use secrecy::SecretString;
use tokio::net::TcpStream;

use super::rows::Answer;
use super::statement::Statement;
use crate::systems::ErrorKind;
use crate::systems::upstream::{Failed, Retry, address};

/// Where a database is, and who asks it.
#[derive(Debug)]
pub(super) struct Login {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) database: String,
    pub(super) user: String,
    pub(super) password: SecretString,
}

impl Login {
    /// Where the database is.
    pub(super) fn address(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }
}

/// Opens sessions.
#[async_trait]
pub(super) trait Server: std::fmt::Debug + Send + Sync {
    /// Where it is, as host and port.
    fn address(&self) -> String;

    /// Connects, signs in, and makes the session one that reads only.
    async fn open(&self) -> Result<Box<dyn Session>, Failed>;
}

/// A connection to a database, signed in, in which nothing can be written.
#[async_trait]
pub(super) trait Session: Send {
    /// Asks a query. The server, or else the session, gives up after `time`; an answer beyond `cap` bytes is refused. After a failure the session
    /// is not used again.
    async fn ask(
        &mut self,
        statement: &Statement,
        asked: Asked<'_>,
        time: Duration,
        cap: usize,
    ) -> Result<Answer, Failed>;
}

/// The column by which a keyset list goes on: the record's own ID. Projects are called `id` by their shared ID, which need not
/// be theirs alone.
pub(super) fn keyset<'c>(mut columns: impl Iterator<Item = &'c str>) -> &'static str {
    if columns.any(|column| column == "record_id") { "record_id" } else { "id" }
}

/// What a query is given.
#[derive(Debug, Clone, Copy)]
pub(super) enum Asked<'a> {
    /// The keys of a call, as one parameter.
    Keys(&'a [&'a str]),
    /// The last `id` of the page before, none at the start; and how many rows.
    After(Option<&'a str>, u64),
    /// How many rows, and how many to pass over.
    Offset(u64, u64),
}

/// A query that cannot be answered as it is written: the configuration, or the database, has to be changed.
pub(super) fn misconfigured(why: impl Into<std::sync::Arc<str>>) -> Failed {
    Failed::new(ErrorKind::BadRequest, Retry::No, why)
}

/// A cursor comes back from outside, and may be anything.
pub(super) fn not_of_this_list() -> Failed {
    misconfigured("a cursor that is not of this list")
}

/// A number of rows, as databases take it.
pub(super) fn count(rows: u64) -> i64 {
    i64::try_from(rows).unwrap_or(i64::MAX)
}

/// What somebody else says, on one line.
pub(super) fn short(text: &str) -> String {
    text.chars().filter(|sign| !sign.is_control()).take(160).collect()
}

/// A failure to reach the server. A refused connection may be a restart; the rest does not get better within a request.
pub(super) fn not_reached(error: &std::io::Error) -> Failed {
    let retry = if error.raw_os_error().is_some() { Retry::Backoff } else { Retry::No };
    Failed::new(ErrorKind::Connect, retry, format!("TCP: {}", error.kind()))
}

/// Connects to a server. A name that leads where no database can be is not followed.
pub(super) async fn reached(host: &str, port: u16) -> Result<TcpStream, Failed> {
    let addresses = address::lookup(host, port).await.map_err(|error| not_reached(&error))?;
    TcpStream::connect(addresses.as_slice()).await.map_err(|error| not_reached(&error))
}

/// A connection that broke: most likely one that the server had closed while it was idle.
pub(super) fn broken(why: &str) -> Failed {
    let detail = format!("the connection broke before the answer: {why}");
    Failed { stale: true, ..Failed::new(ErrorKind::Connect, Retry::Backoff, detail) }
}
