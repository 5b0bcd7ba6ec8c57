//! The questions. There is one kind: `search_read` of a model on a short list. Nothing on the server's side keeps an API
//! user from calling methods that write, so no other method can be put into a request: this module alone writes them, and a
//! [`Model`] cannot be made outside of it.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use http::HeaderValue;
use http::header::HeaderName;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use crate::systems::http::{Allowed, Request};

/// A model that is read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Model {
    name: &'static str,
    /// What is asked, for errors and logs.
    pub(super) operation: &'static str,
}

macro_rules! models {
    ($($constant:ident = $name:literal),+ $(,)?) => {
        $(pub(super) const $constant: Model = Model { name: $name, operation: concat!($name, ".search_read") };)+

        /// All that can be asked for.
        const MODELS: [&str; [$($name),+].len()] = [$($name),+];
    };
}

models! {
    COMPANY = "company.company",
    PARTY = "party.party",
    INVOICE = "account.invoice",
    MOVE = "account.move",
    ANALYTIC_ACCOUNT = "analytic_account.account",
    ANALYTIC_LINE = "analytic_account.line",
    PURCHASE_LINE = "purchase.line",
    WORK = "project.work",
    TIMESHEET_LINE = "timesheet.line",
    OPPORTUNITY = "sale.opportunity",
    ASSET = "account.asset",
    ASSET_LINE = "account.asset.line",
}

impl Model {
    /// Most rows of a page. The lines, postings and amounts of an invoice are put together while it is read: on a busy server
    /// that takes some hundredths of a second each.
    pub(super) fn most_rows(&self) -> usize {
        if *self == INVOICE { 100 } else { 1000 }
    }
}

/// What is asked of a model.
#[derive(Debug)]
pub(super) struct Question<'a> {
    pub(super) model: &'static Model,
    /// Conditions, all of which hold.
    pub(super) domain: Value,
    pub(super) fields: &'a [&'a str],
    /// Field and direction, in turn.
    pub(super) order: Value,
    pub(super) offset: usize,
    pub(super) limit: usize,
    pub(super) context: &'a Value,
}

impl Question<'_> {
    /// As JSON-RPC, where it is a POST that reads.
    pub(super) fn rpc(&self, path: &'static str) -> Request {
        let method = format!("model.{}.search_read", self.model.name);
        let params = json!([self.domain, self.offset, self.limit, self.order, self.fields, self.context]);
        Request::post_json(self.model.operation, path, &call(&method, &params))
    }

    /// As a GET of the REST application.
    pub(super) fn rest(&self) -> Request {
        let mut path = format!(
            "/rest/model/{}?d={}&o={}&s={}&p={}",
            self.model.name,
            encoded(&self.domain),
            encoded(&self.order),
            self.limit,
            self.offset
        );
        for field in self.fields {
            path.push_str("&f=");
            path.push_str(field);
        }
        let mut request = Request::get(self.model.operation, path);
        if let Ok(context) = HeaderValue::from_str(&URL_SAFE.encode(self.context.to_string())) {
            request.headers.insert(HeaderName::from_static("x-tryton-context"), context);
        }
        request
    }
}

/// The sign-in.
pub(super) fn login(operation: &'static str, path: &'static str, user: &str, password: &str) -> Request {
    Request::post_json(operation, path, &call("common.db.login", &json!([user, { "password": password }, "en"])))
}

/// With these three keys and no other it is JSON-RPC; with more, Tryton 8 answers in another form.
fn call(method: &str, params: &Value) -> Value {
    json!({ "id": 1, "method": method, "params": params })
}

/// What may be asked of the REST application.
pub(super) fn rest_reads() -> Vec<Allowed> {
    MODELS.iter().map(|name| Allowed::new(http::Method::GET, format!("/rest/model/{name}"))).collect()
}

fn encoded(value: &Value) -> String {
    utf8_percent_encode(&URL_SAFE.encode(value.to_string()), NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question<'a>(fields: &'a [&'a str], context: &'a Value) -> Question<'a> {
        let (domain, order) = (json!([["code", "in", ["x\"], [\"id\", \">\", 0"]]]), json!([["id", "ASC"]]));
        Question { model: &PARTY, domain, fields, order, offset: 0, limit: 5, context }
    }

    #[test]
    fn the_only_methods_there_are_sign_in_and_read() {
        let context = json!({ "company": 1 });
        let body = |request: Request| -> Value { serde_json::from_slice(&request.body.unwrap()).unwrap() };
        let read = body(question(&["name"], &context).rpc("/rpc/"));
        assert_eq!(read["method"], "model.party.party.search_read");
        assert_eq!(read["params"][5], context, "the context is the last parameter");
        assert_eq!(body(login("login", "/rpc/", "u", "p"))["method"], "common.db.login");
        assert_eq!(read.as_object().unwrap().len(), 3);
        for name in MODELS {
            assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || matches!(byte, b'.' | b'_')), "{name}");
        }
    }

    #[test]
    fn a_value_stays_a_value() {
        let context = json!({});
        let request = question(&["name", "addresses.country.name"], &context).rest();
        let (path, query) = request.path.split_once('?').unwrap();
        assert_eq!((request.method, path), (http::Method::GET, "/rest/model/party.party"));
        assert!(query.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"=&%._".contains(&byte)), "{query}");
        assert!(query.ends_with("&s=5&p=0&f=name&f=addresses.country.name"));
    }
}
