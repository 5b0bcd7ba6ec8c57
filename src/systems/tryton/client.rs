//! The calls: how they are signed in, paged and judged. Which there are says [`super::ask`].

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderValue, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::ask::{self, COMPANY, Model, Question};
use super::config::{Config, Series};
use super::wire::{self, Answer, Lack, Record};
use crate::domain::{Currency, parse_currency};
use crate::systems::http::{
    self as shared, Allowed, ClientOptions, Failure, Granted, HttpClient, Request, Response, SignIn,
};
use crate::systems::{Call, ConnectionContext, ConnectionProblem, ErrorKind, SystemError};

/// The name of the kind of system.
pub(super) const SYSTEM: &str = "tryton";

/// Most values in one condition.
pub(super) const MAX_VALUES: usize = 300;

const LOGIN: &str = "session.login";

/// The Tryton server of one company.
pub(super) struct Client {
    http: Arc<HttpClient>,
    entry: Entry,
    page_size: usize,
    max_pages: usize,
    company_name: Option<String>,
    company: OnceCell<Company>,
}

/// How calls are let in.
#[expect(clippy::large_enum_variant, reason = "there is one of it per connection")]
enum Entry {
    /// JSON-RPC with a session.
    Session { path: &'static str, user: String, password: SecretString, sign_in: SignIn<HeaderValue> },
    /// The REST application with a key, which is a header of every call.
    Key,
}

/// The company that is read.
#[derive(Debug, Clone)]
pub(super) struct Company {
    pub(super) id: u64,
    pub(super) currency: Currency,
    /// What every call says of itself: the company, and that inactive records are wanted too.
    context: Value,
}

impl Client {
    pub(super) fn new(config: &Config, context: &ConnectionContext) -> Result<Self, ConnectionProblem> {
        let root = config.root()?;
        let path = match config.series {
            Series::Six => "/",
            Series::Eight => "/rpc/",
        };
        let read = |key: &str, secret: &crate::config::SecretRef| {
            secret.read().map_err(|message| ConnectionProblem::new(key, message))
        };
        let mut headers = HeaderMap::new();
        let (entry, allowed, classify): (_, _, shared::Classify) = match (&config.user, &config.password, &config.key) {
            (_, _, Some(key)) => {
                headers
                    .insert(AUTHORIZATION, sensitive("key", &format!("Bearer {}", read("key", key)?.expose_secret()))?);
                (Entry::Key, ask::rest_reads(), classify)
            }
            (user, Some(password), None) => {
                let (user, password) = (user.clone().unwrap_or_default(), read("password", password)?);
                let sign_in = SignIn::new(Arc::clone(&context.clock));
                let session = Entry::Session { path, user, password, sign_in };
                (session, vec![Allowed::post(path)], classify_in_session)
            }
            (_, None, None) => return Err(ConnectionProblem::new("password", "is missing")),
        };
        let http = HttpClient::new(ClientOptions {
            connection: context.name.clone(),
            system: SYSTEM,
            base_url: root,
            headers,
            allowed,
            classify,
            traffic: context.traffic.clone(),
            clock: Arc::clone(&context.clock),
        })
        .map_err(|error| {
            ConnectionProblem::new("url", error.detail.as_deref().unwrap_or("cannot be used").to_owned())
        })?;
        Ok(Self {
            http: Arc::new(http),
            entry,
            page_size: config.page_size,
            max_pages: context.traffic.max_pages,
            company_name: config.company.clone(),
            company: OnceCell::new(),
        })
    }

    /// The HTTP client, which knows how the system fares.
    pub(super) fn upstream(&self) -> Arc<HttpClient> {
        Arc::clone(&self.http)
    }

    /// An error of this connection, with what is known of it.
    pub(super) fn error(&self, operation: &'static str, kind: ErrorKind, detail: &str) -> SystemError {
        SystemError { detail: Some(detail.into()), ..self.http.error(operation, kind) }
    }

    /// An answer that lacks something that was asked for.
    pub(super) fn lacks(&self, model: &Model, lack: &Lack) -> SystemError {
        let detail = format!("the answer lacks `{}`, or it is not of its kind: may the user read it?", lack.0);
        self.error(model.operation, ErrorKind::BadResponse, &detail)
    }

    /// The company, asked for once. Its currency cannot change once there are postings.
    pub(super) async fn company(&self, call: &Call) -> Result<&Company, SystemError> {
        let problem = |detail: &str| self.error(COMPANY.operation, ErrorKind::BadRequest, detail);
        self.company
            .get_or_try_init(|| async {
                let context = json!({ "active_test": false });
                let rows = self.keyset(call, &COMPANY, &[], &["party.name", "currency.code"], &context, None).await?;
                let mut companies = Vec::new();
                for row in &rows {
                    let read = || Ok((row.id()?, row.text_at("party.name")?, row.text_at("currency.code")?));
                    companies.push(read().map_err(|lack| self.lacks(&COMPANY, &lack))?);
                }
                if let Some(wanted) = &self.company_name {
                    companies.retain(|(_, name, _)| name.as_deref() == Some(wanted.trim()));
                }
                let (id, code) = match (companies.as_slice(), &self.company_name) {
                    ([(id, _, code)], _) => (*id, code.clone().unwrap_or_default()),
                    ([], Some(_)) => return Err(problem("the user sees no company of the name in `company`")),
                    ([], None) => return Err(problem("the user sees no company: give it one")),
                    _ => return Err(problem("the user sees several companies: say which in `company`")),
                };
                let currency = parse_currency(&code)
                    .map_err(|_| problem("the company's currency is not in ISO 4217: correct its code in Tryton"))?;
                Ok(Company { id, currency, context: json!({ "company": id, "active_test": false }) })
            })
            .await
    }

    /// All records of a model that meet all conditions, by their numbers.
    pub(super) async fn list(
        &self,
        call: &Call,
        model: &'static Model,
        conditions: &[Value],
        fields: &[&str],
    ) -> Result<Vec<Record>, SystemError> {
        let company = self.company(call).await?;
        self.keyset(call, model, conditions, fields, &company.context, None).await
    }

    /// At most so many records after one, by their numbers.
    pub(super) async fn after(
        &self,
        call: &Call,
        model: &'static Model,
        (conditions, fields): (&[Value], &[&str]),
        last: u64,
        limit: usize,
    ) -> Result<Vec<Record>, SystemError> {
        let company = self.company(call).await?;
        self.keyset(call, model, conditions, fields, &company.context, Some((last, limit))).await
    }

    /// All records one of whose values is among those given, and that meet all conditions; each once, by their numbers.
    pub(super) async fn list_among(
        &self,
        call: &Call,
        model: &'static Model,
        (path, values): (&str, &[Value]),
        conditions: &[Value],
        fields: &[&str],
    ) -> Result<Vec<Record>, SystemError> {
        let runs = values.chunks(MAX_VALUES).map(|run| {
            let mut all = vec![json!([path, "in", run])];
            all.extend_from_slice(conditions);
            async move { self.list(call, model, &all, fields).await }
        });
        let mut keyed = Vec::new();
        for record in futures_util::future::try_join_all(runs).await?.into_iter().flatten() {
            keyed.push((record.id().map_err(|lack| self.lacks(model, &lack))?, record));
        }
        // A record that is for values of two runs is in both.
        keyed.sort_by_key(|(id, _)| *id);
        keyed.dedup_by_key(|(id, _)| *id);
        Ok(keyed.into_iter().map(|(_, record)| record).collect())
    }

    /// So many records in another order, from an offset.
    pub(super) async fn page(
        &self,
        call: &Call,
        model: &'static Model,
        (conditions, fields): (&[Value], &[&str]),
        order: &Value,
        (start, wanted): (usize, usize),
    ) -> Result<Vec<Record>, SystemError> {
        let context = &self.company(call).await?.context;
        let mut rows: Vec<Record> = Vec::new();
        while rows.len() < wanted {
            let (offset, limit) = (start + rows.len(), self.page_size.min(wanted - rows.len()));
            let (domain, order) = (json!(conditions), order.clone());
            let page = self.ask(call, &Question { model, domain, fields, order, offset, limit, context }).await?;
            let is_last = page.len() < limit;
            rows.extend(page);
            if is_last {
                break;
            }
        }
        Ok(rows)
    }

    /// Page after page, each after the last number of the one before: what is added, changed or deleted in between moves
    /// no other record over the edge of a page.
    async fn keyset(
        &self,
        call: &Call,
        model: &'static Model,
        conditions: &[Value],
        fields: &[&str],
        context: &Value,
        wanted: Option<(u64, usize)>,
    ) -> Result<Vec<Record>, SystemError> {
        let truncated = |detail| self.error(model.operation, ErrorKind::Truncated, detail);
        let (mut last, most) = wanted.unwrap_or((0, usize::MAX));
        let mut rows: Vec<Record> = Vec::new();
        for _ in 0..self.max_pages {
            let mut domain = conditions.to_vec();
            domain.push(json!(["id", ">", last]));
            let limit = self.page_size.min(model.most_rows()).min(most - rows.len());
            let (domain, order) = (Value::Array(domain), json!([["id", "ASC"]]));
            let page = self.ask(call, &Question { model, domain, fields, order, offset: 0, limit, context }).await?;
            let count = page.len();
            if count > limit {
                return Err(truncated("a page is longer than was asked for"));
            }
            for row in page {
                let id = row.id().map_err(|lack| self.lacks(model, &lack))?;
                if id <= last {
                    return Err(truncated("the pages overlap, or are not in the order of their numbers"));
                }
                last = id;
                rows.push(row);
            }
            if count < limit || rows.len() >= most {
                return Ok(rows);
            }
        }
        Err(truncated("more pages than `max_pages`"))
    }

    async fn ask(&self, call: &Call, question: &Question<'_>) -> Result<Vec<Record>, SystemError> {
        let operation = question.model.operation;
        match &self.entry {
            Entry::Key => {
                let response = self.http.send(call, question.rest()).await?;
                self.http.decode(operation, &response)
            }
            Entry::Session { path, user, password, sign_in } => {
                let login = || self.sign_in(call, path, user, password);
                let request = question.rpc(path);
                let ticket = sign_in.ticket(&self.http, call, LOGIN, None, login()).await?;
                let mut response = self.http.send(call, with(request.clone(), &ticket.value)).await?;
                if response.status == StatusCode::UNAUTHORIZED {
                    let ticket = sign_in.ticket(&self.http, call, LOGIN, Some(&ticket), login()).await?;
                    response = self.http.send(call, with(request, &ticket.value)).await?;
                }
                if response.status == StatusCode::UNAUTHORIZED {
                    return Err(self.http.error(operation, ErrorKind::Unauthorized));
                }
                self.answer(operation, &response)
            }
        }
    }

    /// Signs in: one session for all calls.
    async fn sign_in(
        &self,
        call: &Call,
        path: &'static str,
        user: &str,
        password: &SecretString,
    ) -> Result<Granted<HeaderValue>, SystemError> {
        let response = self.http.send(call, ask::login(LOGIN, path, user, password.expose_secret())).await?;
        if response.status == StatusCode::UNAUTHORIZED {
            return Err(self.http.error(LOGIN, ErrorKind::Unauthorized));
        }
        let login: wire::Login = self.answer(LOGIN, &response)?;
        let session = login.user().zip(login.session()).map(|(number, session)| format!("{user}:{number}:{session}"));
        let header = session.and_then(|session| sensitive("", &format!("Session {}", STANDARD.encode(session))).ok());
        let value = header.ok_or_else(|| self.error(LOGIN, ErrorKind::BadResponse, "no session in the answer"))?;
        // It says by refusing a call when it has ended: some minutes after the last one.
        Ok(Granted { value, until: None })
    }

    /// What JSON-RPC answered.
    fn answer<T: DeserializeOwned>(&self, operation: &'static str, response: &Response) -> Result<T, SystemError> {
        let answer: Answer<T> = self.http.decode(operation, response)?;
        if let Some(error) = answer.error {
            let (kind, detail) = refused(wire::refusal(&error).as_deref());
            return Err(self.error(operation, kind, detail));
        }
        answer.result.ok_or_else(|| self.error(operation, ErrorKind::BadResponse, "neither a result nor an error"))
    }
}

/// What a refusal means. Its first word is the name of an exception, or the text of one, which is not passed on.
fn refused(word: Option<&str>) -> (ErrorKind, &'static str) {
    match word {
        // What a read can do wrong towards a user is to look at what that user may not see.
        Some("UserError" | "AccessError") => (ErrorKind::Forbidden, "UserError: may the user read it?"),
        Some("LoginException") => (ErrorKind::Unauthorized, "LoginException: a second factor is asked for"),
        Some("ConcurrencyException") => (ErrorKind::Broken, "ConcurrencyException"),
        _ => (
            ErrorKind::BadRequest,
            "an exception: is the module installed that has this model, and are field names right?",
        ),
    }
}

fn with(mut request: Request, session: &HeaderValue) -> Request {
    request.headers.insert(AUTHORIZATION, session.clone());
    request
}

fn sensitive(key: &str, text: &str) -> Result<HeaderValue, ConnectionProblem> {
    let mut value = HeaderValue::from_str(text)
        .map_err(|_| ConnectionProblem::new(key, "holds characters that cannot be in a header"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// The usual table, with words for what a wrong setting looks like.
fn classify(response: &Response) -> Result<(), Failure> {
    shared::classify(response).map_err(|mut failure| {
        failure.detail = match response.status.as_u16() {
            404 | 405 => Some("are `url`, `database` and `series` right?".to_owned()),
            413 => Some("the server allows fewer records in a call: lower `page_size`".to_owned()),
            _ => failure.detail,
        };
        failure
    })
}

/// The end of a session is no failure of the system.
fn classify_in_session(response: &Response) -> Result<(), Failure> {
    if response.status == StatusCode::UNAUTHORIZED { Ok(()) } else { classify(response) }
}
