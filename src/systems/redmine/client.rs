//! Redmine's REST API: endpoints, sign-in, paging, and what its silences mean.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, StreamExt, TryStreamExt};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::timeout_at;
use url::Url;

use super::config::{Config, FieldRef, SharedIdPlace};
use super::query::MOST;
use super::wire::{CustomField, List, Project, ProjectAnswer, Record, Version};
use crate::domain::Clock;
use crate::systems::http::{Allowed, ClientOptions, Failure, HttpClient, Request, Response, classify};
use crate::systems::{Call, ConnectionContext, ConnectionProblem, ErrorKind, SystemError};

/// All calls this connector makes.
const READS: [&str; 6] = [
    "/projects.json",
    "/projects/*.json",
    "/projects/*/versions.json",
    "/issues.json",
    "/time_entries.json",
    "/users/current.json",
];

/// Calls of one read that run at once; the connection's own bulkhead bounds them all.
pub(super) const PARALLEL: usize = 4;

/// How long the key is known to be good.
const KEY_FRESH: Duration = Duration::from_mins(5);

/// The same, when an answer lacks something that was asked for.
const KEY_FRESH_AFTER_A_MISS: Duration = Duration::from_secs(30);

/// How long the custom fields are known.
const FIELDS_FRESH: Duration = Duration::from_mins(10);

/// The API of one installation.
#[derive(Debug)]
pub(super) struct Client {
    http: Arc<HttpClient>,
    clock: Arc<dyn Clock>,
    max_pages: usize,
    /// The custom field with the shared ID as configured; none if the identifier is the ID.
    shared_id: Option<FieldRef>,
    /// Names of the custom fields that have to exist.
    names: Vec<String>,
    /// When the key was last seen to be good.
    key_verified: Mutex<Option<Duration>>,
    /// The number of the custom field with the shared ID, and when it was found.
    shared_id_field: Mutex<Option<(Duration, u64)>>,
}

impl Client {
    /// Builds the client. Gives the base URL, without a slash at its end, beside it.
    pub(super) fn new(config: &Config, context: &ConnectionContext) -> Result<(Self, String), ConnectionProblem> {
        let base_url = base_url(&config.url)?;
        let key = config.key.read().map_err(|message| ConnectionProblem::new("key", message))?;
        let mut key = HeaderValue::from_str(key.expose_secret())
            .map_err(|_| ConnectionProblem::new("key", "the API key holds characters that no header can carry"))?;
        key.set_sensitive(true);
        let shared_id = match &config.shared_id {
            SharedIdPlace::CustomField(field) => Some(field.clone()),
            SharedIdPlace::Identifier(true) => None,
            SharedIdPlace::Identifier(false) => {
                let message = "write `{ identifier = true }` or `{ custom_field = \"NAME\" }`";
                return Err(ConnectionProblem::new("shared_id", message));
            }
        };
        let headers = HeaderMap::from_iter([
            (header::HeaderName::from_static("x-redmine-api-key"), key),
            (header::ACCEPT, HeaderValue::from_static("application/json")),
        ]);
        let http = HttpClient::new(ClientOptions {
            connection: context.name.clone(),
            system: super::SYSTEM,
            base_url: base_url.clone(),
            headers,
            allowed: READS.map(Allowed::get).to_vec(),
            classify: judge,
            traffic: context.traffic.clone(),
            clock: Arc::clone(&context.clock),
        })
        .map_err(|error| ConnectionProblem::new("http", error.detail.as_deref().unwrap_or("cannot be used")))?;
        let client = Self {
            http: Arc::new(http),
            clock: Arc::clone(&context.clock),
            max_pages: context.traffic.max_pages.max(1),
            shared_id,
            names: config.fields.names().map(str::to_owned).collect(),
            key_verified: Mutex::default(),
            shared_id_field: Mutex::default(),
        };
        Ok((client, base_url.as_str().trim_end_matches('/').to_owned()))
    }

    /// The HTTP client, which knows how the system fares.
    pub(super) fn upstream(&self) -> Arc<HttpClient> {
        Arc::clone(&self.http)
    }

    /// Whether the project's identifier is the shared ID.
    pub(super) fn by_identifier(&self) -> bool {
        self.shared_id.is_none()
    }

    /// How many rows a list may have before it is given up.
    pub(super) fn most_rows(&self) -> usize {
        self.max_pages.saturating_mul(MOST)
    }

    pub(super) fn error(&self, operation: &'static str, kind: ErrorKind, detail: &str) -> SystemError {
        SystemError { detail: Some(detail.into()), ..self.http.error(operation, kind) }
    }

    /// Makes a call; none on 404.
    async fn get(&self, call: &Call, operation: &'static str, path: String) -> Result<Option<Response>, SystemError> {
        let response = self.http.send(call, Request::get(operation, path)).await?;
        Ok((response.status != StatusCode::NOT_FOUND).then_some(response))
    }

    /// A page of a list. `query` has its filters and its order, and no paging.
    pub(super) async fn page<T: DeserializeOwned>(
        &self,
        call: &Call,
        operation: &'static str,
        path: &str,
        query: &str,
        (offset, limit): (usize, usize),
    ) -> Result<List<T>, SystemError> {
        let path = format!("{path}?{query}&limit={limit}&offset={offset}");
        let response = self.get(call, operation, path).await?;
        let missing = || self.error(operation, ErrorKind::BadRequest, "404: is `url` the address of Redmine?");
        self.http.decode(operation, &response.ok_or_else(missing)?)
    }

    /// All rows of a list, each once, after the first page is there. `check` looks at every page as it arrives, so that a
    /// filter that Redmine ignores does not make Spine read everything there is.
    pub(super) async fn rest<T: DeserializeOwned + Record>(
        &self,
        call: &Call,
        operation: &'static str,
        (path, query): (&str, &str),
        first: List<T>,
        check: impl Fn(&[T]) -> Result<(), SystemError>,
    ) -> Result<Vec<T>, SystemError> {
        let total = self.total(operation, &first)?;
        if total > self.most_rows() {
            return Err(self.error(operation, ErrorKind::Truncated, "more pages than `max_pages`"));
        }
        check(&first.rows)?;
        let mut promised = total;
        // The step is what the server really sends. An empty page before the end is caught below.
        let step = first.rows.len().max(1);
        let offsets = (step..total).step_by(step).take(self.max_pages);
        let mut pages = vec![first];
        let page = |offset| self.page::<T>(call, operation, path, query, (offset, MOST));
        let mut others = stream::iter(offsets.map(page)).buffered(PARALLEL);
        while let Some(next) = others.try_next().await? {
            check(&next.rows)?;
            promised = promised.max(self.total(operation, &next)?);
            let ended = next.rows.is_empty();
            pages.push(next);
            if ended {
                break;
            }
        }
        drop(others);

        let mut rows = Vec::with_capacity(promised);
        let mut seen = HashSet::new();
        for row in pages.into_iter().flat_map(|page| page.rows) {
            if seen.insert(row.id().clone()) {
                rows.push(row);
            }
        }
        if rows.len() < promised {
            return Err(self.error(operation, ErrorKind::Truncated, "fewer rows than `total_count` promised"));
        }
        Ok(rows)
    }

    pub(super) fn total<T>(&self, operation: &'static str, list: &List<T>) -> Result<usize, SystemError> {
        let total = list.total_count.number().and_then(|total| usize::try_from(total).ok());
        total.ok_or_else(|| self.error(operation, ErrorKind::BadResponse, "`total_count` is no number"))
    }

    /// All rows of a list.
    pub(super) async fn all<T: DeserializeOwned + Record>(
        &self,
        call: &Call,
        operation: &'static str,
        (path, query): (&str, &str),
        check: impl Fn(&[T]) -> Result<(), SystemError>,
    ) -> Result<Vec<T>, SystemError> {
        let first = self.page(call, operation, path, query, (0, MOST)).await?;
        self.rest(call, operation, (path, query), first, check).await
    }

    /// A project by its identifier; none if there is none.
    pub(super) async fn project(&self, call: &Call, identifier: &str) -> Result<Option<Project>, SystemError> {
        const OPERATION: &str = "projects.show";
        let response = self.get(call, OPERATION, format!("/projects/{identifier}.json")).await?;
        let Some(response) = response else { return Ok(None) };
        let answer: ProjectAnswer = self.http.decode(OPERATION, &response)?;
        Ok(Some(answer.project).filter(|project| project.identifier == identifier))
    }

    /// The versions of a project, by its number. Those that other projects share with it are in it.
    pub(super) async fn versions(&self, call: &Call, project: u64) -> Result<Vec<Version>, SystemError> {
        const OPERATION: &str = "versions.list";
        let response = self.get(call, OPERATION, format!("/projects/{project}/versions.json")).await?;
        let gone = || self.error(OPERATION, ErrorKind::BadResponse, "the project went away between two calls");
        let list: List<Version> = self.http.decode(OPERATION, &response.ok_or_else(gone)?)?;
        if list.rows.len() < self.total(OPERATION, &list)? {
            return Err(self.error(OPERATION, ErrorKind::Truncated, "fewer rows than `total_count` promised"));
        }
        Ok(list.rows)
    }

    /// Makes sure that the key is good: with a bad one, lists are not refused but empty.
    pub(super) async fn verify_key(&self, call: &Call, missed: bool) -> Result<(), SystemError> {
        const OPERATION: &str = "users.current";
        let fresh_for = if missed { KEY_FRESH_AFTER_A_MISS } else { KEY_FRESH };
        let mut verified = self.alone(call, OPERATION, &self.key_verified).await?;
        if verified.is_some_and(|at| self.clock.monotonic().saturating_sub(at) < fresh_for) {
            return Ok(());
        }
        // The body is not looked at: it holds the key.
        let answer = self.get(call, OPERATION, "/users/current.json".to_owned()).await?;
        if answer.is_none() {
            return Err(self.error(OPERATION, ErrorKind::BadRequest, "404: is `url` the address of Redmine?"));
        }
        *verified = Some(self.clock.monotonic());
        Ok(())
    }

    /// The number of the custom field with the shared ID, found by its name on the first page of projects, where all
    /// other configured names have to be as well. None if there is not a single project to learn it from.
    ///
    /// `/custom_fields.json` would know, but it is for administrators, and Spine's user should be none.
    pub(super) async fn shared_id_field(&self, call: &Call) -> Result<Option<u64>, SystemError> {
        const OPERATION: &str = "projects.fields";
        let Some(wanted) = &self.shared_id else { return Ok(None) };
        if let (FieldRef::Id(id), true) = (wanted, self.names.is_empty()) {
            return Ok(Some(*id));
        }
        let mut known = self.alone(call, OPERATION, &self.shared_id_field).await?;
        if let Some((at, id)) = *known
            && self.clock.monotonic().saturating_sub(at) < FIELDS_FRESH
        {
            return Ok(Some(id));
        }
        let list: List<Project> = self.page(call, OPERATION, "/projects.json", "status=1%7C5", (0, MOST)).await?;
        if list.rows.is_empty() {
            return Ok(None);
        }
        let fields: Vec<&CustomField> = list.rows.iter().flat_map(|project| &project.custom_fields).collect();
        let bad = |what: &str| self.error(OPERATION, ErrorKind::BadRequest, what);
        if let Some(name) = self.names.iter().find(|name| fields.iter().all(|field| field.name != **name)) {
            return Err(bad(&format!("no custom field of projects named `{name}` is visible to the key's user")));
        }
        let id = match wanted {
            FieldRef::Id(id) => *id,
            FieldRef::Name(name) => {
                fields.iter().find(|field| field.name == *name).and_then(|field| field.id.number()).ok_or_else(
                    || bad(&format!("no custom field of projects named `{name}` is visible to the key's user")),
                )?
            }
        };
        *known = Some((self.clock.monotonic(), id));
        Ok(Some(id))
    }

    /// Forgets the custom field: something in Redmine is not as it was.
    pub(super) fn forget_fields(&self) {
        // Whoever holds the lock is about to find out anew.
        if let Ok(mut known) = self.shared_id_field.try_lock() {
            *known = None;
        }
    }

    /// One at a time, so that many readers ask once; no longer than the reader waits.
    async fn alone<'m, T>(
        &self,
        call: &Call,
        operation: &'static str,
        mutex: &'m Mutex<T>,
    ) -> Result<MutexGuard<'m, T>, SystemError> {
        timeout_at(call.deadline, mutex.lock()).await.map_err(|_| self.http.error(operation, ErrorKind::Deadline))
    }
}

/// Redmine's 404 has no body and is an answer where a single record is asked for.
fn judge(response: &Response) -> Result<(), Failure> {
    if response.status == StatusCode::NOT_FOUND { Ok(()) } else { classify(response) }
}

fn base_url(text: &str) -> Result<Url, ConnectionProblem> {
    let bad = |message: &str| ConnectionProblem::new("url", message);
    let url = Url::parse(text.trim_end_matches('/'))
        .map_err(|_| bad("not a URL: write e.g. \"https://redmine.example.com\""))?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(bad("not a web address: write e.g. \"https://redmine.example.com\""));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("the credential belongs into `key`, not into the URL"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(bad("the address of Redmine itself, without `?` and `#`"));
    }
    Ok(url)
}
