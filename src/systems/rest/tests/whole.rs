//! What is not the whole, or is nobody's, is an error or not known: never an empty list, which is a zero.

use super::*;
use crate::domain::DealQuery;
use crate::systems::ErrorKind;

const COSTS: &str = r#"
[costs]
currency = { const = "EUR" }
by_project = BY_PROJECT
[costs.fields]
id = "id"
project_id = "project"
kind = { const = "VENDOR" }
amount = "amount"
"#;

/// What a project costs: how many records, nothing if the project is not known, or why not.
async fn costs(stub: &Stub, by_project: &str, project: u32) -> Result<Option<usize>, ErrorKind> {
    let port = connection(&stub.url, &COSTS.replace("BY_PROJECT", by_project)).costs.unwrap();
    let mut batch = port.costs_by_project(&call(), &[prj(project)]).await.unwrap();
    match batch.failed.remove(&prj(project)) {
        Some(error) => Err(error.kind),
        None => Ok(batch.found.remove(&prj(project)).map(|costs| costs.len())),
    }
}

fn row(id: u32) -> String {
    format!(r#"{{"id":{id},"project":"PRJ-2025-001","amount":"1.00"}}"#)
}

#[tokio::test]
async fn a_project_that_the_system_says_it_does_not_know_has_no_costs_of_zero() {
    let stub = stub(|seen| match seen.path.as_str() {
        "/p/PRJ-2025-001/costs" => status(404, "{}"),
        "/p/PRJ-2025-002/costs" => status(204, ""),
        _ => json("[]"),
    })
    .await;
    let way = r#"{ path = "/p/{id}/costs", not_found = [404] }"#;
    assert_eq!(costs(&stub, way, 1).await, Ok(None));
    assert_eq!(costs(&stub, way, 2).await, Err(ErrorKind::BadResponse), "nothing is not a list without rows");
    let empty = r#"{ path = "/p/{id}/costs", not_found = [404], empty = [204] }"#;
    assert_eq!(costs(&stub, empty, 2).await, Ok(Some(0)), "unless the configuration says so");
    assert_eq!(costs(&stub, way, 3).await, Ok(Some(0)));
    let calls = stub.calls();
    // A shared ID is no number: it is not asked for.
    let numbers = r#"{ path = "/costs", body = { ids = "{ids}" }, numbers = true }"#;
    assert_eq!(costs(&stub, numbers, 1).await, Ok(None));
    assert_eq!(stub.calls(), calls);
}

#[tokio::test]
async fn a_system_with_projects_is_asked_which_of_those_without_records_it_knows() {
    let stub = stub(|seen| match seen.path.as_str() {
        "/costs" => json(format!("[{}]", row(1))),
        "/projects" if seen.param("ids").unwrap().contains("PRJ-2025-004") => status(500, "{}"),
        _ => json(r#"[{"id":"PRJ-2025-002"}]"#),
    })
    .await;
    let projects = "[projects]\nby_id = { path = \"/projects?ids={ids}\" }\nfields = { id = \"id\", status = { const = \"ACTIVE\" } }\n";
    let text = format!("{}{projects}", COSTS.replace("BY_PROJECT", r#"{ path = "/costs?p={ids}" }"#));
    let port = connection(&stub.url, &text).costs.unwrap();
    let batch = port.costs_by_project(&call(), &[1, 2, 3].map(prj)).await.unwrap();
    assert_eq!((batch.found[&prj(1)].len(), batch.found[&prj(2)].len(), batch.found.len()), (1, 0, 2));
    assert!(batch.failed.is_empty());
    assert_eq!(stub.targets().len(), 2);
    let batch = port.costs_by_project(&call(), &[prj(1), prj(4)]).await.unwrap();
    assert_eq!((batch.found.len(), batch.failed[&prj(4)].kind), (1, ErrorKind::Broken));
    port.costs_by_project(&call(), &[prj(1)]).await.unwrap();
    assert!(!stub.last().path.contains("projects"), "who has records is known");
}

#[tokio::test]
async fn what_says_whether_there_is_more_must_say_it() {
    for (paging, beside) in [
        (r#"paging = { kind = "next_link", next = "next" }"#, r#""next":{"href":"/costs?page=2"}"#),
        (r#"paging = { kind = "cursor", param = "c", next = "next" }"#, r#""next":["a"]"#),
        (r#"paging = { kind = "page", param = "page", size = 1, more = "more" }"#, r#""more":"yes""#),
        (r#"paging = { kind = "page", param = "page", size = 1, more = "more" }"#, r#""other":true"#),
        (r#"total = "total""#, r#""total":"many""#),
    ] {
        let stub = stub(move |_| json(format!(r#"{{"rows":[{}],{beside}}}"#, row(1)))).await;
        let way = format!(r#"{{ path = "/costs?p={{ids}}", rows = "rows", {paging} }}"#);
        assert_eq!(costs(&stub, &way, 1).await, Err(ErrorKind::BadResponse), "{beside}");
    }
}

#[tokio::test]
async fn a_page_that_was_announced_and_is_not_there_is_no_end() {
    for (code, kind) in [(204, ErrorKind::BadResponse), (410, ErrorKind::Truncated)] {
        let stub = stub(move |seen| match seen.param("page").as_deref() {
            Some("1") => json(format!(r#"{{"rows":[{}],"more":true}}"#, row(1))),
            _ => status(code, ""),
        })
        .await;
        let way = r#"{ path = "/costs?p={ids}", rows = "rows", not_found = [410], paging = { kind = "page", param = "page", size = 1, more = "more" } }"#;
        assert_eq!(costs(&stub, way, 1).await, Err(kind), "{code}");
    }
}

#[tokio::test]
async fn a_total_that_only_the_first_page_tells_counts_for_all() {
    let stub = stub(|seen| match seen.param("page").as_deref() {
        Some("1") => json(format!(r#"{{"rows":[{}],"total":3,"more":true}}"#, row(1))),
        _ => json(format!(r#"{{"rows":[{}],"more":false}}"#, row(2))),
    })
    .await;
    let way = r#"{ path = "/costs?p={ids}", rows = "rows", total = "total", paging = { kind = "page", param = "page", size = 1, more = "more" } }"#;
    assert_eq!(costs(&stub, way, 1).await, Err(ErrorKind::Truncated));
}

#[tokio::test]
async fn a_list_that_goes_on_and_ends_before_its_rows_is_refused_wherever_it_was_begun() {
    for paging in [
        r#"{ kind = "page", param = "at", size = 2 }"#,
        r#"{ kind = "page", param = "at", size = 2, more = "more" }"#,
        r#"{ kind = "offset", param = "at", size = 2 }"#,
        r#"{ kind = "offset", param = "at", size = 2, short_page = true }"#,
        r#"{ kind = "offset", param = "at", size = 2, more = "more" }"#,
    ] {
        // 9 rows, of which the system gives no more than the first two.
        let stub = stub(|seen| match seen.param("at").as_deref() {
            None | Some("0" | "1") => json(r#"{"total":9,"more":true,"rows":[{"id":1},{"id":2}]}"#),
            _ => json(r#"{"total":9,"more":false,"rows":[]}"#),
        })
        .await;
        let deals = format!(
            "[deals]\n[deals.list]\npath = \"/deals?sort=id\"\nrows = \"rows\"\ntotal = \"total\"\npaging = {paging}\n\
             [deals.fields]\nid = \"id\"\nstatus = {{ const = \"WON\" }}\n"
        );
        let port = connection(&stub.url, &deals).deals.unwrap();
        let first = port.deal_page(&call(), &DealQuery::default(), None, 2).await.unwrap();
        assert_eq!((first.items.len(), first.total), (2, Some(9)), "{paging}");
        let then = port.deal_page(&call(), &DealQuery::default(), first.next.as_deref(), 2).await;
        assert_eq!(then.unwrap_err().kind, ErrorKind::Truncated, "{paging}");
    }
}

#[tokio::test]
async fn a_list_that_comes_short_or_again_is_refused() {
    let deals = |paging: &str| {
        format!(
            "[deals]\n[deals.list]\npath = \"/deals?sort=id\"\nrows = \"rows\"\ntotal = \"total\"\n{paging}\n[deals.fields]\nid = \"id\"\n\
             status = {{ const = \"WON\" }}\n"
        )
    };
    let told = |total: u64, rows: &str| format!(r#"{{"total":{total},"rows":[{rows}]}}"#);
    // One page, and fewer rows than there are; pages that end before the rows do; a server that does not pass over rows.
    let short = told(3, r#"{"id":1},{"id":2}"#);
    let again = told(9, r#"{"id":1},{"id":2}"#);
    let offset = "paging = { kind = \"offset\", param = \"skip\", size = 2 }";
    for (paging, first, then) in
        [("", short.clone(), short.clone()), (offset, short, told(3, "")), (offset, again.clone(), again)]
    {
        let stub = stub(move |seen| match seen.param("skip").as_deref() {
            None | Some("0") => json(first.as_str()),
            Some(_) => json(then.as_str()),
        })
        .await;
        let port = connection(&stub.url, &deals(paging)).deals.unwrap();
        let error = port.deal_page(&call(), &DealQuery::default(), None, 50).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Truncated, "{paging}");
    }
}

#[tokio::test]
async fn a_row_for_several_projects_cannot_be_a_cost_of_one() {
    let stub = stub(|_| json(r#"[{"id":1,"project":["PRJ-2025-001","PRJ-2025-002"],"amount":"10.00"}]"#)).await;
    assert_eq!(costs(&stub, r#"{ path = "/costs?p={ids}" }"#, 1).await, Err(ErrorKind::BadResponse));
    assert_eq!(costs(&stub, r#"{ path = "/costs?p={ids}", key = "project" }"#, 1).await, Err(ErrorKind::BadResponse));
}

#[tokio::test]
async fn a_document_that_names_no_project_is_no_answer_for_one() {
    let stub = stub(|_| json(r#"[{"id":1,"net":"10.00","lines":[{"sum":"10.00","project":"PRJ-2025-001"}]}]"#)).await;
    let read = async |project: &str| {
        let text = format!(
            "[invoices]\nby_project = {{ path = \"/invoices?p={{ids}}\" }}\ncurrency = {{ const = \"EUR\" }}\n\
             lines = {{ rows = \"lines\", net = \"sum\", project_id = \"{project}\" }}\n[invoices.fields]\nid = \"id\"\nnet = \"net\"\n\
             state = {{ const = \"OPEN\" }}\n"
        );
        let port = connection(&stub.url, &text).receivables.unwrap();
        let batch = port.invoices_by_project(&call(), &[prj(1), prj(2)]).await.unwrap();
        batch.failed.get(&prj(1)).map(|error| error.kind).map_or_else(|| Ok(batch.found[&prj(1)].len()), Err)
    };
    assert_eq!(read("project").await, Ok(1));
    assert_eq!(read("projct").await, Err(ErrorKind::BadResponse));
}
