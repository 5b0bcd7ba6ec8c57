//! Pure arithmetic on what the owners stated: sums that keep their currencies apart, and the financials of a project.

mod books;
mod figure;
mod financials;

pub use books::{Books, Shown};
pub use figure::{Figure, percent};
pub use financials::{
    Completeness, Contract, Exclusion, Receivables, Spending, estimate_at_completion, margin_slippage, percent_complete,
};
