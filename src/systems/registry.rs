//! The one place that knows which kinds of system there are.

use std::sync::Arc;

use super::{
    Connection, ConnectionContext, ConnectionProblem, hubspot, netsuite, odata, odoo, quickbooks, redmine, rest,
    sap_b1, sql, tryton,
};
use crate::config::{Config, ConfigError, nearest};
use crate::domain::{Clock, ConnectionName, Domain};

/// The kinds of system, as `kind` names them.
#[rustfmt::skip]
pub const KINDS: [&str; 10] = [
    "hubspot",
    "netsuite",
    "odata",
    "odoo",
    "quickbooks",
    "redmine",
    "rest",
    "sap_b1",
    "sql",
    "tryton",
];

/// Limits that suit a kind better than the general ones; TOML, below `[http]`.
fn http_defaults(kind: &str) -> &'static str {
    match kind {
        "netsuite" => netsuite::HTTP_DEFAULTS,
        "quickbooks" => quickbooks::HTTP_DEFAULTS,
        "odoo" => odoo::HTTP_DEFAULTS,
        "sap_b1" => sap_b1::HTTP_DEFAULTS,
        "sql" => sql::HTTP_DEFAULTS,
        "tryton" => tryton::HTTP_DEFAULTS,
        // A Redmine has a few Ruby threads.
        "redmine" => "concurrency = 4\n",
        _ => "",
    }
}

/// Builds all connections of a configuration. Nothing is called yet. All that is wrong is reported at once.
pub fn connect(config: &Config, clock: &Arc<dyn Clock>) -> Result<Vec<Connection>, Vec<ConfigError>> {
    let mut errors = Vec::new();
    let mut connections = Vec::new();
    for (name, kind) in &config.connections {
        match connect_one(config, name, kind, clock) {
            Ok(connection) => connections.push(connection),
            Err(error) => errors.push(error),
        }
    }
    for domain in Domain::ALL {
        let owners = config.owners.of(domain).iter();
        let owners = owners.filter_map(|rule| connections.iter().find(|connection| connection.name == rule.owner));
        for owner in owners.filter(|connection| !can_own(connection, domain)) {
            let message = format!("`{}` cannot own {domain}: a {} connection has none", owner.name, owner.system);
            let message = if matches!(owner.system, "odata" | "rest" | "sql") {
                format!("{message} unless its tables say where they are")
            } else {
                message
            };
            errors.push(config.error_at(&format!("owners.{domain}"), message));
        }
    }
    if errors.is_empty() { Ok(connections) } else { Err(errors) }
}

fn connect_one(
    config: &Config,
    name: &ConnectionName,
    kind: &str,
    clock: &Arc<dyn Clock>,
) -> Result<Connection, ConfigError> {
    let context = ConnectionContext {
        name: name.clone(),
        shared_id: config.shared_id.clone(),
        traffic: config.traffic(name, http_defaults(kind))?,
        clock: Arc::clone(clock),
    };
    let connected = match kind {
        "hubspot" => hubspot::connect(config.connection(name)?, context),
        "netsuite" => netsuite::connect(config.connection(name)?, context),
        "quickbooks" => quickbooks::connect(config.connection(name)?, context),
        "odoo" => odoo::connect(config.connection(name)?, context),
        "sap_b1" => sap_b1::connect(config.connection(name)?, context),
        "redmine" => redmine::connect(config.connection(name)?, context),
        "odata" => odata::connect(config.connection(name)?, context),
        "tryton" => tryton::connect(config.connection(name)?, context),
        "rest" => rest::connect(config.connection(name)?, context),
        "sql" => sql::connect(config.connection(name)?, context),
        unknown => Err(ConnectionProblem::new(
            "kind",
            nearest(unknown, &KINDS).map_or_else(
                || format!("there is no kind `{unknown}`: known are {}", KINDS.join(", ")),
                |kind| format!("there is no kind `{unknown}`: did you mean `{kind}`?"),
            ),
        )),
    };
    connected.map_err(|problem| config.error_at(&format!("connections.{name}.{}", problem.key), problem.message))
}

fn can_own(connection: &Connection, domain: Domain) -> bool {
    match domain {
        Domain::Commercial => connection.deals.is_some(),
        Domain::Delivery => connection.projects.is_some(),
        Domain::Tickets => connection.tickets.is_some(),
        Domain::Receivables => connection.receivables.is_some(),
        Domain::Costs => connection.costs.is_some(),
    }
}
