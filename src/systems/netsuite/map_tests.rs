//! From rows as sent to canonical records.

use jiff::civil::date;
use regex::Regex;
use serde_json::json;

use super::map::Mapper;
use super::wire::Row;
use crate::domain::{
    Booked, Cost, CostKind, CostState, Currency, Flaw, FlawKind, Invoice, InvoiceKind, InvoiceState, Money, ProjectId,
    SharedIdRule,
};

fn mapper() -> Mapper {
    Mapper {
        rule: SharedIdRule::new(Regex::new("^P[0-9]+$").unwrap(), &["trim", "uppercase"]),
        base: None,
        labour_accounts: vec!["50".to_owned()],
        document_url: None,
    }
}

/// A row of these columns over the usual ones.
#[expect(clippy::needless_pass_by_value, reason = "callers hand over what they just made")]
fn row(columns: serde_json::Value) -> Row {
    let mut all = json!({
        "document": "7", "line": "1", "doctype": "CustInvc", "status": "A", "voided": "F", "currency": "EUR",
        "basecurrency": "EUR", "mainline": "F", "taxline": "F", "iscogs": "F", "transactiondiscount": "F",
    });
    for (name, value) in columns.as_object().unwrap() {
        all[name] = value.clone();
    }
    serde_json::from_str(&all.to_string()).unwrap()
}

fn amount(booked: Booked) -> (String, String) {
    let show = |money: Option<Money>| money.map_or("?".to_owned(), |money| money.amount.to_string());
    (show(booked.document), show(booked.company))
}

fn same(text: &str) -> (String, String) {
    (text.to_owned(), text.to_owned())
}

/// A document of a type: its total, a line, a tax, and what else is to be said of its head.
#[expect(clippy::needless_pass_by_value, reason = "callers hand over what they just made")]
fn document(doctype: &str, [total, line, tax]: [&str; 3], head: serde_json::Value) -> Invoice {
    let mut main =
        json!({ "doctype": doctype, "mainline": "T", "line": "0", "foreignamount": total, "netamount": total });
    for (name, value) in head.as_object().unwrap() {
        main[name] = value.clone();
    }
    let rows = [
        row(main),
        row(json!({ "doctype": doctype, "foreignamount": line, "netamount": line, "quantity": "-2", "project": "P1" })),
        row(json!({ "doctype": doctype, "line": "2", "taxline": "T", "foreignamount": tax, "netamount": tax })),
    ];
    mapper().invoice(&rows).unwrap()
}

#[test]
fn amounts_are_positive_whatever_side_of_the_ledger_they_stand_on() {
    for (doctype, amounts, kind) in [
        ("CustInvc", ["119", "-100", "-19"], InvoiceKind::Invoice),
        ("CustCred", ["-119", "100", "19"], InvoiceKind::CreditNote),
        ("VendBill", ["-119", "100", "19"], InvoiceKind::Invoice),
        ("VendCred", ["119", "-100", "-19"], InvoiceKind::CreditNote),
    ] {
        let (paid, unpaid) = if kind == InvoiceKind::Invoice {
            ("foreignamountpaid", "foreignamountunpaid")
        } else {
            ("foreignpaymentamountused", "foreignpaymentamountunused")
        };
        let read = document(doctype, amounts, json!({ paid: "19.00", unpaid: "100" }));
        assert_eq!(read.kind, kind, "{doctype}");
        assert_eq!([read.total(), read.net(), read.tax()].map(amount), [same("119.00"), same("100.00"), same("19.00")]);
        assert_eq!((amount(read.paid()), amount(read.balance())), (same("19.00"), same("100.00")), "{doctype}");
        assert_eq!(amount(read.lines[0].net), same("100.00"));
        assert_eq!(read.lines.len(), 1, "tax is no line");
        assert_eq!(read.state, InvoiceState::Open);
    }
    assert!(mapper().invoice(&[row(json!({ "doctype": "SalesOrd", "mainline": "T" }))]).is_none());
    assert!(mapper().invoice(&[row(json!({}))]).is_none(), "without its head it is not whole");
}

#[test]
fn a_cash_sale_is_paid_by_itself() {
    let read = document("CashSale", ["119", "-100", "-19"], json!({}));
    assert_eq!((amount(read.paid()), amount(read.balance())), (same("119.00"), same("0.00")));
    assert_eq!(read.state, InvoiceState::Closed);
}

#[test]
fn states_are_told_by_amounts() {
    let state = |head| document("CustInvc", ["119", "-100", "-19"], head).state;
    assert_eq!(state(json!({ "foreignamountunpaid": "0", "amountunpaid": "0" })), InvoiceState::Closed);
    assert_eq!(state(json!({ "foreignamountunpaid": "0.01" })), InvoiceState::Open);
    assert_eq!(state(json!({ "foreignamountunpaid": "119", "voided": "T" })), InvoiceState::Void);
    assert_eq!(state(json!({ "foreignamountpaid": "119" })), InvoiceState::Closed, "what is open is the rest");
    assert_eq!(state(json!({ "status": "CustInvc:A" })), InvoiceState::Unknown("CustInvc:A".to_owned()));
}

#[test]
fn an_overpayment_leaves_nothing_open() {
    // What was paid too much stays with the payment.
    let head =
        json!({ "foreignamountpaid": "119", "foreignamountunpaid": "0", "amountpaid": "119", "amountunpaid": "0" });
    let read = document("CustInvc", ["119", "-100", "-19"], head);
    assert_eq!((amount(read.paid()), amount(read.balance())), (same("119.00"), same("0.00")));
}

#[test]
fn discounts_on_the_whole_and_cost_of_goods_are_no_lines() {
    let rows = [
        row(json!({ "mainline": "T", "line": "0", "foreignamount": "90", "netamount": "90" })),
        row(json!({ "foreignamount": "-100", "netamount": "-100", "project": "P1" })),
        row(json!({ "line": "2", "transactiondiscount": "T", "foreignamount": "10", "netamount": "10" })),
        row(json!({ "line": "3", "iscogs": "T", "foreignamount": "55", "netamount": "55", "project": "P1" })),
        row(json!({ "line": "4", "iscogs": "T", "foreignamount": "-55", "netamount": "-55" })),
    ];
    let read = mapper().invoice(&rows).unwrap();
    assert_eq!(amount(read.net()), same("90.00"), "the discount is in the net");
    assert_eq!(read.lines.len(), 1);
    assert_eq!(amount(read.tax()), same("0.00"), "no line of tax is no tax");
}

#[test]
fn what_is_not_stated_is_unknown_and_what_cannot_be_read_is_named() {
    let read = mapper()
        .invoice(&[
            row(json!({ "mainline": "T", "currency": "BTC", "netamount": "1.5", "foreignamount": "2",
                "issued": "5/7/2026", "foreignamountpaid": null })),
            row(json!({ "currency": "BTC", "netamount": "1,5" })),
        ])
        .unwrap();
    assert_eq!(amount(read.total()), ("?".to_owned(), "1.50".to_owned()), "the base currency stands");
    let flaw = |field, kind| Flaw { field, kind };
    for expected in [
        flaw("total", FlawKind::UnknownCurrency),
        flaw("lines", FlawKind::BadNumber),
        flaw("issueDate", FlawKind::BadDate),
    ] {
        assert!(read.flaws.contains(&expected), "{expected:?} in {:?}", read.flaws);
    }
    assert!(read.paid().is_unknown());
    let read = document("CustInvc", ["119", "-100", "-19"], json!({ "basecurrency": "", "currency": "USD" }));
    assert_eq!(amount(read.total()), ("119.00".to_owned(), "?".to_owned()));
}

#[test]
fn yen_have_no_cents_and_digits_are_kept() {
    let columns = json!({ "mainline": "T", "currency": "JPY", "foreignamount": "1000", "netamount": "6.1234" });
    let read = mapper().invoice(&[row(columns)]).unwrap();
    assert_eq!(amount(read.total()), ("1000".to_owned(), "6.1234".to_owned()));
    assert_eq!(read.total().document.unwrap().currency, Currency::JPY);
}

#[expect(clippy::needless_pass_by_value, reason = "callers hand over what they just made")]
fn spent(columns: serde_json::Value) -> Option<(ProjectId, Cost)> {
    let mut all =
        json!({ "doctype": "Journal", "project": "p1", "foreignamount": "100", "amount": "90", "currency": "USD" });
    for (name, value) in columns.as_object().unwrap() {
        all[name] = value.clone();
    }
    mapper().spent(&row(all))
}

#[test]
fn costs_are_of_a_kind_by_type_and_account() {
    let kind = |columns| spent(columns).unwrap().1.kind;
    assert_eq!(kind(json!({ "account": "5000" })), CostKind::Labour);
    assert_eq!(kind(json!({ "account": "5100" })), CostKind::Expense);
    assert_eq!(kind(json!({})), CostKind::Expense, "without numbers of accounts");
    assert_eq!(kind(json!({ "doctype": "VendCred", "account": "5000" })), CostKind::Vendor);
    assert_eq!(kind(json!({ "doctype": "ExpRept" })), CostKind::Expense);
    assert_eq!(kind(json!({ "doctype": "CustInvc" })), CostKind::Other);
    assert_eq!(kind(json!({ "doctype": "Custom7" })), CostKind::Unknown("Custom7".to_owned()));
    let (project, cost) = spent(json!({ "issued": "2026-02-03", "memo": " Travel ", "tranid": "J1" })).unwrap();
    assert_eq!((project.as_str(), cost.id.as_ref(), cost.date), ("P1", "7-1", Some(date(2026, 2, 3))));
    assert_eq!(amount(cost.amount), ("100.00".to_owned(), "90.00".to_owned()));
    assert_eq!(
        (cost.description.as_deref(), cost.document.as_deref(), cost.state),
        (Some("Travel"), Some("J1"), CostState::Actual)
    );
    assert!(spent(json!({ "project": "INTERNAL" })).is_none());
}

#[expect(clippy::needless_pass_by_value, reason = "callers hand over what they just made")]
fn ordered(columns: serde_json::Value) -> Option<(String, String)> {
    let mut all = json!({
        "doctype": "PurchOrd", "project": "P1", "currency": "USD", "status": "B", "exchangerate": "0.925",
        "quantity": "10", "foreignamount": "1000",
    });
    for (name, value) in columns.as_object().unwrap() {
        all[name] = value.clone();
    }
    mapper().ordered(&row(all), false).map(|(_, cost)| amount(cost.amount))
}

#[test]
fn an_order_is_committed_by_what_is_not_billed_at_its_own_rate() {
    let pair = |document: &str, company: &str| Some((document.to_owned(), company.to_owned()));
    assert_eq!(ordered(json!({})), pair("1000.00", "925.00"));
    assert_eq!(ordered(json!({ "quantitybilled": "0" })), pair("1000.00", "925.00"));
    assert_eq!(ordered(json!({ "quantitybilled": "7" })), pair("300.00", "277.50"));
    assert_eq!(ordered(json!({ "quantity": "3", "quantitybilled": "2" })), pair("333.33", "308.33"));
    assert_eq!(ordered(json!({ "quantitybilled": "11" })), None, "billed beyond what was ordered");
    assert_eq!(ordered(json!({ "quantity": null })), pair("?", "?"), "nobody says how much of it was billed");
    assert_eq!(ordered(json!({ "exchangerate": null })), pair("1000.00", "?"));
    assert_eq!(ordered(json!({ "currency": "EUR", "exchangerate": null })), pair("1000.00", "1000.00"));
    for done in ["A", "C", "G", "H", "PurchOrd:A", "PurchOrd:H"] {
        assert_eq!(ordered(json!({ "status": done })), None, "{done}");
    }
    assert!(ordered(json!({ "status": "PurchOrd:E" })).is_some());
}

#[test]
fn a_line_without_a_quantity_is_open_as_long_as_nothing_of_it_was_billed() {
    let line = row(
        json!({ "doctype": "PurchOrd", "status": "B", "project": "P1", "currency": "USD", "exchangerate": "0.925", "foreignamount": "1000" }),
    );
    let open = |untouched| amount(mapper().ordered(&line, untouched).unwrap().1.amount);
    assert_eq!(open(true), ("1000.00".to_owned(), "925.00".to_owned()));
    assert_eq!(open(false), ("?".to_owned(), "?".to_owned()));
}

#[test]
fn hours_cost_in_the_base_currency() {
    let hours = |columns: serde_json::Value| {
        let mut all = json!({ "currency": null, "project": "P1", "issued": "2026-03-01", "memo": "Design" });
        for (name, value) in columns.as_object().unwrap() {
            all[name] = value.clone();
        }
        mapper().time(&row(all)).unwrap().1
    };
    let cost = hours(json!({ "amount": "120.375" }));
    assert_eq!((cost.id.as_ref(), cost.kind, cost.date), ("time-7", CostKind::Labour, Some(date(2026, 3, 1))));
    assert_eq!(amount(cost.amount), same("120.375"));
    assert!(hours(json!({})).amount.is_unknown(), "an hour without a price is not free");
    let sum = |priced: &str| mapper().time_sum(&row(json!({ "amount": "10", "records": "2", "priced": priced })));
    assert_eq!(amount(sum("2")), same("10.00"));
    assert!(sum("1").is_unknown());
}

#[test]
fn a_sum_with_a_part_missing_is_no_sum() {
    let sum = |counts: [&str; 2]| {
        let columns = json!({ "currency": "USD", "foreignamount": "-10.5", "amount": "-9", "linecount": "3",
            "foreignrows": counts[0], "baserows": counts[1] });
        amount(mapper().sum(
            &row(columns),
            "amount",
            ["linecount", "foreignrows", "baserows"],
            rust_decimal::Decimal::NEGATIVE_ONE,
        ))
    };
    assert_eq!(sum(["3", "3"]), ("10.50".to_owned(), "9.00".to_owned()));
    assert_eq!(sum(["2", "3"]), ("?".to_owned(), "9.00".to_owned()));
    assert_eq!(sum(["3", "2"]), ("10.50".to_owned(), "?".to_owned()));
}
