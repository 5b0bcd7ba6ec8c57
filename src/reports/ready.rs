//! The ready reports: each a question that people ask, with the columns that answer it.

use std::borrow::Cow;

use serde::Serialize;

use super::groups::{self, Groups, Order};
use super::projects::{self, Projects};
use super::table::{Column, ColumnKind};
use super::{Chart, Filter, Progress, ReportError, Reports, Table, overdue};
use crate::access::View;
use crate::domain::Class;
use crate::finance::Dimension;
use crate::finance::metrics::{self as m, Metric};
use crate::reads::ReadOptions;

/// A ready report.
#[derive(Debug, Clone, Copy, Serialize)]
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
    #[serde(skip)]
    make: Make,
}

/// How a report is made.
#[derive(Debug, Clone, Copy)]
enum Make {
    /// One row per group of engagements.
    Groups(Groups),
    /// One row per project.
    Projects(Projects),
    /// One row per overdue invoice.
    Overdue,
}

pub(super) const CURRENCY: Column = Column::text(
    "currency",
    "Currency",
    "The currency of the amounts in this row; empty if nothing in it has an amount.",
);
pub(super) const INCLUDED: Column = Column::new(
    "included",
    "Included",
    ColumnKind::Count,
    "Projects, and deals without one, that are whole in the figures of this row.",
);
pub(super) const EXCLUDED: Column = Column::new(
    "excluded",
    "Excluded",
    ColumnKind::Count,
    "Projects, and deals without one, of which an amount is unknown: it is not in the sum it belongs in.",
);
pub(super) const REASONS: Column =
    Column::text("reasons", "Reasons", "Why something is excluded, separated by spaces; empty if nothing is.");
const VERTICAL: Column =
    Column::text("vertical", "Vertical", "Vertical of the deal; (unassigned) if nobody states it.").of("Deal.vertical");
const COUNTRY: Column =
    Column::text("country", "Country", "Country of the client; (unassigned) if nobody states it.").of("Client.country");
const DEAL_TYPE: Column =
    Column::text("deal_type", "Project type", "Type of the deal; (unassigned) if nobody states it.")
        .of("Deal.dealType");
const DEAL_SIZE: Column = Column::text(
    "deal_size",
    "Deal size",
    "Band of the contract value in the row's currency; (unassigned) if it is unknown or nothing is sold.",
)
.of("ProfitabilityRow.contractValue");
const CLIENT_ID: Column =
    Column::text("client_id", "Client ID", "The client's record ID in the CRM; empty if there is none.")
        .of("Deal.client");
const CLIENT: Column =
    Column::text("client", "Client", "The client's name; (unassigned) if the deal has none.").of("Deal.client");

/// The columns of a report by groups: what they have in common, the currency, the metrics, and how whole they are.
macro_rules! by_groups {
    ($name:ident: [$($member:expr),+] [$($metric:ident),+]) => {
        mod $name {
            use super::*;
            pub(super) static COLUMNS: [Column; 4 + [$($member),+].len() + [$(m::$metric),+].len()] =
                [$($member,)+ CURRENCY, $(Column::metric(&m::$metric),)+ INCLUDED, EXCLUDED, REASONS];
            pub(super) static METRICS: [Metric; [$(m::$metric),+].len()] = [$(m::$metric),+];
        }
    };
}

by_groups!(margin_by_vertical: [VERTICAL]
    [DEALS, PROJECTS, CONTRACT_VALUE, INVOICED, ACTUAL_COST, MARGIN, MARGIN_BASE, MARGIN_PCT, ESTIMATED_MARGIN, ESTIMATED_MARGIN_BASE, ESTIMATED_MARGIN_PCT]);
by_groups!(margin_by_client: [CLIENT_ID, CLIENT]
    [DEALS, PROJECTS, CONTRACT_VALUE, INVOICED, ACTUAL_COST, MARGIN, MARGIN_BASE, MARGIN_PCT, OUTSTANDING, OVERDUE, CREDIT_SALES, DSO]);
by_groups!(margin_by_type: [DEAL_TYPE]
    [DEALS, PROJECTS, CONTRACT_VALUE, INVOICED, ACTUAL_COST, MARGIN, MARGIN_BASE, MARGIN_PCT, FORECAST_MARGIN, FORECAST_MARGIN_BASE, FORECAST_MARGIN_PCT]);
by_groups!(overruns_by_size: [DEAL_SIZE]
    [PROJECTS, BUDGETED_PROJECTS, OVER_BUDGET_PROJECTS, OVER_BUDGET_PCT, CONTRACT_VALUE, BUDGET_COST, ACTUAL_COST, COMMITTED_COST, BUDGET_VARIANCE]);
by_groups!(support_by_client: [CLIENT_ID, CLIENT]
    [PROJECTS, SUPPORT_TICKETS, SUPPORT_HOURS, SUPPORT_COST, INVOICED, MARGIN, TRUE_MARGIN, TRUE_MARGIN_BASE, TRUE_MARGIN_PCT]);
by_groups!(revenue_by_segment: [VERTICAL, COUNTRY]
    [DEALS, PROJECTS, CONTRACT_VALUE, INVOICED, LEFT_TO_INVOICE, COLLECTED, OUTSTANDING, RECOGNISED, BACKLOG, WIP]);

/// The columns of a report by projects.
macro_rules! by_projects {
    ($name:ident: [$($before:expr),+] [$($metric:ident),+] [$($after:expr),*]) => {
        mod $name {
            use super::*;
            use projects::*;
            pub(super) static COLUMNS: [Column; 1 + [$($before),+].len() + [$(m::$metric),+].len() + { const AFTER: &[Column] = &[$($after),*]; AFTER.len() }] =
                [$($before,)+ CURRENCY, $(Column::metric(&m::$metric),)+ $($after),*];
            pub(super) static METRICS: [Metric; [$(m::$metric),+].len()] = [$(m::$metric),+];
        }
    };
}

by_projects!(slippage: [PROJECT_ID, PROJECT, CLIENT, VERTICAL, MANAGER]
    [CONTRACT_VALUE, ESTIMATED_MARGIN, ESTIMATED_MARGIN_PCT, ACTUAL_COST, EAC, FORECAST_MARGIN, FORECAST_MARGIN_PCT, SLIPPAGE, MARGIN_SLIPPAGE] []);
by_projects!(at_risk: [PROJECT_ID, PROJECT, CLIENT, VERTICAL, MANAGER, STATUS, HEALTH, HEALTH_REASON, DUE_DATE]
    [CONTRACT_VALUE, BUDGET_COST, ACTUAL_COST, BUDGET_VARIANCE, MARGIN_SLIPPAGE, OVERDUE] [SIGNS]);
by_projects!(handovers: [PROJECT_ID, PROJECT, CLIENT, DEAL_OWNER, MANAGER, CLOSE_DATE, MISSING, PRESENT, UNKNOWN]
    [CONTRACT_VALUE] []);
by_projects!(kpis: [PROJECT_ID, PROJECT, CLIENT_ID, CLIENT, VERTICAL, DEAL_TYPE, COUNTRY, MANAGER, STATUS, HEALTH, START_DATE, DUE_DATE, CLOSE_DATE]
    [DEALS, CONTRACT_VALUE, INVOICED, LEFT_TO_INVOICE, COLLECTED, OUTSTANDING, OVERDUE, ACTUAL_COST, COMMITTED_COST, MARGIN, MARGIN_PCT,
     ESTIMATED_MARGIN, ESTIMATED_MARGIN_PCT, BUDGET_COST, BUDGET_VARIANCE, EAC, FORECAST_MARGIN, FORECAST_MARGIN_PCT, MARGIN_SLIPPAGE,
     RECOGNISED, BACKLOG, WIP, HOURS_BUDGETED, HOURS_SPENT, SUPPORT_TICKETS, SUPPORT_HOURS, SUPPORT_COST, TRUE_MARGIN, TRUE_MARGIN_PCT]
    [REASONS]);

/// All ready reports, in the order in which people see them.
pub(super) static READY: [Report; 11] = [
    Report {
        name: "margin-by-vertical",
        title: "Margin by vertical",
        question: "Which vertical actually generates the best margins?",
        columns: &margin_by_vertical::COLUMNS,
        chart: Some(Chart { label: "vertical", value: "margin" }),
        make: Make::Groups(Groups {
            dimensions: &[Dimension::Vertical],
            metrics: &margin_by_vertical::METRICS,
            order: Order::Descending(&m::MARGIN),
        }),
    },
    Report {
        name: "budget-overruns-by-deal-size",
        title: "Budget overruns by deal size",
        question: "Which deal sizes consistently run over budget?",
        columns: &overruns_by_size::COLUMNS,
        chart: Some(Chart { label: "deal_size", value: "over_budget_pct" }),
        make: Make::Groups(Groups {
            dimensions: &[Dimension::DealSize],
            metrics: &overruns_by_size::METRICS,
            order: Order::Members,
        }),
    },
    Report {
        name: "support-cost-by-client",
        title: "Support cost by client",
        question: "Which clients have the highest support cost after the close?",
        columns: &support_by_client::COLUMNS,
        chart: Some(Chart { label: "client", value: "support_cost" }),
        make: Make::Groups(Groups {
            dimensions: &[Dimension::Client],
            metrics: &support_by_client::METRICS,
            order: Order::Descending(&m::SUPPORT_COST),
        }),
    },
    Report {
        name: "revenue-by-segment",
        title: "Revenue by segment",
        question: "Where does the revenue come from, and what is still to come?",
        columns: &revenue_by_segment::COLUMNS,
        chart: Some(Chart { label: "vertical", value: "invoiced" }),
        make: Make::Groups(Groups {
            dimensions: &[Dimension::Vertical, Dimension::Country],
            metrics: &revenue_by_segment::METRICS,
            order: Order::Members,
        }),
    },
    Report {
        name: "margin-by-client",
        title: "Margin by client",
        question: "Which clients are worth their while, and which pay late?",
        columns: &margin_by_client::COLUMNS,
        chart: Some(Chart { label: "client", value: "margin" }),
        make: Make::Groups(Groups {
            dimensions: &[Dimension::Client],
            metrics: &margin_by_client::METRICS,
            order: Order::Descending(&m::MARGIN),
        }),
    },
    Report {
        name: "project-types-that-make-money",
        title: "Project types that make money",
        question: "Which types of project make money?",
        columns: &margin_by_type::COLUMNS,
        chart: Some(Chart { label: "deal_type", value: "margin" }),
        make: Make::Groups(Groups {
            dimensions: &[Dimension::DealType],
            metrics: &margin_by_type::METRICS,
            order: Order::Descending(&m::MARGIN),
        }),
    },
    Report {
        name: "margin-slippage-ranking",
        title: "Margin slippage ranking",
        question: "Which projects earn less than they were sold for?",
        columns: &slippage::COLUMNS,
        chart: Some(Chart { label: "project_id", value: "margin_slippage" }),
        make: Make::Projects(Projects { metrics: &slippage::METRICS, choice: projects::Choice::Slippage }),
    },
    Report {
        name: "overdue-receivables",
        title: "Overdue receivables",
        question: "Who owes money, how much, and since when?",
        columns: &overdue::COLUMNS,
        chart: None,
        make: Make::Overdue,
    },
    Report {
        name: "projects-at-risk",
        title: "Projects at risk",
        question: "Which projects need attention, and why?",
        columns: &at_risk::COLUMNS,
        chart: None,
        make: Make::Projects(Projects { metrics: &at_risk::METRICS, choice: projects::Choice::AtRisk }),
    },
    Report {
        name: "incomplete-handovers",
        title: "Incomplete handovers",
        question: "Which projects do not inherit what sales knew, and what is missing?",
        columns: &handovers::COLUMNS,
        chart: None,
        make: Make::Projects(Projects { metrics: &handovers::METRICS, choice: projects::Choice::IncompleteHandover }),
    },
    Report {
        name: "project-kpis",
        title: "Project KPIs",
        question: "What are the figures of every project?",
        columns: &kpis::COLUMNS,
        chart: None,
        make: Make::Projects(Projects { metrics: &kpis::METRICS, choice: projects::Choice::All }),
    },
];

/// A ready report as a role sees it.
#[derive(Debug, Clone, Serialize)]
pub struct ShownReport {
    /// Its name in addresses.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// The question it answers.
    pub question: &'static str,
    /// Its columns.
    pub columns: Vec<Column>,
    /// How a person wants to see it; none if its bars are not shown.
    pub chart: Option<Chart>,
}

impl Report {
    /// The report as a role sees it; none if the role cannot ask it.
    pub(super) fn shown_to(&self, view: &View) -> Option<ShownReport> {
        if self.masked(view).is_some() {
            return None;
        }
        let columns: Vec<Column> = self.columns.iter().filter(|column| column.is_shown(view)).copied().collect();
        let is_there = |name| columns.iter().any(|column: &Column| column.name == name);
        let chart = self.chart.filter(|chart| is_there(chart.label) && is_there(chart.value));
        let Self { name, title, question, .. } = *self;
        Some(ShownReport { name, title, question, columns, chart })
    }

    /// The fields of the graph that its columns are, by type and name: those that a role shows, and those that it does not.
    pub fn fields(&self, view: &View) -> (Vec<Cow<'static, str>>, Vec<Cow<'static, str>>) {
        self.columns.iter().filter_map(Column::field).partition(|field| view.may(field))
    }

    /// What a role does not show, if the report cannot be answered without it.
    pub(super) fn masked(&self, view: &View) -> Option<String> {
        let deals = || (!view.reads(Class::Commercial)).then(|| "deals".to_owned());
        let hidden = |field: &str| (!view.may(field)).then(|| field.to_owned());
        match &self.make {
            Make::Groups(groups) => {
                deals().or_else(|| groups.dimensions.iter().find_map(|dimension| hidden(dimension.field())))
            }
            Make::Projects(projects) => deals().or_else(|| hidden(projects.choice.field()?)),
            Make::Overdue => {
                let invoices = (!view.reads(Class::Receivables)).then(|| "invoices".to_owned());
                invoices.or_else(|| hidden("Invoice.dueDate"))
            }
        }
    }

    /// Makes it.
    pub(super) async fn make(
        &self,
        reports: &Reports,
        filter: &Filter,
        options: &ReadOptions,
        progress: &Progress,
    ) -> Result<Table, ReportError> {
        match &self.make {
            Make::Groups(groups) => groups::table(reports, groups, self.columns, filter, options, progress).await,
            Make::Projects(projects) => {
                projects::table(reports, projects, self.columns, filter, options, progress).await
            }
            Make::Overdue => overdue::table(reports, filter, options).await,
        }
    }
}
