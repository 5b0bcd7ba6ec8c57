//! From a token to who presents it.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::Denied;
use super::issuer_keys::IssuerKeys;
use super::jwt::Token;
use crate::access::{Principal, PrincipalKind};
use crate::config::OidcIssuer;
use crate::domain::Clock;

/// An issuer whose tokens are believed.
#[derive(Debug)]
pub(super) struct Issuer {
    config: OidcIssuer,
    keys: Arc<IssuerKeys>,
    clock: Arc<dyn Clock>,
}

impl Issuer {
    /// The error says which setting cannot be used, and why.
    pub(super) fn new(
        name: &str,
        config: &OidcIssuer,
        clock: &Arc<dyn Clock>,
        keys: Option<Arc<IssuerKeys>>,
    ) -> Result<Self, (&'static str, String)> {
        let keys = keys.map_or_else(|| IssuerKeys::new(name, config, Arc::clone(clock)), Ok)?;
        Ok(Self { config: config.clone(), keys, clock: Arc::clone(clock) })
    }

    /// Its keys, for who follows after it, if they are read in the same way. A file of CAs may hold others by now.
    pub(super) fn keys_of(&self, config: &OidcIssuer) -> Option<Arc<IssuerKeys>> {
        let place = |config: &OidcIssuer| (config.issuer.clone(), config.jwks_url.clone());
        let same = place(&self.config) == place(config) && self.config.ca_file.is_none() && config.ca_file.is_none();
        same.then(|| Arc::clone(&self.keys))
    }

    /// Whether a token says that it is of this issuer.
    pub(super) fn issued(&self, token: &Token<'_>) -> bool {
        token.text("iss") == Some(&self.config.issuer)
    }

    /// Who presents a token. The signature is checked before anything that the token says.
    pub(super) async fn identify(&self, token: &Token<'_>) -> Result<Principal, Denied> {
        if !self.config.algorithms.contains(&token.algorithm) {
            return Err(Denied::Wrong("an algorithm that this issuer does not use"));
        }
        let kid = token.kid.as_deref();
        let keys = self.keys.for_token(kid, token.algorithm).await.ok_or(Denied::IssuerAway)?;
        let key =
            keys.find(kid, token.algorithm).ok_or(Denied::Wrong("signed with a key that the issuer does not have"))?;
        if !token.is_signed_by(key) {
            return Err(Denied::Wrong("a signature that does not match"));
        }
        self.check(&token.claims, self.clock.now())?;
        let subject =
            token.text("sub").filter(|subject| !subject.is_empty()).ok_or(Denied::Wrong("a token without `sub`"))?;
        let text = |claim: &str| at(&token.claims, claim).and_then(Value::as_str).map(str::to_owned);
        let unverified = token.claims.get("email_verified").is_some_and(|verified| !is_true(verified));
        Ok(Principal {
            kind: PrincipalKind::Oidc,
            subject: format!("{}#{subject}", self.config.issuer),
            name: text(&self.config.name_claim),
            email: text(&self.config.email_claim).filter(|_| !unverified),
            roles: self.roles(&token.claims),
            regions: said(&token.claims, self.config.regions_claim.as_deref()).into_iter().map(str::to_owned).collect(),
            until: self.until(&token.claims)?,
        })
    }

    /// Until when a token is good, to the second.
    fn until(&self, claims: &Map<String, Value>) -> Result<Option<Timestamp>, Denied> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "what is beyond the calendar is no moment, and checked as such"
        )]
        let until = seconds(claims, "exp")?.map(|until| (until + self.config.leeway.0.as_secs_f64()) as i64);
        Ok(until.and_then(|until| Timestamp::from_second(until).ok()))
    }

    fn check(&self, claims: &Map<String, Value>, now: Timestamp) -> Result<(), Denied> {
        let ours =
            |value: &Value| value.as_str().is_some_and(|name| self.config.audience.iter().any(|ours| ours == name));
        let for_us = match claims.get("aud") {
            Some(Value::Array(all)) => all.iter().any(ours),
            Some(one) => ours(one),
            None => false,
        };
        if !for_us {
            return Err(Denied::Wrong("a token for somebody else (`aud`)"));
        }
        #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are exact for a long time")]
        let now = now.as_second() as f64;
        let leeway = self.config.leeway.0.as_secs_f64();
        match seconds(claims, "exp")? {
            None => return Err(Denied::Wrong("a token without `exp`")),
            Some(until) if now >= until + leeway => return Err(Denied::Expired),
            Some(_) => {}
        }
        match seconds(claims, "nbf")? {
            None if self.config.require_nbf => {
                Err(Denied::Wrong("a token without `nbf`: if the issuer leaves it out, set require_nbf = false"))
            }
            Some(from) if now < from - leeway => Err(Denied::Wrong("a token that is not good yet (`nbf`)")),
            _ => Ok(()),
        }
    }

    /// The roles that the claims give.
    fn roles(&self, claims: &Map<String, Value>) -> Vec<String> {
        let said = said(claims, self.config.roles_claim.as_deref());
        let mut roles = self.config.default_roles.clone();
        roles.extend(said.into_iter().flat_map(|said| mapped(&self.config.roles, said)));
        roles
    }
}

/// The names that stand at a place of the claims: a text, or a list of texts.
fn said<'a>(claims: &'a Map<String, Value>, path: Option<&str>) -> Vec<&'a str> {
    match path.and_then(|path| at(claims, path)) {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn mapped(map: &BTreeMap<String, Vec<String>>, said: &str) -> Vec<String> {
    if map.is_empty() { vec![said.to_owned()] } else { map.get(said).cloned().unwrap_or_default() }
}

/// A claim by its name, which may have dots in it (`https://example.com/roles`); else by a path with dots.
fn at<'a>(claims: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    if let Some(value) = claims.get(path) {
        return Some(value);
    }
    let mut names = path.split('.');
    let first = claims.get(names.next()?)?;
    names.try_fold(first, |value, name| value.get(name))
}

/// A moment, in seconds since 1970. One that is no number is no moment: to pass over it would be to believe the token forever.
fn seconds(claims: &Map<String, Value>, claim: &str) -> Result<Option<f64>, Denied> {
    match claims.get(claim) {
        None => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or(Denied::Wrong("a token with a time that is no number")),
    }
}

/// Some issuers write it as a text.
fn is_true(value: &Value) -> bool {
    value == &Value::Bool(true) || value.as_str() == Some("true")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::domain::ManualClock;

    fn issuer(more: &str) -> Issuer {
        let text = format!("issuer = \"https://a.example\"\naudience = [\"spine\", \"other\"]\n{more}");
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(Timestamp::from_second(1_000_000).unwrap()));
        Issuer::new("a", &toml::from_str(&text).unwrap(), &clock, None).unwrap()
    }

    fn judged(issuer: &Issuer, claims: &Value) -> String {
        match issuer.check(claims.as_object().unwrap(), issuer.clock.now()) {
            Ok(()) => "fine".to_owned(),
            Err(Denied::Expired) => "expired".to_owned(),
            Err(Denied::Wrong(reason)) => reason.to_owned(),
            Err(_) => "denied".to_owned(),
        }
    }

    #[test]
    fn every_claim_must_be_there_and_hold() {
        let issuer = issuer("");
        let good = json!({ "aud": "spine", "exp": 1_000_060, "nbf": 999_940 });
        let with = |claim: &str, value: Value| {
            let mut claims = good.clone();
            claims[claim] = value;
            judged(&issuer, &claims)
        };
        assert_eq!(judged(&issuer, &good), "fine");
        assert_eq!(with("aud", json!(["x", "other"])), "fine");
        assert_eq!(with("exp", json!(999_971)), "fine", "within the leeway");
        assert_eq!(with("exp", json!(999_970.5)), "fine");
        assert_eq!(with("nbf", json!(1_000_030)), "fine");
        assert_eq!(with("exp", json!(999_970)), "expired");
        for (claim, value, part) in [
            ("aud", json!("spin"), "somebody else"),
            ("aud", json!([]), "somebody else"),
            ("aud", json!({ "a": "spine" }), "somebody else"),
            ("aud", json!(null), "somebody else"),
            ("exp", json!("1000060"), "no number"),
            ("exp", json!(null), "no number"),
            ("nbf", json!("0"), "no number"),
            ("nbf", json!(1_000_031), "not good yet"),
        ] {
            let said = with(claim, value.clone());
            assert!(said.contains(part), "{claim} {value}: {said}");
        }
        for (claim, part) in [("aud", "somebody else"), ("exp", "without `exp`"), ("nbf", "require_nbf")] {
            let mut claims = good.clone();
            claims.as_object_mut().unwrap().remove(claim);
            let said = judged(&issuer, &claims);
            assert!(said.contains(part), "{claim}: {said}");
        }
        let lenient = self::issuer("require_nbf = false");
        assert_eq!(judged(&lenient, &json!({ "aud": "spine", "exp": 1_000_060 })), "fine");
    }

    #[test]
    fn a_token_is_good_until_it_ends_and_a_little_longer() {
        let until = |exp: Value| {
            let claims = json!({ "exp": exp });
            issuer("").until(claims.as_object().unwrap()).unwrap().map(Timestamp::as_second)
        };
        assert_eq!(until(json!(1_000_060)), Some(1_000_090));
        assert_eq!(until(json!(1e300)), None, "beyond the calendar");
    }

    #[test]
    fn roles_come_from_a_claim_by_name_or_path_as_themselves_or_by_a_map() {
        let claims = json!({
            "groups": ["a", "b", 7], "one": "a", "realm": { "access": { "roles": ["b"] } }, "https://x.example/r": ["c"],
        });
        for (more, expected) in [
            ("", &[][..]),
            ("default_roles = [\"all\"]", &["all"]),
            ("roles_claim = \"groups\"", &["a", "b"]),
            ("roles_claim = \"one\"", &["a"]),
            ("roles_claim = \"realm.access.roles\"", &["b"]),
            ("roles_claim = \"https://x.example/r\"", &["c"]),
            ("roles_claim = \"realm\"", &[]),
            ("roles_claim = \"none.such\"", &[]),
            ("roles_claim = \"groups\"\nroles = { a = [\"x\", \"y\"], c = [\"z\"] }", &["x", "y"]),
        ] {
            assert_eq!(issuer(more).roles(claims.as_object().unwrap()), expected, "{more}");
        }
    }
}
