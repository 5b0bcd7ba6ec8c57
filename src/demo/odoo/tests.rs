//! The embedded system's own manners.

use std::sync::{Arc, RwLock};

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use jiff::civil::date;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use tower::ServiceExt;

use super::{API_KEY, DATABASE, USER, router};
use crate::demo::company::grow::Seed;
use crate::demo::company::model::{Cancelled, Company, Document, DocumentKind, Shared};

fn company() -> Shared {
    Arc::new(RwLock::new(Company::grow(&Seed { seed: 42, deals: 40, today: date(2026, 11, 25) })))
}

async fn post(company: &Shared, path: &str, key: &str, body: &Value) -> (StatusCode, Value) {
    let request = Request::post(path)
        .header("authorization", format!("bearer {key}"))
        .body(Body::from(body.to_string()))
        .unwrap();
    let response = router(Arc::clone(company)).oneshot(request).await.unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_default())
}

/// A call by JSON-2 that is answered.
async fn ask(company: &Shared, model: &str, method: &str, body: Value) -> Value {
    let (status, answer) = post(company, &format!("/json/2/{model}/{method}"), API_KEY, &body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer
}

async fn rpc(company: &Shared, service: &str, method: &str, arguments: Value) -> Value {
    let params = json!({ "service": service, "method": method, "args": arguments });
    let body = json!({ "jsonrpc": "2.0", "method": "call", "id": 7, "params": params });
    let (status, answer) = post(company, "/jsonrpc", "", &body).await;
    assert_eq!((status, &answer["id"]), (StatusCode::OK, &json!(7)));
    answer
}

#[tokio::test]
async fn both_apis_say_the_same_and_refuse_in_their_own_words() {
    let company = company();
    let uid = rpc(&company, "common", "authenticate", json!([DATABASE, USER, API_KEY, {}])).await["result"].clone();
    assert_eq!(rpc(&company, "common", "authenticate", json!([DATABASE, USER, "x", {}])).await["result"], json!(false));
    let arguments = json!({ "domain": [["state", "=", "posted"]], "fields": ["name"], "limit": 3 });
    let kw = |key: &str| json!([DATABASE, uid, key, "account.move", "search_read", [], arguments]);
    let rows = rpc(&company, "object", "execute_kw", kw(API_KEY)).await["result"].clone();
    assert_eq!(rows.as_array().unwrap().len(), 3);
    assert_eq!(rows, ask(&company, "account.move", "search_read", arguments.clone()).await);

    let denied = rpc(&company, "object", "execute_kw", kw("wrong")).await;
    assert_eq!(denied["error"]["data"]["name"], "odoo.exceptions.AccessDenied");
    for (path, key, status) in [
        ("/json/2/account.move/search_read", "wrong", 401),
        ("/json/2/account.move/write", API_KEY, 403),
        ("/json/2/no.model/search_read", API_KEY, 404),
    ] {
        let (found, body) = post(&company, path, key, &json!({})).await;
        assert_eq!(found.as_u16(), status, "{path}");
        assert!(body["message"].is_string());
    }
    let (status, _) = post(&company, "/json/2/account.move/search_read", API_KEY, &json!({ "ids": [1] })).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn conditions_follow_links_choose_and_match_patterns() {
    let company = company();
    let count = |model: &'static str, domain: Value| {
        let company = Arc::clone(&company);
        async move { ask(&company, model, "search_count", json!({ "domain": domain })).await.as_u64().unwrap() }
    };
    let (invoices, credits) = (
        count("account.move.line", json!([["move_id.move_type", "=", "out_invoice"]])).await,
        count("account.move.line", json!([["move_id.move_type", "=", "out_refund"]])).await,
    );
    let either = json!(["|", ["move_id.move_type", "=", "out_invoice"], ["move_id.move_type", "=", "out_refund"]]);
    assert_eq!(count("account.move.line", either).await, invoices + credits);
    let both = json!(["&", ["move_id.move_type", "=", "out_invoice"], ["move_id.move_type", "=", "out_refund"]]);
    assert_eq!(count("account.move.line", both).await, 0);
    let not = json!(["!", ["move_type", "in", ["out_invoice", "out_refund"]]]);
    let all = count("account.move", json!([])).await;
    let of_clients = count("account.move", json!([["move_type", "in", ["out_invoice", "out_refund"]]])).await;
    assert_eq!(count("account.move", not).await, all - of_clients);
    let code = company.read().unwrap().ledger.projects[0].0.clone();
    for (operator, pattern, found) in [
        ("ilike", code.to_lowercase(), 1),
        ("=ilike", code.to_lowercase(), 1),
        ("like", code.to_lowercase(), 0),
        ("=like", format!("{}_", code.split_at(code.len() - 1).0), 1),
        ("=ilike", code.replace('-', "\\_"), 0),
    ] {
        let domain = json!([["code", operator, pattern], ["code", "=", code]]);
        assert_eq!(count("account.analytic.account", domain).await, found, "{operator} {pattern}");
    }
}

#[tokio::test]
async fn archived_records_hide_unless_asked_for() {
    let company = company();
    let count = |body: Value| {
        let company = Arc::clone(&company);
        async move { ask(&company, "crm.lead", "search_read", body).await.as_array().unwrap().len() }
    };
    let shown = count(json!({ "fields": ["name"] })).await;
    let all = count(json!({ "fields": ["name"], "context": { "active_test": false } })).await;
    let named = count(json!({ "fields": ["name"], "domain": [["active", "in", [true, false]]] })).await;
    assert!(shown < all, "{shown} of {all}");
    assert_eq!(named, all);
}

#[tokio::test]
async fn both_ways_to_add_up_give_what_the_rows_give() {
    let company = company();
    let domain = json!([["move_line_id", "!=", false]]);
    let rows = json!({ "domain": domain, "fields": ["account_id", "amount"] });
    let rows = ask(&company, "account.analytic.line", "search_read", rows).await;
    let by = json!(["account_id"]);
    let old = json!({ "domain": domain, "fields": ["amount:sum"], "groupby": by, "lazy": false });
    let old = ask(&company, "account.analytic.line", "read_group", old).await;
    let new = json!({ "domain": domain, "aggregates": ["amount:sum", "__count"], "groupby": by });
    let new = ask(&company, "account.analytic.line", "formatted_read_group", new).await;
    let decimal = |value: &Value| value.to_string().parse::<Decimal>().unwrap();
    for (old, new) in old.as_array().unwrap().iter().zip(new.as_array().unwrap()) {
        assert_eq!((&old["account_id"], &old["amount"]), (&new["account_id"], &new["amount:sum"]));
        let of = rows.as_array().unwrap().iter().filter(|row| row["account_id"] == new["account_id"]);
        let amounts: Vec<Decimal> = of.map(|row| decimal(&row["amount"])).collect();
        assert_eq!(new["__count"], json!(amounts.len()));
        assert_eq!(decimal(&new["amount:sum"]).round_dp(2), amounts.iter().sum::<Decimal>());
    }
}

#[tokio::test]
async fn what_is_no_column_cannot_be_grouped_by() {
    let company = company();
    let by = |field: &str| json!({ "domain": [], "aggregates": ["__count"], "groupby": [field] });
    let path = "/json/2/account.move/formatted_read_group";
    let (status, refused) = post(&company, path, API_KEY, &by("company_currency_id")).await;
    assert_eq!((status.as_u16(), &refused["name"]), (500, &json!("builtins.ValueError")));
    assert_eq!(post(&company, path, API_KEY, &by("company_id")).await.0, StatusCode::OK);
    let fields = ask(&company, "account.move", "fields_get", json!({})).await;
    assert_eq!(
        (&fields["company_currency_id"]["store"], &fields["company_id"]["store"]),
        (&json!(false), &json!(true))
    );
}

#[tokio::test]
async fn a_correction_is_in_the_next_answer_of_the_same_server() {
    let company = company();
    let invoice = |one: &&Document| one.open && one.kind == DocumentKind::Invoice;
    let number = company.read().unwrap().ledger.documents.iter().find(invoice).unwrap().number;
    let server = router(Arc::clone(&company));
    let state = || {
        let question = json!({ "domain": [["name", "=", number.to_string()]], "fields": ["state"] });
        let request = Request::post("/json/2/account.move/search_read")
            .header("authorization", format!("bearer {API_KEY}"))
            .body(Body::from(question.to_string()))
            .unwrap();
        let answer = server.clone().oneshot(request);
        async {
            let body = to_bytes(answer.await.unwrap().into_body(), usize::MAX).await.unwrap();
            serde_json::from_slice::<Value>(&body).unwrap()[0]["state"].clone()
        }
    };
    assert_eq!(state().await, "posted");
    {
        let mut company = company.write().unwrap();
        let document = company.ledger.documents.iter_mut().find(|one| one.number == number).unwrap();
        document.cancelled = Cancelled::Yes;
        company.revision += 1;
    }
    assert_eq!(state().await, "cancel");
}
