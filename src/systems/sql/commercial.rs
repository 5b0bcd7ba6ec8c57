//! The ports of a commercial owner: deals, clients, and what hangs on a deal.

use std::cmp::Ordering;
use std::sync::Arc;

use async_trait::async_trait;

use super::read::{Query, Source};
use crate::domain::{
    Client, ClientId, Communication, Contact, Deal, DealId, DealQuery, LineItem, Page, ProjectId, Proposal, Ticket,
};
use crate::systems::declared::collect::by_id;
use crate::systems::declared::commercial::counting;
use crate::systems::declared::fields::{
    Clients, Communications, Contacts, Deals, LineItems, PreSalesTickets, Proposals,
};
use crate::systems::declared::lists::deal_fits;
use crate::systems::declared::row::Row;
use crate::systems::{Batch, BatchResult, Call, ClientSource, DealDetailSource, DealSource, ErrorKind, SystemError};

/// Deals.
#[derive(Debug)]
pub(super) struct DealPort {
    pub(super) source: Arc<Source>,
    pub(super) by_id: Option<Query>,
    pub(super) by_project: Option<Query>,
    pub(super) list: Option<Query>,
}

#[async_trait]
impl DealSource for DealPort {
    fn batch_limit(&self) -> usize {
        self.source.batch
    }

    async fn deals(&self, call: &Call, ids: &[DealId]) -> BatchResult<DealId, Deal> {
        let query = self.source.required("deals.by_id", self.by_id.as_ref())?;
        let read = |table: &Deals, row: &Row<'_>, _: &_| table.read(row, self.source.setting(), None);
        let found = self.source.records(call, query, ids, read).await?;
        Ok(self.source.single(query, ids, found))
    }

    async fn deals_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Deal>> {
        let query = self.source.required("deals.by_project", self.by_project.as_ref())?;
        let read = |table: &Deals, row: &Row<'_>, asked: &_| table.read(row, self.source.setting(), Some(asked));
        let found = self.source.records(call, query, ids, read).await?;
        let sort = |a: &Deal, b: &Deal| by_id(a.id.as_str(), b.id.as_str());
        Ok(self.source.many(query, ids, found, |deal| Some(deal.id.as_str()), sort))
    }

    async fn deal_page(
        &self,
        call: &Call,
        query: &DealQuery,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Deal>, SystemError> {
        let list = self.source.required("deals.list", self.list.as_ref())?;
        if query.order.is_some() {
            let why = "a list is in the order of its query";
            return Err(self.source.error("deals.list", ErrorKind::BadRequest, why));
        }
        let sifts = *query != DealQuery::default();
        let keep = |table: &Deals, row: &Row<'_>| {
            Ok(table.read(row, self.source.setting(), None)?.filter(|deal| deal_fits(query, deal)))
        };
        self.source.page(call, list, (after, limit), sifts, keep).await
    }
}

/// Clients.
#[derive(Debug)]
pub(super) struct ClientPort {
    pub(super) source: Arc<Source>,
    pub(super) by_id: Query,
}

#[async_trait]
impl ClientSource for ClientPort {
    fn batch_limit(&self) -> usize {
        self.source.batch
    }

    async fn clients(&self, call: &Call, ids: &[ClientId]) -> BatchResult<ClientId, Client> {
        let read = |table: &Clients, row: &Row<'_>, _: &_| table.read(row, self.source.setting());
        let found = self.source.records(call, &self.by_id, ids, read).await?;
        Ok(self.source.single(&self.by_id, ids, found))
    }
}

/// What hangs on a deal.
#[derive(Debug)]
pub(super) struct DetailPort {
    pub(super) source: Arc<Source>,
    pub(super) contacts: Option<Query>,
    pub(super) line_items: Option<Query>,
    pub(super) proposals: Option<Query>,
    pub(super) communications: Option<Query>,
    pub(super) pre_sales_tickets: Option<Query>,
}

impl DetailPort {
    /// Whether there is a query for any of it.
    pub(super) fn has_any(&self) -> bool {
        let queries =
            [&self.contacts, &self.line_items, &self.proposals, &self.communications, &self.pre_sales_tickets];
        queries.iter().any(|query| query.is_some())
    }
}

#[async_trait]
impl DealDetailSource for DetailPort {
    fn batch_limit(&self) -> usize {
        self.source.batch
    }

    async fn contacts(&self, call: &Call, ids: &[DealId]) -> BatchResult<DealId, Vec<Contact>> {
        let query = self.source.required("contacts.by_deal", self.contacts.as_ref())?;
        let read = |table: &Contacts, row: &Row<'_>, _: &_| table.read(row, self.source.setting());
        let found = self.source.records(call, query, ids, read).await?;
        let sort = |a: &Contact, b: &Contact| by_id(a.id.as_str(), b.id.as_str());
        Ok(self.source.many(query, ids, found, |contact| Some(contact.id.as_str()), sort))
    }

    async fn line_items(&self, call: &Call, ids: &[DealId]) -> BatchResult<DealId, Vec<LineItem>> {
        let query = self.source.required("line_items.by_deal", self.line_items.as_ref())?;
        let read = |table: &LineItems, row: &Row<'_>, _: &_| table.read(row, self.source.setting());
        let found = self.source.records(call, query, ids, read).await?;
        Ok(self.source.many(query, ids, found, |item| Some(&*item.id), |a, b| by_id(&a.id, &b.id)))
    }

    async fn proposals(&self, call: &Call, ids: &[DealId]) -> BatchResult<DealId, Proposal> {
        let query = self.source.required("proposals.by_deal", self.proposals.as_ref())?;
        let read = |table: &Proposals, row: &Row<'_>, _: &_| table.read(row, self.source.setting());
        let found = self.source.records(call, query, ids, read).await?;
        let all = self.source.many(query, ids, found, |proposal| Some(&*proposal.id), |_, _| Ordering::Equal);
        let found = all.found.into_iter().filter_map(|(deal, proposals)| Some((deal, counting(proposals)?)));
        Ok(Batch { found: found.collect(), failed: all.failed })
    }

    async fn communications(&self, call: &Call, ids: &[DealId]) -> BatchResult<DealId, Vec<Communication>> {
        let query = self.source.required("communications.by_deal", self.communications.as_ref())?;
        let read = |table: &Communications, row: &Row<'_>, _: &_| table.read(row, self.source.setting());
        let found = self.source.records(call, query, ids, read).await?;
        let latest_first = |a: &Communication, b: &Communication| b.at.cmp(&a.at).then_with(|| by_id(&a.id, &b.id));
        Ok(self.source.many(query, ids, found, |communication| Some(&*communication.id), latest_first))
    }

    async fn pre_sales_tickets(&self, call: &Call, ids: &[DealId]) -> BatchResult<DealId, Vec<Ticket>> {
        let query = self.source.required("pre_sales_tickets.by_deal", self.pre_sales_tickets.as_ref())?;
        let read = |table: &PreSalesTickets, row: &Row<'_>, _: &_| {
            table.fields.read(row, self.source.setting(), (None, None), None)
        };
        let found = self.source.records(call, query, ids, read).await?;
        let sort = |a: &Ticket, b: &Ticket| by_id(a.id.as_str(), b.id.as_str());
        Ok(self.source.many(query, ids, found, |ticket| Some(ticket.id.as_str()), sort))
    }
}
