//! The audit trail: one line for each operation, of who asked, in which role, for what, what was read for it and what was not
//! shown. It holds no values. docs/audit.md is the contract of a line.
//!
//! The doors tell an [`Entry`] what they learn; the layer writes the line when the answer is made, or when whoever asked has
//! gone.

mod line;
mod sink;

use std::fmt::Write;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest;
use axum::extract::{MatchedPath, Request};
use axum::response::{IntoResponse, Response};
use http::{Extensions, StatusCode};
use tokio::time::Instant;

use super::error::Refused;
use super::request_id::RequestId;
use super::sign_in::Peer;
use crate::access::Viewer;
use crate::config;
use crate::domain::{Classes, Clock};
use crate::reads::Touched;
use line::Line;
use sink::Sink;

/// The trail; without a sink nothing is written.
#[derive(Debug)]
pub struct Trail {
    sink: Option<Sink>,
    config: config::Audit,
    clock: Arc<dyn Clock>,
}

/// What is known of an operation.
#[derive(Debug, Default)]
pub(super) struct Entry {
    facts: Mutex<Facts>,
    /// What was read for it.
    pub(super) touched: Arc<Touched>,
}

/// What a door says of an operation.
#[derive(Debug, Clone, Default)]
pub(super) struct Facts {
    /// Who asks; none if they were not let in.
    pub(super) viewer: Option<Arc<Viewer>>,
    /// Who it was that was not let in, if that is known.
    pub(super) refused_subject: Option<String>,
    /// Its name: of the document's operation, of the report, of the set.
    pub(super) operation: Option<String>,
    /// SHA-256 of the document's text.
    pub(super) document: Option<String>,
    /// The classes of what is shown.
    pub(super) classes: Classes,
    /// The fields that are not.
    pub(super) masked: Vec<String>,
    /// Whether an error stands in it.
    pub(super) partial: bool,
    /// What was read for the answer that is given again.
    pub(super) kept: Option<Arc<Touched>>,
}

impl Trail {
    /// Opens the trail. An error says which setting cannot be, and why.
    pub fn open(config: &config::Audit, clock: Arc<dyn Clock>) -> Result<Self, (&'static str, String)> {
        Ok(Self { sink: Sink::open(config)?, config: config.clone(), clock })
    }

    /// Whether it is as the configuration says.
    pub fn is_of(&self, config: &config::Audit) -> bool {
        self.config == *config
    }

    /// The entry of an operation that has no request of its own: an event of what is followed. None if there is no trail.
    pub(super) fn begin(&self) -> Option<Arc<Entry>> {
        self.sink.as_ref().map(|_| Arc::default())
    }

    /// Writes the line of such an operation, that began `at`. An error says that it must not be answered without.
    pub(super) fn end(
        &self,
        entry: Option<Arc<Entry>>,
        (id, address): (&RequestId, Option<IpAddr>),
        at: Instant,
        status: StatusCode,
    ) -> Result<(), Refused> {
        let (Some(sink), Some(entry)) = (&self.sink, entry) else { return Ok(()) };
        let began = Began { at, id: Some(id.clone()), address, door: "subscription", entry };
        self.write(sink, &began, Some(status)).or_else(|error| self.unwritten(&error))
    }

    /// What becomes of an answer whose line could not be written.
    fn unwritten(&self, error: &std::io::Error) -> Result<(), Refused> {
        tracing::error!(%error, "a line of the audit trail could not be written");
        if !self.config.required {
            return Ok(());
        }
        let message = "The audit trail cannot be written, and nothing is answered without it.";
        Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, "AUDIT_UNAVAILABLE", message))
    }

    fn write(&self, sink: &Sink, began: &Began, status: Option<StatusCode>) -> std::io::Result<()> {
        let facts = began.entry.facts();
        let reads = facts.kept.as_ref().unwrap_or(&began.entry.touched).reads();
        let millis = u64::try_from(began.at.elapsed().as_millis()).unwrap_or(u64::MAX);
        let from = (began.id.as_ref(), began.address, began.door);
        sink.write(&Line::new(self.clock.now(), from, &facts, &reads, status, millis))
    }
}

impl Entry {
    /// Takes note of what a door knows.
    pub(super) fn note(&self, note: impl FnOnce(&mut Facts)) {
        note(&mut self.facts.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Takes note that what was answered before is answered again.
    pub(super) fn is_kept(&self, first: &Self) {
        let known = first.facts();
        let touched = known.kept.clone().unwrap_or_else(|| Arc::clone(&first.touched));
        self.note(|facts| {
            let viewer = facts.viewer.take();
            *facts = Facts { viewer, kept: Some(touched), ..known };
        });
    }

    /// What it holds, in bytes, roughly.
    pub(super) fn bytes(&self) -> usize {
        let facts = self.facts.lock().unwrap_or_else(PoisonError::into_inner);
        let masked: usize = facts.masked.iter().map(|field| field.len() + 40).sum();
        // With who asks, whom each request has for itself, and two hashes and names.
        size_of::<Self>() + 1024 + masked + self.touched.bytes()
    }

    pub(super) fn facts(&self) -> Facts {
        self.facts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The entry of a request; none if there is no trail.
pub(super) fn entry(extensions: &Extensions) -> Option<Arc<Entry>> {
    extensions.get().cloned()
}

/// From which address a request comes.
pub(super) fn address(extensions: &Extensions) -> Option<IpAddr> {
    extensions.get().map(|Peer(address)| *address)
}

/// The name of a document: SHA-256 of its text, in hexadecimal.
pub(super) fn hash(document: &str) -> String {
    let digest = digest::digest(&digest::SHA256, document.as_bytes());
    let mut text = String::from("sha256:");
    for byte in digest.as_ref() {
        let written = write!(text, "{byte:02x}");
        debug_assert!(written.is_ok(), "writing to memory failed");
    }
    text
}

/// An operation that has begun.
struct Began {
    at: Instant,
    id: Option<RequestId>,
    address: Option<IpAddr>,
    door: &'static str,
    entry: Arc<Entry>,
}

/// Writes the line of an operation whose asker has gone.
struct Gone {
    trail: Arc<Trail>,
    began: Option<Began>,
}

impl Drop for Gone {
    fn drop(&mut self) {
        if let (Some(began), Some(sink)) = (self.began.take(), &self.trail.sink)
            && let Err(error) = self.trail.write(sink, &began, None)
        {
            tracing::error!(%error, "a line of the audit trail could not be written");
        }
    }
}

/// The layer around all that answers with what systems know.
pub(super) async fn trail<Answer: Future<Output = Response>>(
    trail: &Arc<Trail>,
    mut request: Request,
    answer: impl FnOnce(Request) -> Answer,
) -> Response {
    let Some(sink) = &trail.sink else { return answer(request).await };
    let Some(door) = door(request.extensions()) else { return answer(request).await };
    let entry = Arc::new(Entry::default());
    request.extensions_mut().insert(Arc::clone(&entry));
    let id = request.extensions().get::<RequestId>().cloned();
    let address = address(request.extensions());
    let began = Began { at: Instant::now(), id, address, door, entry };
    let mut gone = Gone { trail: Arc::clone(trail), began: Some(began) };
    let response = answer(request).await;
    let Some(began) = gone.began.take() else { return response };
    let written = trail.write(sink, &began, Some(response.status())).or_else(|error| trail.unwritten(&error));
    written.map_or_else(Refused::into_response, |()| response)
}

/// Which door a request came by; none if it leads to nothing that systems know.
fn door(extensions: &Extensions) -> Option<&'static str> {
    let route = extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    match route.split('/').nth(1) {
        Some("graphql") => Some("graphql"),
        Some("reports") if route != "/reports" && route != "/reports/metrics" => Some("report"),
        Some("odata") => Some("odata"),
        _ => None,
    }
}
