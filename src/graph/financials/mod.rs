//! The money of a project: a rollup over the records of three owners, computed when it is asked for.

mod in_memory;

use std::sync::Arc;

use async_graphql::{Context, Enum, Error, Object, Result, SimpleObject};
use iso_currency::Currency;
use rust_decimal::Decimal;

use super::context::{options, spine, viewer};
use super::errors::system_error;
use super::money::Money;
use super::needs::{FactClass, needs as kept_for};
use super::owner::{OwnerDomain, owner as owned_by};
use super::project::Project;
use super::source::Source;
use super::wave::Pushdown;
use crate::domain::{self, Deal, DealStatus, ProjectId};
use crate::finance::{self, Books, Contract, Figure, Receivables, Shown, Spending};
use crate::reads::{Costs, Invoices, Owner, Read, Reader};
use crate::reports::Parts;

/// The money of a project, or of a deal that leads to none.
#[derive(Debug, Clone)]
pub struct Financials(Of, Pushdown);

#[derive(Debug, Clone)]
enum Of {
    /// A project, and the deal that led to it if one did.
    Project(ProjectId, Option<Arc<Deal>>),
    Unlinked(Arc<Deal>),
}

/// How much of what there is went into the figures.
#[derive(Debug, Clone, SimpleObject)]
pub struct Completeness {
    /// Records that are in the figures: won deals, invoices, costs.
    included: usize,
    /// Records that belong in them but have no readable amount. Figures they belong in are null, never smaller.
    excluded: usize,
    /// Why figures are null or records excluded; empty if all is well.
    reasons: Vec<CompletenessReason>,
}

/// Why a figure is null, or a record is not in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
#[graphql(remote = "finance::Exclusion")]
pub enum CompletenessReason {
    /// A record has no amount.
    MissingAmount,
    /// A record's amount has no currency.
    MissingCurrency,
    /// A record's amount or currency cannot be read.
    UnreadableAmount,
    /// An open invoice has no readable due date, so nobody can say whether it is overdue.
    MissingDueDate,
    /// A record is in a state nobody has mapped, so nobody can say whether it counts.
    UnknownState,
    /// A won deal leads to this project, but the CRM does not find it by the project's ID: correct how the ID is spelled there.
    NotFoundById,
    /// The parts were booked in different currencies, and in none in common.
    MixedCurrencies,
    /// An amount is known in another currency, and there is no exchange rate.
    MissingRate,
    /// The owner holds more than one record for the ID, or cannot give all of its records.
    NotWhole,
    /// The owner of deals did not answer, or there is none.
    CommercialUnavailable,
    /// The owner of invoices did not answer, or there is none.
    ReceivablesUnavailable,
    /// The owner of costs did not answer, or there is none.
    CostsUnavailable,
    /// The owner of projects did not answer, or there is none.
    DeliveryUnavailable,
    /// The owner of tickets did not answer, or there is none.
    TicketsUnavailable,
    /// No deal carries the project's ID.
    NotInCommercial,
    /// The owner of invoices does not know the project's ID. Figures of it are null rather than 0: the ID may be mistyped there.
    NotInReceivables,
    /// The owner of costs does not know the project's ID. Figures of it are null rather than 0: the ID may be mistyped there.
    NotInCosts,
    /// The deal carries no usable shared ID, so nothing but the deal itself is known.
    NotLinked,
}

impl From<finance::Completeness> for Completeness {
    fn from(completeness: finance::Completeness) -> Self {
        let finance::Completeness { included, excluded, reasons } = completeness;
        Self { included, excluded, reasons: reasons.into_iter().map(CompletenessReason::from).collect() }
    }
}

impl Financials {
    /// The money of a project.
    pub(super) fn of_project(id: ProjectId, pushdown: Pushdown) -> Self {
        Self(Of::Project(id, None), pushdown)
    }

    /// The money of the project that a deal leads to.
    pub(super) fn of_linked(id: ProjectId, deal: Arc<Deal>, pushdown: Pushdown) -> Self {
        Self(Of::Project(id, Some(deal)), pushdown)
    }

    /// What a deal without a usable shared ID can say of money: its own part alone.
    pub(super) fn of_unlinked(deal: Arc<Deal>) -> Self {
        Self(Of::Unlinked(deal), Pushdown::default())
    }

    /// None if no deal carries the project's ID.
    async fn contract(&self, ctx: &Context<'_>) -> Result<Option<Contract>> {
        match &self.0 {
            Of::Unlinked(deal) => Ok(Some(Contract::of(std::slice::from_ref(deal)))),
            Of::Project(id, through) => {
                let read = spine(ctx)?.commercial()?.deals_by_project.get(options(ctx)?, id).await;
                let deals = read.map_err(|error| system_error(&error))?.value;
                Ok(contract(deals.as_deref().map(Vec::as_slice).unwrap_or_default(), through.as_deref()))
            }
        }
    }

    /// None if the owner does not know the project, or the deal leads to none.
    async fn receivables(&self, ctx: &Context<'_>) -> Result<Option<Receivables>> {
        let Of::Project(id, _) = &self.0 else { return Ok(None) };
        let spine = spine(ctx)?;
        let read = spine.receivables(id)?.by_project.get(options(ctx)?, id).await;
        let invoices = read.map_err(|error| system_error(&error))?.value;
        Ok(invoices.map(|invoices| Receivables::of(invoices.iter(), spine.clock.today())))
    }

    /// What was invoiced: as the owner added it up, unless its invoices are in memory or must be read anyway. None as above.
    async fn invoiced_sum(&self, ctx: &Context<'_>) -> Result<Option<Figure>> {
        if let Of::Project(id, _) = &self.0
            && let Some(sums) = self.invoice_sums(ctx, spine(ctx)?.receivables(id)?, id)?
        {
            let read = sums.get(options(ctx)?, id).await.map_err(|error| system_error(&error))?;
            return Ok(read.value.map(|sums| Figure::of_sums(&sums)));
        }
        Ok(self.receivables(ctx).await?.map(|sums| sums.invoiced))
    }

    /// What was spent: as the owner added it up, unless its costs are in memory or must be read anyway. None if the owner
    /// does not know the project, or the deal leads to none.
    async fn spending(&self, ctx: &Context<'_>) -> Result<Option<Spending>> {
        let Of::Project(id, _) = &self.0 else { return Ok(None) };
        let readers = spine(ctx)?.costs(id)?;
        if let Some(sums) = self.cost_sums(ctx, readers, id)? {
            let read = sums.get(options(ctx)?, id).await.map_err(|error| system_error(&error))?;
            return Ok(read.value.map(|sums| Spending::of_sums(&sums)));
        }
        let read = readers.by_project.get(options(ctx)?, id).await;
        let costs = read.map_err(|error| system_error(&error))?.value;
        Ok(costs.map(|costs| Spending::of(costs.iter())))
    }

    /// Where to ask for what was invoiced as a sum; none if the invoices are to be added up here.
    fn invoice_sums<'r>(
        &self,
        ctx: &Context<'_>,
        readers: &'r Invoices,
        id: &ProjectId,
    ) -> Result<Option<&'r Reader<ProjectId, Vec<domain::Sum>>>> {
        let pushed = self.1.invoiced && !in_memory(ctx, &readers.by_project, id)?;
        Ok(readers.sums.as_ref().filter(|_| pushed))
    }

    /// Where to ask for what was spent as sums; none if the costs are to be added up here.
    fn cost_sums<'r>(
        &self,
        ctx: &Context<'_>,
        readers: &'r Costs,
        id: &ProjectId,
    ) -> Result<Option<&'r Reader<ProjectId, Vec<domain::CostSum>>>> {
        let pushed = self.1.costs && !in_memory(ctx, &readers.by_project, id)?;
        Ok(readers.sums.as_ref().filter(|_| pushed))
    }

    /// A figure as people see it. The sum of nothing is zero, in the currency of the project's other figures.
    async fn amount(&self, ctx: &Context<'_>, figure: Option<Shown>) -> Result<Option<Money>> {
        match figure {
            Some(Shown::Amount(money)) => Ok(money.map(Money::from)),
            Some(Shown::Zero) => Ok(self.currency(ctx).await?.map(zero).map(Money::from)),
            None => Ok(None),
        }
    }

    /// The currency of a figure that is zero: that of the contract, else of the invoices, else of the costs.
    async fn currency(&self, ctx: &Context<'_>) -> Result<Option<Currency>> {
        let parts = Parts::of(&viewer(ctx)?.view);
        let contract = if parts.contract { self.contract(ctx).await } else { Ok(None) };
        let sold = contract.as_ref().ok().and_then(Option::as_ref).map(|contract| &contract.value);
        if let Some(currency) = sold.and_then(Figure::currency) {
            return Ok(Some(currency));
        }
        let invoiced = if parts.receivables { self.invoiced_sum(ctx).await } else { Ok(None) };
        if let Some(currency) = invoiced.as_ref().ok().and_then(Option::as_ref).and_then(Figure::currency) {
            return Ok(Some(currency));
        }
        let spending = if parts.spending { self.spending(ctx).await } else { Ok(None) };
        let actual = spending.as_ref().ok().and_then(Option::as_ref).map(|spending| &spending.actual);
        if let Some(currency) = actual.and_then(Figure::currency) {
            return Ok(Some(currency));
        }
        // Nobody named a currency. If somebody could not be asked, that is the reason.
        contract?;
        invoiced?;
        spending?;
        Ok(None)
    }

    async fn progress(&self, ctx: &Context<'_>) -> Result<Option<Decimal>> {
        match &self.0 {
            Of::Project(id, _) => Project::new(id.clone()).progress(ctx).await,
            Of::Unlinked(_) => Ok(None),
        }
    }

    /// Where the figures were read: the owners of deals, invoices and costs.
    async fn read_sources(&self, ctx: &Context<'_>) -> Result<Vec<Source>> {
        let (spine, options, shown) = (spine(ctx)?, options(ctx)?, Parts::of(&viewer(ctx)?.view));
        let reads = &spine.reads;
        let id = match &self.0 {
            Of::Project(id, _) => id,
            Of::Unlinked(_) => {
                let receivables = reads.receivables.all().filter(|_| shown.receivables).map(|readers| &readers.owner);
                let costs = reads.costs.all().filter(|_| shown.spending).map(|readers| &readers.owner);
                return Ok(receivables.chain(costs).map(Source::not_linked).collect());
            }
        };
        let (deals, invoices, costs) = tokio::try_join!(
            async {
                let Some(readers) = reads.commercial.as_ref().filter(|_| shown.contract) else { return Ok(None) };
                Ok::<_, Error>(Some(listed(&readers.owner, &readers.deals_by_project.get(options, id).await)))
            },
            async {
                let Some(readers) = reads.receivables.of(id).filter(|_| shown.receivables) else { return Ok(None) };
                Ok(Some(match self.invoice_sums(ctx, readers, id)? {
                    Some(sums) => listed(&readers.owner, &sums.get(options, id).await),
                    None => listed(&readers.owner, &readers.by_project.get(options, id).await),
                }))
            },
            async {
                let Some(readers) = reads.costs.of(id).filter(|_| shown.spending) else { return Ok(None) };
                Ok(Some(match self.cost_sums(ctx, readers, id)? {
                    Some(sums) => listed(&readers.owner, &sums.get(options, id).await),
                    None => listed(&readers.owner, &readers.by_project.get(options, id).await),
                }))
            },
        )?;
        Ok([deals, invoices, costs].into_iter().flatten().collect())
    }
}

/// A part of the summary, if the viewer sees a figure of it.
async fn part<T>(shown: bool, read: impl Future<Output = T>) -> Option<T> {
    if shown { Some(read.await) } else { None }
}

fn zero(currency: Currency) -> domain::Money {
    domain::Money::new(Decimal::ZERO, currency)
}

/// The contract of a project's deals, and the deal that led to the project; none if no deal carries the project's ID.
fn contract(deals: &[Arc<Deal>], through: Option<&Deal>) -> Option<Contract> {
    let missing = through.is_some_and(|deal| {
        let counts = !matches!(deal.status, Some(DealStatus::Open | DealStatus::Lost));
        counts && deals.iter().all(|known| known.id != deal.id)
    });
    let mut contract = Contract::of(deals);
    if missing {
        contract.withhold();
    }
    (missing || !deals.is_empty()).then_some(contract)
}

/// Whether the records are in memory anyway: their sum is as good as the owner's, and costs no call.
fn in_memory<V: Send + Sync + 'static>(
    ctx: &Context<'_>,
    records: &Reader<ProjectId, V>,
    id: &ProjectId,
) -> Result<bool> {
    Ok(matches!(records.peek(options(ctx)?, id), Some(Ok(_))))
}

/// Where a list was read.
fn listed<V>(owner: &Owner, read: &Read<V>) -> Source {
    Source::of(owner, read, None, None)
}

/// The money of a project, computed at read time from what the owners of deals, invoices and costs state. Each figure is in
/// the currency its records share; sums across currencies are never made. A figure of which any part is unknown is null, and
/// `completeness` says why. Figures without tax: `contractValue`, `invoiced`, `leftToInvoice`, costs and margins; with tax:
/// `collected`, `outstanding`, `overdue`.
#[Object]
impl Financials {
    /// What was sold: the amounts of the won deals. Needs: commercial. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Commercial]))]
    async fn contract_value(&self, ctx: &Context<'_>) -> Result<Option<Money>> {
        let contract = self.contract(ctx).await?;
        self.amount(ctx, contract.map(|sums| sums.value.shown())).await
    }

    /// Invoiced without tax, net of credit notes; void documents and drafts are not in it. Needs: receivables. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Receivables]))]
    async fn invoiced(&self, ctx: &Context<'_>) -> Result<Option<Money>> {
        let invoiced = self.invoiced_sum(ctx).await?;
        self.amount(ctx, invoiced.map(|sum| sum.shown())).await
    }

    /// What clients paid, with tax. Needs: receivables. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Receivables]))]
    async fn collected(&self, ctx: &Context<'_>) -> Result<Option<Money>> {
        let receivables = self.receivables(ctx).await?;
        self.amount(ctx, receivables.map(|sums| sums.collected.shown())).await
    }

    /// What clients still owe, with tax, less open credit notes. Needs: receivables. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Receivables]))]
    async fn outstanding(&self, ctx: &Context<'_>) -> Result<Option<Money>> {
        let receivables = self.receivables(ctx).await?;
        self.amount(ctx, receivables.map(|sums| sums.outstanding.shown())).await
    }

    /// What clients still owe after the due date, with tax. Needs: receivables. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Receivables]))]
    async fn overdue(&self, ctx: &Context<'_>) -> Result<Option<Money>> {
        let receivables = self.receivables(ctx).await?;
        self.amount(ctx, receivables.map(|sums| sums.overdue.shown())).await
    }

    /// Contract value less invoiced. Needs: commercial and receivables. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Commercial, FactClass::Receivables]))]
    async fn left_to_invoice(&self, ctx: &Context<'_>) -> Result<Option<Money>> {
        let (contract, invoiced) = tokio::try_join!(self.contract(ctx), self.invoiced_sum(ctx))?;
        let books = Books { contract: contract.as_ref(), invoiced: invoiced.as_ref(), ..Books::default() };
        self.amount(ctx, books.left_to_invoice()).await
    }

    /// Invoiced as a percentage of contract value, to two decimals; null while nothing is sold. Needs: commercial and receivables. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Commercial, FactClass::Receivables]))]
    async fn invoiced_pct(&self, ctx: &Context<'_>) -> Result<Option<Decimal>> {
        let (contract, invoiced) = tokio::try_join!(self.contract(ctx), self.invoiced_sum(ctx))?;
        let books = Books { contract: contract.as_ref(), invoiced: invoiced.as_ref(), ..Books::default() };
        Ok(books.invoiced_pct())
    }

    /// What the project has cost: bills less vendor credits, labour, expenses. Needs: costs. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Costs]))]
    async fn actual_cost(&self, ctx: &Context<'_>) -> Result<Option<Money>> {
        let spending = self.spending(ctx).await?;
        self.amount(ctx, spending.map(|sums| sums.actual.shown())).await
    }

    /// What is ordered for it and not yet invoiced. Needs: costs. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Costs]))]
    async fn committed_cost(&self, ctx: &Context<'_>) -> Result<Option<Money>> {
        let spending = self.spending(ctx).await?;
        self.amount(ctx, spending.map(|sums| sums.committed.shown())).await
    }

    /// Invoiced less actual cost: the margin on what was invoiced so far, not on revenue recognised. Needs: margins. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Margins]))]
    async fn margin(&self, ctx: &Context<'_>) -> Result<Option<Money>> {
        let (invoiced, spending) = tokio::try_join!(self.invoiced_sum(ctx), self.spending(ctx))?;
        let books = Books { invoiced: invoiced.as_ref(), spending: spending.as_ref(), ..Books::default() };
        self.amount(ctx, books.margin()).await
    }

    /// Margin as a percentage of invoiced, to two decimals; null while nothing is invoiced. Needs: margins. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Margins]))]
    async fn margin_pct(&self, ctx: &Context<'_>) -> Result<Option<Decimal>> {
        let (invoiced, spending) = tokio::try_join!(self.invoiced_sum(ctx), self.spending(ctx))?;
        let books = Books { invoiced: invoiced.as_ref(), spending: spending.as_ref(), ..Books::default() };
        Ok(books.margin_pct())
    }

    /// What sales expected to remain of the contract value; null unless every won deal states it. Needs: margins. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Margins]))]
    async fn estimated_margin(&self, ctx: &Context<'_>) -> Result<Option<Money>> {
        Ok(self.contract(ctx).await?.and_then(|contract| contract.estimated_margin()).map(Money::from))
    }

    /// What will remain of the contract value, as a percentage of it to two decimals: contract value less `eac`. Null before
    /// any progress, or if the two are in different currencies. Needs: margins. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Margins]))]
    async fn forecast_margin_pct(&self, ctx: &Context<'_>) -> Result<Option<Decimal>> {
        let (contract, spending, progress) =
            tokio::try_join!(self.contract(ctx), self.spending(ctx), self.progress(ctx))?;
        let books = Books { contract: contract.as_ref(), spending: spending.as_ref(), progress, ..Books::default() };
        Ok(books.forecast_margin_pct())
    }

    /// Forecast margin % less estimated margin %, in percentage points to two decimals: negative is worse than sold. The
    /// forecast is contract value less `eac`. Null if either is unknown, or if they are in different currencies. Needs: margins. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Margins]))]
    async fn margin_slippage(&self, ctx: &Context<'_>) -> Result<Option<Decimal>> {
        let (contract, spending, progress) =
            tokio::try_join!(self.contract(ctx), self.spending(ctx), self.progress(ctx))?;
        let books = Books { contract: contract.as_ref(), spending: spending.as_ref(), progress, ..Books::default() };
        Ok(books.margin_slippage())
    }

    /// Budget less actual cost; the budget is contract value less estimated margin. Positive is under budget. Null if there is
    /// no estimate, or if the two are in different currencies. Needs: costs. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Costs]))]
    async fn budget_variance(&self, ctx: &Context<'_>) -> Result<Option<Money>> {
        let (contract, spending) = tokio::try_join!(self.contract(ctx), self.spending(ctx))?;
        let books = Books { contract: contract.as_ref(), spending: spending.as_ref(), ..Books::default() };
        Ok(books.budget_variance().map(Money::from))
    }

    /// Actual cost as a percentage of the budget, to two decimals; the budget is contract value less estimated margin. More
    /// than `percentComplete` is spent faster than done. Null if there is no estimate, or if the two are in different
    /// currencies. Needs: costs. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Costs]))]
    async fn budget_burned_pct(&self, ctx: &Context<'_>) -> Result<Option<Decimal>> {
        let (contract, spending) = tokio::try_join!(self.contract(ctx), self.spending(ctx))?;
        let books = Books { contract: contract.as_ref(), spending: spending.as_ref(), ..Books::default() };
        Ok(books.budget_burned_pct())
    }

    /// Estimate at completion: actual cost over percent complete, to the cent; null before any progress. Needs: costs. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup), directive = kept_for::apply(vec![FactClass::Costs]))]
    async fn eac(&self, ctx: &Context<'_>) -> Result<Option<Money>> {
        let (spending, progress) = tokio::try_join!(self.spending(ctx), self.progress(ctx))?;
        let books = Books { spending: spending.as_ref(), progress, ..Books::default() };
        Ok(books.estimate_at_completion().map(Money::from))
    }

    /// How much of what there is went into the figures. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup))]
    async fn completeness(&self, ctx: &Context<'_>) -> Result<Completeness> {
        let shown = Parts::of(&viewer(ctx)?.view);
        let (contract, receivables, spending) = tokio::join!(
            part(shown.contract, self.contract(ctx)),
            part(shown.receivables, self.receivables(ctx)),
            part(shown.spending, self.spending(ctx)),
        );
        let linked = matches!(self.0, Of::Project(..));
        let mut reasons = if linked { Vec::new() } else { vec![CompletenessReason::NotLinked] };
        let parts = [
            (
                contract.map(|part| part.map(|sums| sums.map(|sums| sums.completeness))),
                CompletenessReason::CommercialUnavailable,
                CompletenessReason::NotInCommercial,
            ),
            (
                receivables.map(|part| part.map(|sums| sums.map(|sums| sums.completeness))),
                CompletenessReason::ReceivablesUnavailable,
                CompletenessReason::NotInReceivables,
            ),
            (
                spending.map(|part| part.map(|sums| sums.map(|sums| sums.completeness))),
                CompletenessReason::CostsUnavailable,
                CompletenessReason::NotInCosts,
            ),
        ];
        let mut all = finance::Completeness::default();
        for (part, unavailable, unknown) in parts {
            match part {
                Some(Ok(Some(part))) => all = all.and(&part),
                Some(Ok(None)) if linked => reasons.push(unknown),
                // Nothing is known of it, or the viewer sees no figure of it.
                Some(Ok(None)) | None => {}
                Some(Err(_)) => reasons.push(unavailable),
            }
        }
        reasons.extend(all.reasons.into_iter().map(CompletenessReason::from));
        Ok(Completeness { included: all.included, excluded: all.excluded, reasons })
    }

    /// Where the figures were read: the source with the worst status, and of those the oldest. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup))]
    async fn source(&self, ctx: &Context<'_>) -> Result<Option<Source>> {
        let sources = self.read_sources(ctx).await?;
        let worst = sources.into_iter().max_by(|left, right| {
            let rank = |source: &Source| (source.0.status, std::cmp::Reverse(source.0.as_of));
            rank(left).cmp(&rank(right))
        });
        Ok(worst)
    }

    /// Where the figures were read, per owner. Owner: rollup.
    #[graphql(directive = owned_by::apply(OwnerDomain::Rollup))]
    async fn sources(&self, ctx: &Context<'_>) -> Result<Vec<Source>> {
        self.read_sources(ctx).await
    }
}
