//! GraphQL over HTTP, where all is well or the fault is the query's.

use serde_json::json;

use super::*;

#[tokio::test]
async fn a_query_is_answered() {
    let server = start().await;
    let answer = server.ask("{ hello }").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), "application/graphql-response+json; charset=utf-8");
    assert_eq!(answer.json(), json!({ "data": { "hello": "world" } }));
}

#[tokio::test]
async fn the_media_type_is_the_one_asked_for() {
    let server = start().await;
    for (accept, content_type) in [
        (&["accept: application/json"][..], "application/json; charset=utf-8"),
        (&["accept: */*"], "application/json; charset=utf-8"),
        (&[], "application/json; charset=utf-8"),
        (
            &["accept: application/graphql-response+json, application/json;q=0.9"],
            "application/graphql-response+json; charset=utf-8",
        ),
        (&["accept: text/html", "accept: application/json"], "application/json; charset=utf-8"),
    ] {
        let answer = server.post(accept, query_body("{ hello }")).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, content_type), "{accept:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_not_sent() {
    let server = start().await;
    let answer = server.post(&["accept: text/html"], query_body("{ hello }")).await;
    answer.refused(406, "NOT_ACCEPTABLE");
    assert_eq!(answer.header("content-type"), "application/json; charset=utf-8");
}

#[tokio::test]
async fn variables_operation_name_and_extensions_are_accepted() {
    let server = start().await;
    let body = json!({
        "query": "query A($t: String!) { echo(text: $t) } query B { hello }",
        "operationName": "A",
        "variables": { "t": "Grüße, 世界 \u{1f680}" },
        "extensions": { "some": ["thing"] },
    });
    let answer = server.post(&[], body.to_string()).await;
    assert_eq!(answer.json(), json!({ "data": { "echo": "Grüße, 世界 \u{1f680}" } }));
    let nulls = json!({ "query": "{ hello }", "operationName": null, "variables": null, "extensions": null });
    assert_eq!(server.post(&[], nulls.to_string()).await.json(), json!({ "data": { "hello": "world" } }));
}

#[tokio::test]
async fn an_error_of_a_field_comes_with_the_rest() {
    let server = start().await;
    for answer in [server.ask("{ hello fails }").await, server.ask_as_json("{ hello fails }").await] {
        assert_eq!(answer.status, 200);
        let json = answer.json();
        assert_eq!(json["data"], json!({ "hello": "world", "fails": null }));
        assert_eq!(json["errors"][0]["path"], json!(["fails"]));
        assert_eq!(json["errors"][0]["extensions"]["requestId"], answer.header("x-request-id"));
    }
}

#[tokio::test]
async fn a_query_of_which_everything_failed_was_executed_all_the_same() {
    let server = start().await;
    for answer in [server.ask("{ failsWhole }").await, server.ask_as_json("{ failsWhole }").await] {
        assert_eq!(answer.status, 200);
        let json = answer.json();
        assert_eq!(json["data"], json!({ "failsWhole": null }));
        assert_eq!(json["errors"][0]["path"], json!(["failsWhole"]));
    }
}

#[tokio::test]
async fn fields_come_in_the_order_of_the_query_not_of_their_completion() {
    let server = start().await;
    server.signals.go_on.notify_one();
    let answer = server.ask("{ slowly hello waits last: hello }").await;
    assert_eq!(answer.body, r#"{"data":{"slowly":1,"hello":"world","waits":7,"last":"world"}}"#);
}

#[tokio::test]
async fn a_document_that_is_not_executed_has_no_data_and_the_status_of_its_media_type() {
    let server = start().await;
    let unfit = json!({ "query": "query($t: String!) { echo(text: $t) }", "variables": { "t": 7 } }).to_string();
    let unknown = json!({ "query": "query A { hello }", "operationName": "B" }).to_string();
    for (body, code) in [
        (query_body("{"), "GRAPHQL_PARSE_FAILED"),
        (query_body(""), "GRAPHQL_PARSE_FAILED"),
        (query_body("{ nothing }"), "GRAPHQL_VALIDATION_FAILED"),
        (query_body("{ ...A } fragment A on Query { ...A }"), "GRAPHQL_VALIDATION_FAILED"),
        (query_body("mutation { hello }"), "GRAPHQL_VALIDATION_FAILED"),
        (unfit, "GRAPHQL_VALIDATION_FAILED"),
        (unknown, "GRAPHQL_VALIDATION_FAILED"),
        (query_body("query($t: String!) { hello echo(text: $t) }"), "GRAPHQL_VALIDATION_FAILED"),
        (query_body("query A { hello } query B { hello }"), "GRAPHQL_VALIDATION_FAILED"),
    ] {
        let answer = server.post(&["accept: application/graphql-response+json"], &body).await;
        answer.refused(400, code);
        assert!(answer.header("content-type").starts_with("application/graphql-response+json"));
        let answer = server.post(&["accept: application/json"], &body).await;
        answer.refused(200, code);
    }
}

#[tokio::test]
async fn a_query_beyond_the_limits_is_refused_under_either_media_type() {
    let server = start().await;
    let deep = format!("{}hello{}", "{ nested ".repeat(13), "}".repeat(13));
    for answer in [server.ask(&deep).await, server.ask_as_json(&deep).await] {
        let message = answer.refused(400, "QUERY_TOO_COMPLEX");
        assert_eq!(message, "The query is too large: depth is limited to 12 and this has 13.");
    }
    // The one that ends a process without a guard.
    let nested = format!("{{ echo(text: {}1{}) }}", "[".repeat(8_000), "]".repeat(8_000));
    server.ask(&nested).await.refused(400, "QUERY_TOO_COMPLEX");
    assert_eq!(server.ask("{ hello }").await.status, 200);
}

#[tokio::test]
async fn the_deepest_query_that_is_admitted_is_answered() {
    let server = start().await;
    for query in [
        format!("{{ echo(text: {}1{}) }}", "[".repeat(62), "]".repeat(62)),
        format!("{{ echo(text: {}1{}) }}", "{a:".repeat(62), "}".repeat(62)),
        format!("{}hello{}", "{ ... ".repeat(60), "}".repeat(60)).replace("{ ... hello", "{ hello"),
        format!("query($v: Int = {}1{}) {{ hello }}", "[".repeat(62), "]".repeat(62)),
    ] {
        let answer = server.ask(&query).await;
        assert_eq!(
            (answer.status, answer.json()["errors"][0]["extensions"]["code"].as_str()),
            (400, Some("GRAPHQL_VALIDATION_FAILED"))
        );
    }
    let deep = format!("{}hello{}", "{ nested ".repeat(11) + "{ ", "}".repeat(12));
    assert_eq!(server.ask(&deep).await.status, 200);
}

#[tokio::test]
async fn an_argument_that_only_its_field_can_judge_is_an_error_of_that_field() {
    let server = start().await;
    let body = json!({ "query": "query($n: Int) { hello number(n: $n) }", "variables": { "n": 99_999_999_999_u64 } });
    let answer = server.post(&[], body.to_string()).await;
    let json = answer.json();
    assert_eq!((answer.status, &json["data"]), (200, &json!({ "hello": "world", "number": null })));
    assert_eq!(json["errors"][0]["extensions"]["code"], "BAD_REQUEST");
}

#[tokio::test]
async fn many_errors_are_not_all_told() {
    let server = start().await;
    let unknown = (0..20).map(|n| format!("f{n} g{n} ")).collect::<Vec<_>>().concat();
    let answer = server.ask(&format!("{{ nested {{ {unknown} }} }}")).await;
    assert_eq!(answer.status, 400);
    assert_eq!(answer.json()["errors"].as_array().map(Vec::len), Some(20));
}

#[tokio::test]
async fn the_graph_knows_how_old_values_may_be() {
    let server = start().await;
    for (header, seen) in [("no-cache", "Some(0ns)"), ("max-age=7", "Some(7s)"), ("private", "None")] {
        let answer = server.post(&[&format!("cache-control: {header}")], query_body("{ seen }")).await;
        assert_eq!(answer.json(), json!({ "data": { "seen": seen } }));
        assert_eq!(answer.header("cache-control"), "no-store", "what was not read from an owner has no age");
    }
    assert_eq!(server.ask("{ fails }").await.header("cache-control"), "no-store");
}

#[tokio::test]
async fn a_document_that_was_valid_once_is_refused_with_unfit_variables_all_the_same() {
    let server = start().await;
    let query = "query($n: Int, $text: String!) { number(n: $n) echo(text: $text) }";
    let ask = async |variables: Value| {
        let body = json!({ "query": query, "variables": variables }).to_string();
        server.post(&["accept: application/graphql-response+json"], body).await
    };
    for _ in 0..3 {
        let answer = ask(json!({ "n": 1, "text": "a" })).await;
        assert_eq!(answer.json(), json!({ "data": { "number": 1, "echo": "a" } }));
        for unfit in [json!({ "n": "1", "text": "a" }), json!({ "n": 1, "text": 2 }), json!({ "n": 1 })] {
            ask(unfit).await.refused(400, "GRAPHQL_VALIDATION_FAILED");
        }
    }
}

#[tokio::test]
async fn introspection_is_answered() {
    let server = start().await;
    let answer =
        server.ask("{ __schema { queryType { name } types { name kind } } __type(name: \"Query\") { name } }").await;
    assert_eq!(answer.json()["data"]["__schema"]["queryType"]["name"], "Query");
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_given_up_at_the_deadline() {
    let options = ServerOptions { request_timeout: milliseconds(10), ..ServerOptions::default() };
    let server = start_with(options).await;
    server.ask("{ waits }").await.refused(504, "DEADLINE_EXCEEDED");
    server.signals.dropped.notified().await;
}

#[tokio::test]
async fn who_hangs_up_stops_the_work() {
    let log = Log::default();
    let _guard = log.keep();
    let server = start().await;
    let mut stream = server.connect().await;
    let headers = ["host: localhost", "content-type: application/json"];
    let request = request_bytes("POST /graphql HTTP/1.1", &headers, query_body("{ waits }").as_bytes());
    stream.write_all(&request).await.unwrap();
    server.signals.waiting.notified().await;
    drop(stream);
    server.signals.dropped.notified().await;
    assert!(log.text().contains("outcome=\"client_cancelled\""), "{}", log.text());
}

#[tokio::test]
async fn requests_beyond_the_most_at_once_are_told_to_come_back() {
    let server = start_with(ServerOptions { max_requests: 1, ..ServerOptions::default() }).await;
    let first = server.ask("{ waits }");
    let second = async {
        server.signals.waiting.notified().await;
        let answer = server.ask("{ hello }").await;
        server.signals.go_on.notify_one();
        answer
    };
    let (first, second) = tokio::join!(first, second);
    second.refused(503, "OVERLOADED");
    assert_eq!(second.header("retry-after"), "1");
    assert_eq!(first.json(), json!({ "data": { "waits": 7 } }));
    assert_eq!(server.ask("{ hello }").await.status, 200);
}
