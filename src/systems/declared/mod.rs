//! What systems share that are declared in the configuration alone: the ways to ask, paths and values, the mapping of rows
//! to records, and the ports that read them. `rest` declares everything; `odata` writes the questions itself.
//!
//! What is never done: guess. A word that is not mapped is unknown, an amount without a currency is none, a page that
//! cannot be completed is an error. There is no list of a vendor's reads: the list is made of the configured methods and
//! paths, to the letter.

pub(in crate::systems) mod auth;
pub(in crate::systems) mod check;
pub(in crate::systems) mod client;
pub(in crate::systems) mod collect;
pub(in crate::systems) mod commercial;
mod dates;
pub(in crate::systems) mod delivery;
pub(in crate::systems) mod documents;
pub(in crate::systems) mod expression;
pub(in crate::systems) mod fields;
pub(in crate::systems) mod json;
pub(in crate::systems) mod known;
pub(in crate::systems) mod ledger;
pub(in crate::systems) mod lines;
mod link;
pub(in crate::systems) mod lists;
pub(in crate::systems) mod map;
pub(in crate::systems) mod path;
pub(in crate::systems) mod read;
pub(in crate::systems) mod row;
#[cfg(test)]
pub(in crate::systems) mod stub;
pub(in crate::systems) mod template;
pub(in crate::systems) mod uses;
pub(in crate::systems) mod value;
pub(in crate::systems) mod ways;
pub(super) mod words;

use std::collections::BTreeMap;
use std::sync::Arc;

use http::HeaderMap;
use jiff::tz::TimeZone;
use url::Url;

use self::auth::{Auth, Oauth};
use self::client::Api;
use self::fields::{
    Clients, Communications, Contacts, Costs, Deals, EffortTable, Invoices, LineItems, Milestones, PreSalesTickets,
    Projects, Proposals, Tickets,
};
use self::path::Path;
use self::uses::Uses;
use super::http::{ClientOptions, HttpClient};
use super::{Connection, ConnectionContext, ConnectionProblem};
use crate::domain::Direction;

/// What is declared. A table that is not there is something the system does not own.
#[derive(Debug, Clone, Default)]
pub(in crate::systems) struct Tables {
    pub(in crate::systems) deals: Option<Deals>,
    pub(in crate::systems) clients: Option<Clients>,
    pub(in crate::systems) contacts: Option<Contacts>,
    pub(in crate::systems) line_items: Option<LineItems>,
    pub(in crate::systems) proposals: Option<Proposals>,
    pub(in crate::systems) communications: Option<Communications>,
    pub(in crate::systems) pre_sales_tickets: Option<PreSalesTickets>,
    pub(in crate::systems) projects: Option<Projects>,
    pub(in crate::systems) milestones: Option<Milestones>,
    pub(in crate::systems) effort: Option<EffortTable>,
    pub(in crate::systems) tickets: Option<Tickets>,
    pub(in crate::systems) invoices: Option<Invoices>,
    pub(in crate::systems) payables: Option<Invoices>,
    pub(in crate::systems) costs: Option<Costs>,
}

impl Tables {
    /// Whether the system can be asked for a project by its shared ID.
    pub(in crate::systems) fn knows_projects(&self) -> bool {
        self.projects.as_ref().is_some_and(|projects| projects.by_id.is_some())
    }

    /// Those that are there, each under its key.
    pub(in crate::systems) fn named(&self) -> Vec<(&'static str, &dyn Uses)> {
        fn named<'t, T: Uses>(name: &'static str, table: Option<&'t T>) -> Option<(&'static str, &'t dyn Uses)> {
            table.map(|table| (name, table as &dyn Uses))
        }
        let all = [
            named("deals", self.deals.as_ref()),
            named("clients", self.clients.as_ref()),
            named("contacts", self.contacts.as_ref()),
            named("line_items", self.line_items.as_ref()),
            named("proposals", self.proposals.as_ref()),
            named("communications", self.communications.as_ref()),
            named("pre_sales_tickets", self.pre_sales_tickets.as_ref()),
            named("projects", self.projects.as_ref()),
            named("milestones", self.milestones.as_ref()),
            named("effort", self.effort.as_ref()),
            named("tickets", self.tickets.as_ref()),
            named("invoices", self.invoices.as_ref()),
            named("payables", self.payables.as_ref()),
            named("costs", self.costs.as_ref()),
        ];
        all.into_iter().flatten().collect()
    }
}

/// Where a system is and how it is spoken to.
#[derive(Debug)]
pub(in crate::systems) struct Access<'c> {
    /// Kind of system.
    pub(in crate::systems) system: &'static str,
    /// Base URL, as it is configured.
    pub(in crate::systems) url: &'c str,
    /// How Spine signs in.
    pub(in crate::systems) auth: &'c Auth,
    /// Headers that the configuration adds.
    pub(in crate::systems) headers: &'c BTreeMap<String, String>,
    /// The form of answers, for `Accept`.
    pub(in crate::systems) accept: &'static str,
    /// Other headers of every call.
    pub(in crate::systems) extra: HeaderMap,
    /// Zone of dates and times that name none; UTC if none.
    pub(in crate::systems) time_zone: Option<&'c str>,
    /// Where an answer that is an error names its code; nowhere if empty.
    pub(in crate::systems) code: Path,
}

/// The way to a system whose calls are those that the tables make. Nothing is asked before the first read.
pub(in crate::systems) fn reach(
    access: Access<'_>,
    tables: &Tables,
    context: &ConnectionContext,
) -> Result<Arc<Api>, ConnectionProblem> {
    let base = base_url(access.url)?;
    let zone = match access.time_zone {
        None => TimeZone::UTC,
        Some(name) => TimeZone::get(name).map_err(|_| {
            ConnectionProblem::new("time_zone", format!("`{name}` is no time zone: write e.g. \"Europe/Berlin\""))
        })?,
    };
    let mut headers = auth::headers(access.accept, access.headers, access.auth)?;
    headers.extend(access.extra);
    let http = HttpClient::new(ClientOptions {
        connection: context.name.clone(),
        system: access.system,
        base_url: base.clone(),
        headers,
        allowed: check::reads(tables),
        classify: client::judge,
        traffic: context.traffic.clone(),
        clock: Arc::clone(&context.clock),
    })
    .map_err(|error| ConnectionProblem::new("http", error.detail.as_deref().unwrap_or("cannot be used").to_owned()))?;
    Ok(Arc::new(Api {
        http: Arc::new(http),
        oauth: Oauth::of(access.system, access.auth, context)?,
        code: access.code,
        base,
        zone,
        rule: context.shared_id.clone(),
        max_pages: context.traffic.max_pages,
        concurrency: context.traffic.concurrency,
    }))
}

/// A connection with the ports of all that is declared.
pub(in crate::systems) fn connection(
    system: &'static str,
    tables: Tables,
    api: &Arc<Api>,
    context: ConnectionContext,
) -> Connection {
    let mut connection = Connection::new(context.name, system);
    connection.upstreams.push(Arc::<HttpClient>::clone(&api.http));
    if let Some(oauth) = &api.oauth {
        connection.upstreams.push(oauth.upstream());
    }
    if let Some(table) = tables.deals {
        connection.deals = Some(Arc::new(commercial::DealPort { api: Arc::clone(api), table }));
    }
    if let Some(table) = tables.clients {
        connection.clients = Some(Arc::new(commercial::ClientPort { api: Arc::clone(api), table }));
    }
    let details = commercial::DetailPort {
        api: Arc::clone(api),
        contacts: tables.contacts,
        line_items: tables.line_items,
        proposals: tables.proposals,
        communications: tables.communications,
        pre_sales_tickets: tables.pre_sales_tickets,
    };
    if details.has_any() {
        connection.deal_details = Some(Arc::new(details));
    }
    if let Some(table) = tables.projects {
        let (milestones, effort) = (tables.milestones, tables.effort);
        connection.projects = Some(Arc::new(delivery::ProjectPort { api: Arc::clone(api), table, milestones, effort }));
    }
    if let Some(table) = tables.tickets {
        connection.tickets = Some(Arc::new(delivery::TicketPort { api: Arc::clone(api), table }));
    }
    let documents = |table, direction| ledger::InvoicePort { api: Arc::clone(api), table, direction };
    if let Some(table) = tables.invoices {
        connection.receivables = Some(Arc::new(documents(table, Direction::Receivable)));
    }
    if let Some(table) = tables.payables {
        connection.payables = Some(Arc::new(documents(table, Direction::Payable)));
    }
    if let Some(table) = tables.costs {
        connection.costs = Some(Arc::new(ledger::CostPort { api: Arc::clone(api), table }));
    }
    connection
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
