//! Pages of deals.

use super::*;
use crate::demo::company::model::Deal as Truth;
use crate::domain::{ClientId, Deal, DealOrder, DealOrderField, DealQuery};
use crate::systems::{ErrorKind, SystemError};

/// What the truth says of a question.
type Check<'a> = Box<dyn Fn(&Truth) -> bool + 'a>;

async fn read_all(account: &Account, query: &DealQuery, limit: usize) -> Result<Vec<Deal>, SystemError> {
    let deals = account.connection.deals.as_ref().unwrap();
    let mut all = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let page = deals.deal_page(&call(), query, after.as_deref(), limit).await?;
        assert!(page.items.len() <= limit);
        assert!(page.next.is_none() || page.items.len() == limit, "only the last page is short");
        all.extend(page.items);
        after = page.next;
        if after.is_none() {
            return Ok(all);
        }
    }
}

fn ids(deals: &[Deal]) -> Vec<String> {
    deals.iter().map(|deal| deal.id.to_string()).collect()
}

#[tokio::test]
async fn the_list_without_a_question_shows_every_deal_once_by_id_and_needs_no_search() {
    let account = Account::of(grown(230), "", Options::default()).await;
    let expected: Vec<String> = account.truth().deals.iter().map(|deal| deal.id.to_string()).collect();
    for (limit, lists) in [(50, 5), (100, 3), (150, 3), (230, 3), (1000, 3)] {
        let all = read_all(&account, &DealQuery::default(), limit).await.unwrap();
        assert_eq!(ids(&all), expected);
        let calls = account.calls().await;
        assert_eq!(calls["deals.list"], lists, "pages of {limit}");
        assert!(!calls.contains_key("deals.search"));
    }
}

#[tokio::test]
async fn each_filter_finds_what_the_truth_says_and_pages_to_the_end() {
    let account = Account::of(grown(260), "", Options::default()).await;
    let company = account.truth();
    let some_client = company.deals.iter().find_map(|deal| deal.client).unwrap();
    let vertical = company.deals.iter().find_map(|deal| deal.vertical.clone()).unwrap();
    let word = company.deals[7].name.split_whitespace().last().unwrap().to_lowercase();
    let well_formed = |deal: &Truth| deal.shared_id.as_ref().is_some_and(|code| account.rule.parse(code).is_ok());
    let (from, to) = (date(2025, 6, 1), date(2026, 6, 30));
    let q = DealQuery::default;
    let cases: Vec<(DealQuery, Check<'_>)> = vec![
        (
            DealQuery { status: Some(DealStatus::Won), ..q() },
            Box::new(|deal| status_of(&deal.stage) == DealStatus::Won),
        ),
        (
            DealQuery { status: Some(DealStatus::Open), ..q() },
            Box::new(|deal| status_of(&deal.stage) == DealStatus::Open),
        ),
        (
            DealQuery { status: Some(DealStatus::Lost), ..q() },
            Box::new(|deal| status_of(&deal.stage) == DealStatus::Lost),
        ),
        (DealQuery { pipeline: Some("services PIPELINE".into()), ..q() }, Box::new(|deal| deal.pipeline == "services")),
        (DealQuery { stage: Some("Closed won".into()), ..q() }, Box::new(|deal| deal.stage == "closedwon")),
        (DealQuery { stage: Some("No such stage".into()), ..q() }, Box::new(|_| false)),
        (
            DealQuery { vertical: Some(vertical.clone()), ..q() },
            Box::new(|deal| deal.vertical.as_ref() == Some(&vertical)),
        ),
        (
            DealQuery { deal_type: Some("existingbusiness".into()), ..q() },
            Box::new(|deal| deal.deal_type.as_deref() == Some("existingbusiness")),
        ),
        (
            DealQuery { client: Some(ClientId::new((50_000 + some_client).to_string())), ..q() },
            Box::new(|deal| deal.client == Some(some_client)),
        ),
        (DealQuery { closed_from: Some(from), ..q() }, Box::new(|deal| deal.close_date.is_some_and(|day| day >= from))),
        (
            DealQuery { closed_from: Some(from), closed_to: Some(to), ..q() },
            Box::new(|deal| deal.close_date.is_some_and(|day| day >= from && day <= to)),
        ),
        (DealQuery { closed_to: Some(date(9999, 12, 31)), ..q() }, Box::new(|deal| deal.close_date.is_some())),
        (DealQuery { linked: Some(true), ..q() }, Box::new(|deal| well_formed(deal))),
        (DealQuery { linked: Some(false), ..q() }, Box::new(|deal| !well_formed(deal))),
        (DealQuery { text: Some(word.clone()), ..q() }, Box::new(|deal| deal.name.to_lowercase().contains(&word))),
    ];
    for (query, matches) in cases {
        let expected: Vec<String> =
            company.deals.iter().filter(|deal| matches(deal)).map(|deal| deal.id.to_string()).collect();
        for limit in [7, 200] {
            let found = read_all(&account, &query, limit).await.unwrap();
            assert_eq!(ids(&found), expected, "{query:?} by {limit}");
        }
    }
}

#[tokio::test]
async fn more_conditions_than_hubspot_takes_are_checked_on_the_rows() {
    let account = Account::of(grown(260), "", Options::default()).await;
    let company = account.truth();
    let is = |deal: &Truth| {
        deal.client.is_some() && deal.shared_id.as_ref().is_some_and(|code| account.rule.parse(code).is_ok())
    };
    let truth =
        company.deals.iter().find(|deal| is(deal) && deal.vertical.is_some() && deal.deal_type.is_some()).unwrap();
    let stage = stage_of(&truth.stage).unwrap();
    let everything = DealQuery {
        status: Some(status_of(&truth.stage)),
        pipeline: Some(if stage.pipeline == "default" { "Sales pipeline" } else { "Services pipeline" }.to_owned()),
        stage: Some(stage.label.to_owned()),
        vertical: truth.vertical.clone(),
        deal_type: truth.deal_type.clone(),
        client: truth.client.map(|id| ClientId::new((50_000 + id).to_string())),
        closed_from: truth.close_date,
        closed_to: truth.close_date,
        linked: Some(true),
        text: Some(truth.name.to_uppercase()),
        order: None,
    };
    assert!(ids(&read_all(&account, &everything, 50).await.unwrap()).contains(&truth.id.to_string()));
    let other = DealQuery { deal_type: Some("neither".to_owned()), ..everything.clone() };
    assert!(read_all(&account, &other, 50).await.unwrap().is_empty());
    let other = DealQuery { vertical: Some("neither".to_owned()), ..everything };
    assert!(read_all(&account, &other, 50).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_order_holds_over_pages_and_the_total_is_hubspots_own() {
    let account = Account::of(grown(260), "", Options::default()).await;
    let company = account.truth();
    for descending in [false, true] {
        let order = Some(DealOrder { field: DealOrderField::CloseDate, descending });
        let query = DealQuery { order, ..DealQuery::default() };
        let all = read_all(&account, &query, 60).await.unwrap();
        assert_eq!(all.len(), company.deals.len());
        let days: Vec<_> = all.iter().filter_map(|deal| deal.close_date).collect();
        assert!(days.is_sorted_by(|a, b| if descending { a >= b } else { a <= b }));
    }
    let won = DealQuery { status: Some(DealStatus::Won), ..DealQuery::default() };
    let page = account.connection.deals.as_ref().unwrap().deal_page(&call(), &won, None, 5).await.unwrap();
    let expected = company.deals.iter().filter(|deal| status_of(&deal.stage) == DealStatus::Won).count();
    assert_eq!(page.total, Some(expected as u64));
}

#[tokio::test]
async fn searched_pages_cost_one_call_each() {
    let account = Account::of(grown(230), "", Options::default()).await;
    let query = DealQuery { closed_to: Some(date(2999, 1, 1)), ..DealQuery::default() };
    let found = read_all(&account, &query, 100).await.unwrap().len();
    assert_eq!(account.calls().await["deals.search"], found.div_ceil(100) as u64);
    read_all(&account, &query, 1000).await.unwrap();
    assert_eq!(account.calls().await["deals.search"], found.div_ceil(200) as u64);
}

#[tokio::test]
async fn rows_beyond_ten_thousand_are_an_error_and_never_a_shorter_list() {
    let account = Account::new().await;
    let order = Some(DealOrder { field: DealOrderField::Name, descending: false });
    let query = DealQuery { order, ..DealQuery::default() };
    let deals = account.connection.deals.as_ref().unwrap();
    let error = deals.deal_page(&call(), &query, Some("row:10000"), 50).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Truncated);
}

#[tokio::test]
async fn a_cursor_of_another_question_or_of_nobody_is_refused() {
    let account = Account::new().await;
    let deals = account.connection.deals.as_ref().unwrap();
    let won = DealQuery { status: Some(DealStatus::Won), ..DealQuery::default() };
    let ordered = DealQuery { order: Some(DealOrder { field: DealOrderField::Name, descending: true }), ..won.clone() };
    for (query, cursor) in [
        (&won, "list:900001"),
        (&ordered, "id:900001"),
        (&ordered, "row:x"),
        (&DealQuery::default(), "id:1"),
        (&won, ""),
    ] {
        let error = deals.deal_page(&call(), query, Some(cursor), 10).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::BadRequest, "{cursor}");
    }
}

#[tokio::test]
async fn a_question_longer_than_hubspot_takes_is_refused_without_asking() {
    let account = Account::new().await;
    let query = DealQuery { text: Some("x".repeat(3_000)), ..DealQuery::default() };
    let deals = account.connection.deals.as_ref().unwrap();
    assert_eq!(deals.deal_page(&call(), &query, None, 10).await.unwrap_err().kind, ErrorKind::BadRequest);
    assert!(!account.calls().await.contains_key("deals.search"));
}
