//! The portfolio, read page by page: every engagement once, whatever number of deals a project has.
//!
//! A project belongs to its **lead**: the deal it began with, which is the first that was won, else the first. It is in a
//! filtered portfolio if its lead passes the filter, and it is grouped by what its lead says. So what is counted under one value
//! of a field is what a filter by that value finds, and what two filters find that exclude one another can be added up.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::engage::{Lead, engagement, unlisted};
use super::gather::{Gathered, Needs};
use super::planned::Planned;
use super::{Progress, ReportError, Reports, passing_on};
use crate::domain::{Deal, DealId, DealQuery, Direction, Domain, InvoiceQuery, Page, ProjectId, ProjectQuery, lead_of};
use crate::finance::{Attributes, Engagement, Exclusion, Handover};
use crate::reads::{AtHand, Commercial, Fresh, Kind, PageReader, Read, ReadOptions};
use crate::systems::{ErrorKind, Priority, SystemError};

/// Rows of a page of the owner's list.
pub const PAGE: usize = 200;

/// Pages after which a list is given up: two million rows.
const MAX_PAGES: usize = 10_000;

/// Which engagements, and what is asked of them.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Deals that lead.
    pub query: DealQuery,
    /// What is asked of the owners.
    pub needs: Needs,
}

/// An engagement, and whose it is.
#[derive(Debug)]
pub struct Engaged<'a> {
    /// What its owners state.
    pub engagement: Engagement,
    /// What it is grouped by.
    pub attributes: Attributes,
    /// The project, if there is one.
    pub project: Option<&'a ProjectId>,
    /// What the owner of projects says of it.
    pub header: Option<Arc<crate::domain::Project>>,
    /// What the project inherits from its deals, if it was asked for.
    pub handover: Option<Handover>,
    /// Its deals, the lead first.
    pub deals: Vec<Arc<Deal>>,
}

/// A walk through the portfolio.
struct Walk<'a, V> {
    reports: &'a Reports,
    commercial: &'a Commercial,
    needs: Needs,
    options: ReadOptions,
    progress: &'a Progress,
    visitor: &'a mut V,
    /// Projects that were visited.
    seen: HashSet<ProjectId>,
    /// Deals that were visited and are not found by a project: one that comes again, because others were added to the list
    /// meanwhile, is not visited again.
    by_themselves: HashSet<DealId>,
    /// Projects that lists name and that were not visited yet; less than a page of them.
    waiting: BTreeSet<ProjectId>,
    failures: Vec<Arc<SystemError>>,
}

impl Reports {
    /// Visits every engagement of the portfolio. Without a filter these are also the projects that no deal leads to, and what
    /// was invoiced without a project, so that totals are those of the books.
    ///
    /// Gives the owners that could not be asked: what they know is [`Unavailable`](crate::finance::Part::Unavailable) in the
    /// engagements. That deals cannot be read is an error, because nothing would be left.
    pub async fn walk(
        &self,
        scope: &Scope,
        options: &ReadOptions,
        progress: &Progress,
        visit: &mut (impl FnMut(Engaged<'_>) + Send),
    ) -> Result<Vec<Arc<SystemError>>, ReportError> {
        let commercial = self.reads.commercial.as_ref().ok_or(ReportError::NotOwned(Domain::Commercial))?;
        let options = ReadOptions { priority: Priority::Report, ..options.clone() };
        let mut walk = Walk {
            reports: self,
            commercial,
            needs: scope.needs,
            options,
            progress,
            visitor: visit,
            seen: HashSet::new(),
            by_themselves: HashSet::new(),
            waiting: BTreeSet::new(),
            failures: Vec::new(),
        };
        let mut pages = Pages::of(&commercial.deal_pages, &scope.query);
        let mut planned = Planned::of_deals(progress, commercial, scope.needs, &self.reads);
        let mut page = pages.next(&walk.options).await?;
        while let Some(read) = page {
            read.value.iter().for_each(|page| planned.page(page));
            let (deals, total) = read.value.map_or((Vec::new(), None), |page| (page.items.clone(), page.total));
            if let Some(total) = total.and_then(|total| usize::try_from(total).ok()) {
                progress.total.store(total, Ordering::Relaxed);
            }
            let options = walk.options.clone();
            // The next page is read while what hangs on this one is.
            let (next, visited) = tokio::join!(pages.next(&options), walk.deals(&deals));
            visited?;
            planned.page_is_done();
            progress.done.fetch_add(deals.len(), Ordering::Relaxed);
            page = next?;
        }
        let everything = DealQuery { order: scope.query.order, ..DealQuery::default() };
        if scope.query == everything && walk.options.viewer.sees_all_deals() {
            walk.projects_without_deals().await?;
            // Costs too: a project that is known from its invoices alone has them.
            if scope.needs.invoiced || scope.needs.invoices || scope.needs.costs {
                walk.invoices_without_deals().await?;
            }
            walk.visit_waiting().await?;
        }
        Ok(walk.failures)
    }
}

impl Reports {
    /// The same, for who takes all or nothing: that an owner could not be asked is an error.
    pub(super) async fn walk_whole(
        &self,
        scope: &Scope,
        options: &ReadOptions,
        progress: &Progress,
        visit: &mut (impl FnMut(Engaged<'_>) + Send),
    ) -> Result<(), ReportError> {
        let failures = self.walk(scope, options, progress, visit).await?;
        failures.into_iter().next().map_or(Ok(()), |failure| Err(ReportError::System(failure)))
    }
}

/// A project that is about to be visited, and its deals.
pub(super) struct Candidate {
    pub(super) id: ProjectId,
    pub(super) deals: Vec<Arc<Deal>>,
    pub(super) lead: Lead,
}

impl<V: FnMut(Engaged<'_>)> Walk<'_, V> {
    /// The options of one page: what it reads is at hand for it alone, so that memory does not grow with the portfolio.
    fn of_this_page(&self) -> ReadOptions {
        ReadOptions { at_hand: Arc::new(AtHand::default()), ..self.options.clone() }
    }

    /// Visits what the deals of a page lead to.
    async fn deals(&mut self, page: &[Arc<Deal>]) -> Result<(), ReportError> {
        let options = self.of_this_page();
        let linked: Vec<ProjectId> = distinct(page.iter().filter_map(|deal| deal.project_id().cloned()));
        let answers = self.commercial.deals_by_project.get_many(&options, &linked).await;
        let mut deals_of = HashMap::new();
        for (id, read) in linked.into_iter().zip(answers) {
            deals_of.insert(id, told(read)?);
        }
        let (mut candidates, mut alone) = (Vec::new(), Vec::new());
        let viewer = Arc::clone(&self.options.viewer);
        // Whoever reads only some deals is told of the projects that these lead.
        for deal in page.iter().filter(|deal| viewer.sees(deal)) {
            let Some(id) = deal.project_id() else {
                alone.push((deal, Lead::Unlinked));
                continue;
            };
            let Some(Some(deals)) = deals_of.get(id) else {
                alone.push((deal, Lead::NotWhole));
                continue;
            };
            match lead_of(deals) {
                Some(lead) if lead.id == deal.id => {
                    if self.seen.insert(id.clone()) {
                        let deals = lead_first(deals, &deal.id);
                        candidates.push(Candidate { id: id.clone(), deals, lead: Lead::Linked });
                    }
                }
                Some(_) if deals.iter().any(|other| other.id == deal.id) => {}
                // Its owner does not find it by the project's ID: it leads if nobody else does.
                None if self.seen.insert(id.clone()) => {
                    self.by_themselves.insert(deal.id.clone());
                    let deals = vec![Arc::clone(deal)];
                    candidates.push(Candidate { id: id.clone(), deals, lead: Lead::Linked });
                }
                _ => alone.push((deal, Lead::NotFoundById)),
            }
        }
        alone.retain(|(deal, _)| self.by_themselves.insert(deal.id.clone()));
        let alone: Vec<_> = alone.into_iter().map(|(deal, lead)| (Arc::clone(deal), lead)).collect();
        self.visit(&options, candidates, alone).await;
        Ok(())
    }

    /// Reads what is needed of projects and of deals without one, and visits them.
    async fn visit(&mut self, options: &ReadOptions, projects: Vec<Candidate>, alone: Vec<(Arc<Deal>, Lead)>) {
        let ids: Vec<ProjectId> = projects.iter().map(|one| one.id.clone()).collect();
        let all = projects.iter().flat_map(|one| &one.deals).chain(alone.iter().map(|(deal, _)| deal));
        let clients = distinct(all.filter_map(|deal| deal.client.clone()));
        let passing = projects.iter().flat_map(|one| passing_on(&one.deals)).map(|deal| deal.id.clone());
        let passing: Vec<DealId> = if self.needs.handover { distinct(passing) } else { Vec::new() };
        let gathered = self.reports.gather(self.needs, options, &ids, &clients, &passing).await;
        for one in &projects {
            let engaged = engagement(self.reports, self.needs, &gathered, Some(&one.id), &one.deals, one.lead);
            (self.visitor)(engaged);
        }
        for (deal, lead) in alone {
            let engaged = engagement(self.reports, self.needs, &gathered, None, std::slice::from_ref(&deal), lead);
            (self.visitor)(engaged);
        }
        self.note(gathered);
    }

    fn note(&mut self, gathered: Gathered) {
        for error in gathered.failures {
            if self.failures.iter().all(|known| known.connection != error.connection) {
                self.failures.push(error);
            }
        }
    }

    /// Takes note of projects that were not visited. A list has few of them on each page: they are visited once there is a
    /// page of them, so that their owners are asked in batches that are full.
    async fn unseen(&mut self, ids: impl IntoIterator<Item = ProjectId>) -> Result<(), ReportError> {
        self.waiting.extend(ids.into_iter().filter(|id| !self.seen.contains(id)));
        if self.waiting.len() < PAGE { Ok(()) } else { self.visit_waiting().await }
    }

    /// Visits those of the waiting projects that no deal leads to.
    async fn visit_waiting(&mut self) -> Result<(), ReportError> {
        let ids: Vec<ProjectId> = std::mem::take(&mut self.waiting).into_iter().collect();
        if ids.is_empty() {
            return Ok(());
        }
        let options = self.of_this_page();
        let answers = self.commercial.deals_by_project.get_many(&options, &ids).await;
        let mut candidates = Vec::new();
        for (id, read) in ids.into_iter().zip(answers) {
            let lead = match told(read)? {
                Some(deals) if deals.is_empty() => Lead::Linked,
                // A project that got its first deal while the portfolio was read is visited the next time.
                Some(_) => continue,
                // Its deals were visited, each by itself; what its books hold was not.
                None => Lead::NotWhole,
            };
            if self.seen.insert(id.clone()) {
                candidates.push(Candidate { id, deals: Vec::new(), lead });
            }
        }
        self.visit(&options, candidates, Vec::new()).await;
        Ok(())
    }

    /// Projects that the owners of projects list and no deal leads to.
    async fn projects_without_deals(&mut self) -> Result<(), ReportError> {
        let reports = self.reports;
        let owners = &reports.reads.delivery;
        for delivery in owners.all() {
            let mut pages = Pages::of(&delivery.project_pages, &ProjectQuery::default());
            let mut planned = Planned::of_list(self.progress);
            loop {
                let read = match pages.next(&self.options).await {
                    Ok(Some(read)) => read,
                    Ok(None) => break,
                    // Without the list it is not known what is missing; the figures of the others are.
                    Err(error) => {
                        self.fail(error, Exclusion::DeliveryUnavailable)?;
                        break;
                    }
                };
                read.value.iter().for_each(|page| planned.page(page));
                let ids = read.value.iter().flat_map(|page| &page.items).map(|project| project.id.clone());
                let own = |id: &ProjectId| owners.of(id).is_some_and(|owner| owner.owner == delivery.owner);
                self.unseen(ids.filter(own)).await?;
                planned.page_is_done();
            }
        }
        Ok(())
    }

    /// What was invoiced for projects that neither deals nor the owners of projects know, and for none.
    async fn invoices_without_deals(&mut self) -> Result<(), ReportError> {
        let reports = self.reports;
        let query = InvoiceQuery { direction: Some(Direction::Receivable), ..InvoiceQuery::default() };
        for invoices in reports.reads.receivables.all() {
            let mut pages = Pages::of(&invoices.pages, &query);
            let (mut planned, mut visited) = (Planned::of_list(self.progress), HashSet::new());
            loop {
                let read = match pages.next(&self.options).await {
                    Ok(Some(read)) => read,
                    Ok(None) => break,
                    Err(error) => {
                        self.fail(error, Exclusion::ReceivablesUnavailable)?;
                        break;
                    }
                };
                read.value.iter().for_each(|page| planned.page(page));
                let page = read.value.iter().flat_map(|page| &page.items);
                let own = |id: &ProjectId| {
                    reports.reads.receivables.of(id).is_some_and(|owner| owner.owner == invoices.owner)
                };
                let ids = page.clone().flat_map(|invoice| invoice.project_ids.iter().cloned()).filter(own);
                self.unseen(ids).await?;
                planned.page_is_done();
                for invoice in page {
                    let engaged = super::engage::without_project(reports, self.needs, invoice);
                    // One that comes again was visited.
                    if let Some(engaged) = engaged.filter(|_| visited.insert(invoice.id.clone())) {
                        (self.visitor)(engaged);
                    }
                }
            }
        }
        Ok(())
    }

    /// Takes note that an owner could not list what it has; gives back what is no failure of an owner.
    fn fail(&mut self, error: ReportError, reason: Exclusion) -> Result<(), ReportError> {
        let ReportError::System(error) = error else { return Err(error) };
        (self.visitor)(unlisted(self.needs, reason));
        if self.failures.iter().all(|known| known.connection != error.connection) {
            self.failures.push(error);
        }
        Ok(())
    }
}

/// The deals of a project; none if their owner contradicts itself, e.g. tells one of them twice. That is a gap in one project, and
/// no reason to tell nothing of all others. Deals that are cut off are: it is the list that is not to be trusted then.
fn told(read: Read<Vec<Arc<Deal>>>) -> Result<Option<Vec<Arc<Deal>>>, ReportError> {
    match read {
        Ok(fresh) => Ok(Some(fresh.value.map(|deals| deals.as_ref().clone()).unwrap_or_default())),
        Err(error) if error.kind == ErrorKind::Conflict => Ok(None),
        Err(error) => Err(ReportError::System(error)),
    }
}

fn lead_first(deals: &[Arc<Deal>], lead: &DealId) -> Vec<Arc<Deal>> {
    let (mut first, others): (Vec<_>, Vec<_>) = deals.iter().cloned().partition(|deal| deal.id == *lead);
    first.extend(others);
    first
}

/// Each once, in order.
pub fn distinct<T: Ord>(items: impl Iterator<Item = T>) -> Vec<T> {
    let mut all: Vec<T> = items.collect();
    all.sort();
    all.dedup();
    all
}

/// The pages of an owner's list, one after the other.
pub(super) struct Pages<'a, Q: Clone, T: Send + Sync + 'static>
where
    Q: Eq + std::hash::Hash + std::fmt::Debug + Send + Sync + 'static,
{
    reader: &'a PageReader<Q, T>,
    query: Q,
    /// Where the next page starts; none before the first.
    after: Option<String>,
    /// Whether the last was read.
    ended: bool,
    read: usize,
}

impl<'a, Q, T> Pages<'a, Q, T>
where
    Q: Clone + Eq + std::hash::Hash + std::fmt::Debug + Send + Sync + 'static,
    T: Send + Sync + 'static,
{
    /// All pages of a query.
    pub(super) fn of(reader: &'a PageReader<Q, T>, query: &Q) -> Self {
        Self { reader, query: query.clone(), after: None, ended: false, read: 0 }
    }

    /// The next page; none after the last. Pages that never end, or that name themselves as the next, are an error.
    pub(super) async fn next(&mut self, options: &ReadOptions) -> Result<Option<Fresh<Page<Arc<T>>>>, ReportError> {
        if self.ended {
            return Ok(None);
        }
        let options = ReadOptions { at_hand: Arc::new(AtHand::default()), ..options.clone() };
        let key = (self.query.clone(), self.after.take(), PAGE);
        let read = self.reader.get(&options, &key).await.map_err(ReportError::System)?;
        self.read += 1;
        let next = next_of(self.reader, read.value.as_deref(), key.1.as_deref())?;
        if self.read >= MAX_PAGES {
            return Err(endless(self.reader.kind()));
        }
        self.ended = next.is_none();
        self.after = next;
        Ok(Some(read))
    }
}

/// Where the page after one begins; none after the last. A page that names itself as the next is an error.
pub(super) fn next_of<Q, T>(
    reader: &PageReader<Q, T>,
    page: Option<&Page<Arc<T>>>,
    after: Option<&str>,
) -> Result<Option<String>, ReportError>
where
    Q: Clone + Eq + std::hash::Hash + std::fmt::Debug + Send + Sync + 'static,
    T: Send + Sync + 'static,
{
    let next = page.and_then(|page| page.next.as_deref()).filter(|next| !next.is_empty());
    if next.is_some() && next == after { Err(endless(reader.kind())) } else { Ok(next.map(str::to_owned)) }
}

fn endless(list: &Kind) -> ReportError {
    ReportError::Truncated(format!("the list of {} does not end: it was given up", list.connection))
}
