//! What takes a GraphQL server down, and what must not be taken for it.

use std::thread;
use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::*;

/// The introspection query that GraphiQL and code generators send.
const INTROSPECTION: &str = include_str!("introspection.graphql");

/// The stack of a tokio worker, where queries are admitted.
const WORKER_STACK: usize = 2 * 1024 * 1024;

fn refused(query: &str) -> Refusal {
    admit(&Limits::default(), query).expect_err(query.get(..80).unwrap_or(query))
}

fn refused_for(query: &str) -> &'static str {
    match refused(query) {
        Refusal::Limit { limit, .. } => limit,
        other => other.code(),
    }
}

fn admitted(query: &str) {
    if let Err(refusal) = admit(&Limits::default(), query) {
        panic!("{refusal}: {query}");
    }
}

fn nested(open: &str, core: &str, close: &str, levels: usize) -> String {
    format!("{}{core}{}", open.repeat(levels), close.repeat(levels))
}

fn many(times: usize, make: impl Fn(usize) -> String) -> String {
    (0..times).map(make).collect::<Vec<_>>().concat()
}

/// Fragments of which each spreads the next one `width` times.
fn bomb(width: usize, levels: usize) -> String {
    let doubling = many(levels, |level| {
        format!("fragment F{level} on Query {{ {} }} ", format!("...F{} ", level + 1).repeat(width))
    });
    format!("{{ ...F0 }} {doubling} fragment F{levels} on Query {{ __typename }}")
}

/// Every query that is known to take a naive server down, with the limit that stops it.
fn attacks() -> Vec<(String, &'static str)> {
    let argument =
        |open: &str, core: &str, close: &str, levels| format!("{{ echo(x: {}) }}", nested(open, core, close, levels));
    vec![
        // The parser recurses into values without a limit of its own, and a stack overflow cannot be caught.
        (argument("[", "1", "]", 800), "nesting"),
        (argument("[", "1", "]", 2_000), "tokens"),
        (argument("[", "1", "]", 17_000), "query_bytes"),
        (argument("{a:", "1", "}", 400), "nesting"),
        (argument("{a:", "1", "}", 4_000), "tokens"),
        ("[".repeat(1_900), "nesting"),
        (nested("{ a ", "", "}", 600), "nesting"),
        (nested("{ ... on Query ", "{ a }", "}", 300), "nesting"),
        (format!("query($v: {}) {{ a }}", nested("[", "Int", "]", 500)), "nesting"),
        (format!("query($v: Int = {}) {{ a }}", nested("[", "1", "]", 500)), "nesting"),
        // Fragments that double.
        (bomb(2, 31), "selections"),
        (bomb(16, 6), "selections"),
        (bomb(30, 25), "selections"),
        (format!("{} {}", bomb(2, 20), "fragment U on Query { ...F0 ...F0 }"), "selections"),
        // Fragments in a circle, alone and where no operation leads.
        ("{ ...A } fragment A on Query { ...A }".to_owned(), "GRAPHQL_VALIDATION_FAILED"),
        (
            "{ a } fragment A on Query { ...B } fragment B on Query { b { ...C } } fragment C on X { ...A }".to_owned(),
            "GRAPHQL_VALIDATION_FAILED",
        ),
        // Depth that only shows once fragments are filled in.
        (
            format!(
                "{{ ...F0 }} {} fragment F49 on X {{ x }}",
                many(49, |n| { format!("fragment F{n} on X {{ ... {{ ... {{ ...F{} }} }} }} ", n + 1) })
            ),
            "nesting",
        ),
        (
            format!(
                "{{ a {{ ...F0 }} }} {} fragment F6 on X {{ x }}",
                many(6, |n| { format!("fragment F{n} on X {{ x {{ y {{ ...F{} }} }} }} ", n + 1) })
            ),
            "depth",
        ),
        (nested("{ a ", "{ b }", "}", 12), "depth"),
        // Many of something.
        (format!("{{ {} }}", many(31, |n| format!("a{n}: deal "))), "aliases"),
        (format!("{{ {} }}", many(1_000, |n| format!("a{n}: deal "))), "tokens"),
        (format!("{{ {} }}", "__typename ".repeat(10_000)), "query_bytes"),
        (format!("{{ {} }}", "a ".repeat(1_999)), "tokens"),
        (format!("{{ {} }}", many(21, |n| format!("a{n} "))), "root_fields"),
        ("{ ...F ...F ...F } fragment F on Query { a b c d e f g }".to_owned(), "root_fields"),
        (format!("{{ a {} }}", "@skip(if: false) ".repeat(51)), "directives"),
        (format!("query {} {{ a }}", "@x ".repeat(51)), "directives"),
        (format!("query($a: Int {}) {{ a }}", "@x ".repeat(51)), "directives"),
        (format!("{{ ...F {} }} fragment F on Query {{ a }}", "@x ".repeat(51)), "directives"),
        (format!("{{ ... {} {{ a }} }}", "@x ".repeat(51)), "directives"),
        (format!("{{ ...F }} fragment F on Query {} {{ a }}", "@x ".repeat(51)), "directives"),
        (many(11, |n| format!("query Q{n} {{ a }} ")), "operations"),
        (format!("{{ a }} {}", many(51, |n| format!("fragment F{n} on Query {{ a }} "))), "fragments"),
        (format!("{{ a }} {}", "# comment\n".repeat(4_000)), "query_bytes"),
        // Introspection that multiplies the schema by itself.
        (
            format!("{{ __schema {{ types {{ {} }} }} }}", nested("fields { type { ", "name", " } } ", 3)),
            "introspection lists in one another",
        ),
        (
            "{ __schema { types { ...A } } } fragment A on __Type { fields { type { ...B } } }
             fragment B on __Type { fields { type { interfaces { name } } } }"
                .to_owned(),
            "introspection lists in one another",
        ),
        (format!("{{ {} }}", many(5, |n| format!("a{n}: __schema {{ types {{ name }} }} "))), "introspection fields"),
    ]
}

#[test]
fn each_attack_is_stopped_by_the_limit_made_for_it() {
    for (query, limit) in attacks() {
        assert_eq!(refused_for(&query), limit, "{}", query.get(..80).unwrap_or(&query));
    }
}

#[test]
fn an_attack_costs_no_more_than_its_text() {
    for (query, limit) in attacks() {
        let start = Instant::now();
        refused(&query);
        let took = start.elapsed();
        // What is counted one by one takes minutes. The allowance is for a machine that is busy with something else.
        assert!(took < Duration::from_secs(2), "{took:?} for {limit}: {:?}", query.get(..80));
    }
}

#[test]
fn the_deepest_query_that_reaches_the_parser_fits_half_a_workers_stack() {
    let deepest = [
        format!("{{ echo(x: {}) }}", nested("[", "1", "]", 62)),
        format!("{{ echo(x: {}) }}", nested("{a:", "1", "}", 62)),
        format!("query($v: Int = {}) {{ a }}", nested("[", "1", "]", 62)),
        format!("query($v: {}) {{ a }}", nested("[", "Int", "]", 62)),
        nested("{ ... ", "{ a }", "}", 63),
        nested("{ a ", "{ b }", "}", 63),
        nested("{ a ", "{ b(x: [[[[[[[[[[[[[[1]]]]]]]]]]]]]]) }", "}", 48),
    ];
    let small = thread::Builder::new().stack_size(WORKER_STACK / 2).spawn(move || {
        for query in deepest {
            match admit(&Limits::default(), &query) {
                Ok(document) => drop(document.clone()),
                Err(Refusal::Limit { limit, .. }) => assert_eq!(limit, "depth"),
                Err(other) => panic!("{other}: {query}"),
            }
        }
        for (query, _) in attacks() {
            refused(&query);
        }
    });
    small.unwrap().join().unwrap();
}

#[test]
fn the_usual_introspection_query_is_admitted() {
    admitted(INTROSPECTION);
}

#[test]
fn what_people_ask_is_admitted() {
    admitted(
        "query Card($id: ID!) {
          deal(by: { id: $id }) {
            name amount { amount currency } owner { name }
            project { health financials { invoiced { amount } } tickets { edges { node { subject owner { name } } } } }
          }
        }",
    );
    admitted(r#"{ a(x: "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[") }"#);
    admitted(&format!("{{ a # {}\n}}", "{".repeat(500)));
    admitted(&format!("{{ a(x: \"\"\"{} \\\"\"\" {}\"\"\") }}", "[".repeat(200), "{".repeat(200)));
    // One fragment, spread wherever it is needed.
    admitted("{ a { ...M } b { ...M } c { ...M ...M } } fragment M on Money { amount currency }");
}

#[test]
fn graphiqls_ready_made_queries_are_admitted() {
    let tabs = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/web/src/tabs")).unwrap();
    let queries = tabs.map(|entry| entry.unwrap().path()).filter(|path| path.extension() == Some("graphql".as_ref()));
    let queries: Vec<_> = queries.map(|path| std::fs::read_to_string(path).unwrap()).collect();
    assert!(queries.len() >= 5);
    for query in &queries {
        admitted(query);
    }
}

#[test]
fn each_limit_admits_its_value_and_refuses_one_more() {
    let exact: [(Limits, &str, &str); 6] = [
        (Limits { depth: 3, ..Limits::default() }, "{ a { b { c } } }", "{ a { b { c { d } } } }"),
        (Limits { aliases: 1, ..Limits::default() }, "{ x: a }", "{ x: a y: b }"),
        (Limits { tokens: 4, ..Limits::default() }, "{ a b }", "{ a b c }"),
        (Limits { nesting: 2, ..Limits::default() }, "{ a(x: 1) }", "{ a(x: [1]) }"),
        (
            Limits { selections: 3, ..Limits::default() },
            "{ ...F } fragment F on Q { a b }",
            "{ a ...F } fragment F on Q { a b }",
        ),
        (Limits { root_fields: 2, ..Limits::default() }, "{ a ... { b } }", "{ a ... { b c } }"),
    ];
    for (limits, within, beyond) in exact {
        assert!(admit(&limits, within).is_ok(), "{within}");
        assert!(matches!(admit(&limits, beyond), Err(Refusal::Limit { .. })), "{beyond}");
    }
}

#[test]
fn a_limit_that_is_only_measured_admits_what_is_over_it_and_says_by_how_much() {
    let only = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let limits = Limits { measure_only: only(&["depth", "aliases", "root_fields"]), ..Limits::default() };
    let (_, exceeded) = gauged(&limits, "{ a { b } }").unwrap();
    assert_eq!(exceeded, []);
    let deep = nested("{ a ", "{ b }", "}", 14);
    let query =
        format!("query A {} query B {{ a {} }} query C {{ {} }}", deep, deep, many(31, |n| format!("a{n}: a ")));
    let (_, mut exceeded) = gauged(&limits, &query).unwrap();
    exceeded.sort_by_key(|excess| excess.limit);
    assert_eq!(
        exceeded,
        [
            Excess { limit: "aliases", allowed: 30, measured: 31 },
            Excess { limit: "depth", allowed: 12, measured: 16 },
            Excess { limit: "root_fields", allowed: 20, measured: 31 },
        ]
    );
    // The others hold.
    for query in [bomb(2, 31), format!("{{ {} }}", "a @x ".repeat(51))] {
        assert!(matches!(gauged(&limits, &query), Err(Refusal::Limit { .. })), "{query}");
    }
}

#[test]
fn no_limit_that_is_only_measured_lets_an_attack_through_to_what_it_takes_down() {
    let measure_only = ["aliases", "depth", "directives", "fragments", "operations", "root_fields", "tokens"];
    let limits = Limits { measure_only: measure_only.map(str::to_owned).into(), ..Limits::default() };
    let small = thread::Builder::new().stack_size(WORKER_STACK / 2).spawn(move || {
        for (query, limit) in attacks() {
            let start = Instant::now();
            match gauged(&limits, &query) {
                Ok((_, exceeded)) => assert!(exceeded.iter().any(|excess| excess.limit == limit), "{limit}"),
                Err(Refusal::Limit { limit, .. }) => assert!(!limits.only_measures(limit), "{limit}"),
                Err(_) => {}
            }
            assert!(start.elapsed() < Duration::from_secs(2), "{limit}");
        }
    });
    small.unwrap().join().unwrap();
}

#[test]
fn a_refusal_names_the_limit_its_value_and_what_was_measured() {
    let refusal = refused(&format!("query Q {{ {} }}", many(25, |n| format!("a{n} "))));
    let error = async_graphql::ServerError::from(refusal);
    let json = serde_json::to_value(&error).unwrap();
    assert_eq!(json["message"], "The query is too large: root_fields is limited to 20 and this has 25.");
    assert_eq!(json["locations"], serde_json::json!([{ "line": 1, "column": 1 }]));
    assert_eq!(
        json["extensions"],
        serde_json::json!({ "code": "QUERY_TOO_COMPLEX", "limit": "root_fields", "allowed": 20, "measured": 25 })
    );
}

#[test]
fn a_syntax_error_says_what_and_where_but_does_not_repeat_the_query() {
    let refusal = refused("{ deal(by: { id: 7 ) { canary } }");
    let Refusal::Syntax { message, locations } = &refusal else { panic!("{refusal:?}") };
    assert!(message.starts_with("Syntax error: expected"), "{message}");
    assert!(!message.contains("canary") && !message.contains('\n'), "{message}");
    assert_eq!((locations[0].line, locations[0].column), (1, 20));
    assert_eq!(refused_for(""), "GRAPHQL_PARSE_FAILED");
    assert_eq!(refused_for("fragment F on Query { a }"), "GRAPHQL_PARSE_FAILED");
    assert_eq!(refused_for("{ a } { b }"), "GRAPHQL_PARSE_FAILED");
}

/// Fills the fragments in, as a validator that does not remember would, up to `most` selections.
fn filled_in(document: &ExecutableDocument, most: usize) -> usize {
    use async_graphql::parser::types::{Selection, SelectionSet};
    fn count(document: &ExecutableDocument, set: &SelectionSet, most: usize) -> usize {
        let mut sum = 0;
        for selection in &set.items {
            sum += 1 + match &selection.node {
                Selection::Field(field) => count(document, &field.node.selection_set.node, most),
                Selection::InlineFragment(inline) => count(document, &inline.node.selection_set.node, most),
                Selection::FragmentSpread(spread) => document
                    .fragments
                    .get(&spread.node.fragment_name.node)
                    .map_or(0, |fragment| count(document, &fragment.node.selection_set.node, most)),
            };
            assert!(sum <= most, "more than {most} selections");
        }
        sum
    }
    document.operations.iter().map(|(_, operation)| count(document, &operation.node.selection_set.node, most)).sum()
}

/// Documents made of the parts that matter, most of them well-formed.
fn documents() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        "[a-c]".prop_map(|name| name),
        "[a-c]: [a-c]".prop_map(|name| name),
        (0..6_usize).prop_map(|n| format!("...F{n}")),
        Just("a(x: \"[[[\\\"{{\")".to_owned()),
        Just("a(x: \"\"\"{{[[ \\\"\"\" \"\"\")".to_owned()),
        Just("b @x".to_owned()),
    ];
    let set = prop::collection::vec(leaf, 1..6).prop_map(|all| format!("{{ {} }}", all.join(" "))).prop_recursive(
        6,
        40,
        5,
        |inner| {
            prop::collection::vec((prop_oneof![Just("a"), Just("... on Q"), Just("...")], inner), 1..5).prop_map(
                |all| {
                    let all: Vec<String> = all.into_iter().map(|(head, set)| format!("{head} {set}")).collect();
                    format!("{{ {} }}", all.join(" "))
                },
            )
        },
    );
    prop::collection::vec(set, 1..8).prop_map(|sets| {
        let fragments = many(sets.len() - 1, |n| format!(" fragment F{n} on Q {}", sets[n + 1]));
        format!("{}{fragments}", sets[0])
    })
}

proptest! {
    #[test]
    fn whatever_is_admitted_parses_and_is_within_the_limits(query in documents()) {
        let limits = Limits { selections: 200, ..Limits::default() };
        match admit(&limits, &query) {
            Ok(document) => {
                prop_assert!(parser::parse_query(&query).is_ok());
                prop_assert!(filled_in(&document, limits.selections) <= limits.selections);
            }
            Err(Refusal::Syntax { .. }) => prop_assert!(parser::parse_query(&query).is_err()),
            Err(_) => {}
        }
    }

    #[test]
    fn any_text_is_answered(query in any::<String>()) {
        let admitted = admit(&Limits::default(), &query);
        prop_assert!(admitted.is_err() || parser::parse_query(&query).is_ok());
    }

    #[test]
    fn any_text_of_graphqls_own_signs_is_answered(query in "[{}()\\[\\]\"\\\\#\n a:.$@!=|&0\u{feff}\u{e9}]{0,400}") {
        let admitted = admit(&Limits::default(), &query);
        prop_assert!(admitted.is_err() || parser::parse_query(&query).is_ok());
    }

    #[test]
    fn brackets_inside_a_text_do_not_count(inside in "[\\[\\]{}()#,. a-z]{0,300}") {
        admitted(&format!("{{ a(x: \"{inside}\", y: \"\"\"{inside}\"\"\") }}"));
    }
}
