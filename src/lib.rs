//! Spine: one live, read-only GraphQL graph of deals, projects, tickets and invoices over the systems that own them.
//!
//! The map of the house. Each floor uses only floors below it:
//!
//! - [`cli`]: the command line, one file per command
//! - [`app`]: from a configuration to a running application
//! - [`server`]: the HTTP door: GraphQL over HTTP, health, GraphiQL
//! - [`graph`]: the GraphQL schema, and the guard before it
//! - [`reports`]: questions about many projects: the portfolio, the ready reports
//! - [`finance`]: pure arithmetic: the financials of a project, the profitability of a portfolio
//! - [`reads`]: the read engine: cache, single flight, batches
//! - [`systems`]: the ports to the systems of record, the HTTP client they share, one folder per kind of system
//! - [`access`]: who reads, and what they may see
//! - [`domain`]: the canonical words: ids, money, deals, projects, tickets, invoices, costs, sources
//! - [`config`]: the file `spine.toml`
//! - [`telemetry`]: the log
//! - [`workers`]: threads, each with connections of its own
//! - [`demo`]: the embedded systems and their seeded company

pub mod access;
pub mod app;
pub mod cli;
pub mod config;
pub mod demo;
pub mod domain;
#[cfg(test)]
mod explore;
pub mod finance;
pub mod graph;
pub mod reads;
pub mod reports;
pub mod server;
pub mod systems;
pub mod telemetry;
pub mod workers;
