//! What is selected, looked at once for all rows: fragments filled in, fields of one key brought together.

use std::collections::{BTreeMap, HashMap};
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use async_graphql::parser::types::{
    ExecutableDocument, Field, FragmentDefinition, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{
    Context, ContextBase, ContextSelectionSet, Name, Pos, Positioned, QueryPathNode, QueryPathSegment, Value,
};

use super::Json;
use super::json::ResponseKey;
use crate::graph::guard::Given;
use crate::graph::mask::is_marked;

/// The place of a field that was not looked for.
const UNKNOWN: u8 = u8::MAX;

/// The fragments of a document.
pub(in crate::graph) type Fragments = HashMap<Name, Positioned<FragmentDefinition>>;

/// A field as it stands in the document, without what is below it: one for all the places to which fragments bring it, which
/// may be thousands.
#[derive(Debug)]
struct Standing {
    /// Its key in the answer.
    key: ResponseKey,
    field: Field,
    position: Pos,
}

impl Standing {
    fn new(Positioned { pos, node }: &Positioned<Field>) -> Self {
        let key = ResponseKey::new(&node.response_key().node);
        let (alias, name) = (node.alias.clone(), node.name.clone());
        let (arguments, directives) = (node.arguments.clone(), node.directives.clone());
        let field = Field { alias, name, arguments, directives, selection_set: Positioned::default() };
        Self { key, field, position: *pos }
    }
}

/// A field that is selected.
#[derive(Debug)]
pub(in crate::graph) struct Selected {
    /// What is selected below it.
    pub(in crate::graph) below: Vec<Self>,
    /// The field where it stands first.
    first: Arc<Standing>,
    /// Its place among the fields that its object knows to write; [`UNKNOWN`] until it was looked for.
    place: AtomicU8,
    /// Whether it stands in the document more than once, so that no single place tells all that is selected below it.
    merged: bool,
    /// Whether it is null for this viewer: see [`mask`](crate::graph::mask).
    pub(super) masked: bool,
}

impl Selected {
    /// Its key in the answer.
    pub(super) fn key(&self) -> &ResponseKey {
        &self.first.key
    }

    fn response_key(&self) -> &Name {
        &self.first.field.response_key().node
    }

    /// Its name in the schema.
    pub(in crate::graph) fn name(&self) -> &str {
        &self.first.field.name.node
    }

    /// Where it stands in the document; none if in several places that differ.
    pub(super) fn position(&self) -> Option<Pos> {
        (!self.merged || self.below.is_empty()).then_some(self.first.position)
    }

    /// Its place among the fields that an object knows to write, looked for once for all rows; past the end if it does not
    /// know the field.
    pub(in crate::graph) fn place(&self, fields: &[&str]) -> usize {
        let known = self.place.load(Ordering::Relaxed);
        if known != UNKNOWN {
            return usize::from(known);
        }
        let place = fields.iter().position(|name| *name == self.name()).unwrap_or(fields.len());
        self.place.store(u8::try_from(place).unwrap_or(UNKNOWN), Ordering::Relaxed);
        place
    }

    /// The value of an argument; none if it is not there.
    pub(in crate::graph) fn argument(&self, name: &str, given: Given<'_>) -> Option<Value> {
        given.argument(&self.first.field, name)
    }

    /// What is selected on the items of a list, by either way to them.
    pub(in crate::graph) fn rows(list: &[Self]) -> Vec<&Self> {
        let by = |name: &'static str| list.iter().filter(move |field| field.name() == name);
        let nodes = by("nodes").flat_map(|nodes| &nodes.below);
        let edges = by("edges").flat_map(|edges| &edges.below).filter(|field| field.name() == "node");
        nodes.chain(edges.flat_map(|node| &node.below)).collect()
    }

    /// Whether it has arguments.
    pub(in crate::graph) fn has_arguments(&self) -> bool {
        !self.first.field.arguments.is_empty()
    }
}

/// What an operation selects: which keys its answer has, in which order, and what of it is masked.
#[derive(Debug)]
pub struct Selections {
    roots: Vec<Selected>,
    /// Whether some of it is selected or not as the request has it, by `@skip` or `@include`.
    conditional: bool,
}

impl Selections {
    /// Of an operation. The document has passed the guard, so that it neither nests without end nor is large once its
    /// fragments are filled in.
    pub fn of(document: &ExecutableDocument, operation: &OperationDefinition) -> Self {
        let root = &operation.selection_set.node;
        let mut sets = document.fragments.values().map(|fragment| &fragment.node.selection_set.node).chain([root]);
        Self { conditional: sets.any(is_conditional), roots: select_from(&document.fragments, root) }
    }

    /// How many fields are selected at the root.
    pub fn fields(&self) -> usize {
        self.roots.len()
    }

    /// Whether all fields at the root are null for this viewer.
    pub fn is_masked(&self) -> bool {
        self.roots.iter().all(|root| root.masked)
    }

    /// Whether it tells all that is selected below each root, for whoever asks.
    pub(super) fn stand_alone(&self) -> bool {
        !self.conditional && self.roots.iter().all(|root| !root.merged)
    }

    /// How much memory it takes beside what is there once for each field of the document, in bytes.
    pub fn weight(&self) -> usize {
        fn count(fields: &[Selected]) -> usize {
            fields.iter().map(|field| 1 + count(&field.below)).sum()
        }
        count(&self.roots) * size_of::<Selected>()
    }

    /// Writes an answer in the order of what is selected, which async-graphql does not keep.
    pub fn write(&self, data: &Value, json: &mut Json) {
        write_in_order(data, &self.roots, json);
    }

    /// The root field that a path leads to; none if it leads further, or if each request has to look itself.
    fn root(&self, path: Option<&QueryPathNode<'_>>) -> Option<&Selected> {
        let Some(QueryPathNode { parent: None, segment: QueryPathSegment::Name(key) }) = path else { return None };
        self.roots.iter().find(|root| root.response_key() == *key).filter(|_| !self.conditional)
    }
}

/// Whether a directive in a selection set, or below it, says what of it is selected.
fn is_conditional(set: &SelectionSet) -> bool {
    set.items.iter().any(|selection| {
        let (directives, below) = match &selection.node {
            Selection::Field(field) => (&field.node.directives, Some(&field.node.selection_set)),
            Selection::InlineFragment(inline) => (&inline.node.directives, Some(&inline.node.selection_set)),
            Selection::FragmentSpread(spread) => (&spread.node.directives, None),
        };
        let says = |name: &str| name == "skip" || name == "include";
        directives.iter().any(|directive| says(&directive.node.name.node))
            || below.is_some_and(|set| is_conditional(&set.node))
    })
}

/// What is selected below a field.
pub(in crate::graph) enum Below<'a> {
    /// It was known before.
    Known(&'a [Selected]),
    /// It was looked for.
    Found(Vec<Selected>),
}

impl Deref for Below<'_> {
    type Target = [Selected];

    fn deref(&self) -> &[Selected] {
        match self {
            Self::Known(selected) => selected,
            Self::Found(selected) => selected,
        }
    }
}

/// The root field of a context, if what its operation selects was looked at before.
fn known<'a, T>(ctx: &ContextBase<'a, T>) -> Option<&'a Selected> {
    ctx.data_opt::<Arc<Selections>>()?.root(ctx.path_node.as_ref())
}

/// The root field of a context, if its operation has no other.
pub(super) fn only_root<'a, T>(ctx: &ContextBase<'a, T>) -> Option<&'a Selected> {
    let all = ctx.data_opt::<Arc<Selections>>()?;
    all.root(ctx.path_node.as_ref()).filter(|_| all.roots.len() == 1)
}

/// What is selected of an object; none if it is asked for in several places of the document: async-graphql resolves each by
/// itself, and brings together only what is not written yet.
pub(super) fn select<'a>(ctx: &ContextSelectionSet<'a>) -> Option<Below<'a>> {
    match known(ctx) {
        Some(root) => (!root.merged).then_some(Below::Known(&root.below)),
        None => stands_once(ctx).then(|| Below::Found(select_from(&ctx.query_env.fragments, &ctx.item.node))),
    }
}

/// Whether one field alone leads to an object.
fn stands_once(ctx: &ContextSelectionSet<'_>) -> bool {
    let mut path = Vec::new();
    let mut node = ctx.path_node.as_ref();
    while let Some(QueryPathNode { parent, segment }) = node {
        if let QueryPathSegment::Name(key) = segment {
            path.push(*key);
        }
        node = *parent;
    }
    let mut set = &ctx.query_env.operation.node.selection_set.node;
    for key in path.into_iter().rev() {
        let fields = fields_of(&ctx.query_env.fragments, set);
        let mut leads = fields.into_iter().filter(|field| field.node.response_key().node == key);
        let (Some(field), None) = (leads.next(), leads.next()) else { return false };
        set = &field.node.selection_set.node;
    }
    true
}

/// What is selected below a field, in all places of the document in which it is asked for, as far as is known.
pub(in crate::graph) fn select_below<'a>(ctx: &Context<'a>) -> Below<'a> {
    let set = &ctx.item.node.selection_set.node;
    known(ctx)
        .map_or_else(|| Below::Found(select_from(&ctx.query_env.fragments, set)), |root| Below::Known(&root.below))
}

/// What a selection set selects.
pub(in crate::graph) fn select_from(fragments: &Fragments, set: &SelectionSet) -> Vec<Selected> {
    let mut fields = Vec::with_capacity(set.items.len());
    Selecting { fragments, standing: HashMap::new() }.add(set, &mut fields);
    fields
}

/// The fields of a selection set, each as often as it stands there, and nothing of what is below them. Fragments are filled in
/// whatever type they are for: on an object, those that are valid apply.
pub(in crate::graph) fn fields_of<'a>(fragments: &'a Fragments, set: &'a SelectionSet) -> Vec<&'a Positioned<Field>> {
    let mut fields = Vec::with_capacity(set.items.len());
    for selection in &set.items {
        match &selection.node {
            Selection::Field(field) => fields.push(field),
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

/// The fields of a selection set and of all below it, by where they stand in the document.
pub(super) fn by_position<'a>(fragments: &'a Fragments, set: &'a SelectionSet) -> BTreeMap<Pos, &'a Positioned<Field>> {
    fn add<'a>(fragments: &'a Fragments, set: &'a SelectionSet, fields: &mut BTreeMap<Pos, &'a Positioned<Field>>) {
        for field in fields_of(fragments, set) {
            fields.insert(field.pos, field);
            add(fragments, &field.node.selection_set.node, fields);
        }
    }
    let mut fields = BTreeMap::new();
    add(fragments, set, &mut fields);
    fields
}

/// A document that is looked at.
struct Selecting<'a> {
    fragments: &'a Fragments,
    standing: HashMap<Pos, Arc<Standing>>,
}

impl Selecting<'_> {
    fn add(&mut self, set: &SelectionSet, fields: &mut Vec<Selected>) {
        for field in fields_of(self.fragments, set) {
            let (key, set) = (&field.node.response_key().node, &field.node.selection_set.node);
            if let Some(known) = fields.iter_mut().find(|known| known.response_key() == key) {
                known.merged = true;
                known.masked |= is_marked(&field.node);
                self.add(set, &mut known.below);
                continue;
            }
            let mut below = Vec::with_capacity(set.items.len());
            self.add(set, &mut below);
            fields.push(Selected {
                below,
                first: Arc::clone(self.standing.entry(field.pos).or_insert_with(|| Arc::new(Standing::new(field)))),
                place: AtomicU8::new(UNKNOWN),
                merged: false,
                masked: is_marked(&field.node),
            });
        }
    }
}

/// Writes a value with the fields of its objects in the order in which they are selected.
pub(super) fn write_in_order(value: &Value, fields: &[Selected], json: &mut Json) {
    match value {
        Value::Object(object) => {
            let (start, mut told) = (json.length(), 0);
            for field in fields {
                let Some(value) = object.get(field.response_key()) else { continue };
                told += 1;
                json.key(field.key());
                if field.masked {
                    json.null();
                } else {
                    write_in_order(value, &field.below, json);
                }
            }
            // What is there without being selected is told all the same, behind the rest.
            if told < object.len() {
                let is_selected = |key: &Name| fields.iter().any(|field| field.response_key() == key);
                for (key, value) in object.iter().filter(|(key, _)| !is_selected(key)) {
                    json.key(&ResponseKey::new(key));
                    json.value(value);
                }
            }
            json.open(start);
            json.byte(b'}');
        }
        Value::List(items) => json.list(items, |json, item| write_in_order(item, fields, json)),
        value => json.value(value),
    }
}
