//! The variables' JSON text: its length, and how deep it goes, before it becomes values.

use super::{Refusal, over};
use crate::config::Limits;

/// Admits JSON text that is within the limits. Whether it is JSON is for its parser to say.
pub fn admit_variables(limits: &Limits, json: &str) -> Result<(), Refusal> {
    over("variables_bytes", limits.variables_bytes, json.len())?;
    let (mut open, mut nesting) = (0_usize, 0_usize);
    let (mut in_text, mut escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                open += 1;
                nesting = nesting.max(open);
            }
            b']' | b'}' if !in_text => open = open.saturating_sub(1),
            _ => {}
        }
    }
    over("variables_nesting", limits.variables_nesting, nesting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_is_counted_outside_texts() {
        let limits = Limits { variables_nesting: 2, ..Limits::default() };
        for json in
            [r#"{"a":[1,2],"b":[]}"#, r#"{"a":"[[[[{{{{"}"#, r#"{"a":"\"[[[["}"#, r#"{"a":"\\","b":["]"]}"#, "null"]
        {
            assert_eq!(admit_variables(&limits, json), Ok(()), "{json}");
        }
        for json in [r#"{"a":[{}]}"#, r#"{"a":"\\","b":[["x"]]}"#, "[[["] {
            assert_eq!(
                admit_variables(&limits, json),
                Err(Refusal::Limit { limit: "variables_nesting", allowed: 2, measured: 3, location: None }),
                "{json}"
            );
        }
    }

    #[test]
    fn length_is_limited() {
        let limits = Limits { variables_bytes: 10, ..Limits::default() };
        assert_eq!(admit_variables(&limits, r#"{"a": 123}"#), Ok(()));
        assert!(matches!(
            admit_variables(&limits, r#"{"a": 1234}"#),
            Err(Refusal::Limit { limit: "variables_bytes", measured: 11, .. })
        ));
    }
}
