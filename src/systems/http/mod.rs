//! The one HTTP client of all connectors. Every call upstream passes through it, in this order:
//!
//! allow-list → breaker → bulkhead → rate → attempt (time, idle time, body cap) → judgement → retry (budget, `Retry-After`).
//!
//! It reads only: a call that is not on the connector's list of reads is refused before it leaves. One deadline bounds
//! all of it: no attempt and no pause is begun that cannot end in time.

mod allow;
mod breaker;
mod bulkhead;
mod classify;
mod decode;
mod exchange;
mod health;
mod message;
mod pace;
mod retry;
mod sign_in;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use tokio::time::{Instant, sleep, timeout};
use url::Url;

pub use allow::Allowed;
pub use breaker::BreakerState;
pub use classify::classify;
pub use health::{Health, LastError};
pub use message::{Classify, Failure, Request, Response, Retry};
pub use sign_in::{Granted, SignIn, Ticket};

use super::{Call, ErrorKind, SystemError};
use crate::config::Traffic;
use crate::domain::{Clock, ConnectionName};
use breaker::{Breaker, Outcome};
use bulkhead::Bulkhead;
use exchange::{Exchange, Failed};
use health::Record;
use pace::Pace;

/// What a connector tells the client about itself.
#[derive(Debug)]
pub struct ClientOptions {
    /// The connection.
    pub connection: ConnectionName,
    /// Kind of system.
    pub system: &'static str,
    /// Base URL, without a slash at its end.
    pub base_url: Url,
    /// Headers of every call (sign-in, `Accept`); values of secrets are marked sensitive.
    pub headers: HeaderMap,
    /// The calls that may be made.
    pub allowed: Vec<Allowed>,
    /// How answers are judged; [`classify()`] is the table most connectors start from.
    pub classify: Classify,
    /// Limits.
    pub traffic: Traffic,
    /// Time, for the moments people see in [`HttpClient::health`].
    pub clock: Arc<dyn Clock>,
}

/// Time left over at the end of a read, to hand the answer on before the reader is gone.
const MARGIN: Duration = Duration::from_millis(100);

/// The HTTP client of one connection.
pub struct HttpClient {
    connection: ConnectionName,
    system: &'static str,
    base_url: Url,
    allowed: Vec<Allowed>,
    classify: Classify,
    attempt_timeout: Duration,
    retries: u32,
    clock: Arc<dyn Clock>,
    exchange: Exchange,
    bulkhead: Arc<Bulkhead>,
    pace: Pace,
    record: Mutex<Record>,
    started: Instant,
}

impl HttpClient {
    /// Builds the client of a connection. The error's detail says what in the configuration is wrong.
    pub fn new(options: ClientOptions) -> Result<Self, SystemError> {
        let ClientOptions { connection, system, base_url, headers, allowed, classify, traffic, clock } = options;
        let exchange = Exchange::new(&base_url, &traffic, headers).map_err(|detail| SystemError {
            connection: connection.clone(),
            system,
            operation: "connect",
            kind: ErrorKind::Internal,
            retry_after: None,
            detail: Some(detail.into()),
        })?;
        Ok(Self {
            connection,
            system,
            base_url,
            allowed,
            classify,
            attempt_timeout: traffic.attempt_timeout.0,
            retries: traffic.retries,
            clock,
            exchange,
            bulkhead: Bulkhead::new(traffic.concurrency, traffic.queue),
            pace: Pace::new(traffic.rate, traffic.burst),
            record: Mutex::new(Record::new(Breaker::new(traffic.breaker_failures, traffic.breaker_pause.0))),
            started: Instant::now(),
        })
    }

    /// Makes a call: all of the module's layers, then the answer that [`Classify`] let pass.
    pub async fn send(&self, call: &Call, request: Request) -> Result<Response, SystemError> {
        let started = Instant::now();
        let mut attempts = 0;
        self.answer(call, &request, &mut attempts).await.map_err(|failed| {
            self.log_failure(&request, &failed, attempts, started.elapsed());
            let retry_after = match failed.retry {
                Retry::After(pause) => Some(pause),
                Retry::No | Retry::Backoff => None,
            };
            SystemError { retry_after, detail: failed.detail, ..self.error(request.operation, failed.kind) }
        })
    }

    /// Decodes a JSON answer; a wrong shape is a [`ErrorKind::BadResponse`] whose detail names the path in the body.
    pub fn decode<'a, T: serde::Deserialize<'a>>(
        &self,
        operation: &'static str,
        response: &'a Response,
    ) -> Result<T, SystemError> {
        self.decoded(operation, decode::decode(&response.body))
    }

    /// Takes note of how the decoding of an answer went, for a connector that reads bodies in a way of its own. What is
    /// wrong names the place in the body, and never a value.
    pub fn decoded<T>(&self, operation: &'static str, decoded: Result<T, String>) -> Result<T, SystemError> {
        self.observe_breaker(|breaker, now| breaker.decoded(now, decoded.is_ok()));
        decoded.map_err(|detail| {
            let error = SystemError { detail: Some(detail.into()), ..self.error(operation, ErrorKind::BadResponse) };
            self.record().failed(self.now(), error.kind);
            tracing::warn!(
                upstream.connection = %self.connection,
                upstream.operation = operation,
                upstream.kind = ?error.kind,
                upstream.detail = error.detail.as_deref(),
                "an upstream answer could not be decoded"
            );
            error
        })
    }

    /// An error of this connection.
    pub fn error(&self, operation: &'static str, kind: ErrorKind) -> SystemError {
        SystemError {
            connection: self.connection.clone(),
            system: self.system,
            operation,
            kind,
            retry_after: None,
            detail: None,
        }
    }

    /// How the connection fares.
    pub fn health(&self) -> Health {
        let (wall, now) = (self.clock.now(), self.now());
        let past = |then: Duration| wall.saturating_sub(now.saturating_sub(then)).unwrap_or(wall);
        let future = |wait: Duration| wall.saturating_add(wait).unwrap_or(wall);
        let (running, waiting) = self.bulkhead.load();
        let rate_limited_until = self.pace.shut_for().map(future);
        let record = self.record();
        let (breaker, since) = record.breaker.state();
        Health {
            breaker,
            since: past(since),
            next_probe: record.breaker.next_probe().map(|probe| future(probe.saturating_sub(now))),
            rate_limited_until,
            last_success: record.last_success.map(past),
            last_error: record.last_error.map(|(kind, at)| LastError { kind, at: past(at) }),
            calls: record.calls,
            failures: record.failures,
            retries: record.retries,
            latency: record.latency,
            running,
            waiting,
        }
    }

    /// Attempts made since the start: what the system counts against its quota.
    pub fn calls(&self) -> u64 {
        self.record().calls
    }

    /// All layers around the attempts.
    async fn answer(&self, call: &Call, request: &Request, attempts: &mut u32) -> Result<Response, Failed> {
        let url = allow::url(&self.base_url, &self.allowed, &request.method, &request.path)
            .map_err(|reason| Failed::new(ErrorKind::NotAllowed, Retry::No, reason))?;
        let deadline = call.deadline.checked_sub(MARGIN).unwrap_or(call.deadline);

        // Before waiting for a place: whether it makes sense to.
        let circuit_open = |pause| Failed::refused(ErrorKind::CircuitOpen, Retry::After(pause));
        let rate_limited = |pause| Failed::refused(ErrorKind::RateLimited, Retry::After(pause));
        self.record().breaker.check(self.now()).map_err(circuit_open)?;
        self.pace.fits(deadline).map_err(rate_limited)?;
        let _place =
            self.bulkhead.enter(call.priority, deadline).await.map_err(|kind| Failed::refused(kind, Retry::No))?;

        self.record().budget.earn();
        let mut retries = 0;
        loop {
            self.pace.wait(deadline).await.map_err(rate_limited)?;
            let time = self.attempt_timeout.min(deadline.saturating_duration_since(Instant::now()));
            if time.is_zero() {
                return Err(Failed::refused(ErrorKind::Deadline, Retry::No));
            }
            let pass = self.enter().map_err(circuit_open)?;
            *attempts += 1;
            let failed = match self.attempt(call, pass, time, &url, request).await {
                Ok(response) => return Ok(response),
                Err(failed) => failed,
            };
            if retries >= self.retries {
                return Err(failed);
            }
            let Some(pause) = retry::pause(failed.retry, retries) else { return Err(failed) };
            let left_alone = self.record().breaker.check(self.now()).is_err();
            if left_alone || Instant::now() + pause >= deadline || !self.may_retry() {
                return Err(failed);
            }
            retries += 1;
            sleep(pause).await;
        }
    }

    /// One attempt within `time`, judged and taken note of.
    async fn attempt(
        &self,
        call: &Call,
        mut pass: Pass<'_>,
        time: Duration,
        url: &Url,
        request: &Request,
    ) -> Result<Response, Failed> {
        let started = Instant::now();
        let outcome = match timeout(time, self.exchange(call, url, request)).await {
            Ok(Ok(response)) => match (self.classify)(&response) {
                Ok(()) => Ok(response),
                Err(failure) => Err(Failed::judged(response.status, failure)),
            },
            Ok(Err(failed)) => Err(failed),
            Err(_) if time < self.attempt_timeout => Err(Failed::refused(ErrorKind::Deadline, Retry::No)),
            Err(_) => Err(Failed::new(ErrorKind::Timeout, Retry::No, "no whole answer in time")),
        };
        let took = started.elapsed();
        let status = match &outcome {
            Ok(response) => {
                pass.outcome = Outcome::Answered;
                self.record().succeeded(self.now(), took);
                Some(response.status)
            }
            Err(failed) => {
                pass.outcome = self.verdict(failed.kind, time);
                self.record().failed(self.now(), failed.kind);
                if let (ErrorKind::RateLimited, Retry::After(pause)) = (failed.kind, failed.retry) {
                    self.pace.shut(pause);
                }
                failed.status
            }
        };
        tracing::debug!(
            upstream.connection = %self.connection,
            upstream.operation = request.operation,
            upstream.status = status.map(|status| status.as_u16()),
            duration_ms = millis(took),
            "upstream attempt"
        );
        outcome
    }

    /// Sends. A connection that broke before the answer was most likely closed by the other side while it was idle;
    /// that says nothing about the system, so there is a second one at once.
    async fn exchange(&self, call: &Call, url: &Url, request: &Request) -> Result<Response, Failed> {
        self.count(call);
        let first = self.exchange.send(url, request).await;
        match first {
            Err(failed) if failed.stale && self.may_retry() => {
                self.count(call);
                self.exchange.send(url, request).await
            }
            first => first,
        }
    }

    /// Counts a request that leaves.
    fn count(&self, call: &Call) {
        call.attempt();
        self.record().calls += 1;
    }

    /// Takes a retry from the budget, if there is one left.
    fn may_retry(&self) -> bool {
        let now = self.now();
        let mut record = self.record();
        let may = record.budget.spend(now);
        record.retries += u64::from(may);
        may
    }

    /// What a failure says about the system.
    fn verdict(&self, kind: ErrorKind, time: Duration) -> Outcome {
        match kind {
            // The reader had little time left. Silence for half of the usual time is a sign all the same.
            ErrorKind::Deadline if time < self.attempt_timeout / 2 => Outcome::Unknown,
            ErrorKind::Connect
            | ErrorKind::Timeout
            | ErrorKind::Deadline
            | ErrorKind::Broken
            | ErrorKind::BadResponse => Outcome::Failed,
            _ => Outcome::Answered,
        }
    }

    /// Lets a call past the breaker.
    fn enter(&self) -> Result<Pass<'_>, Duration> {
        let probe = self.record().breaker.enter(self.now())?;
        Ok(Pass { client: self, probe, outcome: Outcome::Unknown })
    }

    /// Tells the breaker something, and logs what it makes of it.
    fn observe_breaker(&self, tell: impl FnOnce(&mut Breaker, Duration)) {
        let now = self.now();
        let mut record = self.record();
        let (before, _) = record.breaker.state();
        tell(&mut record.breaker, now);
        let (after, _) = record.breaker.state();
        drop(record);
        if before != after && after == BreakerState::Closed {
            tracing::info!(upstream.connection = %self.connection, "the system is back: breaker closed");
        } else if before == BreakerState::Closed && after == BreakerState::Open {
            tracing::warn!(upstream.connection = %self.connection, "the system fails: breaker open");
        }
    }

    /// One line per call that failed. What was refused on this side, without asking the system, comes in hundreds when
    /// a system is down, and is a line for those who look closer.
    fn log_failure(&self, request: &Request, failed: &Failed, attempts: u32, took: Duration) {
        macro_rules! log {
            ($level:ident) => {
                tracing::$level!(
                    upstream.connection = %self.connection,
                    upstream.operation = request.operation,
                    upstream.kind = ?failed.kind,
                    upstream.status = failed.status.map(|status| status.as_u16()),
                    upstream.detail = failed.detail.as_deref(),
                    duration_ms = millis(took),
                    attempts,
                    "an upstream call failed"
                )
            };
        }
        if attempts > 0 || failed.kind == ErrorKind::NotAllowed {
            log!(warn);
        } else {
            log!(debug);
        }
    }

    /// Time since the client was built.
    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("connection", &self.connection).finish_non_exhaustive()
    }
}

/// A call that the breaker let through. Dropped on the way, it has said nothing about the system.
struct Pass<'a> {
    client: &'a HttpClient,
    probe: bool,
    outcome: Outcome,
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.client.observe_breaker(|breaker, now| breaker.leave(now, self.probe, self.outcome));
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
