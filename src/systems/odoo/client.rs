//! The calls: how they are signed in, paged and judged. What may be asked is in [`question`](super::question).

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use http::HeaderMap;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;

use super::config::{Api, Config};
use super::domain::Domain;
use super::question::{ALLOWED, Credentials, Method, Question};
use super::refusal::{self, Refusal};
use super::wire::{Id, Row, Uid};
use crate::systems::http::{ClientOptions, Granted, HttpClient, Request, Response, SignIn};
use crate::systems::{Call, ConnectionContext, ConnectionProblem, ErrorKind, SystemError};

/// The name of the kind of system.
pub(super) const SYSTEM: &str = "odoo";

/// From this version on a server speaks JSON-2, and adds up by `formatted_read_group`.
const JSON2_SINCE: u64 = 19;

/// Models of which it is asked which fields they have: they differ between versions and with what is installed.
const MODELS: [&str; 8] = [
    "account.move",
    "account.move.line",
    "account.analytic.line",
    "purchase.order.line",
    "project.project",
    "project.task",
    "helpdesk.ticket",
    "crm.lead",
];

/// How a server is spoken to.
#[derive(Debug, Clone, Copy)]
enum Door {
    JsonRpc {
        uid: u64,
        /// Whether it has `formatted_read_group`.
        formatted: bool,
    },
    Json2,
}

/// An Odoo database.
pub(super) struct Client {
    http: Arc<HttpClient>,
    credentials: Credentials,
    api: Api,
    door: SignIn<Door>,
    /// What every call is asked in: language, companies, archived records too.
    context: Value,
    fields: HashMap<&'static str, OnceCell<HashSet<String>>>,
    page_size: usize,
    max_pages: usize,
}

/// Sums by groups.
#[derive(Debug)]
pub(super) struct Grouping<'a> {
    pub(super) model: &'static str,
    pub(super) domain: Domain,
    pub(super) by: &'a [&'a str],
    /// Fields that are added up.
    pub(super) sums: &'a [&'static str],
}

/// The answer of JSON-RPC. It has one of the two, whatever the status of HTTP.
#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Envelope<T> {
    result: Option<T>,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Version {
    server_version_info: Vec<Value>,
}

impl Client {
    pub(super) fn new(config: &Config, context: &ConnectionContext) -> Result<Self, ConnectionProblem> {
        let key = config.api_key.read().map_err(|message| ConnectionProblem::new("api_key", message))?;
        let max_pages = context.traffic.max_pages;
        let http = HttpClient::new(ClientOptions {
            connection: context.name.clone(),
            system: SYSTEM,
            base_url: config.base()?,
            headers: HeaderMap::new(),
            allowed: ALLOWED.to_vec(),
            classify: refusal::classify,
            traffic: context.traffic.clone(),
            clock: Arc::clone(&context.clock),
        })
        .map_err(|error| {
            ConnectionProblem::new("url", error.detail.as_deref().unwrap_or("cannot be used").to_owned())
        })?;
        // Archived records are hidden unless asked for.
        let mut words = json!({ "active_test": false, "lang": config.language });
        if let Some(words) = words.as_object_mut().filter(|_| !config.companies.is_empty()) {
            words.insert("allowed_company_ids".to_owned(), json!(config.companies));
        }
        Ok(Self {
            http: Arc::new(http),
            credentials: Credentials { database: config.database.clone(), user: config.user.clone(), key },
            api: config.api,
            door: SignIn::new(Arc::clone(&context.clock)),
            context: words,
            fields: MODELS.iter().map(|model| (*model, OnceCell::new())).collect(),
            page_size: config.page_size,
            max_pages,
        })
    }

    /// The HTTP client, which knows how the system fares.
    pub(super) fn upstream(&self) -> Arc<HttpClient> {
        Arc::clone(&self.http)
    }

    /// An error of this connection.
    pub(super) fn error(&self, operation: &'static str, kind: ErrorKind, detail: &str) -> SystemError {
        SystemError { detail: Some(detail.into()), ..self.http.error(operation, kind) }
    }

    /// The fields of a model that this user may read; one of [`MODELS`].
    #[expect(clippy::zero_sized_map_values, reason = "only the names of the answer are wanted")]
    pub(super) async fn fields(&self, call: &Call, model: &'static str) -> Result<&HashSet<String>, SystemError> {
        const OPERATION: &str = "fields_get";
        let known = self.fields.get(model).ok_or_else(|| self.http.error(OPERATION, ErrorKind::Internal))?;
        known
            .get_or_try_init(|| async {
                let mut arguments = Map::new();
                arguments.insert("attributes".to_owned(), json!(["type"]));
                let question = Question { operation: OPERATION, model, method: Method::FieldsGet, arguments };
                let fields: HashMap<String, IgnoredAny> = self.ask(call, question).await?;
                Ok(fields.into_keys().collect())
            })
            .await
    }

    /// All rows that meet a condition, in the order of their numbers.
    pub(super) async fn all<T: DeserializeOwned + Row>(
        &self,
        call: &Call,
        operation: &'static str,
        model: &'static str,
        domain: Domain,
        fields: &[&str],
    ) -> Result<Vec<T>, SystemError> {
        let mut rows: Vec<T> = Vec::new();
        for _ in 0..self.max_pages {
            let after = rows.last().map_or(0, Row::id);
            let page = self.page(call, (operation, model), domain.clone(), fields, after, self.page_size).await?;
            let is_last = page.len() < self.page_size;
            rows.extend(page);
            if is_last {
                return Ok(rows);
            }
        }
        Err(self.error(operation, ErrorKind::Truncated, "more pages than `max_pages`"))
    }

    /// The first rows after a number. Pages are cut by the number of the last row: a row that comes or goes in between
    /// shifts nothing.
    pub(super) async fn page<T: DeserializeOwned + Row>(
        &self,
        call: &Call,
        (operation, model): (&'static str, &'static str),
        domain: Domain,
        fields: &[&str],
        after: u64,
        limit: usize,
    ) -> Result<Vec<T>, SystemError> {
        let domain = if after > 0 { domain.and(Domain::of("id", ">", after)) } else { domain };
        let rows: Vec<T> = self.ask(call, search_read((operation, model), domain, fields, "id", limit)).await?;
        let rising = rows.iter().try_fold(after, |before, row| Some(row.id()).filter(|id| *id > before)).is_some();
        if !rising || rows.len() > limit {
            return Err(self.error(operation, ErrorKind::Truncated, "the pages overlap"));
        }
        Ok(rows)
    }

    /// Rows in an order of their own, after so many.
    pub(super) async fn ordered<T: DeserializeOwned>(
        &self,
        call: &Call,
        what: (&'static str, &'static str),
        domain: Domain,
        fields: &[&str],
        order: &str,
        (skip, limit): (u64, usize),
    ) -> Result<Vec<T>, SystemError> {
        let mut question = search_read(what, domain, fields, order, limit);
        question.arguments.insert("offset".to_owned(), json!(skip));
        self.ask(call, question).await
    }

    /// Sums by groups, all groups at once.
    pub(super) async fn sums<T: DeserializeOwned>(
        &self,
        call: &Call,
        operation: &'static str,
        grouping: Grouping<'_>,
    ) -> Result<Vec<T>, SystemError> {
        let Grouping { model, domain, by, sums } = grouping;
        let formatted = match self.enter(call).await? {
            Door::JsonRpc { formatted, .. } => formatted,
            Door::Json2 => true,
        };
        let aggregates = sums.iter().map(|field| format!("{field}:sum"));
        let mut arguments = Map::new();
        arguments.insert("domain".to_owned(), domain.into_json());
        arguments.insert("groupby".to_owned(), json!(by));
        let method = if formatted {
            let aggregates: Vec<String> = aggregates.chain(["__count".to_owned()]).collect();
            arguments.insert("aggregates".to_owned(), json!(aggregates));
            Method::FormattedReadGroup
        } else {
            arguments.insert("fields".to_owned(), json!(aggregates.collect::<Vec<_>>()));
            // Else it groups by the first field alone.
            arguments.insert("lazy".to_owned(), json!(false));
            Method::ReadGroup
        };
        self.ask(call, Question { operation, model, method, arguments }).await
    }

    async fn ask<T: DeserializeOwned>(&self, call: &Call, mut question: Question) -> Result<T, SystemError> {
        let operation = question.operation;
        question.arguments.insert("context".to_owned(), self.context.clone());
        match self.enter(call).await? {
            Door::JsonRpc { uid, .. } => self.rpc(call, self.credentials.json_rpc(uid, &question)).await,
            Door::Json2 => {
                let response = self.http.send(call, self.credentials.json2(&question)).await?;
                self.http.decode(operation, &response)
            }
        }
    }

    async fn rpc<T: DeserializeOwned>(&self, call: &Call, request: Request) -> Result<T, SystemError> {
        let operation = request.operation;
        let response: Response = self.http.send(call, request).await?;
        let envelope: Envelope<T> = self.http.decode(operation, &response)?;
        if let Some(refusal) = envelope.error {
            let failure = refusal.failure();
            return Err(SystemError {
                detail: failure.detail.map(Into::into),
                ..self.http.error(operation, failure.kind)
            });
        }
        envelope.result.ok_or_else(|| self.error(operation, ErrorKind::BadResponse, "neither a result nor an error"))
    }

    /// How the server is spoken to. Asked once: the number of a user does not change, and a key is shown with each call.
    async fn enter(&self, call: &Call) -> Result<Door, SystemError> {
        if self.api == Api::Json2 {
            return Ok(Door::Json2);
        }
        let operation = "authenticate";
        Ok(self.door.ticket(&self.http, call, operation, None, self.sign_in(call, operation)).await?.value)
    }

    async fn sign_in(&self, call: &Call, operation: &'static str) -> Result<Granted<Door>, SystemError> {
        let version = self.version(call).await?;
        let formatted = version >= JSON2_SINCE;
        if formatted && self.api == Api::Auto {
            return Ok(Granted { value: Door::Json2, until: None });
        }
        let uid: Uid = self.rpc(call, self.credentials.authenticate(operation)).await?;
        match uid {
            Uid(Some(Id(uid))) => Ok(Granted { value: Door::JsonRpc { uid, formatted }, until: None }),
            Uid(None) => Err(self.error(operation, ErrorKind::Unauthorized, "no such user, database or API key")),
        }
    }

    /// The server's major version. Servers without JSON-RPC, which is to go, have all that JSON-2 has.
    async fn version(&self, call: &Call) -> Result<u64, SystemError> {
        const OPERATION: &str = "version";
        let version: Result<Version, _> = self.rpc(call, Credentials::version(OPERATION)).await;
        match version {
            Ok(version) => {
                let major = version.server_version_info.first();
                let major = major.and_then(|major| {
                    // Odoo Online writes `saas~18.4` where others write a number.
                    major
                        .as_u64()
                        .or_else(|| major.as_str()?.trim_start_matches("saas~").split('.').next()?.parse().ok())
                });
                major.ok_or_else(|| self.error(OPERATION, ErrorKind::BadResponse, "no version in the answer"))
            }
            Err(error) if error.kind == ErrorKind::BadRequest && self.api == Api::Auto => Ok(JSON2_SINCE),
            Err(error) => Err(error),
        }
    }
}

fn search_read(
    (operation, model): (&'static str, &'static str),
    domain: Domain,
    fields: &[&str],
    order: &str,
    limit: usize,
) -> Question {
    let mut arguments = Map::new();
    arguments.insert("domain".to_owned(), domain.into_json());
    // Without a list of fields Odoo computes all there are.
    arguments.insert("fields".to_owned(), json!(fields));
    arguments.insert("order".to_owned(), json!(order));
    arguments.insert("limit".to_owned(), json!(limit));
    Question { operation, model, method: Method::SearchRead, arguments }
}
