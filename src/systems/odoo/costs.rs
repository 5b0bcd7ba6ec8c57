//! What projects cost: bills less their credit notes, what is ordered and not yet billed, expenses that were posted
//! without a document, and hours at their cost.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::{try_join, try_join_all, try_join4};
use rust_decimal::Decimal;

use super::documents::types;
use super::domain::Domain;
use super::map::{self, Projects};
use super::{MAX_KEYS, MAX_NUMBERS, System, grouped, wire};
use crate::domain::{Cost, CostKind, Direction, ProjectId};
use crate::systems::{BatchResult, Call, CostSource, SystemError};

const LINE: &str = "account.move.line";

/// The costs of projects.
pub(super) struct Costs {
    pub(super) system: Arc<System>,
}

/// Open lines of orders, the exchange rates of their orders, and how much of them drafts of bills hold.
struct Orders {
    lines: Vec<wire::OrderLine>,
    rates: HashMap<u64, wire::Order>,
    drafts: HashMap<u64, Decimal>,
}

impl Costs {
    /// Lines of posted bills.
    async fn bills(&self, call: &Call, accounts: &[u64]) -> Result<Vec<wire::Line>, SystemError> {
        let domain = Domain::one_of(self.system.line_field(), accounts.iter().copied())
            .and(self.system.product_lines(call).await?)
            .and(Domain::of("parent_state", "=", "posted"))
            .and(Domain::one_of("move_id.move_type", types(Direction::Payable, None).iter().copied()));
        self.system.lines(call, "bill_lines.list", domain).await
    }

    /// Posted journal items on expense accounts that belong to no document.
    async fn journal(&self, call: &Call, accounts: &[u64]) -> Result<Vec<wire::Line>, SystemError> {
        let domain = Domain::one_of(self.system.line_field(), accounts.iter().copied())
            .and(Domain::of("parent_state", "=", "posted"))
            .and(Domain::of("move_id.move_type", "=", "entry"))
            .and(Domain::of("account_id.internal_group", "=", "expense"));
        self.system.lines(call, "journal_items.list", domain).await
    }

    /// What stands on the accounts without a journal entry. What is positive there, and no hours taken back, is earned.
    async fn analytic(&self, call: &Call, accounts: &[u64]) -> Result<Vec<wire::AnalyticLine>, SystemError> {
        const MODEL: &str = "account.analytic.line";
        let known = self.system.client.fields(call, MODEL).await?;
        let journal_item = if known.contains("move_line_id") { "move_line_id" } else { "move_id" };
        let mut fields = vec!["account_id", "date", "name", "ref", "amount", "currency_id", "partner_id"];
        let spent = Domain::of("amount", "<", 0);
        let mut domain = Domain::one_of("account_id", accounts.iter().copied()).and(Domain::empty(journal_item));
        // There are no hours without the module for them.
        if known.contains("project_id") {
            fields.push("project_id");
            domain = domain
                .and(Domain::of("amount", "!=", 0))
                .and(Domain::any([spent, Domain::of("project_id", "!=", false)]));
        } else {
            domain = domain.and(spent);
        }
        self.system.client.all(call, "analytic_lines.list", MODEL, domain, &fields).await
    }

    /// Lines of orders that are confirmed and not billed in full.
    async fn orders(&self, call: &Call, accounts: &[u64]) -> Result<Orders, SystemError> {
        let system = &self.system;
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

#[async_trait]
impl CostSource for Costs {
    fn batch_limit(&self) -> usize {
        MAX_KEYS
    }

    async fn costs_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Cost>> {
        let mut accounts = self.system.accounts(call, ids).await?;
        let numbers: Vec<u64> = accounts.of(ids).collect();
        let known: Vec<ProjectId> = accounts.owners.values().cloned().collect();
        if numbers.is_empty() {
            return Ok(self.system.answer(call, ids, HashMap::new(), &known).await);
        }
        let (bills, journal, analytic, orders) = try_join4(
            self.bills(call, &numbers),
            self.journal(call, &numbers),
            self.analytic(call, &numbers),
            self.orders(call, &numbers),
        )
        .await?;
        // Whose the other shares of a line are decides how cents that cannot be shared fall, whoever asks.
        let items = bills.iter().chain(&journal);
        let items = items
            .flat_map(|line| map::accounts(line.analytic_distribution.as_ref(), line.analytic_account_id.as_ref()));
        let ordered = orders
            .lines
            .iter()
            .flat_map(|line| map::accounts(line.analytic_distribution.as_ref(), line.account_analytic_id.as_ref()));
        let named: Vec<u64> = items.chain(ordered).collect();
        self.system.learn(call, &mut accounts, named).await?;
        let projects = Projects::OfAccounts(accounts.owners);
        let mapper = &self.system.mapper;
        let mut costs: Vec<(ProjectId, Cost)> = Vec::new();
        costs.extend(bills.iter().flat_map(|line| mapper.line_costs(line, &CostKind::Vendor, &projects)));
        costs.extend(
            journal
                .iter()
                .flat_map(|line| mapper.line_costs(line, &mapper.account_kind(line.account_id.as_ref()), &projects)),
        );
        costs.extend(analytic.iter().filter_map(|line| mapper.analytic_cost(line, &projects)));
        costs.extend(self.order_costs(call, &orders, &projects).await?);
        let mut costs = grouped(costs);
        for costs in costs.values_mut() {
            costs.sort_by(|a, b| (a.date, &a.id).cmp(&(b.date, &b.id)));
        }
        Ok(self.system.answer(call, ids, costs, &known).await)
    }
}
