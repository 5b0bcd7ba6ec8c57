//! The connections, and how they fare: what is broken, since when, and what that takes away.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{ComplexObject, Context, Enum, Result, SimpleObject};
use tokio::sync::OnceCell;

use super::context::{Spine, options, require_field, spine};
use super::errors::{code_of, report_error};
use super::money::Money;
use super::needs::{FactClass, needs as kept_for};
use super::owner::{OwnerDomain, affected_by};
use super::scalars::DateTime;
use crate::domain::{ConnectionName, Domain};
use crate::reports::{self, ReportError};
use crate::systems::Connection;
use crate::systems::http::{BreakerState, Health, HealthStatus, Quota};

/// A connection to a system, and how it fares.
#[derive(Debug, Clone, SimpleObject)]
#[graphql(complex)]
pub struct System {
    #[graphql(skip)]
    connection: ConnectionName,
    #[graphql(skip)]
    owned: Vec<Domain>,
    #[graphql(skip)]
    impacts: Impacts,
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
    /// How far its clock is ahead of Spine's, in seconds, right to one or so; null if it does not say what time it is.
    clock_skew_seconds: Option<i64>,
    /// What is left of its quota, by its latest answer that told; null if none did.
    quota: Option<SystemQuota>,
    /// Until when the system wants no calls (its rate limit); null if it does not mind.
    rate_limited_until: Option<DateTime>,
    /// Calls under way now.
    running: usize,
    /// Calls that wait for one of these to end.
    waiting: usize,
    /// Calls at once that it gets now: at most its `http.concurrency`, and fewer while it answers slowly or asks to be asked less.
    concurrency: usize,
    /// Calls made since the start: what the system counts against its quota.
    calls: u64,
    /// Calls that failed since the start.
    failures: u64,
    /// The last answer that was fine; null if there was none yet.
    last_success_at: Option<DateTime>,
    /// The last failure; null if there was none yet.
    last_error: Option<SystemLastError>,
}

/// What hangs on each connection, read once for all that are asked for.
type Impacts = Arc<OnceCell<std::result::Result<HashMap<ConnectionName, reports::Impact>, ReportError>>>;

/// What hangs on a connection: the deals of which something is not known while it cannot be read. Lost deals are left out.
#[derive(Debug, Clone, SimpleObject)]
pub struct Impact {
    /// Deals, won or not decided yet, of which the connection owns facts: of the CRM all, of other owners those that lead to a
    /// project of theirs.
    deals: usize,
    /// Those of them that are open.
    open_deals: usize,
    /// What their clients pay, added up by currency.
    contract_value: Vec<Money>,
    /// Those of them that state no amount, so that they are not in `contractValue`.
    without_amount: usize,
}

impl From<reports::Impact> for Impact {
    fn from(impact: reports::Impact) -> Self {
        let reports::Impact { deals, open_deals, contract_value, without_amount } = impact;
        let contract_value = contract_value.into_iter().map(Money::from).collect();
        Self { deals, open_deals, contract_value, without_amount }
    }
}

/// How many calls a system takes within some time of its own choosing, a day for most.
#[derive(Debug, Clone, Copy, SimpleObject)]
pub struct SystemQuota {
    /// In all.
    limit: u64,
    /// Until that time is over.
    remaining: u64,
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

#[ComplexObject]
impl System {
    /// The fields that are null, or not whole, while it cannot be read and nothing of it is in memory.
    async fn fields(&self, ctx: &Context<'_>) -> Result<Vec<String>> {
        Ok(affected_by(&spine(ctx)?.ownership, &self.owned, self.connection.as_str()))
    }

    /// What hangs on it: the deals of which something is not known while it cannot be read, and what they are worth. Reads the
    /// whole list of deals; null with an error if the CRM cannot be read. Needs: commercial.
    #[graphql(directive = kept_for::apply(vec![FactClass::Commercial]))]
    async fn impact(&self, ctx: &Context<'_>) -> Result<Option<Impact>> {
        require_field(ctx, "Deal.status")?;
        require_field(ctx, "Deal.amount")?;
        let reports = &spine(ctx)?.reports;
        let options = options(ctx)?;
        let impacts = self.impacts.get_or_init(|| reports.impacts(options)).await;
        let impacts = impacts.as_ref().map_err(report_error)?;
        Ok(Some(impacts.get(&self.connection).cloned().unwrap_or_default().into()))
    }
}

impl System {
    /// The connections and how they fare now.
    pub(super) fn all(spine: &Spine) -> Vec<Self> {
        let impacts = Impacts::default();
        spine.reports.connections.iter().map(|connection| Self::of(connection, spine, Arc::clone(&impacts))).collect()
    }

    fn of(connection: &Connection, spine: &Spine, impacts: Impacts) -> Self {
        let owned = spine.reports.owned_by(connection);
        let owns: Vec<OwnerDomain> =
            OwnerDomain::owned().filter(|(_, domain)| owned.contains(domain)).map(|(shown, _)| shown).collect();
        let health = connection.health();
        let status = health.as_ref().map_or(HealthStatus::Unknown, Health::status).into();
        Self {
            connection: connection.name.clone(),
            impacts,
            name: connection.name.to_string(),
            kind: connection.system.to_owned(),
            owned,
            owns,
            status,
            since: health.as_ref().map(|health| DateTime(health.since)),
            breaker: health.as_ref().map_or(Breaker::Closed, |health| health.breaker.into()),
            next_probe_at: health.as_ref().and_then(|health| health.next_probe).map(DateTime),
            latency_ms: health
                .as_ref()
                .and_then(|health| health.latency)
                .and_then(|latency| u64::try_from(latency.as_millis()).ok()),
            clock_skew_seconds: health.as_ref().and_then(|health| health.clock_skew).map(|skew| skew.as_secs()),
            quota: health
                .as_ref()
                .and_then(|health| health.quota)
                .map(|Quota { limit, remaining }| SystemQuota { limit, remaining }),
            rate_limited_until: health.as_ref().and_then(|health| health.rate_limited_until).map(DateTime),
            running: health.as_ref().map_or(0, |health| health.running),
            waiting: health.as_ref().map_or(0, |health| health.waiting),
            concurrency: health.as_ref().map_or(0, |health| health.places),
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
