//! What the behaviour tests share: the real application on a free port, over embedded systems on others.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use spine::app::{App, Listeners};
use spine::config::{Config, ConfigError};
use spine::demo::Demo;
use spine::demo::company::grow::Seed;
use spine::demo::company::model::Company;
use spine::demo::erp::Erp;
use spine::domain::{Clock, ManualClock};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// A generated file must be what the code generates; `SPINE_UPDATE=1` writes it anew.
pub(crate) fn in_step(file: &str, generated: &str) {
    if std::env::var_os("SPINE_UPDATE").is_some() {
        std::fs::write(file, generated).unwrap();
    }
    let written = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        written == generated,
        "{file} is not what the code generates: run the tests once with SPINE_UPDATE=1 and look at the difference"
    );
}

/// The day on which the history of the tests' companies ends, and on which their gateways believe to be.
pub(crate) const TODAY: &str = "2026-06-15";

/// The company of the tests: `deals` deals of seed 42.
pub(crate) fn company(deals: usize) -> Company {
    Company::grow(&Seed { seed: 42, deals, today: TODAY.parse().unwrap() })
}

/// A gateway over embedded systems.
pub(crate) struct Gateway {
    pub(crate) url: String,
    pub(crate) demo: Arc<Demo>,
    pub(crate) clock: Arc<ManualClock>,
    http: reqwest::Client,
    pub(crate) served: Served,
}

/// The application of some configuration, answering until it is dropped.
pub(crate) struct Served {
    pub(crate) url: String,
    /// For those who run it.
    pub(crate) admin: String,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) app: App,
    stop: CancellationToken,
}

/// Builds it at noon of [`TODAY`], and opens free ports.
pub(crate) async fn serve(config: &str) -> Served {
    serve_at(Listeners { public: open().await, admin: Some(open().await) }, config)
}

/// The same at ports that are open already.
pub(crate) fn serve_at(listeners: impl Into<Listeners>, config: &str) -> Served {
    let clock = Arc::new(ManualClock::new(format!("{TODAY}T12:00:00Z").parse().unwrap()));
    let config = Config::parse("spine.toml", config).unwrap();
    let app = App::build(&config, Arc::clone(&clock) as Arc<dyn Clock>).unwrap();
    let listeners = listeners.into();
    let url = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
    let (url, admin) = (url(&listeners.public), listeners.admin.as_ref().map(url).unwrap_or_default());
    let stop = CancellationToken::new();
    tokio::spawn(app.clone().serve(listeners, stop.clone()));
    Served { url, admin, clock, app, stop }
}

/// A free port.
async fn open() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A project of a company that all systems know, once each, with a deal and an invoice; none if it has no such.
pub(crate) fn complete_project(company: &Company) -> Option<String> {
    company.ledger.documents.iter().filter_map(|document| document.project.clone()).find(|project| {
        let tool = company.projects.iter().filter(|known| known.shared_id.as_deref() == Some(project));
        tool.count() == 1 && company.deals.iter().any(|deal| deal.shared_id.as_deref() == Some(project))
    })
}

/// An answer of the graph.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) body: Value,
    pub(crate) headers: reqwest::header::HeaderMap,
}

impl Answer {
    pub(crate) fn data(&self) -> &Value {
        &self.body["data"]
    }

    pub(crate) fn errors(&self) -> &[Value] {
        self.body["errors"].as_array().map(Vec::as_slice).unwrap_or_default()
    }

    /// The data, of an answer without errors.
    pub(crate) fn fine(&self) -> &Value {
        assert!(self.errors().is_empty(), "{:#}", self.body["errors"]);
        self.data()
    }

    /// The codes of the errors with the connection they are about, in order of appearance.
    pub(crate) fn codes(&self) -> Vec<(String, String)> {
        let text = |error: &Value, name: &str| error["extensions"][name].as_str().unwrap_or_default().to_owned();
        self.errors().iter().map(|error| (text(error, "connection"), text(error, "code"))).collect()
    }
}

impl Gateway {
    /// Over the company of `deals` deals.
    pub(crate) async fn start(deals: usize) -> Self {
        Self::over(company(deals), |config| config).await
    }

    /// Over a company, with the demo's configuration as `edit` leaves it.
    pub(crate) async fn over(company: Company, edit: impl FnOnce(String) -> String) -> Self {
        Self::with_books_in(Erp::Sap, company, edit).await
    }

    /// The same, with the books in this ERP.
    pub(crate) async fn with_books_in(erp: Erp, company: Company, edit: impl FnOnce(String) -> String) -> Self {
        let demo = Demo::of(company, erp).await.unwrap();
        let served = serve(&edit(demo.gateway_config())).await;
        Self::of(Arc::new(demo), served, client())
    }

    /// An application over embedded systems that others may read, too.
    pub(crate) fn of(demo: Arc<Demo>, served: Served, http: reqwest::Client) -> Self {
        Self { url: served.url.clone(), demo, clock: Arc::clone(&served.clock), http, served }
    }

    /// Puts another configuration in place: the demo's as `edit` leaves it.
    pub(crate) fn reconfigure(&self, edit: impl FnOnce(String) -> String) -> Result<(), Vec<ConfigError>> {
        self.served.app.replace(&Config::parse("spine.toml", &edit(self.demo.gateway_config()))?)
    }

    pub(crate) async fn ask(&self, query: &str) -> Answer {
        self.ask_with(query, json!({}), None).await
    }

    /// Asks for values read for this request.
    pub(crate) async fn ask_live(&self, query: &str) -> Answer {
        self.ask_with(query, json!({}), Some("no-cache")).await
    }

    pub(crate) async fn ask_with(&self, query: &str, variables: Value, cache_control: Option<&str>) -> Answer {
        let control = cache_control.map(|control| ("cache-control", control));
        self.ask_under(query, variables, control.as_slice()).await
    }

    /// Asks in a role.
    pub(crate) async fn ask_as(&self, role: &str, query: &str) -> Answer {
        self.ask_under(query, json!({}), &[("x-spine-role", role)]).await
    }

    async fn ask_under(&self, query: &str, variables: Value, headers: &[(&str, &str)]) -> Answer {
        let body = json!({ "query": query, "variables": variables });
        let mut request = json_body(self.http.post(format!("{}/graphql", self.url)), &body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = send(request).await;
        assert_eq!(response.status(), 200, "{query}");
        let headers = response.headers().clone();
        Answer { body: read_json(response).await, headers }
    }

    /// Posts to the control surface of an embedded system.
    pub(crate) async fn control(&self, system: &str, path: &str, body: Value) -> Value {
        let request = self.http.post(format!("{}/_demo/{path}", self.system(system)));
        let response = send(json_body(request, &body)).await;
        assert!(response.status().is_success(), "{path}: {}", response.text().await.unwrap());
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or(Value::Null)
    }

    /// Calls counted by an embedded system since the last reset, by name.
    pub(crate) async fn calls(&self, system: &str) -> std::collections::BTreeMap<String, u64> {
        let response = send(self.http.get(format!("{}/_demo/stats", self.system(system)))).await;
        let stats = read_json(response).await;
        serde_json::from_value(stats["calls"].clone()).unwrap()
    }

    /// Forgets all that was counted, and all faults.
    pub(crate) async fn reset(&self) {
        for system in ["hubspot", self.demo.erp.name, "redmine"] {
            self.control(system, "reset", json!({})).await;
        }
    }

    /// Lets time pass for the gateway: its cache grows older, nobody waits.
    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    /// A project that all three systems know, once each, with a deal and an invoice.
    pub(crate) fn project(&self) -> String {
        complete_project(&self.demo.company.read().unwrap()).expect("the seed has one")
    }

    pub(crate) fn system(&self, system: &str) -> &str {
        match system {
            "hubspot" => &self.demo.hubspot.url,
            erp if erp == self.demo.erp.name => &self.demo.erp.url,
            "redmine" => &self.demo.redmine.url,
            other => panic!("there is no system {other}"),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the tests stand outside the gateway")]
pub(crate) fn client() -> reqwest::Client {
    reqwest::Client::new()
}

#[expect(clippy::disallowed_methods, reason = "the tests stand outside the gateway")]
pub(crate) async fn send(request: reqwest::RequestBuilder) -> reqwest::Response {
    request.send().await.unwrap()
}

pub(crate) fn json_body(request: reqwest::RequestBuilder, body: &Value) -> reqwest::RequestBuilder {
    request.header("content-type", "application/json").body(body.to_string())
}

pub(crate) async fn read_json(response: reqwest::Response) -> Value {
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}
