//! Logs: one line per event, to stderr, for people or for machines. Results go to stdout and never mix with them.

#[cfg(test)]
pub(crate) mod kept;
mod lines;
mod text;

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::writer::BoxMakeWriter;

use lines::Lines;
use text::{Fields, Now, Plain};

/// What is logged where nobody says otherwise.
pub const DEFAULT_FILTER: &str = "info";

/// What is never logged, whatever is asked for: drivers of databases that repeat values. That of SQL Server does so in errors,
/// that of `PostgreSQL` in notices, which are functions' own texts, and in the parameters of queries.
const NEVER: [&str; 2] = ["tiberius=off", "tokio_postgres=off"];

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum LogFormat {
    /// For people; in colour on a terminal.
    #[default]
    Text,
    /// One JSON object per line, with the fields beside the message.
    Json,
}

/// The log, as long as it is kept. What waits to be written is written when it is dropped.
#[derive(Debug)]
pub struct Log(Option<Lines>);

impl Drop for Log {
    fn drop(&mut self) {
        if let Some(lines) = &self.0 {
            lines.write();
        }
    }
}

/// Starts the log. `filter` is written as for `RUST_LOG`: `info`, `warn,spine::systems=debug`. Where a log was started
/// before, that one stays: tests and embedders may call this more than once.
pub fn init(format: LogFormat, filter: &str) -> Result<Log, ParseError> {
    let is_terminal = io::stderr().is_terminal();
    // Who looks on sees each line at once, and between the lines what else is written there. So does everybody where no thread
    // can be had.
    let lines = if is_terminal { None } else { Lines::start(io::stderr()).ok() };
    let writer = lines.clone().map_or_else(|| BoxMakeWriter::new(io::stderr), BoxMakeWriter::new);
    let log = tracing_subscriber::fmt().with_env_filter(heard(filter)?).with_writer(writer).with_ansi(is_terminal);
    // The one error is that there is a log already.
    drop(match format {
        LogFormat::Text => log.event_format(Plain::default()).fmt_fields(Fields).try_init(),
        LogFormat::Json => log.json().with_timer(Now::default()).flatten_event(true).try_init(),
    });
    Ok(Log(lines))
}

/// From now on a panic is a line of the log that says where, and not the standard library's on stderr: what a panic says may hold
/// a part of a record, e.g. the text in which something was looked for. For programs; it is the process's.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(tracing::field::display);
        tracing::error!(panic.place = place, "a panic: this is a defect of Spine, please report it with this line");
    }));
}

/// What is logged of what is asked for.
fn heard(filter: &str) -> Result<EnvFilter, ParseError> {
    NEVER.iter().try_fold(filter.parse::<EnvFilter>()?, |heard, never| Ok(heard.add_directive(never.parse()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_that_repeats_values_is_not_heard_whatever_is_asked_for() {
        for filter in ["trace", "info,tiberius=trace", "tiberius=error", "debug,tokio_postgres=info"] {
            let heard = heard(filter).unwrap().to_string();
            assert!(heard.contains("tiberius=off") && !heard.contains("tiberius=trace"), "{heard}");
            assert!(heard.contains("tokio_postgres=off") && !heard.contains("tokio_postgres=info"), "{heard}");
        }
    }

    #[test]
    fn the_log_starts_once_and_may_be_asked_to_start_again() {
        assert!(init(LogFormat::Json, "error").is_ok());
        assert!(init(LogFormat::Text, DEFAULT_FILTER).is_ok());
    }

    #[test]
    fn a_filter_that_cannot_be_read_is_refused() {
        assert!(init(LogFormat::Text, "spine=loud").is_err());
    }
}
