//! What a browser is told, and which pages may ask.

use super::*;

#[tokio::test]
async fn every_answer_carries_the_headers_that_keep_browsers_out() {
    let server = start().await;
    for answer in [
        server.ask("{ hello }").await,
        server.ask("{ nothing }").await,
        server.ask("{ panics }").await,
        server.get("/nothing").await,
        server.get("/health/live").await,
        server.get("/graphiql").await,
        server.get("/").await,
    ] {
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{answer:?}");
        assert_eq!(answer.header("x-frame-options"), "DENY", "{answer:?}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{answer:?}");
        assert_eq!(answer.header("cross-origin-resource-policy"), "same-origin", "{answer:?}");
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"), "{answer:?}");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"), "{answer:?}");
        assert!(!answer.header("cache-control").is_empty(), "{answer:?}");
        assert!(!answer.header("x-request-id").is_empty(), "{answer:?}");
        assert!(answer.headers.keys().all(|name| !name.as_str().starts_with("access-control-")), "{answer:?}");
    }
    assert_eq!(server.get("/health/live").await.header("cache-control"), "no-store");
}

#[tokio::test]
async fn only_the_page_may_load_something_and_only_from_here() {
    let server = start().await;
    let page = server.get("/graphiql").await;
    assert_eq!(
        page.header("content-security-policy"),
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; \
         font-src 'self' data:; img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'"
    );
    assert!(page.header("content-type").starts_with("text/html"), "{page:?}");
    let data = server.ask("{ hello }").await;
    assert_eq!(data.header("content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
}

#[tokio::test]
async fn the_reports_are_a_page_for_people_and_a_catalogue_for_programs() {
    let browser = ["host: localhost", "accept: text/html,application/xhtml+xml,*/*;q=0.8"];
    for graphiql in [true, false] {
        let server = start_with(ServerOptions { graphiql, ..ServerOptions::default() }).await;
        let seen = server.send("GET /reports HTTP/1.1", &browser, "").await;
        let varies = seen.headers.get_all("vary").iter().any(|vary| vary == "accept");
        assert!(seen.status == 200 && varies, "{seen:?}");
        // A build without the page has the catalogue for everybody.
        if graphiql && seen.header("content-type").starts_with("text/html") {
            assert_eq!(
                seen.header("content-security-policy"),
                "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; \
                 connect-src 'self'; form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
            );
            assert!(seen.body.contains("/graphiql/assets/"), "{seen:?}");
        } else {
            assert!(seen.json()["reports"].is_array(), "{seen:?}");
        }
        let read = server.get("/reports").await;
        assert!(read.json()["reports"].is_array(), "{read:?}");
    }
}

#[tokio::test]
async fn the_deal_card_is_framed_by_whom_the_configuration_names_and_by_nobody_else() {
    let rest = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; \
                connect-src 'self'; form-action 'none';";
    let page = start().await.get("/card/900024").await;
    assert_eq!(
        page.header("content-security-policy"),
        format!("{rest} frame-ancestors 'none'; base-uri 'none'"),
        "{page:?}"
    );
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert!(page.header("content-type").starts_with("text/html"), "{page:?}");

    let card_frame_ancestors = ["https://acme.lightning.force.com", "https://crm.example.com:8443"]
        .map(|origin| config::WebOrigin::parse(origin).unwrap())
        .to_vec();
    let server = start_with(ServerOptions { card_frame_ancestors, ..ServerOptions::default() }).await;
    let page = server.get("/card/deal:hubspot:900024").await;
    assert_eq!(
        page.header("content-security-policy"),
        format!(
            "{rest} base-uri 'none'; frame-ancestors https://acme.lightning.force.com https://crm.example.com:8443"
        )
    );
    assert!(page.headers.get("x-frame-options").is_none(), "{page:?}");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    // Only the card.
    for path in ["/graphiql", "/health/live", "/graphiql/assets/none.js"] {
        assert_eq!(server.get(path).await.header("x-frame-options"), "DENY", "{path}");
    }
    server.get("/card/").await.refused(404, "NOT_FOUND");
    server.get("/card/a/b").await.refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn the_page_is_there_or_says_how_to_build_it() {
    let server = start().await;
    for path in ["/graphiql", "/graphiql/"] {
        let page = server.get(path).await;
        if page.status == 404 {
            assert!(page.body.contains("make web"), "{page:?}");
        } else {
            assert_eq!(page.status, 200);
            assert!(page.body.contains("/graphiql/assets/"), "{page:?}");
        }
    }
    let answer = server.get("/").await;
    assert_eq!((answer.status, answer.header("location")), (303, "/graphiql"));
    let server = start_with(ServerOptions { graphiql: false, ..ServerOptions::default() }).await;
    for path in ["/graphiql", "/graphiql/", "/graphiql/index.html", "/card/900024", "/"] {
        server.get(path).await.refused(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn a_request_is_named_by_its_caller_if_the_name_is_a_plain_word() {
    let server = start().await;
    let answer = server.post(&["x-request-id: trace-1.a_B"], query_body("{ nothing }")).await;
    assert_eq!(answer.header("x-request-id"), "trace-1.a_B");
    assert_eq!(answer.json()["errors"][0]["extensions"]["requestId"], "trace-1.a_B");
    let long = "x".repeat(65);
    let mut ours = std::collections::HashSet::new();
    for theirs in ["", "two words", "<script>", "a\"b", "é", &long] {
        let answer = server.post(&[&format!("x-request-id: {theirs}")], query_body("{ nothing }")).await;
        let id = answer.header("x-request-id").to_owned();
        assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        assert!(ours.insert(id));
    }
}

async fn ask_from(server: &Server, origin: &str, host: &str) -> Answer {
    let (origin, host) = (format!("origin: {origin}"), format!("host: {host}"));
    let headers = [&host, "content-type: application/json", &origin];
    server.send("POST /graphql HTTP/1.1", &headers, query_body("{ hello }")).await
}

#[tokio::test]
async fn pages_of_other_sites_may_not_ask() {
    let server = start().await;
    let port = server.address.port();
    for (origin, host) in [
        ("https://evil.example".to_owned(), format!("localhost:{port}")),
        (format!("http://evil.example:{port}"), format!("evil.example:{port}")),
        ("null".to_owned(), format!("localhost:{port}")),
    ] {
        ask_from(&server, &origin, &host).await.refused(403, "FORBIDDEN");
    }
    for host in [format!("localhost:{port}"), format!("127.0.0.1:{port}")] {
        assert_eq!(ask_from(&server, &format!("http://{host}"), &host).await.status, 200);
    }

    let named = ServerOptions {
        public_origins: vec![config::WebOrigin::parse("https://spine.example.com").unwrap()],
        ..ServerOptions::default()
    };
    let server = start_with(named).await;
    let answer = server.post(&["origin: https://spine.example.com"], query_body("{ hello }")).await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn the_log_has_a_line_for_each_request_and_nothing_of_what_was_asked_or_answered() {
    let log = Log::default();
    let _guard = log.keep();
    let server = start().await;
    let body = serde_json::json!({
        "query": "query Card($t: String!) { canary1: echo(text: $t) }",
        "variables": { "t": "canary2" },
        "extensions": { "x": "canary3" },
    });
    server.post(&["x-request-id: one", "authorization: Bearer canary4"], body.to_string()).await;
    server.post(&["x-request-id: two"], "{\"query\":\"{ hello }\",\"operationName\":\"canary5\"}").await;
    server.post(&["x-request-id: three"], "canary6").await;
    let log = log.text();
    assert!(!log.contains("canary"), "{log}");
    for (id, operation, status) in [("one", "Card", 200), ("two", "", 200), ("three", "", 400)] {
        let line =
            log.lines().find(|line| line.contains(&format!("request.id={id} "))).unwrap_or_else(|| panic!("{log}"));
        assert!(line.contains(&format!("graphql.operation=\"{operation}\"")), "{line}");
        assert!(line.contains(&format!("http.status={status}")), "{line}");
        assert!(line.contains("outcome=\"answered\""), "{line}");
    }
}
