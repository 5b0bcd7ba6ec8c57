//! Kinds of record, as somebody may tell that one has changed.

use serde::{Deserialize, Serialize};

/// A kind of record, as a system may tell that it has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RecordKind {
    /// Deals, with what hangs on them; and tickets of the same system, which may belong to a project by their deal.
    Deal,
    /// What hangs on deals: contacts, line items, proposals, communications. Of all deals: these records do not say whose they
    /// are.
    DealDetail,
    /// Clients.
    Client,
    /// Projects, with their milestones and hours; and the tickets, invoices, bills and costs of the same system, which belong to
    /// them. All of them: systems number projects otherwise than by the shared ID.
    Project,
    /// Tickets, wherever they are kept.
    Ticket,
    /// Invoices to clients, and what was paid on them.
    Invoice,
    /// Bills of vendors, and the costs that they are.
    Bill,
    /// Costs of projects. All of them: they are kept by project.
    Cost,
    /// All kinds.
    Everything,
}
