//! One kind of read: keys in, records out. Cache, single flight and batching live here, once, for every entity.
//!
//! A key is looked up in the cache; what is missing joins the flight that is already under way for it, or starts one.
//! The keys of all flights that start within a millisecond, whoever asked, travel upstream together.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_graphql::dataloader::{DataLoader, Loader};
use futures_util::future::{BoxFuture, Shared, join_all};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use jiff::Timestamp;
use moka::sync::Cache;
use tokio::time::Instant;

use super::{Freshness, ReadOptions};
use crate::domain::{Clock, ConnectionName, SourceStatus};
use crate::systems::{BatchResult, Call, ErrorKind, Priority, SystemError};

/// What makes a key.
pub trait Key: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static {}

impl<T: Clone + Eq + Hash + fmt::Debug + Send + Sync + 'static> Key for T {}

/// The outcome of a read: a record with its age, or why there is none.
pub type Read<V> = Result<Fresh<V>, Arc<SystemError>>;

/// What the owner said, and when.
#[derive(Debug)]
pub struct Fresh<V> {
    /// The record; none if the owner does not know it.
    pub value: Option<Arc<V>>,
    /// When the owner was asked.
    pub as_of: Timestamp,
    /// [`SourceStatus::Live`] if it was asked for this request, else [`SourceStatus::Cached`].
    pub status: SourceStatus,
}

impl<V> Clone for Fresh<V> {
    fn clone(&self) -> Self {
        Self { value: self.value.clone(), as_of: self.as_of, status: self.status }
    }
}

/// How a batch of keys is asked of the owner.
pub type Fetch<K, V> = Box<dyn Fn(Call, Vec<K>) -> BoxFuture<'static, BatchResult<K, V>> + Send + Sync>;

pub(super) type Outcome<V> = Result<Option<Arc<V>>, Arc<SystemError>>;
type Landing<K, V> = Shared<BoxFuture<'static, Arc<HashMap<K, Entry<V>>>>>;

/// A kind of read of one connection.
pub struct Reader<K: Key, V: Send + Sync + 'static> {
    inner: Arc<Inner<K, V>>,
}

struct Inner<K: Key, V: Send + Sync + 'static> {
    name: &'static str,
    connection: ConnectionName,
    system: &'static str,
    clock: Arc<dyn Clock>,
    freshness: Freshness,
    cache: Cache<K, Entry<V>>,
    flights: Mutex<HashMap<K, Flight<K, V>>>,
    next_flight: AtomicU64,
    loader: DataLoader<Upstream<K, V>>,
}

/// What is kept of an answer.
struct Entry<V> {
    outcome: Outcome<V>,
    as_of: Timestamp,
    read_at: Duration,
    ttl: Duration,
}

impl<V> Clone for Entry<V> {
    fn clone(&self) -> Self {
        Self { outcome: self.outcome.clone(), as_of: self.as_of, read_at: self.read_at, ttl: self.ttl }
    }
}

/// A load under way.
struct Flight<K: Key, V: Send + Sync + 'static> {
    number: u64,
    started: Duration,
    landing: Landing<K, V>,
}

/// The flights that one read waits for.
struct Joined<K: Key, V: Send + Sync + 'static> {
    of_key: HashMap<K, u64>,
    landings: HashMap<u64, Landing<K, V>>,
}

impl<K: Key, V: Send + Sync + 'static> Reader<K, V> {
    /// A reader named `name` (e.g. `deals`), asking the owner through `fetch` with at most `limit` keys a call.
    pub fn new(
        (connection, system): (ConnectionName, &'static str),
        name: &'static str,
        limit: usize,
        clock: Arc<dyn Clock>,
        freshness: Freshness,
        fetch: Fetch<K, V>,
    ) -> Self {
        let patience = freshness.patience;
        let upstream = Upstream { name, connection: connection.clone(), system, limit: limit.max(1), patience, fetch };
        let loader = DataLoader::new(upstream, tokio::spawn).delay(Duration::from_millis(1)).max_batch_size(usize::MAX);
        let cache = Cache::builder()
            .max_capacity(freshness.max_entries)
            .time_to_live(freshness.longest().saturating_add(patience))
            .build();
        let (flights, next_flight) = (Mutex::default(), AtomicU64::new(0));
        Self {
            inner: Arc::new(Inner { name, connection, system, clock, freshness, cache, flights, next_flight, loader }),
        }
    }

    /// Reads one record.
    pub async fn get(&self, options: &ReadOptions, key: &K) -> Read<V> {
        if let Some(hit) = self.inner.hit(options, key) {
            return hit;
        }
        let mut reads = self.get_many(options, std::slice::from_ref(key)).await;
        reads.pop().unwrap_or_else(|| Err(self.inner.error(ErrorKind::Internal)))
    }

    /// Reads many records; the outcomes stand in the order of the keys.
    pub async fn get_many(&self, options: &ReadOptions, keys: &[K]) -> Vec<Read<V>> {
        let hits: Vec<Option<Read<V>>> = keys.iter().map(|key| self.inner.hit(options, key)).collect();
        let missing: Vec<&K> = keys.iter().zip(&hits).filter(|(_, hit)| hit.is_none()).map(|(key, _)| key).collect();
        let joined = Inner::join(&self.inner, options, &missing);
        // At the deadline the flights that have landed are used, and the others are given up.
        let wait = join_all(joined.landings.values().cloned());
        let in_time = tokio::time::timeout_at(options.deadline, wait).await.is_ok();
        let landed = |key: &K| {
            let entries = joined.of_key.get(key).and_then(|number| joined.landings.get(number)).and_then(Shared::peek);
            match entries.and_then(|entries| entries.get(key)) {
                Some(entry) => self.inner.read(options, entry),
                None => Err(self.inner.error(if in_time { ErrorKind::Internal } else { ErrorKind::Deadline })),
            }
        };
        keys.iter().zip(hits).map(|(key, hit)| hit.unwrap_or_else(|| landed(key))).collect()
    }

    /// Forgets a record: the next read asks the owner, and a load that is under way cannot put the old value back.
    pub fn evict(&self, key: &K) {
        self.inner.flights().remove(key);
        self.inner.cache.invalidate(key);
    }
}

impl<K: Key, V: Send + Sync + 'static> fmt::Debug for Reader<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { connection, name, .. } = &*self.inner;
        f.debug_struct("Reader").field("connection", connection).field("name", name).finish_non_exhaustive()
    }
}

impl<K: Key, V: Send + Sync + 'static> Inner<K, V> {
    /// The cached outcome of a key, if it is fresh enough for this request.
    fn hit(&self, options: &ReadOptions, key: &K) -> Option<Read<V>> {
        let entry = self.cache.get(key)?;
        let age = self.clock.monotonic().saturating_sub(entry.read_at);
        let fresh = entry.read_at >= options.started
            || (age < entry.ttl && options.max_age.is_none_or(|max_age| age <= max_age));
        fresh.then(|| self.read(options, &entry))
    }

    fn read(&self, options: &ReadOptions, entry: &Entry<V>) -> Read<V> {
        let age = self.clock.monotonic().saturating_sub(entry.read_at);
        options.observe(age, entry.ttl.saturating_sub(age), entry.outcome.is_ok());
        let value = entry.outcome.clone()?;
        let status = if entry.read_at >= options.started { SourceStatus::Live } else { SourceStatus::Cached };
        Ok(Fresh { value, as_of: entry.as_of, status })
    }

    /// Joins the flights under way for the keys and starts one for the rest. A flight that took off before the request,
    /// longer ago than the request lets values be old, is not joined: it may carry what the owner has corrected since.
    fn join(this: &Arc<Self>, options: &ReadOptions, keys: &[&K]) -> Joined<K, V> {
        let mut joined = Joined { of_key: HashMap::new(), landings: HashMap::new() };
        if keys.is_empty() {
            return joined;
        }
        let now = this.clock.monotonic();
        let young = |flight: &Flight<K, V>| {
            let age = now.saturating_sub(flight.started);
            flight.started >= options.started || options.max_age.is_none_or(|max_age| age <= max_age)
        };
        let mut own: Vec<K> = Vec::new();
        let mut flights = this.flights();
        for key in keys {
            if let Some(flight) = flights.get(*key).filter(|flight| young(flight)) {
                joined.of_key.insert((*key).clone(), flight.number);
                joined.landings.entry(flight.number).or_insert_with(|| flight.landing.clone());
            } else {
                own.push((*key).clone());
            }
        }
        if !own.is_empty() {
            let number = this.next_flight.fetch_add(1, Ordering::Relaxed);
            // A task of its own: a reader that leaves does not take the load of the others with it.
            let task = tokio::spawn(Self::fly(Arc::clone(this), number, now, own.clone()));
            let landing: Landing<K, V> = task.map(Result::unwrap_or_default).boxed().shared();
            for key in own {
                flights.insert(key.clone(), Flight { number, started: now, landing: landing.clone() });
                joined.of_key.insert(key, number);
            }
            joined.landings.insert(number, landing);
        }
        joined
    }

    async fn fly(this: Arc<Self>, number: u64, started: Duration, keys: Vec<K>) -> Arc<HashMap<K, Entry<V>>> {
        let as_of = this.clock.now();
        let mut outcomes = this.loader.load_many(keys.iter().cloned()).await.unwrap_or_default();
        let mut entries = HashMap::with_capacity(keys.len());
        let mut flights = this.flights();
        for key in keys {
            let outcome = outcomes.remove(&key).unwrap_or(Ok(None));
            let entry = Entry { ttl: this.freshness.ttl(&outcome), outcome, as_of, read_at: started };
            // An eviction, or a later flight, has taken the place of this one: what it carries may be outdated.
            if flights.get(&key).is_some_and(|flight| flight.number == number) {
                flights.remove(&key);
                this.cache.insert(key.clone(), entry.clone());
            }
            entries.insert(key, entry);
        }
        Arc::new(entries)
    }

    fn flights(&self) -> MutexGuard<'_, HashMap<K, Flight<K, V>>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn error(&self, kind: ErrorKind) -> Arc<SystemError> {
        let (connection, system, operation) = (self.connection.clone(), self.system, self.name);
        Arc::new(SystemError { connection, system, operation, kind, retry_after: None, detail: None })
    }
}

/// The far side of the batch window: cuts a batch to the owner's limit and sends the parts at once.
struct Upstream<K, V> {
    name: &'static str,
    connection: ConnectionName,
    system: &'static str,
    limit: usize,
    patience: Duration,
    fetch: Fetch<K, V>,
}

impl<K: Key, V: Send + Sync + 'static> Loader<K> for Upstream<K, V> {
    type Value = Outcome<V>;
    type Error = ();

    async fn load(&self, keys: &[K]) -> Result<HashMap<K, Outcome<V>>, ()> {
        let call = Call { deadline: Instant::now() + self.patience, priority: Priority::Interactive };
        let mut parts: FuturesUnordered<_> = keys
            .chunks(self.limit)
            .map(|part| {
                // A connector that panics fails its own part, not the readers that wait for others.
                let asked = AssertUnwindSafe((self.fetch)(call, part.to_vec())).catch_unwind();
                asked.map(move |answer| (part, answer.unwrap_or_else(|_| Err(self.panicked()))))
            })
            .collect();
        let mut outcomes = HashMap::with_capacity(keys.len());
        while let Some((part, answer)) = parts.next().await {
            match answer {
                Ok(batch) => {
                    outcomes.extend(batch.found.into_iter().map(|(key, value)| (key, Ok(Some(Arc::new(value))))));
                    outcomes.extend(batch.failed.into_iter().map(|(key, error)| (key, Err(Arc::new(error)))));
                }
                Err(error) => {
                    let error = Arc::new(error);
                    outcomes.extend(part.iter().map(|key| (key.clone(), Err(Arc::clone(&error)))));
                }
            }
        }
        Ok(outcomes)
    }
}

impl<K, V> Upstream<K, V> {
    fn panicked(&self) -> SystemError {
        SystemError {
            connection: self.connection.clone(),
            system: self.system,
            operation: self.name,
            kind: ErrorKind::Internal,
            retry_after: None,
            detail: Some("the connector panicked".into()),
        }
    }
}

#[cfg(test)]
#[path = "reader_tests.rs"]
mod tests;
