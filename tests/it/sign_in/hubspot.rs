//! Requests that HubSpot signed for its users.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::*;

/// The gateway's now, in milliseconds.
pub(super) const NOW: i64 = 1_781_524_800_000;

const PUBLIC: &str = "https://spine.example.com";
const STORED: &str = "/graphql/p/margin-by-vertical";
const USER: &str = "portalId=7&userId=3&userEmail=ann%40example.com&appId=1";

pub(super) fn settings() -> String {
    let hubspot = format!(
        "[sign_in.hubspot]\nclient_secret = {{ demo = \"demo-secret\" }}\npublic_url = \"{PUBLIC}\"\nportals = [7, 8]\n\
         roles = [\"sales\"]\n[access.people.\"ann@example.com\"]\nroles = [\"finance\"]\n\
         [sign_in.rate]\nfailures_per_minute = 0\nper_minute = 0\n"
    );
    [ROLES, &hubspot, &key("bi", "s", "roles = [\"sales\"]")].concat()
}

pub(super) async fn trusting() -> Gateway {
    gateway(&settings()).await
}

/// Asks with a stored document, signed at `at`.
pub(super) async fn signed_stored(gateway: &Gateway, at: i64) -> Answer {
    signed(gateway, &format!("{STORED}?{USER}"), at).await
}

fn signature(secret: &str, method: &str, uri: &str, body: &str, time: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    STANDARD.encode(hmac::sign(&key, format!("{method}{uri}{body}{time}").as_bytes()))
}

/// Asks as HubSpot does at `at`, with what it signed for `signed`.
async fn send_signed(gateway: &Gateway, path: &str, signed: &str, secret: &str, at: i64) -> Answer {
    let time = at.to_string();
    let signature = signature(secret, "GET", &format!("{PUBLIC}{signed}"), "", &time);
    let headers = [("x-hubspot-signature-v3", signature.as_str()), ("x-hubspot-request-timestamp", time.as_str())];
    get(gateway, path, &headers).await
}

async fn signed(gateway: &Gateway, path: &str, at: i64) -> Answer {
    send_signed(gateway, path, path, "demo-secret", at).await
}

#[tokio::test]
async fn a_card_is_answered_for_the_user_whom_hubspot_names() {
    let gateway = trusting().await;
    let path = format!("{STORED}?{USER}");
    let answer = signed(&gateway, &path, NOW).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.body["data"]["profitability"].is_object(), "{answer:?}");
    // Its documentation signs the address with some escapes decoded.
    let decoded = send_signed(&gateway, &path, &path.replace("%40", "@"), "demo-secret", NOW + 1).await;
    assert_eq!(decoded.status, 200, "{decoded:?}");

    let (uri, time) = (format!("{PUBLIC}{path}"), (NOW + 2).to_string());
    for (body, status) in [("{\"variables\":{}}", 200), ("{\"variables\": {}}", 401)] {
        let signature = signature("demo-secret", "POST", &uri, "{\"variables\":{}}", &time);
        let request = client().post(format!("{}{path}", gateway.url)).body(body);
        let headers = [
            ("content-type", "application/json"),
            ("x-hubspot-signature-v3", signature.as_str()),
            ("x-hubspot-request-timestamp", time.as_str()),
        ];
        assert_eq!(super::answer(request, &headers).await.status, status, "{body}");
    }
}

#[tokio::test]
async fn what_hubspot_did_not_sign_or_not_now_is_refused() {
    let log = Log::default();
    let _guard = log.keep();
    let gateway = trusting().await;
    let path = format!("{STORED}?{USER}");
    for (case, sent, over, secret, at) in [
        ("another secret", &path, &path, "canary-secret", NOW),
        ("no secret", &path, &path, "", NOW),
        ("another user", &path.replace("userId=3", "userId=4"), &path, "demo-secret", NOW),
        ("another address", &path, &path.replace(STORED, "/graphql/p/deal-card"), "demo-secret", NOW),
        ("a parameter more", &format!("{path}&variables=%7B%7D"), &path, "demo-secret", NOW),
        ("too old", &path, &path, "demo-secret", NOW - 300_001),
        ("to come", &path, &path, "demo-secret", NOW + 60_001),
        ("a time that is none", &path, &path, "demo-secret", 178_152_480),
    ] {
        let answer = send_signed(&gateway, sent, over, secret, at).await;
        assert_eq!((answer.status, answer.code()), (401, "UNAUTHENTICATED"), "{case}: {answer:?}");
    }
    get(&gateway, &path, &[("x-hubspot-signature-v3", "canary")]).await.is_refused(401, "UNAUTHENTICATED");
    get(&gateway, &path, &[]).await.is_refused(401, "UNAUTHENTICATED");
    // Version 2 knows no time.
    get(&gateway, &path, &[("x-hubspot-signature", "canary"), ("x-hubspot-signature-version", "v2")])
        .await
        .is_refused(401, "UNAUTHENTICATED");
    let lines = log.text();
    let told: Vec<&str> =
        lines.lines().filter(|line| line.contains("demo-secret") || line.contains("canary")).collect();
    assert!(told.iter().all(|line| !line.contains("spine::server")), "{told:?}");
}

#[tokio::test]
async fn a_signature_is_good_for_a_second_try_and_for_no_third() {
    let gateway = trusting().await;
    let path = format!("{STORED}?{USER}");
    assert_eq!(signed(&gateway, &path, NOW).await.status, 200);
    assert_eq!(signed(&gateway, &path, NOW).await.status, 200, "HubSpot asks again when it got no answer");
    signed(&gateway, &path, NOW).await.is_refused(401, "UNAUTHENTICATED");
    assert_eq!(signed(&gateway, &path, NOW + 1).await.status, 200, "signed anew");
}

#[tokio::test]
async fn only_users_of_the_named_accounts_are_let_in_and_each_is_named_once() {
    let gateway = trusting().await;
    for user in [
        "portalId=9&userId=3",
        "userId=3",
        "portalId=7",
        "portalId=7&userId=",
        "portalId=7&userId=ann",
        "portalId=+7&userId=3",
        "portalId=7&portalId=9&userId=3",
        "portalId=7&userId=3&userId=4",
        "portalId=7&userId=3&userEmail=a%40b.io&userEmail=c%40d.io",
        "",
    ] {
        let answer = signed(&gateway, &format!("{STORED}?{user}"), NOW).await;
        assert_eq!((answer.status, answer.code()), (401, "UNAUTHENTICATED"), "{user}: {answer:?}");
    }
    let answer = signed(&gateway, &format!("{STORED}?portalId=8&userId=3"), NOW).await;
    assert_eq!(answer.status, 200, "without an address it has the roles of all");
}

#[tokio::test]
async fn a_card_asks_with_stored_documents_only() {
    let gateway = trusting().await;
    for path in ["/whoami", "/reports/metrics", "/odata/Deals", "/graphql"] {
        signed(&gateway, &format!("{path}?{USER}"), NOW).await.is_refused(401, "UNAUTHENTICATED");
    }
    let uri = format!("{PUBLIC}/graphql?{USER}");
    let body = json!({ "query": PLAIN }).to_string();
    let signature = signature("demo-secret", "POST", &uri, &body, &NOW.to_string());
    let headers = [("x-hubspot-signature-v3", signature.as_str()), ("x-hubspot-request-timestamp", &NOW.to_string())];
    let request = json_body(client().post(format!("{}/graphql?{USER}", gateway.url)), &json!({ "query": PLAIN }));
    answer(request, &headers).await.is_refused(401, "UNAUTHENTICATED");
    // Who has a key needs no signature, and a wrong key is not made good by one.
    assert_eq!(get(&gateway, STORED, &[("x-api-key", "bi.s")]).await.status, 200);
    let path = format!("{STORED}?{USER}");
    let right = self::signature("demo-secret", "GET", &format!("{PUBLIC}{path}"), "", &NOW.to_string());
    let both = [
        ("x-api-key", "bi.wrong"),
        ("x-hubspot-signature-v3", right.as_str()),
        ("x-hubspot-request-timestamp", &NOW.to_string()),
    ];
    get(&gateway, &path, &both).await.is_refused(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn neither_method_nor_host_is_taken_from_elsewhere() {
    let gateway = trusting().await;
    let path = format!("{STORED}?{USER}");
    // As if the address that was asked were the public one.
    let time = NOW.to_string();
    let asked = signature("demo-secret", "GET", &format!("{}{path}", gateway.url), "", &time);
    let headers = [("x-hubspot-signature-v3", asked.as_str()), ("x-hubspot-request-timestamp", time.as_str())];
    get(&gateway, &path, &headers).await.is_refused(401, "UNAUTHENTICATED");
    let evil = signature("demo-secret", "GET", &format!("https://evil.example{path}"), "", &time);
    let headers = [
        ("x-hubspot-signature-v3", evil.as_str()),
        ("x-hubspot-request-timestamp", time.as_str()),
        ("host", "evil.example"),
        ("x-forwarded-host", "evil.example"),
        ("x-forwarded-proto", "https"),
    ];
    get(&gateway, &path, &headers).await.is_refused(401, "UNAUTHENTICATED");
    let good = signature("demo-secret", "GET", &format!("{PUBLIC}{path}"), "", &time);
    let headers = [("x-hubspot-signature-v3", good.as_str()), ("x-hubspot-request-timestamp", time.as_str())];
    let post = client().post(format!("{}{path}", gateway.url)).header("content-type", "application/json").body("{}");
    answer(post, &headers).await.is_refused(401, "UNAUTHENTICATED");
    let behind_a_proxy = [&headers[..], &[("host", "10.0.0.5"), ("x-forwarded-host", "evil.example")]].concat();
    assert_eq!(get(&gateway, &path, &behind_a_proxy).await.status, 200);
}
