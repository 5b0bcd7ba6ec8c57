//! Deals and clients by their keys.

use std::collections::BTreeMap;

use super::*;
use crate::domain::{ClientId, DealId, FlawKind, Link, Money, parse_currency};

fn deal_ids(company: &Company) -> Vec<DealId> {
    company.deals.iter().map(|deal| DealId::new(deal.id.to_string())).collect()
}

#[tokio::test]
async fn deals_by_id_are_what_the_crm_holds_over_each_path_family() {
    for api in ["2026-03", "2026-09", "v3"] {
        let account = Account::with(&format!("api = \"{api}\"\nportal_id = 7"), Options::default()).await;
        let company = account.truth();
        let ids = deal_ids(&company);
        let batch = account.connection.deals.as_ref().unwrap().deals(&call(), &ids).await.unwrap();
        assert!(batch.failed.is_empty());
        assert_eq!(batch.found.len(), company.deals.len());
        for truth in &company.deals {
            let deal = &batch.found[&DealId::new(truth.id.to_string())];
            let stage = stage_of(&truth.stage).unwrap();
            assert_eq!(deal.name.as_deref(), Some(truth.name.as_str()));
            assert_eq!(deal.stage.as_deref(), Some(stage.label));
            assert_eq!(
                deal.pipeline.as_deref(),
                Some(if stage.pipeline == "default" { "Sales pipeline" } else { "Services pipeline" })
            );
            assert_eq!(deal.status, Some(status_of(&truth.stage)));
            let currency = truth.currency.as_deref().map(|code| parse_currency(code).unwrap());
            assert_eq!(deal.amount, truth.amount.zip(currency).map(|(amount, currency)| Money::new(amount, currency)));
            let margin = truth.amount.zip(truth.estimated_cost).map(|(amount, cost)| amount - cost);
            assert_eq!(
                deal.expected_margin,
                margin.zip(currency).map(|(amount, currency)| Money::new(amount, currency))
            );
            assert_eq!(deal.close_date, truth.close_date);
            assert_eq!(deal.vertical.as_deref(), truth.vertical.as_deref());
            assert_eq!(deal.deal_type.as_deref(), truth.deal_type.as_deref());
            assert_eq!(deal.scope, truth.scope);
            assert_eq!(deal.client, truth.client.map(|id| ClientId::new((50_000 + id).to_string())));
            let owner = truth.owner.and_then(|id| company.people.iter().find(|person| person.id == id));
            assert_eq!(
                deal.owner.as_ref().map(|owner| owner.name.clone()),
                owner.map(|o| format!("{} {}", o.first, o.last).into())
            );
            assert_eq!(
                deal.link,
                match &truth.shared_id {
                    None => Link::None,
                    Some(code) => account.rule.parse(code).map_or_else(|_| Link::Malformed(code.clone()), Link::To),
                }
            );
            assert_eq!(deal.created_at.unwrap().as_millisecond(), truth.created.as_millisecond());
            let url = format!("https://app.hubspot.com/contacts/7/record/0-3/{}", truth.id);
            assert_eq!(deal.url.as_deref(), Some(url.as_str()));
        }
    }
}

#[tokio::test]
async fn two_hundred_deals_cost_two_batches_one_call_for_their_clients_and_reference_data_once() {
    let account = Account::of(grown(200), "", Options::default()).await;
    let ids = deal_ids(&account.truth());
    let deals = account.connection.deals.as_ref().unwrap();
    deals.deals(&call(), &ids).await.unwrap();
    let expected =
        [("deals.associations.companies", 1), ("deals.batch_read", 2), ("deals.pipelines", 1), ("owners.list", 2)];
    assert_eq!(account.calls().await, BTreeMap::from(expected.map(|(name, n)| (name.to_owned(), n))));
    deals.deals(&call(), &ids[..1]).await.unwrap();
    let expected = [("deals.associations.companies", 1), ("deals.batch_read", 1)];
    assert_eq!(account.calls().await, BTreeMap::from(expected.map(|(name, n)| (name.to_owned(), n))));
}

#[tokio::test]
async fn ids_the_crm_does_not_know_are_in_neither_map_and_disturb_nobody() {
    let account = Account::new().await;
    let known = account.truth().deals[0].id.to_string();
    let ids: Vec<DealId> = ["1", known.as_str(), "abc", "", "900001' or '1'='1", "../../x", "99999999999999999999999"]
        .map(DealId::new)
        .into();
    let batch = account.connection.deals.as_ref().unwrap().deals(&call(), &ids).await.unwrap();
    assert_eq!(batch.found.keys().map(DealId::as_str).collect::<Vec<_>>(), [known.as_str()]);
    assert!(batch.failed.is_empty());
    let none = account.connection.deals.as_ref().unwrap().deals(&call(), &[]).await.unwrap();
    assert!(none.found.is_empty() && none.failed.is_empty());
}

#[tokio::test]
async fn a_search_finds_the_deals_of_each_shared_id_however_it_is_typed() {
    let account = Account::of(grown(400), "", Options::default()).await;
    let linked = account.linked();
    let spelled = |deal: &&crate::demo::company::model::Deal| {
        deal.shared_id.as_ref().is_some_and(|code| account.rule.parse(code).is_ok_and(|id| id.as_str() != code))
    };
    assert!(account.truth().deals.iter().filter(spelled).count() > 3, "the company has such spellings");
    let unknown = account.rule.parse("PRJ-1999-001").unwrap();
    let ids: Vec<ProjectId> = linked.keys().cloned().chain([unknown.clone()]).collect();
    assert!(ids.len() > 100);
    let batch = account.connection.deals.as_ref().unwrap().deals_by_project(&call(), &ids).await.unwrap();
    assert!(batch.failed.is_empty());
    assert_eq!(batch.found.len(), ids.len());
    assert!(batch.found[&unknown].is_empty());
    for (id, expected) in &linked {
        let found: Vec<String> = batch.found[id].iter().map(|deal| deal.id.to_string()).collect();
        assert_eq!(found, expected.iter().map(u64::to_string).collect::<Vec<_>>(), "{id}");
    }
    let calls = account.calls().await;
    assert_eq!(calls["deals.associations.companies"], 1);
    assert!(calls["deals.search"] <= 4 && !calls.contains_key("deals.batch_read"), "{calls:?}");
}

#[tokio::test]
async fn a_hundred_shared_ids_fit_into_one_search() {
    let account = Account::of(grown(400), "", Options::default()).await;
    let deals = account.connection.deals.as_ref().unwrap();
    let ids: Vec<ProjectId> = account.linked().into_keys().take(deals.batch_limit()).collect();
    assert_eq!(ids.len(), 100);
    deals.deals_by_project(&call(), &ids).await.unwrap();
    assert_eq!(account.calls().await["deals.search"], 1);
}

#[tokio::test]
async fn a_unique_property_is_read_instead_of_searched() {
    let options = Options { unique_project_code: true, ..Options::default() };
    let account = Account::with("shared_id_unique = true", options).await;
    let linked = account.linked();
    let unknown = account.rule.parse("PRJ-1999-001").unwrap();
    let ids: Vec<ProjectId> = linked.keys().cloned().chain([unknown.clone()]).collect();
    let batch = account.connection.deals.as_ref().unwrap().deals_by_project(&call(), &ids).await.unwrap();
    for (id, deals) in &linked {
        let found: Vec<String> = batch.found[id].iter().map(|deal| deal.id.to_string()).collect();
        assert_eq!(found, [deals[0].to_string()], "{id}");
    }
    assert!(batch.found[&unknown].is_empty());
    assert!(!account.calls().await.contains_key("deals.search"));
}

#[tokio::test]
async fn an_amount_without_a_currency_is_a_flaw_unless_the_account_has_a_default() {
    let gap = |account: &Account| {
        let truth = account.truth();
        let deal = truth.deals.iter().find(|deal| deal.currency.is_none() && deal.amount.is_some()).unwrap();
        (DealId::new(deal.id.to_string()), deal.amount.unwrap())
    };
    let account = Account::of(grown(400), "", Options::default()).await;
    let (id, _) = gap(&account);
    let batch = account.connection.deals.as_ref().unwrap().deals(&call(), std::slice::from_ref(&id)).await.unwrap();
    let deal = &batch.found[&id];
    assert!(deal.amount.is_none() && deal.expected_margin.is_none());
    assert!(deal.flaws.iter().any(|flaw| (flaw.field, flaw.kind) == ("amount", FlawKind::MissingCurrency)));

    let account = Account::of(grown(400), "default_currency = \"EUR\"", Options::default()).await;
    let (id, amount) = gap(&account);
    let batch = account.connection.deals.as_ref().unwrap().deals(&call(), std::slice::from_ref(&id)).await.unwrap();
    assert_eq!(batch.found[&id].amount, Some(Money::new(amount, crate::domain::Currency::EUR)));
}

#[tokio::test]
async fn a_correction_is_seen_by_the_next_read() {
    let account = Account::new().await;
    let id = DealId::new(account.truth().deals[3].id.to_string());
    let deals = account.connection.deals.as_ref().unwrap();
    deals.deals(&call(), std::slice::from_ref(&id)).await.unwrap();
    {
        let mut company = account.company.write().unwrap();
        company.deals[3].amount = Some("1234567.89".parse().unwrap());
        company.deals[3].currency = Some("EUR".to_owned());
    }
    let batch = deals.deals(&call(), std::slice::from_ref(&id)).await.unwrap();
    assert_eq!(batch.found[&id].amount.unwrap().amount.to_string(), "1234567.89");
}

#[tokio::test]
async fn clients_are_read_with_their_own_names_for_industry_and_country() {
    let account = Account::with("[map]\nshared_id = \"project_code\"\n", Options::default()).await;
    let company = account.truth();
    let ids: Vec<ClientId> =
        company.clients.iter().map(|client| ClientId::new((50_000 + client.id).to_string())).collect();
    let batch = account.connection.clients.as_ref().unwrap().clients(&call(), &ids).await.unwrap();
    for truth in &company.clients {
        let client = &batch.found[&ClientId::new((50_000 + truth.id).to_string())];
        assert_eq!(client.name.as_deref(), Some(truth.name.as_str()));
        assert_eq!(client.domain.as_deref(), Some(truth.domain.as_str()));
        assert_eq!(client.industry.as_deref(), Some(truth.vertical.as_str()));
        assert_eq!(client.country.as_deref(), Some(truth.country.as_str()));
    }
}

#[tokio::test]
async fn labels_are_kept_for_minutes_and_read_again_when_an_unknown_one_turns_up() {
    let account = Account::new().await;
    let truth = account.truth();
    let known = |deal: &&crate::demo::company::model::Deal| {
        deal.owner.is_some_and(|owner| truth.people.iter().any(|person| person.id == owner))
    };
    let id = DealId::new(truth.deals.iter().find(known).unwrap().id.to_string());
    let deals = account.connection.deals.as_ref().unwrap();
    let reference = async || {
        deals.deals(&call(), std::slice::from_ref(&id)).await.unwrap();
        let calls = account.calls().await;
        (calls.get("deals.pipelines").copied().unwrap_or(0), calls.get("owners.list").copied().unwrap_or(0))
    };
    assert_eq!(reference().await, (1, 2));
    account.clock.advance(Duration::from_secs(200));
    assert_eq!(reference().await, (0, 0));
    account.clock.advance(Duration::from_secs(101));
    assert_eq!(reference().await, (1, 2));

    account.clock.advance(Duration::from_secs(90));
    let gone = truth.deals.iter().find(|deal| deal.owner == Some(99)).map(|deal| deal.id.to_string()).unwrap();
    let batch = deals.deals(&call(), &[DealId::new(gone.as_str())]).await.unwrap();
    assert!(batch.found[&DealId::new(gone.as_str())].owner.is_none());
    assert_eq!(account.calls().await.get("owners.list"), Some(&2), "an unknown owner is looked for once");
    deals.deals(&call(), &[DealId::new(gone.as_str())]).await.unwrap();
    assert_eq!(account.calls().await.get("owners.list"), None, "and not again at once");
}

#[tokio::test]
async fn many_readers_at_once_read_the_labels_once() {
    let account = Account::new().await;
    let id = [DealId::new(account.truth().deals[0].id.to_string())];
    let deals = account.connection.deals.as_ref().unwrap();
    let call = call();
    futures_util::future::try_join_all((0..20).map(|_| deals.deals(&call, &id))).await.unwrap();
    let calls = account.calls().await;
    assert_eq!((calls["deals.pipelines"], calls["owners.list"], calls["deals.batch_read"]), (1, 2, 20));
}

#[tokio::test]
async fn a_project_with_more_deals_than_a_page_has_them_all() {
    let mut company = grown(450);
    for deal in &mut company.deals {
        deal.shared_id = Some("prj-2026-777".to_owned());
    }
    let account = Account::of(company, "", Options::default()).await;
    let id = account.rule.parse("PRJ-2026-777").unwrap();
    let batch =
        account.connection.deals.as_ref().unwrap().deals_by_project(&call(), std::slice::from_ref(&id)).await.unwrap();
    let found: Vec<String> = batch.found[&id].iter().map(|deal| deal.id.to_string()).collect();
    assert_eq!(found, account.truth().deals.iter().map(|deal| deal.id.to_string()).collect::<Vec<_>>());
    assert_eq!(account.calls().await["deals.search"], 3);
}
