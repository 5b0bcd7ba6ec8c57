//! Models: the store, the flights and the readers as they are, on a scheduler that decides at each lock, each counter and each
//! pause which thread goes on. What is not modelled: weak orders of memory (all is sequential), tokio's own parts (the pause
//! of a batch is a pause, no deadline comes), and what is shown while the owner is asked in the background.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use shuttle::future::block_on;
use shuttle::thread;
use tokio::time::Instant;

use super::{Freshness, Kind, ReadOptions};
use crate::config::Cache;
use crate::domain::{Clock, ConnectionName, Domain, ManualClock};
use crate::explore::explore;
use crate::reads::{Fetch, Observed, Read, entry, observed, trace, upstream};
use crate::systems::{Batch, Priority};
use reader::{Key, Reader};
use store::Store;
use sync::{AtomicUsize, Ordering};

mod sync {
    pub(super) use shuttle::future::{spawn, yield_now};
    pub(super) use shuttle::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
    pub(super) use shuttle::sync::{Mutex, MutexGuard, PoisonError};
    use tokio::time::Instant;

    pub(super) async fn sleep_until(_: Instant) {
        yield_now().await;
    }

    /// It never comes to that.
    pub(super) struct Elapsed;

    pub(super) async fn timeout_at<F: Future>(_: Instant, future: F) -> Result<F::Output, Elapsed> {
        Ok(future.await)
    }
}

#[path = "../reader.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    clippy::duplicate_mod,
    reason = "the models use a part of it, over their own `sync`"
)]
mod reader;
#[path = "../store.rs"]
#[expect(
    dead_code,
    unreachable_pub,
    clippy::duplicate_mod,
    reason = "the models use a part of it, over their own `sync`"
)]
mod store;
#[path = "../wave.rs"]
#[expect(clippy::duplicate_mod, reason = "over the models' own `sync`")]
mod wave;

/// The owner of a number, which is corrected now and then.
#[derive(Default)]
struct Owner {
    number: AtomicUsize,
    calls: AtomicUsize,
}

/// A reader of numbers, its owner and its store.
#[derive(Clone)]
struct Model {
    owner: Arc<Owner>,
    reader: Arc<Reader<usize, usize>>,
}

impl Model {
    fn new() -> Self {
        let owner = Arc::<Owner>::default();
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap()));
        let config = Cache { jitter_percent: 0, ..Cache::default() };
        let freshness = Freshness::of(&config, Domain::Commercial, Duration::from_secs(10));
        let store = Store::new(config.max_bytes, freshness.longest());
        let kind = Kind { connection: ConnectionName::new("owner"), system: "test", name: "numbers", limit: 2 };
        let asked = Arc::clone(&owner);
        let fetch: Fetch<usize, usize> = Box::new(move |_, keys: Vec<usize>| {
            let owner = Arc::clone(&asked);
            async move {
                owner.calls.fetch_add(1, Ordering::SeqCst);
                // The owner says what holds at some moment of the call.
                sync::yield_now().await;
                let number = owner.number.load(Ordering::SeqCst);
                sync::yield_now().await;
                Ok(keys.into_iter().map(|key| (key, number)).collect::<Batch<_, _>>())
            }
            .boxed()
        });
        Self { owner, reader: Arc::new(Reader::new(kind, &store, clock, freshness, fetch)) }
    }

    /// Reads a key, as a request of its own.
    fn read(&self, key: usize) -> usize {
        number(&block_on(self.reader.get(&request(), &key)))
    }

    fn calls(&self) -> usize {
        self.owner.calls.load(Ordering::SeqCst)
    }

    /// The owner corrects its number, and tells so.
    fn correct(&self) -> usize {
        let number = self.owner.number.fetch_add(1, Ordering::SeqCst) + 1;
        self.reader.evict(|_| true);
        number
    }

    /// Does something in a thread of its own.
    fn spawn<T: Send + 'static>(&self, does: impl FnOnce(&Self) -> T + Send + 'static) -> thread::JoinHandle<T> {
        let model = self.clone();
        thread::spawn(move || does(&model))
    }
}

fn request() -> ReadOptions {
    ReadOptions::new(Duration::ZERO, Instant::now() + Duration::from_mins(1))
}

fn number(read: &Read<usize>) -> usize {
    read.as_ref().unwrap().value.as_deref().copied().unwrap()
}

#[test]
fn a_key_that_many_ask_for_at_once_is_loaded_once() {
    explore(|| {
        let model = Model::new();
        let readers: Vec<_> = (0..4).map(|_| model.spawn(|model| model.read(1))).collect();
        assert!(readers.into_iter().all(|reader| reader.join().unwrap() == 0));
        assert_eq!(model.calls(), 1);
    });
}

#[test]
fn every_key_is_answered_whoever_travels_together() {
    explore(|| {
        let model = Model::new();
        // A batch takes two keys: some leave when they are full, others when their time has come.
        let all = model
            .spawn(|model| block_on(model.reader.get_many(&request(), &[1, 2, 3])).iter().map(number).sum::<usize>());
        let readers: Vec<_> = [2, 3, 4].into_iter().map(|key| model.spawn(move |model| model.read(key))).collect();
        assert_eq!(all.join().unwrap(), 0);
        assert!(readers.into_iter().all(|reader| reader.join().unwrap() == 0));
        assert!(model.calls() <= 4, "{} calls for four keys", model.calls());
        let before = model.calls();
        (1..=4).for_each(|key| assert_eq!(model.read(key), 0));
        assert_eq!(model.calls(), before, "all of them are remembered");
    });
}

#[test]
fn who_leaves_does_not_take_the_load_of_the_others_along() {
    explore(|| {
        let model = Model::new();
        let leaves = model.spawn(|model| {
            // Asks, and is gone before there can be an answer.
            drop(block_on(async { model.reader.get(&request(), &1).now_or_never() }));
        });
        let stays: Vec<_> = (0..2).map(|_| model.spawn(|model| model.read(1))).collect();
        leaves.join().unwrap();
        assert!(stays.into_iter().all(|reader| reader.join().unwrap() == 0));
        assert_eq!(model.calls(), 1);
    });
}

#[test]
fn after_a_correction_was_told_nobody_reads_what_was_before_and_nobody_goes_back() {
    explore(|| {
        let model = Model::new();
        let told = Arc::new(AtomicUsize::new(0));
        let corrections = {
            let told = Arc::clone(&told);
            model.spawn(move |model| {
                for _ in 0..2 {
                    let number = model.correct();
                    told.store(number, Ordering::SeqCst);
                }
            })
        };
        let readers: Vec<_> = (0..2)
            .map(|_| {
                let told = Arc::clone(&told);
                model.spawn(move |model| {
                    let mut last = 0;
                    for _ in 0..3 {
                        let known = told.load(Ordering::SeqCst).max(last);
                        last = model.read(1);
                        assert!(last >= known, "{last} after {known}");
                    }
                })
            })
            .collect();
        corrections.join().unwrap();
        for reader in readers {
            reader.join().unwrap();
        }
        assert_eq!(model.read(1), 2);
        // A load that began after a correction may land before the store has forgotten, and is then made again: one too many,
        // and never one too few.
        assert!(model.calls() <= 1 + 2 * 2, "{} loads", model.calls());
    });
}

/// Puts a number into a store.
fn put(store: &Arc<Store>, place: store::Place, key: usize, number: usize) {
    let entry = entry::Entry {
        key,
        outcome: Ok(Some(Arc::new(number))),
        as_of: jiff::Timestamp::UNIX_EPOCH,
        read_at: Duration::ZERO,
        ttl: Duration::MAX,
        last_good: None,
    };
    let priority = if key.is_multiple_of(3) { Priority::Report } else { Priority::Interactive };
    store.put(place, &[(Arc::new(entry), 72)], priority, Duration::ZERO);
}

fn look(store: &Arc<Store>, place: store::Place, key: usize) -> Option<usize> {
    let entry = store.get::<usize, usize>(place, &key, Duration::ZERO)?;
    entry.outcome.as_ref().ok().and_then(Option::as_deref).copied()
}

#[test]
fn the_store_stays_within_its_bound_and_keeps_its_books_while_generations_change() {
    explore(|| {
        // Room for eight entries of people, and one of reports: the generations change all the time.
        let store = Store::new(1_600, Duration::from_mins(1));
        let place = store.place();
        let threads: Vec<_> = (0..3)
            .map(|thread| {
                let store = Arc::clone(&store);
                thread::spawn(move || {
                    // Keys of its own: what is there of them is what this thread has put.
                    for (step, key) in [0, 1, 2, 1, 3, 0].map(|key| thread * 10 + key).into_iter().enumerate() {
                        put(&store, place, key, step);
                        assert!(look(&store, place, key).is_none_or(|found| found == step), "an older one came back");
                        if step.is_multiple_of(2) {
                            store.evict::<usize, usize>(place, |known| *known == key);
                            assert_eq!(look(&store, place, key), None, "what was forgotten came back");
                        }
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(store.booked(), store.bytes(), "the books are those of the entries");
        // One more, with nobody else at it, makes the room there must be.
        put(&store, place, 100, 7);
        assert_eq!(look(&store, place, 100), Some(7));
        assert!(store.bytes() <= 1_600, "{}", store.bytes());
        store.evict::<usize, usize>(place, |_| true);
        assert_eq!((store.booked(), store.bytes()), (0, 0));
    });
}
