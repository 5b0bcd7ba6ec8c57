//! Lines of the log on their way out. Those of many requests are written together: a request does not wait for the disk or
//! the pipe behind stderr, and the system is asked once in a while instead of once for each line.

use std::fmt;
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

struct Shared {
    waiting: Mutex<Vec<u8>>,
    /// Something waits that did not before.
    filled: Condvar,
    /// One batch after the other, so that the lines stay in their order.
    writing: Mutex<Writing>,
}

struct Writing {
    /// What is being written; and its room, which is used again.
    lines: Vec<u8>,
    to: Box<dyn Write + Send>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").finish_non_exhaustive()
    }
}

/// Takes one line.
#[derive(Debug)]
pub(super) struct Line<'a> {
    lines: &'a Lines,
    is_urgent: bool,
}

impl Lines {
    fn new(to: impl Write + Send + 'static) -> Self {
        let writing = Mutex::new(Writing { lines: Vec::new(), to: Box::new(to) });
        Self(Arc::new(Shared { waiting: Mutex::default(), filled: Condvar::new(), writing }))
    }

    /// Starts the thread that writes them.
    pub(super) fn start(to: impl Write + Send + 'static) -> io::Result<Self> {
        let lines = Self::new(to);
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
        let mut writing = lock(&self.0.writing);
        let Writing { lines, to } = &mut *writing;
        std::mem::swap(lines, &mut *lock(&self.0.waiting));
        drop(to.write_all(lines));
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

    /// What has been written.
    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            lock(&self.0).write(text)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_waits_is_written_in_its_order_by_what_must_not_wait() {
        let written = Written::default();
        let lines = Lines::new(written.clone());
        lines.add(b"one\n", false);
        lines.add(b"two\n", false);
        assert_eq!(lock(&written.0).len(), 0);
        lines.add(b"three\n", true);
        assert_eq!(*lock(&written.0), b"one\ntwo\nthree\n");
        lines.add(b"four\n", true);
        assert_eq!(*lock(&written.0), b"one\ntwo\nthree\nfour\n");
    }

    #[test]
    fn there_is_an_end_to_what_waits() {
        let written = Written::default();
        let lines = Lines::new(written.clone());
        lines.add(&vec![b' '; MOST - 1], false);
        assert_eq!(lock(&written.0).len(), 0);
        lines.add(b"\n", false);
        assert_eq!(lock(&written.0).len(), MOST);
    }
}
