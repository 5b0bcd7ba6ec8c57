//! A small SuiteQL: enough of the language for the questions that clients ask of the tables of [`super::tables`], and an
//! honest refusal of the rest.
//!
//! It reads text into words ([`token`]), words into a statement ([`parse`]), a statement into a plan with every name looked
//! up ([`plan`]), and runs the plan ([`run`]). Conditions follow SQL's logic of three values; amounts are decimals.

mod eval;
mod parse;
mod plan;
mod run;
#[cfg(test)]
mod tests;
mod token;
mod value;

pub(super) use self::value::{Key, Value};

use super::tables::Tables;

/// Why a statement is not answered, as the vendor would say it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused(pub(super) String);

impl Refused {
    pub(super) fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

/// Most values in one `IN (...)`.
pub(super) const MAX_IN: usize = 1000;

/// The answer to a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    /// Names of the columns, in lower case.
    pub(super) columns: Vec<String>,
    /// The rows, in the order asked for.
    pub(super) rows: Vec<Vec<Value>>,
    /// The first table of the statement: what the question is about.
    pub(super) about: &'static str,
}

/// Answers a statement.
pub(super) fn answer(tables: &Tables, text: &str) -> Result<Answer, Refused> {
    let statement = parse::statement(text)?;
    run::run(tables, &plan::plan(tables, &statement)?)
}
