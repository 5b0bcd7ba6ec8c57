//! The file that keeps a company's refresh token. It is the only thing Spine writes, and a secret: no business data.
//!
//! Intuit changes a refresh token's value about once a day, and the value before it ends a day later. So each new one is
//! written before it is relied on: into a new file beside, which then takes the old one's place, so that a crash leaves one of
//! the two whole. Several processes may share the file: whoever refreshes holds a lock on its folder.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::systems::ConnectionProblem;

/// What is in the file.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    /// The company that the token is for. Two companies never share a file.
    pub(super) realm_id: String,
    pub(super) refresh_token: String,
    /// When the token ends unless it is used; Spine writes it down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<Timestamp>,
}

/// The file of one company.
#[derive(Debug)]
pub(super) struct TokenFile {
    path: PathBuf,
    folder: PathBuf,
    realm_id: String,
}

impl TokenFile {
    /// Looks whether the file is what it should be and can be replaced, and says what is missing if not.
    pub(super) fn open(path: &Path, realm_id: &str) -> Result<Self, ConnectionProblem> {
        let problem = |message: String| ConnectionProblem::new("tokens.file", message);
        // A link would be replaced instead of what it leads to.
        let real = fs::canonicalize(path).map_err(|error| {
            let shown = path.display();
            problem(if error.kind() == io::ErrorKind::NotFound {
                format!(
                    "{shown} does not exist: sign in to the company once (docs/connectors/quickbooks.md says how) and write \
                     {{\"realm_id\": \"{realm_id}\", \"refresh_token\": \"...\"}} into it, readable by Spine's user alone"
                )
            } else {
                format!("{shown} cannot be read: {}", error.kind())
            })
        })?;
        let folder = real.parent().unwrap_or(Path::new("/")).to_owned();
        let file = Self { path: real, folder, realm_id: realm_id.to_owned() };
        file.read().map_err(problem)?;
        file.try_writing().map_err(|error| {
            let folder = file.folder.display();
            let kind = error.kind();
            problem(format!(
                "Spine cannot put a new file into {folder} ({kind}): it has to store each new refresh token"
            ))
        })?;
        Ok(file)
    }

    /// What is in the file now, or what is wrong with it; never a part of it.
    pub(super) fn read(&self) -> Result<Kept, String> {
        let shown = self.path.display();
        let failed = |error: io::Error| format!("{shown} cannot be read: {}", error.kind());
        let mode = fs::metadata(&self.path).map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(format!("{shown} holds a secret that other users can read: chmod 600 it"));
        }
        let text = fs::read_to_string(&self.path).map_err(failed)?;
        let kept: Kept = serde_json::from_str(&text).map_err(|_| {
            let realm = &self.realm_id;
            format!("{shown} is not {{\"realm_id\": \"{realm}\", \"refresh_token\": \"...\"}}")
        })?;
        if kept.realm_id != self.realm_id {
            return Err(format!(
                "{shown} holds the token of another company: its realm_id is {}, not {}. Give each company a file of its own",
                kept.realm_id.chars().filter(char::is_ascii_digit).take(30).collect::<String>(),
                self.realm_id
            ));
        }
        if kept.refresh_token.trim().is_empty() {
            return Err(format!("{shown} holds no refresh token"));
        }
        Ok(kept)
    }

    /// Takes the lock; none while another process holds it. It ends when it is dropped.
    pub(super) fn try_lock(&self) -> io::Result<Option<File>> {
        // The file itself is replaced by each new one; its folder stays.
        let folder = File::open(&self.folder)?;
        match folder.try_lock() {
            Ok(()) => Ok(Some(folder)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Puts a new token in the place of the old one. The lock must be held.
    pub(super) fn write(&self, kept: &Kept) -> io::Result<()> {
        let new = self.beside("new");
        // What a process left here that died while writing.
        fs::remove_file(&new)
            .or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })?;
        let written = create(&new).and_then(|mut file| {
            file.write_all(serde_json::to_string(kept)?.as_bytes())?;
            file.write_all(b"\n")?;
            file.sync_all()
        });
        let replaced = written.and_then(|()| fs::rename(&new, &self.path));
        if replaced.is_err() {
            fs::remove_file(&new).ok();
            return replaced;
        }
        File::open(&self.folder)?.sync_all()
    }

    fn try_writing(&self) -> io::Result<()> {
        let probe = self.beside(&format!("{}.probe", std::process::id()));
        create(&probe)?;
        fs::remove_file(&probe)
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        let mut name = self.path.file_name().unwrap_or_default().to_owned();
        name.push(".");
        name.push(suffix);
        self.folder.join(name)
    }
}

/// A new file that nobody else can read.
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder of its own, gone at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("spine-token-file-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn file(&self, text: &str, mode: u32) -> PathBuf {
            let path = self.0.join("tokens.json");
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            path
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).ok();
        }
    }

    const GOOD: &str = r#"{"realm_id": "123", "refresh_token": "first"}"#;

    fn kept(token: &str) -> Kept {
        Kept { realm_id: "123".to_owned(), refresh_token: token.to_owned(), expires_at: None }
    }

    #[test]
    fn a_file_that_will_not_do_is_refused_with_what_is_missing_and_without_the_token() {
        let folder = Folder::new("refused");
        let missing = TokenFile::open(&folder.0.join("nowhere.json"), "123").unwrap_err();
        assert_eq!(missing.key, "tokens.file");
        assert!(missing.message.contains("does not exist") && missing.message.contains("\"realm_id\": \"123\""));
        for (text, mode, part) in [
            (GOOD, 0o644, "chmod 600"),
            ("first", 0o600, "is not {\"realm_id\": \"123\""),
            (
                r#"{"realm_id": "124", "refresh_token": "first"}"#,
                0o600,
                "another company: its realm_id is 124, not 123",
            ),
            (r#"{"realm_id": "123", "refresh_token": " "}"#, 0o600, "no refresh token"),
            (r#"{"realm_id": "123", "refresh_token": "first", "also": 1}"#, 0o600, "is not {"),
        ] {
            let message = TokenFile::open(&folder.file(text, mode), "123").unwrap_err().message;
            assert!(message.contains(part) && !message.contains("first"), "{message}");
        }
        assert!(TokenFile::open(&folder.file(GOOD, 0o600), "123").is_ok());
    }

    #[test]
    fn a_new_token_takes_the_place_of_the_old_one_and_nobody_else_can_read_it() {
        let folder = Folder::new("written");
        let path = folder.file(GOOD, 0o600);
        fs::write(folder.0.join("tokens.json.new"), "left by a process that died").unwrap();
        let file = TokenFile::open(&path, "123").unwrap();
        assert!(file.read().unwrap() == kept("first"));
        file.write(&kept("second")).unwrap();
        assert!(TokenFile::open(&path, "123").unwrap().read().unwrap() == kept("second"));
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        let names: Vec<_> = fs::read_dir(&folder.0).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["tokens.json"], "nothing else is left behind");
    }

    #[test]
    fn a_link_stays_a_link() {
        let folder = Folder::new("link");
        let path = folder.file(GOOD, 0o600);
        let link = folder.0.join("link.json");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        TokenFile::open(&link, "123").unwrap().write(&kept("second")).unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(fs::read_to_string(&path).unwrap().contains("second"));
    }

    #[test]
    fn one_process_at_a_time_holds_the_lock() {
        let folder = Folder::new("lock");
        let path = folder.file(GOOD, 0o600);
        let (one, other) = (TokenFile::open(&path, "123").unwrap(), TokenFile::open(&path, "123").unwrap());
        let lock = one.try_lock().unwrap();
        assert!(lock.is_some());
        assert!(other.try_lock().unwrap().is_none());
        drop(lock);
        assert!(other.try_lock().unwrap().is_some());
    }
}
