//! What projects cost: lines in the ledger on accounts of cost, and what is ordered and not yet billed.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::{try_join, try_join_all};
use rust_decimal::Decimal;

use super::sql::MAX_VALUES;
use super::sums::Sums;
use super::wire::Row;
use super::{BATCH, System, grouped, in_lists};
use crate::domain::{Cost, CostKind, CostState, CostSum, ProjectId};
use crate::systems::{BatchResult, Call, CostSource, CostSumSource, ErrorKind, SystemError};

/// The costs of projects.
pub(super) struct Costs {
    pub(super) system: Arc<System>,
}

impl Costs {
    /// Lines of a query, by document and line.
    async fn lines(&self, call: &Call, operation: &'static str, query: &str) -> Result<Vec<Row>, SystemError> {
        self.system.client.rows(call, operation, query, &["document", "line"], None).await
    }

    /// What is ordered and not yet billed.
    async fn ordered(&self, call: &Call, ids: &[ProjectId]) -> Result<Vec<(ProjectId, Cost)>, SystemError> {
        let rows = self.lines(call, "orders.lines", &self.system.sql.ordered(ids)).await?;
        Ok(rows.iter().filter_map(|row| self.system.mapper.ordered(row)).collect())
    }
}

#[async_trait]
impl CostSource for Costs {
    fn batch_limit(&self) -> usize {
        BATCH
    }

    async fn costs_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Cost>> {
        let reads = in_lists(ids).map(|ids| async move {
            let query = self.system.sql.spent(ids);
            try_join(self.lines(call, "ledger.lines", &query), self.ordered(call, ids)).await
        });
        let mut costs = Vec::new();
        for (spent, ordered) in try_join_all(reads).await? {
            costs.extend(spent.iter().filter_map(|row| self.system.mapper.spent(row)));
            costs.extend(ordered);
        }
        let mut costs = grouped(costs);
        for costs in costs.values_mut() {
            costs.sort_by(|a, b| (a.date, &a.id).cmp(&(b.date, &b.id)));
        }
        Ok(self.system.answer(call, ids, costs).await)
    }
}

#[async_trait]
impl CostSumSource for Costs {
    fn batch_limit(&self) -> usize {
        MAX_VALUES
    }

    /// What was spent is added up by the system. What is ordered is few lines, of which the system keeps no open amount:
    /// they are read, and added up here.
    async fn cost_sums_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<CostSum>> {
        let key = ["project", "doctype", "account", "currency", "basecurrency"];
        let reads = in_lists(ids).map(|ids| async move {
            let query = self.system.sql.spent_sums(ids);
            try_join(self.system.client.rows(call, "ledger.sums", &query, &key, None), self.ordered(call, ids)).await
        });
        let mut sums: Sums<(CostKind, CostState)> = Sums::default();
        for (spent, ordered) in try_join_all(reads).await? {
            for row in &spent {
                if row.text("firstbook") != row.text("lastbook") {
                    let detail = "the ledger has several accounting books: set `accounting_book`";
                    return Err(self.system.client.error("ledger.sums", ErrorKind::BadResponse, detail));
                }
                let Some(id) = self.system.mapper.project(row) else { continue };
                let counts = ["records", "foreignrows", "records"];
                let amount = self.system.mapper.sum(row, "amount", counts, Decimal::ONE);
                sums.add(&id, (self.system.mapper.cost_kind(row), CostState::Actual), amount, row.number("records"));
            }
            for (id, cost) in &ordered {
                sums.add(id, (cost.kind.clone(), cost.state), cost.amount, Some(1));
            }
        }
        let sums = sums.grouped().into_iter().map(|(id, sums)| {
            let sums = sums.into_iter().map(|((kind, state), sum)| CostSum { kind, state, sum });
            (id, sums.collect())
        });
        Ok(self.system.answer(call, ids, sums.collect()).await)
    }
}
