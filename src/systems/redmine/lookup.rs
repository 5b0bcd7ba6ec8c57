//! From shared IDs to projects, and to the rows that belong to them.

use std::collections::{HashMap, HashSet};

use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::de::DeserializeOwned;

use super::Redmine;
use super::client::PARALLEL;
use super::query::{BYTES, MOST, groups, kept_bytes, long, one_of};
use super::wire::{CustomField, Issue, List, Named, Project, Record, TimeEntry};
use crate::domain::ProjectId;
use crate::systems::{Call, ErrorKind, SystemError};

/// Projects by shared ID.
#[derive(Debug, Default)]
pub(super) struct Located {
    pub(super) found: HashMap<ProjectId, Project>,
    pub(super) failed: HashMap<ProjectId, SystemError>,
    /// The shared ID of every project seen, by its number; of twins too.
    numbers: HashMap<u64, ProjectId>,
}

impl Located {
    fn merge(&mut self, other: Self) {
        self.found.extend(other.found);
        self.failed.extend(other.failed);
        self.numbers.extend(other.numbers);
    }
}

/// A row that belongs to a project.
pub(super) trait Child: Record + DeserializeOwned + Send {
    /// What is asked, for errors and logs.
    const OPERATION: &str;
    const PATH: &str;
    /// Filters and order of every query. `sort=id` is no column of time entries, whose order then is by number, too.
    const QUERY: &str;
    /// Room for the values of a filter, counted by [`kept_bytes`].
    const KEPT: usize;

    fn project(&self) -> &Named;
}

impl Child for Issue {
    const OPERATION: &str = "issues.list";
    const PATH: &str = "/issues.json";
    // Without a status, closed issues are left out.
    const QUERY: &str = "status_id=*&sort=id";
    // Redmine keeps the filters of an issue list in the session, the session in a cookie, and a cookie has 4 kB: with more
    // than about 1,950 of these bytes the answer is a 500 (5.0.4, measured). Hundred numbers of projects always fit.
    const KEPT: usize = 1_500;

    fn project(&self) -> &Named {
        &self.project
    }
}

impl Child for TimeEntry {
    const OPERATION: &str = "time_entries.list";
    const PATH: &str = "/time_entries.json";
    const QUERY: &str = "sort=id";
    const KEPT: usize = usize::MAX;

    fn project(&self) -> &Named {
        &self.project
    }
}

impl Redmine {
    /// The projects that carry these IDs. An ID in neither map has no project.
    pub(super) async fn locate(&self, call: &Call, ids: &[ProjectId]) -> Result<Located, SystemError> {
        let (key, located) = tokio::join!(self.client.verify_key(call, false), self.look_up(call, ids));
        key?;
        let located = located?;
        self.verify_misses(call, ids, &located).await?;
        Ok(located)
    }

    /// With a bad key, nothing is found and nothing is refused.
    async fn verify_misses(&self, call: &Call, ids: &[ProjectId], located: &Located) -> Result<(), SystemError> {
        if ids.iter().any(|id| !located.found.contains_key(id) && !located.failed.contains_key(id)) {
            self.client.verify_key(call, true).await?;
        }
        Ok(())
    }

    async fn look_up(&self, call: &Call, ids: &[ProjectId]) -> Result<Located, SystemError> {
        if self.client.by_identifier() {
            return self.by_identifier(call, ids).await;
        }
        let Some(field) = self.client.shared_id_field(call).await? else { return Ok(Located::default()) };
        let groups = self.grouped(ids, &format!("cf_{field}"));
        let calls: Vec<_> = groups.iter().map(|group| self.carriers(call, field, group)).collect();
        let answers: Vec<Located> = stream::iter(calls).buffered(PARALLEL).try_collect().await?;
        let mut located = Located::default();
        for answer in answers {
            located.merge(answer);
        }
        Ok(located)
    }

    /// Cuts IDs into groups that fit into one call each.
    fn grouped(&self, ids: &[ProjectId], field: &str) -> Vec<Vec<ProjectId>> {
        let keys: Vec<(ProjectId, Vec<String>)> = ids.iter().map(|id| (id.clone(), self.spellings(id))).collect();
        groups(&keys, field)
    }

    /// The spellings under which a project may carry the ID. Redmine's filter tells upper from lower case (on most
    /// databases), and people do not.
    fn spellings(&self, id: &ProjectId) -> Vec<String> {
        let mut spellings = vec![id.as_str().to_owned()];
        for other in [id.as_str().to_lowercase(), id.as_str().to_uppercase()] {
            if !spellings.contains(&other) && self.shared_id.parse(&other).as_ref() == Ok(id) {
                spellings.push(other);
            }
        }
        spellings
    }

    fn one_of(&self, field: &str, ids: &[ProjectId]) -> String {
        let spellings: Vec<String> = ids.iter().flat_map(|id| self.spellings(id)).collect();
        one_of(field, &spellings.iter().map(String::as_str).collect::<Vec<_>>())
    }

    /// Projects by the custom field, which has to be marked "used as a filter": Redmine ignores a filter it does not
    /// have, and sends everything. So a row that was not asked for is an error.
    async fn carriers(&self, call: &Call, field: u64, ids: &[ProjectId]) -> Result<Located, SystemError> {
        const OPERATION: &str = "projects.list";
        let asked: HashSet<&ProjectId> = ids.iter().collect();
        let folded: HashSet<String> = ids.iter().map(|id| id.as_str().to_lowercase()).collect();
        let value = |project: &Project| {
            let field_id = field.to_string();
            project.custom_fields.iter().find(|field| field.id.0 == field_id).and_then(CustomField::text)
        };
        // Without a status, closed projects are left out. The number is no column to sort by.
        let query = format!("status=1%7C5&{}&sort=created_on", self.one_of(&format!("cf_{field}"), ids));
        let rows = self
            .client
            .all(call, OPERATION, ("/projects.json", &query), |rows: &[Project]| {
                let stray = rows.iter().any(|row| {
                    value(row).is_none_or(|id| {
                        // Some databases compare without regard to case: such a row is not ours, and no reason to fail.
                        self.shared_id.parse(&id).map_or(true, |id| !asked.contains(&id))
                            && !folded.contains(&id.to_lowercase())
                    })
                });
                if stray { Err(self.filter_ignored(OPERATION)) } else { Ok(()) }
            })
            .await?;
        let mut located = Located::default();
        for row in rows {
            let id = value(&row).and_then(|id| self.shared_id.parse(&id).ok()).filter(|id| asked.contains(id));
            let Some(id) = id else { continue };
            self.place(OPERATION, &mut located, id, row)?;
        }
        Ok(located)
    }

    fn filter_ignored(&self, operation: &'static str) -> SystemError {
        self.client.forget_fields();
        let detail = "rows came that were not asked for: is the custom field marked \"used as a filter\"?";
        self.client.error(operation, ErrorKind::BadRequest, detail)
    }

    /// Puts a project where it belongs; the second one with the same ID makes it a conflict.
    fn place(
        &self,
        operation: &'static str,
        located: &mut Located,
        id: ProjectId,
        row: Project,
    ) -> Result<(), SystemError> {
        let number = row.id.number();
        let number = number
            .ok_or_else(|| self.client.error(operation, ErrorKind::BadResponse, "a project's `id` is no number"))?;
        located.numbers.insert(number, id.clone());
        if located.found.remove(&id).is_some() || located.failed.contains_key(&id) {
            let twins = self.client.error(operation, ErrorKind::Conflict, "two projects carry this shared ID");
            located.failed.insert(id, twins);
        } else {
            located.found.insert(id, row);
        }
        Ok(())
    }

    /// Projects whose identifier is the ID in lower case, one call each: there is no filter on it.
    async fn by_identifier(&self, call: &Call, ids: &[ProjectId]) -> Result<Located, SystemError> {
        let mut calls = Vec::new();
        for id in ids {
            if let Some(identifier) = self.identifier(id) {
                calls.push(async move { (id, self.client.project(call, &identifier).await) });
            }
        }
        let answers: Vec<_> = stream::iter(calls).buffered(PARALLEL).collect().await;
        let mut located = Located::default();
        for (id, answer) in answers {
            match answer {
                Ok(Some(row)) => self.place("projects.show", &mut located, id.clone(), row)?,
                Ok(None) => {}
                // The key is good, but its user may not see this project, or the project is archived.
                Err(error) if error.kind == ErrorKind::Forbidden => {
                    located.failed.insert(id.clone(), error);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(located)
    }

    /// The identifier that stands for an ID. Identifiers have lower-case letters, digits, `-` and `_`, so that an ID
    /// with anything else in it has no project.
    fn identifier(&self, id: &ProjectId) -> Option<String> {
        let identifier = id.as_str().to_lowercase();
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        let wellformed = identifier.len() <= 100
            && identifier.bytes().all(allowed)
            // A number is a project's number.
            && !identifier.bytes().all(|byte| byte.is_ascii_digit());
        (wellformed && self.id_of_identifier(&identifier).as_ref() == Some(id)).then_some(identifier)
    }

    /// The ID for which an identifier stands.
    fn id_of_identifier(&self, identifier: &str) -> Option<ProjectId> {
        self.shared_id.parse(identifier).or_else(|_| self.shared_id.parse(&identifier.to_uppercase())).ok()
    }

    /// The shared ID that a project carries; none if it carries no usable one.
    pub(super) fn shared_id_of(&self, project: &Project, field: Option<u64>) -> Option<ProjectId> {
        if self.client.by_identifier() {
            return self.id_of_identifier(&project.identifier);
        }
        let field = field?.to_string();
        let text = project.custom_fields.iter().find(|each| each.id.0 == field)?.text()?;
        self.shared_id.parse(&text).ok()
    }

    /// The rows of each project, by number.
    pub(super) async fn children<T: Child>(
        &self,
        call: &Call,
        ids: &[ProjectId],
    ) -> Result<(Located, HashMap<ProjectId, Vec<T>>), SystemError> {
        let (key, rows) = tokio::join!(self.client.verify_key(call, false), self.read_children(call, ids));
        key?;
        let (located, rows) = rows?;
        self.verify_misses(call, ids, &located).await?;
        Ok((located, rows))
    }

    async fn read_children<T: Child>(
        &self,
        call: &Call,
        ids: &[ProjectId],
    ) -> Result<(Located, HashMap<ProjectId, Vec<T>>), SystemError> {
        let mut located = Located::default();
        let mut children: HashMap<ProjectId, Vec<T>> = HashMap::new();
        let field = self.client.shared_id_field(call).await?;
        if field.is_none() && !self.client.by_identifier() {
            return Ok((located, children));
        }
        let mut waiting: Vec<&[ProjectId]> = ids.chunks(MOST).collect();
        while let Some(group) = waiting.pop() {
            let (of_group, query, first) = self.first_page::<T>(call, field, group).await?;
            let check = |rows: &[T]| {
                let known = |row: &T| row.project().id.number().is_some_and(|id| of_group.numbers.contains_key(&id));
                if rows.iter().all(known) { Ok(()) } else { Err(self.filter_ignored(T::OPERATION)) }
            };
            check(&first.rows)?;
            let total = self.client.total(T::OPERATION, &first)?;
            if total > self.client.most_rows() && group.len() > 1 {
                let (left, right) = group.split_at(group.len() / 2);
                waiting.extend([left, right]);
                continue;
            }
            let rows = self.client.rest(call, T::OPERATION, (T::PATH, &query), first, check).await?;
            for row in rows {
                let id = row.project().id.number().and_then(|number| of_group.numbers.get(&number));
                if let Some(id) = id {
                    children.entry(id.clone()).or_default().push(row);
                }
            }
            located.merge(of_group);
        }
        for rows in children.values_mut() {
            rows.sort_by_key(|row| row.id().number());
        }
        Ok((located, children))
    }

    /// The projects of a group and the first page of their rows. Where the filter can take the shared IDs themselves,
    /// both are read at once; where it takes the numbers of the projects, one after the other.
    async fn first_page<T: Child>(
        &self,
        call: &Call,
        field: Option<u64>,
        ids: &[ProjectId],
    ) -> Result<(Located, String, List<T>), SystemError> {
        if let Some(field) = field {
            let spellings: Vec<String> = ids.iter().flat_map(|id| self.spellings(id)).collect();
            let filter = self.one_of(&format!("project.cf_{field}"), ids);
            if filter.len() <= BYTES && kept_bytes(&spellings) <= T::KEPT {
                let query = format!("{}&{filter}", T::QUERY);
                let page = self.client.page(call, T::OPERATION, T::PATH, &query, (0, MOST));
                let (located, first) = tokio::try_join!(self.look_up(call, ids), page)?;
                return Ok((located, query, first));
            }
        }
        let located = self.look_up(call, ids).await?;
        let mut numbers: Vec<u64> = located.numbers.keys().copied().collect();
        numbers.sort_unstable();
        let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
        let values: Vec<&str> = numbers.iter().map(String::as_str).collect();
        // Several projects fit into the long form only; in the short one this is a 404.
        let query = format!("{}&{}", T::QUERY, long("project_id", "=", &values));
        let first = if values.is_empty() {
            List::empty()
        } else {
            self.client.page(call, T::OPERATION, T::PATH, &query, (0, MOST)).await?
        };
        Ok((located, query, first))
    }
}
