//! Corrections in the ERP's books.

use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::fields::Fields;
use super::{Refused, nonsense, unknown};
use crate::demo::company::amounts::{self, LOCAL, ZERO, both, round};
use crate::demo::company::model::{Applied, Cancelled, Company, Document, DocumentKind, JournalEntry, Ledger, Payment};

/// Corrects an invoice or a purchase invoice.
pub(super) fn document(company: &mut Company, mut fields: Fields) -> Result<Value, Refused> {
    let kind = if fields.target(&["invoice", "cost"])? == "invoice" {
        ("invoice", DocumentKind::Invoice)
    } else {
        ("cost", DocumentKind::PurchaseInvoice)
    };
    let number = fields.number(kind.0)?.unwrap_or_default();
    let (net, paid, due) = (fields.amount("net")?, fields.amount("paid")?, fields.date("due")?);
    let cancel = fields.flag("cancel")?;
    let today = company.today;
    let ledger = &mut company.ledger;
    let position = ledger
        .documents
        .iter()
        .position(|document| document.kind == kind.1 && i64::from(document.number) == number)
        .ok_or_else(|| unknown(kind.0, number))?;
    let Some(old) = ledger.documents.get(position) else { return Err(unknown(kind.0, number)) };
    if old.cancelled != Cancelled::No {
        return nonsense(format!("{} {number} is cancelled", kind.0));
    }
    // All is tried on a copy: a correction is made whole or not at all.
    let mut new = old.clone();
    if fields.has("project") {
        fields.set_text("project", &mut new.project)?;
        for line in &mut new.lines {
            line.project.clone_from(&new.project);
        }
    }
    fields.end("a document")?;
    if let Some(code) = new.project.as_ref().filter(|code| !ledger.projects.iter().any(|(known, _)| known == *code)) {
        return Err(unknown("project in the ERP", code));
    }
    if let Some(net) = net {
        change_net(&mut new, net)?;
    }
    if let Some(paid) = paid {
        change_paid(&mut new, paid)?;
    }
    cap_paid(&mut new);
    let cash = if kind.1 == DocumentKind::Invoice { received(ledger, new.entry) } else { (old.paid, old.paid_fc) };
    let credited = (old.paid - cash.0, old.paid_fc - cash.1);
    if new.paid < credited.0 || new.paid_fc < credited.1 {
        return nonsense(format!("{} {number} is reconciled with a credit note of {}", kind.0, credited.0));
    }
    if cancel && new.paid > ZERO {
        return nonsense(format!("{} {number} is paid: correct \"paid\" to 0 first", kind.0));
    }
    if let Some(due) = due {
        new.due = due;
    }
    new.updated = today;
    let before = shown(old);
    let mut after = shown(&new);
    if kind.1 == DocumentKind::Invoice {
        settle_to(ledger, &new, (new.paid - credited.0, new.paid_fc - credited.1));
    }
    if cancel {
        let cancellation = cancelled(ledger, &mut new);
        after = shown(&new);
        if let Some(after) = after.as_object_mut() {
            after.insert("cancelled_by".to_owned(), json!(cancellation.number));
        }
        ledger.documents.push(cancellation);
    }
    if let Some(place) = ledger.documents.get_mut(position) {
        *place = new;
    }
    Ok(json!({ kind.0: number, "before": before, "after": after }))
}

/// Spreads the new net over the lines as the old one was, at the document's own tax and rate.
fn change_net(document: &mut Document, net: Decimal) -> Result<(), Refused> {
    let local = document.currency == LOCAL;
    let old = net_of(document);
    if net <= ZERO || old <= ZERO {
        return nonsense("a net is above 0: cancel the document instead");
    }
    let percent = (document.tax * Decimal::ONE_HUNDRED / (document.total - document.tax)).round();
    let percent = i64::try_from(percent.mantissa()).unwrap_or(0);
    let (mut left, mut left_old, mut foreign_tax) = (net, old, ZERO);
    for line in &mut document.lines {
        let line_old = if local { line.net } else { line.net_fc };
        let line_new = if line_old == left_old { left } else { round(left * line_old / left_old) };
        (left, left_old) = (left - line_new, left_old - line_old);
        foreign_tax += amounts::set_net(line, line_new, percent, document.rate, local);
    }
    amounts::total(document, foreign_tax);
    Ok(())
}

fn change_paid(document: &mut Document, paid: Decimal) -> Result<(), Refused> {
    let local = document.currency == LOCAL;
    let total = if local { document.total } else { document.total_fc };
    if paid > total {
        return nonsense(format!("paid is at most the total, {total}"));
    }
    (document.paid, document.paid_fc) =
        if paid == total { (document.total, document.total_fc) } else { both(paid, document.rate, local) };
    Ok(())
}

/// What was paid beyond a lower total goes back to the payer.
fn cap_paid(document: &mut Document) {
    if document.paid >= document.total || document.paid_fc > document.total_fc {
        (document.paid, document.paid_fc) = (document.total, document.total_fc);
    }
    document.open = document.paid < document.total;
    for line in &mut document.lines {
        line.open = document.open;
    }
}

/// The cash that came in for an invoice, local and foreign.
fn received(ledger: &Ledger, invoice: u32) -> (Decimal, Decimal) {
    let payments = ledger.payments.iter().filter(|payment| !payment.cancelled);
    let applied = payments.flat_map(|payment| &payment.applied).filter(|applied| applied.entry == invoice);
    applied.fold((ZERO, ZERO), |(amount, amount_fc), applied| (amount + applied.amount, amount_fc + applied.amount_fc))
}

/// Brings the payments of an invoice to this sum: the latest are taken back first, what is missing comes in today.
fn settle_to(ledger: &mut Ledger, invoice: &Document, target: (Decimal, Decimal)) {
    let have = received(ledger, invoice.entry);
    if have == target {
        return;
    }
    let (mut keep, mut keep_fc) = target;
    for payment in ledger.payments.iter_mut().filter(|payment| !payment.cancelled) {
        for applied in payment.applied.iter_mut().filter(|applied| applied.entry == invoice.entry) {
            applied.amount = applied.amount.min(keep);
            applied.amount_fc = applied.amount_fc.min(keep_fc);
            (keep, keep_fc) = (keep - applied.amount, keep_fc - applied.amount_fc);
        }
        payment.applied.retain(|applied| applied.amount > ZERO);
    }
    ledger.payments.retain(|payment| !payment.applied.is_empty());
    if keep > ZERO {
        ledger.payments.push(Payment {
            entry: ledger.payments.iter().map(|payment| payment.entry).max().unwrap_or(0) + 1,
            card_code: invoice.card_code.clone(),
            date: invoice.updated,
            currency: invoice.currency.clone(),
            cancelled: false,
            applied: vec![Applied { entry: invoice.entry, amount: keep, amount_fc: keep_fc }],
        });
    }
}

/// Cancels the document and returns the one that cancels it. The ERP counts both as paid and closed.
fn cancelled(ledger: &Ledger, document: &mut Document) -> Document {
    (document.paid, document.paid_fc) = (document.total, document.total_fc);
    document.open = false;
    for line in &mut document.lines {
        line.open = false;
    }
    document.cancelled = Cancelled::Yes;
    let same_kind = || ledger.documents.iter().filter(|other| other.kind == document.kind);
    Document {
        entry: same_kind().map(|other| other.entry).max().unwrap_or(0) + 1,
        number: same_kind().map(|other| other.number).max().unwrap_or(0) + 1,
        cancelled: Cancelled::Cancellation,
        date: document.updated,
        ..document.clone()
    }
}

fn net_of(document: &Document) -> Decimal {
    if document.currency == LOCAL { document.total - document.tax } else { document.total_fc - document.tax_fc }
}

/// The document as a correction shows it: in its own currency.
fn shown(document: &Document) -> Value {
    let local = document.currency == LOCAL;
    let pick = |amount, amount_fc| if local { amount } else { amount_fc };
    let (tax, total) = (pick(document.tax, document.tax_fc), pick(document.total, document.total_fc));
    json!({
        "currency": document.currency, "net": net_of(document), "tax": tax, "total": total,
        "paid": pick(document.paid, document.paid_fc), "due": document.due, "project": document.project,
        "open": document.open, "cancelled": document.cancelled,
    })
}

/// Corrects a cost line of a manual journal entry; the entry stays in balance.
pub(super) fn journal(company: &mut Company, mut fields: Fields) -> Result<Value, Refused> {
    let number = fields.number("journal")?.unwrap_or_default();
    let (amount, project) = (fields.amount("amount")?, fields.word("project")?);
    fields.end("a journal entry")?;
    let entry = company.ledger.journal.iter_mut().find(|entry| i64::from(entry.number) == number);
    let entry = entry.ok_or_else(|| unknown("journal entry", number))?;
    if !entry.manual {
        return nonsense(format!("journal entry {number} belongs to a document: correct the document"));
    }
    let on_projects: Vec<usize> = (0..entry.lines.len())
        .filter(|at| entry.lines.get(*at).and_then(|line| line.project.as_ref()).is_some())
        .filter(|at| project.is_none() || entry.lines.get(*at).map(|line| &line.project) == Some(&project))
        .collect();
    let [position] = on_projects[..] else {
        return nonsense(match project {
            Some(project) => format!("journal entry {number} has no line, or several, for {project}"),
            None => format!("journal entry {number} carries several projects: name one"),
        });
    };
    let Some(amount) = amount else { return nonsense("\"amount\" is missing") };
    let before = shown_entry(entry);
    if let Some(line) = entry.lines.get_mut(position) {
        let side = if line.debit > ZERO { &mut line.debit } else { &mut line.credit };
        *side = amount;
    }
    let others = entry.lines.iter().filter(|line| line.project.is_some());
    let rest: Decimal = others.map(|line| line.debit - line.credit).sum();
    if let Some(balance) = entry.lines.iter_mut().find(|line| line.project.is_none()) {
        (balance.debit, balance.credit) = if rest > ZERO { (ZERO, rest) } else { (-rest, ZERO) };
    }
    Ok(json!({ "journal": number, "before": before, "after": shown_entry(entry) }))
}

fn shown_entry(entry: &JournalEntry) -> Value {
    json!({ "lines": entry.lines })
}
