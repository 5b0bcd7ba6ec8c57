//! TLS at the door itself, and programs that sign in by a certificate.

use reqwest::{Certificate, Identity};

use super::*;
use crate::sqlserver::CA_FILE;
use crate::support::read_json;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/sign_in/certificates");
const SERVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sql/sqlserver/demo-server");

fn tls(client_ca: &str) -> String {
    format!("tls = {{ certificate = \"{SERVER}.pem\", key = \"{SERVER}.key\"{client_ca} }}")
}

async fn with_tls() -> Gateway {
    let finance = "[sign_in.certificates.\"billing.example.com\"]\nroles = [\"finance\"]\n";
    over_tls(3, &[ROLES, &key("bi", "s", "roles = [\"sales\"]"), finance].concat()).await
}

async fn over_tls(deals: usize, more: &str) -> Gateway {
    let client_ca = format!(", client_ca = \"{FOLDER}/client-ca.pem\"");
    let server = format!("[server]\n{}", tls(&client_ca));
    Gateway::over(company(deals), |config| format!("{}\n{more}", config.replace("[server]", &server))).await
}

/// A program that speaks TLS, with this certificate.
fn program(certificate: Option<&str>) -> reqwest::Client {
    let ca = Certificate::from_pem(&std::fs::read(CA_FILE).unwrap()).unwrap();
    let mut client = reqwest::Client::builder().tls_certs_only([ca]);
    if let Some(name) = certificate {
        client = client.identity(Identity::from_pem(&std::fs::read(format!("{FOLDER}/{name}.pem")).unwrap()).unwrap());
    }
    client.build().unwrap()
}

fn over_https(gateway: &Gateway) -> String {
    gateway.url.replace("http://127.0.0.1", "https://localhost")
}

/// Asks who it is by TLS, with this certificate.
async fn whoami(gateway: &Gateway, certificate: Option<&str>, all: &[(&str, &str)]) -> Result<Answer, reqwest::Error> {
    let request = program(certificate).get(format!("{}/whoami", over_https(gateway))).headers(headers(all));
    #[expect(clippy::disallowed_methods, reason = "the tests stand outside the gateway")]
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = serde_json::from_slice(&response.bytes().await?).unwrap_or(Value::Null);
    Ok(Answer { status, headers, body })
}

#[tokio::test]
async fn a_program_signs_in_by_a_certificate_of_the_authority_and_others_by_what_they_have() {
    let gateway = with_tls().await;
    let who = whoami(&gateway, Some("billing"), &[]).await.unwrap();
    assert_eq!((&who.body["kind"], &who.body["role"]), (&json!("certificate"), &json!("finance")), "{who:?}");
    assert_eq!(who.body["subject"], "certificate:billing.example.com");
    whoami(&gateway, None, &[]).await.unwrap().is_refused(401, "UNAUTHENTICATED");
    whoami(&gateway, Some("unknown"), &[]).await.unwrap().is_refused(401, "UNAUTHENTICATED");
    for certificate in [None, Some("billing"), Some("unknown")] {
        let who = whoami(&gateway, certificate, &[("x-api-key", "bi.s")]).await.unwrap();
        assert_eq!(who.body["subject"], "key:bi", "who says something is taken by their word");
    }
    let wrong = whoami(&gateway, Some("billing"), &[("x-api-key", "bi.wrong")]).await.unwrap();
    wrong.is_refused(401, "UNAUTHENTICATED");
    // The same name by another authority.
    assert!(whoami(&gateway, Some("forged"), &[]).await.is_err());
    // Plain HTTP gets no answer.
    #[expect(clippy::disallowed_methods, reason = "the tests stand outside the gateway")]
    let plain = client().get(format!("{}/health/live", gateway.url)).send().await;
    assert!(plain.is_err());
    let who = whoami(&gateway, Some("billing"), &[]).await.unwrap();
    assert_eq!(who.status, 200, "the door is open still");
}

#[tokio::test]
async fn a_program_reads_the_deals_of_the_regions_of_its_certificate() {
    let more = "[access.regions]\ndach = [\"Austria\", \"Germany\", \"Switzerland\"]\nnowhere = [\"Atlantis\"]\n\
        [access.roles.mine]\ndeals = { whose = \"region\" }\n\
        [sign_in.certificates.\"billing.example.com\"]\nroles = [\"mine\"]\nregions = [\"REGION\"]\n";
    let query = json!({ "query": "{ deals(first: 100) { nodes { client { country } } } }" });
    let countries = async |region: &str| {
        let gateway = over_tls(40, &more.replace("REGION", region)).await;
        let request = program(Some("billing")).post(format!("{}/graphql", over_https(&gateway)));
        let answer = read_json(send(json_body(request, &query)).await).await;
        let nodes = answer["data"]["deals"]["nodes"].as_array().unwrap().clone();
        nodes.iter().map(|deal| deal["client"]["country"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let seen = countries("dach").await;
    assert!(
        seen.len() > 5 && seen.iter().all(|country| ["Austria", "Germany", "Switzerland"].contains(&&**country)),
        "{seen:?}"
    );
    assert_eq!(countries("nowhere").await, [""; 0]);
}

#[tokio::test]
async fn files_that_cannot_be_used_are_told_before_a_port_opens() {
    let demo = spine::demo::Demo::of(company(1), spine::demo::erp::Erp::Sap).await.unwrap();
    let clock: std::sync::Arc<dyn spine::domain::Clock> = std::sync::Arc::new(spine::domain::SystemClock::default());
    let certificates = "[sign_in.certificates.\"a.example\"]";
    for (settings, more, part) in [
        (tls("").replace("demo-server.pem", "nothing.pem"), "", "server.tls.certificate: the file"),
        (tls("").replace("demo-server.pem", "demo-server.key"), "", "server.tls.certificate: "),
        (tls("").replace("demo-server.key", "demo-server.pem"), "", "server.tls.key: "),
        (tls("").replace("demo-server.pem", "demo-ca.pem"), "", "server.tls.key: is not the key of the certificate"),
        (tls(", client_ca = \"/no/such.pem\""), certificates, "server.tls.client_ca: the file /no/such.pem"),
        (tls(&format!(", client_ca = \"{FOLDER}/client-ca.pem\"")), "", "server.tls.client_ca: has no effect"),
        (tls(""), certificates, "sign_in.certificates: has no effect"),
    ] {
        let config = demo.gateway_config().replace("[server]", &format!("[server]\n{settings}"));
        let config = spine::config::Config::parse("spine.toml", &format!("{config}\n{more}"));
        let built = config.and_then(|config| spine::app::App::build(&config, std::sync::Arc::clone(&clock)));
        let errors: Vec<String> = built.unwrap_err().iter().map(ToString::to_string).collect();
        assert!(errors.len() == 1 && errors[0].contains(part), "{settings}: {errors:?}");
    }
}

#[tokio::test]
async fn a_certificate_of_an_authority_that_is_no_longer_trusted_is_nobodys_on_open_connections_too() {
    let gateway = with_tls().await;
    let ca = Certificate::from_pem(&std::fs::read(CA_FILE).unwrap()).unwrap();
    let identity = Identity::from_pem(&std::fs::read(format!("{FOLDER}/billing.pem")).unwrap()).unwrap();
    let http = reqwest::Client::builder().tls_certs_only([ca]).identity(identity).build().unwrap();
    let url = over_https(&gateway);
    let ask = async || answer(http.get(format!("{url}/whoami")), &[]).await;
    assert_eq!(ask().await.status, 200);
    let trusting = |client_ca: &str| {
        let client_ca = format!(", client_ca = \"{client_ca}\"");
        let certificates = "[sign_in.certificates.\"billing.example.com\"]\nroles = [\"finance\"]\n";
        move |config: String| {
            let config = config.replace("[server]", &format!("[server]\n{}", tls(&client_ca)));
            [&config, "\n", ROLES, &key("bi", "s", "roles = [\"sales\"]"), certificates].concat()
        }
    };
    gateway.reconfigure(trusting(&format!("{FOLDER}/client-ca.pem"))).unwrap();
    assert_eq!(ask().await.status, 200, "the same authority");
    gateway.reconfigure(trusting(CA_FILE)).unwrap();
    ask().await.is_refused(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn nobody_follows_or_asks_for_longer_than_their_certificate_is_good() {
    let gateway = with_tls().await;
    let ca = Certificate::from_pem(&std::fs::read(CA_FILE).unwrap()).unwrap();
    let identity = Identity::from_pem(&std::fs::read(format!("{FOLDER}/billing.pem")).unwrap()).unwrap();
    let http = reqwest::Client::builder().tls_certs_only([ca]).identity(identity).build().unwrap();
    let url = over_https(&gateway);
    let whoami = async || answer(http.get(format!("{url}/whoami")), &[]).await;
    // A moment before the end that stands in the certificate.
    let now = spine::domain::Clock::now(&*gateway.clock);
    let end: jiff::Timestamp = "2126-11-02T17:44:32Z".parse().unwrap();
    let left = end.duration_since(now) - jiff::SignedDuration::from_millis(500);
    gateway.clock.advance(left.try_into().unwrap());
    assert_eq!(whoami().await.status, 200);
    let body = json!({ "query": "subscription { dealChanged(id: \"1\") { id } }" });
    let request = json_body(http.post(format!("{url}/graphql")), &body).header("accept", "text/event-stream");
    let mut events = send(request).await;
    assert_eq!(events.status(), 200);
    assert!(events.chunk().await.unwrap().is_some());
    while events.chunk().await.unwrap().is_some() {}
    assert_eq!(whoami().await.status, 200, "the clock of the gateway stands still");
    gateway.pass(1);
    whoami().await.is_refused(401, "UNAUTHENTICATED");
}
