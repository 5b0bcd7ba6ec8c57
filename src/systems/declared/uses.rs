//! Which places of a row a table reads: what a system is asked for that can be told, and what a configuration cannot mean.

use super::dates::{Day, Moment};
use super::lines::{CreditNotes, Lines, Payments};
use super::path::{Field, Path};
use super::value::{Amount, Condition, Negate, Number, Text, Word};
use super::ways::{Listing, Lookup};

/// A place that is read.
#[derive(Debug, Clone)]
pub(in crate::systems) struct Used<'p> {
    /// The key of the configuration that says so.
    pub(in crate::systems) key: String,
    /// The place.
    pub(in crate::systems) path: &'p Path,
    /// The list inside a row whose elements have it; none if it is the row itself.
    pub(in crate::systems) within: Option<&'p Path>,
}

/// The places of a row that something reads.
pub(in crate::systems) trait Uses {
    /// Adds them to those that are known. `key` is where this stands in the configuration.
    fn uses<'p>(&'p self, key: &str, known: &mut Vec<Used<'p>>);
}

impl Uses for Path {
    fn uses<'p>(&'p self, key: &str, known: &mut Vec<Used<'p>>) {
        if !self.is_empty() {
            known.push(Used { key: key.to_owned(), path: self, within: None });
        }
    }
}

impl<T: Uses> Uses for Option<T> {
    fn uses<'p>(&'p self, key: &str, known: &mut Vec<Used<'p>>) {
        if let Some(inner) = self {
            inner.uses(key, known);
        }
    }
}

impl<T: Uses> Uses for Field<T> {
    fn uses<'p>(&'p self, key: &str, known: &mut Vec<Used<'p>>) {
        self.0.uses(key, known);
    }
}

impl Uses for Text {
    fn uses<'p>(&'p self, key: &str, known: &mut Vec<Used<'p>>) {
        self.path.uses(key, known);
        self.join.iter().for_each(|path| path.uses(key, known));
    }
}

impl Uses for Amount {
    fn uses<'p>(&'p self, key: &str, known: &mut Vec<Used<'p>>) {
        self.path.uses(key, known);
        self.currency.uses(key, known);
        if let Some(Negate::When(condition)) = &self.negate {
            condition.uses(key, known);
        }
    }
}

macro_rules! one_place {
    ($($value:ty),+) => {$(
        impl Uses for $value {
            fn uses<'p>(&'p self, key: &str, known: &mut Vec<Used<'p>>) {
                self.path.uses(key, known);
            }
        }
    )+};
}

one_place!(Number, Day, Moment, Condition);

impl<O> Uses for Word<O> {
    fn uses<'p>(&'p self, key: &str, known: &mut Vec<Used<'p>>) {
        self.path.uses(key, known);
    }
}

impl Uses for Lookup {
    fn uses<'p>(&'p self, key: &str, known: &mut Vec<Used<'p>>) {
        self.key.uses(&format!("{key}.key"), known);
    }
}

impl Uses for Lines {
    fn uses<'p>(&'p self, key: &str, known: &mut Vec<Used<'p>>) {
        self.rows.uses(&format!("{key}.rows"), known);
        let start = known.len();
        self.description.uses(&format!("{key}.description"), known);
        self.quantity.uses(&format!("{key}.quantity"), known);
        self.net.uses(&format!("{key}.net"), known);
        self.company_net.uses(&format!("{key}.company_net"), known);
        self.project_id.uses(&format!("{key}.project_id"), known);
        known.iter_mut().skip(start).for_each(|used| used.within = Some(&self.rows));
    }
}

impl Uses for Payments {
    fn uses<'p>(&'p self, key: &str, known: &mut Vec<Used<'p>>) {
        self.rows.uses(&format!("{key}.rows"), known);
        let start = known.len();
        self.id.uses(&format!("{key}.id"), known);
        self.date.uses(&format!("{key}.date"), known);
        self.amount.uses(&format!("{key}.amount"), known);
        self.company_amount.uses(&format!("{key}.company_amount"), known);
        known.iter_mut().skip(start).for_each(|used| used.within = Some(&self.rows));
    }
}

macro_rules! no_place {
    ($($value:ty),+) => {$(
        impl Uses for $value {
            fn uses<'p>(&'p self, _: &str, _: &mut Vec<Used<'p>>) {}
        }
    )+};
}

no_place!(Listing, String, CreditNotes, bool);
