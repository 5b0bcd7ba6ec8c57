//! What the embedded Service Layer answers.

use axum::body::Body;
use axum::http::Request;
use axum::http::header::{CONTENT_TYPE, COOKIE};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value as Json;
use tower::ServiceExt;

use super::fixture::{company, document, shared};
use super::*;
use crate::demo::company::model::DocumentKind;
use crate::demo::control::Endpoint;

struct Client {
    router: Router,
    sessions: Sessions,
    cookie: String,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    endpoint: String,
    text: String,
}

impl Answer {
    fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap()
    }

    fn column(&self, name: &str) -> Vec<String> {
        self.json()["value"].as_array().unwrap().iter().map(|row| row[name].to_string()).collect()
    }
}

impl Client {
    async fn start(company: Company) -> Self {
        let sessions = Sessions::default();
        let router = router_with_sessions(shared(company), sessions.clone());
        let mut client = Self { router, sessions, cookie: String::new() };
        let body = json!({ "CompanyDB": COMPANY_DB, "UserName": USER, "Password": PASSWORD });
        let login = client.send("POST", "/b1s/v2/Login", &[], &body.to_string()).await;
        assert_eq!(login.status, 200);
        let cookies: Vec<_> = login.headers.get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap()).collect();
        assert_eq!(cookies.len(), 2);
        client.cookie = cookies.iter().map(|cookie| cookie.split(';').next().unwrap()).collect::<Vec<_>>().join("; ");
        assert_eq!(login.json()["SessionTimeout"], 30);
        client
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header(COOKIE, &self.cookie);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.router.clone().oneshot(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap();
        let endpoint = response.extensions().get::<Endpoint>().map(|endpoint| endpoint.0.to_string());
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            endpoint: endpoint.unwrap_or_default(),
            text: String::from_utf8(bytes.to_vec()).unwrap(),
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], "").await
    }

    async fn filtered(&self, set: &str, filter: &str) -> Vec<String> {
        let answer = self.get(&format!("/b1s/v2/{set}?$filter={}", encode(filter))).await;
        assert_eq!(answer.status, 200, "{filter}: {}", answer.text);
        answer.column("DocEntry")
    }

    async fn join(&self, set: &str, option: &str) -> Answer {
        let body = json!({ "QueryPath": format!("$crossjoin({set},{set}/DocumentLines)"), "QueryOption": option });
        self.send("POST", "/b1s/v2/QueryService_PostQuery", &[], &body.to_string()).await
    }
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

#[tokio::test]
async fn without_a_session_there_is_nothing_and_bad_credentials_have_a_code_of_their_own() {
    let client = Client::start(company()).await;
    let stranger = Client { cookie: "ROUTEID=.node1; B1SESSION=guess".to_owned(), ..Client::start(company()).await };
    let refused = stranger.get("/b1s/v1/Invoices").await;
    assert_eq!((refused.status, refused.json()["error"]["code"].as_i64()), (401, Some(301)));
    assert_eq!(refused.endpoint, "Invoices");
    let refused = stranger.get("/b1s/v2/Invoices").await;
    assert_eq!(refused.json()["error"]["code"], "301");
    let body = json!({ "CompanyDB": COMPANY_DB, "UserName": USER, "Password": "wrong" }).to_string();
    let refused = client.send("POST", "/b1s/v1/Login", &[], &body).await;
    assert_eq!((refused.status, refused.json()["error"]["code"].as_i64()), (401, Some(100_000_027)));
    assert_eq!(client.get("/b1s/v2/Invoices").await.status, 200);
    client.sessions.expire_all();
    assert_eq!(client.get("/b1s/v2/Invoices").await.status, 401);
    assert_eq!(client.get("/ping/").await.json()["message"], "pong");
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_by_logout_and_by_thirty_idle_minutes() {
    let client = Client::start(company()).await;
    for _ in 0..3 {
        tokio::time::advance(std::time::Duration::from_mins(29)).await;
        assert_eq!(client.get("/b1s/v2/Invoices").await.status, 200);
    }
    tokio::time::advance(std::time::Duration::from_mins(30)).await;
    assert_eq!(client.get("/b1s/v2/Invoices").await.status, 401);
    let client = Client::start(company()).await;
    assert_eq!(client.send("POST", "/b1s/v2/Logout", &[], "").await.status, 204);
    assert_eq!(client.get("/b1s/v2/Invoices").await.status, 401);
}

#[tokio::test]
async fn filters_mean_what_the_guide_says() {
    let client = Client::start(company()).await;
    for (filter, expected) in [
        ("Project eq 'PRJ-2025-001'", "1 2 4 5"),
        ("Project eq 'PRJ-2025-001' and CancelStatus eq 'csNo'", "1 2"),
        ("(Project eq 'PRJ-2025-001' or Project eq 'O''NEIL & SONS') and not (CancelStatus ne 'csNo')", "1 2 6"),
        ("DocumentStatus eq 'O'", "1 2 3 6"),
        ("Cancelled eq 'tYES'", "4"),
        ("Project eq null", "3"),
        ("Project ne null and DocTotal gt 1000", "1"),
        ("DocDueDate ge '20260301'", "2"),
        ("DocDueDate lt datetime'2026-03-01T00:00:00' and DocEntry le 3", "1 3"),
        ("startswith(Project,'O''N') or DocEntry eq 3", "3 6"),
        ("substringof('NEIL',Project)", "6"),
        ("contains(CardName,'Acme') and endswith(Project,'002')", ""),
        ("DocEntry gt 4", "5 6"),
    ] {
        assert_eq!(client.filtered("Invoices", filter).await.join(" "), expected, "{filter}");
    }
    for refused in ["Project in ('A','B')", "DocumentLines/any(l: l/ProjectCode eq 'A')", "Nothing eq 1", "DocEntry eq"]
    {
        let answer = client.get(&format!("/b1s/v1/Invoices?$filter={}", encode(refused))).await;
        assert_eq!(answer.status, 400, "{refused}");
        assert!(answer.json()["error"]["message"]["value"].is_string());
    }
}

#[tokio::test]
async fn pages_are_of_twenty_rows_unless_asked_and_links_are_relative_in_both_dialects() {
    let mut books = company();
    books.ledger.documents =
        (1..=45).map(|entry| document(DocumentKind::Invoice, entry, None, &[(None, 100)])).collect();
    let client = Client::start(books).await;
    let first = client.get("/b1s/v1/Invoices?$select=DocEntry&$inlinecount=allpages").await.json();
    assert_eq!(first["value"].as_array().unwrap().len(), 20);
    assert_eq!(first["odata.count"], "45");
    assert_eq!(first["odata.nextLink"], "/b1s/v1/Invoices?$select=DocEntry&$inlinecount=allpages&$skip=20");
    let prefer = [("Prefer", "odata.maxpagesize=40")];
    let first = client.send("GET", "/b1s/v2/Invoices?$filter=DocEntry%20gt%201", &prefer, "").await;
    assert_eq!(first.headers.get("preference-applied").unwrap(), "odata.maxpagesize=40");
    let link = first.json()["@odata.nextLink"].as_str().unwrap().to_owned();
    assert_eq!(link, "Invoices?$filter=DocEntry%20gt%201&$skip=40");
    let last = client.send("GET", &format!("/b1s/v2/{link}"), &prefer, "").await;
    assert_eq!(last.column("DocEntry"), ["42", "43", "44", "45"]);
    assert!(last.json().get("@odata.nextLink").is_none());
    let top = client.get("/b1s/v2/Invoices?$top=2&$skip=3&$orderby=DocEntry%20desc").await;
    assert_eq!(top.column("DocEntry"), ["42", "41"]);
    assert_eq!(client.get("/b1s/v2/Invoices/$count?$filter=DocEntry%20le%207").await.text, "7");
}

#[tokio::test]
async fn amounts_are_written_as_they_are_kept_and_rows_come_whole() {
    let client = Client::start(company()).await;
    let answer = client.get("/b1s/v2/Invoices(2)?$select=DocEntry,DocTotal,DocTotalFc,DocDate,DocumentLines").await;
    for part in [
        r#""DocTotal":107.10,"#,
        r#""DocTotalFc":119.00"#,
        r#""DocDate":"2026-01-10T00:00:00Z""#,
        r#""RowTotalFC":100.00"#,
    ] {
        assert!(answer.text.contains(part), "{part} in {}", answer.text);
    }
    assert!(!answer.text.contains("CardCode"));
    assert!(client.get("/b1s/v1/Invoices(2)").await.text.contains(r#""DocDate":"2026-01-10""#));
    let missing = client.get("/b1s/v1/Invoices(99)").await;
    assert_eq!((missing.status, missing.json()["error"]["code"].as_i64()), (404, Some(-2028)));
    assert_eq!(client.get("/b1s/v2/Projects('O''NEIL%20&%20SONS')").await.json()["Code"], "O'NEIL & SONS");
    assert_eq!(client.get("/b1s/v2/BusinessPartners").await.column("CardCode"), ["\"C00001\"", "\"V00001\""]);
    assert_eq!(client.get("/b1s/v2/Drafts").await.column("DocTotal"), ["9254.63"]);
    assert_eq!(
        client.send("POST", "/b1s/v2/CompanyService_GetAdminInfo", &[], "").await.json()["LocalCurrency"],
        "EUR"
    );
    let expand = client.get("/b1s/v2/Invoices?$expand=DocumentLines").await;
    assert_eq!(expand.status, 400);
    let long = client.get(&format!("/b1s/v2/Invoices?$filter={}", "x".repeat(8190))).await;
    assert_eq!(long.status, 414);
    assert_eq!(client.send("POST", "/b1s/v2/Invoices", &[], "{}").await.status, 405);
}

#[tokio::test]
async fn the_query_service_joins_rows_to_their_heads_and_answers_in_plain_text() {
    let client = Client::start(company()).await;
    let condition = "PurchaseInvoices/DocEntry eq PurchaseInvoices/DocumentLines/DocEntry and \
                     (PurchaseInvoices/DocumentLines/ProjectCode eq 'PRJ-2025-002' or PurchaseInvoices/Project eq 'PRJ-2025-002')";
    let select =
        "$expand=PurchaseInvoices($select=DocEntry,Project),PurchaseInvoices/DocumentLines($select=LineNum,LineTotal)";
    let answer = client.join("PurchaseInvoices", &format!("{select}&$filter={condition}")).await;
    assert_eq!(answer.headers.get(CONTENT_TYPE).unwrap(), "text/plain");
    assert_eq!(answer.endpoint, "PurchaseInvoices.join");
    assert!(answer.text.contains(
        r#""value":[{"PurchaseInvoices":{"DocEntry":1,"Project":null},"PurchaseInvoices/DocumentLines":{"LineNum":1,"LineTotal":100.00}},{"PurchaseInvoices":{"DocEntry":2,"#
    ), "{}", answer.text);
    for refused in [
        String::new(),
        format!("$filter={condition}"),
        format!("{select}&$filter=PurchaseInvoices/Project eq 'PRJ-2025-002'"),
        format!("{select}&$filter={condition} and PurchaseInvoices/Nothing eq 1"),
    ] {
        assert_eq!(client.join("PurchaseInvoices", &refused).await.status, 400, "{refused}");
    }
}

#[tokio::test]
async fn sums_by_group_want_the_set_before_filtered_fields() {
    let client = Client::start(company()).await;
    let sum = "groupby((Project,DocCurrency),aggregate(DocTotal with sum as T,$count as N))";
    let apply = format!("filter(Invoices/Project eq 'PRJ-2025-001' and Invoices/CancelStatus eq 'csNo')/{sum}");
    let answer = client.get(&format!("/b1s/v1/Invoices?$apply={}", encode(&apply))).await;
    assert_eq!(
        answer.text,
        r#"{"value":[{"odata.id":null,"Project":"PRJ-2025-001","DocCurrency":"EUR","T":1190.00,"N":1},{"odata.id":null,"Project":"PRJ-2025-001","DocCurrency":"USD","T":107.10,"N":1}]}"#
    );
    let unprefixed = format!("filter(Project eq 'PRJ-2025-001')/{sum}");
    for refused in
        [unprefixed, "groupby((year(DocDate)))".to_owned(), "aggregate(DocTotal with median as T)".to_owned()]
    {
        assert_eq!(client.get(&format!("/b1s/v1/Invoices?$apply={}", encode(&refused))).await.status, 400, "{refused}");
    }
}

#[tokio::test]
async fn the_stored_query_lists_rows_posted_by_hand_and_wants_all_its_parameters() {
    let client = Client::start(company()).await;
    let parameters =
        |filled: &str| (1..=40).map(|slot| format!("p{slot}='{}'", encode(filled))).collect::<Vec<_>>().join("&");
    let answer = client.get(&format!("/b1s/v2/SQLQueries('spine_journal')/List?{}", parameters("PRJ-2025-001"))).await;
    assert_eq!(answer.column("TransId"), ["1", "4", "4"]);
    assert_eq!(answer.column("RefDate")[0], "\"20260131\"");
    assert_eq!(answer.endpoint, "SQLQueries.list");
    let missing = client.get("/b1s/v2/SQLQueries('spine_journal')/List?p1='A'").await;
    assert_eq!((missing.status, &missing.json()["error"]["code"]), (400, &Json::from("704")));
    assert_eq!(client.get("/b1s/v2/SQLQueries('other')/List").await.status, 404);
}

#[test]
fn every_listed_field_exists_on_at_least_one_record() {
    let books = company();
    let index = Index::new(&books);
    for set in Set::ALL {
        for record in index.candidates(&books, set, None, "", None) {
            assert_ne!(record.field(set.key()), Value::Null, "{set:?}");
        }
    }
}
