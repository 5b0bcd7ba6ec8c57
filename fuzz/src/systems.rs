//! Each kind of system that is asked by HTTP, behind a proxy, and what is asked of its ports. Of Tryton there are only answers to
//! certain questions, and databases speak protocols of their own.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::http::Uri;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::{Value, json};
use spine::config::Config;
use spine::demo::Demo;
use spine::demo::company::grow::Seed;
use spine::demo::company::model::Company;
use spine::demo::erp::Erp;
use spine::domain::{
    ClientId, Clock, DealId, DealQuery, InvoiceId, InvoiceQuery, ManualClock, Page, ProjectId, ProjectQuery, TicketId,
};
use spine::systems::{BatchResult, Call, Connection, ErrorKind, Priority, SystemError, registry};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::time::Instant;

use super::door::{NOW, TODAY};
use super::upstream::Proxy;

/// Longer than a read may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Limits under which nothing waits and nothing is asked twice: the decoders are what is looked at.
const HTTP: &str = "[http]\nretries = 0\nrate = 0\nbreaker_failures = 1000000\nconcurrency = 4\nmax_pages = 8\n\
    max_body = 1000000\n";

/// What one port answered: the record of each key as text, or why there is none.
pub type Answer = Result<BTreeMap<String, Result<String, SystemError>>, SystemError>;

/// A kind of system that is looked at.
pub struct Subject {
    pub name: &'static str,
    pub proxy: Proxy,
    /// What is true: what each port answers while nothing is changed. None where its configuration has no way to ask.
    pub truths: Vec<Option<BTreeMap<String, String>>>,
    connection: Connection,
    config: Config,
    keys: Keys,
}

/// All kinds of system, and what keeps them standing. All of it is one thread.
pub struct Systems {
    pub runtime: Runtime,
    pub subjects: Vec<Subject>,
    clock: Arc<ManualClock>,
    _demos: Vec<Demo>,
}

/// What is asked by.
#[derive(Default, Clone)]
struct Keys {
    projects: Vec<ProjectId>,
    deals: Vec<DealId>,
    clients: Vec<ClientId>,
    tickets: Vec<TicketId>,
    invoices: Vec<InvoiceId>,
    bills: Vec<InvoiceId>,
}

/// The questions of [`Subject::ask`].
pub const PORTS: u8 = 21;

impl Systems {
    pub fn stand_up() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let clock = Arc::new(ManualClock::new(NOW.parse().expect("a moment")));
        let mut demos = Vec::new();
        let subjects = runtime.block_on(async {
            let mut subjects = Vec::new();
            for erp in [Erp::Sap, Erp::NetSuite, Erp::Odoo, Erp::QuickBooks] {
                let seed = Seed { seed: 42, deals: 12, today: TODAY.parse().expect("a day") };
                let demo = Demo::start(seed, erp).await.expect("free ports");
                let mut systems = vec![(erp.name(), demo.erp.url.clone())];
                if erp == Erp::Sap {
                    systems.push(("hubspot", demo.hubspot.url.clone()));
                    systems.push(("redmine", demo.redmine.url.clone()));
                }
                for (name, url) in systems {
                    let proxy = Proxy::before(&url).await;
                    let config = demo.gateway_config().replace(&url, &proxy.url);
                    let company = demo.company.read().expect("nobody panics with it").clone();
                    subjects.push(Subject::new(name, proxy, &config, &company, &clock).await);
                    if erp == Erp::Odoo {
                        let proxy = Proxy::before(&url).await;
                        let config = demo.gateway_config().replace(&url, &proxy.url);
                        let config = config.replace("kind     = \"odoo\"", "kind = \"odoo\"\napi = \"json_rpc\"");
                        subjects.push(Subject::new(name, proxy, &config, &company, &clock).await);
                    }
                }
                demos.push(demo);
            }
            let company = demos[0].company.read().expect("nobody panics with it").clone();
            for (name, config, router) in [
                ("rest", include_str!("rest.toml"), Router::new().fallback(rest)),
                ("odata", include_str!("odata.toml"), Router::new().fallback(odata)),
            ] {
                let proxy = Proxy::before(&serve(router).await).await;
                let config = config.replace("{url}", &proxy.url);
                subjects.push(Subject::new(name, proxy, &config, &company, &clock).await);
            }
            subjects
        });
        Self { runtime, subjects, clock, _demos: demos }
    }

    /// Asks a port of a system. Fresh: by a connection that has not read anything yet.
    pub fn ask(&mut self, subject: usize, port: u8, fresh: bool) -> Answer {
        // What a system does not grant is not tried again for a while.
        self.clock.advance(Duration::from_mins(1));
        let subject = &mut self.subjects[subject];
        self.runtime.block_on(async {
            if fresh {
                subject.connection = connect(&subject.config, subject.name, &self.clock);
            }
            let answer = tokio::time::timeout(PATIENCE + Duration::from_secs(1), subject.ask(port));
            answer.await.expect("every read ends in time")
        })
    }

    /// The same, by a connection that nothing has gone wrong with.
    pub fn mend(&mut self, subject: usize) {
        let subject = &mut self.subjects[subject];
        self.runtime.block_on(async { subject.connection = connect(&subject.config, subject.name, &self.clock) });
    }
}

fn connect(config: &Config, name: &str, clock: &Arc<ManualClock>) -> Connection {
    let clock: Arc<dyn Clock> = Arc::clone(clock) as Arc<dyn Clock>;
    let connections = registry::connect(config, &clock).expect("valid");
    connections.into_iter().find(|connection| connection.name.as_str() == name).expect("it has this connection")
}

impl Subject {
    async fn new(name: &'static str, proxy: Proxy, config: &str, company: &Company, clock: &Arc<ManualClock>) -> Self {
        let config = Config::parse("spine.toml", &format!("{config}\n{HTTP}")).expect("valid");
        let connection = connect(&config, name, clock);
        let booked = company.ledger.projects.iter().map(|(code, _)| code);
        let projects: Vec<ProjectId> = match name {
            "rest" | "odata" => {
                (1..4).filter_map(|n| config.shared_id.parse(&format!("PRJ-2025-00{n}")).ok()).collect()
            }
            _ => booked.filter_map(|code| config.shared_id.parse(code).ok()).take(6).collect(),
        };
        let keys = Keys { projects, ..Keys::default() };
        let mut subject = Self { name, proxy, truths: Vec::new(), connection, config, keys };
        subject.learn_keys().await;
        for port in 0..PORTS {
            subject.truths.push(match subject.ask(port).await {
                Ok(answer) => Some(answer.into_iter().filter_map(|(key, value)| Some((key, value.ok()?))).collect()),
                Err(error) if error.kind == ErrorKind::BadRequest && matches!(name, "rest" | "odata") => None,
                Err(error) => panic!("{name} {port}: {error}"),
            });
        }
        assert!(subject.truths.iter().flatten().any(|truth| !truth.is_empty()), "{name} has nothing to find");
        subject
    }

    /// Asks for lists, to have IDs to ask by. Not every system has all of them.
    async fn learn_keys(&mut self) {
        let connection = self.connection.clone();
        if let Some(deals) = &connection.deals {
            let page = deals.deal_page(&call(), &DealQuery::default(), None, 6).await;
            let page = page.unwrap_or(Page { items: Vec::new(), next: None, total: None });
            self.keys.clients = page.items.iter().filter_map(|deal| deal.client.clone()).collect();
            self.keys.deals = page.items.into_iter().map(|deal| deal.id).collect();
        }
        if let Some(tickets) = &connection.tickets {
            let batch = tickets.tickets_by_project(&call(), &self.keys.projects).await.unwrap_or_default();
            self.keys.tickets = batch.found.into_values().flatten().map(|ticket| ticket.id).take(6).collect();
            self.keys.tickets.sort();
        }
        for (source, of_vendors) in [(&connection.receivables, false), (&connection.payables, true)] {
            let Some(source) = source else { continue };
            let batch = source.invoices_by_project(&call(), &self.keys.projects).await.unwrap_or_default();
            let mut ids: Vec<InvoiceId> =
                batch.found.into_values().flatten().map(|part| part.invoice.id.clone()).collect();
            ids.sort();
            ids.truncate(6);
            *(if of_vendors { &mut self.keys.bills } else { &mut self.keys.invoices }) = ids;
        }
    }

    /// Asks one of the ports; nothing where the system has no such.
    async fn ask(&self, port: u8) -> Answer {
        let Self { connection: of, keys, .. } = self;
        let nothing = Ok(BTreeMap::new());
        macro_rules! read {
            ($port:ident, $method:ident, $keys:ident) => {
                match &of.$port {
                    Some(port) if !keys.$keys.is_empty() => batch(port.$method(&call(), &keys.$keys).await),
                    _ => nothing,
                }
            };
        }
        macro_rules! list {
            ($port:ident, $method:ident, $query:expr) => {
                match &of.$port {
                    Some(port) => page(port.$method(&call(), &$query, None, 5).await),
                    None => nothing,
                }
            };
        }
        match port {
            0 => read!(deals, deals, deals),
            1 => read!(deals, deals_by_project, projects),
            2 => list!(deals, deal_page, DealQuery::default()),
            3 => read!(clients, clients, clients),
            4 => read!(deal_details, contacts, deals),
            5 => read!(deal_details, line_items, deals),
            6 => read!(deal_details, proposals, deals),
            7 => read!(deal_details, communications, deals),
            8 => read!(deal_details, pre_sales_tickets, deals),
            9 => read!(projects, projects, projects),
            10 => read!(projects, milestones, projects),
            11 => read!(projects, effort, projects),
            12 => list!(projects, project_page, ProjectQuery::default()),
            13 => read!(tickets, tickets, tickets),
            14 => read!(tickets, tickets_by_project, projects),
            15 => read!(receivables, invoices, invoices),
            16 => read!(receivables, invoices_by_project, projects),
            17 => list!(receivables, invoice_page, InvoiceQuery::default()),
            18 => read!(payables, invoices_by_project, projects),
            19 => read!(costs, costs_by_project, projects),
            _ => match (&of.invoice_sums, &of.cost_sums) {
                (Some(sums), _) => batch(sums.invoiced_by_project(&call(), &keys.projects).await),
                (None, Some(sums)) => batch(sums.cost_sums_by_project(&call(), &keys.projects).await),
                (None, None) => nothing,
            },
        }
    }
}

fn call() -> Call {
    Call::new(Instant::now() + PATIENCE, Priority::Interactive)
}

fn batch<K: ToString, V: Debug>(read: BatchResult<K, V>) -> Answer {
    let read = read?;
    let found = read.found.iter().map(|(key, value)| (key.to_string(), Ok(format!("{value:?}"))));
    let mut answer: BTreeMap<_, _> = found.collect();
    answer.extend(read.failed.into_iter().map(|(key, error)| (key.to_string(), Err(error))));
    Ok(answer)
}

/// A page is one answer: all of it, or none.
fn page<T: Debug>(read: Result<Page<T>, SystemError>) -> Answer {
    read.map(|page| BTreeMap::from([("page".to_owned(), Ok(format!("{page:?}")))]))
}

async fn serve(router: Router) -> String {
    let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

/// A system of somebody's own: whatever is asked for, it has three.
async fn rest(uri: Uri) -> Response {
    let row = |n: u32| {
        json!({ "id": format!("{n}"), "projectId": format!("PRJ-2025-00{n}"), "name": "Bridge", "stage": "won", "amount": "1200.50",
            "currency": "EUR", "company": "Acme", "owner": "Ann", "closeDate": "2025-03-01", "createdAt": "2025-01-01T10:00:00Z",
            "status": "active", "manager": "Bob", "startDate": "2025-02-01", "endDate": "2025-09-01", "budgetHours": 120,
            "spentHours": 80.25, "title": "A crack", "priority": "high", "assignee": "Cid", "number": format!("R{n}"), "tax": 228.1,
            "issuedOn": "2025-04-01", "dueOn": "2025-05-01", "kind": "labour", "bookedOn": "2025-04-02" })
    };
    let rows: Vec<Value> = (1..4).map(row).collect();
    let rows = Value::from(rows);
    Json(if uri.path().starts_with("/crm") { json!({ "results": rows }) } else { rows }).into_response()
}

async fn odata(uri: Uri) -> Response {
    let row = |n: u32| {
        json!({ "ID": n, "No": format!("{n}"), "Project": format!("PRJ-2025-00{n}"), "Net": 100.25, "Gross": 119.3, "Currency": "EUR",
            "Type": "Invoice", "Status": "Open", "Date": "2025-04-01", "Customer": { "Name": "Acme" },
            "Lines": [{ "Text": "Hours", "Net": 100.25, "Project": format!("PRJ-2025-00{n}") }] })
    };
    let rows: Vec<Value> = (1..4).map(row).collect();
    let set = uri.path().rsplit('/').next().unwrap_or_default().to_owned();
    Json(json!({ "@odata.context": format!("$metadata#{set}"), "@odata.count": rows.len(), "value": rows }))
        .into_response()
}
