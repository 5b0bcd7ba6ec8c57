//! The calls: which there are, how they are signed in, paged and judged.

use std::collections::HashSet;
use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;

use super::config::Config;
use super::sign_in::{OAuth2, TOKEN_PATH, TokenBased};
use super::wire::{Page, Refusal, Row};
use crate::systems::http::{self as shared, Allowed, ClientOptions, Failure, HttpClient, Request, Response, Retry};
use crate::systems::{Call, ConnectionContext, ConnectionProblem, ErrorKind, SystemError};

/// The name of the kind of system.
pub(super) const SYSTEM: &str = "netsuite";

const SUITEQL_PATH: &str = "/services/rest/query/v1/suiteql";

/// Every call that is ever made. A question in SuiteQL is a POST that reads: the language has nothing but SELECT.
const ALLOWED: [Allowed; 2] = [Allowed::post(TOKEN_PATH), Allowed::post(SUITEQL_PATH)];

/// Most rows that all pages of a query give together. A query that has so many may have more: the number of rows that it
/// states is cut off there too.
const MAX_ROWS: usize = 100_000;

/// The REST web services of one account.
pub(super) struct Client {
    http: Arc<HttpClient>,
    /// None where calls are signed one by one.
    oauth2: Option<OAuth2>,
    page_size: usize,
    max_pages: usize,
}

#[derive(Serialize)]
struct Question<'a> {
    q: &'a str,
}

impl Client {
    pub(super) fn new(config: &Config, context: &ConnectionContext) -> Result<Self, ConnectionProblem> {
        let root = config.root()?;
        let clock = || Arc::clone(&context.clock);
        let oauth2 = config.oauth2.as_ref().map(|oauth2| OAuth2::new(oauth2, &root, clock())).transpose()?;
        let signer = config.token.as_ref().map(|token| TokenBased::new(config, token, clock())).transpose()?;
        let http = HttpClient::new(ClientOptions {
            connection: context.name.clone(),
            system: SYSTEM,
            base_url: root,
            headers: HeaderMap::new(),
            allowed: ALLOWED.to_vec(),
            classify,
            traffic: context.traffic.clone(),
            clock: clock(),
        })
        .map_err(|error| {
            ConnectionProblem::new("url", error.detail.as_deref().unwrap_or("cannot be used").to_owned())
        })?;
        let http = match signer {
            Some(signer) => http.signed_by(Arc::new(signer)),
            None => http,
        };
        Ok(Self { http: Arc::new(http), oauth2, page_size: config.page_size, max_pages: context.traffic.max_pages })
    }

    /// The HTTP client, which knows how the system fares.
    pub(super) fn upstream(&self) -> Arc<HttpClient> {
        Arc::clone(&self.http)
    }

    /// An error of this connection, with what is known beyond its kind.
    pub(super) fn error(&self, operation: &'static str, kind: ErrorKind, detail: &str) -> SystemError {
        SystemError { detail: Some(detail.into()), ..self.http.error(operation, kind) }
    }

    /// The rows of a query, all pages; or the first `top` of them. `key` names the columns that tell a row from all
    /// others; the first of them is never nothing.
    ///
    /// Pages are queries of their own, by offset. So the query must have an order, and what changes between two pages is
    /// seen by the number of all rows, which each page states, or by a row that comes twice.
    pub(super) async fn rows(
        &self,
        call: &Call,
        operation: &'static str,
        query: &str,
        key: &[&str],
        top: Option<usize>,
    ) -> Result<Vec<Row>, SystemError> {
        let truncated = |detail: &str| self.error(operation, ErrorKind::Truncated, detail);
        let limit = top.map_or(self.page_size, |top| top.min(self.page_size)).max(1);
        let (mut rows, mut seen, mut total) = (Vec::new(), HashSet::new(), None);
        for _ in 0..self.max_pages {
            let path = format!("{SUITEQL_PATH}?limit={limit}&offset={}", rows.len());
            let mut request = Request::post_json(operation, path, &Question { q: query });
            request.headers.insert(HeaderName::from_static("prefer"), HeaderValue::from_static("transient"));
            let response = self.send(call, request).await?;
            let page: Page = self.http.decode(operation, &response)?;
            let count = page.items.len();
            if let Some(stated) = page.total_results {
                if stated.0 >= MAX_ROWS && top.is_none() {
                    return Err(truncated("as many rows as SuiteQL gives at most, or more"));
                }
                if total.is_some_and(|total| total != stated.0) {
                    return Err(truncated("the rows changed while they were read"));
                }
                total = Some(stated.0);
            }
            for row in page.items {
                let known: Vec<Option<String>> = key.iter().map(|column| row.text(column).map(str::to_owned)).collect();
                if known.first().is_none_or(Option::is_none) {
                    return Err(self.error(operation, ErrorKind::BadResponse, "a row without its key"));
                }
                if !seen.insert(known) {
                    return Err(truncated("a row came twice: pages overlap, or `accounting_book` is to be set"));
                }
                rows.push(row);
            }
            if top.is_some_and(|top| rows.len() >= top) {
                return Ok(rows);
            }
            let more = page.has_more.unwrap_or(count == limit);
            if !more {
                return match total {
                    Some(total) if total != rows.len() => Err(truncated("fewer rows than the answer says there are")),
                    _ => Ok(rows),
                };
            }
            if count == 0 || count < limit {
                return Err(truncated("a page with fewer rows than asked for says that there are more"));
            }
        }
        Err(truncated("more pages than `max_pages`"))
    }

    /// Makes a call, signed in. A token that was ended before its time is renewed once.
    async fn send(&self, call: &Call, request: Request) -> Result<Response, SystemError> {
        let Some(oauth2) = &self.oauth2 else { return self.http.send(call, request).await };
        let ticket = oauth2.ticket(&self.http, call, None).await?;
        let shown = |header: &HeaderValue| {
            let mut request = request.clone();
            request.headers.insert(AUTHORIZATION, header.clone());
            request
        };
        match self.http.send(call, shown(&ticket.value.header)).await {
            Err(error) if error.kind == ErrorKind::Unauthorized && oauth2.may_have_ended(&ticket) => {
                let ticket = oauth2.ticket(&self.http, call, Some(&ticket)).await?;
                self.http.send(call, shown(&ticket.value.header)).await
            }
            answer => answer,
        }
    }
}

/// The usual table, but: too much at once is said with several statuses, and a missing right with 400.
fn classify(response: &Response) -> Result<(), Failure> {
    shared::classify(response).map_err(|mut failure| {
        let Some(code) = Refusal::code(&response.body) else { return failure };
        let says = |words: &[&str]| words.iter().any(|word| code.contains(word));
        if failure.kind != ErrorKind::RateLimited && says(&["CONCURRENCY", "REQUEST_LIMIT", "REQUEST_BLOCKED"]) {
            (failure.kind, failure.retry) = (ErrorKind::RateLimited, Retry::Backoff);
        } else if says(&["PERMISSION"]) {
            failure.kind = ErrorKind::Forbidden;
        } else if matches!(code.as_str(), "invalid_grant" | "invalid_client" | "unauthorized_client" | "INVALID_LOGIN")
        {
            failure.kind = ErrorKind::Unauthorized;
        }
        failure.detail = Some(code);
        failure
    })
}
