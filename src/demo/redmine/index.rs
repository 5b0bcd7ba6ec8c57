//! Where records are, by what calls ask for.

use std::collections::HashMap;

use super::super::company::model::{Company, Issue, Person, Project, TimeEntry, Version};

/// Positions in the company's lists, as long as nothing is corrected and no list grows or shrinks.
#[derive(Debug, Default)]
pub(super) struct Index {
    revision: u64,
    sizes: [usize; 4],
    people: HashMap<u32, usize>,
    projects: HashMap<u32, usize>,
    identifiers: HashMap<String, usize>,
    shared: HashMap<String, Vec<usize>>,
    versions: HashMap<u32, (usize, usize)>,
    issues: HashMap<u32, usize>,
    issues_of_project: HashMap<u32, Vec<usize>>,
    children: HashMap<u32, Vec<usize>>,
    entries_of_project: HashMap<u32, Vec<usize>>,
    entries_of_issue: HashMap<u32, Vec<usize>>,
    /// Projects in the order in which Redmine lists them: its tree, which is sorted by name.
    pub(super) tree: Vec<usize>,
}

impl Index {
    pub(super) fn of(company: &Company) -> Self {
        let mut index = Self { revision: company.revision, sizes: sizes(company), ..Self::default() };
        index.people = company.people.iter().enumerate().map(|(at, person)| (person.id, at)).collect();
        for (at, project) in company.projects.iter().enumerate() {
            index.projects.insert(project.id, at);
            index.identifiers.insert(project.identifier.clone(), at);
            if let Some(shared) = &project.shared_id {
                index.shared.entry(shared.clone()).or_default().push(at);
            }
            for (nth, version) in project.versions.iter().enumerate() {
                index.versions.insert(version.id, (at, nth));
            }
        }
        for (at, issue) in company.issues.iter().enumerate() {
            index.issues.insert(issue.id, at);
            index.issues_of_project.entry(issue.project).or_default().push(at);
            if let Some(parent) = issue.parent {
                index.children.entry(parent).or_default().push(at);
            }
        }
        for (at, entry) in company.time_entries.iter().enumerate() {
            index.entries_of_project.entry(entry.project).or_default().push(at);
            if let Some(issue) = entry.issue {
                index.entries_of_issue.entry(issue).or_default().push(at);
            }
        }
        index.tree = (0..company.projects.len()).collect();
        index.tree.sort_by_cached_key(|at| company.projects.get(*at).map(place));
        index
    }

    pub(super) fn fits(&self, company: &Company) -> bool {
        self.revision == company.revision && self.sizes == sizes(company)
    }

    pub(super) fn person<'c>(&self, company: &'c Company, id: u32) -> Option<&'c Person> {
        company.people.get(*self.people.get(&id)?)
    }

    pub(super) fn project<'c>(&self, company: &'c Company, id: u32) -> Option<&'c Project> {
        company.projects.get(*self.projects.get(&id)?)
    }

    /// By number or identifier, as Redmine's `Project.find` takes both.
    pub(super) fn project_named<'c>(&self, company: &'c Company, name: &str) -> Option<&'c Project> {
        match name.parse() {
            Ok(id) => self.project(company, id),
            Err(_) => company.projects.get(*self.identifiers.get(name)?),
        }
    }

    /// The projects that carry one of these shared IDs, in exactly this spelling; in the order of the tree.
    pub(super) fn carriers<'c>(&self, company: &'c Company, ids: &[String]) -> Vec<&'c Project> {
        let positions = ids.iter().filter_map(|id| self.shared.get(id)).flatten();
        let mut carriers: Vec<&Project> = positions.filter_map(|at| company.projects.get(*at)).collect();
        carriers.sort_by_cached_key(|project| place(project));
        carriers.dedup_by_key(|project| project.id);
        carriers
    }

    pub(super) fn version<'c>(&self, company: &'c Company, id: u32) -> Option<(&'c Project, &'c Version)> {
        let (project, nth) = self.versions.get(&id)?;
        let project = company.projects.get(*project)?;
        Some((project, project.versions.get(*nth)?))
    }

    pub(super) fn issue<'c>(&self, company: &'c Company, id: u32) -> Option<&'c Issue> {
        company.issues.get(*self.issues.get(&id)?)
    }

    pub(super) fn issues_of_project<'a>(&'a self, company: &'a Company, id: u32) -> impl Iterator<Item = &'a Issue> {
        at(&company.issues, self.issues_of_project.get(&id))
    }

    pub(super) fn children<'a>(&'a self, company: &'a Company, issue: u32) -> impl Iterator<Item = &'a Issue> {
        at(&company.issues, self.children.get(&issue))
    }

    pub(super) fn entries_of_project<'a>(
        &'a self,
        company: &'a Company,
        id: u32,
    ) -> impl Iterator<Item = &'a TimeEntry> {
        at(&company.time_entries, self.entries_of_project.get(&id))
    }

    pub(super) fn entries_of_issue<'a>(&'a self, company: &'a Company, id: u32) -> impl Iterator<Item = &'a TimeEntry> {
        at(&company.time_entries, self.entries_of_issue.get(&id))
    }
}

fn at<'a, T>(rows: &'a [T], positions: Option<&'a Vec<usize>>) -> impl Iterator<Item = &'a T> {
    positions.into_iter().flatten().filter_map(|position| rows.get(*position))
}

/// Where a project stands in the tree.
fn place(project: &Project) -> (String, u32) {
    (project.name.to_lowercase(), project.id)
}

fn sizes(company: &Company) -> [usize; 4] {
    [company.people.len(), company.projects.len(), company.issues.len(), company.time_entries.len()]
}
