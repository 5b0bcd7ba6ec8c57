//! Rows to invoices and bills: signs, lines, payments, and what a project's part of a document is.

use std::sync::Arc;

use smallvec::SmallVec;
use thin_vec::ThinVec;

use super::collect::with_room;
use super::fields::Invoices;
use super::lines::CreditNotes;
use super::map::{Inherited, Reader, Setting};
use super::row::{Reject, Row, each};
use crate::domain::{
    Amounts, Booked, Direction, Flaw, FlawKind, InList, Invoice, InvoiceId, InvoiceKind, InvoiceLine, InvoiceState,
    PackedAmounts, Payment, ProjectId, ProjectInvoice, Share, SharedIdRule, split_by_project,
};

impl Invoices {
    /// A document. `asked` is the project it was found by, where the row does not say.
    pub(in crate::systems) fn read(
        &self,
        row: &Row<'_>,
        setting: Setting<'_>,
        direction: Direction,
        asked: Option<&ProjectId>,
    ) -> Result<Option<Invoice>, Reject> {
        let (mut r, f) = (Reader::new(row, setting), &self.fields);
        if r.skips(self.skip.as_ref()) {
            return Ok(None);
        }
        let id = r.id(&f.id)?;
        let (currency, company) = (r.currency(self.currency.as_ref()), r.currency(self.company_currency.as_ref()));
        let net = r.booked((f.net.as_ref(), "net", currency), (f.company_net.as_ref(), "company_net", company));
        let tax = r.booked((f.tax.as_ref(), "tax", currency), (f.company_tax.as_ref(), "company_tax", company));
        let total =
            r.booked((f.total.as_ref(), "total", currency), (f.company_total.as_ref(), "company_total", company));
        let paid = r.booked((f.paid.as_ref(), "paid", currency), (f.company_paid.as_ref(), "company_paid", company));
        let balance = r.booked(
            (f.balance.as_ref(), "balance", currency),
            (f.company_balance.as_ref(), "company_balance", company),
        );
        let mut invoice = Invoice {
            number: r.text(f.number.as_ref()),
            direction,
            kind: r.strict_word(f.kind.as_ref(), Some(InvoiceKind::Invoice), "kind")?,
            state: r.word(Some(&f.state), None).unwrap_or_else(|| InvoiceState::Unknown(String::new())),
            party: r.party(f.party_id.as_ref(), f.party.as_ref()),
            issue_date: r.day(f.issue_date.as_ref(), "issue_date"),
            due_date: r.day(f.due_date.as_ref(), "due_date"),
            amounts: PackedAmounts::default(),
            project_ids: self.project_ids(row, setting.rule, asked),
            lines: self.lines(row, setting, currency, company, &mut r.flaws)?,
            payments: self.payments(row, setting, currency, company, &mut r.flaws)?,
            url: r.url(f.url.as_ref(), self.url.as_ref(), &id),
            id: InvoiceId::new(id),
            flaws: r.flaws.into(),
        };
        if let [only] = invoice.project_ids.as_slice() {
            // A line that names no project is for the document's, if it has one.
            for line in invoice.lines.iter_mut().filter(|line| line.project_id.is_none()) {
                line.project_id = Some(only.clone());
            }
        }
        for project in invoice.lines.iter().filter_map(|line| line.project_id.as_ref()) {
            if !invoice.project_ids.contains(project) {
                invoice.project_ids.push(project.clone());
            }
        }
        let mut amounts = Amounts { net, tax, total, paid, balance };
        self.complete(&mut amounts);
        self.sign(&mut invoice, &mut amounts);
        invoice.amounts = amounts.into();
        Ok(Some(invoice))
    }

    /// Shared IDs on the document itself.
    fn project_ids(&self, row: &Row<'_>, rule: &SharedIdRule, asked: Option<&ProjectId>) -> SmallVec<[ProjectId; 1]> {
        fn add(ids: &mut SmallVec<[ProjectId; 1]>, id: ProjectId) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        let mut ids = SmallVec::new();
        if let Some(sent) = self.fields.project_id.as_ref().and_then(|path| row.get(path)) {
            sent.each_scalar(|text| {
                // By far most rows name the project that was asked, in its canonical spelling, and no other.
                match asked {
                    Some(asked) if asked.as_str() == text => add(&mut ids, asked.clone()),
                    _ => rule.parse(&text).into_iter().for_each(|id| add(&mut ids, id)),
                }
            });
        }
        if ids.is_empty() && self.lines.as_ref().is_none_or(|lines| lines.project_id.is_none()) {
            ids.extend(asked.cloned());
        }
        ids
    }

    fn lines(
        &self,
        row: &Row<'_>,
        setting: Setting<'_>,
        currency: Inherited,
        company: Inherited,
        flaws: &mut Vec<Flaw>,
    ) -> Result<ThinVec<InvoiceLine>, Reject> {
        let mut lines = ThinVec::new();
        let Some(table) = &self.lines else { return Ok(lines) };
        let Some(sent) = row.get(&table.rows) else { return Ok(lines) };
        each(sent, |line| {
            let mut r = Reader::new(line, setting);
            lines.push(InvoiceLine {
                description: r.text(table.description.as_ref()),
                quantity: r.number(table.quantity.as_ref(), "lines.quantity"),
                net: r.booked(
                    (table.net.as_ref(), "lines.net", currency),
                    (table.company_net.as_ref(), "lines.company_net", company),
                ),
                project_id: r.shared_id(table.project_id.as_ref(), None),
            });
            flaws.append(&mut r.flaws);
            Ok(())
        })?;
        Ok(lines)
    }

    fn payments(
        &self,
        row: &Row<'_>,
        setting: Setting<'_>,
        currency: Inherited,
        company: Inherited,
        flaws: &mut Vec<Flaw>,
    ) -> Result<Option<ThinVec<Payment>>, Reject> {
        let Some(table) = &self.payments else { return Ok(None) };
        let Some(sent) = row.get(&table.rows) else { return Ok(None) };
        let mut payments = ThinVec::new();
        each(sent, |payment| {
            let mut r = Reader::new(payment, setting);
            payments.push(Payment {
                id: r.required(&table.id, "payments.id")?,
                date: r.day(table.date.as_ref(), "payments.date"),
                amount: r.booked(
                    (Some(&table.amount), "payments.amount", currency),
                    (table.company_amount.as_ref(), "payments.company_amount", company),
                ),
            });
            flaws.append(&mut r.flaws);
            Ok(())
        })?;
        Ok(Some(payments))
    }
}

impl Invoices {
    /// Works out what is not mapped: of net, tax and total, and of total, paid and balance, one from the other two.
    fn complete(&self, amounts: &mut Amounts) {
        let fields = &self.fields;
        let company = [
            &fields.company_net,
            &fields.company_tax,
            &fields.company_total,
            &fields.company_paid,
            &fields.company_balance,
        ];
        // Where nothing is mapped, nothing can be worked out.
        let no_company = company.iter().all(|field| field.is_none());
        let mapped = |document: &Option<_>, company: &Option<_>| (document.is_some(), no_company || company.is_some());
        let has_net = mapped(&fields.net, &fields.company_net);
        let has_tax = mapped(&fields.tax, &fields.company_tax);
        let has_total = mapped(&fields.total, &fields.company_total);
        let has_paid = mapped(&fields.paid, &fields.company_paid);
        let has_balance = mapped(&fields.balance, &fields.company_balance);
        let Amounts { net, tax, total, paid, balance } = amounts;
        fill(total, has_total, || net.minus(tax.negated()));
        fill(net, has_net, || total.minus(*tax));
        fill(tax, has_tax, || total.minus(*net));
        fill(balance, has_balance, || total.minus(*paid));
        fill(paid, has_paid, || total.minus(*balance));
    }

    /// Makes amounts positive and gives the sign to the kind, by how the owner is declared to write credit notes. A credit
    /// note with the other sign contradicts the declaration: its amounts are unknown then.
    fn sign(&self, invoice: &mut Invoice, amounts: &mut Amounts) {
        let sign = [amounts.total, amounts.net].into_iter().find_map(sign_of);
        let Some(sign) = sign else { return };
        let credit_note = invoice.kind == InvoiceKind::CreditNote;
        let (turn, contradicts) = match self.credit_notes {
            CreditNotes::Positive => (false, credit_note && sign == Sign::Negative),
            CreditNotes::Negative => (credit_note, credit_note && sign == Sign::Positive),
            CreditNotes::BySign => (sign == Sign::Negative, false),
        };
        if contradicts {
            change(invoice, amounts, |_| Booked::default());
            invoice.flaws.push(Flaw { field: "net", kind: FlawKind::BadNumber });
        } else if turn {
            change(invoice, amounts, Booked::negated);
        }
        if self.credit_notes == CreditNotes::BySign && turn {
            invoice.kind = InvoiceKind::CreditNote;
        }
    }
}

fn fill(target: &mut Booked, (document, company): (bool, bool), work_out: impl FnOnce() -> Booked) {
    let (document, company) = (document || target.document.is_some(), company || target.company.is_some());
    if document && company {
        return;
    }
    let worked_out = work_out();
    if !document {
        target.document = worked_out.document;
    }
    if !company {
        target.company = worked_out.company;
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Positive,
    Negative,
}

fn sign_of(booked: Booked) -> Option<Sign> {
    let amount = booked.document.or(booked.company)?.amount;
    (!amount.is_zero()).then_some(if amount.is_sign_negative() { Sign::Negative } else { Sign::Positive })
}

/// Changes every amount of a document.
fn change(invoice: &mut Invoice, amounts: &mut Amounts, by: impl Fn(Booked) -> Booked) {
    let (Invoice { lines, payments, .. }, Amounts { net, tax, total, paid, balance }) = (invoice, amounts);
    let amounts = [net, tax, total, paid, balance].into_iter();
    let lines = lines.iter_mut().map(|line| &mut line.net);
    let payments = payments.iter_mut().flatten().map(|payment| &mut payment.amount);
    for amount in amounts.chain(lines).chain(payments) {
        *amount = by(*amount);
    }
}

/// Projects that a document is for, with their places in the call.
pub(in crate::systems) type Parts<'k> = SmallVec<[(usize, &'k ProjectId); 1]>;

/// Adds a document to the list of each of its projects, as that project sees it.
pub(in crate::systems) fn add_parts(invoice: Invoice, projects: &Parts<'_>, found: &mut [Vec<ProjectInvoice>]) {
    if let [(place, project)] = projects.as_slice() {
        // As by far most of them, and so not handed from function to function.
        if let Some(list) = with_room(found, *place) {
            list.push(part(invoice, project));
        }
        return;
    }
    let invoice = Arc::new(invoice);
    for (place, project) in projects {
        if let Some(list) = with_room(found, *place) {
            list.push(part(Arc::clone(&invoice), project));
        }
    }
}

/// A document as one project sees it, for which it may be alone. What its lines do not tell apart is unknown, not the whole.
#[inline]
pub(in crate::systems) fn part(invoice: impl Into<InList<Invoice>>, project: &ProjectId) -> ProjectInvoice {
    let invoice: InList<Invoice> = invoice.into();
    let by_lines = invoice.lines.iter().any(|line| line.project_id.is_some());
    if !by_lines && invoice.project_ids.len() <= 1 {
        return ProjectInvoice::whole(invoice);
    }
    let invoice = invoice.into_shared();
    let unknown = || ProjectInvoice::part(Arc::clone(&invoice), Share::default());
    if !by_lines {
        return unknown();
    }
    let parts = split_by_project(Arc::clone(&invoice));
    parts.into_iter().find(|(id, _)| id == project).map_or_else(unknown, |(_, part)| part)
}
