//! `[connections.NAME]` with `kind = "tryton"`.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use url::Url;

use crate::config::SecretRef;
use crate::systems::ConnectionProblem;
use crate::systems::labour::{HoursWithoutCost, Labour};

/// Limits that suit a Tryton server better than the general ones: a process has few workers, and amounts are computed while
/// they are read. TOML, below `[http]` of the configuration.
pub const HTTP_DEFAULTS: &str = "concurrency = 4\nattempt_timeout = \"8s\"\nidle_timeout = \"8s\"\n";

/// A company in a Tryton database.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the server listens, without the database, e.g. `https://tryton.example.com`.
    pub url: String,
    /// Name of the database.
    pub database: String,
    /// A user of its own for Spine, with read rights only. Not with `key`.
    pub user: Option<String>,
    /// The user's password.
    pub password: Option<SecretRef>,
    /// A user application key for the application `rest`, in place of `user` and `password`. Series 8 only.
    pub key: Option<SecretRef>,
    /// The protocol: `8` for series 8.0 and later, `6` for those before it (6.0 to 7.8).
    #[serde(default)]
    pub series: Series,
    /// Name of the company, where the user sees more than one.
    pub company: Option<String>,
    /// The field of a project (`project.work`) that carries the shared ID: `number` (series 8), `name`, `comment`, or one that
    /// a module of your own adds.
    #[serde(default = "number")]
    pub project_on: String,
    /// The field of an opportunity (`sale.opportunity`) that carries the shared ID.
    #[serde(default = "reference")]
    pub deal_on: String,
    /// What carries the shared ID of invoices to clients: `analytic` (the code of the analytic account of each line; they may
    /// be split over projects), or a field of the invoice, e.g. `reference` or `party.code`.
    #[serde(default)]
    #[schemars(with = "String")]
    pub invoices_on: Carrier,
    /// What carries the shared ID of bills and purchases: `analytic`, or a field that both have.
    #[serde(default)]
    #[schemars(with = "String")]
    pub costs_on: Carrier,
    /// Code or name of the analytic root that holds projects, where there is more than one root.
    pub analytic_root: Option<String>,
    /// What people's time costs is read from: `timesheets` (hours at the employee's cost price), `journal` (postings on
    /// `labour_accounts`), or `none`. Never both: they are the same hours.
    #[serde(default)]
    pub labour: Labour,
    /// Which projects of the books are projects of timesheets, too.
    #[serde(default)]
    pub timesheet_projects: TimesheetProjects,
    /// What hours cost whose cost price is 0, which is what Tryton keeps where nobody stated one.
    #[serde(default)]
    pub hours_without_cost: HoursWithoutCost,
    /// Accounts whose postings are labour, by the beginnings of their codes. With `labour = "timesheets"` they are no costs.
    #[serde(default)]
    pub labour_accounts: Vec<String>,
    /// Whether purchases are read, for what is ordered and not yet billed. Needs the module `purchase`.
    #[serde(default = "yes")]
    pub purchases: bool,
    /// What the statuses of projects mean, by their names.
    #[serde(default = "statuses")]
    pub status: BTreeMap<String, StatusWord>,
    /// Rows per page, 1 to 1000.
    #[serde(default = "page_size")]
    pub page_size: usize,
    /// Link to a record for people, with `{model}` and `{id}`.
    pub record_url: Option<String>,
}

/// A protocol.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
pub enum Series {
    /// Calls go to the database's path.
    #[serde(rename = "6")]
    Six,
    /// Calls go to `rpc/` below it.
    #[default]
    #[serde(rename = "8")]
    Eight,
}

/// What carries the shared ID of documents.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Carrier {
    /// The analytic account of each line.
    #[default]
    Analytic,
    /// A field of the document, as a path.
    Field(String),
}

impl<'de> Deserialize<'de> for Carrier {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Ok(if word == "analytic" { Self::Analytic } else { Self::Field(word) })
    }
}

/// Which projects of the books are projects of timesheets.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TimesheetProjects {
    /// Each: where no project carries the shared ID, its hours are not known, and its costs are refused.
    #[default]
    Each,
    /// Some: on the others nobody books hours.
    Some,
}

/// What a project's status means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StatusWord {
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
}

fn number() -> String {
    "number".to_owned()
}

fn reference() -> String {
    "reference".to_owned()
}

fn page_size() -> usize {
    500
}

fn yes() -> bool {
    true
}

/// The statuses that Tryton installs.
fn statuses() -> BTreeMap<String, StatusWord> {
    [("Open".to_owned(), StatusWord::Active), ("Done".to_owned(), StatusWord::Completed)].into()
}

impl Config {
    /// The database's address, e.g. `https://tryton.example.com/prod`.
    pub(super) fn root(&self) -> Result<Url, ConnectionProblem> {
        let problem = |message: &str| ConnectionProblem::new("url", message);
        let base = self.url.trim_end_matches('/');
        let url = Url::parse(base).map_err(|_| problem("not a URL: write e.g. \"https://tryton.example.com\""))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(problem("must begin with https:// (or http:// within one machine)"));
        }
        Url::parse(&format!("{base}/{}", self.database)).map_err(|_| problem("not a URL"))
    }

    /// Checks what the types cannot.
    #[expect(clippy::match_same_arms, reason = "the order of the arms is the rule")]
    pub(super) fn check(&self) -> Result<(), ConnectionProblem> {
        let problem = |key: &str, message: &str| Err(ConnectionProblem::new(key, message));
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if self.database.is_empty() || !self.database.chars().all(plain) {
            return problem("database", "must be the name of the database: letters, digits, `_` and `-`");
        }
        match (&self.user, &self.password, &self.key) {
            (Some(user), Some(_), None) if user.trim().is_empty() || user.contains(':') => {
                return problem("user", "must be the login of a user, without a colon");
            }
            (Some(_), Some(_), None) => {}
            (None, None, Some(_)) if self.series == Series::Six => {
                return problem("key", "needs series 8: with series 6 write `user` and `password`");
            }
            (None, None, Some(_)) => {}
            (_, _, Some(_)) => {
                return problem("key", "takes the place of `user` and `password`: write one or the other");
            }
            (None, _, None) => return problem("user", "is missing: write `user` and `password`, or `key`"),
            (_, None, None) => return problem("password", "is missing: write `user` and `password`, or `key`"),
        }
        if self.series == Series::Six && self.project_on == "number" {
            return problem("project_on", "projects have no number in series 6: write e.g. \"name\"");
        }
        for (key, path) in [("project_on", Some(&self.project_on)), ("deal_on", Some(&self.deal_on))]
            .into_iter()
            .chain([("invoices_on", self.invoices_on.path()), ("costs_on", self.costs_on.path())])
        {
            if path.is_some_and(|path| !is_path(path)) {
                return problem(key, "must be the name of a field, e.g. \"reference\" or \"party.code\"");
            }
        }
        if self.analytic_root.is_some() && self.invoices_on.path().and(self.costs_on.path()).is_some() {
            return problem("analytic_root", "has no effect: neither `invoices_on` nor `costs_on` is \"analytic\"");
        }
        if !self.labour_accounts.is_empty() && self.costs_on != Carrier::Analytic {
            return problem(
                "labour_accounts",
                "has no effect: postings carry projects by `costs_on = \"analytic\"` only",
            );
        }
        self.labour.check(&self.labour_accounts, self.hours_without_cost)?;
        if self.labour != Labour::Timesheets && self.timesheet_projects == TimesheetProjects::Some {
            return problem("timesheet_projects", "has no effect: `labour` is not \"timesheets\"");
        }
        if !(1..=1000).contains(&self.page_size) {
            return problem("page_size", "must be from 1 to 1000");
        }
        if let Some(template) = &self.record_url {
            let filled = template.replace("{model}", "party.party").replace("{id}", "1");
            if filled.contains(['{', '}']) || Url::parse(&filled).is_err() {
                return problem("record_url", "must be a URL with no other places than {model} and {id}");
            }
        }
        Ok(())
    }
}

impl Carrier {
    /// The field, if it is one.
    pub(super) fn path(&self) -> Option<&String> {
        match self {
            Self::Analytic => None,
            Self::Field(path) => Some(path),
        }
    }
}

/// Names of fields with dots between them.
fn is_path(path: &str) -> bool {
    let name = |name: &str| {
        name.starts_with(|c: char| c.is_ascii_lowercase())
            && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
    };
    path.split('.').count() <= 4 && path.split('.').all(name)
}
