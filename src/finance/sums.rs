//! Sums over engagements: each measure by itself, with how many it is known of.

use rust_decimal::Decimal;

use super::{Completeness, Measure, Part, Statement};

/// A group of engagements, added up.
#[derive(Debug, Clone)]
pub struct Sums {
    tallies: [Tally; Measure::COUNT],
    /// How many engagements are whole in the figures, how many are not, and why.
    pub completeness: Completeness,
    /// Whether an amount was converted by exchange rates.
    pub converted: bool,
}

/// The sum of one measure.
#[derive(Debug, Clone, Copy)]
struct Tally {
    /// None after an overflow: no sum is better than a wrong one.
    sum: Option<Decimal>,
    known: usize,
    unavailable: usize,
}

impl Default for Sums {
    fn default() -> Self {
        let nothing = Tally { sum: Some(Decimal::ZERO), known: 0, unavailable: 0 };
        Self { tallies: [nothing; Measure::COUNT], completeness: Completeness::default(), converted: false }
    }
}

impl Sums {
    /// Adds an engagement.
    pub fn add(&mut self, statement: &Statement) {
        for (tally, part) in self.tallies.iter_mut().zip(statement.parts()) {
            match part {
                Part::Known(value) => {
                    tally.sum = tally.sum.and_then(|sum| sum.checked_add(*value));
                    tally.known += 1;
                }
                Part::Unavailable(_) => tally.unavailable += 1,
                Part::Unknown(_) | Part::Nothing => {}
            }
        }
        let missing = statement.missing();
        if missing.is_empty() {
            self.completeness.included += 1;
        } else {
            self.completeness.excluded += 1;
        }
        for reason in missing {
            self.completeness.note(*reason);
        }
        self.converted |= statement.converted;
    }

    /// The sum of a measure over the engagements of which it is known. None if it is known of none, and if an owner could not
    /// be asked: what it would have said may be there a moment later, and the sum would change without a word.
    pub fn of(&self, measure: Measure) -> Option<Decimal> {
        let tally = self.tallies.get(measure as usize)?;
        tally.sum.filter(|_| tally.known > 0 && tally.unavailable == 0)
    }
}
