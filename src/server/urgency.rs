//! Who waits for an answer: a person, or a report. Reports get a part of each connection's places, so that a refresh of a
//! BI tool does not make a card slow.

use http::{HeaderMap, HeaderName};

use crate::systems::Priority;

/// RFC 9218: `u=0` is most urgent, `u=7` least, 3 the default.
const PRIORITY: HeaderName = HeaderName::from_static("priority");

/// The least urgency at which nobody is taken to wait for the answer.
const PATIENT: u8 = 4;

/// Rows of a list beyond which nobody is taken to read them on a screen.
const SCREEN: usize = 100;

/// As the request says by the header `Priority: u=5`, else by how long the longest list is that it asks for.
pub(super) fn of(headers: &HeaderMap, longest_list: impl FnOnce() -> usize) -> Priority {
    let patient = match stated(headers) {
        Some(urgency) => urgency >= PATIENT,
        None => longest_list() > SCREEN,
    };
    if patient { Priority::Report } else { Priority::Interactive }
}

fn stated(headers: &HeaderMap) -> Option<u8> {
    let value = headers.get(PRIORITY)?.to_str().ok()?;
    let urgency = value.split(',').find_map(|part| part.trim().strip_prefix("u="))?;
    urgency.parse().ok().filter(|urgency| *urgency <= 7)
}

#[cfg(test)]
mod tests {
    use async_graphql::Variables;
    use serde_json::json;

    use super::*;
    use crate::config::Limits;
    use crate::graph::guard::{self, Given};
    use crate::graph::longest_list;

    fn priority(header: Option<&str>, query: &str) -> Priority {
        let headers = header.map(|value| (PRIORITY, value.parse().unwrap()));
        let document = guard::admit(&Limits::default(), query).unwrap();
        let (_, operation) = guard::operation(&document, None).unwrap();
        let variables = Variables::from_json(json!({ "n": 200 }));
        let given = Given { operation: &operation.node, variables: &variables };
        of(&HeaderMap::from_iter(headers), || longest_list(&document, given))
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
            (None, "query($m: Int = 101) { deals(first: $m) { totalCount } }", Priority::Report),
            (
                None,
                "{ ...F } fragment F on Query { a: deals(first: 2) { totalCount } deals(first: 101) { totalCount } }",
                Priority::Report,
            ),
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
