//! Opportunities and clients.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::try_join_all;

use super::documents::number;
use super::domain::Domain;
use super::record::Record;
use super::sales::{self, CLIENT_FIELDS, FIELDS};
use super::wire::Row;
use super::{MAX_KEYS, MAX_NUMBERS, System};
use crate::domain::{
    Client, ClientId, Deal, DealId, DealOrderField, DealQuery, DealStatus, Link, Page, Person, ProjectId,
};
use crate::systems::{BatchResult, Call, ClientSource, DealSource, ErrorKind, SystemError, grouped};

const LEAD: &str = "crm.lead";
const LIST: &str = "deals.list";

impl System {
    /// Users by their numbers. Who may not see users gets none.
    pub(super) async fn users(
        &self,
        call: &Call,
        numbers: BTreeSet<u64>,
    ) -> Result<HashMap<u64, Arc<Person>>, SystemError> {
        let numbers: Vec<u64> = numbers.into_iter().collect();
        let reads = numbers.chunks(MAX_NUMBERS).map(|numbers| {
            let domain = Domain::one_of("id", numbers.iter().copied());
            self.client.all::<Record>(call, "users.list", "res.users", domain, &["name", "email"])
        });
        let users = match try_join_all(reads).await {
            Ok(users) => users,
            Err(error) if error.kind == ErrorKind::Forbidden => return Ok(HashMap::new()),
            Err(error) => return Err(error),
        };
        let person = |user: Record| {
            let person = Person { name: user.text("name")?.into(), email: user.text("email").map(Into::into) };
            Some((user.id(), Arc::new(person)))
        };
        Ok(users.into_iter().flatten().filter_map(person).collect())
    }
}

/// The opportunities of a database. Leads that nobody has looked at yet are none.
pub(super) struct Commercial {
    pub(super) system: Arc<System>,
    /// The field that holds the shared ID.
    pub(super) link: String,
}

impl Commercial {
    async fn fields(&self, call: &Call) -> Result<Vec<&str>, SystemError> {
        let known = self.system.client.fields(call, LEAD).await?;
        let mut fields: Vec<&str> = FIELDS.into_iter().filter(|field| known.contains(*field)).collect();
        fields.push(&self.link);
        fields.extend(self.system.deals.names());
        Ok(fields)
    }

    async fn read(&self, call: &Call, domain: Domain) -> Result<Vec<Deal>, SystemError> {
        let fields = self.fields(call).await?;
        let records = self.system.client.all(call, LIST, LEAD, opportunities().and(domain), &fields).await?;
        self.deals(call, records).await
    }

    async fn deals(&self, call: &Call, records: Vec<Record>) -> Result<Vec<Deal>, SystemError> {
        let users = records.iter().filter_map(|record| Some(record.link("user_id")?.id())).collect();
        let users = self.system.users(call, users).await?;
        let deal = |record| self.system.deals.deal(&self.system.mapper, &self.link, record, &users);
        Ok(records.iter().map(deal).collect())
    }

    /// The conditions of a query; none if nothing can meet them.
    async fn conditions(&self, call: &Call, query: &DealQuery) -> Result<Option<Domain>, SystemError> {
        let mut domain = opportunities();
        if let Some(status) = query.status {
            let says_itself = self.system.client.fields(call, LEAD).await?.contains("won_status");
            domain = domain.and(in_state(status, says_itself));
        }
        let own = &self.system.deals;
        let words = [
            (Some("team_id.name"), &query.pipeline),
            (Some("stage_id.name"), &query.stage),
            (own.vertical.as_deref(), &query.vertical),
            (own.deal_type.as_deref(), &query.deal_type),
        ];
        for (field, word) in words {
            match (field, word) {
                (_, None) => {}
                (Some(field), Some(word)) => domain = domain.and(Domain::of(field, "=", word.as_str())),
                (None, Some(_)) => return Ok(None),
            }
        }
        if let Some(client) = &query.client {
            let Some(client) = number(client.as_str()) else { return Ok(None) };
            domain = domain.and(Domain::of("partner_id", "=", client));
        }
        for (operator, day) in [(">=", query.closed_from), ("<=", query.closed_to)] {
            if let Some(day) = day {
                domain = domain.and(Domain::of("date_deadline", operator, day.to_string()));
            }
        }
        if let Some(linked) = query.linked {
            domain = domain.and(Domain::of(&self.link, if linked { "!=" } else { "=" }, false));
        }
        if let Some(text) = query.text.as_deref().map(str::trim).filter(|text| !text.is_empty()) {
            domain = domain.and(Domain::contains("name", text));
        }
        Ok(Some(domain))
    }
}

fn opportunities() -> Domain {
    Domain::of("type", "=", "opportunity")
}

pub(super) fn in_state(status: DealStatus, says_itself: bool) -> Domain {
    let active = |yes: bool| Domain::of("active", "=", yes);
    match (status, says_itself) {
        (DealStatus::Won, true) => Domain::of("won_status", "=", "won"),
        (DealStatus::Lost, true) => Domain::of("won_status", "=", "lost"),
        (DealStatus::Open, true) => Domain::of("won_status", "not in", vec!["won", "lost"]),
        // The same as `sales::status`.
        (DealStatus::Won, false) => Domain::of("probability", ">=", 100),
        (DealStatus::Lost, false) => active(false).and(Domain::of("probability", "<=", 0)),
        (DealStatus::Open, false) => {
            Domain::of("probability", "<", 100).and(Domain::any([active(true), Domain::of("probability", ">", 0)]))
        }
    }
}

#[async_trait]
impl DealSource for Commercial {
    fn batch_limit(&self) -> usize {
        MAX_KEYS
    }

    fn shared_id_field(&self) -> Option<&str> {
        Some(&self.link)
    }

    async fn deals(&self, call: &Call, ids: &[DealId]) -> BatchResult<DealId, Deal> {
        let numbers: Vec<u64> = ids.iter().filter_map(|id| number(id.as_str())).collect();
        if numbers.is_empty() {
            return Ok(Vec::new().into_iter().collect());
        }
        let deals = self.read(call, Domain::one_of("id", numbers)).await?;
        Ok(deals.into_iter().map(|deal| (deal.id.clone(), deal)).collect())
    }

    async fn deals_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Deal>> {
        if ids.is_empty() {
            return Ok(Vec::new().into_iter().collect());
        }
        let domain = Domain::carries(&self.link, ids);
        let deals = self.read(call, domain).await?;
        let of = |deal: Deal| match &deal.link {
            Link::To(id) if ids.contains(id) => Some((id.clone(), deal)),
            _ => None,
        };
        Ok(grouped(deals.into_iter().filter_map(of)).into_iter().collect())
    }

    async fn deal_page(
        &self,
        call: &Call,
        query: &DealQuery,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Deal>, SystemError> {
        let system = &self.system;
        let after = match after {
            None => 0,
            Some(cursor) => number(cursor).ok_or_else(|| {
                system.client.error(LIST, ErrorKind::BadRequest, "`after` is not from a page of this connection")
            })?,
        };
        let Some(domain) = self.conditions(call, query).await? else {
            return Ok(Page { items: Vec::new(), next: None, total: None });
        };
        let fields = self.fields(call).await?;
        let wanted = limit + 1;
        // Without an order of its own a list goes by number, and a page begins after a number; else after so many rows.
        let mut records: Vec<Record> = match query.order {
            None => system.client.page(call, (LIST, LEAD), domain, &fields, after, wanted).await?,
            Some(order) => {
                let amount = system.deals.amount.as_deref().unwrap_or("expected_revenue");
                let field = match order.field {
                    DealOrderField::CloseDate => "date_deadline",
                    DealOrderField::Amount => amount,
                    DealOrderField::Name => "name",
                    DealOrderField::CreatedAt => "create_date",
                };
                let order = format!("{field}{}, id", if order.descending { " desc" } else { "" });
                system.client.ordered(call, (LIST, LEAD), domain, &fields, &order, (after, wanted)).await?
            }
        };
        let more = records.len() > limit;
        records.truncate(limit);
        let next = match query.order {
            None => records.last().map(Row::id),
            Some(_) => u64::try_from(limit).ok().map(|limit| after.saturating_add(limit)),
        };
        let items = self.deals(call, records).await?;
        Ok(Page { items, next: next.filter(|_| more).map(|next| next.to_string()), total: None })
    }
}

#[async_trait]
impl ClientSource for Commercial {
    fn batch_limit(&self) -> usize {
        MAX_KEYS
    }

    async fn clients(&self, call: &Call, ids: &[ClientId]) -> BatchResult<ClientId, Client> {
        let numbers: Vec<u64> = ids.iter().filter_map(|id| number(id.as_str())).collect();
        if numbers.is_empty() {
            return Ok(Vec::new().into_iter().collect());
        }
        let domain = Domain::one_of("id", numbers);
        let records: Vec<Record> =
            self.system.client.all(call, "clients.list", "res.partner", domain, &CLIENT_FIELDS).await?;
        let clients = records.iter().map(|record| sales::client(&self.system.mapper, record));
        Ok(clients.map(|client| (client.id.clone(), client)).collect())
    }
}
