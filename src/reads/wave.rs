//! What is in the air: the loads under way, by key, and the batch in which the next ones leave.
//!
//! The map of flights is the batch. A key that is missing joins the flight under way for it, else it takes a seat in the
//! open batch; a batch that is full leaves at once.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use foldhash::fast::RandomState;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::entry::Entry;
use super::sync::{AtomicBool, Ordering};
use super::{Freshness, Key, Observed, ReadOptions};
use crate::domain::Clock;
use crate::systems::{Payers, Priority};

/// How often batches leave while one is in the air. While none is, each leaves as soon as those who are about to ask have
/// done so: a request that is alone waits for nobody.
const PACE: Duration = Duration::from_millis(1);

/// One call to the owner, from the first key that takes a seat in it to its landing.
pub(super) struct Batch<K, V> {
    pub(super) number: u64,
    pub(super) priority: Priority,
    /// The request that opened it, by what it observed: held, so that no other request is taken for it.
    opener: Arc<Observed>,
    shared: AtomicBool,
    /// The requests that wait for it.
    pub(super) payers: Arc<Payers>,
    departed: OnceLock<Duration>,
    landed: OnceLock<Landed<K, V>>,
    landing: Notify,
}

/// What a batch brought, by seat.
pub(super) struct Landed<K, V> {
    pub(super) entries: Vec<Arc<Entry<K, V>>>,
    pub(super) took: Duration,
    /// Attempts it took upstream.
    pub(super) attempts: u32,
}

/// The place of a key in a batch.
pub(super) struct Seat<K, V> {
    pub(super) batch: Arc<Batch<K, V>>,
    pub(super) index: usize,
}

impl<K, V> Clone for Seat<K, V> {
    fn clone(&self) -> Self {
        Self { batch: Arc::clone(&self.batch), index: self.index }
    }
}

/// A batch that takes keys, or has just stopped to.
pub(super) struct Open<K, V> {
    pub(super) batch: Arc<Batch<K, V>>,
    pub(super) keys: Vec<K>,
}

/// The batches of one priority. Those of a report are never those of people, who would wait with it.
struct Lane<K, V> {
    open: Option<Open<K, V>>,
    aloft: usize,
    /// When the last one left.
    left: Option<Instant>,
}

/// All loads of one reader.
pub(super) struct Air<K, V> {
    flights: HashMap<K, Seat<K, V>, RandomState>,
    interactive: Lane<K, V>,
    report: Lane<K, V>,
    next: u64,
}

/// The batches that a read has to see off.
pub(super) struct Boarding<K, V> {
    /// They are full and leave now.
    pub(super) full: Vec<Open<K, V>>,
    /// It was opened, and is to leave soon.
    pub(super) opened: Option<Arc<Batch<K, V>>>,
    /// Not before this moment, if others share it until then.
    pub(super) closes: Option<Instant>,
}

impl<K, V> Default for Boarding<K, V> {
    fn default() -> Self {
        Self { full: Vec::new(), opened: None, closes: None }
    }
}

impl<K, V> Default for Air<K, V> {
    fn default() -> Self {
        let lane = || Lane { open: None, aloft: 0, left: None };
        Self { flights: HashMap::default(), interactive: lane(), report: lane(), next: 0 }
    }
}

impl<K: Key, V> Air<K, V> {
    /// The flight for a key that a request may join.
    pub(super) fn join(
        &self,
        key: &K,
        options: &ReadOptions,
        freshness: &Freshness,
        clock: &dyn Clock,
    ) -> Option<Seat<K, V>> {
        let seat = self.flights.get(key)?;
        seat.batch.takes(options, freshness, clock).then(|| seat.clone())
    }

    /// Whether a key is loaded already, for whomever.
    pub(super) fn carries(&self, key: &K) -> bool {
        self.flights.contains_key(key)
    }

    /// A seat for a key in the open batch. It takes the place of an earlier flight for that key, which goes on for those
    /// who wait for it.
    pub(super) fn board(
        &mut self,
        key: &K,
        options: &ReadOptions,
        limit: usize,
        clock: &dyn Clock,
        boarding: &mut Boarding<K, V>,
    ) -> Seat<K, V> {
        let number = self.next;
        let lane = match options.priority {
            Priority::Interactive => &mut self.interactive,
            Priority::Report => &mut self.report,
        };
        let closes = lane.closes();
        let open = lane.open.get_or_insert_with(|| {
            self.next += 1;
            let batch = Arc::new(Batch::new(number, options));
            (boarding.opened, boarding.closes) = (Some(Arc::clone(&batch)), closes);
            Open { batch, keys: Vec::new() }
        });
        open.batch.meet(options);
        let seat = Seat { batch: Arc::clone(&open.batch), index: open.keys.len() };
        open.keys.push(key.clone());
        if open.keys.len() >= limit {
            boarding.full.extend(lane.depart(clock));
        }
        self.flights.insert(key.clone(), seat.clone());
        seat
    }

    /// Closes a batch, if it has not left already.
    pub(super) fn depart(&mut self, batch: &Arc<Batch<K, V>>, clock: &dyn Clock) -> Option<Open<K, V>> {
        let lane = self.lane(batch.priority);
        let open = lane.open.as_ref().is_some_and(|open| Arc::ptr_eq(&open.batch, batch));
        if open { lane.depart(clock) } else { None }
    }

    /// Takes a key off a flight, if that is still the one for it: an eviction or a later flight may have taken its place.
    pub(super) fn disembark(&mut self, key: &K, batch: &Arc<Batch<K, V>>) -> bool {
        let Some(seat) = self.flights.remove(key) else { return false };
        let mine = Arc::ptr_eq(&seat.batch, batch);
        if !mine {
            self.flights.insert(key.clone(), seat);
        }
        mine
    }

    /// Makes what is under way for these keys be of use only to those who wait for it. What has not left yet is not
    /// touched: it will bring what the owner says then.
    pub(super) fn evict(&mut self, gone: impl Fn(&K) -> bool) {
        self.flights.retain(|key, seat| !(seat.batch.has_left() && gone(key)));
    }

    /// A batch is no longer in the air.
    pub(super) fn landed(&mut self, batch: &Batch<K, V>) {
        let lane = self.lane(batch.priority);
        lane.aloft = lane.aloft.saturating_sub(1);
    }

    fn lane(&mut self, priority: Priority) -> &mut Lane<K, V> {
        match priority {
            Priority::Interactive => &mut self.interactive,
            Priority::Report => &mut self.report,
        }
    }
}

impl<K, V> Lane<K, V> {
    /// Until when a batch that is opened now takes keys; none if it need not wait.
    fn closes(&self) -> Option<Instant> {
        let next = self.left.filter(|_| self.aloft > 0)? + PACE;
        (next > Instant::now()).then_some(next)
    }

    fn depart(&mut self, clock: &dyn Clock) -> Option<Open<K, V>> {
        let open = self.open.take()?;
        self.aloft += 1;
        self.left = Some(Instant::now());
        // Read while nobody can join: all who did began before this moment.
        open.batch.departed.get_or_init(|| clock.monotonic());
        Some(open)
    }
}

impl<K, V> Batch<K, V> {
    fn new(number: u64, options: &ReadOptions) -> Self {
        let payers = Arc::<Payers>::default();
        payers.add(options.budget.as_ref());
        Self {
            number,
            priority: options.priority,
            opener: Arc::clone(&options.observed),
            shared: AtomicBool::new(false),
            payers,
            departed: OnceLock::new(),
            landed: OnceLock::new(),
            landing: Notify::new(),
        }
    }

    pub(super) fn has_left(&self) -> bool {
        self.departed.get().is_some()
    }

    /// When it left, on the monotonic clock.
    pub(super) fn departed(&self) -> Duration {
        self.departed.get().copied().unwrap_or_default()
    }

    /// Whether more than one request waits for it.
    pub(super) fn shared(&self) -> bool {
        self.shared.load(Ordering::Relaxed)
    }

    /// Whether another request than this one opened it.
    pub(super) fn of_others(&self, options: &ReadOptions) -> bool {
        !Arc::ptr_eq(&self.opener, &options.observed)
    }

    /// What it brought, if it is back.
    pub(super) fn peek(&self) -> Option<&Landed<K, V>> {
        self.landed.get()
    }

    /// Waits for its landing.
    pub(super) async fn landed(&self) -> &Landed<K, V> {
        loop {
            // Made before the look: a landing between the look and the wait is not missed.
            let landing = self.landing.notified();
            if let Some(landed) = self.landed.get() {
                return landed;
            }
            landing.await;
        }
    }

    /// It is back.
    pub(super) fn land(&self, landed: Landed<K, V>) {
        self.landed.get_or_init(|| landed);
        self.landing.notify_waiters();
    }

    /// Another request, or the same one again, waits for it.
    fn meet(&self, options: &ReadOptions) {
        if !self.of_others(options) {
            return;
        }
        if !self.shared() {
            self.shared.store(true, Ordering::Relaxed);
        }
        if self.landed.get().is_none() {
            self.payers.add(options.budget.as_ref());
        }
    }

    /// Whether a request may wait for it. One that left before the request began, longer ago than the request lets values
    /// be old, may carry what the owner has corrected since. And a person does not wait with a report.
    fn takes(&self, options: &ReadOptions, freshness: &Freshness, clock: &dyn Clock) -> bool {
        if options.priority == Priority::Interactive && self.priority == Priority::Report {
            return false;
        }
        let takes = self.departed.get().is_none_or(|departed| {
            let age = clock.monotonic().saturating_sub(*departed);
            *departed >= options.started || (age < freshness.ttl && options.allow(age))
        });
        if takes {
            self.meet(options);
        }
        takes
    }
}

impl<K, V> Default for Landed<K, V> {
    fn default() -> Self {
        Self { entries: Vec::new(), took: Duration::ZERO, attempts: 0 }
    }
}

impl<K, V> fmt::Debug for Air<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Air").field("flights", &self.flights.len()).finish_non_exhaustive()
    }
}
