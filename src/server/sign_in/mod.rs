//! Who asks: from the key, the token or the signature of a request to the [`Viewer`] for whom it is answered.
//!
//! Every route passes through [`identify`] but for health, the static files of pages, and webhooks, which have signatures of
//! their own. There are no cookies: nothing that a browser would send along by itself lets anybody in.

mod api_keys;
mod credentials;
mod hubspot;
mod issuer;
mod issuer_keys;
mod jwt;
mod rate;
mod whoami;

use std::net::IpAddr;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use secrecy::ExposeSecret;

pub(super) use whoami::whoami;

use super::error::Refused;
use super::hubspot_signature::{SIGNATURE, Unsigned};
use super::request_id::RequestId;
use super::tls::ClientCertificate;
use super::{audit, body};
use crate::access::{Access, NoRole, Principal, PrincipalKind, Viewer};
use crate::config::{self, ClientName, Rate, Scope, ServerOptions};
use crate::domain::Clock;
use api_keys::ApiKeys;
use credentials::Presented;
use hubspot::HubSpot;
use issuer::Issuer;
use jwt::Token;
use rate::Points;
pub(super) use rate::one_address;

/// The role, of several, in which somebody wants to be answered.
const ROLE: HeaderName = HeaderName::from_static("x-spine-role");

/// What an answer hangs on, for whoever keeps answers on the way: a browser, for two who sign in one after the other.
const VARY: HeaderValue = HeaderValue::from_static("authorization, x-api-key, x-spine-role");

/// What a report or a page of the feed takes.
const REPORT_POINTS: u32 = 10;

/// Records of the longest list that take a point.
const RECORDS_OF_A_POINT: usize = 50;

/// From which address a request comes: that of its connection, or the one that a trusted proxy names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Peer(pub(super) IpAddr);

/// Who may ask, and how much.
#[derive(Debug)]
pub struct SignIn {
    is_configured: bool,
    access: Arc<Access>,
    keys: ApiKeys,
    issuers: Vec<Issuer>,
    hubspot: Option<HubSpot>,
    /// Names in certificates, with what they give.
    certificates: Vec<(String, ClientName)>,
    rate: Rate,
    /// By subject.
    points: Arc<Points<String>>,
    failures: Arc<Points<IpAddr>>,
    options: ServerOptions,
    clock: Arc<dyn Clock>,
}

/// Why somebody is not let in.
#[derive(Debug)]
enum Denied {
    /// The key, the token is not good. The reason is for the log: whoever guesses is told nothing.
    Wrong(&'static str),
    /// HubSpot did not sign it.
    Unsigned(Unsigned),
    /// It was good once. Only who has it learns that.
    Expired,
    /// The key is not for this.
    Scope,
    /// The issuer's keys are not known, and it cannot be asked.
    IssuerAway,
    /// The request itself is wrong.
    Refused(Refused),
}

impl SignIn {
    /// From the configuration. What the sign-in `before` has counted and remembers goes on, where the settings are the same:
    /// nobody gets new points, or uses a signature again, because a file has changed.
    ///
    /// An error is a dotted path below `sign_in` and what is wrong there.
    pub fn new(
        config: &config::SignIn,
        options: &ServerOptions,
        access: Arc<Access>,
        clock: Arc<dyn Clock>,
        before: Option<&Self>,
    ) -> Result<Self, (String, String)> {
        let issuers = config.oidc.iter().map(|(name, issuer)| {
            let keys = before.into_iter().flat_map(|before| &before.issuers).find_map(|known| known.keys_of(issuer));
            Issuer::new(name, issuer, &clock, keys).map_err(|(key, message)| (format!("oidc.{name}.{key}"), message))
        });
        let signatures = before.and_then(|before| before.hubspot.as_ref()).map(HubSpot::uses);
        let hubspot = config.hubspot.as_ref().map(|hubspot| HubSpot::new(hubspot, &clock, signatures));
        let rate = config.rate.clone();
        let counted = before.filter(|before| before.rate == rate);
        let counted = counted.map(|before| (Arc::clone(&before.points), Arc::clone(&before.failures)));
        let (points, failures) = counted.unwrap_or_else(|| {
            let points = Points::new(rate.per_minute, rate.burst, &clock);
            (Arc::new(points), Arc::new(Points::new(rate.failures_per_minute, 0, &clock)))
        });
        Ok(Self {
            rate,
            is_configured: config.is_configured(),
            access,
            keys: ApiKeys::new(&config.keys),
            issuers: issuers.collect::<Result<_, _>>()?,
            hubspot: hubspot.transpose().map_err(|(key, message)| (format!("hubspot.{key}"), message))?,
            certificates: config.certificates.iter().map(|(name, of)| (name.clone(), of.clone())).collect(),
            points,
            failures,
            options: options.clone(),
            clock,
        })
    }

    /// Takes points for an answer that costs more than the usual.
    pub(super) fn charge(&self, viewer: &Viewer, points: u32) -> Result<(), Refused> {
        if viewer.principal.kind == PrincipalKind::Anyone {
            return Ok(());
        }
        self.points.take(&viewer.principal.subject, points).map_err(|wait| {
            let message = "You have asked too much in a short time. The setting is sign_in.rate.";
            Refused::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", message).retry_after(wait)
        })
    }

    /// Who presents it, if it is good and may be used for this.
    async fn principal(&self, presented: Presented, scope: Option<Scope>) -> Result<Principal, Denied> {
        match presented {
            Presented::Nothing => Err(Denied::Wrong("nothing")),
            Presented::Key(name, secret) => {
                self.keys.identify(&name, secret.expose_secret(), self.clock.today(), scope)
            }
            Presented::Token(text) => {
                let token = Token::read(text.expose_secret()).map_err(Denied::Wrong)?;
                let issuer = self.issuers.iter().find(|issuer| issuer.issued(&token));
                issuer.ok_or(Denied::Wrong("a token of an issuer that is not configured"))?.identify(&token).await
            }
        }
    }

    /// Whose certificate it is.
    fn certified(&self, shown: &ClientCertificate) -> Result<Principal, Denied> {
        let known = self.certificates.iter().find(|(name, _)| shown.is_of(name));
        let (name, ClientName { roles, regions }) =
            known.ok_or(Denied::Wrong("a certificate of a name that is not configured"))?;
        // TLS looked when the connection was opened, which may be long ago.
        let until = shown.until;
        if until.is_some_and(|until| self.clock.now() > until) {
            return Err(Denied::Expired);
        }
        Ok(Principal {
            kind: PrincipalKind::Certificate,
            subject: format!("certificate:{name}"),
            name: Some(name.clone()),
            email: None,
            roles: roles.clone(),
            regions: regions.clone(),
            until,
        })
    }

    /// In which role somebody is answered.
    fn viewer(&self, principal: Principal, role: Option<&str>) -> Result<Arc<Viewer>, Refused> {
        self.access
            .viewer(principal, role)
            .map_err(|no_role: NoRole| Refused::new(StatusCode::FORBIDDEN, "NO_ROLE", no_role.to_string()))
    }

    /// For whom a request is answered. Its body is handed back, read or not.
    async fn admit(&self, parts: &Parts, body: Body, line: &mut Line) -> Result<(Arc<Viewer>, Body), Refused> {
        let role = wanted_role(&parts.headers)?;
        if !self.is_configured && role.is_none() {
            return Ok((Viewer::anyone(), body));
        }
        if !self.is_configured {
            return Ok((self.viewer(Principal::anyone(), role)?, body));
        }
        let scope = scope(parts);
        let (who, body) = self.who(parts, body, scope).await;
        let principal = who.map_err(|denied| {
            line.reason = Some(denied.reason());
            self.denied(denied, parts)
        })?;
        line.subject.clone_from(&principal.subject);
        let viewer = self.viewer(principal, role).inspect_err(|_| line.reason = Some("no such role".to_owned()))?;
        let points = if scope == Some(Scope::Reports) { REPORT_POINTS } else { 1 };
        self.charge(&viewer, points).inspect_err(|_| line.reason = Some("over the rate".to_owned()))?;
        Ok((viewer, body))
    }

    /// For whom a WebSocket is answered: by what its first message says, else by the head of the request that opened it.
    pub(super) async fn admit_socket(
        &self,
        parts: &Parts,
        authorization: Option<&str>,
        role: Option<&str>,
    ) -> Result<Arc<Viewer>, Refused> {
        let role = if role.is_some() { role } else { wanted_role(&parts.headers)? };
        if !self.is_configured {
            return self.viewer(Principal::anyone(), role);
        }
        let mut line = Line { reason: None, subject: String::new() };
        let who = async {
            let presented = match authorization {
                Some(text) => credentials::authorization(text)?,
                None => credentials::presented(&parts.headers)?,
            };
            self.principal(presented, Some(Scope::Graphql)).await
        };
        let viewer = match who.await {
            Ok(principal) => {
                line.subject.clone_from(&principal.subject);
                self.viewer(principal, role).inspect_err(|_| line.reason = Some("no such role".to_owned()))
            }
            Err(denied) => {
                line.reason = Some(denied.reason());
                Err(self.denied(denied, parts))
            }
        };
        viewer.inspect_err(|refused| line.write(parts, refused.status()))
    }

    async fn who(&self, parts: &Parts, body: Body, scope: Option<Scope>) -> (Result<Principal, Denied>, Body) {
        let presented = match credentials::presented(&parts.headers) {
            Ok(presented) => presented,
            Err(denied) => return (Err(denied), body),
        };
        let signed = self.hubspot.as_ref().filter(|_| {
            let by_nobody_else = matches!(presented, Presented::Nothing);
            by_nobody_else && scope == Some(Scope::Stored) && parts.headers.contains_key(SIGNATURE)
        });
        if let (Presented::Nothing, None, Some(shown)) =
            (&presented, signed, parts.extensions.get::<ClientCertificate>())
        {
            return (self.certified(shown), body);
        }
        let Some(hubspot) = signed else { return (self.principal(presented, scope).await, body) };
        match body::receive(&parts.headers, body, &self.options).await {
            Ok(bytes) => (hubspot.identify(&parts.method, &parts.uri, &parts.headers, &bytes), Body::from(bytes)),
            Err(refused) => (Err(Denied::Refused(refused)), Body::empty()),
        }
    }

    /// The answer to who is not let in. Wrong keys are counted by address; right ones from there are not held up by them.
    fn denied(&self, denied: Denied, parts: &Parts) -> Refused {
        let presented = !matches!(denied, Denied::Wrong("nothing"));
        let refused = denied.refused();
        let peer = parts.extensions.get::<Peer>().map(|Peer(address)| one_address(*address));
        let Some(peer) = peer.filter(|_| presented && refused.status() == StatusCode::UNAUTHORIZED) else {
            return refused;
        };
        match self.failures.take(&peer, 1) {
            Ok(()) => refused,
            Err(wait) => {
                let message = "Too many wrong keys and tokens came from this address.";
                Refused::new(StatusCode::TOO_MANY_REQUESTS, "RATE_LIMITED", message).retry_after(wait)
            }
        }
    }
}

impl Denied {
    fn refused(self) -> Refused {
        let unauthenticated = |message: &str| Refused::new(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message);
        match self {
            Self::Wrong("nothing") => unauthenticated(
                "Say who you are: `Authorization: Bearer` with a key or a token, or a key's name and secret as user name and password.",
            ),
            Self::Wrong(_) => unauthenticated("The key or token is not good."),
            Self::Unsigned(unsigned) => {
                unauthenticated(&format!("The request is not known to be HubSpot's: {unsigned}."))
            }
            Self::Expired => unauthenticated("The key or token has expired: get a new one."),
            Self::Scope => Refused::new(
                StatusCode::FORBIDDEN,
                "FORBIDDEN",
                "This key is not for that: its scopes say what it may be used for.",
            ),
            Self::IssuerAway => Refused::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "SIGN_IN_UNAVAILABLE",
                "Your token cannot be checked now: its issuer does not answer.",
            )
            .retry_after(std::time::Duration::from_secs(super::error::RETRY_AFTER)),
            Self::Refused(refused) => refused,
        }
    }

    /// For the log.
    fn reason(&self) -> String {
        match self {
            Self::Wrong(reason) => (*reason).to_owned(),
            Self::Unsigned(unsigned) => unsigned.to_string(),
            Self::Expired => "expired".to_owned(),
            Self::Scope => "not among the scopes of the key".to_owned(),
            Self::IssuerAway => "the issuer is away".to_owned(),
            Self::Refused(_) => "not a request that can be read".to_owned(),
        }
    }
}

/// What an answer takes beside the point that every request takes: for its longest list, and if it asks about all projects.
pub(super) fn points(longest_list: usize, is_report: bool) -> u32 {
    let list = u32::try_from(longest_list / RECORDS_OF_A_POINT).unwrap_or(u32::MAX);
    list.saturating_add(if is_report { REPORT_POINTS - 1 } else { 0 })
}

/// For whom a request is answered. That nobody found out would be a defect, and nobody is not somebody who sees everything.
pub(super) fn viewer_of(extensions: &Extensions) -> Result<Arc<Viewer>, Refused> {
    extensions.get().cloned().ok_or_else(Refused::internal)
}

/// The layer in front of all that is not open to everybody.
pub(super) async fn identify(sign_in: &SignIn, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let mut line = Line { reason: None, subject: String::new() };
    let mut response = match sign_in.admit(&parts, body, &mut line).await {
        Ok((viewer, body)) => {
            if let Some(entry) = audit::entry(&parts.extensions) {
                entry.note(|facts| facts.viewer = Some(Arc::clone(&viewer)));
            }
            parts.extensions.insert(viewer);
            next.run(Request::from_parts(parts, body)).await
        }
        Err(refused) => {
            if let Some(entry) = audit::entry(&parts.extensions) {
                let subject = Some(line.subject.clone()).filter(|subject| !subject.is_empty());
                entry.note(|facts| facts.refused_subject = subject);
            }
            line.write(&parts, refused.status());
            let challenges = challenges(&parts, refused.status());
            let mut response = refused.into_response();
            for challenge in challenges {
                response.headers_mut().append(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
            response
        }
    };
    // Without a sign-in it is the role alone.
    let vary = if sign_in.is_configured { VARY } else { HeaderValue::from_static("x-spine-role") };
    response.headers_mut().append(header::VARY, vary);
    response
}

/// How one may sign in. Programs that load tables are told of user name and password, and ask people for them; a browser is
/// not, or it would ask too, and from then on send them along by itself, also with what other sites make it ask.
fn challenges(parts: &Parts, status: StatusCode) -> &'static [&'static str] {
    let in_browser = parts.headers.contains_key("sec-fetch-mode");
    match (status, scope(parts)) {
        (StatusCode::UNAUTHORIZED, Some(Scope::Reports)) if !in_browser => {
            &["Bearer realm=\"spine\"", "Basic realm=\"spine\", charset=\"UTF-8\""]
        }
        (StatusCode::UNAUTHORIZED, _) => &["Bearer realm=\"spine\""],
        _ => &[],
    }
}

/// What a request is for, by the route that matched; none for what every key may ask.
fn scope(parts: &Parts) -> Option<Scope> {
    let route = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let is_below = |root: &str| route.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    if is_below("/graphql/p") {
        Some(Scope::Stored)
    } else if is_below("/reports") || is_below("/odata") {
        Some(Scope::Reports)
    } else if is_below("/whoami") {
        None
    } else {
        Some(Scope::Graphql)
    }
}

fn wanted_role(headers: &HeaderMap) -> Result<Option<&str>, Refused> {
    let mut values = headers.get_all(ROLE).iter();
    let Some(value) = values.next() else { return Ok(None) };
    match (value.to_str(), values.next()) {
        (Ok(role), None) => Ok(Some(role.trim())),
        _ => Err(Refused::bad_request("`X-Spine-Role` names one role, once.")),
    }
}

/// What the log says of a request that was not let in. Those that were have lines of their own.
struct Line {
    reason: Option<String>,
    /// Who it is; empty if that is not known.
    subject: String,
}

impl Line {
    fn write(self, parts: &Parts, status: StatusCode) {
        tracing::info!(
            request.id = parts.extensions.get::<RequestId>().map(RequestId::as_str),
            client.address = parts.extensions.get::<Peer>().map(|Peer(address)| tracing::field::display(address)),
            user.id = self.subject,
            http.status = status.as_u16(),
            reason = self.reason.as_deref().unwrap_or("the request is wrong"),
            "not let in"
        );
    }
}
