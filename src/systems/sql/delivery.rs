//! The ports of a delivery owner: projects, milestones, hours, and tickets.

use std::cmp::Ordering;
use std::sync::Arc;

use async_trait::async_trait;

use super::read::{Query, Source};
use crate::domain::{Effort, Milestone, Page, Project, ProjectId, ProjectQuery, Ticket, TicketId};
use crate::systems::declared::collect::by_id;
use crate::systems::declared::delivery::added_up;
use crate::systems::declared::fields::{EffortTable, Milestones, PreSalesTickets, Projects};
use crate::systems::declared::lists::project_fits;
use crate::systems::declared::map::Booking;
use crate::systems::declared::row::Row;
use crate::systems::{Batch, BatchResult, Call, ErrorKind, ProjectSource, SystemError, TicketSource};

/// Projects, and what hangs on them.
#[derive(Debug)]
pub(super) struct ProjectPort {
    pub(super) source: Arc<Source>,
    pub(super) by_id: Option<Query>,
    pub(super) list: Option<Query>,
    pub(super) milestones: Option<Query>,
    pub(super) effort: Option<Query>,
}

#[async_trait]
impl ProjectSource for ProjectPort {
    fn batch_limit(&self) -> usize {
        self.source.batch
    }

    async fn projects(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Project> {
        let query = self.source.required("projects.by_id", self.by_id.as_ref())?;
        let read = |table: &Projects, row: &Row<'_>, asked: &_| table.read(row, self.source.setting(), Some(asked));
        let found = self.source.records(call, query, ids, read).await?;
        Ok(self.source.single(query, ids, found))
    }

    async fn milestones(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Milestone>> {
        let query = self.source.required("milestones.by_project", self.milestones.as_ref())?;
        let read = |table: &Milestones, row: &Row<'_>, _: &_| table.read(row, self.source.setting());
        let found = self.source.records(call, query, ids, read).await?;
        let by_due_date = |a: &Milestone, b: &Milestone| {
            let key = |milestone: &Milestone| (milestone.due_date.is_none(), milestone.due_date);
            key(a).cmp(&key(b)).then_with(|| by_id(&a.id, &b.id))
        };
        Ok(self.source.many(query, ids, found, |milestone| Some(&*milestone.id), by_due_date))
    }

    async fn effort(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Effort> {
        let query = self.source.required("effort.by_project", self.effort.as_ref())?;
        let read = |table: &EffortTable, row: &Row<'_>, _: &_| table.read(row, self.source.setting());
        let found: Vec<Vec<Booking>> = self.source.records(call, query, ids, read).await?;
        let bookings = self.source.many(query, ids, found, |booking| booking.id.as_deref(), |_, _| Ordering::Equal);
        let mut batch = Batch { failed: bookings.failed, ..Batch::default() };
        for (id, bookings) in bookings.found {
            if let Some(effort) = added_up(bookings) {
                batch.found.insert(id, effort);
            } else {
                let why = "hours beyond all bounds";
                batch.failed.insert(id, self.source.error("effort.by_project", ErrorKind::BadResponse, why));
            }
        }
        Ok(batch)
    }

    async fn project_page(
        &self,
        call: &Call,
        query: &ProjectQuery,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Project>, SystemError> {
        let list = self.source.required("projects.list", self.list.as_ref())?;
        // Rows without a usable shared ID are left out whatever is asked. They are few.
        let sifts = *query != ProjectQuery::default();
        let keep = |table: &Projects, row: &Row<'_>| {
            Ok(table.read(row, self.source.setting(), None)?.filter(|project| project_fits(query, project)))
        };
        self.source.page(call, list, (after, limit), sifts, keep).await
    }
}

/// Tickets. Their table is that of tickets beside a deal: the same fields.
#[derive(Debug)]
pub(super) struct TicketPort {
    pub(super) source: Arc<Source>,
    pub(super) by_id: Option<Query>,
    pub(super) by_project: Option<Query>,
}

#[async_trait]
impl TicketSource for TicketPort {
    fn batch_limit(&self) -> usize {
        self.source.batch
    }

    async fn tickets(&self, call: &Call, ids: &[TicketId]) -> BatchResult<TicketId, Ticket> {
        let query = self.source.required("tickets.by_id", self.by_id.as_ref())?;
        let read = |table: &PreSalesTickets, row: &Row<'_>, _: &_| {
            table.fields.read(row, self.source.setting(), (None, None), None)
        };
        let found = self.source.records(call, query, ids, read).await?;
        Ok(self.source.single(query, ids, found))
    }

    async fn tickets_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Ticket>> {
        let query = self.source.required("tickets.by_project", self.by_project.as_ref())?;
        let read = |table: &PreSalesTickets, row: &Row<'_>, asked: &_| {
            table.fields.read(row, self.source.setting(), (None, None), Some(asked))
        };
        let found = self.source.records(call, query, ids, read).await?;
        let sort = |a: &Ticket, b: &Ticket| by_id(a.id.as_str(), b.id.as_str());
        Ok(self.source.many(query, ids, found, |ticket| Some(ticket.id.as_str()), sort))
    }
}
