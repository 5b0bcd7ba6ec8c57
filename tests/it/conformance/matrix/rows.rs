//! The rows of the fault matrix that tests of their own hold, and those that nobody holds yet.

/// Kinds of system that no case is run against, and why.
pub(super) const NOT_IN_THE_MATRIX: &[(&str, &str)] = &[
    ("sql", "x"),
    ("tryton", "x"),
];
