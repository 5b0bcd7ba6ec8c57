//! What projects cost: lines in the ledger on accounts of cost, and what is ordered and not yet billed.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::{try_join_all, try_join3};
use rust_decimal::Decimal;

use super::sql::{MAX_VALUES, Sql};
use super::sums::Sums;
use super::wire::Row;
use super::{BATCH, System, in_lists};
use crate::domain::{Cost, CostKind, CostState, CostSum, ProjectId};
use crate::systems::{BatchResult, Call, CostSource, CostSumSource, ErrorKind, SystemError, grouped};

/// The costs of projects.
pub(super) struct Costs {
    pub(super) system: Arc<System>,
    /// Whether time entries are costs.
    pub(super) time: bool,
}

impl Costs {
    /// Lines of a query, by document and line.
    async fn lines(&self, call: &Call, operation: &'static str, query: &str) -> Result<Vec<Row>, SystemError> {
        let rows = self.system.client.rows(call, operation, query, &["document", "line"], None).await?;
        if rows.iter().any(|row| row.number("document").is_none() || row.text("line").is_none()) {
            return Err(self.system.client.error(operation, ErrorKind::BadResponse, "a line without its numbers"));
        }
        Ok(rows)
    }

    /// The projects with lines on accounts that the role does not see: whether those are costs, nobody can say.
    fn unseen<'r>(
        &self,
        operation: &'static str,
        rows: impl IntoIterator<Item = &'r Row>,
    ) -> HashMap<ProjectId, SystemError> {
        let detail = "a line in the ledger is on an account that this role does not see: it may be a cost";
        let error = || self.system.client.error(operation, ErrorKind::Forbidden, detail);
        let unseen = rows.into_iter().filter(|row| row.text("accounttype").is_none());
        unseen.filter_map(|row| Some((self.system.mapper.project(row)?, error()))).collect()
    }

    /// What is ordered and not yet billed.
    async fn ordered(&self, call: &Call, ids: &[ProjectId]) -> Result<Vec<(ProjectId, Cost)>, SystemError> {
        let rows = self.lines(call, "orders.lines", &self.system.sql.ordered(ids)).await?;
        // Lines without a quantity do not say what was billed of them. Whether anything was, is told by links.
        let unsaid: BTreeSet<u64> =
            rows.iter().filter(|row| row.text("quantity").is_none()).filter_map(|row| row.number("document")).collect();
        let unsaid: Vec<u64> = unsaid.into_iter().collect();
        let mut touched = HashSet::new();
        for orders in in_lists(&unsaid) {
            for row in self.lines(call, "orders.billed", &Sql::billed(orders)).await? {
                touched.insert((row.number("document"), row.number("line")));
            }
        }
        let untouched = |row: &Row| !touched.contains(&(row.number("document"), row.number("line")));
        Ok(rows.iter().filter_map(|row| self.system.mapper.ordered(row, untouched(row))).collect())
    }

    /// Rows on hours worked, if those are costs.
    async fn time(
        &self,
        call: &Call,
        operation: &'static str,
        query: String,
        key: &[&str],
    ) -> Result<Vec<Row>, SystemError> {
        if self.time { self.system.client.rows(call, operation, &query, key, None).await } else { Ok(Vec::new()) }
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
            let time = self.time(call, "time.entries", self.system.sql.time(ids), &["document"]);
            try_join3(
                Box::pin(self.lines(call, "ledger.lines", &query)),
                Box::pin(self.ordered(call, ids)),
                Box::pin(time),
            )
            .await
        });
        let (mut costs, mut failed) = (Vec::new(), HashMap::new());
        for (spent, ordered, time) in try_join_all(reads).await? {
            failed.extend(self.unseen("ledger.lines", &spent));
            costs.extend(spent.iter().filter_map(|row| self.system.mapper.spent(row)));
            costs.extend(ordered);
            costs.extend(time.iter().filter_map(|row| self.system.mapper.time(row)));
        }
        let mut costs = grouped(costs);
        for costs in costs.values_mut() {
            costs.sort_by(|a, b| (a.date, &a.id).cmp(&(b.date, &b.id)));
        }
        Ok(self.system.answer(call, ids, costs, failed).await)
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
        let key = ["project", "doctype", "account", "accounttype", "currency", "basecurrency"];
        let reads = in_lists(ids).map(|ids| async move {
            let query = self.system.sql.spent_sums(ids);
            let spent = self.system.client.rows(call, "ledger.sums", &query, &key, None);
            let time = self.time(call, "time.sums", self.system.sql.time_sums(ids), &["project", "basecurrency"]);
            try_join3(Box::pin(spent), Box::pin(self.ordered(call, ids)), Box::pin(time)).await
        });
        let mut sums: Sums<(CostKind, CostState)> = Sums::default();
        let mut failed = HashMap::new();
        for (spent, ordered, time) in try_join_all(reads).await? {
            failed.extend(self.unseen("ledger.sums", &spent));
            for row in &time {
                let Some(id) = self.system.mapper.project(row) else { continue };
                let amount = self.system.mapper.time_sum(row);
                sums.add(&id, (CostKind::Labour, CostState::Actual), amount, self.system.records("time.sums", row)?);
            }
            for row in &spent {
                if row.text("firstbook") != row.text("lastbook") {
                    let detail = "the ledger has several accounting books: set `accounting_book`";
                    return Err(self.system.client.error("ledger.sums", ErrorKind::BadResponse, detail));
                }
                let Some(id) = self.system.mapper.project(row) else { continue };
                let counts = ["records", "foreignrows", "records"];
                let amount = self.system.mapper.sum(row, "amount", counts, Decimal::ONE);
                sums.add(
                    &id,
                    (self.system.mapper.cost_kind(row), CostState::Actual),
                    amount,
                    self.system.records("ledger.sums", row)?,
                );
            }
            for (id, cost) in &ordered {
                sums.add(id, (cost.kind.clone(), cost.state), cost.amount, 1);
            }
        }
        let sums = sums.grouped().into_iter().map(|(id, sums)| {
            let sums = sums.into_iter().map(|((kind, state), sum)| CostSum { kind, state, sum });
            (id, sums.collect())
        });
        Ok(self.system.answer(call, ids, sums.collect(), failed).await)
    }
}
