//! How much memory a value holds: what a cache with a bound in bytes counts.
//!
//! What is shared (`Arc`) is counted by everyone who holds it, so that a bound errs on the side of less memory.

use std::sync::Arc;

use compact_str::CompactString;
use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use smallvec::SmallVec;
use thin_vec::ThinVec;

use super::{
    Booked, Client, Communication, CommunicationKind, Contact, Cost, CostKind, CostState, CostSum, Deal, DealOrder,
    DealQuery, DealStatus, Direction, Effort, Flaw, Health, InList, Invoice, InvoiceKind, InvoiceLine, InvoiceQuery,
    InvoiceState, LineItem, Link, Milestone, MilestoneStatus, Money, Page, Party, Payment, Person, Priority, Project,
    ProjectInvoice, ProjectQuery, ProjectStatus, Proposal, ResourceAllocation, Share, Sum, Ticket, TicketCategory,
    TicketStatus,
};

/// A value that knows how much memory it holds.
pub trait Weigh {
    /// Bytes on the heap: what the value holds beside its own size. Zero only if it holds nothing there: a
    /// [`List`](super::List) of such values is let go without dropping them.
    fn heap_bytes(&self) -> usize;
}

/// What an allocator adds to each piece: its header, and rounding up.
pub(super) const PIECE: usize = 16;
/// The two counters of an `Arc`.
const COUNTERS: usize = 16;

/// Structs weigh what their fields do. All fields must be named: a new one is not forgotten.
macro_rules! structs {
    ($($name:ident { $($field:ident),+ $(,)? })+) => {$(
        impl Weigh for $name {
            fn heap_bytes(&self) -> usize {
                let Self { $($field),+ } = self;
                0 $(+ $field.heap_bytes())+
            }
        }
    )+};
}

/// Words that nobody mapped are the only text in them.
macro_rules! words {
    ($($name:ident)+) => {$(
        impl Weigh for $name {
            fn heap_bytes(&self) -> usize {
                if let Self::Unknown(raw) = self { raw.heap_bytes() } else { 0 }
            }
        }
    )+};
}

/// These hold nothing on the heap.
macro_rules! flat {
    ($($name:ident)+) => {$(
        const _: () = assert!(!std::mem::needs_drop::<$name>());

        impl Weigh for $name {
            fn heap_bytes(&self) -> usize {
                0
            }
        }
    )+};
}

flat! {
    bool u32 u64 usize Decimal Date Timestamp Money Booked DealStatus CommunicationKind Direction InvoiceKind CostState
    DealOrder Flaw
}

words! { ProjectStatus Health MilestoneStatus InvoiceState CostKind TicketStatus Priority TicketCategory }

structs! {
    Deal {
        id, name, pipeline, stage, status, amount, expected_margin, close_date, owner, vertical, deal_type, scope, client,
        client_country, link, created_at, updated_at, url, flaws,
    }
    Person { name, email }
    Client { id, name, domain, industry, country, url }
    Contact { id, name, email, phone, role }
    LineItem { id, name, sku, quantity, unit_price, amount, flaws }
    Proposal { id, title, number, version, signed, status, amount, expires_on, url, flaws }
    Communication { id, kind, at, subject, body, author }
    Project {
        id, record_id, name, status, health, health_reason, manager, start_date, due_date, percent_complete,
        hours_budgeted, url, flaws,
    }
    Milestone { id, name, status, due_date, url }
    Effort { hours_spent, resources }
    ResourceAllocation { person, role, hours_allocated, hours_spent }
    Ticket {
        id, subject, status, status_label, pipeline, priority, category, team, owner, opened_at, closed_at, hours,
        hours_estimated, progress, project_id, url,
    }
    Invoice {
        id, number, direction, kind, state, party, issue_date, due_date, amounts, lines, payments, project_ids, url, flaws,
    }
    Party { id, name }
    InvoiceLine { description, quantity, net, project_id }
    Payment { id, date, amount }
    ProjectInvoice { invoice, share }
    Share { net, total, paid, balance }
    Sum { amount, records }
    CostSum { kind, state, sum }
    Cost { id, kind, state, date, amount, description, party, document, url, flaws }
    DealQuery {
        status, pipeline, stage, vertical, deal_type, client, closed_from, closed_to, linked, text, order,
    }
    ProjectQuery { status, text }
    InvoiceQuery { project_ids, direction, kind, open, due_before, issued_from, issued_to }
}

impl Weigh for Link {
    fn heap_bytes(&self) -> usize {
        match self {
            Self::To(id) => id.heap_bytes(),
            Self::None => 0,
            Self::Malformed(text) => text.heap_bytes(),
        }
    }
}

impl<T: Weigh> Weigh for Page<T> {
    fn heap_bytes(&self) -> usize {
        let Self { items, next, total } = self;
        items.heap_bytes() + next.heap_bytes() + total.heap_bytes()
    }
}

impl Weigh for String {
    fn heap_bytes(&self) -> usize {
        if self.capacity() == 0 { 0 } else { self.capacity() + PIECE }
    }
}

impl<T: Weigh> Weigh for Vec<T> {
    fn heap_bytes(&self) -> usize {
        room(self) + self.iter().map(Weigh::heap_bytes).sum::<usize>()
    }
}

/// The room of a list, without what its items hold.
pub(super) fn room<T>(list: &Vec<T>) -> usize {
    if list.capacity() == 0 { 0 } else { list.capacity() * size_of::<T>() + PIECE }
}

impl<T: Weigh> Weigh for ThinVec<T> {
    fn heap_bytes(&self) -> usize {
        // Length and capacity stand before the items.
        let own = if self.capacity() == 0 { 0 } else { self.capacity() * size_of::<T>() + COUNTERS + PIECE };
        own + self.iter().map(Weigh::heap_bytes).sum::<usize>()
    }
}

impl<T: Weigh> Weigh for Option<T> {
    fn heap_bytes(&self) -> usize {
        self.as_ref().map_or(0, Weigh::heap_bytes)
    }
}

impl<T: Weigh> Weigh for Box<T> {
    fn heap_bytes(&self) -> usize {
        size_of::<T>() + PIECE + T::heap_bytes(self)
    }
}

impl<T: Weigh> Weigh for InList<T> {
    fn heap_bytes(&self) -> usize {
        match self {
            Self::Here(record) => record.heap_bytes(),
            Self::Shared(record) => record.heap_bytes(),
        }
    }
}

impl<T: Weigh> Weigh for Arc<T> {
    fn heap_bytes(&self) -> usize {
        size_of::<T>() + COUNTERS + PIECE + T::heap_bytes(self)
    }
}

impl Weigh for CompactString {
    fn heap_bytes(&self) -> usize {
        if self.is_heap_allocated() { self.capacity() + PIECE } else { 0 }
    }
}

impl<T: Weigh> Weigh for SmallVec<[T; 1]> {
    fn heap_bytes(&self) -> usize {
        let spilled = if self.spilled() { self.capacity() * size_of::<T>() + PIECE } else { 0 };
        spilled + self.iter().map(Weigh::heap_bytes).sum::<usize>()
    }
}

impl Weigh for Arc<str> {
    fn heap_bytes(&self) -> usize {
        self.len() + COUNTERS + PIECE
    }
}

impl<A: Weigh, B: Weigh, C: Weigh> Weigh for (A, B, C) {
    fn heap_bytes(&self) -> usize {
        self.0.heap_bytes() + self.1.heap_bytes() + self.2.heap_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{ClientId, DealId, TicketId};

    #[test]
    fn a_typical_deal_weighs_what_it_holds_and_at_most_twice_that() {
        let text = |len: usize| Some("x".repeat(len).into());
        let deal = Deal {
            id: DealId::new("12345678901"),
            name: text(40),
            pipeline: text(14),
            stage: text(12),
            status: Some(DealStatus::Won),
            amount: None,
            expected_margin: None,
            close_date: None,
            owner: Some(Arc::new(Person { name: "x".repeat(16).into(), email: text(24) })),
            vertical: text(10),
            deal_type: text(12),
            scope: Some("x".repeat(200)),
            client: Some(ClientId::new("50001")),
            client_country: None,
            link: Link::None,
            created_at: None,
            updated_at: None,
            url: Some("https://app.example/deals/12345678901".into()),
            flaws: Vec::new(),
        };
        // The rest is short enough to be kept in place.
        let texts = 40 + 200 + 37;
        let shared = 2 * COUNTERS + size_of::<Person>();
        let held = texts + shared;
        let weight = deal.heap_bytes();
        assert!((held..2 * held).contains(&weight), "{weight} for {held}");
        assert_eq!(weight - held, 4 * PIECE, "in four pieces");
    }

    #[test]
    fn short_texts_are_kept_in_place() {
        /// What a `CompactString` has room for.
        const IN_PLACE: usize = 24;
        for length in [0, 1, IN_PLACE, IN_PLACE + 1, 60] {
            let text = CompactString::new("x".repeat(length));
            assert_eq!(text.heap_bytes() > 0, length > IN_PLACE, "{length}");
            assert_eq!(TicketId::new(text.as_str()).heap_bytes(), text.heap_bytes(), "{length}");
        }
    }

    #[test]
    fn lists_weigh_their_room_and_what_is_in_it() {
        let mut list: Vec<String> = Vec::with_capacity(8);
        assert_eq!(list.heap_bytes(), 8 * size_of::<String>() + PIECE);
        list.push("abc".to_owned());
        assert_eq!(list.heap_bytes(), 8 * size_of::<String>() + PIECE + 3 + PIECE);
        assert_eq!(Vec::<String>::new().heap_bytes(), 0);
        assert_eq!(ProjectStatus::Active.heap_bytes(), 0);
        assert!(ProjectStatus::Unknown("Frozen".to_owned()).heap_bytes() >= 6);
    }
}
