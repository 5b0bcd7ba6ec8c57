//! What stands around every call to a system, whatever it speaks, in this order:
//!
//! breaker → bulkhead → rate → attempt (time) → judgement → retry (budget, the pause that the system asks for).
//!
//! Before each attempt the operations that wait for it pay for it: see [`Budget`](super::Budget).
//!
//! One deadline bounds all of it: no attempt and no pause is begun that cannot end in time. The attempt itself is the
//! client's: [`HttpClient`](super::http::HttpClient) sends a request in it.

mod adapt;
pub mod address;
mod breaker;
mod bulkhead;
mod health;
mod pace;
mod retry;
#[cfg(test)]
mod tests;

use std::fmt;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

pub use breaker::BreakerState;
pub use health::{Health, HealthStatus, LastError, Quota};
pub use retry::Retry;

use super::{Call, ErrorKind, SystemError};
use crate::config::Traffic;
use crate::domain::{Clock, ConnectionName};
use adapt::Signal;
use breaker::{Breaker, Outcome};
use bulkhead::{Bulkhead, Load};
use health::Record;
use pace::Pace;

/// What a connection reads through: a client that knows how its system fares.
pub trait Upstream: fmt::Debug + Send + Sync {
    /// Where it is, e.g. `https://api.example.com` or `books.example.com:5432`. No secret is in it.
    fn address(&self) -> String;

    /// How the system fares.
    fn health(&self) -> Health;
}

/// Time left over at the end of a read, to hand the answer on before the reader is gone.
const MARGIN: Duration = Duration::from_millis(100);

/// What guards the calls of one client.
pub(super) struct Guard {
    connection: ConnectionName,
    system: &'static str,
    attempt_timeout: Duration,
    retries: u32,
    pub(super) clock: Arc<dyn Clock>,
    bulkhead: Arc<Bulkhead>,
    pace: Pace,
    record: Mutex<Record>,
    pub(super) started: Instant,
}

/// An attempt that failed.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) kind: ErrorKind,
    pub(super) retry: Retry,
    pub(super) detail: Option<Arc<str>>,
    /// Status of the answer, if one came that has one.
    pub(super) status: Option<u16>,
    /// The connection broke before the answer began: most likely one that the other side had closed while it was idle.
    pub(super) stale: bool,
}

impl Failed {
    pub(super) fn new(kind: ErrorKind, retry: Retry, detail: impl Into<Arc<str>>) -> Self {
        Self { kind, retry, detail: Some(detail.into()), status: None, stale: false }
    }

    /// A call that ends on this side.
    pub(super) fn refused(kind: ErrorKind, retry: Retry) -> Self {
        Self { kind, retry, detail: None, status: None, stale: false }
    }
}

impl Guard {
    /// Nothing was called yet.
    pub(super) fn new(
        connection: ConnectionName,
        system: &'static str,
        traffic: &Traffic,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            connection,
            system,
            attempt_timeout: traffic.attempt_timeout.0,
            retries: traffic.retries,
            clock,
            bulkhead: Bulkhead::new(traffic.concurrency, traffic.queue),
            pace: Pace::new(traffic.rate, traffic.burst),
            record: Mutex::new(Record::new(Breaker::new(traffic.breaker_failures, traffic.breaker_pause.0))),
            started: Instant::now(),
        }
    }

    /// The connection.
    pub(super) fn connection(&self) -> &ConnectionName {
        &self.connection
    }

    /// Makes a call: as many attempts as it takes and may take. An attempt gets the time it has.
    pub(super) async fn call<T, A: Future<Output = Result<T, Failed>> + Send>(
        &self,
        call: &Call,
        operation: &'static str,
        attempt: impl Fn(Duration) -> A + Send + Sync,
    ) -> Result<T, SystemError> {
        let (started, mut attempts) = (Instant::now(), 0);
        let answer = self.answer(call, operation, &attempt, &mut attempts).await;
        answer.map_err(|failed| self.fail(operation, failed, attempts, started.elapsed()))
    }

    /// A call that is refused before anything of it is done.
    pub(super) fn refuse(&self, operation: &'static str, failed: Failed) -> SystemError {
        self.fail(operation, failed, 0, Duration::ZERO)
    }

    /// Counts a request that leaves.
    pub(super) fn count(&self, call: &Call) {
        call.attempt();
        self.record().calls += 1;
    }

    /// Takes note of what time the system says it is.
    pub(super) fn told_time(&self, time: jiff::Timestamp) {
        let skew = time.duration_since(self.clock.now());
        self.record().clock_skew = Some(skew);
    }

    /// Takes note of what is left of the system's quota.
    pub(super) fn told_quota(&self, quota: Quota) {
        self.record().quota = Some(quota);
    }

    /// Takes a retry from the budget, if there is one left.
    pub(super) fn may_retry(&self) -> bool {
        let now = self.now();
        let mut record = self.record();
        let may = record.budget.spend(now);
        record.retries += u64::from(may);
        may
    }

    /// Takes note of how the decoding of an answer went. What is wrong names the place in the answer, and never a value.
    pub(super) fn decoded<T>(&self, operation: &'static str, decoded: Result<T, String>) -> Result<T, SystemError> {
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
    pub(super) fn error(&self, operation: &'static str, kind: ErrorKind) -> SystemError {
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
    pub(super) fn health(&self) -> Health {
        let (wall, now) = (self.clock.now(), self.now());
        let past = |then: Duration| wall.saturating_sub(now.saturating_sub(then)).unwrap_or(wall);
        let future = |wait: Duration| wall.saturating_add(wait).unwrap_or(wall);
        let Load { running, waiting, places } = self.bulkhead.load();
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
            clock_skew: record.clock_skew,
            quota: record.quota,
            running,
            waiting,
            places,
        }
    }

    /// Attempts made since the start: what the system counts against its quota.
    pub(super) fn calls(&self) -> u64 {
        self.record().calls
    }

    /// All layers around the attempts.
    async fn answer<T, A: Future<Output = Result<T, Failed>> + Send>(
        &self,
        call: &Call,
        operation: &'static str,
        attempt: &(impl Fn(Duration) -> A + Send + Sync),
        attempts: &mut u32,
    ) -> Result<T, Failed> {
        let deadline = call.deadline.checked_sub(MARGIN).unwrap_or(call.deadline);

        // Before waiting for a place: whether it makes sense to.
        let circuit_open = |pause| Failed::refused(ErrorKind::CircuitOpen, Retry::After(pause));
        let rate_limited = |pause| Failed::refused(ErrorKind::RateLimited, Retry::After(pause));
        let no_budget = |exhausted| Failed::refused(ErrorKind::Budget(exhausted), Retry::No);
        call.can_pay().map_err(no_budget)?;
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
            call.pay().map_err(no_budget)?;
            *attempts += 1;
            // In a place of its own: it is large, and would be carried along in all that is wrapped around it.
            let failed = match self.attempt(operation, pass, time, Box::pin(attempt(time))).await {
                Ok(answer) => return Ok(answer),
                Err(failed) => failed,
            };
            if retries >= self.retries {
                return Err(failed);
            }
            let Some(pause) = retry::pause(failed.retry, retries) else { return Err(failed) };
            let left_alone = self.record().breaker.check(self.now()).is_err();
            if left_alone || Instant::now() + pause >= deadline || call.can_pay().is_err() || !self.may_retry() {
                return Err(failed);
            }
            retries += 1;
            sleep(pause).await;
        }
    }

    /// One attempt within `time`, taken note of.
    async fn attempt<T>(
        &self,
        operation: &'static str,
        mut pass: Pass<'_>,
        time: Duration,
        attempt: impl Future<Output = Result<T, Failed>>,
    ) -> Result<T, Failed> {
        let started = Instant::now();
        let outcome = match timeout(time, attempt).await {
            Ok(outcome) => outcome,
            Err(_) if time < self.attempt_timeout => Err(Failed::refused(ErrorKind::Deadline, Retry::No)),
            Err(_) => Err(Failed::new(ErrorKind::Timeout, Retry::No, "no whole answer in time")),
        };
        let took = started.elapsed();
        match &outcome {
            Ok(_) => {
                pass.outcome = Outcome::Answered;
                self.record().succeeded(self.now(), took);
                self.bulkhead.observe(self.now(), took, Signal::Answered);
            }
            Err(failed) => {
                pass.outcome = self.verdict(failed.kind, time);
                self.record().failed(self.now(), failed.kind);
                if is_overload(failed, pass.outcome) {
                    self.bulkhead.observe(self.now(), took, Signal::Overloaded);
                }
                if let (ErrorKind::RateLimited, Retry::After(pause)) = (failed.kind, failed.retry) {
                    self.pace.shut(pause);
                }
            }
        }
        tracing::debug!(
            upstream.connection = %self.connection,
            upstream.operation = operation,
            upstream.status = outcome.as_ref().err().and_then(|failed| failed.status),
            duration_ms = millis(took),
            "upstream attempt"
        );
        outcome
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
        Ok(Pass { guard: self, probe, outcome: Outcome::Unknown })
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

    /// A call that failed, as its reader hears of it, and one line of it in the log. What was refused on this side,
    /// without asking the system, comes in hundreds when a system is down, and is a line for those who look closer.
    fn fail(&self, operation: &'static str, failed: Failed, attempts: u32, took: Duration) -> SystemError {
        macro_rules! log {
            ($level:ident) => {
                tracing::$level!(
                    upstream.connection = %self.connection,
                    upstream.operation = operation,
                    upstream.kind = ?failed.kind,
                    upstream.status = failed.status,
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
        let retry_after = match failed.retry {
            Retry::After(pause) => Some(pause),
            Retry::No | Retry::Backoff => None,
        };
        SystemError { retry_after, detail: failed.detail, ..self.error(operation, failed.kind) }
    }

    /// Time since the client was built.
    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    fn record(&self) -> MutexGuard<'_, Record> {
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("connection", &self.connection).finish_non_exhaustive()
    }
}

/// A call that the breaker let through. Dropped on the way, it has said nothing about the system.
struct Pass<'a> {
    guard: &'a Guard,
    probe: bool,
    outcome: Outcome,
}

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.guard.observe_breaker(|breaker, now| breaker.leave(now, self.probe, self.outcome));
    }
}

/// Whether a failure says that the system is asked too much: it says so (429, 503), or is silent. What else fails says
/// nothing of how much it takes.
fn is_overload(failed: &Failed, outcome: Outcome) -> bool {
    match failed.kind {
        ErrorKind::RateLimited | ErrorKind::Timeout => true,
        ErrorKind::Deadline => outcome == Outcome::Failed,
        _ => failed.status == Some(503),
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
