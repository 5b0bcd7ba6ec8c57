//! How somebody signs in, as the configuration names it.

use serde::{Deserialize, Serialize};

/// How somebody signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PrincipalKind {
    /// Not at all: no sign-in is configured.
    Anyone,
    /// With an API key.
    Key,
    /// With a token of an OpenID Connect issuer.
    Oidc,
    /// By a request that the CRM signed for its user.
    Card,
    /// With a client certificate.
    Certificate,
}

impl PrincipalKind {
    /// The word for it in the configuration, in answers and in the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Anyone => "anyone",
            Self::Key => "key",
            Self::Oidc => "oidc",
            Self::Card => "card",
            Self::Certificate => "certificate",
        }
    }
}
