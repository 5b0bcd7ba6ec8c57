//! The profitability of a portfolio: one row per group of projects, told by the metrics that are selected.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_graphql::resolver_utils::EnumType;
use async_graphql::{Context, Enum, Object, Result, SimpleObject};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use super::context::{options, require_field, spine, viewer};
use super::deal::Deal;
use super::direct::{Selected, select_below};
use super::errors::{bad_request, report_error, system_error};
use super::filters::DealFilter;
use super::financials::Completeness;
use super::money::Money;
use super::needs::{FactClass, needs as kept_for};
use super::owner::{OwnerDomain, owner as owned_by};
use super::paging::{List, Slice};
use super::scalars::{CurrencyCode, Date, DateTime};
use super::wave;
use crate::domain::{self, DealId};
use crate::finance::metrics::{self, Metric};
use crate::finance::{self, Group, Measure, Profitability};
use crate::reports::{Engaged, Needs, Progress, Scope};

/// What projects are grouped by. A project belongs to the deal it began with: the first that was won, else the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "finance::Dimension")]
pub enum Dimension {
    /// Vertical of the deal.
    Vertical,
    /// Client of the deal.
    Client,
    /// Band of the project's contract value, in the currency of the row; none while nothing is sold. The bands are
    /// `reports.deal_size_bands` in the configuration.
    DealSize,
    /// Type of the deal.
    DealType,
    /// Owner of the deal.
    DealOwner,
    /// Manager of the project.
    ProjectManager,
    /// Month of the deal's close date, e.g. `2026-03`.
    CloseMonth,
    /// Quarter of the deal's close date, e.g. `2026-Q1`.
    CloseQuarter,
    /// Year of the deal's close date.
    CloseYear,
    /// Stage of the deal.
    Stage,
    /// Country of the client.
    Country,
    /// Currency of the deal's amount.
    Currency,
    /// Health of the project.
    Health,
}

/// The most dimensions of one report.
const MOST_DIMENSIONS: usize = 2;

/// The profitability of a portfolio.
#[derive(Debug, SimpleObject)]
pub struct ProfitabilityReport {
    /// One row per group and currency, in the order of what the groups have in common, "(unassigned)" last.
    rows: Vec<ProfitabilityRow>,
    /// All of it, one row per currency.
    totals: Vec<ProfitabilityRow>,
    /// How many projects (and deals without one) are whole in the figures, how many are not, and why.
    completeness: Completeness,
    /// When the oldest value in it was read.
    as_of: DateTime,
    /// The exchange rates, if an amount was converted by them; null if all amounts are as their owners recorded them.
    rates: Option<ExchangeRates>,
}

/// Exchange rates of one day, as the configuration states them.
#[derive(Debug, SimpleObject)]
pub struct ExchangeRates {
    /// The currency that the rates are for one unit of.
    base: CurrencyCode,
    /// The day.
    date: Date,
    /// Who published them.
    source: String,
    /// The rates.
    rates: Vec<ExchangeRate>,
}

/// An exchange rate.
#[derive(Debug, SimpleObject)]
pub struct ExchangeRate {
    /// The currency.
    currency: CurrencyCode,
    /// Units of it for one of the base.
    per_base: Decimal,
}

/// What a group has in common in one dimension.
#[derive(Debug, Clone, SimpleObject)]
pub struct GroupMember {
    /// The dimension.
    dimension: Dimension,
    /// The value; null for what nobody assigned. Of a client it is the CRM's record ID.
    value: Option<String>,
    /// The value as people read it; `(unassigned)` where there is none.
    label: String,
}

/// A group of projects with their deals, and of deals without a project.
#[derive(Debug, Clone)]
pub struct ProfitabilityRow {
    group: Arc<Group>,
    members: Vec<GroupMember>,
}

impl ProfitabilityRow {
    fn new(group: Group, dimensions: &[finance::Dimension]) -> Self {
        let member = |(dimension, member): (&finance::Dimension, &finance::Member)| GroupMember {
            dimension: (*dimension).into(),
            value: member.value.as_deref().map(str::to_owned),
            label: member.label.as_deref().unwrap_or("(unassigned)").to_owned(),
        };
        let members = dimensions.iter().zip(&group.members).map(member).collect();
        Self { group: Arc::new(group), members }
    }

    fn number(&self, metric: &Metric) -> Option<Decimal> {
        metric.of(&self.group.sums)
    }

    fn count(&self, metric: &Metric) -> Option<u64> {
        self.number(metric)?.to_u64()
    }

    fn amount(&self, metric: &Metric) -> Option<Money> {
        Some(domain::Money::new(self.number(metric)?, self.group.currency?).into())
    }
}

/// A group of projects with their deals, and of deals without a project. Each metric is over the projects of which it is known:
/// `completeness` tells how many are not whole, and why. Where an owner could not be asked it is null, with an error.
#[Object]
impl ProfitabilityRow {
    /// What the group has in common, in the order of `groupBy`; empty for a total. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup))]
    async fn members(&self) -> &[GroupMember] {
        &self.members
    }

    /// The currency of its amounts; null if nothing in it has an amount. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup))]
    async fn currency(&self) -> Option<CurrencyCode> {
        self.group.currency.map(CurrencyCode)
    }

    /// Deals: those of the projects, and those that lead to no project. Null if it is unknown. Needs: commercial. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Commercial]))]
    async fn deal_count(&self) -> Option<u64> {
        self.count(&metrics::DEALS)
    }

    /// Projects, each once however many deals it has. Null if it is unknown. Needs: commercial. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Commercial]))]
    async fn project_count(&self) -> Option<u64> {
        self.count(&metrics::PROJECTS)
    }

    /// What was sold: the amounts of won deals. Null if it is unknown. Needs: commercial. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Commercial]))]
    async fn contract_value(&self) -> Option<Money> {
        self.amount(&metrics::CONTRACT_VALUE)
    }

    /// Invoiced without tax, less credit notes. Drafts and void documents are not in it. Null if it is unknown. Needs: receivables. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Receivables]))]
    async fn invoiced(&self) -> Option<Money> {
        self.amount(&metrics::INVOICED)
    }

    /// What was sold and is not invoiced yet, of engagements of which both are known. Null if it is unknown. Needs: commercial and receivables. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Commercial, FactClass::Receivables]))]
    async fn left_to_invoice(&self) -> Option<Money> {
        self.amount(&metrics::LEFT_TO_INVOICE)
    }

    /// Paid so far, with tax. Null if it is unknown. Needs: receivables. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Receivables]))]
    async fn collected(&self) -> Option<Money> {
        self.amount(&metrics::COLLECTED)
    }

    /// Still open, with tax. Null if it is unknown. Needs: receivables. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Receivables]))]
    async fn outstanding(&self) -> Option<Money> {
        self.amount(&metrics::OUTSTANDING)
    }

    /// Still open after the due date, with tax. Null if it is unknown. Needs: receivables. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Receivables]))]
    async fn overdue(&self) -> Option<Money> {
        self.amount(&metrics::OVERDUE)
    }

    /// What was spent: labour, vendors' bills less their credits, expenses. Null if it is unknown. Needs: costs. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Costs]))]
    async fn actual_cost(&self) -> Option<Money> {
        self.amount(&metrics::ACTUAL_COST)
    }

    /// What is ordered and not yet invoiced by vendors. Null if it is unknown. Needs: costs. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Costs]))]
    async fn committed_cost(&self) -> Option<Money> {
        self.amount(&metrics::COMMITTED_COST)
    }

    /// What remains of what was invoiced after actual cost, of engagements of which both are known. It is no revenue recognition. Null if it is unknown. Needs: margins. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Margins]))]
    async fn margin(&self) -> Option<Money> {
        self.amount(&metrics::MARGIN)
    }

    /// What was invoiced of the engagements that are in the margin: the denominator of its percentage. Null if it is unknown. Needs: receivables. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Receivables]))]
    async fn margin_base(&self) -> Option<Money> {
        self.amount(&metrics::MARGIN_BASE)
    }

    /// Margin as a percentage of what was invoiced; null where nothing was. Null if it is unknown. Needs: margins. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Margins]))]
    async fn margin_pct(&self) -> Option<Decimal> {
        self.number(&metrics::MARGIN_PCT)
    }

    /// What sales expected to remain, of engagements whose won deals all state it. Null if it is unknown. Needs: margins. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Margins]))]
    async fn estimated_margin(&self) -> Option<Money> {
        self.amount(&metrics::ESTIMATED_MARGIN)
    }

    /// Contract value of the engagements that are in the estimated margin. Null if it is unknown. Needs: commercial. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Commercial]))]
    async fn estimated_margin_base(&self) -> Option<Money> {
        self.amount(&metrics::ESTIMATED_MARGIN_BASE)
    }

    /// Estimated margin as a percentage of the contract value. Null if it is unknown. Needs: margins. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Margins]))]
    async fn estimated_margin_pct(&self) -> Option<Decimal> {
        self.number(&metrics::ESTIMATED_MARGIN_PCT)
    }

    /// What the work was expected to cost, of engagements with an estimate. Null if it is unknown. Needs: costs. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Costs]))]
    async fn budget_cost(&self) -> Option<Money> {
        self.amount(&metrics::BUDGET_COST)
    }

    /// Budget less actual cost: negative is over budget. Of engagements of which both are known. Null if it is unknown. Needs: costs. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Costs]))]
    async fn budget_variance(&self) -> Option<Money> {
        self.amount(&metrics::BUDGET_VARIANCE)
    }

    /// Projects whose budget and actual cost are both known. Null if it is unknown. Needs: costs. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Costs]))]
    async fn budgeted_projects(&self) -> Option<u64> {
        self.count(&metrics::BUDGETED_PROJECTS)
    }

    /// Projects that cost more than was expected, so far. Null if it is unknown. Needs: costs. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Costs]))]
    async fn over_budget_projects(&self) -> Option<u64> {
        self.count(&metrics::OVER_BUDGET_PROJECTS)
    }

    /// Share of the projects with a budget that are over it. Null if it is unknown. Needs: costs. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Costs]))]
    async fn over_budget_pct(&self) -> Option<Decimal> {
        self.number(&metrics::OVER_BUDGET_PCT)
    }

    /// What the projects will have cost if they go on as they went, of those with progress. Null if it is unknown. Needs: costs. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Costs]))]
    async fn eac(&self) -> Option<Money> {
        self.amount(&metrics::EAC)
    }

    /// What will remain of the contract value, of projects with progress. Null if it is unknown. Needs: margins. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Margins]))]
    async fn forecast_margin(&self) -> Option<Money> {
        self.amount(&metrics::FORECAST_MARGIN)
    }

    /// Contract value of the projects that are in the forecast margin. Null if it is unknown. Needs: commercial. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Commercial]))]
    async fn forecast_margin_base(&self) -> Option<Money> {
        self.amount(&metrics::FORECAST_MARGIN_BASE)
    }

    /// Forecast margin as a percentage of the contract value. Null if it is unknown. Needs: margins. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Margins]))]
    async fn forecast_margin_pct(&self) -> Option<Decimal> {
        self.number(&metrics::FORECAST_MARGIN_PCT)
    }

    /// Forecast less estimated margin: negative is worse than sold. Of projects of which both are known. Null if it is unknown. Needs: margins. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Margins]))]
    async fn slippage(&self) -> Option<Money> {
        self.amount(&metrics::SLIPPAGE)
    }

    /// Contract value of the projects that are in the slippage. Null if it is unknown. Needs: commercial. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Commercial]))]
    async fn slippage_base(&self) -> Option<Money> {
        self.amount(&metrics::SLIPPAGE_BASE)
    }

    /// Forecast margin % less estimated margin %, in percentage points: negative is worse than sold. Null if it is unknown. Needs: margins. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Margins]))]
    async fn margin_slippage(&self) -> Option<Decimal> {
        self.number(&metrics::MARGIN_SLIPPAGE)
    }

    /// Contract value earned by progress, of projects whose progress is known. An estimate for steering, not the books' revenue. Null if it is unknown. Needs: commercial and delivery. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Commercial, FactClass::Delivery]))]
    async fn recognised(&self) -> Option<Money> {
        self.amount(&metrics::RECOGNISED)
    }

    /// Sold and not yet earned, of projects whose progress is known and that are not cancelled. Null if it is unknown. Needs: commercial and delivery. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Commercial, FactClass::Delivery]))]
    async fn backlog(&self) -> Option<Money> {
        self.amount(&metrics::BACKLOG)
    }

    /// Earned and not yet invoiced: positive is under-billed, negative over-billed. Of projects whose progress is known. Null if it is unknown. Needs: commercial, delivery and receivables. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Commercial, FactClass::Delivery, FactClass::Receivables]))]
    async fn wip(&self) -> Option<Money> {
        self.amount(&metrics::WIP)
    }

    /// Hours budgeted, of projects that state them. Null if it is unknown. Needs: delivery. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Delivery]))]
    async fn hours_budgeted(&self) -> Option<Decimal> {
        self.number(&metrics::HOURS_BUDGETED)
    }

    /// Hours booked on the projects. Null if it is unknown. Needs: delivery. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Delivery]))]
    async fn hours_spent(&self) -> Option<Decimal> {
        self.number(&metrics::HOURS_SPENT)
    }

    /// Tickets (support and incidents) opened after the deal was closed, within the days that the configuration says. Null if it is unknown. Needs: tickets. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Tickets]))]
    async fn support_tickets(&self) -> Option<u64> {
        self.count(&metrics::SUPPORT_TICKETS)
    }

    /// Hours booked on them, of engagements whose tickets all state hours. Null if it is unknown. Needs: tickets. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Tickets]))]
    async fn support_hours(&self) -> Option<Decimal> {
        self.number(&metrics::SUPPORT_HOURS)
    }

    /// What that support cost, at the configured cost of an hour; unknown without one. Null if it is unknown. Needs: costs. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Costs]))]
    async fn support_cost(&self) -> Option<Money> {
        self.amount(&metrics::SUPPORT_COST)
    }

    /// What remains after support, of engagements of which both are known. Null if it is unknown. Needs: margins. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Margins]))]
    async fn true_margin(&self) -> Option<Money> {
        self.amount(&metrics::TRUE_MARGIN)
    }

    /// What was invoiced of the engagements that are in the margin after support. Null if it is unknown. Needs: receivables. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Receivables]))]
    async fn true_margin_base(&self) -> Option<Money> {
        self.amount(&metrics::TRUE_MARGIN_BASE)
    }

    /// Margin after support as a percentage of what was invoiced. Null if it is unknown. Needs: margins. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Margins]))]
    async fn true_margin_pct(&self) -> Option<Decimal> {
        self.number(&metrics::TRUE_MARGIN_PCT)
    }

    /// Invoiced in the last 365 days, with tax. Null if it is unknown. Needs: receivables. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Receivables]))]
    async fn credit_sales(&self) -> Option<Money> {
        self.amount(&metrics::CREDIT_SALES)
    }

    /// How many days' sales are still open, over the last 365 days, of engagements of which both are known. Meant for clients and the company as a whole. Null if it is unknown. Needs: receivables. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Receivables]))]
    async fn dso(&self) -> Option<Decimal> {
        self.number(&metrics::DSO)
    }

    /// How many projects (and deals without one) are whole in the figures of this row, how many are not, and why. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup))]
    async fn completeness(&self) -> Completeness {
        self.group.sums.completeness.clone().into()
    }

    /// The deals in it: those of its projects, and those without one; none for a total. Owner: commercial.
    #[graphql(directive = owned_by::apply(OwnerDomain::Commercial))]
    async fn deals(
        &self,
        ctx: &Context<'_>,
        #[graphql(default = 50)] first: i32,
        after: Option<String>,
    ) -> Result<Option<List<Deal>>> {
        let slice = Slice::of(&self.group.deals, first, after.as_deref())?;
        let (commercial, viewer) = (spine(ctx)?.commercial()?, viewer(ctx)?);
        let mut records = Vec::with_capacity(slice.items.len());
        for read in commercial.deals.get_many(options(ctx)?, slice.items).await {
            let read = read.map_err(|error| system_error(&error))?;
            records.extend(read.value.clone().filter(|deal| viewer.sees(deal)).map(|deal| (read, deal)));
        }
        let deals: Vec<_> = records.iter().map(|(_, deal)| Arc::clone(deal)).collect();
        wave::deals(ctx, Selected::rows(&select_below(ctx)), &deals).await?;
        let nodes = records.iter().map(|(read, deal)| Deal::new(&commercial.owner, read, Arc::clone(deal)));
        Ok(Some(slice.list(nodes)))
    }
}

/// What is selected of the rows of a report.
fn selected(report: &[Selected]) -> BTreeSet<&str> {
    let rows = report.iter().filter(|field| matches!(field.name(), "rows" | "totals"));
    rows.flat_map(|row| &row.below).map(Selected::name).collect()
}

fn measures(selected: &BTreeSet<&str>) -> Vec<Measure> {
    let wanted =
        metrics::CATALOGUE.iter().filter(|metric| selected.contains(metrics::camel_case(metric.name).as_str()));
    wanted.flat_map(|metric| metric.measures.iter().copied()).collect()
}

/// What a report asks of the owners, by what is selected of it and the names of its dimensions.
pub(super) fn needs(report: &[Selected], group_by: &[&str]) -> Needs {
    let dimensions = Dimension::items().iter().filter(|dimension| group_by.contains(&dimension.name));
    let needs = Needs::of(measures(&selected(report)));
    dimensions.fold(needs, |needs, dimension| needs.by(dimension.value.into()))
}

/// Answers `Query.profitability`.
pub(super) async fn report(
    ctx: &Context<'_>,
    group_by: Vec<Dimension>,
    filter: Option<DealFilter>,
    currency: Option<CurrencyCode>,
) -> Result<ProfitabilityReport> {
    let dimensions: Vec<finance::Dimension> = group_by.into_iter().map(finance::Dimension::from).collect();
    if dimensions.len() > MOST_DIMENSIONS {
        let given = dimensions.len();
        return Err(bad_request(format!("`groupBy` takes at most {MOST_DIMENSIONS} dimensions, not {given}")));
    }
    if let [one, other] = dimensions.as_slice()
        && one == other
    {
        return Err(bad_request("`groupBy` names a dimension twice"));
    }
    for dimension in &dimensions {
        require_field(ctx, dimension.field())?;
    }
    let (query, not_won) = filter.unwrap_or_default().query(ctx, None)?;
    if not_won {
        return Err(bad_request("`isWon: false` is no filter of this report: use `status: OPEN` or `status: LOST`"));
    }
    let spine = spine(ctx)?;
    let options = options(ctx)?;
    let fields = select_below(ctx);
    let selected = selected(&fields);
    let measures = measures(&selected);
    let needs = Needs::of(measures.iter().copied());
    let needs = dimensions.iter().fold(needs, |needs, dimension| needs.by(*dimension));

    let mut terms = spine.reports.terms(currency.map(|currency| currency.0), dimensions.clone());
    terms.measures = measures;
    terms.keep_deals = selected.contains("deals");
    let mut profitability = Profitability::new(terms);
    let mut visit = |engaged: Engaged<'_>| {
        let deals: Vec<DealId> = engaged.deals.iter().map(|deal| deal.id.clone()).collect();
        profitability.add(&engaged.engagement, &engaged.attributes, &deals);
    };
    let scope = Scope { query, needs };
    let walked = spine.reports.walk(&scope, options, &Progress::default(), &mut visit).await;
    for failure in walked.map_err(|error| report_error(&error))? {
        ctx.add_error(system_error(&failure).into_server_error(ctx.item.pos));
    }
    let (groups, totals) = profitability.finish();
    let mut completeness = finance::Completeness::default();
    let mut converted = false;
    for total in &totals {
        completeness = completeness.and(&total.sums.completeness);
        converted |= total.sums.converted;
    }
    let row = |group| ProfitabilityRow::new(group, &dimensions);
    Ok(ProfitabilityReport {
        rows: groups.into_iter().map(row).collect(),
        totals: totals.into_iter().map(row).collect(),
        completeness: completeness.into(),
        as_of: DateTime(spine.reports.as_of(options)),
        rates: spine.reports.settings.exchange().filter(|_| converted).map(ExchangeRates::from),
    })
}

impl From<domain::Rates> for ExchangeRates {
    fn from(rates: domain::Rates) -> Self {
        let mut each: Vec<_> = rates.per_base.into_iter().collect();
        each.sort_by_key(|(currency, _)| currency.code());
        let rate = |(currency, per_base)| ExchangeRate { currency: CurrencyCode(currency), per_base };
        Self {
            base: CurrencyCode(rates.base),
            date: Date(rates.date),
            source: rates.source,
            rates: each.into_iter().map(rate).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_of_the_catalogue_is_a_field_and_means_there_what_it_means_here() {
        let sdl = crate::graph::sdl();
        let row = sdl.split("type ProfitabilityRow").nth(1).and_then(|rest| rest.split("\n}").next()).unwrap();
        for metric in &metrics::CATALOGUE {
            let (before, _) = row.split_once(&format!("\t{}:", metrics::camel_case(metric.name))).expect(metric.name);
            let description = before.rsplit("\"\"\"").nth(1).unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
            let (meaning, given) = description.split_once(" Null if it is unknown. Needs: ").unwrap();
            assert_eq!(meaning, metric.description);
            assert!(given.ends_with(". Owner: rollup."), "{given}");
        }
    }
}
