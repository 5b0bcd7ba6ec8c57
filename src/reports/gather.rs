//! What the owners say of many projects: all of them asked at once, each once.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;

use super::{DealsDetails, Reports};
use crate::domain::{
    Client, ClientId, Cost, CostSum, DealId, Effort, List, Project, ProjectId, ProjectInvoice, Sum, Ticket,
};
use crate::finance::{Dimension, Exclusion, Measure, Part};
use crate::reads::{ByOwner, Kind, Read, ReadOptions, Reader, Reads};
use crate::systems::{ErrorKind, SystemError};

/// What is asked of the owners.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "any set of them is asked for")]
pub struct Needs {
    /// Clients: their names and countries.
    pub clients: bool,
    /// Projects: managers, health, hours budgeted.
    pub projects: bool,
    /// Percent complete.
    pub progress: bool,
    /// What was invoiced.
    pub invoiced: bool,
    /// The invoices themselves: what came in and what is open.
    pub invoices: bool,
    /// What was spent.
    pub costs: bool,
    /// Hours booked.
    pub effort: bool,
    /// Support tickets.
    pub tickets: bool,
    /// What the projects inherit from their deals.
    pub handover: bool,
}

/// What the owners said of the projects of one page.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    pub(super) clients: HashMap<ClientId, Arc<Client>>,
    pub(super) projects: Reading<Project>,
    pub(super) work: Reading<Vec<Arc<Ticket>>>,
    pub(super) tickets: Reading<Vec<Arc<Ticket>>>,
    pub(super) invoices: Reading<List<ProjectInvoice>>,
    pub(super) invoice_sums: Reading<Vec<Sum>>,
    pub(super) costs: Reading<List<Cost>>,
    pub(super) cost_sums: Reading<Vec<CostSum>>,
    pub(super) effort: Reading<Effort>,
    pub(super) details: DealsDetails,
    /// Owners that could not be asked: the first error of each connection.
    pub(super) failures: Vec<Arc<SystemError>>,
}

/// What was read of each project. A project that is not in it has no owner for this.
#[derive(Debug)]
pub(super) struct Reading<V>(HashMap<ProjectId, Read<V>>);

impl<V> Default for Reading<V> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<V> Reading<V> {
    /// What is known of a project. `unavailable` is the reason where its owner could not be asked, or there is none; `unknown`
    /// the reason where the owner does not know the project; without it nothing is missing then.
    pub(super) fn of(&self, id: &ProjectId, unavailable: Exclusion, unknown: Option<Exclusion>) -> Part<Arc<V>> {
        match self.0.get(id) {
            None => Part::Unknown(unavailable),
            Some(Ok(fresh)) => match (&fresh.value, unknown) {
                (Some(value), _) => Part::Known(Arc::clone(value)),
                (None, Some(reason)) => Part::Unknown(reason),
                (None, None) => Part::Nothing,
            },
            Some(Err(error)) if is_of_the_record(error.kind) => Part::Unknown(Exclusion::NotWhole),
            Some(Err(_)) => Part::Unavailable(unavailable),
        }
    }
}

/// Whether a failure says something about the record and not about its owner: asking again would not help.
fn is_of_the_record(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Conflict | ErrorKind::Truncated)
}

impl Reports {
    /// Asks the owners of projects, and of clients, for all that is needed, in one wave.
    pub(super) async fn gather(
        &self,
        needs: Needs,
        options: &ReadOptions,
        ids: &[ProjectId],
        clients: &[ClientId],
        deals: &[DealId],
    ) -> Gathered {
        let reads = &self.reads;
        let delivery = &reads.delivery;
        let client_reads = async {
            let readers = reads.commercial.as_ref().and_then(|commercial| commercial.clients.as_ref());
            match readers.filter(|_| needs.clients) {
                Some(readers) => readers.get_many(options, clients).await,
                None => Vec::new(),
            }
        };
        let wanted = |wanted: bool| if wanted { ids } else { &[] };
        let sums = needs.invoiced && !needs.invoices;
        let details = async {
            match reads.commercial.as_ref().filter(|_| needs.handover) {
                Some(commercial) => DealsDetails::read(commercial, options, deals).await,
                None => DealsDetails::default(),
            }
        };
        let (details, client_reads, projects, work, tickets, invoices, invoice_sums, costs, cost_sums, effort) = tokio::join!(
            details,
            client_reads,
            read(delivery, options, wanted(needs.projects || needs.progress), |all| Some(&all.projects)),
            read(delivery, options, wanted(needs.progress), |all| Some(&all.work.as_ref()?.by_project)),
            read(&reads.tickets, options, wanted(needs.tickets), |all| Some(&all.by_project)),
            read(&reads.receivables, options, wanted(needs.invoiced || needs.invoices), |all| {
                Some(&all.by_project).filter(|_| !sums || all.sums.is_none())
            }),
            read(&reads.receivables, options, wanted(sums), |all| all.sums.as_ref()),
            read(&reads.costs, options, wanted(needs.costs), |all| Some(&all.by_project)
                .filter(|_| all.sums.is_none())),
            read(&reads.costs, options, wanted(needs.costs), |all| all.sums.as_ref()),
            read(delivery, options, wanted(needs.effort), |all| Some(&all.effort)),
        );
        let mut failures = Vec::new();
        let mut known = HashMap::new();
        for (id, read) in clients.iter().zip(client_reads) {
            match read {
                Ok(fresh) => known.extend(fresh.value.map(|client| (id.clone(), client))),
                Err(error) => note(&mut failures, &error),
            }
        }
        details.failures.iter().for_each(|error| note(&mut failures, error));
        projects.note_failures(&mut failures);
        work.note_failures(&mut failures);
        tickets.note_failures(&mut failures);
        invoices.note_failures(&mut failures);
        invoice_sums.note_failures(&mut failures);
        costs.note_failures(&mut failures);
        cost_sums.note_failures(&mut failures);
        effort.note_failures(&mut failures);
        Gathered {
            clients: known,
            projects,
            work,
            tickets,
            invoices,
            invoice_sums,
            costs,
            cost_sums,
            effort,
            details,
            failures,
        }
    }
}

impl<V> Reading<V> {
    fn note_failures(&self, failures: &mut Vec<Arc<SystemError>>) {
        self.0.values().filter_map(|read| read.as_ref().err()).for_each(|error| note(failures, error));
    }
}

/// Keeps the first failure of each connection, of those that are not about one record.
pub(super) fn note(failures: &mut Vec<Arc<SystemError>>, error: &Arc<SystemError>) {
    let known = failures.iter().any(|known| known.connection == error.connection);
    if !known && !is_of_the_record(error.kind) {
        failures.push(Arc::clone(error));
    }
}

async fn read<T, V: Send + Sync + 'static>(
    owners: &ByOwner<T>,
    options: &ReadOptions,
    ids: &[ProjectId],
    reader: impl for<'r> Fn(&'r T) -> Option<&'r Reader<ProjectId, V>>,
) -> Reading<V> {
    let groups = owners.group(ids);
    let asked = groups.iter().filter_map(|(owner, ids)| Some((reader(owner)?, ids))).map(async |(reader, ids)| {
        let answers = reader.get_many(options, ids).await;
        ids.iter().cloned().zip(answers).collect::<Vec<_>>()
    });
    Reading(join_all(asked).await.into_iter().flatten().collect())
}

impl Needs {
    /// What some measures are made of.
    pub fn of(measures: impl IntoIterator<Item = Measure>) -> Self {
        let mut needs = Self::default();
        for measure in measures {
            needs.add(measure);
        }
        needs
    }

    fn add(&mut self, measure: Measure) {
        match measure {
            Measure::Deals
            | Measure::Projects
            | Measure::ContractValue
            | Measure::EstimatedMargin
            | Measure::EstimatedMarginBase
            | Measure::BudgetCost => {}
            Measure::Invoiced | Measure::LeftToInvoice => self.invoiced = true,
            Measure::Collected
            | Measure::Outstanding
            | Measure::Overdue
            | Measure::CreditSales
            | Measure::DsoOutstanding
            | Measure::DsoSales => self.invoices = true,
            Measure::ActualCost
            | Measure::CommittedCost
            | Measure::BudgetVariance
            | Measure::BudgetedProjects
            | Measure::OverBudgetProjects => self.costs = true,
            Measure::Margin | Measure::MarginBase => {
                self.invoiced = true;
                self.costs = true;
            }
            Measure::Eac
            | Measure::ForecastMargin
            | Measure::ForecastMarginBase
            | Measure::Slippage
            | Measure::SlippageBase => {
                self.costs = true;
                self.progress = true;
            }
            Measure::Recognised | Measure::Backlog => self.progress = true,
            Measure::Wip => {
                self.invoiced = true;
                self.progress = true;
            }
            Measure::HoursBudgeted => self.projects = true,
            Measure::HoursSpent => self.effort = true,
            Measure::SupportTickets | Measure::SupportHours | Measure::SupportCost => self.tickets = true,
            Measure::TrueMargin | Measure::TrueMarginBase => {
                self.invoiced = true;
                self.costs = true;
                self.tickets = true;
            }
        }
    }

    /// The readers that are asked for projects: one, or one for each owner of a domain that has several.
    pub fn kinds(self, reads: &Reads) -> Vec<&Kind> {
        let mut kinds = Vec::new();
        let commercial = reads.commercial.as_ref();
        kinds.extend(commercial.and_then(|all| all.clients.as_ref()).filter(|_| self.clients).map(Reader::kind));
        for delivery in reads.delivery.all() {
            kinds.extend(Some(delivery.projects.kind()).filter(|_| self.projects || self.progress));
            kinds.extend(delivery.work.as_ref().filter(|_| self.progress).map(|work| work.by_project.kind()));
            kinds.extend(Some(delivery.effort.kind()).filter(|_| self.effort));
        }
        kinds.extend(reads.tickets.all().filter(|_| self.tickets).map(|tickets| tickets.by_project.kind()));
        for invoices in reads.receivables.all().filter(|_| self.invoiced || self.invoices) {
            let sums = invoices.sums.as_ref().filter(|_| !self.invoices);
            kinds.push(sums.map_or_else(|| invoices.by_project.kind(), Reader::kind));
        }
        for costs in reads.costs.all().filter(|_| self.costs) {
            kinds.push(costs.sums.as_ref().map_or_else(|| costs.by_project.kind(), Reader::kind));
        }
        kinds
    }

    /// And what a dimension is made of.
    #[must_use]
    pub fn by(mut self, dimension: Dimension) -> Self {
        match dimension {
            Dimension::Client | Dimension::Country => self.clients = true,
            Dimension::ProjectManager | Dimension::Health => self.projects = true,
            Dimension::Vertical
            | Dimension::DealSize
            | Dimension::DealType
            | Dimension::DealOwner
            | Dimension::CloseMonth
            | Dimension::CloseQuarter
            | Dimension::CloseYear
            | Dimension::Stage
            | Dimension::Currency => {}
        }
        self
    }
}
