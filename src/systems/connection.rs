//! A configured instance of a system, as a connector hands it over.

use std::fmt;
use std::sync::Arc;

use super::upstream::{Health, Upstream};
use super::{
    ClientSource, CostSource, CostSumSource, DealDetailSource, DealSource, InvoiceSource, InvoiceSumSource,
    ProjectSource, TicketSource,
};
use crate::config::Traffic;
use crate::domain::{Clock, ConnectionName, SharedIdRule};

/// What a connector gets to build a connection, beside its own section of the configuration.
#[derive(Debug, Clone)]
pub struct ConnectionContext {
    /// Name of the connection.
    pub name: ConnectionName,
    /// How shared IDs are spelled.
    pub shared_id: SharedIdRule,
    /// Limits on calls: `[http]` with `[connections.NAME.http]` over it.
    pub traffic: Traffic,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// A configured instance of a system: the ports it can serve. A port that the system or its configuration does not
/// have is `None`.
#[derive(Clone)]
pub struct Connection {
    /// Name of the connection.
    pub name: ConnectionName,
    /// Kind of system, e.g. `hubspot`.
    pub system: &'static str,
    /// The clients it reads through, which know how the system fares.
    pub upstreams: Vec<Arc<dyn Upstream>>,
    /// Deals.
    pub deals: Option<Arc<dyn DealSource>>,
    /// Clients.
    pub clients: Option<Arc<dyn ClientSource>>,
    /// What hangs on a deal.
    pub deal_details: Option<Arc<dyn DealDetailSource>>,
    /// Projects.
    pub projects: Option<Arc<dyn ProjectSource>>,
    /// Tickets, incidents and change requests.
    pub tickets: Option<Arc<dyn TicketSource>>,
    /// Invoices to clients.
    pub receivables: Option<Arc<dyn InvoiceSource>>,
    /// Bills of vendors.
    pub payables: Option<Arc<dyn InvoiceSource>>,
    /// Costs.
    pub costs: Option<Arc<dyn CostSource>>,
    /// What was invoiced, added up by the owner.
    pub invoice_sums: Option<Arc<dyn InvoiceSumSource>>,
    /// Costs, added up by the owner.
    pub cost_sums: Option<Arc<dyn CostSumSource>>,
}

impl Connection {
    /// A connection without ports; the connector sets those it has.
    pub fn new(name: ConnectionName, system: &'static str) -> Self {
        Self {
            name,
            system,
            upstreams: Vec::new(),
            deals: None,
            clients: None,
            deal_details: None,
            projects: None,
            tickets: None,
            receivables: None,
            payables: None,
            costs: None,
            invoice_sums: None,
            cost_sums: None,
        }
    }

    /// How the system fares: the worst of its clients speaks, and what they do is added up. None if it has no client.
    pub fn health(&self) -> Option<Health> {
        self.upstreams.iter().map(|client| client.health()).reduce(Health::with)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("name", &self.name).field("system", &self.system).finish_non_exhaustive()
    }
}

/// Why a connection cannot be built from its section of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{key}: {message}")]
pub struct ConnectionProblem {
    /// The key below `connections.NAME`, dotted, e.g. `map.shared_id`.
    pub key: String,
    /// What is wrong with it and how to put it right.
    pub message: String,
}

impl ConnectionProblem {
    /// A problem with a key.
    pub fn new(key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { key: key.into(), message: message.into() }
    }
}
