//! A sign-in that all calls of a connection share: whoever needs it first signs in, and the others wait for it. Signing in is
//! expensive, and a wrong password tried again and again locks the user out.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::timeout_at;

use super::HttpClient;
use crate::domain::Clock;
use crate::systems::{Call, ErrorKind, SystemError};

/// How long no sign-in is tried after one was refused.
const COOL_DOWN: Duration = Duration::from_secs(30);

/// What was signed in for: a cookie, a token. It is kept in memory only, in a type whose `Debug` does not show it.
pub struct SignIn<T> {
    clock: Arc<dyn Clock>,
    state: Mutex<State<T>>,
}

struct State<T> {
    /// Goes up with each sign-in, so that of many calls that met the end of one only the first signs in again.
    generation: u64,
    granted: Option<Granted<T>>,
    /// When a sign-in was refused last, and how.
    refused: Option<(Duration, SystemError)>,
}

/// What a system let us in with.
pub struct Granted<T> {
    /// What a call shows to be let in.
    pub value: T,
    /// Until when, on the monotonic clock; none if the system tells when it ends by refusing a call.
    pub until: Option<Duration>,
}

/// What a call shows to be let in.
#[derive(Debug, Clone)]
pub struct Ticket<T> {
    /// The cookie, the token.
    pub value: T,
    generation: u64,
}

impl<T: Clone> SignIn<T> {
    /// Nobody has signed in yet.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, state: Mutex::new(State { generation: 0, granted: None, refused: None }) }
    }

    /// The ticket of the sign-in that is there; `sign_in` makes one if there is none, if its time is over, or if it is the
    /// one that `ended`. `operation` names the sign-in in errors.
    pub async fn ticket(
        &self,
        http: &HttpClient,
        call: &Call,
        operation: &'static str,
        ended: Option<&Ticket<T>>,
        sign_in: impl Future<Output = Result<Granted<T>, SystemError>>,
    ) -> Result<Ticket<T>, SystemError> {
        let mut state = timeout_at(call.deadline, self.state.lock())
            .await
            .map_err(|_| http.error(operation, ErrorKind::Deadline))?;
        let now = self.clock.monotonic();
        let generation = state.generation;
        if let Some(granted) = &state.granted
            && ended.is_none_or(|old| old.generation < generation)
            && granted.until.is_none_or(|until| now < until)
        {
            return Ok(Ticket { value: granted.value.clone(), generation });
        }
        state.granted = None;
        if let Some((at, error)) = &state.refused {
            let left = COOL_DOWN.saturating_sub(now.saturating_sub(*at));
            if !left.is_zero() {
                return Err(SystemError { retry_after: Some(left), ..error.clone() });
            }
        }
        match sign_in.await {
            Ok(granted) => {
                state.generation += 1;
                state.refused = None;
                let ticket = Ticket { value: granted.value.clone(), generation: state.generation };
                state.granted = Some(granted);
                Ok(ticket)
            }
            Err(error) => {
                let refused =
                    matches!(error.kind, ErrorKind::Unauthorized | ErrorKind::Forbidden | ErrorKind::BadRequest);
                state.refused = refused.then(|| (self.clock.monotonic(), error.clone()));
                Err(error)
            }
        }
    }
}

impl<T> std::fmt::Debug for SignIn<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn").finish_non_exhaustive()
    }
}

impl<T> std::fmt::Debug for Granted<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Granted").field("until", &self.until).finish_non_exhaustive()
    }
}
