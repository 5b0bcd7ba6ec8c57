//! What projects cost: lines of bills less credit notes, what is ordered and not yet billed, people's time, and what is
//! posted to analytic accounts without a bill.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::{try_join, try_join3};
use rust_decimal::Decimal;
use serde_json::json;

use super::ask::{
    ANALYTIC_ACCOUNT, ANALYTIC_LINE, ASSET, ASSET_LINE, MOVE, Model, PURCHASE_LINE, TIMESHEET_LINE, WORK,
};
use super::client::Company;
use super::config::Carrier;
use super::documents::Documents;
use super::invoice::{ANALYTIC, Document, entry, of_lines};
use super::map::{Account, Reading, company_amount, party, rounded};
use super::wire::{Lack, Record};
use super::{Accounts, BATCH, System, spellings};
use crate::domain::{Booked, Cost, CostKind, CostState, InvoiceKind, InvoiceState, Money, ProjectId, digits};
use crate::systems::labour::Labour;
use crate::systems::{BatchResult, Call, CostSource, ErrorKind, SystemError, grouped};

/// The costs of projects.
pub(super) struct Costs {
    pub(super) system: Arc<System>,
    pub(super) bills: Documents,
    pub(super) labour: Labour,
    /// Whether each project of the books is one of timesheets.
    pub(super) timesheets_of_all: bool,
    /// Whether hours at a cost price of 0 cost nothing; else nobody knows what they cost.
    pub(super) free_hours: bool,
    /// Whether orders are read.
    pub(super) purchases: bool,
}

type Found = Vec<(ProjectId, Cost)>;

const PURCHASE: [&str; 15] = [
    "purchase.number",
    "purchase.currency.code",
    "purchase.purchase_date",
    "purchase.party.code",
    "purchase.party.name",
    "description",
    "type",
    "quantity",
    "unit",
    "unit_price",
    "invoice_lines.quantity",
    "invoice_lines.unit",
    "invoice_lines.invoice.state",
    "purchase.state",
    "id",
];

const JOURNAL: [&str; 11] = [
    "date",
    "debit",
    "credit",
    "account.code",
    "move_line.description",
    "move_line.party.code",
    "move_line.party.name",
    "move_line.account.code",
    "move_line.account.type.expense",
    "move_line.move.number",
    "move_line.move.origin",
];

impl Costs {
    fn lacks(&self, model: &Model) -> impl Fn(Lack) -> SystemError {
        |lack| self.system.client.lacks(model, &lack)
    }

    /// What is ordered and not billed: a bill that is not posted is no cost yet, so what it bills is still ordered.
    async fn ordered(&self, call: &Call, ids: &[ProjectId], accounts: Option<&Accounts>) -> Result<Found, SystemError> {
        if !self.purchases {
            return Ok(Vec::new());
        }
        let company = self.system.client.company(call).await?;
        let mut fields: Vec<String> = PURCHASE.iter().map(|field| (*field).to_owned()).collect();
        let (path, values, root) = match (&self.bills.carrier, accounts) {
            (Carrier::Field(path), _) => {
                let path = format!("purchase.{path}");
                if !fields.contains(&path) {
                    fields.push(path.clone());
                }
                (path, spellings(ids), None)
            }
            (Carrier::Analytic, accounts) => {
                fields.extend(ANALYTIC.iter().map(|field| format!("analytic_accounts.{field}")));
                let keys = accounts.map(|accounts| accounts.keys.iter().map(|key| json!(key)).collect());
                let root = self.system.root(call).await?;
                ("analytic_accounts.account".to_owned(), keys.unwrap_or_default(), Some(root))
            }
        };
        let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
        let conditions = [
            json!(["type", "=", "line"]),
            json!(["purchase.state", "in", ["confirmed", "processing"]]),
            json!(["purchase.company", "=", company.id]),
        ];
        let records =
            self.system.client.list_among(call, &PURCHASE_LINE, (&path, &values), &conditions, &fields).await?;
        let mut found = Vec::new();
        for record in &records {
            let owner = match root {
                Some(root) => entry(&self.system.mapper, record, root),
                None => record
                    .text_at(&path)
                    .map(|text| Account { project: self.system.mapper.project(text.as_deref()), parts: Vec::new() }),
            };
            let costs = owner.and_then(|owner| self.open_of(record, &owner, company));
            found.extend(costs.map_err(self.lacks(&PURCHASE_LINE))?);
        }
        Ok(found)
    }

    /// The open part of an order's line. What an order is worth in the company's currency is not recorded.
    fn open_of(&self, record: &Record, owner: &Account, company: &Company) -> Result<Found, Lack> {
        let mut reading = Reading::default();
        let order = record.one("purchase")?.ok_or_else(|| Lack("purchase".to_owned()))?;
        let mut open = reading.number(record, "quantity", "amount")?;
        let unit = record.key("unit")?;
        for line in record.many("invoice_lines")? {
            let state = line.one("invoice")?.map(|invoice| invoice.text("state")).transpose()?.flatten();
            if matches!(state.as_deref(), Some("posted" | "paid")) {
                // In another unit it may be any part of the order: Tryton converts units, and Spine does not.
                let is_same = line.key("unit")? == unit;
                let billed = reading.number(&line, "quantity", "amount")?.filter(|_| is_same);
                open = open.zip(billed).and_then(|(open, billed)| open.checked_sub(billed));
            }
        }
        // Nothing is left, more was billed than ordered, or it is a return.
        if open.is_some_and(|open| open <= Decimal::ZERO) {
            return Ok(Vec::new());
        }
        let price = reading.number(record, "unit_price", "amount")?;
        let currency = reading.currency(&order, "currency.code", "amount")?;
        let amount = open.zip(price).and_then(|(open, price)| open.checked_mul(price)).zip(currency);
        let date = reading.date(&order, "purchase_date", "date")?;
        let (id, description) = (record.id()?, record.text("description")?);
        let (party, document) = (party(&order)?, order.text("number")?);
        let url = self.system.mapper.url("purchase.purchase", order.id()?);
        let cost = |place: usize, amount: Option<Money>| Cost {
            id: format!("purchase-{id}-{place}").into(),
            kind: CostKind::Vendor,
            state: CostState::Committed,
            date,
            amount: Booked { document: amount, company: amount.filter(|money| money.currency == company.currency) },
            description: description.clone().map(Into::into),
            party: party.clone(),
            document: document.clone().map(Into::into),
            url: url.clone(),
            flaws: reading.flaws.clone().into(),
        };
        let shares: Vec<(Option<ProjectId>, Option<Money>)> = match amount {
            Some((amount, currency)) => {
                let shares = owner.share_out(rounded(amount, currency), digits(currency)).into_iter();
                shares.map(|(project, share)| (project, Some(Money::new(share, currency)))).collect()
            }
            None => owner.share_out(Decimal::ZERO, 0).into_iter().map(|(project, _)| (project, None)).collect(),
        };
        let costs = shares.into_iter().enumerate();
        Ok(costs.filter_map(|(place, (project, share))| Some((project?, cost(place, share)))).collect())
    }

    /// Hours, at what the employee costs. Hours on tasks are the project's.
    async fn hours(&self, call: &Call, ids: &[ProjectId]) -> Result<(Found, Option<HashSet<ProjectId>>), SystemError> {
        if self.labour != Labour::Timesheets {
            return Ok((Vec::new(), None));
        }
        let company = self.system.client.company(call).await?;
        let works = self.system.works(call, ids).await?;
        let lines = self.system.timesheets(call, &works, &["duration", "cost_price", "date", "description"]).await?;
        let cost = |record: &Record| {
            let mut reading = Reading::default();
            let hours = reading.hours(record, "duration", "amount")?;
            let price = reading.number(record, "cost_price", "amount")?;
            // Tryton keeps 0 where the employee has no cost price on that day.
            let price = price.filter(|price| self.free_hours || !price.is_zero() || hours == Some(Decimal::ZERO));
            let amount = hours.zip(price).and_then(|(hours, price)| hours.checked_mul(price));
            Ok(Cost {
                id: format!("timesheet-{}", record.id()?).into(),
                kind: CostKind::Labour,
                state: CostState::Actual,
                date: reading.date(record, "date", "date")?,
                amount: company_amount(amount.map(|amount| amount.normalize()), company),
                description: record.text("description")?.map(Into::into),
                party: None,
                document: None,
                url: None,
                flaws: reading.flaws.into(),
            })
        };
        let found = lines.iter().map(|(project, record)| Ok((project.clone(), cost(record)?)));
        let found = found.collect::<Result<_, Lack>>().map_err(self.lacks(&TIMESHEET_LINE))?;
        Ok((found, Some(works.known())))
    }

    /// What is posted to the projects' analytic accounts.
    async fn postings(&self, call: &Call, accounts: Option<&Accounts>) -> Result<Vec<Record>, SystemError> {
        let Some(accounts) = accounts else { return Ok(Vec::new()) };
        let keys: Vec<_> = accounts.normal.iter().map(|key| json!(key)).collect();
        let conditions = [json!(["move_line.move.state", "=", "posted"])];
        self.system.client.list_among(call, &ANALYTIC_LINE, ("account", &keys), &conditions, &JOURNAL).await
    }

    /// Of what is posted, that which does not come from an invoice, nor writes off an asset that one of these bills bought for
    /// the same project: the bill is the cost.
    async fn posted(&self, call: &Call, records: &[Record], bills: &[Document]) -> Result<Found, SystemError> {
        let company = self.system.client.company(call).await?;
        let lacks = self.lacks(&ANALYTIC_LINE);
        let mut origins = BTreeMap::new();
        for record in records {
            origins.insert(record.id().map_err(&lacks)?, origin(record).map_err(&lacks)?);
        }
        let reversed = origins.values().flatten().filter(|(model, _)| model == "account.move").map(|(_, id)| *id);
        let of_invoices = self.of_invoices(call, reversed.collect()).await?;
        let bought = self.bought(call, origins.values().flatten()).await?;
        let mut found = Vec::new();
        for record in records {
            let origin = record.id().ok().and_then(|id| origins.get(&id).cloned().flatten());
            let is_billed = origin.as_ref().is_some_and(|(model, id)| {
                model == "account.invoice" || (model == "account.move" && of_invoices.contains(id))
            });
            if is_billed {
                continue;
            }
            let bill = origin.and_then(|origin| bought.get(&origin).copied());
            let cost = self.journal_cost(record, company).map_err(&lacks)?;
            found.extend(cost.filter(|(project, _)| !bill.is_some_and(|bill| is_billed_to(bill, project, bills))));
        }
        Ok(found)
    }

    /// Which line of a bill bought the asset that a posting writes off, by what the posting comes from.
    async fn bought(
        &self,
        call: &Call,
        origins: impl Iterator<Item = &(String, u64)>,
    ) -> Result<HashMap<(String, u64), u64>, SystemError> {
        const LINE: &str = "supplier_invoice_line";
        let origins: BTreeSet<&(String, u64)> = origins.collect();
        let of = |model: &str| -> Vec<_> {
            origins.iter().filter(|(name, _)| name == model).map(|(_, id)| json!(id)).collect()
        };
        let (lines, assets) = (of("account.asset.line"), of("account.asset"));
        let client = &self.system.client;
        let (lines, assets) = try_join(
            client.list_among(call, &ASSET_LINE, ("id", &lines), &[], &["asset.supplier_invoice_line"]),
            client.list_among(call, &ASSET, ("id", &assets), &[], &[LINE]),
        )
        .await?;
        let mut bought = HashMap::new();
        for record in &lines {
            let read = || Ok((record.id()?, record.one("asset")?.map(|asset| asset.key(LINE)).transpose()?.flatten()));
            let (id, line) = read().map_err(self.lacks(&ASSET_LINE))?;
            bought.extend(line.map(|line| (("account.asset.line".to_owned(), id), line)));
        }
        for record in &assets {
            let read = || Ok((record.id()?, record.key(LINE)?));
            let (id, line) = read().map_err(self.lacks(&ASSET))?;
            bought.extend(line.map(|line| (("account.asset".to_owned(), id), line)));
        }
        Ok(bought)
    }

    /// Of these postings, those that come from an invoice, or reverse one that does: they undo a bill that counts no more.
    async fn of_invoices(&self, call: &Call, postings: BTreeSet<u64>) -> Result<HashSet<u64>, SystemError> {
        let mut of_invoices = HashSet::new();
        // What each posting that is looked at stands for.
        let mut waiting: BTreeMap<u64, Vec<u64>> = postings.into_iter().map(|id| (id, vec![id])).collect();
        while !waiting.is_empty() {
            let keys: Vec<_> = waiting.keys().map(|key| json!(key)).collect();
            let moves = self.system.client.list_among(call, &MOVE, ("id", &keys), &[], &["origin"]).await?;
            let mut next: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
            for record in &moves {
                let read = || Ok((record.id()?, record.reference("origin")?));
                let (id, origin) = read().map_err(self.lacks(&MOVE))?;
                let standing = waiting.remove(&id).unwrap_or_default();
                match origin {
                    Some((model, _)) if model == "account.invoice" => of_invoices.extend(standing),
                    // A posting is made after the one that it reverses.
                    Some((model, before)) if model == "account.move" && before < id => {
                        next.entry(before).or_default().extend(standing);
                    }
                    _ => {}
                }
            }
            waiting = next;
        }
        Ok(of_invoices)
    }

    /// What a posting costs, and whom. Nothing on accounts that hold no expenses.
    fn journal_cost(&self, record: &Record, company: &Company) -> Result<Option<(ProjectId, Cost)>, Lack> {
        let line = record.one("move_line")?.ok_or_else(|| Lack("move_line".to_owned()))?;
        let account = line.one("account")?.ok_or_else(|| Lack("account".to_owned()))?;
        let is_expense = account.one("type")?.map(|kind| kind.flag("expense")).transpose()?.unwrap_or(false);
        let is_labour = self.system.mapper.is_labour(&account.text("code")?.unwrap_or_default());
        let kind = match (is_labour, self.labour) {
            (true, Labour::Journal) => CostKind::Labour,
            (false, _) if is_expense => CostKind::Expense,
            // Accounts that hold no costs; and labour, where the same hours are read from timesheets.
            _ => return Ok(None),
        };
        let Some(project) = self.system.mapper.project(record.text_at("account.code")?.as_deref()) else {
            return Ok(None);
        };
        let mut reading = Reading::default();
        let debit = reading.number(record, "debit", "amount")?;
        let credit = reading.number(record, "credit", "amount")?;
        let amount = debit.zip(credit).and_then(|(debit, credit)| debit.checked_sub(credit));
        let posting = line.one("move")?;
        let cost = Cost {
            id: format!("analytic-{}", record.id()?).into(),
            kind,
            state: CostState::Actual,
            date: reading.date(record, "date", "date")?,
            amount: company_amount(amount, company),
            description: line.text("description")?.map(Into::into),
            party: party(&line)?,
            document: posting.as_ref().map(|posting| posting.text("number")).transpose()?.flatten().map(Into::into),
            url: posting
                .map(|posting| posting.id())
                .transpose()?
                .and_then(|id| self.system.mapper.url("account.move", id)),
            flaws: reading.flaws.into(),
        };
        Ok(Some((project, cost)))
    }
}

/// Whether a line of one of these bills is a cost of a project.
fn is_billed_to(line: u64, project: &ProjectId, bills: &[Document]) -> bool {
    let counts = |bill: &&Document| matches!(bill.invoice.state, InvoiceState::Open | InvoiceState::Closed);
    let mut lines = bills.iter().filter(counts).flat_map(|bill| bill.invoice.lines.iter().zip(&bill.lines));
    lines.any(|(part, number)| *number == line && part.project_id.as_ref() == Some(project))
}

/// The costs that the lines of a bill are.
fn lines_of(Document { invoice, lines }: &Document) -> Found {
    let sign = |amount: Booked| if invoice.kind == InvoiceKind::CreditNote { amount.negated() } else { amount };
    let amount = |net: Booked| match invoice.state {
        InvoiceState::Open | InvoiceState::Closed => Some(sign(net)),
        InvoiceState::Draft | InvoiceState::Void => None,
        // Nobody can say whether it counts: the sum is not known.
        InvoiceState::Unknown(_) => Some(Booked::default()),
    };
    let cost = |(place, (line, number)): (usize, (&crate::domain::InvoiceLine, &u64))| {
        let cost = Cost {
            id: format!("invoice-{number}-{place}").into(),
            kind: CostKind::Vendor,
            state: CostState::Actual,
            date: invoice.issue_date,
            amount: amount(line.net)?,
            description: line.description.clone().map(Into::into),
            party: invoice.party.clone(),
            document: invoice.number.clone(),
            url: invoice.url.clone(),
            flaws: of_lines(&invoice.flaws).into(),
        };
        Some((line.project_id.clone()?, cost))
    };
    invoice.lines.iter().zip(lines).enumerate().filter_map(cost).collect()
}

/// What a posting comes from.
fn origin(record: &Record) -> Result<Option<(String, u64)>, Lack> {
    let posting = record.one("move_line")?.map(|line| line.one("move")).transpose()?.flatten();
    Ok(posting.map(|posting| posting.reference("origin")).transpose()?.flatten())
}

#[async_trait]
impl CostSource for Costs {
    fn batch_limit(&self) -> usize {
        BATCH
    }

    async fn costs_by_project(&self, call: &Call, ids: &[ProjectId]) -> BatchResult<ProjectId, Vec<Cost>> {
        let accounts = self.bills.accounts(call, ids).await?;
        let bills = self.bills.of_projects(call, ids, accounts.as_ref());
        let others = try_join(self.hours(call, ids), self.postings(call, accounts.as_ref()));
        let (bills, ordered, ((hours, works), postings)) =
            Box::pin(try_join3(bills, self.ordered(call, ids, accounts.as_ref()), others)).await?;
        let posted = self.posted(call, &postings, &bills).await?;
        let mut costs = grouped(bills.iter().flat_map(lines_of).chain(ordered).chain(hours).chain(posted));
        for costs in costs.values_mut() {
            costs.sort_by(|a, b| (a.date, &a.id).cmp(&(b.date, &b.id)));
        }
        let known = accounts.as_ref().map(|accounts| accounts.known.clone()).or_else(|| works.clone());
        let mut batch = self.system.answer(call, ids, costs, known).await;
        if let Some(accounts) = &accounts {
            accounts.whole(&self.system.client, &mut batch);
            let detail =
                "a project carries the ID and no analytic account does: bills, purchases and expenses are unknown";
            let error = self.system.client.error(ANALYTIC_ACCOUNT.operation, ErrorKind::Truncated, detail);
            batch.fail_unless(|id| accounts.known.contains(id), &error);
        }
        if let Some(works) = works.filter(|_| self.timesheets_of_all) {
            let detail = "the books know the ID and no project carries it: hours are unknown (if nobody books any on such \
                          projects, say `timesheet_projects = \"some\"`)";
            let error = self.system.client.error(WORK.operation, ErrorKind::Truncated, detail);
            batch.fail_unless(|id| works.contains(id), &error);
        }
        Ok(batch)
    }
}
