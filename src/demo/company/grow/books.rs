//! The ERP's books while they are written: documents, their settlement, payments. [`Books::close`] brings them into
//! the order of their dates, gives them their numbers, and posts the journal entry each document casts as a shadow.

use std::collections::HashMap;

use rust_decimal::Decimal;

use super::Engagement;
use super::dice::{Calendar, Day, Dice, cents, number};
use crate::demo::company::amounts::{self, LOCAL, ZERO, base_rate, both};
use crate::demo::company::model::{
    Applied, Cancelled, Document, DocumentKind, DocumentLine, JournalEntry, JournalLine, Ledger, Payment,
};

/// A document before it is in the books.
#[derive(Debug, Clone)]
pub(super) struct Paper {
    pub(super) kind: DocumentKind,
    pub(super) card_code: String,
    pub(super) card_name: String,
    pub(super) day: Day,
    /// Days until it is due.
    pub(super) term: Day,
    pub(super) currency: String,
    /// Tax, in per cent.
    pub(super) tax: i64,
    /// Text, project and net cents in the document's currency of each line.
    pub(super) lines: Vec<(String, String, i64)>,
}

/// The books while they are written.
#[derive(Debug)]
pub(super) struct Books {
    pub(super) calendar: Calendar,
    seed: u64,
    documents: Vec<Document>,
    payments: Vec<Payment>,
    drafts: Vec<Document>,
    pub(super) journal: Vec<JournalEntry>,
    turns: HashMap<&'static str, u32>,
}

impl Books {
    pub(super) fn new(calendar: Calendar, seed: u64) -> Self {
        Self {
            calendar,
            seed,
            documents: Vec::new(),
            payments: Vec::new(),
            drafts: Vec::new(),
            journal: Vec::new(),
            turns: HashMap::new(),
        }
    }

    /// True once in so many calls: rare things happen in every company, whatever the dice say.
    pub(super) fn every(&mut self, turns: u32, what: &'static str) -> bool {
        let count = self.turns.entry(what).or_default();
        *count += 1;
        *count % turns == turns / 2
    }

    /// Posts a document and returns its position.
    pub(super) fn post(&mut self, paper: Paper) -> usize {
        let rate = self.rate(&paper.currency, paper.day);
        self.post_at(paper, rate)
    }

    /// Posts a document at the rate of another one.
    pub(super) fn post_at(&mut self, paper: Paper, rate: Decimal) -> usize {
        let document = self.document(paper, rate);
        self.documents.push(document);
        self.documents.len() - 1
    }

    /// Closes an order and its lines: nothing of it is expected any more.
    pub(super) fn shut(&mut self, position: usize) {
        if let Some(order) = self.documents.get_mut(position) {
            shut(order);
        }
    }

    /// Keeps a document as a draft.
    pub(super) fn draft(&mut self, paper: Paper) {
        let rate = self.rate(&paper.currency, paper.day);
        let document = self.document(paper, rate);
        self.drafts.push(document);
    }

    pub(super) fn get_mut(&mut self, position: usize) -> Option<&mut Document> {
        self.documents.get_mut(position)
    }

    fn document(&self, paper: Paper, rate: Decimal) -> Document {
        let local = paper.currency == LOCAL;
        let split = paper.lines.windows(2).any(|pair| matches!(pair, [one, other] if one.1 != other.1));
        let project = paper.lines.first().filter(|_| !split).map(|(_, project, _)| project.clone());
        let mut foreign_tax = ZERO;
        let mut lines = Vec::with_capacity(paper.lines.len());
        for (index, (description, project, net)) in paper.lines.into_iter().enumerate() {
            let mut line = DocumentLine {
                number: number(index),
                description,
                project: Some(project),
                net: ZERO,
                net_fc: ZERO,
                tax: ZERO,
                open_net: ZERO,
                open_net_fc: ZERO,
                open: true,
            };
            foreign_tax += amounts::set_net(&mut line, cents(net), paper.tax, rate, local);
            lines.push(line);
        }
        let mut document = Document {
            entry: 0,
            number: 0,
            kind: paper.kind,
            card_code: paper.card_code,
            card_name: paper.card_name,
            date: self.calendar.date(paper.day),
            due: self.calendar.date(paper.day + paper.term),
            currency: paper.currency,
            rate,
            project,
            lines,
            total: ZERO,
            total_fc: ZERO,
            tax: ZERO,
            tax_fc: ZERO,
            paid: ZERO,
            paid_fc: ZERO,
            open: true,
            cancelled: Cancelled::No,
            updated: self.calendar.date(paper.day),
        };
        amounts::total(&mut document, foreign_tax);
        document
    }

    /// The rate of a currency on a day: it moves once a month, a few per cent around its base.
    fn rate(&self, currency: &str, day: Day) -> Decimal {
        if currency == LOCAL {
            return Decimal::ONE;
        }
        let base = base_rate(currency);
        let date = self.calendar.date(day);
        let month = u64::from(date.year().unsigned_abs()) * 12 + u64::from(date.month().unsigned_abs());
        let mut dice = Dice::new(self.seed ^ (month << 20) ^ base.unsigned_abs());
        Decimal::new(base * 100 + dice.range(-base * 3, base * 3), 6).normalize()
    }

    /// Reconciles a credit note with its invoice: both count it as paid.
    pub(super) fn reconcile(&mut self, invoice: usize, credit: usize) {
        let Some((total, total_fc, date)) = self.documents.get_mut(credit).map(|credit| {
            settle(credit);
            (credit.total, credit.total_fc, credit.date)
        }) else {
            return;
        };
        if let Some(invoice) = self.documents.get_mut(invoice) {
            pay(invoice, total, total_fc);
            invoice.updated = invoice.updated.max(date);
        }
    }

    /// Settles what is left, without a record of how: what goes out to vendors is not in these books.
    pub(super) fn pay_out(&mut self, position: usize, day: Day) {
        let date = self.calendar.date(day);
        if let Some(document) = self.documents.get_mut(position) {
            settle(document);
            document.updated = document.updated.max(date);
        }
    }

    /// Receives so much (per thousand) of what is left of an invoice.
    pub(super) fn receive(&mut self, position: usize, day: Day, permille: i64) {
        let date = self.calendar.date(day);
        let Some(document) = self.documents.get_mut(position) else { return };
        let (mut amount, mut amount_fc) = (document.total - document.paid, document.total_fc - document.paid_fc);
        if amount <= ZERO {
            return;
        }
        if permille < 1000 {
            let local = document.currency == LOCAL;
            let left = if local { amount } else { amount_fc };
            (amount, amount_fc) = both(amounts::round(left * Decimal::new(permille, 3)), document.rate, local);
        }
        pay(document, amount, amount_fc);
        document.updated = document.updated.max(date);
        self.payments.push(Payment {
            entry: 0,
            card_code: document.card_code.clone(),
            date,
            currency: document.currency.clone(),
            cancelled: false,
            applied: vec![Applied { entry: number(position), amount, amount_fc }],
        });
    }

    /// Cancels a document by a second one of its kind. The ERP reconciles the two: both count as paid and closed.
    pub(super) fn cancel(&mut self, position: usize, day: Day) {
        let date = self.calendar.date(day);
        let Some(document) = self.documents.get_mut(position) else { return };
        settle(document);
        document.cancelled = Cancelled::Yes;
        document.updated = date;
        let mut cancellation = document.clone();
        cancellation.cancelled = Cancelled::Cancellation;
        cancellation.date = date;
        self.documents.push(cancellation);
    }

    /// Puts everything in order and numbers it.
    pub(super) fn close(mut self, dice: &mut Dice, engagements: &[Engagement]) -> Ledger {
        let mut order: Vec<usize> = (0..self.documents.len()).collect();
        order.sort_by_key(|&position| self.documents.get(position).map(|document| document.date));
        let mut counts: HashMap<DocumentKind, u32> = HashMap::new();
        let mut entries = vec![0; self.documents.len()];
        for position in order {
            let (Some(document), Some(entry)) = (self.documents.get_mut(position), entries.get_mut(position)) else {
                continue;
            };
            let count = counts.entry(document.kind).or_default();
            *count += 1;
            // Key and number differ, so that one taken for the other is noticed.
            let (key, paper) = match document.kind {
                DocumentKind::Invoice => (1_000, 500_000),
                DocumentKind::CreditNote => (200, 700_000),
                DocumentKind::PurchaseInvoice => (2_000, 800_000),
                DocumentKind::PurchaseCreditNote => (50, 1_100_000),
                DocumentKind::PurchaseOrder => (3_000, 1_200_000),
            };
            document.entry = key + *count;
            document.number = paper + *count;
            *entry = document.entry;
        }
        self.documents.sort_by_key(|document| (document.date, document.number));
        for (document, count) in self.drafts.iter_mut().zip(1..) {
            document.entry = 100 + count;
            document.number = 1_900_000 + count;
        }
        let payments = payments(dice, self.payments, &entries);
        self.journal.extend(self.documents.iter().filter_map(shadow));
        self.journal.sort_by_key(|entry| entry.date);
        for (entry, count) in self.journal.iter_mut().zip(1..) {
            entry.number = 100_000 + count;
        }
        Ledger {
            projects: engagements
                .iter()
                .filter(|engagement| engagement.in_erp)
                .map(|engagement| (engagement.code.clone(), engagement.name.clone()))
                .collect(),
            documents: self.documents,
            payments,
            journal: self.journal,
            drafts: self.drafts,
        }
    }
}

fn pay(document: &mut Document, amount: Decimal, amount_fc: Decimal) {
    document.paid += amount;
    document.paid_fc += amount_fc;
    if document.paid >= document.total {
        settle(document);
    }
}

fn settle(document: &mut Document) {
    document.paid = document.total;
    document.paid_fc = document.total_fc;
    shut(document);
}

fn shut(document: &mut Document) {
    document.open = false;
    for line in &mut document.lines {
        line.open = false;
    }
}

/// Some clients pay several invoices at once, and now and then a payment bounces and is cancelled.
fn payments(dice: &mut Dice, mut single: Vec<Payment>, entries: &[u32]) -> Vec<Payment> {
    single.sort_by(|a, b| (&a.card_code, a.date).cmp(&(&b.card_code, b.date)));
    let mut payments: Vec<Payment> = Vec::with_capacity(single.len());
    for (mut payment, turn) in single.into_iter().zip(1..) {
        for applied in &mut payment.applied {
            let position = usize::try_from(applied.entry).unwrap_or(usize::MAX);
            applied.entry = entries.get(position).copied().unwrap_or_default();
        }
        let before = payments.last_mut().filter(|before| {
            let close = payment.date.duration_since(before.date).as_hours() < 24 * 6;
            let same = before.card_code == payment.card_code && before.currency == payment.currency;
            let other = before.applied.iter().all(|one| payment.applied.iter().all(|two| one.entry != two.entry));
            same && close && other && !before.cancelled
        });
        if let Some(before) = before.filter(|_| dice.chance(500)) {
            before.date = payment.date;
            before.applied.append(&mut payment.applied);
            continue;
        }
        if turn % 60 == 30 {
            payments.push(Payment { cancelled: true, ..payment.clone() });
        }
        payments.push(payment);
    }
    payments.sort_by_key(|payment| payment.date);
    for (payment, count) in payments.iter_mut().zip(1..) {
        payment.entry = 4_000 + count;
    }
    payments
}

/// The journal entry a document posts by itself. It carries the project on cost lines too, and must not be counted
/// beside the document.
fn shadow(document: &Document) -> Option<JournalEntry> {
    let (account, tax, partner, debits) = match document.kind {
        DocumentKind::Invoice => ("4000", "2500", "1200", false),
        DocumentKind::CreditNote => ("4000", "2500", "1200", true),
        DocumentKind::PurchaseInvoice => ("5800", "1500", "2100", true),
        DocumentKind::PurchaseCreditNote => ("5800", "1500", "2100", false),
        DocumentKind::PurchaseOrder => return None,
    };
    let debits = debits != (document.cancelled == Cancelled::Cancellation);
    let mut entry = JournalEntry {
        number: 0,
        date: document.date,
        memo: format!("{} {}", document.card_name, document.number),
        manual: false,
        lines: Vec::with_capacity(document.lines.len() + 2),
    };
    for line in &document.lines {
        push(&mut entry, account, line.net, debits, line.project.clone());
    }
    if document.tax > ZERO {
        push(&mut entry, tax, document.tax, debits, None);
    }
    push(&mut entry, partner, document.total, !debits, None);
    Some(entry)
}

/// Adds a line to a journal entry.
pub(super) fn push(entry: &mut JournalEntry, account: &str, amount: Decimal, debit: bool, project: Option<String>) {
    let (debit, credit) = if debit { (amount, ZERO) } else { (ZERO, amount) };
    let number = number(entry.lines.len());
    entry.lines.push(JournalLine { number, account: account.to_owned(), debit, credit, project });
}
