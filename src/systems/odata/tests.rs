//! The connector against small services, over HTTP.

use std::collections::BTreeSet;

use axum::response::Response;
use rust_decimal::Decimal;

use super::{Config, connect};
use crate::domain::{DealOrder, DealOrderField, DealQuery, InvoiceId, InvoiceQuery, Link, Money, Sum};
use crate::systems::declared::check::{check, reads};
use crate::systems::declared::stub::{Seen, Stub, call, context, json, prj, rule, status, stub};
use crate::systems::{Connection, ConnectionProblem, ErrorKind};

const COSTS: &str = r#"
[costs]
from     = "Costs"
currency = { const = "EUR" }
fields   = { id = "ID", project_id = "Project", kind = { const = "OTHER" }, amount = "Net" }
"#;

const INVOICES: &str = r#"
[invoices]
from             = { set = "Invoices", filter = "Posted eq true", expand = ["Lines", "Customer"], filters = { issued_from = "Date ge {value}", kind = "Type eq '{value}'" } }
currency         = "Currency"
lines            = { rows = "Lines", description = "Text", net = "Net", project_id = "Project" }
[invoices.fields]
id         = "No"
project_id = "Project"
kind       = { path = "Type", map = { Invoice = "INVOICE", Memo = "CREDIT_NOTE" } }
state      = { path = "Status", map = { Open = "OPEN", Paid = "CLOSED" } }
party      = "Customer.Name"
issue_date = "Date"
net        = "Net"
total      = "Gross"
"#;

fn try_connection(url: &str, text: &str) -> Result<Connection, ConnectionProblem> {
    let config: Config = toml::from_str(&format!("url = \"{url}\"\n{text}")).unwrap();
    connect(config, context(rule()))
}

fn connection(url: &str, text: &str) -> Connection {
    try_connection(url, text).unwrap()
}

/// The costs of the first project by their IDs, or why there are none.
async fn costs(stub: &Stub, text: &str) -> Result<Vec<(String, Decimal)>, ErrorKind> {
    let port = connection(&format!("{}/odata", stub.url), text).costs.unwrap();
    let mut batch = port.costs_by_project(&call(), &[prj(1)]).await.unwrap();
    match batch.failed.remove(&prj(1)) {
        Some(error) => Err(error.kind),
        None => Ok(batch.found[&prj(1)]
            .iter()
            .map(|one| (one.id.to_string(), one.amount.document.unwrap().amount))
            .collect()),
    }
}

fn cost(id: u32, net: &str) -> String {
    format!(r#"{{"ID":"{id}","Project":"PRJ-2025-001","Net":{net}}}"#)
}

fn value(rows: &[String], more: &str) -> Response {
    let count =
        if more.contains("@odata.count") { String::new() } else { format!(r#""@odata.count":{},"#, rows.len()) };
    json(format!(r#"{{"@odata.context":"$metadata#Costs",{count}{more}"value":[{}]}}"#, rows.join(",")))
}

fn option(seen: &Seen, name: &str) -> String {
    seen.param(name).unwrap_or_default()
}

#[tokio::test]
async fn a_question_names_what_it_wants_and_nothing_else() {
    let stub = stub(|_| json(r#"{"value":[]}"#)).await;
    let connection = connection(&format!("{}/odata/", stub.url), INVOICES);
    let port = connection.receivables.unwrap();
    port.invoices_by_project(&call(), &[prj(1), prj(2)]).await.unwrap();
    let seen = stub.last();
    assert_eq!((seen.method.as_str(), &*seen.path), ("GET", "/odata/Invoices"));
    assert_eq!(option(&seen, "$select"), "Currency,Date,Gross,Net,No,Project,Status,Type");
    assert_eq!(option(&seen, "$expand"), "Customer($select=Name),Lines($select=Net,Project,Text)");
    assert_eq!(option(&seen, "$orderby"), "No");
    assert_eq!(option(&seen, "$count"), "true");
    assert_eq!(
        option(&seen, "$filter"),
        "((Project eq 'PRJ-2025-001' or Project eq 'PRJ-2025-002') or \
         Lines/any(one:(one/Project eq 'PRJ-2025-001' or one/Project eq 'PRJ-2025-002'))) and (Posted eq true)"
    );
    assert!(!seen.query.contains('+') && seen.query.contains("$filter="), "{}", seen.query);
    assert_eq!(seen.headers["accept"], "application/json;odata.metadata=minimal;IEEE754Compatible=true");
    assert_eq!(seen.headers["prefer"], "odata.maxpagesize=500");
    assert_eq!(seen.headers["odata-maxversion"], "4.0");

    port.invoices(&call(), &[InvoiceId::new("O'Neil' or '1' eq '1")]).await.unwrap();
    assert_eq!(option(&stub.last(), "$filter"), "((No eq 'O''Neil'' or ''1'' eq ''1')) and (Posted eq true)");
}

#[tokio::test]
async fn dialects_are_declared() {
    let stub = stub(|_| json(r#"{"value":[]}"#)).await;
    for (options, filter) in [
        ("in_operator = true", "Project in ('PRJ-2025-001')"),
        ("upper_case = true", "(toupper(Project) eq 'PRJ-2025-001')"),
        ("in_operator = true\nupper_case = true", "toupper(Project) in ('PRJ-2025-001')"),
        ("count = false\nexact_decimals = false\npage_size = 7", "(Project eq 'PRJ-2025-001')"),
    ] {
        costs(&stub, &format!("{options}\n{COSTS}")).await.unwrap();
        assert_eq!(option(&stub.last(), "$filter"), filter);
    }
    let last = stub.last();
    assert_eq!(last.param("$count"), None);
    assert_eq!(last.headers["accept"], "application/json;odata.metadata=minimal");
    assert_eq!(last.headers["prefer"], "odata.maxpagesize=7");
}

#[tokio::test]
async fn record_ids_that_are_numbers_or_guids_are_written_bare_and_others_are_not_asked_for() {
    let stub = stub(|_| json(r#"{"value":[]}"#)).await;
    for (ids, key, odd) in [("number", "17", "1 or 1 eq 1"), ("guid", "b7a0c1de-0000-4000-8000-000000000001", "17")] {
        let text = INVOICES.replace("set = \"Invoices\"", &format!("set = \"Invoices\", ids = \"{ids}\""));
        let port = connection(&stub.url, &text).receivables.unwrap();
        let batch = port.invoices(&call(), &[InvoiceId::new(key), InvoiceId::new(odd)]).await.unwrap();
        assert_eq!((batch.found.len(), batch.failed.len()), (0, 0));
        assert_eq!(option(&stub.last(), "$filter"), format!("((No eq {key})) and (Posted eq true)"));
    }
}

#[tokio::test]
async fn questions_are_cut_by_number_and_by_length() {
    let stub = stub(|_| json(r#"{"value":[]}"#)).await;
    let keys: Vec<_> = (1..=45).map(prj).collect();
    let port = connection(&stub.url, COSTS).costs.unwrap();
    port.costs_by_project(&call(), &keys).await.unwrap();
    let mut asked: Vec<usize> =
        stub.seen.lock().unwrap().iter().map(|seen| option(seen, "$filter").matches(" eq ").count()).collect();
    asked.sort_unstable();
    assert_eq!(asked, [5, 20, 20]);

    // A document and its lines are two comparisons per key.
    let port = connection(&stub.url, INVOICES).receivables.unwrap();
    port.invoices_by_project(&call(), &keys[..20]).await.unwrap();
    assert_eq!(option(&stub.last(), "$filter").matches("PRJ-").count(), 20);

    let long: Vec<InvoiceId> = (0..40).map(|n| InvoiceId::new(format!("{n}-{}", "ä".repeat(200)))).collect();
    let port = connection(&stub.url, &format!("batch = 100\n{INVOICES}")).receivables.unwrap();
    let before = stub.calls();
    port.invoices(&call(), &long).await.unwrap();
    let seen = stub.seen.lock().unwrap();
    assert!(seen.len() - before >= 8, "{} calls", seen.len() - before);
    assert!(seen.iter().all(|seen| stub.url.len() + seen.target().len() <= 6000));
}

#[tokio::test]
async fn links_to_the_next_page_are_followed_whatever_they_are_relative_to() {
    for next in [
        "HOST/odata/Costs?$skiptoken=2",
        "/odata/Costs?$skiptoken=2",
        "Costs?$skiptoken=2",
        "HOST/odata/C%6fsts?$skiptoken=2",
    ] {
        let stub = stub(move |seen| match seen.param("$skiptoken") {
            None => {
                let host = format!("http://{}", seen.headers["host"].to_str().unwrap());
                value(
                    &[cost(1, "1.10"), cost(2, "2")],
                    &format!(r#""@odata.nextLink":"{}","#, next.replace("HOST", &host)),
                )
            }
            Some(_) => value(&[cost(3, "3")], ""),
        })
        .await;
        let found = costs(&stub, COSTS).await.unwrap();
        assert_eq!(found.len(), 3, "{next}");
        assert_eq!(stub.targets()[1], "/odata/Costs?$skiptoken=2");
    }
    // Below a key, a link is relative to the root of the service.
    let nested = stub(|seen| match seen.param("$skiptoken") {
        None => value(&[cost(1, "1")], r#""@odata.nextLink":"Company('A%20B')/Costs?$skiptoken=1","#),
        Some(_) => value(&[cost(2, "2")], ""),
    })
    .await;
    assert_eq!(costs(&nested, &COSTS.replace("\"Costs\"", "\"Company('A%20B')/Costs\"")).await.unwrap().len(), 2);
}

#[tokio::test]
async fn what_is_not_the_whole_is_no_answer() {
    let foreign = stub(|_| json(r#"{"value":[]}"#)).await;
    for (more, kind) in [
        (format!(r#""@odata.nextLink":"{}/odata/Costs?$skiptoken=1","#, foreign.url), ErrorKind::BadResponse),
        (r#""@odata.nextLink":"/odata/Secrets?$skiptoken=1","#.to_owned(), ErrorKind::BadResponse),
        (r#""@odata.nextLink":"/odata/Costs?$skiptoken=1","#.to_owned(), ErrorKind::Truncated),
        (r#""@odata.count":7,"#.to_owned(), ErrorKind::Truncated),
        (r#""error":{"code":"500","message":"broken on the way"},"#.to_owned(), ErrorKind::BadResponse),
    ] {
        let said = more.clone();
        let stub = stub(move |_| value(&[cost(1, "1")], &said)).await;
        assert_eq!(costs(&stub, COSTS).await, Err(kind), "{more}");
    }
    assert_eq!(foreign.calls(), 0);
    let lines = stub(|_| {
        json(
            r#"{"@odata.count":1,"value":[{"No":"1","Project":"PRJ-2025-001","Status":"Open","Type":"Invoice","Net":1,"Currency":"EUR",
            "Lines":[{"Net":1,"Project":"PRJ-2025-001"}],"Lines@odata.nextLink":"Invoices('1')/Lines?$skiptoken=1"}]}"#,
        )
    })
    .await;
    let port = connection(&lines.url, INVOICES).receivables.unwrap();
    let batch = port.invoices_by_project(&call(), &[prj(1)]).await.unwrap();
    assert_eq!(batch.failed[&prj(1)].kind, ErrorKind::Truncated);
}

#[tokio::test]
async fn decimals_are_exact_as_numbers_and_as_texts() {
    let stub = stub(|_| value(&[cost(1, "1234567890123456.78"), cost(2, r#""0.1000000000000000055""#)], "")).await;
    let found = costs(&stub, COSTS).await.unwrap();
    let amounts: Vec<String> = found.iter().map(|(_, amount)| amount.to_string()).collect();
    assert_eq!(amounts, ["1234567890123456.78", "0.1000000000000000055"]);
}

#[tokio::test]
async fn a_refusal_is_told_by_its_code_and_not_by_its_message() {
    for (code, expected) in
        [("\"ODATA/4711\"", Some("ODATA/4711")), ("\"said Ana\"", None), ("17", Some("17")), ("null", None)]
    {
        let stub = stub(move |_| {
            status(400, &format!(r#"{{"error":{{"code":{code},"message":"unknown property of Ana's invoice"}}}}"#))
        })
        .await;
        let port = connection(&stub.url, COSTS).costs.unwrap();
        let batch = port.costs_by_project(&call(), &[prj(1)]).await.unwrap();
        let error = &batch.failed[&prj(1)];
        assert_eq!(error.kind, ErrorKind::BadRequest);
        let detail = error.detail.as_deref().unwrap();
        assert_eq!(detail.strip_prefix("status 400").unwrap().strip_prefix(", "), expected, "{code}");
        assert!(!detail.contains("Ana"), "{detail}");
    }
}

#[tokio::test]
async fn documents_of_several_projects_are_shared_by_their_lines() {
    let stub = stub(|_| {
        json(
            r#"{"@odata.count":1,"value":[{"No":"1","Project":null,"Status":"Open","Type":"Memo","Net":"300.00","Gross":"357.00","Currency":"EUR",
            "Date":"2026-01-05","Customer":{"Name":"Ana"},
            "Lines":[{"Net":"100","Project":"PRJ-2025-001"},{"Net":"200","Project":"prj-2025-002"}]}]}"#,
        )
    })
    .await;
    let port = connection(&stub.url, INVOICES).receivables.unwrap();
    let batch = port.invoices_by_project(&call(), &[prj(1), prj(2), prj(3)]).await.unwrap();
    let told: Vec<Vec<String>> = [1, 2, 3]
        .map(|number| {
            let parts = batch.found[&prj(number)].iter();
            parts
                .map(|part| {
                    format!("{} {}", part.net().document.unwrap().amount, part.total().document.unwrap().amount)
                })
                .collect()
        })
        .into();
    assert_eq!(told, [vec!["100 119.00"], vec!["200 238.00"], vec![]]);
}

#[tokio::test]
async fn a_row_may_be_a_line_of_a_document() {
    let stub = stub(|_| {
        json(
            r#"{"@odata.count":1,"value":[{"No":"B1","Currency":"USD","Vendor":{"Name":"Smith"},"Lines":[
            {"LineNo":1,"Project":"PRJ-2025-001","Net":"10.50"},{"LineNo":2,"Project":"PRJ-2025-009","Net":"99"}]}]}"#,
        )
    })
    .await;
    let text = r#"
[costs]
from     = { set = "Bills", each = "Lines", expand = ["Lines", "Vendor"], filter = "Posted eq true" }
currency = "^.Currency"
fields   = { id = { join = ["^.No", "LineNo"], with = "-" }, project_id = "Project", kind = { const = "VENDOR" }, amount = "Net", party = "^.Vendor.Name" }
"#;
    let port = connection(&stub.url, text).costs.unwrap();
    let batch = port.costs_by_project(&call(), &[prj(1)]).await.unwrap();
    let [only] = batch.found[&prj(1)].as_slice() else { panic!("one line") };
    assert_eq!((&*only.id, only.party.as_ref().unwrap().name.as_deref()), ("B1-1", Some("Smith")));
    let seen = stub.last();
    assert_eq!(option(&seen, "$filter"), "(Lines/any(one:(one/Project eq 'PRJ-2025-001'))) and (Posted eq true)");
    assert_eq!(option(&seen, "$select"), "Currency,No");
    assert_eq!(option(&seen, "$expand"), "Lines($select=LineNo,Net,Project),Vendor($select=Name)");
    assert_eq!(option(&seen, "$orderby"), "No");
}

#[tokio::test]
async fn lists_are_asked_for_by_filters_orders_and_pages() {
    let stub = stub(|seen| {
        let skip: usize = option(seen, "$skip").parse().unwrap();
        let rows: Vec<String> = (skip..(skip + 2).min(5))
            .map(|n| format!(r#"{{"ID":{n},"Name":"Deal {n}","P":"PRJ-2025-001"}}"#))
            .collect();
        value(&rows, r#""@odata.count":5,"#)
    })
    .await;
    let text = r#"
[deals]
from   = { set = "Deals", filter = "Kind eq 'Sale'", filters = { stage = "Stage eq '{value}'", closed_from = "Closes ge {value}" }, orders = { name = "Name" } }
fields = { id = "ID", name = "Name", project_id = "P", stage = { path = "Stage", default = "A'B" }, close_date = "Closes" }
"#;
    let port = connection(&stub.url, text).deals.unwrap();
    let query = DealQuery {
        stage: Some("A'B".to_owned()),
        closed_from: Some("2026-01-31".parse().unwrap()),
        order: Some(DealOrder { field: DealOrderField::Name, descending: true }),
        ..DealQuery::default()
    };
    let (mut ids, mut after) = (BTreeSet::new(), None);
    loop {
        let page = port.deal_page(&call(), &query, after.as_deref(), 3).await.unwrap();
        assert_eq!(page.total, Some(5));
        ids.extend(page.items.iter().map(|deal| deal.id.to_string()));
        assert!(page.items.iter().all(|deal| matches!(deal.link, Link::To(_))));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(ids.len(), 5);
    let first = stub.seen.lock().unwrap()[0].clone();
    assert_eq!(option(&first, "$filter"), "(Stage eq 'A''B') and (Closes ge 2026-01-31) and (Kind eq 'Sale')");
    assert_eq!(option(&first, "$orderby"), "Name desc,ID");
    assert_eq!((&*option(&first, "$top"), &*option(&first, "$skip")), ("3", "0"));

    let none = DealQuery {
        order: Some(DealOrder { field: DealOrderField::Amount, descending: false }),
        ..DealQuery::default()
    };
    assert_eq!(port.deal_page(&call(), &none, None, 3).await.unwrap_err().kind, ErrorKind::BadRequest);
    port.deal_page(&call(), &DealQuery::default(), None, 3).await.unwrap();
    assert_eq!((&*option(&stub.last(), "$filter"), &*option(&stub.last(), "$orderby")), ("Kind eq 'Sale'", "ID"));
}

#[tokio::test]
async fn filters_that_are_not_declared_are_applied_here() {
    let stub = stub(|_| {
        let row = |no: u32, day: &str| {
            format!(r#"{{"No":"{no}","Project":"PRJ-2025-001","Status":"Open","Type":"Invoice","Net":1,"Currency":"EUR","Date":"{day}","Lines":[]}}"#)
        };
        value(&[row(1, "2026-01-05"), row(2, "2026-02-05")], r#""@odata.count":2,"#)
    })
    .await;
    let port = connection(&stub.url, INVOICES).receivables.unwrap();
    let query = InvoiceQuery { issued_to: Some("2026-01-31".parse().unwrap()), ..InvoiceQuery::default() };
    let page = port.invoice_page(&call(), &query, None, 10).await.unwrap();
    assert_eq!(page.items.iter().map(|one| one.id.to_string()).collect::<Vec<_>>(), ["1"]);
    assert_eq!(option(&stub.last(), "$filter"), "Posted eq true");
}

#[tokio::test]
async fn signing_in_is_as_declared() {
    let tokens = stub(|_| json(r#"{"access_token":"t1","token_type":"Bearer","expires_in":3600}"#)).await;
    for (auth, value) in [
        (
            r#"{ kind = "basic", user = "spine", password = { demo = "demo-word" } }"#.to_owned(),
            "Basic c3BpbmU6ZGVtby13b3Jk",
        ),
        (r#"{ kind = "bearer", token = { demo = "demo-word" } }"#.to_owned(), "Bearer demo-word"),
        (
            format!(
                r#"{{ kind = "oauth2", token_url = "{}/token", client_id = "c", client_secret = {{ demo = "demo-word" }} }}"#,
                tokens.url
            ),
            "Bearer t1",
        ),
    ] {
        let stub = stub(|_| json(r#"{"value":[]}"#)).await;
        costs(&stub, &format!("auth = {auth}\n{COSTS}")).await.unwrap();
        assert_eq!(stub.last().headers["authorization"], value);
    }
}

#[test]
fn what_a_configuration_cannot_mean_is_refused_by_its_key() {
    for (text, key) in [
        (COSTS.replace("\"Costs\"", "\"\""), "costs.from.set"),
        (COSTS.replace("\"Costs\"", "\"/Costs\""), "costs.from.set"),
        (COSTS.replace("\"Costs\"", "\"Costs?x=1\""), "costs.from.set"),
        (COSTS.replace("\"Costs\"", "\"Costs({id})\""), "costs.from.set"),
        (COSTS.replace("\"Costs\"", "\"A B\""), "costs.from.set"),
        (COSTS.replace("project_id = \"Project\", ", ""), "costs.from.key"),
        (COSTS.replace("project_id = \"Project\"", "project_id = { join = [\"A\", \"B\"] }"), "costs.from.key"),
        (COSTS.replace("currency = { const = \"EUR\" }", ""), "costs.fields.amount"),
        (
            COSTS.replace("\"Costs\"", "{ set = \"Costs\", filters = { text = \"x eq {value}\" } }"),
            "costs.from.filters",
        ),
        (COSTS.replace("amount = \"Net\"", "amount = \"^.Net\""), "costs.fields.amount"),
        (format!("batch = 0\n{COSTS}"), "batch"),
        (format!("page_size = 0\n{COSTS}"), "page_size"),
        (INVOICES.replace("kind = \"Type eq '{value}'\"", "typ = \"Type eq '{value}'\""), "invoices.from.filters.typ"),
        (INVOICES.replace("Type eq '{value}'", "Type eq 'x'"), "invoices.from.filters.kind"),
        (INVOICES.replace("filter = \"Posted eq true\"", "orders = { name = \"Name\" }"), "invoices.from.orders"),
        (INVOICES.replace("filter = \"Posted eq true\"", "each = \"Lines\""), "invoices.from.each"),
        (INVOICES.replace("id         = \"No\"", "id = { const = \"No\" }"), "invoices.fields.id"),
        (String::new(), "deals"),
    ] {
        let problem = try_connection("http://127.0.0.1:1", &text).unwrap_err();
        assert_eq!(problem.key, key, "{problem}");
    }
    let unread =
        |text: &str| toml::from_str::<Config>(&format!("url = \"x\"\n{text}")).unwrap_err().message().to_owned();
    assert!(unread(&COSTS.replace("from ", "form ")).contains("unknown field `form`"));
    assert!(unread(&COSTS.replace("\"Costs\"", "7")).contains("the name of an entity set"));
}

#[test]
fn only_the_sets_that_are_declared_are_asked_for() {
    let config: Config = toml::from_str(&format!("url = \"x\"\n{COSTS}\n{INVOICES}")).unwrap();
    let reads: BTreeSet<String> = reads(&config.tables().unwrap()).iter().map(|read| format!("{read:?}")).collect();
    assert_eq!(reads.len(), 2, "{reads:?}");
    for set in ["\"/Costs\"", "\"/Invoices\""] {
        assert!(reads.iter().any(|read| read.contains("GET") && read.contains(set)), "{reads:?}");
    }
}

/// Invoices that the service adds up.
const BILLED: &str = r#"
[invoices]
from             = { set = "Billed", filter = "Posted eq true" }
currency         = "Currency"
company_currency = { const = "EUR" }
sums             = true
[invoices.fields]
id          = "No"
project_id  = "Project"
kind        = { path = "Type", map = { Invoice = "INVOICE", Memo = "CREDIT_NOTE" } }
state       = { path = "Status", map = { Open = "OPEN", Paid = "CLOSED", Void = "VOID", Draft = "DRAFT" } }
net         = { path = "Cents", divide = 100 }
company_net = "NetLocal"
"#;

fn group(project: &str, kind: &str, state: &str, currency: &str, cents: [i64; 3], local: &str, records: u32) -> String {
    let [net, least, greatest] = cents;
    format!(
        r#"{{"Project":"{project}","Type":"{kind}","Status":"{state}","Currency":"{currency}","spine_net":{net},"spine_least":{least},
        "spine_greatest":{greatest},"spine_company_net":"{local}","spine_records":{records}}}"#
    )
}

fn told(sums: &[Sum]) -> Vec<String> {
    let money = |money: Option<Money>| money.map(|money| format!("{} {}", money.amount, money.currency.code()));
    let one = |sum: &Sum| {
        let parts = [money(sum.amount.document), money(sum.amount.company)];
        format!("{} {}", parts.map(|part| part.unwrap_or_else(|| "none".to_owned())).join(" / "), sum.records)
    };
    sums.iter().map(one).collect()
}

#[tokio::test]
async fn what_the_service_adds_up_is_what_adding_up_the_documents_gives() {
    let stub = stub(|seen| {
        let apply = option(seen, "$apply");
        if apply.contains("eq null") {
            return value(&[r#"{"Project":"PRJ-2025-002","spine_records":1}"#.to_owned()], "");
        }
        if !apply.is_empty() {
            let groups = [
                group("PRJ-2025-001", "Invoice", "Open", "EUR", [30_000, 100, 20_000], "300.00", 3),
                group("prj-2025-001", "Invoice", "Paid", "EUR", [1, 1, 1], "0.01", 1),
                group("PRJ-2025-001", "Memo", "Open", "EUR", [5_050, 50, 5_000], "50.50", 2),
                group("PRJ-2025-001", "Invoice", "Open", "USD", [1_000, 1_000, 1_000], "9.00", 1),
                group("PRJ-2025-001", "Invoice", "Void", "EUR", [99, 99, 99], "0.99", 1),
                group("PRJ-2025-001", "Invoice", "Draft", "EUR", [99, 99, 99], "0.99", 1),
                group("PRJ-2025-002", "Invoice", "Open", "EUR", [100, 100, 100], "1.00", 1),
                group("PRJ-2025-003", "Memo", "Open", "EUR", [100, -100, 200], "1.00", 2),
                group("PRJ-2025-005", "Invoice", "Open", "EUR", [100, 100, 100], "1.00", 1),
                group("PRJ-2025-005", "Invoice", "Disputed", "EUR", [700, 700, 700], "7.00", 1),
                group("PRJ-2025-009", "Invoice", "Open", "EUR", [100, 100, 100], "1.00", 1),
            ];
            return value(&groups, "");
        }
        let row = |no: u32, project: &str, kind: &str, cents: &str, local: &str| {
            format!(
                r#"{{"No":"{no}","Project":"{project}","Type":"{kind}","Status":"Open","Currency":"EUR","Cents":{cents},"NetLocal":{local}}}"#
            )
        };
        let rows = [
            row(1, "PRJ-2025-002", "Invoice", "100", "1.00"),
            row(2, "PRJ-2025-002", "Invoice", "200", "null"),
            row(3, "PRJ-2025-003", "Memo", "-100", "-1.00"),
            row(4, "PRJ-2025-003", "Memo", "200", "2.00"),
        ];
        value(&rows, "")
    })
    .await;
    let port = connection(&stub.url, BILLED).invoice_sums.unwrap();
    let batch = port.invoiced_by_project(&call(), &[1, 2, 3, 4, 5].map(prj)).await.unwrap();
    assert!(batch.failed.is_empty(), "{:?}", batch.failed);
    assert_eq!(told(&batch.found[&prj(1)]), ["249.51 EUR / 249.51 EUR 6", "10.00 USD / 9.00 EUR 1"]);
    // A document without an amount, and a credit note whose sign contradicts what is declared.
    assert_eq!(told(&batch.found[&prj(2)]), ["3.00 EUR / none 2"]);
    assert_eq!(told(&batch.found[&prj(3)]), ["none / none 1", "-2.00 EUR / -2.00 EUR 1"]);
    assert_eq!(told(&batch.found[&prj(4)]), [""; 0]);
    // Nobody can say whether a document in a state that is not mapped counts.
    assert_eq!(told(&batch.found[&prj(5)]), ["1.00 EUR / 1.00 EUR 1", "none / none 1"]);

    let seen = stub.seen.lock().unwrap();
    let keys = (1..=5).map(|n| format!("Project eq 'PRJ-2025-00{n}'")).collect::<Vec<_>>().join(" or ");
    let wanted = format!("(({keys})) and (Posted eq true)");
    let apply = seen.iter().find_map(|seen| seen.param("$apply").filter(|apply| !apply.contains("null"))).unwrap();
    assert_eq!(
        apply,
        format!(
            "filter({wanted})/groupby((Currency,Project,Status,Type),aggregate(Cents with sum as spine_net,Cents with min as \
             spine_least,Cents with max as spine_greatest,NetLocal with sum as spine_company_net,$count as spine_records))"
        )
    );
    let gaps = seen.iter().find_map(|seen| seen.param("$apply").filter(|apply| apply.contains("null"))).unwrap();
    let gap = format!("({wanted}) and (Cents eq null or NetLocal eq null)");
    assert_eq!(gaps, format!("filter({gap})/groupby((Project),aggregate($count as spine_records))"));
    let rows = seen.iter().find(|seen| seen.param("$apply").is_none());
    let asked = option(rows.unwrap(), "$filter");
    assert_eq!(asked.matches("PRJ-").count(), 2, "{asked}");
    assert_eq!(seen.len(), 3);
}

#[tokio::test]
async fn a_service_that_cannot_add_up_is_an_error_and_no_zero() {
    for answer in [r#"{"error":{"code":"501","message":"$apply"}}"#, r#"{"value":[{"Project":"PRJ-2025-001"}]}"#] {
        let stub = stub(move |seen| match seen.param("$apply") {
            Some(_) if answer.contains("501") => status(501, answer),
            Some(_) => json(answer),
            None => json(r#"{"value":[]}"#),
        })
        .await;
        let port = connection(&stub.url, BILLED).invoice_sums.unwrap();
        let batch = port.invoiced_by_project(&call(), &[prj(1)]).await.unwrap();
        assert!(batch.found.is_empty() && batch.failed.contains_key(&prj(1)), "{answer}");
    }
}

#[test]
fn sums_that_could_not_be_right_are_refused() {
    let costs = COSTS.replace("currency =", "sums = true\ncurrency =");
    for (text, key) in [
        (INVOICES.replace("currency         =", "sums = true\ncurrency ="), "invoices.sums"),
        (BILLED.replace("sums             = true", "sums = true\ncredit_notes = \"by_sign\""), "invoices.sums"),
        (BILLED.replace("net         =", "total ="), "invoices.sums"),
        (BILLED.replace("project_id  = \"Project\"", ""), "invoices.sums"),
        (BILLED.replace("divide = 100", "default = \"0\""), "invoices.fields.net"),
        (BILLED.replace("\"Currency\"", "\"Totals.0.Currency\""), "invoices.currency"),
        (BILLED.replace("[invoices", "[payables"), "payables.sums"),
        (costs.replace("\"Costs\"", "{ set = \"Costs\", each = \"Lines\" }"), "costs.sums"),
        (costs.replace("\"Costs\"", "{ set = \"Costs\", key = \"Project\" }"), "costs.sums"),
        (costs.replace("amount = \"Net\"", "amount = { path = \"Net\", decimal = \",\" }"), "costs.fields.amount"),
    ] {
        let problem = try_connection("http://127.0.0.1:1", &text).unwrap_err();
        assert_eq!(problem.key, key, "{problem}");
    }
    assert!(connection("http://127.0.0.1:1", &costs).cost_sums.is_some());
    assert!(connection("http://127.0.0.1:1", COSTS).cost_sums.is_none());
}

#[test]
fn the_examples_of_the_page_are_configurations() {
    let page = include_str!("../../../docs/connectors/odata.md");
    let blocks = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next());
    let mut read = 0;
    for block in blocks {
        let document: toml::Table = toml::from_str(block).unwrap();
        for (name, section) in document["connections"].as_table().unwrap() {
            let mut section = section.as_table().unwrap().clone();
            assert_eq!(section.remove("kind").unwrap().as_str(), Some("odata"));
            let config: Config = section.try_into().unwrap_or_else(|error| panic!("{name}: {error}"));
            let tables = config.tables().unwrap_or_else(|problem| panic!("{name}: {problem}"));
            check(&tables).unwrap_or_else(|problem| panic!("{name}: {problem}"));
            read += 1;
        }
    }
    assert_eq!(read, 3);
}
