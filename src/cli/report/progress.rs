//! How far a report is, in one line of a terminal that writes itself anew.

use std::io::{IsTerminal, Write as _};
use std::pin::pin;
use std::sync::atomic::Ordering;
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
                let (done, total) = (progress.done.load(Ordering::Relaxed), progress.total.load(Ordering::Relaxed));
                let calls = usize::try_from(calls()).unwrap_or(usize::MAX);
                let calls = (calls, progress.calls.load(Ordering::Relaxed));
                write(&format!("{CLEAR}{}", line((done, total), calls, start.elapsed())));
            }
        }
    }
}

/// Deals and calls: how many so far, of how many. 0 is that nobody knows yet.
fn line((done, total): (usize, usize), (made, known): (usize, usize), elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    let deals = if total == 0 { format!("{done} deals") } else { format!("{done} of {total} deals") };
    // The owner who does not say how many deals there are has told only of those that it gave out.
    let word = if total == 0 { "at least" } else { "about" };
    let calls = if known > made { format!("{made} of {word} {known} calls") } else { format!("{made} calls") };
    // A guess needs something to go by.
    let guess = if total > 0 && known > made && made > 0 && seconds > 0 {
        let left = elapsed.as_millis() * (known - made) as u128 / made as u128;
        format!(", about {} s left", left.div_ceil(1000))
    } else {
        String::new()
    };
    format!("{deals}, {calls}, {seconds} s{guess}")
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
        let line = |deals, calls, seconds| line(deals, calls, Duration::from_secs(seconds));
        assert_eq!(line((0, 0), (3, 0), 0), "0 deals, 3 calls, 0 s");
        assert_eq!(line((0, 400), (7, 28), 0), "0 of 400 deals, 7 of about 28 calls, 0 s");
        assert_eq!(line((100, 400), (7, 28), 2), "100 of 400 deals, 7 of about 28 calls, 2 s, about 6 s left");
        assert_eq!(line((400, 400), (30, 28), 8), "400 of 400 deals, 30 calls, 8 s");
    }

    #[test]
    fn what_no_owner_counted_is_not_guessed() {
        assert_eq!(line((200, 0), (10, 14), Duration::from_secs(2)), "200 deals, 10 of at least 14 calls, 2 s");
    }
}
