//! What a request has read already. One answer is one reading: a record that an answer shows in three places is the same
//! record in all three, whatever becomes of the cache meanwhile.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;

use super::Key;
use super::entry::Read;

/// The reads of one request, by reader.
#[derive(Default)]
pub struct AtHand {
    readers: Mutex<Vec<Option<Box<dyn Any + Send>>>>,
}

type Reads<K, V> = HashMap<K, Read<V>, RandomState>;

impl AtHand {
    /// What was read for a key.
    pub(super) fn get<K: Key, V: Send + Sync + 'static>(&self, reader: usize, key: &K) -> Option<Read<V>> {
        let readers = self.readers();
        let reads = readers.get(reader)?.as_ref()?.downcast_ref::<Reads<K, V>>()?;
        reads.get(key).cloned()
    }

    /// What was read for keys, in their order.
    pub(super) fn get_many<K: Key, V: Send + Sync + 'static>(&self, reader: usize, keys: &[K]) -> Vec<Option<Read<V>>> {
        let readers = self.readers();
        let reads = readers.get(reader).and_then(Option::as_ref).and_then(|any| any.downcast_ref::<Reads<K, V>>());
        let Some(reads) = reads else { return Vec::new() };
        keys.iter().map(|key| reads.get(key).cloned()).collect()
    }

    /// Takes what was read.
    pub(super) fn put<'r, K: Key, V: Send + Sync + 'static>(
        &self,
        reader: usize,
        reads: impl ExactSizeIterator<Item = (&'r K, &'r Read<V>)>,
    ) {
        let mut readers = self.readers();
        if readers.len() <= reader {
            readers.resize_with(reader + 1, || None);
        }
        let Some(place) = readers.get_mut(reader) else { return };
        let any = place.get_or_insert_with(|| Box::new(Reads::<K, V>::default()));
        let Some(all) = any.downcast_mut::<Reads<K, V>>() else { return };
        all.reserve(reads.len());
        for (key, read) in reads {
            if !all.contains_key(key) {
                all.insert(key.clone(), read.clone());
            }
        }
    }

    fn readers(&self) -> MutexGuard<'_, Vec<Option<Box<dyn Any + Send>>>> {
        self.readers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for AtHand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtHand").field("readers", &self.readers().len()).finish()
    }
}
