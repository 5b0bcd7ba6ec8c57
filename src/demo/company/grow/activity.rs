//! What happened around a deal: quotes, notes, calls, mails, meetings, tickets before the sale.

use super::amount_cents;
use super::dice::{Calendar, Dice, cents, share};
use super::sales::{Outcome, Prospect};
use crate::demo::company::model::{Communication, CommunicationKind, CrmTicket, Deal, Quote};

/// The CRM's record numbers given so far, each kind in its own range.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    line_items: u64,
    quotes: u64,
    communications: u64,
    tickets: u64,
}

impl Numbers {
    pub(super) fn line_item(&mut self) -> u64 {
        next(&mut self.line_items, 1_000_000)
    }
}

fn next(counter: &mut u64, base: u64) -> u64 {
    *counter += 1;
    base + *counter
}

/// Adds what happened around the deal.
pub(super) fn around(dice: &mut Dice, calendar: Calendar, deal: &mut Deal, prospect: &Prospect, numbers: &mut Numbers) {
    quotes(dice, calendar, deal, prospect, numbers);
    communications(dice, calendar, deal, prospect, numbers);
    tickets(dice, calendar, deal, prospect, numbers);
}

fn quotes(dice: &mut Dice, calendar: Calendar, deal: &mut Deal, prospect: &Prospect, numbers: &mut Numbers) {
    let sent = match prospect.outcome {
        Outcome::Won => !dice.chance(60),
        Outcome::Lost => dice.chance(600),
        Outcome::Open => matches!(deal.stage.as_str(), "contractsent" | "88210005"),
    };
    let amount = amount_cents(deal);
    if !sent || amount == 0 {
        return;
    }
    let versions = dice.range(1, 3);
    for version in 1..=versions {
        let last = version == versions;
        let status = match prospect.outcome {
            _ if !last => dice.pick(&["REJECTED", "REJECTED", "DRAFT"]),
            Outcome::Won => "APPROVED",
            Outcome::Lost => "REJECTED",
            Outcome::Open => "PENDING_APPROVAL",
        };
        let day = share(prospect.last_day() - prospect.created, 1000 * version / (versions + 1)) + prospect.created;
        deal.quotes.push(Quote {
            id: next(&mut numbers.quotes, 3_000_000),
            title: format!("Proposal for {}", deal.name),
            number: format!("Q-{}-{version}", deal.id),
            status: status.to_owned(),
            amount: cents(if last { amount } else { share(amount, dice.range(950, 1120)) }),
            expires: calendar.date(day + 30),
            created: calendar.moment(day, dice),
        });
    }
}

fn communications(dice: &mut Dice, calendar: Calendar, deal: &mut Deal, prospect: &Prospect, numbers: &mut Numbers) {
    use CommunicationKind::{Call, Email, Meeting, Note};
    for _ in 0..dice.range(0, 4) {
        let kind = match dice.range(0, 3) {
            0 => Note,
            1 => Call,
            2 => Email,
            _ => Meeting,
        };
        let (title, body) = match kind {
            Note => (None, "<p>Budget is approved. Decision by the <b>steering committee</b> next month.</p>"),
            Call => (Some("Call on scope"), "Agreed on the interfaces to deliver. Training stays with the client."),
            Email => (Some("Answers to your questions"), "Please find the answers to your questions below."),
            Meeting => (Some("Workshop on site"), "Walked through the process with operations and IT."),
        };
        let day = dice.range(prospect.created, prospect.last_day());
        deal.communications.push(Communication {
            id: next(&mut numbers.communications, 5_000_000),
            kind,
            title: title.map(str::to_owned),
            body: body.to_owned(),
            at: calendar.moment(day, dice),
            owner: deal.owner.unwrap_or(1),
        });
    }
    deal.communications.sort_by_key(|communication| communication.at);
}

fn tickets(dice: &mut Dice, calendar: Calendar, deal: &mut Deal, prospect: &Prospect, numbers: &mut Numbers) {
    if !dice.chance(120) {
        return;
    }
    for _ in 0..dice.range(1, 2) {
        let opened = dice.range(prospect.created, prospect.last_day());
        let settled = prospect.outcome != Outcome::Open || dice.chance(500);
        let closed = opened + dice.range(1, 20);
        let done = settled && closed <= 0;
        deal.tickets.push(CrmTicket {
            id: next(&mut numbers.tickets, 4_000_000),
            subject: dice
                .pick(&[
                    "Access to the test system",
                    "Security questionnaire",
                    "Reference visit",
                    "Trial licence expired",
                ])
                .to_owned(),
            pipeline: "0".to_owned(),
            stage: if done { "4" } else { dice.pick(&["1", "2", "3"]) }.to_owned(),
            priority: dice.pick(&["LOW", "MEDIUM", "MEDIUM", "HIGH", "URGENT"]).to_owned(),
            category: Some(dice.pick(&["GENERAL_INQUIRY", "FEATURE_REQUEST", "PRODUCT_ISSUE"]).to_owned())
                .filter(|_| !dice.chance(150)),
            owner: deal.owner,
            created: calendar.moment(opened, dice),
            closed: done.then(|| calendar.moment(closed, dice)),
        });
    }
}
