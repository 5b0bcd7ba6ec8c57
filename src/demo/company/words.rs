//! The values this company chose in its systems' settings: pipelines and stages, trackers, statuses, priorities.
//! The records of the company use no others; the embedded systems list these.

/// A stage of a deal pipeline.
#[derive(Debug, Clone, Copy)]
pub struct Stage {
    /// Pipeline ID: `default` or `services`.
    pub pipeline: &'static str,
    /// Stage ID; unique over both pipelines.
    pub id: &'static str,
    /// Label people see.
    pub label: &'static str,
    /// Probability, as the CRM writes it: text.
    pub probability: &'static str,
    /// Whether deals in it are closed; won if the probability is `1.0`, lost if `0.0`.
    pub closed: bool,
}

impl Stage {
    /// Whether deals in it are won.
    pub fn won(&self) -> bool {
        self.closed && self.probability == "1.0"
    }

    /// Whether deals in it are lost.
    pub fn lost(&self) -> bool {
        self.closed && self.probability == "0.0"
    }
}

/// Deal pipelines: ID and label.
pub const PIPELINES: [(&str, &str); 2] = [("default", "Sales pipeline"), ("services", "Services pipeline")];

/// Stages of both pipelines, each pipeline's in order.
pub const STAGES: [Stage; 12] = [
    stage("default", "appointmentscheduled", "Appointment scheduled", "0.2", false),
    stage("default", "qualifiedtobuy", "Qualified to buy", "0.4", false),
    stage("default", "presentationscheduled", "Presentation scheduled", "0.6", false),
    stage("default", "decisionmakerboughtin", "Decision maker bought in", "0.8", false),
    stage("default", "contractsent", "Contract sent", "0.9", false),
    stage("default", "closedwon", "Closed won", "1.0", true),
    stage("default", "closedlost", "Closed lost", "0.0", true),
    stage("services", "88210001", "Need seen", "0.3", false),
    stage("services", "88210003", "Scoped", "0.6", false),
    stage("services", "88210005", "Change order sent", "0.9", false),
    stage("services", "88210007", "Ordered", "1.0", true),
    stage("services", "88210008", "Declined", "0.0", true),
];

const fn stage(
    pipeline: &'static str,
    id: &'static str,
    label: &'static str,
    probability: &'static str,
    closed: bool,
) -> Stage {
    Stage { pipeline, id, label, probability, closed }
}

/// The stage of this ID.
pub fn stage_of(id: &str) -> Option<&'static Stage> {
    STAGES.iter().find(|stage| stage.id == id)
}

/// The CRM's ticket pipeline `0`: stage ID, label, whether tickets in it are closed.
pub const TICKET_STAGES: [(&str, &str, bool); 4] =
    [("1", "New", false), ("2", "Waiting on contact", false), ("3", "Waiting on us", false), ("4", "Closed", true)];

/// Trackers of the project tool; their IDs there count from 1.
pub const TRACKERS: [&str; 4] = ["Task", "Incident", "Change request", "Support"];

/// Issue statuses and whether they count as closed; their IDs there count from 1. The last is one somebody added
/// last week and told nobody of.
pub const ISSUE_STATUSES: [(&str, bool); 7] = [
    ("New", false),
    ("In Progress", false),
    ("Resolved", false),
    ("Feedback", false),
    ("Closed", true),
    ("Rejected", true),
    ("Parked at vendor", false),
];

/// Priorities of issues, lowest first; their IDs there count from 1.
pub const PRIORITIES: [&str; 5] = ["Low", "Normal", "High", "Urgent", "Immediate"];

/// Activities of time entries; their IDs there count from 1.
pub const ACTIVITIES: [&str; 3] = ["Design", "Development", "Support"];

/// Roles of project members; their IDs there count from 1.
pub const ROLES: [&str; 3] = ["Manager", "Developer", "Reporter"];
