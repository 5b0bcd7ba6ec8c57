//! A configuration that is read anew while Spine runs: when somebody says so, and when it or a file that it names has changed.
//!
//! Files are looked at every few seconds, by what is in them: a secret that a supervisor puts in place by a link counts as well
//! as one that is edited. What has changed is read once it has stayed the same from one look to the next, so that nobody reads
//! half of a file, or a certificate whose key comes a moment later.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{Context, SHA256};
use tokio::sync::mpsc;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::App;
use crate::config::{Config, ConfigError, named_files};

/// Bytes of a file that are looked at. Of a longer one its length counts, too.
const LOOKED_AT: u64 = 1 << 20;

/// A configuration file with those that it names, and what was in them.
#[derive(Debug, Clone)]
pub struct Files {
    file: PathBuf,
    /// When they were read.
    read: Looks,
    /// When they were looked at last.
    seen: Looks,
}

/// What files look like: a hash of all that is in them, and of what cannot be read.
type Looks = [u8; 32];

impl Files {
    /// Looks at them for the first time: before they are read, so that no change is missed.
    pub fn of(file: &Path) -> Self {
        let looks = looks(file);
        Self { file: file.to_owned(), read: looks, seen: looks }
    }

    /// Whether something has changed since they were read, and stayed so since the last look.
    fn have_changed(&mut self) -> bool {
        let now = looks(&self.file);
        let settled = now == self.seen;
        self.seen = now;
        settled && now != self.read
    }

    /// Reads them anew and puts what they say in place. It says what may not be meant as it is.
    fn apply(&mut self, app: &App) -> Result<Vec<ConfigError>, Vec<ConfigError>> {
        self.read = looks(&self.file);
        let config = Config::read(&self.file)?;
        app.replace(&config)?;
        Ok(config.warnings())
    }
}

impl App {
    /// Keeps the application in step with its files until `stop`: reads them anew at each of `hangups`, and when they have
    /// changed. What cannot be used is said in the log, in `/health/ready` and in the metrics, and changes nothing.
    pub async fn follow(self, files: Files, mut hangups: mpsc::Receiver<()>, stop: CancellationToken) {
        let mut files = files;
        loop {
            let interval = self.current().options.reload_interval.0;
            let asked = tokio::select! {
                () = stop.cancelled() => return,
                Some(()) = hangups.recv() => true,
                () = sleep(interval), if !interval.is_zero() => false,
                else => return stop.cancelled().await,
            };
            let (app, mut taken) = (self.clone(), files.clone());
            // Files are read, and all is built, beside the threads that answer.
            let done = tokio::task::spawn_blocking(move || {
                let applied = (asked || taken.have_changed()).then(|| taken.apply(&app));
                (taken, applied)
            });
            match done.await {
                Ok((back, applied)) => {
                    files = back;
                    if let Some(applied) = applied {
                        self.tell(applied);
                    }
                }
                // A defect: it is tried again when the files have changed again.
                Err(error) => {
                    tracing::error!(%error, "the configuration was not read anew, and the one before stays in use");
                    self.0.configuration.refused();
                    files = Files::of(&files.file);
                }
            }
        }
    }

    /// Says how reading the files anew went.
    fn tell(&self, applied: Result<Vec<ConfigError>, Vec<ConfigError>>) {
        match applied {
            Ok(warnings) => {
                tracing::info!("the configuration was read anew");
                for warning in warnings {
                    tracing::warn!(%warning, "configuration");
                }
            }
            Err(errors) => {
                for error in errors {
                    tracing::error!(%error, "the configuration was not read anew, and the one before stays in use");
                }
                self.0.configuration.refused();
            }
        }
    }
}

/// What a configuration file and those that it names look like.
fn looks(file: &Path) -> Looks {
    let mut hash = Context::new(&SHA256);
    add(&mut hash, file);
    let (text, _) = contents(file).unwrap_or_default();
    for named in named_files(&String::from_utf8_lossy(&text)) {
        if named.is_dir() {
            let entries = fs::read_dir(&named).into_iter().flatten();
            let mut entries: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
            entries.sort();
            for entry in entries {
                add(&mut hash, &entry);
            }
        } else {
            add(&mut hash, &named);
        }
    }
    let mut looks = Looks::default();
    looks.iter_mut().zip(hash.finish().as_ref()).for_each(|(to, from)| *to = *from);
    looks
}

/// Each part with its length before it, so that no two lists of files hash alike.
fn add(hash: &mut Context, file: &Path) {
    let mut part = |bytes: &[u8]| {
        hash.update(&bytes.len().to_be_bytes());
        hash.update(bytes);
    };
    part(file.as_os_str().as_encoded_bytes());
    match contents(file) {
        Ok((bytes, length)) => {
            part(&bytes);
            part(&length.to_be_bytes());
        }
        Err(error) => part(error.kind().to_string().as_bytes()),
    }
}

fn contents(file: &Path) -> io::Result<(Vec<u8>, u64)> {
    let known = fs::metadata(file)?;
    let (length, mut bytes) = (known.len(), Vec::new());
    // A pipe has nothing to look at: reading it would take it away from who reads it.
    if !known.is_file() {
        return Ok((bytes, 0));
    }
    File::open(file)?.take(LOOKED_AT).read_to_end(&mut bytes)?;
    Ok((bytes, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_of_a_file_that_is_named_is_seen_once_it_has_settled() {
        let folder = std::env::temp_dir().join(format!("spine-looks-{}", std::process::id()));
        fs::create_dir_all(folder.join("documents")).unwrap();
        let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
        let config = folder.join("spine.toml");
        let shown = folder.display();
        write("secret", "one");
        write(
            "spine.toml",
            &format!("token = {{ file = \"{shown}/secret\" }}\n[operations]\nfolder = \"{shown}/documents\""),
        );
        let mut files = Files::of(&config);
        assert!(!files.have_changed());
        let changes: [&dyn Fn(); 5] = [
            &|| write("secret", "two"),
            &|| fs::remove_file(folder.join("secret")).unwrap(),
            &|| write("documents/a.graphql", "{ a }"),
            &|| fs::rename(folder.join("documents/a.graphql"), folder.join("documents/b.graphql")).unwrap(),
            &|| write("spine.toml", "no TOML"),
        ];
        for change in changes {
            change();
            assert!(!files.have_changed(), "it may be half of a change");
            assert!(files.have_changed() && files.have_changed());
            files.read = looks(&config);
            assert!(!files.have_changed());
        }
        write("unnamed", "x");
        assert!(!files.have_changed() && !files.have_changed());
        fs::remove_dir_all(&folder).unwrap();
    }
}
