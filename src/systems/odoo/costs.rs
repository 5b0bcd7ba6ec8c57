//! What projects cost: bills less their credit notes, what is ordered and not yet billed, expenses that were posted
//! without a document, and hours at their cost.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::{try_join_all, try_join3};

use super::accounts::Accounts;
use super::client::Grouping;
use super::documents::types;
use super::domain::Domain;
use super::map::{self, Projects};
use super::orders::Orders;
use super::record::Record;
use super::spent::{self, has_hours};
use super::{MAX_KEYS, MAX_NUMBERS, System, sums, wire};
use crate::domain::{Cost, CostKind, CostSum, Direction, ProjectId, Sum};
use crate::systems::labour::Labour;
use crate::systems::{Batch, BatchResult, Call, CostSource, CostSumSource, ErrorKind, SystemError, grouped};

const LINE: &str = "account.move.line";
const ANALYTIC_LINE: &str = "account.analytic.line";

/// The costs of projects.
pub(super) struct Costs {
    pub(super) system: Arc<System>,
    /// Whether orders are read.
    pub(super) purchase_orders: bool,
    /// Whether each project has an analytic account.
    pub(super) accounts_of_all: bool,
}

/// Conditions on analytic lines without a journal entry.
struct Unposted {
    /// Hours; none where nobody can book any, or they are no costs.
    hours: Option<Domain>,
    other: Domain,
}

impl Costs {
    /// Lines of posted bills.
    async fn bills(&self, call: &Call, ids: &[ProjectId], accounts: &[u64]) -> Result<Vec<wire::Line>, SystemError> {
        if ids.is_empty() || (accounts.is_empty() && self.system.shared_id.document.is_none()) {
            return Ok(Vec::new());
        }
        let whose = match &self.system.shared_id.document {
            Some(field) => Domain::carries(&format!("move_id.{field}"), ids),
            None => self.system.tags(call).await?.on(self.system.line_field(), accounts),
        };
        let domain = whose
            .and(self.system.product_lines(call).await?)
            .and(Domain::of("parent_state", "=", "posted"))
            .and(Domain::one_of("move_id.move_type", types(Direction::Payable, None).iter().copied()));
        self.system.lines(call, "bill_lines.list", domain).await
    }

    /// Posted journal items on expense accounts that belong to no document.
    async fn journal(&self, call: &Call, accounts: &[u64]) -> Result<Vec<wire::Line>, SystemError> {
        if accounts.is_empty() {
            return Ok(Vec::new());
        }
        let tags = self.system.tags(call).await?;
        let domain = tags
            .on(self.system.line_field(), accounts)
            .and(Domain::of("parent_state", "=", "posted"))
            .and(Domain::of("move_id.move_type", "=", "entry"))
            .and(Domain::of("account_id.internal_group", "=", "expense"));
        self.system.lines(call, "journal_items.list", domain).await
    }

    /// Of these journal items, those that write off an asset whose bill is one of these: the bill is the cost.
    async fn depreciation(
        &self,
        call: &Call,
        journal: &[wire::Line],
        bills: &[wire::Line],
    ) -> Result<HashSet<u64>, SystemError> {
        // There are no assets without the module for them.
        let has_assets = self.system.client.fields(call, "account.move").await?.contains("asset_id");
        if journal.is_empty() || bills.is_empty() || !has_assets {
            return Ok(HashSet::new());
        }
        let reads = bills.chunks(MAX_NUMBERS).map(|bills| {
            let of_bills =
                Domain::one_of("move_id.asset_id.original_move_line_ids", bills.iter().map(|line| line.id.0));
            let domain = Domain::one_of("id", journal.iter().map(|item| item.id.0)).and(of_bills);
            self.system.client.all::<wire::Line>(call, "depreciation.list", LINE, domain, &["move_id"])
        });
        Ok(try_join_all(reads).await?.into_iter().flatten().map(|item| item.id.0).collect())
    }

    /// That an analytic line has no journal entry behind it: hours whatever they cost; the rest with either sign, for what
    /// corrects a cost is positive, but not what stands on an account for income.
    async fn without_entry(&self, call: &Call, accounts: &[u64]) -> Result<Unposted, SystemError> {
        let known = self.system.client.fields(call, ANALYTIC_LINE).await?;
        let journal_item = if known.contains("move_line_id") { "move_line_id" } else { "move_id" };
        let on_accounts = Domain::one_of("account_id", accounts.iter().copied()).and(Domain::empty(journal_item));
        let other = on_accounts.clone().and(Domain::of("amount", "!=", 0)).and(Domain::any([
            Domain::empty("general_account_id"),
            Domain::of("general_account_id.internal_group", "!=", "income"),
        ]));
        // There are no hours without the module for them.
        Ok(if known.contains("project_id") {
            let hours = on_accounts.and(Domain::of("project_id", "!=", false));
            Unposted {
                hours: Some(hours).filter(|_| self.system.mapper.labour == Labour::Timesheets),
                other: other.and(Domain::empty("project_id")),
            }
        } else {
            Unposted { hours: None, other }
        })
    }

    /// Of these accounts, those of a further plan with lines that have no journal entry. Such lines name them in a column of
    /// the plan's own (`x_plan2_id`, from 17 on), where hours are not looked for.
    async fn of_further_plans(&self, call: &Call, accounts: &[u64]) -> Result<HashSet<u64>, SystemError> {
        let known = self.system.client.fields(call, ANALYTIC_LINE).await?;
        let columns: Vec<&str> = known.iter().map(String::as_str).filter(|field| is_of_a_plan(field)).collect();
        if columns.is_empty() || accounts.is_empty() {
            return Ok(HashSet::new());
        }
        let named = columns.iter().map(|column| Domain::one_of(column, accounts.iter().copied()));
        let domain = Domain::any(named).and(Domain::empty("move_line_id"));
        let rows: Vec<Record> =
            self.system.client.all(call, "analytic_lines.of_further_plans", ANALYTIC_LINE, domain, &columns).await?;
        let found = rows.iter().flat_map(|row| columns.iter().filter_map(|column| Some(row.link(column)?.id())));
        Ok(found.filter(|account| accounts.contains(account)).collect())
    }

    /// What stands on the accounts without a journal entry.
    async fn analytic(
        &self,
        call: &Call,
        accounts: &[u64],
    ) -> Result<Vec<(CostKind, wire::AnalyticLine)>, SystemError> {
        if accounts.is_empty() {
            return Ok(Vec::new());
        }
        let Unposted { hours, other } = self.without_entry(call, accounts).await?;
        let hours = hours.map(|domain| domain.and(Domain::any([Domain::of("amount", "!=", 0), has_hours()])));
        let domains = hours.map(|domain| (CostKind::Labour, domain)).into_iter().chain([(CostKind::Other, other)]);
        let reads = domains.map(|(kind, domain)| async move {
            let fields = &["account_id", "date", "name", "ref", "amount", "unit_amount", "currency_id", "partner_id"];
            let rows: Vec<wire::AnalyticLine> =
                self.system.client.all(call, "analytic_lines.list", ANALYTIC_LINE, domain, fields).await?;
            Ok(rows.into_iter().map(move |row| (kind.clone(), row)))
        });
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    /// The same, added up by the system: there are as many rows as people book hours.
    async fn analytic_sums(
        &self,
        call: &Call,
        accounts: &[u64],
        projects: &Projects,
    ) -> Result<Vec<(ProjectId, CostSum)>, SystemError> {
        const OPERATION: &str = "analytic_lines.sum";
        if accounts.is_empty() {
            return Ok(Vec::new());
        }
        let Unposted { hours, other } = self.without_entry(call, accounts).await?;
        // A sum hides what was added as 0: hours that nobody has priced are counted apart.
        let hours = hours.into_iter().flat_map(|domain| {
            let unpriced = domain.clone().and(Domain::of("amount", "=", 0)).and(has_hours());
            let priced = domain.and(Domain::of("amount", "!=", 0));
            [(CostKind::Labour, true, priced), (CostKind::Labour, self.system.mapper.free_hours, unpriced)]
        });
        let reads = hours.chain([(CostKind::Other, true, other)]).map(|(kind, is_priced, domain)| async move {
            let by = &["account_id", "currency_id"];
            let grouping = Grouping { model: ANALYTIC_LINE, domain, by, sums: &["amount"] };
            let groups: Vec<Record> = self.system.client.sums(call, OPERATION, grouping).await?;
            let unreadable = || self.system.client.error(OPERATION, ErrorKind::BadResponse, "a sum that is none");
            let sums = groups
                .iter()
                .map(|group| spent::analytic_sum(&kind, is_priced, group, projects).ok_or_else(unreadable));
            sums.collect::<Result<Vec<_>, _>>()
        });
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }
}

impl Costs {
    /// The accounts of projects, and the costs that stand on documents.
    async fn on_documents(
        &self,
        call: &Call,
        ids: &[ProjectId],
        numbers: &[u64],
        mut accounts: Accounts,
    ) -> Result<(Vec<(ProjectId, Cost)>, Projects), SystemError> {
        let (bills, journal, orders) = Box::pin(try_join3(
            self.bills(call, ids, numbers),
            self.journal(call, numbers),
            self.orders(call, numbers),
        ))
        .await?;
        let written_off = self.depreciation(call, &journal, &bills).await?;
        // Whose the other shares of a line are decides how cents that cannot be shared fall, whoever asks.
        let items = bills
            .iter()
            .chain(&journal)
            .flat_map(|line| map::accounts(line.analytic_distribution.as_ref(), line.analytic_account_id.as_ref()));
        let ordered = orders
            .lines
            .iter()
            .flat_map(|line| map::accounts(line.analytic_distribution.as_ref(), line.account_analytic_id.as_ref()));
        let named: Vec<u64> = items.chain(ordered).collect();
        self.system.learn(call, &mut accounts, named).await?;
        let of_bills = if self.system.shared_id.document.is_some() {
            let numbers: BTreeSet<u64> = bills.iter().filter_map(|line| Some(line.move_id.as_ref()?.id())).collect();
            let numbers: Vec<u64> = numbers.into_iter().collect();
            Some(self.system.projects_of(call, Accounts::default(), &numbers, &bills).await?)
        } else {
            None
        };
        let projects = Projects::OfAccounts(accounts.owners);
        let mapper = &self.system.mapper;
        let mut costs: Vec<(ProjectId, Cost)> = Vec::new();
        let owners = of_bills.as_ref().unwrap_or(&projects);
        costs.extend(bills.iter().flat_map(|line| mapper.line_costs(line, &CostKind::Vendor, owners)));
        let journal = journal.iter().filter(|line| !written_off.contains(&line.id.0));
        let journal = journal.filter_map(|line| Some((line, mapper.account_kind(line.account_id.as_ref())?)));
        costs.extend(journal.flat_map(|(line, kind)| mapper.line_costs(line, &kind, &projects)));
        costs.extend(self.system.order_costs(call, &orders, &projects).await?);
        Ok((costs, projects))
    }
}

/// Whether a field of an analytic line holds the account of a further plan.
fn is_of_a_plan(field: &str) -> bool {
    let number = field.strip_prefix("x_plan").and_then(|rest| rest.strip_suffix("_id"));
    number.is_some_and(|number| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
}

impl Costs {
    async fn orders(&self, call: &Call, accounts: &[u64]) -> Result<Orders, SystemError> {
        if accounts.is_empty() || !self.purchase_orders {
            return Ok(Orders::default());
        }
        self.system.orders(call, accounts).await
    }

    /// Takes out projects whose costs are not all there: those with hours on a further plan, and those of which documents are
    /// known and no analytic account is, by which orders, expenses and hours come.
    fn whole<V>(
        &self,
        mut batch: Batch<ProjectId, V>,
        known: &[ProjectId],
        of_further_plans: &HashSet<ProjectId>,
    ) -> Batch<ProjectId, V> {
        let detail = "hours or entries by hand stand on an analytic account of a further plan, and are not read: let the \
                      account with the shared ID be of the plan for projects";
        let error = self.system.client.error("analytic_lines.of_further_plans", ErrorKind::Truncated, detail);
        batch.fail_unless(|id| !of_further_plans.contains(id), &error);
        if self.system.shared_id.document.is_none() || !self.accounts_of_all {
            return batch;
        }
        let detail = "documents carry the project's ID and no analytic account does: orders, expenses and hours are \
                      unknown (if projects may have none, say `analytic_accounts = \"some\"`)";
        let error = self.system.client.error("analytic_accounts.list", ErrorKind::Truncated, detail);
        batch.fail_unless(|id| known.contains(id), &error);
        batch
    }
}

#[async_trait]
impl CostSource for Costs {
    fn batch_limit(&self) -> usize {
        MAX_KEYS
    }

    async fn costs_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Cost>> {
        let accounts = self.system.accounts(call, ids).await?;
        let numbers: Vec<u64> = accounts.of(ids).collect();
        let known: Vec<ProjectId> = accounts.owners.values().cloned().collect();
        let owners = accounts.owners.clone();
        let ((mut costs, projects), analytic, further) = Box::pin(try_join3(
            self.on_documents(call, ids, &numbers, accounts),
            self.analytic(call, &numbers),
            self.of_further_plans(call, &numbers),
        ))
        .await?;
        let mapper = &self.system.mapper;
        costs.extend(analytic.iter().filter_map(|(kind, line)| mapper.analytic_cost(kind, line, &projects)));
        let mut costs = grouped(costs);
        for costs in costs.values_mut() {
            costs.sort_by(|a, b| (a.date, &a.id).cmp(&(b.date, &b.id)));
        }
        let further = further.iter().filter_map(|account| owners.get(account).cloned()).collect();
        Ok(self.whole(self.system.answer(call, ids, costs, &known).await, &known, &further))
    }
}

#[async_trait]
impl CostSumSource for Costs {
    fn batch_limit(&self) -> usize {
        MAX_KEYS
    }

    /// Documents are cut by shares and have currencies of their own, so they are added up here; the hours are not.
    async fn cost_sums_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<CostSum>> {
        let accounts = self.system.accounts(call, ids).await?;
        let numbers: Vec<u64> = accounts.of(ids).collect();
        let known: Vec<ProjectId> = accounts.owners.values().cloned().collect();
        let owners = accounts.owners.clone();
        let projects = Projects::OfAccounts(owners.clone());
        let ((costs, _), sums, further) = Box::pin(try_join3(
            self.on_documents(call, ids, &numbers, accounts),
            self.analytic_sums(call, &numbers, &projects),
            self.of_further_plans(call, &numbers),
        ))
        .await?;
        let costs = costs.into_iter().map(|(id, cost)| {
            let sum = Sum { amount: cost.amount, records: 1 };
            (id, CostSum { kind: cost.kind, state: cost.state, sum })
        });
        let sums = grouped(costs.chain(sums)).into_iter().map(|(id, parts)| (id, sums::of_costs(parts)));
        let further = further.iter().filter_map(|account| owners.get(account).cloned()).collect();
        Ok(self.whole(self.system.answer(call, ids, sums.collect(), &known).await, &known, &further))
    }
}
