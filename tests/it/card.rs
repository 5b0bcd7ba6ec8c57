//! The stored operations of the cards, as a card asks them: by POST, with the variables alone.

use std::collections::BTreeSet;

use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::{Value, json};

use super::support::{Gateway, client, company, json_body, read_json, send};

async fn post(gateway: &Gateway, path: &str, body: &Value) -> (u16, Value) {
    let response = send(json_body(client().post(format!("{}/graphql/p/{path}", gateway.url)), body)).await;
    (response.status().as_u16(), read_json(response).await)
}

/// A won deal with a project that the project tool knows: its record ID and the project's.
async fn linked(gateway: &Gateway) -> (String, String) {
    let project = gateway.project();
    let query = format!("{{ project(id: \"{project}\") {{ deal {{ source {{ recordId }} }} }} }}");
    let answer = gateway.ask(&query).await;
    (answer.fine()["project"]["deal"]["source"]["recordId"].as_str().unwrap().to_owned(), project)
}

#[tokio::test]
async fn a_deal_is_asked_for_by_its_record_its_global_id_or_its_project_and_is_the_same() {
    let gateway = Gateway::start(60).await;
    let (record, project) = linked(&gateway).await;
    let mut answers = BTreeSet::new();
    for by in
        [json!({ "id": record }), json!({ "id": format!("deal:hubspot:{record}") }), json!({ "projectId": project })]
    {
        // Once so that all is read, once for the answer.
        post(&gateway, "deal-card", &json!({ "variables": { "by": by } })).await;
        let (status, body) = post(&gateway, "deal-card", &json!({ "variables": { "by": by } })).await;
        assert_eq!(status, 200, "{body:#}");
        assert!(body["errors"].is_null(), "{body:#}");
        answers.insert(body["data"]["deal"]["project"]["code"].to_string() + &body["data"]["deal"]["id"].to_string());
    }
    assert_eq!(answers.len(), 1, "{answers:?}");
}

#[tokio::test]
async fn what_hubspot_adds_to_the_address_is_no_part_of_the_question_and_nothing_else_is_let_in() {
    let gateway = Gateway::start(60).await;
    let (record, _) = linked(&gateway).await;
    let body = json!({ "variables": { "by": { "id": record } }, "operationName": "DealCard" });
    let signed = "portalId=123&userId=7&userEmail=nora%40example.com&appId=42";
    let (status, answer) = post(&gateway, &format!("deal-card?{signed}"), &body).await;
    assert_eq!((status, &answer["errors"]), (200, &Value::Null), "{answer:#}");
    let get = client().get(format!("{}/graphql/p/margin-by-vertical?{signed}&variables=%7B%7D", gateway.url));
    assert_eq!(send(get).await.status(), 200);
    for (query, part) in [
        ("variables={}", "There is no parameter `variables`: a POST has its variables in the body."),
        ("portalid=123", "There is no parameter `portalid`"),
        ("query=x", "There is no parameter `query`"),
    ] {
        let (status, answer) = post(&gateway, &format!("deal-card?{query}"), &body).await;
        assert_eq!(status, 400, "{query}");
        assert!(answer["errors"][0]["message"].as_str().unwrap().starts_with(part), "{query}: {answer:#}");
    }
}

#[tokio::test]
async fn the_body_holds_variables_and_none_of_the_callers_own_documents() {
    let gateway = Gateway::start(10).await;
    for (body, status, part) in [
        ("", 400, "The body is empty; expected a JSON object with `variables`."),
        ("7", 400, "The body is a number"),
        ("[]", 400, "The body is a list"),
        ("{", 400, "The body is not valid JSON"),
        (r#"{"variables": {}, "query": "{ __typename }"}"#, 400, "`query` is not for the caller to say"),
        (r#"{"variables": {}, "id": 1}"#, 400, "`id` is not known"),
        (r#"{"variables": {}, "variables": {}}"#, 400, "`variables` is there twice"),
        (r#"{"variables": "{}"}"#, 400, "`variables` is a string; expected an object"),
        (r#"{"variables": {"by": {"id": "1"}}, "operationName": "Other"}"#, 200, "Unknown operation named"),
        ("{}", 200, "The variable \"$by\" is missing"),
        (r#"{"variables": {"by": {}}}"#, 200, ""),
        (r#"{"variables": {"by": {"id": "1", "projectId": "PRJ-2026-001"}}}"#, 200, ""),
    ] {
        let request = client()
            .post(format!("{}/graphql/p/deal-card", gateway.url))
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .body(body);
        let response = send(request).await;
        assert_eq!(response.status().as_u16(), status, "{body}");
        let answer = read_json(response).await;
        let message = answer["errors"][0]["message"].as_str().unwrap_or_default();
        assert!(!message.is_empty() && message.contains(part), "{body}: {answer:#}");
        assert!(answer["data"]["deal"].is_null());
    }
    let form = client().post(format!("{}/graphql/p/deal-card", gateway.url)).body("{}");
    assert_eq!(send(form.header("content-type", "text/plain")).await.status(), 415);
    let (status, answer) = post(&gateway, "no-such-card", &json!({})).await;
    assert_eq!((status, &answer["errors"][0]["extensions"]["code"]), (404, &json!("NOT_FOUND")));
    let strange =
        client().post(format!("{}/graphql/p/deal-card", gateway.url)).header("origin", "https://evil.example");
    assert_eq!(send(json_body(strange, &json!({ "variables": {} }))).await.status(), 403);
}

#[tokio::test]
async fn without_the_erp_the_card_has_deal_and_delivery_and_names_the_erp() {
    let gateway = Gateway::start(60).await;
    let (record, _) = linked(&gateway).await;
    gateway.control("sap", "fault", json!({ "mode": "down" })).await;
    let (status, body) = post(&gateway, "deal-card", &json!({ "variables": { "by": { "id": record } } })).await;
    assert_eq!(status, 200);
    let deal = &body["data"]["deal"];
    assert!(deal["name"].is_string() && deal["project"]["percentComplete"].is_string(), "{deal:#}");
    for missing in ["invoicedPct", "leftToInvoice", "overdue", "forecastMarginPct", "budgetBurnedPct"] {
        assert_eq!(deal["financials"][missing], Value::Null, "{missing}: never 0 for unknown");
    }
    let errors = body["errors"].as_array().unwrap();
    assert!(errors.iter().all(|error| error["extensions"]["connection"] == "sap"), "{errors:#?}");
}

#[tokio::test]
async fn a_role_without_costs_and_margins_gets_the_card_without_them_and_is_told_which() {
    let gateway = Gateway::over(company(60), |config| format!("{config}\n[access.roles.sales]\n")).await;
    let (record, _) = linked(&gateway).await;
    let ask = client().post(format!("{}/graphql/p/deal-card", gateway.url)).header("x-spine-role", "sales");
    let answer = read_json(send(json_body(ask, &json!({ "variables": { "by": { "id": record } } }))).await).await;
    let financials = &answer["data"]["deal"]["financials"];
    assert!(financials["leftToInvoice"]["amount"].is_string(), "{answer:#}");
    let masked = ["budgetBurnedPct", "forecastMarginPct"];
    for (error, field) in answer["errors"].as_array().unwrap().iter().zip(masked) {
        assert_eq!(financials[field], Value::Null);
        assert_eq!(error["extensions"]["code"], "FIELD_MASKED");
        assert_eq!(error["extensions"]["field"], format!("Financials.{field}"));
        assert_eq!(error["path"], json!(["deal", "financials", field]));
    }
    assert_eq!(answer["errors"].as_array().unwrap().len(), masked.len(), "{:#}", answer["errors"]);
}

/// What the card shows beside what the graph knew before: worked out here once more, from the parts.
#[tokio::test]
async fn budget_burned_and_forecast_margin_are_what_their_parts_say() {
    let gateway = Gateway::start(300).await;
    let query = "{ projects(first: 200) { nodes { code financials {
        contractValue { amount currency } actualCost { amount currency } eac { amount currency }
        budgetVariance { amount currency } budgetBurnedPct forecastMarginPct } } } }";
    let answer = gateway.ask(query).await;
    let (mut burned, mut forecast) = (0, 0);
    for project in answer.data()["projects"]["nodes"].as_array().unwrap() {
        let money = &project["financials"];
        let decimal = |value: &Value| value.as_str().map(|text| text.parse::<Decimal>().unwrap());
        let percent = |part: Decimal, whole: Decimal| {
            let exact = (whole > Decimal::ZERO).then(|| part * Decimal::ONE_HUNDRED / whole);
            exact.map(|exact| exact.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero))
        };
        let part = |name: &str| decimal(&money[name]["amount"]);
        let alike = |one: &str, other: &str| money[one]["currency"] == money[other]["currency"];
        match (part("budgetVariance"), part("actualCost")) {
            (Some(left), Some(spent)) if alike("budgetVariance", "actualCost") => {
                assert_eq!(decimal(&money["budgetBurnedPct"]), percent(spent, left + spent), "{project:#}");
                burned += 1;
            }
            // In two currencies: what is known in both is divided in one of them.
            (Some(_), Some(_)) => {}
            _ => assert_eq!(money["budgetBurnedPct"], Value::Null, "{project:#}"),
        }
        match (part("contractValue"), part("eac")) {
            (Some(value), Some(estimate)) if alike("contractValue", "eac") => {
                assert_eq!(decimal(&money["forecastMarginPct"]), percent(value - estimate, value), "{project:#}");
                forecast += 1;
            }
            (Some(_), Some(_)) => {}
            _ => assert_eq!(money["forecastMarginPct"], Value::Null, "{project:#}"),
        }
    }
    assert!(burned > 20 && forecast > 20, "there is something to compare: {burned}, {forecast}");
}

#[tokio::test]
async fn the_page_of_the_card_is_framed_by_those_alone_whom_the_configuration_names() {
    let framed = |origins: &'static str| {
        move |config: String| config.replace("[server]", &format!("[server]\ncard_frame_ancestors = {origins}"))
    };
    for (origins, ancestors, options) in [
        ("[]", "frame-ancestors 'none'", Some("DENY")),
        (r#"["https://crm.example.com/"]"#, "frame-ancestors https://crm.example.com", None),
    ] {
        let gateway = Gateway::over(company(5), framed(origins)).await;
        let page = send(client().get(format!("{}/card/900001", gateway.url))).await;
        let header = |name: &str| page.headers().get(name).map(|value| value.to_str().unwrap());
        let policy = header("content-security-policy").unwrap();
        assert!(policy.contains(ancestors) && policy.starts_with("default-src 'none'"), "{policy}");
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        assert_eq!(header("x-frame-options"), options);
        assert_eq!(header("referrer-policy"), Some("no-referrer"));
    }
}

/// Whether all that one side says the other says, too: as the page looks whether it has to ask anew.
fn is_told_by(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(name, value)| whole.get(name).is_some_and(|whole| is_told_by(value, whole)))
        }
        (Value::Array(part), Value::Array(whole)) => {
            part.len() == whole.len() && part.iter().zip(whole).all(|(part, whole)| is_told_by(part, whole))
        }
        (part, whole) => part == whole,
    }
}

#[tokio::test]
async fn the_card_is_followed_by_a_stored_document_that_tells_what_the_card_shows() {
    let role = "[access.roles.screen]\nstored_only = true\nreads = [\"commercial\", \"delivery\", \"tickets\", \"receivables\", \"costs\", \"margins\"]\n";
    let gateway = Gateway::over(company(60), |config| format!("{config}\n{role}")).await;
    let (record, _) = linked(&gateway).await;
    let (_, card) = post(&gateway, "deal-card", &json!({ "variables": { "by": { "id": record } } })).await;
    let follow = async |body: Value| {
        let request = json_body(client().post(format!("{}/graphql", gateway.url)), &body);
        send(request.header("accept", "text/event-stream").header("x-spine-role", "screen")).await
    };
    let mut response = follow(json!({ "documentId": "deal-card-changed", "variables": { "id": record } })).await;
    let mut text = String::new();
    while !text.contains("\n\n") {
        text.push_str(std::str::from_utf8(&response.chunk().await.unwrap().unwrap()).unwrap());
    }
    let event: Value = serde_json::from_str(text.trim().strip_prefix("event: next\ndata: ").unwrap()).unwrap();
    assert_eq!(event.get("errors"), None, "{event:#}");
    let told = &event["data"]["dealChanged"];
    assert!(told["project"]["invoices"].is_array() && told["financials"]["forecastMarginPct"].is_string(), "{told:#}");
    assert!(is_told_by(told, &card["data"]["deal"]), "{told:#}\n{card:#}");
    // All but where and when it was read is told: else a change of it would not be seen.
    let shown = card["data"]["deal"]
        .as_object()
        .unwrap()
        .keys()
        .filter(|name| !["id", "projectId", "source"].contains(&name.as_str()));
    assert!(shown.eq(told.as_object().unwrap().keys()), "{told:#}");
    let own = follow(json!({ "query": "subscription { dealChanged(id: 1) { id } }" })).await.text().await.unwrap();
    assert!(own.contains("DOCUMENT_NOT_STORED"), "{own}");
}
