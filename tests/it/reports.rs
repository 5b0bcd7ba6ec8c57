//! Reports by GET and on the command line: what a spreadsheet or a BI tool can rely on.

use std::collections::BTreeMap;

use reqwest::header::HeaderMap;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::support::{self, Gateway, company};

/// An answer, as bytes.
struct Feed {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Feed {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The code and the message of the one error.
    fn error(&self) -> (String, String) {
        let body = self.json();
        let error = &body["errors"][0];
        (error["extensions"]["code"].as_str().unwrap().to_owned(), error["message"].as_str().unwrap().to_owned())
    }
}

async fn get(gateway: &Gateway, path: &str, headers: &[(&str, &str)]) -> Feed {
    let mut request = support::client().get(format!("{}{path}", gateway.url));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = support::send(request).await;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Feed { status, headers, body: response.bytes().await.unwrap().to_vec() }
}

/// Reads a CSV as RFC 4180 says.
fn csv(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut signs = text.chars().peekable();
    while let Some(sign) = signs.next() {
        match sign {
            '"' if quoted && signs.peek() == Some(&'"') => cell.extend(signs.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !quoted && signs.peek() == Some(&'\n') => {
                signs.next();
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            sign => cell.push(sign),
        }
    }
    assert!(cell.is_empty() && row.is_empty(), "the last line does not end");
    rows
}

/// The cells of a JSON object as CSV would have them.
fn cells(columns: &[String], object: &BTreeMap<String, Box<RawValue>>) -> Vec<String> {
    let cell = |column: &String| match object[column].get() {
        "null" => String::new(),
        text if text.starts_with('"') => serde_json::from_str(text).unwrap(),
        plain => plain.to_owned(),
    };
    columns.iter().map(cell).collect()
}

#[tokio::test]
async fn every_report_says_the_same_in_every_format_digit_by_digit() {
    let gateway = Gateway::start(120).await;
    let catalogue = get(&gateway, "/reports", &[("accept", "application/json")]).await.json();
    let reports = catalogue["reports"].as_array().unwrap();
    assert!(!reports.is_empty());
    for report in reports {
        let name = report["name"].as_str().unwrap();
        let columns: Vec<String> = report["columns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|column| column["name"].as_str().unwrap().to_owned())
            .collect();
        let sheet = get(&gateway, &format!("/reports/{name}.csv"), &[]).await;
        assert_eq!((sheet.status, sheet.header("content-type")), (200, "text/csv; charset=utf-8; header=present"));
        let rows = csv(sheet.text());
        assert_eq!(rows[0], columns, "{name}");

        let array = get(&gateway, &format!("/reports/{name}?format=json"), &[]).await;
        let objects: Vec<BTreeMap<String, Box<RawValue>>> = serde_json::from_slice(&array.body).unwrap();
        let told: Vec<Vec<String>> = objects.iter().map(|object| cells(&columns, object)).collect();
        // Only the guard against formulas makes them differ.
        let unguarded = |cell: &String| match cell.strip_prefix('\'') {
            Some(rest) if rest.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']) => rest.to_owned(),
            _ => cell.clone(),
        };
        let written: Vec<Vec<String>> = rows[1..].iter().map(|row| row.iter().map(unguarded).collect()).collect();
        assert_eq!(told, written, "{name}");

        let lines = get(&gateway, &format!("/reports/{name}?format=ndjson"), &[]).await;
        assert_eq!(lines.header("content-type"), "application/x-ndjson");
        let objects: Vec<BTreeMap<String, Box<RawValue>>> =
            lines.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(objects.iter().map(|object| cells(&columns, object)).collect::<Vec<_>>(), told, "{name}");

        let parquet = get(&gateway, &format!("/reports/{name}.parquet"), &[]).await;
        assert_eq!(parquet.header("content-type"), "application/vnd.apache.parquet");
        assert!(parquet.body.starts_with(b"PAR1") && parquet.body.ends_with(b"PAR1"), "{name}");
    }
}

#[tokio::test]
async fn an_answer_says_how_old_and_how_complete_it_is_and_is_not_sent_again_to_who_has_it() {
    let without_rates = |config: String| {
        let lines = config.lines().filter(|line| !line.starts_with("rates "));
        lines.collect::<Vec<_>>().join("\n")
    };
    let gateway = Gateway::over(company(40), without_rates).await;
    let path = "/reports/margin-by-vertical.csv";
    let first = get(&gateway, path, &[]).await;
    assert_eq!(first.status, 200);
    assert_eq!(first.header("x-as-of"), format!("{}T12:00:00.000Z", support::TODAY));
    assert!(first.header("x-completeness").starts_with("included="), "{}", first.header("x-completeness"));
    assert_eq!((first.header("age"), first.header("vary")), ("0", "accept"));
    assert!(first.header("cache-control").starts_with("private, max-age="), "{}", first.header("cache-control"));
    assert_eq!(first.header("x-currency-rates"), "", "there are none");

    gateway.reset().await;
    gateway.pass(4);
    let etag = first.header("etag").to_owned();
    let known = get(&gateway, path, &[("if-none-match", &etag)]).await;
    assert_eq!((known.status, known.body.len(), known.header("age")), (304, 0, "4"));
    assert_eq!(known.header("x-as-of"), format!("{}T12:00:00.000Z", support::TODAY));
    assert!(gateway.calls("sap").await.is_empty(), "all of it was read a moment ago");

    let anew = get(&gateway, path, &[("if-none-match", &etag), ("cache-control", "no-cache")]).await;
    assert_eq!((anew.status, anew.header("age")), (304, "0"), "nothing has changed");
    assert!(!gateway.calls("sap").await.is_empty(), "no-cache asks the owners");

    let (_, number) = super::freshness::open_invoice(&gateway);
    gateway.control("sap", "correct", json!({ "invoice": number, "net": "4321.09" })).await;
    gateway.pass(1);
    let changed = get(&gateway, path, &[("if-none-match", &etag), ("cache-control", "no-cache")]).await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), etag);
}

#[tokio::test]
async fn the_format_is_said_by_parameter_extension_or_accept() {
    let gateway = Gateway::start(40).await;
    for (path, accept, expected) in [
        ("/reports/margin-by-vertical", "*/*", "application/json; charset=utf-8"),
        ("/reports/margin-by-vertical", "text/csv", "text/csv; charset=utf-8; header=present"),
        ("/reports/margin-by-vertical", "application/x-ndjson, */*;q=0.1", "application/x-ndjson"),
        ("/reports/margin-by-vertical.csv", "application/json", "text/csv; charset=utf-8; header=present"),
        ("/reports/margin-by-vertical?format=parquet", "text/csv", "application/vnd.apache.parquet"),
        ("/reports/margin-by-vertical.json?format=json", "text/csv", "application/json; charset=utf-8"),
        ("/reports/margin-by-vertical", "text/html,*/*;q=0.8", "application/json; charset=utf-8"),
    ] {
        let answer = get(&gateway, path, &[("accept", accept)]).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, expected), "{path} {accept}");
    }
    let marked = get(&gateway, "/reports/margin-by-vertical.csv?bom=true", &[]).await;
    assert!(marked.text().starts_with("\u{feff}vertical,"), "{}", marked.text());
    let name = "inline; filename=\"margin-by-vertical.csv\"";
    assert_eq!(marked.header("content-disposition"), name);
}

#[tokio::test]
async fn what_is_asked_for_wrongly_is_refused_with_what_would_be_right() {
    let gateway = Gateway::start(40).await;
    gateway.reset().await;
    let path = "/reports/margin-by-vertical";
    for (query, part) in [
        ("?colour=red", "There is no parameter `colour`: there are format, bom, currency, from, to, status, vertical"),
        ("?format=xls", "`format` is `xls`: it must be one of csv, json, ndjson, parquet."),
        ("?from=2026", "`from` is `2026`: it must be a day as YYYY-MM-DD"),
        ("?to=2026-13-01", "`to` is `2026-13-01`"),
        ("?from=2026-02-01&to=2026-01-01", "`from` is 2026-02-01, which is after `to`, 2026-01-01."),
        ("?status=closed", "`status` is `closed`: it must be open, won or lost."),
        ("?currency=EURO", "`currency` is `EURO`"),
        ("?vertical=", "`vertical` is empty"),
        ("?status=won&status=lost", "`status` is there twice"),
        ("?bom=yes", "`bom` is `yes`: it must be true or false."),
        ("?bom=true", "`bom` is for `format=csv` only"),
        (".csv?format=json", "The path says csv and `format` says json"),
    ] {
        let answer = get(&gateway, &format!("{path}{query}"), &[]).await;
        let (code, message) = answer.error();
        assert_eq!((answer.status, code.as_str()), (400, "BAD_REQUEST"), "{query}");
        assert!(message.contains(part), "{query}: {message}");
    }
    for name in ["margin", "margin-by-vertical.xls", "margin-by-vertical.csv.csv", "%00"] {
        let answer = get(&gateway, &format!("/reports/{name}"), &[]).await;
        let (code, message) = answer.error();
        assert_eq!((answer.status, code.as_str()), (404, "NOT_FOUND"), "{name}");
        assert!(message.contains("margin-by-vertical"), "{name}: {message}");
    }
    let picture = get(&gateway, path, &[("accept", "image/png")]).await;
    assert_eq!((picture.status, picture.error().0.as_str()), (406, "NOT_ACCEPTABLE"));
    let page = get(&gateway, path, &[("origin", "https://evil.example.com")]).await;
    assert_eq!((page.status, page.error().0.as_str()), (403, "FORBIDDEN"));
    let posted = support::send(support::client().post(format!("{}{path}", gateway.url))).await;
    assert_eq!(posted.status(), 405);
    for system in ["hubspot", "sap", "redmine"] {
        assert!(gateway.calls(system).await.is_empty(), "{system} was asked");
    }
}

#[tokio::test]
async fn a_head_says_what_the_get_would() {
    let gateway = Gateway::start(40).await;
    let url = format!("{}/reports/margin-by-vertical.csv", gateway.url);
    let head = support::send(support::client().head(&url)).await;
    let full = get(&gateway, "/reports/margin-by-vertical.csv", &[]).await;
    assert_eq!(head.status(), 200);
    for name in ["content-type", "content-length", "etag", "x-as-of", "x-completeness"] {
        assert_eq!(head.headers()[name], full.headers[name], "{name}");
    }
    assert!(head.bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn without_one_system_there_is_no_part_of_a_report() {
    for system in ["hubspot", "sap", "redmine"] {
        let gateway = Gateway::start(40).await;
        gateway.control(system, "fault", json!({ "mode": "down" })).await;
        let answer = get(&gateway, "/reports/project-kpis.csv", &[]).await;
        assert_eq!(answer.status, 503, "{system}: {}", answer.text());
        let seconds: u64 = answer.header("retry-after").parse().unwrap();
        assert!((1..=120).contains(&seconds), "{seconds}");
        assert_eq!(answer.header("cache-control"), "no-store");
        let body = answer.json();
        assert_eq!(body["errors"].as_array().unwrap().len(), 1);
        let extensions = &body["errors"][0]["extensions"];
        assert_eq!(extensions["connection"], system);
        assert_eq!(extensions["retryable"], true);
        assert_eq!(extensions["requestId"], answer.header("x-request-id"));
        assert!(body.get("data").is_none());
    }
}

#[tokio::test]
async fn a_credential_that_a_system_does_not_accept_is_never_the_readers_401() {
    let wrong = |config: String| config.replace("demo-redmine-key", "demo-expired-key");
    let gateway = Gateway::over(company(40), wrong).await;
    let answer = get(&gateway, "/reports/project-kpis", &[]).await;
    assert_eq!((answer.status, answer.error().0.as_str()), (502, "UPSTREAM_AUTH"));
    assert_eq!((answer.header("www-authenticate"), answer.header("retry-after")), ("", ""));
}

#[tokio::test]
async fn filters_choose_the_deals_and_the_currency() {
    let gateway = Gateway::start(120).await;
    let all = get(&gateway, "/reports/margin-by-vertical", &[]).await.json();
    let verticals = |rows: &Value| -> Vec<String> {
        rows.as_array().unwrap().iter().map(|row| row["vertical"].as_str().unwrap().to_owned()).collect()
    };
    let first = verticals(&all).into_iter().find(|name| name != "(unassigned)").unwrap();
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("vertical", &first).finish();
    let one = get(&gateway, &format!("/reports/margin-by-vertical?{query}"), &[]).await.json();
    let named: Vec<String> = verticals(&one).into_iter().filter(|name| name != "(unassigned)").collect();
    assert!(!named.is_empty() && named.iter().all(|name| *name == first), "{named:?}");
    let none = get(&gateway, "/reports/margin-by-vertical?from=1990-01-01&to=1990-12-31", &[]).await;
    assert_eq!(none.status, 200);
    assert!(verticals(&none.json()).iter().all(|name| name == "(unassigned)"), "{}", none.text());
}

#[tokio::test]
async fn rates_that_were_used_are_told() {
    let gateway = Gateway::start(120).await;
    let answer = get(&gateway, "/reports/margin-by-vertical?currency=CHF", &[]).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.header("x-currency-rates"), "base=EUR, date=\"2026-10-30\", source=\"made up for the demo\"");
    for row in answer.json().as_array().unwrap() {
        assert!(row["currency"] == "CHF" || row["currency"].is_null(), "{row}");
    }
}

#[tokio::test]
async fn the_catalogue_tells_names_columns_and_words() {
    let gateway = Gateway::start(40).await;
    let catalogue = get(&gateway, "/reports", &[("accept", "application/json")]).await.json();
    assert_eq!(catalogue["formats"], json!(["csv", "json", "ndjson", "parquet"]));
    assert_eq!(catalogue["parameters"][0]["name"], "currency");
    let report = catalogue["reports"].as_array().unwrap().iter().find(|report| report["name"] == "margin-by-vertical");
    let report = report.unwrap();
    assert_eq!(report["question"], "Which vertical actually generates the best margins?");
    assert_eq!(report["chart"], json!({ "label": "vertical", "value": "margin" }));
    let first = &report["columns"][0];
    assert_eq!((&first["name"], &first["kind"]), (&json!("vertical"), &json!("text")));
    assert!(first["label"].is_string() && first["description"].is_string());
}

#[tokio::test]
async fn the_catalogue_of_metrics_is_served_and_its_ratios_name_metrics_of_it() {
    let gateway = Gateway::start(10).await;
    let catalogue = get(&gateway, "/reports/metrics", &[]).await.json();
    let metrics = catalogue.as_array().unwrap();
    let names: Vec<&str> = metrics.iter().map(|metric| metric["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"margin") && names.contains(&"dso"));
    let ratios = metrics.iter().filter(|metric| metric["additive"] == false);
    for part in ratios.flat_map(|metric| [&metric["numerator"], &metric["denominator"]]) {
        assert!(names.contains(&part.as_str().unwrap()), "{part}");
    }
    let graph = gateway.ask("{ metrics { name formula } }").await;
    assert_eq!(graph.fine()["metrics"].as_array().unwrap().len(), metrics.len());
}

#[tokio::test]
async fn documents_of_the_binary_are_asked_by_get_and_answered_as_by_post() {
    let gateway = Gateway::start(40).await;
    let (project, _) = super::freshness::open_invoice(&gateway);
    let variables = json!({ "by": { "projectId": project } }).to_string();
    let query = url::form_urlencoded::Serializer::new(String::new()).append_pair("variables", &variables).finish();
    let card = format!("/graphql/p/deal-card?{query}");
    let first = get(&gateway, &card, &[]).await;
    assert_eq!(first.status, 200);
    assert!(first.header("cache-control").starts_with("private, max-age="), "{}", first.header("cache-control"));
    let body = first.json();
    assert!(body["errors"].is_null() && body["data"]["deal"]["financials"]["overdue"].is_object(), "{body:#}");
    let known = get(&gateway, &card, &[("if-none-match", first.header("etag"))]).await;
    assert_eq!(known.status, 304);

    let margins = get(&gateway, "/graphql/p/margin-by-vertical", &[]).await.json();
    assert!(margins["errors"].is_null(), "{margins:#}");
    let rows = margins["data"]["profitability"]["rows"].as_array().unwrap();
    let feed = get(&gateway, "/reports/margin-by-vertical", &[]).await.json();
    assert_eq!(rows.len(), feed.as_array().unwrap().len());

    for (path, status, part) in [
        ("deal-cards", 404, "there are deal-card, deal-card-changed, margin-by-vertical"),
        ("deal-card?variables={", 400, "`variables` is not valid JSON"),
        ("deal-card?variables={},%22query%22:%22x%22", 400, "`variables` is not valid JSON"),
        ("deal-card?variables=7", 400, "`variables` is a number; expected an object"),
        ("deal-card?query=x", 400, "There is no parameter `query`"),
        ("deal-card?variables={}&variables={}", 400, "`variables` is there twice"),
    ] {
        let answer = get(&gateway, &format!("/graphql/p/{path}"), &[]).await;
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.error().1.contains(part), "{path}: {}", answer.text());
    }
    let put = support::send(support::client().put(format!("{}/graphql/p/deal-card", gateway.url))).await;
    assert_eq!(put.status(), 405);
}
