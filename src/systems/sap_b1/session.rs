//! The one session that all calls share. Signing in is the most expensive call of the Service Layer, and a wrong
//! password tried again and again locks the user out.

use std::time::Duration;

use http::HeaderValue;
use http::header::SET_COOKIE;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use std::sync::Arc;
use tokio::sync::Mutex;
use tokio::time::timeout_at;

use super::wire;
use crate::domain::Clock;
use crate::systems::http::{HttpClient, Request, Response};
use crate::systems::{Call, ErrorKind, SystemError};

/// How long no sign-in is tried after one was refused.
const COOL_DOWN: Duration = Duration::from_secs(30);

/// A sign-in and what came of it.
pub(super) struct Session {
    company_db: String,
    user: String,
    password: SecretString,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Goes up with each sign-in, so that of many calls that met the end of a session only the first signs in again.
    generation: u64,
    cookie: Option<HeaderValue>,
    /// When a sign-in was refused last, and how.
    refused: Option<(Duration, SystemError)>,
}

/// What a call shows to be let in.
#[derive(Debug, Clone)]
pub(super) struct Ticket {
    pub(super) cookie: HeaderValue,
    generation: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Credentials<'a> {
    #[serde(rename = "CompanyDB")]
    company_db: &'a str,
    user_name: &'a str,
    password: &'a str,
}

impl Session {
    pub(super) fn new(company_db: String, user: String, password: SecretString, clock: Arc<dyn Clock>) -> Self {
        Self { company_db, user, password, clock, state: Mutex::default() }
    }

    /// The ticket of the open session; signs in if there is none, or if it is the one that `ended`.
    pub(super) async fn ticket(
        &self,
        http: &HttpClient,
        call: &Call,
        ended: Option<&Ticket>,
    ) -> Result<Ticket, SystemError> {
        // Whoever comes first signs in, and the others wait for it here.
        let mut state = timeout_at(call.deadline, self.state.lock())
            .await
            .map_err(|_| http.error("session.login", ErrorKind::Deadline))?;
        if let Some(cookie) = state.cookie.clone().filter(|_| ended.is_none_or(|old| old.generation < state.generation))
        {
            return Ok(Ticket { cookie, generation: state.generation });
        }
        state.cookie = None;
        if let Some((at, error)) = &state.refused {
            let left = COOL_DOWN.saturating_sub(self.clock.monotonic().saturating_sub(*at));
            if !left.is_zero() {
                return Err(SystemError { retry_after: Some(left), ..error.clone() });
            }
        }
        match self.login(http, call).await {
            Ok(cookie) => {
                state.generation += 1;
                state.refused = None;
                state.cookie = Some(cookie.clone());
                Ok(Ticket { cookie, generation: state.generation })
            }
            Err(error) => {
                let refused =
                    matches!(error.kind, ErrorKind::Unauthorized | ErrorKind::Forbidden | ErrorKind::BadRequest);
                state.refused = refused.then(|| (self.clock.monotonic(), error.clone()));
                Err(error)
            }
        }
    }

    async fn login(&self, http: &HttpClient, call: &Call) -> Result<HeaderValue, SystemError> {
        let credentials = Credentials {
            company_db: &self.company_db,
            user_name: &self.user,
            password: self.password.expose_secret(),
        };
        let response = http.send(call, Request::post_json("session.login", "/Login", &credentials)).await?;
        let body: wire::Login = http.decode("session.login", &response)?;
        cookies(&response, body.session_id.as_deref())
            .ok_or_else(|| http.error("session.login", ErrorKind::BadResponse))
    }
}

/// The cookies to send: `B1SESSION` is the session, `ROUTEID` keeps its calls on the node that knows it.
fn cookies(response: &Response, session_id: Option<&str>) -> Option<HeaderValue> {
    let sent: Vec<&str> = response
        .headers
        .get_all(SET_COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok()?.split(';').next())
        .map(str::trim)
        .collect();
    let named = |name: &str| sent.iter().find(|cookie| cookie.starts_with(name)).map(|cookie| (*cookie).to_owned());
    let session = named("B1SESSION=").or_else(|| session_id.map(|id| format!("B1SESSION={id}")))?;
    let cookie = match named("ROUTEID=") {
        Some(route) => format!("{session}; {route}"),
        None => session,
    };
    let mut cookie = HeaderValue::from_str(&cookie).ok()?;
    cookie.set_sensitive(true);
    Some(cookie)
}
