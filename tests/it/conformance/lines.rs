//! A record in one line of text: what a connector read and what the company holds are compared, and told apart when they
//! differ, in this form. `-` is nothing; digits that say nothing are left out (`12.50` is `12.5`), and so are parts of a second.

use std::fmt::Debug;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::Decimal;
use spine::domain::{
    Booked, Client, ClientId, Communication, Contact, ContactId, Cost, Deal, DealId, Effort, Invoice, InvoiceId,
    LineItem, Link, Milestone, Money, Payment, Project, ProjectId, ProjectInvoice, Proposal, Ticket, TicketId,
};

/// What has a place in a line.
pub(super) trait Text {
    fn text(&self) -> String;
}

macro_rules! as_displayed {
    ($($type:ty),+) => {$(
        impl Text for $type {
            fn text(&self) -> String {
                self.to_string()
            }
        }
    )+};
}

as_displayed!(str, String, bool, u32, u64, Date, DealId, ClientId, ContactId, ProjectId, TicketId, InvoiceId);

impl<T: Text + ?Sized> Text for &T {
    fn text(&self) -> String {
        (**self).text()
    }
}

impl<T: Text + ?Sized> Text for Arc<T> {
    fn text(&self) -> String {
        (**self).text()
    }
}

impl<T: Text> Text for Option<T> {
    fn text(&self) -> String {
        self.as_ref().map_or("-".to_owned(), Text::text)
    }
}

impl<T: Text> Text for Vec<T> {
    fn text(&self) -> String {
        format!("[{}]", self.iter().map(Text::text).collect::<Vec<_>>().join("; "))
    }
}

impl<T: Text> Text for smallvec::SmallVec<[T; 1]> {
    fn text(&self) -> String {
        format!("[{}]", self.iter().map(Text::text).collect::<Vec<_>>().join("; "))
    }
}

impl Text for compact_str::CompactString {
    fn text(&self) -> String {
        self.to_string()
    }
}

impl Text for Decimal {
    fn text(&self) -> String {
        self.normalize().to_string()
    }
}

impl Text for Timestamp {
    fn text(&self) -> String {
        self.as_second().to_string()
    }
}

impl Text for Money {
    fn text(&self) -> String {
        format!("{} {}", self.amount.text(), self.currency.code())
    }
}

impl Text for Booked {
    fn text(&self) -> String {
        format!("{} = {}", self.document.text(), self.company.text())
    }
}

/// A line of these parts.
macro_rules! line {
    ($($part:expr),+ $(,)?) => {
        [$($crate::conformance::lines::Text::text(&$part)),+].join(" | ")
    };
}
pub(super) use line;

/// One of our words.
fn word(word: &impl Debug) -> String {
    format!("{word:?}")
}

pub(super) fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

pub(super) fn deal(deal: &Deal) -> String {
    let owner = deal.owner.as_ref();
    let link = match &deal.link {
        Link::To(id) => id.to_string(),
        Link::None => "-".to_owned(),
        Link::Malformed(typed) => format!("malformed {typed}"),
    };
    let flaws: Vec<String> = deal.flaws.iter().map(|flaw| format!("{} {:?}", flaw.field, flaw.kind)).collect();
    line![
        deal.id,
        deal.name,
        deal.pipeline,
        deal.stage,
        deal.status.as_ref().map(word),
        deal.amount,
        deal.expected_margin,
        deal.close_date,
        owner.map(|owner| owner.name.as_str()),
        owner.and_then(|owner| owner.email.as_deref()),
        deal.vertical,
        deal.deal_type,
        deal.scope,
        deal.client,
        link,
        deal.created_at,
        deal.updated_at,
        sorted(flaws),
    ]
}

pub(super) fn client(client: &Client) -> String {
    line![client.id, client.name, client.domain, client.industry, client.country]
}

pub(super) fn contact(contact: &Contact) -> String {
    line![contact.id, contact.name, contact.email, contact.phone, contact.role]
}

pub(super) fn line_item(item: &LineItem) -> String {
    line![item.id, item.name, item.sku, item.quantity, item.unit_price, item.amount]
}

pub(super) fn proposal(proposal: &Proposal) -> String {
    line![
        proposal.id,
        proposal.title,
        proposal.number,
        proposal.version,
        proposal.signed,
        proposal.status,
        proposal.amount,
        proposal.expires_on,
    ]
}

/// Latest first: that is looked at here; those of one moment come in any order.
pub(super) fn communications(all: &[Communication]) -> Vec<String> {
    assert!(all.is_sorted_by(|a, b| a.at >= b.at), "communications are not latest first");
    let line = |one: &Communication| {
        let author = one.author.as_ref().map(|author| author.name.as_str());
        line![one.id, word(&one.kind), one.at, one.subject, one.body, author]
    };
    sorted(all.iter().map(line).collect())
}

pub(super) fn project(project: &Project) -> String {
    line![
        project.id,
        project.record_id,
        project.name,
        word(&project.status),
        project.health.as_ref().map(word),
        project.health_reason,
        project.manager.as_ref().map(|manager| manager.name.as_str()),
        project.start_date,
        project.due_date,
        project.hours_budgeted,
    ]
}

pub(super) fn milestone(milestone: &Milestone) -> String {
    line![milestone.id, milestone.name, word(&milestone.status), milestone.due_date]
}

/// No hours at all are no line: what is not known looks the same in a system that knows bookings only.
pub(super) fn effort(effort: &Effort) -> Vec<String> {
    if effort.resources.is_empty() && effort.hours_spent.is_zero() {
        return Vec::new();
    }
    let people = effort.resources.iter().map(|part| format!("{} {}", part.person.name, part.hours_spent.text()));
    vec![line![effort.hours_spent, people.collect::<Vec<_>>()]]
}

pub(super) fn ticket(ticket: &Ticket) -> String {
    line![
        ticket.id,
        ticket.subject,
        word(&ticket.status),
        ticket.status_label,
        ticket.pipeline,
        ticket.priority.as_ref().map(word),
        word(&ticket.category),
        ticket.team,
        ticket.owner.as_ref().map(|owner| owner.name.as_str()),
        ticket.opened_at,
        ticket.closed_at,
        ticket.hours,
        ticket.project_id,
    ]
}

/// A ticket among all those of its project: whether it has parts of its own is known.
pub(super) fn ticket_of_project(of_project: &Ticket) -> String {
    line![ticket(of_project), of_project.hours_estimated, of_project.progress]
}

pub(super) fn invoice(invoice: &Invoice) -> String {
    assert!(invoice.flaws.is_empty(), "{:?}", invoice.flaws);
    let party = invoice.party.as_ref();
    let lines = invoice.lines.iter().map(|line| line![line.description, line.net, line.project_id]);
    line![
        invoice.id,
        invoice.number,
        word(&invoice.direction),
        word(&invoice.kind),
        word(&invoice.state),
        party.and_then(|party| party.id.as_deref()),
        party.and_then(|party| party.name.as_deref()),
        invoice.issue_date,
        invoice.due_date,
        invoice.net(),
        invoice.tax(),
        invoice.total(),
        invoice.paid(),
        invoice.balance(),
        lines.collect::<Vec<_>>(),
        invoice.project_ids,
    ]
}

/// An invoice that was asked for by itself: with its payments.
pub(super) fn paid_invoice(paid: &Invoice) -> String {
    let line = |payment: &Payment| line![payment.id, payment.date, payment.amount];
    let payments = paid.payments.as_ref().map(|payments| sorted(payments.iter().map(line).collect()));
    line![invoice(paid), payments]
}

/// A project's part of a document. What is allocated is not said of parts but where the lines say it: the net.
pub(super) fn part(part: &ProjectInvoice) -> String {
    if part.allocated() {
        return line![invoice(&part.invoice), "part", part.net()];
    }
    line![invoice(&part.invoice), "whole", part.net(), part.total(), part.paid(), part.balance()]
}

pub(super) fn cost(cost: &Cost) -> String {
    assert!(cost.flaws.is_empty(), "{:?}", cost.flaws);
    line![
        cost.id,
        word(&cost.kind),
        word(&cost.state),
        cost.date,
        cost.amount,
        cost.description,
        cost.party.as_ref().and_then(|party| party.name.as_deref()),
        cost.document,
    ]
}
