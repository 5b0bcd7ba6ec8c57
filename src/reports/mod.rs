//! Questions about many projects at once: the portfolio read page by page, the ready reports over it, and the lists of
//! records that BI tools load. What is read comes from [`reads`](crate::reads), what is computed from
//! [`finance`](crate::finance).

mod table;

pub use table::{Cell, Column, ColumnKind, Table};

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use jiff::civil::Date;

use crate::config;
use crate::domain::{Clock, Currency, DealStatus, SharedIdRule};
use crate::reads::{ReadOptions, Reads};
use crate::systems::SystemError;

/// What reports are made from.
#[derive(Debug)]
pub struct Reports {
    /// What can be read.
    pub reads: Arc<Reads>,
    /// How shared IDs are spelled.
    pub shared_id: SharedIdRule,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The company's choices.
    pub settings: config::Reports,
}

/// A ready report.
#[derive(Debug, Clone, Copy)]
pub struct Report {
    /// Its name in addresses: `margin-by-vertical`.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// The question it answers.
    pub question: &'static str,
    /// Its columns.
    pub columns: &'static [Column],
    /// How a person wants to see it.
    pub chart: Option<Chart>,
}

/// How a report is drawn: bars, one per row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chart {
    /// The column with the names of the bars.
    pub label: &'static str,
    /// The column with their lengths.
    pub value: &'static str,
}

/// Which deals a report is about. All that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// In this state.
    pub status: Option<DealStatus>,
    /// In this vertical.
    pub vertical: Option<String>,
    /// Of this type.
    pub deal_type: Option<String>,
    /// In this pipeline, by its label.
    pub pipeline: Option<String>,
    /// With a close date not before this day.
    pub closed_from: Option<Date>,
    /// With a close date not after this day.
    pub closed_to: Option<Date>,
    /// The currency of the figures.
    pub currency: Option<Currency>,
}

/// How far a report is.
#[derive(Debug, Default)]
pub struct Progress {
    /// Deals that were looked at.
    pub done: AtomicUsize,
    /// How many there are, once the owner said so; 0 before.
    pub total: AtomicUsize,
}

/// Why there is no report.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReportError {
    /// There is no report of this name.
    #[error("there is no report `{0}`")]
    Unknown(String),
    /// A system could not be asked, so the answer would not be whole.
    #[error("{}: {}", .0.connection, .0.kind.message())]
    System(Arc<SystemError>),
    /// Nobody owns deals.
    #[error("no connection owns {0}")]
    NotOwned(crate::domain::Domain),
    /// The report was given up.
    #[error("{0}")]
    Truncated(String),
}

impl Reports {
    /// The ready reports, in the order in which people see them.
    pub fn ready() -> &'static [Report] {
        &[]
    }

    /// Answers a ready report: whole, or not at all.
    pub async fn run(
        &self,
        name: &str,
        filter: &Filter,
        options: &ReadOptions,
        progress: &Progress,
    ) -> Result<Table, ReportError> {
        let _ = (filter, options, progress);
        Err(ReportError::Unknown(name.to_owned()))
    }
}
