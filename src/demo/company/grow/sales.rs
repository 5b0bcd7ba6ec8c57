//! Deals: first what became of each, then the records of the CRM.

use std::collections::BTreeMap;

use rust_decimal::Decimal;

use super::activity::{self, Numbers};
use super::dice::{Calendar, Day, Dice, cents, number, share};
use super::lists::{ARTICLES, vertical_of};
use super::{Engagement, Size, amount_cents};
use crate::demo::company::amounts::{LOCAL, base_rate, round};
use crate::demo::company::model::{Client, Contact, Deal, LineItem, Person};
use crate::demo::company::words::STAGES;

/// What became of a deal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Open,
    Won,
    Lost,
}

/// A deal before its record is written.
#[derive(Debug)]
pub(super) struct Prospect {
    pub(super) created: Day,
    pub(super) close: Day,
    pub(super) outcome: Outcome,
    /// Position of the client.
    client: usize,
    size: Size,
    offering: &'static str,
    /// Position of the engagement it founds or extends, or hopes to extend.
    engagement: Option<usize>,
    /// Whether it extends a running engagement.
    upsell: bool,
}

impl Prospect {
    /// The last day on which anything can have happened.
    pub(super) fn last_day(&self) -> Day {
        self.close.min(0)
    }
}

/// Decides when deals came and closed, who bought, and what was sold under which shared ID.
pub(super) fn plan(
    dice: &mut Dice,
    calendar: Calendar,
    count: usize,
    clients: &[Client],
    people: &[Person],
) -> (Vec<Prospect>, Vec<Engagement>) {
    let mut prospects: Vec<Prospect> = (0..count).map(|_| prospect(dice)).collect();
    prospects.sort_by_key(|prospect| prospect.created);
    let mut order: Vec<usize> = (0..prospects.len()).collect();
    order.sort_by_key(|&index| prospects.get(index).map(|prospect| prospect.close));

    let managers: Vec<u32> = people.iter().filter(|person| person.team == "Delivery").map(|person| person.id).collect();
    let mut engagements: Vec<Engagement> = Vec::new();
    let mut codes = BTreeMap::new();
    for index in order {
        let Some(prospect) = prospects.get_mut(index) else { continue };
        let won = prospect.outcome == Outcome::Won;
        if dice.chance(if won { 140 } else { 160 })
            && let Some(position) = extensible(dice, &engagements, prospect.close)
            && let Some(engagement) = engagements.get_mut(position)
        {
            prospect.engagement = Some(position);
            prospect.upsell = true;
            prospect.client = engagement.client;
            prospect.size = Size::Small;
            if won {
                engagement.deals.push((index, prospect.close));
            }
            continue;
        }
        // Some clients buy more often than others.
        let last = clients.len().saturating_sub(1);
        prospect.client = dice.count(0, last).min(dice.count(0, last));
        let client = clients.get(prospect.client);
        let vertical = client.and_then(|client| vertical_of(&client.vertical)).copied().unwrap_or_default();
        prospect.offering = dice.pick(&vertical.offerings);
        if won {
            let year = calendar.date(prospect.close).year();
            let in_year: &mut u32 = codes.entry(year).or_default();
            *in_year += 1;
            prospect.engagement = Some(engagements.len());
            let client_name = client.map_or("", |client| client.name.as_str());
            engagements.push(Engagement {
                code: format!("PRJ-{year}-{in_year:03}"),
                name: format!("{client_name}: {}", prospect.offering),
                manager: dice.pick(&managers),
                ..engagement(dice, index, prospect)
            });
        }
    }
    (prospects, engagements)
}

fn prospect(dice: &mut Dice) -> Prospect {
    let close = dice.range(-1095, 180);
    let length = dice.range(20, 150);
    let created = if close > 0 { (close - length).min(-dice.range(0, 40)) } else { close - length };
    let slipped = close > -60 && dice.chance(250);
    let outcome = match () {
        () if close > 0 || slipped => Outcome::Open,
        () if dice.chance(550) => Outcome::Won,
        () => Outcome::Lost,
    };
    let size = dice.weighted(&[(Size::Small, 42), (Size::Middle, 40), (Size::Large, 18)], |(_, weight)| *weight).0;
    Prospect { created, close, outcome, client: 0, size, offering: "", engagement: None, upsell: false }
}

/// An engagement that is under way on that day and can take another order.
fn extensible(dice: &mut Dice, engagements: &[Engagement], day: Day) -> Option<usize> {
    let newest = engagements.len();
    for _ in 0..20 {
        let position = newest.checked_sub(1 + dice.count(0, newest.min(40 + newest / 5)))?;
        let engagement = engagements.get(position)?;
        let founded = engagement.deals.first().is_some_and(|(_, close)| *close < day - 30);
        if founded && engagement.deals.len() < 3 && day < engagement.end {
            return Some(position);
        }
    }
    None
}

fn engagement(dice: &mut Dice, index: usize, prospect: &Prospect) -> Engagement {
    // The larger, the longer, and the further over the plan.
    let (length, overrun) = match prospect.size {
        Size::Small => (dice.range(50, 110), dice.range(850, 1080)),
        Size::Middle => (dice.range(110, 230), dice.range(870, 1220)),
        Size::Large => (dice.range(220, 400), dice.range(980, 1450)),
    };
    let start = prospect.close + dice.range(5, 25);
    Engagement {
        code: String::new(),
        name: String::new(),
        client: prospect.client,
        deals: vec![(index, prospect.close)],
        size: prospect.size,
        start,
        due: start + length,
        end: start + share(length, overrun.max(950)) + dice.range(-5, 20),
        overrun,
        planned: 0,
        manager: 0,
        in_erp: true,
    }
}

/// Writes the CRM's records, and adds up what each engagement was planned to cost.
pub(super) fn records(
    dice: &mut Dice,
    calendar: Calendar,
    prospects: &[Prospect],
    engagements: &mut [Engagement],
    clients: &[Client],
    contacts: &[Contact],
    people: &[Person],
) -> Vec<Deal> {
    let mut contacts_of: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
    for contact in contacts {
        contacts_of.entry(contact.client).or_default().push(contact.id);
    }
    let sellers: Vec<u32> = people.iter().filter(|person| person.team == "Sales").map(|person| person.id).collect();
    let mut numbers = Numbers::default();
    let mut deals = Vec::with_capacity(prospects.len());
    for (index, prospect) in prospects.iter().enumerate() {
        let Some(client) = clients.get(prospect.client) else { continue };
        let engagement = prospect.engagement.and_then(|position| engagements.get_mut(position));
        let mut deal = record(dice, calendar, prospect, client, engagement.as_deref());
        deal.id = 900_001 + u64::from(number(index));
        deal.owner = Some(dice.pick(&sellers)).filter(|_| !dice.chance(10));
        let mut known = contacts_of.get(&client.id).cloned().unwrap_or_default();
        dice.shuffle(&mut known);
        known.truncate(dice.count(1, 2));
        deal.contacts = known;

        let cost_permille = vertical_of(&client.vertical).map_or(700, |vertical| vertical.cost_permille);
        let planned = share(amount_cents(&deal), share(cost_permille, dice.range(950, 1050)));
        deal.estimated_cost = Some(cents(planned / 10_000 * 10_000)).filter(|_| planned > 0 && !dice.chance(60));
        if let Some(engagement) = engagement.filter(|_| prospect.outcome == Outcome::Won) {
            engagement.planned += planned * base_rate(&client.currency) / 10_000;
        }
        items(dice, &mut deal, prospect, &mut numbers);
        activity::around(dice, calendar, &mut deal, prospect, &mut numbers);
        deals.push(deal);
    }
    deals
}

fn record(
    dice: &mut Dice,
    calendar: Calendar,
    prospect: &Prospect,
    client: &Client,
    engagement: Option<&Engagement>,
) -> Deal {
    let pipeline = if prospect.upsell { "services" } else { "default" };
    let stages: Vec<&'static str> = STAGES
        .iter()
        .filter(|stage| stage.pipeline == pipeline)
        .filter(|stage| match prospect.outcome {
            Outcome::Open => !stage.closed,
            Outcome::Won => stage.won(),
            Outcome::Lost => stage.lost(),
        })
        .map(|stage| stage.id)
        .collect();
    let amount = Some(cents(target(dice, prospect)));
    // Early on nobody knows what it will cost.
    let amount = amount.filter(|_| prospect.outcome == Outcome::Won || !dice.chance(60));
    let rate = Decimal::new(base_rate(&client.currency), 4);
    let name = match engagement {
        Some(engagement) if prospect.upsell => format!("{}, extension {}", engagement.name, dice.range(1, 3)),
        _ => format!("{}: {}", client.name, prospect.offering),
    };
    let subject = name.split_once(": ").map_or(name.as_str(), |(_, subject)| subject);
    let scope = format!("{subject} for {}: design, implementation, rollout and 30 days of support.", client.name);
    let last_change = match prospect.outcome {
        Outcome::Open => dice.range(prospect.created, 0),
        Outcome::Won | Outcome::Lost => dice.range(prospect.close, (prospect.close + 30).min(0)),
    };
    let created = calendar.moment(prospect.created, dice);
    let new_business = !prospect.upsell && dice.chance(600);
    Deal {
        id: 0,
        client: Some(client.id),
        owner: None,
        pipeline: pipeline.to_owned(),
        stage: dice.pick(&stages).to_owned(),
        amount,
        currency: Some(client.currency.clone()),
        amount_home: amount.map(|amount| if client.currency == LOCAL { amount } else { round(amount * rate) }),
        estimated_cost: None,
        close_date: Some(calendar.date(prospect.close)),
        created,
        updated: calendar.moment(last_change, dice).max(created),
        vertical: Some(client.vertical.clone()).filter(|_| !dice.chance(30)),
        deal_type: Some(if new_business { "newbusiness" } else { "existingbusiness" }.to_owned()),
        scope: Some(scope).filter(|_| !dice.chance(120)),
        shared_id: engagement.map(|engagement| engagement.code.clone()),
        contacts: Vec::new(),
        line_items: Vec::new(),
        quotes: Vec::new(),
        communications: Vec::new(),
        tickets: Vec::new(),
        name,
    }
}

/// What the deal is worth, in cents.
fn target(dice: &mut Dice, prospect: &Prospect) -> i64 {
    let whole = match prospect.size {
        _ if prospect.upsell => dice.range(3_000, 38_000),
        Size::Small => dice.range(5_000, 25_000),
        Size::Middle => dice.range(25_000, 120_000),
        Size::Large => dice.range(120_000, 560_000),
    };
    whole / 50 * 5_000 + dice.pick(&[0, 0, 0, 5_000, 4_040, 2_599])
}

/// Writes line items, whose sum becomes the amount of the deal.
fn items(dice: &mut Dice, deal: &mut Deal, prospect: &Prospect, numbers: &mut Numbers) {
    let target = amount_cents(deal);
    if target == 0 || dice.chance(120) {
        return;
    }
    let parts = match prospect.size {
        Size::Small => dice.count(1, 2),
        Size::Middle => dice.count(2, 4),
        Size::Large => dice.count(3, 6),
    };
    let mut articles = ARTICLES;
    dice.shuffle(&mut articles);
    for ((name, sku, low, high), part) in articles.into_iter().zip(dice.split(target, parts)) {
        // Day rates in tens of cents and quantities in half days keep the products at two decimals.
        let price = dice.range(low, high) * 100 + dice.pick(&[0, 0, 50, 90]);
        let half_days = (part * 2 / price).max(1);
        deal.line_items.push(LineItem {
            id: numbers.line_item(),
            name: name.to_owned(),
            sku: sku.to_owned(),
            quantity: Decimal::new(half_days * 5, 1),
            price: cents(price),
            amount: cents(half_days * price / 2),
        });
    }
    let amount: Decimal = deal.line_items.iter().map(|item| item.amount).sum();
    let rate = deal.currency.as_deref().map_or(10_000, base_rate);
    deal.amount = Some(amount);
    deal.amount_home = Some(round(amount * Decimal::new(rate, 4)));
}
