//! Where a value was read, and how old it is.

use std::sync::Arc;

use jiff::Timestamp;

use super::ConnectionName;

/// Where a value was read: system, record, time, status.
#[derive(Debug, Clone)]
pub struct Source {
    /// Kind of system, e.g. `hubspot`.
    pub system: &'static str,
    /// The connection of the configuration.
    pub connection: ConnectionName,
    /// The record's ID in that system.
    pub record_id: Option<Arc<str>>,
    /// Where a person opens the record in that system.
    pub url: Option<Arc<str>>,
    /// When the owner was asked; none if it was not, or did not answer.
    pub as_of: Option<Timestamp>,
    /// What the owner said, or that it said nothing.
    pub status: SourceStatus,
}

/// What the owner said of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SourceStatus {
    /// Read from the owner for this request.
    Live,
    /// Read from the owner a short while ago, within the time to live.
    Cached,
    /// Older than the time to live, as the configuration allows: the owner is being asked again, or could not be.
    Stale,
    /// Only a part of what the owner has could be read.
    Partial,
    /// No usable shared ID leads there.
    NotLinked,
    /// The owner does not know the record.
    NotFound,
    /// The owner refuses to show it to this connection.
    Forbidden,
    /// The owner could not be asked.
    Unavailable,
}
