//! From where a request comes that a proxy hands on.

use super::*;

async fn behind(proxies: &str) -> Gateway {
    let more = [ROLES, &key("a", "s", "roles = [\"sales\"]"), "[sign_in.rate]\nfailures_per_minute = 2\n"].concat();
    Gateway::over(company(3), |config| {
        format!("{}\n{more}", config.replace("[server]", &format!("[server]\ntrusted_proxies = [{proxies}]")))
    })
    .await
}

/// The answer to a wrong key that comes with these headers.
async fn wrong(gateway: &Gateway, headers: &[(&str, &str)]) -> u16 {
    let headers = [&[("x-api-key", "a.wrong")], headers].concat();
    ask(gateway, PLAIN, &headers).await.status
}

#[tokio::test]
async fn behind_a_trusted_proxy_wrong_keys_are_counted_by_the_clients_address() {
    let gateway = behind("\"127.0.0.0/8\"").await;
    for _ in 0..2 {
        assert_eq!(wrong(&gateway, &[("x-forwarded-for", "203.0.113.7")]).await, 401);
    }
    assert_eq!(wrong(&gateway, &[("x-forwarded-for", "203.0.113.7")]).await, 429);
    assert_eq!(wrong(&gateway, &[("forwarded", "for=203.0.113.7;proto=https")]).await, 429, "the same client");
    assert_eq!(wrong(&gateway, &[("x-forwarded-for", "203.0.113.8")]).await, 401, "another client");
    // What the client wrote itself stands before what the proxy wrote.
    for invented in
        ["10.0.0.1, 203.0.113.7", "127.0.0.1, 203.0.113.7", "nonsense, 203.0.113.7", "203.0.113.8,203.0.113.7"]
    {
        assert_eq!(wrong(&gateway, &[("x-forwarded-for", invented)]).await, 429, "{invented}");
    }
    // What cannot be read, and what contradicts itself, is of the proxy itself.
    for _ in 0..2 {
        assert_eq!(wrong(&gateway, &[("x-forwarded-for", "203.0.113.9, nonsense")]).await, 401);
    }
    assert_eq!(wrong(&gateway, &[("x-forwarded-for", "unknown")]).await, 429);
    let both = [("x-forwarded-for", "203.0.113.10"), ("forwarded", "for=203.0.113.11")];
    assert_eq!(wrong(&gateway, &both).await, 429);
    assert_eq!(wrong(&gateway, &[]).await, 429);
}

#[tokio::test]
async fn headers_of_proxies_that_nobody_trusts_are_not_looked_at() {
    for proxies in ["", "\"10.0.0.0/8\""] {
        let gateway = behind(proxies).await;
        for number in 0..2 {
            let invented = format!("203.0.113.{number}");
            assert_eq!(wrong(&gateway, &[("x-forwarded-for", &invented)]).await, 401);
        }
        assert_eq!(wrong(&gateway, &[("x-forwarded-for", "203.0.113.9")]).await, 429);
        assert_eq!(wrong(&gateway, &[("forwarded", "for=203.0.113.9")]).await, 429);
    }
}

#[tokio::test]
async fn the_log_and_the_audit_trail_name_the_clients_address() {
    let log = Log::default();
    let _guard = log.keep();
    let folder = std::env::temp_dir().join(format!("spine-proxies-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let trail = folder.join("trail.jsonl");
    let gateway = Gateway::over(company(3), |config| {
        let config = config.replace("[server]", "[server]\ntrusted_proxies = [\"127.0.0.1\"]");
        let audit = format!("[audit]\nfile = \"{}\"\n", trail.display());
        [&config, "\n", ROLES, &key("a", "s", "roles = [\"sales\"]"), &audit].concat()
    })
    .await;
    assert_eq!(wrong(&gateway, &[("x-forwarded-for", "203.0.113.7")]).await, 401);
    assert!(log.text().contains("client.address=203.0.113.7"), "{}", log.text());
    let right = [("x-api-key", "a.s"), ("x-forwarded-for", "203.0.113.8")];
    assert_eq!(ask(&gateway, PLAIN, &right).await.status, 200);
    let lines = std::fs::read_to_string(&trail).unwrap();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let addresses: Vec<&Value> = lines.iter().map(|line| &line["who"]["address"]).collect();
    assert_eq!(addresses, ["203.0.113.7", "203.0.113.8"]);
    std::fs::remove_dir_all(&folder).unwrap();
}
