//! Sign-in, pages, sessions, settings: what is the server's and not the company's.

use std::path::PathBuf;
use std::process::Command;

use spine::domain::{DealId, InvoiceId, InvoiceQuery, ProjectQuery};
use spine::systems::{Connection, ErrorKind};

use super::server::series;
use super::target::{BY_JOURNAL, Entry, booked_projects, call, configured, connection, costs, id, receivables};

/// One read of each port.
async fn outcomes(connection: &Connection) -> Vec<Result<(), ErrorKind>> {
    let asked = [id("PRJ-2099-001")];
    let kind = |error: spine::systems::SystemError| error.kind;
    vec![
        connection.receivables.as_ref().unwrap().invoices_by_project(&call(), &asked).await.map(drop).map_err(kind),
        connection.payables.as_ref().unwrap().invoices_by_project(&call(), &asked).await.map(drop).map_err(kind),
        connection.costs.as_ref().unwrap().costs_by_project(&call(), &asked).await.map(drop).map_err(kind),
        connection.projects.as_ref().unwrap().projects(&call(), &asked).await.map(drop).map_err(kind),
        connection.projects.as_ref().unwrap().effort(&call(), &asked).await.map(drop).map_err(kind),
        connection.deals.as_ref().unwrap().deals_by_project(&call(), &asked).await.map(drop).map_err(kind),
    ]
}

fn with(more: &str) -> String {
    format!("{BY_JOURNAL}{more}")
}

#[tokio::test]
async fn wrong_credentials_are_said_on_every_port() {
    for (entry, secret) in [(Entry::Session, "password"), (Entry::Key, "key")] {
        if secret == "key" && series() != "8" {
            continue;
        }
        let right = if secret == "key" { "SPINE_TRYTON_KEY" } else { "SPINE_TRYTON_PASSWORD" };
        // The user's password is no key, and the key no password.
        let wrong = if secret == "key" { "SPINE_TRYTON_PASSWORD" } else { "SPINE_TRYTON_DATABASE" };
        let connection = super::target::changed(entry, BY_JOURNAL, |text| text.replace(right, wrong));
        for outcome in outcomes(&connection).await {
            assert_eq!(outcome, Err(ErrorKind::Unauthorized), "{secret}");
        }
    }
}

#[tokio::test]
async fn a_session_that_ended_is_renewed_within_the_read() {
    let connection = connection();
    assert!(outcomes(&connection).await.iter().all(Result::is_ok));
    let setup: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "tryton", "setup.sh"].iter().collect();
    assert!(Command::new(setup).arg("expire").status().unwrap().success());
    assert!(outcomes(&connection).await.iter().all(Result::is_ok));
}

#[tokio::test]
async fn the_size_of_pages_changes_nothing() {
    let ids = booked_projects();
    let (whole, small) = (connection(), configured(Entry::Session, &with("page_size = 3")));
    let ids_of = |found: &std::collections::HashMap<_, Vec<spine::domain::ProjectInvoice>>| {
        ids.iter()
            .map(|id| found[id].iter().map(|part| part.invoice.id.clone()).collect::<Vec<_>>())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids_of(&receivables(&whole, &ids).await), ids_of(&receivables(&small, &ids).await));
    let of = |found: &std::collections::HashMap<_, Vec<spine::domain::Cost>>| {
        ids.iter()
            .map(|id| found[id].iter().map(|cost| (cost.id.clone(), cost.amount)).collect::<Vec<_>>())
            .collect::<Vec<_>>()
    };
    assert_eq!(of(&costs(&whole, &ids).await), of(&costs(&small, &ids).await));
}

#[tokio::test]
async fn records_that_are_not_there_are_absent_and_no_error() {
    let connection = connection();
    let unknown = ["999999", "0", "-1", "007", "1e3", "x", "", "9223372036854775808", "1,2"];
    let ids = unknown.map(InvoiceId::new);
    assert!(connection.receivables.as_ref().unwrap().invoices(&call(), &ids).await.unwrap().found.is_empty());
    let ids = unknown.map(DealId::new);
    assert!(connection.deals.as_ref().unwrap().deals(&call(), &ids).await.unwrap().found.is_empty());
    // A bill is not among the invoices to clients, nor the other way round.
    let number = super::target::numbered(&connection, "PRJ-2099-001", "OVERPAID").await;
    let ids = [number];
    assert_eq!(connection.receivables.as_ref().unwrap().invoices(&call(), &ids).await.unwrap().found.len(), 1);
    assert!(connection.payables.as_ref().unwrap().invoices(&call(), &ids).await.unwrap().found.is_empty());
    let asked = [id("PRJ-1999-001"), id("PRJ-2099-999")];
    let projects = connection.projects.as_ref().unwrap();
    assert!(projects.projects(&call(), &asked).await.unwrap().found.is_empty());
    assert!(projects.effort(&call(), &asked).await.unwrap().found.is_empty());
    let unusable = projects.project_page(&call(), &ProjectQuery::default(), Some("x"), 5).await;
    assert_eq!(unusable.unwrap_err().kind, ErrorKind::BadRequest);
    let unusable = connection.receivables.unwrap().invoice_page(&call(), &InvoiceQuery::default(), Some("x"), 5).await;
    assert_eq!(unusable.unwrap_err().kind, ErrorKind::BadRequest);
}

#[tokio::test]
async fn wrong_settings_are_said_and_read_nothing() {
    for (from, to, detail) in [
        ("analytic_root = \"PROJECTS\"", "", "analytic_root"),
        ("analytic_root = \"PROJECTS\"", "analytic_root = \"Nowhere\"", "analytic_root"),
        ("labour =", "company = \"Somebody else\"\nlabour =", "company"),
        ("labour =", "costs_on = \"nowhere\"\n#", "field names"),
    ] {
        let connection =
            super::target::changed(Entry::Session, "labour = \"timesheets\"\nproject_on = \"comment\"", |text| {
                if to.contains("costs_on") {
                    text.replace(from, to).replace("invoices_on", "")
                } else {
                    text.replace(from, to)
                }
            });
        let error = connection.costs.unwrap().costs_by_project(&call(), &[id("PRJ-2099-001")]).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::BadRequest, "{to}");
        assert!(error.detail.as_deref().unwrap().contains(detail), "{:?}", error.detail);
    }
    let nowhere = super::target::changed(Entry::Session, BY_JOURNAL, |text| {
        text.replace("database = \"tryton\"", "database = \"nowhere\"")
    });
    for outcome in outcomes(&nowhere).await {
        assert!(outcome.is_err());
    }
}
