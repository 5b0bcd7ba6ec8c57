//! Rows inside rows.

use super::*;
use crate::domain::Cost;
use crate::systems::ErrorKind;

/// Costs that stand as lines in bills.
const BILLS: &str = r#"
[costs]
currency = "^.currency"
skip     = "^.draft"
[costs.by_project]
path = "/bills?p={ids}"
rows = "bills"
each = "lines"
paging = { kind = "next_link", next = "next" }
[costs.fields]
id         = { join = ["^.no", "line"], with = "-" }
project_id = "project"
kind       = { const = "VENDOR" }
amount     = { path = "sum", negate = { path = "^.type", values = ["credit"] } }
date       = "^.date.on"
document   = "^.no"
"#;

async fn costs(stub: &Stub, project: u32) -> Result<Vec<Cost>, ErrorKind> {
    let port = connection(&stub.url, BILLS).costs.unwrap();
    let mut batch = port.costs_by_project(&call(), &[prj(1), prj(2)]).await.unwrap();
    match batch.failed.remove(&prj(project)) {
        Some(error) => Err(error.kind),
        None => Ok(batch.found.remove(&prj(project)).unwrap()),
    }
}

fn told(costs: &[Cost]) -> Vec<String> {
    let amount = |cost: &Cost| cost.amount.document.map(|money| format!("{} {}", money.amount, money.currency.code()));
    costs.iter().map(|cost| format!("{} {:?} {:?}", cost.id, amount(cost).unwrap(), cost.date.unwrap())).collect()
}

#[tokio::test]
async fn each_line_is_a_row_that_knows_its_document() {
    let stub = stub(|_| {
        json(
            r#"{"bills":[
            {"no":"B1","currency":"USD","type":"bill","date":{"on":"2026-01-05"},"lines":[
                {"line":1,"project":"PRJ-2025-001","sum":10.10},{"line":2,"project":"PRJ-2025-002","sum":5},
                {"line":3,"project":null,"sum":7},{"line":4,"project":"PRJ-2025-009","sum":8}]},
            {"no":"B2","currency":"EUR","type":"credit","date":{"on":"2026-01-06"},"lines":[
                {"line":1,"project":"PRJ-2025-001","sum":"3.333"}]},
            {"no":"B3","currency":"EUR","type":"bill","draft":true,"date":{"on":"2026-01-07"},"lines":[
                {"line":1,"project":"PRJ-2025-001","sum":99}]},
            {"no":"B4","currency":"EUR","type":"bill","date":{"on":"2026-01-08"},"lines":[]},
            {"no":"B5","currency":"EUR","type":"bill","date":{"on":"2026-01-08"},"lines":null}]}"#,
        )
    })
    .await;
    let one = costs(&stub, 1).await.unwrap();
    assert_eq!(told(&one), [r#"B1-1 "10.10 USD" 2026-01-05"#, r#"B2-1 "-3.333 EUR" 2026-01-06"#]);
    assert_eq!(one[1].document.as_deref(), Some("B2"));
    assert_eq!(told(&costs(&stub, 2).await.unwrap()), [r#"B1-2 "5 USD" 2026-01-05"#]);
}

#[tokio::test]
async fn pages_are_counted_by_documents_so_that_lines_may_look_alike() {
    let stub = stub(|seen| {
        let page = seen.param("page").map_or(1, |page| page.parse::<u64>().unwrap());
        let next = if page < 3 { format!(r#""/bills?page={}""#, page + 1) } else { "null".to_owned() };
        let line = format!(r#"{{"line":1,"project":"PRJ-2025-001","sum":{page}}}"#);
        let lines = if page == 2 { "" } else { &line };
        let head = format!(r#""no":"B{page}","currency":"EUR","type":"bill","date":{{"on":"2026-01-05"}}"#);
        json(format!(r#"{{"next":{next},"bills":[{{{head},"lines":[{lines}]}}]}}"#))
    })
    .await;
    let all = costs(&stub, 1).await.unwrap();
    assert_eq!(all.iter().map(|cost| &*cost.id).collect::<Vec<_>>(), ["B1-1", "B3-1"]);
}

#[tokio::test]
async fn a_line_that_is_none_or_names_no_project_field_is_an_error() {
    for lines in [r#""text""#, r"[1]", r#"{"line":1}"#, r#"[{"line":1,"sum":5}]"#] {
        let body = format!(r#"{{"bills":[{{"no":"B1","currency":"EUR","type":"bill","lines":{lines}}}]}}"#);
        let stub = stub(move |_| json(body.clone())).await;
        assert_eq!(costs(&stub, 1).await.unwrap_err(), ErrorKind::BadResponse, "{lines}");
    }
}

#[test]
fn the_outer_row_is_reached_only_where_there_is_one() {
    for (text, key) in [
        (BILLS.replace("each = \"lines\"\n", ""), "costs.currency"),
        (
            "[clients]\nby_id = { path = \"/x?ids={ids}\" }\nfields = { id = \"id\", name = \"^.name\" }".to_owned(),
            "clients.fields.name",
        ),
    ] {
        let problem = try_connection("http://127.0.0.1:1", &text).unwrap_err();
        assert_eq!((&*problem.key, problem.message.contains('^')), (key, true), "{problem}");
    }
    let alone = toml::from_str::<Config>(&format!("url = \"x\"\n{}", BILLS.replace("^.currency", "^"))).unwrap_err();
    assert!(alone.message().contains("`^` is no value"), "{alone}");
}
