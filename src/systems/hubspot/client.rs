//! Endpoints, sign-in, paging and the status table.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderMap, HeaderValue};
use secrecy::ExposeSecret;
use url::Url;

use super::config::{Api, Config, URL};
use super::wire::{
    AssociationType, Associations, AssociationsRead, BatchAnswer, BatchError, BatchRead, Input, Owner, Owners, Paging,
    Pipeline, Record, Records, Refusal, Search, Whole,
};
use crate::systems::http::{Allowed, ClientOptions, Failure, HttpClient, Request, Response, Retry, classify};
use crate::systems::{Call, ConnectionContext, ConnectionProblem, ErrorKind, SystemError};

pub(super) const READ_LIMIT: usize = 100;
pub(super) const LIST_LIMIT: usize = 100;
pub(super) const SEARCH_LIMIT: usize = 200;
/// Search refuses to page beyond this many rows.
pub(super) const SEARCH_ROWS: usize = 10_000;
/// Search refuses bodies of more than 3,000 characters.
pub(super) const SEARCH_BODY: usize = 2_950;
pub(super) const ASSOCIATIONS_LIMIT: usize = 1_000;

/// An object type.
#[derive(Debug)]
pub(super) struct Object {
    pub(super) name: &'static str,
    /// Number of the type, for links.
    pub(super) type_id: &'static str,
    read: &'static str,
    search: &'static str,
    /// What reading the associations from deals to it is called.
    of_deals: &'static str,
}

macro_rules! objects {
    ($($constant:ident, $name:literal, $type_id:literal;)+) => {$(
        pub(super) const $constant: Object = Object {
            name: $name,
            type_id: $type_id,
            read: concat!($name, ".batch_read"),
            search: concat!($name, ".search"),
            of_deals: concat!("deals.associations.", $name),
        };
    )+};
}

objects! {
    DEALS, "deals", "0-3";
    COMPANIES, "companies", "0-2";
    CONTACTS, "contacts", "0-1";
    TICKETS, "tickets", "0-5";
    LINE_ITEMS, "line_items", "0-8";
    QUOTES, "quotes", "0-14";
    NOTES, "notes", "0-46";
    CALLS, "calls", "0-48";
    EMAILS, "emails", "0-49";
    MEETINGS, "meetings", "0-47";
}

/// The endpoints of an account.
#[derive(Debug)]
pub(super) struct Client {
    http: Arc<HttpClient>,
    /// Searches have a budget of their own at HubSpot.
    searches: Arc<HttpClient>,
    paths: Paths,
    max_pages: usize,
}

/// Path prefixes of a family.
#[derive(Debug)]
struct Paths {
    objects: &'static str,
    associations: &'static str,
    pipelines: &'static str,
    owners: &'static str,
}

/// The calls of a family: all that Spine ever makes.
macro_rules! family {
    ($objects:literal, $associations:literal, $pipelines:literal, $owners:literal) => {
        (
            Paths { objects: $objects, associations: $associations, pipelines: $pipelines, owners: $owners },
            [
                Allowed::get(concat!($objects, "/deals")),
                Allowed::post(concat!($objects, "/*/batch/read")),
                Allowed::post(concat!($associations, "/deals/*/batch/read")),
                Allowed::post(concat!($associations, "/tickets/deals/batch/read")),
                Allowed::get(concat!($pipelines, "/deals")),
                Allowed::get(concat!($pipelines, "/tickets")),
                Allowed::get($owners),
            ],
            [Allowed::post(concat!($objects, "/deals/search")), Allowed::post(concat!($objects, "/tickets/search"))],
        )
    };
}

/// Records of a batch, and the inputs that failed while others did not. Inputs in neither are unknown to HubSpot.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub(super) records: Vec<Record>,
    pub(super) failed: HashMap<String, SystemError>,
}

/// What records are associated with. A record without any is not in it.
#[derive(Debug, Default)]
pub(super) struct Links {
    pub(super) to: HashMap<String, Vec<Linked>>,
    pub(super) failed: HashMap<String, SystemError>,
}

impl Links {
    /// The IDs of all other ends.
    pub(super) fn others(&self) -> Vec<&str> {
        self.to.values().flatten().map(|linked| linked.id.as_str()).collect()
    }
}

/// The other end of an association.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Linked {
    pub(super) id: String,
    /// Labelled `Primary`.
    pub(super) primary: bool,
}

/// A page of records.
#[derive(Debug)]
pub(super) struct RecordPage {
    pub(super) records: Vec<Record>,
    pub(super) next: Option<String>,
    pub(super) total: Option<u64>,
}

impl Client {
    pub(super) fn new(config: &Config, context: &ConnectionContext) -> Result<Self, ConnectionProblem> {
        let token = config.token.read().map_err(|message| ConnectionProblem::new("token", message))?;
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token.expose_secret()))
            .map_err(|_| ConnectionProblem::new("token", "the secret holds characters that no header may hold"))?;
        bearer.set_sensitive(true);
        let headers =
            HeaderMap::from_iter([(AUTHORIZATION, bearer), (ACCEPT, HeaderValue::from_static("application/json"))]);
        let base_url: Url = config
            .url
            .trim_end_matches('/')
            .parse()
            .map_err(|error| ConnectionProblem::new("url", format!("{error}")))?;
        let (paths, calls, search_calls) = match config.api {
            Api::March2026 => family!(
                "/crm/objects/2026-03",
                "/crm/associations/2026-03",
                "/crm/pipelines/2026-03",
                "/crm/owners/2026-03"
            ),
            Api::September2026 => family!(
                "/crm/objects/2026-09",
                "/crm/associations/2026-09",
                "/crm/pipelines/2026-09",
                "/crm/owners/2026-09"
            ),
            Api::V3 => {
                family!("/crm/v3/objects", "/crm/v4/associations", "/crm/v3/pipelines", "/crm/v3/owners")
            }
        };
        let mut traffic = context.traffic.clone();
        if traffic.rate == 0 && config.url.trim_end_matches('/') == URL {
            (traffic.rate, traffic.burst) = (10, 80);
        }
        // One at once: with four a second, five in any second.
        let mut search_traffic = traffic.clone();
        (search_traffic.rate, search_traffic.burst) = (config.search_rate, 1);
        let http = |allowed: Vec<Allowed>, traffic| {
            HttpClient::new(ClientOptions {
                connection: context.name.clone(),
                system: super::SYSTEM,
                base_url: base_url.clone(),
                headers: headers.clone(),
                allowed,
                classify: judge,
                traffic,
                clock: Arc::clone(&context.clock),
            })
            .map_err(|error| ConnectionProblem::new("http", error.detail.as_deref().unwrap_or("not usable").to_owned()))
        };
        let max_pages = traffic.max_pages;
        Ok(Self {
            http: Arc::new(http(calls.into(), traffic)?),
            searches: Arc::new(http(search_calls.into(), search_traffic)?),
            paths,
            max_pages,
        })
    }

    /// The HTTP clients, which know how the account fares.
    pub(super) fn upstreams(&self) -> [Arc<HttpClient>; 2] {
        [Arc::clone(&self.http), Arc::clone(&self.searches)]
    }

    /// An error of this connection.
    pub(super) fn error(&self, operation: &'static str, kind: ErrorKind) -> SystemError {
        self.http.error(operation, kind)
    }

    /// How many pages of one list are read before it is given up.
    pub(super) fn max_pages(&self) -> usize {
        self.max_pages
    }

    /// Records by their ID. HubSpot refuses a whole batch for one ID that is no number: those are not asked for.
    pub(super) async fn read(
        &self,
        call: &Call,
        object: &Object,
        properties: &[&str],
        ids: &[&str],
    ) -> Result<Rows, SystemError> {
        let ids: Vec<&str> = ids.iter().copied().filter(|id| is_record_id(id)).collect();
        self.read_by(call, object, None, properties, &ids).await
    }

    /// Records by their ID, or by a property with unique values.
    pub(super) async fn read_by(
        &self,
        call: &Call,
        object: &Object,
        id_property: Option<&str>,
        properties: &[&str],
        ids: &[&str],
    ) -> Result<Rows, SystemError> {
        let ids = distinct(ids.iter().copied());
        let path = format!("{}/{}/batch/read?archived=false", self.paths.objects, object.name);
        let answers = try_join_all(ids.chunks(READ_LIMIT).map(async |ids| {
            let inputs = ids.iter().map(|id| Input { id, after: None }).collect();
            let body = BatchRead { id_property, properties, properties_with_history: [], inputs };
            let response = self.http.send(call, Request::post_json(object.read, path.as_str(), &body)).await?;
            let answer: BatchAnswer<Record> = self.http.decode(object.read, &response)?;
            self.complete(object.read, answer.status.as_deref())?;
            let read = |record: &Record| match id_property {
                None => record.id.0.clone(),
                Some(property) => record.text(property).unwrap_or_default().to_owned(),
            };
            let found: HashSet<String> = answer.results.iter().map(read).collect();
            let failed = self.failures(object.read, ids, answer.errors.unwrap_or_default(), |id| found.contains(id));
            Ok(Rows { records: answer.results, failed })
        }))
        .await?;
        let mut all = Rows::default();
        for rows in answers {
            all.records.extend(rows.records);
            all.failed.extend(rows.failed);
        }
        Ok(all)
    }

    /// What deals are associated with.
    pub(super) async fn links_of_deals(&self, call: &Call, to: &Object, deals: &[&str]) -> Result<Links, SystemError> {
        self.links(call, to.of_deals, &DEALS, to, deals).await
    }

    /// Which deals tickets are associated with.
    pub(super) async fn deals_of_tickets(&self, call: &Call, tickets: &[&str]) -> Result<Links, SystemError> {
        self.links(call, "tickets.associations.deals", &TICKETS, &DEALS, tickets).await
    }

    async fn links(
        &self,
        call: &Call,
        operation: &'static str,
        from: &Object,
        to: &Object,
        ids: &[&str],
    ) -> Result<Links, SystemError> {
        let ids = distinct(ids.iter().copied().filter(|id| is_record_id(id)));
        let path = format!("{}/{}/{}/batch/read", self.paths.associations, from.name, to.name);
        let chunks = ids.chunks(ASSOCIATIONS_LIMIT);
        let parts = try_join_all(chunks.map(|ids| self.links_of_chunk(call, operation, &path, ids))).await?;
        let mut all = Links::default();
        for part in parts {
            all.to.extend(part.to);
            all.failed.extend(part.failed);
        }
        for linked in all.to.values_mut() {
            linked.sort_by(|a, b| by_number(&a.id, &b.id));
            linked.dedup_by(|a, b| a.id == b.id);
        }
        Ok(all)
    }

    /// Each record's associations are paged on their own: what has a next page is asked again, until nothing has.
    async fn links_of_chunk(
        &self,
        call: &Call,
        operation: &'static str,
        path: &str,
        ids: &[&str],
    ) -> Result<Links, SystemError> {
        let mut links = Links::default();
        let mut inputs: Vec<Input<'_>> = ids.iter().map(|id| Input { id, after: None }).collect();
        for _ in 0..self.max_pages {
            let body = AssociationsRead { inputs: &inputs };
            let response = self.http.send(call, Request::post_json(operation, path, &body)).await?;
            let answer: BatchAnswer<Associations> = self.http.decode(operation, &response)?;
            self.complete(operation, answer.status.as_deref())?;
            let before: HashMap<&str, Option<String>> = inputs.drain(..).map(|input| (input.id, input.after)).collect();
            let asked: HashSet<&str> = before.keys().copied().collect();
            let mut found = HashSet::new();
            for row in answer.results {
                let Some(id) = asked.get(row.from.id.0.as_str()).copied() else { continue };
                found.insert(id);
                let linked = links.to.entry(id.to_owned()).or_default();
                linked.extend(
                    row.to.into_iter().map(|to| Linked {
                        primary: to.association_types.iter().any(is_primary),
                        id: to.to_object_id.0,
                    }),
                );
                if let Some(after) = Paging::next(row.paging) {
                    if before.get(id).is_some_and(|before| before.as_ref() == Some(&after)) {
                        return Err(self.error(operation, ErrorKind::Truncated));
                    }
                    inputs.push(Input { id, after: Some(after) });
                }
            }
            let asked: Vec<&str> = asked.into_iter().collect();
            let errors = answer.errors.unwrap_or_default();
            links.failed.extend(self.failures(operation, &asked, errors, |id| found.contains(id)));
            if inputs.is_empty() {
                return Ok(links);
            }
        }
        Err(self.error(operation, ErrorKind::Truncated))
    }

    /// A page of a search. `operation` is told apart by the object.
    pub(super) async fn search(
        &self,
        call: &Call,
        object: &Object,
        search: &Search<'_>,
    ) -> Result<RecordPage, SystemError> {
        let path = format!("{}/{}/search", self.paths.objects, object.name);
        let request = Request::post_json(object.search, path, search);
        if request.body.as_ref().is_some_and(|body| body.len() > SEARCH_BODY) {
            let detail = Some("the search is longer than HubSpot takes".into());
            return Err(SystemError { detail, ..self.error(object.search, ErrorKind::BadRequest) });
        }
        let response = self.searches.send(call, request).await?;
        self.page(object.search, &self.searches, &response)
    }

    /// A page of all deals, by record ID.
    pub(super) async fn list_deals(
        &self,
        call: &Call,
        properties: &[&str],
        after: Option<&str>,
        limit: usize,
    ) -> Result<RecordPage, SystemError> {
        let properties = encoded(&properties.join(","));
        let after = after.map(|after| format!("&after={}", encoded(after))).unwrap_or_default();
        let path = format!("{}/deals?limit={limit}&archived=false&properties={properties}{after}", self.paths.objects);
        let response = self.http.send(call, Request::get("deals.list", path)).await?;
        self.page("deals.list", &self.http, &response)
    }

    fn page(&self, operation: &'static str, http: &HttpClient, response: &Response) -> Result<RecordPage, SystemError> {
        let page: Records = http.decode(operation, response)?;
        let next = Paging::next(page.paging);
        if next.is_some() && page.results.is_empty() {
            return Err(self.error(operation, ErrorKind::Truncated));
        }
        let total = page.total.and_then(|total| total.0.parse().ok());
        Ok(RecordPage { records: page.results, next, total })
    }

    /// The pipelines of an object type, with their stages.
    pub(super) async fn pipelines(&self, call: &Call, object: &Object) -> Result<Vec<Pipeline>, SystemError> {
        let operation = if object.name == DEALS.name { "deals.pipelines" } else { "tickets.pipelines" };
        let path = format!("{}/{}", self.paths.pipelines, object.name);
        let response = self.http.send(call, Request::get(operation, path)).await?;
        Ok(self.http.decode::<Whole<Pipeline>>(operation, &response)?.results)
    }

    /// All owners, those who left included.
    pub(super) async fn owners(&self, call: &Call) -> Result<Vec<Owner>, SystemError> {
        let (mut active, left) =
            tokio::try_join!(self.owners_that(call, "archived=false"), self.owners_that(call, "archived=true"))?;
        active.extend(left);
        Ok(active)
    }

    async fn owners_that(&self, call: &Call, filter: &str) -> Result<Vec<Owner>, SystemError> {
        let mut owners = Vec::new();
        let mut after = String::new();
        for _ in 0..self.max_pages {
            let path = format!("{}?limit=100&{filter}{after}", self.paths.owners);
            let response = self.http.send(call, Request::get("owners.list", path)).await?;
            let page: Owners = self.http.decode("owners.list", &response)?;
            owners.extend(page.results);
            let Some(next) = Paging::next(page.paging) else { return Ok(owners) };
            let next = format!("&after={}", encoded(&next));
            if next == after {
                break;
            }
            after = next;
        }
        Err(self.error("owners.list", ErrorKind::Truncated))
    }

    /// A batch that HubSpot is not done with is no answer.
    fn complete(&self, operation: &'static str, status: Option<&str>) -> Result<(), SystemError> {
        if status.is_none_or(|status| status == "COMPLETE") {
            return Ok(());
        }
        let detail = Some("the batch is not complete".into());
        Err(SystemError { detail, ..self.error(operation, ErrorKind::BadResponse) })
    }

    /// The inputs that failed. `OBJECT_NOT_FOUND` is how HubSpot says that there is none. An error that names no input may
    /// stand for any that has no result.
    fn failures(
        &self,
        operation: &'static str,
        asked: &[&str],
        errors: Vec<BatchError>,
        found: impl Fn(&str) -> bool,
    ) -> HashMap<String, SystemError> {
        let (missing, others): (Vec<_>, Vec<_>) =
            errors.into_iter().partition(|error| error.category.as_deref() == Some("OBJECT_NOT_FOUND"));
        let missing: HashSet<&str> = missing.iter().flat_map(BatchError::inputs).collect();
        let mut failed = HashMap::new();
        for error in &others {
            let kind = match error.category.as_deref() {
                Some("MISSING_SCOPES") => ErrorKind::Forbidden,
                Some("RATE_LIMITS") => ErrorKind::RateLimited,
                Some("VALIDATION_ERROR") => ErrorKind::BadRequest,
                _ => ErrorKind::BadResponse,
            };
            let detail = error.category.as_deref().and_then(word).map(Into::into);
            let error_of_input = SystemError { detail, ..self.error(operation, kind) };
            let named: Vec<&str> = error.inputs().filter(|id| asked.contains(id)).collect();
            let concerned = if named.is_empty() {
                asked.iter().copied().filter(|id| !found(id) && !missing.contains(id)).collect()
            } else {
                named
            };
            failed.extend(concerned.into_iter().map(|id| (id.to_owned(), error_of_input.clone())));
        }
        failed
    }
}

/// Whether HubSpot would take it for a record ID.
pub(super) fn is_record_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= 19 && id.bytes().all(|byte| byte.is_ascii_digit())
}

/// The order of record IDs.
pub(super) fn by_number(a: &str, b: &str) -> std::cmp::Ordering {
    (a.len(), a).cmp(&(b.len(), b))
}

/// A text as a value of a query.
fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

fn distinct<'a>(ids: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let mut seen = HashSet::new();
    ids.into_iter().filter(|id| seen.insert(*id)).collect()
}

fn is_primary(kind: &AssociationType) -> bool {
    kind.label.as_deref().is_some_and(|label| label.eq_ignore_ascii_case("Primary"))
}

/// The status table, where HubSpot differs from others.
///
/// | answer | means |
/// |---|---|
/// | 429 with `Retry-After` | as others |
/// | 429 `SECONDLY` | asked again after a second |
/// | 429 `DAILY` | not asked again: the day's quota is used up |
/// | other 429 | asked again after the usual pause |
/// | 423 | the record is locked: asked again after two seconds |
/// | 477 | the account moves to another data centre, with `Retry-After` of up to a day |
fn judge(response: &Response) -> Result<(), Failure> {
    let Err(failure) = classify(response) else { return Ok(()) };
    let refusal: Refusal = serde_json::from_slice(&response.body).unwrap_or_default();
    let stated = response
        .headers
        .get(http::header::RETRY_AFTER)
        .and_then(|value| value.to_str().ok()?.trim().parse().ok())
        .map(|seconds| Retry::After(Duration::from_secs(seconds)));
    let (kind, retry) = match (response.status.as_u16(), refusal.policy_name.as_deref()) {
        (429, _) if stated.is_some() => (failure.kind, failure.retry),
        (429, Some("SECONDLY")) => (ErrorKind::RateLimited, Retry::After(Duration::from_millis(1_050))),
        (429, Some("DAILY")) => (ErrorKind::RateLimited, Retry::No),
        (423, _) => (ErrorKind::Broken, stated.unwrap_or(Retry::After(Duration::from_secs(2)))),
        (477, _) => (ErrorKind::Broken, stated.unwrap_or(Retry::No)),
        _ => (failure.kind, failure.retry),
    };
    let words = [refusal.policy_name, refusal.category, refusal.correlation_id];
    let words: Vec<String> = words.iter().flatten().filter_map(|text| word(text)).collect();
    let detail = if words.is_empty() { failure.detail } else { Some(words.join(" ")) };
    Err(Failure { kind, retry, detail })
}

/// A code of HubSpot's, fit for a log.
fn word(text: &str) -> Option<String> {
    let fit = text.len() <= 64 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    fit.then(|| text.to_owned())
}
