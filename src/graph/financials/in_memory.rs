//! The figures that are in memory, written at once.

use std::cell::OnceCell;

use rust_decimal::Decimal;

use super::{Financials, Of, contract, zero};
use crate::domain;
use crate::finance::{Books, Contract, Figure, Receivables, Shown, Spending};
use crate::graph::direct::{Deferred, Direct, Json, Scene, Selected, Written, known, money, object, resolved};
use crate::graph::project::Project;
use crate::graph::wave::Pushdown;
use crate::reports::Parts;

/// The parts of the sums as they are in memory, each summed once for all figures.
struct InMemory<'s, 'a> {
    of: &'s Of,
    pushdown: Pushdown,
    scene: &'s Scene<'a>,
    contract: OnceCell<Option<Contract>>,
    receivables: OnceCell<Option<Receivables>>,
    invoiced: OnceCell<Option<Figure>>,
    spending: OnceCell<Option<Spending>>,
}

type Known<T> = Result<T, Deferred>;

impl<'s, 'a> InMemory<'s, 'a> {
    fn new(Financials(of, pushdown): &'s Financials, scene: &'s Scene<'a>) -> Self {
        Self {
            of,
            pushdown: *pushdown,
            scene,
            contract: OnceCell::new(),
            receivables: OnceCell::new(),
            invoiced: OnceCell::new(),
            spending: OnceCell::new(),
        }
    }

    fn contract(&self) -> Known<Option<&Contract>> {
        if let Some(contract) = self.contract.get() {
            return Ok(contract.as_ref());
        }
        let sums = match self.of {
            Of::Unlinked(deal) => Some(Contract::of(std::slice::from_ref(deal))),
            Of::Project(id, through) => {
                let commercial = self.scene.spine.reads.commercial.as_ref().ok_or(Deferred)?;
                let deals = known(Some(&commercial.deals_by_project), id, self.scene)?.value;
                contract(deals.as_deref().map(Vec::as_slice).unwrap_or_default(), through.as_deref())
            }
        };
        Ok(self.contract.get_or_init(|| sums).as_ref())
    }

    fn receivables(&self) -> Known<Option<&Receivables>> {
        let Of::Project(id, _) = self.of else { return Ok(None) };
        if let Some(receivables) = self.receivables.get() {
            return Ok(receivables.as_ref());
        }
        let invoices = self.scene.spine.reads.receivables.of(id).map(|receivables| &receivables.by_project);
        let sums = known(invoices, id, self.scene)?.value.map(|list| Receivables::of(list.iter(), self.scene.today));
        Ok(self.receivables.get_or_init(|| sums).as_ref())
    }

    fn invoiced(&self) -> Known<Option<&Figure>> {
        let Of::Project(id, _) = self.of else { return Ok(None) };
        if let Some(invoiced) = self.invoiced.get() {
            return Ok(invoiced.as_ref());
        }
        let readers = self.scene.spine.reads.receivables.of(id).ok_or(Deferred)?;
        match (self.receivables(), readers.sums.as_ref().filter(|_| self.pushdown.invoiced)) {
            (Err(Deferred), Some(sums)) => {
                let sum = known(Some(sums), id, self.scene)?.value.map(|sums| Figure::of_sums(&sums));
                Ok(self.invoiced.get_or_init(|| sum).as_ref())
            }
            (receivables, _) => Ok(receivables?.map(|sums| &sums.invoiced)),
        }
    }

    fn spending(&self) -> Known<Option<&Spending>> {
        let Of::Project(id, _) = self.of else { return Ok(None) };
        if let Some(spending) = self.spending.get() {
            return Ok(spending.as_ref());
        }
        let readers = self.scene.spine.reads.costs.of(id).ok_or(Deferred)?;
        let costs = known(Some(&readers.by_project), id, self.scene);
        let sums = match (costs, readers.sums.as_ref().filter(|_| self.pushdown.costs)) {
            (Err(Deferred), Some(sums)) => {
                known(Some(sums), id, self.scene)?.value.map(|sums| Spending::of_sums(&sums))
            }
            (costs, _) => costs?.value.map(|list| Spending::of(list.iter())),
        };
        Ok(self.spending.get_or_init(|| sums).as_ref())
    }

    fn progress(&self) -> Known<Option<Decimal>> {
        match self.of {
            Of::Project(id, _) => Project::new(id.clone()).known_progress(self.scene),
            Of::Unlinked(_) => Ok(None),
        }
    }

    fn amount(&self, figure: Option<Shown>) -> Known<Option<domain::Money>> {
        match figure {
            Some(Shown::Amount(money)) => Ok(money),
            Some(Shown::Zero) => {
                let shown = Parts::of(&self.scene.options.viewer.view);
                let mut currency = None;
                if shown.contract {
                    currency = self.contract()?.and_then(|contract| contract.value.currency());
                }
                if shown.receivables && currency.is_none() {
                    currency = self.invoiced()?.and_then(Figure::currency);
                }
                if shown.spending && currency.is_none() {
                    currency = self.spending()?.and_then(|spending| spending.actual.currency());
                }
                Ok(currency.map(zero))
            }
            None => Ok(None),
        }
    }
}

impl Direct for Financials {
    fn write(&self, fields: &[Selected], scene: &Scene<'_>, json: &mut Json) -> Written {
        let sums = InMemory::new(self, scene);
        object::<Self>(fields, json, |field, json| {
            let amount = match field.name() {
                "contractValue" => sums.contract()?.map(|sums| sums.value.shown()),
                "invoiced" => sums.invoiced()?.map(Figure::shown),
                "collected" => sums.receivables()?.map(|sums| sums.collected.shown()),
                "outstanding" => sums.receivables()?.map(|sums| sums.outstanding.shown()),
                "overdue" => sums.receivables()?.map(|sums| sums.overdue.shown()),
                "actualCost" => sums.spending()?.map(|sums| sums.actual.shown()),
                "committedCost" => sums.spending()?.map(|sums| sums.committed.shown()),
                "leftToInvoice" => {
                    let (contract, invoiced) = (sums.contract()?, sums.invoiced()?);
                    Books { contract, invoiced, ..Books::default() }.left_to_invoice()
                }
                "margin" => {
                    let (invoiced, spending) = (sums.invoiced()?, sums.spending()?);
                    Books { invoiced, spending, ..Books::default() }.margin()
                }
                "estimatedMargin" => Some(Shown::Amount(sums.contract()?.and_then(Contract::estimated_margin))),
                "budgetVariance" => {
                    let (contract, spending) = (sums.contract()?, sums.spending()?);
                    Some(Shown::Amount(Books { contract, spending, ..Books::default() }.budget_variance()))
                }
                "eac" => {
                    let (spending, progress) = (sums.spending()?, sums.progress()?);
                    Some(Shown::Amount(Books { spending, progress, ..Books::default() }.estimate_at_completion()))
                }
                name => {
                    let percent = match name {
                        "invoicedPct" => {
                            let (contract, invoiced) = (sums.contract()?, sums.invoiced()?);
                            Books { contract, invoiced, ..Books::default() }.invoiced_pct()
                        }
                        "marginPct" => {
                            let (invoiced, spending) = (sums.invoiced()?, sums.spending()?);
                            Books { invoiced, spending, ..Books::default() }.margin_pct()
                        }
                        "budgetBurnedPct" => {
                            let (contract, spending) = (sums.contract()?, sums.spending()?);
                            Books { contract, spending, ..Books::default() }.budget_burned_pct()
                        }
                        "forecastMarginPct" => {
                            let (contract, spending) = (sums.contract()?, sums.spending()?);
                            Books { contract, spending, progress: sums.progress()?, ..Books::default() }
                                .forecast_margin_pct()
                        }
                        "marginSlippage" => {
                            let (contract, spending) = (sums.contract()?, sums.spending()?);
                            Books { contract, spending, progress: sums.progress()?, ..Books::default() }
                                .margin_slippage()
                        }
                        _ => return resolved(self, field, scene, json),
                    };
                    match percent {
                        Some(percent) => json.decimal(percent),
                        None => json.null(),
                    }
                    return Ok(());
                }
            };
            money(sums.amount(amount)?, field, scene, json)
        })
    }
}
