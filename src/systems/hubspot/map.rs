//! From HubSpot's records to the canonical words. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use super::client::{COMPANIES, DEALS, Object, QUOTES, TICKETS};
use super::config::{Category, Config, Map, Status};
use super::reference::{Owners, Pipelines, Stage};
use super::wire::{Record, Scalar};
use crate::domain::{
    Client, ClientId, Communication, CommunicationKind, Contact, ContactId, Currency, Deal, DealId, DealStatus, Flaw,
    FlawKind, LineItem, Link, Money, Person, Priority, ProjectId, Proposal, SharedIdRule, Ticket, TicketCategory,
    TicketId, TicketStatus, parse_currency, parse_decimal,
};

/// What an account's records mean.
#[derive(Debug)]
pub(super) struct Mapper {
    pub(super) names: Map,
    shared_id: SharedIdRule,
    portal_id: Option<u64>,
    default_currency: Option<Currency>,
    signed: Vec<String>,
    categories: BTreeMap<String, Category>,
    statuses: BTreeMap<String, Status>,
}

impl Mapper {
    pub(super) fn new(config: Config, shared_id: SharedIdRule, default_currency: Option<Currency>) -> Self {
        let mut categories = BTreeMap::from(
            [
                ("PRODUCT_ISSUE", Category::Incident),
                ("FEATURE_REQUEST", Category::ChangeRequest),
                ("GENERAL_INQUIRY", Category::Support),
                ("BILLING_ISSUE", Category::Support),
            ]
            .map(|(value, category)| (value.to_owned(), category)),
        );
        categories.extend(config.ticket_categories);
        let mut statuses = BTreeMap::from(
            [("new", Status::New), ("waiting on contact", Status::Waiting), ("waiting on us", Status::InProgress)]
                .map(|(label, status)| (label.to_owned(), status)),
        );
        statuses
            .extend(config.ticket_statuses.into_iter().map(|(label, status)| (label.trim().to_lowercase(), status)));
        Self {
            names: config.map,
            shared_id,
            portal_id: config.portal_id,
            default_currency,
            signed: config.signed_quote_statuses,
            categories,
            statuses,
        }
    }

    /// The deal properties to ask for.
    pub(super) fn deal_properties(&self) -> Vec<&str> {
        let names = &self.names;
        let mut all = vec![
            "dealname",
            "amount",
            "deal_currency_code",
            "pipeline",
            "dealstage",
            "hs_is_closed",
            "hs_is_closed_won",
            "closedate",
            "hubspot_owner_id",
            names.shared_id.as_str(),
            names.vertical.as_str(),
            names.deal_type.as_str(),
            names.scope.as_str(),
            names.expected_margin.as_deref().unwrap_or(&names.estimated_cost),
        ];
        all.sort_unstable();
        all.dedup();
        all
    }

    /// The ticket properties to ask for.
    pub(super) fn ticket_properties(&self) -> Vec<&str> {
        let fixed = [
            "subject",
            "hs_pipeline",
            "hs_pipeline_stage",
            "hs_ticket_priority",
            "hs_ticket_category",
            "closed_date",
            "hubspot_owner_id",
        ];
        fixed.into_iter().chain(self.names.ticket_shared_id.as_deref()).collect()
    }

    /// The link that a property holds.
    pub(super) fn link(&self, record: &Record, property: &str) -> Link {
        let Some(text) = record.text(property) else { return Link::None };
        self.shared_id.parse(text).map_or_else(|_| Link::Malformed(text.to_owned()), Link::To)
    }

    pub(super) fn deal(
        &self,
        record: &Record,
        pipelines: &Pipelines,
        owners: &Owners,
        client: Option<ClientId>,
    ) -> Deal {
        let mut read = Reader::new(record);
        let pipeline_id = record.text("pipeline").unwrap_or_default();
        let stage = pipelines.stage(pipeline_id, record.text("dealstage").unwrap_or_default());
        let currency = record.text("deal_currency_code");
        let amount = read.money("amount", "amount", currency, self.default_currency);
        let expected_margin = match &self.names.expected_margin {
            Some(property) => read.money("expected_margin", property, currency, self.default_currency),
            None => read
                .money("expected_margin", &self.names.estimated_cost, currency, self.default_currency)
                .zip(amount)
                .and_then(|(cost, amount)| read.difference("expected_margin", amount, cost)),
        };
        Deal {
            id: DealId::new(record.key()),
            name: read.text("dealname").map(Into::into),
            pipeline: pipelines.pipeline(pipeline_id).map(|pipeline| pipeline.label.as_str().into()),
            stage: stage.map(|stage| stage.label.as_str().into()),
            status: status(record, stage),
            amount,
            expected_margin,
            close_date: read.day("close_date", "closedate"),
            owner: person(record, owners),
            vertical: read.text(&self.names.vertical).map(Into::into),
            deal_type: read.text(&self.names.deal_type).map(Into::into),
            scope: read.text(&self.names.scope),
            client,
            client_country: None,
            link: self.link(record, &self.names.shared_id),
            created_at: read.instant("created_at", record.created_at.as_ref()),
            updated_at: read.instant("updated_at", record.updated_at.as_ref()),
            url: self.url(&DEALS, record),
            flaws: read.flaws,
        }
    }

    pub(super) fn client(&self, record: &Record) -> Client {
        let read = Reader::new(record);
        Client {
            id: ClientId::new(record.key()),
            name: read.text("name"),
            domain: read.text("domain"),
            industry: read.text(&self.names.industry),
            country: read.text(&self.names.country),
            url: self.url(&COMPANIES, record),
        }
    }

    pub(super) fn line_item(&self, record: &Record) -> LineItem {
        let mut read = Reader::new(record);
        let currency = record.text("hs_line_item_currency_code");
        LineItem {
            id: record.key().into(),
            name: read.text("name"),
            sku: read.text("hs_sku"),
            quantity: read.number("quantity", "quantity"),
            unit_price: read.money("unit_price", "price", currency, self.default_currency),
            amount: read.money("amount", "amount", currency, self.default_currency),
            flaws: read.flaws,
        }
    }

    /// The proposal that counts among all quotes of a deal: the signed one, else the latest.
    pub(super) fn proposal(&self, quotes: &[&Record]) -> Option<Proposal> {
        let signed =
            |quote: &Record| quote.text("hs_status").is_some_and(|status| self.signed.iter().any(|s| s == status));
        let record = quotes.iter().max_by(|a, b| {
            let key = |quote: &Record| (signed(quote), quote.created_at.as_ref().and_then(|at| instant(&at.0)));
            key(a).cmp(&key(b)).then_with(|| super::client::by_number(a.key(), b.key()))
        })?;
        let mut read = Reader::new(record);
        Some(Proposal {
            id: record.key().into(),
            title: read.text("hs_title"),
            number: read.text("hs_quote_number"),
            version: u32::try_from(quotes.len()).unwrap_or(u32::MAX),
            signed: signed(record),
            status: read.text("hs_status"),
            amount: read.money("amount", "hs_quote_amount", record.text("hs_currency"), self.default_currency),
            expires_on: read.day("expires_on", "hs_expiration_date"),
            url: self.url(&QUOTES, record),
            flaws: read.flaws,
        })
    }

    /// A ticket; its project is in its own property, or comes from the deal it hangs on.
    pub(super) fn ticket(
        &self,
        record: &Record,
        pipelines: &Pipelines,
        owners: &Owners,
        of_deal: Option<ProjectId>,
    ) -> Ticket {
        let read = Reader::new(record);
        let pipeline_id = record.text("hs_pipeline").unwrap_or_default();
        let stage_id = record.text("hs_pipeline_stage");
        let stage = pipelines.stage(pipeline_id, stage_id.unwrap_or_default());
        let owner = record.text("hubspot_owner_id").and_then(|id| owners.owner(id));
        let project_id = match &self.names.ticket_shared_id {
            Some(property) => match self.link(record, property) {
                Link::To(id) => Some(id),
                Link::None | Link::Malformed(_) => None,
            },
            None => of_deal,
        };
        Ticket {
            id: TicketId::new(record.key()),
            subject: read.text("subject"),
            status: self.ticket_status(stage, stage_id),
            status_label: stage.map(|stage| stage.label.clone()),
            pipeline: pipelines.pipeline(pipeline_id).map(|pipeline| pipeline.label.clone()),
            priority: record.text("hs_ticket_priority").map(priority),
            category: self.category(record.text("hs_ticket_category").unwrap_or_default()),
            team: owner.and_then(|owner| owner.team.clone()),
            owner: owner.map(|owner| Arc::clone(&owner.person)),
            opened_at: record.created_at.as_ref().and_then(|at| instant(&at.0)),
            closed_at: record.text("closed_date").and_then(instant),
            hours_estimated: None,
            progress: None,
            hours: None,
            project_id,
            url: self.url(&TICKETS, record),
        }
    }

    fn ticket_status(&self, stage: Option<&Stage>, id: Option<&str>) -> TicketStatus {
        let Some(stage) = stage else { return TicketStatus::Unknown(id.unwrap_or_default().to_owned()) };
        if stage.closed == Some(true) {
            return TicketStatus::Closed;
        }
        match self.statuses.get(&stage.label.trim().to_lowercase()) {
            Some(status) => (*status).into(),
            None => TicketStatus::Unknown(stage.label.clone()),
        }
    }

    /// A ticket may have several categories; the first that is known counts.
    fn category(&self, text: &str) -> TicketCategory {
        match text.split(';').find_map(|value| self.categories.get(value.trim())) {
            Some(category) => (*category).into(),
            None => TicketCategory::Unknown(text.to_owned()),
        }
    }

    fn url(&self, object: &Object, record: &Record) -> Option<Arc<str>> {
        let portal = self.portal_id?;
        Some(format!("https://app.hubspot.com/contacts/{portal}/record/{}/{}", object.type_id, record.key()).into())
    }
}

/// Properties of contacts that are read.
pub(super) const CONTACT_PROPERTIES: [&str; 5] = ["firstname", "lastname", "email", "phone", "jobtitle"];
/// Properties of line items that are read.
pub(super) const LINE_ITEM_PROPERTIES: [&str; 6] =
    ["name", "hs_sku", "quantity", "price", "amount", "hs_line_item_currency_code"];
/// Properties of quotes that are read.
pub(super) const QUOTE_PROPERTIES: [&str; 6] =
    ["hs_title", "hs_quote_number", "hs_status", "hs_quote_amount", "hs_currency", "hs_expiration_date"];

pub(super) fn contact(record: &Record) -> Contact {
    let read = Reader::new(record);
    let names: Vec<&str> =
        ["firstname", "lastname"].iter().filter_map(|name| record.text(name)).map(str::trim).collect();
    Contact {
        id: ContactId::new(record.key()),
        name: (!names.is_empty()).then(|| names.join(" ")),
        email: read.text("email"),
        phone: read.text("phone"),
        role: read.text("jobtitle"),
    }
}

/// Properties of a kind of communication: those that hold its title, in order of preference, and its text.
pub(super) fn communication_properties(kind: CommunicationKind) -> (&'static [&'static str], &'static [&'static str]) {
    match kind {
        CommunicationKind::Note => (&[], &["hs_note_body"]),
        CommunicationKind::Call => (&["hs_call_title"], &["hs_call_body"]),
        CommunicationKind::Email => (&["hs_email_subject"], &["hs_email_text", "hs_email_html"]),
        CommunicationKind::Meeting => (&["hs_meeting_title"], &["hs_meeting_body"]),
    }
}

pub(super) fn communication(record: &Record, kind: CommunicationKind, owners: &Owners) -> Communication {
    let (titles, bodies) = communication_properties(kind);
    let first = |names: &[&str]| names.iter().find_map(|name| record.text(name)).map(str::to_owned);
    let happened = record.text("hs_timestamp").and_then(instant);
    Communication {
        id: record.key().into(),
        kind,
        at: happened.or_else(|| record.created_at.as_ref().and_then(|at| instant(&at.0))),
        subject: first(titles),
        body: first(bodies),
        author: person(record, owners),
    }
}

/// How a deal stands. HubSpot computes it from the stage; where it does not say, the stage does. Never the stage's ID: any
/// pipeline has its own.
fn status(record: &Record, stage: Option<&Stage>) -> Option<DealStatus> {
    let probability = stage.and_then(|stage| parse_decimal(stage.probability.as_deref()?).ok());
    let closed = match record.text("hs_is_closed") {
        Some("true") => Some(true),
        Some("false") => Some(false),
        _ => stage.and_then(|stage| stage.closed),
    };
    match (record.text("hs_is_closed_won"), closed, probability) {
        (Some("true"), _, _) => Some(DealStatus::Won),
        (_, Some(false), _) => Some(DealStatus::Open),
        (Some("false"), Some(true), _) => Some(DealStatus::Lost),
        (_, Some(true), Some(probability)) if probability == Decimal::ONE => Some(DealStatus::Won),
        (_, Some(true), Some(probability)) if probability == Decimal::ZERO => Some(DealStatus::Lost),
        _ => None,
    }
}

fn priority(text: &str) -> Priority {
    match text {
        "LOW" => Priority::Low,
        "MEDIUM" => Priority::Normal,
        "HIGH" => Priority::High,
        "URGENT" => Priority::Critical,
        other => Priority::Unknown(other.to_owned()),
    }
}

fn person(record: &Record, owners: &Owners) -> Option<Arc<Person>> {
    let owner = owners.owner(record.text("hubspot_owner_id")?)?;
    Some(Arc::clone(&owner.person))
}

/// A moment: ISO 8601, a day, or milliseconds since 1970.
fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(millis) = text.parse() {
        return Timestamp::from_millisecond(millis).ok();
    }
    text.parse().ok().or_else(|| Some(text.parse::<Date>().ok()?.to_zoned_datetime(TimeZone::UTC).ok()?.timestamp()))
}

/// Reads a record, and notes what cannot be read.
struct Reader<'a> {
    record: &'a Record,
    flaws: Vec<Flaw>,
}

impl<'a> Reader<'a> {
    fn new(record: &'a Record) -> Self {
        Self { record, flaws: Vec::new() }
    }

    fn text(&self, property: &str) -> Option<String> {
        self.record.text(property).map(str::to_owned)
    }

    fn flaw(&mut self, field: &'static str, kind: FlawKind) {
        self.flaws.push(Flaw { field, kind });
    }

    fn number(&mut self, field: &'static str, property: &str) -> Option<Decimal> {
        let parsed = parse_decimal(self.record.text(property)?);
        if parsed.is_err() {
            self.flaw(field, FlawKind::BadNumber);
        }
        parsed.ok()
    }

    fn money(
        &mut self,
        field: &'static str,
        property: &str,
        code: Option<&str>,
        default: Option<Currency>,
    ) -> Option<Money> {
        let amount = self.number(field, property)?;
        let currency = match code {
            Some(code) => parse_currency(code).map_err(|_| FlawKind::UnknownCurrency),
            None => default.ok_or(FlawKind::MissingCurrency),
        };
        match currency {
            Ok(currency) => Some(Money::new(amount, currency)),
            Err(kind) => {
                self.flaw(field, kind);
                None
            }
        }
    }

    /// What is left of an amount, both in one currency.
    fn difference(&mut self, field: &'static str, amount: Money, less: Money) -> Option<Money> {
        let rest = amount.amount.checked_sub(less.amount);
        if rest.is_none() {
            self.flaw(field, FlawKind::BadNumber);
        }
        Some(Money::new(rest?, amount.currency))
    }

    /// A day. HubSpot keeps days as midnight UTC.
    fn day(&mut self, field: &'static str, property: &str) -> Option<Date> {
        let at = instant(self.record.text(property)?);
        if at.is_none() {
            self.flaw(field, FlawKind::BadDate);
        }
        Some(at?.to_zoned_datetime(TimeZone::UTC).date())
    }

    fn instant(&mut self, field: &'static str, value: Option<&Scalar>) -> Option<Timestamp> {
        let at = instant(&value?.0);
        if at.is_none() {
            self.flaw(field, FlawKind::BadDate);
        }
        at
    }
}
