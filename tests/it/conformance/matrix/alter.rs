//! What can be done to a body of JSON without anybody saying that it was.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::value::RawValue;

/// The members of an object, as they are written; none if it is none.
type Members = BTreeMap<String, Box<RawValue>>;

fn members(body: &[u8]) -> Option<Members> {
    serde_json::from_slice(body).ok()
}

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

/// These bytes at the beginning of every text that is the value of a member.
pub(super) fn every_text_begins_with(body: &[u8], bytes: &[u8]) -> Vec<u8> {
    let mut altered = Vec::with_capacity(body.len() * 2);
    for (at, byte) in body.iter().enumerate() {
        altered.push(*byte);
        let before = body[..at].trim_ascii_end();
        if *byte == b'"' && before.ends_with(b":") {
            altered.extend_from_slice(bytes);
        }
    }
    altered
}

/// Every member with a text or a number twice, the second time with another value.
pub(super) fn every_member_twice(body: &[u8]) -> Vec<u8> {
    twice(std::str::from_utf8(body).unwrap(), false).into_bytes()
}

/// The same, in objects only that hold no others.
pub(super) fn every_inner_member_twice(body: &[u8]) -> Vec<u8> {
    twice(std::str::from_utf8(body).unwrap(), true).into_bytes()
}

fn twice(json: &str, inner: bool) -> String {
    let json = json.trim();
    match json.as_bytes().first() {
        Some(b'{') => {
            let members: BTreeMap<String, &RawValue> = serde_json::from_str(json).unwrap();
            let is_outer = inner && members.values().any(|value| value.get().contains('{'));
            let members = members.into_iter().flat_map(|(name, value)| {
                let name = serde_json::Value::from(name);
                let other = match value.get().as_bytes()[0] {
                    _ if is_outer => None,
                    b'"' => Some("\"7\""),
                    b'0'..=b'9' | b'-' => Some("7"),
                    _ => None,
                };
                let once = format!("{name}:{}", twice(value.get(), inner));
                std::iter::once(once).chain(other.map(|other| format!("{name}:{other}")))
            });
            format!("{{{}}}", members.collect::<Vec<_>>().join(","))
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(json).unwrap();
            format!("[{}]", items.iter().map(|item| twice(item.get(), inner)).collect::<Vec<_>>().join(","))
        }
        _ => json.to_owned(),
    }
}

/// The body with one more thing in it, which is nested ten thousand times.
pub(super) fn with_something_deep(body: &[u8]) -> Vec<u8> {
    let deep = ["[".repeat(10_000), "]".repeat(10_000)].concat();
    let begun = match body.trim_ascii_start() {
        [b'{', ..] => format!("{{\"deep\": {deep}, "),
        _ => format!("[{deep}, "),
    };
    let rest = body.trim_ascii_start().get(1..).unwrap_or_default();
    [begun.as_bytes(), rest].concat()
}

/// Ways in which the connectors' systems say that there is more: all that are there say so, for ever, and name this address.
pub(super) fn says_that_there_is_more(body: &[u8], target: &str) -> Vec<u8> {
    let Some(mut members) = members(body) else { return body.to_vec() };
    let link = serde_json::Value::from(target).to_string();
    let is_list = ["results", "value", "items", "projects", "issues", "time_entries"];
    if !is_list.iter().any(|name| members.get(*name).is_some_and(|value| value.get().starts_with('['))) {
        return body.to_vec();
    }
    for (name, says) in [
        ("paging", format!("{{\"next\": {{\"after\": \"1\", \"link\": {link}}}}}")),
        ("@odata.nextLink", link.clone()),
        ("hasMore", "true".to_owned()),
        ("total_count", "1000000".to_owned()),
        ("totalResults", "1000000".to_owned()),
        ("cursor", "{\"next\": \"1\"}".to_owned()),
        ("links", format!("{{\"next\": {link}}}")),
        ("count", "1000000".to_owned()),
        ("more", "true".to_owned()),
    ] {
        members.insert(name.to_owned(), raw(&says));
    }
    serde_json::to_vec(&members).unwrap()
}

/// Compressed as `content-encoding: gzip` says.
pub(super) fn gzipped(body: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}
