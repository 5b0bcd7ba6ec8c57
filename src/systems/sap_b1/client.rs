//! The calls: which there are, how they are signed in, paged and judged.

use std::collections::HashSet;
use std::sync::Arc;

use http::header::COOKIE;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;
use url::Url;

use super::config::Config;
use super::filter::encoded;
use super::session::{Session, Ticket};
use super::wire::{self, Row};
use crate::domain::{Currency, parse_currency};
use crate::systems::http::{self as shared, Allowed, ClientOptions, Failure, HttpClient, Request, Response};
use crate::systems::{Call, ConnectionContext, ConnectionProblem, ErrorKind, SystemError};

/// The name of the kind of system.
pub(super) const SYSTEM: &str = "sap_b1";

/// Every call that is ever made, below the service root. All of them read.
const ALLOWED: [Allowed; 12] = [
    Allowed::post("/Login"),
    Allowed::post("/QueryService_PostQuery"),
    Allowed::post("/CompanyService_GetAdminInfo"),
    Allowed::get("/Projects"),
    Allowed::get("/Invoices"),
    Allowed::get("/CreditNotes"),
    Allowed::get("/PurchaseInvoices"),
    Allowed::get("/PurchaseCreditNotes"),
    Allowed::get("/PurchaseOrders"),
    Allowed::get("/PurchaseDeliveryNotes"),
    Allowed::get("/IncomingPayments"),
    Allowed::get("/SQLQueries(*)/List"),
];

/// Rows of a page when the system does not go by what it was asked for.
const DEFAULT_PAGE: usize = 20;

/// The refusal of a call whose session has ended.
const SESSION_ENDED: i64 = 301;

/// The Service Layer of one company database.
pub(super) struct Client {
    http: Arc<HttpClient>,
    session: Session,
    root: Url,
    page_size: usize,
    max_pages: usize,
    local: OnceCell<Currency>,
}

/// What is asked of an entity set.
#[derive(Debug, Clone)]
pub(super) struct Query<'a> {
    pub(super) set: &'static str,
    pub(super) select: &'a str,
    pub(super) filter: &'a str,
    pub(super) order: &'static str,
    /// Most rows wanted; all if none.
    pub(super) top: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Question {
    query_path: String,
    query_option: String,
}

impl Client {
    pub(super) fn new(config: &Config, context: &ConnectionContext) -> Result<Self, ConnectionProblem> {
        let root = config.root()?;
        let password = config.password.read().map_err(|message| ConnectionProblem::new("password", message))?;
        let max_pages = context.traffic.max_pages;
        let http = HttpClient::new(ClientOptions {
            connection: context.name.clone(),
            system: SYSTEM,
            base_url: root.clone(),
            headers: HeaderMap::new(),
            allowed: ALLOWED.to_vec(),
            classify,
            traffic: context.traffic.clone(),
            clock: Arc::clone(&context.clock),
        })
        .map_err(|error| {
            ConnectionProblem::new("url", error.detail.as_deref().unwrap_or("cannot be used").to_owned())
        })?;
        Ok(Self {
            http: Arc::new(http),
            session: Session::new(config.company_db.clone(), config.user.clone(), password, Arc::clone(&context.clock)),
            root,
            page_size: config.page_size,
            max_pages,
            local: config.local()?.map_or_else(OnceCell::new, |currency| OnceCell::new_with(Some(currency))),
        })
    }

    /// The HTTP client, which knows how the system fares.
    pub(super) fn upstream(&self) -> Arc<HttpClient> {
        Arc::clone(&self.http)
    }

    /// An error of this connection.
    pub(super) fn error(&self, operation: &'static str, kind: ErrorKind) -> SystemError {
        self.http.error(operation, kind)
    }

    /// Rows per page.
    pub(super) fn page_size(&self) -> usize {
        self.page_size
    }

    /// The company's local currency. It cannot change once there are postings, so it is asked once.
    pub(super) async fn local_currency(
        &self,
        call: &Call,
        names: &super::map::Currencies,
    ) -> Result<Currency, SystemError> {
        const OPERATION: &str = "company.admin_info";
        self.local
            .get_or_try_init(|| async {
                let request = Request::post_json(OPERATION, "/CompanyService_GetAdminInfo", &serde_json::json!({}));
                let response = self.send(call, request).await?;
                let info: wire::AdminInfo = self.http.decode(OPERATION, &response)?;
                let code = info.local_currency.unwrap_or_default();
                names.get(code.trim()).copied().or_else(|| parse_currency(&code).ok()).ok_or_else(|| SystemError {
                    detail: Some("the local currency is not in ISO 4217: set `local_currency`".into()),
                    ..self.http.error(OPERATION, ErrorKind::BadResponse)
                })
            })
            .await
            .copied()
    }

    /// Rows of an entity set, all pages.
    pub(super) async fn list<T: DeserializeOwned + Row>(
        &self,
        call: &Call,
        operation: &'static str,
        query: Query<'_>,
    ) -> Result<Vec<T>, SystemError> {
        let Query { set, select, filter, order, top } = query;
        let mut path = format!("/{set}?$select={}&$orderby={}", encoded(select), encoded(order));
        if !filter.is_empty() {
            path.push_str("&$filter=");
            path.push_str(&encoded(filter));
        }
        if let Some(top) = top {
            path.push_str("&$top=");
            path.push_str(&top.to_string());
        }
        // The end of a list is where there is no link to more; with `$top`, also where there are as many rows.
        self.pages(call, operation, top, true, |skip| Request::get(operation, at(path.clone(), skip))).await
    }

    /// Rows of documents beside their documents. It is a read, although it is a POST: a plain filter cannot reach rows.
    pub(super) async fn join(
        &self,
        call: &Call,
        operation: &'static str,
        set: &str,
        (head, line): (&str, &str),
        filter: &str,
    ) -> Result<Vec<wire::Joined>, SystemError> {
        let rows = format!("{set}/DocumentLines");
        // Without the first condition, every row would come beside every document.
        let option = format!(
            "$expand={set}($select={head}),{rows}($select={line})\
             &$filter={set}/DocEntry eq {rows}/DocEntry and {filter}\
             &$orderby={set}/DocEntry,{rows}/LineNum"
        );
        let path = format!("$crossjoin({set},{rows})");
        self.pages(call, operation, None, false, |skip| {
            let question = Question { query_path: path.clone(), query_option: at(option.clone(), skip) };
            Request::post_json(operation, "/QueryService_PostQuery", &question)
        })
        .await
    }

    /// Rows of a stored query, with its parameters `p1`, `p2`, ....
    pub(super) async fn stored<T: DeserializeOwned + Row>(
        &self,
        call: &Call,
        operation: &'static str,
        code: &str,
        parameters: impl Iterator<Item = String>,
    ) -> Result<Vec<T>, SystemError> {
        let parameters: Vec<String> =
            parameters.zip(1..).map(|(value, slot)| format!("p{slot}={}", encoded(&value))).collect();
        let path = format!("/SQLQueries('{code}')/List?{}", parameters.join("&"));
        self.pages(call, operation, None, true, |skip| Request::get(operation, at(path.clone(), skip))).await
    }

    /// Asks for page after page until there are no more rows. Links to the next page are not followed: they only say
    /// that there is one, and where it starts, since some servers leave the filter out of them.
    async fn pages<T: DeserializeOwned + Row>(
        &self,
        call: &Call,
        operation: &'static str,
        top: Option<usize>,
        ends_without_link: bool,
        ask: impl Fn(usize) -> Request,
    ) -> Result<Vec<T>, SystemError> {
        let truncated = |detail: &str| SystemError {
            detail: Some(detail.into()),
            ..self.http.error(operation, ErrorKind::Truncated)
        };
        let mut rows: Vec<T> = Vec::new();
        let mut seen = HashSet::new();
        let mut skip = 0;
        for _ in 0..self.max_pages {
            let mut request = ask(skip);
            if let Ok(size) = HeaderValue::from_str(&format!("odata.maxpagesize={}", self.page_size)) {
                request.headers.insert(HeaderName::from_static("prefer"), size);
            }
            let response = self.send(call, request).await?;
            let page: wire::Page<T> = self.http.decode(operation, &response)?;
            let count = page.value.len();
            for row in page.value {
                if !seen.insert(row.key()) {
                    return Err(truncated("a row came twice: the pages overlap"));
                }
                rows.push(row);
            }
            if top.is_some_and(|top| rows.len() >= top) {
                return Ok(rows);
            }
            let next = match page.next_link.as_deref().filter(|link| !link.is_empty()) {
                Some(link) => self.skip_of(link).ok_or_else(|| SystemError {
                    detail: Some("the link to the next page leads elsewhere".into()),
                    ..self.http.error(operation, ErrorKind::BadResponse)
                })?,
                None if ends_without_link || self.is_last(count, &response) => return Ok(rows),
                None => rows.len(),
            };
            if next <= skip {
                return Err(truncated("the pages do not advance"));
            }
            skip = next;
        }
        Err(truncated("more pages than `max_pages`"))
    }

    /// Whether a page of the query service, which says nothing of a next one, is the last: if it is empty, shorter than
    /// any page size in use, or shorter than the page size that the system says it applied.
    fn is_last(&self, count: usize, response: &Response) -> bool {
        let applied = response
            .headers
            .get("preference-applied")
            .and_then(|value| value.to_str().ok()?.trim().strip_prefix("odata.maxpagesize=")?.parse().ok());
        count < DEFAULT_PAGE.min(self.page_size) || applied.is_some_and(|size: usize| count < size)
    }

    /// Where the next page starts, if the link leads to the same service.
    fn skip_of(&self, link: &str) -> Option<usize> {
        let folder = Url::parse(&format!("{}/", self.root)).ok()?;
        let link = folder.join(link).ok()?;
        let inside = link.path().starts_with(folder.path()) || link.path().starts_with("/b1s/");
        if link.origin() != folder.origin() || !inside {
            return None;
        }
        link.query_pairs().find(|(name, _)| name == "$skip").and_then(|(_, value)| value.parse().ok())
    }

    /// Makes a call in the session. If the session has ended, it is renewed and the call made once more.
    async fn send(&self, call: &Call, request: Request) -> Result<Response, SystemError> {
        let operation = request.operation;
        let ticket = self.session.ticket(&self.http, call, None).await?;
        let response = self.http.send(call, with(request.clone(), &ticket)).await?;
        if !session_ended(&response) {
            return Ok(response);
        }
        let ticket = self.session.ticket(&self.http, call, Some(&ticket)).await?;
        let response = self.http.send(call, with(request, &ticket)).await?;
        if session_ended(&response) {
            return Err(self.http.error(operation, ErrorKind::Unauthorized));
        }
        Ok(response)
    }
}

fn with(mut request: Request, ticket: &Ticket) -> Request {
    request.headers.insert(COOKIE, ticket.value.clone());
    request
}

fn at(mut question: String, skip: usize) -> String {
    if skip > 0 {
        question.push_str("&$skip=");
        question.push_str(&skip.to_string());
    }
    question
}

fn session_ended(response: &Response) -> bool {
    response.status.as_u16() == 401 && wire::Refusal::code(&response.body) == Some(SESSION_ENDED)
}

/// The usual table, but: the end of a session is no failure of the system, and 401 with code -1 is a missing right.
fn classify(response: &Response) -> Result<(), Failure> {
    if session_ended(response) {
        return Ok(());
    }
    shared::classify(response).map_err(|mut failure| {
        if let Some(code) = wire::Refusal::code(&response.body) {
            if response.status.as_u16() == 401 && code == -1 {
                failure.kind = ErrorKind::Forbidden;
            }
            failure.detail = Some(format!("code {code}"));
        }
        failure
    })
}
