//! What vendors bill, take back, and have been ordered to deliver.

use rust_decimal::Decimal;

use super::Engagement;
use super::books::{Books, Paper};
use super::dice::{Day, Dice, number, share};
use super::lists::{SUPPLIES, VENDORS};
use crate::demo::company::amounts::{LOCAL, ZERO, base_rate, both, round};
use crate::demo::company::model::{Cancelled, DocumentKind};

/// Vendors, per thousand of the planned cost.
const VENDOR: i64 = 220;

/// Buys for an engagement. Some bills and orders are shared with its neighbour.
pub(super) fn buy(dice: &mut Dice, books: &mut Books, engagement: &Engagement, neighbour: Option<&Engagement>) {
    let spent = engagement.spent(VENDOR);
    let bills = usize::try_from(spent / 800_000).unwrap_or(0).clamp(1, 4);
    for part in dice.split(spent, bills) {
        if part < 10_000 {
            continue;
        }
        let day = dice.range((engagement.start + 10).min(engagement.last_day()), engagement.last_day());
        let shared = neighbour.filter(|neighbour| (neighbour.start..neighbour.end).contains(&day));
        let shared = shared.filter(|_| books.every(9, "split bill"));
        let paper = paper(dice, DocumentKind::PurchaseInvoice, engagement, shared, day, part);
        billed(dice, books, paper);
    }
    if engagement.progress() < 1000 && engagement.start < 0 && books.every(2, "ordered") {
        for _ in 0..dice.range(1, 2) {
            let amount = share(engagement.planned, dice.range(30, 90)).max(20_000);
            let day = dice.range(engagement.start.max(-70), 0);
            let shared = neighbour.filter(|neighbour| neighbour.end > 0 && neighbour.start < day);
            let shared = shared.filter(|_| books.every(5, "split order"));
            let paper = paper(dice, DocumentKind::PurchaseOrder, engagement, shared, day, amount);
            ordered(dice, books, paper);
        }
    }
}

fn paper(
    dice: &mut Dice,
    kind: DocumentKind,
    engagement: &Engagement,
    shared: Option<&Engagement>,
    day: Day,
    local_cents: i64,
) -> Paper {
    let place = dice.count(0, VENDORS.len() - 1);
    let (name, currency, tax) = VENDORS.get(place).copied().unwrap_or(("Sundry vendor", LOCAL, 0));
    let net = local_cents * 10_000 / base_rate(currency);
    let parts = dice.count(if shared.is_some() { 2 } else { 1 }, 3);
    let lines = dice.split(net, parts).into_iter().enumerate().map(|(index, net)| {
        let owner = shared.filter(|_| index % 2 == 1).unwrap_or(engagement);
        (dice.pick(&SUPPLIES).to_owned(), owner.code.clone(), net)
    });
    Paper {
        kind,
        card_code: format!("V{:05}", number(place + 1)),
        card_name: name.to_owned(),
        day,
        term: 30,
        currency: currency.to_owned(),
        tax,
        lines: lines.collect(),
    }
}

fn billed(dice: &mut Dice, books: &mut Books, paper: Paper) {
    let day = paper.day;
    if dice.chance(250) {
        // It was ordered before, and delivered in full.
        let order =
            books.post(Paper { kind: DocumentKind::PurchaseOrder, day: day - dice.range(10, 30), ..paper.clone() });
        books.shut(order);
    }
    let mut position = books.post(paper.clone());
    let second_day = day + dice.range(1, 10);
    if second_day <= 0 && books.every(50, "cancelled bill") {
        books.cancel(position, second_day);
        position = books.post(Paper { day: second_day, ..paper.clone() });
    }
    if second_day <= 0 && books.every(18, "credited bill") {
        let Some(rate) = books.get_mut(position).map(|bill| bill.rate) else { return };
        let mut credit = Paper { kind: DocumentKind::PurchaseCreditNote, day: second_day, ..paper };
        credit.lines.truncate(1);
        for (_, _, net) in &mut credit.lines {
            *net = share(*net, dice.range(150, 600)).max(1);
        }
        let credit = books.post_at(credit, rate);
        books.reconcile(position, credit);
    }
    let paid = day + dice.range(15, 45);
    if paid <= 0 && !dice.chance(20) {
        books.pay_out(position, paid);
    }
}

/// Posts an order of which some has been delivered already.
fn ordered(dice: &mut Dice, books: &mut Books, paper: Paper) {
    let local = paper.currency == LOCAL;
    let cancelled = books.every(12, "cancelled order");
    let position = books.post(paper);
    if cancelled {
        books.shut(position);
    }
    let Some(order) = books.get_mut(position) else { return };
    if cancelled {
        // An order is cancelled in place: there is no second document.
        order.cancelled = Cancelled::Yes;
        return;
    }
    for line in &mut order.lines {
        let net = if local { line.net } else { line.net_fc };
        let open = match dice.range(0, 9) {
            0..=5 => net,
            6..=8 => round(net * Decimal::new(dice.range(20, 80), 2)),
            _ if line.number > 0 => ZERO,
            _ => net,
        };
        line.open = open > ZERO;
        (line.open_net, line.open_net_fc) =
            if open == net { (line.net, line.net_fc) } else { both(open, order.rate, local) };
    }
}
