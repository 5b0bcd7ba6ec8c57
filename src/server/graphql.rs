//! `POST /graphql`, as GraphQL over HTTP says it: <https://graphql.github.io/graphql-over-http/draft/>; and documents of the
//! binary by their names, `/graphql/p/NAME`.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::Executor;
use async_graphql::parser::types::OperationType;
use async_graphql_axum::GraphQLResponse;
use axum::body::Body;
use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use tokio::time::Instant;

use super::answers::{Age, Question, Seen};
use super::body::{self, Asked};
use super::error::Refused;
use super::execution::{Execution, Finished, is_request_error};
use super::media::Media;
use super::request_id::RequestId;
use super::timed::Timed;
use super::{Door, audit, explain, freshness, live, operations, origin, sign_in, urgency};
use crate::graph::guard::{self, Given};
use crate::graph::{Plan, asks_for_a_report, longest_list};
use crate::reads::{ReadOptions, Trace};
use crate::systems::{Budget, Priority};

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
    let _place = door.places.take(door.places.who(&viewer, &parts.extensions))?;
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

    let before = door.answers.before();
    let given = chosen.map(|chosen| Given { operation: chosen.definition, variables: &asked.variables });
    let longest = given.map_or(0, |given| longest_list(&document.parsed, given));
    let priority = urgency::of(&parts.headers, || longest);
    // A question about the whole portfolio has the time of a report, by whichever door it comes.
    let is_report = given.is_some_and(|given| asks_for_a_report(&document.parsed, given));
    let budget = Budget::of(&door.limits, is_report || priority == Priority::Report);
    let name = line.operation.as_deref();
    let measured = door.measured.operation(id, &viewer, name, Some(&asked.query), Some(&budget));
    if let Some(measured) = &measured {
        document.exceeded.iter().chain(&asked.exceeded).for_each(|excess| measured.exceeds(excess));
    }
    door.sign_in.charge(&viewer, sign_in::points(longest, is_report))?;
    let patience = if is_report { door.reports.settings.deadline } else { door.options.request_timeout };
    let options = ReadOptions::new(door.answers.now(), began + patience.0);
    let touched = audited.as_ref().map(|entry| Arc::clone(&entry.touched));
    let (trace_of_this, reader) = (trace.clone(), Arc::clone(&viewer));
    let options = ReadOptions {
        max_age,
        priority,
        touched,
        trace: trace_of_this,
        viewer: reader,
        budget: Some(Arc::clone(&budget)),
        ..options
    };
    let observed = Arc::clone(&options.observed);
    let execution = Execution::of(door, &document, chosen, &viewer);
    if let Some(entry) = &audited {
        execution.note(door, entry);
    }
    let plan = execution.operation().filter(|_| trace.is_some()).map(|operation| {
        let given = Given { operation, variables: &asked.variables };
        Plan::new(execution.document(), given, &door.reports.reads, &viewer.view)
    });
    let mut answered = execution.run(door, id, &asked, options, media).await?;
    if is_request_error(&answered.response) {
        line.errors = answered.response.errors.len();
        return Err(Refused::from_errors(media.not_executed(), answered.response.errors));
    }
    let Finished { whole, errors } = execution.finish(&mut answered, id, audited.as_deref());
    line.errors = errors;
    if let (Some(plan), Some(trace)) = (plan, trace) {
        answered.response.extensions.insert("spine".to_owned(), explain::explained(&plan, &trace, &budget));
        observed.pin_to_moment();
    }
    let text = execution.written(&answered);
    let now = door.answers.now();
    let age = observed.age(now).map(|age| Age { age, left: observed.lifetime(now).filter(|_| whole) });
    let etag = age.and_then(|age| age.left).map(|_| freshness::etag(&text));
    // Who wants everything read anew will not be given it again, and says so to whoever keeps answers on the way.
    if let (Some(etag), true) = (&etag, max_age != Some(Duration::ZERO)) {
        let seen = Seen { observed: &observed, before, etag: Arc::clone(etag), audited };
        door.answers.keep(question, &text, line.operation.clone(), &seen);
    }
    // Headers that a resolver has set are async-graphql's to send; the body is written already.
    let headers = async_graphql::Response::default().http_headers(answered.response.http_headers);
    let response = GraphQLResponse::from(headers).into_response();
    Ok(respond(response, text, media, age, etag.as_deref(), &parts.headers))
}

/// Headers of an answer, with those that every answer carries: so many have room at once.
const HEADERS: usize = 13;

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
    headers.reserve(HEADERS);
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

/// Too large a question is refused whatever the media type; one that is not GraphQL as any that is not executed.
fn refused(media: Media, refusal: guard::Refusal) -> Refused {
    let status = match refusal {
        guard::Refusal::Limit { .. } => StatusCode::BAD_REQUEST,
        _ => media.not_executed(),
    };
    Refused::from_errors(status, vec![refusal.into()])
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
