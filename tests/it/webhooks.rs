//! A system tells that a record has changed, and the next read shows it, whatever its time to live.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use spine::demo::erp::Erp;

use super::freshness::{net, open_invoice};
use super::support::{Gateway, client, company, send};

/// The gateway's now, in milliseconds.
pub(crate) const NOW: i64 = 1_781_524_800_000;

const INVOICES: &str = "query($id: ProjectId!) { project(id: $id) {
    financials { invoiced { amount } } invoices { id number net { amount } } } }";

fn digest(secret: &str, message: &[u8]) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), message)
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Delivers a body with headers; the status and the code of the answer.
async fn deliver(gateway: &Gateway, name: &str, headers: &[(&str, &str)], body: &str) -> (u16, String) {
    let mut request = client().post(format!("{}/webhooks/{name}", gateway.url)).body(body.to_owned());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = send(request).await;
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    if status == 204 {
        return (status, text);
    }
    let answer: Value = serde_json::from_str(&text).unwrap();
    (status, answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_default().to_owned())
}

/// Tells what the ERP of the demo tells.
pub(crate) async fn tell(gateway: &Gateway, event: Value) -> (u16, String) {
    let body = event.to_string();
    let signature = hex(digest("demo-webhook-secret", body.as_bytes()).as_ref());
    deliver(gateway, gateway.demo.erp.name, &[("x-spine-signature", &signature)], &body).await
}

/// Tells what HubSpot tells, signed at a moment.
pub(crate) async fn tell_as_hubspot(gateway: &Gateway, events: &Value, at: i64) -> (u16, String) {
    let (body, time) = (events.to_string(), at.to_string());
    let message = format!("POSThttps://spine.example.com/webhooks/hubspot{body}{time}");
    let signature = STANDARD.encode(digest("demo-hubspot-client-secret", message.as_bytes()));
    let headers = [("x-hubspot-signature-v3", signature.as_str()), ("x-hubspot-request-timestamp", time.as_str())];
    deliver(gateway, "hubspot", &headers, &body).await
}

fn done() -> (u16, String) {
    (204, String::new())
}

#[tokio::test]
async fn a_correction_that_is_told_is_seen_at_once_and_one_that_is_not_is_not() {
    let gateway = Gateway::start(60).await;
    let (project, number) = open_invoice(&gateway);
    let ask = async || gateway.ask_with(INVOICES, json!({ "id": project }), None).await;
    let first = ask().await;
    let before = net(first.fine(), number);
    let sum = first.data()["project"]["financials"]["invoiced"]["amount"].clone();

    gateway.control("sap", "correct", json!({ "invoice": number, "net": "4321.09" })).await;
    gateway.pass(1);
    assert_eq!(net(ask().await.fine(), number), before, "nobody told");
    assert_eq!(tell(&gateway, json!({ "kind": "bill" })).await, done());
    assert_eq!(net(ask().await.fine(), number), before, "that was about something else");

    assert_eq!(tell(&gateway, json!({ "kind": "invoice", "id": 1 })).await, done());
    let after = ask().await;
    assert_eq!(net(after.fine(), number), "4321.09", "a list may hold it, whichever it was");
    assert_ne!(after.data()["project"]["financials"]["invoiced"]["amount"], sum, "and so may a sum");
}

#[tokio::test]
async fn an_invoice_is_found_by_the_number_that_its_system_tells() {
    let gateway = Gateway::start(60).await;
    let (project, number) = open_invoice(&gateway);
    let list = gateway.ask_with(INVOICES, json!({ "id": project }), None).await;
    let invoices = list.fine()["project"]["invoices"].as_array().unwrap().clone();
    let id = invoices.iter().find(|one| one["number"] == number.to_string().as_str()).unwrap()["id"].clone();
    let one = "query($id: ID!) { invoice(id: $id) { net { amount } } }";
    let ask =
        async || gateway.ask_with(one, json!({ "id": id }), None).await.fine()["invoice"]["net"]["amount"].clone();
    let before = ask().await;
    gateway.control("sap", "correct", json!({ "invoice": number, "net": "4321.09" })).await;
    assert_eq!(tell(&gateway, json!({ "kind": "invoice", "id": 999_999 })).await, done());
    assert_eq!(ask().await, before, "another one changed");
    // The Service Layer knows the number of the document; its kind is before it in our ID.
    let entry = id.as_str().unwrap().rsplit_once('-').unwrap().1.to_owned();
    assert_eq!(tell(&gateway, json!({ "kind": "invoice", "id": entry })).await, done());
    assert_eq!(ask().await, "4321.09");
}

#[tokio::test]
async fn what_was_loaded_before_it_was_told_is_not_put_back() {
    let gateway = Gateway::start(60).await;
    let (project, number) = open_invoice(&gateway);
    let ask = async || gateway.ask_with(INVOICES, json!({ "id": project }), None).await;
    let before = net(ask().await.fine(), number);
    gateway.pass(60);
    gateway.reset().await;
    // What was asked is answered late, with what was true when it was asked.
    gateway.control("sap", "fault", json!({ "mode": "slow", "ms": 1000 })).await;
    let told = async {
        while gateway.calls("sap").await.values().sum::<u64>() == 0 {}
        gateway.control("sap", "fault", json!({ "mode": "off" })).await;
        gateway.control("sap", "correct", json!({ "invoice": number, "net": "4321.09" })).await;
        assert_eq!(tell(&gateway, json!({ "kind": "everything" })).await, done());
        net(ask().await.fine(), number)
    };
    let (late, at_once) = tokio::join!(ask(), told);
    assert_eq!(net(late.fine(), number), before, "who asked before gets what was true then");
    assert_eq!(at_once, "4321.09", "who asks after does not");
    assert_eq!(net(ask().await.fine(), number), "4321.09", "and it stays so");
}

#[tokio::test]
async fn hubspot_tells_of_deals_in_batches_and_sometimes_twice() {
    let gateway = Gateway::start(60).await;
    let project = gateway.project();
    let query = "query($id: ProjectId!) { deal(by: { projectId: $id }) { id amount { amount } } }";
    let ask = async || gateway.ask_with(query, json!({ "id": project }), None).await.fine()["deal"].clone();
    let before = ask().await;
    let id = before["id"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
    let correct =
        async |amount: &str| gateway.control("hubspot", "correct", json!({ "deal": id, "amount": amount })).await;
    let event = |event: u64, object: &str| {
        json!({ "eventId": event, "subscriptionId": 12, "portalId": 62, "appId": 9, "occurredAt": NOW,
            "subscriptionType": "deal.propertyChange", "attemptNumber": 0, "objectId": object.parse::<u64>().unwrap(),
            "propertyName": "amount", "propertyValue": "1" })
    };
    correct("4321").await;
    assert_eq!(ask().await, before, "nobody told");
    let batch = json!([event(1, "1"), event(2, &id), event(2, &id)]);
    assert_eq!(tell_as_hubspot(&gateway, &batch, NOW).await, done());
    let after = ask().await;
    assert_eq!(after["amount"]["amount"], "4321.00", "and what the event says of the amount is not believed: {after}");

    correct("99").await;
    assert_eq!(tell_as_hubspot(&gateway, &batch, NOW).await, done(), "repeated, and accepted");
    assert_eq!(ask().await, after, "but not done again");
    assert_eq!(tell_as_hubspot(&gateway, &json!([event(3, &id)]), NOW).await, done());
    assert_eq!(ask().await["amount"]["amount"], "99.00");
}

#[tokio::test]
async fn who_does_not_sign_as_agreed_is_not_believed() {
    let gateway = Gateway::start(3).await;
    let unsigned = (401, "UNAUTHENTICATED".to_owned());
    let events = json!([]);
    assert_eq!(tell_as_hubspot(&gateway, &events, NOW - 300_000).await, done());
    assert_eq!(tell_as_hubspot(&gateway, &events, NOW - 300_001).await, unsigned, "too old");
    assert_eq!(tell_as_hubspot(&gateway, &events, NOW + 60_000).await, done());
    assert_eq!(tell_as_hubspot(&gateway, &events, NOW + 60_001).await, unsigned, "from the future");
    assert_eq!(deliver(&gateway, "hubspot", &[], "[]").await, unsigned);

    let good = hex(digest("demo-webhook-secret", b"{}").as_ref());
    let erp = gateway.demo.erp.name;
    assert_eq!(deliver(&gateway, erp, &[("x-spine-signature", &good)], "{}").await, done());
    assert_eq!(deliver(&gateway, erp, &[("x-spine-signature", &good)], "{ }").await, unsigned, "another body");
    assert_eq!(deliver(&gateway, erp, &[("x-spine-signature", good.get(..62).unwrap())], "{}").await, unsigned, "cut");
    assert_eq!(deliver(&gateway, erp, &[("x-spine-signature", &format!("{good}00"))], "{}").await, unsigned, "long");
    assert_eq!(deliver(&gateway, erp, &[("x-redmine-signature-256", &good)], "{}").await, unsigned, "another header");
    assert_eq!(
        deliver(&gateway, "redmine", &[("x-redmine-signature-256", &format!("sha256={good}"))], "{}").await,
        done()
    );
}

#[tokio::test]
async fn what_cannot_be_read_is_refused_and_who_is_not_expected_is_not_found() {
    let gateway = Gateway::start(3).await;
    let signed = async |body: &str| {
        let signature = hex(digest("demo-webhook-secret", body.as_bytes()).as_ref());
        deliver(&gateway, "sap", &[("x-spine-signature", &signature)], body).await
    };
    for body in ["", "{", "1", "[1]", "null", "\u{0}"] {
        assert_eq!(signed(body).await, (400, "BAD_REQUEST".to_owned()), "{body:?}");
    }
    let large = format!("\"{}\"", "x".repeat(300_000));
    assert_eq!(signed(&large).await, (413, "PAYLOAD_TOO_LARGE".to_owned()));
    let many = format!("[{}]", vec!["{}"; 5_000].join(","));
    assert_eq!(signed(&many).await, done(), "many events are about everything");
    for name in ["nobody", "SAP", "", "sap/x", "..%2Fsap"] {
        assert_eq!(deliver(&gateway, name, &[], "{}").await, (404, "NOT_FOUND".to_owned()), "{name}");
    }
    let read = send(client().get(format!("{}/webhooks/sap", gateway.url))).await;
    assert_eq!(read.status(), 405);
}

#[tokio::test]
async fn quickbooks_tells_in_its_old_way_and_in_its_new_one() {
    let gateway = Gateway::with_books_in(Erp::QuickBooks, company(60), |config| {
        let (before, rest) = config.split_once("[connections.quickbooks.webhook]").unwrap();
        let (_, after) = rest.split_once("\n\n").unwrap_or((rest, ""));
        let webhook = "form = \"quickbooks\"\nsecret = { demo = \"demo-verifier\" }";
        format!("{before}[connections.quickbooks.webhook]\n{webhook}\n\n{after}")
    })
    .await;
    let (project, number) = open_invoice(&gateway);
    let ask = async || net(gateway.ask_with(INVOICES, json!({ "id": project }), None).await.fine(), number);
    let tell = async |body: Value| {
        let body = body.to_string();
        let signature = STANDARD.encode(digest("demo-verifier", body.as_bytes()));
        deliver(&gateway, "quickbooks", &[("intuit-signature", &signature)], &body).await
    };
    let erp = gateway.demo.erp.name;
    for (net, told) in [
        (
            "4321.09",
            json!({ "eventNotifications": [{ "realmId": "1", "dataChangeEvent": { "entities": [
                { "name": "Invoice", "id": "5", "operation": "Update", "lastUpdated": "2026-06-15T12:00:00Z" }] } }] }),
        ),
        (
            "99.01",
            json!([{ "specversion": "1.0", "id": "e-1", "source": "intuit.x", "type": "qbo.invoice.updated.v1",
                "time": "2026-06-15T12:00:00Z", "intuitentityid": "5", "intuitaccountid": "1", "data": {} }]),
        ),
    ] {
        let before = ask().await;
        gateway.control(erp, "correct", json!({ "invoice": number, "net": net })).await;
        assert_eq!(ask().await, before, "nobody told");
        assert_eq!(tell(told.clone()).await, done());
        assert_eq!(ask().await, net);
        gateway.control(erp, "correct", json!({ "invoice": number, "net": "1.00" })).await;
        assert_eq!(tell(told).await, done());
        assert_eq!(ask().await, net, "repeated");
    }
}

#[tokio::test]
async fn what_is_wrong_with_the_settings_is_said_before_a_port_opens() {
    use std::sync::Arc;
    let config = |webhook: &str| {
        let text = format!(
            "[shared_id]\npattern = \"^[0-9]+$\"\n[owners]\ndelivery = \"r\"\n[connections.r]\nkind = \"redmine\"\n\
             url = \"https://r.example.com\"\nkey = {{ demo = \"demo-key\" }}\nshared_id = {{ custom_field = \"ID\" }}\n\
             [connections.r.webhook]\n{webhook}\n"
        );
        let config = spine::config::Config::parse("spine.toml", &text).unwrap();
        let clock = Arc::new(spine::domain::SystemClock::default());
        spine::app::App::build(&config, clock).err().map(|errors| errors[0].to_string()).unwrap_or_default()
    };
    assert_eq!(config("form = \"signed\"\nsecret = { demo = \"demo-webhook-secret\" }"), "");
    for (webhook, expected) in [
        ("form = \"signed\"\nsecret = { demo = \"demo-short\" }", "webhook.secret: is shorter than 16 characters"),
        ("form = \"signed\"\nsecret = \"x\"", "a secret does not stand in the configuration"),
        ("form = \"signd\"\nsecret = { demo = \"demo-webhook-secret\" }", "did you mean `signed`?"),
        ("form = \"hubspot\"\nsecret = { demo = \"demo-webhook-secret\" }", "webhook.public_url: is missing"),
        ("form = \"token\"\nsecret = { demo = \"demo-webhook-secret\" }\nsecrets = 1", "unknown key `secrets`"),
        (
            "form = \"token\"\nsecret = { demo = \"demo-webhook-secret\" }\nheader = \"X\"",
            "goes with form `signed` alone",
        ),
    ] {
        let error = config(webhook);
        assert!(error.contains(expected), "{webhook}: {error}");
        assert!(error.starts_with("spine.toml:") && error.contains("connections.r.webhook"), "{error}");
    }
}

#[tokio::test]
async fn a_forged_delivery_makes_nothing_be_forgotten() {
    let gateway = Gateway::start(60).await;
    let (project, number) = open_invoice(&gateway);
    let query = "query($id: ProjectId!) { project(id: $id) { invoices { number net { amount } } } }";
    let ask = async || gateway.ask_with(query, json!({ "id": project }), None).await.fine().clone();
    let before = net(&ask().await, number);
    gateway.control("sap", "correct", json!({ "invoice": number, "net": "4321.09" })).await;
    let body = json!({ "kind": "invoice" }).to_string();
    let forged = hex(digest("another-webhook-secret", body.as_bytes()).as_ref());
    let answer = deliver(&gateway, gateway.demo.erp.name, &[("x-spine-signature", &forged)], &body).await;
    assert_eq!(answer, (401, "UNAUTHENTICATED".to_owned()));
    assert_eq!(net(&ask().await, number), before, "what is kept is kept still");
}
