//! Places: among the requests in work, and among the questions that are followed. There is no queue: who finds none is refused at
//! once, and asks again.
//!
//! Nobody takes all of them while others ask. When half of the places are taken, each of those who ask may have an equal
//! part of all. Who asks is who signed in; without a sign-in it is the address they come from.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Extensions, StatusCode};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::error::Refused;
use super::sign_in::{Peer, one_address};
use crate::access::{PrincipalKind, Viewer};

/// After how long whoever was refused asks again; and for how long they count as somebody who asks.
const AGAIN: Duration = Duration::from_secs(1);
const REMEMBERED: Duration = Duration::from_secs(2);

/// So many refusals within a window are an overload that lasts: the server is then not ready for a while.
const SUSTAINED: u32 = 100;
const WINDOW: Duration = Duration::from_secs(5);
const UNREADY: Duration = Duration::from_secs(10);

/// The most of those who are remembered without a place.
const MOST_REMEMBERED: usize = 10_000;

/// What there are places for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// Requests in work: `server.max_requests`.
    Requests,
    /// Questions that are followed: `server.max_subscriptions`.
    Subscriptions,
}

impl Of {
    /// As metrics call it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::Subscriptions => "subscriptions",
        }
    }

    /// Why there is no place.
    fn all_taken(self) -> &'static str {
        match self {
            Self::Requests => "Too many requests at once. The setting is server.max_requests.",
            Self::Subscriptions => "Too much is followed at once. The setting is server.max_subscriptions.",
        }
    }

    /// Why there is none for somebody who has so many.
    fn part_taken(self, held: usize) -> String {
        match self {
            Self::Requests => format!(
                "Others ask too, and you have {held} requests in work, which is your part of server.max_requests."
            ),
            Self::Subscriptions => {
                format!("Others follow too, and you follow {held}, which is your part of server.max_subscriptions.")
            }
        }
    }
}

/// How many places are taken, and how many were refused one since the start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Figures {
    pub(super) taken: usize,
    /// Because all were taken.
    pub(super) all_taken: u64,
    /// Because they had their part of them, and others asked.
    pub(super) part_taken: u64,
}

/// The places.
#[derive(Debug)]
pub(super) struct Places {
    pub(super) of: Of,
    most: usize,
    free: Arc<Semaphore>,
    state: Mutex<State>,
    hasher: RandomState,
}

/// Somebody who asks. Two of whom it says the same share their part, which happens once in a trillion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Who(u64);

/// A place, while it is held.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    who: Who,
    _permit: OwnedSemaphorePermit,
}

#[derive(Debug)]
struct State {
    taken: usize,
    /// Those who have a place, or were refused one a moment ago.
    asking: HashMap<Who, Asking>,
    /// Refused since the start because all places were taken.
    refused: u64,
    /// Refused since the start because they had their part.
    had_their_part: u64,
    window: Instant,
    refused_in_window: u32,
    unready_until: Instant,
}

#[derive(Debug, Default)]
struct Asking {
    held: usize,
    refused: Option<Instant>,
}

impl Places {
    pub(super) fn new(of: Of, most: usize) -> Arc<Self> {
        let now = Instant::now();
        let state = State {
            taken: 0,
            asking: HashMap::new(),
            refused: 0,
            had_their_part: 0,
            window: now,
            refused_in_window: 0,
            unready_until: now,
        };
        let free = Arc::new(Semaphore::new(most));
        Arc::new(Self { of, most, free, state: Mutex::new(state), hasher: RandomState::new() })
    }

    /// Who asks.
    pub(super) fn who(&self, viewer: &Viewer, extensions: &Extensions) -> Who {
        let principal = &viewer.principal;
        Who(match principal.kind {
            PrincipalKind::Anyone => {
                self.hasher.hash_one(extensions.get::<Peer>().map(|Peer(address)| one_address(*address)))
            }
            _ => self.hasher.hash_one(&principal.subject),
        })
    }

    /// Takes a place, if there is one.
    pub(super) fn take(self: &Arc<Self>, who: Who) -> Result<Place, Refused> {
        let now = Instant::now();
        let mut state = self.state();
        if let Some(part) = state.part_of(who, self.most, now) {
            state.had_their_part += 1;
            return Err(busy(&self.of.part_taken(part)));
        }
        let Ok(permit) = Arc::clone(&self.free).try_acquire_owned() else {
            if state.refuse(who, now) {
                let refused = state.refused;
                tracing::warn!(refused, "many are refused in a short time: {}", self.of.all_taken());
            }
            return Err(busy(self.of.all_taken()));
        };
        state.give(who);
        drop(state);
        Ok(Place { places: Arc::clone(self), who, _permit: permit })
    }

    /// Waits for a place until `deadline`, before those who would take one.
    pub(super) async fn wait(self: &Arc<Self>, who: Who, deadline: Instant) -> Result<Place, Refused> {
        let permit = timeout_at(deadline, Arc::clone(&self.free).acquire_owned()).await;
        let Ok(Ok(permit)) = permit else {
            self.state().refuse(who, Instant::now());
            return Err(busy(self.of.all_taken()));
        };
        self.state().give(who);
        Ok(Place { places: Arc::clone(self), who, _permit: permit })
    }

    /// How many requests were refused since the start, if so many are refused now that others had better be asked.
    pub(super) fn overloaded(&self) -> Option<u64> {
        let state = self.state();
        (Instant::now() < state.unready_until).then_some(state.refused)
    }

    /// How they are taken.
    pub(super) fn figures(&self) -> Figures {
        let state = self.state();
        Figures { taken: state.taken, all_taken: state.refused, part_taken: state.had_their_part }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The part of all places that somebody has, if they have it whole and others want theirs.
    fn part_of(&mut self, who: Who, most: usize, now: Instant) -> Option<usize> {
        if self.taken < most / 2 {
            return None;
        }
        let is_over = |refused: Option<Instant>| refused.is_none_or(|at| now.duration_since(at) >= REMEMBERED);
        self.asking.retain(|_, asking| asking.held > 0 || !is_over(asking.refused));
        let held = self.asking.get(&who).map_or(0, |asking| asking.held);
        let all = self.asking.len() + usize::from(!self.asking.contains_key(&who));
        let part = (most / all).max(1);
        (all > 1 && held >= part).then_some(held)
    }

    fn give(&mut self, who: Who) {
        self.taken += 1;
        self.asking.entry(who).or_default().held += 1;
    }

    fn take_back(&mut self, who: Who) {
        self.taken = self.taken.saturating_sub(1);
        let Some(asking) = self.asking.get_mut(&who) else { return };
        asking.held = asking.held.saturating_sub(1);
        if asking.held == 0 && asking.refused.is_none() {
            self.asking.remove(&who);
        }
    }

    /// Takes note of a refusal. Whether by this one they are many.
    fn refuse(&mut self, who: Who, now: Instant) -> bool {
        if self.asking.len() < MOST_REMEMBERED || self.asking.contains_key(&who) {
            self.asking.entry(who).or_default().refused = Some(now);
        }
        self.refused += 1;
        if now.duration_since(self.window) >= WINDOW {
            (self.window, self.refused_in_window) = (now, 0);
        }
        self.refused_in_window += 1;
        let many = self.refused_in_window == SUSTAINED;
        if many {
            self.unready_until = now + UNREADY;
        }
        many
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.state().take_back(self.who);
    }
}

fn busy(message: &str) -> Refused {
    Refused::new(StatusCode::SERVICE_UNAVAILABLE, "OVERLOADED", message).retry_after(AGAIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: Who = Who(1);
    const BEN: Who = Who(2);
    const CAN: Who = Who(3);

    fn take(places: &Arc<Places>, who: Who, wanted: usize) -> Vec<Place> {
        (0..wanted).map_while(|_| places.take(who).ok()).collect()
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_alone_takes_all_and_gives_others_their_part_when_they_ask() {
        let places = Places::new(Of::Requests, 12);
        let mut anas = take(&places, ANA, 100);
        assert_eq!(anas.len(), 12);
        assert!(places.take(BEN).is_err(), "all are taken");
        // Ana's requests come to an end one by one, and Ana has the next ones ready.
        let mut bens = Vec::new();
        for _ in 0..12 {
            drop(anas.remove(0));
            anas.extend(places.take(ANA).ok());
            bens.extend(places.take(BEN).ok());
        }
        assert_eq!((anas.len(), bens.len()), (6, 6));
        // A third one finds room as soon as somebody's ends.
        assert!(places.take(CAN).is_err());
        drop(anas.pop());
        assert!(places.take(BEN).is_err() && places.take(ANA).is_err());
        assert!(places.take(CAN).is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_no_longer_asks_leaves_their_part_to_others() {
        let places = Places::new(Of::Requests, 8);
        let anas = take(&places, ANA, 8);
        assert!(places.take(BEN).is_err());
        drop(anas);
        let anas = take(&places, ANA, 8);
        assert_eq!(anas.len(), 4, "Ben is about to ask again");
        tokio::time::advance(REMEMBERED).await;
        assert_eq!(take(&places, ANA, 8).len(), 4);
    }

    #[tokio::test(start_paused = true)]
    async fn while_half_is_free_nobody_counts() {
        let places = Places::new(Of::Requests, 100);
        let _others: Vec<Vec<Place>> = (10..30).map(|who| take(&places, Who(who), 1)).collect();
        assert_eq!(take(&places, ANA, 30).len(), 30, "twenty others have one each");
    }

    #[tokio::test(start_paused = true)]
    async fn refusals_in_a_short_time_make_the_server_unready_for_a_while_and_it_keeps_answering() {
        let places = Places::new(Of::Requests, 2);
        let held = take(&places, ANA, 2);
        let refuse = |times: u32| (0..times).for_each(|_| drop(places.take(ANA).unwrap_err()));
        refuse(SUSTAINED - 1);
        tokio::time::advance(WINDOW).await;
        refuse(SUSTAINED - 1);
        assert_eq!(places.overloaded(), None, "a few at a time");
        refuse(1);
        assert_eq!(places.overloaded(), Some(u64::from(2 * SUSTAINED - 1)));
        drop(held);
        assert!(places.take(ANA).is_ok());
        tokio::time::advance(UNREADY).await;
        assert_eq!(places.overloaded(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn who_wants_more_than_their_part_does_not_make_the_server_unready() {
        let places = Places::new(Of::Requests, 4);
        let _bens = take(&places, BEN, 1);
        let _anas = take(&places, ANA, 2);
        for _ in 0..2 * SUSTAINED {
            drop(places.take(ANA).unwrap_err());
        }
        assert_eq!(places.overloaded(), None);
        let Figures { taken, all_taken, part_taken } = places.figures();
        assert_eq!((taken, all_taken, part_taken), (3, 0, u64::from(2 * SUSTAINED)));
        assert!(places.take(BEN).is_ok(), "Ben's part is there");
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_are_remembered_than_there_is_room_for() {
        let places = Places::new(Of::Requests, 1);
        let _one = take(&places, ANA, 1);
        for who in 0..2 * u64::try_from(MOST_REMEMBERED).unwrap() {
            // The state alone: a refusal makes words.
            places.state().refuse(Who(who), Instant::now());
        }
        assert_eq!(places.state().asking.len(), MOST_REMEMBERED);
        tokio::time::advance(REMEMBERED).await;
        assert!(places.take(BEN).is_err());
        assert_eq!(places.state().asking.len(), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_gets_the_next_place_and_gives_up_in_time() {
        let places = Places::new(Of::Requests, 1);
        let one = places.take(ANA).unwrap();
        let soon = Instant::now() + Duration::from_secs(1);
        assert!(places.wait(BEN, soon).await.is_err());
        let soon = Instant::now() + Duration::from_secs(1);
        let (waited, ()) = tokio::join!(places.wait(BEN, soon), async { drop(one) });
        drop(waited.unwrap());
        assert!(places.take(ANA).is_ok());
    }
}
