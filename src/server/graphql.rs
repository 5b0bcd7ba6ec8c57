//! `POST /graphql`, as GraphQL over HTTP says it: <https://graphql.github.io/graphql-over-http/draft/>; and documents of the
//! binary by their names, `/graphql/p/NAME`.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::parser::types::{ExecutableDocument, OperationType};
use async_graphql::{Executor, Value};
use async_graphql_axum::GraphQLResponse;
use axum::body::Body;
use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use super::answers::{Age, Question, Seen};
use super::body::{self, Asked};
use super::documents::Operation;
use super::error::{Refused, identify, name};
use super::media::Media;
use super::request_id::RequestId;
use super::shape::{self, Shape};
use super::timed::Timed;
use super::{Door, GRACE, audit, explain, freshness, live, operations, origin, sign_in, urgency};
use crate::graph::guard::{self, Given};
use crate::graph::{self, Json, Masked, Plan, asks_for_a_report, longest_list};
use crate::reads::{ReadOptions, Trace};

/// All methods of `/graphql`.
pub(super) async fn serve<E: Executor>(
    State(door): State<Arc<Door<E>>>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Response {
    let is_post = *request.method() == Method::POST;
    if (is_post || *request.method() == Method::GET) && live::is_asked(request.headers()) {
        return live::follow(&door, &id, request).await;
    }
    if is_post {
        return ask(&door, &id, request, None).await;
    }
    let refused = Refused::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "Ask with POST.");
    ([(header::ALLOW, "POST")], refused).into_response()
}

/// `GET` and `POST` with a document of the binary.
pub(super) async fn persisted<E: Executor>(
    State(door): State<Arc<Door<E>>>,
    Extension(id): Extension<RequestId>,
    Path(name): Path<String>,
    request: Request,
) -> Response {
    ask(&door, &id, request, Some(&name)).await
}

/// Answers a POST, or either method with the document of that name.
async fn ask<E: Executor>(door: &Door<E>, id: &RequestId, request: Request, persisted: Option<&str>) -> Response {
    let mut line = LogLine::new(id);
    let Some(media) = Media::negotiate(request.headers()) else {
        let refused = Refused::new(
            StatusCode::NOT_ACCEPTABLE,
            "NOT_ACCEPTABLE",
            "Accept application/graphql-response+json or application/json.",
        );
        return line.answered(refused.into_response());
    };
    let response = match answer(door, id, request, persisted, media, &mut line).await {
        Ok(response) => response,
        Err(refused) if refused.status() == StatusCode::SERVICE_UNAVAILABLE => {
            ([(header::RETRY_AFTER, "1")], refused.media(media)).into_response()
        }
        Err(refused) => refused.media(media).into_response(),
    };
    line.answered(response)
}

async fn answer<E: Executor>(
    door: &Door<E>,
    id: &RequestId,
    request: Request,
    persisted: Option<&str>,
    media: Media,
    line: &mut LogLine,
) -> Result<Response, Refused> {
    let began = Instant::now();
    let (parts, body) = request.into_parts();
    if !origin::is_own(&parts.headers, &door.options.public_origins) {
        return Err(origin::refused());
    }
    let viewer = sign_in::viewer_of(&parts.extensions)?;
    let audited = audit::entry(&parts.extensions);
    let body = match persisted {
        None => body::read(&parts.headers, body, &door.options).await?,
        Some(name) if parts.method == Method::POST => {
            let body = body::read(&parts.headers, body, &door.options).await?;
            operations::by_post(&door.operations, name, parts.uri.query(), &body)?
        }
        Some(name) => operations::by_get(&door.operations, name, parts.uri.query())?,
    };
    let max_age = freshness::max_age(&parts.headers);
    let explained = door.options.explain && viewer.view.explore && explain::is_asked(&parts.headers);
    let trace = explained.then(|| Arc::new(Trace::default()));
    let question = Question::new(&viewer, door.operations.are_all_for(&viewer), body);
    if trace.is_none()
        && let Some((kept, age)) = door.answers.get(&question, max_age)
    {
        line.operation.clone_from(&kept.operation);
        line.kept = true;
        if let (Some(entry), Some(first)) = (&audited, &kept.audited) {
            entry.is_kept(first);
        }
        return Ok(respond(Response::default(), kept.body.clone(), media, Some(age), Some(&kept.etag), &parts.headers));
    }
    let asked = Asked::parse(question.body(), &door.limits, &door.operations)?;
    door.operations.admit(&viewer, &asked.query)?;
    let refuse = |refusal| refused(media, refusal);
    if let Some(entry) = &audited {
        entry.note(|facts| facts.document = Some(audit::hash(&asked.query)));
    }
    let document = door.documents.get(&door.limits, &asked.query).map_err(refuse)?;
    let chosen = document.operation(asked.operation.as_deref());
    if let Some(chosen) = chosen {
        guard::require_variables(chosen.definition, &asked.variables).map_err(refuse)?;
        if chosen.definition.ty == OperationType::Subscription {
            return Err(Refused::bad_request(
                "A subscription is followed: ask with `Accept: text/event-stream`, or over a WebSocket at /graphql/ws.",
            ));
        }
        // By the document's word: what was asked for would be any text otherwise.
        line.operation = chosen.name.map(ToString::to_string);
    }
    let Ok(_place) = door.places.try_acquire() else {
        return Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, "OVERLOADED", "Too many requests at once."));
    };

    let evictions = door.answers.evictions();
    let given = chosen.map(|chosen| Given { operation: chosen.definition, variables: &asked.variables });
    let longest = given.map_or(0, |given| longest_list(&document.parsed, given));
    let priority = urgency::of(&parts.headers, || longest);
    // A question about the whole portfolio has the time of a report, by whichever door it comes.
    let is_report = given.is_some_and(|given| asks_for_a_report(&document.parsed, given));
    door.sign_in.charge(&viewer, sign_in::points(longest, is_report))?;
    let patience = if is_report { door.reports.settings.deadline } else { door.options.request_timeout };
    let options = ReadOptions::new(door.answers.now(), began + patience.0);
    let touched = audited.as_ref().map(|entry| Arc::clone(&entry.touched));
    let (trace_of_this, reader) = (trace.clone(), Arc::clone(&viewer));
    let options = ReadOptions { max_age, priority, touched, trace: trace_of_this, viewer: reader, ..options };
    let observed = Arc::clone(&options.observed);
    let operation = chosen.map(|chosen| chosen.known);
    let masked = given.and_then(|given| door.masks.apply(&document.parsed, given.operation, &viewer.view));
    let shown = masked.as_ref().map_or(&document.parsed, |masked| &masked.document);
    if let Some(entry) = &audited {
        let shown = given.map(|given| door.masks.shown(&document.parsed, given.operation, &viewer.view));
        entry.note(|facts| {
            facts.operation.clone_from(&line.operation);
            facts.classes = shown.unwrap_or_default();
            facts.masked = masked.iter().flat_map(Masked::fields).map(str::to_owned).collect();
        });
    }
    let plan = given.filter(|_| trace.is_some()).map(|given| {
        let operation = guard::operation(shown, asked.operation.as_deref());
        let given = operation.map_or(given, |(_, operation)| Given { operation: &operation.node, ..given });
        Plan::new(shown, given, &door.reports.reads, &viewer.view)
    });
    if masked.is_some() {
        validate(door, &document.parsed, operation, &asked, media).await?;
    }
    let shape = masked.as_ref().and_then(|masked| {
        let (_, operation) = guard::operation(&masked.document, asked.operation.as_deref())?;
        Some(Shape::of(&masked.document, &operation.node))
    });
    let valid = masked.is_some() || operation.is_some_and(|operation| operation.is_valid_with(&asked.variables));
    let mut answered = execute(door, id, shown, valid, asked, options).await?;
    if is_request_error(&answered) {
        line.errors = answered.errors.len();
        return Err(Refused::from_errors(not_executed(media), answered.errors));
    }
    let whole = answered.errors.is_empty();
    if let Some(entry) = &audited {
        entry.note(|facts| facts.partial = !whole);
    }
    if let (Some(operation), true, None) = (operation, whole, &masked) {
        operation.was_executed();
    }
    if let Some(masked) = &masked {
        answered.errors.extend(masked.errors(&viewer.view));
    }
    line.errors = answered.errors.len();
    complete(&mut answered, id);
    if let (Some(plan), Some(trace)) = (plan, trace) {
        answered.extensions.insert("spine".to_owned(), explain::explained(&plan, &trace));
        observed.pin_to_moment();
    }
    let shape = shape.as_ref().or(operation.map(|operation| &operation.shape));
    let text = Bytes::from(written(&answered, shape));
    let age = observed.age().map(|age| Age { age, left: observed.lifetime().filter(|_| whole) });
    let etag = age.and_then(|age| age.left).map(|_| freshness::etag(&text));
    // Who wants everything read anew will not be given it again, and says so to whoever keeps answers on the way.
    if let (Some(etag), true) = (&etag, max_age != Some(Duration::ZERO)) {
        let seen = Seen { observed: &observed, evictions, etag: Arc::clone(etag), audited };
        door.answers.keep(question, &text, line.operation.clone(), &seen);
    }
    // Headers that a resolver has set are async-graphql's to send; the body is written already.
    let headers = async_graphql::Response::default().http_headers(answered.http_headers);
    let response = GraphQLResponse::from(headers).into_response();
    Ok(respond(response, text, media, age, etag.as_deref(), &parts.headers))
}

/// Refuses what is not valid, without executing it. What is masked is executed without the validator, which does not know
/// the mark.
pub(super) async fn validate<E: Executor>(
    door: &Door<E>,
    document: &ExecutableDocument,
    operation: Option<&Operation>,
    asked: &Asked,
    media: Media,
) -> Result<(), Refused> {
    if operation.is_some_and(|operation| operation.is_valid_with(&asked.variables)) {
        return Ok(());
    }
    let mut graphql = async_graphql::Request::new(asked.query.as_str()).variables(asked.variables.clone());
    graphql.operation_name.clone_from(&asked.operation);
    graphql.set_parsed_query(document.clone());
    let mut checked = door.checking.execute(graphql.only_introspection()).await;
    // A valid subscription is refused here all the same, because it is not asked once. The validator says where in the document
    // something is wrong, and this is said of none of its places.
    if is_followed(document, asked) {
        checked.errors.retain(|error| !error.locations.is_empty());
    }
    if checked.errors.is_empty() {
        if let Some(operation) = operation {
            operation.was_executed();
        }
        return Ok(());
    }
    Err(Refused::from_errors(not_executed(media), checked.errors))
}

/// Whether what is asked is a subscription.
fn is_followed(document: &ExecutableDocument, asked: &Asked) -> bool {
    let operation = guard::operation(document, asked.operation.as_deref());
    operation.is_some_and(|(_, operation)| operation.node.ty == OperationType::Subscription)
}

/// The answer to a question; to a subscription it is what is told first.
async fn once<E: Executor>(executor: &E, request: async_graphql::Request, followed: bool) -> async_graphql::Response {
    if followed {
        executor.execute_stream(request, None).next().await.unwrap_or_default()
    } else {
        executor.execute(request).await
    }
}

/// Lets the graph execute a document.
pub(super) async fn execute<E: Executor>(
    door: &Door<E>,
    id: &RequestId,
    document: &ExecutableDocument,
    valid: bool,
    asked: Asked,
    options: ReadOptions,
) -> Result<async_graphql::Response, Refused> {
    let deadline = options.deadline;
    let executor = if valid { &door.trusting } else { &door.checking };
    let followed = is_followed(document, &asked);
    let mut graphql = async_graphql::Request::new(asked.query).variables(asked.variables).data(options);
    graphql.operation_name = asked.operation;
    graphql.set_parsed_query(document.clone());
    // Awaited here, not in a task of its own: who hangs up stops what nobody else waits for.
    let executed = AssertUnwindSafe(once(executor, graphql, followed))
        .catch_unwind()
        .instrument(tracing::info_span!("graphql", request.id = %id));
    match timeout_at(deadline + GRACE, executed).await {
        Ok(Ok(response)) => Ok(response),
        Ok(Err(_panic)) => {
            tracing::error!(request.id = %id, "a resolver panicked");
            Err(Refused::internal())
        }
        Err(_) => {
            Err(Refused::new(StatusCode::GATEWAY_TIMEOUT, "DEADLINE_EXCEEDED", "The answer was not there in time."))
        }
    }
}

/// Puts what failed back as null, and the errors in order.
pub(super) fn complete(response: &mut async_graphql::Response, id: &RequestId) {
    shape::complete(&mut response.data, &response.errors);
    // Errors of the graph have codes. What has none is an argument that async-graphql could not read.
    name(&mut response.errors, "BAD_REQUEST");
    identify(&mut response.errors, id);
    graph::coalesce(response);
}

/// An answer to what was executed, whole or in part.
fn respond(
    mut response: Response,
    body: Bytes,
    media: Media,
    age: Option<Age>,
    etag: Option<&str>,
    request: &HeaderMap,
) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    if let Some(age) = age {
        freshness::tell(age, headers);
    }
    if etag.is_some_and(|etag| freshness::is_known(etag, request, headers)) {
        headers.remove(header::CONTENT_TYPE);
        *response.body_mut() = Body::empty();
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        *response.body_mut() = Body::from(body);
    }
    response
}

/// The text of an answer.
pub(super) fn written(response: &async_graphql::Response, shape: Option<&Shape>) -> Vec<u8> {
    // A list that is written already would otherwise be copied again for the brackets behind it.
    let mut json = Json::with_capacity(1024 + already_written(&response.data));
    json.raw(br#"{"data":"#);
    match shape {
        Some(shape) => shape.write(&response.data, &mut json),
        None => json.value(&response.data),
    }
    if !response.extensions.is_empty() {
        json.raw(br#","extensions":"#);
        json.object(&response.extensions, |json, (key, value)| {
            json.string(key);
            json.raw(b":");
            json.value(value);
        });
    }
    if !response.errors.is_empty() {
        json.raw(br#","errors":"#);
        json.raw(&serde_json::to_vec(&response.errors).unwrap_or_default());
    }
    json.raw(b"}");
    json.into_bytes()
}

/// Bytes of the parts of an answer that are JSON already, where they stand near its root.
fn already_written(data: &Value) -> usize {
    match data {
        Value::Binary(json) => json.len(),
        Value::Object(fields) => fields.values().map(already_written).sum(),
        _ => 0,
    }
}

/// Too large a question is refused whatever the media type; one that is not GraphQL as any that is not executed.
fn refused(media: Media, refusal: guard::Refusal) -> Refused {
    let status = match refusal {
        guard::Refusal::Limit { .. } => StatusCode::BAD_REQUEST,
        _ => not_executed(media),
    };
    Refused::from_errors(status, vec![refusal.into()])
}

/// A document that is not GraphQL, not valid, or asked with unfit variables: a well-formed request all the same, which
/// the older media type answers with 200.
fn not_executed(media: Media) -> StatusCode {
    match media {
        Media::Json => StatusCode::OK,
        Media::GraphQl => StatusCode::BAD_REQUEST,
    }
}

/// Whether nothing was executed: an error of a field has a path.
pub(super) fn is_request_error(response: &async_graphql::Response) -> bool {
    response.data == Value::Null
        && !response.errors.is_empty()
        && response.errors.iter().all(|error| error.path.is_empty())
}

/// One line in the log for each request, also for those whose caller hung up.
struct LogLine {
    request: Timed,
    operation: Option<String>,
    errors: usize,
    /// Whether it was answered with what was answered before.
    kept: bool,
}

impl LogLine {
    fn new(id: &RequestId) -> Self {
        Self { request: Timed::new(id), operation: None, errors: 0, kept: false }
    }

    fn answered(mut self, response: Response) -> Response {
        self.request.answered(&response);
        response
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        tracing::info!(
            request.id = %self.request.id,
            graphql.operation = self.operation.as_deref().unwrap_or_default(),
            graphql.errors = self.errors,
            graphql.kept = self.kept,
            http.status = self.request.status(),
            outcome = self.request.outcome(),
            duration_ms = self.request.millis(),
            "request"
        );
    }
}
