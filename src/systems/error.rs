//! What can go wrong between Spine and a system, classified once, here.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::Exhausted;
use crate::domain::ConnectionName;

/// A read that a system did not answer as it should. Its `Display` is for the log; people outside see
/// [`ErrorKind::message`] alone, which says nothing that the system said.
#[derive(Debug, Clone)]
pub struct SystemError {
    /// The connection that was asked.
    pub connection: ConnectionName,
    /// Kind of system, e.g. `hubspot`.
    pub system: &'static str,
    /// What was asked, e.g. `deals.batch_read`.
    pub operation: &'static str,
    /// What went wrong.
    pub kind: ErrorKind,
    /// When asking again makes sense, if the system or a breaker said so.
    pub retry_after: Option<Duration>,
    /// What is known beyond that; for the log only.
    pub detail: Option<Arc<str>>,
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The credential is wrong or expired.
    Unauthorized,
    /// The credential may not read this.
    Forbidden,
    /// The system asks to be asked less.
    RateLimited,
    /// No answer within the attempt's time.
    Timeout,
    /// No connection: DNS, TCP or TLS.
    Connect,
    /// The system says that it is broken (5xx).
    Broken,
    /// The system says that the question is wrong: our fault, or the configuration's.
    BadRequest,
    /// An answer that is not what the protocol promises: HTML, truncated, an error in a success, a wrong shape.
    BadResponse,
    /// An answer larger than the cap.
    TooLarge,
    /// Too much of the same: the pages never end, or end before the rows do. What was read is not the whole.
    Truncated,
    /// Two records claim to be the one asked for.
    Conflict,
    /// The breaker is open: the system failed too often a moment ago.
    CircuitOpen,
    /// Too many reads wait for this system already.
    Overloaded,
    /// The request's time is up.
    Deadline,
    /// The operation has made all the calls that one may make.
    Budget(Exhausted),
    /// The shared client refuses the call: it is not on the connector's list of reads.
    NotAllowed,
    /// A defect in Spine.
    Internal,
}

impl ErrorKind {
    /// A sentence for people outside. It holds nothing that came from the system.
    pub fn message(self) -> &'static str {
        match self {
            Self::Unauthorized => "the system did not accept Spine's credential",
            Self::Forbidden => "the system does not show this to Spine's credential",
            Self::RateLimited => "the system's rate limit is reached",
            Self::Timeout => "the system did not answer in time",
            Self::Connect => "the system cannot be reached",
            Self::Broken => "the system answered with a server error",
            Self::BadRequest => "the system did not accept the question",
            Self::BadResponse => "the system's answer could not be read",
            Self::TooLarge => "the system's answer is larger than allowed",
            Self::Truncated => "the system's answer is not complete",
            Self::Conflict => "the system holds more than one record for this ID",
            Self::CircuitOpen => "the system failed repeatedly and is being given a rest",
            Self::Overloaded => "too many reads are waiting for the system",
            Self::Deadline => "there was no time left to ask the system",
            Self::Budget(_) => "the calls to systems that one question may make are used up",
            Self::NotAllowed => "Spine does not make this call",
            Self::Internal => "an internal error",
        }
    }

    /// Whether it concerns the whole connection, so that other questions to it would end alike.
    pub fn is_of_connection(self) -> bool {
        matches!(
            self,
            Self::Unauthorized
                | Self::RateLimited
                | Self::Timeout
                | Self::Connect
                | Self::CircuitOpen
                | Self::Overloaded
                | Self::Deadline
        )
    }

    /// The same with its figures, where there are any.
    pub fn in_words(self) -> Cow<'static, str> {
        match self {
            Self::Budget(Exhausted { allowed, setting }) => Cow::Owned(format!(
                "the {allowed} calls to systems that one question may make are used up; the setting is limits.{setting}"
            )),
            kind => Cow::Borrowed(kind.message()),
        }
    }

    /// Whether the same question may succeed a little later.
    pub fn retryable(self) -> bool {
        matches!(
            self,
            Self::RateLimited
                | Self::Timeout
                | Self::Connect
                | Self::Broken
                | Self::CircuitOpen
                | Self::Overloaded
                | Self::Deadline
        )
    }
}

impl fmt::Display for SystemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}) {}: {}", self.connection, self.system, self.operation, self.kind.in_words())?;
        if let Some(detail) = &self.detail {
            write!(f, ": {detail}")?;
        }
        Ok(())
    }
}

impl std::error::Error for SystemError {}
