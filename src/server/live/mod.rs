//! Questions that are followed: asked at once, and asked again after each change that may touch what they read.
//!
//! An event is an answer like any other: read for it, masked for who follows, with its own deadline. What comes out as
//! before is not told again. Changes within a second are told together.

mod event_stream;
mod question;
mod socket;

use std::sync::Arc;
use std::time::Duration;

use async_graphql::Executor;
use bytes::Bytes;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until};

pub(super) use event_stream::{follow, is_asked};
pub(super) use socket::connect;

use super::Door;
use super::error::Refused;
use super::places::Place;
use super::request_id::RequestId;
use crate::access::Viewer;
use crate::domain::Clock;
use crate::reads::Changed;
use question::{Answer, Question};

/// The least time between two events.
const PAUSE: Duration = Duration::from_secs(1);

/// After how long what could not be read is asked for again.
const AGAIN: Duration = Duration::from_secs(10);

/// For how long somebody may follow with one sign-in: their role may be another by then.
const LONGEST: Duration = Duration::from_hours(1);

/// Until when somebody may follow who signs in now: not beyond their key or token.
fn until(viewer: &Viewer, clock: &dyn Clock) -> Instant {
    let good = viewer.principal.until.map(|until| until.duration_since(clock.now()));
    let good = good.map_or(LONGEST, |good| Duration::try_from(good).unwrap_or_default());
    Instant::now() + good.min(LONGEST)
}

/// What a question that is followed tells.
#[derive(Debug)]
enum Told {
    /// An answer, as JSON.
    Event(Bytes),
    /// It was answered, and there is nothing to follow.
    Complete,
    /// It cannot be answered.
    Refused(Refused),
    /// The server stops or has a new configuration, or it was followed for as long as one may: ask again.
    Interrupted,
}

/// A question that is followed.
struct Following<E> {
    door: Arc<Door<E>>,
    question: Question,
    changes: broadcast::Receiver<Changed>,
    /// The last answer.
    last: Option<Answer>,
    /// When the next event may be told at the earliest.
    next: Instant,
    until: Instant,
    line: LogLine,
    _place: Place,
}

impl<E: Executor> Following<E> {
    /// Takes a place for a question among all that are followed.
    fn new(door: &Arc<Door<E>>, question: Question, until: Instant) -> Result<Self, Refused> {
        let place = door.followed.take(question.who)?;
        let now = Instant::now();
        Ok(Self {
            door: Arc::clone(door),
            changes: door.reports.reads.changes(),
            last: None,
            next: now,
            until,
            line: LogLine { id: question.id.clone(), operation: question.name(), events: 0, start: now },
            question,
            _place: place,
        })
    }

    /// What is told next. After anything but an event there is nothing more to tell.
    async fn next(&mut self) -> Told {
        let stopping = self.door.draining.clone();
        let until = self.until;
        tokio::select! {
            // Whoever may no longer follow is told nothing, even if it is at hand.
            biased;
            () = stopping.cancelled() => Told::Interrupted,
            () = sleep_until(until) => Told::Interrupted,
            told = self.tell() => told,
        }
    }

    async fn tell(&mut self) -> Told {
        loop {
            if let Some(last) = &self.last {
                if !self.question.is_subscription() {
                    return Told::Complete;
                }
                changed(&self.door, &mut self.changes, last).await;
                sleep_until(self.next).await;
            }
            let answer = match self.question.ask(&self.door).await {
                Ok(answer) => answer,
                Err(refused) => return Told::Refused(refused),
            };
            self.next = Instant::now() + PAUSE;
            let is_new = self.last.as_ref().is_none_or(|last| last.body != answer.body);
            let body = answer.body.clone();
            self.last = Some(answer);
            if is_new {
                self.line.events += 1;
                return Told::Event(body);
            }
        }
    }
}

/// Waits until what an answer was made of may have changed, or until it makes sense to ask again for what failed.
async fn changed<E>(door: &Door<E>, changes: &mut broadcast::Receiver<Changed>, last: &Answer) {
    let reads = &door.reports.reads;
    let again = Instant::now() + AGAIN;
    while reads.evictions(last.parts) <= last.evictions {
        tokio::select! {
            told = changes.recv() => if matches!(told, Err(RecvError::Closed)) {
                return std::future::pending().await;
            },
            () = sleep_until(again), if !last.whole => return,
        }
    }
}

/// One line in the log for each question that was followed, when that is over.
struct LogLine {
    id: RequestId,
    operation: Option<String>,
    events: usize,
    start: Instant,
}

impl Drop for LogLine {
    fn drop(&mut self) {
        tracing::info!(
            request.id = %self.id,
            graphql.operation = self.operation.as_deref().unwrap_or_default(),
            graphql.events = self.events,
            duration_ms = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX),
            "followed"
        );
    }
}
