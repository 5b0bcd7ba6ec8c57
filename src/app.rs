//! The running application: built from a configuration, answering until it is told to stop.

use std::net::SocketAddr;
use std::sync::Arc;

use async_graphql::Variables;
use axum::Router;
use futures_util::FutureExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::access::{Access, Catalogue, PolicyError, Viewer};
use crate::config::{Config, ConfigError, ServerOptions};
use crate::domain::Clock;
use crate::graph::guard::{self, Given};
use crate::graph::{Graph, Plan};
use crate::reads::Reads;
use crate::reports::Reports;
use crate::server::{self, Behind, Door, Operations, SignIn, Tls, Trail, Webhooks};
use crate::systems::registry;

/// The application, ready to listen.
#[derive(Debug)]
pub struct App {
    router: Router,
    tls: Option<Tls>,
    options: ServerOptions,
    draining: CancellationToken,
}

impl App {
    /// Builds the application of a configuration. No port is opened and no system is called.
    pub fn build(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, Vec<ConfigError>> {
        let (graph, reports) = graph(config, Arc::clone(&clock))?;
        let operations = operations(config, &graph)?;
        let Graph { checking, trusting, masks, catalogue } = graph;
        let sign_in = sign_in(config, &catalogue, Arc::clone(&clock))?;
        let tls = config.server.tls.as_ref().map(Tls::new).transpose();
        let tls = tls.map_err(|(key, message)| vec![config.error_at(&format!("server.tls.{key}"), message)])?;
        let webhooks = Webhooks::new(config)?;
        let draining = CancellationToken::new();
        let answer_bytes = config.cache.answer_bytes;
        let trail = Trail::open(&config.audit, clock)
            .map_err(|(key, message)| vec![config.error_at(&format!("audit.{key}"), message)])?;
        let behind = Behind { checking, trusting, masks, reports, sign_in, trail, operations, answer_bytes, webhooks };
        let door = Door::new(behind, config.limits.clone(), config.server.clone(), draining.clone());
        Ok(Self { router: server::router(door), tls, options: config.server.clone(), draining })
    }

    /// Opens the port the configuration names.
    pub async fn bind(&self) -> std::io::Result<TcpListener> {
        TcpListener::bind(self.options.listen).await
    }

    /// Answers on a listener until `stop`; then says that it is not ready, finishes what is under way, and returns.
    pub async fn serve(self, listener: TcpListener, stop: CancellationToken) {
        let draining = self.draining.clone();
        let stopping = stop.clone();
        tokio::spawn(async move {
            stopping.cancelled().await;
            draining.cancel();
        });
        server::serve(listener, self.router, self.tls, &self.options, stop).await;
    }

    /// Where the configuration tells it to listen.
    pub fn listen(&self) -> SocketAddr {
        self.options.listen
    }
}

/// The documents that are known beforehand, each within the limits and valid.
fn operations(config: &Config, graph: &Graph) -> Result<Operations, Vec<ConfigError>> {
    let error = |message: String| config.error_at("operations.folder", message);
    let operations =
        Operations::load(&config.operations).map_err(|errors| errors.into_iter().map(error).collect::<Vec<_>>())?;
    let mut errors = Vec::new();
    for (name, text) in operations.of_folder() {
        let wrong = match guard::admit(&config.limits, text) {
            Err(refusal) => vec![refusal.to_string()],
            Ok(document) if document.operations.iter().count() != 1 => vec!["it must have one operation".to_owned()],
            // The validator waits for nothing.
            Ok(_) => match graph.validate(text, None, Variables::default()).now_or_never() {
                Some(Err(messages)) => messages,
                _ => Vec::new(),
            },
        };
        errors.extend(wrong.into_iter().map(|message| error(format!("{name}.graphql: {message}"))));
    }
    if errors.is_empty() { Ok(operations) } else { Err(errors) }
}

/// Who may ask, and what they may see.
fn sign_in(config: &Config, catalogue: &Catalogue, clock: Arc<dyn Clock>) -> Result<SignIn, Vec<ConfigError>> {
    let access = Access::new(&config.access, catalogue).map_err(|errors| {
        let error = |error: PolicyError| config.error_at(&error.path, error.message);
        errors.into_iter().map(error).collect::<Vec<_>>()
    })?;
    SignIn::new(&config.sign_in, &config.server, Arc::new(access), clock)
        .map_err(|(path, message)| vec![config.error_at(&format!("sign_in.{path}"), message)])
}

/// Questions about many projects over the systems of a configuration, without a server. No system is called.
pub fn reports(config: &Config, clock: &Arc<dyn Clock>) -> Result<Arc<Reports>, Vec<ConfigError>> {
    graph(config, Arc::clone(clock)).map(|(_, reports)| reports)
}

/// The graph of a configuration, and what it reads.
fn graph(config: &Config, clock: Arc<dyn Clock>) -> Result<(Graph, Arc<Reports>), Vec<ConfigError>> {
    let connections = registry::connect(config, &clock)?;
    let patience = config.server.request_timeout.0;
    let reads = Arc::new(Reads::new(&config.owners, &config.cache, &connections, &clock, patience));
    let (shared_id, settings) = (config.shared_id.clone(), config.reports.clone());
    let reports = Arc::new(Reports { reads, connections, shared_id, clock, settings });
    Ok((Graph::new(Arc::clone(&reports)), reports))
}

/// Why an operation cannot be explained.
#[derive(Debug)]
pub enum Unexplained {
    /// The configuration is wrong.
    Config(Vec<ConfigError>),
    /// The operation is wrong: what is, in words.
    Query(Vec<String>),
}

/// What an operation will ask of the systems of a configuration. No system is called.
pub async fn explain(
    config: &Config,
    clock: &Arc<dyn Clock>,
    query: &str,
    name: Option<&str>,
    variables: Variables,
) -> Result<Plan, Unexplained> {
    let (graph, reports) = graph(config, Arc::clone(clock)).map_err(Unexplained::Config)?;
    let wrong = |message: String| Unexplained::Query(vec![message]);
    let document = guard::admit(&config.limits, query).map_err(|refusal| wrong(refusal.to_string()))?;
    let Some((_, operation)) = guard::operation(&document, name) else {
        return Err(wrong("name one of its operations with --operation".to_owned()));
    };
    guard::require_variables(&operation.node, &variables).map_err(|refusal| wrong(refusal.to_string()))?;
    graph.validate(query, name, variables.clone()).await.map_err(Unexplained::Query)?;
    let given = Given { operation: &operation.node, variables: &variables };
    Ok(Plan::new(&document, given, &reports.reads, &Viewer::anyone().view))
}
