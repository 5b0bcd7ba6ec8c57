//! From an answer's bytes to a connector's structs.

use serde::Deserialize;
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
