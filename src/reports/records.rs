//! Which records a viewer reads, where a role reads only some deals: those deals, the projects they lead to, and what hangs
//! on those projects. To all others it is as if the rest did not exist.

use std::collections::HashSet;

use super::{ReportError, Reports, distinct};
use crate::domain::{Domain, ProjectId};
use crate::reads::ReadOptions;

/// Of some projects those that a viewer reads: one of their deals is theirs to read.
#[derive(Debug)]
pub struct ProjectsSeen(
    /// None if the viewer reads all.
    Option<HashSet<ProjectId>>,
);

impl ProjectsSeen {
    /// Whether a project is among them.
    pub fn has(&self, id: &ProjectId) -> bool {
        self.0.as_ref().is_none_or(|seen| seen.contains(id))
    }

    /// Whether one of some is, so that what hangs on them is read. What hangs on none is read by those who read all.
    pub fn has_one_of(&self, ids: &[ProjectId]) -> bool {
        self.0.is_none() || ids.iter().any(|id| self.has(id))
    }
}

impl Reports {
    /// Of some projects those that the viewer reads.
    pub async fn projects_seen(
        &self,
        options: &ReadOptions,
        ids: impl Iterator<Item = ProjectId>,
    ) -> Result<ProjectsSeen, ReportError> {
        let viewer = &options.viewer;
        if viewer.sees_all_deals() {
            return Ok(ProjectsSeen(None));
        }
        let ids = distinct(ids);
        let commercial = self.reads.commercial.as_ref().ok_or(ReportError::NotOwned(Domain::Commercial))?;
        let mut seen = HashSet::new();
        for (id, read) in ids.iter().zip(commercial.deals_by_project.get_many(options, &ids).await) {
            let deals = read.map_err(ReportError::System)?.value;
            if deals.is_some_and(|deals| deals.iter().any(|deal| viewer.sees(deal))) {
                seen.insert(id.clone());
            }
        }
        Ok(ProjectsSeen(Some(seen)))
    }

    /// Whether the viewer reads one of some projects, and so what hangs on them.
    pub async fn sees_one_of(&self, options: &ReadOptions, ids: &[ProjectId]) -> Result<bool, ReportError> {
        Ok(self.projects_seen(options, ids.iter().cloned()).await?.has_one_of(ids))
    }
}
