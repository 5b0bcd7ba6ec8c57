//! The text of a configuration: it is read, or each thing that is wrong is named by file, by line or key, and in words.

use std::sync::{Arc, LazyLock};

use super::super::door::NOW;
use spine::app::App;
use spine::config::{Config, ConfigError, named_files};
use spine::domain::{Clock, ManualClock};
use tokio::runtime::{Builder, Runtime};

static RUNTIME: LazyLock<Runtime> =
    LazyLock::new(|| Builder::new_multi_thread().worker_threads(1).build().expect("a runtime"));

fn told(errors: &[ConfigError]) {
    assert!(!errors.is_empty(), "refused, and nothing said");
    for error in errors {
        assert!(error.file == "spine.toml" && !error.message.trim().is_empty(), "{error:?}");
        assert!(error.line.is_some() || !error.path.is_empty(), "nobody knows where: {error}");
    }
}

/// Looks at one input.
pub fn run(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    // Nothing of this machine is read or written.
    if named_files(text).iter().any(|file| file.is_absolute()) {
        return;
    }
    let config = match Config::parse("spine.toml", text) {
        Ok(config) => config,
        Err(errors) => return told(&errors),
    };
    drop((config.warnings(), format!("{config:?}")));
    if config.audit.file.is_some() {
        return;
    }
    let _entered = RUNTIME.enter();
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new(NOW.parse().expect("a moment")));
    if let Err(errors) = App::build(&config, clock) {
        told(&errors);
    }
}
