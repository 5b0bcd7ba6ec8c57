//! What may be asked. Odoo has one door for reading and writing: which of the two a call is stands in its body, or at
//! the end of its path. So the list of reads is here: a [`Question`] is one of the [`Method`]s and nothing else, and no
//! other place writes a body.

use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use crate::systems::http::{Allowed, Request};

/// Every path that is ever called. What `/jsonrpc` is asked is bounded by [`Method`].
pub(super) const ALLOWED: [Allowed; 4] = [
    Allowed::post("/jsonrpc"),
    Allowed::post("/json/2/*/search_read"),
    Allowed::post("/json/2/*/formatted_read_group"),
    Allowed::post("/json/2/*/fields_get"),
];

/// The methods that are called. All of them read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    /// Rows that meet a condition.
    SearchRead,
    /// Sums by groups, before Odoo 19.
    ReadGroup,
    /// Sums by groups, from Odoo 19.
    FormattedReadGroup,
    /// Which fields there are for this user.
    FieldsGet,
}

impl Method {
    fn name(self) -> &'static str {
        match self {
            Self::SearchRead => "search_read",
            Self::ReadGroup => "read_group",
            Self::FormattedReadGroup => "formatted_read_group",
            Self::FieldsGet => "fields_get",
        }
    }
}

/// A call of a method of a model, with its arguments by name. Models come from the code alone.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) operation: &'static str,
    pub(super) model: &'static str,
    pub(super) method: Method,
    pub(super) arguments: Map<String, Value>,
}

/// Who asks, and where.
pub(super) struct Credentials {
    pub(super) database: Option<String>,
    pub(super) user: Option<String>,
    pub(super) key: SecretString,
}

impl Credentials {
    /// A call by JSON-RPC.
    pub(super) fn json_rpc(&self, uid: u64, question: &Question) -> Request {
        let arguments = json!([
            self.database,
            uid,
            self.key.expose_secret(),
            question.model,
            question.method.name(),
            [],
            question.arguments,
        ]);
        service(question.operation, "object", "execute_kw", &arguments)
    }

    /// A call by JSON-2.
    pub(super) fn json2(&self, question: &Question) -> Request {
        let path = format!("/json/2/{}/{}", question.model, question.method.name());
        let mut request = Request::post_json(question.operation, path, &question.arguments);
        self.sign(&mut request.headers);
        request
    }

    /// What version the server has; anybody may ask.
    pub(super) fn version(operation: &'static str) -> Request {
        service(operation, "common", "version", &json!([]))
    }

    /// The number of the user of this login and key.
    pub(super) fn authenticate(&self, operation: &'static str) -> Request {
        let arguments = json!([self.database, self.user, self.key.expose_secret(), {}]);
        service(operation, "common", "authenticate", &arguments)
    }

    fn sign(&self, headers: &mut HeaderMap) {
        if let Ok(mut bearer) = HeaderValue::from_str(&format!("bearer {}", self.key.expose_secret())) {
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        if let Some(database) = self.database.as_deref().and_then(|name| HeaderValue::from_str(name).ok()) {
            headers.insert(HeaderName::from_static("x-odoo-database"), database);
        }
    }
}

fn service(operation: &'static str, service: &str, method: &str, arguments: &Value) -> Request {
    let params = json!({ "service": service, "method": method, "args": arguments });
    Request::post_json(operation, "/jsonrpc", &json!({ "jsonrpc": "2.0", "method": "call", "id": 1, "params": params }))
}
