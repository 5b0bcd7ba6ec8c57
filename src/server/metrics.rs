//! `GET /metrics`, at `server.admin_listen` alone: figures for those who run Spine, as Prometheus reads them.

use std::fmt::Write;

use axum::response::{IntoResponse, Response};
use http::header;

use super::configuration::Configuration;
use crate::systems::Connection;
use crate::systems::http::{BreakerState, Health};

/// The form in which Prometheus reads figures.
const MEDIA: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The figures now.
pub(super) fn text(configuration: &Configuration, connections: &[Connection]) -> Response {
    let mut text = String::new();
    let state = configuration.state();
    let gauge = "gauge";
    metric(&mut text, "spine_config_generation", gauge, "Which configuration is in use, counted from the start.");
    line(&mut text, "spine_config_generation", state.generation);
    metric(&mut text, "spine_config_loaded_timestamp_seconds", gauge, "When the configuration in use was read.");
    line(&mut text, "spine_config_loaded_timestamp_seconds", state.loaded_at.as_second());
    metric(&mut text, "spine_config_refused", gauge, "1 while a newer configuration cannot be used: see the log.");
    line(&mut text, "spine_config_refused", u8::from(state.refused_at.is_some()));
    metric(&mut text, "spine_config_refusals_total", "counter", "Configurations that could not be used.");
    line(&mut text, "spine_config_refusals_total", state.refused);
    for (name, kind, help, value) in SYSTEMS {
        metric(&mut text, name, kind, help);
        for connection in connections {
            // Names of connections are keys of the configuration; quotes and backslashes would end the label.
            let label = connection.name.as_str().replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            line(
                &mut text,
                &format!("{name}{{connection=\"{label}\",system=\"{}\"}}", connection.system),
                value(connection.health().as_ref()),
            );
        }
    }
    ([(header::CONTENT_TYPE, MEDIA)], text).into_response()
}

/// A figure of every connection: name, kind, meaning, and how it is worked out.
type Figure = (&'static str, &'static str, &'static str, fn(Option<&Health>) -> u64);

const SYSTEMS: [Figure; 6] = [
    ("spine_system_up", "gauge", "0 while a system failed repeatedly and is given a rest.", |health| {
        u64::from(health.is_none_or(|health| health.breaker == BreakerState::Closed))
    }),
    ("spine_system_calls_total", "counter", "Attempts to call a system.", |health| {
        health.map_or(0, |health| health.calls)
    }),
    ("spine_system_failures_total", "counter", "Attempts that failed.", |health| {
        health.map_or(0, |health| health.failures)
    }),
    ("spine_system_running", "gauge", "Calls under way.", |health| count(health, |health| health.running)),
    ("spine_system_waiting", "gauge", "Calls that wait for one of these to end.", |health| {
        count(health, |health| health.waiting)
    }),
    ("spine_system_concurrency", "gauge", "Calls at once that it gets now.", |health| {
        count(health, |health| health.places)
    }),
];

fn count(health: Option<&Health>, of: fn(&Health) -> usize) -> u64 {
    health.map_or(0, |health| u64::try_from(of(health)).unwrap_or(u64::MAX))
}

fn metric(text: &mut String, name: &str, kind: &str, help: &str) {
    let written = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    debug_assert!(written.is_ok(), "writing to memory failed");
}

fn line(text: &mut String, name: &str, value: impl std::fmt::Display) {
    let written = writeln!(text, "{name} {value}");
    debug_assert!(written.is_ok(), "writing to memory failed");
}
