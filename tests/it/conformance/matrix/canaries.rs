//! Systems that say back whatever they are told, credentials too, in every form of an error: nothing of it reaches an answer, the
//! figures or the log, not even at its finest level.

use std::collections::BTreeSet;
use std::fmt::Write;

use regex::Regex;
use serde_json::json;

use super::SYSTEMS;
use super::proxy::{Act, Deed, Request};
use super::stack::{Gateway, Site};
use crate::canaries::last_of;
use crate::sign_in::Log;
use crate::support::{client, send};

/// What a system says of itself, beside what it was told.
const SAID: &str = "canary-said-by-the-system";

/// An error in the forms of all vendors at once. Codes are words of the system, which the log may tell; sentences are not.
fn parrot(request: &Request, status: &str) -> Deed {
    let told = format!("{SAID}: {}", request.text());
    let error = json!({
        "error": { "code": -1, "message": { "lang": "en", "value": told }, "data": { "message": told, "debug": told } },
        "message": told, "status": "error", "category": "VALIDATION", "errors": [{ "message": told }], "title": told,
        "Fault": { "Error": [{ "Message": told, "Detail": told, "code": "1" }], "type": "VALIDATION" },
        "o:errorDetails": [{ "detail": told, "o:errorCode": "INVALID" }], "error_description": told, "arguments": [told],
    });
    let body = if status.contains("html") { format!("<html>{told}</html>") } else { error.to_string() };
    let line = |text: &str| text.replace(['\r', '\n'], " ");
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nx-told: {}\r\nlocation: /{SAID}\r\nset-cookie: id={SAID}\r\n\
         www-authenticate: Basic realm=\"{SAID}\"\r\nretry-after: 0\r\ncontent-length: {}\r\n\r\n{body}",
        line(&told),
        body.len()
    );
    Deed::Send(head.into_bytes())
}

macro_rules! parrots {
    ($asked:expr; $($status:literal),+) => {
        &[$(Act::Instead(|moment| $asked(moment.request).then(|| parrot(moment.request, $status)))),+]
    };
}

fn asks(request: &Request) -> bool {
    !request.signs_in()
}

/// Who signs in is let in, and told all in the next answer.
const INSIDE: &[Act] = parrots!(
    asks; "200 OK", "200 html", "302 Found", "400 Bad", "401 Who", "403 No", "404 What", "429 Slow Down", "500 Oops", "503 Busy"
);
/// Who signs in is told all, and not let in.
const OUTSIDE: &[Act] = parrots!(Request::signs_in; "200 OK", "200 html", "400 Bad", "401 Who", "500 Oops");

/// All that a gateway tells whoever asks and whoever runs it.
async fn told(gateway: &Gateway<'_>) -> String {
    let mut told = String::new();
    for answer in [gateway.graph().await, gateway.report().await, gateway.health().await] {
        writeln!(told, "{} {:?} {}", answer.status, answer.headers, answer.body).unwrap();
    }
    let metrics = send(client().get(format!("{}/metrics", gateway.served.admin))).await.text().await.unwrap();
    assert!(metrics.contains("spine_system_failures_total"), "{metrics}");
    told + &metrics
}

/// The words of the embedded systems that stand in a configuration.
fn words(config: &str) -> BTreeSet<String> {
    let word = Regex::new(r#"demo\s*=\s*"([^"]+)""#).unwrap();
    word.captures_iter(config).map(|found| found[1].to_owned()).collect()
}

#[tokio::test]
async fn what_a_system_says_back_of_secrets_is_told_to_nobody() {
    for (way, system) in SYSTEMS {
        let log = Log::default();
        let guard = log.keep();
        let site = Site::of(system).await;
        let gateway = site.usual("").await;
        site.proxy.act(None);
        let mut all = told(&gateway).await;
        let signs_in = site.proxy.requests().1 > 0;
        for act in INSIDE {
            site.proxy.act(Some(*act));
            all += &told(&gateway).await;
        }
        for act in OUTSIDE.iter().filter(|_| signs_in) {
            site.proxy.act(Some(*act));
            all += &told(&site.usual("retries = 0").await).await;
        }
        drop(guard);
        let log = log.text();
        assert!(log.contains("UPSTREAM") || log.contains("system"), "{way}: nothing is logged: {log}");
        let mut canaries = words(site.config());
        assert!(!canaries.is_empty(), "{way} has no secret");
        // By JSON-RPC the key stands in the question itself.
        canaries.extend(site.proxy.credentials());
        canaries.insert(SAID.to_owned());
        for canary in &canaries {
            for (name, text) in [("an answer", &all), ("the log", &log)] {
                let before = text.split_once(canary.as_str()).map(|(before, _)| last_of(before));
                assert_eq!(before, None, "{way}: {name} tells {canary}");
            }
        }
    }
}
