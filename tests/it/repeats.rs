//! Lists that are read while they grow: what is added in front moves the rest, and what comes again on the next page counts
//! once.

use std::collections::BTreeMap;

use axum::extract::Query;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::support::{client, json_body, read_json, send, serve};

/// A list of 200 and two more, of which the first was on the page before: somebody has added one in front meanwhile.
fn growing(row: fn(usize) -> Value) -> axum::routing::MethodRouter {
    get(move |Query(query): Query<BTreeMap<String, String>>| async move {
        let numbers = if query["skip"] == "0" { 0..200 } else { 199..201 };
        Json(numbers.map(row).collect::<Vec<_>>())
    })
}

fn company() -> Router {
    Router::new()
        .route("/deals", growing(|n| json!({ "id": format!("d{n}"), "amount": "1.00" })))
        .route("/invoices", growing(|n| json!({ "id": format!("i{n}"), "net": "2.00", "due": "2026-01-31" })))
        .route("/{kind}/by-project", get(|| async { Json(json!([])) }))
}

/// Spine over it. The lists come in pages by number; invoices are due.
fn config(url: &str) -> String {
    let paging = r#"paging = { kind = "offset", param = "skip", size = 200, short_page = true }"#;
    let config = ["/deals", "/invoices"].iter().fold(super::gaps::config(url), |config, path| {
        config.replace(&format!("{{ path = \"{path}\" }}"), &format!("{{ path = \"{path}\", {paging} }}"))
    });
    config.replace(r#"net = "net","#, r#"net = "net", total = "net", due_date = "due","#)
}

#[tokio::test]
async fn what_comes_again_on_the_next_page_counts_once() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, company()).await });
    let served = serve(&config(&url)).await;

    let query = "{ profitability(groupBy: [STAGE]) { rows { dealCount contractValue { amount } invoiced { amount } } }
        systems { impact { deals openDeals contractValue { amount } } } }";
    let request = client().post(format!("{}/graphql", served.url));
    let answer = read_json(send(json_body(request, &json!({ "query": query }))).await).await;
    assert_eq!(answer["errors"], Value::Null, "{answer:#}");
    let expected =
        json!({ "dealCount": 201, "contractValue": { "amount": "201.00" }, "invoiced": { "amount": "402.00" } });
    assert_eq!(answer["data"]["profitability"]["rows"], json!([expected]));
    let expected = json!({ "deals": 201, "openDeals": 0, "contractValue": [{ "amount": "201.00" }] });
    assert_eq!(answer["data"]["systems"][0]["impact"], expected);
    let overdue = send(client().get(format!("{}/reports/overdue-receivables?format=json", served.url))).await;
    assert_eq!(overdue.status(), 200);
    assert_eq!(read_json(overdue).await.as_array().map(Vec::len), Some(201));
}
