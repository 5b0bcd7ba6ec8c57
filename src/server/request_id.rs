//! The name of a request, in its answer, in its errors and in the log.

use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, HeaderName};

/// The header that carries it, in both directions.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The name of a request: the caller's if it is a short plain word, else ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let theirs = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|id| is_plain(id));
        Self(theirs.map_or_else(|| format!("{:016x}", fastrand::u64(..)).into(), Into::into))
    }

    /// The ID as text: letters, digits, `-`, `_`, `.`, at most 64 of them.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn is_plain(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}
