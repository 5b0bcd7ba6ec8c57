//! `[connections.NAME]` with `kind = "quickbooks"`.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use crate::config::{Seconds, SecretRef};
use crate::systems::ConnectionProblem;

/// Limits that suit QuickBooks Online better than the general ones: it takes 500 calls a minute and 10 at once from an app
/// and company, and its objects are large and come whole. TOML, below `[http]` of the configuration.
pub const HTTP_DEFAULTS: &str = "concurrency = 10\nrate = 8\nburst = 10\nattempt_timeout = \"10s\"\nidle_timeout = \"10s\"\n\
                                 max_body = 16777216\n";

/// A QuickBooks Online company.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the accounting API is; `https://sandbox-quickbooks.api.intuit.com` for sandbox companies.
    #[serde(default = "api")]
    pub url: String,
    /// Where tokens are given out: another host than the API.
    #[serde(default = "token_host")]
    pub token_url: String,
    /// The company's realm ID, which Intuit's sign-in page hands over as `realmId`.
    pub realm_id: String,
    /// Client ID of your app at Intuit.
    pub client_id: String,
    /// Client secret of your app at Intuit.
    pub client_secret: SecretRef,
    /// Where the refresh token is kept. Intuit changes it about once a day, so Spine writes the new one there.
    pub tokens: TokenPlace,
    /// Where invoices, credit memos and receipts carry the shared ID: `"customer"` (the name of the project or sub-customer
    /// they are for begins with it), or `{ custom_field = "Project ID" }` (each of them is read, since QuickBooks does not
    /// filter by custom fields).
    #[serde(default = "customer")]
    pub project_on: Carrier,
    /// Where bills, vendor credits, purchases and purchase orders carry the shared ID: `"customer"` (of each line), or
    /// `{ custom_field = "Project ID" }` (of the document). Journal entries and time activities carry it by customer.
    #[serde(default = "customer")]
    pub costs_on: Carrier,
    /// Where the cost of people's time is: `"journal"` (payroll is posted to the books, and rows of journal entries on
    /// accounts for labour count), or `"time_activities"` (hours times their cost rate count, and such rows do not; the hours
    /// of vendors are on their bills and never count by themselves).
    #[serde(default)]
    pub labour: Labour,
    /// Accounts whose journal rows are labour beside those that QuickBooks itself calls payroll or cost of labour; by number
    /// or name.
    #[serde(default)]
    pub labour_accounts: Vec<String>,
    /// How long the list of customers and projects is kept, at most 10 minutes. A project that is not in it is looked for anew.
    #[serde(default = "customers_ttl")]
    pub customers_ttl: Seconds,
    /// Rows per page, 10 to 1000.
    #[serde(default = "page_size")]
    pub page_size: usize,
    /// Link to a document for people, with `{type}` (e.g. `invoice`) and `{id}`.
    pub document_url: Option<String>,
}

/// Where a refresh token is kept.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenPlace {
    /// A file of this company's own, `{"realm_id": "...", "refresh_token": "..."}`, that nobody else can read. Spine writes it.
    File(PathBuf),
    /// A word of the embedded systems, which is no secret: it begins with `demo-`. Anything else is refused.
    Demo(String),
}

/// What carries the shared ID.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Carrier {
    /// The customer that a document or a line is for: a project or sub-customer whose name begins with the ID.
    Customer,
    /// A custom field of documents, by its name.
    CustomField(String),
}

/// Where the cost of people's time is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Labour {
    /// In journal entries.
    #[default]
    Journal,
    /// In time activities.
    TimeActivities,
}

fn api() -> String {
    "https://quickbooks.api.intuit.com".to_owned()
}

fn token_host() -> String {
    "https://oauth.platform.intuit.com".to_owned()
}

fn customer() -> Carrier {
    Carrier::Customer
}

fn customers_ttl() -> Seconds {
    Seconds(Duration::from_secs(30))
}

/// What is known of customers decides which project a document counts for.
const CUSTOMERS_TTL_MAX: Duration = Duration::from_mins(10);

fn page_size() -> usize {
    500
}

impl Config {
    /// Checks what the types cannot.
    pub(super) fn check(&self) -> Result<(), ConnectionProblem> {
        let problem = |key: &str, message: &str| Err(ConnectionProblem::new(key, message));
        if self.realm_id.is_empty() || !self.realm_id.bytes().all(|byte| byte.is_ascii_digit()) {
            return problem("realm_id", "must be the company's realm ID: digits only");
        }
        if self.client_id.trim().is_empty() {
            return problem("client_id", "is empty: write the client ID of your app at Intuit");
        }
        if !(10..=1000).contains(&self.page_size) {
            return problem("page_size", "must be from 10 to 1000");
        }
        if self.customers_ttl.0 > CUSTOMERS_TTL_MAX {
            return problem(
                "customers_ttl",
                "must be at most 10m: a project that was moved or renamed is seen no sooner",
            );
        }
        for (key, carrier) in [("project_on", &self.project_on), ("costs_on", &self.costs_on)] {
            if matches!(carrier, Carrier::CustomField(name) if name.trim().is_empty()) {
                return problem(key, "names no custom field");
            }
        }
        if self.labour_accounts.iter().any(|account| account.trim().is_empty()) {
            return problem("labour_accounts", "an empty name is no account; remove it");
        }
        if let Some(template) = &self.document_url {
            let filled = ["{type}", "{id}"].iter().fold(template.clone(), |url, key| url.replace(key, "1"));
            if filled.contains(['{', '}']) || Url::parse(&filled).is_err() {
                return problem("document_url", "must be a URL with no other places than {type} and {id}");
            }
        }
        Ok(())
    }

    /// A base URL, of the API or of the token endpoint.
    pub(super) fn base(key: &str, text: &str) -> Result<Url, ConnectionProblem> {
        let problem = |message: &str| ConnectionProblem::new(key, message);
        let url = Url::parse(text.trim_end_matches('/')).map_err(|_| problem("is not a URL"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(problem("must begin with https:// (or http:// within one machine)"));
        }
        if url.path().contains("/v3") || url.path().contains("/oauth2") {
            return Err(problem("leave the path away: Spine adds it"));
        }
        Ok(url)
    }
}
