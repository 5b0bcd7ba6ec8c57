//! QuickBooks Online, read through its accounting API (queries over HTTP, `/v3/company/{realm}/query`).
//!
//! What is peculiar about it:
//! - It signs in by OAuth 2 with a refresh token whose value changes about once a day: the newest is written to a file, the
//!   only thing Spine ever writes. The token endpoint is another host than the API.
//! - The query language knows no `OR` and no join, and filters by few properties: sales can be asked for by customer, lines by
//!   nothing. What carries its project on lines (bills, purchases, orders, journal) is read whole.
//! - A project is a customer below a customer; its name is the only free text on it that all editions have.
//! - Names that are not in use any more are left out unless they are asked for.
//! - A transaction is in one currency; in the home currency only some sums are stated, and the rate.
//! - Drafts are estimates, or wait for approval; voiding leaves a transaction with nothing; deleting leaves nothing at all.
//! - What a line costs is told by its account, which lines of items do not name: items are asked for where they stand on one.
//! - Faults come as JSON in either case, or as XML.
//!
//! Facts: Intuit's schema (`Finance.xsd` of its SDK) and developer pages, `python-quickbooks`. docs/connectors/quickbooks.md
//! says which of them were never seen at a real company.

mod chart;
mod client;
mod config;
mod cost_map;
#[cfg(test)]
mod cost_tests;
mod costs;
mod customers;
mod documents;
mod fault;
mod map;
#[cfg(test)]
mod map_tests;
#[cfg(test)]
mod odd_servers;
#[cfg(test)]
mod rule_tests;
#[cfg(test)]
mod tests;
mod token_file;
mod tokens;
mod wire;

use std::collections::HashMap;
use std::future::ready;
use std::sync::Arc;

use futures_util::future::try_join;

pub use config::{Carrier, Config, HTTP_DEFAULTS, Labour, TokenPlace};

use self::client::{Client, Currencies, Entity};
use self::costs::Costs;
use self::customers::{Customers, Directory};
use self::documents::{Documents, PAYABLES, RECEIVABLES};
use self::map::{Company, DocumentType, Mapper};
use super::{Batch, Call, Connection, ConnectionContext, ConnectionProblem, ErrorKind, SystemError};
use crate::domain::ProjectId;

/// The name of the kind of system.
const SYSTEM: &str = "quickbooks";

/// Builds a connection. Nothing is asked of the system before the first read.
pub fn connect(config: Config, context: ConnectionContext) -> Result<Connection, ConnectionProblem> {
    config.check()?;
    let system = Arc::new(System {
        client: Client::new(&config, &context)?,
        directory: Directory::new(Arc::clone(&context.clock), context.shared_id.clone(), config.customers_ttl.0),
        mapper: Mapper {
            rule: context.shared_id,
            document_url: config.document_url,
            labour_accounts: config.labour_accounts,
        },
    });
    let documents = |types: &'static [DocumentType], carrier: &Carrier| Documents {
        system: Arc::clone(&system),
        types,
        carrier: carrier.clone(),
    };
    let mut connection = Connection::new(context.name, SYSTEM);
    for upstream in system.client.upstreams() {
        connection.upstreams.push(upstream);
    }
    connection.receivables = Some(Arc::new(documents(&RECEIVABLES, &config.project_on)));
    connection.payables = Some(Arc::new(documents(&PAYABLES, &config.costs_on)));
    connection.costs = Some(Arc::new(Costs { system, carrier: config.costs_on, labour: config.labour }));
    Ok(connection)
}

/// One company, and how its words are read.
struct System {
    client: Client,
    directory: Directory,
    mapper: Mapper,
}

/// What every read has to know first.
struct About {
    currencies: Currencies,
    customers: Arc<Customers>,
}

impl About {
    fn company(&self) -> Company<'_> {
        Company { currencies: self.currencies, customers: &self.customers }
    }
}

impl System {
    async fn about(&self, call: &Call, wanted: &[ProjectId]) -> Result<About, SystemError> {
        let customers = self.directory.customers(&self.client, call, wanted);
        let (currencies, customers) = try_join(self.client.currencies(call), customers).await?;
        Ok(About { currencies, customers })
    }

    /// What is known, with the list of customers read once more if records name some that are not in it: somebody who is
    /// younger than the list may be a project.
    async fn settled(
        &self,
        call: &Call,
        about: About,
        lacking: impl Fn(&Customers) -> bool,
    ) -> Result<About, SystemError> {
        if !lacking(&about.customers) {
            return Ok(about);
        }
        let customers = self.directory.younger(&self.client, call, &about.customers, lacking).await?;
        Ok(About { customers, ..about })
    }

    /// What records of those that are not among the customers make of the projects that were asked for: of those they may
    /// belong to, nobody can say what they hold.
    fn lost<'a>(
        &self,
        records: impl Iterator<Item = (&'a Entity, Option<String>)>,
        ids: &[ProjectId],
        customers: &Customers,
    ) -> HashMap<ProjectId, SystemError> {
        let mut failed = HashMap::new();
        for (entity, customer) in records {
            let theirs =
                ids.iter().filter(|id| customer.as_deref().is_none_or(|customer| customers.stands_below(id, customer)));
            for id in theirs {
                failed.entry(id.clone()).or_insert_with(|| {
                    let detail =
                        "a record names a customer or project that is not among the customers: it may be this one's";
                    self.client.failed(entity.operation, ErrorKind::BadResponse, detail)
                });
            }
        }
        failed
    }
}

/// Answers each project with its records. Those without any are answered with none if they are known by what carries the IDs,
/// and not at all if they are not.
async fn answer<T>(
    ids: &[ProjectId],
    knows: impl Fn(&ProjectId) -> bool,
    records: HashMap<ProjectId, Vec<T>>,
    failed: HashMap<ProjectId, SystemError>,
) -> Batch<ProjectId, Vec<T>> {
    let of_them = |empty: Vec<ProjectId>| ready(Ok(empty.into_iter().filter(knows).collect()));
    Batch::of_records(ids, records, failed, of_them).await
}
