//! Sums that Odoo computes, and those that are added up here because documents are cut by shares.

use std::sync::Arc;

use async_trait::async_trait;

use super::client::Grouping;
use super::documents::types;
use super::domain::Domain;
use super::record::Record;
use super::{MAX_KEYS, System};
use crate::domain::{Booked, CostSum, Currency, Direction, Money, ProjectId, Sum};
use crate::systems::{BatchResult, Call, ErrorKind, InvoiceSumSource, SystemError, grouped};

/// What was invoiced, added up by Odoo: where documents carry the shared ID themselves. Where lines name analytic
/// accounts it cannot be: an account has its shares in the company's currency alone.
pub(super) struct InvoiceSums {
    pub(super) system: Arc<System>,
}

const OPERATION: &str = "documents.sum";

impl InvoiceSums {
    async fn sums(&self, call: &Call, ids: &[ProjectId]) -> Result<Vec<(ProjectId, Sum)>, SystemError> {
        let field = self.system.shared_id.document.as_deref().filter(|_| !ids.is_empty());
        let Some(field) = field else { return Ok(Vec::new()) };
        let domain = Domain::carries(field, ids)
            .and(Domain::one_of("move_type", types(Direction::Receivable, None).iter().copied()))
            .and(Domain::of("state", "=", "posted"));
        // By company and not by its currency, which is no column of the table.
        let by = &[field, "move_type", "currency_id", "company_id"];
        let sums = &["amount_untaxed", "amount_untaxed_signed"];
        let grouping = Grouping { model: "account.move", domain, by, sums };
        let groups: Vec<Record> = self.system.client.sums(call, OPERATION, grouping).await?;
        let companies = self.system.currencies(call).await?;
        let unreadable = || self.system.client.error(OPERATION, ErrorKind::BadResponse, "a sum that is none");
        let sum = |group| self.system.mapper.invoiced(field, group, companies).ok_or_else(unreadable);
        let sums: Vec<(Option<ProjectId>, Sum)> = groups.iter().map(sum).collect::<Result<_, _>>()?;
        Ok(sums.into_iter().filter_map(|(project, sum)| Some((project?, sum))).collect())
    }
}

#[async_trait]
impl InvoiceSumSource for InvoiceSums {
    fn batch_limit(&self) -> usize {
        MAX_KEYS
    }

    async fn invoiced_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Sum>> {
        let sums = grouped(self.sums(call, ids).await?);
        let sums = sums.into_iter().map(|(id, parts)| (id, by_currency(parts)));
        Ok(self.system.answer(call, ids, sums.collect(), &[]).await)
    }
}

/// Puts sums in one currency together.
fn by_currency(parts: Vec<Sum>) -> Vec<Sum> {
    let currency = |sum: &Sum| -> Option<Currency> { Some(sum.amount.document?.currency) };
    let mut sums: Vec<Sum> = Vec::new();
    for part in parts {
        match sums.iter_mut().find(|sum| currency(sum) == currency(&part)) {
            Some(sum) => *sum = plus(*sum, part),
            None => sums.push(part),
        }
    }
    sums
}

/// Puts sums of one kind, state and currency together.
pub(super) fn of_costs(parts: Vec<CostSum>) -> Vec<CostSum> {
    let currency = |sum: &CostSum| -> Option<Currency> { Some(sum.sum.amount.document?.currency) };
    let mut sums: Vec<CostSum> = Vec::new();
    for part in parts {
        let like =
            |sum: &&mut CostSum| sum.kind == part.kind && sum.state == part.state && currency(sum) == currency(&part);
        match sums.iter_mut().find(like) {
            Some(sum) => sum.sum = plus(sum.sum, part.sum),
            None => sums.push(part),
        }
    }
    sums
}

/// Two sums; a side is none if it is in one of them.
fn plus(one: Sum, other: Sum) -> Sum {
    let side = |a: Option<Money>, b: Option<Money>| {
        let (a, b) = (a?, b?);
        let same = a.currency == b.currency;
        a.amount.checked_add(b.amount).filter(|_| same).map(|amount| Money::new(amount, a.currency))
    };
    Sum {
        amount: Booked {
            document: side(one.amount.document, other.amount.document),
            company: side(one.amount.company, other.amount.company),
        },
        records: one.records + other.records,
    }
}
