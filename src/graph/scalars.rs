//! Scalars of the graph. All are strings in JSON, so that nothing passes through a float.

use async_graphql::{InputValueError, InputValueResult, Scalar, ScalarType, Value};
use iso_currency::Currency;

/// A calendar day, e.g. `2026-03-31`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date(pub jiff::civil::Date);

#[Scalar]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => {
                text.parse().map(Self).map_err(|_| InputValueError::custom("not a day: write e.g. \"2026-03-31\""))
            }
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A moment in UTC, e.g. `2026-03-31T12:00:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateTime(pub jiff::Timestamp);

#[Scalar]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => text
                .parse()
                .map(Self)
                .map_err(|_| InputValueError::custom("not a moment: write e.g. \"2026-03-31T12:00:00Z\"")),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// An ISO 4217 currency code, e.g. `EUR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CurrencyCode(pub Currency);

#[Scalar]
impl ScalarType for CurrencyCode {
    fn parse(value: Value) -> InputValueResult<Self> {
        match &value {
            Value::String(text) => crate::domain::parse_currency(text).map(Self).map_err(InputValueError::custom),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.code().to_owned())
    }
}

/// The shared ID of a project, the only join key between the systems, e.g. `PRJ-2025-014`. Spellings that differ in blanks,
/// case or character width are one ID, as the configuration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProjectId(pub String);

#[Scalar]
impl ScalarType for ProjectId {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => Ok(Self(text)),
            _ => Err(InputValueError::expected_type(value)),
        }
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

impl From<&crate::domain::ProjectId> for ProjectId {
    fn from(id: &crate::domain::ProjectId) -> Self {
        Self(id.as_str().to_owned())
    }
}
