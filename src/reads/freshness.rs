//! How long values live.

use std::time::Duration;

use super::entry::Outcome;
use crate::config::Cache;
use crate::domain::Domain;

/// How long the answers of one domain live.
#[derive(Debug, Clone)]
pub struct Freshness {
    /// Time to live of a value.
    pub(super) ttl: Duration,
    not_found: Duration,
    failure: Duration,
    jitter_percent: u8,
    /// For how long after its time to live a value is shown while the owner is asked.
    pub(super) while_revalidate: Duration,
    /// For how long after its time to live a value is shown if the owner could not be asked.
    pub(super) if_error: Duration,
    /// How long a load may take in all.
    pub(super) patience: Duration,
}

impl Freshness {
    /// The lifetimes of a domain; a load may take `patience`.
    pub fn of(cache: &Cache, domain: Domain, patience: Duration) -> Self {
        let while_revalidate = cache.stale_while_revalidate_of(domain);
        Self {
            ttl: cache.ttl_of(domain),
            not_found: cache.not_found.0,
            failure: cache.failure.0,
            jitter_percent: cache.jitter_percent.min(100),
            while_revalidate,
            // What may be shown while the owner is asked may also be shown when that came to nothing.
            if_error: cache.stale_if_error_of(domain).max(while_revalidate),
            patience,
        }
    }

    /// The longest time for which any answer is of use, counted from when it was stored.
    pub fn longest(&self) -> Duration {
        let value = self.ttl.saturating_add(self.if_error);
        value.max(self.not_found).max(self.failure)
    }

    /// The longest time for which any answer of any domain is of use, counted from when it was asked for.
    pub fn longest_of_all(cache: &Cache, patience: Duration) -> Duration {
        let lifetimes = Domain::ALL.map(|domain| Self::of(cache, domain, patience).longest());
        lifetimes.into_iter().max().unwrap_or_default().saturating_add(patience)
    }

    /// How long an answer lives; up to `jitter_percent` shorter than configured, never longer.
    /// A failure may have taken longer to come than it is remembered for: it lives from when it is known, `took` after the owner
    /// was asked.
    pub(super) fn lifetime<V>(&self, outcome: &Outcome<V>, took: Duration) -> Duration {
        match outcome {
            Ok(Some(_)) => {
                let cut = fastrand::u32(0..=u32::from(self.jitter_percent));
                self.ttl.saturating_sub(self.ttl * cut / 100)
            }
            Ok(None) => self.not_found.min(self.ttl),
            Err(_) => took + self.failure,
        }
    }
}
