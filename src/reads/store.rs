//! The one cache of all readers: bounded in bytes, whoever reads what.

use std::any::Any;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use foldhash::quality::RandomState;
use moka::Equivalent;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;

use super::Key;
use super::entry::Entry;

/// The cache of all readers of the process. Its bound holds for all kinds of record together; what was not used for
/// longest goes first.
pub struct Store {
    cache: Cache<Slot, Held, BuildHasherDefault<Done>>,
    hasher: RandomState,
    readers: AtomicUsize,
    evictions: AtomicU64,
    last_evictions: [AtomicU64; 64],
}

/// What an entry costs beside itself and its key: the cache's own books of it, as measured.
const BOOKS: usize = 448;

/// The place of a reader in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(usize);

/// A key of any reader, hashed once.
struct Slot {
    place: Place,
    hash: u64,
    key: Box<dyn AnyKey>,
}

/// A look for a key, which needs no key of its own.
struct Look<'a, K> {
    place: Place,
    hash: u64,
    key: &'a K,
}

/// An entry of any reader, with its weight.
#[derive(Clone)]
struct Held {
    bytes: u32,
    entry: Arc<dyn Any + Send + Sync>,
}

trait AnyKey: Any + Send + Sync {
    fn is(&self, other: &dyn Any) -> bool;
}

impl<K: Key> AnyKey for K {
    fn is(&self, other: &dyn Any) -> bool {
        other.downcast_ref::<K>() == Some(self)
    }
}

impl Hash for Slot {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl PartialEq for Slot {
    fn eq(&self, other: &Self) -> bool {
        let key: &dyn Any = &*other.key;
        self.hash == other.hash && self.place == other.place && self.key.is(key)
    }
}

impl Eq for Slot {}

impl<K> Hash for Look<'_, K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl<K: Key> Equivalent<Slot> for Look<'_, K> {
    fn equivalent(&self, slot: &Slot) -> bool {
        let key: &dyn Any = &*slot.key;
        self.hash == slot.hash && self.place == slot.place && key.downcast_ref::<K>() == Some(self.key)
    }
}

/// Hands on a hash that was made before.
#[derive(Default)]
struct Done(u64);

impl Hasher for Done {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {}

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl Store {
    /// A store of at most `max_bytes`, in which nothing stays for longer than `longest`.
    pub fn new(max_bytes: u64, longest: Duration) -> Arc<Self> {
        let cache = Cache::builder()
            .max_capacity(max_bytes)
            .weigher(|_, held: &Held| held.bytes)
            .time_to_live(longest.min(Duration::from_hours(24 * 365)))
            // A value that was just read is admitted always: whoever read it is about to look at it.
            .eviction_policy(EvictionPolicy::lru())
            .build_with_hasher(BuildHasherDefault::default());
        Arc::new(Self {
            cache,
            hasher: RandomState::default(),
            readers: AtomicUsize::new(0),
            evictions: AtomicU64::new(0),
            last_evictions: [const { AtomicU64::new(0) }; 64],
        })
    }

    /// Bytes held, as far as the cache has counted.
    pub fn bytes(&self) -> u64 {
        self.cache.run_pending_tasks();
        self.cache.weighted_size()
    }

    /// The number of the latest eviction among the kinds of record in `parts` (see
    /// [`Observed::parts`](super::Observed::parts)).
    pub fn evictions(&self, parts: u64) -> u64 {
        let of_part = |(at, last): (usize, &AtomicU64)| {
            if parts >> at & 1 == 1 { last.load(Ordering::SeqCst) } else { 0 }
        };
        self.last_evictions.iter().enumerate().map(of_part).max().unwrap_or(0)
    }

    /// A place for one more reader.
    pub(super) fn place(&self) -> Place {
        Place(self.readers.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn get<K: Key, V: Send + Sync + 'static>(&self, place: Place, key: &K) -> Option<Arc<Entry<V>>> {
        let held = self.cache.get(&self.look(place, key))?;
        held.entry.downcast().ok()
    }

    /// Puts an entry in. `bytes` is what key and value hold beside their own size.
    pub(super) fn put<K: Key, V: Send + Sync + 'static>(
        &self,
        place: Place,
        key: &K,
        entry: Arc<Entry<V>>,
        bytes: usize,
    ) {
        let Look { hash, .. } = self.look(place, key);
        let bytes = bytes + size_of::<K>() + size_of::<Entry<V>>() + BOOKS;
        let held = Held { bytes: u32::try_from(bytes).unwrap_or(u32::MAX), entry };
        self.cache.insert(Slot { place, hash, key: Box::new(key.clone()) }, held);
    }

    /// Forgets an entry for good. The caller has made sure that no load under way can put it back.
    pub(super) fn evict<K: Key>(&self, place: Place, key: &K) {
        self.cache.invalidate(&self.look(place, key));
        // Counted when it is done: who begins after this number was given does not find the old value anymore.
        let number = self.evictions.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(last) = self.last_evictions.get(place.0 % 64) {
            last.fetch_max(number, Ordering::SeqCst);
        }
    }

    fn look<'a, K: Key>(&self, place: Place, key: &'a K) -> Look<'a, K> {
        Look { place, hash: self.hasher.hash_one((place.0, key)), key }
    }
}

impl Place {
    /// The bit of this reader among the parts of an answer.
    pub(super) fn part(self) -> u64 {
        1 << (self.0 % 64)
    }

    /// The number of this reader.
    pub(super) fn number(self) -> usize {
        self.0
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("readers", &self.readers).finish_non_exhaustive()
    }
}
