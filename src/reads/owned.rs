//! Which readers there are: one per kind of record of each owner.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::sync::broadcast;

use super::{ByOwner, Changed, Fetch, Freshness, Key, Kind, Links, Reader, Store, Turns};
use crate::config::{Cache, OwnerRule, Owners};
use crate::domain::{
    Client, ClientId, Clock, Communication, ConnectionName, Contact, Cost, CostSum, Deal, DealId, DealQuery, Direction,
    Domain, Effort, Invoice, InvoiceId, InvoiceQuery, LineItem, List, Milestone, Page, Project, ProjectId,
    ProjectInvoice, ProjectQuery, Proposal, Sum, Ticket, TicketId, Weigh,
};
use crate::systems::{Batch, Call, Connection, InvoiceSource, SystemError};
use crate::workers::Each;

/// The connection that owns a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Its name in the configuration.
    pub connection: ConnectionName,
    /// Its kind, e.g. `hubspot`.
    pub system: &'static str,
}

/// Everything that can be read, by domain. A domain without an owner has no readers.
#[derive(Debug)]
pub struct Reads {
    /// Deals and what hangs on them.
    pub commercial: Option<Commercial>,
    /// Projects.
    pub delivery: ByOwner<Delivery>,
    /// Tickets.
    pub tickets: ByOwner<Arc<Tickets>>,
    /// Invoices to clients.
    pub receivables: ByOwner<Invoices>,
    /// Costs, and bills of vendors.
    pub costs: ByOwner<Costs>,
    /// What reads and what makes answers of it take turns with whoever comes in.
    pub turns: Each<Arc<Turns>>,
    pub(super) ticket_readers: Vec<Arc<Tickets>>,
    store: Arc<Store>,
    /// Told of every eviction.
    pub(super) changes: broadcast::Sender<Changed>,
}

/// Readers of the commercial owner.
#[derive(Debug)]
pub struct Commercial {
    /// Who owns it.
    pub owner: Owner,
    /// The field of a deal that holds the shared ID, as the owner calls it; none where it is in no one field.
    pub shared_id_field: Option<Arc<str>>,
    /// Deals by record ID.
    pub deals: Reader<DealId, Deal>,
    /// The deals of a project.
    pub deals_by_project: Reader<ProjectId, Vec<Arc<Deal>>>,
    /// Pages of deals.
    pub deal_pages: PageReader<DealQuery, Deal>,
    /// Clients by record ID.
    pub clients: Option<Reader<ClientId, Client>>,
    /// Whether deals say something of their clients' records.
    pub deals_read_clients: bool,
    /// What hangs on a deal.
    pub details: Option<DealDetails>,
    /// The project of each deal, as last seen.
    pub links: Arc<Links>,
}

/// Readers of what hangs on a deal.
#[derive(Debug)]
pub struct DealDetails {
    /// Contacts.
    pub contacts: Reader<DealId, Vec<Arc<Contact>>>,
    /// Line items.
    pub line_items: Reader<DealId, Vec<Arc<LineItem>>>,
    /// The proposal that counts.
    pub proposals: Reader<DealId, Proposal>,
    /// Notes, calls, mails, meetings.
    pub communications: Reader<DealId, Vec<Arc<Communication>>>,
    /// Tickets the commercial owner keeps beside the deal.
    pub pre_sales_tickets: Reader<DealId, Vec<Arc<Ticket>>>,
}

/// Readers of the delivery owner.
#[derive(Debug)]
pub struct Delivery {
    /// Who owns it.
    pub owner: Owner,
    /// Projects by shared ID.
    pub projects: Reader<ProjectId, Project>,
    /// Milestones of a project.
    pub milestones: Reader<ProjectId, Vec<Arc<Milestone>>>,
    /// Hours booked on a project.
    pub effort: Reader<ProjectId, Effort>,
    /// Pages of projects.
    pub project_pages: PageReader<ProjectQuery, Project>,
    /// Incidents and change requests, where the delivery owner keeps them. The same readers as those of
    /// [`Reads::tickets`] if one connection owns both, so that nothing is read twice.
    pub work: Option<Arc<Tickets>>,
}

/// Readers of tickets.
#[derive(Debug)]
pub struct Tickets {
    /// Who owns them.
    pub owner: Owner,
    /// Tickets by record ID.
    pub tickets: Reader<TicketId, Ticket>,
    /// The tickets of a project.
    pub by_project: Reader<ProjectId, Vec<Arc<Ticket>>>,
}

/// Readers of invoices of one direction.
#[derive(Debug)]
pub struct Invoices {
    /// Who owns them.
    pub owner: Owner,
    /// Invoices by record ID.
    pub invoices: Reader<InvoiceId, Invoice>,
    /// The invoices of a project.
    pub by_project: Reader<ProjectId, List<ProjectInvoice>>,
    /// Pages of invoices.
    pub pages: PageReader<InvoiceQuery, Invoice>,
    /// What a project was invoiced, where the owner adds up itself.
    pub sums: Option<Reader<ProjectId, Vec<Sum>>>,
}

/// Readers of the owner of costs.
#[derive(Debug)]
pub struct Costs {
    /// Who owns them.
    pub owner: Owner,
    /// The costs of a project.
    pub by_project: Reader<ProjectId, List<Cost>>,
    /// The costs of a project, where the owner adds up itself.
    pub sums: Option<Reader<ProjectId, Vec<CostSum>>>,
    /// Bills of vendors, where the owner has them as documents.
    pub payables: Option<Invoices>,
}

/// Names a page: which rows, from where, how many.
pub type PageKey<Q> = (Q, Option<String>, usize);
/// Reads pages.
pub type PageReader<Q, T> = Reader<PageKey<Q>, Page<Arc<T>>>;

/// The names of reads of invoices to clients: one by one, of a project, in pages.
const INVOICES: [&str; 3] = ["invoices", "invoices_by_project", "invoice_page"];
/// The same of vendors' bills.
const BILLS: [&str; 3] = ["bills", "bills_by_project", "bill_page"];

/// Links remembered: a few megabytes.
const LINKS: usize = 50_000;

/// Changes that a listener may be behind.
const CHANGES: usize = 1024;

/// A fetch that hands the keys to one method of a port.
macro_rules! fetch {
    ($source:expr, $method:ident) => {{
        let source = Arc::clone($source);
        Box::new(move |call: Call, keys: Vec<_>| {
            let source = Arc::clone(&source);
            Box::pin(async move { source.$method(&call, &keys).await })
        })
    }};
}

/// A fetch of lists, whose items are shared from here on.
macro_rules! fetch_lists {
    ($source:expr, $method:ident) => {{
        let source = Arc::clone($source);
        Box::new(move |call: Call, keys: Vec<_>| {
            let source = Arc::clone(&source);
            Box::pin(async move { source.$method(&call, &keys).await.map(shared) })
        })
    }};
}

/// A fetch of pages, each key being one.
macro_rules! fetch_pages {
    ($source:expr, $method:ident) => {{
        let source = Arc::clone($source);
        Box::new(move |call: Call, keys: Vec<(_, Option<String>, usize)>| {
            let source = Arc::clone(&source);
            Box::pin(async move {
                let asked = keys.iter().map(|(query, after, limit)| {
                    let (source, call) = (&source, &call);
                    async move { source.$method(call, query, after.as_deref(), *limit).await }
                });
                let answers = join_all(asked).await;
                Ok(pages(keys, answers))
            })
        })
    }};
}

impl Reads {
    /// Builds the readers of all owners. `patience` is how long one load may take.
    pub fn new(
        owners: &Owners,
        cache: &Cache,
        connections: &[Connection],
        clock: &Arc<dyn Clock>,
        patience: Duration,
    ) -> Self {
        let store = Store::new(cache.max_bytes, Freshness::longest_of_all(cache, patience));
        let turns = Each::new(|threads| Turns::new(Arc::clone(clock), threads));
        let owners = |domain: Domain| -> Vec<(OwnerRule, Readers<'_>)> {
            let readers = |rule: &OwnerRule| {
                let connection = connections.iter().find(|connection| connection.name == rule.owner)?;
                let freshness = Freshness::of(cache, domain, patience);
                Some((rule.clone(), Readers { connection, clock, store: &store, turns: &turns, freshness }))
            };
            owners.of(domain).iter().filter_map(readers).collect()
        };
        // One set of ticket readers per connection, whatever domains it owns, so that nothing is read twice.
        let mut ticket_readers: Vec<Arc<Tickets>> = Vec::new();
        for (_, readers) in [Domain::Tickets, Domain::Delivery, Domain::Commercial].into_iter().flat_map(owners) {
            let known = ticket_readers.iter().any(|tickets| tickets.owner.connection == readers.connection.name);
            if let (false, Some(tickets)) = (known, readers.tickets()) {
                ticket_readers.push(Arc::new(tickets));
            }
        }
        let tickets_of =
            |rule: &OwnerRule| ticket_readers.iter().find(|tickets| tickets.owner.connection == rule.owner).cloned();
        Self {
            commercial: owners(Domain::Commercial).first().and_then(|(_, readers)| readers.commercial()),
            delivery: by_owner(owners(Domain::Delivery), |rule, readers| readers.delivery(tickets_of(rule))),
            tickets: by_owner(owners(Domain::Tickets), |rule, _| tickets_of(rule)),
            receivables: by_owner(owners(Domain::Receivables), |_, readers| {
                let invoices = readers.invoices(readers.connection.receivables.as_ref()?, INVOICES);
                let sums = readers.connection.invoice_sums.as_ref();
                let sums = sums
                    .map(|sums| readers.reader("invoice_sums", sums.batch_limit(), fetch!(sums, invoiced_by_project)));
                Some(Invoices { sums, ..invoices })
            }),
            costs: by_owner(owners(Domain::Costs), |_, readers| readers.costs()),
            turns: turns.clone(),
            ticket_readers,
            store: Arc::clone(&store),
            changes: broadcast::Sender::new(CHANGES),
        }
    }

    /// The number of the latest eviction among the kinds of record in `parts` (see
    /// [`Observed::parts`](super::Observed::parts)). An answer is outdated when this is more than
    /// `evictions(u64::MAX)` was before its reads began.
    pub fn evictions(&self, parts: u64) -> u64 {
        self.store.evictions(parts)
    }

    /// The number of the latest renewal among the kinds of record in `parts`: an eviction, or a value that was read anew while
    /// the one before was still alive. What is kept beside the records is outdated when this is more than
    /// `renewals(u64::MAX)` was before its reads began.
    pub fn renewals(&self, parts: u64) -> u64 {
        self.store.renewals(parts)
    }

    /// What changes from now on: each is told after it was forgotten here. Who falls behind by more than a thousand is told
    /// that it missed some.
    pub fn changes(&self) -> broadcast::Receiver<Changed> {
        self.changes.subscribe()
    }

    /// The readers of invoices of a direction, of each owner.
    pub fn invoices(&self, direction: Direction) -> Vec<&Invoices> {
        match direction {
            Direction::Receivable => self.receivables.all().collect(),
            Direction::Payable => self.costs.all().filter_map(|costs| costs.payables.as_ref()).collect(),
        }
    }

    /// Whether a connection owns the invoices of one of the projects. What names no project belongs to whoever holds it.
    pub fn owns_invoices(&self, connection: &ConnectionName, direction: Direction, projects: &[ProjectId]) -> bool {
        let own = |id: &ProjectId| match direction {
            Direction::Receivable => self.receivables.of(id).is_some_and(|own| own.owner.connection == *connection),
            Direction::Payable => self.costs.of(id).is_some_and(|own| own.owner.connection == *connection),
        };
        projects.is_empty() || projects.iter().any(own)
    }

    /// Whether a connection owns tickets of a project: as support, as incidents and change requests of delivery, or from
    /// before the sale.
    pub fn owns_tickets(&self, connection: &ConnectionName, project: &ProjectId) -> bool {
        let owners = [
            self.tickets.of(project).map(|readers| &readers.owner),
            self.delivery.of(project).map(|readers| &readers.owner),
            self.commercial.as_ref().map(|readers| &readers.owner),
        ];
        owners.into_iter().flatten().any(|owner| owner.connection == *connection)
    }

    /// Whether it depends on the ID who owns invoices of a direction.
    pub fn invoices_are_split(&self, direction: Direction) -> bool {
        match direction {
            Direction::Receivable => self.receivables.is_split(),
            Direction::Payable => self.costs.is_split(),
        }
    }

    /// The tickets of a connection, whichever domain it owns.
    pub fn tickets_of(&self, connection: &ConnectionName) -> Option<&Tickets> {
        self.ticket_readers.iter().find(|tickets| tickets.owner.connection == *connection).map(AsRef::as_ref)
    }

    /// The owners of a domain, each with the pattern of the shared IDs it owns; none if it owns all others.
    pub fn owners(&self, domain: Domain) -> Vec<(Option<&str>, &Owner)> {
        match domain {
            Domain::Commercial => self.commercial.iter().map(|readers| (None, &readers.owner)).collect(),
            Domain::Delivery => self.delivery.rules().map(|(ids, readers)| (ids, &readers.owner)).collect(),
            Domain::Tickets => self.tickets.rules().map(|(ids, readers)| (ids, &readers.owner)).collect(),
            Domain::Receivables => self.receivables.rules().map(|(ids, readers)| (ids, &readers.owner)).collect(),
            Domain::Costs => self.costs.rules().map(|(ids, readers)| (ids, &readers.owner)).collect(),
        }
    }
}

/// Makes the readers of one owner.
struct Readers<'a> {
    connection: &'a Connection,
    clock: &'a Arc<dyn Clock>,
    store: &'a Arc<Store>,
    turns: &'a Each<Arc<Turns>>,
    freshness: Freshness,
}

fn by_owner<'a, T>(
    owners: Vec<(OwnerRule, Readers<'a>)>,
    readers: impl Fn(&OwnerRule, &Readers<'a>) -> Option<T>,
) -> ByOwner<T> {
    ByOwner::new(owners.into_iter().filter_map(|(rule, of)| readers(&rule, &of).map(|readers| (rule, readers))))
}

impl Readers<'_> {
    fn owner(&self) -> Owner {
        Owner { connection: self.connection.name.clone(), system: self.connection.system }
    }

    fn reader<K: Key + Weigh, P: Send + 'static, V: Weigh + From<P> + Send + Sync>(
        &self,
        name: &'static str,
        limit: usize,
        fetch: Fetch<K, P>,
    ) -> Reader<K, V> {
        let Owner { connection, system } = self.owner();
        let kind = Kind { connection, system, name, limit };
        let turns = self.turns.clone();
        let fetch: Fetch<K, P> = Box::new(move |call, keys| turns.work(fetch(call, keys)).boxed());
        Reader::new(kind, self.store, Arc::clone(self.clock), self.freshness.clone(), fetch)
    }

    fn commercial(&self) -> Option<Commercial> {
        let deals = self.connection.deals.as_ref()?;
        let limit = deals.batch_limit();
        let clients = self.connection.clients.as_ref();
        let details = self.connection.deal_details.as_ref();
        let links = Arc::new(Links::new(LINKS));
        let by_id = noting(&links, fetch!(deals, deals), |links, ids: &[DealId], batch: &Batch<DealId, Deal>| {
            for id in ids.iter().filter(|id| !batch.failed.contains_key(*id)) {
                match batch.found.get(id) {
                    Some(deal) => links.saw(deal),
                    None => links.forget(id),
                }
            }
        });
        let by_project = noting(&links, fetch_lists!(deals, deals_by_project), |links, _, batch| {
            batch.found.values().flatten().for_each(|deal: &Arc<Deal>| links.saw(deal));
        });
        let pages = noting(&links, fetch_pages!(deals, deal_page), |links, _, batch| {
            batch.found.values().flat_map(|page| &page.items).for_each(|deal: &Arc<Deal>| links.saw(deal));
        });
        Some(Commercial {
            owner: self.owner(),
            shared_id_field: deals.shared_id_field().map(Arc::from),
            deals_read_clients: deals.reads_clients(),
            deals: self.reader("deals", limit, by_id),
            deals_by_project: self.reader("deals_by_project", limit, by_project),
            deal_pages: self.reader("deal_page", 1, pages),
            links,
            clients: clients.map(|clients| self.reader("clients", clients.batch_limit(), fetch!(clients, clients))),
            details: details.map(|details| {
                let limit = details.batch_limit();
                DealDetails {
                    contacts: self.reader("contacts", limit, fetch_lists!(details, contacts)),
                    line_items: self.reader("line_items", limit, fetch_lists!(details, line_items)),
                    proposals: self.reader("proposals", limit, fetch!(details, proposals)),
                    communications: self.reader("communications", limit, fetch_lists!(details, communications)),
                    pre_sales_tickets: self.reader(
                        "pre_sales_tickets",
                        limit,
                        fetch_lists!(details, pre_sales_tickets),
                    ),
                }
            }),
        })
    }

    fn delivery(&self, work: Option<Arc<Tickets>>) -> Option<Delivery> {
        let projects = self.connection.projects.as_ref()?;
        let limit = projects.batch_limit();
        Some(Delivery {
            owner: self.owner(),
            projects: self.reader("projects", limit, fetch!(projects, projects)),
            milestones: self.reader("milestones", limit, fetch_lists!(projects, milestones)),
            effort: self.reader("effort", limit, fetch!(projects, effort)),
            project_pages: self.reader("project_page", 1, fetch_pages!(projects, project_page)),
            work,
        })
    }

    fn tickets(&self) -> Option<Tickets> {
        let tickets = self.connection.tickets.as_ref()?;
        let limit = tickets.batch_limit();
        Some(Tickets {
            owner: self.owner(),
            tickets: self.reader("tickets", limit, fetch!(tickets, tickets)),
            by_project: self.reader("tickets_by_project", limit, fetch_lists!(tickets, tickets_by_project)),
        })
    }

    fn invoices(&self, source: &Arc<dyn InvoiceSource>, [one, by_project, page]: [&'static str; 3]) -> Invoices {
        let limit = source.batch_limit();
        Invoices {
            owner: self.owner(),
            invoices: self.reader(one, limit, fetch!(source, invoices)),
            by_project: self.reader(by_project, limit, fetch!(source, invoices_by_project)),
            pages: self.reader(page, 1, fetch_pages!(source, invoice_page)),
            sums: None,
        }
    }

    fn costs(&self) -> Option<Costs> {
        let costs = self.connection.costs.as_ref()?;
        Some(Costs {
            owner: self.owner(),
            by_project: self.reader("costs_by_project", costs.batch_limit(), fetch!(costs, costs_by_project)),
            sums: self
                .connection
                .cost_sums
                .as_ref()
                .map(|sums| self.reader("cost_sums", sums.batch_limit(), fetch!(sums, cost_sums_by_project))),
            payables: self.connection.payables.as_ref().map(|source| self.invoices(source, BILLS)),
        })
    }
}

/// A fetch whose answers are noted in the memory of links.
fn noting<K: Key, V: 'static>(
    links: &Arc<Links>,
    fetch: Fetch<K, V>,
    note: fn(&Links, &[K], &Batch<K, V>),
) -> Fetch<K, V> {
    let links = Arc::clone(links);
    Box::new(move |call, keys| {
        let (links, asked) = (Arc::clone(&links), fetch(call, keys.clone()));
        Box::pin(async move {
            let answer = asked.await;
            if let Ok(batch) = &answer {
                note(&links, &keys, batch);
            }
            answer
        })
    })
}

fn shared<K: Key, T>(batch: Batch<K, Vec<T>>) -> Batch<K, Vec<Arc<T>>> {
    let share = |(key, items): (K, Vec<T>)| (key, each_shared(items));
    Batch { found: batch.found.into_iter().map(share).collect(), failed: batch.failed }
}

/// Records, each shared. The list is made in the room that the records had, of which it needs a small part.
fn each_shared<T>(records: Vec<T>) -> Vec<Arc<T>> {
    let mut shared: Vec<_> = records.into_iter().map(Arc::new).collect();
    shared.shrink_to_fit();
    shared
}

/// Matches pages to their keys: they were asked one by one, since a page has no batch.
fn pages<K: Key, V>(keys: Vec<K>, answers: Vec<Result<Page<V>, SystemError>>) -> Batch<K, Page<Arc<V>>> {
    let mut batch = Batch::default();
    for (key, answer) in keys.into_iter().zip(answers) {
        match answer {
            Ok(Page { items, next, total }) => {
                batch.found.insert(key, Page { items: each_shared(items), next, total });
            }
            Err(error) => {
                batch.failed.insert(key, error);
            }
        }
    }
    batch
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_shared_records_does_not_keep_the_room_that_the_records_had() {
        let mut records = Vec::with_capacity(256);
        records.extend([[0_u64; 50]; 3]);
        let shared = each_shared(records);
        assert_eq!(shared.len(), 3);
        assert!(shared.capacity() < 16, "{}", shared.capacity());
    }
}
