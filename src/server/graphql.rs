//! `POST /graphql`, as GraphQL over HTTP says it: <https://graphql.github.io/graphql-over-http/draft/>.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use async_graphql::parser::types::DocumentOperations;
use async_graphql::{Executor, Value};
use async_graphql_axum::GraphQLResponse;
use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use super::body::Asked;
use super::error::{Refused, identify, name};
use super::media::{self, Media};
use super::request_id::RequestId;
use super::shape::Shape;
use super::{Caller, Door, origin};
use crate::graph::guard;

/// How long after the deadline an answer may come that leaves out what was not there in time.
const GRACE: Duration = Duration::from_millis(500);

/// All methods of `/graphql`.
pub(super) async fn serve<E: Executor>(
    State(door): State<Door<E>>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Response {
    if request.method() == Method::POST {
        return post(&door, &id, request).await;
    }
    let browsing = matches!(*request.method(), Method::GET | Method::HEAD) && media::wants_html(request.headers());
    if browsing && door.options.graphiql {
        return Redirect::to("/graphiql").into_response();
    }
    let refused = Refused::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "Ask with POST.");
    ([(header::ALLOW, "POST")], refused).into_response()
}

async fn post<E: Executor>(door: &Door<E>, id: &RequestId, request: Request) -> Response {
    let mut line = LogLine::new(id);
    let Some(media) = Media::negotiate(request.headers()) else {
        let refused = Refused::new(
            StatusCode::NOT_ACCEPTABLE,
            "NOT_ACCEPTABLE",
            "Accept application/graphql-response+json or application/json.",
        );
        return line.answered(refused.into_response());
    };
    let response = match answer(door, id, request, media, &mut line).await {
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
    media: Media,
    line: &mut LogLine,
) -> Result<Response, Refused> {
    let deadline = Instant::now() + door.options.request_timeout.0;
    let (parts, body) = request.into_parts();
    if !origin::is_own(&parts.headers, &door.options.public_origins) {
        return Err(Refused::new(
            StatusCode::FORBIDDEN,
            "FORBIDDEN",
            "This page may not ask: its origin is not this server's. The setting is server.public_origins.",
        ));
    }
    let asked = Asked::read(&parts.headers, body, &door.options, &door.limits).await?;
    let refuse = |refusal| refused(media, refusal);
    let document = guard::admit(&door.limits, &asked.query).map_err(refuse)?;
    if let Some(operation) = guard::operation(&document, asked.operation.as_deref()) {
        guard::require_variables(&operation.node, &asked.variables).map_err(refuse)?;
    }
    line.operation = operation_name(&document.operations, asked.operation.as_deref());
    let Ok(_place) = door.places.try_acquire() else {
        return Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, "OVERLOADED", "Too many requests at once."));
    };

    let shape = Shape::of(&document, asked.operation.as_deref());
    let mut graphql = async_graphql::Request::new(asked.query).variables(asked.variables);
    graphql.operation_name = asked.operation;
    graphql.set_parsed_query(document);
    let (graphql, finish) = (door.prepare)(&Caller { headers: &parts.headers, request_id: id, deadline }, graphql);
    // Awaited here, not in a task of its own: who hangs up stops what nobody else waits for.
    let executed = AssertUnwindSafe(door.executor.execute(graphql))
        .catch_unwind()
        .instrument(tracing::info_span!("graphql", request.id = %id));
    let mut response = match timeout_at(deadline + GRACE, executed).await {
        Ok(Ok(response)) => response,
        Ok(Err(_panic)) => {
            tracing::error!(request.id = %id, "a resolver panicked");
            return Err(Refused::internal());
        }
        Err(_) => {
            return Err(Refused::new(
                StatusCode::GATEWAY_TIMEOUT,
                "DEADLINE_EXCEEDED",
                "The answer was not there in time.",
            ));
        }
    };
    line.errors = response.errors.len();
    if is_request_error(&response) {
        return Err(Refused::from_errors(not_executed(media), response.errors));
    }
    shape.complete(&mut response.data, &response.errors);
    Ok(executed_response(response, id, media, finish))
}

/// An answer to what was executed, whole or in part.
fn executed_response(
    mut response: async_graphql::Response,
    id: &RequestId,
    media: Media,
    finish: super::Finish,
) -> Response {
    // Errors of the graph have codes. What has none is an argument that async-graphql could not read.
    name(&mut response.errors, "BAD_REQUEST");
    identify(&mut response.errors, id);
    let mut headers = HeaderMap::new();
    finish(&mut response, &mut headers);
    let mut answer = GraphQLResponse::from(response).into_response();
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media.content_type()));
    answer.headers_mut().insert(header::VARY, HeaderValue::from_static("accept"));
    answer.headers_mut().extend(headers);
    answer
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
fn is_request_error(response: &async_graphql::Response) -> bool {
    response.data == Value::Null
        && !response.errors.is_empty()
        && response.errors.iter().all(|error| error.path.is_empty())
}

/// The name of the operation, for the log; only if the document defines it, as it would be any text otherwise.
fn operation_name(operations: &DocumentOperations, asked: Option<&str>) -> Option<String> {
    let DocumentOperations::Multiple(named) = operations else { return None };
    match asked {
        Some(name) => named.keys().find(|known| known.as_str() == name),
        None => named.keys().next().filter(|_| named.len() == 1),
    }
    .map(ToString::to_string)
}

/// One line in the log for each request, also for those whose caller hung up.
struct LogLine {
    id: RequestId,
    start: Instant,
    operation: Option<String>,
    errors: usize,
    status: Option<StatusCode>,
}

impl LogLine {
    fn new(id: &RequestId) -> Self {
        Self { id: id.clone(), start: Instant::now(), operation: None, errors: 0, status: None }
    }

    fn answered(mut self, response: Response) -> Response {
        self.status = Some(response.status());
        response
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        tracing::info!(
            request.id = %self.id,
            graphql.operation = self.operation.as_deref().unwrap_or_default(),
            graphql.errors = self.errors,
            http.status = self.status.map(|status| status.as_u16()),
            outcome = if self.status.is_some() { "answered" } else { "client_cancelled" },
            duration_ms = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX),
            "request"
        );
    }
}
