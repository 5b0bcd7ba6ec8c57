//! Small books with every case in them, for the tests of both sides of the wire.

#![expect(clippy::inconsistent_digit_grouping, reason = "amounts are in cents: 1000_00 is 1000.00")]

use std::sync::{Arc, RwLock};

use jiff::civil::date;
use rust_decimal::Decimal;

use crate::demo::company::model::{
    Applied, Cancelled, Client, Company, Document, DocumentKind, DocumentLine, JournalEntry, JournalLine, Ledger,
    Payment, Shared,
};

/// Two projects with documents, one without, and one whose code has a quote in it.
pub(crate) const PROJECTS: [&str; 4] = ["PRJ-2025-001", "PRJ-2025-002", "PRJ-2025-003", "O'NEIL & SONS"];

pub(crate) fn shared(company: Company) -> Shared {
    Arc::new(RwLock::new(company))
}

/// An amount in cents.
pub(crate) fn cents(cents: i64) -> Decimal {
    Decimal::new(cents, 2)
}

/// A document of 19 % tax in local currency; lines are project and net in cents.
pub(crate) fn document(
    kind: DocumentKind,
    entry: u32,
    project: Option<&str>,
    lines: &[(Option<&str>, i64)],
) -> Document {
    let net: i64 = lines.iter().map(|(_, net)| net).sum();
    let customer = matches!(kind, DocumentKind::Invoice | DocumentKind::CreditNote);
    Document {
        entry,
        number: 1000 + entry,
        kind,
        card_code: if customer { "C00001" } else { "V00001" }.to_owned(),
        card_name: if customer { "Acme GmbH" } else { "Parts & Sons" }.to_owned(),
        date: date(2026, 1, 10),
        due: date(2026, 2, 10),
        currency: "EUR".to_owned(),
        rate: Decimal::ONE,
        project: project.map(str::to_owned),
        lines: lines
            .iter()
            .zip(0..)
            .map(|((project, net), number)| DocumentLine {
                number,
                description: format!("Line {number}"),
                project: project.map(str::to_owned),
                net: cents(*net),
                net_fc: Decimal::ZERO,
                tax: cents(net * 19 / 100),
                open_net: cents(*net),
                open_net_fc: Decimal::ZERO,
                open: true,
            })
            .collect(),
        total: cents(net * 119 / 100),
        total_fc: Decimal::ZERO,
        tax: cents(net * 19 / 100),
        tax_fc: Decimal::ZERO,
        paid: Decimal::ZERO,
        paid_fc: Decimal::ZERO,
        open: true,
        cancelled: Cancelled::No,
        updated: date(2026, 1, 10),
    }
}

pub(crate) fn journal(number: u32, manual: bool, lines: &[(&str, i64, i64, Option<&str>)]) -> JournalEntry {
    JournalEntry {
        number,
        date: date(2026, 1, 31),
        memo: format!("Entry {number}"),
        manual,
        lines: lines
            .iter()
            .zip(0..)
            .map(|((account, debit, credit, project), number)| JournalLine {
                number,
                account: (*account).to_owned(),
                debit: cents(*debit),
                credit: cents(*credit),
                project: project.map(str::to_owned),
            })
            .collect(),
    }
}

/// The books.
pub(crate) fn company() -> Company {
    use DocumentKind::{CreditNote, Invoice, PurchaseCreditNote, PurchaseInvoice, PurchaseOrder};
    let [one, two, _, quoted] = PROJECTS.map(Some);
    let dollars = Document {
        currency: "USD".to_owned(),
        rate: cents(90),
        total: cents(107_10),
        total_fc: cents(119_00),
        tax: cents(17_10),
        tax_fc: cents(19_00),
        paid: cents(45_00),
        paid_fc: cents(50_00),
        due: date(2026, 3, 1),
        lines: vec![DocumentLine {
            net_fc: cents(100_00),
            ..document(Invoice, 2, one, &[(one, 90_00)]).lines.remove(0)
        }],
        ..document(Invoice, 2, one, &[])
    };
    let mut order = document(PurchaseOrder, 1, one, &[(one, 300_00), (one, 500_00), (two, 70_00)]);
    order.lines[0].open_net = cents(120_00);
    order.lines[1].open = false;
    Company {
        seed: 1,
        today: date(2026, 1, 31),
        currency: "EUR".to_owned(),
        people: Vec::new(),
        clients: vec![Client {
            id: 1,
            name: "Acme GmbH".to_owned(),
            domain: "acme.example".to_owned(),
            vertical: "Retail".to_owned(),
            country: "Germany".to_owned(),
            currency: "EUR".to_owned(),
        }],
        contacts: Vec::new(),
        deals: Vec::new(),
        projects: Vec::new(),
        issues: Vec::new(),
        time_entries: Vec::new(),
        revision: 0,
        ledger: Ledger {
            projects: PROJECTS.map(|code| (code.to_owned(), format!("Project {code}"))).to_vec(),
            documents: vec![
                document(Invoice, 1, one, &[(one, 1000_00)]),
                dollars,
                Document {
                    paid: cents(100_00),
                    ..document(Invoice, 3, None, &[(one, 100_00), (two, 200_00), (None, 33_33)])
                },
                Document { cancelled: Cancelled::Yes, open: false, ..document(Invoice, 4, one, &[(one, 10_00)]) },
                Document {
                    cancelled: Cancelled::Cancellation,
                    open: false,
                    ..document(Invoice, 5, one, &[(one, 10_00)])
                },
                document(Invoice, 6, quoted, &[(quoted, 500_00)]),
                Document { open: false, paid: cents(119_00), ..document(CreditNote, 1, one, &[(one, 100_00)]) },
                document(PurchaseInvoice, 1, None, &[(one, 400_00), (two, 100_00)]),
                document(PurchaseInvoice, 2, two, &[(None, 50_00)]),
                Document {
                    cancelled: Cancelled::Yes,
                    open: false,
                    ..document(PurchaseInvoice, 3, one, &[(one, 9_00)])
                },
                document(PurchaseCreditNote, 1, one, &[(one, 40_00)]),
                order,
                Document { cancelled: Cancelled::Yes, open: false, ..document(PurchaseOrder, 2, one, &[(one, 5_00)]) },
            ],
            payments: vec![
                Payment {
                    entry: 1,
                    card_code: "C00001".to_owned(),
                    date: date(2026, 1, 20),
                    currency: "USD".to_owned(),
                    cancelled: false,
                    applied: vec![Applied { entry: 2, amount: cents(45_00), amount_fc: cents(50_00) }],
                },
                Payment {
                    entry: 2,
                    card_code: "C00001".to_owned(),
                    date: date(2026, 1, 21),
                    currency: "EUR".to_owned(),
                    cancelled: true,
                    applied: vec![Applied { entry: 1, amount: cents(10_00), amount_fc: Decimal::ZERO }],
                },
            ],
            journal: vec![
                journal(1, true, &[("510000", 800_00, 0, one), ("180000", 0, 800_00, None)]),
                journal(2, true, &[("620000", 30_00, 0, two), ("180000", 0, 30_00, None)]),
                journal(3, false, &[("510000", 999_00, 0, one), ("160000", 0, 999_00, None)]),
                journal(4, true, &[("510000", 0, 50_00, one), ("180000", 50_00, 0, one)]),
            ],
            drafts: vec![document(Invoice, 1, one, &[(one, 7777_00)])],
        },
    }
}
