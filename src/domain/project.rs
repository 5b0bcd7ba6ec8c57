//! The delivery relationship: projects, milestones, people and hours.

use std::sync::Arc;

use compact_str::CompactString;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{Flaw, Person, ProjectId};

/// A project, as the delivery owner holds it.
#[derive(Debug, Clone)]
pub struct Project {
    /// The shared ID.
    pub id: ProjectId,
    /// The owner's record ID.
    pub record_id: CompactString,
    /// Name.
    pub name: Option<CompactString>,
    /// Whether it runs.
    pub status: ProjectStatus,
    /// Health, as the delivery team set it; none if nobody did.
    pub health: Option<Health>,
    /// Why it is so.
    pub health_reason: Option<String>,
    /// Project manager.
    pub manager: Option<Arc<Person>>,
    /// Start.
    pub start_date: Option<Date>,
    /// Due.
    pub due_date: Option<Date>,
    /// 0 to 100, as the owner states it; none if it does not.
    pub percent_complete: Option<Decimal>,
    /// Hours budgeted.
    pub hours_budgeted: Option<Decimal>,
    /// Where a person opens it.
    pub url: Option<Arc<str>>,
    /// Fields the owner states in a form nobody can read.
    pub flaws: Vec<Flaw>,
}

/// Whether a project runs.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ProjectStatus {
    /// Not begun.
    Planned,
    /// Running.
    Active,
    /// Paused.
    OnHold,
    /// Finished.
    Completed,
    /// Given up.
    Cancelled,
    /// A state nobody has mapped, as the owner writes it.
    Unknown(String),
}

/// Health of a project.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Health {
    /// On course.
    Green,
    /// Needs attention.
    Amber,
    /// In trouble.
    Red,
    /// A word nobody has mapped, as the owner writes it.
    Unknown(String),
}

/// A milestone of a project.
#[derive(Debug, Clone)]
pub struct Milestone {
    /// The owner's record ID.
    pub id: Arc<str>,
    /// Name.
    pub name: Option<String>,
    /// Whether it is reached.
    pub status: MilestoneStatus,
    /// Due.
    pub due_date: Option<Date>,
    /// Where a person opens it.
    pub url: Option<Arc<str>>,
}

/// Whether a milestone is reached.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum MilestoneStatus {
    /// Not yet.
    Open,
    /// Frozen: nothing more is planned into it.
    Locked,
    /// Reached.
    Closed,
    /// A state nobody has mapped, as the owner writes it.
    Unknown(String),
}

/// Hours booked on a project.
#[derive(Debug, Clone, Default)]
pub struct Effort {
    /// All hours, exact.
    pub hours_spent: Decimal,
    /// The same hours, by person; sorted by name.
    pub resources: Vec<ResourceAllocation>,
}

/// One person's part in a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceAllocation {
    /// Who.
    pub person: Arc<Person>,
    /// In which role, if the owner says.
    pub role: Option<String>,
    /// Hours allocated, if the owner says.
    pub hours_allocated: Option<Decimal>,
    /// Hours booked.
    pub hours_spent: Decimal,
}
