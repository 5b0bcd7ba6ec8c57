//! A new configuration, and who was let in by the one before.

use super::hubspot::{self, NOW};
use super::*;

fn with<'a>(more: &'a [&'a str]) -> impl FnOnce(String) -> String + 'a {
    move |config| format!("{config}\n{}", more.concat())
}

#[tokio::test]
async fn a_key_that_is_changed_opens_from_the_next_request_on_and_the_old_one_nothing() {
    let gateway = gateway(&[ROLES, &key("bi", "old", "roles = [\"sales\"]")].concat()).await;
    assert_eq!(ask(&gateway, PLAIN, &[("x-api-key", "bi.old")]).await.status, 200);
    gateway.reconfigure(with(&[ROLES, &key("bi", "new", "roles = [\"finance\"]")])).unwrap();
    ask(&gateway, PLAIN, &[("x-api-key", "bi.old")]).await.is_refused(401, "UNAUTHENTICATED");
    let who = get(&gateway, "/whoami", &[("x-api-key", "bi.new")]).await;
    assert_eq!(who.body["role"], "finance", "{who:?}");
}

#[tokio::test]
async fn answers_that_were_kept_for_a_role_are_not_given_when_the_role_has_changed() {
    let with_costs = "[access.roles.sales]\nreads = [\"commercial\", \"costs\", \"margins\"]\n";
    let key = key("a", "s", "roles = [\"sales\"]");
    let gateway = Gateway::over(company(60), with(&[with_costs, &key])).await;
    let query = "{ deals(first: 40) { nodes { expectedMargin { amount } } } }";
    let margins = async || ask(&gateway, query, &[("x-api-key", "a.s")]).await.body["data"].to_string();
    let before = margins().await;
    assert!(before.contains("amount"), "{before}");
    gateway.reconfigure(with(&["[access.roles.sales]\n", &key])).unwrap();
    let after = margins().await;
    assert!(!after.contains("amount"), "{after}");
}

#[tokio::test]
async fn what_was_counted_is_not_forgotten() {
    let rate = "[sign_in.rate]\nfailures_per_minute = 3\nper_minute = 60\nburst = 2\n";
    let config = [ROLES, &key("a", "s", "roles = [\"sales\"]"), rate].concat();
    let gateway = gateway(&config).await;
    for _ in 0..3 {
        ask(&gateway, PLAIN, &[("x-api-key", "a.wrong")]).await.is_refused(401, "UNAUTHENTICATED");
    }
    for _ in 0..2 {
        assert_eq!(ask(&gateway, PLAIN, &[("x-api-key", "a.s")]).await.status, 200);
    }
    gateway.reconfigure(with(&[ROLES, &key("a", "s", "roles = [\"finance\"]"), rate])).unwrap();
    ask(&gateway, PLAIN, &[("x-api-key", "a.wrong")]).await.is_refused(429, "RATE_LIMITED");
    ask(&gateway, PLAIN, &[("x-api-key", "a.s")]).await.is_refused(429, "RATE_LIMITED");
}

#[tokio::test]
async fn a_signature_that_was_used_up_stays_so() {
    let gateway = hubspot::trusting().await;
    for _ in 0..2 {
        assert_eq!(hubspot::signed_stored(&gateway, NOW).await.status, 200);
    }
    gateway.reconfigure(|config| format!("{config}\n{}", hubspot::settings())).unwrap();
    hubspot::signed_stored(&gateway, NOW).await.is_refused(401, "UNAUTHENTICATED");
    assert_eq!(hubspot::signed_stored(&gateway, NOW + 1).await.status, 200);
}
