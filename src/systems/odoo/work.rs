//! Projects, tasks and tickets in canonical words. Pure.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use compact_str::CompactString;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::config::{ProjectFields, TicketFields};
use super::map::Mapper;
use super::record::{Record, tidy};
use super::wire::Row;
use crate::domain::{
    Effort, Flaw, FlawKind, Health, Milestone, MilestoneStatus, Person, Priority, Project, ProjectId, ProjectStatus,
    ResourceAllocation, Ticket, TicketCategory, TicketId, TicketStatus,
};

/// What this database's words mean.
#[expect(clippy::struct_field_names, reason = "`health` is a field of Odoo, `health_words` are what stands in it")]
#[derive(Debug)]
pub(super) struct Words {
    pub(super) health: Option<String>,
    pub(super) health_reason: Option<String>,
    pub(super) tickets: TicketFields,
    health_words: BTreeMap<String, Health>,
    status_words: BTreeMap<String, TicketStatus>,
    priority_words: BTreeMap<String, Priority>,
    kind_words: BTreeMap<String, TicketCategory>,
}

impl Words {
    pub(super) fn new(projects: ProjectFields, tickets: TicketFields) -> Self {
        Self {
            health_words: folded(projects.words.iter().map(|(word, ours)| (word, ours.ours()))),
            health: projects.health,
            health_reason: projects.health_reason,
            status_words: folded(tickets.status.iter().map(|(word, ours)| (word, ours.ours()))),
            priority_words: folded(tickets.priority.iter().map(|(word, ours)| (word, ours.ours()))),
            kind_words: folded(tickets.kinds.iter().map(|(word, ours)| (word, ours.ours()))),
            tickets,
        }
    }

    /// A project that carries `id`.
    pub(super) fn project(&self, mapper: &Mapper, id: ProjectId, record: &Record) -> Project {
        let mut flaws = Vec::new();
        let mut date = |field: &str, name: &'static str| {
            let text = record.text(field)?;
            let date: Option<Date> = text.parse().ok();
            if date.is_none() {
                flaws.push(Flaw { field: name, kind: FlawKind::BadDate });
            }
            date
        };
        let (start_date, due_date) = (date("date_start", "start_date"), date("date", "due_date"));
        let update = record.text("last_update_status");
        let health = match &self.health {
            Some(field) => record.text(field),
            None => update.clone().filter(|word| !matches!(word.as_str(), "to_define" | "on_hold" | "done")),
        };
        Project {
            id,
            record_id: record.id().to_string().into(),
            name: record.text("name").map(Into::into),
            status: match update.as_deref() {
                Some("done") => ProjectStatus::Completed,
                _ if !record.flag("active") => ProjectStatus::Completed,
                Some("on_hold") => ProjectStatus::OnHold,
                _ => ProjectStatus::Active,
            },
            health: health.map(|word| self.health_words.get(&fold(&word)).cloned().unwrap_or(Health::Unknown(word))),
            health_reason: self.health_reason.as_deref().and_then(|field| record.text(field)),
            manager: person(record, "user_id"),
            start_date,
            due_date,
            percent_complete: None,
            hours_budgeted: record.stated("allocated_hours"),
            url: Some(mapper.url("project.project", record.id())),
            flaws,
        }
    }

    /// A task or a ticket of the help desk.
    pub(super) fn ticket(
        &self,
        mapper: &Mapper,
        model: &str,
        record: &Record,
        project_id: Option<ProjectId>,
        people: &HashMap<u64, CompactString>,
    ) -> Ticket {
        let stage = record.link("stage_id").and_then(|stage| stage.name().map(str::to_owned));
        let progress = record.text("state");
        let closed_at = record.moment("date_end").or_else(|| record.moment("close_date"));
        let closed = match progress.as_deref() {
            // From 17 on a task says so itself, whatever its stage.
            Some(word) => matches!(word, "1_done" | "1_canceled"),
            None => record.flag("is_closed") || record.moment("close_date").is_some(),
        };
        let team = record.link("team_id").and_then(|team| team.name().map(str::to_owned));
        let kind = match &self.tickets.kind {
            Some(field) => record.text(field),
            None => record.link("ticket_type_id").and_then(|kind| kind.name().map(str::to_owned)),
        };
        let category = match &kind {
            Some(word) => {
                let known = self.kind_words.get(&fold(word)).cloned();
                known.unwrap_or_else(|| TicketCategory::Unknown(word.clone()))
            }
            None if model == "project.task" => TicketCategory::Task,
            None => TicketCategory::Support,
        };
        let owner = record.links("user_ids").iter().find_map(|id| people.get(id));
        let owner = owner.map(|name| Arc::new(Person { name: name.clone(), email: None }));
        let hours = |field: &str| record.number(field).and_then(|hours| hours.decimal().ok()).map(tidy);
        Ticket {
            id: TicketId::new(record.id().to_string()),
            subject: record.text("name"),
            status: self.status(
                closed,
                stage.as_deref(),
                progress.as_deref().or(record.text("kanban_state").as_deref()),
            ),
            status_label: stage,
            pipeline: kind.or_else(|| team.clone()),
            priority: record.text("priority").map(|word| {
                let known = self.priority_words.get(&fold(&word)).cloned();
                known.unwrap_or(Priority::Unknown(word))
            }),
            category,
            team,
            owner: owner.or_else(|| person(record, "user_id")),
            opened_at: record.moment("create_date"),
            closed_at: closed_at.filter(|_| closed),
            hours: hours("effective_hours").or_else(|| hours("total_hours_spent")),
            hours_estimated: record.stated("allocated_hours").or_else(|| record.stated("planned_hours")),
            progress: self.tickets.progress.as_deref().and_then(hours),
            project_id,
            url: Some(mapper.url(model, record.id())),
        }
    }

    /// A stage is a word of the company's own. Without one the state says how things are.
    fn status(&self, closed: bool, stage: Option<&str>, progress: Option<&str>) -> TicketStatus {
        if closed {
            return TicketStatus::Closed;
        }
        match (stage, progress) {
            (Some(stage), _) => {
                let known = self.status_words.get(&fold(stage)).cloned();
                known.unwrap_or_else(|| TicketStatus::Unknown(stage.to_owned()))
            }
            (None, Some("01_in_progress" | "03_approved" | "normal" | "done")) => TicketStatus::InProgress,
            (None, Some("02_changes_requested" | "04_waiting_normal" | "blocked")) => TicketStatus::Waiting,
            (None, other) => TicketStatus::Unknown(other.unwrap_or_default().to_owned()),
        }
    }
}

/// A milestone, which is reached or not.
pub(super) fn milestone(mapper: &Mapper, record: &Record) -> Milestone {
    let reached = record.flag("is_reached");
    Milestone {
        id: record.id().to_string().into(),
        name: record.text("name"),
        status: if reached { MilestoneStatus::Closed } else { MilestoneStatus::Open },
        due_date: record.text("deadline").and_then(|day| day.parse().ok()),
        url: Some(mapper.url("project.milestone", record.id())),
    }
}

/// Hours by person, added up. None if a sum cannot be read.
pub(super) fn effort(person: &str, groups: &[Record]) -> Option<Effort> {
    let mut all = Decimal::ZERO;
    let mut resources = Vec::new();
    for group in groups {
        let hours = tidy(group.sum("unit_amount")?.decimal().ok()?);
        all = all.checked_add(hours)?;
        let who = group.link(person);
        // What was booked as a cost alone has no hours and nobody who worked them.
        if who.is_none() && hours.is_zero() {
            continue;
        }
        let number = who.as_ref().map_or(0, super::wire::Link::id);
        let name = who.as_ref().and_then(|who| who.name()).unwrap_or_default().into();
        let person = Arc::new(Person { name, email: None });
        resources.push((number, ResourceAllocation { person, role: None, hours_allocated: None, hours_spent: hours }));
    }
    resources.sort_by(|(a, left), (b, right)| (&left.person.name, a).cmp(&(&right.person.name, b)));
    Some(Effort { hours_spent: all, resources: resources.into_iter().map(|(_, resource)| resource).collect() })
}

fn person(record: &Record, field: &str) -> Option<Arc<Person>> {
    let name = record.link(field)?.name()?.into();
    Some(Arc::new(Person { name, email: None }))
}

fn fold(word: &str) -> String {
    word.trim().to_lowercase()
}

fn folded<'w, W>(table: impl Iterator<Item = (&'w String, W)>) -> BTreeMap<String, W> {
    table.map(|(word, meaning)| (fold(word), meaning)).collect()
}
