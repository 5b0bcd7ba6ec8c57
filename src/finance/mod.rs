//! Pure arithmetic on what the owners stated: sums that keep their currencies apart, and the financials of a project.

mod figure;
mod financials;

pub use figure::{Figure, percent};
pub use financials::{
    Completeness, Contract, Exclusion, Receivables, Spending, estimate_at_completion, margin_slippage, percent_complete,
};
