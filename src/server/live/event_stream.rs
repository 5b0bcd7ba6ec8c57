//! Questions followed by server-sent events, as the protocol `graphql-sse` has them in its mode of distinct connections:
//! `POST` or `GET /graphql` with `Accept: text/event-stream`, one question per request.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Executor;
use axum::body::Body;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::question::Question;
use super::{Following, Told, until};
use crate::server::body::{self, Asked};
use crate::server::error::Refused;
use crate::server::media;
use crate::server::request_id::RequestId;
use crate::server::{Door, audit, origin, sign_in};

const MEDIA: &str = "text/event-stream";

/// After how long without an event a line is sent that says nothing: it keeps proxies from closing, and finds out who left.
const HEARTBEAT: Duration = Duration::from_secs(12);

/// Whether an answer is to come as events.
pub(in crate::server) fn is_asked(headers: &HeaderMap) -> bool {
    media::is_named(headers, MEDIA)
}

/// Follows the question of a request.
pub(in crate::server) async fn follow<E: Executor>(door: &Arc<Door<E>>, id: &RequestId, request: Request) -> Response {
    match begin(door, id, request).await {
        Ok(following) => events(id.clone(), following),
        Err(refused) => refused.into_response(),
    }
}

/// What is wrong with the request is told by its status; what is wrong with the question as an event, because browsers do not
/// let their pages see anything else.
async fn begin<E: Executor>(
    door: &Arc<Door<E>>,
    id: &RequestId,
    request: Request,
) -> Result<Result<Following<E>, Refused>, Refused> {
    let (parts, body) = request.into_parts();
    if !origin::is_own(&parts.headers, &door.options.public_origins) {
        return Err(origin::refused());
    }
    let viewer = sign_in::viewer_of(&parts.extensions)?;
    let body = match parts.method {
        Method::POST => body::read(&parts.headers, body, &door.options).await?,
        _ => in_address(parts.uri.query().unwrap_or_default())?,
    };
    let asked = Asked::parse(&body, &door.limits, &door.operations)?;
    let who = door.places.who(&viewer, &parts.extensions);
    let until = until(&viewer, &*door.reports.clock);
    let question = Question::new(door, id, audit::address(&parts.extensions), (viewer, who), asked, &parts.headers);
    match question {
        Ok(question) => Following::new(door, question, until).map(Ok),
        Err(refused) => Ok(Err(refused)),
    }
}

/// The body of the `POST` that would ask the same as the parameters of an address.
fn in_address(query: &str) -> Result<Vec<u8>, Refused> {
    let mut members: Vec<(String, String)> = Vec::new();
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let json = match name.as_ref() {
            "query" | "operationName" => serde_json::Value::from(value.as_ref()).to_string(),
            "variables" | "extensions" => serde_json::from_str::<&RawValue>(&value)
                .map_err(|_| Refused::bad_request(format!("`{name}` is not valid JSON.")))?
                .get()
                .to_owned(),
            // A key in the address would stand in the logs of all proxies.
            _ => {
                let start: String = name.chars().take(40).collect();
                let known = "query, operationName, variables, extensions";
                return Err(Refused::bad_request(format!("There is no parameter `{start}`: there are {known}.")));
            }
        };
        members.push((name.into_owned(), json));
    }
    let members: Vec<_> = members.iter().map(|(name, json)| format!("\"{name}\":{json}")).collect();
    Ok(format!("{{{}}}", members.join(",")).into_bytes())
}

/// The answer whose body is events.
fn events<E: Executor>(id: RequestId, following: Result<Following<E>, Refused>) -> Response {
    let (sender, told) = mpsc::channel(1);
    let mut tasks = JoinSet::new();
    match following {
        Ok(mut following) => {
            // In a task of its own, so that a heartbeat does not disturb it; dropped with the body.
            tasks.spawn(async move {
                loop {
                    let told = following.next().await;
                    let over = !matches!(told, Told::Event(_));
                    if sender.send(told).await.is_err() || over {
                        return;
                    }
                }
            });
        }
        Err(refused) => drop(sender.try_send(Told::Refused(refused))),
    }
    let body = stream::unfold(Some((tasks, told)), move |state| {
        let id = id.clone();
        async move {
            let (tasks, mut told) = state?;
            match timeout(HEARTBEAT, told.recv()).await {
                Err(_) => Some((Ok::<_, Infallible>(Bytes::from_static(b":\n\n")), Some((tasks, told)))),
                Ok(Some(Told::Event(body))) => Some((Ok(next(&body)), Some((tasks, told)))),
                Ok(Some(Told::Complete)) => Some((Ok(Bytes::from_static(COMPLETE)), None)),
                Ok(Some(Told::Refused(refused))) => {
                    let body = [next(&refused.body(&id)), Bytes::from_static(COMPLETE)].concat();
                    Some((Ok(Bytes::from(body)), None))
                }
                // Without an end, so that the client asks again.
                Ok(Some(Told::Interrupted) | None) => None,
            }
        }
    });
    let mut response = Response::new(Body::from_stream(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    // nginx would collect events until it has a packet full.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

const COMPLETE: &[u8] = b"event: complete\ndata: \n\n";

/// An event. JSON as it is written here has no line breaks.
fn next(body: &[u8]) -> Bytes {
    [b"event: next\ndata: ", body, b"\n\n"].concat().into()
}
