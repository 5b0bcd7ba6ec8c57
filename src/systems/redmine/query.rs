//! Filters in Redmine's two forms, and how many values fit into one call.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Most values of one filter.
pub(super) const MOST: usize = 100;

/// Most bytes of one filter, encoded. The server's limit is 10 kB for the whole query (puma); 8.7 kB worked, 13 kB did
/// not. The rest of the query and a long path have room in the difference.
pub(super) const BYTES: usize = 7_500;

const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

pub(super) fn encode(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

/// The short form: `cf_1=A%7CB`.
pub(super) fn short(field: &str, values: &[&str]) -> String {
    let values: Vec<String> = values.iter().map(|value| encode(value)).collect();
    format!("{field}={}", values.join("%7C"))
}

/// The long form: `f[]=cf_1&op[cf_1]==&v[cf_1][]=A&v[cf_1][]=B`, encoded. Where a query has one filter in this form,
/// its short ones and the implicit ones (open, active) count no more.
pub(super) fn long(field: &str, operator: &str, values: &[&str]) -> String {
    let mut query = format!("f%5B%5D={field}&op%5B{field}%5D={}", encode(operator));
    for value in values {
        query.push_str(&long_value(field, value));
    }
    query
}

fn long_value(field: &str, value: &str) -> String {
    format!("&v%5B{field}%5D%5B%5D={}", encode(value))
}

/// "One of these", in the short form unless a value would be misread in it.
pub(super) fn one_of(field: &str, values: &[&str]) -> String {
    if values.iter().any(|value| needs_long_form(value)) { long(field, "=", values) } else { short(field, values) }
}

/// In the short form `|` separates values, and an operator may stand before the first one.
fn needs_long_form(value: &str) -> bool {
    value.contains('|') || value.is_empty() || value.starts_with(['~', '^', '=', '*', '$', '!', '<', '>'])
}

/// What the values of a filter take up where Redmine keeps them: measured, seven bytes beside each value's own.
pub(super) fn kept_bytes(values: &[String]) -> usize {
    values.iter().map(|value| value.len() + 7).sum()
}

/// Cuts keys, each with the values that stand for it in the filter, into groups that fit into one call each. Keys that
/// need the long form travel apart from the others.
pub(super) fn groups<K: Clone>(keys: &[(K, Vec<String>)], field: &str) -> Vec<Vec<K>> {
    let (long, short): (Vec<_>, Vec<_>) =
        keys.iter().partition(|(_, values)| values.iter().any(|value| needs_long_form(value)));
    let mut groups = Vec::new();
    for (keys, long_form) in [(short, false), (long, true)] {
        let mut group = Vec::new();
        let mut bytes = 0;
        for (key, values) in keys {
            let cost = |value: &String| {
                if long_form { long_value(field, value).len() } else { encode(value).len() + "%7C".len() }
            };
            let cost: usize = values.iter().map(cost).sum();
            if !group.is_empty() && (group.len() == MOST || bytes + cost > BYTES) {
                groups.push(std::mem::take(&mut group));
                bytes = 0;
            }
            group.push(key.clone());
            bytes += cost;
        }
        if !group.is_empty() {
            groups.push(group);
        }
    }
    groups
}
