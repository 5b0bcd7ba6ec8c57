//! From an answer's bytes to a connector's structs.

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;

use super::classify::without_bom;

/// Decodes JSON. The error names the place and what was expected there, and never a value.
pub(super) fn decode<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, String> {
    let mut deserializer = serde_json::Deserializer::from_slice(without_bom(body));
    let value = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| describe(&error.path().to_string(), error.inner()))?;
    deserializer.end().map_err(|error| describe(".", &error))?;
    Ok(value)
}

/// Reads an object whose names are not known beforehand. A name that is there twice is refused: nobody can say which of the
/// two is meant. For `deserialize_with`.
pub(in crate::systems) fn unique<'de, D, V>(deserializer: D) -> Result<HashMap<String, V>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    struct Members<V>(PhantomData<V>);

    impl<'de, V: Deserialize<'de>> Visitor<'de> for Members<V> {
        type Value = HashMap<String, V>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = HashMap::with_capacity(map.size_hint().unwrap_or_default());
            while let Some((name, value)) = map.next_entry::<String, V>()? {
                if members.insert(name, value).is_some() {
                    return Err(A::Error::custom("a name is there twice"));
                }
            }
            Ok(members)
        }
    }

    deserializer.deserialize_map(Members(PhantomData))
}

fn describe(path: &str, error: &serde_json::Error) -> String {
    let path: String = path.chars().filter(|c| !c.is_control()).take(200).collect();
    let (line, column) = (error.line(), error.column());
    match error.classify() {
        Category::Data => match expectation(&error.to_string()) {
            Some(expectation) => format!("at `{path}` (line {line}, column {column}): {expectation}"),
            None => format!("at `{path}` (line {line}, column {column}): not what was expected"),
        },
        Category::Eof => format!("at `{path}` (line {line}, column {column}): the JSON ends too early"),
        Category::Syntax | Category::Io => format!("at `{path}` (line {line}, column {column}): not JSON"),
    }
}

/// The part of serde's message that comes from our own types. The rest may quote the value.
fn expectation(message: &str) -> Option<String> {
    let message = message.rsplit_once(" at line ").map_or(message, |(message, _)| message);
    if message.starts_with("missing field ") {
        return Some(message.to_owned());
    }
    let invalid =
        ["invalid type: ", "invalid value: ", "invalid length "].iter().any(|start| message.starts_with(start));
    let (_, expected) = message.rsplit_once(", expected ").filter(|_| invalid)?;
    Some(format!("expected {expected}"))
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    #[derive(Debug, Deserialize)]
    struct Page<'a> {
        #[serde(borrow)]
        rows: Vec<Row<'a>>,
    }

    #[derive(Debug, Deserialize)]
    struct Row<'a> {
        id: u64,
        #[serde(borrow)]
        amount: &'a RawValue,
        kind: Option<Kind>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Kind {
        Fee,
    }

    fn fails(body: &[u8]) -> String {
        decode::<Page<'_>>(body).unwrap_err()
    }

    #[test]
    fn amounts_keep_their_text_and_a_byte_order_mark_is_skipped() {
        let page: Page<'_> =
            decode("\u{feff}{\"rows\": [{\"id\": 7, \"amount\": 0.10, \"kind\": \"fee\"}]}".as_bytes()).unwrap();
        assert_eq!((page.rows[0].id, page.rows[0].amount.get()), (7, "0.10"));
        assert!(matches!(page.rows[0].kind, Some(Kind::Fee)));
    }

    #[test]
    fn an_error_names_the_place_and_never_a_value() {
        for (body, expected) in [
            (r#"{"rows": [{"id": "s3cret", "amount": 1}]}"#, "at `rows[0].id` (line 1, column 25): expected u64"),
            (r#"{"rows": [{"id": "s3cret, expected x"}]}"#, "at `rows[0].id` (line 1, column 37): expected u64"),
            (r#"{"rows": [{"amount": "s3cret"}]}"#, "at `rows[0]` (line 1, column 30): missing field `id`"),
            (
                r#"{"rows": [{"id": 1, "amount": 2, "kind": "s3cret"}]}"#,
                "at `rows[0].kind` (line 1, column 49): not what was expected",
            ),
            (r#"{"rows": ["s3cret"]}"#, "at `rows[0]` (line 1, column 18): expected struct Row"),
            (r#"{"rows": [{"id": 1, "id": 2}]}"#, "at `rows[0]` (line 1, column 24): not what was expected"),
            (r#"{"rows": []} {"s3cret": 1}"#, "at `.` (line 1, column 14): not JSON"),
            (r#"{"rows": [{"id": 1, "#, "at `rows[0].?` (line 1, column 20): the JSON ends too early"),
            ("[]", "at `.` (line 1, column 2): expected struct Page with 1 element"),
            ("null", "at `.` (line 1, column 4): expected struct Page"),
            ("<html>s3cret", "at `.` (line 1, column 1): not JSON"),
            ("", "at `.` (line 1, column 0): the JSON ends too early"),
        ] {
            let message = fails(body.as_bytes());
            assert!(!message.contains("s3cret"), "{message}");
            assert_eq!(message, expected, "{body}");
        }
    }

    #[test]
    fn a_name_that_is_there_twice_is_refused() {
        #[derive(Debug, Deserialize)]
        struct Named(#[serde(deserialize_with = "unique")] HashMap<String, u8>);

        assert_eq!(decode::<Named>(br#"{"a": 1, "b": 2}"#).unwrap().0.len(), 2);
        for twice in [r#"{"a": 1, "a": 1}"#, r#"{"a": 1, "b": 2, "\u0061": 3}"#] {
            let said = decode::<Named>(twice.as_bytes()).unwrap_err();
            assert!(said.ends_with("not what was expected"), "{said}");
        }
    }

    #[test]
    fn depth_and_bytes_that_are_not_text_are_refused() {
        let deep = "[".repeat(100_000);
        assert!(decode::<serde_json::Value>(deep.as_bytes()).unwrap_err().ends_with("not JSON"));
        assert!(fails(b"{\"rows\": [{\"id\": 1, \"amount\": \"\xff\"}]}").contains("not JSON"));
        assert!(decode::<HashMap<String, u8>>(br#"{"\ud800": 1}"#).unwrap_err().contains("not JSON"));
    }
}
