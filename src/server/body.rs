//! From an HTTP request to what it asks. The stock extractor of async-graphql executes forms and plain text, reads
//! bodies of any size, and answers with Rust's debug text; hence this one.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use async_graphql::Variables;
use axum::body::{Body, BodyDataStream};
use futures_util::StreamExt;
use http::{HeaderMap, StatusCode, header};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use tokio::time::{Instant, timeout_at};

use super::error::Refused;
use super::operations::Operations;
use crate::config::{Limits, ServerOptions};
use crate::graph::guard;

/// How long what is sent beyond the limit is read and thrown away, so that the sender gets to read the refusal.
const DISCARD: Duration = Duration::from_secs(2);

/// A GraphQL request as it was asked; none of it is understood yet.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) query: String,
    pub(super) operation: Option<String>,
    pub(super) variables: Variables,
    /// What the variables have too much of, by limits that are only measured.
    pub(super) exceeded: Vec<guard::Excess>,
}

impl Asked {
    /// What a request's body asks.
    pub(super) fn parse(bytes: &[u8], limits: &Limits, operations: &Operations) -> Result<Self, Refused> {
        let Parameters { query, operation_name, variables, document_id, .. } = Parameters::parse(bytes, "query")?;
        let query = match (query, document_id) {
            (Some(query), None) => text_of("query", query)?,
            (None, Some(id)) => operations.by_id(&text_of("documentId", id)?)?.to_owned(),
            (None, None) => return Err(Refused::bad_request("`query` is missing.")),
            (Some(_), Some(_)) => {
                return Err(Refused::bad_request("`query` and `documentId` are both there: send one of them."));
            }
        };
        let (variables, exceeded) = match variables {
            Some(raw) => {
                let exceeded = guard::admit_variables(limits, raw.get())
                    .map_err(|refusal| Refused::from_errors(StatusCode::BAD_REQUEST, vec![refusal.into()]))?;
                (serde_json::from_str(raw.get()).map_err(|error| invalid(&error))?, exceeded)
            }
            None => (Variables::default(), Vec::new()),
        };
        let operation = operation_name.map(|raw| text_of("operationName", raw)).transpose()?;
        Ok(Self { query, operation, variables, exceeded })
    }
}

/// A request's body: JSON by its type, not yet by its content.
pub(super) async fn read(headers: &HeaderMap, body: Body, options: &ServerOptions) -> Result<Vec<u8>, Refused> {
    check_type(headers)?;
    receive(headers, body, options).await
}

/// JSON and nothing else: what a browser sends to a stranger's server without asking first is never JSON.
fn check_type(headers: &HeaderMap) -> Result<(), Refused> {
    let refused =
        |message: &str| Err(Refused::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "UNSUPPORTED_MEDIA_TYPE", message));
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut parts = content_type.split(';').map(str::trim);
    if !parts.next().is_some_and(|media| media.eq_ignore_ascii_case("application/json")) {
        return refused("The body must be JSON: send `Content-Type: application/json`.");
    }
    let utf8 = parts.filter_map(|part| part.split_once('=')).all(|(name, value)| {
        let value = value.trim_matches('"');
        !name.eq_ignore_ascii_case("charset")
            || value.eq_ignore_ascii_case("utf-8")
            || value.eq_ignore_ascii_case("utf8")
    });
    if !utf8 {
        return refused("The body must be UTF-8.");
    }
    if headers.get_all(header::CONTENT_ENCODING).iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        return refused("The body must not be compressed.");
    }
    Ok(())
}

/// The body's bytes, within the limits of size and time.
pub(super) async fn receive(headers: &HeaderMap, body: Body, options: &ServerOptions) -> Result<Vec<u8>, Refused> {
    let deadline = Instant::now() + options.body_timeout.0;
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let mut stream = body.into_data_stream();
    if announced.is_some_and(|length| length > options.max_body) {
        return Err(too_large(headers, stream, options).await);
    }
    let mut bytes = Vec::with_capacity(announced.unwrap_or_default());
    loop {
        match timeout_at(deadline, stream.next()).await {
            Ok(None) => return Ok(bytes),
            Ok(Some(Ok(chunk))) if chunk.len() > options.max_body - bytes.len() => {
                return Err(too_large(headers, stream, options).await);
            }
            Ok(Some(Ok(chunk))) => bytes.extend_from_slice(&chunk),
            Ok(Some(Err(_))) => return Err(Refused::bad_request("The body did not arrive whole.")),
            Err(_) => {
                return Err(Refused::new(
                    StatusCode::REQUEST_TIMEOUT,
                    "REQUEST_TIMEOUT",
                    "The body did not arrive in time.",
                ));
            }
        }
    }
}

async fn too_large(headers: &HeaderMap, mut rest: BodyDataStream, options: &ServerOptions) -> Refused {
    // Who asked whether to send the body at all is answered at once.
    if !headers.contains_key(header::EXPECT) {
        let deadline = Instant::now() + DISCARD.min(options.body_timeout.0);
        while let Ok(Some(Ok(_))) = timeout_at(deadline, rest.next()).await {}
    }
    let message = format!("The body is larger than {} bytes.", options.max_body);
    Refused::new(StatusCode::PAYLOAD_TOO_LARGE, "PAYLOAD_TOO_LARGE", message)
}

/// The members of the JSON object, unread.
#[derive(Default)]
pub(super) struct Parameters<'a> {
    pub(super) query: Option<&'a RawValue>,
    pub(super) operation_name: Option<&'a RawValue>,
    pub(super) variables: Option<&'a RawValue>,
    /// A document that is known beforehand, in the place of `query`.
    document_id: Option<&'a RawValue>,
    /// Allowed, and not used: Spine defines none.
    extensions: Option<&'a RawValue>,
}

impl<'a> Parameters<'a> {
    /// The members of a body, of which one is `expected`.
    pub(super) fn parse(bytes: &'a [u8], expected: &str) -> Result<Self, Refused> {
        let text = std::str::from_utf8(bytes).map_err(|_| Refused::bad_request("The body is not UTF-8."))?;
        match kind(text) {
            "an object" => serde_json::from_str(text).map_err(|error| invalid(&error)),
            "a list" => Err(Refused::bad_request("The body is a list: batches are not supported, ask one by one.")),
            "nothing" => {
                Err(Refused::bad_request(format!("The body is empty; expected a JSON object with `{expected}`.")))
            }
            other => {
                Err(Refused::bad_request(format!("The body is {other}; expected a JSON object with `{expected}`.")))
            }
        }
    }
}

impl<'de> Deserialize<'de> for Parameters<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ParametersVisitor)
    }
}

struct ParametersVisitor;

impl<'de> Visitor<'de> for ParametersVisitor {
    type Value = Parameters<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut parameters = Parameters::default();
        let mut seen = Vec::new();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            let value = map.next_value::<&'de RawValue>()?;
            let (slot, expected) = match key.as_ref() {
                "query" => (&mut parameters.query, "a string"),
                "operationName" => (&mut parameters.operation_name, "a string"),
                "variables" => (&mut parameters.variables, "an object"),
                "documentId" => (&mut parameters.document_id, "a string"),
                "extensions" => (&mut parameters.extensions, "an object"),
                other => {
                    let name: String = other.chars().take(40).collect();
                    return Err(de::Error::custom(format!(
                        "`{name}` is not known; expected `query`, `documentId`, `operationName`, `variables`, `extensions`"
                    )));
                }
            };
            if seen.contains(&key) {
                return Err(de::Error::custom(format!("`{key}` is there twice")));
            }
            match kind(value.get()) {
                kind if kind == expected => *slot = Some(value),
                "null" if key != "query" => {}
                kind => return Err(de::Error::custom(format!("`{key}` is {kind}; expected {expected}"))),
            }
            seen.push(key);
        }
        Ok(parameters)
    }
}

/// What a JSON text is, by its first sign.
fn kind(json: &str) -> &'static str {
    match json.trim_start_matches([' ', '\t', '\n', '\r']).bytes().next() {
        None => "nothing",
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "a string",
        Some(b'n') => "null",
        Some(b't' | b'f') => "a boolean",
        Some(b'-' | b'0'..=b'9') => "a number",
        Some(_) => "not JSON",
    }
}

fn text_of(name: &str, raw: &RawValue) -> Result<String, Refused> {
    serde_json::from_str(raw.get()).map_err(|_| Refused::bad_request(format!("`{name}` is not a valid JSON string.")))
}

/// `serde_json` says what and where; what [`ParametersVisitor`] says comes through it, too.
fn invalid(error: &serde_json::Error) -> Refused {
    if error.is_data() {
        let message = error.to_string();
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(message, _)| message);
        Refused::bad_request(format!("{message}."))
    } else {
        Refused::bad_request(format!("The body is not valid JSON: {error}."))
    }
}
