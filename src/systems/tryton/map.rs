//! From what Tryton sends to the canonical words. Pure.
//!
//! Amounts of an invoice are in its own currency. What they are in the company's stands on the lines of its posting, as
//! debit and credit; where both currencies are the same, they are the same amounts. Nothing is converted.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};

use super::client::Company;
use super::config::StatusWord;
use super::wire::{Lack, Record, Value};
use crate::domain::{Booked, Currency, Flaw, FlawKind, Money, Party, ProjectId, SharedIdRule, digits, parse_currency};

/// What the mapping has to know of the configuration.
#[derive(Debug)]
pub(super) struct Mapper {
    pub(super) rule: SharedIdRule,
    pub(super) record_url: Option<String>,
    pub(super) status: BTreeMap<String, StatusWord>,
    pub(super) labour_accounts: Vec<String>,
}

impl Mapper {
    /// A shared ID, if the text is one.
    pub(super) fn project(&self, text: Option<&str>) -> Option<ProjectId> {
        self.rule.parse(text?).ok()
    }

    /// Where a person opens a record.
    pub(super) fn url(&self, model: &str, id: u64) -> Option<Arc<str>> {
        let url = self.record_url.as_deref()?.replace("{model}", model).replace("{id}", &id.to_string());
        Some(url.into())
    }

    /// Whether an account holds labour.
    pub(super) fn is_labour(&self, account: &str) -> bool {
        self.labour_accounts.iter().any(|prefix| account.starts_with(prefix.as_str()))
    }
}

/// The fields of one record, as they are read one after the other.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) flaws: Vec<Flaw>,
}

impl Reading {
    pub(super) fn flaw(&mut self, field: &'static str, kind: FlawKind) {
        let flaw = Flaw { field, kind };
        if !self.flaws.contains(&flaw) {
            self.flaws.push(flaw);
        }
    }

    /// A number; `as_field` is what the graph calls the field.
    pub(super) fn number(
        &mut self,
        record: &Record,
        field: &str,
        as_field: &'static str,
    ) -> Result<Option<Decimal>, Lack> {
        Ok(match record.value(field)? {
            None => None,
            Some(Value::Number(number)) => Some(number),
            Some(_) => {
                self.flaw(as_field, FlawKind::BadNumber);
                None
            }
        })
    }

    /// A duration, in hours.
    pub(super) fn hours(
        &mut self,
        record: &Record,
        field: &str,
        as_field: &'static str,
    ) -> Result<Option<Decimal>, Lack> {
        Ok(match record.value(field)? {
            None => None,
            Some(Value::Seconds(seconds)) => Some(hours(seconds)),
            Some(_) => {
                self.flaw(as_field, FlawKind::BadNumber);
                None
            }
        })
    }

    pub(super) fn date(&mut self, record: &Record, field: &str, as_field: &'static str) -> Result<Option<Date>, Lack> {
        Ok(match record.value(field)? {
            None => None,
            Some(Value::Date(date)) => Some(date),
            Some(_) => {
                self.flaw(as_field, FlawKind::BadDate);
                None
            }
        })
    }

    pub(super) fn moment(record: &Record, field: &str) -> Result<Option<Timestamp>, Lack> {
        Ok(match record.value(field)? {
            Some(Value::Moment(moment)) => Some(moment),
            _ => None,
        })
    }

    /// The currency at `path`, e.g. `currency.code`. Without one, no amount of the record is known.
    pub(super) fn currency(
        &mut self,
        record: &Record,
        path: &str,
        as_field: &'static str,
    ) -> Result<Option<Currency>, Lack> {
        let code = record.text_at(path)?;
        let currency = code.as_deref().and_then(|code| parse_currency(code).ok());
        if currency.is_none() {
            self.flaw(as_field, if code.is_some() { FlawKind::UnknownCurrency } else { FlawKind::MissingCurrency });
        }
        Ok(currency)
    }
}

/// Whose amount an account's share of a line is. A distribution shares it out by ratios, in turn.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) project: Option<ProjectId>,
    pub(super) parts: Vec<(Decimal, Self)>,
}

impl Account {
    /// Shares out an amount as Tryton does when it posts: each part is rounded (halves to even), and what is left over goes
    /// in steps of the smallest unit to the first parts.
    pub(super) fn share_out(&self, amount: Decimal, digits: u32) -> Vec<(Option<ProjectId>, Decimal)> {
        if self.parts.is_empty() {
            return vec![(self.project.clone(), amount)];
        }
        let mut shares = Vec::new();
        let mut left = amount;
        for (ratio, account) in &self.parts {
            let part = amount
                .checked_mul(*ratio)
                .unwrap_or_default()
                .round_dp_with_strategy(digits, RoundingStrategy::MidpointNearestEven);
            left -= part;
            shares.extend(account.share_out(part, digits));
        }
        let unit = Decimal::new(1, digits);
        let mut at = 0;
        while left.abs() >= unit {
            let step = if left.is_sign_negative() { -unit } else { unit };
            if let Some((_, share)) = shares.get_mut(at) {
                *share += step;
            }
            left -= step;
            at = (at + 1) % shares.len().max(1);
        }
        shares
    }
}

/// The analytic account of an entry, down to the accounts that a distribution distributes to.
pub(super) fn account(mapper: &Mapper, record: &Record, depth: usize) -> Result<Account, Lack> {
    if record.text("type")?.as_deref() != Some("distribution") {
        return Ok(Account { project: mapper.project(record.text("code")?.as_deref()), parts: Vec::new() });
    }
    // Deeper ones were not asked for.
    let too_deep = || Lack("a distribution of distributions of distributions".to_owned());
    let depth = depth.checked_sub(1).ok_or_else(too_deep)?;
    let mut parts = Vec::new();
    for part in record.many("distributions")? {
        let Some(Value::Number(ratio)) = part.value("ratio")? else { return Err(Lack("ratio".to_owned())) };
        let target = part.one("account")?.ok_or_else(|| Lack("account".to_owned()))?;
        parts.push((ratio, account(mapper, &target, depth)?));
    }
    if parts.iter().map(|(ratio, _)| ratio).sum::<Decimal>() != Decimal::ONE {
        return Err(Lack("ratios that add up to 1".to_owned()));
    }
    Ok(Account { project: None, parts })
}

/// Seconds as hours. What does not come out even is kept to the millionth.
pub(super) fn hours(seconds: Decimal) -> Decimal {
    let exact = seconds / Decimal::from(3600);
    exact.round_dp(6).normalize()
}

/// An amount in the company's currency alone.
pub(super) fn company_amount(amount: Option<Decimal>, company: &Company) -> Booked {
    let money = amount.map(|amount| Money::new(amount, company.currency));
    Booked { document: money, company: money }
}

/// Who owes, or is owed: the party of a document.
pub(super) fn party(record: &Record) -> Result<Option<Box<Party>>, Lack> {
    let Some(party) = record.one("party")? else { return Ok(None) };
    let (id, name) = (party.text("code")?.map(Into::into), party.text("name")?.map(Into::into));
    Ok(Some(Box::new(Party { id, name })))
}

/// Numbers of postings that cancel other invoices.
pub(super) type Cancelling = HashSet<u64>;

/// Rounds to a currency's places, halves away from zero.
pub(super) fn rounded(amount: Decimal, currency: Currency) -> Decimal {
    amount.round_dp_with_strategy(digits(currency), RoundingStrategy::MidpointAwayFromZero)
}
