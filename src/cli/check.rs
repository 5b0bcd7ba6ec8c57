//! `spine check`: reads a configuration and says what is wrong with it. Calls no system.

use std::path::PathBuf;
use std::sync::Arc;

use super::{Exit, complain, complain_all, read_config, say};
use crate::app::App;
use crate::domain::{Clock, Domain, SystemClock};

/// Options of `spine check`.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The configuration file.
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
}

pub(super) fn run(options: &Options) -> Exit {
    let Some(config) = read_config(&options.config) else { return Exit::Usage };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    if let Err(errors) = App::build(&config, clock) {
        complain_all(&errors);
        return Exit::Usage;
    }
    for warning in config.warnings() {
        complain(&format!("warning: {warning}"));
    }
    say(&format!("{} is fine.", options.config.display()));
    for domain in Domain::ALL {
        match config.owners.of(domain) {
            [] => say(&format!("  {domain:<12} (nobody: its fields are null)")),
            owners => {
                let owners: Vec<String> = owners.iter().map(ToString::to_string).collect();
                say(&format!("  {domain:<12} {}", owners.join(", ")));
            }
        }
    }
    Exit::Ok
}
