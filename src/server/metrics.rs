//! `GET /metrics`, at `server.admin_listen` alone: figures for those who run Spine, as Prometheus reads them.

use std::fmt::Write;
use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use http::header;

use super::configuration::Configuration;
use super::places::Places;
use super::replicas::{Figures, PeerFigures};
use crate::systems::Connection;
use crate::systems::http::{BreakerState, Health};

/// The form in which Prometheus reads figures.
const MEDIA: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The figures now.
pub(super) fn text(
    configuration: &Configuration,
    places: &[Arc<Places>],
    connections: &[Connection],
    replicas: &Figures,
) -> Response {
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
    of_places(&mut text, places);
    for (name, kind, help, value) in SYSTEMS {
        metric(&mut text, name, kind, help);
        for connection in connections {
            let label = escaped(connection.name.as_str());
            line(
                &mut text,
                &format!("{name}{{connection=\"{label}\",system=\"{}\"}}", connection.system),
                value(connection.health().as_ref()),
            );
        }
    }
    if replicas.configured {
        of_replicas(&mut text, replicas);
    }
    ([(header::CONTENT_TYPE, MEDIA)], text).into_response()
}

fn of_places(text: &mut String, places: &[Arc<Places>]) {
    metric(text, "spine_places_taken", "gauge", "Requests in work, and subscriptions that are followed.");
    for places in places {
        line(text, &format!("spine_places_taken{{of=\"{}\"}}", places.of.word()), places.figures().taken);
    }
    metric(text, "spine_refused_total", "counter", "Those who found all places taken, or had their part of them.");
    for places in places {
        let (of, figures) = (places.of.word(), places.figures());
        for (reason, refused) in [("all_taken", figures.all_taken), ("part_taken", figures.part_taken)] {
            line(text, &format!("spine_refused_total{{of=\"{of}\",reason=\"{reason}\"}}"), refused);
        }
    }
}

fn of_replicas(text: &mut String, replicas: &Figures) {
    for (name, kind, help, value) in REPLICAS {
        metric(text, name, kind, help);
        for peer in &replicas.peers {
            line(text, &format!("{name}{{replica=\"{}\"}}", escaped(&peer.address)), value(peer));
        }
    }
    let heard = "Messages of replicas that were heard.";
    let refused = "Messages that were not believed, or not understood: see the log.";
    let lookups = "Looks at the name of the replicas that came to nothing.";
    for (name, help, value) in [
        ("spine_replica_heard_total", heard, replicas.heard),
        ("spine_replica_refused_total", refused, replicas.refused),
        ("spine_replica_lookup_failures_total", lookups, replicas.lookup_failures),
    ] {
        metric(text, name, "counter", help);
        line(text, name, value);
    }
}

/// A name as a label: quotes, backslashes and line breaks would end it.
fn escaped(name: &str) -> String {
    name.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// A figure of every other replica.
type ReplicaFigure = (&'static str, &'static str, &'static str, fn(&PeerFigures) -> u64);

const REPLICAS: [ReplicaFigure; 4] = [
    ("spine_replica_up", "gauge", "0 while a replica cannot be told what to forget.", |peer| u64::from(peer.up)),
    ("spine_replica_messages_total", "counter", "Messages that a replica took.", |peer| peer.taken),
    ("spine_replica_failures_total", "counter", "Messages that a replica did not take.", |peer| peer.failures),
    ("spine_replica_lost_total", "counter", "Changes that a replica was never told of.", |peer| peer.lost),
];

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
