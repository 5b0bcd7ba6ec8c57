use std::time::Duration;

use axum::Router;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::time::Instant;

use super::*;
use crate::domain::SystemClock;
use crate::systems::Priority;

async fn serve(router: Router) -> Url {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

fn client(base_url: Url) -> HttpClient {
    HttpClient::new(ClientOptions {
        connection: ConnectionName::new("test"),
        system: "test",
        base_url,
        headers: HeaderMap::new(),
        allowed: vec![Allowed::get("/*")],
        classify,
        traffic: Traffic::default(),
        clock: Arc::new(SystemClock::default()),
    })
    .unwrap()
}

fn call() -> Call {
    Call { deadline: Instant::now() + Duration::from_secs(10), priority: Priority::Interactive }
}

#[tokio::test]
async fn an_answer_is_read_and_decoded() {
    let client = client(serve(Router::new().route("/x", get(async || r#"{"a": [1, 2]}"#))).await);
    let response = client.send(&call(), Request::get("x.read", "/x")).await.unwrap();
    let decoded: std::collections::HashMap<String, Vec<u8>> = client.decode("x.read", &response).unwrap();
    assert_eq!(decoded["a"], [1, 2]);
    let wrong = client.decode::<std::collections::HashMap<String, Vec<bool>>>("x.read", &response).unwrap_err();
    assert_eq!(wrong.detail.unwrap().as_ref(), "at `a[0]` (line 1, column 8): expected a boolean");
}
