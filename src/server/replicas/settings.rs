//! What a configuration says of the replicas, ready to be used.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::hmac;
use http::HeaderMap;
use secrecy::ExposeSecret;
use tokio::time::timeout;
use url::Url;

use super::PATH;
use super::peer::taken;
use crate::config::{self, Config, ConfigError, Seconds, Traffic};
use crate::domain::{Clock, ConnectionName};
use crate::reads::Freshness;
use crate::server::webhooks::SHORTEST_SECRET;
use crate::systems::http::{Allowed, ClientOptions, HttpClient};
use crate::systems::upstream::address;

/// How often the name of all is looked up, unless the configuration says it.
const LOOKUP_INTERVAL: Duration = Duration::from_secs(5);

/// How long a look at a name may take.
const LOOKUP_PATIENCE: Duration = Duration::from_secs(2);

/// The longest message: far below what a request's body may be.
const MOST_BYTES: usize = 64 * 1024;

/// What a configuration says of the replicas.
pub(in crate::server) struct Settings {
    urls: Vec<Url>,
    /// Whether the one URL leads to all of them.
    discover: bool,
    pub(super) lookup_interval: Duration,
    pub(super) patience: Duration,
    pub(super) key: hmac::Key,
    /// For how long a value that is kept may be shown.
    pub(super) longest: Duration,
    pub(super) most_bytes: usize,
    traffic: Traffic,
    clock: Arc<dyn Clock>,
}

/// Where a replica is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Host and port.
    pub(super) address: String,
    url: Url,
    /// Which of the addresses of the URL's name.
    ip: Option<IpAddr>,
}

impl Settings {
    /// None if the configuration names no replicas. What is wrong is said before a port opens.
    pub(in crate::server) fn new(config: &Config, clock: &Arc<dyn Clock>) -> Result<Option<Self>, ConfigError> {
        let Some(section) = &config.replicas else { return Ok(None) };
        let wrong = |key: &str, message: String| config.error_at(&format!("replicas.{key}"), message);
        let secret = section.secret.read().map_err(|message| wrong("secret", message))?;
        let secret = secret.expose_secret();
        if secret.len() < SHORTEST_SECRET {
            let message = format!("is shorter than {SHORTEST_SECRET} characters: it could be guessed");
            return Err(wrong("secret", message));
        }
        let config::Replicas { urls, discover, lookup_interval, patience, plain_http, ca_file, .. } = section.clone();
        let key = if discover.is_some() { "discover" } else { "urls" };
        let urls: Result<Vec<Url>, _> = discover.iter().chain(&urls).map(|url| Url::parse(url)).collect();
        let settings = Self {
            urls: urls.map_err(|_| wrong(key, "holds what is no URL".to_owned()))?,
            discover: discover.is_some(),
            lookup_interval: lookup_interval.map_or(LOOKUP_INTERVAL, |interval| interval.0),
            patience: patience.0,
            key: hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()),
            longest: Freshness::longest_of_all(&config.cache, config.server.request_timeout.0),
            most_bytes: MOST_BYTES.min(config.server.max_body),
            traffic: Traffic {
                connect_timeout: Seconds(Duration::from_secs(1)),
                attempt_timeout: Seconds(Duration::from_secs(2)),
                // Who is away is tried again by whoever has something to tell, and not given a rest.
                retries: 0,
                breaker_failures: u32::MAX,
                max_body: MOST_BYTES,
                ca_file,
                plain_http,
                ..Traffic::default()
            },
            clock: Arc::clone(clock),
        };
        for url in &settings.urls {
            address::check_url(url, true).map_err(|message| wrong(key, format!("{}: {message}", shown(url))))?;
            if address::check_url(url, plain_http).is_err() {
                let message = format!(
                    "{}: is told by http: whoever is on the way could read which records have changed. Write https, or \
                     `plain_http = true` if this network is trusted with that",
                    shown(url)
                );
                return Err(wrong(key, message));
            }
            settings.client(&Place::of(url)).map_err(|message| wrong("ca_file", message))?;
        }
        Ok(Some(settings))
    }

    /// Whether the replicas may be others by the next look.
    pub(super) fn may_change(&self) -> bool {
        self.discover
    }

    /// Where the replicas are now.
    pub(super) async fn find(&self) -> io::Result<Vec<Place>> {
        if !self.discover {
            return Ok(self.urls.iter().map(Place::of).collect());
        }
        let mut places: Vec<Place> = Vec::new();
        for url in &self.urls {
            let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
            let host = host.trim_start_matches('[').trim_end_matches(']');
            for found in timeout(LOOKUP_PATIENCE, address::lookup(host, port)).await?? {
                let place = Place { address: found.to_string(), url: url.clone(), ip: Some(found.ip()) };
                if !places.contains(&place) {
                    places.push(place);
                }
            }
        }
        Ok(places)
    }

    /// What asks the replica at a place. The error says what in the configuration is wrong.
    pub(super) fn client(&self, place: &Place) -> Result<HttpClient, String> {
        let options = ClientOptions {
            connection: ConnectionName::new(&*place.address),
            system: "spine",
            base_url: place.url.clone(),
            headers: HeaderMap::new(),
            allowed: vec![Allowed::post(PATH)],
            classify: taken,
            traffic: self.traffic.clone(),
            clock: Arc::clone(&self.clock),
        };
        let client = match place.ip {
            Some(ip) => HttpClient::at(options, ip),
            None => HttpClient::new(options),
        };
        client.map_err(|error| error.detail.as_deref().unwrap_or("cannot be used").to_owned())
    }
}

impl Place {
    fn of(url: &Url) -> Self {
        Self { address: shown(url), url: url.clone(), ip: None }
    }
}

/// Host and port of a URL.
fn shown(url: &Url) -> String {
    let (host, port) = (url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or_default());
    format!("{host}:{port}")
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("discover", &self.discover).finish_non_exhaustive()
    }
}
