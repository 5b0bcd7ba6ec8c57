//! Rows to records. Pure: no calls, no clock.

use std::borrow::Cow;
use std::sync::Arc;

use compact_str::CompactString;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use rust_decimal::Decimal;

use super::dates::{Day, Moment};
use super::fields::{
    Clients, Communications, Contacts, Costs, Deals, EffortTable, LineItems, Milestones, Projects, Proposals,
    TicketFields,
};
use super::json::Raw;
use super::path::Field;
use super::row::{Reject, Row};
use super::template::encode;
use super::value::{Amount, Condition, Number, Said, Text, Word};
use super::words::{Ours, Words};
use crate::domain::{
    Booked, Client, ClientId, Communication, Contact, ContactId, Cost, CostState, Currency, Deal, DealId, Flaw,
    FlawKind, LineItem, Link, Milestone, Money, Party, Person, Project, ProjectId, Proposal, SharedIdRule, Ticket,
    TicketCategory, TicketId,
};

/// What is the same for all rows of a connection.
#[derive(Debug, Clone, Copy)]
pub(in crate::systems) struct Setting<'s> {
    pub(in crate::systems) zone: &'s TimeZone,
    pub(in crate::systems) rule: &'s SharedIdRule,
}

/// Reads the fields of one row, and takes note of those that cannot be read.
pub(in crate::systems) struct Reader<'r> {
    pub(in crate::systems) row: &'r Row<'r>,
    pub(in crate::systems) setting: Setting<'r>,
    pub(in crate::systems) flaws: Vec<Flaw>,
}

/// Which currency an amount has that names none of its own, or why it has none.
pub(in crate::systems) type Inherited = Result<Currency, FlawKind>;

/// An amount in one currency: its field, its name, and the currency it inherits.
pub(in crate::systems) type Part<'f> = (Option<&'f Field<Amount>>, &'static str, Inherited);

impl<'r> Reader<'r> {
    pub(in crate::systems) fn new(row: &'r Row<'r>, setting: Setting<'r>) -> Self {
        Self { row, setting, flaws: Vec::new() }
    }

    /// Whether the row is one of those that are left out.
    pub(in crate::systems) fn skips(&self, skip: Option<&Field<Condition>>) -> bool {
        skip.is_some_and(|Field(condition)| condition.holds(self.row))
    }

    /// A text that every record of its kind has.
    pub(in crate::systems) fn required<T: for<'t> From<Cow<'t, str>>>(
        &self,
        Field(text): &Field<Text>,
        name: &'static str,
    ) -> Result<T, Reject> {
        text.read(self.row).map(T::from).ok_or_else(|| Reject::new(format!("a row without `{name}`")))
    }

    /// The ID that every record of its kind has.
    pub(in crate::systems) fn id(&self, Field(text): &Field<Text>) -> Result<CompactString, Reject> {
        text.read(self.row).map(CompactString::new).ok_or_else(|| Reject::new("a row without `id`"))
    }

    pub(in crate::systems) fn text<T: for<'t> From<Cow<'t, str>>>(&self, field: Option<&Field<Text>>) -> Option<T> {
        field?.0.read(self.row).map(T::from)
    }

    /// A shared ID. The one that was asked for, in its canonical spelling, is by far the most common.
    pub(in crate::systems) fn shared_id(
        &self,
        field: Option<&Field<Text>>,
        asked: Option<&ProjectId>,
    ) -> Option<ProjectId> {
        self.parse_id(&field?.0.read(self.row)?, asked)
    }

    fn parse_id(&self, text: &str, asked: Option<&ProjectId>) -> Option<ProjectId> {
        let known = asked.filter(|asked| asked.as_str() == text).cloned();
        known.or_else(|| self.setting.rule.parse(text).ok())
    }

    pub(in crate::systems) fn person(
        &self,
        name: Option<&Field<Text>>,
        email: Option<&Field<Text>>,
    ) -> Option<Arc<Person>> {
        let email = email.and_then(|Field(text)| text.read(self.row));
        let name = name.and_then(|Field(text)| text.read(self.row)).or_else(|| email.clone())?;
        Some(self.row.person(&name, email.as_deref()))
    }

    pub(in crate::systems) fn party(&self, id: Option<&Field<Text>>, name: Option<&Field<Text>>) -> Option<Box<Party>> {
        let party = Party { id: self.text(id), name: self.text(name) };
        (party.id.is_some() || party.name.is_some()).then(|| Box::new(party))
    }

    /// Where a person opens the record: as the row says, else by the entity's template. Only web addresses count.
    pub(in crate::systems) fn url(
        &self,
        field: Option<&Field<Text>>,
        template: Option<&String>,
        id: &str,
    ) -> Option<Arc<str>> {
        let sent = field.and_then(|Field(text)| text.read(self.row));
        if let Some(url) = sent.filter(|url| url.starts_with("https://") || url.starts_with("http://")) {
            return Some(url.into());
        }
        template.map(|template| template.replace("{id}", &encode(id).to_string()).into())
    }

    fn note<T>(&mut self, field: &'static str, read: Result<Option<T>, FlawKind>) -> Option<T> {
        read.unwrap_or_else(|kind| {
            self.flaws.push(Flaw { field, kind });
            None
        })
    }

    pub(in crate::systems) fn number(&mut self, field: Option<&Field<Number>>, name: &'static str) -> Option<Decimal> {
        let read = field?.0.read(self.row);
        self.note(name, read)
    }

    pub(in crate::systems) fn day(&mut self, field: Option<&Field<Day>>, name: &'static str) -> Option<Date> {
        let read = field?.0.read(self.row, self.setting.zone);
        self.note(name, read)
    }

    pub(in crate::systems) fn moment(
        &mut self,
        field: Option<&Field<Moment>>,
        name: &'static str,
    ) -> Option<Timestamp> {
        let read = field?.0.read(self.row, self.setting.zone);
        self.note(name, read)
    }

    pub(in crate::systems) fn money(
        &mut self,
        field: Option<&Field<Amount>>,
        name: &'static str,
        inherited: Inherited,
    ) -> Option<Money> {
        let Field(amount) = field?;
        let read = amount.read(self.row);
        let value = self.note(name, read)?;
        let currency = if amount.currency.is_some() { self.currency(amount.currency.as_ref()) } else { inherited };
        self.note(name, currency.map(|currency| Some(Money::new(value, currency))))
    }

    /// The currency that amounts of the row inherit.
    pub(in crate::systems) fn currency(&self, field: Option<&Field<Text>>) -> Inherited {
        let code = field.and_then(|Field(text)| text.read(self.row)).ok_or(FlawKind::MissingCurrency)?;
        self.row.currency(&code).map_err(|_| FlawKind::UnknownCurrency)
    }

    pub(in crate::systems) fn booked(&mut self, document: Part<'_>, company: Part<'_>) -> Booked {
        Booked {
            document: self.money(document.0, document.1, document.2),
            company: self.money(company.0, company.1, company.2),
        }
    }

    /// One of our words that can hold an unmapped one; `absent` where the row has none.
    pub(in crate::systems) fn word<E: Words>(
        &self,
        field: Option<&Field<Word<Ours<E>>>>,
        absent: Option<E>,
    ) -> Option<E> {
        let Some(Field(word)) = field else { return absent };
        match word.read(self.row) {
            Said::Ours(word) => Some(word),
            Said::Unmapped(raw) => E::unknown(&raw),
            Said::Nothing => absent,
        }
    }

    /// One of our words that cannot: an unmapped one is refused.
    pub(in crate::systems) fn strict_word<E: Words>(
        &self,
        field: Option<&Field<Word<Ours<E>>>>,
        absent: Option<E>,
        name: &'static str,
    ) -> Result<E, Reject> {
        let said = field.map_or(Said::Nothing, |Field(word)| word.read(self.row));
        match said {
            Said::Ours(word) => Ok(word),
            Said::Unmapped(_) => Err(Reject::new(format!("a row whose `{name}` is a word that is not mapped"))),
            Said::Nothing => absent.ok_or_else(|| Reject::new(format!("a row without `{name}`"))),
        }
    }
}

impl Deals {
    pub(in crate::systems) fn read(
        &self,
        row: &Row<'_>,
        setting: Setting<'_>,
        asked: Option<&ProjectId>,
    ) -> Result<Option<Deal>, Reject> {
        let (mut r, f) = (Reader::new(row, setting), &self.fields);
        if r.skips(self.skip.as_ref()) {
            return Ok(None);
        }
        let id = r.id(&f.id)?;
        let currency = r.currency(self.currency.as_ref());
        let link = match f.project_id.as_ref().and_then(|Field(text)| text.read(row)) {
            None => Link::None,
            Some(text) => r.parse_id(&text, asked).map_or_else(|| Link::Malformed(text.into_owned()), Link::To),
        };
        Ok(Some(Deal {
            name: r.text(f.name.as_ref()),
            pipeline: r.text(f.pipeline.as_ref()),
            stage: r.text(f.stage.as_ref()),
            status: r.word(f.status.as_ref(), None),
            amount: r.money(f.amount.as_ref(), "amount", currency),
            expected_margin: r.money(f.expected_margin.as_ref(), "expected_margin", currency),
            close_date: r.day(f.close_date.as_ref(), "close_date"),
            owner: r.person(f.owner.as_ref(), f.owner_email.as_ref()),
            vertical: r.text(f.vertical.as_ref()),
            deal_type: r.text(f.deal_type.as_ref()),
            scope: r.text(f.scope.as_ref()),
            client: r.text::<CompactString>(f.client_id.as_ref()).map(ClientId::new),
            client_country: None,
            link,
            created_at: r.moment(f.created_at.as_ref(), "created_at"),
            updated_at: r.moment(f.updated_at.as_ref(), "updated_at"),
            url: r.url(f.url.as_ref(), self.url.as_ref(), &id),
            id: DealId::new(id),
            flaws: r.flaws,
        }))
    }
}

impl Clients {
    pub(in crate::systems) fn read(&self, row: &Row<'_>, setting: Setting<'_>) -> Result<Option<Client>, Reject> {
        let (r, f) = (Reader::new(row, setting), &self.fields);
        if r.skips(self.skip.as_ref()) {
            return Ok(None);
        }
        let id = r.id(&f.id)?;
        Ok(Some(Client {
            name: r.text(f.name.as_ref()),
            domain: r.text(f.domain.as_ref()),
            industry: r.text(f.industry.as_ref()),
            country: r.text(f.country.as_ref()),
            url: r.url(f.url.as_ref(), self.url.as_ref(), &id),
            id: ClientId::new(id),
        }))
    }
}

impl Contacts {
    pub(in crate::systems) fn read(&self, row: &Row<'_>, setting: Setting<'_>) -> Result<Option<Contact>, Reject> {
        let (r, f) = (Reader::new(row, setting), &self.fields);
        if r.skips(self.skip.as_ref()) {
            return Ok(None);
        }
        Ok(Some(Contact {
            id: ContactId::new(r.id(&f.id)?),
            name: r.text(f.name.as_ref()),
            email: r.text(f.email.as_ref()),
            phone: r.text(f.phone.as_ref()),
            role: r.text(f.role.as_ref()),
        }))
    }
}

impl LineItems {
    pub(in crate::systems) fn read(&self, row: &Row<'_>, setting: Setting<'_>) -> Result<Option<LineItem>, Reject> {
        let (mut r, f) = (Reader::new(row, setting), &self.fields);
        if r.skips(self.skip.as_ref()) {
            return Ok(None);
        }
        let currency = r.currency(self.currency.as_ref());
        Ok(Some(LineItem {
            id: r.required(&f.id, "id")?,
            name: r.text(f.name.as_ref()),
            sku: r.text(f.sku.as_ref()),
            quantity: r.number(f.quantity.as_ref(), "quantity"),
            unit_price: r.money(f.unit_price.as_ref(), "unit_price", currency),
            amount: r.money(f.amount.as_ref(), "amount", currency),
            flaws: r.flaws,
        }))
    }
}

impl Proposals {
    /// A proposal; its version is 0 where the row does not say.
    pub(in crate::systems) fn read(&self, row: &Row<'_>, setting: Setting<'_>) -> Result<Option<Proposal>, Reject> {
        let (mut r, f) = (Reader::new(row, setting), &self.fields);
        if r.skips(self.skip.as_ref()) {
            return Ok(None);
        }
        let id: Arc<str> = r.required(&f.id, "id")?;
        let currency = r.currency(self.currency.as_ref());
        let version = r.number(f.version.as_ref(), "version").and_then(|number| number.try_into().ok()).unwrap_or(0);
        Ok(Some(Proposal {
            title: r.text(f.title.as_ref()),
            number: r.text(f.number.as_ref()),
            version,
            signed: f.signed.as_ref().is_some_and(|Field(condition)| condition.holds(row)),
            status: r.text(f.status.as_ref()),
            amount: r.money(f.amount.as_ref(), "amount", currency),
            expires_on: r.day(f.expires_on.as_ref(), "expires_on"),
            url: r.url(f.url.as_ref(), self.url.as_ref(), &id),
            id,
            flaws: r.flaws,
        }))
    }
}

impl Communications {
    pub(in crate::systems) fn read(
        &self,
        row: &Row<'_>,
        setting: Setting<'_>,
    ) -> Result<Option<Communication>, Reject> {
        let (mut r, f) = (Reader::new(row, setting), &self.fields);
        if r.skips(self.skip.as_ref()) {
            return Ok(None);
        }
        Ok(Some(Communication {
            id: r.required(&f.id, "id")?,
            kind: r.strict_word(Some(&f.kind), None, "kind")?,
            at: r.moment(f.at.as_ref(), "at"),
            subject: r.text(f.subject.as_ref()),
            body: r.text(f.body.as_ref()),
            author: r.person(f.author.as_ref(), f.author_email.as_ref()),
        }))
    }
}

impl Projects {
    /// A project; none where its shared ID is not one.
    pub(in crate::systems) fn read(
        &self,
        row: &Row<'_>,
        setting: Setting<'_>,
        asked: Option<&ProjectId>,
    ) -> Result<Option<Project>, Reject> {
        let (mut r, f) = (Reader::new(row, setting), &self.fields);
        let Some(id) = r.shared_id(Some(&f.id), asked).filter(|_| !r.skips(self.skip.as_ref())) else {
            return Ok(None);
        };
        let record_id: CompactString = r.required(f.record_id.as_ref().unwrap_or(&f.id), "record_id")?;
        Ok(Some(Project {
            id,
            name: r.text(f.name.as_ref()),
            status: r.word(Some(&f.status), None).ok_or_else(|| Reject::new("a row without `status`"))?,
            health: r.word(f.health.as_ref(), None),
            health_reason: r.text(f.health_reason.as_ref()),
            manager: r.person(f.manager.as_ref(), f.manager_email.as_ref()),
            start_date: r.day(f.start_date.as_ref(), "start_date"),
            due_date: r.day(f.due_date.as_ref(), "due_date"),
            percent_complete: r.number(f.percent_complete.as_ref(), "percent_complete"),
            hours_budgeted: r.number(f.hours_budgeted.as_ref(), "hours_budgeted"),
            url: r.url(f.url.as_ref(), self.url.as_ref(), &record_id),
            record_id,
            flaws: r.flaws,
        }))
    }
}

impl Milestones {
    pub(in crate::systems) fn read(&self, row: &Row<'_>, setting: Setting<'_>) -> Result<Option<Milestone>, Reject> {
        let (mut r, f) = (Reader::new(row, setting), &self.fields);
        if r.skips(self.skip.as_ref()) {
            return Ok(None);
        }
        let id: Arc<str> = r.required(&f.id, "id")?;
        Ok(Some(Milestone {
            name: r.text(f.name.as_ref()),
            status: r.word(Some(&f.status), None).ok_or_else(|| Reject::new("a row without `status`"))?,
            due_date: r.day(f.due_date.as_ref(), "due_date"),
            url: r.url(f.url.as_ref(), self.url.as_ref(), &id),
            id,
        }))
    }
}

/// Hours that were booked.
#[derive(Debug, Clone)]
pub(in crate::systems) struct Booking {
    pub(in crate::systems) id: Option<Arc<str>>,
    pub(in crate::systems) hours: Decimal,
    pub(in crate::systems) person: Option<Arc<Person>>,
    pub(in crate::systems) role: Option<String>,
    pub(in crate::systems) allocated: Option<Decimal>,
}

impl EffortTable {
    /// A booking. Hours that cannot be read are refused: the sum would be wrong without them.
    pub(in crate::systems) fn read(&self, row: &Row<'_>, setting: Setting<'_>) -> Result<Option<Booking>, Reject> {
        let (mut r, f) = (Reader::new(row, setting), &self.fields);
        if r.skips(self.skip.as_ref()) {
            return Ok(None);
        }
        let hours = r.number(Some(&f.hours), "hours").ok_or_else(|| Reject::new("a row without readable `hours`"))?;
        Ok(Some(Booking {
            id: f.id.as_ref().map(|id| r.required(id, "id")).transpose()?,
            hours,
            person: r.person(f.person.as_ref(), f.person_email.as_ref()),
            role: r.text(f.role.as_ref()),
            allocated: r.number(f.hours_allocated.as_ref(), "hours_allocated"),
        }))
    }
}

impl TicketFields {
    /// A ticket. `asked` is the project it was found by, where the row does not say.
    pub(in crate::systems) fn read(
        &self,
        row: &Row<'_>,
        setting: Setting<'_>,
        (skip, url): (Option<&Field<Condition>>, Option<&String>),
        asked: Option<&ProjectId>,
    ) -> Result<Option<Ticket>, Reject> {
        let mut r = Reader::new(row, setting);
        if r.skips(skip) {
            return Ok(None);
        }
        let id = r.id(&self.id)?;
        let project_id = asked.cloned().or_else(|| r.shared_id(self.project_id.as_ref(), None));
        let raw_status = || self.status.0.path.as_ref().and_then(|path| row.get(path)).and_then(Raw::scalar);
        Ok(Some(Ticket {
            subject: r.text(self.subject.as_ref()),
            status: r.word(Some(&self.status), None).ok_or_else(|| Reject::new("a row without `status`"))?,
            status_label: r.text(self.status_label.as_ref()).or_else(|| raw_status().map(Cow::into_owned)),
            pipeline: r.text(self.pipeline.as_ref()),
            priority: r.word(self.priority.as_ref(), None),
            category: r.word(self.category.as_ref(), None).unwrap_or(TicketCategory::Task),
            team: r.text(self.team.as_ref()),
            owner: r.person(self.owner.as_ref(), self.owner_email.as_ref()),
            opened_at: r.moment(self.opened_at.as_ref(), "opened_at"),
            closed_at: r.moment(self.closed_at.as_ref(), "closed_at"),
            hours: r.number(self.hours.as_ref(), "hours"),
            hours_estimated: r.number(self.hours_estimated.as_ref(), "hours_estimated"),
            progress: r.number(self.progress.as_ref(), "progress"),
            project_id,
            url: r.url(self.url.as_ref(), url, &id),
            id: TicketId::new(id),
        }))
    }
}

impl Costs {
    pub(in crate::systems) fn read(&self, row: &Row<'_>, setting: Setting<'_>) -> Result<Option<Cost>, Reject> {
        let (mut r, f) = (Reader::new(row, setting), &self.fields);
        if r.skips(self.skip.as_ref()) {
            return Ok(None);
        }
        let id = r.id(&f.id)?;
        let (currency, company) = (r.currency(self.currency.as_ref()), r.currency(self.company_currency.as_ref()));
        Ok(Some(Cost {
            kind: r.word(Some(&f.kind), None).ok_or_else(|| Reject::new("a row without `kind`"))?,
            state: r.strict_word(f.state.as_ref(), Some(CostState::Actual), "state")?,
            date: r.day(f.date.as_ref(), "date"),
            amount: r
                .booked((Some(&f.amount), "amount", currency), (f.company_amount.as_ref(), "company_amount", company)),
            description: r.text(f.description.as_ref()),
            party: r.party(f.party_id.as_ref(), f.party.as_ref()),
            document: r.text(f.document.as_ref()),
            url: r.url(f.url.as_ref(), self.url.as_ref(), &id),
            id,
            flaws: r.flaws.into(),
        }))
    }
}
