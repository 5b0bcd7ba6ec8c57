//! What projects cost: bills less their credit notes, what is ordered and not yet billed, expenses that were posted
//! without a document, and hours at their cost.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::{try_join, try_join_all, try_join3};
use rust_decimal::Decimal;

use super::accounts::Accounts;
use super::client::Grouping;
use super::documents::types;
use super::domain::Domain;
use super::map::{self, Projects};
use super::record::Record;
use super::{MAX_KEYS, MAX_NUMBERS, System, grouped, sums, wire};
use crate::domain::{Cost, CostKind, CostSum, Direction, ProjectId, Sum};
use crate::systems::{BatchResult, Call, CostSource, CostSumSource, ErrorKind, SystemError};

const LINE: &str = "account.move.line";
const ANALYTIC_LINE: &str = "account.analytic.line";

/// The costs of projects.
pub(super) struct Costs {
    pub(super) system: Arc<System>,
    /// Whether orders are read.
    pub(super) purchase_orders: bool,
}

/// Open lines of orders, the exchange rates of their orders, and how much of them drafts of bills hold.
#[derive(Default)]
struct Orders {
    lines: Vec<wire::OrderLine>,
    rates: HashMap<u64, wire::Order>,
    drafts: HashMap<u64, Decimal>,
}

/// Conditions on analytic lines without a journal entry.
struct Unposted {
    /// Hours; none where nobody can book any.
    hours: Option<Domain>,
    other: Domain,
}

impl Unposted {
    fn by_kind(self) -> impl Iterator<Item = (CostKind, Domain)> {
        let hours = self.hours.map(|domain| (CostKind::Labour, domain));
        hours.into_iter().chain([(CostKind::Other, self.other)])
    }
}

impl Costs {
    /// Lines of posted bills.
    async fn bills(&self, call: &Call, ids: &[ProjectId], accounts: &[u64]) -> Result<Vec<wire::Line>, SystemError> {
        if ids.is_empty() || (accounts.is_empty() && self.system.shared_id.document.is_none()) {
            return Ok(Vec::new());
        }
        let whose = match &self.system.shared_id.document {
            Some(field) => Domain::one_of(&format!("move_id.{field}"), ids.iter().map(ProjectId::as_str)),
            None => Domain::one_of(self.system.line_field(), accounts.iter().copied()),
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
        let domain = Domain::one_of(self.system.line_field(), accounts.iter().copied())
            .and(Domain::of("parent_state", "=", "posted"))
            .and(Domain::of("move_id.move_type", "=", "entry"))
            .and(Domain::of("account_id.internal_group", "=", "expense"));
        self.system.lines(call, "journal_items.list", domain).await
    }

    /// That an analytic line has no journal entry behind it: of hours whatever there is, of the rest what is spent. What is
    /// positive there is earned.
    async fn without_entry(&self, call: &Call, accounts: &[u64]) -> Result<Unposted, SystemError> {
        let known = self.system.client.fields(call, ANALYTIC_LINE).await?;
        let journal_item = if known.contains("move_line_id") { "move_line_id" } else { "move_id" };
        let on_accounts = Domain::one_of("account_id", accounts.iter().copied()).and(Domain::empty(journal_item));
        let other = on_accounts.clone().and(Domain::of("amount", "<", 0));
        // There are no hours without the module for them.
        Ok(if known.contains("project_id") {
            Unposted {
                hours: Some(on_accounts.and(Domain::of("amount", "!=", 0)).and(Domain::of("project_id", "!=", false))),
                other: other.and(Domain::empty("project_id")),
            }
        } else {
            Unposted { hours: None, other }
        })
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
        let domains = self.without_entry(call, accounts).await?;
        let reads = domains.by_kind().map(|(kind, domain)| async move {
            let fields = &["account_id", "date", "name", "ref", "amount", "currency_id", "partner_id"];
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
        let domains = self.without_entry(call, accounts).await?;
        let reads = domains.by_kind().map(|(kind, domain)| async move {
            let by = &["account_id", "currency_id"];
            let grouping = Grouping { model: ANALYTIC_LINE, domain, by, sums: &["amount"] };
            let groups: Vec<Record> = self.system.client.sums(call, OPERATION, grouping).await?;
            let unreadable = || self.system.client.error(OPERATION, ErrorKind::BadResponse, "a sum that is none");
            let sums = groups.iter().map(|group| map::analytic_sum(&kind, group, projects).ok_or_else(unreadable));
            sums.collect::<Result<Vec<_>, _>>()
        });
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    /// Lines of orders that are confirmed and not billed in full.
    async fn orders(&self, call: &Call, accounts: &[u64]) -> Result<Orders, SystemError> {
        let system = &self.system;
        if accounts.is_empty() || !self.purchase_orders {
            return Ok(Orders::default());
        }
        let domain = Domain::one_of(system.order_field(), accounts.iter().copied())
            .and(Domain::one_of("state", ["purchase", "done"]))
            .and(Domain::empty("display_type"));
        let fields = [
            "order_id",
            "partner_id",
            "company_id",
            "currency_id",
            "date_order",
            "name",
            "product_qty",
            "qty_invoiced",
            "price_subtotal",
            system.order_field(),
        ];
        let lines: Vec<wire::OrderLine> =
            system.client.all(call, "order_lines.list", "purchase.order.line", domain, &fields).await?;
        let companies = system.currencies(call).await?;
        let foreign = lines.iter().filter(|line| {
            let company = line.company_id.as_ref().and_then(|company| companies.get(&company.id()));
            company != Some(&map::currency(line.currency_id.as_ref()))
        });
        let foreign: HashSet<u64> = foreign.filter_map(|line| Some(line.order_id.as_ref()?.id())).collect();
        let billed = |line: &&wire::OrderLine| {
            let billed = line.qty_invoiced.as_ref().and_then(|billed| billed.decimal().ok());
            billed.is_some_and(|billed| !billed.is_zero())
        };
        let billed: Vec<u64> = lines.iter().filter(billed).map(|line| line.id.0).collect();
        let (rates, drafts) =
            try_join(self.rates(call, foreign.into_iter().collect()), self.drafts(call, billed)).await?;
        Ok(Orders { lines, rates, drafts })
    }

    async fn rates(&self, call: &Call, orders: Vec<u64>) -> Result<HashMap<u64, wire::Order>, SystemError> {
        let reads = orders.chunks(MAX_NUMBERS).map(|numbers| {
            let domain = Domain::one_of("id", numbers.iter().copied());
            self.system.client.all::<wire::Order>(call, "orders.list", "purchase.order", domain, &["currency_rate"])
        });
        let orders = try_join_all(reads).await?.into_iter().flatten();
        Ok(orders.map(|order| (order.id.0, order)).collect())
    }

    /// How much of lines of orders stands on drafts of bills.
    async fn drafts(&self, call: &Call, lines: Vec<u64>) -> Result<HashMap<u64, Decimal>, SystemError> {
        let reads = lines.chunks(MAX_NUMBERS).map(|numbers| {
            let domain = Domain::one_of("purchase_line_id", numbers.iter().copied()).and(Domain::of(
                "parent_state",
                "=",
                "draft",
            ));
            let fields = &["purchase_line_id", "quantity", "balance"];
            self.system.client.all::<wire::Line>(call, "draft_bill_lines.list", LINE, domain, fields)
        });
        let mut drafts: HashMap<u64, Decimal> = HashMap::new();
        for line in try_join_all(reads).await?.into_iter().flatten() {
            let Some(order_line) = &line.purchase_line_id else { continue };
            let quantity = line.quantity.as_ref().and_then(|quantity| quantity.decimal().ok()).unwrap_or_default();
            // What a credit note takes back stands in the credit.
            let credit = line.balance.as_ref().and_then(|balance| balance.decimal().ok());
            let credit = credit.is_some_and(|balance| balance.is_sign_negative() && !balance.is_zero());
            let sum = drafts.entry(order_line.id()).or_default();
            *sum = sum.saturating_add(if credit { -quantity } else { quantity });
        }
        Ok(drafts)
    }

    async fn order_costs(
        &self,
        call: &Call,
        orders: &Orders,
        projects: &Projects,
    ) -> Result<Vec<(ProjectId, Cost)>, SystemError> {
        let companies = self.system.currencies(call).await?;
        let costs = orders.lines.iter().flat_map(|line| {
            let company = line.company_id.as_ref().and_then(|company| companies.get(&company.id()).copied().flatten());
            let order = line.order_id.as_ref().and_then(|order| orders.rates.get(&order.id()));
            let rate = order.and_then(|order| order.currency_rate.as_ref());
            let drafts = orders.drafts.get(&line.id.0).copied().unwrap_or_default();
            self.system.mapper.open_costs(line, (company, rate, drafts), projects)
        });
        Ok(costs.collect())
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
        costs.extend(
            journal
                .iter()
                .flat_map(|line| mapper.line_costs(line, &mapper.account_kind(line.account_id.as_ref()), &projects)),
        );
        costs.extend(self.order_costs(call, &orders, &projects).await?);
        Ok((costs, projects))
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
        let ((mut costs, projects), analytic) =
            Box::pin(try_join(self.on_documents(call, ids, &numbers, accounts), self.analytic(call, &numbers))).await?;
        let mapper = &self.system.mapper;
        costs.extend(analytic.iter().filter_map(|(kind, line)| mapper.analytic_cost(kind, line, &projects)));
        let mut costs = grouped(costs);
        for costs in costs.values_mut() {
            costs.sort_by(|a, b| (a.date, &a.id).cmp(&(b.date, &b.id)));
        }
        Ok(self.system.answer(call, ids, costs, &known).await)
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
        let owners = Projects::OfAccounts(accounts.owners.clone());
        let ((costs, _), sums) = Box::pin(try_join(
            self.on_documents(call, ids, &numbers, accounts),
            self.analytic_sums(call, &numbers, &owners),
        ))
        .await?;
        let costs = costs.into_iter().map(|(id, cost)| {
            let sum = Sum { amount: cost.amount, records: 1 };
            (id, CostSum { kind: cost.kind, state: cost.state, sum })
        });
        let sums = grouped(costs.chain(sums)).into_iter().map(|(id, parts)| (id, sums::of_costs(parts)));
        Ok(self.system.answer(call, ids, sums.collect(), &known).await)
    }
}
