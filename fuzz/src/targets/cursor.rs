//! Where a list goes on: whatever somebody makes of a cursor, the answer is data or a typed error, and the list itself is as ever.

use std::cell::RefCell;

use super::super::door::Door;
use super::super::{choose, take};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

const LISTS: [&str; 4] = ["deals", "projects", "invoices", "deals"];

thread_local! {
    static DOOR: RefCell<Door> = RefCell::new(Door::open(|_| String::new()));
}

fn ask(door: &mut Door, list: &str, first: u8, after: Option<&str>) -> Value {
    let query = format!(
        "query($first: Int!, $after: String) {{ {list}(first: $first, after: $after) \
         {{ edges {{ cursor node {{ id }} }} pageInfo {{ hasNextPage endCursor }} totalCount }} }}"
    );
    let body = json!({ "query": query, "variables": { "first": first, "after": after } }).to_string();
    door.post("/graphql", "application/json", body.as_bytes()).is_graphql()
}

/// Looks at one input.
pub fn run(data: &[u8]) {
    let ([how, first], text) = take(data);
    let list = choose(&LISTS, how);
    let cursor = match how & 0x80 {
        0 => URL_SAFE_NO_PAD.encode(text),
        _ => String::from_utf8_lossy(text).into_owned(),
    };
    DOOR.with_borrow_mut(|door| {
        let answer = ask(door, list, first % 8, Some(&cursor));
        let edges = answer["data"][list]["edges"].as_array().map_or(0, Vec::len);
        assert!(edges <= usize::from(first % 8), "{answer}");
        let plain = ask(door, list, 2, None);
        assert_eq!(plain["data"][list]["edges"].as_array().map(Vec::len), Some(2), "{cursor}: {plain}");
    });
}
