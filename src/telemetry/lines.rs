//! Lines of the log on their way to stderr. Those of many requests are written together: a request does not wait for the disk or
//! the pipe behind stderr, and the system is asked once in a while instead of once for each line.

use std::io::{self, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tracing::{Level, Metadata};
use tracing_subscriber::fmt::MakeWriter;

/// How long a line may wait. Warnings and errors do not.
const PATIENCE: Duration = Duration::from_millis(50);

/// Bytes that may wait. Whoever has more to say writes them, and waits for whoever reads the log.
const MOST: usize = 1 << 20;

/// The lines that wait. Cheap to clone; all clones are the same.
#[derive(Debug, Clone)]
pub(super) struct Lines(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Vec<u8>>,
    /// Something waits that did not before.
    filled: Condvar,
    /// The lines that are being written, one batch after the other so that they stay in their order; and their room, which is
    /// used again.
    writing: Mutex<Vec<u8>>,
}

/// Takes one line.
#[derive(Debug)]
pub(super) struct Line<'a> {
    lines: &'a Lines,
    is_urgent: bool,
}

impl Lines {
    /// Starts the thread that writes them.
    pub(super) fn start() -> io::Result<Self> {
        let lines = Self(Arc::default());
        let of_thread = lines.clone();
        thread::Builder::new().name("log".to_owned()).spawn(move || {
            loop {
                of_thread.wait();
                thread::sleep(PATIENCE);
                of_thread.write();
            }
        })?;
        Ok(lines)
    }

    /// Writes what waits. That nobody reads the log any more is nobody's to hear.
    pub(super) fn write(&self) {
        let mut lines = lock(&self.0.writing);
        std::mem::swap(&mut *lines, &mut *lock(&self.0.waiting));
        drop(io::stderr().write_all(&lines));
        lines.clear();
    }

    /// Until something waits.
    fn wait(&self) {
        let mut waiting = lock(&self.0.waiting);
        while waiting.is_empty() {
            waiting = self.0.filled.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn add(&self, text: &[u8], is_urgent: bool) {
        let mut waiting = lock(&self.0.waiting);
        let is_first = waiting.is_empty();
        waiting.extend_from_slice(text);
        let is_full = waiting.len() >= MOST;
        drop(waiting);
        if is_urgent || is_full {
            self.write();
        } else if is_first {
            self.0.filled.notify_one();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line { lines: self, is_urgent: true }
    }

    fn make_writer_for(&'a self, of: &Metadata<'_>) -> Line<'a> {
        Line { lines: self, is_urgent: *of.level() <= Level::WARN }
    }
}

impl Write for Line<'_> {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.lines.add(text, self.is_urgent);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_is_written_in_its_order_by_what_must_not_wait() {
        let lines = Lines(Arc::default());
        let waiting = || String::from_utf8(lock(&lines.0.waiting).clone()).unwrap();
        lines.add(b"one\n", false);
        lines.add(b"two\n", false);
        assert_eq!(waiting(), "one\ntwo\n");
        lines.add(b"", true);
        assert_eq!(waiting(), "");
    }

    #[test]
    fn there_is_an_end_to_what_waits() {
        let lines = Lines(Arc::default());
        lines.add(&vec![b' '; MOST - 1], false);
        assert_eq!(lock(&lines.0.waiting).len(), MOST - 1);
        lines.add(b"\n", false);
        assert!(lock(&lines.0.waiting).is_empty());
    }
}
