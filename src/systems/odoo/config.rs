//! `[connections.NAME]` with `kind = "odoo"`.

use std::collections::BTreeMap;

use serde::Deserialize;
use url::Url;

use crate::config::SecretRef;
use crate::domain::{Health, Priority, TicketCategory, TicketStatus};
use crate::systems::ConnectionProblem;
use crate::systems::declared::words::{Ours, Words};
use crate::systems::labour::{HoursWithoutCost, Labour};

/// Limits that suit an Odoo server better than the general ones: it has a few workers, and a query may take its time.
/// TOML, below `[http]` of the configuration.
pub const HTTP_DEFAULTS: &str = "concurrency = 4\nattempt_timeout = \"8s\"\nidle_timeout = \"8s\"\n";

/// An Odoo database, 14 to 19.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where people open Odoo, e.g. `https://odoo.example.com`.
    pub url: String,
    /// Name of the database. JSON-RPC needs it; JSON-2 only where one host serves several databases.
    pub database: Option<String>,
    /// Login of the user for Spine, which has read rights only. JSON-RPC needs it; with JSON-2 the key says who it is.
    pub user: Option<String>,
    /// An API key of that user (Preferences, Account Security).
    pub api_key: SecretRef,
    /// Which API is spoken: `json2` (from Odoo 19), `json_rpc`, or `auto`: the server is asked for its version once.
    #[serde(default)]
    pub api: Api,
    /// How lines name their project: `distribution` (from Odoo 16: shares of several analytic accounts), or `account`
    /// (14 and 15: one analytic account per line).
    #[serde(default)]
    pub analytic: Analytic,
    /// Numbers of the companies whose records are read; the user's default company if none are named.
    #[serde(default)]
    pub companies: Vec<u32>,
    /// Language in which names of stages and the like come.
    #[serde(default = "language")]
    pub language: String,
    /// Rows per page, 1 to 5000.
    #[serde(default = "page_size")]
    pub page_size: usize,
    /// Whether each project has an analytic account; says something where documents carry the shared ID themselves.
    #[serde(default)]
    pub analytic_accounts: AnalyticAccounts,
    /// What people's time costs is read from: `timesheets` (hours at the employee's cost), `journal` (journal items on
    /// `labour_accounts`), or `none`. Never both: they are the same hours.
    #[serde(default)]
    pub labour: Labour,
    /// Accounts whose journal items are labour, by the beginnings of their codes. With `labour = "timesheets"` they are no
    /// costs. Items on other expense accounts are expenses.
    #[serde(default)]
    pub labour_accounts: Vec<String>,
    /// What hours cost that Odoo keeps at a cost of 0, which is what it keeps where nobody stated one.
    #[serde(default)]
    pub hours_without_cost: HoursWithoutCost,
    /// Whether orders that are not billed yet are committed costs. Needs the app Purchase.
    #[serde(default = "yes")]
    pub purchase_orders: bool,
    /// Fields that hold the shared ID.
    #[serde(default)]
    pub shared_id: SharedIdFields,
    /// What is read of projects beside Odoo's own fields.
    #[serde(default)]
    pub projects: ProjectFields,
    /// What tickets are, and what their words mean.
    #[serde(default)]
    pub tickets: TicketFields,
    /// What is read of opportunities in place of Odoo's own fields.
    #[serde(default)]
    pub deals: DealFields,
}

/// Which API is spoken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// JSON-2 from version 19, JSON-RPC before.
    #[default]
    Auto,
    /// JSON-RPC.
    JsonRpc,
    /// JSON-2.
    Json2,
}

/// How lines name their project.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Analytic {
    /// By shares of analytic accounts.
    #[default]
    Distribution,
    /// By one analytic account.
    Account,
}

/// Which projects have an analytic account.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AnalyticAccounts {
    /// Each: where documents carry an ID that no account has, the costs are not all known, and refused.
    #[default]
    Each,
    /// Some: a project without one has no orders, expenses and hours.
    Some,
}

/// Fields that hold the shared ID, by their technical names. `name` stands for the first word of the name.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SharedIdFields {
    /// Field of analytic accounts, through which documents, orders and hours belong to projects.
    #[serde(default = "code")]
    pub analytic_account: String,
    /// Field of journal entries (`account.move`), where whole documents carry the ID themselves, e.g. `x_project_id`.
    /// Their analytic accounts are then not asked for, and Odoo adds up what was invoiced.
    pub document: Option<String>,
    /// Field of projects; the project's analytic account says it unless told.
    pub project: Option<String>,
    /// Field of opportunities (`crm.lead`), e.g. `x_project_id`. Without it this connection has no deals.
    pub deal: Option<String>,
}

impl Default for SharedIdFields {
    fn default() -> Self {
        Self { analytic_account: code(), document: None, project: None, deal: None }
    }
}

/// Fields of projects, by their technical names.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ProjectFields {
    /// Health, in one of `words`; the status of the last update unless told.
    pub health: Option<String>,
    /// Why it is so.
    pub health_reason: Option<String>,
    /// What the words of health mean; case does not matter. Replaces the default table.
    pub words: BTreeMap<String, Ours<Health>>,
}

impl Default for ProjectFields {
    fn default() -> Self {
        let words = [
            ("on_track", "GREEN"),
            ("at_risk", "AMBER"),
            ("off_track", "RED"),
            ("Green", "GREEN"),
            ("Amber", "AMBER"),
            ("Yellow", "AMBER"),
            ("Red", "RED"),
        ];
        Self { health: None, health_reason: None, words: table(&words) }
    }
}

/// What tickets are.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TicketFields {
    /// `tasks` (`project.task`), or `helpdesk` (`helpdesk.ticket`, an app of the enterprise edition).
    pub model: TicketSourceModel,
    /// Field that says what a ticket is, in one of `kinds`; without it a task is a task, and a ticket of the help desk
    /// what its type says.
    pub kind: Option<String>,
    /// Field with the progress, 0 to 100.
    pub progress: Option<String>,
    /// What the stages mean; case does not matter. Replaces the default table. What Odoo calls closed is closed.
    pub status: BTreeMap<String, Ours<TicketStatus>>,
    /// What the priorities mean, by their keys. Replaces the default table, which is that of Odoo 19.
    pub priority: BTreeMap<String, Ours<Priority>>,
    /// What the words of `kind` mean; case does not matter. Replaces the default table.
    pub kinds: BTreeMap<String, Ours<TicketCategory>>,
}

impl Default for TicketFields {
    fn default() -> Self {
        let status = [
            ("New", "NEW"),
            ("Inbox", "NEW"),
            ("To Do", "NEW"),
            ("In Progress", "IN_PROGRESS"),
            ("Resolved", "IN_PROGRESS"),
            ("Feedback", "WAITING"),
            ("On Hold", "WAITING"),
        ];
        let kinds = [
            ("Incident", "INCIDENT"),
            ("Change request", "CHANGE_REQUEST"),
            ("Support", "SUPPORT"),
            ("Question", "SUPPORT"),
            ("Issue", "INCIDENT"),
            ("Task", "TASK"),
        ];
        Self {
            model: TicketSourceModel::Tasks,
            kind: None,
            progress: None,
            status: table(&status),
            priority: table(&[("0", "LOW"), ("1", "NORMAL"), ("2", "HIGH"), ("3", "CRITICAL")]),
            kinds: table(&kinds),
        }
    }
}

/// Which records are tickets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TicketSourceModel {
    /// Tasks of projects.
    #[default]
    Tasks,
    /// Tickets of the help desk.
    Helpdesk,
}

/// Fields of opportunities, by their technical names.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DealFields {
    /// Amount; the expected revenue unless told.
    pub amount: Option<String>,
    /// Currency of the amount (a link to a currency, or its code); the company's unless told.
    pub currency: Option<String>,
    /// What the work is expected to cost, in the same currency.
    pub cost: Option<String>,
    /// Vertical.
    pub vertical: Option<String>,
    /// Deal type, e.g. new business.
    pub deal_type: Option<String>,
    /// What is sold, in words.
    pub scope: Option<String>,
}

/// A table of the owner's words and ours.
fn table<E: Words>(words: &[(&str, &str)]) -> BTreeMap<String, Ours<E>> {
    words.iter().filter_map(|(word, ours)| Some(((*word).to_owned(), Ours::named(ours)?))).collect()
}

fn code() -> String {
    "code".to_owned()
}

fn yes() -> bool {
    true
}

fn language() -> String {
    "en_US".to_owned()
}

fn page_size() -> usize {
    1000
}

impl Config {
    /// The base URL.
    pub(super) fn base(&self) -> Result<Url, ConnectionProblem> {
        let problem = |message: &str| ConnectionProblem::new("url", message);
        let url = Url::parse(self.url.trim_end_matches('/'))
            .map_err(|_| problem("not a URL: write e.g. \"https://odoo.example.com\""))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(problem("must begin with https:// (or http:// within one machine)"));
        }
        let last = url.path().trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
        if matches!(last.as_str(), "web" | "odoo" | "jsonrpc" | "json") {
            return Err(problem("leave the path away: write the address of the server alone"));
        }
        Ok(url)
    }

    /// Checks what the types cannot.
    pub(super) fn check(&self) -> Result<(), ConnectionProblem> {
        let problem = |key: &str, message: &str| Err(ConnectionProblem::new(key, message));
        let missing = |text: Option<&String>| text.is_none_or(|text| text.trim().is_empty());
        if self.api != Api::Json2 && missing(self.database.as_ref()) {
            return problem(
                "database",
                "is missing: JSON-RPC needs the name of the database (or say `api = \"json2\"`)",
            );
        }
        if self.api != Api::Json2 && missing(self.user.as_ref()) {
            return problem("user", "is missing: JSON-RPC needs the login of the user (or say `api = \"json2\"`)");
        }
        if self.api == Api::Json2 && self.user.is_some() {
            return problem("user", "has no effect with `api = \"json2\"`, where the key says who it is: remove it");
        }
        if !(1..=5000).contains(&self.page_size) {
            return problem("page_size", "must be from 1 to 5000");
        }
        self.labour.check(&self.labour_accounts, self.hours_without_cost)?;
        if self.shared_id.document.is_none() && self.analytic_accounts == AnalyticAccounts::Some {
            return problem("analytic_accounts", "has no effect without `shared_id.document`");
        }
        let fields = [
            ("shared_id.analytic_account", Some(&self.shared_id.analytic_account)),
            ("shared_id.document", self.shared_id.document.as_ref()),
            ("shared_id.project", self.shared_id.project.as_ref()),
            ("shared_id.deal", self.shared_id.deal.as_ref()),
            ("projects.health", self.projects.health.as_ref()),
            ("projects.health_reason", self.projects.health_reason.as_ref()),
            ("tickets.kind", self.tickets.kind.as_ref()),
            ("tickets.progress", self.tickets.progress.as_ref()),
            ("deals.amount", self.deals.amount.as_ref()),
            ("deals.currency", self.deals.currency.as_ref()),
            ("deals.cost", self.deals.cost.as_ref()),
            ("deals.vertical", self.deals.vertical.as_ref()),
            ("deals.deal_type", self.deals.deal_type.as_ref()),
            ("deals.scope", self.deals.scope.as_ref()),
        ];
        if self.deals.amount.is_none() && self.deals.currency.is_some() {
            return problem(
                "deals.currency",
                "has no effect without `deals.amount`: the expected revenue has a currency",
            );
        }
        for (key, field) in fields {
            let is_name = |field: &String| {
                field.starts_with(|c: char| c.is_ascii_lowercase())
                    && field.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
            };
            if field.is_some_and(|field| !is_name(field)) {
                return problem(key, "must be the technical name of a field, e.g. `x_project_id`");
            }
        }
        Ok(())
    }
}
