//! Tickets.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;

use super::HubSpot;
use super::client::{DEALS, READ_LIMIT, Rows, TICKETS, by_number};
use super::deals::ByProject;
use super::reference::{Owners, Pipelines};
use super::wire::Record;
use crate::domain::{Link, ProjectId, Ticket, TicketId};
use crate::systems::{Batch, BatchResult, Call, SystemError, TicketSource};

/// What turns the numbers on tickets into labels and names.
pub(super) struct TicketContext {
    pub(super) pipelines: Arc<Pipelines>,
    pub(super) owners: Arc<Owners>,
}

/// The project of each ticket that has one, and why some are not known.
#[derive(Default)]
struct Projects {
    of: HashMap<String, ProjectId>,
    failed: HashMap<String, SystemError>,
}

#[async_trait]
impl TicketSource for HubSpot {
    fn batch_limit(&self) -> usize {
        READ_LIMIT
    }

    async fn tickets(&self, call: &Call, ids: &[TicketId]) -> BatchResult<TicketId, Ticket> {
        let properties = self.mapper.ticket_properties();
        let keys: Vec<&str> = ids.iter().map(TicketId::as_str).collect();
        let (rows, mut projects) = tokio::try_join!(
            self.client.read(call, &TICKETS, &properties, &keys),
            self.projects_of_tickets(call, &keys),
        )?;
        let asked: HashSet<&str> = keys.into_iter().collect();
        let Rows { mut records, failed } = rows;
        records.retain(|record| asked.contains(record.key()));
        let context = self.ticket_context(call, records.iter()).await?;
        let mut batch = Batch::default();
        for record in &records {
            let id = TicketId::new(record.key());
            if let Some(error) = projects.failed.remove(&record.id.0) {
                batch.failed.insert(id, error);
                continue;
            }
            let project = projects.of.remove(&record.id.0);
            batch.found.insert(id, self.mapper.ticket(record, &context.pipelines, &context.owners, project));
        }
        batch.failed.extend(failed.into_iter().map(|(id, error)| (TicketId::new(id), error)));
        Ok(batch)
    }

    async fn tickets_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Ticket>> {
        let properties = self.mapper.ticket_properties();
        let ByProject { records, failed } = match self.mapper.names.ticket_shared_id.as_deref() {
            Some(property) => self.records_of(call, &TICKETS, property, ids, &properties).await?,
            None => self.tickets_of_deals(call, ids, &properties).await?,
        };
        let context = self.ticket_context(call, records.values().flatten()).await?;
        let found = records.into_iter().map(|(project, records)| {
            let ticket = |record: &Record| {
                self.mapper.ticket(record, &context.pipelines, &context.owners, Some(project.clone()))
            };
            let tickets = records.iter().map(ticket).collect();
            (project, tickets)
        });
        Ok(Batch { found: found.collect(), failed })
    }
}

impl HubSpot {
    /// Pipelines and owners that know all numbers on these tickets, if HubSpot does.
    pub(super) async fn ticket_context<'a>(
        &self,
        call: &Call,
        records: impl Iterator<Item = &'a Record> + Clone,
    ) -> Result<TicketContext, SystemError> {
        let pipelines = self.reference.ticket_pipelines(&self.client, call, |known| {
            records.clone().all(|record| match (record.text("hs_pipeline"), record.text("hs_pipeline_stage")) {
                (Some(pipeline), Some(stage)) => known.stage(pipeline, stage).is_some(),
                _ => true,
            })
        });
        let owners = self.reference.owners(&self.client, call, |known| {
            records.clone().filter_map(|record| record.text("hubspot_owner_id")).all(|id| known.owner(id).is_some())
        });
        let (pipelines, owners) = tokio::try_join!(pipelines, owners)?;
        Ok(TicketContext { pipelines, owners })
    }

    /// The projects of tickets that say none themselves: those of their deals. Two deals of different projects leave
    /// it open.
    async fn projects_of_tickets(&self, call: &Call, tickets: &[&str]) -> Result<Projects, SystemError> {
        if self.mapper.names.ticket_shared_id.is_some() {
            return Ok(Projects::default());
        }
        let mut links = self.client.deals_of_tickets(call, tickets).await?;
        let property = self.mapper.names.shared_id.as_str();
        let rows = self.client.read(call, &DEALS, &[property], &links.others()).await?;
        let project = |record: &Record| match self.mapper.link(record, property) {
            Link::To(id) => Some((record.id.0.clone(), id)),
            Link::None | Link::Malformed(_) => None,
        };
        let of_deal: HashMap<String, ProjectId> = rows.records.iter().filter_map(project).collect();
        let mut projects = Projects { of: HashMap::new(), failed: std::mem::take(&mut links.failed) };
        for (ticket, deals) in links.to {
            if let Some(error) = deals.iter().find_map(|deal| rows.failed.get(&deal.id)) {
                projects.failed.insert(ticket, error.clone());
                continue;
            }
            let mut ids = deals.iter().filter_map(|deal| of_deal.get(&deal.id));
            if let Some(first) = ids.next()
                && ids.all(|other| other == first)
            {
                projects.of.insert(ticket, first.clone());
            }
        }
        Ok(projects)
    }

    /// The tickets that hang on the deals of each project.
    async fn tickets_of_deals(
        &self,
        call: &Call,
        ids: &[ProjectId],
        properties: &[&str],
    ) -> Result<ByProject, SystemError> {
        let deals = self.deal_records(call, ids, &[self.mapper.names.shared_id.as_str()]).await?;
        let of_project = |project: &ProjectId| deals.records.get(project).map_or(&[][..], Vec::as_slice);
        let keys: Vec<&str> = deals.records.values().flatten().map(Record::key).collect();
        let links = self.client.links_of_deals(call, &TICKETS, &keys).await?;
        let rows = self.client.read(call, &TICKETS, properties, &links.others()).await?;
        let by_id: HashMap<&str, &Record> = rows.records.iter().map(|record| (record.key(), record)).collect();
        let mut all = ByProject { records: HashMap::new(), failed: deals.failed.clone() };
        for project in ids.iter().filter(|id| deals.records.contains_key(id)) {
            let keys: Vec<&str> = of_project(project).iter().map(Record::key).collect();
            let tickets =
                || keys.iter().filter_map(|deal| links.to.get(*deal)).flatten().map(|linked| linked.id.as_str());
            let failure = keys.iter().find_map(|deal| links.failed.get(*deal));
            if let Some(error) = failure.or_else(|| tickets().find_map(|ticket| rows.failed.get(ticket))) {
                all.failed.insert(project.clone(), error.clone());
                continue;
            }
            let mut records: Vec<Record> =
                tickets().filter_map(|id| by_id.get(id).map(|record| (*record).clone())).collect();
            records.sort_by(|a, b| by_number(a.key(), b.key()));
            records.dedup_by(|a, b| a.id == b.id);
            all.records.insert(project.clone(), records);
        }
        Ok(all)
    }
}
