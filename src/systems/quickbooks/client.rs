//! The calls: statements of QuickBooks' query language, how they are signed in, paged and judged.
//!
//! The language has `=`, `<`, `>`, `IN` and `LIKE` joined by `AND`, over the properties that Intuit's schema calls filterable;
//! no `OR`, no `NOT`, no join, no sum. Only record IDs and dates ever get into a statement.

use std::collections::HashSet;
use std::sync::Arc;

use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderMap, HeaderValue, Method};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;

use super::config::Config;
use super::fault;
use super::tokens::{Ticket, Tokens};
use super::wire::{self, Row};
use crate::domain::{Currency, parse_currency};
use crate::systems::http::{Allowed, ClientOptions, HttpClient, Request, Response};
use crate::systems::{Call, ConnectionContext, ConnectionProblem, ErrorKind, SystemError};

/// The version of the API's shapes that this connector reads. Older ones are no longer served.
const MINOR_VERSION: u32 = 75;

/// Most IDs in one `IN`. Intuit states no limit; the statement stays far below 8 KB of URL.
pub(super) const MAX_IDS: usize = 100;

/// An entity of the API and the name under which its reads are counted and logged.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entity {
    pub(super) name: &'static str,
    pub(super) operation: &'static str,
}

/// The company's currencies.
#[derive(Debug, Clone, Copy)]
pub(super) struct Currencies {
    /// The company's own.
    pub(super) home: Currency,
    /// Whether there are others.
    pub(super) multi: bool,
}

/// The accounting API of one company.
pub(super) struct Client {
    http: Arc<HttpClient>,
    tokens: Tokens,
    /// The one path of all reads.
    path: String,
    page_size: usize,
    max_pages: usize,
    currencies: OnceCell<Currencies>,
}

impl Client {
    pub(super) fn new(config: &Config, context: &ConnectionContext) -> Result<Self, ConnectionProblem> {
        let path = format!("/v3/company/{}/query", config.realm_id);
        let http = HttpClient::new(ClientOptions {
            connection: context.name.clone(),
            system: super::SYSTEM,
            base_url: Config::base("url", &config.url)?,
            headers: HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/json"))]),
            // A statement can only select, and is asked for by GET.
            allowed: vec![Allowed::new(Method::GET, path.clone())],
            classify: fault::classify,
            traffic: context.traffic.clone(),
            clock: Arc::clone(&context.clock),
        })
        .map_err(|error| {
            ConnectionProblem::new("url", error.detail.as_deref().unwrap_or("cannot be used").to_owned())
        })?;
        Ok(Self {
            http: Arc::new(http),
            tokens: Tokens::new(config, context)?,
            path,
            page_size: config.page_size,
            max_pages: context.traffic.max_pages,
            currencies: OnceCell::new(),
        })
    }

    /// The HTTP clients, of the API and of the token endpoint.
    pub(super) fn upstreams(&self) -> [Arc<HttpClient>; 2] {
        [Arc::clone(&self.http), self.tokens.upstream()]
    }

    /// An error of this connection.
    pub(super) fn error(&self, operation: &'static str, kind: ErrorKind) -> SystemError {
        self.http.error(operation, kind)
    }

    /// An error of this connection, and what is known of it.
    pub(super) fn failed(&self, operation: &'static str, kind: ErrorKind, detail: &str) -> SystemError {
        SystemError { detail: Some(detail.into()), ..self.http.error(operation, kind) }
    }

    /// Rows of a page that nobody asks to be smaller.
    pub(super) fn page_size(&self) -> usize {
        self.page_size
    }

    /// How many pages are read before a list is given up.
    pub(super) fn max_pages(&self) -> usize {
        self.max_pages
    }

    /// The company's currencies. The home currency cannot change once there are transactions, so they are asked for once.
    pub(super) async fn currencies(&self, call: &Call) -> Result<Currencies, SystemError> {
        const PREFERENCES: Entity = Entity { name: "Preferences", operation: "preferences.query" };
        self.currencies
            .get_or_try_init(|| async {
                let rows = self.page::<wire::Preferences>(call, &PREFERENCES, "", (1, 1)).await?;
                let unknown = || {
                    self.failed(PREFERENCES.operation, ErrorKind::BadResponse, "the home currency is not in ISO 4217")
                };
                let prefs = rows.into_iter().next().and_then(|row| row.currency_prefs).ok_or_else(unknown)?;
                let code = prefs.home_currency.and_then(|home| home.value).unwrap_or_default();
                let home = parse_currency(&code).map_err(|_| unknown())?;
                Ok(Currencies { home, multi: prefs.multi_currency_enabled.unwrap_or_default() })
            })
            .await
            .copied()
    }

    /// Rows of an entity that meet a condition, all pages. The condition is empty or without `WHERE`.
    pub(super) async fn all<T: DeserializeOwned + Row>(
        &self,
        call: &Call,
        entity: &Entity,
        condition: &str,
    ) -> Result<Vec<T>, SystemError> {
        let truncated = |detail| self.failed(entity.operation, ErrorKind::Truncated, detail);
        let mut rows: Vec<T> = Vec::new();
        let mut seen = HashSet::new();
        for _ in 0..self.max_pages {
            // A page begins with the last row of the one before: were a row deleted in between, all later ones would have
            // moved up, and one of them would be in neither.
            let page: Vec<T> = self.page(call, entity, condition, (rows.len().max(1), self.page_size)).await?;
            let last = page.len() < self.page_size;
            let mut page = page.into_iter();
            if let Some(before) = rows.last()
                && page.next().is_none_or(|again| again.id() != before.id())
            {
                return Err(truncated("the rows moved between two pages"));
            }
            for row in page {
                if !seen.insert(row.id().to_owned()) {
                    return Err(truncated("a row came twice: the pages overlap"));
                }
                rows.push(row);
            }
            if last {
                return Ok(rows);
            }
        }
        Err(truncated("more pages than `max_pages`"))
    }

    /// Rows of an entity by their IDs; of those that are not there, nothing.
    pub(super) async fn by_id<T: DeserializeOwned + Row>(
        &self,
        call: &Call,
        entity: &Entity,
        ids: &[&str],
    ) -> Result<Vec<T>, SystemError> {
        self.all(call, entity, &any("Id", ids.iter().copied())).await
    }

    /// Names (items, accounts) by their IDs, in use or not: those that are not are left out unless they are asked for.
    pub(super) async fn names_by_id<T: DeserializeOwned + Row>(
        &self,
        call: &Call,
        entity: &Entity,
        ids: &[&str],
    ) -> Result<Vec<T>, SystemError> {
        let condition = format!("{} and Active in (true, false)", any("Id", ids.iter().copied()));
        self.all(call, entity, &condition).await
    }

    /// One page: from which row, counted from 1, and how many.
    pub(super) async fn page<T: DeserializeOwned>(
        &self,
        call: &Call,
        entity: &Entity,
        condition: &str,
        (start, count): (usize, usize),
    ) -> Result<Vec<T>, SystemError> {
        let mut statement = format!("select * from {}", entity.name);
        if !condition.is_empty() {
            statement.push_str(" where ");
            statement.push_str(condition);
        }
        if entity.name != "Preferences" {
            statement = format!("{statement} orderby Id startposition {start} maxresults {count}");
        }
        let query = utf8_percent_encode(&statement, NON_ALPHANUMERIC);
        let path = format!("{}?query={query}&minorversion={MINOR_VERSION}", self.path);
        let response = self.send(call, Request::get(entity.operation, path)).await?;
        let answer: wire::Answer<T> = self.http.decode(entity.operation, &response)?;
        let found = answer.query_response;
        if found.entity.is_some_and(|name| name != entity.name) {
            return Err(self.failed(entity.operation, ErrorKind::BadResponse, "rows of another entity"));
        }
        if found.count.is_some_and(|said| usize::try_from(said).ok() != Some(found.rows.len()))
            || found.rows.len() > count
        {
            let detail = "the page does not hold as many rows as it says, or more than were asked for";
            return Err(self.failed(entity.operation, ErrorKind::Truncated, detail));
        }
        Ok(found.rows)
    }

    /// Makes a call with the access token. If that has ended, or is refused and not new, another one is got and the call made
    /// once more.
    async fn send(&self, call: &Call, request: Request) -> Result<Response, SystemError> {
        let operation = request.operation;
        let ticket = self.tokens.ticket(call, None).await?;
        let first = self.http.send(call, with(request.clone(), &ticket)).await;
        let ended = match &first {
            Ok(response) => fault::token_ended(response),
            Err(error) => error.kind == ErrorKind::Unauthorized && self.tokens.may_have_ended(&ticket),
        };
        if !ended {
            return first;
        }
        let ticket = self.tokens.ticket(call, Some(&ticket)).await?;
        let response = self.http.send(call, with(request, &ticket)).await?;
        if fault::token_ended(&response) {
            return Err(self.http.error(operation, ErrorKind::Unauthorized));
        }
        Ok(response)
    }
}

fn with(mut request: Request, ticket: &Ticket) -> Request {
    request.headers.insert(AUTHORIZATION, ticket.value.header.clone());
    request
}

/// That a property has one of these IDs: `CustomerRef in ('1', '2')`. IDs are QuickBooks' own; a quote in one stays in it.
pub(super) fn any<'a>(property: &str, ids: impl Iterator<Item = &'a str>) -> String {
    let quoted: Vec<String> = ids.map(|id| format!("'{}'", id.replace('\\', "\\\\").replace('\'', "\\'"))).collect();
    format!("{property} in ({})", quoted.join(", "))
}
