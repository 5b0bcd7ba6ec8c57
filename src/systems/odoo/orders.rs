//! Orders that are confirmed and not billed in full, with what it takes to say what is open of them.

use std::collections::{HashMap, HashSet};

use futures_util::future::{try_join, try_join_all};
use rust_decimal::Decimal;

use super::domain::Domain;
use super::map::{self, Projects};
use super::spent::OrderFacts;
use super::{MAX_NUMBERS, System, wire};
use crate::domain::{Cost, ProjectId};
use crate::systems::{Call, SystemError};

const ORDER_LINE: &str = "purchase.order.line";
const LINE: &str = "account.move.line";

/// Open lines of orders, the exchange rates of their orders, and how much of them drafts of bills hold.
#[derive(Default)]
pub(super) struct Orders {
    pub(super) lines: Vec<wire::OrderLine>,
    rates: HashMap<u64, wire::Order>,
    drafts: HashMap<u64, Vec<Draft>>,
}

/// What a draft of a bill holds of a line of an order; of a credit note it is negative.
struct Draft {
    quantity: Option<Decimal>,
    unit: Option<u64>,
}

impl System {
    /// Lines of orders that are confirmed and not billed in full.
    pub(super) async fn orders(&self, call: &Call, accounts: &[u64]) -> Result<Orders, SystemError> {
        let (tags, known) = Box::pin(try_join(self.tags(call), self.client.fields(call, ORDER_LINE))).await?;
        let domain = tags
            .on(self.order_field(), accounts)
            .and(Domain::one_of("state", ["purchase", "done"]))
            .and(Domain::empty("display_type"));
        // It was renamed with 19.
        let unit = if known.contains("product_uom_id") { "product_uom_id" } else { "product_uom" };
        let mut fields = vec![
            "order_id",
            "partner_id",
            "company_id",
            "currency_id",
            "date_order",
            "name",
            "product_qty",
            "qty_invoiced",
            "price_subtotal",
            unit,
            self.order_field(),
        ];
        fields.extend(tags.field());
        let mut lines: Vec<wire::OrderLine> =
            self.client.all(call, "order_lines.list", ORDER_LINE, domain, &fields).await?;
        for line in &mut lines {
            if let Some(unknown) = tags.unknown(&line.analytic_tag_ids, line.account_analytic_id.as_ref()) {
                line.analytic_distribution = Some(unknown);
            }
        }
        let companies = self.currencies(call).await?;
        let foreign = lines.iter().filter(|line| {
            let company = line.company_id.as_ref().and_then(|company| companies.get(&company.id()));
            company != Some(&map::currency(line.currency_id.as_ref()))
        });
        let foreign: HashSet<u64> = foreign.filter_map(|line| Some(line.order_id.as_ref()?.id())).collect();
        let rates = self.rates(call, foreign.into_iter().collect());
        let numbers: Vec<u64> = lines.iter().map(|line| line.id.0).collect();
        let (rates, drafts) = Box::pin(try_join(rates, self.drafts(call, &numbers))).await?;
        Ok(Orders { lines, rates, drafts })
    }

    async fn rates(&self, call: &Call, orders: Vec<u64>) -> Result<HashMap<u64, wire::Order>, SystemError> {
        let reads = orders.chunks(MAX_NUMBERS).map(|numbers| {
            let domain = Domain::one_of("id", numbers.iter().copied());
            self.client.all::<wire::Order>(call, "orders.list", "purchase.order", domain, &["currency_rate"])
        });
        let orders = try_join_all(reads).await?.into_iter().flatten();
        Ok(orders.map(|order| (order.id.0, order)).collect())
    }

    /// What stands of lines of orders on drafts. Whether a draft is a bill or a credit note says its type: the side of a line
    /// depends on the sign of its quantity, too.
    async fn drafts(&self, call: &Call, lines: &[u64]) -> Result<HashMap<u64, Vec<Draft>>, SystemError> {
        let kinds = [("in_invoice", Decimal::ONE), ("in_refund", Decimal::NEGATIVE_ONE)];
        let reads = lines.chunks(MAX_NUMBERS).flat_map(|numbers| kinds.map(|kind| (numbers, kind)));
        let reads = reads.map(|(numbers, (kind, sign))| async move {
            let domain = Domain::one_of("purchase_line_id", numbers.iter().copied())
                .and(Domain::of("parent_state", "=", "draft"))
                .and(Domain::of("move_id.move_type", "=", kind));
            let fields = &["purchase_line_id", "quantity", "product_uom_id"];
            let found: Vec<wire::Line> = self.client.all(call, "draft_bill_lines.list", LINE, domain, fields).await?;
            Ok::<_, SystemError>(found.into_iter().map(move |line| (sign, line)))
        });
        let mut drafts: HashMap<u64, Vec<Draft>> = HashMap::new();
        for (sign, line) in try_join_all(reads).await?.into_iter().flatten() {
            let Some(order_line) = &line.purchase_line_id else { continue };
            let quantity = line.quantity.as_ref().and_then(|quantity| quantity.decimal().ok());
            let draft = Draft {
                quantity: quantity.map(|quantity| quantity * sign),
                unit: line.product_uom_id.as_ref().map(wire::Link::id),
            };
            drafts.entry(order_line.id()).or_default().push(draft);
        }
        Ok(drafts)
    }

    /// What is committed by orders.
    pub(super) async fn order_costs(
        &self,
        call: &Call,
        orders: &Orders,
        projects: &Projects,
    ) -> Result<Vec<(ProjectId, Cost)>, SystemError> {
        if orders.lines.is_empty() {
            return Ok(Vec::new());
        }
        let companies = self.currencies(call).await?;
        let costs = orders.lines.iter().flat_map(|line| {
            let company = line.company_id.as_ref().and_then(|company| companies.get(&company.id()).copied().flatten());
            let order = line.order_id.as_ref().and_then(|order| orders.rates.get(&order.id()));
            let rate = order.and_then(|order| order.currency_rate.as_ref());
            self.mapper.open_costs(line, OrderFacts { company, rate, drafts: orders.drafted(line) }, projects)
        });
        Ok(costs.collect())
    }
}

impl Orders {
    /// What drafts hold of a line, in its unit: Odoo converts units, and Spine does not.
    fn drafted(&self, line: &wire::OrderLine) -> Option<Decimal> {
        let unit = line.product_uom_id.as_ref().map(wire::Link::id);
        let mut drafts = self.drafts.get(&line.id.0).into_iter().flatten();
        drafts.try_fold(Decimal::ZERO, |sum, draft| sum.checked_add(draft.quantity.filter(|_| draft.unit == unit)?))
    }
}
