//! The set `Freshness`: the connections, and how they fare.

use super::{Row, moment, text};
use crate::reports::{Cell, Column, ColumnKind, Reports};
use crate::systems::Connection;
use crate::systems::http::{Health, HealthStatus};

pub(super) const DESCRIPTION: &str = "The connections to systems, and how each fares at this moment.";

pub(super) const COLUMNS: &[Column] = &[
    Column::new("name", "Connection", ColumnKind::Text, "Its name in the configuration."),
    Column::new("system", "System", ColumnKind::Text, "Its kind, e.g. `hubspot`."),
    Column::new("owns", "Owns", ColumnKind::Text, "The domains it owns, with commas between them."),
    Column::new(
        "status",
        "Status",
        ColumnKind::Text,
        "OK: the last call went well. DEGRADED: it failed, or the system asks to be asked less. DOWN: it failed repeatedly. \
         UNKNOWN: it was not asked yet.",
    ),
    Column::new(
        "as_of",
        "As of",
        ColumnKind::Moment,
        "The last answer that was fine, UTC. Null if there was none yet.",
    ),
    Column::new(
        "last_error_at",
        "Last failure",
        ColumnKind::Moment,
        "The last failure, UTC. Null if there was none yet.",
    ),
    Column::new(
        "calls",
        "Calls",
        ColumnKind::Count,
        "Calls made since the start: what the system counts against its quota.",
    ),
    Column::new("failures", "Failures", ColumnKind::Count, "Calls that failed since the start."),
];

impl Reports {
    pub(super) fn connection_rows(&self) -> Vec<Row> {
        self.connections.iter().map(|connection| self.connection_row(connection)).collect()
    }

    fn connection_row(&self, connection: &Connection) -> Row {
        let owns: Vec<&str> = self.owned_by(connection).iter().map(|domain| domain.as_str()).collect();
        let (all, health): (Vec<Health>, _) =
            (connection.upstreams.iter().map(|client| client.health()).collect(), connection.health());
        let status = health.as_ref().map_or(HealthStatus::Unknown, Health::status);
        vec![
            text(Some(&connection.name)),
            text(Some(connection.system)),
            text(Some(owns.join(",")).filter(|owns| !owns.is_empty())),
            text(Some(word(status))),
            moment(all.iter().filter_map(|health| health.last_success).max()),
            moment(all.iter().filter_map(|health| health.last_error).map(|error| error.at).max()),
            Cell::Count(health.as_ref().map_or(0, |health| health.calls)),
            Cell::Count(health.as_ref().map_or(0, |health| health.failures)),
        ]
    }
}

fn word(status: HealthStatus) -> &'static str {
    match status {
        HealthStatus::Unknown => "UNKNOWN",
        HealthStatus::Ok => "OK",
        HealthStatus::Degraded => "DEGRADED",
        HealthStatus::Down => "DOWN",
    }
}
