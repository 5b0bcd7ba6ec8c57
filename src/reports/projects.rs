//! Reports with one row per project.

use std::cmp::Reverse;
use std::sync::Arc;

use rust_decimal::Decimal;

use super::portfolio::{Engaged, Scope};
use super::table::{Cell, Column};
use super::{Filter, Needs, Progress, ReportError, Reports, Table};
use crate::access::View;
use crate::domain::{DealStatus, Health, Project, ProjectStatus};
use crate::finance::metrics::{self, MARGIN_SLIPPAGE, Metric};
use crate::finance::{Completeness, Dimension, HandoverItem, Measure, Sums, Terms};
use crate::reads::ReadOptions;

/// Slippage, in percentage points, from which a project is at risk.
const SLIPPED: i64 = -5;

/// Which projects, and what of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Projects {
    pub(super) metrics: &'static [Metric],
    pub(super) choice: Choice,
}

/// Which projects have a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Choice {
    /// All, by their IDs.
    All,
    /// Those whose slippage is known, the worst first.
    Slippage,
    /// Those with a sign of risk, the most signs first.
    AtRisk,
    /// Those that are sold and do not inherit all that sales knew, the most missing first.
    IncompleteHandover,
}

impl Choice {
    /// The field without which nobody could choose.
    pub(super) fn field(self) -> Option<&'static str> {
        match self {
            Self::All | Self::AtRisk => None,
            Self::Slippage => Some("ProfitabilityRow.marginSlippage"),
            Self::IncompleteHandover => Some("Project.handover"),
        }
    }
}

pub(super) const PROJECT_ID: Column = Column::text("project_id", "Project", "The shared ID of the project.");
pub(super) const PROJECT: Column =
    Column::text("project", "Name", "The project's name; empty if the owner of projects does not know it.")
        .of("Project.name");
pub(super) const MANAGER: Column =
    Column::text("manager", "Manager", "The project's manager; empty if nobody is named.").of("Project.manager");
pub(super) const STATUS: Column =
    Column::text("status", "Status", "Whether the project runs; empty if its owner does not know it.")
        .of("Project.status");
pub(super) const HEALTH: Column =
    Column::text("health", "Health", "As the delivery team set it; empty if nobody did.").of("Project.health");
pub(super) const HEALTH_REASON: Column =
    Column::text("health_reason", "Reason", "Why the health is so, in the team's words.").of("Project.healthReason");
pub(super) const START_DATE: Column =
    Column::date("start_date", "Start", "Start of the project; empty if nobody states it.").of("Project.startDate");
pub(super) const DUE_DATE: Column =
    Column::date("due_date", "Due", "When the project is due; empty if nobody states it.").of("Project.dueDate");
pub(super) const CLOSE_DATE: Column =
    Column::date("close_date", "Closed", "Close date of the deal that the project began with.").of("Deal.closeDate");
pub(super) const SIGNS: Column = Column::text(
    "signs",
    "Signs",
    "Why it is at risk, separated by spaces: HEALTH_RED, HEALTH_AMBER, LATE, OVER_BUDGET, MARGIN_SLIPPED, OVERDUE_INVOICES.",
);

pub(super) const DEAL_OWNER: Column =
    Column::text("deal_owner", "Deal owner", "Who sold it; empty if nobody is named.").of("Deal.owner");
pub(super) const MISSING: Column = Column::text(
    "missing",
    "Missing",
    "What the project does not inherit, separated by spaces: SCOPE, PRICING, CONTACTS, SIGNED_PROPOSAL, NOTES.",
)
.of("Project.handover");
pub(super) const PRESENT: Column =
    Column::text("present", "Present", "What it inherits, in the same words.").of("Project.handover");
pub(super) const UNKNOWN: Column =
    Column::text("unknown", "Unknown", "What could not be told, because the CRM does not keep it, in the same words.")
        .of("Project.handover");

/// A row, and what it is ordered by.
struct Row {
    cells: Vec<Cell>,
    order: (Reverse<usize>, Option<Decimal>, Arc<str>),
}

/// Makes the report.
pub(super) async fn table(
    reports: &Reports,
    projects: &Projects,
    columns: &'static [Column],
    filter: &Filter,
    options: &ReadOptions,
    progress: &Progress,
) -> Result<Table, ReportError> {
    let view = &options.viewer.view;
    let shown = projects.metrics.iter().filter(|metric| view.may(&metrics::field(metric.name)));
    let measures: Vec<_> = shown.flat_map(|metric| metric.measures.iter().copied()).collect();
    let handover = projects.choice == Choice::IncompleteHandover;
    let needs = Needs { handover, ..Needs::of(measures.iter().copied()).by(Dimension::Client).by(Dimension::Health) };
    let scope = Scope { query: filter.query(), needs };
    let terms = Terms { measures, ..reports.terms(filter.currency, Vec::new()) };
    let today = reports.clock.today();
    let mut rows: Vec<Row> = Vec::new();
    let (mut completeness, mut converted) = (Completeness::default(), false);
    let mut visit = |engaged: Engaged<'_>| {
        let Some(id) = engaged.project else { return };
        let (statement, currency) = terms.statement(&engaged.engagement, &engaged.attributes);
        let mut sums = Sums::default();
        sums.add(&statement);
        let slippage = MARGIN_SLIPPAGE.of(&sums);
        let signs = signs(engaged.header.as_deref(), &sums, today, view);
        let (wanted, order) = match projects.choice {
            Choice::All => (true, (Reverse(0), None)),
            Choice::Slippage => (slippage.is_some(), (Reverse(0), slippage)),
            Choice::IncompleteHandover => {
                let missing = engaged.handover.as_ref().map_or(0, |handover| handover.missing.len());
                let won = engaged.deals.iter().any(|deal| deal.status == Some(DealStatus::Won));
                (won && missing > 0, (Reverse(missing), None))
            }
            Choice::AtRisk => (!signs.is_empty(), (Reverse(signs.len()), slippage)),
        };
        if !wanted {
            return;
        }
        completeness = std::mem::take(&mut completeness).and(&sums.completeness);
        converted |= sums.converted;
        let mut metrics = projects.metrics.iter();
        let cell = |column: &Column| {
            of_the_project(column.name, &engaged)
                .or_else(|| match column.name {
                    "project_id" => Some(Cell::text(id.as_str())),
                    "currency" => Some(currency.map_or(Cell::Empty, |currency| Cell::text(currency.code()))),
                    "signs" => Some(Cell::Text(signs.join(" "))),
                    "reasons" => Some(Cell::reasons(&sums.completeness)),
                    _ => None,
                })
                .or_else(|| metrics.next().map(|metric| Cell::metric(metric, &sums)))
                .unwrap_or(Cell::Empty)
        };
        let cells = columns.iter().map(cell).collect();
        rows.push(Row { cells, order: (order.0, order.1, id.as_str().into()) });
    };
    reports.walk_whole(&scope, options, progress, &mut visit).await?;
    rows.sort_by(|one, other| one.order.cmp(&other.order));
    let rows = rows.into_iter().map(|row| row.cells).collect();
    Ok(reports.table(columns, rows, completeness, converted, options))
}

/// What is known of a project beside its figures.
fn of_the_project(column: &str, engaged: &Engaged<'_>) -> Option<Cell> {
    let header = engaged.header.as_deref();
    let attributes = &engaged.attributes;
    let text = Cell::maybe;
    let date = |date: Option<jiff::civil::Date>| date.map_or(Cell::Empty, Cell::Date);
    Some(match column {
        "project" => text(header.and_then(|header| header.name.as_deref())),
        "client_id" => text(attributes.client.as_deref()),
        "client" => text(attributes.client_name.as_deref()),
        "vertical" => text(attributes.vertical.as_deref()),
        "deal_type" => text(attributes.deal_type.as_deref()),
        "country" => text(attributes.country.as_deref()),
        "manager" => text(attributes.manager.as_deref()),
        "status" => text(header.map(|header| status(&header.status))),
        "health" => text(attributes.health.as_deref()),
        "health_reason" => text(header.and_then(|header| header.health_reason.as_deref())),
        "deal_owner" => text(attributes.deal_owner.as_deref()),
        "missing" => items(engaged.handover.as_ref().map(|handover| &handover.missing)),
        "present" => items(engaged.handover.as_ref().map(|handover| &handover.present)),
        "unknown" => items(engaged.handover.as_ref().map(|handover| &handover.unknown)),
        "start_date" => date(header.and_then(|header| header.start_date)),
        "due_date" => date(header.and_then(|header| header.due_date)),
        "close_date" => date(attributes.close_date),
        _ => return None,
    })
}

fn items(items: Option<&Vec<HandoverItem>>) -> Cell {
    let words: Vec<&str> = items.into_iter().flatten().map(|item| item.as_str()).collect();
    if words.is_empty() { Cell::Empty } else { Cell::Text(words.join(" ")) }
}

fn status(status: &ProjectStatus) -> &str {
    match status {
        ProjectStatus::Planned => "PLANNED",
        ProjectStatus::Active => "ACTIVE",
        ProjectStatus::OnHold => "ON_HOLD",
        ProjectStatus::Completed => "COMPLETED",
        ProjectStatus::Cancelled => "CANCELLED",
        ProjectStatus::Unknown(word) => word,
    }
}

/// Why a project is at risk, by what a role shows. Measures that it does not show were not asked for, and are unknown.
fn signs(header: Option<&Project>, sums: &Sums, today: jiff::civil::Date, view: &View) -> Vec<&'static str> {
    let over =
        header.is_some_and(|header| matches!(header.status, ProjectStatus::Completed | ProjectStatus::Cancelled));
    let health = header.filter(|_| !over && view.may("Project.health")).and_then(|header| header.health.as_ref());
    let late = header
        .filter(|_| !over && view.may("Project.dueDate"))
        .and_then(|header| header.due_date)
        .is_some_and(|due| due < today);
    let amount = |measure| sums.of(measure).unwrap_or_default();
    [
        (health == Some(&Health::Red), "HEALTH_RED"),
        (health == Some(&Health::Amber), "HEALTH_AMBER"),
        (late, "LATE"),
        (!over && amount(Measure::BudgetVariance) < Decimal::ZERO, "OVER_BUDGET"),
        (!over && MARGIN_SLIPPAGE.of(sums).is_some_and(|points| points <= Decimal::from(SLIPPED)), "MARGIN_SLIPPED"),
        (amount(Measure::Overdue) > Decimal::ZERO, "OVERDUE_INVOICES"),
    ]
    .into_iter()
    .filter_map(|(holds, sign)| holds.then_some(sign))
    .collect()
}
