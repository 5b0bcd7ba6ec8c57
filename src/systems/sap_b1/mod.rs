//! SAP Business One, read through its Service Layer (OData over HTTP, `/b1s/v1` and `/b1s/v2`).
//!
//! What is peculiar about it:
//! - One session serves all calls; signing in is expensive. A call that meets its end (401 with code 301) has it renewed
//!   once, for all.
//! - Rows of documents cannot be filtered or expanded: they are reached by a join through the query service, which is a
//!   POST that reads. Rows of journal entries have no key of their heads, so not even that reaches them: an administrator
//!   installs a stored query once.
//! - A page has 20 rows unless more are asked for; a link to the next page may have lost its filter, so it is not followed.
//! - Amounts come in local and in document currency side by side; credit notes are positive.
//! - Cancelling an invoice makes a second one: both are void.
//!
//! Facts: SAP's guide "Working with SAP Business One Service Layer" 1.28 and the metadata of 9.3 and 10.0.

mod client;
mod config;
mod costs;
mod documents;
mod filter;
mod map;
#[cfg(test)]
mod map_tests;
#[cfg(test)]
mod odd_servers;
mod session;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

pub use config::{Carrier, Config, HTTP_DEFAULTS, Version};

use self::client::{Client, Query};
use self::costs::Costs;
use self::documents::{Documents, PAYABLES, RECEIVABLES};
use self::filter::{MAX_VALUES, any, quoted, runs};
use self::map::Mapper;
use super::{Batch, Call, Connection, ConnectionContext, ConnectionProblem, SystemError};
use crate::domain::{Currency, ProjectId};

/// Builds a connection. Nothing is asked of the system before the first read.
pub fn connect(config: Config, context: ConnectionContext) -> Result<Connection, ConnectionProblem> {
    config.check()?;
    let system = Arc::new(System {
        client: Client::new(&config, &context)?,
        mapper: Mapper {
            rule: context.shared_id,
            currencies: config.named_currencies()?,
            document_url: config.document_url.clone(),
            labour_accounts: config.labour_accounts.clone(),
            expense_accounts: config.expense_accounts.clone(),
        },
    });
    let documents = |types, carrier| Documents { system: Arc::clone(&system), types, carrier };
    let mut connection = Connection::new(context.name, client::SYSTEM);
    connection.upstreams.push(system.client.upstream());
    connection.receivables = Some(Arc::new(documents(&RECEIVABLES, config.project_on)));
    connection.payables = Some(Arc::new(documents(&PAYABLES, config.costs_on)));
    let journal_query = config.reads_journal().then_some(config.journal_query);
    connection.costs = Some(Arc::new(Costs { system, carrier: config.costs_on, journal_query }));
    Ok(connection)
}

/// One company database, and how its words are read.
struct System {
    client: Client,
    mapper: Mapper,
}

impl System {
    async fn local_currency(&self, call: &Call) -> Result<Currency, SystemError> {
        self.client.local_currency(call, &self.mapper.currencies).await
    }

    /// Of projects without a single record, those that the system knows all the same. Whether a project has no costs or
    /// is not there at all makes a difference: 0 or unknown.
    async fn known_projects(&self, call: &Call, ids: &[ProjectId]) -> Result<HashSet<ProjectId>, SystemError> {
        let mut known = HashSet::new();
        for run in runs(ids, "Code", MAX_VALUES, |id| quoted(id.as_str())) {
            let filter = any("Code", run.iter().map(|id| quoted(id.as_str())));
            let query = Query { set: "Projects", select: "Code", filter: &filter, order: "Code", top: None };
            let projects: Vec<wire::Project> = self.client.list(call, "projects.list", query).await?;
            known.extend(projects.iter().filter_map(|project| self.mapper.project(Some(&project.code))));
        }
        Ok(known)
    }

    /// Answers each project with its records; with none only if the system knows the project.
    async fn answer<T>(
        &self,
        call: &Call,
        ids: &[ProjectId],
        records: HashMap<ProjectId, Vec<T>>,
    ) -> Batch<ProjectId, Vec<T>> {
        Batch::of_records(ids, records, HashMap::new(), |empty| async move { self.known_projects(call, &empty).await })
            .await
    }
}
