//! Records that are shown where they lie in a list.

use std::ops::Deref;
use std::sync::Arc;

use crate::domain::List;

/// A record of a list.
#[derive(Debug)]
pub(super) struct Listed<T> {
    list: Arc<List<T>>,
    at: usize,
}

impl<T> Listed<T> {
    /// All records of a list.
    pub(super) fn all(list: &Arc<List<T>>) -> impl Iterator<Item = Self> {
        (0..list.len()).map(|at| Self { list: Arc::clone(list), at })
    }
}

impl<T> Clone for Listed<T> {
    fn clone(&self) -> Self {
        Self { list: Arc::clone(&self.list), at: self.at }
    }
}

impl<T> Deref for Listed<T> {
    type Target = T;

    #[expect(clippy::expect_used, reason = "the place is there, and the list does not change")]
    fn deref(&self) -> &T {
        self.list.get(self.at).expect("a place of the list")
    }
}
