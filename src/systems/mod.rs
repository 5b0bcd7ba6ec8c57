//! The systems of record: the ports through which Spine reads, the HTTP client all connectors share, and one folder
//! per kind of system.
//!
//! A connector has fixed parts: `mod.rs` (what it is, its quirks, its ports), `config.rs`, `client.rs` (endpoints,
//! sign-in, paging, status table), `wire.rs` (the vendor's structs as sent), `map.rs` (wire to domain, pure).

mod budget;
mod config_schema;
mod connection;
mod declared;
mod error;
pub mod examine;
pub mod http;
pub mod hubspot;
pub mod labour;
mod located;
pub mod netsuite;
pub mod odata;
pub mod odoo;
mod ports;
pub mod quickbooks;
pub mod redmine;
pub mod registry;
pub mod rest;
pub mod sap_b1;
#[cfg(test)]
mod secret_file;
pub mod sql;
mod text;
mod tls;
pub mod tryton;
pub mod upstream;

pub use budget::{Budget, Exhausted, Payers};
pub use config_schema::{config_example, config_schema};
pub use connection::{Connection, ConnectionContext, ConnectionProblem};
pub use error::{ErrorKind, SystemError};
pub use located::LocatedDeals;
pub(in crate::systems) use ports::grouped;
pub use ports::{
    Batch, BatchResult, Call, ClientSource, CostSource, CostSumSource, DealDetailSource, DealSource, InvoiceSource,
    InvoiceSumSource, Priority, ProjectSource, TicketSource,
};
