//! Questions for lists, in canonical words: a connector turns them into its vendor's filters.

use jiff::civil::Date;

use super::{ClientId, DealStatus, Direction, InvoiceKind, ProjectId, ProjectStatus};

/// One page of a list, as the owner cuts it.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page starts, in the connector's own words; none on the last page.
    pub next: Option<String>,
    /// How many rows the owner says there are in all.
    pub total: Option<u64>,
}

/// Which deals, and in which order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct DealQuery {
    /// In these states.
    pub status: Option<DealStatus>,
    /// In this pipeline, by its label.
    pub pipeline: Option<String>,
    /// In this stage, by its label.
    pub stage: Option<String>,
    /// In this vertical.
    pub vertical: Option<String>,
    /// Of this type.
    pub deal_type: Option<String>,
    /// Of this client.
    pub client: Option<ClientId>,
    /// With a close date not before this day.
    pub closed_from: Option<Date>,
    /// With a close date not after this day.
    pub closed_to: Option<Date>,
    /// With a shared ID, or without one.
    pub linked: Option<bool>,
    /// With this text in the name.
    pub text: Option<String>,
    /// In which order; by record ID if none, which alone is stable while records change.
    pub order: Option<DealOrder>,
}

/// An order of deals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DealOrder {
    /// By what.
    pub field: DealOrderField,
    /// Greatest first.
    pub descending: bool,
}

/// What deals can be ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DealOrderField {
    /// Close date.
    CloseDate,
    /// Amount, as the owner compares it.
    Amount,
    /// Name.
    Name,
    /// When the record was made.
    CreatedAt,
}

/// Which projects. By record ID.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct ProjectQuery {
    /// In this state.
    pub status: Option<ProjectStatus>,
    /// With this text in the name.
    pub text: Option<String>,
}

/// Which invoices. By record ID.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct InvoiceQuery {
    /// Of these projects.
    pub project_ids: Option<Vec<ProjectId>>,
    /// To clients or from vendors; decided before the connector is asked, which owns one of them.
    pub direction: Option<Direction>,
    /// Of this kind.
    pub kind: Option<InvoiceKind>,
    /// Only those with something open.
    pub open: Option<bool>,
    /// Due before this day.
    pub due_before: Option<Date>,
    /// Issued on this day or later.
    pub issued_from: Option<Date>,
    /// Issued on this day or earlier.
    pub issued_to: Option<Date>,
}
