//! The metrics of a portfolio: what each is called and means, and how it is computed. One definition for the graph, the
//! feeds, the reports and the published catalogue.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::Serialize;
use serde::ser::{SerializeStruct, Serializer};

use super::{Measure, Sums, percent};

/// A metric of a group of engagements (projects with their deals, and deals without a project).
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name: `snake_case`, stable; in the graph the same in `camelCase`.
    pub name: &'static str,
    /// Its name for people.
    pub label: &'static str,
    /// What it means, and of which engagements.
    pub description: &'static str,
    /// How it is computed, in the names of metrics and figures.
    pub formula: &'static str,
    /// What is in it.
    pub kind: MetricKind,
    /// What it is true for.
    pub time_basis: &'static str,
    /// Whether the values of groups may be added up. If not, divide anew from `numerator` and `denominator`.
    pub additive: bool,
    /// Of a ratio: the metric above the line.
    pub numerator: Option<&'static str>,
    /// Of a ratio: the metric below it.
    pub denominator: Option<&'static str>,
    /// The domains whose owners state what it is made of.
    pub owners: &'static [&'static str],
    /// Who may want it kept from others.
    pub sensitivity: Sensitivity,
    /// What it is made of.
    pub measures: &'static [Measure],
    value: fn(&Sums) -> Option<Decimal>,
}

/// What is in a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// A whole number.
    Count,
    /// An amount of money in the currency of the group, without tax unless it says otherwise.
    Amount,
    /// A percentage, to two decimals.
    Percent,
    /// Hours.
    Hours,
    /// Days, to one decimal.
    Days,
}

/// How sensitive a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sensitivity {
    /// For all who work with deals and projects.
    Internal,
    /// Amounts of clients' invoices.
    Financial,
    /// Costs and margins.
    Margin,
}

/// The name that a metric has in the graph: in `camelCase`.
pub fn camel_case(name: &str) -> String {
    let mut words = name.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |mut all, word| {
        let mut letters = word.chars();
        all.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        all.push_str(letters.as_str());
        all
    })
}

/// The field of the graph that is a metric, by type and name.
pub fn field(name: &str) -> String {
    format!("ProfitabilityRow.{}", camel_case(name))
}

impl Metric {
    /// The metric of a group; none where it is unknown.
    pub fn of(&self, sums: &Sums) -> Option<Decimal> {
        (self.value)(sums)
    }

    /// What it is counted in.
    pub fn unit(&self) -> &'static str {
        match self.kind {
            MetricKind::Count => "count",
            MetricKind::Amount => "currency",
            MetricKind::Percent => "percent",
            MetricKind::Hours => "hours",
            MetricKind::Days => "days",
        }
    }
}

/// As the catalogue is published, for those who rebuild it elsewhere.
impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entry = serializer.serialize_struct("Metric", 12)?;
        entry.serialize_field("name", self.name)?;
        entry.serialize_field("label", self.label)?;
        entry.serialize_field("description", self.description)?;
        entry.serialize_field("formula", self.formula)?;
        entry.serialize_field("unit", self.unit())?;
        entry.serialize_field("grain", GRAIN)?;
        entry.serialize_field("time_basis", self.time_basis)?;
        entry.serialize_field("additive", &self.additive)?;
        entry.serialize_field("numerator", &self.numerator)?;
        entry.serialize_field("denominator", &self.denominator)?;
        entry.serialize_field("owners", self.owners)?;
        entry.serialize_field("sensitivity", &self.sensitivity)?;
        entry.end()
    }
}

/// What every metric is about: it is added up over projects with their deals, and deals without a project.
pub const GRAIN: &str = "project";

const TO_DATE: &str = "to date";

/// A metric that is a sum: the whole of it is one measure.
macro_rules! sum {
    ($constant:ident, $measure:ident, $name:literal, $label:literal, $kind:ident, $owners:expr, $sensitivity:ident,
     $formula:literal, $description:literal) => {
        #[doc = $description]
        pub const $constant: Metric = Metric {
            name: $name,
            label: $label,
            description: $description,
            formula: $formula,
            kind: MetricKind::$kind,
            time_basis: TO_DATE,
            additive: true,
            numerator: None,
            denominator: None,
            owners: $owners,
            sensitivity: Sensitivity::$sensitivity,
            measures: &[Measure::$measure],
            value: |sums| sums.of(Measure::$measure),
        };
    };
}

/// A metric that is one sum in percent of another.
macro_rules! ratio {
    ($constant:ident, $numerator:ident / $denominator:ident, $name:literal, $label:literal, $owners:expr, $sensitivity:ident,
     $above:literal, $below:literal, $description:literal) => {
        #[doc = $description]
        pub const $constant: Metric = Metric {
            name: $name,
            label: $label,
            description: $description,
            formula: concat!($above, " × 100 / ", $below),
            kind: MetricKind::Percent,
            time_basis: TO_DATE,
            additive: false,
            numerator: Some($above),
            denominator: Some($below),
            owners: $owners,
            sensitivity: Sensitivity::$sensitivity,
            measures: &[Measure::$numerator, Measure::$denominator],
            value: |sums| percent(sums.of(Measure::$numerator)?, sums.of(Measure::$denominator)?),
        };
    };
}

const C: &[&str] = &["commercial"];
const R: &[&str] = &["receivables"];
const K: &[&str] = &["costs"];
const RK: &[&str] = &["receivables", "costs"];
const CR: &[&str] = &["commercial", "receivables"];
const CK: &[&str] = &["commercial", "costs"];
const CD: &[&str] = &["commercial", "delivery"];
const CDK: &[&str] = &["commercial", "delivery", "costs"];
const DK: &[&str] = &["delivery", "costs"];
const CDR: &[&str] = &["commercial", "delivery", "receivables"];
const D: &[&str] = &["delivery"];
const CT: &[&str] = &["commercial", "tickets"];
const CTRK: &[&str] = &["commercial", "tickets", "receivables", "costs"];

sum!(
    DEALS,
    Deals,
    "deal_count",
    "Deals",
    Count,
    C,
    Internal,
    "Σ deals",
    "Deals: those of the projects, and those that lead to no project."
);
sum!(
    PROJECTS,
    Projects,
    "project_count",
    "Projects",
    Count,
    C,
    Internal,
    "Σ projects",
    "Projects, each once however many deals it has."
);
sum!(
    CONTRACT_VALUE,
    ContractValue,
    "contract_value",
    "Contract value",
    Amount,
    C,
    Financial,
    "Σ amount of won deals",
    "What was sold: the amounts of won deals."
);
sum!(
    INVOICED,
    Invoiced,
    "invoiced",
    "Invoiced",
    Amount,
    R,
    Financial,
    "Σ net of invoices − Σ net of credit notes",
    "Invoiced without tax, less credit notes. Drafts and void documents are not in it."
);
sum!(
    COLLECTED,
    Collected,
    "collected",
    "Collected",
    Amount,
    R,
    Financial,
    "Σ paid of invoices − Σ paid of credit notes",
    "Paid so far, with tax."
);
sum!(
    OUTSTANDING,
    Outstanding,
    "outstanding",
    "Outstanding",
    Amount,
    R,
    Financial,
    "Σ balance of invoices − Σ balance of credit notes",
    "Still open, with tax."
);
sum!(
    OVERDUE,
    Overdue,
    "overdue",
    "Overdue",
    Amount,
    R,
    Financial,
    "Σ balance of invoices whose due date is before today",
    "Still open after the due date, with tax."
);
sum!(
    CREDIT_SALES,
    CreditSales,
    "credit_sales",
    "Credit sales, 365 days",
    Amount,
    R,
    Financial,
    "Σ total of invoices − Σ total of credit notes, issued in the last 365 days",
    "Invoiced in the last 365 days, with tax."
);
sum!(
    LEFT_TO_INVOICE,
    LeftToInvoice,
    "left_to_invoice",
    "Left to invoice",
    Amount,
    CR,
    Financial,
    "Σ (contract_value − invoiced)",
    "What was sold and is not invoiced yet, of engagements of which both are known."
);
sum!(
    ACTUAL_COST,
    ActualCost,
    "actual_cost",
    "Actual cost",
    Amount,
    K,
    Margin,
    "Σ costs that are spent",
    "What was spent: labour, vendors' bills less their credits, expenses."
);
sum!(
    COMMITTED_COST,
    CommittedCost,
    "committed_cost",
    "Committed cost",
    Amount,
    K,
    Margin,
    "Σ costs that are ordered and not yet invoiced",
    "What is ordered and not yet invoiced by vendors."
);
sum!(
    MARGIN,
    Margin,
    "margin",
    "Margin",
    Amount,
    RK,
    Margin,
    "Σ (invoiced − actual_cost)",
    "What remains of what was invoiced after actual cost, of engagements of which both are known. It is no revenue recognition."
);
sum!(
    MARGIN_BASE,
    MarginBase,
    "margin_base",
    "Invoiced, of the margin",
    Amount,
    RK,
    Financial,
    "Σ invoiced where margin is known",
    "What was invoiced of the engagements that are in the margin: the denominator of its percentage."
);
sum!(
    ESTIMATED_MARGIN,
    EstimatedMargin,
    "estimated_margin",
    "Estimated margin",
    Amount,
    C,
    Margin,
    "Σ expected margin of won deals",
    "What sales expected to remain, of engagements whose won deals all state it."
);
sum!(
    ESTIMATED_MARGIN_BASE,
    EstimatedMarginBase,
    "estimated_margin_base",
    "Contract value, of the estimate",
    Amount,
    C,
    Financial,
    "Σ contract_value where estimated_margin is known",
    "Contract value of the engagements that are in the estimated margin."
);
sum!(
    BUDGET_COST,
    BudgetCost,
    "budget_cost",
    "Budget cost",
    Amount,
    C,
    Margin,
    "Σ (contract_value − estimated_margin)",
    "What the work was expected to cost, of engagements with an estimate."
);
sum!(
    BUDGET_VARIANCE,
    BudgetVariance,
    "budget_variance",
    "Budget variance",
    Amount,
    CK,
    Margin,
    "Σ (budget_cost − actual_cost)",
    "Budget less actual cost: negative is over budget. Of engagements of which both are known."
);
sum!(
    BUDGETED_PROJECTS,
    BudgetedProjects,
    "budgeted_projects",
    "Projects with a budget",
    Count,
    CK,
    Internal,
    "Σ projects where budget_variance is known",
    "Projects whose budget and actual cost are both known."
);
sum!(
    OVER_BUDGET_PROJECTS,
    OverBudgetProjects,
    "over_budget_projects",
    "Projects over budget",
    Count,
    CK,
    Internal,
    "Σ projects where budget_variance < 0",
    "Projects that cost more than was expected, so far."
);
sum!(
    EAC,
    Eac,
    "eac",
    "Estimate at completion",
    Amount,
    DK,
    Margin,
    "Σ actual_cost × 100 / percent complete",
    "What the projects will have cost if they go on as they went, of those with progress."
);
sum!(
    FORECAST_MARGIN,
    ForecastMargin,
    "forecast_margin",
    "Forecast margin",
    Amount,
    CDK,
    Margin,
    "Σ (contract_value − eac)",
    "What will remain of the contract value, of projects with progress."
);
sum!(
    FORECAST_MARGIN_BASE,
    ForecastMarginBase,
    "forecast_margin_base",
    "Contract value, of the forecast",
    Amount,
    CDK,
    Financial,
    "Σ contract_value where forecast_margin is known",
    "Contract value of the projects that are in the forecast margin."
);
sum!(
    SLIPPAGE,
    Slippage,
    "slippage",
    "Margin slippage, amount",
    Amount,
    CDK,
    Margin,
    "Σ (forecast_margin − estimated_margin)",
    "Forecast less estimated margin: negative is worse than sold. Of projects of which both are known."
);
sum!(
    SLIPPAGE_BASE,
    SlippageBase,
    "slippage_base",
    "Contract value, of the slippage",
    Amount,
    CDK,
    Financial,
    "Σ contract_value where slippage is known",
    "Contract value of the projects that are in the slippage."
);
sum!(
    RECOGNISED,
    Recognised,
    "recognised",
    "Earned revenue",
    Amount,
    CD,
    Financial,
    "Σ contract_value × percent complete / 100",
    "Contract value earned by progress, of projects whose progress is known. An estimate for steering, not the books' revenue."
);
sum!(
    BACKLOG,
    Backlog,
    "backlog",
    "Backlog",
    Amount,
    CD,
    Financial,
    "Σ (contract_value − recognised)",
    "Sold and not yet earned, of projects whose progress is known and that are not cancelled."
);
sum!(
    WIP,
    Wip,
    "wip",
    "Work in progress",
    Amount,
    CDR,
    Financial,
    "Σ (recognised − invoiced)",
    "Earned and not yet invoiced: positive is under-billed, negative over-billed. Of projects whose progress is known."
);
sum!(
    HOURS_BUDGETED,
    HoursBudgeted,
    "hours_budgeted",
    "Hours budgeted",
    Hours,
    D,
    Internal,
    "Σ hours budgeted",
    "Hours budgeted, of projects that state them."
);
sum!(
    HOURS_SPENT,
    HoursSpent,
    "hours_spent",
    "Hours spent",
    Hours,
    D,
    Internal,
    "Σ hours booked",
    "Hours booked on the projects."
);
sum!(
    SUPPORT_TICKETS,
    SupportTickets,
    "support_tickets",
    "Support tickets after close",
    Count,
    CT,
    Internal,
    "Σ tickets of support and incidents opened after the close date",
    "Tickets (support and incidents) opened after the deal was closed, within the days that the configuration says."
);
sum!(
    SUPPORT_HOURS,
    SupportHours,
    "support_hours",
    "Support hours after close",
    Hours,
    CT,
    Internal,
    "Σ hours on support_tickets",
    "Hours booked on them, of engagements whose tickets all state hours."
);
sum!(
    SUPPORT_COST,
    SupportCost,
    "support_cost",
    "Support cost after close",
    Amount,
    CT,
    Margin,
    "Σ hours on support_tickets × cost of an hour",
    "What that support cost, at the configured cost of an hour; unknown without one."
);
sum!(
    TRUE_MARGIN,
    TrueMargin,
    "true_margin",
    "Margin after support",
    Amount,
    CTRK,
    Margin,
    "Σ (margin − support_cost), or margin where the costs have the support hours already",
    "What remains after support, of engagements of which both are known."
);
sum!(
    TRUE_MARGIN_BASE,
    TrueMarginBase,
    "true_margin_base",
    "Invoiced, of the margin after support",
    Amount,
    CTRK,
    Financial,
    "Σ invoiced where true_margin is known",
    "What was invoiced of the engagements that are in the margin after support."
);

ratio!(
    MARGIN_PCT,
    Margin / MarginBase,
    "margin_pct",
    "Margin %",
    RK,
    Margin,
    "margin",
    "margin_base",
    "Margin as a percentage of what was invoiced; null where nothing was."
);
ratio!(
    ESTIMATED_MARGIN_PCT,
    EstimatedMargin / EstimatedMarginBase,
    "estimated_margin_pct",
    "Estimated margin %",
    C,
    Margin,
    "estimated_margin",
    "estimated_margin_base",
    "Estimated margin as a percentage of the contract value."
);
ratio!(
    FORECAST_MARGIN_PCT,
    ForecastMargin / ForecastMarginBase,
    "forecast_margin_pct",
    "Forecast margin %",
    CDK,
    Margin,
    "forecast_margin",
    "forecast_margin_base",
    "Forecast margin as a percentage of the contract value."
);
ratio!(
    MARGIN_SLIPPAGE,
    Slippage / SlippageBase,
    "margin_slippage",
    "Margin slippage",
    CDK,
    Margin,
    "slippage",
    "slippage_base",
    "Forecast margin % less estimated margin %, in percentage points: negative is worse than sold."
);
ratio!(
    OVER_BUDGET_PCT,
    OverBudgetProjects / BudgetedProjects,
    "over_budget_pct",
    "Over budget, share of projects",
    CK,
    Internal,
    "over_budget_projects",
    "budgeted_projects",
    "Share of the projects with a budget that are over it."
);
ratio!(
    TRUE_MARGIN_PCT,
    TrueMargin / TrueMarginBase,
    "true_margin_pct",
    "Margin after support %",
    CTRK,
    Margin,
    "true_margin",
    "true_margin_base",
    "Margin after support as a percentage of what was invoiced."
);

/// Days sales outstanding.
pub const DSO: Metric = Metric {
    name: "dso",
    label: "Days sales outstanding",
    description: "How many days' sales are still open, over the last 365 days, of engagements of which both are known. Meant for \
                  clients and the company as a whole.",
    formula: "outstanding × 365 / credit_sales",
    kind: MetricKind::Days,
    time_basis: "the last 365 days",
    additive: false,
    numerator: Some("outstanding"),
    denominator: Some("credit_sales"),
    owners: R,
    sensitivity: Sensitivity::Financial,
    measures: &[Measure::DsoOutstanding, Measure::DsoSales],
    value: |sums| {
        let sales = sums.of(Measure::DsoSales).filter(|sales| *sales > Decimal::ZERO)?;
        let days = sums.of(Measure::DsoOutstanding)?.checked_mul(Decimal::from(365))?.checked_div(sales)?;
        Some(days.round_dp_with_strategy(1, RoundingStrategy::MidpointAwayFromZero))
    },
};

/// All metrics, in the order in which people see them.
pub static CATALOGUE: [Metric; 41] = [
    DEALS,
    PROJECTS,
    CONTRACT_VALUE,
    INVOICED,
    LEFT_TO_INVOICE,
    COLLECTED,
    OUTSTANDING,
    OVERDUE,
    ACTUAL_COST,
    COMMITTED_COST,
    MARGIN,
    MARGIN_BASE,
    MARGIN_PCT,
    ESTIMATED_MARGIN,
    ESTIMATED_MARGIN_BASE,
    ESTIMATED_MARGIN_PCT,
    BUDGET_COST,
    BUDGET_VARIANCE,
    BUDGETED_PROJECTS,
    OVER_BUDGET_PROJECTS,
    OVER_BUDGET_PCT,
    EAC,
    FORECAST_MARGIN,
    FORECAST_MARGIN_BASE,
    FORECAST_MARGIN_PCT,
    SLIPPAGE,
    SLIPPAGE_BASE,
    MARGIN_SLIPPAGE,
    RECOGNISED,
    BACKLOG,
    WIP,
    HOURS_BUDGETED,
    HOURS_SPENT,
    SUPPORT_TICKETS,
    SUPPORT_HOURS,
    SUPPORT_COST,
    TRUE_MARGIN,
    TRUE_MARGIN_BASE,
    TRUE_MARGIN_PCT,
    CREDIT_SALES,
    DSO,
];
