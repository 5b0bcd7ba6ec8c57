//! What counts and what does not, against the embedded company with books in it that no other ledger would have: prepaid
//! costs, items, retainers, overpayments, and customers that are younger than the list of them.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::tests::{Bench, call, ids, show};
use super::*;
use crate::demo::sap::fixture;
use crate::domain::{Cost, CostKind, Direction, InvoiceId, InvoiceKind, InvoiceQuery, InvoiceState, ProjectInvoice};

/// The customers that are the projects PRJ-2025-001 and PRJ-2025-002.
const PROJECT: &str = "1000001";
const OTHER_PROJECT: &str = "1000002";
/// Accounts by what they are: an asset, a liability, costs of two kinds.
const PREPAID: &str = "1200";
const RETAINERS: &str = "2100";
const SUPPLIES: &str = "5800";
const INSURANCE: &str = "620000";

fn bill(id: &str, lines: Value) -> Value {
    let mut bill = json!({ "Id": id, "DocNumber": id, "TxnDate": "2026-01-12", "VendorRef": { "value": "1" },
        "CurrencyRef": { "value": "EUR" }, "ExchangeRate": 1, "TotalAmt": 1200, "Balance": 1200 });
    bill["Line"] = lines;
    bill
}

fn on_account(id: &str, amount: u32, account: &str, customer: &str) -> Value {
    json!({ "Id": id, "Amount": amount, "DetailType": "AccountBasedExpenseLineDetail",
            "AccountBasedExpenseLineDetail": { "AccountRef": { "value": account }, "CustomerRef": { "value": customer } } })
}

fn of_item(id: &str, amount: u32, item: &str, customer: &str) -> Value {
    json!({ "Id": id, "Amount": amount, "DetailType": "ItemBasedExpenseLineDetail",
            "ItemBasedExpenseLineDetail": { "ItemRef": { "value": item }, "CustomerRef": { "value": customer } } })
}

/// An invoice of these nets without tax, of which something is still open.
fn invoice(id: &str, nets: &[i32], balance: i32) -> Value {
    let lines = nets.iter().zip(1..).map(|(net, line)| {
        json!({ "Id": line.to_string(), "Amount": net, "DetailType": "SalesItemLineDetail",
                "SalesItemLineDetail": { "ItemRef": { "value": "9" } } })
    });
    json!({ "Id": id, "DocNumber": id, "TxnDate": "2026-01-12", "DueDate": "2026-02-12",
            "CustomerRef": { "value": PROJECT }, "CurrencyRef": { "value": "EUR" }, "ExchangeRate": 1,
            "TotalAmt": nets.iter().sum::<i32>(), "Balance": balance, "Line": lines.collect::<Vec<_>>() })
}

fn shown(costs: &[Cost]) -> Vec<(String, String)> {
    let added = |cost: &&Cost| ["-10", "Purchase-"].iter().any(|mark| cost.id.contains(mark));
    costs.iter().filter(added).map(|cost| (cost.id.to_string(), show(cost.amount))).collect()
}

fn cost(id: &str, amount: &str) -> (String, String) {
    (id.to_owned(), format!("{amount} EUR = {amount} EUR"))
}

/// What was invoiced of these, and what came in.
fn invoiced(parts: &[ProjectInvoice], of: &[&str]) -> (Decimal, Decimal) {
    let counts = |part: &&ProjectInvoice| of.contains(&part.invoice.id.as_str());
    let amounts = parts
        .iter()
        .filter(counts)
        .map(|part| (part.net().company.unwrap().amount, part.paid().company.unwrap().amount));
    amounts.fold((Decimal::ZERO, Decimal::ZERO), |sum, amount| (sum.0 + amount.0, sum.1 + amount.1))
}

#[tokio::test]
async fn what_is_bought_on_a_prepaid_account_costs_as_the_journal_spreads_it() {
    let bench = Bench::start(fixture::company(), "").await;
    let one = ids(&["PRJ-2025-001"]);
    // 1200 of insurance for a year, 300 of supplies, and the first month of the insurance.
    let lines = json!([on_account("1", 1200, PREPAID, PROJECT), on_account("2", 300, SUPPLIES, PROJECT)]);
    bench.additions.add("Bill", bill("101", lines));
    let card = json!({ "Credit": false, "PaymentType": "CreditCard", "EntityRef": { "value": "1" } });
    let mut purchase =
        bill("102", json!([on_account("1", 50, PREPAID, PROJECT), on_account("2", 7, SUPPLIES, PROJECT)]));
    purchase.as_object_mut().unwrap().extend(card.as_object().unwrap().clone());
    bench.additions.add("Purchase", purchase);
    let row = |line: &str, side: &str, account: &str| {
        json!({ "Id": line, "Amount": 100, "DetailType": "JournalEntryLineDetail", "JournalEntryLineDetail": {
            "PostingType": side, "AccountRef": { "value": account },
            "Entity": { "Type": "Customer", "EntityRef": { "value": PROJECT } } } })
    };
    bench.additions.add(
        "JournalEntry",
        json!({ "Id": "103", "TxnDate": "2026-01-31", "CurrencyRef": { "value": "EUR" }, "ExchangeRate": 1,
                "Line": [row("0", "Debit", INSURANCE), row("1", "Credit", PREPAID)] }),
    );
    let costs = bench.costs(&one).await;
    assert_eq!(
        shown(&costs[&one[0]]),
        [cost("Bill-101-2", "300"), cost("Purchase-102-2", "7"), cost("JournalEntry-103-0", "100")]
    );
    assert_eq!(bench.calls().await.get("Item.query"), None, "no line asks for an item");
    // It is a bill all the same.
    let bills = bench.connection.payables.as_deref().unwrap();
    let found = bills.invoices_by_project(&call(), &one).await.unwrap().found;
    assert!(
        found[&one[0]]
            .iter()
            .any(|part| part.invoice.id.as_str() == "Bill-101" && show(part.net()) == "1200 EUR = 1200 EUR")
    );
}

#[tokio::test]
async fn a_line_of_an_item_costs_by_the_items_account_and_goods_for_stock_cost_nobody_knows_what() {
    let bench = Bench::start(fixture::company(), "").await;
    let both = ids(&["PRJ-2025-001", "PRJ-2025-002"]);
    let item = |id: &str, kind: &str, account: &str, active: bool| json!({ "Id": id, "Name": id, "Type": kind, "Active": active, "ExpenseAccountRef": { "value": account } });
    bench.additions.add("Item", item("501", "Service", SUPPLIES, false));
    bench.additions.add("Item", item("502", "NonInventory", PREPAID, true));
    bench.additions.add("Item", item("503", "Inventory", SUPPLIES, true));
    let lines =
        json!([of_item("1", 40, "501", PROJECT), of_item("2", 50, "502", PROJECT), of_item("3", 9, "504", "1")]);
    bench.additions.add("Bill", bill("101", lines));
    let costs = bench.costs(&both).await;
    assert_eq!(shown(&costs[&both[0]]), [cost("Bill-101-1", "40")], "an item that is not in use any more counts too");
    assert_eq!(bench.calls().await["Item.query"], 1);
    bench.additions.add("Bill", bill("102", json!([of_item("1", 60, "503", OTHER_PROJECT)])));
    let costs = bench.costs(&both).await;
    assert_eq!(shown(&costs[&both[1]]), [("Bill-102-1".to_owned(), "? = ?".to_owned())]);
    assert_eq!(shown(&costs[&both[0]]).len(), 1);
}

#[tokio::test]
async fn a_line_on_an_account_that_is_not_in_the_chart_fails_its_project_and_no_other() {
    let bench = Bench::start(fixture::company(), "").await;
    let both = ids(&["PRJ-2025-001", "PRJ-2025-002"]);
    bench.additions.add("Bill", bill("101", json!([on_account("1", 5, "777", OTHER_PROJECT)])));
    let batch = bench.connection.costs.as_deref().unwrap().costs_by_project(&call(), &both).await.unwrap();
    assert_eq!(batch.found.keys().collect::<Vec<_>>(), [&both[0]]);
    assert_eq!(batch.failed[&both[1]].kind, ErrorKind::BadResponse);
    assert!(batch.failed[&both[1]].to_string().contains("not in the chart"), "{}", batch.failed[&both[1]]);
}

#[tokio::test]
async fn a_customer_who_is_younger_than_the_list_is_looked_for_once_and_may_else_be_any_project() {
    let bench = Bench::start(fixture::company(), "customers_ttl = \"10m\"").await;
    let asked = ids(&["PRJ-2025-001", "PRJ-2026-001"]);
    bench.costs(&asked).await;
    bench.additions.add("Customer", json!({ "Id": "1000099", "DisplayName": "PRJ-2026-001 Just begun" }));
    bench.additions.add("Bill", bill("101", json!([on_account("1", 5, SUPPLIES, "1000099")])));
    let costs = bench.costs(&asked).await;
    assert_eq!(shown(&costs[&asked[1]]), [cost("Bill-101-1", "5")], "and is not nobody");
    assert_eq!(bench.calls().await["Customer.query"], 2);
    bench.costs(&asked).await;
    assert_eq!(bench.calls().await["Customer.query"], 2, "who is known is not looked for");
    let bills = bench.connection.payables.as_deref().unwrap();
    bench.additions.add("Bill", bill("102", json!([on_account("1", 5, SUPPLIES, "4242")])));
    let batch = bench.connection.costs.as_deref().unwrap().costs_by_project(&call(), &asked).await.unwrap();
    let of_bills = bills.invoices_by_project(&call(), &asked).await.unwrap();
    for failed in [batch.failed, of_bills.failed] {
        assert_eq!(failed.len(), 2, "nobody can say whose it is");
        assert!(failed.values().all(|error| error.kind == ErrorKind::BadResponse));
    }
}

#[tokio::test]
async fn where_a_field_carries_the_ids_a_customer_of_that_name_is_no_proof_that_sales_are_known() {
    let field = "{ custom_field = \"Project ID\" }";
    let bench = Bench::start(fixture::company(), &format!("project_on = {field}\ncosts_on = {field}")).await;
    let asked = ids(&["PRJ-2025-001", "PRJ-2025-003", "PRJ-2030-001"]);
    let found = bench.invoices(&asked).await;
    assert_eq!(found.keys().collect::<Vec<_>>(), [&asked[0]]);
    // Rows of the journal go by customer in any case: who is one has no costs. So has who is on a bill that is no cost.
    let mut prepaid = bill("101", json!([on_account("1", 1200, PREPAID, "1")]));
    prepaid["CustomField"] = json!([{ "Name": "Project ID", "StringValue": "PRJ-2030-001" }]);
    assert!(!bench.costs(&asked).await.contains_key(&asked[2]));
    bench.additions.add("Bill", prepaid);
    let costs = bench.costs(&asked).await;
    assert!(!costs[&asked[0]].is_empty() && costs[&asked[1]].is_empty() && costs[&asked[2]].is_empty());
}

#[tokio::test]
async fn what_is_paid_beyond_an_invoice_is_on_no_invoice() {
    let bench = Bench::start(fixture::company(), "").await;
    let mut paid = invoice("201", &[100], 0);
    paid["LinkedTxn"] = json!([{ "TxnId": "301", "TxnType": "Payment" }]);
    bench.additions.add("Invoice", paid);
    // 130 came in for an invoice of 100.
    bench.additions.add(
        "Payment",
        json!({ "Id": "301", "TxnDate": "2026-01-20", "CurrencyRef": { "value": "EUR" }, "ExchangeRate": 1,
                "TotalAmt": 130, "UnappliedAmt": 30,
                "Line": [{ "Amount": 100, "LinkedTxn": [{ "TxnId": "201", "TxnType": "Invoice" }] }] }),
    );
    let asked = InvoiceId::new("Invoice-201");
    let batch = bench.receivables().invoices(&call(), std::slice::from_ref(&asked)).await.unwrap();
    let read = &batch.found[&asked];
    assert_eq!((show(read.paid()), show(read.balance())), ("100 EUR = 100 EUR".to_owned(), "0 EUR = 0 EUR".to_owned()));
    assert_eq!(read.state, InvoiceState::Closed);
    let payments = read.payments.as_deref().unwrap();
    assert_eq!((payments.len(), show(payments[0].amount)), (1, "100 EUR = 100 EUR".to_owned()));
}

#[tokio::test]
async fn a_retainer_is_invoiced_when_it_is_and_taken_off_the_invoice_that_uses_it_up() {
    let bench = Bench::start(fixture::company(), "").await;
    let one = ids(&["PRJ-2025-001"]);
    let retainer = |mut document: Value, line: usize| {
        document["Line"][line]["SalesItemLineDetail"]["ItemAccountRef"] = json!({ "value": RETAINERS });
        document
    };
    // 500 are asked for in advance, on an item that is posted as a liability, and paid.
    bench.additions.add("Invoice", retainer(invoice("201", &[500], 0), 0));
    let parts = bench.invoices(&one).await;
    assert_eq!(invoiced(&parts[&one[0]], &["Invoice-201"]), (Decimal::from(500), Decimal::from(500)));
    // The work is 1200, less what was paid in advance.
    bench.additions.add("Invoice", retainer(invoice("202", &[1200, -500], 700), 1));
    let parts = bench.invoices(&one).await;
    let both = ["Invoice-201", "Invoice-202"];
    assert_eq!(invoiced(&parts[&one[0]], &both), (Decimal::from(1200), Decimal::from(500)), "no part of it twice");
    // One that is paid on the spot is the same.
    bench.additions.add("SalesReceipt", retainer(invoice("203", &[300], 0), 0));
    let parts = bench.invoices(&one).await;
    assert_eq!(invoiced(&parts[&one[0]], &["SalesReceipt-203"]), (Decimal::from(300), Decimal::from(300)));
}

#[tokio::test]
async fn an_invoice_that_waits_for_approval_is_a_draft_wherever_it_is_read() {
    let bench = Bench::start(fixture::company(), "").await;
    let one = ids(&["PRJ-2025-001"]);
    let mut waits = invoice("201", &[100], 100);
    waits["TxnApprovalInfo"] = json!({ "ApprovalStatus": "PENDING_APPROVAL" });
    bench.additions.add("Invoice", waits);
    let parts = bench.invoices(&one).await;
    let read = parts[&one[0]].iter().find(|part| part.invoice.id.as_str() == "Invoice-201").unwrap();
    assert_eq!(read.invoice.state, InvoiceState::Draft);
    let open = InvoiceQuery { open: Some(true), ..InvoiceQuery::default() };
    let page = bench.receivables().invoice_page(&call(), &open, None, 50).await.unwrap();
    assert!(page.items.iter().all(|invoice| invoice.id.as_str() != "Invoice-201"), "nobody owes it");
}

#[tokio::test]
async fn a_list_that_the_language_cannot_filter_is_read_by_full_pages_and_not_for_ever() {
    let start = async |max_pages: usize| {
        let bench = Bench::with_pages(fixture::company(), "page_size = 10", max_pages).await;
        for id in 201..241 {
            bench.additions.add("Invoice", invoice(&id.to_string(), &[100], 100));
        }
        bench
    };
    let bench = start(10).await;
    let closed = InvoiceQuery { open: Some(false), kind: Some(InvoiceKind::Invoice), ..InvoiceQuery::default() };
    let page = bench.receivables().invoice_page(&call(), &closed, None, 1).await.unwrap();
    assert_eq!((page.items.len(), page.items[0].id.as_str(), page.next), (1, "Invoice-4", None));
    let calls = bench.calls().await;
    assert!(calls["Invoice.query"] <= 5, "{calls:?}");
    // What can be said is asked for by as many rows as are wanted, and no receipt is ever open.
    let open = InvoiceQuery { open: Some(true), direction: Some(Direction::Receivable), ..InvoiceQuery::default() };
    let page = bench.receivables().invoice_page(&call(), &open, None, 50).await.unwrap();
    assert_eq!(page.items.len(), 44);
    assert_eq!(bench.calls().await.get("SalesReceipt.query"), calls.get("SalesReceipt.query"));
    let bench = start(3).await;
    let error = bench.receivables().invoice_page(&call(), &closed, None, 1).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Truncated, "{error}");
}

#[tokio::test]
async fn hours_of_vendors_are_no_labour_beside_their_bills() {
    let bench = Bench::start(fixture::company(), "labour = \"time_activities\"").await;
    let one = ids(&["PRJ-2025-001"]);
    let time = |id: &str, who: Value| {
        let mut time = json!({ "Id": id, "TxnDate": "2026-01-05", "CustomerRef": { "value": PROJECT }, "CostRate": 60,
            "StartTime": "2026-01-05T08:00:00+01:00", "EndTime": "2026-01-05T10:00:00+01:00" });
        time.as_object_mut().unwrap().extend(who.as_object().unwrap().clone());
        time
    };
    bench.additions.add("TimeActivity", time("101", json!({ "NameOf": "Employee", "EmployeeRef": { "value": "1" } })));
    bench.additions.add("TimeActivity", time("102", json!({ "NameOf": "Vendor", "VendorRef": { "value": "1" } })));
    let costs = bench.costs(&one).await;
    let labour: Vec<_> = costs[&one[0]].iter().filter(|cost| cost.kind == CostKind::Labour).collect();
    assert_eq!(labour.len(), 1);
    let amount = labour[0].amount.company.unwrap().amount;
    assert_eq!((&*labour[0].id, amount), ("TimeActivity-101", Decimal::from(120)));
}
