//! The bulkhead: a system gets so many calls at once and no more, reports get at most a third of them, and people's
//! calls go before those of reports. How many, its answers say: see [`adapt`](super::adapt).

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::ErrorKind;
use super::adapt::{Adaptive, Signal};
use crate::systems::Priority;

/// The places of a connection.
#[derive(Debug)]
pub(super) struct Bulkhead {
    queue: usize,
    state: Mutex<State>,
}

/// What is going on at a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Load {
    /// Calls under way.
    pub(super) running: usize,
    /// Calls that wait for a place.
    pub(super) waiting: usize,
    /// Calls at once that there may be now.
    pub(super) places: usize,
}

#[derive(Debug)]
struct State {
    places: Adaptive,
    interactive: usize,
    reports: usize,
    waiting_interactive: VecDeque<oneshot::Sender<Place>>,
    waiting_reports: VecDeque<oneshot::Sender<Place>>,
}

/// A place, for as long as it is held.
#[derive(Debug)]
pub(super) struct Place {
    bulkhead: Arc<Bulkhead>,
    priority: Priority,
}

impl Bulkhead {
    /// At most so many places, and so many calls of people, and of reports, that wait for one.
    pub(super) fn new(most: usize, queue: usize) -> Arc<Self> {
        let state = State {
            places: Adaptive::new(most),
            interactive: 0,
            reports: 0,
            waiting_interactive: VecDeque::new(),
            waiting_reports: VecDeque::new(),
        };
        Arc::new(Self { queue, state: Mutex::new(state) })
    }

    /// Takes a place, or waits for one until `deadline`.
    pub(super) async fn enter(self: &Arc<Self>, priority: Priority, deadline: Instant) -> Result<Place, ErrorKind> {
        let place = {
            let mut state = self.state();
            if state.has_place(priority) {
                return Ok(self.take(&mut state, priority));
            }
            state.places.reached();
            // Each has a queue of its own: one that reports have filled refuses no person.
            let waiting = state.waiting(priority);
            // Those who left without waiting to the end are still in it.
            waiting.retain(|waiter| !waiter.is_closed());
            if waiting.len() >= self.queue {
                return Err(ErrorKind::Overloaded);
            }
            let (sender, receiver) = oneshot::channel();
            waiting.push_back(sender);
            receiver
        };
        match timeout_at(deadline, place).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) => Err(ErrorKind::Internal),
            Err(_) => Err(ErrorKind::Deadline),
        }
    }

    /// What is going on.
    pub(super) fn load(&self) -> Load {
        let state = self.state();
        let waiting = state.waiting_interactive.iter().chain(&state.waiting_reports);
        Load {
            running: state.interactive + state.reports,
            waiting: waiting.filter(|waiter| !waiter.is_closed()).count(),
            places: state.places.limit(),
        }
    }

    /// Takes note of how a call ended that took so long: there may be more places now, or fewer.
    pub(super) fn observe(self: &Arc<Self>, now: Duration, took: Duration, signal: Signal) {
        if !self.state().places.observe(now, took, signal) {
            return;
        }
        // Each by itself: a place that comes back at once is handed on under the lock, too.
        loop {
            let next = self.hand_on(&mut self.state());
            let Some((waiter, place)) = next else { return };
            drop(waiter.send(place));
        }
    }

    fn take(self: &Arc<Self>, state: &mut State, priority: Priority) -> Place {
        *state.taken(priority) += 1;
        Place { bulkhead: Arc::clone(self), priority }
    }

    /// Takes a place for the first of those who wait, if there is one for them.
    fn hand_on(self: &Arc<Self>, state: &mut State) -> Option<(oneshot::Sender<Place>, Place)> {
        for priority in [Priority::Interactive, Priority::Report] {
            if !state.has_place(priority) {
                continue;
            }
            while let Some(waiter) = state.waiting(priority).pop_front() {
                if !waiter.is_closed() {
                    return Some((waiter, self.take(state, priority)));
                }
            }
        }
        None
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_place(&self, priority: Priority) -> bool {
        let places = self.places.limit();
        self.interactive + self.reports < places
            && (priority == Priority::Interactive || self.reports < (places / 3).max(1))
    }

    fn taken(&mut self, priority: Priority) -> &mut usize {
        match priority {
            Priority::Interactive => &mut self.interactive,
            Priority::Report => &mut self.reports,
        }
    }

    fn waiting(&mut self, priority: Priority) -> &mut VecDeque<oneshot::Sender<Place>> {
        match priority {
            Priority::Interactive => &mut self.waiting_interactive,
            Priority::Report => &mut self.waiting_reports,
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let next = {
            let mut state = self.bulkhead.state();
            *state.taken(self.priority) -= 1;
            self.bulkhead.hand_on(&mut state)
        };
        // Outside the lock: if the waiter has left meanwhile, its place comes back and is dropped here.
        if let Some((waiter, place)) = next {
            drop(waiter.send(place));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;

    use super::*;
    use Priority::{Interactive, Report};

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(1)
    }

    #[tokio::test(start_paused = true)]
    async fn reports_get_a_third_of_the_places_and_people_get_all_of_them() {
        // Half of them at first.
        let bulkhead = Bulkhead::new(12, 10);
        let reports = [bulkhead.enter(Report, soon()).await.unwrap(), bulkhead.enter(Report, soon()).await.unwrap()];
        assert_eq!(bulkhead.enter(Report, soon()).await.unwrap_err(), ErrorKind::Deadline);
        let mut people = Vec::new();
        for _ in 0..4 {
            people.push(bulkhead.enter(Interactive, soon()).await.unwrap());
        }
        assert_eq!(bulkhead.enter(Interactive, soon()).await.unwrap_err(), ErrorKind::Deadline);
        drop(reports);
        for _ in 0..2 {
            people.push(bulkhead.enter(Interactive, soon()).await.unwrap());
        }
        assert_eq!(bulkhead.load(), Load { running: 6, waiting: 0, places: 6 });
        drop(people);
        assert_eq!(bulkhead.load(), Load { running: 0, waiting: 0, places: 6 });
    }

    #[tokio::test(start_paused = true)]
    async fn people_go_first_and_each_kind_in_its_order() {
        let bulkhead = Bulkhead::new(1, 10);
        let place = bulkhead.enter(Report, soon()).await.unwrap();
        let order = Arc::new(Mutex::new(Vec::new()));
        let mut tasks = Vec::new();
        for (name, priority) in [("r1", Report), ("i1", Interactive), ("r2", Report), ("i2", Interactive)] {
            let (bulkhead, order) = (Arc::clone(&bulkhead), Arc::clone(&order));
            tasks.push(tokio::spawn(async move {
                let _place = bulkhead.enter(priority, soon()).await.unwrap();
                order.lock().unwrap().push(name);
            }));
            tokio::task::yield_now().await;
        }
        assert_eq!(bulkhead.load(), Load { running: 1, waiting: 4, places: 1 });
        drop(place);
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(*order.lock().unwrap(), ["i1", "i2", "r1", "r2"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_queue_refuses_at_once_and_those_who_left_do_not_fill_it() {
        let bulkhead = Bulkhead::new(1, 1);
        let place = bulkhead.enter(Interactive, soon()).await.unwrap();
        let mut waiting = Box::pin(bulkhead.enter(Interactive, soon()));
        assert!((&mut waiting).now_or_never().is_none());
        assert_eq!(bulkhead.enter(Interactive, soon()).now_or_never().unwrap().unwrap_err(), ErrorKind::Overloaded);
        drop(waiting);
        let mut waiting = Box::pin(bulkhead.enter(Report, soon()));
        assert!((&mut waiting).now_or_never().is_none(), "there is room again");
        drop(place);
        assert!(waiting.now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn reports_that_fill_their_queue_refuse_no_person() {
        let bulkhead = Bulkhead::new(1, 1);
        let place = bulkhead.enter(Report, soon()).await.unwrap();
        let mut report = Box::pin(bulkhead.enter(Report, soon()));
        assert!((&mut report).now_or_never().is_none());
        assert_eq!(bulkhead.enter(Report, soon()).now_or_never().unwrap().unwrap_err(), ErrorKind::Overloaded);
        let mut person = Box::pin(bulkhead.enter(Interactive, soon()));
        assert!((&mut person).now_or_never().is_none(), "there is room to wait");
        drop(place);
        drop(person.now_or_never().unwrap().unwrap());
        assert!(report.now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_given_to_one_who_has_left_goes_to_the_next() {
        let bulkhead = Bulkhead::new(1, 10);
        let place = bulkhead.enter(Interactive, soon()).await.unwrap();
        let mut left = Box::pin(bulkhead.enter(Interactive, soon()));
        let mut next = Box::pin(bulkhead.enter(Report, soon()));
        assert!((&mut left).now_or_never().is_none());
        assert!((&mut next).now_or_never().is_none());
        drop(place);
        // `left` has its place already, without knowing.
        drop(left);
        drop(next.now_or_never().unwrap().unwrap());
        assert_eq!(bulkhead.load(), Load { running: 0, waiting: 0, places: 1 });
    }

    #[tokio::test(start_paused = true)]
    async fn a_place_more_goes_to_the_first_who_waits_and_a_place_less_is_not_handed_on() {
        let bulkhead = Bulkhead::new(4, 10);
        let now = |millis| Duration::from_millis(millis);
        let first = bulkhead.enter(Interactive, soon()).await.unwrap();
        let second = bulkhead.enter(Interactive, soon()).await.unwrap();
        let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(bulkhead.enter(Interactive, soon()))).collect();
        assert!(waiting.iter_mut().all(|one| one.now_or_never().is_none()));
        // A round of answers as usual: one place more.
        bulkhead.observe(now(50), now(50), Signal::Answered);
        bulkhead.observe(now(50), now(50), Signal::Answered);
        assert_eq!(bulkhead.load(), Load { running: 3, waiting: 2, places: 3 });
        let third = (&mut waiting[0]).now_or_never().unwrap().unwrap();
        // Refused twice, one after the other: two places, and the one that comes back is kept.
        bulkhead.observe(now(100), now(50), Signal::Overloaded);
        bulkhead.observe(now(150), now(50), Signal::Overloaded);
        drop(third);
        assert_eq!(bulkhead.load(), Load { running: 2, waiting: 2, places: 2 });
        drop(first);
        drop(second);
        assert_eq!(bulkhead.load(), Load { running: 2, waiting: 0, places: 2 });
        drop(waiting);
        assert_eq!(bulkhead.load(), Load { running: 0, waiting: 0, places: 2 });
    }
}
