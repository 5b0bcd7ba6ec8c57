//! Questions about many projects at once: the portfolio read page by page, the ready reports over it, and the lists of
//! records that BI tools load. What is read comes from [`reads`](crate::reads), what is computed from
//! [`finance`](crate::finance).

mod doctor;
mod engage;
pub mod entities;
pub mod format;
mod gather;
mod groups;
mod handover;
mod impact;
mod overdue;
mod parameters;
mod parts;
mod planned;
mod portfolio;
mod projects;
mod ready;
mod records;
mod table;

pub use doctor::Examined;
pub use format::Format;
pub use gather::Needs;
pub use handover::{DealsDetails, passing_on};
pub use impact::Impact;
pub use parameters::{Parameter, wrong};
pub use parts::{OF_CONTRACT, OF_RECEIVABLES, OF_SPENDING, Parts};
pub use portfolio::{Engaged, PAGE, Scope, distinct};
pub use ready::{Report, ShownReport};
pub use records::ProjectsSeen;
pub use table::{Cell, Column, ColumnKind, Table};

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;

use crate::access::View;
use crate::config;
use crate::domain::{Clock, Currency, DealQuery, DealStatus, Money, SharedIdRule};
use crate::finance::{Completeness, Dimension, Terms};
use crate::reads::{ReadOptions, Reads};
use crate::systems::{Connection, SystemError};

/// What reports are made from.
#[derive(Debug)]
pub struct Reports {
    /// What can be read.
    pub reads: Arc<Reads>,
    /// The connections, and how they fare.
    pub connections: Vec<Connection>,
    /// How shared IDs are spelled.
    pub shared_id: SharedIdRule,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The company's choices.
    pub settings: config::Reports,
}

/// How a report is drawn: bars, one per row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
    /// About how many batches it asks the owners for, of what is known of it: it grows with each list, and with each page of
    /// one whose owner does not say how long it is.
    pub planned: AtomicUsize,
    /// How many of these are done.
    pub made: AtomicUsize,
}

/// Why there is no report.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReportError {
    /// There is no report of this name.
    #[error("there is no report `{0}`")]
    Unknown(String),
    /// A system could not be asked, so the answer would not be whole.
    #[error("{}: {}", .0.connection, .0.kind.in_words())]
    System(Arc<SystemError>),
    /// Nobody owns deals.
    #[error("no connection owns {0}")]
    NotOwned(crate::domain::Domain),
    /// The report was given up.
    #[error("{0}")]
    Truncated(String),
    /// The report does not take this filter.
    #[error("{0}")]
    Filter(&'static str),
    /// The viewer's role does not show what the report is about.
    #[error("this report needs {0}, which the role does not show")]
    Masked(String),
}

impl Reports {
    /// The ready reports, in the order in which people see them.
    pub fn ready() -> &'static [Report] {
        &ready::READY
    }

    /// The ready reports that a role can ask, with the columns that it shows.
    pub fn shown_to(view: &View) -> Vec<ShownReport> {
        Self::ready().iter().filter_map(|report| report.shown_to(view)).collect()
    }

    /// Answers a ready report: whole, or not at all.
    pub async fn run(
        &self,
        name: &str,
        filter: &Filter,
        options: &ReadOptions,
        progress: &Progress,
    ) -> Result<Table, ReportError> {
        let report = Self::ready().iter().find(|report| report.name == name);
        let report = report.ok_or_else(|| ReportError::Unknown(name.to_owned()))?;
        let view = &options.viewer.view;
        let asked = filter.fields().find(|field| !view.may(field)).map(str::to_owned);
        if let Some(masked) = asked.or_else(|| report.masked(view)) {
            return Err(ReportError::Masked(masked));
        }
        let table = report.make(self, filter, options, progress).await?;
        Ok(table.shown_to(view))
    }

    /// How a portfolio is told: in a currency, else in that of the configuration, else in each one's own.
    pub fn terms(&self, currency: Option<Currency>, dimensions: Vec<Dimension>) -> Terms {
        let support = &self.settings.support;
        let hour_cost = support.hour_cost.zip(support.currency);
        Terms {
            dimensions,
            measures: Vec::new(),
            currency: currency.or(self.settings.currency.map(|currency| currency.0)),
            rates: self.settings.exchange(),
            bands: self.settings.deal_size_bands.iter().map(|bound| bound.0).collect(),
            hour_cost: hour_cost.map(|(amount, currency)| Money::new(amount.0, currency.0)),
            support_in_costs: support.in_costs == Some(true),
            keep_deals: false,
        }
    }

    fn table(
        &self,
        columns: &[Column],
        rows: Vec<Vec<Cell>>,
        completeness: Completeness,
        converted: bool,
        options: &ReadOptions,
    ) -> Table {
        let rates = self.settings.exchange().filter(|_| converted);
        Table { columns: columns.to_vec(), rows, as_of: self.as_of(options), completeness, rates }
    }

    /// Calls made since the start: what the systems count against their quotas.
    pub fn calls(&self) -> u64 {
        self.connections.iter().filter_map(Connection::health).map(|health| health.calls).sum()
    }

    /// When the oldest value that a question read was read.
    pub fn as_of(&self, options: &ReadOptions) -> Timestamp {
        let now = self.clock.now();
        let age = options.observed.age(self.clock.monotonic()).unwrap_or_default();
        now.checked_sub(age).unwrap_or(now)
    }
}

impl Filter {
    /// The fields that it looks at.
    fn fields(&self) -> impl Iterator<Item = &'static str> {
        [
            (self.status.is_some(), "Deal.status"),
            (self.vertical.is_some(), "Deal.vertical"),
            (self.deal_type.is_some(), "Deal.dealType"),
            (self.pipeline.is_some(), "Deal.pipeline"),
            (self.closed_from.is_some() || self.closed_to.is_some(), "Deal.closeDate"),
        ]
        .into_iter()
        .filter_map(|(is_given, field)| is_given.then_some(field))
    }

    /// The deals that lead the projects it is about.
    fn query(&self) -> DealQuery {
        DealQuery {
            status: self.status,
            pipeline: self.pipeline.clone(),
            vertical: self.vertical.clone(),
            deal_type: self.deal_type.clone(),
            closed_from: self.closed_from,
            closed_to: self.closed_to,
            ..DealQuery::default()
        }
    }
}
