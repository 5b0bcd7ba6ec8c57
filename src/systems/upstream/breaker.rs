//! The circuit breaker: after failures in a row the system is left alone, and one call then tries whether it is back.
//!
//! A pure state machine: `now` is the time since some fixed moment.

use std::time::Duration;

/// Longest pause, before jitter.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// Whether calls are let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// All of them.
    Closed,
    /// None, until the pause is over.
    Open,
    /// One, to see whether the system is back.
    HalfOpen,
}

/// What a call says about the system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It answers; that the answer may be "no" does not matter.
    Answered,
    /// It does not answer, or not in a way that can be read.
    Failed,
    /// Nothing: the caller left, or gave it too little time.
    Unknown,
}

/// The breaker of a connection.
#[derive(Debug)]
pub(super) struct Breaker {
    threshold: u32,
    first_pause: Duration,
    state: BreakerState,
    since: Duration,
    /// When the next probe may go, while open.
    until: Duration,
    /// Failed calls in a row.
    failures: u32,
    /// Answers in a row that could not be decoded. Apart from `failures`, since each of them was an answer.
    undecodable: u32,
    /// Openings since the system last answered.
    openings: u32,
}

impl Breaker {
    pub(super) fn new(threshold: u32, first_pause: Duration) -> Self {
        Self {
            threshold: threshold.max(1),
            first_pause,
            state: BreakerState::Closed,
            since: Duration::ZERO,
            until: Duration::ZERO,
            failures: 0,
            undecodable: 0,
            openings: 0,
        }
    }

    /// The state, and since when it holds.
    pub(super) fn state(&self) -> (BreakerState, Duration) {
        (self.state, self.since)
    }

    /// When the next probe may go, while open.
    pub(super) fn next_probe(&self) -> Option<Duration> {
        (self.state == BreakerState::Open).then_some(self.until)
    }

    /// Whether a call would be let through now; if not, how long to stay away.
    pub(super) fn check(&self, now: Duration) -> Result<(), Duration> {
        match self.state {
            BreakerState::Closed => Ok(()),
            BreakerState::Open if now >= self.until => Ok(()),
            BreakerState::Open => Err(self.until.saturating_sub(now)),
            BreakerState::HalfOpen => Err(self.first_pause),
        }
    }

    /// Lets a call through, or says how long to stay away. `true`: the call is the probe. Each call that was let
    /// through must [`leave`](Self::leave).
    pub(super) fn enter(&mut self, now: Duration) -> Result<bool, Duration> {
        self.check(now)?;
        let probe = self.state == BreakerState::Open;
        if probe {
            self.change(BreakerState::HalfOpen, now);
        }
        Ok(probe)
    }

    /// Takes note of how a call ended. While open or half-open only the probe counts: the others began before.
    pub(super) fn leave(&mut self, now: Duration, probe: bool, outcome: Outcome) {
        match (self.state, outcome) {
            (BreakerState::HalfOpen, _) if !probe => {}
            (BreakerState::HalfOpen, Outcome::Answered) => {
                self.change(BreakerState::Closed, now);
                (self.failures, self.undecodable, self.openings) = (0, 0, 0);
            }
            (BreakerState::HalfOpen, Outcome::Failed) => self.open(now),
            (BreakerState::HalfOpen, Outcome::Unknown) => {
                self.change(BreakerState::Open, now);
                self.until = now;
            }
            (BreakerState::Closed, Outcome::Answered) => self.failures = 0,
            (BreakerState::Closed, Outcome::Failed) => {
                self.failures += 1;
                if self.failures >= self.threshold {
                    self.open(now);
                }
            }
            (BreakerState::Closed, Outcome::Unknown) | (BreakerState::Open, _) => {}
        }
    }

    /// Takes note of whether an answer could be decoded.
    pub(super) fn decoded(&mut self, now: Duration, well: bool) {
        self.undecodable = if well { 0 } else { self.undecodable + 1 };
        if self.state == BreakerState::Closed && self.undecodable >= self.threshold {
            self.open(now);
        }
    }

    fn open(&mut self, now: Duration) {
        let doubled = self.first_pause.saturating_mul(1 << self.openings.min(16));
        let pause = doubled.min(LONGEST_PAUSE);
        // Up to half as long again, so that many instances do not come back together.
        self.until = now + pause + pause.mul_f64(fastrand::f64() / 2.0);
        self.openings += 1;
        self.change(BreakerState::Open, now);
    }

    fn change(&mut self, state: BreakerState, now: Duration) {
        self.state = state;
        self.since = now;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    fn fail(breaker: &mut Breaker, now: Duration, times: u32) {
        for _ in 0..times {
            let probe = breaker.enter(now).unwrap();
            breaker.leave(now, probe, Outcome::Failed);
        }
    }

    #[test]
    fn opens_after_failures_in_a_row_only() {
        let mut breaker = Breaker::new(3, s(1));
        fail(&mut breaker, s(0), 2);
        breaker.leave(s(0), false, Outcome::Answered);
        fail(&mut breaker, s(0), 2);
        breaker.leave(s(0), false, Outcome::Unknown);
        assert_eq!(breaker.check(s(0)), Ok(()));
        fail(&mut breaker, s(5), 1);
        assert_eq!(breaker.state(), (BreakerState::Open, s(5)));
        assert!(breaker.check(s(5)).unwrap_err() >= s(1), "the pause is told to the caller");
    }

    #[test]
    fn lets_one_probe_through_after_the_pause_and_closes_on_its_success() {
        let mut breaker = Breaker::new(1, s(1));
        fail(&mut breaker, s(0), 1);
        assert!(breaker.enter(Duration::from_millis(999)).is_err());
        assert_eq!(breaker.enter(s(2)), Ok(true));
        assert_eq!(breaker.enter(s(2)), Err(s(1)), "the second caller stays out");
        breaker.leave(s(2), false, Outcome::Answered);
        assert_eq!(breaker.state().0, BreakerState::HalfOpen, "a call from before the opening proves nothing");
        breaker.leave(s(3), true, Outcome::Answered);
        assert_eq!(breaker.state(), (BreakerState::Closed, s(3)));
        assert_eq!(breaker.enter(s(3)), Ok(false));
    }

    #[test]
    fn the_pause_doubles_up_to_a_minute_with_jitter_and_starts_small_again_after_success() {
        let mut breaker = Breaker::new(1, s(1));
        let mut now = s(0);
        fail(&mut breaker, now, 1);
        for expected in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            let pause = breaker.check(now).unwrap_err();
            assert!(pause >= s(expected) && pause <= s(expected) + s(expected) / 2, "{pause:?} for {expected} s");
            assert_eq!(breaker.next_probe(), Some(now + pause));
            now += pause;
            fail(&mut breaker, now, 1);
        }
        now = breaker.next_probe().unwrap();
        assert_eq!(breaker.enter(now), Ok(true));
        breaker.leave(now, true, Outcome::Answered);
        fail(&mut breaker, now, 1);
        assert!(breaker.check(now).unwrap_err() <= Duration::from_millis(1500));
    }

    #[test]
    fn a_probe_that_says_nothing_makes_way_for_the_next_one_at_once() {
        let mut breaker = Breaker::new(1, s(1));
        fail(&mut breaker, s(0), 1);
        assert_eq!(breaker.enter(s(2)), Ok(true));
        breaker.leave(s(3), true, Outcome::Unknown);
        assert_eq!(breaker.enter(s(3)), Ok(true));
    }

    #[test]
    fn answers_that_cannot_be_decoded_open_it_although_each_was_an_answer() {
        let mut breaker = Breaker::new(2, s(1));
        for well in [false, true, false] {
            breaker.leave(s(0), false, Outcome::Answered);
            breaker.decoded(s(0), well);
        }
        assert_eq!(breaker.state().0, BreakerState::Closed);
        breaker.leave(s(0), false, Outcome::Answered);
        breaker.decoded(s(0), false);
        assert_eq!(breaker.state().0, BreakerState::Open);
    }
}
