//! What HubSpot refuses, breaks or answers in part.

use std::sync::atomic::{AtomicU32, Ordering};

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::*;
use crate::domain::{ClientId, DealId, DealQuery};
use crate::systems::ErrorKind;

const ASSOCIATIONS: &str = "/crm/associations/2026-03/deals/companies/batch/read";
const DEALS: &str = "/crm/objects/2026-03/deals/batch/read";

async fn failure(account: &Account) -> (ErrorKind, Option<Duration>) {
    let id = DealId::new("900001");
    let error = account.connection.deals.as_ref().unwrap().deals(&call(), &[id]).await.unwrap_err();
    assert_eq!((error.connection.as_str(), error.system), ("hubspot", "hubspot"));
    (error.kind, error.retry_after)
}

#[tokio::test]
async fn each_failure_of_the_system_is_told_apart() {
    let account = Account::new().await;
    for (mode, kind) in [
        ("401", ErrorKind::Unauthorized),
        ("403", ErrorKind::Forbidden),
        ("429", ErrorKind::RateLimited),
        ("html", ErrorKind::BadResponse),
        ("truncated", ErrorKind::BadResponse),
        ("empty", ErrorKind::BadResponse),
    ] {
        let account = Account::new().await;
        account.fault(&format!(r#"{{"mode": "{mode}"}}"#));
        assert_eq!(failure(&account).await.0, kind, "{mode}");
    }
    account.fault(r#"{"mode": "huge"}"#);
    assert_eq!(failure(&account).await.0, ErrorKind::TooLarge);
}

#[tokio::test]
async fn a_system_that_is_down_or_broken_says_so() {
    for (mode, kind) in [("500", ErrorKind::Broken), ("503", ErrorKind::Broken), ("down", ErrorKind::Connect)] {
        let account = Account::new().await;
        account.fault(&format!(r#"{{"mode": "{mode}"}}"#));
        assert_eq!(failure(&account).await.0, kind, "{mode}");
    }
}

#[tokio::test]
async fn numbers_that_come_as_text_change_nothing() {
    let account = Account::new().await;
    let id = [DealId::new(account.truth().deals[0].id.to_string())];
    let deals = account.connection.deals.as_ref().unwrap();
    let plain = deals.deals(&call(), &id).await.unwrap();
    account.fault(r#"{"mode": "strings"}"#);
    let strings = deals.deals(&call(), &id).await.unwrap();
    assert_eq!(format!("{:?}", strings.found[&id[0]]), format!("{:?}", plain.found[&id[0]]));
    let won = DealQuery { status: Some(DealStatus::Won), ..DealQuery::default() };
    assert!(deals.deal_page(&call(), &won, None, 5).await.unwrap().total.is_some());
}

#[tokio::test]
async fn a_missing_scope_is_forbidden_for_what_needs_it_and_leaves_the_rest() {
    let account = Account::with("", Options { without_scope: vec!["line_items"], ..Options::default() }).await;
    let ids = [DealId::new(account.truth().deals[0].id.to_string())];
    let details = account.connection.deal_details.as_ref().unwrap();
    assert_eq!(details.line_items(&call(), &ids).await.unwrap_err().kind, ErrorKind::Forbidden);
    assert!(details.contacts(&call(), &ids).await.is_ok());
    assert!(account.connection.deals.as_ref().unwrap().deals(&call(), &ids).await.is_ok());
}

#[tokio::test]
async fn labels_outlive_a_failure_of_their_endpoint() {
    let account = Account::new().await;
    let ids = [DealId::new(account.truth().deals[0].id.to_string())];
    let deals = account.connection.deals.as_ref().unwrap();
    let before = deals.deals(&call(), &ids).await.unwrap();
    account.clock.advance(Duration::from_secs(400));
    account.fault(r#"{"mode": "403", "path": "/crm/pipelines"}"#);
    let after = deals.deals(&call(), &ids).await.unwrap();
    assert_eq!(after.found[&ids[0]].stage, before.found[&ids[0]].stage);
    account.clock.advance(Duration::from_secs(4000));
    assert_eq!(deals.deals(&call(), &ids).await.unwrap_err().kind, ErrorKind::Forbidden);
}

/// A HubSpot that says exactly this of deals and of their companies.
async fn saying(deals: fn() -> Response, companies: fn() -> Response) -> Account {
    let empty = async || Json(json!({ "results": [] }));
    let router = Router::new()
        .route(DEALS, post(async move || deals()))
        .route(ASSOCIATIONS, post(async move || companies()))
        .route("/crm/objects/2026-03/deals", get(async move || deals()))
        .route("/crm/pipelines/2026-03/deals", get(empty))
        .route("/crm/owners/2026-03", get(empty));
    Account::behind(router, Arc::new(RwLock::new(grown(1))), "").await
}

fn batch(results: &Value, errors: &Value) -> Response {
    let body = json!({ "status": "COMPLETE", "results": results, "errors": errors, "numErrors": 1 });
    (StatusCode::MULTI_STATUS, Json(body)).into_response()
}

fn nothing() -> Response {
    batch(&json!([]), &json!([]))
}

#[tokio::test]
async fn the_client_is_the_primary_company_and_not_the_first() {
    let account = saying(
        || batch(&json!([{ "id": "5", "properties": {} }, { "id": "6", "properties": {} }]), &json!([])),
        || {
            let kind = |label: Option<&str>| json!({ "category": "HUBSPOT_DEFINED", "typeId": 1, "label": label });
            batch(
                &json!([
                    { "from": { "id": "5" }, "to": [
                        { "toObjectId": 11, "associationTypes": [kind(None)] },
                        { "toObjectId": 12, "associationTypes": [kind(None), kind(Some("Primary"))] },
                    ] },
                    { "from": { "id": "6" }, "to": [{ "toObjectId": 11, "associationTypes": [kind(Some("Partner"))] }] },
                ]),
                &json!([]),
            )
        },
    )
    .await;
    let ids = ["5", "6"].map(DealId::new);
    let batch = account.connection.deals.as_ref().unwrap().deals(&call(), &ids).await.unwrap();
    assert_eq!(batch.found[&ids[0]].client, Some(ClientId::new("12")));
    assert_eq!(batch.found[&ids[1]].client, None);
}

#[tokio::test]
async fn an_error_for_one_input_fails_that_key_alone() {
    let account = saying(
        || {
            let errors = json!([
                { "status": "error", "category": "OBJECT_NOT_FOUND", "context": { "ids": ["6"] } },
                { "status": "error", "category": "VALIDATION_ERROR", "context": { "ids": ["7"] } },
            ]);
            batch(&json!([{ "id": "5", "properties": {} }, { "id": "99", "properties": {} }]), &errors)
        },
        nothing,
    )
    .await;
    let ids = ["5", "6", "7"].map(DealId::new);
    let batch = account.connection.deals.as_ref().unwrap().deals(&call(), &ids).await.unwrap();
    assert_eq!(batch.found.keys().collect::<Vec<_>>(), [&ids[0]], "and what was not asked for is dropped");
    assert_eq!(batch.failed.keys().collect::<Vec<_>>(), [&ids[2]]);
    assert_eq!(batch.failed[&ids[2]].kind, ErrorKind::BadRequest);
}

#[tokio::test]
async fn an_error_that_names_nobody_fails_all_without_a_result() {
    let account = saying(
        || batch(&json!([{ "id": "5", "properties": {} }]), &json!([{ "category": "INTERNAL_ERROR" }])),
        nothing,
    )
    .await;
    let ids = ["5", "6"].map(DealId::new);
    let batch = account.connection.deals.as_ref().unwrap().deals(&call(), &ids).await.unwrap();
    assert!(batch.found.contains_key(&ids[0]));
    assert_eq!(batch.failed[&ids[1]].kind, ErrorKind::BadResponse);
}

#[tokio::test]
async fn a_deal_whose_associations_failed_is_not_shown_without_its_client() {
    let account = saying(
        || batch(&json!([{ "id": "5", "properties": {} }, { "id": "6", "properties": {} }]), &json!([])),
        || {
            let error = json!({ "category": "RATE_LIMITS", "context": { "fromObjectId": ["6"] } });
            batch(&json!([]), &json!([error]))
        },
    )
    .await;
    let ids = ["5", "6"].map(DealId::new);
    let batch = account.connection.deals.as_ref().unwrap().deals(&call(), &ids).await.unwrap();
    assert!(batch.found.contains_key(&ids[0]));
    assert_eq!(batch.failed[&ids[1]].kind, ErrorKind::RateLimited);
}

#[tokio::test]
async fn a_batch_that_is_still_running_is_no_answer() {
    let account = saying(|| Json(json!({ "status": "PENDING", "results": [] })).into_response(), nothing).await;
    assert_eq!(failure(&account).await.0, ErrorKind::BadResponse);
}

#[tokio::test]
async fn a_page_without_rows_that_promises_more_is_not_the_end() {
    let account =
        saying(|| Json(json!({ "results": [], "paging": { "next": { "after": "5" } } })).into_response(), nothing)
            .await;
    let deals = account.connection.deals.as_ref().unwrap();
    let error = deals.deal_page(&call(), &DealQuery::default(), None, 10).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Truncated);
}

fn limited(policy: &str) -> Response {
    let body = json!({ "status": "error", "errorType": "RATE_LIMIT", "policyName": policy, "message": "secret words" });
    (StatusCode::TOO_MANY_REQUESTS, Json(body)).into_response()
}

#[tokio::test]
async fn the_daily_limit_is_not_asked_again_and_the_limit_of_a_second_is() {
    static DAILY: AtomicU32 = AtomicU32::new(0);
    static SECONDLY: AtomicU32 = AtomicU32::new(0);
    let account = saying(
        || {
            DAILY.fetch_add(1, Ordering::Relaxed);
            limited("DAILY")
        },
        nothing,
    )
    .await;
    assert_eq!(failure(&account).await.0, ErrorKind::RateLimited);
    assert_eq!(DAILY.load(Ordering::Relaxed), 1);

    let account = saying(
        || match SECONDLY.fetch_add(1, Ordering::Relaxed) {
            0 => limited("SECONDLY"),
            _ => batch(&json!([{ "id": "900001", "properties": {} }]), &json!([])),
        },
        nothing,
    )
    .await;
    let ids = [DealId::new("900001")];
    assert!(account.connection.deals.as_ref().unwrap().deals(&call(), &ids).await.unwrap().found.contains_key(&ids[0]));
    assert_eq!(SECONDLY.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_locked_record_and_a_moving_account_say_when_to_come_back() {
    let account = saying(|| StatusCode::from_u16(477).unwrap().into_response(), nothing).await;
    assert_eq!(failure(&account).await, (ErrorKind::Broken, None));
    let account =
        saying(|| (StatusCode::from_u16(477).unwrap(), [("retry-after", "3600")], "moving").into_response(), nothing)
            .await;
    assert_eq!(failure(&account).await, (ErrorKind::Broken, Some(Duration::from_hours(1))));
}

#[tokio::test]
async fn an_error_never_repeats_what_hubspot_said() {
    let account = saying(|| limited("no such policy: secret words"), nothing).await;
    let ids = [DealId::new("900001")];
    let error = account.connection.deals.as_ref().unwrap().deals(&call(), &ids).await.unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
}
