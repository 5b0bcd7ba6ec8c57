//! Redmine, from 5.0: projects, versions, issues and hours, over its REST API.
//!
//! What it is silent about, and what is done about it here:
//!
//! - A bad key makes a list request anonymous: 200 and nothing in it. `/users/current.json` tells, every few minutes and
//!   whenever something that was asked for is missing.
//! - A filter that Redmine does not have, or a custom field not marked "used as a filter", is ignored: everything comes.
//!   Every row is checked against what was asked for.
//! - Closed projects and closed issues are left out unless asked for. Archived projects cannot be seen at all.
//! - `limit` is cut to 100. Pages are read to the end that `total_count` promises, or the read fails.
//! - Rows that the key's user may not see are left out without a word: see `docs/connectors/redmine.md` for the rights it
//!   needs.
//!
//! Vendor documentation: <https://www.redmine.org/projects/redmine/wiki/Rest_api>. What is not in there was read from
//! the source of 5.0.4 and is checked against a real instance (`tests/redmine`).

mod client;
mod config;
mod lookup;
mod map;
mod query;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt};

use self::client::{Client, PARALLEL};
use self::map::Words;
use self::query::{MOST, long, short};
use super::{
    Batch, BatchResult, Call, Connection, ConnectionContext, ConnectionProblem, ErrorKind, ProjectSource, SystemError,
    TicketSource,
};
use crate::domain::{
    Effort, Milestone, Page, Project, ProjectId, ProjectQuery, ProjectStatus, SharedIdRule, Ticket, TicketId,
};

pub use self::config::{Config, FieldRef, Fields, HealthWord, PriorityWord, SharedIdPlace, StatusWord, Trackers};

/// Kind of system.
const SYSTEM: &str = "redmine";

/// Builds a connection from its section of the configuration. It can own delivery and tickets.
pub fn connect(config: Config, context: ConnectionContext) -> Result<Connection, ConnectionProblem> {
    let (client, base_url) = Client::new(&config, &context)?;
    let words = Words::new(config, base_url);
    let redmine = Arc::new(Redmine { client, words, shared_id: context.shared_id });
    let mut connection = Connection::new(context.name, SYSTEM);
    connection.upstreams.push(redmine.client.upstream());
    connection.projects = Some(Arc::<Redmine>::clone(&redmine));
    connection.tickets = Some(redmine);
    Ok(connection)
}

/// A Redmine installation.
#[derive(Debug)]
struct Redmine {
    client: Client,
    words: Words,
    shared_id: SharedIdRule,
}

#[async_trait]
impl ProjectSource for Redmine {
    fn batch_limit(&self) -> usize {
        MOST
    }

    async fn projects(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Project> {
        let located = self.locate(call, ids).await?;
        let found = located.found.into_iter().map(|(id, row)| (id.clone(), self.words.project(id, &row)));
        Ok(Batch { found: found.collect(), failed: located.failed })
    }

    /// One call per project, beside those that find the projects.
    async fn milestones(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Milestone>> {
        let located = self.locate(call, ids).await?;
        let mut calls = Vec::new();
        for (id, row) in located.found {
            let Some(number) = row.id.number() else { continue };
            calls.push(async move { (id, self.milestones_of(call, number).await) });
        }
        let answers: Vec<_> = stream::iter(calls).buffer_unordered(PARALLEL).collect().await;
        let mut batch = Batch { found: HashMap::new(), failed: located.failed };
        for (id, answer) in answers {
            match answer {
                Ok(milestones) => drop(batch.found.insert(id, milestones)),
                Err(error) => drop(batch.failed.insert(id, error)),
            }
        }
        Ok(batch)
    }

    /// From time entries. Roles would cost one call per project and are left out.
    async fn effort(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Effort> {
        let (located, mut entries) = self.children::<wire::TimeEntry>(call, ids).await?;
        let mut batch = Batch { found: HashMap::new(), failed: located.failed };
        for id in located.found.into_keys() {
            if let Some(effort) = map::effort(&entries.remove(&id).unwrap_or_default()) {
                batch.found.insert(id, effort);
            } else {
                let detail = "the hours of a time entry are no number";
                let error = self.client.error("time_entries.list", ErrorKind::BadResponse, detail);
                batch.failed.insert(id, error);
            }
        }
        Ok(batch)
    }

    /// In the order in which projects were created: Redmine cannot list them by number.
    async fn project_page(
        &self,
        call: &Call,
        query: &ProjectQuery,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Project>, SystemError> {
        const OPERATION: &str = "projects.list";
        let offset: usize = after.unwrap_or("0").parse().map_err(|_| {
            self.client.error(OPERATION, ErrorKind::BadRequest, "`after` is not from a page of this connection")
        })?;
        let status: &[&str] = match &query.status {
            None => &["1", "5"],
            Some(ProjectStatus::Active) => &["1"],
            Some(ProjectStatus::Completed) => &["5"],
            // Redmine knows no other states.
            Some(_) => return Ok(Page { items: Vec::new(), next: None, total: Some(0) }),
        };
        self.client.verify_key(call, false).await?;
        let field = self.client.shared_id_field(call).await?;
        let mut filters = vec![long("status", "=", status)];
        filters.extend(field.map(|field| long(&format!("cf_{field}"), "*", &[])));
        let text = query.text.as_deref().map(str::trim).filter(|text| !text.is_empty());
        filters.extend(text.map(|text| long("name", "~", &[text])));
        let filters = format!("{}&sort=created_on", filters.join("&"));
        let limit = limit.clamp(1, MOST);
        let list =
            self.client.page::<wire::Project>(call, OPERATION, "/projects.json", &filters, (offset, limit)).await?;
        let total = self.client.total(OPERATION, &list)?;
        if list.rows.is_empty() && offset < total {
            return Err(self.client.error(OPERATION, ErrorKind::Truncated, "a page ended before `total_count`"));
        }
        if list.rows.is_empty() {
            self.client.verify_key(call, true).await?;
        }
        let end = offset + list.rows.len();
        let items =
            list.rows.iter().filter_map(|row| Some(self.words.project(self.shared_id_of(row, field)?, row))).collect();
        Ok(Page { items, next: (end < total).then(|| end.to_string()), total: u64::try_from(total).ok() })
    }
}

#[async_trait]
impl TicketSource for Redmine {
    fn batch_limit(&self) -> usize {
        MOST
    }

    /// Two calls per hundred: the issues, then their projects, which alone know their shared IDs.
    async fn tickets(&self, call: &Call, ids: &[TicketId]) -> BatchResult<TicketId, Ticket> {
        const OPERATION: &str = "issues.list";
        let asked: HashSet<u64> = ids.iter().filter_map(|id| issue_number(id.as_str())).collect();
        let numbers: Vec<String> = asked.iter().map(u64::to_string).collect();
        let mut batch = Batch::default();
        self.client.verify_key(call, false).await?;
        let field = self.client.shared_id_field(call).await?;
        for numbers in numbers.chunks(MOST) {
            let query = format!("status_id=*&issue_id={}&sort=id", numbers.join(","));
            let issues = self
                .client
                .all(call, OPERATION, ("/issues.json", &query), |rows: &[wire::Issue]| {
                    self.only(OPERATION, &asked, rows.iter().map(|row| &row.id))
                })
                .await?;
            let projects = self.projects_of(call, field, &issues).await?;
            batch.found.extend(issues.iter().map(|issue| {
                let project = issue.project.id.number().and_then(|number| projects.get(&number).cloned());
                (TicketId::new(issue.id.0.as_str()), self.words.ticket(project, issue))
            }));
        }
        if batch.found.len() < ids.len() {
            self.client.verify_key(call, true).await?;
        }
        Ok(batch)
    }

    async fn tickets_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Ticket>> {
        let (located, mut issues) = self.children::<wire::Issue>(call, ids).await?;
        let found = located.found.into_keys().map(|id| {
            let issues = issues.remove(&id).unwrap_or_default();
            let tickets = self.words.tickets(&id, &issues);
            (id, tickets)
        });
        Ok(Batch { found: found.collect(), failed: located.failed })
    }
}

impl Redmine {
    /// The milestones of a project, by its number.
    async fn milestones_of(&self, call: &Call, project: u64) -> Result<Vec<Milestone>, SystemError> {
        let mut versions = self.client.versions(call, project).await?;
        // Versions that another project shares with this one are that project's milestones.
        versions.retain(|version| version.project.id.number() == Some(project));
        let mut milestones: Vec<Milestone> = versions.iter().map(|version| self.words.milestone(version)).collect();
        milestones.sort_by_key(|milestone| (milestone.due_date.is_none(), milestone.due_date));
        Ok(milestones)
    }

    /// The shared IDs of the projects of these issues, by the projects' numbers.
    async fn projects_of(
        &self,
        call: &Call,
        field: Option<u64>,
        issues: &[wire::Issue],
    ) -> Result<HashMap<u64, ProjectId>, SystemError> {
        const OPERATION: &str = "projects.list";
        let asked: HashSet<u64> = issues.iter().filter_map(|issue| issue.project.id.number()).collect();
        if asked.is_empty() {
            return Ok(HashMap::new());
        }
        let numbers: Vec<String> = asked.iter().map(u64::to_string).collect();
        let values: Vec<&str> = numbers.iter().map(String::as_str).collect();
        let query = format!("status=1%7C5&{}&sort=created_on", short("id", &values));
        let rows = self
            .client
            .all(call, OPERATION, ("/projects.json", &query), |rows: &[wire::Project]| {
                self.only(OPERATION, &asked, rows.iter().map(|row| &row.id))
            })
            .await?;
        Ok(rows.iter().filter_map(|row| Some((row.id.number()?, self.shared_id_of(row, field)?))).collect())
    }

    /// Refuses rows that were not asked for: the filter was ignored.
    fn only<'r>(
        &self,
        operation: &'static str,
        asked: &HashSet<u64>,
        ids: impl IntoIterator<Item = &'r wire::Scalar>,
    ) -> Result<(), SystemError> {
        if ids.into_iter().all(|id| id.number().is_some_and(|id| asked.contains(&id))) {
            return Ok(());
        }
        Err(self.client.error(operation, ErrorKind::BadResponse, "rows came that were not asked for"))
    }
}

/// The number of an issue: at most ten digits. Anything else is no issue's ID.
fn issue_number(id: &str) -> Option<u64> {
    let canonical = id.len() <= 10 && id.bytes().all(|byte| byte.is_ascii_digit()) && !id.starts_with('0');
    id.parse().ok().filter(|_| canonical)
}
