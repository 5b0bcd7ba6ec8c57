//! From records as sent to canonical ones.

use jiff::civil::date;
use regex::Regex;

use super::config::Carrier;
use super::documents::RECEIVABLES;
use super::map::{CostType, Effect, Mapper};
use super::wire;
use crate::domain::{Booked, Cost, CostKind, Currency, Flaw, FlawKind, Invoice, InvoiceState, ProjectId, SharedIdRule};

fn mapper() -> Mapper {
    Mapper {
        rule: SharedIdRule::new(Regex::new("^P[0-9]+$").unwrap(), &["trim", "uppercase"]),
        currencies: [("$".to_owned(), Currency::USD)].into(),
        document_url: None,
        labour_accounts: vec!["5".to_owned(), "62".to_owned()],
        expense_accounts: vec!["6".to_owned()],
    }
}

fn invoice(json: &str) -> Invoice {
    let document: wire::Document = serde_json::from_str(json).unwrap();
    mapper().invoice(&RECEIVABLES[0], &document, Carrier::Lines, Currency::EUR)
}

fn amount(booked: Booked) -> (String, String) {
    let show = |money: Option<crate::domain::Money>| money.map_or("?".to_owned(), |money| money.amount.to_string());
    (show(booked.document), show(booked.company))
}

fn line_cost(effect: Effect, head: &str, line: &str) -> Option<Cost> {
    let kind = CostType { set: "", list: "", join: "", code: 18, effect };
    let head: wire::Document = serde_json::from_str(head).unwrap();
    let line: wire::DocumentLine = serde_json::from_str(line).unwrap();
    mapper().line_cost(&kind, (&head, &line), Carrier::Lines, Currency::EUR).map(|(_, cost)| cost)
}

#[test]
fn amounts_are_read_digit_by_digit_from_numbers_and_from_strings() {
    let read = invoice(
        r#"{"DocEntry": "7", "DocCurrency": "EUR", "DocTotal": "1190.123456", "VatSum": 190.10, "PaidToDate": 99999999999999.99}"#,
    );
    assert_eq!(read.id.as_str(), "13-7");
    assert_eq!(amount(read.total()), ("1190.123456".to_owned(), "1190.123456".to_owned()));
    assert_eq!(amount(read.net()).0, "1000.023456");
    assert_eq!(amount(read.paid()).0, "99999999999999.99");
}

#[test]
fn what_is_not_stated_is_unknown_and_never_zero() {
    let read = invoice(r#"{"DocEntry": 7, "DocCurrency": "USD", "DocTotal": 90, "VatSum": null}"#);
    assert_eq!(amount(read.total()), ("?".to_owned(), "90".to_owned()), "the amount in dollars was not stated");
    assert!(
        read.tax().is_unknown() && read.net().is_unknown() && read.paid().is_unknown() && read.balance().is_unknown()
    );
    assert!(read.flaws.is_empty());
}

#[test]
fn what_cannot_be_read_is_named() {
    let read = invoice(
        r#"{"DocEntry": 7, "DocTotal": 1, "VatSum": "1,5", "DocDate": "10.01.2026",
            "DocumentLines": [{"LineNum": 0, "LineTotal": "x"}]}"#,
    );
    let flaw = |field, kind| Flaw { field, kind };
    for expected in [
        flaw("total", FlawKind::MissingCurrency),
        flaw("tax", FlawKind::BadNumber),
        flaw("issueDate", FlawKind::BadDate),
        flaw("lines", FlawKind::BadNumber),
    ] {
        assert!(read.flaws.contains(&expected), "{expected:?} in {:?}", read.flaws);
    }
    assert_eq!(amount(read.total()).1, "1", "the company's amount stands");
}

#[test]
fn dates_come_in_three_forms() {
    for text in ["2026-01-10", "2026-01-10T00:00:00Z", "20260110"] {
        assert_eq!(invoice(&format!(r#"{{"DocEntry": 7, "DocDate": "{text}"}}"#)).issue_date, Some(date(2026, 1, 10)));
    }
    assert_eq!(invoice(r#"{"DocEntry": 7, "DocDate": ""}"#).issue_date, None);
}

#[test]
fn states_are_what_cancelling_leaves_of_them() {
    for (fields, state) in [
        (r#""DocumentStatus": "bost_Open", "CancelStatus": "csNo""#, InvoiceState::Open),
        (r#""DocumentStatus": "O""#, InvoiceState::Open),
        (r#""DocumentStatus": "bost_Close", "Cancelled": "tNO""#, InvoiceState::Closed),
        (r#""DocumentStatus": "bost_Paid""#, InvoiceState::Closed),
        (r#""DocumentStatus": "bost_Close", "CancelStatus": "csYes""#, InvoiceState::Void),
        (r#""DocumentStatus": "bost_Close", "CancelStatus": "csCancellation""#, InvoiceState::Void),
        (r#""DocumentStatus": "bost_Open", "Cancelled": "tYES""#, InvoiceState::Void),
        (r#""DocumentStatus": "bost_Delivered""#, InvoiceState::Unknown("bost_Delivered".to_owned())),
        (r#""DocumentStatus": "bost_Open", "CancelStatus": "csLater""#, InvoiceState::Unknown("csLater".to_owned())),
        (r#""CancelStatus": null"#, InvoiceState::Unknown(String::new())),
    ] {
        assert_eq!(invoice(&format!(r#"{{"DocEntry": 7, {fields}}}"#)).state, state, "{fields}");
    }
}

#[test]
fn a_line_is_for_its_own_project_and_for_the_documents_only_without_one() {
    let read = invoice(
        r#"{"DocEntry": 7, "Project": " p1 ", "DocumentLines": [
            {"LineNum": 0, "ProjectCode": "P2"}, {"LineNum": 1, "ProjectCode": ""}, {"LineNum": 2}, {"LineNum": 3, "ProjectCode": "INTERNAL"}]}"#,
    );
    let projects: Vec<Option<&str>> =
        read.lines.iter().map(|line| line.project_id.as_ref().map(ProjectId::as_str)).collect();
    assert_eq!(projects, [Some("P2"), Some("P1"), Some("P1"), None]);
    assert_eq!(read.project_ids.len(), 2);
}

#[test]
fn a_discount_on_the_document_is_taken_off_its_lines() {
    let head =
        r#"{"DocEntry": 1, "DocCurrency": "$", "Project": "P1", "DiscountPercent": 2.5, "CancelStatus": "csNo"}"#;
    let line =
        r#"{"LineNum": 0, "LineTotal": 90.01, "RowTotalFC": 100.10, "OpenAmount": 1, "LineStatus": "bost_Close"}"#;
    assert_eq!(amount(line_cost(Effect::Spends, head, line).unwrap().amount), ("97.60".to_owned(), "87.76".to_owned()));
    assert_eq!(amount(line_cost(Effect::TakesBack, head, line).unwrap().amount).1, "-87.76");
    assert!(line_cost(Effect::Commits, head, line).is_none(), "a closed line commits nothing");
    let cancelled = head.replace("csNo", "csYes");
    assert!(line_cost(Effect::Spends, &cancelled, line).is_none());
}

#[test]
fn journal_rows_cost_by_their_account_and_in_their_currency() {
    let cost = |account: &str, more: &str| {
        let row = format!(
            r#"{{"TransId": 9, "Line_ID": 1, "Account": "{account}", "Project": "P1", "Debit": 90, "Credit": 0{more}}}"#
        );
        mapper().journal_cost(&serde_json::from_str(&row).unwrap(), Currency::EUR).map(|(_, cost)| cost)
    };
    let foreign = cost("510000", r#", "FCDebit": 100, "FCCredit": 0, "FCCurrency": "$""#).unwrap();
    assert_eq!(amount(foreign.amount), ("100".to_owned(), "90".to_owned()));
    assert_eq!(foreign.id, "30-9-1");
    assert_eq!(amount(cost("510000", r#", "FCCurrency": """#).unwrap().amount), ("90".to_owned(), "90".to_owned()));
    assert_eq!(cost("610000", "").unwrap().kind, CostKind::Expense);
    assert_eq!(cost("620000", "").unwrap().kind, CostKind::Labour, "the longest beginning decides");
    assert!(cost("180000", "").is_none());
}
