//! The profitability of a portfolio: engagements in groups by what they have in common.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::civil::Date;
use rust_decimal::Decimal;

use super::{Basis, Engagement, Measure, Statement, Sums};
use crate::domain::{Currency, DealId, Money, Rates};

/// What engagements are grouped by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// Vertical of the deal that the project began with, as all that follow unless it says otherwise.
    Vertical,
    /// Its client.
    Client,
    /// Band of the project's contract value, in the currency of the row; none while nothing is sold.
    DealSize,
    /// Its type.
    DealType,
    /// Its owner.
    DealOwner,
    /// The project's manager.
    ProjectManager,
    /// Month of its close date.
    CloseMonth,
    /// Quarter of its close date.
    CloseQuarter,
    /// Year of its close date.
    CloseYear,
    /// Its stage.
    Stage,
    /// Its client's country.
    Country,
    /// The currency it was sold in.
    Currency,
    /// The project's health.
    Health,
}

impl Dimension {
    /// The field of the graph that it groups by, by type and name: whoever may not see it may not group by it.
    pub fn field(self) -> &'static str {
        match self {
            Self::Vertical => "Deal.vertical",
            Self::Client => "Deal.client",
            Self::DealSize => "ProfitabilityRow.contractValue",
            Self::DealType => "Deal.dealType",
            Self::DealOwner => "Deal.owner",
            Self::ProjectManager => "Project.manager",
            Self::CloseMonth | Self::CloseQuarter | Self::CloseYear => "Deal.closeDate",
            Self::Stage => "Deal.stage",
            Self::Country => "Client.country",
            Self::Currency => "Deal.amount",
            Self::Health => "Project.health",
        }
    }
}

/// What an engagement is grouped by. A field that nobody states is none: such engagements are the group "(unassigned)".
#[derive(Debug, Clone, Default)]
pub struct Attributes {
    /// Vertical.
    pub vertical: Option<Arc<str>>,
    /// The client, by its record ID.
    pub client: Option<Arc<str>>,
    /// The client's name.
    pub client_name: Option<Arc<str>>,
    /// The client's country.
    pub country: Option<Arc<str>>,
    /// Deal type.
    pub deal_type: Option<Arc<str>>,
    /// Owner of the deal.
    pub deal_owner: Option<Arc<str>>,
    /// Stage.
    pub stage: Option<Arc<str>>,
    /// Close date.
    pub close_date: Option<Date>,
    /// Currency of the deal's amount.
    pub currency: Option<Currency>,
    /// Manager of the project.
    pub manager: Option<Arc<str>>,
    /// Health of the project.
    pub health: Option<Arc<str>>,
}

/// What a group has in common in one dimension.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The value; none for "(unassigned)".
    pub value: Option<Arc<str>>,
    /// The value as people read it.
    pub label: Option<Arc<str>>,
}

/// A group.
#[derive(Debug, Clone)]
pub struct Group {
    /// What it has in common, in the order of the dimensions.
    pub members: Vec<Member>,
    /// The currency of its amounts; none if none of its engagements has any.
    pub currency: Option<Currency>,
    /// Its sums.
    pub sums: Sums,
    /// The deals in it, if they were asked for.
    pub deals: Vec<DealId>,
}

/// How a portfolio is told.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    /// What engagements are grouped by.
    pub dimensions: Vec<Dimension>,
    /// What is asked of them: those of which any of it is unknown are counted as excluded. If nothing is named, the core
    /// figures: contract value, what was invoiced, what was spent.
    pub measures: Vec<Measure>,
    /// The currency of all amounts; without it each engagement is told in its own, and groups are split by currency.
    pub currency: Option<Currency>,
    /// Exchange rates, which are used if `currency` is given.
    pub rates: Option<Rates>,
    /// Bounds of the bands of deal sizes, ascending.
    pub bands: Vec<Decimal>,
    /// What an hour of support costs.
    pub hour_cost: Option<Money>,
    /// Whether the costs have these hours already.
    pub support_in_costs: bool,
    /// Whether groups keep the IDs of their deals.
    pub keep_deals: bool,
}

/// The values that a group has in common, and its currency.
type Key = (Vec<Option<Arc<str>>>, Option<Currency>);

/// Engagements in groups, added up as they come.
#[derive(Debug, Default)]
pub struct Profitability {
    terms: Terms,
    groups: HashMap<Key, Group>,
    totals: Vec<Group>,
}

impl Profitability {
    /// Nothing yet.
    pub fn new(terms: Terms) -> Self {
        Self { terms, groups: HashMap::new(), totals: Vec::new() }
    }

    /// Adds an engagement to its group, and to the total of its currency. Gives what it says.
    pub fn add(&mut self, engagement: &Engagement, attributes: &Attributes, deals: &[DealId]) -> Statement {
        let (statement, currency) = self.terms.statement(engagement, attributes);
        // Of what was not sold the contract value is zero, and its size nobody knows.
        let size = statement.of(Measure::ContractValue).known().filter(|_| engagement.is_sold());
        let members: Vec<Member> = self
            .terms
            .dimensions
            .iter()
            .map(|dimension| attributes.member(*dimension, size, &self.terms.bands))
            .collect();
        let key = (members.iter().map(|member| member.value.clone()).collect(), currency);
        let group = self.groups.entry(key).or_insert_with(|| Group::new(members, currency));
        group.sums.add(&statement);
        if self.terms.keep_deals {
            group.deals.extend_from_slice(deals);
        }
        let at = self.totals.iter().position(|total| total.currency == currency).unwrap_or_else(|| {
            self.totals.push(Group::new(Vec::new(), currency));
            self.totals.len() - 1
        });
        if let Some(total) = self.totals.get_mut(at) {
            total.sums.add(&statement);
        }
        statement
    }

    /// The groups, by what they have in common, "(unassigned)" last; and the totals, by currency.
    pub fn finish(self) -> (Vec<Group>, Vec<Group>) {
        let order = |group: &Group| {
            let members = group.members.iter();
            let members: Vec<_> =
                members.map(|one| (one.value.is_none(), one.label.clone(), one.value.clone())).collect();
            (members, group.currency.is_none(), group.currency.map(|currency| currency.code()))
        };
        let mut groups: Vec<Group> = self.groups.into_values().collect();
        groups.sort_by_cached_key(order);
        let mut totals = self.totals;
        totals.sort_by_cached_key(order);
        (groups, totals)
    }
}

impl Terms {
    /// What an engagement says, and in which currency.
    pub fn statement(&self, engagement: &Engagement, attributes: &Attributes) -> (Statement, Option<Currency>) {
        let currency = self.currency.or_else(|| engagement.currency()).or(attributes.currency);
        let basis = Basis {
            currency,
            rates: self.rates.as_ref().filter(|_| self.currency.is_some()),
            hour_cost: self.hour_cost,
            support_in_costs: self.support_in_costs,
            measures: &self.measures,
        };
        (engagement.statement(&basis), currency)
    }
}

impl Group {
    fn new(members: Vec<Member>, currency: Option<Currency>) -> Self {
        Self { members, currency, sums: Sums::default(), deals: Vec::new() }
    }
}

impl Attributes {
    /// What it has in common with others in a dimension.
    fn member(&self, dimension: Dimension, size: Option<Decimal>, bands: &[Decimal]) -> Member {
        let date = self.close_date;
        let named = |value: Option<Arc<str>>| Member { label: value.clone(), value };
        match dimension {
            Dimension::Client => {
                Member { label: self.client_name.clone().or_else(|| self.client.clone()), value: self.client.clone() }
            }
            Dimension::Vertical => named(self.vertical.clone()),
            Dimension::DealSize => named(size.map(|size| band(size, bands))),
            Dimension::DealType => named(self.deal_type.clone()),
            Dimension::DealOwner => named(self.deal_owner.clone()),
            Dimension::ProjectManager => named(self.manager.clone()),
            Dimension::CloseMonth => named(date.map(|date| format!("{:04}-{:02}", date.year(), date.month()).into())),
            Dimension::CloseQuarter => {
                named(date.map(|date| format!("{:04}-Q{}", date.year(), (date.month() + 2) / 3).into()))
            }
            Dimension::CloseYear => named(date.map(|date| format!("{:04}", date.year()).into())),
            Dimension::Stage => named(self.stage.clone()),
            Dimension::Country => named(self.country.clone()),
            Dimension::Currency => named(self.currency.map(|currency| currency.code().into())),
            Dimension::Health => named(self.health.clone()),
        }
    }
}

/// The band that a contract value is in. The number in front keeps bands in order wherever texts are sorted.
fn band(value: Decimal, bands: &[Decimal]) -> Arc<str> {
    let at = bands.iter().take_while(|bound| value >= **bound).count();
    let (from, to) = (at.checked_sub(1).and_then(|below| bands.get(below)), bands.get(at));
    match (from, to) {
        (None, None) => "1: any".into(),
        (None, Some(to)) => format!("1: below {to}").into(),
        (Some(from), Some(to)) => format!("{}: {from} to {to}", at + 1).into(),
        (Some(from), None) => format!("{}: {from} and more", at + 1).into(),
    }
}
