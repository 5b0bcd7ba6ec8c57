//! The document, measured with its fragments filled in, without filling them in: each definition is walked once, and
//! what a fragment adds is computed once and reused wherever it is spread. Sums saturate. Nothing here recurses.

use std::collections::HashMap;

use async_graphql::parser::types::{Directive, ExecutableDocument, Selection, SelectionSet};
use async_graphql::{Pos, Positioned};

use super::Refusal;
use super::gauge::Gauge;

/// Lists of introspection in one another, as in graphql-js's `MaxIntrospectionDepthRule`. The usual introspection query
/// has one; each further one multiplies the answer by the schema's size.
const INTROSPECTION_LISTS: usize = 2;

/// `__schema` and `__type` in one document. The usual introspection query has one; the answer to each is large.
const INTROSPECTION_FIELDS: usize = 4;

/// Refuses a document that is over one of the limits.
pub(super) fn admit(gauge: &mut Gauge<'_>, document: &ExecutableDocument) -> Result<(), Refusal> {
    let limits = gauge.limits;
    gauge.check("operations", limits.operations, document.operations.iter().count())?;
    gauge.check("fragments", limits.fragments, document.fragments.len())?;

    let mut counts = Counts::default();
    let mut definitions = Vec::new();
    let mut index = HashMap::new();
    for (name, fragment) in &document.fragments {
        counts.directives(&fragment.node.directives);
        index.insert(name.as_str(), definitions.len());
        definitions.push(Definition::walk(Some(name), fragment.pos, &fragment.node.selection_set.node, &mut counts));
    }
    for (_, operation) in document.operations.iter() {
        counts.directives(&operation.node.directives);
        for variable in &operation.node.variable_definitions {
            counts.directives(&variable.node.directives);
        }
        definitions.push(Definition::walk(None, operation.pos, &operation.node.selection_set.node, &mut counts));
    }
    gauge.check("aliases", limits.aliases, counts.aliases)?;
    gauge.check("directives", limits.directives, counts.directives)?;
    gauge.check("introspection fields", INTROSPECTION_FIELDS, counts.introspection)?;

    let sizes = fill_in(&definitions, &index)?;
    let mut selections = 0_usize;
    for (definition, size) in definitions.iter().zip(&sizes) {
        let mut check = |limit, allowed, measured| {
            gauge.check(limit, allowed, measured).map_err(|refusal| refusal.at(definition.position))
        };
        // Validation walks fragments that nothing spreads, too.
        check("selections", limits.selections, size.selections)?;
        check("nesting", limits.nesting, size.levels)?;
        if definition.fragment.is_none() {
            selections = selections.saturating_add(size.selections);
            check("depth", limits.depth, size.depth)?;
            check("root_fields", limits.root_fields, size.root_fields)?;
            check("introspection lists in one another", INTROSPECTION_LISTS, size.lists)?;
        }
    }
    gauge.check("selections", limits.selections, selections)
}

/// What is counted in the document as it is written.
#[derive(Default)]
struct Counts {
    aliases: usize,
    directives: usize,
    introspection: usize,
}

impl Counts {
    fn directives(&mut self, directives: &[Positioned<Directive>]) {
        self.directives += directives.len();
    }
}

/// The size of a definition: as written, or with its fragments filled in.
#[derive(Debug, Clone, Copy, Default)]
struct Size {
    /// Fields, spreads and inline fragments.
    selections: usize,
    /// Selection sets in one another.
    levels: usize,
    /// Fields in one another, outside introspection.
    depth: usize,
    /// Fields at the root.
    root_fields: usize,
    /// Introspection's lists in one another, below a `__schema` or `__type`.
    lists: usize,
    /// The same if all of the definition stood below a `__schema` or `__type`.
    lists_inside: usize,
}

/// An operation or a fragment.
struct Definition<'a> {
    /// The fragment's name; None for an operation.
    fragment: Option<&'a str>,
    position: Pos,
    written: Size,
    spreads: Vec<Spread<'a>>,
}

/// A place where a fragment is to be filled in.
struct Spread<'a> {
    fragment: &'a str,
    place: Place,
}

/// Where a selection stands in its definition.
#[derive(Clone, Copy, Default)]
struct Place {
    depth: usize,
    levels: usize,
    lists: usize,
    lists_inside: usize,
    introspection: bool,
}

impl<'a> Definition<'a> {
    fn walk(fragment: Option<&'a str>, position: Pos, root: &'a SelectionSet, counts: &mut Counts) -> Self {
        let mut written = Size::default();
        let mut spreads = Vec::new();
        let mut open = vec![(root, Place { levels: 1, ..Place::default() })];
        while let Some((set, place)) = open.pop() {
            written.levels = written.levels.max(place.levels);
            written.selections += set.items.len();
            for selection in &set.items {
                counts.directives(selection.node.directives());
                match &selection.node {
                    Selection::Field(field) => {
                        let name = field.node.name.node.as_str();
                        let introspects = matches!(name, "__schema" | "__type");
                        counts.aliases += usize::from(field.node.alias.is_some());
                        counts.introspection += usize::from(introspects);
                        let introspection = place.introspection || introspects;
                        let list =
                            usize::from(matches!(name, "fields" | "inputFields" | "interfaces" | "possibleTypes"));
                        let here = Place {
                            depth: place.depth + usize::from(!introspection),
                            levels: place.levels + 1,
                            lists: place.lists + if introspection { list } else { 0 },
                            lists_inside: place.lists_inside + list,
                            introspection,
                        };
                        written.root_fields += usize::from(place.depth == 0 && !place.introspection);
                        written.depth = written.depth.max(here.depth);
                        written.lists = written.lists.max(here.lists);
                        written.lists_inside = written.lists_inside.max(here.lists_inside);
                        if !field.node.selection_set.node.items.is_empty() {
                            open.push((&field.node.selection_set.node, here));
                        }
                    }
                    Selection::InlineFragment(inline) => {
                        open.push((&inline.node.selection_set.node, Place { levels: place.levels + 1, ..place }));
                    }
                    Selection::FragmentSpread(spread) => {
                        spreads.push(Spread { fragment: spread.node.fragment_name.node.as_str(), place });
                    }
                }
            }
        }
        Self { fragment, position, written, spreads }
    }

    /// The size with the fragments filled in, whose own sizes are known by then.
    fn filled_in(&self, index: &HashMap<&str, usize>, sizes: &[Option<Size>]) -> Size {
        let mut size = self.written;
        for Spread { fragment, place } in &self.spreads {
            // A fragment that does not exist is for the validation to report.
            let Some(inner) = index.get(fragment).and_then(|at| sizes.get(*at).copied().flatten()) else { continue };
            size.selections = size.selections.saturating_add(inner.selections);
            size.levels = size.levels.max(place.levels.saturating_add(inner.levels));
            size.lists_inside = size.lists_inside.max(place.lists_inside.saturating_add(inner.lists_inside));
            if place.introspection {
                size.lists = size.lists.max(place.lists.saturating_add(inner.lists_inside));
            } else {
                size.lists = size.lists.max(inner.lists);
                size.depth = size.depth.max(place.depth.saturating_add(inner.depth));
                if place.depth == 0 {
                    size.root_fields = size.root_fields.saturating_add(inner.root_fields);
                }
            }
        }
        size
    }
}

/// The size of each definition with its fragments filled in, innermost first.
fn fill_in(definitions: &[Definition<'_>], index: &HashMap<&str, usize>) -> Result<Vec<Size>, Refusal> {
    let mut sizes: Vec<Option<Size>> = vec![None; definitions.len()];
    let mut entered = vec![false; definitions.len()];
    for start in 0..definitions.len() {
        // The definitions being filled in, each with its next spread to look at.
        let mut path = vec![(start, 0)];
        while let Some((at, next)) = path.last_mut() {
            let at = *at;
            let Some(definition) = definitions.get(at) else { break };
            if sizes.get(at).is_some_and(Option::is_some) {
                path.pop();
                continue;
            }
            set(&mut entered, at, true);
            let Some(spread) = definition.spreads.get(*next) else {
                let size = definition.filled_in(index, &sizes);
                set(&mut sizes, at, Some(size));
                path.pop();
                continue;
            };
            *next += 1;
            let Some(inner) = index.get(spread.fragment).copied() else { continue };
            if sizes.get(inner).is_some_and(Option::is_some) {
                continue;
            }
            if entered.get(inner).copied().unwrap_or_default() {
                let location = definitions.get(inner).map_or(definition.position, |inner| inner.position);
                return Err(Refusal::Cycle { fragment: spread.fragment.to_owned(), location });
            }
            path.push((inner, 0));
        }
    }
    Ok(sizes.into_iter().map(Option::unwrap_or_default).collect())
}

fn set<T>(values: &mut [T], at: usize, value: T) {
    if let Some(slot) = values.get_mut(at) {
        *slot = value;
    }
}
