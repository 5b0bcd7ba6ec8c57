//! What things cost: from Odoo's structs to the domain's. Pure.

use rust_decimal::Decimal;

use super::domain::Domain;
use super::map::{Mapper, Projects, Reading, parts, party, rounded, shares, split};
use super::record::Record;
use super::wire::{self, Link, Number};
use crate::domain::{Booked, Cost, CostKind, CostState, CostSum, Currency, FlawKind, Money, ProjectId, Sum};
use crate::systems::labour::Labour;
use crate::systems::text::text;

/// From how many hours on there is time to be priced: a ten-thousandth. Less is what is left of binary floats.
const SHORTEST: Decimal = Decimal::from_parts(1, 0, 0, false, 4);

/// That there is time to be priced.
pub(super) fn has_hours() -> Domain {
    Domain::any([Domain::of("unit_amount", ">=", 0.0001), Domain::of("unit_amount", "<=", -0.0001)])
}

/// What is known of an order beside its line.
#[derive(Debug, Clone, Copy)]
pub(super) struct OrderFacts<'a> {
    /// The company's currency.
    pub(super) company: Option<Currency>,
    /// Units of the order's currency per unit of the company's.
    pub(super) rate: Option<&'a Number>,
    /// What drafts of bills hold of the line, in its unit; none if they are in another unit or cannot be read.
    pub(super) drafts: Option<Decimal>,
}

impl Mapper {
    /// What a journal item costs each project.
    pub(super) fn line_costs(&self, line: &wire::Line, kind: &CostKind, projects: &Projects) -> Vec<(ProjectId, Cost)> {
        let mut reading = Reading::default();
        let amount = reading.line(line);
        let date = reading.date("date", line.date.as_deref());
        let owned = split(line, amount, projects).into_iter().filter_map(|(project, amount)| {
            let cost = Cost {
                id: format!("account.move.line,{}", line.id.0).into(),
                kind: kind.clone(),
                state: CostState::Actual,
                date,
                amount,
                description: text(line.name.as_deref()),
                party: party(line.partner_id.as_ref()).filter(|_| *kind == CostKind::Vendor),
                document: text(line.move_name.as_deref()),
                url: line.move_id.as_ref().map(|document| self.url("account.move", document.id())),
                flaws: reading.flaws.clone().into(),
            };
            Some((project?, cost))
        });
        owned.collect()
    }

    /// What a journal item on an expense account is a cost of; none on an account for labour, where the same hours are read
    /// from timesheets.
    pub(super) fn account_kind(&self, account: Option<&Link>) -> Option<CostKind> {
        // The name of an account begins with its code: `600000 Expenses`.
        let name = account.and_then(Link::name).unwrap_or_default();
        let is_labour = self.labour_accounts.iter().any(|prefix| name.starts_with(prefix.as_str()));
        match (is_labour, self.labour) {
            (false, _) => Some(CostKind::Expense),
            (true, Labour::Journal) => Some(CostKind::Labour),
            (true, _) => None,
        }
    }

    /// What is still to be billed of a line of an order, for each project. Odoo counts what stands on drafts as billed,
    /// although it is no cost yet.
    pub(super) fn open_costs(
        &self,
        line: &wire::OrderLine,
        facts: OrderFacts<'_>,
        projects: &Projects,
    ) -> Vec<(ProjectId, Cost)> {
        let OrderFacts { company, rate, drafts } = facts;
        let mut reading = Reading::default();
        let own = reading.currency("amount", line.currency_id.as_ref());
        let net = reading.money("amount", line.price_subtotal.as_ref(), own);
        let ordered = reading.number("amount", line.product_qty.as_ref());
        let billed = reading.number("amount", line.qty_invoiced.as_ref());
        let rate = rate.and_then(|rate| reading.number("amount", Some(rate)));
        let left = ordered.zip(billed).zip(drafts).and_then(|((ordered, billed), drafts)| {
            ordered.checked_sub(billed)?.checked_add(drafts).map(|left| left.min(ordered))
        });
        if left.is_some_and(|left| left <= Decimal::ZERO) || ordered.is_some_and(|ordered| ordered <= Decimal::ZERO) {
            return Vec::new();
        }
        let open = net.zip(left).zip(ordered).and_then(|((net, left), ordered)| {
            let amount =
                if left == ordered { net.amount } else { net.amount.checked_mul(left)?.checked_div(ordered)? };
            Some(Money::new(rounded(amount, net.currency), net.currency))
        });
        if open.is_none() && reading.flaws.is_empty() && drafts.is_some() {
            reading.flaw("amount", FlawKind::BadNumber);
        }
        let amount = Booked {
            document: open,
            company: open.zip(company).and_then(|(open, company)| {
                if open.currency == company {
                    return Some(open);
                }
                let amount = open.amount.checked_div(rate?)?;
                Some(Money::new(rounded(amount, company), company))
            }),
        };
        let date = reading.date("date", line.date_order.as_deref());
        let shares = shares(line.analytic_distribution.as_ref(), line.account_analytic_id.as_ref());
        let owned = parts(&shares, amount, projects).into_iter().filter_map(|(project, amount)| {
            let order = line.order_id.as_ref();
            let cost = Cost {
                id: format!("purchase.order.line,{}", line.id.0).into(),
                kind: CostKind::Vendor,
                state: CostState::Committed,
                date,
                amount,
                description: text(line.name.as_deref()),
                party: party(line.partner_id.as_ref()),
                // Its name may have the vendor's own number behind it: `P00013 (4711)`.
                document: text(order.and_then(Link::name).and_then(|name| name.split(" (").next())),
                url: order.map(|order| self.url("purchase.order", order.id())),
                flaws: reading.flaws.clone().into(),
            };
            Some((project?, cost))
        });
        owned.collect()
    }

    /// What was booked on an account without a journal entry: hours at their cost, and what people wrote there by hand.
    /// Costs are negative there. Hours at 0 are hours of somebody whose cost nobody stated: what they cost is unknown.
    pub(super) fn analytic_cost(
        &self,
        kind: &CostKind,
        line: &wire::AnalyticLine,
        projects: &Projects,
    ) -> Option<(ProjectId, Cost)> {
        let account = line.account_id.as_ref()?.id();
        let Projects::OfAccounts(owners) = projects else { return None };
        let project = owners.get(&account)?.clone();
        let mut reading = Reading::default();
        let own = reading.currency("amount", line.currency_id.as_ref());
        let amount = reading.money("amount", line.amount.as_ref(), own).map(Money::negated);
        let hours = line.unit_amount.as_ref().and_then(|hours| hours.decimal().ok());
        let is_priced = self.free_hours
            || *kind != CostKind::Labour
            || amount.is_none_or(|money| !money.amount.is_zero())
            || hours.is_some_and(|hours| hours.abs() < SHORTEST);
        let amount = amount.filter(|_| is_priced);
        let cost = Cost {
            id: format!("account.analytic.line,{}", line.id.0).into(),
            kind: kind.clone(),
            state: CostState::Actual,
            date: reading.date("date", line.date.as_deref()),
            amount: Booked { document: amount, company: amount },
            description: text(line.name.as_deref()),
            party: party(line.partner_id.as_ref()).filter(|_| *kind != CostKind::Labour),
            document: text(line.reference.as_deref()),
            url: Some(self.url("account.analytic.line", line.id.0)),
            flaws: reading.flaws.into(),
        };
        Some((project, cost))
    }
}

/// The same, added up by account: nothing if the sum is none. `is_priced` says whether it is known what they cost.
pub(super) fn analytic_sum(
    kind: &CostKind,
    is_priced: bool,
    group: &Record,
    projects: &Projects,
) -> Option<(ProjectId, CostSum)> {
    let Projects::OfAccounts(owners) = projects else { return None };
    let project = owners.get(&group.link("account_id")?.id())?.clone();
    let mut reading = Reading::default();
    let own = reading.currency("amount", group.link("currency_id").as_ref());
    let amount = reading.money("amount", group.sum("amount").as_ref(), own).map(Money::negated);
    let amount = amount.filter(|_| is_priced);
    let sum = Sum { amount: Booked { document: amount, company: amount }, records: group.count()? };
    Some((project, CostSum { kind: kind.clone(), state: CostState::Actual, sum }))
}
