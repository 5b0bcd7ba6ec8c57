//! Pages: read to the end, or refused.

use super::*;
use crate::domain::ProjectId;
use crate::systems::ErrorKind;

const COSTS: &str = r#"fields = { id = "id", project_id = "p", kind = { const = "OTHER" }, amount = "sum" }"#;

fn costs(by_project: &str) -> String {
    format!("[costs]\ncurrency = {{ const = \"EUR\" }}\n{COSTS}\n[costs.by_project]\n{by_project}")
}

fn rows(range: std::ops::Range<u64>) -> String {
    let rows: Vec<String> = range.map(|n| format!(r#"{{"id":"c{n}","p":"PRJ-2025-001","sum":{n}.10}}"#)).collect();
    format!("[{}]", rows.join(","))
}

/// The IDs of the costs of the first project, or why they cannot be read.
async fn read(stub: &Stub, by_project: &str) -> Result<usize, ErrorKind> {
    let port = connection(&stub.url, &costs(by_project)).costs.unwrap();
    let mut batch = port.costs_by_project(&call(), &[prj(1)]).await.unwrap();
    match batch.failed.remove(&prj(1)) {
        Some(error) => Err(error.kind),
        None => Ok(batch.found[&prj(1)].len()),
    }
}

fn number(seen: &Seen, name: &str) -> u64 {
    seen.param(name).unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_cursor_is_followed_to_the_end() {
    let stub = stub(|seen| {
        let start = seen.param("after").map_or(0, |_| number(seen, "after"));
        let next = if start < 4 { format!(r#""{}""#, start + 2) } else { "null".to_owned() };
        json(format!(r#"{{"data":{},"next":{{"cursor":{next}}}}}"#, rows(start..start + 2)))
    })
    .await;
    let way = r#"path = "/c?p={ids}"
rows = "data"
paging = { kind = "cursor", param = "after", next = "next.cursor", size_param = "limit", size = 2 }"#;
    assert_eq!(read(&stub, way).await, Ok(6));
    let p = "/c?p=PRJ-2025-001&limit=2";
    assert_eq!(stub.targets(), [p.to_owned(), format!("{p}&after=2"), format!("{p}&after=4")]);
}

#[tokio::test]
async fn a_cursor_goes_into_the_body_of_a_post() {
    let stub = stub(|seen| {
        let body: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
        match body["after"].as_str() {
            None => json(format!(r#"{{"after":"x\"y","data":{}}}"#, rows(0..2))),
            Some(_) => json(format!(r#"{{"data":{}}}"#, rows(2..3))),
        }
    })
    .await;
    let way = r#"path = "/c"
body = { p = "{ids}", limit = 1 }
rows = "data"
paging = { kind = "cursor", param = "after", next = "after", size_param = "limit", size = 2 }"#;
    assert_eq!(read(&stub, way).await, Ok(3));
    assert_eq!(stub.last().body(), r#"{"p":["PRJ-2025-001"],"limit":2,"after":"x\"y"}"#);
}

#[tokio::test]
async fn numbered_pages_end_at_an_empty_one() {
    let stub = stub(|seen| match number(seen, "page") {
        0 => json(rows(0..3)),
        1 => json(rows(3..5)),
        _ => json("[]"),
    })
    .await;
    let way = "path = \"/c?p={ids}\"\npaging = { kind = \"page\", param = \"page\", first = 0, size = 3 }";
    assert_eq!(read(&stub, way).await, Ok(5));
    assert_eq!(stub.calls(), 3);
}

#[tokio::test]
async fn a_short_page_is_the_last_only_where_that_is_declared() {
    let answer = |seen: &Seen| if number(seen, "page") == 1 { json(rows(0..2)) } else { json("[]") };
    let way = "path = \"/c?p={ids}\"\npaging = { kind = \"page\", param = \"page\", size_param = \"n\", size = 3, short_page = true }";
    let declared = stub(answer).await;
    assert_eq!(read(&declared, way).await, Ok(2));
    assert_eq!(declared.targets(), ["/c?p=PRJ-2025-001&n=3&page=1"]);
    let undeclared = stub(answer).await;
    assert_eq!(read(&undeclared, &way.replace(", short_page = true", "")).await, Ok(2));
    assert_eq!(undeclared.calls(), 2);
}

#[tokio::test]
async fn an_offset_moves_by_what_was_given_not_by_what_was_asked() {
    // The server gives at most 2, whatever it is asked for.
    let stub = stub(|seen| {
        let skip = number(seen, "skip");
        json(format!(r#"{{"total":5,"data":{}}}"#, rows(skip..(skip + 2).min(5))))
    })
    .await;
    let way = r#"path = "/c?p={ids}"
rows = "data"
total = "total"
paging = { kind = "offset", param = "skip", size_param = "top", size = 50 }"#;
    assert_eq!(read(&stub, way).await, Ok(5));
    assert_eq!(stub.calls(), 3);
}

#[tokio::test]
async fn a_page_that_says_that_there_is_another_is_believed() {
    let stub = stub(|seen| {
        let page = number(seen, "page");
        json(format!(r#"{{"has_more":{},"data":{}}}"#, page < 3, rows(page..page + 1)))
    })
    .await;
    let way = r#"path = "/c?p={ids}"
rows = "data"
paging = { kind = "page", param = "page", size = 1, more = "has_more" }"#;
    assert_eq!(read(&stub, way).await, Ok(3));
}

#[tokio::test]
async fn links_are_followed_in_any_form_below_the_same_path() {
    for next in ["HOST/base/c?p=x&cursor=2", "/base/c?p=x&cursor=2", "?p=x&cursor=2", "c?p=x&cursor=2"] {
        let stub = stub(move |seen| match seen.param("cursor") {
            None => {
                let host = format!("http://{}", seen.headers["host"].to_str().unwrap());
                json(format!(r#"{{"data":{},"links":{{"next":"{}"}}}}"#, rows(0..2), next.replace("HOST", &host)))
            }
            Some(_) => json(format!(r#"{{"data":{},"links":{{"next":null}}}}"#, rows(2..3))),
        })
        .await;
        let way = "path = \"/c?p={ids}\"\nrows = \"data\"\npaging = { kind = \"next_link\", next = \"links.next\" }";
        let port = connection(&format!("{}/base/", stub.url), &costs(way)).costs.unwrap();
        let batch = port.costs_by_project(&call(), &[prj(1)]).await.unwrap();
        assert!(batch.failed.is_empty(), "{next}: {:?}", batch.failed);
        assert_eq!(batch.found[&prj(1)].len(), 3, "{next}");
        assert_eq!(stub.targets(), ["/base/c?p=PRJ-2025-001", "/base/c?p=x&cursor=2"]);
    }
}

#[tokio::test]
async fn a_link_that_leads_elsewhere_is_refused_and_never_followed() {
    let foreign = stub(|_| json("[]")).await;
    let elsewhere = [
        format!("{}/base/c?cursor=2", foreign.url),
        "//127.0.0.1:1/base/c".to_owned(),
        "https://HOST/base/c?cursor=2".to_owned(),
        "http://user:password@HOST/base/c?cursor=2".to_owned(),
        "/admin?cursor=2".to_owned(),
        "/base/../admin".to_owned(),
        "/base/c/../../admin".to_owned(),
        "/base/%2e%2e/admin".to_owned(),
        "file:///etc/passwd".to_owned(),
        "http://[".to_owned(),
    ];
    for next in elsewhere {
        let link = next.clone();
        let stub = stub(move |seen| {
            let host = seen.headers["host"].to_str().unwrap();
            json(format!(r#"{{"data":{},"next":"{}"}}"#, rows(0..2), link.replace("HOST", host)))
        })
        .await;
        let way = "path = \"/c?p={ids}\"\nrows = \"data\"\npaging = { kind = \"next_link\", next = \"next\" }";
        let port = connection(&format!("{}/base", stub.url), &costs(way)).costs.unwrap();
        let batch = port.costs_by_project(&call(), &[prj(1)]).await.unwrap();
        assert_eq!(batch.failed[&prj(1)].kind, ErrorKind::BadResponse, "{next}");
        assert_eq!((stub.calls(), foreign.calls()), (1, 0), "{next}");
    }
}

#[tokio::test]
async fn a_link_in_a_header_is_followed_to_the_end_and_nowhere_else() {
    const WAY: &str = "path = \"/c?p={ids}\"\nrows = \"data\"\npaging = { kind = \"link_header\" }";
    let linked = |link: String, body: String| {
        ([(CONTENT_TYPE, "application/json".to_owned()), (http::header::LINK, link)], body).into_response()
    };
    let pages = stub(move |seen| {
        let page = seen.param("page").map_or(1, |_| number(seen, "page"));
        let body = format!(r#"{{"data":{}}}"#, rows(page * 2..page * 2 + 2));
        let link = |page: u64, rel: &str| format!(r#"</c?p=a,b&page={page}>; rel="{rel}""#);
        if page == 3 {
            return linked(link(1, "first"), body);
        }
        linked(format!("{}, {}", link(1, "first"), link(page + 1, "next")), body)
    })
    .await;
    assert_eq!(read(&pages, WAY).await, Ok(6));
    assert_eq!(pages.targets(), ["/c?p=PRJ-2025-001", "/c?p=a,b&page=2", "/c?p=a,b&page=3"]);

    let foreign = stub(|_| json("[]")).await;
    for link in [format!("<{}/c?page=2>; rel=next", foreign.url), "</admin>; rel=next".to_owned()] {
        let leads = stub(move |_| linked(link.clone(), format!(r#"{{"data":{}}}"#, rows(0..2)))).await;
        assert_eq!(read(&leads, WAY).await, Err(ErrorKind::BadResponse));
        assert_eq!((leads.calls(), foreign.calls()), (1, 0));
    }

    let same = stub(move |_| linked("</c?page=2>; rel=next".to_owned(), format!(r#"{{"data":{}}}"#, rows(0..2)))).await;
    assert_eq!(read(&same, WAY).await, Err(ErrorKind::Truncated));
}

#[tokio::test]
async fn pages_that_do_not_end_are_refused() {
    let cursor = r#"path = "/c?p={ids}"
rows = "data"
paging = { kind = "cursor", param = "after", next = "next" }"#;
    // The same cursor again, over new rows.
    let calls = std::sync::atomic::AtomicU64::new(0);
    let repeats = stub(move |_| {
        let n = calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        json(format!(r#"{{"data":{},"next":"same"}}"#, rows(n..n + 1)))
    })
    .await;
    assert_eq!(read(&repeats, cursor).await, Err(ErrorKind::Truncated));
    assert_eq!(repeats.calls(), 2);

    // A page parameter that the server does not know: the same rows for ever.
    let deaf = stub(|_| json(rows(0..3))).await;
    let page = "path = \"/c?p={ids}\"\npaging = { kind = \"page\", param = \"seite\", size = 3 }";
    assert_eq!(read(&deaf, page).await, Err(ErrorKind::Truncated));
    assert_eq!(deaf.calls(), 2);

    // More pages than are allowed.
    let endless = stub(|seen| json(rows(number(seen, "skip")..number(seen, "skip") + 1))).await;
    let offset = "path = \"/c?p={ids}\"\npaging = { kind = \"offset\", param = \"skip\", size = 1 }";
    assert_eq!(read(&endless, offset).await, Err(ErrorKind::Truncated));
    assert_eq!(endless.calls(), 5);
}

#[tokio::test]
async fn pages_that_end_before_the_rows_do_are_refused() {
    let capped = stub(|_| json(format!(r#"{{"count":7,"data":{}}}"#, rows(0..3)))).await;
    assert_eq!(
        read(&capped, "path = \"/c?p={ids}\"\nrows = \"data\"\ntotal = \"count\"").await,
        Err(ErrorKind::Truncated)
    );

    let small_pages = stub(|seen| {
        let start = (number(seen, "page") - 1) * 2;
        json(format!(r#"{{"count":5,"data":{}}}"#, rows(start..(start + 2).min(5))))
    })
    .await;
    let way = r#"path = "/c?p={ids}"
rows = "data"
total = "count"
paging = { kind = "page", param = "page", size_param = "n", size = 4 }"#;
    assert_eq!(read(&small_pages, way).await, Err(ErrorKind::Truncated));
    assert_eq!(read(&small_pages, &way.replace("size = 4", "size = 2")).await, Ok(5));
}

#[tokio::test]
async fn a_record_that_comes_twice_is_a_conflict_of_its_project_alone() {
    let stub = stub(|_| {
        json(r#"[{"id":"1","p":"PRJ-2025-001","sum":1},{"id":"1","p":"PRJ-2025-001","sum":1},{"id":"1","p":"PRJ-2025-002","sum":1}]"#)
    })
    .await;
    let port = connection(&stub.url, &costs("path = \"/c?p={ids}\"")).costs.unwrap();
    let batch = port.costs_by_project(&call(), &[prj(1), prj(2)]).await.unwrap();
    assert_eq!(batch.failed[&prj(1)].kind, ErrorKind::Conflict);
    assert_eq!(batch.found.keys().collect::<Vec<&ProjectId>>(), [&prj(2)]);
}

#[tokio::test]
async fn fifty_thousand_rows_of_one_project_are_refused_in_time_and_never_held_at_once() {
    let stub = stub(|seen| {
        let start = 500 * number(seen, "page");
        // A row is as long as an invoice with its lines.
        let row = |n: u64| format!(r#"{{"id":"c{n}","p":"PRJ-2025-001","sum":{n}.10,"text":"{}"}}"#, "x".repeat(1000));
        let rows: Vec<String> = (start..(start + 500).min(50_000)).map(row).collect();
        json(format!("[{}]", rows.join(",")))
    })
    .await;
    let way = "path = \"/c?p={ids}\"\npaging = { kind = \"page\", param = \"page\", first = 0, size = 500 }";
    let read = async |traffic: Traffic| {
        let calls = stub.calls();
        let port = connection_within(&stub.url, &costs(way), traffic).costs.unwrap();
        let mut batch = port.costs_by_project(&call(), &[prj(1)]).await.unwrap();
        (batch.failed.remove(&prj(1)).map(|error| error.kind), stub.calls() - calls)
    };
    let patient = Traffic { max_pages: 1000, ..Traffic::default() };
    // 50 MB: 100 pages and the empty one.
    assert_eq!(read(patient.clone()).await, (None, 101));
    // No page is asked for once what was read is more than one read may hold.
    let (kind, calls) = read(Traffic { max_read: 8 * 1024 * 1024, ..patient.clone() }).await;
    assert_eq!(kind, Some(ErrorKind::TooLarge));
    assert!(calls <= 17, "{calls} pages of half a megabyte");
    assert_eq!(read(Traffic { max_pages: 20, ..patient }).await, (Some(ErrorKind::Truncated), 20));
}
