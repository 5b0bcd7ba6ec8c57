//! Records that lie in their list.

use std::ops::Deref;
use std::sync::Arc;

/// A record that lies in its list, or, where several lists hold it, beside them.
///
/// Lists are read and dropped by the thousand, and memory is fast where it is one piece.
#[derive(Debug, Clone)]
pub enum InList<T> {
    /// It is this list's alone.
    Here(T),
    /// Several lists hold it.
    Shared(Arc<T>),
}

impl<T: Clone> InList<T> {
    /// The record itself.
    pub fn into_inner(self) -> T {
        match self {
            Self::Here(record) => record,
            Self::Shared(record) => Arc::unwrap_or_clone(record),
        }
    }
}

impl<T> InList<T> {
    /// The record, for several lists.
    pub fn into_shared(self) -> Arc<T> {
        match self {
            Self::Here(record) => Arc::new(record),
            Self::Shared(record) => record,
        }
    }
}

impl<T> Deref for InList<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Self::Here(record) => record,
            Self::Shared(record) => record,
        }
    }
}

impl<T> From<T> for InList<T> {
    fn from(record: T) -> Self {
        Self::Here(record)
    }
}

impl<T> From<Arc<T>> for InList<T> {
    fn from(record: Arc<T>) -> Self {
        Arc::try_unwrap(record).map_or_else(Self::Shared, Self::Here)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_that_nobody_else_holds_lies_in_its_list() {
        let shared = Arc::new(1);
        assert!(matches!(InList::<i32>::from(Arc::clone(&shared)), InList::Shared(_)));
        assert!(matches!(InList::<i32>::from(shared), InList::Here(1)));
        assert_eq!((InList::<i32>::from(2).into_inner(), InList::Shared(Arc::new(3)).into_inner()), (2, 3));
    }
}
