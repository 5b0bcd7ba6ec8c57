//! What is collected for the keys of a batch: a record, or a list of records in their order and each once.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use foldhash::fast::RandomState;

use super::read::Key;
use crate::systems::{Batch, SystemError};

/// What is collected for a key.
pub(in crate::systems) trait Collect<T>: Default + Send {
    /// What is collected at a place.
    fn at(all: &mut [Self], place: usize) -> Option<&mut Self> {
        all.get_mut(place)
    }

    fn add(&mut self, record: T);
}

impl<T: Send> Collect<T> for Vec<T> {
    fn at(all: &mut [Self], place: usize) -> Option<&mut Self> {
        with_room(all, place)
    }

    fn add(&mut self, record: T) {
        self.push(record);
    }
}

/// The list at a place. A list that begins takes over the room of the one before, which gets as much as it needs: rows mostly
/// come key by key, so the room in which a list grows is made once, and is in the processor's caches.
pub(in crate::systems) fn with_room<T>(lists: &mut [Vec<T>], place: usize) -> Option<&mut Vec<T>> {
    let (before, from) = lists.split_at_mut_checked(place)?;
    let list = from.first_mut()?;
    if list.capacity() == 0
        && let Some(last) = before.iter_mut().rev().find(|list| list.capacity() > 0)
    {
        let mut exact = Vec::with_capacity(last.len());
        exact.append(last);
        *list = std::mem::replace(last, exact);
    }
    Some(list)
}

/// The one record of a key.
#[derive(Debug, Default)]
pub(in crate::systems) enum One<T> {
    /// There is none.
    #[default]
    None,
    /// There is one.
    Record(T),
    /// There are several, and nobody can say which it is.
    Several,
}

impl<T: Send> Collect<T> for One<T> {
    fn add(&mut self, record: T) {
        *self = if matches!(self, Self::None) { Self::Record(record) } else { Self::Several };
    }
}

/// What was collected for the keys of a batch, in their order.
#[derive(Debug)]
pub(in crate::systems) struct Gathered<C> {
    pub(super) found: Vec<C>,
    /// Places of keys that cannot be asked for, and of those of which the system says itself that there is nothing by that
    /// name: they are not known, which is not the same as having no records.
    pub(super) unknown: Vec<usize>,
    pub(super) failed: Vec<(Vec<usize>, SystemError)>,
}

/// Of each key nothing yet.
pub(super) fn nothing<C: Default>(keys: usize) -> Vec<C> {
    std::iter::repeat_with(C::default).take(keys).collect()
}

/// Each key with its records, in the order of `sort`; one with a record that comes twice with a conflict, since nobody can
/// say whether it counts once or twice.
pub(in crate::systems) fn in_order<'k, K: Key, T>(
    rows: impl Iterator<Item = (&'k K, Vec<T>)>,
    id: impl Fn(&T) -> Option<&str>,
    sort: impl Fn(&T, &T) -> Ordering,
    conflict: impl Fn() -> SystemError,
) -> Batch<K, Vec<T>> {
    let mut batch =
        Batch { found: HashMap::with_capacity(rows.size_hint().1.unwrap_or_default()), failed: HashMap::new() };
    for (key, mut records) in rows {
        if comes_twice(&records, &id) {
            batch.failed.insert(key.clone(), conflict());
        } else {
            records.sort_by(&sort);
            // The list that began last has the room of all before it.
            records.shrink_to_fit();
            batch.found.insert(key.clone(), records);
        }
    }
    batch
}

/// Whether two records have the same ID.
fn comes_twice<T>(records: &[T], id: impl Fn(&T) -> Option<&str>) -> bool {
    // Owners mostly send records in the order of their IDs, which tells without a table.
    if records.is_sorted_by(|a, b| id(a) < id(b)) {
        return false;
    }
    let mut seen = HashSet::with_capacity_and_hasher(records.len(), RandomState::default());
    !records.iter().filter_map(id).all(|id| seen.insert(id))
}

/// The order of record IDs: numbers by their value, then texts.
pub(in crate::systems) fn by_id(a: &str, b: &str) -> Ordering {
    match (a.parse::<u64>(), b.parse::<u64>()) {
        (Ok(x), Ok(y)) => x.cmp(&y).then_with(|| a.cmp(b)),
        (Ok(_), Err(_)) => Ordering::Less,
        (Err(_), Ok(_)) => Ordering::Greater,
        (Err(_), Err(_)) => a.cmp(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::InvoiceId;

    fn collected(keys: usize, rows: &[(usize, u32)]) -> Vec<Vec<u32>> {
        let mut lists = nothing(keys);
        for (place, record) in rows {
            with_room(&mut lists, *place).unwrap().push(*record);
        }
        lists
    }

    #[test]
    fn lists_that_come_one_after_the_other_hold_what_came_and_have_no_room_left() {
        let rows: Vec<(usize, u32)> = (0..7).flat_map(|place| (0..5).map(move |record| (place * 2, record))).collect();
        let lists = collected(14, &rows);
        for (place, list) in lists.iter().enumerate() {
            let came = if place % 2 == 0 { vec![0, 1, 2, 3, 4] } else { Vec::new() };
            assert_eq!(*list, came, "{place}");
            // The last one has the room that all of them had.
            assert!(list.capacity() == list.len() || place == 12, "{place}: {}", list.capacity());
        }
    }

    #[test]
    fn lists_that_come_in_any_order_hold_what_came() {
        let rows = [(2, 1), (0, 2), (2, 3), (1, 4), (3, 5), (0, 6), (2, 7), (1, 8)];
        assert_eq!(collected(4, &rows), [vec![2, 6], vec![4, 8], vec![1, 3, 7], vec![5]]);
    }

    #[test]
    fn a_short_list_does_not_keep_the_room_of_a_long_one_before_it() {
        let keys = ["LONG", "SHORT"].map(InvoiceId::new);
        let rows: Vec<(usize, u32)> = (0..1_000).map(|record| (0, record)).chain([(1, 7)]).collect();
        let lists = keys.iter().zip(collected(2, &rows));
        let batch = in_order(lists, |_| None, Ord::cmp, || unreachable!("no record has an ID"));
        assert_eq!(batch.found[&keys[0]].len(), 1_000);
        assert_eq!(batch.found[&keys[1]], [7]);
        assert!(batch.found[&keys[1]].capacity() < 16, "{}", batch.found[&keys[1]].capacity());
    }

    #[test]
    fn there_is_no_list_of_a_key_that_was_not_asked_for() {
        assert!(with_room(&mut nothing::<Vec<u32>>(2), 2).is_none());
        assert!(with_room(&mut nothing::<Vec<u32>>(0), 7).is_none());
    }

    #[test]
    fn a_record_that_comes_twice_is_seen_in_any_order() {
        let twice = |ids: &[&str]| comes_twice(ids, |id| Some(id));
        assert!(!twice(&[]) && !twice(&["1", "2", "3"]) && !twice(&["9", "10", "8"]));
        assert!(twice(&["1", "1"]) && twice(&["9", "10", "9"]) && twice(&["2", "1", "3", "2"]));
        // What has no ID is no other's double.
        assert!(!comes_twice(&[None, None, Some("1")], |id| *id));
    }

    #[test]
    fn numbers_are_in_the_order_of_their_values() {
        let mut ids = ["b", "10", "9", "a", "09", "100"];
        ids.sort_by(|a, b| by_id(a, b));
        assert_eq!(ids, ["09", "9", "10", "100", "a", "b"]);
    }
}
