//! An embedded SQL Server: TDS 7.4 over TCP and TLS, as far as a client that reads needs it. It runs no T-SQL. It knows the queries
//! of `sqlserver.toml` by their texts, answers them from the company in the types of a real server, and knows the statements by
//! which a client sets its session up. `tests/clients/sqlserver` drives it with clients by other people.

mod line;
mod request;
mod rows;
mod session;
pub(crate) mod table;

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use spine::demo::company::model::{Company, Shared};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use self::table::{Table, Value};

pub(crate) use self::rows::document_id;

pub(crate) const DATABASE: &str = "company";
pub(crate) const USER: &str = "spine";
pub(crate) const PASSWORD: &str = "demo-spine-password";

/// The certificate is one for `localhost`, by this CA.
pub(crate) const CA_FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sql/sqlserver/demo-ca.pem");
const CERTIFICATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sql/sqlserver/demo-server.pem");
const KEY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sql/sqlserver/demo-server.key");

/// The queries over the views of the company.
const QUERIES: &str = include_str!("../sqlserver.toml");

/// What is answered to a query that is none of the company's.
#[derive(Debug, Clone)]
pub(crate) enum Canned {
    Rows(Table),
    /// Two answers, as of two statements.
    Twice(Table),
    /// These rows, and then an error: number and severity.
    Error(Table, u32, u8),
    /// Nothing, until the client gives up.
    Silence,
}

/// How a server is set up.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    /// Whether it has a certificate.
    pub(crate) tls: bool,
    /// What the user may do beyond reading, and on what; the first of it.
    pub(crate) may: Option<(&'static str, &'static str)>,
    /// The port on `localhost` to which those who only read are sent.
    pub(crate) sends_readers_to: Option<u16>,
    /// Answers to queries that are none of the company's, by their texts.
    pub(crate) canned: HashMap<String, Canned>,
}

impl Default for Setup {
    fn default() -> Self {
        Self { tls: true, may: None, sends_readers_to: None, canned: HashMap::new() }
    }
}

/// What all sessions share.
struct Server {
    setup: Setup,
    company: Shared,
    /// The company's queries: table and way, by their texts.
    queries: HashMap<String, (String, String)>,
    tls: Arc<ServerConfig>,
    /// What each query was given.
    given: Mutex<Vec<Vec<Value>>>,
    batches: Mutex<Vec<String>>,
    sign_ins: AtomicUsize,
    /// Sessions that are there.
    sessions: watch::Sender<usize>,
    tasks: Mutex<Vec<AbortHandle>>,
}

/// A server that listens.
pub(crate) struct Embedded {
    pub(crate) port: u16,
    server: Arc<Server>,
    listening: JoinSet<()>,
}

impl Embedded {
    pub(crate) async fn start(company: Shared, setup: Setup) -> Self {
        let queries = texts(&queries(&company.read().unwrap()));
        let server = Server {
            setup,
            company,
            queries,
            tls: tls(),
            given: Mutex::default(),
            batches: Mutex::default(),
            sign_ins: AtomicUsize::new(0),
            sessions: watch::Sender::new(0),
            tasks: Mutex::default(),
        };
        let mut embedded = Self { port: 0, server: Arc::new(server), listening: JoinSet::new() };
        embedded.listen().await;
        embedded
    }

    /// One that answers nothing but this query.
    pub(crate) async fn saying(text: &str, answer: Canned) -> Self {
        let company = spine::demo::company::grow::Seed { seed: 42, deals: 1, today: jiff::civil::date(2026, 11, 25) };
        let canned = [(text.to_owned(), answer)].into();
        let company = Arc::new(RwLock::new(Company::grow(&company)));
        Self::start(company, Setup { canned, ..Setup::default() }).await
    }

    /// Listens, on the port that it had before.
    pub(crate) async fn listen(&mut self) {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))).await.unwrap();
        self.port = listener.local_addr().unwrap().port();
        let server = Arc::clone(&self.server);
        self.listening.spawn(async move {
            loop {
                let Ok((tcp, _)) = listener.accept().await else { continue };
                server.begin(tcp);
            }
        });
    }

    /// Is gone, with all sessions.
    pub(crate) async fn stop(&mut self) {
        self.listening.shutdown().await;
        self.end_sessions().await;
    }

    /// Ends all sessions, as an administrator can.
    pub(crate) async fn end_sessions(&self) {
        self.server.tasks.lock().unwrap().drain(..).for_each(|task| task.abort());
        self.no_sessions().await;
    }

    /// Waits until no session is there.
    pub(crate) async fn no_sessions(&self) {
        self.server.sessions.subscribe().wait_for(|sessions| *sessions == 0).await.unwrap();
    }

    /// Queries that were asked so far.
    pub(crate) fn asked(&self) -> usize {
        self.server.given.lock().unwrap().len()
    }

    /// What each of them was given.
    pub(crate) fn given(&self) -> Vec<Vec<Value>> {
        self.server.given.lock().unwrap().clone()
    }

    /// Batches that were run so far.
    pub(crate) fn batches(&self) -> Vec<String> {
        self.server.batches.lock().unwrap().clone()
    }

    /// Sign-ins so far, those that were refused too.
    pub(crate) fn sign_ins(&self) -> usize {
        self.server.sign_ins.load(Ordering::Relaxed)
    }
}

impl Server {
    fn begin(self: &Arc<Self>, tcp: TcpStream) {
        /// Counts a session for as long as it is there.
        struct There(Arc<Server>);
        impl Drop for There {
            fn drop(&mut self) {
                self.0.sessions.send_modify(|sessions| *sessions -= 1);
            }
        }
        self.sessions.send_modify(|sessions| *sessions += 1);
        let there = There(Arc::clone(self));
        let task = tokio::spawn(async move {
            // A client that is gone is the end of a session.
            drop(session::run(&there.0, tcp).await);
        });
        self.tasks.lock().unwrap().push(task.abort_handle());
    }
}

/// The queries of `sqlserver.toml`, of this company.
pub(crate) fn queries(company: &Company) -> String {
    QUERIES.replace("{company currency}", &company.currency)
}

/// The texts of queries, as a client sends them.
fn texts(queries: &str) -> HashMap<String, (String, String)> {
    let file: toml::Table = queries.parse().unwrap();
    let mut texts = HashMap::new();
    for (table, ways) in file["connections"]["company"].as_table().unwrap() {
        for (way, text) in ways.as_table().unwrap().iter().filter(|(way, _)| *way != "paging") {
            if let Some(text) = text.as_str() {
                let before = texts.insert(text.trim().to_owned(), (table.clone(), way.clone()));
                assert!(before.is_none(), "two queries with one text: {text}");
            }
        }
    }
    texts
}

/// TLS as SQL Server speaks it within TDS 7: not later than 1.2.
fn tls() -> Arc<ServerConfig> {
    let chain = CertificateDer::pem_file_iter(CERTIFICATE).unwrap().collect::<Result<Vec<_>, _>>().unwrap();
    let key = PrivateKeyDer::from_pem_file(KEY).unwrap();
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()));
    let builder = builder.with_protocol_versions(&[&rustls::version::TLS12]).unwrap();
    Arc::new(builder.with_no_client_auth().with_single_cert(chain, key).unwrap())
}
