//! What goes wrong, as readers see it: a stable code, a safe message, and whether asking again makes sense.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{ErrorExtensions, PathSegment, Response, ServerError, Value};

use crate::access::View;
use crate::domain::{Domain, FlawKind, SourceStatus};
use crate::reads::Owner;
use crate::reports::ReportError;
use crate::systems::{ErrorKind, SystemError};

/// The codes of errors. Each stands in `extensions.code` and never changes its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// The system did not answer in time.
    UpstreamTimeout,
    /// The system cannot be reached, or says that it is broken.
    UpstreamUnavailable,
    /// The system's rate limit is reached.
    UpstreamRateLimited,
    /// The system does not accept Spine's credential.
    UpstreamAuth,
    /// The system does not show this to Spine's credential.
    UpstreamForbidden,
    /// The system does not accept the question: the connection's configuration does not fit it.
    UpstreamBadRequest,
    /// The system's answer could not be read.
    UpstreamBadResponse,
    /// The system's answer is larger than allowed.
    UpstreamTooLarge,
    /// The system failed repeatedly and is being given a rest.
    CircuitOpen,
    /// What could be read is not the whole.
    ResultTruncated,
    /// The system holds more than one record for one ID.
    DataConflict,
    /// The owner states this field in a form nobody can read.
    DataInvalid,
    /// The reader's role does not show this.
    FieldMasked,
    /// No connection owns this domain, or the owner does not keep this.
    NotOwned,
    /// The request's time was up.
    DeadlineExceeded,
    /// Too many reads are waiting.
    Overloaded,
    /// The operation has made all the calls to systems that one may make.
    BudgetExhausted,
    /// The question itself is wrong.
    BadRequest,
    /// A defect in Spine.
    Internal,
}

impl Code {
    /// All codes, with what they mean and what to do, for the table in the documentation.
    pub const ALL: [(Self, &'static str, &'static str); 19] = [
        (
            Self::UpstreamTimeout,
            "The system did not answer in time.",
            "Ask again; if it stays, look at the system's load.",
        ),
        (Self::UpstreamUnavailable, "The system cannot be reached, or says that it is broken.", "Ask again later."),
        (Self::UpstreamRateLimited, "The system's rate limit is reached.", "Ask again after `retryAfterMs`."),
        (Self::UpstreamAuth, "The system does not accept Spine's credential.", "Renew the connection's secret."),
        (
            Self::UpstreamForbidden,
            "The system does not show this to Spine's credential.",
            "Grant the permission the connector's page lists.",
        ),
        (Self::UpstreamBadRequest, "The system does not accept the question.", "Check the connection's field mapping."),
        (
            Self::UpstreamBadResponse,
            "The system's answer could not be read.",
            "Ask again; if it stays, see the log of that time.",
        ),
        (
            Self::UpstreamTooLarge,
            "The system's answer is larger than allowed.",
            "Ask for less, or raise `http.max_body` (one answer) or `http.max_read` (all pages of a read).",
        ),
        (
            Self::CircuitOpen,
            "The system failed repeatedly and is being given a rest.",
            "Ask again after `retryAfterMs`.",
        ),
        (
            Self::ResultTruncated,
            "What could be read is not the whole.",
            "Ask for less; the figure is withheld rather than too small.",
        ),
        (
            Self::DataConflict,
            "The system holds more than one record for one ID.",
            "Put the records right in the system.",
        ),
        (
            Self::DataInvalid,
            "The owner states this field in a form nobody can read.",
            "Put the record right in the system.",
        ),
        (
            Self::FieldMasked,
            "The reader's role does not show this. It was not asked for.",
            "Ask in another role (`X-Spine-Role`), or have the role changed in `[access.roles]`.",
        ),
        (
            Self::NotOwned,
            "No connection owns this domain, or the owner does not keep this.",
            "Name an owner in `[owners]`.",
        ),
        (Self::DeadlineExceeded, "The request's time was up.", "Ask for less, or ask again."),
        (Self::Overloaded, "Too many reads are waiting for the system.", "Ask again a little later."),
        (
            Self::BudgetExhausted,
            "The operation has made all the calls to systems that one may make; `limit` and `allowed` say how many. What was \
             read before is in the answer.",
            "Ask for less: fewer rows, fewer fields of other systems (`spine explain` counts the calls beforehand). Or raise \
             `limits.upstream_calls`, `limits.report_calls`.",
        ),
        (Self::BadRequest, "The question itself is wrong.", "The message says what is wrong."),
        (Self::Internal, "A defect in Spine.", "Report it with the request ID."),
    ];

    /// The code as it is sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::UpstreamTimeout => "UPSTREAM_TIMEOUT",
            Self::UpstreamUnavailable => "UPSTREAM_UNAVAILABLE",
            Self::UpstreamRateLimited => "UPSTREAM_RATE_LIMITED",
            Self::UpstreamAuth => "UPSTREAM_AUTH",
            Self::UpstreamForbidden => "UPSTREAM_FORBIDDEN",
            Self::UpstreamBadRequest => "UPSTREAM_BAD_REQUEST",
            Self::UpstreamBadResponse => "UPSTREAM_BAD_RESPONSE",
            Self::UpstreamTooLarge => "UPSTREAM_TOO_LARGE",
            Self::CircuitOpen => "CIRCUIT_OPEN",
            Self::ResultTruncated => "RESULT_TRUNCATED",
            Self::DataConflict => "DATA_CONFLICT",
            Self::DataInvalid => "DATA_INVALID",
            Self::FieldMasked => "FIELD_MASKED",
            Self::NotOwned => "NOT_OWNED",
            Self::DeadlineExceeded => "DEADLINE_EXCEEDED",
            Self::Overloaded => "OVERLOADED",
            Self::BudgetExhausted => "BUDGET_EXHAUSTED",
            Self::BadRequest => "BAD_REQUEST",
            Self::Internal => "INTERNAL",
        }
    }
}

impl Code {
    /// What to do about it, in a sentence.
    pub fn remedy(self) -> &'static str {
        Self::ALL.iter().find(|(code, ..)| *code == self).map_or("", |(_, _, remedy)| remedy)
    }
}

/// The code of a failed read.
pub(super) fn code_of(kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::Unauthorized => Code::UpstreamAuth,
        ErrorKind::Forbidden => Code::UpstreamForbidden,
        ErrorKind::RateLimited => Code::UpstreamRateLimited,
        ErrorKind::Timeout => Code::UpstreamTimeout,
        ErrorKind::Connect | ErrorKind::Broken => Code::UpstreamUnavailable,
        ErrorKind::BadRequest => Code::UpstreamBadRequest,
        ErrorKind::BadResponse => Code::UpstreamBadResponse,
        ErrorKind::TooLarge => Code::UpstreamTooLarge,
        ErrorKind::Truncated => Code::ResultTruncated,
        ErrorKind::Conflict => Code::DataConflict,
        ErrorKind::CircuitOpen => Code::CircuitOpen,
        ErrorKind::Overloaded => Code::Overloaded,
        ErrorKind::Deadline => Code::DeadlineExceeded,
        ErrorKind::Budget(_) => Code::BudgetExhausted,
        ErrorKind::NotAllowed | ErrorKind::Internal => Code::Internal,
    }
}

impl From<ErrorKind> for Code {
    fn from(kind: ErrorKind) -> Self {
        code_of(kind)
    }
}

/// What a failed read says of the source.
pub(super) fn status_of(kind: ErrorKind) -> SourceStatus {
    match kind {
        ErrorKind::Forbidden => SourceStatus::Forbidden,
        ErrorKind::Truncated | ErrorKind::Conflict => SourceStatus::Partial,
        _ => SourceStatus::Unavailable,
    }
}

/// A failed read as a GraphQL error. The cause was logged where it happened and does not leave.
pub fn system_error(error: &Arc<SystemError>) -> async_graphql::Error {
    let retry_after = error.retry_after.and_then(|after| u64::try_from(after.as_millis()).ok());
    async_graphql::Error::new(format!("{}: {}", error.connection, error.kind.in_words())).extend_with(
        |_, extensions| {
            extensions.set("code", code_of(error.kind).as_str());
            if let ErrorKind::Budget(exhausted) = error.kind {
                extensions.set("limit", exhausted.setting);
                extensions.set("allowed", exhausted.allowed);
            }
            extensions.set("system", error.system);
            extensions.set("connection", error.connection.as_str());
            extensions.set("retryable", error.kind.retryable());
            if let Some(after) = retry_after {
                extensions.set("retryAfterMs", after);
            }
        },
    )
}

/// A field that its owner states in a form nobody can read.
pub(super) fn flaw_error(owner: &Owner, kind: FlawKind) -> async_graphql::Error {
    async_graphql::Error::new(format!("{}: {}", owner.connection, kind.message())).extend_with(|_, extensions| {
        extensions.set("code", Code::DataInvalid.as_str());
        extensions.set("system", owner.system);
        extensions.set("connection", owner.connection.as_str());
        extensions.set("retryable", false);
    })
}

/// A domain that nobody owns.
pub(super) fn not_owned(domain: Domain) -> async_graphql::Error {
    simple(Code::NotOwned, format!("no connection owns {domain}, or its owner does not keep this"))
}

/// Something that the viewer's role does not show.
pub(super) fn masked(what: &str, view: &View) -> async_graphql::Error {
    simple(Code::FieldMasked, super::mask::message(what, view)).extend_with(|_, extensions| {
        extensions.set("field", what);
    })
}

/// A question that is wrong.
pub(super) fn bad_request(message: impl Into<String>) -> async_graphql::Error {
    simple(Code::BadRequest, message)
}

/// A report that could not be made.
pub(super) fn report_error(error: &ReportError) -> async_graphql::Error {
    match error {
        ReportError::System(error) => system_error(error),
        ReportError::NotOwned(domain) => not_owned(*domain),
        ReportError::Truncated(message) => truncated(message.clone()),
        ReportError::Masked(_) => simple(Code::FieldMasked, error.to_string()),
        ReportError::Unknown(_) | ReportError::Filter(_) => bad_request(error.to_string()),
    }
}

/// A list of which only a part could be read.
pub(super) fn truncated(message: impl Into<String>) -> async_graphql::Error {
    simple(Code::ResultTruncated, message)
}

fn simple(code: Code, message: impl Into<String>) -> async_graphql::Error {
    async_graphql::Error::new(message).extend_with(|_, extensions| {
        extensions.set("code", code.as_str());
        extensions.set("retryable", false);
    })
}

/// How many paths of a coalesced error are kept.
const PATHS_KEPT: usize = 5;

/// Leaves one error per connection, field and code, with the number of places it stands for (`affected`) and the first
/// few of them (`paths`): a list of 200 must not answer with 200 errors.
pub fn coalesce(response: &mut Response) {
    let mut kept: Vec<ServerError> = Vec::new();
    let mut paths: Vec<Vec<Value>> = Vec::new();
    let mut counts: Vec<u64> = Vec::new();
    let mut index: HashMap<(String, String, String), usize> = HashMap::new();
    for error in std::mem::take(&mut response.errors) {
        let part = |name| error.extensions.as_ref().and_then(|all| all.get(name)).map(ToString::to_string);
        let field = error.path.iter().filter_map(|segment| match segment {
            PathSegment::Field(name) => Some(name.as_str()),
            PathSegment::Index(_) => None,
        });
        let place = field.collect::<Vec<_>>().join(".");
        let whose = part("connection").unwrap_or_else(|| error.message.clone());
        let key = (whose, place, part("code").unwrap_or_default());
        let at = *index.entry(key).or_insert_with(|| {
            kept.push(error.clone());
            paths.push(Vec::new());
            counts.push(0);
            kept.len() - 1
        });
        if let (Some(paths), Some(count)) = (paths.get_mut(at), counts.get_mut(at)) {
            *count += 1;
            if paths.len() < PATHS_KEPT {
                paths.push(path_value(&error.path));
            }
        }
    }
    for ((error, paths), count) in kept.iter_mut().zip(paths).zip(counts) {
        if count > 1 {
            let extensions = error.extensions.get_or_insert_with(Default::default);
            extensions.set("affected", count);
            extensions.set("paths", Value::List(paths));
        }
    }
    response.errors = kept;
}

fn path_value(path: &[PathSegment]) -> Value {
    Value::List(
        path.iter()
            .map(|segment| match segment {
                PathSegment::Field(name) => Value::from(name.as_str()),
                PathSegment::Index(index) => Value::from(*index),
            })
            .collect(),
    )
}
