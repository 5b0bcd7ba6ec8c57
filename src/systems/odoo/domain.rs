//! Conditions, as Odoo writes them: a list in which operators stand before what they join. Values get in as JSON, and so
//! stay values.

use serde_json::{Value, json};

use crate::domain::ProjectId;

/// A condition. Parts that follow each other must all hold.
#[derive(Debug, Clone, Default)]
pub(super) struct Domain(Vec<Value>);

impl Domain {
    /// That a field compares so.
    pub(super) fn of(field: &str, operator: &str, value: impl Into<Value>) -> Self {
        Self(vec![json!([field, operator, value.into()])])
    }

    /// That a field has one of these values.
    pub(super) fn one_of<V: Into<Value>>(field: &str, values: impl IntoIterator<Item = V>) -> Self {
        Self::of(field, "in", values.into_iter().map(Into::into).collect::<Vec<Value>>())
    }

    /// That a field is empty. Odoo writes that as `false`.
    pub(super) fn empty(field: &str) -> Self {
        Self::of(field, "=", false)
    }

    /// That both hold.
    #[must_use]
    pub(super) fn and(mut self, mut other: Self) -> Self {
        self.0.append(&mut other.0);
        self
    }

    /// That one of these holds; of none, none does.
    pub(super) fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut parts: Vec<Self> = parts.into_iter().collect();
        if parts.is_empty() {
            return Self::empty("id");
        }
        let mut out = vec![json!("|"); parts.len().saturating_sub(1)];
        for part in &mut parts {
            // Within a choice, that several hold must be said.
            let terms = part.0.iter().filter(|term| term.is_array()).count();
            let joins = part.0.len() - terms;
            out.extend(std::iter::repeat_n(json!("&"), terms.saturating_sub(joins + 1)));
            out.append(&mut part.0);
        }
        Self(out)
    }

    /// That a text is somewhere in a field, in any case.
    pub(super) fn contains(field: &str, text: &str) -> Self {
        let mut literal = String::with_capacity(text.len());
        for char in text.chars() {
            if matches!(char, '%' | '_' | '\\') {
                literal.push('\\');
            }
            literal.push(char);
        }
        Self::of(field, "ilike", literal)
    }

    /// That a field holds one of these shared IDs, as people may have typed it: whatever comes is looked at again.
    pub(super) fn carries(field: &str, ids: &[ProjectId]) -> Self {
        Self::any(ids.iter().map(|id| Self::contains(field, id.as_str())))
    }

    pub(super) fn into_json(self) -> Value {
        Value::Array(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_choice_are_joined_before_they_are_chosen_from() {
        let both = Domain::of("a", "=", 1).and(Domain::of("b", "=", 2)).and(Domain::of("c", "=", 3));
        let choice = Domain::any([Domain::empty("d"), both.clone()]);
        let text = choice.clone().into_json().to_string();
        assert_eq!(text, r#"["|",["d","=",false],"&","&",["a","=",1],["b","=",2],["c","=",3]]"#);
        let nested = Domain::any([choice, Domain::one_of("e", [1, 2])]).into_json().to_string();
        assert!(nested.starts_with(r#"["|","|",["d","#), "{nested}");
        assert_eq!(Domain::any([both]).into_json().to_string(), r#"["&","&",["a","=",1],["b","=",2],["c","=",3]]"#);
    }

    #[test]
    fn what_stands_for_other_signs_is_taken_literally() {
        assert_eq!(Domain::contains("code", r"A_1%\").into_json(), json!([["code", "ilike", r"A\_1\%\\"]]));
    }
}
