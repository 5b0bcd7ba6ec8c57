//! Several processes answer for the same systems: what one is told to forget, all forget.

use std::net::SocketAddr;
use std::sync::Arc;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use spine::app::{App, Listeners};
use spine::config::Config;
use spine::demo::Demo;
use spine::demo::erp::Erp;
use spine::domain::SystemClock;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::freshness::{net, open_invoice};
use super::live::{Events, PROJECT};
use super::support::{Gateway, client, company, read_json, send, serve_at};
use super::webhooks::tell;

/// The gateways' now, in milliseconds.
const NOW: i64 = 1_781_524_800_000;

const SECRET: &str = "demo-replica-secret";
const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sql/sqlserver/demo-server");
const CA_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sql/sqlserver/demo-ca.pem");

const INVOICES: &str = "query($id: ProjectId!) { project(id: $id) { invoices { number net { amount } } } }";

fn done() -> (u16, String) {
    (204, String::new())
}

/// One of several that read the same systems, with the port for those who run it.
struct Replica {
    gateway: Gateway,
    admin: String,
}

/// Ports that are open before anybody answers there, so that others can be told where that is.
async fn ports() -> (Listeners, SocketAddr) {
    let open = async || TcpListener::bind("127.0.0.1:0").await.unwrap();
    let public = open().await;
    let address = public.local_addr().unwrap();
    (Listeners { public, admin: Some(open().await) }, address)
}

impl Replica {
    fn start(demo: &Arc<Demo>, listeners: Listeners, more: &str) -> Self {
        let admin = format!("http://{}", listeners.admin.as_ref().unwrap().local_addr().unwrap());
        let config = format!("{}\n{more}", demo.gateway_config());
        Self { gateway: Gateway::of(Arc::clone(demo), serve_at(listeners, &config), client()), admin }
    }

    /// The sum of a figure over all of its labels.
    async fn figure(&self, name: &str) -> u64 {
        let metrics = send(client().get(format!("{}/metrics", self.admin))).await.text().await.unwrap();
        let lines = metrics.lines().filter(|line| line.split(['{', ' ']).next() == Some(name));
        lines.map(|line| line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()).sum()
    }

    /// Posts to it what may be a message of a replica.
    async fn say(&self, body: &str, time: &str, signature: &str) -> (u16, String) {
        let request = client().post(format!("{}/replicas/forget", self.gateway.url)).body(body.to_owned());
        let request = request.header("x-spine-timestamp", time).header("x-spine-signature", signature);
        let response = send(request).await;
        let status = response.status().as_u16();
        if status == 204 {
            return done();
        }
        let answer = read_json(response).await;
        (status, answer["errors"][0]["extensions"]["code"].as_str().unwrap().to_owned())
    }
}

fn replicas(urls: &[String], secret: &str) -> String {
    format!("[replicas]\nurls = {urls:?}\nsecret = {{ demo = \"{secret}\" }}\n")
}

async fn demo() -> Arc<Demo> {
    Arc::new(Demo::of(company(60), Erp::Sap).await.unwrap())
}

/// Two that know each other, and themselves.
async fn pair() -> (Replica, Replica) {
    let (demo, (a, at_a), (b, at_b)) = (demo().await, ports().await, ports().await);
    let both = replicas(&[format!("http://{at_a}"), format!("http://{at_b}")], SECRET);
    (Replica::start(&demo, a, &both), Replica::start(&demo, b, &both))
}

/// A way to a replica that can be closed.
struct Way {
    address: SocketAddr,
    to: SocketAddr,
    open: JoinSet<()>,
}

impl Way {
    /// Closed: who comes is refused.
    async fn to(to: SocketAddr) -> Self {
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        Self { address, to, open: JoinSet::new() }
    }

    async fn open(&mut self) {
        let (listener, to) = (TcpListener::bind(self.address).await.unwrap(), self.to);
        self.open.spawn(async move {
            let mut passing = JoinSet::new();
            while let Ok((mut here, _)) = listener.accept().await {
                passing.spawn(async move {
                    let mut there = TcpStream::connect(to).await.unwrap();
                    drop(tokio::io::copy_bidirectional(&mut here, &mut there).await);
                });
            }
        });
    }
}

/// Two of which the first reaches the second by a way that is closed.
async fn apart() -> (Replica, Replica, Way) {
    let (demo, (a, _), (b, at_b)) = (demo().await, ports().await, ports().await);
    let way = Way::to(at_b).await;
    let a = Replica::start(&demo, a, &replicas(&[format!("http://{}", way.address)], SECRET));
    (a, Replica::start(&demo, b, &replicas(&[format!("http://{at_b}")], SECRET)), way)
}

async fn shown(replica: &Replica, (project, number): &(String, u32)) -> Value {
    net(replica.gateway.ask_with(INVOICES, json!({ "id": project }), None).await.fine(), *number)
}

async fn correct(replica: &Replica, (_, number): &(String, u32), net: &str) {
    replica.gateway.control("sap", "correct", json!({ "invoice": number, "net": net })).await;
}

#[tokio::test]
async fn what_one_replica_is_told_the_next_read_shows_in_all() {
    let (a, b) = pair().await;
    let invoice = open_invoice(&a.gateway);
    let mut followed = Events::of(&b.gateway, PROJECT, json!({ "id": invoice.0 }), &[]).await;
    followed.answer().await;
    let before = shown(&a, &invoice).await;
    assert_eq!(shown(&b, &invoice).await, before);

    correct(&a, &invoice, "4321.09").await;
    assert_eq!(shown(&b, &invoice).await, before, "nobody told");
    let event = json!({ "event": "e-1", "kind": "invoice", "id": 1 });
    assert_eq!(tell(&a.gateway, event.clone()).await, done());
    assert_eq!(shown(&b, &invoice).await, "4321.09", "the other was told before the sender was answered");
    assert_eq!(shown(&a, &invoice).await, "4321.09");
    assert_eq!(net(&followed.answer().await["data"], invoice.1), "4321.09", "who follows there is told, too");

    // The same event comes to the other: there it is new, and does no harm.
    correct(&a, &invoice, "99.01").await;
    assert_eq!(tell(&a.gateway, event.clone()).await, done());
    assert_eq!(shown(&a, &invoice).await, "4321.09", "a repetition is not done again");
    assert_eq!(a.figure("spine_replica_messages_total").await, 2, "nor told: one to itself, and one to the other");
    assert_eq!(tell(&b.gateway, event).await, done());
    assert_eq!((shown(&a, &invoice).await, shown(&b, &invoice).await), ("99.01".into(), "99.01".into()));

    // Each told all once, itself too, and nobody sent on what it heard.
    for replica in [&a, &b] {
        assert_eq!(replica.figure("spine_replica_messages_total").await, 2);
        assert_eq!(replica.figure("spine_replica_heard_total").await, 2);
        assert_eq!(replica.figure("spine_replica_up").await, 2);
    }
}

#[tokio::test]
async fn replicas_are_found_by_one_name_and_told_by_tls() {
    let (demo, (a, _), (b, at_b)) = (demo().await, ports().await, ports().await);
    let (port, secret) = (at_b.port(), format!("secret = {{ demo = \"{SECRET}\" }}"));
    let found = format!("[replicas]\ndiscover = \"https://localhost:{port}\"\nca_file = \"{CA_FILE}\"\n{secret}\n");
    let a = Replica::start(&demo, a, &found);
    let tls = format!("[server]\ntls = {{ certificate = \"{SERVER}.pem\", key = \"{SERVER}.key\" }}");
    let config = format!("{}\n{found}", demo.gateway_config().replace("[server]", &tls));
    let trusting = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).build().unwrap();
    let mut gateway = Gateway::of(demo, serve_at(b, &config), trusting);
    gateway.url = format!("https://localhost:{port}");
    let b = Replica { gateway, admin: String::new() };

    let invoice = open_invoice(&a.gateway);
    let before = shown(&b, &invoice).await;
    correct(&a, &invoice, "4321.09").await;
    assert_eq!(shown(&b, &invoice).await, before);
    assert_eq!(tell(&a.gateway, json!({ "kind": "invoice" })).await, done());
    assert_eq!(shown(&b, &invoice).await, "4321.09");
}

#[tokio::test]
async fn a_replica_that_is_away_keeps_nobody_waiting_and_is_told_when_it_is_back() {
    let (a, b, mut way) = apart().await;
    let invoice = open_invoice(&a.gateway);
    let mut followed = Events::of(&b.gateway, PROJECT, json!({ "id": invoice.0 }), &[]).await;
    let before = net(&followed.answer().await["data"], invoice.1);
    correct(&a, &invoice, "4321.09").await;
    assert_eq!(tell(&a.gateway, json!({ "kind": "invoice" })).await, done());
    assert_eq!(shown(&a, &invoice).await, "4321.09");
    assert_eq!(shown(&b, &invoice).await, before, "it could not be told");
    assert_eq!(a.figure("spine_replica_up").await, 0);
    assert!(a.figure("spine_replica_failures_total").await > 0);
    let ready = send(client().get(format!("{}/health/ready", a.admin))).await;
    assert_eq!(ready.status(), 200, "that another is away is no reason to take this one away");

    way.open().await;
    assert_eq!(net(&followed.answer().await["data"], invoice.1), "4321.09");
    assert_eq!(shown(&b, &invoice).await, "4321.09");
    assert_eq!(tell(&a.gateway, json!({ "kind": "bill" })).await, done());
    assert_eq!((a.figure("spine_replica_up").await, a.figure("spine_replica_lost_total").await), (1, 0));
}

#[tokio::test]
async fn what_was_not_told_yet_is_told_by_the_next_configuration() {
    let (a, b, mut way) = apart().await;
    let invoice = open_invoice(&a.gateway);
    let mut followed = Events::of(&b.gateway, PROJECT, json!({ "id": invoice.0 }), &[]).await;
    followed.answer().await;
    correct(&a, &invoice, "4321.09").await;
    assert_eq!(tell(&a.gateway, json!({ "kind": "invoice" })).await, done());
    let same = replicas(&[format!("http://{}", way.address)], SECRET);
    a.gateway.reconfigure(|config| format!("{config}\n{same}")).unwrap();
    way.open().await;
    assert_eq!(net(&followed.answer().await["data"], invoice.1), "4321.09");
}

#[tokio::test]
async fn who_is_away_for_longer_than_a_value_lives_is_given_up_and_counted() {
    let (demo, (listeners, _), way) =
        (demo().await, ports().await, Way::to(SocketAddr::from(([127, 0, 0, 1], 1))).await);
    let admin = format!("http://{}", listeners.admin.as_ref().unwrap().local_addr().unwrap());
    let server = "[server]\nrequest_timeout = \"100ms\"";
    let cache = "[cache]\nttl = \"100ms\"\nnot_found = \"100ms\"\nfailure = \"100ms\"";
    let others = replicas(&[format!("http://{}", way.address)], SECRET);
    let config = format!("{}\n{cache}\n{others}", demo.gateway_config().replace("[server]", server));
    let a = Replica { gateway: Gateway::of(demo, serve_at(listeners, &config), client()), admin };
    assert_eq!(tell(&a.gateway, json!([{ "kind": "invoice" }, { "kind": "bill" }])).await, done());
    while a.figure("spine_replica_lost_total").await == 0 {}
    assert_eq!(a.figure("spine_replica_lost_total").await, 2, "of two kinds");
    let failures = a.figure("spine_replica_failures_total").await;
    assert!(failures > 1, "it was tried again: {failures}");
    // Nothing is left to be told: it is not tried any more, until there is something new.
    assert_eq!(tell(&a.gateway, json!({ "kind": "bill" })).await, done());
    while a.figure("spine_replica_failures_total").await == failures {}
}

#[tokio::test]
async fn ten_thousand_events_are_one_message() {
    let (a, b, mut way) = apart().await;
    let invoice = open_invoice(&a.gateway);
    let mut followed = Events::of(&b.gateway, PROJECT, json!({ "id": invoice.0 }), &[]).await;
    followed.answer().await;
    correct(&a, &invoice, "4321.09").await;
    let deliveries = (0..10).map(|delivery| {
        let event = |number: u32| json!({ "event": format!("{delivery}-{number}"), "kind": "invoice", "id": delivery * 1_000 + number });
        tell(&a.gateway, (0..1_000).map(event).collect())
    });
    for answer in futures_util::future::join_all(deliveries).await {
        assert_eq!(answer, done());
    }
    way.open().await;
    assert_eq!(net(&followed.answer().await["data"], invoice.1), "4321.09");
    assert_eq!(b.figure("spine_replica_heard_total").await, 1);
    assert_eq!(shown(&b, &invoice).await, "4321.09");
}

fn signed(secret: &str, time: &str, body: &str) -> String {
    let message = format!("spine replicas 1\n{time}\n{body}");
    STANDARD.encode(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), message.as_bytes()))
}

#[tokio::test]
async fn who_is_no_replica_or_repeats_one_is_not_believed() {
    let (_, b) = pair().await;
    let invoice = open_invoice(&b.gateway);
    let before = shown(&b, &invoice).await;
    correct(&b, &invoice, "4321.09").await;
    let unbelieved = (401, "UNAUTHENTICATED".to_owned());
    let body = r#"{"from":"x","number":1,"changed":[{"connection":"sap","kind":"invoice"}]}"#;
    let now = NOW.to_string();
    assert_eq!(b.say(body, &now, &signed("another-replica-secret", &now, body)).await, unbelieved);
    assert_eq!(b.say(body, &now, "").await, unbelieved);
    assert_eq!(b.say(&body.replace("sap", "crm"), &now, &signed(SECRET, &now, body)).await, unbelieved);
    for time in [NOW - 60_001, NOW + 60_001] {
        let time = time.to_string();
        assert_eq!(b.say(body, &time, &signed(SECRET, &time, body)).await, unbelieved, "{time}");
    }
    // What signs a webhook signs no message.
    let webhook = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes()), body.as_bytes());
    assert_eq!(b.say(body, &now, &STANDARD.encode(webhook)).await, unbelieved);
    assert_eq!(shown(&b, &invoice).await, before, "what is kept is kept still");
    assert_eq!(b.figure("spine_replica_refused_total").await, 6);

    let signature = signed(SECRET, &now, body);
    assert_eq!(b.say(body, &now, &signature).await, done());
    assert_eq!(shown(&b, &invoice).await, "4321.09");
    correct(&b, &invoice, "99.01").await;
    assert_eq!(b.say(body, &now, &signature).await, unbelieved, "heard before");
    // Nor by another configuration.
    b.gateway.reconfigure(|config| format!("{config}\n{}", replicas(&["http://127.0.0.1:9".into()], SECRET))).unwrap();
    assert_eq!(b.say(body, &now, &signature).await, unbelieved);
    for nonsense in ["", "{}", "[]", "{\"from\":\"x\",\"number\":1,\"changed\":[{}]}"] {
        let refused = b.say(nonsense, &now, &signed(SECRET, &now, nonsense)).await;
        assert_eq!(refused, (400, "BAD_REQUEST".to_owned()), "{nonsense}");
    }
    let read = send(client().get(format!("{}/replicas/forget", b.gateway.url))).await;
    assert_eq!(read.status(), 405);
    let admin = send(client().post(format!("{}/replicas/forget", b.admin))).await;
    assert_eq!(admin.status(), 404);
}

#[tokio::test]
async fn replicas_with_different_secrets_do_not_believe_each_other() {
    let (demo, (a, _), (b, at_b)) = (demo().await, ports().await, ports().await);
    let b_url = [format!("http://{at_b}")];
    let a = Replica::start(&demo, a, &replicas(&b_url, SECRET));
    let b = Replica::start(&demo, b, &replicas(&b_url, "demo-another-secret"));
    let invoice = open_invoice(&a.gateway);
    let before = shown(&b, &invoice).await;
    correct(&a, &invoice, "4321.09").await;
    assert_eq!(tell(&a.gateway, json!({ "kind": "invoice" })).await, done());
    assert_eq!((shown(&a, &invoice).await, shown(&b, &invoice).await), ("4321.09".into(), before));
    assert_eq!((a.figure("spine_replica_up").await, b.figure("spine_replica_heard_total").await), (0, 0));
    assert!(b.figure("spine_replica_refused_total").await > 0);
}

#[tokio::test]
async fn without_replicas_there_is_no_such_door() {
    let gateway = Gateway::start(3).await;
    let answer = send(client().post(format!("{}/replicas/forget", gateway.url)).body("{}")).await;
    assert_eq!(answer.status(), 404);
}

#[tokio::test]
async fn what_is_wrong_with_replicas_is_said_before_a_port_opens() {
    let problem = |replicas: &str| {
        let text = format!(
            "[shared_id]\npattern = \"^[0-9]+$\"\n[owners]\ndelivery = \"r\"\n[connections.r]\nkind = \"redmine\"\n\
             url = \"https://r.example.com\"\nkey = {{ demo = \"demo-key\" }}\nshared_id = {{ custom_field = \"ID\" }}\n\
             [replicas]\n{replicas}\n"
        );
        let config = match Config::parse("spine.toml", &text) {
            Ok(config) => config,
            Err(errors) => return errors[0].to_string(),
        };
        let built = App::build(&config, Arc::new(SystemClock::default()));
        built.err().map(|errors| errors[0].to_string()).unwrap_or_default()
    };
    let secret = "secret = { demo = \"demo-replica-secret\" }";
    assert_eq!(problem(&format!("urls = [\"https://spine-0.example.com\"]\n{secret}")), "");
    assert_eq!(problem(&format!("discover = \"http://spine:4000\"\nplain_http = true\n{secret}")), "");
    for (replicas, expected) in [
        (
            format!("urls = [\"http://spine-0.example.com\"]\n{secret}"),
            "replicas.urls: spine-0.example.com:80: is told by http",
        ),
        (
            format!("discover = \"http://169.254.169.254\"\nplain_http = true\n{secret}"),
            "replicas.discover: 169.254.169.254:80",
        ),
        (
            "urls = [\"https://a\"]\nsecret = { demo = \"demo-short\" }".to_owned(),
            "replicas.secret: is shorter than 16",
        ),
        ("urls = [\"https://a\"]\nsecret = \"x\"".to_owned(), "a secret does not stand in the configuration"),
        ("urls = [\"https://a\"]".to_owned(), "secret"),
        (
            format!("urls = [\"https://a\"]\nca_file = \"/nowhere\"\n{secret}"),
            "replicas.ca_file: the file of CA certificates /nowhere",
        ),
        (secret.to_owned(), "replicas.urls: is missing"),
        (format!("url = \"https://a\"\n{secret}"), "did you mean `urls`?"),
    ] {
        let error = problem(&replicas);
        assert!(error.contains(expected) && error.starts_with("spine.toml:"), "{replicas}: {error}");
    }
}
