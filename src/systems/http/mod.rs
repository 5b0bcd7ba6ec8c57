//! The one HTTP client of all connectors. Every call upstream passes through it, in this order:
//!
//! allow-list → breaker → bulkhead → rate → attempt (time, idle time, body cap) → judgement → retry (budget, `Retry-After`).
//!
//! It reads only: a call that is not on the connector's list of reads is refused before it leaves. One deadline bounds
//! all of it: no attempt and no pause is begun that cannot end in time. What is not about HTTP in this is
//! [`upstream`](super::upstream)'s.

mod allow;
mod classify;
mod decode;
mod exchange;
mod message;
mod sign_in;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use http::HeaderMap;
use url::Url;

pub use allow::Allowed;
pub use classify::classify;
pub(in crate::systems) use decode::unique;
pub use exchange::Signer;
pub use message::{Classify, Failure, Request, Response};
pub use sign_in::{Granted, SignIn, Ticket};

pub use super::upstream::{BreakerState, Health, HealthStatus, LastError, Quota, Retry};

use super::upstream::{Failed, Guard, Upstream};
use super::{Call, ErrorKind, SystemError};
use crate::config::Traffic;
use crate::domain::{Clock, ConnectionName};
use exchange::{Exchange, judged};

/// What a connector tells the client about itself.
#[derive(Debug)]
pub struct ClientOptions {
    /// The connection.
    pub connection: ConnectionName,
    /// Kind of system.
    pub system: &'static str,
    /// Base URL, without a slash at its end.
    pub base_url: Url,
    /// Headers of every call (sign-in, `Accept`); values of secrets are marked sensitive.
    pub headers: HeaderMap,
    /// The calls that may be made.
    pub allowed: Vec<Allowed>,
    /// How answers are judged; [`classify()`] is the table most connectors start from.
    pub classify: Classify,
    /// Limits.
    pub traffic: Traffic,
    /// Time, for the moments people see in [`HttpClient::health`].
    pub clock: Arc<dyn Clock>,
}

/// The HTTP client of one connection.
pub struct HttpClient {
    base_url: Url,
    allowed: Vec<Allowed>,
    classify: Classify,
    exchange: Exchange,
    guard: Guard,
    max_read: u64,
}

impl HttpClient {
    /// Builds the client of a connection. The error's detail says what in the configuration is wrong.
    pub fn new(options: ClientOptions) -> Result<Self, SystemError> {
        Self::build(options, Exchange::new)
    }

    /// The same, of a host whose name leads to many machines: the one at this address.
    pub fn at(options: ClientOptions, address: IpAddr) -> Result<Self, SystemError> {
        Self::build(options, |base_url, traffic, headers| Exchange::at(base_url, traffic, headers, address))
    }

    fn build(
        options: ClientOptions,
        exchange: impl Fn(&Url, &Traffic, HeaderMap) -> Result<Exchange, String>,
    ) -> Result<Self, SystemError> {
        let ClientOptions { connection, system, base_url, headers, allowed, classify, traffic, clock } = options;
        let guard = Guard::new(connection, system, &traffic, clock);
        let exchange = exchange(&base_url, &traffic, headers).map_err(|detail| SystemError {
            detail: Some(detail.into()),
            ..guard.error("connect", ErrorKind::Internal)
        })?;
        Ok(Self { base_url, allowed, classify, exchange, guard, max_read: traffic.max_read })
    }

    /// The same client, with each attempt signed.
    #[must_use]
    pub fn signed_by(mut self, signer: Arc<dyn Signer>) -> Self {
        self.exchange.signer = Some(signer);
        self
    }

    /// Makes a call: all of the module's layers, then the answer that [`Classify`] let pass.
    pub async fn send(&self, call: &Call, request: Request) -> Result<Response, SystemError> {
        let operation = request.operation;
        let url = allow::url(&self.base_url, &self.allowed, &request.method, &request.path)
            .map_err(|reason| self.guard.refuse(operation, Failed::new(ErrorKind::NotAllowed, Retry::No, reason)))?;
        let (url, request) = (&url, &request);
        let response = self.guard.call(call, operation, |_| self.attempt(call, url, request)).await?;
        if call.received(response.body.len()) > self.max_read {
            let why = "the answers of this read together are larger than http.max_read";
            return Err(self.guard.refuse(operation, Failed::new(ErrorKind::TooLarge, Retry::No, why)));
        }
        Ok(response)
    }

    /// Decodes a JSON answer; a wrong shape is a [`ErrorKind::BadResponse`] whose detail names the path in the body.
    pub fn decode<'a, T: serde::Deserialize<'a>>(
        &self,
        operation: &'static str,
        response: &'a Response,
    ) -> Result<T, SystemError> {
        self.decoded(operation, decode::decode(&response.body))
    }

    /// Takes note of how the decoding of an answer went, for a connector that reads bodies in a way of its own. What is
    /// wrong names the place in the body, and never a value.
    pub fn decoded<T>(&self, operation: &'static str, decoded: Result<T, String>) -> Result<T, SystemError> {
        self.guard.decoded(operation, decoded)
    }

    /// An error of this connection.
    pub fn error(&self, operation: &'static str, kind: ErrorKind) -> SystemError {
        self.guard.error(operation, kind)
    }

    /// How the connection fares.
    pub fn health(&self) -> Health {
        self.guard.health()
    }

    /// Attempts made since the start: what the system counts against its quota.
    pub fn calls(&self) -> u64 {
        self.guard.calls()
    }

    /// One attempt, judged.
    async fn attempt(&self, call: &Call, url: &Url, request: &Request) -> Result<Response, Failed> {
        let response = self.exchange(call, url, request).await?;
        if let Some(time) = classify::told_time(&response.headers) {
            self.guard.told_time(time);
        }
        if let Some(quota) = classify::told_quota(&response.headers) {
            self.guard.told_quota(quota);
        }
        (self.classify)(&response).map_err(|failure| judged(response.status, failure))?;
        Ok(response)
    }

    /// Sends. A connection that broke before the answer was most likely closed by the other side while it was idle;
    /// that says nothing about the system, so there is a second one at once.
    async fn exchange(&self, call: &Call, url: &Url, request: &Request) -> Result<Response, Failed> {
        self.guard.count(call);
        let first = self.exchange.send(url, request).await;
        match first {
            Err(failed) if failed.stale && self.guard.may_retry() => {
                self.guard.count(call);
                self.exchange.send(url, request).await
            }
            first => first,
        }
    }
}

impl Upstream for HttpClient {
    fn address(&self) -> String {
        self.base_url.origin().ascii_serialization()
    }

    fn health(&self) -> Health {
        self.guard.health()
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").field("connection", self.guard.connection()).finish_non_exhaustive()
    }
}
