//! The reader against an owner that counts, waits, fails and panics on command. Ages are measured on the test's own clock;
//! the batch window's millisecond is a real one, since the data loader's timer is not tokio's.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::*;
use crate::config::{Cache as CacheConfig, Seconds};
use crate::domain::{Clock, ConnectionName, Domain, ManualClock, SourceStatus};
use crate::systems::{BatchResult, ErrorKind, SystemError};

/// An owner of numbers: says `key * 10 + revision`, knows no key over 900, fails on 13.
#[derive(Default)]
struct Owner {
    calls: AtomicUsize,
    largest: AtomicUsize,
    revision: AtomicUsize,
    hold: Option<Arc<Notify>>,
    panics: bool,
}

impl Owner {
    fn error(kind: ErrorKind) -> SystemError {
        SystemError {
            connection: ConnectionName::new("owner"),
            system: "test",
            operation: "numbers",
            kind,
            retry_after: None,
            detail: None,
        }
    }

    async fn answer(self: Arc<Self>, keys: Vec<usize>) -> BatchResult<usize, usize> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        self.largest.fetch_max(keys.len(), Ordering::SeqCst);
        let revision = self.revision.load(Ordering::SeqCst);
        if let Some(hold) = &self.hold {
            hold.notified().await;
        }
        assert!(!self.panics, "told to");
        let mut batch = crate::systems::Batch::default();
        for key in keys {
            match key {
                13 => drop(batch.failed.insert(13, Self::error(ErrorKind::Broken))),
                1000 => return Err(Self::error(ErrorKind::Timeout)),
                901.. => {}
                _ => drop(batch.found.insert(key, key * 10 + revision)),
            }
        }
        Ok(batch)
    }
}

struct Setting {
    clock: Arc<ManualClock>,
    owner: Arc<Owner>,
    reader: Arc<Reader<usize, usize>>,
}

impl Setting {
    fn new(owner: Owner) -> Self {
        let clock = Arc::new(ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap()));
        let owner = Arc::new(owner);
        let asked = Arc::clone(&owner);
        let config = CacheConfig { jitter_percent: 0, ..CacheConfig::default() };
        let freshness = Freshness::of(&config, Domain::Commercial, Duration::from_secs(10));
        let kind = Kind { connection: ConnectionName::new("owner"), system: "test", name: "numbers", limit: 100 };
        let reader = Reader::new(
            kind,
            &Store::new(1024 * 1024, freshness.longest()),
            Arc::clone(&clock) as Arc<dyn Clock>,
            freshness,
            Box::new(move |_, keys| Arc::clone(&asked).answer(keys).boxed()),
        );
        Self { clock, owner, reader: Arc::new(reader) }
    }

    /// A request that begins now.
    fn request(&self, max_age: Option<u64>) -> ReadOptions {
        let mut request = ReadOptions::new(self.clock.monotonic(), Instant::now() + Duration::from_secs(5));
        request.max_age = max_age.map(Duration::from_secs);
        request
    }

    fn calls(&self) -> usize {
        self.owner.calls.load(Ordering::SeqCst)
    }
}

fn value(read: &Read<usize>) -> Option<usize> {
    read.as_ref().unwrap().value.as_deref().copied()
}

#[tokio::test]
async fn many_keys_are_cut_to_the_owners_limit() {
    let setting = Setting::new(Owner::default());
    let keys: Vec<usize> = (0..250).map(|key| 100 + key).collect();
    let reads = setting.reader.get_many(&setting.request(None), &keys).await;
    assert!(keys.iter().zip(&reads).all(|(key, read)| value(read) == Some(key * 10)));
    assert_eq!(setting.calls(), 3);
    assert!(setting.owner.largest.load(Ordering::SeqCst) <= 100);
}

#[tokio::test]
async fn requests_within_a_millisecond_travel_together_and_one_key_is_asked_once() {
    let setting = Setting::new(Owner::default());
    let requests = (0..10_000_usize).map(|at| {
        let (reader, request) = (Arc::clone(&setting.reader), setting.request(None));
        async move { reader.get(&request, &(at % 50)).await }
    });
    let reads = join_all(requests).await;
    assert_eq!(reads.iter().filter(|read| read.is_ok()).count(), 10_000 - 200, "13 fails for its 200 readers alone");
    assert_eq!(setting.calls(), 1);
}

#[tokio::test]
async fn one_bad_key_fails_alone_and_an_unknown_one_is_not_a_failure() {
    let setting = Setting::new(Owner::default());
    let reads = setting.reader.get_many(&setting.request(None), &[12, 13, 950]).await;
    assert_eq!(value(&reads[0]), Some(120));
    assert_eq!(reads[1].as_ref().unwrap_err().kind, ErrorKind::Broken);
    assert_eq!(value(&reads[2]), None);
}

#[tokio::test]
async fn a_value_lives_for_its_time_and_a_correction_is_seen_after_it() {
    let setting = Setting::new(Owner::default());
    assert_eq!(value(&setting.reader.get(&setting.request(None), &1).await), Some(10));
    setting.owner.revision.store(1, Ordering::SeqCst);
    setting.clock.advance(Duration::from_secs(29));
    let read = setting.reader.get(&setting.request(None), &1).await.unwrap();
    assert_eq!((read.value.as_deref(), read.status), (Some(&10), SourceStatus::Cached));
    setting.clock.advance(Duration::from_secs(1));
    let read = setting.reader.get(&setting.request(None), &1).await.unwrap();
    assert_eq!((read.value.as_deref(), read.status), (Some(&11), SourceStatus::Live));
    assert_eq!(setting.calls(), 2);
}

#[tokio::test]
async fn a_request_bounds_the_age_of_what_it_reads() {
    let setting = Setting::new(Owner::default());
    setting.reader.get(&setting.request(None), &1).await.unwrap();
    setting.owner.revision.store(1, Ordering::SeqCst);
    setting.clock.advance(Duration::from_secs(10));
    assert_eq!(value(&setting.reader.get(&setting.request(Some(10)), &1).await), Some(10));
    let no_cache = setting.request(Some(0));
    assert_eq!(value(&setting.reader.get(&no_cache, &1).await), Some(11));
    // What was read for this request is fresh enough for all of it.
    setting.clock.advance(Duration::from_secs(1));
    assert_eq!(value(&setting.reader.get(&no_cache, &1).await), Some(11));
    assert_eq!(setting.calls(), 2);
}

#[tokio::test]
async fn a_load_that_took_off_before_a_no_cache_request_is_not_joined() {
    let hold = Arc::new(Notify::new());
    let setting = Setting::new(Owner { hold: Some(Arc::clone(&hold)), ..Owner::default() });
    let (reader, early) = (Arc::clone(&setting.reader), setting.request(None));
    let early = tokio::spawn(async move { reader.get(&early, &1).await });
    while setting.calls() == 0 {
        tokio::task::yield_now().await;
    }
    setting.owner.revision.store(1, Ordering::SeqCst);
    setting.clock.advance(Duration::from_secs(1));
    let (reader, late) = (Arc::clone(&setting.reader), setting.request(Some(0)));
    let late = tokio::spawn(async move { reader.get(&late, &1).await });
    while setting.calls() == 1 {
        tokio::task::yield_now().await;
    }
    hold.notify_waiters();
    assert_eq!(value(&early.await.unwrap()), Some(10));
    assert_eq!(value(&late.await.unwrap()), Some(11));
    // The early load landed last or first: either way the later value is the one that is kept.
    assert_eq!(value(&setting.reader.get(&setting.request(None), &1).await), Some(11));
}

#[tokio::test]
async fn a_reader_that_leaves_does_not_take_the_load_with_it() {
    let hold = Arc::new(Notify::new());
    let setting = Setting::new(Owner { hold: Some(Arc::clone(&hold)), ..Owner::default() });
    let (reader, first) = (Arc::clone(&setting.reader), setting.request(None));
    let leader = tokio::spawn(async move { reader.get(&first, &1).await });
    while setting.calls() == 0 {
        tokio::task::yield_now().await;
    }
    let (reader, second) = (Arc::clone(&setting.reader), setting.request(None));
    let follower = tokio::spawn(async move { reader.get(&second, &1).await });
    tokio::task::yield_now().await;
    leader.abort();
    assert!(leader.await.is_err());
    hold.notify_waiters();
    assert_eq!(value(&follower.await.unwrap()), Some(10));
    assert_eq!(setting.calls(), 1);
}

#[tokio::test]
async fn an_eviction_is_stronger_than_a_load_under_way() {
    let hold = Arc::new(Notify::new());
    let setting = Setting::new(Owner { hold: Some(Arc::clone(&hold)), ..Owner::default() });
    let (reader, early) = (Arc::clone(&setting.reader), setting.request(None));
    let early = tokio::spawn(async move { reader.get(&early, &1).await });
    while setting.calls() == 0 {
        tokio::task::yield_now().await;
    }
    setting.owner.revision.store(1, Ordering::SeqCst);
    setting.reader.evict(&1);
    hold.notify_waiters();
    assert_eq!(value(&early.await.unwrap()), Some(10));
    let (reader, late) = (Arc::clone(&setting.reader), setting.request(None));
    let late = tokio::spawn(async move { reader.get(&late, &1).await });
    while setting.calls() == 1 {
        tokio::task::yield_now().await;
    }
    hold.notify_waiters();
    assert_eq!(value(&late.await.unwrap()), Some(11));
}

#[tokio::test]
async fn a_failure_is_remembered_for_a_second_and_not_longer() {
    let setting = Setting::new(Owner::default());
    for _ in 0..3 {
        assert_eq!(setting.reader.get(&setting.request(None), &1000).await.unwrap_err().kind, ErrorKind::Timeout);
    }
    assert_eq!(setting.calls(), 1);
    setting.clock.advance(Duration::from_secs(1));
    setting.reader.get(&setting.request(None), &1000).await.unwrap_err();
    assert_eq!(setting.calls(), 2);
}

#[tokio::test]
async fn that_a_record_is_unknown_is_believed_for_less_long() {
    let setting = Setting::new(Owner::default());
    setting.reader.get(&setting.request(None), &950).await.unwrap();
    setting.clock.advance(Duration::from_secs(4));
    setting.reader.get(&setting.request(None), &950).await.unwrap();
    assert_eq!(setting.calls(), 1);
    setting.clock.advance(Duration::from_secs(1));
    setting.reader.get(&setting.request(None), &950).await.unwrap();
    assert_eq!(setting.calls(), 2);
}

#[tokio::test]
async fn a_connector_that_panics_fails_its_readers_and_nothing_else() {
    let setting = Setting::new(Owner { panics: true, ..Owner::default() });
    assert_eq!(setting.reader.get(&setting.request(None), &1).await.unwrap_err().kind, ErrorKind::Internal);
    setting.clock.advance(Duration::from_secs(1));
    assert_eq!(setting.reader.get(&setting.request(None), &1).await.unwrap_err().kind, ErrorKind::Internal);
    assert_eq!(setting.calls(), 2);
}

#[tokio::test]
async fn nobody_waits_beyond_the_deadline() {
    let setting = Setting::new(Owner { hold: Some(Arc::new(Notify::new())), ..Owner::default() });
    let request = ReadOptions { deadline: Instant::now() + Duration::from_millis(20), ..setting.request(None) };
    let read = setting.reader.get(&request, &1).await;
    assert_eq!(read.unwrap_err().kind, ErrorKind::Deadline);
    assert!(Instant::now() >= request.deadline);
}

#[tokio::test]
async fn what_a_request_saw_is_its_oldest_and_its_shortest_lived_part() {
    let setting = Setting::new(Owner::default());
    setting.reader.get(&setting.request(None), &1).await.unwrap();
    setting.clock.advance(Duration::from_secs(20));
    let request = setting.request(None);
    assert_eq!(request.observed.age(), None);
    setting.reader.get_many(&request, &[1, 2]).await;
    assert_eq!(request.observed.age(), Some(Duration::from_secs(20)));
    assert_eq!(request.observed.lifetime(), Some(Duration::from_secs(10)));
    setting.reader.get(&request, &13).await.unwrap_err();
    assert_eq!(request.observed.lifetime(), None, "an answer with a failed part is not to be kept");
}

#[tokio::test]
async fn lifetimes_vary_but_are_never_longer_than_configured() {
    let config = CacheConfig { ttl: Seconds(Duration::from_secs(100)), ..CacheConfig::default() };
    let freshness = Freshness::of(&config, Domain::Costs, Duration::from_secs(1));
    let lifetimes: HashSet<Duration> = (0..200).map(|_| freshness.lifetime(&Ok(Some(Arc::new(1))))).collect();
    assert!(lifetimes.len() > 1);
    assert!(lifetimes.iter().all(|ttl| (90..=100).contains(&ttl.as_secs())));
}
