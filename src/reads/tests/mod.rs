//! The reader against an owner that counts, waits, fails and panics on command. Ages are measured on the test's own clock,
//! windows and deadlines on tokio's, which stands still but for them.

mod memory;
mod model;
mod oracle;
mod stale;
mod traced;
mod waves;

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::*;
use crate::config::{Cache as CacheConfig, Seconds};
use crate::domain::{Clock, ConnectionName, Domain, ManualClock, SourceStatus};
use crate::systems::{BatchResult, Call, ErrorKind, Priority, SystemError};

/// An owner of numbers: says `key * 10 + revision`, knows no key over 900, fails on 13; fails altogether when told to.
#[derive(Default)]
pub(super) struct Owner {
    pub(super) calls: AtomicUsize,
    pub(super) keys: AtomicUsize,
    pub(super) largest: AtomicUsize,
    pub(super) revision: AtomicUsize,
    pub(super) failing: Mutex<Option<ErrorKind>>,
    pub(super) asked_as: Mutex<Vec<Priority>>,
    pub(super) hold: Option<Arc<Notify>>,
    pub(super) hangs: AtomicBool,
    pub(super) latency: Duration,
    pub(super) dawdles: bool,
    pub(super) panics: bool,
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

    async fn answer(self: Arc<Self>, call: Call, keys: Vec<usize>) -> BatchResult<usize, usize> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        call.attempt();
        self.asked_as.lock().unwrap().push(call.priority);
        self.keys.fetch_add(keys.len(), Ordering::SeqCst);
        self.largest.fetch_max(keys.len(), Ordering::SeqCst);
        let revision = self.revision.load(Ordering::SeqCst);
        if self.dawdles {
            tokio::task::yield_now().await;
        }
        if let Some(hold) = &self.hold {
            hold.notified().await;
        }
        if self.hangs.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        if !self.latency.is_zero() {
            tokio::time::sleep(self.latency).await;
        }
        assert!(!self.panics, "told to");
        if let Some(kind) = *self.failing.lock().unwrap() {
            return Err(Self::error(kind));
        }
        let mut batch = crate::systems::Batch::default();
        for key in keys {
            match key {
                13 => drop(batch.failed.insert(13, Self::error(ErrorKind::Broken))),
                1000 => return Err(Self::error(ErrorKind::Timeout)),
                901..=1000 => {}
                _ => drop(batch.found.insert(key, key * 10 + revision)),
            }
        }
        Ok(batch)
    }
}

pub(super) struct Setting {
    pub(super) clock: Arc<ManualClock>,
    pub(super) owner: Arc<Owner>,
    freshness: Freshness,
    pub(super) store: Arc<Store>,
    pub(super) reader: Arc<Reader<usize, usize>>,
}

impl Setting {
    pub(super) fn new(owner: Owner) -> Self {
        Self::with(owner, &CacheConfig { jitter_percent: 0, ..CacheConfig::default() })
    }

    /// Values live 30 seconds, and are shown for longer by so many seconds while the owner is asked, or fails.
    pub(super) fn lenient(while_revalidate: u64, if_error: u64) -> Self {
        let seconds = |seconds| Seconds(Duration::from_secs(seconds));
        let config = CacheConfig {
            jitter_percent: 0,
            stale_while_revalidate: seconds(while_revalidate),
            stale_if_error: seconds(if_error),
            ..CacheConfig::default()
        };
        Self::with(Owner::default(), &config)
    }

    fn with(owner: Owner, config: &CacheConfig) -> Self {
        let clock = Arc::new(ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap()));
        let owner = Arc::new(owner);
        let freshness = Freshness::of(config, Domain::Commercial, Duration::from_secs(10));
        let store = Store::new(config.max_bytes, freshness.longest());
        let reader = reader(&owner, &store, &clock, freshness.clone());
        Self { clock, owner, freshness, store, reader }
    }

    /// Another reader of the same owner and store.
    pub(super) fn another(&self) -> Arc<Reader<usize, usize>> {
        reader(&self.owner, &self.store, &self.clock, self.freshness.clone())
    }

    /// A request that begins now.
    pub(super) fn request(&self, max_age: Option<u64>) -> ReadOptions {
        let mut request = ReadOptions::new(self.clock.monotonic(), Instant::now() + Duration::from_secs(5));
        request.max_age = max_age.map(Duration::from_secs);
        request
    }

    /// A report that begins now.
    pub(super) fn report(&self) -> ReadOptions {
        ReadOptions { priority: Priority::Report, ..self.request(None) }
    }

    /// A read by a task of its own.
    pub(super) fn spawn(&self, request: ReadOptions, key: usize) -> tokio::task::JoinHandle<Read<usize>> {
        let reader = Arc::clone(&self.reader);
        tokio::spawn(async move { reader.get(&request, &key).await })
    }

    /// What a read says now: the value with its status, or the kind of failure.
    pub(super) async fn says(
        &self,
        max_age: Option<u64>,
        key: usize,
    ) -> Result<(Option<usize>, SourceStatus), ErrorKind> {
        let read = self.reader.get(&self.request(max_age), &key).await;
        read.map(|fresh| (fresh.value.as_deref().copied(), fresh.status)).map_err(|error| error.kind)
    }

    pub(super) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(super) fn fail(&self, kind: impl Into<Option<ErrorKind>>) {
        *self.owner.failing.lock().unwrap() = kind.into();
    }

    pub(super) fn correct(&self) {
        self.owner.revision.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn calls(&self) -> usize {
        self.owner.calls.load(Ordering::SeqCst)
    }

    /// Lets others run until the owner has been asked so often.
    pub(super) async fn until_asked(&self, calls: usize) {
        while self.calls() < calls {
            tokio::task::yield_now().await;
        }
    }
}

fn reader(
    owner: &Arc<Owner>,
    store: &Arc<Store>,
    clock: &Arc<ManualClock>,
    freshness: Freshness,
) -> Arc<Reader<usize, usize>> {
    let kind = Kind { connection: ConnectionName::new("owner"), system: "test", name: "numbers", limit: 100 };
    let (asked, time) = (Arc::clone(owner), Arc::clone(clock) as Arc<dyn Clock>);
    let fetch: Fetch<usize, usize> = Box::new(move |call, keys| Arc::clone(&asked).answer(call, keys).boxed());
    Arc::new(Reader::new(kind, store, time, freshness, fetch))
}

/// Lets background work run to its end.
pub(super) async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

pub(super) fn value(read: &Read<usize>) -> Option<usize> {
    read.as_ref().unwrap().value.as_deref().copied()
}

#[tokio::test(start_paused = true)]
async fn many_keys_are_cut_to_the_owners_limit() {
    let setting = Setting::new(Owner::default());
    let keys: Vec<usize> = (0..250).map(|key| 100 + key).collect();
    let reads = setting.reader.get_many(&setting.request(None), &keys).await;
    assert!(keys.iter().zip(&reads).all(|(key, read)| value(read) == Some(key * 10)));
    assert_eq!(setting.calls(), 3);
    assert!(setting.owner.largest.load(Ordering::SeqCst) <= 100);
}

#[tokio::test(start_paused = true)]
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

#[tokio::test(start_paused = true)]
async fn one_bad_key_fails_alone_and_an_unknown_one_is_not_a_failure() {
    let setting = Setting::new(Owner::default());
    let reads = setting.reader.get_many(&setting.request(None), &[12, 13, 950]).await;
    assert_eq!(value(&reads[0]), Some(120));
    assert_eq!(reads[1].as_ref().unwrap_err().kind, ErrorKind::Broken);
    assert_eq!(value(&reads[2]), None);
}

#[tokio::test(start_paused = true)]
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

#[tokio::test(start_paused = true)]
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

#[tokio::test(start_paused = true)]
async fn a_load_that_took_off_before_a_no_cache_request_is_not_joined() {
    let hold = Arc::new(Notify::new());
    let setting = Setting::new(Owner { hold: Some(Arc::clone(&hold)), ..Owner::default() });
    let early = setting.spawn(setting.request(None), 1);
    setting.until_asked(1).await;
    setting.owner.revision.store(1, Ordering::SeqCst);
    setting.clock.advance(Duration::from_secs(1));
    let late = setting.spawn(setting.request(Some(0)), 1);
    tokio::time::sleep(Duration::from_millis(2)).await;
    assert_eq!(setting.calls(), 2);
    hold.notify_waiters();
    assert_eq!(value(&early.await.unwrap()), Some(10));
    assert_eq!(value(&late.await.unwrap()), Some(11));
    // The early load landed last or first: either way the later value is the one that is kept.
    assert_eq!(value(&setting.reader.get(&setting.request(None), &1).await), Some(11));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_leaves_does_not_take_the_load_with_it() {
    let hold = Arc::new(Notify::new());
    let setting = Setting::new(Owner { hold: Some(Arc::clone(&hold)), ..Owner::default() });
    let leader = setting.spawn(setting.request(None), 1);
    setting.until_asked(1).await;
    let follower = setting.spawn(setting.request(None), 1);
    tokio::task::yield_now().await;
    leader.abort();
    assert!(leader.await.is_err());
    hold.notify_waiters();
    assert_eq!(value(&follower.await.unwrap()), Some(10));
    assert_eq!(setting.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_eviction_is_stronger_than_a_load_under_way() {
    let hold = Arc::new(Notify::new());
    let setting = Setting::new(Owner { hold: Some(Arc::clone(&hold)), ..Owner::default() });
    let early = setting.spawn(setting.request(None), 1);
    setting.until_asked(1).await;
    setting.owner.revision.store(1, Ordering::SeqCst);
    setting.reader.evict(|key| *key == 1);
    hold.notify_waiters();
    assert_eq!(value(&early.await.unwrap()), Some(10));
    let late = setting.spawn(setting.request(None), 1);
    tokio::time::sleep(Duration::from_millis(2)).await;
    assert_eq!(setting.calls(), 2);
    hold.notify_waiters();
    assert_eq!(value(&late.await.unwrap()), Some(11));
}

#[tokio::test(start_paused = true)]
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

#[tokio::test(start_paused = true)]
async fn a_failure_that_takes_long_is_remembered_as_long() {
    let hold = Arc::new(Notify::new());
    let setting = Setting::new(Owner { hold: Some(Arc::clone(&hold)), ..Owner::default() });
    let late = setting.spawn(setting.request(None), 1000);
    setting.until_asked(1).await;
    setting.clock.advance(Duration::from_secs(4));
    hold.notify_waiters();
    assert_eq!(late.await.unwrap().unwrap_err().kind, ErrorKind::Timeout);
    setting.clock.advance(Duration::from_millis(999));
    assert_eq!(setting.says(None, 1000).await, Err(ErrorKind::Timeout));
    assert_eq!(setting.calls(), 1, "nobody waits for the next one");
    setting.clock.advance(Duration::from_millis(1));
    let again = setting.spawn(setting.request(None), 1000);
    setting.until_asked(2).await;
    hold.notify_waiters();
    again.await.unwrap().unwrap_err();
}

#[tokio::test(start_paused = true)]
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

#[tokio::test(start_paused = true)]
async fn a_connector_that_panics_fails_its_readers_and_nothing_else() {
    let setting = Setting::new(Owner { panics: true, ..Owner::default() });
    assert_eq!(setting.reader.get(&setting.request(None), &1).await.unwrap_err().kind, ErrorKind::Internal);
    setting.clock.advance(Duration::from_secs(1));
    assert_eq!(setting.reader.get(&setting.request(None), &1).await.unwrap_err().kind, ErrorKind::Internal);
    assert_eq!(setting.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_beyond_the_deadline() {
    let setting = Setting::new(Owner { hold: Some(Arc::new(Notify::new())), ..Owner::default() });
    let request = ReadOptions { deadline: Instant::now() + Duration::from_millis(20), ..setting.request(None) };
    let read = setting.reader.get(&request, &1).await;
    assert_eq!(read.unwrap_err().kind, ErrorKind::Deadline);
    assert!(Instant::now() >= request.deadline);
}

#[tokio::test(start_paused = true)]
async fn what_a_request_saw_is_its_oldest_and_its_shortest_lived_part() {
    let setting = Setting::new(Owner::default());
    setting.reader.get(&setting.request(None), &1).await.unwrap();
    setting.clock.advance(Duration::from_secs(20));
    let request = setting.request(None);
    assert_eq!(request.observed.age(setting.clock.monotonic()), None);
    setting.reader.get_many(&request, &[1, 2]).await;
    assert_eq!(request.observed.age(setting.clock.monotonic()), Some(Duration::from_secs(20)));
    assert_eq!(request.observed.lifetime(setting.clock.monotonic()), Some(Duration::from_secs(10)));
    setting.reader.get(&request, &13).await.unwrap_err();
    assert_eq!(
        request.observed.lifetime(setting.clock.monotonic()),
        None,
        "an answer with a failed part is not to be kept"
    );
}

#[tokio::test(start_paused = true)]
async fn a_value_grows_older_while_its_request_waits_for_another_one() {
    let hold = Arc::new(Notify::new());
    let setting = Setting::new(Owner { hold: Some(Arc::clone(&hold)), ..Owner::default() });
    let first = setting.spawn(setting.request(None), 1);
    setting.until_asked(1).await;
    hold.notify_waiters();
    first.await.unwrap().unwrap();
    setting.clock.advance(Duration::from_secs(20));
    let (request, reader) = (setting.request(None), Arc::clone(&setting.reader));
    let (observed, clock) = (Arc::clone(&request.observed), Arc::clone(&setting.clock));
    let both = tokio::spawn(async move { reader.get_many(&request, &[1, 2]).await.len() });
    setting.until_asked(2).await;
    clock.advance(Duration::from_secs(8));
    hold.notify_waiters();
    assert_eq!(both.await.unwrap(), 2);
    let now = clock.monotonic();
    assert_eq!(observed.age(now), Some(Duration::from_secs(28)));
    assert_eq!(observed.lifetime(now), Some(Duration::from_secs(2)));
    let later = now + Duration::from_secs(3);
    assert_eq!((observed.age(later), observed.lifetime(later)), (Some(Duration::from_secs(31)), Some(Duration::ZERO)));
}

#[tokio::test(start_paused = true)]
async fn that_reports_found_no_room_is_not_told_to_people() {
    let setting = Setting::new(Owner::default());
    for (kind, told) in [(ErrorKind::Overloaded, Ok(10)), (ErrorKind::Timeout, Err(ErrorKind::Timeout))] {
        setting.fail(kind);
        assert_eq!(setting.reader.get(&setting.report(), &1).await.unwrap_err().kind, kind);
        setting.fail(None);
        let read = setting.reader.get(&setting.request(None), &1).await;
        assert_eq!(read.map(|read| *read.value.unwrap()).map_err(|error| error.kind), told, "{kind:?}");
        setting.reader.evict(|_| true);
    }
}

#[tokio::test(start_paused = true)]
async fn lifetimes_vary_but_are_never_longer_than_configured() {
    let config = CacheConfig { ttl: Seconds(Duration::from_secs(100)), ..CacheConfig::default() };
    let freshness = Freshness::of(&config, Domain::Costs, Duration::from_secs(1));
    let lifetimes: HashSet<Duration> =
        (0..200).map(|_| freshness.lifetime(&Ok(Some(Arc::new(1))), Duration::ZERO)).collect();
    assert!(lifetimes.len() > 1);
    assert!(lifetimes.iter().all(|ttl| (90..=100).contains(&ttl.as_secs())));
}
