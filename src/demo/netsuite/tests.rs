//! The protocol around the language, and the books in the tables.

use aws_lc_rs::hmac;
use axum::body::to_bytes;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::*;
use crate::demo::company::model::DocumentKind;
use crate::demo::sap::fixture;

fn server() -> Server {
    let company = fixture::shared(fixture::company());
    Server {
        company,
        access: Access::default(),
        additions: Additions::default(),
        shown: Arc::default(),
        running: Arc::default(),
    }
}

fn headers(prefer: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("prefer", prefer.parse().unwrap());
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers
}

async fn ask(server: &Server, query: &str, statement: &str) -> Value {
    let body = json!({ "q": statement }).to_string();
    let answered = suiteql(server, query, &headers("transient"), body.as_bytes(), "demo");
    let (response, _) = answered.unwrap_or_else(|refusal| panic!("{statement}: {refusal:?}"));
    serde_json::from_slice(&to_bytes(response.into_body(), usize::MAX).await.unwrap()).unwrap()
}

fn refused(query: &str, prefer: &str, body: &str) -> (u16, Option<&'static str>) {
    match suiteql(&server(), query, &headers(prefer), body.as_bytes(), "demo") {
        Ok((response, _)) => panic!("{query}: {response:?}"),
        Err(refusal) => (refusal.status.as_u16(), refusal.about.map(|(_, what)| what)),
    }
}

#[tokio::test]
async fn a_page_states_where_it_stands_and_leaves_out_what_is_nothing() {
    let server = server();
    let statement = "SELECT id, type, foreigntotal, duedate FROM transaction ORDER BY id";
    let page = ask(&server, "limit=2&offset=2", statement).await;
    assert_eq!(
        (page["count"].as_u64(), page["offset"].as_u64(), page["hasMore"].as_bool()),
        (Some(2), Some(2), Some(true))
    );
    assert_eq!(
        page["items"][0],
        json!({ "links": [], "id": "10000003", "type": "CustInvc", "foreigntotal": "396.66", "duedate": "2/10/2026" })
    );
    let rels: Vec<&str> = page["links"].as_array().unwrap().iter().map(|link| link["rel"].as_str().unwrap()).collect();
    assert_eq!(rels, ["self", "first", "previous", "next", "last"]);
    let total = page["totalResults"].as_u64().unwrap();
    let last = ask(&server, &format!("offset={}", total - 1), statement).await;
    assert_eq!((last["count"].as_u64(), last["hasMore"].as_bool()), (Some(1), Some(false)));
    let order = ask(&server, "", "SELECT id, duedate FROM transaction WHERE type = 'PurchOrd' AND id = 50000001").await;
    assert_eq!(order["items"], json!([{ "links": [], "id": "50000001" }]));
}

#[test]
fn calls_that_the_vendor_refuses_are_refused() {
    let question = r#"{"q": "SELECT id FROM job"}"#;
    assert_eq!(refused("", "", question), (400, Some("Prefer")));
    assert_eq!(refused("", "respond-async", question), (400, Some("Prefer")));
    for query in ["limit=1001", "limit=0", "limit=x"] {
        assert_eq!(refused(query, "transient", question), (400, Some("limit")));
    }
    assert_eq!(refused("offset=100000", "transient", question), (400, Some("offset")));
    assert_eq!(refused("page=1", "transient", question), (400, None));
    for body in ["", "{}", "SELECT id FROM job", r#"{"q": "DELETE FROM job"}"#, r#"{"q": 1}"#] {
        assert_eq!(refused("", "transient", body), (400, None), "{body}");
    }
}

#[tokio::test]
async fn a_correction_of_the_books_is_seen_at_once() {
    let server = server();
    let count = "SELECT COUNT(*) AS n FROM transaction WHERE type = 'CustInvc' AND voided = 'T'";
    assert_eq!(ask(&server, "", count).await["items"][0]["n"], "2");
    {
        let mut company = server.company.write().unwrap();
        company.ledger.documents[0].cancelled = crate::demo::company::model::Cancelled::Yes;
        company.revision += 1;
    }
    assert_eq!(ask(&server, "", count).await["items"][0]["n"], "3");
}

#[tokio::test]
async fn every_document_is_in_balance_and_voided_ones_are_not_in_the_ledger() {
    let server = server();
    let off = "SELECT transaction, SUM(amount) AS s FROM transactionaccountingline GROUP BY transaction HAVING SUM(amount) <> 0";
    assert_eq!(ask(&server, "", off).await["items"], json!([]));
    let void = "SELECT SUM(ABS(tal.amount)) AS s FROM transactionaccountingline tal
        INNER JOIN transaction t ON t.id = tal.transaction WHERE t.voided = 'T' AND t.type = 'CustInvc'";
    assert_eq!(ask(&server, "", void).await["items"][0]["s"], "0");
    let drafts = "SELECT COUNT(*) AS n FROM transaction WHERE posting = 'F' AND type = 'CustInvc'";
    assert_eq!(ask(&server, "", drafts).await["items"][0]["n"], "1");
    assert_eq!(document_id(DocumentKind::Invoice, 3), 10_000_003);
}

/// The header of a signed call.
fn signed(secret: &str, nonce: &str, path: &str, limit: &str) -> HeaderMap {
    let own = format!(
        "oauth_consumer_key%3D{CONSUMER_KEY}%26oauth_nonce%3D{nonce}%26oauth_signature_method%3DHMAC-SHA256\
         %26oauth_timestamp%3D1764115200%26oauth_token%3D{TOKEN_ID}%26oauth_version%3D1.0"
    );
    let text = format!("POST&http%3A%2F%2Fdemo{}&limit%3D{limit}%26{own}", path.replace('/', "%2F"));
    let key = hmac::Key::new(hmac::HMAC_SHA256, format!("{CONSUMER_SECRET}&{secret}").as_bytes());
    let signature = STANDARD.encode(hmac::sign(&key, text.as_bytes()));
    let signature = signature.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D");
    let header = format!(
        "OAuth realm=\"{ACCOUNT}\", oauth_consumer_key=\"{CONSUMER_KEY}\", oauth_token=\"{TOKEN_ID}\", \
         oauth_nonce=\"{nonce}\", oauth_timestamp=\"1764115200\", oauth_signature_method=\"HMAC-SHA256\", \
         oauth_version=\"1.0\", oauth_signature=\"{signature}\""
    );
    let mut headers = HeaderMap::new();
    headers.insert("authorization", header.parse().unwrap());
    headers
}

#[test]
fn a_signature_is_for_one_call_and_one_question() {
    let access = Access::default();
    let admits = |headers: &HeaderMap, query: &str| access.admits(&Method::POST, SUITEQL_PATH, query, headers, "demo");
    let first = signed(TOKEN_SECRET, "nonce-1", SUITEQL_PATH, "5");
    assert!(!admits(&first, "limit=6"), "the parameters of the URL are signed");
    assert!(admits(&first, "limit=5"));
    assert!(!admits(&first, "limit=5"), "no nonce is taken twice");
    assert!(!admits(&signed("wrong", "nonce-2", SUITEQL_PATH, "5"), "limit=5"));
    assert!(!admits(&signed(TOKEN_SECRET, "nonce-3", "/other", "5"), "limit=5"));
    assert!(!admits(&HeaderMap::new(), "limit=5"));
}

#[test]
fn five_calls_run_at_once_and_no_more() {
    let running = Arc::default();
    let places: Vec<Place> = (0..MAX_CALLS).map(|_| Place::take(&running).unwrap()).collect();
    assert!(Place::take(&running).is_none());
    drop(places);
    assert!(Place::take(&running).is_some(), "who was turned away holds no place");
}
