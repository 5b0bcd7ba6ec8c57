//! Work units per team.

use std::sync::Arc;

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::{Person, ProjectId, TicketId};

/// A ticket.
#[derive(Debug, Clone)]
pub struct Ticket {
    /// The owner's record ID.
    pub id: TicketId,
    /// Subject.
    pub subject: Option<String>,
    /// How it stands.
    pub status: TicketStatus,
    /// The owner's own word for that, e.g. `Waiting on us`.
    pub status_label: Option<String>,
    /// Pipeline or tracker, by its label.
    pub pipeline: Option<String>,
    /// How urgent it is.
    pub priority: Option<Priority>,
    /// What it is.
    pub category: TicketCategory,
    /// The team that has it.
    pub team: Option<String>,
    /// Who has it.
    pub owner: Option<Arc<Person>>,
    /// When it was opened.
    pub opened_at: Option<Timestamp>,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
    /// Hours booked on it, if the owner says.
    pub hours: Option<Decimal>,
    /// Hours estimated for it, if the owner says. On a ticket that has parts of its own none: its parts say it.
    pub hours_estimated: Option<Decimal>,
    /// 0 to 100, if the owner says. On a ticket that has parts of its own none: its parts say it.
    pub progress: Option<Decimal>,
    /// The project it belongs to.
    pub project_id: Option<ProjectId>,
    /// Where a person opens it.
    pub url: Option<Arc<str>>,
}

/// How a ticket stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TicketStatus {
    /// Nobody works on it yet.
    New,
    /// Somebody does.
    InProgress,
    /// It waits for somebody else.
    Waiting,
    /// Done.
    Closed,
    /// A state nobody has mapped, as the owner writes it.
    Unknown(String),
}

/// How urgent a ticket is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Priority {
    /// Low.
    Low,
    /// Normal.
    Normal,
    /// High.
    High,
    /// Critical: everything else waits.
    Critical,
    /// A word nobody has mapped, as the owner writes it.
    Unknown(String),
}

/// What a ticket is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum TicketCategory {
    /// Something broke.
    Incident,
    /// The client wants something else.
    ChangeRequest,
    /// Help.
    Support,
    /// Planned work.
    Task,
    /// A word nobody has mapped, as the owner writes it.
    Unknown(String),
}
