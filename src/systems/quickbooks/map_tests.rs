//! The mapping, on records as Intuit's pages show them.

use regex::Regex;
use rust_decimal::Decimal;
use thin_vec::ThinVec;

use super::client::Currencies;
use super::config::Carrier;
use super::customers::Customers;
use super::documents::{PAYABLES, RECEIVABLES};
use super::map::{self, Company, Mapper};
use crate::domain::{
    Booked, Currency, Flaw, FlawKind, Invoice, InvoiceKind, InvoiceState, Money, ProjectId, SharedIdRule,
    split_by_project,
};

pub(super) fn rule() -> SharedIdRule {
    SharedIdRule::new(Regex::new(r"^PRJ-\d{4}-\d{3}$").unwrap(), &["trim", "uppercase"])
}

pub(super) fn id(text: &str) -> ProjectId {
    rule().parse(text).unwrap()
}

/// Customer 1 with the projects 2 (PRJ-2025-001) and 3 (PRJ-2025-002).
pub(super) fn customers() -> Customers {
    let rows = r#"[{"Id": "1", "DisplayName": "Acme"},
        {"Id": "2", "DisplayName": "PRJ-2025-001 Roof", "ParentRef": {"value": "1"}},
        {"Id": "3", "DisplayName": "PRJ-2025-002 Pier", "ParentRef": {"value": "1"}}]"#;
    Customers::new(serde_json::from_str(rows).unwrap(), &rule())
}

pub(super) fn mapper() -> Mapper {
    let document_url = Some("https://app.example/{type}?txnId={id}".to_owned());
    Mapper { rule: rule(), document_url, labour_accounts: vec!["6500".to_owned(), "Subcontracted labour".to_owned()] }
}

pub(super) const EURO: Currencies = Currencies { home: Currency::EUR, multi: true };

fn read(kind: usize, json: &str) -> Invoice {
    read_as(kind, json, &Carrier::Customer)
}

fn read_as(kind: usize, json: &str, carrier: &Carrier) -> Invoice {
    let customers = customers();
    let company = Company { currencies: EURO, customers: &customers };
    let kind = RECEIVABLES.iter().chain(&PAYABLES).nth(kind).unwrap();
    mapper().invoice(kind, &serde_json::from_str(json).unwrap(), carrier, company)
}

const INVOICE: usize = 0;
const SALES_RECEIPT: usize = 1;
const CREDIT_MEMO: usize = 2;
const REFUND_RECEIPT: usize = 3;
const BILL: usize = 4;
const VENDOR_CREDIT: usize = 5;

pub(super) fn show(booked: Booked) -> String {
    let one = |money: Option<Money>| {
        money.map_or("?".to_owned(), |money| format!("{} {}", money.amount.normalize(), money.currency.code()))
    };
    format!("{} = {}", one(booked.document), one(booked.company))
}

/// An invoice of customer 2 in dollars, with one line of 100 and 19 of tax.
fn dollars(more: &str) -> String {
    format!(
        r#"{{"Id": "91", "DocNumber": "1001", "TxnDate": "2026-01-10", "DueDate": "2026-02-10",
            "CustomerRef": {{"value": "2", "name": "Acme:PRJ-2025-001 Roof"}}, "CurrencyRef": {{"value": "USD"}},
            "ExchangeRate": 0.9, "TotalAmt": 119.00, "TxnTaxDetail": {{"TotalTax": 19}},
            "Line": [{{"Id": "1", "Description": "Roof", "Amount": 100.00, "DetailType": "SalesItemLineDetail",
                       "SalesItemLineDetail": {{"Qty": 4, "UnitPrice": 25}}}},
                     {{"Amount": 100.00, "DetailType": "SubTotalLineDetail", "SubTotalLineDetail": {{}}}}] {more}}}"#
    )
}

#[test]
fn what_quickbooks_states_in_the_home_currency_is_taken_and_the_rest_is_at_the_rate_on_the_document() {
    // The total is not what the rate would make of it: as stated, it stands.
    let invoice = read(INVOICE, &dollars(r#", "HomeTotalAmt": 107.11, "Balance": 69.00, "HomeBalance": 62.11"#));
    assert_eq!(show(invoice.total()), "119 USD = 107.11 EUR");
    assert_eq!(show(invoice.net()), "100 USD = 90 EUR");
    assert_eq!(show(invoice.tax()), "19 USD = 17.11 EUR");
    assert_eq!(show(invoice.balance()), "69 USD = 62.11 EUR");
    assert_eq!(show(invoice.paid()), "50 USD = 45 EUR");
    assert_eq!(show(invoice.lines[0].net), "100 USD = 90 EUR");
    assert_eq!(invoice.lines.len(), 1, "a line that adds up others is none of its own");
    assert_eq!(invoice.lines[0].quantity, Some(Decimal::from(4)));
    assert_eq!((invoice.id.as_str(), invoice.number.as_deref()), ("Invoice-91", Some("1001")));
    assert_eq!(invoice.party.unwrap().name.as_deref(), Some("Acme"));
    assert_eq!(invoice.project_ids.as_slice(), [id("PRJ-2025-001")]);
    assert_eq!(invoice.url.as_deref(), Some("https://app.example/invoice?txnId=91"));
    assert_eq!((invoice.state, invoice.flaws), (InvoiceState::Open, ThinVec::new()));

    let invoice = read(INVOICE, &dollars(r#", "Balance": 119.00"#));
    assert_eq!(show(invoice.total()), "119 USD = 107.1 EUR");
    assert_eq!(show(invoice.balance()), "119 USD = 107.1 EUR", "all of it is open");
    assert_eq!(show(invoice.paid()), "0 USD = 0 EUR");

    // Without a rate nobody knows, and nothing is made up.
    let invoice = read(INVOICE, &dollars("").replace("\"ExchangeRate\": 0.9,", ""));
    assert_eq!(show(invoice.total()), "119 USD = ? EUR".replace("? EUR", "?"));
    assert_eq!(show(invoice.lines[0].net), "100 USD = ?");
    assert_eq!(invoice.state, InvoiceState::Unknown(String::new()), "no balance, no state");
}

#[test]
fn an_untaxed_total_in_the_home_currency_is_the_net() {
    let untaxed = dollars(r#", "HomeTotalAmt": 90.01, "Balance": 0"#)
        .replace("119.00", "100.00")
        .replace(r#""TxnTaxDetail": {"TotalTax": 19},"#, "");
    let invoice = read(INVOICE, &untaxed);
    assert_eq!(
        (show(invoice.net()), show(invoice.tax())),
        ("100 USD = 90.01 EUR".to_owned(), "0 USD = 0 EUR".to_owned())
    );
    assert_eq!((show(invoice.balance()), invoice.state), ("0 USD = 0 EUR".to_owned(), InvoiceState::Closed));
}

#[test]
fn amounts_come_as_texts_too_and_what_is_no_amount_is_a_flaw() {
    let strings = dollars(r#", "Balance": "69.00""#).replace("119.00", "\"119.00\"").replace("0.9,", "\"0.9\",");
    assert_eq!(show(read(INVOICE, &strings).paid()), "50 USD = 45 EUR");
    let invoice = read(INVOICE, &dollars(r#", "Balance": "much""#));
    assert_eq!(invoice.flaws, [Flaw { field: "balance", kind: FlawKind::BadNumber }]);
    assert!(invoice.balance().is_unknown() && invoice.paid().is_unknown());
    let invoice = read(INVOICE, &dollars("").replace("USD", "dollar"));
    assert!(invoice.flaws.contains(&Flaw { field: "total", kind: FlawKind::UnknownCurrency }));
    let invoice = read(INVOICE, &dollars("").replace("\"CurrencyRef\": {\"value\": \"USD\"},", ""));
    assert!(invoice.flaws.contains(&Flaw { field: "total", kind: FlawKind::MissingCurrency }));
}

#[test]
fn a_company_with_one_currency_does_not_name_it() {
    let customers = customers();
    let company = Company { currencies: Currencies { home: Currency::USD, multi: false }, customers: &customers };
    let json = dollars(r#", "Balance": 0"#)
        .replace("\"CurrencyRef\": {\"value\": \"USD\"},", "")
        .replace("\"ExchangeRate\": 0.9,", "");
    let invoice = mapper().invoice(&RECEIVABLES[0], &serde_json::from_str(&json).unwrap(), &Carrier::Customer, company);
    assert_eq!(show(invoice.total()), "119 USD = 119 USD");
    assert!(invoice.flaws.is_empty());
}

#[test]
fn a_voided_document_is_void_and_one_that_only_says_so_is_not() {
    let void = r#"{"Id": "5", "PrivateNote": "Voided - by mistake", "TotalAmt": 0, "Balance": 0,
        "CurrencyRef": {"value": "EUR"}, "Line": [{"Amount": 0, "DetailType": "SalesItemLineDetail"}]}"#;
    assert_eq!(read(INVOICE, void).state, InvoiceState::Void);
    assert_eq!(read(BILL, void).state, InvoiceState::Void);
    assert_eq!(read(INVOICE, &void.replace("\"TotalAmt\": 0", "\"TotalAmt\": 7")).state, InvoiceState::Closed);
    assert_eq!(read(INVOICE, &void.replace("Voided - by", "Not voided by")).state, InvoiceState::Closed);
}

#[test]
fn credits_are_positive_and_what_is_left_of_them_is_their_balance() {
    let memo = read(CREDIT_MEMO, &dollars(r#", "RemainingCredit": 19.00, "Balance": 119.00"#));
    assert_eq!((memo.kind, memo.state.clone()), (InvoiceKind::CreditNote, InvoiceState::Open));
    assert_eq!(
        (show(memo.total()), show(memo.paid())),
        ("119 USD = 107.1 EUR".to_owned(), "100 USD = 90 EUR".to_owned())
    );
    for (kind, is) in [(SALES_RECEIPT, InvoiceKind::Invoice), (REFUND_RECEIPT, InvoiceKind::CreditNote)] {
        let receipt = read(kind, &dollars(r#", "Balance": 5"#));
        assert_eq!((receipt.kind, receipt.state.clone()), (is, InvoiceState::Closed));
        assert_eq!(show(receipt.paid()), "119 USD = 107.1 EUR", "a receipt is paid on the spot");
    }
}

#[test]
fn an_overpaid_invoice_is_no_more_than_paid_and_a_deposit_counts_as_paid() {
    // What was paid beyond it is the payment's `UnappliedAmt`, and on no invoice.
    let invoice = read(INVOICE, &dollars(r#", "Balance": 0, "HomeTotalAmt": 107.10, "HomeBalance": 0"#));
    assert_eq!((invoice.state.clone(), show(invoice.paid())), (InvoiceState::Closed, "119 USD = 107.1 EUR".to_owned()));
    let invoice = read(INVOICE, &dollars(r#", "Deposit": 20, "Balance": 99.00"#));
    assert_eq!(show(invoice.paid()), "20 USD = 18 EUR");
}

#[test]
fn bundles_count_by_their_lines_and_discounts_take_off() {
    let json = r#"{"Id": "5", "CustomerRef": {"value": "2"}, "CurrencyRef": {"value": "EUR"}, "TotalAmt": 90, "Balance": 90,
        "Line": [{"Id": "1", "Amount": 100, "DetailType": "GroupLineDetail", "GroupLineDetail": {"Line": [
                     {"Id": "2", "Amount": 60, "DetailType": "SalesItemLineDetail"},
                     {"Id": "3", "Amount": 40, "DetailType": "SalesItemLineDetail"}]}},
                 {"Id": "4", "Description": "Thank you", "DetailType": "DescriptionOnly"},
                 {"Id": "5", "Amount": 10, "DetailType": "DiscountLineDetail", "DiscountLineDetail": {}}]}"#;
    let invoice = read(INVOICE, json);
    let nets: Vec<String> = invoice.lines.iter().map(|line| show(line.net)).collect();
    assert_eq!(nets, ["60 EUR = 60 EUR", "40 EUR = 40 EUR", "-10 EUR = -10 EUR"]);
    assert_eq!(show(invoice.net()), "90 EUR = 90 EUR");
}

/// A bill of 119 over two projects and nobody.
pub(super) const SPLIT: &str = r#"{"Id": "7", "DocNumber": "R-5", "TxnDate": "2026-01-12", "VendorRef": {"value": "9", "name": "Parts & Sons"},
    "CurrencyRef": {"value": "EUR"}, "TotalAmt": 119, "Balance": 19, "TxnTaxDetail": {"TotalTax": 19},
    "CustomField": [{"DefinitionId": "1", "Name": "Project ID", "Type": "StringType", "StringValue": "prj-2025-002"}],
    "Line": [{"Id": "1", "Description": "Slate", "Amount": 60, "DetailType": "AccountBasedExpenseLineDetail",
              "AccountBasedExpenseLineDetail": {"CustomerRef": {"value": "2"}, "AccountRef": {"value": "80"}}},
             {"Id": "2", "Amount": 30, "DetailType": "ItemBasedExpenseLineDetail",
              "ItemBasedExpenseLineDetail": {"ItemRef": {"value": "20"}, "CustomerRef": {"value": "3"}, "Qty": 3, "UnitPrice": 10}},
             {"Id": "3", "Amount": 10, "DetailType": "AccountBasedExpenseLineDetail", "AccountBasedExpenseLineDetail": {}}]}"#;

#[test]
fn a_bill_is_split_over_the_projects_of_its_lines() {
    let parts = split_by_project(read(BILL, SPLIT).into());
    let shown: Vec<_> = parts
        .iter()
        .map(|(id, part)| (id.as_str(), show(part.net()), show(part.total()), show(part.balance())))
        .collect();
    let part = |net: &str, total: &str, balance: &str| {
        [net, total, balance].map(|amount| format!("{amount} EUR = {amount} EUR"))
    };
    let [one, two] = [part("60", "71.4", "11.4"), part("30", "35.7", "5.7")];
    assert_eq!(
        shown,
        [
            ("PRJ-2025-001", one[0].clone(), one[1].clone(), one[2].clone()),
            ("PRJ-2025-002", two[0].clone(), two[1].clone(), two[2].clone()),
        ]
    );
    assert!(parts.iter().all(|(_, part)| part.allocated()));
}

#[test]
fn a_custom_field_gives_the_whole_document_to_its_project() {
    let carrier = Carrier::CustomField("Project ID".to_owned());
    let bill = read_as(BILL, SPLIT, &carrier);
    assert_eq!(bill.project_ids.as_slice(), [id("PRJ-2025-002")]);
    let other = read_as(BILL, SPLIT, &Carrier::CustomField("Another".to_owned()));
    assert!(other.project_ids.is_empty());
}

#[test]
fn a_bill_in_another_currency_is_posted_line_by_line() {
    let bill = SPLIT
        .replace("\"EUR\"", "\"USD\", \"name\": \"US Dollar\"")
        .replace("\"TotalAmt\"", "\"ExchangeRate\": 0.92345, \"HomeBalance\": 17.55, \"TotalAmt\"");
    let bill = read(BILL, &bill);
    // 55.41 + 27.70 + 9.23, and 17.55 of tax.
    assert_eq!(show(bill.net()), "100 USD = 92.34 EUR");
    assert_eq!(show(bill.total()), "119 USD = 109.89 EUR");
    assert_eq!(show(bill.balance()), "19 USD = 17.55 EUR");
    assert_eq!(read(VENDOR_CREDIT, SPLIT).kind, InvoiceKind::CreditNote);
}

#[test]
fn a_payment_is_what_came_in_for_the_invoice_and_a_credit_applied_is_none() {
    let payment = |total: &str, lines: &str| -> Option<String> {
        let json = format!(
            r#"{{"Id": "24", "TxnDate": "2026-01-20", "CurrencyRef": {{"value": "USD"}}, "ExchangeRate": 0.95, {total},
                "Line": [{lines}]}}"#
        );
        let (paid, flaws) = map::payment(&serde_json::from_str(&json).unwrap(), "91", EURO)?;
        assert!(flaws.is_empty() && &*paid.id == "Payment-24");
        Some(show(paid.amount))
    };
    let line = |amount: &str, id: &str, kind: &str| {
        format!(r#"{{"Amount": {amount}, "LinkedTxn": [{{"TxnId": "{id}", "TxnType": "{kind}"}}]}}"#)
    };
    let lines = |lines: &[(&str, &str, &str)]| {
        lines.iter().map(|(amount, id, kind)| line(amount, id, kind)).collect::<Vec<_>>().join(", ")
    };
    let known = |amount: &str| Some(amount.to_owned());
    let two = lines(&[("50", "91", "Invoice"), ("20", "92", "Invoice")]);
    let all = payment(r#""TotalAmt": 100, "UnappliedAmt": 30"#, &two);
    assert_eq!(all, known("50 USD = 47.5 EUR"), "at the payment's rate; what is left of it is on no invoice");
    assert_eq!(payment(r#""TotalAmt": 20"#, &lines(&[("20", "92", "Invoice")])), None, "it pays another");
    // A credit memo of 50 and 100 of money for an invoice of 150.
    let mixed = lines(&[("150", "91", "Invoice"), ("50", "7", "CreditMemo")]);
    assert_eq!(payment(r#""TotalAmt": 100, "UnappliedAmt": 0"#, &mixed), known("100 USD = 95 EUR"));
    assert_eq!(payment(r#""TotalAmt": 0"#, &mixed), None, "no money came in");
    let credit = lines(&[("50", "91", "Invoice"), ("50", "7", "CreditMemo")]);
    assert_eq!(payment(r#""TotalAmt": 10, "UnappliedAmt": 10"#, &credit), None, "the money is left, on no invoice");
    // Which of two invoices had the memo, nobody says; nor what an entry of the journal did.
    let shared = lines(&[("150", "91", "Invoice"), ("20", "92", "Invoice"), ("50", "7", "CreditMemo")]);
    assert_eq!(payment(r#""TotalAmt": 120"#, &shared), known("? = ?"));
    let journal = lines(&[("150", "91", "Invoice"), ("50", "7", "JournalEntry")]);
    assert_eq!(payment(r#""TotalAmt": 100"#, &journal), known("? = ?"));
}

#[test]
fn what_is_stated_of_a_balance_in_the_home_currency_is_said_of_the_balance_alone() {
    let memo = |more: &str| show(read(CREDIT_MEMO, &dollars(more)).balance());
    // 19 are left to apply: 90.00 is what 100 dollars would be.
    let other = memo(r#", "RemainingCredit": 19.00, "Balance": 100.00, "HomeBalance": 90.00"#);
    assert_eq!(other, "19 USD = 17.1 EUR");
    assert_eq!(memo(r#", "RemainingCredit": 19.00, "Balance": 19.00, "HomeBalance": 17.11"#), "19 USD = 17.11 EUR");
    assert_eq!(memo(r#", "RemainingCredit": 19.00, "HomeBalance": 90.00"#), "19 USD = 17.1 EUR");
}

#[test]
fn what_nobody_has_approved_is_a_draft() {
    let state = |status: &str| {
        let more = format!(r#", "Balance": 119, "TxnApprovalInfo": {{"ApprovalStatus": "{status}"}}"#);
        read(INVOICE, &dollars(&more)).state
    };
    assert_eq!(state("APPROVED"), InvoiceState::Open);
    for waits in ["PENDING_APPROVAL", "REQUIRES_APPROVAL", "IN_PROGRESS", "REJECTED"] {
        assert_eq!(state(waits), InvoiceState::Draft, "{waits}");
    }
    assert_eq!(state("ESCALATED"), InvoiceState::Unknown("ESCALATED".to_owned()), "nobody may guess");
}
