//! Oracle NetSuite, read by SuiteQL over its REST web services.
//!
//! What is peculiar about it:
//! - One endpoint answers everything: a question in a dialect of SQL, as a POST that reads. It takes no parameters, so values
//!   stand in the text: `sql` is the one place that puts them there.
//! - Five calls at once is all that an account of the standard tier answers, for all its integrations together. So questions
//!   are few and large: they join, and add up where only sums are wanted.
//! - Documents of all kinds share one table and one space of numbers. Lines carry the sign of the ledger.
//! - The project of a line is its `entity`, which may be a client, a vendor or a project (`job`).
//! - Columns that hold nothing are left out, and most values come as texts. What the role may not see is left out without a
//!   word.
//! - Pages are by offset and no snapshot: each states the number of all rows, and a change of it is an error here.
//!
//! Facts: Oracle's help pages on REST web services and SuiteQL, and the columns of the analytics data source as public
//! connectors list them.

mod client;
mod config;
mod costs;
mod documents;
mod map;
#[cfg(test)]
mod map_tests;
#[cfg(test)]
mod odd_servers;
#[cfg(test)]
mod rule_tests;
mod sign_in;
mod sql;
mod sums;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::future::try_join_all;

pub use config::{Config, HTTP_DEFAULTS, OAuth2, Token};

use self::client::Client;
use self::costs::Costs;
use self::documents::{Documents, PAYABLES, RECEIVABLES};
use self::map::Mapper;
use self::sql::{MAX_VALUES, Sql};
use self::wire::Row;
use super::{Batch, Call, Connection, ConnectionContext, ConnectionProblem, ErrorKind, SystemError};
use crate::domain::ProjectId;

/// Keys of one read of records: what hangs on more of them is many pages, and pages are read one after the other.
const BATCH: usize = 200;

/// Builds a connection. Nothing is asked of the system before the first read.
pub fn connect(config: Config, context: ConnectionContext) -> Result<Connection, ConnectionProblem> {
    config.check()?;
    let base = config.base()?;
    let system = Arc::new(System {
        client: Client::new(&config, &context)?,
        sql: Sql::new(&config),
        mapper: Mapper {
            rule: context.shared_id,
            base,
            labour_accounts: config.labour_accounts,
            document_url: config.document_url,
        },
    });
    let mut connection = Connection::new(context.name, client::SYSTEM);
    connection.upstreams.push(system.client.upstream());
    let documents = |types, payments| Arc::new(Documents { system: Arc::clone(&system), types, payments });
    let receivables = documents(&RECEIVABLES, true);
    connection.receivables = Some(Arc::clone(&receivables) as _);
    connection.invoice_sums = Some(receivables);
    connection.payables = Some(documents(&PAYABLES, false));
    let costs = Arc::new(Costs { system, time: config.time_costs });
    connection.costs = Some(Arc::clone(&costs) as _);
    connection.cost_sums = Some(costs);
    Ok(connection)
}

/// One account, and how its words are read.
struct System {
    client: Client,
    sql: Sql,
    mapper: Mapper,
}

impl System {
    /// Of projects without a single record, those that the system knows all the same. Whether a project has no costs or
    /// is not there at all makes a difference: 0 or unknown.
    async fn known_projects(&self, call: &Call, ids: &[ProjectId]) -> Result<HashSet<ProjectId>, SystemError> {
        let reads = in_lists(ids).map(|ids| async move {
            self.client.rows(call, "projects.known", &self.sql.known_projects(ids), &["id"], None).await
        });
        let rows = try_join_all(reads).await?;
        Ok(rows.iter().flatten().filter_map(|row| self.mapper.project(row)).collect())
    }

    /// Answers each project with its records; with none only if the system knows the project.
    async fn answer<T>(
        &self,
        call: &Call,
        ids: &[ProjectId],
        records: HashMap<ProjectId, Vec<T>>,
        failed: HashMap<ProjectId, SystemError>,
    ) -> Batch<ProjectId, Vec<T>> {
        let known = |empty: Vec<ProjectId>| async move { self.known_projects(call, &empty).await };
        Batch::of_records(ids, records, failed, known).await
    }

    /// How many records the system added up in a row.
    fn records(&self, operation: &'static str, row: &Row) -> Result<usize, SystemError> {
        let records = row.number("records").and_then(|records| usize::try_from(records).ok());
        let detail = "a sum does not say of how many records it is";
        records.ok_or_else(|| self.client.error(operation, ErrorKind::BadResponse, detail))
    }
}

/// Cuts keys into lists that a question can hold.
fn in_lists<T>(values: &[T]) -> impl Iterator<Item = &[T]> {
    values.chunks(MAX_VALUES)
}
