//! The other processes that answer for the same systems. What one is told by a webhook to forget, it tells the others:
//! `POST /replicas/forget`, signed with a secret that they share.
//!
//! What is sent says which records to forget and never what is in them, and who hears it sends nothing on: a message that is
//! made up, lost or heard twice costs a call to an owner, and never a wrong number.

mod peer;
mod pending;
mod settings;
mod signature;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_graphql::Executor;
use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Response};
use futures_util::future::join_all;
use http::StatusCode;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;

use super::error::Refused;
use super::request_id::RequestId;
use super::timed::Timed;
use super::{Door, body};
use crate::config::{Config, ConfigError};
use crate::domain::{Clock, ConnectionName, RecordKind};
use crate::reads::{Changed, Records};
use peer::Peer;
use pending::{Message, Told};
use settings::{Place, Settings};
use signature::Used;

/// Where a replica is told what to forget.
pub(super) const PATH: &str = "/replicas/forget";

/// The replicas. They live as long as the process: what was told stays told, whatever the configuration.
pub struct Replicas {
    voice: Arc<Voice>,
    used: Used,
    state: Mutex<Telling>,
    /// Whether the replicas of the configuration in use were looked for.
    known: watch::Sender<bool>,
    renewed: Notify,
    counts: Counts,
}

/// Who speaks.
#[derive(Debug)]
struct Voice {
    /// Of this process and of no other.
    name: String,
    /// Counts its messages.
    number: AtomicU64,
    clock: Arc<dyn Clock>,
}

#[derive(Debug, Default)]
struct Telling {
    settings: Option<Arc<Settings>>,
    /// By their addresses.
    peers: BTreeMap<String, Arc<Peer>>,
    /// When something of a connection was to be told last: who is found later may have read before.
    told: BTreeMap<ConnectionName, Instant>,
}

impl Telling {
    /// Nobody is told anything any more.
    fn leave_all(&mut self) {
        for peer in std::mem::take(&mut self.peers).into_values() {
            peer.leave();
        }
    }
}

/// What was heard, since the start.
#[derive(Debug, Default)]
struct Counts {
    heard: AtomicU64,
    refused: AtomicU64,
    lookup_failures: AtomicU64,
}

/// The replicas of a configuration, before it is in use.
#[derive(Debug)]
pub struct Terms(Option<Arc<Settings>>);

impl Terms {
    /// What a configuration says of the replicas. Nobody is looked for.
    pub fn new(config: &Config, clock: &Arc<dyn Clock>) -> Result<Self, ConfigError> {
        Ok(Self(Settings::new(config, clock)?.map(Arc::new)))
    }
}

impl Replicas {
    /// Nobody but this process.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let name = format!("{:032x}", fastrand::u128(..));
        Self {
            voice: Arc::new(Voice { name, number: AtomicU64::new(0), clock }),
            used: Used::default(),
            state: Mutex::default(),
            known: watch::Sender::new(false),
            renewed: Notify::new(),
            counts: Counts::default(),
        }
    }

    /// Goes on by the terms of another configuration. The replicas are looked for anew; who is among them is told all that may
    /// not have been told yet.
    pub fn adopt(&self, Terms(settings): Terms) {
        let mut state = self.lock();
        state.settings = settings;
        state.leave_all();
        self.known.send_replace(false);
        drop(state);
        self.renewed.notify_one();
    }

    /// Looks for the replicas and tells them what there is to tell, until `stop`.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut found_before = true;
        loop {
            let settings = self.lock().settings.clone();
            let mut next = None;
            if let Some(settings) = settings {
                let found = settings.find().await;
                if let (Err(error), true) = (&found, found_before) {
                    tracing::warn!(%error, "the replicas cannot be looked up: those that were known are told");
                }
                found_before = found.is_ok();
                if found.is_err() {
                    self.counts.lookup_failures.fetch_add(1, Ordering::Relaxed);
                }
                self.meet(&settings, found.ok());
                next = settings.may_change().then_some(settings.lookup_interval);
            }
            let pause = async {
                match next {
                    Some(pause) => sleep(pause).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.renewed.notified() => {}
                () = pause => {}
            }
        }
        self.lock().leave_all();
    }

    /// Takes note of where the replicas are; of none if nobody knows, and then they are those that were.
    fn meet(&self, settings: &Arc<Settings>, found: Option<Vec<Place>>) {
        let mut state = self.lock();
        if !state.settings.as_ref().is_some_and(|now| Arc::ptr_eq(now, settings)) {
            return;
        }
        let Telling { peers, told, .. } = &mut *state;
        if let Some(found) = found {
            peers.retain(|address, peer| {
                let stays = found.iter().any(|place| place.address == *address);
                if !stays {
                    peer.leave();
                }
                stays
            });
            told.retain(|_, at| at.elapsed() <= settings.longest);
            // Since it was not told, it may have kept anything of these.
            let everything = |connection: &ConnectionName| {
                let connection = connection.clone();
                Changed { connection, kind: RecordKind::Everything, records: Records::All }
            };
            let untold: Vec<Changed> = told.keys().map(everything).collect();
            for place in found {
                if peers.contains_key(&place.address) {
                    continue;
                }
                match settings.client(&place) {
                    Ok(http) => {
                        let peer = Peer::new(place.address.clone(), http, Arc::clone(settings));
                        if !untold.is_empty() {
                            drop(peer.tell(&untold));
                        }
                        tokio::spawn(Arc::clone(&peer).work(Arc::clone(&self.voice)));
                        peers.insert(place.address, peer);
                    }
                    Err(error) => tracing::error!(replica = place.address, error, "a replica cannot be told anything"),
                }
            }
        }
        self.known.send_replace(true);
    }

    /// Tells the others what to forget, and waits until they have, for as long as the configuration says. Who has not by then
    /// is told later; returns how many these are.
    pub(super) async fn tell(&self, changes: &[Changed]) -> usize {
        let deadline = {
            let mut state = self.lock();
            let Some(settings) = state.settings.clone() else { return 0 };
            if changes.is_empty() {
                return 0;
            }
            let now = Instant::now();
            // Whoever is found from now on is told of it even if nobody waits for that any more.
            state.told.extend(changes.iter().map(|changed| (changed.connection.clone(), now)));
            now + settings.patience
        };
        drop(timeout_at(deadline, self.known.subscribe().wait_for(|known| *known)).await);
        let telling: Vec<_> = self.lock().peers.values().map(|peer| timeout_at(deadline, peer.tell(changes))).collect();
        let told = join_all(telling).await;
        told.into_iter().filter(|told| !matches!(told, Ok(true))).count()
    }

    /// Reads a message, if it is one of a replica's. None if it is one of this process itself.
    fn hear(
        &self,
        settings: &Settings,
        headers: &http::HeaderMap,
        body: &[u8],
    ) -> Result<Option<Vec<Changed>>, Refused> {
        self.used.believe(&settings.key, headers, body, self.voice.clock.now()).map_err(|why| {
            let message = format!("This message is not accepted: {why}.");
            Refused::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message)
        })?;
        let message: Message =
            serde_json::from_slice(body).map_err(|_| Refused::bad_request("The body is no message of a replica."))?;
        let is_own = message.from == self.voice.name;
        Ok((!is_own).then(|| message.changed.into_iter().map(Told::changed).collect()))
    }

    /// How each replica fares, and what was heard.
    pub(super) fn figures(&self) -> Figures {
        let state = self.lock();
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let peers = state.peers.values().map(|peer| PeerFigures {
            address: peer.address.clone(),
            up: peer.is_up(),
            taken: count(&peer.taken),
            failures: count(&peer.failures),
            lost: count(&peer.lost),
        });
        Figures {
            configured: state.settings.is_some(),
            peers: peers.collect(),
            heard: count(&self.counts.heard),
            refused: count(&self.counts.refused),
            lookup_failures: count(&self.counts.lookup_failures),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Telling> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How the replicas fare, for those who run Spine.
#[derive(Debug)]
pub(super) struct Figures {
    /// Whether the configuration names any.
    pub(super) configured: bool,
    pub(super) peers: Vec<PeerFigures>,
    /// Messages of others that were heard, and those that were not believed or not understood.
    pub(super) heard: u64,
    pub(super) refused: u64,
    pub(super) lookup_failures: u64,
}

/// How a replica fares.
#[derive(Debug)]
pub(super) struct PeerFigures {
    pub(super) address: String,
    pub(super) up: bool,
    pub(super) taken: u64,
    pub(super) failures: u64,
    pub(super) lost: u64,
}

impl fmt::Debug for Replicas {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replicas").field("used", &self.used).finish_non_exhaustive()
    }
}

/// A message of a replica.
pub(super) async fn receive<E: Executor>(
    State(door): State<Arc<Door<E>>>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Response {
    let mut line = LogLine { request: Timed::new(&id), kinds: 0, forgotten: 0 };
    let answer = forget(&door, request, &mut line).await;
    let counts = &door.replicas.counts;
    let (count, response) = match answer {
        Ok(()) => (&counts.heard, StatusCode::NO_CONTENT.into_response()),
        Err(refused) => (&counts.refused, refused.into_response()),
    };
    count.fetch_add(1, Ordering::Relaxed);
    line.request.answered(&response);
    response
}

async fn forget<E: Executor>(door: &Door<E>, request: Request, line: &mut LogLine) -> Result<(), Refused> {
    let Some(settings) = door.replicas.lock().settings.clone() else {
        return Err(Refused::new(StatusCode::NOT_FOUND, "NOT_FOUND", "There is nothing here."));
    };
    let (parts, body) = request.into_parts();
    let body = body::receive(&parts.headers, body, &door.options).await?;
    for changed in door.replicas.hear(&settings, &parts.headers, &body)?.into_iter().flatten() {
        line.kinds += 1;
        line.forgotten += door.reports.reads.evict(&changed);
    }
    Ok(())
}

/// One line in the log for each message. Which records it is about is not in it.
struct LogLine {
    request: Timed,
    kinds: usize,
    forgotten: usize,
}

impl Drop for LogLine {
    fn drop(&mut self) {
        tracing::info!(
            request.id = %self.request.id,
            replica.kinds = self.kinds,
            replica.forgotten = self.forgotten,
            http.status = self.request.status(),
            outcome = self.request.outcome(),
            duration_ms = self.request.millis(),
            "told by a replica"
        );
    }
}
