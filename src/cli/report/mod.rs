//! `spine report`: a ready report, on the terminal or into a file.

mod chart;
mod progress;
mod table;

use std::io::{IsTerminal, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::time::Instant;

use super::demo::CompanyOptions;
use super::{Exit, block_on, complain, complain_all, read_config, say};
use crate::app;
use crate::config::Config;
use crate::demo::Demo;
use crate::domain::{Clock, SystemClock};
use crate::reads::ReadOptions;
use crate::reports::format::{Style, moment};
use crate::reports::{Filter, Format, Progress, Report, ReportError, Reports, Table};
use crate::systems::Priority;

/// Options of `spine report`.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// Which report; without it all are listed.
    name: Option<String>,
    /// The configuration file.
    #[arg(short, long, value_name = "FILE", conflicts_with = "demo")]
    config: Option<PathBuf>,
    /// Over the embedded company of `spine demo`, which is started for it.
    #[arg(long)]
    demo: bool,
    #[command(flatten)]
    company: CompanyOptions,
    /// How it is written; by the extension of --out, else a table for people.
    #[arg(long, value_enum)]
    format: Option<Shape>,
    /// Where it is written instead of stdout.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Begins a CSV with a byte order mark, which Excel wants.
    #[arg(long)]
    bom: bool,
    /// Whether bars are drawn below the table; `auto` draws them on a terminal.
    #[arg(long, value_enum, default_value_t, num_args = 0..=1, require_equals = true, default_missing_value = "always")]
    chart: When,
    #[command(flatten)]
    words: Words,
}

/// The words of a [`Filter`].
#[derive(Debug, clap::Args)]
struct Words {
    /// The currency of the figures, e.g. EUR.
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,
    /// Deals with a close date on this day or later.
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// Deals with a close date on this day or earlier.
    #[arg(long, value_name = "DATE")]
    to: Option<String>,
    /// Deals in this state: open, won or lost.
    #[arg(long)]
    status: Option<String>,
    /// Deals in this vertical.
    #[arg(long)]
    vertical: Option<String>,
    /// Deals of this type.
    #[arg(long)]
    deal_type: Option<String>,
    /// Deals in the pipeline with this label.
    #[arg(long)]
    pipeline: Option<String>,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Shape {
    /// Aligned, for people.
    Table,
    Csv,
    Json,
    #[value(name = "ndjson")]
    NdJson,
    Parquet,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum When {
    #[default]
    Auto,
    Always,
    Never,
}

pub(super) fn run(options: &Options) -> Exit {
    let Some(name) = &options.name else {
        list();
        return Exit::Ok;
    };
    let asked = match Asked::of(name, options) {
        Ok(asked) => asked,
        Err(message) => {
            complain(&format!("error: {message}"));
            return Exit::Usage;
        }
    };
    block_on(answer(options, &asked))
}

/// What is asked for, once it is known to make sense.
struct Asked {
    report: &'static Report,
    filter: Filter,
    /// None is the table for people.
    format: Option<Format>,
}

impl Asked {
    fn of(name: &str, options: &Options) -> Result<Self, String> {
        let report = Reports::ready().iter().find(|report| report.name == name).ok_or_else(|| {
            let names: Vec<&str> = Reports::ready().iter().map(|report| report.name).collect();
            format!("there is no report `{name}`: there are {}", names.join(", "))
        })?;
        let format = format(options)?;
        if format == Some(Format::Parquet) && options.out.is_none() && std::io::stdout().is_terminal() {
            return Err("Parquet is not for a terminal: say where with --out FILE".to_owned());
        }
        if options.bom && format != Some(Format::Csv) {
            return Err("--bom is for CSV only".to_owned());
        }
        if options.config.is_none() && !options.demo {
            return Err("over which systems? Name a configuration with -c FILE, or say --demo".to_owned());
        }
        Ok(Self { report, filter: filter(&options.words)?, format })
    }
}

fn format(options: &Options) -> Result<Option<Format>, String> {
    let shape = match (options.format, &options.out) {
        (Some(shape), _) => shape,
        (None, None) => Shape::Table,
        (None, Some(path)) => {
            let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
            return Format::named(extension)
                .map(Some)
                .ok_or_else(|| format!("in which format is {} to be written? Say it with --format", path.display()));
        }
    };
    Ok(match shape {
        Shape::Table => None,
        Shape::Csv => Some(Format::Csv),
        Shape::Json => Some(Format::Json),
        Shape::NdJson => Some(Format::NdJson),
        Shape::Parquet => Some(Format::Parquet),
    })
}

fn filter(words: &Words) -> Result<Filter, String> {
    let mut filter = Filter::default();
    for (name, value) in [
        ("currency", &words.currency),
        ("from", &words.from),
        ("to", &words.to),
        ("status", &words.status),
        ("vertical", &words.vertical),
        ("deal_type", &words.deal_type),
        ("pipeline", &words.pipeline),
    ] {
        if let Some(Err(message)) = value.as_ref().and_then(|value| filter.set(name, value)) {
            return Err(message);
        }
    }
    filter.check()?;
    Ok(filter)
}

fn list() {
    let width = Reports::ready().iter().map(|report| report.name.len()).max().unwrap_or_default();
    for report in Reports::ready() {
        say(&format!("{:<width$}  {}", report.name, report.question));
    }
}

async fn answer(options: &Options, asked: &Asked) -> Exit {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    // The embedded systems live as long as this.
    let demo;
    let config = match &options.config {
        Some(path) => {
            let Some(config) = read_config(path) else { return Exit::Usage };
            Ok(config)
        }
        None => match Demo::start(options.company.seed(&clock), options.company.erp).await {
            Ok(started) => {
                demo = started;
                Config::parse("the demo's spine.toml", &demo.gateway_config())
            }
            Err(error) => {
                complain(&format!("error: the embedded systems cannot listen on loopback: {error}"));
                return Exit::Usage;
            }
        },
    };
    let reports = match config.and_then(|config| app::reports(&config, &clock)) {
        Ok(reports) => reports,
        Err(errors) => {
            complain_all(&errors);
            return Exit::Usage;
        }
    };

    let read = ReadOptions::new(clock.monotonic(), Instant::now() + reports.settings.deadline.0);
    let read = ReadOptions { priority: Priority::Report, ..read };
    let progress = Progress::default();
    let run = reports.run(asked.report.name, &asked.filter, &read, &progress);
    match progress::shown(Box::pin(run), &progress, || reports.calls()).await {
        Ok(table) => write(options, asked, &table, reports.calls()),
        Err(error) => {
            complain(&format!("error: {error}"));
            exit_of(&error)
        }
    }
}

/// How a failed report ends the command.
fn exit_of(error: &ReportError) -> Exit {
    match error {
        ReportError::System(error) => Exit::from(error.kind),
        ReportError::Truncated(_) => Exit::Partial,
        ReportError::Unknown(_) | ReportError::NotOwned(_) | ReportError::Filter(_) | ReportError::Masked(_) => {
            Exit::Usage
        }
    }
}

fn write(options: &Options, asked: &Asked, table: &Table, calls: u64) -> Exit {
    let written = asked.format.map(|format| format.write(table, Style { bom: options.bom }));
    let bytes = match written {
        Some(Ok(bytes)) => bytes,
        Some(Err(error)) => {
            complain(&format!("error: {error}"));
            return Exit::Usage;
        }
        None => for_people(options, asked, table).into_bytes(),
    };
    if let Err(error) = send(options.out.as_deref(), &bytes) {
        let place = options.out.as_ref().map_or_else(|| "stdout".to_owned(), |path| path.display().to_string());
        complain(&format!("error: {place} cannot be written: {error}"));
        return Exit::Usage;
    }
    complain(&facts(table, calls));
    Exit::Ok
}

/// The table, with bars below it where they are wanted.
fn for_people(options: &Options, asked: &Asked, table: &Table) -> String {
    let mut text = table::text(table);
    let terminal = options.out.is_none() && std::io::stdout().is_terminal();
    let draw = options.chart == When::Always || options.chart == When::Auto && terminal;
    if let (true, Some(chart)) = (draw, asked.report.chart) {
        text.push('\n');
        text.push_str(&chart::text(table, chart));
    }
    text
}

fn send(path: Option<&Path>, bytes: &[u8]) -> std::io::Result<()> {
    let Some(path) = path else {
        let mut out = std::io::stdout().lock();
        return match out.write_all(bytes).and_then(|()| out.flush()) {
            // A reader that has gone is not an error.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
            written => written,
        };
    };
    std::fs::write(path, bytes)
}

/// What there is to know beside the rows.
fn facts(table: &Table, calls: u64) -> String {
    let all = &table.completeness;
    let not_whole = if all.excluded > 0 { format!(", {} are not whole", all.excluded) } else { String::new() };
    let reasons = all.reasons.iter().map(|reason| reason.as_str().to_ascii_lowercase().replace('_', " "));
    let reasons = reasons.collect::<Vec<_>>().join(", ");
    let colon = if reasons.is_empty() { "" } else { ": " };
    let converted = table.rates.as_ref().map(|rates| {
        // A text of the configuration, which a terminal must not obey.
        let source = rates.source.replace(char::is_control, " ");
        format!("\nConverted by the rates of {} ({source}).", rates.date)
    });
    let (as_of, included, converted) = (moment(table.as_of), all.included, converted.unwrap_or_default());
    let whole = format!("{included} projects and deals are in the figures{not_whole}{colon}{reasons}.");
    format!("As of {as_of}. {whole} It took {calls} calls.{converted}")
}
