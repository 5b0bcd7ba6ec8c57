//! The two ways to sign in. By OAuth 2.0, an assertion that we sign is exchanged for a token that lasts an hour; there is no
//! refresh, the exchange is repeated. By tokens (OAuth 1.0a), each call is signed, and no call is signed twice: a signature is
//! good for one attempt.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair,
    RSA_PSS_SHA256, RsaKeyPair,
};
use aws_lc_rs::{error::Unspecified, hmac};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use url::Url;

use super::config::{self, Config};
use super::wire;
use crate::domain::Clock;
use crate::systems::http::{Granted, HttpClient, Request, SignIn, Signer, Ticket};
use crate::systems::{Call, ConnectionProblem, ErrorKind, SystemError};

/// Where an assertion is exchanged for a token.
pub(super) const TOKEN_PATH: &str = "/services/rest/auth/oauth2/v1/token";

const OPERATION: &str = "token.exchange";

/// How long an assertion is good for, in seconds. An hour is the most that is allowed.
const ASSERTION_LIFE: i64 = 300;

/// How long a token lasts if the answer does not say.
const TOKEN_LIFE: Duration = Duration::from_hours(1);

/// A token is renewed so long before it ends.
const EARLY: Duration = Duration::from_mins(1);

/// A token that was refused is not renewed when it is younger than this: the refusal is about something else then.
const YOUNG: Duration = Duration::from_mins(1);

/// What is never encoded in a signature: RFC 3986's unreserved signs.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// OAuth 2.0 client credentials.
pub(super) struct OAuth2 {
    client_id: String,
    certificate_id: String,
    key: Key,
    audience: String,
    clock: Arc<dyn Clock>,
    sign_in: SignIn<Bearer>,
}

/// A token, as a call shows it.
#[derive(Clone)]
pub(super) struct Bearer {
    pub(super) header: HeaderValue,
    since: Duration,
}

impl OAuth2 {
    pub(super) fn new(config: &config::OAuth2, root: &Url, clock: Arc<dyn Clock>) -> Result<Self, ConnectionProblem> {
        let problem = |message: String| ConnectionProblem::new("oauth2.private_key", message);
        let pem = config.private_key.read().map_err(problem)?;
        let key = Key::from_pem(pem.expose_secret()).ok_or_else(|| {
            problem("must be a private key in PKCS#8 PEM: EC (P-256, P-384, P-521) or RSA".to_owned())
        })?;
        let base = root.as_str().trim_end_matches('/');
        Ok(Self {
            client_id: config.client_id.trim().to_owned(),
            certificate_id: config.certificate_id.trim().to_owned(),
            key,
            audience: format!("{base}{TOKEN_PATH}"),
            clock: Arc::clone(&clock),
            sign_in: SignIn::new(clock),
        })
    }

    /// The token that is there, or a new one if `refused` was refused and is not young.
    pub(super) async fn ticket(
        &self,
        http: &HttpClient,
        call: &Call,
        refused: Option<&Ticket<Bearer>>,
    ) -> Result<Ticket<Bearer>, SystemError> {
        self.sign_in.ticket(http, call, OPERATION, refused, self.exchange(http, call)).await
    }

    /// Whether a token that was refused may have been ended before its time.
    pub(super) fn may_have_ended(&self, ticket: &Ticket<Bearer>) -> bool {
        self.clock.monotonic().saturating_sub(ticket.value.since) >= YOUNG
    }

    async fn exchange(&self, http: &HttpClient, call: &Call) -> Result<Granted<Bearer>, SystemError> {
        let internal = || http.error(OPERATION, ErrorKind::Internal);
        let assertion = self.assertion().map_err(|_| internal())?;
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
            .append_pair("client_assertion", &assertion)
            .finish();
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        let request = Request {
            operation: OPERATION,
            method: Method::POST,
            path: TOKEN_PATH.to_owned(),
            headers,
            body: Some(Bytes::from(form)),
        };
        let response = http.send(call, request).await?;
        let token: wire::Token = http.decode(OPERATION, &response)?;
        let mut header = HeaderValue::from_str(&format!("Bearer {}", token.access_token))
            .map_err(|_| http.error(OPERATION, ErrorKind::BadResponse))?;
        header.set_sensitive(true);
        let life =
            token.expires_in.and_then(|seconds| u64::try_from(seconds.0).ok()).map_or(TOKEN_LIFE, Duration::from_secs);
        let since = self.clock.monotonic();
        Ok(Granted { value: Bearer { header, since }, until: Some(since + life.saturating_sub(EARLY)) })
    }

    /// The assertion (a JSON Web Token): who we are, for whom it is, and until when.
    fn assertion(&self) -> Result<String, Unspecified> {
        let now = self.clock.now().as_second();
        let header = json!({ "typ": "JWT", "alg": self.key.algorithm(), "kid": self.certificate_id });
        let claims = json!({
            "iss": self.client_id,
            "scope": ["rest_webservices"],
            "aud": self.audience,
            "iat": now,
            "exp": now + ASSERTION_LIFE,
        });
        let encoded = |value: serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encoded(header), encoded(claims));
        let signature = self.key.sign(signed.as_bytes())?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// The private key of a certificate.
enum Key {
    Ec(EcdsaKeyPair, &'static str),
    Rsa(Box<RsaKeyPair>),
}

impl Key {
    /// A key from PKCS#8 in PEM.
    fn from_pem(pem: &str) -> Option<Self> {
        let (_, rest) = pem.split_once("-----BEGIN PRIVATE KEY-----")?;
        let (body, _) = rest.split_once("-----END PRIVATE KEY-----")?;
        let der = STANDARD.decode(body.split_ascii_whitespace().collect::<String>()).ok()?;
        for (curve, name) in [
            (&ECDSA_P256_SHA256_FIXED_SIGNING, "ES256"),
            (&ECDSA_P384_SHA384_FIXED_SIGNING, "ES384"),
            (&ECDSA_P521_SHA512_FIXED_SIGNING, "ES512"),
        ] {
            if let Ok(key) = EcdsaKeyPair::from_pkcs8(curve, &der) {
                return Some(Self::Ec(key, name));
            }
        }
        RsaKeyPair::from_pkcs8(&der).ok().map(|key| Self::Rsa(Box::new(key)))
    }

    /// The name of its algorithm in a JSON Web Token.
    fn algorithm(&self) -> &'static str {
        match self {
            Self::Ec(_, name) => name,
            Self::Rsa(_) => "PS256",
        }
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        let random = SystemRandom::new();
        match self {
            Self::Ec(key, _) => Ok(key.sign(&random, message)?.as_ref().to_vec()),
            Self::Rsa(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PSS_SHA256, &random, message, &mut signature)?;
                Ok(signature)
            }
        }
    }
}

/// Token-based authentication: signs each attempt.
pub(super) struct TokenBased {
    realm: String,
    consumer_key: String,
    token_id: String,
    /// Both secrets, encoded and joined, as they are the key of the signature.
    secrets: SecretString,
    clock: Arc<dyn Clock>,
}

impl TokenBased {
    pub(super) fn new(
        config: &Config,
        token: &config::Token,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ConnectionProblem> {
        let read = |key: &str, secret: &crate::config::SecretRef| {
            secret.read().map_err(|message| ConnectionProblem::new(key, message))
        };
        let consumer = read("token.consumer_secret", &token.consumer_secret)?;
        let secret = read("token.token_secret", &token.token_secret)?;
        Ok(Self {
            realm: config.account.trim().to_uppercase().replace('-', "_"),
            consumer_key: token.consumer_key.trim().to_owned(),
            token_id: token.token_id.trim().to_owned(),
            secrets: format!("{}&{}", encoded(consumer.expose_secret()), encoded(secret.expose_secret())).into(),
            clock,
        })
    }

    /// The header of a call, signed for this moment and with this nonce (RFC 5849). The parameters of the URL are a part
    /// of what is signed, the body is not.
    fn header(&self, method: &Method, url: &Url, time: i64, nonce: &str) -> String {
        let own = [
            ("oauth_consumer_key", self.consumer_key.clone()),
            ("oauth_nonce", nonce.to_owned()),
            ("oauth_signature_method", "HMAC-SHA256".to_owned()),
            ("oauth_timestamp", time.to_string()),
            ("oauth_token", self.token_id.clone()),
            ("oauth_version", "1.0".to_owned()),
        ];
        let asked = url.query_pairs().map(|(name, value)| (encoded(&name), encoded(&value)));
        let mut pairs: Vec<(String, String)> =
            own.iter().map(|(name, value)| (encoded(name), encoded(value))).chain(asked).collect();
        pairs.sort();
        let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut plain = url.clone();
        plain.set_query(None);
        let text = format!("{method}&{}&{}", encoded(plain.as_str()), encoded(&pairs.join("&")));
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.secrets.expose_secret().as_bytes());
        let signature = STANDARD.encode(hmac::sign(&key, text.as_bytes()));
        let realm = ("realm", &self.realm);
        let own = own.iter().map(|(name, value)| (*name, value));
        let parameters = std::iter::once(realm).chain(own).chain([("oauth_signature", &signature)]);
        let parameters: Vec<String> =
            parameters.map(|(name, value)| format!("{name}=\"{}\"", encoded(value))).collect();
        format!("OAuth {}", parameters.join(", "))
    }
}

impl Signer for TokenBased {
    fn sign(&self, method: &Method, url: &Url, headers: &mut HeaderMap) {
        let nonce = format!("{:032x}", fastrand::u128(..));
        let header = self.header(method, url, self.clock.now().as_second(), &nonce);
        if let Ok(mut value) = HeaderValue::from_str(&header) {
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
    }
}

impl fmt::Debug for TokenBased {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenBased").finish_non_exhaustive()
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, UNRESERVED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ManualClock;

    #[test]
    fn a_call_is_signed_as_other_implementations_sign_it() {
        let signer = TokenBased {
            realm: "1234567_SB1".to_owned(),
            consumer_key: "ck key".to_owned(),
            token_id: "tk".to_owned(),
            secrets: format!("{}&{}", encoded("c$ secret"), encoded("t&s")).into(),
            clock: Arc::new(ManualClock::default()),
        };
        let url =
            "https://1234567-sb1.suitetalk.api.netsuite.com/services/rest/query/v1/suiteql?limit=1000&offset=2000";
        let header = signer.header(&Method::POST, &url.parse().unwrap(), 1_764_115_200, "0123456789abcdef");
        // By Python's oauthlib 3.3.1, of the same call.
        let signature = "oauth_signature=\"FL%2BzJqnKqnXuME%2FAvIKFWheucQMHSykxxdk2oYGSP%2Fw%3D\"";
        assert!(header.starts_with("OAuth realm=\"1234567_SB1\", oauth_consumer_key=\"ck%20key\", "), "{header}");
        assert!(header.ends_with(signature), "{header}");
    }

    #[test]
    fn each_attempt_has_a_signature_of_its_own() {
        let signer = TokenBased {
            realm: "1".to_owned(),
            consumer_key: "ck".to_owned(),
            token_id: "tk".to_owned(),
            secrets: "a&b".to_owned().into(),
            clock: Arc::new(ManualClock::default()),
        };
        let sign = || {
            let mut headers = HeaderMap::new();
            signer.sign(&Method::POST, &"https://x.example/a?b=c".parse().unwrap(), &mut headers);
            headers.remove(AUTHORIZATION).unwrap()
        };
        let (first, second) = (sign(), sign());
        assert!(first.is_sensitive() && first != second);
        assert!(first.to_str().unwrap().contains("oauth_timestamp=\"0\""), "by the clock that was given");
    }
}
