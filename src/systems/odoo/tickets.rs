//! Tickets: tasks of projects, or those of the app Helpdesk.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use compact_str::CompactString;
use futures_util::future::try_join_all;

use super::config::TicketSourceModel;
use super::documents::number;
use super::domain::Domain;
use super::record::Record;
use super::wire::Row;
use super::{MAX_KEYS, MAX_NUMBERS, System};
use crate::domain::{ProjectId, Ticket, TicketId};
use crate::systems::{BatchResult, Call, SystemError, TicketSource, grouped};

const LIST: &str = "tickets.list";

/// Fields of either model. Those that a database does not have are not asked for.
const FIELDS: [&str; 19] = [
    "name",
    "project_id",
    "stage_id",
    "state",
    "is_closed",
    "kanban_state",
    "priority",
    "user_ids",
    "user_id",
    "team_id",
    "ticket_type_id",
    "create_date",
    "date_end",
    "close_date",
    "effective_hours",
    "total_hours_spent",
    "allocated_hours",
    "planned_hours",
    "parent_id",
];

/// The tickets of a database.
pub(super) struct Tickets {
    pub(super) system: Arc<System>,
}

impl Tickets {
    fn model(&self) -> &'static str {
        match self.system.work.tickets.model {
            TicketSourceModel::Tasks => "project.task",
            TicketSourceModel::Helpdesk => "helpdesk.ticket",
        }
    }

    async fn read(&self, call: &Call, domain: Domain) -> Result<Vec<Record>, SystemError> {
        let known = self.system.client.fields(call, self.model()).await?;
        let mut fields: Vec<&str> = FIELDS.into_iter().filter(|field| known.contains(*field)).collect();
        let own = &self.system.work.tickets;
        fields.extend(own.kind.as_deref());
        fields.extend(own.progress.as_deref());
        self.system.client.all(call, LIST, self.model(), domain, &fields).await
    }

    /// The names of those who have the tickets: tasks name them by their numbers alone.
    async fn people(&self, call: &Call, records: &[Record]) -> Result<HashMap<u64, CompactString>, SystemError> {
        let people: BTreeSet<u64> = records.iter().flat_map(|record| record.links("user_ids")).collect();
        Ok(self.system.users(call, people).await?.into_iter().map(|(id, user)| (id, user.name.clone())).collect())
    }
}

#[async_trait]
impl TicketSource for Tickets {
    fn batch_limit(&self) -> usize {
        MAX_KEYS
    }

    async fn tickets(&self, call: &Call, ids: &[TicketId]) -> BatchResult<TicketId, Ticket> {
        let numbers: Vec<u64> = ids.iter().filter_map(|id| number(id.as_str())).collect();
        let reads =
            numbers.chunks(MAX_NUMBERS).map(|numbers| self.read(call, Domain::one_of("id", numbers.iter().copied())));
        let records: Vec<Record> = try_join_all(reads).await?.into_iter().flatten().collect();
        let projects = records.iter().filter_map(|record| Some(record.link("project_id")?.id())).collect();
        let projects = self.system.ids_of_projects(call, projects).await?;
        let people = self.people(call, &records).await?;
        let tickets = records.iter().map(|record| {
            let project = record.link("project_id").and_then(|project| projects.get(&project.id()).cloned());
            let ticket = self.system.work.ticket(&self.system.mapper, self.model(), record, project, &people);
            (ticket.id.clone(), ticket)
        });
        Ok(tickets.collect())
    }

    async fn tickets_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Ticket>> {
        let located = self.system.locate(call, ids).await?;
        let numbers: Vec<u64> = located.by_number().into_keys().collect();
        let records = if numbers.is_empty() {
            Vec::new()
        } else {
            self.read(call, Domain::one_of("project_id", numbers)).await?
        };
        let people = self.people(call, &records).await?;
        // Hours are estimated for the parts of a task, and its own would count twice.
        let parents: BTreeSet<u64> = records.iter().filter_map(|record| Some(record.link("parent_id")?.id())).collect();
        let mut tickets =
            grouped(records.into_iter().filter_map(|record| Some((record.link("project_id")?.id(), record))));
        Ok(located.answer(|number, id, _| {
            let records = tickets.remove(&number).unwrap_or_default();
            let ticket = |record: &Record| {
                let ticket =
                    self.system.work.ticket(&self.system.mapper, self.model(), record, Some(id.clone()), &people);
                if parents.contains(&record.id()) {
                    Ticket { hours_estimated: None, progress: None, ..ticket }
                } else {
                    ticket
                }
            };
            records.iter().map(ticket).collect()
        }))
    }
}
