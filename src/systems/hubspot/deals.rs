//! Deals and their clients.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use futures_util::future::try_join_all;

use super::HubSpot;
use super::client::{
    COMPANIES, DEALS, LIST_LIMIT, Links, Object, READ_LIMIT, Rows, SEARCH_BODY, SEARCH_LIMIT, SEARCH_ROWS, by_number,
};
use super::query::{self, Plan};
use super::wire::{Filter, FilterGroup, Record, Search};
use crate::domain::{Client, ClientId, Deal, DealId, DealOrder, DealQuery, Link, Page, ProjectId};
use crate::systems::{Batch, BatchResult, Call, ClientSource, DealSource, ErrorKind, SystemError};

/// Records grouped by the shared ID they carry, and the IDs that failed.
#[derive(Debug, Default)]
pub(super) struct ByProject {
    pub(super) records: HashMap<ProjectId, Vec<Record>>,
    pub(super) failed: HashMap<ProjectId, SystemError>,
}

#[async_trait]
impl DealSource for HubSpot {
    fn batch_limit(&self) -> usize {
        READ_LIMIT
    }

    fn shared_id_field(&self) -> Option<&str> {
        Some(self.mapper.names.shared_id.as_str())
    }

    async fn deals(&self, call: &Call, ids: &[DealId]) -> BatchResult<DealId, Deal> {
        let properties = self.mapper.deal_properties();
        let keys: Vec<&str> = ids.iter().map(DealId::as_str).collect();
        let (rows, links, ()) = tokio::try_join!(
            self.client.read(call, &DEALS, &properties, &keys),
            self.client.links_of_deals(call, &COMPANIES, &keys),
            self.read_reference(call),
        )?;
        let asked: HashSet<&str> = keys.into_iter().collect();
        let Rows { mut records, failed } = rows;
        records.retain(|record| asked.contains(record.key()));
        let mut batch = self.mapped(call, &records, links).await?;
        batch.failed.extend(failed.into_iter().map(|(id, error)| (DealId::new(id), error)));
        Ok(batch)
    }

    async fn deals_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Deal>> {
        let properties = self.mapper.deal_properties();
        let (by_project, ()) = tokio::try_join!(self.deal_records(call, ids, &properties), self.read_reference(call))?;
        let ByProject { records, failed } = by_project;
        let all: Vec<Record> = records.values().flatten().cloned().collect();
        let keys: Vec<&str> = all.iter().map(Record::key).collect();
        let links = self.client.links_of_deals(call, &COMPANIES, &keys).await?;
        let mut deals = self.mapped(call, &all, links).await?;
        let mut batch = Batch { found: HashMap::new(), failed };
        for (project, records) in records {
            let keys = records.iter().map(|record| DealId::new(record.key()));
            let found: Result<Vec<Deal>, SystemError> = keys
                .filter_map(|id| deals.failed.remove(&id).map(Err).or_else(|| deals.found.remove(&id).map(Ok)))
                .collect();
            match found {
                Ok(found) => drop(batch.found.insert(project, found)),
                Err(error) => drop(batch.failed.insert(project, error)),
            }
        }
        Ok(batch)
    }

    async fn deal_page(
        &self,
        call: &Call,
        query: &DealQuery,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Deal>, SystemError> {
        let limit = limit.max(1);
        if *query == DealQuery::default() {
            return self.listed(call, after, limit).await;
        }
        let pipelines = self
            .reference
            .deal_pipelines(&self.client, call, |known| query::plan(query, &self.mapper.names, known).is_some())
            .await?;
        match query::plan(query, &self.mapper.names, &pipelines) {
            Some(plan) => self.searched(call, &plan, query.order, after, limit).await,
            None => Ok(Page { items: Vec::new(), next: None, total: Some(0) }),
        }
    }
}

#[async_trait]
impl ClientSource for HubSpot {
    fn batch_limit(&self) -> usize {
        READ_LIMIT
    }

    async fn clients(&self, call: &Call, ids: &[ClientId]) -> BatchResult<ClientId, Client> {
        let names = &self.mapper.names;
        let properties = ["name", "domain", names.industry.as_str(), names.country.as_str()];
        let keys: Vec<&str> = ids.iter().map(ClientId::as_str).collect();
        let rows = self.client.read(call, &COMPANIES, &properties, &keys).await?;
        let asked: HashSet<&str> = keys.into_iter().collect();
        let records = rows.records.iter().filter(|record| asked.contains(record.key()));
        let mut batch: Batch<_, _> =
            records.map(|record| (ClientId::new(record.key()), self.mapper.client(record))).collect();
        batch.failed.extend(rows.failed.into_iter().map(|(id, error)| (ClientId::new(id), error)));
        Ok(batch)
    }
}

impl HubSpot {
    /// Deals without a question, by record ID: HubSpot lists them without its search.
    async fn listed(&self, call: &Call, after: Option<&str>, limit: usize) -> Result<Page<Deal>, SystemError> {
        let properties = self.mapper.deal_properties();
        let mut next = self.cursor("deals.list", after, "list:")?.map(str::to_owned);
        let mut records: Vec<Record> = Vec::new();
        let mut seen = HashSet::new();
        while records.len() < limit {
            let size = LIST_LIMIT.min(limit - records.len());
            let page = self.client.list_deals(call, &properties, next.as_deref(), size).await?;
            // Pages that overlap, or a next one that is this one, would show a deal twice, or deals for ever.
            let comes_again = page.records.iter().any(|record| !seen.insert(record.key().to_owned()));
            if comes_again || (page.next.is_some() && page.next == next) {
                return Err(self.client.error("deals.list", ErrorKind::Truncated));
            }
            records.extend(page.records);
            next = page.next;
            if next.is_none() {
                break;
            }
        }
        let items = self.in_order(call, records).await?;
        Ok(Page { items, next: next.map(|after| format!("list:{after}")), total: None })
    }

    /// Deals by a search. In the order of record IDs each page goes on after the last record, which no change of others
    /// can shift; any other order goes on by a count of rows, as far as HubSpot lets it.
    async fn searched(
        &self,
        call: &Call,
        plan: &Plan,
        order: Option<DealOrder>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Deal>, SystemError> {
        const OPERATION: &str = "deals.search";
        let keyed = order.is_none();
        let start = self.cursor(OPERATION, after, if keyed { "id:" } else { "row:" })?;
        let exact = plan.rest == DealQuery::default();
        // Where rows are checked here, one more is looked for, to know whether there is a next page.
        let wanted = if exact { limit } else { limit.saturating_add(1) };
        let properties = self.mapper.deal_properties();
        let mut last = start.map(str::to_owned);
        let mut total = None;
        let mut found: Vec<(Deal, String)> = Vec::new();
        for turn in 0.. {
            if turn >= self.client.max_pages() {
                return Err(self.client.error(OPERATION, ErrorKind::Truncated));
            }
            let row = match (keyed, &last) {
                (false, Some(row)) => row.parse().map_err(|_| self.client.error(OPERATION, ErrorKind::BadRequest))?,
                _ => 0,
            };
            let left = if exact { limit - found.len() } else { SEARCH_LIMIT };
            let size = SEARCH_LIMIT.min(left).min(SEARCH_ROWS.saturating_sub(row));
            if size == 0 {
                return Err(self.client.error(OPERATION, ErrorKind::Truncated));
            }
            let mut filters = plan.filters.clone();
            if let (true, Some(id)) = (keyed, &last) {
                filters.push(Filter::new("hs_object_id", "GT", id.as_str()));
            }
            let search = Search {
                filter_groups: [FilterGroup { filters }],
                sorts: [query::sort(order)],
                properties: &properties,
                limit: size,
                after: if keyed { None } else { last.clone() },
            };
            let page = self.client.search(call, &DEALS, &search).await?;
            // A later page by ID counts only what is left.
            if exact && (!keyed || last.is_none()) {
                total = page.total;
            }
            let positions: Vec<String> = page
                .records
                .iter()
                .zip(row + 1..)
                .map(|(record, row)| if keyed { record.id.0.clone() } else { row.to_string() })
                .collect();
            last = positions.last().cloned().or(last);
            let deals = self.in_order(call, page.records).await?;
            found.extend(deals.into_iter().zip(positions).filter(|(deal, _)| query::matches(&plan.rest, deal)));
            if page.next.is_none() {
                last = None;
            }
            if found.len() >= wanted || last.is_none() {
                break;
            }
        }
        let more = if exact { last.is_some() } else { found.len() > limit };
        found.truncate(limit);
        let next = found
            .last()
            .filter(|_| more)
            .map(|(_, position)| format!("{}{position}", if keyed { "id:" } else { "row:" }));
        Ok(Page { items: found.into_iter().map(|(deal, _)| deal).collect(), next, total })
    }

    /// The rest of a cursor of ours. A cursor of another question is refused.
    fn cursor<'a>(
        &self,
        operation: &'static str,
        after: Option<&'a str>,
        prefix: &str,
    ) -> Result<Option<&'a str>, SystemError> {
        let Some(after) = after else { return Ok(None) };
        match after.strip_prefix(prefix) {
            Some(rest) if !rest.is_empty() && rest.len() < 200 && !rest.contains(char::is_control) => Ok(Some(rest)),
            _ => Err(self.client.error(operation, ErrorKind::BadRequest)),
        }
    }

    /// Deals in the order of their records; a failure of one is a failure of the page.
    async fn in_order(&self, call: &Call, records: Vec<Record>) -> Result<Vec<Deal>, SystemError> {
        let keys: Vec<&str> = records.iter().map(Record::key).collect();
        let (links, ()) =
            tokio::try_join!(self.client.links_of_deals(call, &COMPANIES, &keys), self.read_reference(call))?;
        let mut deals = self.mapped(call, &records, links).await?;
        if let Some(error) = deals.failed.into_values().next() {
            return Err(error);
        }
        Ok(records.iter().filter_map(|record| deals.found.remove(&DealId::new(record.key()))).collect())
    }

    /// Reads pipelines and owners, if they are not at hand, while the records are still on their way.
    async fn read_reference(&self, call: &Call) -> Result<(), SystemError> {
        let pipelines = self.reference.deal_pipelines(&self.client, call, |_| true);
        let owners = self.reference.owners(&self.client, call, |_| true);
        tokio::try_join!(pipelines, owners).map(drop)
    }

    async fn mapped(&self, call: &Call, records: &[Record], links: Links) -> BatchResult<DealId, Deal> {
        let pipelines = self.reference.deal_pipelines(&self.client, call, |known| {
            records.iter().all(|record| match (record.text("pipeline"), record.text("dealstage")) {
                (Some(pipeline), Some(stage)) => known.stage(pipeline, stage).is_some(),
                _ => true,
            })
        });
        let owners = self.reference.owners(&self.client, call, |known| {
            records.iter().filter_map(|record| record.text("hubspot_owner_id")).all(|id| known.owner(id).is_some())
        });
        let (pipelines, owners) = tokio::try_join!(pipelines, owners)?;
        let Links { to, failed } = links;
        let mut batch: Batch<_, _> = records
            .iter()
            .filter(|record| !failed.contains_key(&record.id.0))
            .map(|record| {
                // The client is the primary company. Others may only be involved, and stand first.
                let companies = to.get(&record.id.0).map_or(&[][..], Vec::as_slice);
                let client =
                    companies.iter().find(|company| company.primary).map(|company| ClientId::new(company.id.as_str()));
                (DealId::new(record.key()), self.mapper.deal(record, &pipelines, &owners, client))
            })
            .collect();
        batch.failed.extend(failed.into_iter().map(|(id, error)| (DealId::new(id), error)));
        Ok(batch)
    }

    /// The records of deals that carry each shared ID, by record ID.
    pub(super) async fn deal_records(
        &self,
        call: &Call,
        ids: &[ProjectId],
        properties: &[&str],
    ) -> Result<ByProject, SystemError> {
        let property = self.mapper.names.shared_id.as_str();
        if !self.shared_id_unique {
            return self.records_of(call, &DEALS, property, ids, properties).await;
        }
        let keys: Vec<&str> = ids.iter().map(ProjectId::as_str).collect();
        let rows = self.client.read_by(call, &DEALS, Some(property), properties, &keys).await?;
        let mut grouped = self.grouped(rows.records, property, ids);
        for id in ids {
            if let Some(error) = rows.failed.get(id.as_str()) {
                grouped.records.remove(id);
                grouped.failed.insert(id.clone(), error.clone());
            }
        }
        Ok(grouped)
    }

    /// The records whose property holds each shared ID, by record ID: a search for many of them at once.
    pub(super) async fn records_of(
        &self,
        call: &Call,
        object: &Object,
        property: &str,
        ids: &[ProjectId],
        properties: &[&str],
    ) -> Result<ByProject, SystemError> {
        // HubSpot matches a list of strings in lower case only.
        let values: Vec<String> = ids.iter().map(|id| id.as_str().to_lowercase()).collect();
        let searches = bodies(property, values, properties).into_iter();
        let found = try_join_all(searches.map(|search| self.all_of(call, object, search))).await?;
        Ok(self.grouped(found.into_iter().flatten().collect(), property, ids))
    }

    async fn all_of(&self, call: &Call, object: &Object, mut search: Search<'_>) -> Result<Vec<Record>, SystemError> {
        let [FilterGroup { filters }] = search.filter_groups;
        let mut records: Vec<Record> = Vec::new();
        for _ in 0..self.client.max_pages() {
            let after = records.last().map(|last| Filter::new("hs_object_id", "GT", last.key()));
            search.filter_groups = [FilterGroup { filters: filters.iter().cloned().chain(after).collect() }];
            let page = self.client.search(call, object, &search).await?;
            records.extend(page.records);
            if page.next.is_none() {
                return Ok(records);
            }
        }
        Err(self.client.error("search", ErrorKind::Truncated))
    }

    /// Groups by the ID that the record really holds: what a search found beside it is dropped.
    fn grouped(&self, records: Vec<Record>, property: &str, ids: &[ProjectId]) -> ByProject {
        let mut grouped: HashMap<ProjectId, Vec<Record>> = ids.iter().map(|id| (id.clone(), Vec::new())).collect();
        for record in records {
            if let Link::To(id) = self.mapper.link(&record, property)
                && let Some(group) = grouped.get_mut(&id)
            {
                group.push(record);
            }
        }
        for group in grouped.values_mut() {
            group.sort_by(|a, b| by_number(a.key(), b.key()));
            group.dedup_by(|a, b| a.id == b.id);
        }
        ByProject { records: grouped, failed: HashMap::new() }
    }
}

/// Searches for records whose property holds one of the values, each within what HubSpot takes.
fn bodies<'a>(property: &str, values: Vec<String>, properties: &'a [&'a str]) -> Vec<Search<'a>> {
    /// Room for the filter that goes on after a record.
    const NEXT_PAGE: usize = 90;
    let search = |values| Search {
        filter_groups: [FilterGroup { filters: vec![Filter::one_of(property, values)] }],
        sorts: [query::sort(None)],
        properties,
        limit: SEARCH_LIMIT,
        after: None,
    };
    let room = SEARCH_BODY.saturating_sub(json_length(&search(Vec::new())).saturating_add(NEXT_PAGE));
    let mut chunks: Vec<Vec<String>> = Vec::new();
    let mut left = 0;
    for value in values {
        let size = json_length(&value).saturating_add(1);
        match chunks.last_mut() {
            Some(chunk) if size <= left => {
                left -= size;
                chunk.push(value);
            }
            _ => {
                left = room.saturating_sub(size);
                chunks.push(vec![value]);
            }
        }
    }
    chunks.into_iter().map(search).collect()
}

/// How long a value is as JSON, in bytes: never less than in characters.
fn json_length(value: &impl serde::Serialize) -> usize {
    serde_json::to_vec(value).map_or(usize::MAX, |json| json.len())
}
