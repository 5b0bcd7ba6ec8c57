//! A database that is read directly: `PostgreSQL`, `MySQL`, `MariaDB` or SQL Server, best a read replica, by the queries of the
//! configuration.
//!
//! A query says everything: what it selects, how rows are joined, what is left out. Its columns have the names of our
//! fields, so there is no mapping beside it; words alone can be mapped. Keys travel as one bound parameter, an array or a
//! JSON list, and nothing else of a question reaches the database but the place where a list goes on: no text is ever put
//! together.
//!
//! Nothing can be written: the session reads only, or signs in as a user who cannot write, and a user with rights to read is
//! for the operator to make. The server itself watches the time of each query, where it can. Decimals are read as the text the database has; a float column is refused by
//! name. Calls are guarded as all calls of the house are, and there are never more sessions than calls at once.
//!
//! `docs/connectors/sql.md` describes every option.

mod client;
mod commercial;
mod config;
mod delivery;
mod ledger;
mod mysql;
mod postgres;
mod read;
mod rows;
mod session;
mod sqlserver;
mod statement;
mod sums;
mod tables;
#[cfg(test)]
mod tests;
mod tsql;
mod upgrade;

use std::net::IpAddr;
use std::sync::Arc;

use jiff::tz::TimeZone;

pub use config::Config;

use self::client::Database;
use self::config::{Engine, Listed, Paging, Tls, Words};
use self::mysql::Mysql;
use self::postgres::Postgres;
use self::read::{Query, Source};
use self::session::{Login, Server};
use self::sqlserver::SqlServer;
use self::statement::Statement;
use super::declared::known::of_known_projects;
use super::declared::path::Path;
use super::tls;
use super::upstream::{Guard, address};
use super::{Connection, ConnectionContext, ConnectionProblem};
use crate::domain::Direction;

/// Kind of system, as it is written in the configuration.
pub const SYSTEM: &str = "sql";

/// Limits that suit a database better than the general ones.
pub const HTTP_DEFAULTS: &str = "concurrency = 4\n";

/// Builds a connection. What the configuration cannot mean is refused, with the key it stands under. Nothing is asked.
pub fn connect(config: Config, context: ConnectionContext) -> Result<Connection, ConnectionProblem> {
    if config.batch == 0 {
        return Err(ConnectionProblem::new("batch", "must be at least 1"));
    }
    let zone = match &config.time_zone {
        None => TimeZone::UTC,
        Some(name) => TimeZone::get(name).map_err(|_| {
            ConnectionProblem::new("time_zone", format!("`{name}` is no time zone: write e.g. \"Europe/Berlin\""))
        })?,
    };
    let server = server(&config, &context)?;
    let guard = Guard::new(context.name.clone(), SYSTEM, &context.traffic, Arc::clone(&context.clock));
    let source = Arc::new(Source {
        database: Arc::new(Database::new(guard, server, &context.traffic)),
        rule: context.shared_id.clone(),
        zone,
        batch: config.batch,
        max_pages: context.traffic.max_pages,
    });
    let mut connection = Connection::new(context.name, SYSTEM);
    connection.upstreams.push(Arc::clone(&source.database) as _);
    let knows_projects = config.projects.as_ref().is_some_and(|projects| projects.by_id.is_some());
    ports(config, &source, &mut connection)?;
    if knows_projects {
        of_known_projects(&mut connection);
    }
    Ok(connection)
}

/// The server, and how it is reached.
fn server(config: &Config, context: &ConnectionContext) -> Result<Box<dyn Server>, ConnectionProblem> {
    address::check_host(&config.host).map_err(|message| ConnectionProblem::new("host", message))?;
    let local = config.host == "localhost" || config.host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
    if config.tls == Tls::Plain && !local {
        let message = "a connection that is not encrypted is for a server on this machine only: write \"verify-full\"";
        return Err(ConnectionProblem::new("tls", message));
    }
    if config.engine == Engine::Sqlserver && config.host.contains('\\') {
        let message = "names an instance: write the host alone, and the port on which the instance listens as `port`";
        return Err(ConnectionProblem::new("host", message));
    }
    let password = config.password.read().map_err(|message| ConnectionProblem::new("password", message))?;
    let ca_file = context.traffic.ca_file.as_deref();
    let in_file = |message| ConnectionProblem::new("http.ca_file", message);
    let roots = ca_file.map(tls::certificates).transpose().map_err(in_file)?.unwrap_or_default();
    let port = config.port.unwrap_or(match config.engine {
        Engine::Postgresql => 5432,
        Engine::Mysql => 3306,
        Engine::Sqlserver => 1433,
    });
    let (host, database, user) = (config.host.clone(), config.database.clone(), config.user.clone());
    let (login, tls) = (Login { host, port, database, user, password }, config.tls);
    let der = || roots.iter().map(|certificate| certificate.to_vec()).collect();
    Ok(match config.engine {
        Engine::Mysql => Box::new(Mysql { login, tls, roots: der() }),
        Engine::Sqlserver => Box::new(SqlServer { login, tls, roots: der() }),
        Engine::Postgresql => {
            let settings = match tls {
                Tls::VerifyFull => Some(tls::settings(true, roots).map(Arc::new)),
                Tls::Required => Some(tls::settings(false, roots).map(Arc::new)),
                Tls::Plain => None,
            };
            let tls = settings.transpose().map_err(|message| ConnectionProblem::new("tls", message))?;
            Box::new(Postgres { login, tls })
        }
    })
}

/// What a query is for: its name, the key it stands under, and the column of the key.
type Purpose = (&'static str, &'static str);

/// The ports of what there are queries for.
fn ports(config: Config, source: &Arc<Source>, connection: &mut Connection) -> Result<(), ConnectionProblem> {
    let engine = config.engine;
    let query = |(operation, key): Purpose, text: Option<String>, words: &Words, paging: Option<Paging>| {
        let Some(text) = text else { return Ok(None) };
        let parameters = if paging.is_some() { 2 } else { 1 };
        let statement = Statement::new(engine, operation, &text, parameters)
            .map_err(|message| ConnectionProblem::new(operation, message))?;
        let key_path = Path::parse(key).map_err(|message| ConnectionProblem::new(operation, message))?;
        let (words, paging) = (Arc::new(words.clone()), paging.unwrap_or_default());
        Ok(Some(Query { statement, key: key_path, key_name: key, words, paging }))
    };
    let needed = |table: &str, way: &str, query: Option<Query>| {
        query.ok_or_else(|| ConnectionProblem::new(format!("{table}.{way}"), "is missing: write the query"))
    };
    let source = || Arc::clone(source);

    if let Some(Listed { by_id, by_project, list, paging, words }) = config.deals {
        let by_id = query(("deals.by_id", "id"), by_id, &words, None)?;
        let by_project = query(("deals.by_project", "project_id"), by_project, &words, None)?;
        let list = query(("deals.list", "id"), list, &words, Some(paging))?;
        connection.deals = Some(Arc::new(commercial::DealPort { source: source(), by_id, by_project, list }));
    }
    if let Some(table) = config.clients {
        let by_id = needed("clients", "by_id", query(("clients.by_id", "id"), table.by_id, &table.words, None)?)?;
        connection.clients = Some(Arc::new(commercial::ClientPort { source: source(), by_id }));
    }
    let by_deal = |operation, table: Option<config::ByDeal>| {
        let Some(table) = table else { return Ok(None) };
        query((operation, "deal_id"), table.by_deal, &table.words, None)
    };
    let details = commercial::DetailPort {
        source: source(),
        contacts: by_deal("contacts.by_deal", config.contacts)?,
        line_items: by_deal("line_items.by_deal", config.line_items)?,
        proposals: by_deal("proposals.by_deal", config.proposals)?,
        communications: by_deal("communications.by_deal", config.communications)?,
        pre_sales_tickets: by_deal("pre_sales_tickets.by_deal", config.pre_sales_tickets)?,
    };
    if details.has_any() {
        connection.deal_details = Some(Arc::new(details));
    }
    let by_project = |operation, table: Option<config::ByProject>| {
        let Some(table) = table else { return Ok(None) };
        query((operation, "project_id"), table.by_project, &table.words, None)
    };
    let milestones = by_project("milestones.by_project", config.milestones)?;
    let effort = by_project("effort.by_project", config.effort)?;
    if let Some(table) = config.projects {
        let by_id = query(("projects.by_id", "id"), table.by_id, &table.words, None)?;
        let list = query(("projects.list", "id"), table.list, &table.words, Some(table.paging))?;
        connection.projects =
            Some(Arc::new(delivery::ProjectPort { source: source(), by_id, list, milestones, effort }));
    } else if milestones.is_some() || effort.is_some() {
        let key = if milestones.is_some() { "milestones" } else { "effort" };
        return Err(ConnectionProblem::new(key, "belongs to projects: write [projects] too"));
    }
    if let Some(table) = config.tickets {
        let by_id = query(("tickets.by_id", "id"), table.by_id, &table.words, None)?;
        let by_project = query(("tickets.by_project", "project_id"), table.by_project, &table.words, None)?;
        connection.tickets = Some(Arc::new(delivery::TicketPort { source: source(), by_id, by_project }));
    }
    if let Some(table) = config.invoices {
        let words = &table.words;
        connection.receivables = Some(Arc::new(ledger::InvoicePort {
            source: source(),
            direction: Direction::Receivable,
            by_id: query(("invoices.by_id", "id"), table.by_id, words, None)?,
            by_project: query(("invoices.by_project", "project_id"), table.by_project, words, None)?,
            list: query(("invoices.list", "id"), table.list, words, Some(table.paging))?,
        }));
        if let Some(sums) = query(("invoices.sums", "project_id"), table.sums, &Words::new(), None)? {
            connection.invoice_sums = Some(Arc::new(sums::InvoiceSumPort { source: source(), sums }));
        }
    }
    if let Some(table) = config.payables {
        let words = &table.words;
        connection.payables = Some(Arc::new(ledger::InvoicePort {
            source: source(),
            direction: Direction::Payable,
            by_id: query(("payables.by_id", "id"), table.by_id, words, None)?,
            by_project: query(("payables.by_project", "project_id"), table.by_project, words, None)?,
            list: query(("payables.list", "id"), table.list, words, Some(table.paging))?,
        }));
    }
    if let Some(table) = config.costs {
        let by_project = query(("costs.by_project", "project_id"), table.by_project, &table.words, None)?;
        let by_project = needed("costs", "by_project", by_project)?;
        connection.costs = Some(Arc::new(ledger::CostPort { source: source(), by_project }));
        if let Some(sums) = query(("costs.sums", "project_id"), table.sums, &table.words, None)? {
            connection.cost_sums = Some(Arc::new(sums::CostSumPort { source: source(), sums }));
        }
    }
    Ok(())
}
