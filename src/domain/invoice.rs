//! Financial movements: invoices and credit notes, to clients and from vendors.

use std::sync::Arc;

use jiff::civil::Date;
use rust_decimal::Decimal;
use smallvec::SmallVec;
use smol_str::SmolStr;
use thin_vec::ThinVec;

use super::{Booked, Flaw, InvoiceId, Money, ProjectId};

/// An invoice or credit note. Amounts are positive on both: the kind gives the sign.
///
/// They come by the thousand, and a list of them is as fast as its memory is small: so what most have not is a pointer.
#[derive(Debug, Clone)]
pub struct Invoice {
    /// The owner's record ID.
    pub id: InvoiceId,
    /// Number on paper.
    pub number: Option<SmolStr>,
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

/// The amounts of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Amounts {
    /// Without tax.
    pub net: Booked,
    /// Tax.
    pub tax: Booked,
    /// With tax.
    pub total: Booked,
    /// Paid so far, of the total. Includes what credit notes settled, where the owner counts that as paid.
    pub paid: Booked,
    /// Still open, of the total.
    pub balance: Booked,
}

/// [`Amounts`] in little memory: those in the company's currency take some only where the owner keeps such.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PackedAmounts {
    pub(super) document: OneCurrency,
    pub(super) company: Option<Box<OneCurrency>>,
}

/// The amounts of a document in one of its currencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct OneCurrency {
    pub(super) net: Option<Money>,
    pub(super) tax: Option<Money>,
    pub(super) total: Option<Money>,
    pub(super) paid: Option<Money>,
    pub(super) balance: Option<Money>,
}

impl Amounts {
    fn of(&self, side: fn(Booked) -> Option<Money>) -> OneCurrency {
        let Self { net, tax, total, paid, balance } = *self;
        let [net, tax, total, paid, balance] = [net, tax, total, paid, balance].map(side);
        OneCurrency { net, tax, total, paid, balance }
    }
}

impl From<Amounts> for PackedAmounts {
    fn from(amounts: Amounts) -> Self {
        let company = amounts.of(|booked| booked.company);
        Self {
            document: amounts.of(|booked| booked.document),
            company: (company != OneCurrency::default()).then(|| Box::new(company)),
        }
    }
}

impl PackedAmounts {
    fn amount(&self, of: fn(&OneCurrency) -> Option<Money>) -> Booked {
        Booked { document: of(&self.document), company: self.company.as_deref().and_then(of) }
    }
}

impl Invoice {
    /// See [`Amounts::net`].
    pub fn net(&self) -> Booked {
        self.amounts.amount(|all| all.net)
    }

    /// See [`Amounts::tax`].
    pub fn tax(&self) -> Booked {
        self.amounts.amount(|all| all.tax)
    }

    /// See [`Amounts::total`].
    pub fn total(&self) -> Booked {
        self.amounts.amount(|all| all.total)
    }

    /// See [`Amounts::paid`].
    pub fn paid(&self) -> Booked {
        self.amounts.amount(|all| all.paid)
    }

    /// See [`Amounts::balance`].
    pub fn balance(&self) -> Booked {
        self.amounts.amount(|all| all.balance)
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
    pub id: Option<SmolStr>,
    /// Name.
    pub name: Option<SmolStr>,
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
    pub invoice: Arc<Invoice>,
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
    pub fn whole(invoice: Arc<Invoice>) -> Self {
        Self { invoice, share: None }
    }

    /// A part of a document.
    pub fn part(invoice: Arc<Invoice>, share: Share) -> Self {
        Self { invoice, share: Some(Box::new(share)) }
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
    use proptest::prelude::*;

    use super::super::Currency;
    use super::*;

    fn booked() -> impl Strategy<Value = Booked> {
        let money =
            |currency| any::<Option<i64>>().prop_map(move |of| Some(Money::new(Decimal::new(of?, 2), currency)));
        (money(Currency::USD), money(Currency::EUR)).prop_map(|(document, company)| Booked { document, company })
    }

    proptest! {
        #[test]
        fn amounts_are_kept_as_they_are(
            [net, tax, total, paid, balance] in proptest::array::uniform5(booked()),
            in_company_currency in any::<bool>(),
        ) {
            let mut amounts = Amounts { net, tax, total, paid, balance };
            if !in_company_currency {
                let Amounts { net, tax, total, paid, balance } = &mut amounts;
                for booked in [net, tax, total, paid, balance] {
                    booked.company = None;
                }
            }
            let packed = PackedAmounts::from(amounts);
            prop_assert_eq!(packed.amount(|all| all.net), amounts.net);
            prop_assert_eq!(packed.amount(|all| all.tax), amounts.tax);
            prop_assert_eq!(packed.amount(|all| all.total), amounts.total);
            prop_assert_eq!(packed.amount(|all| all.paid), amounts.paid);
            prop_assert_eq!(packed.amount(|all| all.balance), amounts.balance);
        }
    }

    #[test]
    fn a_document_is_small() {
        assert!(
            size_of::<Invoice>() <= 280,
            "{} bytes: lists of them are read at the speed of memory",
            size_of::<Invoice>()
        );
    }
}
