//! The books: documents of both directions, and costs.

use rust_decimal::Decimal;
use spine::demo::company::model::{self, Cancelled, Document, DocumentKind, DocumentLine, JournalLine};
use spine::domain::ProjectId;

use super::super::lines::{Text, line, sorted};
use super::{Answers, Truth, answers, grouped, shared_id};

/// The two directions of documents.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::conformance) enum Side {
    Receivable,
    Payable,
}

/// Number of a kind of document in the books, if it bills or takes back.
pub(in crate::conformance) fn code(kind: DocumentKind) -> Option<(Side, u32)> {
    match kind {
        DocumentKind::Invoice => Some((Side::Receivable, 13)),
        DocumentKind::CreditNote => Some((Side::Receivable, 14)),
        DocumentKind::PurchaseInvoice => Some((Side::Payable, 18)),
        DocumentKind::PurchaseCreditNote => Some((Side::Payable, 19)),
        DocumentKind::PurchaseOrder => None,
    }
}

impl Truth<'_> {
    fn local(&self) -> &String {
        &self.company.currency
    }

    /// An amount as it stands in the books: in the document's currency and in the company's.
    fn booked(&self, document: &Document, local: Decimal, foreign: Decimal) -> String {
        let own = if document.currency == *self.local() { local } else { foreign };
        line_of(own, &document.currency, local, self.local())
    }

    fn codes(&self) -> impl Iterator<Item = ProjectId> {
        self.company.ledger.projects.iter().filter_map(|(code, _)| shared_id(Some(code)))
    }

    /// Documents of one direction, in the order of record IDs.
    fn documents(&self, side: Side) -> Vec<(u32, &Document)> {
        let ledger = &self.company.ledger;
        let drafts = if self.system.drafts { ledger.drafts.as_slice() } else { &[] };
        let documents = ledger.documents.iter().chain(drafts);
        let mut all: Vec<(u32, &Document)> = documents
            .filter_map(|document| code(document.kind).filter(|(of, _)| *of == side).map(|(_, code)| (code, document)))
            .collect();
        all.sort_by_key(|(code, document)| (*code, document.entry));
        all
    }

    pub(in crate::conformance) fn invoices(&self, side: Side) -> Answers {
        let answer = |(code, document): (u32, &Document)| {
            let id = (self.system.invoice_id)(code, document.entry);
            let payments = (side == Side::Receivable).then(|| self.payments(document));
            (id, Ok(vec![line![self.invoice(code, document), payments]]))
        };
        self.documents(side).into_iter().map(answer).collect()
    }

    pub(in crate::conformance) fn invoice_list(&self, side: Side) -> Vec<String> {
        self.documents(side).into_iter().map(|(code, document)| self.invoice(code, document)).collect()
    }

    pub(in crate::conformance) fn invoices_by_project(&self, side: Side) -> Answers {
        let rows = self.documents(side).into_iter().flat_map(|(code, document)| {
            let projects = projects_of(document);
            let whole = projects.len() == 1;
            let row = move |id: ProjectId| {
                let lines = document.lines.iter().filter(|line| line_project(document, line).as_ref() == Some(&id));
                let (mut net, mut net_fc) = (Decimal::ZERO, Decimal::ZERO);
                for line in lines {
                    net += line.net;
                    net_fc += line.net_fc;
                }
                let invoice = self.invoice(code, document);
                let part = self.booked(document, net, net_fc);
                let line = if whole {
                    let [net, total, paid, balance] = self.amounts(document);
                    line![invoice, "whole", net, total, paid, balance]
                } else {
                    line![invoice, "part", part]
                };
                (id, line)
            };
            projects.into_iter().map(row).collect::<Vec<_>>()
        });
        answers(grouped(self.codes(), rows))
    }

    fn amounts(&self, d: &Document) -> [String; 4] {
        [
            self.booked(d, d.total - d.tax, d.total_fc - d.tax_fc),
            self.booked(d, d.total, d.total_fc),
            self.booked(d, d.paid, d.paid_fc),
            self.booked(d, d.total - d.paid, d.total_fc - d.paid_fc),
        ]
    }

    fn invoice(&self, code: u32, document: &Document) -> String {
        let draft = self.company.ledger.drafts.iter().any(|draft| std::ptr::eq(draft, document));
        let state = match (document.cancelled, document.open) {
            _ if draft => "Draft",
            (Cancelled::No, true) => "Open",
            (Cancelled::No, false) => "Closed",
            _ => "Void",
        };
        let [net, total, paid, balance] = self.amounts(document);
        let line = |line: &DocumentLine| {
            line![line.description, self.booked(document, line.net, line.net_fc), line_project(document, line)]
        };
        line![
            (self.system.invoice_id)(code, document.entry),
            Some(document.number).filter(|_| !draft),
            if code < 18 { "Receivable" } else { "Payable" },
            if matches!(code, 13 | 18) { "Invoice" } else { "CreditNote" },
            state,
            (self.system.party_id)(&document.card_code),
            document.card_name,
            document.date,
            Some(document.due).filter(|_| !self.system.never_due.contains(&code)),
            net,
            self.booked(document, document.tax, document.tax_fc),
            total,
            paid,
            balance,
            document.lines.iter().map(line).collect::<Vec<_>>(),
            projects_of(document),
        ]
    }

    /// What came in on an invoice. Credit notes are not paid, and a cancelled payment is none.
    fn payments(&self, document: &Document) -> Vec<String> {
        let invoice = document.kind == DocumentKind::Invoice;
        let payments = self.company.ledger.payments.iter().filter(|payment| invoice && !payment.cancelled);
        let line = |payment: &model::Payment| {
            let applied: Vec<_> = payment.applied.iter().filter(|applied| applied.entry == document.entry).collect();
            let amount = applied.iter().map(|applied| applied.amount).sum();
            let amount_fc = applied.iter().map(|applied| applied.amount_fc).sum();
            let line =
                line![(self.system.payment_id)(payment.entry), payment.date, self.booked(document, amount, amount_fc)];
            (!applied.is_empty()).then_some(line)
        };
        sorted(payments.filter_map(line).collect())
    }

    /// Lines of bills less those of their credit notes, open lines of orders, and what was posted by hand; by date.
    pub(in crate::conformance) fn costs(&self) -> Answers {
        let mut costs: Vec<(ProjectId, jiff::civil::Date, String, String)> = Vec::new();
        let ledger = &self.company.ledger;
        for document in ledger.documents.iter().filter(|document| document.cancelled == Cancelled::No) {
            for line in &document.lines {
                let (code, state, net, net_fc) = match document.kind {
                    DocumentKind::PurchaseInvoice => (18, "Actual", line.net, line.net_fc),
                    DocumentKind::PurchaseCreditNote => (19, "Actual", -line.net, -line.net_fc),
                    DocumentKind::PurchaseOrder if line.open => (22, "Committed", line.open_net, line.open_net_fc),
                    _ => continue,
                };
                let Some(project) = line_project(document, line) else { continue };
                let id = (self.system.cost_id)(code, document.entry, line.number);
                let amount = self.booked(document, net, net_fc);
                let cost = line![
                    id,
                    "Vendor",
                    state,
                    document.date,
                    amount,
                    line.description,
                    document.card_name,
                    document.number,
                ];
                costs.push((project, document.date, id, cost));
            }
        }
        for entry in ledger.journal.iter().filter(|entry| entry.manual) {
            for line in &entry.lines {
                let Some((kind, project)) = journal_cost(line) else { continue };
                let id = (self.system.cost_id)(30, entry.number, line.number);
                let amount = line.debit - line.credit;
                let amount = line_of(amount, self.local(), amount, self.local());
                let nobody = None::<String>;
                let cost = line![id, kind, "Actual", entry.date, amount, entry.memo, nobody, entry.number];
                costs.push((project, entry.date, id, cost));
            }
        }
        costs.sort_by(|(_, a, x, _), (_, b, y, _)| (a, x).cmp(&(b, y)));
        answers(grouped(self.codes(), costs.into_iter().map(|(project, _, _, cost)| (project, cost))))
    }
}

fn line_of(document: Decimal, currency: &str, company: Decimal, local: &str) -> String {
    format!("{} {currency} = {} {local}", document.text(), company.text())
}

/// The project of a line: its own, else the document's.
pub(in crate::conformance) fn line_project(document: &Document, line: &DocumentLine) -> Option<ProjectId> {
    shared_id(line.project.as_ref().or(document.project.as_ref()))
}

/// The projects of a document, in the order of its lines.
fn projects_of(document: &Document) -> Vec<ProjectId> {
    let mut projects: Vec<ProjectId> = Vec::new();
    for project in document.lines.iter().filter_map(|line| line_project(document, line)) {
        if !projects.contains(&project) {
            projects.push(project);
        }
    }
    projects
}

/// What a row of the journal is a cost of, and of whom: accounts that begin with 5 are labour, with 6 expenses.
pub(in crate::conformance) fn journal_cost(line: &JournalLine) -> Option<(&'static str, ProjectId)> {
    let kind = match line.account.as_bytes().first()? {
        b'5' => "Labour",
        b'6' => "Expense",
        _ => return None,
    };
    Some((kind, shared_id(line.project.as_ref())?))
}
