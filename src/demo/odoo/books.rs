//! The books: documents as journal entries with their items, payments that are reconciled with them, orders, and what
//! stands on analytic accounts.
//!
//! Records of one model are numbered through in Odoo, whatever they are: a document's number is that of its kind in
//! millions and its own.

use std::collections::{BTreeMap, HashMap};

use rust_decimal::Decimal;

use super::table::{Row, Tables};
use super::value::Value;
use crate::demo::company::model::{
    Cancelled, Company, Document, DocumentKind, DocumentLine, JournalEntry, JournalLine, Ledger, Payment,
};

/// Items of one journal entry are numbered from its number times this.
const ITEMS: i64 = 20;
/// The place of an entry's open item, and of its tax.
const OPEN_ITEM: i64 = 18;
const TAX_ITEM: i64 = 17;

const CURRENCIES: [&str; 5] = ["EUR", "USD", "GBP", "CHF", "JPY"];

/// The one company, and its name.
fn company_link() -> Value {
    Value::Link(1, "Spine demo".to_owned())
}

/// A currency; what is none of this company's is one that nobody activated.
pub(super) fn currency(code: &str) -> Value {
    let at = CURRENCIES.iter().position(|known| *known == code).unwrap_or(CURRENCIES.len());
    Value::Link(i64::try_from(at).unwrap_or_default() + 1, code.to_owned())
}

/// The number of a business partner: vendors from 20,000 on, clients from 50,000.
pub(super) fn partner_number(code: &str) -> i64 {
    let digits: i64 = code.get(1..).and_then(|digits| digits.parse().ok()).unwrap_or_default();
    if code.starts_with('V') { 20_000 + digits } else { 50_000 + digits }
}

fn partner(code: &str, name: &str) -> Value {
    Value::Link(partner_number(code), name.to_owned())
}

fn account(code: &str) -> Value {
    let (name, _) = chart(code);
    Value::Link(code.parse().unwrap_or_default(), format!("{code} {name}"))
}

/// The name of an account, and what it is for.
fn chart(code: &str) -> (&'static str, &'static str) {
    match code.as_bytes().first() {
        Some(b'1') => ("Assets", "asset"),
        Some(b'2') => ("Liabilities", "liability"),
        Some(b'4') => ("Revenue", "income"),
        Some(b'5') => ("Labour and services", "expense"),
        Some(b'6') => ("Other expenses", "expense"),
        _ => ("Equity", "equity"),
    }
}

const ACCOUNTS: [&str; 14] =
    ["1200", "1400", "1500", "1800", "2100", "2500", "2600", "2650", "2900", "4000", "5000", "5800", "6100", "6200"];

/// Everything that the books need to be told in Odoo's words.
struct Books<'a> {
    company: &'a Company,
    tables: &'a mut Tables,
    /// Analytic accounts by the shared ID in their code.
    accounts: HashMap<String, (i64, String)>,
    /// Projects of the project tool, by their names: that of a project and that of its analytic account are one.
    projects: HashMap<&'a str, u32>,
}

/// Fills the tables of the books.
pub(super) fn fill(tables: &mut Tables, company: &Company) {
    let projects = company.projects.iter().rev().map(|project| (project.name.as_str(), project.id)).collect();
    let mut books = Books { company, tables, accounts: HashMap::new(), projects };
    books.basics();
    let Ledger { documents, drafts, payments, journal, .. } = &company.ledger;
    for document in documents {
        if document.kind == DocumentKind::PurchaseOrder {
            books.order(document);
        } else {
            books.document(document, false);
        }
    }
    for draft in drafts {
        books.document(draft, true);
    }
    for payment in payments {
        books.payment(payment);
    }
    for entry in journal.iter().filter(|entry| entry.manual) {
        books.journal(entry);
    }
}

impl Books<'_> {
    fn add(&mut self, model: &str, id: i64, row: Row) {
        if let Some(table) = self.tables.0.get_mut(model) {
            table.add(id, row);
        }
    }

    fn local(&self) -> Value {
        currency(&self.company.currency)
    }

    fn basics(&mut self) {
        self.add("res.company", 1, Row::default().text("name", "Spine demo").with("currency_id", self.local()));
        for (code, id) in CURRENCIES.into_iter().zip(1..) {
            let places = if code == "JPY" { 0 } else { 2 };
            let row = Row::default().text("name", code).with("decimal_places", Value::Int(places));
            self.add("res.currency", id, row.with("active", Value::True));
        }
        let ledger = &self.company.ledger;
        let documents = ledger.documents.iter().chain(&ledger.drafts);
        let partners: BTreeMap<&str, &str> =
            documents.map(|document| (document.card_code.as_str(), document.card_name.as_str())).collect();
        for (code, name) in partners {
            let row = Row::default().text("name", name).text("ref", code).with("active", Value::True);
            self.add("res.partner", partner_number(code), row);
        }
        for code in ACCOUNTS {
            let (name, group) = chart(code);
            let row = Row::default().text("code", code).text("name", name).text("internal_group", group);
            self.add("account.account", code.parse().unwrap_or_default(), row);
        }
        for ((code, name), id) in ledger.projects.iter().zip(101..) {
            let row = Row::default().text("name", name).text("code", code).with("company_id", company_link());
            self.add("account.analytic.account", id, row.with("active", Value::True));
            self.accounts.insert(code.clone(), (id, format!("[{code}] {name}")));
        }
    }

    /// All of a line, for the analytic account of this shared ID.
    fn distribution(&self, project: Option<&String>) -> Value {
        let account = project.and_then(|code| self.accounts.get(code));
        Value::maybe(account, |(id, _)| Value::Shares(vec![(*id, Decimal::ONE_HUNDRED)]))
    }

    /// An invoice, a bill, a credit note.
    fn document(&mut self, document: &Document, draft: bool) {
        let Some((kind, move_type, sign)) = kind(document.kind) else { return };
        let id = kind * 1_000_000 + i64::from(document.entry);
        let local = document.currency == self.company.currency;
        let own = |amount: Decimal, foreign: Decimal| if local { amount } else { foreign };
        let (total, tax, paid) = (
            own(document.total, document.total_fc),
            own(document.tax, document.tax_fc),
            if draft { Decimal::ZERO } else { own(document.paid, document.paid_fc) },
        );
        let left = document.total - if draft { Decimal::ZERO } else { document.paid };
        let state = match document.cancelled {
            _ if draft => "draft",
            Cancelled::No => "posted",
            Cancelled::Yes | Cancelled::Cancellation => "cancel",
        };
        let payment_state = match (document.open, paid.is_zero()) {
            _ if draft => "not_paid",
            (false, _) => "paid",
            (true, true) => "not_paid",
            (true, false) => "partial",
        };
        let number = if draft { "/".to_owned() } else { document.number.to_string() };
        let signed = |amount: Decimal| Value::Float(amount * sign);
        let items = document.lines.iter().map(|line| id * ITEMS + i64::from(line.number)).collect();
        let row = Row::default()
            .text("name", &number)
            .text("move_type", move_type)
            .text("state", state)
            .text("payment_state", payment_state)
            .text("invoice_date", document.date.to_string())
            .text("invoice_date_due", document.due.to_string())
            .text("date", document.date.to_string())
            .with("partner_id", partner(&document.card_code, &document.card_name))
            .with("company_id", company_link())
            .with("currency_id", currency(&document.currency))
            .with("company_currency_id", self.local())
            .with("amount_untaxed", Value::Float(total - tax))
            .with("amount_tax", Value::Float(tax))
            .with("amount_total", Value::Float(total))
            .with("amount_residual", Value::Float(total - paid))
            .with("amount_untaxed_signed", signed(document.total - document.tax))
            .with("amount_total_signed", signed(document.total))
            .with("amount_residual_signed", signed(left))
            .with("invoice_line_ids", Value::Links(items))
            .text("x_project_id", document.project.clone().unwrap_or_default());
        self.add("account.move", id, row);
        let entry = Entry { id, number, state, date: document.date.to_string(), partner: Some(document) };
        for line in &document.lines {
            self.document_line(&entry, document, line, sign);
        }
        // What is owed stands against the lines, and tax beside them.
        let rest = [
            (TAX_ITEM, "tax", "2500", -document.tax, -own(document.tax, document.tax_fc)),
            (OPEN_ITEM, "payment_term", if kind < 18 { "1200" } else { "2100" }, document.total, total),
        ];
        for (place, display_type, code, amount, amount_own) in rest {
            let row = self.item(&entry, (amount * sign, amount_own * sign), &document.currency);
            let row = row.text("display_type", display_type).with("account_id", account(code));
            self.add("account.move.line", id * ITEMS + place, row);
        }
    }

    fn document_line(&mut self, entry: &Entry<'_>, document: &Document, line: &DocumentLine, sign: Decimal) {
        let local = document.currency == self.company.currency;
        let own = if local { line.net } else { line.net_fc };
        let code =
            if matches!(document.kind, DocumentKind::Invoice | DocumentKind::CreditNote) { "4000" } else { "5800" };
        let project = line.project.as_ref().or(document.project.as_ref());
        let item = entry.id * ITEMS + i64::from(line.number);
        let row = self
            .item(entry, (-line.net * sign, -own * sign), &document.currency)
            .text("display_type", "product")
            .text("name", &line.description)
            .with("account_id", account(code))
            .with("quantity", Value::Float(Decimal::ONE))
            .with("price_unit", Value::Float(own))
            .with("price_subtotal", Value::Float(own))
            .with("analytic_distribution", self.distribution(project));
        self.add("account.move.line", item, row);
        let category = if code == "4000" { "invoice" } else { "vendor_bill" };
        self.analytic_item(entry, item, (line.net * sign, category), project, account(code));
    }

    /// A journal item without what makes it one of a kind.
    fn item(&self, entry: &Entry<'_>, (balance, own): (Decimal, Decimal), code: &str) -> Row {
        let row = Row::default()
            .with("move_id", Value::Link(entry.id, entry.number.clone()))
            .text("move_name", &entry.number)
            .text("parent_state", entry.state)
            .text("date", &entry.date)
            .with("balance", Value::Float(balance))
            .with("amount_currency", Value::Float(own))
            .with("currency_id", currency(code))
            .with("company_currency_id", self.local());
        match entry.partner {
            Some(document) => row.with("partner_id", partner(&document.card_code, &document.card_name)),
            None => row,
        }
    }

    /// The analytic line that a posted item casts. Costs are negative there.
    fn analytic_item(
        &mut self,
        entry: &Entry<'_>,
        item: i64,
        (amount, category): (Decimal, &str),
        project: Option<&String>,
        general: Value,
    ) {
        let Some((analytic, name)) = project.and_then(|code| self.accounts.get(code)).cloned() else { return };
        if entry.state != "posted" {
            return;
        }
        let row = Row::default()
            .text("name", &entry.number)
            .text("date", &entry.date)
            .with("amount", Value::Float(amount))
            .with("unit_amount", Value::Float(Decimal::ONE))
            .with("account_id", Value::Link(analytic, name))
            .with("general_account_id", general)
            .with("move_line_id", Value::Link(item, entry.number.clone()))
            .with("company_id", company_link())
            .with("currency_id", self.local())
            .text("category", category);
        self.add("account.analytic.line", 1_000_000_000 + item, row);
    }

    /// A payment: a journal entry of its own, whose open item is reconciled with those of the invoices.
    fn payment(&mut self, payment: &Payment) {
        let id = 24_000_000 + i64::from(payment.entry);
        let number = format!("PAY/{}", payment.entry);
        let state = if payment.cancelled { "cancel" } else { "posted" };
        let name = self.company.clients.iter().find(|client| format!("C{:05}", client.id) == payment.card_code);
        let payer = partner(&payment.card_code, name.map_or("", |client| client.name.as_str()));
        let row = Row::default()
            .text("name", &number)
            .text("move_type", "entry")
            .text("state", state)
            .text("date", payment.date.to_string())
            .with("partner_id", payer)
            .with("company_id", company_link())
            .with("currency_id", currency(&payment.currency))
            .with("company_currency_id", self.local());
        self.add("account.move", id, row);
        let local = payment.currency == self.company.currency;
        let sum: Decimal = payment.applied.iter().map(|applied| applied.amount).sum();
        let sum_fc: Decimal = payment.applied.iter().map(|applied| applied.amount_fc).sum();
        let own = if local { sum } else { sum_fc };
        let entry = Entry { id, number, state, date: payment.date.to_string(), partner: None };
        for (place, sign, code) in [(0, Decimal::NEGATIVE_ONE, "1200"), (1, Decimal::ONE, "1800")] {
            let row = self.item(&entry, (sum * sign, own * sign), &payment.currency).with("account_id", account(code));
            self.add("account.move.line", id * ITEMS + place, row);
        }
        if payment.cancelled {
            return;
        }
        for (applied, at) in payment.applied.iter().zip(0..) {
            let invoice = (13_000_000 + i64::from(applied.entry)) * ITEMS + OPEN_ITEM;
            let own = Value::Float(if local { applied.amount } else { applied.amount_fc });
            let row = Row::default()
                .with("debit_move_id", Value::Link(invoice, applied.entry.to_string()))
                .with("credit_move_id", Value::Link(id * ITEMS, entry.number.clone()))
                .with("amount", Value::Float(applied.amount))
                .with("debit_amount_currency", own.clone())
                .with("credit_amount_currency", own)
                .text("max_date", &entry.date);
            self.add("account.partial.reconcile", i64::from(payment.entry) * ITEMS + at, row);
        }
    }

    /// An order of one unit of money at a time, as services are ordered.
    fn order(&mut self, order: &Document) {
        let id = 22_000_000 + i64::from(order.entry);
        let local = order.currency == self.company.currency;
        let own = |amount: Decimal, foreign: Decimal| if local { amount } else { foreign };
        let state = if order.cancelled == Cancelled::No { "purchase" } else { "cancel" };
        let number = order.number.to_string();
        let date = format!("{} 09:30:00", order.date);
        let rate = Decimal::ONE.checked_div(order.rate).unwrap_or_default();
        let head = |row: Row| {
            row.text("state", state)
                .with("partner_id", partner(&order.card_code, &order.card_name))
                .with("company_id", company_link())
                .with("currency_id", currency(&order.currency))
                .text("date_order", &date)
        };
        let row = head(Row::default())
            .text("name", &number)
            .with("currency_rate", Value::Float(rate))
            .with("amount_untaxed", Value::Float(own(order.total - order.tax, order.total_fc - order.tax_fc)));
        self.add("purchase.order", id, row);
        for line in &order.lines {
            let net = own(line.net, line.net_fc);
            let open = if line.open { own(line.open_net, line.open_net_fc) } else { Decimal::ZERO };
            let project = line.project.as_ref().or(order.project.as_ref());
            let row = head(Row::default())
                .with("order_id", Value::Link(id, number.clone()))
                .text("name", &line.description)
                .with("product_qty", Value::Float(net))
                .with("qty_received", Value::Float(net - open))
                .with("qty_invoiced", Value::Float(net - open))
                .with("price_unit", Value::Float(Decimal::ONE))
                .with("price_subtotal", Value::Float(net))
                .with("analytic_distribution", self.distribution(project));
            self.add("purchase.order.line", id * ITEMS + i64::from(line.number), row);
        }
    }

    /// What was posted by hand. Labour is kept as hours are: on the analytic account, without a journal entry.
    fn journal(&mut self, posted: &JournalEntry) {
        let id = 30_000_000 + i64::from(posted.number);
        let number = posted.number.to_string();
        let entry = Entry { id, number, state: "posted", date: posted.date.to_string(), partner: None };
        let (labour, items): (Vec<&JournalLine>, Vec<&JournalLine>) =
            posted.lines.iter().partition(|line| line.account.starts_with('5'));
        for line in &labour {
            self.labour(&entry, &posted.memo, line);
        }
        if !labour.is_empty() {
            return;
        }
        let row = Row::default()
            .text("name", &entry.number)
            .text("move_type", "entry")
            .text("state", entry.state)
            .text("date", &entry.date)
            .with("company_id", company_link())
            .with("currency_id", self.local())
            .with("company_currency_id", self.local());
        self.add("account.move", id, row);
        for line in items {
            let balance = line.debit - line.credit;
            let item = id * ITEMS + i64::from(line.number);
            let row = self
                .item(&entry, (balance, balance), &self.company.currency)
                .text("display_type", "product")
                .text("name", &posted.memo)
                .with("account_id", account(&line.account))
                .with("analytic_distribution", self.distribution(line.project.as_ref()));
            self.add("account.move.line", item, row);
            self.analytic_item(&entry, item, (-balance, "other"), line.project.as_ref(), account(&line.account));
        }
    }

    fn labour(&mut self, entry: &Entry<'_>, memo: &str, line: &JournalLine) {
        let Some((analytic, name)) = line.project.as_ref().and_then(|code| self.accounts.get(code)).cloned() else {
            return;
        };
        let title = name.split_once("] ").map_or("", |(_, title)| title);
        let project = self.projects.get(title).map(|id| Value::Link(i64::from(*id), title.to_owned()));
        let row = Row::default()
            .text("name", memo)
            .text("date", &entry.date)
            .text("ref", &entry.number)
            .with("amount", Value::Float(line.credit - line.debit))
            .with("unit_amount", Value::Float(Decimal::ZERO))
            .with("account_id", Value::Link(analytic, name))
            .with("project_id", project.unwrap_or_default())
            .with("company_id", company_link())
            .with("currency_id", self.local())
            .text("category", "other");
        self.add("account.analytic.line", entry.id * ITEMS + i64::from(line.number), row);
    }
}

/// The head of a journal entry, as its items repeat it.
struct Entry<'a> {
    id: i64,
    number: String,
    state: &'static str,
    date: String,
    /// The document whose partner it names.
    partner: Option<&'a Document>,
}

/// The number of a kind of document, its type, and the sign of its open item.
fn kind(kind: DocumentKind) -> Option<(i64, &'static str, Decimal)> {
    Some(match kind {
        DocumentKind::Invoice => (13, "out_invoice", Decimal::ONE),
        DocumentKind::CreditNote => (14, "out_refund", Decimal::NEGATIVE_ONE),
        DocumentKind::PurchaseInvoice => (18, "in_invoice", Decimal::NEGATIVE_ONE),
        DocumentKind::PurchaseCreditNote => (19, "in_refund", Decimal::ONE),
        DocumentKind::PurchaseOrder => return None,
    })
}
