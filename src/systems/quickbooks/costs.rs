//! What projects cost: lines of bills and purchases less those of credits, what is ordered and not received, and what was
//! posted to the journal or written down as hours.
//!
//! Projects stand on lines, which no statement can filter: each kind is read whole, once for all projects that are asked for.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::{try_join, try_join_all};

use super::client::Entity;
use super::config::{Carrier, Labour};
use super::cost_map::{CostType, Effect, Placed};
use super::customers::Place;
use super::map::{Company, flat};
use super::{System, grouped, wire};
use crate::domain::{Cost, CostKind, ProjectId};
use crate::systems::{BatchResult, Call, CostSource, ErrorKind, SystemError};

/// Kinds of documents that cost. A bill that is made from an order leaves less of it open.
const TYPES: [CostType; 4] = [
    CostType {
        entity: Entity { name: "Bill", operation: "bill.query" },
        kind: CostKind::Vendor,
        effect: Effect::Spends,
    },
    CostType {
        entity: Entity { name: "VendorCredit", operation: "vendor_credit.query" },
        kind: CostKind::Vendor,
        effect: Effect::TakesBack,
    },
    CostType {
        entity: Entity { name: "Purchase", operation: "purchase.query" },
        kind: CostKind::Expense,
        effect: Effect::Spends,
    },
    CostType {
        entity: Entity { name: "PurchaseOrder", operation: "purchase_order.query" },
        kind: CostKind::Vendor,
        effect: Effect::Commits,
    },
];

const JOURNAL: Entity = Entity { name: "JournalEntry", operation: "journal_entry.query" };
const ACCOUNTS: Entity = Entity { name: "Account", operation: "account.query" };
const TIME: Entity = Entity { name: "TimeActivity", operation: "time_activity.query" };

/// The costs of projects.
pub(super) struct Costs {
    pub(super) system: Arc<System>,
    pub(super) carrier: Carrier,
    pub(super) labour: Labour,
}

impl Costs {
    async fn of_documents(
        &self,
        call: &Call,
        company: Company<'_>,
    ) -> Result<Vec<(&'static Entity, Placed)>, SystemError> {
        let reads = TYPES.iter().map(|kind| async move {
            let documents: Vec<wire::Document> = self.system.client.all(call, &kind.entity, "").await?;
            let costs = documents
                .iter()
                .flat_map(|document| self.system.mapper.document_costs(kind, document, &self.carrier, company));
            Ok::<_, SystemError>(costs.map(|cost| (&kind.entity, cost)).collect::<Vec<_>>())
        });
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    async fn of_journal(
        &self,
        call: &Call,
        company: Company<'_>,
    ) -> Result<Vec<(&'static Entity, Placed)>, SystemError> {
        let client = &self.system.client;
        let (entries, accounts) = try_join(
            client.all::<wire::Document>(call, &JOURNAL, ""),
            client.all::<wire::Account>(call, &ACCOUNTS, "Active in (true, false)"),
        )
        .await?;
        let accounts: HashMap<&str, &wire::Account> =
            accounts.iter().map(|account| (account.id.as_str(), account)).collect();
        let mut costs = Vec::new();
        for entry in &entries {
            for line in flat(&entry.line).filter(|line| line.amount.is_some()) {
                let row = line.journal_entry_line_detail.as_ref();
                let account = row.and_then(|row| row.account_ref.as_ref()).and_then(|account| account.value.as_deref());
                // Whether it is a cost depends on it.
                let Some(account) = account.and_then(|id| accounts.get(id)) else {
                    let detail = "a row of a journal entry is on an account that is not in the chart";
                    return Err(client.failed(JOURNAL.operation, ErrorKind::BadResponse, detail));
                };
                let mapper = &self.system.mapper;
                let cost = mapper.journal_cost(&JOURNAL, (entry, line), account, self.labour, company);
                costs.extend(cost.map(|cost| (&JOURNAL, cost)));
            }
        }
        Ok(costs)
    }

    async fn of_hours(&self, call: &Call, company: Company<'_>) -> Result<Vec<(&'static Entity, Placed)>, SystemError> {
        if self.labour == Labour::Journal {
            return Ok(Vec::new());
        }
        let hours: Vec<wire::TimeActivity> = self.system.client.all(call, &TIME, "").await?;
        let costs = hours.iter().filter_map(|time| self.system.mapper.time_cost(&TIME, time, company));
        Ok(costs.map(|cost| (&TIME, cost)).collect())
    }
}

#[async_trait]
impl CostSource for Costs {
    fn batch_limit(&self) -> usize {
        500
    }

    async fn costs_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Cost>> {
        if ids.is_empty() {
            return Ok(std::iter::empty().collect());
        }
        let about = self.system.about(call, ids).await?;
        let company = about.company();
        let booked = try_join(self.of_documents(call, company), self.of_journal(call, company));
        let ((documents, journal), hours) = try_join(booked, self.of_hours(call, company)).await?;
        let (mut costs, mut lost) = (Vec::new(), Vec::new());
        for (entity, (place, cost)) in documents.into_iter().chain(journal).chain(hours) {
            match place {
                Place::Project(id) => costs.push((id, cost)),
                Place::Lost(customer) => lost.push((entity, customer)),
                Place::Nobody => {}
            }
        }
        let mut costs = grouped(costs);
        for costs in costs.values_mut() {
            costs.sort_by(|a, b| (a.date, &a.id).cmp(&(b.date, &b.id)));
        }
        let lost = self.system.lost(lost.into_iter(), ids, &about.customers);
        Ok(super::answer(ids, &about.customers, costs, lost))
    }
}
