//! How much may be asked.

use super::*;

fn limited(rate: &str) -> String {
    [ROLES, &key("a", "s", "roles = [\"sales\"]"), &key("b", "s", "roles = [\"sales\"]"), "[sign_in.rate]\n", rate]
        .concat()
}

#[tokio::test]
async fn who_asks_too_much_is_told_when_to_ask_again_and_others_are_not_held_up() {
    let gateway = gateway(&limited("per_minute = 60\nburst = 3\n")).await;
    for _ in 0..3 {
        assert_eq!(ask(&gateway, PLAIN, &[("x-api-key", "a.s")]).await.status, 200);
    }
    let answer = ask(&gateway, PLAIN, &[("x-api-key", "a.s")]).await;
    answer.is_refused(429, "RATE_LIMITED");
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(ask(&gateway, PLAIN, &[("x-api-key", "b.s")]).await.status, 200, "another's points are its own");
    gateway.pass(1);
    assert_eq!(ask(&gateway, PLAIN, &[("x-api-key", "a.s")]).await.status, 200);
    ask(&gateway, PLAIN, &[("x-api-key", "a.s")]).await.is_refused(429, "RATE_LIMITED");
}

#[tokio::test]
async fn long_lists_and_reports_take_more() {
    let gateway = gateway(&limited("per_minute = 60\nburst = 12\n")).await;
    let key = [("x-api-key", "a.s")];
    // A point for the request and four for 200 records. By another name it is not what was answered a moment ago.
    let list = |name: &str| format!("query {name} {{ deals(first: 200) {{ nodes {{ name }} }} }}");
    for name in ["A", "B"] {
        assert_eq!(ask(&gateway, &list(name), &key).await.status, 200);
    }
    ask(&gateway, &list("C"), &key).await.is_refused(429, "RATE_LIMITED");
    assert_eq!(ask(&gateway, &list("A"), &key).await.status, 200, "what is kept costs a point");
    let gateway = self::gateway(&limited("per_minute = 60\nburst = 20\n")).await;
    for _ in 0..2 {
        assert_eq!(get(&gateway, "/reports/metrics", &key).await.status, 200);
    }
    get(&gateway, "/reports/metrics", &key).await.is_refused(429, "RATE_LIMITED");
    ask(&gateway, PLAIN, &key).await.is_refused(429, "RATE_LIMITED");
}

#[tokio::test]
async fn wrong_keys_from_one_address_are_slowed_down_and_right_ones_are_not() {
    let gateway = gateway(&limited("failures_per_minute = 3\n")).await;
    for _ in 0..3 {
        ask(&gateway, PLAIN, &[("x-api-key", "a.wrong")]).await.is_refused(401, "UNAUTHENTICATED");
    }
    let answer = ask(&gateway, PLAIN, &[("x-api-key", "b.wrong")]).await;
    answer.is_refused(429, "RATE_LIMITED");
    assert_eq!(answer.header("retry-after"), "20");
    assert_eq!(ask(&gateway, PLAIN, &[("x-api-key", "a.s")]).await.status, 200, "behind one proxy there are many");
    ask(&gateway, PLAIN, &[]).await.is_refused(401, "UNAUTHENTICATED");
    gateway.pass(20);
    ask(&gateway, PLAIN, &[("x-api-key", "a.wrong")]).await.is_refused(401, "UNAUTHENTICATED");
}
