//! API keys.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

const SECRET: &str = "canary-of-the-secret";

fn basic(name: &str, secret: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{name}:{secret}")))
}

async fn with_keys() -> Gateway {
    gateway(
        &[
            ROLES,
            &key("bi", SECRET, "roles = [\"sales\", \"finance\"]"),
            &key("old", SECRET, "roles = [\"sales\"]\nexpires = 2026-06-15"),
            &key("young", SECRET, "roles = [\"sales\"]\nexpires = 2026-06-16"),
            &key("tables", SECRET, "roles = [\"sales\"]\nscopes = [\"reports\"]"),
            &key("stored", SECRET, "roles = [\"sales\"]\nscopes = [\"stored\"]"),
            "[sign_in.rate]\nfailures_per_minute = 0\n",
        ]
        .concat(),
    )
    .await
}

#[tokio::test]
async fn a_key_opens_every_door_as_bearer_as_header_and_as_password() {
    let gateway = with_keys().await;
    let key = format!("bi.{SECRET}");
    for header in [
        ("authorization", bearer(&key)),
        ("authorization", bearer(&key).to_lowercase().replace("bearer", "BEARER")),
        ("x-api-key", key.clone()),
        ("authorization", basic("bi", SECRET)),
    ] {
        let header = [(header.0, header.1.as_str())];
        let answer = ask(&gateway, PLAIN, &header).await;
        assert_eq!((answer.status, &answer.body["data"]["__typename"]), (200, &Value::from("Query")), "{answer:?}");
        for path in ["/odata/", "/odata/$metadata", "/reports", "/reports/metrics", "/whoami"] {
            let answer = get(&gateway, path, &header).await;
            assert_eq!(answer.status, 200, "{path} {answer:?}");
        }
    }
}

#[tokio::test]
async fn without_one_every_door_is_shut_but_health_and_the_static_pages() {
    let gateway = with_keys().await;
    for path in [
        "/graphql",
        "/graphql/p/deal-card",
        "/graphql/p/nothing",
        "/reports",
        "/reports/metrics",
        "/reports/overdue-invoices",
        "/reports/nothing",
        "/odata",
        "/odata/",
        "/odata/$metadata",
        "/odata/Deals",
        "/whoami",
    ] {
        get(&gateway, path, &[]).await.is_refused(401, "UNAUTHENTICATED");
    }
    ask(&gateway, PLAIN, &[]).await.is_refused(401, "UNAUTHENTICATED");
    for path in ["/health/live", "/health/ready"] {
        assert_eq!(get(&gateway, path, &[]).await.status, 200, "{path}");
    }
    // A page, or the note that this build has none; never a question for a password.
    for path in ["/", "/graphiql", "/graphql"] {
        let answer = get(&gateway, path, &[("accept", "text/html")]).await;
        assert!(answer.status == 200 || answer.status == 404 && answer.code().is_empty(), "{path} {answer:?}");
    }
    get(&gateway, "/reports/overdue-invoices", &[("accept", "text/html")]).await.is_refused(401, "UNAUTHENTICATED");
    get(&gateway, "/nothing", &[]).await.is_refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn programs_that_load_tables_are_told_to_ask_for_a_password_and_browsers_never() {
    let gateway = with_keys().await;
    let both = "Bearer realm=\"spine\" | Basic realm=\"spine\", charset=\"UTF-8\"";
    for path in ["/odata/Deals", "/reports/overdue-invoices"] {
        assert_eq!(get(&gateway, path, &[]).await.header("www-authenticate"), both);
        for mode in ["navigate", "cors"] {
            let answer = get(&gateway, path, &[("sec-fetch-mode", mode)]).await;
            assert_eq!(answer.header("www-authenticate"), "Bearer realm=\"spine\"", "{mode}");
        }
    }
    assert_eq!(ask(&gateway, PLAIN, &[]).await.header("www-authenticate"), "Bearer realm=\"spine\"");
    // What was answered to one is not to be shown to another by whoever keeps answers.
    let answer = get(&gateway, "/reports", &[("x-api-key", &format!("bi.{SECRET}"))]).await;
    assert!(answer.header("vary").contains("authorization, x-api-key, x-spine-role"), "{answer:?}");
}

#[tokio::test]
async fn what_is_not_a_good_key_is_refused_in_the_same_words_and_nothing_of_it_is_said_or_logged() {
    let log = Log::default();
    let _guard = log.keep();
    let gateway = with_keys().await;
    let oversized = bearer(&format!("bi.{}", "canary".repeat(4000)));
    let mut said = Vec::new();
    for (name, value) in [
        ("authorization", bearer("bi.canary-wrong")),
        ("authorization", bearer("nobody.canary-of-the-secret")),
        ("authorization", bearer(&format!("bi.{SECRET}x"))),
        ("authorization", bearer(&format!("BI.{SECRET}"))),
        ("authorization", bearer("bi.")),
        ("authorization", bearer(".")),
        ("authorization", bearer("canary")),
        ("authorization", bearer("")),
        ("authorization", bearer("canary.canary.canary")),
        ("authorization", oversized),
        ("authorization", basic("bi", "canary-wrong")),
        ("authorization", basic("nobody", SECRET)),
        ("authorization", basic("", "")),
        ("authorization", "Basic canary".to_owned()),
        ("authorization", "Digest canary".to_owned()),
        ("authorization", SECRET.to_owned()),
        ("x-api-key", "bi.canary-wrong".to_owned()),
        ("x-api-key", SECRET.to_owned()),
        ("x-api-key", bearer(&format!("bi.{SECRET}"))),
    ] {
        let answer = ask(&gateway, PLAIN, &[(name, &value)]).await;
        answer.is_refused(401, "UNAUTHENTICATED");
        said.push(answer.message().to_owned());
        assert!(!answer.body.to_string().contains("canary"), "{answer:?}");
    }
    said.dedup();
    assert_eq!(said, ["The key or token is not good."]);
    let (good, wrong) = (bearer(&format!("bi.{SECRET}")), bearer("bi.canary-wrong"));
    for twice in [
        [("authorization", &good), ("authorization", &good)],
        [("authorization", &good), ("authorization", &wrong)],
        [("authorization", &good), ("x-api-key", &format!("bi.{SECRET}"))],
    ] {
        let twice = twice.map(|(name, value)| (name, value.as_str()));
        ask(&gateway, PLAIN, &twice).await.is_refused(400, "BAD_REQUEST");
    }
    assert_eq!(ask(&gateway, PLAIN, &[("authorization", &good)]).await.status, 200);
    let text = log.text();
    assert!(text.contains("not let in") && text.contains("no such key"), "{text}");
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("canary") && line.contains("spine")).collect();
    assert!(lines.is_empty(), "{lines:?}");
}

#[tokio::test]
async fn a_key_ends_on_its_day_and_only_who_has_it_learns_why() {
    let gateway = with_keys().await;
    let answer = ask(&gateway, PLAIN, &[("x-api-key", &format!("old.{SECRET}"))]).await;
    answer.is_refused(401, "UNAUTHENTICATED");
    assert!(answer.message().contains("expired"), "{answer:?}");
    let answer = ask(&gateway, PLAIN, &[("x-api-key", "old.wrong")]).await;
    assert!(!answer.message().contains("expired"), "{answer:?}");
    let young = format!("young.{SECRET}");
    assert_eq!(ask(&gateway, PLAIN, &[("x-api-key", &young)]).await.status, 200);
    gateway.pass(12 * 3600);
    ask(&gateway, PLAIN, &[("x-api-key", &young)]).await.is_refused(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_key_opens_what_its_scopes_say_and_tells_who_it_is_everywhere() {
    let gateway = with_keys().await;
    for (name, open, shut) in [
        (
            "tables",
            &["/reports", "/odata/", "/reports/metrics"][..],
            &["/graphql", "/graphql/p/margin-by-vertical"][..],
        ),
        ("stored", &["/graphql/p/margin-by-vertical"], &["/graphql", "/reports", "/reports/metrics", "/odata/Deals"]),
    ] {
        let key = format!("{name}.{SECRET}");
        let header = [("x-api-key", key.as_str())];
        for path in open {
            assert_eq!(get(&gateway, path, &header).await.status, 200, "{name} {path}");
        }
        for path in shut {
            get(&gateway, path, &header).await.is_refused(403, "FORBIDDEN");
        }
        ask(&gateway, PLAIN, &header).await.is_refused(403, "FORBIDDEN");
        assert_eq!(get(&gateway, "/whoami", &header).await.body["subject"], format!("key:{name}"));
    }
}

#[tokio::test]
async fn one_acts_in_one_role_at_a_time_and_in_no_other_than_ones_own() {
    let gateway = with_keys().await;
    let key = format!("bi.{SECRET}");
    let who = get(&gateway, "/whoami", &[("x-api-key", &key)]).await;
    let expected = json!({
        "kind": "key", "subject": "key:bi", "name": "bi", "email": null, "role": "finance", "roles": ["finance", "sales"],
    });
    assert_eq!(who.body, expected, "the first role of the configuration that the key has");
    let who = get(&gateway, "/whoami", &[("x-api-key", &key), ("x-spine-role", "sales")]).await;
    assert_eq!(who.body["role"], "sales");
    let young = format!("young.{SECRET}");
    for role in ["finance", "nobody", "", "FINANCE"] {
        get(&gateway, "/whoami", &[("x-api-key", &young), ("x-spine-role", role)]).await.is_refused(403, "NO_ROLE");
    }
    let twice = [("x-api-key", key.as_str()), ("x-spine-role", "sales"), ("x-spine-role", "finance")];
    get(&gateway, "/whoami", &twice).await.is_refused(400, "BAD_REQUEST");
}

#[tokio::test]
async fn without_a_sign_in_everybody_is_anyone() {
    let gateway = gateway("").await;
    let who = get(&gateway, "/whoami", &[("authorization", "Bearer bi.whatever")]).await;
    assert_eq!((who.status, &who.body["kind"], &who.body["role"]), (200, &json!("anyone"), &Value::Null), "{who:?}");
}

#[tokio::test]
async fn a_header_that_is_no_text_is_refused_like_any_other() {
    let gateway = with_keys().await;
    let mut stream = tokio::net::TcpStream::connect(gateway.url.strip_prefix("http://").unwrap()).await.unwrap();
    let request =
        b"GET /whoami HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\nauthorization: Bearer bi.\xff\xfe\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.starts_with("HTTP/1.1 401 ") && text.contains("UNAUTHENTICATED"), "{text}");
}

#[tokio::test]
async fn without_roles_nobody_who_signs_in_is_shown_costs_and_margins() {
    let gateway = Gateway::over(company(60), |config| format!("{config}\n{}", key("bi", "s", ""))).await;
    let project = gateway.project();
    let query = format!(
        "{{ project(id: \"{project}\") {{ name financials {{ invoiced {{ amount }} actualCost {{ amount }} margin {{ amount }} marginPct }} }} }}"
    );
    let answer = ask(&gateway, &query, &[("x-api-key", "bi.s")]).await;
    let financials = &answer.body["data"]["project"]["financials"];
    assert!(financials["invoiced"]["amount"].is_string(), "{answer:?}");
    for masked in ["actualCost", "margin", "marginPct"] {
        assert_eq!(financials[masked], Value::Null, "{answer:?}");
    }
    assert_eq!(answer.code(), "FIELD_MASKED", "{answer:?}");
    let report = get(&gateway, "/odata/Projects", &[("x-api-key", "bi.s")]).await;
    assert_eq!(report.status, 200, "{report:?}");
    let row = report.body["value"][0].as_object().unwrap();
    assert!(
        row.keys().all(|name| !name.to_lowercase().contains("margin") && !name.to_lowercase().contains("cost")),
        "{row:?}"
    );
    // Where roles say who is shown them they are.
    gateway.reconfigure(|config| format!("{config}\n{ROLES}{}", key("bi", "s", "roles = [\"finance\"]"))).unwrap();
    let answer = ask(&gateway, &query, &[("x-api-key", "bi.s")]).await;
    assert!(answer.body["data"]["project"]["financials"]["actualCost"]["amount"].is_string(), "{answer:?}");
}

#[tokio::test]
async fn the_feed_refuses_in_the_form_of_odata() {
    let more = [
        ROLES,
        &key("bi", "s", "roles = [\"sales\"]\nscopes = [\"graphql\"]"),
        &key("few", "s", "roles = [\"sales\"]"),
    ];
    let gateway =
        gateway(&[&more.concat(), "[sign_in.rate]\nper_minute = 60\nburst = 10\nfailures_per_minute = 2\n"].concat())
            .await;
    let told = async |headers: &[(&str, &str)], status: u16, code: &str| {
        let answer = get(&gateway, "/odata/Deals", headers).await;
        assert_eq!((answer.status, &answer.body["error"]["code"]), (status, &json!(code)), "{answer:?}");
        assert!(answer.body["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{answer:?}");
        assert_eq!(answer.body.get("errors"), None);
        assert_eq!(answer.header("odata-version"), "4.0");
        assert_eq!(answer.header("content-type"), "application/json;odata.metadata=minimal;charset=utf-8");
        assert!(!answer.header("x-request-id").is_empty());
        answer
    };
    let unknown = told(&[], 401, "UNAUTHENTICATED").await;
    assert!(unknown.header("www-authenticate").contains("Basic realm"), "{unknown:?}");
    told(&[("x-api-key", "bi.s")], 403, "FORBIDDEN").await;
    told(&[("x-api-key", "few.s"), ("x-spine-role", "finance")], 403, "NO_ROLE").await;
    assert_eq!(get(&gateway, "/odata/Deals", &[("x-api-key", "few.s")]).await.status, 200);
    let limited = told(&[("x-api-key", "few.s")], 429, "RATE_LIMITED").await;
    assert_eq!(limited.header("retry-after"), "10");
}
