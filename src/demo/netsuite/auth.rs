//! The two ways to sign in: token-based, where each call is signed (OAuth 1.0a with HMAC-SHA256), and OAuth 2.0 client
//! credentials, where a signed assertion is exchanged for a token that lasts an hour.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, RSA_PSS_2048_8192_SHA256,
    UnparsedPublicKey, VerificationAlgorithm,
};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, Method};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde::Deserialize;
use tokio::time::Instant;

/// The account of the embedded system.
pub const ACCOUNT: &str = "TSTDRV1234567";
/// The consumer key of its integration record.
pub const CONSUMER_KEY: &str = "demo-netsuite-consumer";
/// The secret of the integration record. It guards made-up data on loopback.
pub const CONSUMER_SECRET: &str = "demo-netsuite-consumer-secret";
/// The access token of the service user.
pub const TOKEN_ID: &str = "demo-netsuite-token";
/// The secret of the access token.
pub const TOKEN_SECRET: &str = "demo-netsuite-token-secret";
/// The client ID of the integration record, for OAuth 2.0.
pub const CLIENT_ID: &str = "demo-netsuite-client";
/// The ID of the certificate that is registered from the start; its private key is with the tests.
pub const CERTIFICATE_ID: &str = "demo-netsuite-certificate";

/// Where an assertion is exchanged for a token.
pub(super) const TOKEN_PATH: &str = "/services/rest/auth/oauth2/v1/token";

/// How long a token lasts.
const TOKEN_LIFE: Duration = Duration::from_hours(1);
/// How long an assertion may last, in seconds.
const ASSERTION_LIFE: i64 = 3600;

/// What is never encoded in a signature: RFC 3986's unreserved signs.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Who may sign in, and who has. A clone shares it.
#[derive(Debug, Clone)]
pub struct Access(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    /// Public keys in DER, by the ID of their certificate.
    certificates: HashMap<String, Vec<u8>>,
    tokens: HashMap<String, Instant>,
    /// Nonces of signed calls, with their time: none is taken twice.
    nonces: HashSet<(String, String)>,
}

/// What the token endpoint takes.
#[derive(Debug, Deserialize)]
struct Header {
    alg: String,
    kid: String,
}

#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    scope: Scope,
    aud: String,
    iat: i64,
    exp: i64,
}

/// One scope, several with commas between, or a list of them.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Scope {
    Text(String),
    List(Vec<String>),
}

impl Default for Access {
    fn default() -> Self {
        let access = Self(Arc::default());
        let pem: String = include_str!("certificate.pem").lines().filter(|line| !line.starts_with('-')).collect();
        access.register(CERTIFICATE_ID, STANDARD.decode(pem).unwrap_or_default());
        access
    }
}

impl Access {
    /// Registers a public key (a `SubjectPublicKeyInfo` in DER), as an administrator uploads a certificate.
    pub fn register(&self, certificate_id: &str, public_key: Vec<u8>) {
        self.lock().certificates.insert(certificate_id.to_owned(), public_key);
    }

    /// Ends all tokens.
    pub fn revoke_all(&self) {
        self.lock().tokens.clear();
    }

    /// A token for an assertion, or the word of OAuth 2.0 for what is wrong with it.
    pub(super) fn exchange(&self, form: &[u8], host: &str) -> Result<String, &'static str> {
        let fields: HashMap<String, String> = url::form_urlencoded::parse(form).into_owned().collect();
        let field = |name: &str| fields.get(name).map(String::as_str);
        if field("grant_type") != Some("client_credentials") {
            return Err("unsupported_grant_type");
        }
        if field("client_assertion_type") != Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer") {
            return Err("invalid_request");
        }
        let assertion = field("client_assertion").ok_or("invalid_request")?;
        self.check(assertion, host).ok_or("invalid_grant")?;
        let token = format!("{:032x}", fastrand::u128(..));
        self.lock().tokens.insert(token.clone(), Instant::now());
        Ok(token)
    }

    fn check(&self, assertion: &str, host: &str) -> Option<()> {
        let (signed, signature) = assertion.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
        let header: Header = serde_json::from_slice(&decode(header)?).ok()?;
        let claims: Claims = serde_json::from_slice(&decode(claims)?).ok()?;
        let algorithm: &'static dyn VerificationAlgorithm = match header.alg.as_str() {
            "ES256" => &ECDSA_P256_SHA256_FIXED,
            "ES384" => &ECDSA_P384_SHA384_FIXED,
            "ES512" => &ECDSA_P521_SHA512_FIXED,
            "PS256" => &RSA_PSS_2048_8192_SHA256,
            _ => return None,
        };
        let key = self.lock().certificates.get(&header.kid)?.clone();
        UnparsedPublicKey::new(algorithm, key).verify(signed.as_bytes(), &decode(signature)?).ok()?;
        let scopes = match claims.scope {
            Scope::Text(text) => text.split(',').map(|scope| scope.trim().to_owned()).collect(),
            Scope::List(list) => list,
        };
        let fits = claims.iss == CLIENT_ID
            && scopes.iter().any(|scope| scope == "rest_webservices")
            && claims.aud.ends_with(&format!("://{host}{TOKEN_PATH}"))
            && (1..=ASSERTION_LIFE).contains(&(claims.exp - claims.iat));
        fits.then_some(())
    }

    /// Whether a call may be made: it carries a token, or is signed.
    pub(super) fn admits(&self, method: &Method, path: &str, query: &str, headers: &HeaderMap, host: &str) -> bool {
        let Some(authorization) = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()) else {
            return false;
        };
        if let Some(token) = authorization.strip_prefix("Bearer ") {
            return self.lock().tokens.get(token).is_some_and(|granted| granted.elapsed() < TOKEN_LIFE);
        }
        authorization
            .strip_prefix("OAuth ")
            .is_some_and(|parameters| self.is_signed(method, path, query, parameters, host).is_some())
    }

    fn is_signed(&self, method: &Method, path: &str, query: &str, parameters: &str, host: &str) -> Option<()> {
        let decode = |text: &str| percent_decode_str(text).decode_utf8().ok().map(String::from);
        let mut given = HashMap::new();
        for parameter in parameters.split(',') {
            let (name, value) = parameter.trim().split_once('=')?;
            given.insert(decode(name)?, decode(value.strip_prefix('"')?.strip_suffix('"')?)?);
        }
        let is = |name: &str, value: &str| given.get(name).is_some_and(|given| given == value);
        let known = is("realm", &ACCOUNT.to_uppercase().replace('-', "_"))
            && is("oauth_consumer_key", CONSUMER_KEY)
            && is("oauth_token", TOKEN_ID)
            && is("oauth_signature_method", "HMAC-SHA256")
            && given.get("oauth_version").is_none_or(|version| version == "1.0");
        let time = given.get("oauth_timestamp").filter(|time| time.parse::<u64>().is_ok())?;
        let nonce = given.get("oauth_nonce").filter(|nonce| nonce.len() >= 6)?;
        let mut pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .chain(
                given
                    .iter()
                    .filter(|(name, _)| !matches!(name.as_str(), "realm" | "oauth_signature"))
                    .map(|(name, value)| (name.clone(), value.clone())),
            )
            .map(|(name, value)| (encoded(&name), encoded(&value)))
            .collect();
        pairs.sort();
        let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let url = format!("http://{}{path}", host.to_lowercase());
        let text = format!("{method}&{}&{}", encoded(&url), encoded(&pairs.join("&")));
        let key = format!("{}&{}", encoded(CONSUMER_SECRET), encoded(TOKEN_SECRET));
        let signature = STANDARD.decode(given.get("oauth_signature")?).ok()?;
        hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes()), text.as_bytes(), &signature).ok()?;
        let fresh = known && self.lock().nonces.insert((time.clone(), nonce.clone()));
        fresh.then_some(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}
