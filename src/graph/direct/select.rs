//! What is selected, looked at once for all rows: fragments filled in, fields of one key brought together.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, Ordering};

use async_graphql::parser::types::{Field, FragmentDefinition, Selection, SelectionSet};
use async_graphql::{Context, ContextSelectionSet, Name, Positioned, Value};

use super::Json;
use crate::graph::guard::Given;
use crate::graph::mask::is_marked;

/// The place of a field that was not looked for.
const UNKNOWN: u8 = u8::MAX;

/// The fragments of a document.
pub(in crate::graph) type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// A field that is selected.
#[derive(Debug)]
pub(in crate::graph) struct Selected<'a> {
    /// Its key in the answer, as JSON, with the colon.
    pub(super) key: Vec<u8>,
    /// Its name in the schema.
    pub(in crate::graph) name: &'a str,
    /// What is selected below it.
    pub(in crate::graph) below: Vec<Self>,
    /// Its place among the fields that its object knows to write; [`UNKNOWN`] until it was looked for.
    place: AtomicU8,
    response_key: &'a str,
    field: &'a Positioned<Field>,
    /// Whether it stands in the document more than once, so that no single place tells all that is selected below it.
    merged: bool,
    /// Whether it is null for this viewer: see [`mask`](crate::graph::mask).
    pub(super) masked: bool,
}

impl<'a> Selected<'a> {
    /// The field as it stands in the document; none if it stands there more than once.
    pub(super) fn field(&self) -> Option<&'a Positioned<Field>> {
        (!self.merged || self.below.is_empty()).then_some(self.field)
    }

    /// Its place among the fields that an object knows to write, looked for once for all rows; past the end if it does not
    /// know the field.
    pub(in crate::graph) fn place(&self, fields: &[&str]) -> usize {
        let known = self.place.load(Ordering::Relaxed);
        if known != UNKNOWN {
            return usize::from(known);
        }
        let place = fields.iter().position(|name| *name == self.name).unwrap_or(fields.len());
        self.place.store(u8::try_from(place).unwrap_or(UNKNOWN), Ordering::Relaxed);
        place
    }

    /// The value of an argument; none if it is not there.
    pub(in crate::graph) fn argument(&self, name: &str, given: Given<'_>) -> Option<Value> {
        given.argument(&self.field.node, name)
    }

    /// What is selected on the items of a list, by either way to them.
    pub(in crate::graph) fn rows(list: &[Self]) -> Vec<&Self> {
        let by = |name: &'static str| list.iter().filter(move |field| field.name == name);
        let nodes = by("nodes").flat_map(|nodes| &nodes.below);
        let edges = by("edges").flat_map(|edges| &edges.below).filter(|field| field.name == "node");
        nodes.chain(edges.flat_map(|node| &node.below)).collect()
    }

    /// Whether it has arguments.
    pub(in crate::graph) fn has_arguments(&self) -> bool {
        !self.field.node.arguments.is_empty()
    }
}

/// What is selected of an object.
pub(super) fn select<'a>(ctx: &ContextSelectionSet<'a>) -> Vec<Selected<'a>> {
    select_from(&ctx.query_env.fragments, &ctx.item.node)
}

/// What is selected below a field.
pub(in crate::graph) fn select_below<'a>(ctx: &'a Context<'_>) -> Vec<Selected<'a>> {
    select_from(&ctx.query_env.fragments, &ctx.item.node.selection_set.node)
}

/// What a selection set selects.
pub(in crate::graph) fn select_from<'a>(fragments: &'a Fragments, set: &'a SelectionSet) -> Vec<Selected<'a>> {
    let mut fields = Vec::with_capacity(set.items.len());
    add(fragments, set, &mut fields);
    fields
}

/// The fields of a selection set, each as often as it stands there, and nothing of what is below them.
pub(in crate::graph) fn fields_of<'a>(fragments: &'a Fragments, set: &'a SelectionSet) -> Vec<&'a Field> {
    let mut fields = Vec::with_capacity(set.items.len());
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => fields.push(&field.node),
            Selection::InlineFragment(inline) => fields.extend(fields_of(fragments, &inline.node.selection_set.node)),
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = fragments.get(&spread.node.fragment_name.node) {
                    fields.extend(fields_of(fragments, &fragment.node.selection_set.node));
                }
            }
        }
    }
    fields
}

/// Fragments are filled in whatever type they are for: on an object, those that are valid apply.
fn add<'a>(fragments: &'a Fragments, set: &'a SelectionSet, fields: &mut Vec<Selected<'a>>) {
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => {
                let response_key = field.node.response_key().node.as_str();
                if let Some(known) = fields.iter_mut().find(|known| known.response_key == response_key) {
                    known.merged = true;
                    add(fragments, &field.node.selection_set.node, &mut known.below);
                    continue;
                }
                let mut key = Json::with_capacity(response_key.len() + 3);
                key.string(response_key);
                key.raw(b":");
                let below = select_from(fragments, &field.node.selection_set.node);
                fields.push(Selected {
                    key: key.into_bytes(),
                    name: field.node.name.node.as_str(),
                    below,
                    place: AtomicU8::new(UNKNOWN),
                    response_key,
                    field,
                    merged: false,
                    masked: is_marked(&field.node),
                });
            }
            Selection::InlineFragment(inline) => add(fragments, &inline.node.selection_set.node, fields),
            Selection::FragmentSpread(spread) => {
                if let Some(fragment) = fragments.get(&spread.node.fragment_name.node) {
                    add(fragments, &fragment.node.selection_set.node, fields);
                }
            }
        }
    }
}

/// Writes a value with the fields of its objects in the order in which they are selected, which async-graphql does not keep.
pub(super) fn write_in_order(value: &Value, fields: &[Selected<'_>], json: &mut Json) {
    match value {
        Value::Object(object) => {
            let present = fields.iter().filter_map(|field| Some((field, object.get(field.response_key)?)));
            json.object(present, |json, (field, value)| {
                json.raw(&field.key);
                if field.masked {
                    json.null();
                } else {
                    write_in_order(value, &field.below, json);
                }
            });
        }
        Value::List(items) => json.list(items, |json, item| write_in_order(item, fields, json)),
        value => json.value(value),
    }
}
