//! Opportunities as deals, parties as clients.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::ask::{OPPORTUNITY, PARTY};
use super::delivery::containing;
use super::documents::date;
use super::map::{Mapper, Reading};
use super::wire::{Lack, Record};
use super::{BATCH, System, spellings};
use crate::domain::{
    Client, ClientId, Deal, DealId, DealOrderField, DealQuery, DealStatus, Link, Money, Page, Person, ProjectId,
};
use crate::systems::{BatchResult, Call, ClientSource, DealSource, ErrorKind, SystemError};

/// What is read of an opportunity, beside the field that carries the shared ID.
const FIELDS: [&str; 13] = [
    "number",
    "description",
    "state",
    "amount",
    "currency.code",
    "party",
    "end_date",
    "employee.party.name",
    "comment",
    "create_date",
    "write_date",
    "company",
    "id",
];

const CLIENT: [&str; 3] = ["name", "website", "addresses.country.name"];

/// States of an opportunity, what people call them, and what they mean. What is converted is quoted, and not won yet.
const STATES: [(&str, &str, DealStatus); 6] = [
    ("lead", "Lead", DealStatus::Open),
    ("opportunity", "Opportunity", DealStatus::Open),
    ("converted", "Converted", DealStatus::Open),
    ("won", "Won", DealStatus::Won),
    ("lost", "Lost", DealStatus::Lost),
    ("cancelled", "Cancelled", DealStatus::Lost),
];

/// The opportunities and parties of a company.
pub(super) struct Commercial {
    pub(super) system: Arc<System>,
    /// The field of an opportunity that carries the shared ID.
    pub(super) deal_on: String,
}

impl Commercial {
    fn fields(&self) -> Vec<&str> {
        let mut fields = FIELDS.to_vec();
        if !fields.contains(&self.deal_on.as_str()) {
            fields.push(&self.deal_on);
        }
        fields
    }

    fn deal(&self, record: &Record) -> Result<Deal, SystemError> {
        deal(&self.system.mapper, record, &self.deal_on).map_err(|lack| self.system.client.lacks(&OPPORTUNITY, &lack))
    }

    async fn of_company(&self, call: &Call) -> Result<Vec<Value>, SystemError> {
        Ok(vec![json!(["company", "=", self.system.client.company(call).await?.id])])
    }
}

/// An opportunity.
fn deal(mapper: &Mapper, record: &Record, carrier: &str) -> Result<Deal, Lack> {
    let mut reading = Reading::default();
    let key = record.id()?;
    let state = record.text("state")?.unwrap_or_default();
    let known = STATES.iter().find(|(word, ..)| *word == state);
    let amount = reading.number(record, "amount", "amount")?;
    let currency = if amount.is_some() { reading.currency(record, "currency.code", "amount")? } else { None };
    let owner = record.text_at("employee.party.name")?;
    Ok(Deal {
        id: DealId::new(key.to_string()),
        name: record.text("description")?.or(record.text("number")?).map(Into::into),
        pipeline: None,
        stage: Some(known.map_or(state.as_str(), |(_, label, _)| label).into()),
        status: known.map(|(.., status)| *status),
        amount: amount.zip(currency).map(|(amount, currency)| Money::new(amount, currency)),
        expected_margin: None,
        close_date: reading.date(record, "end_date", "closeDate")?,
        owner: owner.map(|name| Arc::new(Person { name: name.into(), email: None })),
        vertical: None,
        deal_type: None,
        scope: record.text("comment")?,
        client: record.key("party")?.map(|party| ClientId::new(party.to_string())),
        client_country: None,
        link: match record.text_at(carrier)? {
            None => Link::None,
            Some(typed) => match mapper.project(Some(&typed)) {
                Some(id) => Link::To(id),
                None => Link::Malformed(typed),
            },
        },
        created_at: Reading::moment(record, "create_date")?,
        // Empty until the first change.
        updated_at: Reading::moment(record, "write_date")?.or(Reading::moment(record, "create_date")?),
        url: mapper.url("sale.opportunity", key),
        flaws: reading.flaws,
    })
}

/// A party. Its country is that of its first address that has one.
fn client(mapper: &Mapper, record: &Record) -> Result<Client, Lack> {
    let key = record.id()?;
    let mut country = None;
    for address in record.many("addresses")? {
        country = country.or(address.text_at("country.name")?);
    }
    let website = record.text("website")?;
    let host = |site: String| match url::Url::parse(&site) {
        Ok(url) => url.host_str().map(str::to_owned),
        Err(_) => Some(site),
    };
    Ok(Client {
        id: ClientId::new(key.to_string()),
        name: record.text("name")?,
        domain: website.and_then(host).map(|host| host.trim_start_matches("www.").to_owned()),
        industry: None,
        country,
        url: mapper.url("party.party", key),
    })
}

/// The number of a record; none for what is no ID of these.
fn number(id: &str) -> Option<Value> {
    let number: u64 = id.parse().ok()?;
    (number.to_string() == id && i64::try_from(number).is_ok()).then(|| json!(number))
}

#[async_trait]
impl DealSource for Commercial {
    fn batch_limit(&self) -> usize {
        BATCH
    }

    async fn deals(&self, call: &Call, ids: &[DealId]) -> BatchResult<DealId, Deal> {
        let keys: Vec<Value> = ids.iter().filter_map(|id| number(id.as_str())).collect();
        let (conditions, fields) = (self.of_company(call).await?, self.fields());
        let records = self.system.client.list_among(call, &OPPORTUNITY, ("id", &keys), &conditions, &fields).await?;
        let deals = records.iter().map(|record| self.deal(record).map(|deal| (deal.id.clone(), deal)));
        deals.collect::<Result<Vec<_>, _>>().map(FromIterator::from_iter)
    }

    async fn deals_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Deal>> {
        let (conditions, fields) = (self.of_company(call).await?, self.fields());
        let among = (self.deal_on.as_str(), &*spellings(ids));
        let records = self.system.client.list_among(call, &OPPORTUNITY, among, &conditions, &fields).await?;
        let mut found: HashMap<ProjectId, Vec<Deal>> = HashMap::new();
        for record in &records {
            let deal = self.deal(record)?;
            if let Some(id) = deal.project_id().filter(|id| ids.contains(id)).cloned() {
                found.entry(id).or_default().push(deal);
            }
        }
        Ok(found.into_iter().collect())
    }

    async fn deal_page(
        &self,
        call: &Call,
        query: &DealQuery,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Deal>, SystemError> {
        // By number, a page goes on after the last one; in another order, at an offset.
        let unusable = || self.system.client.error(OPPORTUNITY.operation, ErrorKind::BadRequest, "`after` is no place");
        let start: u64 = after.map(|cursor| cursor.parse().map_err(|_| unusable())).transpose()?.unwrap_or(0);
        let Some(mut conditions) = self.of_query(query) else {
            return Ok(Page { items: Vec::new(), next: None, total: Some(0) });
        };
        conditions.extend(self.of_company(call).await?);
        let fields = self.fields();
        let question = (conditions.as_slice(), fields.as_slice());
        let client = &self.system.client;
        let Some(order) = query.order else {
            let records = client.after(call, &OPPORTUNITY, question, start, limit + 1).await?;
            let items = records.iter().take(limit).map(|record| self.deal(record)).collect::<Result<Vec<_>, _>>()?;
            let next = items.last().filter(|_| records.len() > limit).map(|last| last.id.to_string());
            return Ok(Page { items, next, total: None });
        };
        let field = match order.field {
            DealOrderField::CloseDate => "end_date",
            DealOrderField::Amount => "amount",
            DealOrderField::Name => "description",
            DealOrderField::CreatedAt => "create_date",
        };
        let direction = if order.descending { "DESC" } else { "ASC" };
        let order = json!([[field, direction], ["id", "ASC"]]);
        let offset = usize::try_from(start).map_err(|_| unusable())?;
        let records = client.page(call, &OPPORTUNITY, question, &order, (offset, limit + 1)).await?;
        let items = records.iter().take(limit).map(|record| self.deal(record)).collect::<Result<Vec<_>, _>>()?;
        let next = (records.len() > items.len()).then(|| (offset + items.len()).to_string());
        Ok(Page { items, next, total: None })
    }
}

impl Commercial {
    /// The conditions of a query. None if no opportunity can meet them: they have no pipeline, vertical or type.
    fn of_query(&self, query: &DealQuery) -> Option<Vec<Value>> {
        if query.pipeline.is_some() || query.vertical.is_some() || query.deal_type.is_some() {
            return None;
        }
        let mut conditions = Vec::new();
        if let Some(wanted) = query.status {
            let words: Vec<&str> =
                STATES.iter().filter(|(.., status)| *status == wanted).map(|(word, ..)| *word).collect();
            conditions.push(json!(["state", "in", words]));
        }
        if let Some(label) = &query.stage {
            let known = STATES.iter().find(|(_, name, _)| name == label);
            conditions.push(json!(["state", "=", known.map_or(label.as_str(), |(word, ..)| *word)]));
        }
        if let Some(party) = &query.client {
            conditions.push(json!(["party", "=", number(party.as_str())?]));
        }
        if let Some(day) = query.closed_from {
            conditions.push(json!(["end_date", ">=", date(day)]));
        }
        if let Some(day) = query.closed_to {
            conditions.push(json!(["end_date", "<=", date(day)]));
        }
        if let Some(linked) = query.linked {
            let carrier = &self.deal_on;
            conditions.push(if linked {
                json!([[carrier, "!=", null], [carrier, "!=", ""]])
            } else {
                json!(["OR", [carrier, "=", null], [carrier, "=", ""]])
            });
        }
        if let Some(text) = query.text.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            conditions.push(json!(["description", "ilike", containing(text)]));
        }
        Some(conditions)
    }
}

#[async_trait]
impl ClientSource for Commercial {
    fn batch_limit(&self) -> usize {
        BATCH
    }

    async fn clients(&self, call: &Call, ids: &[ClientId]) -> BatchResult<ClientId, Client> {
        let keys: Vec<Value> = ids.iter().filter_map(|id| number(id.as_str())).collect();
        let records = self.system.client.list_among(call, &PARTY, ("id", &keys), &[], &CLIENT).await?;
        let lacks = |lack: Lack| self.system.client.lacks(&PARTY, &lack);
        let clients = records.iter().map(|record| client(&self.system.mapper, record).map_err(lacks));
        Ok(clients.collect::<Result<Vec<_>, _>>()?.into_iter().map(|client| (client.id.clone(), client)).collect())
    }
}
