//! The commercial relationship: deals, clients, contacts and what was said and offered on the way.

use std::sync::Arc;

use compact_str::CompactString;
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{ClientId, ContactId, DealId, Flaw, Money, ProjectId};

/// A deal, as the commercial owner holds it.
#[derive(Debug, Clone)]
pub struct Deal {
    /// The owner's record ID.
    pub id: DealId,
    /// Name.
    pub name: Option<CompactString>,
    /// Pipeline, by its label.
    pub pipeline: Option<CompactString>,
    /// Stage, by its label.
    pub stage: Option<CompactString>,
    /// Whether it is open, won or lost; none when the owner's stage says none of these.
    pub status: Option<DealStatus>,
    /// What the client pays, without tax.
    pub amount: Option<Money>,
    /// What sales expects to remain of it after the cost of the work.
    pub expected_margin: Option<Money>,
    /// Close date, expected or real.
    pub close_date: Option<Date>,
    /// Who owns the deal.
    pub owner: Option<Arc<Person>>,
    /// Vertical.
    pub vertical: Option<CompactString>,
    /// Deal type, e.g. new business.
    pub deal_type: Option<CompactString>,
    /// What was sold, in words.
    pub scope: Option<String>,
    /// The client; none when the owner links the deal to none.
    pub client: Option<ClientId>,
    /// The country that the client's record states, in the owner's words. It is read only where rules of access ask for it.
    pub client_country: Option<String>,
    /// The link to the project.
    pub link: Link,
    /// When the record was made.
    pub created_at: Option<Timestamp>,
    /// When the record last changed.
    pub updated_at: Option<Timestamp>,
    /// Where a person opens it.
    pub url: Option<Arc<str>>,
    /// Fields the owner states in a form nobody can read.
    pub flaws: Vec<Flaw>,
}

impl Deal {
    /// The shared ID, if the deal carries a well-formed one.
    pub fn project_id(&self) -> Option<&ProjectId> {
        match &self.link {
            Link::To(id) => Some(id),
            Link::None | Link::Malformed(_) => None,
        }
    }
}

/// The deal that a project began with: the first of its deals that was won, else the first. They stand in the order of their
/// records.
pub fn lead_of(deals: &[Arc<Deal>]) -> Option<&Arc<Deal>> {
    deals.iter().find(|deal| deal.status == Some(DealStatus::Won)).or_else(|| deals.first())
}

/// The client of a project's deals: that of the first won one that has one, else of the first that has.
pub fn client_of(deals: &[Arc<Deal>]) -> Option<&ClientId> {
    let won = deals.iter().find(|deal| deal.status == Some(DealStatus::Won) && deal.client.is_some());
    won.or_else(|| deals.iter().find(|deal| deal.client.is_some())).and_then(|deal| deal.client.as_ref())
}

/// The link from a deal to its project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// The shared ID.
    To(ProjectId),
    /// The field is empty.
    None,
    /// The field holds something that is no shared ID; kept as it is typed.
    Malformed(String),
}

/// How a deal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DealStatus {
    /// Still open.
    Open,
    /// Closed, and won.
    Won,
    /// Closed, and lost.
    Lost,
}

/// A colleague: owner of a deal, assignee of a ticket, manager of a project.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Person {
    /// Full name.
    pub name: CompactString,
    /// Work address.
    pub email: Option<CompactString>,
}

/// A client.
#[derive(Debug, Clone)]
pub struct Client {
    /// The owner's record ID.
    pub id: ClientId,
    /// Name.
    pub name: Option<String>,
    /// Web domain.
    pub domain: Option<String>,
    /// Industry, in the owner's words.
    pub industry: Option<String>,
    /// Country.
    pub country: Option<String>,
    /// Where a person opens it.
    pub url: Option<Arc<str>>,
}

/// A person at the client.
#[derive(Debug, Clone)]
pub struct Contact {
    /// The owner's record ID.
    pub id: ContactId,
    /// Full name.
    pub name: Option<String>,
    /// Address.
    pub email: Option<String>,
    /// Telephone.
    pub phone: Option<String>,
    /// Role at the client.
    pub role: Option<String>,
}

/// A line item of a deal.
#[derive(Debug, Clone)]
pub struct LineItem {
    /// The owner's record ID.
    pub id: Arc<str>,
    /// Name.
    pub name: Option<String>,
    /// Article number.
    pub sku: Option<String>,
    /// Quantity.
    pub quantity: Option<Decimal>,
    /// Price of one, without tax.
    pub unit_price: Option<Money>,
    /// Price of the line, without tax.
    pub amount: Option<Money>,
    /// Fields the owner states in a form nobody can read.
    pub flaws: Vec<Flaw>,
}

/// The proposal that counts: the signed one, else the latest.
#[derive(Debug, Clone)]
pub struct Proposal {
    /// The owner's record ID.
    pub id: Arc<str>,
    /// Title.
    pub title: Option<String>,
    /// Number.
    pub number: Option<String>,
    /// How many proposals the deal has had, this one included.
    pub version: u32,
    /// Whether it is signed or approved.
    pub signed: bool,
    /// Status, in the owner's words.
    pub status: Option<String>,
    /// Amount, without tax.
    pub amount: Option<Money>,
    /// Last day on which it can be accepted.
    pub expires_on: Option<Date>,
    /// Where a person opens it.
    pub url: Option<Arc<str>>,
    /// Fields the owner states in a form nobody can read.
    pub flaws: Vec<Flaw>,
}

/// A note, call, mail or meeting.
#[derive(Debug, Clone)]
pub struct Communication {
    /// The owner's record ID.
    pub id: Arc<str>,
    /// What it was.
    pub kind: CommunicationKind,
    /// When it happened.
    pub at: Option<Timestamp>,
    /// Title or subject.
    pub subject: Option<String>,
    /// Text, as the owner holds it (may be HTML).
    pub body: Option<String>,
    /// Who wrote it.
    pub author: Option<Arc<Person>>,
}

/// What a [`Communication`] was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CommunicationKind {
    /// A note.
    Note,
    /// A call.
    Call,
    /// An e-mail.
    Email,
    /// A meeting.
    Meeting,
}
