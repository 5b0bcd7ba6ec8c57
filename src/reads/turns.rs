//! Turns: whoever comes in does not wait behind the work on other answers.
//!
//! A runtime polls its tasks in the order in which they are ready. With hundreds of answers in work a request that has just
//! come, if only to be refused, would be looked at after all of them. So the long pieces of work, answers and what owners
//! send, take turns with everything else: after two milliseconds of work the runtime looks at its sockets and lets whatever
//! is ready go first, then work goes on, in the order in which it waits. Nothing is lost by that: while nobody else is
//! ready a turn takes microseconds. What cannot be divided is a single poll, so those are short.

use std::fmt;
use std::future::poll_fn;
use std::mem;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::yield_now;
use tokio_util::sync::PollSemaphore;

use crate::domain::Clock;

/// How long each thread works at a stretch. If the others took longer than that for their turn, work gets as long: neither
/// starves.
const TURN: Duration = Duration::from_millis(2);
/// With so much of it left the others may have their turn already, and work goes on beside it: a runtime that looks at its
/// sockets often enough by itself holds nobody up.
const EARLY: Duration = Duration::from_millis(1);

/// What shares the threads with everything else.
pub struct Turns {
    clock: Arc<dyn Clock>,
    threads: usize,
    /// Who may work: one at a time for each thread.
    permits: Arc<Semaphore>,
    state: Mutex<State>,
}

struct State {
    /// What is left of the time that work has in its turn, of all threads together.
    left: Duration,
    /// Whether the others have their turn.
    turning: bool,
    /// What work took beside it, of all threads together.
    beside: Duration,
    /// Permits that come back after it.
    withheld: usize,
}

impl Turns {
    /// Work on a runtime of so many threads.
    pub fn new(clock: Arc<dyn Clock>, threads: usize) -> Arc<Self> {
        let permits = Arc::new(Semaphore::new(threads));
        let state = State { left: all(threads, TURN), turning: false, beside: Duration::ZERO, withheld: 0 };
        let state = Mutex::new(state);
        Arc::new(Self { clock, threads, permits, state })
    }

    /// Does a piece of work, whenever it is its turn. For what a task does as a whole: what is polled beside other things may
    /// be given its turn and not take it. It has a place of its own, because it is large, and would be carried along in all that is
    /// wrapped around it.
    pub fn work<F: Future + ?Sized>(
        self: &Arc<Self>,
        mut work: Pin<Box<F>>,
    ) -> impl Future<Output = F::Output> + use<F> {
        let (turns, mut permits) = (Arc::clone(self), PollSemaphore::new(Arc::clone(&self.permits)));
        poll_fn(move |context| {
            let permit = ready!(permits.poll_acquire(context));
            let began = turns.clock.monotonic();
            let polled = work.as_mut().poll(context);
            let took = turns.clock.monotonic().saturating_sub(began);
            // There always is one: the permits are never closed.
            if let Some(permit) = permit {
                turns.worked(took, permit);
            }
            polled
        })
    }

    /// Takes note of a poll. The permit goes to who is next, or is withheld for the others' turn.
    fn worked(self: &Arc<Self>, took: Duration, permit: OwnedSemaphorePermit) {
        let begins = {
            let mut state = self.state();
            state.left = state.left.saturating_sub(took);
            if state.turning {
                state.beside += took;
            }
            if state.left.is_zero() {
                state.withheld += 1;
                permit.forget();
            }
            state.left <= all(self.threads, EARLY) && !mem::replace(&mut state.turning, true)
        };
        if begins {
            tokio::spawn(Arc::clone(self).turn());
        }
    }

    /// The others' turn.
    async fn turn(self: Arc<Self>) {
        let began = self.clock.monotonic();
        // The runtime comes back to this when it has looked at its sockets. What has come in is ready then, and goes first.
        yield_now().await;
        behind_all_others().await;
        let took = self.clock.monotonic().saturating_sub(began);
        let withheld = {
            let mut state = self.state();
            let others = all(self.threads, took).saturating_sub(mem::take(&mut state.beside));
            state.left = others.max(all(self.threads, TURN));
            state.turning = false;
            mem::take(&mut state.withheld)
        };
        self.permits.add_permits(withheld);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turns").field("threads", &self.threads).finish_non_exhaustive()
    }
}

/// The time of all threads in which each has so much.
fn all(threads: usize, each: Duration) -> Duration {
    each.saturating_mul(u32::try_from(threads).unwrap_or(u32::MAX))
}

/// Lets everything go first that is ready now.
async fn behind_all_others() {
    let mut went = false;
    poll_fn(|context| {
        if mem::replace(&mut went, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::task::JoinSet;

    use super::*;
    use crate::domain::ManualClock;

    struct Workshop {
        clock: Arc<ManualClock>,
        turns: Arc<Turns>,
        /// Polls that did some work.
        done: AtomicUsize,
    }

    impl Workshop {
        fn new(threads: usize) -> Arc<Self> {
            let clock = Arc::new(ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap()));
            let turns = Turns::new(Arc::<ManualClock>::clone(&clock), threads);
            Arc::new(Self { clock, turns, done: AtomicUsize::new(0) })
        }

        /// Works again and again, and is ready each time.
        async fn toil(self: Arc<Self>, times: usize, each: Duration) {
            let toil = async {
                for _ in 0..times {
                    self.clock.advance(each);
                    self.done.fetch_add(1, Ordering::SeqCst);
                    behind_all_others().await;
                }
            };
            self.turns.work(Box::pin(toil)).await;
        }

        /// Fifty that toil twenty times each.
        fn crowd(self: &Arc<Self>, each: Duration) -> JoinSet<()> {
            (0..50).map(|_| Arc::clone(self).toil(20, each)).collect()
        }

        fn done(&self) -> usize {
            self.done.load(Ordering::SeqCst)
        }

        /// How much work is done, at the most, while somebody waits for the runtime to look at its sockets, and does something
        /// of so long each time.
        async fn visit(&self, visits: usize, each: Duration) -> usize {
            let mut most = 0;
            for _ in 0..visits {
                let before = self.done();
                yield_now().await;
                most = most.max(self.done() - before);
                self.clock.advance(each);
            }
            most
        }
    }

    const LONG: Duration = Duration::from_millis(2);

    #[tokio::test]
    async fn whoever_comes_in_waits_for_one_piece_of_work_of_many() {
        let workshop = Workshop::new(1);
        let tasks = workshop.crowd(LONG);
        assert_eq!(workshop.visit(500, Duration::ZERO).await, 1);
        assert!(workshop.done() >= 400, "work goes on meanwhile: {}", workshop.done());
        tasks.join_all().await;
        assert_eq!(workshop.done(), 1000);
    }

    #[tokio::test]
    async fn short_pieces_of_work_are_done_without_a_pause() {
        let workshop = Workshop::new(1);
        let tasks = workshop.crowd(TURN / 10);
        assert_eq!(workshop.visit(50, Duration::ZERO).await, 10);
        tasks.join_all().await;
    }

    #[tokio::test]
    async fn those_who_come_in_take_no_more_than_half() {
        let workshop = Workshop::new(1);
        let tasks = workshop.crowd(LONG);
        assert_eq!(workshop.visit(50, 5 * LONG).await, 5);
        tasks.join_all().await;
    }

    #[tokio::test]
    async fn a_runtime_that_looks_at_its_sockets_by_itself_holds_nobody_up() {
        let workshop = Workshop::new(1);
        for _ in 0..10 {
            Arc::clone(&workshop).toil(1, EARLY).await;
            assert_eq!(workshop.turns.permits.available_permits(), 1, "nothing is withheld");
            yield_now().await;
            yield_now().await;
            assert_eq!(workshop.turns.state().left, TURN, "the others had their turn beside it");
        }
    }

    #[tokio::test]
    async fn who_leaves_before_their_turn_gives_it_to_the_next() {
        let workshop = Workshop::new(1);
        let first = tokio::spawn(Arc::clone(&workshop).toil(3, LONG));
        let left = tokio::spawn(Arc::clone(&workshop).toil(3, LONG));
        let last = tokio::spawn(Arc::clone(&workshop).toil(3, LONG));
        // All have come once; the first had its turn.
        yield_now().await;
        left.abort();
        first.await.unwrap();
        last.await.unwrap();
        assert_eq!(workshop.done(), 6);
    }

    #[tokio::test]
    async fn work_that_panics_keeps_nobody_waiting() {
        let workshop = Workshop::new(1);
        let turns = Arc::clone(&workshop.turns);
        let failed = tokio::spawn(async move { turns.work(Box::pin(async { panic!("canary") })).await }).await;
        assert!(failed.unwrap_err().is_panic());
        Arc::clone(&workshop).toil(3, LONG).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn on_many_threads_all_work_is_done_and_no_turn_is_lost() {
        let workshop = Workshop::new(4);
        let mut tasks = JoinSet::new();
        for task in 0..200_u32 {
            tasks.spawn(Arc::clone(&workshop).toil(50, TURN * (task % 3)));
            if task % 7 == 0 {
                tasks.spawn(Arc::clone(&workshop).toil(usize::MAX, TURN)).abort();
            }
        }
        while let Some(ended) = tasks.join_next().await {
            assert!(ended.is_ok() || ended.is_err_and(|error| error.is_cancelled()));
        }
        assert!(workshop.done() >= 10_000);
        while workshop.turns.permits.available_permits() < 4 {
            yield_now().await;
        }
        assert_eq!(workshop.turns.permits.available_permits(), 4);
    }
}
