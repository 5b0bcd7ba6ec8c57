//! Who asks.

use jiff::Timestamp;

pub use crate::config::PrincipalKind;

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
    /// The regions that the sign-in gives, by their names.
    pub regions: Vec<String>,
    /// Until when the sign-in is good; none if it does not say so.
    pub until: Option<Timestamp>,
}

impl Principal {
    /// Whoever asks where no sign-in is configured.
    pub fn anyone() -> Self {
        let subject = PrincipalKind::Anyone.as_str().to_owned();
        let (roles, regions) = (Vec::new(), Vec::new());
        Self { kind: PrincipalKind::Anyone, subject, name: None, email: None, roles, regions, until: None }
    }
}
