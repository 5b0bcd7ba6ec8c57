//! The embedded system, asked as its clients ask.

use axum::http::{HeaderMap, Request, header};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::*;
use crate::demo::sap::fixture;

struct Bench {
    router: Router,
    grants: Grants,
    token: String,
}

impl Bench {
    async fn start() -> Self {
        let grants = Grants::default();
        let router = router_with_grants(fixture::shared(fixture::company()), grants.clone());
        let mut bench = Self { router, grants, token: String::new() };
        bench.token = bench.refresh(CONSENT).await.1["access_token"].as_str().unwrap().to_owned();
        bench
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, HeaderMap, String) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        (parts.status, parts.headers, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn refresh(&self, token: &str) -> (StatusCode, Value) {
        use base64::Engine;
        let basic = base64::engine::general_purpose::STANDARD.encode(format!("{CLIENT_ID}:{CLIENT_SECRET}"));
        let request = Request::post("/oauth2/v1/tokens/bearer")
            .header(header::AUTHORIZATION, format!("Basic {basic}"))
            .body(format!("grant_type=refresh_token&refresh_token={token}").into());
        let (status, _, body) = self.send(request.unwrap()).await;
        (status, serde_json::from_str(&body).unwrap())
    }

    async fn query(&self, statement: &str) -> Value {
        let request = Request::post(format!("/v3/company/{REALM_ID}/query?minorversion=75"))
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token))
            .header(header::ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/text")
            .body(statement.to_owned().into());
        serde_json::from_str(&self.send(request.unwrap()).await.2).unwrap()
    }

    async fn ids(&self, statement: &str) -> Vec<String> {
        let answer = self.query(statement).await;
        let rows = answer["QueryResponse"].as_object().unwrap().values().find_map(Value::as_array);
        let ids = rows.into_iter().flatten().map(|row| row["Id"].as_str().unwrap().to_owned());
        ids.collect()
    }
}

#[tokio::test]
async fn refresh_tokens_rotate_and_old_ones_end() {
    let bench = Bench::start().await;
    let (status, first) = bench.refresh(CONSENT).await;
    assert_eq!((status, &first["expires_in"]), (StatusCode::OK, &json!(3600)));
    let first = first["refresh_token"].as_str().unwrap();
    let second = bench.refresh(first).await.1;
    assert_ne!(second["refresh_token"], first);
    assert_eq!(bench.refresh(first).await, (StatusCode::BAD_REQUEST, json!({ "error": "invalid_grant" })));
    bench.grants.withdraw_consent();
    assert_eq!(bench.refresh(CONSENT).await.0, StatusCode::BAD_REQUEST);
    let anonymous = Request::post("/oauth2/v1/tokens/bearer").body(Body::empty()).unwrap();
    assert_eq!(bench.send(anonymous).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn who_is_not_signed_in_or_for_another_company_is_refused_by_code() {
    let bench = Bench::start().await;
    let ask = |realm: &str, token: &str| {
        Request::get(format!("/v3/company/{realm}/query?query=select%20*%20from%20Bill"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .body(Body::empty())
            .unwrap()
    };
    let (status, _, body) = bench.send(ask(REALM_ID, "nonsense")).await;
    assert!(status == StatusCode::UNAUTHORIZED && body.contains("\"code\":\"3200\""), "{body}");
    let (status, _, body) = bench.send(ask("1", &bench.token)).await;
    assert!(status == StatusCode::FORBIDDEN && body.contains("\"code\":\"3100\""), "{body}");
    assert_eq!(bench.send(ask(REALM_ID, &bench.token)).await.0, StatusCode::OK);
    bench.grants.expire_access();
    assert_eq!(bench.send(ask(REALM_ID, &bench.token)).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn statements_select_filter_order_and_page() {
    let bench = Bench::start().await;
    assert_eq!(bench.ids("select * from Invoice").await, ["1", "2", "3", "4", "6"], "and none that cancels another");
    assert_eq!(bench.ids("select * from Invoice orderby Id desc startposition 2 maxresults 2").await, ["4", "3"]);
    assert_eq!(bench.ids("select * from Invoice where CustomerRef in ('1000001', '1')").await, ["1", "2", "3", "4"]);
    assert_eq!(
        bench.ids("select * from Invoice where Balance > '0' and DueDate < '2026-03-01'").await,
        ["1", "3", "6"]
    );
    assert_eq!(bench.ids("select * from Invoice where Id in ('6', '99', 'x')").await, ["6"]);
    assert!(bench.ids("select * from Bill where Id = '99'").await.is_empty());
    assert_eq!(bench.ids("select * from Estimate").await, ["1"], "a draft is an estimate");
    assert_eq!(bench.query("select count(*) from JournalEntry").await["QueryResponse"], json!({ "totalCount": 3 }));
    assert_eq!(bench.ids("select * from Customer where DisplayName like 'PRJ-2025-00%'").await.len(), 3);
}

#[tokio::test]
async fn what_cannot_be_asked_is_a_fault_with_its_code() {
    let bench = Bench::start().await;
    for (statement, code) in [
        ("select * from Invoice where ProjectRef = '1'", "4001"),
        ("select * from Bill where CustomerRef = '1'", "4001"),
        ("select * from Bill orderby DueDate", "4001"),
        ("select * from Invoice where Id = '1' or Id = '2'", "4000"),
        ("select * from invoice", "4000"),
        ("drop table Invoice", "4000"),
    ] {
        let answer = bench.query(statement).await;
        assert_eq!(answer["Fault"]["Error"][0]["code"], code, "{statement}: {answer}");
    }
    // Who does not ask for JSON is answered in XML.
    let request = Request::get(format!("/v3/company/{REALM_ID}/query?query=nonsense"))
        .header(header::AUTHORIZATION, format!("Bearer {}", bench.token))
        .body(Body::empty());
    let (status, headers, body) = bench.send(request.unwrap()).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body.contains("<Fault type=\"ValidationFault\"><Error code=\"4000\">"), "{body}");
    assert!(headers.contains_key("intuit_tid"));
    // What would write is not done.
    let request = Request::post(format!("/v3/company/{REALM_ID}/invoice"))
        .header(header::AUTHORIZATION, format!("Bearer {}", bench.token))
        .header(header::ACCEPT, "application/json")
        .body(Body::from("{}"));
    assert!(bench.send(request.unwrap()).await.2.contains("\"code\":\"500\""));
}

#[tokio::test]
async fn amounts_are_written_digit_by_digit_in_the_transactions_currency() {
    let bench = Bench::start().await;
    let answer = bench.query("select * from Invoice where Id = '2'").await;
    let invoice = &answer["QueryResponse"]["Invoice"][0];
    assert_eq!((&invoice["TotalAmt"], &invoice["HomeTotalAmt"]), (&json!(119.0), &json!(107.1)));
    assert_eq!((&invoice["Balance"], &invoice["HomeBalance"]), (&json!(69.0), &json!(62.1)));
    assert_eq!(invoice["LinkedTxn"], json!([{ "TxnId": "1", "TxnType": "Payment" }]));
    assert_eq!(invoice["CustomerRef"], json!({ "value": "1000001", "name": "PRJ-2025-001 Project PRJ-2025-001" }));
    let void = bench.query("select * from Invoice where Id = '4'").await;
    let void = &void["QueryResponse"]["Invoice"][0];
    assert_eq!((&void["TotalAmt"], &void["PrivateNote"]), (&json!(0), &json!("Voided")));
    let bill = bench.query("select * from Bill where Id = '1'").await;
    let bill = &bill["QueryResponse"]["Bill"][0];
    assert_eq!(bill.get("HomeTotalAmt"), None, "of bills it is not stated");
    assert_eq!(bill["Line"][1]["AccountBasedExpenseLineDetail"]["CustomerRef"]["value"], "1000002");
    let order = bench.query("select * from PurchaseOrder where Id = '1'").await;
    let order = &order["QueryResponse"]["PurchaseOrder"][0];
    let received: Vec<&Value> = order["Line"].as_array().unwrap().iter().map(|line| &line["Received"]).collect();
    assert_eq!((order["POStatus"].as_str(), received), (Some("Open"), vec![&json!(180.0), &json!(500.0), &json!(0.0)]));
}

#[tokio::test]
async fn names_that_are_not_in_use_are_left_out_unless_asked_for() {
    let mut company = fixture::company();
    company.projects.push(crate::demo::company::model::Project {
        id: 1,
        identifier: "prj".to_owned(),
        name: "One".to_owned(),
        description: String::new(),
        status: 5,
        shared_id: Some("prj-2025-001".to_owned()),
        health: None,
        health_reason: None,
        manager: None,
        start: None,
        due: None,
        budget_hours: None,
        versions: Vec::new(),
        members: Vec::new(),
        created: jiff::Timestamp::UNIX_EPOCH,
        updated: jiff::Timestamp::UNIX_EPOCH,
    });
    let mut bench = Bench::start().await;
    bench.router = router_with_grants(fixture::shared(company), bench.grants.clone());
    assert!(!bench.ids("select * from Customer").await.contains(&"1000001".to_owned()));
    let all = bench.query("select * from Customer where Active in (true, false) and Id = '1000001'").await;
    let name = &all["QueryResponse"]["Customer"][0]["DisplayName"];
    assert_eq!(name, "PRJ-2025-001 Project PRJ-2025-001 (deleted)");
}
