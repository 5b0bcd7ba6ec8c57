//! `POST /webhooks/CONNECTION`: a system tells that records have changed, and what is kept of them is forgotten.
//!
//! Nothing of what a delivery says is ever shown: it can only make Spine ask the owner again. So a delivery that is made up
//! costs a call, and never a wrong number; and what cannot be told to a record makes all be forgotten that it may be about.

mod event;
mod hubspot;
mod mapped;
mod quickbooks;
mod remembered;
mod signed;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_graphql::Executor;
use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::request::Parts;
use jiff::Timestamp;
use secrecy::SecretString;

use super::error::Refused;
use super::request_id::RequestId;
use super::timed::Timed;
use super::{Door, body};
use crate::config::{Config, ConfigError, Webhook, WebhookForm};
use crate::domain::{ConnectionName, RecordKind};
use crate::reads::{Changed, Reads, Records};
use event::Event;
use remembered::Remembered;

/// The most events of one delivery that are looked at one by one. More of them are about everything.
const MOST_EVENTS: usize = 1_000;

/// The connections whose systems tell of changes.
#[derive(Debug, Default)]
pub struct Webhooks {
    hooks: BTreeMap<ConnectionName, Hook>,
    remembered: Remembered,
}

/// How deliveries for one connection are read.
struct Hook {
    connection: ConnectionName,
    settings: Webhook,
    secret: SecretString,
}

/// The shortest secret of one's own making.
pub(super) const SHORTEST_SECRET: usize = 16;

impl Webhooks {
    /// What a configuration says of webhooks; they remember what those `before` were told. All that is wrong is reported at
    /// once.
    pub fn new(config: &Config, before: Option<&Self>) -> Result<Self, Vec<ConfigError>> {
        let mut hooks = BTreeMap::new();
        let mut errors = Vec::new();
        for (name, _) in &config.connections {
            match Hook::new(config, name) {
                Ok(Some(hook)) => drop(hooks.insert(name.clone(), hook)),
                Ok(None) => {}
                Err(error) => errors.push(error),
            }
        }
        let remembered = before.map(|before| before.remembered.clone()).unwrap_or_default();
        if errors.is_empty() { Ok(Self { hooks, remembered }) } else { Err(errors) }
    }
}

impl Hook {
    fn new(config: &Config, name: &ConnectionName) -> Result<Option<Self>, ConfigError> {
        use secrecy::ExposeSecret;
        let Some(settings) = config.webhook(name)? else { return Ok(None) };
        let wrong = |message: String| config.error_at(&format!("connections.{name}.webhook.secret"), message);
        let secret = settings.secret.read().map_err(wrong)?;
        let own = matches!(settings.form, WebhookForm::Signed | WebhookForm::Token);
        if own && secret.expose_secret().len() < SHORTEST_SECRET {
            return Err(wrong(format!("is shorter than {SHORTEST_SECRET} characters: it could be guessed")));
        }
        Ok(Some(Self { connection: name.clone(), settings, secret }))
    }

    /// What a delivery that is signed as it should be says.
    fn read(&self, parts: &Parts, body: &[u8], now: Timestamp) -> Result<Vec<Event>, Refused> {
        signed::verify(&self.settings, &self.secret, parts, body, now)?;
        match self.settings.form {
            WebhookForm::Hubspot => hubspot::events(body),
            WebhookForm::Quickbooks => quickbooks::events(body),
            WebhookForm::Signed | WebhookForm::Token => mapped::events(&self.settings, &parts.headers, body),
        }
    }
}

impl fmt::Debug for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hook").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// A delivery.
pub(super) async fn receive<E: Executor>(
    State(door): State<Arc<Door<E>>>,
    Extension(id): Extension<RequestId>,
    Path(connection): Path<String>,
    request: Request,
) -> Response {
    let mut line = LogLine { request: Timed::new(&id), connection: None, outcome: Outcome::default() };
    let answer = answer(&door, &connection, request, &mut line).await;
    let response = match answer {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(refused) => refused.into_response(),
    };
    line.request.answered(&response);
    response
}

async fn answer<E: Executor>(
    door: &Door<E>,
    connection: &str,
    request: Request,
    line: &mut LogLine,
) -> Result<(), Refused> {
    let Some(hook) = door.webhooks.hooks.get(&ConnectionName::new(connection)) else {
        // Whether there is such a connection is nobody's business.
        return Err(Refused::new(StatusCode::NOT_FOUND, "NOT_FOUND", "There is no webhook of that name."));
    };
    line.connection = Some(hook.connection.clone());
    let (parts, body) = request.into_parts();
    let body = body::receive(&parts.headers, body, &door.options).await?;
    let events = hook.read(&parts, &body, door.reports.clock.now())?;
    let (outcome, changes) = forget(&door.reports.reads, &door.webhooks.remembered, &hook.connection, events);
    line.outcome = outcome;
    line.outcome.untold = door.replicas.tell(&changes).await;
    Ok(())
}

/// What became of a delivery.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Outcome {
    /// Events it brought.
    events: usize,
    /// Those of them that were told before.
    repeated: usize,
    /// Values that were kept until now.
    forgotten: usize,
    /// Other replicas that have not forgotten yet.
    untold: usize,
}

/// Forgets what events are about, each kind of record once; and says what that was.
fn forget(
    reads: &Reads,
    remembered: &Remembered,
    connection: &ConnectionName,
    events: Vec<Event>,
) -> (Outcome, Vec<Changed>) {
    let mut outcome = Outcome { events: events.len(), ..Outcome::default() };
    let mut keys = Vec::new();
    let mut changed: BTreeMap<RecordKind, Records> = BTreeMap::new();
    let many = events.len() > MOST_EVENTS;
    if many {
        changed.insert(RecordKind::Everything, Records::All);
    }
    for event in events.into_iter().take(MOST_EVENTS) {
        if let Some(key) = event.id.map(|id| Remembered::key(connection, &id)) {
            if remembered.has(&key) || keys.contains(&key) {
                outcome.repeated += 1;
                continue;
            }
            keys.push(key);
        }
        for kind in event.kinds {
            let before = changed.remove(&kind);
            let records = event.records.clone();
            changed.insert(kind, before.map_or(records.clone(), |before| before.and(records)));
        }
    }
    if changed.contains_key(&RecordKind::Everything) {
        changed = BTreeMap::from([(RecordKind::Everything, Records::All)]);
    }
    let of = |(kind, records)| Changed { connection: connection.clone(), kind, records };
    let told: Vec<Changed> = changed.into_iter().map(of).collect();
    outcome.forgotten = told.iter().map(|changed| reads.evict(changed)).sum();
    // Only now: what was not done may be told again.
    for key in keys {
        remembered.add(key);
    }
    (outcome, told)
}

/// One line in the log for each delivery. What it says is not in it.
struct LogLine {
    request: Timed,
    connection: Option<ConnectionName>,
    outcome: Outcome,
}

impl Drop for LogLine {
    fn drop(&mut self) {
        tracing::info!(
            request.id = %self.request.id,
            webhook.connection = self.connection.as_ref().map_or("", ConnectionName::as_str),
            webhook.events = self.outcome.events,
            webhook.repeated = self.outcome.repeated,
            webhook.forgotten = self.outcome.forgotten,
            webhook.untold = self.outcome.untold,
            http.status = self.request.status(),
            outcome = self.request.outcome(),
            duration_ms = self.request.millis(),
            "webhook"
        );
    }
}
