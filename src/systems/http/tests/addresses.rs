//! Where a system cannot be.

use super::chaos::{Upstream, json};
use super::*;
use crate::systems::http::exchange::{Found, Names};

#[tokio::test]
async fn a_name_that_leads_to_metadata_is_not_followed() {
    let url: Url = "http://erp.localhost:1/".parse().unwrap();
    let names = Names(Box::new(|_| Box::pin(async { Ok(vec!["169.254.169.254:0".parse().unwrap()]) })));
    let exchange = Exchange::by_names(&url, &traffic(), HeaderMap::new(), names).unwrap();
    let failed = exchange.send(&url, &get()).await.unwrap_err();
    assert_eq!((failed.kind, failed.retry), (ErrorKind::Connect, Retry::No));
    assert!(
        failed.detail.as_deref().unwrap().starts_with("DNS: the name is at an address that no system has"),
        "{failed:?}"
    );
    // What else it leads to is asked.
    let upstream = Upstream::start(|_| json("200 OK", "{}")).await;
    let mut url = upstream.url.clone();
    url.set_host(Some("erp.localhost")).unwrap();
    let both =
        |_| -> Found { Box::pin(async { Ok(vec!["[fe80::1]:0".parse().unwrap(), "127.0.0.1:0".parse().unwrap()]) }) };
    let exchange = Exchange::by_names(&url, &traffic(), HeaderMap::new(), Names(Box::new(both))).unwrap();
    assert_eq!(exchange.send(&url, &get()).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_client_is_not_built_for_metadata_nor_for_plain_http_beyond_this_machine() {
    for (url, plain_http, part) in [
        ("http://169.254.169.254", true, "no system has"),
        ("https://2852039166", false, "no system has"),
        ("https://[::ffff:169.254.169.254]/x", false, "no system has"),
        ("http://10.0.0.5:8069", false, "plain_http"),
        ("http://10.0.0.5:8069", true, ""),
        ("https://10.0.0.5", false, ""),
    ] {
        let built = Exchange::new(&url.parse().unwrap(), &Traffic { plain_http, ..traffic() }, HeaderMap::new());
        let said = built.err().unwrap_or_default();
        assert!(if part.is_empty() { said.is_empty() } else { said.contains(part) }, "{url}: {said}");
    }
}
