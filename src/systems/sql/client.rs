//! The database of a connection: its sessions, and the calls, guarded as all calls of the house are.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::rows::Answer;
use super::session::{Asked, Server, Session};
use super::statement::Statement;
use crate::config::Traffic;
use crate::systems::upstream::{Failed, Guard, Health, Retry, Upstream};
use crate::systems::{Call, ErrorKind, SystemError};

/// How long a session is kept that nobody uses. Servers and firewalls forget idle connections after minutes.
const IDLE: Duration = Duration::from_secs(30);

/// How long no sign-in is tried after one was refused: a wrong password tried again and again locks the user out.
const COOL_DOWN: Duration = Duration::from_secs(30);

/// A database.
pub(super) struct Database {
    guard: Guard,
    server: Box<dyn Server>,
    connect_timeout: Duration,
    attempt_timeout: Duration,
    max_body: usize,
    /// Sessions that wait to be used, the one that was used last at the end. There are no more of them than calls at once.
    idle: Mutex<Vec<(Instant, Box<dyn Session>)>>,
    /// When a sign-in was refused last.
    refused: Mutex<Option<Instant>>,
}

impl Database {
    pub(super) fn new(guard: Guard, server: Box<dyn Server>, traffic: &Traffic) -> Self {
        Self {
            guard,
            server,
            connect_timeout: traffic.connect_timeout.0,
            attempt_timeout: traffic.attempt_timeout.0,
            max_body: traffic.max_body,
            idle: Mutex::default(),
            refused: Mutex::default(),
        }
    }

    /// Asks a query.
    pub(super) async fn ask(
        &self,
        call: &Call,
        statement: &Statement,
        asked: Asked<'_>,
    ) -> Result<Answer, SystemError> {
        let attempt = |time| async move {
            // A server that gives up when the reader's time is over says nothing about itself.
            self.attempt(call, statement, asked, time).await.map_err(|failed| match failed.kind {
                ErrorKind::Timeout if time < self.attempt_timeout => Failed { kind: ErrorKind::Deadline, ..failed },
                _ => failed,
            })
        };
        self.guard.call(call, statement.operation, attempt).await
    }

    /// An error of this connection.
    pub(super) fn error(&self, operation: &'static str, kind: ErrorKind) -> SystemError {
        self.guard.error(operation, kind)
    }

    /// Takes note of how the reading of an answer went.
    pub(super) fn decoded<T>(&self, operation: &'static str, decoded: Result<T, String>) -> Result<T, SystemError> {
        self.guard.decoded(operation, decoded)
    }

    /// One attempt. A session that broke before the answer was most likely closed by the server while it was idle; that
    /// says nothing about the system, so there is a second one at once.
    async fn attempt(
        &self,
        call: &Call,
        statement: &Statement,
        asked: Asked<'_>,
        time: Duration,
    ) -> Result<Answer, Failed> {
        let started = Instant::now();
        self.guard.count(call);
        if let Some(session) = self.kept() {
            match self.ask_in(session, statement, asked, time).await {
                // What broke this one broke the others.
                Err(failed) if failed.stale && self.guard.may_retry() => self.idle().clear(),
                answered => return answered,
            }
            self.guard.count(call);
        }
        let session = self.open().await?;
        self.ask_in(session, statement, asked, time.saturating_sub(started.elapsed())).await
    }

    /// Asks in a session, and keeps it for later if all went well. Dropped on the way, it is closed.
    async fn ask_in(
        &self,
        mut session: Box<dyn Session>,
        statement: &Statement,
        asked: Asked<'_>,
        time: Duration,
    ) -> Result<Answer, Failed> {
        // The server gives up a little earlier than the reader, and says so.
        let limit = time.saturating_sub(time / 20);
        match session.ask(statement, asked, limit, self.max_body).await {
            Ok(answer) => {
                self.keep(session);
                Ok(answer)
            }
            Err(failed) => Err(failed),
        }
    }

    async fn open(&self) -> Result<Box<dyn Session>, Failed> {
        let left = |at: Instant| COOL_DOWN.saturating_sub(at.elapsed());
        let refused = *self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(left) = refused.map(left).filter(|left| !left.is_zero()) {
            let why = "a sign-in was refused a moment ago, and is not tried again yet";
            return Err(Failed::new(ErrorKind::Unauthorized, Retry::After(left), why));
        }
        let late = |_| Failed::new(ErrorKind::Connect, Retry::No, "timeout: no connection in time");
        let opened = timeout(self.connect_timeout, self.server.open()).await.map_err(late).flatten();
        let refused = opened.as_ref().err().is_some_and(|failed| failed.kind == ErrorKind::Unauthorized);
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = refused.then(Instant::now);
        opened
    }

    /// The session that was used last, if one is there that was used lately.
    fn kept(&self) -> Option<Box<dyn Session>> {
        let (since, session) = self.idle().pop()?;
        (since.elapsed() < IDLE).then_some(session)
    }

    fn keep(&self, session: Box<dyn Session>) {
        let mut idle = self.idle();
        idle.retain(|(since, _)| since.elapsed() < IDLE);
        idle.push((Instant::now(), session));
    }

    fn idle(&self) -> MutexGuard<'_, Vec<(Instant, Box<dyn Session>)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Upstream for Database {
    fn address(&self) -> String {
        self.server.address()
    }

    fn health(&self) -> Health {
        self.guard.health()
    }
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database").field("connection", self.guard.connection()).finish_non_exhaustive()
    }
}
