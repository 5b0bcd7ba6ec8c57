//! The HTTP door: GraphQL over HTTP, health, GraphiQL. What goes through it is small, well-formed and in time; what is
//! not is answered with a sentence of JSON.
//!
//! An answer passes through these layers, the outermost first:
//!
//! 1. [`headers::complete`]: the request's ID, the bodies of errors, the headers of every answer
//! 2. a panic becomes an error like any other
//! 3. the routes; `POST /graphql` goes on:
//! 4. `Accept` (406), origin (403), type and encoding of the body (415), its size (413) and time (408), its JSON (400)
//! 5. the query guard (400)
//! 6. a place among the requests in work (503)
//! 7. the graph, with its deadline (504)

mod body;
mod error;
mod graphiql;
mod graphql;
mod headers;
mod health;
mod listener;
mod media;
mod origin;
mod request_id;
mod shape;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use async_graphql::Executor;
use axum::Router;
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Redirect};
use axum::routing::{any, get};
use http::{HeaderMap, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;

pub use listener::serve;
pub use request_id::RequestId;

use crate::config::{Limits, ServerOptions};
use error::Refused;

/// Who asks, as far as the graph may want to know.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// The request's headers.
    pub headers: &'a HeaderMap,
    /// The request's name, for logs and errors.
    pub request_id: &'a RequestId,
    /// When the answer must be there.
    pub deadline: Instant,
}

/// Prepares a request for the graph, e.g. by putting data into it, and says what to do with the answer.
pub type Prepare = Arc<dyn Fn(&Caller<'_>, async_graphql::Request) -> (async_graphql::Request, Finish) + Send + Sync>;

/// Sees the whole answer before it is sent: may put its errors in order, and set headers, e.g. `Cache-Control` and `Age`.
/// Not called where nothing was executed.
pub type Finish = Box<dyn FnOnce(&mut async_graphql::Response, &mut HeaderMap) + Send>;

/// What stands behind the door, and the rules at it.
#[derive(Clone)]
pub struct Door<E> {
    executor: E,
    prepare: Prepare,
    limits: Arc<Limits>,
    options: Arc<ServerOptions>,
    draining: CancellationToken,
    places: Arc<Semaphore>,
}

impl<E: Executor> Door<E> {
    /// A door to a graph. Once `draining` is cancelled `/health/ready` says so, and everything is answered still.
    pub fn new(
        executor: E,
        prepare: Prepare,
        limits: Limits,
        options: ServerOptions,
        draining: CancellationToken,
    ) -> Self {
        let places = Arc::new(Semaphore::new(options.max_requests));
        Self { executor, prepare, limits: Arc::new(limits), options: Arc::new(options), draining, places }
    }
}

impl<E> fmt::Debug for Door<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").field("limits", &self.limits).field("options", &self.options).finish_non_exhaustive()
    }
}

/// The routes and all layers.
pub fn router<E: Executor>(door: Door<E>) -> Router {
    let draining = door.draining.clone();
    let graphiql = door.options.graphiql;
    let mut router = Router::new()
        .route("/graphql", any(graphql::serve::<E>))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(move || async move { health::ready(&draining) }))
        .with_state(door);
    if graphiql {
        router = router
            .route("/", get(|| async { Redirect::to("/graphiql") }))
            .route("/graphiql", get(graphiql::index))
            .route("/graphiql/", get(graphiql::index))
            .route("/graphiql/{*path}", get(graphiql::file));
    }
    router
        .fallback(|| async { Refused::new(StatusCode::NOT_FOUND, "NOT_FOUND", "There is nothing here.") })
        .method_not_allowed_fallback(|| async {
            Refused::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "This is only to be read.")
        })
        .layer(CatchPanicLayer::custom(|_panic| {
            tracing::error!("a request handler panicked");
            Refused::internal().into_response()
        }))
        .layer(from_fn(headers::complete))
}
