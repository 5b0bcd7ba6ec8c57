//! What costs are, and what is unknown of them, against servers that answer what is written here.

use serde_json::{Value, json};

use super::odd_servers::{Server, call, connection, decimal, ids, invoice, invoices, result, start};
use crate::domain::{Cost, CostState, InvoiceKind};
use crate::systems::{Connection, ErrorKind, SystemError};

/// State, kind and amount of each cost, `?` where it is unknown; or why there are none.
async fn costs(connection: &Connection) -> Result<Vec<String>, SystemError> {
    let mut batch = connection.costs.as_ref().unwrap().costs_by_project(&call(), &ids()).await.unwrap();
    if let Some(error) = batch.failed.remove(&ids()[0]) {
        assert!(batch.found.is_empty());
        return Err(error);
    }
    let amount =
        |cost: &Cost| cost.amount.document.map_or("?".to_owned(), |money| money.amount.normalize().to_string());
    let state = |cost: &Cost| if cost.state == CostState::Committed { "Committed" } else { "Actual" };
    let costs = batch.found.remove(&ids()[0]).unwrap_or_default();
    let mut shown: Vec<String> =
        costs.iter().map(|cost| format!("{} {:?} {}", state(cost), cost.kind, amount(cost))).collect();
    shown.sort();
    Ok(shown)
}

/// What a server has of project `P1`.
#[derive(Clone, Default)]
struct Books {
    /// Accounts two levels above the project's analytic account, and those above these; no account, if none.
    account: Option<(Vec<u64>, Vec<u64>)>,
    /// Cost price of an hour on its project; no project, if none.
    hour: Option<&'static str>,
    /// Unit of 4 that are billed of 10 ordered in unit 1.
    billed_in: Option<u64>,
    /// The line of a bill that bought the asset that is written off by 25; none, if nothing is written off.
    asset_of: Option<u64>,
    /// Whether there is a bill, of line 1.
    bill: bool,
}

fn rows(books: &Books, model: &str, condition: &Value) -> Value {
    match (model, condition[0].as_str().unwrap()) {
        ("analytic_account.account", "type") => json!([{ "id": 1, "code": "R", "name": "Projects" }]),
        ("analytic_account.account", "code") => {
            let row = |(above, _): &(Vec<u64>, Vec<u64>)| {
                json!({ "id": 11, "code": "P1", "type": "normal",
                    "distribution_parents.": [{ "id": 20, "distribution_parents": above }] })
            };
            books.account.iter().map(row).collect()
        }
        ("analytic_account.account", _) => {
            let above = books.account.as_ref().map(|(_, above)| above);
            json!([{ "id": 30, "distribution_parents": above }])
        }
        ("project.work", _) if books.hour.is_some() => {
            json!([{ "id": 5, "parent": null, "type": "project", "number": "P1" }])
        }
        ("timesheet.line", _) => {
            let row = |price: &&str| {
                json!({ "id": 9, "duration": { "__class__": "timedelta", "seconds": 7200.0 }, "cost_price": decimal(price),
                    "date": null, "description": null, "work.": { "id": 2, "origin": "project.work,5" } })
            };
            books.hour.iter().map(row).collect()
        }
        ("purchase.line", _) => {
            let row = |unit: &u64| {
                json!({ "id": 3, "type": "line", "description": "x", "quantity": 10.0, "unit": 1, "unit_price": decimal("2"),
                    "purchase.": { "id": 1, "number": "7", "currency.": { "id": 1, "code": "EUR" }, "purchase_date": null,
                        "party.": null, "state": "confirmed", "reference": "P1" },
                    "invoice_lines.": [
                        { "id": 4, "quantity": 4.0, "unit": unit, "invoice.": { "id": 6, "state": "posted" } },
                        { "id": 5, "quantity": 1.0, "unit": 9, "invoice.": { "id": 7, "state": "draft" } }] })
            };
            books.billed_in.iter().map(row).collect()
        }
        ("account.invoice", "lines.analytic_accounts.account") if books.bill => {
            let account = json!({ "id": 11, "code": "P1", "type": "normal", "distributions.": [] });
            let line = json!({ "id": 1, "type": "line", "description": "Machine", "quantity": 1.0, "amount": decimal("100.00"),
                "analytic_accounts.": [{ "id": 1, "root": 1, "account.": account }] });
            json!([invoice(1, &json!({ "lines.": [line] }))])
        }
        ("analytic_account.line", _) => {
            let row = |_: &u64| {
                json!({ "id": 50, "date": null, "debit": decimal("25"), "credit": decimal("0"),
                    "account.": { "id": 11, "code": "P1" },
                    "move_line.": { "id": 60, "description": null, "party.": null,
                        "account.": { "id": 70, "code": "6100", "type.": { "id": 1, "expense": true } },
                        "move.": { "id": 80, "number": "1", "origin": "account.asset.line,8" } } })
            };
            books.asset_of.iter().map(row).collect()
        }
        ("account.asset.line", _) => {
            json!([{ "id": 8, "asset.": { "id": 3, "supplier_invoice_line": books.asset_of } }])
        }
        _ => json!([]),
    }
}

async fn serve(books: Books) -> Server {
    start(true, move |model, params| result(&rows(&books, model, &params[0][0]))).await
}

async fn read(books: Books, more: &str) -> Result<Vec<String>, SystemError> {
    let server = serve(books).await;
    costs(&connection(&server, more)).await
}

const BY_REFERENCE: &str = "invoices_on = \"reference\"\ncosts_on = \"reference\"\n";

fn known() -> Books {
    Books { account: Some((Vec::new(), Vec::new())), ..Books::default() }
}

#[tokio::test]
async fn hours_at_a_cost_price_of_nothing_are_unknown_unless_they_are_said_to_be_free() {
    let at = |price| Books { hour: Some(price), ..Books::default() };
    assert_eq!(read(at("50"), BY_REFERENCE).await.unwrap(), ["Actual Labour 100"]);
    assert_eq!(read(at("0"), BY_REFERENCE).await.unwrap(), ["Actual Labour ?"]);
    let free = format!("{BY_REFERENCE}hours_without_cost = \"free\"");
    assert_eq!(read(at("0"), &free).await.unwrap(), ["Actual Labour 0"]);
}

#[tokio::test]
async fn what_is_billed_in_another_unit_leaves_an_unknown_part_of_an_order() {
    let billed_in = |unit| Books { billed_in: Some(unit), hour: Some("0"), ..Books::default() };
    let more = format!("{BY_REFERENCE}labour = \"none\"");
    assert_eq!(read(billed_in(1), &more).await.unwrap(), ["Committed Vendor 12"]);
    assert_eq!(read(billed_in(2), &more).await.unwrap(), ["Committed Vendor ?"]);
}

#[tokio::test]
async fn costs_of_a_project_that_one_place_knows_and_another_does_not_are_refused() {
    let both = Books { hour: Some("50"), ..known() };
    assert_eq!(read(both, "").await.unwrap(), ["Actual Labour 100"]);
    let error = read(known(), "").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Truncated);
    assert!(error.to_string().contains("no project carries it"), "{error}");
    assert!(read(known(), "timesheet_projects = \"some\"").await.unwrap().is_empty());
    assert!(read(known(), "labour = \"none\"").await.unwrap().is_empty());
    let error = read(Books { hour: Some("50"), ..Books::default() }, "").await.unwrap_err();
    assert!(error.to_string().contains("no analytic account does"), "{error}");
    // Nobody knows it: that is no error, and no project of theirs.
    assert!(read(Books::default(), "").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_third_level_of_distributions_is_an_error_of_the_project_it_is_for() {
    let nested = |above: &[u64]| Books { account: Some((vec![30], above.to_vec())), ..Books::default() };
    assert!(read(nested(&[]), "labour = \"none\"").await.unwrap().is_empty());
    let error = read(nested(&[40]), "labour = \"none\"").await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Truncated);
    assert!(error.to_string().contains("two levels are read"), "{error}");
    let server = serve(nested(&[40])).await;
    let source = connection(&server, "labour = \"none\"").receivables.unwrap();
    let batch = source.invoices_by_project(&call(), &ids()).await.unwrap();
    assert!(batch.found.is_empty() && batch.failed.len() == 1);
    let query = crate::domain::InvoiceQuery { project_ids: Some(ids()), ..Default::default() };
    assert_eq!(source.invoice_page(&call(), &query, None, 5).await.unwrap_err().kind, ErrorKind::Truncated);
}

#[tokio::test]
async fn an_asset_costs_what_its_bill_says_and_not_a_second_time_what_is_written_off() {
    let asset = |bill, line| Books { bill, asset_of: Some(line), ..known() };
    let more = "labour = \"none\"\npurchases = false";
    assert_eq!(read(asset(true, 1), more).await.unwrap(), ["Actual Vendor 100"]);
    assert_eq!(read(asset(true, 2), more).await.unwrap(), ["Actual Expense 25", "Actual Vendor 100"], "another one");
    assert_eq!(
        read(asset(false, 1), more).await.unwrap(),
        ["Actual Expense 25"],
        "its bill is no cost of this project"
    );
}

#[tokio::test]
async fn a_credit_note_without_the_reference_is_for_the_project_of_what_it_credits() {
    let line = |origin: &str| {
        json!([{ "id": 2, "type": "line", "description": "Work", "quantity": -1.0,
        "amount": decimal("-30.00"), "origin": origin }])
    };
    let credit = move |id: usize, reference: Value, origin: &str| {
        invoice(
            id,
            &json!({ "reference": reference, "untaxed_amount": decimal("-30.00"), "tax_amount": decimal("0"),
            "total_amount": decimal("-30.00"), "amount_to_pay": decimal("-30.00"), "lines.": line(origin) }),
        )
    };
    let server = start(true, move |model, params| {
        let condition = &params[0][0];
        result(&match (model, condition[0].as_str().unwrap()) {
            ("account.invoice", "reference") => json!([invoice(1, &json!({}))]),
            ("account.invoice", "lines.origin") => {
                assert_eq!(condition[2], json!(["account.invoice.line,1"]));
                json!([
                    credit(2, Value::Null, "account.invoice.line,1"),
                    credit(3, json!("P2"), "account.invoice.line,1"),
                    credit(4, Value::Null, "sale.line,1"),
                ])
            }
            _ => json!([]),
        })
    })
    .await;
    let found = invoices(&connection(&server, BY_REFERENCE)).await.unwrap();
    let shown: Vec<_> = found.iter().map(|part| (part.invoice.id.as_str(), part.invoice.kind)).collect();
    assert_eq!(shown, [("1", InvoiceKind::Invoice), ("2", InvoiceKind::CreditNote)]);
    assert_eq!(found[1].net().document.unwrap().amount, "30".parse().unwrap());
    let costs =
        costs(&connection(&server, &format!("{BY_REFERENCE}labour = \"none\"\npurchases = false"))).await.unwrap();
    assert_eq!(costs, ["Actual Vendor -30", "Actual Vendor 100"]);
}
