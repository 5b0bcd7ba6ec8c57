//! What was wrong with a record: the reason why one of its fields is null although the owner stated something.

/// A field of a record that could not be read as what it should be. The rest of the record stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The field of the canonical record, e.g. `amount`.
    pub field: &'static str,
    /// What is wrong.
    pub kind: FlawKind,
}

/// What can be wrong with a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FlawKind {
    /// An amount without a currency. It is never added to anything.
    MissingCurrency,
    /// A currency code that is not in ISO 4217.
    UnknownCurrency,
    /// A number that is not one, or has more digits than can be kept exactly.
    BadNumber,
    /// A date that is not one.
    BadDate,
}

impl FlawKind {
    /// A sentence for people; says nothing about the record's contents.
    pub fn message(self) -> &'static str {
        match self {
            Self::MissingCurrency => "the owner states an amount without a currency",
            Self::UnknownCurrency => "the owner states a currency that is not in ISO 4217",
            Self::BadNumber => "the owner states something that is not a decimal number of at most 28 digits",
            Self::BadDate => "the owner states something that is not a date",
        }
    }
}
