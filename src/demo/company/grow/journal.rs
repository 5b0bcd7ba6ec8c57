//! Costs that come without a document: hours at their rate, expenses.

use std::collections::BTreeMap;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::Engagement;
use super::books::{Books, push};
use super::dice::{Dice, cents, share};
use crate::demo::company::amounts::{ZERO, hour_cost, round};
use crate::demo::company::model::{JournalEntry, TimeEntry};

/// Expenses, per thousand of the planned cost.
const EXPENSES: i64 = 40;
/// How many projects one labour entry carries at most.
const PROJECTS_PER_ENTRY: usize = 6;

/// Posts travel and other expenses of an engagement, and now and then takes some back.
pub(super) fn expenses(dice: &mut Dice, books: &mut Books, engagement: &Engagement) {
    let spent = engagement.spent(EXPENSES);
    let entries = dice.count(1, 3);
    for part in dice.split(spent, entries) {
        if part < 2_000 {
            continue;
        }
        let date = books.calendar.date(dice.range(engagement.start, engagement.last_day()));
        let project = Some(engagement.code.clone());
        let account = dice.pick(&["6100", "6100", "6200"]);
        let memo = if account == "6100" { "Travel expenses" } else { "Material and freight" };
        let mut entry = manual(date, memo);
        push(&mut entry, account, cents(part), true, project.clone());
        push(&mut entry, "2600", cents(part), false, None);
        books.journal.push(entry);
        if books.every(15, "expense taken back") {
            let mut entry = manual(date, "Correction of expenses");
            push(&mut entry, account, cents(share(part, 150)), false, project.clone());
            push(&mut entry, "2600", cents(share(part, 150)), true, None);
            books.journal.push(entry);
        }
        if books.every(12, "accrual") {
            // On balance sheet accounts a project is information, not cost.
            let mut entry = manual(date, "Accrual of work not yet billed");
            push(&mut entry, "1400", cents(share(part, 2500)), true, project);
            push(&mut entry, "2900", cents(share(part, 2500)), false, None);
            books.journal.push(entry);
        }
    }
}

/// Posts the hours of each month that is over, at the month's end, several projects on one entry.
pub(super) fn labour(books: &mut Books, engagements: &[Engagement], time_entries: &[TimeEntry]) {
    let today = books.calendar.date(0);
    let mut months: BTreeMap<Date, BTreeMap<usize, Decimal>> = BTreeMap::new();
    for entry in time_entries {
        let position = usize::try_from(entry.project).unwrap_or(0).saturating_sub(1);
        let in_erp = engagements.get(position).is_some_and(|engagement| engagement.in_erp);
        let month_end = entry.spent_on.last_of_month();
        if in_erp && month_end <= today {
            *months.entry(month_end).or_default().entry(position).or_default() += entry.hours;
        }
    }
    for (date, hours) in months {
        let rate = hour_cost(today, date);
        let hours: Vec<(usize, Decimal)> = hours.into_iter().collect();
        for chunk in hours.chunks(PROJECTS_PER_ENTRY) {
            let mut entry = manual(date, &format!("Labour {}-{:02}", date.year(), date.month()));
            let mut sum = ZERO;
            for (position, hours) in chunk {
                let amount = round(hours * rate);
                sum += amount;
                let project = engagements.get(*position).map(|engagement| engagement.code.clone());
                push(&mut entry, "5000", amount, true, project);
            }
            push(&mut entry, "2650", sum, false, None);
            books.journal.push(entry);
        }
    }
}

fn manual(date: Date, memo: &str) -> JournalEntry {
    JournalEntry { number: 0, date, memo: memo.to_owned(), manual: true, lines: Vec::new() }
}
