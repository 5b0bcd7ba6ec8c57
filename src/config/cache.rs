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
    /// For how long after its time to live a value is still shown, marked as stale, while the owner is asked in the
    /// background. Off unless set: to decide on an older number for the sake of speed is the company's choice.
    pub stale_while_revalidate: Seconds,
    /// For how long after its time to live a value is still shown, marked as stale, if the owner was asked and could not
    /// answer. Off unless set: to decide on an older number rather than on none is the company's choice.
    pub stale_if_error: Seconds,
    /// The same three by domain, where they differ.
    pub domains: CacheDomains,
    /// For how long "the owner does not know this" is believed.
    pub not_found: Seconds,
    /// For how long a failure is remembered, so that a broken system is asked at most once in that time per record.
    pub failure: Seconds,
    /// Times to live are varied by up to this many percent, so that values read together do not all expire together.
    pub jitter_percent: u8,
    /// Largest amount of memory for the values of all kinds of record together, in bytes. The values that were not used
    /// for longest go first.
    pub max_bytes: u64,
    /// Largest amount of memory for whole answers, in bytes. An answer is given again, without a look at its parts, as long as
    /// each of them lives.
    pub answer_bytes: u64,
}

/// How long values live, by domain.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CacheDomains {
    /// Deals and what hangs on them.
    pub commercial: CacheDomain,
    /// Projects.
    pub delivery: CacheDomain,
    /// Tickets.
    pub tickets: CacheDomain,
    /// Invoices to clients.
    pub receivables: CacheDomain,
    /// Costs.
    pub costs: CacheDomain,
}

/// How long values of a domain live; what is not set is as in `[cache]`.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct CacheDomain {
    /// Time to live of a value.
    pub ttl: Option<Seconds>,
    /// For how long after that it is shown while the owner is asked in the background.
    pub stale_while_revalidate: Option<Seconds>,
    /// For how long after that it is shown if the owner could not answer.
    pub stale_if_error: Option<Seconds>,
}

impl Default for Cache {
    fn default() -> Self {
        Self {
            ttl: Seconds(Duration::from_secs(30)),
            stale_while_revalidate: Seconds(Duration::ZERO),
            stale_if_error: Seconds(Duration::ZERO),
            domains: CacheDomains::default(),
            not_found: Seconds(Duration::from_secs(5)),
            failure: Seconds(Duration::from_secs(1)),
            jitter_percent: 10,
            max_bytes: 32 * 1024 * 1024,
            answer_bytes: 16 * 1024 * 1024,
        }
    }
}

impl Cache {
    /// Time to live of values of a domain.
    pub fn ttl_of(&self, domain: Domain) -> Duration {
        self.of(domain).ttl.unwrap_or(self.ttl).0
    }

    /// For how long after that values of a domain are shown while the owner is asked in the background.
    pub fn stale_while_revalidate_of(&self, domain: Domain) -> Duration {
        self.of(domain).stale_while_revalidate.unwrap_or(self.stale_while_revalidate).0
    }

    /// For how long after that values of a domain are shown if the owner could not answer.
    pub fn stale_if_error_of(&self, domain: Domain) -> Duration {
        self.of(domain).stale_if_error.unwrap_or(self.stale_if_error).0
    }

    fn of(&self, domain: Domain) -> &CacheDomain {
        match domain {
            Domain::Commercial => &self.domains.commercial,
            Domain::Delivery => &self.domains.delivery,
            Domain::Tickets => &self.domains.tickets,
            Domain::Receivables => &self.domains.receivables,
            Domain::Costs => &self.domains.costs,
        }
    }
}
