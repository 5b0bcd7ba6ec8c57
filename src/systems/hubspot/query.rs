//! From the graph's questions about deals to HubSpot's filters.
//!
//! What HubSpot cannot filter exactly, or what does not fit into its six filters, is checked on the rows that come.

use compact_str::CompactString;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::config::Map;
use super::reference::Pipelines;
use super::wire::{Filter, Sort};
use crate::domain::{Deal, DealOrder, DealOrderField, DealQuery, DealStatus};

/// Filters of one group.
const MAX_FILTERS: usize = 6;
/// The last millisecond of a day, after its first.
const LAST_OF_DAY: i64 = 86_399_999;

/// What HubSpot is asked, and what is left to check.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) filters: Vec<Filter>,
    /// The conditions that HubSpot was not asked, or not exactly.
    pub(super) rest: DealQuery,
}

/// The plan of a query; none if no deal can match, because no pipeline or stage has that label.
pub(super) fn plan(query: &DealQuery, names: &Map, pipelines: &Pipelines) -> Option<Plan> {
    let mut plan = Plan::default();
    // One is kept free to go on after the last record where the order is that of records.
    let room = if query.order.is_none() { MAX_FILTERS - 1 } else { MAX_FILTERS };
    match query.status {
        Some(DealStatus::Open) => plan.filters.push(Filter::new("hs_is_closed", "EQ", "false")),
        Some(DealStatus::Won) => plan.filters.push(Filter::new("hs_is_closed_won", "EQ", "true")),
        Some(DealStatus::Lost) => plan.filters.push(Filter::new("hs_is_closed_lost", "EQ", "true")),
        None => {}
    }
    if let Some(pipeline) = &query.pipeline {
        plan.filters.push(Filter::one_of("pipeline", some(pipelines.ids(pipeline))?));
    }
    if let Some(stage) = &query.stage {
        let ids = some(pipelines.stage_ids(query.pipeline.as_deref(), stage))?;
        plan.filters.push(Filter::one_of("dealstage", ids));
    }
    match (query.closed_from.map(midnight), query.closed_to.map(|day| midnight(day).saturating_add(LAST_OF_DAY))) {
        (Some(from), Some(to)) => plan.filters.push(Filter::between("closedate", from.to_string(), to.to_string())),
        (Some(from), None) => plan.filters.push(Filter::new("closedate", "GTE", from.to_string())),
        (None, Some(to)) => plan.filters.push(Filter::new("closedate", "LTE", to.to_string())),
        (None, None) => {}
    }
    if let Some(client) = &query.client {
        // Finds deals that are associated with it in any way; the client of a deal is its primary company.
        plan.filters.push(Filter::new("associations.company", "EQ", client.as_str()));
        plan.rest.client = Some(client.clone());
    }
    if query.linked == Some(true) {
        plan.filters.push(Filter::has(&names.shared_id));
    }
    // A mistyped ID is no shared ID, and HubSpot cannot tell.
    plan.rest.linked = query.linked;
    if let Some(text) = &query.text {
        // HubSpot compares words; a part of one narrows the search, and the whole text is checked here.
        let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
        if let Some(word) = words.max_by_key(|word| word.chars().count()) {
            plan.filters.push(Filter::new("dealname", "CONTAINS_TOKEN", format!("*{word}*")));
        }
        plan.rest.text = Some(text.clone());
    }
    for (value, property, rest) in [
        (&query.vertical, &names.vertical, &mut plan.rest.vertical),
        (&query.deal_type, &names.deal_type, &mut plan.rest.deal_type),
    ] {
        match value {
            Some(value) if plan.filters.len() < room => plan.filters.push(Filter::new(property, "EQ", value)),
            value => rest.clone_from(value),
        }
    }
    // What has no place any more was noted as to be checked: text and link are the last to be filtered.
    plan.filters.truncate(room);
    Some(plan)
}

/// Whether a deal meets the conditions that are left.
pub(super) fn matches(rest: &DealQuery, deal: &Deal) -> bool {
    let same = |asked: &Option<String>, value: &Option<CompactString>| {
        asked.as_ref().is_none_or(|asked| value.as_ref().is_some_and(|value| folded(value) == folded(asked)))
    };
    rest.client.as_ref().is_none_or(|client| deal.client.as_ref() == Some(client))
        && rest.linked.is_none_or(|linked| deal.project_id().is_some() == linked)
        && rest
            .text
            .as_ref()
            .is_none_or(|text| deal.name.as_ref().is_some_and(|name| folded(name).contains(&folded(text))))
        && same(&rest.vertical, &deal.vertical)
        && same(&rest.deal_type, &deal.deal_type)
}

/// HubSpot's one sort rule.
pub(super) fn sort(order: Option<DealOrder>) -> Sort {
    let property_name = match order.map(|order| order.field) {
        None => "hs_object_id",
        Some(DealOrderField::CloseDate) => "closedate",
        // Amounts of several currencies only compare in the company's own.
        Some(DealOrderField::Amount) => "amount_in_home_currency",
        Some(DealOrderField::Name) => "dealname",
        Some(DealOrderField::CreatedAt) => "createdate",
    };
    let descending = order.is_some_and(|order| order.descending);
    Sort { property_name, direction: if descending { "DESCENDING" } else { "ASCENDING" } }
}

fn some(ids: Vec<String>) -> Option<Vec<String>> {
    (!ids.is_empty()).then_some(ids)
}

/// The first millisecond of a day; days at the very ends of the calendar are brought inside.
fn midnight(day: Date) -> i64 {
    let edge = if day.year() > 0 { Timestamp::MAX } else { Timestamp::MIN };
    day.to_zoned_datetime(TimeZone::UTC).map_or(edge, |at| at.timestamp()).as_millisecond()
}

fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}
