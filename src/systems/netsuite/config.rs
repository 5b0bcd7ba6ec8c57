//! `[connections.NAME]` with `kind = "netsuite"`.

use serde::Deserialize;
use url::Url;

use crate::config::SecretRef;
use crate::domain::{Currency, parse_currency};
use crate::systems::ConnectionProblem;

/// Limits that suit a NetSuite account better than the general ones: an account of the standard tier answers five calls at
/// once, of all its integrations together, and its queries take time. TOML, below `[http]` of the configuration.
pub const HTTP_DEFAULTS: &str = "concurrency = 5\nattempt_timeout = \"15s\"\nidle_timeout = \"15s\"\n";

/// A NetSuite account, read by SuiteQL over REST.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Account ID, as under Setup > Company > Company Information, e.g. `1234567` or `1234567_SB1`.
    pub account: String,
    /// Where REST web services are; the account's own address, `https://ACCOUNT.suitetalk.api.netsuite.com`, unless told.
    pub url: Option<String>,
    /// Sign-in by OAuth 2.0 client credentials. This, or `token`.
    pub oauth2: Option<OAuth2>,
    /// Token-based authentication: each call is signed. This, or `oauth2`.
    pub token: Option<Token>,
    /// The field of the project record (`job`) that holds the shared ID: `entityid` (the project's ID), `externalid`, or a
    /// custom entity field, e.g. `custentity_project_code`.
    #[serde(default = "shared_id")]
    pub shared_id: String,
    /// Rows per page, 1 to 1000.
    #[serde(default = "page_size")]
    pub page_size: usize,
    /// ISO 4217 code of the base currency, for an account without subsidiaries. With subsidiaries (`OneWorld`), each line's
    /// own says so: leave it away.
    pub base_currency: Option<String>,
    /// Internal ID of the primary accounting book, usually 1; needed where Multi-Book Accounting is on.
    pub accounting_book: Option<u32>,
    /// Accounts whose journal lines are labour, by the beginnings of their numbers. Other journal lines on accounts of cost
    /// are expenses.
    #[serde(default)]
    pub labour_accounts: Vec<String>,
    /// Whether time entries are labour, at the labour cost that each carries. Only where time is not posted to the ledger:
    /// what is posted is a cost already.
    #[serde(default)]
    pub time_costs: bool,
    /// Link to a document for people, with `{id}` (internal ID), e.g.
    /// `https://1234567.app.netsuite.com/app/accounting/transactions/transaction.nl?id={id}`.
    pub document_url: Option<String>,
}

/// OAuth 2.0 client credentials: a certificate of Spine's own stands for a user and a role.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OAuth2 {
    /// Client ID of the integration record.
    pub client_id: String,
    /// ID of the certificate, as the page "OAuth 2.0 Client Credentials (M2M) Setup" shows it.
    pub certificate_id: String,
    /// The certificate's private key: PKCS#8 in PEM, EC (P-256, P-384, P-521) or RSA (3072 or 4096 bits).
    pub private_key: SecretRef,
}

/// Token-based authentication (OAuth 1.0a, HMAC-SHA256).
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Consumer key of the integration record.
    pub consumer_key: String,
    /// Consumer secret of the integration record.
    pub consumer_secret: SecretRef,
    /// Token ID of the access token.
    pub token_id: String,
    /// Token secret of the access token.
    pub token_secret: SecretRef,
}

fn shared_id() -> String {
    "entityid".to_owned()
}

fn page_size() -> usize {
    1000
}

impl Config {
    /// The root of REST web services, e.g. `https://1234567-sb1.suitetalk.api.netsuite.com`.
    pub(super) fn root(&self) -> Result<Url, ConnectionProblem> {
        let problem = |message: &str| ConnectionProblem::new("url", message);
        let text = self.url.clone().unwrap_or_else(|| {
            let account = self.account.trim().to_lowercase().replace('_', "-");
            format!("https://{account}.suitetalk.api.netsuite.com")
        });
        let url = Url::parse(text.trim_end_matches('/'))
            .map_err(|_| problem("not a URL: write e.g. \"https://1234567.suitetalk.api.netsuite.com\""))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(problem("must begin with https:// (or http:// within one machine)"));
        }
        if url.path().contains("/services") {
            return Err(problem("leave `/services/...` away"));
        }
        Ok(url)
    }

    /// Checks what the types cannot.
    pub(super) fn check(&self) -> Result<(), ConnectionProblem> {
        let problem = |key: &str, message: &str| Err(ConnectionProblem::new(key, message));
        let account = self.account.trim();
        if account.is_empty() || !account.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')) {
            return problem("account", "must be the account ID, e.g. \"1234567\" or \"1234567_SB1\"");
        }
        if self.oauth2.is_some() == self.token.is_some() {
            return problem("oauth2", "say how to sign in: a table `oauth2` or a table `token`, and not both");
        }
        if self.oauth2.as_ref().is_some_and(|oauth2| oauth2.client_id.trim().is_empty()) {
            return problem("oauth2.client_id", "is empty: write the client ID of the integration record");
        }
        if self.oauth2.as_ref().is_some_and(|oauth2| oauth2.certificate_id.trim().is_empty()) {
            return problem("oauth2.certificate_id", "is empty: write the ID of the certificate");
        }
        if self.token.as_ref().is_some_and(|token| token.consumer_key.trim().is_empty()) {
            return problem("token.consumer_key", "is empty: write the consumer key of the integration record");
        }
        if self.token.as_ref().is_some_and(|token| token.token_id.trim().is_empty()) {
            return problem("token.token_id", "is empty: write the ID of the access token");
        }
        let custom = self
            .shared_id
            .strip_prefix("custentity")
            .is_some_and(|rest| !rest.is_empty() && rest.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_')));
        if !custom && !matches!(self.shared_id.as_str(), "entityid" | "externalid") {
            return problem("shared_id", "must be `entityid`, `externalid` or a custom entity field in lower case");
        }
        if !(1..=1000).contains(&self.page_size) {
            return problem("page_size", "must be from 1 to 1000");
        }
        if self.labour_accounts.iter().any(|prefix| prefix.trim().is_empty()) {
            return problem("labour_accounts", "an empty beginning would take in every account; remove it");
        }
        if let Some(template) = &self.document_url {
            let filled = template.replace("{id}", "1");
            if filled.contains(['{', '}']) || Url::parse(&filled).is_err() {
                return problem("document_url", "must be a URL with no other place than {id}");
            }
        }
        Ok(())
    }

    /// The base currency, where the configuration states it.
    pub(super) fn base(&self) -> Result<Option<Currency>, ConnectionProblem> {
        let code = self.base_currency.as_deref();
        code.map(|code| {
            parse_currency(code)
                .map_err(|_| ConnectionProblem::new("base_currency", "is not an ISO 4217 code, e.g. EUR"))
        })
        .transpose()
    }
}
