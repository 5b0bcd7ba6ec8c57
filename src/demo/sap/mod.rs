//! An embedded SAP Business One Service Layer: both dialects, session sign-in, paging, filters, the query service.
//!
//! Facts follow SAP's guide "Working with SAP Business One Service Layer" and recorded answers of real servers. It only
//! reads: what would write is refused.
//!
//! Beside the vendor's paths there is nothing here: faults and counters are the control surface's, and sessions can be
//! ended from tests through [`Sessions`].

mod answer;
mod apply;
mod filter;
#[cfg(test)]
pub(crate) mod fixture;
mod index;
mod join;
mod query;
mod records;
mod session;
#[cfg(test)]
mod tests;
mod value;

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::{HOST, HeaderName, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use percent_encoding::percent_decode_str;
use serde_json::json;

use self::answer::{Refusal, counted, json_response, text_response, write_record};
use self::index::Index;
use self::join::{JOURNAL_QUERY, Parameters, Question};
use self::query::Options;
use self::records::Set;
use self::session::{Credentials, TIMEOUT_MINUTES};
use self::value::{Dialect, Value, write_text};
use crate::demo::company::model::{Company, Shared};

pub use session::{COMPANY_DB, PASSWORD, Sessions, USER};

/// Apache's stock limit on the first line of a request, in bytes.
const REQUEST_LINE: usize = 8190;

/// Rows of a page when nobody asks for more or fewer.
const PAGE_SIZE: usize = 20;

/// The vendor's paths.
pub fn router(company: Shared) -> Router {
    router_with_sessions(company, Sessions::default())
}

/// The vendor's paths, with a hand on the sessions.
pub fn router_with_sessions(company: Shared, sessions: Sessions) -> Router {
    let server = Server { company, sessions, index: Arc::default() };
    Router::new().fallback(answer).with_state(server)
}

#[derive(Debug, Clone)]
struct Server {
    company: Shared,
    sessions: Sessions,
    index: Arc<Mutex<Arc<Index>>>,
}

impl Server {
    /// The index of the books as they are now.
    fn index(&self, company: &Company) -> Arc<Index> {
        let mut index = self.index.lock().unwrap_or_else(PoisonError::into_inner);
        if !index.fits(company) {
            *index = Arc::new(Index::new(company));
        }
        Arc::clone(&index)
    }
}

/// A request to one of the two roots.
struct Asked<'a> {
    dialect: Dialect,
    /// Below the root, decoded.
    path: String,
    query: &'a str,
    host: &'a str,
    page_size: Option<usize>,
}

async fn answer(State(server): State<Server>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let path = uri.path();
    if path == "/ping/" || path == "/ping" || path.starts_with("/ping/") {
        let body = json!({ "message": "pong", "sender": "node1", "timestamp": "1764115200.000" }).to_string();
        return counted(json_response(StatusCode::OK, Dialect::V1, body), "ping");
    }
    let (dialect, path) = if let Some(path) = path.strip_prefix("/b1s/v1/") {
        (Dialect::V1, path)
    } else if let Some(path) = path.strip_prefix("/b1s/v2/") {
        (Dialect::V2, path)
    } else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let line =
        uri.path_and_query().map_or(0, |whole| whole.as_str().len()) + method.as_str().len() + " HTTP/1.1 ".len();
    if line > REQUEST_LINE {
        let body = "<html><head><title>414 Request-URI Too Long</title></head></html>";
        return (StatusCode::URI_TOO_LONG, body).into_response();
    }
    let asked = Asked {
        dialect,
        path: percent_decode_str(path).decode_utf8_lossy().into_owned(),
        query: uri.query().unwrap_or_default(),
        host: headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost"),
        page_size: page_size(&headers),
    };
    match (method.as_str(), asked.path.as_str()) {
        ("POST", "Login") => return counted(login(&server, dialect, asked.host, &body), "Login"),
        ("POST", "Logout") => {
            server.sessions.close(&headers);
            return counted(StatusCode::NO_CONTENT.into_response(), "Logout");
        }
        _ => {}
    }
    let label = label(&asked.path, &body);
    if !server.sessions.admit(&headers) {
        let refusal = Refusal::new(StatusCode::UNAUTHORIZED, 301, "Invalid session or session already timeout.");
        return counted(refusal.into_response(dialect), label);
    }
    let mut response = read(&server, &method, &asked, &body).unwrap_or_else(|refusal| refusal.into_response(dialect));
    if let Some(size) = asked.page_size.filter(|_| response.status() == StatusCode::OK)
        && let Ok(value) = HeaderValue::from_str(&format!("odata.maxpagesize={size}"))
    {
        response.headers_mut().insert(HeaderName::from_static("preference-applied"), value);
    }
    counted(response, label)
}

/// The name for the counters: the entity set and what is done with it.
fn label(path: &str, body: &[u8]) -> String {
    if path == "QueryService_PostQuery" {
        let question: Option<Question> = serde_json::from_slice(body).ok();
        let set = question.and_then(|question| question.set()).map_or("unknown", Set::name);
        return format!("{set}.join");
    }
    match path.split_once(['(', '/']) {
        Some((name, "$count")) => format!("{name}.count"),
        Some((name, rest)) if rest.ends_with("/List") => format!("{name}.list"),
        Some((name, _)) => format!("{name}.get"),
        None => path.to_owned(),
    }
}

/// The page size asked for by either of the two headers.
fn page_size(headers: &HeaderMap) -> Option<usize> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    text("b1s-pagesize")
        .or_else(|| text("prefer").and_then(|prefer| prefer.trim().strip_prefix("odata.maxpagesize=")))
        .and_then(|size| size.trim().parse().ok())
}

fn login(server: &Server, dialect: Dialect, host: &str, body: &[u8]) -> Response {
    let Ok(credentials) = serde_json::from_slice::<Credentials>(body) else {
        return Refusal::bad("Invalid request body").into_response(dialect);
    };
    if !credentials.are_right() {
        return Refusal::new(StatusCode::UNAUTHORIZED, 100_000_027, "Login failed").into_response(dialect);
    }
    let id = server.sessions.open();
    let context = if dialect == Dialect::V1 { "metadata" } else { "context" };
    let suffix = if dialect == Dialect::V1 { "@Element" } else { "$entity" };
    let body = json!({
        dialect.annotation(context): format!("http://{host}{}/$metadata#B1Sessions/{suffix}", dialect.root()),
        "SessionId": id,
        "Version": "1000280",
        "SessionTimeout": TIMEOUT_MINUTES,
    });
    let mut response = json_response(StatusCode::OK, dialect, body.to_string());
    if let Ok(cookie) = HeaderValue::from_str(&format!("B1SESSION={id};HttpOnly;SameSite=None")) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response.headers_mut().append(SET_COOKIE, HeaderValue::from_static("ROUTEID=.node1; path=/b1s"));
    response
}

fn read(server: &Server, method: &Method, asked: &Asked<'_>, body: &[u8]) -> Result<Response, Refusal> {
    let company = server.company.read().unwrap_or_else(PoisonError::into_inner);
    let dialect = asked.dialect;
    let page_size = asked.page_size.unwrap_or(PAGE_SIZE);
    match (method.as_str(), asked.path.as_str()) {
        ("GET" | "POST", "CompanyService_GetAdminInfo") => {
            let body = json!({
                "CompanyName": "Spine demo",
                "LocalCurrency": company.currency,
                "SystemCurrency": company.currency,
                "TotalsAccuracy": 2,
                "EnableBranches": "tNO",
            });
            Ok(json_response(StatusCode::OK, dialect, body.to_string()))
        }
        ("POST", "QueryService_PostQuery") => {
            let question: Question = serde_json::from_slice(body).map_err(|_| Refusal::bad("Invalid request body"))?;
            let index = server.index(&company);
            question.answer(&company, &index, page_size, dialect).map(text_response)
        }
        ("POST", path) if path.strip_prefix("SQLQueries('").is_some_and(|rest| rest.ends_with("')/List")) => {
            if path != format!("SQLQueries('{JOURNAL_QUERY}')/List") {
                return Err(no_matching_records());
            }
            let parameters: Parameters =
                serde_json::from_slice(body).map_err(|_| Refusal::bad("Invalid request body"))?;
            // The next page is asked for with the options of the link, and the same body.
            let options = Options::from_text(&format!("{}&{}", asked.query, parameters.param_list))?;
            let index = server.index(&company);
            let body = join::journal_query(&company, &index, &options, page_size, (dialect, asked.host))?;
            Ok(json_response(StatusCode::OK, dialect, body))
        }
        ("GET", path) => {
            let options = Options::from_url(asked.query)?;
            let index = server.index(&company);
            let whose = (dialect, asked.host);
            if let Some(rest) = path.strip_prefix("SQLQueries('") {
                let body = match rest.strip_prefix(JOURNAL_QUERY) {
                    Some("')/List") => join::journal_query(&company, &index, &options, page_size, whose)?,
                    Some("')") => join::stored_query(dialect),
                    _ => return Err(no_matching_records()),
                };
                return Ok(json_response(StatusCode::OK, dialect, body));
            }
            let (name, rest) = path.split_at(path.find(['(', '/']).unwrap_or(path.len()));
            let set = Set::named(name)
                .ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, -1000, "Unrecognized resource path."))?;
            match rest {
                "" if options.apply.is_some() => {
                    let body = apply::answer(&company, &index, set, &options, page_size, dialect)?;
                    Ok(json_response(StatusCode::OK, dialect, body))
                }
                "" => {
                    let body = query::list(&company, &index, set, &options, page_size, whose)?;
                    Ok(json_response(StatusCode::OK, dialect, body))
                }
                "/$count" => {
                    query::count(&company, &index, set, &options).map(|count| text_response(count.to_string()))
                }
                _ => single(&company, &index, set, rest, &options, whose),
            }
        }
        _ => Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, -1, "The embedded system is read-only")),
    }
}

fn no_matching_records() -> Refusal {
    Refusal::new(StatusCode::NOT_FOUND, -2028, "No matching records found (ODBC -2028)")
}

/// `GET /Invoices(91)`, `GET /Projects('PRJ-2025-014')`.
fn single(
    company: &Company,
    index: &Index,
    set: Set,
    key: &str,
    options: &Options,
    (dialect, host): (Dialect, &str),
) -> Result<Response, Refusal> {
    let key = key
        .strip_prefix('(')
        .and_then(|key| key.strip_suffix(')'))
        .ok_or_else(|| Refusal::new(StatusCode::NOT_FOUND, -1000, "Unrecognized resource path."))?;
    let key = match key.strip_prefix('\'').and_then(|key| key.strip_suffix('\'')) {
        Some(text) => Value::Text(text.replace("''", "'").into()),
        None => Value::Int(key.parse().map_err(|_| Refusal::bad("Invalid key"))?),
    };
    let condition = filter::Filter::Compare(
        filter::Operand::Field(set.key().to_owned()),
        filter::Comparison::Eq,
        filter::Operand::Literal(key),
    );
    let record = index
        .candidates(company, set, Some(&condition), "", None)
        .find(|record| condition.holds(&|name| record.field(name)))
        .ok_or_else(no_matching_records)?;
    let mut out = String::from("{");
    write_text(&mut out, &dialect.annotation(if dialect == Dialect::V1 { "metadata" } else { "context" }));
    out.push(':');
    let suffix = if dialect == Dialect::V1 { "@Element" } else { "$entity" };
    write_text(&mut out, &format!("http://{host}{}/$metadata#{}/{suffix}", dialect.root(), set.name()));
    out.push(',');
    let mut body = String::new();
    write_record(&mut body, record, set, options.select.as_deref(), dialect);
    out.push_str(body.get(1..).unwrap_or("}"));
    Ok(json_response(StatusCode::OK, dialect, out))
}
