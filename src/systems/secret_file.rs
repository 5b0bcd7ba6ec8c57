//! A file that holds a secret, for tests.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// It is there for as long as it is held.
pub(in crate::systems) struct SecretFile(pub(in crate::systems) PathBuf);

impl SecretFile {
    pub(in crate::systems) fn new(secret: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("spine-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, secret).unwrap();
        Self(path)
    }

    /// As a configuration refers to it.
    pub(in crate::systems) fn reference(&self) -> String {
        format!("{{ file = \"{}\" }}", self.0.display())
    }
}

impl Drop for SecretFile {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}
