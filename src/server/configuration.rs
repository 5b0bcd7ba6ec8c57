//! Which configuration is in use, since when, and whether a newer one could not be used: for those who run Spine. What was
//! wrong with it stands in the log.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use serde::Serialize;

use crate::domain::Clock;

/// Which configuration is in use.
pub struct Configuration {
    state: Mutex<State>,
    clock: Arc<dyn Clock>,
}

/// How it stands. The names are those of `/health/ready`.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct State {
    /// 1 for the one of the start, one more for each that replaced it.
    pub(super) generation: u64,
    /// When it was read.
    pub(super) loaded_at: Timestamp,
    /// When a newer one was read last that could not be used; null if none was since.
    pub(super) refused_at: Option<Timestamp>,
    /// How many could not be used since the start.
    pub(super) refused: u64,
}

impl Configuration {
    /// The one of the start.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let state = State { generation: 1, loaded_at: clock.now(), refused_at: None, refused: 0 };
        Self { state: Mutex::new(state), clock }
    }

    /// Takes note that a newer one is in use, of this number.
    pub fn replaced(&self, generation: u64) {
        let now = self.clock.now();
        self.change(|state| *state = State { generation, loaded_at: now, refused_at: None, ..*state });
    }

    /// Takes note that a newer one cannot be used.
    pub fn refused(&self) {
        let now = self.clock.now();
        self.change(|state| (state.refused_at, state.refused) = (Some(now), state.refused + 1));
    }

    pub(super) fn state(&self) -> State {
        self.change(|state| *state)
    }

    fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.state().fmt(f)
    }
}
