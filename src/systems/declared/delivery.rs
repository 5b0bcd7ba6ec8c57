//! The ports of a delivery owner: projects, milestones, hours, and tickets.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use compact_str::CompactString;
use rust_decimal::Decimal;

use super::client::Api;
use super::collect::by_id;
use super::commercial::{batch_limit, text};
use super::fields::{EffortTable, Milestones, Projects, Tickets};
use super::lists::{Params, project_fits};
use super::map::Booking;
use super::row::Row;
use crate::domain::{Effort, Milestone, Page, Project, ProjectId, ProjectQuery, ResourceAllocation, Ticket, TicketId};
use crate::systems::{Batch, BatchResult, Call, ErrorKind, ProjectSource, SystemError, TicketSource};

/// Projects, and what hangs on them.
#[derive(Debug)]
pub(in crate::systems) struct ProjectPort {
    pub(in crate::systems) api: Arc<Api>,
    pub(in crate::systems) table: Projects,
    pub(in crate::systems) milestones: Option<Milestones>,
    pub(in crate::systems) effort: Option<EffortTable>,
}

#[async_trait]
impl ProjectSource for ProjectPort {
    fn batch_limit(&self) -> usize {
        batch_limit([
            self.table.by_id.as_ref(),
            self.milestones.as_ref().map(|table| &table.by_project),
            self.effort.as_ref().map(|table| &table.by_project),
        ])
    }

    async fn projects(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Project> {
        const OPERATION: &str = "projects.by_id";
        let (api, table) = (&self.api, &self.table);
        let ways = (table.by_id.as_ref(), table.list.as_ref());
        let read = |row: &Row<'_>, asked: &ProjectId| table.read(row, api.setting(), Some(asked));
        let gathered = api.records(call, OPERATION, ways, text(Some(&table.fields.id)), ids, &read).await?;
        Ok(api.single(OPERATION, ids, gathered))
    }

    async fn milestones(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Milestone>> {
        const OPERATION: &str = "milestones.by_project";
        let Some(table) = &self.milestones else { return Err(self.api.not_configured(OPERATION)) };
        let read = |row: &Row<'_>, _: &ProjectId| table.read(row, self.api.setting());
        let mapped = text(table.fields.project_id.as_ref());
        let gathered = self.api.records(call, OPERATION, (Some(&table.by_project), None), mapped, ids, &read).await?;
        let by_due_date = |a: &Milestone, b: &Milestone| {
            let key = |milestone: &Milestone| (milestone.due_date.is_none(), milestone.due_date);
            key(a).cmp(&key(b)).then_with(|| by_id(&a.id, &b.id))
        };
        Ok(self.api.many(OPERATION, ids, gathered, |milestone| Some(&*milestone.id), by_due_date))
    }

    async fn effort(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Effort> {
        const OPERATION: &str = "effort.by_project";
        let Some(table) = &self.effort else { return Err(self.api.not_configured(OPERATION)) };
        let read = |row: &Row<'_>, _: &ProjectId| table.read(row, self.api.setting());
        let mapped = text(table.fields.project_id.as_ref());
        let gathered = self.api.records(call, OPERATION, (Some(&table.by_project), None), mapped, ids, &read).await?;
        let bookings =
            self.api.many(OPERATION, ids, gathered, |booking| booking.id.as_deref(), |_, _| std::cmp::Ordering::Equal);
        let mut batch = Batch { found: std::collections::HashMap::new(), failed: bookings.failed };
        for (id, bookings) in bookings.found {
            if let Some(effort) = added_up(bookings) {
                batch.found.insert(id, effort);
            } else {
                let error = self.api.error(OPERATION, ErrorKind::BadResponse, "hours beyond all bounds");
                batch.failed.insert(id, error);
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
        const OPERATION: &str = "projects.list";
        let Some(list) = &self.table.list else { return Err(self.api.not_configured(OPERATION)) };
        let mut params = Params::new(list);
        let here = params.projects(query, &self.table.fields);
        let setting = self.api.setting();
        let keep =
            |row: &Row<'_>| Ok(self.table.read(row, setting, None)?.filter(|project| project_fits(&here, project)));
        // Rows without a usable shared ID are left out, so the system's own pages and total are not ours.
        self.api.list(call, OPERATION, list, &params.finish(), false, (after, limit), &keep).await
    }
}

/// Hours by project and person.
pub(in crate::systems) fn added_up(bookings: Vec<Booking>) -> Option<Effort> {
    let mut effort = Effort::default();
    let mut people: BTreeMap<(CompactString, Option<CompactString>, Option<String>), ResourceAllocation> =
        BTreeMap::new();
    for booking in bookings {
        effort.hours_spent = effort.hours_spent.checked_add(booking.hours)?;
        let Some(person) = booking.person else { continue };
        let key = (person.name.clone(), person.email.clone(), booking.role.clone());
        let entry = people.entry(key).or_insert_with(|| ResourceAllocation {
            person,
            role: booking.role,
            hours_allocated: booking.allocated,
            hours_spent: Decimal::ZERO,
        });
        entry.hours_spent = entry.hours_spent.checked_add(booking.hours)?;
        // It is a fact about the person, which every row repeats; rows that differ say nothing.
        entry.hours_allocated = entry.hours_allocated.filter(|hours| Some(*hours) == booking.allocated);
    }
    effort.resources = people.into_values().collect();
    Some(effort)
}

/// Tickets.
#[derive(Debug)]
pub(in crate::systems) struct TicketPort {
    pub(in crate::systems) api: Arc<Api>,
    pub(in crate::systems) table: Tickets,
}

#[async_trait]
impl TicketSource for TicketPort {
    fn batch_limit(&self) -> usize {
        batch_limit([self.table.by_id.as_ref(), self.table.by_project.as_ref()])
    }

    async fn tickets(&self, call: &Call, ids: &[TicketId]) -> BatchResult<TicketId, Ticket> {
        const OPERATION: &str = "tickets.by_id";
        let (api, table) = (&self.api, &self.table);
        let extra = (table.skip.as_ref(), table.url.as_ref());
        let read = |row: &Row<'_>, _: &TicketId| table.fields.read(row, api.setting(), extra, None);
        let mapped = text(Some(&table.fields.id));
        let gathered = api.records(call, OPERATION, (table.by_id.as_ref(), None), mapped, ids, &read).await?;
        Ok(api.single(OPERATION, ids, gathered))
    }

    async fn tickets_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Ticket>> {
        const OPERATION: &str = "tickets.by_project";
        let (api, table) = (&self.api, &self.table);
        let extra = (table.skip.as_ref(), table.url.as_ref());
        let read = |row: &Row<'_>, asked: &ProjectId| table.fields.read(row, api.setting(), extra, Some(asked));
        let mapped = text(table.fields.project_id.as_ref());
        let gathered = api.records(call, OPERATION, (table.by_project.as_ref(), None), mapped, ids, &read).await?;
        let sort = |a: &Ticket, b: &Ticket| by_id(a.id.as_str(), b.id.as_str());
        Ok(api.many(OPERATION, ids, gathered, |ticket| Some(ticket.id.as_str()), sort))
    }
}
