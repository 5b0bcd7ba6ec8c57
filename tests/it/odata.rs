//! The OData feed, as BI tools load it: what it lists, what it filters, how it goes on, and what it refuses.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use crate::support::{Gateway, client, company, read_json, send};

/// What Power Query asks for.
const POWER_QUERY: [(&str, &str); 4] = [
    (
        "accept",
        "application/json;odata.metadata=minimal;q=1.0,application/json;odata=minimalmetadata;q=0.9,\
         application/atomsvc+xml;q=0.8,application/atom+xml;q=0.8,application/xml;q=0.7,text/plain;q=0.7",
    ),
    ("odata-maxversion", "4.0"),
    ("maxdataserviceversion", "3.0"),
    ("user-agent", "Microsoft.Data.Mashup (https://go.microsoft.com/fwlink/?LinkID=304225)"),
];

struct Got {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Got {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{} {}", self.status, self.text))
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

async fn get_with(url: &str, headers: &[(&str, &str)]) -> Got {
    let mut request = client().get(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = send(request).await;
    let (status, headers) = (response.status(), response.headers().clone());
    Got { status, headers, text: response.text().await.unwrap() }
}

async fn get(gateway: &Gateway, path: &str) -> Got {
    get_with(&format!("{}/odata/{path}", gateway.url), &[]).await
}

/// The rows of all pages.
async fn all(gateway: &Gateway, path: &str, headers: &[(&str, &str)]) -> Vec<Value> {
    let mut url = format!("{}/odata/{path}", gateway.url);
    let mut rows = Vec::new();
    loop {
        let got = get_with(&url, headers).await;
        assert_eq!(got.status, 200, "{url}: {}", got.text);
        let body = got.json();
        rows.extend(body["value"].as_array().unwrap().iter().cloned());
        match body["@odata.nextLink"].as_str() {
            Some(next) => next.clone_into(&mut url),
            None => return rows,
        }
    }
}

fn keys(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn one_address_tells_of_all_sets_and_each_of_them_can_be_loaded() {
    let gateway = Gateway::start(60).await;
    let service = get_with(&format!("{}/odata/", gateway.url), &POWER_QUERY).await;
    assert_eq!(service.status, 200);
    assert_eq!(service.header("odata-version"), "4.0");
    assert_eq!(service.header("content-type"), "application/json;odata.metadata=minimal;charset=utf-8");
    let service = service.json();
    assert_eq!(service["@odata.context"], format!("{}/odata/$metadata", gateway.url));
    let metadata = get_with(&format!("{}/odata/$metadata", gateway.url), &POWER_QUERY).await;
    assert_eq!(metadata.header("content-type"), "application/xml;charset=utf-8");
    let names: Vec<&str> =
        service["value"].as_array().unwrap().iter().map(|set| set["name"].as_str().unwrap()).collect();
    for name in
        ["Deals", "Projects", "Invoices", "Tickets", "MarginByVertical", "ExchangeRates", "Freshness", "DataQuality"]
    {
        assert!(names.contains(&name), "{name} in {names:?}");
    }
    assert_eq!(get_with(&format!("{}/odata", gateway.url), &[]).await.json(), service);
    for name in names {
        let set = format!("<EntitySet Name=\"{name}\" EntityType=\"Spine.");
        let entity = metadata.text.split(&set).nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned();
        let declared = metadata.text.split(&format!("<EntityType Name=\"{entity}\">")).nth(1).unwrap();
        let declared = declared.split("</EntityType>").next().unwrap();
        // As Excel and Tableau look at a set before they load it.
        let first = get_with(&format!("{}/odata/{name}?$top=1000&$skip=0", gateway.url), &POWER_QUERY).await;
        assert_eq!(first.status, 200, "{name}: {}", first.text);
        let body = first.json();
        assert_eq!(body["@odata.context"], format!("{}/odata/$metadata#{name}", gateway.url));
        let rows = body["value"].as_array().unwrap();
        assert!(!rows.is_empty(), "{name}");
        for row in rows {
            let row = row.as_object().unwrap();
            assert_eq!(row.len(), declared.matches("<Property Name=").count(), "{name}");
            for (property, value) in row {
                let kind = declared.split(&format!("<Property Name=\"{property}\" Type=\"Edm.")).nth(1);
                let kind = kind.and_then(|rest| rest.split('"').next()).unwrap_or_else(|| panic!("{name}.{property}"));
                let fits = match (kind, value) {
                    (_, Value::Null) => !declared.contains(&format!("<PropertyRef Name=\"{property}\"/>")),
                    ("String", Value::String(_)) | ("Boolean", Value::Bool(_)) => true,
                    // A rate has as many places as the configuration gives it.
                    ("Decimal", Value::Number(_)) if property == "rate" => true,
                    ("Int64", Value::Number(number)) => number.is_u64(),
                    ("Decimal", Value::Number(number)) => {
                        number.to_string().split_once('.').is_none_or(|(_, places)| places.len() <= 4)
                    }
                    ("Date", Value::String(day)) => day.parse::<jiff::civil::Date>().is_ok(),
                    ("DateTimeOffset", Value::String(at)) => at.ends_with('Z') && at.parse::<jiff::Timestamp>().is_ok(),
                    _ => false,
                };
                assert!(fits, "{name}.{property} is {value}, declared as {kind}");
            }
        }
    }
}

#[tokio::test]
async fn rates_that_figures_were_converted_by_are_told_beside_them_and_can_be_loaded() {
    let gateway = Gateway::over(company(60), |config| {
        let config = config.replace("currency = \"EUR\"", "currency = \"CHF\"").replace("\"0.95\"", "\"0.9523456789\"");
        assert!(config.contains("currency = \"CHF\"") && config.contains("CHF = \"0.9523456789\""), "{config}");
        config
    })
    .await;
    let rows = all(&gateway, "ExchangeRates", &[]).await;
    let currencies: Vec<&str> = rows.iter().map(|row| row["currency"].as_str().unwrap()).collect();
    assert_eq!(currencies, ["CHF", "EUR", "GBP", "USD"]);
    assert_eq!(
        rows[0].to_string(),
        json!({ "currency": "CHF", "base": "EUR", "rate": 0.952_345_678_9, "date": "2026-10-30", "source": "made up for the demo" })
            .to_string()
    );
    assert_eq!(get(&gateway, "ExchangeRates('EUR')?$select=rate").await.json()["rate"], 1);
    let told = "base=EUR, date=\"2026-10-30\", source=\"made up for the demo\"";
    for path in ["MarginByVertical", "MarginByVertical?$orderby=margin", "MarginByVertical(1)", "OverdueReceivables"] {
        let got = get(&gateway, path).await;
        assert_eq!((got.status.as_u16(), got.header("x-currency-rates")), (200, told), "{path}: {}", got.text);
    }
    // What is told in the currencies of its owners was not converted.
    for path in ["Deals", "Projects", "Invoices", "ExchangeRates", "MarginByVertical/$count"] {
        let got = get(&gateway, path).await;
        assert_eq!((got.status.as_u16(), got.header("x-currency-rates")), (200, ""), "{path}: {}", got.text);
    }
    // Without rates there is no set of them.
    let gateway = Gateway::over(company(40), |config| {
        config.lines().filter(|line| !line.starts_with("rates ")).collect::<Vec<_>>().join("\n")
    })
    .await;
    assert_eq!(get(&gateway, "ExchangeRates").await.status, 404);
    assert!(!get(&gateway, "").await.text.contains("ExchangeRates"));
}

#[tokio::test]
async fn pages_hold_every_row_once_whatever_their_size() {
    let gateway = Gateway::start(60).await;
    for set in ["Deals", "Projects?$select=id,name", "Invoices", "Tickets", "DataQuality"] {
        let whole = all(&gateway, set, &[]).await;
        let once: BTreeSet<&str> = keys(&whole).into_iter().collect();
        assert!(set.starts_with("Projects") || once.len() == whole.len(), "{set}");
        let sized = all(&gateway, set, &[("prefer", "odata.maxpagesize=7")]).await;
        assert_eq!(keys(&sized), keys(&whole), "{set}");
    }
    let got = get_with(&format!("{}/odata/Deals", gateway.url), &[("prefer", "odata.maxpagesize=7")]).await;
    assert_eq!(got.header("preference-applied"), "odata.maxpagesize=7");
    assert_eq!(got.json()["value"].as_array().unwrap().len(), 7);
    // What is skipped and how many are wanted counts over all pages.
    let whole = all(&gateway, "Deals", &[]).await;
    let some = all(&gateway, "Deals?$skip=5&$top=20", &[("prefer", "odata.maxpagesize=7")]).await;
    assert_eq!(keys(&some), keys(&whole)[5..25]);
    assert!(all(&gateway, "Deals?$top=0", &[]).await.is_empty());
    let counted = get(&gateway, "Deals?$count=true&$top=0").await.json();
    assert_eq!(counted["@odata.count"], whole.len());
    let count = get(&gateway, "Deals/$count").await;
    assert_eq!(
        (count.text.clone(), count.header("content-type")),
        (whole.len().to_string(), "text/plain;charset=utf-8")
    );
}

#[tokio::test]
async fn a_filter_finds_what_looking_at_every_row_finds() {
    let gateway = Gateway::start(80).await;
    let deals = all(&gateway, "Deals", &[]).await;
    let vertical = deals.iter().find_map(|deal| deal["vertical"].as_str()).unwrap();
    let text = |row: &Value, name: &str| row[name].as_str().map(str::to_owned);
    let check = async |filter: &str, expected: &dyn Fn(&Value) -> bool| {
        let mut url = url::Url::parse(&format!("{}/odata/Deals", gateway.url)).unwrap();
        url.query_pairs_mut().append_pair("$filter", filter).append_pair("$count", "true");
        let got = get_with(url.as_str(), &[]).await;
        assert_eq!(got.status, 200, "{filter}: {}", got.text);
        let body = got.json();
        let mut found = keys(body["value"].as_array().unwrap());
        let kept: Vec<Value> = deals.iter().filter(|deal| expected(deal)).cloned().collect();
        let mut looked = keys(&kept);
        // The owner's order of a question is its own.
        found.sort_unstable();
        looked.sort_unstable();
        assert_eq!(found, looked, "{filter}");
        assert_eq!(body["@odata.count"], looked.len(), "{filter}");
        assert!(!looked.is_empty(), "{filter} finds nothing to compare");
    };
    check("status eq 'WON'", &|deal| deal["status"] == "WON").await;
    check("status ne 'WON'", &|deal| deal["status"] != "WON").await;
    check("status in ('OPEN','LOST')", &|deal| matches!(deal["status"].as_str(), Some("OPEN" | "LOST"))).await;
    check(&format!("vertical eq '{vertical}'"), &|deal| deal["vertical"] == vertical).await;
    check("close_date ge 2025-06-01 and close_date lt 2026-03-01", &|deal| {
        text(deal, "close_date").is_some_and(|day| ("2025-06-01".."2026-03-01").contains(&day.as_str()))
    })
    .await;
    check("amount gt 100000 and currency eq 'EUR'", &|deal| {
        deal["currency"] == "EUR" && deal["amount"].as_f64().is_some_and(|amount| amount > 100_000.0)
    })
    .await;
    check("amount eq null or not (link eq 'LINKED')", &|deal| deal["amount"].is_null() || deal["link"] != "LINKED")
        .await;
    check("contains(tolower(name),'a') and year(close_date) ge 2025", &|deal| {
        text(deal, "name").is_some_and(|name| name.to_lowercase().contains('a'))
            && text(deal, "close_date").is_some_and(|day| day.as_str() >= "2025")
    })
    .await;
    check("created_at ge 2025-01-01T00:00:00Z", &|deal| {
        text(deal, "created_at").is_some_and(|at| at.as_str() >= "2025")
    })
    .await;
}

#[tokio::test]
async fn rows_in_an_order_are_in_it_over_all_pages() {
    let gateway = Gateway::start(60).await;
    let size = [("prefer", "odata.maxpagesize=9")];
    let rows = all(&gateway, "Deals?$select=id,name,amount,status&$orderby=status%20desc,amount", &size).await;
    assert_eq!(rows.len(), all(&gateway, "Deals", &[]).await.len());
    // Nothing comes first where it is ascending, last where it is descending.
    let place = |row: &Value| {
        let status = row["status"].as_str().unwrap_or_default().to_owned();
        let amount =
            row["amount"].as_number().map(|amount| amount.to_string().parse::<rust_decimal::Decimal>().unwrap());
        (std::cmp::Reverse(status), amount, row["id"].as_str().unwrap().to_owned())
    };
    assert!(rows.is_sorted_by_key(place));
    assert!(rows.iter().any(|row| row["amount"].is_null()), "a deal without an amount is in the company");
    let first = get(&gateway, "Deals?$orderby=amount%20desc&$top=3&$count=true").await.json();
    assert_eq!(first["value"].as_array().unwrap().len(), 3);
    assert_eq!(first["@odata.count"], rows.len());
    assert!(first["@odata.nextLink"].is_null());
}

#[tokio::test]
async fn the_money_of_a_project_is_what_the_graph_says_figure_by_figure() {
    let gateway = Gateway::start(60).await;
    let figures = [
        ("contract_value", "contractValue"),
        ("estimated_margin", "estimatedMargin"),
        ("invoiced", "invoiced"),
        ("collected", "collected"),
        ("outstanding", "outstanding"),
        ("overdue", "overdue"),
        ("left_to_invoice", "leftToInvoice"),
        ("actual_cost", "actualCost"),
        ("committed_cost", "committedCost"),
        ("margin", "margin"),
        ("budget_variance", "budgetVariance"),
        ("eac", "eac"),
    ];
    let numbers = [("invoiced_pct", "invoicedPct"), ("margin_pct", "marginPct"), ("margin_slippage", "marginSlippage")];
    let rows = all(&gateway, "Projects", &[("accept", "application/json;IEEE754Compatible=true")]).await;
    let selected: Vec<_> = figures.iter().map(|(_, name)| format!("{name} {{ amount currency }}")).collect();
    let selected = selected.join(" ");
    let (mut compared, mut known) = (0, 0);
    for row in rows.iter().filter(|row| row["completeness"] != "DATA_CONFLICT") {
        let id = row["id"].as_str().unwrap();
        let query = format!(
            "{{ project(id: \"{id}\") {{ percentComplete financials {{ {selected} invoicedPct marginPct marginSlippage }} }} }}"
        );
        let answer = gateway.ask(&query).await;
        let project = &answer.fine()["project"];
        let decimal = |value: &Value| value.as_str().map(|text| text.parse::<rust_decimal::Decimal>().unwrap());
        for (column, name) in figures {
            let figure = &project["financials"][name];
            assert_eq!(decimal(&row[column]), decimal(&figure["amount"]), "{id} {column}");
            assert_eq!(row[format!("{column}_currency")], figure["currency"], "{id} {column}");
            compared += 1;
            known += usize::from(!figure.is_null());
        }
        for (column, name) in numbers {
            assert_eq!(decimal(&row[column]), decimal(&project["financials"][name]), "{id} {column}");
        }
        assert_eq!(decimal(&row["percent_complete"]), decimal(&project["percentComplete"]), "{id}");
    }
    assert!(known > compared / 2, "most figures are known: {known} of {compared}");
    // What nobody looks at is not read.
    gateway.pass(3600);
    gateway.reset().await;
    all(&gateway, "Projects?$select=id,name,health", &[]).await;
    assert!(gateway.calls("sap").await.is_empty());
}

#[tokio::test]
async fn a_row_is_found_by_its_key_and_is_the_one_of_the_list() {
    let gateway = Gateway::start(60).await;
    for set in ["Deals", "Projects", "Invoices", "Tickets", "DataQuality"] {
        let listed = all(&gateway, set, &[]).await;
        let row = listed.iter().find(|row| row["completeness"] != "DATA_CONFLICT").unwrap();
        let key = row["id"].as_str().unwrap().replace(':', "%3A").replace('/', "%2F");
        let found = get(&gateway, &format!("{set}('{key}')")).await;
        assert_eq!(found.status, 200, "{set}: {}", found.text);
        let mut found = found.json();
        let context = found.as_object_mut().unwrap().remove("@odata.context").unwrap();
        assert_eq!(context, format!("{}/odata/$metadata#{set}/$entity", gateway.url));
        let without = |row: &Value| {
            let mut row = row.clone();
            row.as_object_mut().unwrap().remove("as_of");
            row
        };
        assert_eq!(without(&found), without(row), "{set}");
        let by_filter = get(&gateway, &format!("{set}?$filter=id%20eq%20'{key}'")).await.json();
        assert_eq!(by_filter["value"].as_array().unwrap().len(), 1, "{set}");
        for unknown in ["nothing", "deal:hubspot:1"] {
            assert_eq!(get(&gateway, &format!("{set}('{unknown}')")).await.status, 404, "{set} {unknown}");
        }
    }
    assert_eq!(get(&gateway, "MarginByVertical(row=1)?$select=row").await.json()["row"], 1);
    assert_eq!(get(&gateway, "MarginByVertical(99999)").await.status, 404);
}

#[tokio::test]
async fn an_answer_says_how_much_of_itself_is_asked_for() {
    let gateway = Gateway::start(40).await;
    let url = format!("{}/odata/Invoices?$select=id,net,issue_date,as_of&$top=1", gateway.url);
    let minimal = get_with(&url, &[]).await;
    let row = &minimal.json()["value"][0];
    assert!(row["net"].is_number() && row.as_object().unwrap().len() == 4, "{row}");
    assert_eq!(
        minimal.json()["@odata.context"],
        format!("{}/odata/$metadata#Invoices(id,issue_date,net,as_of)", gateway.url)
    );
    let none = get_with(&url, &[("accept", "application/json;odata.metadata=none")]).await;
    assert!(none.json()["@odata.context"].is_null() && none.json()["value"][0] == *row);
    let full = get_with(&format!("{url}&$format=application/json;odata.metadata=full"), &[]).await;
    let full_row = &full.json()["value"][0];
    assert_eq!(full_row["@odata.type"], "#Spine.Invoice");
    assert_eq!(full_row["net@odata.type"], "#Decimal");
    assert_eq!(full_row["issue_date@odata.type"], "#Date");
    let own = get_with(full_row["@odata.id"].as_str().unwrap(), &[]).await.json();
    assert_eq!(own["id"], row["id"]);
    let texts = get_with(&url, &[("accept", "application/json;IEEE754Compatible=true")]).await;
    assert_eq!(
        texts.header("content-type"),
        "application/json;odata.metadata=minimal;IEEE754Compatible=true;charset=utf-8"
    );
    assert_eq!(texts.json()["value"][0]["net"], row["net"].to_string());
    // A decimal is written with its own digits, and not as a float would be.
    let exact = minimal.text.split("\"net\":").nth(1).unwrap().split(',').next().unwrap();
    assert_eq!(texts.json()["value"][0]["net"], exact);
}

#[tokio::test]
async fn an_answer_says_how_old_it_is_and_is_not_sent_to_who_has_it() {
    let gateway = Gateway::start(40).await;
    let url = format!("{}/odata/Deals", gateway.url);
    let first = get_with(&url, &[]).await;
    assert_eq!((first.header("age"), first.header("x-as-of")), ("0", "2026-06-15T12:00:00Z"));
    assert!(first.header("cache-control").starts_with("private, max-age="));
    gateway.pass(3);
    let again = get_with(&url, &[("if-none-match", first.header("etag"))]).await;
    assert_eq!((again.status, again.text.as_str(), again.header("age")), (StatusCode::NOT_MODIFIED, "", "3"));
    assert_eq!(again.header("x-as-of"), "2026-06-15T12:00:00Z");
    let live = get_with(&url, &[("cache-control", "no-cache")]).await;
    assert_eq!((live.status, live.header("age")), (StatusCode::OK, "0"));
    let metadata = get(&gateway, "$metadata").await;
    let known = [("if-none-match", metadata.header("etag"))];
    assert_eq!(get_with(&format!("{}/odata/$metadata", gateway.url), &known).await.status, 304);
}

#[tokio::test]
async fn links_lead_where_people_reach_the_server() {
    let company = company(40);
    let gateway = Gateway::over(company, |config| {
        config.replace("[server]", "[server]\npublic_origins = [\"https://spine.example.com\"]")
    })
    .await;
    let ask = async |host: &str| {
        let headers = [("host", host), ("prefer", "odata.maxpagesize=5")];
        get_with(&format!("{}/odata/Deals", gateway.url), &headers).await
    };
    let next = |got: &Got| got.json()["@odata.nextLink"].as_str().unwrap().to_owned();
    assert!(next(&ask("spine.example.com").await).starts_with("https://spine.example.com/odata/Deals?$skiptoken="));
    assert!(next(&ask("spine.internal:4000").await).starts_with("http://spine.internal:4000/odata/Deals?"));
    assert_eq!(ask("user@evil").await.status, 400);
    let page = [("origin", "https://evil.example")];
    assert_eq!(get_with(&format!("{}/odata/Deals", gateway.url), &page).await.status, 403);
}

#[tokio::test]
async fn what_is_wrong_or_not_there_is_said_in_the_shape_of_odata() {
    let gateway = Gateway::start(40).await;
    for (path, status, said) in [
        ("Nothing", 404, "there is no such set"),
        ("Deals/nothing", 404, "nothing of that name"),
        ("Deals?$filter=amuont%20gt%201", 400, "did you mean `amount`?"),
        ("Deals?$filter=amount%20gt%20'1'", 400, "`amount` is compared with a number"),
        ("Deals?$select=nothing", 400, "there is no property `nothing`"),
        ("Deals?$orderby=name%20up", 400, "`$orderby` is written"),
        ("Deals?$top=-1", 400, "`$top` is a whole number"),
        ("Deals?$skiptoken=abc", 400, "`$skiptoken` is not of this question"),
        ("Deals?$count=yes", 400, "`$count` is true or false"),
        ("Deals?top=5", 400, "write `$top`"),
        ("Deals?$tpo=5", 400, "there is no option `$tpo`"),
        ("Deals(1)", 400, "a key is written `Deals('"),
        ("Deals('a'", 400, "a key is written"),
        ("MarginByVertical('a')", 400, "a key is written `MarginByVertical(1)`"),
        ("Deals?$format=atom", 406, "`$format` is"),
        ("Deals?$expand=Project", 501, "`$expand` is not supported"),
        ("Deals?$apply=aggregate(amount%20with%20sum%20as%20total)", 501, "`$apply`"),
        ("Deals?$search=x", 501, "`$search`"),
        ("Deals?$filter=Project/any(p:p/id%20eq%20'x')", 501, "is not supported"),
        ("Deals('deal%3Ahubspot%3A1')/name", 501, "choose properties with `$select`"),
        ("$batch", 501, "`$batch`"),
    ] {
        let got = get(&gateway, path).await;
        assert_eq!(got.status, status, "{path}: {}", got.text);
        let body = got.json();
        let error = body["error"].as_object().unwrap_or_else(|| panic!("{path}: {body}"));
        assert!(!error["code"].as_str().unwrap().is_empty());
        assert!(error["message"].as_str().unwrap().contains(said), "{path}: {body}");
        assert_eq!(got.header("odata-version"), "4.0");
    }
    let url = format!("{}/odata/Deals", gateway.url);
    let old = get_with(&url, &[("odata-maxversion", "3.0")]).await;
    assert_eq!((old.status.as_u16(), old.json()["error"]["code"].clone()), (400, json!("BAD_REQUEST")));
    assert_eq!(get_with(&url, &[("accept", "application/atom+xml")]).await.status, 406);
    for method in [reqwest::Method::POST, reqwest::Method::PATCH, reqwest::Method::PUT, reqwest::Method::DELETE] {
        let response = send(client().request(method, &url)).await;
        assert_eq!(response.status(), 405);
        assert_eq!(response.headers()["allow"], "GET, HEAD");
        assert_eq!(read_json(response).await["error"]["code"], "METHOD_NOT_ALLOWED");
    }
    // A mark belongs to the question it was given for.
    let page = get_with(&url, &[("prefer", "odata.maxpagesize=5")]).await.json();
    let next = page["@odata.nextLink"].as_str().unwrap();
    assert_eq!(get_with(&next.replace("/Deals?", "/Invoices?"), &[]).await.status, 400);
    assert_eq!(get_with(&format!("{next}&$filter=amount%20gt%201"), &[]).await.status, 400);
}

#[tokio::test]
async fn a_system_that_is_away_gives_an_error_and_never_fewer_rows() {
    let gateway = Gateway::start(40).await;
    for (system, mode, status, set, others) in [
        ("sap", "down", 503, "Invoices", ["Deals", "Projects?$select=id", "Freshness"]),
        // Of Spine's credential: a BI tool that was told 401 would ask a person for theirs.
        ("hubspot", "401", 502, "Deals", ["Invoices", "Projects?$select=id,health", "Freshness"]),
        ("redmine", "500", 503, "Projects", ["Deals", "Invoices", "Freshness"]),
    ] {
        gateway.pass(100_000);
        gateway.reset().await;
        gateway.control(system, "fault", json!({ "mode": mode })).await;
        for set in [set, &format!("{set}?$orderby=id"), &format!("{set}/$count"), "DataQuality"] {
            let got = get(&gateway, set).await;
            assert_eq!(got.status, status, "{set}: {}", got.text);
            let seconds = got.header("retry-after").parse::<u64>();
            assert_eq!(seconds.is_ok_and(|seconds| seconds > 0), status == 503, "{set}");
            assert!(got.json()["error"]["message"].as_str().unwrap().starts_with(system), "{}", got.text);
        }
        for set in others {
            let got = get(&gateway, set).await;
            assert_eq!(got.status, 200, "{system} is away, {set}: {}", got.text);
        }
        let freshness = get(&gateway, &format!("Freshness('{system}')")).await.json();
        assert_ne!(freshness["status"], "OK", "{system}");
    }
}
