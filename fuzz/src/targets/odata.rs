//! Addresses of the feed and of reports, with their options: data, or an error that names itself.

use std::cell::RefCell;
use std::fmt::Write;

use super::super::door::Door;
use super::super::{choose, take};

const PATHS: [&str; 9] = [
    "/odata/Deals?",
    "/odata/Projects?",
    "/odata/Invoices?",
    "/odata/Deals?$filter=",
    "/odata/Invoices?$orderby=",
    "/odata/Projects?$select=",
    "/odata/",
    "/reports/",
    "/reports/margin-by-vertical?",
];

thread_local! {
    static DOOR: RefCell<Door> = RefCell::new(Door::open(|_| String::new()));
}

/// Looks at one input.
pub fn run(data: &[u8]) {
    let ([path], rest) = take(data);
    let mut address = choose(&PATHS, path).to_owned();
    for byte in rest {
        // Others do not come through a request's first line.
        match byte {
            b'!'..=b'~' if !matches!(byte, b'#') => address.push(char::from(*byte)),
            b' ' => address.push_str("%20"),
            other => write!(address, "%{other:02X}").expect("a text grows"),
        }
    }
    DOOR.with_borrow_mut(|door| {
        let Some(answer) = door.send(&format!("GET {address}"), &[b"accept: application/json"], b"") else { return };
        // There are options of the protocol that Spine does not have.
        if answer.status != 501 {
            answer.is_no_failure();
        }
        if answer.content_type.contains("json") {
            let json = answer.json();
            let code = json.pointer("/error/code").or_else(|| json.pointer("/errors/0/extensions/code"));
            assert_eq!(
                answer.status >= 400,
                code.is_some_and(serde_json::Value::is_string),
                "{address}: {} {json}",
                answer.status
            );
        }
    });
}
