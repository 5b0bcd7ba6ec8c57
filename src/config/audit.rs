//! `[audit]`: the trail of who asked for what.

use std::path::PathBuf;

use serde::Deserialize;

/// The audit trail: one line of JSON for each operation, of who asked in which role for what, and never of what was answered.
/// docs/audit.md says what is in a line. Without `file` and `stdout` there is none.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Audit {
    /// The file that lines are appended to.
    pub file: Option<PathBuf>,
    /// Whether lines go to stdout. The log goes to stderr.
    pub stdout: bool,
    /// Bytes after which the file is put aside as `FILE.1` and begun anew.
    pub max_bytes: u64,
    /// How many files that were put aside are kept; the oldest is deleted.
    pub keep: usize,
    /// Whether nothing is answered while the trail cannot be written. If not, it is answered, and the log says that a line is
    /// missing.
    pub required: bool,
}

impl Default for Audit {
    fn default() -> Self {
        Self { file: None, stdout: false, max_bytes: 100 << 20, keep: 10, required: false }
    }
}

impl Audit {
    /// What is set to a value that cannot be, and why.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        if self.file.is_some() && self.stdout {
            return Err(("stdout", "says that lines go to stdout, and `file` to a file: say one".to_owned()));
        }
        if self.required && self.file.is_none() && !self.stdout {
            return Err(("required", "requires a trail, and there is none: say `file` or `stdout`".to_owned()));
        }
        if self.max_bytes < 1 << 16 {
            return Err(("max_bytes", format!("is {}: it must be at least {}", self.max_bytes, 1 << 16)));
        }
        if self.keep > 1000 {
            return Err(("keep", format!("is {}: the most is 1000", self.keep)));
        }
        Ok(())
    }
}
