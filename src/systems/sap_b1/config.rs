//! `[connections.NAME]` with `kind = "sap_b1"`.

use std::collections::BTreeMap;

use serde::Deserialize;
use url::Url;

use crate::config::SecretRef;
use crate::domain::{Currency, parse_currency};
use crate::systems::ConnectionProblem;

/// Limits that suit a Service Layer better than the general ones: it has few workers, and joins over rows take time.
/// TOML, below `[http]` of the configuration.
pub const HTTP_DEFAULTS: &str = "concurrency = 4\nattempt_timeout = \"8s\"\nidle_timeout = \"8s\"\n";

/// A SAP Business One company database, read through its Service Layer.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the Service Layer listens, without `/b1s/...`, e.g. `https://sap.example.com:50000`.
    pub url: String,
    /// Name of the company database.
    pub company_db: String,
    /// A user of its own for Spine, with read rights only.
    pub user: String,
    /// The user's password.
    pub password: SecretRef,
    /// Dialect of the Service Layer: `v2` (OData 4), or `v1` for systems before 10.0.
    #[serde(default)]
    pub version: Version,
    /// Where invoices and credit notes carry the shared ID: `header` (the document's project; one call), or `lines` (the
    /// project of each line, the document's where a line has none; documents may be split over projects).
    #[serde(default = "header")]
    pub project_on: Carrier,
    /// Where purchase documents carry the shared ID. They are often split, so `lines` unless told.
    #[serde(default = "lines")]
    pub costs_on: Carrier,
    /// Rows per page, 1 to 1000.
    #[serde(default = "page_size")]
    pub page_size: usize,
    /// ISO 4217 code of the company's local currency; asked of the system once if not given.
    pub local_currency: Option<String>,
    /// ISO 4217 codes of currencies that the company database calls by other names, e.g. `{ "$" = "USD" }`.
    #[serde(default)]
    pub currencies: BTreeMap<String, String>,
    /// Whether journal entries posted by hand (e.g. payroll) are costs. Needs the stored query `journal_query`.
    #[serde(default = "yes")]
    pub journal_costs: bool,
    /// Code of the stored query that lists rows of journal entries by project; an administrator installs it once.
    #[serde(default = "journal_query")]
    pub journal_query: String,
    /// Accounts whose journal rows are labour, by the beginnings of their codes.
    #[serde(default = "labour_accounts")]
    pub labour_accounts: Vec<String>,
    /// Accounts whose journal rows are expenses, by the beginnings of their codes. Rows on other accounts are no costs;
    /// with both lists empty, the journal is not read.
    #[serde(default = "expense_accounts")]
    pub expense_accounts: Vec<String>,
    /// Link to a document for people, with `{type}` (object type, e.g. 13), `{entry}` (internal key) and `{number}`.
    pub document_url: Option<String>,
}

/// A dialect of the Service Layer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Version {
    /// `/b1s/v1`, OData 3.
    V1,
    /// `/b1s/v2`, OData 4.
    #[default]
    V2,
}

/// What carries the shared ID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Carrier {
    /// The document.
    Header,
    /// Its lines, the document where a line has none.
    Lines,
}

fn header() -> Carrier {
    Carrier::Header
}

fn lines() -> Carrier {
    Carrier::Lines
}

fn page_size() -> usize {
    500
}

fn yes() -> bool {
    true
}

fn journal_query() -> String {
    "spine_journal".to_owned()
}

fn labour_accounts() -> Vec<String> {
    vec!["5".to_owned()]
}

fn expense_accounts() -> Vec<String> {
    vec!["6".to_owned()]
}

impl Config {
    /// The service root, e.g. `https://sap.example.com:50000/b1s/v2`.
    pub(super) fn root(&self) -> Result<Url, ConnectionProblem> {
        let problem = |message: &str| ConnectionProblem::new("url", message);
        let base = self.url.trim_end_matches('/');
        let url = Url::parse(base).map_err(|_| problem("not a URL: write e.g. \"https://sap.example.com:50000\""))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(problem("must begin with https:// (or http:// within one machine)"));
        }
        if url.path().contains("/b1s") {
            return Err(problem("leave `/b1s/...` away: `version` says which dialect is spoken"));
        }
        let version = match self.version {
            Version::V1 => "v1",
            Version::V2 => "v2",
        };
        Url::parse(&format!("{base}/b1s/{version}")).map_err(|_| problem("not a URL"))
    }

    /// Checks what the types cannot.
    pub(super) fn check(&self) -> Result<(), ConnectionProblem> {
        let problem = |key: &str, message: &str| Err(ConnectionProblem::new(key, message));
        if self.company_db.trim().is_empty() {
            return problem("company_db", "is empty: write the name of the company database");
        }
        if self.user.trim().is_empty() {
            return problem("user", "is empty: write the name of the service user");
        }
        if !(1..=1000).contains(&self.page_size) {
            return problem("page_size", "must be from 1 to 1000");
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if self.journal_query.is_empty() || !self.journal_query.chars().all(plain) {
            return problem("journal_query", "must be the code of a stored query: letters, digits, `_` and `-`");
        }
        if self.labour_accounts.iter().chain(&self.expense_accounts).any(|prefix| prefix.trim().is_empty()) {
            return problem("labour_accounts", "an empty beginning would take in every account; remove it");
        }
        if let Some(template) = &self.document_url {
            let filled =
                ["{type}", "{entry}", "{number}"].iter().fold(template.clone(), |url, key| url.replace(key, "1"));
            if filled.contains(['{', '}']) || Url::parse(&filled).is_err() {
                return problem("document_url", "must be a URL with no other places than {type}, {entry} and {number}");
            }
        }
        Ok(())
    }

    /// The local currency, where the configuration states it.
    pub(super) fn local(&self) -> Result<Option<Currency>, ConnectionProblem> {
        self.local_currency.as_deref().map(|code| iso("local_currency", code)).transpose()
    }

    /// The company's own names of currencies.
    pub(super) fn named_currencies(&self) -> Result<BTreeMap<String, Currency>, ConnectionProblem> {
        self.currencies
            .iter()
            .map(|(name, code)| Ok((name.trim().to_owned(), iso(&format!("currencies.{name}"), code)?)))
            .collect()
    }

    /// Whether the journal is read at all.
    pub(super) fn reads_journal(&self) -> bool {
        self.journal_costs && !(self.labour_accounts.is_empty() && self.expense_accounts.is_empty())
    }
}

fn iso(key: &str, code: &str) -> Result<Currency, ConnectionProblem> {
    parse_currency(code).map_err(|_| ConnectionProblem::new(key, "is not an ISO 4217 code, e.g. EUR"))
}
