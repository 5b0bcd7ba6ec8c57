//! Questions followed over a WebSocket, as the protocol `graphql-transport-ws` has them: `GET /graphql/ws`, many questions
//! per connection. Browsers cannot send headers with it; so the first message may say who asks: `{"authorization": "..."}`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Executor;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, rejection::WebSocketUpgradeRejection};
use axum::extract::{Extension, FromRequestParts, Request, State};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use super::question::Question;
use super::{Following, Told, until};
use crate::access::Viewer;
use crate::server::body::Asked;
use crate::server::error::Refused;
use crate::server::listener::Held;
use crate::server::request_id::RequestId;
use crate::server::{Door, audit, origin};

/// The name of the protocol.
const PROTOCOL: &str = "graphql-transport-ws";

/// Time in which the first message must have come.
const PATIENCE: Duration = Duration::from_secs(10);

/// Time in which the other side says that it closes, too.
const FAREWELL: Duration = Duration::from_secs(2);

/// How often the other side is asked whether it is there, and for how long it may say nothing.
const PING: Duration = Duration::from_secs(30);
const SILENCE: Duration = Duration::from_secs(75);

/// How a connection ends, as the protocol numbers it.
type End = (u16, &'static str);

const GOING_AWAY: End = (1001, "Going away");
const BAD_MESSAGE: End = (4400, "This is no message of graphql-transport-ws");
const UNAUTHORIZED: End = (4401, "Unauthorized");
const FORBIDDEN: End = (4403, "Forbidden");
const INIT_TIMEOUT: End = (4408, "Connection initialisation timeout");
const TOO_MANY_INITS: End = (4429, "Too many initialisation requests");

/// What the other side says.
#[derive(Debug, Deserialize)]
struct Sent<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    id: Option<String>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

/// What the first message may say.
#[derive(Debug, Default, Deserialize)]
struct Init {
    #[serde(alias = "Authorization")]
    authorization: Option<String>,
    #[serde(alias = "X-Spine-Role", alias = "x-spine-role")]
    role: Option<String>,
}

/// Opens a connection.
pub(in crate::server) async fn connect<E: Executor>(
    State(door): State<Arc<Door<E>>>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Response {
    let (mut parts, _) = request.into_parts();
    // Browsers let every page open a WebSocket to everywhere: who is not ours is refused here alone.
    if !origin::is_own(&parts.headers, &door.options.public_origins) {
        return origin::refused().into_response();
    }
    let upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection> =
        WebSocketUpgrade::from_request_parts(&mut parts, &()).await;
    let Ok(upgrade) = upgrade else {
        return Refused::new(
            StatusCode::UPGRADE_REQUIRED,
            "BAD_REQUEST",
            "Open a WebSocket with the protocol graphql-transport-ws, or POST to /graphql.",
        )
        .into_response();
    };
    let upgrade = upgrade.max_message_size(door.options.max_body).max_frame_size(door.options.max_body);
    let upgrade = upgrade.protocols([PROTOCOL]);
    if upgrade.selected_protocol().is_none() {
        return Refused::bad_request("The protocol must be graphql-transport-ws.").into_response();
    }
    let held = parts.extensions.get::<Arc<Held>>().cloned();
    upgrade.on_upgrade(move |socket| async move {
        // For as long as it is open it is one of the server's connections.
        let _held = held;
        Connection::new(door, id, parts, socket).serve().await;
    })
}

/// An open connection.
struct Connection<E> {
    door: Arc<Door<E>>,
    id: RequestId,
    parts: Parts,
    socket: WebSocket,
    /// Who asks, and until when they may; none until the first message has come.
    viewer: Option<(Arc<Viewer>, Instant)>,
    tasks: JoinSet<()>,
    followed: HashMap<String, AbortHandle>,
    sender: mpsc::Sender<(String, Told)>,
    told: mpsc::Receiver<(String, Told)>,
}

impl<E: Executor> Connection<E> {
    fn new(door: Arc<Door<E>>, id: RequestId, parts: Parts, socket: WebSocket) -> Self {
        let (sender, told) = mpsc::channel(1);
        let (tasks, followed) = (JoinSet::new(), HashMap::new());
        Self { door, id, parts, socket, viewer: None, tasks, followed, sender, told }
    }

    /// Serves until one of the two sides ends it.
    async fn serve(mut self) {
        if let Err((code, reason)) = self.run().await {
            let frame = CloseFrame { code, reason: reason.into() };
            drop(timeout(PATIENCE, self.socket.send(Message::Close(Some(frame)))).await);
        }
        self.tasks.abort_all();
        // Both sides say that they close: who is not heard to the end takes it for a failure.
        drop(timeout(FAREWELL, async { while let Some(Ok(_)) = self.socket.recv().await {} }).await);
    }

    async fn run(&mut self) -> Result<(), End> {
        let stopping = self.door.draining.clone();
        let (begun, mut heard) = (Instant::now(), Instant::now());
        let mut pings = interval(PING);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        pings.tick().await;
        loop {
            // Until when who asks must be known; then until when they may.
            let until = self.viewer.as_ref().map_or(begun + PATIENCE, |(_, until)| *until);
            tokio::select! {
                message = self.socket.recv() => {
                    heard = Instant::now();
                    match message {
                        Some(Ok(Message::Text(text))) => self.hear(text.as_str()).await?,
                        Some(Ok(Message::Binary(_))) => return Err(BAD_MESSAGE),
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                        Some(Ok(Message::Close(_)) | Err(_)) | None => return Ok(()),
                    }
                }
                Some((id, told)) = self.told.recv() => self.tell(id, told).await?,
                _ = self.tasks.join_next(), if !self.tasks.is_empty() => {}
                () = sleep_until(until) => {
                    return Err(if self.viewer.is_none() { INIT_TIMEOUT } else { GOING_AWAY });
                }
                _ = pings.tick() => {
                    if heard.elapsed() > SILENCE {
                        return Err(GOING_AWAY);
                    }
                    self.say(&json!({ "type": "ping" }).to_string()).await?;
                }
                () = stopping.cancelled() => return Err(GOING_AWAY),
            }
        }
    }

    /// Hears a message.
    async fn hear(&mut self, text: &str) -> Result<(), End> {
        let sent: Sent<'_> = serde_json::from_str(text).map_err(|_| BAD_MESSAGE)?;
        match (sent.kind, sent.id, sent.payload) {
            ("connection_init", None, payload) => self.init(payload).await,
            ("ping", None, _) => self.say(r#"{"type":"pong"}"#).await,
            ("pong", None, _) => Ok(()),
            ("subscribe", Some(id), Some(payload)) => self.subscribe(id, payload).await,
            ("complete", Some(id), None) => {
                if let Some(task) = self.followed.remove(&id) {
                    task.abort();
                }
                Ok(())
            }
            _ => Err(BAD_MESSAGE),
        }
    }

    /// The first message: who asks.
    async fn init(&mut self, payload: Option<&RawValue>) -> Result<(), End> {
        if self.viewer.is_some() {
            return Err(TOO_MANY_INITS);
        }
        let Init { authorization, role } = payload
            .map(|payload| serde_json::from_str(payload.get()))
            .transpose()
            .map_err(|_| BAD_MESSAGE)?
            .unwrap_or_default();
        let viewer = self.door.sign_in.admit_socket(&self.parts, authorization.as_deref(), role.as_deref()).await;
        let viewer = viewer.map_err(|refused| match refused.status() {
            StatusCode::UNAUTHORIZED => UNAUTHORIZED,
            _ => FORBIDDEN,
        })?;
        let until = until(&viewer, &*self.door.reports.clock);
        self.viewer = Some((viewer, until));
        self.say(r#"{"type":"connection_ack"}"#).await
    }

    async fn subscribe(&mut self, id: String, payload: &RawValue) -> Result<(), End> {
        let Some((viewer, until)) = self.viewer.clone() else { return Err(UNAUTHORIZED) };
        if self.followed.contains_key(&id) {
            return Err((4409, "A subscriber for this ID already exists"));
        }
        let begun = self.begin(viewer, until, payload);
        let mut following = match begun {
            Ok(following) => following,
            Err(refused) => return self.refuse(&id, refused).await,
        };
        let (sender, name) = (self.sender.clone(), id.clone());
        let task = self.tasks.spawn(async move {
            loop {
                let told = following.next().await;
                let over = !matches!(told, Told::Event(_));
                if sender.send((name.clone(), told)).await.is_err() || over {
                    return;
                }
            }
        });
        self.followed.insert(id, task);
        Ok(())
    }

    fn begin(&self, viewer: Arc<Viewer>, until: Instant, payload: &RawValue) -> Result<Following<E>, Refused> {
        let most = self.door.options.max_subscriptions_per_connection;
        if self.followed.len() >= most {
            let message = format!(
                "No more than {most} are followed over one connection. The setting is server.max_subscriptions_per_connection."
            );
            return Err(Refused::new(StatusCode::SERVICE_UNAVAILABLE, "OVERLOADED", message));
        }
        let asked = Asked::parse(payload.get().as_bytes(), &self.door.limits, &self.door.operations)?;
        let who = self.door.places.who(&viewer, &self.parts.extensions);
        let address = audit::address(&self.parts.extensions);
        // The headers of the upgrade are the browser's, and say nothing of this question.
        let headers = HeaderMap::new();
        let question = Question::new(&self.door, &self.id, address, (viewer, who), asked, &headers)?;
        Following::new(&self.door, question, until)
    }

    /// Tells what a question told, unless it is no longer followed.
    async fn tell(&mut self, id: String, told: Told) -> Result<(), End> {
        if !self.followed.contains_key(&id) {
            return Ok(());
        }
        match told {
            Told::Event(body) => {
                let body = std::str::from_utf8(&body).unwrap_or("null");
                self.say(&format!(r#"{{"id":{},"type":"next","payload":{body}}}"#, Value::from(id))).await
            }
            Told::Complete => {
                self.followed.remove(&id);
                self.say(&json!({ "id": id, "type": "complete" }).to_string()).await
            }
            Told::Refused(refused) => {
                self.followed.remove(&id);
                self.refuse(&id, refused).await
            }
            Told::Interrupted => Err(GOING_AWAY),
        }
    }

    async fn refuse(&mut self, id: &str, refused: Refused) -> Result<(), End> {
        let errors = refused.errors(&self.id);
        self.say(&json!({ "id": id, "type": "error", "payload": errors }).to_string()).await
    }

    /// Sends a message. Who does not take it in time is gone.
    async fn say(&mut self, text: &str) -> Result<(), End> {
        match timeout(PATIENCE, self.socket.send(Message::Text(text.into()))).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(GOING_AWAY),
        }
    }
}
