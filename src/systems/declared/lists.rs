//! Filters and orders of lists: those that are declared become parameters, the others are applied here.

use jiff::civil::Date;

use super::fields::{DealFields, InvoiceFields, ProjectFields};
use super::path::Field;
use super::template::Param;
use super::value::Word;
use super::ways::Listing;
use super::words::{Ours, Words};
use crate::config::nearest;
use crate::domain::{
    Deal, DealOrder, DealOrderField, DealQuery, Invoice, InvoiceKind, InvoiceQuery, InvoiceState, Project,
    ProjectQuery, ProjectStatus,
};
use crate::systems::ConnectionProblem;

/// Filters of deals that a list can declare.
pub(in crate::systems) const DEAL_FILTERS: [&str; 10] =
    ["status", "pipeline", "stage", "vertical", "deal_type", "client_id", "closed_from", "closed_to", "linked", "text"];
/// Filters of projects.
pub(in crate::systems) const PROJECT_FILTERS: [&str; 2] = ["status", "text"];
/// Filters of invoices.
pub(in crate::systems) const INVOICE_FILTERS: [&str; 6] =
    ["project_ids", "kind", "open", "due_before", "issued_from", "issued_to"];
/// Orders of deals.
pub(in crate::systems) const DEAL_ORDERS: [&str; 4] = ["close_date", "amount", "name", "created_at"];

/// Refuses a name that is not one of these.
pub(in crate::systems) fn known(key: &str, name: &str, names: &[&str]) -> Result<(), ConnectionProblem> {
    if names.contains(&name) {
        return Ok(());
    }
    let hint = nearest(name, names)
        .map_or_else(|| format!("known are {}", names.join(", ")), |name| format!("did you mean `{name}`?"));
    Err(ConnectionProblem::new(format!("{key}.{name}"), format!("is unknown: {hint}")))
}

/// The parameters of a question.
#[derive(Debug)]
pub(in crate::systems) struct Params<'l> {
    listing: &'l Listing,
    given: Vec<(&'l str, Param)>,
    /// Conditions of one expression, for a system that has such a language.
    conditions: Vec<String>,
}

impl<'l> Params<'l> {
    pub(in crate::systems) fn new(listing: &'l Listing) -> Self {
        Self { listing, given: Vec::new(), conditions: Vec::new() }
    }

    /// All parameters.
    pub(in crate::systems) fn finish(mut self) -> Vec<(&'l str, Param)> {
        if let Some(expressions) = &self.listing.expressions {
            self.conditions.extend(expressions.always.clone());
            if let [only] = self.conditions.as_slice() {
                self.given.push((expressions.param, Param::Text(only.clone())));
            } else if !self.conditions.is_empty() {
                let all: Vec<String> = self.conditions.iter().map(|one| format!("({one})")).collect();
                self.given.push((expressions.param, Param::Text(all.join(" and "))));
            }
            if let Some((name, order)) = &expressions.order
                && !self.given.iter().any(|(param, _)| param == name)
            {
                self.given.push((name, Param::Text(order.clone())));
            }
        }
        self.given
    }

    pub(in crate::systems) fn push(&mut self, name: &'l str, value: String) {
        self.given.push((name, Param::Text(value)));
    }

    /// Makes a parameter of a filter that is declared, and takes it away from what is left to do here.
    fn take<V>(&mut self, name: &str, filter: &mut Option<V>, text: impl Fn(&V) -> Option<String>) {
        let listing = self.listing;
        let expression = |value: &V| listing.expressions.as_ref()?.of(name, &text(value)?);
        if let Some(condition) = filter.as_ref().and_then(expression) {
            self.conditions.push(condition);
            *filter = None;
        } else if let (Some(param), Some(value)) = (listing.filters.get(name), filter.as_ref())
            && let Some(text) = text(value)
        {
            self.push(param, text);
            *filter = None;
        }
    }

    /// What is left of a question for deals.
    pub(in crate::systems) fn deals(&mut self, query: &DealQuery, fields: &DealFields) -> DealQuery {
        let mut here = DealQuery { order: None, ..query.clone() };
        let day = |day: &Date| Some(day.to_string());
        self.take("status", &mut here.status, |status| only_word(fields.status.as_ref(), status));
        self.take("pipeline", &mut here.pipeline, |text| Some(text.clone()));
        self.take("stage", &mut here.stage, |text| Some(text.clone()));
        self.take("vertical", &mut here.vertical, |text| Some(text.clone()));
        self.take("deal_type", &mut here.deal_type, |text| Some(text.clone()));
        self.take("client_id", &mut here.client, |id| Some(id.to_string()));
        self.take("closed_from", &mut here.closed_from, day);
        self.take("closed_to", &mut here.closed_to, day);
        self.take("linked", &mut here.linked, |linked| Some(linked.to_string()));
        self.take("text", &mut here.text, |text| Some(text.clone()));
        here
    }

    /// What is left of a question for projects.
    pub(in crate::systems) fn projects(&mut self, query: &ProjectQuery, fields: &ProjectFields) -> ProjectQuery {
        let mut here = query.clone();
        self.take("status", &mut here.status, |status| match status {
            ProjectStatus::Unknown(raw) => Some(raw.clone()),
            status => only_word(Some(&fields.status), status),
        });
        self.take("text", &mut here.text, |text| Some(text.clone()));
        here
    }

    /// What is left of a question for invoices.
    pub(in crate::systems) fn invoices(&mut self, query: &InvoiceQuery, fields: &InvoiceFields) -> InvoiceQuery {
        let mut here = InvoiceQuery { direction: None, ..query.clone() };
        let day = |day: &Date| Some(day.to_string());
        self.take("project_ids", &mut here.project_ids, |ids| {
            let ids: Vec<&str> = ids.iter().map(crate::domain::ProjectId::as_str).collect();
            (!ids.iter().any(|id| id.contains(','))).then(|| ids.join(","))
        });
        self.take("kind", &mut here.kind, |kind: &InvoiceKind| only_word(fields.kind.as_ref(), kind));
        self.take("open", &mut here.open, |open| Some(open.to_string()));
        self.take("due_before", &mut here.due_before, day);
        self.take("issued_from", &mut here.issued_from, day);
        self.take("issued_to", &mut here.issued_to, day);
        here
    }
}

/// The owner's word for one of ours, if it has exactly one. With several, the filter is applied here.
fn only_word<E: Words + PartialEq>(field: Option<&Field<Word<Ours<E>>>>, word: &E) -> Option<String> {
    let Field(mapping) = field?;
    let mut raw = mapping.raw_words(word);
    raw.next().filter(|_| raw.next().is_none()).map(str::to_owned)
}

/// The parameter of an order, if it is declared.
pub(in crate::systems) fn order(listing: &Listing, wanted: DealOrder) -> Option<(&str, String)> {
    let order = listing.order.as_ref()?;
    let name = match wanted.field {
        DealOrderField::CloseDate => "close_date",
        DealOrderField::Amount => "amount",
        DealOrderField::Name => "name",
        DealOrderField::CreatedAt => "created_at",
    };
    let form = if wanted.descending { &order.descending } else { &order.ascending };
    Some((&order.param, form.replace("{field}", order.fields.get(name)?)))
}

/// Whether a deal is one of those that are asked for.
pub(in crate::systems) fn deal_fits(query: &DealQuery, deal: &Deal) -> bool {
    let linked = query.linked.is_none_or(|linked| deal.project_id().is_some() == linked);
    same(query.status.as_ref(), deal.status.as_ref())
        && same(query.pipeline.as_deref(), deal.pipeline.as_deref())
        && same(query.stage.as_deref(), deal.stage.as_deref())
        && same(query.vertical.as_deref(), deal.vertical.as_deref())
        && same(query.deal_type.as_deref(), deal.deal_type.as_deref())
        && same(query.client.as_ref(), deal.client.as_ref())
        && between(query.closed_from, query.closed_to, deal.close_date)
        && linked
        && holds(query.text.as_deref(), deal.name.as_deref())
}

/// Whether a project is one of those that are asked for.
pub(in crate::systems) fn project_fits(query: &ProjectQuery, project: &Project) -> bool {
    same(query.status.as_ref(), Some(&project.status)) && holds(query.text.as_deref(), project.name.as_deref())
}

/// Whether a document is one of those that are asked for.
pub(in crate::systems) fn invoice_fits(query: &InvoiceQuery, invoice: &Invoice) -> bool {
    let of_project = query.project_ids.as_ref().is_none_or(|ids| ids.iter().any(|id| invoice.project_ids.contains(id)));
    let due = query.due_before.is_none_or(|day| invoice.due_date.is_some_and(|due| due < day));
    of_project
        && same(query.kind.as_ref(), Some(&invoice.kind))
        && query.open.is_none_or(|open| (invoice.state == InvoiceState::Open) == open)
        && due
        && between(query.issued_from, query.issued_to, invoice.issue_date)
}

fn same<T: PartialEq + ?Sized>(wanted: Option<&T>, value: Option<&T>) -> bool {
    wanted.is_none() || wanted == value
}

fn between(from: Option<Date>, to: Option<Date>, day: Option<Date>) -> bool {
    (from.is_none() && to.is_none())
        || day.is_some_and(|day| from.is_none_or(|from| from <= day) && to.is_none_or(|to| day <= to))
}

fn holds(wanted: Option<&str>, text: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| text.is_some_and(|text| text.to_lowercase().contains(&wanted.to_lowercase())))
}
