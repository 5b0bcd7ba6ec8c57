//! Seeded chance, and days counted from the company's today. Whole numbers only: money is counted in cents.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;

/// A day, counted from today: yesterday is -1.
pub(super) type Day = i64;

/// Seeded chance.
#[derive(Debug)]
pub(super) struct Dice(fastrand::Rng);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// True in so many of a thousand cases.
    pub(super) fn chance(&mut self, permille: i64) -> bool {
        self.0.i64(0..1000) < permille
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn range(&mut self, low: i64, high: i64) -> i64 {
        self.0.i64(low..=high.max(low))
    }

    /// A count from `low` to `high`, both included.
    pub(super) fn count(&mut self, low: usize, high: usize) -> usize {
        self.0.usize(low..=high.max(low))
    }

    /// One of them; the default if there are none.
    pub(super) fn pick<T: Copy + Default>(&mut self, from: &[T]) -> T {
        self.0.choice(from).copied().unwrap_or_default()
    }

    /// One of them, each as often as its weight says.
    pub(super) fn weighted<T: Copy + Default>(&mut self, from: &[T], weight: impl Fn(&T) -> i64) -> T {
        let mut left = self.range(1, from.iter().map(&weight).sum());
        for value in from {
            left -= weight(value);
            if left <= 0 {
                return *value;
            }
        }
        T::default()
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        self.0.shuffle(items);
    }

    /// Cuts a total into so many uneven parts, which sum to it exactly.
    pub(super) fn split(&mut self, total: i64, parts: usize) -> Vec<i64> {
        let weights: Vec<i64> = (0..parts.max(1)).map(|_| self.range(60, 140)).collect();
        let (mut weight_left, mut left) = (weights.iter().sum::<i64>(), total);
        weights
            .into_iter()
            .map(|weight| {
                let part = left * weight / weight_left;
                weight_left -= weight;
                left -= part;
                part
            })
            .collect()
    }
}

/// Turns days into dates and moments.
#[derive(Debug, Clone, Copy)]
pub(super) struct Calendar {
    today: Date,
    midnight: i64,
}

impl Calendar {
    pub(super) fn new(today: Date) -> Self {
        let midnight = today.to_zoned_datetime(TimeZone::UTC).map_or(0, |midnight| midnight.timestamp().as_second());
        Self { today, midnight }
    }

    pub(super) fn date(&self, day: Day) -> Date {
        self.today.saturating_add(SignedDuration::from_hours(24 * day))
    }

    /// A moment in working hours of that day.
    pub(super) fn moment(&self, day: Day, dice: &mut Dice) -> Timestamp {
        let second = self.midnight + day * 86_400 + dice.range(7 * 3600, 17 * 3600);
        Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH)
    }
}

/// An amount of so many cents.
pub(super) fn cents(cents: i64) -> Decimal {
    Decimal::new(cents, 2)
}

/// A position as a record number.
pub(super) fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

/// So many of a thousand of the whole.
pub(super) fn share(whole: i64, permille: i64) -> i64 {
    whole * permille / 1000
}
