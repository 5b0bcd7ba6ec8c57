//! What every line about a request says in the log, whichever door it came by.

use axum::response::Response;
use tokio::time::Instant;

use super::request_id::RequestId;

/// A request that is being answered, until it is dropped.
pub(super) struct Timed {
    pub(super) id: RequestId,
    start: Instant,
    status: Option<u16>,
}

impl Timed {
    pub(super) fn new(id: &RequestId) -> Self {
        Self { id: id.clone(), start: Instant::now(), status: None }
    }

    pub(super) fn answered(&mut self, response: &Response) {
        self.status = Some(response.status().as_u16());
    }

    /// The status of the answer; none if there was none.
    pub(super) fn status(&self) -> Option<u16> {
        self.status
    }

    /// Whether it was answered, or whoever asked hung up before.
    pub(super) fn outcome(&self) -> &'static str {
        if self.status.is_some() { "answered" } else { "client_cancelled" }
    }

    /// How long it took, in milliseconds.
    pub(super) fn millis(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
