//! `[connections.NAME]` with `kind = "redmine"`.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::config::SecretRef;

/// A Redmine installation (5.0 or later).
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where Redmine is, e.g. `https://redmine.example.com` or `https://intranet.example.com/redmine`.
    pub url: String,
    /// API key of a user who may see every project, issue and time entry that Spine is to see.
    pub key: SecretRef,
    /// Where projects carry the shared ID.
    pub shared_id: SharedIdPlace,
    /// Custom fields of projects, by name. What is not named is not read.
    #[serde(default)]
    pub fields: Fields,
    /// What the words in the health field mean; case does not matter. Replaces the default table.
    #[serde(default = "default_health")]
    pub health: BTreeMap<String, HealthWord>,
    /// Which trackers are what; all others are tasks.
    #[serde(default)]
    pub trackers: Trackers,
    /// What the priorities mean; case does not matter. Replaces the default table.
    #[serde(default = "default_priority")]
    pub priority: BTreeMap<String, PriorityWord>,
    /// What the issue statuses mean; case does not matter. Replaces the default table (`New`, `In Progress`,
    /// `Resolved`, `Feedback`). A status that Redmine itself calls closed and that is not named here is closed.
    #[serde(default = "default_status")]
    pub status: BTreeMap<String, StatusWord>,
    /// Custom field of issues that holds the team, by name.
    #[serde(default)]
    pub team_field: Option<String>,
}

/// Where projects carry the shared ID: `{ custom_field = "Shared project ID" }` or `{ identifier = true }`.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SharedIdPlace {
    /// In a custom field of projects that is marked "used as a filter"; by name or number. Hundred projects cost one
    /// call.
    CustomField(FieldRef),
    /// The project's identifier is the ID in lower case. Each project costs one call.
    Identifier(bool),
}

/// A custom field.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
pub enum FieldRef {
    /// By its number.
    Id(u64),
    /// By its name.
    Name(String),
}

/// Custom fields of projects, by name.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Fields {
    /// Health, in a word of `health`.
    pub health: Option<String>,
    /// Why it is so.
    pub health_reason: Option<String>,
    /// Name of the project manager (a text or list field; a field of format "User" holds a number and is not read).
    pub manager: Option<String>,
    /// Start, a date field.
    pub start_date: Option<String>,
    /// Due, a date field.
    pub due_date: Option<String>,
    /// Hours budgeted, a number.
    pub budget_hours: Option<String>,
    /// 0 to 100, a number; a percent sign is allowed.
    pub percent_complete: Option<String>,
}

impl Fields {
    /// The names that are configured.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        [
            &self.health,
            &self.health_reason,
            &self.manager,
            &self.start_date,
            &self.due_date,
            &self.budget_hours,
            &self.percent_complete,
        ]
        .into_iter()
        .filter_map(|name| name.as_deref())
    }
}

/// Which trackers are what, by name; case does not matter.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Trackers {
    /// Something broke.
    pub incident: Vec<String>,
    /// The client wants something else.
    pub change_request: Vec<String>,
    /// Help.
    pub support: Vec<String>,
}

impl Default for Trackers {
    fn default() -> Self {
        let one = |name: &str| vec![name.to_owned()];
        Self { incident: one("Incident"), change_request: one("Change request"), support: one("Support") }
    }
}

/// Health of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HealthWord {
    /// On course.
    Green,
    /// Needs attention.
    Amber,
    /// In trouble.
    Red,
}

/// How urgent an issue is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PriorityWord {
    /// Low.
    Low,
    /// Normal.
    Normal,
    /// High.
    High,
    /// Everything else waits.
    Critical,
}

/// How an issue stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatusWord {
    /// Nobody works on it yet.
    New,
    /// Somebody does.
    InProgress,
    /// It waits for somebody else.
    Waiting,
    /// Done.
    Closed,
}

fn table<W: Copy>(words: &[(&str, W)]) -> BTreeMap<String, W> {
    words.iter().map(|(word, meaning)| ((*word).to_owned(), *meaning)).collect()
}

fn default_health() -> BTreeMap<String, HealthWord> {
    use HealthWord::{Amber, Green, Red};
    table(&[
        ("Green", Green),
        ("On track", Green),
        ("Amber", Amber),
        ("Yellow", Amber),
        ("At risk", Amber),
        ("Red", Red),
        ("Off track", Red),
    ])
}

fn default_priority() -> BTreeMap<String, PriorityWord> {
    use PriorityWord::{Critical, High, Low, Normal};
    table(&[("Low", Low), ("Normal", Normal), ("High", High), ("Urgent", Critical), ("Immediate", Critical)])
}

fn default_status() -> BTreeMap<String, StatusWord> {
    use StatusWord::{InProgress, New, Waiting};
    table(&[("New", New), ("In Progress", InProgress), ("Resolved", InProgress), ("Feedback", Waiting)])
}
