//! A gateway over a system that stands behind a proxy, what it is asked, and what its answers are held against.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use serde_json::{Value, json};
use spine::demo::company::grow::Seed;
use spine::demo::company::model::Company;

use crate::conformance::{Stood, System};
use crate::support::{self, Served};

use super::proxy::Proxy;

/// The largest answer that the gateways take.
pub(super) const CAP: usize = 1024 * 1024;

/// A small company, as each case reads it through a few times, and a project that all its systems know.
static COMPANY: LazyLock<(Company, String)> = LazyLock::new(|| {
    let grown = (1..).map(|seed| Company::grow(&Seed { seed, deals: 8, today: support::TODAY.parse().unwrap() }));
    let mut complete =
        grown.filter_map(|company| support::complete_project(&company).map(|project| (company, project)));
    complete.next().unwrap()
});

/// Something of everything that a connection can own, each field in one place.
const QUERY: &str = "query($id: ProjectId!) {
    project(id: $id) {
        code name status health startDate percentComplete milestones { name status } hours { budgeted spent }
        tickets { subject status priority } client { name country }
        deals { name stage amount { amount currency } contacts { name email } lineItems { name amount { amount } }
            communications { kind subject } proposal { number } preSalesTickets { subject } }
        invoices { number status net { amount currency } payments { date amount { amount } } }
        costs { kind state amount { amount currency } }
        financials { contractValue { amount } invoiced { amount } collected { amount } actualCost { amount }
            committedCost { amount } margin { amount } marginPct completeness { reasons } }
    }
    deals(first: 12) { nodes { pipeline closeDate } }
    invoices(first: 12) { nodes { total { amount currency } dueDate } }
}";

const REPORT: &str = "/reports/project-kpis?format=json";

/// An answer of the graph or a report.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) status: u16,
    pub(super) headers: reqwest::header::HeaderMap,
    pub(super) body: Value,
}

impl Told {
    /// The errors, each by its connection and code.
    pub(super) fn errors(&self) -> Vec<(&str, &str)> {
        self.listed().map(|error| (said(error, "connection"), said(error, "code"))).collect()
    }

    /// The errors.
    pub(super) fn listed(&self) -> impl Iterator<Item = &Value> {
        self.body["errors"].as_array().into_iter().flatten()
    }
}

fn said<'a>(error: &'a Value, name: &str) -> &'a str {
    error["extensions"][name].as_str().unwrap_or_default()
}

/// What there is to see while nothing is wrong, and what it costs.
pub(super) struct Truth {
    pub(super) graph: Told,
    pub(super) report: Told,
    /// Calls of the query and of the report.
    pub(super) calls: (usize, usize),
}

/// A system, and the proxy before it.
pub(super) struct Site {
    pub(super) connection: &'static str,
    pub(super) proxy: Proxy,
    project: String,
    stood: Stood,
}

impl Site {
    pub(super) async fn of(system: &'static System) -> Self {
        let (company, project) = COMPANY.clone();
        let stood = (system.stand_up)(company).await;
        let proxy = Proxy::before(&stood.url).await;
        Self { connection: system.connection, proxy, project, stood }
    }

    /// A gateway whose connection is at this URL, with these lines in its `http`.
    pub(super) async fn gateway(&self, url: &str, http: &str) -> Gateway<'_> {
        let config = self.stood.config.replace(&self.stood.url, url);
        let table = format!("[connections.{}.http]\n", self.connection);
        let lines = format!("{table}max_body = {CAP}\nmax_pages = 20\nbreaker_failures = 100000\n{http}\n");
        let config =
            if config.contains(&table) { config.replace(&table, &lines) } else { format!("{config}\n{lines}") };
        // A loaded machine takes its time; a fault that lasts for longer than this is one that no reader waits for.
        let patient = "[server]\nrequest_timeout = \"30s\"\n";
        let config = match config.split_once("[server]\n") {
            Some((before, after)) => [before, patient, after].concat(),
            None => format!("{config}\n{patient}"),
        };
        Gateway { site: self, served: support::serve(&config).await, http: support::client() }
    }

    /// The configuration of a gateway over it.
    pub(super) fn config(&self) -> &str {
        &self.stood.config
    }

    /// A gateway whose connection is at the proxy.
    pub(super) async fn usual(&self, http: &str) -> Gateway<'_> {
        self.gateway(&self.proxy.url, http).await
    }
}

/// A gateway over a [`Site`].
pub(super) struct Gateway<'a> {
    site: &'a Site,
    pub(super) served: Served,
    http: reqwest::Client,
}

impl Gateway<'_> {
    /// Asks the graph, for what the owners say now.
    pub(super) async fn graph(&self) -> Told {
        self.asked(QUERY).await
    }

    async fn asked(&self, query: &str) -> Told {
        // A minute later nothing is remembered of a failure.
        self.served.clock.advance(Duration::from_mins(1));
        let body = json!({ "query": query, "variables": { "id": self.site.project } });
        told(support::json_body(self.http.post(format!("{}/graphql", self.served.url)), &body)).await
    }

    /// Asks for a report, likewise.
    pub(super) async fn report(&self) -> Told {
        self.served.clock.advance(Duration::from_mins(1));
        told(self.http.get(format!("{}{REPORT}", self.served.url))).await
    }

    /// What there is to see. The second time counts: the first time signs in and learns words.
    pub(super) async fn truth(&self) -> Truth {
        let (proxy, mut calls) = (&self.site.proxy, (0, 0));
        self.graph().await;
        self.report().await;
        proxy.act(None);
        let graph = self.graph().await;
        calls.0 = proxy.requests().0;
        proxy.act(None);
        let report = self.report().await;
        calls.1 = proxy.requests().0;
        assert!(calls.0 > 0 && calls.1 > 0, "the proxy is not asked");
        assert_eq!((graph.status, report.status), (200, 200), "{:#} {:#}", graph.body, report.body);
        assert!(report.body.as_array().is_some_and(|rows| rows.len() > 1), "{:#}", report.body);
        let own = |error: &(&str, &str)| error.0 == self.site.connection && error.1.starts_with("UPSTREAM");
        assert!(!graph.errors().iter().any(own), "{:#}", graph.body["errors"]);
        Truth { graph, report, calls }
    }

    /// What is said of the systems.
    pub(super) async fn health(&self) -> Told {
        self.asked("{ systems { name status breaker lastError { code at } } }").await
    }

    /// Calls that are under way or wait, by connection.
    pub(super) async fn load(&self) -> BTreeMap<String, u64> {
        let told = self.asked("{ systems { name running waiting } }").await;
        let systems = told.body["data"]["systems"].as_array().unwrap().iter();
        let load = |system: &Value| system["running"].as_u64().unwrap() + system["waiting"].as_u64().unwrap();
        systems.map(|system| (system["name"].as_str().unwrap().to_owned(), load(system))).collect()
    }
}

async fn told(request: reqwest::RequestBuilder) -> Told {
    let response = support::send(request.header("cache-control", "no-cache")).await;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Told { status, headers, body: support::read_json(response).await }
}

/// What is missing in an answer that is there otherwise: the fields' paths, without the places in lists. Whatever is not missing
/// must be what it is otherwise.
pub(super) fn missing(expected: &Value, found: &Value) -> Result<Vec<String>, String> {
    let mut missing = Vec::new();
    compare(expected, found, "", &mut missing)?;
    Ok(missing)
}

fn compare(expected: &Value, found: &Value, path: &str, missing: &mut Vec<String>) -> Result<(), String> {
    match (expected, found) {
        (Value::Null, Value::Null) => Ok(()),
        (_, Value::Null) => {
            missing.push(path.to_owned());
            Ok(())
        }
        (Value::Object(expected), Value::Object(found)) => {
            let mut here = Vec::new();
            for (name, value) in expected {
                if name == "completeness" {
                    continue;
                }
                let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                compare(value, &found[name], &path, &mut here)?;
            }
            let reasons = found.get("completeness").map(|told| told["reasons"] != json!([]));
            if reasons == Some(false) && !here.is_empty() {
                return Err(format!("{path} says that it is complete, and lacks {here:?}"));
            }
            missing.append(&mut here);
            Ok(())
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            expected.iter().zip(found).try_for_each(|(expected, found)| compare(expected, found, path, missing))
        }
        (expected, found) if expected == found => Ok(()),
        (expected, found) => Err(format!("{path} is {found}, which is {expected}")),
    }
}

/// Whether an error accounts for a field that is missing: its path leads to the field, or to something around or in it.
pub(super) fn accounted(missing: &str, told: &Told) -> bool {
    let told = told.listed().flat_map(|error| {
        let more = error["extensions"]["paths"].as_array().into_iter().flatten();
        std::iter::once(&error["path"]).chain(more)
    });
    told.filter_map(Value::as_array).any(|path| {
        let names: Vec<&str> = path.iter().filter_map(Value::as_str).collect();
        let path = names.join(".");
        let within = |inner: &str, outer: &str| inner == outer || inner.starts_with(&format!("{outer}."));
        within(missing, &path) || within(&path, missing)
    })
}
