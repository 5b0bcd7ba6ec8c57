//! Another replica, and what it has still to be told: one message after the other, so that what comes meanwhile is told
//! together.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use super::pending::Pending;
use super::settings::Settings;
use super::{PATH, Voice, signature};
use crate::reads::Changed;
use crate::systems::http::{Failure, HttpClient, Request, Response, classify};
use crate::systems::{Call, Priority, SystemError};

/// How long one message may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// The pause after a message that was not taken; it doubles.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Another replica.
#[derive(Debug)]
pub(super) struct Peer {
    /// Host and port.
    pub(super) address: String,
    http: HttpClient,
    settings: Arc<Settings>,
    waiting: Mutex<Waiting>,
    more: Notify,
    progress: watch::Sender<Progress>,
    /// Cancelled once it is no longer among the replicas.
    gone: CancellationToken,
    /// Messages that it took, those that it did not, and changes that it was never told of.
    pub(super) taken: AtomicU64,
    pub(super) failures: AtomicU64,
    pub(super) lost: AtomicU64,
}

#[derive(Debug, Default)]
struct Waiting {
    pending: Pending,
    /// Counts what was to be told.
    number: u64,
    /// When something was to be told last.
    latest: Option<Instant>,
}

/// How far telling has come, by [`Waiting::number`].
#[derive(Debug, Default, Clone, Copy)]
struct Progress {
    told: u64,
    tried: u64,
    /// Whether the last message was not taken.
    away: bool,
}

impl Peer {
    pub(super) fn new(address: String, http: HttpClient, settings: Arc<Settings>) -> Arc<Self> {
        Arc::new(Self {
            address,
            http,
            settings,
            waiting: Mutex::default(),
            more: Notify::new(),
            progress: watch::Sender::default(),
            gone: CancellationToken::new(),
            taken: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        })
    }

    /// Takes note of what it is to be told. What is returned waits until it was told, or cannot be told now; and says which.
    pub(super) fn tell(&self, changes: &[Changed]) -> impl Future<Output = bool> + Send + use<> {
        let number = {
            let mut waiting = self.waiting();
            for changed in changes {
                waiting.pending.add(changed);
            }
            waiting.number += 1;
            waiting.latest = Some(Instant::now());
            waiting.number
        };
        self.more.notify_one();
        let mut progress = self.progress.subscribe();
        async move {
            // Who is away keeps nobody waiting.
            let seen = progress.wait_for(|progress| progress.tried >= number || progress.away).await;
            seen.is_ok_and(|progress| progress.told >= number)
        }
    }

    /// Whether the last message was taken.
    pub(super) fn is_up(&self) -> bool {
        !self.progress.borrow().away
    }

    /// It is no longer among the replicas: nothing more is told.
    pub(super) fn leave(&self) {
        self.gone.cancel();
    }

    /// Tells what there is to tell, until it is gone.
    pub(super) async fn work(self: Arc<Self>, voice: Arc<Voice>) {
        tokio::select! {
            () = self.gone.cancelled() => {}
            () = self.tell_all(&voice) => {}
        }
    }

    async fn tell_all(&self, voice: &Voice) {
        let mut pause = PAUSE;
        loop {
            let (pending, number) = {
                let mut waiting = self.waiting();
                (std::mem::take(&mut waiting.pending), waiting.number)
            };
            if pending.is_empty() {
                self.more.notified().await;
                continue;
            }
            let sent = match self.send(voice, &pending).await {
                // It may have closed a connection that nobody used for a while. Who waits need not be told of that.
                Err(_) if self.is_up() => self.send(voice, &pending).await,
                sent => sent,
            };
            match sent {
                Ok(()) => {
                    pause = PAUSE;
                    self.taken.fetch_add(1, Ordering::Relaxed);
                    if !self.is_up() {
                        tracing::info!(replica = self.address, "a replica is told again what to forget");
                    }
                    self.progress.send_replace(Progress { told: number, tried: number, away: false });
                }
                Err(error) => {
                    self.failures.fetch_add(1, Ordering::Relaxed);
                    if self.is_up() {
                        tracing::warn!(
                            replica = self.address,
                            %error,
                            "a replica was not told what to forget: it is tried again for as long as a value lives"
                        );
                    }
                    self.put_back(pending);
                    self.progress.send_modify(|progress| (progress.tried, progress.away) = (number, true));
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    /// Puts back what was not told, unless what it keeps of that has come to its end by itself.
    fn put_back(&self, pending: Pending) {
        let mut waiting = self.waiting();
        let is_over = waiting.latest.is_none_or(|latest| latest.elapsed() > self.settings.longest);
        let newer = std::mem::take(&mut waiting.pending);
        if is_over {
            drop(waiting);
            let lost = pending.and(newer).len();
            self.lost.fetch_add(u64::try_from(lost).unwrap_or(u64::MAX), Ordering::Relaxed);
            tracing::warn!(
                replica = self.address,
                "a replica was never told what to forget: by now it has read anew what it kept"
            );
        } else {
            waiting.pending = pending.and(newer);
        }
    }

    async fn send(&self, voice: &Voice, pending: &Pending) -> Result<(), SystemError> {
        // Each attempt is a message of its own: one that was heard is not heard again.
        let number = voice.number.fetch_add(1, Ordering::Relaxed);
        let body = pending.message(&voice.name, number, self.settings.most_bytes);
        let headers = signature::sign(&self.settings.key, &body, voice.clock.now());
        let request = Request {
            operation: "replicas.forget",
            method: Method::POST,
            path: PATH.to_owned(),
            headers,
            body: Some(Bytes::from(body)),
        };
        let call = Call::new(Instant::now() + PATIENCE, Priority::Interactive);
        self.http.send(&call, request).await.map(drop)
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A replica that has forgotten says nothing.
pub(super) fn taken(response: &Response) -> Result<(), Failure> {
    if response.status == StatusCode::NO_CONTENT { Ok(()) } else { classify(response) }
}
