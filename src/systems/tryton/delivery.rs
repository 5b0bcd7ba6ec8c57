//! Projects and the hours booked on them and on their tasks.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use compact_str::CompactString;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::ask::{TIMESHEET_LINE, WORK};
use super::client::MAX_VALUES;
use super::config::StatusWord;
use super::map::{Mapper, Reading};
use super::wire::{Lack, Record};
use super::{BATCH, System, spellings};
use crate::domain::{
    Effort, Milestone, Page, Person, Project, ProjectId, ProjectQuery, ProjectStatus, ResourceAllocation,
};
use crate::systems::{Batch, BatchResult, Call, ErrorKind, ProjectSource, SystemError, grouped};

/// What is read of a project, beside the field that carries its shared ID.
const FIELDS: [&str; 4] = ["name", "status.name", "total_effort", "total_progress"];

/// The projects of a company.
pub(super) struct Delivery {
    pub(super) system: Arc<System>,
}

/// Projects that carry shared IDs; two may carry the same.
#[derive(Debug)]
pub(super) struct Works(Vec<(ProjectId, Record)>);

impl Works {
    /// The shared IDs.
    pub(super) fn known(&self) -> HashSet<ProjectId> {
        self.0.iter().map(|(id, _)| id.clone()).collect()
    }
}

impl System {
    /// The projects that carry these IDs.
    pub(super) async fn works(&self, call: &Call, ids: &[ProjectId]) -> Result<Works, SystemError> {
        let company = self.client.company(call).await?;
        let conditions = [json!(["type", "=", "project"]), json!(["company", "=", company.id])];
        let among = (self.project_on.as_str(), &*spellings(ids));
        let records = self.client.list_among(call, &WORK, among, &conditions, &self.work_fields()).await?;
        let mut works = Vec::new();
        for record in records {
            let carried = record.text_at(&self.project_on).map_err(|lack| self.client.lacks(&WORK, &lack))?;
            works.extend(self.mapper.project(carried.as_deref()).map(|id| (id, record)));
        }
        Ok(Works(works))
    }

    fn work_fields(&self) -> Vec<&str> {
        let mut fields = FIELDS.to_vec();
        if !fields.contains(&self.project_on.as_str()) {
            fields.push(&self.project_on);
        }
        fields
    }

    /// Lines of timesheets on projects and on all that is below them, each with the project it is for: the nearest above
    /// that has a shared ID.
    pub(super) async fn timesheets(
        &self,
        call: &Call,
        works: &Works,
        fields: &[&str],
    ) -> Result<Vec<(ProjectId, Record)>, SystemError> {
        let of_work = |lack: Lack| self.client.lacks(&WORK, &lack);
        let of_line = |lack: Lack| self.client.lacks(&TIMESHEET_LINE, &lack);
        let mut owners: HashMap<u64, ProjectId> = HashMap::new();
        let mut keys = Vec::new();
        for (id, record) in &works.0 {
            let key = record.id().map_err(of_work)?;
            owners.insert(key, id.clone());
            keys.push(key);
        }
        let mut below = Vec::new();
        let read = ["parent", "type", self.project_on.as_str()];
        for run in keys.chunks(MAX_VALUES) {
            let conditions = [json!(["parent", "child_of", run, "parent"])];
            below.extend(self.client.list(call, &WORK, &conditions, &read).await?);
        }
        // A project below a project may have a shared ID of its own, and so may what is below that.
        let mut parents: HashMap<u64, Option<u64>> = HashMap::new();
        for record in &below {
            let read =
                || Ok((record.id()?, record.key("parent")?, record.text("type")?, record.text_at(&self.project_on)?));
            let (key, parent, kind, carried) = read().map_err(of_work)?;
            parents.insert(key, parent);
            if let Some(id) = self.mapper.project(carried.as_deref()).filter(|_| kind.as_deref() == Some("project")) {
                owners.insert(key, id);
            }
        }
        let mut of_works: BTreeMap<u64, ProjectId> = BTreeMap::new();
        for key in parents.keys() {
            let mut above = Some(*key);
            // A tree is no deeper than it has members.
            for _ in 0..=parents.len() {
                let Some(at) = above else { break };
                if let Some(owner) = owners.get(&at) {
                    of_works.insert(*key, owner.clone());
                    break;
                }
                above = parents.get(&at).copied().flatten();
            }
        }
        let origins: Vec<Value> = of_works.keys().map(|key| json!(format!("project.work,{key}"))).collect();
        let mut fields = fields.to_vec();
        fields.push("work.origin");
        let lines = self.client.list_among(call, &TIMESHEET_LINE, ("work.origin", &origins), &[], &fields).await?;
        let mut found = Vec::new();
        for line in lines {
            let work = line.one("work").map_err(of_line)?;
            let origin = work.map(|work| work.reference("origin")).transpose().map_err(of_line)?.flatten();
            let owner = origin.and_then(|(_, key)| of_works.get(&key).cloned());
            found.extend(owner.map(|owner| (owner, line)));
        }
        Ok(found)
    }
}

impl Delivery {
    fn conflict(&self) -> SystemError {
        self.system.client.error(WORK.operation, ErrorKind::Conflict, "two projects carry the shared ID")
    }

    /// Projects by their IDs; those whose ID two of them carry apart.
    async fn located(&self, call: &Call, ids: &[ProjectId]) -> Result<(Works, HashSet<ProjectId>), SystemError> {
        let works = self.system.works(call, ids).await?;
        let mut seen = HashSet::new();
        let twins = works.0.iter().filter(|(id, _)| !seen.insert(id.clone())).map(|(id, _)| id.clone()).collect();
        let asked: HashSet<&ProjectId> = ids.iter().collect();
        Ok((Works(works.0.into_iter().filter(|(id, _)| asked.contains(id)).collect()), twins))
    }

    fn project(&self, id: ProjectId, record: &Record) -> Result<Project, SystemError> {
        project(&self.system.mapper, id, record).map_err(|lack| self.system.client.lacks(&WORK, &lack))
    }
}

/// A project.
fn project(mapper: &Mapper, id: ProjectId, record: &Record) -> Result<Project, Lack> {
    let mut reading = Reading::default();
    let key = record.id()?;
    let hours = reading.hours(record, "total_effort", "hoursBudgeted")?;
    let progress = reading.number(record, "total_progress", "percentComplete")?;
    Ok(Project {
        id,
        record_id: key.to_string().into(),
        name: record.text("name")?.map(Into::into),
        status: status(mapper, record.text_at("status.name")?),
        health: None,
        health_reason: None,
        manager: None,
        start_date: None,
        due_date: None,
        percent_complete: progress.map(|share| (share * Decimal::ONE_HUNDRED).normalize()),
        // Tryton adds up estimates; without any, the sum is 0.
        hours_budgeted: hours.filter(|hours| !hours.is_zero()),
        url: mapper.url("project.work", key),
        flaws: reading.flaws,
    })
}

fn status(mapper: &Mapper, name: Option<String>) -> ProjectStatus {
    let name = name.unwrap_or_default();
    match mapper.status.get(&name) {
        Some(StatusWord::Planned) => ProjectStatus::Planned,
        Some(StatusWord::Active) => ProjectStatus::Active,
        Some(StatusWord::OnHold) => ProjectStatus::OnHold,
        Some(StatusWord::Completed) => ProjectStatus::Completed,
        Some(StatusWord::Cancelled) => ProjectStatus::Cancelled,
        None => ProjectStatus::Unknown(name),
    }
}

/// Hours in all and by person; none if a line cannot be read: a sum without it would be a wrong number.
fn effort(lines: &[Record]) -> Result<Option<Effort>, Lack> {
    let mut reading = Reading::default();
    let mut all = Decimal::ZERO;
    let mut people: BTreeMap<(CompactString, u64), Decimal> = BTreeMap::new();
    for line in lines {
        let Some(hours) = reading.hours(line, "duration", "hours")? else { return Ok(None) };
        let name = line.text_at("employee.party.name")?.unwrap_or_default().into();
        all += hours;
        *people.entry((name, line.key("employee")?.unwrap_or_default())).or_default() += hours;
    }
    let resource = |((name, _), hours_spent): ((CompactString, _), _)| ResourceAllocation {
        person: Arc::new(Person { name, email: None }),
        role: None,
        hours_allocated: None,
        hours_spent,
    };
    Ok(Some(Effort { hours_spent: all, resources: people.into_iter().map(resource).collect() }))
}

#[async_trait]
impl ProjectSource for Delivery {
    fn batch_limit(&self) -> usize {
        BATCH
    }

    async fn projects(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Project> {
        let (works, twins) = self.located(call, ids).await?;
        let mut batch = Batch::default();
        for (id, record) in works.0 {
            if twins.contains(&id) {
                batch.failed.insert(id, self.conflict());
            } else {
                batch.found.insert(id.clone(), self.project(id, &record)?);
            }
        }
        Ok(batch)
    }

    /// Tryton's modules have no milestones: a project that is known has none.
    async fn milestones(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Milestone>> {
        let (works, twins) = self.located(call, ids).await?;
        let mut batch = Batch::default();
        for id in works.known() {
            if twins.contains(&id) {
                batch.failed.insert(id, self.conflict());
            } else {
                batch.found.insert(id, Vec::new());
            }
        }
        Ok(batch)
    }

    async fn effort(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Effort> {
        let (works, twins) = self.located(call, ids).await?;
        let fields = ["duration", "employee", "employee.party.name"];
        let mut lines = grouped(self.system.timesheets(call, &works, &fields).await?);
        let mut batch = Batch::default();
        for id in works.known() {
            if twins.contains(&id) {
                batch.failed.insert(id, self.conflict());
                continue;
            }
            let read = effort(&lines.remove(&id).unwrap_or_default());
            if let Some(effort) = read.map_err(|lack| self.system.client.lacks(&TIMESHEET_LINE, &lack))? {
                drop(batch.found.insert(id, effort));
            } else {
                let detail = "the duration of a line is none";
                let error = self.system.client.error(TIMESHEET_LINE.operation, ErrorKind::BadResponse, detail);
                batch.failed.insert(id, error);
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
        let unusable =
            || self.system.client.error(WORK.operation, ErrorKind::BadRequest, "`after` is no record's number");
        let mut last = after.map(|cursor| cursor.parse().map_err(|_| unusable())).transpose()?.unwrap_or(0);
        let company = self.system.client.company(call).await?;
        let carrier = self.system.project_on.as_str();
        let mut conditions =
            vec![json!(["type", "=", "project"]), json!(["company", "=", company.id]), json!([carrier, "!=", null])];
        if let Some(wanted) = &query.status {
            conditions.push(json!(["status.name", "in", self.names_of(wanted)]));
        }
        if let Some(text) = query.text.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            conditions.push(json!(["name", "ilike", containing(text)]));
        }
        let fields = self.system.work_fields();
        let mut items: Vec<Project> = Vec::new();
        // One more than wanted tells whether there are more. Some carry what is no shared ID: they are not in the graph.
        while items.len() <= limit {
            let wanted = limit + 1 - items.len();
            let records = self.system.client.after(call, &WORK, (&conditions, &fields), last, wanted).await?;
            for record in &records {
                let read = || Ok((record.id()?, record.text_at(carrier)?));
                let (key, typed) = read().map_err(|lack| self.system.client.lacks(&WORK, &lack))?;
                last = key;
                if let Some(id) = self.system.mapper.project(typed.as_deref()) {
                    items.push(self.project(id, record)?);
                }
            }
            if records.len() < wanted {
                break;
            }
        }
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| last.record_id.to_string());
        Ok(Page { items, next, total: None })
    }
}

impl Delivery {
    /// The names of a status. There is none if nothing is called so, which no project has.
    fn names_of<'a>(&'a self, wanted: &'a ProjectStatus) -> Vec<&'a str> {
        if let ProjectStatus::Unknown(name) = wanted {
            return vec![name];
        }
        let names = self.system.mapper.status.keys();
        names.filter(|name| status(&self.system.mapper, Some((*name).clone())) == *wanted).map(String::as_str).collect()
    }
}

/// A pattern of all texts that contain a text, whatever signs are in it.
pub(super) fn containing(text: &str) -> String {
    let mut pattern = String::from("%");
    for sign in text.chars() {
        if matches!(sign, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(sign);
    }
    pattern.push('%');
    pattern
}
