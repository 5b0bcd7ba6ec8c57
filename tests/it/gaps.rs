//! A gap in one project is a gap in one project: what is known of all others is told, and the gap is marked.

use std::collections::BTreeMap;

use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::support::{client, json_body, read_json, send, serve};

/// A company with two projects. Asked for the deals of the second, its CRM tells one deal twice, and differently.
fn company() -> Router {
    let rows = |key: &'static str, rows: Value| {
        get(move |Query(query): Query<BTreeMap<String, String>>, State(()): State<()>| async move {
            let wanted = query.get("ids").cloned().unwrap_or_default();
            let found =
                rows.as_array().unwrap().clone().into_iter().filter(|row| wanted.split(',').any(|id| row[key] == *id));
            Json(found.collect::<Vec<_>>())
        })
    };
    let deal = |id: &str, project: &str, amount: &str| json!({ "id": id, "project": project, "amount": amount });
    let list = json!([deal("d1", "p1", "1000.00"), deal("d2", "p2", "500.00")]);
    let told = json!([deal("d1", "p1", "1000.00"), deal("d2", "p2", "500.00"), deal("d2", "p2", "700.00")]);
    let invoices = json!([
        { "id": "i1", "project": "p1", "net": "400.00" },
        { "id": "i2", "project": "p2", "net": "300.00" },
    ]);
    let costs =
        json!([{ "id": "c1", "project": "p1", "amount": "90.00" }, { "id": "c2", "project": "p2", "amount": "70.00" }]);
    let every_invoice = invoices.clone();
    Router::new()
        .route("/deals", get(move || async move { Json(list) }))
        .route("/deals/by-id", rows("id", told.clone()))
        .route("/deals/by-project", rows("project", told))
        .route("/invoices", get(move || async move { Json(every_invoice) }))
        .route("/invoices/by-project", rows("project", invoices))
        .route("/costs/by-project", rows("project", costs))
        .with_state(())
}

/// Spine over such a company, by the `rest` connector.
pub(crate) fn config(url: &str) -> String {
    format!(
        r#"
[shared_id]
pattern = '^p\d+$'
normalize = ["trim"]

[owners]
commercial  = "company"
receivables = "company"
costs       = "company"

[connections.company]
kind = "rest"
url  = "{url}"

[connections.company.deals]
by_id      = {{ path = "/deals/by-id?ids={{ids}}" }}
by_project = {{ path = "/deals/by-project?ids={{ids}}" }}
list       = {{ path = "/deals" }}
currency   = {{ const = "EUR" }}
fields     = {{ id = "id", project_id = "project", amount = "amount", status = {{ const = "WON" }} }}

[connections.company.invoices]
by_project = {{ path = "/invoices/by-project?ids={{ids}}" }}
list       = {{ path = "/invoices" }}
currency   = {{ const = "EUR" }}
fields     = {{ id = "id", project_id = "project", net = "net", state = {{ const = "OPEN" }} }}

[connections.company.costs]
by_project = {{ path = "/costs/by-project?ids={{ids}}" }}
currency   = {{ const = "EUR" }}
fields     = {{ id = "id", project_id = "project", amount = "amount", kind = {{ const = "LABOUR" }} }}
"#
    )
}

#[tokio::test]
async fn a_project_whose_deals_cannot_be_told_is_marked_and_the_others_are_told() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, company()).await });
    let served = serve(&config(&url)).await;

    let query =
        "{ profitability(groupBy: [STAGE]) { rows { dealCount projectCount contractValue { amount } invoiced { amount }
        actualCost { amount } margin { amount } completeness { included excluded reasons } } } }";
    let request = client().post(format!("{}/graphql", served.url));
    let answer = read_json(send(json_body(request, &json!({ "query": query }))).await).await;
    assert_eq!(answer["errors"], Value::Null, "{answer:#}");
    // The deal of the second project stands by itself, and what the books hold of the project beside it: what is known adds up to
    // the books, and both are marked.
    let amount = |amount: &str| json!({ "amount": amount });
    let expected = json!({
        "dealCount": 2, "projectCount": 2, "contractValue": amount("1500.00"), "invoiced": amount("700.00"),
        "actualCost": amount("160.00"), "margin": amount("540.00"),
        "completeness": { "included": 1, "excluded": 2, "reasons": ["NOT_WHOLE"] },
    });
    assert_eq!(answer["data"]["profitability"]["rows"], json!([expected]));
}
