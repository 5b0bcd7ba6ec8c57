//! What is a cost, and how much, on records as Intuit's pages show them.

use super::chart::Chart;
use super::client::Entity;
use super::config::{Carrier, Labour};
use super::cost_map::{CostType, Effect, Placed};
use super::customers::Place;
use super::map::Company;
use super::map_tests::{EURO, SPLIT, customers, id, mapper, show};
use super::wire;
use crate::domain::{Cost, CostKind, CostState, FlawKind};

const JOURNAL: Entity = Entity { name: "JournalEntry", operation: "journal" };
const TIME: Entity = Entity { name: "TimeActivity", operation: "time" };

/// Account 80 for costs, one of each other kind, and one without a classification; items that are posted on some of them.
fn chart() -> Chart {
    let accounts = r#"[{"Id": "80", "Classification": "Expense"}, {"Id": "13", "Classification": "Asset"},
        {"Id": "21", "Classification": "Liability"}, {"Id": "30", "Classification": "Equity"},
        {"Id": "40", "Classification": "Revenue"}, {"Id": "99"}]"#;
    let items = r#"[{"Id": "20", "Type": "Service", "ExpenseAccountRef": {"value": "80"}},
        {"Id": "21", "Type": "NonInventory", "ExpenseAccountRef": {"value": "13"}},
        {"Id": "22", "Type": "Inventory", "ExpenseAccountRef": {"value": "80"}}, {"Id": "23", "Type": "Service"}]"#;
    Chart::new(serde_json::from_str(accounts).unwrap(), serde_json::from_str(items).unwrap())
}

fn placed(kind: CostKind, effect: Effect, json: &str) -> Vec<Placed> {
    let customers = customers();
    let company = Company { currencies: EURO, customers: &customers };
    let kind = CostType { entity: Entity { name: "Bill", operation: "bill" }, kind, effect };
    mapper().document_costs(&kind, &serde_json::from_str(json).unwrap(), &Carrier::Customer, (&chart(), company))
}

fn costs(kind: CostKind, effect: Effect, json: &str) -> Vec<(Place, Cost)> {
    placed(kind, effect, json).into_iter().map(|(place, cost)| (place, cost.unwrap())).collect()
}

fn amounts(costs: &[(Place, Cost)]) -> Vec<(String, String)> {
    costs.iter().map(|(_, cost)| (cost.id.to_string(), show(cost.amount))).collect()
}

fn one(id: &str, amount: &str) -> (String, String) {
    (id.to_owned(), format!("{amount} EUR = {amount} EUR"))
}

fn unknown(id: &str) -> (String, String) {
    (id.to_owned(), "? = ?".to_owned())
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
fn a_line_is_a_cost_by_its_account_and_one_of_an_item_by_the_items() {
    let of_first = |account: &str| {
        let bill =
            SPLIT.replace(r#""AccountRef": {"value": "80"}"#, &format!(r#""AccountRef": {{"value": "{account}"}}"#));
        placed(CostKind::Vendor, Effect::Spends, &bill)
    };
    let told = |lines: &[Placed]| -> Vec<Option<String>> {
        lines.iter().map(|(_, cost)| cost.as_ref().map(|cost| show(cost.amount))).collect()
    };
    let euros = |amount: &str| Some(format!("{amount} EUR = {amount} EUR"));
    assert_eq!(told(&of_first("80")), [euros("60"), euros("30")]);
    for account in ["13", "21", "30", "40"] {
        assert_eq!(told(&of_first(account)), [euros("30")], "{account} holds no costs");
    }
    for account in ["77", "99", ""] {
        assert_eq!(told(&of_first(account)), [None, euros("30")], "{account}: nobody can say");
    }
    let of_second = |item: &str| {
        let bill = SPLIT.replace(r#""ItemRef": {"value": "20"}"#, item);
        told(&placed(CostKind::Vendor, Effect::Spends, &bill))
    };
    assert_eq!(of_second(r#""ItemRef": {"value": "21"}"#), [euros("60")], "its account holds no costs");
    assert_eq!(of_second(r#""ItemRef": {"value": "22"}"#), [euros("60"), Some("? = ?".to_owned())], "it goes to stock");
    for item in ["23", "24", ""] {
        assert_eq!(of_second(&format!(r#""ItemRef": {{"value": "{item}"}}"#)), [euros("60"), None], "{item}");
    }
    let elsewhere = r#""ItemRef": {"value": "20"}, "ItemAccountRef": {"value": "13"}"#;
    assert_eq!(of_second(elsewhere), [euros("60")], "the line is on another account than its item");
}

#[test]
fn a_bill_that_nobody_has_approved_is_a_cost_that_nobody_knows() {
    let bill =
        SPLIT.replace("\"TotalAmt\"", r#""TxnApprovalInfo": {"ApprovalStatus": "PENDING_APPROVAL"}, "TotalAmt""#);
    let spent = amounts(&costs(CostKind::Vendor, Effect::Spends, &bill));
    assert_eq!(spent, [unknown("Bill-7-1"), unknown("Bill-7-2")]);
}

#[test]
fn of_an_order_only_what_is_open_and_not_received_is_committed() {
    let order = SPLIT.replace("\"TotalAmt\"", "\"POStatus\": \"Open\", \"TotalAmt\"");
    let received = order.replace("\"Amount\": 60", "\"Received\": 45.5, \"Amount\": 60");
    // Of items, the quantity is what is received: one of three.
    let received = received.replace("\"Amount\": 30", "\"Received\": 1, \"Amount\": 30");
    let commits = |order: &str| costs(CostKind::Vendor, Effect::Commits, order);
    let open = commits(&received);
    assert_eq!(amounts(&open), [one("Bill-7-1", "14.5"), one("Bill-7-2", "20")]);
    assert!(open.iter().all(|(_, cost)| cost.state == CostState::Committed));
    assert!(commits(&received.replace("\"Open\"", "\"Closed\"")).is_empty());
    assert!(commits(&received.replace("45.5", "60").replace("\"Received\": 1,", "\"Received\": 3,")).is_empty());
    let too_much = received.replace("45.5", "61").replace("\"Received\": 1,", "\"Received\": 4,");
    assert!(commits(&too_much).is_empty(), "more than was ordered");
    // What takes off is open like the rest, and received like it.
    let off = order.replace("\"Amount\": 60", "\"Amount\": -60");
    assert_eq!(amounts(&commits(&off)), [one("Bill-7-1", "-60"), one("Bill-7-2", "30")]);
    let partly = off.replace("\"Amount\": -60", "\"Received\": -45.5, \"Amount\": -60");
    assert_eq!(amounts(&commits(&partly))[0], one("Bill-7-1", "-14.5"));
    assert_eq!(amounts(&commits(&partly.replace("-45.5", "-61"))), [one("Bill-7-2", "30")]);
    let nothing = order.replace("\"Amount\": 60", "\"Amount\": 0");
    assert_eq!(amounts(&commits(&nothing)), [one("Bill-7-2", "30")]);
}

#[test]
fn of_an_order_that_was_billed_without_a_word_on_what_was_received_nobody_knows_what_is_open() {
    let order = |more: &str| SPLIT.replace("\"TotalAmt\"", &format!("\"POStatus\": \"Open\", {more} \"TotalAmt\""));
    let commits = |order: &str| amounts(&costs(CostKind::Vendor, Effect::Commits, order));
    let linked = |kind: &str| order(&format!(r#""LinkedTxn": [{{"TxnId": "8", "TxnType": "{kind}"}}],"#));
    let all = [one("Bill-7-1", "60"), one("Bill-7-2", "30")];
    assert_eq!(commits(&linked("Estimate")), all, "an order that was made from an estimate");
    let nobody_knows = [unknown("Bill-7-1"), unknown("Bill-7-2")];
    assert_eq!(commits(&linked("Bill")), nobody_knows);
    assert_eq!(commits(&linked("Bill").replace("\"Amount\": 60", "\"Received\": 0, \"Amount\": 60")), nobody_knows);
    let on_line = r#""LinkedTxn": [{"TxnId": "8", "TxnType": "Bill"}], "Amount": 60"#;
    assert_eq!(commits(&order("").replace("\"Amount\": 60", on_line)), nobody_knows);
    let told = linked("Bill").replace("\"Amount\": 60", "\"Received\": 45.5, \"Amount\": 60");
    assert_eq!(commits(&told), [one("Bill-7-1", "14.5"), one("Bill-7-2", "30")]);
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
    let told = |account: wire::Account, labour| -> Vec<Option<Cost>> {
        let (mapper, chart) = (mapper(), Chart::new(vec![account], Vec::new()));
        let lines = entry.line.iter();
        lines
            .filter_map(|line| mapper.journal_cost(&JOURNAL, (&entry, line), labour, (&chart, company)))
            .map(|(_, cost)| cost)
            .collect()
    };
    let costs = |account, labour| -> Vec<Cost> { told(account, labour).into_iter().map(Option::unwrap).collect() };
    let payroll = || account("Expense", "PayrollExpenses", "6000", "Payroll");
    let found = costs(payroll(), Labour::Journal);
    let shown: Vec<String> = found.iter().map(|cost| show(cost.amount)).collect();
    assert_eq!(shown, ["800 EUR = 800 EUR", "-50 EUR = -50 EUR", "? = ?"], "and the vendor's row is nobody's");
    assert!(found.iter().all(|cost| cost.kind == CostKind::Labour));
    assert_eq!(found[2].flaws.len(), 1, "a side that nobody knows is no amount");
    assert_eq!((found[0].description.as_deref(), found[0].document.as_deref()), (Some("Payroll"), Some("J-1")));
    assert!(costs(payroll(), Labour::TimeActivities).is_empty(), "hours tell it");
    for (sub_type, number, name, kind) in [
        ("Travel", "6100", "Travel", CostKind::Expense),
        ("OtherMiscellaneousServiceCost", "6500", "Outside help", CostKind::Labour),
        ("OtherMiscellaneousServiceCost", "", "subcontracted labour", CostKind::Labour),
    ] {
        assert_eq!(costs(account("Expense", sub_type, number, name), Labour::Journal)[0].kind, kind, "{name}");
    }
    for classification in ["Asset", "Revenue", "Liability", "Equity"] {
        assert!(costs(account(classification, "", "1", ""), Labour::Journal).is_empty(), "{classification}");
    }
    let unclassified = told(account("", "", "1", ""), Labour::Journal);
    assert_eq!(unclassified.len(), 3);
    assert!(unclassified.iter().all(Option::is_none), "nobody can say whether it is a cost");
}

fn hours(who: &str, more: &str) -> Option<(Place, Cost)> {
    let customers = customers();
    let company = Company { currencies: EURO, customers: &customers };
    let json = format!(r#"{{"Id": "3", "TxnDate": "2026-01-05", "CustomerRef": {{"value": "3"}}, {who} {more}}}"#);
    let (place, cost) = mapper().time_cost(&TIME, &serde_json::from_str(&json).unwrap(), company)?;
    Some((place, cost.unwrap()))
}

const ADA: &str = r#""NameOf": "Employee", "EmployeeRef": {"value": "4", "name": "Ada"}"#;

#[test]
fn hours_cost_their_rate_and_without_one_nobody_knows() {
    let (place, known) = hours(ADA, r#", "Hours": 1, "Minutes": 20, "CostRate": 70.00"#).unwrap();
    assert_eq!((place, show(known.amount)), (Place::Project(id("PRJ-2025-002")), "93.33 EUR = 93.33 EUR".to_owned()));
    assert_eq!((known.kind, known.party.unwrap().name.as_deref()), (CostKind::Labour, Some("Ada")));
    assert!(hours(ADA, r#", "Hours": 1"#).unwrap().1.amount.is_unknown());
}

#[test]
fn hours_that_are_told_by_their_ends_are_those_between_less_the_breaks() {
    let cost = |more: &str| {
        let cost = hours(ADA, &format!(r#", "CostRate": 60, {more}"#)).unwrap().1;
        (show(cost.amount), cost.flaws.into_iter().map(|flaw| flaw.kind).collect::<Vec<_>>())
    };
    let known = |amount: &str| (format!("{amount} EUR = {amount} EUR"), vec![]);
    let unknown = |flaws: &[FlawKind]| ("? = ?".to_owned(), flaws.to_vec());
    let ends = r#""StartTime": "2026-01-05T08:00:00-08:00", "EndTime": "2026-01-05T16:30:00-08:00""#;
    assert_eq!(cost(ends), known("510"));
    assert_eq!(cost(&format!(r#"{ends}, "BreakHours": 1, "BreakMinutes": 15"#)), known("435"));
    assert_eq!(cost(&format!(r#"{ends}, "Hours": 0, "Minutes": 0"#)), known("510"), "nothing is stated beside them");
    assert_eq!(cost(&format!(r#"{ends}, "Hours": 2"#)), known("120"), "hours that are stated stand");
    assert_eq!(cost(&ends.replace("-08:00", "")), known("510"));
    // Summer time ends at two: an hour more than the clock shows.
    let night = r#""StartTime": "2026-11-01T00:00:00-07:00", "EndTime": "2026-11-01T04:00:00-08:00""#;
    assert_eq!(cost(night), known("300"));
    for (odd, flaws) in [
        (ends.replace("T16", "T07"), &[FlawKind::BadDate][..]),
        (ends.replace("T16:30:00-08:00", "T16:30:00"), &[FlawKind::BadDate]),
        (ends.replace("2026-01-05T16", "half past four"), &[FlawKind::BadDate]),
        (format!(r#"{ends}, "BreakHours": 9"#), &[FlawKind::BadDate]),
        (format!(r#"{ends}, "BreakHours": "long""#), &[FlawKind::BadNumber]),
        (ends.split(',').next().unwrap().to_owned(), &[]),
        (format!(r#"{}, "Hours": 0"#, ends.split(',').next().unwrap()), &[]),
        (r#""Description": "Long""#.to_owned(), &[]),
    ] {
        assert_eq!(cost(&odd), unknown(flaws), "{odd}");
    }
}

#[test]
fn the_hours_of_a_vendor_are_on_the_vendors_bill() {
    let more = r#", "Hours": 1, "CostRate": 70"#;
    assert!(hours(r#""NameOf": "Vendor", "VendorRef": {"value": "9"}"#, more).is_none());
    assert!(hours(r#""VendorRef": {"value": "9"}"#, more).is_none());
    assert!(hours(r#""NameOf": "Other", "OtherNameRef": {"value": "9"}"#, more).is_some());
}
