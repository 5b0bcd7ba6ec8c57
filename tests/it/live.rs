//! Projects and deals that are followed: told at once, and again when they have changed.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use spine::config::KeyHash;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{WebSocketStream, client_async};

use super::freshness::{net, open_invoice};
use super::support::{Gateway, client, company, json_body, send};
use super::webhooks::tell;

pub(crate) const PROJECT: &str = "subscription Card($id: ProjectId!) { project: projectChanged(id: $id) {
    code invoices { number net { amount } } financials { margin { amount } } } }";

/// Events that are read as they come.
pub(crate) struct Events {
    response: reqwest::Response,
    text: String,
}

impl Events {
    pub(crate) async fn of(gateway: &Gateway, query: &str, variables: Value, headers: &[(&str, &str)]) -> Self {
        let response = Self::ask(gateway, query, variables, headers).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
        Self { response, text: String::new() }
    }

    async fn ask(gateway: &Gateway, query: &str, variables: Value, headers: &[(&str, &str)]) -> reqwest::Response {
        let body = json!({ "query": query, "variables": variables });
        let mut request = json_body(client().post(format!("{}/graphql", gateway.url)), &body);
        request = request.header("accept", "text/event-stream");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        send(request).await
    }

    /// The next event, by its name; none if there will be no more.
    async fn next(&mut self) -> Option<(String, Value)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                if event.starts_with(':') {
                    continue;
                }
                let (name, data) = event.split_once("\ndata: ").unwrap();
                let data = if data.is_empty() { Value::Null } else { serde_json::from_str(data).unwrap() };
                return Some((name.strip_prefix("event: ").unwrap().to_owned(), data));
            }
            let chunk = self.response.chunk().await.ok()??;
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    pub(crate) async fn answer(&mut self) -> Value {
        let (name, data) = self.next().await.unwrap();
        assert_eq!(name, "next", "{data}");
        data
    }
}

#[tokio::test]
async fn who_follows_a_project_is_told_at_once_and_after_each_change_of_it() {
    let gateway = Gateway::start(60).await;
    let (project, number) = open_invoice(&gateway);
    let mut events = Events::of(&gateway, PROJECT, json!({ "id": project }), &[]).await;
    let first = events.answer().await;
    assert_eq!(first["data"]["project"]["code"], project.as_str(), "{first}");
    let before = net(&first["data"], number);

    // Told, but nothing of it has changed: nothing is told again.
    tell(&gateway, json!({ "kind": "invoice" })).await;
    gateway.control("sap", "correct", json!({ "invoice": number, "net": "4321.09" })).await;
    tell(&gateway, json!({ "kind": "invoice" })).await;
    let second = events.answer().await;
    assert_eq!(net(&second["data"], number), "4321.09", "before: {before}");

    // Two changes within a second are told together.
    gateway.control("sap", "correct", json!({ "invoice": number, "net": "1.00" })).await;
    tell(&gateway, json!({ "kind": "invoice" })).await;
    gateway.control("sap", "correct", json!({ "invoice": number, "net": "2.00" })).await;
    tell(&gateway, json!({ "kind": "invoice" })).await;
    assert_eq!(net(&events.answer().await["data"], number), "2.00");
}

#[tokio::test]
async fn a_deal_is_followed_by_its_id_and_what_is_masked_stays_masked() {
    let roles = "[access.roles.finance]\nreads = [\"commercial\", \"costs\", \"margins\"]\n[access.roles.sales]\nreads = [\"commercial\"]\n[access.roles.pm]\nreads = [\"delivery\"]\n";
    let gateway = Gateway::over(company(60), |config| format!("{config}\n{roles}")).await;
    let project = gateway.project();
    let find = "query($id: ProjectId!) { deal(by: { projectId: $id }) { id } }";
    let id = gateway.ask_with(find, json!({ "id": project }), None).await.fine()["deal"]["id"].clone();
    let query = "subscription($id: ID!) { dealChanged(id: $id) { id name financials { actualCost { amount } margin { amount } } } }";
    let told = async |role: &str| {
        Events::of(&gateway, query, json!({ "id": id }), &[("x-spine-role", role)]).await.answer().await
    };
    let finance = told("finance").await;
    assert!(finance["data"]["dealChanged"]["financials"]["actualCost"]["amount"].is_string(), "{finance}");
    assert_eq!(finance.get("errors"), None, "{finance}");
    let sales = told("sales").await;
    assert_eq!(sales["data"]["dealChanged"]["id"], id, "{sales}");
    assert_eq!(sales["data"]["dealChanged"]["financials"]["actualCost"], Value::Null, "{sales}");
    assert_eq!(sales["data"]["dealChanged"]["financials"]["margin"], Value::Null, "{sales}");
    assert_eq!(sales["errors"][0]["extensions"]["code"], "FIELD_MASKED", "{sales}");
    let pm = told("pm").await;
    assert_eq!(pm["data"], json!({ "dealChanged": null }), "{pm}");
    assert_eq!(pm["errors"][0]["extensions"]["field"], "Subscription.dealChanged", "{pm}");
}

#[tokio::test]
async fn what_is_wrong_with_a_question_is_told_as_an_event() {
    let gateway = Gateway::start(3).await;
    for (query, code) in [
        ("subscription {", "GRAPHQL_PARSE_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription($id: ID!) { dealChanged(id: $id) { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { a: dealChanged(id: 1) { id } b: dealChanged(id: 2) { id } }", "BAD_REQUEST"),
        ("subscription A { dealChanged(id: 1) { id } } subscription B { dealChanged(id: 1) { id } }", "BAD_REQUEST"),
        (
            "subscription { dealChanged(id: 1) { project { deals { project { deals { project { deals { project { deals {
             project { deals { project { deals { id } } } } } } } } } } } } } }",
            "QUERY_TOO_COMPLEX",
        ),
    ] {
        let mut events = Events::of(&gateway, query, json!({}), &[]).await;
        let answer = events.answer().await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{query}: {answer}");
        assert!(answer["errors"][0]["extensions"]["requestId"].is_string(), "{answer}");
        assert_eq!(events.next().await, Some(("complete".to_owned(), Value::Null)), "{query}");
        assert_eq!(events.next().await, None);
    }
}

#[tokio::test]
async fn a_query_is_answered_once_and_a_subscription_is_not_asked_once() {
    let gateway = Gateway::start(3).await;
    let mut events = Events::of(&gateway, "{ __typename }", json!({}), &[]).await;
    assert_eq!(events.answer().await, json!({ "data": { "__typename": "Query" } }));
    assert_eq!(events.next().await, Some(("complete".to_owned(), Value::Null)));
    // As EventSource asks.
    let url = format!("{}/graphql?query=%7B__typename%7D&variables=%7B%7D", gateway.url);
    let response = send(client().get(url).header("accept", "text/event-stream")).await;
    assert_eq!(
        response.text().await.unwrap(),
        "event: next\ndata: {\"data\":{\"__typename\":\"Query\"}}\n\nevent: complete\ndata: \n\n"
    );
    let url = format!("{}/graphql?query=%7B__typename%7D&token=1", gateway.url);
    assert_eq!(send(client().get(url).header("accept", "text/event-stream")).await.status(), 400);
    let foreign = [("origin", "https://evil.example")];
    assert_eq!(Events::ask(&gateway, "{ __typename }", json!({}), &foreign).await.status(), 403);
    let body = json!({ "query": "subscription { dealChanged(id: 1) { id } }" });
    let plain = send(json_body(client().post(format!("{}/graphql", gateway.url)), &body)).await;
    assert_eq!(plain.status(), 400);
    assert!(plain.text().await.unwrap().contains("text/event-stream"));
}

#[tokio::test]
async fn a_query_as_an_event_is_as_fresh_as_its_headers_ask_for() {
    let gateway = Gateway::start(60).await;
    let (query, variables) =
        ("query($id: ProjectId!) { project(id: $id) { source { status } } }", json!({ "id": gateway.project() }));
    for (control, status) in [("max-age=60", "LIVE"), ("max-age=60", "CACHED"), ("no-cache", "LIVE")] {
        gateway.pass(1);
        let headers = [("cache-control", control)];
        let answer = Events::of(&gateway, query, variables.clone(), &headers).await.answer().await;
        assert_eq!(answer["data"]["project"]["source"]["status"], status, "{control}");
    }
    // What is followed is told when it has changed: an EventSource of a browser always says `no-cache`.
    let subscription = "subscription($id: ProjectId!) { projectChanged(id: $id) { source { status } } }";
    gateway.pass(1);
    let mut events = Events::of(&gateway, subscription, variables, &[("cache-control", "no-cache")]).await;
    assert_eq!(events.answer().await["data"]["projectChanged"]["source"]["status"], "CACHED");
}

#[tokio::test]
async fn no_more_is_followed_than_the_server_has_places_for() {
    let gateway =
        Gateway::over(company(3), |config| config.replace("[server]", "[server]\nmax_subscriptions = 1")).await;
    let query = "subscription { dealChanged(id: \"1\") { id } }";
    let mut first = Events::of(&gateway, query, json!({}), &[]).await;
    first.answer().await;
    assert_eq!(Events::ask(&gateway, query, json!({}), &[]).await.status(), 503);
    let metrics = send(client().get(format!("{}/metrics", gateway.served.admin))).await.text().await.unwrap();
    for line in [
        "spine_places_taken{of=\"requests\"} 0",
        "spine_places_taken{of=\"subscriptions\"} 1",
        "spine_refused_total{of=\"requests\",reason=\"all_taken\"} 0",
        "spine_refused_total{of=\"subscriptions\",reason=\"all_taken\"} 1",
        "spine_refused_total{of=\"subscriptions\",reason=\"part_taken\"} 0",
    ] {
        assert!(metrics.lines().any(|told| told == line), "{line} in {metrics}");
    }
    drop(first);
    // Its place is free as soon as the server has noticed.
    while Events::ask(&gateway, query, json!({}), &[]).await.status() == 503 {}
}

#[tokio::test]
async fn nobody_follows_all_there_may_be_while_others_want_to_follow() {
    let doors = format!(
        "[sign_in.keys.ana]\nhash = \"{}\"\n[sign_in.keys.ben]\nhash = \"{}\"\n",
        KeyHash::of("a"),
        KeyHash::of("b")
    );
    let edit = |config: String| config.replace("[server]", "[server]\nmax_subscriptions = 4") + "\n" + &doors;
    let gateway = Gateway::over(company(3), edit).await;
    let query = "subscription { dealChanged(id: \"1\") { id } }";
    let (ana, ben) = ([("authorization", "Bearer ana.a")], [("authorization", "Bearer ben.b")]);
    let ask = async |who: &[(&str, &str)]| Events::ask(&gateway, query, json!({}), who).await;
    let mut anas = Vec::new();
    for _ in 0..4 {
        anas.push(ask(&ana).await);
    }
    assert!(anas.iter().all(|response| response.status() == 200), "whoever is alone takes all");
    assert_eq!(ask(&ben).await.status(), 503);
    // One of Ana's ends. The place is Ben's, who asks again, however soon Ana does.
    drop(anas.pop());
    let bens = loop {
        let refused = ask(&ana).await;
        assert_eq!(refused.status(), 503);
        let message = refused.text().await.unwrap();
        assert!(message.contains("server.max_subscriptions"), "{message}");
        let bens = ask(&ben).await;
        if bens.status() == 200 {
            break bens;
        }
    };
    drop((anas, bens));
}

/// A WebSocket as the protocol wants it.
struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    async fn open(gateway: &Gateway, headers: &[(&'static str, &str)]) -> Self {
        Self::try_open(gateway, headers).await.unwrap()
    }

    async fn try_open(
        gateway: &Gateway,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, tokio_tungstenite::tungstenite::Error> {
        let host = gateway.url.strip_prefix("http://").unwrap();
        let mut request = format!("ws://{host}/graphql/ws").into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let stream = TcpStream::connect(host).await.unwrap();
        client_async(request, stream).await.map(|(socket, _)| Self(socket))
    }

    async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// What is heard next; the code, if the other side closes.
    async fn hear(&mut self) -> Value {
        match self.0.next().await.unwrap().unwrap() {
            Message::Text(text) => serde_json::from_str(&text).unwrap(),
            Message::Close(Some(frame)) => json!(u16::from(frame.code)),
            other => panic!("{other:?}"),
        }
    }

    async fn begin(&mut self, payload: Value) -> Value {
        self.say(json!({ "type": "connection_init", "payload": payload })).await;
        self.hear().await
    }
}

fn subscribe(id: &str, query: &str, variables: &Value) -> Value {
    json!({ "id": id, "type": "subscribe", "payload": { "query": query, "variables": variables } })
}

#[tokio::test]
async fn many_questions_are_followed_over_one_websocket() {
    let gateway = Gateway::start(60).await;
    let (project, number) = open_invoice(&gateway);
    let mut socket = Socket::open(&gateway, &[]).await;
    assert_eq!(socket.begin(json!({})).await, json!({ "type": "connection_ack" }));
    socket.say(json!({ "type": "ping" })).await;
    assert_eq!(socket.hear().await, json!({ "type": "pong" }));
    socket.say(subscribe("a", PROJECT, &json!({ "id": project }))).await;
    let first = socket.hear().await;
    assert_eq!((&first["id"], &first["type"]), (&json!("a"), &json!("next")), "{first}");
    socket.say(subscribe("b", "{ __typename }", &json!({}))).await;
    assert_eq!(
        socket.hear().await,
        json!({ "id": "b", "type": "next", "payload": { "data": { "__typename": "Query" } } })
    );
    assert_eq!(socket.hear().await, json!({ "id": "b", "type": "complete" }));
    socket.say(subscribe("c", "{ nothing }", &json!({}))).await;
    let refused = socket.hear().await;
    assert_eq!((&refused["id"], &refused["type"]), (&json!("c"), &json!("error")), "{refused}");
    assert_eq!(refused["payload"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");

    gateway.control("sap", "correct", json!({ "invoice": number, "net": "4321.09" })).await;
    tell(&gateway, json!({ "kind": "invoice" })).await;
    assert_eq!(net(&socket.hear().await["payload"]["data"], number), "4321.09");
    // What is no longer followed is not told.
    socket.say(json!({ "id": "a", "type": "complete" })).await;
    socket.say(json!({ "type": "ping" })).await;
    assert_eq!(socket.hear().await, json!({ "type": "pong" }));
    socket.say(subscribe("a", "{ __typename }", &json!({}))).await;
    assert_eq!(socket.hear().await["payload"]["data"], json!({ "__typename": "Query" }), "the ID is free again");

    drop(gateway);
    let mut last = socket.hear().await;
    while !last.is_number() {
        last = socket.hear().await;
    }
    assert_eq!(last, 1001, "who stops says so");
}

#[tokio::test]
async fn a_websocket_that_breaks_the_protocol_is_closed_with_its_code() {
    let gateway = Gateway::start(3).await;
    let deal = subscribe("a", "subscription { dealChanged(id: \"1\") { id } }", &json!({}));
    for (messages, code) in [
        (vec![deal.clone()], 4401),
        (vec![json!({ "type": "nonsense" })], 4400),
        (vec![json!({ "type": "connection_init" }), json!({ "type": "connection_init" })], 4429),
        (vec![json!({ "type": "connection_init" }), deal.clone(), deal.clone()], 4409),
    ] {
        let mut socket = Socket::open(&gateway, &[]).await;
        for message in messages {
            socket.say(message).await;
        }
        let mut last = socket.hear().await;
        while !last.is_number() {
            last = socket.hear().await;
        }
        assert_eq!(last, code);
    }
    assert!(Socket::try_open(&gateway, &[("origin", "https://evil.example")]).await.is_err());
    assert!(Socket::try_open(&gateway, &[("sec-websocket-protocol", "graphql-ws")]).await.is_err());
}

#[tokio::test]
async fn a_websocket_says_who_asks_in_its_first_message() {
    let hash = KeyHash::of("secret");
    let sign_in = format!("[sign_in.keys.screen]\nhash = \"{hash}\"\n");
    let gateway = Gateway::over(company(3), |config| format!("{config}\n{sign_in}")).await;
    let ack = json!({ "type": "connection_ack" });
    let key = "Bearer screen.secret";
    assert_eq!(Socket::open(&gateway, &[]).await.begin(json!({ "authorization": key })).await, ack);
    assert_eq!(Socket::open(&gateway, &[("authorization", key)]).await.begin(Value::Null).await, ack);
    assert_eq!(Socket::open(&gateway, &[]).await.begin(json!({ "authorization": "Bearer screen.wrong" })).await, 4401);
    assert_eq!(Socket::open(&gateway, &[]).await.begin(json!({})).await, 4401);
    assert_eq!(Socket::open(&gateway, &[]).await.begin(json!({ "authorization": key, "role": "boss" })).await, 4403);
}

#[tokio::test]
async fn one_connection_follows_as_much_as_it_may_and_no_more() {
    let edit = |config: String| config.replace("[server]", "[server]\nmax_subscriptions_per_connection = 1");
    let gateway = Gateway::over(company(3), edit).await;
    let mut socket = Socket::open(&gateway, &[]).await;
    socket.begin(json!({})).await;
    let query = "subscription { dealChanged(id: \"1\") { id } }";
    socket.say(subscribe("a", query, &json!({}))).await;
    assert_eq!(socket.hear().await["type"], "next");
    socket.say(subscribe("b", query, &json!({}))).await;
    let refused = socket.hear().await;
    assert_eq!(refused["payload"][0]["extensions"]["code"], "OVERLOADED", "{refused}");
}

#[tokio::test]
async fn who_follows_is_sent_away_by_a_new_configuration_to_ask_again() {
    let gateway = Gateway::start(3).await;
    let query = "subscription { dealChanged(id: \"1\") { id } }";
    let mut events = Events::of(&gateway, query, json!({}), &[]).await;
    events.answer().await;
    let mut socket = Socket::open(&gateway, &[]).await;
    socket.begin(json!({})).await;
    socket.say(subscribe("a", query, &json!({}))).await;
    assert_eq!(socket.hear().await["type"], "next");
    gateway.reconfigure(|config| config).unwrap();
    assert_eq!(events.next().await, None, "no end of the question: it is asked again");
    assert_eq!(socket.hear().await, 1001);
    let mut again = Events::of(&gateway, query, json!({}), &[]).await;
    again.answer().await;
}

#[tokio::test]
async fn nobody_follows_for_longer_than_their_key_is_good() {
    // The gateway's day ends in a moment, and the key with it.
    let hash = KeyHash::of("secret");
    let sign_in = format!("[sign_in.keys.screen]\nhash = \"{hash}\"\nexpires = 2026-06-16\n");
    let gateway = Gateway::over(company(3), |config| format!("{config}\n{sign_in}")).await;
    gateway.clock.advance(std::time::Duration::from_millis(12 * 3_600_000 - 300));
    let query = "subscription { dealChanged(id: \"1\") { id } }";
    let key = [("authorization", "Bearer screen.secret")];
    let mut events = Events::of(&gateway, query, json!({}), &key).await;
    events.answer().await;
    let mut socket = Socket::open(&gateway, &key).await;
    assert_eq!(socket.begin(json!({})).await, json!({ "type": "connection_ack" }));
    assert_eq!(events.next().await, None);
    assert_eq!(socket.hear().await, 1001, "though nothing is followed yet");
    gateway.pass(1);
    assert_eq!(Events::ask(&gateway, query, json!({}), &key).await.status(), 401);
    assert_eq!(Socket::open(&gateway, &key).await.begin(json!({})).await, 4401);
}
