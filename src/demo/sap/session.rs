//! Sign-in: `Login` opens a session, a cookie carries it, idleness ends it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use serde::Deserialize;
use tokio::time::Instant;

/// The company database of the embedded system.
pub const COMPANY_DB: &str = "SPINE_DEMO";
/// The service user of the embedded system.
pub const USER: &str = "spine";
/// The password of the embedded system's service user. It guards made-up data on loopback.
pub const PASSWORD: &str = "demo-sap-password";

/// Minutes without a call after which a session ends.
pub(super) const TIMEOUT_MINUTES: u64 = 30;

/// The open sessions. A clone shares them.
#[derive(Debug, Clone, Default)]
pub struct Sessions(Arc<Mutex<HashMap<String, Instant>>>);

/// What `Login` takes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Credentials {
    #[serde(rename = "CompanyDB")]
    company_db: String,
    user_name: String,
    password: String,
}

impl Credentials {
    pub(super) fn are_right(&self) -> bool {
        self.company_db == COMPANY_DB && self.user_name == USER && self.password == PASSWORD
    }
}

impl Sessions {
    /// Ends all sessions, as a restart of the server does.
    pub fn expire_all(&self) {
        self.lock().clear();
    }

    /// Opens a session and returns its ID.
    pub(super) fn open(&self) -> String {
        let hex = format!("{:032x}", fastrand::u128(..));
        let id: Vec<&str> =
            [0..8, 8..12, 12..16, 16..20, 20..32].into_iter().filter_map(|part| hex.get(part)).collect();
        let id = id.join("-");
        self.lock().insert(id.clone(), Instant::now());
        id
    }

    /// Whether the request carries an open session; if so, its idleness starts anew.
    pub(super) fn admit(&self, headers: &HeaderMap) -> bool {
        let Some(id) = session_id(headers) else { return false };
        let mut sessions = self.lock();
        match sessions.get_mut(id) {
            Some(last) if last.elapsed() < Duration::from_mins(TIMEOUT_MINUTES) => {
                *last = Instant::now();
                true
            }
            _ => {
                sessions.remove(id);
                false
            }
        }
    }

    /// Ends the request's session.
    pub(super) fn close(&self, headers: &HeaderMap) {
        if let Some(id) = session_id(headers) {
            self.lock().remove(id);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Instant>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The value of the cookie `B1SESSION`, which may stand among others in any of the cookie headers.
fn session_id(headers: &HeaderMap) -> Option<&str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|cookies| cookies.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix("B1SESSION="))
}
