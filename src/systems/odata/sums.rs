//! Sums that the service adds up itself (`$apply`), where the configuration says that it can.
//!
//! A service adds up what is there: it passes over a row without an amount, and knows nothing of signs that contradict what
//! is declared. So the rows without an amount are asked for beside the sums, the least and the greatest amount of credit
//! notes are looked at, and a project with either is added up from its rows. Both ways give the same figures.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join;
use rust_decimal::Decimal;

use super::ask::{Ask, Sum as Wanted};
use super::config::Config;
use crate::domain::{
    Booked, Cost, CostSum, Direction, InvoiceKind, InvoiceState, Money, ProjectId, ProjectInvoice, Sum,
};
use crate::systems::declared::client::Api;
use crate::systems::declared::fields::{CostFields, Costs, InvoiceFields, Invoices};
use crate::systems::declared::lines::CreditNotes;
use crate::systems::declared::path::{Field, Path};
use crate::systems::declared::read::{Asked, By, Each};
use crate::systems::declared::row::{Reject, Row};
use crate::systems::declared::uses::{Used, Uses};
use crate::systems::declared::value::{Amount, Text};
use crate::systems::declared::ways::Lookup;
use crate::systems::{
    Batch, BatchResult, Call, ConnectionProblem, CostSource, CostSumSource, InvoiceSource, InvoiceSumSource,
};

/// How many rows a group has.
pub(super) const RECORDS: &str = "spine_records";

/// Names of sums.
const NET: &str = "spine_net";
const COMPANY_NET: &str = "spine_company_net";
const LEAST: &str = "spine_least";
const GREATEST: &str = "spine_greatest";

/// What a group of rows adds to a sum.
enum Part<T> {
    /// It does not count.
    Nothing,
    Sum(T),
    /// Only the rows themselves can tell.
    InRows,
}

/// What is asked of a set that adds up.
struct Question {
    sums: Lookup,
    /// Projects with rows without an amount.
    gaps: Lookup,
    /// Where groups and rows name their project.
    project: Path,
}

impl Question {
    fn of(ask: &Ask<'_>, project: &Path, groups: &[Used<'_>], sums: &[Wanted<'_>]) -> Result<Self, ConnectionProblem> {
        let (sums, gaps) = ask.sums(project, groups, sums)?;
        Ok(Self { sums, gaps, project: project.clone() })
    }

    /// What the service adds up for each project, none for a part that its rows must tell.
    async fn ask<T: Send>(
        &self,
        (api, call, operation): (&Api, &Call, &'static str),
        ids: &[ProjectId],
        read: &(dyn Fn(&Row<'_>) -> Result<Part<T>, Reject> + Send + Sync),
    ) -> Batch<ProjectId, Option<Vec<T>>> {
        let place = |row: &Row<'_>, asked: &mut Asked<'_, ProjectId>| asked.of(row, By::Path(&self.project));
        let group: &Each<'_, ProjectId, Vec<Option<T>>> = &|row, asked, found| {
            if let Some(list) = place(row, asked)?.and_then(|place| found.get_mut(place)) {
                match read(row)? {
                    Part::Nothing => {}
                    Part::Sum(sum) => list.push(Some(sum)),
                    Part::InRows => list.push(None),
                }
            }
            Ok(())
        };
        let gap: &Each<'_, ProjectId, Vec<()>> = &|row, asked, found| {
            if let Some(list) = place(row, asked)?.and_then(|place| found.get_mut(place)) {
                list.push(());
            }
            Ok(())
        };
        let sums = api.gather(call, operation, &self.sums, ids, group);
        let gaps = api.gather(call, operation, &self.gaps, ids, gap);
        let (sums, gaps) = Box::pin(join(sums, gaps)).await;
        let as_they_come = |_: &_, _: &_| std::cmp::Ordering::Equal;
        let sums = api.many(operation, ids, sums, |_| None, as_they_come);
        let gaps = api.many(operation, ids, gaps, |(): &()| None, |(): &(), (): &()| std::cmp::Ordering::Equal);
        let mut batch = Batch::default();
        for (id, parts) in sums.found {
            let whole = gaps.found.get(&id).is_some_and(Vec::is_empty);
            let parts: Option<Vec<T>> = parts.into_iter().collect();
            batch.found.insert(id, parts.filter(|_| whole));
        }
        batch.failed = sums.failed;
        batch.failed.extend(gaps.failed);
        batch.found.retain(|id, _| !batch.failed.contains_key(id));
        batch
    }
}

/// Answers each project: with what was added up, or from its rows where that could not be.
async fn answered<T, R>(
    sums: Batch<ProjectId, Option<Vec<T>>>,
    rows: impl AsyncFnOnce(&[ProjectId]) -> BatchResult<ProjectId, Vec<R>>,
    add: impl Fn(&[R]) -> Vec<T>,
) -> BatchResult<ProjectId, Vec<T>> {
    let mut batch = Batch { found: std::collections::HashMap::new(), failed: sums.failed };
    let mut open = Vec::new();
    for (id, parts) in sums.found {
        match parts {
            Some(parts) => {
                batch.found.insert(id, parts);
            }
            None => open.push(id),
        }
    }
    if !open.is_empty() {
        let rows = rows(&open).await?;
        batch.found.extend(rows.found.into_iter().map(|(id, rows)| (id, add(&rows))));
        batch.failed.extend(rows.failed);
    }
    Ok(batch)
}

/// Adds an amount to a sum; one that is not known makes the sum unknown on that side.
fn plus(sum: Option<Money>, amount: Option<Money>) -> Option<Money> {
    let (sum, amount) = (sum?, amount?);
    if sum.currency != amount.currency {
        return None;
    }
    sum.amount.checked_add(amount.amount).map(|added| Money::new(added, sum.currency))
}

fn add(sum: &mut Sum, amount: Booked, records: usize) {
    sum.amount.document = plus(sum.amount.document, amount.document);
    sum.amount.company = plus(sum.amount.company, amount.company);
    sum.records += records;
}

/// Adds an amount to the sum in its document's currency.
fn add_invoiced(sums: &mut Vec<Sum>, amount: Booked, records: usize) {
    let currency = |booked: Booked| booked.document.map(|money| money.currency);
    match sums.iter_mut().find(|sum| currency(sum.amount) == currency(amount)) {
        Some(sum) => add(sum, amount, records),
        None => sums.push(Sum { amount, records }),
    }
}

/// Adds costs to those of their kind, state and currency.
fn add_costs(sums: &mut Vec<CostSum>, costs: CostSum) {
    let currency = |costs: &CostSum| costs.sum.amount.document.map(|money| money.currency);
    let same = |other: &&mut CostSum| {
        other.kind == costs.kind && other.state == costs.state && currency(other) == currency(&costs)
    };
    match sums.iter_mut().find(same) {
        Some(sum) => add(&mut sum.sum, costs.sum.amount, costs.sum.records),
        None => sums.push(costs),
    }
}

fn records(row: &Row<'_>) -> Result<usize, Reject> {
    let told = row.get(&Path::name(RECORDS)).and_then(|told| told.scalar()?.parse().ok());
    told.ok_or_else(|| Reject::new("a sum that does not say of how many rows"))
}

/// A field that reads a sum in place of an amount.
fn summed(field: &Field<Amount>, name: &str) -> Field<Amount> {
    Field(Amount { path: Path::name(name), ..field.0.clone() })
}

/// Amounts that a service can add up are numbers as they are.
fn check_amount(key: &str, Field(amount): &Field<Amount>) -> Result<(), ConnectionProblem> {
    if amount.decimal.is_some() || amount.group.is_some() || amount.default.is_some() {
        let message = "cannot be added up by the service: take `decimal`, `group` and `default` away, or `sums`";
        return Err(ConnectionProblem::new(key, message));
    }
    Ok(())
}

/// The places that something reads.
fn used<'p>(parts: &[(&str, &'p dyn Uses)]) -> Vec<Used<'p>> {
    let mut used = Vec::new();
    for (key, part) in parts {
        part.uses(key, &mut used);
    }
    used
}

/// Every row of a sum has the same.
fn the_same() -> Field<Text> {
    Field(Text { constant: Some("sum".to_owned()), ..Text::default() })
}

/// What was invoiced, added up by the service.
pub(super) struct InvoiceSums {
    api: Arc<Api>,
    rows: Arc<dyn InvoiceSource>,
    question: Question,
    /// How a group is read.
    group: Invoices,
    /// The least and the greatest amount of a group, as amounts.
    ends: [Amount; 2],
}

impl InvoiceSums {
    pub(super) fn new(
        config: &Config,
        api: Arc<Api>,
        rows: Arc<dyn InvoiceSource>,
        table: &Invoices,
    ) -> Result<Self, ConnectionProblem> {
        let problem = |message: &str| ConnectionProblem::new("invoices.sums", message);
        let Some(set) = &config.invoices else { return Err(problem("has no table")) };
        let fields = &table.fields;
        if table.lines.as_ref().is_some_and(|lines| lines.project_id.is_some()) {
            return Err(problem("documents are shared by their lines, which no sum of documents tells: take it away"));
        }
        if table.credit_notes == CreditNotes::BySign {
            return Err(problem("a sum does not tell credit notes by their sign: take it away"));
        }
        let Some(project) = fields.project_id.as_ref().filter(|_| set.from.0.key.is_none()) else {
            return Err(problem("needs `project_id` in `fields`, and no `from.key`"));
        };
        let Some(net) = &fields.net else { return Err(problem("needs `net` in `fields`")) };
        if fields.company_net.is_none() && fields.company_total.is_some() && fields.company_tax.is_some() {
            return Err(problem("needs `company_net` in `fields`, which is worked out for each document otherwise"));
        }
        check_amount("invoices.fields.net", net)?;
        let mut sums = vec![
            Wanted { path: &net.0.path, by: "sum", name: NET },
            Wanted { path: &net.0.path, by: "min", name: LEAST },
            Wanted { path: &net.0.path, by: "max", name: GREATEST },
        ];
        if let Some(company) = &fields.company_net {
            check_amount("invoices.fields.company_net", company)?;
            sums.push(Wanted { path: &company.0.path, by: "sum", name: COMPANY_NET });
        }
        let amounts: Vec<&Path> = sums.iter().map(|sum| sum.path).collect();
        let mut groups = used(&[
            ("invoices.fields.project_id", project),
            ("invoices.fields.kind", &fields.kind),
            ("invoices.fields.state", &fields.state),
            ("invoices.fields.net", net),
            ("invoices.fields.company_net", &fields.company_net),
            ("invoices.currency", &table.currency),
            ("invoices.company_currency", &table.company_currency),
            ("invoices.skip", &table.skip),
        ]);
        groups.retain(|used| !amounts.iter().any(|amount| amount.segments() == used.path.segments()));
        let ask = Ask::new(config, "invoices", &set.from.0, set, None)?;
        let question = Question::of(&ask, project, &groups, &sums)?;
        let end = |name| summed(net, name).0;
        let group = Invoices {
            by_id: None,
            by_project: None,
            list: None,
            currency: table.currency.clone(),
            company_currency: table.company_currency.clone(),
            credit_notes: table.credit_notes,
            url: None,
            lines: None,
            payments: None,
            skip: table.skip.clone(),
            fields: InvoiceFields {
                id: the_same(),
                project_id: Some(project.clone()),
                number: None,
                kind: fields.kind.clone(),
                state: fields.state.clone(),
                party_id: None,
                party: None,
                issue_date: None,
                due_date: None,
                net: Some(summed(net, NET)),
                tax: None,
                total: None,
                paid: None,
                balance: None,
                company_net: fields.company_net.as_ref().map(|company| summed(company, COMPANY_NET)),
                company_tax: None,
                company_total: None,
                company_paid: None,
                company_balance: None,
                url: None,
            },
        };
        Ok(Self { api, rows, question, group, ends: [end(LEAST), end(GREATEST)] })
    }

    /// A group's part of what was invoiced: nothing of drafts and void documents.
    fn part(&self, row: &Row<'_>) -> Result<Part<Sum>, Reject> {
        let Some(invoice) = self.group.read(row, self.api.setting(), Direction::Receivable, None)? else {
            return Ok(Part::Nothing);
        };
        if matches!(invoice.state, InvoiceState::Draft | InvoiceState::Void) {
            return Ok(Part::Nothing);
        }
        let records = records(row)?;
        let credit_note = invoice.kind == InvoiceKind::CreditNote;
        if credit_note && self.contradicts(row)? {
            return Ok(Part::InRows);
        }
        let amount = counted(&invoice.state, invoice.kind, invoice.net());
        Ok(Part::Sum(Sum { amount, records }))
    }

    /// Whether a credit note among these has another sign than is declared.
    fn contradicts(&self, row: &Row<'_>) -> Result<bool, Reject> {
        for end in &self.ends {
            let amount = end.read(row).map_err(|_| Reject::new("a sum that is no number"))?.unwrap_or(Decimal::ZERO);
            let declared = match self.group.credit_notes {
                CreditNotes::Positive => !amount.is_sign_negative(),
                CreditNotes::Negative => amount.is_sign_negative(),
                CreditNotes::BySign => false,
            };
            if !declared && !amount.is_zero() {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

#[async_trait]
impl InvoiceSumSource for InvoiceSums {
    fn batch_limit(&self) -> usize {
        self.rows.batch_limit()
    }

    async fn invoiced_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Sum>> {
        let parts = Box::pin(self.question.ask((&self.api, call, "invoices.sums"), ids, &|row| self.part(row))).await;
        let merged = Batch {
            found: parts.found.into_iter().map(|(id, parts)| (id, parts.map(merged_sums))).collect(),
            failed: parts.failed,
        };
        let rows = async |ids: &[ProjectId]| self.rows.invoices_by_project(call, ids).await;
        answered(merged, rows, sums_of_invoices).await
    }
}

fn merged_sums(parts: Vec<Sum>) -> Vec<Sum> {
    let mut sums = Vec::new();
    for part in parts {
        add_invoiced(&mut sums, part.amount, part.records);
    }
    sums
}

/// What a document counts for: a credit note takes back, and where nobody can say whether it counts, the sum is not known.
fn counted(state: &InvoiceState, kind: InvoiceKind, net: Booked) -> Booked {
    match (state, kind) {
        (InvoiceState::Unknown(_), _) => Booked::default(),
        (_, InvoiceKind::CreditNote) => net.negated(),
        (_, InvoiceKind::Invoice) => net,
    }
}

/// The same from rows.
fn sums_of_invoices(invoices: &[ProjectInvoice]) -> Vec<Sum> {
    let mut sums = Vec::new();
    for part in invoices {
        if matches!(part.invoice.state, InvoiceState::Draft | InvoiceState::Void) {
            continue;
        }
        add_invoiced(&mut sums, counted(&part.invoice.state, part.invoice.kind, part.net()), 1);
    }
    sums
}

/// Costs, added up by the service.
pub(super) struct CostSums {
    api: Arc<Api>,
    rows: Arc<dyn CostSource>,
    question: Question,
    /// How a group is read.
    group: Costs,
}

impl CostSums {
    pub(super) fn new(
        config: &Config,
        api: Arc<Api>,
        rows: Arc<dyn CostSource>,
        table: &Costs,
    ) -> Result<Self, ConnectionProblem> {
        let problem = |message: &str| ConnectionProblem::new("costs.sums", message);
        let Some(set) = &config.costs else { return Err(problem("has no table")) };
        if set.from.0.each.is_some() {
            return Err(problem("rows that are lines of documents are not added up: take it away"));
        }
        let fields = &table.fields;
        let project = fields.project_id.as_ref().and_then(|Field(text)| text.path.as_ref());
        let Some(project) = project.filter(|_| set.from.0.key.is_none()) else {
            return Err(problem("needs `project_id` in `fields`, and no `from.key`"));
        };
        check_amount("costs.fields.amount", &fields.amount)?;
        let mut sums = vec![Wanted { path: &fields.amount.0.path, by: "sum", name: NET }];
        if let Some(company) = &fields.company_amount {
            check_amount("costs.fields.company_amount", company)?;
            sums.push(Wanted { path: &company.0.path, by: "sum", name: COMPANY_NET });
        }
        let amounts: Vec<&Path> = sums.iter().map(|sum| sum.path).collect();
        let mut groups = used(&[
            ("costs.fields.project_id", project),
            ("costs.fields.kind", &fields.kind),
            ("costs.fields.state", &fields.state),
            ("costs.fields.amount", &fields.amount),
            ("costs.fields.company_amount", &fields.company_amount),
            ("costs.currency", &table.currency),
            ("costs.company_currency", &table.company_currency),
            ("costs.skip", &table.skip),
        ]);
        groups.retain(|used| !amounts.iter().any(|amount| amount.segments() == used.path.segments()));
        let ask = Ask::new(config, "costs", &set.from.0, set, None)?;
        let question = Question::of(&ask, project, &groups, &sums)?;
        let group = Costs {
            by_project: question.sums.clone(),
            currency: table.currency.clone(),
            company_currency: table.company_currency.clone(),
            url: None,
            skip: table.skip.clone(),
            fields: CostFields {
                id: the_same(),
                project_id: fields.project_id.clone(),
                kind: fields.kind.clone(),
                state: fields.state.clone(),
                date: None,
                amount: summed(&fields.amount, NET),
                company_amount: fields.company_amount.as_ref().map(|company| summed(company, COMPANY_NET)),
                description: None,
                party_id: None,
                party: None,
                document: None,
                url: None,
            },
        };
        Ok(Self { api, rows, question, group })
    }

    fn part(&self, row: &Row<'_>) -> Result<Part<CostSum>, Reject> {
        let Some(cost) = self.group.read(row, self.api.setting())? else { return Ok(Part::Nothing) };
        let sum = Sum { amount: cost.amount, records: records(row)? };
        Ok(Part::Sum(CostSum { kind: cost.kind, state: cost.state, sum }))
    }
}

#[async_trait]
impl CostSumSource for CostSums {
    fn batch_limit(&self) -> usize {
        self.rows.batch_limit()
    }

    async fn cost_sums_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<CostSum>> {
        let parts = Box::pin(self.question.ask((&self.api, call, "costs.sums"), ids, &|row| self.part(row))).await;
        let merged = Batch {
            found: parts.found.into_iter().map(|(id, parts)| (id, parts.map(merged_costs))).collect(),
            failed: parts.failed,
        };
        let rows = async |ids: &[ProjectId]| self.rows.costs_by_project(call, ids).await;
        answered(merged, rows, sums_of_costs).await
    }
}

fn merged_costs(parts: Vec<CostSum>) -> Vec<CostSum> {
    let mut sums = Vec::new();
    for part in parts {
        add_costs(&mut sums, part);
    }
    sums
}

/// The same from rows.
fn sums_of_costs(costs: &[Cost]) -> Vec<CostSum> {
    let one = |cost: &Cost| CostSum {
        kind: cost.kind.clone(),
        state: cost.state,
        sum: Sum { amount: cost.amount, records: 1 },
    };
    merged_costs(costs.iter().map(one).collect())
}
