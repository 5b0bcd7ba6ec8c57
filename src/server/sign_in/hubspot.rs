//! Requests that HubSpot signs for its users: what a card fetches. They are believed for stored documents only, because the
//! card's code runs in its reader's browser and can make HubSpot sign any question.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use http::{HeaderMap, Method, Uri};
use moka::sync::Cache;
use secrecy::{ExposeSecret, SecretString};

use super::Denied;
use crate::access::{Principal, PrincipalKind};
use crate::config::HubSpotSignIn;
use crate::domain::Clock;
use crate::server::hubspot_signature::{PARAMETERS, SIGNATURE, TIMESTAMP, Unsigned, addresses, verify};

/// How often one signature is good: HubSpot asks again once when it gets no answer. All is only read, so that a second answer
/// does no harm; more would be somebody else's.
const MOST_USES: u32 = 2;

/// Signatures that are remembered. Only right ones are, so that nobody without the secret can push others out; a card asks for
/// far fewer within the five minutes in which one is good.
const MOST_REMEMBERED: u64 = 100_000;

/// The signatures that were used, and how often.
pub(super) type Uses = Cache<String, Arc<AtomicU32>>;

/// The app whose signatures are believed.
pub(super) struct HubSpot {
    secret: SecretString,
    config: HubSpotSignIn,
    uses: Uses,
    clock: Arc<dyn Clock>,
}

impl HubSpot {
    /// The error says which setting cannot be used, and why.
    pub(super) fn new(
        config: &HubSpotSignIn,
        clock: &Arc<dyn Clock>,
        uses: Option<Uses>,
    ) -> Result<Self, (&'static str, String)> {
        let secret = config.client_secret.read().map_err(|message| ("client_secret", message))?;
        let uses = uses.unwrap_or_else(|| Cache::builder().max_capacity(MOST_REMEMBERED).build());
        Ok(Self { secret, config: config.clone(), uses, clock: Arc::clone(clock) })
    }

    /// What it remembers, for who follows after it.
    pub(super) fn uses(&self) -> Uses {
        self.uses.clone()
    }

    /// For whom HubSpot signed a request.
    pub(super) fn identify(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Principal, Denied> {
        let signature = only(headers, SIGNATURE)?;
        let timestamp = only(headers, TIMESTAMP)?;
        let asked = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let addresses = addresses(&self.config.public_url, asked);
        let secret = self.secret.expose_secret().as_bytes();
        verify(secret, method, &addresses, body, timestamp, signature, self.clock.now()).map_err(Denied::Unsigned)?;
        let count = self.uses.get_with(signature.unwrap_or_default().to_owned(), Arc::default);
        if count.fetch_add(1, Ordering::Relaxed) >= MOST_USES {
            return Err(Denied::Wrong("a signature that was used before"));
        }
        let [portal, user, email, _] = parameters(uri.query().unwrap_or_default())?;
        let portal: Option<u64> = portal.and_then(|portal| portal.parse().ok());
        let portal = portal.filter(|portal| self.config.portals.contains(portal));
        let portal = portal.ok_or(Denied::Wrong("signed for an account that sign_in.hubspot.portals does not name"))?;
        let user: Option<u64> = user.and_then(|user| user.parse().ok());
        let user = user.ok_or(Denied::Wrong("signed for no user"))?;
        let email = email.filter(|email| !email.is_empty());
        Ok(Principal {
            kind: PrincipalKind::Card,
            subject: format!("hubspot:{portal}:{user}"),
            name: email.clone(),
            email,
            roles: self.config.roles.clone(),
            regions: Vec::new(),
            until: None,
        })
    }
}

/// The value of a header that is there once, as text.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Denied> {
    let mut values = headers.get_all(name).iter();
    let value = values.next();
    if values.next().is_some() {
        return Err(Denied::Wrong("signed twice"));
    }
    Ok(value.and_then(|value| value.to_str().ok()))
}

/// The values of [`PARAMETERS`]. One that is there twice is the card's own and HubSpot's, and nobody knows which.
fn parameters(query: &str) -> Result<[Option<String>; 4], Denied> {
    let mut values = [const { None }; 4];
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let Some(slot) = PARAMETERS.iter().zip(&mut values).find_map(|(known, slot)| (*known == name).then_some(slot))
        else {
            continue;
        };
        if slot.replace(value.into_owned()).is_some() {
            return Err(Denied::Wrong("signed for two users or accounts"));
        }
    }
    Ok(values)
}

impl fmt::Debug for HubSpot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HubSpot").field("portals", &self.config.portals).finish_non_exhaustive()
    }
}

impl From<Unsigned> for Denied {
    fn from(unsigned: Unsigned) -> Self {
        Self::Unsigned(unsigned)
    }
}
