//! `/odata/`: an OData 4.0 feed, only to be read, from which Excel, Power BI and Tableau load what Spine knows. What sets
//! there are and how their rows are read is [`reports::entities`](crate::reports::entities)'s matter.
//!
//! An answer is whole or an error: no byte is sent before the last row is there.

mod expression;
mod feed;
mod filter;
mod format;
mod metadata;
mod options;
mod problem;
mod resource;
#[cfg(test)]
mod tests;
mod write;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use async_graphql::Executor;
use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::http::uri::Authority;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use jiff::Timestamp;
use tokio::time::timeout_at;
use tracing::Instrument;

use super::answers::Age;
use super::error::Refused;
use super::request_id::RequestId;
use super::timed::Timed;
use super::{Door, GRACE, audit, freshness, origin, sign_in};
use crate::config::WebOrigin;
use crate::reads::ReadOptions;
use crate::reports::{Column, Reports};
use feed::Asked;
use format::Format;
use options::Options;
use problem::Problem;
use resource::Resource;

/// Where the feed begins.
const ROOT: &str = "/odata";

const VERSION: HeaderName = HeaderName::from_static("odata-version");
const MAX_VERSION: HeaderName = HeaderName::from_static("odata-maxversion");
const PREFER: HeaderName = HeaderName::from_static("prefer");
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const AS_OF: HeaderName = HeaderName::from_static("x-as-of");

/// The layer around the feed and all before it: who is refused there is told so in the form of OData, too, as programs that
/// load it know errors.
pub(super) async fn refusals(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let Some(refused) = response.extensions_mut().remove::<Refused>() else { return response };
    let mut told = Problem::from(refused).into_response();
    told.headers_mut().insert(VERSION, HeaderValue::from_static("4.0"));
    let challenges = response.headers().iter().filter(|(name, _)| **name != header::CONTENT_LENGTH);
    let challenges: Vec<_> = challenges.map(|(name, value)| (name.clone(), value.clone())).collect();
    for (name, value) in challenges {
        told.headers_mut().append(name, value);
    }
    told
}

/// All methods and addresses below `/odata`.
pub(super) async fn serve<E: Executor>(
    State(door): State<Arc<Door<E>>>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Response {
    let mut line = LogLine::new(&id);
    let (parts, _body) = request.into_parts();
    let span = tracing::info_span!("odata", request.id = %id);
    // Awaited here, not in a task of its own: who hangs up stops what nobody else waits for.
    let answered = AssertUnwindSafe(answer(&door, &parts, &mut line)).catch_unwind().instrument(span).await;
    let answered = answered.unwrap_or_else(|_panic| {
        tracing::error!(request.id = %id, "an OData handler panicked");
        Err(Problem::internal())
    });
    let mut response = answered.unwrap_or_else(IntoResponse::into_response);
    response.headers_mut().insert(VERSION, HeaderValue::from_static("4.0"));
    line.answered(response)
}

async fn answer<E: Executor>(
    door: &Door<E>,
    request: &http::request::Parts,
    line: &mut LogLine,
) -> Result<Response, Problem> {
    let headers = &request.headers;
    let viewer = sign_in::viewer_of(&request.extensions).map_err(|_| Problem::internal())?;
    if !matches!(request.method, Method::GET | Method::HEAD) {
        return Err(Problem::read_only());
    }
    if !origin::is_own(headers, &door.options.public_origins) {
        return Err(Problem::forbidden(origin::REFUSED));
    }
    check_version(headers)?;
    let root = root(headers, &door.options.public_origins)?;
    let reports = &door.reports;
    let options = Options::parse(request.uri.query().unwrap_or_default())?;
    let path = request.uri.path().strip_prefix(ROOT).unwrap_or_default();
    let resource = Resource::parse(path, || reports.entity_sets(&viewer))?;
    let (set, key) = match resource {
        Resource::Service => {
            let format = Format::of(options.format.as_deref(), headers)?;
            let body = write::service(&reports.entity_sets(&viewer), &root, format);
            return Ok(unchanging(body, &format.content_type(), headers));
        }
        Resource::Metadata => {
            if options.format.as_deref().is_some_and(|format| !matches!(format, "xml" | "application/xml")) {
                return Err(Problem::not_acceptable("`$metadata` is XML"));
            }
            let body = metadata::document(&reports.entity_sets(&viewer)).into_bytes();
            return Ok(unchanging(body, "application/xml;charset=utf-8", headers));
        }
        Resource::Count(set) => (set, Some(None)),
        Resource::Row(set, key) => (set, Some(Some(key))),
        Resource::Set(set) => (set, None),
    };
    let format = match &key {
        Some(None) => None,
        _ => Some(Format::of(options.format.as_deref(), headers)?),
    };
    line.set = Some(set.name.clone());
    let preferred = preferred_size(headers);
    let momentary = set.is_momentary();
    let asked = Asked::new(set, &options, preferred)?;
    let Ok(_place) = door.places.take(door.places.who(&viewer, &request.extensions)) else {
        return Err(Problem::overloaded());
    };

    let entry = audit::entry(&request.extensions);
    if let Some(entry) = &entry {
        let fields: Vec<_> = asked.set.columns.iter().filter_map(Column::field).collect();
        entry.note(|facts| {
            facts.operation = Some(asked.set.name.clone());
            facts.classes = door.masks.classes(fields.iter().map(AsRef::as_ref));
        });
    }
    let reading = door.report_options(headers, &viewer, entry.as_deref());
    let _measured =
        door.measured.operation(&line.request.id, &viewer, Some(&asked.set.name), None, reading.budget.as_ref());
    let body = async {
        match (key, format) {
            (None, Some(format)) => {
                let page = asked.page(reports, &reading, &options).await?;
                Ok((write::page(&asked, &page, &root, format), page.rates))
            }
            (Some(Some(key)), Some(format)) => {
                let found = reports.row(&asked.set, &asked.whole_question(), &key, &reading).await?;
                let Some(row) = found.rows.first() else {
                    return Err(Problem::not_found(format!("there is no such row in `{}`", asked.set.name)));
                };
                Ok((write::row(&asked, row, &root, format), found.rates))
            }
            _ => asked.counted(reports, &reading).await.map(|count| (count.to_string().into_bytes(), None)),
        }
    };
    let (body, rates) = timeout_at(reading.deadline + GRACE, reports.reads.turns.work(Box::pin(body)))
        .await
        .map_err(|_| Problem::deadline())??;
    if momentary {
        reading.observed.pin_to_moment();
    }
    let content_type = format.map_or_else(|| "text/plain;charset=utf-8".to_owned(), Format::content_type);
    let mut response = respond(body, &content_type, reports, &reading, headers);
    if let Some(rates) = &rates {
        super::reports::tell_rates(rates, response.headers_mut());
    }
    if preferred.is_some()
        && let Ok(applied) = HeaderValue::from_str(&format!("odata.maxpagesize={}", asked.size()))
    {
        response.headers_mut().insert(PREFERENCE_APPLIED, applied);
    }
    Ok(response)
}

/// An answer made of what was read.
fn respond(
    body: Vec<u8>,
    content_type: &str,
    reports: &Reports,
    reading: &ReadOptions,
    request: &HeaderMap,
) -> Response {
    let mut response = Response::default();
    let etag = freshness::etag(&body);
    let headers = response.headers_mut();
    let (observed, now) = (&reading.observed, reports.clock.monotonic());
    let left = observed.lifetime(now).filter(|_| !observed.momentary());
    if let Some(age) = observed.age(now) {
        freshness::tell(Age { age, left }, headers);
        if let Some(as_of) = as_of(reports.as_of(reading)) {
            headers.insert(AS_OF, as_of);
        }
    }
    finish(response, body, content_type, &etag, request)
}

/// When the oldest value was read, to the second.
fn as_of(at: Timestamp) -> Option<HeaderValue> {
    let at = Timestamp::from_second(at.as_second()).ok()?;
    HeaderValue::from_str(&at.to_string()).ok()
}

/// An answer that another configuration alone would change.
fn unchanging(body: Vec<u8>, content_type: &str, request: &HeaderMap) -> Response {
    let mut response = Response::default();
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    let etag = freshness::etag(&body);
    finish(response, body, content_type, &etag, request)
}

fn finish(mut response: Response, body: Vec<u8>, content_type: &str, etag: &str, request: &HeaderMap) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept, prefer, host"));
    if freshness::is_known(etag, request, headers) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    if let Ok(content_type) = HeaderValue::from_str(content_type) {
        headers.insert(header::CONTENT_TYPE, content_type);
    }
    *response.body_mut() = Body::from(body);
    response
}

/// Refuses who understands nothing newer than version 3.
fn check_version(headers: &HeaderMap) -> Result<(), Problem> {
    let Some(version) = headers.get(MAX_VERSION) else { return Ok(()) };
    let major = version.to_str().ok().and_then(|text| text.trim().split('.').next()?.parse::<u8>().ok());
    match major {
        Some(4..) => Ok(()),
        Some(_) => Err(Problem::bad_request("this feed speaks OData 4.0: `OData-MaxVersion` is lower")),
        None => Err(Problem::bad_request("`OData-MaxVersion` is a version such as 4.0")),
    }
}

/// How many rows of a page the one who asks prefers. A preference that cannot be read is none.
fn preferred_size(headers: &HeaderMap) -> Option<usize> {
    let values = headers.get_all(PREFER).into_iter().filter_map(|value| value.to_str().ok());
    let sizes = values.flat_map(|value| value.split([',', ';'])).filter_map(|item| {
        let (name, size) = item.trim().split_once('=')?;
        let name = name.trim().to_ascii_lowercase();
        matches!(name.as_str(), "odata.maxpagesize" | "maxpagesize")
            .then(|| size.trim().trim_matches('"').parse().ok())?
    });
    sizes.filter(|size| *size > 0).min()
}

/// The address of the feed as it was asked, or as the configuration says that people reach it, with a slash at its end.
fn root(headers: &HeaderMap, public: &[WebOrigin]) -> Result<String, Problem> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    let host = host.filter(|host| !host.as_str().contains('@'));
    let Some(host) = host else { return Err(Problem::bad_request("the header `Host` is missing or no address")) };
    // Behind a proxy that ends TLS the one who asks came by https, and the configuration knows it.
    let secure = WebOrigin::parse(&format!("https://{host}")).is_some_and(|origin| public.contains(&origin));
    let scheme = if secure { "https" } else { "http" };
    Ok(format!("{scheme}://{host}{ROOT}/"))
}

/// One line in the log for each request, also for those whose caller hung up.
struct LogLine {
    request: Timed,
    set: Option<String>,
}

impl LogLine {
    fn new(id: &RequestId) -> Self {
        Self { request: Timed::new(id), set: None }
    }

    fn answered(mut self, response: Response) -> Response {
        self.request.answered(&response);
        response
    }
}

impl Drop for LogLine {
    fn drop(&mut self) {
        tracing::info!(
            request.id = %self.request.id,
            odata.set = self.set.as_deref().unwrap_or_default(),
            http.status = self.request.status(),
            outcome = self.request.outcome(),
            duration_ms = self.request.millis(),
            "request"
        );
    }
}
