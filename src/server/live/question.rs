//! A question that is asked again and again.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use async_graphql::{Executor, Name};
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;

use crate::access::Viewer;
use crate::graph::guard::{self, Given};
use crate::graph::{asks_for_a_report, longest_list};
use crate::reads::ReadOptions;
use crate::server::audit::Entry;
use crate::server::body::Asked;
use crate::server::documents::{Chosen, Document};
use crate::server::error::Refused;
use crate::server::execution::{Execution, Finished, is_request_error};
use crate::server::media::Media;
use crate::server::places::Who;
use crate::server::request_id::RequestId;
use crate::server::{Door, audit, freshness, sign_in, urgency};
use crate::systems::{Budget, Priority};

/// A question, understood and within the limits.
pub(super) struct Question {
    document: Arc<Document>,
    asked: Asked,
    viewer: Arc<Viewer>,
    pub(super) who: Who,
    pub(super) id: RequestId,
    address: Option<IpAddr>,
    /// Of a query: how old values may be. What is followed is told again once it has changed.
    max_age: Option<Duration>,
    priority: Priority,
}

/// An answer to it.
pub(super) struct Answer {
    pub(super) body: Bytes,
    /// The kinds of record it is made of, and how many of all were evicted before it was.
    pub(super) parts: u64,
    pub(super) evictions: u64,
    /// Whether nothing failed.
    pub(super) whole: bool,
}

impl Question {
    /// Takes a question of a viewer, if it is one, that was asked with these headers.
    pub(super) fn new<E>(
        door: &Door<E>,
        id: &RequestId,
        address: Option<IpAddr>,
        (viewer, who): (Arc<Viewer>, Who),
        asked: Asked,
        headers: &HeaderMap,
    ) -> Result<Self, Refused> {
        let refused = |refusal: guard::Refusal| Refused::from_errors(StatusCode::BAD_REQUEST, vec![refusal.into()]);
        door.operations.admit(&viewer, &asked.query)?;
        let document = door.documents.get(&door.limits, &asked.query).map_err(refused)?;
        let (id, max_age, priority) = (id.clone(), None, Priority::Interactive);
        let mut question = Self { document, asked, viewer, who, id, address, max_age, priority };
        let chosen = question.chosen()?;
        guard::require_variables(chosen.definition, &question.asked.variables).map_err(refused)?;
        if question.is_subscription() && chosen.known.selections.fields() != 1 {
            return Err(Refused::bad_request(
                "A subscription has exactly one field at its root: follow others beside it.",
            ));
        }
        if !question.is_subscription() {
            question.max_age = freshness::max_age(headers);
        }
        question.priority = urgency::of(headers, || question.longest_list());
        Ok(question)
    }

    fn longest_list(&self) -> usize {
        self.given().map_or(0, |given| longest_list(&self.document.parsed, given))
    }

    fn given(&self) -> Result<Given<'_>, Refused> {
        Ok(Given { operation: self.chosen()?.definition, variables: &self.asked.variables })
    }

    fn chosen(&self) -> Result<Chosen<'_>, Refused> {
        self.document.operation(self.asked.operation.as_deref()).ok_or_else(|| {
            Refused::bad_request(
                "`operationName` names no operation of the document, or is missing where it has several.",
            )
        })
    }

    /// Whether there is anything to follow.
    pub(super) fn is_subscription(&self) -> bool {
        self.chosen().is_ok_and(|chosen| chosen.definition.ty == OperationType::Subscription)
    }

    /// Its name in the document.
    pub(super) fn name(&self) -> Option<String> {
        self.chosen().ok()?.name.map(ToString::to_string)
    }

    /// Asks it. Each time has its line in the audit trail.
    pub(super) async fn ask<E: Executor>(&self, door: &Door<E>) -> Result<Answer, Refused> {
        let (began, audited) = (Instant::now(), door.trail.begin());
        let answer = self.answer(door, began, audited.as_deref()).await;
        let status = answer.as_ref().map_or_else(Refused::status, |_| StatusCode::OK);
        door.trail.end(audited, (&self.id, self.address), began, status)?;
        answer
    }

    /// Nothing is shown that is older than its time to live.
    async fn answer<E: Executor>(
        &self,
        door: &Door<E>,
        began: Instant,
        audited: Option<&Entry>,
    ) -> Result<Answer, Refused> {
        let (chosen, asked, viewer) = (self.chosen()?, &self.asked, &self.viewer);
        let is_report = asks_for_a_report(&self.document.parsed, self.given()?);
        door.sign_in.charge(viewer, sign_in::points(self.longest_list(), is_report).max(1))?;
        let patience = if is_report { door.reports.settings.deadline } else { door.options.request_timeout };
        let deadline = began + patience.0;
        // Nobody else asks again for who follows: a place is waited for.
        let _place = door.places.wait(self.who, deadline).await?;
        let name = chosen.name.map(Name::as_str);
        let reads = &door.reports.reads;
        let evictions = reads.evictions(u64::MAX);
        let options = ReadOptions::new(door.reports.clock.monotonic(), deadline);
        let touched = audited.map(|entry| Arc::clone(&entry.touched));
        let (max_age, priority) = (self.max_age, self.priority);
        let budget = Some(Budget::of(&door.limits, is_report || priority == Priority::Report));
        let viewer_of_this = Arc::clone(viewer);
        let options =
            ReadOptions { viewer: viewer_of_this, stale: false, max_age, priority, touched, budget, ..options };
        let measured = door.measured.operation(&self.id, viewer, name, Some(&asked.query), options.budget.as_ref());
        if let Some(measured) = &measured {
            self.document.exceeded.iter().chain(&asked.exceeded).for_each(|excess| measured.exceeds(excess));
        }
        let observed = Arc::clone(&options.observed);
        let execution = Execution::of(door, &self.document, Some(chosen), viewer);
        if let Some(entry) = audited {
            execution.note(door, entry);
            entry.note(|facts| facts.document = Some(audit::hash(&asked.query)));
        }
        let mut answered = execution.run(door, &self.id, asked, options, Media::GraphQl).await?;
        if is_request_error(&answered.response) {
            return Err(Refused::from_errors(Media::GraphQl.not_executed(), answered.response.errors));
        }
        let Finished { whole, .. } = execution.finish(&mut answered, &self.id, audited);
        let body = execution.written(&answered);
        Ok(Answer { body, parts: observed.parts(), evictions, whole })
    }
}
