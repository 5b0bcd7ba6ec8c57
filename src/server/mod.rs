//! The HTTP door: GraphQL over HTTP, reports, health, pages for people. What goes through it is small, well-formed and in
//! time; what is not is answered with a sentence of JSON.
//!
//! An answer passes through these layers, the outermost first:
//!
//! 1. [`headers::complete`]: the request's ID, the bodies of errors, the headers of every answer; a panic becomes an error like
//!    any other
//! 2. the address of the client, where a trusted proxy says it
//! 3. the routes; those that are not open to everybody go on:
//! 4. [`audit::trail`]: a line for each operation
//! 5. [`sign_in::identify`]: who asks (401), in which role (403), and whether they have asked too much (429); `POST /graphql`
//!    goes on:
//! 6. `Accept` (406), origin (403), type and encoding of the body (415), its size (413) and time (408), its JSON (400)
//! 7. an answer that was given a moment ago, for eyes that see the same, and may be given again
//! 8. a place among the requests in work (503): before anything is understood, so that a refusal costs nothing, and after what
//!    is answered from memory, which goes on while all places are taken
//! 9. the query guard (400), once for each document
//! 10. the mask: what the viewer may not see is taken out of the document
//! 11. the graph, with its deadline (504)

mod answers;
mod audit;
mod body;
mod client_address;
mod configuration;
mod documents;
mod error;
mod execution;
mod explain;
mod freshness;
mod graphql;
mod headers;
mod health;
mod hubspot_signature;
mod listener;
mod live;
mod measured;
mod media;
mod metrics;
mod nulls;
mod odata;
mod operations;
mod origin;
mod pages;
mod places;
mod replicas;
mod reports;
mod request_id;
mod sign_in;
mod timed;
mod tls;
mod unread;
mod urgency;
mod validity;
mod webhooks;

#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Executor;
use axum::Router;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{Redirect, Response};
use axum::routing::{any, get, post};
use http::{HeaderMap, StatusCode};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use audit::Trail;
pub use configuration::Configuration;
pub use listener::{Answering, serve};
pub use operations::Operations;
pub use replicas::{Replicas, Terms};
pub use request_id::RequestId;
pub use sign_in::SignIn;
pub use tls::Tls;
pub use webhooks::Webhooks;

use crate::access::Viewer;
use crate::config::{Limits, ServerOptions};
use crate::graph::Masks;
use crate::reads::ReadOptions;
use crate::reports::Reports;
use crate::systems::{Budget, Priority};
use answers::Answers;
use audit::Entry;
use documents::Documents;
use error::Refused;
use measured::Measured;
use places::{Of, Places};

/// How long after the deadline an answer may come: its last read ends by then.
const GRACE: Duration = Duration::from_millis(500);

/// What stands behind the door.
#[derive(Debug)]
pub struct Behind<E> {
    /// Validates what it executes.
    pub checking: E,
    /// Executes what is known to be valid.
    pub trusting: E,
    /// Takes out of documents what a viewer may not see.
    pub masks: Arc<Masks>,
    /// Questions about many projects, with what they and the graph read.
    pub reports: Arc<Reports>,
    /// Who may ask.
    pub sign_in: Arc<SignIn>,
    /// The trail of who asked for what.
    pub trail: Arc<Trail>,
    /// The documents that are known beforehand.
    pub operations: Operations,
    /// Bytes of whole answers that are kept.
    pub answer_bytes: u64,
    /// The connections whose systems tell of changes.
    pub webhooks: Arc<Webhooks>,
    /// The other processes that answer for the same systems.
    pub replicas: Arc<Replicas>,
    /// Which configuration this is, and how reading it went.
    pub configuration: Arc<Configuration>,
    /// Cancelled once Spine stops: `/health/ready` says so, and everything is answered still.
    pub stopping: CancellationToken,
}

/// What stands behind the door, and the rules at it.
pub struct Door<E> {
    checking: E,
    trusting: E,
    masks: Arc<Masks>,
    reports: Arc<Reports>,
    sign_in: Arc<SignIn>,
    trail: Arc<Trail>,
    operations: Operations,
    documents: Documents,
    answers: Answers,
    webhooks: Arc<Webhooks>,
    replicas: Arc<Replicas>,
    configuration: Arc<Configuration>,
    stopping: CancellationToken,
    limits: Arc<Limits>,
    options: Arc<ServerOptions>,
    draining: CancellationToken,
    places: Arc<Places>,
    measured: Measured,
    /// Places of questions that are followed.
    followed: Arc<Places>,
}

impl<E: Executor> Door<E> {
    /// A door to a graph. Once `draining` is cancelled what is followed ends, and everything is answered still: Spine stops, or
    /// another configuration is in use.
    pub fn new(behind: Behind<E>, limits: Limits, options: ServerOptions, draining: CancellationToken) -> Self {
        let Behind { checking, trusting, masks, reports, .. } = behind;
        let Behind { sign_in, trail, operations, answer_bytes, webhooks, replicas, configuration, stopping, .. } =
            behind;
        let answers = Answers::new(answer_bytes, Arc::clone(&reports.clock), Arc::clone(&reports.reads));
        let (places, measured) = (Places::new(Of::Requests, options.max_requests), Measured::new(&limits));
        let followed = Places::new(Of::Subscriptions, options.max_subscriptions);
        let (limits, options, documents) = (Arc::new(limits), Arc::new(options), Documents::new());
        Self {
            checking,
            trusting,
            masks,
            reports,
            sign_in,
            trail,
            operations,
            documents,
            answers,
            webhooks,
            replicas,
            configuration,
            stopping,
            limits,
            options,
            draining,
            places,
            measured,
            followed,
        }
    }
}

impl<E> Door<E> {
    /// What a request for a report or a feed asks of every value it reads.
    fn report_options(&self, headers: &HeaderMap, viewer: &Arc<Viewer>, entry: Option<&Entry>) -> ReadOptions {
        let reports = &self.reports;
        let deadline = Instant::now() + reports.settings.deadline.0;
        let options = ReadOptions::new(reports.clock.monotonic(), deadline);
        let (max_age, viewer) = (freshness::max_age(headers), Arc::clone(viewer));
        let touched = entry.map(|entry| Arc::clone(&entry.touched));
        let budget = Some(Budget::of(&self.limits, true));
        ReadOptions { max_age, viewer, touched, budget, priority: Priority::Report, ..options }
    }
}

impl<E> fmt::Debug for Door<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Door").field("limits", &self.limits).field("options", &self.options).finish_non_exhaustive()
    }
}

/// Who answers those who ask, and who those who run Spine.
#[derive(Debug)]
pub struct Routers {
    /// At `server.listen`.
    pub public: Router,
    /// At `server.admin_listen`.
    pub admin: Router,
}

/// The routes and all layers.
pub fn routers<E: Executor>(door: Door<E>) -> Routers {
    let has_admin = door.options.admin_listen.is_some();
    let (stopping, places) = (door.stopping.clone(), Arc::clone(&door.places));
    let configuration = Arc::clone(&door.configuration);
    let health = Router::new()
        .route("/health/live", get(health::live))
        .route("/health/ready", get(move || async move { health::ready(&stopping, &places, &configuration) }));
    let (configuration, connections) = (Arc::clone(&door.configuration), door.reports.connections.clone());
    let (replicas, places) = (Arc::clone(&door.replicas), [Arc::clone(&door.places), Arc::clone(&door.followed)]);
    let metrics = get(move || async move { metrics::text(&configuration, &places, &connections, &replicas.figures()) });
    let admin = completed(health.clone().route("/metrics", metrics));
    let proxies = door.options.trusted_proxies.clone();
    let mut public = routes(door);
    if !has_admin {
        public = public.merge(health);
    }
    if !proxies.is_empty() {
        public = public.layer(from_fn_with_state(Arc::from(proxies), client_address::find));
    }
    Routers { public: completed(public), admin }
}

/// The routes for those who ask.
fn routes<E: Executor>(door: Door<E>) -> Router {
    let graphiql = door.options.graphiql;
    let (trail, sign_in) = (Arc::clone(&door.trail), Arc::clone(&door.sign_in));
    let way_in = from_fn_with_state((trail, sign_in), way_in);
    let card = pages::Card::new(&door.options.card_frame_ancestors);
    let door = Arc::new(door);
    let odata = Router::new()
        .route("/odata", any(odata::serve::<E>))
        .route("/odata/", any(odata::serve::<E>))
        .route("/odata/{*path}", any(odata::serve::<E>))
        .route_layer(way_in.clone())
        .route_layer(from_fn(odata::refusals));
    // At these addresses programs get data, and browsers a page, which is open to everybody: it asks for the data in turn.
    let mut with_pages = Router::new()
        .route("/graphql", any(graphql::serve::<E>))
        .route("/reports", get(reports::list))
        .route_layer(way_in.clone());
    if graphiql {
        with_pages = with_pages.route_layer(from_fn(pages::in_browser));
    }
    let mut router = Router::new()
        .route("/graphql/p/{name}", get(graphql::persisted::<E>).post(graphql::persisted::<E>))
        .route("/reports/metrics", get(reports::metrics))
        .route("/reports/{name}", get(reports::table::<E>))
        .route("/whoami", get(sign_in::whoami::<E>))
        .route_layer(way_in)
        .merge(with_pages)
        .merge(odata)
        // Who opens a WebSocket says who they are when it is open.
        .route("/graphql/ws", any(live::connect::<E>))
        // Deliveries are signed, those of replicas too: nobody signs in.
        .route("/webhooks/{connection}", post(webhooks::receive::<E>))
        .route(replicas::PATH, post(replicas::receive::<E>))
        .with_state(door);
    if graphiql {
        router = router
            .route("/", get(|| async { Redirect::to("/graphiql") }))
            .route("/graphiql", get(pages::graphiql))
            .route("/graphiql/", get(pages::graphiql))
            .route("/graphiql/{*path}", get(pages::file))
            .route("/card/{deal}", get(move |headers: HeaderMap| async move { card.page(&headers) }));
    }
    router
}

/// The way to all that is not open to everybody: a line in the audit trail, and who asks.
async fn way_in(State((trail, sign_in)): State<(Arc<Trail>, Arc<SignIn>)>, request: Request, next: Next) -> Response {
    audit::trail(&trail, request, |request| sign_in::identify(&sign_in, request, next)).await
}

/// Routes where whatever is not there is answered, too. [`headers::complete`] stands before all of them.
fn completed(router: Router) -> Router {
    router
        .fallback(|| async { Refused::new(StatusCode::NOT_FOUND, "NOT_FOUND", "There is nothing here.") })
        .method_not_allowed_fallback(|| async {
            Refused::new(StatusCode::METHOD_NOT_ALLOWED, "METHOD_NOT_ALLOWED", "This is only to be read.")
        })
}
