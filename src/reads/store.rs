//! The one cache of all readers: bounded in bytes, whoever reads what.
//!
//! Two generations stand for the order of use. What is put in or looked at is young; when the young ones would fill more
//! than half of the bound, they become the old ones, and what was old and not looked at since is forgotten, all at once.
//!
//! What reports read has a room of its own, of a quarter at most: a walk through all there is neither pushes out what people
//! use nor takes more memory the longer it is. What it does not need is people's.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};
use std::sync::Arc;
use std::time::Duration;

use foldhash::quality::RandomState;

use super::Key;
use super::entry::Entry;
use super::observed::millis;
use super::sync::{AtomicU64, AtomicUsize, Mutex, MutexGuard, Ordering, PoisonError};
use crate::systems::Priority;

/// The cache of all readers of the process.
pub struct Store {
    shards: [Mutex<Shard>; SHARDS],
    hasher: RandomState,
    /// The bound, in bytes.
    most: u64,
    /// For how long an entry can be of use.
    longest: Duration,
    people: Room,
    reports: Room,
    turning: Mutex<()>,
    readers: AtomicUsize,
    /// Evictions, and values that took the place of one that was still alive.
    renewals: AtomicU64,
    last_evictions: [AtomicU64; PARTS],
    last_renewals: [AtomicU64; PARTS],
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

/// What is held of what people read, or reports. Each has its memory for itself: who looks something up reads the one while
/// others count in the other.
#[derive(Default)]
#[repr(align(128))]
struct Room {
    /// Bytes in the young generations of all shards, and of what is about to be.
    young: AtomicU64,
    /// Bytes in the old ones.
    old: AtomicU64,
    /// When the young ones last became old, in milliseconds on the readers' clock.
    turned: AtomicU64,
}

/// Bytes taken out and not yet told to the counters, of the young ones and of the old ones.
#[derive(Default)]
struct Freed {
    people: (u64, u64),
    reports: (u64, u64),
}

/// Entries by the hash of place and key. Two keys with one hash would take each other's place, once in a trillion: a look
/// compares the key itself.
#[derive(Default)]
struct Shard {
    people: Generations,
    reports: Generations,
}

#[derive(Default)]
struct Generations {
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
    /// When the owner was asked: what is too old is not even touched.
    read_at: Duration,
    entry: Arc<dyn Any + Send + Sync>,
}

impl Store {
    /// A store of at most `max_bytes`, in which an entry is of use for at most `longest`.
    pub fn new(max_bytes: u64, longest: Duration) -> Arc<Self> {
        Arc::new(Self {
            shards: std::array::from_fn(|_| Mutex::default()),
            hasher: RandomState::default(),
            most: max_bytes,
            longest,
            people: Room::default(),
            reports: Room::default(),
            turning: Mutex::default(),
            readers: AtomicUsize::new(0),
            renewals: AtomicU64::new(0),
            last_evictions: [const { AtomicU64::new(0) }; PARTS],
            last_renewals: [const { AtomicU64::new(0) }; PARTS],
        })
    }

    /// Bytes held.
    pub fn bytes(&self) -> u64 {
        self.shards.iter().map(|shard| lock(shard)).map(|shard| shard.people.bytes() + shard.reports.bytes()).sum()
    }

    /// Bytes held, by the counters that decide when there is too much.
    #[cfg(test)]
    pub(super) fn booked(&self) -> u64 {
        self.people.bytes() + self.reports.bytes()
    }

    /// The number of the latest eviction among the kinds of record in `parts` (see
    /// [`Observed::parts`](super::Observed::parts)).
    pub fn evictions(&self, parts: u64) -> u64 {
        latest(&self.last_evictions, parts)
    }

    /// The number of the latest renewal of what is known of the kinds of record in `parts`: an eviction, or a value that was read
    /// anew while the one before was still alive, as a request can ask for.
    pub fn renewals(&self, parts: u64) -> u64 {
        latest(&self.last_renewals, parts)
    }

    /// A place for one more reader.
    pub(super) fn place(&self) -> Place {
        Place(self.readers.fetch_add(1, Ordering::Relaxed))
    }

    /// The entry of a key, unless it was read before `since`.
    pub(super) fn get<K: Key, V: Send + Sync + 'static>(
        &self,
        place: Place,
        key: &K,
        since: Duration,
    ) -> Option<Arc<Entry<K, V>>> {
        let hash = self.hash(place, key);
        let is_meant = |held: &Held| held.place == place && held.read_at >= since;
        let mut shard = self.shard(hash)?;
        let held = shard.people.look(hash, is_meant, &self.people, self.half(Priority::Interactive));
        let held = held.or_else(|| shard.reports.look(hash, is_meant, &self.reports, self.half(Priority::Report)));
        drop(shard);
        held?.downcast().ok().filter(|entry: &Arc<Entry<K, V>>| entry.key == *key)
    }

    /// Puts entries in, in place of earlier ones, each with what it holds in all, in bytes.
    pub(super) fn put<K: Key, V: Send + Sync + 'static>(
        &self,
        place: Place,
        entries: &[(Arc<Entry<K, V>>, usize)],
        priority: Priority,
        now: Duration,
    ) {
        let half = self.half(priority);
        let sum = |entries: &[(_, usize)]| entries.iter().map(|(_, bytes)| weight(*bytes)).fold(0, u64::saturating_add);
        // What takes little of the room is counted at once: the counters are in the way of all threads.
        let together = if sum(entries) <= half / 4 { entries.len().max(1) } else { 1 };
        for entries in entries.chunks(together) {
            let bytes = sum(entries);
            let fits = bytes <= half;
            if fits {
                self.room(priority).young.fetch_add(bytes, Ordering::Relaxed);
                self.make_room(now);
            }
            self.put_together(place, entries, (fits, priority), now);
        }
    }

    /// Puts in what is counted already and `fits`; if it does not, what was there before is gone all the same.
    fn put_together<K: Key, V: Send + Sync + 'static>(
        &self,
        place: Place,
        entries: &[(Arc<Entry<K, V>>, usize)],
        (fits, priority): (bool, Priority),
        now: Duration,
    ) {
        let (mut freed, mut is_renewal) = (Freed::default(), false);
        for (entry, bytes) in entries {
            let hash = self.hash(place, &entry.key);
            let (read_at, is_answer) = (entry.read_at, entry.outcome.is_ok());
            let entry = Arc::clone(entry) as Arc<dyn Any + Send + Sync>;
            let held = Held { place, bytes: weight(*bytes), read_at, entry };
            let before = self.shard(hash).and_then(|mut shard| {
                let before = shard.remove(hash, &mut freed);
                if fits {
                    shard.of(priority).young.add(hash, held);
                }
                before
            });
            is_renewal |= is_answer && before.as_ref().is_some_and(|before| before.shows::<K, V>(now));
            // Outside the lock: it may be much.
            drop(before);
        }
        self.people.free(freed.people);
        self.reports.free(freed.reports);
        if is_renewal {
            self.renew(place, &[&self.last_renewals]);
        }
    }

    /// Counts a renewal of what a reader knows. Told when it is done: who begins after its number was given does not find the old
    /// value anymore.
    fn renew(&self, place: Place, latest: &[&[AtomicU64; PARTS]]) {
        let number = self.renewals.fetch_add(1, Ordering::SeqCst) + 1;
        for latest in latest {
            if let Some(last) = latest.get(place.0 % PARTS) {
                last.fetch_max(number, Ordering::SeqCst);
            }
        }
    }

    /// Forgets entries of a reader for good, and says how many there were. The caller has made sure that no load under way
    /// can put them back.
    pub(super) fn evict<K: Key, V: Send + Sync + 'static>(&self, place: Place, gone: impl Fn(&K) -> bool) -> usize {
        let is_gone = |held: &Held| {
            let key = held.entry.downcast_ref::<Entry<K, V>>().map(|entry| &entry.key);
            held.place == place && key.is_some_and(&gone)
        };
        let mut forgotten = 0;
        for shard in &self.shards {
            let mut shard = lock(shard);
            let of_people = shard.people.take(&self.people, is_gone);
            let of_reports = shard.reports.take(&self.reports, is_gone);
            drop(shard);
            // Dropped outside the lock: it may be much.
            forgotten += of_people.len() + of_reports.len();
        }
        self.renew(place, &[&self.last_evictions, &self.last_renewals]);
        forgotten
    }

    fn room(&self, priority: Priority) -> &Room {
        match priority {
            Priority::Interactive => &self.people,
            Priority::Report => &self.reports,
        }
    }

    /// The most that a generation of a room holds.
    fn half(&self, priority: Priority) -> u64 {
        match priority {
            Priority::Interactive => self.most.saturating_sub(self.reports.bytes()) / 2,
            Priority::Report => self.most / 8,
        }
    }

    /// Makes room in both, where there is too much or it is time to.
    fn make_room(&self, now: Duration) {
        for priority in [Priority::Report, Priority::Interactive] {
            // The second time what was young is forgotten too: reports may have come to more meanwhile.
            for _ in 0..2 {
                if self.is_due(priority, now) {
                    self.turn(priority, now);
                }
            }
        }
    }

    fn is_due(&self, priority: Priority, now: Duration) -> bool {
        let room = self.room(priority);
        let turned = Duration::from_millis(room.turned.load(Ordering::Relaxed));
        room.young.load(Ordering::Relaxed) > self.half(priority)
            || now.saturating_sub(turned) > self.longest
            || (priority == Priority::Interactive && self.people.bytes() + self.reports.bytes() > self.most)
    }

    /// Lets the young ones become old, and forgets the old ones.
    fn turn(&self, priority: Priority, now: Duration) {
        // Somebody else may be at it, or have just been.
        let Ok(_turning) = self.turning.try_lock() else { return };
        if !self.is_due(priority, now) {
            return;
        }
        let room = self.room(priority);
        room.turned.store(millis(now), Ordering::Relaxed);
        for shard in &self.shards {
            let mut shard = lock(shard);
            let generations = shard.of(priority);
            let young = std::mem::take(&mut generations.young);
            room.old.fetch_add(young.bytes, Ordering::Relaxed);
            room.young.fetch_sub(young.bytes, Ordering::Relaxed);
            let old = std::mem::replace(&mut generations.old, young);
            room.old.fetch_sub(old.bytes, Ordering::Relaxed);
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

/// What an entry takes that holds so many bytes.
fn weight(bytes: usize) -> u64 {
    u64::try_from(bytes + BOOKS).unwrap_or(u64::MAX)
}

/// The latest number among those of the kinds of record in `parts`.
fn latest(numbers: &[AtomicU64; PARTS], parts: u64) -> u64 {
    let of_part = |(at, last): (usize, &AtomicU64)| {
        if parts >> at & 1 == 1 { last.load(Ordering::SeqCst) } else { 0 }
    };
    numbers.iter().enumerate().map(of_part).max().unwrap_or(0)
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Held {
    /// Whether answers that show it may still be given again.
    fn shows<K: Key, V: Send + Sync + 'static>(&self, now: Duration) -> bool {
        self.entry.downcast_ref::<Entry<K, V>>().is_some_and(|entry| entry.is_alive(now))
    }
}

impl Room {
    fn bytes(&self) -> u64 {
        self.young.load(Ordering::Relaxed) + self.old.load(Ordering::Relaxed)
    }

    fn free(&self, (young, old): (u64, u64)) {
        for (counter, bytes) in [(&self.young, young), (&self.old, old)] {
            if bytes > 0 {
                counter.fetch_sub(bytes, Ordering::Relaxed);
            }
        }
    }
}

impl Shard {
    fn of(&mut self, priority: Priority) -> &mut Generations {
        match priority {
            Priority::Interactive => &mut self.people,
            Priority::Report => &mut self.reports,
        }
    }

    /// An entry is in one room at most.
    fn remove(&mut self, hash: u64, freed: &mut Freed) -> Option<Held> {
        let of_people = self.people.remove(hash, &mut freed.people);
        of_people.or_else(|| self.reports.remove(hash, &mut freed.reports))
    }
}

impl Generations {
    fn bytes(&self) -> u64 {
        self.young.bytes + self.old.bytes
    }

    /// Looks an entry up. An old one becomes young again while there is room.
    fn look(
        &mut self,
        hash: u64,
        is_meant: impl Fn(&Held) -> bool,
        room: &Room,
        half: u64,
    ) -> Option<Arc<dyn Any + Send + Sync>> {
        if let Some(held) = self.young.entries.get(&hash) {
            return is_meant(held).then(|| Arc::clone(&held.entry));
        }
        let held = self.old.entries.get(&hash).filter(|held| is_meant(held))?;
        let (found, bytes) = (Arc::clone(&held.entry), held.bytes);
        if room.young.load(Ordering::Relaxed) + bytes <= half
            && let Some(held) = self.old.remove(hash)
        {
            room.young.fetch_add(bytes, Ordering::Relaxed);
            room.old.fetch_sub(bytes, Ordering::Relaxed);
            self.young.add(hash, held);
        }
        Some(found)
    }

    /// Takes out what is gone.
    fn take(&mut self, room: &Room, is_gone: impl Fn(&Held) -> bool) -> Vec<Held> {
        let mut taken = Vec::new();
        for (generation, bytes) in [(&mut self.young, &room.young), (&mut self.old, &room.old)] {
            for (_, held) in generation.entries.extract_if(|_, held| is_gone(held)) {
                generation.bytes -= held.bytes;
                bytes.fetch_sub(held.bytes, Ordering::Relaxed);
                taken.push(held);
            }
        }
        taken
    }

    fn remove(&mut self, hash: u64, (young, old): &mut (u64, u64)) -> Option<Held> {
        if let Some(held) = self.young.remove(hash) {
            *young += held.bytes;
            return Some(held);
        }
        let held = self.old.remove(hash)?;
        *old += held.bytes;
        Some(held)
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
