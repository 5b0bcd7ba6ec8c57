//! The one cache of all readers: bounded in bytes, whoever reads what.
//!
//! Two generations stand for the order of use. What is put in or looked at is young; when the young ones would fill more
//! than half of the bound, they become the old ones, and what was old and not looked at since is forgotten, all at once.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foldhash::quality::RandomState;

use super::Key;
use super::entry::Entry;
use super::observed::millis;

/// The cache of all readers of the process.
pub struct Store {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    /// Half of the bound, in bytes.
    half: u64,
    /// For how long an entry can be of use.
    longest: Duration,
    /// Bytes in the young generations of all shards, and of what is about to be.
    young: AtomicU64,
    /// When the young ones last became old, in milliseconds on the readers' clock.
    turned: AtomicU64,
    turning: Mutex<()>,
    readers: AtomicUsize,
    evictions: AtomicU64,
    last_evictions: [AtomicU64; PARTS],
}

/// Locks; more than there are cores.
const SHARDS: usize = 64;

/// Bits of a set of readers.
const PARTS: usize = 64;

/// What an entry costs beside its own bytes: its counters, its place in the table, and the room the table keeps free.
const BOOKS: usize = 128;

/// The place of a reader in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place(usize);

/// Entries by the hash of place and key. Two keys with one hash would take each other's place, once in a trillion: a look
/// compares the key itself.
#[derive(Default)]
struct Shard {
    young: Generation,
    old: Generation,
}

#[derive(Default)]
struct Generation {
    entries: HashMap<u64, Held, BuildHasherDefault<Done>>,
    bytes: u64,
}

/// An entry of any reader.
struct Held {
    place: Place,
    bytes: u64,
    entry: Arc<dyn Any + Send + Sync>,
}

impl Store {
    /// A store of at most `max_bytes`, in which an entry is of use for at most `longest`.
    pub fn new(max_bytes: u64, longest: Duration) -> Arc<Self> {
        Arc::new(Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::default(),
            half: max_bytes / 2,
            longest,
            young: AtomicU64::new(0),
            turned: AtomicU64::new(0),
            turning: Mutex::default(),
            readers: AtomicUsize::new(0),
            evictions: AtomicU64::new(0),
            last_evictions: [const { AtomicU64::new(0) }; PARTS],
        })
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        self.shards.iter().map(|shard| lock(shard)).map(|shard| shard.young.bytes + shard.old.bytes).sum()
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

    pub(super) fn get<K: Key, V: Send + Sync + 'static>(&self, place: Place, key: &K) -> Option<Arc<Entry<K, V>>> {
        let hash = self.hash(place, key);
        let held = self.shard(hash)?.look(hash, place, &self.young, self.half)?;
        held.downcast().ok().filter(|entry: &Arc<Entry<K, V>>| entry.key == *key)
    }

    /// Puts an entry in, in place of an earlier one. `bytes` is what it holds in all.
    pub(super) fn put<K: Key, V: Send + Sync + 'static>(
        &self,
        place: Place,
        entry: &Arc<Entry<K, V>>,
        bytes: usize,
        now: Duration,
    ) {
        let hash = self.hash(place, &entry.key);
        let bytes = u64::try_from(bytes + BOOKS).unwrap_or(u64::MAX);
        let held = Held { place, bytes, entry: Arc::clone(entry) as Arc<dyn Any + Send + Sync> };
        let fits = bytes <= self.half;
        if fits {
            self.young.fetch_add(bytes, Ordering::Relaxed);
            self.make_room(now);
        }
        let before = self.shard(hash).map(|mut shard| {
            let before = shard.remove(hash, &self.young);
            if fits {
                shard.young.add(hash, held);
            }
            before
        });
        // Outside the lock: it may be much.
        drop(before);
    }

    /// Forgets an entry for good. The caller has made sure that no load under way can put it back.
    pub(super) fn evict<K: Key>(&self, place: Place, key: &K) {
        let hash = self.hash(place, key);
        drop(self.shard(hash).map(|mut shard| shard.remove(hash, &self.young)));
        // Counted when it is done: who begins after this number was given does not find the old value anymore.
        let number = self.evictions.fetch_add(1, Ordering::SeqCst) + 1;
        if let Some(last) = self.last_evictions.get(place.0 % PARTS) {
            last.fetch_max(number, Ordering::SeqCst);
        }
    }

    /// Lets the young ones become old, and forgets the old ones, if there are too many or if it is time to.
    fn make_room(&self, now: Duration) {
        let due = || {
            let turned = Duration::from_millis(self.turned.load(Ordering::Relaxed));
            self.young.load(Ordering::Relaxed) > self.half || now.saturating_sub(turned) > self.longest
        };
        if !due() {
            return;
        }
        // Somebody else may be at it, or have just been.
        let Ok(_turning) = self.turning.try_lock() else { return };
        if !due() {
            return;
        }
        self.turned.store(millis(now), Ordering::Relaxed);
        for shard in &self.shards {
            let mut shard = lock(shard);
            let young = std::mem::take(&mut shard.young);
            self.young.fetch_sub(young.bytes, Ordering::Relaxed);
            let old = std::mem::replace(&mut shard.old, young);
            drop(shard);
            // Outside the lock: it may be much.
            drop(old);
        }
    }

    fn hash<K: Key>(&self, place: Place, key: &K) -> u64 {
        self.hasher.hash_one((place.0, key))
    }

    fn shard(&self, hash: u64) -> Option<MutexGuard<'_, Shard>> {
        // The table below goes by the low bits and the top ones.
        let at = usize::try_from(hash >> 32).unwrap_or(0) % SHARDS;
        self.shards.get(at).map(lock)
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shard {
    /// Looks an entry up. An old one becomes young again while there is room.
    fn look(&mut self, hash: u64, place: Place, young: &AtomicU64, half: u64) -> Option<Arc<dyn Any + Send + Sync>> {
        let of_place = |held: &Held| (held.place == place).then(|| Arc::clone(&held.entry));
        if let Some(held) = self.young.entries.get(&hash) {
            return of_place(held);
        }
        let held = self.old.entries.get(&hash)?;
        let (found, bytes) = (of_place(held), held.bytes);
        if young.load(Ordering::Relaxed) + bytes <= half
            && let Some(held) = self.old.remove(hash)
        {
            young.fetch_add(bytes, Ordering::Relaxed);
            self.young.add(hash, held);
        }
        found
    }

    fn remove(&mut self, hash: u64, young: &AtomicU64) -> Option<Held> {
        if let Some(held) = self.young.remove(hash) {
            young.fetch_sub(held.bytes, Ordering::Relaxed);
            return Some(held);
        }
        self.old.remove(hash)
    }
}

impl Generation {
    fn add(&mut self, hash: u64, held: Held) {
        self.bytes += held.bytes;
        self.entries.insert(hash, held);
    }

    fn remove(&mut self, hash: u64) -> Option<Held> {
        let held = self.entries.remove(&hash)?;
        self.bytes -= held.bytes;
        Some(held)
    }
}

impl Place {
    /// The bit of this reader among the parts of an answer.
    pub(super) fn part(self) -> u64 {
        1 << (self.0 % PARTS)
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
