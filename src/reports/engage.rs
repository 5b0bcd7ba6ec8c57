//! From what was read of a project to an [`Engagement`].

use std::borrow::Borrow;
use std::sync::Arc;

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::Reports;
use super::gather::{Gathered, Needs};
use super::portfolio::Engaged;
use crate::domain::{
    self, Booked, Deal, DealStatus, Health, Invoice, InvoiceKind, InvoiceState, Project, ProjectId, ProjectInvoice,
    ProjectStatus, Ticket, TicketCategory,
};
use crate::finance::{
    Attributes, Contract, Engagement, Exclusion, Figure, Part, Receivables, Spending, Support, percent_complete,
};

/// What a deal leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lead {
    /// A project.
    Linked,
    /// Nothing: it carries no usable shared ID.
    Unlinked,
    /// A project that others lead to, and by whose ID its owner does not find it.
    NotFoundById,
    /// A project whose deals are told in more than one way: which of them leads it is not known.
    NotWhole,
}

/// The engagement of a project and its deals (the lead first), or of one deal that leads to none.
pub(super) fn engagement<'a>(
    reports: &Reports,
    needs: Needs,
    gathered: &Gathered,
    project: Option<&'a ProjectId>,
    deals: &[Arc<Deal>],
    lead: Lead,
) -> Engaged<'a> {
    let header = project.map(|id| gathered.projects.of(id, Exclusion::DeliveryUnavailable, None));
    let header = header.unwrap_or(Part::Nothing);
    let attributes = attributes(gathered, header.as_ref().known().map(AsRef::as_ref), deals);
    let engagement = match project {
        Some(id) => of_project(reports, needs, gathered, id, &header, deals, lead),
        None => of_deal(deals, lead),
    };
    let inherits = needs.handover && project.is_some() && !deals.is_empty();
    let handover = inherits.then(|| gathered.details.handover(deals));
    Engaged { engagement, attributes, project, header: header.known(), handover, deals: deals.to_vec() }
}

/// What an invoice says that is for no project, or the part of it that is.
pub(super) fn without_project<'a>(reports: &Reports, needs: Needs, invoice: &Arc<Invoice>) -> Option<Engaged<'a>> {
    if matches!(invoice.state, InvoiceState::Draft | InvoiceState::Void) {
        return None;
    }
    let part = domain::without_project(invoice)?;
    let today = reports.clock.today();
    let parts = std::slice::from_ref(&part);
    let receivables = Receivables::of(parts, today);
    let sales = if needs.invoices { Part::Known(credit_sales(parts, today)) } else { Part::Nothing };
    let engagement = Engagement {
        invoiced: Part::Known(receivables.invoiced.clone()),
        receivables: if needs.invoices { Part::Known(receivables) } else { Part::Nothing },
        credit_sales: sales,
        ..nothing()
    };
    let attributes = Attributes::default();
    Some(Engaged { engagement, attributes, project: None, header: None, handover: None, deals: Vec::new() })
}

/// What stands for engagements that nobody could list: without them neither what nobody assigned nor the total is known.
pub(super) fn unlisted<'a>(needs: Needs, reason: Exclusion) -> Engaged<'a> {
    let engagement = Engagement {
        invoiced: unless(needs.invoiced || needs.invoices, reason),
        receivables: unless(needs.invoices, reason),
        credit_sales: unless(needs.invoices, reason),
        spending: unless(needs.costs, reason),
        progress: unless(needs.progress, reason),
        hours_budgeted: unless(needs.projects, reason),
        hours_spent: unless(needs.effort, reason),
        ..nothing()
    };
    Engaged {
        engagement,
        attributes: Attributes::default(),
        project: None,
        header: None,
        handover: None,
        deals: Vec::new(),
    }
}

fn unless<T>(asked: bool, reason: Exclusion) -> Part<T> {
    if asked { Part::Unavailable(reason) } else { Part::Nothing }
}

fn nothing() -> Engagement {
    Engagement {
        deals: 0,
        is_project: false,
        contract: Part::Nothing,
        invoiced: Part::Nothing,
        receivables: Part::Nothing,
        credit_sales: Part::Nothing,
        spending: Part::Nothing,
        progress: Part::Nothing,
        is_cancelled: false,
        hours_budgeted: Part::Nothing,
        hours_spent: Part::Nothing,
        support: Part::Nothing,
    }
}

/// A deal that leads to no project. Its part of the contract is known; if it is won, what was invoiced and spent is missing.
fn of_deal(deals: &[Arc<Deal>], lead: Lead) -> Engagement {
    let won = deals.iter().any(|deal| deal.status != Some(DealStatus::Open) && deal.status != Some(DealStatus::Lost));
    let missing = match lead {
        Lead::Linked | Lead::Unlinked => Exclusion::NotLinked,
        Lead::NotFoundById => Exclusion::NotFoundById,
        Lead::NotWhole => Exclusion::NotWhole,
    };
    Engagement {
        deals: deals.len(),
        contract: Part::Known(Contract::of(deals)),
        invoiced: if won { Part::Unknown(missing) } else { Part::Nothing },
        spending: if won { Part::Unknown(missing) } else { Part::Nothing },
        ..nothing()
    }
}

fn of_project(
    reports: &Reports,
    needs: Needs,
    gathered: &Gathered,
    id: &ProjectId,
    header: &Part<Arc<Project>>,
    deals: &[Arc<Deal>],
    lead: Lead,
) -> Engagement {
    let today = reports.clock.today();
    let won = deals.iter().any(|deal| deal.status == Some(DealStatus::Won));
    // That the books do not know a project is only to be expected while nothing is sold.
    let unless_won = |reason| Some(reason).filter(|_| won || deals.is_empty());
    let unknown = Exclusion::NotInReceivables;
    let asked = Exclusion::ReceivablesUnavailable;
    let (mut invoiced, mut receivables, mut sales) = (Part::Nothing, Part::Nothing, Part::Nothing);
    if needs.invoices {
        let records = gathered.invoices.of(id, asked, unless_won(unknown));
        receivables = records.as_ref().then(|records| Part::Known(Receivables::of(records.iter(), today)));
        sales = records.then(|records| Part::Known(credit_sales(records.iter(), today)));
        invoiced = receivables.as_ref().then(|sums| Part::Known(sums.invoiced.clone()));
    } else if needs.invoiced {
        let of_records = || {
            let records = gathered.invoices.of(id, asked, unless_won(unknown));
            records.then(|records| Part::Known(Receivables::of(records.iter(), today).invoiced))
        };
        let owner = reports.reads.receivables.of(id);
        invoiced = if owner.is_some_and(|owner| owner.sums.is_some()) {
            let sums = gathered.invoice_sums.of(id, asked, unless_won(unknown));
            sums.then(|sums| Part::Known(Figure::of_sums(&sums)))
        } else {
            of_records()
        };
    }
    let spending =
        if needs.costs { spending(reports, gathered, id, unless_won(Exclusion::NotInCosts)) } else { Part::Nothing };
    let support = if needs.tickets { support(reports, gathered, id, deals) } else { Part::Nothing };
    Engagement {
        deals: deals.len(),
        is_project: true,
        contract: match (deals, lead) {
            ([], Lead::NotWhole) => Part::Unknown(Exclusion::NotWhole),
            ([], _) => Part::Unknown(Exclusion::NotInCommercial),
            _ => Part::Known(Contract::of(deals)),
        },
        invoiced,
        receivables,
        credit_sales: sales,
        spending,
        progress: if needs.progress { progress(gathered, id, header) } else { Part::Nothing },
        is_cancelled: header.as_ref().known().is_some_and(|header| header.status == ProjectStatus::Cancelled),
        hours_budgeted: header.as_ref().then(|header| header.hours_budgeted.map_or(Part::Nothing, Part::Known)),
        hours_spent: if needs.effort {
            let effort = gathered.effort.of(id, Exclusion::DeliveryUnavailable, None);
            effort.then(|effort| Part::Known(effort.hours_spent))
        } else {
            Part::Nothing
        },
        support,
    }
}

fn spending(reports: &Reports, gathered: &Gathered, id: &ProjectId, nothing: Option<Exclusion>) -> Part<Spending> {
    let unavailable = Exclusion::CostsUnavailable;
    if reports.reads.costs.of(id).is_some_and(|owner| owner.sums.is_some()) {
        let sums = gathered.cost_sums.of(id, unavailable, nothing);
        return sums.then(|sums| Part::Known(Spending::of_sums(&sums)));
    }
    let costs = gathered.costs.of(id, unavailable, nothing);
    costs.then(|costs| Part::Known(Spending::of(costs.iter())))
}

/// Percent complete: what the owner of projects states, else the progress of the planned work.
fn progress(gathered: &Gathered, id: &ProjectId, header: &Part<Arc<Project>>) -> Part<rust_decimal::Decimal> {
    header.as_ref().then(|header| match header.percent_complete {
        Some(percent) => Part::Known(percent),
        None => match gathered.work.of(id, Exclusion::DeliveryUnavailable, None) {
            Part::Known(work) => percent_complete(&work).map_or(Part::Nothing, Part::Known),
            Part::Unavailable(reason) => Part::Unavailable(reason),
            // A tool that keeps no tasks says nothing of progress, and nothing is missing.
            Part::Unknown(_) | Part::Nothing => Part::Nothing,
        },
    })
}

/// Support and incidents that were opened after the lead was closed.
fn support(reports: &Reports, gathered: &Gathered, id: &ProjectId, deals: &[Arc<Deal>]) -> Part<Support> {
    let lead = deals.first().filter(|deal| deal.status == Some(DealStatus::Won));
    let Some(closed) = lead.and_then(|deal| deal.close_date) else { return Part::Nothing };
    let days = reports.settings.support.days.map(i64::from);
    let until = days.and_then(|days| closed.checked_add(days.days()).ok());
    gathered
        .tickets
        .of(id, Exclusion::TicketsUnavailable, None)
        .then(|tickets| Part::Known(support_after(&tickets, closed, until)))
}

fn support_after<T: Borrow<Ticket>>(tickets: &[T], closed: Date, until: Option<Date>) -> Support {
    let mut support = Support { tickets: Some(0), hours: Some(rust_decimal::Decimal::ZERO) };
    for ticket in tickets.iter().map(Borrow::borrow) {
        if matches!(ticket.category, TicketCategory::Task | TicketCategory::ChangeRequest) {
            continue;
        }
        let opened = ticket.opened_at.map(|at| at.to_zoned_datetime(TimeZone::UTC).date());
        let within = opened.map(|day| day > closed && until.is_none_or(|until| day <= until));
        let counts = matches!(ticket.category, TicketCategory::Incident | TicketCategory::Support);
        match within {
            Some(false) => {}
            Some(true) if counts => {
                support.tickets = support.tickets.map(|tickets| tickets + 1);
                support.hours = support.hours.zip(ticket.hours).and_then(|(sum, hours)| sum.checked_add(hours));
            }
            // Nobody can say whether it counts.
            Some(true) | None => support = Support { tickets: None, hours: None },
        }
    }
    support
}

/// Invoiced with tax in the 365 days before today, less credit notes.
fn credit_sales<'i>(invoices: impl IntoIterator<Item = &'i ProjectInvoice>, today: Date) -> Figure {
    let since = today.checked_sub(365.days()).unwrap_or(Date::MIN);
    let mut sales = Figure::default();
    for part in invoices {
        let invoice = &part.invoice;
        let recent = invoice.issue_date.map(|date| date > since);
        match (&invoice.state, recent) {
            (InvoiceState::Draft | InvoiceState::Void, _) | (_, Some(false)) => {}
            (InvoiceState::Unknown(_), _) | (_, None) => sales.add(Booked::default()),
            (InvoiceState::Open | InvoiceState::Closed, Some(true)) => match invoice.kind {
                InvoiceKind::Invoice => sales.add(part.total()),
                InvoiceKind::CreditNote => sales.subtract(part.total()),
            },
        }
    }
    sales
}

fn attributes(gathered: &Gathered, header: Option<&Project>, deals: &[Arc<Deal>]) -> Attributes {
    let text = |text: Option<&str>| text.filter(|text| !text.trim().is_empty()).map(Arc::from);
    let lead = deals.first();
    let client = domain::client_of(deals);
    let known = client.and_then(|id| gathered.clients.get(id));
    Attributes {
        vertical: text(lead.and_then(|deal| deal.vertical.as_deref())),
        client: client.map(|id| Arc::from(id.as_str())),
        client_name: text(known.and_then(|client| client.name.as_deref())),
        country: text(known.and_then(|client| client.country.as_deref())),
        deal_type: text(lead.and_then(|deal| deal.deal_type.as_deref())),
        deal_owner: text(lead.and_then(|deal| deal.owner.as_ref()).map(|owner| owner.name.as_str())),
        stage: text(lead.and_then(|deal| deal.stage.as_deref())),
        close_date: lead.and_then(|deal| deal.close_date),
        currency: lead.and_then(|deal| deal.amount).map(|amount| amount.currency),
        manager: text(header.and_then(|header| header.manager.as_ref()).map(|manager| manager.name.as_str())),
        health: header.and_then(|header| header.health.as_ref()).map(|health| match health {
            Health::Green => "GREEN".into(),
            Health::Amber => "AMBER".into(),
            Health::Red => "RED".into(),
            Health::Unknown(word) => word.as_str().into(),
        }),
    }
}
