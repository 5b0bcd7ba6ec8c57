//! `[cache]`: how long a value that was read may be shown again.

use std::time::Duration;

use serde::Deserialize;

use super::Seconds;
use crate::domain::Domain;

/// How long values live. A request can always ask for less with `Cache-Control: max-age=N` or `no-cache`.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Cache {
    /// Time to live of a value.
    pub ttl: Seconds,
    /// Time to live by domain, where it differs.
    pub domains: DomainTtl,
    /// For how long "the owner does not know this" is believed.
    pub not_found: Seconds,
    /// For how long a failure is remembered, so that a broken system is asked at most once in that time per record.
    pub failure: Seconds,
    /// Times to live are varied by up to this many percent, so that values read together do not all expire together.
    pub jitter_percent: u8,
    /// Largest number of values kept per kind of record.
    pub max_entries: u64,
}

/// Time to live by domain.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DomainTtl {
    /// Deals and what hangs on them.
    pub commercial: Option<Seconds>,
    /// Projects.
    pub delivery: Option<Seconds>,
    /// Tickets.
    pub tickets: Option<Seconds>,
    /// Invoices to clients.
    pub receivables: Option<Seconds>,
    /// Costs.
    pub costs: Option<Seconds>,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            ttl: Seconds(Duration::from_secs(30)),
            domains: DomainTtl::default(),
            not_found: Seconds(Duration::from_secs(5)),
            failure: Seconds(Duration::from_secs(1)),
            jitter_percent: 10,
            max_entries: 50_000,
        }
    }
}

impl Cache {
    /// Time to live of values of a domain.
    pub fn ttl_of(&self, domain: Domain) -> Duration {
        match domain {
            Domain::Commercial => self.domains.commercial,
            Domain::Delivery => self.domains.delivery,
            Domain::Tickets => self.domains.tickets,
            Domain::Receivables => self.domains.receivables,
            Domain::Costs => self.domains.costs,
        }
        .unwrap_or(self.ttl)
        .0
    }
}
