//! What projects cost: bills of vendors less their credit notes, what is ordered or received and not yet billed, and
//! what was posted to the journal by hand.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::{try_join_all, try_join3};

use super::client::Query;
use super::config::Carrier;
use super::filter::{MAX_VALUES, all, any, quoted, runs};
use super::map::{CostType, Effect};
use super::{System, wire};
use crate::domain::{Cost, Currency, ProjectId};
use crate::systems::{BatchResult, Call, CostSource, SystemError, grouped};

/// Kinds of documents that cost. What is received and not yet billed is no longer open on the order, so both count.
const TYPES: [CostType; 4] = [
    CostType {
        set: "PurchaseInvoices",
        list: "purchase_invoices.list",
        join: "purchase_invoices.join",
        code: 18,
        effect: Effect::Spends,
    },
    CostType {
        set: "PurchaseCreditNotes",
        list: "purchase_credit_notes.list",
        join: "purchase_credit_notes.join",
        code: 19,
        effect: Effect::TakesBack,
    },
    CostType {
        set: "PurchaseDeliveryNotes",
        list: "purchase_delivery_notes.list",
        join: "purchase_delivery_notes.join",
        code: 20,
        effect: Effect::Commits,
    },
    CostType {
        set: "PurchaseOrders",
        list: "purchase_orders.list",
        join: "purchase_orders.join",
        code: 22,
        effect: Effect::Commits,
    },
];

const HEAD: &str = "DocEntry,DocNum,DocDate,CardCode,CardName,DocCurrency,DiscountPercent,DocumentStatus,Cancelled,\
                    CancelStatus,Project";
const LINE: &str = "LineNum,ItemDescription,ProjectCode,LineTotal,RowTotalFC,OpenAmount,OpenAmountFC,LineStatus";

/// How many parameters the stored query of the journal has.
const JOURNAL_SLOTS: usize = 40;

/// The costs of projects.
pub(super) struct Costs {
    pub(super) system: Arc<System>,
    pub(super) carrier: Carrier,
    /// Code of the stored query; none if the journal is not read.
    pub(super) journal_query: Option<String>,
}

impl Costs {
    /// The lines of a kind of document that are for these projects, beside their documents.
    async fn lines(
        &self,
        call: &Call,
        kind: &CostType,
        ids: &[ProjectId],
    ) -> Result<Vec<(wire::Document, wire::DocumentLine)>, SystemError> {
        let literals: Vec<String> = ids.iter().map(|id| quoted(id.as_str())).collect();
        let client = &self.system.client;
        // Cancelled documents are left out: with invoices both of the pair, with orders the one that is marked.
        let reads = runs(&literals, "Project", MAX_VALUES, Clone::clone).into_iter().map(|run| async move {
            match self.carrier {
                Carrier::Header => {
                    let mut conditions = vec![any("Project", run), "CancelStatus eq 'csNo'".to_owned()];
                    if kind.effect == Effect::Commits {
                        conditions.push("DocumentStatus eq 'bost_Open'".to_owned());
                    }
                    let select = format!("{HEAD},DocumentLines");
                    let filter = all(&conditions);
                    let query = Query { set: kind.set, select: &select, filter: &filter, order: "DocEntry", top: None };
                    let documents: Vec<wire::Document> = client.list(call, kind.list, query).await?;
                    Ok(documents
                        .into_iter()
                        .flat_map(|mut document| {
                            let lines = std::mem::take(&mut document.document_lines);
                            lines.into_iter().map(move |line| (document.clone(), line))
                        })
                        .collect::<Vec<_>>())
                }
                Carrier::Lines => {
                    let (head, line) = (kind.set, format!("{}/DocumentLines", kind.set));
                    let mut conditions = vec![
                        format!(
                            "({} or {})",
                            any(&format!("{line}/ProjectCode"), run),
                            any(&format!("{head}/Project"), run)
                        ),
                        format!("{head}/CancelStatus eq 'csNo'"),
                    ];
                    if kind.effect == Effect::Commits {
                        conditions.push(format!("{line}/LineStatus eq 'bost_Open'"));
                    }
                    let rows = client.join(call, kind.join, head, (HEAD, LINE), &all(&conditions)).await?;
                    Ok(rows.into_iter().map(|row| (row.head, row.line)).collect())
                }
            }
        });
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    /// Rows that were posted to the journal by hand.
    async fn journal(&self, call: &Call, ids: &[ProjectId]) -> Result<Vec<wire::JournalRow>, SystemError> {
        let Some(code) = &self.journal_query else { return Ok(Vec::new()) };
        let literals: Vec<String> = ids.iter().map(|id| quoted(id.as_str())).collect();
        let reads = runs(&literals, "p00", JOURNAL_SLOTS, Clone::clone).into_iter().map(|run| {
            // All slots want a value: the last project fills those that are left.
            let filling = run.last().into_iter().flat_map(std::iter::repeat);
            let slots = run.iter().chain(filling).take(JOURNAL_SLOTS).cloned();
            self.system.client.stored(call, "journal.stored_query", code, slots)
        });
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    fn costs(
        &self,
        kind: &CostType,
        lines: &[(wire::Document, wire::DocumentLine)],
        local: Currency,
    ) -> Vec<(ProjectId, Cost)> {
        let cost =
            |(document, line): &(_, _)| self.system.mapper.line_cost(kind, (document, line), self.carrier, local);
        lines.iter().filter_map(cost).collect()
    }
}

#[async_trait]
impl CostSource for Costs {
    fn batch_limit(&self) -> usize {
        MAX_VALUES
    }

    async fn costs_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Cost>> {
        let documents = try_join_all(TYPES.iter().map(|kind| self.lines(call, kind, ids)));
        let (local, documents, journal) =
            try_join3(self.system.local_currency(call), documents, self.journal(call, ids)).await?;
        let from_documents = TYPES.iter().zip(&documents).flat_map(|(kind, lines)| self.costs(kind, lines, local));
        let from_journal = journal.iter().filter_map(|row| self.system.mapper.journal_cost(row, local));
        // A line asked for by its document's project may be for a project that was not asked for, or asked for twice.
        let mut costs = grouped(from_documents.chain(from_journal));
        for costs in costs.values_mut() {
            costs.sort_by(|a, b| (a.date, &a.id).cmp(&(b.date, &b.id)));
            costs.dedup_by(|a, b| a.id == b.id);
        }
        Ok(self.system.answer(call, ids, costs).await)
    }
}
