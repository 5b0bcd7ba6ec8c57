//! What failed becomes null again.
//!
//! async-graphql 7.2 leaves fields that failed out of their objects. The GraphQL specification wants `null` for them.

use async_graphql::indexmap::IndexMap;
use async_graphql::{Name, PathSegment, ServerError, Value};

/// Puts what failed back into the data, as null.
pub(super) fn complete(data: &mut Value, errors: &[ServerError]) {
    for error in errors {
        fill(data, &error.path);
    }
}

/// Puts a null where a path leads, if nothing is there. An object of which every field failed is a null by itself.
fn fill(data: &mut Value, path: &[PathSegment]) {
    let mut here = data;
    for (at, segment) in path.iter().enumerate() {
        here = match (segment, here) {
            // async-graphql leaves out which of the records it is that another graph looks up.
            (PathSegment::Field(_), Value::List(items)) => {
                let rest = path.get(at..).unwrap_or_default();
                items.iter_mut().filter(|item| leads(item, rest)).for_each(|item| fill(item, rest));
                return;
            }
            (PathSegment::Field(name), here @ (Value::Null | Value::Object(_))) => {
                if *here == Value::Null {
                    *here = Value::Object(IndexMap::new());
                }
                let Value::Object(object) = here else { return };
                object.entry(Name::new(name)).or_insert(Value::Null)
            }
            (PathSegment::Index(at), Value::List(items)) => match items.get_mut(*at) {
                Some(item) => item,
                None => return,
            },
            _ => return,
        };
    }
}

/// Whether there is an object at the end of a path, for its last field to stand in.
fn leads(data: &Value, path: &[PathSegment]) -> bool {
    match (path, data) {
        ([_], Value::Object(_)) => true,
        ([PathSegment::Field(name), rest @ ..], Value::Object(object)) => {
            object.get(name.as_str()).is_some_and(|value| leads(value, rest))
        }
        ([PathSegment::Index(at), rest @ ..], Value::List(items)) => {
            items.get(*at).is_some_and(|item| leads(item, rest))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use async_graphql::value;

    use super::*;
    use crate::graph::{Json, Selections};

    fn completed(query: &str, mut data: Value, paths: &[&[PathSegment]]) -> String {
        let errors: Vec<_> = paths.iter().map(|path| ServerError::new("", None).with_path(path.to_vec())).collect();
        complete(&mut data, &errors);
        let mut json = Json::default();
        let document = parse_query(query).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        Selections::of(&document, &operation.node).write(&data, &mut json);
        String::from_utf8(json.into_bytes()).unwrap()
    }

    fn field(name: &str) -> PathSegment {
        PathSegment::Field(name.to_owned())
    }

    #[test]
    fn fields_come_in_the_order_of_the_query() {
        let data = value!({ "c": [{ "y": 1, "x": 2 }, null, { "x": 3, "y": 4 }], "b": 1, "extra": 0, "first": true });
        let query = "{ first: a b ...F c { y } } fragment F on Query { c { x } b }";
        assert_eq!(
            completed(query, data, &[]),
            r#"{"first":true,"b":1,"c":[{"x":2,"y":1},null,{"x":3,"y":4}],"extra":0}"#
        );
    }

    #[test]
    fn what_failed_is_null() {
        let query = "{ a { b c } d { e } f { g } }";
        let data = value!({ "a": { "c": 1 }, "f": [{ "g": 1 }, null] });
        let paths: [&[PathSegment]; 5] = [
            &[field("a"), field("b")],
            &[field("d")],
            &[field("f"), PathSegment::Index(1), field("g")],
            &[field("f"), PathSegment::Index(7), field("g")],
            &[field("a"), field("c"), field("x")],
        ];
        assert_eq!(completed(query, data, &paths), r#"{"a":{"b":null,"c":1},"d":null,"f":[{"g":1},{"g":null}]}"#);
        assert_eq!(completed("{ a }", Value::Null, &[&[field("a")]]), r#"{"a":null}"#);
    }

    #[test]
    fn what_failed_in_records_that_another_graph_looks_up_is_null() {
        let query = "{ _entities { ... on A { x { y } } ... on B { z } } }";
        let data = value!({ "_entities": [{ "x": {} }, { "z": 1 }, null] });
        let path: &[PathSegment] = &[field("_entities"), field("x"), field("y")];
        assert_eq!(completed(query, data, &[path]), r#"{"_entities":[{"x":{"y":null}},{"z":1},null]}"#);
    }

    #[test]
    fn a_list_that_failed_within_stays_null() {
        let path: &[PathSegment] = &[field("a"), PathSegment::Index(0), field("b")];
        assert_eq!(completed("{ a { b } }", value!({ "a": null }), &[path]), r#"{"a":null}"#);
    }
}
