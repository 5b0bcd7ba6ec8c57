//! What costs are, and what is unknown of them, against servers that answer what is written here.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::map_tests::project;
use super::tests::{Answers, Server, call, one_project};
use crate::domain::{Cost, CostKind, CostState};
use crate::systems::{Connection, ErrorKind};

const JSON2: &str = "api = \"json2\"\n";

async fn costs(connection: &Connection) -> Vec<Cost> {
    let source = connection.costs.as_ref().unwrap();
    let mut batch = source.costs_by_project(&call(), &[project(1)]).await.unwrap();
    assert!(batch.failed.is_empty(), "{:?}", batch.failed);
    batch.found.remove(&project(1)).unwrap()
}

/// Kind and amount of each cost, `?` where it is unknown.
fn shown(costs: &[Cost]) -> Vec<String> {
    let amount =
        |cost: &Cost| cost.amount.document.map_or("?".to_owned(), |money| money.amount.normalize().to_string());
    let mut shown: Vec<String> = costs.iter().map(|cost| format!("{:?} {}", cost.kind, amount(cost))).collect();
    shown.sort();
    shown
}

/// The sums that the same server gives, in the same words, with the number of records.
async fn sums(connection: &Connection) -> Vec<String> {
    let source = connection.cost_sums.as_ref().unwrap();
    let batch = source.cost_sums_by_project(&call(), &[project(1)]).await.unwrap();
    let sums = batch.found[&project(1)].iter().map(|sum| {
        let amount = sum.sum.amount.document.map_or("?".to_owned(), |money| money.amount.normalize().to_string());
        format!("{:?} {amount} of {}", sum.kind, sum.sum.records)
    });
    let mut sums: Vec<String> = sums.collect();
    sums.sort();
    sums
}

async fn read(answers: Answers, more: &str) -> (Vec<String>, Vec<String>) {
    let server = Server::start(answers).await;
    let connection = server.connect(&format!("{JSON2}{more}"));
    (shown(&costs(&connection).await), sums(&connection).await)
}

/// Whether a condition has a term on a field.
fn asks(arguments: &Value, field: &str, operator: &str) -> bool {
    let terms = arguments["domain"].as_array().into_iter().flatten();
    terms.into_iter().any(|term| term[0] == field && term[1] == operator)
}

/// Analytic lines of project 1: cost, hours, and whether they are of a timesheet.
fn analytic(rows: &[(f64, f64, bool)], method: &str, arguments: &Value) -> Value {
    let hours = asks(arguments, "project_id", "!=");
    let priced = asks(arguments, "amount", "!=");
    let unpriced = asks(arguments, "amount", "=");
    let negative = asks(arguments, "amount", "<");
    let meets = |(amount, worked, of_timesheet): &&(f64, f64, bool)| {
        let either = asks(arguments, "unit_amount", ">=") && priced && (*amount != 0.0 || *worked != 0.0);
        *of_timesheet == hours
            && (either || (priced && *amount != 0.0) || (unpriced && *amount == 0.0) || (negative && *amount < 0.0))
    };
    let rows: Vec<_> = rows.iter().filter(meets).collect();
    if method == "search_read" {
        let row = |(id, (amount, worked, _)): (usize, &&(f64, f64, bool))| {
            json!({ "id": id + 1, "account_id": [1, "One"], "date": "2026-03-01", "name": "x", "ref": false,
                "amount": amount, "unit_amount": worked, "currency_id": [1, "EUR"], "partner_id": false })
        };
        return rows.iter().enumerate().map(row).take(2).collect();
    }
    if rows.is_empty() {
        return json!([]);
    }
    let sum: f64 = rows.iter().map(|(amount, _, _)| amount).sum();
    json!([{ "account_id": [1, "One"], "currency_id": [1, "EUR"], "amount:sum": sum, "__count": rows.len() }])
}

fn unpriced(model: &str, method: &str, arguments: &Value) -> Value {
    match (model, method) {
        ("account.analytic.line", "search_read") if arguments["domain"].to_string().contains("[\"id\",\">\"") => {
            json!([])
        }
        ("account.analytic.line", "search_read" | "formatted_read_group") => {
            analytic(&[(-100.0, 2.0, true), (0.0, 3.0, true)], method, arguments)
        }
        _ => one_project(model, method, arguments),
    }
}

#[tokio::test]
async fn hours_at_a_cost_of_nothing_are_unknown_unless_they_are_said_to_be_free() {
    let (rows, sums) = read(unpriced, "").await;
    assert_eq!(rows, ["Labour 100", "Labour ?"]);
    assert_eq!(sums, ["Labour 100 of 1", "Labour ? of 1"]);
    let (rows, sums) = read(unpriced, "hours_without_cost = \"free\"").await;
    assert_eq!(rows, ["Labour 0", "Labour 100"]);
    assert_eq!(sums, ["Labour 100 of 2"]);
    // Where labour is posted, or no cost, hours are not read at all.
    for labour in ["labour = \"none\"", "labour = \"journal\"\nlabour_accounts = [\"65\"]"] {
        let (rows, sums) = read(unpriced, labour).await;
        assert!(rows.is_empty() && sums.is_empty(), "{labour}: {rows:?} {sums:?}");
    }
}

fn corrected(model: &str, method: &str, arguments: &Value) -> Value {
    match (model, method) {
        ("account.analytic.line", "search_read") if arguments["domain"].to_string().contains("[\"id\",\">\"") => {
            json!([])
        }
        ("account.analytic.line", "search_read" | "formatted_read_group") => {
            let domain = arguments["domain"].to_string();
            assert!(asks(arguments, "project_id", "!=") || domain.contains("general_account_id"), "{domain}");
            analytic(&[(-100.0, 0.0, false), (100.0, 0.0, false)], method, arguments)
        }
        _ => one_project(model, method, arguments),
    }
}

#[tokio::test]
async fn what_corrects_a_cost_is_counted_with_it() {
    let (rows, sums) = read(corrected, "").await;
    assert_eq!(rows, ["Other -100", "Other 100"]);
    assert_eq!(sums, ["Other 0 of 2"]);
}

fn of_another_plan(model: &str, method: &str, arguments: &Value) -> Value {
    match (model, method) {
        ("account.analytic.line", "fields_get") => {
            let fields = ["account_id", "move_line_id", "project_id", "unit_amount", "x_plan2_id", "x_planned_id"];
            fields.iter().map(|field| ((*field).to_owned(), json!({}))).collect::<serde_json::Map<_, _>>().into()
        }
        ("account.analytic.line", "search_read") if arguments["domain"].to_string().contains("x_plan2_id") => {
            assert_eq!(arguments["fields"], json!(["x_plan2_id"]));
            let first = !arguments["domain"].to_string().contains("[\"id\",\">\"");
            if first { json!([{ "id": 9, "x_plan2_id": [1, "One"] }]) } else { json!([]) }
        }
        ("account.analytic.line", "search_read" | "formatted_read_group") => json!([]),
        _ => one_project(model, method, arguments),
    }
}

#[tokio::test]
async fn hours_on_a_further_plan_are_not_left_out_without_a_word() {
    let server = Server::start(of_another_plan).await;
    let connection = server.connect(JSON2);
    let costs = connection.costs.as_ref().unwrap().costs_by_project(&call(), &[project(1)]).await.unwrap();
    let sums = connection.cost_sums.as_ref().unwrap().cost_sums_by_project(&call(), &[project(1)]).await.unwrap();
    assert!(costs.found.is_empty() && sums.found.is_empty());
    for error in [&costs.failed[&project(1)], &sums.failed[&project(1)]] {
        assert_eq!(error.kind, ErrorKind::Truncated);
        assert!(error.detail.as_deref().unwrap().contains("further plan"), "{error:?}");
    }
}

fn item(id: u64, account: &str, amount: f64, more: &Value) -> Value {
    let mut item = json!({ "id": id, "move_id": [id, "M"], "move_name": "M", "date": "2026-03-01", "name": "x",
        "partner_id": false, "account_id": [1, account], "quantity": 1.0, "currency_id": [1, "EUR"],
        "company_currency_id": [1, "EUR"], "balance": amount, "amount_currency": amount,
        "analytic_distribution": { "1": 100.0 } });
    item.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    item
}

/// A bill of 1200 for an asset, and two items posted by hand: 100 that write it off, 50 of wages.
fn asset(model: &str, method: &str, arguments: &Value) -> Value {
    let domain = arguments["domain"].to_string();
    match (model, method) {
        ("account.move", "fields_get") => json!({ "asset_id": {} }),
        ("account.move.line", "search_read") if domain.contains("original_move_line_ids") => {
            assert!(domain.contains("[\"id\",\"in\",[20,21]]") && domain.contains("[10]"), "{domain}");
            json!([{ "id": 20, "move_id": [20, "M"] }])
        }
        ("account.move.line", "search_read") if domain.contains("[\"id\",\">\"") => json!([]),
        ("account.move.line", "search_read") if domain.contains("in_invoice") => {
            json!([item(10, "200000 Machines", 1200.0, &json!({}))])
        }
        ("account.move.line", "search_read") => {
            let (machine, wages) = ("680000 Depreciation", "651000 Wages");
            json!([item(20, machine, 100.0, &json!({})), item(21, wages, 50.0, &json!({}))])
        }
        _ => one_project(model, method, arguments),
    }
}

#[tokio::test]
async fn an_asset_costs_what_its_bill_says_and_labour_is_read_from_one_place() {
    assert_eq!(read(asset, "").await.0, ["Expense 50", "Vendor 1200"]);
    let accounts = "labour_accounts = [\"65\"]";
    assert_eq!(read(asset, accounts).await.0, ["Vendor 1200"], "the same hours are in timesheets");
    assert_eq!(read(asset, &format!("labour = \"journal\"\n{accounts}")).await.0, ["Labour 50", "Vendor 1200"]);
}

/// An order of 10 at 100 in all, 4 of them billed; the bills of those 4 are drafts.
fn ordered(model: &str, method: &str, arguments: &Value, unit: &str, drafts: &[(&str, f64)]) -> Value {
    let domain = arguments["domain"].to_string();
    match (model, method) {
        (_, "fields_get") if model == "purchase.order.line" => json!({ unit: {} }),
        ("res.company", _) => json!([{ "id": 1, "currency_id": [1, "EUR"] }]),
        ("purchase.order.line", _) if domain.contains("[\"id\",\">\"") => json!([]),
        ("purchase.order.line", _) => {
            assert!(arguments["fields"].as_array().unwrap().contains(&json!(unit)));
            json!([{ "id": 5, "order_id": [9, "P9"], "partner_id": false, "company_id": [1, "We"],
                "currency_id": [1, "EUR"], "date_order": "2026-03-01 08:15:00", "name": "Days", "product_qty": 10.0,
                "qty_invoiced": 4.0, "price_subtotal": 100.0, unit: [1, "Days"], "analytic_distribution": { "1": 100.0 } }])
        }
        ("account.move.line", "search_read") if domain.contains("purchase_line_id") => {
            let of = |(kind, _): &&(&str, f64)| domain.contains(&format!("\"{kind}\""));
            let row = |(at, (kind, quantity)): (usize, &(&str, f64))| {
                // What is negative on a bill stands on the other side: its type counts, and not the side.
                let (balance, unit) =
                    if *kind == "in_refund" { (1.0, 1) } else { (-1.0, if *quantity > 10.0 { 2 } else { 1 }) };
                json!({ "id": at + 1, "purchase_line_id": [5, "P9"], "quantity": quantity, "balance": balance,
                    "product_uom_id": [unit, "Days"] })
            };
            drafts.iter().filter(of).enumerate().map(row).take(1).collect()
        }
        _ => one_project(model, method, arguments),
    }
}

#[tokio::test]
async fn what_drafts_hold_of_an_order_is_counted_by_their_type_and_in_its_unit_alone() {
    let committed = async |answers: Answers| {
        let server = Server::start(answers).await;
        let costs = costs(&server.connect(JSON2)).await;
        assert!(costs.iter().all(|cost| cost.state == CostState::Committed && cost.kind == CostKind::Vendor));
        shown(&costs)
    };
    let bill: Answers = |model, method, asked| ordered(model, method, asked, "product_uom_id", &[("in_invoice", 4.0)]);
    assert_eq!(committed(bill).await, ["Vendor 100"]);
    let credit: Answers = |model, method, asked| ordered(model, method, asked, "product_uom", &[("in_refund", 2.0)]);
    assert_eq!(committed(credit).await, ["Vendor 40"]);
    let hours: Answers =
        |model, method, asked| ordered(model, method, asked, "product_uom_id", &[("in_invoice", 32.0)]);
    assert_eq!(committed(hours).await, ["Vendor ?"]);
}

/// Odoo 15: two items of 100 that name no account or another one, and have a tag that gives account 1 a share.
fn tagged(model: &str, method: &str, arguments: &Value) -> Value {
    let domain = arguments["domain"].to_string();
    match (model, method) {
        ("account.analytic.distribution" | "account.move.line", "search_read") if domain.contains("[\"id\",\">\"") => {
            json!([])
        }
        ("account.analytic.distribution", _) => {
            json!([{ "id": 1, "account_id": [1, "One"], "tag_id": [7, "Shared"] },
                { "id": 2, "account_id": [2, "Two"], "tag_id": [7, "Shared"] }])
        }
        ("account.analytic.account", _) if domain.contains("[\"id\",\"in\"") => json!([]),
        ("account.move.line", "search_read") if domain.contains("in_invoice") => {
            assert!(domain.contains("[\"analytic_tag_ids\",\"in\",[7]]"), "{domain}");
            let untagged =
                json!({ "analytic_distribution": false, "analytic_account_id": [1, "One"], "analytic_tag_ids": [8] });
            let tagged =
                json!({ "analytic_distribution": false, "analytic_account_id": false, "analytic_tag_ids": [7, 8] });
            json!([item(10, "600000 x", 100.0, &tagged), item(11, "600000 x", 30.0, &untagged)])
        }
        _ => one_project(model, method, arguments),
    }
}

#[tokio::test]
async fn a_line_with_a_tag_that_shares_it_out_has_an_unknown_amount() {
    let (rows, _) = read(tagged, "analytic = \"account\"\npurchase_orders = false").await;
    assert_eq!(rows, ["Vendor 30", "Vendor ?"]);
}

/// Documents carry the shared ID: a bill of project 2, which has no analytic account, and one of project 20.
fn by_document(model: &str, method: &str, arguments: &Value) -> Value {
    let domain = arguments["domain"].to_string();
    match (model, method) {
        ("account.move" | "account.move.line", "search_read") if domain.contains("[\"id\",\">\"") => json!([]),
        ("account.move", "search_read") => {
            json!([{ "id": 10, "x_ref": " prj-2025-002" }, { "id": 11, "x_ref": "PRJ-2025-0020" }])
        }
        ("account.move.line", "search_read") if domain.contains("in_invoice") => {
            assert!(domain.contains("[\"move_id.x_ref\",\"ilike\",\"PRJ-2025-002\"]"), "{domain}");
            json!([item(10, "600000 x", 40.0, &json!({})), item(11, "600000 x", 1.0, &json!({}))])
        }
        _ => one_project(model, method, arguments),
    }
}

#[tokio::test]
async fn a_project_with_documents_and_without_an_account_has_costs_that_are_not_all_known() {
    let server = Server::start(by_document).await;
    let document = "[shared_id]\ndocument = \"x_ref\"";
    let ids = [project(1), project(2), project(3)];
    let connection = server.connect(&format!("{JSON2}{document}"));
    let batch = connection.costs.as_ref().unwrap().costs_by_project(&call(), &ids).await.unwrap();
    assert!(batch.found[&project(1)].is_empty() && batch.found.len() == 1, "{:?}", batch.found);
    assert_eq!(batch.failed.keys().collect::<Vec<_>>(), [&project(2)]);
    let error = &batch.failed[&project(2)];
    assert_eq!(error.kind, ErrorKind::Truncated);
    assert!(error.to_string().contains("no analytic account"), "{error}");
    let batch = connection.cost_sums.as_ref().unwrap().cost_sums_by_project(&call(), &ids).await.unwrap();
    assert!(batch.failed.contains_key(&project(2)));
    let some = server.connect(&format!("{JSON2}analytic_accounts = \"some\"\n{document}"));
    let batch = some.costs.as_ref().unwrap().costs_by_project(&call(), &ids).await.unwrap();
    assert_eq!(shown(&batch.found[&project(2)]), ["Vendor 40"]);
    assert!(batch.failed.is_empty() && !batch.found.contains_key(&project(3)));
}

fn unreadable(model: &str, method: &str, arguments: &Value) -> Value {
    match (model, method) {
        ("account.move", "formatted_read_group") => {
            assert_eq!(arguments["groupby"], json!(["x_ref", "move_type", "currency_id", "company_id"]));
            json!([{ "x_ref": "PRJ-2025-001", "move_type": false, "currency_id": [1, "EUR"], "company_id": [1, "We"],
                "amount_untaxed:sum": 1.0, "amount_untaxed_signed:sum": 1.0, "__count": 1 }])
        }
        _ => one_project(model, method, arguments),
    }
}

#[tokio::test]
async fn a_sum_that_cannot_be_read_is_an_error_and_not_left_out() {
    let server = Server::start(unreadable).await;
    let connection = server.connect(&format!("{JSON2}[shared_id]\ndocument = \"x_ref\""));
    let sums = connection.invoice_sums.as_ref().unwrap().invoiced_by_project(&call(), &[project(1)]).await;
    assert_eq!(sums.unwrap_err().kind, ErrorKind::BadResponse);
}

#[test]
fn what_is_left_of_binary_floats_is_nothing() {
    let number = |text: &str| serde_json::from_str::<super::wire::Number>(text).unwrap().decimal();
    assert_eq!(number("5.551115123125783e-17").unwrap(), Decimal::ZERO);
    assert_eq!(number("-1.1102230246251565e-16").unwrap(), Decimal::ZERO);
    assert_eq!(number("1.5e-05").unwrap(), Decimal::new(15, 6));
    for odd in ["\"e-17\"", "\"5e\"", "\"x\"", "null", "\"1e+300\""] {
        assert!(number(odd).is_err(), "{odd}");
    }
    let group: super::record::Record =
        serde_json::from_str(r#"{"unit_amount:sum": 5.551115123125783e-17, "employee_id": [3, "Bo"]}"#).unwrap();
    assert_eq!(super::work::effort("employee_id", &[group]).unwrap().hours_spent, Decimal::ZERO);
}
