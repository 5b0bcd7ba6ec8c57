//! Deals that know in which country their client is, for rules of access that ask for it. The country is the client's record's to
//! say; so each read of deals is followed by one of their clients.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::try_join_all;

use super::{Batch, BatchResult, Call, ClientSource, DealSource, SystemError};
use crate::domain::{ClientId, Deal, DealId, DealQuery, Page, ProjectId};

/// Deals of a source, each with the country that its client's record states.
pub struct LocatedDeals {
    deals: Arc<dyn DealSource>,
    clients: Arc<dyn ClientSource>,
}

/// What clients say of their country; an error of those that could not be read.
type Countries = HashMap<ClientId, Result<Option<String>, SystemError>>;

impl LocatedDeals {
    /// The deals of an owner, and its clients.
    pub fn new(deals: Arc<dyn DealSource>, clients: Arc<dyn ClientSource>) -> Self {
        Self { deals, clients }
    }

    async fn countries(&self, call: &Call, deals: impl Iterator<Item = &Deal>) -> Result<Countries, SystemError> {
        let ids: BTreeSet<ClientId> = deals.filter_map(|deal| deal.client.clone()).collect();
        let ids: Vec<ClientId> = ids.into_iter().collect();
        let batches =
            try_join_all(ids.chunks(self.clients.batch_limit().max(1)).map(|ids| self.clients.clients(call, ids)));
        let mut countries = Countries::new();
        for Batch { found, failed } in batches.await? {
            countries.extend(found.into_iter().map(|(id, client)| (id, Ok(client.country))));
            countries.extend(failed.into_iter().map(|(id, error)| (id, Err(error))));
        }
        Ok(countries)
    }
}

/// Notes on a deal where its client is. A client that there is not says nothing; one that could not be read is an error, because
/// whoever may see the deal would be told that there is none.
fn locate(deal: &mut Deal, countries: &Countries) -> Result<(), SystemError> {
    deal.client_country = match deal.client.as_ref().and_then(|client| countries.get(client)) {
        Some(Ok(country)) => country.clone(),
        Some(Err(error)) => return Err(error.clone()),
        None => None,
    };
    Ok(())
}

#[async_trait]
impl DealSource for LocatedDeals {
    fn batch_limit(&self) -> usize {
        self.deals.batch_limit()
    }

    fn shared_id_field(&self) -> Option<&str> {
        self.deals.shared_id_field()
    }

    fn reads_clients(&self) -> bool {
        true
    }

    async fn deals(&self, call: &Call, ids: &[DealId]) -> BatchResult<DealId, Deal> {
        let Batch { found, failed } = self.deals.deals(call, ids).await?;
        let countries = self.countries(call, found.values()).await?;
        let mut batch = Batch { failed, ..Batch::default() };
        for (id, mut deal) in found {
            match locate(&mut deal, &countries) {
                Ok(()) => drop(batch.found.insert(id, deal)),
                Err(error) => drop(batch.failed.insert(id, error)),
            }
        }
        Ok(batch)
    }

    async fn deals_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Deal>> {
        let Batch { found, failed } = self.deals.deals_by_project(call, ids).await?;
        let countries = self.countries(call, found.values().flatten()).await?;
        let mut batch = Batch { failed, ..Batch::default() };
        for (id, mut deals) in found {
            match deals.iter_mut().try_for_each(|deal| locate(deal, &countries)) {
                Ok(()) => drop(batch.found.insert(id, deals)),
                Err(error) => drop(batch.failed.insert(id, error)),
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
        let mut page = self.deals.deal_page(call, query, after, limit).await?;
        let countries = self.countries(call, page.items.iter()).await?;
        page.items.iter_mut().try_for_each(|deal| locate(deal, &countries))?;
        Ok(page)
    }
}

impl fmt::Debug for LocatedDeals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocatedDeals").finish_non_exhaustive()
    }
}
