//! Events that were told already. Systems repeat themselves, when an answer was late or got lost.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use moka::sync::Cache;

use crate::domain::ConnectionName;

/// For how long: HubSpot tries again for a day.
const LIFETIME: Duration = Duration::from_hours(26);

/// How many: what is forgotten too early is told and done twice, which is no harm.
const MOST: u64 = 50_000;

/// An event, by what tells it from others: short however long that is.
pub(super) type EventKey = [u8; 16];

/// The events. Copies remember the same.
#[derive(Clone)]
pub(super) struct Remembered(Cache<EventKey, ()>);

impl Default for Remembered {
    fn default() -> Self {
        Self(Cache::builder().max_capacity(MOST).time_to_live(LIFETIME).build())
    }
}

impl Remembered {
    /// The key of an event of a connection.
    pub(super) fn key(connection: &ConnectionName, id: &str) -> EventKey {
        let whole = digest(&SHA256, format!("{connection}\n{id}").as_bytes());
        let mut key = EventKey::default();
        key.iter_mut().zip(whole.as_ref()).for_each(|(to, from)| *to = *from);
        key
    }

    /// Whether it was told.
    pub(super) fn has(&self, key: &EventKey) -> bool {
        self.0.contains_key(key)
    }

    /// Takes note of it.
    pub(super) fn add(&self, key: EventKey) {
        self.0.insert(key, ());
    }
}

impl fmt::Debug for Remembered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remembered").field("events", &self.0.entry_count()).finish()
    }
}
