//! What a run begins with: the questions that the tests ask, the answers that the embedded systems give, and the forms that
//! Spine's documents name. Made anew when it is needed, so that none of it grows old in a folder.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::systems::{PORTS, Systems};

/// Puts the inputs that a target begins with where its run looks for them, unless they are there.
pub fn plant(target: &str) {
    let folder = root().join("fuzz/corpus").join(target);
    if folder.join("seed-0").exists() {
        return;
    }
    fs::create_dir_all(&folder).expect("a folder to write to");
    for (number, seed) in seeds(target).iter().enumerate() {
        fs::write(folder.join(format!("seed-{number}")), seed).expect("a folder to write to");
    }
}

/// Inputs to begin with, by target.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    match target {
        "request" => request(),
        "guard" => documents().into_iter().map(String::into_bytes).collect(),
        "connector" => connector(),
        "retry_after" => retry_after(),
        "cursor" => cursor(),
        "config" => config(),
        "odata" => odata(),
        "webhook" => webhook(),
        "sign_in" => sign_in(),
        other => panic!("there is no target {other}"),
    }
}

/// The folder of Spine, whether this is built by itself or by Spine's own tests.
fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    if here.ends_with("fuzz") { here.join("..") } else { here.to_owned() }
}

/// The texts of all files below a folder that have this ending.
fn texts(folder: &str, ending: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![root().join(folder)];
    while let Some(folder) = open.pop() {
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == ending) {
                found.push(fs::read_to_string(path).expect("a text"));
            }
        }
    }
    found.sort();
    found
}

/// The documents of GraphQL that stand in the tests, and those that Spine brings.
fn documents() -> Vec<String> {
    let mut documents = texts("src/server/operations", "graphql");
    for source in texts("tests/it", "rs").iter().chain(&texts("src/graph/guard", "rs")) {
        let literals = source.split('"').skip(1).step_by(2);
        let is_document =
            |text: &&str| text.starts_with("{ ") || text.starts_with("query") || text.contains("fragment ");
        documents.extend(literals.filter(is_document).map(|text| text.replace("{{", "{").replace("}}", "}")));
    }
    documents.sort();
    documents.dedup();
    documents
}

/// Each after every byte that says how.
fn after<'a>(hows: impl IntoIterator<Item = u8>, texts: impl IntoIterator<Item = &'a str>) -> Vec<Vec<u8>> {
    let texts: Vec<&str> = texts.into_iter().collect();
    let one = |how: u8, text: &str| [&[how], text.as_bytes()].concat();
    hows.into_iter().flat_map(|how| texts.iter().map(move |text| one(how, text))).collect()
}

fn request() -> Vec<Vec<u8>> {
    let variables = json!({ "id": "PRJ-2025-001", "first": 5, "after": null, "ids": ["PRJ-2025-001"], "by": { "projectId": "PRJ-2025-001" } });
    let bodies: Vec<String> =
        documents().iter().map(|query| json!({ "query": query, "variables": variables }).to_string()).collect();
    let mut seeds = after([0], bodies.iter().map(String::as_str));
    seeds.extend(after(
        [0, 1, 2, 3, 16, 24],
        [
            r#"{"variables":{"dealId":"900001"}}"#,
            r#"{"documentId":"deal-card"}"#,
            r#"{"query":"subscription { dealChanged { id } }"}"#,
        ],
    ));
    seeds
}

fn connector() -> Vec<Vec<u8>> {
    let mut systems = Systems::stand_up();
    let mut seeds = Vec::new();
    for subject in 0..systems.subjects.len() {
        for port in 0..PORTS {
            if systems.subjects[subject].truths[usize::from(port)].is_none() {
                continue;
            }
            let number = u8::try_from(subject).expect("few systems");
            systems.subjects[subject].proxy.keep();
            // A connection that has read nothing yet asks for more.
            drop(systems.ask(subject, port, true));
            let bodies = systems.subjects[subject].proxy.kept();
            for (nth, body) in bodies.iter().enumerate().take(4) {
                let nth = u8::try_from(nth).expect("four at most") << 1;
                seeds.push([&[number, port, 1 | nth], body.as_slice()].concat());
                seeds.push(vec![number, port, 1 | nth | 1 << 3, 0, 200]);
                seeds.push([&[number, port, 1 | nth | 2 << 3, 0, 90, 4], &b"null"[..]].concat());
            }
        }
    }
    seeds
}

fn retry_after() -> Vec<Vec<u8>> {
    let date = "Sun, 06 Nov 1994 08:49:37 GMT";
    let later = format!("Sun, 06 Nov 1994 08:50:27 GMT\n{date}");
    after([0, 1], ["0", "120", "-1", "1.5", "99999999999999999999", "", " 7 ", date, &later])
}

fn cursor() -> Vec<Vec<u8>> {
    let cursors = [
        r#"{"p":"2","s":1}"#,
        r#"{"s":3}"#,
        r#"{"p":"http://169.254.169.254/","s":0,"o":1}"#,
        r#"{"s":18446744073709551615}"#,
    ];
    let mut seeds = Vec::new();
    for list in [0, 1, 2, 0x80] {
        seeds.extend(cursors.map(|cursor| [&[list, 2], cursor.as_bytes()].concat()));
    }
    seeds
}

fn config() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = Vec::new();
    for text in
        ["src/demo", "tests/it/conformance", "bench", "fuzz/src"].iter().flat_map(|folder| texts(folder, "toml"))
    {
        let text = text.replace("{hubspot}", "http://127.0.0.1:1").replace("{redmine}", "http://127.0.0.1:2");
        seeds.push(text.replace("{erp}", "http://127.0.0.1:3").replace("{url}", "http://127.0.0.1:4").into_bytes());
    }
    // Each part of the example by itself, with its lines put into force.
    let example = fs::read_to_string(root().join("docs/spine.example.toml")).expect("generated");
    let lines = |part: &str| {
        let lines = part.lines().map(|line| line.strip_prefix("# ").unwrap_or(line));
        let lines = lines.filter(|line| line.starts_with('[') || line.contains(" = "));
        lines.collect::<Vec<_>>().join("\n")
    };
    seeds.extend(example.split("\n\n").map(|part| lines(part).into_bytes()).filter(|part| part.len() > 20));
    seeds
}

fn odata() -> Vec<Vec<u8>> {
    let options = [
        "$top=2&$skip=1&$count=true",
        "$filter=contains(Name,'a') and Amount gt 100.5 or not (Status eq 'WON')&$orderby=Name desc,Amount",
        "$filter=year(CloseDate) eq 2025 and Name in ('a','b''c')",
        "$select=Id,Name&$expand=Project",
        "$apply=groupby((Vertical),aggregate(Amount with sum as Total))",
        "$format=json&$skiptoken=eyJwIjoiMiIsInMiOjF9",
        "$metadata",
        "Deals('900001')",
        "Deals/$count",
        "margin-by-vertical?format=csv&vertical=Energy",
        "overdue-invoices?format=parquet",
        "format=csv&group_by=VERTICAL",
    ];
    after(0..9, options)
}

fn webhook() -> Vec<Vec<u8>> {
    let bodies = [
        r#"[{"eventId":1,"subscriptionType":"deal.propertyChange","objectId":900001,"occurredAt":1781524800000,"propertyName":"amount"}]"#,
        r#"[{"eventId":2,"subscriptionType":"object.deletion","objectTypeId":"0-3","objectId":900002}]"#,
        r#"{"type":"issue","data":{"issue":{"id":7}}}"#,
        r#"{"event":"e1","kind":"invoice","id":"13-1"}"#,
        r#"{"event":"e2","kind":"cost","id":["a","b"]}"#,
    ];
    after(0..6, bodies)
}

fn sign_in() -> Vec<Vec<u8>> {
    let header = r#"{"alg":"ES256","typ":"JWT","kid":"k"}"#;
    let claims = r#"{"iss":"https://login.example.com","aud":"spine","sub":"42","iat":1781524740,"nbf":1781524740,"exp":1781525400,"name":"Ann","email":"ann@example.com"}"#;
    let list = claims.replace("\"spine\"", "[\"spine\",\"x\"]").replace("1781525400", "1.7815254e9");
    let mut seeds = after([2], [format!("{header}\0{claims}").as_str(), format!("{header}\0{list}").as_str()]);
    seeds.extend(after(
        [0, 1, 3, 4],
        ["Bearer bi.secret", "Basic Ymk6c2VjcmV0", "bi.secret", "bi:secret", "Bearer e30.e30.AAAA", "AAAA"],
    ));
    seeds.extend(after([5], ["x-forwarded-for: 1.2.3.4\r\nx-spine-role: all\r\norigin: https://evil.example"]));
    seeds
}
