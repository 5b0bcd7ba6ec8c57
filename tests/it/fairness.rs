//! People before reports: a refresh of a BI tool does not make a card slow.

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use serde_json::{Value, json};

use super::support::{Gateway, client, company, json_body, read_json, send};

/// The margin of one project, as a report walks through all of them.
const REPORT: &str =
    "query($id: ProjectId!) { project(id: $id) { financials { invoiced { amount } margin { amount } } } }";
const CARD: &str = "query($id: ProjectId!) { project(id: $id) { invoices { number } } }";

async fn ask(url: &str, priority: &str, query: &str, id: &str) -> Value {
    let request =
        json_body(client().post(format!("{url}/graphql")), &json!({ "query": query, "variables": { "id": id } }));
    read_json(send(request.header("priority", priority).header("cache-control", "no-cache")).await).await
}

#[tokio::test]
async fn a_card_does_not_wait_for_the_reports_before_it() {
    let gateway = Gateway::over(company(60), |config| {
        // Three places, of which reports get one; a batch of one project each, so that each report has calls of its own.
        format!("{config}\n[http]\nconcurrency = 3\n")
    })
    .await;
    let projects: Vec<String> = {
        let company = gateway.demo.company.read().unwrap();
        let mut ids: Vec<String> = company.deals.iter().filter_map(|deal| deal.shared_id.clone()).collect();
        ids.sort();
        ids.dedup();
        ids.into_iter().filter(|id| id.starts_with("PRJ-")).take(13).collect()
    };
    let (card, reports) = projects.split_first().unwrap();
    // Each call takes a while, so that those who wait are many.
    gateway.control("sap", "fault", json!({ "mode": "slow", "ms": 150 })).await;
    let mut running: FuturesUnordered<_> = reports.iter().map(|id| ask(&gateway.url, "u=6", REPORT, id)).collect();
    // The first report is under way once the system was called for it.
    let mut done = 0;
    let card = ask(&gateway.url, "u=1", CARD, card);
    tokio::pin!(card);
    let answer = loop {
        tokio::select! {
            answer = &mut card => break answer,
            Some(report) = running.next() => {
                assert!(report["errors"].is_null(), "{report}");
                done += 1;
            }
        }
    };
    assert!(answer["data"]["project"]["invoices"].is_array(), "{answer}");
    assert!(done < reports.len() / 2, "the card waited for {done} of {} reports", reports.len());
    while let Some(report) = running.next().await {
        assert!(report["errors"].is_null(), "{report}");
    }
}
