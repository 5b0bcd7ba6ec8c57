//! `[limits]`: how large a question may be, and how much of the systems it may ask.

use serde::Deserialize;

/// Limits that can be measured only.
const MEASURABLE: [&str; 10] = [
    "aliases",
    "depth",
    "directives",
    "fragments",
    "operations",
    "report_calls",
    "root_fields",
    "tokens",
    "upstream_calls",
    "variables_bytes",
];

/// Limits that cannot, and why.
const ENFORCED: [(&str, &str); 4] = [
    ("nesting", "the parser calls itself for each bracket, and a text beyond it ends the process"),
    ("query_bytes", "what it costs to look at a text grows with it"),
    ("selections", "fragments that double would keep a processor busy for hours"),
    ("variables_nesting", "what reads the variables calls itself for each bracket"),
];

/// Limits on one GraphQL request. Whatever is over one of them is refused before anything is asked of a system; but for
/// `upstream_calls` and `report_calls`, which are counted while it is answered.
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
    /// Calls to systems that one operation may make, further pages and retries included. What it would need more of is null
    /// and has the error `BUDGET_EXHAUSTED`.
    pub upstream_calls: u32,
    /// The same for questions about the whole portfolio, reports, the OData feed, and requests that say that they are a report
    /// (`Priority: u=4` to `u=7`, or a list of more than 100 rows).
    pub report_calls: u32,
    /// Limits that are measured and not enforced, e.g. `["depth", "aliases"]`: what would have been refused is answered, counted,
    /// and has a line in the log. To find out what a limit would do to what is asked today. Not for `nesting`, `query_bytes`,
    /// `selections` and `variables_nesting`, which protect the process.
    pub measure_only: Vec<String>,
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
            upstream_calls: 60,
            report_calls: 10_000,
            measure_only: Vec::new(),
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
        for (key, value) in [("upstream_calls", self.upstream_calls), ("report_calls", self.report_calls)] {
            if value == 0 {
                return Err((key, "is 0: nothing could be asked of a system".to_owned()));
            }
        }
        for name in &self.measure_only {
            if let Some((_, why)) = ENFORCED.iter().find(|(limit, _)| limit == name) {
                return Err(("measure_only", format!("names `{name}`, which is always enforced: {why}")));
            }
            if !MEASURABLE.contains(&name.as_str()) {
                let known = MEASURABLE.join(", ");
                return Err(("measure_only", format!("names `{name}`: limits that can be measured only are {known}")));
            }
        }
        Ok(())
    }

    /// Whether a limit is measured and not enforced.
    pub fn only_measures(&self, limit: &str) -> bool {
        self.measure_only.iter().any(|name| name == limit)
    }
}
