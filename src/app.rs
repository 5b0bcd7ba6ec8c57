//! The running application: built from a configuration, answering until it is told to stop.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use http::header::{AGE, CACHE_CONTROL};
use http::{HeaderMap, HeaderValue};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::config::{Config, ConfigError, ServerOptions};
use crate::domain::Clock;
use crate::graph;
use crate::reads::{Observed, ReadOptions, Reads};
use crate::server::{self, Caller, Door, Finish, Prepare};
use crate::systems::registry;

/// The application, ready to listen.
#[derive(Debug)]
pub struct App {
    router: Router,
    options: ServerOptions,
    draining: CancellationToken,
}

impl App {
    /// Builds the application of a configuration. No port is opened and no system is called.
    pub fn build(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, Vec<ConfigError>> {
        let connections = registry::connect(config, &clock)?;
        let patience = config.server.request_timeout.0;
        let reads = Reads::new(&config.owners, &config.cache, &connections, &clock, patience);
        let schema = graph::schema(reads, connections, config.shared_id.clone(), Arc::clone(&clock));
        let draining = CancellationToken::new();
        let door = Door::new(schema, prepare(clock), config.limits.clone(), config.server.clone(), draining.clone());
        Ok(Self { router: server::router(door), options: config.server.clone(), draining })
    }

    /// Opens the port the configuration names.
    pub async fn bind(&self) -> std::io::Result<TcpListener> {
        TcpListener::bind(self.options.listen).await
    }

    /// Answers on a listener until `stop`; then says that it is not ready, finishes what is under way, and returns.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) {
        let draining = self.draining.clone();
        let stopping = stop.clone();
        tokio::spawn(async move {
            stopping.cancelled().await;
            draining.cancel();
        });
        server::serve(listener, self.router, &self.options, stop).await;
    }

    /// Where the configuration tells it to listen.
    pub fn listen(&self) -> SocketAddr {
        self.options.listen
    }
}

/// Gives each request what it asks of the values it reads, and tells the age of the answer in its headers.
fn prepare(clock: Arc<dyn Clock>) -> Prepare {
    Arc::new(move |caller: &Caller<'_>, request: async_graphql::Request| {
        let mut options = ReadOptions::new(clock.monotonic(), caller.deadline);
        options.max_age = max_age(caller.headers);
        let observed = Arc::clone(&options.observed);
        let finish: Finish = Box::new(move |response, headers| {
            graph::coalesce(response);
            freshness_headers(&observed, headers);
        });
        (request.data(options), finish)
    })
}

/// How old values may be, as the request's `Cache-Control` says: `no-cache`, `no-store` and `max-age=0` ask for values
/// read for this request.
fn max_age(headers: &HeaderMap) -> Option<Duration> {
    let directives = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let ages = directives.flat_map(|value| value.split(',')).filter_map(|directive| {
        let directive = directive.trim().to_ascii_lowercase();
        match directive.split_once('=') {
            None if directive == "no-cache" || directive == "no-store" => Some(Duration::ZERO),
            Some(("max-age", seconds)) => seconds.trim_matches('"').parse().ok().map(Duration::from_secs),
            _ => None,
        }
    });
    ages.min()
}

/// `Age` of the oldest value in the answer, and for how long the answer may be shown again.
fn freshness_headers(observed: &Observed, headers: &mut HeaderMap) {
    let Some(age) = observed.age() else { return };
    headers.insert(AGE, HeaderValue::from(age.as_secs()));
    let control = match observed.lifetime() {
        // The lifetime counts from now; `max-age` counts from when the oldest part was read.
        Some(left) => format!("private, max-age={}", (age + left).as_secs()),
        None => "no-store".to_owned(),
    };
    if let Ok(control) = HeaderValue::from_str(&control) {
        headers.insert(CACHE_CONTROL, control);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_control_of_a_request_bounds_the_age_of_values() {
        let age = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CACHE_CONTROL, HeaderValue::from_static(text));
            max_age(&headers).map(|age| age.as_secs())
        };
        assert_eq!(age("no-cache"), Some(0));
        assert_eq!(age("No-Store"), Some(0));
        assert_eq!(age("max-age=15"), Some(15));
        assert_eq!(age("max-age=15, no-cache"), Some(0));
        assert_eq!(age("max-age=soon"), None);
        assert_eq!(age("only-if-cached"), None);
        assert_eq!(max_age(&HeaderMap::new()), None);
    }
}
