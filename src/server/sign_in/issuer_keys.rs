//! The public keys of an issuer: read when the first token comes, kept, and read again when a token names one that is not
//! among them, because issuers change their keys without telling anybody.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;
use url::Url;

use super::jwt::KeySet;
use crate::config::{Algorithm, OidcIssuer, Traffic};
use crate::domain::{Clock, ConnectionName};
use crate::systems::http::{Allowed, ClientOptions, HttpClient, Request, classify};
use crate::systems::{Call, ErrorKind, Priority, SystemError};

/// How long keys are used before they are read again. A key that the issuer withdraws is believed no longer than that.
const FRESH: Duration = Duration::from_mins(10);

/// How long the last keys are used while the issuer is away.
const LAST_GOOD: Duration = Duration::from_hours(1);

/// No more than one reading in this time: tokens with names of keys that nobody has cost nothing.
const PAUSE: Duration = Duration::from_secs(30);

/// How long one reading may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The largest answer. Issuers publish some kilobytes.
const MOST_BYTES: usize = 256 * 1024;

/// The keys of one issuer.
#[derive(Debug)]
pub(super) struct IssuerKeys {
    clock: Arc<dyn Clock>,
    known: Mutex<Known>,
    /// Whoever reads. The others wait, and find what it has read.
    reading: tokio::sync::Mutex<Source>,
}

#[derive(Debug, Default)]
struct Known {
    keys: Option<Arc<KeySet>>,
    /// When they were read, on the monotonic clock.
    read: Duration,
    /// When reading them was tried last.
    tried: Option<Duration>,
}

impl IssuerKeys {
    /// Nothing is read yet. The error says which setting cannot be used, and why.
    pub(super) fn new(
        name: &str,
        issuer: &OidcIssuer,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>, (&'static str, String)> {
        let source = Source::new(name, issuer, Arc::clone(&clock))?;
        Ok(Arc::new(Self { clock, known: Mutex::default(), reading: tokio::sync::Mutex::new(source) }))
    }

    /// The keys among which the one that a token names should be. None if none are known and the issuer cannot be asked.
    pub(super) async fn for_token(self: &Arc<Self>, kid: Option<&str>, algorithm: Algorithm) -> Option<Arc<KeySet>> {
        let (keys, age) = self.known();
        let has_it = keys.as_ref().is_some_and(|keys| keys.find(kid, algorithm).is_some());
        if has_it && age < FRESH {
            return keys;
        }
        if self.may_try() {
            // In a task of its own: whoever hangs up does not stop what the others wait for.
            let this = Arc::clone(self);
            drop(tokio::spawn(async move { this.read().await }).await);
        }
        let (keys, age) = self.known();
        keys.filter(|_| age < LAST_GOOD)
    }

    async fn read(&self) {
        let mut source = self.reading.lock().await;
        if !self.may_try() {
            return;
        }
        self.lock().tried = Some(self.clock.monotonic());
        match source.read().await {
            Ok(keys) => {
                let mut known = self.lock();
                known.keys = Some(Arc::new(keys));
                known.read = self.clock.monotonic();
            }
            Err(error) => tracing::warn!(issuer = %source.name, %error, "the keys of an issuer could not be read"),
        }
    }

    fn known(&self) -> (Option<Arc<KeySet>>, Duration) {
        let known = self.lock();
        (known.keys.clone(), self.clock.monotonic().saturating_sub(known.read))
    }

    fn may_try(&self) -> bool {
        let now = self.clock.monotonic();
        self.lock().tried.is_none_or(|tried| now.saturating_sub(tried) >= PAUSE)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where the keys are.
#[derive(Debug)]
struct Source {
    name: String,
    issuer: String,
    /// The keys themselves; or the issuer's description of itself, which says where they are.
    start: Place,
    is_description: bool,
    /// Where the description says that they are.
    found: Option<Place>,
    traffic: Traffic,
    clock: Arc<dyn Clock>,
}

/// An address that is read, and nothing else of its host.
#[derive(Debug)]
struct Place {
    url: Url,
    http: HttpClient,
}

impl Source {
    fn new(name: &str, config: &OidcIssuer, clock: Arc<dyn Clock>) -> Result<Self, (&'static str, String)> {
        let traffic = Traffic {
            retries: 1,
            max_body: MOST_BYTES,
            ca_file: config.ca_file.clone(),
            // How often it is asked is bounded by PAUSE.
            breaker_failures: u32::MAX,
            ..Traffic::default()
        };
        let (key, url) = match &config.jwks_url {
            Some(url) => ("jwks_url", url.clone()),
            None => ("issuer", format!("{}/.well-known/openid-configuration", config.issuer.trim_end_matches('/'))),
        };
        let url = Url::parse(&url).map_err(|_| (key, "is not a URL".to_owned()))?;
        let place = Place::new(name, url, &traffic, Arc::clone(&clock)).map_err(|message| (key, message))?;
        let (name, issuer) = (name.to_owned(), config.issuer.clone());
        Ok(Self { name, issuer, start: place, is_description: config.jwks_url.is_none(), found: None, traffic, clock })
    }

    async fn read(&mut self) -> Result<KeySet, SystemError> {
        if !self.is_description {
            return self.start.keys().await;
        }
        let url = self.described().await?;
        let place = match self.found.take().filter(|found| found.url == url) {
            Some(found) => found,
            None => Place::new(&self.name, url, &self.traffic, Arc::clone(&self.clock))
                .map_err(|_| self.start.wrong("its `jwks_uri` cannot be used"))?,
        };
        self.found.insert(place).keys().await
    }

    /// Where the issuer says that its keys are.
    async fn described(&self) -> Result<Url, SystemError> {
        #[derive(Deserialize)]
        struct Description {
            issuer: String,
            jwks_uri: String,
        }
        let body = self.start.read("discovery").await?;
        // The error says where in the body, and nothing of what is there.
        let unreadable = |error: serde_json::Error| format!("not a description at {}:{}", error.line(), error.column());
        let said: Description =
            self.start.http.decoded("discovery", serde_json::from_slice(&body).map_err(unreadable))?;
        // Whoever answers for another issuer is not the one that is trusted.
        if said.issuer != self.issuer {
            return Err(self.start.wrong("it describes another issuer than the configuration names"));
        }
        let url = Url::parse(&said.jwks_uri).ok();
        let safe = |url: &Url| url.scheme() == "https" || url.origin() == self.start.url.origin();
        url.filter(safe).ok_or_else(|| self.start.wrong("its `jwks_uri` is not https"))
    }
}

impl Place {
    fn new(name: &str, url: Url, traffic: &Traffic, clock: Arc<dyn Clock>) -> Result<Self, String> {
        let mut base_url = url.clone();
        base_url.set_path("");
        base_url.set_query(None);
        let http = HttpClient::new(ClientOptions {
            connection: ConnectionName::new(name),
            system: "oidc",
            base_url,
            headers: http::HeaderMap::new(),
            allowed: vec![Allowed::new(http::Method::GET, url.path().to_owned())],
            classify,
            traffic: traffic.clone(),
            clock,
        });
        let http = http.map_err(|error| error.detail.as_deref().unwrap_or("cannot be used").to_owned())?;
        Ok(Self { url, http })
    }

    async fn keys(&self) -> Result<KeySet, SystemError> {
        let body = self.read("jwks").await?;
        self.http.decoded("jwks", KeySet::read(&body).ok_or_else(|| "not a set of keys".to_owned()))
    }

    fn wrong(&self, detail: &'static str) -> SystemError {
        SystemError { detail: Some(detail.into()), ..self.http.error("discovery", ErrorKind::BadResponse) }
    }

    async fn read(&self, operation: &'static str) -> Result<bytes::Bytes, SystemError> {
        let query = self.url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let request = Request::get(operation, format!("{}{query}", self.url.path()));
        let call = Call::new(Instant::now() + PATIENCE, Priority::Interactive);
        Ok(self.http.send(&call, request).await?.body)
    }
}
