//! `facts.json`, which also seeds the real Redmine (`seed.rb`).

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Deserialize;

#[derive(Debug, Deserialize)]
pub(crate) struct Facts {
    pub(crate) people: Vec<(String, String)>,
    pub(crate) projects: Vec<Project>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Project {
    pub(crate) name: String,
    pub(crate) identifier: String,
    pub(crate) shared_id: Option<String>,
    pub(crate) status: u8,
    #[serde(default)]
    pub(crate) health: Option<String>,
    #[serde(default)]
    pub(crate) health_reason: Option<String>,
    #[serde(default)]
    pub(crate) manager: Option<String>,
    #[serde(default)]
    pub(crate) start: Option<Date>,
    #[serde(default)]
    pub(crate) due: Option<Date>,
    #[serde(default)]
    pub(crate) budget_hours: Option<Decimal>,
    #[serde(default)]
    pub(crate) versions: Vec<Version>,
    #[serde(default)]
    pub(crate) issues: Vec<Issue>,
    #[serde(default)]
    numbered_issues: u32,
    #[serde(default)]
    pub(crate) time_entries: Vec<TimeEntry>,
    #[serde(default)]
    numbered_time_entries: usize,
    /// The key's user is no member.
    #[serde(default)]
    pub(crate) hidden: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Version {
    pub(crate) name: String,
    pub(crate) status: String,
    pub(crate) due: Option<Date>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Issue {
    pub(crate) subject: String,
    pub(crate) tracker: String,
    pub(crate) status: String,
    pub(crate) priority: String,
    #[serde(default)]
    pub(crate) assignee: Option<String>,
    #[serde(default)]
    pub(crate) version: Option<String>,
    #[serde(default)]
    pub(crate) done_ratio: u8,
    #[serde(default)]
    pub(crate) estimated_hours: Option<Decimal>,
    pub(crate) created: Timestamp,
    pub(crate) closed: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct TimeEntry {
    pub(crate) person: String,
    pub(crate) issue: Option<String>,
    pub(crate) activity: String,
    pub(crate) hours: Decimal,
    pub(crate) spent_on: Date,
}

/// The facts, with the numbered issues and time entries that `seed.rb` makes as well.
pub(crate) fn facts() -> Facts {
    let mut facts: Facts = serde_json::from_str(include_str!("facts.json")).unwrap();
    let people: Vec<String> = facts.people.iter().map(|(first, last)| format!("{first} {last}")).collect();
    for project in &mut facts.projects {
        for n in 1..=project.numbered_issues {
            let open = n % 2 == 1;
            project.issues.push(Issue {
                subject: format!("Site {n}"),
                tracker: "Task".to_owned(),
                status: if open { "New" } else { "Closed" }.to_owned(),
                priority: "Normal".to_owned(),
                assignee: None,
                version: None,
                done_ratio: 0,
                estimated_hours: None,
                created: "2025-02-01T08:00:00Z".parse().unwrap(),
                closed: (!open).then(|| "2025-02-02T08:00:00Z".parse().unwrap()),
            });
        }
        for n in 1..=project.numbered_time_entries {
            project.time_entries.push(TimeEntry {
                person: people[n % people.len()].clone(),
                issue: None,
                activity: "Development".to_owned(),
                hours: Decimal::new(25, 2),
                spent_on: "2025-02-03".parse().unwrap(),
            });
        }
    }
    facts
}
