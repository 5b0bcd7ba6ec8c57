//! `[shared_id]`: the identifier that lives in every system.

use regex::Regex;
use serde::Deserialize;

use crate::domain::SharedIdRule;

/// What a well-formed shared ID looks like, and how spellings of it are made one.
#[derive(Debug, Clone, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SharedId {
    /// A regular expression for well-formed IDs, e.g. `^PRJ-\d{4}-\d{3}$`. It is asked after normalising and must match
    /// the whole ID: begin it with `^` and end it with `$`.
    pub pattern: String,
    /// What is done to a spelling first, in this order whatever the order here.
    #[serde(default = "default_steps")]
    pub normalize: Vec<NormalizeStep>,
}

/// A step of normalising.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NormalizeStep {
    /// One form for characters that look alike (Unicode NFKC), e.g. full-width letters and digits.
    Nfkc,
    /// Without blanks at both ends.
    Trim,
    /// In upper case.
    Uppercase,
    /// In lower case.
    Lowercase,
}

fn default_steps() -> Vec<NormalizeStep> {
    vec![NormalizeStep::Trim, NormalizeStep::Nfkc, NormalizeStep::Uppercase]
}

impl SharedId {
    /// The rule, or what is wrong with the pattern or the steps (with the key it is about).
    pub fn rule(&self) -> Result<SharedIdRule, (&'static str, String)> {
        let pattern =
            Regex::new(&self.pattern).map_err(|error| ("pattern", format!("not a regular expression: {error}")))?;
        if !(self.pattern.starts_with('^') && self.pattern.ends_with('$')) {
            return Err((
                "pattern",
                "the pattern must match the whole ID: begin it with ^ and end it with $".to_owned(),
            ));
        }
        if self.normalize.contains(&NormalizeStep::Uppercase) && self.normalize.contains(&NormalizeStep::Lowercase) {
            return Err(("normalize", "an ID is in upper case or in lower case: drop one of the two steps".to_owned()));
        }
        let steps: Vec<&str> = self
            .normalize
            .iter()
            .map(|step| match step {
                NormalizeStep::Nfkc => "nfkc",
                NormalizeStep::Trim => "trim",
                NormalizeStep::Uppercase => "uppercase",
                NormalizeStep::Lowercase => "lowercase",
            })
            .collect();
        Ok(SharedIdRule::new(pattern, &steps))
    }
}
