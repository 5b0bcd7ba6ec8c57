//! Keys: how they travel, and that none of them ever changes a path, a query or a body.

use super::*;
use crate::domain::{ClientId, DealId};
use crate::systems::ErrorKind;

/// Keys with every sign that means something somewhere.
const NASTY: [&str; 14] = [
    "a,b",
    "O'Neil",
    "say \"hi\"",
    "100%",
    "%2e%2e",
    "a/b",
    "..",
    "?x=1",
    "#frag",
    "a&ids=b",
    "a b+c",
    "line\r\nX-A: 1",
    "nul\0",
    "ä{ids}",
];

fn clients(by_id: &str) -> String {
    format!("[clients]\nby_id = {by_id}\nfields = {{ id = \"id\", name = \"name\" }}")
}

fn ids(texts: &[&str]) -> Vec<ClientId> {
    texts.iter().copied().map(ClientId::new).collect()
}

/// Answers every key that it is asked for, as a server that decodes properly does.
fn echo(keys: impl Iterator<Item = String>) -> Response {
    let rows: Vec<String> = keys
        .map(|key| {
            let key = serde_json::to_string(&key).unwrap();
            format!(r#"{{"id":{key},"name":{key}}}"#)
        })
        .collect();
    json(format!("[{}]", rows.join(",")))
}

async fn found(stub: &Stub, by_id: &str, keys: &[&str]) -> Vec<String> {
    let connection = connection(&stub.url, &clients(by_id));
    let batch = connection.clients.unwrap().clients(&call(), &ids(keys)).await.unwrap();
    assert!(batch.failed.is_empty(), "{:?}", batch.failed);
    let mut found: Vec<String> = batch.found.values().filter_map(|client| client.name.clone()).collect();
    found.sort();
    found
}

#[tokio::test]
async fn in_a_query_a_key_stays_one_value() {
    for key in NASTY {
        let stub = stub(|seen| echo(seen.param("ids").into_iter())).await;
        let found = found(&stub, r#"{ path = "/x?a=1&ids={ids}&z=2" }"#, &[key]).await;
        if key.chars().any(char::is_control) {
            assert_eq!((found.len(), stub.calls()), (0, 0), "{key:?}");
        } else {
            assert_eq!(found, [key], "{key:?}");
            let seen = stub.last();
            assert_eq!((seen.path.as_str(), seen.param("a").as_deref()), ("/x", Some("1")), "{key:?}");
            assert_eq!(url::form_urlencoded::parse(seen.query.as_bytes()).count(), 3, "{key:?}");
        }
    }
}

#[tokio::test]
async fn in_a_path_a_key_stays_one_segment() {
    for key in NASTY {
        let stub = stub(|seen| {
            let segment = seen.path.strip_prefix("/x/").unwrap().strip_suffix("/y").unwrap();
            assert!(!segment.contains('/'));
            echo(std::iter::once(percent_encoding::percent_decode_str(segment).decode_utf8().unwrap().into_owned()))
        })
        .await;
        let found = found(&stub, r#"{ path = "/x/{id}/y" }"#, &[key]).await;
        if key.chars().any(char::is_control) || key.contains('/') || key == ".." {
            assert_eq!((found.len(), stub.calls()), (0, 0), "{key:?}");
        } else {
            assert_eq!(found, [key], "{key:?}");
            assert_eq!(stub.last().query, "", "{key:?}");
        }
    }
}

#[tokio::test]
async fn in_a_body_a_key_stays_one_value() {
    let stub = stub(|seen| {
        let body: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
        assert_eq!(body.as_object().unwrap().len(), 2);
        assert_eq!(body["kind"], "client");
        echo(body["where"]["ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()))
    })
    .await;
    let by_id = r#"{ path = "/search", body = { kind = "client", where = { ids = "{ids}" } } }"#;
    let mut expected: Vec<&str> = NASTY.into_iter().filter(|key| !key.chars().any(char::is_control)).collect();
    expected.sort_unstable();
    assert_eq!(found(&stub, by_id, &NASTY).await, expected);
    assert_eq!(stub.calls(), 1);
}

#[tokio::test]
async fn a_key_that_holds_the_separator_travels_alone() {
    let stub =
        stub(|seen| echo(seen.query.strip_prefix("ids=").unwrap().split(',').map(|part| part.replace("%2C", ","))))
            .await;
    assert_eq!(found(&stub, r#"{ path = "/x?ids={ids}" }"#, &["a", "b,c", "d"]).await, ["a", "b,c", "d"]);
    let mut targets = stub.targets();
    targets.sort();
    assert_eq!(targets, ["/x?ids=a,d", "/x?ids=b%2Cc"]);
}

#[tokio::test]
async fn a_server_that_splits_an_encoded_separator_answers_for_nobody_else() {
    let stub = stub(|seen| echo(seen.param("ids").unwrap().split(',').map(str::to_owned))).await;
    assert!(found(&stub, r#"{ path = "/x?ids={ids}" }"#, &["b,c"]).await.is_empty());
}

#[tokio::test]
async fn keys_are_joined_as_the_system_wants_them() {
    for (by_id, target) in [
        (r#"{ path = "/x?ids={ids}" }"#, "/x?ids=1,2"),
        (r#"{ path = "/x?ids={ids}", separator = "|" }"#, "/x?ids=1%7C2"),
        (r#"{ path = "/x?ids={ids}&z=1", repeat = true }"#, "/x?ids=1&ids=2&z=1"),
        (r#"{ path = "/x/{ids}.json", separator = ";" }"#, "/x/1;2.json"),
    ] {
        let stub = stub(|_| echo(["1", "2"].into_iter().map(str::to_owned))).await;
        assert_eq!(found(&stub, by_id, &["1", "2"]).await, ["1", "2"], "{by_id}");
        assert_eq!(stub.targets(), [target]);
    }
}

#[tokio::test]
async fn numbers_go_into_a_body_as_numbers_and_come_back_as_either() {
    let stub = stub(|_| json(r#"[{"id":7,"name":"seven"},{"id":"8","name":"eight"}]"#)).await;
    let by_id = r#"{ path = "/x", body = { ids = "{ids}" }, numbers = true }"#;
    assert_eq!(found(&stub, by_id, &["7", "8", "08", "x"]).await, ["eight", "seven"]);
    assert_eq!(stub.last().body(), r#"{"ids":[7,8]}"#);
}

#[tokio::test]
async fn a_batch_is_cut_by_number_and_by_length_of_the_url() {
    let keys: Vec<String> = (0..120).map(|n| format!("{n:0100}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let ask = |seen: &Seen| {
        echo(seen.param("ids").unwrap_or_default().split(',').map(str::to_owned).collect::<Vec<_>>().into_iter())
    };
    let by_length = stub(ask).await;
    assert_eq!(found(&by_length, r#"{ path = "/x?ids={ids}", batch = 500 }"#, &keys).await.len(), 120);
    assert!(by_length.calls() == 3 && by_length.targets().iter().all(|target| target.len() < 6000));
    let by_number = stub(ask).await;
    assert_eq!(found(&by_number, r#"{ path = "/x?ids={ids}", batch = 7 }"#, &keys).await.len(), 120);
    assert_eq!(by_number.calls(), 18);
}

#[tokio::test]
async fn rows_that_were_not_asked_for_are_dropped_and_two_for_one_key_are_a_conflict() {
    let stub = stub(|_| {
        json(r#"[{"id":"1","name":"a"},{"id":"2","name":"b"},{"id":"2","name":"c"},{"id":"3","name":"d"},{"id":null,"name":"e"}]"#)
    })
    .await;
    let connection = connection(&stub.url, &clients(r#"{ path = "/x?ids={ids}" }"#));
    let batch = connection.clients.unwrap().clients(&call(), &ids(&["1", "2", "4"])).await.unwrap();
    assert_eq!(batch.found.keys().map(ClientId::as_str).collect::<Vec<_>>(), ["1"]);
    assert_eq!(batch.failed[&ClientId::new("2")].kind, ErrorKind::Conflict);
    assert_eq!(batch.failed.len(), 1);
}

#[tokio::test]
async fn a_row_without_its_key_is_an_error_and_never_a_row_of_nobody() {
    let stub = stub(|_| json(r#"[{"no":"1","name":"a"}]"#)).await;
    let connection = connection(&stub.url, &clients(r#"{ path = "/x?ids={ids}" }"#));
    let batch = connection.clients.unwrap().clients(&call(), &ids(&["1"])).await.unwrap();
    let error = &batch.failed[&ClientId::new("1")];
    assert_eq!(error.kind, ErrorKind::BadResponse);
    assert_eq!(error.detail.as_deref(), Some("a row without its key at `id`"));
}

#[tokio::test]
async fn a_shared_id_is_found_in_any_spelling() {
    let stub = stub(|_| {
        json(r#"[{"id":"1","project":" prj-2025-001"},{"id":"2","project":"PRJ-2025-001"},{"id":"3","project":"PRJ-2025-999"}]"#)
    })
    .await;
    let deals = "[deals]\nby_project = { path = \"/x?p={ids}\" }\nfields = { id = \"id\", project_id = \"project\" }";
    let connection = connection(&stub.url, deals);
    let batch = connection.deals.unwrap().deals_by_project(&call(), &[prj(1), prj(2)]).await.unwrap();
    let found: Vec<&str> = batch.found[&prj(1)].iter().map(|deal| deal.id.as_str()).collect();
    assert_eq!(found, ["1", "2"]);
    assert!(batch.found[&prj(2)].is_empty());
}

#[tokio::test]
async fn a_call_per_key_needs_no_key_in_its_rows_and_one_failure_spares_the_others() {
    let stub = stub(|seen| match seen.path.as_str() {
        "/deals/1/contacts" => json(r#"{"items":[{"id":10,"first":"Ana","last":"Ruiz"},{"id":9,"last":"Otto"}]}"#),
        "/deals/2/contacts" => status(500, "{}"),
        _ => status(404, r#"{"error":"no such deal"}"#),
    })
    .await;
    let text = r#"
[contacts]
by_deal = { path = "/deals/{id}/contacts", rows = "items", not_found = [404] }
fields = { id = "id", name = { join = ["first", "last"] } }
"#;
    let details = connection(&stub.url, text).deal_details.unwrap();
    let deals = ["1", "2", "3"].map(DealId::new);
    let batch = details.contacts(&call(), &deals).await.unwrap();
    let names: Vec<_> = batch.found[&deals[0]].iter().map(|contact| contact.name.clone().unwrap()).collect();
    assert_eq!(names, ["Otto", "Ana Ruiz"]);
    assert_eq!(batch.failed[&deals[1]].kind, ErrorKind::Broken);
    assert!(!batch.found.contains_key(&deals[2]) && !batch.failed.contains_key(&deals[2]), "nothing by that name");
}

#[tokio::test]
async fn a_404_means_not_there_only_where_that_is_safe() {
    let stub = stub(|_| status(404, r#"{"error":"not found"}"#)).await;
    let by_id = connection(&stub.url, &clients(r#"{ path = "/x/{id}", single = true }"#)).clients.unwrap();
    let batch = by_id.clients(&call(), &ids(&["1"])).await.unwrap();
    assert!(batch.found.is_empty() && batch.failed.is_empty());
    let costs = r#"
[costs]
currency = { const = "EUR" }
by_project = { path = "/p/{id}/costs" }
fields = { id = "id", kind = { const = "OTHER" }, amount = "sum" }
"#;
    let batch = connection(&stub.url, costs).costs.unwrap().costs_by_project(&call(), &[prj(1)]).await.unwrap();
    assert_eq!(batch.failed[&prj(1)].kind, ErrorKind::BadRequest);
}
