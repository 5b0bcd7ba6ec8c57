//! Looks at every connection: whether it answers, what it shows of what it owns, and what hangs on it.

use futures_util::future::join_all;

use super::Reports;
use crate::domain::{Domain, ProjectId};
use crate::systems::Connection;
use crate::systems::examine::{self, Finding, Sample};

/// A connection that was looked at.
#[derive(Debug)]
pub struct Examined<'a> {
    /// The connection.
    pub connection: &'a Connection,
    /// The domains it owns.
    pub owns: Vec<Domain>,
    /// What it was asked, and what came of it.
    pub findings: Vec<Finding>,
}

impl Reports {
    /// Asks every connection one small question for each kind of record it owns, past the cache. What hangs on one project is
    /// asked for `project`, else for the first that is found.
    pub async fn examine(&self, project: Option<ProjectId>) -> (Vec<Examined<'_>>, Option<ProjectId>) {
        let owned: Vec<_> = self.connections.iter().map(|connection| (connection, self.owned_by(connection))).collect();
        let lists = join_all(owned.iter().map(|(connection, owns)| examine::lists(connection, owns))).await;
        // A deal's project is in every system, if all is well; other projects need not be.
        let by_crm = owned.iter().zip(&lists).find(|((_, owns), _)| owns.contains(&Domain::Commercial));
        let deal = by_crm.and_then(|(_, (_, sample))| sample.deal.clone());
        let of_crm = by_crm.and_then(|(_, (_, sample))| sample.project.clone());
        let project = project.or(of_crm).or_else(|| lists.iter().find_map(|(_, sample)| sample.project.clone()));
        let sample = Sample { project: project.clone(), deal };
        let examined = owned.into_iter().zip(lists).map(async |((connection, owns), (findings, _))| {
            let findings = examine::records(connection, &owns, &sample, findings).await;
            Examined { connection, owns, findings }
        });
        (join_all(examined).await, project)
    }

    /// The domains that a connection owns, at least of some projects.
    pub fn owned_by(&self, connection: &Connection) -> Vec<Domain> {
        let owns =
            |domain: &Domain| self.reads.owners(*domain).iter().any(|(_, owner)| owner.connection == connection.name);
        Domain::ALL.into_iter().filter(owns).collect()
    }
}
