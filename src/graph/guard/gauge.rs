//! What is over a limit is refused; or, where the limit is only measured, remembered.

use super::Refusal;
use crate::config::Limits;

/// What a question has too much of, by a limit that is only measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Excess {
    /// The limit's name in `[limits]`.
    pub limit: &'static str,
    /// Its value.
    pub allowed: usize,
    /// What the question has, at least.
    pub measured: usize,
}

/// The limits, at work on one question.
pub(super) struct Gauge<'a> {
    pub(super) limits: &'a Limits,
    /// What was over a limit that is only measured: each limit once, with the most.
    pub(super) exceeded: Vec<Excess>,
}

impl<'a> Gauge<'a> {
    pub(super) fn new(limits: &'a Limits) -> Self {
        Self { limits, exceeded: Vec::new() }
    }

    /// Refuses what is over a limit, naming the limit as the configuration does.
    pub(super) fn check(&mut self, limit: &'static str, allowed: usize, measured: usize) -> Result<(), Refusal> {
        if measured <= allowed {
            return Ok(());
        }
        if !self.limits.only_measures(limit) {
            return Err(Refusal::Limit { limit, allowed, measured, location: None });
        }
        match self.exceeded.iter_mut().find(|known| known.limit == limit) {
            Some(known) => known.measured = known.measured.max(measured),
            None => self.exceeded.push(Excess { limit, allowed, measured }),
        }
        Ok(())
    }
}
