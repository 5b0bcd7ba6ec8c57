//! Documents that were asked before: parsed, measured and known to be valid.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use async_graphql::Variables;
use async_graphql::parser::types::{BaseType, ExecutableDocument, OperationDefinition};
use async_graphql::{Name, Value};
use foldhash::quality::RandomState;
use moka::sync::Cache;

use crate::config::Limits;
use crate::graph::{Selections, guard, roots_alone};

/// The memory that documents may take, in bytes.
const MOST_BYTES: u64 = 10 * 1024 * 1024;

/// What is made of a text takes some twenty times as much memory, without what fragments bring to several places.
const OF_A_TEXT: usize = 20;

/// An operation whose roots alone did not do is executed so many times as a whole, before that is tried again: what keeps an
/// object from writing itself is mostly in the question, and what fails is another thing each time.
const AFTER_ALL: u32 = 1000;
const AFTER_AN_ERROR: u32 = 10;

/// Scalars whose values are checked here as async-graphql checks them.
const PLAIN: [&str; 5] = ["ID", "String", "Int", "Boolean", "ProjectId"];

/// The documents, by their text.
#[derive(Debug)]
pub(super) struct Documents(Cache<Box<str>, Arc<Document>, RandomState>);

/// A document that is GraphQL and within the limits.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) parsed: Arc<ExecutableDocument>,
    /// What it has too much of, by limits that are only measured.
    pub(super) exceeded: Vec<guard::Excess>,
    operations: Vec<(Option<Name>, Operation)>,
}

/// An operation of a document.
#[derive(Debug)]
pub(super) struct Operation {
    /// What it selects.
    pub(super) selections: Arc<Selections>,
    /// It without what is below its roots, which [`selections`](Self::selections) tell; none if that does not do.
    roots: Option<ExecutableDocument>,
    /// For how many more requests its roots are not asked for alone.
    whole: AtomicU32,
    /// Whether it was found to be valid, whatever the values of its variables.
    valid: AtomicBool,
    /// Its variables. None if one has a type whose values are checked elsewhere.
    variables: Option<Vec<Variable>>,
}

/// A variable of a type of [`PLAIN`].
#[derive(Debug)]
struct Variable {
    name: Name,
    kind: Name,
    /// Whether it may be null.
    nullable: bool,
    /// Whether it may be left out.
    optional: bool,
}

/// The operation that a request asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chosen<'a> {
    /// Its name in the document.
    pub(super) name: Option<&'a Name>,
    pub(super) definition: &'a OperationDefinition,
    /// What is known of it.
    pub(super) known: &'a Operation,
}

impl Documents {
    pub(super) fn new() -> Self {
        #[expect(clippy::borrowed_box, reason = "the cache hands out its own key")]
        let weigh = |text: &Box<str>, document: &Arc<Document>| {
            u32::try_from(OF_A_TEXT * text.len() + document.weight()).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(MOST_BYTES).weigher(weigh).build_with_hasher(RandomState::default()))
    }

    /// A document by its text.
    pub(super) fn get(&self, limits: &Limits, query: &str) -> Result<Arc<Document>, guard::Refusal> {
        if let Some(document) = self.0.get(query) {
            return Ok(document);
        }
        let (parsed, exceeded) = guard::gauged(limits, query)?;
        let document = Arc::new(Document { exceeded, ..Document::new(parsed) });
        self.0.insert(query.into(), Arc::clone(&document));
        Ok(document)
    }
}

impl Document {
    fn new(parsed: ExecutableDocument) -> Self {
        let operations = parsed.operations.iter().map(|(name, operation)| {
            let selections = Selections::of(&parsed, &operation.node);
            let known = Operation {
                roots: roots_alone(&parsed, (name, operation), &selections),
                selections: Arc::new(selections),
                whole: AtomicU32::new(0),
                valid: AtomicBool::new(false),
                variables: variables(&operation.node),
            };
            (name.cloned(), known)
        });
        let operations = operations.collect();
        Self { parsed: Arc::new(parsed), exceeded: Vec::new(), operations }
    }

    /// The memory that it takes beside its text's, in bytes: fragments that double make much of little text.
    fn weight(&self) -> usize {
        self.operations.iter().map(|(_, operation)| operation.selections.weight()).sum()
    }

    /// The operation that is asked for; None if the name is unknown, or missing where there are several.
    pub(super) fn operation(&self, name: Option<&str>) -> Option<Chosen<'_>> {
        let (name, definition) = guard::operation(&self.parsed, name)?;
        let (_, known) = self.operations.iter().find(|(known, _)| known.as_ref() == name)?;
        Some(Chosen { name, definition: &definition.node, known })
    }
}

/// The variables of an operation, if all have types of [`PLAIN`].
fn variables(operation: &OperationDefinition) -> Option<Vec<Variable>> {
    let plain = |variable: &async_graphql::parser::types::VariableDefinition| match &variable.var_type.node.base {
        BaseType::Named(name) if PLAIN.contains(&name.as_str()) => {
            let nullable = variable.var_type.node.nullable;
            let optional = nullable || variable.default_value.is_some();
            Some(Variable { name: variable.name.node.clone(), kind: name.clone(), nullable, optional })
        }
        _ => None,
    };
    operation.variable_definitions.iter().map(|definition| plain(&definition.node)).collect()
}

impl Operation {
    /// It without what is below its roots, if that is likely to do.
    pub(super) fn roots(&self) -> Option<&ExecutableDocument> {
        let roots = self.roots.as_ref()?;
        let counted = |left: u32| left.checked_sub(1);
        self.whole.fetch_update(Ordering::Relaxed, Ordering::Relaxed, counted).is_err().then_some(roots)
    }

    /// Takes note that its roots alone did not do; maybe for an error.
    pub(super) fn needs_all(&self, failed: bool) {
        self.whole.store(if failed { AFTER_AN_ERROR } else { AFTER_ALL }, Ordering::Relaxed);
    }

    /// Takes note that it was executed with success, and so is valid.
    pub(super) fn was_executed(&self) {
        self.valid.store(true, Ordering::Relaxed);
    }

    /// Whether it need not be validated again: it was found to be valid, and so are the values of its variables.
    pub(super) fn is_valid_with(&self, values: &Variables) -> bool {
        let fits = |variable: &Variable| match (values.get(&variable.name), variable.kind.as_str()) {
            (None, _) => variable.optional,
            (Some(Value::Null), _) => variable.nullable,
            (Some(Value::String(_)), "ID" | "String" | "ProjectId") | (Some(Value::Boolean(_)), "Boolean") => true,
            (Some(Value::Number(number)), "Int") => number.as_i64().is_some_and(|number| i32::try_from(number).is_ok()),
            _ => false,
        };
        let known = self.valid.load(Ordering::Relaxed);
        known && self.variables.as_ref().is_some_and(|variables| variables.iter().all(fits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_parsed_once_and_known_by_its_whole_text() {
        let documents = Documents::new();
        let first = documents.get(&Limits::default(), "query A { a } query B { b }").unwrap();
        let second = documents.get(&Limits::default(), "query A { a } query B { b }").unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        assert!(!Arc::ptr_eq(&first, &documents.get(&Limits::default(), "query A { a } query B { b }\n").unwrap()));
        assert!(first.operation(Some("A")).is_some() && first.operation(Some("C")).is_none());
        assert!(first.operation(None).is_none(), "there are two");
        assert!(documents.get(&Limits::default(), "{").is_err());
    }

    #[test]
    fn documents_take_no_more_memory_than_they_may_however_short_their_texts() {
        let documents = Documents::new();
        let doubling = |at: usize| {
            let level = |at: usize| format!("fragment f{at} on A {{ a{{...f{0}}} b{{...f{0}}} }}", at + 1);
            let fragments = (0..11).map(level).collect::<Vec<_>>().concat();
            format!("query q{at} {{ a{{...f0}} }} {fragments} fragment f11 on A {{ c }}")
        };
        let (text, most) = (doubling(0), usize::try_from(MOST_BYTES).unwrap());
        let limits = Limits { selections: 20_000, depth: 20, ..Limits::default() };
        let weight = documents.get(&limits, &text).unwrap().weight();
        assert!(weight > 6_000 * 40 && weight > 20 * OF_A_TEXT * text.len() / 4, "{weight}");
        for at in 1..200 {
            documents.get(&limits, &doubling(at)).unwrap();
        }
        documents.0.run_pending_tasks();
        assert!(documents.0.weighted_size() <= MOST_BYTES);
        assert!(documents.0.entry_count() <= (most / weight) as u64, "{}", documents.0.entry_count());
    }

    #[test]
    fn only_what_was_executed_and_has_fitting_variables_is_not_validated_again() {
        let query = "query($id: ID!, $first: Int, $on: Boolean = true, $must: Int! = 1) { a(id: $id, first: $first, on: $on, must: $must) }";
        let document = Document::new(guard::admit(&Limits::default(), query).unwrap());
        let operation = document.operation(None).unwrap().known;
        let valid = |json| operation.is_valid_with(&Variables::from_json(json));
        assert!(!valid(serde_json::json!({ "id": "1" })), "nobody has seen it valid");
        operation.was_executed();
        for fitting in [
            serde_json::json!({ "id": "1" }),
            serde_json::json!({ "id": "1", "first": 7, "on": false, "more": [] }),
            serde_json::json!({ "id": "1", "first": null }),
        ] {
            assert!(valid(fitting.clone()), "{fitting}");
        }
        for unfit in [
            serde_json::json!({}),
            serde_json::json!({ "id": null }),
            serde_json::json!({ "id": ["1"] }),
            serde_json::json!({ "id": "1", "first": "7" }),
            serde_json::json!({ "id": "1", "first": 1.5 }),
            serde_json::json!({ "id": "1", "first": 3_000_000_000_u64 }),
            serde_json::json!({ "id": "1", "on": "yes" }),
            serde_json::json!({ "id": "1", "must": null }),
        ] {
            assert!(!valid(unfit.clone()), "{unfit}");
        }
    }

    #[test]
    fn variables_of_other_types_are_left_to_the_validator() {
        for query in
            ["query($a: DealFilter) { a(a: $a) }", "query($a: [ID!]) { a(a: $a) }", "query($a: Date) { a(a: $a) }"]
        {
            let document = Document::new(guard::admit(&Limits::default(), query).unwrap());
            let operation = document.operation(None).unwrap().known;
            operation.was_executed();
            assert!(!operation.is_valid_with(&Variables::default()), "{query}");
        }
    }
}
