//! Which records a viewer reads, where a role reads only some deals.

use async_graphql::{Context, Result};

use super::context::{options, spine};
use super::errors::report_error;
use crate::domain::ProjectId;
use crate::reports::ProjectsSeen;

/// Of some projects those that the viewer reads.
pub(super) async fn projects_seen(ctx: &Context<'_>, ids: impl Iterator<Item = ProjectId>) -> Result<ProjectsSeen> {
    spine(ctx)?.reports.projects_seen(options(ctx)?, ids).await.map_err(|error| report_error(&error))
}

/// Whether the viewer reads one of some projects, and so what hangs on them.
pub(super) async fn sees_one_of(ctx: &Context<'_>, ids: &[ProjectId]) -> Result<bool> {
    spine(ctx)?.reports.sees_one_of(options(ctx)?, ids).await.map_err(|error| report_error(&error))
}
