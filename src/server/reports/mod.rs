//! `GET /reports` and `GET /reports/NAME`: the ready reports as tables, for spreadsheets and BI tools.
//!
//! An answer is whole or an error, and no byte of it is sent before all of it is there. What a system answered with is
//! never passed on: a 401 from a system would make a BI tool ask people for a password that does not exist.

mod asked;
mod facts;

use std::borrow::Cow;
use std::sync::Arc;

use async_graphql::Executor;
use axum::body::Body;
use axum::extract::{Extension, Path, RawQuery, Request, State};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Serialize;
use tokio::time::timeout_at;
use tracing::Instrument;

use super::answers::Age;
use super::error::{RETRY_AFTER, Refused, of_system};
use super::request_id::RequestId;
use super::timed::Timed;
use super::{Door, GRACE, audit, freshness, origin};
use crate::access::Viewer;
use crate::finance::metrics::CATALOGUE;
use crate::reports::{Filter, Format, Parameter, Progress, ReportError, Reports, ShownReport, Table};
use asked::Asked;
pub(super) use facts::tell_rates;

/// The reports there are, with their columns.
pub(super) async fn list(Extension(viewer): Extension<Arc<Viewer>>) -> Response {
    #[derive(Serialize)]
    struct Catalogue {
        reports: Vec<ShownReport>,
        parameters: [Parameter; 7],
        formats: [&'static str; 4],
    }
    let formats = Format::ALL.map(Format::name);
    let catalogue = Catalogue { reports: Reports::shown_to(&viewer.view), parameters: Filter::PARAMETERS, formats };
    ([(header::VARY, "accept")], axum::Json(catalogue)).into_response()
}

/// The metrics of the reports: what each means, and how it is computed.
pub(super) async fn metrics() -> Response {
    axum::Json(CATALOGUE.as_slice()).into_response()
}

/// A report.
pub(super) async fn table<E: Executor>(
    State(door): State<Arc<Door<E>>>,
    Extension(id): Extension<RequestId>,
    Extension(viewer): Extension<Arc<Viewer>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    request: Request,
) -> Response {
    let mut line = LogLine::new(&id);
    let (parts, _body) = request.into_parts();
    let response = match answer(&door, &id, (&name, query.as_deref()), (&parts, &viewer), &mut line).await {
        Ok(response) => response,
        Err(Failure { refused, retry_after: None }) => refused.into_response(),
        Err(Failure { refused, retry_after: Some(seconds) }) => {
            ([(header::RETRY_AFTER, HeaderValue::from(seconds))], refused).into_response()
        }
    };
    line.answered(response)
}

async fn answer<E: Executor>(
    door: &Door<E>,
    id: &RequestId,
    (name, query): (&str, Option<&str>),
    (parts, viewer): (&Parts, &Arc<Viewer>),
    line: &mut LogLine,
) -> Result<Response, Failure> {
    let headers = &parts.headers;
    let entry = audit::entry(&parts.extensions);
    let entry = entry.as_deref();
    if !origin::is_own(headers, &door.options.public_origins) {
        return Err(origin::refused().into());
    }
    let asked = Asked::parse(name, query, headers)?;
    line.asked = Some((asked.report.name, asked.format));
    let _place = door.places.take(door.places.who(viewer, &parts.extensions))?;

    if let Some(entry) = entry {
        let (shown, masked) = asked.report.fields(&viewer.view);
        entry.note(|facts| {
            facts.operation = Some(asked.report.name.to_owned());
            facts.classes = door.masks.classes(shown.iter().map(AsRef::as_ref));
            facts.masked = masked.into_iter().map(Cow::into_owned).collect();
        });
    }
    let options = door.report_options(headers, viewer, entry);
    let _measured = door.measured.operation(id, viewer, Some(asked.report.name), None, options.budget.as_ref());
    let progress = Progress::default();
    let run = door.reports.run(asked.report.name, &asked.filter, &options, &progress);
    let run = door.reports.reads.turns.work(Box::pin(run)).instrument(tracing::info_span!("report", request.id = %id));
    // Awaited here, not in a task of its own: who hangs up stops what nobody else waits for.
    let table = timeout_at(options.deadline + GRACE, run).await.map_err(|_| Failure::late())?.map_err(Failure::of)?;
    line.rows = Some(table.rows.len());
    let body = asked.format.write(&table, asked.style).map_err(|error| {
        tracing::error!(request.id = %id, %error, "a report cannot be written");
        Refused::internal()
    })?;
    let (observed, now) = (&options.observed, door.reports.clock.monotonic());
    let age = observed.age(now).map(|age| Age { age, left: observed.lifetime(now) });
    Ok(respond(&asked, &table, body, age, headers))
}

fn respond(asked: &Asked, table: &Table, body: Vec<u8>, age: Option<Age>, request: &HeaderMap) -> Response {
    let mut response = Response::default();
    let etag = freshness::etag(&body);
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    facts::tell(table, headers);
    if let Some(age) = age {
        freshness::tell(age, headers);
    }
    if freshness::is_known(&etag, request, headers) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return response;
    }
    headers.insert(header::CONTENT_TYPE, asked.content_type());
    headers.extend(asked.file_name().map(|name| (header::CONTENT_DISPOSITION, name)));
    *response.body_mut() = Body::from(body);
    response
}

/// Why there is no table, and in how many seconds there may be one.
struct Failure {
    refused: Refused,
    retry_after: Option<u64>,
}

impl From<Refused> for Failure {
    fn from(refused: Refused) -> Self {
        Self { refused, retry_after: None }
    }
}

impl Failure {
    fn of(error: ReportError) -> Self {
        match error {
            ReportError::Unknown(_) => asked::unknown().into(),
            ReportError::Filter(message) => Refused::bad_request(message).into(),
            ReportError::Masked(_) => Refused::new(StatusCode::FORBIDDEN, "FIELD_MASKED", error.to_string()).into(),
            ReportError::System(error) => {
                let (status, retry_after) = of_system(&error);
                Self { refused: Refused::from_system(status, &error), retry_after }
            }
            ReportError::NotOwned(_) => {
                Refused::new(StatusCode::NOT_IMPLEMENTED, "NOT_OWNED", error.to_string()).into()
            }
            ReportError::Truncated(message) => {
                Refused::new(StatusCode::BAD_GATEWAY, "RESULT_TRUNCATED", message).into()
            }
        }
    }

    fn late() -> Self {
        let message = "The report was not there in time. The setting is reports.deadline.";
        let refused = Refused::new(StatusCode::GATEWAY_TIMEOUT, "DEADLINE_EXCEEDED", message);
        Self { refused, retry_after: Some(RETRY_AFTER) }
    }
}

/// One line in the log for each request, also for those whose caller hung up.
struct LogLine {
    request: Timed,
    /// Name and format, by our own words.
    asked: Option<(&'static str, Format)>,
    rows: Option<usize>,
}

impl LogLine {
    fn new(id: &RequestId) -> Self {
        Self { request: Timed::new(id), asked: None, rows: None }
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
            report.name = self.asked.map(|(name, _)| name),
            report.format = self.asked.map(|(_, format)| format.name()),
            report.rows = self.rows,
            http.status = self.request.status(),
            outcome = self.request.outcome(),
            duration_ms = self.request.millis(),
            "request"
        );
    }
}
