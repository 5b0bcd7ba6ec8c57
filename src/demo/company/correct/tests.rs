use jiff::civil::date;
use serde_json::Value;

use super::*;
use crate::demo::company::grow::Seed;
use crate::demo::company::model::{Cancelled, Document, DocumentKind};
use crate::demo::company::tests::{check_documents, check_references};

fn company() -> Company {
    Company::grow(&Seed { seed: 42, deals: 200, today: date(2026, 11, 25) })
}

fn invoice(company: &Company, wanted: impl Fn(&Document) -> bool) -> u32 {
    let mut documents = company.ledger.documents.iter();
    let plain = |document: &&Document| {
        document.kind == DocumentKind::Invoice && document.cancelled == Cancelled::No && wanted(document)
    };
    documents.find(plain).unwrap().number
}

fn numbered(company: &Company, number: u32) -> &Document {
    company.ledger.documents.iter().find(|document| document.number == number).unwrap()
}

fn made(company: &mut Company, correction: &str) -> Value {
    let revision = company.revision;
    let answer = correct(company, correction.as_bytes()).unwrap();
    assert_eq!(company.revision, revision + 1);
    check_documents(company);
    check_references(company);
    answer
}

#[test]
fn a_new_net_moves_lines_tax_totals_and_local_amounts_with_it() {
    for foreign in [false, true] {
        let mut company = company();
        let number = invoice(&company, |document| {
            (document.currency != "EUR") == foreign && document.lines.len() > 1 && document.open
        });
        let old = numbered(&company, number).clone();
        let answer = made(&mut company, &format!(r#"{{"invoice": {number}, "net": "987654.31"}}"#));
        assert_eq!(answer["after"]["net"], "987654.31");
        let new = numbered(&company, number);
        assert_eq!(new.rate, old.rate);
        if foreign {
            assert_eq!((new.total_fc - new.tax_fc).to_string(), "987654.31");
            assert_eq!(new.lines.iter().map(|line| line.net_fc).sum::<Decimal>().to_string(), "987654.31");
        } else {
            assert_eq!((new.total - new.tax).to_string(), "987654.31");
        }
        assert_eq!(new.paid, old.paid);
    }
}

#[test]
fn a_lower_net_of_a_paid_invoice_gives_money_back_and_a_higher_one_opens_it() {
    let mut company = company();
    let number = invoice(&company, |document| !document.open);
    made(&mut company, &format!(r#"{{"invoice": {number}, "net": 100.10}}"#));
    assert!(!numbered(&company, number).open);
    made(&mut company, &format!(r#"{{"invoice": {number}, "net": "100.11"}}"#));
    assert!(numbered(&company, number).open);
    let answer = made(&mut company, &format!(r#"{{"invoice": {number}, "paid": "0"}}"#));
    assert_eq!(answer["after"]["paid"], "0.00");
    made(&mut company, &format!(r#"{{"invoice": {number}, "paid": "50.05", "due": "2026-01-31"}}"#));
    assert_eq!(numbered(&company, number).due, date(2026, 1, 31));
}

#[test]
fn an_unpaid_invoice_can_be_cancelled_and_a_paid_one_cannot() {
    let mut company = company();
    let number = invoice(&company, |document| !document.open);
    let cancel = format!(r#"{{"invoice": {number}, "cancel": true}}"#);
    assert!(matches!(correct(&mut company, cancel.as_bytes()), Err(Refused::Nonsense(_))));
    made(&mut company, &format!(r#"{{"invoice": {number}, "paid": "0"}}"#));
    let answer = made(&mut company, &cancel);
    assert_eq!(numbered(&company, number).cancelled, Cancelled::Yes);
    let other = u32::try_from(answer["after"]["cancelled_by"].as_u64().unwrap()).unwrap();
    assert_eq!(numbered(&company, other).cancelled, Cancelled::Cancellation);
    assert!(matches!(correct(&mut company, cancel.as_bytes()), Err(Refused::Nonsense(_))));
}

#[test]
fn documents_move_to_another_project_of_the_books() {
    let mut company = company();
    let (code, _) = company.ledger.projects[0].clone();
    let number = invoice(&company, |document| document.project.as_ref() != Some(&code));
    made(&mut company, &format!(r#"{{"invoice": {number}, "project": "{code}"}}"#));
    assert!(numbered(&company, number).lines.iter().all(|line| line.project.as_ref() == Some(&code)));
    let nowhere = format!(r#"{{"invoice": {number}, "project": "PRJ-1999-001"}}"#);
    let refused = correct(&mut company, nowhere.as_bytes()).unwrap_err();
    assert_eq!(refused, Refused::Unknown("no project in the ERP PRJ-1999-001".to_owned()));
}

#[test]
fn costs_change_on_bills_and_in_the_journal() {
    let mut company = company();
    let bill = company
        .ledger
        .documents
        .iter()
        .find(|document| document.kind == DocumentKind::PurchaseInvoice && document.cancelled == Cancelled::No);
    let number = bill.unwrap().number;
    let answer = made(&mut company, &format!(r#"{{"cost": {number}, "net": "10.00"}}"#));
    assert_eq!(answer["after"]["net"], "10.00");

    let labour = company.ledger.journal.iter().find(|entry| entry.manual && entry.lines.len() > 2).unwrap();
    let (number, project) = (labour.number, labour.lines[1].project.clone().unwrap());
    let several = format!(r#"{{"journal": {number}, "amount": "1"}}"#);
    assert!(matches!(correct(&mut company, several.as_bytes()), Err(Refused::Nonsense(_))));
    let answer = made(&mut company, &format!(r#"{{"journal": {number}, "amount": "1", "project": "{project}"}}"#));
    assert_eq!(answer["after"]["lines"][1]["debit"], "1.00");
    let shadow = company.ledger.journal.iter().find(|entry| !entry.manual).unwrap().number;
    let shadow = format!(r#"{{"journal": {shadow}, "amount": "1"}}"#);
    assert!(matches!(correct(&mut company, shadow.as_bytes()), Err(Refused::Nonsense(_))));
}

#[test]
fn deals_projects_and_issues_change() {
    let mut company = company();
    let answer = made(
        &mut company,
        r#"{"deal": "900001", "stage": "88210007", "amount": "100", "currency": "USD", "shared_id": null}"#,
    );
    assert_eq!(answer["after"]["amount"], "100.00");
    let deal = &company.deals[0];
    assert_eq!((deal.pipeline.as_str(), deal.shared_id.as_deref()), ("services", None));
    assert_eq!(deal.amount_home.unwrap().to_string(), "92.31");
    made(&mut company, r#"{"deal": 900001, "currency": null}"#);
    assert_eq!(company.deals[0].amount_home, None);

    let code = company.projects.iter().find_map(|project| project.shared_id.clone()).unwrap();
    made(&mut company, &format!(r#"{{"project": "{code}", "health": "Red", "health_reason": "Late", "status": 5}}"#));
    let project = company.projects.iter().find(|project| project.shared_id.as_ref() == Some(&code)).unwrap();
    assert_eq!((project.health.as_deref(), project.status), (Some("Red"), 5));

    let open = company.issues.iter().find(|issue| !issue.closed).unwrap().id;
    made(&mut company, &format!(r#"{{"issue": {open}, "status": "Closed"}}"#));
    made(&mut company, &format!(r#"{{"issue": {open}, "status": "New"}}"#));
}

#[test]
fn what_is_unknown_is_named_and_what_is_nonsense_changes_nothing() {
    let mut company = company();
    let before = serde_json::to_string(&company).unwrap();
    let number = invoice(&company, |_| true);
    for (correction, name) in [
        (r#"{"invoice": 7, "net": "1"}"#.to_owned(), "invoice 7"),
        (r#"{"deal": "1", "amount": "1"}"#.to_owned(), "deal 1"),
        (r#"{"deal": "900001", "stage": "won"}"#.to_owned(), "stage won"),
        (r#"{"project": "PRJ-1999-001", "health": "Red"}"#.to_owned(), "project PRJ-1999-001"),
        (r#"{"issue": 99999, "status": "Closed"}"#.to_owned(), "issue 99999"),
        (r#"{"journal": 1, "amount": "1"}"#.to_owned(), "journal entry 1"),
    ] {
        let refused = correct(&mut company, correction.as_bytes()).unwrap_err();
        assert_eq!(refused, Refused::Unknown(format!("no {name}")));
    }
    for nonsense in [
        String::new(),
        "[]".to_owned(),
        "{}".to_owned(),
        r#"{"net": "1"}"#.to_owned(),
        format!(r#"{{"invoice": {number}, "nett": "1"}}"#),
        format!(r#"{{"invoice": {number}, "net": "1.005"}}"#),
        format!(r#"{{"invoice": {number}, "net": "-1"}}"#),
        format!(r#"{{"invoice": {number}, "net": "much"}}"#),
        format!(r#"{{"invoice": {number}, "paid": "999999999"}}"#),
        format!(r#"{{"invoice": {number}, "due": "tomorrow"}}"#),
        r#"{"deal": "900001", "currency": "XXX"}"#.to_owned(),
        r#"{"issue": 1, "status": 5.5}"#.to_owned(),
    ] {
        assert!(matches!(correct(&mut company, nonsense.as_bytes()), Err(Refused::Nonsense(_))), "{nonsense}");
    }
    assert_eq!(serde_json::to_string(&company).unwrap(), before);
}
