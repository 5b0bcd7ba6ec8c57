//! The set `Projects`: what the owner of projects says, and the money of each project as `Project.financials` of the graph
//! has it, figure by figure in the same currency.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures_util::future::join_all;
use jiff::Timestamp;
use rust_decimal::Decimal;

use super::pages::page;
use super::{Chunk, Place, Question, Row, amount, currency, date, flaws, number, text};
use crate::access::View;
use crate::domain::{
    Cost, CostSum, Deal, Health, List, Money, Project, ProjectId, ProjectInvoice, ProjectQuery, ProjectStatus,
};
use crate::finance::{Books, Completeness, Contract, Figure, Receivables, Shown, Spending, percent_complete};
use crate::reads::{ByOwner, Fresh, Owner, Read, ReadOptions, Reader};
use crate::reports::{Cell, Column, ColumnKind, Parts, ReportError, Reports, distinct};
use crate::systems::ErrorKind;

pub(super) const DESCRIPTION: &str = "Projects that the owner of projects knows, each with its money. Every figure has its currency \
    beside it, because they may differ: never add up figures of different currencies.";

/// A figure and its currency.
macro_rules! figure {
    ($name:literal, $currency:literal, $field:literal, $label:literal, $description:literal) => {
        [
            Column::new($name, $label, ColumnKind::Amount, $description).of($field),
            Column::new(
                $currency,
                concat!($label, " currency"),
                ColumnKind::Text,
                concat!("ISO 4217 code of `", $name, "`. Null if the figure is."),
            )
            .of($field),
        ]
    };
}

const HEAD: [Column; 10] = [
    Column::new(
        "id",
        "Project ID",
        ColumnKind::Text,
        "The shared ID. Two records that claim one ID are two rows, without figures.",
    ),
    Column::new("name", "Project", ColumnKind::Text, "Name.").of("Project.name"),
    Column::new("status", "Status", ColumnKind::Text, "PLANNED, ACTIVE, ON_HOLD, COMPLETED, CANCELLED, or UNKNOWN.").of("Project.status"),
    Column::new("health", "Health", ColumnKind::Text, "GREEN, AMBER, RED, or UNKNOWN. Null if nobody set it.").of("Project.health"),
    Column::new("health_reason", "Health reason", ColumnKind::Text, "Why the health is what it is.").of("Project.healthReason"),
    Column::new("manager", "Project manager", ColumnKind::Text, "Project manager.").of("Project.manager"),
    Column::new("start_date", "Start", ColumnKind::Date, "Start.").of("Project.startDate"),
    Column::new("due_date", "Due", ColumnKind::Date, "Due.").of("Project.dueDate"),
    Column::new(
        "percent_complete",
        "Percent complete",
        ColumnKind::Percent,
        "0 to 100: what the owner of projects states, else the progress of the planned work weighted by its estimated hours. Null \
         if neither is known.",
    ).of("Project.percentComplete"),
    Column::new(
        "hours_budgeted",
        "Hours budgeted",
        ColumnKind::Number,
        "Hours budgeted. Null if the owner states none.",
    ).of("Project.hours"),
];

const FIGURES: [[Column; 2]; 12] = [
    figure!(
        "contract_value",
        "contract_value_currency",
        "Financials.contractValue",
        "Contract value",
        "What was sold: the amounts of the won deals, without tax."
    ),
    figure!(
        "estimated_margin",
        "estimated_margin_currency",
        "Financials.estimatedMargin",
        "Estimated margin",
        "What sales expected to remain of the contract value. Null unless every won deal states it."
    ),
    figure!(
        "invoiced",
        "invoiced_currency",
        "Financials.invoiced",
        "Invoiced",
        "Invoiced without tax, net of credit notes; void documents and drafts are not in it."
    ),
    figure!("collected", "collected_currency", "Financials.collected", "Collected", "What clients paid, with tax."),
    figure!(
        "outstanding",
        "outstanding_currency",
        "Financials.outstanding",
        "Outstanding",
        "What clients still owe, with tax, less open credit notes."
    ),
    figure!(
        "overdue",
        "overdue_currency",
        "Financials.overdue",
        "Overdue",
        "What clients still owe after the due date, with tax."
    ),
    figure!(
        "left_to_invoice",
        "left_to_invoice_currency",
        "Financials.leftToInvoice",
        "Left to invoice",
        "Contract value less invoiced."
    ),
    figure!(
        "actual_cost",
        "actual_cost_currency",
        "Financials.actualCost",
        "Actual cost",
        "What the project has cost, without tax."
    ),
    figure!(
        "committed_cost",
        "committed_cost_currency",
        "Financials.committedCost",
        "Committed cost",
        "What is ordered for it and not yet invoiced, without tax."
    ),
    figure!(
        "margin",
        "margin_currency",
        "Financials.margin",
        "Margin",
        "Invoiced less actual cost: on what was invoiced so far, no revenue recognition."
    ),
    figure!(
        "budget_variance",
        "budget_variance_currency",
        "Financials.budgetVariance",
        "Budget variance",
        "Contract value less estimated margin, less actual cost. Positive is under budget."
    ),
    figure!(
        "eac",
        "eac_currency",
        "Financials.eac",
        "Estimate at completion",
        "Actual cost over percent complete. Null before any progress."
    ),
];

const TAIL: [Column; 8] = [
    Column::new(
        "invoiced_pct",
        "Invoiced %",
        ColumnKind::Percent,
        "Invoiced in percent of the contract value. Do not add up: divide sums.",
    )
    .of("Financials.invoicedPct"),
    Column::new(
        "margin_pct",
        "Margin %",
        ColumnKind::Percent,
        "Margin in percent of invoiced. Do not add up: divide sums.",
    )
    .of("Financials.marginPct"),
    Column::new(
        "margin_slippage",
        "Margin slippage",
        ColumnKind::Percent,
        "Forecast margin % less estimated margin %, in percentage points: negative is worse than sold.",
    )
    .of("Financials.marginSlippage"),
    Column::new(
        "excluded",
        "Records excluded",
        ColumnKind::Count,
        "Won deals, invoices and costs of the project whose amount is unknown; figures they belong in are null. Null if no figure was asked for.",
    ),
    Column::new(
        "completeness",
        "Completeness",
        ColumnKind::Text,
        "Why figures are null, e.g. MIXED_CURRENCIES, NOT_IN_COSTS; null if all is well. See docs/finance.md.",
    ),
    Column::new("url", "Link to the project tool", ColumnKind::Text, super::URL),
    Column::new("flaws", "Flaws", ColumnKind::Text, super::FLAWS),
    Column::new("as_of", "As of", ColumnKind::Moment, super::AS_OF),
];

const WIDTH: usize = HEAD.len() + 2 * FIGURES.len() + TAIL.len();

#[expect(clippy::indexing_slicing, reason = "the compiler evaluates it: what is out of bounds does not compile")]
const ALL: [Column; WIDTH] = {
    let mut all = [HEAD[0]; WIDTH];
    let mut at = 0;
    while at < HEAD.len() {
        all[at] = HEAD[at];
        at += 1;
    }
    let mut figure = 0;
    while figure < FIGURES.len() {
        all[at] = FIGURES[figure][0];
        all[at + 1] = FIGURES[figure][1];
        at += 2;
        figure += 1;
    }
    let mut tail = 0;
    while tail < TAIL.len() {
        all[at] = TAIL[tail];
        at += 1;
        tail += 1;
    }
    all
};

pub(super) const COLUMNS: &[Column] = &ALL;

/// What of the owners is asked, for the columns that are wanted.
#[derive(Debug, Clone, Copy)]
struct Needs {
    /// Percent complete.
    progress: bool,
    /// Deals, invoices and costs: all that the viewer sees, because a sum of nothing is zero in the currency of the others.
    money: bool,
    /// Which of these the viewer sees a figure of.
    parts: Parts,
}

impl Needs {
    fn of(question: &Question, view: &View) -> Self {
        let figures = FIGURES.iter().flatten().chain(TAIL.iter().take(5));
        let money: Vec<&str> = figures.map(|column| column.name).collect();
        Self {
            progress: question.wants(&["percent_complete", "eac", "eac_currency", "margin_slippage"]),
            money: question.wants(&money),
            parts: Parts::of(view),
        }
    }
}

/// What the owners said of the projects of a page.
#[derive(Debug, Default)]
struct Known {
    /// The IDs that two records claim.
    contested: HashSet<ProjectId>,
    progress: HashMap<ProjectId, Decimal>,
    contracts: HashMap<ProjectId, Part<Contract>>,
    receivables: HashMap<ProjectId, Part<Receivables>>,
    spending: HashMap<ProjectId, Part<Spending>>,
    /// When the oldest was read.
    as_of: Option<Timestamp>,
}

/// What an owner said of a project: sums, or nothing for it does not know it; or that its records contradict one another.
#[derive(Debug)]
enum Part<T> {
    Known(T),
    Unknown,
    NotWhole,
}

impl<T> Part<T> {
    fn known(&self) -> Option<&T> {
        if let Self::Known(part) = self { Some(part) } else { None }
    }

    /// How whole the sums are; where there are none, whether that is because the records contradict one another.
    fn said<'a>(&'a self, completeness: impl Fn(&'a T) -> &'a Completeness) -> Result<&'a Completeness, bool> {
        match self {
            Self::Known(part) => Ok(completeness(part)),
            Self::Unknown => Err(false),
            Self::NotWhole => Err(true),
        }
    }
}

impl Reports {
    /// Whether a project is this owner's to tell of.
    pub(super) fn is_owned(&self, project: &Project, owner: &Owner) -> bool {
        self.reads.delivery.of(&project.id).is_some_and(|delivery| delivery.owner == *owner)
    }

    pub(super) async fn project_rows(
        &self,
        question: &Question,
        place: &Place,
        options: &ReadOptions,
    ) -> Result<Chunk, ReportError> {
        let readers: Vec<_> =
            self.reads.delivery.all().map(|delivery| (&delivery.owner, &delivery.project_pages)).collect();
        let query = ProjectQuery { status: question.is_text("status").and_then(status), text: None };
        let Some(page) = page(&readers, query, place, options).await? else { return Ok(Chunk::default()) };
        let projects: Vec<_> =
            page.items.iter().filter(|project| self.is_owned(project, page.owner)).map(Arc::clone).collect();
        let seen = self.projects_seen(options, projects.iter().map(|project| project.id.clone())).await?;
        let shown = |project: &Arc<Project>| seen.has(&project.id);
        let projects: Vec<_> = projects.into_iter().filter(shown).collect();
        let rows = self.projects(question, &projects, page.as_of, options).await?;
        Ok(Chunk { rows, next: page.next, rates: None })
    }

    pub(super) async fn project_row(
        &self,
        question: &Question,
        id: &str,
        options: &ReadOptions,
    ) -> Result<Option<Row>, ReportError> {
        // A key is the ID as it is written in rows, not one of its other spellings.
        let id = self.shared_id.parse(id).ok().filter(|known| known.as_str() == id);
        let Some(id) = id else { return Ok(None) };
        let Some(delivery) = self.reads.delivery.of(&id) else { return Ok(None) };
        if !self.sees_one_of(options, std::slice::from_ref(&id)).await? {
            return Ok(None);
        }
        let read = delivery.projects.get(options, &id).await.map_err(ReportError::System)?;
        let Some(project) = read.value else { return Ok(None) };
        Ok(self.projects(question, &[project], read.as_of, options).await?.pop())
    }

    async fn projects(
        &self,
        question: &Question,
        projects: &[Arc<Project>],
        as_of: Timestamp,
        options: &ReadOptions,
    ) -> Result<Vec<Row>, ReportError> {
        let needs = Needs::of(question, &options.viewer.view);
        let ids: Vec<ProjectId> = distinct(projects.iter().map(|project| project.id.clone()));
        let known = self.known(needs, &ids, options).await?;
        Ok(projects.iter().map(|project| row(project, &known, needs, as_of)).collect())
    }

    /// Asks the other owners, at once, for what is needed.
    async fn known(&self, needs: Needs, ids: &[ProjectId], options: &ReadOptions) -> Result<Known, ReportError> {
        let reads = &self.reads;
        let none: &[ProjectId] = &[];
        let of = |needed: bool| if needed { ids } else { none };
        let (today, parts) = (self.clock.today(), needs.parts);
        let deals = async {
            match &reads.commercial {
                Some(commercial) => {
                    commercial.deals_by_project.get_many(options, of(needs.money && parts.contract)).await
                }
                None => Vec::new(),
            }
        };
        let (headers, work, deals, invoices, costs, cost_sums) = tokio::join!(
            ask(&reads.delivery, of(needs.money), options, |delivery| Some(&delivery.projects)),
            ask(&reads.delivery, of(needs.progress), options, |delivery| Some(&delivery.work.as_ref()?.by_project)),
            deals,
            ask(&reads.receivables, of(needs.money && parts.receivables), options, |invoices| Some(
                &invoices.by_project
            )),
            ask(&reads.costs, of(needs.money && parts.spending), options, |costs| costs
                .sums
                .is_none()
                .then_some(&costs.by_project)),
            ask(&reads.costs, of(needs.money && parts.spending), options, |costs| costs.sums.as_ref()),
        );
        let mut known = Known::default();
        for (id, read) in headers {
            if known.whole(read)?.is_none() {
                known.contested.insert(id);
            }
        }
        for (id, read) in work {
            let tickets = known.whole(read)?.and_then(|fresh| fresh.value);
            if let Some(progress) = tickets.and_then(|tickets| percent_complete(&tickets)) {
                known.progress.insert(id, progress);
            }
        }
        for (id, read) in ids.iter().zip(deals) {
            // Where no deal carries the project's ID the owner does not know the project.
            let part = known.take(read, |deals: &Vec<Arc<Deal>>| (!deals.is_empty()).then(|| Contract::of(deals)))?;
            known.contracts.insert(id.clone(), part);
        }
        for (id, read) in invoices {
            let part =
                known.take(read, |invoices: &List<ProjectInvoice>| Some(Receivables::of(invoices.iter(), today)))?;
            known.receivables.insert(id, part);
        }
        for (id, read) in costs {
            let part = known.take(read, |costs: &List<Cost>| Some(Spending::of(costs.iter())))?;
            known.spending.insert(id, part);
        }
        for (id, read) in cost_sums {
            let part = known.take(read, |sums: &Vec<CostSum>| Some(Spending::of_sums(sums)))?;
            known.spending.insert(id, part);
        }
        Ok(known)
    }
}

/// Asks the owners of the IDs, each for its own. IDs that nobody owns, or whose owner does not keep this, are left out.
async fn ask<'a, T, V: Send + Sync + 'static>(
    owners: &'a ByOwner<T>,
    ids: &[ProjectId],
    options: &ReadOptions,
    reader: impl Fn(&'a T) -> Option<&'a Reader<ProjectId, V>>,
) -> Vec<(ProjectId, Read<V>)> {
    let groups = owners.group(ids);
    let asked = groups.iter().filter_map(|(owner, ids)| {
        let reader = reader(*owner)?;
        Some(async move { ids.iter().cloned().zip(reader.get_many(options, ids).await).collect::<Vec<_>>() })
    });
    join_all(asked).await.into_iter().flatten().collect()
}

impl Known {
    /// What was read; none if its owner holds several records that contradict one another, or cannot give all of them. That
    /// is so however often it is asked; any other failure fails the whole.
    fn whole<V>(&mut self, read: Read<V>) -> Result<Option<Fresh<V>>, ReportError> {
        match read {
            Ok(fresh) => {
                self.as_of = Some(self.as_of.map_or(fresh.as_of, |oldest| oldest.min(fresh.as_of)));
                Ok(Some(fresh))
            }
            Err(error) if matches!(error.kind, ErrorKind::Conflict | ErrorKind::Truncated) => Ok(None),
            Err(error) => Err(ReportError::System(error)),
        }
    }

    fn take<V, T>(&mut self, read: Read<V>, sum: impl Fn(&V) -> Option<T>) -> Result<Part<T>, ReportError> {
        let Some(fresh) = self.whole(read)? else { return Ok(Part::NotWhole) };
        Ok(fresh.value.and_then(|value| sum(&value)).map_or(Part::Unknown, Part::Known))
    }
}

/// The figures of a project, in the order of their columns, and what is said of them.
fn row(project: &Project, known: &Known, needs: Needs, as_of: Timestamp) -> Row {
    let id = &project.id;
    let progress = project.percent_complete.or_else(|| known.progress.get(id).copied());
    let contested = known.contested.contains(id);
    let contract = known.contracts.get(id).and_then(Part::known).filter(|_| !contested);
    let receivables = known.receivables.get(id).and_then(Part::known).filter(|_| !contested);
    let spending = known.spending.get(id).and_then(Part::known).filter(|_| !contested);
    let invoiced = receivables.map(|sums| &sums.invoiced);
    let books = Books { contract, invoiced, spending, progress };
    let actual = spending.map(|sums| &sums.actual);
    let shared = [contract.map(|sums| &sums.value), invoiced, actual].into_iter().flatten().find_map(Figure::currency);
    let shown = |shown: Option<Shown>| match shown? {
        Shown::Amount(money) => money,
        Shown::Zero => shared.map(|currency| Money::new(Decimal::ZERO, currency)),
    };
    let sum = |figure: Option<&Figure>| shown(figure.map(Figure::shown));
    let figures = [
        sum(contract.map(|sums| &sums.value)),
        contract.and_then(Contract::estimated_margin),
        sum(invoiced),
        sum(receivables.map(|sums| &sums.collected)),
        sum(receivables.map(|sums| &sums.outstanding)),
        sum(receivables.map(|sums| &sums.overdue)),
        shown(books.left_to_invoice()),
        sum(actual),
        sum(spending.map(|sums| &sums.committed)),
        shown(books.margin()),
        books.budget_variance(),
        books.estimate_at_completion(),
    ];
    let mut row = vec![
        text(Some(id)),
        text(project.name.as_deref()),
        text(Some(match project.status {
            ProjectStatus::Planned => "PLANNED",
            ProjectStatus::Active => "ACTIVE",
            ProjectStatus::OnHold => "ON_HOLD",
            ProjectStatus::Completed => "COMPLETED",
            ProjectStatus::Cancelled => "CANCELLED",
            ProjectStatus::Unknown(_) => "UNKNOWN",
        })),
        text(project.health.as_ref().map(|health| match health {
            Health::Green => "GREEN",
            Health::Amber => "AMBER",
            Health::Red => "RED",
            Health::Unknown(_) => "UNKNOWN",
        })),
        text(project.health_reason.as_deref()),
        text(project.manager.as_ref().map(|person| person.name.as_str())),
        date(project.start_date),
        date(project.due_date),
        number(progress),
        number(project.hours_budgeted),
    ];
    for figure in figures {
        row.extend([amount(figure), currency(figure)]);
    }
    let (reasons, excluded) = if needs.money { reasons(id, known, contested, needs.parts) } else { (Vec::new(), None) };
    row.extend([
        number(books.invoiced_pct()),
        number(books.margin_pct()),
        number(books.margin_slippage()),
        excluded.map_or(Cell::Empty, Cell::count),
        text(Some(reasons.join(", ")).filter(|all| !all.is_empty())),
        text(project.url.as_deref()),
        flaws(&project.flaws),
        Cell::Moment(known.as_of.map_or(as_of, |oldest| oldest.min(as_of))),
    ]);
    row
}

/// Why figures are null, and how many records have no amount.
fn reasons(id: &ProjectId, known: &Known, contested: bool, shown: Parts) -> (Vec<&'static str>, Option<usize>) {
    if contested {
        return (vec!["DATA_CONFLICT"], None);
    }
    let mut reasons = Vec::new();
    let mut excluded = 0;
    let mut note = |shown: bool, part: Option<Result<&Completeness, bool>>, unavailable, unknown| match part {
        // The viewer sees no figure of it.
        _ if !shown => {}
        None => reasons.push(unavailable),
        Some(Err(true)) => reasons.push("NOT_WHOLE"),
        Some(Err(false)) => reasons.push(unknown),
        Some(Ok(completeness)) => {
            excluded += completeness.excluded;
            reasons.extend(completeness.reasons.iter().map(|reason| reason.as_str()));
        }
    };
    let contract = known.contracts.get(id).map(|part| part.said(|sums| &sums.completeness));
    note(shown.contract, contract, "COMMERCIAL_UNAVAILABLE", "NOT_IN_COMMERCIAL");
    let receivables = known.receivables.get(id).map(|part| part.said(|sums| &sums.completeness));
    note(shown.receivables, receivables, "RECEIVABLES_UNAVAILABLE", "NOT_IN_RECEIVABLES");
    let spending = known.spending.get(id).map(|part| part.said(|sums| &sums.completeness));
    note(shown.spending, spending, "COSTS_UNAVAILABLE", "NOT_IN_COSTS");
    reasons.sort_unstable();
    reasons.dedup();
    (reasons, Some(excluded))
}

fn status(word: &str) -> Option<ProjectStatus> {
    Some(match word {
        "PLANNED" => ProjectStatus::Planned,
        "ACTIVE" => ProjectStatus::Active,
        "ON_HOLD" => ProjectStatus::OnHold,
        "COMPLETED" => ProjectStatus::Completed,
        "CANCELLED" => ProjectStatus::Cancelled,
        _ => return None,
    })
}
