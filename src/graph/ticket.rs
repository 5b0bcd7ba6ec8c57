//! Tickets, incidents and change requests.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, Object, Result};
use rust_decimal::Decimal;

use super::context::{options, require, spine};
use super::direct::{Direct, Json, Scene, Selected, Written, fields, object, person, resolved};
use super::errors::system_error;
use super::owner::{OwnerDomain, owner as owned_by};
use super::person::Person;
use super::project::Project;
use super::records::sees_one_of;
use super::scalars::{DateTime, ProjectId};
use super::source::{Origin, Source};
use crate::domain::{self, Class, GlobalId, IdNode, TicketId};
use crate::reads::{Fresh, Owner, Tickets};

/// A ticket: a work unit of a team.
#[derive(Debug, Clone)]
pub struct Ticket {
    record: Arc<domain::Ticket>,
    origin: Origin,
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

impl From<&domain::TicketStatus> for TicketStatus {
    fn from(status: &domain::TicketStatus) -> Self {
        match status {
            domain::TicketStatus::New => Self::New,
            domain::TicketStatus::InProgress => Self::InProgress,
            domain::TicketStatus::Waiting => Self::Waiting,
            domain::TicketStatus::Closed => Self::Closed,
            domain::TicketStatus::Unknown(_) => Self::Unknown,
        }
    }
}

impl From<&domain::Priority> for Priority {
    fn from(priority: &domain::Priority) -> Self {
        match priority {
            domain::Priority::Low => Self::Low,
            domain::Priority::Normal => Self::Normal,
            domain::Priority::High => Self::High,
            domain::Priority::Critical => Self::Critical,
            domain::Priority::Unknown(_) => Self::Unknown,
        }
    }
}

impl From<&domain::TicketCategory> for TicketCategory {
    fn from(category: &domain::TicketCategory) -> Self {
        match category {
            domain::TicketCategory::Incident => Self::Incident,
            domain::TicketCategory::ChangeRequest => Self::ChangeRequest,
            domain::TicketCategory::Support => Self::Support,
            domain::TicketCategory::Task => Self::Task,
            domain::TicketCategory::Unknown(_) => Self::Unknown,
        }
    }
}

impl Ticket {
    pub(super) fn new<V>(owner: &Owner, read: &Fresh<V>, record: Arc<domain::Ticket>) -> Self {
        Self { record, origin: Origin::of(owner, read) }
    }

    /// Reads a ticket by its record ID.
    pub(super) async fn read(ctx: &Context<'_>, tickets: &Tickets, id: &TicketId) -> Result<Option<Self>> {
        let reads = &spine(ctx)?.reads;
        let read = tickets.tickets.get(options(ctx)?, id).await.map_err(|error| system_error(&error))?;
        let own = |record: &Arc<domain::Ticket>| {
            record.project_id.as_ref().is_none_or(|id| reads.owns_tickets(&tickets.owner.connection, id))
        };
        let Some(record) = read.value.clone().filter(own) else { return Ok(None) };
        let seen = sees_one_of(ctx, record.project_id.as_slice()).await?;
        Ok(seen.then(|| Self::new(&tickets.owner, &read, record)))
    }

    /// Reads a ticket by its global ID; null if its connection keeps no tickets.
    pub(super) async fn by_id(ctx: &Context<'_>, id: &GlobalId) -> Result<Option<Self>> {
        require(ctx, Class::Tickets, "Ticket")?;
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
        self.origin.global_id(IdNode::Ticket, self.record.id.as_str())
    }

    /// Subject. Owner: tickets.
    #[graphql(directive = owned_by::apply(OwnerDomain::Tickets))]
    async fn subject(&self) -> Option<&str> {
        self.record.subject.as_deref()
    }

    /// How it stands. Owner: tickets.
    #[graphql(directive = owned_by::apply(OwnerDomain::Tickets))]
    async fn status(&self) -> TicketStatus {
        TicketStatus::from(&self.record.status)
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
        self.record.priority.as_ref().map(Priority::from)
    }

    /// What it is. Owner: tickets.
    #[graphql(directive = owned_by::apply(OwnerDomain::Tickets))]
    async fn category(&self) -> TicketCategory {
        TicketCategory::from(&self.record.category)
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
        self.origin.source(self.record.id.as_str(), self.record.url.as_ref())
    }
}

fields!(TicketField {
    Id = "id",
    Subject = "subject",
    Status = "status",
    Priority = "priority",
    Category = "category",
    Team = "team",
    Owner = "owner",
    Source = "source",
});

impl Direct for Ticket {
    fn write(&self, fields: &[Selected], scene: &Scene<'_>, json: &mut Json) -> Written {
        let record = &*self.record;
        object::<Self>(fields, json, |field, json| {
            match TicketField::of(field) {
                Some(TicketField::Id) => self.origin.write_id(IdNode::Ticket, record.id.as_str(), json),
                Some(TicketField::Subject) => json.text(record.subject.as_deref()),
                Some(TicketField::Status) => json.word(TicketStatus::from(&record.status)),
                Some(TicketField::Priority) => match &record.priority {
                    Some(priority) => json.word(Priority::from(priority)),
                    None => json.null(),
                },
                Some(TicketField::Category) => json.word(TicketCategory::from(&record.category)),
                Some(TicketField::Team) => json.text(record.team.as_deref()),
                Some(TicketField::Owner) => person(record.owner.as_ref(), field, json)?,
                Some(TicketField::Source) => {
                    self.origin.source(record.id.as_str(), record.url.as_ref()).write(&field.below, scene, json)?;
                }
                _ => resolved(self, field, scene, json)?,
            }
            Ok(())
        })
    }
}
