//! What a system tells: signed well, so that it is read, or in any other way. It makes Spine forget, or is refused.

use std::cell::RefCell;

use super::super::door::Door;
use super::super::{choose, take};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// [`super::super::door::NOW`] in milliseconds.
const NOW: &str = "1781524800000";

thread_local! {
    static DOOR: RefCell<Door> = RefCell::new(Door::open(|_| String::new()));
}

fn digest(secret: &str, parts: &[&[u8]]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()));
    for part in parts {
        context.update(part);
    }
    context.sign()
}

fn hex(tag: &hmac::Tag) -> String {
    let digit = |byte: u8| char::from_digit(u32::from(byte), 16).expect("it is less than 16");
    tag.as_ref().iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// Looks at one input.
pub fn run(data: &[u8]) {
    let ([how], body) = take(data);
    let connection = choose(&["hubspot", "redmine", "sap"], how / 2);
    let (signature, time) = match connection {
        _ if how & 1 == 1 => ("x-hubspot-signature-v3: AAAA".to_owned(), "x-redmine-signature-256: 00".to_owned()),
        "hubspot" => {
            let address = b"POSThttps://spine.example.com/webhooks/hubspot";
            let tag = digest("demo-hubspot-client-secret", &[address, body, NOW.as_bytes()]);
            (format!("x-hubspot-signature-v3: {}", STANDARD.encode(tag)), format!("x-hubspot-request-timestamp: {NOW}"))
        }
        "redmine" => {
            (format!("x-redmine-signature-256: {}", hex(&digest("demo-webhook-secret", &[body]))), "x-a: b".to_owned())
        }
        _ => (format!("x-spine-signature: {}", hex(&digest("demo-webhook-secret", &[body]))), "x-a: b".to_owned()),
    };
    DOOR.with_borrow_mut(|door| {
        let headers: [&[u8]; 3] = [b"content-type: application/json", signature.as_bytes(), time.as_bytes()];
        let answer = door.send(&format!("POST /webhooks/{connection}"), &headers, body).expect("it is answered");
        if how & 1 == 1 {
            assert!((400..500).contains(&answer.status), "believed without a signature: {answer:?}");
        }
        if answer.status != 204 {
            assert!(answer.is_graphql().get("data").is_none());
        }
    });
}
