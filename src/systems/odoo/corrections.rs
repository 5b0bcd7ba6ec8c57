//! Corrections of the books, in the embedded Odoo: the company is changed, and read again.

use jiff::civil::date;
use rust_decimal::Decimal;

use super::tests::{call, connect_to};
use crate::demo::Demo;
use crate::demo::company::grow::Seed;
use crate::demo::company::model::{Company, Document, DocumentKind};
use crate::demo::erp::Erp;
use crate::domain::{CostState, InvoiceId, InvoiceState, ProjectId, SharedIdRule};
use crate::systems::Connection;

fn id(text: &str) -> ProjectId {
    let pattern = regex::Regex::new(r"^PRJ-\d{4}-\d{3,6}$").unwrap();
    SharedIdRule::new(pattern, &["trim", "uppercase"]).parse(text).unwrap()
}

/// The embedded system, and two projects of its books.
async fn books() -> (Demo, Connection, [String; 2]) {
    let company = Company::grow(&Seed { seed: 42, deals: 40, today: date(2026, 11, 25) });
    let projects = [0, 1].map(|at: usize| company.ledger.projects[at].0.clone());
    let demo = Demo::of(company, Erp::Odoo).await.unwrap();
    let connection = connect_to(&demo.erp.url);
    (demo, connection, projects)
}

fn change(demo: &Demo, change: impl FnOnce(&mut Company)) {
    let mut company = demo.company.write().unwrap();
    change(&mut company);
    company.revision += 1;
}

/// Puts a document of 100.00 without tax into the books, for one project.
fn add(company: &mut Company, kind: DocumentKind, entry: u32, project: &str) -> Document {
    let ledger = &company.ledger;
    let like = ledger.documents.iter().find(|one| one.kind == kind && one.currency == company.currency).unwrap();
    let mut document = like.clone();
    (document.entry, document.number) = (entry, 900_000 + entry);
    (document.total, document.tax, document.paid, document.open) =
        (Decimal::ONE_HUNDRED, Decimal::ZERO, Decimal::ZERO, true);
    document.cancelled = crate::demo::company::model::Cancelled::No;
    document.project = Some(project.to_owned());
    document.lines.truncate(1);
    document.lines[0].net = Decimal::ONE_HUNDRED;
    document.lines[0].project = Some(project.to_owned());
    document
}

async fn spent(connection: &Connection, project: &str) -> Decimal {
    let project = id(project);
    let batch = connection.costs.as_ref().unwrap().costs_by_project(&call(), std::slice::from_ref(&project)).await;
    let costs = batch.unwrap().found.remove(&project).unwrap();
    let actual = costs.iter().filter(|cost| cost.state == CostState::Actual);
    actual.map(|cost| cost.amount.company.unwrap().amount).sum()
}

async fn bills(connection: &Connection, project: &str, number: u32) -> usize {
    let project = id(project);
    let source = connection.payables.as_ref().unwrap();
    let batch = source.invoices_by_project(&call(), std::slice::from_ref(&project)).await.unwrap();
    let number = number.to_string();
    batch.found[&project].iter().filter(|part| part.invoice.number.as_deref() == Some(number.as_str())).count()
}

#[tokio::test]
async fn a_bill_that_is_moved_to_another_project_leaves_the_first() {
    let (demo, connection, [first, second]) = books().await;
    let before = [spent(&connection, &first).await, spent(&connection, &second).await];
    change(&demo, |company| {
        let bill = add(company, DocumentKind::PurchaseInvoice, 9001, &first);
        company.ledger.documents.push(bill);
    });
    assert_eq!(spent(&connection, &first).await, before[0] + Decimal::ONE_HUNDRED);
    assert_eq!((bills(&connection, &first, 909_001).await, bills(&connection, &second, 909_001).await), (1, 0));
    change(&demo, |company| {
        let bill = company.ledger.documents.iter_mut().find(|one| one.number == 909_001).unwrap();
        bill.project = Some(second.clone());
        bill.lines[0].project = Some(second.clone());
    });
    let after = [spent(&connection, &first).await, spent(&connection, &second).await];
    assert_eq!(after, [before[0], before[1] + Decimal::ONE_HUNDRED]);
    assert_eq!((bills(&connection, &first, 909_001).await, bills(&connection, &second, 909_001).await), (0, 1));
}

#[tokio::test]
async fn a_draft_of_a_bill_costs_nothing_yet() {
    let (demo, connection, [first, _]) = books().await;
    let before = spent(&connection, &first).await;
    change(&demo, |company| {
        let draft = add(company, DocumentKind::PurchaseInvoice, 9002, &first);
        company.ledger.drafts.push(draft);
    });
    assert_eq!(spent(&connection, &first).await, before);
    let project = id(&first);
    let source = connection.payables.as_ref().unwrap();
    let batch = source.invoices_by_project(&call(), std::slice::from_ref(&project)).await.unwrap();
    let draft = batch.found[&project].iter().find(|part| part.invoice.id.as_str() == "18009002").unwrap();
    assert_eq!((&draft.invoice.state, &draft.invoice.number), (&InvoiceState::Draft, &None));
}

/// What was invoiced to a project: posted invoices less credit notes.
async fn invoiced(connection: &Connection, project: &str) -> Decimal {
    let project = id(project);
    let source = connection.receivables.as_ref().unwrap();
    let batch = source.invoices_by_project(&call(), std::slice::from_ref(&project)).await.unwrap();
    let counts =
        |part: &&crate::domain::ProjectInvoice| matches!(part.invoice.state, InvoiceState::Open | InvoiceState::Closed);
    let net = |part: &crate::domain::ProjectInvoice| {
        let net = part.net().company.unwrap().amount;
        if part.invoice.kind == crate::domain::InvoiceKind::CreditNote { -net } else { net }
    };
    batch.found[&project].iter().filter(counts).map(net).sum()
}

#[tokio::test]
async fn a_reversed_invoice_and_the_credit_note_that_reverses_it_are_nothing_together() {
    let (demo, connection, [first, _]) = books().await;
    let before = invoiced(&connection, &first).await;
    change(&demo, |company| {
        for (kind, entry) in [(DocumentKind::Invoice, 9003), (DocumentKind::CreditNote, 9004)] {
            let mut document = add(company, kind, entry, &first);
            // They settle each other, and both stay posted.
            (document.paid, document.open) = (document.total, false);
            company.ledger.documents.push(document);
        }
    });
    assert_eq!(invoiced(&connection, &first).await, before);
    let ids = ["13009003", "14009004"].map(InvoiceId::new);
    let found = connection.receivables.as_ref().unwrap().invoices(&call(), &ids).await.unwrap().found;
    for id in &ids {
        assert_eq!(found[id].state, InvoiceState::Closed);
        assert_eq!(found[id].balance().document.unwrap().amount, Decimal::ZERO);
        assert!(found[id].payments.as_ref().unwrap().is_empty(), "they are no payments");
    }
}

#[tokio::test]
async fn what_was_paid_beyond_the_total_stays_on_the_payment() {
    let (demo, connection, [first, _]) = books().await;
    change(&demo, |company| {
        let mut invoice = add(company, DocumentKind::Invoice, 9005, &first);
        (invoice.paid, invoice.open) = (invoice.total, false);
        // 130 came in; Odoo reconciles 100 of them with the invoice.
        let mut payment = company.ledger.payments.iter().find(|one| one.currency == company.currency).unwrap().clone();
        (payment.entry, payment.cancelled) = (9005, false);
        payment.applied.truncate(1);
        (payment.applied[0].entry, payment.applied[0].amount) = (9005, Decimal::ONE_HUNDRED);
        company.ledger.documents.push(invoice);
        company.ledger.payments.push(payment);
    });
    let id = InvoiceId::new("13009005");
    let batch = connection.receivables.as_ref().unwrap().invoices(&call(), std::slice::from_ref(&id)).await.unwrap();
    let invoice = &batch.found[&id];
    let amounts = [invoice.paid(), invoice.total()].map(|booked| booked.document.unwrap().amount);
    assert_eq!(amounts, [Decimal::ONE_HUNDRED; 2]);
    assert_eq!(invoice.state, InvoiceState::Closed);
    let payments = invoice.payments.as_ref().unwrap().iter().map(|one| one.amount.document.unwrap().amount);
    assert_eq!(payments.collect::<Vec<_>>(), [Decimal::ONE_HUNDRED]);
}
