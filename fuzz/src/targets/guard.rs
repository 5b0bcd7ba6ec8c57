//! The query guard, held against a count that fills fragments in one by one: what it admits is within the limits, what it refuses is
//! beyond the one that it names.

use std::sync::LazyLock;

use async_graphql::parser::parse_query;
use async_graphql::parser::types::{ExecutableDocument, Selection, SelectionSet};
use spine::config::Limits;
use spine::graph::guard::{self, Refusal};

/// Small, so that short texts come near them; the count by hand is slow.
static LIMITS: LazyLock<Limits> = LazyLock::new(|| Limits {
    query_bytes: 4096,
    tokens: 600,
    nesting: 24,
    selections: 200,
    depth: 8,
    root_fields: 10,
    aliases: 8,
    directives: 8,
    operations: 4,
    fragments: 8,
    ..Limits::default()
});

/// What the definitions of a document have, with their fragments filled in. It stops counting far beyond the limits.
#[derive(Default)]
struct Count {
    selections: usize,
    depth: usize,
    root_fields: usize,
    steps: usize,
}

/// Beyond this the count by hand says no more.
const ENOUGH: usize = 100_000;

impl Count {
    fn set(
        &mut self,
        document: &ExecutableDocument,
        set: &SelectionSet,
        depth: usize,
        introspects: bool,
        levels: usize,
    ) {
        for selection in &set.items {
            self.steps += 1;
            if self.steps > ENOUGH || levels > 200 {
                self.steps = ENOUGH + 1;
                return;
            }
            self.selections += 1;
            match &selection.node {
                Selection::Field(field) => {
                    let name = field.node.name.node.as_str();
                    let inside = introspects || matches!(name, "__schema" | "__type");
                    self.root_fields += usize::from(depth == 0 && !introspects);
                    let below = depth + usize::from(!inside);
                    self.depth = self.depth.max(below);
                    self.set(document, &field.node.selection_set.node, below, inside, levels + 1);
                }
                Selection::InlineFragment(inline) => {
                    self.set(document, &inline.node.selection_set.node, depth, introspects, levels + 1);
                }
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                        self.set(document, &fragment.node.selection_set.node, depth, introspects, levels + 1);
                    }
                }
            }
        }
    }
}

/// Looks at one input.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    match guard::gauged(&LIMITS, text) {
        Ok((document, exceeded)) => {
            assert!(exceeded.is_empty(), "nothing is only measured");
            assert!(text.len() <= LIMITS.query_bytes);
            assert!(parse_query(text).is_ok(), "what is admitted is GraphQL");
            for (_, operation) in document.operations.iter() {
                let mut count = Count::default();
                count.set(&document, &operation.node.selection_set.node, 0, false, 1);
                assert!(count.steps <= ENOUGH, "an operation that is admitted can be walked");
                assert!(count.selections <= LIMITS.selections, "{} selections", count.selections);
                assert!(count.depth <= LIMITS.depth, "depth {}", count.depth);
                assert!(count.root_fields <= LIMITS.root_fields, "{} root fields", count.root_fields);
            }
        }
        Err(refusal) => {
            assert!(!refusal.to_string().is_empty() && !refusal.code().is_empty());
            match refusal {
                Refusal::Limit { limit, allowed, measured, .. } => {
                    assert!(measured > allowed, "{limit}: {measured} of {allowed}");
                }
                Refusal::Syntax { locations, .. } => {
                    let lines = text.split(['\n', '\r']).count();
                    assert!(locations.iter().all(|at| at.line >= 1 && at.line <= lines), "{locations:?}");
                }
                Refusal::Variable { .. } => panic!("nobody asked about variables"),
                Refusal::Cycle { fragment, .. } => assert!(text.contains(&fragment)),
            }
        }
    }
}
