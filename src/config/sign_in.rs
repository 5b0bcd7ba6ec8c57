//! `[sign_in]`: who may ask, and how they say who they are.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::civil::Date;
use serde::{Deserialize, Deserializer};
use url::Url;

use super::reports::day;
use super::{Access, KeyHash, Seconds, SecretRef};

/// Who may ask, and how they say who they are. If nothing of it is there anybody may ask, and Spine listens on loopback only.
#[derive(Debug, Clone, Default, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SignIn {
    /// API keys by their names: `[sign_in.keys.powerbi]`. `spine keys create powerbi` makes one.
    pub keys: BTreeMap<String, ApiKey>,
    /// Issuers of tokens by names of your own: `[sign_in.oidc.company]`.
    pub oidc: BTreeMap<String, OidcIssuer>,
    /// Requests that HubSpot signs for its users.
    pub hubspot: Option<HubSpotSignIn>,
    /// Programs that show a certificate of `server.tls.client_ca`, by the DNS name in it: `[sign_in.certificates."billing.example.com"]`.
    pub certificates: BTreeMap<String, ClientName>,
    /// How much may be asked.
    pub rate: Rate,
}

/// An API key: `NAME.SECRET` as `Authorization: Bearer` or `X-API-Key`, or user name and password.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKey {
    /// Hash of the secret, as `spine keys create` prints it. The secret itself is kept nowhere.
    pub hash: KeyHash,
    /// The roles it gives, by their names in `[access.roles]`.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The regions of who has it, by their names in `[access.regions]`.
    #[serde(default)]
    pub regions: Vec<String>,
    /// The first day, in UTC, on which it is no longer good, e.g. 2027-06-30. Without it the key is good until it is taken out.
    #[serde(default, deserialize_with = "some_day")]
    #[schemars(with = "Option<String>", example = "2027-06-30")]
    pub expires: Option<Date>,
    /// What it may be used for; if nothing is said everything.
    #[serde(default = "all_scopes")]
    pub scopes: Vec<Scope>,
}

/// What a key may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// The graph, with any document: for developers.
    Graphql,
    /// The graph, with stored documents only: for cards.
    Stored,
    /// Reports and the OData feed: for BI tools.
    Reports,
}

impl Scope {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Graphql, Self::Stored, Self::Reports];

    /// The word for it in the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Graphql => "graphql",
            Self::Stored => "stored",
            Self::Reports => "reports",
        }
    }
}

/// An issuer of tokens: any that speaks OpenID Connect.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OidcIssuer {
    /// The issuer exactly as its tokens state it in `iss`, e.g. `https://login.example.com/realms/company`.
    pub issuer: String,
    /// The values of `aud` of which a token must have one: what Spine is called at the issuer.
    pub audience: Vec<String>,
    /// How its tokens may be signed. What is not named here is refused, whatever the token says.
    #[serde(default = "usual_algorithms")]
    pub algorithms: Vec<Algorithm>,
    /// Where its keys are. Without it they are found by `/.well-known/openid-configuration` below the issuer.
    #[serde(default)]
    pub jwks_url: Option<String>,
    /// File of CA certificates (PEM) to trust beside the public ones, for an issuer with a private certificate.
    #[serde(default)]
    pub ca_file: Option<PathBuf>,
    /// By how much the issuer's clock may differ from ours. At most five minutes.
    #[serde(default = "usual_leeway")]
    pub leeway: Seconds,
    /// Whether a token must say from when on it is good (`nbf`). Set it to false for issuers that leave it out.
    #[serde(default = "yes")]
    pub require_nbf: bool,
    /// Where a token states names of roles or groups: a claim, or a path into one with dots, e.g. `realm_access.roles`. Its
    /// value is a text or a list of texts.
    #[serde(default)]
    pub roles_claim: Option<String>,
    /// Which of these values give which roles, e.g. `{ "Spine Finance" = ["finance"] }`. If nothing is said each value is the
    /// name of a role.
    #[serde(default)]
    pub roles: BTreeMap<String, Vec<String>>,
    /// The roles of everybody whom it lets in.
    #[serde(default)]
    pub default_roles: Vec<String>,
    /// Where a token states the regions of who has it, by their names in `[access.regions]`: a claim, or a path into one with dots.
    /// Other values are nobody's region.
    #[serde(default)]
    pub regions_claim: Option<String>,
    /// The claim with the name for people.
    #[serde(default = "usual_name")]
    pub name_claim: String,
    /// The claim with the e-mail address. It is not believed where `email_verified` says false.
    #[serde(default = "usual_email")]
    pub email_claim: String,
}

/// How a token is signed: by key pairs only. With a shared secret whoever can check a token could make one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize, schemars::JsonSchema)]
pub enum Algorithm {
    /// RSA PKCS#1 v1.5 with SHA-256.
    RS256,
    /// RSA PKCS#1 v1.5 with SHA-384.
    RS384,
    /// RSA PKCS#1 v1.5 with SHA-512.
    RS512,
    /// RSA PSS with SHA-256.
    PS256,
    /// RSA PSS with SHA-384.
    PS384,
    /// RSA PSS with SHA-512.
    PS512,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
}

/// Requests that HubSpot signs for its users (`hubspot.fetch` in a card). They may ask with stored documents, and nothing else.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HubSpotSignIn {
    /// The client secret of the app that the card belongs to.
    pub client_secret: SecretRef,
    /// The address under which HubSpot reaches this server, e.g. `https://spine.example.com`: it is part of what is signed.
    pub public_url: String,
    /// The numbers of the accounts whose users may ask.
    pub portals: Vec<u64>,
    /// The roles of all of them. `[access.people]` gives more by e-mail address.
    #[serde(default)]
    pub roles: Vec<String>,
}

/// A program that shows a certificate.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientName {
    /// The roles it gives, by their names in `[access.roles]`.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The regions of who shows it, by their names in `[access.regions]`.
    #[serde(default)]
    pub regions: Vec<String>,
}

/// How much each may ask who has signed in. A request takes a point; one more for every 50 records of the longest list that it
/// asks for; a report, or a page of the feed, takes ten.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rate {
    /// Points a minute; 0 is no limit.
    pub per_minute: u32,
    /// Points that can be taken at once after a pause; 0 is as many as `per_minute`.
    pub burst: u32,
    /// Wrong keys and tokens a minute from one address; 0 is no limit. More are answered with 429. Right ones are not counted.
    pub failures_per_minute: u32,
}

impl Default for Rate {
    fn default() -> Self {
        Self { per_minute: 1200, burst: 600, failures_per_minute: 30 }
    }
}

/// The most by which clocks may differ.
const MOST_LEEWAY: Duration = Duration::from_mins(5);

impl SignIn {
    /// Whether anybody can sign in at all.
    pub fn is_configured(&self) -> bool {
        !self.keys.is_empty() || !self.oidc.is_empty() || self.hubspot.is_some() || !self.certificates.is_empty()
    }

    /// What is set to a value that cannot be, and why.
    pub(super) fn check(&self) -> Result<(), (String, String)> {
        for (name, key) in &self.keys {
            let at = |key: &str| format!("keys.{name}.{key}");
            if !is_key_name(name) {
                let message = "is no name for a key: write 1 to 64 letters, digits, `-` and `_`".to_owned();
                return Err((format!("keys.{name}"), message));
            }
            if key.scopes.is_empty() {
                return Err((at("scopes"), "is empty: the key would open nothing".to_owned()));
            }
        }
        for (name, issuer) in &self.oidc {
            issuer.check().map_err(|(key, message)| (format!("oidc.{name}.{key}"), message))?;
            let twice = |(other, known): (&String, &OidcIssuer)| other != name && known.issuer == issuer.issuer;
            if self.oidc.iter().any(twice) {
                return Err((format!("oidc.{name}.issuer"), "is the issuer of another table, too".to_owned()));
            }
        }
        if let Some(hubspot) = &self.hubspot {
            hubspot.check().map_err(|(key, message)| (format!("hubspot.{key}"), message))?;
        }
        Ok(())
    }

    /// Which role or region is named that there is not.
    pub(super) fn check_roles(&self, access: &Access) -> Result<(), (String, String)> {
        let keys = self.keys.iter().map(|(name, key)| (format!("keys.{name}.roles"), key.roles.iter()));
        let everybodys =
            self.oidc.iter().map(|(name, issuer)| (format!("oidc.{name}.default_roles"), issuer.default_roles.iter()));
        let mapped = self.oidc.iter().flat_map(|(name, issuer)| {
            let roles = issuer.roles.values();
            roles.map(move |roles| (format!("oidc.{name}.roles"), roles.iter()))
        });
        let hubspot = self.hubspot.iter().map(|hubspot| ("hubspot.roles".to_owned(), hubspot.roles.iter()));
        let certificates = self.certificates.iter();
        let certificates = certificates.map(|(name, of)| (format!("certificates.{name:?}.roles"), of.roles.iter()));
        for (path, mut roles) in keys.chain(everybodys).chain(mapped).chain(hubspot).chain(certificates) {
            if let Some(role) = roles.find(|role| !access.has_role(role)) {
                return Err((path, access.no_such_role(role)));
            }
        }
        for (name, key) in &self.keys {
            let path = format!("keys.{name}.regions");
            access.check_regions(&path, &key.regions)?;
            access.check_readers_regions(&path, !key.regions.is_empty())?;
        }
        for (name, of) in &self.certificates {
            let path = format!("certificates.{name:?}.regions");
            access.check_regions(&path, &of.regions)?;
            access.check_readers_regions(&path, !of.regions.is_empty())?;
        }
        for (name, issuer) in &self.oidc {
            let path = format!("oidc.{name}.regions_claim");
            access.check_readers_regions(&path, issuer.regions_claim.is_some())?;
        }
        match self.keys.iter().find(|(_, key)| key.roles.is_empty()) {
            Some((name, _)) if !access.roles.is_empty() => {
                Err((format!("keys.{name}.roles"), "says no role: nobody could read anything with this key".to_owned()))
            }
            _ => Ok(()),
        }
    }
}

impl OidcIssuer {
    fn check(&self) -> Result<(), (&'static str, String)> {
        is_safe_url(&self.issuer).map_err(|message| ("issuer", message))?;
        if let Some(url) = &self.jwks_url {
            is_safe_url(url).map_err(|message| ("jwks_url", message))?;
        }
        if self.audience.is_empty() || self.audience.iter().any(String::is_empty) {
            let message = "must name what Spine is called at the issuer: a token for somebody else would open it";
            return Err(("audience", message.to_owned()));
        }
        if self.algorithms.is_empty() {
            return Err(("algorithms", "is empty: no token could be checked".to_owned()));
        }
        if self.leeway.0 > MOST_LEEWAY {
            return Err(("leeway", "must be at most 5 minutes".to_owned()));
        }
        if !self.roles.is_empty() && self.roles_claim.is_none() {
            return Err(("roles", "has no effect without `roles_claim`".to_owned()));
        }
        Ok(())
    }
}

impl HubSpotSignIn {
    fn check(&self) -> Result<(), (&'static str, String)> {
        is_safe_url(&self.public_url).map_err(|message| ("public_url", message))?;
        if self.public_url.contains(['?', '#']) || self.public_url.ends_with('/') {
            return Err(("public_url", "must have no slash at its end, no `?` and no `#`".to_owned()));
        }
        if self.portals.is_empty() {
            return Err(("portals", "names no account: nobody could sign in".to_owned()));
        }
        Ok(())
    }
}

/// Keys, tokens and secrets travel by it: TLS, or this machine.
fn is_safe_url(text: &str) -> Result<(), String> {
    let Ok(url) = Url::parse(text) else { return Err(format!("`{text}` is not a URL")) };
    let local = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    match url.scheme() {
        "https" if bare => Ok(()),
        "http" if bare && local => Ok(()),
        "http" => Err("must be https: whoever is on the way could change what it answers".to_owned()),
        _ => Err("must be a URL with https, and without user name or `#`".to_owned()),
    }
}

/// Whether a name can be that of a key: it has no dot, which is what stands between name and secret, and no colon, which is
/// what stands between user name and password.
pub fn is_key_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

fn some_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    day(deserializer).map(Some)
}

fn all_scopes() -> Vec<Scope> {
    Scope::ALL.into()
}

fn usual_algorithms() -> Vec<Algorithm> {
    vec![Algorithm::RS256, Algorithm::ES256]
}

fn usual_leeway() -> Seconds {
    Seconds(Duration::from_secs(30))
}

fn yes() -> bool {
    true
}

fn usual_name() -> String {
    "name".to_owned()
}

fn usual_email() -> String {
    "email".to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "hash = \"sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\"";

    fn checked(text: &str) -> String {
        let section: Result<SignIn, _> = toml::from_str(text);
        match section.map_err(|error| error.message().to_owned()).map(|section| section.check()) {
            Ok(Ok(())) => String::new(),
            Ok(Err((path, message))) => format!("{path}: {message}"),
            Err(message) => message,
        }
    }

    #[test]
    fn what_could_let_in_the_wrong_people_is_told_before_a_port_opens() {
        let oidc = |more: &str| format!("[oidc.a]\nissuer = \"https://a.example\"\naudience = [\"spine\"]\n{more}");
        let hubspot = |url: &str, portals: &str| {
            format!("[hubspot]\nclient_secret = {{ env = \"X\" }}\npublic_url = \"{url}\"\nportals = {portals}")
        };
        for (text, part) in [
            (String::new(), ""),
            (format!("[keys.bi]\n{KEY}\nexpires = 2027-01-31\nscopes = [\"reports\"]"), ""),
            (format!("[keys.\"b.i\"]\n{KEY}"), "keys.b.i: is no name for a key"),
            (format!("[keys.bi]\n{KEY}\nscopes = []"), "keys.bi.scopes: is empty"),
            (format!("[keys.bi]\n{KEY}\nexpires = \"soon\""), "`soon` is not a day"),
            ("[keys.bi]\nhash = \"canary\"".to_owned(), "is no hash of a secret"),
            (oidc(""), ""),
            (oidc("roles_claim = \"groups\"\nroles = { a = [\"b\"] }"), ""),
            (oidc("roles = { a = [\"b\"] }"), "oidc.a.roles: has no effect"),
            (oidc("algorithms = []"), "oidc.a.algorithms: is empty"),
            (oidc("algorithms = [\"HS256\"]"), "unknown variant `HS256`"),
            (oidc("algorithms = [\"none\"]"), "unknown variant `none`"),
            (oidc("leeway = \"1h\""), "oidc.a.leeway: must be at most"),
            (oidc("jwks_url = \"http://a.example/keys\""), "oidc.a.jwks_url: must be https"),
            (oidc("jwks_url = \"http://127.0.0.1:1/keys\""), ""),
            ("[oidc.a]\nissuer = \"http://a.example\"\naudience = [\"s\"]".to_owned(), "oidc.a.issuer: must be https"),
            ("[oidc.a]\nissuer = \"https://a.example\"\naudience = []".to_owned(), "oidc.a.audience: must name"),
            (
                format!("{}\n{}", oidc(""), oidc("").replace("oidc.a", "oidc.b")),
                "oidc.a.issuer: is the issuer of another",
            ),
            (hubspot("https://s.example", "[1]"), ""),
            (hubspot("https://s.example/", "[1]"), "hubspot.public_url: must have no slash"),
            (hubspot("http://s.example", "[1]"), "hubspot.public_url: must be https"),
            (hubspot("https://s.example", "[]"), "hubspot.portals: names no account"),
        ] {
            let said = checked(&text);
            assert!(if part.is_empty() { said.is_empty() } else { said.contains(part) }, "{text}\n{said}");
            assert!(!said.contains("canary"), "{said}");
        }
    }

    #[test]
    fn a_key_without_a_role_and_a_role_that_there_is_not_are_named() {
        let access: Access = toml::from_str("[roles.finance]").unwrap();
        let roles = |text: &str| toml::from_str::<SignIn>(text).unwrap().check_roles(&access);
        assert_eq!(roles(&format!("[keys.bi]\n{KEY}\nroles = [\"finance\"]")), Ok(()));
        let (path, message) = roles(&format!("[keys.bi]\n{KEY}\nroles = [\"finanse\"]")).unwrap_err();
        assert_eq!(
            (path.as_str(), message.as_str()),
            ("keys.bi.roles", "there is no role `finanse`: did you mean `finance`?")
        );
        let (path, _) = roles(&format!("[keys.bi]\n{KEY}")).unwrap_err();
        assert_eq!(path, "keys.bi.roles");
        let without = toml::from_str::<SignIn>(&format!("[keys.bi]\n{KEY}")).unwrap();
        assert_eq!(without.check_roles(&Access::default()), Ok(()), "without roles everybody sees everything");
    }
}
