//! What every resolver can reach: the readers, the clock, and what this request asks of the values it reads.

use std::sync::Arc;

use async_graphql::{Context, Result};

use super::errors::{bad_request, masked, not_owned};
use super::owner::Ownership;
use crate::access::Viewer;
use crate::domain::{Class, Clock, Domain, ProjectId, SharedIdRule};
use crate::reads::{Commercial, Costs, Delivery, Invoices, ReadOptions, Reads, Tickets};
use crate::reports::Reports;

/// What the graph stands on.
#[derive(Debug)]
pub struct Spine {
    /// All that can be read.
    pub reads: Arc<Reads>,
    /// Questions about many projects.
    pub reports: Arc<Reports>,
    /// How shared IDs are spelled.
    pub shared_id: SharedIdRule,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The owner of every field.
    pub ownership: Vec<Ownership>,
}

impl Spine {
    pub(super) fn commercial(&self) -> Result<&Commercial> {
        self.reads.commercial.as_ref().ok_or_else(|| not_owned(Domain::Commercial))
    }

    pub(super) fn delivery(&self, id: &ProjectId) -> Result<&Delivery> {
        self.reads.delivery.of(id).ok_or_else(|| not_owned(Domain::Delivery))
    }

    pub(super) fn work(&self, id: &ProjectId) -> Result<&Tickets> {
        self.delivery(id)?.work.as_deref().ok_or_else(|| not_owned(Domain::Delivery))
    }

    pub(super) fn tickets(&self, id: &ProjectId) -> Result<&Tickets> {
        self.reads.tickets.of(id).map(AsRef::as_ref).ok_or_else(|| not_owned(Domain::Tickets))
    }

    pub(super) fn receivables(&self, id: &ProjectId) -> Result<&Invoices> {
        self.reads.receivables.of(id).ok_or_else(|| not_owned(Domain::Receivables))
    }

    pub(super) fn costs(&self, id: &ProjectId) -> Result<&Costs> {
        self.reads.costs.of(id).ok_or_else(|| not_owned(Domain::Costs))
    }

    pub(super) fn payables(&self, id: &ProjectId) -> Result<&Invoices> {
        self.costs(id)?.payables.as_ref().ok_or_else(|| not_owned(Domain::Costs))
    }

    /// The canonical form of a shared ID that a reader typed.
    pub(super) fn project_id(&self, text: &str) -> Result<ProjectId> {
        self.shared_id.parse(text).map_err(|error| bad_request(error.to_string()))
    }
}

/// What the graph stands on.
pub(super) fn spine<'c>(ctx: &Context<'c>) -> Result<&'c Spine> {
    ctx.data::<Arc<Spine>>().map(AsRef::as_ref)
}

/// What this request asks of the values it reads.
pub(super) fn options<'c>(ctx: &Context<'c>) -> Result<&'c ReadOptions> {
    ctx.data::<ReadOptions>()
}

/// Who reads.
pub(super) fn viewer<'c>(ctx: &Context<'c>) -> Result<&'c Viewer> {
    Ok(&options(ctx)?.viewer)
}

/// Goes on only if the viewer's role shows a class of facts: `what` is what of it is asked for.
pub(super) fn require(ctx: &Context<'_>, class: Class, what: &str) -> Result<()> {
    let view = &viewer(ctx)?.view;
    if view.reads(class) { Ok(()) } else { Err(masked(what, view)) }
}

/// Goes on only if the viewer's role shows a field, by type and name: who sorts, groups or filters by it sees it.
pub(super) fn require_field(ctx: &Context<'_>, field: &str) -> Result<()> {
    let view = &viewer(ctx)?.view;
    if view.may(field) { Ok(()) } else { Err(masked(field, view)) }
}
