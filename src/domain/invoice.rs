//! Financial movements: invoices and credit notes, to clients and from vendors.

use std::sync::Arc;

use compact_str::CompactString;
use jiff::civil::Date;
use rust_decimal::Decimal;
use smallvec::SmallVec;
use thin_vec::ThinVec;

use super::amounts::Which;
use super::{Booked, Flaw, InList, InvoiceId, PackedAmounts, ProjectId};

/// An invoice or credit note. Amounts are positive on both: the kind gives the sign.
///
/// They come by the thousand, and a list of them is as fast as its memory is small: so what most have not is a pointer.
#[derive(Debug, Clone)]
pub struct Invoice {
    /// The owner's record ID.
    pub id: InvoiceId,
    /// Number on paper.
    pub number: Option<CompactString>,
    /// To a client, or from a vendor.
    pub direction: Direction,
    /// What it is.
    pub kind: InvoiceKind,
    /// How the owner keeps it.
    pub state: InvoiceState,
    /// Who owes, or is owed.
    pub party: Option<Box<Party>>,
    /// Issued.
    pub issue_date: Option<Date>,
    /// Due.
    pub due_date: Option<Date>,
    /// The amounts: see [`Invoice::net`] and those beside it.
    pub amounts: PackedAmounts,
    /// Lines.
    pub lines: ThinVec<InvoiceLine>,
    /// Payments, where the owner lists them; none if it was not asked or does not say.
    pub payments: Option<ThinVec<Payment>>,
    /// The projects it is for; more than one when its lines are.
    pub project_ids: SmallVec<[ProjectId; 1]>,
    /// Where a person opens it.
    pub url: Option<Arc<str>>,
    /// Fields the owner states in a form nobody can read.
    pub flaws: ThinVec<Flaw>,
}

impl Invoice {
    /// What people call its state on a given day.
    pub fn status(&self, today: Date) -> InvoiceStatus {
        match &self.state {
            InvoiceState::Draft => InvoiceStatus::Draft,
            InvoiceState::Void => InvoiceStatus::Void,
            InvoiceState::Unknown(raw) => InvoiceStatus::Unknown(raw.clone()),
            InvoiceState::Closed => InvoiceStatus::Paid,
            InvoiceState::Open if self.due_date.is_some_and(|due| due < today) => InvoiceStatus::Overdue,
            InvoiceState::Open => {
                let paid = self.paid();
                let paid = paid.document.or(paid.company);
                if paid.is_some_and(|paid| paid.amount > Decimal::ZERO) {
                    InvoiceStatus::PartiallyPaid
                } else {
                    InvoiceStatus::Open
                }
            }
        }
    }
}

impl Invoice {
    /// See [`Amounts::net`](super::Amounts::net).
    pub fn net(&self) -> Booked {
        self.amounts.amount(Which::Net)
    }

    /// See [`Amounts::tax`](super::Amounts::tax).
    pub fn tax(&self) -> Booked {
        self.amounts.amount(Which::Tax)
    }

    /// See [`Amounts::total`](super::Amounts::total).
    pub fn total(&self) -> Booked {
        self.amounts.amount(Which::Total)
    }

    /// See [`Amounts::paid`](super::Amounts::paid).
    pub fn paid(&self) -> Booked {
        self.amounts.amount(Which::Paid)
    }

    /// See [`Amounts::balance`](super::Amounts::balance).
    pub fn balance(&self) -> Booked {
        self.amounts.amount(Which::Balance)
    }
}

/// To a client, or from a vendor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// To a client.
    Receivable,
    /// From a vendor.
    Payable,
}

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum InvoiceKind {
    /// An invoice.
    Invoice,
    /// A credit note: it takes back.
    CreditNote,
}

/// How the owner keeps a document.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum InvoiceState {
    /// Not posted: never part of a figure.
    Draft,
    /// Posted, with something still open.
    Open,
    /// Posted, with nothing open.
    Closed,
    /// Cancelled, or the document that cancels another: never part of a figure.
    Void,
    /// A state nobody has mapped, as the owner writes it.
    Unknown(String),
}

/// What people call the state of a document.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum InvoiceStatus {
    /// Not posted.
    Draft,
    /// Open, not due yet, nothing paid.
    Open,
    /// Open, not due yet, something paid.
    PartiallyPaid,
    /// Nothing open.
    Paid,
    /// Open after its due date.
    Overdue,
    /// Cancelled.
    Void,
    /// A state nobody has mapped, as the owner writes it.
    Unknown(String),
}

/// Who owes, or is owed.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Party {
    /// The owner's code for it.
    pub id: Option<CompactString>,
    /// Name.
    pub name: Option<CompactString>,
}

/// A line of a document.
#[derive(Debug, Clone)]
pub struct InvoiceLine {
    /// Text.
    pub description: Option<String>,
    /// Quantity.
    pub quantity: Option<Decimal>,
    /// Without tax.
    pub net: Booked,
    /// The project of the line.
    pub project_id: Option<ProjectId>,
}

/// A payment on a document.
#[derive(Debug, Clone)]
pub struct Payment {
    /// The owner's record ID.
    pub id: Arc<str>,
    /// When.
    pub date: Option<Date>,
    /// How much of it went to this document.
    pub amount: Booked,
}

/// A document as one project sees it: the whole of it, or the lines that are for this project. The amounts with tax
/// are then allocated by the share of the net, and say so.
#[derive(Debug, Clone)]
pub struct ProjectInvoice {
    /// The document.
    pub invoice: InList<Invoice>,
    /// This project's part; none if the document is for it alone, as most are.
    pub share: Option<Box<Share>>,
}

/// The part of a document that is for one project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// Without tax.
    pub net: Booked,
    /// With tax.
    pub total: Booked,
    /// Paid.
    pub paid: Booked,
    /// Open.
    pub balance: Booked,
}

impl ProjectInvoice {
    /// A document that is for one project alone.
    #[inline]
    pub fn whole(invoice: impl Into<InList<Invoice>>) -> Self {
        Self { invoice: invoice.into(), share: None }
    }

    /// A part of a document.
    pub fn part(invoice: Arc<Invoice>, share: Share) -> Self {
        Self { invoice: InList::Shared(invoice), share: Some(Box::new(share)) }
    }

    /// Without tax, this project's part.
    pub fn net(&self) -> Booked {
        self.share.as_ref().map_or_else(|| self.invoice.net(), |share| share.net)
    }

    /// With tax, this project's part.
    pub fn total(&self) -> Booked {
        self.share.as_ref().map_or_else(|| self.invoice.total(), |share| share.total)
    }

    /// Paid, this project's part.
    pub fn paid(&self) -> Booked {
        self.share.as_ref().map_or_else(|| self.invoice.paid(), |share| share.paid)
    }

    /// Open, this project's part.
    pub fn balance(&self) -> Booked {
        self.share.as_ref().map_or_else(|| self.invoice.balance(), |share| share.balance)
    }

    /// Whether the document is shared with other projects, so that total, paid and balance are allocated.
    pub fn allocated(&self) -> bool {
        self.share.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_small() {
        assert!(
            size_of::<ProjectInvoice>() <= 240,
            "{} bytes: lists of them are read at the speed of memory",
            size_of::<ProjectInvoice>()
        );
    }
}
