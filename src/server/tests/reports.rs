//! Reports at the door, over nothing.

use super::*;

#[tokio::test]
async fn a_report_takes_a_place_among_the_requests_at_once() {
    let server = start_with(ServerOptions { max_requests: 1, ..ServerOptions::default() }).await;
    let first = server.ask("{ waits }");
    let second = async {
        server.signals.waiting.notified().await;
        let answer = server.get("/reports/margin-by-vertical.csv").await;
        server.signals.go_on.notify_one();
        answer
    };
    let (_, second) = tokio::join!(first, second);
    second.refused(503, "OVERLOADED");
    assert_eq!(second.header("retry-after"), "1");
}

#[tokio::test]
async fn a_report_of_what_nobody_owns_is_not_to_be_asked_for_again() {
    let answer = start().await.get("/reports/margin-by-vertical.csv").await;
    answer.refused(501, "NOT_OWNED");
    assert_eq!(answer.header("retry-after"), "");
}
