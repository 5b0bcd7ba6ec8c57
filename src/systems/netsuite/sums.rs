//! Sums by project and currency, while they are put together from several answers.

use std::collections::{BTreeMap, HashMap};

use rust_decimal::Decimal;

use crate::domain::{Booked, Money, ProjectId, Sum};

/// Sums of projects, by what else tells them apart.
#[derive(Debug)]
pub(super) struct Sums<K>(BTreeMap<ProjectId, Vec<(K, Sum)>>);

impl<K> Default for Sums<K> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K: PartialEq> Sums<K> {
    /// Adds so many records. What shares its key and both currencies is one sum.
    pub(super) fn add(&mut self, id: &ProjectId, key: K, amount: Booked, records: usize) {
        let sums = self.0.entry(id.clone()).or_default();
        let known = sums.iter_mut().find(|(other, sum)| *other == key && currencies(sum.amount) == currencies(amount));
        match known {
            Some((_, sum)) => {
                sum.amount = Booked {
                    document: plus(sum.amount.document, amount.document),
                    company: plus(sum.amount.company, amount.company),
                };
                sum.records += records;
            }
            None => sums.push((key, Sum { amount, records })),
        }
    }

    /// The sums of each project.
    pub(super) fn grouped(self) -> HashMap<ProjectId, Vec<(K, Sum)>> {
        self.0.into_iter().collect()
    }
}

fn currencies(amount: Booked) -> [Option<crate::domain::Currency>; 2] {
    [amount.document, amount.company].map(|money| money.map(|money| money.currency))
}

fn plus(a: Option<Money>, b: Option<Money>) -> Option<Money> {
    let (a, b) = (a?, b?);
    a.amount.checked_add(b.amount).map(|sum: Decimal| Money::new(sum, a.currency))
}
