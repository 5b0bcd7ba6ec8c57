//! The connections, and how they fare: what is broken, since when, and what that takes away.

use async_graphql::{Enum, SimpleObject};

use super::errors::code_of;
use super::owner::OwnerDomain;
use super::scalars::DateTime;
use crate::domain::Domain;
use crate::reads::Reads;
use crate::systems::Connection;
use crate::systems::http::{BreakerState, Health, HealthStatus};

/// A connection to a system, and how it fares.
#[derive(Debug, Clone, SimpleObject)]
pub struct System {
    /// Its name in the configuration.
    name: String,
    /// Its kind, e.g. `hubspot`.
    kind: String,
    /// The domains it owns.
    owns: Vec<OwnerDomain>,
    /// How it fares.
    status: SystemStatus,
    /// Since when the breaker is as it is.
    since: Option<DateTime>,
    /// Whether calls are let through.
    breaker: Breaker,
    /// When the next call tries whether the system is back; null unless the breaker is open.
    next_probe_at: Option<DateTime>,
    /// How long answers take lately, in milliseconds; null before the first.
    latency_ms: Option<u64>,
    /// Until when the system wants no calls (its rate limit); null if it does not mind.
    rate_limited_until: Option<DateTime>,
    /// Calls under way now.
    running: usize,
    /// Calls that wait for one of these to end.
    waiting: usize,
    /// Calls made since the start: what the system counts against its quota.
    calls: u64,
    /// Calls that failed since the start.
    failures: u64,
    /// The last answer that was fine; null if there was none yet.
    last_success_at: Option<DateTime>,
    /// The last failure; null if there was none yet.
    last_error: Option<SystemLastError>,
}

/// The last failure of a connection.
#[derive(Debug, Clone, SimpleObject)]
pub struct SystemLastError {
    /// Its code, as in `errors[].extensions.code`.
    code: String,
    /// What it means.
    message: String,
    /// When it was.
    at: DateTime,
}

/// How a connection fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "HealthStatus")]
pub enum SystemStatus {
    /// The last call went well.
    Ok,
    /// The last call failed, or the system asks to be asked less.
    Degraded,
    /// It failed repeatedly and is being given a rest.
    Down,
    /// It was not asked yet.
    Unknown,
}

/// Whether calls are let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "BreakerState")]
pub enum Breaker {
    /// Calls go through.
    Closed,
    /// Calls fail at once.
    Open,
    /// One call tries whether the system is back.
    HalfOpen,
}

impl System {
    /// A connection and how it fares now.
    pub(super) fn of(connection: &Connection, reads: &Reads) -> Self {
        let owned = |domain: Domain| reads.owners(domain).iter().any(|(_, owner)| owner.connection == connection.name);
        let owns = OwnerDomain::owned().filter(|(_, domain)| owned(*domain)).map(|(shown, _)| shown).collect();
        // The worst of its clients speaks for a connection that has several.
        let health = connection.upstreams.iter().map(|client| client.health()).reduce(worse);
        let status = health.as_ref().map_or(HealthStatus::Unknown, Health::status).into();
        Self {
            name: connection.name.to_string(),
            kind: connection.system.to_owned(),
            owns,
            status,
            since: health.as_ref().map(|health| DateTime(health.since)),
            breaker: health.as_ref().map_or(Breaker::Closed, |health| health.breaker.into()),
            next_probe_at: health.as_ref().and_then(|health| health.next_probe).map(DateTime),
            latency_ms: health
                .as_ref()
                .and_then(|health| health.latency)
                .and_then(|latency| u64::try_from(latency.as_millis()).ok()),
            rate_limited_until: health.as_ref().and_then(|health| health.rate_limited_until).map(DateTime),
            running: health.as_ref().map_or(0, |health| health.running),
            waiting: health.as_ref().map_or(0, |health| health.waiting),
            calls: health.as_ref().map_or(0, |health| health.calls),
            failures: health.as_ref().map_or(0, |health| health.failures),
            last_success_at: health.as_ref().and_then(|health| health.last_success).map(DateTime),
            last_error: health.as_ref().and_then(|health| health.last_error).map(|error| SystemLastError {
                code: code_of(error.kind).as_str().to_owned(),
                message: error.kind.message().to_owned(),
                at: DateTime(error.at),
            }),
        }
    }
}

fn worse(left: Health, right: Health) -> Health {
    let (calls, failures) = (left.calls + right.calls, left.failures + right.failures);
    let (running, waiting) = (left.running + right.running, left.waiting + right.waiting);
    let worst = if left.status() >= right.status() { left } else { right };
    Health { calls, failures, running, waiting, ..worst }
}
