//! The variables: their JSON text's length and depth before it becomes values, and whether those that must be there are.

use async_graphql::parser::types::{Field, OperationDefinition};
use async_graphql::{Name, Value, Variables};

use super::gauge::Gauge;
use super::{Excess, Refusal};
use crate::config::Limits;

/// Admits JSON text that is within the limits; says what it has too much of by those that are only measured. Whether it is
/// JSON is for its parser to say.
pub fn admit_variables(limits: &Limits, json: &str) -> Result<Vec<Excess>, Refusal> {
    let mut gauge = Gauge::new(limits);
    gauge.check("variables_bytes", limits.variables_bytes, json.len())?;
    let (mut open, mut nesting) = (0_usize, 0_usize);
    let (mut in_text, mut escaped) = (false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                open += 1;
                nesting = nesting.max(open);
            }
            b']' | b'}' if !in_text => open = open.saturating_sub(1),
            _ => {}
        }
    }
    gauge.check("variables_nesting", limits.variables_nesting, nesting)?;
    Ok(gauge.exceeded)
}

/// What a request gives to the arguments of its fields.
#[derive(Debug, Clone, Copy)]
pub struct Given<'a> {
    /// The operation, which may have defaults.
    pub operation: &'a OperationDefinition,
    /// The variables.
    pub variables: &'a Variables,
}

impl Given<'_> {
    /// The value of a field's argument, with the variables in it. None if the field has no such argument; null where a
    /// variable has neither a value nor a default.
    pub fn argument(&self, field: &Field, name: &str) -> Option<Value> {
        let value = |name: Name| Ok::<_, ()>(self.variable(&name).unwrap_or_default());
        field.get_argument(name)?.node.clone().into_const_with(value).ok()
    }

    fn variable(&self, name: &Name) -> Option<Value> {
        let default = || {
            let definitions = &self.operation.variable_definitions;
            let definition = definitions.iter().find(|definition| definition.node.name.node == *name)?;
            definition.node.default_value().cloned()
        };
        self.variables.get(name).cloned().or_else(default)
    }
}

/// Refuses an operation without its variables. async-graphql notices only when a field uses one, and executes the rest.
pub fn require_variables(operation: &OperationDefinition, variables: &Variables) -> Result<(), Refusal> {
    for definition in &operation.variable_definitions {
        let variable = &definition.node;
        if variable.default_value().is_none() && !variables.contains_key(&variable.name.node) {
            return Err(Refusal::Variable {
                name: variable.name.node.to_string(),
                expected: variable.var_type.node.to_string(),
                location: definition.pos,
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::graph::guard::{admit, operation};

    #[test]
    fn a_variable_is_required_if_it_has_no_null_and_no_default() {
        let query = "query A($must: ID!, $may: ID, $has: Int! = 1) { a(x: $must, y: $may, z: $has) }";
        let document = admit(&Limits::default(), query).unwrap();
        let operation = &operation(&document, None).unwrap().1.node;
        let with = |variables| require_variables(operation, &Variables::from_json(variables));
        assert_eq!(with(json!({ "must": 1 })), Ok(()));
        let refusal = with(json!({ "may": 1, "has": 2 })).unwrap_err();
        assert_eq!(refusal.to_string(), "The variable \"$must\" is missing: it is a \"ID!\".");
        assert_eq!(refusal.code(), "GRAPHQL_VALIDATION_FAILED");
    }

    #[test]
    fn an_argument_has_its_variables_and_their_defaults_in_it() {
        let query = "query($n: Int = 7, $d: D) { a(n: $n, filter: { d: $d }, on: true) }";
        let document = admit(&Limits::default(), query).unwrap();
        let (_, operation) = operation(&document, None).unwrap();
        let async_graphql::parser::types::Selection::Field(field) = &operation.node.selection_set.node.items[0].node
        else {
            panic!("a field")
        };
        let argument = |name, variables| {
            let variables = Variables::from_json(variables);
            let given = Given { operation: &operation.node, variables: &variables };
            given.argument(&field.node, name).map(|value| value.into_json().unwrap())
        };
        assert_eq!(argument("n", json!({})), Some(json!(7)));
        assert_eq!(argument("n", json!({ "n": 3 })), Some(json!(3)));
        assert_eq!(argument("filter", json!({ "d": "X" })), Some(json!({ "d": "X" })));
        assert_eq!(argument("filter", json!({})), Some(json!({ "d": null })));
        assert_eq!((argument("on", json!({})), argument("off", json!({}))), (Some(json!(true)), None));
    }

    #[test]
    fn nesting_is_counted_outside_texts() {
        let limits = Limits { variables_nesting: 2, ..Limits::default() };
        for json in
            [r#"{"a":[1,2],"b":[]}"#, r#"{"a":"[[[[{{{{"}"#, r#"{"a":"\"[[[["}"#, r#"{"a":"\\","b":["]"]}"#, "null"]
        {
            assert_eq!(admit_variables(&limits, json), Ok(vec![]), "{json}");
        }
        for json in [r#"{"a":[{}]}"#, r#"{"a":"\\","b":[["x"]]}"#, "[[["] {
            assert_eq!(
                admit_variables(&limits, json),
                Err(Refusal::Limit { limit: "variables_nesting", allowed: 2, measured: 3, location: None }),
                "{json}"
            );
        }
    }

    #[test]
    fn length_is_limited() {
        let limits = Limits { variables_bytes: 10, ..Limits::default() };
        assert_eq!(admit_variables(&limits, r#"{"a": 123}"#), Ok(vec![]));
        assert!(matches!(
            admit_variables(&limits, r#"{"a": 1234}"#),
            Err(Refusal::Limit { limit: "variables_bytes", measured: 11, .. })
        ));
        let limits = Limits { measure_only: vec!["variables_bytes".to_owned()], ..limits };
        let excess = Excess { limit: "variables_bytes", allowed: 10, measured: 11 };
        assert_eq!(admit_variables(&limits, r#"{"a": 1234}"#), Ok(vec![excess]));
    }
}
