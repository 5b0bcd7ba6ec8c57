//! What clients are billed, what they are credited, and what they pay.

use super::books::{Books, Paper};
use super::dice::{Day, Dice, share};
use super::lists::{ARTICLES, country_of};
use super::people::card_code;
use super::{Engagement, Size, amount_cents};
use crate::demo::company::model::{Client, Deal, DocumentKind};

/// Bills an engagement by its milestones, and each upsell by itself.
pub(super) fn bill(dice: &mut Dice, books: &mut Books, engagement: &Engagement, deals: &[Deal], clients: &[Client]) {
    let Some(client) = clients.get(engagement.client) else { return };
    for (place, &(position, close)) in engagement.deals.iter().enumerate() {
        let value = deals.get(position).map_or(0, amount_cents);
        let founding = place == 0;
        let (start, end, instalments) = if founding {
            let instalments = match engagement.size {
                Size::Small => dice.count(1, 2),
                Size::Middle => dice.count(2, 4),
                Size::Large => dice.count(4, 7),
            };
            (engagement.start, engagement.end, instalments)
        } else {
            (close + 10, close + 70, dice.count(1, 2))
        };
        let mut parts = dice.split(value, instalments);
        // Some are billed for more than was sold, some never for the last part.
        if founding && dice.chance(60) {
            parts.push(share(value, dice.range(20, 70)));
        }
        if founding && parts.len() > 2 && dice.chance(40) {
            parts.pop();
        }
        let count = parts.len();
        for (part, net) in parts.into_iter().enumerate() {
            let steps = Day::try_from(count).unwrap_or(1).max(2) - 1;
            let step = if count == 1 { 1 } else { Day::try_from(part).unwrap_or(0) };
            let day = start + (end - start) * step / steps;
            if net <= 0 {
                continue;
            }
            let label = format!("milestone {} of {count}", part + 1);
            let paper = invoice(dice, engagement, client, day.min(0), net, &label);
            if day <= 0 {
                invoiced(dice, books, client, paper);
            } else if day < 40 && books.every(4, "draft") {
                books.draft(paper);
            }
        }
    }
}

fn invoice(dice: &mut Dice, engagement: &Engagement, client: &Client, day: Day, net: i64, label: &str) -> Paper {
    let mut articles = ARTICLES;
    dice.shuffle(&mut articles);
    let parts = dice.count(1, 3);
    let lines = dice.split(net, parts).into_iter().zip(articles);
    Paper {
        kind: DocumentKind::Invoice,
        card_code: card_code(client),
        card_name: client.name.clone(),
        day,
        term: match client.id % 5 {
            0 => 14,
            3 => 45,
            4 => 60,
            _ => 30,
        },
        currency: client.currency.clone(),
        tax: country_of(&client.country).map_or(0, |country| country.tax),
        lines: lines
            .map(|(net, (article, ..))| (format!("{article}, {label}"), engagement.code.clone(), net))
            .collect(),
    }
}

/// Posts the invoice and lets it have its fate.
fn invoiced(dice: &mut Dice, books: &mut Books, client: &Client, paper: Paper) {
    let (day, due) = (paper.day, paper.day + paper.term);
    let position = books.post(paper.clone());
    let second_day = day + dice.range(2, 9);
    if second_day <= 0 && books.every(70, "cancelled") {
        books.cancel(position, second_day);
        let second = books.post(Paper { day: second_day, ..paper });
        collect(dice, books, client, second, second_day + 30);
        return;
    }
    if second_day <= 0 && books.every(65, "credited in full") {
        let credit = Paper { kind: DocumentKind::CreditNote, day: second_day, ..paper.clone() };
        credited(books, position, credit);
        let second = books.post(Paper { day: second_day, ..paper });
        collect(dice, books, client, second, second_day + 30);
        return;
    }
    if second_day <= 0 && dice.chance(60) {
        let mut credit = Paper { kind: DocumentKind::CreditNote, day: second_day, ..paper };
        credit.lines.truncate(1);
        for (text, _, net) in &mut credit.lines {
            *text = format!("Credit: {text}");
            *net = share(*net, dice.range(50, 400)).max(1);
        }
        credited(books, position, credit);
    }
    collect(dice, books, client, position, due);
}

/// Credits an invoice at the invoice's own rate, as the ERP does when it copies one into the other.
fn credited(books: &mut Books, invoice: usize, credit: Paper) {
    let Some(rate) = books.get_mut(invoice).map(|invoice| invoice.rate) else { return };
    let credit = books.post_at(credit, rate);
    books.reconcile(invoice, credit);
}

fn collect(dice: &mut Dice, books: &mut Books, client: &Client, position: usize, due: Day) {
    let late_payer = client.id % 9 == 4;
    let day = due + if late_payer { dice.range(20, 90) } else { dice.range(-8, 20) };
    let disputed = due > -400 && dice.chance(30);
    if disputed {
        return;
    }
    if dice.chance(90) {
        let first = day - dice.range(0, 10);
        if first <= 0 {
            books.receive(position, first, dice.range(250, 750));
        }
        let rest = day + dice.range(20, 60);
        if rest <= 0 {
            books.receive(position, rest, 1000);
        }
    } else if day <= 0 {
        books.receive(position, day, 1000);
    }
}
