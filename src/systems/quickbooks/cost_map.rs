//! From lines of purchases, rows of journal entries and hours to costs. Pure.

use jiff::Timestamp;
use jiff::civil::DateTime;
use rust_decimal::{Decimal, RoundingStrategy};

use super::chart::{Chart, Posting};
use super::client::Entity;
use super::config::{Carrier, Labour};
use super::customers::Place;
use super::map::{Approval, Company, Mapper, Reading, approval, detail, flat, is, is_void, party};
use super::wire;
use crate::domain::{Booked, Cost, CostKind, CostState, FlawKind, Money, digits};
use crate::systems::text::text;

/// A kind of document that costs.
#[derive(Debug)]
pub(super) struct CostType {
    pub(super) entity: Entity,
    pub(super) kind: CostKind,
    pub(super) effect: Effect,
}

/// What a cost document does to a project's costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It is spent; a purchase that is marked as a credit takes back.
    Spends,
    /// It takes back what was spent.
    TakesBack,
    /// What is not received of it will be spent.
    Commits,
}

/// Whom a line is for, and what it costs; no cost where nobody can say whether it is one.
pub(super) type Placed = (Place, Option<Cost>);

impl Mapper {
    /// What the lines of a document cost, and whom. Nothing of void documents, of orders that are closed or received, and of
    /// lines on accounts that hold no costs.
    ///
    /// An amount is unknown where it is not told what it is worth as a cost: of goods for the stock, of a document that nobody
    /// has approved yet, and of an order of which something was billed that no line says.
    pub(super) fn document_costs(
        &self,
        kind: &CostType,
        document: &wire::Document,
        carrier: &Carrier,
        (chart, company): (&Chart, Company<'_>),
    ) -> Vec<Placed> {
        let open = document.po_status.as_deref().map(str::trim) != Some("Closed");
        if is_void(document) || (kind.effect == Effect::Commits && !open) {
            return Vec::new();
        }
        let takes_back = kind.effect == Effect::TakesBack || document.credit == Some(true);
        let unsaid = approval(document) != Approval::Given
            || (kind.effect == Effect::Commits && billed_without_a_word(document));
        let costs = flat(&document.line).filter(|line| line.amount.is_some()).filter_map(|line| {
            let place = self.line_place(document, line, carrier, company.customers);
            if place == Place::Nobody {
                return None;
            }
            let unsaid = match chart.line(line) {
                Posting::Cost(_) => unsaid,
                Posting::Stock => true,
                Posting::NoCost => return None,
                Posting::Unknown => return Some((place, None)),
            };
            let mut reading = Reading::new(document, company.currencies);
            let amount = match kind.effect {
                Effect::Commits => open_amount(&mut reading, line)?,
                Effect::Spends | Effect::TakesBack => reading.booked("amount", line.amount.as_ref(), None),
            };
            let amount = if unsaid { Booked::default() } else { amount };
            let date = reading.date("date", document.txn_date.as_deref());
            let cost = Cost {
                id: format!("{}-{}-{}", kind.entity.name, document.id, line.id.as_deref().unwrap_or_default()).into(),
                kind: kind.kind.clone(),
                state: if kind.effect == Effect::Commits { CostState::Committed } else { CostState::Actual },
                date,
                amount: if takes_back { amount.negated() } else { amount },
                description: text(line.description.as_deref()),
                party: party(document.vendor_ref.as_ref().or(document.entity_ref.as_ref())),
                document: text(document.doc_number.as_deref()),
                url: self.url(&kind.entity, &document.id),
                flaws: reading.flaws.into(),
            };
            Some((place, Some(cost)))
        });
        costs.collect()
    }

    /// What a row of a journal entry costs, and whom. Nothing for rows on accounts that hold no costs, nor, where labour is
    /// told by hours, for rows on accounts for labour.
    pub(super) fn journal_cost(
        &self,
        entity: &Entity,
        (entry, line): (&wire::Document, &wire::Line),
        labour: Labour,
        (chart, company): (&Chart, Company<'_>),
    ) -> Option<Placed> {
        let row = line.journal_entry_line_detail.as_ref()?;
        let place = journal_place(entry, line, company);
        if place == Place::Nobody {
            return None;
        }
        let kind = match chart.account(row.account_ref.as_ref()) {
            Posting::Cost(account) => self.account_kind(account),
            Posting::NoCost | Posting::Stock => return None,
            Posting::Unknown => return Some((place, None)),
        };
        if kind == CostKind::Labour && labour == Labour::TimeActivities {
            return None;
        }
        let mut reading = Reading::new(entry, company.currencies);
        let amount = reading.booked("amount", line.amount.as_ref(), None);
        let amount = match row.posting_type.as_deref() {
            Some("Debit") => amount,
            Some("Credit") => amount.negated(),
            // Which sign it has decides whether it costs: nobody may guess.
            _ => {
                reading.flaw("amount", FlawKind::BadNumber);
                Booked::default()
            }
        };
        let date = reading.date("date", entry.txn_date.as_deref());
        let cost = Cost {
            id: format!("{}-{}-{}", entity.name, entry.id, line.id.as_deref().unwrap_or_default()).into(),
            kind,
            state: CostState::Actual,
            date,
            amount,
            description: text(line.description.as_deref()).or_else(|| text(entry.private_note.as_deref())),
            party: None,
            document: text(entry.doc_number.as_deref()),
            url: self.url(entity, &entry.id),
            flaws: reading.flaws.into(),
        };
        Some((place, Some(cost)))
    }

    /// What hours cost, and whom: their cost rate is in the home currency. Hours without one have an amount that nobody knows.
    /// The hours of vendors are on their bills.
    pub(super) fn time_cost(&self, entity: &Entity, time: &wire::TimeActivity, company: Company<'_>) -> Option<Placed> {
        let of_vendor = match time.name_of.as_deref() {
            Some(name) => name == "Vendor",
            None => time.vendor_ref.is_some() && time.employee_ref.is_none(),
        };
        let place = company.customers.place(time.customer_ref.as_ref(), time.project_ref.as_ref());
        if of_vendor || place == Place::Nobody {
            return None;
        }
        let home = company.currencies.home;
        let mut reading = Reading::of(None, None, super::client::Currencies { home, multi: false });
        let seconds = worked(&mut reading, time);
        let rate = reading.number("amount", time.cost_rate.as_ref());
        let amount = seconds.zip(rate).and_then(|(seconds, rate)| {
            let exact = seconds.checked_mul(rate)?.checked_div(Decimal::from(3600))?;
            Some(exact.round_dp_with_strategy(digits(home), RoundingStrategy::MidpointAwayFromZero))
        });
        let money = amount.map(|amount| Money::new(amount, home));
        let date = reading.date("date", time.txn_date.as_deref());
        let cost = Cost {
            id: format!("{}-{}", entity.name, time.id).into(),
            kind: CostKind::Labour,
            state: CostState::Actual,
            date,
            amount: Booked { document: money, company: money },
            description: text(time.description.as_deref()),
            party: party(time.employee_ref.as_ref()),
            document: None,
            url: self.url(entity, &time.id),
            flaws: reading.flaws.into(),
        };
        Some((place, Some(cost)))
    }

    /// What an account of costs holds: QuickBooks calls some of them payroll or labour.
    fn account_kind(&self, account: &wire::Account) -> CostKind {
        let by_type = matches!(
            account.account_sub_type.as_deref(),
            Some("CostOfLabor" | "CostOfLaborCos" | "PayrollExpenses" | "PayrollTaxExpenses" | "PayrollWageExpenses")
        );
        let named = [account.acct_num.as_deref(), account.name.as_deref()]
            .into_iter()
            .flatten()
            .any(|name| self.labour_accounts.iter().any(|labour| labour.trim().eq_ignore_ascii_case(name.trim())));
        if by_type || named { CostKind::Labour } else { CostKind::Expense }
    }
}

/// Who a row of a journal entry names as its customer.
pub(super) fn journal_customer(line: &wire::Line) -> Option<&wire::Ref> {
    let entity = line.journal_entry_line_detail.as_ref()?.entity.as_ref()?;
    entity.entity_ref.as_ref().filter(|_| entity.kind.as_deref() == Some("Customer"))
}

/// Whom a row of a journal entry is for: the customer that stands on it.
fn journal_place(entry: &wire::Document, line: &wire::Line, company: Company<'_>) -> Place {
    company.customers.place(journal_customer(line), line.project_ref.as_ref().or(entry.project_ref.as_ref()))
}

/// Whether something was bought on an order, and none of its lines says that anything was received of it.
fn billed_without_a_word(order: &wire::Document) -> bool {
    let lines = || flat(&order.line);
    let mut linked = order.linked_txn.iter().chain(lines().flat_map(|line| &line.linked_txn));
    // The estimate that an order was made from is no purchase.
    let bought = linked.any(|link| link.txn_type.as_deref() != Some("Estimate"));
    let nothing = |number: &wire::Number| number.decimal().is_ok_and(|number| number.is_zero());
    bought && lines().all(|line| line.received.as_ref().is_none_or(nothing))
}

/// Seconds of work: as stated, else from start to end less the breaks between. None if nobody can say.
fn worked(reading: &mut Reading, time: &wire::TimeActivity) -> Option<Decimal> {
    let stated = [time.hours.as_ref(), time.minutes.as_ref(), time.seconds.as_ref()];
    let seconds = in_seconds(reading, stated)?;
    if !seconds.is_zero() {
        return Some(seconds);
    }
    let (start, end) = match [&time.start_time, &time.end_time].map(|clock| text::<String>(clock.as_deref())) {
        [Some(start), Some(end)] => (start, end),
        // Nothing is stated, or the clock still runs.
        [None, None] if stated.iter().any(Option::is_some) => return Some(seconds),
        _ => return None,
    };
    let breaks = [time.break_hours.as_ref(), time.break_minutes.as_ref(), time.break_seconds.as_ref()];
    let breaks = in_seconds(reading, breaks)?;
    let worked = between(&start, &end).and_then(|whole| Decimal::from(whole).checked_sub(breaks));
    let worked = worked.filter(|worked| *worked > Decimal::ZERO);
    if worked.is_none() {
        reading.flaw("amount", FlawKind::BadDate);
    }
    worked
}

/// Hours, minutes and seconds; what is not stated of them is none.
fn in_seconds(reading: &mut Reading, parts: [Option<&wire::Number>; 3]) -> Option<Decimal> {
    parts.into_iter().zip([3600_i64, 60, 1]).try_fold(Decimal::ZERO, |sum, (part, seconds)| match part {
        None => Some(sum),
        part => sum.checked_add(reading.number("amount", part)?.checked_mul(Decimal::from(seconds))?),
    })
}

/// Seconds from one moment to another: both with an offset, or both without.
fn between(start: &str, end: &str) -> Option<i64> {
    match (start.parse::<Timestamp>(), end.parse::<Timestamp>()) {
        (Ok(start), Ok(end)) => Some(end.duration_since(start).as_secs()),
        (Err(_), Err(_)) => {
            let (start, end) = (start.parse::<DateTime>().ok()?, end.parse::<DateTime>().ok()?);
            Some(end.duration_since(start).as_secs())
        }
        _ => None,
    }
}

/// What is not received yet of a line of an order; none if it is all there, or more than that. Intuit's schema says of
/// `Received`: the amount or quantity received, depending on the type of the line. It is the quantity on lines of items, and
/// the amount on others. Lines that take off are negative, and stay so.
fn open_amount(reading: &mut Reading, line: &wire::Line) -> Option<Booked> {
    let amount = reading.number("amount", line.amount.as_ref());
    let received = match &line.received {
        None => Some(Decimal::ZERO),
        received => reading.number("amount", received.as_ref()),
    };
    let (whole, open) =
        if is(line, "ItemBasedExpenseLineDetail") && received.is_some_and(|received| !received.is_zero()) {
            let detail = detail(line);
            let quantity = reading.number("amount", detail.and_then(|detail| detail.qty.as_ref()));
            let price = reading.number("amount", detail.and_then(|detail| detail.unit_price.as_ref()));
            let left = quantity.zip(received).and_then(|(quantity, received)| quantity.checked_sub(received));
            let of = |quantity: Option<Decimal>| quantity.zip(price).and_then(|(some, price)| some.checked_mul(price));
            (of(quantity), of(left))
        } else {
            (amount, amount.zip(received).and_then(|(amount, received)| amount.checked_sub(received)))
        };
    match whole.zip(open) {
        Some((_, open)) if open.is_zero() => None,
        Some((whole, open)) if whole.is_zero() || whole.is_sign_negative() != open.is_sign_negative() => None,
        Some((_, open)) => Some(reading.both("amount", Some(open), None)),
        None => {
            reading.flaw("amount", FlawKind::BadNumber);
            Some(Booked::default())
        }
    }
}
