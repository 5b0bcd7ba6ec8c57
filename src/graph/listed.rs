//! Records that are shown where they lie in a list.

use std::ops::Deref;
use std::sync::Arc;

/// A record of a list.
#[derive(Debug)]
pub(super) struct Listed<T> {
    list: Arc<Vec<T>>,
    at: usize,
}

impl<T> Listed<T> {
    /// All records of a list.
    pub(super) fn all(list: &Arc<Vec<T>>) -> impl Iterator<Item = Self> {
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

    #[expect(clippy::indexing_slicing, reason = "the place is there, and the list does not change")]
    fn deref(&self) -> &T {
        &self.list[self.at]
    }
}
