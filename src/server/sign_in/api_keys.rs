//! API keys: known by their hashes, from the configuration.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Denied;
use crate::access::{Principal, PrincipalKind};
use crate::config::{ApiKey, KeyHash, Scope};

/// The keys.
#[derive(Debug)]
pub(super) struct ApiKeys(BTreeMap<String, ApiKey>);

impl ApiKeys {
    pub(super) fn new(keys: &BTreeMap<String, ApiKey>) -> Self {
        Self(keys.clone())
    }

    /// Whose key it is, if it may be used for this.
    pub(super) fn identify(
        &self,
        name: &str,
        secret: &str,
        today: Date,
        scope: Option<Scope>,
    ) -> Result<Principal, Denied> {
        let key = self.0.get(name);
        // For a name that nobody has the same is computed: the time tells no names.
        let is_right = key.map_or(KeyHash::NONE, |key| key.hash).is_of(secret);
        let key = key.filter(|_| is_right).ok_or(Denied::Wrong("no such key"))?;
        if key.expires.is_some_and(|expires| today >= expires) {
            return Err(Denied::Expired);
        }
        if scope.is_some_and(|scope| !key.scopes.contains(&scope)) {
            return Err(Denied::Scope);
        }
        Ok(Principal {
            kind: PrincipalKind::Key,
            subject: format!("key:{name}"),
            name: Some(name.to_owned()),
            email: None,
            roles: key.roles.clone(),
            regions: key.regions.clone(),
            until: key.expires.and_then(|day| TimeZone::UTC.to_timestamp(day.at(0, 0, 0, 0)).ok()),
        })
    }
}
