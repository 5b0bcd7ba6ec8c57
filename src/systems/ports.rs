//! The ports: one small trait per entity, batch-shaped and read-only. A connector implements those of what its system
//! can own, and no others.
//!
//! A batch takes many keys and answers each: with a value, with nothing (the owner does not know it), or with an error
//! of its own. Answers are matched to keys by value, never by position. An `Err` is the failure of the whole batch.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use async_trait::async_trait;
use tokio::time::Instant;

use super::{Exhausted, Payers, SystemError};
use crate::domain::{
    Client, ClientId, Communication, Contact, Cost, CostSum, Deal, DealId, DealQuery, Effort, Invoice, InvoiceId,
    InvoiceQuery, LineItem, Milestone, Page, Project, ProjectId, ProjectInvoice, ProjectQuery, Proposal, Sum, Ticket,
    TicketId,
};

/// What every call upstream carries with it. Clones of it are the same call, and count together.
#[derive(Debug, Clone)]
pub struct Call {
    /// When the reader stops waiting. No attempt and no pause that cannot end before it is begun.
    pub deadline: Instant,
    /// Who waits.
    pub priority: Priority,
    meter: Arc<Meter>,
    payers: Arc<Payers>,
}

/// What a call took, all requests of it together.
#[derive(Debug, Default)]
struct Meter {
    attempts: AtomicU32,
    bytes: AtomicU64,
}

impl Call {
    /// A call that has until `deadline`, and costs nobody anything.
    pub fn new(deadline: Instant, priority: Priority) -> Self {
        Self::paid_by(Arc::default(), deadline, priority)
    }

    /// A call for those who pay.
    pub fn paid_by(payers: Arc<Payers>, deadline: Instant, priority: Priority) -> Self {
        Self { deadline, priority, meter: Arc::default(), payers }
    }

    /// Whether a request to the system can be paid for.
    pub(super) fn can_pay(&self) -> Result<(), Exhausted> {
        self.payers.can_pay()
    }

    /// Pays for a request to the system.
    pub(super) fn pay(&self) -> Result<(), Exhausted> {
        self.payers.pay()
    }

    /// Takes note of an attempt: a request that leaves for the system.
    pub fn attempt(&self) {
        self.meter.attempts.fetch_add(1, Ordering::Relaxed);
    }

    /// Attempts made so far.
    pub fn attempts(&self) -> u32 {
        self.meter.attempts.load(Ordering::Relaxed)
    }

    /// Takes note of an answer of so many bytes, and says how many they are together.
    pub(super) fn received(&self, bytes: usize) -> u64 {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.meter.bytes.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes)
    }
}

/// Who waits for an answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Priority {
    /// A person in front of a screen.
    #[default]
    Interactive,
    /// A report: it may wait, and must not make people wait.
    Report,
}

/// The answer to a batch.
#[derive(Debug)]
pub struct Batch<K, V> {
    /// What the owner answered. A key in neither map is one that the owner does not know.
    pub found: HashMap<K, V>,
    /// Keys that failed while others did not.
    pub failed: HashMap<K, SystemError>,
}

impl<K, V> Default for Batch<K, V> {
    fn default() -> Self {
        Self { found: HashMap::new(), failed: HashMap::new() }
    }
}

impl<K: Eq + Hash, V> FromIterator<(K, V)> for Batch<K, V> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(rows: I) -> Self {
        Self { found: rows.into_iter().collect(), failed: HashMap::new() }
    }
}

impl<K: Clone + Eq + Hash, V> Batch<K, Vec<V>> {
    /// Answers each key with its records. A key without any is answered with none if the owner knows it, and not at all if
    /// it does not: that is the difference between 0 and unknown. `known` is asked at most once, for those keys alone; if
    /// it fails, they fail. Keys that `failed` have no records, whatever was found of them.
    pub(in crate::systems) async fn of_records<F>(
        keys: &[K],
        mut records: HashMap<K, Vec<V>>,
        failed: HashMap<K, SystemError>,
        known: impl FnOnce(Vec<K>) -> F,
    ) -> Self
    where
        F: Future<Output = Result<HashSet<K>, SystemError>>,
    {
        let mut batch = Self { found: HashMap::new(), failed };
        let mut empty = Vec::new();
        for key in keys.iter().filter(|key| !batch.failed.contains_key(*key)) {
            match records.remove(key) {
                Some(records) => drop(batch.found.insert(key.clone(), records)),
                None if batch.found.contains_key(key) => {}
                None => empty.push(key.clone()),
            }
        }
        if empty.is_empty() {
            return batch;
        }
        match known(empty.clone()).await {
            Ok(known) => {
                empty.retain(|key| known.contains(key));
                batch.found.extend(empty.into_iter().map(|key| (key, Vec::new())));
            }
            Err(error) => batch.failed.extend(empty.into_iter().map(|key| (key, error.clone()))),
        }
        batch
    }
}

impl<K: Clone + Eq + Hash, V> Batch<K, V> {
    /// Fails what was found of keys that one of the places does not know in which their records stand: what the others know
    /// is not all.
    pub(in crate::systems) fn fail_unless(&mut self, known: impl Fn(&K) -> bool, error: &SystemError) {
        let unknown: Vec<K> = self.found.keys().filter(|key| !known(key)).cloned().collect();
        for key in unknown {
            self.found.remove(&key);
            self.failed.insert(key, error.clone());
        }
    }
}

/// Puts values under their keys, in their order.
pub(in crate::systems) fn grouped<K: Eq + Hash, V>(pairs: impl IntoIterator<Item = (K, V)>) -> HashMap<K, Vec<V>> {
    let mut groups: HashMap<K, Vec<V>> = HashMap::new();
    for (key, value) in pairs {
        groups.entry(key).or_default().push(value);
    }
    groups
}

/// The outcome of a batch of reads.
pub type BatchResult<K, V> = Result<Batch<K, V>, SystemError>;

/// Reads deals. Port of the commercial owner.
#[async_trait]
pub trait DealSource: Send + Sync {
    /// How many keys one upstream call takes; the engine cuts batches to it.
    fn batch_limit(&self) -> usize;

    /// The field of a deal that holds the shared ID, as the owner calls it: where a person fills it in. None where it is in
    /// no one field.
    fn shared_id_field(&self) -> Option<&str> {
        None
    }

    /// Whether a deal says something of its client's record, and so is another when that is.
    fn reads_clients(&self) -> bool {
        false
    }

    /// Deals by the owner's record ID.
    async fn deals(&self, call: &Call, ids: &[DealId]) -> BatchResult<DealId, Deal>;

    /// The deals that carry each shared ID, in any spelling the owner's search finds; in the order of record IDs.
    async fn deals_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Deal>>;

    /// A page of deals.
    async fn deal_page(
        &self,
        call: &Call,
        query: &DealQuery,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Deal>, SystemError>;
}

/// Reads clients. Port of the commercial owner.
#[async_trait]
pub trait ClientSource: Send + Sync {
    /// How many keys one upstream call takes.
    fn batch_limit(&self) -> usize;

    /// Clients by the owner's record ID.
    async fn clients(&self, call: &Call, ids: &[ClientId]) -> BatchResult<ClientId, Client>;
}

/// Reads what hangs on a deal. Port of the commercial owner. A deal without any is answered with an empty list.
#[async_trait]
pub trait DealDetailSource: Send + Sync {
    /// How many keys one upstream call takes.
    fn batch_limit(&self) -> usize;

    /// Contacts.
    async fn contacts(&self, call: &Call, ids: &[DealId]) -> BatchResult<DealId, Vec<Contact>>;

    /// Line items.
    async fn line_items(&self, call: &Call, ids: &[DealId]) -> BatchResult<DealId, Vec<LineItem>>;

    /// The proposal that counts: the signed one, else the latest. A deal without any is not in the answer.
    async fn proposals(&self, call: &Call, ids: &[DealId]) -> BatchResult<DealId, Proposal>;

    /// Notes, calls, mails and meetings, latest first.
    async fn communications(&self, call: &Call, ids: &[DealId]) -> BatchResult<DealId, Vec<Communication>>;

    /// Tickets that the commercial owner keeps beside the deal.
    async fn pre_sales_tickets(&self, call: &Call, ids: &[DealId]) -> BatchResult<DealId, Vec<Ticket>>;
}

/// Reads projects. Port of the delivery owner.
#[async_trait]
pub trait ProjectSource: Send + Sync {
    /// How many keys one upstream call takes.
    fn batch_limit(&self) -> usize;

    /// Projects by shared ID. Two projects with one shared ID are a [`Conflict`](super::ErrorKind::Conflict) of that key.
    async fn projects(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Project>;

    /// Milestones, by due date.
    async fn milestones(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Milestone>>;

    /// Hours booked, in all and per person.
    async fn effort(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Effort>;

    /// A page of projects. Projects without a usable shared ID are left out: they are not in the graph.
    async fn project_page(
        &self,
        call: &Call,
        query: &ProjectQuery,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Project>, SystemError>;
}

/// Reads tickets. Port of the owner of tickets, and of a delivery owner that keeps incidents and change requests.
#[async_trait]
pub trait TicketSource: Send + Sync {
    /// How many keys one upstream call takes.
    fn batch_limit(&self) -> usize;

    /// Tickets by the owner's record ID.
    async fn tickets(&self, call: &Call, ids: &[TicketId]) -> BatchResult<TicketId, Ticket>;

    /// The tickets of each project, in the order of record IDs.
    async fn tickets_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Ticket>>;
}

/// Reads invoices and credit notes of one direction: to clients for the owner of receivables, from vendors for the
/// owner of costs.
#[async_trait]
pub trait InvoiceSource: Send + Sync {
    /// How many keys one upstream call takes.
    fn batch_limit(&self) -> usize;

    /// Invoices by the owner's record ID, with their payments.
    async fn invoices(&self, call: &Call, ids: &[InvoiceId]) -> BatchResult<InvoiceId, Invoice>;

    /// The invoices of each project, drafts and void ones included, in the order of record IDs.
    async fn invoices_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<ProjectInvoice>>;

    /// A page of invoices. Those without a usable shared ID are in it.
    async fn invoice_page(
        &self,
        call: &Call,
        query: &InvoiceQuery,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Invoice>, SystemError>;
}

/// Reads costs. Port of the owner of costs.
#[async_trait]
pub trait CostSource: Send + Sync {
    /// How many keys one upstream call takes.
    fn batch_limit(&self) -> usize;

    /// The costs of each project, actual and committed, by date. Void documents and drafts are left out.
    async fn costs_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Cost>>;
}

/// Adds up what was invoiced. Port of an owner of receivables that does arithmetic itself and is asked for sums where
/// nobody asks for the records: what it answers is what adding up the answers of [`InvoiceSource`] would give.
#[async_trait]
pub trait InvoiceSumSource: Send + Sync {
    /// How many keys one upstream call takes.
    fn batch_limit(&self) -> usize;

    /// What was invoiced for each project, without tax: credit notes subtracted, drafts and void documents left out. One
    /// sum per currency of documents; a project without any document is answered with none.
    async fn invoiced_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Sum>>;
}

/// Adds up costs. Port of an owner of costs that does arithmetic itself: what it answers is what adding up the answers of
/// [`CostSource`] would give.
#[async_trait]
pub trait CostSumSource: Send + Sync {
    /// How many keys one upstream call takes.
    fn batch_limit(&self) -> usize;

    /// The costs of each project, by kind, state and currency; a project without any is answered with none.
    async fn cost_sums_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<CostSum>>;
}
