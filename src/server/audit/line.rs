//! A line of the trail. Its names are a contract: docs/audit.md.

use std::collections::BTreeMap;
use std::net::IpAddr;

use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;

use super::Facts;
use crate::reads::TouchedReads;
use crate::server::request_id::RequestId;

/// A line.
#[derive(Debug, Serialize)]
pub(super) struct Line<'a> {
    /// The version of the contract.
    version: u8,
    at: String,
    request: &'a str,
    door: &'static str,
    /// Who asked.
    who: Who<'a>,
    role: Option<&'a str>,
    operation: Option<&'a str>,
    document: Option<&'a str>,
    reads: &'a BTreeMap<&'static str, usize>,
    projects: Vec<&'a str>,
    more_projects: bool,
    /// The classes of facts that are shown, as `[access.roles]` names them.
    shows: Vec<&'static str>,
    masked: &'a [String],
    kept: bool,
    outcome: &'static str,
    status: Option<u16>,
    duration_ms: u64,
}

#[derive(Debug, Serialize)]
struct Who<'a> {
    kind: Option<&'static str>,
    subject: Option<&'a str>,
    email: Option<&'a str>,
    address: Option<IpAddr>,
}

impl<'a> Line<'a> {
    pub(super) fn new(
        at: Timestamp,
        (id, address, door): (Option<&'a RequestId>, Option<IpAddr>, &'static str),
        facts: &'a Facts,
        reads: &'a TouchedReads,
        status: Option<StatusCode>,
        duration_ms: u64,
    ) -> Self {
        let principal = facts.viewer.as_ref().map(|viewer| &viewer.principal);
        let outcome = match status {
            None => "gone",
            Some(status) if status.is_server_error() => "failed",
            Some(status) if status.is_client_error() => "refused",
            Some(_) if facts.partial => "partial",
            Some(_) => "answered",
        };
        Self {
            version: 1,
            at: at.to_string(),
            request: id.map_or("", RequestId::as_str),
            door,
            who: Who {
                kind: principal.map(|principal| principal.kind.as_str()),
                subject: principal.map(|principal| principal.subject.as_str()).or(facts.refused_subject.as_deref()),
                email: principal.and_then(|principal| principal.email.as_deref()),
                address,
            },
            role: facts.viewer.as_ref().and_then(|viewer| viewer.view.role.as_deref()),
            operation: facts.operation.as_deref(),
            document: facts.document.as_deref(),
            reads: &reads.keys,
            projects: reads.projects.iter().map(crate::domain::ProjectId::as_str).collect(),
            more_projects: reads.more_projects,
            shows: facts.classes.iter().map(crate::domain::Class::as_str).collect(),
            masked: &facts.masked,
            kept: facts.kept.is_some(),
            outcome,
            status: status.map(|status| status.as_u16()),
            duration_ms,
        }
    }
}
