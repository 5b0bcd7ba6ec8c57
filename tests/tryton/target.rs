//! Connections to the server that the tests read, and what they read as text.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::civil::date;
use regex::Regex;
use rust_decimal::Decimal;
use spine::config::{Seconds, Traffic};
use spine::demo::company::grow::Seed;
use spine::demo::company::model::Company;
use spine::domain::{Booked, ConnectionName, Cost, InvoiceId, ProjectId, ProjectInvoice, SharedIdRule, SystemClock};
use spine::systems::tryton::connect;
use spine::systems::{Call, Connection, ConnectionContext, Priority};
use tokio::time::Instant;

use super::server::{KEY, PASSWORD, database, series, url};

/// The company, as `setup.sh` has it seeded.
pub(crate) static COMPANY: LazyLock<Company> =
    LazyLock::new(|| Company::grow(&Seed { seed: 42, deals: 60, today: date(2026, 11, 25) }));

/// How Spine is let in.
#[derive(Clone, Copy)]
pub(crate) enum Entry {
    Session,
    Key,
}

/// A connection that reads all there is, with more lines of configuration.
pub(crate) fn configured(entry: Entry, more: &str) -> Connection {
    changed(entry, more, |text| text)
}

/// The same, with its configuration changed.
pub(crate) fn changed(entry: Entry, more: &str, change: impl Fn(String) -> String) -> Connection {
    let entry = match entry {
        Entry::Session => format!("user = \"spine\"\npassword = {PASSWORD}"),
        Entry::Key => format!("key = {KEY}"),
    };
    let text = format!(
        "url = \"{}/\"\ndatabase = \"{}\"\nseries = \"{}\"\nanalytic_root = \"PROJECTS\"\n{entry}\n{more}",
        url(),
        database(),
        series(),
    );
    let context = ConnectionContext {
        name: ConnectionName::new("tryton"),
        shared_id: rule(),
        // All tests at once are more than one Tryton is made for.
        traffic: Traffic { concurrency: 4, attempt_timeout: Seconds(Duration::from_secs(50)), ..Traffic::default() },
        clock: Arc::new(SystemClock::default()),
    };
    connect(toml::from_str(&change(text)).unwrap(), context).unwrap()
}

/// With the labour that was posted by hand, as the company's other ERPs have it.
pub(crate) const BY_JOURNAL: &str = "project_on = \"comment\"\nlabour = \"journal\"\nlabour_accounts = [\"5\"]\n";

pub(crate) fn connection() -> Connection {
    configured(Entry::Session, BY_JOURNAL)
}

pub(crate) fn rule() -> SharedIdRule {
    SharedIdRule::new(Regex::new(r"^PRJ-\d{4}-\d{3,6}$").unwrap(), &["trim", "nfkc", "uppercase"])
}

pub(crate) fn id(text: &str) -> ProjectId {
    rule().parse(text).unwrap()
}

pub(crate) fn call() -> Call {
    Call::new(Instant::now() + Duration::from_mins(2), Priority::Interactive)
}

/// The shared IDs of all projects that the books of the company know.
pub(crate) fn booked_projects() -> Vec<ProjectId> {
    COMPANY.ledger.projects.iter().map(|(code, _)| id(code)).collect()
}

/// An amount in the document's and in the company's currency.
pub(crate) fn both(booked: Booked) -> String {
    let side = |money: Option<spine::domain::Money>| {
        money.map_or("?".to_owned(), |money| {
            format!("{} {}", money.amount.round_dp(6).normalize(), money.currency.code())
        })
    };
    format!("{} = {}", side(booked.document), side(booked.company))
}

/// An amount as the company's books state it.
pub(crate) fn expected(currency: &str, foreign: Decimal, local: Option<Decimal>) -> String {
    let document = if currency == "EUR" { local } else { Some(foreign) };
    let side = |amount: Option<Decimal>, currency: &str| {
        amount.map_or("?".to_owned(), |amount| format!("{} {currency}", amount.normalize()))
    };
    format!("{} = {}", side(document, currency), side(local, "EUR"))
}

/// The documents of projects.
pub(crate) async fn receivables(connection: &Connection, ids: &[ProjectId]) -> HashMap<ProjectId, Vec<ProjectInvoice>> {
    let batch = connection.receivables.as_ref().unwrap().invoices_by_project(&call(), ids).await.unwrap();
    assert!(batch.failed.is_empty(), "{:?}", batch.failed);
    batch.found
}

pub(crate) async fn payables(connection: &Connection, ids: &[ProjectId]) -> HashMap<ProjectId, Vec<ProjectInvoice>> {
    let batch = connection.payables.as_ref().unwrap().invoices_by_project(&call(), ids).await.unwrap();
    assert!(batch.failed.is_empty(), "{:?}", batch.failed);
    batch.found
}

pub(crate) async fn costs(connection: &Connection, ids: &[ProjectId]) -> HashMap<ProjectId, Vec<Cost>> {
    let batch = connection.costs.as_ref().unwrap().costs_by_project(&call(), ids).await.unwrap();
    assert!(batch.failed.is_empty(), "{:?}", batch.failed);
    batch.found
}

/// The number of the document that has this number on paper.
pub(crate) async fn numbered(connection: &Connection, project: &str, number: &str) -> InvoiceId {
    let found = receivables(connection, &[id(project)]).await;
    let part = found[&id(project)].iter().find(|part| part.invoice.number.as_deref() == Some(number));
    part.unwrap().invoice.id.clone()
}
