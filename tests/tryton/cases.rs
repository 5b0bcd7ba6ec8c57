//! What the company does not have: `cases` in `seed.py` says what was booked, and here is what must come of it.

use std::collections::BTreeMap;

use spine::domain::{CostState, InvoiceKind, InvoiceState, ProjectInvoice};
use spine::systems::Connection;

use super::target::{
    BY_JOURNAL, Entry, both, call, changed, configured, connection, costs, id, numbered, payables, receivables,
};

/// Documents of a project by their numbers: kind, state, net, total, paid, and what is open.
async fn invoices(connection: &Connection, project: &str) -> BTreeMap<String, String> {
    receivables(connection, &[id(project)]).await[&id(project)].iter().map(shown).collect()
}

fn shown(part: &ProjectInvoice) -> (String, String) {
    let invoice = &part.invoice;
    let amounts = [part.net(), part.total(), part.paid(), part.balance()].map(both).join(", ");
    (invoice.number.as_deref().unwrap_or("-").to_owned(), format!("{:?} {:?}: {amounts}", invoice.kind, invoice.state))
}

async fn bills(connection: &Connection, project: &str) -> BTreeMap<String, String> {
    payables(connection, &[id(project)]).await[&id(project)].iter().map(shown).collect()
}

/// Costs of a project: state, kind and amount, in order.
async fn spent(connection: &Connection, project: &str) -> Vec<String> {
    let found = costs(connection, &[id(project)]).await;
    let costs = found[&id(project)].iter();
    let mut lines: Vec<String> =
        costs.map(|cost| format!("{:?} {:?}: {}", cost.state, cost.kind, both(cost.amount))).collect();
    lines.sort();
    lines
}

fn is(found: &BTreeMap<String, String>, wanted: &[(&str, &str)]) {
    let wanted: BTreeMap<String, String> =
        wanted.iter().map(|(number, line)| ((*number).to_owned(), (*line).to_owned())).collect();
    assert_eq!(found, &wanted);
}

#[tokio::test]
async fn what_was_paid_beyond_the_total_is_no_part_of_the_invoice() {
    is(
        &invoices(&connection(), "PRJ-2099-001").await,
        &[("OVERPAID", "Invoice Closed: 1000 EUR = 1000 EUR, 1190 EUR = 1190 EUR, 1190 EUR = 1190 EUR, 0 EUR = 0 EUR")],
    );
}

#[tokio::test]
async fn a_distribution_shares_out_a_line_as_tryton_posts_it() {
    let connection = connection();
    let part = |amount: &str| format!("Invoice Open: {amount}, {amount}, 0 EUR = 0 EUR, {amount}");
    for (project, amount) in [("PRJ-2099-002", "33.33 EUR = 33.33 EUR"), ("PRJ-2099-003", "66.67 EUR = 66.67 EUR")] {
        is(&invoices(&connection, project).await, &[("SHARED", &part(amount))]);
    }
    for (project, first, second) in [("PRJ-2099-002", "1.67", "33.33"), ("PRJ-2099-003", "3.34", "66.68")] {
        let wanted = [first, second].map(|amount| format!("Actual Vendor: {amount} EUR = {amount} EUR"));
        assert_eq!(spent(&connection, project).await, wanted, "{project}");
    }
    assert_eq!(spent(&connection, "PRJ-2099-004").await, ["Actual Vendor: 5 EUR = 5 EUR"]);
}

#[tokio::test]
async fn a_credit_note_that_pays_an_invoice_is_not_open_a_second_time() {
    let connection = connection();
    let mut found = invoices(&connection, "PRJ-2099-004").await;
    found.retain(|number, _| number.starts_with("CREDIT"));
    is(
        &found,
        &[
            (
                "CREDITED",
                "Invoice Open: 1000 EUR = 1000 EUR, 1000 EUR = 1000 EUR, 300 EUR = 300 EUR, 700 EUR = 700 EUR",
            ),
            ("CREDIT", "CreditNote Closed: 300 EUR = 300 EUR, 300 EUR = 300 EUR, 300 EUR = 300 EUR, 0 EUR = 0 EUR"),
        ],
    );
    let number = numbered(&connection, "PRJ-2099-004", "CREDITED").await;
    let batch =
        connection.receivables.as_ref().unwrap().invoices(&call(), std::slice::from_ref(&number)).await.unwrap();
    assert!(batch.found[&number].payments.as_ref().unwrap().is_empty(), "a credit note is no payment");
}

#[tokio::test]
async fn credited_without_a_refund_both_documents_stay_open() {
    let open = "300 EUR = 300 EUR, 300 EUR = 300 EUR, 0 EUR = 0 EUR, 300 EUR = 300 EUR";
    is(
        &invoices(&connection(), "PRJ-2099-005").await,
        &[("BACK", &format!("Invoice Open: {open}")), ("BACK-CREDIT", &format!("CreditNote Open: {open}"))],
    );
}

#[tokio::test]
async fn what_was_cancelled_by_the_button_is_void_and_costs_nothing() {
    let connection = connection();
    let void = |net: &str| format!("Invoice Void: {net} EUR = {net} EUR, {net} EUR = {net} EUR, ? = ?, ? = ?");
    is(&invoices(&connection, "PRJ-2099-006").await, &[("BUTTON", &void("400"))]);
    is(&bills(&connection, "PRJ-2099-006").await, &[("BUTTON-BILL", &void("250"))]);
    assert!(spent(&connection, "PRJ-2099-006").await.is_empty(), "the posting that cancels is no cost either");
}

#[tokio::test]
async fn foreign_currency_is_as_it_was_posted() {
    let connection = connection();
    is(
        &invoices(&connection, "PRJ-2099-007").await,
        &[("CROWNS", "Invoice Open: 200 SEK = 100 EUR, 238 SEK = 119 EUR, 38 SEK = 19 EUR, 200 SEK = 100 EUR")],
    );
    assert_eq!(spent(&connection, "PRJ-2099-007").await, ["Actual Vendor: 50 SEK = 25 EUR"]);
    let number = numbered(&connection, "PRJ-2099-007", "CROWNS").await;
    let batch =
        connection.receivables.as_ref().unwrap().invoices(&call(), std::slice::from_ref(&number)).await.unwrap();
    let payments = batch.found[&number].payments.as_ref().unwrap();
    assert_eq!(payments.iter().map(|payment| both(payment.amount)).collect::<Vec<_>>(), ["38 SEK = 19 EUR"]);
    assert_eq!(payments[0].date, Some("2026-01-15".parse().unwrap()));
}

#[tokio::test]
async fn drafts_count_nothing_and_a_retainer_is_an_invoice_of_its_own() {
    let connection = connection();
    let found = payables(&connection, &[id("PRJ-2099-008")]).await;
    let states: Vec<&InvoiceState> = found[&id("PRJ-2099-008")].iter().map(|part| &part.invoice.state).collect();
    assert_eq!(states, [&InvoiceState::Draft, &InvoiceState::Draft], "one has a number, and is not posted");
    assert!(spent(&connection, "PRJ-2099-008").await.is_empty());
    is(
        &invoices(&connection, "PRJ-2099-008").await,
        &[
            ("RETAINER", "Invoice Closed: 500 EUR = 500 EUR, 595 EUR = 595 EUR, 595 EUR = 595 EUR, 0 EUR = 0 EUR"),
            ("FINAL", "Invoice Open: 700 EUR = 700 EUR, 700 EUR = 700 EUR, 0 EUR = 0 EUR, 700 EUR = 700 EUR"),
        ],
    );
}

#[tokio::test]
async fn a_bill_moved_to_another_project_costs_there_alone() {
    let connection = connection();
    assert!(spent(&connection, "PRJ-2099-009").await.is_empty());
    assert_eq!(spent(&connection, "PRJ-2099-010").await, ["Actual Vendor: 600 EUR = 600 EUR"]);
    let found = payables(&connection, &[id("PRJ-2099-009")]).await;
    assert_eq!(found[&id("PRJ-2099-009")][0].invoice.state, InvoiceState::Void);
}

#[tokio::test]
async fn of_an_order_what_is_not_billed_or_not_posted_is_committed() {
    let connection = connection();
    let wanted = ["Actual Vendor: 105 EUR = 105 EUR", "Committed Vendor: 245 EUR = 245 EUR"];
    assert_eq!(spent(&connection, "PRJ-2099-011").await, wanted);
    let without = configured(Entry::Session, &format!("{BY_JOURNAL}purchases = false"));
    assert_eq!(spent(&without, "PRJ-2099-011").await, wanted[..1]);
}

#[tokio::test]
async fn a_project_without_documents_has_none_and_one_that_is_not_known_is_not_answered() {
    let connection = connection();
    let asked = ["PRJ-2099-012", "PRJ-2099-020", "PRJ-2099-999"].map(id);
    let (invoices, costs) = (receivables(&connection, &asked).await, costs(&connection, &asked).await);
    for project in &asked[..2] {
        assert!(invoices[project].is_empty() && costs[project].is_empty(), "{project}, the second typed in lower case");
    }
    assert!(!invoices.contains_key(&asked[2]) && !costs.contains_key(&asked[2]));
}

#[tokio::test]
async fn hours_are_for_the_nearest_project_above() {
    let connection = configured(Entry::Session, "project_on = \"comment\"");
    let projects = connection.projects.as_ref().unwrap();
    let asked = ["PRJ-2099-001", "PRJ-2099-002"].map(id);
    let effort = projects.effort(&call(), &asked).await.unwrap().found;
    assert_eq!(effort[&asked[0]].hours_spent, "1.833333".parse().unwrap(), "90 minutes and 20 on a task");
    assert_eq!(effort[&asked[1]].hours_spent, "0.75".parse().unwrap());
    // The upper project alone finds the lower one by itself.
    let alone = projects.effort(&call(), &asked[..1]).await.unwrap().found;
    assert_eq!(alone[&asked[0]].hours_spent, effort[&asked[0]].hours_spent);
    let found = projects.projects(&call(), &asked).await.unwrap().found;
    assert_eq!(found[&asked[0]].hours_budgeted, Some("10".parse().unwrap()));
    assert_eq!(found[&asked[0]].percent_complete, Some("50".parse().unwrap()));
    assert_eq!(found[&asked[1]].hours_budgeted, None, "nobody estimated it");
    let labour = costs(&connection, &asked[..1]).await;
    let labour: Vec<String> = labour[&asked[0]].iter().map(|cost| both(cost.amount)).collect();
    assert_eq!(labour, ["76.875 EUR = 76.875 EUR", "17.083316 EUR = 17.083316 EUR"], "at 51.25 an hour");
}

#[tokio::test]
async fn a_field_of_the_document_can_carry_the_shared_id() {
    let connection = changed(
        Entry::Session,
        "project_on = \"comment\"\ninvoices_on = \"reference\"\ncosts_on = \"reference\"",
        without_root,
    );
    // The company's documents have the project of their head as their reference.
    let company = &super::target::COMPANY.ledger;
    let project = company.documents.iter().find_map(|document| document.project.as_deref()).unwrap();
    let found = receivables(&connection, &[id(project)]).await;
    let numbers: std::collections::BTreeSet<String> =
        found[&id(project)].iter().filter_map(|part| part.invoice.number.as_ref().map(ToString::to_string)).collect();
    for document in company.documents.iter().filter(|document| document.project.as_deref() == Some(project)) {
        if document.kind == spine::demo::company::model::DocumentKind::Invoice
            && document.cancelled != spine::demo::company::model::Cancelled::Cancellation
        {
            assert!(numbers.contains(&document.number.to_string()), "{} in {numbers:?}", document.number);
        }
    }
    assert!(found[&id(project)].iter().all(|part| !part.allocated() && part.invoice.kind == InvoiceKind::Invoice
        || part.invoice.kind == InvoiceKind::CreditNote));
    let costs = costs(&connection, &[id("PRJ-2099-001"), id("PRJ-1999-001")]).await;
    assert!(costs[&id("PRJ-2099-001")].iter().all(|cost| cost.state == CostState::Actual), "its hours");
    assert!(!costs.contains_key(&id("PRJ-1999-001")));
    let found = receivables(&connection, &[id("PRJ-2099-001"), id("PRJ-1999-001")]).await;
    assert!(found[&id("PRJ-2099-001")].is_empty(), "known as a project");
    assert!(!found.contains_key(&id("PRJ-1999-001")));
}

#[expect(clippy::needless_pass_by_value, reason = "callers hand over what they just made")]
fn without_root(text: String) -> String {
    text.replace("analytic_root = \"PROJECTS\"", "")
}
