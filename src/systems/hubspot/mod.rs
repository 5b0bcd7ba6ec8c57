//! HubSpot: deals, clients, contacts, line items, quotes, communications and tickets.
//!
//! What HubSpot does differently from most: every value is text; a batch comes back in no order, with 207 and error entries
//! for what it does not know; "no association" is such an entry too; associations are IDs only, so each hop is a call of
//! its own; search is slow to learn of changes, takes 3,000 characters, matches a list of strings in lower case only and
//! ends after 10,000 rows. Documented at <https://developers.hubspot.com/docs/api-reference/latest/overview>; what
//! is not documented there is marked in `docs/connectors/hubspot.md`.

mod client;
mod config;
mod deals;
mod details;
mod map;
mod query;
mod reference;
#[cfg(test)]
mod tests;
mod tickets;
mod wire;

use std::sync::Arc;

pub use config::{Api, Category, Config, Map, Status};

use self::client::Client;
use self::map::Mapper;
use self::reference::Reference;
use crate::domain::parse_currency;
use crate::systems::{Connection, ConnectionContext, ConnectionProblem};

/// Kind of system.
const SYSTEM: &str = "hubspot";

/// An account; all ports are served by it.
#[derive(Debug)]
struct HubSpot {
    client: Client,
    mapper: Mapper,
    reference: Reference,
    shared_id_unique: bool,
}

/// Builds the connection to an account. Nothing is called yet.
pub fn connect(config: Config, context: ConnectionContext) -> Result<Connection, ConnectionProblem> {
    let default_currency = config
        .default_currency
        .as_deref()
        .map(|code| parse_currency(code).map_err(|error| ConnectionProblem::new("default_currency", error.to_string())))
        .transpose()?;
    if config.map.shared_id.trim().is_empty() {
        return Err(ConnectionProblem::new(
            "map.shared_id",
            "is empty: name the deal property that holds the shared ID",
        ));
    }
    let account = Arc::new(HubSpot {
        client: Client::new(&config, &context)?,
        shared_id_unique: config.shared_id_unique,
        mapper: Mapper::new(config, context.shared_id, default_currency),
        reference: Reference::new(context.clock),
    });
    let mut connection = Connection::new(context.name, SYSTEM);
    for client in account.client.upstreams() {
        connection.upstreams.push(client);
    }
    connection.deals = Some(Arc::clone(&account) as _);
    connection.clients = Some(Arc::clone(&account) as _);
    connection.deal_details = Some(Arc::clone(&account) as _);
    connection.tickets = Some(account);
    Ok(connection)
}
