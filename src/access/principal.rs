//! Who asks.

/// Who asks, as their sign-in says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// How they signed in.
    pub kind: PrincipalKind,
    /// Who they are: stable, unique among all who sign in, and no secret.
    pub subject: String,
    /// Name for people.
    pub name: Option<String>,
    /// E-mail address; none if the sign-in does not state it.
    pub email: Option<String>,
    /// The roles that the sign-in gives, by their names.
    pub roles: Vec<String>,
}

/// How somebody signed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
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
    /// The word for it in answers and in the log.
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

impl Principal {
    /// Whoever asks where no sign-in is configured.
    pub fn anyone() -> Self {
        let subject = PrincipalKind::Anyone.as_str().to_owned();
        Self { kind: PrincipalKind::Anyone, subject, name: None, email: None, roles: Vec::new() }
    }
}
