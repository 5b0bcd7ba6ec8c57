//! Tryton, series 6 to 8, read over JSON-RPC or, with a user application key, through its REST application.
//!
//! What is peculiar about it:
//! - The server takes any method from a signed-in user: what Spine asks is `search_read` of a few models and nothing else,
//!   and no other request can be written (`ask.rs`).
//! - One session serves all calls. It ends some minutes after the last one, with 401; it is renewed once, for all.
//! - Most failures come with status 200.
//! - There is no call that adds up: sums are made of rows.
//! - Invoices have no project. Money is found by the analytic accounts of lines, which may share a line out over several
//!   projects, or by a field of the document that people agreed on.
//! - Only the cancelled document says which posting cancels it; see `invoice.rs`.
//! - Records that the user may not see are left out without a word; fields are, too, by the REST application.
//!
//! Facts: the source of trytond and its modules 8.0 and 6.0, and a real server (`tests/tryton`).

mod ask;
mod client;
mod commercial;
mod config;
#[cfg(test)]
mod cost_tests;
mod costs;
mod delivery;
mod documents;
mod invoice;
mod map;
#[cfg(test)]
mod odd_servers;
mod wire;

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::OnceCell;

pub use config::{Carrier, Config, HTTP_DEFAULTS, Series, StatusWord, TimesheetProjects};

use self::ask::ANALYTIC_ACCOUNT;
use self::client::Client;
use self::commercial::Commercial;
use self::costs::Costs;
use self::delivery::Delivery;
use self::documents::Documents;
use self::map::Mapper;
use self::wire::Lack;
use super::{Batch, Call, Connection, ConnectionContext, ConnectionProblem, ErrorKind, SystemError};
use crate::domain::{Direction, ProjectId};
use crate::systems::labour::HoursWithoutCost;

/// Most keys of a batch: with two spellings each, they still fit into a URL.
const BATCH: usize = 100;

/// Builds a connection. Nothing is asked of the system before the first read.
pub fn connect(config: Config, context: ConnectionContext) -> Result<Connection, ConnectionProblem> {
    config.check()?;
    let system = Arc::new(System {
        client: Client::new(&config, &context)?,
        mapper: Mapper {
            rule: context.shared_id,
            record_url: config.record_url,
            status: config.status,
            labour_accounts: config.labour_accounts,
        },
        project_on: config.project_on,
        root_name: config.analytic_root,
        root: OnceCell::new(),
    });
    let documents =
        |direction, carrier: &Carrier| Documents { system: Arc::clone(&system), direction, carrier: carrier.clone() };
    let mut connection = Connection::new(context.name, client::SYSTEM);
    connection.upstreams.push(system.client.upstream());
    connection.receivables = Some(Arc::new(documents(Direction::Receivable, &config.invoices_on)));
    connection.payables = Some(Arc::new(documents(Direction::Payable, &config.costs_on)));
    connection.costs = Some(Arc::new(Costs {
        system: Arc::clone(&system),
        bills: documents(Direction::Payable, &config.costs_on),
        labour: config.labour,
        timesheets_of_all: config.timesheet_projects == TimesheetProjects::Each,
        free_hours: config.hours_without_cost == HoursWithoutCost::Free,
        purchases: config.purchases,
    }));
    connection.projects = Some(Arc::new(Delivery { system: Arc::clone(&system) }));
    let commercial = Arc::new(Commercial { system, deal_on: config.deal_on });
    connection.deals = Some(Arc::<Commercial>::clone(&commercial));
    connection.clients = Some(commercial);
    Ok(connection)
}

/// One company in a database, and how its words are read.
struct System {
    client: Client,
    mapper: Mapper,
    /// The field of a project that carries the shared ID.
    project_on: String,
    /// Code or name of the analytic root.
    root_name: Option<String>,
    root: OnceCell<u64>,
}

/// The analytic accounts of projects.
struct Accounts {
    /// Which of the projects have one.
    known: HashSet<ProjectId>,
    /// Accounts that are posted to.
    normal: BTreeSet<u64>,
    /// These, and the accounts that distribute to them, directly or by one between.
    keys: BTreeSet<u64>,
    /// Projects that a distribution of distributions of distributions distributes to: not all of theirs is found.
    too_deep: HashSet<ProjectId>,
}

impl Accounts {
    /// Takes out projects whose records are not all found.
    fn whole<V>(&self, client: &Client, batch: &mut Batch<ProjectId, V>) {
        let detail = "a distribution of distributions of distributions holds a project's account: two levels are read";
        let error = client.error(ANALYTIC_ACCOUNT.operation, ErrorKind::Truncated, detail);
        batch.fail_unless(|id| !self.too_deep.contains(id), &error);
    }
}

impl System {
    /// Number of the analytic root that holds projects.
    async fn root(&self, call: &Call) -> Result<u64, SystemError> {
        let problem = |detail| self.client.error(ANALYTIC_ACCOUNT.operation, ErrorKind::BadRequest, detail);
        self.root
            .get_or_try_init(|| async {
                let company = self.client.company(call).await?;
                let conditions = [json!(["type", "=", "root"]), json!(["company", "=", company.id])];
                let records = self.client.list(call, &ANALYTIC_ACCOUNT, &conditions, &["code", "name"]).await?;
                let mut roots = Vec::new();
                for record in &records {
                    let read = || Ok((record.id()?, record.text("code")?, record.text("name")?));
                    let (id, code, name) = read().map_err(|lack| self.client.lacks(&ANALYTIC_ACCOUNT, &lack))?;
                    let wanted = self.root_name.as_deref().map(str::trim);
                    if wanted.is_none() || wanted == code.as_deref() || wanted == name.as_deref() {
                        roots.push(id);
                    }
                }
                match (roots.as_slice(), &self.root_name) {
                    ([root], _) => Ok(*root),
                    ([], Some(_)) => Err(problem("there is no analytic root of the code or name in `analytic_root`")),
                    ([], None) => Err(problem("there is no analytic root: projects have nothing to stand under")),
                    _ => Err(problem("there are several analytic roots: say by its code which in `analytic_root`")),
                }
            })
            .await
            .copied()
    }

    /// The analytic accounts of projects.
    async fn accounts(&self, call: &Call, ids: &[ProjectId]) -> Result<Accounts, SystemError> {
        const ABOVE: &str = "distribution_parents";
        let (root, company) = (self.root(call).await?, self.client.company(call).await?);
        let conditions = [json!(["root", "=", root]), json!(["company", "=", company.id])];
        let fields = ["code", "type", "distribution_parents.distribution_parents"];
        let code = ("code", &*spellings(ids));
        let records = self.client.list_among(call, &ANALYTIC_ACCOUNT, code, &conditions, &fields).await?;
        let mut accounts = Accounts {
            known: HashSet::new(),
            normal: BTreeSet::new(),
            keys: BTreeSet::new(),
            too_deep: HashSet::new(),
        };
        // Accounts two levels up, and the projects below them.
        let mut highest: BTreeMap<u64, Vec<ProjectId>> = BTreeMap::new();
        for record in &records {
            let mut read = || -> Result<(), Lack> {
                let Some(project) = self.mapper.project(record.text("code")?.as_deref()) else { return Ok(()) };
                if record.text("type")?.as_deref() != Some("normal") {
                    return Ok(());
                }
                accounts.known.insert(project.clone());
                accounts.normal.insert(record.id()?);
                accounts.keys.insert(record.id()?);
                for above in record.many(ABOVE)? {
                    accounts.keys.insert(above.id()?);
                    for key in above.keys(ABOVE)? {
                        accounts.keys.insert(key);
                        highest.entry(key).or_default().push(project.clone());
                    }
                }
                Ok(())
            };
            read().map_err(|lack| self.client.lacks(&ANALYTIC_ACCOUNT, &lack))?;
        }
        let keys: Vec<Value> = highest.keys().map(|key| json!(key)).collect();
        for record in self.client.list_among(call, &ANALYTIC_ACCOUNT, ("id", &keys), &[], &[ABOVE]).await? {
            let read = || Ok((record.id()?, record.keys(ABOVE)?));
            let (key, above) = read().map_err(|lack| self.client.lacks(&ANALYTIC_ACCOUNT, &lack))?;
            if !above.is_empty() {
                accounts.too_deep.extend(highest.remove(&key).unwrap_or_default());
            }
        }
        Ok(accounts)
    }

    /// Answers each project with its records. Those without any are answered with none if the system knows the project,
    /// and not at all if it does not. Where that has not turned out yet, it is asked whether there is such a project.
    async fn answer<T>(
        &self,
        call: &Call,
        ids: &[ProjectId],
        records: HashMap<ProjectId, Vec<T>>,
        known: Option<HashSet<ProjectId>>,
    ) -> Batch<ProjectId, Vec<T>> {
        let known = |empty: Vec<ProjectId>| async move {
            match known {
                Some(known) => Ok(known),
                None => Ok(self.works(call, &empty).await?.known()),
            }
        };
        Batch::of_records(ids, records, HashMap::new(), known).await
    }
}

/// What people may have typed for an ID: Tryton compares letter by letter. Each row is checked when it comes.
fn spellings(ids: &[ProjectId]) -> Vec<Value> {
    let mut values = Vec::new();
    for id in ids {
        let (canonical, lower) = (id.as_str(), id.as_str().to_lowercase());
        values.push(json!(canonical));
        if lower != canonical {
            values.push(json!(lower));
        }
    }
    values
}
