//! Where each record is, so that no read walks through all deals.
//!
//! Records are never added or moved, but a correction can give a deal another project code: an index holds for one
//! revision of the company. Values are read from the company each time.

use std::collections::HashMap;

use super::kinds::Kind;
use crate::demo::company::model::{
    Client, Communication, CommunicationKind, Company, Contact, CrmTicket, Deal, LineItem, Quote,
};

/// Record IDs start here, per object type that the company numbers from 1.
pub(super) const COMPANY_IDS: u64 = 50_000;
pub(super) const CONTACT_IDS: u64 = 60_000;
pub(super) const OWNER_IDS: u64 = 70_000;

/// Where a record is: the position of its deal, client or contact, and its own position there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    outer: usize,
    inner: usize,
}

/// A record, where the company holds it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Row<'a> {
    Company(&'a Client),
    Contact(&'a Contact, Option<&'a Client>),
    Deal(&'a Deal),
    Ticket(&'a Deal, &'a CrmTicket),
    LineItem(&'a Deal, &'a LineItem),
    Quote(&'a Deal, &'a Quote),
    Activity(&'a Deal, &'a Communication),
}

/// Where each record is.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// The revision it was built of.
    pub(super) revision: u64,
    /// Per object type: record IDs ascending, each with its place.
    places: HashMap<Kind, Vec<(u64, Place)>>,
    /// Project codes as the search index holds them, trimmed and in lower case; deals by record ID.
    codes: HashMap<String, Vec<u64>>,
    client_positions: HashMap<u32, usize>,
    client_deals: HashMap<u32, Vec<u64>>,
    client_contacts: HashMap<u32, Vec<u64>>,
    contact_deals: HashMap<u32, Vec<u64>>,
}

impl Index {
    pub(super) fn build(company: &Company) -> Self {
        let mut index = Self { revision: company.revision, ..Self::default() };
        for (position, client) in company.clients.iter().enumerate() {
            index.client_positions.insert(client.id, position);
            index.put(Kind::Company, COMPANY_IDS + u64::from(client.id), position, 0);
        }
        for (position, contact) in company.contacts.iter().enumerate() {
            let id = CONTACT_IDS + u64::from(contact.id);
            index.client_contacts.entry(contact.client).or_default().push(id);
            index.put(Kind::Contact, id, position, 0);
        }
        for (position, deal) in company.deals.iter().enumerate() {
            index.put(Kind::Deal, deal.id, position, 0);
            if let Some(code) = &deal.shared_id {
                index.codes.entry(folded(code)).or_default().push(deal.id);
            }
            if let Some(client) = deal.client {
                index.client_deals.entry(client).or_default().push(deal.id);
            }
            for contact in &deal.contacts {
                index.contact_deals.entry(*contact).or_default().push(deal.id);
            }
            for (inner, ticket) in deal.tickets.iter().enumerate() {
                index.put(Kind::Ticket, ticket.id, position, inner);
            }
            for (inner, item) in deal.line_items.iter().enumerate() {
                index.put(Kind::LineItem, item.id, position, inner);
            }
            for (inner, quote) in deal.quotes.iter().enumerate() {
                index.put(Kind::Quote, quote.id, position, inner);
            }
            for (inner, communication) in deal.communications.iter().enumerate() {
                index.put(activity_kind(communication.kind), communication.id, position, inner);
            }
        }
        for places in index.places.values_mut() {
            places.sort_unstable_by_key(|(id, _)| *id);
        }
        index
    }

    fn put(&mut self, kind: Kind, id: u64, outer: usize, inner: usize) {
        self.places.entry(kind).or_default().push((id, Place { outer, inner }));
    }

    /// All records of a type, by ID ascending.
    pub(super) fn all(&self, kind: Kind) -> &[(u64, Place)] {
        self.places.get(&kind).map_or(&[], Vec::as_slice)
    }

    /// The records of a type with an ID greater than this one.
    pub(super) fn after(&self, kind: Kind, id: u64) -> &[(u64, Place)] {
        let all = self.all(kind);
        all.get(all.partition_point(|(other, _)| *other <= id)..).unwrap_or(&[])
    }

    pub(super) fn find<'a>(&self, company: &'a Company, kind: Kind, id: u64) -> Option<Row<'a>> {
        let all = self.all(kind);
        let at = all.binary_search_by_key(&id, |(other, _)| *other).ok()?;
        self.row(company, kind, all.get(at)?.1)
    }

    pub(super) fn row<'a>(&self, company: &'a Company, kind: Kind, place: Place) -> Option<Row<'a>> {
        match kind {
            Kind::Company => company.clients.get(place.outer).map(Row::Company),
            Kind::Contact => {
                let contact = company.contacts.get(place.outer)?;
                Some(Row::Contact(contact, self.client(company, contact.client)))
            }
            Kind::Deal => company.deals.get(place.outer).map(Row::Deal),
            Kind::Ticket => {
                let deal = company.deals.get(place.outer)?;
                deal.tickets.get(place.inner).map(|ticket| Row::Ticket(deal, ticket))
            }
            Kind::LineItem => {
                let deal = company.deals.get(place.outer)?;
                deal.line_items.get(place.inner).map(|item| Row::LineItem(deal, item))
            }
            Kind::Quote => {
                let deal = company.deals.get(place.outer)?;
                deal.quotes.get(place.inner).map(|quote| Row::Quote(deal, quote))
            }
            Kind::Note | Kind::Call | Kind::Email | Kind::Meeting => {
                let deal = company.deals.get(place.outer)?;
                deal.communications.get(place.inner).map(|activity| Row::Activity(deal, activity))
            }
        }
    }

    fn client<'a>(&self, company: &'a Company, id: u32) -> Option<&'a Client> {
        company.clients.get(*self.client_positions.get(&id)?)
    }

    /// The deals that carry a project code, in the search index's spelling.
    pub(super) fn deals_with_code(&self, code: &str) -> &[u64] {
        self.codes.get(code).map_or(&[], Vec::as_slice)
    }

    /// The deals of a company record.
    pub(super) fn deals_of_company(&self, company: u64) -> &[u64] {
        let client = company.checked_sub(COMPANY_IDS).and_then(|id| u32::try_from(id).ok());
        client.and_then(|id| self.client_deals.get(&id)).map_or(&[], Vec::as_slice)
    }

    /// The records of a type that are associated with a record, by ID.
    pub(super) fn associated(&self, row: Row<'_>, to: Kind) -> Vec<u64> {
        match (row, to) {
            (Row::Deal(deal), to) => of_deal(deal, to),
            (Row::Company(client), Kind::Deal) => self.client_deals.get(&client.id).cloned().unwrap_or_default(),
            (Row::Company(client), Kind::Contact) => self.client_contacts.get(&client.id).cloned().unwrap_or_default(),
            (Row::Contact(contact, _), Kind::Company) => vec![COMPANY_IDS + u64::from(contact.client)],
            (Row::Contact(contact, _), Kind::Deal) => self.contact_deals.get(&contact.id).cloned().unwrap_or_default(),
            (Row::Ticket(deal, _), Kind::Company) => of_deal(deal, Kind::Company),
            (
                Row::Ticket(deal, _) | Row::LineItem(deal, _) | Row::Quote(deal, _) | Row::Activity(deal, _),
                Kind::Deal,
            ) => vec![deal.id],
            _ => Vec::new(),
        }
    }
}

/// What hangs on a deal.
fn of_deal(deal: &Deal, to: Kind) -> Vec<u64> {
    let mut ids: Vec<u64> = match to {
        Kind::Company => deal.client.iter().map(|id| COMPANY_IDS + u64::from(*id)).collect(),
        Kind::Contact => deal.contacts.iter().map(|id| CONTACT_IDS + u64::from(*id)).collect(),
        Kind::Deal => Vec::new(),
        Kind::Ticket => deal.tickets.iter().map(|ticket| ticket.id).collect(),
        Kind::LineItem => deal.line_items.iter().map(|item| item.id).collect(),
        Kind::Quote => deal.quotes.iter().map(|quote| quote.id).collect(),
        Kind::Note | Kind::Call | Kind::Email | Kind::Meeting => deal
            .communications
            .iter()
            .filter(|activity| activity_kind(activity.kind) == to)
            .map(|activity| activity.id)
            .collect(),
    };
    ids.sort_unstable();
    ids.dedup();
    ids
}

/// A text as the search index holds it. HubSpot does not document what its index does with blanks around a value; this
/// one trims them.
pub(super) fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

fn activity_kind(kind: CommunicationKind) -> Kind {
    match kind {
        CommunicationKind::Note => Kind::Note,
        CommunicationKind::Call => Kind::Call,
        CommunicationKind::Email => Kind::Email,
        CommunicationKind::Meeting => Kind::Meeting,
    }
}
