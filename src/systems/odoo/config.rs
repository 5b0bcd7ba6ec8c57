//! `[connections.NAME]` with `kind = "odoo"`.

use serde::Deserialize;
use url::Url;

use crate::config::SecretRef;
use crate::systems::ConnectionProblem;

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
    /// Accounts whose journal items are labour, by the beginnings of their codes. Items on other expense accounts are
    /// expenses.
    #[serde(default)]
    pub labour_accounts: Vec<String>,
    /// Whether orders that are not billed yet are committed costs. Needs the app Purchase.
    #[serde(default = "yes")]
    pub purchase_orders: bool,
    /// Fields that hold the shared ID.
    #[serde(default)]
    pub shared_id: SharedIdFields,
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
}

impl Default for SharedIdFields {
    fn default() -> Self {
        Self { analytic_account: code(), document: None }
    }
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
        if self.labour_accounts.iter().any(|prefix| prefix.trim().is_empty()) {
            return problem("labour_accounts", "an empty beginning would take in every account; remove it");
        }
        let fields = [
            ("shared_id.analytic_account", Some(&self.shared_id.analytic_account)),
            ("shared_id.document", self.shared_id.document.as_ref()),
        ];
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
