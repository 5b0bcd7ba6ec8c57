//! The profitability of a portfolio over HTTP: that it is the sum of its projects, and what it says when systems are missing.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::{Value, json};
use spine::demo::company::model::{Cancelled, DocumentKind};

use super::support::{Answer, Gateway, company};

fn decimal(value: &Value) -> Option<Decimal> {
    value.as_str().map(|text| text.parse().unwrap())
}

fn amount(row: &Value, metric: &str) -> Option<Decimal> {
    decimal(&row[metric]["amount"])
}

fn rows(answer: &Answer) -> Vec<Value> {
    answer.data()["profitability"]["rows"].as_array().unwrap().clone()
}

const BY_VERTICAL: &str = "{ profitability(groupBy: [VERTICAL]) { rows { members { value label } projectCount
    contractValue { amount } invoiced { amount } actualCost { amount } margin { amount currency } marginBase { amount } marginPct
    completeness { included excluded reasons } } totals { margin { amount } invoiced { amount } contractValue { amount } }
    completeness { included excluded reasons } } }";

/// What the books say was invoiced, without tax, in the company's currency.
fn invoiced_in_the_books(gateway: &Gateway) -> Decimal {
    let company = gateway.demo.company.read().unwrap();
    let net = |kind| {
        let posted =
            company.ledger.documents.iter().filter(move |one| one.kind == kind && one.cancelled == Cancelled::No);
        posted.flat_map(|one| &one.lines).map(|line| line.net).sum::<Decimal>()
    };
    net(DocumentKind::Invoice) - net(DocumentKind::CreditNote)
}

#[tokio::test]
async fn margin_by_vertical_is_the_sum_of_the_margins_of_its_projects() {
    let gateway = Gateway::start(150).await;
    let answer = gateway.ask(BY_VERTICAL).await;
    answer.fine();
    let mut codes: Vec<String> = {
        let company = gateway.demo.company.read().unwrap();
        let typed = company.deals.iter().map(|deal| &deal.shared_id);
        let typed = typed.chain(company.projects.iter().map(|project| &project.shared_id)).flatten();
        typed.map(|id| id.trim().to_uppercase()).filter(|id| id.len() == 12 && id.starts_with("PRJ-")).collect()
    };
    codes.sort();
    codes.dedup();

    // The sum of each vertical; none where a margin is shown in another currency than that of the report.
    let mut expected: BTreeMap<String, Option<Decimal>> = BTreeMap::new();
    for ids in codes.chunks(10) {
        // By the deals they began with: a project that its owner does not show any more still has its money.
        let project = |(at, id): (usize, &String)| {
            format!(
                "p{at}: deal(by: {{ projectId: \"{id}\" }}) {{ vertical financials {{ margin {{ amount currency }} }} }} "
            )
        };
        let query: String = ids.iter().enumerate().map(project).collect();
        let page = gateway.ask(&format!("{{ {query} }}")).await;
        for project in page.data().as_object().unwrap().values() {
            let Some(vertical) = project["vertical"].as_str() else { continue };
            let sum = expected.entry(vertical.to_owned()).or_insert(Some(Decimal::ZERO));
            let margin = &project["financials"]["margin"];
            if let Some(amount) = decimal(&margin["amount"]) {
                *sum = sum.filter(|_| margin["currency"] == "EUR").map(|sum| sum + amount);
            }
        }
    }
    let known: Vec<_> = expected.into_iter().filter_map(|(vertical, sum)| Some((vertical, sum?))).collect();
    assert!(known.len() > 2, "{known:?}");
    for (vertical, margin) in known {
        let row = rows(&answer).into_iter().find(|row| row["members"][0]["label"] == vertical.as_str()).unwrap();
        assert_eq!(amount(&row, "margin").unwrap_or_default(), margin, "{vertical}");
    }
}

#[tokio::test]
async fn what_was_invoiced_ties_out_to_the_books_with_what_nobody_assigned() {
    let mut company = company(150);
    let (mut without, mut drafts) = (Decimal::ZERO, 0);
    let documents = company.ledger.documents.iter_mut();
    for document in documents.filter(|one| one.kind == DocumentKind::Invoice).step_by(9) {
        document.project = None;
        document.lines.iter_mut().for_each(|line| line.project = None);
        match document.cancelled {
            Cancelled::No => without += document.lines.iter().map(|line| line.net).sum::<Decimal>(),
            _ => drafts += 1,
        }
    }
    assert!(without > Decimal::ZERO, "{drafts} of them are void");
    let gateway = Gateway::over(company, |config| config).await;
    let answer = gateway.ask(BY_VERTICAL).await;
    answer.fine();
    let total = &answer.data()["profitability"]["totals"][0];
    assert_eq!(amount(total, "invoiced"), Some(invoiced_in_the_books(&gateway)));
    let sum: Decimal = rows(&answer).iter().filter_map(|row| amount(row, "invoiced")).sum();
    assert_eq!(amount(total, "invoiced"), Some(sum));
    let last = rows(&answer).pop().unwrap();
    assert_eq!(last["members"][0], json!({ "value": null, "label": "(unassigned)" }));
    assert!(amount(&last, "invoiced").unwrap() >= without);
}

#[tokio::test]
async fn a_filter_by_a_vertical_gives_the_row_of_that_vertical() {
    let gateway = Gateway::start(150).await;
    let all = rows(&gateway.ask(BY_VERTICAL).await);
    let row = all.first().unwrap();
    let vertical = row["members"][0]["value"].as_str().unwrap();
    let argument = format!("groupBy: [VERTICAL], filter: {{ vertical: \"{vertical}\" }}");
    let filtered = gateway.ask(&BY_VERTICAL.replace("groupBy: [VERTICAL]", &argument)).await;
    filtered.fine();
    assert_eq!(rows(&filtered), std::slice::from_ref(row));
}

#[tokio::test]
async fn without_the_erp_figures_are_null_with_one_error_and_never_smaller_numbers() {
    let gateway = Gateway::start(150).await;
    // Asked elsewhere: what was read a moment ago would stand in for what cannot be read.
    let whole = Gateway::start(150).await.ask(BY_VERTICAL).await;
    gateway.control("sap", "fault", json!({ "mode": "down" })).await;
    let answer = gateway.ask(BY_VERTICAL).await;
    assert_eq!(answer.codes(), [("sap".to_owned(), "UPSTREAM_UNAVAILABLE".to_owned())]);
    for (row, before) in rows(&answer).iter().zip(rows(&whole)) {
        for metric in ["invoiced", "actualCost", "margin", "marginBase", "marginPct"] {
            assert_eq!(row[metric], Value::Null, "{metric} of {}", row["members"]);
        }
        assert_eq!(row["contractValue"], before["contractValue"], "{}", row["members"]);
    }
    assert_eq!(answer.data()["profitability"]["totals"][0]["invoiced"], Value::Null);
    let reasons = answer.data()["profitability"]["completeness"]["reasons"].as_array().unwrap();
    for reason in ["RECEIVABLES_UNAVAILABLE", "COSTS_UNAVAILABLE"] {
        assert!(reasons.contains(&json!(reason)), "{reasons:?}");
    }
}

#[tokio::test]
async fn without_the_list_of_projects_the_total_is_null_and_the_verticals_stand() {
    let gateway = Gateway::start(150).await;
    let whole = rows(&Gateway::start(150).await.ask(BY_VERTICAL).await);
    gateway.control("redmine", "fault", json!({ "mode": "down" })).await;
    let answer = gateway.ask(BY_VERTICAL).await;
    assert_eq!(answer.codes(), [("redmine".to_owned(), "UPSTREAM_UNAVAILABLE".to_owned())]);
    assert_eq!(answer.data()["profitability"]["totals"][0]["invoiced"], Value::Null);
    let named =
        |rows: Vec<Value>| rows.into_iter().filter(|row| !row["members"][0]["value"].is_null()).collect::<Vec<_>>();
    assert_eq!(named(rows(&answer)), named(whole));
}

#[tokio::test]
async fn a_row_lists_exactly_its_deals() {
    let gateway = Gateway::start(150).await;
    let query = "{ profitability(groupBy: [VERTICAL]) { rows { members { value } dealCount deals(first: 100) { nodes { id vertical } } } } }";
    let answer = gateway.ask(query).await;
    answer.fine();
    let mut listed: Vec<String> = Vec::new();
    for row in rows(&answer) {
        let deals = row["deals"]["nodes"].as_array().unwrap();
        assert_eq!(row["dealCount"].as_u64().unwrap(), deals.len() as u64, "{}", row["members"]);
        listed.extend(deals.iter().map(|deal| deal["id"].as_str().unwrap().rsplit(':').next().unwrap().to_owned()));
    }
    listed.sort();
    let all: Vec<String> = {
        let company = gateway.demo.company.read().unwrap();
        company.deals.iter().map(|deal| deal.id.to_string()).collect()
    };
    assert_eq!(listed, all);
}

#[tokio::test]
async fn figures_come_in_the_currency_that_is_asked_for_and_the_rates_are_named() {
    let gateway = Gateway::start(150).await;
    let query = "{ profitability(groupBy: [CURRENCY], currency: \"USD\") { rows { currency margin { currency }
        contractValue { amount currency } } rates { base date source rates { currency perBase } } } }";
    let answer = gateway.ask(query).await;
    let rates = &answer.fine()["profitability"]["rates"];
    assert_eq!((&rates["base"], &rates["date"]), (&json!("EUR"), &json!("2026-10-30")));
    assert!(rows(&answer).iter().all(|row| row["currency"] == "USD" && row["contractValue"]["currency"] == "USD"));
}

#[tokio::test]
async fn without_a_currency_rows_are_split_by_it_and_no_rate_is_used() {
    let without = |config: String| config.replace("currency = \"EUR\"\nrates", "rates");
    // A deal without a currency makes the contract value of its whole project unknown.
    let mut company = company(150);
    company.deals.retain(|deal| deal.currency.is_some());
    let gateway = Gateway::over(company, without).await;
    let query =
        "{ profitability(groupBy: []) { totals { currency contractValue { amount currency } } rates { base } } }";
    let answer = gateway.ask(query).await;
    let report = &answer.fine()["profitability"];
    assert_eq!(report["rates"], Value::Null);
    let totals = report["totals"].as_array().unwrap();
    assert!(totals.len() > 2, "{totals:?}");
    let company = gateway.demo.company.read().unwrap();
    for total in totals.iter().filter(|total| !total["currency"].is_null()) {
        let won = company.deals.iter().filter(|deal| deal.currency.as_deref() == total["currency"].as_str());
        let won = won.filter(|deal| {
            spine::demo::company::words::stage_of(&deal.stage).is_some_and(spine::demo::company::words::Stage::won)
        });
        let sum: Decimal = won.filter_map(|deal| deal.amount).sum();
        assert_eq!(amount(total, "contractValue").unwrap_or_default(), sum, "{}", total["currency"]);
    }
}
