//! Who is let in, and as whom: what keys, tokens and signatures open, and that nothing else does.

mod certificates;
mod hubspot;
mod issuer;
mod keys;
mod proxies;
mod rates;
mod reload;
mod tokens;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use spine::config::KeyHash;

use super::support::{Gateway, client, company, json_body, send};

/// The roles of the tests.
const ROLES: &str = "[access.roles.finance]\nreads = [\"commercial\", \"delivery\", \"tickets\", \"receivables\", \"costs\", \"margins\"]\n[access.roles.sales]\n";

/// What anybody may ask.
const PLAIN: &str = "{ __typename }";

/// A gateway with more in its configuration.
async fn gateway(more: &str) -> Gateway {
    Gateway::over(company(3), |config| format!("{config}\n{more}")).await
}

/// The table of a key.
fn key(name: &str, secret: &str, more: &str) -> String {
    format!("[sign_in.keys.{name}]\nhash = \"{}\"\n{more}\n", KeyHash::of(secret))
}

/// An answer of the door.
#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Value,
}

impl Answer {
    fn code(&self) -> &str {
        // The feed has errors in a form of its own.
        let code = self.body.pointer("/errors/0/extensions/code").or_else(|| self.body.pointer("/error/code"));
        code.and_then(Value::as_str).unwrap_or_default()
    }

    fn message(&self) -> &str {
        self.body["errors"][0]["message"].as_str().unwrap_or_default()
    }

    fn header(&self, name: &str) -> String {
        let values = self.headers.get_all(name).iter().map(|value| value.to_str().unwrap());
        values.collect::<Vec<_>>().join(" | ")
    }

    #[track_caller]
    fn is_refused(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.code()), (status, code), "{self:?}");
        assert_eq!(self.body.get("data"), None, "{self:?}");
    }
}

fn headers(all: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in all {
        headers.append(name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap());
    }
    headers
}

async fn answer(request: reqwest::RequestBuilder, all: &[(&str, &str)]) -> Answer {
    let response = send(request.headers(headers(all))).await;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = serde_json::from_slice(&response.bytes().await.unwrap()).unwrap_or(Value::Null);
    Answer { status, headers, body }
}

async fn get(gateway: &Gateway, path: &str, all: &[(&str, &str)]) -> Answer {
    answer(client().get(format!("{}{path}", gateway.url)), all).await
}

async fn ask(gateway: &Gateway, query: &str, all: &[(&str, &str)]) -> Answer {
    let request = json_body(client().post(format!("{}/graphql", gateway.url)), &json!({ "query": query }));
    answer(request, all).await
}

fn bearer(secret: &str) -> String {
    format!("Bearer {secret}")
}

/// Keeps what this thread logs, and the server with it: the runtime of a test has one thread.
#[derive(Clone, Default)]
pub(crate) struct Log(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub(crate) fn keep(&self) -> tracing::subscriber::DefaultGuard {
        // Beside another subscriber each asks for itself what is of interest: see the log of the server's own tests.
        static ANOTHER: std::sync::LazyLock<tracing::Dispatch> =
            std::sync::LazyLock::new(|| tracing::Dispatch::new(tracing_subscriber::registry()));
        std::sync::LazyLock::force(&ANOTHER);
        let writer = self.clone();
        let log = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_ansi(false);
        tracing::subscriber::set_default(log.with_writer(move || writer.clone()).finish())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}
