//! Tickets, incidents and change requests.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, Result};
use rust_decimal::Decimal;

use super::context::{options, spine};
use super::errors::system_error;
use super::owner::{OwnerDomain, owner as owned_by};
use super::person::Person;
use super::project::Project;
use super::scalars::{DateTime, ProjectId};
use super::source::Source;
use crate::domain::{self, GlobalId, IdNode, TicketId};
use crate::reads::{Fresh, Owner, Tickets};

/// A ticket: a work unit of a team.
#[derive(Debug, Clone)]
pub struct Ticket {
    record: Arc<domain::Ticket>,
    owner: Owner,
    source: Source,
}

/// How a ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum TicketStatus {
    /// Nobody works on it yet.
    New,
    /// Somebody does.
    InProgress,
    /// It waits for somebody else.
    Waiting,
    /// Done.
    Closed,
    /// A state nobody has mapped: see `statusLabel`.
    Unknown,
}

/// How urgent a ticket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum Priority {
    /// Low.
    Low,
    /// Normal.
    Normal,
    /// High.
    High,
    /// Everything else waits.
    Critical,
    /// A word nobody has mapped.
    Unknown,
}

/// What a ticket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum TicketCategory {
    /// Something broke.
    Incident,
    /// The client wants something else.
    ChangeRequest,
    /// Help.
    Support,
    /// Planned work.
    Task,
    /// A word nobody has mapped.
    Unknown,
}

impl Ticket {
    pub(super) fn new<V>(owner: &Owner, read: &Fresh<V>, record: Arc<domain::Ticket>) -> Self {
        let source = Source::found(owner, read, record.id.as_str(), record.url.as_ref());
        Self { record, owner: owner.clone(), source }
    }

    /// Reads a ticket by its record ID.
    pub(super) async fn read(ctx: &Context<'_>, tickets: &Tickets, id: &TicketId) -> Result<Option<Self>> {
        let read = tickets.tickets.get(options(ctx)?, id).await.map_err(|error| system_error(&error))?;
        Ok(read.value.clone().map(|record| Self::new(&tickets.owner, &read, record)))
    }

    /// Reads a ticket by its global ID; null if its connection keeps no tickets.
    pub(super) async fn by_id(ctx: &Context<'_>, id: &GlobalId) -> Result<Option<Self>> {
        match spine(ctx)?.reads.tickets_of(&id.connection) {
            Some(tickets) => Self::read(ctx, tickets, &TicketId::new(id.record.as_str())).await,
            None => Ok(None),
        }
    }
}

/// A ticket: a work unit of a team.
#[Object]
impl Ticket {
    /// Unique over all systems. Owner: tickets.
    #[graphql(directive = owned_by::apply(OwnerDomain::Tickets))]
    pub(super) async fn id(&self) -> ID {
        GlobalId { node: IdNode::Ticket, connection: self.owner.connection.clone(), record: self.record.id.to_string() }
            .to_string()
            .into()
    }

    /// Subject. Owner: tickets.
    #[graphql(directive = owned_by::apply(OwnerDomain::Tickets))]
    async fn subject(&self) -> Option<&str> {
        self.record.subject.as_deref()
    }

    /// How it stands. Owner: tickets.
    #[graphql(directive = owned_by::apply(OwnerDomain::Tickets))]
    async fn status(&self) -> TicketStatus {
        match self.record.status {
            domain::TicketStatus::New => TicketStatus::New,
            domain::TicketStatus::InProgress => TicketStatus::InProgress,
            domain::TicketStatus::Waiting => TicketStatus::Waiting,
            domain::TicketStatus::Closed => TicketStatus::Closed,
            domain::TicketStatus::Unknown(_) => TicketStatus::Unknown,
        }
    }

    /// The owner's own word for that, e.g. `Waiting on us`. Owner: tickets.
    #[graphql(directive = owned_by::apply(OwnerDomain::Tickets))]
    async fn status_label(&self) -> Option<&str> {
        match &self.record.status {
            domain::TicketStatus::Unknown(raw) => Some(self.record.status_label.as_deref().unwrap_or(raw)),
            _ => self.record.status_label.as_deref(),
        }
    }

    /// Pipeline or tracker, by its label. Owner: tickets.
    #[graphql(directive = owned_by::apply(OwnerDomain::Tickets))]
    async fn pipeline(&self) -> Option<&str> {
        self.record.pipeline.as_deref()
    }

    /// How urgent it is; null if the owner does not say. Owner: tickets.
    #[graphql(directive = owned_by::apply(OwnerDomain::Tickets))]
    async fn priority(&self) -> Option<Priority> {
        self.record.priority.as_ref().map(|priority| match priority {
            domain::Priority::Low => Priority::Low,
            domain::Priority::Normal => Priority::Normal,
            domain::Priority::High => Priority::High,
            domain::Priority::Critical => Priority::Critical,
            domain::Priority::Unknown(_) => Priority::Unknown,
        })
    }

    /// What it is. Owner: tickets.
    #[graphql(directive = owned_by::apply(OwnerDomain::Tickets))]
    async fn category(&self) -> TicketCategory {
        match self.record.category {
            domain::TicketCategory::Incident => TicketCategory::Incident,
            domain::TicketCategory::ChangeRequest => TicketCategory::ChangeRequest,
            domain::TicketCategory::Support => TicketCategory::Support,
            domain::TicketCategory::Task => TicketCategory::Task,
            domain::TicketCategory::Unknown(_) => TicketCategory::Unknown,
        }
    }

    /// The owner's own word, where `category` is UNKNOWN. Owner: tickets.
    #[graphql(directive = owned_by::apply(OwnerDomain::Tickets))]
    async fn category_label(&self) -> Option<&str> {
        match &self.record.category {
            domain::TicketCategory::Unknown(raw) => Some(raw),
            _ => None,
        }
    }

    /// The team that has it; null if the owner does not say. Owner: tickets.
    #[graphql(directive = owned_by::apply(OwnerDomain::Tickets))]
    async fn team(&self) -> Option<&str> {
        self.record.team.as_deref()
    }

    /// Who has it; null if nobody does. Owner: tickets.
    #[graphql(directive = owned_by::apply(OwnerDomain::Tickets))]
    async fn owner(&self) -> Option<Person> {
        self.record.owner.clone().map(Person)
    }

    /// When it was opened. Owner: tickets.
    #[graphql(directive = owned_by::apply(OwnerDomain::Tickets))]
    async fn opened_at(&self) -> Option<DateTime> {
        self.record.opened_at.map(DateTime)
    }

    /// When it was closed; null while it is open. Owner: tickets.
    #[graphql(directive = owned_by::apply(OwnerDomain::Tickets))]
    async fn closed_at(&self) -> Option<DateTime> {
        self.record.closed_at.map(DateTime)
    }

    /// Hours booked on it; null if the owner does not say. Owner: tickets.
    #[graphql(directive = owned_by::apply(OwnerDomain::Tickets))]
    async fn hours(&self) -> Option<Decimal> {
        self.record.hours
    }

    /// The shared ID of its project; null if it belongs to none that is known. Owner: tickets.
    #[graphql(directive = owned_by::apply(OwnerDomain::Tickets))]
    async fn project_id(&self) -> Option<ProjectId> {
        self.record.project_id.as_ref().map(ProjectId::from)
    }

    /// Its project. Owner: tickets.
    #[graphql(directive = owned_by::apply(OwnerDomain::Tickets))]
    async fn project(&self) -> Option<Project> {
        self.record.project_id.clone().map(Project::new)
    }

    /// Where and when this was read. Owner: tickets.
    #[graphql(directive = owned_by::apply(OwnerDomain::Tickets))]
    async fn source(&self) -> Source {
        self.source.clone()
    }
}
