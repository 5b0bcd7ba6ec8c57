//! `[limits]`: how large a question may be.

use serde::Deserialize;

/// Limits on one GraphQL request. Whatever is over one of them is refused before anything is asked of a system.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Length of the query text, in bytes.
    pub query_bytes: usize,
    /// Words, numbers, texts and punctuation marks in the query text.
    pub tokens: usize,
    /// Brackets `(`, `[` and `{` in one another; also selection sets in one another once fragments are filled in.
    /// At most 64: the parser calls itself for each.
    pub nesting: usize,
    /// Fields and fragment spreads of the whole document once fragments are filled in.
    pub selections: usize,
    /// Fields in one another once fragments are filled in. Introspection is not counted: see `nesting`.
    pub depth: usize,
    /// Fields at the root of an operation once fragments are filled in.
    pub root_fields: usize,
    /// Aliases in the document.
    pub aliases: usize,
    /// Directives in the document, wherever they stand.
    pub directives: usize,
    /// Operations in the document.
    pub operations: usize,
    /// Fragment definitions in the document.
    pub fragments: usize,
    /// Length of the variables' JSON text, in bytes.
    pub variables_bytes: usize,
    /// Lists and objects in one another in the variables. At most 100.
    pub variables_nesting: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            query_bytes: 32 * 1024,
            tokens: 2_000,
            nesting: 64,
            selections: 5_000,
            depth: 12,
            root_fields: 20,
            aliases: 30,
            directives: 50,
            operations: 10,
            fragments: 50,
            variables_bytes: 64 * 1024,
            variables_nesting: 32,
        }
    }
}

impl Limits {
    /// What is set to a value that cannot be, and why.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        for (key, value, most) in [("nesting", self.nesting, 64), ("variables_nesting", self.variables_nesting, 100)] {
            if value > most {
                return Err((key, format!("is {value}: the most that is safe is {most}")));
            }
        }
        Ok(())
    }
}
