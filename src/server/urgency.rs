//! Who waits for an answer: a person, or a report. Reports get a part of each connection's places, so that a refresh of a
//! BI tool does not make a card slow.

use async_graphql::Value;
use async_graphql::Variables;
use async_graphql::parser::types::{OperationDefinition, Selection};
use http::{HeaderMap, HeaderName};

use crate::systems::Priority;

/// RFC 9218: `u=0` is most urgent, `u=7` least, 3 the default.
const PRIORITY: HeaderName = HeaderName::from_static("priority");

/// The least urgency at which somebody is taken to wait for the answer.
const PATIENT: u8 = 4;

/// Rows of a list beyond which nobody is taken to read them on a screen.
const SCREEN: u64 = 100;

/// As the request says: by the header `Priority: u=5`, else by how long a list it asks for.
pub(super) fn of(headers: &HeaderMap, operation: Option<&OperationDefinition>, variables: &Variables) -> Priority {
    let patient = match stated(headers) {
        Some(urgency) => urgency >= PATIENT,
        None => operation.is_some_and(|operation| rows(operation, variables) > SCREEN),
    };
    if patient { Priority::Report } else { Priority::Interactive }
}

fn stated(headers: &HeaderMap) -> Option<u8> {
    let value = headers.get(PRIORITY)?.to_str().ok()?;
    let urgency = value.split(',').find_map(|part| part.trim().strip_prefix("u="))?;
    urgency.parse().ok().filter(|urgency| *urgency <= 7)
}

/// The longest list at the operation's root.
fn rows(operation: &OperationDefinition, variables: &Variables) -> u64 {
    let fields = operation.selection_set.node.items.iter().filter_map(|selection| match &selection.node {
        Selection::Field(field) => Some(&field.node),
        _ => None,
    });
    let first = fields.filter_map(|field| field.get_argument("first")).filter_map(|first| {
        let known = |name: async_graphql::Name| variables.get(&name).cloned().ok_or(());
        match first.node.clone().into_const_with(known) {
            Ok(Value::Number(number)) => number.as_u64(),
            _ => None,
        }
    });
    first.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    fn priority(header: Option<&str>, query: &str) -> Priority {
        let headers = header.map(|value| (PRIORITY, value.parse().unwrap()));
        let document = parse_query(query).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let variables = Variables::from_json(serde_json::json!({ "n": 200 }));
        of(&HeaderMap::from_iter(headers), Some(&operation.node), &variables)
    }

    #[test]
    fn who_waits_is_said_by_the_header_or_told_by_the_length_of_the_list() {
        let (card, page) = ("{ deal(by: { id: \"1\" }) { id } }", "{ deals(first: 100) { totalCount } }");
        let scan = "query($n: Int) { deals(first: $n) { totalCount } }";
        for (header, query, expected) in [
            (None, card, Priority::Interactive),
            (None, page, Priority::Interactive),
            (None, scan, Priority::Report),
            (None, "{ deals(first: 101) { totalCount } }", Priority::Report),
            (Some("u=5"), card, Priority::Report),
            (Some("i, u=4"), card, Priority::Report),
            (Some("u=3"), scan, Priority::Interactive),
            (Some("u=9"), card, Priority::Interactive),
            (Some("soon"), scan, Priority::Report),
        ] {
            assert_eq!(priority(header, query), expected, "{header:?} {query}");
        }
    }
}
