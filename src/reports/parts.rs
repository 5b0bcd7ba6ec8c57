//! The parts that the money of a project is made of, by what each is needed for.

use crate::access::View;

/// Figures of `Financials` that need the deals.
pub const OF_CONTRACT: [&str; 8] = [
    "contractValue",
    "leftToInvoice",
    "invoicedPct",
    "estimatedMargin",
    "forecastMarginPct",
    "marginSlippage",
    "budgetVariance",
    "budgetBurnedPct",
];
/// Figures of `Financials` that need the invoices.
pub const OF_RECEIVABLES: [&str; 8] =
    ["invoiced", "collected", "outstanding", "overdue", "leftToInvoice", "invoicedPct", "margin", "marginPct"];
/// Figures of `Financials` that need the costs.
pub const OF_SPENDING: [&str; 9] = [
    "actualCost",
    "committedCost",
    "margin",
    "marginPct",
    "forecastMarginPct",
    "marginSlippage",
    "budgetVariance",
    "budgetBurnedPct",
    "eac",
];

/// The parts of the money that a viewer sees a figure of: the others are not read, and nothing is said of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parts {
    /// The deals.
    pub contract: bool,
    /// The invoices.
    pub receivables: bool,
    /// The costs.
    pub spending: bool,
}

impl Parts {
    /// Those of a view.
    pub fn of(view: &View) -> Self {
        let sees = |figures: &[&str]| {
            view.is_unmasked() || figures.iter().any(|figure| view.may(&format!("Financials.{figure}")))
        };
        Self { contract: sees(&OF_CONTRACT), receivables: sees(&OF_RECEIVABLES), spending: sees(&OF_SPENDING) }
    }
}
