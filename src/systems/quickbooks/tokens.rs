//! Signing in: OAuth 2, by refresh token. An access token lasts an hour and is kept in memory; the refresh token that it is
//! got by changes its value about once a day, and the newest is kept where the configuration says.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::{Instant, sleep, timeout_at};

use super::config::{Config, TokenPlace};
use super::token_file::{Kept, TokenFile};
use super::wire;
use crate::config::{SecretRef, Traffic};
use crate::domain::{Clock, ConnectionName};
use crate::systems::http::{
    self as shared, Allowed, ClientOptions, Failure, Granted, HttpClient, Request, Response, SignIn,
};
use crate::systems::{Call, ConnectionContext, ConnectionProblem, ErrorKind, SystemError};

const OPERATION: &str = "token.refresh";
const PATH: &str = "/oauth2/v1/tokens/bearer";

/// How long a refresh may take, whoever waits for it: one that is given up half-way may have changed the token already.
const PATIENCE: Duration = Duration::from_secs(15);

/// How often a lock that another process holds is asked for.
const LOCK_PAUSE: Duration = Duration::from_millis(50);

/// Days before the end of the refresh token from which on the log says so.
const WARN_DAYS: i64 = 14;

/// How long a token that is refused is taken for a good one: the refusal is about something else, and a new token would be
/// refused as well.
const YOUNG: Duration = Duration::from_mins(1);

/// What a call shows to be let in.
pub(super) type Ticket = shared::Ticket<Bearer>;

/// An access token, as a call shows it.
#[derive(Clone)]
pub(super) struct Bearer {
    pub(super) header: HeaderValue,
    since: Duration,
}

/// The sign-in that all calls share.
pub(super) struct Tokens {
    grant: Arc<Grant>,
    sign_in: SignIn<Bearer>,
}

/// What it takes to get an access token.
struct Grant {
    connection: ConnectionName,
    http: Arc<HttpClient>,
    /// Client ID and secret.
    basic: HeaderValue,
    place: Place,
    clock: Arc<dyn Clock>,
}

/// Where the refresh token is.
enum Place {
    File {
        file: Arc<TokenFile>,
        /// A token that could not be stored, and the one in the file that it follows.
        unsaved: Mutex<Option<(String, Kept)>>,
    },
    /// Of the embedded system, whose first token always holds.
    Memory(Mutex<SecretString>),
}

impl Tokens {
    pub(super) fn new(config: &Config, context: &ConnectionContext) -> Result<Self, ConnectionProblem> {
        let base_url = Config::base("token_url", &config.token_url)?;
        let secret = config.client_secret.read().map_err(|message| ConnectionProblem::new("client_secret", message))?;
        let pair = STANDARD.encode(format!("{}:{}", config.client_id.trim(), secret.expose_secret()));
        let place = match &config.tokens {
            TokenPlace::File(path) => {
                let file = TokenFile::open(path, &config.realm_id)?;
                Place::File { file: Arc::new(file), unsaved: Mutex::default() }
            }
            TokenPlace::Demo(word) => {
                let word = SecretRef::Demo(word.clone()).read();
                Place::Memory(Mutex::new(word.map_err(|_| {
                    ConnectionProblem::new(
                        "tokens",
                        "a token does not stand in the configuration: write { file = \"...\" }",
                    )
                })?))
            }
        };
        let http = HttpClient::new(ClientOptions {
            connection: context.name.clone(),
            system: super::SYSTEM,
            base_url,
            headers: HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]),
            allowed: vec![Allowed::post(PATH)],
            classify,
            // The limits on the API's calls are the API's.
            traffic: Traffic { rate: 0, burst: 0, ..context.traffic.clone() },
            clock: Arc::clone(&context.clock),
        })
        .map_err(|error| {
            ConnectionProblem::new("token_url", error.detail.as_deref().unwrap_or("cannot be used").to_owned())
        })?;
        let grant = Grant {
            connection: context.name.clone(),
            http: Arc::new(http),
            basic: sensitive(&format!("Basic {pair}"))
                .ok_or_else(|| ConnectionProblem::new("client_secret", "is not printable text"))?,
            place,
            clock: Arc::clone(&context.clock),
        };
        Ok(Self { grant: Arc::new(grant), sign_in: SignIn::new(Arc::clone(&context.clock)) })
    }

    /// The HTTP client of the token endpoint, which knows how it fares.
    pub(super) fn upstream(&self) -> Arc<HttpClient> {
        Arc::clone(&self.grant.http)
    }

    /// The ticket of the access token that is there; gets one if there is none, or if it is the one that `ended`.
    pub(super) async fn ticket(&self, call: &Call, ended: Option<&Ticket>) -> Result<Ticket, SystemError> {
        let refreshed = refreshed(Arc::clone(&self.grant), call);
        self.sign_in.ticket(&self.grant.http, call, OPERATION, ended, refreshed).await
    }

    /// Whether a token that was refused without a word may have been ended before its time.
    pub(super) fn may_have_ended(&self, ticket: &Ticket) -> bool {
        self.grant.clock.monotonic().saturating_sub(ticket.value.since) >= YOUNG
    }
}

/// Refreshes in a task of its own: a reader who leaves must not take the new token along.
async fn refreshed(grant: Arc<Grant>, call: &Call) -> Result<Granted<Bearer>, SystemError> {
    let http = Arc::clone(&grant.http);
    let mut own = call.clone();
    own.deadline = own.deadline.max(Instant::now() + PATIENCE);
    let task = tokio::spawn(async move { grant.refresh(&own).await });
    match timeout_at(call.deadline, task).await {
        Ok(Ok(granted)) => granted,
        Ok(Err(_)) => Err(http.error(OPERATION, ErrorKind::Internal)),
        Err(_) => Err(http.error(OPERATION, ErrorKind::Deadline)),
    }
}

impl Grant {
    async fn refresh(&self, call: &Call) -> Result<Granted<Bearer>, SystemError> {
        match &self.place {
            Place::Memory(token) => {
                let first = token.lock().unwrap_or_else(PoisonError::into_inner).clone();
                let granted = self.ask(call, first.expose_secret()).await?;
                *token.lock().unwrap_or_else(PoisonError::into_inner) = granted.refresh_token.clone().into();
                self.granted(&granted)
            }
            Place::File { file, unsaved } => {
                let _lock = self.lock(call, file).await?;
                let in_file = file.read().map_err(|message| self.failed(message))?;
                let unstored = unsaved.lock().unwrap_or_else(PoisonError::into_inner).take();
                // Unless somebody has written another one since.
                let newest = unstored.filter(|(before, _)| *before == in_file.refresh_token);
                let token = newest.as_ref().map_or(&in_file, |(_, kept)| kept).clone();
                let granted = self.ask(call, &token.refresh_token).await.inspect_err(|_| {
                    unsaved.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&newest);
                })?;
                let kept = Kept {
                    realm_id: in_file.realm_id.clone(),
                    refresh_token: granted.refresh_token.clone(),
                    expires_at: self.end_of(&granted),
                };
                self.warn_of_end(kept.expires_at);
                if is_news(&in_file, &kept)
                    && let Err(error) = store(file, &kept).await
                {
                    tracing::error!(
                        upstream.connection = %self.connection,
                        error = %error.kind(),
                        "the new refresh token could not be stored: after a restart somebody would have to sign in again"
                    );
                    *unsaved.lock().unwrap_or_else(PoisonError::into_inner) = Some((in_file.refresh_token, kept));
                }
                self.granted(&granted)
            }
        }
    }

    /// Waits for the lock on the token file.
    async fn lock(&self, call: &Call, file: &TokenFile) -> Result<std::fs::File, SystemError> {
        loop {
            let lock = file.try_lock().map_err(|error| {
                self.failed(format!("the folder of the token file cannot be locked: {}", error.kind()))
            })?;
            if let Some(lock) = lock {
                return Ok(lock);
            }
            if Instant::now() + LOCK_PAUSE >= call.deadline {
                return Err(self.http.error(OPERATION, ErrorKind::Deadline));
            }
            sleep(LOCK_PAUSE).await;
        }
    }

    async fn ask(&self, call: &Call, refresh_token: &str) -> Result<wire::Granted, SystemError> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "refresh_token")
            .append_pair("refresh_token", refresh_token)
            .finish();
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, self.basic.clone()),
            (CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded")),
        ]);
        let request = Request {
            operation: OPERATION,
            method: Method::POST,
            path: PATH.to_owned(),
            headers,
            body: Some(body.into()),
        };
        let response = self.http.send(call, request).await?;
        self.http.decode(OPERATION, &response)
    }

    fn granted(&self, granted: &wire::Granted) -> Result<Granted<Bearer>, SystemError> {
        let header = sensitive(&format!("Bearer {}", granted.access_token));
        let header = header.ok_or_else(|| self.http.error(OPERATION, ErrorKind::BadResponse))?;
        let since = self.clock.monotonic();
        // One that ends while a call is on its way costs that call a second attempt.
        let lasts = Duration::from_secs(granted.expires_in.whole().unwrap_or(0).into());
        let lasts = lasts.saturating_sub((lasts / 2).min(Duration::from_mins(5)));
        Ok(Granted { value: Bearer { header, since }, until: Some(since + lasts) })
    }

    fn end_of(&self, granted: &wire::Granted) -> Option<Timestamp> {
        let seconds = granted.x_refresh_token_expires_in.as_ref()?.whole()?;
        self.clock.now().checked_add(SignedDuration::from_secs(seconds.into())).ok()
    }

    fn warn_of_end(&self, end: Option<Timestamp>) {
        let days = end.map(|end| end.duration_since(self.clock.now()).as_hours() / 24);
        if let Some(days) = days.filter(|days| *days < WARN_DAYS) {
            tracing::warn!(
                upstream.connection = %self.connection,
                days,
                "the refresh token ends soon: somebody has to sign in to the company again"
            );
        }
    }

    fn failed(&self, detail: String) -> SystemError {
        SystemError { detail: Some(detail.into()), ..self.http.error(OPERATION, ErrorKind::Unauthorized) }
    }
}

/// Writes the file, which waits for the disk.
async fn store(file: &Arc<TokenFile>, kept: &Kept) -> std::io::Result<()> {
    let (file, kept) = (Arc::clone(file), kept.clone());
    tokio::task::spawn_blocking(move || file.write(&kept)).await.map_err(std::io::Error::other)?
}

/// Whether there is anything to store: another token, or one whose end has moved by more than a day.
fn is_news(before: &Kept, after: &Kept) -> bool {
    let moved = match (before.expires_at, after.expires_at) {
        (Some(before), Some(after)) => after.duration_since(before).as_hours().abs() >= 24,
        (before, after) => before.is_some() != after.is_some(),
    };
    before.refresh_token != after.refresh_token || moved
}

fn sensitive(text: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_str(text).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The usual table, but: 400 with one of OAuth's words for a grant or client that does not hold (RFC 6749, 5.2) is a wrong
/// credential, and a person has to sign in again.
fn classify(response: &Response) -> Result<(), Failure> {
    #[derive(serde::Deserialize)]
    struct Refusal {
        error: String,
    }
    shared::classify(response).map_err(|mut failure| {
        let refusal = serde_json::from_slice::<Refusal>(&response.body).ok();
        let word = refusal.and_then(|refusal| {
            ["invalid_grant", "invalid_client", "unauthorized_client"].into_iter().find(|word| *word == refusal.error)
        });
        if let Some(word) = word.filter(|_| matches!(response.status.as_u16(), 400 | 401)) {
            failure.kind = ErrorKind::Unauthorized;
            failure.detail = Some(word.to_owned());
        }
        failure
    })
}
