//! The one session that all calls share. Signing in is the most expensive call of the Service Layer.

use std::sync::Arc;

use http::HeaderValue;
use http::header::SET_COOKIE;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::wire;
use crate::domain::Clock;
use crate::systems::http::{self as shared, Granted, HttpClient, Request, Response, SignIn};
use crate::systems::{Call, ErrorKind, SystemError};

const OPERATION: &str = "session.login";

/// A sign-in and what came of it.
pub(super) struct Session {
    company_db: String,
    user: String,
    password: SecretString,
    sign_in: SignIn<HeaderValue>,
}

/// What a call shows to be let in: the cookies.
pub(super) type Ticket = shared::Ticket<HeaderValue>;

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
        Self { company_db, user, password, sign_in: SignIn::new(clock) }
    }

    /// The ticket of the open session; signs in if there is none, or if it is the one that `ended`.
    pub(super) async fn ticket(
        &self,
        http: &HttpClient,
        call: &Call,
        ended: Option<&Ticket>,
    ) -> Result<Ticket, SystemError> {
        self.sign_in.ticket(http, call, OPERATION, ended, self.login(http, call)).await
    }

    async fn login(&self, http: &HttpClient, call: &Call) -> Result<Granted<HeaderValue>, SystemError> {
        let credentials = Credentials {
            company_db: &self.company_db,
            user_name: &self.user,
            password: self.password.expose_secret(),
        };
        let response = http.send(call, Request::post_json(OPERATION, "/Login", &credentials)).await?;
        let body: wire::Login = http.decode(OPERATION, &response)?;
        let value = cookies(&response, body.session_id.as_deref())
            .ok_or_else(|| http.error(OPERATION, ErrorKind::BadResponse))?;
        // It says by refusing a call when it has ended.
        Ok(Granted { value, until: None })
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
