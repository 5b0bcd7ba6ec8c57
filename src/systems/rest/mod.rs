//! "Something custom": any system that speaks JSON over HTTP, declared in the configuration alone.
//!
//! A table per entity says how it is asked (by keys, or page by page), where the rows are, and which of their fields is
//! which of ours. The system owns what has a table, and nothing else. How rows are asked for and read is
//! [`declared`](super::declared)'s matter.
//!
//! `docs/connectors/rest.md` describes every option.

mod config;
#[cfg(test)]
mod tests;

use http::HeaderMap;

pub use config::Config;

pub use super::declared::auth::{Auth, ClientAuth};

use super::declared::known::of_known_projects;
use super::declared::path::Path;
use super::declared::{Access, check, connection, reach};
use super::{Connection, ConnectionContext, ConnectionProblem};

/// Kind of system, as it is written in the configuration.
pub const SYSTEM: &str = "rest";

/// Builds a connection. What the configuration cannot mean is refused, with the key it stands under.
pub fn connect(config: Config, context: ConnectionContext) -> Result<Connection, ConnectionProblem> {
    let (place, tables) = config.split();
    check::check(&tables)?;
    let access = Access {
        system: SYSTEM,
        url: &place.url,
        auth: &place.auth,
        headers: &place.headers,
        accept: "application/json",
        extra: HeaderMap::new(),
        time_zone: place.time_zone.as_deref(),
        code: Path::default(),
    };
    let api = reach(access, &tables, &context)?;
    let knows_projects = tables.knows_projects();
    let mut connection = connection(SYSTEM, tables, &api, context);
    if knows_projects {
        of_known_projects(&mut connection);
    }
    Ok(connection)
}
