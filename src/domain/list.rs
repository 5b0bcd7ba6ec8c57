//! Lists of records that are kept.

use std::mem::ManuallyDrop;

use super::Weigh;
use super::weigh::room;

/// The records of one key, as they are kept: weighed once, and forgotten without a look at each where none of them holds
/// anything on the heap, as by far most do.
///
/// When a list is forgotten it has left the processor's caches long ago: to look at its records would be to fetch them again.
#[derive(Debug)]
pub struct List<T> {
    records: Vec<ManuallyDrop<T>>,
    heap_bytes: usize,
    /// Whether its records hold something beside it, and so have to be dropped.
    holds: bool,
}

impl<T> List<T> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The record at a place.
    pub fn get(&self, at: usize) -> Option<&T> {
        self.records.get(at).map(|record| &**record)
    }

    /// All of them, in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &T> {
        self.records.iter().map(|record| &**record)
    }
}

impl<T: Weigh> From<Vec<T>> for List<T> {
    fn from(records: Vec<T>) -> Self {
        let heap_bytes = records.heap_bytes();
        let holds = heap_bytes > room(&records);
        // In place, and so no more than another name for the same memory.
        Self { records: records.into_iter().map(ManuallyDrop::new).collect(), heap_bytes, holds }
    }
}

impl<T> Drop for List<T> {
    fn drop(&mut self) {
        if self.holds {
            std::mem::take(&mut self.records).into_iter().map(ManuallyDrop::into_inner).for_each(drop);
        }
    }
}

impl<T> Weigh for List<T> {
    fn heap_bytes(&self) -> usize {
        self.heap_bytes
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn what_records_hold_is_given_back_with_their_list() {
        let held: Arc<str> = Arc::from("held");
        let lists = [vec![None, Some(Arc::clone(&held)), None], vec![Some(Arc::clone(&held)); 3], vec![None, None]];
        let lists: Vec<List<Option<Arc<str>>>> = lists.map(List::from).into();
        assert_eq!(Arc::strong_count(&held), 5);
        drop(lists);
        assert_eq!(Arc::strong_count(&held), 1);
    }

    #[test]
    fn a_list_holds_what_came_in_its_order_and_weighs_as_much() {
        for records in [vec![], vec!["a".to_owned()], (0..100).map(|number| "x".repeat(number)).collect::<Vec<_>>()] {
            let list = List::from(records.clone());
            assert_eq!((list.len(), list.is_empty()), (records.len(), records.is_empty()));
            assert!(list.iter().eq(&records));
            assert_eq!((list.get(0), list.get(records.len())), (records.first(), None));
            assert_eq!(list.heap_bytes(), records.heap_bytes());
        }
    }
}
