//! The canonical words: identifiers, money, deals, projects, tickets, invoices, costs and where each was read.
//!
//! Plain structs without I/O and without any vendor's serialisation. A field that the owner did not state is `None`,
//! never zero; a field the owner stated in a form nobody can read is `None` and a [`Flaw`] beside it.

mod amounts;
mod class;
mod clock;
mod cost;
mod deal;
mod flaw;
mod ids;
mod in_list;
mod invoice;
mod list;
mod money;
mod owner;
mod project;
mod query;
mod rates;
mod record;
mod share;
mod source;
mod sum;
mod ticket;
mod weigh;

pub use amounts::{Amounts, PackedAmounts};
pub use class::{Class, Classes};
pub use clock::{Clock, ManualClock, SystemClock};
pub use cost::{Cost, CostKind, CostState};
pub use deal::{
    Client, Communication, CommunicationKind, Contact, Deal, DealStatus, LineItem, Link, Person, Proposal, client_of,
    lead_of,
};
pub use flaw::{Flaw, FlawKind};
pub use ids::{
    ClientId, ConnectionName, ContactId, DealId, GlobalId, IdNode, InvoiceId, ProjectId, SharedIdError, SharedIdRule,
    TicketId,
};
pub use in_list::InList;
pub use invoice::{
    Direction, Invoice, InvoiceKind, InvoiceLine, InvoiceState, InvoiceStatus, Party, Payment, ProjectInvoice, Share,
};
pub use list::List;
pub use money::{Booked, Currency, Money, MoneyError, digits, parse_currency, parse_decimal};
pub use owner::Domain;
pub use project::{Effort, Health, Milestone, MilestoneStatus, Project, ProjectStatus, ResourceAllocation};
pub use query::{DealOrder, DealOrderField, DealQuery, InvoiceQuery, Page, ProjectQuery};
pub use rates::Rates;
pub use record::RecordKind;
pub use share::{split_by_project, without_project};
pub use source::{Source, SourceStatus};
pub use sum::{CostSum, Sum};
pub use ticket::{Priority, Ticket, TicketCategory, TicketStatus};
pub use weigh::Weigh;
