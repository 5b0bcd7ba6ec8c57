//! Where a value was read and how old it is, as the graph shows it.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, Result};

use super::context::{options, spine};
use super::direct::{Direct, Json, Scene, Selected, Written, fields, object, resolved};
use super::errors::status_of;
use super::scalars::DateTime;
use crate::domain::{GlobalId, IdNode, SourceStatus as Status};
use crate::reads::{Fresh, Owner, Read, ReadOptions};

/// What the owner said of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "Status")]
pub enum SourceStatus {
    /// Read from the owner for this request.
    Live,
    /// Read from the owner a short while ago, within the time to live.
    Cached,
    /// Older than the time to live, as the configuration allows: the owner is being asked again, or could not be.
    Stale,
    /// Only a part of what the owner has could be read, or two records contradict one another.
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

/// Where and when a record was read, by itself, in a list or in a page.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// Who owns the record.
    pub(super) owner: Owner,
    as_of: jiff::Timestamp,
    status: Status,
}

impl Origin {
    /// The origin of a record out of a read that found it.
    pub(super) fn of<V>(owner: &Owner, read: &Fresh<V>) -> Self {
        Self { owner: owner.clone(), as_of: read.as_of, status: read.status }
    }

    /// The source of the record.
    pub(super) fn source(&self, record_id: &str, url: Option<&Arc<str>>) -> Source {
        Source(crate::domain::Source {
            system: self.owner.system,
            connection: self.owner.connection.clone(),
            record_id: Some(record_id.into()),
            url: url.cloned(),
            as_of: Some(self.as_of),
            status: self.status,
        })
    }

    /// The ID of the record in the graph.
    pub(super) fn global_id(&self, node: IdNode, record: &str) -> ID {
        GlobalId { node, connection: self.owner.connection.clone(), record: record.to_owned() }.to_string().into()
    }

    /// The same, written.
    pub(super) fn write_id(&self, node: IdNode, record: &str, json: &mut Json) {
        json.byte(b'"');
        json.raw(node.as_str().as_bytes());
        for part in [self.owner.connection.as_str(), record] {
            json.byte(b':');
            json.escaped(part);
        }
        json.byte(b'"');
    }
}

/// Where a value was read: system, record, time, status.
#[derive(Debug, Clone)]
pub struct Source(pub(super) crate::domain::Source);

impl Source {
    /// The source of a record that was read.
    pub(super) fn of<V>(owner: &Owner, read: &Read<V>, record_id: Option<&str>, url: Option<&Arc<str>>) -> Self {
        let (status, as_of) = match read {
            Ok(fresh) if fresh.value.is_some() => (fresh.status, Some(fresh.as_of)),
            Ok(fresh) => (Status::NotFound, Some(fresh.as_of)),
            Err(error) => (status_of(error.kind), None),
        };
        Self(crate::domain::Source {
            system: owner.system,
            connection: owner.connection.clone(),
            record_id: record_id.map(Into::into),
            url: url.cloned(),
            as_of,
            status,
        })
    }

    /// What the owner said, to this request: that it was asked for it is true for no other.
    fn said(&self, options: &ReadOptions) -> SourceStatus {
        if self.0.status == Status::Live {
            options.observed.pin_to_moment();
        }
        self.0.status.into()
    }

    /// The source of what no shared ID leads to.
    pub(super) fn not_linked(owner: &Owner) -> Self {
        Self(crate::domain::Source {
            system: owner.system,
            connection: owner.connection.clone(),
            record_id: None,
            url: None,
            as_of: None,
            status: Status::NotLinked,
        })
    }
}

/// Where a value was read: system, record, time, status.
#[Object]
impl Source {
    /// Kind of system, e.g. `hubspot`.
    async fn system(&self) -> &str {
        self.0.system
    }

    /// The connection of the configuration.
    async fn connection(&self) -> &str {
        self.0.connection.as_str()
    }

    /// The record's ID in that system; null where several records or none stand behind the value.
    async fn record_id(&self) -> Option<&str> {
        self.0.record_id.as_deref()
    }

    /// Where a person opens the record in that system; null if the connection is not told how.
    async fn url(&self) -> Option<&str> {
        self.0.url.as_deref()
    }

    /// When the owner was asked; null if it was not, or did not answer.
    async fn as_of(&self) -> Option<DateTime> {
        self.0.as_of.map(DateTime)
    }

    /// How long ago that was, in milliseconds; null where `asOf` is.
    async fn age_ms(&self, ctx: &Context<'_>) -> Result<Option<i64>> {
        options(ctx)?.observed.pin_to_moment();
        let now = spine(ctx)?.clock.now();
        Ok(self.0.as_of.map(|as_of| now.duration_since(as_of).as_millis().max(0)).and_then(|ms| i64::try_from(ms).ok()))
    }

    /// What the owner said.
    async fn status(&self, ctx: &Context<'_>) -> Result<SourceStatus> {
        Ok(self.said(options(ctx)?))
    }
}

fields!(SourceField {
    System = "system",
    Connection = "connection",
    RecordId = "recordId",
    Url = "url",
    Status = "status",
});

impl Direct for Source {
    fn write(&self, fields: &[Selected], scene: &Scene<'_>, json: &mut Json) -> Written {
        object::<Self>(fields, json, |field, json| {
            match SourceField::of(field) {
                Some(SourceField::System) => json.string(self.0.system),
                Some(SourceField::Connection) => json.string(self.0.connection.as_str()),
                Some(SourceField::RecordId) => json.text(self.0.record_id.as_deref()),
                Some(SourceField::Url) => json.text(self.0.url.as_deref()),
                Some(SourceField::Status) => json.word(self.said(scene.options)),
                _ => return resolved(self, field, scene, json),
            }
            Ok(())
        })
    }
}
