//! Where lines go: to stdout, or to a file that is put aside when it is full.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use crate::config::Audit;

/// Where lines go.
#[derive(Debug)]
pub(super) enum Sink {
    Stdout,
    File(Mutex<Rotating>),
}

/// A file that is put aside when it is full.
#[derive(Debug)]
pub(super) struct Rotating {
    path: PathBuf,
    file: Option<File>,
    written: u64,
    max_bytes: u64,
    keep: usize,
}

impl Sink {
    /// Opens what the configuration names.
    pub(super) fn open(config: &Audit) -> Result<Option<Self>, (&'static str, String)> {
        if config.stdout {
            return Ok(Some(Self::Stdout));
        }
        let Some(path) = &config.file else { return Ok(None) };
        let mut rotating =
            Rotating { path: path.clone(), file: None, written: 0, max_bytes: config.max_bytes, keep: config.keep };
        let opened = rotating.open();
        opened.map_err(|error| ("file", format!("{} cannot be appended to: {error}", path.display())))?;
        Ok(Some(Self::File(Mutex::new(rotating))))
    }

    /// Writes a line, whole or not at all as far as the system allows.
    pub(super) fn write(&self, line: &impl Serialize) -> io::Result<()> {
        let mut text = serde_json::to_vec(line)?;
        text.push(b'\n');
        match self {
            Self::Stdout => io::stdout().lock().write_all(&text),
            Self::File(rotating) => rotating.lock().unwrap_or_else(PoisonError::into_inner).write(&text),
        }
    }
}

impl Rotating {
    fn open(&mut self) -> io::Result<()> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&self.path)?;
        self.written = file.metadata()?.len();
        self.file = Some(file);
        Ok(())
    }

    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        let length = u64::try_from(text.len()).unwrap_or(u64::MAX);
        if self.written > 0 && self.written.saturating_add(length) > self.max_bytes {
            self.put_aside()?;
        }
        // It is opened again after a failure, and where somebody else moved it away.
        if self.file.is_none() || !self.path.is_file() {
            self.open()?;
        }
        let Some(file) = &mut self.file else { return Err(io::ErrorKind::NotFound.into()) };
        let written = file.write_all(text);
        if written.is_err() {
            self.file = None;
        } else {
            self.written = self.written.saturating_add(length);
        }
        written
    }

    fn put_aside(&mut self) -> io::Result<()> {
        self.file = None;
        if self.keep == 0 {
            fs::remove_file(&self.path)?;
            return Ok(());
        }
        for number in (1..self.keep).rev() {
            let from = numbered(&self.path, number);
            if from.exists() {
                fs::rename(from, numbered(&self.path, number + 1))?;
            }
        }
        fs::rename(&self.path, numbered(&self.path, 1))
    }
}

/// `FILE.1`.
fn numbered(path: &Path, number: usize) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_file_is_put_aside_and_the_oldest_is_deleted() {
        let folder = std::env::temp_dir().join(format!("spine-audit-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("trail.jsonl");
        let mut trail = Rotating { path: path.clone(), file: None, written: 0, max_bytes: 8, keep: 2 };
        for text in ["a1\n", "a2\n", "b1\n", "b2\n", "c1\n", "c2\n", "d1\n"] {
            trail.write(text.as_bytes()).unwrap();
        }
        let read = |path: &Path| fs::read_to_string(path).unwrap();
        assert_eq!((read(&path), read(&numbered(&path, 1))), ("d1\n".to_owned(), "c1\nc2\n".to_owned()));
        assert_eq!(read(&numbered(&path, 2)), "b1\nb2\n");
        assert!(!numbered(&path, 3).exists());
        // Somebody else moved it away: it is begun anew.
        fs::remove_file(&path).unwrap();
        trail.write(b"e1\n").unwrap();
        assert_eq!(read(&path), "e1\n");
        // A line that is longer than a file is a file.
        trail.write(b"long long line\n").unwrap();
        assert_eq!(read(&path), "long long line\n");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_file_that_cannot_be_written_is_said_at_the_start() {
        let config = Audit { file: Some("/nonexistent/folder/trail.jsonl".into()), ..Audit::default() };
        let (key, message) = Sink::open(&config).unwrap_err();
        assert_eq!(key, "file");
        assert!(message.starts_with("/nonexistent/folder/trail.jsonl cannot be appended to"), "{message}");
    }
}
