//! What a delivery says, once it is read.

use std::collections::BTreeSet;

use compact_str::{CompactString, ToCompactString};
use serde_json::Value;

use super::Refused;
use crate::domain::RecordKind;
use crate::reads::Records;

/// One event of a delivery: some records may have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Event {
    /// Its own ID, by which a repetition is known; none if it has none.
    pub(super) id: Option<String>,
    /// Which kinds of record.
    pub(super) kinds: Vec<RecordKind>,
    /// Which of them.
    pub(super) records: Records,
}

/// The longest ID of a record that is looked for.
const LONGEST_ID: usize = 200;

/// Records by their IDs as JSON has them: texts, whole numbers, or a list of these. Anything else, and nothing at all, is all
/// of them.
pub(super) fn records(ids: Option<&Value>) -> Records {
    let ids = match ids {
        Some(Value::Array(ids)) => ids.iter().map(id).collect::<Option<BTreeSet<_>>>(),
        Some(one) => id(one).map(|id| BTreeSet::from([id])),
        None => None,
    };
    ids.filter(|ids| !ids.is_empty()).map_or(Records::All, Records::These)
}

fn id(value: &Value) -> Option<CompactString> {
    match value {
        Value::String(text) if !text.trim().is_empty() && text.len() <= LONGEST_ID => Some(text.trim().into()),
        Value::Number(number) if number.is_u64() || number.is_i64() => Some(number.to_compact_string()),
        _ => None,
    }
}

/// A body as JSON.
pub(super) fn json(body: &[u8]) -> Result<Value, Refused> {
    // What was wrong is not told: it would quote the body.
    serde_json::from_slice(body).map_err(|_| Refused::bad_request("The body is not valid JSON."))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_no_id_makes_it_all_records() {
        let these = |ids: &[&str]| Records::These(ids.iter().map(CompactString::new).collect());
        assert_eq!(records(Some(&json!(901))), these(&["901"]));
        assert_eq!(records(Some(&json!(" 7 "))), these(&["7"]));
        assert_eq!(records(Some(&json!([1, "2"]))), these(&["1", "2"]));
        for unclear in
            [json!(null), json!(""), json!([]), json!([1, null]), json!(1.5), json!({}), json!("x".repeat(201))]
        {
            assert_eq!(records(Some(&unclear)), Records::All, "{unclear}");
        }
        assert_eq!(records(None), Records::All);
    }
}
