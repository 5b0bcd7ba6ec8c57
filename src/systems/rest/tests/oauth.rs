//! OAuth 2 client credentials: the server that grants tokens is another one.

use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::domain::ClientId;
use crate::systems::{ErrorKind, SystemError};

/// A section that signs in at that server.
fn section(tokens: &str, options: &str) -> String {
    format!(
        "[clients]\nby_id = {{ path = \"/x?ids={{ids}}\", rows = \"rows\" }}\nfields = {{ id = \"id\" }}\n\
         [auth]\nkind = \"oauth2\"\ntoken_url = \"{tokens}/oauth2/token?tenant=7\"\nclient_id = \"spine: client\"\n\
         client_secret = {{ demo = \"demo-s/ecret\" }}\n{options}"
    )
}

async fn ask(connection: &Connection) -> Result<(), SystemError> {
    let key = ClientId::new("1");
    let mut batch = connection.clients.as_ref().unwrap().clients(&call(), std::slice::from_ref(&key)).await?;
    batch.failed.remove(&key).map_or(Ok(()), Err)
}

/// Grants tokens with a number each, for so many seconds.
async fn grants(seconds: &'static str) -> Stub {
    let count = AtomicU32::new(0);
    stub(move |_| {
        let number = count.fetch_add(1, Ordering::Relaxed) + 1;
        json(format!(r#"{{"access_token":"token-{number}","token_type":"Bearer","expires_in":{seconds}}}"#))
    })
    .await
}

fn tokens_seen(stub: &Stub) -> Vec<String> {
    let seen = stub.seen.lock().unwrap();
    seen.iter().map(|call| call.headers["authorization"].to_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn the_secret_goes_to_the_token_server_and_the_token_to_the_system() {
    for (options, authorization, body) in [
        (
            "scope = \"read all\"",
            Some("Basic c3BpbmUlM0ErY2xpZW50OmRlbW8tcyUyRmVjcmV0"),
            "grant_type=client_credentials&scope=read+all",
        ),
        (
            "client_auth = \"client_secret_post\"\naudience = \"https://erp.example/api\"",
            None,
            "grant_type=client_credentials&audience=https%3A%2F%2Ferp.example%2Fapi\
             &client_id=spine%3A+client&client_secret=demo-s%2Fecret",
        ),
    ] {
        let (tokens, system) = (grants("3600").await, stub(|_| json(r#"{"rows":[]}"#)).await);
        let connection = connection(&system.url, &section(&tokens.url, options));
        ask(&connection).await.unwrap();
        ask(&connection).await.unwrap();
        let asked = tokens.last();
        assert_eq!((asked.method.as_str(), &*asked.target()), ("POST", "/oauth2/token?tenant=7"));
        assert_eq!(asked.headers["content-type"], "application/x-www-form-urlencoded");
        assert_eq!(asked.headers.get("authorization").map(|value| value.to_str().unwrap()), authorization);
        assert_eq!(asked.body(), body);
        assert_eq!(tokens.calls(), 1);
        assert_eq!(tokens_seen(&system), ["Bearer token-1", "Bearer token-1"]);
        assert_eq!(connection.upstreams.len(), 2);
        assert!(!format!("{connection:?}").contains("ecret"));
    }
}

#[tokio::test]
async fn a_token_is_renewed_before_it_runs_out() {
    // The margin is a minute, or a tenth of a short life; some servers write the number as a text.
    for (seconds, still_good, over) in [("3600", 3530, 20), ("\"100\"", 85, 10)] {
        let (tokens, system) = (grants(seconds).await, stub(|_| json(r#"{"rows":[]}"#)).await);
        let clock = Arc::new(clock());
        let config: Config =
            toml::from_str(&format!("url = \"{}\"\n{}", system.url, section(&tokens.url, ""))).unwrap();
        let context = ConnectionContext { clock: Arc::<ManualClock>::clone(&clock) as _, ..context(rule()) };
        let connection = connect(config, context).unwrap();
        ask(&connection).await.unwrap();
        clock.advance(Duration::from_secs(still_good));
        ask(&connection).await.unwrap();
        clock.advance(Duration::from_secs(over));
        ask(&connection).await.unwrap();
        assert_eq!(tokens_seen(&system), ["Bearer token-1", "Bearer token-1", "Bearer token-2"], "{seconds}");
    }
}

#[tokio::test]
async fn a_token_that_is_refused_is_renewed_once_and_no_more() {
    let tokens = grants("3600").await;
    let revoked = stub(|seen| match seen.headers["authorization"].to_str().unwrap() {
        "Bearer token-1" => status(401, "{}"),
        _ => json(r#"{"rows":[]}"#),
    })
    .await;
    let connected = connection(&revoked.url, &section(&tokens.url, ""));
    ask(&connected).await.unwrap();
    ask(&connected).await.unwrap();
    assert_eq!(tokens_seen(&revoked), ["Bearer token-1", "Bearer token-2", "Bearer token-2"]);

    let (tokens, closed) = (grants("3600").await, stub(|_| status(401, "{}")).await);
    let connected = connection(&closed.url, &section(&tokens.url, ""));
    assert_eq!(ask(&connected).await.unwrap_err().kind, ErrorKind::Unauthorized);
    assert_eq!((tokens.calls(), closed.calls()), (2, 2));
}

#[tokio::test]
async fn a_client_that_is_not_known_is_told_apart_and_not_tried_again_at_once() {
    for (code, body, kind) in [
        (400, r#"{"error":"invalid_client","error_description":"demo-s/ecret"}"#, ErrorKind::Unauthorized),
        (401, r#"{"error":"invalid_client"}"#, ErrorKind::Unauthorized),
        (400, r#"{"error":"invalid_scope"}"#, ErrorKind::BadRequest),
    ] {
        let tokens = stub(move |_| status(code, body)).await;
        let system = stub(|_| json(r#"{"rows":[]}"#)).await;
        let connection = connection(&system.url, &section(&tokens.url, ""));
        for _ in 0..2 {
            let error = ask(&connection).await.unwrap_err();
            assert_eq!(error.kind, kind, "{body}");
            assert!(!error.to_string().contains("ecret"), "{error}");
        }
        assert_eq!((tokens.calls(), system.calls()), (1, 0), "{body}");
    }
    for body in
        [r#"{"access_token":"x","token_type":"mac"}"#, r#"{"token_type":"Bearer"}"#, r#"{"access_token":"a\nb"}"#]
    {
        let tokens = stub(move |_| json(body)).await;
        let connection = connection("http://127.0.0.1:1", &section(&tokens.url, ""));
        assert_eq!(ask(&connection).await.unwrap_err().kind, ErrorKind::BadResponse, "{body}");
    }
}

#[test]
fn addresses_that_are_none_are_refused_by_name() {
    let good = section("https://login.example", "");
    try_connection("http://127.0.0.1:1", &good).unwrap();
    for (from, to, key) in [
        ("https://login.example/", "login.example/", "auth.token_url"),
        ("https://login.example/", "ftp://login.example/", "auth.token_url"),
        ("https://login.example/", "https://me:pw@login.example/", "auth.token_url"),
        ("/oauth2/token?tenant=7", "/*", "auth.token_url"),
        ("/oauth2/token?tenant=7", "/#x", "auth.token_url"),
        ("spine: client", "", "auth.client_id"),
    ] {
        let problem = try_connection("http://127.0.0.1:1", &good.replace(from, to)).unwrap_err();
        assert_eq!(problem.key, key, "{to}");
    }
}
