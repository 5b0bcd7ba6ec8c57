//! Odoo, 14 to 19: community or enterprise, by JSON-RPC or, from 19, by JSON-2.
//!
//! What is peculiar about it:
//! - Reading and writing go through the same door, and the call says which it is: [`question`] is the list of reads.
//! - JSON-RPC refuses with status 200. `false` stands for nothing. Archived records hide, and so do those of other
//!   companies than the user's own.
//! - Projects are analytic accounts to the books. A line may be for several, by shares; drafts and cancelled documents
//!   stand among the others.
//! - Amounts are binary floats, and rounded to the digits of their currency here. Company amounts have a sign: what a
//!   company owes is negative.
//! - A reversed invoice stays posted beside the credit note that reverses it: the two settle each other.
//! - Delivery and sales have no fields for much that people want to know: the configuration names those of their own.
//! - Fields differ between versions and with what is installed: it is asked once which there are.
//!
//! Facts: Odoo's developer documentation (External JSON-RPC and JSON-2 API), the source of 15 to 19, and answers that a
//! server of 17 gave.

mod accounts;
mod client;
mod commercial;
mod config;
#[cfg(test)]
mod corrections;
#[cfg(test)]
mod cost_tests;
mod costs;
#[cfg(test)]
mod deal_tests;
mod delivery;
mod documents;
mod domain;
mod map;
#[cfg(test)]
mod map_tests;
mod orders;
mod question;
mod record;
mod refusal;
mod sales;
mod spent;
mod sums;
mod tags;
#[cfg(test)]
mod tests;
mod tickets;
mod wire;
mod work;

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::OnceCell;

pub use config::{
    Analytic, AnalyticAccounts, Api, Config, DealFields, HTTP_DEFAULTS, ProjectFields, SharedIdFields, TicketFields,
    TicketSourceModel,
};

use self::client::Client;
use self::commercial::Commercial;
use self::costs::Costs;
use self::delivery::Delivery;
use self::documents::Documents;
use self::map::Mapper;
use self::sums::InvoiceSums;
use self::tickets::Tickets;
use self::work::Words;
use super::{Connection, ConnectionContext, ConnectionProblem};
use crate::domain::{Currency, Direction};
use crate::systems::labour::HoursWithoutCost;

/// Builds a connection. Nothing is asked of the system before the first read.
pub fn connect(config: Config, context: ConnectionContext) -> Result<Connection, ConnectionProblem> {
    config.check()?;
    let system = Arc::new(System {
        client: Client::new(&config, &context)?,
        mapper: Mapper {
            rule: context.shared_id,
            base_url: config.url.trim_end_matches('/').to_owned(),
            labour: config.labour,
            labour_accounts: config.labour_accounts,
            free_hours: config.hours_without_cost == HoursWithoutCost::Free,
        },
        analytic: config.analytic,
        shared_id: config.shared_id,
        companies: OnceCell::new(),
        work: Words::new(config.projects, config.tickets),
        deals: config.deals,
    });
    let documents = |direction| Documents { system: Arc::clone(&system), direction };
    let mut connection = Connection::new(context.name, client::SYSTEM);
    connection.upstreams.push(system.client.upstream());
    connection.receivables = Some(Arc::new(documents(Direction::Receivable)));
    connection.payables = Some(Arc::new(documents(Direction::Payable)));
    if system.shared_id.document.is_some() {
        connection.invoice_sums = Some(Arc::new(InvoiceSums { system: Arc::clone(&system) }));
    }
    connection.projects = Some(Arc::new(Delivery { system: Arc::clone(&system) }));
    connection.tickets = Some(Arc::new(Tickets { system: Arc::clone(&system) }));
    if let Some(link) = system.shared_id.deal.clone() {
        let commercial = Arc::new(Commercial { system: Arc::clone(&system), link });
        connection.deals = Some(Arc::<Commercial>::clone(&commercial));
        connection.clients = Some(commercial);
    }
    let accounts_of_all = config.analytic_accounts == AnalyticAccounts::Each;
    let costs = Arc::new(Costs { system, purchase_orders: config.purchase_orders, accounts_of_all });
    connection.costs = Some(Arc::<Costs>::clone(&costs));
    connection.cost_sums = Some(costs);
    Ok(connection)
}

/// Most keys of one batch, and most numbers in one condition.
const MAX_KEYS: usize = 100;

/// Most record numbers in one condition.
const MAX_NUMBERS: usize = 1000;

/// One database, and how its words are read.
struct System {
    client: Client,
    mapper: Mapper,
    analytic: Analytic,
    shared_id: SharedIdFields,
    /// The currency of each company. It cannot change once there are entries, so it is asked once.
    companies: OnceCell<HashMap<u64, Option<Currency>>>,
    work: Words,
    deals: DealFields,
}
