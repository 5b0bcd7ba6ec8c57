//! From rows to the canonical words. Pure.
//!
//! `foreign...` is in the document's currency, the others are in the base currency of the line's subsidiary, by the rate
//! that was recorded. Both are taken as recorded. Lines carry the sign of the ledger, what is credited being negative: the
//! type of the document says which of the two signs is the plain one.

use std::sync::Arc;

use compact_str::CompactString;
use jiff::civil::Date;
use rust_decimal::{Decimal, RoundingStrategy};
use smallvec::SmallVec;

use super::wire::Row;
use crate::domain::{
    Amounts, Booked, Cost, CostKind, CostState, Currency, Direction, Flaw, FlawKind, Invoice, InvoiceId, InvoiceKind,
    InvoiceLine, InvoiceState, Money, Party, Payment, ProjectId, SharedIdRule, digits, parse_currency,
};

/// A type of transaction that is a document.
#[derive(Debug)]
struct DocumentType {
    name: &'static str,
    direction: Direction,
    kind: InvoiceKind,
    /// What makes the amount of a line a plain one: -1 where lines are credited.
    sign: Decimal,
    /// Whether it is paid by itself: cash changes hands with it.
    cash: bool,
}

#[rustfmt::skip]
const TYPES: [DocumentType; 6] = [
    DocumentType { name: "CustInvc", direction: Direction::Receivable, kind: InvoiceKind::Invoice, sign: Decimal::NEGATIVE_ONE, cash: false },
    DocumentType { name: "CashSale", direction: Direction::Receivable, kind: InvoiceKind::Invoice, sign: Decimal::NEGATIVE_ONE, cash: true },
    DocumentType { name: "CustCred", direction: Direction::Receivable, kind: InvoiceKind::CreditNote, sign: Decimal::ONE, cash: false },
    DocumentType { name: "CashRfnd", direction: Direction::Receivable, kind: InvoiceKind::CreditNote, sign: Decimal::ONE, cash: true },
    DocumentType { name: "VendBill", direction: Direction::Payable, kind: InvoiceKind::Invoice, sign: Decimal::ONE, cash: false },
    DocumentType { name: "VendCred", direction: Direction::Payable, kind: InvoiceKind::CreditNote, sign: Decimal::NEGATIVE_ONE, cash: false },
];

/// The amount of a line, in the document's currency and in the base currency.
const AMOUNTS: [&str; 2] = ["foreignamount", "netamount"];

/// What the mapping has to know of the configuration.
#[derive(Debug)]
pub(super) struct Mapper {
    pub(super) rule: SharedIdRule,
    /// The base currency, where rows do not tell.
    pub(super) base: Option<Currency>,
    pub(super) labour_accounts: Vec<String>,
    pub(super) document_url: Option<String>,
}

impl Mapper {
    /// A document, from all its lines; those without an amount in either currency are text. None if it has no control line,
    /// or is no document.
    pub(super) fn invoice(&self, rows: &[Row]) -> Option<Invoice> {
        let head = rows.iter().find(|row| row.is("mainline"))?;
        let name = head.text("doctype")?;
        let kind = TYPES.iter().find(|kind| kind.name == name)?;
        let id = head.number("document")?;
        let mut reading = self.reading(head);
        let total = reading.booked("total", head, AMOUNTS, -kind.sign);
        let mut tax = reading.nothing();
        let mut lines = Vec::new();
        for row in rows.iter().filter(|row| !row.is("mainline") && !row.is("iscogs")) {
            if row.is("taxline") {
                tax = tax.minus(reading.booked("tax", row, AMOUNTS, -kind.sign));
            } else if !row.is("transactiondiscount") && AMOUNTS.iter().any(|column| row.text(column).is_some()) {
                lines.push(InvoiceLine {
                    description: row.text("memo").map(Into::into),
                    quantity: reading.decimal("lines", row, "quantity").map(|quantity| quantity * kind.sign),
                    net: reading.booked("lines", row, AMOUNTS, kind.sign),
                    project_id: self.project(row),
                });
            }
        }
        let (paid, unpaid) = if kind.cash {
            (total, reading.nothing())
        } else {
            let [paid, unpaid] = match kind.kind {
                InvoiceKind::Invoice => [["foreignamountpaid", "amountpaid"], ["foreignamountunpaid", "amountunpaid"]],
                InvoiceKind::CreditNote => [
                    ["foreignpaymentamountused", "paymentamountused"],
                    ["foreignpaymentamountunused", "paymentamountunused"],
                ],
            };
            (
                absolute(reading.booked("paid", head, paid, Decimal::ONE), kind.kind),
                absolute(reading.booked("balance", head, unpaid, Decimal::ONE), kind.kind),
            )
        };
        let balance = if unpaid.is_unknown() { total.minus(paid) } else { unpaid };
        let mut project_ids: SmallVec<[ProjectId; 1]> = SmallVec::new();
        for project in lines.iter().filter_map(|line| line.project_id.as_ref()) {
            if !project_ids.contains(project) {
                project_ids.push(project.clone());
            }
        }
        let issue_date = reading.date("issueDate", head, "issued");
        let due_date = reading.date("dueDate", head, "due");
        Some(Invoice {
            id: InvoiceId::new(id.to_string()),
            number: head.text("tranid").map(CompactString::new),
            direction: kind.direction,
            kind: kind.kind,
            state: state(head, balance),
            party: party(head),
            issue_date,
            due_date,
            amounts: Amounts { net: total.minus(tax), tax, total, paid, balance }.into(),
            lines: lines.into(),
            payments: None,
            project_ids,
            url: self.url(id),
            flaws: reading.flaws.into(),
        })
    }

    /// What came in on a document, in the currency of the document and, of a row of its own, in the base currency.
    pub(super) fn payment(invoice: &Invoice, row: &Row, base: Option<&Row>) -> Option<Payment> {
        let id = row.text("payment")?;
        let of = invoice.total();
        let money = |row: &Row, of: Option<Money>| {
            let currency = of?.currency;
            Some(money(row.decimal("amount")?.ok()?, currency))
        };
        let document = money(row, of.document);
        let company = base.and_then(|base| money(base, of.company));
        let date = row.text("received").and_then(|text| text.parse().ok());
        Some(Payment { id: id.into(), date, amount: Booked { document, company } })
    }

    /// What was spent by a line in the ledger, and for whom.
    pub(super) fn spent(&self, row: &Row) -> Option<(ProjectId, Cost)> {
        let project = self.project(row)?;
        let mut reading = self.reading(row);
        let amount = reading.booked("amount", row, ["foreignamount", "amount"], Decimal::ONE);
        let kind = self.cost_kind(row);
        Some((project, self.cost(row, kind, CostState::Actual, amount, reading)?))
    }

    /// What an entry of hours costs, and for whom. It is exact: nothing is rounded.
    pub(super) fn time(&self, row: &Row) -> Option<(ProjectId, Cost)> {
        let project = self.project(row)?;
        let mut reading = self.time_reading(row);
        let amount = reading.booked("amount", row, ["amount", "amount"], Decimal::ONE);
        let document = row.text("document")?;
        let date = reading.date("date", row, "issued");
        let cost = Cost {
            id: format!("time-{document}").into(),
            kind: CostKind::Labour,
            state: CostState::Actual,
            date,
            amount,
            description: row.text("memo").map(Into::into),
            party: None,
            document: None,
            url: None,
            flaws: reading.flaws.into(),
        };
        Some((project, cost))
    }

    /// What hours cost that the system added up.
    pub(super) fn time_sum(&self, row: &Row) -> Booked {
        let sum = self.time_reading(row).booked("amount", row, ["amount", "amount"], Decimal::ONE);
        let [all, priced] = ["records", "priced"].map(|column| row.number(column));
        if all.is_some() && all == priced { sum } else { Booked::default() }
    }

    /// Hours cost in the base currency; there is no other.
    fn time_reading(&self, row: &Row) -> Reading {
        let mut reading = self.reading(row);
        if let Some(base) = reading.base {
            (reading.currency, reading.no_currency) = (Some(base), None);
        }
        reading
    }

    /// What is ordered by an open line and not billed yet, and for whom. None if the order was not approved, or is done.
    /// `untouched` says that nothing of the line was billed, for a line without a quantity.
    pub(super) fn ordered(&self, row: &Row, untouched: bool) -> Option<(ProjectId, Cost)> {
        // Pending approval, rejected, fully billed, closed. The letter stands alone or after the type.
        if row.text("status").is_some_and(|status| matches!(status.rsplit(':').next(), Some("A" | "C" | "G" | "H"))) {
            return None;
        }
        let project = self.project(row)?;
        let mut reading = self.reading(row);
        let quantity = reading.decimal("amount", row, "quantity");
        let billed = reading.decimal("amount", row, "quantitybilled").unwrap_or_default();
        let amount = match quantity {
            None if untouched => reading.open(row, Decimal::ONE, Decimal::ZERO),
            // What has no quantity does not say how much of it was billed.
            None => Booked::default(),
            Some(quantity) if billed.abs() > quantity.abs() => return None,
            Some(quantity) => reading.open(row, quantity, billed),
        };
        Some((project, self.cost(row, CostKind::Vendor, CostState::Committed, amount, reading)?))
    }

    fn cost(&self, row: &Row, kind: CostKind, state: CostState, amount: Booked, mut reading: Reading) -> Option<Cost> {
        let document = row.number("document")?;
        let date = reading.date("date", row, "issued");
        Some(Cost {
            id: format!("{document}-{}", row.text("line")?).into(),
            kind,
            state,
            date,
            amount,
            description: row.text("memo").map(Into::into),
            party: party(row),
            document: row.text("tranid").map(Into::into),
            url: self.url(document),
            flaws: reading.flaws.into(),
        })
    }

    /// An amount that the system added up, and how many of its records stated one.
    pub(super) fn sum(&self, row: &Row, base: &str, counts: [&str; 3], sign: Decimal) -> Booked {
        let mut reading = self.reading(row);
        let sum = reading.booked("amount", row, ["foreignamount", base], sign);
        let [all, foreign, own] = counts.map(|column| row.number(column));
        // A sum of which a part is missing is no sum.
        Booked {
            document: sum.document.filter(|_| all.is_some() && foreign == all),
            company: sum.company.filter(|_| all.is_some() && own == all),
        }
    }

    /// The sign of a document's net in what was invoiced, times that of its lines.
    pub(super) fn invoiced_sign(row: &Row) -> Option<Decimal> {
        let name = row.text("doctype")?;
        let kind = TYPES.iter().find(|kind| kind.name == name)?;
        Some(if kind.kind == InvoiceKind::Invoice { kind.sign } else { -kind.sign })
    }

    /// A shared ID, if the row has one.
    pub(super) fn project(&self, row: &Row) -> Option<ProjectId> {
        self.rule.parse(row.text("project")?).ok()
    }

    /// What a line in the ledger was spent on.
    pub(super) fn cost_kind(&self, row: &Row) -> CostKind {
        match row.text("doctype").unwrap_or_default() {
            "VendBill" | "VendCred" | "Check" | "CardChrg" | "CardRfnd" => CostKind::Vendor,
            "ExpRept" => CostKind::Expense,
            "Journal" => {
                let account = row.text("account").unwrap_or_default();
                let labour = self.labour_accounts.iter().any(|prefix| account.starts_with(prefix.trim()));
                if labour { CostKind::Labour } else { CostKind::Expense }
            }
            // Cost of the goods that were sold or delivered.
            "CustInvc" | "CustCred" | "CashSale" | "CashRfnd" | "ItemShip" | "ItemRcpt" => CostKind::Other,
            other => CostKind::Unknown(other.to_owned()),
        }
    }

    fn url(&self, document: u64) -> Option<Arc<str>> {
        Some(self.document_url.as_deref()?.replace("{id}", &document.to_string()).into())
    }

    fn reading(&self, row: &Row) -> Reading {
        let (currency, no_currency) = match row.text("currency").map(parse_currency) {
            Some(Ok(currency)) => (Some(currency), None),
            Some(Err(_)) => (None, Some(FlawKind::UnknownCurrency)),
            None => (None, Some(FlawKind::MissingCurrency)),
        };
        let base = self.base.or_else(|| parse_currency(row.text("basecurrency")?).ok());
        Reading { currency, no_currency, base, flaws: Vec::new() }
    }
}

/// Reads amounts of one document, and takes note of what cannot be read.
struct Reading {
    currency: Option<Currency>,
    no_currency: Option<FlawKind>,
    base: Option<Currency>,
    flaws: Vec<Flaw>,
}

impl Reading {
    fn flaw(&mut self, field: &'static str, kind: FlawKind) {
        let flaw = Flaw { field, kind };
        if !self.flaws.contains(&flaw) {
            self.flaws.push(flaw);
        }
    }

    fn decimal(&mut self, field: &'static str, row: &Row, column: &str) -> Option<Decimal> {
        let read = row.decimal(column)?;
        if read.is_err() {
            self.flaw(field, FlawKind::BadNumber);
        }
        read.ok()
    }

    /// An amount as recorded in both currencies, from the column of each.
    fn booked(&mut self, field: &'static str, row: &Row, columns: [&str; 2], sign: Decimal) -> Booked {
        let [foreign, own] = columns.map(|column| self.decimal(field, row, column).map(|amount| amount * sign));
        if let Some(kind) = self.no_currency.filter(|_| foreign.is_some()) {
            self.flaw(field, kind);
        }
        if self.base.is_none() && own.is_some() {
            self.flaw(field, FlawKind::MissingCurrency);
        }
        let document = self.currency.and_then(|currency| Some(money(foreign?, currency)));
        let company = self.base.and_then(|base| Some(money(own?, base)));
        // In one and the same currency, what one column says the other would say too.
        if self.currency.is_some() && self.currency == self.base {
            return Booked { document: document.or(company), company: company.or(document) };
        }
        Booked { document, company }
    }

    /// Nothing, in both currencies.
    fn nothing(&self) -> Booked {
        let nothing = |currency| money(Decimal::ZERO, currency);
        Booked { document: self.currency.map(nothing), company: self.base.map(nothing) }
    }

    /// The part of an order's line that is not billed. What it is in the base currency is not recorded: an order posts
    /// nothing. It is taken at the order's own rate, as the bill will be unless the rate changes.
    fn open(&mut self, row: &Row, quantity: Decimal, billed: Decimal) -> Booked {
        let Some(currency) = self.currency else {
            if let Some(kind) = self.no_currency {
                self.flaw("amount", kind);
            }
            return Booked::default();
        };
        let Some(whole) = self.decimal("amount", row, "foreignamount") else { return Booked::default() };
        let open = if billed.is_zero() {
            Some(whole)
        } else {
            whole
                .checked_mul(quantity - billed)
                .and_then(|part| part.checked_div(quantity))
                .map(|part| rounded(part, currency))
        };
        let rate = self.decimal("amount", row, "exchangerate");
        let document = open.map(|open| money(open, currency));
        let company = match self.base {
            Some(base) if base == currency => document,
            Some(base) => open
                .zip(rate)
                .and_then(|(open, rate)| open.checked_mul(rate))
                .map(|amount| money(rounded(amount, base), base)),
            None => None,
        };
        Booked { document, company }
    }

    fn date(&mut self, field: &'static str, row: &Row, column: &str) -> Option<Date> {
        let date = row.text(column)?.parse().ok();
        if date.is_none() {
            self.flaw(field, FlawKind::BadDate);
        }
        date
    }
}

/// An amount with at least the places of its currency: the database drops zeros at the end.
fn money(mut amount: Decimal, currency: Currency) -> Money {
    if amount.scale() < digits(currency) {
        amount.rescale(digits(currency));
    }
    // There is no negative zero.
    Money::new(if amount.is_zero() { amount.abs() } else { amount }, currency)
}

fn rounded(amount: Decimal, currency: Currency) -> Decimal {
    amount.round_dp_with_strategy(digits(currency), RoundingStrategy::MidpointAwayFromZero)
}

/// What is used and unused of a credit comes with either sign.
fn absolute(amount: Booked, kind: InvoiceKind) -> Booked {
    let absolute = |money: Money| Money::new(money.amount.abs(), money.currency);
    match kind {
        InvoiceKind::Invoice => amount,
        InvoiceKind::CreditNote => {
            Booked { document: amount.document.map(absolute), company: amount.company.map(absolute) }
        }
    }
}

/// How the document stands. What is open is told by amounts: letters of the status differ by type and are written in two ways.
fn state(head: &Row, balance: Booked) -> InvoiceState {
    if head.is("voided") {
        return InvoiceState::Void;
    }
    match balance.document.or(balance.company) {
        Some(open) if open.amount.is_zero() => InvoiceState::Closed,
        Some(_) => InvoiceState::Open,
        None => InvoiceState::Unknown(head.text("status").unwrap_or_default().to_owned()),
    }
}

fn party(row: &Row) -> Option<Box<Party>> {
    let (code, name) = (row.text("partycode"), row.text("partyname"));
    // Without numbering of entities, the ID is the name.
    let name = name.or(code);
    (code.is_some() || name.is_some()).then(|| Box::new(Party { id: code.map(Into::into), name: name.map(Into::into) }))
}
