//! The ports of a connection in one form, whatever they are for: keys and answers are text.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use spine::domain::{ClientId, DealId, DealQuery, InvoiceId, InvoiceQuery, Page, ProjectId, ProjectQuery, TicketId};
use spine::systems::{BatchResult, Connection, InvoiceSource, SystemError};

use super::lines::{self, sorted};
use super::truth::{Answers, Side, Truth};
use super::{RULE, call};

/// What a port answered: the lines of each key that is in the answer, or why it has none.
pub(super) type Answer = BTreeMap<String, Result<Vec<String>, SystemError>>;

type Ask = Box<dyn Fn(Vec<String>) -> BoxFuture<'static, Result<Answer, SystemError>>>;
type Turn = Box<dyn Fn(Option<String>, usize) -> BoxFuture<'static, Result<Page<String>, SystemError>>>;

/// What is asked for by keys.
pub(super) struct Port {
    pub(super) name: &'static str,
    /// How many keys the engine asks for at once.
    pub(super) limit: usize,
    /// All keys that are not made up.
    pub(super) keys: Vec<String>,
    pub(super) truth: Answers,
    /// How many records stand behind all answers.
    pub(super) records: usize,
    /// A key that nobody knows.
    pub(super) made_up: fn(usize) -> String,
    /// Keys that cannot be keys of any system.
    pub(super) odd: &'static [&'static str],
    ask: Ask,
}

impl Port {
    pub(super) async fn ask(&self, keys: &[String]) -> Result<Answer, SystemError> {
        (self.ask)(keys.to_vec()).await
    }

    /// All keys, and so many that nobody knows that they are more than one batch.
    pub(super) fn more_than_a_batch(&self) -> Vec<String> {
        let missing = (self.limit + 1).saturating_sub(self.keys.len()).max(3);
        self.keys.iter().cloned().chain((0..missing).map(self.made_up)).collect()
    }

    /// A key with something behind it.
    pub(super) fn good_key(&self) -> &String {
        let good = |lines: &Result<Vec<String>, _>| lines.as_ref().is_ok_and(|lines| !lines.is_empty());
        let found = self.truth.iter().find(|(_, lines)| good(lines));
        found.unwrap_or_else(|| panic!("{} has nothing to find", self.name)).0
    }
}

/// What is read page by page.
pub(super) struct List {
    pub(super) name: &'static str,
    /// The rows, in their order.
    pub(super) truth: Vec<String>,
    /// How many rows come before those of another kind, which the system may keep elsewhere.
    pub(super) edge: usize,
    turn: Turn,
}

impl List {
    /// The page after a cursor.
    pub(super) async fn page(&self, after: Option<String>, limit: usize) -> Result<Page<String>, SystemError> {
        (self.turn)(after, limit).await
    }
}

/// A batch as text.
fn answer<K: Display, V>(batch: BatchResult<K, V>, lines: impl Fn(&V) -> Vec<String>) -> Result<Answer, SystemError> {
    let batch = batch?;
    let mut answer = Answer::new();
    answer.extend(batch.found.iter().map(|(key, value)| (key.to_string(), Ok(lines(value)))));
    for (key, error) in batch.failed {
        let both = answer.insert(key.to_string(), Err(error));
        assert!(both.is_none(), "{key} is both found and failed");
    }
    Ok(answer)
}

/// Asks a source by one of its methods, for keys of a kind, and makes lines of what comes.
macro_rules! ask {
    ($source:expr, $method:ident, $key:expr, $lines:expr) => {{
        let source = Arc::clone($source);
        Box::new(move |keys: Vec<String>| {
            let source = Arc::clone(&source);
            let keys: Vec<_> = keys.iter().map(|key| $key(key.as_str())).collect();
            let read: BoxFuture<'static, _> =
                Box::pin(async move { answer(source.$method(&call(), &keys).await, $lines) });
            read
        })
    }};
}

/// Reads a list by one of its methods.
macro_rules! turn {
    ($source:expr, $method:ident, $query:expr, $line:expr) => {{
        let source = Arc::clone($source);
        Box::new(move |after: Option<String>, limit: usize| {
            let source = Arc::clone(&source);
            let read: BoxFuture<'static, _> = Box::pin(async move {
                let page = source.$method(&call(), &$query, after.as_deref(), limit).await?;
                Ok(Page { items: page.items.iter().map($line).collect(), next: page.next, total: page.total })
            });
            read
        })
    }};
}

fn project_id(text: &str) -> ProjectId {
    RULE.parse(text).unwrap()
}

/// A number that no record has.
fn no_record(n: usize) -> String {
    (7_770_000 + n).to_string()
}

fn no_project(n: usize) -> String {
    format!("PRJ-1999-{n:06}")
}

const ODD: &[&str] = &["", "abc", "1' or '1'='1", "../1", "1,2", "13-", "99999999999999999999999"];

fn by_record(name: &'static str, limit: usize, truth: Answers, ask: Ask) -> Port {
    let keys: Vec<String> = truth.keys().cloned().collect();
    let records = keys.len();
    Port { name, limit, keys, truth, records, made_up: no_record, odd: ODD, ask }
}

fn by_project(name: &'static str, limit: usize, truth: Answers, ask: Ask) -> Port {
    Port { records: lines_of(&truth), made_up: no_project, odd: &[], ..by_record(name, limit, truth, ask) }
}

fn lines_of(truth: &Answers) -> usize {
    truth.values().filter_map(|lines| lines.as_ref().ok()).map(Vec::len).sum()
}

/// All that a connection can be asked for by keys.
pub(super) fn ports(connection: &Connection, truth: &Truth<'_>) -> Vec<Port> {
    let mut ports = Vec::new();
    if let Some(source) = &connection.deals {
        let limit = source.batch_limit();
        let deals = ask!(source, deals, DealId::new, |deal| vec![lines::deal(deal)]);
        ports.push(by_record("deals.by_id", limit, truth.deals(), deals));
        let deals = ask!(source, deals_by_project, project_id, |deals| deals.iter().map(lines::deal).collect());
        ports.push(by_project("deals.by_project", limit, truth.deals_by_project(), deals));
    }
    if let Some(source) = &connection.clients {
        let clients = ask!(source, clients, ClientId::new, |client| vec![lines::client(client)]);
        ports.push(by_record("clients", source.batch_limit(), truth.clients(), clients));
    }
    if let Some(source) = &connection.deal_details {
        let limit = source.batch_limit();
        let mut details = |name, truth: Answers, ask| {
            let keys: Vec<String> = truth_of_deals(&ports, &truth);
            ports.push(Port { records: lines_of(&truth), keys, ..by_record(name, limit, truth, ask) });
        };
        details(
            "contacts",
            truth.contacts(),
            ask!(source, contacts, DealId::new, |all| sorted(all.iter().map(lines::contact).collect())),
        );
        details(
            "line_items",
            truth.line_items(),
            ask!(source, line_items, DealId::new, |all| sorted(all.iter().map(lines::line_item).collect())),
        );
        details(
            "proposals",
            truth.proposals(),
            ask!(source, proposals, DealId::new, |proposal| vec![lines::proposal(proposal)]),
        );
        details(
            "communications",
            truth.communications(),
            ask!(source, communications, DealId::new, |all| lines::communications(all)),
        );
        details(
            "pre_sales_tickets",
            truth.pre_sales_tickets(),
            ask!(source, pre_sales_tickets, DealId::new, |all| sorted(all.iter().map(lines::ticket).collect())),
        );
    }
    if let Some(source) = &connection.projects {
        let limit = source.batch_limit();
        let projects = ask!(source, projects, project_id, |project| vec![lines::project(project)]);
        ports.push(by_project("projects", limit, truth.projects(), projects));
        let milestones = ask!(source, milestones, project_id, |all| all.iter().map(lines::milestone).collect());
        ports.push(by_project("milestones", limit, truth.milestones(), milestones));
        let effort = ask!(source, effort, project_id, lines::effort);
        let records = truth.company.time_entries.len();
        ports.push(Port { records, ..by_project("effort", limit, truth.effort(), effort) });
    }
    if let Some(source) = &connection.tickets {
        let limit = source.batch_limit();
        let tickets = ask!(source, tickets, TicketId::new, |ticket| vec![lines::ticket(ticket)]);
        ports.push(by_record("tickets.by_id", limit, truth.tickets(), tickets));
        let of_project = |all: &Vec<_>| all.iter().map(lines::ticket_of_project).collect();
        let tickets = ask!(source, tickets_by_project, project_id, of_project);
        ports.push(by_project("tickets.by_project", limit, truth.tickets_by_project(), tickets));
    }
    if let Some(source) = &connection.receivables {
        documents(&mut ports, ["receivables.by_id", "receivables.by_project"], source, truth, Side::Receivable);
    }
    if let Some(source) = &connection.payables {
        documents(&mut ports, ["payables.by_id", "payables.by_project"], source, truth, Side::Payable);
    }
    if let Some(source) = &connection.costs {
        let costs = ask!(source, costs_by_project, project_id, |all| all.iter().map(lines::cost).collect());
        ports.push(by_project("costs", source.batch_limit(), truth.costs(), costs));
    }
    ports
}

fn documents(
    ports: &mut Vec<Port>,
    [by_id, of_project]: [&'static str; 2],
    source: &Arc<dyn InvoiceSource>,
    truth: &Truth<'_>,
    side: Side,
) {
    let limit = source.batch_limit();
    let invoices = ask!(source, invoices, InvoiceId::new, |invoice| vec![lines::paid_invoice(invoice)]);
    ports.push(by_record(by_id, limit, truth.invoices(side), invoices));
    let of_project_parts = ask!(source, invoices_by_project, project_id, |all| all.iter().map(lines::part).collect());
    ports.push(by_project(of_project, limit, truth.invoices_by_project(side), of_project_parts));
}

/// All deals, those of which nothing is to be said too.
fn truth_of_deals(ports: &[Port], truth: &Answers) -> Vec<String> {
    let deals = ports.iter().find(|port| port.name == "deals.by_id");
    deals.map_or_else(|| truth.keys().cloned().collect(), |deals| deals.keys.clone())
}

/// All that a connection can list.
pub(super) fn lists(connection: &Connection, truth: &Truth<'_>) -> Vec<List> {
    let mut lists = Vec::new();
    if let Some(source) = &connection.deals {
        let turn = turn!(source, deal_page, DealQuery::default(), lines::deal);
        let truth = truth.deal_list();
        lists.push(List { name: "deals.list", edge: truth.len(), truth, turn });
    }
    if let Some(source) = &connection.projects {
        let turn = turn!(source, project_page, ProjectQuery::default(), lines::project);
        let truth = truth.project_list();
        lists.push(List { name: "projects.list", edge: truth.len(), truth, turn });
    }
    let documents = [
        ("receivables.list", &connection.receivables, Side::Receivable),
        ("payables.list", &connection.payables, Side::Payable),
    ];
    for (name, source, side) in documents {
        if let Some(source) = source {
            let turn = turn!(source, invoice_page, InvoiceQuery::default(), lines::invoice);
            let truth = truth.invoice_list(side);
            let edge = truth.iter().filter(|line| line.contains(" | Invoice | ")).count();
            lists.push(List { name, truth, edge, turn });
        }
    }
    lists
}
