//! What a record says for each of its properties: text or nothing, as HubSpot writes it.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Map, Value as Json, json};

use super::index::{COMPANY_IDS, CONTACT_IDS, OWNER_IDS, Row};
use super::kinds::Kind;
use crate::demo::company::model::{
    Client, Communication, CommunicationKind, Contact, CrmTicket, Deal, LineItem, Quote,
};
use crate::demo::company::words::{Stage, stage_of};

/// 1 January 2024: the model does not say when clients and contacts were entered.
const ACCOUNT_OPENED: Timestamp = Timestamp::constant(1_704_067_200, 0);

/// The value of a property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// The account has no such property: the key is left out, and that is no error.
    Undefined,
    /// It is empty.
    Null,
    /// Numbers, booleans and dates are text too.
    Text(Cow<'a, str>),
}

impl<'a> Row<'a> {
    pub(super) fn id(self) -> u64 {
        match self {
            Row::Company(client) => COMPANY_IDS + u64::from(client.id),
            Row::Contact(contact, _) => CONTACT_IDS + u64::from(contact.id),
            Row::Deal(deal) => deal.id,
            Row::Ticket(_, ticket) => ticket.id,
            Row::LineItem(_, item) => item.id,
            Row::Quote(_, quote) => quote.id,
            Row::Activity(_, activity) => activity.id,
        }
    }

    fn created(self) -> Timestamp {
        match self {
            Row::Company(_) | Row::Contact(..) => ACCOUNT_OPENED,
            Row::Deal(deal) | Row::LineItem(deal, _) => deal.created,
            Row::Ticket(_, ticket) => ticket.created,
            Row::Quote(_, quote) => quote.created,
            Row::Activity(_, activity) => activity.at,
        }
    }

    fn updated(self) -> Timestamp {
        match self {
            Row::Deal(deal) | Row::LineItem(deal, _) => deal.updated,
            Row::Ticket(_, ticket) => ticket.closed.unwrap_or(ticket.created),
            _ => self.created(),
        }
    }

    pub(super) fn value(self, name: &str) -> Value<'a> {
        match name {
            "hs_object_id" => return text(self.id().to_string()),
            "hs_lastmodifieddate" if !matches!(self, Row::Contact(..)) => return instant(self.updated()),
            "lastmodifieddate" if matches!(self, Row::Contact(..)) => return instant(self.updated()),
            "createdate" if !matches!(self, Row::Quote(..) | Row::Activity(..)) => return instant(self.created()),
            "hs_createdate" if matches!(self, Row::Quote(..) | Row::Activity(..)) => return instant(self.created()),
            _ => {}
        }
        match self {
            Row::Company(client) => of_company(client, name),
            Row::Contact(contact, client) => of_contact(contact, client, name),
            Row::Deal(deal) => of_deal(deal, name),
            Row::Ticket(_, ticket) => of_ticket(ticket, name),
            Row::LineItem(deal, item) => of_line_item(deal, item, name),
            Row::Quote(deal, quote) => of_quote(deal, quote, name),
            Row::Activity(_, activity) => of_activity(activity, name),
        }
    }

    /// The record as HubSpot shows it, with these properties.
    pub(super) fn json(self, kind: Kind, names: &[String]) -> Json {
        let mut properties = Map::new();
        let always = ["hs_object_id", kind.modified_property(), "createdate", "hs_createdate"];
        let asked = names.iter().map(String::as_str);
        let defaults = if names.is_empty() { kind.defaults() } else { &[] };
        for name in always.into_iter().chain(asked).chain(defaults.iter().copied()) {
            let value = match self.value(name) {
                Value::Undefined => continue,
                Value::Null => Json::Null,
                Value::Text(text) => Json::String(text.into_owned()),
            };
            properties.insert(name.to_owned(), value);
        }
        json!({
            "id": self.id().to_string(),
            "properties": properties,
            "createdAt": format!("{:.3}", self.created()),
            "updatedAt": format!("{:.3}", self.updated()),
            "archived": false,
        })
    }
}

fn of_company<'a>(client: &'a Client, name: &str) -> Value<'a> {
    match name {
        "name" => text(client.name.as_str()),
        "domain" => text(client.domain.as_str()),
        "website" => text(format!("https://{}", client.domain)),
        "industry" => text(client.vertical.as_str()),
        "country" => text(client.country.as_str()),
        "city" | "phone" | "hubspot_owner_id" => Value::Null,
        _ => Value::Undefined,
    }
}

fn of_contact<'a>(contact: &'a Contact, client: Option<&'a Client>, name: &str) -> Value<'a> {
    match name {
        "firstname" => text(contact.first.as_str()),
        "lastname" => text(contact.last.as_str()),
        "email" => text(contact.email.as_str()),
        "phone" => text(contact.phone.as_str()),
        "jobtitle" => text(contact.job_title.as_str()),
        "company" => optional(client.map(|client| client.name.as_str())),
        "hubspot_owner_id" => Value::Null,
        _ => Value::Undefined,
    }
}

fn of_deal<'a>(deal: &'a Deal, name: &str) -> Value<'a> {
    let stage = || stage_of(&deal.stage);
    let flag = |is: fn(&Stage) -> bool| text(if stage().is_some_and(is) { "true" } else { "false" });
    match name {
        "dealname" => text(deal.name.as_str()),
        "amount" => optional(deal.amount.map(|amount| amount.to_string())),
        "amount_in_home_currency" => optional(deal.amount_home.map(|amount| amount.to_string())),
        "deal_currency_code" => optional(deal.currency.as_deref()),
        "dealstage" => text(deal.stage.as_str()),
        "pipeline" => text(deal.pipeline.as_str()),
        "closedate" => optional(deal.close_date.map(midnight)),
        "hs_is_closed" => flag(|stage| stage.closed),
        "hs_is_closed_won" => flag(Stage::won),
        "hs_is_closed_lost" => flag(Stage::lost),
        "hs_deal_stage_probability" => optional(stage().map(|stage| stage.probability)),
        "hubspot_owner_id" => optional(deal.owner.map(owner_id)),
        "dealtype" => optional(deal.deal_type.as_deref()),
        "project_code" => optional(deal.shared_id.as_deref()),
        "vertical" => optional(deal.vertical.as_deref()),
        "scope" => optional(deal.scope.as_deref()),
        "estimated_cost" => optional(deal.estimated_cost.map(|cost| cost.to_string())),
        _ => Value::Undefined,
    }
}

fn of_ticket<'a>(ticket: &'a CrmTicket, name: &str) -> Value<'a> {
    match name {
        "subject" => text(ticket.subject.as_str()),
        "content" => Value::Null,
        "hs_pipeline" => text(ticket.pipeline.as_str()),
        "hs_pipeline_stage" => text(ticket.stage.as_str()),
        "hs_ticket_priority" => text(ticket.priority.as_str()),
        "hs_ticket_category" => optional(ticket.category.as_deref()),
        "hs_ticket_id" => text(ticket.id.to_string()),
        "closed_date" => ticket.closed.map_or(Value::Null, instant),
        "hubspot_owner_id" => optional(ticket.owner.map(owner_id)),
        _ => Value::Undefined,
    }
}

fn of_line_item<'a>(deal: &'a Deal, item: &'a LineItem, name: &str) -> Value<'a> {
    match name {
        "name" => text(item.name.as_str()),
        "description" => Value::Null,
        "hs_sku" => text(item.sku.as_str()),
        "quantity" => text(item.quantity.to_string()),
        "price" => text(item.price.to_string()),
        "amount" => text(item.amount.to_string()),
        "hs_line_item_currency_code" => optional(deal.currency.as_deref()),
        _ => Value::Undefined,
    }
}

fn of_quote<'a>(deal: &'a Deal, quote: &'a Quote, name: &str) -> Value<'a> {
    match name {
        "hs_title" => text(quote.title.as_str()),
        "hs_quote_number" => text(quote.number.as_str()),
        "hs_status" => text(quote.status.as_str()),
        "hs_quote_amount" => text(quote.amount.to_string()),
        "hs_currency" => optional(deal.currency.as_deref()),
        "hs_expiration_date" => text(midnight(quote.expires)),
        "hubspot_owner_id" => optional(deal.owner.map(owner_id)),
        _ => Value::Undefined,
    }
}

fn of_activity<'a>(activity: &'a Communication, name: &str) -> Value<'a> {
    let title = || optional(activity.title.as_deref());
    let body = || text(activity.body.as_str());
    match (activity.kind, name) {
        (_, "hs_timestamp") | (CommunicationKind::Meeting, "hs_meeting_start_time") => instant(activity.at),
        (_, "hubspot_owner_id") => text(owner_id(activity.owner)),
        (CommunicationKind::Note, "hs_note_body")
        | (CommunicationKind::Call, "hs_call_body")
        | (CommunicationKind::Email, "hs_email_text")
        | (CommunicationKind::Meeting, "hs_meeting_body") => body(),
        (CommunicationKind::Call, "hs_call_title")
        | (CommunicationKind::Email, "hs_email_subject")
        | (CommunicationKind::Meeting, "hs_meeting_title") => title(),
        (CommunicationKind::Email, "hs_email_direction") => text("EMAIL"),
        _ => Value::Undefined,
    }
}

fn text<'a>(text: impl Into<Cow<'a, str>>) -> Value<'a> {
    Value::Text(text.into())
}

fn optional<'a>(value: Option<impl Into<Cow<'a, str>>>) -> Value<'a> {
    value.map_or(Value::Null, text)
}

fn instant<'a>(at: Timestamp) -> Value<'a> {
    text(format!("{at:.3}"))
}

fn midnight(day: Date) -> String {
    format!("{day}T00:00:00Z")
}

fn owner_id(person: u32) -> String {
    (OWNER_IDS + u64::from(person)).to_string()
}
