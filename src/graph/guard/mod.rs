//! The query guard: what a question may cost before anything works on it.
//!
//! A few kilobytes of query text can exhaust a parser's stack, which ends the process, or a validator's patience, by
//! fragments that double at each level. So the text is measured first, byte by byte ([`scan`]), then parsed once, then
//! the document is measured with its fragments filled in, without filling them in ([`measure`]). The cost of all three
//! grows with the length of the text alone, and none of them recurses deeper than [`Limits::nesting`].

mod gauge;
mod measure;
mod refusal;
mod scan;
mod variables;

#[cfg(test)]
mod tests;

use async_graphql::parser;
use async_graphql::parser::types::{DocumentOperations, ExecutableDocument, OperationDefinition};
use async_graphql::{Name, Positioned};

pub use gauge::Excess;
use gauge::Gauge;
pub use refusal::Refusal;
pub use variables::{Given, admit_variables, require_variables};

use crate::config::Limits;

/// Parses a query that is within the limits, for `async_graphql::Request::set_parsed_query`.
pub fn admit(limits: &Limits, query: &str) -> Result<ExecutableDocument, Refusal> {
    gauged(limits, query).map(|(document, _)| document)
}

/// The same, with what it has too much of by limits that are only measured.
pub fn gauged(limits: &Limits, query: &str) -> Result<(ExecutableDocument, Vec<Excess>), Refusal> {
    let mut gauge = Gauge::new(limits);
    gauge.check("query_bytes", limits.query_bytes, query.len())?;
    let text = scan::scan(query.as_bytes())?;
    gauge.check("tokens", limits.tokens, text.tokens)?;
    gauge.check("nesting", limits.nesting, text.nesting)?;
    let document = parser::parse_query(query).map_err(|error| Refusal::from_parser(&error))?;
    measure::admit(&mut gauge, &document)?;
    Ok((document, gauge.exceeded))
}

/// The operation that is asked for, with the name that the document gives it; None if the name is unknown, or missing
/// where there are several.
pub fn operation<'a>(
    document: &'a ExecutableDocument,
    name: Option<&str>,
) -> Option<(Option<&'a Name>, &'a Positioned<OperationDefinition>)> {
    let (name, operation) = match (&document.operations, name) {
        (DocumentOperations::Single(single), None) => return Some((None, single)),
        (DocumentOperations::Multiple(named), None) if named.len() == 1 => named.iter().next()?,
        (DocumentOperations::Multiple(named), Some(name)) => named.get_key_value(name)?,
        _ => return None,
    };
    Some((Some(name), operation))
}
