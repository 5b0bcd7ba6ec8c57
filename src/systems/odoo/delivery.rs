//! Projects, their milestones, and the hours booked on them.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::try_join_all;

use super::accounts::Accounts;
use super::client::Grouping;
use super::documents::number;
use super::domain::Domain;
use super::record::Record;
use super::wire::Row;
use super::{MAX_KEYS, MAX_NUMBERS, System, work};
use crate::domain::{Effort, Milestone, Page, Project, ProjectId, ProjectQuery, ProjectStatus};
use crate::systems::{Batch, BatchResult, Call, ErrorKind, ProjectSource, SystemError, grouped};

pub(super) const PROJECT: &str = "project.project";
const MILESTONE: &str = "project.milestone";
const LIST: &str = "projects.list";

/// Projects that were looked up.
#[derive(Default)]
pub(super) struct Located {
    /// The one that carries each ID.
    pub(super) found: HashMap<ProjectId, Record>,
    /// IDs that several carry.
    pub(super) failed: HashMap<ProjectId, SystemError>,
}

impl Located {
    /// The IDs of the projects by their numbers.
    pub(super) fn by_number(&self) -> HashMap<u64, ProjectId> {
        self.found.iter().map(|(id, record)| (record.id(), id.clone())).collect()
    }

    /// Answers each project that was found.
    pub(super) fn answer<V>(self, mut of: impl FnMut(u64, &ProjectId, &Record) -> V) -> Batch<ProjectId, V> {
        let found = self.found.into_iter().map(|(id, record)| {
            let value = of(record.id(), &id, &record);
            (id, value)
        });
        Batch { found: found.collect(), failed: self.failed }
    }
}

impl System {
    /// The field that leads from a project to its shared ID: one of its own, or the link to its analytic account.
    async fn project_field(&self, call: &Call) -> Result<&str, SystemError> {
        if let Some(field) = &self.shared_id.project {
            return Ok(field);
        }
        let fields = self.client.fields(call, PROJECT).await?;
        // It was renamed with 18.
        Ok(if fields.contains("account_id") { "account_id" } else { "analytic_account_id" })
    }

    /// Projects that meet a condition, with these fields and the one that carries the shared ID. Templates are none.
    async fn project_fields(&self, call: &Call) -> Result<(Domain, Vec<&str>), SystemError> {
        let known = self.client.fields(call, PROJECT).await?;
        let mut fields = vec!["name", "active", "user_id", "date_start", "date", self.project_field(call).await?];
        let optional = ["last_update_status", "allocated_hours"];
        fields.extend(optional.into_iter().filter(|field| known.contains(*field)));
        fields.extend(self.work.health.as_deref());
        fields.extend(self.work.health_reason.as_deref());
        let templates = known.contains("is_template");
        Ok((if templates { Domain::empty("is_template") } else { Domain::default() }, fields))
    }

    /// The projects of these IDs.
    pub(super) async fn locate(&self, call: &Call, ids: &[ProjectId]) -> Result<Located, SystemError> {
        if ids.is_empty() {
            return Ok(Located::default());
        }
        let (domain, fields) = self.project_fields(call).await?;
        let carrier = self.project_field(call).await?;
        let whose = if self.shared_id.project.is_some() {
            Domain::carries(carrier, ids)
        } else {
            let accounts: Vec<u64> = self.accounts(call, ids).await?.owners.into_keys().collect();
            if accounts.is_empty() {
                return Ok(Located::default());
            }
            Domain::one_of(carrier, accounts)
        };
        let records: Vec<Record> = self.client.all(call, LIST, PROJECT, domain.and(whose), &fields).await?;
        let mut located = Located::default();
        for (id, mut records) in grouped(self.identified(call, records).await?) {
            match (records.pop(), records.is_empty()) {
                _ if !ids.contains(&id) => {}
                (Some(record), true) => drop(located.found.insert(id, record)),
                _ => {
                    let error = self.client.error(LIST, ErrorKind::Conflict, "several projects carry one shared ID");
                    located.failed.insert(id, error);
                }
            }
        }
        Ok(located)
    }

    /// Projects with their IDs; those without a usable one are left out.
    async fn identified(&self, call: &Call, records: Vec<Record>) -> Result<Vec<(ProjectId, Record)>, SystemError> {
        let carrier = self.project_field(call).await?;
        if self.shared_id.project.is_some() {
            let id = |record: &Record| self.mapper.shared_id(carrier, record.text(carrier).as_deref());
            return Ok(records.into_iter().filter_map(|record| Some((id(&record)?, record))).collect());
        }
        let mut accounts = Accounts::default();
        let of = |record: &Record| record.link(carrier).map(|account| account.id());
        self.learn(call, &mut accounts, records.iter().filter_map(of)).await?;
        let with_id = |record: Record| Some((accounts.owners.get(&of(&record)?)?.clone(), record));
        Ok(records.into_iter().filter_map(with_id).collect())
    }

    /// The IDs of projects by their numbers.
    pub(super) async fn ids_of_projects(
        &self,
        call: &Call,
        numbers: BTreeSet<u64>,
    ) -> Result<HashMap<u64, ProjectId>, SystemError> {
        let numbers: Vec<u64> = numbers.into_iter().collect();
        let carrier = self.project_field(call).await?;
        let reads = numbers.chunks(MAX_NUMBERS).map(|numbers| {
            let domain = Domain::one_of("id", numbers.iter().copied());
            self.client.all::<Record>(call, "projects.shared_ids", PROJECT, domain, std::slice::from_ref(&carrier))
        });
        let records = try_join_all(reads).await?.into_iter().flatten().collect();
        let identified = self.identified(call, records).await?;
        Ok(identified.into_iter().map(|(id, record)| (record.id(), id)).collect())
    }
}

/// The projects of a database.
pub(super) struct Delivery {
    pub(super) system: Arc<System>,
}

#[async_trait]
impl ProjectSource for Delivery {
    fn batch_limit(&self) -> usize {
        MAX_KEYS
    }

    async fn projects(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Project> {
        let located = self.system.locate(call, ids).await?;
        Ok(located.answer(|_, id, record| self.system.work.project(&self.system.mapper, id.clone(), record)))
    }

    async fn milestones(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Milestone>> {
        let located = self.system.locate(call, ids).await?;
        let numbers: Vec<u64> = located.by_number().into_keys().collect();
        let fields = &["name", "project_id", "deadline", "is_reached"];
        let mut milestones = HashMap::new();
        if !numbers.is_empty() {
            let domain = Domain::one_of("project_id", numbers);
            let records: Vec<Record> =
                self.system.client.all(call, "milestones.list", MILESTONE, domain, fields).await?;
            milestones = grouped(records.into_iter().filter_map(|one| Some((one.link("project_id")?.id(), one))));
        }
        Ok(located.answer(|number, _, _| {
            let records = milestones.remove(&number).unwrap_or_default();
            let mut all: Vec<(u64, Milestone)> =
                records.iter().map(|one| (one.id(), work::milestone(&self.system.mapper, one))).collect();
            all.sort_by_key(|(id, one)| (one.due_date.is_none(), one.due_date, *id));
            all.into_iter().map(|(_, one)| one).collect()
        }))
    }

    /// Hours are added up by Odoo, by project and person.
    async fn effort(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Effort> {
        const MODEL: &str = "account.analytic.line";
        const OPERATION: &str = "hours.sum";
        let located = self.system.locate(call, ids).await?;
        let numbers: Vec<u64> = located.by_number().into_keys().collect();
        let mut hours: HashMap<u64, Vec<Record>> = HashMap::new();
        let known = self.system.client.fields(call, MODEL).await?;
        let person = if known.contains("employee_id") { "employee_id" } else { "user_id" };
        // There are no hours without the module for them.
        if !numbers.is_empty() && known.contains("project_id") {
            let domain = Domain::one_of("project_id", numbers);
            let grouping = Grouping { model: MODEL, domain, by: &["project_id", person], sums: &["unit_amount"] };
            let groups: Vec<Record> = self.system.client.sums(call, OPERATION, grouping).await?;
            hours = grouped(groups.into_iter().filter_map(|group| Some((group.link("project_id")?.id(), group))));
        }
        let unreadable = self.system.client.error(OPERATION, ErrorKind::BadResponse, "hours that are no number");
        let mut batch = Batch { found: HashMap::new(), failed: located.failed };
        for (id, record) in located.found {
            match work::effort(person, &hours.remove(&record.id()).unwrap_or_default()) {
                Some(effort) => drop(batch.found.insert(id, effort)),
                None => drop(batch.failed.insert(id, unreadable.clone())),
            }
        }
        Ok(batch)
    }

    async fn project_page(
        &self,
        call: &Call,
        query: &ProjectQuery,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Project>, SystemError> {
        let system = &self.system;
        let after = match after {
            None => 0,
            Some(cursor) => number(cursor).ok_or_else(|| {
                system.client.error(LIST, ErrorKind::BadRequest, "`after` is not from a page of this connection")
            })?,
        };
        let (domain, fields) = system.project_fields(call).await?;
        let mut domain = domain.and(Domain::of(system.project_field(call).await?, "!=", false));
        if let Some(text) = query.text.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            domain = domain.and(Domain::contains("name", text));
        }
        if let Some(status) = &query.status {
            let Some(condition) = in_state(status, fields.contains(&"last_update_status")) else {
                return Ok(Page { items: Vec::new(), next: None, total: None });
            };
            domain = domain.and(condition);
        }
        // One more than wanted tells whether there are more.
        let mut records: Vec<Record> =
            system.client.page(call, (LIST, PROJECT), domain, &fields, after, limit + 1).await?;
        let more = records.len() > limit;
        records.truncate(limit);
        let next = records.last().filter(|_| more).map(|last| last.id().to_string());
        let identified = system.identified(call, records).await?;
        let items = identified.into_iter().map(|(id, record)| system.work.project(&system.mapper, id, &record));
        Ok(Page { items: items.collect(), next, total: None })
    }
}

/// That a project is in a state; none if none ever is.
fn in_state(status: &ProjectStatus, has_updates: bool) -> Option<Domain> {
    let update = |operator, words: &[&str]| Domain::of("last_update_status", operator, words.to_vec());
    match (status, has_updates) {
        (ProjectStatus::Active, true) => {
            Some(Domain::of("active", "=", true).and(update("not in", &["done", "on_hold"])))
        }
        (ProjectStatus::Active, false) => Some(Domain::of("active", "=", true)),
        (ProjectStatus::Completed, true) => {
            Some(Domain::any([Domain::of("active", "=", false), update("in", &["done"])]))
        }
        (ProjectStatus::Completed, false) => Some(Domain::of("active", "=", false)),
        (ProjectStatus::OnHold, true) => Some(Domain::of("active", "=", true).and(update("in", &["on_hold"]))),
        _ => None,
    }
}
