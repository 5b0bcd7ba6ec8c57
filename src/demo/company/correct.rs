//! Corrections: what `POST /_demo/correct` changes in the company.

use serde_json::Value;

use super::model::Company;

/// Why a correction was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// Nothing of that name or number; the text names it.
    Unknown(String),
    /// Not a correction; the text says why.
    Nonsense(String),
}

/// Makes the correction and says what it changed, before and after.
pub fn correct(_company: &mut Company, _body: &[u8]) -> Result<Value, Refused> {
    Err(Refused::Nonsense("no correction is known".to_owned()))
}
