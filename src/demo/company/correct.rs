//! Corrections: what `POST /_demo/correct` changes in the company, as people would in the systems' own windows.
//!
//! A correction is one JSON object. It names one record and the fields to change; amounts are in the record's
//! currency; null empties a field that may be empty. What hangs together stays together: lines, tax, totals, local
//! amounts, payments, balance.
//!
//! - `{"invoice": 500012, "net": "1234.50", "paid": "100", "due": "2026-01-31", "project": "PRJ-2025-014"}`,
//!   `{"invoice": 500012, "cancel": true}`; the number is the one on paper
//! - `{"cost": 800012, ...}`: the same for a purchase invoice
//! - `{"journal": 100012, "amount": "80.00"}`, with `"project"` where the entry carries several
//! - `{"deal": "900001", "stage": "closedwon", "amount": "100", "currency": "EUR", "shared_id": "PRJ-2025-014"}`
//! - `{"project": "PRJ-2025-014", "health": "Red", "health_reason": "...", "status": 5, "due": "2026-01-31",
//!   "shared_id": "..."}`; the identifier `prj-2025-014` names it too
//! - `{"issue": 12, "status": "Closed", "priority": "Urgent"}`
//!
//! The answer says what it was `before` and is `after`.

mod documents;
mod fields;
#[cfg(test)]
mod tests;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::amounts::{base_rate, round};
use super::model::{Company, Deal, Issue, Project};
use super::words::{ISSUE_STATUSES, PRIORITIES, stage_of};
use fields::Fields;

/// The currencies the CRM has rates for.
const CURRENCIES: [&str; 4] = ["EUR", "USD", "GBP", "CHF"];

/// Why a correction was not made. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// Nothing of that name or number; the text names it.
    Unknown(String),
    /// Not a correction; the text says why.
    Nonsense(String),
}

/// Makes the correction and says what it changed, before and after.
pub fn correct(company: &mut Company, body: &[u8]) -> Result<Value, Refused> {
    let fields = Fields::read(body)?;
    // A document or an entry may name a project; only alone is the project itself meant.
    let correction = match fields.target(&["invoice", "cost", "journal", "deal", "issue", "project"])? {
        "invoice" | "cost" => documents::document(company, fields),
        "journal" => documents::journal(company, fields),
        "deal" => deal(company, fields),
        "issue" => issue(company, fields),
        _ => project(company, fields),
    }?;
    company.revision += 1;
    Ok(correction)
}

fn nonsense<T>(why: impl Into<String>) -> Result<T, Refused> {
    Err(Refused::Nonsense(why.into()))
}

fn unknown(what: &str, name: impl std::fmt::Display) -> Refused {
    Refused::Unknown(format!("no {what} {name}"))
}

fn deal(company: &mut Company, mut fields: Fields) -> Result<Value, Refused> {
    let id = fields.word("deal")?.unwrap_or_default();
    let today = company.today;
    let deal = company.deals.iter_mut().find(|deal| deal.id.to_string() == id).ok_or_else(|| unknown("deal", id))?;
    // All is tried on a copy: a correction is made whole or not at all.
    let mut new = deal.clone();
    if let Some(id) = fields.word("stage")? {
        let stage = stage_of(&id).ok_or_else(|| unknown("stage", id))?;
        stage.id.clone_into(&mut new.stage);
        stage.pipeline.clone_into(&mut new.pipeline);
    }
    fields.set_amount("amount", &mut new.amount)?;
    fields.set_text("currency", &mut new.currency)?;
    fields.set_text("shared_id", &mut new.shared_id)?;
    fields.end("a deal")?;
    if let Some(code) = new.currency.as_deref()
        && !CURRENCIES.contains(&code)
    {
        return nonsense(format!("the CRM has rates for {}, not for {code}", CURRENCIES.join(", ")));
    }
    let rate = new.currency.as_deref().map(|currency| Decimal::new(base_rate(currency), 4));
    new.amount_home = new.amount.zip(rate).map(|(amount, rate)| round(amount * rate));
    new.updated = touched(new.updated, today);
    let answer = json!({ "deal": new.id.to_string(), "before": shown_deal(deal), "after": shown_deal(&new) });
    *deal = new;
    Ok(answer)
}

fn shown_deal(deal: &Deal) -> Value {
    json!({
        "stage": deal.stage, "amount": deal.amount, "currency": deal.currency, "shared_id": deal.shared_id,
    })
}

fn project(company: &mut Company, mut fields: Fields) -> Result<Value, Refused> {
    let name = fields.word("project")?.unwrap_or_default();
    let today = company.today;
    let mut named: Vec<&mut Project> = company
        .projects
        .iter_mut()
        .filter(|project| project.identifier == name || project.shared_id.as_deref() == Some(&name))
        .collect();
    if named.len() > 1 {
        return nonsense(format!("several projects carry {name}: name one by its identifier"));
    }
    let project = named.pop().ok_or_else(|| unknown("project", &name))?;
    let mut new = project.clone();
    fields.set_text("health", &mut new.health)?;
    fields.set_text("health_reason", &mut new.health_reason)?;
    fields.set_text("shared_id", &mut new.shared_id)?;
    new.due = fields.date("due")?.or(new.due);
    match fields.number("status")? {
        None => {}
        Some(1) => new.status = 1,
        Some(5) => new.status = 5,
        Some(9) => new.status = 9,
        Some(_) => return nonsense("status is 1 (active), 5 (closed) or 9 (archived)"),
    }
    fields.end("a project")?;
    new.updated = touched(new.updated, today);
    let answer = json!({ "project": new.identifier, "before": shown_project(project), "after": shown_project(&new) });
    *project = new;
    Ok(answer)
}

fn shown_project(project: &Project) -> Value {
    json!({
        "health": project.health, "health_reason": project.health_reason, "status": project.status,
        "due": project.due, "shared_id": project.shared_id,
    })
}

fn issue(company: &mut Company, mut fields: Fields) -> Result<Value, Refused> {
    let number = fields.number("issue")?.unwrap_or_default();
    let today = company.today;
    let issue = company.issues.iter_mut().find(|issue| i64::from(issue.id) == number);
    let issue = issue.ok_or_else(|| unknown("issue", number))?;
    let mut new = issue.clone();
    new.updated = touched(new.updated, today);
    if let Some(name) = fields.word("status")? {
        let known = ISSUE_STATUSES.iter().find(|(status, _)| *status == name);
        let (_, closed) = *known.ok_or_else(|| unknown("issue status", &name))?;
        new.status = name;
        new.closed = closed;
        new.closed_on = closed.then_some(new.closed_on.unwrap_or(new.updated));
        if closed {
            new.done_ratio = 100;
        }
    }
    if let Some(name) = fields.word("priority")? {
        if !PRIORITIES.contains(&name.as_str()) {
            return Err(unknown("priority", name));
        }
        new.priority = name;
    }
    fields.end("an issue")?;
    let answer = json!({ "issue": new.id, "before": shown_issue(issue), "after": shown_issue(&new) });
    *issue = new;
    Ok(answer)
}

fn shown_issue(issue: &Issue) -> Value {
    json!({ "status": issue.status, "closed": issue.closed, "priority": issue.priority })
}

/// The company's clock stands still at the evening of its last day; each change is a second later.
fn touched(before: Timestamp, today: Date) -> Timestamp {
    let evening = today.to_datetime(Time::constant(18, 0, 0, 0)).to_zoned_datetime(TimeZone::UTC);
    let evening = evening.map_or(before, |evening| evening.timestamp());
    before.max(evening).saturating_add(SignedDuration::from_secs(1)).unwrap_or(before)
}
