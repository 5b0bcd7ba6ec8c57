//! What projects cost: lines of bills and purchases less those of credits, what is ordered and not received, and what was
//! posted to the journal or written down as hours.
//!
//! Projects stand on lines, which no statement can filter: each kind is read whole, once for all projects that are asked for.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::{try_join, try_join_all, try_join4};

use super::chart::{self, Chart};
use super::client::{Entity, MAX_IDS};
use super::config::{Carrier, Labour};
use super::cost_map::{self, CostType, Effect, Placed};
use super::customers::{Customers, Place};
use super::map::{self, Company, flat};
use super::{System, wire};
use crate::domain::{Cost, CostKind, ProjectId};
use crate::systems::{BatchResult, Call, CostSource, ErrorKind, SystemError, grouped};

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
const ITEMS: Entity = Entity { name: "Item", operation: "item.query" };
const TIME: Entity = Entity { name: "TimeActivity", operation: "time_activity.query" };

/// The costs of projects.
pub(super) struct Costs {
    pub(super) system: Arc<System>,
    pub(super) carrier: Carrier,
    pub(super) labour: Labour,
}

/// Everything that may be a cost, as it was read.
struct Books {
    documents: Vec<(&'static CostType, Vec<wire::Document>)>,
    entries: Vec<wire::Document>,
    hours: Vec<wire::TimeActivity>,
}

impl Costs {
    async fn books(&self, call: &Call) -> Result<(Books, Vec<wire::Account>), SystemError> {
        let client = &self.system.client;
        let documents = TYPES.iter().map(|kind| async move {
            let documents: Vec<wire::Document> = client.all(call, &kind.entity, "").await?;
            Ok::<_, SystemError>((kind, documents))
        });
        let hours = async {
            match self.labour {
                Labour::Journal => Ok(Vec::new()),
                Labour::TimeActivities => client.all(call, &TIME, "").await,
            }
        };
        let (documents, entries, accounts, hours) = try_join4(
            try_join_all(documents),
            client.all(call, &JOURNAL, ""),
            client.all(call, &ACCOUNTS, "Active in (true, false)"),
            hours,
        )
        .await?;
        Ok((Books { documents, entries, hours }, accounts))
    }

    /// Whether anything names a customer that is not in the list.
    fn names_a_stranger(&self, books: &Books, customers: &Customers) -> bool {
        let mut documents = books.documents.iter().flat_map(|(_, documents)| documents);
        let mut rows = books.entries.iter().flat_map(|entry| flat(&entry.line));
        documents.any(|document| map::names_a_stranger(document, &self.carrier, customers))
            || rows.any(|row| customers.lacks(cost_map::journal_customer(row)))
            || books.hours.iter().any(|time| customers.lacks(time.customer_ref.as_ref()))
    }

    /// The chart, with the items of which lines for projects do not name an account themselves.
    async fn chart(
        &self,
        call: &Call,
        books: &Books,
        accounts: Vec<wire::Account>,
        company: Company<'_>,
    ) -> Result<Chart, SystemError> {
        let of_projects = |document: &&wire::Document, line: &&wire::Line| {
            self.system.mapper.line_place(document, line, &self.carrier, company.customers) != Place::Nobody
        };
        let documents = books.documents.iter().flat_map(|(_, documents)| documents);
        let lines =
            documents.flat_map(|document| flat(&document.line).filter(move |line| of_projects(&document, line)));
        let items: Vec<&str> = chart::items_of(lines).into_iter().collect();
        let client = &self.system.client;
        let reads = items.chunks(MAX_IDS).map(|ids| client.names_by_id::<wire::Item>(call, &ITEMS, ids));
        Ok(Chart::new(accounts, try_join_all(reads).await?.into_iter().flatten().collect()))
    }

    /// What all of it costs, and whom.
    fn placed(&self, books: &Books, chart: &Chart, company: Company<'_>) -> Vec<(&'static Entity, Placed)> {
        let mapper = &self.system.mapper;
        let documents = books.documents.iter().flat_map(|(kind, documents)| {
            let costs =
                documents.iter().flat_map(|one| mapper.document_costs(kind, one, &self.carrier, (chart, company)));
            costs.map(|cost| (&kind.entity, cost))
        });
        let rows = books.entries.iter().flat_map(|entry| flat(&entry.line).map(move |line| (entry, line)));
        let rows = rows.filter(|(_, line)| line.amount.is_some());
        let journal = rows.filter_map(|row| mapper.journal_cost(&JOURNAL, row, self.labour, (chart, company)));
        let hours = books.hours.iter().filter_map(|time| mapper.time_cost(&TIME, time, company));
        let journal = journal.map(|cost| (&JOURNAL, cost));
        documents.chain(journal).chain(hours.map(|cost| (&TIME, cost))).collect()
    }

    /// Whether a project is known by what carries the IDs: names of customers, of which rows of the journal and hours tell in
    /// any case, or a field of documents.
    fn knows(&self, books: &Books, customers: &Customers, id: &ProjectId) -> bool {
        let mut documents = books.documents.iter().flat_map(|(_, documents)| documents);
        let in_field = |document: &wire::Document| {
            self.system.mapper.document_place(document, &self.carrier, customers) == Place::Project(id.clone())
        };
        customers.knows(id) || (self.carrier != Carrier::Customer && documents.any(in_field))
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
        let (about, (books, accounts)) = try_join(self.system.about(call, ids), Box::pin(self.books(call))).await?;
        let about = self.system.settled(call, about, |customers| self.names_a_stranger(&books, customers)).await?;
        let chart = self.chart(call, &books, accounts, about.company()).await?;
        let (mut costs, mut lost, mut unknown) = (Vec::new(), Vec::new(), HashMap::new());
        for (entity, (place, cost)) in self.placed(&books, &chart, about.company()) {
            match (place, cost) {
                (Place::Project(id), Some(cost)) => costs.push((id, cost)),
                (Place::Project(id), None) => {
                    let detail =
                        "a line is on an account that is not in the chart: nobody can say whether it is a cost";
                    let error = || self.system.client.failed(entity.operation, ErrorKind::BadResponse, detail);
                    unknown.entry(id).or_insert_with(error);
                }
                (Place::Lost(customer), _) => lost.push((entity, customer)),
                (Place::Nobody, _) => {}
            }
        }
        let mut costs = grouped(costs);
        for costs in costs.values_mut() {
            costs.sort_by(|a, b| (a.date, &a.id).cmp(&(b.date, &b.id)));
        }
        let mut failed = self.system.lost(lost.into_iter(), ids, &about.customers);
        failed.extend(unknown.into_iter().filter(|(id, _)| ids.contains(id)));
        Ok(super::answer(ids, |id| self.knows(&books, &about.customers, id), costs, failed).await)
    }
}
