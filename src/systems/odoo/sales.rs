//! Opportunities and clients in canonical words. Pure.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::config::DealFields;
use super::map::{Mapper, currency, rounded};
use super::record::Record;
use super::wire::Row;
use crate::domain::{
    Client, ClientId, Currency, Deal, DealId, DealStatus, Flaw, FlawKind, Link, Money, Person, parse_currency,
};

/// Fields of opportunities. Those that a database does not have are not asked for.
pub(super) const FIELDS: [&str; 13] = [
    "name",
    "active",
    "probability",
    "won_status",
    "team_id",
    "stage_id",
    "expected_revenue",
    "company_currency",
    "date_deadline",
    "user_id",
    "partner_id",
    "create_date",
    "write_date",
];

/// Fields of clients.
pub(super) const CLIENT_FIELDS: [&str; 4] = ["name", "website", "industry_id", "country_id"];

impl DealFields {
    /// All that are configured.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        [&self.amount, &self.currency, &self.cost, &self.vertical, &self.deal_type, &self.scope]
            .into_iter()
            .filter_map(|name| name.as_deref())
    }

    /// An opportunity, whose `link` field holds the shared ID.
    pub(super) fn deal(&self, mapper: &Mapper, link: &str, record: &Record, users: &HashMap<u64, Arc<Person>>) -> Deal {
        let mut flaws = Vec::new();
        let amount = record.stated(self.amount.as_deref().unwrap_or("expected_revenue"));
        let cost = self.cost.as_deref().and_then(|field| record.stated(field));
        let own = match (&self.amount, &self.currency) {
            (Some(_), Some(field)) => {
                currency(record.link(field).as_ref()).or_else(|| parse_currency(&record.text(field)?).ok())
            }
            _ => currency(record.link("company_currency").as_ref()),
        };
        let margin = amount.zip(cost).and_then(|(amount, cost)| amount.checked_sub(cost));
        if own.is_none() {
            let missing = |field| Flaw { field, kind: FlawKind::MissingCurrency };
            flaws.extend(amount.map(|_| missing("amount")));
            flaws.extend(cost.map(|_| missing("expected_margin")));
        }
        let close_date = record.text("date_deadline").and_then(|day| {
            let date: Option<Date> = day.parse().ok();
            if date.is_none() {
                flaws.push(Flaw { field: "close_date", kind: FlawKind::BadDate });
            }
            date
        });
        let name_of = |field: &str| record.link(field).and_then(|link| link.name().map(str::to_owned));
        let text_of = |field: &Option<String>| {
            let field = field.as_deref()?;
            record.text(field).or_else(|| name_of(field))
        };
        let user = record.link("user_id");
        let owner = user.as_ref().and_then(|user| {
            let nameless = || Some(Arc::new(Person { name: user.name()?.into(), email: None }));
            users.get(&user.id()).cloned().or_else(nameless)
        });
        Deal {
            id: DealId::new(record.id().to_string()),
            name: record.text("name").map(Into::into),
            pipeline: name_of("team_id").map(Into::into),
            stage: name_of("stage_id").map(Into::into),
            status: status(record),
            amount: money(amount, own),
            expected_margin: money(margin, own),
            close_date,
            owner,
            vertical: text_of(&self.vertical).map(Into::into),
            deal_type: text_of(&self.deal_type).map(Into::into),
            scope: text_of(&self.scope),
            client: record.link("partner_id").map(|client| ClientId::new(client.id().to_string())),
            client_country: None,
            link: match record.text(link) {
                None => Link::None,
                Some(text) => mapper.shared_id(link, Some(&text)).map_or(Link::Malformed(text), Link::To),
            },
            created_at: record.moment("create_date"),
            updated_at: record.moment("write_date"),
            url: Some(mapper.url("crm.lead", record.id())),
            flaws,
        }
    }
}

fn money(amount: Option<Decimal>, currency: Option<Currency>) -> Option<Money> {
    amount.zip(currency).map(|(amount, currency)| Money::new(rounded(amount, currency), currency))
}

/// From 19 on an opportunity says itself whether it is won. Before, it is as 19 computes it: what is won is certain, and may
/// be archived; what is lost is archived and improbable. Without a probability nobody can say.
pub(super) fn status(record: &Record) -> Option<DealStatus> {
    match record.text("won_status").as_deref() {
        Some("won") => return Some(DealStatus::Won),
        Some("lost") => return Some(DealStatus::Lost),
        Some(_) => return Some(DealStatus::Open),
        None => {}
    }
    let probability = record.number("probability")?.decimal().ok()?;
    Some(match (record.flag("active"), probability) {
        (_, probability) if probability >= Decimal::ONE_HUNDRED => DealStatus::Won,
        (false, probability) if probability <= Decimal::ZERO => DealStatus::Lost,
        _ => DealStatus::Open,
    })
}

/// A client.
pub(super) fn client(mapper: &Mapper, record: &Record) -> Client {
    let name_of = |field: &str| record.link(field).and_then(|link| link.name().map(str::to_owned));
    let domain = record.text("website").map(|website| {
        let bare = website.split_once("://").map_or(website.as_str(), |(_, rest)| rest);
        bare.split('/').next().unwrap_or(bare).to_owned()
    });
    Client {
        id: ClientId::new(record.id().to_string()),
        name: record.text("name"),
        domain,
        industry: name_of("industry_id"),
        country: name_of("country_id"),
        url: Some(mapper.url("res.partner", record.id())),
    }
}
