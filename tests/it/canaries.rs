//! Secrets are canaries: each kind that a configuration holds, each that a request can show, and what is in files that a
//! configuration names by mistake. They are looked for in every answer, in the figures, the audit trail, the log at its finest,
//! and in what each command prints. What systems say back is looked at in `conformance/matrix/canaries.rs`.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use aws_lc_rs::hmac;
use serde_json::json;
use spine::config::{Config, KeyHash};
use spine::demo::erp::Erp;

use super::sign_in::Log;
use super::support::{Gateway, client, company, json_body, send};

/// What the configuration of the doors holds, beside the words of the embedded systems.
const KEY: &str = "canary-of-a-key";
const CARD: &str = "demo-canary-of-the-card";
const WORDS: [&str; 5] =
    ["demo-hubspot-token", "demo-redmine-key", "demo-webhook-secret", "demo-hubspot-client-secret", CARD];

/// A folder of a test's own.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("spine-canaries-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// The end of a text.
pub(crate) fn last_of(text: &str) -> &str {
    let from = text.char_indices().rev().nth(400).map_or(0, |(at, _)| at);
    text.get(from..).unwrap()
}

/// None of these is in the text.
#[track_caller]
fn silent(what: &str, text: &str, canaries: &[&str]) {
    for canary in canaries {
        let before = text.split_once(canary).map(|(before, _)| last_of(before));
        assert_eq!(before, None, "{what} tells {canary}");
    }
}

/// Asks at a door, and writes down all that comes back.
async fn ask(request: reqwest::RequestBuilder, heard: &mut String) -> u16 {
    let response = send(request).await;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    writeln!(heard, "{status} {headers:?} {}", response.text().await.unwrap()).unwrap();
    status
}

/// Goes through every door as somebody who is let in with these headers, or is not.
async fn every_door(gateway: &Gateway, headers: &[(&str, &str)], heard: &mut String) -> Vec<u16> {
    let url = &gateway.url;
    let project = gateway.project();
    let card = json!({ "query": "query($id: ProjectId!) { project(id: $id) { name invoices { number } tickets { subject } \
        financials { invoiced { amount } } } systems { name status lastError { code at } } }", "variables": { "id": project } });
    let wrong = json!({ "query": "{ deals(after: \"canary-of-a-cursor\") { nodes { nmae } } }" });
    let mut statuses = Vec::new();
    for request in [
        json_body(client().post(format!("{url}/graphql")), &card).header("x-spine-explain", "1"),
        json_body(client().post(format!("{url}/graphql")), &wrong),
        client().post(format!("{url}/graphql")).header("content-type", "text/plain").body("canary-of-a-body"),
        client().get(format!("{url}/graphql/p/margin-by-vertical?key=canary-of-an-address")),
        client().get(format!("{url}/reports/margin-by-vertical?format=csv")),
        client().get(format!("{url}/odata/Deals?$top=2&$filter=Name eq 'canary-of-a-filter'")),
        client().get(format!("{url}/whoami")),
        client().get(format!("{url}/canary-of-a-path")),
        client().post(format!("{url}/webhooks/hubspot")).body("canary-of-a-delivery"),
        client().post(format!("{url}/webhooks/sap")).body("{}"),
    ] {
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        statuses.push(ask(request.header("cache-control", "no-cache"), heard).await);
    }
    statuses
}

#[tokio::test]
async fn no_secret_is_told_at_any_door_whatever_happens() {
    let (folder, log) = (Folder::new(), Log::default());
    let guard = log.keep();
    let audit = folder.0.join("audit.jsonl");
    let token = folder.write("token", "demo-hubspot-token\n");
    let doors = format!(
        "[audit]\nfile = {audit:?}\n[sign_in.keys.bi]\nhash = \"{}\"\nroles = [\"all\"]\n[sign_in.hubspot]\nclient_secret = \
         {{ demo = \"{CARD}\" }}\npublic_url = \"https://spine.example.com\"\nportals = [7]\nroles = [\"all\"]\n\
         [sign_in.rate]\nfailures_per_minute = 0\n[access.roles.all]\nreads = [\"commercial\", \"delivery\", \"tickets\", \
         \"receivables\", \"costs\", \"margins\"]\n",
        KeyHash::of(KEY)
    );
    let gateway = Gateway::over(company(20), |config| {
        let config = config.replace("{ demo = \"demo-hubspot-token\" }", &format!("{{ file = {token:?} }}"));
        format!("{config}\n[http]\nbreaker_failures = 100000\nretries = 0\n{doors}")
    })
    .await;
    let key = format!("Bearer bi.{KEY}");
    let mut heard = String::new();
    let good: &[(&str, &str)] = &[("authorization", &key), ("cookie", "id=canary-of-a-cookie")];
    let statuses = every_door(&gateway, good, &mut heard).await;
    assert_eq!((statuses[0], statuses[4], statuses[6]), (200, 200, 200), "{heard}");
    for shown in [
        &[("authorization", "Bearer bi.canary-of-another")][..],
        &[("authorization", "Basic Y2FuYXJ5LW9mLWE6Y2FuYXJ5")],
        &[("x-api-key", "bi.canary-of-another")],
        &[("authorization", "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJjYW5hcnkifQ.canary-of-a-token")],
        &[
            ("x-hubspot-signature-v3", "canary-of-a-signature"),
            ("x-hubspot-request-timestamp", "1781524800000"),
            ("x-spine-signature", "canary-of-a-signature"),
        ],
    ] {
        let statuses = every_door(&gateway, shown, &mut heard).await;
        assert!(statuses.iter().all(|status| (400..500).contains(status)), "{shown:?}: {statuses:?}");
    }
    // A delivery that is believed.
    let body = r#"{"event": "1", "kind": "invoice", "id": "canary-of-an-id"}"#;
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"demo-webhook-secret"), body.as_bytes());
    let signature = signature.as_ref().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    let told = client().post(format!("{}/webhooks/sap", gateway.url)).header("x-spine-signature", &signature);
    assert_eq!(ask(told.body(body), &mut heard).await, 204);
    for mode in ["down", "401", "403", "429", "500", "503", "html", "truncated", "empty", "huge", "strings"] {
        for system in ["hubspot", "sap", "redmine"] {
            gateway.control(system, "fault", json!({ "mode": mode })).await;
        }
        gateway.pass(3600);
        every_door(&gateway, good, &mut heard).await;
        gateway.reset().await;
    }
    ask(client().get(format!("{}/metrics", gateway.served.admin)), &mut heard).await;
    ask(client().get(format!("{}/health/ready", gateway.served.admin)), &mut heard).await;
    // A configuration that is not taken.
    let refused =
        gateway.reconfigure(|config| config.replace("kind        = \"hubspot\"", "kind = \"canary-of-a-kind\""));
    assert!(refused.is_err());
    drop(guard);

    let mut canaries = WORDS.to_vec();
    canaries.extend([
        KEY,
        signature.as_str(),
        "canary-of-a-cookie",
        "canary-of-another",
        "Y2FuYXJ5",
        "canary-of-a-token",
    ]);
    canaries.extend(["canary-of-a-signature", "canary-of-an-id", "canary-of-a-delivery", "canary-of-a-body"]);
    let log = log.text();
    let trail = std::fs::read_to_string(&audit).unwrap();
    assert!(log.contains("webhook") && trail.lines().count() > 10, "little is looked at");
    silent("an answer", &heard, &canaries);
    // What somebody writes into an address, a question or a filter is theirs: an answer may quote it, and nobody keeps it.
    canaries.extend(["canary-of-a-cursor", "canary-of-an-address", "canary-of-a-filter", "canary-of-a-path"]);
    silent("the log", &log, &canaries);
    silent("the audit trail", &trail, &canaries);
    silent("the application", &format!("{:?}", gateway.served.app), &canaries);
}

/// Runs a command with its log at its finest; gives its exit code and all that it printed.
fn run(arguments: &[&str], file: &str) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spine"));
    command.arg("--log").arg("trace").args(arguments).arg("--config").arg(file).env("CANARY", "canary\nof-a-variable");
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code(), text(output.stdout) + &text(output.stderr))
}

const COMMANDS: [&[&str]; 6] = [
    &["check"],
    &["explain", "--json", "src/server/operations/margin-by-vertical.graphql"],
    &["doctor"],
    &["doctor", "--json"],
    &["report", "margin-by-vertical", "--format", "json"],
    &["report", "project-kpis", "--format", "csv"],
];

#[tokio::test(flavor = "multi_thread")]
async fn no_command_tells_a_secret_whether_the_systems_answer_or_not() {
    let words_of_demo = regex::Regex::new(r#"demo\s*=\s*"([^"]+)""#).unwrap();
    for erp in [Erp::Sap, Erp::NetSuite, Erp::QuickBooks, Erp::Odoo] {
        let gateway = Gateway::with_books_in(erp, company(8), |config| config).await;
        let folder = Folder::new();
        let config = gateway.demo.gateway_config();
        let words: Vec<String> = words_of_demo.captures_iter(&config).map(|word| word[1].to_owned()).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let file = folder.write("spine.toml", &config);
        for mode in ["off", "401", "500", "html", "truncated"] {
            for system in ["hubspot", erp.name(), "redmine"] {
                gateway.control(system, "fault", json!({ "mode": mode })).await;
            }
            for command in COMMANDS {
                let file = file.clone();
                let (code, told) = tokio::task::spawn_blocking(move || run(command, &file)).await.unwrap();
                assert!(code.is_some() && !told.contains("panic"), "{command:?}: {told}");
                assert!(mode != "off" || code == Some(0), "{command:?}: {told}");
                silent(&format!("{command:?} over {} ({mode})", erp.name()), &told, &words);
            }
        }
    }
}

#[test]
fn a_secret_in_the_wrong_place_is_not_quoted() {
    let folder = Folder::new();
    let binary = folder.write("binary", b"canary-in-bytes \xff\xfe");
    let lines = folder.write("lines", "canary-in\nlines");
    let pem = folder.write("pem", "-----BEGIN CERTIFICATE-----\ncanary-in-pem\n-----END CERTIFICATE-----\n");
    let folder_itself = folder.0.to_str().unwrap().to_owned();
    let good = "[shared_id]\npattern = '^P-\\d+$'\n[owners]\ncommercial = \"crm\"\n[connections.crm]\nkind = \"hubspot\"\n\
        url = \"http://127.0.0.1:1\"\ntoken = { demo = \"demo-token\" }\n[connections.crm.map]\nshared_id = \"code\"\n";
    let with = |token: &str| good.replace("{ demo = \"demo-token\" }", token);
    let more = |more: &str| format!("{good}{more}\n");
    let configs = [
        with("\"canary-in-line\""),
        with("{ demo = \"canary-in-line\" }"),
        with("{ file = \"canary-in-line"),
        with("canary-in-line"),
        with("[\"canary-in-line\"]"),
        with("{ value = \"canary-in-line\" }"),
        with(&format!("{{ file = {binary:?} }}")),
        with(&format!("{{ file = {lines:?} }}")),
        with(&format!("{{ file = {folder_itself:?} }}")),
        with("{ env = \"CANARY\" }"),
        good.replace("token =", "tokn = \"canary-in-line\"\ntoken ="),
        good.replace("http://127.0.0.1:1", "https://ann:canary-in-line@example.com"),
        good.replace("http://127.0.0.1:1", "ftp://ann:canary-in-line@example.com"),
        good.replace("http://127.0.0.1:1", "ann:canary-in-line"),
        good.replace("http://127.0.0.1:1", "https://example.com/?key=canary-in-line"),
        more("[sign_in.keys.bi]\nhash = \"canary-in-line\""),
        more("[sign_in.keys.bi]\nhash = \"sha256:canary-in-line\""),
        more("[sign_in.keys.bi]\nsecret = \"canary-in-line\""),
        more(
            "[sign_in.hubspot]\nclient_secret = \"canary-in-line\"\npublic_url = \"https://a.example\"\nportals = [1]",
        ),
        more("[sign_in.oidc.a]\nissuer = \"https://ann:canary-in-line@a.example\"\naudience = [\"s\"]"),
        more(&format!("[http]\nca_file = {pem:?}")),
        more(&format!("[server.tls]\ncertificate = {pem:?}\nkey = {lines:?}")),
        more(
            "[connections.crm.webhook]\nform = \"hubspot\"\nsecret = \"canary-in-line\"\npublic_url = \"https://a.example\"",
        ),
        more(
            "[connections.crm.webhook]\nform = \"hubspot\"\nsecret = { demo = \"canary-in-line\" }\npublic_url = \"https://a.example\"",
        ),
    ];
    let canaries = ["canary-in", "of-a-variable"];
    for config in configs {
        let file = folder.write("spine.toml", &config);
        for command in [&["check"][..], &["doctor", "--json"], &["report", "margin-by-vertical", "--format", "json"]] {
            let (code, told) = run(command, &file);
            // What only a server needs, other commands do not look at.
            assert!(code == Some(2) || (code.is_some() && command != ["check"]), "{config}\n{told}");
            silent(&format!("{command:?} of\n{config}"), &told, &canaries);
        }
        let debug = match Config::parse("spine.toml", &config) {
            Ok(config) => format!("{config:?}"),
            Err(errors) => format!("{errors:?}"),
        };
        silent(&format!("the configuration\n{config}"), &debug, &canaries);
    }
}
