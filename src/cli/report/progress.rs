//! How far a report is, in one line of a terminal that writes itself anew.

use std::io::{IsTerminal, Write as _};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::reports::Progress;

const PAUSE: Duration = Duration::from_millis(200);

/// Back to the start of the line, and nothing in it.
const CLEAR: &str = "\r\u{1b}[K";

/// Waits for a report. Meanwhile says on stderr how far it is, if that is a terminal.
/// `calls` tells how many calls were made so far.
pub(super) async fn shown<T>(report: impl Future<Output = T>, progress: &Progress, calls: impl Fn() -> u64) -> T {
    let mut report = pin!(report);
    if !std::io::stderr().is_terminal() {
        return report.await;
    }
    let start = Instant::now();
    let mut ticks = interval(PAUSE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            done = &mut report => {
                write(CLEAR);
                return done;
            }
            _ = ticks.tick() => {
                let number = |of: &AtomicUsize| of.load(Ordering::Relaxed);
                let deals = (number(&progress.done), number(&progress.total));
                let batches = (number(&progress.made), number(&progress.planned));
                write(&format!("{CLEAR}{}", line(deals, batches, calls(), start.elapsed())));
            }
        }
    }
}

/// Deals and batches: how many so far, of how many; 0 is that nobody knows yet. A batch is as many calls as it was until now.
fn line((done, total): (usize, usize), (made, planned): (usize, usize), calls: u64, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    let deals = if total == 0 { format!("{done} deals") } else { format!("{done} of {total} deals") };
    let left = planned.saturating_sub(made) as u128;
    // A guess needs something to go by.
    if made == 0 || left == 0 {
        return format!("{deals}, {calls} calls, {seconds} s");
    }
    let in_all = u128::from(calls) * planned as u128 / made as u128;
    // An owner who does not say how many deals there are has told only of those that it gave out.
    let word = if total == 0 { "at least" } else { "about" };
    let guess = if total > 0 && seconds > 0 {
        format!(", about {} s left", (elapsed.as_millis() * left / made as u128).div_ceil(1000))
    } else {
        String::new()
    };
    format!("{deals}, {calls} of {word} {in_all} calls, {seconds} s{guess}")
}

fn write(text: &str) {
    let mut out = std::io::stderr().lock();
    drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_guesses_once_it_has_something_to_go_by() {
        let line = |deals, batches, calls, seconds| line(deals, batches, calls, Duration::from_secs(seconds));
        assert_eq!(line((0, 0), (0, 0), 3, 0), "0 deals, 3 calls, 0 s");
        assert_eq!(line((0, 400), (0, 28), 7, 2), "0 of 400 deals, 7 calls, 2 s");
        assert_eq!(line((200, 400), (14, 28), 30, 0), "200 of 400 deals, 30 of about 60 calls, 0 s");
        assert_eq!(line((100, 400), (7, 28), 15, 2), "100 of 400 deals, 15 of about 60 calls, 2 s, about 6 s left");
        assert_eq!(line((400, 400), (28, 28), 61, 8), "400 of 400 deals, 61 calls, 8 s");
    }

    #[test]
    fn what_no_owner_counted_is_not_guessed() {
        let seconds = Duration::from_secs(2);
        assert_eq!(line((200, 0), (7, 14), 15, seconds), "200 deals, 15 of at least 30 calls, 2 s");
    }
}
