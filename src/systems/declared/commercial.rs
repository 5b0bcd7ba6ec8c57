//! The ports of a commercial owner: deals, clients, and what hangs on a deal.

use std::sync::Arc;

use async_trait::async_trait;

use super::client::Api;
use super::collect::by_id;
use super::fields::{Clients, Communications, Contacts, Deals, LineItems, PreSalesTickets, Proposals};
use super::lists::{Params, deal_fits, order};
use super::path::Field;
use super::read::By;
use super::row::Row;
use super::value::Text;
use super::ways::Lookup;
use crate::domain::{
    Client, ClientId, Communication, Contact, Deal, DealId, DealQuery, LineItem, Page, ProjectId, Proposal, Ticket,
};
use crate::systems::{BatchResult, Call, ClientSource, DealDetailSource, DealSource, ErrorKind, SystemError};

/// Deals.
#[derive(Debug)]
pub(in crate::systems) struct DealPort {
    pub(in crate::systems) api: Arc<Api>,
    pub(in crate::systems) table: Deals,
}

#[async_trait]
impl DealSource for DealPort {
    fn batch_limit(&self) -> usize {
        batch_limit([self.table.by_id.as_ref(), self.table.by_project.as_ref()])
    }

    async fn deals(&self, call: &Call, ids: &[DealId]) -> BatchResult<DealId, Deal> {
        const OPERATION: &str = "deals.by_id";
        let (api, table) = (&self.api, &self.table);
        let ways = (table.by_id.as_ref(), table.list.as_ref());
        let read = |row: &Row<'_>, _: &DealId| table.read(row, api.setting(), None);
        let gathered = api.records(call, OPERATION, ways, text(Some(&table.fields.id)), ids, &read).await?;
        Ok(api.single(OPERATION, ids, gathered))
    }

    async fn deals_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Deal>> {
        const OPERATION: &str = "deals.by_project";
        let (api, table) = (&self.api, &self.table);
        let ways = (table.by_project.as_ref(), table.list.as_ref());
        let read = |row: &Row<'_>, asked: &ProjectId| table.read(row, api.setting(), Some(asked));
        let mapped = text(table.fields.project_id.as_ref());
        let gathered = api.records(call, OPERATION, ways, mapped, ids, &read).await?;
        let sort = |a: &Deal, b: &Deal| by_id(a.id.as_str(), b.id.as_str());
        Ok(api.many(OPERATION, ids, gathered, |deal| Some(deal.id.as_str()), sort))
    }

    async fn deal_page(
        &self,
        call: &Call,
        query: &DealQuery,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Deal>, SystemError> {
        const OPERATION: &str = "deals.list";
        let Some(list) = &self.table.list else { return Err(self.api.not_configured(OPERATION)) };
        let mut params = Params::new(list);
        let here = params.deals(query, &self.table.fields);
        if let Some(wanted) = query.order {
            let (name, value) = order(list, wanted).ok_or_else(|| {
                self.api.error(OPERATION, ErrorKind::BadRequest, "an order that `deals.list.order` does not declare")
            })?;
            params.push(name, value);
        }
        let setting = self.api.setting();
        let keep = |row: &Row<'_>| Ok(self.table.read(row, setting, None)?.filter(|deal| deal_fits(&here, deal)));
        let complete = self.table.skip.is_none() && here == DealQuery::default();
        self.api.list(call, OPERATION, list, &params.finish(), complete, (after, limit), &keep).await
    }
}

/// Clients.
#[derive(Debug)]
pub(in crate::systems) struct ClientPort {
    pub(in crate::systems) api: Arc<Api>,
    pub(in crate::systems) table: Clients,
}

#[async_trait]
impl ClientSource for ClientPort {
    fn batch_limit(&self) -> usize {
        batch_limit([Some(&self.table.by_id)])
    }

    async fn clients(&self, call: &Call, ids: &[ClientId]) -> BatchResult<ClientId, Client> {
        const OPERATION: &str = "clients.by_id";
        let (api, table) = (&self.api, &self.table);
        let read = |row: &Row<'_>, _: &ClientId| table.read(row, api.setting());
        let mapped = text(Some(&table.fields.id));
        let gathered = api.records(call, OPERATION, (Some(&table.by_id), None), mapped, ids, &read).await?;
        Ok(api.single(OPERATION, ids, gathered))
    }
}

/// What hangs on a deal.
#[derive(Debug)]
pub(in crate::systems) struct DetailPort {
    pub(in crate::systems) api: Arc<Api>,
    pub(in crate::systems) contacts: Option<Contacts>,
    pub(in crate::systems) line_items: Option<LineItems>,
    pub(in crate::systems) proposals: Option<Proposals>,
    pub(in crate::systems) communications: Option<Communications>,
    pub(in crate::systems) pre_sales_tickets: Option<PreSalesTickets>,
}

impl DetailPort {
    /// Whether any of it is declared.
    pub(in crate::systems) fn has_any(&self) -> bool {
        self.contacts.is_some()
            || self.line_items.is_some()
            || self.proposals.is_some()
            || self.communications.is_some()
            || self.pre_sales_tickets.is_some()
    }
}

#[async_trait]
impl DealDetailSource for DetailPort {
    fn batch_limit(&self) -> usize {
        batch_limit([
            self.contacts.as_ref().map(|table| &table.by_deal),
            self.line_items.as_ref().map(|table| &table.by_deal),
            self.proposals.as_ref().map(|table| &table.by_deal),
            self.communications.as_ref().map(|table| &table.by_deal),
            self.pre_sales_tickets.as_ref().map(|table| &table.by_deal),
        ])
    }

    async fn contacts(&self, call: &Call, ids: &[DealId]) -> BatchResult<DealId, Vec<Contact>> {
        const OPERATION: &str = "contacts.by_deal";
        let Some(table) = &self.contacts else { return Err(self.api.not_configured(OPERATION)) };
        let read = |row: &Row<'_>, _: &DealId| table.read(row, self.api.setting());
        let mapped = text(table.fields.deal_id.as_ref());
        let gathered = self.api.records(call, OPERATION, (Some(&table.by_deal), None), mapped, ids, &read).await?;
        let sort = |a: &Contact, b: &Contact| by_id(a.id.as_str(), b.id.as_str());
        Ok(self.api.many(OPERATION, ids, gathered, |contact| Some(contact.id.as_str()), sort))
    }

    async fn line_items(&self, call: &Call, ids: &[DealId]) -> BatchResult<DealId, Vec<LineItem>> {
        const OPERATION: &str = "line_items.by_deal";
        let Some(table) = &self.line_items else { return Err(self.api.not_configured(OPERATION)) };
        let read = |row: &Row<'_>, _: &DealId| table.read(row, self.api.setting());
        let mapped = text(table.fields.deal_id.as_ref());
        let gathered = self.api.records(call, OPERATION, (Some(&table.by_deal), None), mapped, ids, &read).await?;
        Ok(self.api.many(OPERATION, ids, gathered, |item| Some(&*item.id), |a, b| by_id(&a.id, &b.id)))
    }

    async fn proposals(&self, call: &Call, ids: &[DealId]) -> BatchResult<DealId, Proposal> {
        const OPERATION: &str = "proposals.by_deal";
        let Some(table) = &self.proposals else { return Err(self.api.not_configured(OPERATION)) };
        let read = |row: &Row<'_>, _: &DealId| table.read(row, self.api.setting());
        let mapped = text(table.fields.deal_id.as_ref());
        let gathered = self.api.records(call, OPERATION, (Some(&table.by_deal), None), mapped, ids, &read).await?;
        let mut all =
            self.api.many(OPERATION, ids, gathered, |proposal| Some(&*proposal.id), |_, _| std::cmp::Ordering::Equal);
        let found = all.found.drain().filter_map(|(deal, proposals)| Some((deal, counting(proposals)?))).collect();
        Ok(crate::systems::Batch { found, failed: all.failed })
    }

    async fn communications(&self, call: &Call, ids: &[DealId]) -> BatchResult<DealId, Vec<Communication>> {
        const OPERATION: &str = "communications.by_deal";
        let Some(table) = &self.communications else {
            return Err(self.api.not_configured(OPERATION));
        };
        let read = |row: &Row<'_>, _: &DealId| table.read(row, self.api.setting());
        let mapped = text(table.fields.deal_id.as_ref());
        let gathered = self.api.records(call, OPERATION, (Some(&table.by_deal), None), mapped, ids, &read).await?;
        let latest_first = |a: &Communication, b: &Communication| b.at.cmp(&a.at).then_with(|| by_id(&a.id, &b.id));
        Ok(self.api.many(OPERATION, ids, gathered, |communication| Some(&*communication.id), latest_first))
    }

    async fn pre_sales_tickets(&self, call: &Call, ids: &[DealId]) -> BatchResult<DealId, Vec<Ticket>> {
        const OPERATION: &str = "pre_sales_tickets.by_deal";
        let Some(table) = &self.pre_sales_tickets else {
            return Err(self.api.not_configured(OPERATION));
        };
        let extra = (table.skip.as_ref(), table.url.as_ref());
        let read = |row: &Row<'_>, _: &DealId| table.fields.read(row, self.api.setting(), extra, None);
        let gathered = self.api.records(call, OPERATION, (Some(&table.by_deal), None), None, ids, &read).await?;
        let sort = |a: &Ticket, b: &Ticket| by_id(a.id.as_str(), b.id.as_str());
        Ok(self.api.many(OPERATION, ids, gathered, |ticket| Some(ticket.id.as_str()), sort))
    }
}

/// The proposal that counts: the signed one, else the one with the highest version, else the last.
pub(in crate::systems) fn counting(proposals: Vec<Proposal>) -> Option<Proposal> {
    let count = u32::try_from(proposals.len()).unwrap_or(u32::MAX);
    let mut chosen = proposals.into_iter().max_by_key(|proposal| (proposal.signed, proposal.version))?;
    if chosen.version == 0 {
        chosen.version = count;
    }
    Some(chosen)
}

/// The key of rows by a field that is mapped.
pub(in crate::systems) fn text(field: Option<&Field<Text>>) -> Option<By<'_>> {
    field.map(|Field(text)| By::Text(text))
}

/// How many keys a batch of the engine takes: as many as the widest call, or a few calls' worth where each key is one.
pub(in crate::systems) fn batch_limit<'l>(lookups: impl IntoIterator<Item = Option<&'l Lookup>>) -> usize {
    const SINGLE: usize = 50;
    lookups.into_iter().map(|lookup| lookup.map_or(SINGLE, |lookup| lookup.batch().max(SINGLE))).max().unwrap_or(SINGLE)
}
