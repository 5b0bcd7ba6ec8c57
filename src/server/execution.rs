//! An operation executed for one viewer: without what they may not see, with its deadline, written in its own order.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_graphql::indexmap::IndexMap;
use async_graphql::parser::types::{ExecutableDocument, OperationDefinition, OperationType};
use async_graphql::{Executor, Name, Request, Response, Value};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use http::StatusCode;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use super::audit::Entry;
use super::body::Asked;
use super::documents::{Chosen, Document};
use super::error::{Refused, identify, name};
use super::media::Media;
use super::nulls;
use super::request_id::RequestId;
use super::{Door, GRACE};
use crate::access::Viewer;
use crate::graph::guard;
use crate::graph::{self, Json, Masked, Selections, Text, wrote_itself};
use crate::reads::ReadOptions;

/// An operation as one viewer may ask it.
pub(super) struct Execution<'a> {
    document: &'a Document,
    /// None if the request names no operation, or one that there is not: the graph says so.
    chosen: Option<Chosen<'a>>,
    viewer: &'a Arc<Viewer>,
    /// None if nothing of it is masked.
    masked: Option<(Masked, Arc<Selections>)>,
}

/// What the graph says.
pub(super) struct Answered {
    pub(super) response: Response,
    text: Arc<Text>,
}

/// How it went.
pub(super) struct Finished {
    /// Whether nothing failed. What is masked did not fail.
    pub(super) whole: bool,
    /// Errors, each place by itself, with one for each field that is masked.
    pub(super) errors: usize,
}

impl<'a> Execution<'a> {
    /// Takes out of an operation what a viewer may not see.
    pub(super) fn of<E>(
        door: &Door<E>,
        document: &'a Document,
        chosen: Option<Chosen<'a>>,
        viewer: &'a Arc<Viewer>,
    ) -> Self {
        let masked = chosen.and_then(|chosen| {
            let masked = door.masks.apply(&document.parsed, chosen.definition, &viewer.view)?;
            let (_, operation) = guard::operation(&masked.document, chosen.name.map(Name::as_str))?;
            let selections = Arc::new(Selections::of(&masked.document, &operation.node));
            Some((masked, selections))
        });
        Self { document, chosen, viewer, masked }
    }

    /// Tells the audit trail who asks for what, and what of it is shown.
    pub(super) fn note<E>(&self, door: &Door<E>, entry: &Entry) {
        let shown =
            self.chosen.map(|chosen| door.masks.shown(&self.document.parsed, chosen.definition, &self.viewer.view));
        entry.note(|facts| {
            facts.viewer = Some(Arc::clone(self.viewer));
            facts.operation = self.chosen.and_then(|chosen| chosen.name).map(ToString::to_string);
            facts.classes = shown.unwrap_or_default();
            facts.masked = self.masked.iter().flat_map(|(masked, _)| masked.fields()).map(str::to_owned).collect();
        });
    }

    /// What is executed.
    pub(super) fn document(&self) -> &ExecutableDocument {
        self.masked.as_ref().map_or(&self.document.parsed, |(masked, _)| &masked.document)
    }

    /// The operation that is executed.
    pub(super) fn operation(&self) -> Option<&OperationDefinition> {
        let chosen = self.chosen?;
        let name = chosen.name.map(Name::as_str);
        guard::operation(self.document(), name).map(|(_, operation)| &operation.node)
    }

    /// What is selected of what is executed.
    fn selections(&self) -> Option<&Arc<Selections>> {
        let masked = self.masked.as_ref().map(|(_, selections)| selections);
        masked.or(self.chosen.map(|chosen| &chosen.known.selections))
    }

    fn is_followed(&self) -> bool {
        self.chosen.is_some_and(|chosen| chosen.definition.ty == OperationType::Subscription)
    }

    /// Lets the graph execute it; of a subscription what is told first. What is not valid is refused.
    pub(super) async fn run<E: Executor>(
        &self,
        door: &Door<E>,
        id: &RequestId,
        asked: &Asked,
        options: ReadOptions,
        media: Media,
    ) -> Result<Answered, Refused> {
        let known = self.chosen.is_some_and(|chosen| chosen.known.is_valid_with(&asked.variables));
        if let Some((_, selections)) = &self.masked {
            if !known {
                self.validate(door, asked, media).await?;
            }
            if self.is_followed() && selections.is_masked() {
                // There is nothing to read; and what stands in for a masked field cannot be followed.
                let response = Response::new(Value::Object(IndexMap::new()));
                return Ok(Answered { response, text: Arc::default() });
            }
        }
        // Who wants to know how it was read is told of one execution.
        let alone = known && self.masked.is_none() && options.trace.is_none();
        if let Some(chosen) = self.chosen.filter(|_| alone)
            && let Some(roots) = chosen.known.roots()
        {
            let request = request(asked, roots).data(options.clone()).data(Arc::clone(&self.document.parsed));
            let answer = self.execute(door, id, &door.trusting, request, options.deadline).await?;
            if wrote_itself(&answer.response) {
                return Ok(answer);
            }
            // What was read is at hand: no system is asked twice.
            chosen.known.needs_all(!answer.response.errors.is_empty());
        }
        let executor = if known || self.masked.is_some() { &door.trusting } else { &door.checking };
        let deadline = options.deadline;
        self.execute(door, id, executor, request(asked, self.document()).data(options), deadline).await
    }

    /// Lets the graph execute a request, while there is time.
    async fn execute<E: Executor>(
        &self,
        door: &Door<E>,
        id: &RequestId,
        executor: &E,
        mut request: Request,
        deadline: Instant,
    ) -> Result<Answered, Refused> {
        let text = Arc::<Text>::default();
        request = request.data(Arc::clone(&text));
        if let Some(selections) = self.selections() {
            request = request.data(Arc::clone(selections));
        }
        // Awaited here, not in a task of its own: who hangs up stops what nobody else waits for.
        let answer = door.reports.reads.turns.work(Box::pin(once(executor, request, self.is_followed())));
        let executed =
            AssertUnwindSafe(answer).catch_unwind().instrument(tracing::info_span!("graphql", request.id = %id));
        match timeout_at(deadline + GRACE, executed).await {
            Ok(Ok(response)) => Ok(Answered { response, text }),
            Ok(Err(_panic)) => {
                tracing::error!(request.id = %id, "a resolver panicked");
                Err(Refused::internal())
            }
            Err(_) => {
                Err(Refused::new(StatusCode::GATEWAY_TIMEOUT, "DEADLINE_EXCEEDED", "The answer was not there in time."))
            }
        }
    }

    /// Refuses what is not valid, without executing it. What is masked is executed without the validator, which does not know
    /// the mark.
    async fn validate<E: Executor>(&self, door: &Door<E>, asked: &Asked, media: Media) -> Result<(), Refused> {
        let request = request(asked, &self.document.parsed).only_introspection();
        let mut checked = door.checking.execute(request).await;
        // A valid subscription is refused here all the same, because it is not asked once. The validator says where in the
        // document something is wrong, and this is said of none of its places.
        if self.is_followed() {
            checked.errors.retain(|error| !error.locations.is_empty());
        }
        if !checked.errors.is_empty() {
            return Err(Refused::from_errors(media.not_executed(), checked.errors));
        }
        self.was_executed();
        Ok(())
    }

    /// What was executed becomes an answer: what failed is null again, and what is masked is said.
    pub(super) fn finish(&self, answered: &mut Answered, id: &RequestId, entry: Option<&Entry>) -> Finished {
        let response = &mut answered.response;
        let whole = response.errors.is_empty();
        if let Some(entry) = entry {
            entry.note(|facts| facts.partial = !whole);
        }
        match &self.masked {
            Some((masked, _)) => response.errors.extend(masked.errors(&self.viewer.view)),
            None if whole => self.was_executed(),
            None => {}
        }
        let errors = response.errors.len();
        nulls::complete(&mut response.data, &response.errors);
        // Errors of the graph have codes. What has none is an argument that async-graphql could not read.
        name(&mut response.errors, "BAD_REQUEST");
        identify(&mut response.errors, id);
        graph::coalesce(response);
        Finished { whole, errors }
    }

    fn was_executed(&self) {
        if let Some(chosen) = self.chosen {
            chosen.known.was_executed();
        }
    }

    /// The text of an answer.
    pub(super) fn written(&self, Answered { response, text }: &Answered) -> Bytes {
        if let Some(text) = text.of(response) {
            return text;
        }
        // A list that is written already would otherwise be copied again for the brackets behind it.
        let mut json = Json::with_capacity(1024 + already_written(&response.data));
        json.raw(br#"{"data":"#);
        match self.selections() {
            Some(selections) => selections.write(&response.data, &mut json),
            None => json.value(&response.data),
        }
        if !response.extensions.is_empty() {
            json.raw(br#","extensions":"#);
            json.object(&response.extensions, |json, (key, value)| {
                json.string(key);
                json.byte(b':');
                json.value(value);
            });
        }
        if !response.errors.is_empty() {
            json.raw(br#","errors":"#);
            json.raw(&serde_json::to_vec(&response.errors).unwrap_or_default());
        }
        json.byte(b'}');
        json.into_bytes().into()
    }
}

/// What is asked, by a document that is parsed already: its text is not looked at.
fn request(asked: &Asked, document: &ExecutableDocument) -> Request {
    let mut request = Request::new("").variables(asked.variables.clone());
    request.operation_name.clone_from(&asked.operation);
    request.set_parsed_query(document.clone());
    request
}

/// The answer to a question; to a subscription it is what is told first.
async fn once<E: Executor>(executor: &E, request: Request, followed: bool) -> Response {
    if followed {
        executor.execute_stream(request, None).next().await.unwrap_or_default()
    } else {
        executor.execute(request).await
    }
}

/// Bytes of the parts of an answer that are JSON already, where they stand near its root.
fn already_written(data: &Value) -> usize {
    match data {
        Value::Binary(json) => json.len(),
        Value::Object(fields) => fields.values().map(already_written).sum(),
        _ => 0,
    }
}

/// Whether nothing was executed: an error of a field has a path.
pub(super) fn is_request_error(response: &Response) -> bool {
    response.data == Value::Null
        && !response.errors.is_empty()
        && response.errors.iter().all(|error| error.path.is_empty())
}
