//! The running application: built from a configuration, answering until it is told to stop.

mod reload;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_graphql::Variables;
use futures_util::FutureExt;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::access::{Access, Catalogue, PolicyError, Viewer};
use crate::config::{Config, ConfigError, OwnerRule, ServerOptions};
use crate::domain::{Clock, Domain};
use crate::graph::guard::{self, Given};
use crate::graph::{Graph, Plan};
use crate::reads::Reads;
use crate::reports::Reports;
use crate::server::{
    self, Answering, Behind, Configuration, Door, Operations, Replicas, Routers, SignIn, Terms, Tls, Trail, Webhooks,
};
use crate::systems::{Connection, LocatedDeals, registry};

pub use reload::Files;

/// The application: what answers now, which another configuration can replace. Copies are the same application.
#[derive(Debug, Clone)]
pub struct App(Arc<Running>);

#[derive(Debug)]
struct Running {
    public: watch::Sender<Answering>,
    admin: watch::Sender<Answering>,
    current: Mutex<Arc<Generation>>,
    configuration: Arc<Configuration>,
    replicas: Arc<Replicas>,
    clock: Arc<dyn Clock>,
    /// Cancelled once Spine stops: others had better be asked, and everything is answered still.
    stopping: CancellationToken,
}

/// What is made of a configuration: what the next one has to know of it, what answers by it, and by which terms other replicas
/// are told.
type Built = (Generation, Routers, Option<Tls>, Terms);

/// What is made of one configuration, as far as the next one has to know it.
#[derive(Debug)]
struct Generation {
    /// 1 for the one of the start, one more for each that replaced it.
    number: u64,
    options: ServerOptions,
    sign_in: Arc<SignIn>,
    trail: Arc<Trail>,
    webhooks: Arc<Webhooks>,
    /// Cancelled once it is replaced, or Spine stops: what is followed ends, and everything is answered still.
    draining: CancellationToken,
}

/// The ports of an application.
#[derive(Debug)]
pub struct Listeners {
    /// For those who ask.
    pub public: TcpListener,
    /// For those who run Spine; none if the configuration names none.
    pub admin: Option<TcpListener>,
}

impl From<TcpListener> for Listeners {
    fn from(public: TcpListener) -> Self {
        Self { public, admin: None }
    }
}

impl App {
    /// Builds the application of a configuration. No port is opened and no system is called.
    pub fn build(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, Vec<ConfigError>> {
        let configuration = Arc::new(Configuration::new(Arc::clone(&clock)));
        let replicas = Arc::new(Replicas::new(Arc::clone(&clock)));
        let stopping = CancellationToken::new();
        let process = (&configuration, &replicas, &stopping);
        let (generation, routers, tls, terms) = generation(config, &clock, process, None)?;
        let (public, admin) = answering(&generation, routers, tls);
        let (public, admin) = (watch::Sender::new(public), watch::Sender::new(admin));
        let current = Mutex::new(Arc::new(generation));
        replicas.adopt(terms);
        Ok(Self(Arc::new(Running { public, admin, current, configuration, replicas, clock, stopping })))
    }

    /// Puts another configuration in the place of the one in use: with new connections to systems, empty caches, and new rules
    /// about who may ask. Requests that have begun end as they began; what is followed ends, so that it is asked again. What
    /// was counted of those who ask is not forgotten. If the configuration cannot be used nothing changes.
    pub fn replace(&self, config: &Config) -> Result<(), Vec<ConfigError>> {
        let Running { public, admin, configuration, replicas, clock, stopping, .. } = &*self.0;
        // One at a time: the next one goes on from what this one has counted.
        let mut current = self.lock();
        let before = &**current;
        if let Some((key, message)) = config.server.needs_restart(&before.options) {
            return Err(vec![config.error_at(&format!("server.{key}"), message)]);
        }
        let process = (configuration, replicas, stopping);
        let (generation, routers, tls, terms) = generation(config, clock, process, Some(before))?;
        let (answering, number) = (answering(&generation, routers, tls), generation.number);
        public.send_replace(answering.0);
        admin.send_replace(answering.1);
        replicas.adopt(terms);
        // It is said once it answers, not before.
        configuration.replaced(number);
        before.draining.cancel();
        *current = Arc::new(generation);
        Ok(())
    }

    /// Opens the ports that the configuration names. An error says which of them cannot be opened.
    pub async fn bind(&self) -> Result<Listeners, String> {
        async fn open(address: SocketAddr) -> Result<TcpListener, String> {
            TcpListener::bind(address).await.map_err(|error| format!("{address} cannot be listened on: {error}"))
        }
        let options = self.current().options.clone();
        let public = open(options.listen).await?;
        let admin = match options.admin_listen {
            Some(address) => Some(open(address).await?),
            None => None,
        };
        Ok(Listeners { public, admin })
    }

    /// Answers until `stop`; then says that it is not ready, finishes what is under way, and returns.
    pub async fn serve(self, listeners: impl Into<Listeners>, stop: CancellationToken) {
        let Listeners { public, admin } = listeners.into();
        let (stopping, stopped) = (self.0.stopping.clone(), stop.clone());
        tokio::spawn(async move {
            stopped.cancelled().await;
            stopping.cancel();
        });
        // Those who run Spine are answered as long as anybody is, and other replicas told.
        let done = CancellationToken::new();
        let admin = admin.map(|admin| {
            tokio::spawn(server::serve(admin, self.0.admin.subscribe(), MOST_ADMIN_CONNECTIONS, done.clone()))
        });
        let replicas = tokio::spawn(Arc::clone(&self.0.replicas).run(done.clone()));
        let most = self.current().options.max_connections;
        server::serve(public, self.0.public.subscribe(), most, stop).await;
        done.cancel();
        drop(replicas.await);
        if let Some(admin) = admin {
            drop(admin.await);
        }
    }

    fn current(&self) -> Arc<Generation> {
        Arc::clone(&self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Arc<Generation>> {
        self.0.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Connections of those who run Spine.
const MOST_ADMIN_CONNECTIONS: usize = 32;

/// What one process has, whatever its configuration: what is said of it, the other replicas, and whether it stops.
type Process<'a> = (&'a Arc<Configuration>, &'a Arc<Replicas>, &'a CancellationToken);

/// All that is made of a configuration. What the generation `before` has counted goes on.
fn generation(
    config: &Config,
    clock: &Arc<dyn Clock>,
    (configuration, replicas, stopping): Process<'_>,
    before: Option<&Generation>,
) -> Result<Built, Vec<ConfigError>> {
    let (graph, reports) = graph(config, Arc::clone(clock))?;
    let operations = operations(config, &graph)?;
    let Graph { checking, trusting, masks, catalogue } = graph;
    let sign_in = Arc::new(sign_in(config, &catalogue, Arc::clone(clock), before)?);
    let tls = config.server.tls.as_ref().map(Tls::new).transpose();
    let tls = tls.map_err(|(key, message)| vec![config.error_at(&format!("server.tls.{key}"), message)])?;
    let webhooks = Arc::new(Webhooks::new(config, before.map(|before| &*before.webhooks))?);
    let terms = Terms::new(config, clock).map_err(|error| vec![error])?;
    let trail = match before.map(|before| &before.trail).filter(|trail| trail.is_of(&config.audit)) {
        Some(trail) => Arc::clone(trail),
        None => Trail::open(&config.audit, Arc::clone(clock))
            .map(Arc::new)
            .map_err(|(key, message)| vec![config.error_at(&format!("audit.{key}"), message)])?,
    };
    let generation = Generation {
        number: before.map_or(1, |before| before.number + 1),
        options: config.server.clone(),
        sign_in: Arc::clone(&sign_in),
        trail: Arc::clone(&trail),
        webhooks: Arc::clone(&webhooks),
        draining: stopping.child_token(),
    };
    let (answer_bytes, configuration) = (config.cache.answer_bytes, Arc::clone(configuration));
    let (replicas, stopping) = (Arc::clone(replicas), stopping.clone());
    let behind = Behind {
        checking,
        trusting,
        masks,
        reports,
        sign_in,
        trail,
        operations,
        answer_bytes,
        webhooks,
        replicas,
        configuration,
        stopping,
    };
    let door = Door::new(behind, config.limits.clone(), config.server.clone(), generation.draining.clone());
    Ok((generation, server::routers(door), tls, terms))
}

/// What answers at the two ports.
fn answering(generation: &Generation, routers: Routers, tls: Option<Tls>) -> (Answering, Answering) {
    let Routers { public, admin } = routers;
    let (options, number) = (Arc::new(generation.options.clone()), generation.number);
    let admin = Answering { router: admin, tls: None, options: Arc::clone(&options), generation: number };
    (Answering { router: public, tls, options, generation: number }, admin)
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
fn sign_in(
    config: &Config,
    catalogue: &Catalogue,
    clock: Arc<dyn Clock>,
    before: Option<&Generation>,
) -> Result<SignIn, Vec<ConfigError>> {
    let access = Access::new(&config.access, config.sign_in.is_configured(), catalogue).map_err(|errors| {
        let error = |error: PolicyError| config.error_at(&error.path, error.message);
        errors.into_iter().map(error).collect::<Vec<_>>()
    })?;
    let before = before.map(|before| &*before.sign_in);
    SignIn::new(&config.sign_in, &config.server, Arc::new(access), clock, before)
        .map_err(|(path, message)| vec![config.error_at(&format!("sign_in.{path}"), message)])
}

/// Questions about many projects over the systems of a configuration, without a server. No system is called.
pub fn reports(config: &Config, clock: &Arc<dyn Clock>) -> Result<Arc<Reports>, Vec<ConfigError>> {
    graph(config, Arc::clone(clock)).map(|(_, reports)| reports)
}

/// The graph of a configuration, and what it reads.
fn graph(config: &Config, clock: Arc<dyn Clock>) -> Result<(Graph, Arc<Reports>), Vec<ConfigError>> {
    let mut connections = registry::connect(config, &clock)?;
    if config.access.reads_by_region() {
        locate(config, &mut connections)?;
    }
    let patience = config.server.request_timeout.0;
    let reads = Arc::new(Reads::new(&config.owners, &config.cache, &connections, &clock, patience));
    let (shared_id, settings) = (config.shared_id.clone(), config.reports.clone());
    let reports = Arc::new(Reports { reads, connections, shared_id, clock, settings });
    Ok((Graph::new(Arc::clone(&reports)), reports))
}

/// Has deals know where their clients are, because roles ask for it.
fn locate(config: &Config, connections: &mut [Connection]) -> Result<(), Vec<ConfigError>> {
    for OwnerRule { owner, .. } in config.owners.of(Domain::Commercial) {
        let Some(connection) = connections.iter_mut().find(|connection| connection.name == *owner) else { continue };
        let Some(deals) = connection.deals.take() else { continue };
        let Some(clients) = connection.clients.clone() else {
            let message = format!("are asked for, and `{owner}` has no clients: nobody could say where they are");
            return Err(vec![config.error_at("access.regions", message)]);
        };
        connection.deals = Some(Arc::new(LocatedDeals::new(deals, clients)));
    }
    Ok(())
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
