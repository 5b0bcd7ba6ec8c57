//! The connector against small servers, over HTTP.

mod details;
mod domain;
mod inside;
mod keys;
mod lists;
mod oauth;
mod paging;
mod refusals;
mod transport;
mod values;
mod whole;

use std::sync::Arc;
use std::time::Duration;

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::CONTENT_TYPE;

use super::{Config, connect};
use crate::config::Traffic;
use crate::domain::{ConnectionName, ManualClock, ProjectId};
use crate::systems::declared::stub::{Seen, Stub, call, clock, context, json, prj, rule, status, stub};
use crate::systems::{Connection, ConnectionContext, ConnectionProblem};

/// A connection by the text of its section, `url` left out.
fn connection(url: &str, text: &str) -> Connection {
    try_connection(url, text).unwrap()
}

/// The same, with limits of its own.
fn connection_within(url: &str, text: &str, traffic: Traffic) -> Connection {
    let config: Config = toml::from_str(&format!("url = \"{url}\"\n{text}")).unwrap();
    connect(config, ConnectionContext { traffic, ..context(rule()) }).unwrap()
}

fn try_connection(url: &str, text: &str) -> Result<Connection, ConnectionProblem> {
    let config: Config = toml::from_str(&format!("url = \"{url}\"\n{text}")).unwrap();
    connect(config, context(rule()))
}
