//! Projects and what hangs on them; tickets, of the CRM or of the project tool.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use spine::demo::company::model::{self, CrmTicket, Issue, Project};
use spine::domain::ProjectId;
use spine::systems::ErrorKind;

use super::super::Tickets;
use super::super::lines::{Text, line};
use super::{Answers, Truth, answers, grouped, shared_id, unknown};

impl<'a> Truth<'a> {
    /// Those that can be seen and carry a usable ID.
    fn projects_in_sight(&self) -> impl Iterator<Item = (ProjectId, &'a Project)> {
        let seen = self.company.projects.iter().filter(|project| project.status != 9);
        seen.filter_map(|project| Some((shared_id(project.shared_id.as_ref())?, project)))
    }

    /// The IDs that two projects carry.
    fn twins(&self) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        self.projects_in_sight().map(|(id, _)| id.to_string()).filter(|id| !seen.insert(id.clone())).collect()
    }

    pub(in crate::conformance) fn projects(&self) -> Answers {
        let rows = self.projects_in_sight().map(|(id, project)| (id.clone(), self.project(&id, project)));
        let mut projects = answers(grouped([], rows));
        projects.extend(self.twins().into_iter().map(|twin| (twin, Err(ErrorKind::Conflict))));
        projects
    }

    /// In the order in which they were made, or by number. Both twins are in it.
    pub(in crate::conformance) fn project_list(&self) -> Vec<String> {
        let mut projects: Vec<_> = self.projects_in_sight().collect();
        let by_number = self.system.projects_by_number;
        projects.sort_by_key(|(_, project)| (Some(project.created).filter(|_| !by_number), project.id));
        projects.iter().map(|(id, project)| self.project(id, project)).collect()
    }

    fn project(&self, id: &ProjectId, project: &Project) -> String {
        let status = match project.status {
            1 => "Active".to_owned(),
            5 => "Completed".to_owned(),
            other => unknown(&other.to_string()),
        };
        let health = project.health.as_deref().map(|word| match word {
            "Green" => "Green".to_owned(),
            "Amber" | "Yellow" => "Amber".to_owned(),
            "Red" => "Red".to_owned(),
            other => unknown(other),
        });
        line![
            id,
            project.id,
            project.name,
            status,
            health,
            project.health_reason,
            self.person(project.manager),
            project.start,
            project.due,
            project.budget_hours,
        ]
    }

    /// Each project with what hangs on it.
    fn of_projects(&self, hanging: impl Fn(&[&Project]) -> Vec<String>) -> Answers {
        let mut projects: BTreeMap<String, Vec<&Project>> = BTreeMap::new();
        for (id, project) in self.projects_in_sight() {
            projects.entry(id.to_string()).or_default().push(project);
        }
        let conflicts = if self.system.children_know_their_project { self.twins() } else { BTreeSet::new() };
        let answer = |(id, projects): (String, Vec<&Project>)| {
            let answer = if conflicts.contains(&id) { Err(ErrorKind::Conflict) } else { Ok(hanging(&projects)) };
            (id, answer)
        };
        projects.into_iter().map(answer).collect()
    }

    /// By due date; those without one last.
    pub(in crate::conformance) fn milestones(&self) -> Answers {
        self.of_projects(|projects| {
            let mut versions: Vec<&model::Version> = projects.iter().flat_map(|project| &project.versions).collect();
            versions.sort_by_key(|version| (version.due.is_none(), version.due, version.id));
            let line = |version: &&model::Version| {
                let status = match version.status.as_str() {
                    "closed" => "Closed".to_owned(),
                    _ if self.system.milestones_are_reached_or_not => "Open".to_owned(),
                    "open" => "Open".to_owned(),
                    "locked" => "Locked".to_owned(),
                    other => unknown(other),
                };
                line![version.id, version.name, status, version.due]
            };
            versions.iter().map(line).collect()
        })
    }

    pub(in crate::conformance) fn effort(&self) -> Answers {
        self.of_projects(|projects| {
            let mut people: BTreeMap<Option<String>, Decimal> = BTreeMap::new();
            for entry in &self.company.time_entries {
                if projects.iter().any(|project| project.id == entry.project) {
                    *people.entry(self.person(Some(entry.person))).or_default() += entry.hours;
                }
            }
            let all: Decimal = people.values().sum();
            let people = people.iter().map(|(name, hours)| format!("{} {}", name.text(), hours.text()));
            let line = line![all, people.collect::<Vec<_>>()];
            if all.is_zero() { Vec::new() } else { vec![line] }
        })
    }
}

// Tickets: of the CRM, or issues of the project tool.
impl Truth<'_> {
    pub(in crate::conformance) fn tickets(&self) -> Answers {
        match self.system.tickets {
            Tickets::OfTheCrm => {
                let of_deal = |deal: &model::Deal| {
                    let project = shared_id(deal.shared_id.as_ref());
                    let answer = |ticket: &CrmTicket| {
                        (ticket.id.to_string(), Ok(vec![self.crm_ticket(ticket, project.as_ref())]))
                    };
                    deal.tickets.iter().map(answer).collect::<Vec<_>>()
                };
                self.company.deals.iter().flat_map(of_deal).collect()
            }
            Tickets::Issues => {
                let answer = |issue: &Issue| {
                    let project = self.company.projects.iter().find(|project| project.id == issue.project)?;
                    let line = self.issue(issue, shared_id(project.shared_id.as_ref()).as_ref());
                    (project.status != 9).then(|| (issue.id.to_string(), Ok(vec![line])))
                };
                self.company.issues.iter().filter_map(answer).collect()
            }
        }
    }

    /// In the order of record IDs.
    pub(in crate::conformance) fn tickets_by_project(&self) -> Answers {
        match self.system.tickets {
            Tickets::OfTheCrm => {
                let linked = || {
                    let deals = self.company.deals.iter();
                    deals.filter_map(|deal| Some((shared_id(deal.shared_id.as_ref())?, deal)))
                };
                let mut tickets: Vec<(ProjectId, &CrmTicket)> = linked()
                    .flat_map(|(id, deal)| deal.tickets.iter().map(move |ticket| (id.clone(), ticket)))
                    .collect();
                tickets.sort_by_key(|(_, ticket)| ticket.id);
                let nothing = None::<Decimal>;
                let row = |(id, ticket): (ProjectId, &CrmTicket)| {
                    (id.clone(), line![self.crm_ticket(ticket, Some(&id)), nothing, nothing])
                };
                answers(grouped(linked().map(|(id, _)| id), tickets.into_iter().map(row)))
            }
            Tickets::Issues => self.of_projects(|projects| {
                let of = |issue: &&Issue| projects.iter().any(|project| project.id == issue.project);
                let mut issues: Vec<&Issue> = self.company.issues.iter().filter(of).collect();
                issues.sort_by_key(|issue| issue.id);
                let id = projects.first().and_then(|project| shared_id(project.shared_id.as_ref()));
                let line = |issue: &&Issue| {
                    // What stands on a parent is the sum of its parts, and not its own.
                    let own = !self.company.issues.iter().any(|other| other.parent == Some(issue.id));
                    let estimate = issue.estimated_hours.filter(|_| own);
                    let progress = Some(u32::from(issue.done_ratio)).filter(|_| own);
                    line![self.issue(issue, id.as_ref()), estimate, progress]
                };
                issues.iter().map(line).collect()
            }),
        }
    }

    fn issue(&self, issue: &Issue, project: Option<&ProjectId>) -> String {
        let status = match issue.status.as_str() {
            "New" => "New".to_owned(),
            "In Progress" | "Resolved" => "InProgress".to_owned(),
            "Feedback" => "Waiting".to_owned(),
            _ if issue.closed => "Closed".to_owned(),
            other => unknown(other),
        };
        let priority = match issue.priority.as_str() {
            "Low" | "Normal" | "High" => issue.priority.clone(),
            "Urgent" | "Immediate" => "Critical".to_owned(),
            other => unknown(other),
        };
        let category = match issue.tracker.as_str() {
            "Incident" => "Incident",
            "Change request" => "ChangeRequest",
            "Support" => "Support",
            _ => "Task",
        };
        let entries = self.company.time_entries.iter().filter(|entry| entry.issue == Some(issue.id));
        line![
            issue.id,
            issue.subject,
            status,
            issue.status,
            issue.tracker,
            priority,
            category,
            None::<String>,
            self.person(issue.assignee),
            issue.created,
            issue.closed_on.filter(|_| issue.closed),
            entries.map(|entry| entry.hours).sum::<Decimal>(),
            project,
        ]
    }
}
