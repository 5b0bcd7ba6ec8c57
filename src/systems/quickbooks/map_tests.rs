//! The mapping, on records as Intuit's pages show them.

use regex::Regex;
use rust_decimal::Decimal;

use super::client::{Currencies, Entity};
use super::config::{Carrier, Labour};
use super::cost_map::{CostType, Effect};
use super::customers::{Customers, Place};
use super::documents::{PAYABLES, RECEIVABLES};
use super::map::{self, Company, Mapper};
use super::wire;
use crate::domain::{
    Booked, Cost, CostKind, CostState, Currency, Flaw, FlawKind, Invoice, InvoiceKind, InvoiceState, Money, ProjectId,
    SharedIdRule, split_by_project,
};

const JOURNAL: Entity = Entity { name: "JournalEntry", operation: "journal" };
const TIME: Entity = Entity { name: "TimeActivity", operation: "time" };

fn rule() -> SharedIdRule {
    SharedIdRule::new(Regex::new(r"^PRJ-\d{4}-\d{3}$").unwrap(), &["trim", "uppercase"])
}

fn id(text: &str) -> ProjectId {
    rule().parse(text).unwrap()
}

/// Customer 1 with the projects 2 (PRJ-2025-001) and 3 (PRJ-2025-002).
fn customers() -> Customers {
    let rows = r#"[{"Id": "1", "DisplayName": "Acme"},
        {"Id": "2", "DisplayName": "PRJ-2025-001 Roof", "ParentRef": {"value": "1"}},
        {"Id": "3", "DisplayName": "PRJ-2025-002 Pier", "ParentRef": {"value": "1"}}]"#;
    Customers::new(serde_json::from_str(rows).unwrap(), &rule())
}

fn mapper() -> Mapper {
    let document_url = Some("https://app.example/{type}?txnId={id}".to_owned());
    Mapper { rule: rule(), document_url, labour_accounts: vec!["6500".to_owned(), "Subcontracted labour".to_owned()] }
}

const EURO: Currencies = Currencies { home: Currency::EUR, multi: true };

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

fn show(booked: Booked) -> String {
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
    assert_eq!(show(invoice.total), "119 USD = 107.11 EUR");
    assert_eq!(show(invoice.net), "100 USD = 90 EUR");
    assert_eq!(show(invoice.tax), "19 USD = 17.11 EUR");
    assert_eq!(show(invoice.balance), "69 USD = 62.11 EUR");
    assert_eq!(show(invoice.paid), "50 USD = 45 EUR");
    assert_eq!(show(invoice.lines[0].net), "100 USD = 90 EUR");
    assert_eq!(invoice.lines.len(), 1, "a line that adds up others is none of its own");
    assert_eq!(invoice.lines[0].quantity, Some(Decimal::from(4)));
    assert_eq!((invoice.id.as_str(), invoice.number.as_deref()), ("Invoice-91", Some("1001")));
    assert_eq!(invoice.party.unwrap().name.as_deref(), Some("Acme"));
    assert_eq!(invoice.project_ids.as_slice(), [id("PRJ-2025-001")]);
    assert_eq!(invoice.url.as_deref(), Some("https://app.example/invoice?txnId=91"));
    assert_eq!((invoice.state, invoice.flaws), (InvoiceState::Open, vec![]));

    let invoice = read(INVOICE, &dollars(r#", "Balance": 119.00"#));
    assert_eq!(show(invoice.total), "119 USD = 107.1 EUR");
    assert_eq!(show(invoice.balance), "119 USD = 107.1 EUR", "all of it is open");
    assert_eq!(show(invoice.paid), "0 USD = 0 EUR");

    // Without a rate nobody knows, and nothing is made up.
    let invoice = read(INVOICE, &dollars("").replace("\"ExchangeRate\": 0.9,", ""));
    assert_eq!(show(invoice.total), "119 USD = ? EUR".replace("? EUR", "?"));
    assert_eq!(show(invoice.lines[0].net), "100 USD = ?");
    assert_eq!(invoice.state, InvoiceState::Unknown(String::new()), "no balance, no state");
}

#[test]
fn an_untaxed_total_in_the_home_currency_is_the_net() {
    let untaxed = dollars(r#", "HomeTotalAmt": 90.01, "Balance": 0"#)
        .replace("119.00", "100.00")
        .replace(r#""TxnTaxDetail": {"TotalTax": 19},"#, "");
    let invoice = read(INVOICE, &untaxed);
    assert_eq!((show(invoice.net), show(invoice.tax)), ("100 USD = 90.01 EUR".to_owned(), "0 USD = 0 EUR".to_owned()));
    assert_eq!((show(invoice.balance), invoice.state), ("0 USD = 0 EUR".to_owned(), InvoiceState::Closed));
}

#[test]
fn amounts_come_as_texts_too_and_what_is_no_amount_is_a_flaw() {
    let strings = dollars(r#", "Balance": "69.00""#).replace("119.00", "\"119.00\"").replace("0.9,", "\"0.9\",");
    assert_eq!(show(read(INVOICE, &strings).paid), "50 USD = 45 EUR");
    let invoice = read(INVOICE, &dollars(r#", "Balance": "much""#));
    assert_eq!(invoice.flaws, [Flaw { field: "balance", kind: FlawKind::BadNumber }]);
    assert!(invoice.balance.is_unknown() && invoice.paid.is_unknown());
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
    assert_eq!(show(invoice.total), "119 USD = 119 USD");
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
    assert_eq!((show(memo.total), show(memo.paid)), ("119 USD = 107.1 EUR".to_owned(), "100 USD = 90 EUR".to_owned()));
    for (kind, is) in [(SALES_RECEIPT, InvoiceKind::Invoice), (REFUND_RECEIPT, InvoiceKind::CreditNote)] {
        let receipt = read(kind, &dollars(r#", "Balance": 5"#));
        assert_eq!((receipt.kind, receipt.state.clone()), (is, InvoiceState::Closed));
        assert_eq!(show(receipt.paid), "119 USD = 107.1 EUR", "a receipt is paid on the spot");
    }
}

#[test]
fn an_overpaid_invoice_is_no_more_than_paid_and_a_deposit_counts_as_paid() {
    // What was paid beyond it is the payment's `UnappliedAmt`, and on no invoice.
    let invoice = read(INVOICE, &dollars(r#", "Balance": 0, "HomeTotalAmt": 107.10, "HomeBalance": 0"#));
    assert_eq!((invoice.state.clone(), show(invoice.paid)), (InvoiceState::Closed, "119 USD = 107.1 EUR".to_owned()));
    let invoice = read(INVOICE, &dollars(r#", "Deposit": 20, "Balance": 99.00"#));
    assert_eq!(show(invoice.paid), "20 USD = 18 EUR");
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
    assert_eq!(show(invoice.net), "90 EUR = 90 EUR");
}

/// A bill of 119 over two projects and nobody.
const SPLIT: &str = r#"{"Id": "7", "DocNumber": "R-5", "TxnDate": "2026-01-12", "VendorRef": {"value": "9", "name": "Parts & Sons"},
    "CurrencyRef": {"value": "EUR"}, "TotalAmt": 119, "Balance": 19, "TxnTaxDetail": {"TotalTax": 19},
    "CustomField": [{"DefinitionId": "1", "Name": "Project ID", "Type": "StringType", "StringValue": "prj-2025-002"}],
    "Line": [{"Id": "1", "Description": "Slate", "Amount": 60, "DetailType": "AccountBasedExpenseLineDetail",
              "AccountBasedExpenseLineDetail": {"CustomerRef": {"value": "2"}, "AccountRef": {"value": "80"}}},
             {"Id": "2", "Amount": 30, "DetailType": "ItemBasedExpenseLineDetail",
              "ItemBasedExpenseLineDetail": {"CustomerRef": {"value": "3"}, "Qty": 3, "UnitPrice": 10}},
             {"Id": "3", "Amount": 10, "DetailType": "AccountBasedExpenseLineDetail", "AccountBasedExpenseLineDetail": {}}]}"#;

#[test]
fn a_bill_is_split_over_the_projects_of_its_lines() {
    let parts = split_by_project(read(BILL, SPLIT).into());
    let shown: Vec<_> =
        parts.iter().map(|(id, part)| (id.as_str(), show(part.net), show(part.total), show(part.balance))).collect();
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
    assert!(parts.iter().all(|(_, part)| part.allocated));
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
    assert_eq!(show(bill.net), "100 USD = 92.34 EUR");
    assert_eq!(show(bill.total), "119 USD = 109.89 EUR");
    assert_eq!(show(bill.balance), "19 USD = 17.55 EUR");
    assert_eq!(read(VENDOR_CREDIT, SPLIT).kind, InvoiceKind::CreditNote);
}

fn costs(kind: CostKind, effect: Effect, json: &str) -> Vec<(Place, Cost)> {
    let customers = customers();
    let company = Company { currencies: EURO, customers: &customers };
    let kind = CostType { entity: Entity { name: "Bill", operation: "bill" }, kind, effect };
    mapper().document_costs(&kind, &serde_json::from_str(json).unwrap(), &Carrier::Customer, company)
}

fn amounts(costs: &[(Place, Cost)]) -> Vec<(String, String)> {
    costs.iter().map(|(_, cost)| (cost.id.to_string(), show(cost.amount))).collect()
}

fn one(id: &str, amount: &str) -> (String, String) {
    (id.to_owned(), format!("{amount} EUR = {amount} EUR"))
}

#[test]
fn costs_are_lines_with_a_project_and_credits_take_them_back() {
    let spent = costs(CostKind::Vendor, Effect::Spends, SPLIT);
    assert_eq!(amounts(&spent), [one("Bill-7-1", "60"), one("Bill-7-2", "30")]);
    assert_eq!((&spent[0].0, spent[0].1.document.as_deref()), (&Place::Project(id("PRJ-2025-001")), Some("R-5")));
    let back = costs(CostKind::Vendor, Effect::TakesBack, SPLIT);
    assert_eq!(amounts(&back), [one("Bill-7-1", "-60"), one("Bill-7-2", "-30")]);
    let refunded = SPLIT.replace("\"TotalAmt\"", "\"Credit\": true, \"PaymentType\": \"CreditCard\", \"TotalAmt\"");
    assert_eq!(amounts(&costs(CostKind::Expense, Effect::Spends, &refunded))[0], one("Bill-7-1", "-60"));
    let void = r#"{"Id": "8", "PrivateNote": "Voided", "TotalAmt": 0, "CurrencyRef": {"value": "EUR"}, "Line": [{"Id": "1",
        "Amount": 0, "AccountBasedExpenseLineDetail": {"CustomerRef": {"value": "2"}}}]}"#;
    assert!(costs(CostKind::Vendor, Effect::Spends, void).is_empty());
}

#[test]
fn of_an_order_only_what_is_open_and_not_received_is_committed() {
    let order = SPLIT.replace("\"TotalAmt\"", "\"POStatus\": \"Open\", \"TotalAmt\"");
    let order = order.replace("\"Amount\": 60", "\"Received\": 45.5, \"Amount\": 60");
    // Of items, the quantity is what is received: one of three.
    let order = order.replace("\"Amount\": 30", "\"Received\": 1, \"Amount\": 30");
    let open = costs(CostKind::Vendor, Effect::Commits, &order);
    assert_eq!(amounts(&open), [one("Bill-7-1", "14.5"), one("Bill-7-2", "20")]);
    assert!(open.iter().all(|(_, cost)| cost.state == CostState::Committed));
    assert!(costs(CostKind::Vendor, Effect::Commits, &order.replace("\"Open\"", "\"Closed\"")).is_empty());
    let all_there = order.replace("45.5", "60").replace("\"Received\": 1,", "\"Received\": 3,");
    assert!(costs(CostKind::Vendor, Effect::Commits, &all_there).is_empty());
}

#[test]
fn journal_rows_count_on_accounts_of_costs_with_the_sign_of_their_side() {
    let customers = customers();
    let company = Company { currencies: EURO, customers: &customers };
    let entry: wire::Document = serde_json::from_str(
        r#"{"Id": "30", "DocNumber": "J-1", "TxnDate": "2026-01-31", "PrivateNote": "Payroll", "CurrencyRef": {"value": "EUR"},
            "Line": [{"Id": "0", "Amount": 800, "JournalEntryLineDetail": {"PostingType": "Debit",
                "Entity": {"Type": "Customer", "EntityRef": {"value": "2"}}, "AccountRef": {"value": "80"}}},
              {"Id": "1", "Amount": 50, "JournalEntryLineDetail": {"PostingType": "Credit",
                "Entity": {"Type": "Customer", "EntityRef": {"value": "2"}}, "AccountRef": {"value": "80"}}},
              {"Id": "2", "Amount": 9, "JournalEntryLineDetail": {"PostingType": "Sideways",
                "Entity": {"Type": "Customer", "EntityRef": {"value": "2"}}, "AccountRef": {"value": "80"}}},
              {"Id": "3", "Amount": 7, "JournalEntryLineDetail": {"PostingType": "Debit",
                "Entity": {"Type": "Vendor", "EntityRef": {"value": "2"}}, "AccountRef": {"value": "80"}}}]}"#,
    )
    .unwrap();
    let account = |classification: &str, sub_type: &str, number: &str, name: &str| wire::Account {
        id: "80".to_owned(),
        name: Some(name.to_owned()),
        acct_num: Some(number.to_owned()),
        classification: Some(classification.to_owned()),
        account_sub_type: Some(sub_type.to_owned()),
    };
    let costs = |account: &wire::Account, labour| -> Vec<Cost> {
        let lines = entry.line.iter();
        lines
            .filter_map(|line| mapper().journal_cost(&JOURNAL, (&entry, line), account, labour, company))
            .map(|(_, cost)| cost)
            .collect()
    };
    let payroll = account("Expense", "PayrollExpenses", "6000", "Payroll");
    let found = costs(&payroll, Labour::Journal);
    let shown: Vec<String> = found.iter().map(|cost| show(cost.amount)).collect();
    assert_eq!(shown, ["800 EUR = 800 EUR", "-50 EUR = -50 EUR", "? = ?"], "and the vendor's row is nobody's");
    assert!(found.iter().all(|cost| cost.kind == CostKind::Labour));
    assert_eq!(found[2].flaws.len(), 1, "a side that nobody knows is no amount");
    assert_eq!((found[0].description.as_deref(), found[0].document.as_deref()), (Some("Payroll"), Some("J-1")));
    assert!(costs(&payroll, Labour::TimeActivities).is_empty(), "hours tell it");
    for (sub_type, number, name, kind) in [
        ("Travel", "6100", "Travel", CostKind::Expense),
        ("OtherMiscellaneousServiceCost", "6500", "Outside help", CostKind::Labour),
        ("OtherMiscellaneousServiceCost", "", "subcontracted labour", CostKind::Labour),
    ] {
        assert_eq!(costs(&account("Expense", sub_type, number, name), Labour::Journal)[0].kind, kind, "{name}");
    }
    for classification in ["Asset", "Revenue", "Liability", "Equity", ""] {
        assert!(costs(&account(classification, "", "1", ""), Labour::Journal).is_empty(), "{classification}");
    }
}

#[test]
fn hours_cost_their_rate_and_without_one_nobody_knows() {
    let customers = customers();
    let company = Company { currencies: EURO, customers: &customers };
    let cost = |more: &str| {
        let json = format!(
            r#"{{"Id": "3", "TxnDate": "2026-01-05", "CustomerRef": {{"value": "3"}}, "NameOf": "Employee",
                "EmployeeRef": {{"value": "4", "name": "Ada"}} {more}}}"#
        );
        mapper().time_cost(&TIME, &serde_json::from_str(&json).unwrap(), company).unwrap()
    };
    let (place, known) = cost(r#", "Hours": 1, "Minutes": 20, "CostRate": 70.00"#);
    assert_eq!((place, show(known.amount)), (Place::Project(id("PRJ-2025-002")), "93.33 EUR = 93.33 EUR".to_owned()));
    assert_eq!((known.kind, known.party.unwrap().name.as_deref()), (CostKind::Labour, Some("Ada")));
    let (_, unknown) = cost(r#", "Hours": 1"#);
    assert!(unknown.amount.is_unknown());
}

#[test]
fn a_payment_is_what_it_pays_of_the_invoice_and_a_credit_applied_is_none() {
    let payment = |total: &str| -> wire::Payment {
        let json = format!(
            r#"{{"Id": "24", "TxnDate": "2026-01-20", "CurrencyRef": {{"value": "USD"}}, "ExchangeRate": 0.95, "TotalAmt": {total},
                "UnappliedAmt": 30, "Line": [
                {{"Amount": 50, "LinkedTxn": [{{"TxnId": "91", "TxnType": "Invoice"}}]}},
                {{"Amount": 20, "LinkedTxn": [{{"TxnId": "92", "TxnType": "Invoice"}}]}},
                {{"Amount": 9, "LinkedTxn": [{{"TxnId": "91", "TxnType": "CreditMemo"}}]}}]}}"#
        );
        serde_json::from_str(&json).unwrap()
    };
    let (paid, flaws) = map::payment(&payment("100"), "91", EURO).unwrap();
    assert_eq!((show(paid.amount), &*paid.id), ("50 USD = 47.5 EUR".to_owned(), "Payment-24"), "at the payment's rate");
    assert!(flaws.is_empty());
    assert!(map::payment(&payment("100"), "93", EURO).is_none());
    assert!(map::payment(&payment("0"), "91", EURO).is_none(), "no money came in");
}
