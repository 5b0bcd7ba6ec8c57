//! Who somebody says they are: keys, tokens, signatures, and heads of requests as they come. Nobody is let in but the bearer of a
//! token that the issuer signed, for Spine, and for now.

use std::cell::RefCell;

use super::super::door::Door;
use super::super::take;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use axum::routing::get;
use axum::{Json, Router};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// [`super::super::door::NOW`] in seconds, and by how much clocks may differ.
const NOW: f64 = 1_781_524_800.0;
const LEEWAY: f64 = 30.0;

thread_local! {
    static STATE: RefCell<(Door, EcdsaKeyPair)> = RefCell::new(open());
}

fn open() -> (Door, EcdsaKeyPair) {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key");
    let point = pair.public_key().as_ref();
    let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
    let keys = json!({ "keys": [{ "kty": "EC", "crv": "P-256", "use": "sig", "kid": "k", "x": x, "y": y }] });
    let door = Door::open(|runtime| {
        let url = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let url = format!("http://{}", listener.local_addr().expect("bound"));
            let keys = Router::new().route("/keys", get(move || async move { Json(keys) }));
            tokio::spawn(async move { axum::serve(listener, keys).await });
            url
        });
        format!(
            r#"
[sign_in.rate]
failures_per_minute = 0
per_minute = 0
[sign_in.keys.bi]
hash = "sha256:0000000000000000000000000000000000000000000000000000000000000001"
roles = ["all"]
[sign_in.hubspot]
client_secret = {{ demo = "demo-hubspot-client-secret" }}
public_url = "https://spine.example.com"
portals = [7]
roles = ["all"]
[sign_in.oidc.company]
issuer = "https://login.example.com"
jwks_url = "{url}/keys"
audience = ["spine"]
default_roles = ["all"]
[access.roles.all]
reads = ["commercial", "delivery", "tickets", "receivables", "costs", "margins"]
"#
        )
    });
    (door, pair)
}

fn signed(pair: &EcdsaKeyPair, header: &[u8], claims: &[u8]) -> String {
    let message = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = pair.sign(&SystemRandom::new(), message.as_bytes()).expect("it signs");
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
}

/// Whether somebody with these claims may be let in.
fn good(header: &[u8], claims: &[u8]) -> bool {
    let (Ok(header), Ok(claims)) = (serde_json::from_slice::<Value>(header), serde_json::from_slice::<Value>(claims))
    else {
        return false;
    };
    let for_spine = match &claims["aud"] {
        Value::Array(all) => all.iter().any(|one| one == "spine"),
        one => one == "spine",
    };
    header["alg"] == "ES256"
        && claims["iss"] == "https://login.example.com"
        && for_spine
        && claims["exp"].as_f64().is_some_and(|until| until + LEEWAY + 1.0 > NOW)
        && claims["nbf"].as_f64().is_some_and(|since| since - LEEWAY - 1.0 < NOW)
}

/// Looks at one input.
pub fn run(data: &[u8]) {
    let ([how], rest) = take(data);
    // Another line of the head is another header, and is looked at by itself.
    let line = || rest.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n' | 0)).collect::<Vec<u8>>();
    let (first, second) = match rest.iter().position(|byte| *byte == 0) {
        Some(at) => (&rest[..at], &rest[at + 1..]),
        None => (rest, &b""[..]),
    };
    STATE.with_borrow_mut(|(door, pair)| {
        let headers: Vec<Vec<u8>> = match how % 6 {
            0 => vec![[b"authorization: ", line().as_slice()].concat()],
            1 => vec![[b"x-api-key: ", line().as_slice()].concat()],
            2 => vec![format!("authorization: Bearer {}", signed(pair, first, second)).into_bytes()],
            3 => vec![
                [b"x-hubspot-signature-v3: ", line().as_slice()].concat(),
                b"x-hubspot-request-timestamp: 1781524800000".to_vec(),
            ],
            4 => vec![format!("authorization: Basic {}", STANDARD.encode(rest)).into_bytes()],
            _ => vec![[b"x: y\r\n", rest].concat()],
        };
        let mut all: Vec<&[u8]> = vec![b"accept: application/json"];
        all.extend(headers.iter().map(Vec::as_slice));
        let answer = door.send("GET /whoami", &all, b"");
        if how % 6 == 5 {
            // Whatever came may be the beginning of another request.
            door.hang_up();
        }
        let Some(answer) = answer else { return };
        answer.is_no_failure();
        if answer.status == 200 {
            assert!(how % 6 == 2 && good(first, second), "let in: {answer:?}");
        }
    });
}
