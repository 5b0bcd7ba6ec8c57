//! The project tool's side: projects, milestones, issues, hours.

use jiff::Timestamp;
use rust_decimal::Decimal;

use super::dice::{Calendar, Day, Dice, number, share};
use super::lists::{AMBER, CHANGES, INCIDENTS, QUESTIONS, RED, TASKS};
use super::{Engagement, Size};
use crate::demo::company::model::{Client, Deal, Issue, Person, Project, TimeEntry, Version};
use crate::demo::company::words::PRIORITIES;

/// What one hour was planned to cost, in cents.
const PLANNED_HOUR: i64 = 7_200;
/// Labour, per thousand of the planned cost.
const LABOUR: i64 = 700;

/// What the project tool holds.
#[derive(Debug, Default)]
pub(super) struct Work {
    pub(super) projects: Vec<Project>,
    pub(super) issues: Vec<Issue>,
    pub(super) time_entries: Vec<TimeEntry>,
    versions: u32,
}

/// Opens a project for each engagement, at the same position, and works on it until today.
pub(super) fn deliver(
    dice: &mut Dice,
    calendar: Calendar,
    engagements: &[Engagement],
    deals: &[Deal],
    clients: &[Client],
    people: &[Person],
) -> Work {
    let team = |name: &str| people.iter().filter(|person| person.team == name).map(|person| person.id).collect();
    let (mut delivery, sales): (Vec<u32>, Vec<u32>) = (team("Delivery"), team("Sales"));
    let mut work = Work::default();
    let (mut old, mut running) = (0, 0);
    for (position, engagement) in engagements.iter().enumerate() {
        dice.shuffle(&mut delivery);
        let developers = delivery.get(..dice.count(2, 4)).unwrap_or_default().to_vec();
        let mut members = vec![(engagement.manager, "Manager".to_owned())];
        members
            .extend(developers.iter().filter(|id| **id != engagement.manager).map(|&id| (id, "Developer".to_owned())));
        members.push((dice.pick(&sales), "Reporter".to_owned()));

        let founded = engagement.deals.first().map_or(engagement.start, |(_, close)| *close);
        let created = calendar.moment(founded, dice);
        let scope = engagement.deals.first().and_then(|(deal, _)| deals.get(*deal)).and_then(|deal| deal.scope.clone());
        let client = clients.get(engagement.client).map_or("", |client| client.name.as_str());
        let budget = (share(engagement.planned, LABOUR) / PLANNED_HOUR / 5 * 5).max(10);
        let (health, health_reason) = health(dice, engagement);
        let mut project = Project {
            id: number(position + 1),
            identifier: engagement.code.to_lowercase(),
            name: engagement.name.clone(),
            description: scope.unwrap_or_else(|| format!("Delivery for {client}.")),
            status: if engagement.finished() && !dice.chance(150) { 5 } else { 1 },
            shared_id: Some(engagement.code.clone()),
            health,
            health_reason,
            manager: Some(engagement.manager),
            start: Some(calendar.date(engagement.start)),
            due: Some(calendar.date(engagement.due)),
            budget_hours: Some(Decimal::from(budget)),
            versions: Vec::new(),
            members,
            created,
            updated: created.max(calendar.moment(engagement.last_day(), dice)),
        };
        if engagement.end < -500 {
            old += 1;
            if old % 14 == 3 {
                project.status = 9;
            }
        }
        milestones(dice, calendar, engagement, &mut project, &mut work);
        let first_issue = work.issues.len();
        issues(dice, calendar, engagement, &project, &developers, &mut work);
        if project.status == 1 && (1..1000).contains(&engagement.progress()) {
            running += 1;
            if running % 6 == 1 {
                critical_incident(dice, calendar, engagement, &project, &mut work);
            }
        }
        let issues: Vec<u32> = work.issues.iter().skip(first_issue).map(|issue| issue.id).collect();
        hours(dice, calendar, engagement, &project, budget, &issues, &mut work);
        work.projects.push(project);
    }
    work
}

fn health(dice: &mut Dice, engagement: &Engagement) -> (Option<String>, Option<String>) {
    if engagement.progress() == 0 {
        return (None, None);
    }
    let (word, reason) = match engagement.overrun + dice.range(-80, 80) {
        1220.. => ("Red", dice.pick(&RED)),
        1070.. => ("Amber", dice.pick(&AMBER)),
        _ => ("Green", ""),
    };
    (Some(word.to_owned()), Some(reason.to_owned()).filter(|reason| !reason.is_empty()))
}

fn milestones(dice: &mut Dice, calendar: Calendar, engagement: &Engagement, project: &mut Project, work: &mut Work) {
    let names: &[&str] = match engagement.size {
        Size::Small => &["Concept", "Go-live"],
        Size::Middle => &["Concept", "First release", "Go-live"],
        Size::Large => &["Concept", "First release", "Second release", "Acceptance", "Go-live"],
    };
    let count = i64::from(number(names.len()));
    for (place, name) in (1..).zip(names) {
        work.versions += 1;
        let day = engagement.start + (engagement.due - engagement.start) * place / count;
        let reached = day < 0 && (engagement.finished() || dice.chance(800));
        let status = if reached { "closed" } else { dice.pick(&["open", "open", "open", "locked"]) };
        project.versions.push(Version {
            id: work.versions,
            name: (*name).to_owned(),
            status: status.to_owned(),
            due: Some(calendar.date(day)).filter(|_| !dice.chance(40)),
        });
    }
}

fn issues(
    dice: &mut Dice,
    calendar: Calendar,
    engagement: &Engagement,
    project: &Project,
    developers: &[u32],
    work: &mut Work,
) {
    if engagement.progress() == 0 {
        return;
    }
    let more = match engagement.size {
        Size::Small => 0,
        Size::Middle => 4,
        Size::Large => 9,
    };
    let mut last_task = None;
    for _ in 0..dice.range(4, 7) + more {
        let tracker = dice.weighted(&["Task", "Incident", "Change request", "Support"], |tracker| match *tracker {
            "Task" => 55,
            "Incident" => 18,
            "Change request" => 12,
            _ => 15,
        });
        let planned = matches!(tracker, "Task" | "Change request");
        // Questions and incidents also come after the end.
        let until = if planned { engagement.last_day() } else { (engagement.end + 60).min(0) };
        let opened = dice.range(engagement.start, until);
        let closed = opened + if planned { dice.range(8, 60) } else { dice.range(0, 14) };
        let done = closed <= 0 && dice.chance(if engagement.finished() { 975 } else { 880 });
        let subject = match tracker {
            "Task" => dice.pick(&TASKS),
            "Incident" => dice.pick(&INCIDENTS),
            "Change request" => dice.pick(&CHANGES),
            _ => dice.pick(&QUESTIONS),
        };
        let mut issue = issue(dice, calendar, work, project.id, tracker, opened, done.then_some(closed));
        issue.subject = subject.into();
        issue.priority = dice
            .weighted(&PRIORITIES, |priority| match *priority {
                "Low" => 15,
                "Normal" => 52,
                "High" => 22,
                "Urgent" => 8,
                _ => 3,
            })
            .into();
        issue.assignee = Some(dice.pick(developers)).filter(|_| done || !dice.chance(200));
        if planned {
            issue.estimated_hours = Some(Decimal::new(dice.range(8, 160) * 5, 1));
            issue.due = Some(calendar.date(closed));
            issue.version = project.versions.get(dice.count(0, project.versions.len())).map(|version| version.id);
        }
        if tracker == "Task" {
            issue.parent = last_task.filter(|_| dice.chance(200));
            if issue.parent.is_none() {
                last_task = Some(issue.id);
            }
        }
        work.issues.push(issue);
    }
}

fn critical_incident(dice: &mut Dice, calendar: Calendar, engagement: &Engagement, project: &Project, work: &mut Work) {
    let opened = dice.range(engagement.start.max(-20), 0);
    let mut issue = issue(dice, calendar, work, project.id, "Incident", opened, None);
    issue.subject = dice.pick(&INCIDENTS).into();
    issue.priority = dice.pick(&["Urgent", "Immediate"]).into();
    issue.assignee = Some(engagement.manager);
    work.issues.push(issue);
}

fn issue(
    dice: &mut Dice,
    calendar: Calendar,
    work: &Work,
    project: u32,
    tracker: &str,
    opened: Day,
    closed: Option<Day>,
) -> Issue {
    let created = calendar.moment(opened, dice);
    let closed_on: Option<Timestamp> = closed.map(|day| calendar.moment(day, dice).max(created));
    let status = match closed {
        Some(_) => dice.pick(&["Closed", "Closed", "Closed", "Closed", "Closed", "Closed", "Rejected"]),
        None => dice.pick(&["New", "In Progress", "In Progress", "Resolved", "Feedback"]),
    };
    let done_ratio = match status {
        "Closed" | "Rejected" => 100,
        "New" => 0,
        _ => dice.pick(&[10, 20, 30, 50, 70, 90]),
    };
    Issue {
        id: number(work.issues.len() + 1),
        project,
        tracker: tracker.to_owned(),
        status: status.to_owned(),
        closed: closed.is_some(),
        priority: "Normal".to_owned(),
        subject: String::new(),
        assignee: None,
        version: None,
        done_ratio,
        estimated_hours: None,
        parent: None,
        start: Some(calendar.date(opened)),
        due: None,
        created,
        updated: closed_on.unwrap_or_else(|| calendar.moment(dice.range(opened, 0), dice).max(created)),
        closed_on,
    }
}

/// Books the hours, as sheets of several days: as many as the plan had, times how far it ran over it.
fn hours(
    dice: &mut Dice,
    calendar: Calendar,
    engagement: &Engagement,
    project: &Project,
    budget: i64,
    issues: &[u32],
    work: &mut Work,
) {
    let quarters = share(share(budget * 4, engagement.overrun), engagement.progress());
    if quarters == 0 {
        return;
    }
    let sheets = usize::try_from(quarters / 56).unwrap_or(0).clamp(1, 30);
    // Of a finished project, the last two sheets are support after its end.
    let after = if engagement.finished() && sheets > 6 { 2 } else { 0 };
    let people: Vec<u32> =
        project.members.iter().filter(|(_, role)| role != "Reporter").map(|(person, _)| *person).collect();
    for (sheet, part) in dice.split(quarters, sheets).into_iter().enumerate() {
        let late = sheet + after >= sheets;
        let day = if late {
            dice.range(engagement.end, (engagement.end + 60).min(0))
        } else {
            dice.range(engagement.start, engagement.last_day())
        };
        let part = if late { part / 4 } else { part };
        if part == 0 {
            continue;
        }
        work.time_entries.push(TimeEntry {
            id: number(work.time_entries.len() + 1),
            project: project.id,
            issue: Some(dice.pick(issues)).filter(|issue| *issue != 0 && !dice.chance(250)),
            person: dice.pick(&people),
            activity: if late { "Support" } else { dice.pick(&["Design", "Development", "Development"]) }.to_owned(),
            hours: Decimal::new(part * 25, 2),
            spent_on: calendar.date(day),
        });
    }
}
