//! More than there is room for: too many requests, and questions that fan out to too many calls.

use serde_json::{Value, json};

use super::support::{Answer, Gateway, client, company, json_body, read_json, send};

const CARD: &str =
    "query($id: ProjectId!) { deal(by: { projectId: $id }) { name project { name invoices { number } } } }";

const LIST: &str =
    "{ deals(first: 100, filter: { linked: true }) { nodes { name project { name health invoices { number }
    financials { invoiced { amount } actualCost { amount } } } } } }";

const BY_VERTICAL: &str = "{ profitability(groupBy: [VERTICAL]) { rows { members { value } contractValue { amount }
    invoiced { amount } actualCost { amount } margin { amount } completeness { reasons } }
    totals { contractValue { amount } invoiced { amount } } completeness { reasons } } }";

async fn with_limits(limits: &str) -> Gateway {
    Gateway::over(company(150), |config| format!("{config}\n[limits]\n{limits}\n")).await
}

async fn total(gateway: &Gateway) -> u64 {
    let mut sum = 0;
    for system in ["hubspot", "sap", "redmine"] {
        sum += gateway.calls(system).await.values().sum::<u64>();
    }
    sum
}

/// What is read once for all: sign-ins, tables of labels.
async fn warm_up(gateway: &Gateway) {
    let project = gateway.project();
    gateway.ask_with(CARD, json!({ "id": project }), None).await.fine();
    gateway.pass(3600);
    gateway.reset().await;
}

/// The errors of an answer but for those of records: the company has two projects with one ID.
fn errors(answer: &Answer) -> Vec<&Value> {
    answer.errors().iter().filter(|error| error["extensions"]["code"] != "DATA_CONFLICT").collect()
}

/// The fields that were not read because the budget was used up. There is no other failure.
fn exhausted(answer: &Answer, limit: &str, allowed: u64) -> u64 {
    let mut places = 0;
    for error in errors(answer) {
        let extensions = &error["extensions"];
        assert_eq!(extensions["code"], "BUDGET_EXHAUSTED", "{error}");
        places += extensions["affected"].as_u64().unwrap_or(1);
        assert_eq!((&extensions["limit"], &extensions["allowed"]), (&json!(limit), &json!(allowed)), "{error}");
        assert_eq!(extensions["retryable"], false, "{error}");
        let message = error["message"].as_str().unwrap();
        assert!(message.contains(&format!("the {allowed} calls")) && message.contains(limit), "{message}");
    }
    places
}

/// Every leaf of an answer is that of the whole answer, or null.
fn is_part_of(part: &Value, whole: &Value, path: &str) {
    match (part, whole) {
        (Value::Null, _) => {}
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().for_each(|(key, part)| is_part_of(part, &whole[key], &format!("{path}.{key}")));
        }
        (Value::Array(part), Value::Array(whole)) => {
            assert_eq!(part.len(), whole.len(), "{path}");
            part.iter().zip(whole).for_each(|(part, whole)| is_part_of(part, whole, path));
        }
        (part, whole) => assert_eq!(part, whole, "{path}"),
    }
}

#[tokio::test]
async fn an_operation_makes_no_more_calls_than_its_budget_and_the_rest_is_null_with_an_error() {
    let whole = Gateway::start(150).await.ask(LIST).await;
    assert!(errors(&whole).is_empty());
    let gateway = with_limits("upstream_calls = 12").await;
    warm_up(&gateway).await;
    let answer = gateway.ask(LIST).await;
    assert!(exhausted(&answer, "upstream_calls", 12) > 0);
    assert!(total(&gateway).await <= 12, "{}", total(&gateway).await);
    is_part_of(answer.data(), whole.data(), "data");
    assert!(answer.data()["deals"]["nodes"][0]["name"].is_string(), "what was read first is there");
}

#[tokio::test]
async fn a_used_up_budget_is_nobody_elses_and_is_not_remembered() {
    let gateway = with_limits("upstream_calls = 12").await;
    warm_up(&gateway).await;
    let list = gateway.ask(LIST).await;
    let failed = exhausted(&list, "upstream_calls", 12);
    assert!(failed > 0);
    let card = gateway.ask_with(CARD, json!({ "id": gateway.project() }), None).await;
    assert!(card.fine()["deal"]["project"]["invoices"].is_array());
    // What was read stays in memory, so that the next question comes further.
    let again = gateway.ask(LIST).await;
    assert!(exhausted(&again, "upstream_calls", 12) < failed, "{:?}", again.codes());
}

#[tokio::test]
async fn a_portfolio_beyond_the_budget_is_marked_and_never_a_smaller_number() {
    let whole = Gateway::start(150).await.ask(BY_VERTICAL).await;
    whole.fine();
    for calls in [1, 2, 4, 8, 12, 16, 24] {
        let gateway = with_limits(&format!("report_calls = {calls}")).await;
        let answer = gateway.ask(BY_VERTICAL).await;
        if answer.errors().is_empty() {
            assert_eq!(answer.data(), whole.data());
            continue;
        }
        exhausted(&answer, "report_calls", calls);
        let report = &answer.data()["profitability"];
        if report.is_null() {
            continue;
        }
        let reasons = |value: &Value| value["completeness"]["reasons"].as_array().unwrap().len();
        assert!(reasons(report) > 0, "{report}");
        let rows = report["rows"].as_array().unwrap();
        for (row, before) in rows.iter().zip(whole.data()["profitability"]["rows"].as_array().unwrap()) {
            for metric in ["contractValue", "invoiced", "actualCost", "margin"] {
                let (shown, right) = (&row[metric]["amount"], &before[metric]["amount"]);
                assert!(shown.is_null() || shown == right || reasons(row) > 0, "{metric}: {shown} and {right}");
            }
        }
        let total = &report["totals"][0]["invoiced"]["amount"];
        let right = &whole.data()["profitability"]["totals"][0]["invoiced"]["amount"];
        assert!(total.is_null() || total == right, "{total} and {right}");
    }
}

#[tokio::test]
async fn a_report_or_a_feed_beyond_the_budget_is_an_error_and_no_table() {
    let gateway = with_limits("report_calls = 3").await;
    for path in ["/reports/margin-by-vertical.csv", "/odata/Projects"] {
        let response = send(client().get(format!("{}{path}", gateway.url))).await;
        assert_eq!(response.status(), 502, "{path}");
        assert!(response.headers().get("retry-after").is_none(), "{path}: it would fail again");
        let body = response.text().await.unwrap();
        assert!(body.contains("BUDGET_EXHAUSTED") && body.contains("the 3 calls"), "{path}: {body}");
    }
}

#[tokio::test]
async fn a_budget_that_is_only_measured_refuses_nothing() {
    let gateway = with_limits("upstream_calls = 1\nmeasure_only = [\"upstream_calls\"]").await;
    assert!(errors(&gateway.ask(LIST).await).is_empty());
    assert!(total(&gateway).await > 1);
}

#[tokio::test]
async fn what_an_operation_may_need_is_told_beside_what_it_made() {
    let gateway = Gateway::start(60).await;
    let request = json_body(client().post(format!("{}/graphql", gateway.url)), &json!({ "query": LIST }));
    let answer = read_json(send(request.header("x-spine-explain", "1")).await).await;
    let budget = &answer["extensions"]["spine"]["budget"];
    assert_eq!((&budget["limit"], &budget["allowed"]), (&json!("upstream_calls"), &json!(60)));
    let planned: u64 = answer["extensions"]["spine"]["planned"]["batches"]
        .as_object()
        .unwrap()
        .values()
        .filter_map(Value::as_u64)
        .sum();
    assert_eq!(budget["planned"], planned);
    let made = budget["made"].as_u64().unwrap();
    assert!(made > 0 && made <= total(&gateway).await, "{made}");
}

#[tokio::test]
async fn while_all_places_are_taken_answers_from_memory_are_given_and_others_refused_at_once() {
    let gateway = Gateway::over(company(60), |config| config.replace("[server]", "[server]\nmax_requests = 1")).await;
    let card = json!({ "query": CARD, "variables": { "id": gateway.project() } });
    let post = |body: &Value| json_body(client().post(format!("{}/graphql", gateway.url)), body);
    let first = read_json(send(post(&card)).await).await;
    gateway.reset().await;
    gateway.control("hubspot", "fault", json!({ "mode": "slow", "ms": 1500 })).await;
    let slow = json!({ "query": "{ deals(first: 3) { nodes { id } } }" });
    let held = send(post(&slow));
    let others = async {
        // It has its place once the system was asked.
        while gateway.calls("hubspot").await.is_empty() {
            tokio::task::yield_now().await;
        }
        let kept = read_json(send(post(&card)).await).await;
        let refused = send(post(&json!({ "query": "not even GraphQL" }))).await;
        (kept, refused)
    };
    let (held, (kept, refused)) = tokio::join!(held, others);
    assert_eq!(kept, first);
    assert_eq!((refused.status().as_u16(), refused.headers()["retry-after"].to_str().unwrap()), (503, "1"));
    assert_eq!(held.status(), 200);
}
