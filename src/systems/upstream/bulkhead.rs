//! The bulkhead: a system gets so many calls at once and no more, reports get at most a third of them, and people's
//! calls go before those of reports.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use super::ErrorKind;
use crate::systems::Priority;

/// The places of a connection.
#[derive(Debug)]
pub(super) struct Bulkhead {
    places: usize,
    report_places: usize,
    queue: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
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
    pub(super) fn new(places: usize, queue: usize) -> Arc<Self> {
        let places = places.max(1);
        Arc::new(Self { places, report_places: (places / 3).max(1), queue, state: Mutex::default() })
    }

    /// Takes a place, or waits for one until `deadline`.
    pub(super) async fn enter(self: &Arc<Self>, priority: Priority, deadline: Instant) -> Result<Place, ErrorKind> {
        let place = {
            let mut state = self.state();
            if self.has_place(&state, priority) {
                return Ok(self.take(&mut state, priority));
            }
            // Those who left without waiting to the end are still in the queues.
            state.waiting_interactive.retain(|waiter| !waiter.is_closed());
            state.waiting_reports.retain(|waiter| !waiter.is_closed());
            if state.waiting_interactive.len() + state.waiting_reports.len() >= self.queue {
                return Err(ErrorKind::Overloaded);
            }
            let (sender, receiver) = oneshot::channel();
            state.waiting(priority).push_back(sender);
            receiver
        };
        match timeout_at(deadline, place).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) => Err(ErrorKind::Internal),
            Err(_) => Err(ErrorKind::Deadline),
        }
    }

    /// Calls under way, and calls that wait.
    pub(super) fn load(&self) -> (usize, usize) {
        let state = self.state();
        let waiting = state.waiting_interactive.iter().chain(&state.waiting_reports);
        (state.interactive + state.reports, waiting.filter(|waiter| !waiter.is_closed()).count())
    }

    fn has_place(&self, state: &State, priority: Priority) -> bool {
        state.interactive + state.reports < self.places
            && (priority == Priority::Interactive || state.reports < self.report_places)
    }

    fn take(self: &Arc<Self>, state: &mut State, priority: Priority) -> Place {
        *state.taken(priority) += 1;
        Place { bulkhead: Arc::clone(self), priority }
    }

    /// Takes a place for the first of those who wait, if there is one for them.
    fn hand_on(self: &Arc<Self>, state: &mut State) -> Option<(oneshot::Sender<Place>, Place)> {
        for priority in [Priority::Interactive, Priority::Report] {
            if !self.has_place(state, priority) {
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
        let bulkhead = Bulkhead::new(6, 10);
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
        assert_eq!(bulkhead.load(), (6, 0));
        drop(people);
        assert_eq!(bulkhead.load(), (0, 0));
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
        assert_eq!(bulkhead.load(), (1, 4));
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
        assert_eq!(bulkhead.load(), (0, 0));
    }
}
