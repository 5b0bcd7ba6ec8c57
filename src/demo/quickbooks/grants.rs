//! Signing in: OAuth 2 by refresh token. Each refresh gives out a new refresh token, and the one before ends with it: stricter
//! than Intuit, which changes the value about once a day and lets the one before live a day longer, so that a client that does
//! not keep the newest is found out at once.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use tokio::time::Instant;

/// The company of the embedded system.
pub const REALM_ID: &str = "4620816365000000001";
/// The app's client ID.
pub const CLIENT_ID: &str = "demo-quickbooks-client";
/// The app's secret. It guards made-up data on loopback.
pub const CLIENT_SECRET: &str = "demo-quickbooks-secret";
/// The refresh token of the sign-in that somebody made long ago. It always holds, until it is withdrawn.
pub const CONSENT: &str = "demo-quickbooks-refresh";

/// Seconds that an access token lasts.
const ACCESS_SECONDS: u64 = 3600;
/// Seconds that a refresh token lasts.
const REFRESH_SECONDS: u64 = 8_726_400;

/// The tokens that hold. A clone shares them.
#[derive(Debug, Clone, Default)]
pub struct Grants(Arc<Mutex<Tokens>>);

#[derive(Debug, Default)]
struct Tokens {
    access: HashMap<String, Instant>,
    refresh: HashSet<String>,
    consent_withdrawn: bool,
}

impl Grants {
    /// Ends all access tokens, as an hour does.
    pub fn expire_access(&self) {
        self.lock().access.clear();
    }

    /// Ends the first refresh token: from now on only those that were given out since hold.
    pub fn withdraw_consent(&self) {
        self.lock().consent_withdrawn = true;
    }

    /// Whether a call carries an access token that holds.
    pub(super) fn admits(&self, headers: &HeaderMap) -> bool {
        let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        token.is_some_and(|token| self.lock().access.get(token).is_some_and(|until| Instant::now() < *until))
    }

    /// `POST /oauth2/v1/tokens/bearer`.
    pub(super) fn refresh(&self, headers: &HeaderMap, body: &[u8]) -> Response {
        let refused = |status: StatusCode, word: &str| (status, Json(json!({ "error": word }))).into_response();
        let client = STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}"));
        if headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()) != Some(&format!("Basic {client}")) {
            return refused(StatusCode::UNAUTHORIZED, "invalid_client");
        }
        let form: HashMap<String, String> = url::form_urlencoded::parse(body).into_owned().collect();
        if form.get("grant_type").map(String::as_str) != Some("refresh_token") {
            return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type");
        }
        let mut tokens = self.lock();
        let shown = form.get("refresh_token").map(String::as_str).unwrap_or_default();
        let holds = tokens.refresh.remove(shown) || (shown == CONSENT && !tokens.consent_withdrawn);
        if !holds {
            return refused(StatusCode::BAD_REQUEST, "invalid_grant");
        }
        let access = format!("eyJlbmMi.{:032x}", fastrand::u128(..));
        let refresh = format!("RT1-{:032x}", fastrand::u128(..));
        tokens.access.insert(access.clone(), Instant::now() + Duration::from_secs(ACCESS_SECONDS));
        tokens.refresh.insert(refresh.clone());
        let answer = json!({
            "token_type": "bearer",
            "access_token": access,
            "expires_in": ACCESS_SECONDS,
            "refresh_token": refresh,
            "x_refresh_token_expires_in": REFRESH_SECONDS,
        });
        Json(answer).into_response()
    }

    fn lock(&self) -> MutexGuard<'_, Tokens> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where things are, for clients that ask: the discovery document.
pub(super) fn discovery(host: &str) -> Response {
    let base = format!("http://{host}");
    let answer = json!({
        "issuer": base,
        "authorization_endpoint": format!("{base}/connect/oauth2"),
        "token_endpoint": format!("{base}/oauth2/v1/tokens/bearer"),
        "revocation_endpoint": format!("{base}/v2/oauth2/tokens/revoke"),
        "userinfo_endpoint": format!("{base}/v1/openid_connect/userinfo"),
        "jwks_uri": format!("{base}/op/v1/jwks"),
        "response_types_supported": ["code"],
        "scopes_supported": ["com.intuit.quickbooks.accounting"],
    });
    Json(answer).into_response()
}
