//! `spine.toml`: one file per section. Everything is validated before a port opens.

mod access;
mod audit;
mod cache;
mod document;
mod duration;
mod files;
mod key_hash;
mod limits;
mod network;
mod operations;
mod overlap;
mod owners;
mod principal;
mod replicas;
mod reports;
mod secret;
mod server;
mod shared_id;
mod sign_in;
mod tls;
mod traffic;
mod webhook;

pub use access::{Access, DealRule, Person, Role, Team, Whose};
pub use audit::Audit;
pub use cache::{Cache, CacheDomain, CacheDomains};
pub use document::{ConfigError, Document, nearest};
pub use duration::Seconds;
pub use files::named_files;
pub use key_hash::KeyHash;
pub use limits::Limits;
pub use network::Network;
pub use operations::Operations;
pub use owners::{DomainOwners, OwnerRule, Owners};
pub use principal::PrincipalKind;
pub use replicas::Replicas;
pub use reports::{Amount, CurrencyCode, RateTable, Reports, Support};
pub use secret::SecretRef;
pub use server::{ServerOptions, WebOrigin};
pub use shared_id::{NormalizeStep, SharedId};
pub use sign_in::{Algorithm, ApiKey, ClientName, HubSpotSignIn, OidcIssuer, Rate, Scope, SignIn, is_key_name};
pub use tls::Tls;
pub use traffic::Traffic;
pub use webhook::{Place, SignatureEncoding, Webhook, WebhookForm};

use std::fmt::Display;
use std::path::Path;

use serde::de::DeserializeOwned;

use crate::domain::{ConnectionName, Domain, SharedIdRule};

/// The sections of the file.
const SECTIONS: [&str; 13] = [
    "shared_id",
    "owners",
    "connections",
    "cache",
    "http",
    "server",
    "limits",
    "reports",
    "access",
    "sign_in",
    "audit",
    "operations",
    "replicas",
];

/// A configuration that reads as what it should be. Whether the connections can serve what they own is for the systems
/// to say, which know what their kinds can do.
#[derive(Debug, Clone)]
pub struct Config {
    /// How shared IDs are spelled.
    pub shared_id: SharedIdRule,
    /// Which connection owns which domain.
    pub owners: Owners,
    /// How long values live.
    pub cache: Cache,
    /// The HTTP door.
    pub server: ServerOptions,
    /// How large a query may be.
    pub limits: Limits,
    /// How questions about many projects are answered.
    pub reports: Reports,
    /// Which role may read what.
    pub access: Access,
    /// Who may ask, and how they say who they are.
    pub sign_in: SignIn,
    /// The trail of who asked for what.
    pub audit: Audit,
    /// Documents that are known beforehand.
    pub operations: Operations,
    /// The other processes that answer for the same systems; none if there are none, or nobody says which.
    pub replicas: Option<Replicas>,
    /// The connections: name and kind, in the order of the file.
    pub connections: Vec<(ConnectionName, String)>,
    document: Document,
}

impl Config {
    /// Reads a configuration file.
    pub fn read(path: &Path) -> Result<Self, Vec<ConfigError>> {
        let file = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&file, &text),
            Err(error) => {
                let message = format!("cannot be read: {}", error.kind());
                Err(vec![ConfigError { file, line: None, column: None, path: String::new(), message }])
            }
        }
    }

    /// What is no mistake, and yet may not be what was meant.
    pub fn warnings(&self) -> Vec<ConfigError> {
        let mut warnings = Vec::new();
        if self.sign_in.is_configured() && self.access.roles.is_empty() {
            let message = "gives no roles, so nobody who signs in is shown costs and margins: say who is, e.g. \
                [access.roles.finance] with reads = [\"commercial\", \"delivery\", \"tickets\", \"receivables\", \"costs\", \
                \"margins\"], and roles = [\"finance\"] at a key";
            warnings.push(self.error_at("sign_in", message));
        }
        let tells = |(name, _): &(ConnectionName, String)| self.webhook(name).is_ok_and(|webhook| webhook.is_some());
        if self.replicas.is_some() && !self.connections.iter().any(tells) {
            let message = "has nothing to tell: no connection has a webhook, so nobody says what has changed";
            warnings.push(self.error_at("replicas", message));
        }
        warnings
    }

    /// Reads a configuration. All that is wrong with it is reported at once.
    pub fn parse(file: &str, text: &str) -> Result<Self, Vec<ConfigError>> {
        let document = Document::parse(file, text).map_err(|error| vec![error])?;
        let mut errors = Vec::new();
        for key in document.keys(&[]) {
            if !SECTIONS.contains(&key.as_str()) {
                let hint = nearest(&key, &SECTIONS).map_or_else(
                    || format!("known sections are {}", SECTIONS.join(", ")),
                    |name| format!("did you mean `{name}`?"),
                );
                errors.push(document.error_at(&key, format!("unknown section: {hint}")));
            }
        }
        let shared_id = keep(&mut errors, shared_id(&document));
        let owners: Option<Owners> = keep(&mut errors, document.section(&[&["owners"]], &[]));
        let cache: Option<Cache> = keep(&mut errors, document.section(&[&["cache"]], &[]));
        let server = keep(&mut errors, checked(&document, "server", ServerOptions::check));
        let limits = keep(&mut errors, checked(&document, "limits", Limits::check));
        let reports = keep(&mut errors, checked(&document, "reports", Reports::check));
        let access = keep(&mut errors, checked(&document, "access", Access::check));
        let operations = keep(&mut errors, document.section(&[&["operations"]], &[]));
        let audit = keep(&mut errors, checked(&document, "audit", Audit::check));
        let sign_in = keep(&mut errors, checked(&document, "sign_in", SignIn::check));
        let replicas = keep(&mut errors, replicas(&document));
        keep(&mut errors, document.section::<Traffic>(&[&["http"]], &[]));
        let mut connections = Vec::new();
        for name in document.keys(&["connections"]) {
            match document.text(&["connections", &name, "kind"]) {
                Some(kind) => connections.push((ConnectionName::new(name), kind)),
                None => errors.push(document.error_at(
                    &format!("connections.{name}"),
                    "says no `kind`: write which system it is, e.g. kind = \"hubspot\"",
                )),
            }
        }
        if let Some(owners) = &owners {
            check_owners(&document, owners, shared_id.as_ref(), &mut errors);
        }
        if let (Some(sign_in), Some(access), Some(server)) = (&sign_in, &access, &server) {
            check_sign_in(&document, sign_in, access, server, &mut errors);
        }
        match (shared_id, owners, cache, server, limits, reports, access, sign_in, audit, operations, replicas) {
            (
                Some(shared_id),
                Some(owners),
                Some(cache),
                Some(server),
                Some(limits),
                Some(reports),
                Some(access),
                Some(sign_in),
                Some(audit),
                Some(operations),
                Some(replicas),
            ) if errors.is_empty() => Ok(Self {
                shared_id,
                owners,
                cache,
                server,
                limits,
                reports,
                access,
                sign_in,
                audit,
                operations,
                replicas,
                connections,
                document,
            }),
            _ => Err(errors),
        }
    }

    /// The section of a connection, as its connector's own struct.
    pub fn connection<T: DeserializeOwned>(&self, name: &ConnectionName) -> Result<T, ConfigError> {
        self.document.section(&[&["connections", name.as_str()]], &["kind", "http", "webhook"])
    }

    /// How the system of a connection tells that a record has changed; none if it does not.
    pub fn webhook(&self, name: &ConnectionName) -> Result<Option<Webhook>, ConfigError> {
        let path = ["connections", name.as_str(), "webhook"];
        if !self.document.keys(&path[..2]).iter().any(|key| key == "webhook") {
            return Ok(None);
        }
        let webhook: Webhook = self.document.section(&[&path], &[])?;
        let at = |key: &str| format!("{}.{key}", path.join("."));
        webhook.check().map_err(|(key, message)| self.document.error_at(&at(key), message))?;
        Ok(Some(webhook))
    }

    /// The limits of a connection: the kind's own defaults (TOML), `[http]` over them, `[connections.NAME.http]` on top.
    pub fn traffic(&self, name: &ConnectionName, kind_defaults: &str) -> Result<Traffic, ConfigError> {
        self.document.section_over(kind_defaults, &[&["http"], &["connections", name.as_str(), "http"]], &[])
    }

    /// An error at a dotted path of the file.
    pub fn error_at(&self, path: &str, message: impl Into<String>) -> ConfigError {
        self.document.error_at(path, message)
    }
}

/// A section that can be read and yet be wrong.
fn checked<T: DeserializeOwned, K: Display>(
    document: &Document,
    name: &str,
    check: impl Fn(&T) -> Result<(), (K, String)>,
) -> Result<T, ConfigError> {
    let section = document.section(&[&[name]], &[])?;
    check(&section).map_err(|(key, message)| document.error_at(&format!("{name}.{key}"), message))?;
    Ok(section)
}

/// The replicas, if there is a section about them.
fn replicas(document: &Document) -> Result<Option<Replicas>, ConfigError> {
    let is_there = document.keys(&[]).iter().any(|key| key == "replicas");
    is_there.then(|| checked(document, "replicas", Replicas::check)).transpose()
}

fn shared_id(document: &Document) -> Result<SharedIdRule, ConfigError> {
    if document.keys(&["shared_id"]).is_empty() {
        return Err(document.error_at(
            "shared_id",
            "is missing: say what a project ID looks like, e.g. pattern = \"^PRJ-\\\\d{4}-\\\\d{3}$\"",
        ));
    }
    let section: SharedId = document.section(&[&["shared_id"]], &[])?;
    section.rule().map_err(|(key, message)| document.error_at(&format!("shared_id.{key}"), message))
}

fn check_owners(document: &Document, owners: &Owners, ids: Option<&SharedIdRule>, errors: &mut Vec<ConfigError>) {
    let names = document.keys(&["connections"]);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    if Domain::ALL.iter().all(|domain| owners.of(*domain).is_empty()) {
        errors.push(document.error_at("owners", "names no owner: say which connection owns which domain"));
    }
    for domain in Domain::ALL {
        let path = format!("owners.{domain}");
        for OwnerRule { owner, .. } in owners.of(domain).iter().filter(|rule| !names.contains(&rule.owner.as_str())) {
            let hint = nearest(owner.as_str(), &names).map_or_else(
                || format!("there is no table [connections.{owner}]"),
                |name| format!("there is no connection `{owner}`: did you mean `{name}`?"),
            );
            errors.push(document.error_at(&path, hint));
        }
        if let Some(problem) = ids.and_then(|ids| owners.check(domain, &ids.patterns())) {
            errors.push(document.error_at(&path, problem));
        }
    }
}

fn check_sign_in(
    document: &Document,
    sign_in: &SignIn,
    access: &Access,
    server: &ServerOptions,
    errors: &mut Vec<ConfigError>,
) {
    let client_ca = server.tls.as_ref().is_some_and(|tls| tls.client_ca.is_some());
    if !client_ca && !sign_in.certificates.is_empty() {
        let message = "has no effect without server.tls.client_ca, which says whose certificates these are";
        errors.push(document.error_at("sign_in.certificates", message));
    }
    if client_ca && sign_in.certificates.is_empty() {
        let message = "has no effect without [sign_in.certificates], which says whose certificate gives which roles";
        errors.push(document.error_at("server.tls.client_ca", message));
    }
    if let Err((key, message)) = sign_in.check_roles(access) {
        errors.push(document.error_at(&format!("sign_in.{key}"), message));
    }
    if !sign_in.is_configured() && !server.listen.ip().is_loopback() {
        errors.push(document.error_at(
            "server.listen",
            format!(
                "is {}, which others reach, and nobody has to sign in: listen on 127.0.0.1, or say in [sign_in] who may ask \
                 (`spine keys create` makes a key)",
                server.listen
            ),
        ));
    }
}

fn keep<T>(errors: &mut Vec<ConfigError>, result: Result<T, ConfigError>) -> Option<T> {
    result.map_err(|error| errors.push(error)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[shared_id]
pattern = '^PRJ-\d{4}-\d{3}$'

[owners]
commercial = "crm"

[cache]
ttl = "20s"

[cache.domains]
delivery = { ttl = "1m", stale_if_error = "5m" }

[http]
retries = 2

[connections.crm]
kind = "hubspot"
token = { env = "X" }

[connections.crm.http]
concurrency = 3
"#;

    fn errors(text: &str) -> String {
        Config::parse("spine.toml", text).unwrap_err().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn layers_lie_over_one_another() {
        let config = Config::parse("spine.toml", GOOD).unwrap();
        let crm = ConnectionName::new("crm");
        let traffic = config.traffic(&crm, "queue = 7\nretries = 0").unwrap();
        assert_eq!((traffic.queue, traffic.retries, traffic.concurrency), (7, 2, 3));
        assert_eq!(config.cache.ttl_of(Domain::Delivery).as_secs(), 60);
        assert_eq!(config.cache.ttl_of(Domain::Costs).as_secs(), 20);
        assert_eq!(config.cache.stale_if_error_of(Domain::Delivery).as_secs(), 300);
        assert!(config.cache.stale_if_error_of(Domain::Costs).is_zero());
    }

    #[test]
    fn every_message_names_line_and_path() {
        let wrong = [
            ("retries = 2", "retrys = 2"),
            ("\"20s\"", "\"20 sec onds\""),
            ("[cache]", "[cahce]"),
            ("commercial = \"crm\"", "commercial = [\"crm\", \"erp\"]"),
            ("commercial = \"crm\"", "commercial = \"crn\""),
            ("commercial = ", "comercial = "),
            ("commercial = \"crm\"", ""),
            ("kind = \"hubspot\"\n", ""),
            ("$'", "'"),
            ("^PRJ", "^(PRJ"),
            ("pattern = '^PRJ-\\d{4}-\\d{3}$'", ""),
            ("[owners]", "[owners"),
        ];
        let messages: Vec<String> = wrong.iter().map(|(from, to)| errors(&GOOD.replace(from, to))).collect();
        insta::assert_snapshot!(messages.join("\n"));
    }

    #[test]
    fn the_door_is_checked_before_it_opens() {
        let with = |text: &str| Config::parse("spine.toml", &format!("{GOOD}{text}"));
        let config = with("[server]\nlisten = \"127.0.0.1:8080\"\n[limits]\ndepth = 7").unwrap();
        assert_eq!((config.server.listen.port(), config.limits.depth, config.limits.nesting), (8080, 7, 64));
        let key = format!("[sign_in.keys.bi]\nhash = \"{}\"", KeyHash::of("secret"));
        assert!(with(&format!("[server]\nlisten = \"0.0.0.0:8080\"\n{key}")).is_ok());
        for (text, message) in [
            (
                "[server]\nlisten = \"0.0.0.0:8080\"",
                "spine.toml:24:1: server.listen: is 0.0.0.0:8080, which others reach, and nobody has to sign in: listen on \
                 127.0.0.1, or say in [sign_in] who may ask (`spine keys create` makes a key)",
            ),
            ("[limits]\nnesting = 1000", "spine.toml:24:1: limits.nesting: is 1000: the most that is safe is 64"),
            (
                "[server]\nmax_body = 0",
                "spine.toml:24:1: server.max_body: is 0: it must be at least 1 and at most 1073741824",
            ),
            (
                "[server]\nrequest_timeout = \"0s\"",
                "spine.toml:24:1: server.request_timeout: must be more than nothing and at most an hour",
            ),
            ("[limits]\ndetph = 1", "spine.toml:24:1: limits.detph: unknown key `detph`: did you mean `depth`?"),
            (
                "[limits]\nmeasure_only = [\"depth\", \"dept\"]",
                "spine.toml:24:1: limits.measure_only: names `dept`: limits that can be measured only are aliases, depth, \
                 directives, fragments, operations, report_calls, root_fields, tokens, upstream_calls, variables_bytes",
            ),
            (
                "[limits]\nmeasure_only = [\"nesting\"]",
                "spine.toml:24:1: limits.measure_only: names `nesting`, which is always enforced: the parser calls itself for \
                 each bracket, and a text beyond it ends the process",
            ),
            (
                "[limits]\nupstream_calls = 0",
                "spine.toml:24:1: limits.upstream_calls: is 0: nothing could be asked of a system",
            ),
        ] {
            let errors: Vec<String> = with(text).unwrap_err().iter().map(ToString::to_string).collect();
            assert_eq!(errors, [message]);
        }
    }

    #[test]
    fn a_connections_section_is_its_connectors_business() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Section {
            #[expect(dead_code, reason = "only its presence matters")]
            token: SecretRef,
        }
        let crm = ConnectionName::new("crm");
        assert!(Config::parse("spine.toml", GOOD).unwrap().connection::<Section>(&crm).is_ok());
        let config = Config::parse("spine.toml", &GOOD.replace("token =", "tokn =")).unwrap();
        assert_eq!(
            config.connection::<Section>(&crm).unwrap_err().to_string(),
            "spine.toml:19:1: connections.crm.tokn: unknown key `tokn`: did you mean `token`?"
        );
    }
}
