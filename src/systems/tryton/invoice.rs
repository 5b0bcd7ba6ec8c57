//! Invoices, credit notes and bills: one model in Tryton, told apart by `type` and by the sign of their total. Pure.
//!
//! - A credit note has the same type as an invoice, and a negative total.
//! - What is left to pay is known of posted documents alone (`amount_to_pay`). A credit note that pays an invoice without
//!   having been reconciled with it yet is still counted as open by Tryton, although the invoice counts it as paid: that part
//!   is taken off here.
//! - A cancelled document stays; the credit note or posting that cancels it is `paid`, and only the cancelled document says
//!   which posting it is.

use std::sync::Arc;

use jiff::civil::Date;
use rust_decimal::Decimal;
use smallvec::SmallVec;

use super::client::Company;
use super::config::Carrier;
use super::map::{Account, Cancelling, Mapper, Reading, account, party};
use super::wire::{Lack, Record};
use crate::domain::{
    Amounts, Booked, Currency, Direction, Flaw, FlawKind, Invoice, InvoiceId, InvoiceKind, InvoiceLine, InvoiceState,
    Money, Payment, ProjectId, digits,
};

/// What is read of an invoice, whatever carries its shared ID.
pub(super) const FIELDS: [&str; 32] = [
    "number",
    "state",
    "invoice_date",
    "currency.code",
    "party.code",
    "party.name",
    "untaxed_amount",
    "tax_amount",
    "total_amount",
    "amount_to_pay",
    "move.lines.origin",
    "move.lines.debit",
    "move.lines.credit",
    "lines.type",
    "lines.description",
    "lines.quantity",
    "lines.amount",
    "lines_to_pay.debit",
    "lines_to_pay.credit",
    "lines_to_pay.second_currency",
    "lines_to_pay.amount_second_currency",
    "lines_to_pay.maturity_date",
    "lines_to_pay.reconciliation",
    "lines_to_pay.invoice_payment",
    "payment_lines.date",
    "payment_lines.debit",
    "payment_lines.credit",
    "payment_lines.second_currency",
    "payment_lines.amount_second_currency",
    "payment_lines.reconciliation",
    "payment_lines.move.origin",
    "id",
];

/// What is read of the analytic accounts of a line, down to distributions of distributions.
pub(super) const ANALYTIC: [&str; 9] = [
    "root",
    "account.code",
    "account.type",
    "account.distributions.ratio",
    "account.distributions.account.code",
    "account.distributions.account.type",
    "account.distributions.account.distributions.ratio",
    "account.distributions.account.distributions.account.code",
    "account.distributions.account.distributions.account.type",
];

/// Whose a document is: by the analytic accounts of its lines below a root, or by a field of its own.
#[derive(Debug, Clone)]
pub(super) enum Carried<'a> {
    Analytic(u64),
    Field(&'a str),
    /// Of this project, by what it credits.
    Given(&'a ProjectId),
}

impl Carrier {
    /// With the root that holds projects.
    pub(super) fn below(&self, root: Option<u64>) -> Carried<'_> {
        match self {
            Self::Analytic => Carried::Analytic(root.unwrap_or_default()),
            Self::Field(path) => Carried::Field(path),
        }
    }
}

/// A document, and its lines as the graph does not need them.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) invoice: Invoice,
    /// Number of each of the invoice's lines.
    pub(super) lines: Vec<u64>,
}

/// A document with what it says of itself.
struct Page<'a> {
    mapper: &'a Mapper,
    record: &'a Record,
    company: &'a Company,
    carried: Carried<'a>,
    currency: Option<Currency>,
    /// Number of its currency.
    currency_key: Option<u64>,
    /// What makes an amount positive that is debit less credit.
    debit: Decimal,
    /// What makes an amount positive that is the document's own.
    own: Decimal,
    moves: Option<Vec<Record>>,
    reading: Reading,
}

/// Reads a document.
pub(super) fn document(
    mapper: &Mapper,
    (record, direction): (&Record, Direction),
    company: &Company,
    carried: Carried<'_>,
    cancelling: &Cancelling,
) -> Result<Document, Lack> {
    let mut reading = Reading::default();
    let currency = reading.currency(record, "currency.code", "total")?;
    let raw_total = reading.number(record, "total_amount", "total")?;
    let credits = raw_total.is_some_and(|total| total < Decimal::ZERO);
    let own = if credits { -Decimal::ONE } else { Decimal::ONE };
    let moves = record.one("move")?;
    let posting = moves.as_ref().map(Record::id).transpose()?;
    // The total tells the kind, and the kind the sign of all amounts: without it, none of them is known.
    let (currency, moves) = if raw_total.is_some() { (currency, moves) } else { (None, None) };
    let mut page = Page {
        mapper,
        record,
        company,
        carried,
        currency,
        currency_key: record.one("currency")?.map(|currency| currency.id()).transpose()?,
        debit: if direction == Direction::Receivable { own } else { -own },
        own,
        moves: moves.map(|posting| posting.many("lines")).transpose()?,
        reading,
    };
    let id = record.id()?;
    let word = record.text("state")?.unwrap_or_default();
    let state = match word.as_str() {
        _ if posting.is_some_and(|posting| cancelling.contains(&posting)) => InvoiceState::Void,
        "draft" | "validated" => InvoiceState::Draft,
        "posted" => InvoiceState::Open,
        "paid" => InvoiceState::Closed,
        "cancelled" => InvoiceState::Void,
        _ => InvoiceState::Unknown(word),
    };
    let to_pay = record.many("lines_to_pay")?;
    let paying = record.many("payment_lines")?;
    let total = page.total(raw_total, &to_pay)?;
    let balance = page.balance(&state, total, &to_pay, &paying)?;
    let nothing_open = |money: Option<Money>| money.is_some_and(|money| money.amount.is_zero());
    let state = match state {
        InvoiceState::Open if nothing_open(balance.document) => InvoiceState::Closed,
        state => state,
    };
    let (lines, numbers) = page.lines()?;
    let payments = page.payments(id, &paying)?;
    let net = page.amount("untaxed_amount", "net", "account.invoice.line")?;
    let tax = page.amount("tax_amount", "tax", "account.invoice.tax")?;
    let mut project_ids: SmallVec<[ProjectId; 1]> = SmallVec::new();
    for project in lines.iter().filter_map(|line| line.project_id.clone()).chain(page.header()?) {
        if !project_ids.contains(&project) {
            project_ids.push(project);
        }
    }
    let invoice = Invoice {
        id: InvoiceId::new(id.to_string()),
        number: record.text("number")?.map(Into::into),
        direction,
        kind: if credits { InvoiceKind::CreditNote } else { InvoiceKind::Invoice },
        state,
        party: party(record)?,
        issue_date: page.reading.date(record, "invoice_date", "issueDate")?,
        due_date: page.due_date(&to_pay)?,
        amounts: Amounts { net, tax, total, paid: total.minus(balance), balance }.into(),
        lines: lines.into(),
        payments: Some(payments.into()),
        project_ids,
        url: mapper.url("account.invoice", id),
        flaws: page.reading.flaws.into(),
    };
    Ok(Document { invoice, lines: numbers })
}

impl Page<'_> {
    /// Whether the document is in the company's own currency: then its amounts are the company's, too.
    fn is_local(&self) -> bool {
        self.currency == Some(self.company.currency)
    }

    fn money(&self, amount: Option<Decimal>) -> Option<Money> {
        amount.zip(self.currency).map(|(amount, currency)| Money::new(amount, currency))
    }

    fn booked(&self, document: Option<Decimal>, company: Option<Decimal>) -> Booked {
        let document = self.money(document);
        let company = company.map(|amount| Money::new(amount, self.company.currency));
        Booked { document, company: if self.is_local() { document } else { company } }
    }

    /// An amount of the document; in the company's currency by the lines of its posting that come from records of a model.
    fn amount(&mut self, field: &str, as_field: &'static str, model: &str) -> Result<Booked, Lack> {
        let document = self.reading.number(self.record, field, as_field)?.map(|amount| amount * self.own);
        let company = self.posted(|origin| origin.is_some_and(|(of, _)| of == model), as_field)?;
        // No line is posted for nothing.
        let nothing = document.filter(Decimal::is_zero).filter(|_| self.moves.is_some());
        Ok(self.booked(document, company.or(nothing)))
    }

    /// The lines of the posting by their origin, added up; none if there is no such line. They are on the other side than what
    /// is to be paid.
    fn posted(
        &mut self,
        is_wanted: impl Fn(Option<(&str, u64)>) -> bool,
        as_field: &'static str,
    ) -> Result<Option<Decimal>, Lack> {
        let Some(moves) = self.moves.take() else { return Ok(None) };
        let (mut sum, mut is_there) = (Some(Decimal::ZERO), false);
        for line in &moves {
            let origin = line.reference("origin")?;
            if is_wanted(origin.as_ref().map(|(model, number)| (model.as_str(), *number))) {
                let amount = self.debit_less_credit(line, as_field)?;
                sum = sum.zip(amount).and_then(|(sum, amount)| sum.checked_sub(amount));
                is_there = true;
            }
        }
        self.moves = Some(moves);
        Ok(sum.filter(|_| is_there))
    }

    /// Debit less credit, positive on what is to be paid.
    fn debit_less_credit(&mut self, line: &Record, as_field: &'static str) -> Result<Option<Decimal>, Lack> {
        let debit = self.reading.number(line, "debit", as_field)?;
        let credit = self.reading.number(line, "credit", as_field)?;
        Ok(debit.zip(credit).map(|(debit, credit)| (debit - credit) * self.debit))
    }

    /// The same in the document's currency; none if the line was not posted in it.
    fn in_document(&mut self, line: &Record, as_field: &'static str) -> Result<Option<Decimal>, Lack> {
        if self.is_local() {
            return self.debit_less_credit(line, as_field);
        }
        let amount = self.reading.number(line, "amount_second_currency", as_field)?;
        let same = line.key("second_currency")?.is_some_and(|key| Some(key) == self.currency_key);
        Ok(amount.filter(|_| same).map(|amount| amount * self.debit))
    }

    /// The total. In the company's currency, what was posted to be paid.
    fn total(&mut self, raw: Option<Decimal>, to_pay: &[Record]) -> Result<Booked, Lack> {
        let mut company = self.moves.is_some().then_some(Decimal::ZERO);
        for line in to_pay {
            let amount = self.debit_less_credit(line, "total")?;
            company = company.zip(amount).and_then(|(sum, amount)| sum.checked_add(amount));
        }
        Ok(self.booked(raw.map(|total| total * self.own), company))
    }

    /// What is still open; unknown of what is not posted.
    fn balance(
        &mut self,
        state: &InvoiceState,
        total: Booked,
        to_pay: &[Record],
        paying: &[Record],
    ) -> Result<Booked, Lack> {
        match state {
            InvoiceState::Open => {}
            InvoiceState::Closed => return Ok(total.minus(total)),
            _ => return Ok(Booked::default()),
        }
        let stated = self.reading.number(self.record, "amount_to_pay", "balance")?;
        let mut document = stated.map(|amount| amount * self.own);
        let mut company = self.moves.is_some().then_some(Decimal::ZERO);
        let add = |side: &mut Option<Decimal>, amount: Option<Decimal>| {
            *side = side.zip(amount).and_then(|(sum, amount)| sum.checked_add(amount));
        };
        for line in to_pay {
            if line.key("reconciliation")?.is_some() {
                continue;
            }
            if line.key("invoice_payment")?.is_some() {
                // It pays another document, which counts it as paid already.
                let used = self.in_document(line, "balance")?;
                add(&mut document, used.map(|used| -used));
            } else {
                let amount = self.debit_less_credit(line, "balance")?;
                add(&mut company, amount);
            }
        }
        for line in paying {
            if line.key("reconciliation")?.is_none() {
                let amount = self.debit_less_credit(line, "balance")?;
                add(&mut company, amount);
            }
        }
        Ok(self.booked(document, company))
    }

    /// The first day on which something is due that is still open; the last one, where nothing is.
    fn due_date(&mut self, to_pay: &[Record]) -> Result<Option<Date>, Lack> {
        let (mut open, mut all) = (None, None);
        for line in to_pay {
            let day = self.reading.date(line, "maturity_date", "dueDate")?;
            all = all.max(day);
            if line.key("reconciliation")?.is_none() {
                open = match (open, day) {
                    (Some(earliest), Some(day)) => Some(day.min(earliest)),
                    (one, other) => one.or(other),
                };
            }
        }
        Ok(open.or(all))
    }

    /// The project of the document itself, where a field of it carries the shared ID.
    fn header(&self) -> Result<Option<ProjectId>, Lack> {
        match self.carried {
            Carried::Field(path) => Ok(self.mapper.project(self.record.text_at(path)?.as_deref())),
            Carried::Given(project) => Ok(Some(project.clone())),
            Carried::Analytic(_) => Ok(None),
        }
    }

    /// The lines, each as often as its account distributes it, with the number of the line.
    fn lines(&mut self) -> Result<(Vec<InvoiceLine>, Vec<u64>), Lack> {
        let header = self.header()?;
        let (mut lines, mut numbers) = (Vec::new(), Vec::new());
        for line in self.record.many("lines")? {
            // Others are titles, comments and subtotals.
            if line.text("type")?.as_deref() != Some("line") {
                continue;
            }
            let id = line.id()?;
            let amount = self.reading.number(&line, "amount", "lines")?.map(|amount| amount * self.own);
            let posted = self.posted(|origin| origin == Some(("account.invoice.line", id)), "lines")?;
            let quantity = self.reading.number(&line, "quantity", "lines")?.map(|quantity| quantity * self.own);
            let description = line.text("description")?;
            let owner = match self.carried {
                Carried::Field(_) | Carried::Given(_) => Account { project: header.clone(), parts: Vec::new() },
                Carried::Analytic(root) => entry(self.mapper, &line, root)?,
            };
            let places = |currency: Option<Currency>| currency.map_or(2, digits);
            let shares = |amount: Option<Decimal>, digits| -> Vec<(Option<ProjectId>, Option<Decimal>)> {
                let shared = owner.share_out(amount.unwrap_or_default(), digits).into_iter();
                shared.map(|(project, share)| (project, amount.map(|_| share))).collect()
            };
            let document = shares(amount, places(self.currency));
            let company = shares(posted, places(Some(self.company.currency)));
            let is_whole = document.len() == 1;
            for ((project_id, share), (_, posted)) in document.into_iter().zip(company) {
                lines.push(InvoiceLine {
                    description: description.clone(),
                    quantity: quantity.filter(|_| is_whole),
                    net: self.booked(share, posted),
                    project_id,
                });
                numbers.push(id);
            }
        }
        Ok((lines, numbers))
    }

    /// What was paid, without what credit notes settled.
    fn payments(&mut self, id: u64, paying: &[Record]) -> Result<Vec<Payment>, Lack> {
        let mut payments = Vec::new();
        for line in paying {
            let origin = line.one("move")?.map(|posting| posting.reference("origin")).transpose()?.flatten();
            if origin.is_some_and(|(model, number)| model == "account.invoice" && number != id) {
                continue;
            }
            let document = self.in_document(line, "payments")?.map(|amount| -amount);
            let company = self.debit_less_credit(line, "payments")?.map(|amount| -amount);
            let amount = self.booked(document, company);
            let date = self.reading.date(line, "date", "payments")?;
            payments.push(Payment { id: Arc::from(line.id()?.to_string()), date, amount });
        }
        payments.sort_by(|a, b| (a.date, a.id.len(), &a.id).cmp(&(b.date, b.id.len(), &b.id)));
        Ok(payments)
    }
}

/// The account below a root that a line stands on; one without a project, if there is none.
pub(super) fn entry(mapper: &Mapper, line: &Record, root: u64) -> Result<Account, Lack> {
    for entry in line.many("analytic_accounts")? {
        if entry.key("root")? == Some(root) {
            return entry.one("account")?.map_or_else(|| Ok(Account::default()), |found| account(mapper, &found, 2));
        }
    }
    Ok(Account::default())
}

/// Flaws that make a line's cost unknown, of those of its document.
pub(super) fn of_lines(flaws: &[Flaw]) -> Vec<Flaw> {
    let field = |flaw: &&Flaw| matches!(flaw.field, "lines" | "total" | "issueDate");
    let renamed = |flaw: &Flaw| match flaw.kind {
        FlawKind::BadDate => Flaw { field: "date", kind: flaw.kind },
        kind => Flaw { field: "amount", kind },
    };
    flaws.iter().filter(field).map(renamed).collect()
}
