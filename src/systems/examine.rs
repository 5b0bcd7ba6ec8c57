//! Asks a connection one small question for each kind of record that it owns: for people who look for what is broken.

use std::time::Duration;

use tokio::time::Instant;

use super::{Batch, Call, Connection, Priority, SystemError};
use crate::domain::{DealId, DealQuery, Direction, Domain, InvoiceQuery, ProjectId, ProjectQuery};

/// Time for one question.
const PATIENCE: Duration = Duration::from_secs(10);

/// Rows of a list that are looked at: the first with a shared ID is the sample.
const ROWS: usize = 20;

/// What came of one question.
#[derive(Debug)]
pub struct Finding {
    /// What was asked for, in the graph's words, e.g. `invoices`.
    pub records: &'static str,
    /// How many records came, or why none did. None if there was nothing to ask by: no record with a shared ID is known.
    pub answer: Option<Result<usize, SystemError>>,
    /// How long it took.
    pub took: Duration,
}

/// Records to ask by.
#[derive(Debug, Default, Clone)]
pub struct Sample {
    /// A project, by the ID that all systems share.
    pub project: Option<ProjectId>,
    /// A deal.
    pub deal: Option<DealId>,
}

/// The questions to one connection. After one that the connection itself failed no more are asked: they would end alike.
struct Examination(Vec<Finding>);

impl Examination {
    fn failed(&self) -> bool {
        let is_of_connection = |error: &SystemError| error.kind.is_of_connection();
        let answers = self.0.iter().filter_map(|finding| finding.answer.as_ref());
        answers.filter_map(|answer| answer.as_ref().err()).any(is_of_connection)
    }

    async fn ask<T>(
        &mut self,
        records: &'static str,
        question: impl AsyncFnOnce(Call) -> Result<T, SystemError>,
        count: impl FnOnce(&T) -> usize,
    ) -> Option<T> {
        if self.failed() {
            return None;
        }
        let started = Instant::now();
        let answer = question(Call::new(started + PATIENCE, Priority::Interactive)).await;
        let (found, answer) = match answer {
            Ok(found) => {
                let count = count(&found);
                (Some(found), Ok(count))
            }
            Err(error) => (None, Err(error)),
        };
        self.0.push(Finding { records, answer: Some(answer), took: started.elapsed() });
        found
    }

    /// Asks for what one key has.
    async fn ask_by<K: Clone + Eq + std::hash::Hash, V>(
        &mut self,
        records: &'static str,
        key: Option<&K>,
        question: impl AsyncFnOnce(Call, &[K]) -> Result<Batch<K, V>, SystemError>,
        count: impl FnOnce(&V) -> usize,
    ) {
        let Some(key) = key else {
            if !self.failed() {
                self.0.push(Finding { records, answer: None, took: Duration::ZERO });
            }
            return;
        };
        let question = async |call: Call| {
            let mut batch = question(call, std::slice::from_ref(key)).await?;
            match batch.failed.remove(key) {
                Some(error) => Err(error),
                None => Ok(batch.found.remove(key)),
            }
        };
        self.ask(records, question, |found| found.as_ref().map_or(0, count)).await;
    }
}

/// Asks for the beginning of each list, and gives what may be asked by.
pub async fn lists(connection: &Connection, owns: &[Domain]) -> (Vec<Finding>, Sample) {
    let mut of = Examination(Vec::new());
    let mut sample = Sample::default();
    if let Some(deals) = connection.deals.as_ref().filter(|_| owns.contains(&Domain::Commercial)) {
        let query = DealQuery::default();
        let question = async |call| deals.deal_page(&call, &query, None, ROWS).await;
        let page = of.ask("deals", question, |page| page.items.len()).await;
        let deals = page.map(|page| page.items).unwrap_or_default();
        let linked = deals.iter().find(|deal| deal.project_id().is_some());
        sample.project = linked.and_then(|deal| deal.project_id().cloned());
        sample.deal = linked.or(deals.first()).map(|deal| deal.id.clone());
    }
    if let Some(projects) = connection.projects.as_ref().filter(|_| owns.contains(&Domain::Delivery)) {
        let query = ProjectQuery::default();
        let question = async |call| projects.project_page(&call, &query, None, ROWS).await;
        let page = of.ask("projects", question, |page| page.items.len()).await;
        let first = page.and_then(|page| page.items.into_iter().next());
        sample.project = sample.project.or(first.map(|project| project.id));
    }
    for (domain, records, direction, invoices) in [
        (Domain::Receivables, "invoices", Direction::Receivable, &connection.receivables),
        (Domain::Costs, "bills", Direction::Payable, &connection.payables),
    ] {
        let Some(invoices) = invoices.as_ref().filter(|_| owns.contains(&domain)) else { continue };
        let query = InvoiceQuery { direction: Some(direction), ..InvoiceQuery::default() };
        let question = async |call| invoices.invoice_page(&call, &query, None, ROWS).await;
        let page = of.ask(records, question, |page| page.items.len()).await;
        let ids = page.into_iter().flat_map(|page| page.items).flat_map(|invoice| invoice.project_ids);
        sample.project = sample.project.or(ids.into_iter().next());
    }
    (of.0, sample)
}

/// Asks for what hangs on the records of a sample, after the lists; gives all that was found.
pub async fn records(connection: &Connection, owns: &[Domain], sample: &Sample, lists: Vec<Finding>) -> Vec<Finding> {
    let mut of = Examination(lists);
    let owned = |domain: Domain| owns.contains(&domain);
    let (project, deal) = (sample.project.as_ref(), sample.deal.as_ref());
    if let Some(deals) = connection.deals.as_ref().filter(|_| owned(Domain::Commercial)) {
        let question = async |call: Call, ids: &[ProjectId]| deals.deals_by_project(&call, ids).await;
        of.ask_by("deals of the project", project, question, Vec::len).await;
    }
    if let Some(details) = connection.deal_details.as_ref().filter(|_| owned(Domain::Commercial)) {
        of.ask_by("contacts", deal, async |call, ids| details.contacts(&call, ids).await, Vec::len).await;
        of.ask_by("line items", deal, async |call, ids| details.line_items(&call, ids).await, Vec::len).await;
        of.ask_by("proposals", deal, async |call, ids| details.proposals(&call, ids).await, |_| 1).await;
        of.ask_by("communications", deal, async |call, ids| details.communications(&call, ids).await, Vec::len).await;
        of.ask_by("pre-sales tickets", deal, async |call, ids| details.pre_sales_tickets(&call, ids).await, Vec::len)
            .await;
    }
    if let Some(projects) = connection.projects.as_ref().filter(|_| owned(Domain::Delivery)) {
        of.ask_by("project", project, async |call, ids| projects.projects(&call, ids).await, |_| 1).await;
        of.ask_by("milestones", project, async |call, ids| projects.milestones(&call, ids).await, Vec::len).await;
        of.ask_by("hours", project, async |call, ids| projects.effort(&call, ids).await, |_| 1).await;
    }
    if let Some(tickets) = connection.tickets.as_ref().filter(|_| owned(Domain::Tickets) || owned(Domain::Delivery)) {
        of.ask_by("tickets", project, async |call, ids| tickets.tickets_by_project(&call, ids).await, Vec::len).await;
    }
    if let Some(invoices) = connection.receivables.as_ref().filter(|_| owned(Domain::Receivables)) {
        let question = async |call: Call, ids: &[ProjectId]| invoices.invoices_by_project(&call, ids).await;
        of.ask_by("invoices of the project", project, question, Vec::len).await;
    }
    if let Some(costs) = connection.costs.as_ref().filter(|_| owned(Domain::Costs)) {
        of.ask_by("costs", project, async |call, ids| costs.costs_by_project(&call, ids).await, Vec::len).await;
    }
    of.0
}
