//! The command line: one file per command. Results go to stdout, messages to stderr.

mod check;
mod demo;
mod doctor;
mod explain;
mod keys;
mod report;
mod schema;
mod serve;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tokio::runtime::Builder;

use crate::config::{Config, ConfigError};
use crate::systems::ErrorKind;
use crate::telemetry::{self, LogFormat};
use crate::workers::Workers;

/// One live, read-only graph of deals, projects, tickets and invoices over the systems that own them.
#[derive(Debug, Parser)]
#[command(name = "spine", version, about, arg_required_else_help = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// Form of the log on stderr.
    #[arg(long, global = true, value_enum, default_value = "text")]
    log_format: LogFormat,
    /// What is logged, e.g. `info`, `spine=debug`.
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Everything embedded: a seeded company in a CRM, an ERP and a project tool on loopback, and the graph over them.
    Demo(demo::Options),
    /// The graph over your own systems.
    Serve(ConfigOption),
    /// Reads a configuration and says what is wrong with it. Calls no system.
    Check(check::Options),
    /// Asks each system of a configuration one small question for each kind of record, and says what is broken, what that
    /// takes away, and what to do.
    Doctor(doctor::Options),
    /// Prints the contract: the GraphQL schema.
    Schema,
    /// What an operation will ask of the systems: reads, waves, batches at most. Calls no system.
    Explain(explain::Options),
    /// API keys: makes them, and looks at those of a configuration.
    #[command(subcommand)]
    Keys(keys::Command),
    /// A ready report, on the terminal or into a file.
    Report(report::Options),
}

/// Which configuration.
#[derive(Debug, clap::Args)]
struct ConfigOption {
    /// The configuration file.
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
}

/// How a command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All is well.
    Ok = 0,
    /// The command line or the configuration is wrong, or the command could not do its work.
    Usage = 2,
    /// A system could not be asked.
    Unavailable = 3,
    /// A system does not accept Spine's credential, or does not show it what is asked for.
    Credential = 4,
    /// A system holds more than it gave, or contradicts itself: there is no whole answer.
    Partial = 5,
}

impl From<ErrorKind> for Exit {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::Unauthorized | ErrorKind::Forbidden => Self::Credential,
            ErrorKind::Truncated | ErrorKind::TooLarge | ErrorKind::Conflict | ErrorKind::Budget(_) => Self::Partial,
            _ => Self::Unavailable,
        }
    }
}

/// Runs the command line.
pub fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let usual = match arguments.command {
        Command::Demo(_) | Command::Serve(_) => telemetry::DEFAULT_FILTER,
        // What fails is what it tells.
        Command::Doctor(_) => "error",
        _ => "warn",
    };
    let filter = arguments.log.as_deref().unwrap_or(usual);
    let _log = match telemetry::init(arguments.log_format, filter) {
        Ok(log) => log,
        Err(error) => {
            complain(&format!("error: --log `{filter}` is not a filter: {error}"));
            return ExitCode::from(Exit::Usage as u8);
        }
    };
    telemetry::log_panics();
    let exit = match arguments.command {
        Command::Demo(options) => demo::run(&options),
        Command::Serve(option) => serve::run(&option.config),
        Command::Check(options) => check::run(&options),
        Command::Doctor(options) => doctor::run(&options),
        Command::Schema => schema::run(),
        Command::Explain(options) => explain::run(&options),
        Command::Keys(command) => keys::run(&command),
        Command::Report(options) => report::run(&options),
    };
    ExitCode::from(exit as u8)
}

/// Reads a configuration file; says what is wrong with it if it cannot be used.
fn read_config(path: &Path) -> Option<Config> {
    Config::read(path).map_err(|errors| complain_all(&errors)).ok()
}

fn complain_all(errors: &[ConfigError]) {
    for error in errors {
        complain(&format!("error: {error}"));
    }
}

/// A result, on stdout. A reader that has gone is not an error.
fn say(text: &str) {
    use std::io::Write;
    let mut out = std::io::stdout().lock();
    drop(writeln!(out, "{text}").and_then(|()| out.flush()));
}

/// A message, on stderr.
fn complain(text: &str) {
    use std::io::Write;
    drop(writeln!(std::io::stderr().lock(), "{text}"));
}

/// How many threads are to work, where it is not one for each core.
const THREADS: &str = "TOKIO_WORKER_THREADS";

/// The most that may be asked for.
const MOST_THREADS: usize = 1024;

/// Runs a command that waits for things.
fn block_on(work: impl Future<Output = Exit>) -> Exit {
    let mut runtime = Builder::new_multi_thread();
    if let Some(said) = std::env::var_os(THREADS) {
        // The runtime would read it by itself, and panic.
        let threads = said.to_str().and_then(|said| said.parse().ok());
        let Some(threads) = threads.filter(|threads| (1..=MOST_THREADS).contains(threads)) else {
            let hint = "or leave it out for one for each core";
            complain(&format!("error: {THREADS} is no number of threads: write one from 1 to {MOST_THREADS}, {hint}"));
            return Exit::Usage;
        };
        runtime.worker_threads(threads);
    }
    match runtime.enable_all().build() {
        Ok(runtime) => runtime.block_on(work),
        Err(error) => no_threads(&error),
    }
}

/// The same for work that answers connections.
fn block_on_workers(work: impl Future<Output = Exit>) -> Exit {
    block_on(async {
        match Workers::start() {
            Ok(_workers) => work.await,
            Err(error) => no_threads(&error),
        }
    })
}

fn no_threads(error: &std::io::Error) -> Exit {
    complain(&format!("error: no threads could be started: {error}"));
    Exit::Usage
}
