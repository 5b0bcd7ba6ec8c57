//! `extensions.spine`: what an answer cost. For developers; off unless the configuration allows it and the request asks.

use std::collections::BTreeMap;
use std::time::Duration;

use async_graphql::Value;
use http::{HeaderMap, HeaderName};
use serde::Serialize;

use crate::graph::Plan;
use crate::reads::Trace;
use crate::systems::{Budget, Priority};

/// The header by which a request asks for it.
const EXPLAIN: HeaderName = HeaderName::from_static("x-spine-explain");

/// Whether a request asks for it.
pub(super) fn is_asked(headers: &HeaderMap) -> bool {
    headers.get(EXPLAIN).is_some_and(|value| matches!(value.as_bytes(), b"1" | b"true"))
}

/// What was planned, and what was made of it.
pub(super) fn explained(plan: &Plan, trace: &Trace, budget: &Budget) -> Value {
    let budget = Allowance {
        limit: budget.setting(),
        allowed: budget.allowed(),
        planned: plan.batches.values().sum(),
        made: budget.made(),
    };
    async_graphql::to_value(Explained { planned: plan, made: Made::of(trace), budget }).unwrap_or_default()
}

#[derive(Serialize)]
struct Explained<'a> {
    planned: &'a Plan,
    made: Made,
    budget: Allowance,
}

/// The calls that the operation may make.
#[derive(Serialize)]
struct Allowance {
    /// Its setting in `[limits]`.
    limit: &'static str,
    allowed: u32,
    /// Batches at most, if nothing is in memory; each is a call at least.
    planned: usize,
    /// Calls that it paid for. Those of a batch that another request opened are that one's.
    made: u32,
}

#[derive(Serialize)]
struct Made {
    /// Calls by connection. A batch that other requests waited for, too, is counted by each of them.
    calls: BTreeMap<String, u32>,
    reads: Vec<Read>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Read {
    connection: String,
    #[serde(rename = "read")]
    name: &'static str,
    asked: usize,
    hits: usize,
    stale: usize,
    joined: usize,
    batches: Vec<Batch>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Batch {
    keys: usize,
    calls: u32,
    shared: bool,
    priority: &'static str,
    started_ms: f64,
    took_ms: f64,
}

impl Made {
    fn of(trace: &Trace) -> Self {
        let millis = |duration: Duration| (duration.as_secs_f64() * 1_000_000.0).round() / 1000.0;
        let mut calls = BTreeMap::new();
        let mut reads = Vec::new();
        for read in trace.reads() {
            let batches = read.batches.iter().map(|batch| Batch {
                keys: batch.keys,
                calls: batch.calls,
                shared: batch.shared,
                priority: match batch.priority {
                    Priority::Interactive => "interactive",
                    Priority::Report => "report",
                },
                started_ms: millis(batch.started),
                took_ms: millis(batch.took),
            });
            let batches: Vec<_> = batches.collect();
            let sum: u32 = batches.iter().map(|batch| batch.calls).sum();
            *calls.entry(read.connection.to_string()).or_default() += sum;
            let connection = read.connection.to_string();
            let (asked, hits, stale, joined) = (read.asked, read.hits, read.stale, read.joined);
            reads.push(Read { connection, name: read.read, asked, hits, stale, joined, batches });
        }
        Self { calls, reads }
    }
}
