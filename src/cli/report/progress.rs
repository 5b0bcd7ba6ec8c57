//! How far a report is, in one line of a terminal that writes itself anew.

use std::io::{IsTerminal, Write as _};
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::reads::Trace;
use crate::reports::Progress;

const PAUSE: Duration = Duration::from_millis(200);

/// Back to the start of the line, and nothing in it.
const CLEAR: &str = "\r\u{1b}[K";

/// Waits for a report. Meanwhile says on stderr how far it is, if that is a terminal.
pub(super) async fn shown<T>(report: impl Future<Output = T>, progress: &Progress, trace: &Trace) -> T {
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
                let calls = trace.reads().iter().flat_map(|read| &read.batches).map(|batch| batch.calls).sum();
                let done = progress.done.load(Ordering::Relaxed);
                let total = progress.total.load(Ordering::Relaxed);
                write(&format!("{CLEAR}{}", line(done, total, calls, start.elapsed())));
            }
        }
    }
}

fn line(done: usize, total: usize, calls: u32, elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    let deals = if total == 0 { format!("{done} deals") } else { format!("{done} of {total} deals") };
    // A guess needs something to go by.
    let guess = if done > 0 && total > done && seconds > 0 {
        let left = elapsed.as_millis() * (total - done) as u128 / done as u128;
        format!(", about {} s left", left.div_ceil(1000))
    } else {
        String::new()
    };
    format!("{deals}, {calls} calls, {seconds} s{guess}")
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
        let line = |done, total, seconds| line(done, total, 7, Duration::from_secs(seconds));
        assert_eq!(line(0, 0, 0), "0 deals, 7 calls, 0 s");
        assert_eq!(line(0, 400, 2), "0 of 400 deals, 7 calls, 2 s");
        assert_eq!(line(100, 400, 2), "100 of 400 deals, 7 calls, 2 s, about 6 s left");
        assert_eq!(line(400, 400, 8), "400 of 400 deals, 7 calls, 8 s");
    }
}
