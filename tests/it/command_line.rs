//! The command line, as a stranger types it.

use std::fmt::{self, Display, Formatter};
use std::io::{BufRead, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

use super::support;

fn spine(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_spine"));
    command.args(arguments).stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    spine(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A child that does not outlive the test.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

#[test]
fn schema_prints_the_contract() {
    let output = run(&["schema"]);
    assert!(output.status.success());
    let file = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/schema.graphql")).unwrap();
    assert!(text(&output.stdout).trim_end() == file.trim_end(), "not schema.graphql");
}

#[test]
fn wrong_usage_is_told_on_stderr_and_exits_with_2() {
    for (arguments, part) in [
        (&["demo", "--fault", "erp=down"][..], "there are hubspot, sap, redmine"),
        (&["demo", "--fault", "sap=tired"], "try down, slow"),
        (&["demo", "--fault", "sap"], "write SYSTEM=FAULT"),
        (&["demo", "--deals", "0"], "1..=100000"),
        (&["demo", "--today", "tomorrow"], "--today"),
        (&["demo", "--log", "a=b=c"], "not a filter"),
        (&["dmeo"], "demo"),
        (&["serve"], "--config"),
        (&["check", "-c", "/no/such/file.toml"], "cannot be read"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(part), "{arguments:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_number_of_threads_that_is_none_is_told() {
    for threads in ["0", "-1", "two", "", "1025", "99999999999999999999"] {
        let output = spine(&["demo", "--port", "0"]).env("TOKIO_WORKER_THREADS", threads).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{threads:?}");
        let told = text(&output.stderr);
        assert!(
            told.starts_with("error: TOKIO_WORKER_THREADS is no number of threads: write one from 1 to 1024"),
            "{told}"
        );
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn facts_are_the_same_for_the_same_seed_and_day() {
    let facts = |seed: &str| run(&["demo", "--facts", "--seed", seed, "--deals", "30", "--today", "2026-06-15"]).stdout;
    assert_eq!(facts("7"), facts("7"));
    assert_ne!(facts("7"), facts("8"));
    let facts: Value = serde_json::from_slice(&facts("7")).unwrap();
    assert_eq!(facts["hubspot"]["deals"].as_array().unwrap().len(), 30);
    assert!(facts["sap"]["invoices"].as_array().is_some_and(|invoices| !invoices.is_empty()));
    assert!(facts["redmine"]["projects"].as_array().is_some_and(|projects| !projects.is_empty()));
}

#[test]
fn demo_prints_one_line_of_json_when_it_is_ready_takes_faults_and_writes_no_file() {
    let folder = std::env::temp_dir().join(format!("spine-demo-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let child = spine(&["demo", "--port", "0", "--json", "--deals", "40", "--fault", "sap=down"])
        .current_dir(&folder)
        .env("TMPDIR", &folder)
        .env("HOME", &folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = Running(child.unwrap());
    let mut out = BufReader::new(child.0.stdout.take().unwrap());
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let ready: Value = serde_json::from_str(&line).unwrap();
    for system in ["hubspot", "sap", "redmine"] {
        assert!(ready["systems"][system].as_str().unwrap().starts_with("http://127.0.0.1:"));
    }
    assert!(ready["graphiql"].as_str().unwrap().ends_with("/graphiql"));
    assert!(ready["reports"].as_str().unwrap().ends_with("/reports"));

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let answer: Value = runtime.block_on(async {
        let query = json!({ "query": "{ deals(first: 3, filter: { isWon: true }) { edges { node { name financials { invoiced { amount } } } } } }" });
        let request = support::client().post(ready["graphql"].as_str().unwrap());
        support::read_json(support::send(support::json_body(request, &query)).await).await
    });
    assert_eq!(answer["data"]["deals"]["edges"].as_array().unwrap().len(), 3);
    assert_eq!(answer["errors"][0]["extensions"]["connection"], "sap");

    // No copy: nothing of what was read lies on disk, not even a temporary file, and no file is open for writing.
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    let open = std::fs::read_dir(format!("/proc/{}/fd", child.0.id())).unwrap();
    let files = open.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok());
    let files: Vec<_> = files.filter(|path| path.is_file()).collect();
    assert!(files.is_empty(), "{files:?}");
    drop(child);
    let mut rest = String::new();
    out.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "", "one line, and nothing after it");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn check_says_what_is_wrong_with_a_configuration_and_where() {
    let file = std::env::temp_dir().join(format!("spine-check-{}.toml", std::process::id()));
    let good = "[shared_id]\npattern = '^P-\\d+$'\n\n[owners]\ncommercial = \"crm\"\n\n[connections.crm]\nkind = \"hubspot\"\ntoken = { demo = \"demo-token\" }\n[connections.crm.map]\nshared_id = \"code\"\n";
    let check = |text: &str| {
        std::fs::write(&file, text).unwrap();
        run(&["check", "-c", file.to_str().unwrap()])
    };
    let output = check(good);
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("is fine"));
    for (from, to, place, part) in [
        ("demo-token", "pat-na1-secret", ":9:", "connections.crm.token: a secret does not stand in the configuration"),
        ("{ demo = \"demo-token\" }", "{ env = \"SPINE_NO_SUCH\" }", ":9:", "SPINE_NO_SUCH is not set"),
        ("{ demo = \"demo-token\" }", "{ file = \"/no/such\" }", ":9:", "/no/such cannot be read"),
        ("hubspot", "hubsopt", ":8:", "connections.crm.kind: there is no kind `hubsopt`: did you mean `hubspot`?"),
        ("shared_id = \"code\"", "shared_idd = \"code\"", "", "did you mean `shared_id`?"),
        ("commercial", "receivables", ":5:", "owners.receivables: `crm` cannot own receivables"),
        (
            "[connections.crm.map]",
            "[connections.crm.http]\nretries = -1\n[connections.crm.map]",
            ":11:",
            "connections.crm.http.retries",
        ),
    ] {
        let output = check(&good.replace(from, to));
        let message = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{to}");
        assert!(message.contains(place) && message.contains(part), "{to}: {message}");
        assert!(!message.contains("pat-na1-secret"), "{message}");
    }
    std::fs::remove_file(&file).unwrap();
}

#[test]
fn serve_refuses_to_show_everything_to_everybody() {
    let file = std::env::temp_dir().join(format!("spine-serve-{}.toml", std::process::id()));
    let config = "[shared_id]\npattern = '^P-\\d+$'\n[server]\nlisten = \"0.0.0.0:0\"\n[owners]\ncommercial = \"crm\"\n[connections.crm]\nkind = \"hubspot\"\ntoken = { demo = \"demo-token\" }\nmap = { shared_id = \"code\" }\n";
    std::fs::write(&file, config).unwrap();
    let output = run(&["serve", "-c", file.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains(":4:1: server.listen"), "{}", text(&output.stderr));
    std::fs::remove_file(&file).unwrap();
}

/// A folder, as long as it is held.
struct Folder(PathBuf);

impl Display for Folder {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.0.display().fmt(f)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

/// A configuration over systems that nobody calls.
fn offline_config(directory: &str) -> Folder {
    let directory = std::env::temp_dir().join(format!("spine-{directory}-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join("spine.toml");
    std::fs::write(
        &file,
        "[shared_id]\npattern = '^P-\\d+$'\n[owners]\ncommercial = \"crm\"\ndelivery = \"tool\"\n\
         [connections.crm]\nkind = \"hubspot\"\nurl = \"http://127.0.0.1:9\"\ntoken = { demo = \"demo-token\" }\nmap = { shared_id = \"code\" }\n\
         [connections.tool]\nkind = \"redmine\"\nurl = \"http://127.0.0.1:9\"\nkey = { demo = \"demo-key\" }\nshared_id = { custom_field = \"code\" }\n",
    )
    .unwrap();
    std::fs::write(
        directory.join("card.graphql"),
        "query Card($id: ID!) { deal(by: { id: $id }) { name project { name } } }",
    )
    .unwrap();
    std::fs::write(directory.join("wrong.graphql"), "{ deals { nodes { nmae } } }").unwrap();
    std::fs::write(
        directory.join("two.graphql"),
        "query A { deals(first: 1) { totalCount } } query B { deals(first: 150) { nodes { project { name } } } }",
    )
    .unwrap();
    Folder(directory)
}

#[test]
fn explain_says_what_an_operation_will_ask_and_calls_nobody() {
    let directory = offline_config("explain");
    let config = format!("{directory}/spine.toml");
    let card = format!("{directory}/card.graphql");
    let output = run(&["explain", "-c", &config, &card, "--variables", r#"{"id":"deal:crm:1"}"#]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let table = text(&output.stdout);
    let lines: Vec<Vec<&str>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[1][..4], ["1", "crm", "hubspot", "deals"], "{table}");
    assert_eq!(lines[2][..5], ["2", "(1)", "tool", "redmine", "projects"], "{table}");
    assert!(table.contains("crm 1, tool 1"), "{table}");

    let output = run(&["explain", "-c", &config, &format!("{directory}/two.graphql"), "--operation", "B", "--json"]);
    let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
    let projects = plan["steps"].as_array().unwrap().iter().find(|step| step["read"] == "projects").unwrap();
    let (keys, batch) = (projects["keys"].as_u64().unwrap(), projects["batch"].as_u64().unwrap());
    assert_eq!((keys, projects["batches"].as_u64().unwrap()), (150, 150_u64.div_ceil(batch)));

    // What a page of the portfolio costs: how many pages there are nobody knows before they are read.
    let report = format!("{directory}/report.graphql");
    let table_of = |dimensions: &str, filter: &str| {
        let query = format!("{{ profitability(groupBy: {dimensions}{filter}) {{ rows {{ dealCount }} }} }}");
        std::fs::write(&report, query).unwrap();
        text(&run(&["explain", "-c", &config, &report]).stdout)
    };
    let all = table_of("[PROJECT_MANAGER]", "");
    for read in ["deal_page", "deals_by_project", "projects ", "project_page"] {
        assert!(all.contains(read), "{read}: {all}");
    }
    let few = table_of("VERTICAL", ", filter: { vertical: \"Energy\" }");
    assert!(few.contains("deal_page") && !few.contains("projects ") && !few.contains("project_page"), "{few}");
}

#[test]
fn explain_says_what_is_wrong_with_an_operation() {
    let directory = offline_config("explain-wrong");
    let config = format!("{directory}/spine.toml");
    let file = |name: &str| format!("{directory}/{name}.graphql");
    for (arguments, part) in [
        (vec![file("wrong")], "Unknown field \"nmae\""),
        (vec![file("none")], "cannot be read"),
        (vec![file("card")], "$id"),
        (vec![file("two")], "--operation"),
        (vec![file("card"), "--variables".to_owned(), "{id}".to_owned()], "--variables is not a JSON object"),
    ] {
        let arguments: Vec<&str> =
            ["explain", "-c", &config].into_iter().chain(arguments.iter().map(String::as_str)).collect();
        let output = run(&arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(part), "{arguments:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty());
    }
}

/// The embedded company of a report on the command line.
const DEMO: [&str; 5] = ["--demo", "--deals", "40", "--today", support::TODAY];

#[test]
fn reports_are_listed_with_their_questions() {
    let output = run(&["report"]);
    assert_eq!(output.status.code(), Some(0));
    let list = text(&output.stdout);
    assert!(list.contains("margin-by-vertical") && list.contains("best margins?"), "{list}");
}

#[test]
fn a_report_is_a_table_for_people_and_a_feed_for_programs() {
    let table = run(&[&["report", "margin-by-vertical"][..], &DEMO].concat());
    let (out, messages) = (text(&table.stdout), text(&table.stderr));
    assert_eq!(table.status.code(), Some(0), "{messages}");
    assert!(out.contains("Vertical") && out.contains("────"), "{out}");
    assert!(!out.contains('█'), "bars are for a terminal");
    assert!(messages.contains("As of ") && messages.contains(" are in the figures"), "{messages}");
    assert!(!out.contains('\u{1b}') && !messages.contains('\u{1b}'), "nothing steers what is no terminal");

    let chart = run(&[&["report", "margin-by-vertical", "--chart"][..], &DEMO].concat());
    assert!(text(&chart.stdout).contains('█'));

    let file = std::env::temp_dir().join(format!("spine-report-{}.csv", std::process::id()));
    let path = file.to_str().unwrap();
    let saved = run(&[&["report", "margin-by-vertical", "--out", path][..], &DEMO].concat());
    assert_eq!((saved.status.code(), saved.stdout.len()), (Some(0), 0));
    let csv = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    assert!(csv.starts_with("vertical,currency,"), "{csv}");
    let piped = run(&[&["report", "margin-by-vertical", "--format", "csv"][..], &DEMO].concat());
    assert_eq!(text(&piped.stdout), csv);
}

#[test]
fn a_report_that_cannot_be_asked_for_is_refused_before_anything_is_started() {
    for (arguments, part) in [
        (&["report", "margin", "--demo"][..], "there are margin-by-vertical"),
        (&["report", "margin-by-vertical"], "-c FILE, or say --demo"),
        (&["report", "margin-by-vertical", "--demo", "--from", "May"], "must be a day as YYYY-MM-DD"),
        (&["report", "margin-by-vertical", "--demo", "--status", "done"], "open, won or lost"),
        (&["report", "margin-by-vertical", "--demo", "--out", "/tmp/x.xls"], "Say it with --format"),
        (&["report", "margin-by-vertical", "--demo", "--bom"], "--bom is for CSV only"),
        (&["report", "margin-by-vertical", "--demo", "-c", "spine.toml"], "cannot be used with"),
        (&["report", "margin-by-vertical", "-c", "/no/such/file.toml"], "cannot be read"),
    ] {
        let output = run(arguments);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{arguments:?}");
        assert!(text(&output.stderr).contains(part), "{arguments:?}: {}", text(&output.stderr));
    }
}

#[tokio::test]
async fn a_report_ends_with_what_is_wrong_with_a_system() {
    let demo = spine::demo::Demo::of(support::company(40), spine::demo::erp::Erp::Sap).await.unwrap();
    let ends_with = async |config: String| {
        let file = std::env::temp_dir().join(format!("spine-report-{}.toml", std::process::id()));
        std::fs::write(&file, config).unwrap();
        let path = file.to_str().unwrap().to_owned();
        let ended =
            tokio::task::spawn_blocking(move || run(&["report", "project-kpis", "--format", "csv", "-c", &path]));
        let output = ended.await.unwrap();
        std::fs::remove_file(&file).unwrap();
        (output.status.code(), output.stdout.is_empty(), text(&output.stderr))
    };
    let config = demo.gateway_config();
    let (code, empty, messages) = ends_with(config.clone()).await;
    assert_eq!((code, empty), (Some(0), false), "{messages}");
    let (code, empty, messages) = ends_with(config.replace("demo-redmine-key", "demo-expired-key")).await;
    assert_eq!((code, empty), (Some(4), true), "{messages}");
    assert!(messages.contains("redmine: the system did not accept Spine's credential"), "{messages}");
    let (code, empty, messages) = ends_with(config.replace(&demo.erp.url, "http://127.0.0.1:1")).await;
    assert_eq!((code, empty), (Some(3), true), "{messages}");
}

#[test]
fn a_key_is_shown_once_and_the_configuration_holds_its_hash() {
    let output = run(&["keys", "create", "powerbi", "--role", "finance", "--scope", "reports", "--days", "30"]);
    assert!(output.status.success());
    let (key, said) = (text(&output.stdout), text(&output.stderr));
    let (name, secret) = key.trim().split_once('.').unwrap();
    assert_eq!((name, secret.len()), ("powerbi", 43), "256 bits in base64");
    assert!(!said.contains(secret), "{said}");
    let hash = spine::config::KeyHash::of(secret).to_string();
    assert!(said.contains(&format!("[sign_in.keys.powerbi]\nhash = \"{hash}\"\nexpires = ")), "{said}");
    assert!(said.contains("roles = [\"finance\"]\nscopes = [\"reports\"]"), "{said}");
    let another = text(&run(&["keys", "create", "powerbi"]).stdout);
    assert_ne!(another.trim(), key.trim());
    for (arguments, part) in [
        (&["keys", "create", "power.bi"][..], "is no name for a key"),
        (&["keys", "create", "powerbi", "--scope", "everything"], "known are graphql, stored, reports"),
        (&["keys", "create", "powerbi", "--days", "0"], "1..=3650"),
        (&["keys", "list", "-c", "/no/such/file.toml"], "cannot be read"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(text(&output.stderr).contains(part), "{arguments:?}: {}", text(&output.stderr));
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn keys_of_a_configuration_are_listed_and_checked_without_their_secrets() {
    let created: Value = serde_json::from_slice(&run(&["keys", "create", "bi", "--json"]).stdout).unwrap();
    let (key, table) = (created["key"].as_str().unwrap(), created["config"].as_str().unwrap());
    let hash = spine::config::KeyHash::of("old");
    let file = std::env::temp_dir().join(format!("spine-keys-{}.toml", std::process::id()));
    let config = format!(
        "[shared_id]\npattern = '^P[0-9]+$'\n[owners]\ncommercial = \"crm\"\n[connections.crm]\nkind = \"hubspot\"\n\
         token = {{ demo = \"demo-token\" }}\nmap = {{ shared_id = \"x\" }}\n\
         {table}\n[sign_in.keys.old]\nhash = \"{hash}\"\nexpires = 2020-01-01\n"
    );
    std::fs::write(&file, config).unwrap();
    let path = file.to_str().unwrap();
    let list = run(&["keys", "list", "-c", path, "--json"]);
    let listed: Value = serde_json::from_slice(&list.stdout).unwrap();
    assert_eq!(
        (&listed[0]["name"], &listed[0]["good"], &listed[1]["name"], &listed[1]["good"]),
        (&json!("bi"), &json!(true), &json!("old"), &json!(false)),
    );
    assert!(text(&run(&["keys", "list", "-c", path]).stdout).contains("expired on 2020-01-01"));
    for (given, code, part) in [
        (key, 0, "The key bi is good."),
        ("bi.wrong", 4, "no such key"),
        ("old.old", 4, "expired on 2020-01-01"),
        ("nonsense", 2, "this is no key"),
        ("", 2, "this is no key"),
    ] {
        let mut child = spine(&["keys", "check", "-c", path]);
        let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), given.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{given}: {said}");
        assert!(said.contains(part) && (given.is_empty() || !said.contains(given)), "{given}: {said}");
    }
    std::fs::remove_file(file).unwrap();
}
