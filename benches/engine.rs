//! The read engine by itself: an owner that answers at once, so that what is measured is ours.
//!
//! `cargo bench --bench engine`, or `-- hit` for one of them.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a bench that cannot run is to stop")]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_graphql::dataloader::{DataLoader, Loader};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use futures_util::FutureExt;
use futures_util::future::join_all;
use spine::config::{Cache, Seconds};
use spine::domain::{Clock, ConnectionName, Domain, SystemClock, TicketId};
use spine::reads::{Freshness, Kind, ReadOptions, Reader, Store};
use spine::systems::Batch;
use tokio::runtime::Runtime;
use tokio::time::Instant;

/// A reader of texts, and keys that nobody has asked for.
struct Bench {
    runtime: Runtime,
    clock: Arc<dyn Clock>,
    reader: Arc<Reader<TicketId, String>>,
    next: AtomicUsize,
}

impl Bench {
    fn new() -> Self {
        let runtime = runtime();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        let config = Cache { ttl: Seconds(Duration::from_hours(1)), ..Cache::default() };
        let freshness = Freshness::of(&config, Domain::Tickets, Duration::from_secs(10));
        let store = Store::new(config.max_bytes, freshness.longest());
        let kind = Kind { connection: ConnectionName::new("bench"), system: "bench", name: "texts", limit: 100 };
        let fetch =
            |_, keys: Vec<TicketId>| async move { Ok(keys.into_iter().map(said).collect::<Batch<_, _>>()) }.boxed();
        let reader = Arc::new(Reader::new(kind, &store, Arc::clone(&clock), freshness, Box::new(fetch)));
        Self { runtime, clock, reader, next: AtomicUsize::new(0) }
    }

    fn request(&self) -> ReadOptions {
        ReadOptions::new(self.clock.monotonic(), Instant::now() + Duration::from_secs(10))
    }

    fn new_keys(&self, count: usize) -> Vec<TicketId> {
        let first = self.next.fetch_add(count, Ordering::Relaxed);
        (first..first + count).map(|number| TicketId::new(format!("t-{number}"))).collect()
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn said(key: TicketId) -> (TicketId, String) {
    let text = format!("what the owner says of {key}");
    (key, text)
}

fn hits(c: &mut Criterion) {
    let bench = Bench::new();
    let (keys, first) = (bench.new_keys(200), bench.request());
    bench.runtime.block_on(bench.reader.get_many(&first, &keys));
    // Each by a request of its own: what a request has read once it has at hand.
    c.bench_function("hit", |b| {
        b.iter_batched(|| bench.request(), |request| bench.reader.peek(&request, &keys[7]), BatchSize::SmallInput);
    });
    c.bench_function("hit, at hand", |b| b.iter(|| bench.reader.peek(&first, &keys[7])));
    c.bench_function("hit, awaited", |b| {
        b.iter_batched(
            || bench.request(),
            |request| bench.runtime.block_on(bench.reader.get(&request, &keys[7])),
            BatchSize::SmallInput,
        );
    });
    c.bench_function("get_many of 200, hits", |b| {
        b.iter_batched(
            || bench.request(),
            |request| bench.runtime.block_on(bench.reader.get_many(&request, &keys)),
            BatchSize::SmallInput,
        );
    });
}

fn misses(c: &mut Criterion) {
    let bench = Bench::new();
    for count in [1, 200] {
        c.bench_function(&format!("get_many of {count}, misses"), |b| {
            b.iter_batched(
                || (bench.request(), bench.new_keys(count)),
                |(request, keys)| bench.runtime.block_on(bench.reader.get_many(&request, &keys)),
                BatchSize::SmallInput,
            );
        });
    }
}

fn single_flight(c: &mut Criterion) {
    let bench = Bench::new();
    c.bench_function("single flight, 10,000 waiters", |b| {
        b.iter_batched(
            || (bench.request(), bench.new_keys(1)),
            |(request, keys)| {
                bench.runtime.block_on(join_all((0..10_000).map(|_| bench.reader.get(&request, &keys[0]))))
            },
            BatchSize::SmallInput,
        );
    });
}

fn eviction(c: &mut Criterion) {
    let bench = Bench::new();
    let keys = bench.new_keys(1000);
    // Two others read all the time what is evicted.
    let readers = [0, 1].map(|_| {
        let (reader, keys, clock) = (Arc::clone(&bench.reader), keys.clone(), Arc::clone(&bench.clock));
        bench.runtime.spawn(async move {
            loop {
                let request = ReadOptions::new(clock.monotonic(), Instant::now() + Duration::from_secs(10));
                reader.get_many(&request, &keys).await;
                tokio::task::yield_now().await;
            }
        })
    });
    let mut at = 0;
    c.bench_function("eviction under load", |b| {
        b.iter(|| {
            at = (at + 1) % keys.len();
            bench.reader.evict(|key| *key == keys[at]);
        });
    });
    readers.iter().for_each(tokio::task::JoinHandle::abort);
}

/// The owner behind async-graphql's own window, for comparison.
struct Texts;

impl Loader<TicketId> for Texts {
    type Value = Arc<String>;
    type Error = ();

    async fn load(&self, keys: &[TicketId]) -> Result<HashMap<TicketId, Arc<String>>, ()> {
        Ok(keys.iter().cloned().map(said).map(|(key, text)| (key, Arc::new(text))).collect())
    }
}

fn data_loader(c: &mut Criterion) {
    let bench = Bench::new();
    let loader = bench.runtime.block_on(async { DataLoader::new(Texts, tokio::spawn) });
    for count in [1, 200] {
        c.bench_function(&format!("async-graphql's DataLoader, {count}, misses"), |b| {
            b.iter_batched(
                || bench.new_keys(count),
                |keys| bench.runtime.block_on(loader.load_many(keys)),
                BatchSize::SmallInput,
            );
        });
    }
}

criterion_group!(engine, hits, misses, single_flight, eviction, data_loader);
criterion_main!(engine);
