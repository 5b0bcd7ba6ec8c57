//! `spine doctor`: asks each system one small question for each kind of record, and says what is broken, what that takes
//! away, and what to do. Before that, whether Spine's own certificate is about to end.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio::time::Instant;

use super::{Exit, block_on, complain, complain_all, read_config, say};
use crate::app;
use crate::config::Config;
use crate::domain::{Clock, SystemClock};
use crate::graph::{self, Code};
use crate::reads::ReadOptions;
use crate::reports::{Examined, Impact, Reports};
use crate::server::Tls;
use crate::systems::SystemError;
use crate::systems::examine::Finding;
use crate::systems::http::Quota;

/// Time to read the list of deals, for what hangs on a system that fails.
const PATIENCE: Duration = Duration::from_mins(1);

/// A clock that is further off makes signatures and tokens fail.
const CLOCK_SECONDS: i64 = 30;

/// A certificate that ends sooner is told of: there is time to renew it.
const RENEW_DAYS: i64 = 21;

/// Options of `spine doctor`.
#[derive(Debug, clap::Args)]
pub(super) struct Options {
    /// The configuration file.
    #[arg(short, long, value_name = "FILE")]
    config: PathBuf,
    /// The project that is asked for in all systems; without it the first deal with one.
    #[arg(long, value_name = "ID")]
    project: Option<String>,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &Options) -> Exit {
    let Some(config) = read_config(&options.config) else { return Exit::Usage };
    let project = match options.project.as_deref().map(|id| config.shared_id.parse(id)).transpose() {
        Ok(project) => project,
        Err(error) => {
            let id = options.project.as_deref().unwrap_or_default();
            complain(&format!("error: --project `{id}`: {error}"));
            return Exit::Usage;
        }
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    block_on(async {
        let reports = match app::reports(&config, &clock) {
            Ok(reports) => reports,
            Err(errors) => {
                complain_all(&errors);
                return Exit::Usage;
            }
        };
        let certificate = match Certificate::shown(&config, clock.now()) {
            Ok(certificate) => certificate,
            Err(message) => {
                complain(&message);
                return Exit::Usage;
            }
        };
        let (examined, project) = reports.examine(project).await;
        let mut diagnosis = Diagnosis {
            certificate,
            project: project.map(|id| id.to_string()),
            systems: examined.iter().map(|examined| Diagnosed::of(&reports, examined)).collect(),
        };
        if diagnosis.systems.iter().any(|system| !system.well) {
            let read = ReadOptions::new(clock.monotonic(), Instant::now() + PATIENCE);
            // If the CRM fails, nobody knows what hangs on the others.
            if let Ok(impacts) = reports.impacts(&read).await {
                for (system, examined) in diagnosis.systems.iter_mut().zip(&examined) {
                    let impact = impacts.get(&examined.connection.name).cloned().unwrap_or_default();
                    system.impact = (!system.well).then(|| impact.into());
                }
            }
        }
        say(&if options.json { json(&diagnosis) } else { text(&diagnosis) });
        let ended = diagnosis.certificate.as_ref().is_some_and(Certificate::has_ended);
        if ended { Exit::Usage } else { exit_of(&examined) }
    })
}

/// What was found.
#[derive(Debug, Serialize)]
struct Diagnosis {
    /// The certificate that Spine shows; none if it speaks no TLS itself.
    certificate: Option<Certificate>,
    /// The project that was asked for in all systems; none if none was found.
    project: Option<String>,
    systems: Vec<Diagnosed>,
}

/// A certificate, with those between it and its authority.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Certificate {
    /// Until when it is good; none if it never ends.
    until: Option<Timestamp>,
    /// Whole days until then, less than none if it has ended.
    days_left: Option<i64>,
}

impl Certificate {
    /// The one of `server.tls`. An error says what is wrong with it.
    fn shown(config: &Config, now: Timestamp) -> Result<Option<Self>, String> {
        let Some(tls) = &config.server.tls else { return Ok(None) };
        let until = Tls::good_until(tls)
            .map_err(|(key, message)| format!("error: {}", config.error_at(&format!("server.tls.{key}"), message)))?;
        Ok(Some(Self::until(until, now)))
    }

    fn until(until: Option<Timestamp>, now: Timestamp) -> Self {
        let days_left = until.map(|until| until.duration_since(now).as_secs().div_euclid(24 * 60 * 60));
        Self { until, days_left }
    }

    fn has_ended(&self) -> bool {
        self.days_left.is_some_and(|days| days < 0)
    }

    /// How it stands, in a line.
    fn line(&self) -> String {
        let (word, how) = match (self.until, self.days_left) {
            (Some(until), Some(days)) if days < 0 => {
                ("FAIL", format!("it ended at {until}: nobody takes it any more. Renew it."))
            }
            (Some(until), Some(days)) if days < RENEW_DAYS => {
                ("WARN", format!("it ends in {days} days, at {until}. Renew it."))
            }
            (Some(until), _) => ("ok", format!("good until {until}")),
            (None, _) => ("ok", "it never ends".to_owned()),
        };
        format!("{word:<4}  {:<23}{how}", "certificate")
    }
}

/// What was found of a connection.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Diagnosed {
    connection: String,
    system: &'static str,
    addresses: BTreeSet<String>,
    owns: Vec<&'static str>,
    /// Whether every question was answered.
    well: bool,
    checks: Vec<Check>,
    /// How far its clock is ahead of ours, in seconds; none if it does not say what time it is.
    clock_skew_seconds: Option<i64>,
    /// What is left of its quota; none if it does not tell.
    quota: Option<Allowance>,
    /// The fields that are null, or not whole, while it fails.
    affected_fields: Vec<String>,
    /// What hangs on it; none while all is well, and if the CRM cannot be read.
    impact: Option<Hangs>,
}

/// How many calls a system takes, and how many of them are left.
#[derive(Debug, Serialize)]
struct Allowance {
    limit: u64,
    remaining: u64,
    /// Whether less than a tenth is left.
    low: bool,
}

impl From<Quota> for Allowance {
    fn from(quota: Quota) -> Self {
        Self { limit: quota.limit, remaining: quota.remaining, low: quota.is_low() }
    }
}

/// What came of a question.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Check {
    records: &'static str,
    /// How many came; none if it failed, and if there was nothing to ask by.
    found: Option<usize>,
    took_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Fault>,
}

/// Why a question was not answered.
#[derive(Debug, Serialize)]
struct Fault {
    code: &'static str,
    message: &'static str,
    /// What is known beyond that.
    detail: Option<String>,
    remedy: &'static str,
}

/// What hangs on a connection. Lost deals are left out.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Hangs {
    deals: usize,
    open_deals: usize,
    /// What their clients pay, by currency.
    contract_value: BTreeMap<String, String>,
    without_amount: usize,
}

impl From<Impact> for Hangs {
    fn from(impact: Impact) -> Self {
        let value = impact.contract_value.iter();
        Self {
            deals: impact.deals,
            open_deals: impact.open_deals,
            contract_value: value.map(|money| (money.currency.code().to_owned(), money.amount.to_string())).collect(),
            without_amount: impact.without_amount,
        }
    }
}

impl Diagnosed {
    fn of(reports: &Reports, examined: &Examined<'_>) -> Self {
        let connection = examined.connection;
        let health = connection.health();
        let skew = health.as_ref().and_then(|health| health.clock_skew);
        let checks: Vec<Check> = examined.findings.iter().map(Check::from).collect();
        let well = checks.iter().all(|check| check.error.is_none());
        Self {
            connection: connection.name.to_string(),
            system: connection.system,
            addresses: connection.upstreams.iter().map(|client| client.address()).collect::<BTreeSet<_>>(),
            owns: examined.owns.iter().map(|domain| domain.as_str()).collect(),
            checks,
            clock_skew_seconds: skew.map(|skew| skew.as_secs()),
            quota: health.and_then(|health| health.quota).map(Allowance::from),
            affected_fields: if well { Vec::new() } else { graph::affected(reports, connection) },
            well,
            impact: None,
        }
    }
}

impl From<&Finding> for Check {
    fn from(finding: &Finding) -> Self {
        Self {
            records: finding.records,
            found: finding.answer.as_ref().and_then(|answer| answer.as_ref().ok()).copied(),
            took_ms: u64::try_from(finding.took.as_millis()).unwrap_or(u64::MAX),
            error: finding.answer.as_ref().and_then(|answer| answer.as_ref().err()).map(Fault::from),
        }
    }
}

impl From<&SystemError> for Fault {
    fn from(error: &SystemError) -> Self {
        let code = Code::from(error.kind);
        Self {
            code: code.as_str(),
            message: error.kind.message(),
            detail: error.detail.as_deref().map(str::to_owned),
            remedy: code.remedy(),
        }
    }
}

/// The worst that was found.
fn exit_of(examined: &[Examined<'_>]) -> Exit {
    let findings = examined.iter().flat_map(|examined| &examined.findings);
    let failed = findings.filter_map(|finding| finding.answer.as_ref()?.as_ref().err());
    let exits = failed.map(|error| Exit::from(error.kind));
    // What cannot be reached comes before what is reached and does not show everything.
    exits.min_by_key(|exit| *exit as u8).unwrap_or(Exit::Ok)
}

fn json(diagnosis: &Diagnosis) -> String {
    serde_json::to_string_pretty(diagnosis).unwrap_or_default()
}

fn text(diagnosis: &Diagnosis) -> String {
    let mut text = String::new();
    let written = write_text(&mut text, diagnosis);
    debug_assert!(written.is_ok(), "writing to memory failed");
    text.truncate(text.trim_end().len());
    text
}

fn write_text(out: &mut String, diagnosis: &Diagnosis) -> std::fmt::Result {
    if let Some(certificate) = &diagnosis.certificate {
        writeln!(out, "spine itself\n  {}\n", certificate.line())?;
    }
    for system in &diagnosis.systems {
        let owns =
            if system.owns.is_empty() { "nothing: it is never asked".to_owned() } else { system.owns.join(", ") };
        let addresses: Vec<&str> = system.addresses.iter().map(String::as_str).collect();
        writeln!(out, "{} ({}, {}) owns {owns}", system.connection, system.system, addresses.join(", "))?;
        for check in &system.checks {
            match (&check.error, check.found) {
                (Some(error), _) => {
                    writeln!(out, "  FAIL  {:<23}{}: {}", check.records, error.code, error.message)?;
                    if let Some(detail) = &error.detail {
                        writeln!(out, "        {:<23}{detail}", "")?;
                    }
                    writeln!(out, "        {:<23}{}", "", error.remedy)?;
                }
                (None, Some(found)) => {
                    writeln!(out, "  ok    {:<23}{found:>4} read, {} ms", check.records, check.took_ms)?;
                }
                (None, None) => {
                    writeln!(out, "  -     {:<23}not asked: no record with a shared ID is known", check.records)?;
                }
            }
        }
        if let Some(skew) = system.clock_skew_seconds.filter(|skew| skew.abs() > CLOCK_SECONDS) {
            writeln!(out, "  WARN  its clock is {skew} s ahead of this machine's: signatures and tokens may fail")?;
        }
        if let Some(quota) = &system.quota {
            let (word, advice) = if quota.low { ("WARN", ": when none is, the system refuses") } else { ("ok  ", "") };
            writeln!(out, "  {word}  {:<23}{} of {} calls left{advice}", "quota", quota.remaining, quota.limit)?;
        }
        write_effect(out, system)?;
        writeln!(out)?;
    }
    let failing = diagnosis.systems.iter().filter(|system| !system.well).count();
    match (&diagnosis.project, failing) {
        (_, 1..) => writeln!(out, "{failing} of {} systems cannot be read in whole.", diagnosis.systems.len()),
        (Some(project), _) => writeln!(out, "All is well. What hangs on a project was asked for {project}."),
        (None, _) => writeln!(out, "All answer, but no record carries a shared ID: see docs/adding-a-connector.md."),
    }
}

/// What it takes away that a system fails.
fn write_effect(out: &mut String, system: &Diagnosed) -> std::fmt::Result {
    if system.well {
        return Ok(());
    }
    let mut of_types: BTreeMap<&str, usize> = BTreeMap::new();
    for (of, _) in system.affected_fields.iter().filter_map(|field| field.split_once('.')) {
        *of_types.entry(of).or_default() += 1;
    }
    let counted: Vec<String> = of_types.iter().map(|(of, fields)| format!("{of} ({fields})")).collect();
    writeln!(out, "        takes away fields of {} (--json names them)", counted.join(", "))?;
    let Some(impact) = &system.impact else {
        return writeln!(out, "        on how many deals nobody can say: the CRM does not tell");
    };
    let value: Vec<String> = impact.contract_value.iter().map(|(currency, sum)| format!("{currency} {sum}")).collect();
    let value = if value.is_empty() { String::new() } else { format!(", worth {}", value.join(" and ")) };
    let without = match impact.without_amount {
        0 => String::new(),
        count => format!("; {count} state no amount"),
    };
    writeln!(out, "        on {} deals, {} of them open{value}{without}", impact.deals, impact.open_deals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_told_of_three_weeks_before_it_ends() {
        let now: Timestamp = "2026-06-15T12:00:00Z".parse().unwrap();
        for (until, days, ended, line) in [
            (Some("2026-07-06T12:00:00Z"), Some(21), false, "ok "),
            (Some("2026-07-06T11:59:59Z"), Some(20), false, "WARN "),
            (Some("2026-06-15T12:00:00Z"), Some(0), false, "WARN "),
            (Some("2026-06-15T11:59:59Z"), Some(-1), true, "FAIL "),
            (None, None, false, "ok "),
        ] {
            let certificate = Certificate::until(until.map(|until| until.parse().unwrap()), now);
            assert_eq!((certificate.days_left, certificate.has_ended()), (days, ended), "{until:?}");
            assert!(certificate.line().starts_with(line), "{}", certificate.line());
        }
    }

    #[test]
    fn a_quota_that_is_nearly_used_up_is_told_of() {
        let told = |remaining| {
            let system = Diagnosed {
                connection: "crm".to_owned(),
                system: "hubspot",
                addresses: BTreeSet::new(),
                owns: vec!["commercial"],
                well: true,
                checks: Vec::new(),
                clock_skew_seconds: None,
                quota: Some(Quota { limit: 250_000, remaining }.into()),
                affected_fields: Vec::new(),
                impact: None,
            };
            text(&Diagnosis { certificate: None, project: None, systems: vec![system] })
        };
        assert!(told(25_000).contains("ok    quota                  25000 of 250000 calls left\n"), "{}", told(25_000));
        assert!(told(24_999).contains("WARN  quota                  24999 of 250000 calls left: "), "{}", told(24_999));
    }
}
