//! What a viewer may not see, taken out of the question before it is asked.
//!
//! A masked field is not resolved, not planned for and not fetched: in the document that is executed `__typename` stands in
//! its place, under its key and with a mark. Whoever writes the answer writes null where the mark is. So a mask holds by
//! whatever alias, fragment or path a field is asked for, and no resolver can forget it.

use std::collections::BTreeMap;

use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, Field, OperationDefinition, OperationType, Selection,
    SelectionSet,
};
use async_graphql::{ErrorExtensionValues, Name, PathSegment, Pos, Positioned, ServerError};

use super::errors::Code;
use super::needs::Fields;
use crate::access::View;
use crate::domain::Classes;

/// The mark of a masked field.
const MASKED: &str = "masked";

/// The root field by which other graphs look records up. It is not in the printed schema.
const ENTITIES: &str = "_entities";

/// Stands for all types of what introspection tells.
const OF_THE_SCHEMA: &str = "__Schema";

/// Knows the fields of the schema, and takes out of documents what a view does not show.
#[derive(Debug, Clone, Default)]
pub struct Masks(Fields);

/// A document without what a viewer may not see.
#[derive(Debug)]
pub struct Masked {
    /// What is to be executed. It is valid if the original was; the validator would not know the mark.
    pub document: ExecutableDocument,
    fields: BTreeMap<String, Place>,
}

/// Where a masked field is asked for the first time.
#[derive(Debug)]
struct Place {
    position: Pos,
    /// By the keys of the answer; none below a list, where it is in many places.
    path: Option<Vec<PathSegment>>,
}

impl Masks {
    pub(super) fn new(fields: Fields) -> Self {
        Self(fields)
    }

    /// An operation without what a view does not show; none if it shows all that is asked for.
    pub fn apply(&self, document: &ExecutableDocument, operation: &OperationDefinition, view: &View) -> Option<Masked> {
        if view.is_unmasked() && view.explore {
            return None;
        }
        let fields = self.look(document, operation, view).masked;
        if fields.is_empty() {
            return None;
        }
        let mut document = document.clone();
        let operations: Vec<_> = match &mut document.operations {
            DocumentOperations::Single(operation) => vec![operation],
            DocumentOperations::Multiple(operations) => operations.values_mut().collect(),
        };
        for operation in operations {
            self.take_out(root(operation.node.ty), &mut operation.node.selection_set.node, view);
        }
        for fragment in document.fragments.values_mut() {
            let of = fragment.node.type_condition.node.on.node.clone();
            self.take_out(&of, &mut fragment.node.selection_set.node, view);
        }
        Some(Masked { document, fields })
    }

    fn look<'a>(&'a self, document: &'a ExecutableDocument, of: &OperationDefinition, view: &'a View) -> Found<'a> {
        let mut found = Found { masks: self, view, document, masked: BTreeMap::new(), shown: Classes::default() };
        found.look(root(of.ty), &of.selection_set.node, Some(&[]));
        found
    }

    /// The classes of what an operation shows: of all that it asks for and a view does not mask.
    pub fn shown(&self, document: &ExecutableDocument, operation: &OperationDefinition, view: &View) -> Classes {
        self.look(document, operation, view).shown
    }

    /// The classes of some fields, by type and name.
    pub fn classes<'f>(&self, fields: impl IntoIterator<Item = &'f str>) -> Classes {
        let declared = fields.into_iter().filter_map(|field| {
            let (of, name) = field.split_once('.')?;
            self.0.get(of, name)
        });
        declared.fold(Classes::default(), |classes, declared| classes.and(declared.needs))
    }

    fn take_out(&self, of: &str, set: &mut SelectionSet, view: &View) {
        for selection in &mut set.items {
            match &mut selection.node {
                Selection::Field(field) if self.is_masked(of, &field.node, view) => mark(field),
                Selection::Field(field) => {
                    let below = self.below(of, &field.node);
                    self.take_out(below, &mut field.node.selection_set.node, view);
                }
                Selection::InlineFragment(inline) => {
                    let on = inline.node.type_condition.as_ref().map(|condition| condition.node.on.node.clone());
                    let of = on.as_ref().map_or(of, Name::as_str);
                    self.take_out(of, &mut inline.node.selection_set.node, view);
                }
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    /// A field of which nothing is known is masked: what the printed schema does not show must not be a way around it.
    fn is_masked(&self, of: &str, field: &Field, view: &View) -> bool {
        match field.name.node.as_str() {
            "__typename" | ENTITIES => false,
            "__schema" | "__type" | "_service" => !view.explore,
            _ if of == OF_THE_SCHEMA => false,
            name => self.0.get(of, name).is_none() || !view.may(&format!("{of}.{name}")),
        }
    }

    /// The type of a field.
    fn below<'t>(&'t self, of: &str, field: &Field) -> &'t str {
        match field.name.node.as_str() {
            "__schema" | "__type" | "_service" => OF_THE_SCHEMA,
            // A union: what is selected below it says of which type it is.
            ENTITIES => "_Entity",
            _ if of == OF_THE_SCHEMA => OF_THE_SCHEMA,
            name => self.0.get(of, name).map_or("", |declared| declared.type_name.as_str()),
        }
    }
}

/// Looks for what an operation asks for, fragments filled in.
struct Found<'a> {
    masks: &'a Masks,
    view: &'a View,
    document: &'a ExecutableDocument,
    /// The fields that are masked.
    masked: BTreeMap<String, Place>,
    /// The classes of the others.
    shown: Classes,
}

impl Found<'_> {
    fn look(&mut self, of: &str, set: &SelectionSet, path: Option<&[PathSegment]>) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => self.field(of, field, path),
                Selection::InlineFragment(inline) => {
                    let on = inline.node.type_condition.as_ref().map(|condition| condition.node.on.node.as_str());
                    self.look(on.unwrap_or(of), &inline.node.selection_set.node, path);
                }
                Selection::FragmentSpread(spread) => {
                    let document = self.document;
                    if let Some(fragment) = document.fragments.get(&spread.node.fragment_name.node) {
                        let on = fragment.node.type_condition.node.on.node.as_str();
                        self.look(on, &fragment.node.selection_set.node, path);
                    }
                }
            }
        }
    }

    fn field(&mut self, of: &str, field: &Positioned<Field>, path: Option<&[PathSegment]>) {
        let key = PathSegment::Field(field.node.response_key().node.to_string());
        let path = path.map(|path| path.iter().cloned().chain([key]).collect::<Vec<_>>());
        if self.masks.is_masked(of, &field.node, self.view) {
            let name = format!("{of}.{}", field.node.name.node);
            self.masked.entry(name).or_insert(Place { position: field.pos, path });
            return;
        }
        let declared = self.masks.0.get(of, &field.node.name.node);
        self.shown = self.shown.and(declared.map(|declared| declared.needs).unwrap_or_default());
        let is_list = declared.is_none_or(|declared| declared.is_list);
        let (masks, path) = (self.masks, path.filter(|_| !is_list));
        self.look(masks.below(of, &field.node), &field.node.selection_set.node, path.as_deref());
    }
}

impl Masked {
    /// One error for each field that is masked.
    pub fn errors(&self, view: &View) -> Vec<ServerError> {
        let error = |(field, place): (&String, &Place)| {
            let mut extensions = ErrorExtensionValues::default();
            extensions.set("code", Code::FieldMasked.as_str());
            extensions.set("field", field.as_str());
            extensions.set("retryable", false);
            let mut error = ServerError::new(message(field, view), Some(place.position));
            error.path = place.path.clone().unwrap_or_default();
            error.extensions = Some(extensions);
            error
        };
        self.fields.iter().map(error).collect()
    }

    /// The fields that are masked, as type and name.
    pub fn fields(&self) -> impl Iterator<Item = &str> {
        self.fields.keys().map(String::as_str)
    }
}

/// What somebody is told who asks for what their role does not show.
pub(super) fn message(what: &str, view: &View) -> String {
    match &view.role {
        Some(role) => format!("{what} is not shown in the role `{role}`"),
        None => format!("{what} is not shown"),
    }
}

/// Whether null is to be written in this field's place.
pub fn is_marked(field: &Field) -> bool {
    field.directives.iter().any(|directive| directive.node.name.node == MASKED)
}

fn mark(field: &mut Positioned<Field>) {
    let position = field.pos;
    let at = |name: &str| Positioned::new(Name::new(name), position);
    let node = &mut field.node;
    let key = node.response_key().clone();
    node.alias = Some(key);
    node.name = at("__typename");
    node.arguments.clear();
    node.selection_set.node.items.clear();
    // `@skip` and `@include` stay: what is not selected is not in the answer, masked or not.
    node.directives.push(Positioned::new(Directive { name: at(MASKED), arguments: Vec::new() }, position));
}

fn root(of: OperationType) -> &'static str {
    match of {
        OperationType::Query => "Query",
        OperationType::Mutation => "Mutation",
        OperationType::Subscription => "Subscription",
    }
}
