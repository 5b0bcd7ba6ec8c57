//! The set `Tickets`: those of every project.

use jiff::Timestamp;

use super::deals::own;
use super::pages::page;
use super::{Chunk, Place, Row, global_id, moment, number, text};
use crate::domain::{IdNode, Priority, ProjectQuery, Ticket, TicketCategory, TicketId, TicketStatus};
use crate::reads::{Owner, ReadOptions};
use crate::reports::{Cell, Column, ColumnKind, ReportError, Reports, distinct};
use crate::systems::ErrorKind;

pub(super) const DESCRIPTION: &str = "Tickets of every project that the owner of projects knows, of every category. A ticket without a project is not in it, nor \
     one of a project whose ID two records claim: `DataQuality` counts these as DUPLICATE_ID.";

pub(super) const COLUMNS: &[Column] = &[
    Column::new("id", "Ticket ID", ColumnKind::Text, "Unique over all systems, e.g. `ticket:hubspot:77`."),
    Column::new("subject", "Subject", ColumnKind::Text, "Subject.").of("Ticket.subject"),
    Column::new("status", "Status", ColumnKind::Text, "NEW, IN_PROGRESS, WAITING, CLOSED, or UNKNOWN.")
        .of("Ticket.status"),
    Column::new("category", "Category", ColumnKind::Text, "INCIDENT, CHANGE_REQUEST, SUPPORT, TASK, or UNKNOWN.")
        .of("Ticket.category"),
    Column::new(
        "priority",
        "Priority",
        ColumnKind::Text,
        "LOW, NORMAL, HIGH, CRITICAL, or UNKNOWN. Null if nobody set one.",
    )
    .of("Ticket.priority"),
    Column::new("team", "Team", ColumnKind::Text, "The team that has it.").of("Ticket.team"),
    Column::new("owner", "Owner", ColumnKind::Text, "Who has it.").of("Ticket.owner"),
    Column::new("opened_at", "Opened", ColumnKind::Moment, "When it was opened, UTC.").of("Ticket.openedAt"),
    Column::new("closed_at", "Closed", ColumnKind::Moment, "When it was closed, UTC. Null while it is open.")
        .of("Ticket.closedAt"),
    Column::new("hours", "Hours", ColumnKind::Number, "Hours booked on it. Null if its owner does not say.")
        .of("Ticket.hours"),
    Column::new("project_id", "Project ID", ColumnKind::Text, "The shared ID of its project.").of("Ticket.projectId"),
    Column::new("url", "Link", ColumnKind::Text, super::URL),
    Column::new("as_of", "As of", ColumnKind::Moment, super::AS_OF),
];

impl Reports {
    pub(super) async fn ticket_rows(&self, place: &Place, options: &ReadOptions) -> Result<Chunk, ReportError> {
        let readers: Vec<_> =
            self.reads.delivery.all().map(|delivery| (&delivery.owner, &delivery.project_pages)).collect();
        let Some(page) = page(&readers, ProjectQuery::default(), place, options).await? else {
            return Ok(Chunk::default());
        };
        let own = page.items.iter().filter(|project| self.is_owned(project, page.owner));
        // An ID that two projects of the tool claim has its tickets once.
        let ids = distinct(own.map(|project| project.id.clone()));
        let seen = self.projects_seen(options, ids.iter().cloned()).await?;
        let ids: Vec<_> = ids.into_iter().filter(|id| seen.has(id)).collect();
        let mut rows = Vec::new();
        for (tickets, ids) in self.reads.tickets.group(&ids) {
            for read in tickets.by_project.get_many(options, &ids).await {
                let read = match read {
                    Ok(read) => read,
                    // Two records claim the ID, however often it is asked: whose its tickets are nobody can say.
                    Err(error) if error.kind == ErrorKind::Conflict => continue,
                    Err(error) => return Err(ReportError::System(error)),
                };
                let all = read.value.as_deref().map(Vec::as_slice).unwrap_or_default();
                rows.extend(all.iter().map(|ticket| row(ticket, &tickets.owner, read.as_of)));
            }
        }
        Ok(Chunk { rows, next: page.next, rates: None })
    }

    pub(super) async fn ticket_row(&self, id: &str, options: &ReadOptions) -> Result<Option<Row>, ReportError> {
        for tickets in self.reads.tickets.all() {
            let Some(record) = own(id, IdNode::Ticket, &tickets.owner) else { continue };
            let read = tickets.tickets.get(options, &TicketId::new(record)).await.map_err(ReportError::System)?;
            let of_it = |ticket: &Ticket| {
                let owner = ticket.project_id.as_ref().and_then(|id| self.reads.tickets.of(id));
                owner.is_some_and(|owner| owner.owner == tickets.owner)
            };
            if let Some(ticket) = read.value.filter(|ticket| of_it(ticket)) {
                let seen = self.sees_one_of(options, ticket.project_id.as_slice()).await?;
                return Ok(seen.then(|| row(&ticket, &tickets.owner, read.as_of)));
            }
        }
        Ok(None)
    }
}

fn row(ticket: &Ticket, owner: &Owner, as_of: Timestamp) -> Row {
    vec![
        global_id(IdNode::Ticket, owner, ticket.id.as_str()),
        text(ticket.subject.as_deref()),
        text(Some(match ticket.status {
            TicketStatus::New => "NEW",
            TicketStatus::InProgress => "IN_PROGRESS",
            TicketStatus::Waiting => "WAITING",
            TicketStatus::Closed => "CLOSED",
            TicketStatus::Unknown(_) => "UNKNOWN",
        })),
        text(Some(match ticket.category {
            TicketCategory::Incident => "INCIDENT",
            TicketCategory::ChangeRequest => "CHANGE_REQUEST",
            TicketCategory::Support => "SUPPORT",
            TicketCategory::Task => "TASK",
            TicketCategory::Unknown(_) => "UNKNOWN",
        })),
        text(ticket.priority.as_ref().map(|priority| match priority {
            Priority::Low => "LOW",
            Priority::Normal => "NORMAL",
            Priority::High => "HIGH",
            Priority::Critical => "CRITICAL",
            Priority::Unknown(_) => "UNKNOWN",
        })),
        text(ticket.team.as_deref()),
        text(ticket.owner.as_ref().map(|person| person.name.as_str())),
        moment(ticket.opened_at),
        moment(ticket.closed_at),
        number(ticket.hours),
        text(ticket.project_id.as_ref()),
        text(ticket.url.as_deref()),
        Cell::Moment(as_of),
    ]
}
