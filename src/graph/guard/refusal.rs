//! Why a question is not admitted, in words for the one who asked.

use async_graphql::parser;
use async_graphql::{ErrorExtensionValues, Pos, ServerError};

/// Why a question is not admitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// It is over one of the limits.
    Limit {
        /// The limit's name in `[limits]`.
        limit: &'static str,
        /// Its value.
        allowed: usize,
        /// What the question has; `usize::MAX` where that is more than can be counted.
        measured: usize,
        /// Where, if it is in one place.
        location: Option<Pos>,
    },
    /// It is not GraphQL.
    Syntax {
        /// What is wrong, without the text around it.
        message: String,
        /// Where.
        locations: Vec<Pos>,
    },
    /// A variable that must be there is not.
    Variable {
        /// Its name.
        name: String,
        /// Its type, as the query says it.
        expected: String,
        /// Where it is defined.
        location: Pos,
    },
    /// A fragment contains itself.
    Cycle {
        /// The fragment's name.
        fragment: String,
        /// Where it is defined.
        location: Pos,
    },
}

impl Refusal {
    /// The code that clients decide on.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Limit { .. } => "QUERY_TOO_COMPLEX",
            Self::Syntax { .. } => "GRAPHQL_PARSE_FAILED",
            Self::Variable { .. } | Self::Cycle { .. } => "GRAPHQL_VALIDATION_FAILED",
        }
    }

    /// Says where, if it is in one place.
    pub(super) fn at(self, position: Pos) -> Self {
        match self {
            Self::Limit { limit, allowed, measured, .. } => {
                Self::Limit { limit, allowed, measured, location: Some(position) }
            }
            other => other,
        }
    }

    /// From the parser's error. Its own message draws a picture of the offending line; the last line says what was
    /// expected, which is all that is passed on.
    pub(super) fn from_parser(error: &parser::Error) -> Self {
        let message = match error {
            parser::Error::Syntax { message, .. } => {
                let expected = message.lines().last().unwrap_or_default().trim_start();
                format!("Syntax error: {}", expected.trim_start_matches("= ").replace('_', " "))
            }
            other => format!("Syntax error: {other}"),
        };
        Self::Syntax { message, locations: error.positions().collect() }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Limit { limit, allowed, measured: usize::MAX, .. } => {
                write!(f, "The query is too large: {limit} is limited to {allowed} and this is beyond counting.")
            }
            Self::Limit { limit, allowed, measured, .. } => {
                write!(f, "The query is too large: {limit} is limited to {allowed} and this has {measured}.")
            }
            Self::Syntax { message, .. } => f.write_str(message),
            Self::Variable { name, expected, .. } => {
                write!(f, "The variable \"${name}\" is missing: it is a \"{expected}\".")
            }
            Self::Cycle { fragment, .. } => write!(f, "The fragment \"{fragment}\" contains itself."),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for ServerError {
    fn from(refusal: Refusal) -> Self {
        let mut error = Self::new(refusal.to_string(), None);
        let mut extensions = ErrorExtensionValues::default();
        extensions.set("code", refusal.code());
        match refusal {
            Refusal::Limit { limit, allowed, measured, location } => {
                extensions.set("limit", limit);
                extensions.set("allowed", allowed);
                extensions.set("measured", measured);
                error.locations.extend(location);
            }
            Refusal::Syntax { locations, .. } => error.locations = locations,
            Refusal::Variable { location, .. } | Refusal::Cycle { location, .. } => error.locations.push(location),
        }
        error.extensions = Some(extensions);
        error
    }
}
