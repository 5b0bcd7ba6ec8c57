//! What hangs on each connection: the deals of which something is not known while it cannot be read.

use std::collections::{BTreeMap, HashMap, HashSet};

use rust_decimal::Decimal;

use super::portfolio::Pages;
use super::{ReportError, Reports};
use crate::domain::{ConnectionName, Currency, Deal, DealQuery, DealStatus, Domain, Money};
use crate::reads::ReadOptions;

/// What hangs on a connection. Lost deals are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Impact {
    /// Deals, won or not decided yet, of which the connection owns facts: of the CRM all, of other owners those that lead to a
    /// project of theirs.
    pub deals: usize,
    /// Those of them that are open.
    pub open_deals: usize,
    /// What their clients pay, added up by currency.
    pub contract_value: Vec<Money>,
    /// Those of them that state no amount, so that they are not in `contract_value`.
    pub without_amount: usize,
}

#[derive(Default)]
struct Tally {
    impact: Impact,
    amounts: BTreeMap<Currency, Decimal>,
}

impl Tally {
    fn add(&mut self, deal: &Deal) -> Result<(), ReportError> {
        self.impact.deals += 1;
        self.impact.open_deals += usize::from(deal.status == Some(DealStatus::Open));
        let Some(amount) = deal.amount else {
            self.impact.without_amount += 1;
            return Ok(());
        };
        let sum = self.amounts.entry(amount.currency).or_default();
        let too_large = || ReportError::Truncated("the contract values are too large to be added up".to_owned());
        *sum = sum.checked_add(amount.amount).ok_or_else(too_large)?;
        Ok(())
    }
}

impl Reports {
    /// What hangs on each connection that owns something, over the deals that the viewer reads.
    pub async fn impacts(&self, options: &ReadOptions) -> Result<HashMap<ConnectionName, Impact>, ReportError> {
        let commercial = self.reads.commercial.as_ref().ok_or(ReportError::NotOwned(Domain::Commercial))?;
        let mut tallies: HashMap<ConnectionName, Tally> = HashMap::new();
        let (mut pages, mut counted) = (Pages::of(&commercial.deal_pages, &DealQuery::default()), HashSet::new());
        while let Some(read) = pages.next(options).await? {
            let deals = read.value.iter().flat_map(|page| &page.items);
            let deals = deals.filter(|deal| deal.status != Some(DealStatus::Lost) && options.viewer.sees(deal));
            // One comes again when others were added to the list meanwhile.
            for deal in deals.filter(|deal| counted.insert(deal.id.clone())) {
                for owner in self.owners_of(deal, &commercial.owner.connection) {
                    tallies.entry(owner.clone()).or_default().add(deal)?;
                }
            }
        }
        let impact = |tally: Tally| Impact {
            contract_value: tally.amounts.into_iter().map(|(currency, sum)| Money::new(sum, currency)).collect(),
            ..tally.impact
        };
        Ok(tallies.into_iter().map(|(connection, tally)| (connection, impact(tally))).collect())
    }

    /// The connections that own something of a deal, each once.
    fn owners_of<'a>(&'a self, deal: &Deal, crm: &'a ConnectionName) -> Vec<&'a ConnectionName> {
        let mut owners = vec![crm];
        if let Some(id) = deal.project_id() {
            let reads = &self.reads;
            owners.extend(reads.delivery.of(id).map(|delivery| &delivery.owner.connection));
            owners.extend(reads.tickets.of(id).map(|tickets| &tickets.owner.connection));
            owners.extend(reads.receivables.of(id).map(|invoices| &invoices.owner.connection));
            owners.extend(reads.costs.of(id).map(|costs| &costs.owner.connection));
            owners.sort_unstable();
            owners.dedup();
        }
        owners
    }
}
