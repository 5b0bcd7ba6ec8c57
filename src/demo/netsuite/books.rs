//! The company's books in the tables of a NetSuite account.
//!
//! Amounts of lines carry the sign of the ledger: what is credited is negative, so the lines of an invoice are, and those of
//! a bill are not. All documents share one space of numbers. A document that was cancelled, and the one that another ledger
//! keeps to cancel it, are voided here: they keep their lines and have nothing in the ledger.

use std::collections::HashMap;

use rust_decimal::Decimal;

use super::sql::Value;
use super::tables::Tables;
use crate::demo::company::model::{Cancelled, Company, Document, DocumentKind, JournalEntry, Payment};

/// The accounts that documents post to.
pub(super) const RECEIVABLE: &str = "1200";
pub(super) const PAYABLE: &str = "3300";
pub(super) const BANK: &str = "1800";
pub(super) const TAX: &str = "3800";
pub(super) const INCOME: &str = "4000";
pub(super) const SUBCONTRACTING: &str = "6300";

const MULTIPLE: i64 = 10_000_000;
const CUSTOMERS: i64 = 1_000_000;
const VENDORS: i64 = 2_000_000;

/// What a kind of record is called, the number that its records start from, and the sign of its control line.
struct Kind {
    name: &'static str,
    record: &'static str,
    base: i64,
    control: Decimal,
    account: &'static str,
}

const PAYMENT_BASE: i64 = 6 * MULTIPLE;
const JOURNAL_BASE: i64 = 7 * MULTIPLE;
const DRAFT_BASE: i64 = 8 * MULTIPLE;

fn kind(kind: DocumentKind) -> Kind {
    let (name, record, base, control, account) = match kind {
        DocumentKind::Invoice => ("CustInvc", "invoice", 1, Decimal::ONE, INCOME),
        DocumentKind::CreditNote => ("CustCred", "creditmemo", 2, Decimal::NEGATIVE_ONE, INCOME),
        DocumentKind::PurchaseInvoice => ("VendBill", "vendorbill", 3, Decimal::NEGATIVE_ONE, SUBCONTRACTING),
        DocumentKind::PurchaseCreditNote => ("VendCred", "vendorcredit", 4, Decimal::ONE, SUBCONTRACTING),
        DocumentKind::PurchaseOrder => ("PurchOrd", "purchaseorder", 5, Decimal::NEGATIVE_ONE, SUBCONTRACTING),
    };
    Kind { name, record, base: base * MULTIPLE, control, account }
}

/// The internal ID of a document.
pub fn document_id(of: DocumentKind, entry: u32) -> i64 {
    kind(of).base + i64::from(entry)
}

/// The internal ID of a payment.
pub fn payment_id(entry: u32) -> i64 {
    PAYMENT_BASE + i64::from(entry)
}

/// The internal ID of a journal entry.
pub fn journal_id(number: u32) -> i64 {
    JOURNAL_BASE + i64::from(number)
}

/// The tables that show these books.
pub(super) fn tables(company: &Company) -> Tables {
    let mut books = Books {
        tables: Tables::new(),
        base: company.currency.clone(),
        currencies: HashMap::new(),
        jobs: HashMap::new(),
        accounts: HashMap::new(),
    };
    books.lists(company);
    books.time(company);
    let ledger = &company.ledger;
    for document in &ledger.documents {
        books.document(document, false);
    }
    for draft in &ledger.drafts {
        books.document(draft, true);
    }
    for payment in &ledger.payments {
        books.payment(payment);
    }
    // Documents post by themselves here: their shadows in the other ledger's journal are not entries of their own.
    for entry in ledger.journal.iter().filter(|entry| entry.manual) {
        books.journal(entry);
    }
    books.tables
}

/// The tables while they are filled, and the IDs given so far.
pub(super) struct Books {
    pub(super) tables: Tables,
    pub(super) base: String,
    pub(super) currencies: HashMap<String, i64>,
    pub(super) jobs: HashMap<String, i64>,
    pub(super) accounts: HashMap<String, i64>,
}

/// An amount in the document's currency and in that of the books.
#[derive(Clone, Copy)]
struct Amount {
    foreign: Decimal,
    local: Decimal,
}

impl Amount {
    fn times(self, sign: Decimal) -> Self {
        Self { foreign: self.foreign * sign, local: self.local * sign }
    }
}

pub(super) fn text(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { Value::text(text) }
}

fn number(number: Decimal) -> Value {
    Value::Number(number)
}

/// The ID of a client or vendor, by the code that the other ledger knows it by.
pub(super) fn entity_id(code: &str) -> i64 {
    let (base, digits) = match code.strip_prefix('V') {
        Some(digits) => (VENDORS, digits),
        None => (CUSTOMERS, code.trim_start_matches('C')),
    };
    base + digits.parse::<i64>().unwrap_or_default()
}

/// A value of a column.
type Cell = (&'static str, Value);

/// What a line is beside its amounts.
#[derive(Clone)]
struct Line<'a> {
    id: i64,
    role: Role,
    entity: Value,
    memo: &'a str,
    account: &'a str,
    ledger: Ledger,
}

/// What a line is within its document.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    /// The receivable, payable or bank: the total of the document.
    Control,
    Plain,
    Tax,
}

/// What of a document is in the ledger.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ledger {
    /// Orders are never in it.
    Never,
    /// It waits for approval.
    Waits,
    Posted,
    /// It was voided: nothing of it is left.
    Voided,
}

impl Books {
    pub(super) fn currency(&self, code: &str) -> Value {
        self.currencies.get(code).map_or(Value::Null, |id| Value::Int(*id))
    }

    fn job(&self, code: Option<&str>) -> Value {
        code.and_then(|code| self.jobs.get(code)).map_or(Value::Null, |id| Value::Int(*id))
    }

    fn amount(&self, document: &Document, local: Decimal, foreign: Decimal) -> Amount {
        Amount { foreign: if document.currency == self.base { local } else { foreign }, local }
    }

    fn document(&mut self, document: &Document, draft: bool) {
        let kind = kind(document.kind);
        let id = if draft { DRAFT_BASE + i64::from(document.entry) } else { kind.base + i64::from(document.entry) };
        let order = document.kind == DocumentKind::PurchaseOrder;
        let credit = matches!(document.kind, DocumentKind::CreditNote | DocumentKind::PurchaseCreditNote);
        let void = document.cancelled != Cancelled::No;
        let posting = !draft && !order;
        let total = self.amount(document, document.total, document.total_fc);
        let paid = self.amount(document, document.paid, document.paid_fc);
        let unpaid = Amount { foreign: total.foreign - paid.foreign, local: total.local - paid.local };
        let status = match (order, draft, void, document.open) {
            (true, _, false, true) => "B",
            (true, ..) => "H",
            (false, true, ..) => "D",
            (_, _, true, _) => "V",
            (_, _, _, true) => "A",
            _ => "B",
        };
        let entity = Value::Int(entity_id(&document.card_code));
        let settlement: Vec<Cell> = match (order, credit) {
            (true, _) => Vec::new(),
            (false, true) => vec![
                ("foreignpaymentamountused", number(paid.foreign)),
                ("foreignpaymentamountunused", number(unpaid.foreign)),
            ],
            (false, false) => {
                vec![("foreignamountpaid", number(paid.foreign)), ("foreignamountunpaid", number(unpaid.foreign))]
            }
        };
        let own = [
            ("id", Value::Int(id)),
            ("tranid", text(&document.number.to_string())),
            ("transactionnumber", text(&format!("{}{}", kind.record, document.number))),
            ("type", text(kind.name)),
            ("recordtype", text(kind.record)),
            ("status", text(status)),
            ("trandate", Value::Date(document.date)),
            ("duedate", if order { Value::Null } else { Value::Date(document.due) }),
            ("entity", entity.clone()),
            ("currency", self.currency(&document.currency)),
            ("exchangerate", number(document.rate)),
            ("foreigntotal", number(total.foreign * kind.control)),
            ("posting", Value::flag(posting)),
            ("voided", Value::flag(void)),
            ("isreversal", Value::flag(false)),
            ("approvalstatus", Value::Int(if draft { 1 } else { 2 })),
            ("lastmodifieddate", Value::Date(document.updated)),
        ];
        self.tables.add("transaction", own.into_iter().chain(settlement.clone()));
        let receivable = matches!(document.kind, DocumentKind::Invoice | DocumentKind::CreditNote);
        let control = Line {
            id: 0,
            role: Role::Control,
            entity: entity.clone(),
            memo: "",
            account: if receivable { RECEIVABLE } else { PAYABLE },
            ledger: match (order, draft, void) {
                (true, ..) => Ledger::Never,
                (_, true, _) => Ledger::Waits,
                (_, _, true) => Ledger::Voided,
                _ => Ledger::Posted,
            },
        };
        let local = match (order, credit) {
            (true, _) => Vec::new(),
            (false, true) => {
                vec![("paymentamountused", number(paid.local)), ("paymentamountunused", number(unpaid.local))]
            }
            (false, false) => vec![("amountpaid", number(paid.local)), ("amountunpaid", number(unpaid.local))],
        };
        self.line(id, &control, total.times(kind.control), settlement, local);
        for line in &document.lines {
            let project = self.job(line.project.as_deref().or(document.project.as_deref()));
            let row = Line {
                id: i64::from(line.number) + 1,
                role: Role::Plain,
                // A line that is for no project is for the client or vendor of the document.
                entity: if project == Value::Null { entity.clone() } else { project },
                memo: &line.description,
                account: kind.account,
                ..control.clone()
            };
            let net = self.amount(document, line.net, line.net_fc);
            let more = if order {
                let open = self.amount(document, line.open_net, line.open_net_fc);
                ordered(net.foreign, open.foreign, line.open && !void)
            } else {
                vec![("quantity", number(-kind.control)), ("rate", number(net.foreign))]
            };
            self.line(id, &row, net.times(-kind.control), more, Vec::new());
        }
        let tax = self.amount(document, document.tax, document.tax_fc).times(-kind.control);
        if !tax.local.is_zero() {
            let next = i64::try_from(document.lines.len()).unwrap_or_default() + 1;
            let row = Line { id: next, role: Role::Tax, account: TAX, ..control };
            self.line(id, &row, tax, Vec::new(), Vec::new());
        }
    }

    /// A line, and what it posts to the ledger. Orders post nothing.
    fn line(&mut self, id: i64, line: &Line<'_>, amount: Amount, more: Vec<Cell>, ledger: Vec<Cell>) {
        let own = [
            ("transaction", Value::Int(id)),
            ("id", Value::Int(line.id)),
            ("uniquekey", Value::Int(id * 100 + line.id)),
            ("linesequencenumber", Value::Int(line.id)),
            ("mainline", Value::flag(line.role == Role::Control)),
            ("taxline", Value::flag(line.role == Role::Tax)),
            ("iscogs", Value::flag(false)),
            ("transactiondiscount", Value::flag(false)),
            ("entity", line.entity.clone()),
            ("subsidiary", Value::Int(1)),
            ("memo", text(line.memo)),
            ("foreignamount", number(amount.foreign)),
            ("netamount", number(amount.local)),
        ];
        self.tables.add("transactionline", own.into_iter().chain(more));
        if line.ledger == Ledger::Never {
            return;
        }
        let posted = if line.ledger == Ledger::Voided { Decimal::ZERO } else { amount.local };
        let side = |on: bool| if on { number(posted.abs()) } else { Value::Null };
        let own = [
            ("transaction", Value::Int(id)),
            ("transactionline", Value::Int(line.id)),
            ("accountingbook", Value::Int(1)),
            ("account", self.accounts.get(line.account).map_or(Value::Null, |id| Value::Int(*id))),
            ("amount", number(posted)),
            ("debit", side(posted > Decimal::ZERO)),
            ("credit", side(posted < Decimal::ZERO)),
            ("posting", Value::flag(line.ledger != Ledger::Waits)),
        ];
        self.tables.add("transactionaccountingline", own.into_iter().chain(ledger));
    }

    /// Money that came in, and what it was applied to.
    fn payment(&mut self, payment: &Payment) {
        let id = payment_id(payment.entry);
        let own = payment.currency == self.base;
        let foreign = |local: Decimal, foreign: Decimal| if own { local } else { foreign };
        let mut sum = Amount { foreign: Decimal::ZERO, local: Decimal::ZERO };
        for applied in &payment.applied {
            sum.foreign += foreign(applied.amount, applied.amount_fc);
            sum.local += applied.amount;
        }
        let rate = sum.local.checked_div(sum.foreign).map_or(Decimal::ONE, |rate| rate.round_dp(6));
        let entity = Value::Int(entity_id(&payment.card_code));
        self.tables.add(
            "transaction",
            [
                ("id", Value::Int(id)),
                ("tranid", text(&format!("PYMT{}", payment.entry))),
                ("transactionnumber", text(&format!("CUSTPYMT{}", payment.entry))),
                ("type", text("CustPymt")),
                ("recordtype", text("customerpayment")),
                ("status", text(if payment.cancelled { "V" } else { "C" })),
                ("trandate", Value::Date(payment.date)),
                ("entity", entity.clone()),
                ("currency", self.currency(&payment.currency)),
                ("exchangerate", number(rate)),
                ("foreigntotal", number(sum.foreign)),
                ("foreignpaymentamountused", number(sum.foreign)),
                ("foreignpaymentamountunused", number(Decimal::ZERO)),
                ("posting", Value::flag(true)),
                ("voided", Value::flag(payment.cancelled)),
                ("isreversal", Value::flag(false)),
                ("lastmodifieddate", Value::Date(payment.date)),
            ],
        );
        let bank = Line {
            id: 0,
            role: Role::Control,
            entity,
            memo: "",
            account: BANK,
            ledger: if payment.cancelled { Ledger::Voided } else { Ledger::Posted },
        };
        self.line(id, &bank, sum, Vec::new(), Vec::new());
        let receivable = Line { id: 1, role: Role::Plain, account: RECEIVABLE, ..bank };
        self.line(id, &receivable, sum.times(Decimal::NEGATIVE_ONE), Vec::new(), Vec::new());
        for applied in &payment.applied {
            let amount = foreign(applied.amount, applied.amount_fc);
            let ends = || {
                [
                    ("previousdoc", Value::Int(document_id(DocumentKind::Invoice, applied.entry))),
                    ("previousline", Value::Int(0)),
                    ("previoustype", text("CustInvc")),
                    ("nextdoc", Value::Int(id)),
                    ("nextline", Value::Int(1)),
                    ("nexttype", text("CustPymt")),
                    ("linktype", text("Payment")),
                ]
            };
            for table in ["nexttransactionlinelink", "previoustransactionlinelink"] {
                self.tables.add(table, ends().into_iter().chain([("foreignamount", number(amount))]));
            }
            for table in ["nexttransactionaccountinglinelink", "previoustransactionaccountinglinelink"] {
                let more = [("amount", number(applied.amount)), ("accountingbook", Value::Int(1))];
                self.tables.add(table, ends().into_iter().chain(more));
            }
        }
    }

    /// An entry that was posted by hand. It has no control line.
    fn journal(&mut self, entry: &JournalEntry) {
        let id = journal_id(entry.number);
        self.tables.add(
            "transaction",
            [
                ("id", Value::Int(id)),
                ("tranid", text(&entry.number.to_string())),
                ("transactionnumber", text(&format!("JOURNAL{}", entry.number))),
                ("type", text("Journal")),
                ("recordtype", text("journalentry")),
                ("status", text("B")),
                ("trandate", Value::Date(entry.date)),
                ("currency", self.currency(&self.base)),
                ("exchangerate", number(Decimal::ONE)),
                ("posting", Value::flag(true)),
                ("voided", Value::flag(false)),
                ("isreversal", Value::flag(false)),
                ("approvalstatus", Value::Int(2)),
                ("memo", text(&entry.memo)),
                ("lastmodifieddate", Value::Date(entry.date)),
            ],
        );
        for line in &entry.lines {
            let amount = line.debit - line.credit;
            let row = Line {
                id: i64::from(line.number),
                role: Role::Plain,
                entity: self.job(line.project.as_deref()),
                memo: &entry.memo,
                account: &line.account,
                ledger: Ledger::Posted,
            };
            self.line(id, &row, Amount { foreign: amount, local: amount }, Vec::new(), Vec::new());
        }
    }
}

/// What is ordered by amount has a price of one, and its amount for a quantity: so parts of it can be billed.
fn ordered(net: Decimal, open: Decimal, is_open: bool) -> Vec<Cell> {
    vec![
        ("quantity", number(net)),
        ("quantitybilled", number(if is_open { net - open } else { Decimal::ZERO })),
        ("rate", number(Decimal::ONE)),
        ("isclosed", Value::flag(!is_open)),
    ]
}
