//! How many calls a system takes at once, found out by asking it: additive increase, multiplicative decrease.
//!
//! It begins with half of what the configuration allows. While calls find no place and answers are no slower than usual, it
//! gets one place more; when it refuses, does not answer in time, or answers much slower than usual, a tenth less. So a
//! system that slows down is asked less before it fails, and more again when it is well.
//!
//! A pure state machine: `now` is the time since some fixed moment.

use std::time::Duration;

/// What a refusal, a timeout or slowness leaves of the limit.
const DECREASE: f64 = 0.9;

/// How much the last round counts in what is usual.
const ALPHA: f64 = 0.4;

/// Beyond so many deviations an answer is slower than usual.
const SLOW: f64 = 2.5;

/// The least that is taken for the usual deviation: a part of the usual time, and a time (in seconds) that says nothing of
/// the system.
const LEAST_DEVIATION: (f64, f64) = (0.1, 0.002);

/// What a call says of how much the system can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    /// It answered.
    Answered,
    /// It asked to be asked less, or did not answer in time.
    Overloaded,
}

/// The limit of a connection.
///
/// It is decided in rounds. A call that began before the last decision says nothing of the limit as it is now and is not
/// counted; a round of answers is over when there are as many as places. A refusal is decided about at once.
#[derive(Debug)]
pub(super) struct Adaptive {
    most: f64,
    limit: f64,
    /// When it was decided last.
    decided: Duration,
    /// Whether a call of this round found no place.
    reached: bool,
    /// Answers of this round, and the time they took together, in seconds.
    answers: usize,
    took: f64,
    /// What is usual; none before the first round.
    usual: Option<Usual>,
}

/// How long answers usually take, in seconds.
#[derive(Debug, Clone, Copy)]
struct Usual {
    mean: f64,
    variance: f64,
}

impl Adaptive {
    /// At most so many calls at once, at least one.
    pub(super) fn new(most: usize) -> Self {
        let most = most.clamp(1, 1 << 20);
        let half = u32::try_from(most.div_ceil(2)).unwrap_or(1);
        Self {
            most: f64::from(u32::try_from(most).unwrap_or(u32::MAX)),
            limit: f64::from(half),
            decided: Duration::ZERO,
            reached: false,
            answers: 0,
            took: 0.0,
            usual: None,
        }
    }

    /// Calls at once, now.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and 2^20")]
    pub(super) fn limit(&self) -> usize {
        self.limit as usize
    }

    /// Takes note that a call found no place: more could be of use.
    pub(super) fn reached(&mut self) {
        self.reached = true;
    }

    /// Takes note of how a call ended that took so long. True if the limit is another now.
    pub(super) fn observe(&mut self, now: Duration, took: Duration, signal: Signal) -> bool {
        if now.saturating_sub(took) < self.decided {
            return false;
        }
        let before = self.limit();
        match signal {
            Signal::Overloaded => self.decide(now, self.limit * DECREASE),
            Signal::Answered => {
                self.answers += 1;
                self.took += took.as_secs_f64();
                if self.answers >= before {
                    self.end_round(now);
                }
            }
        }
        self.limit() != before
    }

    #[expect(clippy::cast_precision_loss, reason = "a count of answers")]
    fn end_round(&mut self, now: Duration) {
        let took = self.took / self.answers as f64;
        let usual = *self.usual.get_or_insert(Usual { mean: took, variance: 0.0 });
        let deviation = usual.deviation();
        let limit = if took > usual.mean + SLOW * deviation {
            self.limit * DECREASE
        } else if self.reached && took <= usual.mean + deviation {
            self.limit + 1.0
        } else {
            self.limit
        };
        self.usual = Some(usual.after(took));
        self.decide(now, limit);
    }

    fn decide(&mut self, now: Duration, limit: f64) {
        self.limit = limit.clamp(1.0, self.most);
        self.decided = now;
        (self.reached, self.answers, self.took) = (false, 0, 0.0);
    }
}

impl Usual {
    fn deviation(self) -> f64 {
        let (part, time) = LEAST_DEVIATION;
        self.variance.sqrt().max(self.mean * part).max(time)
    }

    /// With one round more in it. What is far out counts as the edge of what is not: a system that slows down is not at once
    /// taken for one that is slow, and one that stays slow is, after a while.
    fn after(self, took: f64) -> Self {
        let off = (took - self.mean).min(SLOW * self.deviation());
        let mean = self.mean + ALPHA * off;
        Self { mean, variance: (1.0 - ALPHA) * (self.variance + ALPHA * off * off) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAST: Duration = Duration::from_millis(50);
    const SLOW: Duration = Duration::from_secs(5);

    /// A system that is asked by more than it takes: as many calls at once as the limit says, one round after the other.
    struct Busy {
        limit: Adaptive,
        now: Duration,
    }

    impl Busy {
        fn new(most: usize) -> Self {
            Self { limit: Adaptive::new(most), now: Duration::ZERO }
        }

        /// One round of calls that begin together and take so long; the limit after it.
        fn round(&mut self, took: Duration, signal: Signal) -> usize {
            self.now += took;
            for _ in 0..self.limit.limit() {
                self.limit.reached();
                self.limit.observe(self.now, took, signal);
            }
            self.limit.limit()
        }

        fn rounds(&mut self, rounds: usize, took: Duration) -> Vec<usize> {
            (0..rounds).map(|_| self.round(took, Signal::Answered)).collect()
        }
    }

    #[test]
    fn it_begins_with_half_and_grows_by_one_a_round_up_to_the_most() {
        let mut busy = Busy::new(8);
        assert_eq!(busy.limit.limit(), 4);
        assert_eq!(busy.rounds(6, FAST), [5, 6, 7, 8, 8, 8]);
        assert_eq!((Adaptive::new(1).limit(), Adaptive::new(0).limit(), Adaptive::new(5).limit()), (1, 1, 3));
    }

    #[test]
    fn it_does_not_grow_while_places_are_free() {
        let mut limit = Adaptive::new(8);
        for n in 1..100 {
            assert!(!limit.observe(FAST * n, FAST, Signal::Answered));
        }
        assert_eq!(limit.limit(), 4);
    }

    #[test]
    fn a_refusal_takes_a_tenth_and_those_of_calls_from_before_it_nothing_more() {
        let mut limit = Adaptive::new(40);
        let now = Duration::from_secs(1);
        for _ in 0..20 {
            limit.observe(now, FAST, Signal::Overloaded);
        }
        assert_eq!(limit.limit(), 18, "twenty calls that were under way together are refused once");
        assert!(!limit.observe(now + FAST / 2, FAST, Signal::Overloaded));
        assert!(limit.observe(now + FAST, FAST, Signal::Overloaded));
        assert_eq!(limit.limit(), 16);
    }

    #[test]
    fn it_is_never_below_one() {
        let mut busy = Busy::new(4);
        for _ in 0..100 {
            busy.round(SLOW, Signal::Overloaded);
        }
        assert_eq!(busy.limit.limit(), 1);
        assert_eq!(busy.rounds(4, FAST).last(), Some(&4), "and comes back");
    }

    #[test]
    fn a_step_from_50_ms_to_5_s_shrinks_it_and_it_comes_back_when_the_system_does() {
        let mut busy = Busy::new(16);
        busy.rounds(20, FAST);
        assert_eq!(busy.limit.limit(), 16);
        let slow = busy.rounds(10, SLOW);
        assert!(slow.is_sorted_by(|one, next| one >= next), "{slow:?}");
        assert!(slow.last() < Some(&8), "{slow:?}");
        let back = busy.rounds(16, FAST);
        assert_eq!(back.last(), Some(&16), "{back:?}");
    }

    #[test]
    fn a_system_that_stays_slow_is_taken_for_a_slow_one_after_a_while() {
        let mut busy = Busy::new(16);
        busy.rounds(20, FAST);
        let rounds = busy.rounds(60, SLOW);
        let least = rounds.iter().min();
        assert!(least < Some(&8) && rounds.last() == Some(&16), "{rounds:?}");
    }

    #[test]
    fn answers_that_vary_as_usual_change_nothing() {
        let mut busy = Busy::new(8);
        for round in 0_u32..200 {
            // Between 40 and 60 ms, without an order.
            let took = Duration::from_millis(u64::from(40 + round * 7919 % 21));
            busy.round(took, Signal::Answered);
            assert!(round < 20 || busy.limit.limit() >= 7, "{} in round {round}", busy.limit.limit());
        }
    }

    #[test]
    fn no_order_of_events_leaves_the_bounds() {
        proptest::proptest!(|(most in 0_usize..100, events in proptest::collection::vec((0_u64..10_000, 0_u64..10_000, 0_u8..3), 0..300))| {
            let mut limit = Adaptive::new(most);
            let mut now = Duration::ZERO;
            for (later, took, what) in events {
                now += Duration::from_millis(later);
                match what {
                    0 => limit.reached(),
                    1 => drop(limit.observe(now, Duration::from_millis(took), Signal::Answered)),
                    _ => drop(limit.observe(now, Duration::from_millis(took), Signal::Overloaded)),
                }
                proptest::prop_assert!((1..=most.max(1)).contains(&limit.limit()));
            }
        });
    }
}
