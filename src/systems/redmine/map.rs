//! Redmine's records in canonical words. Pure.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};

use super::config::{Config, Fields, HealthWord, PriorityWord, StatusWord};
use super::wire;
use crate::domain::{
    Effort, Flaw, FlawKind, Health, Milestone, MilestoneStatus, Person, Priority, Project, ProjectId, ProjectStatus,
    ResourceAllocation, Ticket, TicketCategory, TicketId, TicketStatus, parse_decimal,
};

/// What this installation's words mean.
#[derive(Debug)]
pub(super) struct Words {
    /// Without a slash at its end.
    base_url: String,
    fields: Fields,
    health: BTreeMap<String, HealthWord>,
    trackers: BTreeMap<String, TicketCategory>,
    priority: BTreeMap<String, PriorityWord>,
    status: BTreeMap<String, StatusWord>,
    team_field: Option<String>,
}

impl Words {
    pub(super) fn new(config: Config, base_url: String) -> Self {
        let trackers = [
            (&config.trackers.incident, TicketCategory::Incident),
            (&config.trackers.change_request, TicketCategory::ChangeRequest),
            (&config.trackers.support, TicketCategory::Support),
        ];
        Self {
            base_url,
            fields: config.fields,
            health: folded(&config.health),
            trackers: trackers
                .into_iter()
                .flat_map(|(names, category)| names.iter().map(move |name| (fold(name), category.clone())))
                .collect(),
            priority: folded(&config.priority),
            status: folded(&config.status),
            team_field: config.team_field,
        }
    }

    /// A project that carries `id`.
    pub(super) fn project(&self, id: ProjectId, project: &wire::Project) -> Project {
        let value = |name: &Option<String>| field(&project.custom_fields, name.as_deref()?);
        let mut flaws = Vec::new();
        let start_date = date(value(&self.fields.start_date), "start_date", &mut flaws);
        let due_date = date(value(&self.fields.due_date), "due_date", &mut flaws);
        let hours_budgeted = decimal(value(&self.fields.budget_hours), "hours_budgeted", &mut flaws);
        let percent = value(&self.fields.percent_complete).map(|text| text.trim_end_matches(['%', ' ']).to_owned());
        let percent_complete = decimal(percent, "percent_complete", &mut flaws);
        Project {
            id,
            record_id: project.id.0.as_str().into(),
            name: project.name.as_ref().map(Into::into),
            status: match project.status.0.as_str() {
                "1" => ProjectStatus::Active,
                "5" => ProjectStatus::Completed,
                other => ProjectStatus::Unknown(other.to_owned()),
            },
            health: value(&self.fields.health).map(|word| self.health(word)),
            health_reason: value(&self.fields.health_reason),
            // A field of format "User" holds the user's number, which is nobody's name.
            manager: value(&self.fields.manager)
                .filter(|name| !name.bytes().all(|byte| byte.is_ascii_digit()))
                .map(|name| Arc::new(Person { name: name.into(), email: None })),
            start_date,
            due_date,
            percent_complete,
            hours_budgeted,
            url: Some(format!("{}/projects/{}", self.base_url, project.identifier).into()),
            flaws,
        }
    }

    fn health(&self, word: String) -> Health {
        match self.health.get(&fold(&word)) {
            Some(HealthWord::Green) => Health::Green,
            Some(HealthWord::Amber) => Health::Amber,
            Some(HealthWord::Red) => Health::Red,
            None => Health::Unknown(word),
        }
    }

    /// A version as a milestone.
    pub(super) fn milestone(&self, version: &wire::Version) -> Milestone {
        Milestone {
            id: version.id.0.as_str().into(),
            name: version.name.clone(),
            status: match version.status.as_deref() {
                Some("open") => MilestoneStatus::Open,
                Some("locked") => MilestoneStatus::Locked,
                Some("closed") => MilestoneStatus::Closed,
                other => MilestoneStatus::Unknown(other.unwrap_or_default().to_owned()),
            },
            due_date: version.due_date.as_deref().and_then(|day| day.parse().ok()),
            url: Some(format!("{}/versions/{}", self.base_url, version.id.0).into()),
        }
    }

    /// The issues of one project as its tickets. Estimate and progress stand on the issues that have none below them:
    /// Redmine repeats them on the parents.
    pub(super) fn tickets(&self, project_id: &ProjectId, issues: &[wire::Issue]) -> Vec<Ticket> {
        let parents: Vec<&str> =
            issues.iter().filter_map(|issue| issue.parent.as_ref()).map(|parent| parent.id.0.as_str()).collect();
        let ticket = |issue: &wire::Issue| {
            let ticket = self.ticket(Some(project_id.clone()), issue);
            if parents.contains(&issue.id.0.as_str()) {
                Ticket { hours_estimated: None, progress: None, ..ticket }
            } else {
                ticket
            }
        };
        issues.iter().map(ticket).collect()
    }

    /// An issue as a ticket of a project.
    pub(super) fn ticket(&self, project_id: Option<ProjectId>, issue: &wire::Issue) -> Ticket {
        let instant = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<Timestamp>().ok());
        let number = |value: Option<&wire::Scalar>| value.and_then(|value| parse_decimal(&value.0).ok());
        let closed = issue.status.as_ref().is_some_and(|status| status.is_closed);
        let tracker = issue.tracker.as_ref().map(|tracker| tracker.name.clone());
        Ticket {
            id: TicketId::new(issue.id.0.as_str()),
            subject: issue.subject.clone(),
            status: issue.status.as_ref().map_or_else(|| TicketStatus::Unknown(String::new()), |s| self.status(s)),
            status_label: issue.status.as_ref().map(|status| status.name.clone()),
            priority: issue.priority.as_ref().map(|priority| self.priority(&priority.name)),
            category: tracker
                .as_ref()
                .and_then(|tracker| self.trackers.get(&fold(tracker)).cloned())
                .unwrap_or(TicketCategory::Task),
            pipeline: tracker,
            team: self.team_field.as_deref().and_then(|name| field(&issue.custom_fields, name)),
            owner: issue
                .assigned_to
                .as_ref()
                .map(|user| Arc::new(Person { name: user.name.as_str().into(), email: None })),
            opened_at: instant(&issue.created_on),
            // Redmine keeps the time of the last closing when an issue is opened again.
            closed_at: instant(&issue.closed_on).filter(|_| closed),
            hours: issue.spent_hours.as_ref().and_then(|hours| parse_decimal(&hours.0).ok()).map(hundredths),
            hours_estimated: number(issue.estimated_hours.as_ref()),
            progress: number(issue.done_ratio.as_ref()),
            project_id,
            url: Some(format!("{}/issues/{}", self.base_url, issue.id.0).into()),
        }
    }

    fn status(&self, status: &wire::Status) -> TicketStatus {
        match self.status.get(&fold(&status.name)) {
            Some(StatusWord::New) => TicketStatus::New,
            Some(StatusWord::InProgress) => TicketStatus::InProgress,
            Some(StatusWord::Waiting) => TicketStatus::Waiting,
            Some(StatusWord::Closed) => TicketStatus::Closed,
            None if status.is_closed => TicketStatus::Closed,
            None => TicketStatus::Unknown(status.name.clone()),
        }
    }

    fn priority(&self, name: &str) -> Priority {
        match self.priority.get(&fold(name)) {
            Some(PriorityWord::Low) => Priority::Low,
            Some(PriorityWord::Normal) => Priority::Normal,
            Some(PriorityWord::High) => Priority::High,
            Some(PriorityWord::Critical) => Priority::Critical,
            None => Priority::Unknown(name.to_owned()),
        }
    }
}

/// The hours of a project's time entries, in all and by person. None if an entry cannot be read: a sum without it would
/// be a wrong number.
pub(super) fn effort<'a>(entries: impl IntoIterator<Item = &'a wire::TimeEntry>) -> Option<Effort> {
    let mut hours_spent = Decimal::ZERO;
    let mut people: HashMap<&wire::Scalar, (&str, Decimal)> = HashMap::new();
    let nobody = wire::Scalar(String::new());
    let mut unnamed = Decimal::ZERO;
    for entry in entries {
        let hours = parse_decimal(&entry.hours.0).ok()?;
        hours_spent = hours_spent.checked_add(hours)?;
        match &entry.user {
            Some(user) => people.entry(&user.id).or_insert((&user.name, Decimal::ZERO)).1 += hours,
            None => unnamed += hours,
        }
    }
    if !unnamed.is_zero() {
        people.insert(&nobody, ("", unnamed));
    }
    let mut resources: Vec<(&wire::Scalar, ResourceAllocation)> = people
        .into_iter()
        .map(|(id, (name, hours_spent))| {
            let person = Arc::new(Person { name: name.into(), email: None });
            (id, ResourceAllocation { person, role: None, hours_allocated: None, hours_spent })
        })
        .collect();
    resources.sort_by(|(a, left), (b, right)| (&left.person.name, &a.0).cmp(&(&right.person.name, &b.0)));
    Some(Effort { hours_spent, resources: resources.into_iter().map(|(_, resource)| resource).collect() })
}

/// The value of a custom field.
pub(super) fn field(fields: &[wire::CustomField], name: &str) -> Option<String> {
    fields.iter().find(|field| field.name == name)?.text()
}

/// Redmine sums an issue's hours as floats: 0.1 + 0.2 comes as 0.30000000000000004. It shows hundredths.
fn hundredths(hours: Decimal) -> Decimal {
    hours.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

fn date(text: Option<String>, name: &'static str, flaws: &mut Vec<Flaw>) -> Option<Date> {
    let parsed = text?.parse().ok();
    if parsed.is_none() {
        flaws.push(Flaw { field: name, kind: FlawKind::BadDate });
    }
    parsed
}

fn decimal(text: Option<String>, name: &'static str, flaws: &mut Vec<Flaw>) -> Option<Decimal> {
    let parsed = parse_decimal(&text?).ok();
    if parsed.is_none() {
        flaws.push(Flaw { field: name, kind: FlawKind::BadNumber });
    }
    parsed
}

fn fold(word: &str) -> String {
    word.trim().to_lowercase()
}

fn folded<W: Copy>(table: &BTreeMap<String, W>) -> BTreeMap<String, W> {
    table.iter().map(|(word, meaning)| (fold(word), *meaning)).collect()
}
