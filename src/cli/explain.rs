//! `spine explain`: what an operation will ask of the systems. Calls none.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::PathBuf;
use std::sync::Arc;

use async_graphql::Variables;

use super::{Exit, block_on, complain, complain_all, read_config, say};
use crate::app;
use crate::config::Limits;
use crate::domain::{Clock, SystemClock};
use crate::graph::Plan;

/// Options of `spine explain`.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The configuration file.
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
    /// A file with the operation; `-` for standard input.
    #[arg(value_name = "FILE")]
    query: PathBuf,
    /// The operation's name, where the file has several.
    #[arg(long, value_name = "NAME")]
    operation: Option<String>,
    /// The variables, as JSON: they say how many rows a list has.
    #[arg(long, value_name = "JSON", default_value = "{}")]
    variables: String,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &Options) -> Exit {
    let Some(config) = read_config(&options.config) else { return Exit::Usage };
    let Some(query) = read_query(options) else { return Exit::Usage };
    let variables = match serde_json::from_str::<Variables>(&options.variables) {
        Ok(variables) => variables,
        Err(error) => {
            complain(&format!("error: --variables is not a JSON object: {error}"));
            return Exit::Usage;
        }
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    block_on(async {
        match app::explain(&config, &clock, &query, options.operation.as_deref(), variables).await {
            Ok(plan) => {
                say(&if options.json { json(&plan) } else { table(&plan, &config.limits) });
                Exit::Ok
            }
            Err(app::Unexplained::Config(errors)) => {
                complain_all(&errors);
                Exit::Usage
            }
            Err(app::Unexplained::Query(messages)) => {
                for message in messages {
                    complain(&format!("error: {}: {message}", options.query.display()));
                }
                Exit::Usage
            }
        }
    })
}

fn read_query(options: &Options) -> Option<String> {
    let read = if options.query.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(&options.query)
    };
    read.map_err(|error| complain(&format!("error: {} cannot be read: {error}", options.query.display()))).ok()
}

fn json(plan: &Plan) -> String {
    serde_json::to_string_pretty(plan).unwrap_or_default()
}

fn table(plan: &Plan, limits: &Limits) -> String {
    if plan.steps.is_empty() {
        return "No system is asked.".to_owned();
    }
    let head = ["wave", "connection", "system", "read", "for", "keys", "batch", "batches"].map(str::to_owned);
    let mut rows = vec![head];
    for step in &plan.steps {
        let wave = match step.wave_if_remembered {
            Some(earlier) => format!("{} ({earlier})", step.wave),
            None => step.wave.to_string(),
        };
        rows.push([
            wave,
            step.connection.clone(),
            step.system.to_owned(),
            step.read.to_owned(),
            step.field.clone(),
            step.keys.to_string(),
            step.batch.to_string(),
            step.batches.to_string(),
        ]);
    }
    let mut widths = [0; 8];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (at, (cell, width)) in row.iter().zip(widths).enumerate() {
            let gap = width - cell.chars().count();
            // Numbers to the right.
            let (left, right) = if at >= 5 { (gap, 0) } else { (0, gap) };
            line.extend(std::iter::repeat_n(' ', left));
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', right + 2));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    let batches: Vec<String> =
        plan.batches.iter().map(|(connection, batches)| format!("{connection} {batches}")).collect();
    let written = writeln!(text, "\nBatches at most, if nothing is in memory: {}.", batches.join(", "));
    debug_assert!(written.is_ok(), "writing to memory failed");
    if plan.steps.iter().any(|step| step.wave_if_remembered.is_some()) {
        text.push_str("In brackets: the wave if the deal's link to its project was seen before.\n");
    }
    let planned: usize = plan.batches.values().sum();
    let (people, reports) = (limits.upstream_calls, limits.report_calls);
    let allowed = usize::try_from(people).unwrap_or(usize::MAX);
    let verdict = if planned > allowed { "This may need more" } else { "This is within it" };
    let written = writeln!(
        text,
        "An operation may make {people} calls (limits.upstream_calls), a report {reports} (limits.report_calls). {verdict}."
    );
    debug_assert!(written.is_ok(), "writing to memory failed");
    text.push_str("A batch is one call, and one more for each further page; systems that keep in several places\n");
    text.push_str("what is one read here get one for each. X-Spine-Explain counts them: see docs/graph.md.");
    text
}
