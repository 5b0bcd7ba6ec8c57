//! "Something custom": any system that speaks JSON over HTTP, declared in the configuration alone.
//!
//! A table per entity says how it is asked (by keys, or page by page), where the rows are, and which of their fields is
//! which of ours. The system owns what has a table, and nothing else. What the connector never does: guess. A word that is
//! not mapped is unknown, an amount without a currency is none, a page that cannot be completed is an error. There is no
//! list of a vendor's reads: the list is made of the configured methods and paths, to the letter.
//!
//! `docs/connectors/rest.md` describes every option.

mod check;
mod client;
mod commercial;
mod config;
mod dates;
mod delivery;
mod documents;
mod fields;
mod json;
mod ledger;
mod lists;
mod map;
mod path;
mod read;
mod row;
mod template;
#[cfg(test)]
mod tests;
mod value;
mod words;

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderMap, HeaderName, HeaderValue};
use jiff::tz::TimeZone;
use secrecy::ExposeSecret;
use url::Url;

pub use config::{Auth, Config};

use crate::config::SecretRef;
use crate::domain::Direction;
use crate::systems::http::{ClientOptions, HttpClient};
use crate::systems::{Connection, ConnectionContext, ConnectionProblem};

/// Kind of system, as it is written in the configuration.
pub const SYSTEM: &str = "rest";

/// Builds a connection. What the configuration cannot mean is refused, with the key it stands under.
pub fn connect(mut config: Config, context: ConnectionContext) -> Result<Connection, ConnectionProblem> {
    check::check(&config)?;
    config.settle();
    let base = base_url(&config.url)?;
    let zone = match &config.time_zone {
        None => TimeZone::UTC,
        Some(name) => TimeZone::get(name).map_err(|_| {
            ConnectionProblem::new("time_zone", format!("`{name}` is no time zone: write e.g. \"Europe/Berlin\""))
        })?,
    };
    let http = HttpClient::new(ClientOptions {
        connection: context.name.clone(),
        system: SYSTEM,
        base_url: base.clone(),
        headers: headers(&config)?,
        allowed: check::reads(&config),
        classify: client::judge,
        traffic: context.traffic.clone(),
        clock: context.clock,
    })
    .map_err(|error| ConnectionProblem::new("http", error.detail.as_deref().unwrap_or("cannot be used").to_owned()))?;
    let http = Arc::new(http);
    let api = Arc::new(client::Api {
        http: Arc::clone(&http),
        base,
        zone,
        rule: context.shared_id,
        max_pages: context.traffic.max_pages,
        concurrency: context.traffic.concurrency,
    });

    let mut connection = Connection::new(context.name, SYSTEM);
    connection.upstreams.push(http);
    if let Some(table) = config.deals {
        connection.deals = Some(Arc::new(commercial::DealPort { api: Arc::clone(&api), table }));
    }
    if let Some(table) = config.clients {
        connection.clients = Some(Arc::new(commercial::ClientPort { api: Arc::clone(&api), table }));
    }
    let details = commercial::DetailPort {
        api: Arc::clone(&api),
        contacts: config.contacts,
        line_items: config.line_items,
        proposals: config.proposals,
        communications: config.communications,
        pre_sales_tickets: config.pre_sales_tickets,
    };
    if details.has_any() {
        connection.deal_details = Some(Arc::new(details));
    }
    if let Some(table) = config.projects {
        let (milestones, effort) = (config.milestones, config.effort);
        connection.projects =
            Some(Arc::new(delivery::ProjectPort { api: Arc::clone(&api), table, milestones, effort }));
    }
    if let Some(table) = config.tickets {
        connection.tickets = Some(Arc::new(delivery::TicketPort { api: Arc::clone(&api), table }));
    }
    let documents = |table, direction| ledger::InvoicePort { api: Arc::clone(&api), table, direction };
    if let Some(table) = config.invoices {
        connection.receivables = Some(Arc::new(documents(table, Direction::Receivable)));
    }
    if let Some(table) = config.payables {
        connection.payables = Some(Arc::new(documents(table, Direction::Payable)));
    }
    if let Some(table) = config.costs {
        connection.costs = Some(Arc::new(ledger::CostPort { api, table }));
    }
    Ok(connection)
}

fn base_url(text: &str) -> Result<Url, ConnectionProblem> {
    let problem = |message: &str| ConnectionProblem::new("url", message);
    let trimmed = text.trim_end_matches('/');
    let url = Url::parse(trimmed).map_err(|_| problem("is no URL: write e.g. \"https://finance.example.com/api\""))?;
    if !matches!(url.scheme(), "http" | "https") || url.host().is_none() {
        return Err(problem("must begin with https:// or http://"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(problem("holds a user or a password: take them out and sign in by `auth`"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(problem("holds a `?` or `#`: parameters go into the paths of the entities"));
    }
    Ok(url)
}

/// Headers of every call.
fn headers(config: &Config) -> Result<HeaderMap, ConnectionProblem> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    for (name, value) in &config.headers {
        let key = format!("headers.{name}");
        let header = HeaderName::try_from(name).map_err(|_| ConnectionProblem::new(&key, "is no name of a header"))?;
        if matches!(header.as_str(), "authorization" | "proxy-authorization" | "cookie") {
            return Err(ConnectionProblem::new(key, "is a secret: sign in by `auth`, which reads it from a file"));
        }
        if matches!(header.as_str(), "host" | "content-length" | "content-type" | "transfer-encoding" | "connection") {
            return Err(ConnectionProblem::new(key, "is set by Spine itself: take it away"));
        }
        let value = HeaderValue::from_str(value)
            .map_err(|_| ConnectionProblem::new(key, "its value has a sign that no header can have"))?;
        headers.insert(header, value);
    }
    if let Some((name, value)) = sign_in(&config.auth)? {
        headers.insert(name, value);
    }
    Ok(headers)
}

fn sign_in(auth: &Auth) -> Result<Option<(HeaderName, HeaderValue)>, ConnectionProblem> {
    let secret = |key: &str, secret: &SecretRef, form: &dyn Fn(&str) -> String| {
        let read = secret.read().map_err(|message| ConnectionProblem::new(key, message))?;
        let mut value = HeaderValue::from_str(&form(read.expose_secret()))
            .map_err(|_| ConnectionProblem::new(key, "the secret has a sign that no header can have"))?;
        value.set_sensitive(true);
        Ok(value)
    };
    Ok(match auth {
        Auth::None => None,
        Auth::Bearer { token } => {
            Some((AUTHORIZATION, secret("auth.token", token, &|token| format!("Bearer {token}"))?))
        }
        Auth::Basic { user, password } => {
            if user.contains(':') {
                return Err(ConnectionProblem::new("auth.user", "cannot hold a `:` with Basic sign-in"));
            }
            let form = |password: &str| format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
            Some((AUTHORIZATION, secret("auth.password", password, &form)?))
        }
        Auth::Header { name, value } => {
            let header = HeaderName::try_from(name)
                .map_err(|_| ConnectionProblem::new("auth.name", format!("`{name}` is no name of a header")))?;
            Some((header, secret("auth.value", value, &str::to_owned)?))
        }
    })
}
