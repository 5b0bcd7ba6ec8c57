//! What documents, shares and orders mean, correction by correction.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::map::{Mapper, Projects};
use super::spent::OrderFacts;
use super::wire;
use crate::domain::{
    Cost, CostKind, Currency, Invoice, InvoiceState, Money, ProjectId, SharedIdRule, split_by_project,
};
use crate::systems::labour::Labour;

fn rule() -> SharedIdRule {
    SharedIdRule::new(regex::Regex::new(r"^PRJ-\d{4}-\d{3,6}$").unwrap(), &["trim", "nfkc", "uppercase"])
}

pub(super) fn mapper() -> Mapper {
    Mapper {
        rule: rule(),
        base_url: "https://odoo.example.com".to_owned(),
        labour: Labour::Journal,
        labour_accounts: vec!["65".to_owned()],
        free_hours: false,
    }
}

pub(super) fn project(number: u64) -> ProjectId {
    rule().parse(&format!("PRJ-2025-{number:03}")).unwrap()
}

/// Accounts 1, 2 and 3 stand for projects of these numbers, others for none.
fn three() -> Projects {
    Projects::OfAccounts((1..=3).map(|number| (number, project(number))).collect())
}

fn money(text: &str, currency: Currency) -> Money {
    Money::new(text.parse().unwrap(), currency)
}

#[expect(clippy::needless_pass_by_value, reason = "callers hand over what they just made")]
fn document(changes: Value) -> wire::Move {
    let mut document = json!({
        "id": 7, "name": "INV/2026/00007", "move_type": "out_invoice", "state": "posted",
        "invoice_date": "2026-03-01", "invoice_date_due": "2026-03-31", "date": "2026-03-01",
        "partner_id": [12, "Customer"], "currency_id": [2, "USD"], "company_currency_id": [1, "EUR"],
        "amount_untaxed": 100.0, "amount_total": 119.0, "amount_residual": 119.0,
        "amount_untaxed_signed": 90.0, "amount_total_signed": 107.1, "amount_residual_signed": 107.1,
    });
    document.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
    serde_json::from_str(&document.to_string()).unwrap()
}

/// A line of a document, with what stands in the debit positive.
#[expect(clippy::needless_pass_by_value, reason = "callers hand over what they just made")]
fn line(id: u64, own: &str, company: &str, shares: Value) -> wire::Line {
    let text = json!({ "id": id, "move_id": [7, "INV/2026/00007"], "move_name": "INV/2026/00007", "name": "Work",
        "date": "2026-03-01", "partner_id": false, "account_id": [40, "400000 Sales"], "quantity": 1.0,
        "currency_id": [2, "USD"], "company_currency_id": [1, "EUR"], "analytic_distribution": shares });
    let numbers = format!(
        "{{\"amount_currency\": {own}, \"balance\": {company}, {}",
        text.to_string().strip_prefix('{').unwrap()
    );
    serde_json::from_str(&numbers).unwrap()
}

fn invoice(document: &wire::Move, lines: &[wire::Line]) -> Invoice {
    let invoice = mapper().invoice(document, lines, &three());
    assert!(invoice.flaws.is_empty(), "{:?}", invoice.flaws);
    invoice
}

#[test]
fn an_invoice_has_both_currencies_and_a_credit_note_is_positive_too() {
    let lines = [line(1, "-100.0", "-90.0", json!({ "1": 100.0 }))];
    let whole = invoice(&document(json!({ "amount_residual": 19.0, "amount_residual_signed": 17.1 })), &lines);
    assert_eq!(whole.tax().document, Some(money("19.0", Currency::USD)));
    assert_eq!(whole.paid().company, Some(money("90.0", Currency::EUR)));
    assert_eq!(whole.state, InvoiceState::Open);
    assert_eq!(whole.lines[0].net.company, Some(money("90.0", Currency::EUR)));
    assert_eq!(whole.url.as_deref(), Some("https://odoo.example.com/mail/view?model=account.move&res_id=7"));
    for (move_type, sign) in [("out_refund", -1.0), ("in_invoice", -1.0), ("in_refund", 1.0), ("in_receipt", -1.0)] {
        let other = document(json!({ "move_type": move_type, "amount_untaxed_signed": 90.0 * sign,
            "amount_total_signed": 107.1 * sign, "amount_residual_signed": 107.1 * sign }));
        let lines = [line(1, "100.0", "90.0", json!({ "1": 100.0 }))];
        let other = invoice(&other, &lines);
        assert_eq!(other.total().company, Some(money("107.1", Currency::EUR)), "{move_type}");
        let expected = if move_type == "in_refund" { "-90.0" } else { "90.0" };
        assert_eq!(other.lines[0].net.company, Some(money(expected, Currency::EUR)), "{move_type}");
    }
}

#[test]
fn drafts_have_no_number_and_cancelled_ones_nothing_open() {
    let draft = invoice(&document(json!({ "state": "draft", "name": "/", "invoice_date": false })), &[]);
    assert_eq!(
        (&draft.state, draft.number.as_ref(), draft.issue_date),
        (&InvoiceState::Draft, None, Some("2026-03-01".parse().unwrap()))
    );
    assert_eq!(draft.paid().document.unwrap().amount, Decimal::ZERO);
    let void = invoice(&document(json!({ "state": "cancel" })), &[]);
    assert_eq!((void.state.clone(), void.balance().document.unwrap().amount), (InvoiceState::Void, Decimal::ZERO));
    let odd = invoice(&document(json!({ "state": "parked" })), &[]);
    assert_eq!(odd.state, InvoiceState::Unknown("parked".to_owned()));
}

#[test]
fn a_reversed_invoice_and_its_credit_note_are_settled_and_both_count() {
    let settled = json!({ "payment_state": "reversed", "amount_residual": 0.0, "amount_residual_signed": 0.0 });
    let reversed = invoice(&document(settled.clone()), &[]);
    assert_eq!(reversed.state, InvoiceState::Closed);
    assert_eq!(reversed.net().company, Some(money("90.0", Currency::EUR)));
}

#[test]
fn what_odoo_calls_paid_and_keeps_open_is_unknown() {
    for word in ["in_payment", "paid", "invoicing_legacy"] {
        let registered = invoice(&document(json!({ "payment_state": word })), &[]);
        assert!(registered.paid().is_unknown() && registered.balance().is_unknown(), "{word}");
        assert_eq!(registered.state, InvoiceState::Open, "{word}");
        assert_eq!(registered.total().document, Some(money("119.0", Currency::USD)));
        let settled = json!({ "payment_state": word, "amount_residual": 0.0, "amount_residual_signed": 0.0 });
        let settled = invoice(&document(settled), &[]);
        assert_eq!(settled.paid().document, Some(money("119.0", Currency::USD)), "{word}");
        assert_eq!(settled.state, InvoiceState::Closed, "{word}");
    }
    for word in ["not_paid", "partial", "blocked"] {
        let open = invoice(&document(json!({ "payment_state": word })), &[]);
        assert_eq!(open.balance().document, Some(money("119.0", Currency::USD)), "{word}");
    }
}

#[test]
fn a_share_that_cannot_be_read_makes_the_parts_of_the_line_unknown() {
    let odd = line(1, "-100.0", "-90.0", json!({ "1": "x", "2": 50.0, "88": 10.0 }));
    let whole = invoice(&document(json!({})), std::slice::from_ref(&odd));
    assert!(whole.lines.len() == 3 && whole.lines.iter().all(|line| line.net.is_unknown()));
    assert_eq!(whole.project_ids.to_vec(), [project(1), project(2)]);
    for (_, part) in split_by_project(std::sync::Arc::new(whole)) {
        assert!(part.net().is_unknown() && part.total().is_unknown());
    }
    // Also where it is the only one: the document is not that project's as a whole.
    let alone = line(1, "-100.0", "-90.0", json!({ "1": null }));
    let whole = invoice(&document(json!({})), std::slice::from_ref(&alone));
    assert!(split_by_project(std::sync::Arc::new(whole))[0].1.net().is_unknown());
    // One of an account that stands for no project says nothing.
    let beside = line(1, "-100.0", "-90.0", json!({ "1": 100.0, "88": "x" }));
    let whole = invoice(&document(json!({})), std::slice::from_ref(&beside));
    assert_eq!(whole.lines[0].net.document, Some(money("100", Currency::USD)));
}

#[test]
fn noise_of_binary_floats_is_rounded_away() {
    let noisy = document(json!({ "amount_untaxed": 2_178.720_000_000_000_3, "amount_total": 0.1 + 0.2 }));
    let noisy = invoice(&noisy, &[]);
    assert_eq!(noisy.net().document, Some(money("2178.72", Currency::USD)));
    assert_eq!(noisy.total().document, Some(money("0.3", Currency::USD)));
}

#[test]
fn a_line_is_cut_by_its_shares_and_nothing_of_it_is_lost() {
    let thirds = line(1, "-100.0", "-0.01", json!({ "1": 33.333_333, "2": 33.333_333, "3": 33.333_334 }));
    let whole = invoice(&document(json!({})), std::slice::from_ref(&thirds));
    let net = |at: usize| whole.lines[at].net.document.unwrap().amount.to_string();
    assert_eq!([net(0), net(1), net(2)], ["33.33", "33.34", "33.33"]);
    let company: Decimal = whole.lines.iter().map(|line| line.net.company.unwrap().amount).sum();
    assert_eq!(company.to_string(), "0.01");
    assert_eq!(whole.project_ids.to_vec(), [project(1), project(2), project(3)]);

    // Half of it is nobody's; account 77 is of another plan and says nothing.
    let half = line(1, "-100.0", "-90.0", json!({ "1,77": 20.0, "77,1": 30.0, "88": 50.0 }));
    let whole = invoice(&document(json!({})), std::slice::from_ref(&half));
    let parts: Vec<_> = whole
        .lines
        .iter()
        .map(|line| (line.project_id.clone(), line.net.document.unwrap().amount.to_string()))
        .collect();
    assert_eq!(parts, [(Some(project(1)), "50.00".to_owned()), (None, "50.00".to_owned())]);
    let shares = split_by_project(std::sync::Arc::new(whole));
    assert_eq!(shares.len(), 1);
    assert_eq!(shares[0].1.total().document, Some(money("59.50", Currency::USD)));
    assert!(shares[0].1.allocated());

    // Another plan beside, with a key of its own, takes nothing away.
    let beside = line(1, "-100.0", "-90.0", json!({ "1": 100.0, "77": 100.0 }));
    let whole = invoice(&document(json!({})), std::slice::from_ref(&beside));
    assert_eq!(whole.lines.len(), 1);
    assert_eq!(whole.lines[0].net.document, Some(money("100", Currency::USD)));
}

#[test]
fn before_distributions_a_line_names_one_account() {
    let mut plain = line(1, "-100.0", "-90.0", json!(false));
    plain.analytic_account_id = Some(wire::Link(wire::Id(2), Some("[PRJ-2025-002] x".to_owned())));
    let whole = invoice(&document(json!({})), &[plain]);
    assert_eq!(whole.project_ids.to_vec(), [project(2)]);
}

#[test]
fn a_document_that_was_moved_to_another_project_is_that_projects() {
    let moved = line(1, "-100.0", "-90.0", json!({ "2": 100.0 }));
    assert_eq!(invoice(&document(json!({})), &[moved]).project_ids.to_vec(), [project(2)]);
}

#[test]
fn a_retainer_that_the_last_invoice_takes_back_leaves_the_rest() {
    let lines = [line(1, "-150.0", "-135.0", json!({ "1": 100.0 })), line(2, "50.0", "45.0", json!({ "1": 100.0 }))];
    let last = invoice(&document(json!({})), &lines);
    let net: Decimal = last.lines.iter().map(|line| line.net.document.unwrap().amount).sum();
    assert_eq!((net, last.project_ids.len()), (Decimal::ONE_HUNDRED, 1));
}

fn costs(line: &wire::Line) -> Vec<(ProjectId, Cost)> {
    mapper().line_costs(line, &CostKind::Vendor, &three())
}

#[test]
fn bills_cost_and_their_credit_notes_take_back() {
    let split = line(1, "100.0", "90.0", json!({ "1": 40.0, "2": 60.0 }));
    let amounts: Vec<_> = costs(&split).into_iter().map(|(id, cost)| (id, cost.amount.company.unwrap())).collect();
    assert_eq!(amounts, [(project(1), money("36.00", Currency::EUR)), (project(2), money("54.00", Currency::EUR))]);
    let back = line(1, "-10.0", "-9.0", json!({ "1": 100.0 }));
    assert_eq!(costs(&back)[0].1.amount.document, Some(money("-10", Currency::USD)));
    assert!(costs(&line(1, "1.0", "1.0", json!(false))).is_empty());
}

#[test]
fn an_account_says_what_a_journal_item_is_a_cost_of() {
    let kind = |name: &str| mapper().account_kind(Some(&wire::Link(wire::Id(1), Some(name.to_owned()))));
    assert_eq!(kind("651000 Wages"), Some(CostKind::Labour));
    assert_eq!(kind("610000 Travel"), Some(CostKind::Expense));
    assert_eq!(mapper().account_kind(None), Some(CostKind::Expense));
}

fn order_line(ordered: &str, billed: &str, net: &str) -> wire::OrderLine {
    let text = format!(
        r#"{{"id": 5, "order_id": [9, "P00009 (REF)"], "partner_id": [3, "Vendor"], "company_id": [1, "We"],
            "currency_id": [2, "USD"], "date_order": "2026-03-01 08:15:00", "name": "Days",
            "product_qty": {ordered}, "qty_invoiced": {billed}, "price_subtotal": {net},
            "analytic_distribution": {{"1": 100.0}}}}"#
    );
    serde_json::from_str(&text).unwrap()
}

fn open(ordered: &str, billed: &str, net: &str, drafts: i64) -> Option<(String, String)> {
    let rate = serde_json::from_str("1.25").unwrap();
    let facts = OrderFacts { company: Some(Currency::EUR), rate: Some(&rate), drafts: Some(drafts.into()) };
    let costs = mapper().open_costs(&order_line(ordered, billed, net), facts, &three());
    let cost = &costs.first()?.1;
    assert_eq!((cost.document.as_deref(), cost.id.as_ref()), (Some("P00009"), "purchase.order.line,5"));
    let digits = |money: Option<Money>| money.map(|money| money.amount.normalize().to_string());
    digits(cost.amount.document).zip(digits(cost.amount.company))
}

#[test]
fn of_an_order_what_is_not_billed_is_committed() {
    let both = |document: &str, company: &str| Some((document.to_owned(), company.to_owned()));
    assert_eq!(open("3.0", "0.0", "100.0", 0), both("100", "80"));
    assert_eq!(open("3.0", "1.0", "100.0", 0), both("66.67", "53.34"));
    // Half of what counts as billed stands on a draft, and is no cost yet.
    assert_eq!(open("4.0", "2.0", "100.0", 1), both("75", "60"));
    assert_eq!(open("3.0", "3.0", "100.0", 0), None);
    assert_eq!(open("3.0", "5.0", "100.0", 0), None);
    assert_eq!(open("0.0", "0.0", "0.0", 0), None);
}

#[test]
fn the_first_word_of_a_name_can_be_the_shared_id() {
    assert_eq!(mapper().shared_id("name", Some("prj-2025-001 Rollout")), Some(project(1)));
    assert_eq!(mapper().shared_id("code", Some(" prj-2025-001")), Some(project(1)));
    assert_eq!(mapper().shared_id("code", Some("PRJ-2025-001 Rollout")), None);
    assert_eq!(mapper().shared_id("code", None), None);
}
