//! The words of a [`Filter`], as they stand in addresses and on the command line.

use jiff::civil::Date;
use serde::Serialize;

use super::Filter;
use crate::domain::{DealStatus, parse_currency};

/// A word that says which deals a report is about, or in which currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Parameter {
    /// The word.
    pub name: &'static str,
    /// What it does, and what may be said.
    pub description: &'static str,
}

const fn parameter(name: &'static str, description: &'static str) -> Parameter {
    Parameter { name, description }
}

impl Filter {
    /// All words.
    pub const PARAMETERS: [Parameter; 7] = [
        parameter("currency", "The currency of the figures: an ISO 4217 code, e.g. EUR."),
        parameter("from", "Deals with a close date on this day or later, e.g. 2026-01-31."),
        parameter("to", "Deals with a close date on this day or earlier, e.g. 2026-12-31."),
        parameter("status", "Deals in this state: open, won or lost."),
        parameter("vertical", "Deals in this vertical, spelled as the owner of deals spells it."),
        parameter("deal_type", "Deals of this type, spelled as the owner of deals spells it."),
        parameter("pipeline", "Deals in the pipeline with this label."),
    ];

    /// Takes a word's value. None if there is no such word; an error says what the value should be.
    pub fn set(&mut self, name: &str, value: &str) -> Option<Result<(), String>> {
        if !Self::PARAMETERS.iter().any(|parameter| parameter.name == name) {
            return None;
        }
        if value.trim().is_empty() {
            return Some(Err(format!("`{name}` is empty: leave it out, or say what you want.")));
        }
        let text = || Some(value.to_owned());
        let set = match name {
            "currency" => {
                let currency = parse_currency(value).map_err(|_| wrong(name, value, "an ISO 4217 code, e.g. EUR"));
                currency.map(|currency| self.currency = Some(currency))
            }
            "from" => day(name, value).map(|day| self.closed_from = Some(day)),
            "to" => day(name, value).map(|day| self.closed_to = Some(day)),
            "status" => status(name, value).map(|status| self.status = Some(status)),
            other => {
                match other {
                    "vertical" => self.vertical = text(),
                    "deal_type" => self.deal_type = text(),
                    _ => self.pipeline = text(),
                }
                Ok(())
            }
        };
        Some(set)
    }

    /// What is wrong with the words taken together.
    pub fn check(&self) -> Result<(), String> {
        match (self.closed_from, self.closed_to) {
            (Some(from), Some(to)) if from > to => Err(format!("`from` is {from}, which is after `to`, {to}.")),
            _ => Ok(()),
        }
    }
}

fn day(name: &str, value: &str) -> Result<Date, String> {
    // A full year, month and day: nothing else that a lenient parser takes for a date.
    let plain = value.len() == 10 && value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let day = value.parse().ok().filter(|_| plain);
    day.ok_or_else(|| wrong(name, value, "a day as YYYY-MM-DD, e.g. 2026-01-31"))
}

fn status(name: &str, value: &str) -> Result<DealStatus, String> {
    match value.to_ascii_lowercase().as_str() {
        "open" => Ok(DealStatus::Open),
        "won" => Ok(DealStatus::Won),
        "lost" => Ok(DealStatus::Lost),
        _ => Err(wrong(name, value, "open, won or lost")),
    }
}

/// What a value should be, with the beginning of what it is.
pub fn wrong(name: &str, value: &str, right: &str) -> String {
    let start: String = value.chars().take(40).collect();
    format!("`{name}` is `{start}`: it must be {right}.")
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::domain::Currency;

    #[test]
    fn every_word_has_a_fate() {
        for (name, value, expected) in [
            ("currency", "usd", Ok(Filter { currency: Some(Currency::USD), ..Filter::default() })),
            ("from", "2026-01-31", Ok(Filter { closed_from: Some(date(2026, 1, 31)), ..Filter::default() })),
            ("to", "2026-01-31", Ok(Filter { closed_to: Some(date(2026, 1, 31)), ..Filter::default() })),
            ("status", "Won", Ok(Filter { status: Some(DealStatus::Won), ..Filter::default() })),
            ("vertical", "Health", Ok(Filter { vertical: Some("Health".to_owned()), ..Filter::default() })),
            ("deal_type", "New", Ok(Filter { deal_type: Some("New".to_owned()), ..Filter::default() })),
            ("pipeline", "Sales", Ok(Filter { pipeline: Some("Sales".to_owned()), ..Filter::default() })),
            ("currency", "euro", Err("`currency` is `euro`: it must be an ISO 4217 code, e.g. EUR.")),
            ("from", "31.01.2026", Err("`from` is `31.01.2026`: it must be a day as YYYY-MM-DD, e.g. 2026-01-31.")),
            ("to", "2026-02-30", Err("`to` is `2026-02-30`: it must be a day as YYYY-MM-DD, e.g. 2026-01-31.")),
            ("status", "closed", Err("`status` is `closed`: it must be open, won or lost.")),
            ("vertical", " ", Err("`vertical` is empty: leave it out, or say what you want.")),
        ] {
            let mut filter = Filter::default();
            let set = filter.set(name, value).unwrap().map(|()| filter);
            assert_eq!(set, expected.map_err(str::to_owned), "{name}={value}");
        }
        assert_eq!(Filter::default().set("colour", "red"), None);
    }

    #[test]
    fn every_word_that_is_told_can_be_said() {
        for parameter in Filter::PARAMETERS {
            assert!(Filter::default().set(parameter.name, "").is_some(), "{}", parameter.name);
        }
    }

    #[test]
    fn a_range_that_ends_before_it_begins_is_refused() {
        let mut filter = Filter { closed_from: Some(date(2026, 2, 1)), ..Filter::default() };
        for (to, fine) in [("2026-01-31", false), ("2026-02-01", true)] {
            filter.set("to", to).unwrap().unwrap();
            assert_eq!(filter.check().is_ok(), fine, "{to}");
        }
    }
}
