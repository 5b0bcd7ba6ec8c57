//! The connector against the embedded HubSpot over real HTTP, compared with the company it was grown from.

mod details;
mod faults;
mod lists;
mod map;
mod records;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use jiff::civil::date;
use regex::Regex;
use tokio::time::Instant;

use super::{Api, Config, connect};
use crate::config::{Seconds, Traffic};
use crate::demo::company::grow::Seed;
use crate::demo::company::model::{Company, Shared};
use crate::demo::company::words::stage_of;
use crate::demo::hubspot::{Options, router_with};
use crate::demo::server::{Embedded, serve};
use crate::domain::{ConnectionName, DealStatus, ManualClock, ProjectId, SharedIdRule};
use crate::systems::{Call, Connection, ConnectionContext, Priority};

/// An account: the embedded server, the connection to it, and the truth.
struct Account {
    connection: Connection,
    embedded: Embedded,
    company: Shared,
    clock: Arc<ManualClock>,
    rule: SharedIdRule,
}

fn grown(deals: usize) -> Company {
    Company::grow(&Seed { seed: 42, deals, today: date(2026, 9, 30) })
}

fn config(more: &str) -> Config {
    let token = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/hubspot/demo-token");
    let map = if more.contains("[map]") { "" } else { "[map]\nshared_id = \"project_code\"\n" };
    let industry = "industry = \"industry\"\n";
    toml::from_str(&format!("token = {{ file = {token:?} }}\nsearch_rate = 0\n{more}\n{map}{industry}")).unwrap()
}

impl Account {
    /// An account of 120 deals.
    async fn new() -> Self {
        Self::with("", Options::default()).await
    }

    async fn with(more: &str, options: Options) -> Self {
        Self::of(grown(120), more, options).await
    }

    async fn of(company: Company, more: &str, options: Options) -> Self {
        let company: Shared = Arc::new(RwLock::new(company));
        let router = router_with(Arc::clone(&company), options);
        Self::behind(router, company, more).await
    }

    /// A connection to any server.
    async fn behind(router: Router, company: Shared, more: &str) -> Self {
        let free = ([127, 0, 0, 1], 0).into();
        let embedded = serve("hubspot", router, Arc::clone(&company), free).await.unwrap();
        let clock = Arc::new(ManualClock::new("2026-09-30T08:00:00Z".parse().unwrap()));
        let rule = SharedIdRule::new(Regex::new(r"^PRJ-\d{4}-\d{3,6}$").unwrap(), &["trim", "nfkc", "uppercase"]);
        let context = ConnectionContext {
            name: ConnectionName::new("hubspot"),
            shared_id: rule.clone(),
            traffic: Traffic { attempt_timeout: Seconds(Duration::from_secs(20)), ..Traffic::default() },
            clock: Arc::<ManualClock>::clone(&clock),
        };
        let config = Config { url: embedded.url.clone(), ..config(more) };
        let connection = connect(config, context).unwrap();
        Self { connection, embedded, company, clock, rule }
    }

    fn truth(&self) -> Company {
        self.company.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The shared IDs that deals carry in any spelling, each with its deals.
    fn linked(&self) -> BTreeMap<ProjectId, Vec<u64>> {
        let mut linked: BTreeMap<ProjectId, Vec<u64>> = BTreeMap::new();
        for deal in self.truth().deals {
            if let Some(id) = deal.shared_id.and_then(|code| self.rule.parse(&code).ok()) {
                linked.entry(id).or_default().push(deal.id);
            }
        }
        linked
    }

    /// The server's own counters since the last time they were asked for.
    async fn calls(&self) -> BTreeMap<String, u64> {
        let http = control(&format!("{}/_demo/stats", self.embedded.url), false).await;
        control(&format!("{}/_demo/reset", self.embedded.url), true).await;
        let stats: serde_json::Value = serde_json::from_str(&http).unwrap();
        serde_json::from_value(stats["calls"].clone()).unwrap()
    }

    fn fault(&self, fault: &str) {
        self.embedded.set_fault(serde_json::from_str(fault).unwrap());
    }
}

/// A call to the control surface, over a connection of its own.
async fn control(url: &str, post: bool) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    let method = if post { "POST" } else { "GET" };
    let request = format!("{method} /{path} HTTP/1.1\r\nhost: demo\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split_once("\r\n\r\n").unwrap().1.to_owned()
}

fn call() -> Call {
    Call::new(Instant::now() + Duration::from_secs(30), Priority::Interactive)
}

fn status_of(stage: &str) -> DealStatus {
    let stage = stage_of(stage).unwrap();
    match (stage.won(), stage.lost()) {
        (true, _) => DealStatus::Won,
        (_, true) => DealStatus::Lost,
        _ => DealStatus::Open,
    }
}

#[test]
fn a_config_with_an_unknown_key_or_without_the_shared_id_is_refused() {
    let base = "token = { env = \"TOKEN\" }\n";
    for (wrong, word) in [
        ("[map]\nshared_id = \"a\"\n[map.deals]\n", "deals"),
        ("[map]\nvertical = \"a\"\n", "shared_id"),
        ("api = \"v4\"\n[map]\nshared_id = \"a\"\n", "v4"),
        ("tokn = 1\n[map]\nshared_id = \"a\"\n", "tokn"),
    ] {
        let refused = toml::from_str::<Config>(&format!("{base}{wrong}")).unwrap_err().to_string();
        assert!(refused.contains(word), "{refused}");
    }
    let right: Config = toml::from_str(&format!("{base}[map]\nshared_id = \"a\"\n")).unwrap();
    assert_eq!((right.api, right.url.as_str(), right.search_rate), (Api::March2026, "https://api.hubapi.com", 4));
}
