//! Colleagues, clients and the people there.

use std::collections::BTreeSet;

use super::dice::{Dice, number};
use super::lists::{COUNTRIES, FIRST, JOB_TITLES, LAST, PLACES, VERTICALS, country_of};
use crate::demo::company::model::{Client, Contact, Person};

const SALES: usize = 8;
const DELIVERY: usize = 12;

/// Eight who sell and twelve who deliver, none with another's name.
pub(super) fn colleagues(dice: &mut Dice) -> Vec<Person> {
    let (mut first, mut last) = (FIRST, LAST);
    dice.shuffle(&mut first);
    dice.shuffle(&mut last);
    let names = first.into_iter().zip(last).take(SALES + DELIVERY);
    names
        .enumerate()
        .map(|(index, (first, last))| Person {
            id: number(index + 1),
            first: first.to_owned(),
            last: last.to_owned(),
            email: format!("{}.{}@spine.example", ascii(first), ascii(last)),
            team: if index < SALES { "Sales" } else { "Delivery" }.to_owned(),
        })
        .collect()
}

/// Customers, each with its own name.
pub(super) fn clients(dice: &mut Dice, count: usize) -> Vec<Client> {
    let mut taken = BTreeSet::new();
    let mut clients = Vec::with_capacity(count);
    for index in 0..count {
        // Each line of business has a client, whatever the dice say.
        let vertical = match VERTICALS.get(index) {
            Some(vertical) => *vertical,
            None => dice.weighted(&VERTICALS, |vertical| vertical.weight),
        };
        let country = dice.weighted(&COUNTRIES, |country| country.weight);
        let (place, trade) = (dice.pick(&PLACES), dice.pick(&vertical.trade));
        let mut name = format!("{place} {trade} {}", country.form);
        if !taken.insert(name.clone()) {
            name = format!("{place} {trade} {} {}", index + 1, country.form);
            taken.insert(name.clone());
        }
        let label = name.strip_suffix(country.form).unwrap_or(&name).trim().replace(' ', "-");
        clients.push(Client {
            id: number(index + 1),
            name,
            domain: format!("{}.{}.example", ascii(&label), country.top_level),
            vertical: vertical.name.to_owned(),
            country: country.name.to_owned(),
            currency: country.currency.to_owned(),
        });
    }
    clients
}

/// One to three people at each client.
pub(super) fn contacts(dice: &mut Dice, clients: &[Client]) -> Vec<Contact> {
    let mut contacts = Vec::new();
    for client in clients {
        for _ in 0..dice.range(1, 3) {
            let (first, last) = (dice.pick(&FIRST), dice.pick(&LAST));
            let prefix = country_of(&client.country).map_or("+49", |country| country.phone);
            contacts.push(Contact {
                id: number(contacts.len() + 1),
                client: client.id,
                first: first.to_owned(),
                last: last.to_owned(),
                email: format!("{}.{}@{}", ascii(first), ascii(last), client.domain),
                phone: format!("{prefix} {} {}", dice.range(100, 999), dice.range(100_000, 999_999)),
                job_title: dice.pick(&JOB_TITLES).to_owned(),
            });
        }
    }
    contacts
}

/// The card code under which the ERP keeps a client.
pub(super) fn card_code(client: &Client) -> String {
    format!("C{:05}", client.id)
}

/// A name as it stands in an address.
fn ascii(name: &str) -> String {
    let plain = name.to_lowercase().replace('ä', "ae").replace('ö', "oe").replace('ü', "ue").replace('ß', "ss");
    plain
        .chars()
        .filter_map(|letter| match letter {
            'ë' | 'é' | 'è' => Some('e'),
            letter if letter.is_ascii_alphanumeric() || letter == '-' => Some(letter),
            _ => None,
        })
        .collect()
}
