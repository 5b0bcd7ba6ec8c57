//! The embedded QuickBooks Online.

use std::sync::Arc;

use rust_decimal::{Decimal, RoundingStrategy};
use spine::demo::Demo;
use spine::demo::company::model::{Cancelled, Company, Document, DocumentKind};
use spine::demo::erp::Erp;

use super::{PLAIN, Stood, System, conforms};

pub(super) static SYSTEM: System = System {
    connection: "quickbooks",
    stand_up: |company| Box::pin(stand_up(company)),
    page: 500,
    invoice_id: |code, entry| format!("{}-{entry}", entity(code)),
    payment_id: |entry| format!("Payment-{entry}"),
    // Lines of documents are counted from 1, rows of journal entries from 0.
    cost_id: |code, entry, line| format!("{}-{entry}-{}", entity(code), if code == 30 { line } else { line + 1 }),
    // Names are numbered: C00012 is customer 12.
    party_id: |code| code.split_at(1).1.trim_start_matches('0').to_owned(),
    never_due: &[19],
    rebooked,
    ..PLAIN
};

async fn stand_up(company: Company) -> Stood {
    let demo = Demo::of(company, Erp::QuickBooks).await.unwrap();
    Stood {
        url: demo.erp.url.clone(),
        config: demo.gateway_config(),
        company: Arc::clone(&demo.company),
        calls: None,
        _running: Box::new(demo),
    }
}

fn entity(code: u32) -> &'static str {
    match code {
        13 => "Invoice",
        14 => "CreditMemo",
        18 => "Bill",
        19 => "VendorCredit",
        22 => "PurchaseOrder",
        30 => "JournalEntry",
        other => panic!("there is no kind of document {other}"),
    }
}

/// What is cancelled is voided in place, with nothing left in it. Of bills and payments in another currency, only the rate tells
/// what they are in the home currency.
fn rebooked(mut company: Company) -> Company {
    let home = company.currency.clone();
    let documents = &mut company.ledger.documents;
    documents.retain(|document| document.cancelled != Cancelled::Cancellation);
    for document in documents.iter_mut() {
        if document.cancelled == Cancelled::Yes && document.kind != DocumentKind::PurchaseOrder {
            void(document);
        }
        let is_bill = matches!(document.kind, DocumentKind::PurchaseInvoice | DocumentKind::PurchaseCreditNote);
        if is_bill && document.currency != home {
            by_rate(document);
        }
    }
    let rates: Vec<(u32, Decimal)> = company
        .ledger
        .documents
        .iter()
        .filter(|document| document.kind == DocumentKind::Invoice)
        .map(|document| (document.entry, document.rate))
        .collect();
    for payment in company.ledger.payments.iter_mut().filter(|payment| payment.currency != home) {
        // A payment has one rate, whatever it pays.
        let rate = rates.iter().find(|(entry, _)| Some(*entry) == payment.applied.first().map(|applied| applied.entry));
        for applied in &mut payment.applied {
            applied.amount = cents(applied.amount_fc * rate.unwrap().1);
        }
    }
    company
}

fn void(document: &mut Document) {
    for line in &mut document.lines {
        (line.net, line.net_fc, line.tax) = (Decimal::ZERO, Decimal::ZERO, Decimal::ZERO);
    }
    for amount in [
        &mut document.total,
        &mut document.total_fc,
        &mut document.tax,
        &mut document.tax_fc,
        &mut document.paid,
        &mut document.paid_fc,
    ] {
        *amount = Decimal::ZERO;
    }
}

/// Each line and the tax are posted at the rate of the document.
fn by_rate(document: &mut Document) {
    let open = document.total_fc - document.paid_fc;
    document.tax = cents(document.tax_fc * document.rate);
    document.total = document.lines.iter().map(|line| line.net).sum::<Decimal>() + document.tax;
    let open = if open == document.total_fc { document.total } else { cents(open * document.rate) };
    document.paid = document.total - open;
}

fn cents(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

conforms!(SYSTEM);
