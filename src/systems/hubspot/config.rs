//! `[connections.NAME]` of a HubSpot account.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::config::SecretRef;
use crate::domain::{TicketCategory, TicketStatus};

/// A HubSpot account.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Base URL. At HubSpot's own address and without a `rate` in `http`, ten calls a second are made, 80 at once after a
    /// pause, which keeps within 190 in ten seconds.
    #[serde(default = "default_url")]
    pub url: String,
    /// The access token of a service key, an app or a private app.
    pub token: SecretRef,
    /// Which of HubSpot's path families is called.
    #[serde(default)]
    pub api: Api,
    /// Number of the account, for links to its records; no links without it.
    pub portal_id: Option<u64>,
    /// What an amount without a currency code is in, e.g. `EUR`. Unset: such an amount is not read.
    pub default_currency: Option<String>,
    /// Whether the shared ID's property was created with unique values. Then deals are read by it, one per ID;
    /// else they are searched by it, and several may carry one ID.
    #[serde(default)]
    pub shared_id_unique: bool,
    /// Searches per second; 0 is no limit. HubSpot counts five per account, over all apps.
    #[serde(default = "default_search_rate")]
    pub search_rate: u32,
    /// Quote statuses that mean signed or approved.
    #[serde(default = "default_signed")]
    pub signed_quote_statuses: Vec<String>,
    /// What values of `hs_ticket_category` mean; added to HubSpot's own.
    #[serde(default)]
    pub ticket_categories: BTreeMap<String, Category>,
    /// What stages of open tickets mean, by their labels; added to those of HubSpot's first pipeline. A stage that HubSpot marks
    /// as closed is closed whatever its label.
    #[serde(default)]
    pub ticket_statuses: BTreeMap<String, Status>,
    /// Where this account keeps what it calls by other names.
    pub map: Map,
}

/// Names of properties.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Map {
    /// Deal property that holds the shared ID.
    pub shared_id: String,
    /// Deal property of the vertical.
    #[serde(default = "default_vertical")]
    pub vertical: String,
    /// Deal property of the deal type.
    #[serde(default = "default_deal_type")]
    pub deal_type: String,
    /// Deal property of what was sold, in words.
    #[serde(default = "default_scope")]
    pub scope: String,
    /// Deal property of what sales expects the work to cost, in the deal's currency.
    #[serde(default = "default_estimated_cost")]
    pub estimated_cost: String,
    /// Deal property of what sales expects to remain, in the deal's currency. Unset: amount less estimated cost.
    pub expected_margin: Option<String>,
    /// Company property of the industry.
    #[serde(default = "default_industry")]
    pub industry: String,
    /// Company property of the country.
    #[serde(default = "default_country")]
    pub country: String,
    /// Ticket property that holds the shared ID. Unset: a ticket belongs to the project of its deal.
    pub ticket_shared_id: Option<String>,
}

/// A path family.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
pub enum Api {
    /// Dated, of March 2026.
    #[default]
    #[serde(rename = "2026-03")]
    March2026,
    /// Dated, of September 2026.
    #[serde(rename = "2026-09")]
    September2026,
    /// Classic: `/crm/v3`, and `/crm/v4` for associations.
    #[serde(rename = "v3")]
    V3,
}

/// What a ticket is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Something broke.
    Incident,
    /// The client wants something else.
    ChangeRequest,
    /// Help.
    Support,
    /// Planned work.
    Task,
}

/// How an open ticket stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Nobody works on it yet.
    New,
    /// Somebody does.
    InProgress,
    /// It waits for somebody else.
    Waiting,
}

impl From<Category> for TicketCategory {
    fn from(category: Category) -> Self {
        match category {
            Category::Incident => Self::Incident,
            Category::ChangeRequest => Self::ChangeRequest,
            Category::Support => Self::Support,
            Category::Task => Self::Task,
        }
    }
}

impl From<Status> for TicketStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::New => Self::New,
            Status::InProgress => Self::InProgress,
            Status::Waiting => Self::Waiting,
        }
    }
}

/// HubSpot's own address.
pub(super) const URL: &str = "https://api.hubapi.com";

fn default_url() -> String {
    URL.to_owned()
}

fn default_search_rate() -> u32 {
    4
}

fn default_signed() -> Vec<String> {
    vec!["APPROVED".to_owned()]
}

fn default_vertical() -> String {
    "vertical".to_owned()
}

fn default_deal_type() -> String {
    "dealtype".to_owned()
}

fn default_scope() -> String {
    "scope".to_owned()
}

fn default_estimated_cost() -> String {
    "estimated_cost".to_owned()
}

fn default_industry() -> String {
    "industry".to_owned()
}

fn default_country() -> String {
    "country".to_owned()
}
