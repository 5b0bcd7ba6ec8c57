//! One kind of read: keys in, records out. Cache, single flight and batching meet here, once, for every entity.
//!
//! A key is looked up in the cache; what is missing joins the flight that is under way for it, or takes a seat in the
//! next. What many ask for within a moment travels upstream together, and each key once.

use std::fmt;
use std::hash::Hash;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::dataloader::Loader;
use futures_util::FutureExt;
use smallvec::SmallVec;
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::entry::{Entry, Outcome, Worth};
use super::observed::Sight;
use super::store::Place;
use super::sync::{AtomicU64, Mutex, MutexGuard, Ordering, PoisonError, sleep_until, spawn, timeout_at, yield_now};
use super::trace::{BatchTrace, ReadTrace};
use super::upstream::{Asked, Load, load};
use super::wave::{Air, Batch, Boarding, Landed, Open, Seat};
use super::{Fetch, Freshness, Kind, Read, ReadOptions, Store};
use crate::domain::{Clock, SourceStatus, Weigh};
use crate::systems::{Call, ErrorKind, Priority, SystemError};

/// So many answers are put into the cache in one go: what it is guarded by is in the way of all threads.
const AT_ONCE: usize = 16;

/// What makes a key.
pub trait Key: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static {}

impl<T: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static> Key for T {}

/// A kind of read of one connection.
pub struct Reader<K: Key, V: Send + Sync + 'static> {
    inner: Arc<Inner<K, V>>,
}

struct Inner<K: Key, V: Send + Sync + 'static> {
    kind: Kind,
    clock: Arc<dyn Clock>,
    freshness: Freshness,
    store: Arc<Store>,
    place: Place,
    weigh: fn(&Entry<K, V>) -> usize,
    load: Arc<Load<K, V>>,
    air: Mutex<Air<K, V>>,
    /// Values put into the store. Unchanged between a look that found nothing and the lock of `air`, it says that another
    /// look would find nothing either.
    puts: AtomicU64,
}

/// Where the outcome for a key is, or will be.
enum Spot<K, V> {
    Read(Read<V>),
    Seat(Seat<K, V>),
}

impl<K: Key, V: Send + Sync + 'static> Reader<K, V> {
    /// A reader that asks the owner through `fetch` and keeps what it makes of what it reads in `store`.
    pub fn new<P>(
        kind: Kind,
        store: &Arc<Store>,
        clock: Arc<dyn Clock>,
        freshness: Freshness,
        fetch: Fetch<K, P>,
    ) -> Self
    where
        K: Weigh,
        V: Weigh + From<P>,
        P: Send + 'static,
    {
        Self {
            inner: Arc::new(Inner {
                kind,
                clock,
                freshness,
                store: Arc::clone(store),
                place: store.place(),
                weigh: weigh::<K, V>,
                load: Arc::new(load(fetch)),
                air: Mutex::default(),
                puts: AtomicU64::new(0),
            }),
        }
    }

    /// What it reads, and of whom.
    pub fn kind(&self) -> &Kind {
        &self.inner.kind
    }

    /// The cached outcome of a key, if it is fresh enough for this request. Nobody is asked and nobody waits; but where
    /// the configuration lets a value be shown that is older than its time to live, the owner is asked in the background.
    pub fn peek(&self, options: &ReadOptions, key: &K) -> Option<Read<V>> {
        if let Some(read) = options.at_hand.get(self.inner.place.number(), key) {
            return Some(read);
        }
        let mut sight = Sight::new();
        let read = self.inner.hit(options, key, self.inner.clock.monotonic(), &mut sight)?;
        self.inner.note(options, &sight);
        self.inner.trace(options, |trace| {
            trace.asked += 1;
            trace.hits += 1;
            trace.stale += usize::from(is_stale(&read));
        });
        self.inner.touch(options, std::iter::once(key));
        options.at_hand.put(self.inner.place.number(), std::iter::once((key, &read)));
        Some(read)
    }

    /// Reads one record.
    pub async fn get(&self, options: &ReadOptions, key: &K) -> Read<V> {
        let puts = self.inner.puts.load(Ordering::Acquire);
        if let Some(hit) = self.peek(options, key) {
            return hit;
        }
        let mut sight = Sight::new();
        let mut boarding = Boarding::default();
        let spot = {
            let mut air = self.inner.air();
            self.inner.spot(&mut air, options, key, puts, &mut boarding, &mut sight)
        };
        Inner::see_off(&self.inner, boarding);
        let read = self.inner.arrived(options, key, spot, &mut sight).await;
        self.inner.note(options, &sight);
        self.inner.trace(options, |trace| {
            trace.asked += 1;
            trace.stale += usize::from(is_stale(&read));
        });
        self.inner.touch(options, std::iter::once(key));
        options.at_hand.put(self.inner.place.number(), std::iter::once((key, &read)));
        read
    }

    /// Reads many records; the outcomes stand in the order of the keys.
    pub async fn get_many(&self, options: &ReadOptions, keys: &[K]) -> Vec<Read<V>> {
        let at_hand = options.at_hand.get_many(self.inner.place.number(), keys);
        if at_hand.iter().all(Option::is_none) {
            return self.read_many(options, keys).await;
        }
        let missing: Vec<K> =
            keys.iter().zip(&at_hand).filter(|(_, read)| read.is_none()).map(|(key, _)| key.clone()).collect();
        let mut read = self.read_many(options, &missing).await.into_iter();
        let internal = || Err(Arc::new(self.inner.kind.error(ErrorKind::Internal, None)));
        at_hand.into_iter().map(|known| known.or_else(|| read.next()).unwrap_or_else(internal)).collect()
    }

    /// Reads what is not at hand.
    async fn read_many(&self, options: &ReadOptions, keys: &[K]) -> Vec<Read<V>> {
        let puts = self.inner.puts.load(Ordering::Acquire);
        let mut sight = Sight::new();
        let mut reads = Vec::with_capacity(keys.len());
        let now = self.inner.clock.monotonic();
        for key in keys {
            let Some(hit) = self.inner.hit(options, key, now, &mut sight) else { break };
            reads.push(hit);
        }
        let mut hits = reads.len();
        // From the first key on that is not in the cache.
        let rest = keys.get(hits..).unwrap_or_default();
        if !rest.is_empty() {
            let spots = self.spots(options, rest, puts, now, &mut sight);
            hits += spots.iter().filter(|spot| matches!(spot, Spot::Read(_))).count();
            for (key, spot) in rest.iter().zip(spots) {
                reads.push(self.inner.arrived(options, key, spot, &mut sight).await);
            }
        }
        self.inner.note(options, &sight);
        self.inner.trace(options, |trace| {
            trace.asked += keys.len();
            trace.hits += hits;
            trace.stale += reads.iter().filter(|read| is_stale(read)).count();
        });
        self.inner.touch(options, keys);
        options.at_hand.put(self.inner.place.number(), keys.iter().zip(&reads));
        reads
    }

    /// Asks the owner for what will be read soon, unless it is in memory or under way. Nobody waits for it.
    pub fn read_ahead(&self, options: &ReadOptions, key: &K) {
        let now = self.inner.clock.monotonic();
        let entry = self.inner.store.get::<K, V>(self.inner.place, key, options.since(now));
        let known =
            entry.is_some_and(|entry| matches!(entry.worth(options, &self.inner.freshness, now), Worth::Show(_)));
        if !known {
            self.inner.refresh(options, key);
        }
    }

    /// Forgets the records whose keys are `gone`: the next read asks the owner, and a load that is under way cannot put the
    /// old value back. Returns how many were kept until now.
    pub fn evict(&self, gone: impl Fn(&K) -> bool) -> usize {
        self.inner.air().evict(&gone);
        self.inner.store.evict::<K, V>(self.inner.place, &gone)
    }

    /// Hits, and seats for what is missing, in the order of the keys.
    fn spots(&self, options: &ReadOptions, keys: &[K], puts: u64, now: Duration, sight: &mut Sight) -> Vec<Spot<K, V>> {
        let hits: Vec<Option<Read<V>>> = keys.iter().map(|key| self.inner.hit(options, key, now, sight)).collect();
        let mut boarding = Boarding::default();
        let mut spots = Vec::with_capacity(keys.len());
        let mut air = self.inner.air();
        for (key, hit) in keys.iter().zip(hits) {
            spots.push(match hit {
                Some(read) => Spot::Read(read),
                None => self.inner.spot(&mut air, options, key, puts, &mut boarding, sight),
            });
        }
        drop(air);
        Inner::see_off(&self.inner, boarding);
        spots
    }
}

impl<K: Key, V: Send + Sync + 'static> Inner<K, V> {
    fn air(&self) -> MutexGuard<'_, Air<K, V>> {
        self.air.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What lies in the cache, if it is fresh enough for this request.
    fn hit(self: &Arc<Self>, options: &ReadOptions, key: &K, now: Duration, sight: &mut Sight) -> Option<Read<V>> {
        let entry: Arc<Entry<K, V>> = self.store.get(self.place, key, options.since(now))?;
        match entry.worth(options, &self.freshness, now) {
            Worth::Show(entry) => Some(entry.show(options, now, sight)),
            Worth::ShowAndRefresh(entry) => {
                self.refresh(options, key)?;
                Some(entry.show(options, now, sight))
            }
            Worth::Nothing => None,
        }
    }

    /// A seat on the flight for a key, or its outcome if that has landed since the cache was looked at.
    fn spot(
        self: &Arc<Self>,
        air: &mut Air<K, V>,
        options: &ReadOptions,
        key: &K,
        puts: u64,
        boarding: &mut Boarding<K, V>,
        sight: &mut Sight,
    ) -> Spot<K, V> {
        let clock = &*self.clock;
        if let Some(seat) = air.join(key, options, &self.freshness, clock) {
            return Spot::Seat(seat);
        }
        if self.puts.load(Ordering::Acquire) != puts {
            let now = clock.monotonic();
            let entry = self.store.get::<K, V>(self.place, key, options.since(now));
            if let Some(Worth::Show(entry)) = entry.as_ref().map(|entry| entry.worth(options, &self.freshness, now)) {
                return Spot::Read(entry.show(options, now, sight));
            }
        }
        Spot::Seat(air.board(key, options, self.kind.limit, clock, boarding))
    }

    /// Asks the owner again for a key, unless it is under way already. None if there is nowhere to do so.
    fn refresh(self: &Arc<Self>, options: &ReadOptions, key: &K) -> Option<()> {
        Handle::try_current().ok()?;
        let mut boarding = Boarding::default();
        {
            let mut air = self.air();
            if !air.carries(key) {
                air.board(key, options, self.kind.limit, &*self.clock, &mut boarding);
            }
        }
        self.see_off(boarding);
        Some(())
    }

    /// Lets batches go. Each is a task of its own: a reader that leaves does not take the load of the others with it.
    fn see_off(self: &Arc<Self>, boarding: Boarding<K, V>) {
        let Boarding { full, opened, closes } = boarding;
        for open in full {
            spawn(Self::fly(Arc::clone(self), open));
        }
        if let Some(batch) = opened.filter(|batch| !batch.has_left()) {
            let inner = Arc::clone(self);
            spawn(async move {
                match closes {
                    Some(closes) => sleep_until(closes).await,
                    None => yield_now().await,
                }
                let open = inner.air().depart(&batch, &*inner.clock);
                if let Some(open) = open {
                    Self::fly(inner, open).await;
                }
            });
        }
    }

    /// Asks the owner, keeps what it says, and tells those who wait.
    async fn fly(self: Arc<Self>, open: Open<K, V>) {
        let deadline = Instant::now() + self.freshness.patience;
        let as_of = self.clock.now();
        let call = Call::paid_by(Arc::clone(&open.batch.payers), deadline, open.batch.priority);
        let mut flight = Flight::new(&self, open, call.clone());
        let asked = Asked { load: Arc::clone(&self.load), call };
        // A connector that panics, or never answers, fails its own batch and nobody else's.
        let load = AssertUnwindSafe(timeout_at(deadline, asked.load(&flight.keys))).catch_unwind();
        let mut answer = match load.await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_)) => Err(Arc::new(self.kind.error(ErrorKind::Deadline, None))),
            Err(_) => Err(Arc::new(self.kind.error(ErrorKind::Internal, Some("the connector panicked")))),
        };
        let (read_at, now) = (flight.batch.departed(), self.clock.monotonic());
        for keys in flight.keys.chunks(AT_ONCE) {
            let entries = keys.iter().map(|key| {
                let outcome: Outcome<V> = match &mut answer {
                    Ok(outcomes) => outcomes.remove(key).unwrap_or(Ok(None)),
                    Err(error) => Err(Arc::clone(error)),
                };
                let ttl = self.freshness.lifetime(&outcome, now.saturating_sub(read_at));
                Entry { key: key.clone(), outcome, as_of, read_at, ttl, last_good: None }
            });
            self.keep(&flight.batch, entries, now, &mut flight.entries);
        }
    }

    /// Puts answers into the store, unless an eviction or a later flight has taken the place of this one: what it carries may be
    /// outdated.
    fn keep(
        &self,
        batch: &Arc<Batch<K, V>>,
        entries: impl Iterator<Item = Entry<K, V>>,
        now: Duration,
        landed: &mut Vec<Arc<Entry<K, V>>>,
    ) {
        let mut kept: SmallVec<[_; AT_ONCE]> = SmallVec::new();
        // A short lock: whoever asks for another key does not wait for the whole batch.
        let mut air = self.air();
        for mut entry in entries {
            if let Err(error) = &entry.outcome {
                let before = self.store.get::<K, V>(self.place, &entry.key, Duration::ZERO);
                entry.last_good = before.and_then(|before| Entry::survivor(&before, error.kind, &self.freshness, now));
            }
            let is_kept = !entry.outcome.as_ref().is_err_and(|error| match error.kind {
                // That somebody's calls are used up is not to be remembered for others.
                ErrorKind::Budget(_) => true,
                // Nor, for people, that reports find no room to wait.
                ErrorKind::Overloaded => batch.priority == Priority::Report,
                _ => false,
            });
            let entry = Arc::new(entry);
            if air.disembark(&entry.key, batch) && is_kept {
                let bytes = (self.weigh)(&entry);
                kept.push((Arc::clone(&entry), bytes));
            }
            landed.push(entry);
        }
        self.store.put(self.place, &kept, batch.priority, now);
        self.puts.fetch_add(1, Ordering::Release);
    }

    /// The outcome at a spot, when it is there. At the deadline of the request it is an error, or what may stand in.
    async fn arrived(&self, options: &ReadOptions, key: &K, spot: Spot<K, V>, sight: &mut Sight) -> Read<V> {
        let seat = match spot {
            Spot::Read(read) => return read,
            Spot::Seat(seat) => seat,
        };
        let landed = match seat.batch.peek() {
            Some(landed) => Some(landed),
            None => timeout_at(options.deadline, seat.batch.landed()).await.ok(),
        };
        let now = self.clock.monotonic();
        if let Some(landed) = landed {
            self.trace_batch(options, &seat.batch, landed);
            return match landed.entries.get(seat.index) {
                Some(entry) => entry.shown(options, &self.freshness, now).show(options, now, sight),
                None => self.failed(ErrorKind::Internal, sight),
            };
        }
        let kept = self.store.get::<K, V>(self.place, key, options.since(now));
        match kept.as_ref().and_then(|entry| entry.stand_in(options, &self.freshness, now)) {
            Some(value) => value.show(options, now, sight),
            None => self.failed(ErrorKind::Deadline, sight),
        }
    }

    fn failed(&self, kind: ErrorKind, sight: &mut Sight) -> Read<V> {
        sight.failure();
        Err(Arc::new(self.kind.error(kind, None)))
    }

    fn note(&self, options: &ReadOptions, sight: &Sight) {
        options.observed.note(self.place.part(), sight);
    }

    fn touch<'k>(&self, options: &ReadOptions, keys: impl IntoIterator<Item = &'k K>) {
        if let Some(touched) = &options.touched {
            touched.note(&self.kind, keys);
        }
    }

    fn trace(&self, options: &ReadOptions, note: impl FnOnce(&mut ReadTrace)) {
        if let Some(trace) = &options.trace {
            trace.note(self.place.number(), &self.kind, note);
        }
    }

    fn trace_batch(&self, options: &ReadOptions, batch: &Batch<K, V>, landed: &Landed<K, V>) {
        self.trace(options, |trace| {
            trace.joined += usize::from(batch.of_others(options));
            // The last first: those who wait for one batch note it one after the other, and a report has thousands.
            if trace.batches.iter().rev().all(|known| known.number != batch.number) {
                trace.batches.push(BatchTrace {
                    number: batch.number,
                    priority: batch.priority,
                    keys: landed.entries.len(),
                    shared: batch.shared(),
                    calls: landed.attempts,
                    started: batch.departed().saturating_sub(options.started),
                    took: landed.took,
                });
            }
        });
    }
}

/// A batch in the air. However it ends, it lands: nobody waits for it in vain, and no key is left in it.
struct Flight<K: Key, V: Send + Sync + 'static> {
    inner: Arc<Inner<K, V>>,
    batch: Arc<Batch<K, V>>,
    keys: Vec<K>,
    call: Call,
    entries: Vec<Arc<Entry<K, V>>>,
}

impl<K: Key, V: Send + Sync + 'static> Flight<K, V> {
    fn new(inner: &Arc<Inner<K, V>>, open: Open<K, V>, call: Call) -> Self {
        let entries = Vec::with_capacity(open.keys.len());
        Self { inner: Arc::clone(inner), batch: open.batch, keys: open.keys, call, entries }
    }
}

impl<K: Key, V: Send + Sync + 'static> Drop for Flight<K, V> {
    fn drop(&mut self) {
        let took = self.inner.clock.monotonic().saturating_sub(self.batch.departed());
        {
            let mut air = self.inner.air();
            for key in self.keys.iter().skip(self.entries.len()) {
                air.disembark(key, &self.batch);
            }
            air.landed(&self.batch);
        }
        let entries = std::mem::take(&mut self.entries);
        self.batch.land(Landed { entries, took, attempts: self.call.attempts() });
    }
}

impl<K: Key, V: Send + Sync + 'static> fmt::Debug for Reader<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reader").field("kind", &self.inner.kind).finish_non_exhaustive()
    }
}

fn is_stale<V>(read: &Read<V>) -> bool {
    read.as_ref().is_ok_and(|fresh| fresh.status == SourceStatus::Stale)
}

/// What an entry holds in all.
fn weigh<K: Weigh, V: Weigh>(entry: &Entry<K, V>) -> usize {
    let own = |entry: &Entry<K, V>| {
        let outcome = match &entry.outcome {
            Ok(value) => value.heap_bytes(),
            Err(error) => size_of::<SystemError>() + error.detail.heap_bytes() + error.connection.heap_bytes(),
        };
        size_of::<Entry<K, V>>() + entry.key.heap_bytes() + outcome
    };
    own(entry) + entry.last_good.as_deref().map_or(0, own)
}
