//! Pure arithmetic on what the owners stated: sums that keep their currencies apart, the financials of a project, and the
//! profitability of a portfolio.

mod books;
mod engagement;
mod figure;
mod financials;
mod handover;
pub mod metrics;
mod profitability;
#[cfg(test)]
mod profitability_tests;
mod sums;

pub use books::{Books, Shown};
pub use engagement::{Basis, Engagement, Measure, Part, Statement, Support};
pub use figure::{Figure, percent};
pub use financials::{
    Completeness, Contract, Exclusion, Receivables, Spending, estimate_at_completion, margin_slippage, percent_complete,
};
pub use handover::{Handover, HandoverItem};
pub use profitability::{Attributes, Dimension, Group, Member, Profitability, Terms};
pub use sums::Sums;
