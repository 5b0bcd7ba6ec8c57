//! A configuration that changes while Spine runs: by its file, by a file that it names, and by a signal.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde_json::{Value, json};
use spine::app::{App, Files};
use spine::config::Config;
use spine::demo::Demo;
use spine::demo::erp::Erp;
use spine::domain::{Clock, SystemClock};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::command_line::Running;
use super::sign_in::Log;
use super::support::{client, company, json_body, read_json, send};

const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sql/sqlserver/demo-server");
/// A certificate and its key in one file.
const OTHER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/sign_in/certificates/billing.pem");

/// Spine as `spine serve` runs it, with its files in a folder of their own.
struct Spine {
    url: String,
    admin: String,
    folder: PathBuf,
    demo: Demo,
    hangups: mpsc::Sender<()>,
    stop: CancellationToken,
}

impl Spine {
    /// With `[server]` beginning with these lines, and the demo's configuration as `edit` leaves it; `FOLDER` in it is the
    /// folder of its files, which are there already.
    async fn start(server: &str, files: &[(&str, &str)], edit: impl FnOnce(String) -> String) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("spine-reload-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in files {
            fs::write(folder.join(name), text).unwrap();
        }
        let demo = Demo::of(company(3), Erp::Sap).await.unwrap();
        let ports = "listen = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\nmax_connections = 100";
        let config = demo.gateway_config().replace("[server]", &format!("[server]\n{ports}\n{server}"));
        let config = edit(config).replace("FOLDER", folder.to_str().unwrap());
        let file = folder.join("spine.toml");
        fs::write(&file, config).unwrap();
        let files = Files::of(&file);
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let app = App::build(&Config::read(&file).unwrap(), clock).unwrap();
        let listeners = app.bind().await.unwrap();
        let url = format!("http://{}", listeners.public.local_addr().unwrap());
        let admin = format!("http://{}", listeners.admin.as_ref().unwrap().local_addr().unwrap());
        let (hangups, heard) = mpsc::channel(1);
        let stop = CancellationToken::new();
        tokio::spawn(app.clone().follow(files, heard, stop.clone()));
        tokio::spawn(app.serve(listeners, stop.clone()));
        Self { url, admin, folder, demo, hangups, stop }
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).unwrap();
    }

    /// Changes the configuration file.
    fn edit(&self, from: &str, to: &str) {
        let text = fs::read_to_string(self.folder.join("spine.toml")).unwrap();
        assert!(text.contains(from), "{text}");
        self.write("spine.toml", &text.replace(from, to));
    }

    /// What is said of the configuration to those who run Spine.
    async fn state(&self) -> Value {
        let ready = read_json(send(client().get(format!("{}/health/ready", self.admin))).await).await;
        assert_eq!(ready["status"], "ready");
        ready["configuration"].clone()
    }

    /// Waits until so many configurations were taken, and so many refused.
    async fn until(&self, generation: u64, refused: u64) {
        loop {
            let state = self.state().await;
            let now = (state["generation"].as_u64().unwrap(), state["refused"].as_u64().unwrap());
            assert!(now <= (generation, refused) || now.0 < generation, "{state}");
            if now == (generation, refused) {
                return;
            }
            tokio::task::yield_now().await;
        }
    }

    async fn ask(&self, query: &str) -> (u16, Value) {
        let request = client().post(format!("{}/graphql", self.url)).header("cache-control", "no-cache");
        let response = send(json_body(request, &json!({ "query": query }))).await;
        (response.status().as_u16(), read_json(response).await)
    }
}

impl Drop for Spine {
    fn drop(&mut self) {
        self.stop.cancel();
        drop(fs::remove_dir_all(&self.folder));
    }
}

const DEALS: &str = "{ deals(first: 3) { nodes { name } } }";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_the_configuration_is_replaced_again_and_again() {
    let spine = Spine::start("reload_interval = \"0s\"", &[], |config| config).await;
    let done = Arc::new(AtomicBool::new(false));
    let asking: Vec<_> = (0..4)
        .map(|_| {
            let (url, done) = (spine.url.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                // Connections are kept open, so that each sees all configurations.
                let http = client();
                let mut answered = 0_usize;
                while !done.load(Ordering::Relaxed) {
                    let request = http.post(format!("{url}/graphql")).header("cache-control", "no-cache");
                    let response = send(json_body(request, &json!({ "query": DEALS }))).await;
                    assert_eq!(response.status(), 200);
                    let body = read_json(response).await;
                    assert_eq!(body.get("errors"), None, "{body}");
                    answered += 1;
                }
                answered
            })
        })
        .collect();
    for number in 0..3 {
        let (from, to) =
            if number % 2 == 0 { ("explain = true", "explain = false") } else { ("explain = false", "explain = true") };
        spine.edit(from, to);
        spine.hangups.send(()).await.unwrap();
        spine.until(2 + number, 0).await;
    }
    done.store(true, Ordering::Relaxed);
    for asked in asking {
        assert!(asked.await.unwrap() > 0);
    }
}

#[tokio::test]
async fn who_asks_while_spine_stops_is_answered_and_others_are_told_to_go_elsewhere() {
    let spine = Spine::start("reload_interval = \"0s\"", &[], |config| config).await;
    spine.edit("explain = true", "explain = false");
    spine.hangups.send(()).await.unwrap();
    spine.until(2, 0).await;
    let address = spine.url.strip_prefix("http://").unwrap();
    let body = json!({ "query": DEALS }).to_string();
    let headers =
        ["content-type: application/json", "expect: 100-continue", &format!("content-length: {}", body.len())];
    let head = format!("POST /graphql HTTP/1.1\r\nhost: {address}\r\n{}\r\n\r\n", headers.join("\r\n"));
    let mut asking = TcpStream::connect(address).await.unwrap();
    asking.write_all(head.as_bytes()).await.unwrap();
    // The question is waited for: it is one that has begun.
    let mut continued = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    asking.read_exact(&mut continued).await.unwrap();
    assert!(continued.starts_with(b"HTTP/1.1 100 "));
    spine.stop.cancel();
    let said = loop {
        let response = send(client().get(format!("{}/health/ready", spine.admin))).await;
        if response.status() != 200 {
            break (response.status().as_u16(), read_json(response).await);
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((said.0, &said.1["status"]), (503, &json!("draining")));
    asking.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    asking.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 ") && !answer.contains("\"errors\""), "{answer}");
}

#[tokio::test]
async fn a_secret_that_changes_in_its_file_is_used_without_anybody_saying_so() {
    let token = |config: String| config.replace("{ demo = \"demo-hubspot-token\" }", "{ file = \"FOLDER/token\" }");
    let spine = Spine::start("reload_interval = \"5ms\"", &[("token", "demo-old-token\n")], token).await;
    let (status, body) = spine.ask(DEALS).await;
    assert_eq!((status, &body["errors"][0]["extensions"]["code"]), (200, &json!("UPSTREAM_AUTH")), "{body}");
    spine.write("token", "demo-hubspot-token\n");
    spine.until(2, 0).await;
    let (_, body) = spine.ask(DEALS).await;
    assert_eq!(body.get("errors"), None, "{body}");
    // A secret that is away is no reason to go without one.
    fs::remove_file(spine.folder.join("token")).unwrap();
    spine.until(2, 1).await;
    let (_, body) = spine.ask(DEALS).await;
    assert_eq!(body.get("errors"), None, "{body}");
}

#[tokio::test]
async fn a_certificate_is_renewed_and_one_without_its_key_is_not_taken() {
    let server =
        "reload_interval = \"5ms\"\ntls = { certificate = \"FOLDER/server.pem\", key = \"FOLDER/server.key\" }";
    let [certificate, key] = ["pem", "key"].map(|kind| fs::read_to_string(format!("{SERVER}.{kind}")).unwrap());
    let other = fs::read_to_string(OTHER).unwrap();
    let spine = Spine::start(server, &[("server.pem", &certificate), ("server.key", &key)], |config| config).await;
    // Whose it is does not matter here: which one is shown does.
    let shown = async || {
        let http = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).tls_info(true).build().unwrap();
        let response = send(http.get(format!("{}/reports/metrics", spine.url.replace("http:", "https:")))).await;
        assert_eq!(response.status(), 200);
        let info = response.extensions().get::<reqwest::tls::TlsInfo>().unwrap();
        info.peer_certificate().unwrap().to_vec()
    };
    let first = shown().await;
    spine.write("server.pem", &other);
    spine.until(1, 1).await;
    assert_eq!(shown().await, first, "a certificate whose key is not there yet");
    spine.write("server.key", &other);
    spine.until(2, 1).await;
    assert_ne!(shown().await, first);
}

#[tokio::test]
async fn a_bad_file_changes_nothing_and_says_where_it_is_wrong() {
    let log = Log::default();
    let _guard = log.keep();
    let spine = Spine::start("reload_interval = \"0s\"", &[], |config| config).await;
    assert_eq!(spine.state().await["refusedAt"], Value::Null);
    for (number, (from, to, said)) in [
        ("[reports]", "[raports]", "[raports]: unknown section"),
        ("[raports]", "[reports", "spine.toml:"),
        ("[reports", "[reports]\nnonsense = 1\n#", "unknown key `nonsense`"),
        ("[reports]\nnonsense = 1\n#", "[reports]", ""),
        ("max_connections = 100", "max_connections = 101", "server.max_connections: cannot change while Spine runs"),
        ("max_connections = 101\n", "max_connections = 100\n", ""),
        ("listen = \"127.0.0.1:0\"\nadmin", "listen = \"127.0.0.1:1\"\nadmin", "server.listen: cannot change"),
    ]
    .into_iter()
    .enumerate()
    {
        spine.edit(from, to);
        if said.is_empty() {
            continue;
        }
        let before = log.text().len();
        let refused = spine.state().await["refused"].as_u64().unwrap();
        spine.hangups.send(()).await.unwrap();
        spine.until(1, refused + 1).await;
        let text = log.text();
        let told = text.get(before..).unwrap();
        let last = said.rsplit("]: ").next().unwrap();
        assert!(told.contains(last) && told.contains("spine.toml:"), "{number}: {told}");
        assert_eq!(spine.ask(DEALS).await.1.get("errors"), None, "{number}");
    }
    assert!(spine.state().await["refusedAt"].is_string());
    let metrics = send(client().get(format!("{}/metrics", spine.admin))).await.text().await.unwrap();
    assert!(
        metrics.contains("\nspine_config_refused 1\n") && metrics.contains("\nspine_config_generation 1\n"),
        "{metrics}"
    );
    spine.edit("127.0.0.1:1\"\nadmin", "127.0.0.1:0\"\nadmin");
    spine.hangups.send(()).await.unwrap();
    spine.until(2, 5).await;
    assert_eq!(spine.state().await["refusedAt"], Value::Null);
}

#[tokio::test]
async fn those_who_run_spine_have_a_port_of_their_own_and_the_public_one_tells_them_nothing() {
    let spine = Spine::start("reload_interval = \"0s\"", &[], |config| config).await;
    let status = async |url: String| send(client().get(url)).await.status().as_u16();
    for path in ["/health/live", "/health/ready", "/metrics"] {
        assert_eq!(status(format!("{}{path}", spine.admin)).await, 200, "{path}");
        assert_eq!(status(format!("{}{path}", spine.url)).await, 404, "{path}");
    }
    for path in ["/graphql", "/reports/metrics", "/odata/", "/graphiql", "/whoami"] {
        assert_eq!(status(format!("{}{path}", spine.admin)).await, 404, "{path}");
    }
    spine.ask(DEALS).await;
    let metrics = send(client().get(format!("{}/metrics", spine.admin))).await;
    assert_eq!(metrics.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    let metrics = metrics.text().await.unwrap();
    let calls = metrics
        .lines()
        .find(|line| line.starts_with("spine_system_calls_total{connection=\"hubspot\",system=\"hubspot\"}"));
    assert!(calls.is_some_and(|line| !line.ends_with(" 0")), "{metrics}");
    assert!(metrics.contains("spine_system_up{connection=\"redmine\",system=\"redmine\"} 1"), "{metrics}");
    assert!(!spine.demo.hubspot.url.is_empty());
}

#[test]
fn a_hangup_makes_the_program_read_its_file_anew_and_does_not_end_it() {
    use std::io::{BufRead, BufReader};
    use std::process::{Command, Stdio};
    let file = std::env::temp_dir().join(format!("spine-hangup-{}.toml", std::process::id()));
    let config = "[shared_id]\npattern = '^P-\\d+$'\n[server]\nlisten = \"127.0.0.1:0\"\nreload_interval = \"0s\"\n\
                  [owners]\ncommercial = \"crm\"\n[connections.crm]\nkind = \"hubspot\"\n\
                  token = { demo = \"demo-token\" }\nmap = { shared_id = \"code\" }\n";
    fs::write(&file, config).unwrap();
    let mut spine = Command::new(env!("CARGO_BIN_EXE_spine"));
    spine.args(["serve", "-c", file.to_str().unwrap()]).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut running = Running(spine.spawn().unwrap());
    let spine = &mut running.0;
    let mut lines = BufReader::new(spine.stderr.take().unwrap()).lines().map(Result::unwrap);
    let mut until =
        |part: &str| lines.find(|line| line.contains(part)).unwrap_or_else(|| panic!("it ended before: {part}"));
    let signal = |name: &str| {
        let done = Command::new("kill").args([name, &spine.id().to_string()]).status().unwrap();
        assert!(done.success());
    };
    until("listening");
    signal("-HUP");
    until("the configuration was read anew");
    fs::write(&file, config.replace("[owners]", "[owner]")).unwrap();
    signal("-HUP");
    let said = until("was not read anew");
    assert!(said.contains(&format!("{}:6:2: owner: unknown section", file.display())), "{said}");
    signal("-TERM");
    until("stopped");
    assert!(spine.wait().unwrap().success());
    fs::remove_file(&file).unwrap();
}
