//! Lists: filters, orders, and where a list goes on.

use super::*;
use crate::domain::{DealOrder, DealOrderField, DealQuery, DealStatus, InvoiceQuery, ProjectQuery};
use crate::systems::ErrorKind;

const DEALS: &str = r#"
[deals]
currency = { const = "EUR" }
[deals.list]
path = "/deals?sort=id"
rows = "data"
total = "total"
PAGING
[deals.fields]
id = "id"
name = "name"
stage = "stage"
status = { path = "stage", map = { open = "OPEN", won = "WON", gained = "WON" } }
close_date = "closed"
project_id = "project"
"#;

fn row(n: u64) -> String {
    let (stage, project) =
        if n.is_multiple_of(3) { ("won", format!("\"PRJ-2025-{n:03}\"")) } else { ("open", "null".to_owned()) };
    format!(r#"{{"id":{n},"name":"Deal {n}","stage":"{stage}","closed":"2026-01-{:02}","project":{project}}}"#, n + 1)
}

/// 20 deals, by offset, in pages of at most 6.
fn answer(seen: &Seen) -> Response {
    let number = |name: &str| seen.param(name).map(|text| text.parse::<u64>().unwrap());
    let skip = number("skip").unwrap_or(0);
    let end = (skip + number("top").unwrap_or(6).min(6)).min(20);
    let rows: Vec<String> = (skip..end).map(row).collect();
    json(format!(r#"{{"total":20,"data":[{}]}}"#, rows.join(",")))
}

const OFFSET: &str = "paging = { kind = \"offset\", param = \"skip\", size_param = \"top\", size = 6 }";

fn deals(url: &str, paging: &str) -> Arc<dyn crate::systems::DealSource> {
    connection(url, &DEALS.replace("PAGING", paging)).deals.unwrap()
}

async fn walk(port: &dyn crate::systems::DealSource, query: &DealQuery, limit: usize) -> Vec<String> {
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let page = port.deal_page(&call(), query, after.as_deref(), limit).await.unwrap();
        assert!(page.items.len() <= limit);
        seen.extend(page.items.iter().map(|deal| deal.id.to_string()));
        let Some(next) = page.next else { return seen };
        assert_ne!(Some(&next), after.as_ref());
        after = Some(next);
    }
}

#[tokio::test]
async fn every_row_comes_once_whatever_the_sizes_of_pages() {
    let all: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    for limit in [1, 4, 6, 7, 20, 50] {
        let stub = stub(answer).await;
        assert_eq!(walk(&*deals(&stub.url, OFFSET), &DealQuery::default(), limit).await, all, "{limit}");
    }
    // Numbered pages of three, and a list of our own size.
    let numbered = |seen: &Seen| {
        let start = (seen.param("page").unwrap().parse::<u64>().unwrap() - 1) * 3;
        let rows: Vec<String> = (start..(start + 3).min(8)).map(row).collect();
        json(format!(r#"{{"total":8,"data":[{}]}}"#, rows.join(",")))
    };
    for limit in [1, 2, 3, 5] {
        let stub = stub(numbered).await;
        let port = deals(&stub.url, "paging = { kind = \"page\", param = \"page\", size = 3 }");
        assert_eq!(walk(&*port, &DealQuery::default(), limit).await, all[..8], "{limit}");
    }
}

#[tokio::test]
async fn a_filter_that_is_not_declared_is_applied_here() {
    let won: Vec<String> = (0..20).filter(|n| n % 3 == 0).map(|n| n.to_string()).collect();
    let stub = stub(answer).await;
    let port = deals(&stub.url, OFFSET);
    let query = DealQuery { status: Some(DealStatus::Won), ..DealQuery::default() };
    for limit in [1, 3, 100] {
        assert_eq!(walk(&*port, &query, limit).await, won, "{limit}");
    }
    let linked = DealQuery { linked: Some(true), text: Some("deal 1".into()), ..DealQuery::default() };
    assert_eq!(walk(&*port, &linked, 10).await, ["12", "15", "18"]);
    let closed = DealQuery {
        closed_from: Some("2026-01-05".parse().unwrap()),
        closed_to: Some("2026-01-07".parse().unwrap()),
        ..DealQuery::default()
    };
    assert_eq!(walk(&*port, &closed, 10).await, ["4", "5", "6"]);
    let page = port.deal_page(&call(), &query, None, 1).await.unwrap();
    assert_eq!(page.total, None);
    assert_eq!(port.deal_page(&call(), &DealQuery::default(), None, 1).await.unwrap().total, Some(20));
}

#[tokio::test]
async fn a_filter_that_is_declared_is_the_systems() {
    let stub = stub(answer).await;
    let filters = format!(
        "{OFFSET}\nfilters = {{ stage = \"st age\", status = \"status\", closed_from = \"from\", linked = \"has_project\" }}"
    );
    let port = deals(&stub.url, &filters);
    let query = DealQuery {
        stage: Some("a&b=c".into()),
        status: Some(DealStatus::Open),
        closed_from: Some("2026-01-05".parse().unwrap()),
        linked: Some(false),
        ..DealQuery::default()
    };
    port.deal_page(&call(), &query, None, 2).await.unwrap();
    assert_eq!(
        stub.targets(),
        ["/deals?sort=id&status=open&st%20age=a%26b%3Dc&from=2026-01-05&has_project=false&top=2&skip=0"]
    );
    // Two of the owner's words mean WON: one parameter cannot say both, so this one is applied here.
    let won = DealQuery { status: Some(DealStatus::Won), ..DealQuery::default() };
    assert_eq!(port.deal_page(&call(), &won, None, 2).await.unwrap().items.len(), 2);
    assert_eq!(stub.last().query, "sort=id&top=6&skip=0");
}

#[tokio::test]
async fn an_order_is_the_systems_or_refused() {
    let stub = stub(answer).await;
    let order = format!(
        "{OFFSET}\norder = {{ param = \"order\", fields = {{ close_date = \"closed\" }}, descending = \"{{field}} desc\" }}"
    );
    let port = deals(&stub.url, &order);
    let by = |field| DealQuery { order: Some(DealOrder { field, descending: true }), ..DealQuery::default() };
    port.deal_page(&call(), &by(DealOrderField::CloseDate), None, 2).await.unwrap();
    assert_eq!(stub.targets(), ["/deals?sort=id&order=closed%20desc&top=2&skip=0"]);
    let error = port.deal_page(&call(), &by(DealOrderField::Amount), None, 2).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::BadRequest);
    assert_eq!(stub.calls(), 1);
}

#[tokio::test]
async fn a_filter_that_fits_nothing_ends_at_the_limit_of_pages() {
    let endless = stub(|seen| {
        let skip = seen.param("skip").unwrap().parse::<u64>().unwrap();
        json(format!(r#"{{"total":1000,"data":[{}]}}"#, row(skip)))
    })
    .await;
    let query = DealQuery { text: Some("nothing".into()), ..DealQuery::default() };
    let error = deals(&endless.url, OFFSET).deal_page(&call(), &query, None, 5).await.unwrap_err();
    assert_eq!((error.kind, endless.calls()), (ErrorKind::Truncated, 5));
}

#[tokio::test]
async fn a_made_up_cursor_leads_nowhere() {
    let stub = stub(answer).await;
    let port = deals(&stub.url, OFFSET);
    for after in ["", "x", "0:x", "-1:0", "0:1&limit=2", "99999999999999999999:0"] {
        let error = port.deal_page(&call(), &DealQuery::default(), Some(after), 5).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::BadRequest, "{after}");
    }
    let linked = deals(&stub.url, "paging = { kind = \"next_link\", next = \"next\" }");
    for after in [
        "0:/admin",
        "0:http://127.0.0.1:1/deals",
        "0://127.0.0.1:1/deals",
        "0:/deals/../admin",
        "0:/deals#x",
        "0:/deals?a=\r\nb",
    ] {
        let error = linked.deal_page(&call(), &DealQuery::default(), Some(after), 5).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::BadRequest, "{after}");
    }
    assert_eq!(stub.calls(), 0);
    let cursor = deals(&stub.url, "paging = { kind = \"cursor\", param = \"c\", next = \"next\" }");
    cursor.deal_page(&call(), &DealQuery::default(), Some("0:a&sort=x\r\n"), 5).await.unwrap();
    assert_eq!(stub.targets(), ["/deals?sort=id&c=a%26sort%3Dx%0D%0A"]);
}

#[tokio::test]
async fn projects_without_a_shared_id_are_left_out_of_their_list() {
    let stub = stub(|_| json(r#"[{"id":"prj-2025-001"},{"id":"internal"},{"id":null},{"id":"PRJ-2025-002"}]"#)).await;
    let text = "[projects]\nlist = { path = \"/p\" }\nfields = { id = \"id\", status = { const = \"ACTIVE\" } }";
    let port = connection(&stub.url, text).projects.unwrap();
    let page = port.project_page(&call(), &ProjectQuery::default(), None, 10).await.unwrap();
    assert_eq!(page.items.iter().map(|project| project.id.clone()).collect::<Vec<_>>(), [prj(1), prj(2)]);
    assert_eq!((page.next, page.total), (None, None));
    let found = port.projects(&call(), &[prj(2), prj(3)]).await.unwrap().found;
    assert_eq!(found.into_keys().collect::<Vec<_>>(), [prj(2)]);
}

#[tokio::test]
async fn an_invoice_that_nobody_can_be_asked_for_is_found_in_the_list() {
    let rows =
        r#"[{"id":1,"p":"PRJ-2025-001","net":5,"due":"2026-01-01"},{"id":2,"p":"x","net":6,"due":"2026-02-01"}]"#;
    let stub = stub(move |_| json(rows)).await;
    let text = r#"
[payables]
currency = { const = "EUR" }
list = { path = "/bills" }
fields = { id = "id", project_id = "p", state = { const = "OPEN" }, net = "net", due_date = "due" }
"#;
    let port = connection(&stub.url, text).payables.unwrap();
    let id = crate::domain::InvoiceId::new("2");
    let bill = port.invoices(&call(), std::slice::from_ref(&id)).await.unwrap().found.remove(&id).unwrap();
    assert_eq!((bill.direction, bill.project_ids.len()), (crate::domain::Direction::Payable, 0));
    let of_project = port.invoices_by_project(&call(), &[prj(1)]).await.unwrap();
    assert_eq!(of_project.found[&prj(1)].len(), 1);
    let due = InvoiceQuery { due_before: Some("2026-01-15".parse().unwrap()), ..InvoiceQuery::default() };
    assert_eq!(port.invoice_page(&call(), &due, None, 10).await.unwrap().items.len(), 1);
}
