//! What the store, the flights and the readers take from outside: locks, counters, tasks and time. All of it comes by here, so
//! that the tests' models can put a scheduler of their own beneath the same code.

pub(super) use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
pub(super) use std::sync::{Mutex, MutexGuard, PoisonError};

pub(super) use tokio::spawn;
pub(super) use tokio::task::yield_now;
pub(super) use tokio::time::{sleep_until, timeout_at};
