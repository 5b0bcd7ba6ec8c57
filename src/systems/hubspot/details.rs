//! What hangs on a deal.

use std::collections::HashMap;

use async_trait::async_trait;

use super::HubSpot;
use super::client::{
    ASSOCIATIONS_LIMIT, CALLS, CONTACTS, EMAILS, LINE_ITEMS, Links, MEETINGS, NOTES, Object, QUOTES, Rows, TICKETS,
};
use super::map::{self, CONTACT_PROPERTIES, LINE_ITEM_PROPERTIES, QUOTE_PROPERTIES};
use super::reference::Owners;
use super::wire::Record;
use crate::domain::{Communication, CommunicationKind, Contact, DealId, LineItem, Proposal, Ticket};
use crate::systems::{Batch, BatchResult, Call, DealDetailSource, SystemError};

/// The records that hang on each of some deals, by record ID. All deals that HubSpot answered for are in it, those without
/// any too.
#[derive(Debug)]
struct Hanging {
    links: Links,
    records: HashMap<String, Record>,
    failed: HashMap<String, SystemError>,
}

impl Hanging {
    /// What hangs on a deal, or why that is not known.
    fn on(&self, deal: &DealId) -> Result<Vec<&Record>, SystemError> {
        if let Some(error) = self.links.failed.get(deal.as_str()) {
            return Err(error.clone());
        }
        let linked = self.links.to.get(deal.as_str()).map_or(&[][..], Vec::as_slice);
        if let Some(error) = linked.iter().find_map(|other| self.failed.get(&other.id)) {
            return Err(error.clone());
        }
        // One that is linked and not there was deleted a moment ago.
        Ok(linked.iter().filter_map(|other| self.records.get(&other.id)).collect())
    }

    fn batch<V>(&self, deals: &[DealId], value: impl Fn(Vec<&Record>) -> V) -> Batch<DealId, V> {
        let mut batch = Batch::default();
        for deal in deals {
            match self.on(deal) {
                Ok(records) => drop(batch.found.insert(deal.clone(), value(records))),
                Err(error) => drop(batch.failed.insert(deal.clone(), error)),
            }
        }
        batch
    }
}

#[async_trait]
impl DealDetailSource for HubSpot {
    fn batch_limit(&self) -> usize {
        ASSOCIATIONS_LIMIT
    }

    async fn contacts(&self, call: &Call, ids: &[DealId]) -> BatchResult<DealId, Vec<Contact>> {
        let hanging = self.hanging(call, &CONTACTS, &CONTACT_PROPERTIES, ids).await?;
        Ok(hanging.batch(ids, |records| records.into_iter().map(map::contact).collect()))
    }

    async fn line_items(&self, call: &Call, ids: &[DealId]) -> BatchResult<DealId, Vec<LineItem>> {
        let hanging = self.hanging(call, &LINE_ITEMS, &LINE_ITEM_PROPERTIES, ids).await?;
        Ok(hanging.batch(ids, |records| records.into_iter().map(|record| self.mapper.line_item(record)).collect()))
    }

    async fn proposals(&self, call: &Call, ids: &[DealId]) -> BatchResult<DealId, Proposal> {
        let hanging = self.hanging(call, &QUOTES, &QUOTE_PROPERTIES, ids).await?;
        let Batch { found, failed } = hanging.batch(ids, |records| self.mapper.proposal(&records));
        let found = found.into_iter().filter_map(|(deal, proposal)| Some((deal, proposal?))).collect();
        Ok(Batch { found, failed })
    }

    async fn communications(&self, call: &Call, ids: &[DealId]) -> BatchResult<DealId, Vec<Communication>> {
        let (notes, calls, emails, meetings) = tokio::try_join!(
            self.activities(call, &NOTES, CommunicationKind::Note, ids),
            self.activities(call, &CALLS, CommunicationKind::Call, ids),
            self.activities(call, &EMAILS, CommunicationKind::Email, ids),
            self.activities(call, &MEETINGS, CommunicationKind::Meeting, ids),
        )?;
        let kinds = [notes, calls, emails, meetings];
        let mut batch = Batch::default();
        for deal in ids {
            let all: Result<Vec<Communication>, SystemError> = kinds
                .iter()
                .map(|(kind, hanging, owners)| {
                    let records = hanging.on(deal)?;
                    Ok(records.into_iter().map(|record| map::communication(record, *kind, owners)).collect::<Vec<_>>())
                })
                .collect::<Result<Vec<_>, _>>()
                .map(|parts| parts.into_iter().flatten().collect());
            match all {
                Ok(mut all) => {
                    all.sort_by(|a, b| b.at.cmp(&a.at).then_with(|| b.id.cmp(&a.id)));
                    batch.found.insert(deal.clone(), all);
                }
                Err(error) => drop(batch.failed.insert(deal.clone(), error)),
            }
        }
        Ok(batch)
    }

    async fn pre_sales_tickets(&self, call: &Call, ids: &[DealId]) -> BatchResult<DealId, Vec<Ticket>> {
        let properties = self.mapper.ticket_properties();
        let hanging = self.hanging(call, &TICKETS, &properties, ids).await?;
        let context = self.ticket_context(call, hanging.records.values()).await?;
        Ok(hanging.batch(ids, |records| {
            records
                .into_iter()
                .map(|record| self.mapper.ticket(record, &context.pipelines, &context.owners, None))
                .collect()
        }))
    }
}

impl HubSpot {
    /// One call for the links, one per hundred for the records.
    async fn hanging(
        &self,
        call: &Call,
        object: &Object,
        properties: &[&str],
        deals: &[DealId],
    ) -> Result<Hanging, SystemError> {
        let deals: Vec<&str> = deals.iter().map(DealId::as_str).collect();
        let links = self.client.links_of_deals(call, object, &deals).await?;
        let Rows { records, failed } = self.client.read(call, object, properties, &links.others()).await?;
        let records = records.into_iter().map(|record| (record.id.0.clone(), record)).collect();
        Ok(Hanging { links, records, failed })
    }

    async fn activities(
        &self,
        call: &Call,
        object: &Object,
        kind: CommunicationKind,
        deals: &[DealId],
    ) -> Result<(CommunicationKind, Hanging, std::sync::Arc<Owners>), SystemError> {
        let (titles, bodies) = map::communication_properties(kind);
        let mut properties = vec!["hs_timestamp", "hubspot_owner_id"];
        properties.extend(titles.iter().chain(bodies));
        let hanging = self.hanging(call, object, &properties, deals).await?;
        let known = |owners: &Owners| {
            let mut authors = hanging.records.values().filter_map(|record| record.text("hubspot_owner_id"));
            authors.all(|id| owners.owner(id).is_some())
        };
        let owners = self.reference.owners(&self.client, call, known).await?;
        Ok((kind, hanging, owners))
    }
}
