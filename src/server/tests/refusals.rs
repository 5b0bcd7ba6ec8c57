//! Requests that are not GraphQL over HTTP: each refused with the status that says why, and a sentence of JSON.

use super::*;

#[tokio::test]
async fn only_json_is_a_question() {
    let server = start().await;
    let body = query_body("{ hello }");
    for content_type in [
        &["content-type: text/plain"][..],
        &["content-type: application/x-www-form-urlencoded"],
        &["content-type: multipart/form-data; boundary=x"],
        &["content-type: application/graphql"],
        &["content-type: application/jsonp"],
        &["content-type: text/plain; a=application/json"],
        &["content-type: application/json; charset=utf-16"],
        &["content-type: application/json; charset=\"latin1\""],
        &["content-type:"],
        &[],
    ] {
        let headers = [&["host: localhost"], content_type].concat();
        let answer = server.send("POST /graphql HTTP/1.1", &headers, &body).await;
        answer.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    for content_type in
        ["application/json; charset=utf-8", "Application/JSON;charset=\"UTF-8\"", "application/json;x=y"]
    {
        let headers = ["host: localhost", &format!("content-type: {content_type}")];
        assert_eq!(server.send("POST /graphql HTTP/1.1", &headers, &body).await.status, 200, "{content_type}");
    }
}

#[tokio::test]
async fn a_compressed_body_is_not_inflated() {
    let server = start().await;
    for encoding in ["gzip", "br", "deflate", "identity, gzip"] {
        let answer = server.post(&[&format!("content-encoding: {encoding}")], b"\x1f\x8b").await;
        answer.refused(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    assert_eq!(server.post(&["content-encoding: identity"], query_body("{ hello }")).await.status, 200);
}

#[tokio::test]
async fn a_body_is_one_json_object_with_known_members() {
    let server = start().await;
    let cases: [(&[u8], &str); 24] = [
        (b"", "The body is empty; expected a JSON object with `query`."),
        (b" \n", "The body is empty; expected a JSON object with `query`."),
        (b"42", "The body is a number; expected a JSON object with `query`."),
        (b"\"{ hello }\"", "The body is a string; expected a JSON object with `query`."),
        (b"null", "The body is null; expected a JSON object with `query`."),
        (b"query=%7Bhello%7D", "The body is not JSON; expected a JSON object with `query`."),
        (b"[{\"query\":\"{hello}\"}]", "The body is a list: batches are not supported, ask one by one."),
        (b"[not even JSON", "The body is a list: batches are not supported, ask one by one."),
        (b"{\xff}", "The body is not UTF-8."),
        (b"\xef\xbb\xbf{}", "The body is not JSON; expected a JSON object with `query`."),
        (b"{\"query\":\"{hello}", "The body is not valid JSON: EOF while parsing a string at line 1 column 17."),
        (b"{\"query\":\"{hello}\"} x", "The body is not valid JSON: trailing characters at line 1 column 21."),
        (b"{\"query\":\"{hello}\",}", "The body is not valid JSON: trailing comma at line 1 column 20."),
        (b"{}", "`query` is missing."),
        (b"{\"query\":null}", "`query` is null; expected a string."),
        (b"{\"query\":{}}", "`query` is an object; expected a string."),
        (b"{\"query\":\"\\ud800\"}", "`query` is not a valid JSON string."),
        (b"{\"query\":\"{hello}\",\"operationName\":7}", "`operationName` is a number; expected a string."),
        (b"{\"query\":\"{hello}\",\"variables\":[]}", "`variables` is a list; expected an object."),
        (b"{\"query\":\"{hello}\",\"variables\":\"x\"}", "`variables` is a string; expected an object."),
        (b"{\"query\":\"{hello}\",\"extensions\":true}", "`extensions` is a boolean; expected an object."),
        (b"{\"query\":\"{hello}\",\"query\":\"{hello}\"}", "`query` is there twice."),
        (b"{\"query\":\"{hello}\",\"variables\":null,\"variables\":{}}", "`variables` is there twice."),
        (
            b"{\"query\":\"{hello}\",\"qeury\":1}",
            "`qeury` is not known; expected `query`, `documentId`, `operationName`, `variables`, `extensions`.",
        ),
    ];
    for (body, message) in cases {
        let answer = server.post(&[], body).await;
        assert_eq!(answer.refused(400, "BAD_REQUEST"), message);
    }
}

#[tokio::test]
async fn variables_are_bounded() {
    let server = start().await;
    let body = |variables: &str| format!("{{\"query\":\"{{hello}}\",\"variables\":{variables}}}");
    let deep = format!("{{\"v\":{}1{}}}", "[".repeat(40), "]".repeat(40));
    let message = server.post(&[], body(&deep)).await.refused(400, "QUERY_TOO_COMPLEX");
    assert_eq!(message, "The query is too large: variables_nesting is limited to 32 and this has 41.");
    let very_deep = format!("{{\"v\":{}1{}}}", "[".repeat(30_000), "]".repeat(30_000));
    server.post(&[], body(&very_deep)).await.refused(400, "QUERY_TOO_COMPLEX");
    let long = format!("{{\"v\":\"{}\"}}", "x".repeat(70_000));
    server.post(&[], body(&long)).await.refused(400, "QUERY_TOO_COMPLEX");
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_and_the_refusal_can_be_read() {
    let server = start_with(ServerOptions { max_body: 1_000, ..ServerOptions::default() }).await;
    let long = query_body(&format!("{{ hello }} # {}", "x".repeat(3_000_000)));
    let message = server.post(&[], &long).await.refused(413, "PAYLOAD_TOO_LARGE");
    assert_eq!(message, "The body is larger than 1000 bytes.");

    // The same without saying so beforehand.
    let chunks = format!("{:x}\r\n{long}\r\n0\r\n\r\n", long.len());
    let headers = ["host: localhost", "content-type: application/json", "transfer-encoding: chunked"];
    let mut stream = server.connect().await;
    let head = request_bytes("POST /graphql HTTP/1.1", &headers, b"");
    stream.write_all(&[head, chunks.into_bytes()].concat()).await.unwrap();
    Answer::read(stream).await.refused(413, "PAYLOAD_TOO_LARGE");

    // Who asks first whether to send it need not send it.
    let headers = ["host: localhost", "content-type: application/json", "expect: 100-continue", "content-length: 5000"];
    server.send("POST /graphql HTTP/1.1", &headers, "").await.refused(413, "PAYLOAD_TOO_LARGE");

    let exact = format!("{:<1000}", query_body("{ hello }"));
    assert_eq!(server.post(&[], exact).await.status, 200);
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_given_up() {
    let server = start_with(ServerOptions { body_timeout: milliseconds(20), ..ServerOptions::default() }).await;
    let headers = ["host: localhost", "content-type: application/json", "content-length: 100"];
    let mut stream = server.connect().await;
    stream.write_all(&request_bytes("POST /graphql HTTP/1.1", &headers, b"")).await.unwrap();
    stream.write_all(b"{\"query\"").await.unwrap();
    Answer::read(stream).await.refused(408, "REQUEST_TIMEOUT");
}

#[tokio::test]
async fn a_browser_is_led_to_graphiql_and_programs_are_told_to_post() {
    let server = start().await;
    let browser = ["host: localhost", "accept: text/html,application/xhtml+xml,*/*;q=0.8"];
    let answer = server.send("GET /graphql HTTP/1.1", &browser, "").await;
    assert_eq!((answer.status, answer.header("location")), (303, "/graphiql"));
    for line in
        ["GET /graphql?query=%7Bhello%7D", "PUT /graphql", "DELETE /graphql", "OPTIONS /graphql", "PATCH /graphql"]
    {
        let answer = server.send(&format!("{line} HTTP/1.1"), &["host: localhost", "accept: */*"], "").await;
        answer.refused(405, "METHOD_NOT_ALLOWED");
        assert_eq!(answer.header("allow"), "POST", "{line}");
    }
    let server = start_with(ServerOptions { graphiql: false, ..ServerOptions::default() }).await;
    let answer = server.send("GET /graphql HTTP/1.1", &browser, "").await;
    answer.refused(405, "METHOD_NOT_ALLOWED");
}

#[tokio::test]
async fn what_is_not_there_is_not_found() {
    let server = start().await;
    for path in ["/nothing", "/graphql/", "/health", "/graphiql/assets/none.js", "/graphiql/..%2f..%2fetc/passwd"] {
        server.get(path).await.refused(404, "NOT_FOUND");
    }
    let answer = server.send("POST /health/live HTTP/1.1", &["host: localhost"], "").await;
    answer.refused(405, "METHOD_NOT_ALLOWED");
    assert_eq!(answer.header("allow"), "GET,HEAD");
}
