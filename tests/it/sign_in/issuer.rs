//! An issuer of tokens that does what a test tells it to: it describes itself, publishes keys, signs, and can be away.

use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
};
use axum::extract::State;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// A key of the issuer, with its name.
pub(super) struct Key {
    kid: String,
    pair: Pair,
}

enum Pair {
    Rsa(RsaKeyPair),
    Ec(EcdsaKeyPair),
}

impl Key {
    pub(super) fn rsa(kid: &str) -> Self {
        Self { kid: kid.to_owned(), pair: Pair::Rsa(RsaKeyPair::generate(KeySize::Rsa2048).unwrap()) }
    }

    pub(super) fn ec(kid: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { kid: kid.to_owned(), pair: Pair::Ec(pair) }
    }

    /// The public half, as the issuer publishes it.
    pub(super) fn public(&self) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.pair {
            Pair::Rsa(pair) => {
                // PKCS #1 in DER: the number of 2048 bits after nine bytes of headers, the exponent behind two.
                let der = pair.public_key().as_ref();
                let (n, e) = (&der[9..265], &der[267..]);
                json!({ "kty": "RSA", "use": "sig", "kid": self.kid, "n": encode(n), "e": encode(e) })
            }
            Pair::Ec(pair) => {
                let point = pair.public_key().as_ref();
                let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
                json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": self.kid, "x": x, "y": y })
            }
        }
    }

    /// A token, with the header as it should be.
    pub(super) fn sign(&self, claims: &Value) -> String {
        let algorithm = if matches!(self.pair, Pair::Rsa(_)) { "RS256" } else { "ES256" };
        self.sign_with(&json!({ "alg": algorithm, "typ": "JWT", "kid": self.kid }), claims)
    }

    /// A token, with any header; signed as the header says where the key can.
    pub(super) fn sign_with(&self, header: &Value, claims: &Value) -> String {
        let message = message(header, claims);
        let signature = match &self.pair {
            Pair::Rsa(pair) => {
                let padding = if header["alg"] == "PS256" { &RSA_PSS_SHA256 } else { &RSA_PKCS1_SHA256 };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(padding, &SystemRandom::new(), message.as_bytes(), &mut signature).unwrap();
                signature
            }
            Pair::Ec(pair) => pair.sign(&SystemRandom::new(), message.as_bytes()).unwrap().as_ref().to_vec(),
        };
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

/// What is signed.
pub(super) fn message(header: &Value, claims: &Value) -> String {
    let encode = |part: &Value| URL_SAFE_NO_PAD.encode(part.to_string());
    format!("{}.{}", encode(header), encode(claims))
}

/// A token that is signed with a shared secret.
pub(super) fn with_secret(secret: &[u8], kid: &str, claims: &Value) -> String {
    let message = message(&json!({ "alg": "HS256", "typ": "JWT", "kid": kid }), claims);
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(tag))
}

/// What the issuer answers with.
#[derive(Default)]
pub(super) struct Published {
    pub(super) keys: Vec<Value>,
    /// What it says of itself beside the usual.
    pub(super) description: Option<Value>,
    /// Whether it answers with 503.
    pub(super) is_away: bool,
    /// How often its keys were read.
    pub(super) reads: usize,
}

/// The issuer, on a port of its own.
pub(super) struct Issuer {
    pub(super) url: String,
    pub(super) published: Arc<Mutex<Published>>,
}

type Shared = (String, Arc<Mutex<Published>>);

impl Issuer {
    /// Begins to answer, with these keys.
    pub(super) async fn start(keys: &[&Key]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let published = Arc::new(Mutex::new(Published::default()));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(describe))
            .route("/keys", get(list))
            .with_state((url.clone(), Arc::clone(&published)));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let issuer = Self { url, published };
        issuer.publish(keys);
        issuer
    }

    /// Has these keys, and no others, from now on.
    pub(super) fn publish(&self, keys: &[&Key]) {
        self.published.lock().unwrap().keys = keys.iter().map(|key| key.public()).collect();
    }

    pub(super) fn reads(&self) -> usize {
        self.published.lock().unwrap().reads
    }

    pub(super) fn is_away(&self, away: bool) {
        self.published.lock().unwrap().is_away = away;
    }
}

async fn describe(State((url, published)): State<Shared>) -> axum::response::Response {
    let published = published.lock().unwrap();
    if published.is_away {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let usual = json!({ "issuer": url, "jwks_uri": format!("{url}/keys") });
    Json(published.description.clone().unwrap_or(usual)).into_response()
}

async fn list(State((_, published)): State<Shared>) -> axum::response::Response {
    let mut published = published.lock().unwrap();
    if published.is_away {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    published.reads += 1;
    Json(json!({ "keys": published.keys })).into_response()
}
