//! HubSpot's structs as sent. Every field may be missing; numbers may come as text and text as numbers.

use std::collections::HashMap;

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::value::RawValue;

use crate::systems::http::unique;

/// A text, a number or a boolean, kept as it is written: `"42000.50"` and `42000.50` are the same, to the last digit.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Scalar(pub(super) String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = <&RawValue>::deserialize(deserializer)?.get();
        match raw.bytes().next() {
            Some(b'"') => serde_json::from_str(raw).map(Self).map_err(de::Error::custom),
            Some(b'{' | b'[' | b'n') | None => {
                Err(de::Error::invalid_type(de::Unexpected::Other("something else"), &"a text or a number"))
            }
            Some(_) => Ok(Self(raw.to_owned())),
        }
    }
}

/// A record of any type.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Record {
    pub(super) id: Scalar,
    #[serde(default, deserialize_with = "unique")]
    pub(super) properties: HashMap<String, Option<Scalar>>,
    #[serde(default)]
    pub(super) created_at: Option<Scalar>,
    #[serde(default)]
    pub(super) updated_at: Option<Scalar>,
}

impl Record {
    /// The record's ID.
    pub(super) fn key(&self) -> &str {
        &self.id.0
    }

    /// The value of a property; none if it is empty or not defined.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.properties.get(name)?.as_ref().map(|value| value.0.as_str()).filter(|text| !text.trim().is_empty())
    }
}

/// A page of a list or of a search.
#[derive(Debug, Deserialize)]
pub(super) struct Records {
    pub(super) results: Vec<Record>,
    #[serde(default)]
    pub(super) total: Option<Scalar>,
    #[serde(default)]
    pub(super) paging: Option<Paging>,
}

/// Where the next page starts.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Paging {
    #[serde(default)]
    next: Option<Next>,
}

#[derive(Debug, Deserialize)]
struct Next {
    after: Scalar,
}

impl Paging {
    pub(super) fn next(paging: Option<Self>) -> Option<String> {
        Some(paging?.next?.after.0)
    }
}

/// The answer to a batch, 200 or 207.
#[derive(Debug, Deserialize)]
pub(super) struct BatchAnswer<T> {
    #[serde(default)]
    pub(super) status: Option<String>,
    pub(super) results: Vec<T>,
    #[serde(default)]
    pub(super) errors: Option<Vec<BatchError>>,
}

/// Why some inputs of a batch have no result.
#[derive(Debug, Deserialize)]
pub(super) struct BatchError {
    #[serde(default)]
    pub(super) category: Option<String>,
    #[serde(default)]
    context: Option<ErrorContext>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ErrorContext {
    #[serde(default)]
    ids: Option<Vec<Scalar>>,
    #[serde(default)]
    from_object_id: Option<Vec<Scalar>>,
}

impl BatchError {
    /// The inputs it is about; empty if it does not say.
    pub(super) fn inputs(&self) -> impl Iterator<Item = &str> {
        let context = self.context.iter();
        context.flat_map(|context| [&context.ids, &context.from_object_id]).flatten().flatten().map(|id| id.0.as_str())
    }
}

/// What one record is associated with.
#[derive(Debug, Deserialize)]
pub(super) struct Associations {
    pub(super) from: From,
    #[serde(default)]
    pub(super) to: Vec<To>,
    #[serde(default)]
    pub(super) paging: Option<Paging>,
}

#[derive(Debug, Deserialize)]
pub(super) struct From {
    pub(super) id: Scalar,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct To {
    pub(super) to_object_id: Scalar,
    #[serde(default)]
    pub(super) association_types: Vec<AssociationType>,
}

#[derive(Debug, Deserialize)]
pub(super) struct AssociationType {
    #[serde(default)]
    pub(super) label: Option<String>,
}

/// A list that comes whole.
#[derive(Debug, Deserialize)]
pub(super) struct Whole<T> {
    pub(super) results: Vec<T>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Pipeline {
    pub(super) id: Scalar,
    pub(super) label: String,
    #[serde(default)]
    pub(super) stages: Vec<Stage>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Stage {
    pub(super) id: Scalar,
    pub(super) label: String,
    #[serde(default, deserialize_with = "unique")]
    pub(super) metadata: HashMap<String, Option<Scalar>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Owners {
    pub(super) results: Vec<Owner>,
    #[serde(default)]
    pub(super) paging: Option<Paging>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Owner {
    pub(super) id: Scalar,
    #[serde(default)]
    pub(super) email: Option<String>,
    #[serde(default)]
    pub(super) first_name: Option<String>,
    #[serde(default)]
    pub(super) last_name: Option<String>,
    #[serde(default)]
    pub(super) teams: Option<Vec<Team>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Team {
    pub(super) name: String,
    #[serde(default)]
    pub(super) primary: bool,
}

/// Why a call was refused.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Refusal {
    pub(super) category: Option<String>,
    pub(super) policy_name: Option<String>,
    pub(super) correlation_id: Option<String>,
}

/// The body of a batch read.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BatchRead<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id_property: Option<&'a str>,
    pub(super) properties: &'a [&'a str],
    pub(super) properties_with_history: [&'a str; 0],
    pub(super) inputs: Vec<Input<'a>>,
}

/// An input of a batch.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Input<'a> {
    pub(super) id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct AssociationsRead<'a> {
    pub(super) inputs: &'a [Input<'a>],
}

/// The body of a search.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Search<'a> {
    pub(super) filter_groups: [FilterGroup; 1],
    pub(super) sorts: [Sort; 1],
    pub(super) properties: &'a [&'a str],
    pub(super) limit: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) after: Option<String>,
}

/// Filters that must all match.
#[derive(Debug, Clone, Serialize)]
pub(super) struct FilterGroup {
    pub(super) filters: Vec<Filter>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Filter {
    pub(super) property_name: String,
    pub(super) operator: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) high_value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) values: Option<Vec<String>>,
}

impl Filter {
    pub(super) fn new(property: &str, operator: &'static str, value: impl Into<String>) -> Self {
        Self { value: Some(value.into()), ..Self::bare(property, operator) }
    }

    pub(super) fn one_of(property: &str, values: Vec<String>) -> Self {
        Self { values: Some(values), ..Self::bare(property, "IN") }
    }

    pub(super) fn has(property: &str) -> Self {
        Self::bare(property, "HAS_PROPERTY")
    }

    pub(super) fn between(property: &str, low: String, high: String) -> Self {
        Self { value: Some(low), high_value: Some(high), ..Self::bare(property, "BETWEEN") }
    }

    fn bare(property: &str, operator: &'static str) -> Self {
        Self { property_name: property.to_owned(), operator, value: None, high_value: None, values: None }
    }
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sort {
    pub(super) property_name: &'static str,
    pub(super) direction: &'static str,
}
