//! Workers: threads that each answer connections of their own, from the first byte to the last.
//!
//! A runtime of many threads hands what is ready to whichever thread is free. Where answers are short that costs more than they do:
//! each piece finds the processor's caches filled with something else. So a connection stays on one thread, with the calls that its
//! requests make, and the connections by which these go.

use std::cell::Cell;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::ops::Deref;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;

thread_local! {
    /// Which worker this thread is, counted from 1; 0 for any other thread.
    static CURRENT: Cell<usize> = const { Cell::new(0) };
}

static ALL: OnceLock<Vec<Worker>> = OnceLock::new();

#[derive(Debug)]
struct Worker {
    runtime: Handle,
    /// Tasks that it has.
    busy: Arc<AtomicUsize>,
}

/// The workers at work. When it is dropped they end, and what they were doing with them.
#[derive(Debug)]
pub struct Workers {
    stop: CancellationToken,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts as many as the runtime around it has threads, once in the life of a process. Before that, and where it never happens,
    /// everything runs where it is begun.
    pub fn start() -> io::Result<Self> {
        let (workers, all) = Self::begin(Handle::current().metrics().num_workers())?;
        ALL.set(all).map_err(|_| io::Error::other("there are workers already"))?;
        Ok(workers)
    }

    fn begin(count: usize) -> io::Result<(Self, Vec<Worker>)> {
        let mut workers = Self { stop: CancellationToken::new(), threads: Vec::new() };
        let mut all = Vec::new();
        for number in 1..=count {
            let runtime = Builder::new_current_thread().enable_all().build()?;
            all.push(Worker { runtime: runtime.handle().clone(), busy: Arc::default() });
            let stop = workers.stop.clone();
            let thread = thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
                CURRENT.set(number);
                runtime.block_on(stop.cancelled());
            });
            workers.threads.push(thread?);
        }
        Ok((workers, all))
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop.cancel();
        for thread in self.threads.drain(..) {
            // A panic in it was logged when it happened.
            drop(thread.join());
        }
    }
}

fn all() -> &'static [Worker] {
    ALL.get().map_or(&[], Vec::as_slice)
}

/// How many threads the runtime beside the workers has: as many as there are workers, or those of the runtime that this is
/// called in.
fn others() -> usize {
    match all() {
        [] => Handle::try_current().map_or(1, |around| around.metrics().num_workers()),
        workers => workers.len(),
    }
}

/// Runs a task on the worker that has the fewest; here if there are none.
pub fn spawn<Task: Future<Output = ()> + Send + 'static>(task: impl FnOnce() -> Task + Send + 'static) {
    spawn_on(all(), task);
}

fn spawn_on<Task: Future<Output = ()> + Send + 'static>(
    workers: &[Worker],
    task: impl FnOnce() -> Task + Send + 'static,
) {
    let Some(Worker { runtime, busy }) = workers.iter().min_by_key(|worker| worker.busy.load(Ordering::Relaxed)) else {
        tokio::spawn(task());
        return;
    };
    busy.fetch_add(1, Ordering::Relaxed);
    let busy = Busy(Arc::clone(busy));
    runtime.spawn(async move {
        let _busy = busy;
        task().await;
    });
}

/// A task that is counted, however it ends.
struct Busy(Arc<AtomicUsize>);

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Something of which each worker has its own, and all other threads together have one. What it derefs to is the thread's.
#[derive(Debug)]
pub struct Each<T>(Arc<[T]>);

impl<T> Each<T> {
    /// Makes them. `make` is told how many threads will share each.
    pub fn new(mut make: impl FnMut(usize) -> T) -> Self {
        let Ok(each) = Self::try_new(|threads| Ok::<_, Infallible>(make(threads)));
        each
    }

    /// Makes them, unless one cannot be made.
    pub fn try_new<E>(make: impl FnMut(usize) -> Result<T, E>) -> Result<Self, E> {
        [others()].into_iter().chain(all().iter().map(|_| 1)).map(make).collect::<Result<_, E>>().map(Self)
    }
}

impl<T> Clone for Each<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Deref for Each<T> {
    type Target = T;

    #[expect(clippy::indexing_slicing, reason = "the first is always there")]
    fn deref(&self) -> &T {
        // What was made before there were workers is everybody's.
        self.0.get(CURRENT.get()).unwrap_or(&self.0[0])
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::mpsc;
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    #[test]
    fn each_task_goes_to_the_worker_with_the_fewest_and_stays_there() {
        let (workers, all) = Workers::begin(3).unwrap();
        let (tell, told) = mpsc::channel();
        for _ in 0..9 {
            let tell = tell.clone();
            spawn_on(&all, move || async move {
                let first = CURRENT.get();
                tokio::task::yield_now().await;
                let then = tokio::spawn(async { CURRENT.get() }).await.unwrap();
                tell.send([first, CURRENT.get(), then]).unwrap();
                pending::<()>().await;
            });
        }
        let mut seen: Vec<_> = (0..9).map(|_| told.recv_timeout(PATIENCE).unwrap()).collect();
        seen.sort_unstable();
        assert_eq!(seen, [[1; 3], [1; 3], [1; 3], [2; 3], [2; 3], [2; 3], [3; 3], [3; 3], [3; 3]]);
        drop(workers);
        assert!(all.iter().all(|worker| worker.busy.load(Ordering::Relaxed) == 0), "what they did ended with them");
    }

    #[test]
    fn a_task_that_panics_leaves_its_worker_at_work_and_its_place_to_others() {
        let (_workers, all) = Workers::begin(1).unwrap();
        let (tell, told) = mpsc::channel::<()>();
        let held = tell.clone();
        spawn_on(&all, move || async move {
            let _held = held;
            panic!("canary");
        });
        spawn_on(&all, move || async move { tell.send(()).unwrap() });
        assert_eq!(told.recv_timeout(PATIENCE), Ok(()));
        // Both are gone.
        assert_eq!(told.recv_timeout(PATIENCE), Err(mpsc::RecvTimeoutError::Disconnected));
        let (tell, told) = mpsc::channel();
        let busy = Arc::clone(&all[0].busy);
        spawn_on(&all, move || async move { tell.send(busy.load(Ordering::Relaxed)).unwrap() });
        assert_eq!(told.recv_timeout(PATIENCE), Ok(1));
    }

    #[test]
    fn each_thread_finds_its_own_and_those_that_are_no_workers_share_one() {
        let (_workers, all) = Workers::begin(2).unwrap();
        let (own, early) = (Each(Arc::from(["others", "first", "second"])), Each(Arc::from(["everybody's"])));
        assert_eq!((*own, *early), ("others", "everybody's"));
        for worker in &all {
            let (own, early, (tell, told)) = (own.clone(), early.clone(), mpsc::channel());
            worker.runtime.spawn(async move { tell.send((CURRENT.get(), *own, *early)).unwrap() });
            let (number, own, early) = told.recv_timeout(PATIENCE).unwrap();
            assert_eq!((own, early), (["others", "first", "second"][number], "everybody's"));
        }
    }

    #[tokio::test]
    async fn without_workers_a_task_runs_where_it_is_begun() {
        let (tell, told) = oneshot::channel();
        spawn_on(&[], move || async move { tell.send(thread::current().id()).unwrap() });
        assert_eq!(told.await, Ok(thread::current().id()));
    }

    #[test]
    fn what_is_not_of_a_worker_is_shared_by_the_threads_of_the_runtime_around() {
        let shared_by = || *Each::new(|threads| threads);
        assert_eq!(shared_by(), 1, "the one thread that there is");
        let runtime = Builder::new_current_thread().build().unwrap();
        assert_eq!(runtime.block_on(async { shared_by() }), 1);
        let runtime = Builder::new_multi_thread().worker_threads(3).build().unwrap();
        assert_eq!(runtime.block_on(async { shared_by() }), 3);
    }
}
