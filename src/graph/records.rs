//! Which records a viewer reads, where a role reads only some deals: those deals, the projects they lead to, and what hangs
//! on those projects. To all others it is as if the rest did not exist.

use std::collections::HashSet;

use async_graphql::{Context, Result};

use super::context::{options, spine, viewer};
use super::errors::system_error;
use crate::domain::ProjectId;
use crate::reports::distinct;

/// Of some projects those that the viewer reads: one of their deals is theirs to read. None if the viewer reads all.
pub(super) async fn projects_seen(
    ctx: &Context<'_>,
    ids: impl Iterator<Item = ProjectId>,
) -> Result<Option<HashSet<ProjectId>>> {
    let viewer = viewer(ctx)?;
    if viewer.sees_all_deals() {
        return Ok(None);
    }
    let ids = distinct(ids);
    let commercial = spine(ctx)?.commercial()?;
    let mut seen = HashSet::new();
    for (id, read) in ids.iter().zip(commercial.deals_by_project.get_many(options(ctx)?, &ids).await) {
        let deals = read.map_err(|error| system_error(&error))?.value;
        if deals.is_some_and(|deals| deals.iter().any(|deal| viewer.sees(deal))) {
            seen.insert(id.clone());
        }
    }
    Ok(Some(seen))
}

/// Whether the viewer reads one of some projects, and so what hangs on them.
pub(super) async fn sees_one_of(ctx: &Context<'_>, ids: &[ProjectId]) -> Result<bool> {
    Ok(projects_seen(ctx, ids.iter().cloned()).await?.is_none_or(|seen| !seen.is_empty()))
}
