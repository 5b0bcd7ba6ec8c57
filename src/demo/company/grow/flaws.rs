//! The flaws real data has, a few of each in every company that is large enough.

use super::Engagement;
use super::dice::{Dice, number};
use super::projects::Work;
use crate::demo::company::model::{Deal, Project};
use crate::demo::company::words::{ISSUE_STATUSES, Stage, stage_of};

/// A person number nobody has: the owner left, and the CRM kept the number.
const GONE: u32 = 99;

/// Where flaws are put.
pub(super) struct Flawed<'a> {
    pub(super) deals: &'a mut [Deal],
    pub(super) engagements: &'a [Engagement],
    pub(super) work: &'a mut Work,
}

/// So many of a thousand, and at least so many.
fn some(all: usize, permille: usize, least: usize) -> usize {
    (all * permille / 1000).max(least)
}

/// Some projects never reach the ERP. Has to be known before the books are written.
pub(super) fn unknown_to_the_erp(dice: &mut Dice, engagements: &mut [Engagement]) {
    let mut under_way: Vec<&mut Engagement> =
        engagements.iter_mut().filter(|engagement| engagement.progress() > 0).collect();
    dice.shuffle(&mut under_way);
    let count = some(under_way.len(), 15, 2);
    // Not in a company so small that nothing would be left.
    if under_way.len() > 10 {
        for engagement in under_way.into_iter().take(count) {
            engagement.in_erp = false;
        }
    }
}

/// Puts the flaws into the CRM's and the project tool's records.
pub(super) fn apply(dice: &mut Dice, flawed: Flawed<'_>) {
    let Flawed { deals, engagements, work } = flawed;
    deal_flaws(dice, deals);
    project_flaws(dice, engagements, work);
    let mut open: Vec<_> = work.issues.iter_mut().filter(|issue| !issue.closed).collect();
    dice.shuffle(&mut open);
    let count = some(open.len(), 20, 3);
    if let Some((unexpected, _)) = ISSUE_STATUSES.last() {
        for issue in open.into_iter().take(count) {
            (*unexpected).clone_into(&mut issue.status);
        }
    }
}

fn deal_flaws(dice: &mut Dice, deals: &mut [Deal]) {
    let count = deals.len();
    let (mut won, mut other): (Vec<&mut Deal>, Vec<&mut Deal>) =
        deals.iter_mut().partition(|deal| stage_of(&deal.stage).is_some_and(Stage::won));
    dice.shuffle(&mut won);
    dice.shuffle(&mut other);

    // No deal gets two of these, so that each can be seen by itself.
    let sold = won.len();
    let mut won = won.into_iter();
    for deal in won.by_ref().take(some(sold, 35, 3)) {
        deal.shared_id = None;
    }
    for (deal, turn) in won.by_ref().take(some(sold, 25, 3)).zip(0..) {
        deal.shared_id = deal.shared_id.as_deref().map(|code| mistyped(code, turn));
    }
    for deal in won.by_ref().take(some(sold, 30, 3)) {
        deal.shared_id = deal.shared_id.as_deref().map(str::to_lowercase);
    }
    for deal in won.by_ref().take(some(sold, 20, 3).min(4)) {
        deal.currency = None;
        deal.amount_home = None;
    }
    for deal in won.by_ref().take(some(sold, 10, 1)) {
        deal.client = None;
        deal.contacts.clear();
    }
    for deal in won.by_ref().take(some(sold, 10, 1)) {
        deal.owner = Some(GONE);
    }

    let linked = other.iter_mut().filter(|deal| deal.shared_id.is_some());
    for (deal, turn) in linked.zip(0..) {
        if turn % 4 == 0 {
            deal.shared_id = deal.shared_id.as_deref().map(|code| format!(" {code} "));
        }
    }
    let mut other = other.into_iter();
    for deal in other.by_ref().take(some(count, 6, 2)) {
        deal.client = None;
        deal.contacts.clear();
    }
    for deal in other.by_ref().take(some(count, 6, 2)) {
        deal.owner = Some(GONE);
    }
}

/// An ID as people mistype it. None of these is well formed, so none names another project.
fn mistyped(code: &str, turn: u32) -> String {
    let (head, digits) = code.rsplit_once('-').unwrap_or((code, ""));
    let short = digits.trim_start_matches('0');
    match turn % 3 {
        0 => code.replacen('-', "", 1),
        1 if short.len() < 3 => format!("{head}-{short}"),
        1 => code.replace('-', " "),
        _ => "TBD".to_owned(),
    }
}

fn project_flaws(dice: &mut Dice, engagements: &[Engagement], work: &mut Work) {
    let mut order: Vec<usize> = (0..work.projects.len()).collect();
    dice.shuffle(&mut order);
    let count = order.len();
    let mut order = order.into_iter();
    for (position, turn) in order.by_ref().take(some(count, 20, 2)).zip(0..) {
        let Some(project) = work.projects.get_mut(position) else { continue };
        project.shared_id = (turn % 2 == 1).then(String::new);
        project.identifier = format!("project-{}", project.id);
    }
    for (position, turn) in order.by_ref().take(some(count, 12, 2)).zip(0..) {
        let Some(project) = work.projects.get_mut(position) else { continue };
        project.health = Some(if turn % 2 == 0 { "Yellow" } else { "tbc" }.to_owned());
    }
    // Somebody opened a second project for the second phase and copied the ID along.
    let active = order.find(|position| {
        let running = engagements.get(*position).is_some_and(|engagement| !engagement.finished());
        running && work.projects.get(*position).is_some_and(|project| project.status == 1)
    });
    if let Some(original) = active.and_then(|position| work.projects.get(position)) {
        let second = Project {
            id: number(work.projects.len() + 1),
            identifier: format!("{}-phase-2", original.identifier),
            name: format!("{}, phase 2", original.name),
            versions: Vec::new(),
            budget_hours: None,
            ..original.clone()
        };
        work.projects.push(second);
    }
}
