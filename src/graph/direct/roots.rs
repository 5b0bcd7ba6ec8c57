//! Documents without what is below their roots.
//!
//! async-graphql takes a document by value and goes through all of it for each request: copies it, looks for `@skip` in it, and
//! drops it in the end. Objects that write themselves look at none of it, because what is selected of them is known from the
//! request before ([`Selections`]). So they are asked for by their roots alone.

use std::collections::HashMap;

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Pos, Positioned, Response, Value};

use super::Selections;
use super::select::fields_of;

/// The roots whose objects and lists write themselves.
const WRITTEN: [&str; 5] = ["deal", "deals", "invoices", "project", "projects"];

/// An operation without what is below its roots; none if one of them needs to know that, or may have to. What it needs in the
/// data of its request: its [`Selections`], and the whole document, for the fields that are left to their resolvers.
pub fn roots_alone(
    document: &ExecutableDocument,
    (name, operation): (Option<&Name>, &Positioned<OperationDefinition>),
    selections: &Selections,
) -> Option<ExecutableDocument> {
    let fields = fields_of(&document.fragments, &operation.node.selection_set.node);
    let is_written = |field: &&Positioned<Field>| WRITTEN.contains(&field.node.name.node.as_str());
    if operation.node.ty != OperationType::Query || !selections.stand_alone() || !fields.iter().all(is_written) {
        return None;
    }
    let root = |field: &Positioned<Field>| {
        let Field { alias, name, arguments, directives, .. } = field.node.clone();
        bare(Field { alias, name, arguments, directives, selection_set: below(field.pos) }, field.pos)
    };
    let set = SelectionSet { items: fields.into_iter().map(root).collect() };
    let OperationDefinition { ty, variable_definitions, directives, selection_set } = &operation.node;
    let alone = OperationDefinition {
        ty: *ty,
        variable_definitions: variable_definitions.clone(),
        directives: directives.clone(),
        selection_set: Positioned::new(set, selection_set.pos),
    };
    let alone = Positioned::new(alone, operation.pos);
    let operations = match name {
        Some(name) => DocumentOperations::Multiple(HashMap::from([(name.clone(), alone)])),
        None => DocumentOperations::Single(alone),
    };
    Some(ExecutableDocument { operations, fragments: HashMap::new() })
}

/// What stands in for all that is selected: by this an object that did not write itself is told from one that there is not.
fn below(pos: Pos) -> Positioned<SelectionSet> {
    let (alias, arguments, directives, selection_set) = (None, Vec::new(), Vec::new(), Positioned::default());
    let name = Positioned::new(Name::new("__typename"), pos);
    let typename = bare(Field { alias, name, arguments, directives, selection_set }, pos);
    Positioned::new(SelectionSet { items: vec![typename] }, pos)
}

fn bare(field: Field, pos: Pos) -> Positioned<Selection> {
    Positioned::new(Selection::Field(Positioned::new(field, pos)), pos)
}

/// Whether all of an answer wrote itself, or is not there. What did not write itself is a tree of what [`roots_alone`] left.
pub fn wrote_itself(answer: &Response) -> bool {
    let is_written = |root: &Value| matches!(root, Value::Binary(_) | Value::Null);
    let data = match &answer.data {
        Value::Object(roots) => roots.values().all(is_written),
        _ => false,
    };
    data && answer.errors.is_empty()
}
