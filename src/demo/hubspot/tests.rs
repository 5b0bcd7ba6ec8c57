//! What HubSpot's own client, which is run against the server elsewhere, does not reach.

use std::sync::RwLock;

use axum::body::Body;
use axum::http::{HeaderMap, StatusCode};
use jiff::civil::date;
use serde_json::json;
use tower::ServiceExt;

use super::values::Value as Property;
use super::*;
use crate::demo::company::grow::Seed;

fn company() -> Shared {
    Arc::new(RwLock::new(Company::grow(&Seed { seed: 42, deals: 60, today: date(2026, 9, 30) })))
}

async fn post(router: &Router, path: &str, body: &Value) -> (StatusCode, HeaderMap, Value) {
    let request = Request::post(path)
        .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
        .body(Body::from(body.to_string()))
        .unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    (parts.status, parts.headers, serde_json::from_slice(&bytes).unwrap())
}

#[test]
fn records_say_something_for_each_property_of_their_type() {
    let company = company();
    let company = company.read().unwrap();
    let index = Index::build(&company);
    for name in ["company", "contact", "deal", "ticket", "line_item", "quote", "note", "call", "email", "meeting"] {
        let kind = Kind::from_path(name).unwrap();
        let (_, place) = index.all(kind)[0];
        let row = index.row(&company, kind, place).unwrap();
        for property in kind.properties() {
            assert_ne!(row.value(property.name), Property::Undefined, "{name}.{}", property.name);
        }
        assert_eq!(row.value("nothing_of_the_kind"), Property::Undefined);
        for default in kind.defaults() {
            assert!(kind.property(default).is_some(), "{name}.{default}");
        }
    }
}

#[tokio::test]
async fn the_sixth_search_of_a_second_is_refused_and_no_search_tells_the_limits() {
    let router = router_with(company(), Options { searches_per_second: Some(5), ..Options::default() });
    let mut refused = 0;
    for _ in 0..12 {
        let (status, headers, body) = post(&router, "/crm/v3/objects/deals/search", &json!({})).await;
        assert!(headers.keys().all(|name| !name.as_str().contains("ratelimit") && name != header::RETRY_AFTER));
        if status == StatusCode::TOO_MANY_REQUESTS {
            assert_eq!((&body["policyName"], &body["errorType"]), (&json!("SECONDLY"), &json!("RATE_LIMIT")));
            refused += 1;
        }
    }
    assert!(refused > 0);
    let (_, headers, _) = post(&router, "/crm/v3/objects/deals/batch/read", &json!({ "inputs": [] })).await;
    assert_eq!(headers["x-hubspot-ratelimit-interval-milliseconds"], "10000");
}

#[tokio::test]
async fn each_input_of_an_association_batch_has_pages_of_its_own() {
    let shared = company();
    let (id, items) = {
        let company = shared.read().unwrap();
        let deal = company.deals.iter().max_by_key(|deal| deal.line_items.len()).unwrap();
        (deal.id.to_string(), deal.line_items.len())
    };
    assert!(items > 2);
    let router = router_with(shared, Options { association_page: 2, ..Options::default() });
    let mut input = json!({ "id": id });
    let mut seen = 0;
    let mut pages = 0;
    loop {
        let path = "/crm/v4/associations/deals/line_items/batch/read";
        let (status, _, body) = post(&router, path, &json!({ "inputs": [input] })).await;
        assert_eq!(status, StatusCode::OK);
        let result = &body["results"][0];
        seen += result["to"].as_array().unwrap().len();
        pages += 1;
        let Some(after) = result["paging"]["next"]["after"].as_str() else { break };
        input = json!({ "id": id, "after": after });
    }
    assert_eq!((seen, pages), (items, items.div_ceil(2)));
}

#[tokio::test]
async fn a_missing_scope_is_named_and_other_types_stay_readable() {
    let router = router_with(company(), Options { without_scope: vec!["line_items"], ..Options::default() });
    let (status, _, body) = post(&router, "/crm/v3/objects/0-8/batch/read", &json!({ "inputs": [] })).await;
    assert_eq!((status, &body["category"]), (StatusCode::FORBIDDEN, &json!("MISSING_SCOPES")));
    assert_eq!(body["errors"][0]["context"]["requiredGranularScopes"], json!(["crm.objects.line_items.read"]));
    let (status, _, _) = post(&router, "/crm/v3/objects/deals/batch/read", &json!({ "inputs": [] })).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_unique_project_code_can_be_read_by() {
    let shared = company();
    let (id, code) = {
        let company = shared.read().unwrap();
        company.deals.iter().find_map(|deal| Some((deal.id.to_string(), deal.shared_id.clone()?))).unwrap()
    };
    let body = json!({ "idProperty": "project_code", "inputs": [{ "id": code }], "properties": ["project_code"] });
    let path = "/crm/objects/2026-09/deals/batch/read";
    let (status, _, _) = post(&router(Arc::clone(&shared)), path, &body).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let unique = router_with(shared, Options { unique_project_code: true, ..Options::default() });
    let (_, _, answer) = post(&unique, path, &body).await;
    assert_eq!(answer["results"][0]["id"], json!(id));
}

#[tokio::test]
async fn nonsense_is_a_validation_error_and_a_strange_path_is_not_found() {
    let router = router(company());
    for (path, body, status) in [
        ("/crm/v3/objects/deals/batch/read", json!({ "inputs": [{ "id": "abc" }] }), StatusCode::BAD_REQUEST),
        ("/crm/v3/objects/deals/batch/read", json!({}), StatusCode::BAD_REQUEST),
        ("/crm/v3/objects/gadgets/batch/read", json!({ "inputs": [] }), StatusCode::BAD_REQUEST),
        ("/crm/v3/objects/deals/search", json!({ "filterGroups": 1 }), StatusCode::BAD_REQUEST),
        ("/crm/objects/2024-01/deals/search", json!({}), StatusCode::NOT_FOUND),
    ] {
        let (answered, _, answer) = post(&router, path, &body).await;
        assert_eq!(answered, status, "{path}");
        assert_eq!(answer["status"], json!("error"));
    }
}
