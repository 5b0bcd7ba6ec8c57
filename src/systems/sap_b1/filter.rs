//! Questions in the Service Layer's query language. A value gets in by [`quoted`] alone, which doubles quotes; a whole
//! expression gets into a URL by [`encoded`] alone.

use std::fmt::Display;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but what URLs never encode. Spaces become `%20` and plus signs `%2B`: what a bare `+` means is not agreed.
const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Most values in one chain of `or`.
pub(super) const MAX_VALUES: usize = 40;

/// Most encoded bytes of one chain of `or`. Apache answers 414 to request lines over 8190 bytes.
const MAX_BYTES: usize = 6000;

/// A text as a literal: `O'Neil` becomes `'O''Neil'`.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// An expression as part of a URL.
pub(super) fn encoded(expression: &str) -> String {
    utf8_percent_encode(expression, IN_QUERY).to_string()
}

/// That a field has one of these literals: `(Project eq 'A' or Project eq 'B')`.
pub(super) fn any<L: Display>(field: &str, literals: impl IntoIterator<Item = L>) -> String {
    let chain: Vec<String> = literals.into_iter().map(|literal| format!("{field} eq {literal}")).collect();
    format!("({})", chain.join(" or "))
}

/// That all conditions hold.
pub(super) fn all(conditions: &[String]) -> String {
    conditions.join(" and ")
}

/// Cuts values into runs whose chains of `or` are short enough for a URL: at most `most` values and [`MAX_BYTES`].
pub(super) fn runs<'a, T>(values: &'a [T], field: &str, most: usize, literal: impl Fn(&T) -> String) -> Vec<&'a [T]> {
    let mut runs = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (at, value) in values.iter().enumerate() {
        let size = encoded(&format!("{field} eq {} or ", literal(value))).len();
        if at > start && (at - start >= most || bytes + size > MAX_BYTES) {
            runs.extend(values.get(start..at));
            (start, bytes) = (at, 0);
        }
        bytes += size;
    }
    runs.extend(values.get(start..).filter(|last| !last.is_empty()));
    runs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_quote_in_a_value_stays_within_its_literal() {
        let chain = super::any("Project", ["O'Neil", "x' or 1 eq 1 or Project eq '"].map(quoted));
        assert_eq!(chain, "(Project eq 'O''Neil' or Project eq 'x'' or 1 eq 1 or Project eq ''')");
        assert_eq!(encoded("Project eq 'A&B+C#'"), "Project%20eq%20%27A%26B%2BC%23%27");
    }

    #[test]
    fn chains_are_cut_by_number_and_by_length() {
        let short: Vec<String> = (0..95).map(|at| format!("PRJ-2025-{at:03}")).collect();
        let sizes = |ids: &[String]| -> Vec<usize> {
            runs(ids, "Project", MAX_VALUES, |id| quoted(id)).iter().map(|run| run.len()).collect()
        };
        assert_eq!(sizes(&short), [40, 40, 15]);
        let long: Vec<String> = (0..4).map(|_| "'".repeat(1000)).collect();
        assert_eq!(sizes(&long), [1, 1, 1, 1]);
        assert!(sizes(&[]).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn every_value_is_in_exactly_one_run(values in proptest::collection::vec("[a-z']{0,200}", 0..90)) {
            let runs = runs(&values, "Project", MAX_VALUES, |id| quoted(id));
            prop_assert_eq!(runs.concat(), values.clone());
            for run in runs {
                prop_assert!(run.len() <= MAX_VALUES);
                let bytes = encoded(&super::any("Project", run.iter().map(|id| quoted(id)))).len();
                prop_assert!(bytes <= MAX_BYTES + 20 || run.len() == 1);
            }
        }
    }
}
